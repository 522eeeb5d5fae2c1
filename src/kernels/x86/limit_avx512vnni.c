/* The limit of int8 products by VNNI: vpdpbusd in independent chains. */
#include <immintrin.h>

#include "kernels/kernels.h"

enum { CHAINS = 16 };

static double sw__limit_dot_int8_avx512vnni(int64_t rounds, double *sink)
{
    __m512i acc[CHAINS], a = _mm512_set1_epi8(1), b = _mm512_set1_epi8(1);
    for (int i = 0; i < CHAINS; i++) acc[i] = _mm512_setzero_si512();
    for (int64_t r = 0; r < rounds; r++)
#pragma GCC unroll 16
        for (int i = 0; i < CHAINS; i++) acc[i] = _mm512_dpbusd_epi32(acc[i], a, b);
    *sink = 0;
    for (int i = 0; i < CHAINS; i++) *sink += _mm512_reduce_add_epi32(acc[i]);
    return 2.0 * 64 * CHAINS * (double)rounds;
}

void sw__limit_init_avx512vnni(struct sw_kernels *k)
{
    SW_KERNEL_SET(k, limit_dot_int8, sw__limit_dot_int8_avx512vnni);
}
