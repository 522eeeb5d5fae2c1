/* A convolution and its batch normalisation (Ioffe and Szegedy 2015) under PyTorch's names. */
#include "alexnet/conv_norm.h"

#include <stdio.h>

enum { NAME = 80 };

/* "<layer>.<part>" */
static const char *join(char name[NAME], const char *layer, const char *part)
{
    snprintf(name, NAME, "%s.%s", layer, part);
    return name;
}

sw_node *sw__conv_norm(sw_graph *g, sw_weights *ws, sw_node *x, const struct sw_conv_norm *o)
{
    char name[NAME];
    const int64_t c = sw_node_shape(x).dim[1], k = o->kernel;
    const int pad = o->kernel / 2;
    const sw_shape one = SW_SHAPE(o->filters);
    sw_node *w = sw_param(g, ws, join(name, o->conv, "weight"), SW_F32,
                          SW_SHAPE(o->filters, c, k, k), sw_init_he(c * k * k));
    sw_node *gamma = sw_param(g, ws, join(name, o->norm, "weight"), SW_F32, one, sw_init_ones());
    sw_node *beta = sw_param(g, ws, join(name, o->norm, "bias"), SW_F32, one, sw_init_zeros());
    sw_node *mean = sw_state(g, ws, join(name, o->norm, "running_mean"), SW_F32, one,
                             sw_init_zeros());
    sw_node *variance = sw_state(g, ws, join(name, o->norm, "running_var"), SW_F32, one,
                                 sw_init_ones());
    x = sw_conv2d(g, x, w, NULL,
                  (sw_conv_options){.stride = {o->stride, o->stride}, .pad = {pad, pad, pad, pad}});
    return sw_batchnorm(g, x, gamma, beta, mean, variance,
                        (sw_batchnorm_options){.training = o->training});
}
