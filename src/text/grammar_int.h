/* A compiled grammar: a push-down automaton over bytes.
 *
 * Each rule is a finite automaton whose edges are ranges of bytes or calls of rules.  A text so far is a
 * set of configurations, each a state and a stack of the states where calls return to.  States
 * from which no end can be reached do not exist. */
#ifndef SWELL_TEXT_GRAMMAR_INT_H
#define SWELL_TEXT_GRAMMAR_INT_H

#include <swell/constraint.h>
#include "text/grammar_source.h"
#include "text/token_trie.h"

enum {
    SW_MAX_STATES = 1 << 18,
    SW_MAX_EDGES = 1 << 21,
    SW_NEVER_ENDS = 1 << 28, /* a cost that is no cost */
    /* What ending a name in an object is said to cost: one that stands there already needs two more
     * characters at most. */
    SW_KEY_COST = 3,
};

struct sw_edge {
    int32_t target;
    uint8_t low, high;
};

struct sw_call {
    int32_t rule, back; /* the state behind the call */
};

/* How the shortest way to the end of the rule goes on. */
enum sw_way { SW_WAY_END, SW_WAY_BYTE, SW_WAY_CALL };

struct sw_state {
    int32_t edge, call; /* the first of them; those of the next state end them */
    int32_t rule;
    int32_t length;   /* bytes of the shortest way */
    int32_t cost;     /* tokens of it */
    int32_t way_next; /* the state behind the byte or the call */
    int32_t way_rule;
    uint8_t way, way_byte;
    bool accept;   /* the rule may end here */
    uint32_t kind; /* states of one kind go on alike for as long as a token may be */
};

struct sw_rule {
    int32_t start;
    bool key;
    char **names; /* ends with NULL */
};

struct sw_mask_cache;

struct sw_grammar {
    sw_context *ctx;
    const struct sw_token_trie *v;
    struct sw_rule *rules;
    int64_t n_rules;
    struct sw_state *states; /* n_states + 1: the last one ends the lists of the one before */
    int64_t n_states, states_room;
    struct sw_edge *edges;
    int64_t n_edges, edges_room;
    struct sw_call *calls;
    int64_t n_calls, calls_room;
    struct sw_mask_cache *cache;
};

/* Trees to automata: states, edges, calls, rules (grammar_build.c, grammar_subsets.c). */
sw_status sw__grammar_build(struct sw_grammar *g, const struct sw_source *s);
/* Drops what has no end; lengths, costs, kinds (grammar_costs.c, grammar_kinds.c).  Refuses left
 * recursion. */
sw_status sw__grammar_measure(struct sw_grammar *g, const struct sw_source *s);
sw_status sw__grammar_kinds(struct sw_grammar *g);

/* ---- the automaton of one rule before subsets are made (grammar_build.c) ----------------------- */

enum sw_move { SW_MOVE_FREE, SW_MOVE_BYTE, SW_MOVE_CALL };

struct sw_nfa_edge {
    int32_t next, target, rule; /* next edge of the same state, -1: none */
    uint8_t move, low, high;
};

struct sw_nfa {
    int32_t *first; /* the first edge of each state, -1: none */
    int64_t n, room;
    struct sw_nfa_edge *edges;
    int64_t n_edges, edges_room;
    int32_t start, end;
};

/* Make the rule deterministic in bytes and in calls, or, where that gets too large, only free of free
 * moves; appends to the grammar's states. */
sw_status sw__grammar_subsets(struct sw_grammar *g, const struct sw_nfa *a, int32_t rule);

sw_status sw__grammar_too_large(struct sw_grammar *g);
sw_status sw__grammar_no_memory(struct sw_grammar *g);

#endif
