/* The qgemm family in AVX-512 without VNNI: vpmaddubsw in its exact uses, as in qgemm_avx2.c. */
#include <immintrin.h>
#include <stdbool.h>
#include "kernels/kernels.h"

#define SW_NAME(base) base##_avx512
#include "kernels/x86/qgemm_vectors_avx512.h"

enum { ROWS_MOST = 8 };

static inline vi sum_pairs(vi words)
{
    return _mm512_madd_epi16(words, _mm512_set1_epi16(1));
}

static inline vi dot4_start(int32_t sum)
{
    (void)sum;
    return _mm512_setzero_si512();
}

/* Eight of these add up to at most 8 * 2 * 15 * 127 = 30480, a 16-bit number. */
static inline vi dot4(vi sum, vi w, vi q)
{
    return _mm512_add_epi16(sum, _mm512_maddubs_epi16(w, q));
}

static inline vi dot4_join(vi a, vi b)
{
    return _mm512_add_epi16(a, b);
}

static inline vi dot4_end(vi dot, int32_t sum)
{
    return _mm512_add_epi32(sum_pairs(dot), vi_set1(sum));
}

static inline vi dot8_start(int32_t sum)
{
    (void)sum;
    return _mm512_setzero_si512();
}

/* |w| * (q with the sign of w): pairs add up to at most 2 * 128 * 127 = 32512. */
static inline vi dot8(vi sum, vi w, vi q)
{
    vi value = _mm512_xor_si512(w, _mm512_set1_epi8(-128));
    __mmask64 negative = _mm512_movepi8_mask(value);
    vi signed_q = _mm512_mask_sub_epi8(q, negative, _mm512_setzero_si512(), q);
    return _mm512_add_epi32(sum, sum_pairs(_mm512_maddubs_epi16(_mm512_abs_epi8(value), signed_q)));
}

#include "kernels/x86/qgemm_x86.h"

void sw__qgemm_init_avx512(struct sw_kernels *k)
{
    SW_KERNEL_SET(k, qgemm_q8_0, sw__qgemm_q8_0_avx512);
    SW_KERNEL_SET(k, qgemm_q4_0, sw__qgemm_q4_0_avx512);
    SW_KERNEL_SET(k, qgemm_q4_k, sw__qgemm_q4_k_avx512);
}
