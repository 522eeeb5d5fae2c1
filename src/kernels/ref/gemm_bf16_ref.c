/* The reference bf16 product: plain loops that say what the gemm_bf16 slots compute.  Tile 4 x 8. */
#include <swell/tensor.h>
#include <string.h>
#include "kernels/gemm_table.h"
#include "kernels/kernels.h"
#include "kernels/ref/epilogue_ref.h"

enum { MR = 4, NR = 8 };

static float from_bf16(uint16_t h)
{
    uint32_t bits = (uint32_t)h << 16;
    float x;
    memcpy(&x, &bits, sizeof x);
    return x;
}

static void sw__gemm_strip_bf16_4x8_ref(float *c, int64_t ldc, const void *a, int64_t lda,
                                        const void *b, int64_t kc, int64_t m, int64_t n,
                                        int accumulate, const struct sw_epilogue *e)
{
    const int64_t depth = (kc + 1) / 2 * 2;
    for (int64_t j = 0; j < n; j++) {
        const uint16_t *column = (const uint16_t *)b + j / NR * NR * depth + j % NR * 2;
        for (int64_t i = 0; i < m; i++) {
            const uint16_t *row = (const uint16_t *)a + i * 2;
            float s = accumulate ? c[i * ldc + j] : 0;
            for (int64_t k = 0; k < depth; k++)
                s += from_bf16(row[k / 2 * 2 * MR + k % 2]) *
                     from_bf16(column[k / 2 * 2 * NR + k % 2]);
            if (e && e->bias_col) s += e->bias_col[j];
            if (e && e->bias_row) s += e->bias_row[i];
            c[i * ldc + j] = e ? sw__activate_ref(s, e) : s;
        }
    }
}

/* Panels of `width` lines; lines are `across` elements apart and walked with step `along`. */
static void pack(uint16_t *panels, const void *src, sw_dtype dtype, int width, int64_t across,
                 int64_t along, int64_t lines, int64_t kc)
{
    const size_t size = dtype == SW_F32 ? 4 : 2;
    for (int64_t first = 0; first < lines; first += width)
        for (int64_t k = 0; k < kc; k += 2)
            for (int64_t i = first; i < first + width; i++)
                for (int64_t at = k; at < k + 2; at++, panels++) {
                    *panels = 0;
                    if (i < lines && at < kc)
                        sw_convert(panels, SW_BF16,
                                   (const char *)src + (i * across + at * along) * (int64_t)size,
                                   dtype, 1);
                }
}

static void sw__gemm_pack_a_bf16_4_ref(void *panel, const void *src, sw_dtype dtype, int64_t row,
                                       int64_t col, int64_t m, int64_t kc)
{
    pack(panel, src, dtype, MR, row, col, m, kc);
}

static void sw__gemm_pack_b_bf16_8_ref(void *panels, const void *src, sw_dtype dtype, int64_t row,
                                       int64_t col, int64_t kc, int64_t n)
{
    pack(panels, src, dtype, NR, col, row, n, kc);
}

void sw__gemm_bf16_init_ref(struct sw_kernels *k)
{
    SW_KERNEL_SET(k, gemm_strip_bf16, sw__gemm_strip_bf16_4x8_ref);
    SW_KERNEL_SET(k, gemm_pack_a_bf16, sw__gemm_pack_a_bf16_4_ref);
    SW_KERNEL_SET(k, gemm_pack_b_bf16, sw__gemm_pack_b_bf16_8_ref);
}
