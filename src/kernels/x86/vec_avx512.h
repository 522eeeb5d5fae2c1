/* Vectors of AVX-512 under the names that template headers use: vf sixteen f32, vi sixteen i32, vm a
 * choice of lanes.  vec_avx2.h gives the same names to eight lanes; include one of the two, never
 * both, and only in a unit of its ISA.
 *
 * A template is a header of static inline code over these names, included by <family>_avx2.c and
 * <family>_avx512.c.  Heads and tails of arrays use the same code as bodies with loads and stores of
 * n < VF_N lanes, so an element's bits never depend on where it stands.
 *
 * vf_min(a, b) is a < b ? a : b and vf_max(a, b) is a > b ? a : b: when either is NaN, or both are
 * zeros, the result is b.  So vf_max(bound, x) lets the NaNs of x through. */
#ifndef SWELL_KERNELS_VEC_AVX512_H
#define SWELL_KERNELS_VEC_AVX512_H

#include <immintrin.h>
#include <stdint.h>

#define VEC_INLINE     static inline __attribute__((always_inline, unused))
#define SW_ISA_NAME(f) f##_avx512 /* SW_ISA_NAME(sw__exp_f32) names a template's function */

#ifdef __clang__
#define VEC_UNROLL _Pragma("clang loop unroll(full)")
#else
#define VEC_UNROLL _Pragma("GCC unroll 16")
#endif

enum { VF_N = 16 };
typedef __m512 vf;
typedef __m512i vi;
typedef __mmask16 vm;

/* clang-format off */

/* ---- lanes and memory: n lanes mean 0 <= n <= VF_N, the others read as 0 and are not touched ---- */
VEC_INLINE vm vm_first(int64_t n) { return n >= VF_N ? 0xffff : (vm)((1u << n) - 1); }
VEC_INLINE vf vf_load(const float *p) { return _mm512_loadu_ps(p); }
VEC_INLINE vf vf_load_n(const float *p, int64_t n) { return _mm512_maskz_loadu_ps(vm_first(n), p); }
VEC_INLINE void vf_store(float *p, vf x) { _mm512_storeu_ps(p, x); }
VEC_INLINE void vf_store_n(float *p, vf x, int64_t n) { _mm512_mask_storeu_ps(p, vm_first(n), x); }
/* Past the caches; p is aligned to the vector. */
VEC_INLINE void vf_stream(float *p, vf x) { _mm512_stream_ps(p, x); }
VEC_INLINE vi vi_load(const int32_t *p) { return _mm512_loadu_si512(p); }
VEC_INLINE vi vi_load_n(const int32_t *p, int64_t n) { return _mm512_maskz_loadu_epi32(vm_first(n), p); }
VEC_INLINE void vi_store(int32_t *p, vi x) { _mm512_storeu_si512(p, x); }
VEC_INLINE void vi_store_n(int32_t *p, vi x, int64_t n) { _mm512_mask_storeu_epi32(p, vm_first(n), x); }

/* ---- f32 ---- */
VEC_INLINE vf vf_set(float x) { return _mm512_set1_ps(x); }
VEC_INLINE vf vf_zero(void) { return _mm512_setzero_ps(); }
VEC_INLINE vf vf_add(vf a, vf b) { return _mm512_add_ps(a, b); }
VEC_INLINE vf vf_sub(vf a, vf b) { return _mm512_sub_ps(a, b); }
VEC_INLINE vf vf_mul(vf a, vf b) { return _mm512_mul_ps(a, b); }
VEC_INLINE vf vf_div(vf a, vf b) { return _mm512_div_ps(a, b); }
VEC_INLINE vf vf_sqrt(vf x) { return _mm512_sqrt_ps(x); }
VEC_INLINE vf vf_fma(vf a, vf b, vf c) { return _mm512_fmadd_ps(a, b, c); }   /* a * b + c */
VEC_INLINE vf vf_fms(vf a, vf b, vf c) { return _mm512_fmsub_ps(a, b, c); }   /* a * b - c */
VEC_INLINE vf vf_fnma(vf a, vf b, vf c) { return _mm512_fnmadd_ps(a, b, c); } /* c - a * b */
VEC_INLINE vf vf_min(vf a, vf b) { return _mm512_min_ps(a, b); }
VEC_INLINE vf vf_max(vf a, vf b) { return _mm512_max_ps(a, b); }
VEC_INLINE vf vf_abs(vf x) { return _mm512_andnot_ps(_mm512_set1_ps(-0.f), x); }
VEC_INLINE vf vf_neg(vf x) { return _mm512_xor_ps(_mm512_set1_ps(-0.f), x); }
VEC_INLINE vf vf_sign_bit(vf x) { return _mm512_and_ps(_mm512_set1_ps(-0.f), x); }
VEC_INLINE vf vf_xor(vf a, vf b) { return _mm512_xor_ps(a, b); } /* of a sign bit: flips the sign */
/* To the nearest whole number, ties to even; stays a float. */
VEC_INLINE vf vf_rint(vf x) { return _mm512_roundscale_ps(x, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC); }
VEC_INLINE vf vf_floor(vf x) { return _mm512_roundscale_ps(x, _MM_FROUND_TO_NEG_INF | _MM_FROUND_NO_EXC); }
/* x * 2^n for whole n, |n| <= 252, rounded once (denormals too). */
VEC_INLINE vf vf_ldexp(vf x, vf n) { return _mm512_scalef_ps(x, n); }

