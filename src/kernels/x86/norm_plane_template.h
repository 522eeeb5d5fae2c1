/* Batch norm, group norm and LRN for the vectors of one ISA: pixels are the vector axis.  Template of
 * norm_avx2.c and norm_avx512.c. */
#ifndef SWELL_KERNELS_NORM_PLANE_TEMPLATE_H
#define SWELL_KERNELS_NORM_PLANE_TEMPLATE_H

#include "kernels/x86/norm_loops.h"
#include "kernels/x86/norm_power_x86.h"

static void SW_ISA_NAME(sw__moments_f32)(float *mean, float *m2, const float *x, int64_t count,
                                         int64_t stride, int64_t n)
{
    for (int64_t p = 0; p < count; p++, x += stride) {
        struct operands o = {.a = x, .f = x[0]};
        if (n > 1) o.f = sum_over(&o, n, sum_a) / (float)n;
        mean[p] = o.f;
        m2[p] = n > 1 ? sum_over(&o, n, sum_square_about) : x[0] - x[0];
    }
}

static void SW_ISA_NAME(sw__plane_sums_f32)(float *sum_dy, float *sum_dyx, const float *dy,
                                            const float *x, float mean, int64_t count,
                                            int64_t stride, int64_t n)
{
    for (int64_t p = 0; p < count; p++, dy += stride, x += stride) {
        struct operands o = {.a = dy, .b = x, .f = mean};
        sum_dy[p] = n == 1 ? dy[0] : sum_over(&o, n, sum_a);
        sum_dyx[p] = n == 1 ? dy[0] * (x[0] - mean) : sum_over(&o, n, sum_product_about);
    }
}

/* (a - f) * g + h */
VEC_INLINE vf map_affine(const struct operands *o, int64_t i, int64_t lanes, int full)
{
    vf d = vf_sub(load_part(o->a + i, lanes, full), vf_set(o->f));
    return vf_fma(d, vf_set(o->g), vf_set(o->h));
}

static void SW_ISA_NAME(sw__plane_affine_f32)(float *y, const float *x, float mean, float scale,
                                              float shift, int64_t n)
{
    struct operands o = {.a = x, .f = mean, .g = scale, .h = shift};
    map_over(y, &o, n, map_affine);
}

/* g * a + (h * (b - f) + k) */
VEC_INLINE vf map_affine_dx(const struct operands *o, int64_t i, int64_t lanes, int full)
{
    vf d = vf_sub(load_part(o->b + i, lanes, full), vf_set(o->f));
    d = vf_fma(d, vf_set(o->h), vf_set(o->k));
    return vf_fma(load_part(o->a + i, lanes, full), vf_set(o->g), d);
}

static void SW_ISA_NAME(sw__plane_affine_dx_f32)(float *dx, const float *dy, const float *x,
                                                 float mean, float a, float b, float c, int64_t n)
{
    struct operands o = {.a = dy, .b = x, .f = mean, .g = a, .h = b, .k = c};
    map_over(dx, &o, n, map_affine_dx);
}

VEC_INLINE void row_affine(float *y, const float *x, const float *mean, const float *scale,
                           const float *shift, int64_t i, int64_t lanes, int full)
{
    vf d = vf_sub(load_part(x + i, lanes, full), load_part(mean + i, lanes, full));
    vf v = vf_fma(d, load_part(scale + i, lanes, full), load_part(shift + i, lanes, full));
    store_part(y + i, v, lanes, full);
}

static void SW_ISA_NAME(sw__row_affine_f32)(float *y, const float *x, const float *mean,
                                            const float *scale, const float *shift, int64_t rows,
                                            int64_t n)
{
    for (int64_t r = 0; r < rows; r++, y += n, x += n) {
        int64_t i = 0;
        for (; i + VF_N <= n; i += VF_N) row_affine(y, x, mean, scale, shift, i, VF_N, 1);
        if (i < n) row_affine(y, x, mean, scale, shift, i, n - i, 0);
    }
}

struct affine_dx {
    const float *mean, *a, *b, *c;
};

VEC_INLINE void row_affine_dx(float *dx, const float *dy, const float *x, const struct affine_dx *v,
                              int64_t i, int64_t lanes, int full)
{
    vf d = vf_sub(load_part(x + i, lanes, full), load_part(v->mean + i, lanes, full));
    d = vf_fma(d, load_part(v->b + i, lanes, full), load_part(v->c + i, lanes, full));
    d = vf_fma(load_part(dy + i, lanes, full), load_part(v->a + i, lanes, full), d);
    store_part(dx + i, d, lanes, full);
}

static void SW_ISA_NAME(sw__row_affine_dx_f32)(float *dx, const float *dy, const float *x,
                                               const float *mean, const float *a, const float *b,
                                               const float *c, int64_t rows, int64_t n)
{
    struct affine_dx v = {mean, a, b, c};
    for (int64_t r = 0; r < rows; r++, dx += n, dy += n, x += n) {
        int64_t i = 0;
        for (; i + VF_N <= n; i += VF_N) row_affine_dx(dx, dy, x, &v, i, VF_N, 1);
        if (i < n) row_affine_dx(dx, dy, x, &v, i, n - i, 0);
    }
}

/* ---- local response normalisation -------------------------------------------------------------- */

