/* How far the end is: for each state, the bytes and then the tokens of the shortest way to the end of
 * its rule.
 *
 * Bytes first: Knuth's generalisation of Dijkstra's algorithm (1977), as a call adds the length of what is
 * called.  A state remembers the way that was best, and since that leads to states that were settled
 * before it, ways never go round.
 *
 * Tokens then: the fewest tokens that spell the bytes of that way, not crossing into or out of a
 * rule that is called for some bytes.  So from a state with cost k there is a token after which the cost
 * is k - 1: that is what lets sw_constraint_mask promise an end. */
#include <stdlib.h>
#include <string.h>
#include "base/context_int.h"
#include "text/grammar_int.h"

/* ---- a heap of states by length ---------------------------------------------------------------- */

struct entry {
    int32_t length, state;
};

struct measure {
    struct sw_grammar *g;
    struct entry *heap;
    int64_t n_heap, heap_room;
    int32_t *edge_from, *call_from; /* the state of each */
    int32_t *into, *into_first;     /* edges, and calls as ~number, that wait for a state */
    int32_t *order;                 /* states as they were settled */
    int64_t n_order;
    bool *settled;
    bool has_byte[256]; /* there is a token of this one byte */
};

static bool less(struct entry a, struct entry b)
{
    return a.length < b.length || (a.length == b.length && a.state < b.state);
}

static bool push(struct measure *m, int32_t length, int32_t state)
{
    if (!sw__grow(&m->heap, &m->heap_room, m->n_heap + 1, sizeof *m->heap)) return false;
    int64_t i = m->n_heap++;
    const struct entry e = {length, state};
    for (; i > 0 && less(e, m->heap[(i - 1) / 2]); i = (i - 1) / 2)
        m->heap[i] = m->heap[(i - 1) / 2];
    m->heap[i] = e;
    return true;
}

static struct entry pop(struct measure *m)
{
    const struct entry top = m->heap[0], last = m->heap[--m->n_heap];
    int64_t i = 0;
    for (int64_t child; (child = 2 * i + 1) < m->n_heap; i = child) {
        if (child + 1 < m->n_heap && less(m->heap[child + 1], m->heap[child])) child++;
        if (!less(m->heap[child], last)) break;
        m->heap[i] = m->heap[child];
    }
    m->heap[i] = last;
    return top;
}

/* ---- who waits for whom ------------------------------------------------------------------------ */

static bool allocate(struct measure *m)
{
    const struct sw_grammar *g = m->g;
    m->edge_from = sw__calloc2((size_t)g->n_edges + 1, sizeof *m->edge_from);
    m->call_from = sw__calloc2((size_t)g->n_calls + 1, sizeof *m->call_from);
    m->into = sw__calloc2((size_t)(g->n_edges + 2 * g->n_calls) + 1, sizeof *m->into);
    m->into_first = sw__calloc2((size_t)g->n_states + 2, sizeof *m->into_first);
    m->order = sw__calloc2((size_t)g->n_states + 1, sizeof *m->order);
    m->settled = sw__calloc2((size_t)g->n_states + 1, sizeof *m->settled);
    return m->edge_from && m->call_from && m->into && m->into_first && m->order && m->settled;
}

static void release(struct measure *m)
{
    free(m->heap);
    free(m->edge_from);
    free(m->call_from);
    free(m->into);
    free(m->into_first);
    free(m->order);
    free(m->settled);
}

static void link_states(struct measure *m)
{
    const struct sw_grammar *g = m->g;
    for (int32_t q = 0; q < g->n_states; q++) {
        for (int32_t e = g->states[q].edge; e < g->states[q + 1].edge; e++) m->edge_from[e] = q;
        for (int32_t c = g->states[q].call; c < g->states[q + 1].call; c++) m->call_from[c] = q;
    }
    int32_t *count = m->into_first + 1;
    for (int64_t e = 0; e < g->n_edges; e++) count[g->edges[e].target]++;
    for (int64_t c = 0; c < g->n_calls; c++) {
        count[g->calls[c].back]++;
        count[g->rules[g->calls[c].rule].start]++;
    }
    for (int64_t q = 0; q < g->n_states; q++) count[q] += count[q - 1];
    /* count[q] is now the end of q's part; filled from behind, it becomes its beginning. */
    for (int64_t e = 0; e < g->n_edges; e++) m->into[--count[g->edges[e].target]] = (int32_t)e;
    for (int64_t c = 0; c < g->n_calls; c++) {
        m->into[--count[g->calls[c].back]] = (int32_t)~c;
        m->into[--count[g->rules[g->calls[c].rule].start]] = (int32_t)~c;
    }
    m->into_first[g->n_states + 1] = (int32_t)(g->n_edges + 2 * g->n_calls);
}

/* ---- lengths ----------------------------------------------------------------------------------- */

