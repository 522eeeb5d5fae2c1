/* Kernels of the scan family: what walks along an axis and does more than add up.
 *
 * Order: greater numbers first, NaN before all numbers, the lower index first among equals (-0 and
 * +0 are equal).
 *
 *   argmax_f32:       the index of the first in order of x[0..n-1]; n >= 1
 *   argmax_rows_f32:  y[j] = the index r of the first in order of x[r * stride + j], r < rows, for
 *                     each j < n; rows >= 1
 *   topk_f32:         the first k in order of x[0..n-1] and their indices, in order; 0 <= k <= n
 *   cumsum_f32:       y[r * stride + j] = sum of x[q * stride + j] over q <= r (q < r if exclusive),
 *                     for r < rows, j < n; stride may be negative (the sum from the end); y may be x.
 *                     Sums are kept in float64 and rounded once for each result.
 *
 * Indices fit i32.  The same bits in every ISA. */
#ifndef SWELL_SCAN_KERNELS_H
#define SWELL_SCAN_KERNELS_H

#include <stdint.h>

/* clang-format off */
#define SW_SCAN_KERNELS(X)                                                                         \
    X(argmax_f32, int64_t, (const float *x, int64_t n))                                            \
    X(argmax_rows_f32, void,                                                                       \
      (int32_t *y, const float *x, int64_t rows, int64_t stride, int64_t n))                       \
    X(topk_f32, void, (float *values, int32_t *indices, const float *x, int64_t n, int64_t k))     \
    X(cumsum_f32, void,                                                                            \
      (float *y, const float *x, int64_t rows, int64_t stride, int64_t n, int exclusive))
/* clang-format on */

#endif
