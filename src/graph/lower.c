/* From graph to plan: which ops run, which are only asked for their shapes.
 *
 * Walks the ops from last to first with two marks on each value: `data` (somebody reads the
 * numbers) and `shape` (somebody reads the sizes: reshape-like operands of gradient rules).  An op
 * runs if one of its results has the first mark; its shape rule is evaluated at run time if one has
 * any.  Everything else is dead. */
#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "graph/plan_int.h"

int sw__plan_value_new(sw_plan *p, const sw_node *node)
{
    if (!sw__grow(&p->values, &p->values_capacity, p->n_values + 1, sizeof *p->values)) return -1;
    struct sw_value *v = &p->values[p->n_values];
    *v = (struct sw_value){.t = {NULL, node->dtype, node->shape},
                           .max = node->shape,
                           .bytes = sw_shape_bytes(&node->shape, node->dtype),
                           .node = node,
                           .root = (int)p->n_values,
                           .next_alias = -1,
                           .first = -1,
                           .last = -1};
    return (int)p->n_values++;
}

enum { WANT_SHAPE = 1, WANT_DATA = 2 };

/* Spread the marks of an op's results to its operands; returns the op's own mark. */
static unsigned char mark_op(const struct sw_op *op, unsigned char *want)
{
    unsigned char mark = 0;
    for (int i = 0; i < op->n_out; i++) mark |= want[op->out[i]->id];
    if (!mark) return 0;
    /* A step always has memory for its first result; others may be absent. */
    if (mark & WANT_DATA) want[op->out[0]->id] |= WANT_DATA;
    for (int i = 0; i < op->n_in; i++) {
        if (!op->in[i]) continue;
        bool data = (mark & WANT_DATA) && !(op->cls->shape_only >> i & 1);
        want[op->in[i]->id] |= data ? WANT_DATA : WANT_SHAPE;
    }
    return mark;
}

/* The value number of a node; made at first sight.  -1: out of memory. */
static int value_of(sw_plan *p, const sw_node *x, const unsigned char *want)
{
    if (p->value_of[x->id] >= 0) return p->value_of[x->id];
    int id = sw__plan_value_new(p, x);
    if (id < 0) return -1;
    struct sw_value *v = &p->values[id];
    v->data = (want[x->id] & WANT_DATA) != 0;
    switch (x->leaf) {
    case SW_LEAF_INPUT: v->place = v->data ? SW_PLACE_INPUT : SW_PLACE_NONE; break;
    case SW_LEAF_WEIGHT:
        v->place = SW_PLACE_WEIGHT;
        v->t.data = x->weight->tensor.data;
        break;
    case SW_LEAF_CONST:
        v->place = SW_PLACE_CONST;
        v->t.data = (void *)x->data;
        break;
    case SW_LEAF_NONE: v->place = v->data ? SW_PLACE_BUFFER : SW_PLACE_NONE; break;
    }
    p->value_of[x->id] = id;
    return id;
}

static sw_status lower_op(sw_plan *p, const struct sw_op *op, unsigned char mark,
                          const unsigned char *want)
{
    if (!sw__grow(&p->ops, &p->ops_capacity, p->n_ops + 1, sizeof *p->ops))
        return sw__plan_memory(p);
    struct sw_plan_op *po = &p->ops[p->n_ops++];
    *po = (struct sw_plan_op){.cls = op->cls,
                              .attr = op->attr,
                              .origin = op,
                              .n_in = op->n_in,
                              .n_out = op->n_out,
                              .runs = (mark & WANT_DATA) && !(op->cls->flags & SW_OP_VIEW),
                              .step = -1,
                              .in_place = -1};
    for (int i = 0; i < op->n_in; i++) {
        po->in[i] = op->in[i] ? value_of(p, op->in[i], want) : -1;
        if (op->in[i] && po->in[i] < 0) return sw__plan_memory(p);
    }
    for (int i = 0; i < op->n_out; i++)
        if ((po->out[i] = value_of(p, op->out[i], want)) < 0) return sw__plan_memory(p);
    return SW_OK;
}

sw_status sw__plan_lower(sw_plan *p, const sw_plan_options *o)
{
    const sw_graph *g = p->graph;
    sw_status status = SW_OK;
    unsigned char *want = sw__calloc2((size_t)g->n_nodes + 1, 1);
    unsigned char *marks = sw__calloc2((size_t)g->n_ops + 1, 1);
    p->value_of = sw__calloc2((size_t)g->n_nodes + 1, sizeof *p->value_of);
    p->n_nodes = g->n_nodes;
    if (!want || !marks || !p->value_of) {
        status = sw__plan_memory(p);
        goto done;
    }
    for (int64_t i = 0; i < g->n_nodes; i++) p->value_of[i] = -1;
    for (int i = 0; i < o->n_outputs; i++) want[o->outputs[i]->id] |= WANT_DATA;
    for (int64_t i = g->n_ops - 1; i >= 0; i--) marks[i] = mark_op(g->ops[i], want);
    for (int64_t i = 0; i < g->n_ops && status == SW_OK; i++)
        if (marks[i]) status = lower_op(p, g->ops[i], marks[i], want);
    for (int i = 0; i < o->n_outputs && status == SW_OK; i++) {
        int v = value_of(p, o->outputs[i], want);
        if (v < 0)
            status = sw__plan_memory(p);
        else
            p->values[v].output = true;
    }
done:
    free(want);
    free(marks);
    return status;
}
