/* y[i] = f(x[i]) for the vectors of one ISA: the template of the unary kernels.  The unit gives gelu_of. */
#ifndef SWELL_KERNELS_UNARY_TEMPLATE_H
#define SWELL_KERNELS_UNARY_TEMPLATE_H

#include "kernels/kernels.h"
#include "kernels/x86/stream_x86.h"

/* f is a constant where this is expanded, so it is expanded into the loop. */
VEC_INLINE void map(float *y, const float *x, int64_t n, int stream, vf (*f)(vf))
{
    int64_t i = 0;
    stream = stream && stream_fits(y);
    for (; i + VF_N <= n; i += VF_N) {
        if (stream) stream_fetch(x + i + STREAM_AHEAD);
        stream_store(y + i, f(vf_load(x + i)), stream);
    }
    if (i < n) vf_store_n(y + i, f(vf_load_n(x + i, n - i)), n - i);
    stream_end(stream);
}

/* The same with two parameters. */
VEC_INLINE void map_with(float *y, const float *x, int64_t n, int stream, vf (*f)(vf, vf, vf),
                         float a, float b)
{
    vf va = vf_set(a), vb = vf_set(b);
    int64_t i = 0;
    stream = stream && stream_fits(y);
    for (; i + VF_N <= n; i += VF_N) {
        if (stream) stream_fetch(x + i + STREAM_AHEAD);
        stream_store(y + i, f(vf_load(x + i), va, vb), stream);
    }
    if (i < n) vf_store_n(y + i, f(vf_load_n(x + i, n - i), va, vb), n - i);
    stream_end(stream);
}

VEC_INLINE vf square_of(vf x)
{
    return vf_mul(x, x);
}

VEC_INLINE vf reciprocal_of(vf x)
{
    return vf_div(vf_set(1.f), x);
}

VEC_INLINE vf rsqrt_of(vf x)
{
    return vf_div(vf_set(1.f), vf_sqrt(x));
}

VEC_INLINE vf leaky_relu_of(vf x, vf slope, vf unused)
{
    (void)unused;
    return vf_leaky_relu(x, slope);
}

VEC_INLINE vf scale_of(vf x, vf factor, vf unused)
{
    (void)unused;
    return vf_mul(factor, x);
}

#define UNARY(slot, f)                                                                             \
    static void SW_ISA_NAME(sw__##slot)(float *y, const float *x, int64_t n, int stream)           \
    {                                                                                              \
        map(y, x, n, stream, f);                                                                   \
    }
UNARY(exp_f32, vf_exp)
UNARY(log_f32, vf_log)
UNARY(sqrt_f32, vf_sqrt)
UNARY(rsqrt_f32, rsqrt_of)
UNARY(abs_f32, vf_abs)
UNARY(neg_f32, vf_neg)
UNARY(square_f32, square_of)
UNARY(reciprocal_f32, reciprocal_of)
UNARY(sin_f32, vf_sin)
UNARY(cos_f32, vf_cos)
UNARY(tanh_f32, vf_tanh)
UNARY(sigmoid_f32, vf_sigmoid)
UNARY(relu_f32, vf_relu)
UNARY(gelu_f32, gelu_of)
UNARY(gelu_tanh_f32, vf_gelu_tanh)
UNARY(silu_f32, vf_silu)
UNARY(softplus_f32, vf_softplus)
#undef UNARY

static void SW_ISA_NAME(sw__leaky_relu_f32)(float *y, const float *x, int64_t n, float slope,
                                            int stream)
{
    map_with(y, x, n, stream, leaky_relu_of, slope, 0);
}

static void SW_ISA_NAME(sw__clip_f32)(float *y, const float *x, int64_t n, float lo, float hi,
                                      int stream)
{
    map_with(y, x, n, stream, vf_clip, lo, hi);
}

static void SW_ISA_NAME(sw__scale_f32)(float *y, const float *x, int64_t n, float factor,
                                       int stream)
{
    map_with(y, x, n, stream, scale_of, factor, 0);
}

#endif
