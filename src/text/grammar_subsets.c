/* Sets of states as states (Rabin and Scott 1959), where a call counts as a symbol like a byte: the
 * automaton of a rule then has one successor a byte and one a called rule.
 *
 * Sets may be exponentially many, as for (a|b)*a(a|b){20}.  When they get far more than the states they
 * are made of, the rule keeps its states and loses only its free moves; then several configurations are
 * followed at run time instead. */
#include <stdlib.h>
#include <string.h>
#include "text/grammar_int.h"

enum { INTERVALS = 256 };

/* Sets of states, numbered as they come: set k is items[offset[k]] .. items[offset[k + 1] - 1], sorted. */
struct subsets {
    struct sw_grammar *g;
    const struct sw_nfa *a;
    int32_t *items;
    int64_t n_items, items_room;
    int64_t *offset;
    int64_t n, offset_room;
    int32_t *table; /* set numbers by hash, -1: empty */
    int64_t slots;
    int64_t limit, item_limit;
    int32_t *mark, *stack; /* of the automaton's states */
    int32_t stamp;
    bool too_many, no_memory;
};

static bool allocate(struct subsets *s)
{
    const size_t n = (size_t)s->a->n;
    s->slots = 64;
    while (s->slots < 2 * s->limit + 2) s->slots *= 2;
    s->table = sw__calloc2((size_t)s->slots, sizeof *s->table);
    s->mark = sw__calloc2(n, sizeof *s->mark);
    s->stack = sw__calloc2(n, sizeof *s->stack);
    if (!s->table || !s->mark || !s->stack) return false;
    memset(s->table, 0xFF, (size_t)s->slots * sizeof *s->table);
    if (!sw__grow(&s->offset, &s->offset_room, 1, sizeof *s->offset)) return false;
    s->offset[0] = 0;
    return true;
}

static void release(struct subsets *s)
{
    free(s->items);
    free(s->offset);
    free(s->table);
    free(s->mark);
    free(s->stack);
}

/* ---- one set ----------------------------------------------------------------------------------- */

static void begin_set(struct subsets *s)
{
    s->n_items = s->offset[s->n];
    s->stamp++;
}

/* Add a state and what free moves reach from it. */
static void add_state(struct subsets *s, int32_t state)
{
    int64_t n = 0;
    if (s->mark[state] == s->stamp) return;
    s->mark[state] = s->stamp;
    s->stack[n++] = state;
    while (n > 0) {
        const int32_t at = s->stack[--n];
        if (s->n_items >= s->item_limit) {
            s->too_many = true;
            return;
        }
        if (!sw__grow(&s->items, &s->items_room, s->n_items + 1, sizeof *s->items)) {
            s->no_memory = true;
            return;
        }
        s->items[s->n_items++] = at;
        for (int32_t e = s->a->first[at]; e >= 0; e = s->a->edges[e].next) {
            const struct sw_nfa_edge *edge = &s->a->edges[e];
            if (edge->move != SW_MOVE_FREE || s->mark[edge->target] == s->stamp) continue;
            s->mark[edge->target] = s->stamp;
            s->stack[n++] = edge->target;
        }
    }
}

static int by_number(const void *a, const void *b)
{
    const int32_t x = *(const int32_t *)a, y = *(const int32_t *)b;
    return x < y ? -1 : x > y;
}

/* The number of the set that was begun; -1 if there is no room. */
static int32_t end_set(struct subsets *s)
{
    if (s->too_many || s->no_memory) return -1;
    const int64_t from = s->offset[s->n], size = s->n_items - from;
    if (size > 1) qsort(s->items + from, (size_t)size, sizeof *s->items, by_number);
    uint64_t hash = UINT64_C(0xcbf29ce484222325);
    for (int64_t i = 0; i < size; i++)
        hash = (hash ^ (uint64_t)s->items[from + i]) * UINT64_C(0x9E3779B97F4A7C15) ^ hash >> 29;
    for (;; hash++) {
        int32_t *slot = &s->table[hash & (uint64_t)(s->slots - 1)];
        if (*slot < 0) {
            if (s->n >= s->limit) s->too_many = true;
            if (!sw__grow(&s->offset, &s->offset_room, s->n + 2, sizeof *s->offset))
                s->no_memory = true;
            if (s->too_many || s->no_memory) return -1;
            *slot = (int32_t)s->n++;
            s->offset[s->n] = s->n_items;
            return *slot;
        }
        const int64_t other = s->offset[*slot];
        if (s->offset[*slot + 1] - other == size &&
            memcmp(s->items + other, s->items + from, (size_t)size * sizeof *s->items) == 0)
            return *slot;
    }
}

