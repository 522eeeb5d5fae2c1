/* The graph: leaves, ops, and the sticky error (include/swell/graph.h).
 *
 * Nodes and ops live in one arena and are never freed one by one.  They are kept in the order of
 * creation, which is a topological order: an op can only name values that exist already.  Everything
 * after this (autograd.c, lower.c) walks that order. */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "graph/graph_int.h"
#include "graph/weights_int.h"

sw_status sw_graph_create(sw_context *ctx, sw_graph **out)
{
    *out = NULL;
    sw_graph *g = sw__calloc2(1, sizeof *g);
    if (!g) return sw__fail(ctx, SW_ERR_MEMORY, "graph: out of memory");
    g->ctx = ctx;
    g->compute = SW_F32;
    g->poison = (sw_node){.graph = g, .id = -1, .name = "poisoned"};
    *out = g;
    return SW_OK;
}

void sw_graph_destroy(sw_graph *g)
{
    if (!g) return;
    for (int64_t i = 0; i < g->n_sets; i++) sw_weights_destroy(g->sets[i]);
    free(g->sets);
    free(g->ops);
    free(g->nodes);
    sw__arena_free(&g->arena);
    free(g);
}

sw_status sw_graph_status(const sw_graph *g)
{
    return g->status;
}

/* Keep the first error; the text goes to the context. */
static sw_node *poison(sw_graph *g, sw_status status, const char *text)
{
    if (g->status == SW_OK) {
        g->status = status;
        sw__fail(g->ctx, status, "%s", text);
    }
    return &g->poison;
}

sw_node *sw__graph_poison(sw_graph *g, sw_status status, const char *format, ...)
{
    char text[SW_ERROR_TEXT];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    return poison(g, status, text);
}

void sw_graph_compute(sw_graph *g, sw_dtype compute)
{
    if (compute == SW_F32 || compute == SW_BF16)
        g->compute = compute;
    else
        poison(g, SW_ERR_DTYPE, "products are computed in f32 or bf16");
}

sw_dtype sw__graph_compute_type(const sw_graph *g)
{
    return g->compute;
}

sw_node *sw__node_new(sw_graph *g, sw_dtype dtype, const sw_shape *shape)
{
    sw_node *x = sw__arena_alloc(&g->arena, sizeof *x);
    if (!x || !sw__grow(&g->nodes, &g->nodes_capacity, g->n_nodes + 1, sizeof *g->nodes)) {
        poison(g, SW_ERR_MEMORY, "graph: out of memory");
        return NULL;
    }
    *x = (sw_node){.graph = g, .id = (int)g->n_nodes, .dtype = dtype, .shape = *shape, .name = ""};
    g->nodes[g->n_nodes++] = x;
    return x;
}

static sw_node *leaf_new(sw_graph *g, enum sw_leaf leaf, const char *name, sw_dtype dtype,
                         const sw_shape *shape)
{
    char text[SW_SHAPE_TEXT];
    if (g->status != SW_OK) return &g->poison;
    if (!sw_dtype_get(dtype))
        return sw__graph_poison(g, SW_ERR_DTYPE, "'%s': unknown dtype %d", name, (int)dtype);
    if (sw_shape_bytes(shape, dtype) < 0)
        return sw__graph_poison(g, SW_ERR_SIZE, "'%s': %s of %s is not a possible size", name,
                                sw_shape_text(shape, text), sw_dtype_get(dtype)->name);
    const char *copy = sw__arena_strdup(&g->arena, name);
    sw_node *x = copy ? sw__node_new(g, dtype, shape) : NULL;
    if (!x) return poison(g, SW_ERR_MEMORY, "graph: out of memory");
    x->leaf = leaf;
    x->name = copy;
    return x;
}

sw_node *sw_input(sw_graph *g, const char *name, sw_dtype dtype, sw_shape shape)
{
    return leaf_new(g, SW_LEAF_INPUT, name ? name : "", dtype, &shape);
}

sw_node *sw_const(sw_graph *g, sw_dtype dtype, sw_shape shape, const void *data)
{
    sw_node *x = leaf_new(g, SW_LEAF_CONST, "", dtype, &shape);
    if (x == &g->poison) return x;
    size_t bytes = (size_t)sw_shape_bytes(&shape, dtype);
    void *copy = sw__arena_alloc(&g->arena, bytes ? bytes : 1);
    if (!copy) return poison(g, SW_ERR_MEMORY, "constant: out of memory");
    if (bytes) memcpy(copy, data, bytes);
    x->data = copy;
    return x;
}

