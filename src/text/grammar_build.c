/* From the trees of a grammar to automata over bytes (Thompson 1968), a rule at a time.
 *
 * Characters become bytes of UTF-8: a range of code points is cut where the number of bytes changes and
 * where a continuation byte is not free, which leaves sequences of byte ranges.  A list with separators
 * has two states a place, "nothing before" and "something before", that meet in front of the
 * entry, so that each entry is there once however lists are nested. */
#include "text/grammar_int.h"

#include <stdlib.h>
#include <string.h>
#include "base/context_int.h"

struct builder {
    struct sw_grammar *g;
    const struct sw_source *s;
    struct sw_nfa a;
    sw_status status;
};

sw_status sw__grammar_too_large(struct sw_grammar *g)
{
    return sw__fail(g->ctx, SW_ERR_SIZE, "grammar: too large: more than %d states", SW_MAX_STATES);
}

sw_status sw__grammar_no_memory(struct sw_grammar *g)
{
    return sw__fail(g->ctx, SW_ERR_MEMORY, "grammar: out of memory");
}

/* ---- states and edges -------------------------------------------------------------------------- */

/* After an error the states are all number 0, and what is built is never used. */
static int32_t new_state(struct builder *b)
{
    struct sw_nfa *a = &b->a;
    if (b->status != SW_OK) return 0;
    if (a->n >= SW_MAX_STATES)
        b->status = sw__grammar_too_large(b->g);
    else if (!sw__grow(&a->first, &a->room, a->n + 1, sizeof *a->first))
        b->status = sw__grammar_no_memory(b->g);
    if (b->status != SW_OK) return 0;
    a->first[a->n] = -1;
    return (int32_t)a->n++;
}

static void new_edge(struct builder *b, int32_t from, struct sw_nfa_edge e)
{
    struct sw_nfa *a = &b->a;
    if (b->status != SW_OK) return;
    if (a->n_edges >= SW_MAX_EDGES)
        b->status = sw__grammar_too_large(b->g);
    else if (!sw__grow(&a->edges, &a->edges_room, a->n_edges + 1, sizeof *a->edges))
        b->status = sw__grammar_no_memory(b->g);
    if (b->status != SW_OK) return;
    e.next = a->first[from];
    a->edges[a->n_edges] = e;
    a->first[from] = (int32_t)a->n_edges++;
}

static void free_move(struct builder *b, int32_t from, int32_t to)
{
    new_edge(b, from, (struct sw_nfa_edge){.move = SW_MOVE_FREE, .target = to});
}

static void byte_move(struct builder *b, int32_t from, int32_t to, uint8_t low, uint8_t high)
{
    new_edge(b, from,
             (struct sw_nfa_edge){.move = SW_MOVE_BYTE, .target = to, .low = low, .high = high});
}

/* ---- characters -------------------------------------------------------------------------------- */

static int utf8(uint32_t c, uint8_t to[4])
{
    const int n = c < 0x80 ? 1 : c < 0x800 ? 2 : c < 0x10000 ? 3 : 4;
    static const uint8_t mark[] = {0, 0, 0xC0, 0xE0, 0xF0};
    for (int i = n; i-- > 1; c >>= 6) to[i] = (uint8_t)(0x80 | (c & 0x3F));
    to[0] = (uint8_t)(mark[n] | c);
    return n;
}

/* All characters of the range, whose bytes are `n` each, n - 1 of them free or of one value. */
static void sequence(struct builder *b, int32_t from, int32_t to, uint32_t low, uint32_t high)
{
    uint8_t l[4], h[4];
    const int n = utf8(low, l);
    utf8(high, h);
    for (int i = 0; i < n; i++) {
        const int32_t next = i + 1 < n ? new_state(b) : to;
        byte_move(b, from, next, l[i], h[i]);
        from = next;
    }
}

/* low and high have the same number of bytes.  Cut until all bytes behind the first that differs are
 * free. */