/* ---- states of the grammar --------------------------------------------------------------------- */

static bool put_state(struct subsets *s, int32_t rule, bool accept)
{
    struct sw_grammar *g = s->g;
    if (!sw__grow(&g->states, &g->states_room, g->n_states + 1, sizeof *g->states)) return false;
    g->states[g->n_states++] = (struct sw_state){
        .edge = (int32_t)g->n_edges, .call = (int32_t)g->n_calls, .rule = rule, .accept = accept};
    return true;
}

/* Neighbouring ranges with one target become one. */
static bool put_edge(struct subsets *s, int32_t target, int low, int high)
{
    struct sw_grammar *g = s->g;
    if (g->n_edges > g->states[g->n_states - 1].edge) {
        struct sw_edge *last = &g->edges[g->n_edges - 1];
        if (last->target == target && last->high + 1 == low) {
            last->high = (uint8_t)high;
            return true;
        }
    }
    if (!sw__grow(&g->edges, &g->edges_room, g->n_edges + 1, sizeof *g->edges)) return false;
    g->edges[g->n_edges++] = (struct sw_edge){target, (uint8_t)low, (uint8_t)high};
    return true;
}

static bool put_call(struct subsets *s, int32_t rule, int32_t back)
{
    struct sw_grammar *g = s->g;
    if (!sw__grow(&g->calls, &g->calls_room, g->n_calls + 1, sizeof *g->calls)) return false;
    g->calls[g->n_calls++] = (struct sw_call){rule, back};
    return true;
}

static bool grammar_full(const struct sw_grammar *g)
{
    return g->n_states > SW_MAX_STATES || g->n_edges > SW_MAX_EDGES || g->n_calls > SW_MAX_EDGES;
}

/* ---- successors of a set ----------------------------------------------------------------------- */

/* Edges of set k by bytes: cut 0..255 where an edge begins or ends. */
static bool put_bytes(struct subsets *s, int64_t k, int32_t base)
{
    bool begins[INTERVALS + 1] = {true};
    for (int64_t i = s->offset[k]; i < s->offset[k + 1]; i++)
        for (int32_t e = s->a->first[s->items[i]]; e >= 0; e = s->a->edges[e].next)
            if (s->a->edges[e].move == SW_MOVE_BYTE)
                begins[s->a->edges[e].low] = begins[s->a->edges[e].high + 1] = true;
    begins[INTERVALS] = true;
    for (int low = 0, high; low < INTERVALS; low = high + 1) {
        for (high = low; !begins[high + 1]; high++) {}
        begin_set(s);
        for (int64_t i = s->offset[k]; i < s->offset[k + 1]; i++)
            for (int32_t e = s->a->first[s->items[i]]; e >= 0; e = s->a->edges[e].next) {
                const struct sw_nfa_edge *edge = &s->a->edges[e];
                if (edge->move == SW_MOVE_BYTE && edge->low <= low && high <= edge->high)
                    add_state(s, edge->target);
            }
        if (s->n_items == s->offset[s->n]) continue;
        const int32_t target = end_set(s);
        if (target < 0) return false;
        if (!put_edge(s, base + target, low, high)) s->no_memory = true;
    }
    return !s->no_memory;
}

/* The next larger rule that set k calls; -1: none. */
static int32_t next_called(const struct subsets *s, int64_t k, int32_t above)
{
    int32_t best = -1;
    for (int64_t i = s->offset[k]; i < s->offset[k + 1]; i++)
        for (int32_t e = s->a->first[s->items[i]]; e >= 0; e = s->a->edges[e].next) {
            const struct sw_nfa_edge *edge = &s->a->edges[e];
            if (edge->move == SW_MOVE_CALL && edge->rule > above && (best < 0 || edge->rule < best))
                best = edge->rule;
        }
    return best;
}

