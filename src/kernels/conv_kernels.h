/* Kernels of the conv family: where a convolution reads, and its inner loops.
 *
 *     X(slot, return type, (arguments))
 *
 * Convolution is matrix multiplication whose second operand is never stored: column p of it is a
 * pixel, row k a tap of a channel, and a panel of it is gathered from the image just before the tile
 * kernel of the gemm family reads it (implicit GEMM; Chetlur et al. 2014, "cuDNN", section 3.1). The
 * forward pass, both gradients and the transposed convolution differ in the grid only. */
#ifndef SWELL_CONV_KERNELS_H
#define SWELL_CONV_KERNELS_H

#include <stdint.h>
#include "base/cpu.h"
#include "kernels/gemm_kernels.h"

/* A grid of windows over a source plane of h x w floats, for convolution and pooling.
 *
 *          x0  x0+sx                      pixel (r, q) of the grid has ny x nx taps; tap (i, j) reads
 *      y0  +-----+-----+ . .              row r*sy + y0 + i*dy, column q*sx + x0 + j*dx; outside of
 *          | 0,0 | 0,1 |                  the plane it reads 0.
 *    y0+sy +-----+-----+ . .
 *          | 1,0 |                        k = (c*ny + i)*nx + j   counts the taps of all planes
 *          +-----+                        p = (n*oh + r)*ow + q   counts the pixels of all images
 *
 * Steps dy and dx may be negative, sy and sx are at least 1.  h, w, oh, ow and all coordinates are
 * below 2^30. */
struct sw_grid {
    int64_t h, w;
    int64_t image;  /* floats from an image to the next */
    int64_t oh, ow; /* pixels of the grid */
    int64_t sy, sx; /* stride */
    int64_t y0, x0; /* where pixel (0,0) has its tap (0,0): minus the padding */
    int64_t ny, nx; /* taps */
    int64_t dy, dx; /* from tap to tap: dilation */
};

/* Pixels q in [*lo, *hi) of n have 0 <= q*s + u < size. */
static inline void sw__grid_span(int64_t u, int64_t s, int64_t size, int64_t n, int64_t *lo,
                                 int64_t *hi)
{
    int64_t first = u < 0 ? (-u + s - 1) / s : 0, last = u < size ? (size - u + s - 1) / s : 0;
    *hi = last < n ? last : n;
    *lo = first < *hi ? first : *hi;
}

/* Floats from row to row of the operand `a` of conv_weight_tile_f32: a constant, so that fourteen
 * rows need one pointer; not a power of two, so that they do not share cache sets. */
#define SW_CONV_PITCH 272

/* Pixels that a row of conv_weight_tile_f32 may have. */
#define SW_CONV_PIXELS 256

/* A direct convolution reads a copy of the source with its padding, rows a stride apart split by their
 * column modulo the stride: so that neighbouring pixels of a row of the grid have every tap side by
 * side.
 *
 *     k = c*taps + t;  pixel p of a row reads  x[c*plane + offset[t] + p]
 *
 * Of two narrow rows at once, with as many pixels each, those of the second are `gap` further. */
struct sw_windows {
    int64_t planes, plane; /* channels, and floats from one to the next */
    int64_t taps;
    const int64_t *offset; /* [taps] */
    int64_t gap;           /* 0: pixels of one row */
    int64_t ahead;         /* floats from what is read to what is fetched meanwhile */
};

/* The tiles of the direct kernels: vectors of `lanes` out-channels, 1 to SW_DIRECT_VECTORS of them, by
 * at most so many pixels (forward) or taps (gradient of the weight). */
enum { SW_DIRECT_VECTORS = 3, SW_DIRECT_MOST = 14 /* pixels or taps */ };
struct sw_direct_blocks {
    int lanes;
    int pixels[SW_DIRECT_VECTORS + 1]; /* by the number of vectors */
    int taps[SW_DIRECT_VECTORS + 1];
};

/* clang-format off */
static const struct sw_direct_blocks sw__direct_table[SW_ISA_AVX512 + 1] = {
    [SW_ISA_REF]    = { 8, {0,  4,  4, 4}, {0,  4,  4, 4}},
    [SW_ISA_AVX2]   = { 8, {0,  6,  6, 4}, {0,  6,  6, 4}},
    [SW_ISA_AVX512] = {16, {0, 14, 14, 9}, {0, 12, 12, 9}},
};
/* clang-format on */

static inline const struct sw_direct_blocks *sw__direct_blocks(enum sw_isa isa)
{
    return &sw__direct_table[sw__isa_f32(isa)];
}

