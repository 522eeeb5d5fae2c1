/* A few rows times a packed f16 or bf16 B, AVX-512. */
#include "kernels/x86/vec_avx512.h"
#include "kernels/x86/gemm_half_template.h"

static void sw__gemm_rows_half_avx512(float *c, int64_t ldc, const float *a, int64_t lda,
                                      const void *b, sw_dtype dtype, int64_t m, int64_t n,
                                      int64_t kc, int accumulate,
                                      const struct sw_epilogue *epilogue)
{
    half_rows(c, ldc, a, lda, b, dtype, m, n, kc, accumulate, epilogue);
}

void sw__gemm_half_init_avx512(struct sw_kernels *k)
{
    SW_KERNEL_SET(k, gemm_rows_half, sw__gemm_rows_half_avx512);
}
