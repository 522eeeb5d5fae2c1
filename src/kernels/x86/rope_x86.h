/* Rotary positions for AVX2 and AVX-512; what attention_kernels.h says of them.
 *
 * Angles are reduced in double: n = round(angle 2/pi), r = angle - n (hi + lo) with fma, where
 * hi + lo is pi/2 to 107 bits, so r is exact to 2^-53 as long as n fits 51 bits.  On [-pi/4, pi/4]
 * the Taylor polynomials of sine (to r^13) and cosine (to r^14) are off by less than 2e-14, far below
 * the rounding to f32. */
#ifndef SWELL_ROPE_X86_H
#define SWELL_ROPE_X86_H

#include <string.h>
#include "kernels/x86/attention_block_x86.h"

/* Horner's rule for n coefficients, the highest first. */
VEC_INLINE dvec polynomial(const double *c, int n, dvec x)
{
    dvec y = dvec_set1(c[0]);
    UNROLL for (int i = 1; i < n; i++) y = dvec_fma(y, x, dvec_set1(c[i]));
    return y;
}

/* Cosine and sine of the angles, as floats. */
VEC_INLINE void turn(float *cosine, float *sine, dvec angle)
{
    static const double s[] = {1. / 6227020800, -1. / 39916800, 1. / 362880,
                               -1. / 5040,      1. / 120,       -1. / 6};
    static const double c[] = {-1. / 87178291200, 1. / 479001600, -1. / 3628800, 1. / 40320,
                               -1. / 720,         1. / 24,        -1. / 2,       1};
    /* Adding 1.5 * 2^52 rounds to an integer and leaves its low bits in the mantissa. */
    const dvec round = dvec_set1(0x1.8p52);
    const dvec shifted = dvec_fma(angle, dvec_set1(0x1.45f306dc9c883p-1), round);
    const dvec n = dvec_sub(shifted, round);
    dvec r = dvec_fnma(n, dvec_set1(0x1.921fb54442d18p+0), angle);
    r = dvec_fnma(n, dvec_set1(0x1.1a62633145c07p-54), r);
    const dvec r2 = dvec_mul(r, r);
    const dvec sn = dvec_fma(dvec_mul(r, r2), polynomial(s, 6, r2), r);
    const dvec cs = polynomial(c, 8, r2);
    /* Quadrant q = n mod 4: odd ones swap, sine is negative for 2 and 3, cosine for 1 and 2. */
    dvec_store_float(cosine, dvec_quadrant(shifted, cs, sn, 1));
    dvec_store_float(sine, dvec_quadrant(shifted, sn, cs, 0));
}

static void rope_angles(float *cosine, float *sine, double position, const double *frequency,
                        int64_t n)
{
    const dvec p = dvec_set1(position);
    int64_t i = 0;
    for (; i + DVEC_LANES <= n; i += DVEC_LANES)
        turn(cosine + i, sine + i, dvec_mul(p, dvec_loadu(frequency + i)));
    if (i == n) return;
    double rest[DVEC_LANES] = {0};
    float c[DVEC_LANES], s[DVEC_LANES];
    memcpy(rest, frequency + i, (size_t)(n - i) * sizeof *rest);
    turn(c, s, dvec_mul(p, dvec_loadu(rest)));
    memcpy(cosine + i, c, (size_t)(n - i) * sizeof *c);
    memcpy(sine + i, s, (size_t)(n - i) * sizeof *s);
}

/* One head, pairs (i, i + half). */
VEC_INLINE void turn_halves(float *y, const float *x, const float *cosine, const float *sine,
                            int64_t half)
{
    int64_t i = 0;
    for (; i + VF_N <= half; i += VF_N) {
        const vf a = vf_load(x + i), b = vf_load(x + half + i);
        const vf c = vf_load(cosine + i), s = vf_load(sine + i);
        vf_store(y + i, vf_fnma(b, s, vf_mul(a, c)));
        vf_store(y + half + i, vf_fma(b, c, vf_mul(a, s)));
    }
    for (; i < half; i++) {
        const float a = x[i], b = x[half + i];
        y[i] = fmaf(-b, sine[i], a * cosine[i]);
        y[half + i] = fmaf(b, cosine[i], a * sine[i]);
    }
}

/* One head, pairs (2i, 2i + 1). */
VEC_INLINE void turn_pairs(float *y, const float *x, const float *cosine, const float *sine,
                           int64_t half)
{
    int64_t i = 0;
    for (; 2 * i + VF_N <= 2 * half; i += VF_N / 2) {
        const vf ab = vf_load(x + 2 * i);
        const vf c = vf_load_twice(cosine + i), s = vf_load_twice(sine + i);
        vf_store(y + 2 * i, vf_fma_sub_add(ab, c, vf_mul(vf_swap_pairs(ab), s)));
    }
    for (; i < half; i++) {
        const float a = x[2 * i], b = x[2 * i + 1];
        y[2 * i] = fmaf(a, cosine[i], -(b * sine[i]));
        y[2 * i + 1] = fmaf(b, cosine[i], a * sine[i]);
    }
}

static void rope_apply(float *y, const float *x, const float *cosine, const float *sine,
                       int64_t heads, int64_t hs, int64_t dims, int interleaved)
{
    for (int64_t h = 0; h < heads; h++, x += hs, y += hs) {
        if (interleaved)
            turn_pairs(y, x, cosine, sine, dims / 2);
        else
            turn_halves(y, x, cosine, sine, dims / 2);
        if (y != x) memcpy(y + dims, x + dims, (size_t)(hs - dims) * sizeof *y);
    }
}

#endif
