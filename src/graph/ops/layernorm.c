/* Layer normalisation (Ba, Kiros, Hinton 2016) over the last axis.
 *
 *     y = (x - mean) * rstd * gamma + beta,   rstd = 1 / sqrt(var + eps)
 *
 * Statistics are made in f32 in two passes over the row, which stays in the first cache: the mean,
 * then the mean of (x - mean)^2.  With L lanes (norm_kernels.h) the mean's error is at most
 * (n / L + log2(L) + 1) * eps / 2 * avg|x|, the variance's relative error the same factor of eps,
 * and there is no cancellation of large squares.
 *
 * Outputs 1 and 2 are mean and rstd of each row, for the gradient; without one nobody reads them and
 * they are not made.  Backward, with xhat = (x - mean) * rstd and g = dy * gamma:
 *
 *     dx = rstd * (g - avg(g) - xhat * avg(g * xhat))
 *     dgamma = sum over rows of dy * xhat,  dbeta = sum over rows of dy
 *
 * An op without gamma takes a following product with a vector as gamma, and one without beta a
 * following addition as beta (fusion), as imported models write it. */
#include <string.h>

#include "graph/ops/norm_int.h"
#include "graph/ops/attributes.h"

enum { X, GAMMA, BETA }; /* inputs */

static sw_status layernorm_infer(struct sw_infer *q)
{
    sw_status status = sw__infer_dtype(q, X, SW_F32);
    if (status == SW_OK) status = sw__infer_rank(q, X, 1, SW_MAX_RANK);
    int64_t n = status == SW_OK ? sw__last_of(&q->in[X]->shape) : 0;
    if (status == SW_OK) status = sw__infer_affine(q, X, GAMMA, n);
    if (status == SW_OK) status = sw__infer_affine(q, X, BETA, n);
    if (status != SW_OK) return status;
    for (int i = 0; i < 3; i++) {
        q->out[i]->dtype = SW_F32;
        q->out[i]->shape = q->in[X]->shape;
        if (i > 0) q->out[i]->shape.rank--;
    }
    return SW_OK;
}

static void layernorm_grad(sw_graph *g, const struct sw_op *op, sw_node *const *dy,
                           const bool *need, sw_node **dx)
{
    if (!sw__only_first_output(g, "layernorm", dy, 3)) return;
    sw_node *in[] = {dy[0], sw__op_in(op, X), sw__op_out(op, 1), sw__op_out(op, 2),
                     sw__op_in(op, GAMMA)};
    sw_node *d = sw__op_add(g, &sw__op_layernorm_backward, NULL, 0, in, 5, 3);
    for (int i = 0; i < 3; i++)
        if (need[i]) dx[i] = sw_output(d, i);
}

static sw_status layernorm_prepare(struct sw_step *s)
{
    const sw_shape *x = &s->in[X]->shape;
    int64_t rows = sw__rows_of(x), n = sw__last_of(x);
    s->n_phases = rows > 0 && n > 0;
    s->tasks[0] = sw__ceil_div(rows, sw__task_grain(n));
    s->task_bytes = sw__odd_row_bytes(n);
    s->flops = 8. * (double)rows * (double)n;
    s->kernel = s->k->names[SW_SLOT_layernorm_f32];
    return SW_OK;
}

static void layernorm_run(const struct sw_step *s, int phase, int64_t begin, int64_t end,
                          void *scratch)
{
    const struct layernorm_attr *attr = s->attr;
    const sw_shape *x = &s->in[X]->shape;
    int64_t n = sw__last_of(x), from, to;
    sw__step_range(sw__rows_of(x), sw__task_grain(n), begin, end, &from, &to);
    float *mean = s->out[1] ? (float *)s->out[1]->data + from : NULL;
    float *rstd = s->out[2] ? (float *)s->out[2]->data + from : NULL;
    const float *gamma = s->in[GAMMA] ? s->in[GAMMA]->data : NULL;
    const float *beta = s->in[BETA] ? s->in[BETA]->data : NULL;
    s->k->layernorm_f32((float *)s->out[0]->data + from * n, mean, rstd,
                        (const float *)s->in[X]->data + from * n, gamma, beta, to - from, n,
                        attr->eps, sw__rows_stream(s));
    (void)phase;
    (void)scratch;
}

const struct sw_op_class sw__op_layernorm = {.name = "layernorm",
                                             .flags = SW_OP_CHEAP,
                                             .inplace = 1u << X,
                                             .infer = layernorm_infer,
                                             .grad = layernorm_grad,
                                             .prepare = layernorm_prepare,
                                             .run = layernorm_run,
                                             .scale = GAMMA,
                                             .bias = BETA,
                                             .accepts_scale = sw__accepts_last_axis,
                                             .accepts_bias = sw__accepts_last_axis};

