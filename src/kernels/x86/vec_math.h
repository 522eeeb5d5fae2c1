/* Elementary functions of vectors, for the templates of all families.  Included by vec_avx2.h and
 * vec_avx512.h, which give the names vf, vi, vm a meaning.
 *
 * Arguments are reduced as Cody and Waite do (Software Manual for the Elementary Functions, 1980);
 * the polynomials are minimax fits made for these intervals (Remez), rounded to f32.  The bounds, in
 * units of the last place of the exact result, were measured against float64 and are what
 * tests/checkkern holds the kernels to.  All functions give NaN for NaN and work on denormals. */
#ifndef SWELL_KERNELS_VEC_MATH_H
#define SWELL_KERNELS_VEC_MATH_H

#include <math.h>

/* r + r^2 P(r) = e^r - 1 for |r| <= ln(2)/2, relative error of e^r 2^-28. */
VEC_INLINE vf vec_expm1_core(vf r)
{
    vf p = vf_set(0x1.6a1a72p-10f);
    p = vf_fma(p, r, vf_set(0x1.123fc6p-7f));
    p = vf_fma(p, r, vf_set(0x1.555916p-5f));
    p = vf_fma(p, r, vf_set(0x1.55548ap-3f));
    p = vf_fma(p, r, vf_set(0x1.fffffcp-2f));
    return vf_fma(vf_mul(r, r), p, r);
}

/* x = n ln 2 + r */
VEC_INLINE vf vec_reduce_ln2(vf x, vf *n)
{
    *n = vf_rint(vf_mul(x, vf_set(0x1.715476p+0f)));
    vf r = vf_fnma(*n, vf_set(0x1.62e43p-1f), x);
    return vf_fnma(*n, vf_set(-0x1.05c61p-29f), r);
}

/* 1 ulp.  e^-104 rounds to 0 and e^89 to infinity. */
VEC_INLINE vf vf_exp(vf x)
{
    vf n, r = vec_reduce_ln2(vf_min(vf_set(89.f), vf_max(vf_set(-104.f), x)), &n);
    return vf_ldexp(vf_add(vec_expm1_core(r), vf_set(1.f)), n);
}

/* f + e ln 2 - f^2/2 + f^3 P(f) = log((1 + f) 2^e) for sqrt(1/2) <= 1 + f <= sqrt(2), 2^-27. */
VEC_INLINE vf vec_log_core(vf f, vf e)
{
    vf p = vf_set(-0x1.38b5d4p-4f), f2 = vf_mul(f, f);
    p = vf_fma(p, f, vf_set(0x1.055b82p-3f));
    p = vf_fma(p, f, vf_set(-0x1.0d853cp-3f));
    p = vf_fma(p, f, vf_set(0x1.22da18p-3f));
    p = vf_fma(p, f, vf_set(-0x1.547244p-3f));
    p = vf_fma(p, f, vf_set(0x1.99a008p-3f));
    p = vf_fma(p, f, vf_set(-0x1.000226p-2f));
    p = vf_fma(p, f, vf_set(0x1.555554p-2f));
    vf y = vf_fma(e, vf_set(-0x1.05c61p-29f), vf_mul(vf_mul(f, f2), p));
    y = vf_add(f, vf_fnma(vf_set(0.5f), f2, y));
    return vf_fma(e, vf_set(0x1.62e43p-1f), y);
}

/* x = (1 + f) 2^e for positive finite x: returns f. */
VEC_INLINE vf vec_split(vf x, vf *e)
{
    vm tiny = vf_lt(x, vf_set(0x1p-126f));
    vi bits = vf_bits(vf_select(tiny, vf_mul(x, vf_set(0x1p23f)), x));
    vi exponent = vi_sar(vi_sub(bits, vi_set(0x3f3504f3)), 23); /* sqrt(1/2) */
    *e = vf_sub(vf_from_vi(exponent), vf_select(tiny, vf_set(23.f), vf_zero()));
    return vf_sub(vf_from_bits(vi_sub(bits, vi_shl(exponent, 23))), vf_set(1.f));
}

/* 1 ulp.  log 0 = -infinity, of negative numbers NaN. */
VEC_INLINE vf vf_log(vf x)
{
    vf e, f = vec_split(x, &e), y = vec_log_core(f, e);
    y = vf_select(vf_lt(x, vf_set(INFINITY)), y, x); /* +infinity and NaN */
    y = vf_select(vf_eq(x, vf_zero()), vf_set(-INFINITY), y);
    return vf_select(vf_lt(x, vf_zero()), vf_set(NAN), y);
}

/* log(1 + e) for 0 <= e <= 1; 2 ulp. */
VEC_INLINE vf vec_log1p_unit(vf e)
{
    vm big = vf_gt(e, vf_set(0x1.a8279ap-2f)); /* sqrt(2) - 1 */
    vf half = vf_mul(vf_sub(e, vf_set(1.f)), vf_set(0.5f));
    return vec_log_core(vf_select(big, half, e), vf_select(big, vf_set(1.f), vf_zero()));
}

