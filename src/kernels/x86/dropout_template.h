/* Dropout for the vectors of one ISA: four vectors of elements for each round of Philox. */
#ifndef SWELL_KERNELS_DROPOUT_TEMPLATE_H
#define SWELL_KERNELS_DROPOUT_TEMPLATE_H

#include "kernels/kernels.h"
#include "kernels/x86/vec_philox.h"

/* word < below, unsigned: both are shifted into the range of signed numbers. */
VEC_INLINE vf drop(vf x, vi word, vf scale, vi below)
{
    vm gone = vi_gt(below, vi_xor(word, vi_set(INT32_MIN)));
    return vf_select(gone, vf_zero(), vf_mul(x, scale));
}

static void SW_ISA_NAME(sw__dropout_f32)(float *y, const float *x, int64_t n, float scale,
                                         uint32_t below, uint64_t seed, uint64_t stream,
                                         uint64_t first)
{
    vf factor = vf_set(scale);
    vi limit = vi_set((int32_t)(below ^ 0x80000000u));
    for (int64_t i = 0; i < n; i += 4 * VF_N) {
        vi words[4];
        vec_philox(seed, stream, (first + (uint64_t)i) / 4, words);
        for (int64_t k = 0; k < 4 && i + k * VF_N < n; k++) {
            int64_t at = i + k * VF_N, left = n - at;
            if (left >= VF_N)
                vf_store(y + at, drop(vf_load(x + at), words[k], factor, limit));
            else
                vf_store_n(y + at, drop(vf_load_n(x + at, left), words[k], factor, limit), left);
        }
    }
}

#endif
