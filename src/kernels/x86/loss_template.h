/* Losses and Gumbel noise for the vectors of one ISA: template of norm_avx2.c and norm_avx512.c. */
#ifndef SWELL_KERNELS_LOSS_TEMPLATE_H
#define SWELL_KERNELS_LOSS_TEMPLATE_H

#include "kernels/x86/norm_loops.h"
#include "kernels/x86/vec_philox.h"

/* sum + (f - a) */
VEC_INLINE vf sum_gap(vf sum, const struct operands *o, int64_t i, int64_t lanes, int full)
{
    return vf_add(sum, vf_sub(vf_set(o->f), load_part(o->a + i, lanes, full)));
}

/* sum + b * (f - a), nothing where b is 0 */
VEC_INLINE vf sum_weighted_gap(vf sum, const struct operands *o, int64_t i, int64_t lanes, int full)
{
    vf t = load_part(o->b + i, lanes, full);
    vf gap = vf_sub(vf_set(o->f), load_part(o->a + i, lanes, full));
    return vf_select(vf_eq(t, vf_zero()), sum, vf_fma(t, gap, sum));
}

static float SW_ISA_NAME(sw__cross_entropy_gap_f32)(const float *x, const float *t, float lse,
                                                    int64_t n)
{
    struct operands o = {.a = x, .b = t, .f = lse};
    return t ? sum_over(&o, n, sum_weighted_gap) : sum_over(&o, n, sum_gap);
}

/* g * exp(a - f) - k */
VEC_INLINE vf map_hard_dx(const struct operands *o, int64_t i, int64_t lanes, int full)
{
    vf p = vf_exp(vf_sub(load_part(o->a + i, lanes, full), vf_set(o->f)));
    return vf_fms(p, vf_set(o->g), vf_set(o->k));
}

/* g * exp(a - f) - h * b - k */
VEC_INLINE vf map_soft_dx(const struct operands *o, int64_t i, int64_t lanes, int full)
{
    return vf_fnma(load_part(o->b + i, lanes, full), vf_set(o->h), map_hard_dx(o, i, lanes, full));
}

static void SW_ISA_NAME(sw__cross_entropy_dx_f32)(float *dx, const float *x, const float *t,
                                                  float lse, float p, float q, float u, int64_t n)
{
    struct operands o = {.a = x, .b = t, .f = lse, .g = p, .h = q, .k = u};
    if (t)
        map_over(dx, &o, n, map_soft_dx);
    else
        map_over(dx, &o, n, map_hard_dx);
}

static float SW_ISA_NAME(sw__total_f32)(const float *x, int64_t n)
{
    struct operands o = {.a = x};
    return sum_over(&o, n, sum_a);
}

VEC_INLINE vf map_mse(const struct operands *o, int64_t i, int64_t lanes, int full)
{
    vf d = vf_sub(load_part(o->a + i, lanes, full), load_part(o->b + i, lanes, full));
    return vf_mul(d, d);
}

static void SW_ISA_NAME(sw__mse_f32)(float *y, const float *x, const float *t, int64_t n)
{
    struct operands o = {.a = x, .b = t};
    map_over(y, &o, n, map_mse);
}

/* The factor of element i: f * g[i], or with one g for all, f (which holds the product already). */
VEC_INLINE vf factor_at(const struct operands *o, int64_t i, int64_t lanes, int full)
{
    return o->c ? vf_mul(vf_set(o->f), load_part(o->c + i, lanes, full)) : vf_set(o->f);
}

VEC_INLINE vf map_mse_dx(const struct operands *o, int64_t i, int64_t lanes, int full)
{
    vf d = vf_sub(load_part(o->a + i, lanes, full), load_part(o->b + i, lanes, full));
    return vf_mul(factor_at(o, i, lanes, full), d);
}

static void SW_ISA_NAME(sw__mse_dx_f32)(float *dx, const float *x, const float *t, const float *g,
                                        int g_step, float factor, int64_t n)
{
    struct operands o = {.a = x, .b = t, .c = g_step ? g : NULL, .f = 2 * factor};
    if (n > 0 && !g_step) o.f *= g[0];
    map_over(dx, &o, n, map_mse_dx);
}

VEC_INLINE vf map_bce(const struct operands *o, int64_t i, int64_t lanes, int full)
{
    vf x = load_part(o->a + i, lanes, full), t = load_part(o->b + i, lanes, full);
    vf linear = vf_fnma(x, t, vf_max(vf_zero(), x));
    return vf_add(linear, vec_log1p_unit(vf_exp(vf_neg(vf_abs(x)))));
}

static void SW_ISA_NAME(sw__bce_f32)(float *y, const float *x, const float *t, int64_t n)
{
    struct operands o = {.a = x, .b = t};
    map_over(y, &o, n, map_bce);
}

VEC_INLINE vf map_bce_dx(const struct operands *o, int64_t i, int64_t lanes, int full)
{
    vf d = vf_sub(vf_sigmoid(load_part(o->a + i, lanes, full)), load_part(o->b + i, lanes, full));
    return vf_mul(factor_at(o, i, lanes, full), d);
}

static void SW_ISA_NAME(sw__bce_dx_f32)(float *dx, const float *x, const float *t, const float *g,
                                        int g_step, float factor, int64_t n)
{
    struct operands o = {.a = x, .b = t, .c = g_step ? g : NULL, .f = factor};
    if (n > 0 && !g_step) o.f *= g[0];
    map_over(dx, &o, n, map_bce_dx);
}

/* (x - log(-log(u))) * inv_tau for random words w; u is exact, so both logarithms keep their 1 ulp. */
VEC_INLINE vf gumbel_of(vi w, vf x, vf inv_tau)
{
    vf u = vf_mul(vf_add(vf_from_vi(vi_shr(w, 9)), vf_set(0.5f)), vf_set(0x1p-23f));
    return vf_mul(vf_sub(x, vf_log(vf_neg(vf_log(u)))), inv_tau);
}

static void SW_ISA_NAME(sw__gumbel_f32)(float *y, const float *x, float inv_tau, uint64_t seed,
                                        uint64_t stream, uint64_t first, int64_t n)
{
    vf scale = vf_set(inv_tau);
    for (int64_t i = 0; i < n; i += 4 * VF_N) {
        vi words[4];
        vec_philox(seed, stream, (first + (uint64_t)i) / 4, words);
        for (int64_t k = 0; k < 4 && i + k * VF_N < n; k++) {
            int64_t at = i + k * VF_N, left = n - at;
            if (left >= VF_N)
                vf_store(y + at, gumbel_of(words[k], vf_load(x + at), scale));
            else
                vf_store_n(y + at, gumbel_of(words[k], vf_load_n(x + at, left), scale), left);
        }
    }
}

#endif
