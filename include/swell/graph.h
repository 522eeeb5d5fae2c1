/* The graph: values and the ops between them.  A model is code that builds one, a line an equation.
 *
 * Errors are sticky: after the first failure every builder returns a poisoned node and changes
 * nothing, so a model is written without checks and asks once, with sw_graph_status.
 *
 *     sw_node *x = sw_input(g, "x", SW_F32, SW_SHAPE(64, 784));            // (B,784)
 *     sw_node *y = sw_relu(g, sw_linear(g, x, w, b));                      // (B,10)
 *     if (sw_graph_status(g) != SW_OK) puts(sw_error(ctx));
 *
 * The shapes of inputs are upper bounds: a plan runs with any sizes up to them (plan.h). */
#ifndef SWELL_GRAPH_H
#define SWELL_GRAPH_H

#include <swell/context.h>
#include <swell/tensor.h>
#include <swell/weights.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct sw_graph sw_graph;
typedef struct sw_node sw_node; /* one value; belongs to its graph */

SW_API sw_status sw_graph_create(sw_context *ctx, sw_graph **out);
/* Plans made from it must be destroyed first.  NULL is fine. */
SW_API void sw_graph_destroy(sw_graph *g);
/* The first failure of any builder, or SW_OK; its text is in sw_error. */
SW_API sw_status sw_graph_status(const sw_graph *g);

/* In which type matmul, linear and conv multiply from here on: SW_F32 (default), or SW_BF16: both
 * operands rounded to bf16, products summed in f32, results f32.  Anything else poisons. */
SW_API void sw_graph_compute(sw_graph *g, sw_dtype compute);

/* A value given at run time.  `shape` holds the largest sizes. */
SW_API sw_node *sw_input(sw_graph *g, const char *name, sw_dtype dtype, sw_shape shape);
/* A copy of `data` (dense, in row-major order). */
SW_API sw_node *sw_const(sw_graph *g, sw_dtype dtype, sw_shape shape, const void *data);
/* An f32 constant of rank 0. */
SW_API sw_node *sw_scalar(sw_graph *g, float value);
/* The weight `name` of the set; made with `init` when the set does not have it yet, else its dtype
 * and shape must be the same.  Block types and integers start at zero whatever `init` says. */
SW_API sw_node *sw_param(sw_graph *g, sw_weights *ws, const char *name, sw_dtype dtype,
                         sw_shape shape, sw_init init);
/* The same for values that no optimiser moves: running statistics, moments, key-value pages. */
SW_API sw_node *sw_state(sw_graph *g, sw_weights *ws, const char *name, sw_dtype dtype,
                         sw_shape shape, sw_init init);

/* Fold batch norms that take the running statistics into the f32 convolutions before them, where a norm
 * is all that reads a convolution and all numbers are known: weights and constants of now; what is done
 * to them later is not seen.  Results stay the same nodes, their last bits may differ.  Before
 * sw_compile, after everything is built.  SW_ERR_MEMORY poisons the graph. */
SW_API sw_status sw_graph_fold_norms(sw_graph *g);

SW_API sw_dtype sw_node_dtype(const sw_node *x);
SW_API sw_shape sw_node_shape(const sw_node *x);
/* The name given by sw_name, the input's or weight's name, or "" */
SW_API const char *sw_node_name(const sw_node *x);
/* Name a value, for errors, plans and profiles; returns x.  The name is copied. */
SW_API sw_node *sw_name(sw_node *x, const char *name);
/* Output number i of the op that made x (top-k has two).  Poisons when there is none. */
SW_API sw_node *sw_output(sw_node *x, int i);
/* The weight behind a param or state, else NULL. */
SW_API sw_weight *sw_node_weight(const sw_node *x);
/* Mark a value to be stored for the backward pass when a plan recomputes (plan.h). Returns x. */
SW_API sw_node *sw_keep(sw_node *x);

/* Append the backward pass: grads[i] = d loss / d wrt[i], each of wrt[i]'s shape, f32.  `loss` has
 * one element.  A wrt[i] that the loss does not depend on gets a constant zero.  Fails (poisons)
 * when an op on the way has no gradient. */
SW_API sw_status sw_grad(sw_graph *g, sw_node *loss, sw_node *const *wrt, int n, sw_node **grads);

/* The same from a value of any shape whose gradient is given: grads[i] = sum over the elements e of y
 * of dy[e] d y[e] / d wrt[i].  y is f32; dy is f32 of its shape. */
SW_API sw_status sw_grad_from(sw_graph *g, sw_node *y, sw_node *dy, sw_node *const *wrt, int n,
                              sw_node **grads);

/* The trainable params of the graph in the order of building: writes at most `max`, returns how
 * many there are. */
SW_API int sw_graph_params(const sw_graph *g, sw_node **out, int max);

#ifdef __cplusplus
}
#endif
#endif
