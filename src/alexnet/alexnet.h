/* The network of Krizhevsky, Sutskever and Hinton 2012, and a small one of its family.  MODEL.md goes
 * through the paper. */
#ifndef SWELL_ALEXNET_H
#define SWELL_ALEXNET_H

#include <swell/ops.h>

/* images (N,3,227,227), N at most the declared -> logits (N,1000).  60,965,224 parameters.
 * training: with dropout. */
sw_node *sw__alexnet_logits(sw_graph *g, sw_weights *ws, sw_node *images, bool training);

/* The small network that learns Fashion-MNIST in a minute: images (N,C,H,W) -> logits (N,classes). */
sw_node *sw__convnet_logits(sw_graph *g, sw_weights *ws, sw_node *images, int classes,
                            bool training);

#endif
