/* Kernels of the winograd family: the transforms of F(4x4, 3x3) and F(2x2, 5x5), Winograd's convolution of
 * 3x3 or 5x5 filters with stride 1 in tiles of 4x4 or 2x2 pixels (Lavin and Gray 2016, "Fast Algorithms for
 * Convolutional Neural Networks", section 4).
 *
 *     X(slot, return type, (arguments))
 *
 * With d a window of 6x6 pixels, g a filter of r x r and y a tile of m x m results, m + r = 7,
 *
 *     y = A^T [ sum over channels of (G g G^T) (.) (B^T d B) ] A
 *
 * where (.) multiplies the 36 elements one by one: 36 products for what takes 144 or 100 directly.  Summed
 * over channels each of the 36 positions is a matrix product, tiles x channels times channels x
 * out-channels, which the tile kernel of conv_kernels.h computes.  Of a filter's gradient
 *
 *     dg = G^T [ sum over tiles of (A dy A^T) (.) (B^T d B) ] G
 *
 * The matrices are those of Toom and Cook at the points 0, +-5/8, +-3/2 and infinity:
 *
 *     row p of A   1 p .. p^(m-1)             (infinity: 0 .. 0 1)
 *     row p of G   1 p .. p^(r-1) over N(p)   (infinity: 0 .. 0 1); N(p): product of p - q, q other points
 *     row p of B^T coefficients of the product of x - q   (infinity: over all five points)
 *
 * B^T has the constants a^2 b^2 = 225/256, a^2 = 25/64, b^2 = 9/4, all exact in f32.
 *
 * The bound of the error (as in Barabasz, Anderson, Soodhalter and Gregg 2020, "Error analysis and
 * improving the accuracy of Winograd convolution for deep neural networks", theorem 2).  Computed in
 * f32 with u = 2^-24,
 *
 *     |y' - y| <= (C + 34) u |A^T| [ sum over channels of (|G||g||G^T|) (.) (|B^T||d||B|) ] |A|
 *
 * to first order: the roundings that a term passes are at most 4 + 4 of B, 5 + 5 of G and its
 * constants, C + KBLOCKS <= C + 8 of products and sums, 4 + 4 of A.  |A||G||B| is larger than the
 * convolution of magnitudes by SW_WINOGRAD_GROWTH at most: along an axis the largest sum of
 * |A^T| (|G|1 (.) |B^T|1) is 23.75 for 3 terms, so 23.75^2 for 9.  With |g|, |d| <= 1
 *
 *     |y' - y| <= (C + 34) u SW_WINOGRAD_GROWTH 9 C
 *
 * and likewise of dg, 28.33^2 for 16: 51.  The points 0, +-1, +-2 of the paper
 * grow 256 and 178 times.  Filters of 5x5 have 33.65^2 for 25 terms and 19.04^2 for 4, and G two more
 * roundings: (C + 36) u SW_WINOGRAD_GROWTH_5 25 C.  Inf or NaN in a window may turn all of its tile into
 * NaN. */
#ifndef SWELL_WINOGRAD_KERNELS_H
#define SWELL_WINOGRAD_KERNELS_H

#include <stdint.h>
#include "kernels/conv_kernels.h"

enum {
    SW_WINOGRAD_WINDOW = 6,     /* pixels of a window, down and across */
    SW_WINOGRAD_TILE = 4,       /* of a tile at most; SW_WINOGRAD_WINDOW + 1 - taps */
    SW_WINOGRAD_TAPS = 5,       /* of a filter at most: 5, or 3 */
    SW_WINOGRAD_POSITIONS = 36, /* elements of a transformed window */
    SW_WINOGRAD_LANES = 16      /* channels that a transform may do at once */
};

#define SW_WINOGRAD_A        0.625f /* the points: 0, A, -A, B, -B, infinity */
#define SW_WINOGRAD_B        1.5f
#define SW_WINOGRAD_GROWTH   63.
#define SW_WINOGRAD_GROWTH_5 46.

/* Where transformed windows lie: position i of tile t, channel c, is
 *
 *     at[i / per * block + i % per * width + t * pitch + c]
 *
 * so that a tile's row, of fixed pitch, holds some positions side by side. */
