/* Boxes: simplify, cut into tasks, copy.  See box_copy.h.
 *
 * The last two axes are one call of a kernel; the axes before them are an odometer.  A unit is a
 * piece of the last two axes small enough for a cache, a task is a run of units: both depend on the
 * shape only. */
#include "graph/ops/box_copy.h"
#include <string.h>
#include "base/check.h"
#include "base/size.h"

/* Side of a unit of a transpose: source and destination pieces fit the L2 cache together, and each
 * source row is touched in whole cache lines. */
#define TRANSPOSE_SIDE 128

void sw__dense_strides(const sw_shape *shape, int64_t *strides)
{
    int64_t stride = 1;
    for (int i = shape->rank - 1; i >= 0; i--) {
        strides[i] = stride;
        stride *= shape->dim[i];
    }
}

void sw__box_dense(struct sw_box *b, sw_dtype dtype, const sw_shape *shape)
{
    memset(b, 0, sizeof *b);
    b->size = sw_dtype_get(dtype)->block_bytes;
    b->rank = shape->rank;
    memcpy(b->dim, shape->dim, sizeof b->dim);
    sw__dense_strides(shape, b->src_stride);
    sw__dense_strides(shape, b->dst_stride);
}

/* Drop axes of size 1; merge an axis with the one before it where both sides go on without a gap. */
static void merge_axes(struct sw_box *b)
{
    int rank = 0;
    for (int i = 0; i < b->rank; i++) {
        if (b->dim[i] == 1) continue;
        int last = rank - 1;
        if (rank > 0 && b->src_stride[last] == b->src_stride[i] * b->dim[i] &&
            b->dst_stride[last] == b->dst_stride[i] * b->dim[i]) {
            b->dim[last] *= b->dim[i];
        } else {
            last = rank++;
            b->dim[last] = b->dim[i];
        }
        b->src_stride[last] = b->src_stride[i];
        b->dst_stride[last] = b->dst_stride[i];
    }
    for (; rank < 2; rank++) { /* the kernels want two axes */
        memmove(b->dim + 1, b->dim, (SW_MAX_RANK - 1) * sizeof *b->dim);
        memmove(b->src_stride + 1, b->src_stride, (SW_MAX_RANK - 1) * sizeof *b->dim);
        memmove(b->dst_stride + 1, b->dst_stride, (SW_MAX_RANK - 1) * sizeof *b->dim);
        b->dim[0] = 1;
        b->src_stride[0] = b->dst_stride[0] = 1;
    }
    b->rank = rank;
}

static void move_axis(int64_t *v, int from, int to)
{
    int64_t x = v[from];
    memmove(v + from, v + from + 1, (size_t)(to - from) * sizeof *v);
    v[to] = x;
}

/* If the last axis is contiguous on the destination's side only, and another axis is contiguous on
 * the source's side: make that one the last but one. */
static void find_transpose(struct sw_box *b)
{
    int last = b->rank - 1;
    if (b->dst_stride[last] != 1 || b->src_stride[last] == 1 || b->src_stride[last] == 0) return;
    for (int i = 0; i < last; i++) {
        if (b->src_stride[i] != 1 || b->dim[i] == 1) continue;
        move_axis(b->dim, i, last - 1);
        move_axis(b->src_stride, i, last - 1);
        move_axis(b->dst_stride, i, last - 1);
        b->transposed = true;
        return;
    }
}

void sw__box_plan(struct sw_box *b)
{
    b->transposed = false;
    b->tasks = 0;
    for (int i = 0; i < b->rank; i++)
        if (b->dim[i] == 0) return;
    merge_axes(b);
    find_transpose(b);
    int64_t n0 = b->dim[b->rank - 2], n1 = b->dim[b->rank - 1], outer = 1;
    for (int i = 0; i < b->rank - 2; i++) outer *= b->dim[i];
    if (b->transposed) {
        b->rows = sw__min64(n0, TRANSPOSE_SIDE);
        b->cols = sw__min64(n1, TRANSPOSE_SIDE);
    } else {
        b->cols = n1 <= 2 * SW_GRAIN ? n1 : SW_GRAIN;
        b->rows = sw__min64(n0, sw__max64(1, SW_GRAIN / b->cols));
    }
    b->streams = false;
    b->units = outer * sw__ceil_div(n0, b->rows) * sw__ceil_div(n1, b->cols);
    b->units_a_task = sw__max64(1, SW_GRAIN / (b->rows * b->cols));
    b->tasks = sw__ceil_div(b->units, b->units_a_task);
}

