/* Kernels of the elementwise family: X(slot, return type, (arguments)).
 *
 * An element's result depends on its operands only, never on its place in the array, the length or
 * the alignment: arrays may be cut anywhere.  n >= 0.  y may be x (or an operand, where shapes are
 * equal), but must not overlap it otherwise.  NaN in, NaN out, unless said. */
#ifndef SWELL_ELEMENTWISE_KERNELS_H
#define SWELL_ELEMENTWISE_KERNELS_H

#include <stdint.h>

/* ---- y[i] = f(x[i]) ----------------------------------------------------------------------------
 * Errors of the vector versions, in ulp of the exact result: sqrt, abs, neg, square, reciprocal, relu
 * exact or correctly rounded; exp, log 1; rsqrt, sin, cos, softplus 2; sigmoid 2.5; tanh 3; silu 3.5
 * (2^-141 below 1e-36); gelu 8; gelu_tanh 4 + 5 |u|, u the argument of its tanh.  At infinities
 * silu, gelu and gelu_tanh have their limits, infinity and -0.  relu(x) = x < 0 ? 0 : x.
 *
 * stream: results go past the caches, for arrays that leave no room in them; a hint, the bits are the
 * same.  y must not be x then.
 *
 * leaky_relu: x < 0 ? slope * x : x.  clip: x < lo ? lo : x > hi ? hi : x, with lo <= hi. */
/* clang-format off */
#define SW_UNARY_KERNELS(X)                                                                        \
    X(exp_f32, void, (float *y, const float *x, int64_t n, int stream))                                        \
    X(log_f32, void, (float *y, const float *x, int64_t n, int stream))                                        \
    X(sqrt_f32, void, (float *y, const float *x, int64_t n, int stream))                                       \
    X(rsqrt_f32, void, (float *y, const float *x, int64_t n, int stream))                                      \
    X(abs_f32, void, (float *y, const float *x, int64_t n, int stream))                                        \
    X(neg_f32, void, (float *y, const float *x, int64_t n, int stream))                                        \
    X(square_f32, void, (float *y, const float *x, int64_t n, int stream))                                     \
    X(reciprocal_f32, void, (float *y, const float *x, int64_t n, int stream))                                 \
    X(sin_f32, void, (float *y, const float *x, int64_t n, int stream))                                        \
    X(cos_f32, void, (float *y, const float *x, int64_t n, int stream))                                        \
    X(tanh_f32, void, (float *y, const float *x, int64_t n, int stream))                                       \
    X(sigmoid_f32, void, (float *y, const float *x, int64_t n, int stream))                                    \
    X(relu_f32, void, (float *y, const float *x, int64_t n, int stream))                                       \
    X(gelu_f32, void, (float *y, const float *x, int64_t n, int stream))                                       \
    X(gelu_tanh_f32, void, (float *y, const float *x, int64_t n, int stream))                                  \
    X(silu_f32, void, (float *y, const float *x, int64_t n, int stream))                                       \
    X(softplus_f32, void, (float *y, const float *x, int64_t n, int stream))                                   \
    X(leaky_relu_f32, void, (float *y, const float *x, int64_t n, float slope, int stream))                    \
    X(clip_f32, void, (float *y, const float *x, int64_t n, float lo, float hi, int stream))                   \
    X(scale_f32, void, (float *y, const float *x, int64_t n, float factor, int stream))
/* clang-format on */

/* ---- dx[i] = dy[i] f'(x[i]): gradients --------------------------------------------------------
 * `v` is the result y of the forward kernel for sqrt, rsqrt, reciprocal, tanh, sigmoid and relu, so
 * that x need not live until then; it is x for the others.  leaky_relu takes x, or, for slope > 0, y.
 *
 *     sqrt dy / 2y    rsqrt -dy y^3 / 2    reciprocal -dy y^2    tanh dy (1 - y^2)
 *     sigmoid dy y (1 - y)    relu y <= 0 ? 0 : dy    abs x > 0 ? dy : x < 0 ? -dy : x
 *     square 2 dy x    sin dy cos x    cos -dy sin x    softplus dy sigmoid(x)
 *     silu dy (s + x s (1 - s)), s = sigmoid(x)    gelu dy (Phi(x) + x phi(x))
 *     gelu_tanh dy (s + x s (1 - s) 2u'(x)), s = sigmoid(2u)
 *     leaky_relu v < 0 ? slope dy : dy    clip x < lo or x > hi ? 0 : dy
 *
 * Factors and products are rounded to f32 (and overflow) one by one; the slopes at infinities are the
 * limits, 0 and 1. */
/* clang-format off */
#define SW_UNARY_GRAD_KERNELS(X)                                                                   \
    X(sqrt_grad_f32, void, (float *dx, const float *dy, const float *v, int64_t n))                \
    X(rsqrt_grad_f32, void, (float *dx, const float *dy, const float *v, int64_t n))               \
    X(reciprocal_grad_f32, void, (float *dx, const float *dy, const float *v, int64_t n))          \
    X(tanh_grad_f32, void, (float *dx, const float *dy, const float *v, int64_t n))                \
    X(sigmoid_grad_f32, void, (float *dx, const float *dy, const float *v, int64_t n))             \
    X(relu_grad_f32, void, (float *dx, const float *dy, const float *v, int64_t n))                \
    X(abs_grad_f32, void, (float *dx, const float *dy, const float *v, int64_t n))                 \
    X(square_grad_f32, void, (float *dx, const float *dy, const float *v, int64_t n))              \
    X(sin_grad_f32, void, (float *dx, const float *dy, const float *v, int64_t n))                 \
    X(cos_grad_f32, void, (float *dx, const float *dy, const float *v, int64_t n))                 \
    X(softplus_grad_f32, void, (float *dx, const float *dy, const float *v, int64_t n))            \
    X(silu_grad_f32, void, (float *dx, const float *dy, const float *v, int64_t n))                \
    X(gelu_grad_f32, void, (float *dx, const float *dy, const float *v, int64_t n))                \
    X(gelu_tanh_grad_f32, void, (float *dx, const float *dy, const float *v, int64_t n))           \
    X(leaky_relu_grad_f32, void,                                                                   \
      (float *dx, const float *dy, const float *v, int64_t n, float slope))                        \
    X(clip_grad_f32, void,                                                                         \
      (float *dx, const float *dy, const float *v, int64_t n, float lo, float hi))
/* clang-format on */

/* ---- pow --------------------------------------------------------------------------------------
 * y[i] = a[i] ^ b[i] with the special cases of C's pow; 1.5 ulp.  `scalar` as in binary_kernels.h: bit
 * 0 says that a is one number for all, bit 1 that b is. */

/* ---- dropout ----------------------------------------------------------------------------------
 * y[i] = word < below ? 0 : x[i] * scale, where word is the random word number first + i of the
 * stream (sw__random_u32 of base/rng.h); first is a multiple of 4.  The same bits in every ISA. */
/* clang-format off */
#define SW_ELEMENTWISE_KERNELS(X)                                                                  \
    SW_UNARY_KERNELS(X)                                                                            \
    SW_UNARY_GRAD_KERNELS(X)                                                                       \
    X(pow_f32, void, (float *y, const float *a, const float *b, int64_t n, int scalar))            \
    X(dropout_f32, void,                                                                           \
      (float *y, const float *x, int64_t n, float scale, uint32_t below, uint64_t seed,            \
       uint64_t stream, uint64_t first))
/* clang-format on */

#endif
