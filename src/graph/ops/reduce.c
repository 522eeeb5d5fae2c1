/* Reductions over axes: sum, mean, max, min; and sw__sum_to, the gradient of broadcasting.
 *
 * An op reduces one group of neighbouring axes: x is seen as (O,R,I) and the result is (O,1,I).  A
 * builder that is asked for several groups makes one op a group, the innermost first.
 *
 * Each (R,I) plane is cut along R into blocks whose length depends on I only.  Phase 0 reduces blocks
 * to partial results, phase 1 the partial results in order; where there is one block, phase 0 writes
 * the result.  So the order of a sum depends on R and I, and neither on O nor on threads.
 * Error of a sum of n: at most (block / 32 + 8 + blocks) eps / 2 * sum |x| for I = 1. */
#include <string.h>

#include "base/size.h"
#include "graph/op.h"
#include "graph/ops/attributes.h"

struct reduce_note {
    int64_t o, r, i;
    int64_t block, blocks;    /* rows of a block; blocks of a plane */
    int64_t columns, stripes; /* columns of a stripe; stripes of a plane */
    int64_t group;            /* pieces (plane, block, stripe) a task of phase 0 */
    float scale;              /* of the result: 1 / R for means */
};

enum { BLOCK_ELEMENTS = 16384, LEAST_ROWS = 32, STRIPE = 4096 };

static sw_status reduce_infer(struct sw_infer *q)
{
    const struct reduce_attr *attr = q->attr;
    sw_status status = sw__infer_dtype(q, 0, SW_F32);
    if (status != SW_OK) return status;
    sw_shape *y = &q->out[0]->shape;
    *y = q->in[0]->shape;
    for (int i = attr->first; i <= attr->last; i++) {
        if (y->dim[i] == 0 && attr->kind != SW_REDUCE_KIND_SUM)
            return sw__infer_fail(q, SW_ERR_SHAPE, "there is no extreme of nothing along axis %d",
                                  i);
        y->dim[i] = 1;
    }
    q->out[0]->dtype = SW_F32;
    return SW_OK;
}

/* x as (O,R,I). */
static void view_of(const sw_shape *x, const struct reduce_attr *attr, struct reduce_note *n)
{
    *n = (struct reduce_note){1, 1, 1, 1, 1, 1, 1, 1, 1};
    for (int k = 0; k < x->rank; k++)
        *(k < attr->first ? &n->o : k > attr->last ? &n->i : &n->r) *= x->dim[k];
    if (attr->mean) n->scale = n->r > 0 ? (float)(1.0 / (double)n->r) : 0;
}

static sw_status reduce_prepare(struct sw_step *s)
{
    struct reduce_note *n = s->note;
    view_of(&s->in[0]->shape, s->attr, n);
    s->kernel = s->k->names[n->i == 1 ? SW_SLOT_reduce_f32 : SW_SLOT_reduce_rows_f32];
    s->flops = (double)n->o * (double)n->r * (double)n->i;
    s->n_phases = 0;
    s->workspace = 0;
    if (n->o * n->i == 0) return SW_OK;
    n->block = sw__max64(BLOCK_ELEMENTS / sw__max64(n->i, 1), LEAST_ROWS);
    n->blocks = sw__max64(sw__ceil_div(n->r, n->block), 1);
    n->columns = STRIPE;
    n->stripes = sw__ceil_div(n->i, STRIPE);
    int64_t piece = sw__min64(n->block, sw__max64(n->r, 1)) * sw__min64(n->i, STRIPE);
    n->group = sw__max64(BLOCK_ELEMENTS / sw__max64(piece, 1), 1);
    s->n_phases = n->blocks > 1 ? 2 : 1;
    s->tasks[0] = sw__ceil_div(n->o * n->blocks * n->stripes, n->group);
    s->tasks[1] = sw__ceil_div(n->o * n->i, SW_GRAIN);
    if (n->blocks > 1) s->workspace = (size_t)(n->o * n->blocks * n->i) * sizeof(float);
    return SW_OK;
}

