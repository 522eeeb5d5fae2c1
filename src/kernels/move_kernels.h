/* Kernels of the move family: X(slot, return type, (arguments)).
 *
 * x8, x16 and x32 move elements of 1, 2 and 4 bytes whatever they mean; strides count elements, may
 * be negative or 0, and dst never overlaps src.
 *
 *   copy_x8, copy_x16, copy_x32:  for i < n0, j < n1:  dst[i*d0 + j*d1] = src[i*s0 + j*s1]
 *       Two levels, so that short rows do not cost a call each.  Fast: d1 = 1 with s1 = 1 (rows),
 *       s1 = 0 (broadcast) and s1 = -1 (flip).  Two elements of dst must not be the same one.
 *   transpose_x8, transpose_x16, transpose_x32:  for i < n0, j < n1:  dst[i*d0 + j] = src[j*s0 + i]
 *   gather_x8, gather_x16, gather_x32:  for i < n, j < inner:  dst[i*inner + j] = src[r*inner + j]
 *       where r = ids[i], counted from the end if negative; zeros where r is outside 0..rows-1
 *   stream_rows:  for i < n:  `bytes` bytes from src + i*s0 to dst + i*d0, strides in bytes.  For
 *       results that no cache holds: whole cache lines of dst go past the caches, so they are not
 *       read before they are written
 *   axpy_f32:     y[i] += a * x[i]
 *   lerp_f32:     y[i] = (1 - w) * a[i] + w * b[i]
 *   lerp_at_f32:  y[i] = (1 - w[i]) * x[from[i]] + w[i] * x[to[i]]
 *       Products and sums rounded one by one, so that every ISA gives the same bits. */
#ifndef SWELL_MOVE_KERNELS_H
#define SWELL_MOVE_KERNELS_H

#include <stdint.h>

/* clang-format off */
#define SW_COPY_ARGUMENTS                                                                          \
    (void *dst, const void *src, int64_t n0, int64_t n1, int64_t d0, int64_t d1, int64_t s0,       \
     int64_t s1)
#define SW_TRANSPOSE_ARGUMENTS                                                                     \
    (void *dst, int64_t d0, const void *src, int64_t s0, int64_t n0, int64_t n1)

#define SW_GATHER_ARGUMENTS                                                                        \
    (void *dst, const void *src, const int32_t *ids, int64_t n, int64_t rows, int64_t inner)

#define SW_MOVE_KERNELS(X)                                                                         \
    X(copy_x8, void, SW_COPY_ARGUMENTS)                                                            \
    X(copy_x16, void, SW_COPY_ARGUMENTS)                                                           \
    X(copy_x32, void, SW_COPY_ARGUMENTS)                                                           \
    X(transpose_x8, void, SW_TRANSPOSE_ARGUMENTS)                                                  \
    X(transpose_x16, void, SW_TRANSPOSE_ARGUMENTS)                                                 \
    X(transpose_x32, void, SW_TRANSPOSE_ARGUMENTS)                                                 \
    X(gather_x8, void, SW_GATHER_ARGUMENTS)                                                        \
    X(gather_x16, void, SW_GATHER_ARGUMENTS)                                                       \
    X(gather_x32, void, SW_GATHER_ARGUMENTS)                                                       \
    X(stream_rows, void,                                                                           \
      (void *dst, int64_t d0, const void *src, int64_t s0, int64_t n, int64_t bytes))              \
    X(axpy_f32, void, (float *y, float a, const float *x, int64_t n))                              \
    X(lerp_f32, void, (float *y, const float *a, const float *b, float w, int64_t n))              \
    X(lerp_at_f32, void,                                                                           \
      (float *y, const float *x, const int32_t *from, const int32_t *to, const float *w,           \
       int64_t n))
/* clang-format on */

#endif
