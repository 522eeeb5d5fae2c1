/* Layers of bytes on AVX2.  See int8_kernels.h. */
#include <string.h>
#include "kernels/x86/vec_avx2.h"

enum { MR = 6 };

#define vi_madd(a, b)  _mm256_madd_epi16(a, b)
#define vi_shl16(x, n) _mm256_slli_epi16(x, n)
#define vi_shr16(x, n) _mm256_srli_epi16(x, n)
#define vi_sar16(x, n) _mm256_srai_epi16(x, n)

#include "kernels/x86/int8_words_x86.h"
#include "kernels/x86/int8_strip_template.h"

QUAD_FUNCTION(sw__conv_strip_u8_6x16_avx2, QUAD_CASES_6)

typedef __m256i vb;
enum { VB_N = 32 };
#define vb_set(x)       _mm256_set1_epi8(x)
#define vb_load(p)      _mm256_loadu_si256((const __m256i *)(const void *)(p))
#define vb_store(p, x)  _mm256_storeu_si256((__m256i *)(void *)(p), x)
#define vb_load_n(p, n) vi_load_bytes(p, n)
#define vb_max(a, b)    _mm256_max_epu8(a, b)
#define vb_add(a, b)    _mm256_adds_epu8(a, b)
#define vb_sub(a, b)    _mm256_sub_epi8(a, b)
#define vb_or(a, b)     _mm256_or_si256(a, b)
#define vb_lookup(t, i) _mm256_shuffle_epi8(t, i)
#define vb_entries(p)                                                                              \
    _mm256_broadcastsi128_si256(_mm_loadu_si128((const __m128i *)(const void *)(p)))

VEC_INLINE void vb_store_n(uint8_t *p, vb x, int64_t n)
{
    uint8_t bytes[VB_N];
    vb_store(bytes, x);
    memcpy(p, bytes, (size_t)n);
}

#include "kernels/x86/int8_template.h"

void sw__int8_init_avx2(struct sw_kernels *k)
{
    SW_KERNEL_SET(k, conv_strip_u8, sw__conv_strip_u8_6x16_avx2);
    INT8_SET_PLAIN;
}
