/* What cross entropy and its gradient share. */
#ifndef SWELL_CROSS_ENTROPY_INT_H
#define SWELL_CROSS_ENTROPY_INT_H

#include "graph/ops/norm_int.h"

struct cross_entropy_attr {
    sw_reduction reduction;
    bool ignore;
    int ignore_label;
    float smoothing;
};

#endif
