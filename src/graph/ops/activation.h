/* Activations fused into other ops (struct sw_step.act). */
#ifndef SWELL_GRAPH_ACTIVATION_H
#define SWELL_GRAPH_ACTIVATION_H

#include "graph/op.h"

/* y = act(y) for n elements; nothing for SW_ACT_NONE.  An element's bits are those of the op on its
 * own, however the rows are cut. */
void sw__apply_act(const struct sw_kernels *k, struct sw_fused_act act, float *y, int64_t n);

#endif
