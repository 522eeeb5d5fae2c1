/* Convolution of bf16 operands with sums in f32: an implicit matrix product (conv_product.h) on the
 * bf16 units (gemm_bf16_kernels.h).
 *
 * A first phase rounds x to planes of pairs, channels 2c and 2c+1 of a pixel in 32 bits.  What a
 * panel of B holds, pairs along K, is then a gather of such planes like any other: k = (pair of
 * channels, tap, channel of the pair).  An odd channel is paired with zeros.  By data and transposed, x is
 * dy, and each phase of the stride a product of its own. */
#ifndef SWELL_OPS_CONV_BF16_H
#define SWELL_OPS_CONV_BF16_H

#include "graph/ops/conv_product.h"

/* x as convolutions of type `compute` want it: itself, for they round what they pack, but for the
 * values that a depthwise one multiplies. */
sw_node *sw__conv_round(sw_graph *g, sw_node *x, sw_node *w, const struct conv_attr *attr);

/* K of a product over so many channels and taps. */
int64_t sw__conv_bf16_depth(int64_t channels, int64_t taps);

/* ---- the weight: blocks of KC, a block its panels of nearly the same height -------------------- */

int64_t sw__conv_bf16_packed_bytes(const struct sw_kernels *k, int64_t rows, int64_t depth);
void sw__conv_bf16_pack(const struct sw_kernels *k, const struct conv_attr *attr, const sw_shape *w,
                        bool backward, struct sw_pack *out);

/* ---- pairs: a task is a plane of them ----------------------------------------------------------- */

struct conv_pairs {
    int64_t images, groups, channels, plane; /* channels of a group; floats of a plane */
};

int64_t sw__conv_pairs_tasks(const struct conv_pairs *p);
size_t sw__conv_pairs_bytes(const struct conv_pairs *p);
void sw__conv_pairs_run(const struct conv_pairs *p, const struct sw_kernels *k, const float *x,
                        uint32_t *to, int64_t begin, int64_t end);

/* ---- the product -------------------------------------------------------------------------------- */

/* Let p, which counts floats of x, count pairs. */
void sw__conv_bf16_product(struct conv_product *p, const struct conv_pairs *pairs);

size_t sw__conv_bf16_scratch(const struct sw_kernels *k, int64_t rows);
/* As sw__conv_product_task. */
void sw__conv_bf16_task(const struct conv_product *p, const struct conv_split *split, const void *a,
                        const uint32_t *x, float *y, const struct sw_epilogue *e, int64_t task,
                        void *scratch);

/* ---- the gradient of the weight -----------------------------------------------------------------
 *
 * dw^T = X dy^T: rows of X, gathered and rounded, are panels of A, dy of some pieces of at most KC
 * pixels of an image panels of B. */

struct conv_bf16_weight {
    const struct sw_kernels *kernels;
    struct sw_grid grid;
    struct conv_dims dims;
    int64_t taps, line;   /* rows of dw^T of a group; floats of a row */
    int64_t spans, span;  /* how many; images of one */
    int64_t blocks, rows; /* of dw^T: how many parts; rows of one */
    int64_t pieces, some; /* of an image; packed at once */
    int64_t tasks;
    size_t workspace, scratch;
};

struct conv_bf16_weight sw__conv_bf16_weight(const struct sw_kernels *k,
                                             const struct conv_attr *attr,
                                             const struct conv_dims *d);
/* Some rows of dw^T summed over a span: to is [span][group][taps][line]. */
void sw__conv_bf16_weight_task(const struct conv_bf16_weight *p, const float *x, const float *dy,
                               float *to, int64_t task, void *scratch);

#endif
