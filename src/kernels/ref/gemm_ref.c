/* The reference matrix multiplication: plain loops that say what the gemm slots compute.
 *
 * Tile 4 x 8.  A product and a sum are rounded on their own (no fma on a baseline CPU, and a call of
 * fmaf for each would make SWELL_CPU=ref unusable).  See gemm_kernels.h for the contract. */
#include <string.h>
#include "kernels/gemm_table.h"
#include "kernels/kernels.h"
#include "kernels/ref/epilogue_ref.h"

enum { MR = 4, NR = 8 };

/* Store the sum of one K block at (i, j). */
static void finish(float *c, float sum, int accumulate, const struct sw_epilogue *e, int64_t i,
                   int64_t j)
{
    float x = accumulate ? *c + sum : sum;
    if (e) {
        if (e->bias_col) x += e->bias_col[j];
        if (e->bias_row) x += e->bias_row[i];
        x = sw__activate_ref(x, e);
    }
    *c = x;
}

static void sw__gemm_tile_f32_4x8_ref(float *c, int64_t ldc, const float *a, const float *b,
                                      int64_t kc, int mr, int nr, int accumulate,
                                      const struct sw_epilogue *epilogue,
                                      const struct sw_gemm_ahead *ahead)
{
    (void)ahead;
    float sum[MR][NR] = {{0}};
    for (int64_t k = 0; k < kc; k++)
        for (int i = 0; i < MR; i++)
            for (int j = 0; j < NR; j++) sum[i][j] += a[k * MR + i] * b[k * NR + j];
    for (int i = 0; i < mr; i++)
        for (int j = 0; j < nr; j++) finish(&c[i * ldc + j], sum[i][j], accumulate, epilogue, i, j);
}

static void sw__gemm_rows_f32_ref(float *c, int64_t ldc, const float *a, int64_t a_row,
                                  int64_t a_col, const float *b, int64_t b_row, int64_t b_panel,
                                  int64_t m, int64_t n, int64_t kc, int accumulate,
                                  const struct sw_epilogue *epilogue)
{
    for (int64_t j0 = 0; j0 < n; j0 += NR, b += b_panel) {
        int nr = n - j0 < NR ? (int)(n - j0) : NR;
        for (int64_t i = 0; i < m; i++) {
            float sum[NR] = {0};
            for (int64_t k = 0; k < kc; k++)
                for (int j = 0; j < nr; j++) sum[j] += a[i * a_row + k * a_col] * b[k * b_row + j];
            for (int j = 0; j < nr; j++)
                finish(&c[i * ldc + j0 + j], sum[j], accumulate, epilogue, i, j0 + j);
        }
    }
}

static void sw__gemm_stream_f32_ref(float *c, int64_t ldc, const float *a, int64_t a_row,
                                    int64_t a_col, const float *b, int64_t b_row, int64_t b_col,
                                    int64_t m, int64_t n, int64_t kc, int accumulate,
                                    const struct sw_epilogue *epilogue)
{
    for (int64_t i = 0; i < m; i++)
        for (int64_t j = 0; j < n; j++) {
            float sum = 0;
            for (int64_t k = 0; k < kc; k++)
                sum += a[i * a_row + k * a_col] * b[k * b_row + j * b_col];
            finish(&c[i * ldc + j], sum, accumulate, epilogue, i, j);
        }
}

static float from_bits(uint32_t bits)
{
    float x;
    memcpy(&x, &bits, sizeof x);
    return x;
}

static float from_f16(uint16_t h)
{
    uint32_t sign = (uint32_t)(h & 0x8000) << 16, exponent = h >> 10 & 31, fraction = h & 1023;
    if (exponent == 31) /* infinity, or a NaN made quiet as the vcvtph2ps instruction does */
        return from_bits(sign | 0x7f800000 | fraction << 13 | (fraction ? 0x400000 : 0));
    if (exponent) return from_bits(sign | (exponent + 112) << 23 | fraction << 13);
    float x = (float)fraction * 0x1p-24f;
    return sign ? -x : x;
}

static float element(const void *src, sw_dtype dtype, int64_t at)
{
    switch (dtype) {
    case SW_BF16: return from_bits((uint32_t)((const uint16_t *)src)[at] << 16);
    case SW_F16: return from_f16(((const uint16_t *)src)[at]);
    default: return ((const float *)src)[at];
    }
}

/* Panels of `width` lines; lines are `across` elements apart and walked with step `along`. */
static void pack(float *panels, const void *src, sw_dtype dtype, int width, int64_t across,
                 int64_t along, int64_t lines, int64_t kc)
{
    for (int64_t first = 0; first < lines; first += width)
        for (int64_t k = 0; k < kc; k++)
            for (int64_t i = first; i < first + width; i++)
                *panels++ = i < lines ? element(src, dtype, i * across + k * along) : 0;
}

static void sw__gemm_pack_a_4_ref(float *panels, const void *src, sw_dtype dtype, int64_t row,
                                  int64_t col, int64_t m, int64_t kc)
{
    pack(panels, src, dtype, MR, row, col, m, kc);
}

static void sw__gemm_pack_b_8_ref(float *panels, const void *src, sw_dtype dtype, int64_t row,
                                  int64_t col, int64_t kc, int64_t n)
{
    pack(panels, src, dtype, NR, col, row, n, kc);
}

void sw__gemm_init_ref(struct sw_kernels *k)
{
    SW_KERNEL_SET(k, gemm_tile_f32, sw__gemm_tile_f32_4x8_ref);
    SW_KERNEL_SET(k, gemm_rows_f32, sw__gemm_rows_f32_ref);
    SW_KERNEL_SET(k, gemm_stream_f32, sw__gemm_stream_f32_ref);
    SW_KERNEL_SET(k, gemm_pack_a, sw__gemm_pack_a_4_ref);
    SW_KERNEL_SET(k, gemm_pack_b, sw__gemm_pack_b_8_ref);
}