/* Where the odometer stands: the first element of a unit. */
struct position {
    int64_t index[SW_MAX_RANK];
    int64_t src, dst;
};

static int64_t step_of(const struct sw_box *b, int axis)
{
    return axis == b->rank - 1 ? b->cols : axis == b->rank - 2 ? b->rows : 1;
}

static void seek(const struct sw_box *b, int64_t unit, struct position *p)
{
    p->src = b->src_at;
    p->dst = b->dst_at;
    for (int i = b->rank - 1; i >= 0; i--) {
        int64_t step = step_of(b, i), n = sw__ceil_div(b->dim[i], step);
        p->index[i] = unit % n * step;
        unit /= n;
        p->src += p->index[i] * b->src_stride[i];
        p->dst += p->index[i] * b->dst_stride[i];
    }
}

static void next(const struct sw_box *b, struct position *p)
{
    for (int i = b->rank - 1; i >= 0; i--) {
        int64_t step = step_of(b, i);
        p->index[i] += step;
        p->src += step * b->src_stride[i];
        p->dst += step * b->dst_stride[i];
        if (p->index[i] < b->dim[i]) return;
        p->src -= p->index[i] * b->src_stride[i];
        p->dst -= p->index[i] * b->dst_stride[i];
        p->index[i] = 0;
    }
}

typedef void transpose_fn SW_TRANSPOSE_ARGUMENTS;

static transpose_fn *transpose_of(const struct sw_box *b, const struct sw_kernels *k)
{
    return b->size == 4 ? k->transpose_x32 : b->size == 2 ? k->transpose_x16 : k->transpose_x8;
}

/* A unit past the caches: by way of scratch memory, where rows are not contiguous in the source. */
static void stream_unit(const struct sw_box *b, const struct sw_kernels *k, char *d, const char *s,
                        int64_t n0, int64_t n1, void *scratch)
{
    const int64_t row = n1 * b->size, s0 = b->src_stride[b->rank - 2];
    if (!b->transposed) {
        k->stream_rows(d, b->dst_stride[b->rank - 2] * b->size, s, s0 * b->size, n0, row);
        return;
    }
    transpose_of(b, k)(scratch, n1, s, b->src_stride[b->rank - 1], n0, n1);
    k->stream_rows(d, b->dst_stride[b->rank - 2] * b->size, scratch, row, n0, row);
}

void sw__box_run(const struct sw_box *b, const struct sw_kernels *k, void *dst, const void *src,
                 int64_t begin, int64_t end, void *scratch)
{
    int a = b->rank - 2, c = b->rank - 1;
    int64_t from = begin * b->units_a_task, to = sw__min64(end * b->units_a_task, b->units);
    struct position p;
    seek(b, from, &p);
    for (int64_t unit = from; unit < to; unit++, next(b, &p)) {
        char *d = (char *)dst + p.dst * b->size;
        const char *s = (const char *)src + p.src * b->size;
        int64_t n0 = sw__min64(b->rows, b->dim[a] - p.index[a]);
        int64_t n1 = sw__min64(b->cols, b->dim[c] - p.index[c]);
        if (b->streams) {
            stream_unit(b, k, d, s, n0, n1, scratch);
        } else if (b->transposed) {
            transpose_of(b, k)(d, b->dst_stride[a], s, b->src_stride[c], n0, n1);
        } else {
            (b->size == 4   ? k->copy_x32
             : b->size == 2 ? k->copy_x16
                            : k->copy_x8)(d, s, n0, n1, b->dst_stride[a], b->dst_stride[c],
                                          b->src_stride[a], b->src_stride[c]);
        }
    }
}

const char *sw__box_kernel(const struct sw_box *b, const struct sw_kernels *k)
{
    if (b->transposed)
        return k->names[b->size == 4   ? SW_SLOT_transpose_x32
                        : b->size == 2 ? SW_SLOT_transpose_x16
                                       : SW_SLOT_transpose_x8];
    return k->names[b->size == 4   ? SW_SLOT_copy_x32
                    : b->size == 2 ? SW_SLOT_copy_x16
                                   : SW_SLOT_copy_x8];
}

/* Rows of at least so many bytes are worth to go past the caches: their ends are not. */
#define STREAM_ROW 256

