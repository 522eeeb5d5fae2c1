/* y = a^b for the vectors of one ISA, as 2^(b log2 |a|) with the special cases of C's pow (C11, F.10.4.4).
 *
 * The logarithm has to be right to 2^-32 of it, because b log2 |a| reaches 150 and its error becomes
 * a relative one: so it is computed in float64, half a vector at a time, from
 * log(1 + f) = 2 (s + s^3/3 + s^5/5 + ...), s = f / (2 + f), |s| < 0.172; the seventh term is 2^-39. */
#ifndef SWELL_KERNELS_POW_TEMPLATE_H
#define SWELL_KERNELS_POW_TEMPLATE_H

#include <math.h>
#include "kernels/kernels.h"

/* clang-format off */
#ifdef __AVX512F__
typedef __m512d vd; /* half as many float64 */
VEC_INLINE vd vd_set(double x) { return _mm512_set1_pd(x); }
VEC_INLINE vd vd_add(vd a, vd b) { return _mm512_add_pd(a, b); }
VEC_INLINE vd vd_sub(vd a, vd b) { return _mm512_sub_pd(a, b); }
VEC_INLINE vd vd_mul(vd a, vd b) { return _mm512_mul_pd(a, b); }
VEC_INLINE vd vd_div(vd a, vd b) { return _mm512_div_pd(a, b); }
VEC_INLINE vd vd_fma(vd a, vd b, vd c) { return _mm512_fmadd_pd(a, b, c); }
VEC_INLINE vd vd_min(vd a, vd b) { return _mm512_min_pd(a, b); }
VEC_INLINE vd vd_max(vd a, vd b) { return _mm512_max_pd(a, b); }
VEC_INLINE vd vd_rint(vd x) { return _mm512_roundscale_pd(x, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC); }
VEC_INLINE vd vd_low(vf x) { return _mm512_cvtps_pd(_mm512_castps512_ps256(x)); }
VEC_INLINE vd vd_high(vf x) { return _mm512_cvtps_pd(_mm512_extractf32x8_ps(x, 1)); }
VEC_INLINE vf vf_from_vd(vd low, vd high) { return _mm512_insertf32x8(_mm512_castps256_ps512(_mm512_cvtpd_ps(low)), _mm512_cvtpd_ps(high), 1); }
#else
typedef __m256d vd;
VEC_INLINE vd vd_set(double x) { return _mm256_set1_pd(x); }
VEC_INLINE vd vd_add(vd a, vd b) { return _mm256_add_pd(a, b); }
VEC_INLINE vd vd_sub(vd a, vd b) { return _mm256_sub_pd(a, b); }
VEC_INLINE vd vd_mul(vd a, vd b) { return _mm256_mul_pd(a, b); }
VEC_INLINE vd vd_div(vd a, vd b) { return _mm256_div_pd(a, b); }
VEC_INLINE vd vd_fma(vd a, vd b, vd c) { return _mm256_fmadd_pd(a, b, c); }
VEC_INLINE vd vd_min(vd a, vd b) { return _mm256_min_pd(a, b); }
VEC_INLINE vd vd_max(vd a, vd b) { return _mm256_max_pd(a, b); }
VEC_INLINE vd vd_rint(vd x) { return _mm256_round_pd(x, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC); }
VEC_INLINE vd vd_low(vf x) { return _mm256_cvtps_pd(_mm256_castps256_ps128(x)); }
VEC_INLINE vd vd_high(vf x) { return _mm256_cvtps_pd(_mm256_extractf128_ps(x, 1)); }
VEC_INLINE vf vf_from_vd(vd low, vd high) { return _mm256_insertf128_ps(_mm256_castps128_ps256(_mm256_cvtpd_ps(low)), _mm256_cvtpd_ps(high), 1); }
#endif
/* clang-format on */

/* b log2((1 + f) 2^e) = n + g, |g| <= 1/2; n within +-160, where all powers are 0 or infinite. */
VEC_INLINE vd pow_exponent(vd f, vd e, vd b, vd *g)
{
    vd s = vd_div(f, vd_add(f, vd_set(2))), z = vd_mul(s, s), p = vd_set(2. / 13);
    p = vd_fma(p, z, vd_set(2. / 11));
    p = vd_fma(p, z, vd_set(2. / 9));
    p = vd_fma(p, z, vd_set(2. / 7));
    p = vd_fma(p, z, vd_set(2. / 5));
    p = vd_fma(p, z, vd_set(2. / 3));
    p = vd_fma(p, z, vd_set(2));
    vd t = vd_mul(b, vd_fma(vd_mul(p, s), vd_set(0x1.71547652b82fep+0), e));
    t = vd_min(vd_set(160), vd_max(vd_set(-160), t));
    vd n = vd_rint(t);
    *g = vd_sub(t, n);
    return n;
}

/* |a|^b for a that is neither 0 nor infinite. */
VEC_INLINE vf pow_finite(vf a, vf b)
{
    vf e, f = vec_split(a, &e);
    vd g0, g1, ln2 = vd_set(0x1.62e42fefa39efp-1);
    vd n0 = pow_exponent(vd_low(f), vd_low(e), vd_low(b), &g0);
    vd n1 = pow_exponent(vd_high(f), vd_high(e), vd_high(b), &g1);
    vf r = vf_from_vd(vd_mul(g0, ln2), vd_mul(g1, ln2));
    return vf_ldexp(vf_add(vec_expm1_core(r), vf_set(1.f)), vf_from_vd(n0, n1));
}

VEC_INLINE vf pow_of(vf a, vf b)
{
    const vf zero = vf_zero(), one = vf_set(1.f), infinite = vf_set(INFINITY), half = vf_set(0.5f);
    vf size = vf_abs(a), y = pow_finite(size, b);
    vm at_zero = vf_eq(size, zero), at_infinity = vf_eq(size, infinite), falls = vf_lt(b, zero);
    y = vf_select(at_zero, vf_select(falls, infinite, zero), y);
    y = vf_select(at_infinity, vf_select(falls, zero, infinite), y);
    y = vf_select(vf_eq(size, one), one, y);
    vf twice = vf_mul(b, half);
    vm whole = vf_eq(vf_rint(b), b), odd = vm_and(whole, vf_ne(vf_rint(twice), twice));
    y = vf_select(odd, vf_xor(y, vf_sign_bit(a)), y);
    vm negative = vm_and(vf_lt(a, zero), vm_not(at_infinity));
    y = vf_select(vm_and(negative, vm_not(whole)), vf_set(NAN), y);
    y = vf_select(vf_isnan(a), a, vf_select(vf_isnan(b), b, y));
    return vf_select(vm_or(vf_eq(b, zero), vf_eq(a, one)), one, y);
}

/* n lanes from element i on; of a scalar its one number. */
VEC_INLINE vf pow_load(const float *x, int64_t i, int64_t n, int scalar)
{
    if (scalar) return vf_set(*x);
    return n >= VF_N ? vf_load(x + i) : vf_load_n(x + i, n);
}

static void SW_ISA_NAME(sw__pow_f32)(float *y, const float *a, const float *b, int64_t n,
                                     int scalar)
{
    for (int64_t i = 0; i < n; i += VF_N) {
        int64_t left = n - i;
        vf r = pow_of(pow_load(a, i, left, scalar & 1), pow_load(b, i, left, scalar & 2));
        if (left >= VF_N)
            vf_store(y + i, r);
        else
            vf_store_n(y + i, r, left);
    }
}

#endif
