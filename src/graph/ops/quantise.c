/* Quantise and dequantise, ONNX's QuantizeLinear and DequantizeLinear:
 *
 *     q = saturate(round(x / scale) + zero)      ties to even; NaN gives zero
 *     x = (q - zero) * scale
 *
 * with one scale and zero point for all, or one for each index of an axis.  No gradient: the
 * derivative is zero almost everywhere, and training through it is its user's choice. */
#include "graph/op.h"
#include "graph/ops/attributes.h"
#include "base/size.h"
#include "graph/ops/box_copy.h"

struct quantise_note {
    struct sw_axis_view v;    /* one scale: the whole is `inner` */
    int64_t run, runs_a_line; /* elements of a task at most; tasks of an index */
    int64_t a_task;           /* indices of a task, when they are short */
};

/* Scale and zero are scalars, or vectors as long as the axis. */
static sw_status check_parameters(struct sw_infer *q, sw_dtype bytes)
{
    const struct quantise_attr *attr = q->attr;
    sw_status status = sw__infer_dtype(q, 1, SW_F32);
    if (status == SW_OK) status = sw__infer_rank(q, 1, 0, 1);
    if (status == SW_OK && q->in[2]) status = sw__infer_dtype(q, 2, bytes);
    if (status != SW_OK) return status;
    if (q->in[2] && !sw_shape_equal(&q->in[1]->shape, &q->in[2]->shape))
        return sw__infer_mismatch(q, 1, 2, "scale and zero point differ in shape");
    if (q->in[1]->shape.rank == 0) return SW_OK;
    int axis;
    status = sw__infer_axis(q, 0, attr->axis, &axis);
    if (status == SW_OK && q->in[1]->shape.dim[0] != q->in[0]->shape.dim[axis])
        status = sw__infer_mismatch(q, 0, 1, "not one scale for each index of the axis");
    return status;
}

static sw_status quantise_infer(struct sw_infer *q)
{
    const struct quantise_attr *attr = q->attr;
    sw_status status = sw__infer_dtype(q, 0, SW_F32);
    if (status == SW_OK) status = check_parameters(q, attr->dtype);
    if (status != SW_OK) return status;
    *q->out[0] = (sw_tensor){.dtype = attr->dtype, .shape = q->in[0]->shape};
    return SW_OK;
}

static sw_status dequantise_infer(struct sw_infer *q)
{
    sw_status status = sw__infer_movable(q, 0);
    if (status == SW_OK && q->in[0]->dtype != SW_I8 && q->in[0]->dtype != SW_U8)
        status = sw__infer_fail(q, SW_ERR_DTYPE, "operand 0 is %s, not i8 or u8",
                                sw_dtype_get(q->in[0]->dtype)->name);
    if (status == SW_OK) status = check_parameters(q, q->in[0]->dtype);
    if (status != SW_OK) return status;
    *q->out[0] = (sw_tensor){.dtype = SW_F32, .shape = q->in[0]->shape};
    return SW_OK;
}

/* Lines are the (outer, index) pairs; each has one scale.  Long ones are cut into runs, short ones
 * share a task. */
static void plan_lines(struct sw_step *s, struct quantise_note *note)
{
    const struct quantise_attr *attr = s->attr;
    const sw_shape *x = &s->in[0]->shape;
    int axis = attr->axis < 0 ? attr->axis + x->rank : attr->axis;
    if (s->in[1]->shape.rank == 0)
        note->v = (struct sw_axis_view){1, 1, sw_shape_elements(x)};
    else
        note->v = sw__axis_view(x, axis);
    int64_t lines = note->v.outer * note->v.size, n = note->v.inner;
    note->run = sw__max64(1, sw__min64(n, SW_GRAIN));
    note->runs_a_line = sw__ceil_div(n, note->run);
    note->a_task = sw__max64(1, SW_GRAIN / note->run);
    s->n_phases = lines > 0 && n > 0;
    s->tasks[0] = sw__ceil_div(lines * note->runs_a_line, note->a_task);
}

static sw_status quantise_prepare(struct sw_step *s)
{
    plan_lines(s, s->note);
    bool is_signed = s->out[0]->dtype == SW_I8;
    s->kernel = s->k->names[is_signed ? SW_SLOT_quantise_i8 : SW_SLOT_quantise_u8];
    return SW_OK;
}

