/* A fused activation on finished results that are still in the cache (norms). */
#include "graph/ops/fused_act.h"

void sw__act_run(const struct sw_step *s, float *y, int64_t n)
{
    const struct sw_kernels *k = s->k;
    switch (s->act.act) {
    case SW_ACT_NONE: break;
    case SW_ACT_RELU: k->relu_f32(y, y, n); break;
    case SW_ACT_LEAKY_RELU: k->leaky_relu_f32(y, y, n, s->act.a); break;
    case SW_ACT_CLIP: k->clip_f32(y, y, n, s->act.a, s->act.b); break;
    case SW_ACT_GELU: k->gelu_f32(y, y, n); break;
    case SW_ACT_GELU_TANH: k->gelu_tanh_f32(y, y, n); break;
    case SW_ACT_SILU: k->silu_f32(y, y, n); break;
    case SW_ACT_SIGMOID: k->sigmoid_f32(y, y, n); break;
    case SW_ACT_TANH: k->tanh_f32(y, y, n); break;
    }
}
