/* Pooling: the greatest or the mean of windows of each plane, and its gradient.
 *
 *     sw_max_pool2d, sw_avg_pool2d       ops max_pool2d, avg_pool2d
 *     their gradients                    ops max_pool2d_grad, avg_pool2d_grad
 *     sw_global_avg_pool2d, sw_global_max_pool2d: a mean and a maximum over both axes
 *
 * Windows may overlap (AlexNet's 3x3 with stride 2) and reach into the padding, which never wins a
 * maximum and adds nothing to a mean.  ceil_mode rounds the sizes up; as in PyTorch and ONNX, a
 * window that would begin behind the input is left out.  A mean is divided by the elements inside,
 * or with count_pad by those inside of the padded input.
 *
 * The gradient of a maximum goes to the first greatest element, in rows, found again from x: storing
 * its index would cost as much memory traffic as x itself.  A task owns whole planes, so overlapping
 * windows never race. */
#include <string.h>

#include "base/size.h"
#include "graph/op.h"
#include "graph/ops/attributes.h"
#include "graph/op_list.h"
#include "graph/ops/pool_shape.h"

enum { LARGEST = 1 << 30 }; /* kernels count coordinates in 32 bits */

/* ---- shapes ------------------------------------------------------------------------------------ */

static sw_status check(struct sw_infer *q, const struct pool_attr *a)
{
    for (int i = 0; i < 2; i++)
        if (a->kernel[i] < 1 || a->kernel[i] >= LARGEST || a->stride[i] < 1 ||
            a->stride[i] >= LARGEST)
            return sw__infer_fail(q, SW_ERR_ARGUMENT, "kernel (%lld,%lld) with stride (%lld,%lld)",
                                  (long long)a->kernel[0], (long long)a->kernel[1],
                                  (long long)a->stride[0], (long long)a->stride[1]);
    for (int i = 0; i < 4; i++)
        if (a->pad[i] < 0 || a->pad[i] >= a->kernel[i % 2])
            return sw__infer_fail(q, SW_ERR_ARGUMENT, "a padding is %lld, of a kernel of %lld",
                                  (long long)a->pad[i], (long long)a->kernel[i % 2]);
    return SW_OK;
}

sw_status sw__pool_sizes(struct sw_infer *q, const struct pool_attr *a, int axis, int64_t out[2])
{
    sw_status status = check(q, a);
    const sw_shape *x = &q->in[0]->shape;
    for (int i = 0; status == SW_OK && i < 2; i++) {
        char text[SW_SHAPE_TEXT];
        const int64_t size = x->dim[i + axis], s = a->stride[i];
        const int64_t room = size + a->pad[i] + a->pad[i + 2] - a->kernel[i];
        if (size < 1 || room < 0 || room >= LARGEST)
            return sw__infer_fail(q, SW_ERR_SHAPE, "a window of (%lld,%lld) does not fit into %s",
                                  (long long)a->kernel[0], (long long)a->kernel[1],
                                  sw_shape_text(x, text));
        out[i] = (a->ceil_mode ? sw__ceil_div(room, s) : room / s) + 1;
        if ((out[i] - 1) * s >= size + a->pad[i]) out[i]--;
    }
    return status;
}

static sw_status pool_infer(struct sw_infer *q)
{
    sw_status status = sw__infer_dtype(q, 0, SW_F32);
    if (status == SW_OK) status = sw__infer_rank(q, 0, 4, 4);
    if (status != SW_OK) return status;
    *q->out[0] = (sw_tensor){.dtype = SW_F32, .shape = q->in[0]->shape};
    return sw__pool_sizes(q, q->attr, 2, &q->out[0]->shape.dim[2]);
}

/* dy, x -> dx */
static sw_status pool_grad_infer(struct sw_infer *q)
{
    sw_status status = sw__infer_dtype(q, 0, SW_F32);
    if (status == SW_OK) status = sw__infer_rank(q, 0, 4, 4);
    *q->out[0] = (sw_tensor){.dtype = SW_F32, .shape = q->in[1]->shape};
    return status;
}

/* ---- preparation ------------------------------------------------------------------------------- */

struct pool_note {
    struct sw_grid grid;
    int64_t planes, group; /* planes of a task */
};

static struct sw_grid pool_grid(const struct pool_attr *a, const sw_shape *x, const sw_shape *y)
{
    return (struct sw_grid){.h = x->dim[2],
                            .w = x->dim[3],
                            .image = x->dim[2] * x->dim[3],
                            .oh = y->dim[2],
                            .ow = y->dim[3],
                            .sy = a->stride[0],
                            .sx = a->stride[1],
                            .y0 = -a->pad[0],
                            .x0 = -a->pad[1],
                            .ny = a->kernel[0],
                            .nx = a->kernel[1],
                            .dy = 1,
                            .dx = 1};
}

