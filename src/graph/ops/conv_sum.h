/* What is done to results of a convolution that lie in y, before they leave the caches: a sum with
 * another tensor of y's shape (the way round a residual block), and activations that no tile knows.
 *
 *     y = act(conv(x, w) + bias + sum) */
#ifndef SWELL_OPS_CONV_SUM_H
#define SWELL_OPS_CONV_SUM_H

#include "kernels/kernels.h"

/* epilogue.sum of a convolution.  Its own activation must be none: `then` has it. */
struct sw_conv_sum {
    const float *y, *with; /* the whole tensors */
    struct sw_epilogue then;
};

/* `rows` rows of n results at y, `line` floats apart. */
static inline void sw__conv_finish(const struct sw_kernels *k, const struct sw_epilogue *e,
                                   float *y, int64_t line, int64_t rows, int64_t n)
{
    const struct sw_conv_sum *sum = e->sum;
    if (sum) {
        k->conv_add_f32(y, sum->with + (y - sum->y), line, rows, n, &sum->then);
        e = &sum->then;
    }
    for (int64_t i = 0; e->act_fn && i < rows; i++) e->act_fn(y + i * line, y + i * line, n, 0);
}

#endif
