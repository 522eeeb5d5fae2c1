/* Layers of bytes but for convolutions, on pictures (N,H,W,C): the greatest and the mean of windows, sums of
 * two, any function of one byte as a table, and local response normalisation.  All of them read x once and
 * are bound by memory; channels are the vector axis.  See int8_kernels.h for the rule of the bits. */
#include <string.h>
#include "base/size.h"
#include "graph/op_list.h"
#include "graph/ops/conv_shape.h"
#include "graph/ops/pool_shape.h"

static sw_status bytes_of_rank(struct sw_infer *q, int lo, int hi)
{
    sw_status status = sw__infer_dtype(q, 0, SW_U8);
    if (status == SW_OK) status = sw__infer_rank(q, 0, lo, hi);
    if (status == SW_OK) *q->out[0] = (sw_tensor){.dtype = SW_U8, .shape = q->in[0]->shape};
    return status;
}

static bool is_byte(int x)
{
    return x >= 0 && x <= 255;
}

/* ---- pools ------------------------------------------------------------------------------------- */

struct pool_u8_attr {
    struct pool_attr pool;
    int x_zero, y_zero;
    float scale;
};

struct pool_u8_note {
    int64_t group; /* rows of y that a task makes */
};

static sw_status pool_u8_infer(struct sw_infer *q)
{
    const struct pool_u8_attr *a = q->attr;
    sw_status status = bytes_of_rank(q, 4, 4);
    return status == SW_OK ? sw__pool_sizes(q, &a->pool, 1, &q->out[0]->shape.dim[1]) : status;
}

static sw_status pool_u8_prepare(struct sw_step *s)
{
    const struct pool_u8_attr *a = s->attr;
    const sw_shape *y = &s->out[0]->shape;
    const int64_t row = y->dim[2] * y->dim[3] * a->pool.kernel[0] * a->pool.kernel[1];
    struct pool_u8_note *note = s->note;
    note->group = sw__max64(1, 16 * SW_GRAIN / sw__max64(1, row));
    s->n_phases = 1;
    s->tasks[0] = sw__ceil_div(y->dim[0] * y->dim[1], note->group);
    return SW_OK;
}

static sw_status max_u8_prepare(struct sw_step *s)
{
    s->kernel = s->k->names[SW_SLOT_max_u8];
    return pool_u8_prepare(s);
}

static sw_status mean_u8_prepare(struct sw_step *s)
{
    s->kernel = s->k->names[SW_SLOT_mean_u8];
    return pool_u8_prepare(s);
}

/* The part of a window inside of the image along an axis: where it begins, and how many taps. */
struct reach {
    int64_t at, taps, counted; /* those that a mean is divided by */
};

static struct reach reach_of(const struct pool_attr *a, int axis, int64_t size, int64_t window)
{
    const int64_t begin = window * a->stride[axis] - a->pad[axis], end = begin + a->kernel[axis];
    const int64_t at = sw__max64(begin, 0);
    struct reach r = {.at = at, .taps = sw__min64(end, size) - at};
    r.counted = a->count_pad ? sw__min64(end, size + a->pad[axis + 2]) - begin : r.taps;
    return r;
}

/* A row of y. */
static void pool_row(const struct sw_step *s, int64_t row, bool mean)
{
    const struct pool_u8_attr *a = s->attr;
    const sw_shape *xs = &s->in[0]->shape, *ys = &s->out[0]->shape;
    const int64_t c = xs->dim[3], image = row / ys->dim[1];
    const struct reach down = reach_of(&a->pool, 0, xs->dim[1], row % ys->dim[1]);
    const uint8_t *x = (const uint8_t *)s->in[0]->data +
                       (image * xs->dim[1] + down.at) * xs->dim[2] * c;
    uint8_t *y = (uint8_t *)s->out[0]->data + row * ys->dim[2] * c;
    for (int64_t i = 0; i < ys->dim[2]; i++, y += c) {
        const struct reach across = reach_of(&a->pool, 1, xs->dim[2], i);
        const struct sw_int8_taps t = {down.taps, xs->dim[2] * c, across.taps, c};
        if (!mean) {
            s->k->max_u8(y, x + across.at * c, &t, c);
            continue;
        }
        const struct sw_int8_mean m = {.x_zero = a->x_zero,
                                       .zero = a->y_zero,
                                       .scale = a->scale / (float)(down.counted * across.counted),
                                       .low = (float)-a->y_zero,
                                       .high = (float)(255 - a->y_zero)};
        s->k->mean_u8(y, x + across.at * c, &t, c, &m);
    }
}

