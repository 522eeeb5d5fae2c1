/* Pad any axes, with a constant, by reflection (without the edge, as NumPy's "reflect") or with the
 * edge.  ONNX Pad.
 *
 * The tensor is walked in rows: the last axis that is padded with all behind it.  A row of y is
 *
 *     before | a row of x | after        a constant, or pieces of that row of x
 *
 * and every axis before it maps an index of y to one of x, or to none.  The gradient goes the other
 * way: a row of dx is the sum of the rows of dy that came from it, in the order of their indices,
 * so no two tasks write the same row. */
#include "graph/op.h"
#include "graph/ops/attributes.h"
#include <string.h>
#include "base/size.h"
#include "graph/op_list.h"
#include "graph/ops/box_copy.h"

struct pad_note {
    int last;                  /* the last axis that is padded; -1: none */
    int64_t inner;             /* elements of an index of it */
    int64_t rows, rows_a_task; /* of the result */
    uint32_t fill;             /* the constant in x's dtype, repeated to 4 bytes */
};

static sw_status pad_infer(struct sw_infer *q)
{
    const sw_pad_options *o = &((const struct pad_attr *)q->attr)->o;
    sw_status status = sw__infer_movable(q, 0);
    if (status != SW_OK) return status;
    const sw_shape *x = &q->in[0]->shape;
    char text[SW_SHAPE_TEXT];
    *q->out[0] = (sw_tensor){.dtype = q->in[0]->dtype, .shape = *x};
    for (int i = 0; i < SW_MAX_RANK; i++) {
        if (o->before[i] == 0 && o->after[i] == 0) continue;
        if (i >= x->rank)
            return sw__infer_fail(q, SW_ERR_SHAPE, "%s has no axis %d", sw_shape_text(x, text), i);
        int64_t most = o->mode == SW_PAD_REFLECT ? x->dim[i] - 1 : INT64_MAX;
        if ((o->mode == SW_PAD_EDGE && x->dim[i] == 0) || o->before[i] > most || o->after[i] > most)
            return sw__infer_fail(
                q, SW_ERR_SHAPE, "%s: axis %d is too short for padding of %lld, %lld",
                sw_shape_text(x, text), i, (long long)o->before[i], (long long)o->after[i]);
        int64_t *y = &q->out[0]->shape.dim[i];
        if (!sw__i64_add(*y, o->before[i], y) || !sw__i64_add(*y, o->after[i], y))
            return sw__infer_fail(q, SW_ERR_SIZE, "the result is too large");
    }
    return SW_OK;
}

static void pad_grad(sw_graph *g, const struct sw_op *op, sw_node *const *dy, const bool *need,
                     sw_node **dx)
{
    (void)need;
    sw_node *in[2] = {dy[0], sw__op_in(op, 0)};
    dx[0] = sw__op_add(g, &sw__op_pad_grad, sw__op_attr(op), sizeof(struct pad_attr), in, 2, 1);
}

/* Rows of the padded shape y; the note. */
static struct pad_note plan_rows(const sw_pad_options *o, const sw_shape *y)
{
    struct pad_note note = {.last = -1, .inner = 1, .rows = 1};
    for (int i = 0; i < y->rank; i++)
        if (o->before[i] || o->after[i]) note.last = i;
    for (int i = note.last + 1; i < y->rank; i++) note.inner *= y->dim[i];
    for (int i = 0; i < note.last; i++) note.rows *= y->dim[i];
    return note;
}

static void set_tasks(struct sw_step *s, struct pad_note *note, int64_t row)
{
    note->rows_a_task = sw__max64(1, SW_GRAIN / sw__max64(1, row));
    s->n_phases = row > 0 && note->rows > 0;
    s->tasks[0] = sw__ceil_div(note->rows, note->rows_a_task);
}

static sw_status pad_prepare(struct sw_step *s)
{
    const sw_pad_options *o = &((const struct pad_attr *)s->attr)->o;
    const sw_shape *y = &s->out[0]->shape;
    struct pad_note *note = s->note;
    *note = plan_rows(o, y);
    int size = sw_dtype_get(s->in[0]->dtype)->block_bytes;
    sw_convert(&note->fill, s->in[0]->dtype, &o->value, SW_F32, 1);
    for (int at = size; at < 4; at += size) memcpy((char *)&note->fill + at, &note->fill, size);
    set_tasks(s, note, note->inner * (note->last < 0 ? 1 : y->dim[note->last]));
    s->kernel = s->k->names[size == 4   ? SW_SLOT_copy_x32
                            : size == 2 ? SW_SLOT_copy_x16
                                        : SW_SLOT_copy_x8];
    return SW_OK;
}

