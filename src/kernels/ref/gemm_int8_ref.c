/* The reference u8 x s8 product: plain loops that say what the gemm_int8 slots compute.  Tile 4 x 8. */
#include <string.h>
#include "kernels/gemm_table.h"
#include "kernels/kernels.h"
#include "kernels/ref/epilogue_ref.h"

enum { MR = 4, NR = 8 };

/* The epilogue of a finished sum. */
static float scaled(uint32_t sum, const struct sw_epilogue *e, int64_t i, int64_t j)
{
    uint32_t shift = e->zero ? (uint32_t)e->zero * (uint32_t)e->col_sums[j] : 0;
    int32_t s = (int32_t)(sum - shift);
    float y = (float)s * e->scale_col[j];
    y *= e->scale_row[i * e->scale_row_step];
    if (e->bias_col) y += e->bias_col[j];
    if (e->bias_row) y += e->bias_row[i];
    return sw__activate_ref(y, e);
}

static void sw__gemm_strip_int8_4x8_ref(float *c, int64_t ldc, const void *a, int64_t lda,
                                        sw_dtype a_type, const void *b, int64_t kc, int64_t m,
                                        int64_t n, int accumulate, const struct sw_epilogue *e)
{
    const int64_t depth = (kc + 3) / 4 * 4;
    for (int64_t j = 0; j < n; j++) {
        const int8_t *column = (const int8_t *)b + j / NR * NR * depth + j % NR * 4;
        for (int64_t i = 0; i < m; i++) {
            const uint8_t *row = (const uint8_t *)a + i * 4;
            uint32_t sum = 0; /* unsigned, so that it may wrap */
            if (accumulate) memcpy(&sum, &c[i * ldc + j], sizeof sum);
            for (int64_t k = 0; k < depth; k++)
                sum += (uint32_t)(row[k / 4 * 4 * MR + k % 4] * column[k / 4 * 4 * NR + k % 4]);
            if (e)
                c[i * ldc + j] = scaled(sum, e, i, j);
            else
                memcpy(&c[i * ldc + j], &sum, sizeof sum);
        }
    }
}

static void sw__gemm_lines_int8_ref(float *c, int64_t ldc, const void *a, int64_t a_row,
                                    sw_dtype a_type, const void *b, int64_t b_col, int64_t m,
                                    int64_t n, int64_t k, const struct sw_epilogue *e)
{
    for (int64_t j = 0; j < n; j++) {
        const int8_t *column = (const int8_t *)b + j * b_col;
        for (int64_t i = 0; i < m; i++) {
            const uint8_t *row = (const uint8_t *)a + i * a_row;
            const uint32_t zero = e ? (uint32_t)e->zero : 0;
            uint32_t sum = 0;
            for (int64_t x = 0; x < k; x++) {
                const int value = a_type == SW_I8 ? (int8_t)row[x] : row[x];
                sum += ((uint32_t)value - zero) * (uint32_t)column[x];
            }
            struct sw_epilogue shifted = {0};
            if (e) shifted = *e;
            shifted.zero = 0;
            if (e)
                c[i * ldc + j] = scaled(sum, &shifted, i, j);
            else
                memcpy(&c[i * ldc + j], &sum, sizeof sum);
        }
    }
}

/* Panels of `width` lines; lines are `across` elements apart and walked with step `along`. */
static void pack(uint8_t *panels, const void *src, uint8_t flip, int width, int64_t across,
                 int64_t along, int64_t lines, int64_t kc)
{
    const uint8_t *from = src;
    for (int64_t first = 0; first < lines; first += width)
        for (int64_t k = 0; k < kc; k += 4)
            for (int64_t i = first; i < first + width; i++)
                for (int64_t at = k; at < k + 4; at++)
                    *panels++ = i < lines && at < kc ? from[i * across + at * along] ^ flip : 0;
}

static void sw__gemm_pack_a_int8_4_ref(void *panel, const void *src, sw_dtype dtype, int64_t row,
                                       int64_t col, int64_t m, int64_t kc)
{
    pack(panel, src, dtype == SW_I8 ? 0x80 : 0, MR, row, col, m, kc);
}

static void sw__gemm_pack_b_int8_8_ref(void *panels, int32_t *col_sums, const void *src,
                                       int64_t row, int64_t col, int64_t kc, int64_t n)
{
    const int8_t *from = src;
    pack(panels, src, 0, NR, col, row, n, kc);
    for (int64_t j = 0; col_sums && j < n; j++)
        for (int64_t k = 0; k < kc; k++) col_sums[j] += from[k * row + j * col];
}

void sw__gemm_int8_init_ref(struct sw_kernels *k)
{
    SW_KERNEL_SET(k, gemm_strip_int8, sw__gemm_strip_int8_4x8_ref);
    SW_KERNEL_SET(k, gemm_lines_int8, sw__gemm_lines_int8_ref);
    SW_KERNEL_SET(k, gemm_pack_a_int8, sw__gemm_pack_a_int8_4_ref);
    SW_KERNEL_SET(k, gemm_pack_b_int8, sw__gemm_pack_b_int8_8_ref);
}