/* ---- comparisons: false with NaN, but for vf_ne ---- */
VEC_INLINE vm vf_lt(vf a, vf b) { return _mm512_cmp_ps_mask(a, b, _CMP_LT_OQ); }
VEC_INLINE vm vf_le(vf a, vf b) { return _mm512_cmp_ps_mask(a, b, _CMP_LE_OQ); }
VEC_INLINE vm vf_gt(vf a, vf b) { return _mm512_cmp_ps_mask(a, b, _CMP_GT_OQ); }
VEC_INLINE vm vf_ge(vf a, vf b) { return _mm512_cmp_ps_mask(a, b, _CMP_GE_OQ); }
VEC_INLINE vm vf_eq(vf a, vf b) { return _mm512_cmp_ps_mask(a, b, _CMP_EQ_OQ); }
VEC_INLINE vm vf_ne(vf a, vf b) { return _mm512_cmp_ps_mask(a, b, _CMP_NEQ_UQ); }
VEC_INLINE vm vf_isnan(vf x) { return _mm512_cmp_ps_mask(x, x, _CMP_UNORD_Q); }
VEC_INLINE vm vm_and(vm a, vm b) { return (vm)(a & b); }
VEC_INLINE vm vm_or(vm a, vm b) { return (vm)(a | b); }
VEC_INLINE vm vm_not(vm a) { return (vm)~a; }
VEC_INLINE int vm_any(vm a) { return a != 0; }
/* Bit i: lane i. */
VEC_INLINE uint32_t vm_bits(vm a) { return a; }
VEC_INLINE vm vm_from_bits(uint32_t bits) { return (vm)bits; }
VEC_INLINE vf vf_select(vm m, vf a, vf b) { return _mm512_mask_blend_ps(m, b, a); } /* m ? a : b */
VEC_INLINE vi vi_select(vm m, vi a, vi b) { return _mm512_mask_blend_epi32(m, b, a); }

/* ---- i32 ---- */
VEC_INLINE vi vi_set(int32_t x) { return _mm512_set1_epi32(x); }
VEC_INLINE vi vi_add(vi a, vi b) { return _mm512_add_epi32(a, b); }
VEC_INLINE vi vi_sub(vi a, vi b) { return _mm512_sub_epi32(a, b); }
VEC_INLINE vi vi_mul(vi a, vi b) { return _mm512_mullo_epi32(a, b); }
VEC_INLINE vi vi_min(vi a, vi b) { return _mm512_min_epi32(a, b); }
VEC_INLINE vi vi_max(vi a, vi b) { return _mm512_max_epi32(a, b); }
VEC_INLINE vi vi_and(vi a, vi b) { return _mm512_and_si512(a, b); }
VEC_INLINE vi vi_or(vi a, vi b) { return _mm512_or_si512(a, b); }
VEC_INLINE vi vi_xor(vi a, vi b) { return _mm512_xor_si512(a, b); }
VEC_INLINE vm vi_eq(vi a, vi b) { return _mm512_cmpeq_epi32_mask(a, b); }
VEC_INLINE vm vi_gt(vi a, vi b) { return _mm512_cmpgt_epi32_mask(a, b); }
#define vi_shl(x, n) _mm512_slli_epi32(x, n)
#define vi_shr(x, n) _mm512_srli_epi32(x, n) /* zeros come in */
#define vi_sar(x, n) _mm512_srai_epi32(x, n) /* the sign comes in */

