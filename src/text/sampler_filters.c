/* The filters of a sampler: each drops some of the candidates.
 *
 * Top-k goes once over the logits and keeps the k best in a heap, so that most tokens cost one
 * comparison.  The other filters need an order only as far as they look: the rest of the candidates is a
 * heap from which the next largest is taken.  Top-p first drops what is so improbable that all of it
 * together is less than 1 - p, which for a usual vocabulary leaves hundreds of 256 thousand.
 *
 * Papers: Fan et al. 2018 (top-k), Holtzman et al. 2020 (top-p), Meister et al. 2022 (typical), Nguyen
 * et al. 2024 (min-p), Basu et al. 2021 (mirostat); XTC is of p-e-w (text-generation-webui, 2024). */
#include "text/sampler_int.h"

#include <math.h>

static bool before(const struct sw_candidate *a, const struct sw_candidate *b)
{
    return a->key > b->key || (a->key == b->key && a->id < b->id);
}

static void swap(struct sw_candidate *a, struct sw_candidate *b)
{
    const struct sw_candidate t = *a;
    *a = *b;
    *b = t;
}

/* ---- order ------------------------------------------------------------------------------------- */

/* Node i of the heap stands at end[-1 - i]; put it where it belongs among `n`. */
static void sift(struct sw_candidate *end, int64_t i, int64_t n)
{
    for (;;) {
        int64_t child = 2 * i + 1;
        if (child >= n) return;
        if (child + 1 < n && before(end - 2 - child, end - 1 - child)) child++;
        if (!before(end - 1 - child, end - 1 - i)) return;
        swap(end - 1 - child, end - 1 - i);
        i = child;
    }
}

void sw__candidates_sort(struct sw_candidates *c, int64_t i)
{
    struct sw_candidate *end = c->at + c->n;
    if (!c->heap) {
        const int64_t n = c->n - c->sorted;
        for (int64_t k = n / 2; k-- > 0;) sift(end, k, n);
        c->heap = true;
    }
    while (c->sorted <= i) {
        swap(c->at + c->sorted, end - 1); /* the root goes, the last leaf takes its place */
        c->sorted++;
        sift(end, 0, c->n - c->sorted);
    }
}

/* Only the first n, which are sorted, stay. */
static void cut(struct sw_candidates *c, int64_t n)
{
    c->n = c->sorted = n;
}

static void disorder(struct sw_candidates *c)
{
    c->sorted = 0;
    c->heap = false;
}

/* Drop all with keys below; the order of the others stays. */
static void drop_below(struct sw_candidates *c, float key)
{
    int64_t n = 0;
    for (int64_t i = 0; i < c->n; i++)
        if (c->at[i].key >= key) c->at[n++] = c->at[i];
    if (n == c->n) return;
    c->sorted = c->sorted < n ? c->sorted : n;
    c->n = n;
    c->heap = false;
}

/* ---- top-k ------------------------------------------------------------------------------------- */

/* The first k: a heap whose root, at[0], is the worst. */
static void sink_worst(struct sw_candidate *at, int64_t i, int64_t n)
{
    for (;;) {
        int64_t child = 2 * i + 1;
        if (child >= n) return;
        if (child + 1 < n && before(at + child, at + child + 1)) child++;
        if (!before(at + i, at + child)) return;
        swap(at + i, at + child);
        i = child;
    }
}

static void take(struct sw_candidates *c, int32_t id, float logit, int64_t k)
{
    const struct sw_candidate x = {logit, logit, id};
    if (k == 0 || c->n < k) {
        c->at[c->n++] = x;
        if (c->n == k)
            for (int64_t i = k / 2; i-- > 0;) sink_worst(c->at, i, k);
    } else if (logit > c->at[0].key) { /* ids rise: an equal one comes too late */
        c->at[0] = x;
        sink_worst(c->at, 0, k);
    }
}

void sw__candidates_collect(struct sw_candidates *c, const float *logits, int64_t n,
                            const uint32_t *mask, int64_t k)
{
    c->n = 0;
    disorder(c);
    for (int64_t base = 0; base < n; base += 32) {
        uint32_t bits = mask ? mask[base / 32] : UINT32_MAX;
        if (n - base < 32) bits &= (UINT32_C(1) << (n - base)) - 1;
        if (bits == UINT32_MAX) {
            for (int64_t i = base; i < base + 32; i++)
                if (logits[i] > -INFINITY) take(c, (int32_t)i, logits[i], k);
            continue;
        }
        for (; bits; bits &= bits - 1) {
            const int64_t i = base + __builtin_ctz(bits);
            if (logits[i] > -INFINITY) take(c, (int32_t)i, logits[i], k);
        }
    }
}

