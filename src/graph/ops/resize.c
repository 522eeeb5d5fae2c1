/* Resize images (N,C,H,W) to a fixed height and width; PyTorch's interpolate, ONNX Resize.
 *
 * Output index o reads the input at the coordinate
 *
 *     nearest                   floor(o * n / m)                      (asymmetric, floor)
 *     bilinear                  (o + 0.5) * n / m - 0.5, at least 0   (half-pixel)
 *     bilinear, align_corners   o * (n - 1) / (m - 1), 0 if m = 1
 *
 * for n inputs and m outputs, and bilinear mixes floor and floor + 1 (the last pixel at the edge).
 * Every axis is a table of taps; a row is first mixed from two rows, then along itself.  The
 * gradient is in gather form: a row of dx adds up the rows of dy that read it, in their order, then
 * folds the sum along itself: no two tasks write the same row. */
#include "graph/op.h"
#include "graph/ops/attributes.h"
#include <math.h>
#include <string.h>
#include "base/size.h"
#include "graph/op_list.h"
#include "graph/ops/box_copy.h"

struct resize_note {
    int64_t rows, rows_a_task; /* of what the step writes, over N and C too */
};

static sw_status resize_infer(struct sw_infer *q)
{
    const sw_resize_options *o = &((const struct resize_attr *)q->attr)->o;
    sw_status status = sw__infer_dtype(q, 0, SW_F32);
    if (status == SW_OK) status = sw__infer_rank(q, 0, 4, 4);
    if (status != SW_OK) return status;
    const sw_shape *x = &q->in[0]->shape;
    char text[SW_SHAPE_TEXT];
    if ((x->dim[2] == 0 || x->dim[3] == 0) && o->height > 0 && o->width > 0)
        return sw__infer_fail(q, SW_ERR_SHAPE, "%s has no pixels", sw_shape_text(x, text));
    if (x->dim[2] > INT32_MAX || x->dim[3] > INT32_MAX)
        return sw__infer_fail(q, SW_ERR_SIZE, "%s is too large", sw_shape_text(x, text));
    *q->out[0] = (sw_tensor){.dtype = SW_F32, .shape = *x};
    q->out[0]->shape.dim[2] = o->height;
    q->out[0]->shape.dim[3] = o->width;
    return SW_OK;
}

/* What output index `at` reads: (1 - w) x[from] + w x[to]. */
struct tap {
    int64_t from, to;
    float w;
};

static struct tap tap_of(const sw_resize_options *o, int64_t at, int64_t n, int64_t m)
{
    if (o->mode == SW_RESIZE_NEAREST) {
        int64_t from = at * n / m;
        return (struct tap){from, from, 0}; /* both below 2^31 */
    }
    double x;
    if (o->align_corners)
        x = m > 1 ? (double)at * (double)(n - 1) / (double)(m - 1) : 0;
    else
        x = fmax(0, ((double)at + 0.5) * (double)n / (double)m - 0.5);
    int64_t from = sw__min64((int64_t)x, n - 1);
    return (struct tap){from, sw__min64(from + 1, n - 1), (float)(x - (double)from)};
}

/* The taps of all columns, and a row of the wider of the two images: a thread's scratch. */
struct columns {
    float *row, *w;
    int32_t *from, *to;
};

static size_t columns_bytes(int64_t row, int64_t m)
{
    return (size_t)(row + 3 * m) * 4;
}

static struct columns columns_make(const sw_resize_options *o, int64_t row, int64_t n, int64_t m,
                                   void *scratch)
{
    struct columns c = {.row = scratch};
    c.w = c.row + row;
    c.from = (int32_t *)(c.w + m);
    c.to = c.from + m;
    for (int64_t i = 0; i < m; i++) {
        struct tap t = tap_of(o, i, n, m);
        c.from[i] = (int32_t)t.from;
        c.to[i] = (int32_t)t.to;
        c.w[i] = t.w;
    }
    return c;
}

static void plan_rows(struct sw_step *s, const sw_shape *y, size_t scratch)
{
    struct resize_note *note = s->note;
    note->rows = y->dim[0] * y->dim[1] * y->dim[2];
    note->rows_a_task = sw__max64(1, SW_GRAIN / sw__max64(1, y->dim[3]));
    s->n_phases = note->rows > 0 && y->dim[3] > 0;
    s->tasks[0] = sw__ceil_div(note->rows, note->rows_a_task);
    s->scratch = scratch;
}

/* ---- resize ------------------------------------------------------------------------------------ */

static void resize_grad(sw_graph *g, const struct sw_op *op, sw_node *const *dy, const bool *need,
                        sw_node **dx)
{
    (void)need;
    sw_node *in[2] = {dy[0], sw__op_in(op, 0)};
    dx[0] = sw__op_add(g, &sw__op_resize_grad, sw__op_attr(op), sizeof(struct resize_attr), in, 2,
                       1);
}

static sw_status resize_prepare(struct sw_step *s)
{
    const sw_resize_options *o = &((const struct resize_attr *)s->attr)->o;
    const sw_shape *x = &s->in[0]->shape, *y = &s->out[0]->shape;
    bool nearest = o->mode == SW_RESIZE_NEAREST;
    plan_rows(s, y, columns_bytes(x->dim[3], o->width));
    s->kernel = s->k->names[nearest ? SW_SLOT_gather_x32 : SW_SLOT_lerp_at_f32];
    s->flops = nearest ? 0
                       : 3. * (double)((struct resize_note *)s->note)->rows *
                             (double)(x->dim[3] + o->width);
    return SW_OK;
}

