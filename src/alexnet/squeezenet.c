/* SqueezeNet: Iandola et al. 2016, "AlexNet-level accuracy with 50x fewer parameters", versions 1.0 and 1.1,
 * with torchvision's tensor names.
 *
 *   fire(s,e)   s = relu(conv 1x1), then relu(conv 1x1) and relu(conv 3x3) of it side by side: 2 e filters
 *   1.0         conv 7x7/2, 96 -> pool -> 3 fires -> pool -> 4 fires -> pool -> fire
 *   1.1         conv 3x3/2, 64 -> pool -> 2 fires -> pool -> 2 fires -> pool -> 4 fires
 *   head        dropout 0.5 -> conv 1x1 to the classes -> relu -> mean over positions
 *
 * Pools are 3x3, stride 2, and the last window may hang over the edge.  There is no linear layer: the
 * features are the means of the last fire. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "alexnet/networks.h"

enum { MOST = 12, LAST = 512 };

/* features.N by place: a pool, or a fire of `squeeze` and 2 x `expand` filters. */
struct stage {
    int number;
    int squeeze, expand; /* 0: a pool */
};

struct version {
    const sw_image_network *network;
    int64_t first, kernel;     /* of features.0, stride 2 */
    struct stage stages[MOST]; /* ended by a number of 0 */
};

static sw_node *conv(sw_graph *g, sw_weights *ws, sw_node *x, const char *layer, int64_t o,
                     int64_t k, sw_conv_options options)
{
    char weight[64], bias[64];
    const int64_t c = sw_node_shape(x).dim[1];
    snprintf(weight, sizeof weight, "%s.weight", layer);
    snprintf(bias, sizeof bias, "%s.bias", layer);
    sw_node *w = sw_param(g, ws, weight, SW_F32, SW_SHAPE(o, c, k, k), sw_init_he(c * k * k));
    sw_node *b = sw_param(g, ws, bias, SW_F32, SW_SHAPE(o), sw_init_zeros());
    return sw_relu(g, sw_conv2d(g, x, w, b, options));
}

static sw_node *fire(sw_graph *g, sw_weights *ws, sw_node *x, const struct stage *s)
{
    char name[3][48];
    static const char *const parts[3] = {"squeeze", "expand1x1", "expand3x3"};
    for (int i = 0; i < 3; i++)
        snprintf(name[i], sizeof name[i], "features.%d.%s", s->number, parts[i]);
    x = conv(g, ws, x, name[0], s->squeeze, 1, (sw_conv_options){0});
    sw_node *both[2] = {
        conv(g, ws, x, name[1], s->expand, 1, (sw_conv_options){0}),
        conv(g, ws, x, name[2], s->expand, 3, (sw_conv_options){.pad = {1, 1, 1, 1}})};
    return sw_concat(g, both, 2, 1);
}

static sw_node *pool(sw_graph *g, sw_node *x)
{
    return sw_max_pool2d(g, x,
                         (sw_pool_options){.kernel = {3, 3}, .stride = {2, 2}, .ceil_mode = true});
}

static sw_node *build(const struct version *v, sw_graph *g, sw_weights *ws, sw_node *images,
                      const sw_image_options *o)
{
    const int64_t classes = sw__image_classes(v->network, ws, o);
    sw_node *x = conv(g, ws, images, "features.0", v->first, v->kernel,
                      (sw_conv_options){.stride = {2, 2}});
    for (const struct stage *s = v->stages; s->number; s++)
        x = s->squeeze ? fire(g, ws, x, s) : pool(g, x);
    if (o->features) *o->features = sw_flatten(g, sw_global_avg_pool2d(g, x), 1, 3);
    x = sw_dropout(g, x, o->training ? 0.5f : 0.0f); /* (N,512,13,13) */
    x = conv(g, ws, x, "classifier.1", classes, 1, (sw_conv_options){0});
    return sw_flatten(g, sw_global_avg_pool2d(g, x), 1, 3); /* (N,classes) */
}

static bool fits(const struct version *v, const sw_weights *ws, sw_image_sizes *found)
{
    const sw_weight *head = sw_weights_find(ws, "classifier.1.weight");
    *found = (sw_image_sizes){.channels = 3, .side = 224};
    if (!head ||
        !sw__weight_is(ws, "features.0.weight", SW_SHAPE(v->first, 3, v->kernel, v->kernel)) ||
        !sw__weight_is(ws, "features.12.expand3x3.weight", SW_SHAPE(256, 64, 3, 3)))
        return false;
    sw_tensor t = sw_weight_tensor(head);
    found->classes = (int)t.shape.dim[0];
    return sw__weight_is(ws, "classifier.1.weight", SW_SHAPE(t.shape.dim[0], LAST, 1, 1));
}

#define SQUEEZENET(suffix, title, first_, kernel_, ...)                                            \
    static const struct version version_##suffix = {                                               \
        &sw__network_squeezenet##suffix, first_, kernel_, {__VA_ARGS__}};                          \
    static sw_node *logits_##suffix(sw_graph *g, sw_weights *ws, sw_node *images,                  \
                                    const sw_image_options *o)                                     \
    {                                                                                              \
        return build(&version_##suffix, g, ws, images, o);                                         \
    }                                                                                              \
    static bool fits_##suffix(const sw_weights *ws, sw_image_sizes *found)                         \
    {                                                                                              \
        return fits(&version_##suffix, ws, found);                                                 \
    }                                                                                              \
    const sw_image_network sw__network_squeezenet##suffix = {                                      \
        .name = "squeezenet" #suffix,                                                              \
        .summary = "SqueezeNet " title                                                             \
                   ", Iandola et al. 2016: AlexNet's accuracy in 1.2 M weights",                   \
        .channels = 3,                                                                             \
        .side = 224,                                                                               \
        .classes = 1000,                                                                           \
        .mean = SW_IMAGENET_MEAN,                                                                  \
        .deviation = SW_IMAGENET_DEVIATION,                                                        \
        .logits = logits_##suffix,                                                                 \
        .fits = fits_##suffix,                                                                     \
    };

/* clang-format off */
SQUEEZENET(1_0, "1.0", 96, 7, {2, 0, 0}, {3, 16, 64}, {4, 16, 64}, {5, 32, 128}, {6, 0, 0},
           {7, 32, 128}, {8, 48, 192}, {9, 48, 192}, {10, 64, 256}, {11, 0, 0}, {12, 64, 256}, {0, 0, 0})
SQUEEZENET(1_1, "1.1", 64, 3, {2, 0, 0}, {3, 16, 64}, {4, 16, 64}, {5, 0, 0}, {6, 32, 128},
           {7, 32, 128}, {8, 0, 0}, {9, 48, 192}, {10, 48, 192}, {11, 64, 256}, {12, 64, 256}, {0, 0, 0})
/* clang-format on */
