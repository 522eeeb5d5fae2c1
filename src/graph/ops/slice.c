/* Slice along one axis with Python's rules, and flip.  Both are one box with a step; the gradient of
 * a slice is up to four boxes that fill dx without overlap:
 *
 *     x:   . . a . . a . . a .      begin 2, step 3
 *     dx:  0 0 dy0 0 dy1 0 dy 0     zeros before, dy itself, zeros in the gaps, zeros behind */
#include "graph/op.h"
#include "graph/ops/attributes.h"
#include "graph/op_list.h"
#include "base/size.h"
#include "graph/ops/box_copy.h"

/* What a slice means for an axis of a size. */
struct range {
    int axis;
    int64_t begin, step, count;
};

static int64_t clamp(int64_t x, int64_t low, int64_t high)
{
    return x < low ? low : x > high ? high : x;
}

/* slice(begin, end, step).indices(n); `axis` is in range. */
static struct range resolve(const sw_slice_options *o, const sw_shape *x)
{
    struct range r = {.axis = o->axis < 0 ? o->axis + x->rank : o->axis};
    int64_t n = x->dim[r.axis], limit = INT64_MAX / 2;
    r.step = o->step == 0 ? 1 : clamp(o->step, -limit, limit);
    int64_t low = r.step > 0 ? 0 : -1, high = r.step > 0 ? n : n - 1;
    r.begin = clamp(o->begin < 0 ? o->begin + n : o->begin, low, high);
    int64_t end = clamp(o->end < 0 ? o->end + n : o->end, low, high);
    if (r.step > 0)
        r.count = end > r.begin ? (end - r.begin - 1) / r.step + 1 : 0;
    else
        r.count = r.begin > end ? (r.begin - end - 1) / -r.step + 1 : 0;
    if (r.count <= 1) r.step = 1; /* it goes nowhere */
    return r;
}

static sw_status slice_infer(struct sw_infer *q)
{
    const struct slice_attr *attr = q->attr;
    int axis;
    sw_status status = sw__infer_movable(q, 0);
    if (status == SW_OK) status = sw__infer_axis(q, 0, attr->o.axis, &axis);
    if (status != SW_OK) return status;
    *q->out[0] = (sw_tensor){.dtype = q->in[0]->dtype, .shape = q->in[0]->shape};
    q->out[0]->shape.dim[axis] = resolve(&attr->o, &q->in[0]->shape).count;
    return SW_OK;
}

static void slice_grad(sw_graph *g, const struct sw_op *op, sw_node *const *dy, const bool *need,
                       sw_node **dx)
{
    (void)need;
    sw_node *in[2] = {dy[0], sw__op_in(op, 0)};
    dx[0] = sw__op_add(g, &sw__op_slice_grad, sw__op_attr(op), sizeof(struct slice_attr), in, 2, 1);
}

static sw_status slice_prepare(struct sw_step *s)
{
    const struct slice_attr *attr = s->attr;
    struct range r = resolve(&attr->o, &s->in[0]->shape);
    struct sw_axis_view v = sw__axis_view(&s->in[0]->shape, r.axis);
    struct sw_box box;
    sw__axis_box(&box, s->out[0]->dtype, v, r.count, v.size, r.count);
    box.src_stride[1] = r.step * v.inner;
    box.src_at = r.begin * v.inner;
    return sw__box_step_prepare(s, &box);
}

const struct sw_op_class sw__op_slice = {.name = "slice",
                                         .flags = SW_OP_CHEAP,
                                         .note_size = sizeof(struct sw_box),
                                         .infer = slice_infer,
                                         .grad = slice_grad,
                                         .prepare = slice_prepare,
                                         .run = sw__box_step_run};

sw_node *sw_slice(sw_graph *g, sw_node *x, sw_slice_options o)
{
    struct slice_attr attr = {o};
    return sw__op_add(g, &sw__op_slice, &attr, sizeof attr, &x, 1, 1);
}

/* ---- slice_grad: dy, x (its shape) -> dx -------------------------------------------------------- */

static sw_status slice_grad_infer(struct sw_infer *q)
{
    *q->out[0] = (sw_tensor){.dtype = q->in[0]->dtype, .shape = q->in[1]->shape};
    return SW_OK;
}

