/* AlexNet as in the paper, section 3 (figure 2): two groups in conv2, conv4, conv5 stand for its two
 * GPUs.  Tensor names are torchvision's where its network has the layer.  See MODEL.md. */
#include "alexnet/networks.h"

/* A weight N(0, 0.01) and a bias of the value that section 5 gives. */
static sw_node *weight(sw_graph *g, sw_weights *ws, const char *name, sw_shape shape)
{
    return sw_param(g, ws, name, SW_F32, shape, sw_init_normal(0, 0.01f));
}

static sw_node *bias(sw_graph *g, sw_weights *ws, const char *name, int64_t n, float value)
{
    return sw_param(g, ws, name, SW_F32, SW_SHAPE(n), sw_init_constant(value));
}

/* Section 3.3: k = 2, n = 5, alpha = 1e-4, beta = 0.75. */
static sw_node *normalise(sw_graph *g, sw_node *x)
{
    return sw_lrn(g, x, (sw_lrn_options){.size = 5, .k = 2, .alpha = 1e-4f, .beta = 0.75f});
}

/* Section 3.4: overlapping, z = 3, s = 2. */
static sw_node *pool(sw_graph *g, sw_node *x)
{
    return sw_max_pool2d(g, x, (sw_pool_options){.kernel = {3, 3}, .stride = {2, 2}});
}

static sw_node *logits(sw_graph *g, sw_weights *ws, sw_node *images, const sw_image_options *o)
{
    const sw_conv_options first = {.stride = {4, 4}};
    const sw_conv_options second = {.pad = {2, 2, 2, 2}, .groups = 2};
    const sw_conv_options third = {.pad = {1, 1, 1, 1}};
    const sw_conv_options last = {.pad = {1, 1, 1, 1}, .groups = 2};
    const float drop = o->training ? 0.5f : 0.0f; /* section 4.2 */
    const int64_t classes = sw__image_classes(&sw__network_alexnet, ws, o);
    sw_node *x = images; /* (N,3,227,227) */
    x = sw_conv2d(g, x, weight(g, ws, "features.0.weight", SW_SHAPE(96, 3, 11, 11)),
                  bias(g, ws, "features.0.bias", 96, 0), first); /* (N,96,55,55) */
    x = pool(g, normalise(g, sw_relu(g, x)));                    /* (N,96,27,27) */
    x = sw_conv2d(g, x, weight(g, ws, "features.3.weight", SW_SHAPE(256, 48, 5, 5)),
                  bias(g, ws, "features.3.bias", 256, 1), second); /* (N,256,27,27) */
    x = pool(g, normalise(g, sw_relu(g, x)));                      /* (N,256,13,13) */
    x = sw_conv2d(g, x, weight(g, ws, "features.6.weight", SW_SHAPE(384, 256, 3, 3)),
                  bias(g, ws, "features.6.bias", 384, 0), third); /* (N,384,13,13) */
    x = sw_relu(g, x);
    x = sw_conv2d(g, x, weight(g, ws, "features.8.weight", SW_SHAPE(384, 192, 3, 3)),
                  bias(g, ws, "features.8.bias", 384, 1), last); /* (N,384,13,13) */
    x = sw_relu(g, x);
    x = sw_conv2d(g, x, weight(g, ws, "features.10.weight", SW_SHAPE(256, 192, 3, 3)),
                  bias(g, ws, "features.10.bias", 256, 1), last); /* (N,256,13,13) */
    x = pool(g, sw_relu(g, x));                                   /* (N,256,6,6) */
    x = sw_flatten(g, x, 1, 3);                                   /* (N,9216) */
    x = sw_dropout(g, x, drop);
    x = sw_linear(g, x, weight(g, ws, "classifier.1.weight", SW_SHAPE(4096, 9216)),
                  bias(g, ws, "classifier.1.bias", 4096, 1)); /* (N,4096) */
    x = sw_dropout(g, sw_relu(g, x), drop);
    x = sw_linear(g, x, weight(g, ws, "classifier.4.weight", SW_SHAPE(4096, 4096)),
                  bias(g, ws, "classifier.4.bias", 4096, 1)); /* (N,4096) */
    x = sw_relu(g, x);
    if (o->features) *o->features = x;
    return sw_linear(g, x, weight(g, ws, "classifier.6.weight", SW_SHAPE(classes, 4096)),
                     bias(g, ws, "classifier.6.bias", classes, 0)); /* (N,1000) */
}

static bool fits(const sw_weights *ws, sw_image_sizes *found)
{
    *found = (sw_image_sizes){3, 227, 0};
    return sw__weight_is(ws, "features.0.weight", SW_SHAPE(96, 3, 11, 11)) &&
           sw__weight_is(ws, "features.3.weight", SW_SHAPE(256, 48, 5, 5)) &&
           sw__last_layer(ws, "classifier.6", 4096, &found->classes);
}

const sw_image_network sw__network_alexnet = {
    .name = "alexnet",
    .summary = "Krizhevsky, Sutskever and Hinton 2012: two groups, response normalisation",
    .channels = 3,
    .side = 227,
    .classes = 1000,
    .mean = SW_IMAGENET_MEAN,
    .deviation = SW_IMAGENET_DEVIATION,
    .logits = logits,
    .fits = fits,
};
