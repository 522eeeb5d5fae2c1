/* The limits as portable C: what a compiler makes of them for any CPU. */
#include "kernels/kernels.h"

enum { LANES = 32 };

static double sw__limit_fma_f32_ref(int64_t rounds, float *sink)
{
    float acc[LANES];
    for (int i = 0; i < LANES; i++) acc[i] = (float)i;
    for (int64_t r = 0; r < rounds; r++)
        for (int i = 0; i < LANES; i++) acc[i] = acc[i] * 0.999f + 0.001f;
    float sum = 0;
    for (int i = 0; i < LANES; i++) sum += acc[i];
    *sink = sum;
    return 2.0 * LANES * (double)rounds;
}

/* A product of constants would leave the loop: so the sums are factors, times one. */
static double sw__limit_dot_bf16_ref(int64_t rounds, double *sink)
{
    volatile float factor = 1;
    float acc[LANES] = {0}, one = factor;
    for (int64_t r = 0; r < rounds; r++)
        for (int i = 0; i < LANES; i++) acc[i] = acc[i] * one + one;
    *sink = 0;
    for (int i = 0; i < LANES; i++) *sink += (double)acc[i];
    return 2.0 * LANES * (double)rounds;
}

static double sw__limit_dot_int8_ref(int64_t rounds, double *sink)
{
    volatile int32_t factor = 1;
    int32_t acc[LANES] = {0}, one = factor;
    for (int64_t r = 0; r < rounds; r++)
        for (int i = 0; i < LANES; i++) acc[i] = acc[i] * one + one;
    *sink = 0;
    for (int i = 0; i < LANES; i++) *sink += acc[i];
    return 2.0 * LANES * (double)rounds;
}

static float sw__limit_read_f32_ref(const float *x, int64_t n)
{
    float acc[LANES] = {0}, sum = 0;
    int64_t i = 0;
    for (; i + LANES <= n; i += LANES)
        for (int j = 0; j < LANES; j++) acc[j] += x[i + j];
    for (; i < n; i++) sum += x[i];
    for (int j = 0; j < LANES; j++) sum += acc[j];
    return sum;
}

static void sw__limit_copy_f32_ref(float *y, const float *x, int64_t n)
{
    for (int64_t i = 0; i < n; i++) y[i] = x[i];
}

static void sw__limit_triad_f32_ref(float *y, const float *a, const float *b, int64_t n)
{
    for (int64_t i = 0; i < n; i++) y[i] = a[i] + 3 * b[i];
}

void sw__limit_init_ref(struct sw_kernels *k)
{
    SW_KERNEL_SET(k, limit_fma_f32, sw__limit_fma_f32_ref);
    SW_KERNEL_SET(k, limit_dot_bf16, sw__limit_dot_bf16_ref);
    SW_KERNEL_SET(k, limit_dot_int8, sw__limit_dot_int8_ref);
    SW_KERNEL_SET(k, limit_read_f32, sw__limit_read_f32_ref);
    SW_KERNEL_SET(k, limit_copy_f32, sw__limit_copy_f32_ref);
    SW_KERNEL_SET(k, limit_triad_f32, sw__limit_triad_f32_ref);
}
