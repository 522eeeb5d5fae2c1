/* Activation functions: unary ops that other ops can do to their results on the way out.
 *
 * relu, leaky relu (with a positive slope), tanh and sigmoid compute their gradient from y, so in
 * training too they fuse with the op that makes x.  gelu, silu and clip need x. */
#include "graph/ops/activation.h"
#include "graph/op_list.h"
#include "graph/ops/unary_int.h"

void sw__apply_act(const struct sw_kernels *k, struct sw_fused_act act, float *y, int64_t n)
{
    switch (act.act) {
    case SW_ACT_NONE: break;
    case SW_ACT_RELU: k->relu_f32(y, y, n, 0); break;
    case SW_ACT_LEAKY_RELU: k->leaky_relu_f32(y, y, n, act.a, 0); break;
    case SW_ACT_CLIP: k->clip_f32(y, y, n, act.a, act.b, 0); break;
    case SW_ACT_GELU: k->gelu_f32(y, y, n, 0); break;
    case SW_ACT_GELU_TANH: k->gelu_tanh_f32(y, y, n, 0); break;
    case SW_ACT_SILU: k->silu_f32(y, y, n, 0); break;
    case SW_ACT_SIGMOID: k->sigmoid_f32(y, y, n, 0); break;
    case SW_ACT_TANH: k->tanh_f32(y, y, n, 0); break;
    }
}

/* ---- steps ------------------------------------------------------------------------------------- */

SW_UNARY_STEP(relu)
SW_UNARY_STEP(tanh)
SW_UNARY_STEP(sigmoid)
SW_UNARY_STEP(gelu)
SW_UNARY_STEP(gelu_tanh)
SW_UNARY_STEP(silu)

static sw_status leaky_relu_prepare(struct sw_step *s)
{
    return sw__unary_prepare(s, SW_SLOT_leaky_relu_f32);
}

static void leaky_relu_run(const struct sw_step *s, int phase, int64_t begin, int64_t end,
                           void *scratch)
{
    const struct sw_unary_attr *attr = s->attr;
    struct sw_unary_part p = sw__unary_part(s, begin, end);
    s->k->leaky_relu_f32(p.y, p.x, p.n, attr->a, p.stream);
}

static sw_status clip_prepare(struct sw_step *s)
{
    return sw__unary_prepare(s, SW_SLOT_clip_f32);
}

static void clip_run(const struct sw_step *s, int phase, int64_t begin, int64_t end, void *scratch)
{
    const struct sw_unary_attr *attr = s->attr;
    struct sw_unary_part p = sw__unary_part(s, begin, end);
    s->k->clip_f32(p.y, p.x, p.n, attr->a, attr->b, p.stream);
}

/* For fusion. */
static void read_params(const void *attr, float *a, float *b)
{
    const struct sw_unary_attr *p = attr;
    *a = p->a;
    *b = p->b;
}

/* ---- gradients --------------------------------------------------------------------------------- */

#define GRAD(name, v)                                                                              \
    static void name##_grad(sw_graph *g, const struct sw_op *op, sw_node *const *dy,               \
                            const bool *need, sw_node **dx)                                        \
    {                                                                                              \
        dx[0] = sw__unary_grad_add(g, &sw__op_##name##_grad, NULL, 0, dy[0], v);                   \
    }
GRAD(relu, sw__op_out(op, 0))
GRAD(tanh, sw__op_out(op, 0))
GRAD(sigmoid, sw__op_out(op, 0))
GRAD(gelu, sw__op_in(op, 0))
GRAD(gelu_tanh, sw__op_in(op, 0))
GRAD(silu, sw__op_in(op, 0))

/* y has the sign of x when the slope is positive. */
static void leaky_relu_grad(sw_graph *g, const struct sw_op *op, sw_node *const *dy,
                            const bool *need, sw_node **dx)
{
    const struct sw_unary_attr *attr = sw__op_attr(op);
    sw_node *v = attr->a > 0 ? sw__op_out(op, 0) : sw__op_in(op, 0);
    dx[0] = sw__unary_grad_add(g, &sw__op_leaky_relu_grad, attr, sizeof *attr, dy[0], v);
}

static void clip_grad(sw_graph *g, const struct sw_op *op, sw_node *const *dy, const bool *need,
                      sw_node **dx)
{
    const struct sw_unary_attr *attr = sw__op_attr(op);
    sw_node *x = sw__op_in(op, 0);
    dx[0] = sw__unary_grad_add(g, &sw__op_clip_grad, attr, sizeof *attr, dy[0], x);
}

/* ---- classes and builders ---------------------------------------------------------------------- */

#define CLASS(title, code, params)                                                                 \
    const struct sw_op_class sw__op_##title = {.name = #title,                                     \
                                               .flags = SW_OP_CHEAP,                               \
                                               .inplace = 1,                                       \
                                               .act = code,                                        \
                                               .infer = sw__unary_infer,                           \
                                               .grad = title##_grad,                               \
                                               .prepare = title##_prepare,                         \
                                               .run = title##_run,                                 \
                                               .act_params = params};
#define ACTIVATION(title, code)                                                                    \
    CLASS(title, code, NULL)                                                                       \
    sw_node *sw_##title(sw_graph *g, sw_node *x)                                                   \
    {                                                                                              \
        return sw__op_add(g, &sw__op_##title, NULL, 0, &x, 1, 1);                                  \
    }
ACTIVATION(relu, SW_ACT_RELU)
ACTIVATION(tanh, SW_ACT_TANH)
ACTIVATION(sigmoid, SW_ACT_SIGMOID)
ACTIVATION(gelu, SW_ACT_GELU)
ACTIVATION(gelu_tanh, SW_ACT_GELU_TANH)
ACTIVATION(silu, SW_ACT_SILU)
CLASS(leaky_relu, SW_ACT_LEAKY_RELU, read_params)
CLASS(clip, SW_ACT_CLIP, read_params)

sw_node *sw_leaky_relu(sw_graph *g, sw_node *x, float slope)
{
    struct sw_unary_attr attr = {.a = slope};
    return sw__op_add(g, &sw__op_leaky_relu, &attr, sizeof attr, &x, 1, 1);
}

sw_node *sw_clip(sw_graph *g, sw_node *x, float lo, float hi)
{
    struct sw_unary_attr attr = {lo, hi};
    if (!(lo <= hi))
        return sw__graph_poison(g, SW_ERR_ARGUMENT, "clip: bounds %g and %g are no interval",
                                (double)lo, (double)hi);
    return sw__op_add(g, &sw__op_clip, &attr, sizeof attr, &x, 1, 1);
}
