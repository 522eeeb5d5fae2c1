/* Packing into panels for the matrix multiplication, AVX2: see gemm_kernels.h for the layout, and
 * gemm_pack_avx512.c for the three forms.
 *
 * Edges of f32 use masked loads; edges of 16-bit sources go through a small buffer, for AVX2 masks
 * no 16-bit loads. */
#include <stdbool.h>
#include <string.h>
#include "kernels/x86/gemm_pack_x86.h"
#include "kernels/x86/vec_avx2.h"

enum { LANES = 8 };

#define INLINE static inline __attribute__((always_inline))
#ifdef __clang__
#define UNROLL _Pragma("clang loop unroll(full)")
#else
#define UNROLL _Pragma("GCC unroll 16")
#endif

INLINE int64_t min(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

/* The first `left` lanes; none for left <= 0, all for left >= 8. */
INLINE __m256i lanes(int64_t left)
{
    static const int32_t window[16] = {-1, -1, -1, -1, -1, -1, -1, -1};
    left = left < 0 ? 0 : min(left, LANES);
    return _mm256_loadu_si256((const __m256i *)(window + LANES - left));
}

/* Consecutive elements from number `at` on, as f32; those from `left` on are not read and are 0. */
INLINE __m256 load(const void *src, const sw_dtype dtype, int64_t at, int64_t left)
{
    if (left <= 0) return _mm256_setzero_ps();
    if (dtype == SW_F32) {
        const float *from = (const float *)src + at;
        return left >= LANES ? _mm256_loadu_ps(from) : _mm256_maskload_ps(from, lanes(left));
    }
    const uint16_t *from = (const uint16_t *)src + at;
    uint16_t edge[LANES] = {0};
    if (left < LANES) from = memcpy(edge, from, (size_t)left * sizeof *edge);
    __m128i half = _mm_loadu_si128((const __m128i *)from);
    if (dtype == SW_F16) return _mm256_cvtph_ps(half);
    return _mm256_castsi256_ps(_mm256_slli_epi32(_mm256_cvtepu16_epi32(half), 16));
}

/* Lanes of one row of a panel.  Those behind the row may spill into the next one if there is `more`, for it
 * is written next: masked stores are slow. */
INLINE void store(float *to, __m256 x, int64_t left, bool more)
{
    if (left >= LANES || more)
        _mm256_storeu_ps(to, x);
    else
        _mm256_maskstore_ps(to, lanes(left), x);
}

/* Panels of lines that lie side by side.  Four panels at a time, so that reads are long. */
INLINE void pack_copy(float *panels, const void *src, const sw_dtype dtype, const int width,
                      int64_t along, int64_t lines, int64_t kc)
{
    const int64_t together = 4 * width;
    for (int64_t first = 0; first < lines; first += together) {
        int64_t end = min(lines, first + together);
        for (int64_t k = 0; k < kc; k++) {
            float *to = panels + first * kc + k * width;
            for (int64_t i = first; i < end; i += width, to += width * kc)
                UNROLL for (int v = 0; v < width; v += LANES)
                {
                    __m256 x = load(src, dtype, k * along + i + v, lines - i - v);
                    store(to + v, x, width - v, k + 1 < kc);
                }
        }
    }
}

/* Panels of lines that run along k. */
INLINE void pack_transpose(float *panels, const void *src, const sw_dtype dtype, const int width,
                           int64_t across, int64_t lines, int64_t kc)
{
    for (int64_t first = 0; first < lines; first += width, panels += width * kc) {
        for (int v = 0; v < width; v += LANES) {
            int64_t there = min(lines - first, width) - v; /* lines that exist, from v on */
            for (int64_t k = 0; k < kc; k += LANES) {
                int64_t left = min(LANES, kc - k);
                __m256 r[LANES];
                UNROLL for (int i = 0; i < LANES; i++)
                    r[i] = load(src, dtype, (first + v + i) * across + k, i < there ? left : 0);
                vf_transpose(r);
                float *to = panels + k * width + v;
                UNROLL for (int i = 0; i < LANES; i++) if (i < left)
                    store(to + i * width, r[i], width - v, k + i + 1 < kc);
            }
        }
    }
}

INLINE void pack_any(float *panels, const void *src, const sw_dtype dtype, const int width,
                     int64_t across, int64_t along, int64_t lines, int64_t kc)
{
    for (int64_t first = 0; first < lines; first += width)
        for (int64_t k = 0; k < kc; k++)
            for (int64_t i = first; i < first + width; i++)
                *panels++ = i < lines
                                ? _mm256_cvtss_f32(load(src, dtype, i * across + k * along, 1))
                                : 0;
}

/* Picks the form by the strides; dtype and width are constants here. */
INLINE void pack(float *panels, const void *src, const sw_dtype dtype, const int width,
                 int64_t across, int64_t along, int64_t lines, int64_t kc)
{
    if (across == 1)
        pack_copy(panels, src, dtype, width, along, lines, kc);
    else if (along == 1)
        pack_transpose(panels, src, dtype, width, across, lines, kc);
    else
        pack_any(panels, src, dtype, width, across, along, lines, kc);
}

INLINE void pack_dtype(float *panels, const void *src, sw_dtype dtype, const int width,
                       int64_t across, int64_t along, int64_t lines, int64_t kc)
{
    if (dtype == SW_F32)
        pack(panels, src, SW_F32, width, across, along, lines, kc);
    else if (dtype == SW_F16)
        pack(panels, src, SW_F16, width, across, along, lines, kc);
    else
        pack(panels, src, SW_BF16, width, across, along, lines, kc);
}

void sw__gemm_pack_a_6_avx2(float *panels, const void *src, sw_dtype dtype, int64_t row,
                            int64_t col, int64_t m, int64_t kc)
{
    pack_dtype(panels, src, dtype, 6, row, col, m, kc);
}

void sw__gemm_pack_b_16_avx2(float *panels, const void *src, sw_dtype dtype, int64_t row,
                             int64_t col, int64_t kc, int64_t n)
{
    pack_dtype(panels, src, dtype, 16, col, row, n, kc);
}
