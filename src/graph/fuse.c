/* Fusion: an addition of a bias, a product with a scale, an activation go into the op that made
 * their operand, when nobody else reads that operand.
 *
 *   conv -> add(bias) -> relu        becomes   conv(+bias+relu)
 *   conv -> add(x) -> relu           becomes   conv(+sum+relu)
 *   layernorm -> mul(g) -> add(b)    becomes   layernorm(+scale+bias)
 *
 * A class says what it can take (op.h: accepts_bias, accepts_scale, sum, SW_OP_FUSE_ACT). */
#include <stdio.h>
#include <string.h>

#include "graph/plan_int.h"

/* Who reads the numbers of each value; readers of its shape alone do not stand in the way. */
static void count_readers(sw_plan *p)
{
    for (int64_t i = 0; i < p->n_values; i++) p->values[i].reader_count = p->values[i].output;
    for (int64_t i = 0; i < p->n_ops; i++) {
        const struct sw_plan_op *op = &p->ops[i];
        for (int j = 0; j < op->n_in; j++)
            if (op->in[j] >= 0 && !(op->cls->shape_only >> j & 1))
                p->values[op->in[j]].reader_count++;
    }
}

/* Op number `at` goes into m: m makes its result now.  The value between them had the same shape, so
 * readers of that shape turn to the result. */
static void absorb(sw_plan *p, struct sw_plan_op *m, int64_t at)
{
    struct sw_plan_op *op = &p->ops[at];
    int between = m->out[0], result = op->out[0];
    m->out[0] = result;
    op->gone = true;
    p->values[between].place = SW_PLACE_NONE;
    for (int64_t i = 0; i < p->n_ops; i++)
        for (int j = 0; j < p->ops[i].n_in; j++)
            if (p->ops[i].in[j] == between && !p->ops[i].gone) p->ops[i].in[j] = result;
}

/* The op that makes value v, before op number `before`; NULL for leaves. */
static struct sw_plan_op *maker(sw_plan *p, int v, int64_t before)
{
    for (int64_t i = before - 1; i >= 0; i--)
        if (!p->ops[i].gone && p->ops[i].out[0] == v) return &p->ops[i];
    return NULL;
}

static bool is_leaf(const sw_plan *p, int v)
{
    return p->values[v].node->leaf != SW_LEAF_NONE;
}

/* Note "+what" for reports. */
static void note_fused(sw_plan *p, struct sw_plan_op *op, const char *what)
{
    char text[96];
    snprintf(text, sizeof text, "%s+%s", op->fused_text ? op->fused_text : "", what);
    char *copy = sw__arena_strdup(&p->arena, text);
    if (copy) op->fused_text = copy; /* without memory the report is shorter, nothing else */
    op->fused++;
}

/* add/mul of the maker's only-read result and a leaf vector. */
static bool fuse_vector(sw_plan *p, int64_t at, const char *name, bool scale)
{
    struct sw_plan_op *op = &p->ops[at];
    if (strcmp(op->cls->name, name) != 0) return false;
    for (int side = 0; side < 2; side++) {
        int x = op->in[side], vector = op->in[1 - side];
        if (!is_leaf(p, vector) || is_leaf(p, x) || p->values[x].reader_count != 1) continue;
        struct sw_plan_op *m = maker(p, x, at);
        if (!m || m->act.act != SW_ACT_NONE || !m->runs) continue;
        bool (*accepts)(const sw_shape *, const sw_shape *) = scale ? m->cls->accepts_scale
                                                                    : m->cls->accepts_bias;
        int slot = scale ? m->cls->scale : m->cls->bias;
        /* A scale comes before the bias of the same op. */
        if (!accepts || slot >= m->n_in || m->in[slot] >= 0) continue;
        if (scale && m->cls->accepts_bias && m->in[m->cls->bias] >= 0) continue;
        if (p->values[vector].t.dtype != SW_F32) continue;
        if (!sw_shape_equal(&p->values[x].max, &p->values[op->out[0]].max)) continue;
        if (!accepts(&p->values[x].max, &p->values[vector].max)) continue;
        m->in[slot] = vector;
        absorb(p, m, at);
        note_fused(p, m, scale ? "scale" : "bias");
        return true;
    }
    return false;
}

/* The number of the op that makes value v; -1 for leaves. */
static int64_t made_at(sw_plan *p, int v, int64_t before)
{
    const struct sw_plan_op *m = is_leaf(p, v) ? NULL : maker(p, v, before);
    return m ? m - p->ops : -1;
}

/* add of the maker's only-read result and a value of the same shape that is there before. */
static bool fuse_sum(sw_plan *p, int64_t at)
{
    struct sw_plan_op *op = &p->ops[at];
    if (strcmp(op->cls->name, "add") != 0) return false;
    for (int side = 0; side < 2; side++) {
        const int x = op->in[side], other = op->in[1 - side];
        const int64_t i = made_at(p, x, at);
        struct sw_plan_op *m = i < 0 ? NULL : &p->ops[i];
        if (!m || !m->runs || !m->cls->sum || m->in[m->cls->sum] >= 0) continue;
        if (m->act.act != SW_ACT_NONE || p->values[x].reader_count != 1) continue;
        if (made_at(p, other, at) >= i || p->values[other].t.dtype != SW_F32) continue;
        if (!sw_shape_equal(&p->values[x].max, &p->values[other].max)) continue;
        m->in[m->cls->sum] = other;
        absorb(p, m, at);
        note_fused(p, m, "sum");
        return true;
    }
    return false;
}

static bool fuse_activation(sw_plan *p, int64_t at)
{
    struct sw_plan_op *op = &p->ops[at];
    if (op->cls->act == SW_ACT_NONE) return false;
    int x = op->in[0];
    if (is_leaf(p, x) || p->values[x].reader_count != 1) return false;
    struct sw_plan_op *m = maker(p, x, at);
    if (!m || !m->runs || m->act.act != SW_ACT_NONE || !(m->cls->flags & SW_OP_FUSE_ACT))
        return false;
    m->act.act = op->cls->act;
    if (op->cls->act_params) op->cls->act_params(op->attr, &m->act.a, &m->act.b);
    absorb(p, m, at);
    note_fused(p, m, op->cls->name);
    return true;
}

sw_status sw__plan_fuse(sw_plan *p)
{
    if (p->no_fusion) return SW_OK;
    count_readers(p);
    for (int64_t i = 0; i < p->n_ops; i++) {
        struct sw_plan_op *op = &p->ops[i];
        if (!op->runs || op->gone) continue;
        if (fuse_vector(p, i, "mul", true) || fuse_vector(p, i, "add", false)) continue;
        if (fuse_sum(p, i)) continue;
        fuse_activation(p, i);
    }
    int64_t n = 0;
    for (int64_t i = 0; i < p->n_ops; i++)
        if (!p->ops[i].gone) p->ops[n++] = p->ops[i];
    p->n_ops = n;
    return SW_OK;
}
