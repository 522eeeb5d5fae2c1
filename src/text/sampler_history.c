/* What a sampler does to single logits: bias, and the penalties for what was said before.
 *
 * Penalties: Keskar et al. 2019, section 4.1 (repetition); OpenAI's API (frequency, presence).
 * DRY is of p-e-w (text-generation-webui, pull request 5677).  Of the accepted tokens, newest first, the
 * Z-function tells for each place how long the text that ends there agrees with the text that ends
 * now; the token that followed there would continue the repetition.  The function costs a
 * time proportional to the window (Gusfield 1997, section 1.3).  A breaker is a token by itself:
 * llama.cpp also knows strings that begin in one token and end in the next.
 *
 * Few logits change, and each is remembered as it was: the caller's array comes back unharmed. */
#include "text/sampler_int.h"

#include <float.h>
#include <math.h>
#include <stdlib.h>
#include "base/memory.h"

static bool bit(const uint32_t *bits, int32_t i)
{
    return bits[i / 32] >> i % 32 & 1;
}

sw_status sw__history_create(struct sw_history *h, const sw_sampler_options *o, int64_t vocabulary)
{
    const bool dry = o->dry_multiplier > 0;
    h->room = o->penalty_window;
    if (dry && o->dry_window > h->room) h->room = o->dry_window;
    h->room += SW_SAMPLER_MOST_AHEAD; /* which are taken back */
    for (h->slots = 16; h->slots < 2 * h->room; h->slots *= 2) {}
    h->ring = sw__calloc2((size_t)h->room, sizeof *h->ring);
    h->seen = sw__calloc2((size_t)h->slots, sizeof *h->seen);
    h->used = sw__calloc2((size_t)h->room, sizeof *h->used);
    h->changed = sw__calloc2((size_t)(2 * h->room + o->n_bias), sizeof *h->changed);
    if (!h->ring || !h->seen || !h->used || !h->changed) return SW_ERR_MEMORY;
    for (int64_t i = 0; i < h->slots; i++) h->seen[i].id = -1;
    if (!dry) return SW_OK;
    h->match = sw__calloc2((size_t)o->dry_window, sizeof *h->match);
    h->breakers = sw__calloc2((size_t)(vocabulary + 31) / 32, sizeof *h->breakers);
    if (!h->match || !h->breakers) return SW_ERR_MEMORY;
    for (int64_t i = 0; i < o->n_dry_breakers; i++)
        h->breakers[o->dry_breakers[i] / 32] |= UINT32_C(1) << o->dry_breakers[i] % 32;
    return SW_OK;
}

void sw__history_free(struct sw_history *h)
{
    free(h->ring);
    free(h->seen);
    free(h->used);
    free(h->changed);
    free(h->match);
    free(h->breakers);
}

void sw__history_accept(struct sw_history *h, int32_t token)
{
    h->ring[h->accepted++ % h->room] = token;
}

void sw__history_take_back(struct sw_history *h, int64_t n)
{
    h->accepted -= n;
}

/* The i-th token from the end. */
static int32_t back(const struct sw_history *h, int64_t i)
{
    return h->ring[(h->accepted - 1 - i) % h->room];
}

static int64_t window(const struct sw_history *h, int64_t size)
{
    return h->accepted < size ? h->accepted : size;
}

/* The entry of a token in the table, made if it is not there. */
static struct sw_seen *entry(struct sw_history *h, int32_t id)
{
    uint64_t i = (uint64_t)(uint32_t)id * UINT64_C(0x9E3779B97F4A7C15) >> 32;
    for (;; i++) {
        struct sw_seen *s = &h->seen[i & (uint64_t)(h->slots - 1)];
        if (s->id == id) return s;
        if (s->id >= 0) continue;
        *s = (struct sw_seen){.id = id};
        h->used[h->n_used++] = (int32_t)(s - h->seen);
        return s;
    }
}

static void forget(struct sw_history *h)
{
    for (int64_t i = 0; i < h->n_used; i++) h->seen[h->used[i]].id = -1;
    h->n_used = 0;
}

static void change(struct sw_history *h, float *logits, int32_t id, float to)
{
    h->changed[h->n_changed++] = (struct sw_changed){id, logits[id]};
    logits[id] = fminf(to, FLT_MAX);
}

static void penalise(struct sw_history *h, const sw_sampler_options *o, float *logits)
{
    const int64_t n = window(h, o->penalty_window);
    for (int64_t i = 0; i < n; i++) entry(h, back(h, i))->count++;
    for (int64_t i = 0; i < h->n_used; i++) {
        const struct sw_seen *s = &h->seen[h->used[i]];
        float x = logits[s->id];
        x = x <= 0 ? x * o->repeat_penalty : x / o->repeat_penalty;
        x -= (float)s->count * o->frequency_penalty + o->presence_penalty;
        change(h, logits, s->id, x);
    }
    forget(h);
}

/* match[i]: how many tokens before place i, and at it, agree with the last ones. */
static void match_suffixes(struct sw_history *h, int64_t n)
{
    int64_t left = 0, right = 0; /* of the agreement that reaches furthest */
    h->match[0] = (int32_t)n;
    for (int64_t i = 1; i < n; i++) {
        int64_t z = 0;
        if (i < right) z = h->match[i - left] < right - i ? h->match[i - left] : right - i;
        while (i + z < n && back(h, z) == back(h, i + z)) z++;
        h->match[i] = (int32_t)z;
        if (i + z > right) {
            left = i;
            right = i + z;
        }
    }
}

static void dry(struct sw_history *h, const sw_sampler_options *o, float *logits)
{
    const int64_t n = window(h, o->dry_window);
    int64_t limit = 0; /* tokens since the last breaker */
    while (limit < n && !bit(h->breakers, back(h, limit))) limit++;
    if (limit < o->dry_allowed_length) return;
    match_suffixes(h, n);
    for (int64_t i = 1; i < n; i++) {
        const int64_t repeat = h->match[i] < limit ? h->match[i] : limit;
        const int32_t next = back(h, i - 1);
        if (repeat < o->dry_allowed_length || bit(h->breakers, next)) continue;
        struct sw_seen *s = entry(h, next);
        if (repeat > s->repeat) s->repeat = (int32_t)repeat;
    }
    for (int64_t i = 0; i < h->n_used; i++) {
        const struct sw_seen *s = &h->seen[h->used[i]];
        const double exponent = s->repeat - o->dry_allowed_length;
        const double loss = (double)o->dry_multiplier * pow((double)o->dry_base, exponent);
        change(h, logits, s->id, logits[s->id] - (float)fmin(loss, (double)FLT_MAX / 4));
    }
    forget(h);
}

void sw__history_apply(struct sw_history *h, const sw_sampler_options *o, float *logits)
{
    h->n_changed = 0;
    for (int64_t i = 0; i < o->n_bias; i++)
        change(h, logits, o->bias_ids[i], logits[o->bias_ids[i]] + o->bias[i]);
    if (o->repeat_penalty != 1 || o->frequency_penalty != 0 || o->presence_penalty != 0)
        penalise(h, o, logits);
    if (o->dry_multiplier > 0) dry(h, o, logits);
}

void sw__history_restore(struct sw_history *h, float *logits)
{
    while (h->n_changed > 0) {
        const struct sw_changed *c = &h->changed[--h->n_changed];
        logits[c->id] = c->logit;
    }
}
