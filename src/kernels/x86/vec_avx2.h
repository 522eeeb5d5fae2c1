/* Vectors of AVX2 (with FMA and F16C) under the names that template headers use: eight lanes.  The
 * names and their promises are explained in vec_avx512.h; masks are vectors of all-ones lanes here. */
#ifndef SWELL_KERNELS_VEC_AVX2_H
#define SWELL_KERNELS_VEC_AVX2_H

#include <immintrin.h>
#include <stdint.h>

#define VEC_INLINE     static inline __attribute__((always_inline, unused))
#define SW_ISA_NAME(f) f##_avx2

#ifdef __clang__
#define VEC_UNROLL _Pragma("clang loop unroll(full)")
#else
#define VEC_UNROLL _Pragma("GCC unroll 16")
#endif

enum { VF_N = 8 };
typedef __m256 vf;
typedef __m256i vi;
typedef __m256 vm;

/* clang-format off */

/* ---- lanes and memory ---- */
VEC_INLINE vm vm_first(int64_t n)
{
    const __m256i lane = _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7);
    return _mm256_castsi256_ps(_mm256_cmpgt_epi32(_mm256_set1_epi32((int)(n > VF_N ? VF_N : n)), lane));
}
VEC_INLINE vf vf_load(const float *p) { return _mm256_loadu_ps(p); }
VEC_INLINE vf vf_load_n(const float *p, int64_t n) { return _mm256_maskload_ps(p, _mm256_castps_si256(vm_first(n))); }
VEC_INLINE void vf_store(float *p, vf x) { _mm256_storeu_ps(p, x); }
VEC_INLINE void vf_store_n(float *p, vf x, int64_t n) { _mm256_maskstore_ps(p, _mm256_castps_si256(vm_first(n)), x); }
/* Past the caches; p is aligned to the vector. */
VEC_INLINE void vf_stream(float *p, vf x) { _mm256_stream_ps(p, x); }
VEC_INLINE vi vi_load(const int32_t *p) { return _mm256_loadu_si256((const __m256i *)p); }
VEC_INLINE vi vi_load_n(const int32_t *p, int64_t n) { return _mm256_maskload_epi32(p, _mm256_castps_si256(vm_first(n))); }
VEC_INLINE void vi_store(int32_t *p, vi x) { _mm256_storeu_si256((__m256i *)p, x); }
VEC_INLINE void vi_store_n(int32_t *p, vi x, int64_t n) { _mm256_maskstore_epi32(p, _mm256_castps_si256(vm_first(n)), x); }

/* ---- f32 ---- */
VEC_INLINE vf vf_set(float x) { return _mm256_set1_ps(x); }
VEC_INLINE vf vf_zero(void) { return _mm256_setzero_ps(); }
VEC_INLINE vf vf_add(vf a, vf b) { return _mm256_add_ps(a, b); }
VEC_INLINE vf vf_sub(vf a, vf b) { return _mm256_sub_ps(a, b); }
VEC_INLINE vf vf_mul(vf a, vf b) { return _mm256_mul_ps(a, b); }
VEC_INLINE vf vf_div(vf a, vf b) { return _mm256_div_ps(a, b); }
VEC_INLINE vf vf_sqrt(vf x) { return _mm256_sqrt_ps(x); }
VEC_INLINE vf vf_fma(vf a, vf b, vf c) { return _mm256_fmadd_ps(a, b, c); }
VEC_INLINE vf vf_fms(vf a, vf b, vf c) { return _mm256_fmsub_ps(a, b, c); }
VEC_INLINE vf vf_fnma(vf a, vf b, vf c) { return _mm256_fnmadd_ps(a, b, c); }
VEC_INLINE vf vf_min(vf a, vf b) { return _mm256_min_ps(a, b); }
VEC_INLINE vf vf_max(vf a, vf b) { return _mm256_max_ps(a, b); }
VEC_INLINE vf vf_abs(vf x) { return _mm256_andnot_ps(_mm256_set1_ps(-0.f), x); }
VEC_INLINE vf vf_neg(vf x) { return _mm256_xor_ps(_mm256_set1_ps(-0.f), x); }
VEC_INLINE vf vf_sign_bit(vf x) { return _mm256_and_ps(_mm256_set1_ps(-0.f), x); }
VEC_INLINE vf vf_xor(vf a, vf b) { return _mm256_xor_ps(a, b); }
VEC_INLINE vf vf_rint(vf x) { return _mm256_round_ps(x, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC); }
VEC_INLINE vf vf_floor(vf x) { return _mm256_round_ps(x, _MM_FROUND_TO_NEG_INF | _MM_FROUND_NO_EXC); }
/* In two factors, of which the first is exact for |x| in [2^-1, 2^1]. */
VEC_INLINE vf vf_ldexp(vf x, vf n)
{
    __m256i i = _mm256_cvtps_epi32(n), half = _mm256_srai_epi32(i, 1), bias = _mm256_set1_epi32(127);
    __m256i rest = _mm256_sub_epi32(i, half);
    __m256 a = _mm256_castsi256_ps(_mm256_slli_epi32(_mm256_add_epi32(half, bias), 23));
    __m256 b = _mm256_castsi256_ps(_mm256_slli_epi32(_mm256_add_epi32(rest, bias), 23));
    return _mm256_mul_ps(_mm256_mul_ps(x, a), b);
}