static void cut_range(struct builder *b, int32_t from, int32_t to, uint32_t low, uint32_t high)
{
    for (int bits = 18; bits > 0; bits -= 6) {
        const uint32_t mask = (UINT32_C(1) << bits) - 1;
        if ((low & ~mask) == (high & ~mask)) continue;
        if (low & mask) {
            cut_range(b, from, to, low, low | mask);
            cut_range(b, from, to, (low | mask) + 1, high);
            return;
        }
        if ((high & mask) != mask) {
            cut_range(b, from, to, low, (high & ~mask) - 1);
            cut_range(b, from, to, high & ~mask, high);
            return;
        }
    }
    sequence(b, from, to, low, high);
}

static void plain_range(struct builder *b, int32_t from, int32_t to, uint32_t low, uint32_t high)
{
    static const struct sw_range pieces[] = {
        {0, 0x7F}, {0x80, 0x7FF}, {0x800, 0xD7FF}, {0xE000, 0xFFFF}, {0x10000, SW_MAX_CODE_POINT}};
    for (size_t i = 0; i < sizeof pieces / sizeof *pieces; i++) {
        const uint32_t l = low > pieces[i].low ? low : pieces[i].low;
        const uint32_t h = high < pieces[i].high ? high : pieces[i].high;
        if (l <= h) cut_range(b, from, to, l, h);
    }
}

static void literal(struct builder *b, int32_t from, int32_t to, const char *bytes, int64_t n)
{
    for (int64_t i = 0; i < n; i++) {
        const int32_t next = i + 1 < n ? new_state(b) : to;
        byte_move(b, from, next, (uint8_t)bytes[i], (uint8_t)bytes[i]);
        from = next;
    }
}

/* A character of a JSON string that cannot stand for itself. */
static void escaped(struct builder *b, int32_t from, int32_t to, uint32_t c)
{
    static const char short_from[] = "\"\\\b\f\n\r\t", short_to[] = "\"\\bfnrt";
    const char *known = c ? strchr(short_from, (int)c) : NULL;
    char text[6] = {'\\', 'u', '0', '0', (char)('0' + (c >> 4)), "0123456789abcdef"[c & 15]};
    if (c == 0) return; /* readers refuse it */
    if (known) {
        text[1] = short_to[known - short_from];
        literal(b, from, to, text, 2);
    } else {
        literal(b, from, to, text, 6);
    }
}

static void characters(struct builder *b, const struct sw_tree *t, int32_t from, int32_t to)
{
    for (int32_t i = 0; i < t->n; i++) {
        uint32_t low = t->ranges[i].low;
        const uint32_t high = t->ranges[i].high;
        while (t->json && low <= high) {
            static const struct sw_range plain[] = {
                {0x20, 0x21}, {0x23, 0x5B}, {0x5D, SW_MAX_CODE_POINT}};
            int k = 0;
            while (plain[k].high < low) k++;
            if (low < plain[k].low) {
                escaped(b, from, to, low++);
                continue;
            }
            const uint32_t end = high < plain[k].high ? high : plain[k].high;
            plain_range(b, from, to, low, end);
            low = end + 1;
        }
        if (!t->json) plain_range(b, from, to, low, high);
    }
}

/* ---- trees ------------------------------------------------------------------------------------- */

static int32_t emit(struct builder *b, const struct sw_tree *t, int32_t from);

static int32_t emit_list(struct builder *b, const struct sw_tree *t, int32_t from)
{
    int32_t none = from, some = new_state(b);
    const int32_t end = new_state(b);
    for (int32_t i = 0; i < t->n && b->status == SW_OK; i++) {
        const int32_t meet = new_state(b), next_none = new_state(b), next_some = new_state(b);
        const bool many = t->entry[i] == SW_ENTRY_MANY;
        free_move(b, none, meet);
        free_move(b, emit(b, t->separator, some), meet);
        free_move(b, emit(b, t->child[i], meet), many ? some : next_some);
        if (t->entry[i] == SW_ENTRY_LAST) {
            free_move(b, none, end);
            free_move(b, some, end);
        } else if (t->entry[i] != SW_ENTRY_REQUIRED) {
            free_move(b, none, next_none);
            free_move(b, some, next_some);
        }
        none = next_none;
        some = next_some;
    }
    free_move(b, none, end);
    free_move(b, some, end);
    return end;
}

