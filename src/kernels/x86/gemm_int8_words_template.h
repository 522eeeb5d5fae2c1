/* The u8 x s8 product where there is no VNNI: bytes 0 and 2, then 1 and 3 of each four become words,
 * and VPMADDWD adds two exact products each.  (VPMADDUBSW would saturate.)  A unit includes vec_*.h,
 * defines MR, vi_madd (VPMADDWD), vi_shl16, vi_shr16 and vi_sar16 (shifts of words). */
#ifndef SWELL_GEMM_INT8_WORDS_TEMPLATE_H
#define SWELL_GEMM_INT8_WORDS_TEMPLATE_H

#include "kernels/kernels.h"

#define STRIP_INT8
#define STRIP_GROUP 4
#define STRIP_A     4
#define STRIP_STEP(sum, a, b, rows)                                                                \
    words_step(sum, (const int32_t *)(a), (const int32_t *)(b), rows)

VEC_INLINE void words_step(vi sum[MR][2], const int32_t *a, const int32_t *b, const int rows)
{
    vi even[2], odd[2];
    VEC_UNROLL for (int v = 0; v < 2; v++)
    {
        odd[v] = vi_load(b + v * VF_N);
        even[v] = vi_sar16(vi_shl16(odd[v], 8), 8);
        odd[v] = vi_sar16(odd[v], 8);
    }
    VEC_UNROLL for (int i = 0; i < rows; i++)
    {
        vi ai = vi_set(a[i]), low = vi_and(ai, vi_set(0x00ff00ff)), high = vi_shr16(ai, 8);
        VEC_UNROLL for (int v = 0; v < 2; v++)
        {
            sum[i][v] = vi_add(sum[i][v], vi_madd(low, even[v]));
            sum[i][v] = vi_add(sum[i][v], vi_madd(high, odd[v]));
        }
    }
}

/* The four s8 of each lane. */
VEC_INLINE vi vi_sum_bytes(vi x)
{
    const vi one = vi_set(0x00010001);
    return vi_add(vi_madd(vi_sar16(vi_shl16(x, 8), 8), one), vi_madd(vi_sar16(x, 8), one));
}

#include "kernels/x86/gemm_strip_template.h"
#include "kernels/x86/gemm_int8_template.h"

#endif
