/* What residual networks are made of. */
#ifndef SWELL_ALEXNET_CONV_NORM_H
#define SWELL_ALEXNET_CONV_NORM_H

#include <swell/ops.h>

struct sw_conv_norm {
    const char *conv, *norm; /* names of the two layers: "layer1.0.conv1", "layer1.0.bn1" */
    int64_t filters;
    int kernel, stride; /* padded so that stride 1 keeps the size */
    bool training;
};

/* A square convolution without bias, then batch normalisation: (N,C,H,W) -> (N,filters,H',W').  Tensors
 * "<conv>.weight", "<norm>.weight", ".bias", ".running_mean", ".running_var", as PyTorch names them. */
sw_node *sw__conv_norm(sw_graph *g, sw_weights *ws, sw_node *x, const struct sw_conv_norm *o);

#endif
