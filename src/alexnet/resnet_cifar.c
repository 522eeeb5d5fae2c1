/* Residual networks for CIFAR-10: He, Zhang, Ren and Sun 2016, section 4.2.  One stem of 16 filters, then
 * three groups of n blocks of 16, 32 and 64 filters, 6 n + 2 layers:
 *
 *   stem    conv 3x3 -> norm -> relu                                      (N,16,32,32)
 *   block   relu(x' + norm(conv 3x3(relu(norm(conv 3x3, stride(x))))))
 *   head    mean over positions -> linear                                 (N,classes)
 *
 * The shortcut x' has no weights (the paper's option A): where the size halves, every second position, and
 * zeros for the new channels, half of them before and half behind.  Tensor names are those of
 * akamaster/pytorch_resnet_cifar10, whose weights are known to the whole field. */
#include <stdio.h>

#include "alexnet/conv_norm.h"
#include "alexnet/networks.h"

enum { STEM = 16, LAST = 64, GROUPS = 3 };

/* conv 3x3 and its norm: "conv1" and "bn1" of the block, by number. */
static sw_node *conv_norm(sw_graph *g, sw_weights *ws, sw_node *x, const char *block, int number,
                          int64_t filters, int stride, bool training)
{
    char conv[48], norm[48];
    snprintf(conv, sizeof conv, "%sconv%d", block, number);
    snprintf(norm, sizeof norm, "%sbn%d", block, number);
    return sw__conv_norm(g, ws, x,
                         &(struct sw_conv_norm){conv, norm, filters, 3, stride, training});
}

/* Option A: (N,C,H,W) -> (N,O,H/2,W/2). */
static sw_node *shrink(sw_graph *g, sw_node *x, int64_t o)
{
    int64_t more = o - sw_node_shape(x).dim[1];
    for (int axis = 2; axis < 4; axis++)
        x = sw_slice(g, x, (sw_slice_options){.axis = axis, .end = INT64_MAX, .step = 2});
    return sw_pad(g, x, (sw_pad_options){.before = {0, more / 2}, .after = {0, more - more / 2}});
}

static sw_node *block(sw_graph *g, sw_weights *ws, sw_node *x, int group, int number, bool training)
{
    char name[32];
    int64_t o = STEM << (group - 1);
    int stride = sw_node_shape(x).dim[1] == o ? 1 : 2;
    snprintf(name, sizeof name, "layer%d.%d.", group, number);
    sw_node *y = sw_relu(g, conv_norm(g, ws, x, name, 1, o, stride, training));
    y = conv_norm(g, ws, y, name, 2, o, 1, training);
    return sw_relu(g, sw_add(g, y, stride == 1 ? x : shrink(g, x, o)));
}

/* n blocks in each of the three groups. */
static sw_node *build(const sw_image_network *network, int n, sw_graph *g, sw_weights *ws,
                      sw_node *images, const sw_image_options *o)
{
    const int64_t classes = sw__image_classes(network, ws, o);
    sw_node *x = sw_relu(g, conv_norm(g, ws, images, "", 1, STEM, 1, o->training));
    for (int group = 1; group <= GROUPS; group++)
        for (int i = 0; i < n; i++) x = block(g, ws, x, group, i, o->training);
    x = sw_flatten(g, sw_global_avg_pool2d(g, x), 1, 3); /* (N,64) */
    if (o->features) *o->features = x;
    return sw_linear(
        g, x, sw_param(g, ws, "linear.weight", SW_F32, SW_SHAPE(classes, LAST), sw_init_he(LAST)),
        sw_param(g, ws, "linear.bias", SW_F32, SW_SHAPE(classes), sw_init_zeros()));
}

/* The last block is there and the one behind it is not. */
static bool fits_depth(int n, const sw_weights *ws, sw_image_sizes *found)
{
    char last[48], next[48];
    snprintf(last, sizeof last, "layer3.%d.conv2.weight", n - 1);
    snprintf(next, sizeof next, "layer3.%d.conv2.weight", n);
    *found = (sw_image_sizes){.channels = 3, .side = 32};
    return sw__weight_is(ws, "conv1.weight", SW_SHAPE(STEM, 3, 3, 3)) &&
           sw__weight_is(ws, last, SW_SHAPE(LAST, LAST, 3, 3)) && !sw_weights_find(ws, next) &&
           sw__last_layer(ws, "linear", LAST, &found->classes);
}

#define RESNET(depth)                                                                              \
    static sw_node *logits##depth(sw_graph *g, sw_weights *ws, sw_node *images,                    \
                                  const sw_image_options *o)                                       \
    {                                                                                              \
        return build(&sw__network_resnet##depth, (depth - 2) / 6, g, ws, images, o);               \
    }                                                                                              \
    static bool fits##depth(const sw_weights *ws, sw_image_sizes *found)                           \
    {                                                                                              \
        return fits_depth((depth - 2) / 6, ws, found);                                             \
    }                                                                                              \
    const sw_image_network sw__network_resnet##depth = {                                           \
        .name = "resnet" #depth,                                                                   \
        .summary = "residual network for CIFAR-10, " #depth " layers, He et al. 2016",             \
        .channels = 3,                                                                             \
        .side = 32,                                                                                \
        .classes = 10,                                                                             \
        .mean = SW_IMAGENET_MEAN,                                                                  \
        .deviation = SW_IMAGENET_DEVIATION,                                                        \
        .logits = logits##depth,                                                                   \
        .fits = fits##depth,                                                                       \
    };

RESNET(20)
RESNET(32)
RESNET(44)
RESNET(56)
