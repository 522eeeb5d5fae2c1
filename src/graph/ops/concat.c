/* Concat and split along an axis, and their gradients, which are each other but for two things: the
 * sizes come from the operands themselves, because they may vary from run to run, and where no
 * gradient arrives there are zeros. */
#include "graph/op.h"
#include "graph/ops/attributes.h"
#include "graph/op_list.h"
#include <string.h>
#include "graph/ops/box_copy.h"

/* Append the box of one piece: `part` is its shape, `whole` that of all pieces, `at` where it starts
 * in the whole.  to_whole: concat; else split. */
static void add_piece(struct sw_boxes *b, sw_dtype dtype, const sw_shape *whole,
                      const sw_shape *part, int axis, int64_t at, bool to_whole, int src, int dst)
{
    struct sw_axis_view v = sw__axis_view(whole, axis);
    int64_t n = part->dim[axis];
    struct sw_box box;
    sw__axis_box(&box, dtype, v, n, to_whole ? n : v.size, to_whole ? v.size : n);
    *(to_whole ? &box.dst_at : &box.src_at) = at * v.inner;
    sw__boxes_add(b, &box, src, dst);
}

/* ---- concat ------------------------------------------------------------------------------------ */

static sw_status concat_infer(struct sw_infer *q)
{
    const struct concat_attr *attr = q->attr;
    sw_shape *y = &q->out[0]->shape;
    int axis;
    sw_status status = sw__infer_movable(q, 0);
    if (status == SW_OK) status = sw__infer_axis(q, 0, attr->axis, &axis);
    if (status != SW_OK) return status;
    *q->out[0] = (sw_tensor){.dtype = q->in[0]->dtype, .shape = q->in[0]->shape};
    for (int i = 1; i < attr->n; i++) {
        const sw_shape *x = &q->in[i]->shape;
        status = sw__infer_dtype(q, i, q->in[0]->dtype);
        if (status != SW_OK) return status;
        bool fits = x->rank == y->rank;
        for (int j = 0; fits && j < y->rank; j++) fits = j == axis || x->dim[j] == y->dim[j];
        if (!fits) return sw__infer_mismatch(q, 0, i, "only the axis of concat may differ");
        y->dim[axis] += x->dim[axis];
    }
    if (sw_shape_elements(y) < 0) return sw__infer_fail(q, SW_ERR_SIZE, "result too large");
    return SW_OK;
}

extern const struct sw_op_class sw__op_concat_grad, sw__op_split_grad;

static void concat_grad(sw_graph *g, const struct sw_op *op, sw_node *const *dy, const bool *need,
                        sw_node **dx)
{
    const struct concat_attr *attr = sw__op_attr(op);
    sw_node *in[SW_MAX_CONCAT + 1] = {dy[0]};
    for (int i = 0; i < attr->n; i++) in[i + 1] = sw__op_in(op, i);
    sw_node *pieces = sw__op_add(g, &sw__op_concat_grad, attr, sizeof *attr, in, attr->n + 1,
                                 attr->n);
    for (int i = 0; i < attr->n; i++)
        if (need[i]) dx[i] = sw_output(pieces, i);
}

static sw_status concat_prepare(struct sw_step *s)
{
    const struct concat_attr *attr = s->attr;
    const sw_shape *y = &s->out[0]->shape;
    int axis = attr->axis < 0 ? attr->axis + y->rank : attr->axis;
    struct sw_boxes *b = s->note;
    b->n = 0;
    int64_t at = 0;
    for (int i = 0; i < attr->n; i++) {
        add_piece(b, s->out[0]->dtype, y, &s->in[i]->shape, axis, at, true, i, 0);
        at += s->in[i]->shape.dim[axis];
    }
    return sw__boxes_step_prepare(s);
}

const struct sw_op_class sw__op_concat = {.name = "concat",
                                          .note_size = sizeof(struct sw_boxes),
                                          .infer = concat_infer,
                                          .grad = concat_grad,
                                          .prepare = concat_prepare,
                                          .run = sw__boxes_step_run};

sw_node *sw_concat(sw_graph *g, sw_node *const *x, int n, int axis)
{
    if (n < 1 || n > SW_MAX_CONCAT)
        return sw__graph_poison(g, SW_ERR_ARGUMENT, "concat: %d operands, not 1..%d", n,
                                SW_MAX_CONCAT);
    struct concat_attr attr = {n, axis};
    return sw__op_add(g, &sw__op_concat, &attr, sizeof attr, x, n, 1);
}

/* ---- concat_grad: dy and the operands of concat -> pieces of dy of their shapes ----------------- */

static sw_status concat_grad_infer(struct sw_infer *q)
{
    for (int i = 0; i < q->n_out; i++)
        *q->out[i] = (sw_tensor){.dtype = q->in[0]->dtype, .shape = q->in[i + 1]->shape};
    return SW_OK;
}

static sw_status concat_grad_prepare(struct sw_step *s)
{
    const struct concat_attr *attr = s->attr;
    const sw_shape *whole = &s->in[0]->shape;
    int axis = attr->axis < 0 ? attr->axis + whole->rank : attr->axis;
    struct sw_boxes *b = s->note;
    b->n = 0;
    int64_t at = 0;
    for (int i = 0; i < attr->n; i++) {
        const sw_shape *part = &s->in[i + 1]->shape;
        if (s->out[i]) add_piece(b, s->in[0]->dtype, whole, part, axis, at, false, 0, i);
        at += part->dim[axis];
    }
    return sw__boxes_step_prepare(s);
}

