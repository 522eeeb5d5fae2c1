/* What the reference kernels share of epilogues. */
#ifndef SWELL_EPILOGUE_REF_H
#define SWELL_EPILOGUE_REF_H

#include "kernels/gemm_kernels.h"

static inline float sw__activate_ref(float x, const struct sw_epilogue *e)
{
    switch (e->act) {
    case SW_GEMM_ACT_RELU: return x < 0 ? 0 : x;
    case SW_GEMM_ACT_LEAKY: return x < 0 ? e->a * x : x;
    case SW_GEMM_ACT_CLIP: return x < e->a ? e->a : x > e->b ? e->b : x;
    default: return x;
    }
}

#endif
