/* Kernels that reduce: sums and extremes of a run, or of the columns of some rows.
 *
 * A sum has 32 partial sums that are added as a tree: error at most (n / 32 + 6) eps / 2 * sum |x|.
 * Extremes are NaN when an element is.  n >= 1, rows >= 1. */
#ifndef SWELL_REDUCE_KERNELS_H
#define SWELL_REDUCE_KERNELS_H

#include <stdint.h>

enum sw_reduce { SW_REDUCE_KIND_SUM, SW_REDUCE_KIND_MAX, SW_REDUCE_KIND_MIN };

/* clang-format off */
/* reduce_f32: of x[0..n-1].   reduce_rows_f32: y[j] = over r of x[r * stride + j], j < n; y may not
 * overlap x. */
#define SW_REDUCE_KERNELS(X)                                                                        \
    X(reduce_f32, float, (enum sw_reduce kind, const float *x, int64_t n))                          \
    X(reduce_rows_f32, void, (enum sw_reduce kind, float *y, const float *x, int64_t rows,          \
                              int64_t stride, int64_t n))
/* clang-format on */

#endif
