/* The reference of the elementwise kernels: each formula in float64, rounded once to f32. */
#include <math.h>
#include "kernels/kernels.h"

static double rsqrt_of(double x)
{
    return 1 / sqrt(x);
}

static double square_of(double x)
{
    return x * x;
}

static double neg_of(double x)
{
    return -x;
}

static double reciprocal_of(double x)
{
    return 1 / x;
}

static double sigmoid_of(double x)
{
    return 1 / (1 + exp(-x));
}

static double relu_of(double x)
{
    return x < 0 ? 0 : x;
}

static double gelu_of(double x)
{
    return x == -INFINITY ? -0. : x * 0.5 * erfc(-x * 0.70710678118654752440);
}

static double gelu_tanh_of(double x)
{
    double u = 0.79788456080286535588 * (x + 0.044715 * x * x * x);
    return x == -INFINITY ? -0. : x * sigmoid_of(2 * u);
}

static double silu_of(double x)
{
    return x == -INFINITY ? -0. : x * sigmoid_of(x);
}

static double softplus_of(double x)
{
    return x > 0 ? x + log1p(exp(-x)) : log1p(exp(x));
}

#define UNARY(slot, f)                                                                             \
    static void sw__##slot##_ref(float *y, const float *x, int64_t n)                              \
    {                                                                                              \
        for (int64_t i = 0; i < n; i++) y[i] = (float)f((double)x[i]);                             \
    }
UNARY(exp_f32, exp)
UNARY(log_f32, log)
UNARY(sqrt_f32, sqrt)
UNARY(rsqrt_f32, rsqrt_of)
UNARY(abs_f32, fabs)
UNARY(neg_f32, neg_of)
UNARY(square_f32, square_of)
UNARY(reciprocal_f32, reciprocal_of)
UNARY(sin_f32, sin)
UNARY(cos_f32, cos)
UNARY(tanh_f32, tanh)
UNARY(sigmoid_f32, sigmoid_of)
UNARY(relu_f32, relu_of)
UNARY(gelu_f32, gelu_of)
UNARY(gelu_tanh_f32, gelu_tanh_of)
UNARY(silu_f32, silu_of)
UNARY(softplus_f32, softplus_of)

static void sw__leaky_relu_f32_ref(float *y, const float *x, int64_t n, float slope)
{
    for (int64_t i = 0; i < n; i++) y[i] = x[i] < 0 ? slope * x[i] : x[i];
}

static void sw__clip_f32_ref(float *y, const float *x, int64_t n, float lo, float hi)
{
    for (int64_t i = 0; i < n; i++) y[i] = x[i] < lo ? lo : x[i] > hi ? hi : x[i];
}

static void sw__scale_f32_ref(float *y, const float *x, int64_t n, float factor)
{
    for (int64_t i = 0; i < n; i++) y[i] = factor * x[i];
}

void sw__elementwise_init_ref(struct sw_kernels *k)
{
#define SET(slot, ret, args) SW_KERNEL_SET(k, slot, sw__##slot##_ref);
    SW_UNARY_KERNELS(SET)
#undef SET
}
