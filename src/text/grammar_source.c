/* The trees of a grammar: memory of an arena, errors that stay. */
#include "text/grammar_source.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include "base/context_int.h"
#include "base/size.h"

void sw__source_free(struct sw_source *s)
{
    sw__arena_free(&s->arena);
    free(s->rules);
}

struct sw_tree *sw__source_fail(struct sw_source *s, sw_status status, const char *format, ...)
{
    va_list args;
    if (s->status != SW_OK) return NULL;
    va_start(args, format);
    s->status = sw__failv(s->ctx, status, format, args);
    va_end(args);
    return NULL;
}

void *sw__source_alloc(struct sw_source *s, size_t a, size_t b)
{
    size_t size;
    void *p = sw__size_mul(a, b, &size) ? sw__arena_alloc(&s->arena, size ? size : 1) : NULL;
    if (!p) sw__source_fail(s, SW_ERR_MEMORY, "grammar: out of memory");
    return p;
}

int32_t sw__source_rule(struct sw_source *s, const char *name)
{
    if (!sw__grow(&s->rules, &s->room, s->n + 1, sizeof *s->rules)) {
        sw__source_fail(s, SW_ERR_MEMORY, "grammar: out of memory");
        return -1;
    }
    s->rules[s->n] = (struct sw_source_rule){.name = name};
    return (int32_t)s->n++;
}

static struct sw_tree *new_tree(struct sw_source *s, enum sw_tree_kind kind)
{
    struct sw_tree *t = sw__source_alloc(s, 1, sizeof *t);
    if (t) t->kind = kind;
    return t;
}

struct sw_tree *sw__tree_bytes(struct sw_source *s, const char *bytes, size_t n)
{
    struct sw_tree *t = new_tree(s, SW_TREE_BYTES);
    char *copy = t ? sw__source_alloc(s, n, 1) : NULL;
    if (!copy) return NULL;
    memcpy(copy, bytes, n);
    t->bytes = copy;
    t->n = (int32_t)n;
    return t;
}

struct sw_tree *sw__tree_text(struct sw_source *s, const char *text)
{
    return sw__tree_bytes(s, text, strlen(text));
}

static int by_low(const void *a, const void *b)
{
    const struct sw_range *x = a, *y = b;
    return x->low < y->low ? -1 : x->low > y->low;
}

struct sw_tree *sw__tree_chars(struct sw_source *s, const struct sw_range *ranges, int64_t n,
                               bool negated, bool json)
{
    struct sw_tree *t = new_tree(s, SW_TREE_CHARS);
    struct sw_range *sorted = t ? sw__source_alloc(s, (size_t)n + 1, sizeof *sorted) : NULL;
    struct sw_range *out = sorted ? sw__source_alloc(s, (size_t)n + 1, sizeof *out) : NULL;
    if (!out) return NULL;
    if (n > 0) memcpy(sorted, ranges, (size_t)n * sizeof *sorted);
    if (n > 1) qsort(sorted, (size_t)n, sizeof *sorted, by_low);
    int32_t k = 0;
    uint32_t free_from = 0; /* code points below are decided on */
    for (int64_t i = 0; i < n; i++) {
        const uint32_t low = sorted[i].low > free_from ? sorted[i].low : free_from;
        if (negated && sorted[i].low > free_from)
            out[k++] = (struct sw_range){free_from, sorted[i].low - 1};
        if (!negated && sorted[i].high >= low) out[k++] = (struct sw_range){low, sorted[i].high};
        if (sorted[i].high + 1 > free_from) free_from = sorted[i].high + 1;
    }
    if (negated && free_from <= SW_MAX_CODE_POINT)
        out[k++] = (struct sw_range){free_from, SW_MAX_CODE_POINT};
    t->ranges = out;
    t->n = k;
    t->json = json;
    return t;
}

static struct sw_tree *with_children(struct sw_source *s, enum sw_tree_kind kind,
                                     struct sw_tree *const *child, int64_t n)
{
    if (n > INT32_MAX) return sw__source_fail(s, SW_ERR_SIZE, "grammar: too large");
    for (int64_t i = 0; i < n; i++)
        if (!child[i]) return NULL;
    struct sw_tree *t = new_tree(s, kind);
    struct sw_tree **copy = t ? sw__source_alloc(s, (size_t)n, sizeof *copy) : NULL;
    if (!copy) return NULL;
    if (n > 0) memcpy(copy, child, (size_t)n * sizeof *copy);
    t->child = copy;
    t->n = (int32_t)n;
    return t;
}

struct sw_tree *sw__tree_seq(struct sw_source *s, struct sw_tree *const *child, int64_t n)
{
    return n == 1 ? child[0] : with_children(s, SW_TREE_SEQ, child, n);
}

struct sw_tree *sw__tree_alt(struct sw_source *s, struct sw_tree *const *child, int64_t n)
{
    return n == 1 ? child[0] : with_children(s, SW_TREE_ALT, child, n);
}

struct sw_tree *sw__tree_list(struct sw_source *s, struct sw_tree *const *child,
                              const uint8_t *entry, int64_t n, struct sw_tree *separator)
{
    struct sw_tree *t = separator ? with_children(s, SW_TREE_LIST, child, n) : NULL;
    uint8_t *copy = t ? sw__source_alloc(s, (size_t)n, 1) : NULL;
    if (!copy) return NULL;
    if (n > 0) memcpy(copy, entry, (size_t)n);
    t->entry = copy;
    t->separator = separator;
    return t;
}

struct sw_tree *sw__tree_repeat(struct sw_source *s, struct sw_tree *child, int64_t min,
                                int64_t max)
{
    struct sw_tree *t = with_children(s, SW_TREE_REPEAT, &child, 1);
    if (!t) return NULL;
    t->min = (int32_t)min;
    t->max = (int32_t)max;
    return t;
}

struct sw_tree *sw__tree_call(struct sw_source *s, int32_t rule)
{
    struct sw_tree *t = rule >= 0 ? new_tree(s, SW_TREE_CALL) : NULL;
    if (t) t->rule = rule;
    return t;
}

void sw__tree_push(struct sw_source *s, struct sw_tree_items *items, struct sw_tree *tree)
{
    if (!sw__grow(&items->at, &items->room, items->n + 1, sizeof *items->at))
        sw__source_fail(s, SW_ERR_MEMORY, "grammar: out of memory");
    else
        items->at[items->n++] = tree;
}
