/* One handle for several effects: what a function that updates two weights returns. */
#include <swell/train.h>
#include "graph/op.h"

static sw_status group_infer(struct sw_infer *q)
{
    q->out[0]->dtype = SW_F32;
    q->out[0]->shape = (sw_shape){1, {0}};
    return SW_OK;
}

static sw_status group_prepare(struct sw_step *s)
{
    s->n_phases = 0;
    return SW_OK;
}

static void group_run(const struct sw_step *s, int phase, int64_t begin, int64_t end, void *scratch)
{
}

const struct sw_op_class sw__op_group = {.name = "group",
                                         .flags = SW_OP_EFFECT,
                                         .infer = group_infer,
                                         .prepare = group_prepare,
                                         .run = group_run};

sw_node *sw_group(sw_graph *g, sw_node *const *updates, int n)
{
    if (n < 1 || n > SW_MAX_INPUTS)
        return sw__graph_poison(g, SW_ERR_ARGUMENT, "group: of %d nodes, not 1 to %d", n,
                                SW_MAX_INPUTS);
    return sw__op_add(g, &sw__op_group, NULL, 0, updates, n, 1);
}
