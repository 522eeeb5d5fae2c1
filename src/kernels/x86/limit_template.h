/* The limits on the vectors of one ISA (vec_*.h): LIMIT_CHAINS independent chains, as many as hide the
 * latency of both multiply-add units and fit the registers.  The unit gives besides
 *
 *     limit_dot_bytes(a, b) products of u8 and s8, sums of four of them as vi (never hoisted) */
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

/* No bf16 instructions: an operand of bf16 is widened and multiplied as f32. */
static double SW_ISA_NAME(sw__limit_dot_bf16)(int64_t rounds, double *sink)
{
    volatile float one = 1; /* so that the product is not optimised away */
    vf acc[LIMIT_CHAINS], a = vf_set(one), b = vf_set(one);
    for (int i = 0; i < LIMIT_CHAINS; i++) acc[i] = vf_zero();
    for (int64_t r = 0; r < rounds; r++)
#pragma GCC unroll 24
        for (int i = 0; i < LIMIT_CHAINS; i++) acc[i] = vf_fma(a, b, acc[i]);
    *sink = 0;
    for (int i = 0; i < LIMIT_CHAINS; i++) {
        float out[VF_N];
        vf_store(out, acc[i]);
        for (int j = 0; j < VF_N; j++) *sink += (double)out[j];
    }
    return 2.0 * VF_N * LIMIT_CHAINS * (double)rounds;
}

static double SW_ISA_NAME(sw__limit_dot_int8)(int64_t rounds, double *sink)
{
    enum { CHAINS = 8 };
    vi acc[CHAINS], a = vi_set(0x01010101), b = vi_set(0x01010101);
    for (int i = 0; i < CHAINS; i++) acc[i] = vi_set(0);
    for (int64_t r = 0; r < rounds; r++)
#pragma GCC unroll 8
        for (int i = 0; i < CHAINS; i++) acc[i] = vi_add(acc[i], limit_dot_bytes(a, b));
    *sink = 0;
    for (int i = 0; i < CHAINS; i++) {
        int32_t out[VF_N];
        vi_store(out, acc[i]);
        for (int j = 0; j < VF_N; j++) *sink += out[j];
    }
    return 2.0 * 4 * VF_N * CHAINS * (double)rounds;
}

/* Four parts side by side, fetched ahead: one core asks for more lines at a time than along one stream. */
static float SW_ISA_NAME(sw__limit_read_f32)(const float *x, int64_t n)
{
    enum { PARTS = 4, EACH = 2, WIDE = PARTS * EACH, AHEAD = 512 };
    const int64_t part = n / (WIDE * VF_N) * (EACH * VF_N);
    vf acc[WIDE];
    float out[VF_N], sum = 0;
    for (int j = 0; j < WIDE; j++) acc[j] = vf_zero();
    for (int64_t i = 0; i < part; i += EACH * VF_N)
#pragma GCC unroll 8
        for (int j = 0; j < WIDE; j++) {
            const float *at = x + j / EACH * part + i + j % EACH * VF_N;
            _mm_prefetch((const char *)(at + AHEAD), _MM_HINT_T0);
            acc[j] = vf_add(acc[j], vf_load(at));
        }
    for (int j = 1; j < WIDE; j++) acc[0] = vf_add(acc[0], acc[j]);
    vf_store(out, acc[0]);
    for (int j = 0; j < VF_N; j++) sum += out[j];
    for (int64_t i = PARTS * part; i < n; i++) sum += x[i];
    return sum;
}

/* Elements before the first that is aligned to a vector. */
static int64_t before_aligned(const float *y, int64_t n)
{
    const int64_t i = (int64_t)(-(uintptr_t)y / sizeof *y % VF_N);
    return i < n ? i : n;
}

static void SW_ISA_NAME(sw__limit_copy_f32)(float *y, const float *x, int64_t n)
{
    int64_t i = 0;
    for (const int64_t head = before_aligned(y, n); i < head; i++) y[i] = x[i];
    for (; i + VF_N <= n; i += VF_N) vf_stream(y + i, vf_load(x + i));
    for (; i < n; i++) y[i] = x[i];
    _mm_sfence();
}

static void SW_ISA_NAME(sw__limit_triad_f32)(float *y, const float *a, const float *b, int64_t n)
{
    const vf three = vf_set(3);
    int64_t i = 0;
    for (const int64_t head = before_aligned(y, n); i < head; i++) y[i] = a[i] + 3 * b[i];
    for (; i + VF_N <= n; i += VF_N)
        vf_stream(y + i, vf_add(vf_load(a + i), vf_mul(three, vf_load(b + i))));
    for (; i < n; i++) y[i] = a[i] + 3 * b[i];
    _mm_sfence();
}

void SW_ISA_NAME(sw__limit_init)(struct sw_kernels *k)
{
    SW_KERNEL_SET(k, limit_fma_f32, SW_ISA_NAME(sw__limit_fma_f32));
    SW_KERNEL_SET(k, limit_dot_bf16, SW_ISA_NAME(sw__limit_dot_bf16));
    SW_KERNEL_SET(k, limit_dot_int8, SW_ISA_NAME(sw__limit_dot_int8));
    SW_KERNEL_SET(k, limit_read_f32, SW_ISA_NAME(sw__limit_read_f32));
    SW_KERNEL_SET(k, limit_copy_f32, SW_ISA_NAME(sw__limit_copy_f32));
    SW_KERNEL_SET(k, limit_triad_f32, SW_ISA_NAME(sw__limit_triad_f32));
}
