/* The limits as portable C: what a compiler makes of them for any CPU. */
#include "kernels/kernels.h"

enum { LANES = 16 };

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

void sw__limit_init_ref(struct sw_kernels *k)
{
    SW_KERNEL_SET(k, limit_fma_f32, sw__limit_fma_f32_ref);
    SW_KERNEL_SET(k, limit_read_f32, sw__limit_read_f32_ref);
}
