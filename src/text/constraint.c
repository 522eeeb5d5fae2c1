/* A text under a grammar: where it stands, which tokens may follow, what it takes to end it. */
#include <stdlib.h>
#include <string.h>
#include "base/context_int.h"
#include "text/grammar_machine.h"
#include "text/grammar_masks.h"

struct sw_constraint {
    struct sw_grammar *g;
    struct sw_machine m;
    struct sw_set set, other;
    bool ended; /* by a token that ends texts */
};

/* ---- grammars ---------------------------------------------------------------------------------- */

static void parse(struct sw_source *s, sw_grammar_kind kind, const char *source, size_t bytes)
{
    switch (kind) {
    case SW_GRAMMAR_JSON_SCHEMA: sw__json_schema_parse(s, source, bytes); return;
    case SW_GRAMMAR_GBNF: sw__gbnf_parse(s, source, bytes); return;
    case SW_GRAMMAR_REGEX: sw__regex_parse(s, source, bytes); return;
    case SW_GRAMMAR_JSON_OBJECT: sw__json_object_parse(s); return;
    }
    sw__source_fail(s, SW_ERR_ARGUMENT, "grammar: no kind %d", (int)kind);
}

sw_status sw_grammar_create(sw_context *ctx, const sw_token_trie *v, sw_grammar_kind kind,
                            const char *source, size_t bytes, sw_grammar **out)
{
    struct sw_source s = {.ctx = ctx};
    *out = NULL;
    parse(&s, kind, source, bytes);
    struct sw_grammar *g = calloc(1, sizeof *g);
    if (!g) sw__source_fail(&s, SW_ERR_MEMORY, "grammar: out of memory");
    if (g) {
        g->ctx = ctx;
        g->v = v;
    }
    sw_status status = s.status;
    if (status == SW_OK) status = sw__grammar_build(g, &s);
    if (status == SW_OK) status = sw__grammar_measure(g, &s);
    if (status == SW_OK) status = sw__grammar_kinds(g);
    if (status == SW_OK) status = sw__masks_create(g);
    sw__source_free(&s);
    if (status != SW_OK) {
        sw_grammar_destroy(g);
        return status;
    }
    *out = g;
    return SW_OK;
}

void sw_grammar_destroy(sw_grammar *g)
{
    if (!g) return;
    sw__masks_free(g);
    for (int64_t i = 0; i < g->n_rules; i++) free(g->rules[i].names);
    free(g->rules);
    free(g->states);
    free(g->edges);
    free(g->calls);
    free(g);
}

/* ---- life -------------------------------------------------------------------------------------- */

sw_status sw_constraint_create(sw_context *ctx, sw_grammar *g, sw_constraint **out)
{
    struct sw_constraint *c = *out = calloc(1, sizeof *c);
    if (c) c->g = g;
    if (c && sw__machine_create(&c->m, g, true)) {
        sw_constraint_reset(c);
        if (!c->m.no_memory) return SW_OK;
    }
    sw_constraint_destroy(c);
    *out = NULL;
    return sw__fail(ctx, SW_ERR_MEMORY, "constraint: out of memory");
}

void sw_constraint_destroy(sw_constraint *c)
{
    if (!c) return;
    sw__machine_free(&c->m);
    free(c);
}

void sw_constraint_reset(sw_constraint *c)
{
    sw__machine_forget(&c->m, 1);
    c->m.n_keys = c->m.n_text = 0;
    sw__machine_begin(&c->m, &c->set, c->g->rules[0].start, SW_BASE, -1);
    c->ended = false;
}

sw_status sw_constraint_copy(sw_constraint *to, const sw_constraint *from)
{
    if (to->g != from->g)
        return sw__fail(to->g->ctx, SW_ERR_ARGUMENT, "constraint: a copy of another grammar's");
    if (!sw__machine_copy(&to->m, &from->m))
        return sw__fail(to->g->ctx, SW_ERR_MEMORY, "constraint: out of memory");
    to->set = from->set;
    to->ended = from->ended;
    return SW_OK;
}

/* ---- the way to the end ------------------------------------------------------------------------ */

static int64_t cost(const struct sw_constraint *c, const struct sw_set *set)
{
    return set->base ? 0 : sw__machine_cost(&c->m, set);
}

int64_t sw_constraint_shortest(const sw_constraint *c)
{
    return c->ended ? 0 : cost(c, &c->set);
}

sw_status sw_constraint_check_budget(sw_constraint *c, int64_t budget)
{
    const int64_t shortest = sw_constraint_shortest(c);
    if (budget >= shortest) return SW_OK;
    return sw__fail(c->g->ctx, SW_ERR_ARGUMENT,
                    "constraint: the shortest text takes %lld tokens; the budget is %lld",
                    (long long)shortest, (long long)budget);
}

bool sw_constraint_may_end(const sw_constraint *c)
{
    return c->ended || c->set.base;
}

