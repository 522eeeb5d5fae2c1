/* Optimisers as ops: for every weight the states it needs and the nodes that update them
 * (include/swell/train.h: sw_optimizer_updates). */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <swell/train.h>
#include "base/memory.h"
#include "graph/graph_int.h"
#include "graph/weights_int.h"

/* One call of sw_optimizer_updates. */
struct updates {
    sw_graph *g;
    sw_weights *ws;
    sw_node *lr, *step, *scale;
    sw_optimizer_options o;
    sw_node *adamw_lr; /* of the weights that Muon leaves to AdamW */
    sw_node *bias_lr;  /* SGD: of the weights of rank < 2 */
};

/* A state of the weight's shape, "<group>/<weight's name><what>"; a new one is zero. */
static sw_node *state_of(const struct updates *u, const sw_node *weight, const char *group,
                         const char *what)
{
    size_t size = strlen(group) + strlen(weight->name) + strlen(what) + 2;
    char *name = malloc(size);
    if (!name) return sw__graph_poison(u->g, SW_ERR_MEMORY, "optimizer: out of memory");
    snprintf(name, size, "%s/%s%s", group, weight->name, what);
    sw_node *state = sw_state(u->g, u->ws, name, SW_F32, sw_node_shape(weight), sw_init_zeros());
    free(name);
    return state;
}

static float decay_of(const struct updates *u, const sw_node *weight)
{
    return u->o.decay_all || weight->shape.rank >= 2 ? u->o.weight_decay : 0;
}

static sw_node *sgd(struct updates *u, sw_node *weight, sw_node *grad)
{
    float momentum = u->o.momentum, decay = decay_of(u, weight);
    sw_node *velocity = momentum > 0 ? state_of(u, weight, "opt", "/velocity") : NULL;
    sw_node *lr = u->lr;
    if (weight->shape.rank < 2 && u->o.bias_rate != 1) {
        if (!u->bias_lr) u->bias_lr = sw_scale(u->g, u->lr, u->o.bias_rate);
        lr = u->bias_lr;
        decay /= u->o.bias_rate;
    }
    if (u->o.nesterov && velocity)
        return sw_nesterov_update(u->g, weight, grad, velocity, lr, u->scale, momentum, decay);
    return sw_sgd_update(u->g, weight, grad, velocity, lr, u->scale, momentum, decay);
}

static sw_node *adam(const struct updates *u, sw_node *weight, sw_node *grad, sw_node *lr,
                     bool decoupled)
{
    sw_node *m = state_of(u, weight, "opt", "/m"), *v = state_of(u, weight, "opt", "/v");
    return sw_adam_update(u->g, weight, grad, m, v, lr, u->step, u->scale, u->o.beta1, u->o.beta2,
                          u->o.eps, decay_of(u, weight), decoupled);
}

static sw_node *muon(struct updates *u, sw_node *weight, sw_node *grad)
{
    if (weight->shape.rank < 2) {
        if (!u->adamw_lr) u->adamw_lr = sw_scale(u->g, u->lr, u->o.adamw_rate);
        return adam(u, weight, grad, u->adamw_lr, true);
    }
    sw_node *velocity = state_of(u, weight, "opt", "/velocity");
    return sw_muon_update(u->g, weight, grad, velocity, u->lr, u->scale, u->o.momentum,
                          decay_of(u, weight));
}

/* The moving average; it starts as the weight is now. */
static sw_node *average(const struct updates *u, sw_node *weight)
{
    int64_t before = sw_weights_count(u->ws);
    sw_node *mean = state_of(u, weight, "ema", "");
    if (sw_graph_status(u->g) != SW_OK) return mean;
    if (sw_weights_count(u->ws) > before) {
        sw_tensor w = sw_weight_tensor(weight->weight);
        size_t bytes = (size_t)sw_shape_bytes(&w.shape, w.dtype);
        sw_status status = sw_weight_set(mean->weight, w.data, bytes);
        if (status != SW_OK) return sw__graph_poison(u->g, status, "%s", sw_error(u->g->ctx));
    }
    return sw_ema_update(u->g, mean, weight, u->scale, u->o.ema_decay);
}

static bool fraction(float x)
{
    return x >= 0 && x < 1;
}

/* 0 means the usual value; out of range: an error with the option's name. */
static sw_status complete(sw_context *ctx, sw_optimizer_options *o)
{
    if (o->kind < SW_SGD || o->kind > SW_MUON)
        return sw__fail(ctx, SW_ERR_ARGUMENT, "optimizer: unknown kind %d", (int)o->kind);
    if (o->momentum == 0) o->momentum = o->kind == SW_MUON ? 0.95f : 0.9f;
    if (o->momentum < 0) o->momentum = 0;
    if (o->beta1 == 0) o->beta1 = 0.9f;
    if (o->beta2 == 0) o->beta2 = 0.999f;
    if (o->eps == 0) o->eps = 1e-8f;
    if (o->adamw_rate == 0) o->adamw_rate = 0.05f;
    if (o->bias_rate == 0) o->bias_rate = 1;
    const struct {
        const char *name;
        float value;
        bool right;
    } checks[] = {{"momentum", o->momentum, fraction(o->momentum)},
                  {"beta1", o->beta1, fraction(o->beta1)},
                  {"beta2", o->beta2, fraction(o->beta2)},
                  {"eps", o->eps, o->eps > 0},
                  {"weight decay", o->weight_decay, o->weight_decay >= 0},
                  {"ema decay", o->ema_decay, fraction(o->ema_decay)},
                  {"adamw rate", o->adamw_rate, o->adamw_rate > 0},
                  {"bias rate", o->bias_rate, o->bias_rate > 0}};
    for (size_t i = 0; i < sizeof checks / sizeof *checks; i++)
        if (!checks[i].right)
            return sw__fail(ctx, SW_ERR_ARGUMENT, "optimizer: a %s of %g", checks[i].name,
                            (double)checks[i].value);
    return SW_OK;
}

sw_status sw_optimizer_updates(sw_graph *g, sw_weights *ws, sw_node *const *params,
                               sw_node *const *grads, int n, sw_node *lr, sw_node *step,
                               sw_node *scale, sw_optimizer_options o, sw_node **out, int *n_out)
{
    struct updates u = {g, ws, lr, step, scale, o, NULL, NULL};
    *n_out = 0;
    if (sw_graph_status(g) != SW_OK) return sw_graph_status(g);
    sw_status status = complete(g->ctx, &u.o);
    if (status != SW_OK) return status;
    for (int i = 0; i < n && sw_graph_status(g) == SW_OK; i++) {
        sw_node *update = NULL;
        if (!params[i]->weight) {
            sw__graph_poison(g, SW_ERR_ARGUMENT, "optimizer: '%s' is no param", params[i]->name);
            break;
        }
        switch (o.kind) {
        case SW_SGD: update = sgd(&u, params[i], grads[i]); break;
        case SW_ADAM: update = adam(&u, params[i], grads[i], lr, false); break;
        case SW_ADAMW: update = adam(&u, params[i], grads[i], lr, true); break;
        case SW_MUON: update = muon(&u, params[i], grads[i]); break;
        }
        out[(*n_out)++] = update;
        if (o.ema_decay > 0) out[(*n_out)++] = average(&u, params[i]);
    }
    return sw_graph_status(g);
}
