/* Sixteen pixels of a row of a grid (conv_kernels.h) at once, AVX-512.  grid_avx2.h has the same
 * names for eight; conv_x86.h and pool_x86.h are written on them and know no ISA.
 *
 * A window is sixteen source columns ix, ix + s, ix + 2s, ... of a row of w floats; columns outside
 * of the row are not touched and read as 0, and so do lanes n and up. */
#ifndef SWELL_GRID_AVX512_H
#define SWELL_GRID_AVX512_H

#include <immintrin.h>
#include <stdint.h>
#include "kernels/x86/grid_x86.h"

enum { LANES = 16 };
typedef __m512 vec;
typedef __mmask16 mask;

INLINE vec v_zero(void)
{
    return _mm512_setzero_ps();
}
INLINE vec v_set1(float x)
{
    return _mm512_set1_ps(x);
}
INLINE vec v_add(vec a, vec b)
{
    return _mm512_add_ps(a, b);
}
INLINE vec v_mul(vec a, vec b)
{
    return _mm512_mul_ps(a, b);
}
INLINE vec v_div(vec a, vec b)
{
    return _mm512_div_ps(a, b);
}
INLINE vec v_fma(vec a, vec b, vec c)
{
    return _mm512_fmadd_ps(a, b, c);
}

/* The sum of all lanes, in the order of a tree. */
INLINE float v_sum(vec a)
{
    return _mm512_reduce_add_ps(a);
}
INLINE vec v_load(const float *p)
{
    return _mm512_loadu_ps(p);
}
INLINE void v_store(float *p, vec a)
{
    _mm512_storeu_ps(p, a);
}

/* The first n lanes; 0 <= n, and more than LANES means all. */
INLINE mask m_first(int64_t n)
{
    return n >= LANES ? 0xffff : (mask)((1u << n) - 1);
}
INLINE vec v_load_n(const float *p, int64_t n)
{
    return _mm512_maskz_loadu_ps(m_first(n), p);
}
INLINE void v_store_n(float *p, vec a, int64_t n)
{
    _mm512_mask_storeu_ps(p, m_first(n), a);
}

INLINE mask m_and(mask a, mask b)
{
    return a & b;
}
INLINE mask m_or(mask a, mask b)
{
    return a | b;
}
/* a and not b */
INLINE mask m_without(mask a, mask b)
{
    return a & (mask)~b;
}
INLINE mask m_none(void)
{
    return 0;
}
INLINE mask m_greater(vec a, vec b)
{
    return _mm512_cmp_ps_mask(a, b, _CMP_GT_OQ);
}
INLINE mask m_equal(vec a, vec b)
{
    return _mm512_cmp_ps_mask(a, b, _CMP_EQ_OQ);
}
INLINE mask m_nan(vec a)
{
    return _mm512_cmp_ps_mask(a, a, _CMP_UNORD_Q);
}
INLINE vec v_select(mask m, vec yes, vec no)
{
    return _mm512_mask_mov_ps(no, m, yes);
}

/* The even elements of (a, b), and the odd elements of b behind the even ones of a. */
INLINE vec v_even(vec a, vec b)
{
    const __m512i at = _mm512_set_epi32(30, 28, 26, 24, 22, 20, 18, 16, 14, 12, 10, 8, 6, 4, 2, 0);
    return _mm512_permutex2var_ps(a, at, b);
}
INLINE vec v_even_odd(vec a, vec b)
{
    const __m512i at = _mm512_set_epi32(31, 29, 27, 25, 23, 21, 19, 17, 14, 12, 10, 8, 6, 4, 2, 0);
    return _mm512_permutex2var_ps(a, at, b);
}
/* a0 b0 a1 b1 ... */
INLINE vec v_zip_low(vec a, vec b)
{
    const __m512i at = _mm512_set_epi32(23, 7, 22, 6, 21, 5, 20, 4, 19, 3, 18, 2, 17, 1, 16, 0);
    return _mm512_permutex2var_ps(a, at, b);
}
INLINE vec v_zip_high(vec a, vec b)
{
    const __m512i at = _mm512_set_epi32(31, 15, 30, 14, 29, 13, 28, 12, 27, 11, 26, 10, 25, 9, 24,
                                        8);
    return _mm512_permutex2var_ps(a, at, b);
}

INLINE __m512i columns(int64_t ix, int64_t s)
{
    const __m512i lane = _mm512_set_epi32(15, 14, 13, 12, 11, 10, 9, 8, 7, 6, 5, 4, 3, 2, 1, 0);
    return _mm512_add_epi32(_mm512_set1_epi32((int)ix),
                            _mm512_mullo_epi32(lane, _mm512_set1_epi32((int)s)));
}

/* Lanes below n whose column is inside of a row of w: one comparison without sign. */
INLINE mask m_window(int64_t ix, int64_t w, int64_t n, int64_t s)
{
    return m_first(n) & _mm512_cmplt_epu32_mask(columns(ix, s), _mm512_set1_epi32((int)w));
}

/* What a window_load may touch; worth keeping when many rows are read at the same columns. */
struct window {
    mask lanes;       /* results that come from inside */
    mask first, next; /* stride 2: elements 0..15 and 16..31 that are read */
};

INLINE struct window window_at(int64_t ix, int64_t w, int64_t n, const int64_t s)
{
    struct window m = {.lanes = m_window(ix, w, n, s)};
    if (s != 2) return m;
    m.first = m_window(ix, w, 2 * n - 1, 1);
    m.next = 2 * n - 1 > LANES ? m_window(ix + LANES, w, 2 * n - 1 - LANES, 1) : 0;
    return m;
}

/* p is at the column that window_at was asked for, even if that is outside. */
INLINE vec window_load(const float *p, struct window m, const int64_t s)
{
    if (s == 1) return _mm512_maskz_loadu_ps(m.lanes, p);
    if (s == 2)
        return v_even(_mm512_maskz_loadu_ps(m.first, p), _mm512_maskz_loadu_ps(m.next, p + LANES));
    return _mm512_mask_i32gather_ps(v_zero(), m.lanes, columns(0, s), p, 4);
}

/* The same when all sixteen columns are inside; p is at the first. */
INLINE vec window_whole(const float *p, const int64_t s)
{
    if (s == 1) return v_load(p);
    if (s == 2) return v_even_odd(v_load(p), v_load(p + LANES - 1));
    return _mm512_i32gather_ps(columns(0, s), p, 4);
}

#endif