static void resize_run(const struct sw_step *s, int phase, int64_t begin, int64_t end,
                       void *scratch)
{
    (void)phase;
    const sw_resize_options *o = &((const struct resize_attr *)s->attr)->o;
    const struct resize_note *note = s->note;
    int64_t h = s->in[0]->shape.dim[2], w = s->in[0]->shape.dim[3], from, to;
    struct columns c = columns_make(o, w, w, o->width, scratch);
    sw__step_range(note->rows, note->rows_a_task, begin, end, &from, &to);
    for (int64_t row = from; row < to; row++) {
        struct tap t = tap_of(o, row % o->height, h, o->height);
        const float *image = (const float *)s->in[0]->data + row / o->height * h * w;
        float *y = (float *)s->out[0]->data + row * o->width;
        if (o->mode == SW_RESIZE_NEAREST) {
            s->k->gather_x32(y, image + t.from * w, c.from, o->width, w, 1);
        } else {
            s->k->lerp_f32(c.row, image + t.from * w, image + t.to * w, t.w, w);
            s->k->lerp_at_f32(y, c.row, c.from, c.to, c.w, o->width);
        }
    }
}

const struct sw_op_class sw__op_resize = {.name = "resize",
                                          .note_size = sizeof(struct resize_note),
                                          .infer = resize_infer,
                                          .grad = resize_grad,
                                          .prepare = resize_prepare,
                                          .run = resize_run};

sw_node *sw_resize(sw_graph *g, sw_node *x, sw_resize_options o)
{
    struct resize_attr attr = {o};
    if (o.height < 0 || o.width < 0 || o.height > INT32_MAX || o.width > INT32_MAX)
        return sw__graph_poison(g, SW_ERR_ARGUMENT, "resize: to %lld x %lld", (long long)o.height,
                                (long long)o.width);
    if (o.mode != SW_RESIZE_NEAREST && o.mode != SW_RESIZE_BILINEAR)
        return sw__graph_poison(g, SW_ERR_ARGUMENT, "resize: unknown mode %d", (int)o.mode);
    if (o.mode == SW_RESIZE_NEAREST && o.align_corners)
        return sw__graph_poison(g, SW_ERR_ARGUMENT, "resize: nearest cannot align corners");
    return sw__op_add(g, &sw__op_resize, &attr, sizeof attr, &x, 1, 1);
}

/* ---- resize_grad: dy, x (its shape) -> dx ------------------------------------------------------- */

static sw_status resize_grad_infer(struct sw_infer *q)
{
    *q->out[0] = (sw_tensor){.dtype = SW_F32, .shape = q->in[1]->shape};
    return sw__infer_dtype(q, 0, SW_F32);
}

static sw_status resize_grad_prepare(struct sw_step *s)
{
    const sw_resize_options *o = &((const struct resize_attr *)s->attr)->o;
    plan_rows(s, &s->out[0]->shape, columns_bytes(o->width, o->width));
    s->kernel = s->k->names[SW_SLOT_axpy_f32];
    return SW_OK;
}

/* The first of m outputs that reads input `at` or one behind it: taps only grow. */
static int64_t first_reader(const sw_resize_options *o, int64_t at, int64_t n, int64_t m)
{
    int64_t low = 0, high = m;
    while (low < high) {
        int64_t middle = low + (high - low) / 2;
        if (tap_of(o, middle, n, m).to >= at)
            high = middle;
        else
            low = middle + 1;
    }
    return low;
}

/* c->row = the sum of the rows of dy (m rows) that read row `at` of n. */
static void sum_readers(const struct sw_step *s, const sw_resize_options *o, const float *dy,
                        int64_t at, int64_t n, struct columns *c)
{
    int64_t m = o->height;
    memset(c->row, 0, (size_t)o->width * sizeof *c->row);
    for (int64_t i = first_reader(o, at, n, m); i < m; i++) {
        struct tap t = tap_of(o, i, n, m);
        if (t.from > at) break;
        float w = (t.from == at ? 1 - t.w : 0) + (t.to == at ? t.w : 0);
        s->k->axpy_f32(c->row, w, dy + i * o->width, o->width);
    }
}

static void resize_grad_run(const struct sw_step *s, int phase, int64_t begin, int64_t end,
                            void *scratch)
{
    (void)phase;
    const sw_resize_options *o = &((const struct resize_attr *)s->attr)->o;
    const struct resize_note *note = s->note;
    int64_t h = s->out[0]->shape.dim[2], w = s->out[0]->shape.dim[3], from, to;
    struct columns c = columns_make(o, o->width, w, o->width, scratch);
    sw__step_range(note->rows, note->rows_a_task, begin, end, &from, &to);
    for (int64_t row = from; row < to; row++) {
        const float *dy = (const float *)s->in[0]->data + row / h * o->height * o->width;
        float *dx = (float *)s->out[0]->data + row * w;
        sum_readers(s, o, dy, row % h, h, &c);
        memset(dx, 0, (size_t)w * sizeof *dx);
        for (int64_t i = 0; i < o->width; i++) {
            dx[c.from[i]] += (1 - c.w[i]) * c.row[i];
            if (c.w[i] != 0) dx[c.to[i]] += c.w[i] * c.row[i]; /* 0 times infinity is no gradient */
        }
    }
}

const struct sw_op_class sw__op_resize_grad = {.name = "resize_grad",
                                               .shape_only = 1u << 1,
                                               .note_size = sizeof(struct resize_note),
                                               .infer = resize_grad_infer,
                                               .prepare = resize_grad_prepare,
                                               .run = resize_grad_run};
