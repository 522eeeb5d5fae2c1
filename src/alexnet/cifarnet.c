/* The network of Swell's own model of CIFAR-10: seven convolutions after Jordan 2024, "94% on CIFAR-10
 * in 3.29 seconds on a single GPU" (arXiv 2404.00498), section 3.
 *
 *   whiten 2x2, 24 -> gelu          (N,24,31,31)   frozen filters, free bias
 *   block 64                        (N,64,15,15)   conv 3x3 -> pool 2 -> norm -> gelu
 *   block 256                       (N,256,7,7)      -> conv 3x3 -> norm -> gelu
 *   block 256                       (N,256,3,3)
 *   pool 3 -> linear -> / 9         (N,classes)
 *
 * Batch normalisation has a bias and no gain.  Filters start as PyTorch's convolution does, U(-a, a) with
 * a = 1 / sqrt(fan-in), but the first C of a layer of C channels as the identity (section 3.3). */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "alexnet/networks.h"
#include "alexnet/whitening.h"

enum { FILTERS = 24, LAST = 256 };

static sw_node *state(sw_graph *g, sw_weights *ws, const char *layer, const char *part,
                      sw_shape shape, sw_init init)
{
    char name[64];
    snprintf(name, sizeof name, "%s.%s", layer, part);
    return sw_state(g, ws, name, SW_F32, shape, init);
}

/* 3x3 filters of a new set: the first C outputs repeat their inputs. */
static void make_identity(sw_weights *ws, const char *name)
{
    sw_weight *w = sw_weights_find(ws, name);
    sw_tensor t = sw_weight_tensor(w);
    float *x = t.data;
    int64_t o = t.shape.dim[0], c = t.shape.dim[1];
    for (int64_t i = 0; i < o && i < c; i++) {
        memset(x + i * c * 9, 0, (size_t)(c * 9) * sizeof(float));
        x[(i * c + i) * 9 + 4] = 1;
    }
    sw_weight_touch(w);
}

static sw_node *conv(sw_graph *g, sw_weights *ws, sw_node *x, const char *layer, int64_t o)
{
    char name[64];
    snprintf(name, sizeof name, "%s.weight", layer);
    int64_t c = sw_node_shape(x).dim[1];
    float a = 1 / sqrtf(9 * (float)c);
    bool is_new = !sw_weights_find(ws, name);
    sw_node *w = sw_param(g, ws, name, SW_F32, SW_SHAPE(o, c, 3, 3), sw_init_uniform(-a, a));
    if (is_new && sw_graph_status(g) == SW_OK) make_identity(ws, name);
    return sw_conv2d(g, x, w, NULL, (sw_conv_options){.pad = {1, 1, 1, 1}});
}

/* Batch normalisation without gain, then gelu. */
static sw_node *norm(sw_graph *g, sw_weights *ws, sw_node *x, const char *layer, bool training)
{
    char name[64];
    sw_shape one = SW_SHAPE(sw_node_shape(x).dim[1]);
    snprintf(name, sizeof name, "%s.bias", layer);
    sw_node *beta = sw_param(g, ws, name, SW_F32, one, sw_init_zeros());
    sw_node *mean = state(g, ws, layer, "running_mean", one, sw_init_zeros());
    sw_node *variance = state(g, ws, layer, "running_var", one, sw_init_ones());
    return sw_gelu(g, sw_batchnorm(g, x, NULL, beta, mean, variance,
                                   (sw_batchnorm_options){.training = training, .momentum = 0.4f}));
}

/* (N,C,H,W) -> (N,O,H/2,W/2) */
static sw_node *block(sw_graph *g, sw_weights *ws, sw_node *x, int number, int64_t o, bool training)
{
    char name[4][32];
    static const char *const parts[4] = {"conv1", "norm1", "conv2", "norm2"};
    for (int i = 0; i < 4; i++) snprintf(name[i], sizeof name[i], "block%d.%s", number, parts[i]);
    x = sw_max_pool2d(g, conv(g, ws, x, name[0], o), (sw_pool_options){.kernel = {2, 2}});
    x = norm(g, ws, x, name[1], training);
    return norm(g, ws, conv(g, ws, x, name[2], o), name[3], training);
}

static sw_node *logits(sw_graph *g, sw_weights *ws, sw_node *images, const sw_image_options *o)
{
    const int64_t classes = sw__image_classes(&sw__network_cifarnet, ws, o);
    const float a = 1 / sqrtf(LAST);
    sw_node *x = images; /* (N,3,32,32) */
    sw_node *w = sw_state(g, ws, "whiten.weight", SW_F32, SW_SHAPE(FILTERS, 3, 2, 2),
                          sw_init_uniform(-0.5f, 0.5f));
    sw_node *b = sw_param(g, ws, "whiten.bias", SW_F32, SW_SHAPE(FILTERS), sw_init_zeros());
    x = sw_gelu(g, sw_conv2d(g, x, w, b, (sw_conv_options){0})); /* (N,24,31,31) */
    x = block(g, ws, x, 1, 64, o->training);                     /* (N,64,15,15) */
    x = block(g, ws, x, 2, 256, o->training);                    /* (N,256,7,7) */
    x = block(g, ws, x, 3, LAST, o->training);                   /* (N,256,3,3) */
    x = sw_flatten(g, sw_max_pool2d(g, x, (sw_pool_options){.kernel = {3, 3}}), 1, 3); /* (N,256) */
    if (o->features) *o->features = x;
    x = sw_linear(
        g, x,
        sw_param(g, ws, "head.weight", SW_F32, SW_SHAPE(classes, LAST), sw_init_uniform(-a, a)),
        NULL);
    return sw_scale(g, x, 1.0f / 9);
}

static bool fits(const sw_weights *ws, sw_image_sizes *found)
{
    *found = (sw_image_sizes){.channels = 3, .side = 32};
    return sw__weight_is(ws, "whiten.weight", SW_SHAPE(FILTERS, 3, 2, 2)) &&
           sw__weight_is(ws, "block3.conv2.weight", SW_SHAPE(LAST, LAST, 3, 3)) &&
           sw__last_layer(ws, "head", LAST, &found->classes);
}

/* Section 3.2: the filters are the eigenvectors of the covariance of 2x2 patches, over the square root
 * of their eigenvalues, and their negatives. */
static sw_status prepare(sw_context *ctx, sw_weights *ws, const float *images, int64_t n,
                         int height, int width)
{
    float filters[FILTERS * 12];
    sw_status status = sw__whitening_filters(ctx, images, n, 3, height, width, 2, 5e-4f, filters);
    if (status != SW_OK) return status;
    for (int i = 0; i < 144; i++) filters[144 + i] = -filters[i];
    return sw_weight_set(sw_weights_find(ws, "whiten.weight"), filters, sizeof filters);
}

const sw_image_network sw__network_cifarnet = {
    .name = "cifarnet",
    .summary = "seven convolutions after Jordan 2024: 94 % on CIFAR-10",
    .channels = 3,
    .side = 32,
    .classes = 10,
    .mean = SW_CIFAR10_MEAN,
    .deviation = SW_CIFAR10_DEVIATION,
    .logits = logits,
    .fits = fits,
    .prepare = prepare,
};
