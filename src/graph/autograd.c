/* Reverse-mode differentiation: one rule per op, in the op's own file (sw_op_class.grad).
 *
 * 1. Forward over the ops: which values depend on one of wrt[]?
 * 2. Backward over the ops, last first: an op whose outputs received a gradient hands gradients to
 *    those of its inputs that depend on wrt[]; what arrives twice is added.
 * The rules append ordinary ops, marked `backward`, so the plan sees one graph.  A value used n
 * times gets n-1 additions in the fixed order of the walk: bits do not depend on anything else. */
#include <stdlib.h>

#include "base/check.h"
#include "graph/graph_int.h"
#include <swell/ops.h>

/* Which of the first n values depend on wrt: needed[id]. */
static void mark_needed(const sw_graph *g, int64_t n_ops, sw_node *const *wrt, int n, bool *needed)
{
    for (int i = 0; i < n; i++) needed[wrt[i]->id] = true;
    for (int64_t o = 0; o < n_ops; o++) {
        const struct sw_op *op = g->ops[o];
        bool any = false;
        for (int i = 0; i < op->n_in; i++)
            any |= op->in[i] && needed[op->in[i]->id] && !(op->cls->shape_only >> i & 1);
        for (int i = 0; any && i < op->n_out; i++) needed[op->out[i]->id] = true;
    }
}

/* Hand the gradients of one op's outputs on to its inputs. */
static void op_backward(sw_graph *g, const struct sw_op *op, const bool *needed, sw_node **grad)
{
    sw_node *dy[SW_MAX_OUTPUTS] = {0}, *dx[SW_MAX_INPUTS] = {0};
    bool need[SW_MAX_INPUTS] = {0}, any = false;
    for (int i = 0; i < op->n_out; i++) {
        dy[i] = grad[op->out[i]->id];
        any |= dy[i] != NULL;
    }
    if (!any) return;
    any = false;
    for (int i = 0; i < op->n_in; i++) {
        need[i] = op->in[i] && needed[op->in[i]->id] && !(op->cls->shape_only >> i & 1);
        any |= need[i];
    }
    if (!any) return;
    if (!op->cls->grad) {
        sw__graph_poison(g, SW_ERR_UNSUPPORTED, "%s has no gradient", op->cls->name);
        return;
    }
    op->cls->grad(g, op, dy, need, dx);
    for (int i = 0; i < op->n_in && g->status == SW_OK; i++) {
        if (!need[i] || !dx[i]) continue;
        sw_node **sum = &grad[op->in[i]->id];
        *sum = *sum ? sw_add(g, *sum, dx[i]) : dx[i];
    }
}

/* A constant zero of the shape of x. */
static sw_node *zeros_like(sw_graph *g, sw_node *x)
{
    return sw__expand_like(g, sw_scalar(g, 0), x);
}

/* Append the backward pass from y, whose gradient is dy, or one where that is NULL. */
static void backward(sw_graph *g, sw_node *y, sw_node *dy, sw_node *const *wrt, int n,
                     sw_node **grads)
{
    int64_t n_ops = g->n_ops, n_nodes = g->n_nodes;
    bool *needed = sw__calloc2((size_t)n_nodes, sizeof *needed);
    sw_node **grad = sw__calloc2((size_t)n_nodes, sizeof *grad);
    if (!needed || !grad) {
        sw__graph_poison(g, SW_ERR_MEMORY, "grad: out of memory");
        goto done;
    }
    mark_needed(g, n_ops, wrt, n, needed);
    g->in_grad = true;
    grad[y->id] = dy ? dy : sw__expand_like(g, sw_scalar(g, 1), y);
    for (int64_t o = n_ops - 1; o >= 0 && g->status == SW_OK; o--)
        op_backward(g, g->ops[o], needed, grad);
    for (int i = 0; i < n && g->status == SW_OK; i++) {
        grads[i] = grad[wrt[i]->id] ? grad[wrt[i]->id] : zeros_like(g, wrt[i]);
        if (g->status == SW_OK && !sw_shape_equal(&grads[i]->shape, &wrt[i]->shape)) {
            char a[SW_SHAPE_TEXT], b[SW_SHAPE_TEXT];
            sw__graph_poison(g, SW_ERR_SHAPE, "grad: '%s' has shape %s, its gradient %s",
                             wrt[i]->name, sw_shape_text(&wrt[i]->shape, a),
                             sw_shape_text(&grads[i]->shape, b));
        }
    }
    g->in_grad = false;
done:
    free(needed);
    free(grad);
}

sw_status sw_grad(sw_graph *g, sw_node *loss, sw_node *const *wrt, int n, sw_node **grads)
{
    for (int i = 0; i < n; i++) grads[i] = &g->poison;
    if (g->status != SW_OK) return g->status;
    if (sw_shape_elements(&loss->shape) != 1 || loss->dtype != SW_F32)
        sw__graph_poison(g, SW_ERR_SHAPE, "grad: the loss must be one f32 value");
    else
        backward(g, loss, NULL, wrt, n, grads);
    return g->status;
}

sw_status sw_grad_from(sw_graph *g, sw_node *y, sw_node *dy, sw_node *const *wrt, int n,
                       sw_node **grads)
{
    for (int i = 0; i < n; i++) grads[i] = &g->poison;
    if (g->status != SW_OK) return g->status;
    if (y->dtype != SW_F32 || dy->dtype != SW_F32 || !sw_shape_equal(&y->shape, &dy->shape))
        sw__graph_poison(g, SW_ERR_SHAPE, "grad: a value and its gradient are f32 of one shape");
    else
        backward(g, y, dy, wrt, n, grads);
    return g->status;
}
