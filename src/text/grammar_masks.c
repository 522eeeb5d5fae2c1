/* Masks of a configuration: walks over the trie of the vocabulary, remembered.
 *
 * From state q, most tokens stay in q's rule or in what it calls: whether they fit does not depend on the
 * stack.  Where q's rule ends in the middle of a token, the walk goes on in the caller: from that
 * node of the trie, at the state where the caller takes over.  So there is one entry for (kind of q),
 * one for (kind of q, kind of the caller's state), and so on as far as tokens reach, each with the tokens
 * that the ones before do not have.  The idea is XGrammar's (Dong et al. 2024), which tells
 * tokens apart by whether they depend on the stack; entries a caller deep are ours.
 *
 * The tokens of an entry are in levels of equal cost: how much further the end is behind them than at the
 * entry's state.  A budget takes the levels that it can afford.
 *
 * A token that ends the name of an object is taken out again where that name stood before. */
#include "text/grammar_masks.h"

#include <stdlib.h>
#include <string.h>
#include "base/context_int.h"

enum { SLOTS = 1 << 12 };
static const size_t cache_limit = (size_t)512 << 20;

struct level {
    int32_t further; /* the end's distance, relative to the entry's state */
    int32_t n;
    int32_t *ids;   /* few tokens */
    uint32_t *bits; /* or many */
};

struct entry {
    int32_t caller_of; /* the entry whose rule ends; -1: none */
    uint32_t kind;
    int32_t same_slot;
    int32_t n_levels, n_ends;
    struct level *levels;
    int32_t *ends; /* nodes of the trie where the rule has ended and tokens go on */
};

struct found {
    int32_t cost, token;
};

struct sw_mask_cache {
    struct sw_machine m;
    struct entry *entries;
    int64_t n, room;
    int32_t slots[SLOTS];
    size_t bytes;
    struct found *found;
    int64_t n_found, found_room;
    int32_t *ends;
    int64_t n_ends, ends_room;
    uint32_t *scratch;
    int64_t frames[SW_TOKEN_LIMIT + 1]; /* how many a depth has */
    struct sw_set sets[SW_TOKEN_LIMIT + 1];
};

sw_status sw__masks_create(struct sw_grammar *g)
{
    struct sw_mask_cache *k = g->cache = calloc(1, sizeof *g->cache);
    if (!k || !sw__machine_create(&k->m, g, false)) return sw__grammar_no_memory(g);
    k->scratch = sw__calloc2((size_t)(g->v->size + 31) / 32, sizeof *k->scratch);
    memset(k->slots, 0xFF, sizeof k->slots);
    return k->scratch ? SW_OK : sw__grammar_no_memory(g);
}

static void forget_entries(struct sw_mask_cache *k)
{
    for (int64_t i = 0; i < k->n; i++) {
        for (int32_t l = 0; l < k->entries[i].n_levels; l++) {
            free(k->entries[i].levels[l].ids);
            free(k->entries[i].levels[l].bits);
        }
        free(k->entries[i].levels);
        free(k->entries[i].ends);
    }
    k->n = 0;
    k->bytes = 0;
    memset(k->slots, 0xFF, sizeof k->slots);
}

void sw__masks_free(struct sw_grammar *g)
{
    struct sw_mask_cache *k = g->cache;
    if (!k) return;
    forget_entries(k);
    sw__machine_free(&k->m);
    free(k->entries);
    free(k->found);
    free(k->ends);
    free(k->scratch);
    free(k);
    g->cache = NULL;
}

/* ---- a walk ------------------------------------------------------------------------------------ */

static bool keep_end(struct sw_mask_cache *k, int32_t node)
{
    if (!sw__grow(&k->ends, &k->ends_room, k->n_ends + 1, sizeof *k->ends)) return false;
    k->ends[k->n_ends++] = node;
    return true;
}

static bool keep_tokens(struct sw_mask_cache *k, const struct sw_token_trie *v, int32_t node,
                        const struct sw_set *set)
{
    const int32_t n = v->first[node + 1] - v->first[node];
    if (n == 0) return true;
    const int32_t cost = sw__machine_cost(&k->m, set);
    if (cost >= SW_NEVER_ENDS) return true;
    if (!sw__grow(&k->found, &k->found_room, k->n_found + n, sizeof *k->found)) return false;
    for (int32_t i = 0; i < n; i++)
        k->found[k->n_found++] = (struct found){cost, v->order[v->first[node] + i]};
    return true;
}