/* ---- between them ---- */
VEC_INLINE vi vf_bits(vf x) { return _mm512_castps_si512(x); }
VEC_INLINE vf vf_from_bits(vi x) { return _mm512_castsi512_ps(x); }
VEC_INLINE vf vf_from_vi(vi x) { return _mm512_cvtepi32_ps(x); }
/* To nearest even; outside of i32 and NaN: INT32_MIN. */
VEC_INLINE vi vf_to_vi(vf x) { return _mm512_cvtps_epi32(x); }
/* The same toward zero. */
VEC_INLINE vi vf_trunc_vi(vf x) { return _mm512_cvttps_epi32(x); }

/* ---- f16 and bf16 in memory, f32 in registers; stores round to nearest even ---- */
VEC_INLINE vf vf_from_half(__m256i h) { return _mm512_cvtph_ps(h); }
VEC_INLINE vf vf_from_bf16(__m256i h) { return _mm512_castsi512_ps(_mm512_slli_epi32(_mm512_cvtepu16_epi32(h), 16)); }
VEC_INLINE __m256i vf_to_half(vf x) { return _mm512_cvtps_ph(x, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC); }
VEC_INLINE __m256i vf_to_bf16(vf x)
{
    __m512i u = _mm512_castps_si512(x), odd = _mm512_and_si512(_mm512_srli_epi32(u, 16), _mm512_set1_epi32(1));
    __m512i r = _mm512_add_epi32(u, _mm512_add_epi32(odd, _mm512_set1_epi32(0x7fff)));
    r = _mm512_mask_or_epi32(r, vf_isnan(x), u, _mm512_set1_epi32(0x400000)); /* made quiet */
    return _mm512_cvtepi32_epi16(_mm512_srli_epi32(r, 16));
}
VEC_INLINE vf vf_load_f16(const uint16_t *p) { return vf_from_half(_mm256_loadu_si256((const __m256i *)p)); }
VEC_INLINE vf vf_load_f16_n(const uint16_t *p, int64_t n) { return vf_from_half(_mm256_maskz_loadu_epi16(vm_first(n), p)); }
VEC_INLINE vf vf_load_bf16(const uint16_t *p) { return vf_from_bf16(_mm256_loadu_si256((const __m256i *)p)); }
VEC_INLINE vf vf_load_bf16_n(const uint16_t *p, int64_t n) { return vf_from_bf16(_mm256_maskz_loadu_epi16(vm_first(n), p)); }
VEC_INLINE void vf_store_f16(uint16_t *p, vf x) { _mm256_storeu_si256((__m256i *)p, vf_to_half(x)); }
VEC_INLINE void vf_store_f16_n(uint16_t *p, vf x, int64_t n) { _mm256_mask_storeu_epi16(p, vm_first(n), vf_to_half(x)); }
VEC_INLINE void vf_store_bf16(uint16_t *p, vf x) { _mm256_storeu_si256((__m256i *)p, vf_to_bf16(x)); }
VEC_INLINE void vf_store_bf16_n(uint16_t *p, vf x, int64_t n) { _mm256_mask_storeu_epi16(p, vm_first(n), vf_to_bf16(x)); }

/* ---- bytes in memory, i32 in registers; stores keep the low byte ---- */
VEC_INLINE vi vi_load_i8(const int8_t *p) { return _mm512_cvtepi8_epi32(_mm_loadu_si128((const __m128i *)p)); }
VEC_INLINE vi vi_load_i8_n(const int8_t *p, int64_t n) { return _mm512_cvtepi8_epi32(_mm_maskz_loadu_epi8(vm_first(n), p)); }
VEC_INLINE vi vi_load_u8(const uint8_t *p) { return _mm512_cvtepu8_epi32(_mm_loadu_si128((const __m128i *)p)); }
VEC_INLINE vi vi_load_u8_n(const uint8_t *p, int64_t n) { return _mm512_cvtepu8_epi32(_mm_maskz_loadu_epi8(vm_first(n), p)); }
VEC_INLINE void vi_store_x8(void *p, vi x) { _mm_storeu_si128((__m128i *)p, _mm512_cvtepi32_epi8(x)); }
VEC_INLINE void vi_store_x8_n(void *p, vi x, int64_t n) { _mm_mask_storeu_epi8(p, vm_first(n), _mm512_cvtepi32_epi8(x)); }

