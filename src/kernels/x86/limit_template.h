/* The limits on the vectors of one ISA (vec_*.h): LIMIT_CHAINS independent chains, as many as hide the
 * latency of both multiply-add units and fit the registers. */
#include "kernels/kernels.h"

static double SW_ISA_NAME(sw__limit_fma_f32)(int64_t rounds, float *sink)
{
    vf acc[LIMIT_CHAINS], a = vf_set(0.999f), b = vf_set(0.001f);
    for (int i = 0; i < LIMIT_CHAINS; i++) acc[i] = vf_set((float)i);
    for (int64_t r = 0; r < rounds; r++)
#pragma GCC unroll 24
        for (int i = 0; i < LIMIT_CHAINS; i++) acc[i] = vf_fma(acc[i], a, b);
    for (int i = 1; i < LIMIT_CHAINS; i++) acc[0] = vf_add(acc[0], acc[i]);
    float out[VF_N];
    vf_store(out, acc[0]);
    *sink = out[0];
    return 2.0 * VF_N * LIMIT_CHAINS * (double)rounds;
}

static float SW_ISA_NAME(sw__limit_read_f32)(const float *x, int64_t n)
{
    enum { WIDE = 8 };
    vf acc[WIDE];
    float out[VF_N], sum = 0;
    int64_t i = 0;
    for (int j = 0; j < WIDE; j++) acc[j] = vf_zero();
    for (; i + WIDE * VF_N <= n; i += WIDE * VF_N)
#pragma GCC unroll 8
        for (int j = 0; j < WIDE; j++) acc[j] = vf_add(acc[j], vf_load(x + i + j * VF_N));
    for (int j = 1; j < WIDE; j++) acc[0] = vf_add(acc[0], acc[j]);
    vf_store(out, acc[0]);
    for (int j = 0; j < VF_N; j++) sum += out[j];
    for (; i < n; i++) sum += x[i];
    return sum;
}

void SW_ISA_NAME(sw__limit_init)(struct sw_kernels *k)
{
    SW_KERNEL_SET(k, limit_fma_f32, SW_ISA_NAME(sw__limit_fma_f32));
    SW_KERNEL_SET(k, limit_read_f32, SW_ISA_NAME(sw__limit_read_f32));
}