/* ---- comparisons ---- */
VEC_INLINE vm vf_lt(vf a, vf b) { return _mm256_cmp_ps(a, b, _CMP_LT_OQ); }
VEC_INLINE vm vf_le(vf a, vf b) { return _mm256_cmp_ps(a, b, _CMP_LE_OQ); }
VEC_INLINE vm vf_gt(vf a, vf b) { return _mm256_cmp_ps(a, b, _CMP_GT_OQ); }
VEC_INLINE vm vf_ge(vf a, vf b) { return _mm256_cmp_ps(a, b, _CMP_GE_OQ); }
VEC_INLINE vm vf_eq(vf a, vf b) { return _mm256_cmp_ps(a, b, _CMP_EQ_OQ); }
VEC_INLINE vm vf_ne(vf a, vf b) { return _mm256_cmp_ps(a, b, _CMP_NEQ_UQ); }
VEC_INLINE vm vf_isnan(vf x) { return _mm256_cmp_ps(x, x, _CMP_UNORD_Q); }
VEC_INLINE vm vm_and(vm a, vm b) { return _mm256_and_ps(a, b); }
VEC_INLINE vm vm_or(vm a, vm b) { return _mm256_or_ps(a, b); }
VEC_INLINE vm vm_not(vm a) { return _mm256_xor_ps(a, _mm256_castsi256_ps(_mm256_set1_epi32(-1))); }
VEC_INLINE int vm_any(vm a) { return _mm256_movemask_ps(a) != 0; }
VEC_INLINE uint32_t vm_bits(vm a) { return (uint32_t)_mm256_movemask_ps(a); }
VEC_INLINE vm vm_from_bits(uint32_t bits)
{
    const __m256i one = _mm256_setr_epi32(1, 2, 4, 8, 16, 32, 64, 128);
    __m256i set = _mm256_and_si256(_mm256_set1_epi32((int)bits), one);
    return _mm256_castsi256_ps(_mm256_cmpeq_epi32(set, one));
}
VEC_INLINE vf vf_select(vm m, vf a, vf b) { return _mm256_blendv_ps(b, a, m); }
VEC_INLINE vi vi_select(vm m, vi a, vi b) { return _mm256_castps_si256(_mm256_blendv_ps(_mm256_castsi256_ps(b), _mm256_castsi256_ps(a), m)); }

/* ---- i32 ---- */
VEC_INLINE vi vi_set(int32_t x) { return _mm256_set1_epi32(x); }
VEC_INLINE vi vi_add(vi a, vi b) { return _mm256_add_epi32(a, b); }
VEC_INLINE vi vi_sub(vi a, vi b) { return _mm256_sub_epi32(a, b); }
VEC_INLINE vi vi_mul(vi a, vi b) { return _mm256_mullo_epi32(a, b); }
VEC_INLINE vi vi_min(vi a, vi b) { return _mm256_min_epi32(a, b); }
VEC_INLINE vi vi_max(vi a, vi b) { return _mm256_max_epi32(a, b); }
VEC_INLINE vi vi_and(vi a, vi b) { return _mm256_and_si256(a, b); }
VEC_INLINE vi vi_or(vi a, vi b) { return _mm256_or_si256(a, b); }
VEC_INLINE vi vi_xor(vi a, vi b) { return _mm256_xor_si256(a, b); }
VEC_INLINE vm vi_eq(vi a, vi b) { return _mm256_castsi256_ps(_mm256_cmpeq_epi32(a, b)); }
VEC_INLINE vm vi_gt(vi a, vi b) { return _mm256_castsi256_ps(_mm256_cmpgt_epi32(a, b)); }
#define vi_shl(x, n) _mm256_slli_epi32(x, n)
#define vi_shr(x, n) _mm256_srli_epi32(x, n)
#define vi_sar(x, n) _mm256_srai_epi32(x, n)

