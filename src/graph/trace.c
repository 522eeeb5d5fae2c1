/* Looking back from the end of a graph.  A layer is known by the class of its op: so it does not matter
 * whether the graph was built by a network of ours or read from a file. */
#include "graph/trace.h"

#include <string.h>

#include "graph/graph_int.h"

static bool one_of(const struct sw_op *op, const char *const *names)
{
    for (; *names; names++)
        if (strcmp(op->cls->name, *names) == 0) return true;
    return false;
}

/* The operand that carries the values: the first that is no leaf. */
static const sw_node *carrier(const struct sw_op *op)
{
    for (int i = 0; i < op->n_in; i++)
        if (op->in[i] && op->in[i]->op) return op->in[i];
    return op->n_in ? op->in[0] : NULL;
}

enum sw_ending sw__trace_ending(const sw_node *y)
{
    static const char *const same[] = {"reshape", "flatten",       "cast",
                                       "dropout", "stop_gradient", NULL};
    while (y->op && one_of(y->op, same)) y = y->op->in[0];
    if (!y->op) return SW_ENDS_IN_PRODUCT;
    if (strcmp(y->op->cls->name, "softmax") == 0) return SW_ENDS_IN_SOFTMAX;
    if (strcmp(y->op->cls->name, "sigmoid") == 0) return SW_ENDS_IN_SIGMOID;
    return SW_ENDS_IN_PRODUCT;
}

sw_node *sw__trace_last_input(const sw_node *y)
{
    static const char *const products[] = {"matmul",      "conv2d",    "quantised_linear",
                                           "linear_int8", "conv2d_u8", NULL};
    for (; y && y->op; y = carrier(y->op))
        if (one_of(y->op, products)) return y->op->in[0];
    return NULL;
}

sw_tensor sw__trace_first_filters(const sw_graph *g)
{
    static const char *const convolutions[] = {"conv2d", "conv2d_u8", NULL};
    sw_tensor none = {0};
    for (int64_t i = 0; i < g->n_ops; i++) {
        if (!one_of(g->ops[i], convolutions)) continue;
        const sw_node *w = g->ops[i]->in[1];
        while (w && w->op && strcmp(w->op->cls->name, "cast") == 0) w = w->op->in[0];
        if (!w || w->shape.rank != 4) return none;
        if (w->leaf == SW_LEAF_WEIGHT) return sw_weight_tensor(w->weight);
        return w->leaf == SW_LEAF_CONST ? (sw_tensor){(void *)w->data, w->dtype, w->shape} : none;
    }
    return none;
}
