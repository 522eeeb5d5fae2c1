/* The gradient of softmax, which Gumbel-softmax uses too. */
#ifndef SWELL_SOFTMAX_INT_H
#define SWELL_SOFTMAX_INT_H

#include "graph/ops/norm_int.h"

struct softmax_attr {
    int axis; /* negative: from the end */
    bool log;
    float factor; /* of the gradient */
};

/* dx of y = softmax(x) (log: log_softmax), times the factor. */
sw_node *sw__softmax_backward(sw_graph *g, sw_node *dy, sw_node *y, struct softmax_attr attr);

#endif