static void pool_rows(const struct sw_step *s, int64_t begin, int64_t end, bool mean)
{
    const struct pool_u8_note *note = s->note;
    int64_t from, to;
    sw__step_range(s->out[0]->shape.dim[0] * s->out[0]->shape.dim[1], note->group, begin, end,
                   &from, &to);
    for (int64_t row = from; row < to; row++) pool_row(s, row, mean);
}

static void max_u8_run(const struct sw_step *s, int phase, int64_t begin, int64_t end,
                       void *scratch)
{
    (void)phase, (void)scratch;
    pool_rows(s, begin, end, false);
}

static void mean_u8_run(const struct sw_step *s, int phase, int64_t begin, int64_t end,
                        void *scratch)
{
    (void)phase, (void)scratch;
    pool_rows(s, begin, end, true);
}

const struct sw_op_class sw__op_max_pool2d_u8 = {.name = "max_pool2d_u8",
                                                 .note_size = sizeof(struct pool_u8_note),
                                                 .infer = pool_u8_infer,
                                                 .prepare = max_u8_prepare,
                                                 .run = max_u8_run};

const struct sw_op_class sw__op_avg_pool2d_u8 = {.name = "avg_pool2d_u8",
                                                 .note_size = sizeof(struct pool_u8_note),
                                                 .infer = pool_u8_infer,
                                                 .prepare = mean_u8_prepare,
                                                 .run = mean_u8_run};

sw_node *sw_max_pool2d_u8(sw_graph *g, sw_node *x, sw_pool_options o)
{
    const struct pool_u8_attr a = {.pool = sw__pool_attr(o)};
    return sw__op_add(g, &sw__op_max_pool2d_u8, &a, sizeof a, &x, 1, 1);
}

sw_node *sw_avg_pool2d_u8(sw_graph *g, sw_node *x, int x_zero, float scale, int y_zero,
                          sw_pool_options o)
{
    const struct pool_u8_attr a = {sw__pool_attr(o), x_zero, y_zero, scale};
    /* Sums stay in s32. */
    if (!is_byte(x_zero) || !is_byte(y_zero) || (int64_t)o.kernel[0] * o.kernel[1] > 1 << 22)
        return sw__graph_poison(g, SW_ERR_ARGUMENT,
                                "avg_pool2d_u8: a zero point or the kernel is out of range");
    return sw__op_add(g, &sw__op_avg_pool2d_u8, &a, sizeof a, &x, 1, 1);
}

/* ---- element by element ------------------------------------------------------------------------- */

static sw_status plain_prepare(struct sw_step *s)
{
    s->n_phases = 1;
    s->tasks[0] = sw__ceil_div(sw_shape_elements(&s->out[0]->shape), 4 * SW_GRAIN);
    return SW_OK;
}

static void plain_range(const struct sw_step *s, int64_t begin, int64_t end, int64_t *from,
                        int64_t *n)
{
    int64_t to;
    sw__step_range(sw_shape_elements(&s->out[0]->shape), 4 * SW_GRAIN, begin, end, from, &to);
    *n = to - *from;
}

static sw_status add_u8_infer(struct sw_infer *q)
{
    sw_status status = bytes_of_rank(q, 0, SW_MAX_RANK);
    if (status == SW_OK) status = sw__infer_dtype(q, 1, SW_U8);
    if (status == SW_OK && !sw_shape_equal(&q->in[0]->shape, &q->in[1]->shape))
        status = sw__infer_mismatch(q, 0, 1, "the shapes differ");
    return status;
}

