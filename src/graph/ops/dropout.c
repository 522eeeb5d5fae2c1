/* Dropout: Srivastava, Hinton, Krizhevsky, Sutskever, Salakhutdinov, JMLR 2014, in the inverted form
 * (what stays is scaled by 1 / (1 - p), so that inference does nothing).
 *
 * Element i stays or goes by random word number i of the op's stream, a pure function of the run's
 * seed and step.  So the mask is not stored: the backward op draws the same words again. */
#include <math.h>
#include <string.h>
#include "graph/graph_int.h"
#include "graph/op_list.h"
#include "graph/random_stream.h"

struct dropout_attr {
    double p;
    uint64_t stream; /* of the forward op; 0: this is it */
};

static sw_status dropout_infer(struct sw_infer *q)
{
    q->out[0]->dtype = SW_F32;
    q->out[0]->shape = q->in[0]->shape;
    return sw__infer_dtype(q, 0, SW_F32);
}

static void dropout_grad_rule(sw_graph *g, const struct sw_op *op, sw_node *const *dy,
                              const bool *need, sw_node **dx)
{
    struct dropout_attr attr = *(const struct dropout_attr *)sw__op_attr(op);
    attr.stream = op->stream;
    dx[0] = sw__op_add(g, &sw__op_dropout_grad, &attr, sizeof attr, (sw_node *[]){dy[0]}, 1, 1);
}

static sw_status dropout_prepare(struct sw_step *s)
{
    int64_t n = sw_shape_elements(&s->out[0]->shape);
    s->kernel = s->k->names[SW_SLOT_dropout_f32];
    s->n_phases = n > 0;
    s->tasks[0] = (n + SW_GRAIN - 1) / SW_GRAIN;
    s->flops = (double)n;
    return SW_OK;
}

static void dropout_run(const struct sw_step *s, int phase, int64_t begin, int64_t end,
                        void *scratch)
{
    const struct dropout_attr *attr = s->attr;
    int64_t from, to;
    sw__step_range(sw_shape_elements(&s->out[0]->shape), SW_GRAIN, begin, end, &from, &to);
    const float *x = (const float *)s->in[0]->data + from;
    float *y = (float *)s->out[0]->data + from;
    double below = rint(attr->p * 0x1p32);
    if (below >= 0x1p32) {
        memset(y, 0, (size_t)(to - from) * sizeof *y);
        return;
    }
    uint64_t stream = sw__run_stream(attr->stream ? attr->stream : s->stream, s->seed);
    s->k->dropout_f32(y, x, to - from, (float)(1 / (1 - attr->p)), (uint32_t)below, s->seed->seed,
                      stream, (uint64_t)from);
}

const struct sw_op_class sw__op_dropout = {.name = "dropout",
                                           .flags = SW_OP_CHEAP,
                                           .inplace = 1,
                                           .infer = dropout_infer,
                                           .grad = dropout_grad_rule,
                                           .prepare = dropout_prepare,
                                           .run = dropout_run};

const struct sw_op_class sw__op_dropout_grad = {.name = "dropout_grad",
                                                .flags = SW_OP_CHEAP,
                                                .inplace = 1,
                                                .infer = dropout_infer,
                                                .prepare = dropout_prepare,
                                                .run = dropout_run};

sw_node *sw_dropout(sw_graph *g, sw_node *x, float p)
{
    struct dropout_attr attr = {.p = (double)p};
    if (!(p >= 0 && p <= 1))
        return sw__graph_poison(g, SW_ERR_ARGUMENT, "dropout: %g is no probability", (double)p);
    if (p == 0) return x;
    return sw__op_add(g, &sw__op_dropout, &attr, sizeof attr, &x, 1, 1);
}