/* ---- between them ---- */
VEC_INLINE vi vf_bits(vf x) { return _mm256_castps_si256(x); }
VEC_INLINE vf vf_from_bits(vi x) { return _mm256_castsi256_ps(x); }
VEC_INLINE vf vf_from_vi(vi x) { return _mm256_cvtepi32_ps(x); }
VEC_INLINE vi vf_to_vi(vf x) { return _mm256_cvtps_epi32(x); }
VEC_INLINE vi vf_trunc_vi(vf x) { return _mm256_cvttps_epi32(x); }

/* ---- f16 and bf16; tails of 16-bit lanes pass through a small array, as AVX2 cannot mask them ---- */
VEC_INLINE vf vf_from_half(__m128i h) { return _mm256_cvtph_ps(h); }
VEC_INLINE vf vf_from_bf16(__m128i h) { return _mm256_castsi256_ps(_mm256_slli_epi32(_mm256_cvtepu16_epi32(h), 16)); }
VEC_INLINE __m128i vf_to_half(vf x) { return _mm256_cvtps_ph(x, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC); }
VEC_INLINE __m128i vf_to_bf16(vf x)
{
    __m256i u = _mm256_castps_si256(x), odd = _mm256_and_si256(_mm256_srli_epi32(u, 16), _mm256_set1_epi32(1));
    __m256i r = _mm256_add_epi32(u, _mm256_add_epi32(odd, _mm256_set1_epi32(0x7fff)));
    r = vi_select(vf_isnan(x), _mm256_or_si256(u, _mm256_set1_epi32(0x400000)), r);
    r = _mm256_srli_epi32(r, 16);
    return _mm_packus_epi32(_mm256_castsi256_si128(r), _mm256_extracti128_si256(r, 1));
}
VEC_INLINE __m128i vec_load_u16_n(const uint16_t *p, int64_t n)
{
    uint16_t h[8] = {0};
    for (int64_t i = 0; i < n && i < 8; i++) h[i] = p[i];
    return _mm_loadu_si128((const __m128i *)h);
}
VEC_INLINE void vec_store_u16_n(uint16_t *p, __m128i x, int64_t n)
{
    uint16_t h[8];
    _mm_storeu_si128((__m128i *)h, x);
    for (int64_t i = 0; i < n && i < 8; i++) p[i] = h[i];
}
VEC_INLINE vf vf_load_f16(const uint16_t *p) { return vf_from_half(_mm_loadu_si128((const __m128i *)p)); }
VEC_INLINE vf vf_load_f16_n(const uint16_t *p, int64_t n) { return vf_from_half(vec_load_u16_n(p, n)); }
VEC_INLINE vf vf_load_bf16(const uint16_t *p) { return vf_from_bf16(_mm_loadu_si128((const __m128i *)p)); }
VEC_INLINE vf vf_load_bf16_n(const uint16_t *p, int64_t n) { return vf_from_bf16(vec_load_u16_n(p, n)); }
VEC_INLINE void vf_store_f16(uint16_t *p, vf x) { _mm_storeu_si128((__m128i *)p, vf_to_half(x)); }
VEC_INLINE void vf_store_f16_n(uint16_t *p, vf x, int64_t n) { vec_store_u16_n(p, vf_to_half(x), n); }
VEC_INLINE void vf_store_bf16(uint16_t *p, vf x) { _mm_storeu_si128((__m128i *)p, vf_to_bf16(x)); }
VEC_INLINE void vf_store_bf16_n(uint16_t *p, vf x, int64_t n) { vec_store_u16_n(p, vf_to_bf16(x), n); }

