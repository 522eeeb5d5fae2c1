/* Layer and RMS norm for the vectors of one ISA: template of norm_avx2.c and norm_avx512.c.
 *
 * A row is read two or three times, but from memory only once: the sums of a row come first, and the
 * row is still in the cache when its results are written. */
#ifndef SWELL_KERNELS_NORM_ROW_TEMPLATE_H
#define SWELL_KERNELS_NORM_ROW_TEMPLATE_H

#include "kernels/x86/norm_loops.h"

/* y = (x - mean) * rstd * gamma + beta, each product and sum rounded on its own: the bits are those
 * of separate multiplications and additions, so fusing them into the op changes nothing. */
VEC_INLINE void normalise(float *y, const float *x, const float *gamma, const float *beta,
                          float mean, float rstd, int64_t i, int64_t lanes, int full, int stream)
{
    vf v = vf_mul(vf_sub(load_part(x + i, lanes, full), vf_set(mean)), vf_set(rstd));
    if (gamma) v = vf_mul(v, load_part(gamma + i, lanes, full));
    if (beta) v = vf_add(v, load_part(beta + i, lanes, full));
    if (full)
        stream_store(y + i, v, stream);
    else
        vf_store_n(y + i, v, lanes);
}

VEC_INLINE void normalise_row(float *y, const float *x, const float *gamma, const float *beta,
                              float mean, float rstd, int64_t n, int stream)
{
    int64_t i = 0;
    for (; i + VF_N <= n; i += VF_N) {
        if (stream) stream_fetch(x + n + i); /* the next row */
        normalise(y, x, gamma, beta, mean, rstd, i, VF_N, 1, stream);
    }
    if (i < n) normalise(y, x, gamma, beta, mean, rstd, i, n - i, 0, 0);
}

static void SW_ISA_NAME(sw__layernorm_f32)(float *y, float *mean, float *rstd, const float *x,
                                           const float *gamma, const float *beta, int64_t rows,
                                           int64_t n, float eps, int stream)
{
    stream = stream && stream_fits(y) && n % VF_N == 0;
    for (int64_t r = 0; r < rows; r++, x += n, y += n) {
        struct operands o = {.a = x};
        float m = o.f = sum_over(&o, n, sum_a) / (float)n;
        float s = 1 / sqrtf(sum_over(&o, n, sum_square_about) / (float)n + eps);
        normalise_row(y, x, gamma, beta, m, s, n, stream);
        if (mean) mean[r] = m;
        if (rstd) rstd[r] = s;
    }
    stream_end(stream);
}

static void SW_ISA_NAME(sw__rmsnorm_f32)(float *y, float *rstd, const float *x, const float *gamma,
                                         int64_t rows, int64_t n, float eps)
{
    for (int64_t r = 0; r < rows; r++, x += n, y += n) {
        struct operands o = {.a = x, .b = x};
        float s = 1 / sqrtf(sum_over(&o, n, sum_product) / (float)n + eps);
        normalise_row(y, x, gamma, NULL, 0, s, n, 0);
        if (rstd) rstd[r] = s;
    }
}

/* ---- backward ---------------------------------------------------------------------------------- */

struct backward_row {
    float *dx, *dgamma, *dbeta;
    const float *dy, *x, *gamma;
    float mean, rstd;
    float avg_g, avg_gx;
};

/* xhat, and g = dy * gamma */
VEC_INLINE vf backward_load(const struct backward_row *b, int64_t i, int64_t lanes, int full,
                            vf *dy, vf *xhat)
{
    *dy = load_part(b->dy + i, lanes, full);
    *xhat = vf_mul(vf_sub(load_part(b->x + i, lanes, full), vf_set(b->mean)), vf_set(b->rstd));
    return b->gamma ? vf_mul(*dy, load_part(b->gamma + i, lanes, full)) : *dy;
}

/* Add to the sums of g and g * xhat, and to the gradients of gamma and beta.  Lanes behind the end
 * have dy = 0 and add nothing. */
VEC_INLINE void backward_sums(const struct backward_row *b, int64_t i, int64_t lanes, int full,
                              vf *sum_g, vf *sum_gx)
{
    vf dy, xhat, g = backward_load(b, i, lanes, full, &dy, &xhat);
    if (!full) xhat = vf_select(vm_first(lanes), xhat, vf_zero());
    *sum_g = vf_add(*sum_g, g);
    *sum_gx = vf_fma(g, xhat, *sum_gx);
    if (b->dgamma)
        store_part(b->dgamma + i, vf_fma(dy, xhat, load_part(b->dgamma + i, lanes, full)), lanes,
                   full);
    if (b->dbeta)
        store_part(b->dbeta + i, vf_add(dy, load_part(b->dbeta + i, lanes, full)), lanes, full);
}

