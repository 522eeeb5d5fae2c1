/* The sampler: its options, the chain, the draw, log probabilities.
 *
 * A draw works on the caller's logits and undoes what it changed.  Where no filter can move the largest
 * logit out, temperature 0 is one pass over them.  Otherwise candidates are collected (all, or the k
 * best), thinned out by the filters (sampler_filters.c), and one is drawn by its weight, summed in double
 * in an order that depends on the logits only.
 *
 * Random numbers: draw i takes block i of Philox's stream 0 of the seed; words 0 and 1 are the place in
 * the distribution (53 bits), word 2 decides on XTC, word 3 on what a draft proposes.  A proposal for
 * draw i takes block i of stream 1: a later one for the same draw takes it again, after nothing came of the
 * first. */
#include <swell/sample.h>

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include "base/context_int.h"
#include "base/memory.h"
#include "base/rng.h"
#include "kernels/kernels.h"
#include "text/sampler_int.h"

enum { MAX_WINDOW = 1 << 20, MAX_VOCABULARY = 1 << 24, MAX_TOP = 1024 };

struct sw_sampler {
    sw_context *ctx;
    sw_sampler_options o; /* arrays are the sampler's own; defaults are filled in */
    int64_t vocabulary;
    struct sw_history history;
    struct sw_candidates candidates;
    struct sw_candidates top; /* for log probabilities */
    uint64_t draws;
    double mu; /* mirostat's bound of surprise, in bits */
    sw_token_logprob *top_logprobs, chosen;
    int64_t n_top;
};

/* ---- options ----------------------------------------------------------------------------------- */

/* An option, its value and its range. */
struct range {
    const char *name;
    double value, low, high;
};

static sw_status check_ranges(sw_context *ctx, const sw_sampler_options *o)
{
    const struct range ranges[] = {
        {"temperature", (double)o->temperature, 0, 1e6},
        {"top_k", o->top_k, 0, INT32_MAX},
        {"typical_p", (double)o->typical_p, 0, 1},
        {"top_p", (double)o->top_p, 0, 1},
        {"min_p", (double)o->min_p, 0, 1},
        {"penalty_window", o->penalty_window, 0, MAX_WINDOW},
        {"repeat_penalty", (double)o->repeat_penalty, 0, 100},
        {"frequency_penalty", (double)o->frequency_penalty, -100, 100},
        {"presence_penalty", (double)o->presence_penalty, -100, 100},
        {"dry_multiplier", (double)o->dry_multiplier, 0, 1e6},
        {"dry_base", o->dry_base != 0 ? (double)o->dry_base : 1, 1, 1e6},
        {"dry_allowed_length", o->dry_allowed_length, 0, MAX_WINDOW},
        {"dry_window", o->dry_window, 0, MAX_WINDOW},
        {"xtc_probability", (double)o->xtc_probability, 0, 1},
        {"xtc_threshold", (double)o->xtc_threshold, 0, 0.5},
        {"mirostat_tau", (double)o->mirostat_tau, 0, 100},
        {"mirostat_eta", (double)o->mirostat_eta, 0, 1},
        {"top_logprobs", o->top_logprobs, 0, MAX_TOP},
    };
    for (size_t i = 0; i < sizeof ranges / sizeof *ranges; i++)
        if (!(ranges[i].value >= ranges[i].low && ranges[i].value <= ranges[i].high))
            return sw__fail(ctx, SW_ERR_ARGUMENT, "sampler: %s %g is not within %g .. %g",
                            ranges[i].name, ranges[i].value, ranges[i].low, ranges[i].high);
    return SW_OK;
}

static sw_status check_together(sw_context *ctx, const sw_sampler_options *o)
{
    if (o->mirostat_tau == 0) return SW_OK;
    const char *other = o->top_k > 0                           ? "top_k"
                        : o->top_p > 0 && o->top_p < 1         ? "top_p"
                        : o->typical_p > 0 && o->typical_p < 1 ? "typical_p"
                        : o->min_p > 0                         ? "min_p"
                        : o->xtc_probability > 0               ? "xtc_probability"
                                                               : NULL;
    if (other)
        return sw__fail(ctx, SW_ERR_ARGUMENT,
                        "sampler: mirostat takes the place of filters; %s is set too", other);
    if (o->temperature == 0)
        return sw__fail(ctx, SW_ERR_ARGUMENT, "sampler: mirostat needs a temperature above 0");
    return SW_OK;
}