/* 3 ulp: (e^2|x| - 1) / (e^2|x| + 1), where the numerator has no cancellation. */
VEC_INLINE vf vf_tanh(vf x)
{
    vf a = vf_abs(x), n, r = vec_reduce_ln2(vf_min(vf_set(20.f), vf_add(a, a)), &n);
    vf scale = vf_from_bits(vi_shl(vi_add(vf_to_vi(n), vi_set(127)), 23));
    vf m = vf_fma(vec_expm1_core(r), scale, vf_sub(scale, vf_set(1.f)));
    return vf_xor(vf_div(m, vf_add(m, vf_set(2.f))), vf_sign_bit(x));
}

/* 2.5 ulp: 1 / (1 + e^-|x|) or e^-|x| / (1 + e^-|x|), so small results are right too. */
VEC_INLINE vf vf_sigmoid(vf x)
{
    vf e = vf_exp(vf_neg(vf_abs(x))), one = vf_set(1.f);
    return vf_div(vf_select(vf_lt(x, vf_zero()), e, one), vf_add(one, e));
}

/* s = sigmoid(x) and *slope = s (1 - s) = s'(x), without the cancellation of 1 - s. */
VEC_INLINE vf vec_sigmoid_slope(vf x, vf *slope)
{
    vf e = vf_exp(vf_neg(vf_abs(x))), one = vf_set(1.f);
    vf big = vf_div(one, vf_add(one, e)), small = vf_mul(e, big);
    *slope = vf_mul(big, small);
    return vf_select(vf_lt(x, vf_zero()), small, big);
}

/* d silu / dx = s + x s (1 - s). */
VEC_INLINE vf vec_silu_slope(vf x)
{
    x = vf_min(vf_set(110.f), vf_max(vf_set(-110.f), x));
    vf slope, s = vec_sigmoid_slope(x, &slope);
    return vf_fma(x, slope, s);
}

/* x sigmoid(x); 3.5 ulp, below 1e-36 2^-141; silu(-infinity) = -0, the limit. */
VEC_INLINE vf vf_silu(vf x)
{
    x = vf_max(vf_set(-110.f), x);
    return vf_mul(x, vf_sigmoid(x));
}

/* log(1 + e^x) = max(x, 0) + log(1 + e^-|x|); 2 ulp. */
VEC_INLINE vf vf_softplus(vf x)
{
    return vf_add(vf_max(vf_zero(), x), vec_log1p_unit(vf_exp(vf_neg(vf_abs(x)))));
}

/* Q(a) = 1 - Phi(a) for 0 <= a <= 15, the tail of the normal distribution, and the numerator of its
 * density, e^(-a^2/2).  Q(a) e^(a^2/2) = t P(t), t = 1 / (1 + 0.3 a), is the form of Hastings
 * (Approximations for Digital Computers, 1955) with a longer polynomial; 4 ulp. */
VEC_INLINE vf vec_normal_tail(vf a, vf *density)
{
    vf t = vf_div(vf_set(1.f), vf_fma(a, vf_set(0x1.333334p-2f), vf_set(1.f)));
    vf p = vf_set(-0x1.51fadp-6f);
    p = vf_fma(p, t, vf_set(0x1.cca7cap-4f));
    p = vf_fma(p, t, vf_set(-0x1.d386dcp-3f));
    p = vf_fma(p, t, vf_set(0x1.88f9f2p-3f));
    p = vf_fma(p, t, vf_set(-0x1.45ab2ap-4f));
    p = vf_fma(p, t, vf_set(0x1.8a0e0ep-4f));
    p = vf_fma(p, t, vf_set(0x1.410344p-4f));
    p = vf_fma(p, t, vf_set(0x1.c38a54p-4f));
    p = vf_fma(p, t, vf_set(0x1.e9c39ep-4f));
    p = vf_fma(p, t, vf_set(0x1.ea3cap-4f));
    /* a^2 = square + rest exactly: a rounded square would lose 6 bits of the exponential. */
    vf square = vf_mul(a, a), rest = vf_fms(a, a, square), half = vf_set(-0.5f);
    vf e = vf_exp(vf_mul(half, square));
    *density = vf_fma(vf_mul(half, rest), e, e);
    return vf_mul(*density, vf_mul(t, p));
}

/* x Phi(x); 8 ulp, also in the negative tail; gelu(-infinity) = -0, the limit. */
VEC_INLINE vf vf_gelu(vf x)
{
    vf density, a = vf_min(vf_set(15.f), vf_abs(x));
    vf tail = vf_mul(a, vec_normal_tail(a, &density));
    return vf_select(vf_lt(x, vf_zero()), vf_neg(tail), vf_sub(x, tail));
}

