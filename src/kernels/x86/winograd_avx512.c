/* The Winograd transforms of AVX-512: winograd_template.h on sixteen channels. */
#include "kernels/kernels.h"
#include "kernels/x86/grid_avx512.h"

#define SW_WINOGRAD_MR 14 /* as in gemm_table.h */

/* r[i] lane j <-> r[j] lane i. */
VEC_INLINE void vf_transpose(vf r[VF_N])
{
    vf t[VF_N];
    UNROLL for (int i = 0; i < VF_N; i += 2)
    {
        t[i] = _mm512_unpacklo_ps(r[i], r[i + 1]);
        t[i + 1] = _mm512_unpackhi_ps(r[i], r[i + 1]);
    }
    UNROLL for (int i = 0; i < VF_N; i += 4) UNROLL for (int h = 0; h < 2; h++)
    {
        __m512d x = _mm512_castps_pd(t[i + h]), y = _mm512_castps_pd(t[i + h + 2]);
        r[i + 2 * h] = _mm512_castpd_ps(_mm512_unpacklo_pd(x, y));
        r[i + 2 * h + 1] = _mm512_castpd_ps(_mm512_unpackhi_pd(x, y));
    }
    /* Now r[4q + s] has, in its quarter l, column 4l + s of the rows 4q .. 4q+3. */
    UNROLL for (int s = 0; s < 4; s++)
    {
        vf even01 = _mm512_shuffle_f32x4(r[s], r[4 + s], 0x88);
        vf odd01 = _mm512_shuffle_f32x4(r[s], r[4 + s], 0xdd);
        vf even23 = _mm512_shuffle_f32x4(r[8 + s], r[12 + s], 0x88);
        vf odd23 = _mm512_shuffle_f32x4(r[8 + s], r[12 + s], 0xdd);
        t[s] = _mm512_shuffle_f32x4(even01, even23, 0x88);
        t[8 + s] = _mm512_shuffle_f32x4(even01, even23, 0xdd);
        t[4 + s] = _mm512_shuffle_f32x4(odd01, odd23, 0x88);
        t[12 + s] = _mm512_shuffle_f32x4(odd01, odd23, 0xdd);
    }
    UNROLL for (int i = 0; i < VF_N; i++) r[i] = t[i];
}

#include "kernels/x86/winograd_template.h"
