/* A small network of AlexNet's family: two blocks of convolution, batch normalisation, relu, pooling
 * and a classifier with dropout.  What `make run` trains.
 *
 *   conv 3x3, 32 -> norm -> relu -> pool 2    conv 3x3, 64 -> norm -> relu -> pool 2
 *   linear 128 -> relu -> dropout -> linear classes
 *
 * Two things are not the paper's of 2012: batch normalisation (Ioffe and Szegedy 2015) and He's
 * initialiser, because with them a minute is enough. */
#include <stdio.h>

#include <swell/models.h>

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

sw_node *sw_convnet_logits(sw_graph *g, sw_weights *ws, sw_node *images, int classes, bool training)
{
    sw_node *x = images;                  /* (N,C,H,W) */
    x = block(g, ws, x, 1, 32, training); /* (N,32,H/2,W/2) */
    x = block(g, ws, x, 2, 64, training); /* (N,64,H/4,W/4) */
    x = sw_flatten(g, x, 1, 3);           /* (N,64 H/4 W/4) */
    int64_t features = sw_node_shape(x).dim[1];
    x = sw_linear(
        g, x, sw_param(g, ws, "fc1.weight", SW_F32, SW_SHAPE(128, features), sw_init_he(features)),
        sw_param(g, ws, "fc1.bias", SW_F32, SW_SHAPE(128), sw_init_zeros()));
    x = sw_dropout(g, sw_relu(g, x), training ? 0.3f : 0.0f); /* (N,128) */
    return sw_linear(
        g, x,
        sw_param(g, ws, "fc2.weight", SW_F32, SW_SHAPE(classes, 128), sw_init_xavier(128, classes)),
        sw_param(g, ws, "fc2.bias", SW_F32, SW_SHAPE(classes), sw_init_zeros()));
}
