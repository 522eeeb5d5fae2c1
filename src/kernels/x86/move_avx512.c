/* The move family in AVX-512: only what the AVX2 versions leave on the table.  Copies of rows,
 * transposes of bytes and words and gathers were tried and were not faster than those. */
#include <immintrin.h>
#include <string.h>
#include "kernels/kernels.h"

/* Mask of the first n of 16. */
static inline __mmask16 first16(int64_t n)
{
    return n >= 16 ? (__mmask16)0xffff : (__mmask16)((1u << n) - 1);
}

/* Up to 16 x 16 elements.  Four rounds: pairs and fours within the 128-bit lanes, then the lanes. */
static inline void tile_x32(float *d, int64_t d0, const float *s, int64_t s0, int64_t rows,
                            int64_t cols)
{
    __mmask16 in = first16(rows), out = first16(cols);
    __m512 a[16], b[16];
    for (int r = 0; r < 16; r++)
        a[r] = r < cols ? _mm512_maskz_loadu_ps(in, s + r * s0) : _mm512_setzero_ps();
    for (int r = 0; r < 16; r += 2) {
        b[r] = _mm512_unpacklo_ps(a[r], a[r + 1]);
        b[r + 1] = _mm512_unpackhi_ps(a[r], a[r + 1]);
    }
    for (int r = 0; r < 16; r += 4) { /* a[r + i]: element i of each lane of lines r..r+3 */
        a[r] = _mm512_shuffle_ps(b[r], b[r + 2], 0x44);
        a[r + 1] = _mm512_shuffle_ps(b[r], b[r + 2], 0xee);
        a[r + 2] = _mm512_shuffle_ps(b[r + 1], b[r + 3], 0x44);
        a[r + 3] = _mm512_shuffle_ps(b[r + 1], b[r + 3], 0xee);
    }
    for (int r = 0; r < 4; r++) {
        __m512 x = _mm512_shuffle_f32x4(a[r], a[r + 4], 0x88);      /* lanes 0, 2 of lines 0..7 */
        __m512 y = _mm512_shuffle_f32x4(a[r], a[r + 4], 0xdd);      /* lanes 1, 3 */
        __m512 z = _mm512_shuffle_f32x4(a[r + 8], a[r + 12], 0x88); /* and of lines 8..15 */
        __m512 w = _mm512_shuffle_f32x4(a[r + 8], a[r + 12], 0xdd);
        b[r] = _mm512_shuffle_f32x4(x, z, 0x88);
        b[r + 4] = _mm512_shuffle_f32x4(y, w, 0x88);
        b[r + 8] = _mm512_shuffle_f32x4(x, z, 0xdd);
        b[r + 12] = _mm512_shuffle_f32x4(y, w, 0xdd);
    }
    for (int r = 0; r < 16; r++)
        if (r < rows) _mm512_mask_storeu_ps(d + r * d0, out, b[r]);
}

static void sw__transpose_x32_16x16_avx512 SW_TRANSPOSE_ARGUMENTS
{
    float *d = dst;
    const float *s = src;
    for (int64_t i = 0; i < n0; i += 16)
        for (int64_t j = 0; j < n1; j += 16) {
            if (i + 16 <= n0 && j + 16 <= n1)
                tile_x32(d + i * d0 + j, d0, s + j * s0 + i, s0, 16, 16);
            else
                tile_x32(d + i * d0 + j, d0, s + j * s0 + i, s0, n0 - i, n1 - j);
        }
}

static void sw__axpy_f32_avx512(float *y, float a, const float *x, int64_t n)
{
    __m512 wide = _mm512_set1_ps(a);
    for (int64_t i = 0; i < n; i += 16) {
        __mmask16 m = first16(n - i);
        __m512 product = _mm512_mul_ps(wide, _mm512_maskz_loadu_ps(m, x + i));
        _mm512_mask_storeu_ps(y + i, m, _mm512_add_ps(_mm512_maskz_loadu_ps(m, y + i), product));
    }
}

/* As sw__stream_rows_avx2; a whole line a store. */
static void sw__stream_rows_avx512(void *dst, int64_t d0, const void *src, int64_t s0, int64_t n,
                                   int64_t bytes)
{
    for (int64_t row = 0; row < n && bytes > 0; row++) {
        char *d = (char *)dst + row * d0;
        const char *s = (const char *)src + row * s0;
        int64_t head = (int64_t)(-(uintptr_t)d & 63), i;
        if (head > bytes) head = bytes;
        memcpy(d, s, (size_t)head);
        for (i = head; i + 64 <= bytes; i += 64)
            _mm512_stream_si512((__m512i *)(d + i), _mm512_loadu_si512(s + i));
        memcpy(d + i, s + i, (size_t)(bytes - i));
    }
    _mm_sfence();
}

void sw__move_init_avx512(struct sw_kernels *k)
{
    SW_KERNEL_SET(k, transpose_x32, sw__transpose_x32_16x16_avx512);
    SW_KERNEL_SET(k, stream_rows, sw__stream_rows_avx512);
    SW_KERNEL_SET(k, axpy_f32, sw__axpy_f32_avx512);
}