/* Below a node, from a state of a rule that ends at the base.  `within`: the node is inside of a token. */
static bool walk(struct sw_mask_cache *k, const struct sw_token_trie *v, int32_t node,
                 int32_t state, bool within)
{
    const int32_t end = v->next[node];
    const int top = v->depth[node];
    sw__machine_forget(&k->m, 1);
    sw__machine_begin(&k->m, &k->sets[top], state, SW_BASE, -1);
    k->frames[top] = k->m.n_frames;
    if (within && k->sets[top].base && !keep_end(k, node)) return false;
    for (int32_t i = node + 1; i < end;) {
        const int depth = v->depth[i];
        struct sw_set *set = &k->sets[depth];
        sw__machine_forget(&k->m, k->frames[depth - 1]);
        sw__machine_step(&k->m, &k->sets[depth - 1], v->byte[i], set);
        k->frames[depth] = k->m.n_frames;
        if (set->n == 0) {
            i = v->next[i];
            continue;
        }
        if (!keep_tokens(k, v, i, set)) return false;
        if (set->base && v->next[i] > i + 1 && !keep_end(k, i)) return false;
        i++;
    }
    return !k->m.no_memory;
}

/* ---- an entry ---------------------------------------------------------------------------------- */

static int by_cost(const void *a, const void *b)
{
    const struct found *x = a, *y = b;
    if (x->cost != y->cost) return x->cost < y->cost ? -1 : 1;
    return x->token < y->token ? -1 : x->token > y->token;
}

static bool make_level(struct sw_mask_cache *k, const struct sw_token_trie *v, struct level *l,
                       const struct found *found, int32_t n, int32_t own_cost)
{
    l->further = found->cost - own_cost;
    l->n = n;
    if (n < v->size / 32) {
        l->ids = sw__calloc2((size_t)n, sizeof *l->ids);
        for (int32_t i = 0; l->ids && i < n; i++) l->ids[i] = found[i].token;
        k->bytes += (size_t)n * sizeof *l->ids;
        return l->ids != NULL;
    }
    const size_t words = (size_t)(v->size + 31) / 32;
    l->bits = sw__calloc2(words, sizeof *l->bits);
    for (int32_t i = 0; l->bits && i < n; i++)
        l->bits[found[i].token / 32] |= UINT32_C(1) << found[i].token % 32;
    k->bytes += words * sizeof *l->bits;
    return l->bits != NULL;
}

/* What a walk has found, in levels. */
static bool make_levels(struct sw_mask_cache *k, const struct sw_token_trie *v, struct entry *e,
                        int32_t own_cost)
{
    int32_t levels = 0;
    if (k->n_found > 1) qsort(k->found, (size_t)k->n_found, sizeof *k->found, by_cost);
    for (int64_t i = 0; i < k->n_found; i++)
        levels += i == 0 || k->found[i].cost != k->found[i - 1].cost;
    e->levels = sw__calloc2((size_t)levels + 1, sizeof *e->levels);
    e->ends = sw__calloc2((size_t)k->n_ends + 1, sizeof *e->ends);
    if (!e->levels || !e->ends) return false;
    if (k->n_ends > 0) memcpy(e->ends, k->ends, (size_t)k->n_ends * sizeof *e->ends);
    e->n_ends = (int32_t)k->n_ends;
    for (int64_t i = 0, j; i < k->n_found; i = j) {
        for (j = i; j < k->n_found && k->found[j].cost == k->found[i].cost; j++) {}
        if (!make_level(k, v, &e->levels[e->n_levels++], k->found + i, (int32_t)(j - i), own_cost))
            return false;
    }
    k->bytes += sizeof *e + (size_t)k->n_ends * sizeof *e->ends;
    return true;
}

