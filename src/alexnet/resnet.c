/* Residual networks for ImageNet: He, Zhang, Ren and Sun 2016, table 1, with torchvision's tensor names.
 *
 *   stem        conv 7x7, stride 2 -> norm -> relu -> pool 3, stride 2            (N,64,56,56)
 *   basic       relu(x' + norm(conv 3x3(relu(norm(conv 3x3(x))))))                18 and 34 layers
 *   bottleneck  relu(x' + norm(conv 1x1(relu(norm(conv 3x3(relu(norm(conv 1x1(x)))))))))     50
 *   head        mean over positions -> linear                                     (N,classes)
 *
 * The first block of groups 2 to 4 halves the size: its first 3x3 has the stride, as in torchvision (in the
 * paper the bottleneck's first 1x1 has).  Where sizes differ the shortcut x' is a 1x1 convolution and its
 * norm (the paper's option B). */
#include <math.h>
#include <stdio.h>

#include "alexnet/conv_norm.h"
#include "alexnet/networks.h"

enum { GROUPS = 4 };

struct depth {
    const sw_image_network *network;
    int blocks[GROUPS];
    bool bottleneck;
};

static sw_node *layer(sw_graph *g, sw_weights *ws, sw_node *x, const char *block, int number,
                      int64_t filters, int kernel, int stride, bool training)
{
    char conv[48], norm[48];
    snprintf(conv, sizeof conv, "%sconv%d", block, number);
    snprintf(norm, sizeof norm, "%sbn%d", block, number);
    return sw__conv_norm(g, ws, x,
                         &(struct sw_conv_norm){conv, norm, filters, kernel, stride, training});
}

static sw_node *shortcut(sw_graph *g, sw_weights *ws, sw_node *x, const char *block,
                         int64_t filters, int stride, bool training)
{
    char conv[48], norm[48];
    if (sw_node_shape(x).dim[1] == filters && stride == 1) return x;
    snprintf(conv, sizeof conv, "%sdownsample.0", block);
    snprintf(norm, sizeof norm, "%sdownsample.1", block);
    return sw__conv_norm(g, ws, x,
                         &(struct sw_conv_norm){conv, norm, filters, 1, stride, training});
}

/* Block `number` of a group 1..4: 64, 128, 256, 512 filters, four times as many behind a bottleneck. */
static sw_node *block(const struct depth *d, sw_graph *g, sw_weights *ws, sw_node *x, int group,
                      int number, bool training)
{
    char name[32];
    const int64_t narrow = 32 << group, wide = d->bottleneck ? 4 * narrow : narrow;
    const int stride = group > 1 && number == 0 ? 2 : 1;
    snprintf(name, sizeof name, "layer%d.%d.", group, number);
    sw_node *y;
    if (d->bottleneck) {
        y = sw_relu(g, layer(g, ws, x, name, 1, narrow, 1, 1, training));
        y = sw_relu(g, layer(g, ws, y, name, 2, narrow, 3, stride, training));
        y = layer(g, ws, y, name, 3, wide, 1, 1, training);
    } else {
        y = sw_relu(g, layer(g, ws, x, name, 1, narrow, 3, stride, training));
        y = layer(g, ws, y, name, 2, narrow, 3, 1, training);
    }
    return sw_relu(g, sw_add(g, y, shortcut(g, ws, x, name, wide, stride, training)));
}

static int64_t features_of(const struct depth *d)
{
    return d->bottleneck ? 2048 : 512;
}

static sw_node *build(const struct depth *d, sw_graph *g, sw_weights *ws, sw_node *images,
                      const sw_image_options *o)
{
    const int64_t classes = sw__image_classes(d->network, ws, o), features = features_of(d);
    const float a = 1 / sqrtf((float)features); /* PyTorch's start */
    sw_node *x = sw_relu(g, layer(g, ws, images, "", 1, 64, 7, 2, o->training));
    x = sw_max_pool2d(g, x,
                      (sw_pool_options){.kernel = {3, 3}, .stride = {2, 2}, .pad = {1, 1, 1, 1}});
    for (int group = 1; group <= GROUPS; group++)
        for (int i = 0; i < d->blocks[group - 1]; i++)
            x = block(d, g, ws, x, group, i, o->training);
    x = sw_flatten(g, sw_global_avg_pool2d(g, x), 1, 3); /* (N,512 or 2048) */
    if (o->features) *o->features = x;
    return sw_linear(
        g, x,
        sw_param(g, ws, "fc.weight", SW_F32, SW_SHAPE(classes, features), sw_init_uniform(-a, a)),
        sw_param(g, ws, "fc.bias", SW_F32, SW_SHAPE(classes), sw_init_uniform(-a, a)));
}

/* The stem, the last block of group 3 and no block behind it, and the right kind of block. */
static bool fits(const struct depth *d, const sw_weights *ws, sw_image_sizes *found)
{
    char last[48], next[48];
    snprintf(last, sizeof last, "layer3.%d.conv2.weight", d->blocks[2] - 1);
    snprintf(next, sizeof next, "layer3.%d.conv2.weight", d->blocks[2]);
    *found = (sw_image_sizes){.channels = 3, .side = 224};
    return sw__weight_is(ws, "conv1.weight", SW_SHAPE(64, 3, 7, 7)) &&
           sw__weight_is(ws, last, SW_SHAPE(256, 256, 3, 3)) && !sw_weights_find(ws, next) &&
           (sw_weights_find(ws, "layer1.0.conv3.weight") != NULL) == d->bottleneck &&
           sw__last_layer(ws, "fc", features_of(d), &found->classes);
}

#define RESNET(layers, bottleneck_, ...)                                                           \
    static const struct depth depth##layers = {                                                    \
        &sw__network_resnet##layers, {__VA_ARGS__}, bottleneck_};                                  \
    static sw_node *logits##layers(sw_graph *g, sw_weights *ws, sw_node *images,                   \
                                   const sw_image_options *o)                                      \
    {                                                                                              \
        return build(&depth##layers, g, ws, images, o);                                            \
    }                                                                                              \
    static bool fits##layers(const sw_weights *ws, sw_image_sizes *found)                          \
    {                                                                                              \
        return fits(&depth##layers, ws, found);                                                    \
    }                                                                                              \
    const sw_image_network sw__network_resnet##layers = {                                          \
        .name = "resnet" #layers,                                                                  \
        .summary = "residual network for ImageNet, " #layers " layers, He et al. 2016",            \
        .channels = 3,                                                                             \
        .side = 224,                                                                               \
        .classes = 1000,                                                                           \
        .mean = SW_IMAGENET_MEAN,                                                                  \
        .deviation = SW_IMAGENET_DEVIATION,                                                        \
        .logits = logits##layers,                                                                  \
        .fits = fits##layers,                                                                      \
    };

RESNET(18, false, 2, 2, 2, 2)
RESNET(34, false, 3, 4, 6, 3)
RESNET(50, true, 3, 4, 6, 3)
