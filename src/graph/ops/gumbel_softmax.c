/* Gumbel-softmax (Jang, Gu, Poole 2017, section 2): a differentiable sample of a categorical
 * distribution with logits x, along the last axis.
 *
 *     s = softmax((x + G) / tau),   G = -log(-log(u)), u uniform in (0,1)
 *     y = s, or with `hard` the one-hot of s's first greatest element
 *
 * The gradient is that of s in both cases (straight-through): dx = softmax'(dy) / tau.  Hard: output
 * 1 is s, for the gradient.
 *
 * The noise of row r, element j is random word number r * round_up(n, 4) + j of the op's stream: a
 * pure function of the run's seed and step, the op and the element.  A row starts at a whole block of
 * four words, so that rows can be made on their own. */
#include <string.h>

#include "graph/ops/softmax_int.h"
#include "graph/random_stream.h"

struct gumbel_attr {
    float tau;
    bool hard;
};

static sw_status gumbel_infer(struct sw_infer *q)
{
    sw_status status = sw__infer_dtype(q, 0, SW_F32);
    if (status == SW_OK) status = sw__infer_rank(q, 0, 1, SW_MAX_RANK);
    if (status != SW_OK) return status;
    for (int i = 0; i < q->n_out; i++) sw__infer_f32(q->out[i], q->in[0]->shape);
    return SW_OK;
}

static void gumbel_grad(sw_graph *g, const struct sw_op *op, sw_node *const *dy, const bool *need,
                        sw_node **dx)
{
    (void)need;
    const struct gumbel_attr *attr = sw__op_attr(op);
    if (!sw__only_first_output(g, "gumbel_softmax", dy, attr->hard ? 2 : 1)) return;
    struct softmax_attr a = {-1, false, 1 / attr->tau};
    dx[0] = sw__softmax_backward(g, dy[0], sw__op_out(op, attr->hard ? 1 : 0), a);
}

static sw_status gumbel_prepare(struct sw_step *s)
{
    const sw_shape *x = &s->in[0]->shape;
    int64_t rows = sw__rows_of(x), n = sw__last_of(x);
    s->n_phases = rows > 0 && n > 0;
    s->tasks[0] = sw__ceil_div(rows, sw__task_grain(n));
    s->flops = 60. * (double)rows * (double)n;
    s->kernel = s->k->names[SW_SLOT_gumbel_f32];
    return SW_OK;
}

static void make_one_hot(float *y, int64_t n)
{
    int64_t best = 0;
    for (int64_t i = 1; i < n; i++)
        if (y[i] > y[best]) best = i;
    bool nan = y[best] != y[best];
    for (int64_t i = 0; i < n && !nan; i++) y[i] = i == best;
}

static void gumbel_run(const struct sw_step *s, int phase, int64_t begin, int64_t end,
                       void *scratch)
{
    const struct gumbel_attr *attr = s->attr;
    const sw_shape *shape = &s->in[0]->shape;
    int64_t n = sw__last_of(shape), from, to;
    uint64_t words = (uint64_t)sw__round_up(n, 4), stream = sw__step_stream(s);
    (void)phase;
    (void)scratch;
    sw__step_range(sw__rows_of(shape), sw__task_grain(n), begin, end, &from, &to);
    for (int64_t r = from; r < to; r++) {
        float *y = (float *)s->out[0]->data + r * n;
        s->k->gumbel_f32(y, (const float *)s->in[0]->data + r * n, 1 / attr->tau, s->seed->seed,
                         stream, (uint64_t)r * words, n);
        s->k->softmax_f32(y, y, 1, n, 0, NULL);
        if (!attr->hard) continue;
        if (s->out[1]) memcpy((float *)s->out[1]->data + r * n, y, (size_t)n * sizeof *y);
        make_one_hot(y, n);
    }
}

const struct sw_op_class sw__op_gumbel_softmax = {.name = "gumbel_softmax",
                                                  .inplace = 1,
                                                  .infer = gumbel_infer,
                                                  .grad = gumbel_grad,
                                                  .prepare = gumbel_prepare,
                                                  .run = gumbel_run};

sw_node *sw_gumbel_softmax(sw_graph *g, sw_node *x, float tau, bool hard)
{
    struct gumbel_attr attr = {tau, hard};
    if (!(tau > 0))
        return sw__graph_poison(g, SW_ERR_ARGUMENT, "gumbel_softmax: tau %g is not > 0",
                                (double)tau);
    return sw__op_add(g, &sw__op_gumbel_softmax, &attr, sizeof attr, &x, 1, hard ? 2 : 1);
}
