/* Losses that are sums over elements: mean squared error, and binary cross entropy of logits.
 *
 *     mse:  l = (x - t)^2                                  dl/dx = 2 (x - t)      dl/dt = -2 (x - t)
 *     bce:  l = max(x,0) - x t + log(1 + exp(-|x|))        dl/dx = sigmoid(x) - t dl/dt = -x
 *
 * Reduction none writes l.  Mean and sum cut the elements into blocks of SW_GRAIN, a block into
 * pieces of PIECE that stay in the first cache; a task adds the pieces of a block, one last task adds
 * the blocks, all in an order that depends on the number of elements only.  The error of the sum is
 * at most (PIECE / lanes + 3 log2(...) + blocks / lanes) * eps / 2 times it, for all terms are >= 0.
 * The mean over nothing is 0. */
#include "graph/ops/norm_int.h"

#define PIECE 1024 /* elements; SW_GRAIN is a multiple */

struct loss_attr {
    sw_reduction reduction;
};

enum { X, TARGET }; /* inputs */

static sw_status loss_infer(struct sw_infer *q)
{
    const struct loss_attr *attr = q->attr;
    sw_status status = sw__infer_dtype(q, X, SW_F32);
    if (status == SW_OK) status = sw__infer_dtype(q, TARGET, SW_F32);
    if (status != SW_OK) return status;
    if (!sw_shape_equal(&q->in[X]->shape, &q->in[TARGET]->shape))
        return sw__infer_mismatch(q, X, TARGET, "both must have the same shape");
    sw_shape scalar = {0};
    sw__infer_f32(q->out[0], attr->reduction == SW_REDUCE_NONE ? q->in[X]->shape : scalar);
    return SW_OK;
}

static void append_backward(sw_graph *g, const struct sw_op *op, const struct sw_op_class *cls,
                            sw_node *dy, const bool *need, sw_node **dx)
{
    sw_node *in[] = {dy, sw__op_in(op, X), sw__op_in(op, TARGET)};
    sw_node *d = sw__op_add(g, cls, sw__op_attr(op), sizeof(struct loss_attr), in, 3, 2);
    for (int i = 0; i < 2; i++)
        if (need[i]) dx[i] = sw_output(d, i);
}

static void mse_grad(sw_graph *g, const struct sw_op *op, sw_node *const *dy, const bool *need,
                     sw_node **dx)
{
    append_backward(g, op, &sw__op_mse_backward, dy[0], need, dx);
}

static void bce_logits_grad(sw_graph *g, const struct sw_op *op, sw_node *const *dy,
                            const bool *need, sw_node **dx)
{
    append_backward(g, op, &sw__op_bce_logits_backward, dy[0], need, dx);
}

static sw_status loss_prepare(struct sw_step *s)
{
    const struct loss_attr *attr = s->attr;
    int64_t n = sw_shape_elements(&s->in[X]->shape);
    bool sums = attr->reduction != SW_REDUCE_NONE, mse = s->cls == &sw__op_mse;
    s->n_phases = sums ? 2 : n > 0;
    s->tasks[0] = sw__ceil_div(n, SW_GRAIN);
    s->tasks[1] = 1;
    s->workspace = sums ? (size_t)s->tasks[0] * sizeof(float) : 0;
    s->scratch = sums ? PIECE * sizeof(float) : 0;
    s->flops = (mse ? 3. : 24.) * (double)n;
    s->kernel = s->k->names[mse ? SW_SLOT_mse_f32 : SW_SLOT_bce_f32];
    return SW_OK;
}

/* The sum over one block, made in pieces. */
static float block_sum(const struct sw_step *s, int64_t from, int64_t to, float *piece)
{
    void (*kernel)(float *, const float *, const float *,
                   int64_t) = s->cls == &sw__op_mse ? s->k->mse_f32 : s->k->bce_f32;
    const float *x = s->in[X]->data, *t = s->in[TARGET]->data;
    float sums[SW_GRAIN / PIECE];
    int64_t count = 0;
    for (int64_t at = from; at < to; at += PIECE) {
        int64_t n = sw__min64(PIECE, to - at);
        kernel(piece, x + at, t + at, n);
        sums[count++] = s->k->total_f32(piece, n);
    }
    return s->k->total_f32(sums, count);
}

static void loss_run(const struct sw_step *s, int phase, int64_t begin, int64_t end, void *scratch)
{
    const struct loss_attr *attr = s->attr;
    int64_t n = sw_shape_elements(&s->in[X]->shape), from, to;
    if (phase == 1) {
        float factor = attr->reduction == SW_REDUCE_SUM ? 1 : n > 0 ? 1 / (float)n : 0;
        *(float *)s->out[0]->data = s->k->total_f32(s->ws, sw__ceil_div(n, SW_GRAIN)) * factor;
        return;
    }
    if (attr->reduction != SW_REDUCE_NONE) {
        for (int64_t task = begin; task < end; task++) {
            sw__step_range(n, SW_GRAIN, task, task + 1, &from, &to);
            ((float *)s->ws)[task] = block_sum(s, from, to, scratch);
        }
        return;
    }
    sw__step_range(n, SW_GRAIN, begin, end, &from, &to);
    const float *x = (const float *)s->in[X]->data + from;
    const float *t = (const float *)s->in[TARGET]->data + from;
    float *y = (float *)s->out[0]->data + from;
    if (s->cls == &sw__op_mse)
        s->k->mse_f32(y, x, t, to - from);
    else
        s->k->bce_f32(y, x, t, to - from);
}

