/* What the parts of a sampler share: candidates that filters thin out, and the history that
 * penalties look at. */
#ifndef SWELL_TEXT_SAMPLER_INT_H
#define SWELL_TEXT_SAMPLER_INT_H

#include <swell/sample.h>

/* ---- candidates (sampler_filters.c) ------------------------------------------------------------ */

struct sw_candidate {
    float key;   /* what they are ordered by: falling, then by rising id */
    float logit; /* the key again, but while `typical` orders them by something else */
    int32_t id;
};

/* Candidates 0 .. sorted-1 are the largest, in order; if `heap`, the others are a heap that stands on
 * its head: its root is the last one. */
struct sw_candidates {
    struct sw_candidate *at;
    float *weight; /* exp(logit - largest) of each, where one was asked for */
    int64_t n, room, sorted;
    bool heap;
    void (*exp)(float *y, const float *x, int64_t n, int stream);
};

/* All allowed tokens but those of -INFINITY; with k > 0 only the k largest. */
void sw__candidates_collect(struct sw_candidates *c, const float *logits, int64_t n,
                            const uint32_t *mask, int64_t k);
/* Weights exp((logit - largest) / temperature) of all, and their sum. */
double sw__candidates_weigh(struct sw_candidates *c, float temperature);
void sw__candidates_typical(struct sw_candidates *c, float p);
void sw__candidates_top_p(struct sw_candidates *c, float p);
void sw__candidates_min_p(struct sw_candidates *c, float p);
void sw__candidates_xtc(struct sw_candidates *c, float threshold);
/* Drops all of more than mu bits of surprise, but for one. */
void sw__candidates_surprise(struct sw_candidates *c, float temperature, float mu);
/* Make candidate i, and all before, the largest in order. */
void sw__candidates_sort(struct sw_candidates *c, int64_t i);

/* ---- history (sampler_history.c) --------------------------------------------------------------- */

struct sw_seen {
    int32_t id; /* -1: an empty slot */
    int32_t count, repeat;
};

/* A logit that was changed, and what it was. */
struct sw_changed {
    int32_t id;
    float logit;
};

struct sw_history {
    int32_t *ring; /* the last `room` accepted tokens */
    int64_t room, accepted;
    int32_t *match;     /* for DRY: how far each suffix agrees with the end */
    uint32_t *breakers; /* a bit a token; NULL: none */
    struct sw_seen *seen;
    int64_t slots; /* a power of two */
    int32_t *used; /* slots that are taken */
    int64_t n_used;
    struct sw_changed *changed;
    int64_t n_changed;
};

/* SW_ERR_MEMORY leaves something that sw__history_free frees. */
sw_status sw__history_create(struct sw_history *h, const sw_sampler_options *o, int64_t vocabulary);
void sw__history_free(struct sw_history *h);
void sw__history_accept(struct sw_history *h, int32_t token);
/* The last n, at most SW_SAMPLER_MOST_AHEAD, since there were none to take back. */
void sw__history_take_back(struct sw_history *h, int64_t n);
/* Bias, penalties and DRY; sw__history_restore takes all back. */
void sw__history_apply(struct sw_history *h, const sw_sampler_options *o, float *logits);
void sw__history_restore(struct sw_history *h, float *logits);

#endif
