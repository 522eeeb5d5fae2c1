/* Kernels of the pool family: one plane pooled over the windows of a grid (conv_kernels.h).
 *
 *     X(slot, return type, (arguments)) */
#ifndef SWELL_POOL_KERNELS_H
#define SWELL_POOL_KERNELS_H

#include <stdint.h>
#include "kernels/conv_kernels.h"

/* The gradients keep windows of a row in scratch, by their number, with room for windows that do not
 * exist on both sides: `left` floats, the windows, and more.  Larger windows than SW_POOL_TAPS go
 * element by element instead. */
#define SW_POOL_TAPS 64

static inline int64_t sw__pool_left(const struct sw_grid *g)
{
    return (g->nx / g->sx + 2 + 15) / 16 * 16;
}

static inline int64_t sw__pool_pitch(const struct sw_grid *g)
{
    return sw__pool_left(g) + (g->ow + g->nx / g->sx * 2 + 4 + 32 + 15) / 16 * 16;
}

/* Floats of scratch that the gradients need. */
static inline int64_t sw__pool_scratch(const struct sw_grid *g)
{
    return sw__pool_pitch(g) * (g->ny * g->nx <= SW_POOL_TAPS ? g->ny * g->nx : 1);
}

/* Every window has at least one tap inside of the plane.  y, dy [oh][ow]; x, dx [h][w].
 *
 * max_pool_f32: y = the greatest of the window; NaN when one is in it.
 *
 * max_pool_grad_f32: dx = the sum of dy over the windows whose first greatest (in the order of taps,
 * NaN above all) the element is.
 *
 * avg_pool_f32: y = (sum over the window) / (rows[r] * cols[q]).
 *   rows [oh], cols [ow]: how many elements a window counts down and across
 *
 * avg_pool_grad_f32: dx = the sum of dy / (rows[r] * cols[q]) over the windows that hold it.
 *
 * The steps between taps are 1.  scratch: sw__pool_scratch floats, any contents. */
/* clang-format off */
#define SW_POOL_KERNELS(X)                                                                         \
    X(max_pool_f32, void, (float *y, const float *x, const struct sw_grid *g))                     \
    X(max_pool_grad_f32, void,                                                                     \
      (float *dx, const float *dy, const float *x, const struct sw_grid *g, float *scratch))       \
    X(avg_pool_f32, void,                                                                          \
      (float *y, const float *x, const struct sw_grid *g, const float *rows, const float *cols))   \
    X(avg_pool_grad_f32, void,                                                                     \
      (float *dx, const float *dy, const struct sw_grid *g, const float *rows, const float *cols,  \
       float *scratch))
/* clang-format on */

#endif
