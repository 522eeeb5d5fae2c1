/* Softmax and its logarithm along any axis.
 *
 *     softmax:      y = exp(x - max) / sum exp(x - max)          dx = y * (dy - sum(dy * y))
 *     log_softmax:  y = x - max - log(sum exp(x - max))          dx = dy - exp(y) * sum(dy)
 *
 * x is seen as (outer, n, inner).  inner 1: rows of n contiguous numbers.  Otherwise blocks of up to
 * SW_SOFTMAX_COLUMNS neighbouring columns, the vectors lying across them.  A line that is all -inf,
 * or holds +inf or NaN, gives NaN, as the definition does. */
#include "graph/ops/softmax_int.h"

/* The view (outer, n, inner) of a shape. */
struct lines {
    int64_t outer, n, inner;
    int64_t blocks; /* of columns, of one outer index */
    int64_t units;  /* rows or blocks */
    int64_t grain;  /* units a task */
};

static struct lines lines_of(const sw_shape *x, int axis)
{
    struct lines d = {1, x->dim[axis], 1, 0, 0, 0};
    for (int i = 0; i < axis; i++) d.outer *= x->dim[i];
    for (int i = axis + 1; i < x->rank; i++) d.inner *= x->dim[i];
    d.blocks = sw__ceil_div(d.inner, SW_SOFTMAX_COLUMNS);
    d.units = d.inner == 1 ? d.outer : d.outer * d.blocks;
    d.grain = sw__task_grain(d.n * sw__min64(d.inner, SW_SOFTMAX_COLUMNS));
    return d;
}

/* Where block number `unit` starts, and its columns. */
static int64_t block_at(const struct lines *d, int64_t unit, int64_t *width)
{
    int64_t column = unit % d->blocks * SW_SOFTMAX_COLUMNS;
    *width = sw__min64(SW_SOFTMAX_COLUMNS, d->inner - column);
    return unit / d->blocks * d->n * d->inner + column;
}

static sw_status softmax_infer(struct sw_infer *q)
{
    const struct softmax_attr *attr = q->attr;
    int axis;
    sw_status status = sw__infer_dtype(q, 0, SW_F32);
    if (status == SW_OK) status = sw__infer_axis(q, 0, attr->axis, &axis);
    if (status == SW_OK) sw__infer_f32(q->out[0], q->in[0]->shape);
    return status;
}

/* The axis of a step, counted from the front. */
static int axis_of(const sw_shape *x, const struct softmax_attr *attr)
{
    return attr->axis < 0 ? attr->axis + x->rank : attr->axis;
}

sw_node *sw__softmax_backward(sw_graph *g, sw_node *dy, sw_node *y, struct softmax_attr attr)
{
    return sw__op_add(g, &sw__op_softmax_backward, &attr, sizeof attr, (sw_node *[]){dy, y}, 2, 1);
}

static void softmax_grad(sw_graph *g, const struct sw_op *op, sw_node *const *dy, const bool *need,
                         sw_node **dx)
{
    (void)need;
    const struct softmax_attr *attr = sw__op_attr(op);
    dx[0] = sw__softmax_backward(g, dy[0], sw__op_out(op, 0), *attr);
}

static void prepare_lines(struct sw_step *s, double flops)
{
    const sw_shape *x = &s->out[0]->shape;
    struct lines d = lines_of(x, axis_of(x, s->attr));
    int64_t elements = d.outer * d.n * d.inner;
    s->n_phases = elements > 0;
    s->tasks[0] = sw__ceil_div(d.units, d.grain);
    s->task_bytes = d.inner == 1 ? sw__task_bytes(d.n) : 0;
    s->flops = flops * (double)elements;
}

/* Floats of the scratch memory that rows pass through on their way past the caches: 128 KB. */
enum { ROOM = 32768 };

static sw_status softmax_prepare(struct sw_step *s)
{
    const sw_shape *x = &s->in[0]->shape;
    bool rows = lines_of(x, axis_of(x, s->attr)).inner == 1;
    prepare_lines(s, 12);
    if (rows) s->task_bytes = sw__odd_row_bytes(sw__last_of(x));
    if (sw__tensor_streams(s->out[0])) s->scratch = ROOM * sizeof(float);
    s->kernel = s->k->names[rows ? SW_SLOT_softmax_f32 : SW_SLOT_softmax_columns_f32];
    return SW_OK;
}

