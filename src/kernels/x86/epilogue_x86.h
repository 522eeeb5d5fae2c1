/* What kernels on vectors share of epilogues.  A unit includes vec_avx2.h or vec_avx512.h first. */
#ifndef SWELL_EPILOGUE_X86_H
#define SWELL_EPILOGUE_X86_H

#include "kernels/gemm_kernels.h"

/* max and min return their second operand when either is a NaN, so NaN passes through. */
VEC_INLINE vf vf_activate(vf x, const struct sw_epilogue *e)
{
    switch (e->act) {
    case SW_GEMM_ACT_RELU: return vf_max(vf_zero(), x);
    case SW_GEMM_ACT_LEAKY: return vf_select(vf_lt(x, vf_zero()), vf_mul(vf_set(e->a), x), x);
    case SW_GEMM_ACT_CLIP: return vf_min(vf_set(e->b), vf_max(vf_set(e->a), x));
    default: return x;
    }
}

#endif
