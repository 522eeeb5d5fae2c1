/* The bf16 product of AMX: tile 32 x 32 by TDPBF16PS.  See gemm_bf16_kernels.h. */
#include "kernels/x86/vec_avx512.h"

#define AMX_PRODUCT(c, a, b, is_signed) _tile_dpbf16ps(c, a, b)

#include "kernels/x86/gemm_amx_template.h"
#include "kernels/x86/gemm_units_template.h"

enum { DEPTH = 32 };

static void sw__gemm_strip_bf16_32x32_amx(float *c, int64_t ldc, const void *a, int64_t lda,
                                          const void *b, int64_t kc, int64_t m, int64_t n,
                                          int accumulate, const struct sw_epilogue *epilogue)
{
    strip_amx(c, ldc, a, lda, b, kc, m, n, accumulate, epilogue, DEPTH, 0);
}

static void sw__gemm_pack_a_bf16_32_amx(void *panel, const void *src, sw_dtype dtype, int64_t row,
                                        int64_t col, int64_t m, int64_t kc)
{
    units_pack_bf16(panel, src, dtype, row, col, m, kc, DEPTH, MR, true);
}

static void sw__gemm_pack_b_bf16_32_amx(void *panels, const void *src, sw_dtype dtype, int64_t row,
                                        int64_t col, int64_t kc, int64_t n)
{
    units_pack_bf16(panels, src, dtype, col, row, n, kc, DEPTH, NR, false);
}

void sw__gemm_bf16_init_amx(struct sw_kernels *k)
{
    SW_KERNEL_SET(k, gemm_strip_bf16, sw__gemm_strip_bf16_32x32_amx);
    SW_KERNEL_SET(k, gemm_pack_a_bf16, sw__gemm_pack_a_bf16_32_amx);
    SW_KERNEL_SET(k, gemm_pack_b_bf16, sw__gemm_pack_b_bf16_32_amx);
}