sw_node *sw_layernorm(sw_graph *g, sw_node *x, sw_node *gamma, sw_node *beta, float eps)
{
    struct layernorm_attr attr = {eps > 0 ? eps : 1e-5f};
    if (eps < 0) return sw__graph_poison(g, SW_ERR_ARGUMENT, "layernorm: eps %g < 0", (double)eps);
    return sw__op_add(g, &sw__op_layernorm, &attr, sizeof attr, (sw_node *[]){x, gamma, beta}, 3,
                      3);
}

/* ---- backward: (dy, x, mean, rstd, gamma) -> dx, dgamma, dbeta --------------------------------- */

enum { B_DY, B_X, B_MEAN, B_RSTD, B_GAMMA };

static sw_status layernorm_backward_infer(struct sw_infer *q)
{
    int64_t n = sw__last_of(&q->in[B_X]->shape);
    sw__infer_f32(q->out[0], q->in[B_X]->shape);
    sw__infer_f32(q->out[1], SW_SHAPE(n));
    sw__infer_f32(q->out[2], SW_SHAPE(n));
    return SW_OK;
}

/* Phase 0: a chunk of rows a task: dx, and partial sums [chunk][2][n].  Phase 1: add the partials. */
static sw_status layernorm_backward_prepare(struct sw_step *s)
{
    const sw_shape *x = &s->in[B_X]->shape;
    int64_t rows = sw__rows_of(x), n = sw__last_of(x);
    bool sums = s->out[1] || s->out[2];
    s->n_phases = n == 0 ? 0 : sums ? 2 : rows > 0;
    s->tasks[0] = sw__chunk_count(rows);
    s->tasks[1] = sw__ceil_div(n, SW_FOLD_COLUMNS);
    s->workspace = sums ? (size_t)(sw__chunk_space(rows) * 2 * n) * sizeof(float) : 0;
    s->flops = 15. * (double)rows * (double)n;
    s->kernel = s->k->names[SW_SLOT_layernorm_backward_f32];
    return SW_OK;
}

static void fold(const struct sw_step *s, int64_t begin, int64_t end)
{
    int64_t n = sw__last_of(&s->in[B_X]->shape), from, to;
    int64_t chunks = sw__chunk_count(sw__rows_of(&s->in[B_X]->shape));
    sw__step_range(n, SW_FOLD_COLUMNS, begin, end, &from, &to);
    for (int i = 0; i < 2; i++)
        if (s->out[1 + i])
            s->k->fold_rows_f32((float *)s->out[1 + i]->data + from,
                                (const float *)s->ws + i * n + from, chunks, 2 * n, to - from);
}

static void layernorm_backward_run(const struct sw_step *s, int phase, int64_t begin, int64_t end,
                                   void *scratch)
{
    (void)scratch;
    if (phase == 1) {
        fold(s, begin, end);
        return;
    }
    const sw_shape *x = &s->in[B_X]->shape;
    int64_t rows = sw__rows_of(x), n = sw__last_of(x), step = sw__chunk_rows(rows);
    const float *gamma = s->in[B_GAMMA] ? s->in[B_GAMMA]->data : NULL;
    for (int64_t chunk = begin; chunk < end; chunk++) {
        int64_t from = chunk * step, count = sw__min64(step, rows - from);
        float *dgamma = s->ws && s->out[1] ? (float *)s->ws + chunk * 2 * n : NULL;
        float *dbeta = s->ws && s->out[2] ? (float *)s->ws + chunk * 2 * n + n : NULL;
        if (dgamma) memset(dgamma, 0, (size_t)n * sizeof *dgamma);
        if (dbeta) memset(dbeta, 0, (size_t)n * sizeof *dbeta);
        s->k->layernorm_backward_f32(s->out[0] ? (float *)s->out[0]->data + from * n : NULL, dgamma,
                                     dbeta, (const float *)s->in[B_DY]->data + from * n,
                                     (const float *)s->in[B_X]->data + from * n,
                                     (const float *)s->in[B_MEAN]->data + from,
                                     (const float *)s->in[B_RSTD]->data + from, gamma, count, n);
    }
}

const struct sw_op_class sw__op_layernorm_backward = {.name = "layernorm_backward",
                                                      .inplace = 1u << B_DY | 1u << B_X,
                                                      .infer = layernorm_backward_infer,
                                                      .prepare = layernorm_backward_prepare,
                                                      .run = layernorm_backward_run};
