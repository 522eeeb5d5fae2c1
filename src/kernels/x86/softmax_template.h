/* Softmax for the vectors of one ISA: template of norm_avx2.c and norm_avx512.c.
 *
 * A row is read for its maximum, then for the sum of its exponentials, which are written, then they
 * are scaled; a row that fits the cache moves through memory once.  Exponents are <= 0, so nothing
 * overflows.  Relative error of softmax: exp 1 ulp, its argument one rounding (|x - max| eps / 2), the
 * sum and the division as in norm_kernels.h.
 *
 * NaN: the maximum skips it, x - max keeps it, the sum spreads it over the row. */
#ifndef SWELL_KERNELS_SOFTMAX_TEMPLATE_H
#define SWELL_KERNELS_SOFTMAX_TEMPLATE_H

#include "kernels/x86/norm_loops.h"

VEC_INLINE vf vec_max_skip(vf max, vf x)
{
    return vf_max(x, max); /* NaN in x: max */
}

VEC_INLINE float row_max(const float *x, int64_t n)
{
    vf m0 = vf_set(-INFINITY), m1 = m0, m2 = m0, m3 = m0;
    int64_t i = 0;
    for (; i + 4 * VF_N <= n; i += 4 * VF_N) {
        m0 = vec_max_skip(m0, vf_load(x + i));
        m1 = vec_max_skip(m1, vf_load(x + i + VF_N));
        m2 = vec_max_skip(m2, vf_load(x + i + 2 * VF_N));
        m3 = vec_max_skip(m3, vf_load(x + i + 3 * VF_N));
    }
    for (; i + VF_N <= n; i += VF_N) m0 = vec_max_skip(m0, vf_load(x + i));
    if (i < n) m1 = vf_select(vm_first(n - i), vec_max_skip(m1, vf_load_n(x + i, n - i)), m1);
    return vf_hmax(vf_max(vf_max(m0, m1), vf_max(m2, m3)));
}

VEC_INLINE float scalar_log(float x)
{
    float lanes[VF_N];
    vf_store(lanes, vf_log(vf_set(x)));
    return lanes[0];
}

/* exp(a - f) */
VEC_INLINE vf map_exp(const struct operands *o, int64_t i, int64_t lanes, int full)
{
    return vf_exp(vf_sub(load_part(o->a + i, lanes, full), vf_set(o->f)));
}

VEC_INLINE vf sum_exp(vf sum, const struct operands *o, int64_t i, int64_t lanes, int full)
{
    return vf_add(sum, map_exp(o, i, lanes, full));
}

/* A row of exponentials that is to be scaled into y, past the caches, while the next row is made; y NULL:
 * none.  So the stores are spread over the arithmetic: 82 -> 89 % of copying. */
struct pending {
    float *y;
    const float *e;
    float f;
};

/* The whole vector at i; with `p`, also that of the pending row, and the next row is fetched. */
VEC_INLINE vf write_exp_at(float *y, const struct operands *o, int64_t n, int64_t i,
                           const struct pending *p)
{
    if (p) stream_fetch(o->a + n + i);
    if (p && p->y) vf_stream(p->y + i, vf_mul(vf_load(p->e + i), vf_set(p->f)));
    const vf e = map_exp(o, i, VF_N, 1);
    vf_store(y + i, e);
    return e;
}

/* y = exp(x - max), and its sum in the same order as sum_over's. */
VEC_INLINE float write_exp(float *y, const struct operands *o, int64_t n, const struct pending *p)
{
    vf sum[4] = {vf_zero(), vf_zero(), vf_zero(), vf_zero()};
    int64_t i = 0;
    for (; i + 4 * VF_N <= n; i += 4 * VF_N)
        for (int k = 0; k < 4; k++) sum[k] = vf_add(sum[k], write_exp_at(y, o, n, i + k * VF_N, p));
    for (; i + VF_N <= n; i += VF_N) sum[0] = vf_add(sum[0], write_exp_at(y, o, n, i, p));
    if (i < n) {
        vf e = map_exp(o, i, n - i, 0);
        vf_store_n(y + i, e, n - i);
        sum[1] = vf_select(vm_first(n - i), vf_add(sum[1], e), sum[1]);
    }
    return vf_hsum(vf_add(vf_add(sum[0], sum[1]), vf_add(sum[2], sum[3])));
}

/* a * f */
VEC_INLINE vf map_scale(const struct operands *o, int64_t i, int64_t lanes, int full)
{
    return vf_mul(load_part(o->a + i, lanes, full), vf_set(o->f));
}

/* (a - f) - g */
VEC_INLINE vf map_subtract(const struct operands *o, int64_t i, int64_t lanes, int full)
{
    return vf_sub(vf_sub(load_part(o->a + i, lanes, full), vf_set(o->f)), vf_set(o->g));
}

/* Rows of whole vectors, past the caches; room for two rows. */
VEC_INLINE void softmax_past(float *y, const float *x, int64_t rows, int64_t n, float *room)
{
    struct pending p = {NULL, NULL, 0};
    for (int64_t r = 0; r < rows; r++, y += n, x += n) {
        struct operands o = {.a = x, .f = row_max(x, n)};
        float *e = room + (r & 1) * n;
        p = (struct pending){y, e, 1 / write_exp(e, &o, n, &p)};
    }
    struct operands last = {.a = p.e, .f = p.f};
    if (p.y) map_past(p.y, &last, n, 1, map_scale);
    stream_end(1);
}

