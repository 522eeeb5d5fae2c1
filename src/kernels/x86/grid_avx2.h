/* Eight pixels of a row of a grid at once, AVX2: the names of grid_avx512.h, which explains them. */
#ifndef SWELL_GRID_AVX2_H
#define SWELL_GRID_AVX2_H

#include "kernels/x86/vec_avx2.h"
#include "kernels/x86/grid_x86.h"

/* In pieces of four, two and one: a masked store is microcode on some CPUs. */
VEC_INLINE void vf_store_piece(float *p, vf x, int64_t n)
{
    if (n >= VF_N) {
        vf_store(p, x);
        return;
    }
    __m128 part = _mm256_castps256_ps128(x);
    if (n & 4) {
        _mm_storeu_ps(p, part);
        part = _mm256_extractf128_ps(x, 1);
        p += 4;
    }
    if (n & 2) {
        _mm_storel_pi((__m64 *)p, part);
        part = _mm_movehl_ps(part, part);
        p += 2;
    }
    if (n & 1) _mm_store_ss(p, part);
}

VEC_INLINE vf vf_load_lanes(const float *p, vm m)
{
    return _mm256_maskload_ps(p, _mm256_castps_si256(m));
}

VEC_INLINE vf vf_even(vf a, vf b)
{
    __m256 x = _mm256_shuffle_ps(a, b, 0x88); /* a0 a2 b0 b2 a4 a6 b4 b6 */
    return _mm256_castpd_ps(_mm256_permute4x64_pd(_mm256_castps_pd(x), 0xd8));
}
VEC_INLINE vf vf_even_odd(vf a, vf b)
{
    __m256 x = _mm256_shuffle_ps(a, b, 0xd8); /* a0 a2 b1 b3 a4 a6 b5 b7 */
    return _mm256_castpd_ps(_mm256_permute4x64_pd(_mm256_castps_pd(x), 0xd8));
}
VEC_INLINE vf vf_zip_low(vf a, vf b)
{
    return _mm256_permute2f128_ps(_mm256_unpacklo_ps(a, b), _mm256_unpackhi_ps(a, b), 0x20);
}
VEC_INLINE vf vf_zip_high(vf a, vf b)
{
    return _mm256_permute2f128_ps(_mm256_unpacklo_ps(a, b), _mm256_unpackhi_ps(a, b), 0x31);
}

VEC_INLINE __m256i columns(int64_t ix, int64_t s)
{
    return _mm256_add_epi32(
        _mm256_set1_epi32((int)ix),
        _mm256_mullo_epi32(_mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7), _mm256_set1_epi32((int)s)));
}

VEC_INLINE vf vf_or(vf a, vf b)
{
    return _mm256_or_ps(a, b);
}

VEC_INLINE vm vi_inside(vi v, int64_t size)
{
    return vm_and(vi_gt(vi_set((int)size), v), vi_gt(v, vi_set(-1)));
}

VEC_INLINE vm window_lanes(int64_t ix, int64_t w, int64_t n, int64_t s)
{
    return vm_and(vm_first(n), vi_inside(columns(ix, s), w));
}

struct lanes {
    vm all, part[2];
};

VEC_INLINE vm spread_2(vm m, const int half)
{
    const __m256i to = half ? _mm256_setr_epi32(4, 4, 5, 5, 6, 6, 7, 7)
                            : _mm256_setr_epi32(0, 0, 1, 1, 2, 2, 3, 3);
    const __m256 even = _mm256_castsi256_ps(_mm256_setr_epi32(-1, 0, -1, 0, -1, 0, -1, 0));
    return _mm256_and_ps(even, _mm256_permutevar8x32_ps(m, to));
}

VEC_INLINE struct lanes lanes_of(vm m, const int64_t s)
{
    struct lanes lanes = {m, {m, m}};
    for (int i = 0; s == 2 && i < 2; i++) lanes.part[i] = spread_2(m, i);
    return lanes;
}

VEC_INLINE struct lanes lanes_and(struct lanes a, struct lanes b, const int64_t s)
{
    a.all = vm_and(a.all, b.all);
    for (int i = 0; s == 2 && i < 2; i++) a.part[i] = vm_and(a.part[i], b.part[i]);
    return a;
}

VEC_INLINE vf lanes_load(const float *p, struct lanes m, const int64_t s)
{
    if (s == 1) return vf_load_lanes(p, m.all);
    if (s == 2) return vf_even(vf_load_lanes(p, m.part[0]), vf_load_lanes(p + VF_N, m.part[1]));
    return _mm256_mask_i32gather_ps(vf_zero(), p, columns(0, s), m.all, 4);
}

VEC_INLINE struct lanes window_at(int64_t ix, int64_t w, int64_t n, const int64_t s)
{
    return lanes_of(window_lanes(ix, w, n, s), s);
}

VEC_INLINE vf window_whole(const float *p, const int64_t s)
{
    if (s == 1) return vf_load(p);
    if (s == 2) return vf_even_odd(vf_load(p), vf_load(p + VF_N - 1));
    return _mm256_i32gather_ps(p, columns(0, s), 4);
}

#endif