static sw_status prepare(struct sw_step *s, const sw_shape *x, const sw_shape *y, int64_t scratch)
{
    struct pool_note *note = s->note;
    note->grid = pool_grid(s->attr, x, y);
    note->planes = x->dim[0] * x->dim[1];
    note->group = sw__max64(SW_GRAIN / (x->dim[2] * x->dim[3]), 1);
    s->n_phases = 1;
    s->tasks[0] = sw__ceil_div(note->planes, note->group);
    s->scratch = (size_t)scratch * sizeof(float);
    s->flops = (double)sw_shape_elements(y) * (double)(note->grid.ny * note->grid.nx);
    return SW_OK;
}

/* How many elements the windows of a row (axis 0) or column (axis 1) of y count. */
static void count_elements(const struct pool_attr *a, int axis, int64_t size, int64_t windows,
                           float *counts)
{
    for (int64_t i = 0; i < windows; i++) {
        int64_t begin = i * a->stride[axis] - a->pad[axis], end = begin + a->kernel[axis];
        const int64_t limit = a->count_pad ? size + a->pad[axis + 2] : size;
        if (!a->count_pad) begin = sw__max64(begin, 0);
        counts[i] = (float)(sw__min64(end, limit) - begin);
    }
}

/* Room for the counts, in front of the kernel's scratch. */
static int64_t counts_floats(const sw_shape *y)
{
    return sw__round_up(y->dim[2], 16) + sw__round_up(y->dim[3], 16);
}

struct counts {
    const float *rows, *cols;
};

static struct counts counts_into(const struct sw_step *s, float *scratch)
{
    const struct sw_grid *g = &((const struct pool_note *)s->note)->grid;
    float *cols = scratch + sw__round_up(g->oh, 16);
    count_elements(s->attr, 0, g->h, g->oh, scratch);
    count_elements(s->attr, 1, g->w, g->ow, cols);
    return (struct counts){scratch, cols};
}

/* ---- forward ----------------------------------------------------------------------------------- */

static void max_grad(sw_graph *g, const struct sw_op *op, sw_node *const *dy, const bool *need,
                     sw_node **dx)
{
    sw_node *in[] = {dy[0], sw__op_in(op, 0)};
    dx[0] = sw__op_add(g, &sw__op_max_pool2d_grad, sw__op_attr(op), sizeof(struct pool_attr), in, 2,
                       1);
}

static void avg_grad(sw_graph *g, const struct sw_op *op, sw_node *const *dy, const bool *need,
                     sw_node **dx)
{
    sw_node *in[] = {dy[0], sw__op_in(op, 0)};
    dx[0] = sw__op_add(g, &sw__op_avg_pool2d_grad, sw__op_attr(op), sizeof(struct pool_attr), in, 2,
                       1);
}

static sw_status max_prepare(struct sw_step *s)
{
    s->kernel = s->k->names[SW_SLOT_max_pool_f32];
    return prepare(s, &s->in[0]->shape, &s->out[0]->shape, 0);
}

static sw_status avg_prepare(struct sw_step *s)
{
    s->kernel = s->k->names[SW_SLOT_avg_pool_f32];
    return prepare(s, &s->in[0]->shape, &s->out[0]->shape, counts_floats(&s->out[0]->shape));
}

static void max_run(const struct sw_step *s, int phase, int64_t begin, int64_t end, void *scratch)
{
    const struct pool_note *note = s->note;
    const int64_t in = note->grid.h * note->grid.w, out = note->grid.oh * note->grid.ow;
    const float *x = s->in[0]->data;
    float *y = s->out[0]->data;
    int64_t from, to;
    sw__step_range(note->planes, note->group, begin, end, &from, &to);
    for (int64_t p = from; p < to; p++) s->k->max_pool_f32(y + p * out, x + p * in, &note->grid);
}

static void avg_run(const struct sw_step *s, int phase, int64_t begin, int64_t end, void *scratch)
{
    const struct pool_note *note = s->note;
    const int64_t in = note->grid.h * note->grid.w, out = note->grid.oh * note->grid.ow;
    const struct counts c = counts_into(s, scratch);
    const float *x = s->in[0]->data;
    float *y = s->out[0]->data;
    int64_t from, to;
    sw__step_range(note->planes, note->group, begin, end, &from, &to);
    for (int64_t p = from; p < to; p++)
        s->k->avg_pool_f32(y + p * out, x + p * in, &note->grid, c.rows, c.cols);
}

/* ---- backward ---------------------------------------------------------------------------------- */

static sw_status max_grad_prepare(struct sw_step *s)
{
    const struct sw_grid grid = pool_grid(s->attr, &s->in[1]->shape, &s->in[0]->shape);
    s->kernel = s->k->names[SW_SLOT_max_pool_grad_f32];
    return prepare(s, &s->in[1]->shape, &s->in[0]->shape, sw__pool_scratch(&grid));
}