/* The entry's number; -1: out of memory. */
static int32_t get_entry(struct sw_grammar *g, int32_t caller_of, int32_t state)
{
    struct sw_mask_cache *k = g->cache;
    const uint32_t kind = g->states[state].kind;
    const uint64_t hash = ((uint64_t)(uint32_t)caller_of << 32 | kind) *
                          UINT64_C(0x9E3779B97F4A7C15);
    int32_t *slot = &k->slots[hash >> 52];
    for (int32_t i = *slot; i >= 0; i = k->entries[i].same_slot)
        if (k->entries[i].caller_of == caller_of && k->entries[i].kind == kind) return i;
    if (!sw__grow(&k->entries, &k->room, k->n + 1, sizeof *k->entries)) return -1;
    k->n_found = k->n_ends = 0;
    bool done = true;
    if (caller_of < 0) {
        done = walk(k, g->v, 0, state, false);
    } else {
        for (int32_t i = 0; done && i < k->entries[caller_of].n_ends; i++)
            done = walk(k, g->v, k->entries[caller_of].ends[i], state, true);
    }
    struct entry *e = &k->entries[k->n++];
    *e = (struct entry){.caller_of = caller_of, .kind = kind, .same_slot = *slot};
    *slot = (int32_t)(k->n - 1);
    if (done && make_levels(k, g->v, e, g->states[state].cost)) return *slot;
    forget_entries(k);
    return -1;
}

/* ---- masks ------------------------------------------------------------------------------------- */

/* Those levels whose cost is at most `left` when that of the entry's state is `cost`. */
static void add_levels(const struct sw_grammar *g, const struct entry *e, int64_t cost,
                       int64_t left, uint32_t *mask)
{
    const int64_t words = (g->v->size + 31) / 32;
    for (int32_t i = 0; i < e->n_levels; i++) {
        const struct level *l = &e->levels[i];
        if (cost + l->further > left) return;
        if (l->bits)
            for (int64_t w = 0; w < words; w++) mask[w] |= l->bits[w];
        else
            for (int32_t t = 0; t < l->n; t++)
                mask[l->ids[t] / 32] |= UINT32_C(1) << l->ids[t] % 32;
    }
}

/* Clear the tokens that begin with the rest of a name and its quote. */
static void drop_name(const struct sw_machine *m, const char *name, int64_t n, int32_t start,
                      uint32_t *mask)
{
    const struct sw_token_trie *v = m->g->v;
    const int64_t own = m->n_text - start;
    int32_t node = 0;
    if (n < own || memcmp(name, m->text + start, (size_t)own) != 0) return;
    for (int64_t i = own; i < n && node >= 0; i++)
        node = sw__token_trie_child(v, node, (uint8_t)name[i]);
    if (node >= 0) node = sw__token_trie_child(v, node, '"');
    if (node < 0) return;
    for (int32_t i = v->first[node]; i < v->first[v->next[node]]; i++)
        mask[v->order[i] / 32] &= ~(UINT32_C(1) << v->order[i] % 32);
}

static void drop_taken(const struct sw_machine *m, const struct sw_frame *f, uint32_t *mask)
{
    for (char **name = m->g->rules[m->g->states[f->back].rule].names; *name; name++)
        drop_name(m, *name, (int64_t)strlen(*name), f->key_start, mask);
    for (int32_t i = f->keys; i >= 0; i = m->keys[i].before)
        drop_name(m, m->text + m->keys[i].start, m->keys[i].bytes, f->key_start, mask);
}

sw_status sw__masks_add(struct sw_grammar *g, const struct sw_machine *m, struct sw_configuration c,
                        int64_t left, uint32_t *mask)
{
    struct sw_mask_cache *k = g->cache;
    const size_t words = (size_t)(g->v->size + 31) / 32;
    const struct sw_frame *top = &m->frames[c.frame];
    const bool name = top->key_start >= 0;
    if (g->states[c.state].edge == g->states[c.state + 1].edge) return SW_OK;
    if (k->bytes > cache_limit) forget_entries(k);
    int32_t e = get_entry(g, -1, c.state), frame = c.frame;
    if (e < 0) return sw__grammar_no_memory(g);
    add_levels(g, &k->entries[e], (int64_t)g->states[c.state].cost + top->cost, left, mask);
    uint32_t *to = name ? k->scratch : mask;
    if (name) memset(to, 0, words * sizeof *to);
    while (frame != SW_BASE && k->entries[e].n_ends > 0) {
        const struct sw_frame *f = &m->frames[frame];
        e = get_entry(g, e, f->back);
        if (e < 0) return sw__grammar_no_memory(g);
        add_levels(g, &k->entries[e], f->cost, left, to);
        frame = f->below;
    }
    if (!name) return SW_OK;
    drop_taken(m, top, to);
    for (size_t w = 0; w < words; w++) mask[w] |= to[w];
    return SW_OK;
}
