/* Sixteen pixels of a row of a grid (conv_kernels.h) at once, AVX-512.  grid_avx2.h has the same
 * names for eight; conv_x86.h and pool_x86.h are written on them and know no ISA. */
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

VEC_INLINE vf vf_or(vf a, vf b)
{
    return _mm512_or_ps(a, b);
}

/* Lanes where 0 <= v < size: one comparison without sign. */
VEC_INLINE vm vi_inside(vi v, int64_t size)
{
    return _mm512_cmplt_epu32_mask(v, _mm512_set1_epi32((int)size));
}

VEC_INLINE vm window_lanes(int64_t ix, int64_t w, int64_t n, int64_t s)
{
    return vm_first(n) & vi_inside(columns(ix, s), w);
}

/* Lanes to be read with a stride; for strides 2 and 4 also as elements of so many vectors. */
struct lanes {
    vm all, part[4];
};

/* Eight lanes as every second of sixteen, four lanes as every fourth. */
VEC_INLINE vm spread_2(uint32_t x)
{
    x = (x | x << 4) & 0x0f0f;
    x = (x | x << 2) & 0x3333;
    return (vm)((x | x << 1) & 0x5555);
}
VEC_INLINE vm spread_4(uint32_t x)
{
    x = (x | x << 6) & 0x0303;
    return (vm)((x | x << 3) & 0x1111);
}

VEC_INLINE struct lanes lanes_of(vm m, const int64_t s)
{
    struct lanes lanes = {.all = m};
    for (int i = 0; s == 2 && i < 2; i++) lanes.part[i] = spread_2(m >> 8 * i & 0xff);
    for (int i = 0; s == 4 && i < 4; i++) lanes.part[i] = spread_4(m >> 4 * i & 0xf);
    return lanes;
}

VEC_INLINE struct lanes lanes_and(struct lanes a, struct lanes b, const int64_t s)
{
    a.all &= b.all;
    for (int i = 0; (s == 2 || s == 4) && i < s; i++) a.part[i] &= b.part[i];
    return a;
}

/* Lane l is p[l * s]; lanes that are not in m touch nothing and are 0.  s is 1, 2, 4 or any. */
VEC_INLINE vf lanes_load(const float *p, struct lanes m, const int64_t s)
{
    if (s == 1) return _mm512_maskz_loadu_ps(m.all, p);
    vf part[4];
    for (int i = 0; (s == 2 || s == 4) && i < s; i++)
        part[i] = _mm512_maskz_loadu_ps(m.part[i], p + i * VF_N);
    if (s == 2) return vf_even(part[0], part[1]);
    if (s == 4) return vf_even(vf_even(part[0], part[1]), vf_even(part[2], part[3]));
    return _mm512_mask_i32gather_ps(vf_zero(), m.all, columns(0, s), p, 4);
}

/* Lane l is column ix + l*s of a row of w; columns outside are 0, and so are lanes n and up. */
VEC_INLINE struct lanes window_at(int64_t ix, int64_t w, int64_t n, const int64_t s)
{
    return lanes_of(window_lanes(ix, w, n, s), s);
}

/* lanes_load of all lanes. */
VEC_INLINE vf window_whole(const float *p, const int64_t s)
{
    if (s == 1) return vf_load(p);
    if (s == 2) return vf_even_odd(vf_load(p), vf_load(p + VF_N - 1));
    return _mm512_i32gather_ps(columns(0, s), p, 4);
}

#endif