static uint8_t usual_byte(const struct measure *m, const struct sw_edge *e)
{
    static const char first[] = "\"0a]}_ ";
    for (const char *c = first; *c; c++)
        if ((uint8_t)*c >= e->low && (uint8_t)*c <= e->high && m->has_byte[(uint8_t)*c])
            return (uint8_t)*c;
    for (int c = e->low; c <= e->high; c++)
        if (m->has_byte[c]) return (uint8_t)c;
    return e->low;
}

/* A way of this length was found. */
static bool offer(struct measure *m, int32_t q, int32_t length, struct sw_state way)
{
    struct sw_state *s = &m->g->states[q];
    if (length >= s->length || m->settled[q]) return true;
    s->length = length;
    s->way = way.way;
    s->way_next = way.way_next;
    s->way_rule = way.way_rule;
    s->way_byte = way.way_byte;
    return push(m, length, q);
}

static bool offer_waiting(struct measure *m, int32_t number)
{
    const struct sw_grammar *g = m->g;
    if (number >= 0) {
        const struct sw_edge *e = &g->edges[number];
        return offer(m, m->edge_from[number], g->states[e->target].length + 1,
                     (struct sw_state){
                         .way = SW_WAY_BYTE, .way_next = e->target, .way_byte = usual_byte(m, e)});
    }
    const struct sw_call *c = &g->calls[~number];
    const int32_t start = g->rules[c->rule].start;
    if (!m->settled[c->back] || !m->settled[start]) return true;
    const int64_t length = (int64_t)g->states[c->back].length + g->states[start].length;
    if (length >= SW_NEVER_ENDS) return true;
    return offer(m, m->call_from[~number], (int32_t)length,
                 (struct sw_state){.way = SW_WAY_CALL, .way_next = c->back, .way_rule = c->rule});
}

static bool measure_lengths(struct measure *m)
{
    struct sw_grammar *g = m->g;
    for (int32_t q = 0; q < g->n_states; q++) {
        struct sw_state *s = &g->states[q];
        s->length = SW_NEVER_ENDS;
        if (s->accept && !offer(m, q, g->rules[s->rule].key ? SW_KEY_COST : 0,
                                (struct sw_state){.way = SW_WAY_END}))
            return false;
    }
    while (m->n_heap > 0) {
        const int32_t q = pop(m).state;
        if (m->settled[q]) continue;
        m->settled[q] = true;
        m->order[m->n_order++] = q;
        for (int32_t i = m->into_first[q + 1]; i < m->into_first[q + 2]; i++)
            if (!offer_waiting(m, m->into[i])) return false;
    }
    return true;
}

/* Edges and calls that lead nowhere go. */
static void drop_endless(struct measure *m)
{
    struct sw_grammar *g = m->g;
    int32_t edges = 0, calls = 0;
    for (int64_t q = 0; q < g->n_states; q++) {
        const int32_t edge = g->states[q].edge, call = g->states[q].call;
        g->states[q].edge = edges;
        g->states[q].call = calls;
        for (int32_t e = edge; e < g->states[q + 1].edge; e++)
            if (m->settled[g->edges[e].target]) g->edges[edges++] = g->edges[e];
        for (int32_t c = call; c < g->states[q + 1].call; c++)
            if (m->settled[g->calls[c].back] && m->settled[g->rules[g->calls[c].rule].start])
                g->calls[calls++] = g->calls[c];
    }
    g->states[g->n_states].edge = edges;
    g->states[g->n_states].call = calls;
    g->n_edges = edges;
    g->n_calls = calls;
}

/* ---- tokens ------------------------------------------------------------------------------------ */

static bool empty_call(const struct sw_grammar *g, const struct sw_state *s)
{
    return s->way == SW_WAY_CALL && !g->rules[s->way_rule].key &&
           g->states[g->rules[s->way_rule].start].length == 0;
}

static int32_t sum(int32_t a, int32_t b)
{
    return a + b < SW_NEVER_ENDS ? a + b : SW_NEVER_ENDS;
}

static int32_t cost_of(const struct sw_grammar *g, const struct sw_state *s)
{
    if (s->way == SW_WAY_END) return g->rules[s->rule].key ? SW_KEY_COST : 0;
    if (empty_call(g, s)) return g->states[s->way_next].cost;
    if (s->way == SW_WAY_CALL)
        return sum(g->states[g->rules[s->way_rule].start].cost, g->states[s->way_next].cost);
    int32_t node = 0, best = SW_NEVER_ENDS;
    while (s->way == SW_WAY_BYTE) {
        node = sw__token_trie_child(g->v, node, s->way_byte);
        if (node < 0) break;
        s = &g->states[s->way_next];
        if (g->v->first[node] < g->v->first[node + 1] && sum(s->cost, 1) < best)
            best = sum(s->cost, 1);
        while (empty_call(g, s)) s = &g->states[s->way_next];
    }
    return best;
}

/* ---- left recursion ---------------------------------------------------------------------------- */

struct recursion {
    const struct sw_grammar *g;
    uint8_t *colour;              /* of a rule: 1 while it is open, 2 when done */
    int32_t *mark, *stack, *path; /* states of the rule at hand; rules that are open */
    int32_t *todo, *todo_first;   /* rules that each open rule may begin with */
    int64_t n_todo, todo_room;
};

