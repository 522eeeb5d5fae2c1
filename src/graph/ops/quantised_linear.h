/* What quantised_linear and its gradient have in common. */
#ifndef SWELL_OPS_QUANTISED_LINEAR_H
#define SWELL_OPS_QUANTISED_LINEAR_H

#include "graph/op.h"

/* Operand 0 (..., `inner` of w) and operand 1, w (N,K) of a block type; the result has `outer` of w
 * instead.  inner and outer are axes of w. */
sw_status sw__quantised_linear_infer(struct sw_infer *q, int inner, int outer);

#endif
