/* What the files of unary ops share: shapes, tasks, and the ops of their gradients. */
#ifndef SWELL_GRAPH_UNARY_INT_H
#define SWELL_GRAPH_UNARY_INT_H

#include "graph/op.h"

/* f32, the shape of in[0]. */
sw_status sw__unary_infer(struct sw_infer *q);
/* Tasks of SW_GRAIN elements; the slot's name for reports. */
sw_status sw__unary_prepare(struct sw_step *s, enum sw_kernel_slot slot);

/* The elements of a range of tasks. */
struct sw_unary_part {
    float *y;
    const float *x;
    int64_t n;
    bool stream; /* past the caches */
};
struct sw_unary_part sw__unary_part(const struct sw_step *s, int64_t begin, int64_t end);

/* dx = dy f', by the backward op of this class: operands dy and v (x or y), attributes as given. */
sw_node *sw__unary_grad_add(sw_graph *g, const struct sw_op_class *cls, const void *attr,
                            size_t attr_size, sw_node *dy, sw_node *v);

/* Attributes of ops with one or two parameters. */
struct sw_unary_attr {
    float a, b;
};

/* Preparation and run of the op `name` by the kernel of the same name. */
#define SW_UNARY_STEP(name)                                                                        \
    static sw_status name##_prepare(struct sw_step *s)                                             \
    {                                                                                              \
        return sw__unary_prepare(s, SW_SLOT_##name##_f32);                                         \
    }                                                                                              \
    static void name##_run(const struct sw_step *s, int phase, int64_t begin, int64_t end,         \
                           void *scratch)                                                          \
    {                                                                                              \
        struct sw_unary_part p = sw__unary_part(s, begin, end);                                    \
        s->k->name##_f32(p.y, p.x, p.n, p.stream);                                                 \
    }

#endif