const struct sw_op_class sw__op_mse = {.name = "mse",
                                       .inplace = 3,
                                       .infer = loss_infer,
                                       .grad = mse_grad,
                                       .prepare = loss_prepare,
                                       .run = loss_run};

const struct sw_op_class sw__op_bce_logits = {.name = "bce_logits",
                                              .inplace = 3,
                                              .infer = loss_infer,
                                              .grad = bce_logits_grad,
                                              .prepare = loss_prepare,
                                              .run = loss_run};

static sw_node *add_loss(sw_graph *g, const struct sw_op_class *cls, sw_node *x, sw_node *target,
                         sw_reduction reduction)
{
    struct loss_attr attr = {reduction};
    if (reduction < SW_REDUCE_MEAN || reduction > SW_REDUCE_NONE)
        return sw__graph_poison(g, SW_ERR_ARGUMENT, "%s: reduction %d", cls->name, (int)reduction);
    return sw__op_add(g, cls, &attr, sizeof attr, (sw_node *[]){x, target}, 2, 1);
}

sw_node *sw_mse(sw_graph *g, sw_node *x, sw_node *target, sw_reduction reduction)
{
    return add_loss(g, &sw__op_mse, x, target, reduction);
}

sw_node *sw_bce_logits(sw_graph *g, sw_node *logits, sw_node *target, sw_reduction reduction)
{
    return add_loss(g, &sw__op_bce_logits, logits, target, reduction);
}

/* ---- backward: (dy, x, t) -> dx, dt ------------------------------------------------------------ */

static sw_status loss_backward_infer(struct sw_infer *q)
{
    sw__infer_f32(q->out[0], q->in[1]->shape);
    sw__infer_f32(q->out[1], q->in[1]->shape);
    return SW_OK;
}

static sw_status loss_backward_prepare(struct sw_step *s)
{
    int64_t n = sw_shape_elements(&s->in[1]->shape);
    bool mse = s->cls == &sw__op_mse_backward;
    s->n_phases = n > 0;
    s->tasks[0] = sw__ceil_div(n, SW_GRAIN);
    s->flops = (mse ? 3. : 20.) * (double)n;
    s->kernel = s->k->names[mse ? SW_SLOT_mse_dx_f32 : SW_SLOT_bce_dx_f32];
    return SW_OK;
}

static void loss_backward_run(const struct sw_step *s, int phase, int64_t begin, int64_t end,
                              void *scratch)
{
    const struct loss_attr *attr = s->attr;
    int64_t n = sw_shape_elements(&s->in[1]->shape), from, to;
    sw__step_range(n, SW_GRAIN, begin, end, &from, &to);
    int step = attr->reduction == SW_REDUCE_NONE;
    float factor = attr->reduction == SW_REDUCE_MEAN ? 1 / (float)n : 1;
    const float *g = (const float *)s->in[0]->data + (step ? from : 0);
    const float *x = (const float *)s->in[1]->data + from;
    const float *t = (const float *)s->in[2]->data + from;
    float *dx = s->out[0] ? (float *)s->out[0]->data + from : NULL;
    float *dt = s->out[1] ? (float *)s->out[1]->data + from : NULL;
    bool mse = s->cls == &sw__op_mse_backward;
    /* dt first: dx may stand in the memory of x. */
    if (dt && mse) s->k->mse_dx_f32(dt, x, t, g, step, -factor, to - from);
    for (int64_t i = 0; dt && !mse && i < to - from; i++) dt[i] = -factor * g[i * step] * x[i];
    if (dx && mse) s->k->mse_dx_f32(dx, x, t, g, step, factor, to - from);
    if (dx && !mse) s->k->bce_dx_f32(dx, x, t, g, step, factor, to - from);
    (void)phase;
    (void)scratch;
}

const struct sw_op_class sw__op_mse_backward = {.name = "mse_backward",
                                                .inplace = 1u << 1 | 1u << 2,
                                                .infer = loss_backward_infer,
                                                .prepare = loss_backward_prepare,
                                                .run = loss_backward_run};

const struct sw_op_class sw__op_bce_logits_backward = {.name = "bce_logits_backward",
                                                       .inplace = 1u << 1 | 1u << 2,
                                                       .infer = loss_backward_infer,
                                                       .prepare = loss_backward_prepare,
                                                       .run = loss_backward_run};
