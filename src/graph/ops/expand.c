/* Broadcasting made real: NumPy's broadcast_to, ONNX Expand.  Shapes are aligned at the last axis;
 * an axis of size 1, or one that is not there, repeats.  As a copy: a box whose source strides are 0
 * on the repeated axes. */
#include "graph/op.h"
#include "graph/ops/attributes.h"
#include "graph/ops/box_copy.h"

/* Whether in[0] broadcasts to `shape`; the result is out[0]. */
static sw_status broadcast_to(struct sw_infer *q, const sw_shape *shape)
{
    const sw_tensor *x = q->in[0];
    int missing = shape->rank - x->shape.rank;
    bool fits = missing >= 0 && sw_shape_elements(shape) >= 0;
    for (int i = 0; fits && i < x->shape.rank; i++)
        fits = x->shape.dim[i] == 1 || x->shape.dim[i] == shape->dim[i + missing];
    char a[SW_SHAPE_TEXT], b[SW_SHAPE_TEXT];
    if (!fits)
        return sw__infer_fail(q, SW_ERR_SHAPE, "%s does not broadcast to %s",
                              sw_shape_text(&x->shape, a), sw_shape_text(shape, b));
    q->out[0]->dtype = x->dtype;
    q->out[0]->shape = *shape;
    return SW_OK;
}

static sw_status expand_infer(struct sw_infer *q)
{
    sw_status status = sw__infer_movable(q, 0);
    if (status != SW_OK) return status;
    sw_shape shape = ((const struct expand_attr *)q->attr)->shape;
    const sw_shape *x = &q->in[0]->shape;
    int missing = shape.rank - x->rank;
    for (int i = 0; i < shape.rank; i++)
        if (shape.dim[i] == -1 && i >= missing) shape.dim[i] = x->dim[i - missing];
    return broadcast_to(q, &shape);
}

static sw_status expand_like_infer(struct sw_infer *q)
{
    sw_status status = sw__infer_movable(q, 0);
    return status == SW_OK ? broadcast_to(q, &q->in[1]->shape) : status;
}

static void expand_grad(sw_graph *g, const struct sw_op *op, sw_node *const *dy, const bool *need,
                        sw_node **dx)
{
    (void)need;
    dx[0] = sw__sum_to(g, dy[0], sw__op_in(op, 0));
}

static sw_status expand_prepare(struct sw_step *s)
{
    const sw_shape *x = &s->in[0]->shape, *y = &s->out[0]->shape;
    struct sw_box box;
    sw__box_dense(&box, s->out[0]->dtype, y);
    int64_t strides[SW_MAX_RANK];
    sw__dense_strides(x, strides);
    for (int i = 0; i < y->rank; i++) {
        int j = i - (y->rank - x->rank);
        box.src_stride[i] = j < 0 || x->dim[j] == 1 ? 0 : strides[j];
    }
    return sw__box_step_prepare(s, &box);
}

const struct sw_op_class sw__op_expand = {.name = "expand",
                                          .flags = SW_OP_CHEAP,
                                          .note_size = sizeof(struct sw_box),
                                          .infer = expand_infer,
                                          .grad = expand_grad,
                                          .prepare = expand_prepare,
                                          .run = sw__box_step_run};

const struct sw_op_class sw__op_expand_like = {.name = "expand_like",
                                               .flags = SW_OP_CHEAP,
                                               .shape_only = 1u << 1,
                                               .note_size = sizeof(struct sw_box),
                                               .infer = expand_like_infer,
                                               .grad = expand_grad,
                                               .prepare = expand_prepare,
                                               .run = sw__box_step_run};

sw_node *sw_expand(sw_graph *g, sw_node *x, sw_shape shape)
{
    if (shape.rank < 0 || shape.rank > SW_MAX_RANK)
        return sw__graph_poison(g, SW_ERR_SHAPE, "expand: rank %d is not in 0..%d", shape.rank,
                                SW_MAX_RANK);
    struct expand_attr attr = {shape};
    return sw__op_add(g, &sw__op_expand, &attr, sizeof attr, &x, 1, 1);
}

sw_node *sw__expand_like(sw_graph *g, sw_node *x, sw_node *like)
{
    return sw__op_add(g, &sw__op_expand_like, NULL, 0, (sw_node *[]){x, like}, 2, 1);
}
