/* The limit of bf16 products: vdpbf16ps in independent chains. */
#include <immintrin.h>

#include "kernels/kernels.h"

enum { CHAINS = 24, ONE = 0x3f80 };

static double sw__limit_dot_bf16_avx512bf16(int64_t rounds, double *sink)
{
    const __m512bh ones = (__m512bh)_mm512_set1_epi16(ONE);
    __m512 acc[CHAINS];
    for (int i = 0; i < CHAINS; i++) acc[i] = _mm512_setzero_ps();
    for (int64_t r = 0; r < rounds; r++)
#pragma GCC unroll 24
        for (int i = 0; i < CHAINS; i++) acc[i] = _mm512_dpbf16_ps(acc[i], ones, ones);
    *sink = 0;
    for (int i = 0; i < CHAINS; i++) *sink += (double)_mm512_reduce_add_ps(acc[i]);
    return 2.0 * 32 * CHAINS * (double)rounds;
}

void sw__limit_init_avx512bf16(struct sw_kernels *k)
{
    SW_KERNEL_SET(k, limit_dot_bf16, sw__limit_dot_bf16_avx512bf16);
}
