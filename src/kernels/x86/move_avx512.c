/* The move family in AVX-512: only what the AVX2 versions leave on the table.  Copies of rows,
 * transposes of bytes and words and gathers were tried and were not faster than those. */
#include <string.h>
#include "kernels/kernels.h"
#include "kernels/x86/vec_avx512.h"

/* Up to 16 x 16 elements. */
static inline void tile_x32(float *d, int64_t d0, const float *s, int64_t s0, int64_t rows,
                            int64_t cols)
{
    __mmask16 in = vm_first(rows), out = vm_first(cols);
    vf r[VF_N];
    VEC_UNROLL for (int i = 0; i < VF_N; i++)
        r[i] = i < cols ? _mm512_maskz_loadu_ps(in, s + i * s0) : vf_zero();
    vf_transpose(r);
    VEC_UNROLL for (int i = 0; i < VF_N; i++) if (i < rows)
        _mm512_mask_storeu_ps(d + i * d0, out, r[i]);
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
        __mmask16 m = vm_first(n - i);
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
