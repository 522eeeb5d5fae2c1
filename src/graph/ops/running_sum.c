/* Sums that live on from run to run: a moving average of a weight, a sum of gradients.  Both are
 * y = a y + b x. */
#include <swell/train.h>
#include "graph/ops/update_ops.h"

/* ---- moving average ---------------------------------------------------------------------------- */

struct ema_attr {
    float decay;
};

enum { EMA_AVERAGE, EMA_WEIGHT, EMA_SCALE, EMA_N_IN };

static sw_status ema_infer(struct sw_infer *q)
{
    return sw__infer_update(q, EMA_SCALE);
}

static sw_status axpby_prepare(struct sw_step *s)
{
    return sw__update_prepare(s, SW_SLOT_axpby_f32);
}

static void ema_run(const struct sw_step *s, int phase, int64_t begin, int64_t end, void *scratch)
{
    float decay = ((const struct ema_attr *)s->attr)->decay;
    struct sw_update_range r;
    if (!sw__update_range(s, begin, end, &r)) return;
    s->k->axpby_f32(sw__update_array(s, EMA_AVERAGE, r.from),
                    sw__update_array(s, EMA_WEIGHT, r.from), r.n, decay, 1 - decay);
}

const struct sw_op_class sw__op_ema_update = {.name = "ema_update",
                                              .flags = SW_OP_EFFECT,
                                              .mutates = 1u << EMA_AVERAGE,
                                              .infer = ema_infer,
                                              .prepare = axpby_prepare,
                                              .run = ema_run};

sw_node *sw_ema_update(sw_graph *g, sw_node *average, sw_node *weight, sw_node *scale, float decay)
{
    struct ema_attr attr = {decay};
    sw_node *in[EMA_N_IN] = {average, weight, scale};
    if (!(decay >= 0 && decay <= 1))
        return sw__graph_poison(g, SW_ERR_ARGUMENT, "ema_update: a decay of %g", (double)decay);
    return sw__op_add(g, &sw__op_ema_update, &attr, sizeof attr, in, EMA_N_IN, 1);
}

/* ---- sum --------------------------------------------------------------------------------------- */

enum { SUM, SUM_X, SUM_KEEP, SUM_SCALE, SUM_N_IN };

static sw_status accumulate_infer(struct sw_infer *q)
{
    return sw__infer_update(q, SUM_KEEP);
}

static void accumulate_run(const struct sw_step *s, int phase, int64_t begin, int64_t end,
                           void *scratch)
{
    struct sw_update_range r;
    if (!sw__update_range(s, begin, end, &r)) return;
    s->k->axpby_f32(sw__update_array(s, SUM, r.from), sw__update_array(s, SUM_X, r.from), r.n,
                    sw__update_scalar(s, SUM_KEEP), r.scale);
}

const struct sw_op_class sw__op_accumulate = {.name = "accumulate",
                                              .flags = SW_OP_EFFECT,
                                              .mutates = 1u << SUM,
                                              .infer = accumulate_infer,
                                              .prepare = axpby_prepare,
                                              .run = accumulate_run};

sw_node *sw_accumulate(sw_graph *g, sw_node *sum, sw_node *x, sw_node *keep, sw_node *scale)
{
    sw_node *in[SUM_N_IN] = {sum, x, keep, scale};
    if (!keep) in[SUM_KEEP] = sw_scalar(g, 1);
    return sw__op_add(g, &sw__op_accumulate, NULL, 0, in, SUM_N_IN, 1);
}
