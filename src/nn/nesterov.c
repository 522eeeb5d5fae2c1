/* Nesterov's momentum (Sutskever, Martens, Dahl and Hinton 2013, section 3) in the form that PyTorch's
 * SGD has: the gradient is taken where the weight is, and the step looks ahead by one more momentum.
 *
 *   d = scale dw + decay w;  v <- momentum v + d;  w <- w - lr (d + momentum v) */
#include <swell/train.h>
#include "graph/op.h"

sw_node *sw_nesterov_update(sw_graph *g, sw_node *weight, sw_node *grad, sw_node *velocity,
                            sw_node *lr, sw_node *scale, float momentum, float weight_decay)
{
    if (!velocity || !lr || !(momentum >= 0 && momentum < 1))
        return sw__graph_poison(g, SW_ERR_ARGUMENT,
                                "nesterov_update: needs a velocity and a momentum below 1");
    sw_node *d = scale ? sw_mul(g, grad, scale) : grad;
    if (weight_decay != 0) d = sw_add(g, d, sw_scale(g, weight, weight_decay));
    /* Not a number where `scale` is none, else 1: so that a bad step is not taken. */
    sw_node *gate = scale ? sw_update_scale(g, scale, NULL, 0, 1) : NULL;
    sw_node *moved = sw_accumulate(g, velocity, d, sw_scalar(g, momentum), gate);
    sw_node *u = sw_add(g, d, sw_scale(g, velocity, momentum)); /* of the new velocity */
    sw_node *stepped = sw_sgd_update(g, weight, u, NULL, lr, gate, 0, 0);
    return sw_group(g, (sw_node *[]){moved, stepped}, 2);
}