/* d gelu / dx = Phi(x) + x phi(x). */
VEC_INLINE vf vec_gelu_slope(vf x)
{
    vf density, a = vf_min(vf_set(15.f), vf_abs(x)), tail = vec_normal_tail(a, &density);
    vf bump = vf_mul(vf_mul(a, density), vf_set(0x1.988454p-2f)); /* |x| phi(x) */
    vm negative = vf_lt(x, vf_zero());
    return vf_select(negative, vf_sub(tail, bump), vf_add(vf_sub(vf_set(1.f), tail), bump));
}

/* x (1 + tanh u) / 2 = x sigmoid(2u), u = sqrt(2/pi) (x + 0.044715 x^3); 4 + 5 |u| ulp for x < 0. */
VEC_INLINE vf vf_gelu_tanh(vf x)
{
    x = vf_max(vf_set(-15.f), x);
    vf c = vf_fma(vf_mul(x, x), vf_set(0x1.2444f2p-4f), vf_set(0x1.988454p+0f));
    return vf_mul(x, vf_sigmoid(vf_mul(x, c)));
}

/* d gelu_tanh / dx = s + x s (1 - s) 2u', 2u' = sqrt(8/pi) (1 + 3 * 0.044715 x^2). */
VEC_INLINE vf vec_gelu_tanh_slope(vf x)
{
    x = vf_min(vf_set(15.f), vf_max(vf_set(-15.f), x));
    vf x2 = vf_mul(x, x), slope;
    vf c = vf_fma(x2, vf_set(0x1.2444f2p-4f), vf_set(0x1.988454p+0f));
    vf d = vf_fma(x2, vf_set(0x1.b6676cp-3f), vf_set(0x1.988454p+0f));
    vf s = vec_sigmoid_slope(vf_mul(x, c), &slope);
    return vf_fma(vf_mul(x, d), slope, s);
}

/* sin x for odd = 0, cos x for odd = 1, |x| <= 2^15; 2 ulp. */
VEC_INLINE vf vec_sine(vf x, int32_t odd)
{
    vf n = vf_rint(vf_mul(x, vf_set(0x1.45f306p-1f))); /* x = n pi/2 + r */
    vf r = vf_fnma(n, vf_set(0x1.921fb6p+0f), x);      /* exact */
    r = vf_fnma(n, vf_set(-0x1.777a5cp-25f), r);
    r = vf_fnma(n, vf_set(-0x1.ee59dap-50f), r);
    vf z = vf_mul(r, r);
    vf s = vf_fma(vf_set(-0x1.994b4p-13f), z, vf_set(0x1.110756p-7f));
    s = vf_fma(vf_fma(s, z, vf_set(-0x1.555546p-3f)), vf_mul(z, r), r);
    vf c = vf_fma(vf_set(0x1.99e86ap-16f), z, vf_set(-0x1.6c0c28p-10f));
    c = vf_fma(vf_fma(c, z, vf_set(0x1.55554ap-5f)), z, vf_set(-0.5f));
    c = vf_fma(c, z, vf_set(1.f));
    vi quadrant = vi_add(vf_to_vi(n), vi_set(odd));
    vm cosine = vi_eq(vi_and(quadrant, vi_set(1)), vi_set(1));
    vf sign = vf_from_bits(vi_shl(vi_and(quadrant, vi_set(2)), 30));
    return vf_xor(vf_select(cosine, c, s), sign);
}

/* Large arguments, lane by lane: their reduction needs more digits of pi than fit here. */
static __attribute__((noinline, unused)) vf vec_sine_far(vf x, vf near, int32_t odd)
{
    float from[VF_N], to[VF_N];
    vf_store(from, x);
    vf_store(to, near);
    for (int i = 0; i < VF_N; i++)
        if (!(fabsf(from[i]) <= 0x1p15f))
            to[i] = (float)(odd ? cos((double)from[i]) : sin((double)from[i]));
    return vf_load(to);
}

VEC_INLINE vf vec_sine_any(vf x, int32_t odd)
{
    vm near = vf_le(vf_abs(x), vf_set(0x1p15f));
    vf y = vec_sine(x, odd);
    return vm_any(vm_not(near)) ? vec_sine_far(x, y, odd) : y;
}

/* 2 ulp for all x; sin(-0) = -0, of infinities NaN. */
VEC_INLINE vf vf_sin(vf x)
{
    return vf_select(vf_eq(x, vf_zero()), x, vec_sine_any(x, 0));
}

VEC_INLINE vf vf_cos(vf x)
{
    return vec_sine_any(x, 1);
}

/* x < 0 ? 0 : x; NaN and -0 stay. */
VEC_INLINE vf vf_relu(vf x)
{
    return vf_max(vf_zero(), x);
}

/* x < 0 ? slope * x : x */
VEC_INLINE vf vf_leaky_relu(vf x, vf slope)
{
    return vf_select(vf_lt(x, vf_zero()), vf_mul(slope, x), x);
}

/* x < lo ? lo : x > hi ? hi : x, for lo <= hi; NaN stays. */
VEC_INLINE vf vf_clip(vf x, vf lo, vf hi)
{
    return vf_min(hi, vf_max(lo, x));
}

#endif
