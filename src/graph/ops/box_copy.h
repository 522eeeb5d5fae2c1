/* A copy between two boxes of strided elements: the one way in which ops move data.
 *
 *     for every index (i0, i1, ...) of dim:
 *         dst[dst_at + sum i*dst_stride] = src[src_at + sum i*src_stride]
 *
 * Expand is a box with source strides of 0, a slice one with an offset and a step, a flip one with a
 * stride of -1, a transpose one with permuted strides, a concat several boxes.  sw__box_plan drops
 * axes of size 1, merges axes that are contiguous on both sides, and cuts the rest into tasks. */
#ifndef SWELL_BOX_COPY_H
#define SWELL_BOX_COPY_H

#include "graph/op.h"

struct sw_box {
    int size; /* bytes of an element: 1, 2 or 4 */
    int rank;
    int64_t dim[SW_MAX_RANK];
    int64_t src_stride[SW_MAX_RANK], dst_stride[SW_MAX_RANK]; /* elements */
    int64_t src_at, dst_at;                                   /* elements */
    /* Written by sw__box_plan: */
    bool streams;       /* past the caches; set by the preparation of a step */
    bool transposed;    /* the last two axes go through the transposing kernel */
    int64_t rows, cols; /* a unit: so much of the last two axes */
    int64_t units, units_a_task;
    int64_t tasks;
};

/* A whole dense tensor onto itself; change strides, dims and offsets afterwards. */
void sw__box_dense(struct sw_box *b, sw_dtype dtype, const sw_shape *shape);
/* Row-major strides of a shape. */
void sw__dense_strides(const sw_shape *shape, int64_t *strides);
/* Simplify, and count the tasks into b->tasks: 0 when there is nothing to copy. */
void sw__box_plan(struct sw_box *b);
/* Tasks begin..end-1; src and dst are the tensors' data; scratch is the step's. */
void sw__box_run(const struct sw_box *b, const struct sw_kernels *k, void *dst, const void *src,
                 int64_t begin, int64_t end, void *scratch);
/* The name of the kernel that it will use. */
const char *sw__box_kernel(const struct sw_box *b, const struct sw_kernels *k);

/* prepare and run of an op that is one box from in[0] to out[0], kept in the note. */
sw_status sw__box_step_prepare(struct sw_step *s, struct sw_box *b);
void sw__box_step_run(const struct sw_step *s, int phase, int64_t begin, int64_t end,
                      void *scratch);

/* Several boxes that together fill the outputs of a step, without overlap: concat, split, and the
 * gradients that put zeros around what they move. */
#define SW_MAX_BOXES SW_MAX_OUTPUTS
#define SW_BOX_ZEROS -1 /* as a source */
struct sw_boxes {
    int n;
    struct sw_box box[SW_MAX_BOXES];
    int src[SW_MAX_BOXES], dst[SW_MAX_BOXES]; /* in[src] or zeros, out[dst] */
    int64_t end[SW_MAX_BOXES];                /* tasks of this box and those before it */
};

/* Append a box; its source strides are set to 0 for zeros. */
void sw__boxes_add(struct sw_boxes *b, const struct sw_box *box, int src, int dst);
/* prepare, after the last box was added, and run, of an op whose note is a struct sw_boxes. */
sw_status sw__boxes_step_prepare(struct sw_step *s);
void sw__boxes_step_run(const struct sw_step *s, int phase, int64_t begin, int64_t end,
                        void *scratch);

/* A tensor seen from one axis: (outer, size, inner). */
struct sw_axis_view {
    int64_t outer, size, inner;
};
struct sw_axis_view sw__axis_view(const sw_shape *shape, int axis);
/* The box of `count` indices of the axis, from the start of both tensors; src_size and dst_size are
 * the sizes of the axis in the tensors.  Offsets and steps are multiples of v.inner. */
void sw__axis_box(struct sw_box *b, sw_dtype dtype, struct sw_axis_view v, int64_t count,
                  int64_t src_size, int64_t dst_size);

/* SW_OK when in[i] is present and not of a block type, whose elements cannot be moved one by one. */
sw_status sw__infer_movable(struct sw_infer *q, int i);

#endif
