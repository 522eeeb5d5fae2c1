/* Kernels of the move family: X(slot, return type, (arguments)).
 *
 * x8, x16 and x32 move elements of 1, 2 and 4 bytes whatever they mean; strides count elements, may
 * be negative or 0, and dst never overlaps src.
 *
 *   copy_x8, copy_x16, copy_x32:  for i < n0, j < n1:  dst[i*d0 + j*d1] = src[i*s0 + j*s1]
 *       Two levels, so that short rows do not cost a call each.  Fast: d1 = 1 with s1 = 1 (rows),
 *       s1 = 0 (broadcast) and s1 = -1 (flip).  Two elements of dst must not be the same one.
 *   transpose_x8, transpose_x16, transpose_x32:  for i < n0, j < n1:  dst[i*d0 + j] = src[j*s0 + i]
 *   accumulate_f32:  y[i] += x[i] */
#ifndef SWELL_MOVE_KERNELS_H
#define SWELL_MOVE_KERNELS_H

#include <stdint.h>

/* clang-format off */
#define SW_COPY_ARGUMENTS                                                                          \
    (void *dst, const void *src, int64_t n0, int64_t n1, int64_t d0, int64_t d1, int64_t s0,       \
     int64_t s1)
#define SW_TRANSPOSE_ARGUMENTS                                                                     \
    (void *dst, int64_t d0, const void *src, int64_t s0, int64_t n0, int64_t n1)

#define SW_MOVE_KERNELS(X)                                                                         \
    X(copy_x8, void, SW_COPY_ARGUMENTS)                                                            \
    X(copy_x16, void, SW_COPY_ARGUMENTS)                                                           \
    X(copy_x32, void, SW_COPY_ARGUMENTS)                                                           \
    X(transpose_x8, void, SW_TRANSPOSE_ARGUMENTS)                                                  \
    X(transpose_x16, void, SW_TRANSPOSE_ARGUMENTS)                                                 \
    X(transpose_x32, void, SW_TRANSPOSE_ARGUMENTS)                                                 \
    X(accumulate_f32, void, (float *y, const float *x, int64_t n))
/* clang-format on */

#endif
