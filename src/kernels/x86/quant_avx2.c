/* The quant family in AVX2 and F16C. */
#include <immintrin.h>
#include <math.h>
#include <string.h>
#include "kernels/kernels.h"
#include "tensor/block_type.h"

static inline __m256 widen_f16(const char *src)
{
    return _mm256_cvtph_ps(_mm_loadu_si128((const __m128i *)src));
}

static inline __m256 widen_bf16(const char *src)
{
    __m256i wide = _mm256_cvtepu16_epi32(_mm_loadu_si128((const __m128i *)src));
    return _mm256_castsi256_ps(_mm256_slli_epi32(wide, 16));
}

/* Whole vectors, then the rest through a copy of zeros behind it. */
#define WIDEN(widen)                                                                               \
    const char *s = src;                                                                           \
    int64_t i = 0;                                                                                 \
    for (; i + 8 <= n; i += 8) _mm256_storeu_ps(y + i, widen(s + 2 * i));                          \
    if (i < n) {                                                                                   \
        char in[16] = {0};                                                                         \
        float out[8];                                                                              \
        memcpy(in, s + 2 * i, (size_t)(n - i) * 2);                                                \
        _mm256_storeu_ps(out, widen(in));                                                          \
        memcpy(y + i, out, (size_t)(n - i) * sizeof *y);                                           \
    }

static void sw__dequant_f16_f32_avx2(float *y, const void *src, int64_t n)
{
    WIDEN(widen_f16)
}

static void sw__dequant_bf16_f32_avx2(float *y, const void *src, int64_t n)
{
    WIDEN(widen_bf16)
}

/* The f16 in front of a block. */
static inline __m256 block_scale(const uint8_t *b)
{
    uint16_t h;
    memcpy(&h, b, sizeof h);
    return _mm256_broadcastss_ps(_mm_cvtph_ps(_mm_cvtsi32_si128(h)));
}

/* 8 signed bytes times d. */
static inline __m256 times8(__m128i q, __m256 d)
{
    return _mm256_mul_ps(_mm256_cvtepi32_ps(_mm256_cvtepi8_epi32(q)), d);
}

static inline void times16(float *y, __m128i q, __m256 d)
{
    _mm256_storeu_ps(y, times8(q, d));
    _mm256_storeu_ps(y + 8, times8(_mm_unpackhi_epi64(q, q), d));
}

static void sw__dequant_q8_0_f32_avx2(float *y, const void *src, int64_t n)
{
    const uint8_t *b = src;
    for (int64_t i = 0; i + 32 <= n; i += 32, b += 34) {
        __m256 d = block_scale(b);
        times16(y + i, _mm_loadu_si128((const __m128i *)(b + 2)), d);
        times16(y + i + 16, _mm_loadu_si128((const __m128i *)(b + 18)), d);
    }
}

static void sw__dequant_q4_0_f32_avx2(float *y, const void *src, int64_t n)
{
    const __m128i low = _mm_set1_epi8(15), eight = _mm_set1_epi8(8);
    const uint8_t *b = src;
    for (int64_t i = 0; i + 32 <= n; i += 32, b += 18) {
        __m256 d = block_scale(b);
        __m128i q = _mm_loadu_si128((const __m128i *)(b + 2));
        __m128i first = _mm_and_si128(q, low);
        __m128i second = _mm_and_si128(_mm_srli_epi16(q, 4), low);
        times16(y + i, _mm_sub_epi8(first, eight), d);
        times16(y + i + 16, _mm_sub_epi8(second, eight), d);
    }
}

/* 8 half bytes: step * q - off.  step * q is exact, so the fma rounds once, as a difference does. */
static inline void affine8(float *y, __m128i q, __m256 step, __m256 off)
{
    _mm256_storeu_ps(y, _mm256_fmsub_ps(_mm256_cvtepi32_ps(_mm256_cvtepu8_epi32(q)), step, off));
}

static void sw__dequant_q4_k_f32_avx2(float *y, const void *src, int64_t n)
{
    const __m128i low = _mm_set1_epi8(15);
    const uint8_t *b = src;
    for (int64_t i = 0; i + 256 <= n; i += 256, b += 144) {
        __m256 d = block_scale(b), dmin = block_scale(b + 2);
        for (int g = 0; g < 8; g++, y += 32) {
            int scale, minimum;
            sw__q4_k_six_bits(b, g, &scale, &minimum);
            __m256 step = _mm256_mul_ps(d, _mm256_set1_ps((float)scale));
            __m256 off = _mm256_mul_ps(dmin, _mm256_set1_ps((float)minimum));
            for (int h = 0; h < 2; h++) {
                __m128i q = _mm_loadu_si128((const __m128i *)(b + 16 + g / 2 * 32 + 16 * h));
                q = _mm_and_si128(g % 2 ? _mm_srli_epi16(q, 4) : q, low);
                affine8(y + 16 * h, q, step, off);
                affine8(y + 16 * h + 8, _mm_unpackhi_epi64(q, q), step, off);
            }
        }
    }
}

