/* The specification of the optim kernels: plain loops, one rounding an operation. */
#include <math.h>
#include "kernels/kernels.h"

static void sw__sgd_f32_ref(float *w, const float *g, int64_t n, float lr, float decay, float scale)
{
    for (int64_t i = 0; i < n; i++) {
        float d = scale * g[i] + decay * w[i];
        w[i] -= lr * d;
    }
}

static void sw__sgd_momentum_f32_ref(float *w, float *v, const float *g, int64_t n, float lr,
                                     float momentum, float decay, float scale)
{
    for (int64_t i = 0; i < n; i++) {
        float d = scale * g[i] + decay * w[i];
        v[i] = momentum * v[i] - lr * d;
        w[i] += v[i];
    }
}

static void sw__adam_f32_ref(float *w, float *m, float *v, const float *g, int64_t n,
                             const struct sw_adam_rates *r)
{
    for (int64_t i = 0; i < n; i++) {
        float d = r->scale * g[i] + r->decay * w[i];
        m[i] = r->beta1 * m[i] + (1 - r->beta1) * d;
        v[i] = r->beta2 * v[i] + (1 - r->beta2) * (d * d);
        float u = r->m_scale * m[i] / (sqrtf(r->v_scale * v[i]) + r->eps);
        w[i] -= r->lr * (u + r->shrink * w[i]);
    }
}

static void sw__axpby_f32_ref(float *y, const float *x, int64_t n, float a, float b)
{
    for (int64_t i = 0; i < n; i++) y[i] = a == 0 ? b * x[i] : a * y[i] + b * x[i];
}

static double sw__sum_squares_f32_ref(const float *x, int64_t n)
{
    double sum = 0;
    for (int64_t i = 0; i < n; i++) sum += (double)x[i] * (double)x[i];
    return sum;
}

void sw__optim_init_ref(struct sw_kernels *k)
{
    SW_KERNEL_SET(k, sgd_f32, sw__sgd_f32_ref);
    SW_KERNEL_SET(k, sgd_momentum_f32, sw__sgd_momentum_f32_ref);
    SW_KERNEL_SET(k, adam_f32, sw__adam_f32_ref);
    SW_KERNEL_SET(k, axpby_f32, sw__axpby_f32_ref);
    SW_KERNEL_SET(k, sum_squares_f32, sw__sum_squares_f32_ref);
}
