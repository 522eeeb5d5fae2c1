/* A small network of AlexNet's family: two blocks of convolution, batch normalisation, relu, pooling
 * and a classifier with dropout.  What `make run` trains.
 *
 *   conv 3x3, 32 -> norm -> relu -> pool 2    conv 3x3, 64 -> norm -> relu -> pool 2
 *   linear 128 -> relu -> dropout -> linear classes
 *
 * Two things are not the paper's of 2012: batch normalisation (Ioffe and Szegedy 2015) and He's
 * initialiser, because with them a minute is enough. */
#include <stdio.h>

#include "alexnet/networks.h"

/* Convolution 3x3 without bias, batch norm, relu, 2x2 pooling: (N,C,H,W) -> (N,O,H/2,W/2). */
static sw_node *block(sw_graph *g, sw_weights *ws, sw_node *x, int number, int64_t o, bool training)
{
    char name[5][48];
    static const char *const parts[5] = {"weight", "norm.weight", "norm.bias", "norm.running_mean",
                                         "norm.running_var"};
    int64_t c = sw_node_shape(x).dim[1];
    for (int i = 0; i < 5; i++) snprintf(name[i], sizeof name[i], "conv%d.%s", number, parts[i]);
    sw_node *w = sw_param(g, ws, name[0], SW_F32, SW_SHAPE(o, c, 3, 3), sw_init_he(9 * c));
    sw_node *gamma = sw_param(g, ws, name[1], SW_F32, SW_SHAPE(o), sw_init_ones());
    sw_node *beta = sw_param(g, ws, name[2], SW_F32, SW_SHAPE(o), sw_init_zeros());
    sw_node *mean = sw_state(g, ws, name[3], SW_F32, SW_SHAPE(o), sw_init_zeros());
    sw_node *variance = sw_state(g, ws, name[4], SW_F32, SW_SHAPE(o), sw_init_ones());
    x = sw_conv2d(g, x, w, NULL, (sw_conv_options){.pad = {1, 1, 1, 1}}); /* (N,O,H,W) */
    x = sw_batchnorm(g, x, gamma, beta, mean, variance,
                     (sw_batchnorm_options){.training = training});
    x = sw_relu(g, x);
    return sw_max_pool2d(g, x, (sw_pool_options){.kernel = {2, 2}}); /* (N,O,H/2,W/2) */
}

static sw_node *logits(sw_graph *g, sw_weights *ws, sw_node *images, const sw_image_options *o)
{
    const bool training = o->training;
    const int64_t classes = sw__image_classes(&sw__network_convnet, ws, o);
    sw_node *x = images;                  /* (N,C,H,W) */
    x = block(g, ws, x, 1, 32, training); /* (N,32,H/2,W/2) */
    x = block(g, ws, x, 2, 64, training); /* (N,64,H/4,W/4) */
    x = sw_flatten(g, x, 1, 3);           /* (N,64 H/4 W/4) */
    int64_t features = sw_node_shape(x).dim[1];
    x = sw_linear(
        g, x, sw_param(g, ws, "fc1.weight", SW_F32, SW_SHAPE(128, features), sw_init_he(features)),
        sw_param(g, ws, "fc1.bias", SW_F32, SW_SHAPE(128), sw_init_zeros()));
    x = sw_dropout(g, sw_relu(g, x), training ? 0.3f : 0.0f); /* (N,128) */
    if (o->features) *o->features = x;
    return sw_linear(
        g, x,
        sw_param(g, ws, "fc2.weight", SW_F32, SW_SHAPE(classes, 128), sw_init_xavier(128, classes)),
        sw_param(g, ws, "fc2.bias", SW_F32, SW_SHAPE(classes), sw_init_zeros()));
}

/* Any square picture whose quarters fit fc1. */
static bool fits(const sw_weights *ws, sw_image_sizes *found)
{
    const sw_weight *conv = sw_weights_find(ws, "conv1.weight"),
                    *fc = sw_weights_find(ws, "fc1.weight");
    *found = (sw_image_sizes){0};
    if (!conv || !fc || !sw_weights_find(ws, "conv2.norm.running_var")) return false;
    sw_tensor c = sw_weight_tensor(conv), f = sw_weight_tensor(fc);
    if (c.shape.rank != 4 || f.shape.rank != 2 || f.shape.dim[0] != 128) return false;
    found->channels = (int)c.shape.dim[1];
    for (int side = 4; side < 4096 && !found->side; side += 4)
        if (64 * (side / 4) * (side / 4) == f.shape.dim[1]) found->side = side;
    return found->side && sw__last_layer(ws, "fc2", 128, &found->classes);
}

const sw_image_network sw__network_convnet = {
    .name = "convnet",
    .summary = "two blocks of convolution, batch normalisation, pooling: learns in a minute",
    .channels = 1,
    .side = 0,
    .classes = 10,
    .mean = {0.286f, 0.286f, 0.286f}, /* Fashion-MNIST's; near enough for MNIST */
    .deviation = {0.353f, 0.353f, 0.353f},
    .logits = logits,
    .fits = fits,
};
