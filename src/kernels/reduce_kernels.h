/* Kernels that reduce: sums and extremes of a run, or of the columns of some rows.
 *
 * The sum of a run has 32 partial sums that are added as a tree: error at most
 * (n / 32 + 6) eps / 2 * sum |x|.  Columns are summed in the order of the rows; where the stride is at
 * most 32 and the rows are many (2 G and more, G = 256 / stride), in G partial sums, of the rows r with
 * r mod G = 0, 1, ..., that are added in order: (rows / G + G) eps / 2 * sum |x|.  So the order depends
 * on rows and stride only, never on n.  Extremes are NaN when an element is.
 * n >= 1, rows >= 1, stride >= n. */
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
