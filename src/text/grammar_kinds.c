/* Which states go on alike for as many bytes as a token may have, and at costs that differ alike: of a string of
 * at most 1000 characters the first 950 do.  One mask serves all states of a kind.
 *
 * A signature is refined round by round, as for minimal automata (Moore 1956), with costs relative to the
 * state's own.  A round sees one byte or one call further, so a token of SW_TOKEN_LIMIT bytes is
 * covered by that many rounds and one for each call on its way; rounds end early when they tell nothing
 * new.  Signatures are 64 bits: that two kinds are taken for one by chance is ruled out by
 * sw_constraint_accept, which does not use them. */
#include <stdlib.h>
#include <string.h>
#include "text/grammar_int.h"

enum { ROUNDS = 3 * SW_TOKEN_LIMIT, LOOK_EVERY = 8 };

static uint64_t mix(uint64_t hash, uint64_t x)
{
    hash ^= x * UINT64_C(0x9E3779B97F4A7C15);
    hash ^= hash >> 32;
    hash *= UINT64_C(0xD6E8FEB86659FD93);
    return hash ^ hash >> 29;
}

/* How much further the end is at state t than at q. */
static uint64_t further(const struct sw_grammar *g, int32_t t, int32_t q)
{
    if (g->states[t].cost >= SW_NEVER_ENDS) return SW_NEVER_ENDS;
    return (uint64_t)(int64_t)(g->states[t].cost - g->states[q].cost);
}

static uint64_t refine(const struct sw_grammar *g, const uint64_t *old, int32_t q)
{
    uint64_t hash = mix(old[q], g->rules[g->states[q].rule].key);
    for (int32_t e = g->states[q].edge; e < g->states[q + 1].edge; e++) {
        const struct sw_edge *edge = &g->edges[e];
        hash = mix(hash, (uint64_t)edge->low << 8 | edge->high);
        hash = mix(hash, old[edge->target]);
        hash = mix(hash, further(g, edge->target, q));
    }
    for (int32_t c = g->states[q].call; c < g->states[q + 1].call; c++) {
        const struct sw_call *call = &g->calls[c];
        hash = mix(hash, UINT64_C(1) << 40 | (uint64_t)(uint32_t)call->rule);
        hash = mix(hash, old[call->back]);
        hash = mix(hash, further(g, call->back, q));
    }
    return hash;
}

static int by_value(const void *a, const void *b)
{
    const uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
    return x < y ? -1 : x > y;
}

/* Sort and keep one of each. */
static int64_t distinct(uint64_t *x, int64_t n)
{
    int64_t k = 0;
    qsort(x, (size_t)n, sizeof *x, by_value);
    for (int64_t i = 0; i < n; i++)
        if (i == 0 || x[i] != x[k - 1]) x[k++] = x[i];
    return k;
}

sw_status sw__grammar_kinds(struct sw_grammar *g)
{
    const size_t n = (size_t)g->n_states;
    uint64_t *now = sw__calloc2(n, sizeof *now), *next = sw__calloc2(n, sizeof *next);
    uint64_t *sorted = sw__calloc2(n, sizeof *sorted);
    const bool done = now && next && sorted;
    int64_t kinds = 0;
    for (size_t q = 0; done && q < n; q++) now[q] = 1 + g->states[q].accept;
    for (int round = 1; done && round <= ROUNDS; round++) {
        for (size_t q = 0; q < n; q++) next[q] = refine(g, now, (int32_t)q);
        uint64_t *t = now;
        now = next;
        next = t;
        if (round % LOOK_EVERY != 0 && round < ROUNDS) continue;
        memcpy(sorted, now, n * sizeof *now);
        const int64_t k = distinct(sorted, (int64_t)n);
        if (k == kinds) break;
        kinds = k;
    }
    for (size_t q = 0; done && q < n; q++) {
        const uint64_t *found = bsearch(&now[q], sorted, (size_t)kinds, sizeof *sorted, by_value);
        g->states[q].kind = (uint32_t)(found - sorted);
    }
    free(now);
    free(next);
    free(sorted);
    return done ? SW_OK : sw__grammar_no_memory(g);
}