/* conv_copy_f32: part of such a copy,  dst[r*pitch + i] = src[r*row + i*step]  for r < rows, i < n.
 *
 * conv_direct_tile_f32: neighbouring pixels of a row of the grid, or of two, some out-channels.
 *   c    [pixels][width], rows ldc floats apart: width is `channels` rounded up to whole vectors, and
 *        columns from `channels` on are written with what the weight has there
 *   x    the first pixel's place in the copy
 *   w    [planes*taps][width]
 *   epilogue  NULL, or what to do with the results; bias_col of the first channel (act_fn is ignored)
 *   Each sum runs over k in order, from +0, in one accumulator.
 *
 * conv_direct_weight_f32: some taps' gradient,
 *     c[t][j] += sum over rows r and pixels p of x[offset[t] + r*x_row + p] * dy[r*pixels + p][j].
 *   c    [taps][width], rows ldc floats apart; width as above
 *   dy   [rows*pixels][width]
 *   accumulate  0: c = sum, which runs over pixels in order, from +0, in one accumulator
 *
 * conv_gather_f32: rows k0 .. k0+kc-1 and columns p0 .. p0+np-1 of the matrix [k][p] of a grid over
 * the images at x.
 *   dst  [kc][width], rows `pitch` floats apart; columns np .. width-1 are set to 0
 *   x    the first plane that k counts, of image 0
 *
 * conv_weight_tile_f32: a tile of a weight's gradient,  c[i][j] += sum over p of a[i][p] * b[p][j].
 *   c    [mr][nr], rows ldc floats apart; only these are read and written
 *   a    [mr][kc], rows SW_CONV_PITCH floats apart
 *   b    [kc][NR], packed as by gemm_pack_b; NR and MR are those of gemm_tile_f32
 *   kc   0 .. SW_CONV_PIXELS
 *   accumulate  0: c = sum
 *   The order of the sum is that of gemm_tile_f32.
 *
 * conv_plane_f32: one plane convolved with ny*nx numbers, the heart of a depthwise convolution.
 *   y    [oh][ow];  y = sum over taps of w * x + bias, or y + sum when accumulate is set
 *   x    [h][w]
 *   w    [ny*nx]; taps are summed in their order or, where steps are
 *        negative, against it, from 0.  A tap outside adds w * 0 or nothing.
 *
 * conv_plane_grad_f32: the gradient of its numbers,  dw[t] += sum over pixels of dy * x(tap t).
 *   dw   [ny*nx]
 *   dy   [oh][ow], x [h][w]
 *
 * conv_add_f32: rows of n results that lie in y,  y = act(y + x).
 *   y, x  rows `line` floats apart
 *   epilogue  whose act is meant; all else is ignored
 *
 * conv_pair_bf16: two planes of n floats as one of pairs of bf16, a's in the low halves, rounded to
 * nearest even; b NULL: zeros. */
/* clang-format off */
#define SW_CONV_KERNELS(X)                                                                         \
    X(conv_copy_f32, void,                                                                         \
      (float *dst, int64_t pitch, const float *src, int64_t row, int64_t step, int64_t rows,       \
       int64_t n))                                                                                 \
    X(conv_direct_tile_f32, void,                                                                  \
      (float *c, int64_t ldc, const float *x, const struct sw_windows *windows, const float *w,    \
       int pixels, int channels, const struct sw_epilogue *epilogue))                              \
    X(conv_direct_weight_f32, void,                                                                \
      (float *c, int64_t ldc, const float *x, const int64_t *offset, int64_t x_row,                \
       const float *dy, int64_t rows, int64_t pixels, int taps, int channels, int accumulate))     \
    X(conv_gather_f32, void,                                                                       \
      (float *dst, int64_t pitch, const float *x, const struct sw_grid *g, int64_t k0, int64_t kc, \
       int64_t p0, int64_t np, int64_t width))                                                     \
    X(conv_weight_tile_f32, void,                                                                  \
      (float *c, int64_t ldc, const float *a, const float *b, int64_t kc, int mr, int nr,          \
       int accumulate))                                                                            \
    X(conv_plane_f32, void,                                                                        \
      (float *y, const float *x, const struct sw_grid *g, const float *w, float bias,              \
       int accumulate))                                                                            \
    X(conv_plane_grad_f32, void,                                                                   \
      (float *dw, const float *dy, const float *x, const struct sw_grid *g))                       \
    X(conv_add_f32, void,                                                                          \
      (float *y, const float *x, int64_t line, int64_t rows, int64_t n,                            \
       const struct sw_epilogue *epilogue))                                                        \
    X(conv_pair_bf16, void, (uint32_t *dst, const float *a, const float *b, int64_t n))
/* clang-format on */

#endif