static bool nullable(const struct sw_grammar *g, int32_t rule)
{
    const struct sw_state *start = &g->states[g->rules[rule].start];
    return g->rules[rule].key ? start->accept : start->length == 0;
}

/* Append the rules that `rule` may begin with. */
static bool begin_with(struct recursion *r, int32_t rule)
{
    const struct sw_grammar *g = r->g;
    int64_t n = 0;
    r->stack[n++] = g->rules[rule].start;
    r->mark[g->rules[rule].start] = rule + 1;
    while (n > 0) {
        const int32_t q = r->stack[--n];
        for (int32_t c = g->states[q].call; c < g->states[q + 1].call; c++) {
            const struct sw_call *call = &g->calls[c];
            if (!sw__grow(&r->todo, &r->todo_room, r->n_todo + 1, sizeof *r->todo)) return false;
            r->todo[r->n_todo++] = call->rule;
            if (!nullable(g, call->rule) || r->mark[call->back] == rule + 1) continue;
            r->mark[call->back] = rule + 1;
            r->stack[n++] = call->back;
        }
    }
    return true;
}

/* Depth first from one rule.  *found: a rule that begins with itself. */
static bool search_from(struct recursion *r, int32_t root, int32_t *found)
{
    int64_t n = 0;
    r->n_todo = 0;
    r->path[n] = root;
    r->todo_first[n++] = 0;
    r->colour[root] = 1;
    if (!begin_with(r, root)) return false;
    while (n > 0) {
        if (r->n_todo == r->todo_first[n - 1]) {
            r->colour[r->path[--n]] = 2;
            continue;
        }
        const int32_t rule = r->todo[--r->n_todo];
        if (r->colour[rule] == 1) {
            *found = rule;
            return true;
        }
        if (r->colour[rule] == 2) continue;
        r->colour[rule] = 1;
        r->path[n] = rule;
        r->todo_first[n++] = (int32_t)r->n_todo;
        if (!begin_with(r, rule)) return false;
    }
    return true;
}

static sw_status refuse_left_recursion(struct sw_grammar *g, const struct sw_source *s)
{
    struct recursion r = {.g = g};
    int32_t found = -1;
    const size_t rules = (size_t)g->n_rules;
    r.colour = sw__calloc2(rules, 1);
    r.mark = sw__calloc2((size_t)g->n_states, sizeof *r.mark);
    r.stack = sw__calloc2((size_t)g->n_states, sizeof *r.stack);
    r.path = sw__calloc2(rules, sizeof *r.path);
    r.todo_first = sw__calloc2(rules, sizeof *r.todo_first);
    bool done = r.colour && r.mark && r.stack && r.path && r.todo_first;
    for (int32_t i = 0; done && found < 0 && i < g->n_rules; i++)
        if (r.colour[i] == 0) done = search_from(&r, i, &found);
    free(r.colour);
    free(r.mark);
    free(r.stack);
    free(r.path);
    free(r.todo);
    free(r.todo_first);
    if (!done) return sw__grammar_no_memory(g);
    if (found < 0) return SW_OK;
    return sw__fail(g->ctx, SW_ERR_UNSUPPORTED,
                    "grammar: rule '%.80s' begins with itself (left recursion)",
                    s->rules[found].name);
}

/* ---- all --------------------------------------------------------------------------------------- */

static sw_status check_start(struct sw_grammar *g)
{
    const struct sw_state *start = &g->states[g->rules[0].start];
    if (start->length >= SW_NEVER_ENDS)
        return sw__fail(g->ctx, SW_ERR_FORMAT,
                        "grammar: no text fits it: each would go on for ever");
    if (start->cost >= SW_NEVER_ENDS)
        return sw__fail(g->ctx, SW_ERR_UNSUPPORTED,
                        "grammar: the vocabulary has no tokens to spell its shortest text");
    return SW_OK;
}

sw_status sw__grammar_measure(struct sw_grammar *g, const struct sw_source *s)
{
    struct measure m = {.g = g};
    for (int c = 0; c < 256; c++) {
        const int32_t node = sw__token_trie_child(g->v, 0, (uint8_t)c);
        m.has_byte[c] = node > 0 && g->v->first[node] < g->v->first[node + 1];
    }
    bool done = allocate(&m);
    if (done) {
        link_states(&m);
        done = measure_lengths(&m);
    }
    if (done) {
        drop_endless(&m);
        for (int64_t i = 0; i < g->n_states; i++) g->states[i].cost = SW_NEVER_ENDS;
        for (int64_t i = 0; i < m.n_order; i++)
            g->states[m.order[i]].cost = cost_of(g, &g->states[m.order[i]]);
    }
    release(&m);
    if (!done) return sw__grammar_no_memory(g);
    sw_status status = check_start(g);
    return status == SW_OK ? refuse_left_recursion(g, s) : status;
}