/* The index of x behind index i of y, -1: the constant. */
static int64_t source(sw_pad_mode mode, int64_t i, int64_t before, int64_t n)
{
    i -= before;
    if (i >= 0 && i < n) return i;
    if (mode == SW_PAD_CONSTANT) return -1;
    if (mode == SW_PAD_EDGE) return i < 0 ? 0 : n - 1;
    return i < 0 ? -i : 2 * (n - 1) - i;
}

/* The row of x behind row `row` of y, -1: the constant. */
static int64_t source_row(const sw_pad_options *o, const sw_shape *x, const sw_shape *y, int last,
                          int64_t row)
{
    int64_t from = 0, stride = 1;
    for (int i = last - 1; i >= 0; i--) {
        int64_t at = source(o->mode, row % y->dim[i], o->before[i], x->dim[i]);
        if (at < 0) return -1;
        row /= y->dim[i];
        from += at * stride;
        stride *= x->dim[i];
    }
    return from;
}

/* What fills a row, in elements of `size` bytes. */
struct row_writer {
    void(*copy) SW_COPY_ARGUMENTS;
    int64_t size, inner, n; /* n indices of the axis in x */
    const void *fill;
};

/* n indices at dst: the constant, or indices of x from `from` on with the given step. */
static void put(const struct row_writer *w, char *dst, const char *x, int64_t from, int64_t step,
                int64_t n)
{
    if (n == 0) return;
    if (x)
        w->copy(dst, x + from * w->inner * w->size, n, w->inner, w->inner, 1, step * w->inner, 1);
    else
        w->copy(dst, w->fill, 1, n * w->inner, 0, 1, 0, 0);
}

static void write_row(const struct row_writer *w, const sw_pad_options *o, int axis, char *dst,
                      const char *x)
{
    int64_t before = o->before[axis], after = o->after[axis], n = w->n;
    int64_t index = w->inner * w->size;
    bool reflect = o->mode == SW_PAD_REFLECT;
    const char *margin = o->mode == SW_PAD_CONSTANT ? NULL : x;
    put(w, dst, margin, reflect ? before : 0, reflect ? -1 : 0, before);
    if (x)
        w->copy(dst + before * index, x, 1, n * w->inner, 0, 1, 0, 1);
    else
        put(w, dst + before * index, NULL, 0, 0, n);
    put(w, dst + (before + n) * index, margin, reflect ? n - 2 : n - 1, reflect ? -1 : 0, after);
}

static void pad_run(const struct sw_step *s, int phase, int64_t begin, int64_t end, void *scratch)
{
    (void)phase, (void)scratch;
    const sw_pad_options *o = &((const struct pad_attr *)s->attr)->o;
    const struct pad_note *note = s->note;
    const sw_shape *x = &s->in[0]->shape, *y = &s->out[0]->shape;
    int64_t size = sw_dtype_get(s->in[0]->dtype)->block_bytes;
    struct row_writer w = {size == 4   ? s->k->copy_x32
                           : size == 2 ? s->k->copy_x16
                                       : s->k->copy_x8,
                           size, note->inner, note->last < 0 ? 1 : x->dim[note->last], &note->fill};
    int64_t y_row = size * note->inner * (note->last < 0 ? 1 : y->dim[note->last]);
    int64_t from, to;
    sw__step_range(note->rows, note->rows_a_task, begin, end, &from, &to);
    for (int64_t row = from; row < to; row++) {
        int64_t x_row = source_row(o, x, y, note->last, row);
        const char *src = (const char *)s->in[0]->data + x_row * w.n * w.inner * size;
        char *dst = (char *)s->out[0]->data + row * y_row;
        if (note->last < 0)
            w.copy(dst, src, 1, w.inner, 0, 1, 0, 1);
        else
            write_row(&w, o, note->last, dst, x_row < 0 ? NULL : src);
    }
}

const struct sw_op_class sw__op_pad = {.name = "pad",
                                       .note_size = sizeof(struct pad_note),
                                       .infer = pad_infer,
                                       .grad = pad_grad,
                                       .prepare = pad_prepare,
                                       .run = pad_run};

sw_node *sw_pad(sw_graph *g, sw_node *x, sw_pad_options o)
{
    struct pad_attr attr = {o};
    for (int i = 0; i < SW_MAX_RANK; i++)
        if (o.before[i] < 0 || o.after[i] < 0)
            return sw__graph_poison(g, SW_ERR_ARGUMENT, "pad: %lld, %lld at axis %d: not below 0",
                                    (long long)o.before[i], (long long)o.after[i], i);
    if (o.mode != SW_PAD_CONSTANT && o.mode != SW_PAD_REFLECT && o.mode != SW_PAD_EDGE)
        return sw__graph_poison(g, SW_ERR_ARGUMENT, "pad: unknown mode %d", (int)o.mode);
    return sw__op_add(g, &sw__op_pad, &attr, sizeof attr, &x, 1, 1);
}