static sw_status dequantise_prepare(struct sw_step *s)
{
    plan_lines(s, s->note);
    bool is_signed = s->in[0]->dtype == SW_I8;
    s->kernel = s->k->names[is_signed ? SW_SLOT_dequantise_i8 : SW_SLOT_dequantise_u8];
    return SW_OK;
}

/* A run of elements that share a scale. */
struct quantise_run {
    int64_t at, n;
    float scale;
    int zero;
};

static struct quantise_run run_of(const struct sw_step *s, int64_t number)
{
    const struct quantise_note *note = s->note;
    int64_t line = number / note->runs_a_line, from = number % note->runs_a_line * note->run;
    int64_t index = line % note->v.size;
    struct quantise_run r = {.at = line * note->v.inner + from,
                             .n = sw__min64(note->run, note->v.inner - from),
                             .scale = ((const float *)s->in[1]->data)[index]};
    if (s->in[2])
        r.zero = s->in[2]->dtype == SW_I8 ? ((const int8_t *)s->in[2]->data)[index]
                                          : ((const uint8_t *)s->in[2]->data)[index];
    return r;
}

static void range_of(const struct sw_step *s, int64_t begin, int64_t end, int64_t *from,
                     int64_t *to)
{
    const struct quantise_note *note = s->note;
    sw__step_range(note->v.outer * note->v.size * note->runs_a_line, note->a_task, begin, end, from,
                   to);
}

static void quantise_run(const struct sw_step *s, int phase, int64_t begin, int64_t end,
                         void *scratch)
{
    (void)phase, (void)scratch;
    int64_t from, to;
    range_of(s, begin, end, &from, &to);
    for (int64_t i = from; i < to; i++) {
        struct quantise_run r = run_of(s, i);
        const float *x = (const float *)s->in[0]->data + r.at;
        if (s->out[0]->dtype == SW_I8)
            s->k->quantise_i8((int8_t *)s->out[0]->data + r.at, x, r.scale, r.zero, r.n);
        else
            s->k->quantise_u8((uint8_t *)s->out[0]->data + r.at, x, r.scale, r.zero, r.n);
    }
}

static void dequantise_run(const struct sw_step *s, int phase, int64_t begin, int64_t end,
                           void *scratch)
{
    (void)phase, (void)scratch;
    int64_t from, to;
    range_of(s, begin, end, &from, &to);
    for (int64_t i = from; i < to; i++) {
        struct quantise_run r = run_of(s, i);
        float *y = (float *)s->out[0]->data + r.at;
        if (s->in[0]->dtype == SW_I8)
            s->k->dequantise_i8(y, (const int8_t *)s->in[0]->data + r.at, r.scale, r.zero, r.n);
        else
            s->k->dequantise_u8(y, (const uint8_t *)s->in[0]->data + r.at, r.scale, r.zero, r.n);
    }
}

const struct sw_op_class sw__op_quantise = {.name = "quantise",
                                            .note_size = sizeof(struct quantise_note),
                                            .infer = quantise_infer,
                                            .prepare = quantise_prepare,
                                            .run = quantise_run};

const struct sw_op_class sw__op_dequantise = {.name = "dequantise",
                                              .note_size = sizeof(struct quantise_note),
                                              .infer = dequantise_infer,
                                              .prepare = dequantise_prepare,
                                              .run = dequantise_run};

sw_node *sw_quantise(sw_graph *g, sw_node *x, sw_node *scale, sw_node *zero, int axis,
                     sw_dtype dtype)
{
    struct quantise_attr attr = {axis, dtype};
    if (dtype != SW_I8 && dtype != SW_U8)
        return sw__graph_poison(g, SW_ERR_DTYPE, "quantise: to i8 or u8 only");
    return sw__op_add(g, &sw__op_quantise, &attr, sizeof attr, (sw_node *[]){x, scale, zero}, 3, 1);
}

sw_node *sw_dequantise(sw_graph *g, sw_node *x, sw_node *scale, sw_node *zero, int axis)
{
    struct quantise_attr attr = {axis, SW_I8};
    return sw__op_add(g, &sw__op_dequantise, &attr, sizeof attr, (sw_node *[]){x, scale, zero}, 3,
                      1);
}
