/* Rounding of operands and epilogues: what all ops that multiply share. */
#include "graph/ops/compute.h"

sw_node *sw__compute_round(sw_graph *g, sw_node *x, sw_dtype compute)
{
    if (compute == SW_F32 || sw_node_dtype(x) != SW_F32) return x;
    return sw_cast(g, sw_cast(g, x, compute), SW_F32);
}

struct sw_epilogue sw__fused_epilogue(const struct sw_kernels *k, struct sw_fused_act act)
{
    struct sw_epilogue e = {.act = SW_GEMM_ACT_NONE, .a = act.a, .b = act.b};
    switch (act.act) {
    case SW_ACT_NONE: break;
    case SW_ACT_RELU: e.act = SW_GEMM_ACT_RELU; break;
    case SW_ACT_LEAKY_RELU: e.act = SW_GEMM_ACT_LEAKY; break;
    case SW_ACT_CLIP: e.act = SW_GEMM_ACT_CLIP; break;
    case SW_ACT_GELU: e.act_fn = k->gelu_f32; break;
    case SW_ACT_GELU_TANH: e.act_fn = k->gelu_tanh_f32; break;
    case SW_ACT_SILU: e.act_fn = k->silu_f32; break;
    case SW_ACT_SIGMOID: e.act_fn = k->sigmoid_f32; break;
    case SW_ACT_TANH: e.act_fn = k->tanh_f32; break;
    }
    return e;
}
