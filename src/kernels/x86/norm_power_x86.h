/* The power of local response normalisation, for vectors of one ISA. */
#ifndef SWELL_NORM_POWER_X86_H
#define SWELL_NORM_POWER_X86_H

#include "kernels/x86/vec_math.h"

#ifdef __AVX512F__
/* 1 / sqrt(x) for 0 < x < infinity to 2 ulp: AVX-512's estimate has 14 bits, the same ones on every
 * CPU, and one step of Newton doubles them. */
VEC_INLINE vf lrn_rsqrt(vf x)
{
    vf r = _mm512_rsqrt14_ps(x);
    vf half = vf_mul(vf_set(-0.5f), r);
    return vf_fma(vf_fms(vf_mul(x, r), r, vf_set(1.f)), half, r);
}

/* d^-3/4 = r * r * (1 / sqrt(r)) with r = 1 / sqrt(d): without roots and divisions, which would
 * take longer than memory does. */
VEC_INLINE vf lrn_three_quarters(vf d)
{
    vf r = lrn_rsqrt(d);
    return vf_mul(vf_mul(r, r), lrn_rsqrt(r));
}
#else
/* d^-3/4 = r * sqrt(r) with r = 1 / sqrt(d). */
VEC_INLINE vf lrn_three_quarters(vf d)
{
    vf r = vf_div(vf_set(1.f), vf_sqrt(d));
    return vf_mul(r, vf_sqrt(r));
}
#endif

/* d^-beta, where a d past 2^126 counts as that.  The general form is exp(-beta * log(d)), of relative
 * error (|beta log(d)| + 2) ulp. */
VEC_INLINE vf lrn_power(vf d, float beta, int fast)
{
    if (!fast) return vf_exp(vf_mul(vf_set(-beta), vf_log(d)));
    return lrn_three_quarters(vf_min(vf_set(0x1p126f), d));
}

#endif
