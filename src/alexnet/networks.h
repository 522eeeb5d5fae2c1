/* The table of image networks, and what its rows share. */
#ifndef SWELL_ALEXNET_NETWORKS_H
#define SWELL_ALEXNET_NETWORKS_H

#include <swell/models.h>

/* Of ImageNet's pictures, by channels: what nearly every network trained on them expects. */
#define SW_IMAGENET_MEAN                                                                           \
    {                                                                                              \
        0.485f, 0.456f, 0.406f                                                                     \
    }
#define SW_IMAGENET_DEVIATION                                                                      \
    {                                                                                              \
        0.229f, 0.224f, 0.225f                                                                     \
    }

/* Of CIFAR-10's training pictures. */
#define SW_CIFAR10_MEAN                                                                            \
    {                                                                                              \
        0.4914f, 0.4822f, 0.4465f                                                                  \
    }
#define SW_CIFAR10_DEVIATION                                                                       \
    {                                                                                              \
        0.2470f, 0.2435f, 0.2616f                                                                  \
    }

extern const sw_image_network sw__network_alexnet, sw__network_one_column, sw__network_convnet,
    sw__network_cifarnet, sw__network_resnet20, sw__network_resnet32, sw__network_resnet44,
    sw__network_resnet56, sw__network_cuda_11pct, sw__network_cuda_13pct, sw__network_resnet18,
    sw__network_resnet34, sw__network_resnet50, sw__network_squeezenet1_0,
    sw__network_squeezenet1_1;

/* Whether ws has the tensor `name` of this shape. */
bool sw__weight_is(const sw_weights *ws, const char *name, sw_shape shape);
/* Whether ws has "<layer>.weight" of (classes, features); *classes gets how many. */
bool sw__last_layer(const sw_weights *ws, const char *layer, int64_t features, int *classes);
/* How many classes to build: o's, else those of the weights in ws, else the network's. */
int64_t sw__image_classes(const sw_image_network *n, const sw_weights *ws,
                          const sw_image_options *o);

/* Networks compute in f32: where ws has floats of two bytes, *wide gets a copy of f32, else NULL.  path is for
 * the error, SW_ERR_MEMORY. */
sw_status sw__image_weights_widen(sw_context *ctx, const char *path, const sw_weights *ws,
                                  sw_weights **wide);

#endif
