/* The binary kernels as plain loops, compiled once for each ISA: SW_NAME(base) gives the function's
 * name.  Every operation is exactly rounded or exact, so all ISAs give the same bits.
 *
 * The unit defines SW_NAME(sw__binary_f32) first. */
#include "kernels/kernels.h"

/* One loop for each way of operands being scalar; `e` computes from x and z. */
#define LOOPS(type, e)                                                                             \
    do {                                                                                           \
        if (scalar == 0) {                                                                         \
            for (int64_t i = 0; i < n; i++) {                                                      \
                type x = a[i], z = b[i];                                                           \
                y[i] = (e);                                                                        \
            }                                                                                      \
        } else if (scalar == 1) {                                                                  \
            type x = a[0];                                                                         \
            for (int64_t i = 0; i < n; i++) {                                                      \
                type z = b[i];                                                                     \
                y[i] = (e);                                                                        \
            }                                                                                      \
        } else if (scalar == 2) {                                                                  \
            type z = b[0];                                                                         \
            for (int64_t i = 0; i < n; i++) {                                                      \
                type x = a[i];                                                                     \
                y[i] = (e);                                                                        \
            }                                                                                      \
        } else {                                                                                   \
            type x = a[0], z = b[0];                                                               \
            for (int64_t i = 0; i < n; i++) y[i] = (e);                                            \
        }                                                                                          \
    } while (0)

static inline int32_t SW_NAME(divide)(int32_t x, int32_t z)
{
    if (z == 0) return 0;
    return z == -1 ? (int32_t)(0u - (uint32_t)x) : x / z;
}

/* Square and multiply, modulo 2^32; a negative power divides 1. */
static inline int32_t SW_NAME(power)(int32_t x, int32_t z)
{
    uint32_t r = 1, s = (uint32_t)x;
    if (z < 0) return x == 1 ? 1 : x == -1 ? (z & 1 ? -1 : 1) : 0;
    for (; z; z >>= 1, s *= s)
        if (z & 1) r *= s;
    return (int32_t)r;
}

static void SW_NAME(sw__binary_i32)(enum sw_binary op, int32_t *y, const int32_t *a,
                                    const int32_t *b, int64_t n, int scalar)
{
    switch (op) {
    case SW_BINARY_ADD: LOOPS(int32_t, (int32_t)((uint32_t)x + (uint32_t)z)); break;
    case SW_BINARY_SUB: LOOPS(int32_t, (int32_t)((uint32_t)x - (uint32_t)z)); break;
    case SW_BINARY_MUL: LOOPS(int32_t, (int32_t)((uint32_t)x * (uint32_t)z)); break;
    case SW_BINARY_DIV: LOOPS(int32_t, SW_NAME(divide)(x, z)); break;
    case SW_BINARY_MAX: LOOPS(int32_t, x > z ? x : z); break;
    case SW_BINARY_MIN: LOOPS(int32_t, x < z ? x : z); break;
    case SW_BINARY_POW: LOOPS(int32_t, SW_NAME(power)(x, z)); break;
    case SW_BINARY_COUNT: break;
    }
}

#define COMPARE(type)                                                                              \
    switch (op) {                                                                                  \
    case SW_COMPARE_EQUAL: LOOPS(type, x == z); break;                                             \
    case SW_COMPARE_NOT_EQUAL: LOOPS(type, x != z); break;                                         \
    case SW_COMPARE_LESS: LOOPS(type, x < z); break;                                               \
    case SW_COMPARE_LESS_EQUAL: LOOPS(type, x <= z); break;                                        \
    case SW_COMPARE_GREATER: LOOPS(type, x > z); break;                                            \
    case SW_COMPARE_GREATER_EQUAL: LOOPS(type, x >= z); break;                                     \
    case SW_COMPARE_COUNT: break;                                                                  \
    }

static void SW_NAME(sw__compare_f32)(enum sw_compare op, uint8_t *y, const float *a, const float *b,
                                     int64_t n, int scalar)
{
    COMPARE(float)
}

static void SW_NAME(sw__compare_i32)(enum sw_compare op, uint8_t *y, const int32_t *a,
                                     const int32_t *b, int64_t n, int scalar)
{
    COMPARE(int32_t)
}

static void SW_NAME(sw__where_32)(uint32_t *y, const uint8_t *c, const uint32_t *a,
                                  const uint32_t *b, int64_t n, int scalar)
{
    const uint32_t x = scalar & 2 && n > 0 ? *a : 0, z = scalar & 4 && n > 0 ? *b : 0;
    if (scalar & 1) {
        for (int64_t i = 0; i < n; i++)
            y[i] = *c ? (scalar & 2 ? x : a[i]) : (scalar & 4 ? z : b[i]);
        return;
    }
    switch (scalar) {
    case 0:
        for (int64_t i = 0; i < n; i++) y[i] = c[i] ? a[i] : b[i];
        break;
    case 2:
        for (int64_t i = 0; i < n; i++) y[i] = c[i] ? x : b[i];
        break;
    case 4:
        for (int64_t i = 0; i < n; i++) y[i] = c[i] ? a[i] : z;
        break;
    default:
        for (int64_t i = 0; i < n; i++) y[i] = c[i] ? x : z;
        break;
    }
}

void SW_INIT(struct sw_kernels *k)
{
    SW_KERNEL_SET(k, binary_f32, SW_NAME(sw__binary_f32));
    SW_KERNEL_SET(k, binary_i32, SW_NAME(sw__binary_i32));
    SW_KERNEL_SET(k, compare_f32, SW_NAME(sw__compare_f32));
    SW_KERNEL_SET(k, compare_i32, SW_NAME(sw__compare_i32));
    SW_KERNEL_SET(k, where_32, SW_NAME(sw__where_32));
}
