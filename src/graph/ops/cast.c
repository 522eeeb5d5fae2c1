/* Casts to another type, and stop_gradient.
 *
 * Gradients are f32 whatever the type of a value, so the gradient of a cast between floats is dy
 * itself (the rounding counts as the identity); no gradient flows through integers. */
#include "graph/op.h"
#include "graph/ops/attributes.h"

static sw_status cast_infer(struct sw_infer *q)
{
    sw_dtype to = ((const struct cast_attr *)q->attr)->dtype, from = q->in[0]->dtype;
    if (sw_dtype_get(from)->block_elements != 1)
        return sw__infer_fail(q, SW_ERR_DTYPE, "from block type %s", sw_dtype_get(from)->name);
    q->out[0]->dtype = to;
    q->out[0]->shape = q->in[0]->shape;
    return SW_OK;
}

static void cast_grad(sw_graph *g, const struct sw_op *op, sw_node *const *dy, const bool *need,
                      sw_node **dx)
{
    const sw_dtype_info *from = sw_dtype_get(sw_node_dtype(sw__op_in(op, 0)));
    const sw_dtype_info *to = sw_dtype_get(sw_node_dtype(sw__op_out(op, 0)));
    if (from->is_float && to->is_float) dx[0] = dy[0];
}

static sw_status cast_prepare(struct sw_step *s)
{
    int64_t n = sw_shape_elements(&s->out[0]->shape);
    s->kernel = s->k->names[SW_SLOT_cast];
    s->n_phases = n > 0;
    s->tasks[0] = (n + SW_GRAIN - 1) / SW_GRAIN;
    s->task_bytes = SW_GRAIN * (size_t)sw_dtype_get(s->out[0]->dtype)->block_bytes;
    return SW_OK;
}

static void cast_run(const struct sw_step *s, int phase, int64_t begin, int64_t end, void *scratch)
{
    const sw_tensor *x = s->in[0], *y = s->out[0];
    int64_t from, to;
    sw__step_range(sw_shape_elements(&y->shape), SW_GRAIN, begin, end, &from, &to);
    char *dst = (char *)y->data + from * sw_dtype_get(y->dtype)->block_bytes;
    const char *src = (const char *)x->data + from * sw_dtype_get(x->dtype)->block_bytes;
    s->k->cast(dst, y->dtype, src, x->dtype, to - from);
}

const struct sw_op_class sw__op_cast = {.name = "cast",
                                        .flags = SW_OP_CHEAP,
                                        .inplace = 1,
                                        .infer = cast_infer,
                                        .grad = cast_grad,
                                        .prepare = cast_prepare,
                                        .run = cast_run};

sw_node *sw_cast(sw_graph *g, sw_node *x, sw_dtype dtype)
{
    struct cast_attr attr = {dtype};
    const sw_dtype_info *info = sw_dtype_get(dtype);
    if (!info || info->block_elements != 1)
        return sw__graph_poison(g, SW_ERR_DTYPE, "cast: %s is no type to cast to",
                                info ? info->name : "this");
    return sw__op_add(g, &sw__op_cast, &attr, sizeof attr, &x, 1, 1);
}

/* ---- stop_gradient ----------------------------------------------------------------------------- */

static sw_status stop_infer(struct sw_infer *q)
{
    q->out[0]->dtype = q->in[0]->dtype;
    q->out[0]->shape = q->in[0]->shape;
    return SW_OK;
}

static void stop_grad(sw_graph *g, const struct sw_op *op, sw_node *const *dy, const bool *need,
                      sw_node **dx)
{
    dx[0] = NULL;
}

const struct sw_op_class sw__op_stop_gradient = {
    .name = "stop_gradient", .flags = SW_OP_VIEW, .infer = stop_infer, .grad = stop_grad};

sw_node *sw_stop_gradient(sw_graph *g, sw_node *x)
{
    return sw__op_add(g, &sw__op_stop_gradient, NULL, 0, &x, 1, 1);
}