static void scale_row(float *y, int64_t n, float scale)
{
    for (int64_t j = 0; scale != 1 && j < n; j++) y[j] *= scale;
}

/* One piece: rows of one block, columns of one stripe, of one plane. */
static void reduce_piece(const struct sw_step *s, const struct reduce_note *n, int64_t piece)
{
    const struct reduce_attr *attr = s->attr;
    int64_t stripe = piece % n->stripes, rest = piece / n->stripes;
    int64_t block = rest % n->blocks, plane = rest / n->blocks;
    int64_t column = stripe * n->columns, columns = sw__min64(n->columns, n->i - column);
    int64_t row = block * n->block, rows = sw__min64(n->block, n->r - row);
    const float *x = (const float *)s->in[0]->data + (plane * n->r + row) * n->i + column;
    float *y = (n->blocks > 1 ? (float *)s->ws : (float *)s->out[0]->data) +
               (plane * n->blocks + block) * n->i + column;
    if (rows == 0)
        memset(y, 0, (size_t)columns * sizeof *y); /* the sum of nothing */
    else if (n->i == 1)
        *y = s->k->reduce_f32(attr->kind, x, rows);
    else
        s->k->reduce_rows_f32(attr->kind, y, x, rows, n->i, columns);
    if (n->blocks == 1) scale_row(y, columns, n->scale);
}

static void reduce_run(const struct sw_step *s, int phase, int64_t begin, int64_t end,
                       void *scratch)
{
    const struct reduce_note *n = s->note;
    const struct reduce_attr *attr = s->attr;
    if (phase == 0) {
        int64_t to = sw__min64(end * n->group, n->o * n->blocks * n->stripes);
        for (int64_t p = begin * n->group; p < to; p++) reduce_piece(s, n, p);
        return;
    }
    int64_t at, to;
    sw__step_range(n->o * n->i, SW_GRAIN, begin, end, &at, &to);
    for (int64_t run; at < to; at += run) {
        int64_t plane = at / n->i, column = at % n->i;
        float *y = (float *)s->out[0]->data + at;
        const float *part = (const float *)s->ws + plane * n->blocks * n->i + column;
        run = sw__min64(n->i - column, to - at);
        s->k->reduce_rows_f32(attr->kind, y, part, n->blocks, n->i, run);
        scale_row(y, run, n->scale);
    }
}

/* ---- gradients ------------------------------------------------------------------------------------ */

/* dx = dy, spread over the group (times 1 / R for means): operands dy, x (shape only).
 * dx = dy where x is the first that equals y, else 0: operands dy, x, y. */
static sw_status spread_infer(struct sw_infer *q)
{
    q->out[0]->dtype = SW_F32;
    q->out[0]->shape = q->in[1]->shape;
    return SW_OK;
}

static sw_status spread_prepare(struct sw_step *s)
{
    struct reduce_note *n = s->note;
    view_of(&s->in[1]->shape, s->attr, n);
    s->n_phases = n->o * n->r * n->i > 0;
    n->group = sw__max64(SW_GRAIN / sw__max64(n->r * n->i, 1), 1);
    n->block = sw__max64(SW_GRAIN / sw__max64(n->i, 1), 1);
    n->blocks = sw__ceil_div(n->r, n->block);
    s->tasks[0] = n->o * n->blocks;
    if (s->n_in == 3) s->tasks[0] = sw__ceil_div(n->o, n->group);
    return SW_OK;
}

