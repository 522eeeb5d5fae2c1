/* Elementwise work on two operands, compiled for ref. */
#define SW_NAME(base) base##_ref
#define SW_INIT       sw__binary_init_ref
#include "kernels/kernels.h"

static float sw__binary_one_ref(enum sw_binary op, float x, float z)
{
    switch (op) {
    case SW_BINARY_ADD: return x + z;
    case SW_BINARY_SUB: return x - z;
    case SW_BINARY_MUL: return x * z;
    case SW_BINARY_DIV: return x / z;
    case SW_BINARY_MAX: return x > z || x != x ? x : z;
    default: return x < z || x != x ? x : z;
    }
}

static void sw__binary_f32_ref(enum sw_binary op, float *y, const float *a, const float *b,
                               int64_t n, int scalar, int stream)
{
    const int64_t step_a = !(scalar & 1), step_b = !(scalar & 2);
    for (int64_t i = 0; i < n; i++) y[i] = sw__binary_one_ref(op, a[i * step_a], b[i * step_b]);
}

#include "kernels/binary_body.h"
