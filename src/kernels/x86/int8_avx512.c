/* Layers of bytes on AVX-512.  See int8_kernels.h. */
#include "kernels/x86/vec_avx512.h"

enum { MR = 14 };

#define vi_madd(a, b)  _mm512_madd_epi16(a, b)
#define vi_shl16(x, n) _mm512_slli_epi16(x, n)
#define vi_shr16(x, n) _mm512_srli_epi16(x, n)
#define vi_sar16(x, n) _mm512_srai_epi16(x, n)

#include "kernels/x86/int8_words_x86.h"
#include "kernels/x86/int8_strip_template.h"

QUAD_FUNCTION(sw__conv_strip_u8_14x32_avx512, QUAD_CASES_14)

typedef __m512i vb;
enum { VB_N = 64 };
#define vb_set(x)           _mm512_set1_epi8(x)
#define vb_load(p)          _mm512_loadu_si512(p)
#define vb_store(p, x)      _mm512_storeu_si512(p, x)
#define vb_load_n(p, n)     _mm512_maskz_loadu_epi8(((__mmask64)1 << (n)) - 1, p)
#define vb_store_n(p, x, n) _mm512_mask_storeu_epi8(p, ((__mmask64)1 << (n)) - 1, x)
#define vb_max(a, b)        _mm512_max_epu8(a, b)
#define vb_add(a, b)        _mm512_adds_epu8(a, b)
#define vb_sub(a, b)        _mm512_sub_epi8(a, b)
#define vb_or(a, b)         _mm512_or_si512(a, b)
#define vb_lookup(t, i)     _mm512_shuffle_epi8(t, i)
#define vb_entries(p)       _mm512_broadcast_i32x4(_mm_loadu_si128((const __m128i *)(const void *)(p)))

#include "kernels/x86/int8_template.h"

void sw__int8_init_avx512(struct sw_kernels *k)
{
    SW_KERNEL_SET(k, conv_strip_u8, sw__conv_strip_u8_14x32_avx512);
    INT8_SET_PLAIN;
}
