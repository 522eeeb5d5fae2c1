/* Why a step was refused: after a loss or a norm that is not finite.
 *
 * First the usual reasons, which can be seen in memory: a NaN in an input or in a weight.  Then the
 * micro-batch is run once more, without its update, by a plan that looks at every result and knows the
 * first op that made a NaN.  That plan lives only for this: a run that goes well pays nothing for it. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "base/context_int.h"
#include "train/trainer_int.h"

/* The first NaN of f32 data, -1 if there is none. */
static int64_t first_nan(const sw_tensor *x)
{
    if (x->dtype != SW_F32 || !x->data) return -1;
    const float *v = x->data;
    int64_t n = sw_shape_elements(&x->shape);
    for (int64_t i = 0; i < n; i++)
        if (isnan(v[i])) return i;
    return -1;
}

/* "input 'x' holds a NaN (element 5)", or "". */
static void look_at_leaves(const sw_trainer *t, char *text, size_t size)
{
    const sw_graph *g = t->graph;
    *text = 0;
    for (int64_t i = 0; i < g->n_nodes; i++) {
        const sw_node *x = g->nodes[i];
        if (x->leaf != SW_LEAF_INPUT && x->leaf != SW_LEAF_WEIGHT) continue;
        if (sw__plan_find(t->micro, x) < 0) continue;
        sw_tensor value = sw_plan_tensor(t->micro, x);
        int64_t at = first_nan(&value);
        if (at < 0) continue;
        snprintf(text, size, "%s '%.80s' holds a NaN (element %lld)",
                 x->leaf == SW_LEAF_INPUT ? "input" : "weight", x->name, (long long)at);
        return;
    }
}

/* Give the plan the inputs of the last step. */
static sw_status bind_again(const sw_trainer *t, sw_plan *p)
{
    const sw_graph *g = t->graph;
    sw_status status = SW_OK;
    for (int64_t i = 0; i < g->n_nodes && status == SW_OK; i++) {
        sw_node *x = g->nodes[i];
        if (x->leaf != SW_LEAF_INPUT || sw__plan_find(p, x) < 0) continue;
        sw_tensor value = sw_plan_tensor(t->micro, x);
        if (value.data) status = sw_bind(p, x, value.data, value.shape);
    }
    return status;
}

/* "conv2d 'c1' made a NaN", or "" when none did or the plan could not be had. */
static void look_at_ops(sw_trainer *t, char *text, size_t size)
{
    sw_plan *p = NULL;
    *text = 0;
    sw_node **outputs = sw__calloc2((size_t)t->n_params + 1, sizeof(sw_node *));
    if (!outputs) return;
    outputs[0] = t->loss;
    memcpy(outputs + 1, t->grads, (size_t)t->n_params * sizeof(sw_node *));
    sw_plan_options o = {
        .outputs = outputs, .n_outputs = t->n_params + 1, .check_nan = true, .name = "train"};
    sw_status status = sw_compile(t->graph, o, &p);
    if (status == SW_OK) status = bind_again(t, p);
    if (status == SW_OK) {
        sw_plan_seed(p, t->state.seed, (uint64_t)t->state.runs);
        status = sw_run(p);
        sw__trainer_restore_kept(t);
    }
    if (status == SW_ERR_NAN) {
        const char *error = sw_error(t->ctx);
        if (strncmp(error, "run: ", 5) == 0) error += 5;
        snprintf(text, size, "%s", error);
    }
    sw_plan_destroy(p);
    free(outputs);
}

sw_status sw__trainer_explain(sw_trainer *t, float loss, float norm)
{
    char what[96], leaf[160], op[200];
    if (!isfinite(loss))
        snprintf(what, sizeof what, "the loss is %g", (double)loss);
    else
        snprintf(what, sizeof what, "the loss is %g, but the norm of its gradients is %g",
                 (double)loss, (double)norm);
    look_at_leaves(t, leaf, sizeof leaf);
    look_at_ops(t, op, sizeof op);
    if (!*leaf && !*op) snprintf(op, sizeof op, "values grew beyond f32");
    return sw__fail(t->ctx, SW_ERR_NAN, "step %lld: %s: %s%s%s", (long long)t->state.steps, what,
                    leaf, *leaf && *op ? "; first, " : "", op);
}
