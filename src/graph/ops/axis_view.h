/* A tensor seen as (O,R,I): the axes in front of one axis, the axis, the axes behind. */
#ifndef SWELL_GRAPH_AXIS_VIEW_H
#define SWELL_GRAPH_AXIS_VIEW_H

#include <swell/tensor.h>

struct sw_axis_view {
    int64_t o, r, i;
};

static inline struct sw_axis_view sw__axis_view(const sw_shape *x, int axis)
{
    struct sw_axis_view v = {1, 1, 1};
    for (int k = 0; k < x->rank; k++) *(k < axis ? &v.o : k > axis ? &v.i : &v.r) *= x->dim[k];
    return v;
}

#endif