static void add_u8_run(const struct sw_step *s, int phase, int64_t begin, int64_t end,
                       void *scratch)
{
    (void)phase, (void)scratch;
    int64_t from, n;
    plain_range(s, begin, end, &from, &n);
    s->k->add_u8((uint8_t *)s->out[0]->data + from, (const uint8_t *)s->in[0]->data + from,
                 (const uint8_t *)s->in[1]->data + from, n, s->attr);
}

const struct sw_op_class sw__op_add_u8 = {.name = "add_u8",
                                          .inplace = 3,
                                          .infer = add_u8_infer,
                                          .prepare = plain_prepare,
                                          .run = add_u8_run};

sw_node *sw_add_u8(sw_graph *g, sw_node *a, sw_node *b, sw_add_u8_options o)
{
    const int high = o.low || o.high ? o.high : 255;
    const struct sw_int8_add attr = {.a_zero = o.a_zero,
                                     .b_zero = o.b_zero,
                                     .zero = o.y_zero,
                                     .a_scale = o.a_scale,
                                     .b_scale = o.b_scale,
                                     .low = (float)(o.low - o.y_zero),
                                     .high = (float)(high - o.y_zero)};
    if (!is_byte(o.a_zero) || !is_byte(o.b_zero) || !is_byte(o.y_zero) || !is_byte(o.low) ||
        !is_byte(high))
        return sw__graph_poison(g, SW_ERR_ARGUMENT, "add_u8: a zero point or bound is no byte");
    return sw__op_add(g, &sw__op_add_u8, &attr, sizeof attr, (sw_node *[]){a, b}, 2, 1);
}

static sw_status table_u8_infer(struct sw_infer *q)
{
    return bytes_of_rank(q, 0, SW_MAX_RANK);
}

static void table_u8_run(const struct sw_step *s, int phase, int64_t begin, int64_t end,
                         void *scratch)
{
    (void)phase, (void)scratch;
    int64_t from, n;
    plain_range(s, begin, end, &from, &n);
    s->k->table_u8((uint8_t *)s->out[0]->data + from, (const uint8_t *)s->in[0]->data + from,
                   s->attr, n);
}

const struct sw_op_class sw__op_table_u8 = {.name = "table_u8",
                                            .inplace = 1,
                                            .infer = table_u8_infer,
                                            .prepare = plain_prepare,
                                            .run = table_u8_run};

sw_node *sw_table_u8(sw_graph *g, sw_node *x, const uint8_t table[256])
{
    return sw__op_add(g, &sw__op_table_u8, table, 256, &x, 1, 1);
}

/* ---- from pictures of floats --------------------------------------------------------------------- */

struct picture_u8_attr {
    float scale;
    int zero;
};

static sw_status picture_u8_infer(struct sw_infer *q)
{
    sw_status status = sw__infer_dtype(q, 0, SW_F32);
    if (status == SW_OK) status = sw__infer_rank(q, 0, 4, 4);
    if (status != SW_OK) return status;
    const int64_t *x = q->in[0]->shape.dim;
    *q->out[0] = (sw_tensor){.dtype = SW_U8, .shape = {4, {x[0], x[2], x[3], x[1]}}};
    return SW_OK;
}

/* Pieces of a picture, and pixels of each but the last. */
static int64_t picture_piece(const sw_shape *x)
{
    return sw__max64(1, 4 * SW_GRAIN / sw__max64(1, x->dim[1]));
}

static int64_t picture_pieces(const sw_shape *x)
{
    return sw__ceil_div(x->dim[2] * x->dim[3], picture_piece(x));
}

static sw_status picture_u8_prepare(struct sw_step *s)
{
    const sw_shape *x = &s->in[0]->shape;
    s->n_phases = x->dim[1] > 0;
    s->tasks[0] = x->dim[0] * picture_pieces(x);
    s->kernel = s->k->names[SW_SLOT_picture_u8];
    return SW_OK;
}

