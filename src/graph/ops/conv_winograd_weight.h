/* The gradient of a convolution's weight by F(4x4, 3x3) or F(2x2, 5x5) (winograd_kernels.h).
 *
 *     V[i][t][c] = B^T d B      S[i][c][o] = sum over t of V[i][t][c] E[i][t][o]
 *     E[i][t][o] = A dy A^T     dw[o][c]   = G^T S G
 *
 * A task has a block of c and a block of o, so that S of all positions stays in its core's L2, and a
 * span of the rows of tiles of all images, which it goes through in steps.  The spans' filters are
 * added in their order.  Spans and steps depend on the sizes only.  With few tiles, which are one
 * step, a task has about half of c and goes through all o, so that V is made once. */
#ifndef SWELL_OPS_CONV_WINOGRAD_WEIGHT_H
#define SWELL_OPS_CONV_WINOGRAD_WEIGHT_H

#include "graph/ops/conv_shape.h"

/* Channels of a group in blocks, of an operand that is read through windows. */
struct winograd_operand {
    struct sw_grid grid;
    int64_t channels, block, blocks; /* of a group */
};

struct winograd_weight {
    int64_t images, groups, taps; /* 3 or 5 */
    struct winograd_operand x, dy;
    bool few;        /* tiles: a task goes through all blocks of dy */
    int64_t rows;    /* of tiles of all images */
    int64_t spans;   /* how many ... */
    int64_t span;    /* ... and rows of one */
    int64_t step;    /* rows that are transformed at once */
    int64_t filters; /* floats of dw */
};

/* For a step with operands x, dy and the weight's shape, of a convolution that Winograd may compute. */
void sw__winograd_weight_prepare(struct sw_step *s, const struct conv_dims *d,
                                 struct winograd_weight *p);
void sw__winograd_weight_run(const struct sw_step *s, const struct winograd_weight *p, int phase,
                             int64_t begin, int64_t end, float *scratch);

#endif