static sw_status avg_grad_prepare(struct sw_step *s)
{
    const struct sw_grid grid = pool_grid(s->attr, &s->in[1]->shape, &s->in[0]->shape);
    s->kernel = s->k->names[SW_SLOT_avg_pool_grad_f32];
    return prepare(s, &s->in[1]->shape, &s->in[0]->shape,
                   counts_floats(&s->in[0]->shape) + sw__pool_scratch(&grid));
}

static void max_grad_run(const struct sw_step *s, int phase, int64_t begin, int64_t end,
                         void *scratch)
{
    const struct pool_note *note = s->note;
    const int64_t in = note->grid.h * note->grid.w, out = note->grid.oh * note->grid.ow;
    const float *dy = s->in[0]->data, *x = s->in[1]->data;
    float *dx = s->out[0]->data;
    int64_t from, to;
    sw__step_range(note->planes, note->group, begin, end, &from, &to);
    for (int64_t p = from; p < to; p++)
        s->k->max_pool_grad_f32(dx + p * in, dy + p * out, x + p * in, &note->grid, scratch);
}

static void avg_grad_run(const struct sw_step *s, int phase, int64_t begin, int64_t end,
                         void *scratch)
{
    const struct pool_note *note = s->note;
    const int64_t in = note->grid.h * note->grid.w, out = note->grid.oh * note->grid.ow;
    const struct counts c = counts_into(s, scratch);
    float *rest = (float *)scratch + counts_floats(&s->in[0]->shape), *dx = s->out[0]->data;
    const float *dy = s->in[0]->data;
    int64_t from, to;
    sw__step_range(note->planes, note->group, begin, end, &from, &to);
    for (int64_t p = from; p < to; p++)
        s->k->avg_pool_grad_f32(dx + p * in, dy + p * out, &note->grid, c.rows, c.cols, rest);
}

/* ---- classes and builders ----------------------------------------------------------------------- */

const struct sw_op_class sw__op_max_pool2d = {.name = "max_pool2d",
                                              .flags = SW_OP_CHEAP,
                                              .note_size = sizeof(struct pool_note),
                                              .infer = pool_infer,
                                              .grad = max_grad,
                                              .prepare = max_prepare,
                                              .run = max_run};

const struct sw_op_class sw__op_avg_pool2d = {.name = "avg_pool2d",
                                              .flags = SW_OP_CHEAP,
                                              .note_size = sizeof(struct pool_note),
                                              .infer = pool_infer,
                                              .grad = avg_grad,
                                              .prepare = avg_prepare,
                                              .run = avg_run};

const struct sw_op_class sw__op_max_pool2d_grad = {.name = "max_pool2d_grad",
                                                   .note_size = sizeof(struct pool_note),
                                                   .infer = pool_grad_infer,
                                                   .prepare = max_grad_prepare,
                                                   .run = max_grad_run};

const struct sw_op_class sw__op_avg_pool2d_grad = {.name = "avg_pool2d_grad",
                                                   .shape_only = 2,
                                                   .note_size = sizeof(struct pool_note),
                                                   .infer = pool_grad_infer,
                                                   .prepare = avg_grad_prepare,
                                                   .run = avg_grad_run};

struct pool_attr sw__pool_attr(sw_pool_options o)
{
    struct pool_attr attr = {.ceil_mode = o.ceil_mode, .count_pad = o.count_pad};
    for (int i = 0; i < 2; i++) {
        attr.kernel[i] = o.kernel[i];
        attr.stride[i] = o.stride[i] ? o.stride[i] : o.kernel[i];
    }
    for (int i = 0; i < 4; i++) attr.pad[i] = o.pad[i];
    return attr;
}

static sw_node *pool(sw_graph *g, const struct sw_op_class *cls, sw_node *x, sw_pool_options o)
{
    const struct pool_attr attr = sw__pool_attr(o);
    return sw__op_add(g, cls, &attr, sizeof attr, &x, 1, 1);
}

sw_node *sw_max_pool2d(sw_graph *g, sw_node *x, sw_pool_options o)
{
    return pool(g, &sw__op_max_pool2d, x, o);
}

sw_node *sw_avg_pool2d(sw_graph *g, sw_node *x, sw_pool_options o)
{
    return pool(g, &sw__op_avg_pool2d, x, o);
}

static sw_node *global_pool(sw_graph *g, const char *name, sw_node *x,
                            sw_node *(*reduce)(sw_graph *, sw_node *, sw_reduce_options))
{
    if (sw_graph_status(g) == SW_OK && x && sw_node_shape(x).rank != 4)
        return sw__graph_poison(g, SW_ERR_SHAPE, "%s: x needs 4 dimensions, not %d", name,
                                sw_node_shape(x).rank);
    return reduce(g, x, (sw_reduce_options){.axes = {2, 3}, .n_axes = 2, .keepdims = true});
}

sw_node *sw_global_avg_pool2d(sw_graph *g, sw_node *x)
{
    return global_pool(g, "global_avg_pool2d", x, sw_mean);
}

sw_node *sw_global_max_pool2d(sw_graph *g, sw_node *x)
{
    return global_pool(g, "global_max_pool2d", x, sw_max);
}
