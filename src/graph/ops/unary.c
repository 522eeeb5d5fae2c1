/* Elementwise functions of one operand, y = f(x); activations that fuse are in activation.c.
 *
 * Gradients take the result y instead of x where it says as much, so that x may die early:
 *
 *     exp dy y     log dy / x     neg -dy     scale factor dy     the others: unary_grad.c */
#include "graph/op_list.h"
#include "graph/ops/unary_int.h"

/* ---- shared with activation.c and unary_grad.c ------------------------------------------------- */

sw_status sw__unary_infer(struct sw_infer *q)
{
    q->out[0]->dtype = SW_F32;
    q->out[0]->shape = q->in[0]->shape;
    return sw__infer_dtype(q, 0, SW_F32);
}

sw_status sw__unary_prepare(struct sw_step *s, enum sw_kernel_slot slot)
{
    int64_t n = sw_shape_elements(&s->out[0]->shape);
    s->kernel = s->k->names[slot];
    s->n_phases = n > 0;
    s->tasks[0] = (n + SW_GRAIN - 1) / SW_GRAIN;
    s->flops = (double)n;
    return SW_OK;
}

struct sw_unary_part sw__unary_part(const struct sw_step *s, int64_t begin, int64_t end)
{
    int64_t from, to;
    sw__step_range(sw_shape_elements(&s->out[0]->shape), SW_GRAIN, begin, end, &from, &to);
    return (struct sw_unary_part){(float *)s->out[0]->data + from,
                                  (const float *)s->in[0]->data + from, to - from,
                                  sw__result_streams(s)};
}

/* ---- steps ------------------------------------------------------------------------------------- */

SW_UNARY_STEP(exp)
SW_UNARY_STEP(log)
SW_UNARY_STEP(sqrt)
SW_UNARY_STEP(rsqrt)
SW_UNARY_STEP(abs)
SW_UNARY_STEP(neg)
SW_UNARY_STEP(square)
SW_UNARY_STEP(reciprocal)
SW_UNARY_STEP(sin)
SW_UNARY_STEP(cos)
SW_UNARY_STEP(softplus)

static sw_status scale_prepare(struct sw_step *s)
{
    return sw__unary_prepare(s, SW_SLOT_scale_f32);
}

static void scale_run(const struct sw_step *s, int phase, int64_t begin, int64_t end, void *scratch)
{
    const struct sw_unary_attr *attr = s->attr;
    struct sw_unary_part p = sw__unary_part(s, begin, end);
    s->k->scale_f32(p.y, p.x, p.n, attr->a, p.stream);
}

/* ---- gradients --------------------------------------------------------------------------------- */

static void exp_grad(sw_graph *g, const struct sw_op *op, sw_node *const *dy, const bool *need,
                     sw_node **dx)
{
    dx[0] = sw_mul(g, dy[0], sw__op_out(op, 0));
}

static void log_grad(sw_graph *g, const struct sw_op *op, sw_node *const *dy, const bool *need,
                     sw_node **dx)
{
    dx[0] = sw_div(g, dy[0], sw__op_in(op, 0));
}

static void neg_grad(sw_graph *g, const struct sw_op *op, sw_node *const *dy, const bool *need,
                     sw_node **dx)
{
    dx[0] = sw_neg(g, dy[0]);
}

static void scale_grad(sw_graph *g, const struct sw_op *op, sw_node *const *dy, const bool *need,
                       sw_node **dx)
{
    dx[0] = sw_scale(g, dy[0], ((const struct sw_unary_attr *)sw__op_attr(op))->a);
}

/* By the backward op, from `v`: the op's result or its operand. */
#define GRAD(name, v)                                                                              \
    static void name##_grad(sw_graph *g, const struct sw_op *op, sw_node *const *dy,               \
                            const bool *need, sw_node **dx)                                        \
    {                                                                                              \
        dx[0] = sw__unary_grad_add(g, &sw__op_##name##_grad, NULL, 0, dy[0], v);                   \
    }
GRAD(sqrt, sw__op_out(op, 0))
GRAD(rsqrt, sw__op_out(op, 0))
GRAD(reciprocal, sw__op_out(op, 0))
GRAD(abs, sw__op_in(op, 0))
GRAD(square, sw__op_in(op, 0))
GRAD(sin, sw__op_in(op, 0))
GRAD(cos, sw__op_in(op, 0))
GRAD(softplus, sw__op_in(op, 0))

/* ---- classes and builders ---------------------------------------------------------------------- */

#define CLASS(title)                                                                               \
    const struct sw_op_class sw__op_##title = {.name = #title,                                     \
                                               .flags = SW_OP_CHEAP,                               \
                                               .inplace = 1,                                       \
                                               .infer = sw__unary_infer,                           \
                                               .grad = title##_grad,                               \
                                               .prepare = title##_prepare,                         \
                                               .run = title##_run};
#define UNARY(title)                                                                               \
    CLASS(title)                                                                                   \
    sw_node *sw_##title(sw_graph *g, sw_node *x)                                                   \
    {                                                                                              \
        return sw__op_add(g, &sw__op_##title, NULL, 0, &x, 1, 1);                                  \
    }
UNARY(exp)
UNARY(log)
UNARY(sqrt)
UNARY(rsqrt)
UNARY(abs)
UNARY(neg)
UNARY(square)
UNARY(reciprocal)
UNARY(sin)
UNARY(cos)
UNARY(softplus)
CLASS(scale)

sw_node *sw_scale(sw_graph *g, sw_node *x, float factor)
{
    struct sw_unary_attr attr = {.a = factor};
    return sw__op_add(g, &sw__op_scale, &attr, sizeof attr, &x, 1, 1);
}
