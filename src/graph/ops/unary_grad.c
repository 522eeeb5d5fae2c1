/* Backward ops of the unary functions: dx = dy f', one pass over dy and v, in place in either.
 * v is x or y as elementwise_kernels.h says. */
#include "graph/op_list.h"
#include "graph/ops/unary_int.h"

sw_node *sw__unary_grad_add(sw_graph *g, const struct sw_op_class *cls, const void *attr,
                            size_t attr_size, sw_node *dy, sw_node *v)
{
    return sw__op_add(g, cls, attr, attr_size, (sw_node *[]){dy, v}, 2, 1);
}

/* v of the same range as the part's y. */
static const float *part_v(const struct sw_step *s, const struct sw_unary_part *p)
{
    return (const float *)s->in[1]->data + (p->y - (float *)s->out[0]->data);
}

#define CLASS(title)                                                                               \
    const struct sw_op_class sw__op_##title##_grad = {.name = #title "_grad",                      \
                                                      .flags = SW_OP_CHEAP,                        \
                                                      .inplace = 3,                                \
                                                      .infer = sw__unary_infer,                    \
                                                      .prepare = title##_grad_prepare,             \
                                                      .run = title##_grad_run};
#define UNARY_GRAD(title)                                                                          \
    static sw_status title##_grad_prepare(struct sw_step *s)                                       \
    {                                                                                              \
        return sw__unary_prepare(s, SW_SLOT_##title##_grad_f32);                                   \
    }                                                                                              \
    static void title##_grad_run(const struct sw_step *s, int phase, int64_t begin, int64_t end,   \
                                 void *scratch)                                                    \
    {                                                                                              \
        struct sw_unary_part p = sw__unary_part(s, begin, end);                                    \
        s->k->title##_grad_f32(p.y, p.x, part_v(s, &p), p.n);                                      \
    }                                                                                              \
    CLASS(title)
UNARY_GRAD(sqrt)
UNARY_GRAD(rsqrt)
UNARY_GRAD(reciprocal)
UNARY_GRAD(tanh)
UNARY_GRAD(sigmoid)
UNARY_GRAD(relu)
UNARY_GRAD(abs)
UNARY_GRAD(square)
UNARY_GRAD(sin)
UNARY_GRAD(cos)
UNARY_GRAD(softplus)
UNARY_GRAD(silu)
UNARY_GRAD(gelu)
UNARY_GRAD(gelu_tanh)

static sw_status leaky_relu_grad_prepare(struct sw_step *s)
{
    return sw__unary_prepare(s, SW_SLOT_leaky_relu_grad_f32);
}

static void leaky_relu_grad_run(const struct sw_step *s, int phase, int64_t begin, int64_t end,
                                void *scratch)
{
    const struct sw_unary_attr *attr = s->attr;
    struct sw_unary_part p = sw__unary_part(s, begin, end);
    s->k->leaky_relu_grad_f32(p.y, p.x, part_v(s, &p), p.n, attr->a);
}

CLASS(leaky_relu)

static sw_status clip_grad_prepare(struct sw_step *s)
{
    return sw__unary_prepare(s, SW_SLOT_clip_grad_f32);
}

static void clip_grad_run(const struct sw_step *s, int phase, int64_t begin, int64_t end,
                          void *scratch)
{
    const struct sw_unary_attr *attr = s->attr;
    struct sw_unary_part p = sw__unary_part(s, begin, end);
    s->k->clip_grad_f32(p.y, p.x, part_v(s, &p), p.n, attr->a, attr->b);
}

CLASS(clip)
