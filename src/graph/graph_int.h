/* The graph's own structures, for src/graph only (ops see op.h). */
#ifndef SWELL_GRAPH_INT_H
#define SWELL_GRAPH_INT_H

#include <swell/graph.h>
#include "base/context_int.h"
#include "base/memory.h"
#include "graph/op.h"

enum sw_leaf { SW_LEAF_NONE, SW_LEAF_INPUT, SW_LEAF_WEIGHT, SW_LEAF_CONST };

/* One value: output `index` of `op`, or a leaf (op NULL). */
struct sw_node {
    sw_graph *graph;
    struct sw_op *op;
    int index;
    int id; /* place in graph->nodes */
    sw_dtype dtype;
    sw_shape shape;   /* largest sizes */
    const char *name; /* "" when unnamed */
    bool keep;        /* sw_keep */
    enum sw_leaf leaf;
    sw_weight *weight; /* SW_LEAF_WEIGHT */
    const void *data;  /* SW_LEAF_CONST: in the arena */
};

struct sw_op {
    const struct sw_op_class *cls;
    int id;          /* place in graph->ops: creation order, which is a topological order */
    uint64_t stream; /* its own random stream */
    bool backward;   /* appended by sw_grad */
    int n_in, n_out;
    sw_node **in; /* NULL: absent operand */
    sw_node **out;
    const void *attr;
};

struct sw_graph {
    sw_context *ctx;
    struct sw_arena arena;
    struct sw_op **ops;
    int64_t n_ops, ops_capacity;
    sw_node **nodes;
    int64_t n_nodes, nodes_capacity;
    sw_weights **sets; /* a reference to each set of weights in use */
    int64_t n_sets, sets_capacity;
    sw_status status; /* sticky */
    sw_node poison;   /* what builders return after a failure */
    sw_dtype compute;
    bool in_grad;
};

/* A new leaf or output; NULL (and a poisoned graph) when out of memory. */
sw_node *sw__node_new(sw_graph *g, sw_dtype dtype, const sw_shape *shape);

/* Run a shape rule; the text of a failure goes to `error`. */
sw_status sw__infer_run(const struct sw_op_class *cls, const void *attr, sw_tensor *const *in,
                        int n_in, sw_tensor *const *out, int n_out, char *error, size_t error_size);

#endif
