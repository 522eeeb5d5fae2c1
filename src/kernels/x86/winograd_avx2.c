/* The Winograd transforms of AVX2: winograd_template.h on eight channels. */
#include "kernels/kernels.h"
#include "kernels/x86/grid_avx2.h"

#define SW_WINOGRAD_MR 6 /* as in gemm_table.h */

/* r[i] lane j <-> r[j] lane i. */
VEC_INLINE void vf_transpose(vf r[VF_N])
{
    vf t[VF_N];
    UNROLL for (int i = 0; i < VF_N; i += 2)
    {
        t[i] = _mm256_unpacklo_ps(r[i], r[i + 1]);
        t[i + 1] = _mm256_unpackhi_ps(r[i], r[i + 1]);
    }
    UNROLL for (int i = 0; i < VF_N; i += 4) UNROLL for (int h = 0; h < 2; h++)
    {
        r[i + 2 * h] = _mm256_shuffle_ps(t[i + h], t[i + h + 2], 0x44);
        r[i + 2 * h + 1] = _mm256_shuffle_ps(t[i + h], t[i + h + 2], 0xee);
    }
    /* Now r[4q + s] has, in its half l, column 4l + s of the rows 4q .. 4q+3. */
    UNROLL for (int s = 0; s < 4; s++)
    {
        t[s] = _mm256_permute2f128_ps(r[s], r[4 + s], 0x20);
        t[4 + s] = _mm256_permute2f128_ps(r[s], r[4 + s], 0x31);
    }
    UNROLL for (int i = 0; i < VF_N; i++) r[i] = t[i];
}

#include "kernels/x86/winograd_template.h"