sw_node *sw_scalar(sw_graph *g, float value)
{
    return sw_const(g, SW_F32, (sw_shape){0}, &value);
}

/* Hold a reference to the set as long as the graph lives. */
static bool hold_set(sw_graph *g, sw_weights *ws)
{
    for (int64_t i = 0; i < g->n_sets; i++)
        if (g->sets[i] == ws) return true;
    if (!sw__grow(&g->sets, &g->sets_capacity, g->n_sets + 1, sizeof *g->sets)) return false;
    sw__weights_retain(ws);
    g->sets[g->n_sets++] = ws;
    return true;
}

static sw_node *weight_leaf(sw_graph *g, sw_weights *ws, const char *name, sw_dtype dtype,
                            sw_shape shape, sw_init init, bool trainable)
{
    char have[SW_SHAPE_TEXT], want[SW_SHAPE_TEXT];
    if (g->status != SW_OK) return &g->poison;
    sw_weight *w = sw_weights_find(ws, name);
    if (w && (w->tensor.dtype != dtype || !sw_shape_equal(&w->tensor.shape, &shape)))
        return sw__graph_poison(g, SW_ERR_SHAPE, "weight '%s' is %s %s, the model needs %s %s",
                                name, sw_dtype_get(w->tensor.dtype)->name,
                                sw_shape_text(&w->tensor.shape, have),
                                sw_dtype_get(dtype) ? sw_dtype_get(dtype)->name : "unknown",
                                sw_shape_text(&shape, want));
    for (int64_t i = 0; w && i < g->n_nodes; i++)
        if (g->nodes[i]->weight == w) return g->nodes[i];
    if (!w) {
        sw_status status = sw_weights_add(ws, name, dtype, shape, &w);
        if (status != SW_OK) {
            g->status = status;
            return &g->poison;
        }
        sw__weight_init(w, init);
    }
    if (!trainable) w->trainable = false; /* one read from a file was taken for a param */
    sw_node *x = leaf_new(g, SW_LEAF_WEIGHT, name, dtype, &shape);
    if (x == &g->poison) return x;
    if (!hold_set(g, ws)) return poison(g, SW_ERR_MEMORY, "graph: out of memory");
    x->weight = w;
    return x;
}

sw_node *sw_param(sw_graph *g, sw_weights *ws, const char *name, sw_dtype dtype, sw_shape shape,
                  sw_init init)
{
    return weight_leaf(g, ws, name, dtype, shape, init, true);
}

sw_node *sw_state(sw_graph *g, sw_weights *ws, const char *name, sw_dtype dtype, sw_shape shape,
                  sw_init init)
{
    return weight_leaf(g, ws, name, dtype, shape, init, false);
}

sw_dtype sw_node_dtype(const sw_node *x)
{
    return x->dtype;
}

sw_shape sw_node_shape(const sw_node *x)
{
    return x->shape;
}

const char *sw_node_name(const sw_node *x)
{
    return x->name;
}

sw_node *sw_name(sw_node *x, const char *name)
{
    sw_graph *g = x->graph;
    if (g->status != SW_OK) return &g->poison;
    const char *copy = sw__arena_strdup(&g->arena, name);
    if (!copy) return poison(g, SW_ERR_MEMORY, "graph: out of memory");
    x->name = copy;
    return x;
}

sw_node *sw_output(sw_node *x, int i)
{
    sw_graph *g = x->graph;
    if (g->status != SW_OK) return &g->poison;
    if (!x->op || i < 0 || i >= x->op->n_out)
        return sw__graph_poison(g, SW_ERR_ARGUMENT, "%s has no output %d",
                                x->op ? x->op->cls->name : "a leaf", i);
    return x->op->out[i];
}

sw_weight *sw_node_weight(const sw_node *x)
{
    return x->weight;
}

sw_node *sw_keep(sw_node *x)
{
    if (x->graph->status == SW_OK) x->keep = true;
    return x;
}

int sw_graph_params(const sw_graph *g, sw_node **out, int max)
{
    int n = 0;
    for (int64_t i = 0; i < g->n_nodes; i++) {
        sw_node *x = g->nodes[i];
        if (!x->weight || !x->weight->trainable) continue;
        if (n < max) out[n] = x;
        n++;
    }
    return n;
}

/* ---- ops --------------------------------------------------------------------------------------- */

