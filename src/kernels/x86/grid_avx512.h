/* Sixteen pixels of a row of a grid (conv_kernels.h) at once, AVX-512.  grid_avx2.h has the same
 * names for eight; conv_x86.h and pool_x86.h are written on them and know no ISA.
 *
 * A window is sixteen source columns ix, ix + s, ix + 2s, ... of a row of w floats; columns outside
 * of the row are not touched and read as 0, and so do lanes n and up. */
#ifndef SWELL_GRID_AVX512_H
#define SWELL_GRID_AVX512_H

#include "kernels/x86/vec_avx512.h"
#include "kernels/x86/grid_x86.h"

/* The first n lanes of x; as quick as any store. */
VEC_INLINE void vf_store_piece(float *p, vf x, int64_t n)
{
    vf_store_n(p, x, n);
}

/* The even elements of (a, b), and the odd elements of b behind the even ones of a. */
VEC_INLINE vf vf_even(vf a, vf b)
{
    const __m512i at = _mm512_set_epi32(30, 28, 26, 24, 22, 20, 18, 16, 14, 12, 10, 8, 6, 4, 2, 0);
    return _mm512_permutex2var_ps(a, at, b);
}
VEC_INLINE vf vf_even_odd(vf a, vf b)
{
    const __m512i at = _mm512_set_epi32(31, 29, 27, 25, 23, 21, 19, 17, 14, 12, 10, 8, 6, 4, 2, 0);
    return _mm512_permutex2var_ps(a, at, b);
}
/* a0 b0 a1 b1 ... */
VEC_INLINE vf vf_zip_low(vf a, vf b)
{
    const __m512i at = _mm512_set_epi32(23, 7, 22, 6, 21, 5, 20, 4, 19, 3, 18, 2, 17, 1, 16, 0);
    return _mm512_permutex2var_ps(a, at, b);
}
VEC_INLINE vf vf_zip_high(vf a, vf b)
{
    const __m512i at = _mm512_set_epi32(31, 15, 30, 14, 29, 13, 28, 12, 27, 11, 26, 10, 25, 9, 24,
                                        8);
    return _mm512_permutex2var_ps(a, at, b);
}

VEC_INLINE __m512i columns(int64_t ix, int64_t s)
{
    const __m512i lane = _mm512_set_epi32(15, 14, 13, 12, 11, 10, 9, 8, 7, 6, 5, 4, 3, 2, 1, 0);
    return _mm512_add_epi32(_mm512_set1_epi32((int)ix),
                            _mm512_mullo_epi32(lane, _mm512_set1_epi32((int)s)));
}

/* Lanes below n whose column is inside of a row of w: one comparison without sign. */
VEC_INLINE vm window_lanes(int64_t ix, int64_t w, int64_t n, int64_t s)
{
    return vm_first(n) & _mm512_cmplt_epu32_mask(columns(ix, s), _mm512_set1_epi32((int)w));
}

/* What a window_load may touch; worth keeping when many rows are read at the same columns. */
struct window {
    vm lanes;       /* results that come from inside */
    vm first, next; /* stride 2: elements 0..15 and 16..31 that are read */
};

VEC_INLINE struct window window_at(int64_t ix, int64_t w, int64_t n, const int64_t s)
{
    struct window m = {.lanes = window_lanes(ix, w, n, s)};
    if (s != 2) return m;
    m.first = window_lanes(ix, w, 2 * n - 1, 1);
    m.next = 2 * n - 1 > VF_N ? window_lanes(ix + VF_N, w, 2 * n - 1 - VF_N, 1) : 0;
    return m;
}

/* p is at the column that window_at was asked for, even if that is outside. */
VEC_INLINE vf window_load(const float *p, struct window m, const int64_t s)
{
    if (s == 1) return _mm512_maskz_loadu_ps(m.lanes, p);
    if (s == 2)
        return vf_even(_mm512_maskz_loadu_ps(m.first, p), _mm512_maskz_loadu_ps(m.next, p + VF_N));
    return _mm512_mask_i32gather_ps(vf_zero(), m.lanes, columns(0, s), p, 4);
}

/* The same when all sixteen columns are inside; p is at the first. */
VEC_INLINE vf window_whole(const float *p, const int64_t s)
{
    if (s == 1) return vf_load(p);
    if (s == 2) return vf_even_odd(vf_load(p), vf_load(p + VF_N - 1));
    return _mm512_i32gather_ps(columns(0, s), p, 4);
}

#endif
