/* Eight pixels of a row of a grid at once, AVX2: the names of grid_avx512.h, which explains them. */
#ifndef SWELL_GRID_AVX2_H
#define SWELL_GRID_AVX2_H

#include <immintrin.h>
#include <stdint.h>
#include "kernels/x86/grid_x86.h"

enum { LANES = 8 };
typedef __m256 vec;
typedef __m256 mask;

INLINE vec v_zero(void)
{
    return _mm256_setzero_ps();
}
INLINE vec v_set1(float x)
{
    return _mm256_set1_ps(x);
}
INLINE vec v_add(vec a, vec b)
{
    return _mm256_add_ps(a, b);
}
INLINE vec v_mul(vec a, vec b)
{
    return _mm256_mul_ps(a, b);
}
INLINE vec v_div(vec a, vec b)
{
    return _mm256_div_ps(a, b);
}
INLINE vec v_fma(vec a, vec b, vec c)
{
    return _mm256_fmadd_ps(a, b, c);
}
INLINE float v_sum(vec a)
{
    __m128 x = _mm_add_ps(_mm256_castps256_ps128(a), _mm256_extractf128_ps(a, 1));
    x = _mm_add_ps(x, _mm_movehl_ps(x, x));
    return _mm_cvtss_f32(_mm_add_ss(x, _mm_movehdup_ps(x)));
}
INLINE vec v_load(const float *p)
{
    return _mm256_loadu_ps(p);
}
INLINE void v_store(float *p, vec a)
{
    _mm256_storeu_ps(p, a);
}

INLINE __m256i lane_numbers(void)
{
    return _mm256_set_epi32(7, 6, 5, 4, 3, 2, 1, 0);
}
INLINE mask m_first(int64_t n)
{
    __m256i count = _mm256_set1_epi32(n > LANES ? LANES : (int)n);
    return _mm256_castsi256_ps(_mm256_cmpgt_epi32(count, lane_numbers()));
}
INLINE vec v_load_mask(const float *p, mask m)
{
    return _mm256_maskload_ps(p, _mm256_castps_si256(m));
}
INLINE vec v_load_n(const float *p, int64_t n)
{
    return v_load_mask(p, m_first(n));
}
/* In pieces of four, two and one: a masked store is microcode on some CPUs. */
INLINE void v_store_n(float *p, vec a, int64_t n)
{
    if (n >= LANES) {
        v_store(p, a);
        return;
    }
    __m128 x = _mm256_castps256_ps128(a);
    if (n & 4) {
        _mm_storeu_ps(p, x);
        x = _mm256_extractf128_ps(a, 1);
        p += 4;
    }
    if (n & 2) {
        _mm_storel_pi((__m64 *)p, x);
        x = _mm_movehl_ps(x, x);
        p += 2;
    }
    if (n & 1) _mm_store_ss(p, x);
}

INLINE mask m_and(mask a, mask b)
{
    return _mm256_and_ps(a, b);
}
INLINE mask m_or(mask a, mask b)
{
    return _mm256_or_ps(a, b);
}
INLINE mask m_without(mask a, mask b)
{
    return _mm256_andnot_ps(b, a);
}
INLINE mask m_none(void)
{
    return _mm256_setzero_ps();
}
INLINE mask m_greater(vec a, vec b)
{
    return _mm256_cmp_ps(a, b, _CMP_GT_OQ);
}
INLINE mask m_equal(vec a, vec b)
{
    return _mm256_cmp_ps(a, b, _CMP_EQ_OQ);
}
INLINE mask m_nan(vec a)
{
    return _mm256_cmp_ps(a, a, _CMP_UNORD_Q);
}
INLINE vec v_select(mask m, vec yes, vec no)
{
    return _mm256_blendv_ps(no, yes, m);
}

INLINE vec v_even(vec a, vec b)
{
    __m256 x = _mm256_shuffle_ps(a, b, 0x88); /* a0 a2 b0 b2 a4 a6 b4 b6 */
    return _mm256_castpd_ps(_mm256_permute4x64_pd(_mm256_castps_pd(x), 0xd8));
}
INLINE vec v_even_odd(vec a, vec b)
{
    __m256 x = _mm256_shuffle_ps(a, b, 0xd8); /* a0 a2 b1 b3 a4 a6 b5 b7 */
    return _mm256_castpd_ps(_mm256_permute4x64_pd(_mm256_castps_pd(x), 0xd8));
}
INLINE vec v_zip_low(vec a, vec b)
{
    return _mm256_permute2f128_ps(_mm256_unpacklo_ps(a, b), _mm256_unpackhi_ps(a, b), 0x20);
}
INLINE vec v_zip_high(vec a, vec b)
{
    return _mm256_permute2f128_ps(_mm256_unpacklo_ps(a, b), _mm256_unpackhi_ps(a, b), 0x31);
}

INLINE __m256i columns(int64_t ix, int64_t s)
{
    return _mm256_add_epi32(_mm256_set1_epi32((int)ix),
                            _mm256_mullo_epi32(lane_numbers(), _mm256_set1_epi32((int)s)));
}

INLINE mask m_window(int64_t ix, int64_t w, int64_t n, int64_t s)
{
    __m256i at = columns(ix, s), before = _mm256_cmpgt_epi32(_mm256_set1_epi32((int)w), at);
    __m256i inside = _mm256_andnot_si256(_mm256_srai_epi32(at, 31), before);
    return _mm256_and_ps(m_first(n), _mm256_castsi256_ps(inside));
}

struct window {
    mask lanes, first, next;
};

INLINE struct window window_at(int64_t ix, int64_t w, int64_t n, const int64_t s)
{
    struct window m = {m_window(ix, w, n, s), m_none(), m_none()};
    if (s != 2) return m;
    m.first = m_window(ix, w, 2 * n - 1, 1);
    if (2 * n - 1 > LANES) m.next = m_window(ix + LANES, w, 2 * n - 1 - LANES, 1);
    return m;
}

INLINE vec window_load(const float *p, struct window m, const int64_t s)
{
    if (s == 1) return v_load_mask(p, m.lanes);
    if (s == 2) return v_even(v_load_mask(p, m.first), v_load_mask(p + LANES, m.next));
    return _mm256_mask_i32gather_ps(v_zero(), p, columns(0, s), m.lanes, 4);
}

INLINE vec window_whole(const float *p, const int64_t s)
{
    if (s == 1) return v_load(p);
    if (s == 2) return v_even_odd(v_load(p), v_load(p + LANES - 1));
    return _mm256_i32gather_ps(p, columns(0, s), 4);
}

#endif