/* rstd * (g - avg_g - xhat * avg_gx) */
VEC_INLINE void backward_dx(const struct backward_row *b, int64_t i, int64_t lanes, int full)
{
    vf dy, xhat, g = backward_load(b, i, lanes, full, &dy, &xhat);
    vf d = vf_fnma(xhat, vf_set(b->avg_gx), vf_sub(g, vf_set(b->avg_g)));
    store_part(b->dx + i, vf_mul(d, vf_set(b->rstd)), lanes, full);
}

VEC_INLINE void backward_row(struct backward_row b, int64_t n, int centred)
{
    vf g0 = vf_zero(), g1 = vf_zero(), x0 = vf_zero(), x1 = vf_zero();
    int64_t i = 0;
    for (; i + 2 * VF_N <= n; i += 2 * VF_N) {
        backward_sums(&b, i, VF_N, 1, &g0, &x0);
        backward_sums(&b, i + VF_N, VF_N, 1, &g1, &x1);
    }
    if (i + VF_N <= n) {
        backward_sums(&b, i, VF_N, 1, &g0, &x0);
        i += VF_N;
    }
    if (i < n) backward_sums(&b, i, n - i, 0, &g1, &x1);
    if (!b.dx) return;
    b.avg_g = centred ? vf_hsum(vf_add(g0, g1)) / (float)n : 0;
    b.avg_gx = vf_hsum(vf_add(x0, x1)) / (float)n;
    for (i = 0; i + VF_N <= n; i += VF_N) backward_dx(&b, i, VF_N, 1);
    if (i < n) backward_dx(&b, i, n - i, 0);
}

static void SW_ISA_NAME(sw__layernorm_backward_f32)(float *dx, float *dgamma, float *dbeta,
                                                    const float *dy, const float *x,
                                                    const float *mean, const float *rstd,
                                                    const float *gamma, int64_t rows, int64_t n)
{
    for (int64_t r = 0; r < rows; r++)
        backward_row((struct backward_row){.dx = dx ? dx + r * n : NULL,
                                           .dgamma = dgamma,
                                           .dbeta = dbeta,
                                           .dy = dy + r * n,
                                           .x = x + r * n,
                                           .gamma = gamma,
                                           .mean = mean[r],
                                           .rstd = rstd[r]},
                     n, 1);
}

static void SW_ISA_NAME(sw__rmsnorm_backward_f32)(float *dx, float *dgamma, const float *dy,
                                                  const float *x, const float *rstd,
                                                  const float *gamma, int64_t rows, int64_t n)
{
    for (int64_t r = 0; r < rows; r++)
        backward_row((struct backward_row){.dx = dx ? dx + r * n : NULL,
                                           .dgamma = dgamma,
                                           .dy = dy + r * n,
                                           .x = x + r * n,
                                           .gamma = gamma,
                                           .rstd = rstd[r]},
                     n, 0);
}

/* Columns first: a few vectors of sums walk down all rows. */
VEC_INLINE void fold_columns(float *y, const float *x, int64_t count, int64_t stride, int64_t lanes,
                             int full)
{
    vf sum = vf_zero();
    for (int64_t i = 0; i < count; i++) sum = vf_add(sum, load_part(x + i * stride, lanes, full));
    store_part(y, sum, lanes, full);
}

static void SW_ISA_NAME(sw__fold_rows_f32)(float *y, const float *x, int64_t count, int64_t stride,
                                           int64_t n)
{
    int64_t j = 0;
    for (; j + 4 * VF_N <= n; j += 4 * VF_N) {
        vf s0 = vf_zero(), s1 = vf_zero(), s2 = vf_zero(), s3 = vf_zero();
        for (int64_t i = 0; i < count; i++) {
            const float *row = x + i * stride + j;
            s0 = vf_add(s0, vf_load(row));
            s1 = vf_add(s1, vf_load(row + VF_N));
            s2 = vf_add(s2, vf_load(row + 2 * VF_N));
            s3 = vf_add(s3, vf_load(row + 3 * VF_N));
        }
        vf_store(y + j, s0);
        vf_store(y + j + VF_N, s1);
        vf_store(y + j + 2 * VF_N, s2);
        vf_store(y + j + 3 * VF_N, s3);
    }
    for (; j + VF_N <= n; j += VF_N) fold_columns(y + j, x + j, count, stride, VF_N, 1);
    if (j < n) fold_columns(y + j, x + j, count, stride, n - j, 0);
}

#endif