/* `count` indices of zeros from `at` on, `step` apart, each `width` indices wide. */
static void add_zeros(struct sw_boxes *b, struct sw_axis_view v, int64_t at, int64_t count,
                      int64_t step, int64_t width)
{
    struct sw_box box;
    sw__box_dense(&box, SW_F32, &SW_SHAPE(v.outer, count, width * v.inner));
    box.dst_stride[0] = v.size * v.inner;
    box.dst_stride[1] = step * v.inner;
    box.dst_at = at * v.inner;
    sw__boxes_add(b, &box, SW_BOX_ZEROS, 0);
}

static sw_status slice_grad_prepare(struct sw_step *s)
{
    const struct slice_attr *attr = s->attr;
    struct range r = resolve(&attr->o, &s->in[1]->shape);
    struct sw_axis_view v = sw__axis_view(&s->in[1]->shape, r.axis);
    struct sw_boxes *b = s->note;
    b->n = 0;
    if (r.count == 0) {
        add_zeros(b, v, 0, 1, 1, v.size);
        return sw__boxes_step_prepare(s);
    }
    struct sw_box box;
    sw__axis_box(&box, SW_F32, v, r.count, r.count, v.size);
    box.dst_stride[1] = r.step * v.inner;
    box.dst_at = r.begin * v.inner;
    sw__boxes_add(b, &box, 0, 0);

    int64_t last = r.begin + (r.count - 1) * r.step, step = r.step < 0 ? -r.step : r.step;
    int64_t low = sw__min64(r.begin, last), high = sw__max64(r.begin, last);
    add_zeros(b, v, 0, 1, 1, low);
    add_zeros(b, v, low + 1, r.count - 1, step, step - 1);
    add_zeros(b, v, high + 1, 1, 1, v.size - high - 1);
    return sw__boxes_step_prepare(s);
}

const struct sw_op_class sw__op_slice_grad = {.name = "slice_grad",
                                              .shape_only = 1u << 1,
                                              .note_size = sizeof(struct sw_boxes),
                                              .infer = slice_grad_infer,
                                              .prepare = slice_grad_prepare,
                                              .run = sw__boxes_step_run};

/* ---- flip -------------------------------------------------------------------------------------- */

static sw_status flip_infer(struct sw_infer *q)
{
    const struct flip_attr *attr = q->attr;
    int axis;
    sw_status status = sw__infer_movable(q, 0);
    if (status == SW_OK) status = sw__infer_axis(q, 0, attr->axis, &axis);
    if (status != SW_OK) return status;
    *q->out[0] = (sw_tensor){.dtype = q->in[0]->dtype, .shape = q->in[0]->shape};
    return SW_OK;
}

static void flip_grad(sw_graph *g, const struct sw_op *op, sw_node *const *dy, const bool *need,
                      sw_node **dx)
{
    (void)need;
    dx[0] = sw_flip(g, dy[0], ((const struct flip_attr *)sw__op_attr(op))->axis);
}

static sw_status flip_prepare(struct sw_step *s)
{
    const struct flip_attr *attr = s->attr;
    const sw_shape *x = &s->in[0]->shape;
    int axis = attr->axis < 0 ? attr->axis + x->rank : attr->axis;
    struct sw_box box;
    sw__box_dense(&box, s->in[0]->dtype, x);
    box.src_at = (x->dim[axis] - 1) * box.src_stride[axis];
    box.src_stride[axis] = -box.src_stride[axis];
    return sw__box_step_prepare(s, &box);
}

const struct sw_op_class sw__op_flip = {.name = "flip",
                                        .flags = SW_OP_CHEAP,
                                        .note_size = sizeof(struct sw_box),
                                        .infer = flip_infer,
                                        .grad = flip_grad,
                                        .prepare = flip_prepare,
                                        .run = sw__box_step_run};

sw_node *sw_flip(sw_graph *g, sw_node *x, int axis)
{
    struct flip_attr attr = {axis};
    return sw__op_add(g, &sw__op_flip, &attr, sizeof attr, &x, 1, 1);
}
