/* Recompute in the backward pass: memory against time (Chen, Xu, Zhang, Guestrin 2016, "Training deep
 * nets with sublinear memory cost").
 *
 * A policy says which values of the forward pass are stored.  Where a backward op reads one that is
 * not, the ops that make it from stored values are put a second time into the plan, right before
 * the first reader, so that the first copy's memory is free in between.  The copies have the
 * operands, kernels and random streams of the originals: the same bits.  An op that reads a weight
 * which has been written in between is not repeated: its value is read from where it is. */
#include <stdlib.h>
#include <string.h>

#include "graph/plan_int.h"

struct recompute {
    sw_plan *p;
    int *maker;    /* value -> op that makes it, -1 leaf */
    int *copy_of;  /* value -> its recomputed copy, -1 none */
    bool *mutated; /* value (a weight) is written by an op that is in the new list already */
    struct sw_plan_op *ops; /* the new list */
    int64_t n_ops, capacity;
};

static bool op_repeatable(const struct recompute *r, const struct sw_plan_op *op)
{
    if (op->cls->mutates || (op->cls->flags & SW_OP_EFFECT)) return false;
    for (int i = 0; i < op->n_in; i++)
        if (op->in[i] >= 0 && r->mutated[op->in[i]]) return false;
    return true;
}

/* Whether the value keeps its memory from the forward to the backward pass. */
static bool stored(const struct recompute *r, int value)
{
    const struct sw_value *v = &r->p->values[value];
    if (r->maker[value] < 0 || v->output) return true;
    const struct sw_plan_op *op = &r->p->ops[r->maker[value]];
    if (op->origin->backward || !op_repeatable(r, op)) return true;
    if (op->cls->flags & SW_OP_VIEW) return false;
    if (v->node->keep) return true;
    return r->p->recompute == SW_RECOMPUTE_CHEAP && !(op->cls->flags & SW_OP_CHEAP);
}

static bool append(struct recompute *r, const struct sw_plan_op *op)
{
    if (!sw__grow(&r->ops, &r->capacity, r->n_ops + 1, sizeof *r->ops)) return false;
    r->ops[r->n_ops++] = *op;
    for (int i = 0; i < op->n_in; i++)
        if (op->in[i] >= 0 && (op->cls->mutates >> i & 1)) r->mutated[op->in[i]] = true;
    return true;
}

/* The value to read in the backward pass instead of `value`; -1: out of memory.  Depth is bounded by
 * the number of ops between two stored values. */
static int recomputed(struct recompute *r, int value)
{
    if (stored(r, value)) return value;
    if (r->copy_of[value] >= 0) return r->copy_of[value];
    struct sw_plan_op op = r->p->ops[r->maker[value]];
    op.copy = true;
    for (int i = 0; i < op.n_in; i++) {
        if (op.in[i] < 0 || (op.cls->shape_only >> i & 1)) continue;
        if ((op.in[i] = recomputed(r, op.in[i])) < 0) return -1;
    }
    for (int i = 0; i < op.n_out; i++) {
        int old = op.out[i];
        int copy = sw__plan_value_new(r->p, r->p->values[old].node);
        if (copy < 0) return -1;
        struct sw_value *v = &r->p->values[copy];
        v->place = r->p->values[old].place;
        v->data = r->p->values[old].data;
        op.out[i] = r->copy_of[old] = copy;
    }
    return append(r, &op) ? r->copy_of[value] : -1;
}

static sw_status rewrite(struct recompute *r)
{
    sw_plan *p = r->p;
    for (int64_t i = 0; i < p->n_ops; i++) {
        struct sw_plan_op op = p->ops[i];
        for (int j = 0; op.origin->backward && j < op.n_in; j++) {
            if (op.in[j] < 0 || (op.cls->shape_only >> j & 1)) continue;
            if ((op.in[j] = recomputed(r, op.in[j])) < 0) return sw__plan_memory(p);
        }
        if (!append(r, &op)) return sw__plan_memory(p);
    }
    return SW_OK;
}

sw_status sw__plan_recompute(sw_plan *p)
{
    if (p->recompute == SW_RECOMPUTE_NONE) return SW_OK;
    int64_t n = p->n_values;
    struct recompute r = {.p = p};
    r.maker = sw__calloc2((size_t)n + 1, sizeof *r.maker);
    r.copy_of = sw__calloc2((size_t)n + 1, sizeof *r.copy_of);
    r.mutated = sw__calloc2((size_t)n + 1, sizeof *r.mutated);
    sw_status status = SW_OK;
    if (!r.maker || !r.copy_of || !r.mutated) {
        status = sw__plan_memory(p);
        goto done;
    }
    for (int64_t i = 0; i < n; i++) r.maker[i] = r.copy_of[i] = -1;
    for (int64_t i = 0; i < p->n_ops; i++) {
        const struct sw_plan_op *op = &p->ops[i];
        for (int j = 0; j < op->n_out; j++) r.maker[op->out[j]] = (int)i;
    }
    status = rewrite(&r);
    if (status == SW_OK) {
        free(p->ops);
        p->ops = r.ops;
        p->n_ops = r.n_ops;
        p->ops_capacity = r.capacity;
        r.ops = NULL;
    }
done:
    free(r.ops);
    free(r.maker);
    free(r.copy_of);
    free(r.mutated);
    return status;
}