static sw_status check_ids(sw_context *ctx, const char *name, const int32_t *ids, int64_t n,
                           int64_t vocabulary)
{
    if (n < 0 || n > MAX_VOCABULARY || (n > 0 && !ids))
        return sw__fail(ctx, SW_ERR_ARGUMENT, "sampler: %s has %lld tokens", name, (long long)n);
    for (int64_t i = 0; i < n; i++)
        if (ids[i] < 0 || ids[i] >= vocabulary)
            return sw__fail(ctx, SW_ERR_ARGUMENT,
                            "sampler: %s names token %d; the vocabulary has %lld", name, ids[i],
                            (long long)vocabulary);
    return SW_OK;
}

static sw_status check_options(sw_context *ctx, const sw_sampler_options *o, int64_t vocabulary)
{
    if (vocabulary <= 0 || vocabulary > MAX_VOCABULARY)
        return sw__fail(ctx, SW_ERR_ARGUMENT, "sampler: a vocabulary of %lld tokens",
                        (long long)vocabulary);
    sw_status status = check_ranges(ctx, o);
    if (status == SW_OK) status = check_together(ctx, o);
    if (status == SW_OK)
        status = check_ids(ctx, "dry_breakers", o->dry_breakers, o->n_dry_breakers, vocabulary);
    if (status == SW_OK) status = check_ids(ctx, "bias", o->bias_ids, o->n_bias, vocabulary);
    if (status != SW_OK) return status;
    if (o->n_bias > 0 && !o->bias)
        return sw__fail(ctx, SW_ERR_ARGUMENT, "sampler: bias without values");
    for (int64_t i = 0; i < o->n_bias; i++)
        if (!(o->bias[i] < INFINITY))
            return sw__fail(ctx, SW_ERR_ARGUMENT, "sampler: the bias of token %d is %g",
                            o->bias_ids[i], (double)o->bias[i]);
    return SW_OK;
}

static void fill_defaults(sw_sampler_options *o)
{
    if (o->typical_p == 0) o->typical_p = 1;
    if (o->top_p == 0) o->top_p = 1;
    if (o->penalty_window == 0) o->penalty_window = 64;
    if (o->repeat_penalty == 0) o->repeat_penalty = 1;
    if (o->dry_base == 0) o->dry_base = 1.75f;
    if (o->dry_allowed_length == 0) o->dry_allowed_length = 2;
    if (o->dry_window == 0) o->dry_window = 4096;
    if (o->xtc_threshold == 0) o->xtc_threshold = 0.1f;
    if (o->mirostat_eta == 0) o->mirostat_eta = 0.1f;
    if (!o->logprobs) o->top_logprobs = 0;
}

/* ---- life -------------------------------------------------------------------------------------- */

/* A copy of n elements; NULL for none.  False: out of memory. */
static bool copy_array(const void *from, int64_t n, size_t size, void **to)
{
    *to = NULL;
    if (n == 0) return true;
    *to = sw__calloc2((size_t)n, size);
    if (*to) memcpy(*to, from, (size_t)n * size);
    return *to != NULL;
}

static bool allocate_candidates(struct sw_candidates *c, int64_t room, const struct sw_kernels *k)
{
    c->room = room;
    c->exp = k->exp_f32;
    c->at = sw__calloc2((size_t)room, sizeof *c->at);
    c->weight = sw__calloc2((size_t)room, sizeof *c->weight);
    return c->at && c->weight;
}

static bool allocate(sw_sampler *s, const sw_sampler_options *o)
{
    struct sw_kernels k;
    void *ids = NULL, *bias = NULL, *breakers = NULL;
    const bool copied = copy_array(o->bias_ids, o->n_bias, sizeof *o->bias_ids, &ids) &&
                        copy_array(o->bias, o->n_bias, sizeof *o->bias, &bias) &&
                        copy_array(o->dry_breakers, o->n_dry_breakers, sizeof(int32_t), &breakers);
    s->o.bias_ids = ids;
    s->o.bias = bias;
    s->o.dry_breakers = breakers;
    if (!copied || sw__history_create(&s->history, &s->o, s->vocabulary) != SW_OK) return false;
    sw__kernels_init(&k, s->ctx->isa);
    const bool few = o->top_k > 0 && o->top_k < s->vocabulary;
    if (!allocate_candidates(&s->candidates, few ? o->top_k : s->vocabulary, &k)) return false;
    if (s->o.top_logprobs == 0) return true;
    s->top_logprobs = sw__calloc2((size_t)s->o.top_logprobs, sizeof *s->top_logprobs);
    return s->top_logprobs && allocate_candidates(&s->top, s->o.top_logprobs, &k);
}