/* ---- bits: the first n bytes of a vector, the others 0; two halves; r[i] lane j <-> r[j] lane i ---- */
VEC_INLINE vi vi_load_bytes(const void *p, int64_t n)
{
    return n >= 64 ? _mm512_loadu_si512(p) : _mm512_maskz_loadu_epi8(((__mmask64)1 << n) - 1, p);
}
VEC_INLINE vi vi_join(__m256i low, __m256i high) { return _mm512_inserti64x4(_mm512_castsi256_si512(low), high, 1); }
VEC_INLINE void vf_transpose(vf r[VF_N])
{
    vf t[VF_N];
    VEC_UNROLL for (int i = 0; i < VF_N; i += 2)
    {
        t[i] = _mm512_unpacklo_ps(r[i], r[i + 1]);
        t[i + 1] = _mm512_unpackhi_ps(r[i], r[i + 1]);
    }
    VEC_UNROLL for (int i = 0; i < VF_N; i += 4) VEC_UNROLL for (int h = 0; h < 2; h++)
    {
        __m512d x = _mm512_castps_pd(t[i + h]), y = _mm512_castps_pd(t[i + h + 2]);
        r[i + 2 * h] = _mm512_castpd_ps(_mm512_unpacklo_pd(x, y));
        r[i + 2 * h + 1] = _mm512_castpd_ps(_mm512_unpackhi_pd(x, y));
    }
    /* Now r[4q + s] has, in its quarter l, column 4l + s of the rows 4q .. 4q+3. */
    VEC_UNROLL for (int s = 0; s < 4; s++)
    {
        vf even01 = _mm512_shuffle_f32x4(r[s], r[4 + s], 0x88);
        vf odd01 = _mm512_shuffle_f32x4(r[s], r[4 + s], 0xdd);
        vf even23 = _mm512_shuffle_f32x4(r[8 + s], r[12 + s], 0x88);
        vf odd23 = _mm512_shuffle_f32x4(r[8 + s], r[12 + s], 0xdd);
        t[s] = _mm512_shuffle_f32x4(even01, even23, 0x88);
        t[8 + s] = _mm512_shuffle_f32x4(even01, even23, 0xdd);
        t[4 + s] = _mm512_shuffle_f32x4(odd01, odd23, 0x88);
        t[12 + s] = _mm512_shuffle_f32x4(odd01, odd23, 0xdd);
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

/* ---- across the lanes: halves are folded onto each other, 16, 8, 4, 2, 1 ---- */
#define VEC_FOLD(x, op256, op128, op1)                                                             \
    do {                                                                                           \
        __m256 h_ = op256(_mm512_castps512_ps256(x), _mm512_extractf32x8_ps(x, 1));                \
        __m128 q_ = op128(_mm256_castps256_ps128(h_), _mm256_extractf128_ps(h_, 1));               \
        q_ = op128(q_, _mm_movehl_ps(q_, q_));                                                     \
        return _mm_cvtss_f32(op1(q_, _mm_movehdup_ps(q_)));                                        \
    } while (0)
VEC_INLINE float vf_hsum(vf x) { VEC_FOLD(x, _mm256_add_ps, _mm_add_ps, _mm_add_ss); }
/* Lanes must not be NaN. */
VEC_INLINE float vf_hmax(vf x) { VEC_FOLD(x, _mm256_max_ps, _mm_max_ps, _mm_max_ss); }
VEC_INLINE float vf_hmin(vf x) { VEC_FOLD(x, _mm256_min_ps, _mm_min_ps, _mm_min_ss); }

/* clang-format on */

#include "kernels/x86/vec_math.h"

#endif
