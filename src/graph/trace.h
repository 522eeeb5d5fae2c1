/* Looking back from the end of a finished graph, whoever built it: what a model's last and first layers are. */
#ifndef SWELL_GRAPH_TRACE_H
#define SWELL_GRAPH_TRACE_H

#include <swell/graph.h>

enum sw_ending { SW_ENDS_IN_PRODUCT, SW_ENDS_IN_SOFTMAX, SW_ENDS_IN_SIGMOID };

/* Which function makes y, views and casts looked through; PRODUCT for everything else. */
enum sw_ending sw__trace_ending(const sw_node *y);
/* What the last layer before y reads: the first operand of the last matrix product or convolution on the
 * way back; NULL: there is none. */
sw_node *sw__trace_last_input(const sw_node *y);
/* The weight (O,C,H,W) of the graph's first convolution; data NULL: there is none, or it is computed. */
sw_tensor sw__trace_first_filters(const sw_graph *g);

#endif