sw_status sw_sampler_create(sw_context *ctx, const sw_sampler_options *options, int64_t vocabulary,
                            sw_sampler **out)
{
    *out = NULL;
    sw_status status = check_options(ctx, options, vocabulary);
    if (status != SW_OK) return status;
    sw_sampler *s = calloc(1, sizeof *s);
    if (!s) return sw__fail(ctx, SW_ERR_MEMORY, "sampler: out of memory");
    s->ctx = ctx;
    s->o = *options;
    s->vocabulary = vocabulary;
    fill_defaults(&s->o);
    if (!allocate(s, options)) {
        sw_sampler_destroy(s);
        return sw__fail(ctx, SW_ERR_MEMORY, "sampler: out of memory for %lld tokens",
                        (long long)vocabulary);
    }
    sw_sampler_reset(s);
    *out = s;
    return SW_OK;
}

static void free_candidates(struct sw_candidates *c)
{
    free(c->at);
    free(c->weight);
}

void sw_sampler_destroy(sw_sampler *s)
{
    if (!s) return;
    free((void *)s->o.bias_ids);
    free((void *)s->o.bias);
    free((void *)s->o.dry_breakers);
    sw__history_free(&s->history);
    free_candidates(&s->candidates);
    free_candidates(&s->top);
    free(s->top_logprobs);
    free(s);
}

void sw_sampler_reset(sw_sampler *s)
{
    s->history.accepted = 0;
    s->draws = 0;
    s->mu = 2 * (double)s->o.mirostat_tau;
    s->n_top = 0;
    s->chosen = (sw_token_logprob){.token = -1};
}

void sw_sampler_accept(sw_sampler *s, int32_t token)
{
    if (token >= 0 && token < s->vocabulary) sw__history_accept(&s->history, token);
}

/* ---- the draw ---------------------------------------------------------------------------------- */

/* The random numbers of the current draw. */
struct luck {
    double place;  /* [0, 1) */
    float exclude; /* [0, 1) */
    float accept;  /* [0, 1) */
};

static struct luck draw_luck(const sw_sampler *s, uint64_t stream, uint64_t draw)
{
    uint32_t w[4];
    sw__philox(s->o.seed, stream, draw, w);
    const uint64_t bits = (uint64_t)w[0] << 32 | w[1];
    return (struct luck){(double)(bits >> 11) * 0x1p-53, sw__uniform_of(w[2]),
                         sw__uniform_of(w[3])};
}

/* Whether all logits are numbers below infinity. */
static sw_status check_logits(sw_sampler *s, const float *logits, int64_t n)
{
    if (n != s->vocabulary)
        return sw__fail(s->ctx, SW_ERR_ARGUMENT, "sampler: %lld logits for a vocabulary of %lld",
                        (long long)n, (long long)s->vocabulary);
    int32_t bad = 0;
    for (int64_t i = 0; i < n; i++) bad |= !(logits[i] < INFINITY);
    for (int64_t i = 0; bad && i < n; i++)
        if (!(logits[i] < INFINITY))
            return sw__fail(s->ctx, SW_ERR_NAN, "sampler: the logit of token %lld is %g",
                            (long long)i, (double)logits[i]);
    return SW_OK;
}

/* Leave those candidates from which one is drawn. */
static void thin_out(sw_sampler *s, const float *logits, const uint32_t *mask, struct luck luck)
{
    const sw_sampler_options *o = &s->o;
    struct sw_candidates *c = &s->candidates;
    const bool same_best = o->typical_p == 1 && o->xtc_probability == 0;
    const int64_t k = o->temperature == 0 && same_best ? 1 : o->top_k;
    sw__candidates_collect(c, logits, s->vocabulary, mask, k < s->vocabulary ? k : 0);
    if (c->n < 2) return;
    if (o->mirostat_tau > 0) {
        sw__candidates_surprise(c, o->temperature, (float)s->mu);
        return;
    }
    if (o->typical_p < 1) sw__candidates_typical(c, o->typical_p);
    if (o->top_p < 1) sw__candidates_top_p(c, o->top_p);
    if (o->min_p > 0) sw__candidates_min_p(c, o->min_p);
    if (luck.exclude < o->xtc_probability) sw__candidates_xtc(c, o->xtc_threshold);
}

