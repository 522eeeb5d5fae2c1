/* Views: the same memory seen with another shape.  They cost nothing; a plan has no step for them.
 *
 * ONNX Reshape (without its zeros), Flatten; the gradient of a view is the view back, and it takes
 * the shape from the value itself, because sizes may vary from run to run. */
#include "graph/op.h"
#include "graph/ops/attributes.h"
#include "base/size.h"

static sw_status present(struct sw_infer *q)
{
    return q->in[0] ? SW_OK : sw__infer_fail(q, SW_ERR_ARGUMENT, "operand 0 is missing");
}

/* Elements of in[0] must be those of `shape`, and whole blocks must stay whole. */
static sw_status view(struct sw_infer *q, const sw_shape *shape)
{
    const sw_tensor *x = q->in[0];
    char a[SW_SHAPE_TEXT], b[SW_SHAPE_TEXT];
    if (sw_shape_elements(&x->shape) != sw_shape_elements(shape))
        return sw__infer_fail(q, SW_ERR_SHAPE, "%s -> %s: not as many elements",
                              sw_shape_text(&x->shape, a), sw_shape_text(shape, b));
    if (sw_shape_bytes(shape, x->dtype) < 0)
        return sw__infer_fail(q, SW_ERR_SHAPE, "%s -> %s: rows are no whole blocks of %s",
                              sw_shape_text(&x->shape, a), sw_shape_text(shape, b),
                              sw_dtype_get(x->dtype)->name);
    q->out[0]->dtype = x->dtype;
    q->out[0]->shape = *shape;
    return SW_OK;
}

/* ---- reshape ----------------------------------------------------------------------------------- */

static sw_status reshape_infer(struct sw_infer *q)
{
    if (present(q) != SW_OK) return SW_ERR_ARGUMENT;
    sw_shape shape = ((const struct reshape_attr *)q->attr)->shape;
    int64_t known = 1, all = sw_shape_elements(&q->in[0]->shape);
    int free_axis = -1;
    char a[SW_SHAPE_TEXT], b[SW_SHAPE_TEXT];
    for (int i = 0; i < shape.rank; i++) {
        bool right = shape.dim[i] >= 0 ? sw__i64_mul(known, shape.dim[i], &known)
                                       : shape.dim[i] == -1 && free_axis < 0;
        if (!right)
            return sw__infer_fail(q, SW_ERR_SHAPE, "%s is no shape", sw_shape_text(&shape, b));
        if (shape.dim[i] == -1) free_axis = i;
    }
    if (free_axis >= 0) {
        if (known == 0 || all % known != 0)
            return sw__infer_fail(q, SW_ERR_SHAPE, "%s -> %s: no size fits the -1",
                                  sw_shape_text(&q->in[0]->shape, a), sw_shape_text(&shape, b));
        shape.dim[free_axis] = all / known;
    }
    return view(q, &shape);
}

static void view_grad(sw_graph *g, const struct sw_op *op, sw_node *const *dy, const bool *need,
                      sw_node **dx)
{
    (void)need;
    dx[0] = sw__reshape_like(g, dy[0], sw__op_in(op, 0));
}

const struct sw_op_class sw__op_reshape = {
    .name = "reshape", .flags = SW_OP_VIEW, .infer = reshape_infer, .grad = view_grad};

sw_node *sw_reshape(sw_graph *g, sw_node *x, sw_shape shape)
{
    if (shape.rank < 0 || shape.rank > SW_MAX_RANK)
        return sw__graph_poison(g, SW_ERR_SHAPE, "reshape: rank %d is not in 0..%d", shape.rank,
                                SW_MAX_RANK);
    struct reshape_attr attr = {shape};
    return sw__op_add(g, &sw__op_reshape, &attr, sizeof attr, &x, 1, 1);
}

/* ---- flatten ----------------------------------------------------------------------------------- */

static sw_status flatten_infer(struct sw_infer *q)
{
    const struct flatten_attr *attr = q->attr;
    if (present(q) != SW_OK) return SW_ERR_ARGUMENT;
    const sw_shape *x = &q->in[0]->shape;
    int first, last;
    sw_status status = sw__infer_axis(q, 0, attr->first, &first);
    if (status == SW_OK) status = sw__infer_axis(q, 0, attr->last, &last);
    if (status != SW_OK) return status;
    if (first > last)
        return sw__infer_fail(q, SW_ERR_SHAPE, "axis %d is behind axis %d", first, last);
    sw_shape shape = {.rank = x->rank - (last - first)};
    int64_t merged = 1;
    for (int i = first; i <= last; i++) merged *= x->dim[i]; /* fits: x is a shape */
    for (int i = 0; i < shape.rank; i++)
        shape.dim[i] = i < first ? x->dim[i] : i == first ? merged : x->dim[i + last - first];
    return view(q, &shape);
}

const struct sw_op_class sw__op_flatten = {
    .name = "flatten", .flags = SW_OP_VIEW, .infer = flatten_infer, .grad = view_grad};

sw_node *sw_flatten(sw_graph *g, sw_node *x, int first, int last)
{
    struct flatten_attr attr = {first, last};
    return sw__op_add(g, &sw__op_flatten, &attr, sizeof attr, &x, 1, 1);
}

/* ---- reshape_like ------------------------------------------------------------------------------ */

static sw_status reshape_like_infer(struct sw_infer *q)
{
    return view(q, &q->in[1]->shape);
}

const struct sw_op_class sw__op_reshape_like = {.name = "reshape_like",
                                                .flags = SW_OP_VIEW,
                                                .shape_only = 1u << 1,
                                                .infer = reshape_like_infer,
                                                .grad = view_grad};

sw_node *sw__reshape_like(sw_graph *g, sw_node *x, sw_node *like)
{
    return sw__op_add(g, &sw__op_reshape_like, NULL, 0, (sw_node *[]){x, like}, 2, 1);
}
