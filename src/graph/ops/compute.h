/* What all ops that multiply have in common: the type of the products (sw_graph_compute), and the
 * activation that a plan fused into them. */
#ifndef SWELL_OPS_COMPUTE_H
#define SWELL_OPS_COMPUTE_H

#include "graph/op.h"

/* The operand x as products of type `compute` see it: itself for f32; for bf16 its values rounded to
 * bf16, stored as f32, so that every kernel serves both.  The gradient passes straight through. */
sw_node *sw__compute_round(sw_graph *g, sw_node *x, sw_dtype compute);

/* A fused activation as the epilogue of a matrix product, without biases. */
struct sw_epilogue sw__fused_epilogue(const struct sw_kernels *k, struct sw_fused_act act);

#endif