/* The place among the candidates, which are not none, where the sum of weights reaches `left`. */
static int64_t pick(const struct sw_candidates *c, double left)
{
    int64_t last = 0; /* the last that has any weight, should rounding lead past the end */
    for (int64_t i = 0; i < c->n; i++) {
        if (c->weight[i] <= 0) continue;
        last = i;
        left -= (double)c->weight[i];
        if (left < 0) break;
    }
    return last;
}

/* A draft: what was proposed, and by which probabilities. */
struct draft {
    int32_t token;
    const float *q; /* NULL: no draft */
};

/* Weights sum to `sum`.  The draft's token, or one by what the model has more of than the draft; then its weight is not its
 * probability any more, which goes to *p. */
static int64_t accept_or_pick(struct sw_candidates *c, double sum, struct draft d, struct luck luck,
                              double *p)
{
    double more = 0;
    for (int64_t i = 0; i < c->n; i++) {
        if (c->at[i].id != d.token) continue;
        *p = (double)c->weight[i] / sum;
        if ((double)luck.accept * (double)d.q[d.token] < *p) return i;
    }
    for (int64_t i = 0; i < c->n; i++) {
        const double rest = (double)c->weight[i] / sum - (double)d.q[c->at[i].id];
        more += rest > 0 ? rest : 0;
    }
    for (int64_t i = 0; more > 0 && i < c->n; i++) {
        const double own = (double)c->weight[i] / sum, rest = own - (double)d.q[c->at[i].id];
        c->weight[i] = rest > 0 ? (float)rest : 0;
    }
    const int64_t i = pick(c, luck.place * (more > 0 ? more : sum));
    *p = more > 0 ? (double)c->weight[i] + (double)d.q[c->at[i].id] : (double)c->weight[i] / sum;
    return i;
}

/* One of the candidates, which are not none, by its probability, which mirostat learns from. */
static int32_t choose(sw_sampler *s, struct luck luck, struct draft d)
{
    struct sw_candidates *c = &s->candidates;
    if (s->o.temperature == 0) {
        sw__candidates_sort(c, 0);
        return c->at[0].id;
    }
    const double sum = sw__candidates_weigh(c, s->o.temperature);
    double p;
    int64_t i;
    if (d.q) {
        i = accept_or_pick(c, sum, d, luck, &p);
    } else {
        i = pick(c, luck.place * sum);
        p = (double)c->weight[i] / sum;
    }
    if (s->o.mirostat_tau > 0)
        s->mu -= (double)s->o.mirostat_eta * (-log2(p) - (double)s->o.mirostat_tau);
    return c->at[i].id;
}

/* The logarithm of the sum of exp(logits), and the likeliest tokens. */
static double keep_top(sw_sampler *s, const float *logits)
{
    enum { PIECE = 1024 };
    float weights[PIECE], largest = -INFINITY;
    double sum = 0;
    for (int64_t i = 0; i < s->vocabulary; i++) largest = fmaxf(largest, logits[i]);
    for (int64_t i = 0; i < s->vocabulary; i += PIECE) {
        const int64_t n = s->vocabulary - i < PIECE ? s->vocabulary - i : PIECE;
        for (int64_t j = 0; j < n; j++) weights[j] = logits[i + j] - largest;
        s->candidates.exp(weights, weights, n, 0);
        for (int64_t j = 0; j < n; j++) sum += (double)weights[j];
    }
    const double log_sum = (double)largest + log(sum);
    s->n_top = 0;
    if (s->o.top_logprobs == 0) return log_sum;
    sw__candidates_collect(&s->top, logits, s->vocabulary, NULL, s->o.top_logprobs);
    sw__candidates_sort(&s->top, s->top.n - 1);
    s->n_top = s->top.n;
    for (int64_t i = 0; i < s->n_top; i++)
        s->top_logprobs[i] = (sw_token_logprob){s->top.at[i].id,
                                                (float)((double)s->top.at[i].logit - log_sum)};
    return log_sum;
}

