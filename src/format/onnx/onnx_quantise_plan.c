/* Which values are stored in bytes.
 *
 * A layer (a convolution or a product with a constant weight) multiplies bytes, so what it reads is
 * rounded.  Between layers there are ops that work on bytes as well: pooling, normalisation of responses,
 * concatenation, sums, views; what they read is rounded when what they give is.  All else, and everything
 * behind the last layer, stays f32.  A relu or clip directly behind a layer or a sum belongs to it: nothing is
 * rounded between the two.
 *
 * Ops that only move bytes or choose among them need the same scale on both sides: those values are one
 * group. */
#include "format/onnx/onnx_quantise.h"

#include "graph/ops/attributes.h"
#include "graph/ops/conv_shape.h"

enum role {
    ROLE_NONE,
    ROLE_MOVES,   /* the same bytes on both sides */
    ROLE_COMPUTES /* bytes of one scale to bytes of another */
};

static enum role role_of(const struct sw_op_class *cls)
{
    static const struct sw_op_class *const moves[] = {
        &sw__op_max_pool2d, &sw__op_concat, &sw__op_reshape, &sw__op_flatten, &sw__op_transpose};
    static const struct sw_op_class *const computes[] = {&sw__op_avg_pool2d, &sw__op_mean,
                                                         &sw__op_lrn, &sw__op_addition};
    for (size_t i = 0; i < sizeof moves / sizeof *moves; i++)
        if (cls == moves[i]) return ROLE_MOVES;
    for (size_t i = 0; i < sizeof computes / sizeof *computes; i++)
        if (cls == computes[i]) return ROLE_COMPUTES;
    return ROLE_NONE;
}

static bool constant(const sw_node *x)
{
    return x && (x->leaf == SW_LEAF_WEIGHT || x->leaf == SW_LEAF_CONST);
}

/* The only op that reads x, or NULL. */
static const struct sw_op *only_reader(const struct sw_onnx_quantiser *q, const sw_node *x)
{
    const struct sw_op *reader = NULL;
    for (int i = 0; i < q->n_out; i++)
        if (q->out[i] == x) return NULL;
    for (int64_t i = x->op ? x->op->id + 1 : 0; i < q->g->n_ops; i++)
        for (int k = 0; k < q->g->ops[i]->n_in; k++)
            if (q->g->ops[i]->in[k] == x) {
                if (reader) return NULL;
                reader = q->g->ops[i];
            }
    return reader;
}

/* What an op gives, behind the relu or clip that belongs to it. */
static const sw_node *result_of(const struct sw_onnx_quantiser *q, const struct sw_op *op)
{
    const struct sw_op *next = only_reader(q, op->out[0]);
    bool activates = next && (next->cls == &sw__op_relu || next->cls == &sw__op_clip);
    return activates ? next->out[0] : op->out[0];
}

/* Whether an op is a layer; then *out says what of it. */
static bool layer_of(const struct sw_onnx_quantiser *q, const struct sw_op *op,
                     struct sw_onnx_layer *out)
{
    const bool conv = op->cls == &sw__op_conv2d, product = op->cls == &sw__op_matmul;
    if ((!conv && !product) || !constant(op->in[1]) || op->in[1]->dtype != SW_F32) return false;
    const sw_node *x = op->in[0], *w = op->in[1], *b = op->in[2];
    if (constant(x) || x->dtype != SW_F32 || (b && (!constant(b) || b->shape.rank != 1)))
        return false;
    if (only_reader(q, w) != op || (b && only_reader(q, b) != op)) return false;
    if (conv && ((const struct conv_attr *)op->attr)->rank != 4) return false;
    const struct matmul_attr *m = op->attr;
    if (product && (m->ta || x->shape.rank != 2 || w->shape.rank != 2)) return false;
    *out = (struct sw_onnx_layer){.op = op, .x = x, .w = w, .b = b, .y = result_of(q, op)};
    out->axis = conv || m->tb ? 0 : 1;
    return sw_shape_elements(&w->shape) > 0;
}

sw_status sw__quantise_find_layers(struct sw_onnx_quantiser *q)
{
    struct sw_onnx_layer layer;
    for (int64_t i = 0; i < q->g->n_ops; i++) q->n_layers += layer_of(q, q->g->ops[i], &layer);
    if (!q->n_layers)
        return sw__fail(q->ctx, SW_ERR_UNSUPPORTED,
                        "%s: no convolution or product with a constant weight to quantise",
                        q->path);
    q->layers = sw__arena_alloc(&q->arena, (size_t)q->n_layers * sizeof *q->layers);
    if (!q->layers) return sw__fail(q->ctx, SW_ERR_MEMORY, "%s: out of memory", q->path);
    int n = 0;
    for (int64_t i = 0; i < q->g->n_ops; i++)
        if (layer_of(q, q->g->ops[i], &layer)) q->layers[n++] = layer;
    return SW_OK;
}

/* ---- groups ------------------------------------------------------------------------------------------ */

static int group_of(const struct sw_onnx_quantiser *q, int id)
{
    while (q->values[id].group != id) id = q->values[id].group;
    return id;
}

static void unite(struct sw_onnx_quantiser *q, const sw_node *a, const sw_node *b)
{
    int p = group_of(q, a->id), r = group_of(q, b->id);
    q->values[p > r ? p : r].group = p > r ? r : p;
}

void sw__quantise_mark(struct sw_onnx_quantiser *q)
{
    for (int64_t i = 0; i < q->n_values; i++) {
        q->values[i].rounded = false;
        q->values[i].group = (int)i;
    }
    for (int i = 0; i < q->n_layers; i++)
        if (!q->layers[i].whole) q->values[q->layers[i].x->id].rounded = true;
    for (int64_t i = q->g->n_ops; i-- > 0;) {
        const struct sw_op *op = q->g->ops[i];
        const enum role role = role_of(op->cls);
        const sw_node *y = role == ROLE_NONE ? NULL : result_of(q, op);
        if (!y || !q->values[y->id].rounded) continue;
        for (int k = 0; k < op->n_in; k++) {
            if (!op->in[k] || constant(op->in[k]) || op->in[k]->dtype != SW_F32) continue;
            q->values[op->in[k]->id].rounded = true;
            if (role == ROLE_MOVES && y == op->out[0]) unite(q, op->in[k], y);
        }
    }
    for (int64_t i = 0; i < q->n_values; i++) q->values[i].group = group_of(q, (int)i);
}
