/* The quant family in AVX-512: what feeds products and embeddings.  Quantise and dequantise of bytes
 * were tried and were not faster than in AVX2. */
#include <immintrin.h>
#include <string.h>
#include "kernels/kernels.h"
#include "tensor/block_type.h"

static inline __mmask16 first16(int64_t n)
{
    return n >= 16 ? (__mmask16)0xffff : (__mmask16)((1u << n) - 1);
}

static void sw__dequant_f16_f32_avx512(float *y, const void *src, int64_t n)
{
    for (int64_t i = 0; i < n; i += 16) {
        __mmask16 m = first16(n - i);
        __m256i h = _mm256_maskz_loadu_epi16(m, (const char *)src + 2 * i);
        _mm512_mask_storeu_ps(y + i, m, _mm512_cvtph_ps(h));
    }
}

static void sw__dequant_bf16_f32_avx512(float *y, const void *src, int64_t n)
{
    for (int64_t i = 0; i < n; i += 16) {
        __mmask16 m = first16(n - i);
        __m256i h = _mm256_maskz_loadu_epi16(m, (const char *)src + 2 * i);
        __m512i wide = _mm512_slli_epi32(_mm512_cvtepu16_epi32(h), 16);
        _mm512_mask_storeu_ps(y + i, m, _mm512_castsi512_ps(wide));
    }
}

static inline __m512 block_scale(const uint8_t *b)
{
    uint16_t h;
    memcpy(&h, b, sizeof h);
    return _mm512_broadcastss_ps(_mm_cvtph_ps(_mm_cvtsi32_si128(h)));
}

static inline void times16(float *y, __m128i q, __m512 d)
{
    _mm512_storeu_ps(y, _mm512_mul_ps(_mm512_cvtepi32_ps(_mm512_cvtepi8_epi32(q)), d));
}

static void sw__dequant_q8_0_f32_avx512(float *y, const void *src, int64_t n)
{
    const uint8_t *b = src;
    for (int64_t i = 0; i + 32 <= n; i += 32, b += 34) {
        __m512 d = block_scale(b);
        times16(y + i, _mm_loadu_si128((const __m128i *)(b + 2)), d);
        times16(y + i + 16, _mm_loadu_si128((const __m128i *)(b + 18)), d);
    }
}

static void sw__dequant_q4_0_f32_avx512(float *y, const void *src, int64_t n)
{
    const __m128i low = _mm_set1_epi8(15), eight = _mm_set1_epi8(8);
    const uint8_t *b = src;
    for (int64_t i = 0; i + 32 <= n; i += 32, b += 18) {
        __m512 d = block_scale(b);
        __m128i q = _mm_loadu_si128((const __m128i *)(b + 2));
        __m128i first = _mm_and_si128(q, low);
        __m128i second = _mm_and_si128(_mm_srli_epi16(q, 4), low);
        times16(y + i, _mm_sub_epi8(first, eight), d);
        times16(y + i + 16, _mm_sub_epi8(second, eight), d);
    }
}

/* 16 half bytes: step * q - off.  step * q is exact, so the fma rounds once, as a difference does. */
static inline void affine16(float *y, __m128i q, __m512 step, __m512 off)
{
    _mm512_storeu_ps(y, _mm512_fmsub_ps(_mm512_cvtepi32_ps(_mm512_cvtepu8_epi32(q)), step, off));
}

static void sw__dequant_q4_k_f32_avx512(float *y, const void *src, int64_t n)
{
    const __m128i low = _mm_set1_epi8(15);
    const uint8_t *b = src;
    for (int64_t i = 0; i + 256 <= n; i += 256, b += 144) {
        __m512 d = block_scale(b), dmin = block_scale(b + 2);
        for (int g = 0; g < 8; g++, y += 32) {
            int scale, minimum;
            sw__q4_k_six_bits(b, g, &scale, &minimum);
            __m512 step = _mm512_mul_ps(d, _mm512_set1_ps((float)scale));
            __m512 off = _mm512_mul_ps(dmin, _mm512_set1_ps((float)minimum));
            for (int h = 0; h < 2; h++) {
                __m128i q = _mm_loadu_si128((const __m128i *)(b + 16 + g / 2 * 32 + 16 * h));
                q = _mm_and_si128(g % 2 ? _mm_srli_epi16(q, 4) : q, low);
                affine16(y + 16 * h, q, step, off);
            }
        }
    }
}

void sw__quant_init_avx512(struct sw_kernels *k)
{
    SW_KERNEL_SET(k, dequant_f16_f32, sw__dequant_f16_f32_avx512);
    SW_KERNEL_SET(k, dequant_bf16_f32, sw__dequant_bf16_f32_avx512);
    SW_KERNEL_SET(k, dequant_q8_0_f32, sw__dequant_q8_0_f32_avx512);
    SW_KERNEL_SET(k, dequant_q4_0_f32, sw__dequant_q4_0_f32_avx512);
    SW_KERNEL_SET(k, dequant_q4_k_f32, sw__dequant_q4_k_f32_avx512);
}
