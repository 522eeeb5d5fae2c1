/* A vocabulary as a trie of its tokens' bytes, in preorder: node i + 1 is the first child of node i or,
 * if that has none, the node next[i].  So a walk is one loop, and a subtree that is refused is one
 * jump.  Tokens are in the order of their bytes, which is the order of the nodes. */
#ifndef SWELL_TEXT_TOKEN_TRIE_H
#define SWELL_TEXT_TOKEN_TRIE_H

#include <swell/constraint.h>

/* Longer tokens are not used under a constraint. */
enum { SW_TOKEN_LIMIT = 48 };

struct sw_token_trie {
    int64_t size;
    int32_t nodes;  /* node 0 is the root, no bytes */
    uint8_t *byte;  /* the last byte of a node's string */
    uint8_t *depth; /* its length */
    int32_t *next;  /* the node behind its subtree */
    int32_t *first; /* nodes + 1: tokens of node i are order[first[i]] .. order[first[i + 1] - 1] */
    int32_t *order; /* tokens sorted by their bytes */
    uint32_t *ends; /* bits */
    uint32_t *start; /* size + 1 places in `text`: the bytes of each token */
    char *text;
};

/* The node of `node`'s string with one byte more; -1: there is none. */
int32_t sw__token_trie_child(const struct sw_token_trie *v, int32_t node, uint8_t byte);

static inline bool sw__token_trie_ends(const struct sw_token_trie *v, int32_t token)
{
    return v->ends[token / 32] >> token % 32 & 1;
}

#endif