/* Eight results as 32-bit numbers, not yet saturated to bytes. */
static inline __m256i quantise8(__m256 x, __m256 scale, __m256i zero)
{
    const __m256 most = _mm256_set1_ps(512);
    __m256 t = _mm256_div_ps(x, scale);
    t = _mm256_and_ps(t, _mm256_cmp_ps(t, t, _CMP_ORD_Q));
    t = _mm256_max_ps(_mm256_min_ps(t, most), _mm256_sub_ps(_mm256_setzero_ps(), most));
    return _mm256_add_epi32(_mm256_cvtps_epi32(t), zero);
}

/* 32 results as 16-bit numbers, saturated, in the order that pack32 expects. */
static inline void quantise32(const float *x, __m256 scale, __m256i zero, __m256i out[2])
{
    for (int h = 0; h < 2; h++)
        out[h] = _mm256_packs_epi32(quantise8(_mm256_loadu_ps(x + 16 * h), scale, zero),
                                    quantise8(_mm256_loadu_ps(x + 16 * h + 8), scale, zero));
}

/* The packs work within 128-bit lanes; put the groups of four back in order. */
static inline void store32(void *y, __m256i bytes)
{
    const __m256i order = _mm256_setr_epi32(0, 4, 1, 5, 2, 6, 3, 7);
    _mm256_storeu_si256((__m256i *)y, _mm256_permutevar8x32_epi32(bytes, order));
}

#define QUANTISE(pack)                                                                             \
    const __m256 s = _mm256_set1_ps(scale);                                                        \
    const __m256i z = _mm256_set1_epi32(zero);                                                     \
    __m256i words[2];                                                                              \
    int64_t i = 0;                                                                                 \
    for (; i + 32 <= n; i += 32) {                                                                 \
        quantise32(x + i, s, z, words);                                                            \
        store32(y + i, pack(words[0], words[1]));                                                  \
    }                                                                                              \
    if (i < n) {                                                                                   \
        float in[32] = {0};                                                                        \
        uint8_t out[32];                                                                           \
        memcpy(in, x + i, (size_t)(n - i) * sizeof *x);                                            \
        quantise32(in, s, z, words);                                                               \
        store32(out, pack(words[0], words[1]));                                                    \
        memcpy(y + i, out, (size_t)(n - i));                                                       \
    }

static void sw__quantise_i8_avx2(int8_t *y, const float *x, float scale, int zero, int64_t n)
{
    QUANTISE(_mm256_packs_epi16)
}

static void sw__quantise_u8_avx2(uint8_t *y, const float *x, float scale, int zero, int64_t n)
{
    QUANTISE(_mm256_packus_epi16)
}

#define DEQUANTISE(widen)                                                                          \
    const __m256 s = _mm256_set1_ps(scale);                                                        \
    const __m256i z = _mm256_set1_epi32(zero);                                                     \
    int64_t i = 0;                                                                                 \
    for (; i + 8 <= n; i += 8) {                                                                   \
        __m256i q = widen(_mm_loadl_epi64((const __m128i *)(x + i)));                              \
        _mm256_storeu_ps(y + i, _mm256_mul_ps(_mm256_cvtepi32_ps(_mm256_sub_epi32(q, z)), s));     \
    }                                                                                              \
    for (; i < n; i++) y[i] = (float)(x[i] - zero) * scale;

static void sw__dequantise_i8_avx2(float *y, const int8_t *x, float scale, int zero, int64_t n)
{
    DEQUANTISE(_mm256_cvtepi8_epi32)
}

static void sw__dequantise_u8_avx2(float *y, const uint8_t *x, float scale, int zero, int64_t n)
{
    DEQUANTISE(_mm256_cvtepu8_epi32)
}

void sw__quant_init_avx2(struct sw_kernels *k)
{
    SW_KERNEL_SET(k, dequant_f16_f32, sw__dequant_f16_f32_avx2);
    SW_KERNEL_SET(k, dequant_bf16_f32, sw__dequant_bf16_f32_avx2);
    SW_KERNEL_SET(k, dequant_q8_0_f32, sw__dequant_q8_0_f32_avx2);
    SW_KERNEL_SET(k, dequant_q4_0_f32, sw__dequant_q4_0_f32_avx2);
    SW_KERNEL_SET(k, dequant_q4_k_f32, sw__dequant_q4_k_f32_avx2);
    SW_KERNEL_SET(k, quantise_i8, sw__quantise_i8_avx2);
    SW_KERNEL_SET(k, quantise_u8, sw__quantise_u8_avx2);
    SW_KERNEL_SET(k, dequantise_i8, sw__dequantise_i8_avx2);
    SW_KERNEL_SET(k, dequantise_u8, sw__dequantise_u8_avx2);
}