/* Plan a box of a step whose result is `y`. */
static void step_box_plan(struct sw_step *s, struct sw_box *b, const sw_tensor *y)
{
    sw__box_plan(b);
    if (b->tasks == 0 || !sw__tensor_streams(y)) return;
    const int last = b->rank - 1;
    s->scratch = (size_t)(TRANSPOSE_SIDE * TRANSPOSE_SIDE * b->size);
    b->streams = b->dst_stride[last] == 1 && b->cols * b->size >= STREAM_ROW &&
                 (b->transposed || b->src_stride[last] == 1);
}

sw_status sw__box_step_prepare(struct sw_step *s, struct sw_box *b)
{
    SW_ASSERT(s->cls->note_size >= sizeof *b);
    step_box_plan(s, b, s->out[0]);
    memcpy(s->note, b, sizeof *b);
    s->n_phases = b->tasks > 0;
    s->tasks[0] = b->tasks;
    s->kernel = sw__box_kernel(b, s->k);
    int64_t n = 1;
    for (int i = 0; i < b->rank; i++) n *= b->dim[i];
    s->bytes = 2. * (double)n * b->size;
    return SW_OK;
}

void sw__box_step_run(const struct sw_step *s, int phase, int64_t begin, int64_t end, void *scratch)
{
    (void)phase;
    sw__box_run(s->note, s->k, s->out[0]->data, s->in[0]->data, begin, end, scratch);
}

void sw__boxes_add(struct sw_boxes *b, const struct sw_box *box, int src, int dst)
{
    struct sw_box *to = &b->box[b->n];
    *to = *box;
    if (src == SW_BOX_ZEROS) {
        memset(to->src_stride, 0, sizeof to->src_stride);
        to->src_at = 0;
    }
    b->src[b->n] = src;
    b->dst[b->n++] = dst;
}

sw_status sw__boxes_step_prepare(struct sw_step *s)
{
    struct sw_boxes *b = s->note;
    int64_t tasks = 0;
    for (int i = 0; i < b->n; i++) {
        step_box_plan(s, &b->box[i], s->out[b->dst[i]] ? s->out[b->dst[i]] : s->out[0]);
        b->end[i] = tasks += b->box[i].tasks;
    }
    s->n_phases = tasks > 0;
    s->tasks[0] = tasks;
    s->kernel = b->n ? sw__box_kernel(&b->box[0], s->k) : "none";
    return SW_OK;
}

void sw__boxes_step_run(const struct sw_step *s, int phase, int64_t begin, int64_t end,
                        void *scratch)
{
    (void)phase;
    static const uint32_t zero = 0;
    const struct sw_boxes *b = s->note;
    for (int i = 0; i < b->n && begin < end; i++) {
        int64_t first = b->end[i] - b->box[i].tasks, to = sw__min64(end, b->end[i]);
        if (begin >= to) continue;
        void *dst = s->out[b->dst[i]]->data; /* out[0] is there for its shape, even if unread */
        const void *src = b->src[i] == SW_BOX_ZEROS ? &zero : s->in[b->src[i]]->data;
        if (dst) sw__box_run(&b->box[i], s->k, dst, src, begin - first, to - first, scratch);
        begin = to;
    }
}

struct sw_axis_view sw__axis_view(const sw_shape *shape, int axis)
{
    struct sw_axis_view v = {1, shape->dim[axis], 1};
    for (int i = 0; i < axis; i++) v.outer *= shape->dim[i];
    for (int i = axis + 1; i < shape->rank; i++) v.inner *= shape->dim[i];
    return v;
}

void sw__axis_box(struct sw_box *b, sw_dtype dtype, struct sw_axis_view v, int64_t count,
                  int64_t src_size, int64_t dst_size)
{
    sw__box_dense(b, dtype, &SW_SHAPE(v.outer, count, v.inner));
    b->src_stride[0] = src_size * v.inner;
    b->dst_stride[0] = dst_size * v.inner;
}

sw_status sw__infer_movable(struct sw_infer *q, int i)
{
    if (!q->in[i]) return sw__infer_fail(q, SW_ERR_ARGUMENT, "operand %d is missing", i);
    const sw_dtype_info *info = sw_dtype_get(q->in[i]->dtype);
    if (info->block_elements == 1) return SW_OK;
    return sw__infer_fail(q, SW_ERR_DTYPE, "elements of %s come in blocks and cannot be moved",
                          info->name);
}
