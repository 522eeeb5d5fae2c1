/* Transpose: any permutation of the axes, NumPy's and ONNX's: y's axis i is x's axis axes[i].  A box
 * with permuted source strides; box_copy.c merges axes that stay together and finds the pair that a
 * blocked 2-D transpose can do. */
#include "graph/op.h"
#include "graph/ops/attributes.h"
#include "graph/ops/box_copy.h"

static sw_status transpose_infer(struct sw_infer *q)
{
    const struct transpose_attr *attr = q->attr;
    sw_status status = sw__infer_movable(q, 0);
    if (status != SW_OK) return status;
    const sw_shape *x = &q->in[0]->shape;
    char text[SW_SHAPE_TEXT];
    if (x->rank != attr->n)
        return sw__infer_fail(q, SW_ERR_SHAPE, "%s has rank %d, not %d axes",
                              sw_shape_text(x, text), x->rank, attr->n);
    q->out[0]->dtype = q->in[0]->dtype;
    q->out[0]->shape.rank = x->rank;
    for (int i = 0; i < x->rank; i++) q->out[0]->shape.dim[i] = x->dim[attr->axes[i]];
    return SW_OK;
}

static void transpose_grad(sw_graph *g, const struct sw_op *op, sw_node *const *dy,
                           const bool *need, sw_node **dx)
{
    (void)need;
    const struct transpose_attr *attr = sw__op_attr(op);
    int back[SW_MAX_RANK];
    for (int i = 0; i < attr->n; i++) back[attr->axes[i]] = i;
    dx[0] = sw_transpose(g, dy[0], back, attr->n);
}

static sw_status transpose_prepare(struct sw_step *s)
{
    const struct transpose_attr *attr = s->attr;
    struct sw_box box;
    int64_t strides[SW_MAX_RANK];
    sw__box_dense(&box, s->out[0]->dtype, &s->out[0]->shape);
    sw__dense_strides(&s->in[0]->shape, strides);
    for (int i = 0; i < attr->n; i++) box.src_stride[i] = strides[attr->axes[i]];
    return sw__box_step_prepare(s, &box);
}

const struct sw_op_class sw__op_transpose = {.name = "transpose",
                                             .flags = SW_OP_CHEAP,
                                             .note_size = sizeof(struct sw_box),
                                             .infer = transpose_infer,
                                             .grad = transpose_grad,
                                             .prepare = transpose_prepare,
                                             .run = sw__box_step_run};

sw_node *sw_transpose(sw_graph *g, sw_node *x, const int *axes, int n)
{
    struct transpose_attr attr = {.n = n};
    unsigned seen = 0;
    if (n < 0 || n > SW_MAX_RANK)
        return sw__graph_poison(g, SW_ERR_SHAPE, "transpose: rank %d is not in 0..%d", n,
                                SW_MAX_RANK);
    for (int i = 0; i < n; i++) {
        int axis = axes[i] < 0 ? axes[i] + n : axes[i];
        if (axis < 0 || axis >= n || seen >> axis & 1)
            return sw__graph_poison(g, SW_ERR_SHAPE,
                                    "transpose: axes are no permutation of 0..%d: number %d is %d",
                                    n - 1, i, axes[i]);
        seen |= 1u << axis;
        attr.axes[i] = axis;
    }
    return sw__op_add(g, &sw__op_transpose, &attr, sizeof attr, &x, 1, 1);
}
