/* The limits of AVX512: as many independent chains as hide the latency of both multiply-add units. */
#include <immintrin.h>

#include "kernels/kernels.h"

enum { CHAINS = 24, LANES = 16 };

static double sw__limit_fma_f32_avx512(int64_t rounds, float *sink)
{
    __m512 acc[CHAINS], a = _mm512_set1_ps(0.999f), b = _mm512_set1_ps(0.001f);
    for (int i = 0; i < CHAINS; i++) acc[i] = _mm512_set1_ps((float)i);
    for (int64_t r = 0; r < rounds; r++)
#pragma GCC unroll 24
        for (int i = 0; i < CHAINS; i++) acc[i] = _mm512_fmadd_ps(acc[i], a, b);
    for (int i = 1; i < CHAINS; i++) acc[0] = _mm512_add_ps(acc[0], acc[i]);
    float out[LANES];
    _mm512_storeu_ps(out, acc[0]);
    *sink = out[0];
    return 2.0 * LANES * CHAINS * (double)rounds;
}

static float sw__limit_read_f32_avx512(const float *x, int64_t n)
{
    enum { WIDE = 8 };
    __m512 acc[WIDE];
    float out[LANES], sum = 0;
    int64_t i = 0;
    for (int j = 0; j < WIDE; j++) acc[j] = _mm512_setzero_ps();
    for (; i + WIDE * LANES <= n; i += WIDE * LANES)
#pragma GCC unroll 8
        for (int j = 0; j < WIDE; j++)
            acc[j] = _mm512_add_ps(acc[j], _mm512_loadu_ps(x + i + j * LANES));
    for (int j = 1; j < WIDE; j++) acc[0] = _mm512_add_ps(acc[0], acc[j]);
    _mm512_storeu_ps(out, acc[0]);
    for (int j = 0; j < LANES; j++) sum += out[j];
    for (; i < n; i++) sum += x[i];
    return sum;
}

void sw__limit_init_avx512(struct sw_kernels *k)
{
    SW_KERNEL_SET(k, limit_fma_f32, sw__limit_fma_f32_avx512);
    SW_KERNEL_SET(k, limit_read_f32, sw__limit_read_f32_avx512);
}
