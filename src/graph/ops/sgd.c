/* Stochastic gradient descent in the form of Krizhevsky, Sutskever, Hinton 2012, section 5: the
 * learning rate is inside the velocity, so a change of the rate does not change the step that the
 * velocity carries on.  (PyTorch keeps it outside: v <- momentum v + dw, w <- w - lr v.) */
#include <swell/train.h>
#include "graph/ops/update_ops.h"

struct sgd_attr {
    float momentum, decay;
};

enum { WEIGHT, GRAD, VELOCITY, LR, SCALE, N_IN };

static sw_status sgd_infer(struct sw_infer *q)
{
    return sw__infer_update(q, LR);
}

static sw_status sgd_prepare(struct sw_step *s)
{
    return sw__update_prepare(s, s->in[VELOCITY] ? SW_SLOT_sgd_momentum_f32 : SW_SLOT_sgd_f32);
}

static void sgd_run(const struct sw_step *s, int phase, int64_t begin, int64_t end, void *scratch)
{
    const struct sgd_attr *a = s->attr;
    struct sw_update_range r;
    if (!sw__update_range(s, begin, end, &r)) return;
    float lr = sw__update_scalar(s, LR);
    float *w = sw__update_array(s, WEIGHT, r.from), *v = sw__update_array(s, VELOCITY, r.from);
    const float *g = sw__update_array(s, GRAD, r.from);
    if (v)
        s->k->sgd_momentum_f32(w, v, g, r.n, lr, a->momentum, a->decay, r.scale);
    else
        s->k->sgd_f32(w, g, r.n, lr, a->decay, r.scale);
}

const struct sw_op_class sw__op_sgd_update = {.name = "sgd_update",
                                              .flags = SW_OP_EFFECT,
                                              .mutates = 1u << WEIGHT | 1u << VELOCITY,
                                              .infer = sgd_infer,
                                              .prepare = sgd_prepare,
                                              .run = sgd_run};

sw_node *sw_sgd_update(sw_graph *g, sw_node *weight, sw_node *grad, sw_node *velocity, sw_node *lr,
                       sw_node *scale, float momentum, float weight_decay)
{
    struct sgd_attr attr = {momentum, weight_decay};
    sw_node *in[N_IN] = {weight, grad, velocity, lr, scale};
    if (!lr) return sw__graph_poison(g, SW_ERR_ARGUMENT, "sgd_update: no learning rate");
    if (!(momentum >= 0 && momentum < 1) || !(weight_decay >= 0))
        return sw__graph_poison(g, SW_ERR_ARGUMENT, "sgd_update: momentum %g, weight decay %g",
                                (double)momentum, (double)weight_decay);
    if (!velocity && momentum > 0)
        return sw__graph_poison(g, SW_ERR_ARGUMENT, "sgd_update: momentum %g without a velocity",
                                (double)momentum);
    return sw__op_add(g, &sw__op_sgd_update, &attr, sizeof attr, in, N_IN, 1);
}
