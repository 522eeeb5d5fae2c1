/* A fused activation for ops whose results are not made by a gemm tile. */
#ifndef SWELL_FUSED_ACT_H
#define SWELL_FUSED_ACT_H

#include "graph/op.h"

/* y[i] = s->act(y[i]) for n finished results, with the bits of the op on its own. */
void sw__act_run(const struct sw_step *s, float *y, int64_t n);

#endif