bool sw_constraint_ended(const sw_constraint *c)
{
    bool goes_on = false;
    for (int32_t i = 0; i < c->set.n; i++) {
        const struct sw_state *s = &c->g->states[c->set.at[i].state];
        goes_on |= s[0].edge < s[1].edge;
    }
    return c->ended || !goes_on;
}

/* ---- steps ------------------------------------------------------------------------------------- */

/* What a try may have to undo. */
struct before {
    int64_t frames, keys, text;
};

static void undo(struct sw_machine *m, struct before b)
{
    sw__machine_forget(m, b.frames);
    m->n_keys = b.keys;
    m->n_text = b.text;
}

/* The set after the bytes; an empty one if they do not fit.  `from` stays. */
static struct before try_bytes(struct sw_constraint *c, const char *text, size_t n,
                               struct sw_set *to)
{
    struct sw_machine *m = &c->m;
    const struct before b = {m->n_frames, m->n_keys, m->n_text};
    struct sw_set *from = &c->other;
    *to = c->set;
    if (!sw__grow(&m->text, &m->text_room, m->n_text + (int64_t)n, 1)) m->no_memory = true;
    for (size_t i = 0; i < n && to->n > 0 && !m->no_memory; i++) {
        m->text[m->n_text++] = text[i];
        *from = *to;
        sw__machine_step(m, from, (uint8_t)text[i], to);
    }
    return b;
}

sw_status sw_constraint_accept(sw_constraint *c, int32_t token)
{
    const struct sw_token_trie *v = c->g->v;
    struct sw_set to;
    if (token < 0 || token >= v->size || c->ended)
        return sw__fail(c->g->ctx, SW_ERR_ARGUMENT, "constraint: token %d cannot follow", token);
    if (sw__token_trie_ends(v, token)) {
        if (!c->set.base)
            return sw__fail(c->g->ctx, SW_ERR_ARGUMENT, "constraint: the text may not end yet");
        c->ended = true;
        return SW_OK;
    }
    const size_t bytes = v->start[token + 1] - v->start[token];
    const struct before b = try_bytes(c, v->text + v->start[token], bytes, &to);
    if (!c->m.no_memory && to.n > 0 && bytes > 0) {
        c->set = to;
        return SW_OK;
    }
    const bool no_memory = c->m.no_memory;
    undo(&c->m, b);
    c->m.no_memory = false;
    if (no_memory) return sw__grammar_no_memory(c->g);
    return sw__fail(c->g->ctx, SW_ERR_ARGUMENT, "constraint: token %d does not fit", token);
}

/* ---- masks ------------------------------------------------------------------------------------- */

static bool is_empty(const uint32_t *mask, int64_t words)
{
    uint32_t any = 0;
    for (int64_t i = 0; i < words; i++) any |= mask[i];
    return any == 0;
}

/* Try each token.  For what the cache does not know: a name that is taken and has to become longer with the last
 * tokens. */
static sw_status try_all(struct sw_constraint *c, int64_t left, uint32_t *mask)
{
    const struct sw_token_trie *v = c->g->v;
    struct sw_set to;
    for (int32_t i = 0; i < v->size; i++) {
        const size_t bytes = v->start[i + 1] - v->start[i];
        if (bytes == 0 || bytes > SW_TOKEN_LIMIT || sw__token_trie_ends(v, i)) continue;
        const struct before b = try_bytes(c, v->text + v->start[i], bytes, &to);
        if (to.n > 0 && cost(c, &to) <= left) mask[i / 32] |= UINT32_C(1) << i % 32;
        undo(&c->m, b);
        if (c->m.no_memory) {
            c->m.no_memory = false;
            return sw__grammar_no_memory(c->g);
        }
    }
    return SW_OK;
}

sw_status sw_constraint_mask(sw_constraint *c, int64_t left, uint32_t *mask)
{
    const struct sw_token_trie *v = c->g->v;
    const int64_t words = (v->size + 31) / 32;
    sw_status status = SW_OK;
    memset(mask, 0, (size_t)words * sizeof *mask);
    for (int32_t i = 0; !c->ended && i < c->set.n && status == SW_OK; i++)
        status = sw__masks_add(c->g, &c->m, c->set.at[i], left - 1, mask);
    if (status != SW_OK) return status;
    if (sw_constraint_may_end(c))
        for (int64_t i = 0; i < words; i++) mask[i] |= v->ends[i];
    if (!is_empty(mask, words) || sw_constraint_may_end(c)) return SW_OK;
    if (left > 0) status = try_all(c, left - 1, mask);
    if (status != SW_OK || !is_empty(mask, words)) return status;
    return sw__fail(c->g->ctx, SW_ERR_STATE,
                    "constraint: %lld tokens are left; the shortest end takes %lld",
                    (long long)left, (long long)sw_constraint_shortest(c));
}
