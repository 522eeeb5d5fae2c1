/* AlexNet in one column: Krizhevsky 2014, "One weird trick for parallelizing convolutional neural
 * networks", the network that torchvision ships under the name alexnet.  No groups, no local response
 * normalisation, 64 and 192 filters in the first two layers; 61,100,840 parameters with 1000 classes.
 * Tensor names are torchvision's. */
#include <math.h>
#include <stdio.h>

#include "alexnet/networks.h"

/* Filters and their bias start as PyTorch's do: U(-a, a), a = 1 / sqrt(fan-in). */
static sw_node *conv(sw_graph *g, sw_weights *ws, sw_node *x, int number, int64_t o, int kernel,
                     sw_conv_options options)
{
    char weight[32], bias[32];
    int64_t c = sw_node_shape(x).dim[1];
    float a = 1 / sqrtf((float)(c * kernel * kernel));
    snprintf(weight, sizeof weight, "features.%d.weight", number);
    snprintf(bias, sizeof bias, "features.%d.bias", number);
    sw_node *w = sw_param(g, ws, weight, SW_F32, SW_SHAPE(o, c, kernel, kernel),
                          sw_init_uniform(-a, a));
    sw_node *b = sw_param(g, ws, bias, SW_F32, SW_SHAPE(o), sw_init_uniform(-a, a));
    return sw_relu(g, sw_conv2d(g, x, w, b, options));
}

static sw_node *linear(sw_graph *g, sw_weights *ws, sw_node *x, int number, int64_t o)
{
    char weight[32], bias[32];
    int64_t k = sw_node_shape(x).dim[1];
    float a = 1 / sqrtf((float)k);
    snprintf(weight, sizeof weight, "classifier.%d.weight", number);
    snprintf(bias, sizeof bias, "classifier.%d.bias", number);
    return sw_linear(g, x, sw_param(g, ws, weight, SW_F32, SW_SHAPE(o, k), sw_init_uniform(-a, a)),
                     sw_param(g, ws, bias, SW_F32, SW_SHAPE(o), sw_init_uniform(-a, a)));
}

static sw_node *pool(sw_graph *g, sw_node *x)
{
    return sw_max_pool2d(g, x, (sw_pool_options){.kernel = {3, 3}, .stride = {2, 2}});
}

static sw_node *logits(sw_graph *g, sw_weights *ws, sw_node *images, const sw_image_options *o)
{
    const sw_conv_options first = {.stride = {4, 4}, .pad = {2, 2, 2, 2}};
    const sw_conv_options second = {.pad = {2, 2, 2, 2}}, third = {.pad = {1, 1, 1, 1}};
    const float drop = o->training ? 0.5f : 0.0f;
    const int64_t classes = sw__image_classes(&sw__network_one_column, ws, o);
    sw_node *x = images;                             /* (N,3,224,224) */
    x = pool(g, conv(g, ws, x, 0, 64, 11, first));   /* (N,64,27,27) */
    x = pool(g, conv(g, ws, x, 3, 192, 5, second));  /* (N,192,13,13) */
    x = conv(g, ws, x, 6, 384, 3, third);            /* (N,384,13,13) */
    x = conv(g, ws, x, 8, 256, 3, third);            /* (N,256,13,13) */
    x = pool(g, conv(g, ws, x, 10, 256, 3, third));  /* (N,256,6,6) */
    x = sw_dropout(g, sw_flatten(g, x, 1, 3), drop); /* (N,9216) */
    x = sw_relu(g, linear(g, ws, x, 1, 4096));       /* (N,4096) */
    x = sw_relu(g, linear(g, ws, sw_dropout(g, x, drop), 4, 4096));
    if (o->features) *o->features = x;
    return linear(g, ws, x, 6, classes); /* (N,classes) */
}

static bool fits(const sw_weights *ws, sw_image_sizes *found)
{
    *found = (sw_image_sizes){.channels = 3, .side = 224};
    return sw__weight_is(ws, "features.0.weight", SW_SHAPE(64, 3, 11, 11)) &&
           sw__weight_is(ws, "features.10.weight", SW_SHAPE(256, 256, 3, 3)) &&
           sw__weight_is(ws, "classifier.1.weight", SW_SHAPE(4096, 9216)) &&
           sw__last_layer(ws, "classifier.6", 4096, &found->classes);
}

const sw_image_network sw__network_one_column = {
    .name = "alexnet-one-column",
    .summary = "AlexNet without groups and LRN, Krizhevsky 2014; torchvision's alexnet",
    .channels = 3,
    .side = 224,
    .classes = 1000,
    .mean = SW_IMAGENET_MEAN,
    .deviation = SW_IMAGENET_DEVIATION,
    .logits = logits,
    .fits = fits,
};