const struct sw_op_class sw__op_concat_grad = {.name = "concat_grad",
                                               .shape_only = ((1u << SW_MAX_CONCAT) - 1) << 1,
                                               .note_size = sizeof(struct sw_boxes),
                                               .infer = concat_grad_infer,
                                               .prepare = concat_grad_prepare,
                                               .run = sw__boxes_step_run};

/* ---- split ------------------------------------------------------------------------------------- */

static sw_status split_infer(struct sw_infer *q)
{
    const struct split_attr *attr = q->attr;
    const sw_shape *x = &q->in[0]->shape;
    int axis;
    sw_status status = sw__infer_movable(q, 0);
    if (status == SW_OK) status = sw__infer_axis(q, 0, attr->axis, &axis);
    if (status != SW_OK) return status;
    int64_t left = x->dim[axis];
    for (int i = 0; i < attr->n; i++) {
        left -= attr->size[i];
        q->out[i]->dtype = q->in[0]->dtype;
        q->out[i]->shape = *x;
        q->out[i]->shape.dim[axis] = attr->size[i];
    }
    char text[SW_SHAPE_TEXT];
    if (left != 0)
        return sw__infer_fail(q, SW_ERR_SHAPE, "%s: the %d sizes along axis %d sum to %lld",
                              sw_shape_text(x, text), attr->n, axis,
                              (long long)(x->dim[axis] - left));
    return SW_OK;
}

static void split_grad(sw_graph *g, const struct sw_op *op, sw_node *const *dy, const bool *need,
                       sw_node **dx)
{
    (void)need;
    const struct split_attr *attr = sw__op_attr(op);
    sw_node *in[SW_MAX_CONCAT + 1] = {sw__op_in(op, 0)};
    for (int i = 0; i < attr->n; i++) in[i + 1] = dy[i];
    dx[0] = sw__op_add(g, &sw__op_split_grad, attr, sizeof *attr, in, attr->n + 1, 1);
}

static sw_status split_prepare(struct sw_step *s)
{
    const struct split_attr *attr = s->attr;
    const sw_shape *x = &s->in[0]->shape;
    int axis = attr->axis < 0 ? attr->axis + x->rank : attr->axis;
    struct sw_boxes *b = s->note;
    b->n = 0;
    int64_t at = 0;
    for (int i = 0; i < attr->n; i++) {
        if (s->out[i]) add_piece(b, s->in[0]->dtype, x, &s->out[i]->shape, axis, at, false, 0, i);
        at += attr->size[i];
    }
    return sw__boxes_step_prepare(s);
}

const struct sw_op_class sw__op_split = {.name = "split",
                                         .note_size = sizeof(struct sw_boxes),
                                         .infer = split_infer,
                                         .grad = split_grad,
                                         .prepare = split_prepare,
                                         .run = sw__boxes_step_run};

sw_node *sw_split(sw_graph *g, sw_node *x, const int64_t *sizes, int n, int axis)
{
    if (n < 1 || n > SW_MAX_CONCAT)
        return sw__graph_poison(g, SW_ERR_ARGUMENT, "split: %d outputs, not 1..%d", n,
                                SW_MAX_CONCAT);
    struct split_attr attr = {.n = n, .axis = axis};
    for (int i = 0; i < n; i++) {
        if (sizes[i] < 0 || sizes[i] > INT64_MAX / SW_MAX_CONCAT)
            return sw__graph_poison(g, SW_ERR_SHAPE, "split: size number %d is %lld", i,
                                    (long long)sizes[i]);
        attr.size[i] = sizes[i];
    }
    return sw__op_add(g, &sw__op_split, &attr, sizeof attr, &x, 1, n);
}

/* ---- split_grad: x (its shape), gradients of the pieces or none -> dx --------------------------- */

static sw_status split_grad_infer(struct sw_infer *q)
{
    *q->out[0] = (sw_tensor){.dtype = SW_F32, .shape = q->in[0]->shape};
    return SW_OK;
}

static sw_status split_grad_prepare(struct sw_step *s)
{
    const struct split_attr *attr = s->attr;
    const sw_shape *x = &s->in[0]->shape;
    int axis = attr->axis < 0 ? attr->axis + x->rank : attr->axis;
    struct sw_boxes *b = s->note;
    b->n = 0;
    int64_t at = 0;
    for (int i = 0; i < attr->n; i++) {
        sw_shape part = *x;
        part.dim[axis] = attr->size[i];
        add_piece(b, SW_F32, x, &part, axis, at, true, s->in[i + 1] ? i + 1 : SW_BOX_ZEROS, 0);
        at += attr->size[i];
    }
    return sw__boxes_step_prepare(s);
}

const struct sw_op_class sw__op_split_grad = {.name = "split_grad",
                                              .shape_only = 1u << 0,
                                              .note_size = sizeof(struct sw_boxes),
                                              .infer = split_grad_infer,
                                              .prepare = split_grad_prepare,
                                              .run = sw__boxes_step_run};
