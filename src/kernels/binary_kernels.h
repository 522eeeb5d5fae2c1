/* Kernels of two operands, element by element.
 *
 * `scalar` says which operand is one number for all n elements: bit 0 the first, bit 1 the second.
 * y may be the same memory as an operand of the same length, unless `stream`: then the results go past
 * the caches, for arrays that leave no room in them; a hint, the bits are the same. */
#ifndef SWELL_BINARY_KERNELS_H
#define SWELL_BINARY_KERNELS_H

#include <stdint.h>

enum sw_binary {
    SW_BINARY_ADD,
    SW_BINARY_SUB,
    SW_BINARY_MUL,
    SW_BINARY_DIV, /* i32: truncates, x / 0 = 0, INT32_MIN / -1 = INT32_MIN */
    SW_BINARY_MAX, /* NaN if one is */
    SW_BINARY_MIN,
    SW_BINARY_POW, /* f32: slot pow_f32; i32: wraps, negative powers as if divided */
    SW_BINARY_COUNT
};

enum sw_compare {
    SW_COMPARE_EQUAL,
    SW_COMPARE_NOT_EQUAL,
    SW_COMPARE_LESS,
    SW_COMPARE_LESS_EQUAL,
    SW_COMPARE_GREATER,
    SW_COMPARE_GREATER_EQUAL,
    SW_COMPARE_COUNT
};

/* clang-format off */
/* binary_*: y[i] = a[i] op b[i]; i32 wraps.   compare_*: y[i] = a[i] op b[i] ? 1 : 0.
 * where_32: y[i] = c[i] ? a[i] : b[i], any 32-bit type; `scalar`: bit 0 of c, bit 1 of a, bit 2 of b. */
#define SW_BINARY_KERNELS(X)                                                                        \
    X(binary_f32, void, (enum sw_binary op, float *y, const float *a, const float *b, int64_t n,    \
                         int scalar, int stream))                                                   \
    X(binary_i32, void, (enum sw_binary op, int32_t *y, const int32_t *a, const int32_t *b,         \
                         int64_t n, int scalar))                                                    \
    X(compare_f32, void, (enum sw_compare op, uint8_t *y, const float *a, const float *b,           \
                          int64_t n, int scalar))                                                   \
    X(compare_i32, void, (enum sw_compare op, uint8_t *y, const int32_t *a, const int32_t *b,       \
                          int64_t n, int scalar))                                                   \
    X(where_32, void, (uint32_t *y, const uint8_t *c, const uint32_t *a, const uint32_t *b,         \
                       int64_t n, int scalar))
/* clang-format on */

#endif