static void softmax_run(const struct sw_step *s, int phase, int64_t begin, int64_t end,
                        void *scratch)
{
    const struct softmax_attr *attr = s->attr;
    const sw_shape *shape = &s->in[0]->shape;
    struct lines d = lines_of(shape, axis_of(shape, attr));
    const float *x = s->in[0]->data;
    float *y = s->out[0]->data;
    int64_t from, to;
    (void)phase;
    sw__step_range(d.units, d.grain, begin, end, &from, &to);
    if (d.inner == 1) {
        s->k->softmax_f32(y + from * d.n, x + from * d.n, to - from, d.n, attr->log,
                          2 * d.n <= ROOM && sw__rows_stream(s) ? scratch : NULL);
        return;
    }
    for (int64_t unit = from; unit < to; unit++) {
        int64_t width, at = block_at(&d, unit, &width);
        s->k->softmax_columns_f32(y + at, x + at, d.n, d.inner, width, attr->log);
    }
}

const struct sw_op_class sw__op_softmax = {.name = "softmax",
                                           .inplace = 1,
                                           .infer = softmax_infer,
                                           .grad = softmax_grad,
                                           .prepare = softmax_prepare,
                                           .run = softmax_run};

const struct sw_op_class sw__op_log_softmax = {.name = "log_softmax",
                                               .inplace = 1,
                                               .infer = softmax_infer,
                                               .grad = softmax_grad,
                                               .prepare = softmax_prepare,
                                               .run = softmax_run};

sw_node *sw_softmax(sw_graph *g, sw_node *x, int axis)
{
    struct softmax_attr attr = {axis, false, 1};
    return sw__op_add(g, &sw__op_softmax, &attr, sizeof attr, &x, 1, 1);
}

sw_node *sw_log_softmax(sw_graph *g, sw_node *x, int axis)
{
    struct softmax_attr attr = {axis, true, 1};
    return sw__op_add(g, &sw__op_log_softmax, &attr, sizeof attr, &x, 1, 1);
}

/* ---- backward: (dy, y) -> dx ------------------------------------------------------------------- */

static sw_status softmax_backward_infer(struct sw_infer *q)
{
    sw__infer_f32(q->out[0], q->in[1]->shape);
    return SW_OK;
}

static sw_status softmax_backward_prepare(struct sw_step *s)
{
    const sw_shape *y = &s->in[1]->shape;
    bool rows = lines_of(y, axis_of(y, s->attr)).inner == 1;
    prepare_lines(s, 5);
    s->kernel =
        s->k->names[rows ? SW_SLOT_softmax_backward_f32 : SW_SLOT_softmax_backward_columns_f32];
    return SW_OK;
}

static void softmax_backward_run(const struct sw_step *s, int phase, int64_t begin, int64_t end,
                                 void *scratch)
{
    const struct softmax_attr *attr = s->attr;
    const sw_shape *shape = &s->in[1]->shape;
    struct lines d = lines_of(shape, axis_of(shape, attr));
    const float *dy = s->in[0]->data, *y = s->in[1]->data;
    float *dx = s->out[0]->data;
    int64_t from, to;
    (void)phase;
    (void)scratch;
    sw__step_range(d.units, d.grain, begin, end, &from, &to);
    if (d.inner == 1) {
        int64_t at = from * d.n;
        s->k->softmax_backward_f32(dx + at, dy + at, y + at, to - from, d.n, attr->log,
                                   attr->factor);
        return;
    }
    for (int64_t unit = from; unit < to; unit++) {
        int64_t width, at = block_at(&d, unit, &width);
        s->k->softmax_backward_columns_f32(dx + at, dy + at, y + at, d.n, d.inner, width, attr->log,
                                           attr->factor);
    }
}

const struct sw_op_class sw__op_softmax_backward = {.name = "softmax_backward",
                                                    .inplace = 3,
                                                    .infer = softmax_backward_infer,
                                                    .prepare = softmax_backward_prepare,
                                                    .run = softmax_backward_run};