static void SW_ISA_NAME(sw__softmax_f32)(float *y, const float *x, int64_t rows, int64_t n, int log,
                                         float *room)
{
    const int stream = room && stream_fits(y) && n % VF_N == 0;
    if (stream && !log) {
        softmax_past(y, x, rows, n, room);
        return;
    }
    for (int64_t r = 0; r < rows; r++, y += n, x += n) {
        struct operands o = {.a = x, .f = row_max(x, n)};
        if (log) {
            o.g = scalar_log(sum_over(&o, n, sum_exp));
            map_past(y, &o, n, stream, map_subtract);
        } else {
            struct operands e = {.a = y, .f = 1 / write_exp(y, &o, n, NULL)};
            map_over(y, &e, n, map_scale);
        }
    }
    stream_end(stream);
}

static void SW_ISA_NAME(sw__logsumexp_f32)(float *lse, const float *x, int64_t rows, int64_t n)
{
    for (int64_t r = 0; r < rows; r++, x += n) {
        struct operands o = {.a = x, .f = row_max(x, n)};
        lse[r] = o.f + scalar_log(sum_over(&o, n, sum_exp));
    }
}

/* (b - f) * a * g */
VEC_INLINE vf map_softmax_dx(const struct operands *o, int64_t i, int64_t lanes, int full)
{
    vf d = vf_sub(load_part(o->b + i, lanes, full), vf_set(o->f));
    return vf_mul(vf_mul(d, load_part(o->a + i, lanes, full)), vf_set(o->g));
}

/* (b - exp(a) * f) * g */
VEC_INLINE vf map_log_softmax_dx(const struct operands *o, int64_t i, int64_t lanes, int full)
{
    vf p = vf_exp(load_part(o->a + i, lanes, full));
    return vf_mul(vf_fnma(p, vf_set(o->f), load_part(o->b + i, lanes, full)), vf_set(o->g));
}

static void SW_ISA_NAME(sw__softmax_backward_f32)(float *dx, const float *dy, const float *y,
                                                  int64_t rows, int64_t n, int log, float factor)
{
    for (int64_t r = 0; r < rows; r++, dx += n, dy += n, y += n) {
        struct operands o = {.a = y, .b = dy, .g = factor};
        if (log) {
            struct operands sums = {.a = dy};
            o.f = sum_over(&sums, n, sum_a);
            map_over(dx, &o, n, map_log_softmax_dx);
        } else {
            o.f = sum_over(&o, n, sum_product);
            map_over(dx, &o, n, map_softmax_dx);
        }
    }
}

/* ---- along columns: V vectors of neighbouring columns walk down together ------------------------ */

VEC_INLINE void softmax_down(float *y, const float *x, int64_t n, int64_t stride, int log, int v,
                             int64_t lanes, int full)
{
    vf max[4], sum[4];
    for (int k = 0; k < v; k++) {
        max[k] = vf_set(-INFINITY);
        sum[k] = vf_zero();
    }
    for (int64_t i = 0; i < n; i++)
        for (int k = 0; k < v; k++)
            max[k] = vec_max_skip(max[k], load_part(x + i * stride + k * VF_N, lanes, full));
    for (int64_t i = 0; i < n; i++)
        for (int k = 0; k < v; k++) {
            int64_t at = i * stride + k * VF_N;
            vf e = vf_exp(vf_sub(load_part(x + at, lanes, full), max[k]));
            if (!log) store_part(y + at, e, lanes, full);
            sum[k] = vf_add(sum[k], e);
        }
    for (int k = 0; k < v; k++) sum[k] = log ? vf_log(sum[k]) : vf_div(vf_set(1.f), sum[k]);
    for (int64_t i = 0; i < n; i++)
        for (int k = 0; k < v; k++) {
            int64_t at = i * stride + k * VF_N;
            vf e = log ? vf_sub(vf_sub(load_part(x + at, lanes, full), max[k]), sum[k])
                       : vf_mul(load_part(y + at, lanes, full), sum[k]);
            store_part(y + at, e, lanes, full);
        }
}

static void SW_ISA_NAME(sw__softmax_columns_f32)(float *y, const float *x, int64_t n,
                                                 int64_t stride, int64_t width, int log)
{
    int64_t j = 0;
    for (; j + 4 * VF_N <= width; j += 4 * VF_N)
        softmax_down(y + j, x + j, n, stride, log, 4, VF_N, 1);
    for (; j + VF_N <= width; j += VF_N) softmax_down(y + j, x + j, n, stride, log, 1, VF_N, 1);
    if (j < width) softmax_down(y + j, x + j, n, stride, log, 1, width - j, 0);
}

VEC_INLINE void softmax_backward_down(float *dx, const float *dy, const float *y, int64_t n,
                                      int64_t stride, int log, vf factor, int64_t lanes, int full)
{
    vf sum = vf_zero();
    for (int64_t i = 0; i < n * stride; i += stride) {
        vf d = load_part(dy + i, lanes, full);
        sum = log ? vf_add(sum, d) : vf_fma(d, load_part(y + i, lanes, full), sum);
    }
    for (int64_t i = 0; i < n * stride; i += stride) {
        vf d = load_part(dy + i, lanes, full), p = load_part(y + i, lanes, full);
        d = log ? vf_fnma(vf_exp(p), sum, d) : vf_mul(vf_sub(d, sum), p);
        store_part(dx + i, vf_mul(d, factor), lanes, full);
    }
}

static void SW_ISA_NAME(sw__softmax_backward_columns_f32)(float *dx, const float *dy,
                                                          const float *y, int64_t n, int64_t stride,
                                                          int64_t width, int log, float factor)
{
    int64_t j = 0;
    vf f = vf_set(factor);
    for (; j + VF_N <= width; j += VF_N)
        softmax_backward_down(dx + j, dy + j, y + j, n, stride, log, f, VF_N, 1);
    if (j < width) softmax_backward_down(dx + j, dy + j, y + j, n, stride, log, f, width - j, 0);
}

#endif
