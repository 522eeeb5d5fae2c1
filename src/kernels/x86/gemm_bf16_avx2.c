/* The bf16 product of AVX2: tile 6 x 16, operands widened to f32.  See gemm_bf16_kernels.h. */
#include "kernels/x86/vec_avx2.h"

enum { MR = 6 };

#include "kernels/x86/gemm_bf16_widen_template.h"
#include "kernels/x86/gemm_pack_x86.h"

STRIP_FUNCTION(sw__gemm_strip_bf16_6x16_avx2, STRIP_CASES_6)

static void sw__gemm_pack_a_bf16_6_avx2(void *panel, const void *src, sw_dtype dtype, int64_t row,
                                        int64_t col, int64_t m, int64_t kc)
{
    sw__gemm_pack_a_6_avx2(panel, src, dtype, row, col, m, kc);
    widen_round(panel, dtype, kc);
}

static void sw__gemm_pack_b_bf16_16_avx2(void *panels, const void *src, sw_dtype dtype, int64_t row,
                                         int64_t col, int64_t kc, int64_t n)
{
    units_pack_bf16(panels, src, dtype, col, row, n, kc, 2, NR, false);
}

void sw__gemm_bf16_init_avx2(struct sw_kernels *k)
{
    SW_KERNEL_SET(k, gemm_strip_bf16, sw__gemm_strip_bf16_6x16_avx2);
    SW_KERNEL_SET(k, gemm_pack_a_bf16, sw__gemm_pack_a_bf16_6_avx2);
    SW_KERNEL_SET(k, gemm_pack_b_bf16, sw__gemm_pack_b_bf16_16_avx2);
}
