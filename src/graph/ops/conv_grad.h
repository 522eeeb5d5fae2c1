/* The ops that gradients of convolutions are made of. */
#ifndef SWELL_OPS_CONV_GRAD_H
#define SWELL_OPS_CONV_GRAD_H

#include "graph/ops/conv_shape.h"

/* y = conv(x, w) + b, attr as it is; b may be NULL. */
sw_node *sw__conv_forward(sw_graph *g, const struct conv_attr *attr, sw_node *x, sw_node *w,
                          sw_node *b);
/* dx of y = conv(x, w), of the shape of x, whose values are not read. */
sw_node *sw__conv_grad_input(sw_graph *g, const struct conv_attr *attr, sw_node *dy, sw_node *w,
                             sw_node *x);
/* dw likewise, of the shape of w. */
sw_node *sw__conv_grad_weight(sw_graph *g, const struct conv_attr *attr, sw_node *x, sw_node *dy,
                              sw_node *w);
/* The sum of dy over images and pixels: (C). */
sw_node *sw__conv_grad_bias(sw_graph *g, sw_node *dy);

#endif
