/* The windows of pools, of f32 planes and of bytes. */
#ifndef SWELL_OPS_POOL_SHAPE_H
#define SWELL_OPS_POOL_SHAPE_H

#include "graph/op.h"
#include "graph/ops/attributes.h"

struct pool_attr sw__pool_attr(sw_pool_options o);

/* Whether the windows make sense and fit into an image, whose height is dimension `axis` of operand 0; the
 * sizes of the result. */
sw_status sw__pool_sizes(struct sw_infer *q, const struct pool_attr *a, int axis, int64_t out[2]);

#endif