static void spread_run(const struct sw_step *s, int phase, int64_t begin, int64_t end,
                       void *scratch)
{
    const struct reduce_note *n = s->note;
    for (int64_t t = begin; t < end; t++) {
        int64_t plane = t / n->blocks, row = t % n->blocks * n->block;
        int64_t rows = sw__min64(n->block, n->r - row);
        const float *dy = (const float *)s->in[0]->data + plane * n->i;
        float *dx = (float *)s->out[0]->data + (plane * n->r + row) * n->i;
        if (n->i == 1) {
            const float v = dy[0] * n->scale;
            for (int64_t r = 0; r < rows; r++) dx[r] = v;
            continue;
        }
        for (int64_t r = 0; r < rows; r++)
            for (int64_t j = 0; j < n->i; j++) dx[r * n->i + j] = dy[j] * n->scale;
    }
}

static void extreme_plane(const struct sw_step *s, const struct reduce_note *n, int64_t plane)
{
    const float *dy = (const float *)s->in[0]->data + plane * n->i;
    const float *x = (const float *)s->in[1]->data + plane * n->r * n->i;
    const float *y = (const float *)s->in[2]->data + plane * n->i;
    float *dx = (float *)s->out[0]->data + plane * n->r * n->i;
    memset(dx, 0, (size_t)(n->r * n->i) * sizeof *dx);
    for (int64_t j = 0; j < n->i; j++)
        for (int64_t r = 0; r < n->r; r++) {
            float v = x[r * n->i + j];
            if (v != y[j] && !(v != v && y[j] != y[j])) continue;
            dx[r * n->i + j] = dy[j];
            break;
        }
}

static void extreme_run(const struct sw_step *s, int phase, int64_t begin, int64_t end,
                        void *scratch)
{
    const struct reduce_note *n = s->note;
    int64_t to = sw__min64(end * n->group, n->o);
    for (int64_t plane = begin * n->group; plane < to; plane++) extreme_plane(s, n, plane);
}

const struct sw_op_class sw__op_sum_grad = {.name = "sum_grad",
                                            .flags = SW_OP_CHEAP,
                                            .shape_only = 2,
                                            .note_size = sizeof(struct reduce_note),
                                            .infer = spread_infer,
                                            .prepare = spread_prepare,
                                            .run = spread_run};

const struct sw_op_class sw__op_extreme_grad = {.name = "extreme_grad",
                                                .note_size = sizeof(struct reduce_note),
                                                .infer = spread_infer,
                                                .prepare = spread_prepare,
                                                .run = extreme_run};

static void sum_grad(sw_graph *g, const struct sw_op *op, sw_node *const *dy, const bool *need,
                     sw_node **dx)
{
    sw_node *in[] = {dy[0], sw__op_in(op, 0)};
    dx[0] = sw__op_add(g, &sw__op_sum_grad, sw__op_attr(op), sizeof(struct reduce_attr), in, 2, 1);
}

static void extreme_grad(sw_graph *g, const struct sw_op *op, sw_node *const *dy, const bool *need,
                         sw_node **dx)
{
    sw_node *in[] = {dy[0], sw__op_in(op, 0), sw__op_out(op, 0)};
    dx[0] = sw__op_add(g, &sw__op_extreme_grad, sw__op_attr(op), sizeof(struct reduce_attr), in, 3,
                       1);
}

/* ---- classes and builders -------------------------------------------------------------------------- */

#define REDUCTION(title, gradient)                                                                 \
    const struct sw_op_class sw__op_##title = {.name = #title,                                     \
                                               .note_size = sizeof(struct reduce_note),            \
                                               .infer = reduce_infer,                              \
                                               .grad = gradient,                                   \
                                               .prepare = reduce_prepare,                          \
                                               .run = reduce_run};

REDUCTION(sum, sum_grad)
REDUCTION(mean, sum_grad)
REDUCTION(max, extreme_grad)
REDUCTION(min, extreme_grad)

/* Drop an axis of size 1 by merging it with a neighbour. */
static sw_node *drop_axis(sw_graph *g, sw_node *x, int axis)
{
    int rank = sw_node_shape(x).rank;
    if (rank == 1) return sw_reshape(g, x, (sw_shape){0});
    return axis > 0 ? sw_flatten(g, x, axis - 1, axis) : sw_flatten(g, x, 0, 1);
}

