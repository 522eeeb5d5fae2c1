/* dx[i] = dy[i] f'(v[i]) for the vectors of one ISA: the template of the gradients of unary kernels. */
#ifndef SWELL_KERNELS_UNARY_GRAD_TEMPLATE_H
#define SWELL_KERNELS_UNARY_GRAD_TEMPLATE_H

#include "kernels/kernels.h"

/* f(dy, v, a, b) with two parameters that most do not use. */
typedef vf grad_function(vf g, vf z, vf a, vf b);

VEC_INLINE void map_grad(float *dx, const float *dy, const float *v, int64_t n, grad_function *f,
                         float a, float b)
{
    vf va = vf_set(a), vb = vf_set(b);
    int64_t i = 0;
    for (; i + VF_N <= n; i += VF_N) vf_store(dx + i, f(vf_load(dy + i), vf_load(v + i), va, vb));
    if (i < n)
        vf_store_n(dx + i, f(vf_load_n(dy + i, n - i), vf_load_n(v + i, n - i), va, vb), n - i);
}

/* One kernel: its slot and its formula in g, z, a, b. */
#define UNARY_GRAD(slot, formula)                                                                  \
    VEC_INLINE vf slot##_of(vf g, vf z, vf a, vf b)                                                \
    {                                                                                              \
        return formula;                                                                            \
    }                                                                                              \
    static void SW_ISA_NAME(sw__##slot)(float *dx, const float *dy, const float *v, int64_t n)     \
    {                                                                                              \
        map_grad(dx, dy, v, n, slot##_of, 0, 0);                                                   \
    }
UNARY_GRAD(sqrt_grad_f32, vf_mul(vf_div(g, z), vf_set(0.5f)))
UNARY_GRAD(rsqrt_grad_f32, vf_mul(vf_mul(vf_mul(vf_set(-0.5f), g), z), vf_mul(z, z)))
UNARY_GRAD(reciprocal_grad_f32, vf_mul(vf_mul(vf_neg(g), z), z))
UNARY_GRAD(tanh_grad_f32, vf_mul(g, vf_fnma(z, z, vf_set(1.f))))
UNARY_GRAD(sigmoid_grad_f32, vf_mul(g, vf_mul(z, vf_sub(vf_set(1.f), z))))
UNARY_GRAD(relu_grad_f32, vf_select(vf_le(z, vf_zero()), vf_zero(), g))
UNARY_GRAD(square_grad_f32, vf_mul(vf_add(g, g), z))
UNARY_GRAD(sin_grad_f32, vf_mul(g, vf_cos(z)))
UNARY_GRAD(cos_grad_f32, vf_mul(vf_neg(g), vf_sin(z)))
UNARY_GRAD(softplus_grad_f32, vf_mul(g, vf_sigmoid(z)))
UNARY_GRAD(silu_grad_f32, vf_mul(g, vec_silu_slope(z)))
UNARY_GRAD(gelu_grad_f32, vf_mul(g, vec_gelu_slope(z)))
UNARY_GRAD(gelu_tanh_grad_f32, vf_mul(g, vec_gelu_tanh_slope(z)))
UNARY_GRAD(abs_grad_f32,
           vf_select(vf_gt(z, vf_zero()), g, vf_select(vf_lt(z, vf_zero()), vf_neg(g), z)))
#undef UNARY_GRAD

VEC_INLINE vf leaky_relu_grad_of(vf g, vf z, vf slope, vf unused)
{
    return vf_select(vf_lt(z, vf_zero()), vf_mul(slope, g), g);
}

VEC_INLINE vf clip_grad_of(vf g, vf z, vf lo, vf hi)
{
    return vf_select(vm_or(vf_lt(z, lo), vf_gt(z, hi)), vf_zero(), g);
}

static void SW_ISA_NAME(sw__leaky_relu_grad_f32)(float *dx, const float *dy, const float *v,
                                                 int64_t n, float slope)
{
    map_grad(dx, dy, v, n, leaky_relu_grad_of, slope, 0);
}

static void SW_ISA_NAME(sw__clip_grad_f32)(float *dx, const float *dy, const float *v, int64_t n,
                                           float lo, float hi)
{
    map_grad(dx, dy, v, n, clip_grad_of, lo, hi);
}

#endif
