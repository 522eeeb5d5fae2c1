/* Kernels of the gemm_bf16 family: C = epilogue(A * B), operands bf16, sums and C f32.
 *
 *     X(slot, return type, (arguments))
 *
 * MR, NR and KC are those of sw__gemm_blocks_of(isa, SW_GEMM_KIND_BF16).  Panels are as in
 * gemm_kernels.h, but for what one holds; `group` of the table is what K is padded to, with zeros:
 *
 *     B panel  [kc / 2][NR][2]     pairs of k beside each other, at every level
 *     A panel  [kc / 2][MR][2]     ref, avx512bf16
 *              [kc][MR] f32        avx2, avx512: the values of bf16, widened
 *              [kc / 32][MR][32]   amx: a tile register's rows
 *
 * The rule of the bits.  An element is one chain over K, begun with +0, or with C where it is
 * accumulated, and carried on from C by the next K block:
 *
 *     ref                  s = s + a[k] * b[k]               rounded each
 *     avx2, avx512, vnni   s = fma(a[k], b[k], s)            products of bf16 are exact
 *     avx512bf16           s = s + (a[k] b[k], a[k+1] b[k+1])   as VDPBF16PS does for each pair
 *     amx                  s = s + 32 products                 as TDPBF16PS does for each 32 of k
 *
 * so it depends on its row of A, its column of B and K only, and not on KC.  The last two take
 * denormal operands as zeros, flush denormal results, and round as their manuals say (Intel SDM 2A
 * VDPBF16PS, 2B TDPBF16PS): the error of a sum stays within that of any f32 sum of K products but
 * for what is flushed, at most 2^-126 a product. */
#ifndef SWELL_GEMM_BF16_KERNELS_H
#define SWELL_GEMM_BF16_KERNELS_H

#include <stdint.h>
#include <swell/tensor.h>
#include "kernels/gemm_kernels.h"

/* gemm_strip_bf16: rows of A times all panels of B, over one K block.
 *   c    [m][n], rows ldc floats apart; only these are read and written
 *   a    lda = 0: an A panel; amx, else: m rows of bf16, lda bytes apart
 *   b    ceil(n / NR) B panels, of kc padded to the group, as the A panel is
 *   m    1..MR for a panel, any number of rows; n >= 0; kc >= 0, of rows whole groups
 *   accumulate, epilogue  as in gemm_tile_f32
 *
 * gemm_pack_a_bf16: m <= MR rows and kc columns of a matrix, element (i, k) at
 * src[i * row + k * col], into one A panel.  f32 and f16 are rounded to bf16, to nearest even.
 * gemm_pack_b_bf16: kc rows and n columns, element (k, j) at src[k * row + j * col], into
 * ceil(n / NR) panels.  Strides may be any number; 1 is fast. */
/* clang-format off */
#define SW_GEMM_BF16_KERNELS(X)                                                                    \
    X(gemm_strip_bf16, void,                                                                       \
      (float *c, int64_t ldc, const void *a, int64_t lda, const void *b, int64_t kc, int64_t m,    \
       int64_t n, int accumulate, const struct sw_epilogue *epilogue))                             \
    X(gemm_pack_a_bf16, void,                                                                      \
      (void *panel, const void *src, sw_dtype dtype, int64_t row, int64_t col, int64_t m,          \
       int64_t kc))                                                                                \
    X(gemm_pack_b_bf16, void,                                                                      \
      (void *panels, const void *src, sw_dtype dtype, int64_t row, int64_t col, int64_t kc,        \
       int64_t n))
/* clang-format on */

#endif