/* Every operand is a healthy node of this graph. */
static bool operands_fit(sw_graph *g, const struct sw_op_class *cls, sw_node *const *in, int n_in)
{
    if (g->status != SW_OK) return false;
    if (SW_NEVER(n_in > SW_MAX_INPUTS)) return false;
    for (int i = 0; i < n_in; i++)
        if (in[i] && in[i]->graph != g) {
            sw__graph_poison(g, SW_ERR_ARGUMENT, "%s: operand %d belongs to another graph",
                             cls->name, i);
            return false;
        }
    for (int i = 0; i < n_in; i++) {
        if (!(cls->mutates >> i & 1) || !in[i]) continue;
        if (in[i]->leaf == SW_LEAF_WEIGHT && !in[i]->weight->mapped) continue;
        sw__graph_poison(g, SW_ERR_ARGUMENT, "%s: operand %d is written and must be a weight",
                         cls->name, i);
        return false;
    }
    return true;
}

/* Shapes and dtypes of the results, by the op's own rule. */
static sw_status op_infer(sw_graph *g, const struct sw_op_class *cls, const void *attr,
                          sw_node *const *in, int n_in, sw_tensor *out, int n_out)
{
    char text[SW_ERROR_TEXT];
    sw_tensor tensors[SW_MAX_INPUTS], *pointers[SW_MAX_INPUTS], *results[SW_MAX_OUTPUTS];
    for (int i = 0; i < n_in; i++) {
        pointers[i] = in[i] ? &tensors[i] : NULL;
        if (in[i]) tensors[i] = (sw_tensor){NULL, in[i]->dtype, in[i]->shape};
    }
    for (int i = 0; i < n_out; i++) results[i] = &out[i];
    sw_status status = sw__infer_run(cls, attr, pointers, n_in, results, n_out, text, sizeof text);
    if (status != SW_OK) poison(g, status, text);
    return status;
}

sw_node *sw__op_add(sw_graph *g, const struct sw_op_class *cls, const void *attr, size_t attr_size,
                    sw_node *const *in, int n_in, int n_out)
{
    sw_tensor shapes[SW_MAX_OUTPUTS] = {{0}};
    if (!operands_fit(g, cls, in, n_in)) return &g->poison;
    if (op_infer(g, cls, attr, in, n_in, shapes, n_out) != SW_OK) return &g->poison;

    struct sw_op *op = sw__arena_alloc(&g->arena, sizeof *op);
    sw_node **links = sw__arena_alloc(&g->arena, (size_t)(n_in + n_out) * sizeof *links);
    void *copy = attr_size ? sw__arena_alloc(&g->arena, attr_size) : NULL;
    if (!op || !links || (attr_size && !copy) ||
        !sw__grow(&g->ops, &g->ops_capacity, g->n_ops + 1, sizeof *g->ops))
        return poison(g, SW_ERR_MEMORY, "graph: out of memory");
    if (attr_size) memcpy(copy, attr, attr_size);
    *op = (struct sw_op){.cls = cls,
                         .id = (int)g->n_ops,
                         .stream = (uint64_t)g->n_ops + 1,
                         .backward = g->in_grad,
                         .n_in = n_in,
                         .n_out = n_out,
                         .in = links,
                         .out = links + n_in,
                         .attr = copy};
    for (int i = 0; i < n_in; i++) op->in[i] = in[i];
    for (int i = 0; i < n_out; i++) {
        sw_node *x = sw__node_new(g, shapes[i].dtype, &shapes[i].shape);
        if (!x) return &g->poison;
        x->op = op;
        x->index = i;
        op->out[i] = x;
    }
    g->ops[g->n_ops++] = op;
    return op->out[0];
}

sw_node *sw__op_in(const struct sw_op *op, int i)
{
    return op->in[i];
}

sw_node *sw__op_out(const struct sw_op *op, int i)
{
    return op->out[i];
}

const void *sw__op_attr(const struct sw_op *op)
{
    return op->attr;
}

int64_t sw__graph_bytes(const sw_graph *g)
{
    int64_t sum = 0;
    for (int64_t i = 0; i < g->n_nodes; i++) {
        const sw_node *x = g->nodes[i];
        int64_t bytes = x->op ? sw_shape_bytes(&x->shape, x->dtype) : 0;
        if (bytes < 0 || __builtin_add_overflow(sum, bytes, &sum)) return INT64_MAX;
    }
    return sum;
}
