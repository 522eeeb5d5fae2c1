/* Convolution by F(4x4, 3x3) or F(2x2, 5x5) (winograd_kernels.h): y = act(conv(x, w) + bias) with filters of
 * 3x3 or 5x5 and stride 1, forward, and turned round for the gradient of the input.
 *
 * Windows are numbered through all images, t = (n * oh + r) * ow + q, and cut into blocks of whole
 * rows of tiles.  For a block
 *
 *     V[i][t][c] = B^T d B                            once for all out-channels
 *     M[t][i][o] = sum over c of V[i][t][c] U[i][c][o]     NR out-channels at a time
 *     y          = act(A^T M A + bias)
 *
 * with U = G g G^T made when the weight is packed.  The parts stay in a core's L2.  A sum over
 * channels is cut every SW_CONV_PIXELS, as in every product of the gemm family, so an element's bits
 * depend on its image and the weight only, however blocks are cut.
 *
 * A task transforms a block and does all out-channels: V stays with the core that made it, for to
 * fetch a line that another core has just written takes longer than to compute it again.  So with the
 * few tiles of a small batch two tasks transform the same block, each for a half of the out-channels.
 */
#ifndef SWELL_OPS_CONV_WINOGRAD_H
#define SWELL_OPS_CONV_WINOGRAD_H

#include "graph/ops/conv_shape.h"

enum sw_winograd_way { SW_WINOGRAD_FORWARD, SW_WINOGRAD_BACKWARD };

/* The layout of a weight for this way. */
void sw__conv_winograd_pack(const struct sw_kernels *k, const struct conv_attr *attr,
                            const sw_shape *w, enum sw_winograd_way way, struct sw_pack *out);

struct conv_winograd {
    const struct sw_kernels *kernels;
    int64_t images, groups, c, o; /* channels of a group: summed over, and computed */
    struct sw_grid in, out;       /* windows over x, tiles of y */
    int64_t blocks, block;        /* how many; rows of tiles of one */
    int64_t slices, slice;        /* likewise out-channels */
    int64_t pieces;               /* tasks that share the slices of a block */
    struct sw_pack pack;          /* of a weight that changes in every run */
};

/* For steps with operands x (or dy) and weight: phases, tasks and memory of the step, and its run.
 * e: bias_row is that of the result's first channel. */
void sw__conv_winograd_prepare(struct sw_step *s, const struct conv_dims *d,
                               enum sw_winograd_way way, struct conv_winograd *p);
void sw__conv_winograd_run(const struct sw_step *s, const struct conv_winograd *p,
                           const struct sw_epilogue *e, int phase, int64_t begin, int64_t end,
                           float *scratch);

#endif