static void picture_u8_run(const struct sw_step *s, int phase, int64_t begin, int64_t end,
                           void *scratch)
{
    (void)phase, (void)scratch;
    const struct picture_u8_attr *a = s->attr;
    const sw_shape *xs = &s->in[0]->shape;
    const int64_t pixels = xs->dim[2] * xs->dim[3], c = xs->dim[1], pieces = picture_pieces(xs);
    for (int64_t i = begin; i < end; i++) {
        const int64_t from = i % pieces * picture_piece(xs), image = i / pieces * pixels * c;
        const int64_t n = sw__min64(picture_piece(xs), pixels - from);
        s->k->picture_u8((uint8_t *)s->out[0]->data + image + from * c,
                         (const float *)s->in[0]->data + image + from, n, c, pixels, a->scale,
                         a->zero);
    }
}

const struct sw_op_class sw__op_picture_u8 = {.name = "picture_u8",
                                              .infer = picture_u8_infer,
                                              .prepare = picture_u8_prepare,
                                              .run = picture_u8_run};

sw_node *sw_picture_u8(sw_graph *g, sw_node *x, float scale, int zero)
{
    const struct picture_u8_attr a = {scale, zero};
    if (!is_byte(zero))
        return sw__graph_poison(g, SW_ERR_ARGUMENT, "picture_u8: the zero point is no byte");
    return sw__op_add(g, &sw__op_picture_u8, &a, sizeof a, &x, 1, 1);
}

/* ---- local response normalisation ---------------------------------------------------------------- */

static int64_t lrn_group(const struct sw_step *s)
{
    return sw__max64(1, SW_GRAIN / sw__max64(1, s->in[0]->shape.dim[3]));
}

static int64_t lrn_pixels(const struct sw_step *s)
{
    const sw_shape *x = &s->in[0]->shape;
    return x->dim[0] * x->dim[1] * x->dim[2];
}

static sw_status lrn_u8_infer(struct sw_infer *q)
{
    return bytes_of_rank(q, 4, 4);
}

static sw_status lrn_u8_prepare(struct sw_step *s)
{
    const struct sw_int8_lrn *a = s->attr;
    s->n_phases = 1;
    s->tasks[0] = sw__ceil_div(lrn_pixels(s), lrn_group(s));
    s->scratch = (size_t)(s->in[0]->shape.dim[3] + a->window.before + a->window.after +
                          SW_INT8_ROOM) *
                 sizeof(float);
    s->kernel = s->k->names[SW_SLOT_lrn_u8];
    return SW_OK;
}

static void lrn_u8_run(const struct sw_step *s, int phase, int64_t begin, int64_t end,
                       void *scratch)
{
    (void)phase;
    const int64_t c = s->in[0]->shape.dim[3];
    int64_t from, to;
    sw__step_range(lrn_pixels(s), lrn_group(s), begin, end, &from, &to);
    s->k->lrn_u8((uint8_t *)s->out[0]->data + from * c, (const uint8_t *)s->in[0]->data + from * c,
                 to - from, c, s->attr, scratch);
}

const struct sw_op_class sw__op_lrn_u8 = {
    .name = "lrn_u8", .infer = lrn_u8_infer, .prepare = lrn_u8_prepare, .run = lrn_u8_run};

sw_node *sw_lrn_u8(sw_graph *g, sw_node *x, int x_zero, float x_scale, int y_zero, float y_scale,
                   sw_lrn_options o)
{
    if (o.size < 1 || o.size >= SW_CONV_LARGEST || !(o.k >= 0) || !(o.alpha >= 0) ||
        !(o.beta >= 0) || !is_byte(x_zero) || !is_byte(y_zero))
        return sw__graph_poison(g, SW_ERR_ARGUMENT,
                                "lrn_u8: size %d, k %g, alpha %g, beta %g, or a zero point", o.size,
                                (double)o.k, (double)o.alpha, (double)o.beta);
    const struct sw_int8_lrn a = {
        .window = {(o.size - 1) / 2, o.size / 2, o.k, o.alpha * x_scale * x_scale, o.beta},
        .x_zero = x_zero,
        .zero = y_zero,
        .scale = x_scale / y_scale,
        .low = (float)-y_zero,
        .high = (float)(255 - y_zero)};
    return sw__op_add(g, &sw__op_lrn_u8, &a, sizeof a, &x, 1, 1);
}
