/* The u8 x s8 product of AVX-512 VNNI: tile 14 x 32 by VPDPBUSD, whose lanes add four products each,
 * modulo 2^32.  Packing is that of AVX-512.  See gemm_int8_kernels.h. */
#include "kernels/x86/vec_avx512.h"

enum { MR = 14 };

#define STRIP_INT8
#define STRIP_GROUP                 4
#define STRIP_A                     4
#define STRIP_STEP(sum, a, b, rows) quad_step(sum, (const int32_t *)(a), (const int32_t *)(b), rows)

VEC_INLINE void quad_step(vi sum[MR][2], const int32_t *a, const int32_t *b, const int rows)
{
    vi bk[2];
    VEC_UNROLL for (int v = 0; v < 2; v++) bk[v] = vi_load(b + v * VF_N);
    VEC_UNROLL for (int i = 0; i < rows; i++)
    {
        vi ai = vi_set(a[i]);
        VEC_UNROLL for (int v = 0; v < 2; v++)
            sum[i][v] = _mm512_dpbusd_epi32(sum[i][v], ai, bk[v]);
    }
}

#include "kernels/x86/gemm_strip_template.h"

STRIP_FUNCTION(sw__gemm_strip_int8_14x32_avx512vnni, STRIP_CASES_14)

void sw__gemm_int8_init_avx512vnni(struct sw_kernels *k)
{
    SW_KERNEL_SET(k, gemm_strip_int8, sw__gemm_strip_int8_14x32_avx512vnni);
}
