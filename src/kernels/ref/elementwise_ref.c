/* The reference of the elementwise kernels: each formula in float64, rounded once to f32. */
#include <math.h>
#include "base/rng.h"
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
    static void sw__##slot##_ref(float *y, const float *x, int64_t n, int stream)                  \
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

static void sw__leaky_relu_f32_ref(float *y, const float *x, int64_t n, float slope, int stream)
{
    for (int64_t i = 0; i < n; i++) y[i] = x[i] < 0 ? slope * x[i] : x[i];
}

static void sw__clip_f32_ref(float *y, const float *x, int64_t n, float lo, float hi, int stream)
{
    for (int64_t i = 0; i < n; i++) y[i] = x[i] < lo ? lo : x[i] > hi ? hi : x[i];
}

static void sw__scale_f32_ref(float *y, const float *x, int64_t n, float factor, int stream)
{
    for (int64_t i = 0; i < n; i++) y[i] = factor * x[i];
}

static double softplus_slope(double x)
{
    return sigmoid_of(x);
}

static double silu_slope(double x)
{
    return isinf(x) ? x > 0 : sigmoid_of(x) + x * sigmoid_of(x) * sigmoid_of(-x);
}

static double gelu_slope(double x)
{
    double density = 0.39894228040143267794 * exp(-x * x / 2);
    return 0.5 * erfc(-x * 0.70710678118654752440) + (isinf(x) ? 0 : x * density);
}

static double gelu_tanh_slope(double x)
{
    double v = 1.59576912160573071176 * (x + 0.044715 * x * x * x);
    double dv = 1.59576912160573071176 * (1 + 3 * 0.044715 * x * x);
    return isinf(x) ? x > 0 : sigmoid_of(v) + x * sigmoid_of(v) * sigmoid_of(-v) * dv;
}

static double abs_grad(double dy, double x)
{
    return x > 0 ? dy : x < 0 ? -dy : x;
}

/* dx[i] = e, of the doubles g = dy[i] and z = v[i]. */
#define UNARY_GRAD(slot, e)                                                                        \
    static void sw__##slot##_ref(float *dx, const float *dy, const float *v, int64_t n)            \
    {                                                                                              \
        for (int64_t i = 0; i < n; i++) {                                                          \
            double g = (double)dy[i], z = (double)v[i];                                            \
            dx[i] = (float)(e);                                                                    \
        }                                                                                          \
    }
UNARY_GRAD(sqrt_grad_f32, g / z * 0.5)
UNARY_GRAD(rsqrt_grad_f32, -0.5 * g * z * z * z)
UNARY_GRAD(reciprocal_grad_f32, -g *z *z)
UNARY_GRAD(tanh_grad_f32, g *(1 - z * z))
UNARY_GRAD(sigmoid_grad_f32, g *(z *(1 - z)))
UNARY_GRAD(relu_grad_f32, z <= 0 ? 0 : g)
UNARY_GRAD(abs_grad_f32, abs_grad(g, z))
UNARY_GRAD(square_grad_f32, 2 * g * z)
UNARY_GRAD(sin_grad_f32, g *cos(z))
UNARY_GRAD(cos_grad_f32, -g *sin(z))
UNARY_GRAD(softplus_grad_f32, g *softplus_slope(z))
UNARY_GRAD(silu_grad_f32, g *silu_slope(z))
UNARY_GRAD(gelu_grad_f32, g *gelu_slope(z))
UNARY_GRAD(gelu_tanh_grad_f32, g *gelu_tanh_slope(z))

static void sw__leaky_relu_grad_f32_ref(float *dx, const float *dy, const float *v, int64_t n,
                                        float slope)
{
    for (int64_t i = 0; i < n; i++) dx[i] = v[i] < 0 ? slope * dy[i] : dy[i];
}

static void sw__clip_grad_f32_ref(float *dx, const float *dy, const float *v, int64_t n, float lo,
                                  float hi)
{
    for (int64_t i = 0; i < n; i++) dx[i] = v[i] < lo || v[i] > hi ? 0 : dy[i];
}

static void sw__pow_f32_ref(float *y, const float *a, const float *b, int64_t n, int scalar)
{
    int64_t step_a = !(scalar & 1), step_b = !(scalar & 2);
    for (int64_t i = 0; i < n; i++) y[i] = (float)pow((double)a[i * step_a], (double)b[i * step_b]);
}

static void sw__dropout_f32_ref(float *y, const float *x, int64_t n, float scale, uint32_t below,
                                uint64_t seed, uint64_t stream, uint64_t first)
{
    uint32_t word[4];
    for (int64_t i = 0; i < n; i++) {
        if (i % 4 == 0) sw__philox(seed, stream, (first + (uint64_t)i) / 4, word);
        y[i] = word[i % 4] < below ? 0 : x[i] * scale;
    }
}

void sw__elementwise_init_ref(struct sw_kernels *k)
{
#define SET(slot, ret, args) SW_KERNEL_SET(k, slot, sw__##slot##_ref);
    SW_ELEMENTWISE_KERNELS(SET)
#undef SET
}
