/* Adam: Kingma and Ba 2015, algorithm 1, and with decoupled weight decay Loshchilov and Hutter 2019,
 * algorithm 2, in which the decay is multiplied by the learning rate, as everybody has it.
 *
 * The number of the step is an operand, not a state: the corrections 1 - beta^step are computed from
 * it in double, the same for every task. */
#include <swell/train.h>
#include "graph/ops/update_ops.h"

#include <math.h>

struct adam_attr {
    float beta1, beta2, eps, decay;
    int decoupled;
};

enum { WEIGHT, GRAD, M, V, LR, STEP, SCALE, N_IN };

static sw_status adam_infer(struct sw_infer *q)
{
    return sw__infer_update(q, LR);
}

static sw_status adam_prepare(struct sw_step *s)
{
    return sw__update_prepare(s, SW_SLOT_adam_f32);
}

static void adam_run(const struct sw_step *s, int phase, int64_t begin, int64_t end, void *scratch)
{
    const struct adam_attr *a = s->attr;
    struct sw_update_range r;
    if (!sw__update_range(s, begin, end, &r)) return;
    double step = (double)sw__update_scalar(s, STEP);
    struct sw_adam_rates rates = {.lr = sw__update_scalar(s, LR),
                                  .beta1 = a->beta1,
                                  .beta2 = a->beta2,
                                  .eps = a->eps,
                                  .decay = a->decoupled ? 0 : a->decay,
                                  .shrink = a->decoupled ? a->decay : 0,
                                  .scale = r.scale,
                                  .m_scale = (float)(1 / (1 - pow((double)a->beta1, step))),
                                  .v_scale = (float)(1 / (1 - pow((double)a->beta2, step)))};
    s->k->adam_f32(sw__update_array(s, WEIGHT, r.from), sw__update_array(s, M, r.from),
                   sw__update_array(s, V, r.from), sw__update_array(s, GRAD, r.from), r.n, &rates);
}

const struct sw_op_class sw__op_adam_update = {.name = "adam_update",
                                               .flags = SW_OP_EFFECT,
                                               .mutates = 1u << WEIGHT | 1u << M | 1u << V,
                                               .infer = adam_infer,
                                               .prepare = adam_prepare,
                                               .run = adam_run};

sw_node *sw_adam_update(sw_graph *g, sw_node *weight, sw_node *grad, sw_node *m, sw_node *v,
                        sw_node *lr, sw_node *step, sw_node *scale, float beta1, float beta2,
                        float eps, float weight_decay, bool decoupled)
{
    struct adam_attr attr = {beta1, beta2, eps, weight_decay, decoupled};
    sw_node *in[N_IN] = {weight, grad, m, v, lr, step, scale};
    if (!m || !v || !lr || !step)
        return sw__graph_poison(g, SW_ERR_ARGUMENT, "adam_update: an operand is missing");
    if (!(beta1 >= 0 && beta1 < 1) || !(beta2 >= 0 && beta2 < 1) || !(eps >= 0) ||
        !(weight_decay >= 0))
        return sw__graph_poison(g, SW_ERR_ARGUMENT,
                                "adam_update: beta1 %g, beta2 %g, eps %g, weight decay %g",
                                (double)beta1, (double)beta2, (double)eps, (double)weight_decay);
    return sw__op_add(g, &sw__op_adam_update, &attr, sizeof attr, in, N_IN, 1);
}
