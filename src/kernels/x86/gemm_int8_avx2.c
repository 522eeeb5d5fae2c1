/* The u8 x s8 product of AVX2: tile 6 x 16.  See gemm_int8_kernels.h. */
#include "kernels/x86/vec_avx2.h"

enum { MR = 6 };

#define vi_madd(a, b)  _mm256_madd_epi16(a, b)
#define vi_shl16(x, n) _mm256_slli_epi16(x, n)
#define vi_shr16(x, n) _mm256_srli_epi16(x, n)
#define vi_sar16(x, n) _mm256_srai_epi16(x, n)

#include "kernels/x86/gemm_int8_words_template.h"

STRIP_FUNCTION(sw__gemm_strip_int8_6x16_avx2, STRIP_CASES_6)

static void sw__gemm_pack_a_int8_6_avx2(void *panel, const void *src, sw_dtype dtype, int64_t row,
                                        int64_t col, int64_t m, int64_t kc)
{
    int8_pack_a(panel, src, dtype, row, col, m, kc, 4, MR, false);
}

static void sw__gemm_pack_b_int8_16_avx2(void *panels, int32_t *col_sums, const void *src,
                                         int64_t row, int64_t col, int64_t kc, int64_t n)
{
    int8_pack_b(panels, col_sums, src, row, col, kc, n, 4);
}

void sw__gemm_int8_init_avx2(struct sw_kernels *k)
{
    SW_KERNEL_SET(k, gemm_strip_int8, sw__gemm_strip_int8_6x16_avx2);
    SW_KERNEL_SET(k, gemm_pack_a_int8, sw__gemm_pack_a_int8_6_avx2);
    SW_KERNEL_SET(k, gemm_pack_b_int8, sw__gemm_pack_b_int8_16_avx2);
}
