/* Cumulative sums: ONNX CumSum.  The derivative is the cumulative sum of dy the other way.
 *
 * x is seen as (O,R,I), and a plane in stripes of columns; each column is summed in order, in
 * float64, by one thread. */
#include "base/size.h"
#include "graph/op.h"
#include "graph/ops/attributes.h"
#include "graph/ops/axis_view.h"

struct cumsum_note {
    struct sw_axis_view v;
    int64_t stripes; /* of STRIPE columns, in a plane */
    int64_t group;   /* pieces (plane, stripe) a task */
};

enum { STRIPE = 64 };

static sw_status cumsum_infer(struct sw_infer *q)
{
    int axis;
    sw_status status = sw__infer_dtype(q, 0, SW_F32);
    if (status == SW_OK)
        status = sw__infer_axis(q, 0, ((const struct cumsum_attr *)q->attr)->axis, &axis);
    q->out[0]->dtype = SW_F32;
    q->out[0]->shape = q->in[0]->shape;
    return status;
}

static void cumsum_grad(sw_graph *g, const struct sw_op *op, sw_node *const *dy, const bool *need,
                        sw_node **dx)
{
    const struct cumsum_attr *attr = sw__op_attr(op);
    dx[0] = sw_cumsum(g, dy[0], attr->axis, attr->exclusive, !attr->reverse);
}

static sw_status cumsum_prepare(struct sw_step *s)
{
    const struct cumsum_attr *attr = s->attr;
    const sw_shape *x = &s->in[0]->shape;
    struct cumsum_note *n = s->note;
    n->v = sw__axis_view(x, attr->axis < 0 ? attr->axis + x->rank : attr->axis);
    n->stripes = sw__ceil_div(n->v.i, STRIPE);
    n->group = sw__max64(SW_GRAIN / sw__max64(n->v.r * sw__min64(n->v.i, STRIPE), 1), 1);
    s->kernel = s->k->names[SW_SLOT_cumsum_f32];
    s->flops = (double)n->v.o * (double)n->v.r * (double)n->v.i;
    s->n_phases = s->flops > 0;
    s->tasks[0] = sw__ceil_div(n->v.o * n->stripes, n->group);
    return SW_OK;
}

static void cumsum_run(const struct sw_step *s, int phase, int64_t begin, int64_t end,
                       void *scratch)
{
    const struct cumsum_attr *attr = s->attr;
    const struct cumsum_note *n = s->note;
    const struct sw_axis_view *v = &n->v;
    int64_t to = sw__min64(end * n->group, v->o * n->stripes);
    for (int64_t p = begin * n->group; p < to; p++) {
        int64_t plane = p / n->stripes, column = p % n->stripes * STRIPE;
        int64_t first = attr->reverse ? v->r - 1 : 0, stride = attr->reverse ? -v->i : v->i;
        int64_t at = (plane * v->r + first) * v->i + column;
        s->k->cumsum_f32((float *)s->out[0]->data + at, (const float *)s->in[0]->data + at, v->r,
                         stride, sw__min64(STRIPE, v->i - column), attr->exclusive);
    }
}

const struct sw_op_class sw__op_cumsum = {.name = "cumsum",
                                          .inplace = 1,
                                          .note_size = sizeof(struct cumsum_note),
                                          .infer = cumsum_infer,
                                          .grad = cumsum_grad,
                                          .prepare = cumsum_prepare,
                                          .run = cumsum_run};

sw_node *sw_cumsum(sw_graph *g, sw_node *x, int axis, bool exclusive, bool reverse)
{
    struct cumsum_attr attr = {axis, exclusive, reverse};
    return sw__op_add(g, &sw__op_cumsum, &attr, sizeof attr, &x, 1, 1);
}
