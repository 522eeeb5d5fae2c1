/* What a plan is given at run time: memory and actual sizes of its inputs (sw_bind), and how sizes
 * spread through the plan without any allocation.
 *
 * Plans are laid out for the declared sizes; smaller ones use the front of each block.  So one plan
 * serves every token bucket and every batch up to its maximum. */
#include <string.h>

#include "base/check.h"
#include "graph/plan_int.h"

void sw__plan_set_data(sw_plan *p, int value, void *data)
{
    for (int v = p->values[value].root; v >= 0; v = p->values[v].next_alias)
        p->values[v].t.data = data;
}

int sw__plan_find(const sw_plan *p, const sw_node *x)
{
    if (!x || x->graph != p->graph || x->id < 0 || x->id >= p->n_nodes) return -1;
    return p->value_of[x->id];
}

static bool fits(const sw_shape *shape, const sw_shape *max)
{
    if (shape->rank != max->rank) return false;
    for (int i = 0; i < shape->rank; i++)
        if (shape->dim[i] < 0 || shape->dim[i] > max->dim[i]) return false;
    return true;
}

sw_status sw_bind(sw_plan *p, sw_node *x, void *data, sw_shape shape)
{
    char have[SW_SHAPE_TEXT], want[SW_SHAPE_TEXT];
    int at = sw__plan_find(p, x);
    if (at < 0)
        return sw__fail(p->ctx, SW_ERR_ARGUMENT, "bind: '%s' is not part of plan '%s'",
                        x ? x->name : "", p->name);
    struct sw_value *v = &p->values[at];
    if (!data) return sw__fail(p->ctx, SW_ERR_ARGUMENT, "bind: no memory for '%s'", x->name);
    if (!fits(&shape, &v->max))
        return sw__fail(p->ctx, SW_ERR_SHAPE, "bind: '%s' has shape %s, which is not within %s",
                        x->name, sw_shape_text(&shape, have), sw_shape_text(&v->max, want));
    if (x->leaf == SW_LEAF_INPUT) {
        if (!sw_shape_equal(&v->t.shape, &shape)) p->shapes_changed = true;
        v->t.shape = shape;
        p->unbound -= sw__plan_awaits(p, at);
        sw__plan_set_data(p, at, data);
        return SW_OK;
    }
    struct sw_value *root = &p->values[v->root];
    if (!v->output || root->place != SW_PLACE_BUFFER)
        return sw__fail(p->ctx, SW_ERR_STATE, "bind: '%s' is neither an input nor an output",
                        x->name);
    for (int i = v->root; i >= 0; i = p->values[i].next_alias)
        if (i != at && p->values[i].output && p->values[i].node != p->values[v->root].node &&
            p->value_of[p->values[i].node->id] == i)
            return sw__fail(p->ctx, SW_ERR_STATE,
                            "bind: '%s' shares its memory with another output", x->name);
    sw__plan_set_data(p, at, data);
    return SW_OK;
}

void sw_plan_seed(sw_plan *p, uint64_t seed, uint64_t step)
{
    p->seed = (struct sw_run_seed){seed, step};
}

sw_tensor sw_plan_tensor(const sw_plan *p, const sw_node *x)
{
    int at = sw__plan_find(p, x);
    if (at < 0) return (sw_tensor){NULL, x ? x->dtype : SW_F32, {0}};
    const struct sw_value *v = &p->values[at];
    sw_tensor t = v->t;
    if (!v->output && v->place == SW_PLACE_BUFFER) t.data = NULL;
    return t;
}

/* Ask the shape rules again, in order. */
static sw_status infer_all(sw_plan *p)
{
    char error[SW_ERROR_TEXT];
    sw_tensor *in[SW_MAX_INPUTS], *out[SW_MAX_OUTPUTS];
    for (int64_t i = 0; i < p->n_ops; i++) {
        const struct sw_plan_op *op = &p->ops[i];
        sw_tensor results[SW_MAX_OUTPUTS];
        for (int j = 0; j < op->n_in; j++) in[j] = op->in[j] < 0 ? NULL : &p->values[op->in[j]].t;
        for (int j = 0; j < op->n_out; j++) {
            results[j] = p->values[op->out[j]].t;
            out[j] = &results[j];
        }
        sw_status status = sw__infer_run(op->cls, op->attr, in, op->n_in, out, op->n_out, error,
                                         sizeof error);
        if (status != SW_OK) return sw__fail(p->ctx, status, "%s", error);
        for (int j = 0; j < op->n_out; j++) {
            struct sw_value *v = &p->values[op->out[j]];
            if (!fits(&results[j].shape, &v->max) || results[j].dtype != v->t.dtype)
                return sw__fail(p->ctx, SW_ERR_SHAPE, "%s: result larger than declared",
                                op->cls->name);
            v->t.shape = results[j].shape;
        }
        /* In place was decided at the declared sizes and must still be element by element. */
        if (op->in_place >= 0 && !sw_shape_equal(&p->values[op->in[op->in_place]].t.shape,
                                                 &p->values[op->out[0]].t.shape))
            return sw__fail(p->ctx, SW_ERR_SHAPE,
                            "%s: an operand broadcasts now that did not at the declared sizes",
                            op->cls->name);
    }
    return SW_OK;
}

sw_status sw__plan_reshape(sw_plan *p)
{
    sw_status status = infer_all(p);
    for (int i = 0; i < p->n_steps && status == SW_OK; i++) {
        struct sw_step *s = &p->steps[i];
        s->n_phases = 0;
        status = s->cls->prepare(s);
        if (status != SW_OK)
            return sw__fail(p->ctx, status, "plan '%s': cannot prepare %s", p->name, s->cls->name);
        if (SW_NEVER((int64_t)s->workspace > p->ws_bytes[i] ||
                     (int64_t)s->scratch > p->scratch_bytes))
            return sw__fail(p->ctx, SW_ERR_STATE, "%s needs more memory at smaller sizes",
                            s->cls->name);
    }
    if (status != SW_OK) return status;
    sw__plan_phases(p);
    p->shapes_changed = false;
    return SW_OK;
}
