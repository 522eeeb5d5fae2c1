/* The bf16 product where there are no bf16 instructions: B is widened to f32 in registers, A was
 * when it was packed, and then it is the f32 product: two fma for each pair of k.  A unit includes
 * vec_*.h and the declarations of its f32 packing, and defines MR. */
#ifndef SWELL_GEMM_BF16_WIDEN_TEMPLATE_H
#define SWELL_GEMM_BF16_WIDEN_TEMPLATE_H

#include "kernels/kernels.h"

#define STRIP_GROUP                 2
#define STRIP_A                     8
#define STRIP_STEP(sum, a, b, rows) widen_step(sum, (const float *)(a), b, rows)

VEC_INLINE void widen_step(vf sum[MR][2], const float *a, const char *b, const int rows)
{
    for (int odd = 0; odd < 2; odd++) {
        vf wide[2];
        VEC_UNROLL for (int v = 0; v < 2; v++)
        {
            vi raw = vi_load((const int32_t *)b + v * VF_N);
            raw = odd ? vi_and(raw, vi_set((int32_t)0xffff0000)) : vi_shl(raw, 16);
            wide[v] = vf_from_bits(raw);
        }
        VEC_UNROLL for (int i = 0; i < rows; i++)
        {
            vf ai = vf_set(a[odd * MR + i]);
            VEC_UNROLL for (int v = 0; v < 2; v++) sum[i][v] = vf_fma(ai, wide[v], sum[i][v]);
        }
        /* Load the pairs twice: no register is left to keep them in. */
        __asm__("" : "+r"(b));
    }
}

#include "kernels/x86/gemm_strip_template.h"
#include "kernels/x86/gemm_units_template.h"

/* Round a packed panel of kc x MR in place, and pad kc to pairs. */
VEC_INLINE void widen_round(float *panel, sw_dtype dtype, int64_t kc)
{
    const int64_t n = kc * MR;
    for (int64_t i = 0; i < n && dtype != SW_BF16; i += VF_N) {
        const int64_t count = n - i < VF_N ? n - i : VF_N;
        vi x = units_round(vf_load_n(panel + i, count), SW_F32);
        vf_store_n(panel + i, vf_from_bits(vi_and(x, vi_set((int32_t)0xffff0000))), count);
    }
    for (int64_t i = n; i < n + kc % 2 * MR; i++) panel[i] = 0;
}

#endif
