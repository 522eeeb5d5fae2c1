/* The qgemm family in AVX-512 with VNNI: vpdpbusd multiplies 64 unsigned by 64 signed bytes. */
#include <stdbool.h>
#include "kernels/kernels.h"
#include "kernels/x86/vec_avx512.h"

#define SW_NAME(base) base##_avx512vnni

enum { ROWS_MOST = 8 };

VEC_INLINE vi dot4_start(int32_t sum)
{
    return vi_set(sum);
}

VEC_INLINE vi dot4(vi sum, vi w, vi q)
{
    return _mm512_dpbusd_epi32(sum, w, q);
}

VEC_INLINE vi dot4_join(vi a, vi b)
{
    return vi_add(a, b);
}

VEC_INLINE vi dot4_end(vi dot, int32_t sum)
{
    (void)sum;
    return dot;
}

VEC_INLINE vi dot8_start(int32_t sum)
{
    return vi_set(sum);
}

VEC_INLINE vi dot8(vi sum, vi w, vi q)
{
    return _mm512_dpbusd_epi32(sum, w, q);
}

#include "kernels/x86/qgemm_x86.h"

void sw__qgemm_init_avx512vnni(struct sw_kernels *k)
{
    SW_KERNEL_SET(k, qgemm_q8_0, sw__qgemm_q8_0_avx512vnni);
    SW_KERNEL_SET(k, qgemm_q4_0, sw__qgemm_q4_0_avx512vnni);
    SW_KERNEL_SET(k, qgemm_q4_k, sw__qgemm_q4_k_avx512vnni);
}
