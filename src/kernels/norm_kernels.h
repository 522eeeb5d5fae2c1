/* Kernels of the norm family: normalisation, softmax and losses, all f32.
 *
 *     X(slot, return type, (arguments))
 *
 * Three shapes of work:
 *   rows     (rows,n), dense: a result belongs to one row.  Layer and RMS norm, softmax, losses.
 *   columns  n rows that stand `stride` floats apart, `width` columns: softmax along another axis.
 *   planes   n contiguous pixels of one channel of one picture, `count` of them `stride` floats
 *            apart.  Batch and group norm.
 *
 * The rule of the bits.  A sum over n contiguous numbers is cut into lanes (AVX2: 32, AVX-512: 64; the
 * reference has one, in f64), at places that depend on n only, and the lanes are added as a tree.  So
 * a row's result depends on the row and n only, and a sum's error is at most
 * (n / lanes + log2(lanes) + 3) * eps / 2 * sum of magnitudes.  Sums along columns go down the column.
 *
 * y == x (and dx == dy, dx == x, dx == y) is allowed everywhere but in lrn and lrn_backward. */
#ifndef SWELL_NORM_KERNELS_H
#define SWELL_NORM_KERNELS_H

#include <stdint.h>

/* Local response normalisation: channel c sees channels c - before .. c + after. */
struct sw_lrn_window {
    int before, after;
    float k, alpha, beta; /* y = x / (k + alpha * sum x^2)^beta; beta 0.75 has a fast path */
};

/* Rows of scratch that lrn_backward_f32 needs: the channels of a window. */
static inline int64_t sw__lrn_ring(int64_t channels, const struct sw_lrn_window *w)
{
    int64_t window = (int64_t)w->before + w->after + 1;
    return window < channels ? window : channels;
}

/* layernorm_f32: y = (x - mean) * rstd * gamma + beta for each row, rstd = 1 / sqrt(var + eps), the
 *   variance in a second pass over the row.  gamma, beta: (n) or NULL.  mean, rstd: (rows) or NULL.
 *   stream: y goes past the caches, for arrays that leave no room in them; a hint, the bits are the
 *   same.  y must not be x then.
 * layernorm_backward_f32: with xhat = (x - mean) * rstd and g = dy * gamma
 *   dx = rstd * (g - avg(g) - xhat * avg(g * xhat)),  dgamma += sum over rows of dy * xhat,
 *   dbeta += sum over rows of dy, row after row.  gamma, dx, dgamma, dbeta may be NULL.
 * rmsnorm_f32, rmsnorm_backward_f32: the same without mean and beta, rstd = 1 / sqrt(avg(x^2) + eps).
 * fold_rows_f32: y[j] = sum of x[i * stride + j], j < n, over i = 0 .. count-1 in this order.
 *
 * moments_f32: for each of `count` planes p: mean[p] and m2[p] = sum (x - mean[p])^2, in two passes;
 *   n >= 1.
 * plane_sums_f32: for each plane: sum_dy[p] = sum dy, sum_dyx[p] = sum dy * (x - mean).
 * plane_affine_f32: y = (x - mean) * scale + shift.
 * plane_affine_dx_f32: dx = a * dy + b * (x - mean) + c.
 * row_affine_f32, row_affine_dx_f32: the same with a vector (n) for each coefficient, on rows.
 *
 * lrn_f32: y = x / (k + alpha * sum)^beta for `channels` rows of `width` pixels, `stride` apart.
 * lrn_backward_f32: dx; scratch holds sw__lrn_ring(channels, w) * width floats.
 *
 * softmax_f32: y = exp(x - max) / sum, or with `log` x - max - log(sum), along each row.  room: NULL,
 *   or for 2 n floats, on 64 bytes: then y goes past the caches, and must not be x.
 * softmax_columns_f32: the same along each column; width at most SW_SOFTMAX_COLUMNS.
 * softmax_backward_f32: dx = factor * y * (dy - sum(dy * y)); log: factor * (dy - exp(y) * sum(dy)).
 * softmax_backward_columns_f32: the same along columns.
 * gumbel_f32: y[i] = (x[i] - log(-log(u))) * inv_tau with u = (w >> 9 + 1/2) / 2^23, w being the
 *   random word number first + i of the stream (base/rng.h).  first is a multiple of 4.
 *
 * logsumexp_f32: log(sum(exp(x))) of each row.
 * cross_entropy_gap_f32: sum of t * (lse - x) over one row, a t of 0 counting 0; t NULL: ones.
 * cross_entropy_dx_f32: dx = p * exp(x - lse) - q * t - u over one row; t NULL: p * exp(x - lse) - u.
 * total_f32: the sum of n numbers.
 * mse_f32: y = (x - t)^2.  mse_dx_f32: dx = 2 * factor * g * (x - t).
 * bce_f32: y = max(x, 0) - x * t + log1p(exp(-|x|)).  bce_dx_f32: dx = factor * g * (sigmoid(x) - t).
 *   g: one number (g_step 0) or n (g_step 1). */