static sw_node *reduce_mask(sw_graph *g, const struct sw_op_class *cls, enum sw_reduce kind,
                            bool mean, sw_node *x, unsigned mask, bool keepdims)
{
    int rank = sw_node_shape(x).rank;
    for (int last = rank - 1; last >= 0; last--) {
        int first = last;
        if (!(mask >> last & 1)) continue;
        while (first > 0 && mask >> (first - 1) & 1) first--;
        struct reduce_attr attr = {kind, mean, first, last};
        x = sw__op_add(g, cls, &attr, sizeof attr, &x, 1, 1);
        last = first;
    }
    for (int axis = rank - 1; axis >= 0 && !keepdims; axis--)
        if (mask >> axis & 1) x = drop_axis(g, x, axis);
    return x;
}

static sw_node *reduce_axes(sw_graph *g, const struct sw_op_class *cls, enum sw_reduce kind,
                            bool mean, sw_node *x, sw_reduce_options o)
{
    int rank = sw_node_shape(x).rank;
    unsigned mask = 0;
    if (sw_graph_status(g) != SW_OK) return x;
    if (o.n_axes < 0 || o.n_axes > SW_MAX_RANK)
        return sw__graph_poison(g, SW_ERR_ARGUMENT, "%s: %d axes", cls->name, o.n_axes);
    for (int i = 0; i < o.n_axes; i++) {
        char text[SW_SHAPE_TEXT];
        sw_shape shape = sw_node_shape(x);
        int axis = o.axes[i] < 0 ? o.axes[i] + rank : o.axes[i];
        if (axis < 0 || axis >= rank || mask >> axis & 1)
            return sw__graph_poison(g, SW_ERR_SHAPE, "%s: %s has no axis %d, or it is named twice",
                                    cls->name, sw_shape_text(&shape, text), o.axes[i]);
        mask |= 1u << axis;
    }
    if (o.n_axes == 0) mask = (1u << rank) - 1;
    if (rank == 0) return sw_reshape(g, x, (sw_shape){0});
    return reduce_mask(g, cls, kind, mean, x, mask, o.keepdims);
}

sw_node *sw_sum(sw_graph *g, sw_node *x, sw_reduce_options o)
{
    return reduce_axes(g, &sw__op_sum, SW_REDUCE_KIND_SUM, false, x, o);
}

sw_node *sw_mean(sw_graph *g, sw_node *x, sw_reduce_options o)
{
    return reduce_axes(g, &sw__op_mean, SW_REDUCE_KIND_SUM, true, x, o);
}

sw_node *sw_max(sw_graph *g, sw_node *x, sw_reduce_options o)
{
    return reduce_axes(g, &sw__op_max, SW_REDUCE_KIND_MAX, false, x, o);
}

sw_node *sw_min(sw_graph *g, sw_node *x, sw_reduce_options o)
{
    return reduce_axes(g, &sw__op_min, SW_REDUCE_KIND_MIN, false, x, o);
}

sw_node *sw__sum_to(sw_graph *g, sw_node *dy, sw_node *like)
{
    sw_shape from = sw_node_shape(dy), to = sw_node_shape(like);
    unsigned mask = 0;
    if (sw_graph_status(g) != SW_OK || sw_shape_equal(&from, &to)) return dy;
    for (int i = 1; i <= from.rank; i++) {
        int64_t d = i <= to.rank ? to.dim[to.rank - i] : 0;
        if (d == 0 || (d == 1 && from.dim[from.rank - i] != 1)) mask |= 1u << (from.rank - i);
    }
    dy = reduce_mask(g, &sw__op_sum, SW_REDUCE_KIND_SUM, false, dy, mask, true);
    return sw__reshape_like(g, dy, like);
}
