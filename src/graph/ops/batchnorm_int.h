/* What batch normalisation and its gradient share: attributes, and how planes become tasks. */
#ifndef SWELL_BATCHNORM_INT_H
#define SWELL_BATCHNORM_INT_H

#include "graph/ops/norm_int.h"

struct batchnorm_attr {
    float eps, momentum;
};

struct batchnorm_backward_attr {
    float eps;
    bool training; /* the statistics are functions of x; input 3 is rstd.  Else it is a variance */
};

/* Channels a task of the statistics: so many that small planes share cache lines. */
static inline int64_t sw__channel_grain(int64_t plane)
{
    return plane > 0 && plane < 16 ? sw__ceil_div(16, plane) : 1;
}

/* The elementwise phase: planes, or rows of channels when a plane is one pixel. */
static inline int64_t sw__affine_tasks(int64_t pictures, int64_t channels, int64_t plane)
{
    if (plane == 0) return 0;
    if (plane == 1) return sw__ceil_div(pictures, sw__task_grain(channels));
    return sw__ceil_div(pictures * channels, sw__task_grain(plane));
}

static inline void sw__affine_range(int64_t pictures, int64_t channels, int64_t plane,
                                    int64_t begin, int64_t end, int64_t *from, int64_t *to)
{
    int64_t n = plane == 1 ? pictures : pictures * channels;
    int64_t grain = sw__task_grain(plane == 1 ? channels : plane);
    *from = begin * grain;
    *to = sw__min64(end * grain, n);
}

#endif