/* ---- weights ----------------------------------------------------------------------------------- */

double sw__candidates_weigh(struct sw_candidates *c, float temperature)
{
    float largest = -INFINITY;
    double sum = 0;
    for (int64_t i = 0; i < c->n; i++)
        if (c->at[i].logit > largest) largest = c->at[i].logit;
    for (int64_t i = 0; i < c->n; i++) c->weight[i] = (c->at[i].logit - largest) / temperature;
    c->exp(c->weight, c->weight, c->n, 0);
    for (int64_t i = 0; i < c->n; i++) sum += (double)c->weight[i];
    return sum;
}

/* ---- filters ----------------------------------------------------------------------------------- */

/* How many candidates, in order, have `enough` mass (or, `above`, more than that).  Sorting moves them, so their
 * weights are computed again. */
static int64_t count_mass(struct sw_candidates *c, float largest, double enough, bool above)
{
    double mass = 0;
    for (int64_t i = 0; i < c->n; i++) {
        sw__candidates_sort(c, i);
        float w = c->at[i].logit - largest;
        c->exp(&w, &w, 1, 0);
        mass += (double)w;
        if (above ? mass > enough : mass >= enough) return i + 1;
    }
    return c->n;
}

static float largest_logit(const struct sw_candidates *c)
{
    float largest = -INFINITY;
    for (int64_t i = 0; i < c->n; i++)
        if (c->at[i].logit > largest) largest = c->at[i].logit;
    return largest;
}

void sw__candidates_typical(struct sw_candidates *c, float p)
{
    const double sum = sw__candidates_weigh(c, 1);
    const float largest = largest_logit(c);
    const double log_sum = log(sum);
    double entropy = 0; /* of p = w / sum: log(sum) - sum(w log w) / sum */
    for (int64_t i = 0; i < c->n; i++)
        if (c->weight[i] > 0)
            entropy -= (double)c->weight[i] * ((double)(c->at[i].logit - largest) - log_sum) / sum;
    for (int64_t i = 0; i < c->n; i++) {
        const double surprise = log_sum - (double)(c->at[i].logit - largest);
        c->at[i].key = (float)-fabs(surprise - entropy);
    }
    disorder(c);
    cut(c, count_mass(c, largest, (double)p * sum, true));
    for (int64_t i = 0; i < c->n; i++) c->at[i].key = c->at[i].logit;
    disorder(c);
}

void sw__candidates_top_p(struct sw_candidates *c, float p)
{
    const double sum = sw__candidates_weigh(c, 1);
    const float largest = largest_logit(c);
    /* Those below half of (1 - p) sum / n have less than 1 - p together. */
    const double least = 0.5 * (1 - (double)p) * sum / (double)c->n;
    if (!c->heap && least > 0) drop_below(c, largest + (float)log(least));
    cut(c, count_mass(c, largest, (double)p * sum, false));
}

void sw__candidates_min_p(struct sw_candidates *c, float p)
{
    drop_below(c, largest_logit(c) + logf(p));
}

void sw__candidates_xtc(struct sw_candidates *c, float threshold)
{
    const double sum = sw__candidates_weigh(c, 1);
    const struct sw_candidate *least = NULL;
    for (int64_t i = 0; i < c->n; i++)
        if ((double)c->weight[i] >= (double)threshold * sum && (!least || before(least, c->at + i)))
            least = c->at + i;
    if (!least) return;
    const struct sw_candidate keep = *least;
    int64_t n = 0;
    for (int64_t i = 0; i < c->n; i++)
        if (!before(c->at + i, &keep)) c->at[n++] = c->at[i];
    c->n = n;
    disorder(c);
}

void sw__candidates_surprise(struct sw_candidates *c, float temperature, float mu)
{
    const double least = sw__candidates_weigh(c, temperature) * exp2((double)-mu);
    int64_t n = 0, best = 0;
    for (int64_t i = 0; i < c->n; i++)
        if (before(c->at + i, c->at + best)) best = i;
    const struct sw_candidate one = c->at[best];
    for (int64_t i = 0; i < c->n; i++)
        if ((double)c->weight[i] >= least) c->at[n++] = c->at[i];
    if (n == 0) c->at[n++] = one;
    c->n = n;
    disorder(c);
}
