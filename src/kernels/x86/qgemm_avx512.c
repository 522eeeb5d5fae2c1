/* The qgemm family in AVX-512 without VNNI. */
#include <stdbool.h>
#include "kernels/kernels.h"
#include "kernels/x86/vec_avx512.h"

#define SW_NAME(base) base##_avx512

enum { ROWS_MOST = 4, FEW_ROWS = 4 };

VEC_INLINE vi words_add(vi a, vi b)
{
    return _mm512_add_epi16(a, b);
}

VEC_INLINE vi words_pairs(vi words)
{
    return _mm512_madd_epi16(words, _mm512_set1_epi16(1));
}

VEC_INLINE vi bytes_pairs(vi a, vi b)
{
    return _mm512_maddubs_epi16(a, b);
}

VEC_INLINE vi bytes_abs(vi x)
{
    return _mm512_abs_epi8(x);
}

VEC_INLINE vi bytes_sign(vi x, vi sign)
{
    return _mm512_mask_sub_epi8(x, _mm512_movepi8_mask(sign), _mm512_setzero_si512(), x);
}

VEC_INLINE vi bytes_table(const uint8_t table[16], vi at)
{
    return _mm512_shuffle_epi8(
        _mm512_broadcast_i32x4(_mm_loadu_si128((const __m128i *)(const void *)table)), at);
}

#include "kernels/x86/qgemm_words_x86.h"
#include "kernels/x86/qgemm_x86.h"

void sw__qgemm_init_avx512(struct sw_kernels *k)
{
    SW_QGEMM_TYPES(SW_QGEMM_SET)
}
