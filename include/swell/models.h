/* The networks of the waves, as graphs: each is one call that appends its equations.  Weights come
 * from the set, or start as the paper says. */
#ifndef SWELL_MODELS_H
#define SWELL_MODELS_H

#include <swell/ops.h>

#ifdef __cplusplus
extern "C" {
#endif

/* How a network of pictures is built. */
typedef struct sw_image_options {
    int classes;        /* 0: as published, or as the set's own last layer has it */
    bool training;      /* dropout, statistics of the batch */
    sw_node **features; /* gets the input of the last layer, (N,F), unless NULL: fc7 of AlexNet */
} sw_image_options;

/* Sizes that a set of weights asks for. */
typedef struct sw_image_sizes {
    int channels, side, classes;
} sw_image_sizes;

/* A network of pictures: a row of the table that `swell train`, `swell see` and `swell info` share. */
typedef struct sw_image_network {
    const char *name;            /* "alexnet" */
    const char *summary;         /* paper and year, in a line */
    int channels, side;          /* of its pictures; side 0: any, at least 4 */
    int classes;                 /* as published */
    float mean[3], deviation[3]; /* of its input: (byte / 255 - mean) / deviation, by channels */
    /* images (N,channels,side,side) -> logits (N,classes); weights come from ws, or start as the paper
     * says. */
    sw_node *(*logits)(sw_graph *g, sw_weights *ws, sw_node *images, const sw_image_options *o);
    /* Whether the tensors of ws, by names and shapes, are this network's; then *found gets channels,
     * side and classes of these weights. */
    bool (*fits)(const sw_weights *ws, sw_image_sizes *found);
    /* Set what depends on the data, once, before the first step of a new training; NULL: nothing does.
     * images (n,channels,height,width) as the network sees them, of a few thousand pictures; the set
     * has its weights already. */
    sw_status (*prepare)(sw_context *ctx, sw_weights *ws, const float *images, int64_t n,
                         int height, int width);
} sw_image_network;

/* By name, or NULL. */
SW_API const sw_image_network *sw_image_network_find(const char *name);
/* Row i of the table; NULL outside 0..count-1. */
SW_API const sw_image_network *sw_image_network_at(int i);
/* The network that these tensors belong to, or NULL; *found as in `fits`. */
SW_API const sw_image_network *sw_image_network_of(const sw_weights *ws, sw_image_sizes *found);

#ifdef __cplusplus
}
#endif
#endif
