/* Depthwise convolution: groups that read one channel.  There is nothing to multiply as matrices;
 * planes are convolved one by one, at the speed of memory (conv_plane_f32). */
#ifndef SWELL_OPS_DEPTHWISE_H
#define SWELL_OPS_DEPTHWISE_H

#include "graph/ops/conv_shape.h"

/* Whether planes are better than products: depends on the channels only. */
bool sw__conv_is_depthwise(const struct conv_dims *d);

/* Forward: a task is a plane of y.  bias (C) or NULL; s->act is applied. */
void sw__depthwise_forward(const struct sw_step *s, const struct conv_attr *attr,
                           const struct conv_dims *d, const float *x, const float *w,
                           const float *bias, const float *sum, float *y, int64_t begin,
                           int64_t end);

/* Gradient of the input, and the transposed convolution: a task is a plane of dx. */
int64_t sw__depthwise_scratch(const struct conv_attr *attr, const struct conv_dims *d); /* floats */
void sw__depthwise_backward(const struct sw_step *s, const struct conv_attr *attr,
                            const struct conv_dims *d, const float *dy, const float *w,
                            const float *bias, float *dx, int64_t begin, int64_t end,
                            float *scratch);

/* Gradient of the weight: channels begin .. end-1 of y, over all images. */
void sw__depthwise_weight(const struct sw_step *s, const struct conv_attr *attr,
                          const struct conv_dims *d, const float *x, const float *dy, float *dw,
                          int64_t begin, int64_t end);

#endif
