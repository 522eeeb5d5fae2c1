/* Kernels of the optim family: what an optimiser does to a weight, element by element.  X(slot,
 * return type, (arguments)).
 *
 *   sgd_f32:  d = scale g + decay w;  w -= lr d
 *   sgd_momentum_f32:  d = scale g + decay w;  v = momentum v - lr d;  w += v
 *       Krizhevsky, Sutskever, Hinton 2012, section 5, with the gradient scaled.
 *   adam_f32:  d = scale g + decay w;  m = beta1 m + (1 - beta1) d;  v = beta2 v + (1 - beta2) d^2;
 *       u = (m_scale m) / (sqrt(v_scale v) + eps);  w -= lr (u + shrink w)
 *       Kingma and Ba 2015, algorithm 1 (shrink = 0); Loshchilov and Hutter 2019, algorithm 2
 *       (decay = 0, shrink = its lambda).
 *   axpby_f32:  y = a y + b x; where a is 0 the old y is not read, so that NaNs in it are gone.
 *       Moving averages, sums of gradients.
 *   sum_squares_f32:  the sum of x[i]^2 in f64, in an order that depends on n only.
 *
 * Arrays do not overlap.  Each element's bits depend on its own numbers only. */
#ifndef SWELL_OPTIM_KERNELS_H
#define SWELL_OPTIM_KERNELS_H

#include <stdint.h>

/* The numbers of one Adam step.  m_scale = 1 / (1 - beta1^step), v_scale = 1 / (1 - beta2^step). */
struct sw_adam_rates {
    float lr, beta1, beta2, eps;
    float decay;  /* added to the gradient */
    float shrink; /* beside the gradient */
    float scale;  /* of the gradient */
    float m_scale, v_scale;
};

/* clang-format off */
#define SW_OPTIM_KERNELS(X)                                                                        \
    X(sgd_f32, void,                                                                               \
      (float *w, const float *g, int64_t n, float lr, float decay, float scale))                   \
    X(sgd_momentum_f32, void,                                                                      \
      (float *w, float *v, const float *g, int64_t n, float lr, float momentum, float decay,       \
       float scale))                                                                               \
    X(adam_f32, void,                                                                              \
      (float *w, float *m, float *v, const float *g, int64_t n, const struct sw_adam_rates *r))    \
    X(axpby_f32, void, (float *y, const float *x, int64_t n, float a, float b))                    \
    X(sum_squares_f32, double, (const float *x, int64_t n))
/* clang-format on */

#endif
