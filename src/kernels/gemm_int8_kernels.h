/* Kernels of the gemm_int8 family: u8 x s8 products, summed in s32, made f32 by the epilogue.
 *
 *     X(slot, return type, (arguments))
 *
 * MR, NR and KC are those of sw__gemm_blocks_of(isa, SW_GEMM_KIND_INT8).  A is u8; an s8 A is packed as
 * a + 128, and 128 is added to its zero point, but on amx, which multiplies s8 too
 * (sw__gemm_flip).  Panels are as in gemm_kernels.h, but hold
 *
 *     B panel  [kc / 4][NR][4] s8       four k beside each other, at every level
 *     A panel  [kc / 4][MR][4] u8       all but amx
 *              [kc / 64][MR][64]        amx, u8 or s8: a tile register's rows
 *
 * with K padded to the table's `group`, in B by zeros.
 *
 * The rule of the bits.  The sum is exact modulo 2^32 at every level, and right where
 *     |sum over k of (a - zero) * b| < 2^31, surely for K <= 65536.
 * Until the last K block C holds the s32 itself.  With it the epilogue makes, in f32, each step
 * rounded on its own,
 *     y = ((float)(sum - zero * col_sums[j]) * scale_col[j]) * scale_row[i * scale_row_step]
 * and then adds biases and activates as every epilogue does.  So all levels give the same bits. */
#ifndef SWELL_GEMM_INT8_KERNELS_H
#define SWELL_GEMM_INT8_KERNELS_H

#include <stdint.h>
#include <swell/tensor.h>
#include "kernels/gemm_kernels.h"

/* gemm_strip_int8: rows of A times all panels of B, over one K block.
 *   c    [m][n], rows ldc elements apart: s32, and f32 once the epilogue is through
 *   a, lda, b, kc, m, n  as in gemm_strip_bf16; a_type  SW_U8 or SW_I8, what A is made of
 *   accumulate  the sums go on from the s32 in c: set for every K block but the first
 *   epilogue    NULL, or, with the last K block, what to do with the sums; scales are not NULL
 *
 * gemm_lines_int8: a few rows by columns of B that are not packed and read once; meant for M = 1 .. 8, right
 * for any m.  The same bits.  Portable C below VNNI.
 *   a    [m][k] of a_type, rows a_row bytes apart
 *   b    [k][n], a column contiguous, b_col bytes apart
 *   epilogue  NULL, for the s32 sums of a * b, or what to do with them; it needs no col_sums, and zero
 *        is that of a itself
 *
 * gemm_pack_a_int8: m <= MR rows and kc columns of SW_U8 or SW_I8, element (i, k) at
 * src[i * row + k * col], into one A panel.
 * gemm_pack_b_int8: kc rows and n columns of SW_I8, element (k, j) at src[k * row + j * col], into
 * ceil(n / NR) panels; the sum of each column is added to col_sums (NR for each panel), if not NULL. */
/* clang-format off */
#define SW_GEMM_INT8_KERNELS(X)                                                                    \
    X(gemm_strip_int8, void,                                                                       \
      (float *c, int64_t ldc, const void *a, int64_t lda, sw_dtype a_type, const void *b,          \
       int64_t kc, int64_t m, int64_t n, int accumulate, const struct sw_epilogue *epilogue))      \
    X(gemm_lines_int8, void,                                                                       \
      (float *c, int64_t ldc, const void *a, int64_t a_row, sw_dtype a_type, const void *b,        \
       int64_t b_col, int64_t m, int64_t n, int64_t k, const struct sw_epilogue *epilogue))        \
    X(gemm_pack_a_int8, void,                                                                      \
      (void *panel, const void *src, sw_dtype dtype, int64_t row, int64_t col, int64_t m,          \
       int64_t kc))                                                                                \
    X(gemm_pack_b_int8, void,                                                                      \
      (void *panels, int32_t *col_sums, const void *src, int64_t row, int64_t col, int64_t kc,     \
       int64_t n))
/* clang-format on */

#endif