/* ---- bytes in memory, i32 in registers; stores keep the low byte ---- */
VEC_INLINE __m128i vec_load_x8_n(const uint8_t *p, int64_t n)
{
    uint8_t b[16] = {0};
    for (int64_t i = 0; i < n && i < 8; i++) b[i] = p[i];
    return _mm_loadu_si128((const __m128i *)b);
}
VEC_INLINE __m128i vec_low_bytes(vi x)
{
    __m256i low = _mm256_and_si256(x, _mm256_set1_epi32(255));
    __m128i half = _mm_packus_epi32(_mm256_castsi256_si128(low), _mm256_extracti128_si256(low, 1));
    return _mm_packus_epi16(half, half);
}
VEC_INLINE vi vi_load_i8(const int8_t *p) { return _mm256_cvtepi8_epi32(_mm_loadl_epi64((const __m128i *)p)); }
VEC_INLINE vi vi_load_i8_n(const int8_t *p, int64_t n) { return _mm256_cvtepi8_epi32(vec_load_x8_n((const uint8_t *)p, n)); }
VEC_INLINE vi vi_load_u8(const uint8_t *p) { return _mm256_cvtepu8_epi32(_mm_loadl_epi64((const __m128i *)p)); }
VEC_INLINE vi vi_load_u8_n(const uint8_t *p, int64_t n) { return _mm256_cvtepu8_epi32(vec_load_x8_n(p, n)); }
VEC_INLINE void vi_store_x8(void *p, vi x) { _mm_storel_epi64((__m128i *)p, vec_low_bytes(x)); }
VEC_INLINE void vi_store_x8_n(void *p, vi x, int64_t n)
{
    uint8_t b[16];
    _mm_storeu_si128((__m128i *)b, vec_low_bytes(x));
    for (int64_t i = 0; i < n && i < 8; i++) ((uint8_t *)p)[i] = b[i];
}

/* ---- bits: the first n bytes of a vector, the others 0; two halves; r[i] lane j <-> r[j] lane i ---- */
VEC_INLINE vi vi_load_bytes(const void *p, int64_t n)
{
    uint8_t b[32] = {0};
    if (n >= 32) return _mm256_loadu_si256((const __m256i *)p);
    for (int64_t i = 0; i < n; i++) b[i] = ((const uint8_t *)p)[i];
    return _mm256_loadu_si256((const __m256i *)b);
}
VEC_INLINE vi vi_join(__m128i low, __m128i high) { return _mm256_set_m128i(high, low); }
VEC_INLINE void vf_transpose(vf r[VF_N])
{
    vf t[VF_N];
    VEC_UNROLL for (int i = 0; i < VF_N; i += 2)
    {
        t[i] = _mm256_unpacklo_ps(r[i], r[i + 1]);
        t[i + 1] = _mm256_unpackhi_ps(r[i], r[i + 1]);
    }
    VEC_UNROLL for (int i = 0; i < VF_N; i += 4) VEC_UNROLL for (int h = 0; h < 2; h++)
    {
        r[i + 2 * h] = _mm256_shuffle_ps(t[i + h], t[i + h + 2], 0x44);
        r[i + 2 * h + 1] = _mm256_shuffle_ps(t[i + h], t[i + h + 2], 0xee);
    }
    /* Now r[4q + s] has, in its half l, column 4l + s of the rows 4q .. 4q+3. */
    VEC_UNROLL for (int s = 0; s < 4; s++)
    {
        t[s] = _mm256_permute2f128_ps(r[s], r[4 + s], 0x20);
        t[4 + s] = _mm256_permute2f128_ps(r[s], r[4 + s], 0x31);
    }
    VEC_UNROLL for (int i = 0; i < VF_N; i++) r[i] = t[i];
}
VEC_INLINE void vi_transpose(vi r[VF_N])
{
    vf t[VF_N];
    VEC_UNROLL for (int i = 0; i < VF_N; i++) t[i] = vf_from_bits(r[i]);
    vf_transpose(t);
    VEC_UNROLL for (int i = 0; i < VF_N; i++) r[i] = vf_bits(t[i]);
}

/* ---- across the lanes: 8, 4, 2, 1 ---- */
#define VEC_FOLD(x, op128, op1)                                                                    \
    do {                                                                                           \
        __m128 q_ = op128(_mm256_castps256_ps128(x), _mm256_extractf128_ps(x, 1));                 \
        q_ = op128(q_, _mm_movehl_ps(q_, q_));                                                     \
        return _mm_cvtss_f32(op1(q_, _mm_movehdup_ps(q_)));                                        \
    } while (0)
VEC_INLINE float vf_hsum(vf x) { VEC_FOLD(x, _mm_add_ps, _mm_add_ss); }
VEC_INLINE float vf_hmax(vf x) { VEC_FOLD(x, _mm_max_ps, _mm_max_ss); }
VEC_INLINE float vf_hmin(vf x) { VEC_FOLD(x, _mm_min_ps, _mm_min_ss); }

/* clang-format on */

#include "kernels/x86/vec_math.h"

#endif
