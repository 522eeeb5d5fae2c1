/* The k greatest along an axis, sorted, with their indices: ONNX TopK (largest, sorted).  NaN counts
 * as greater than all numbers, as in NumPy's and PyTorch's sorts.
 *
 * x is seen as (O,R,I); a task takes whole columns.  Where a column is not contiguous it is gathered
 * first, and results that nobody reads or that are not contiguous go through scratch memory:
 *
 *     scratch  | column: R f32 | values: k f32 | indices: k i32 |
 *
 * The derivative puts dy at the indices and zeros elsewhere. */
#include "base/size.h"
#include "graph/op.h"
#include "graph/ops/attributes.h"
#include "graph/op_list.h"
#include "graph/ops/axis_view.h"

struct topk_note {
    struct sw_axis_view v;
    int64_t group; /* columns a task */
};

/* ---- forward ----------------------------------------------------------------------------------- */

static sw_status topk_infer(struct sw_infer *q)
{
    const struct topk_attr *attr = q->attr;
    const sw_shape *x = &q->in[0]->shape;
    char text[SW_SHAPE_TEXT];
    int axis = 0;
    sw_status status = sw__infer_dtype(q, 0, SW_F32);
    if (status == SW_OK) status = sw__infer_axis(q, 0, attr->axis, &axis);
    if (status != SW_OK) return status;
    if (attr->k > x->dim[axis] || x->dim[axis] > INT32_MAX)
        return sw__infer_fail(q, SW_ERR_SHAPE, "there are no %d greatest along axis %d of %s",
                              attr->k, axis, sw_shape_text(x, text));
    for (int i = 0; i < 2; i++) {
        q->out[i]->dtype = i == 0 ? SW_F32 : SW_I32;
        q->out[i]->shape = *x;
        q->out[i]->shape.dim[axis] = attr->k;
    }
    return SW_OK;
}

static void prepare_columns(struct sw_step *s, const sw_shape *x)
{
    const struct topk_attr *attr = s->attr;
    struct topk_note *n = s->note;
    n->v = sw__axis_view(x, attr->axis < 0 ? attr->axis + x->rank : attr->axis);
    n->group = sw__max64(SW_GRAIN / sw__max64(n->v.r, 1), 1);
    s->tasks[0] = sw__ceil_div(n->v.o * n->v.i, n->group);
    s->flops = (double)n->v.o * (double)n->v.r * (double)n->v.i;
}

static sw_status topk_prepare(struct sw_step *s)
{
    const struct topk_attr *attr = s->attr;
    const struct topk_note *n = s->note;
    prepare_columns(s, &s->in[0]->shape);
    s->kernel = s->k->names[SW_SLOT_topk_f32];
    s->n_phases = n->v.o * n->v.i > 0 && attr->k > 0;
    s->scratch = ((size_t)n->v.r + 2 * (size_t)attr->k) * sizeof(float);
    return SW_OK;
}

/* The memory of output number i from element `at` on; NULL when nobody reads it. */
static void *output(const struct sw_step *s, int i, int64_t at)
{
    if (!s->out[i] || !s->out[i]->data) return NULL;
    return (char *)s->out[i]->data + at * 4;
}

static void topk_column(const struct sw_step *s, int64_t number, float *scratch)
{
    const struct sw_axis_view *v = &((const struct topk_note *)s->note)->v;
    int64_t k = ((const struct topk_attr *)s->attr)->k;
    int64_t from = number / v->i * v->r * v->i + number % v->i;
    int64_t to = number / v->i * k * v->i + number % v->i;
    const float *x = (const float *)s->in[0]->data + from;
    float *values = output(s, 0, to);
    int32_t *indices = output(s, 1, to);
    float *best = v->i == 1 && values ? values : scratch + v->r;
    int32_t *best_at = v->i == 1 && indices ? indices : (int32_t *)(scratch + v->r + k);
    if (v->i > 1) {
        for (int64_t r = 0; r < v->r; r++) scratch[r] = x[r * v->i];
        x = scratch;
    }
    s->k->topk_f32(best, best_at, x, v->r, k);
    for (int64_t i = 0; i < k && v->i > 1; i++) {
        if (values) values[i * v->i] = best[i];
        if (indices) indices[i * v->i] = best_at[i];
    }
}

static void topk_run(const struct sw_step *s, int phase, int64_t begin, int64_t end, void *scratch)
{
    const struct topk_note *n = s->note;
    int64_t to = sw__min64(end * n->group, n->v.o * n->v.i);
    for (int64_t c = begin * n->group; c < to; c++) topk_column(s, c, scratch);
}

/* ---- backward: dy, the indices, and x for its shape -------------------------------------------- */

static sw_status topk_grad_infer(struct sw_infer *q)
{
    q->out[0]->dtype = SW_F32;
    q->out[0]->shape = q->in[2]->shape;
    return SW_OK;
}

static sw_status topk_grad_prepare(struct sw_step *s)
{
    const struct topk_note *n = s->note;
    prepare_columns(s, &s->in[2]->shape);
    s->n_phases = n->v.o * n->v.i * n->v.r > 0;
    return SW_OK;
}

static void topk_grad_run(const struct sw_step *s, int phase, int64_t begin, int64_t end,
                          void *scratch)
{
    const struct topk_note *n = s->note;
    const struct sw_axis_view *v = &n->v;
    int64_t to = sw__min64(end * n->group, v->o * v->i), k = ((const struct topk_attr *)s->attr)->k;
    for (int64_t c = begin * n->group; c < to; c++) {
        int64_t plane = c / v->i, column = c % v->i;
        const float *dy = (const float *)s->in[0]->data + plane * k * v->i + column;
        const int32_t *at = (const int32_t *)s->in[1]->data + plane * k * v->i + column;
        float *dx = (float *)s->out[0]->data + plane * v->r * v->i + column;
        for (int64_t r = 0; r < v->r; r++) dx[r * v->i] = 0;
        for (int64_t i = 0; i < k; i++) dx[at[i * v->i] * v->i] = dy[i * v->i];
    }
}

static void topk_grad_rule(sw_graph *g, const struct sw_op *op, sw_node *const *dy,
                           const bool *need, sw_node **dx)
{
    sw_node *in[] = {dy[0], sw__op_out(op, 1), sw__op_in(op, 0)};
    if (!dy[0]) return;
    dx[0] = sw__op_add(g, &sw__op_topk_grad, sw__op_attr(op), sizeof(struct topk_attr), in, 3, 1);
}

/* ---- classes and builder ----------------------------------------------------------------------- */

const struct sw_op_class sw__op_topk = {.name = "topk",
                                        .note_size = sizeof(struct topk_note),
                                        .infer = topk_infer,
                                        .grad = topk_grad_rule,
                                        .prepare = topk_prepare,
                                        .run = topk_run};

const struct sw_op_class sw__op_topk_grad = {.name = "topk_grad",
                                             .shape_only = 1u << 2,
                                             .note_size = sizeof(struct topk_note),
                                             .infer = topk_grad_infer,
                                             .prepare = topk_grad_prepare,
                                             .run = topk_grad_run};

sw_node *sw_topk(sw_graph *g, sw_node *x, int k, int axis)
{
    struct topk_attr attr = {k, axis};
    if (k < 0) return sw__graph_poison(g, SW_ERR_ARGUMENT, "topk: k is %d", k);
    return sw__op_add(g, &sw__op_topk, &attr, sizeof attr, &x, 1, 2);
}