struct sw_winograd_place {
    int64_t per, width, block, pitch;
};

/* Floats of scratch that a transform of `rows` rows of tiles needs. */
static inline int64_t sw__winograd_scratch(const struct sw_grid *g, int64_t rows)
{
    const int64_t more = SW_WINOGRAD_WINDOW - g->sy;
    const int64_t across = g->sx * g->ow + more, down = g->sy * rows + more;
    return SW_WINOGRAD_LANES * across * (down + SW_WINOGRAD_WINDOW + 1);
}

/* winograd_input_f32: B^T d B for `rows` rows of tiles from row `row` on of one image.
 *   v    transformed windows; tile 0 is the first of row `row`.  Channels from `channels` up to a
 *        multiple of SW_WINOGRAD_LANES are written too
 *   x    the first plane; planes of g->h * g->w floats follow each other
 *   g    windows of 6x6 in steps of a tile, 4 or 2, oh x ow of them; y0, x0 <= 0 and the plane
 *        ends inside of the last
 *   scratch  sw__winograd_scratch
 *
 * winograd_weight_f32: G g G^T for `count` channels, each of `width` lanes (a multiple of NR).
 *   u    position i of channel c at u[i * position + c * width]
 *   g    [count][taps^2][width], taps in rows
 *   taps 3 or 5
 *   flip 1: the filter turned by half a turn (gradient of the input)
 *
 * winograd_output_f32: A^T m A, and what is fused, for `rows` rows of tiles from row `row` on.
 *   y    the first plane of one image; planes of g->h * g->w floats follow each other
 *   m    as `v`; channels up to a multiple of SW_WINOGRAD_LANES may be read
 *   g    tiles of 4x4 in steps of 4, or 2x2 in steps of 2; what reaches over the plane is cut off
 *   epilogue  NULL, or with bias_row of the first channel; bias_col and act_fn are ignored
 *
 * winograd_spread_f32: A dy A^T, as winograd_input_f32 but with windows of a tile.
 *
 * winograd_tile_f32: a tile of a position's sum over tiles, c[i][j] (+)= sum over t of a[t][i] b[t][j].
 *   c    [mr][nr], rows ldc floats apart; only these are read and written
 *   a, b [kc][mr] and [kc][nr], rows lda and ldb floats apart; mr, nr up to MR, NR of gemm_tile_f32
 *   The order of the sum is that of gemm_tile_f32.
 *
 * winograd_filter_f32: G^T s G for `count` channels, each of `width` lanes (a multiple of NR).
 *   g    [count][taps^2][width]
 *   s    position i of channel c at s[i * position + c * pitch] */
/* clang-format off */
#define SW_WINOGRAD_KERNELS(X)                                                                     \
    X(winograd_input_f32, void,                                                                    \
      (float *v, const struct sw_winograd_place *place, const float *x, const struct sw_grid *g,   \
       int64_t channels, int64_t row, int64_t rows, float *scratch))                               \
    X(winograd_weight_f32, void,                                                                   \
      (float *u, int64_t position, const float *g, int64_t count, int64_t width, int taps,  \
       int flip))        \
    X(winograd_output_f32, void,                                                                   \
      (float *y, const float *m, const struct sw_winograd_place *place, const struct sw_grid *g,   \
       int64_t channels, int64_t row, int64_t rows, const struct sw_epilogue *epilogue,            \
       float *scratch))                                                                            \
    X(winograd_spread_f32, void,                                                                   \
      (float *v, const struct sw_winograd_place *place, const float *dy, const struct sw_grid *g,  \
       int64_t channels, int64_t row, int64_t rows, float *scratch))                               \
    X(winograd_tile_f32, void,                                                                     \
      (float *c, int64_t ldc, const float *a, int64_t lda, const float *b, int64_t ldb,            \
       int64_t kc, int mr, int nr, int accumulate))                                                \
    X(winograd_filter_f32, void,                                                                   \
      (float *g, const float *s, int64_t position, int64_t pitch, int64_t count, int64_t width, \
       int taps))
/* clang-format on */

#endif
