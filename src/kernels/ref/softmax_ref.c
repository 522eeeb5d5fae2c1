/* Reference kernels of softmax, the losses and Gumbel noise: the definitions, in plain loops.  Sums
 * are made in float64 and rounded once. */
#include <math.h>
#include "base/rng.h"
#include "kernels/kernels.h"
#include "kernels/ref/norm_ref.h"

/* One line of n numbers, `step` apart. */
static void softmax_line(float *y, const float *x, int64_t n, int64_t step, int logarithm)
{
    float max = -INFINITY;
    double sum = 0;
    for (int64_t i = 0; i < n; i++) max = x[i * step] > max ? x[i * step] : max;
    for (int64_t i = 0; i < n; i++) sum += exp((double)x[i * step] - (double)max);
    double log_sum = log(sum);
    for (int64_t i = 0; i < n; i++) {
        double v = (double)x[i * step] - (double)max;
        y[i * step] = (float)(logarithm ? v - log_sum : exp(v) / sum);
    }
}

static void sw__softmax_f32_ref(float *y, const float *x, int64_t rows, int64_t n, int logarithm,
                                float *room)
{
    for (int64_t r = 0; r < rows; r++) softmax_line(y + r * n, x + r * n, n, 1, logarithm);
}

static void sw__softmax_columns_f32_ref(float *y, const float *x, int64_t n, int64_t stride,
                                        int64_t width, int logarithm)
{
    for (int64_t j = 0; j < width; j++) softmax_line(y + j, x + j, n, stride, logarithm);
}

static void softmax_backward_line(float *dx, const float *dy, const float *y, int64_t n,
                                  int64_t step, int logarithm, float factor)
{
    double sum = 0;
    for (int64_t i = 0; i < n * step; i += step)
        sum += logarithm ? (double)dy[i] : (double)dy[i] * (double)y[i];
    for (int64_t i = 0; i < n * step; i += step) {
        double v = logarithm ? (double)dy[i] - exp((double)y[i]) * sum
                             : (double)y[i] * ((double)dy[i] - sum);
        dx[i] = (float)((double)factor * v);
    }
}

static void sw__softmax_backward_f32_ref(float *dx, const float *dy, const float *y, int64_t rows,
                                         int64_t n, int logarithm, float factor)
{
    for (int64_t r = 0; r < rows; r++)
        softmax_backward_line(dx + r * n, dy + r * n, y + r * n, n, 1, logarithm, factor);
}

static void sw__softmax_backward_columns_f32_ref(float *dx, const float *dy, const float *y,
                                                 int64_t n, int64_t stride, int64_t width,
                                                 int logarithm, float factor)
{
    for (int64_t j = 0; j < width; j++)
        softmax_backward_line(dx + j, dy + j, y + j, n, stride, logarithm, factor);
}

static void sw__gumbel_f32_ref(float *y, const float *x, float inv_tau, uint64_t seed,
                               uint64_t stream, uint64_t first, int64_t n)
{
    uint32_t words[4];
    for (int64_t i = 0; i < n; i++) {
        if (i % 4 == 0) sw__philox(seed, stream, (first + (uint64_t)i) / 4, words);
        float u = ((float)(words[i % 4] >> 9) + 0.5f) * 0x1p-23f;
        y[i] = (x[i] - logf(-logf(u))) * inv_tau;
    }
}

static void sw__logsumexp_f32_ref(float *lse, const float *x, int64_t rows, int64_t n)
{
    for (int64_t r = 0; r < rows; r++, x += n) {
        float max = -INFINITY;
        double sum = 0;
        for (int64_t i = 0; i < n; i++) max = x[i] > max ? x[i] : max;
        for (int64_t i = 0; i < n; i++) sum += exp((double)x[i] - (double)max);
        lse[r] = (float)((double)max + log(sum));
    }
}

static float sw__cross_entropy_gap_f32_ref(const float *x, const float *t, float lse, int64_t n)
{
    double sum = 0;
    for (int64_t i = 0; i < n; i++) {
        double weight = t ? (double)t[i] : 1;
        if (weight != 0) sum += weight * ((double)lse - (double)x[i]);
    }
    return (float)sum;
}

static void sw__cross_entropy_dx_f32_ref(float *dx, const float *x, const float *t, float lse,
                                         float p, float q, float u, int64_t n)
{
    for (int64_t i = 0; i < n; i++) {
        float v = p * expf(x[i] - lse);
        if (t) v -= q * t[i];
        dx[i] = v - u;
    }
}

static float sw__total_f32_ref(const float *x, int64_t n)
{
    double sum = 0;
    for (int64_t i = 0; i < n; i++) sum += (double)x[i];
    return (float)sum;
}

static void sw__mse_f32_ref(float *y, const float *x, const float *t, int64_t n)
{
    for (int64_t i = 0; i < n; i++) y[i] = (x[i] - t[i]) * (x[i] - t[i]);
}

static void sw__mse_dx_f32_ref(float *dx, const float *x, const float *t, const float *g,
                               int g_step, float factor, int64_t n)
{
    for (int64_t i = 0; i < n; i++) dx[i] = 2 * factor * g[i * g_step] * (x[i] - t[i]);
}

static void sw__bce_f32_ref(float *y, const float *x, const float *t, int64_t n)
{
    for (int64_t i = 0; i < n; i++)
        y[i] = (x[i] < 0 ? 0 : x[i]) - x[i] * t[i] + log1pf(expf(-fabsf(x[i])));
}

static void sw__bce_dx_f32_ref(float *dx, const float *x, const float *t, const float *g,
                               int g_step, float factor, int64_t n)
{
    for (int64_t i = 0; i < n; i++) dx[i] = factor * g[i * g_step] * (1 / (1 + expf(-x[i])) - t[i]);
}

void sw__softmax_init_ref(struct sw_kernels *k)
{
    SW_KERNEL_SET(k, softmax_f32, sw__softmax_f32_ref);
    SW_KERNEL_SET(k, softmax_columns_f32, sw__softmax_columns_f32_ref);
    SW_KERNEL_SET(k, softmax_backward_f32, sw__softmax_backward_f32_ref);
    SW_KERNEL_SET(k, softmax_backward_columns_f32, sw__softmax_backward_columns_f32_ref);
    SW_KERNEL_SET(k, gumbel_f32, sw__gumbel_f32_ref);
    SW_KERNEL_SET(k, logsumexp_f32, sw__logsumexp_f32_ref);
    SW_KERNEL_SET(k, cross_entropy_gap_f32, sw__cross_entropy_gap_f32_ref);
    SW_KERNEL_SET(k, cross_entropy_dx_f32, sw__cross_entropy_dx_f32_ref);
    SW_KERNEL_SET(k, total_f32, sw__total_f32_ref);
    SW_KERNEL_SET(k, mse_f32, sw__mse_f32_ref);
    SW_KERNEL_SET(k, mse_dx_f32, sw__mse_dx_f32_ref);
    SW_KERNEL_SET(k, bce_f32, sw__bce_f32_ref);
    SW_KERNEL_SET(k, bce_dx_f32, sw__bce_dx_f32_ref);
}
