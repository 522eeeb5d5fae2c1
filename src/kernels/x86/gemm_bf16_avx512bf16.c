/* The bf16 product of AVX-512 BF16: tile 14 x 32 by VDPBF16PS, whose lanes add two products each.
 * Meant for CPUs on which it has the rate of an f32 fma, as AMD's (Zen 4, Zen 5): on Intel's server
 * cores it has a quarter, and base/cpu.c passes this level over for the form of gemm_bf16_avx512.c. */
#include "kernels/x86/vec_avx512.h"

enum { MR = 14 };

#define STRIP_GROUP                 2
#define STRIP_A                     4
#define STRIP_STEP(sum, a, b, rows) pair_step(sum, (const float *)(a), (const float *)(b), rows)

/* The pairs pass as f32, whose bits they are. */
VEC_INLINE void pair_step(vf sum[MR][2], const float *a, const float *b, const int rows)
{
    __m512bh bk[2];
    VEC_UNROLL for (int v = 0; v < 2; v++) bk[v] = (__m512bh)vf_load(b + v * VF_N);
    VEC_UNROLL for (int i = 0; i < rows; i++)
    {
        __m512bh ai = (__m512bh)vf_set(a[i]);
        VEC_UNROLL for (int v = 0; v < 2; v++) sum[i][v] = _mm512_dpbf16_ps(sum[i][v], ai, bk[v]);
    }
}

#include "kernels/x86/gemm_strip_template.h"
#include "kernels/x86/gemm_units_template.h"

STRIP_FUNCTION(sw__gemm_strip_bf16_14x32_avx512bf16, STRIP_CASES_14)

static void sw__gemm_pack_a_bf16_14_avx512bf16(void *panel, const void *src, sw_dtype dtype,
                                               int64_t row, int64_t col, int64_t m, int64_t kc)
{
    units_pack_bf16(panel, src, dtype, row, col, m, kc, 2, MR, false);
}

void sw__gemm_bf16_init_avx512bf16(struct sw_kernels *k)
{
    SW_KERNEL_SET(k, gemm_strip_bf16, sw__gemm_strip_bf16_14x32_avx512bf16);
    SW_KERNEL_SET(k, gemm_pack_a_bf16, sw__gemm_pack_a_bf16_14_avx512bf16);
}