struct lrn {
    int64_t channels, stride, width;
    int64_t ring; /* rows of the scratch */
    const struct sw_lrn_window *w;
};

/* d = k + alpha * sum of squares of the window at channel c; x points at the pixels in channel 0. */
VEC_INLINE vf lrn_divisor(const float *x, int64_t c, const struct lrn *l, int64_t lanes, int full)
{
    int64_t from = c > l->w->before ? c - l->w->before : 0;
    int64_t to = c + l->w->after < l->channels ? c + l->w->after : l->channels - 1;
    vf sum = vf_zero();
    for (int64_t j = from; j <= to; j++) {
        vf v = load_part(x + j * l->stride, lanes, full);
        sum = vf_fma(v, v, sum);
    }
    return vf_fma(sum, vf_set(l->w->alpha), vf_set(l->w->k));
}

VEC_INLINE void lrn_part(float *y, const float *x, int64_t c, const struct lrn *l, int64_t lanes,
                         int full, int fast)
{
    vf p = lrn_power(lrn_divisor(x, c, l, lanes, full), l->w->beta, fast);
    vf v = load_part(x + c * l->stride, lanes, full);
    store_part(y + c * l->stride, vf_mul(v, p), lanes, full);
}

VEC_INLINE void lrn_strip(float *y, const float *x, const struct lrn *l, int fast)
{
    for (int64_t c = 0; c < l->channels; c++) {
        int64_t i = 0;
        for (; i + VF_N <= l->width; i += VF_N) lrn_part(y + i, x + i, c, l, VF_N, 1, fast);
        if (i < l->width) lrn_part(y + i, x + i, c, l, l->width - i, 0, fast);
    }
}

static void SW_ISA_NAME(sw__lrn_f32)(float *y, const float *x, int64_t channels, int64_t stride,
                                     int64_t width, const struct sw_lrn_window *w)
{
    struct lrn l = {channels, stride, width, 0, w};
    if (w->beta == 0.75f)
        lrn_strip(y, x, &l, 1);
    else
        lrn_strip(y, x, &l, 0);
}

/* dx = dy * d^-beta and scratch = dy * x * d^(-beta-1) */
VEC_INLINE void lrn_first(float *dx, float *scratch, const float *dy, const float *x, int64_t c,
                          const struct lrn *l, int64_t lanes, int full, int fast)
{
    int64_t at = c * l->stride;
    vf d = lrn_divisor(x, c, l, lanes, full);
    vf v = vf_mul(load_part(dy + at, lanes, full), lrn_power(d, l->w->beta, fast));
    store_part(dx + at, v, lanes, full);
    store_part(scratch, vf_div(vf_mul(v, load_part(x + at, lanes, full)), d), lanes, full);
}

/* dx -= 2 alpha beta x * sum of the scratch over the channels that see c.  Row j of the scratch is
 * row j % ring. */
VEC_INLINE void lrn_second(float *dx, const float *scratch, const float *x, int64_t c,
                           const struct lrn *l, int64_t lanes, int full)
{
    int64_t from = c > l->w->after ? c - l->w->after : 0, at = c * l->stride;
    int64_t to = c + l->w->before < l->channels ? c + l->w->before : l->channels - 1;
    vf sum = vf_zero();
    for (int64_t j = from, row = from % l->ring; j <= to; j++) {
        sum = vf_add(sum, load_part(scratch + row * l->width, lanes, full));
        row = row + 1 == l->ring ? 0 : row + 1;
    }
    vf v = vf_mul(load_part(x + at, lanes, full), vf_set(2 * l->w->alpha * l->w->beta));
    store_part(dx + at, vf_fnma(v, sum, load_part(dx + at, lanes, full)), lanes, full);
}

/* The second half of a channel follows as soon as the last channel of its window is done, while all
 * of the window is in the first cache. */
VEC_INLINE void lrn_backward_strip(float *dx, float *scratch, const float *dy, const float *x,
                                   const struct lrn *l, int fast)
{
    for (int64_t first = 0; first < l->channels + l->w->before; first++) {
        int64_t second = first - l->w->before, i;
        if (first < l->channels) {
            float *s = scratch + first % l->ring * l->width;
            for (i = 0; i + VF_N <= l->width; i += VF_N)
                lrn_first(dx + i, s + i, dy + i, x + i, first, l, VF_N, 1, fast);
            if (i < l->width)
                lrn_first(dx + i, s + i, dy + i, x + i, first, l, l->width - i, 0, fast);
        }
        if (second < 0) continue;
        for (i = 0; i + VF_N <= l->width; i += VF_N)
            lrn_second(dx + i, scratch + i, x + i, second, l, VF_N, 1);
        if (i < l->width) lrn_second(dx + i, scratch + i, x + i, second, l, l->width - i, 0);
    }
}

static void SW_ISA_NAME(sw__lrn_backward_f32)(float *dx, float *scratch, const float *dy,
                                              const float *x, int64_t channels, int64_t stride,
                                              int64_t width, const struct sw_lrn_window *w)
{
    struct lrn l = {channels, stride, width, sw__lrn_ring(channels, w), w};
    if (w->beta == 0.75f)
        lrn_backward_strip(dx, scratch, dy, x, &l, 1);
    else
        lrn_backward_strip(dx, scratch, dy, x, &l, 0);
}

#endif
