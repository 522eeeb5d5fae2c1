/* The reference for a few rows times a packed f16 or bf16 B: gemm_ref.c's loops, on rows of a panel
 * that are widened. */
#include "kernels/kernels.h"
#include "kernels/ref/epilogue_ref.h"

enum { NR = 8 };

static void sw__gemm_rows_half_ref(float *c, int64_t ldc, const float *a, int64_t lda,
                                   const void *b, sw_dtype dtype, int64_t m, int64_t n, int64_t kc,
                                   int accumulate, const struct sw_epilogue *e)
{
    const uint16_t *panel = b;
    for (int64_t j0 = 0; j0 < n; j0 += NR, panel += NR * kc)
        for (int64_t i = 0; i < m; i++) {
            float sum[NR] = {0}, row[NR];
            for (int64_t k = 0; k < kc; k++) {
                sw_convert(row, SW_F32, panel + k * NR, dtype, NR);
                for (int j = 0; j < NR; j++) sum[j] += a[i * lda + k] * row[j];
            }
            for (int64_t j = j0; j < n && j < j0 + NR; j++) {
                float x = accumulate ? c[i * ldc + j] + sum[j - j0] : sum[j - j0];
                if (e && e->bias_col) x += e->bias_col[j];
                if (e && e->bias_row) x += e->bias_row[i];
                c[i * ldc + j] = e ? sw__activate_ref(x, e) : x;
            }
        }
}

void sw__gemm_half_init_ref(struct sw_kernels *k)
{
    SW_KERNEL_SET(k, gemm_rows_half, sw__gemm_rows_half_ref);
}
