/* argmax: ONNX ArgMax with select_last_index 0; a NaN counts as the greatest, as in NumPy.
 *
 * x is seen as (O,R,I).  Rows that lie together (I = 1) are walked one by one, else columns are
 * walked side by side, in stripes. */
#include "base/size.h"
#include "graph/op.h"
#include "graph/ops/attributes.h"
#include "graph/ops/axis_view.h"

struct argmax_note {
    struct sw_axis_view v;
    int64_t stripes; /* of STRIPE columns, in a plane */
    int64_t group;   /* pieces (plane, stripe) a task */
};

enum { STRIPE = 256 };

static sw_status argmax_infer(struct sw_infer *q)
{
    const struct argmax_attr *attr = q->attr;
    const sw_shape *x = &q->in[0]->shape;
    sw_shape *y = &q->out[0]->shape;
    int axis = 0;
    sw_status status = sw__infer_dtype(q, 0, SW_F32);
    if (status == SW_OK) status = sw__infer_axis(q, 0, attr->axis, &axis);
    if (status != SW_OK) return status;
    char text[SW_SHAPE_TEXT];
    if (x->dim[axis] == 0 || x->dim[axis] > INT32_MAX)
        return sw__infer_fail(q, SW_ERR_SHAPE, "axis %d of %s has no index in i32", axis,
                              sw_shape_text(x, text));
    *y = (sw_shape){0};
    for (int i = 0; i < x->rank; i++)
        if (i != axis || attr->keepdims) y->dim[y->rank++] = i == axis ? 1 : x->dim[i];
    q->out[0]->dtype = SW_I32;
    return SW_OK;
}

static sw_status argmax_prepare(struct sw_step *s)
{
    const struct argmax_attr *attr = s->attr;
    const sw_shape *x = &s->in[0]->shape;
    struct argmax_note *n = s->note;
    n->v = sw__axis_view(x, attr->axis < 0 ? attr->axis + x->rank : attr->axis);
    n->stripes = sw__ceil_div(n->v.i, STRIPE);
    n->group = sw__max64(SW_GRAIN / sw__max64(n->v.r * sw__min64(n->v.i, STRIPE), 1), 1);
    s->kernel = s->k->names[n->v.i == 1 ? SW_SLOT_argmax_f32 : SW_SLOT_argmax_rows_f32];
    s->flops = (double)n->v.o * (double)n->v.r * (double)n->v.i;
    s->n_phases = n->v.o * n->v.i > 0;
    s->tasks[0] = sw__ceil_div(n->v.o * n->stripes, n->group);
    return SW_OK;
}

static void argmax_run(const struct sw_step *s, int phase, int64_t begin, int64_t end,
                       void *scratch)
{
    const struct argmax_note *n = s->note;
    const struct sw_axis_view *v = &n->v;
    int64_t to = sw__min64(end * n->group, v->o * n->stripes);
    for (int64_t p = begin * n->group; p < to; p++) {
        int64_t plane = p / n->stripes, column = p % n->stripes * STRIPE;
        int64_t columns = sw__min64(STRIPE, v->i - column);
        const float *x = (const float *)s->in[0]->data + plane * v->r * v->i + column;
        int32_t *y = (int32_t *)s->out[0]->data + plane * v->i + column;
        if (v->i == 1)
            *y = (int32_t)s->k->argmax_f32(x, v->r);
        else
            s->k->argmax_rows_f32(y, x, v->r, v->i, columns);
    }
}

/* An index does not move with x: the derivative is zero. */
static void argmax_grad(sw_graph *g, const struct sw_op *op, sw_node *const *dy, const bool *need,
                        sw_node **dx)
{
    dx[0] = NULL;
}

const struct sw_op_class sw__op_argmax = {.name = "argmax",
                                          .note_size = sizeof(struct argmax_note),
                                          .infer = argmax_infer,
                                          .grad = argmax_grad,
                                          .prepare = argmax_prepare,
                                          .run = argmax_run};

sw_node *sw_argmax(sw_graph *g, sw_node *x, int axis, bool keepdims)
{
    struct argmax_attr attr = {axis, keepdims};
    return sw__op_add(g, &sw__op_argmax, &attr, sizeof attr, &x, 1, 1);
}