static bool put_calls(struct subsets *s, int64_t k, int32_t base)
{
    for (int32_t rule = -1; (rule = next_called(s, k, rule)) >= 0;) {
        begin_set(s);
        for (int64_t i = s->offset[k]; i < s->offset[k + 1]; i++)
            for (int32_t e = s->a->first[s->items[i]]; e >= 0; e = s->a->edges[e].next) {
                const struct sw_nfa_edge *edge = &s->a->edges[e];
                if (edge->move == SW_MOVE_CALL && edge->rule == rule) add_state(s, edge->target);
            }
        const int32_t back = end_set(s);
        if (back < 0) return false;
        if (!put_call(s, rule, base + back)) s->no_memory = true;
    }
    return !s->no_memory;
}

static bool has_end(const struct subsets *s, int64_t k)
{
    for (int64_t i = s->offset[k]; i < s->offset[k + 1]; i++)
        if (s->items[i] == s->a->end) return true;
    return false;
}

/* False: too many sets, or no memory. */
static bool make_sets(struct subsets *s, int32_t rule)
{
    const int32_t base = (int32_t)s->g->n_states;
    begin_set(s);
    add_state(s, s->a->start);
    if (end_set(s) < 0) return false;
    for (int64_t k = 0; k < s->n; k++) {
        if (!put_state(s, rule, has_end(s, k))) s->no_memory = true;
        if (s->no_memory || !put_bytes(s, k, base) || !put_calls(s, k, base)) return false;
        if (grammar_full(s->g)) s->too_many = true;
        if (s->too_many) return false;
    }
    return true;
}

/* ---- without sets ------------------------------------------------------------------------------ */

/* Each state takes over the edges of those that free moves reach. */
static bool keep_states(struct subsets *s, int32_t rule)
{
    const int32_t base = (int32_t)s->g->n_states;
    s->too_many = false;
    for (int32_t at = 0; at < s->a->n; at++) {
        s->n = 0;
        begin_set(s);
        add_state(s, at);
        bool accept = false;
        for (int64_t i = 0; i < s->n_items; i++) accept |= s->items[i] == s->a->end;
        if (s->no_memory || s->too_many || !put_state(s, rule, accept)) return false;
        for (int64_t i = 0; i < s->n_items; i++)
            for (int32_t e = s->a->first[s->items[i]]; e >= 0; e = s->a->edges[e].next) {
                const struct sw_nfa_edge *edge = &s->a->edges[e];
                if (edge->move == SW_MOVE_BYTE &&
                    !put_edge(s, base + edge->target, edge->low, edge->high))
                    return false;
                if (edge->move == SW_MOVE_CALL && !put_call(s, edge->rule, base + edge->target))
                    return false;
            }
        if (grammar_full(s->g)) {
            s->too_many = true;
            return false;
        }
    }
    s->g->rules[rule].start = base + s->a->start;
    return true;
}

sw_status sw__grammar_subsets(struct sw_grammar *g, const struct sw_nfa *a, int32_t rule)
{
    struct subsets s = {
        .g = g, .a = a, .limit = 4 * a->n + 256, .item_limit = 64 * a->n + (1 << 20)};
    const int64_t states = g->n_states, edges = g->n_edges, calls = g->n_calls;
    sw_status status = SW_OK;
    g->rules[rule].start = (int32_t)states;
    if (!allocate(&s)) {
        status = sw__grammar_no_memory(g);
    } else if (!make_sets(&s, rule)) {
        g->n_states = states;
        g->n_edges = edges;
        g->n_calls = calls;
        if (s.no_memory || (!keep_states(&s, rule) && !s.too_many))
            status = sw__grammar_no_memory(g);
        else if (s.too_many)
            status = sw__grammar_too_large(g);
    }
    release(&s);
    return status;
}
