/* The networks of the waves, as graphs: each is one call that appends its equations.  Weights come
 * from the set, or start as the paper says. */
#ifndef SWELL_MODELS_H
#define SWELL_MODELS_H

#include <swell/ops.h>

#ifdef __cplusplus
extern "C" {
#endif

/* AlexNet: Krizhevsky, Sutskever and Hinton 2012.  images (N,3,227,227) -> logits (N,1000);
 * 60,965,224 parameters.  training: with dropout. */
SW_API sw_node *sw_alexnet_logits(sw_graph *g, sw_weights *ws, sw_node *images, bool training);

/* A small network of its family that learns Fashion-MNIST in a minute: images (N,C,H,W) with H and W
 * at least 4 -> logits (N,classes).  training: with dropout, and statistics of the batch. */
SW_API sw_node *sw_convnet_logits(sw_graph *g, sw_weights *ws, sw_node *images, int classes,
                                  bool training);

#ifdef __cplusplus
}
#endif
#endif
