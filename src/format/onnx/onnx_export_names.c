/* Names of values in an exported model.
 *
 * Inputs, weights and whatever sw_name named keep their names; where two values have the same one, the
 * first leaf, else the first value keeps it.  All other values are numbered behind a prefix that no name of
 * the graph begins with: so no name has to be looked for. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "format/onnx/onnx_export.h"

struct named {
    const char *name;
    const sw_node *node;
};

static int by_name(const void *a, const void *b)
{
    const struct named *x = a, *y = b;
    int order = strcmp(x->name, y->name);
    if (order) return order;
    bool p = x->node->leaf != SW_LEAF_NONE, q = y->node->leaf != SW_LEAF_NONE;
    if (p != q) return p ? -1 : 1;
    return x->node->id < y->node->id ? -1 : x->node->id > y->node->id;
}

static const char *name_of(const sw_node *x)
{
    return x->leaf == SW_LEAF_WEIGHT ? sw_weight_name(x->weight) : x->name;
}

/* "v", or where names begin with it "v0_", "v1_", ...: one of the first n + 1 begins no name. */
static const char *free_prefix(struct sw_onnx_export *ex, const struct named *names, int64_t n)
{
    bool *taken = sw__onnx_put_alloc(ex, (size_t)n + 1), plain = true;
    char *prefix = sw__onnx_put_alloc(ex, 24), *end;
    for (int64_t i = 0; taken && i < n; i++) {
        const char *name = names[i].name;
        if (name[0] != 'v') continue;
        plain = false;
        long k = name[1] >= '0' && name[1] <= '9' ? strtol(name + 1, &end, 10) : -1;
        if (k >= 0 && k <= n && *end == '_') taken[k] = true;
    }
    if (!taken || !prefix || plain) return "v";
    int64_t k = 0;
    while (taken[k]) k++;
    snprintf(prefix, 24, "v%lld_", (long long)k);
    return prefix;
}

static void name_values(struct sw_onnx_export *ex, struct named *names)
{
    int64_t n = 0;
    for (int64_t i = 0; i < ex->g->n_nodes; i++) {
        const sw_node *x = ex->g->nodes[i];
        if (ex->values[x->id].live && *name_of(x)) names[n++] = (struct named){name_of(x), x};
    }
    qsort(names, (size_t)n, sizeof *names, by_name);
    ex->prefix = free_prefix(ex, names, n);
    for (int64_t i = 0; i < n; i++)
        if (!i || strcmp(names[i - 1].name, names[i].name) != 0)
            ex->values[names[i].node->id].name = (char *)names[i].name;
}

void sw__onnx_export_names(struct sw_onnx_export *ex)
{
    struct named *names = sw__calloc2((size_t)ex->g->n_nodes + 1, sizeof *names);
    if (names)
        name_values(ex, names);
    else
        sw__onnx_put_fail(ex, SW_ERR_MEMORY, "out of memory");
    free(names);
    for (int64_t i = 0; i < ex->g->n_nodes && ex->status == SW_OK; i++) {
        struct sw_onnx_export_value *v = &ex->values[i];
        if (!v->live) continue;
        if (!v->name) v->name = sw__onnx_new(ex);
        bool rounded = ex->bytes && ex->bytes[i].used;
        v->made = rounded ? sw__onnx_new(ex) : v->name;
        v->type = sw__onnx_type_of(ex->g->nodes[i]->dtype);
    }
}

char *sw__onnx_new(struct sw_onnx_export *ex)
{
    size_t size = strlen(ex->prefix) + 24;
    char *name = sw__onnx_put_alloc(ex, size);
    if (!name) return ex->spare_name;
    snprintf(name, size, "%s%lld", ex->prefix, (long long)ex->counter++);
    return name;
}
