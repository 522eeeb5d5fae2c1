/* Packing into panels for the matrix multiplication, AVX-512: see gemm_kernels.h for the layout.
 *
 * A panel's lines (rows of A, columns of B) are `across` elements apart, and k walks with step
 * `along`.  With across == 1 a panel is copied row by row; with along == 1 blocks of 16 x 16 are
 * transposed in registers; any other strides go element by element. */
#include "kernels/x86/gemm_pack_x86.h"
#include "kernels/x86/vec_avx512.h"

enum { LANES = 16 };

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

INLINE __mmask16 lanes(int64_t left)
{
    return left >= LANES ? 0xffff : left <= 0 ? 0 : (__mmask16)((1u << left) - 1);
}

/* Sixteen consecutive elements from number `at` on, as f32; those outside of the mask are not read
 * and are 0. */
INLINE __m512 load(const void *src, const sw_dtype dtype, int64_t at, __mmask16 mask)
{
    if (dtype == SW_F32) return _mm512_maskz_loadu_ps(mask, (const float *)src + at);
    __m256i half = _mm256_maskz_loadu_epi16(mask, (const uint16_t *)src + at);
    if (dtype == SW_F16) return _mm512_cvtph_ps(half);
    return _mm512_castsi512_ps(_mm512_slli_epi32(_mm512_cvtepu16_epi32(half), 16));
}

/* Panels of lines that lie side by side.  Four panels at a time, so that reads are long. */
INLINE void pack_copy(float *panels, const void *src, const sw_dtype dtype, const int width,
                      int64_t along, int64_t lines, int64_t kc)
{
    const int vectors = (width + LANES - 1) / LANES;
    const int64_t together = 4 * width;
    for (int64_t first = 0; first < lines; first += together) {
        int64_t end = min(lines, first + together);
        for (int64_t k = 0; k < kc; k++) {
            float *to = panels + first * kc + k * width;
            for (int64_t i = first; i < end; i += width, to += width * kc)
                UNROLL for (int v = 0; v < vectors; v++)
                {
                    __mmask16 in = lanes(min(lines - i, width) - v * LANES);
                    __mmask16 out = lanes(width - v * LANES);
                    __m512 x = load(src, dtype, k * along + i + v * LANES, in);
                    _mm512_mask_storeu_ps(to + v * LANES, out, x);
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
            __mmask16 out = lanes(width - v);
            for (int64_t k = 0; k < kc; k += LANES) {
                int64_t left = min(LANES, kc - k);
                __m512 r[LANES];
                if (there >= min(LANES, width - v) && left == LANES) {
                    UNROLL for (int i = 0; i < LANES; i++)
                        r[i] = v + i < width
                                   ? load(src, dtype, (first + v + i) * across + k, 0xffff)
                                   : _mm512_setzero_ps();
                } else {
                    UNROLL for (int i = 0; i < LANES; i++)
                        r[i] = i < there && v + i < width
                                   ? load(src, dtype, (first + v + i) * across + k, lanes(left))
                                   : _mm512_setzero_ps();
                }
                vf_transpose(r);
                float *to = panels + k * width + v;
                if (left == LANES) {
                    UNROLL for (int i = 0; i < LANES; i++)
                        _mm512_mask_storeu_ps(to + i * width, out, r[i]);
                } else {
                    UNROLL for (int i = 0; i < LANES; i++) if (i < left)
                        _mm512_mask_storeu_ps(to + i * width, out, r[i]);
                }
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
                                ? _mm512_cvtss_f32(load(src, dtype, i * across + k * along, 1))
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

void sw__gemm_pack_a_14_avx512(float *panels, const void *src, sw_dtype dtype, int64_t row,
                               int64_t col, int64_t m, int64_t kc)
{
    pack_dtype(panels, src, dtype, 14, row, col, m, kc);
}

void sw__gemm_pack_b_32_avx512(float *panels, const void *src, sw_dtype dtype, int64_t row,
                               int64_t col, int64_t kc, int64_t n)
{
    pack_dtype(panels, src, dtype, 32, col, row, n, kc);
}