#define SW_SOFTMAX_COLUMNS 64

/* clang-format off */
#define SW_NORM_KERNELS(X)                                                                         \
    X(layernorm_f32, void,                                                                         \
      (float *y, float *mean, float *rstd, const float *x, const float *gamma, const float *beta,  \
       int64_t rows, int64_t n, float eps, int stream))                                                        \
    X(layernorm_backward_f32, void,                                                                \
      (float *dx, float *dgamma, float *dbeta, const float *dy, const float *x, const float *mean, \
       const float *rstd, const float *gamma, int64_t rows, int64_t n))                            \
    X(rmsnorm_f32, void,                                                                           \
      (float *y, float *rstd, const float *x, const float *gamma, int64_t rows, int64_t n,         \
       float eps))                                                                                 \
    X(rmsnorm_backward_f32, void,                                                                  \
      (float *dx, float *dgamma, const float *dy, const float *x, const float *rstd,               \
       const float *gamma, int64_t rows, int64_t n))                                               \
    X(fold_rows_f32, void, (float *y, const float *x, int64_t count, int64_t stride, int64_t n))   \
    X(moments_f32, void,                                                                           \
      (float *mean, float *m2, const float *x, int64_t count, int64_t stride, int64_t n))          \
    X(plane_sums_f32, void,                                                                        \
      (float *sum_dy, float *sum_dyx, const float *dy, const float *x, float mean, int64_t count,  \
       int64_t stride, int64_t n))                                                                 \
    X(plane_affine_f32, void,                                                                      \
      (float *y, const float *x, float mean, float scale, float shift, int64_t n))                 \
    X(plane_affine_dx_f32, void,                                                                   \
      (float *dx, const float *dy, const float *x, float mean, float a, float b, float c,          \
       int64_t n))                                                                                 \
    X(row_affine_f32, void,                                                                        \
      (float *y, const float *x, const float *mean, const float *scale, const float *shift,        \
       int64_t rows, int64_t n))                                                                   \
    X(row_affine_dx_f32, void,                                                                     \
      (float *dx, const float *dy, const float *x, const float *mean, const float *a,              \
       const float *b, const float *c, int64_t rows, int64_t n))                                   \
    X(lrn_f32, void,                                                                               \
      (float *y, const float *x, int64_t channels, int64_t stride, int64_t width,                  \
       const struct sw_lrn_window *w))                                                             \
    X(lrn_backward_f32, void,                                                                      \
      (float *dx, float *scratch, const float *dy, const float *x, int64_t channels,               \
       int64_t stride, int64_t width, const struct sw_lrn_window *w))                              \
    X(softmax_f32, void, (float *y, const float *x, int64_t rows, int64_t n, int log, float *room)) \
    X(softmax_columns_f32, void,                                                                   \
      (float *y, const float *x, int64_t n, int64_t stride, int64_t width, int log))               \
    X(softmax_backward_f32, void,                                                                  \
      (float *dx, const float *dy, const float *y, int64_t rows, int64_t n, int log,               \
       float factor))                                                                              \
    X(softmax_backward_columns_f32, void,                                                          \
      (float *dx, const float *dy, const float *y, int64_t n, int64_t stride, int64_t width,       \
       int log, float factor))                                                                     \
    X(gumbel_f32, void,                                                                            \
      (float *y, const float *x, float inv_tau, uint64_t seed, uint64_t stream, uint64_t first,    \
       int64_t n))                                                                                 \
    X(logsumexp_f32, void, (float *lse, const float *x, int64_t rows, int64_t n))                  \
    X(cross_entropy_gap_f32, float, (const float *x, const float *t, float lse, int64_t n))        \
    X(cross_entropy_dx_f32, void,                                                                  \
      (float *dx, const float *x, const float *t, float lse, float p, float q, float u,            \
       int64_t n))                                                                                 \
    X(total_f32, float, (const float *x, int64_t n))                                               \
    X(mse_f32, void, (float *y, const float *x, const float *t, int64_t n))                        \
    X(mse_dx_f32, void,                                                                            \
      (float *dx, const float *x, const float *t, const float *g, int g_step, float factor,        \
       int64_t n))                                                                                 \
    X(bce_f32, void, (float *y, const float *x, const float *t, int64_t n))                        \
    X(bce_dx_f32, void,                                                                            \
      (float *dx, const float *x, const float *t, const float *g, int g_step, float factor,        \
       int64_t n))
/* clang-format on */

#endif
