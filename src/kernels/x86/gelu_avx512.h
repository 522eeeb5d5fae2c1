/* gelu(x) = x Phi(x) = max(x, 0) - |x| Q(|x|), Q(a) = 1 - Phi(a), by a table in registers.
 *
 * Q is a polynomial of degree 6 about each of 32 points GELU_STEP apart; a permutation of two registers
 * looks up 16 coefficients at once.  The polynomials interpolate Q at Chebyshev's nodes, relative error
 * 2^-24.4, and their chains add 2 ulp.  No division and no exponential: 3.4 ns a vector in place of 6.6.
 * Negative arguments beyond the table take the general form, which is as exact there (vec_math.h). */
#ifndef SWELL_KERNELS_GELU_AVX512_H
#define SWELL_KERNELS_GELU_AVX512_H

enum { GELU_DEGREE = 6 };
#define GELU_STEP 0.1875f
#define GELU_END  5.9f /* the last point is 31 steps away, and serves half a step more */

/* gelu_tail[k][j]: the coefficient of d^k in Q(j GELU_STEP + d) */
static const _Alignas(64) float gelu_tail[GELU_DEGREE + 1][2 * VF_N] = {
    {0x1p-1f,         0x1.b3d97cp-2f,  0x1.6a527ap-2f,  0x1.25c5e4p-2f,  0x1.d022p-3f,
     0x1.64dd8ep-3f,  0x1.0ad7dap-3f,  0x1.83cab6p-4f,  0x1.11a46ep-4f,  0x1.76d04ep-5f,
     0x1.f20394p-6f,  0x1.40cccep-6f,  0x1.90925p-7f,   0x1.e49cecp-8f,  0x1.1bee6cp-8f,
     0x1.42297ap-9f,  0x1.61de2p-10f,  0x1.7832e6p-11f, 0x1.8301bep-12f, 0x1.812f0ep-13f,
     0x1.72d956p-14f, 0x1.595676p-15f, 0x1.36feaep-16f, 0x1.0ed0e2p-17f, 0x1.c80728p-19f,
     0x1.733238p-20f, 0x1.24149ap-21f, 0x1.bc4ed8p-23f, 0x1.46a16cp-24f, 0x1.d02498p-26f,
     0x1.3eb346p-27f, 0x1.a6f212p-29f},
    {-0x1.988454p-2f,  -0x1.91661p-2f,   -0x1.7cc794p-2f,  -0x1.5cbdcp-2f,   -0x1.345d5ep-2f,
     -0x1.073e62p-2f,  -0x1.b1ec62p-3f,  -0x1.594762p-3f,  -0x1.094086p-3f,  -0x1.8977c8p-4f,
     -0x1.19bfa4p-4f,  -0x1.858fbcp-5f,  -0x1.0402ep-5f,   -0x1.4f18bcp-6f,  -0x1.a0f22cp-7f,
     -0x1.f4dda6p-8f,  -0x1.227214p-8f,  -0x1.4536f2p-9f,  -0x1.5f90f6p-10f, -0x1.6eec8cp-11f,
     -0x1.71b92ep-12f, -0x1.67aca4p-13f, -0x1.51cfa6p-14f, -0x1.3250fep-15f, -0x1.0c29a6p-16f,
     -0x1.c54d7ep-18f, -0x1.71e57ap-19f, -0x1.2368d6p-20f, -0x1.bb4a9p-22f,  -0x1.4584e4p-23f,
     -0x1.cd8eaap-25f, -0x1.3beb6cp-26f},
    {0,
     0x1.2d0c8cp-5f,
     0x1.1d95bp-4f,
     0x1.885578p-4f,
     0x1.ce8c0ep-4f,
     0x1.ed94f8p-4f,
     0x1.e829eep-4f,
     0x1.c52dbp-4f,
     0x1.8de0c8p-4f,
     0x1.4bfd12p-4f,
     0x1.0823aap-4f,
     0x1.91bc3ap-5f,
     0x1.24833cp-5f,
     0x1.986624p-6f,
     0x1.119eecp-6f,
     0x1.602bd8p-7f,
     0x1.b3ab1ep-8f,
     0x1.0327cap-8f,
     0x1.28a25p-9f,
     0x1.46caacp-10f,
     0x1.5a9d9cp-11f,
     0x1.620df2p-12f,
     0x1.5c5e24p-13f,
     0x1.4a3f52p-14f,
     0x1.2daedap-15f,
     0x1.099b66p-16f,
     0x1.c2cfaap-18f,
     0x1.70d0acp-19f,
     0x1.22e8ecp-20f,
     0x1.ba80ap-22f,
     0x1.44884cp-23f,
     0x1.cb1212p-25f},
    {0x1.105822p-4f,   0x1.0230e8p-4f,   0x1.b44f42p-5f,   0x1.3ddceep-5f,  0x1.67c25cp-6f,
     0x1.5406b2p-8f,   -0x1.335c4cp-7f,  -0x1.4cb09p-6f,   -0x1.ba160cp-6f, -0x1.e4a978p-6f,
     -0x1.d8840ep-6f,  -0x1.a68848p-6f,  -0x1.60194cp-6f,  -0x1.13f99cp-6f, -0x1.99588ep-7f,
     -0x1.206c0ep-7f,  -0x1.8342dep-8f,  -0x1.f080cap-9f,  -0x1.306a82p-9f, -0x1.657cdap-10f,
     -0x1.92754ep-11f, -0x1.b2b8cp-12f,  -0x1.c2da08p-13f, -0x1.c1333p-14f, -0x1.ae2c12p-15f,
     -0x1.8c1de4p-16f, -0x1.5edd42p-17f, -0x1.2b09aap-18f, -0x1.ea9b1p-20f, -0x1.83706cp-21f,
     -0x1.269e8cp-22f, -0x1.af897p-24f},
    {0,
     -0x1.29854cp-7f,
     -0x1.103294p-6f,
     -0x1.5ef45cp-6f,
     -0x1.77d1b6p-6f,
     -0x1.5cfa46p-6f,
     -0x1.1a383cp-6f,
     -0x1.81e8f8p-7f,
     -0x1.8de0fap-8f,
     -0x1.0dbe78p-10f,
     0x1.6b30bp-9f,
     0x1.4fd33ep-8f,
     0x1.923468p-8f,
     0x1.906c2ap-8f,
     0x1.62da28p-8f,
     0x1.2033fp-8f,
     0x1.b3ab38p-9f,
     0x1.35440ep-9f,
     0x1.9ed31p-10f,
     0x1.07ec36p-10f,
     0x1.3f894cp-11f,
     0x1.70ebf8p-12f,
     0x1.96e1cap-13f,
     0x1.ad4184p-14f,
     0x1.b1aae8p-15f,
     0x1.a3efd6p-16f,
     0x1.860deap-17f,
     0x1.5bbddcp-18f,
     0x1.29b968p-19f,
     0x1.e9d022p-21f,
     0x1.8346b6p-22f,
     0x1.266bdep-23f},
    {-0x1.46373ap-7f,  -0x1.2a257cp-7f,  -0x1.b93f12p-8f,  -0x1.beb534p-9f,  0x1.29506ep-13f,
     0x1.a40f1p-9f,    0x1.595ca2p-8f,   0x1.917028p-8f,   0x1.800db4p-8f,   0x1.3946b2p-8f,
     0x1.aec96ep-9f,   0x1.cca63cp-10f,  0x1.e8849ep-12f,  -0x1.d5879ep-12f, -0x1.fa1e64p-11f,
     -0x1.2db8e2p-10f, -0x1.221aep-10f,  -0x1.ea7f32p-11f, -0x1.796cd6p-11f, -0x1.0d0c94p-11f,
     -0x1.670dd6p-12f, -0x1.c38454p-13f, -0x1.0cbcdap-13f, -0x1.2fd1d4p-14f, -0x1.470634p-15f,
     -0x1.4fc6ecp-16f, -0x1.495f44p-17f, -0x1.350b16p-18f, -0x1.15a478p-19f, -0x1.de0f2p-21f,
     -0x1.8ab05cp-22f, -0x1.38adf6p-23f},
    {0,
     0x1.8747aep-10f,
     0x1.58f3c2p-9f,
     0x1.9f8d78p-9f,
     0x1.8ddfaep-9f,
     0x1.320cbp-9f,
     0x1.565328p-10f,
     0x1.e0e0a8p-13f,
     -0x1.576af6p-11f,
     -0x1.3c0724p-10f,
     -0x1.6d7ee6p-10f,
     -0x1.50d754p-10f,
     -0x1.03c7bap-10f,
     -0x1.4af998p-11f,
     -0x1.393f62p-12f,
     -0x1.85d56cp-15f,
     0x1.cde808p-14f,
     0x1.7e07dep-13f,
     0x1.9605fp-13f,
     0x1.64c39cp-13f,
     0x1.15c9c8p-13f,
     0x1.8aeae8p-14f,
     0x1.0458d8p-14f,
     0x1.41654ap-15f,
     0x1.75ceacp-16f,
     0x1.9b674p-17f,
     0x1.add12cp-18f,
     0x1.ab4fd2p-19f,
     0x1.9503cp-20f,
     0x1.6e890cp-21f,
     0x1.3d1ce2p-22f,
     0x1.068bfp-23f},
};

VEC_INLINE vf gelu_coefficient(int k, vi j)
{
    return _mm512_permutex2var_ps(vf_load(gelu_tail[k]), j, vf_load(gelu_tail[k] + VF_N));
}

VEC_INLINE vf gelu_of(vf x)
{
    const vf round = vf_set(0x1.8p23f), a = vf_min(vf_set(GELU_END), vf_abs(x));
    const vf u = vf_fma(a, vf_set(1 / GELU_STEP),
                        round); /* its low bits: the number of the point */
    const vf d = vf_fnma(vf_sub(u, round), vf_set(GELU_STEP), a);
    vf q = gelu_coefficient(GELU_DEGREE, vf_bits(u));
    VEC_UNROLL for (int k = GELU_DEGREE - 1; k >= 0; k--)
        q = vf_fma(q, d, gelu_coefficient(k, vf_bits(u)));
    const vf y = vf_fnma(a, q, vf_max(vf_zero(), x));
    const vm beyond = vf_lt(x, vf_set(-GELU_END));
    return vm_any(beyond) ? vf_select(beyond, vf_gelu(x), y) : y;
}

#endif