/* ---- pad_grad: dy, x (its shape) -> dx ---------------------------------------------------------- */

static sw_status pad_grad_infer(struct sw_infer *q)
{
    sw_status status = sw__infer_dtype(q, 0, SW_F32);
    *q->out[0] = (sw_tensor){.dtype = SW_F32, .shape = q->in[1]->shape};
    return status;
}

static sw_status pad_grad_prepare(struct sw_step *s)
{
    const sw_pad_options *o = &((const struct pad_attr *)s->attr)->o;
    const sw_shape *x = &s->out[0]->shape;
    struct pad_note *note = s->note;
    *note = plan_rows(o, x);
    set_tasks(s, note, note->inner * (note->last < 0 ? 1 : x->dim[note->last]));
    s->kernel = s->k->names[SW_SLOT_axpy_f32];
    return SW_OK;
}

/* Index number k, in rising order, of those of y that came from index i of x; -1: no more. */
static int64_t image(const sw_pad_options *o, int axis, int64_t n, int64_t i, int k)
{
    int64_t before = o->before[axis], after = o->after[axis];
    if (o->mode == SW_PAD_EDGE) {
        int64_t low = i == 0 ? 0 : before + i, high = before + i + (i == n - 1 ? after : 0);
        return low + k <= high ? low + k : -1;
    }
    int64_t all[3], m = 0;
    if (o->mode == SW_PAD_REFLECT && i > 0 && i <= before) all[m++] = before - i;
    all[m++] = before + i;
    if (o->mode == SW_PAD_REFLECT && i < n - 1 && n - 1 - i <= after)
        all[m++] = before + 2 * (n - 1) - i;
    return k < m ? all[k] : -1;
}

/* Add one row of dy to one of dx. */
static void fold_row(const struct sw_kernels *k, const sw_pad_options *o, int axis, int64_t n,
                     int64_t inner, float *dx, const float *dy)
{
    int64_t before = o->before[axis], after = o->after[axis];
    k->axpy_f32(dx, 1, dy + before * inner, n * inner);
    if (o->mode == SW_PAD_CONSTANT) return;
    for (int64_t i = 0; i < before; i++)
        k->axpy_f32(dx + source(o->mode, i, before, n) * inner, 1, dy + i * inner, inner);
    for (int64_t i = before + n; i < before + n + after; i++)
        k->axpy_f32(dx + source(o->mode, i, before, n) * inner, 1, dy + i * inner, inner);
}

/* All rows of dy behind a row of dx: recursion over the axes before the last.  `row` is the index of
 * dx's row over the axes axis..last-1, `from` that of dy's over the axes before. */
static void fold(const struct sw_step *s, int axis, int64_t row, int64_t rows, int64_t from,
                 float *dx)
{
    const sw_pad_options *o = &((const struct pad_attr *)s->attr)->o;
    const struct pad_note *note = s->note;
    const sw_shape *x = &s->out[0]->shape, *y = &s->in[0]->shape;
    if (axis == note->last) {
        const float *dy = (const float *)s->in[0]->data + from * y->dim[axis] * note->inner;
        fold_row(s->k, o, axis, x->dim[axis], note->inner, dx, dy);
        return;
    }
    rows /= x->dim[axis];
    int64_t i = row / rows, at;
    for (int k = 0; (at = image(o, axis, x->dim[axis], i, k)) >= 0; k++)
        fold(s, axis + 1, row % rows, rows, from * y->dim[axis] + at, dx);
}

static void pad_grad_run(const struct sw_step *s, int phase, int64_t begin, int64_t end,
                         void *scratch)
{
    (void)phase, (void)scratch;
    const struct pad_note *note = s->note;
    int64_t n = note->inner * (note->last < 0 ? 1 : s->out[0]->shape.dim[note->last]), from, to;
    sw__step_range(note->rows, note->rows_a_task, begin, end, &from, &to);
    for (int64_t row = from; row < to; row++) {
        float *dx = (float *)s->out[0]->data + row * n;
        if (note->last < 0) {
            memcpy(dx, s->in[0]->data, (size_t)n * sizeof *dx);
            continue;
        }
        memset(dx, 0, (size_t)n * sizeof *dx);
        fold(s, 0, row, note->rows, 0, dx);
    }
}

const struct sw_op_class sw__op_pad_grad = {.name = "pad_grad",
                                            .shape_only = 1u << 1,
                                            .note_size = sizeof(struct pad_note),
                                            .infer = pad_grad_infer,
                                            .prepare = pad_grad_prepare,
                                            .run = pad_grad_run};