static int32_t emit_repeat(struct builder *b, const struct sw_tree *t, int32_t from)
{
    for (int32_t i = 0; i < t->min && b->status == SW_OK; i++) from = emit(b, t->child[0], from);
    const int32_t end = new_state(b);
    if (t->max < 0) {
        const int32_t loop = new_state(b);
        free_move(b, from, loop);
        free_move(b, emit(b, t->child[0], loop), loop);
        free_move(b, loop, end);
        return end;
    }
    for (int32_t i = t->min; i < t->max && b->status == SW_OK; i++) {
        free_move(b, from, end);
        from = emit(b, t->child[0], from);
    }
    free_move(b, from, end);
    return end;
}

/* Append to state `from` what t makes; returns the state behind it.  Nothing enters `from` but what does
 * already, as loops begin with a state of their own. */
static int32_t emit(struct builder *b, const struct sw_tree *t, int32_t from)
{
    int32_t end;
    switch (t->kind) {
    case SW_TREE_SEQ:
        end = from;
        for (int32_t i = 0; i < t->n && b->status == SW_OK; i++) end = emit(b, t->child[i], end);
        if (t->n > 0) return end;
        break;
    case SW_TREE_LIST: return emit_list(b, t, from);
    case SW_TREE_REPEAT: return emit_repeat(b, t, from);
    default: break;
    }
    end = new_state(b);
    switch (t->kind) {
    case SW_TREE_SEQ: free_move(b, from, end); break;
    case SW_TREE_BYTES:
        if (t->n > 0)
            literal(b, from, end, t->bytes, t->n);
        else
            free_move(b, from, end);
        break;
    case SW_TREE_CHARS: characters(b, t, from, end); break;
    case SW_TREE_CALL:
        new_edge(b, from,
                 (struct sw_nfa_edge){.move = SW_MOVE_CALL, .target = end, .rule = t->rule});
        break;
    default: /* SW_TREE_ALT */
        for (int32_t i = 0; i < t->n && b->status == SW_OK; i++) {
            const int32_t begin = new_state(b);
            free_move(b, from, begin);
            free_move(b, emit(b, t->child[i], begin), end);
        }
    }
    return end;
}

/* ---- rules ------------------------------------------------------------------------------------- */

static char **copy_names(const char *const *names)
{
    size_t n = 0, bytes = 0;
    for (; names && names[n]; n++) bytes += strlen(names[n]) + 1;
    char **copy = malloc((n + 1) * sizeof *copy + bytes);
    if (!copy) return NULL;
    char *to = (char *)(copy + n + 1);
    for (size_t i = 0; i < n; i++) {
        const size_t size = strlen(names[i]) + 1;
        copy[i] = memcpy(to, names[i], size);
        to += size;
    }
    copy[n] = NULL;
    return copy;
}

static sw_status build_rule(struct builder *b, int32_t rule)
{
    const struct sw_source_rule *from = &b->s->rules[rule];
    struct sw_rule *to = &b->g->rules[rule];
    to->key = from->key;
    to->names = copy_names(from->names);
    if (!to->names) return sw__grammar_no_memory(b->g);
    b->a.n = b->a.n_edges = 0;
    b->a.start = new_state(b);
    b->a.end = emit(b, from->tree, b->a.start);
    return b->status == SW_OK ? sw__grammar_subsets(b->g, &b->a, rule) : b->status;
}

sw_status sw__grammar_build(struct sw_grammar *g, const struct sw_source *s)
{
    struct builder b = {.g = g, .s = s};
    g->rules = sw__calloc2((size_t)s->n, sizeof *g->rules);
    g->n_rules = g->rules ? s->n : 0;
    sw_status status = g->rules ? SW_OK : sw__grammar_no_memory(g);
    for (int32_t i = 0; i < g->n_rules && status == SW_OK; i++) status = build_rule(&b, i);
    free(b.a.first);
    free(b.a.edges);
    if (status != SW_OK) return status;
    if (!sw__grow(&g->states, &g->states_room, g->n_states + 1, sizeof *g->states))
        return sw__grammar_no_memory(g);
    g->states[g->n_states] = (struct sw_state){.edge = (int32_t)g->n_edges,
                                               .call = (int32_t)g->n_calls};
    return SW_OK;
}
