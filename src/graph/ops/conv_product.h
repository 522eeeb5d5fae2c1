/* Implicit matrix multiplication: Y[row][pixel] = act(sum over k of A[row][k] * X[k][pixel] + bias),
 * where X is the matrix of a grid (conv_kernels.h) that is never stored.
 *
 * Used by the forward pass (rows are output channels, A is the weight) and by the gradient of the
 * input (rows are input channels, A the weight turned round, one product for each phase).
 *
 * A task has some panels of NR pixels and some rows.  For each block of k it gathers a panel into
 * its scratch, where the tile kernel reads it for all rows before the next panel comes; so no more
 * than one panel of X exists a thread.  Where that leaves few tasks (one image with few pixels) and X is
 * small, a phase before gathers all of it once, for tasks of any rows.  Pixels of all images are numbered through: a panel may begin
 * in an image and end in the next, which keeps panels full where images are small.  An element's sum
 * runs over k in blocks of KC, as in every product of the gemm family, so its bits depend on its
 * image and the weight only. */
#ifndef SWELL_OPS_CONV_PRODUCT_H
#define SWELL_OPS_CONV_PRODUCT_H

#include "graph/ops/conv_shape.h"
#include "kernels/gemm_table.h"

/* ---- the weight ---------------------------------------------------------------------------------
 *
 * A product's rows are cut into panels of MR or a little less, all of nearly the same height: 32 rows
 * are 11 + 11 + 10, not 14 + 14 + 4.  A packed A is its blocks of KC one after the other; a block is
 * its panels, [k][MR] each.  Groups follow each other, and phases before groups. */

/* Two numbers below 2^31 in one parameter of a layout. */
static inline int64_t sw__pair(int64_t a, int64_t b)
{
    return a << 32 | b;
}
static inline int64_t sw__high(int64_t x)
{
    return x >> 32;
}
static inline int64_t sw__low(int64_t x)
{
    return x & 0xffffffff;
}

int64_t sw__conv_panels(const struct sw_kernels *k, int64_t rows);
int64_t sw__conv_packed_floats(const struct sw_kernels *k, int64_t rows, int64_t taps);

/* Describe the layouts of a weight of this shape: for the forward pass (rows are out-channels of a
 * group) and for the gradient of the input (rows are in-channels of a group). */
void sw__conv_pack_forward(const struct sw_kernels *k, const struct conv_attr *attr,
                           const sw_shape *w, struct sw_pack *out);
void sw__conv_pack_backward(const struct sw_kernels *k, const struct conv_attr *attr,
                            const sw_shape *w, struct sw_pack *out);

/* ---- the product -------------------------------------------------------------------------------- */

struct conv_product {
    const struct sw_kernels *kernels;
    struct sw_grid grid;
    int64_t images, groups;
    int64_t rows, taps; /* of a group */
    int64_t x_group;    /* floats from the planes that a group reads to those of the next */
    enum sw_gemm_kind kind;
    /* Pixel (r, q) of the grid is element (y0 + r*sy, x0 + q*sx) of a plane of h x w of the result. */
    struct {
        int64_t h, w, y0, x0, sy, sx;
    } to;
};

/* Windows of one element that lie as the results do: read a plane as one long row. */
void sw__conv_flatten(struct conv_product *p);

enum {
    SW_CONV_PANELS = 8,     /* of a task: as often is a block of A used while it is in L2 */
    SW_CONV_ROW_PANELS = 36 /* bounds the scratch */
};

/* How products are cut: a function of sizes and the ISA.  The products of all phases are cut alike,
 * each has at most as many pixels as the one that was asked for. */
struct conv_split {
    int64_t panels, row_panels; /* of a task */
    int64_t across, down;       /* tasks: across pixels, across rows */
    int64_t tasks;              /* of all groups */
    int64_t gathered;           /* panels of X of all groups that a phase before gathers, or 0 */
};

struct conv_split sw__conv_split(const struct conv_product *p);
/* The same for a caller that can gather before. */
struct conv_split sw__conv_split_shared(const struct conv_product *p);
/* Bytes of a gathered X, at these sizes or any smaller ones. */
size_t sw__conv_gathered_bytes(const struct conv_product *p);
/* Gather panels begin .. end-1: of a group [block of k][panel][k][NR].  x: image 0, group 0. */
void sw__conv_gather(const struct conv_product *p, float *to, const float *x, int64_t begin,
                     int64_t end);
size_t sw__conv_scratch(const struct sw_kernels *k, int64_t rows);

/* Copy results of pixels p0 .. p0+np-1, rows `line` floats apart, to where they belong, and add e->sum;
 * y: the first row's plane of image 0. */
void sw__conv_put(const struct conv_product *p, float *y, const float *c, int64_t line,
                  int64_t rows, int64_t p0, int64_t np, const struct sw_epilogue *e);

/* One task.  a: packed; x: image 0, group 0, or what was gathered; y: image 0, group 0.  e: NULL, or
 * with bias_row of group 0. */
void sw__conv_product_task(const struct conv_product *p, const struct conv_split *split,
                           const float *a, const float *x, float *y, const struct sw_epilogue *e,
                           int64_t task, float *scratch);

#endif