static sw_status draw(sw_sampler *s, float *logits, const uint32_t *mask, struct draft d,
                      int32_t *token)
{
    const struct luck luck = draw_luck(s, 0, s->draws);
    sw__history_apply(&s->history, &s->o, logits);
    thin_out(s, logits, mask, luck);
    sw__history_restore(&s->history, logits);
    if (s->candidates.n == 0) return sw__fail(s->ctx, SW_ERR_STATE, "sampler: no token is allowed");
    *token = choose(s, luck, d);
    s->draws++;
    if (s->o.logprobs) {
        const double log_sum = keep_top(s, logits);
        s->chosen = (sw_token_logprob){*token, (float)((double)logits[*token] - log_sum)};
    }
    return SW_OK;
}

sw_status sw_sampler_draw(sw_sampler *s, float *logits, int64_t n, const uint32_t *mask,
                          int32_t *token)
{
    sw_status status = check_logits(s, logits, n);
    return status == SW_OK ? draw(s, logits, mask, (struct draft){.token = -1}, token) : status;
}

sw_status sw_sampler_verify(sw_sampler *s, float *logits, int64_t n, const uint32_t *mask,
                            int32_t drafted, const float *draft, int32_t *token)
{
    sw_status status = check_logits(s, logits, n);
    if (status != SW_OK) return status;
    if (drafted < 0 || drafted >= n)
        return sw__fail(s->ctx, SW_ERR_ARGUMENT, "sampler: a draft of token %d; there are %lld",
                        drafted, (long long)n);
    if (draft && !(draft[drafted] > 0 && draft[drafted] <= 1))
        return sw__fail(s->ctx, SW_ERR_ARGUMENT,
                        "sampler: the draft gives its own token %d the probability %g", drafted,
                        (double)draft[drafted]);
    return draw(s, logits, mask, (struct draft){drafted, draft}, token);
}

/* One of the candidates, and the probabilities of all tokens. */
static int32_t propose(sw_sampler *s, struct luck luck, float *probabilities)
{
    struct sw_candidates *c = &s->candidates;
    memset(probabilities, 0, (size_t)s->vocabulary * sizeof *probabilities);
    if (s->o.temperature == 0) {
        sw__candidates_sort(c, 0);
        probabilities[c->at[0].id] = 1;
        return c->at[0].id;
    }
    const double sum = sw__candidates_weigh(c, s->o.temperature);
    for (int64_t i = 0; i < c->n; i++)
        probabilities[c->at[i].id] = (float)((double)c->weight[i] / sum);
    return c->at[pick(c, luck.place * sum)].id;
}

sw_status sw_sampler_propose(sw_sampler *s, float *logits, int64_t n, const int32_t *ahead,
                             int n_ahead, int32_t *token, float *probabilities)
{
    sw_status status = check_logits(s, logits, n);
    if (status == SW_OK && (n_ahead < 0 || n_ahead > SW_SAMPLER_MOST_AHEAD))
        status = sw__fail(s->ctx, SW_ERR_ARGUMENT, "sampler: %d tokens ahead, at most %d", n_ahead,
                          SW_SAMPLER_MOST_AHEAD);
    if (status == SW_OK) status = check_ids(s->ctx, "a draft", ahead, n_ahead, s->vocabulary);
    if (status != SW_OK) return status;
    const struct luck luck = draw_luck(s, 1, s->draws + (uint64_t)n_ahead);
    for (int i = 0; i < n_ahead; i++) sw__history_accept(&s->history, ahead[i]);
    sw__history_apply(&s->history, &s->o, logits);
    thin_out(s, logits, NULL, luck);
    sw__history_restore(&s->history, logits);
    sw__history_take_back(&s->history, n_ahead);
    if (s->candidates.n == 0) return sw__fail(s->ctx, SW_ERR_STATE, "sampler: no token is allowed");
    *token = propose(s, luck, probabilities);
    return SW_OK;
}

int64_t sw_sampler_logprobs(const sw_sampler *s, sw_token_logprob *chosen,
                            const sw_token_logprob **top)
{
    if (chosen) *chosen = s->chosen;
    if (top) *top = s->top_logprobs;
    return s->n_top;
}
