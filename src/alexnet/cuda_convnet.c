/* cuda-convnet's four-layer networks for CIFAR-10, to which section 3.3 of the paper points for what
 * response normalisation is worth ("a four-layer CNN achieved a test error rate of 13 % without
 * normalization and 11 % with normalization"): its files layers-conv-local-13pct.cfg and
 * layers-conv-local-11pct.cfg, which differ by the two normalisations only.
 *
 *   conv1   5x5, pad 2 -> relu [-> norm] -> pool 3, stride 2       (N,64,12,12)
 *   conv2   5x5, pad 2 -> relu [-> norm] -> pool 3, stride 2       (N,64,6,6)
 *   local3  3x3, pad 1, filters of its own at each position, relu  (N,32,6,6)
 *   local4  the same                                               (N,32,6,6)
 *   fc10                                                           (N,classes)
 *
 * They look at 24x24 windows of the pictures.  Pooling windows overlap and the last may hang over the
 * edge.  cuda-convnet divides the scale of its normalisation by the window: 0.001 / 5 here; k is 1.
 *
 * One departure: pictures are divided by their deviation where cuda-convnet takes bytes less their mean,
 * and weights start as He et al. 2015 say where it has N(0, 0.0001), N(0, 0.01) and N(0, 0.04): starts of
 * the same networks from which fewer epochs are needed. */
#include "alexnet/networks.h"

enum { FILTERS = 64, LOCAL = 32, SIDE = 6, POSITIONS = SIDE * SIDE, FEATURES = LOCAL * POSITIONS };

static sw_node *weight(sw_graph *g, sw_weights *ws, const char *name, sw_shape shape,
                       int64_t fan_in)
{
    return sw_param(g, ws, name, SW_F32, shape, sw_init_he(fan_in));
}

static sw_node *bias(sw_graph *g, sw_weights *ws, const char *name, sw_shape shape)
{
    return sw_param(g, ws, name, SW_F32, shape, sw_init_zeros());
}

static sw_node *finish_block(sw_graph *g, sw_node *x, bool normalise)
{
    x = sw_relu(g, x);
    if (normalise)
        x = sw_lrn(g, x, (sw_lrn_options){.size = 5, .k = 1, .alpha = 0.001f / 5, .beta = 0.75f});
    return sw_max_pool2d(g, x,
                         (sw_pool_options){.kernel = {3, 3}, .stride = {2, 2}, .ceil_mode = true});
}

static sw_node *build(const sw_image_network *network, bool normalise, sw_graph *g, sw_weights *ws,
                      sw_node *images, const sw_image_options *o)
{
    const int64_t classes = sw__image_classes(network, ws, o);
    const sw_conv_options five = {.pad = {2, 2, 2, 2}}, three = {.pad = {1, 1, 1, 1}};
    sw_node *x = images; /* (N,3,24,24) */
    x = sw_conv2d(g, x, weight(g, ws, "conv1.weight", SW_SHAPE(FILTERS, 3, 5, 5), 75),
                  bias(g, ws, "conv1.bias", SW_SHAPE(FILTERS)), five);
    x = finish_block(g, x, normalise); /* (N,64,12,12) */
    x = sw_conv2d(g, x,
                  weight(g, ws, "conv2.weight", SW_SHAPE(FILTERS, FILTERS, 5, 5), FILTERS * 25),
                  bias(g, ws, "conv2.bias", SW_SHAPE(FILTERS)), five);
    x = finish_block(g, x, normalise); /* (N,64,6,6) */
    x = sw_locally_connected2d(
        g, x,
        weight(g, ws, "local3.weight", SW_SHAPE(POSITIONS, LOCAL, FILTERS, 3, 3), FILTERS * 9),
        bias(g, ws, "local3.bias", SW_SHAPE(LOCAL, SIDE, SIDE)), three);
    x = sw_relu(g, x); /* (N,32,6,6) */
    x = sw_locally_connected2d(
        g, x, weight(g, ws, "local4.weight", SW_SHAPE(POSITIONS, LOCAL, LOCAL, 3, 3), LOCAL * 9),
        bias(g, ws, "local4.bias", SW_SHAPE(LOCAL, SIDE, SIDE)), three);
    x = sw_flatten(g, sw_relu(g, x), 1, 3); /* (N,1152) */
    if (o->features) *o->features = x;
    return sw_linear(g, x, weight(g, ws, "fc10.weight", SW_SHAPE(classes, FEATURES), FEATURES),
                     bias(g, ws, "fc10.bias", SW_SHAPE(classes)));
}

static sw_node *logits_plain(sw_graph *g, sw_weights *ws, sw_node *images,
                             const sw_image_options *o)
{
    return build(&sw__network_cuda_13pct, false, g, ws, images, o);
}

static sw_node *logits_normalised(sw_graph *g, sw_weights *ws, sw_node *images,
                                  const sw_image_options *o)
{
    return build(&sw__network_cuda_11pct, true, g, ws, images, o);
}

/* Of the two, whose tensors are alike: the one that normalises, unless the file's metadata says which. */
static bool fits(const sw_weights *ws, sw_image_sizes *found)
{
    *found = (sw_image_sizes){.channels = 3, .side = 24};
    return sw__weight_is(ws, "conv1.weight", SW_SHAPE(FILTERS, 3, 5, 5)) &&
           sw__weight_is(ws, "local4.weight", SW_SHAPE(POSITIONS, LOCAL, LOCAL, 3, 3)) &&
           sw__last_layer(ws, "fc10", FEATURES, &found->classes);
}

const sw_image_network sw__network_cuda_11pct = {
    .name = "cuda-convnet-11pct",
    .summary =
        "four layers with response normalisation, of AlexNet's section 3.3 (which says 11 % error)",
    .channels = 3,
    .side = 24,
    .classes = 10,
    .mean = SW_CIFAR10_MEAN,
    .deviation = SW_CIFAR10_DEVIATION,
    .logits = logits_normalised,
    .fits = fits,
};

const sw_image_network sw__network_cuda_13pct = {
    .name = "cuda-convnet-13pct",
    .summary =
        "four layers without normalisation, of AlexNet's section 3.3 (which says 13 % error)",
    .channels = 3,
    .side = 24,
    .classes = 10,
    .mean = SW_CIFAR10_MEAN,
    .deviation = SW_CIFAR10_DEVIATION,
    .logits = logits_plain,
    .fits = fits,
};
