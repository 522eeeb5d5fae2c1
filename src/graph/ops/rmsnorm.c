/* RMS normalisation (Zhang, Sennrich 2019) over the last axis.
 *
 *     y = x * rstd * gamma,   rstd = 1 / sqrt(avg(x^2) + eps)
 *
 * All terms of the sum of squares are positive: its relative error is at most
 * (n / lanes + log2(lanes) + 2) * eps / 2.  Output 1 is rstd of each row, for the gradient.
 * Backward, with xhat = x * rstd and g = dy * gamma:
 *
 *     dx = rstd * (g - xhat * avg(g * xhat)),   dgamma = sum over rows of dy * xhat
 *
 * An op without gamma takes a following product with a vector as gamma (fusion). */
#include <string.h>

#include "graph/ops/norm_int.h"
#include "graph/ops/attributes.h"

enum { X, GAMMA }; /* inputs */

static sw_status rmsnorm_infer(struct sw_infer *q)
{
    sw_status status = sw__infer_dtype(q, X, SW_F32);
    if (status == SW_OK) status = sw__infer_rank(q, X, 1, SW_MAX_RANK);
    if (status == SW_OK) status = sw__infer_affine(q, X, GAMMA, sw__last_of(&q->in[X]->shape));
    if (status != SW_OK) return status;
    for (int i = 0; i < 2; i++) {
        q->out[i]->dtype = SW_F32;
        q->out[i]->shape = q->in[X]->shape;
        if (i > 0) q->out[i]->shape.rank--;
    }
    return SW_OK;
}

static void rmsnorm_grad(sw_graph *g, const struct sw_op *op, sw_node *const *dy, const bool *need,
                         sw_node **dx)
{
    if (!sw__only_first_output(g, "rmsnorm", dy, 2)) return;
    sw_node *in[] = {dy[0], sw__op_in(op, X), sw__op_out(op, 1), sw__op_in(op, GAMMA)};
    sw_node *d = sw__op_add(g, &sw__op_rmsnorm_backward, NULL, 0, in, 4, 2);
    for (int i = 0; i < 2; i++)
        if (need[i]) dx[i] = sw_output(d, i);
}

static sw_status rmsnorm_prepare(struct sw_step *s)
{
    const sw_shape *x = &s->in[X]->shape;
    int64_t rows = sw__rows_of(x), n = sw__last_of(x);
    s->n_phases = rows > 0 && n > 0;
    s->tasks[0] = sw__ceil_div(rows, sw__task_grain(n));
    s->flops = 4. * (double)rows * (double)n;
    s->kernel = s->k->names[SW_SLOT_rmsnorm_f32];
    return SW_OK;
}

static void rmsnorm_run(const struct sw_step *s, int phase, int64_t begin, int64_t end,
                        void *scratch)
{
    const struct rmsnorm_attr *attr = s->attr;
    const sw_shape *x = &s->in[X]->shape;
    int64_t n = sw__last_of(x), from, to;
    sw__step_range(sw__rows_of(x), sw__task_grain(n), begin, end, &from, &to);
    float *rstd = s->out[1] ? (float *)s->out[1]->data + from : NULL;
    s->k->rmsnorm_f32((float *)s->out[0]->data + from * n, rstd,
                      (const float *)s->in[X]->data + from * n,
                      s->in[GAMMA] ? s->in[GAMMA]->data : NULL, to - from, n, attr->eps);
    (void)phase;
    (void)scratch;
}

static bool rmsnorm_accepts(const sw_shape *out, const sw_shape *vector)
{
    return vector->rank == 1 && out->rank >= 1 && vector->dim[0] == out->dim[out->rank - 1];
}

const struct sw_op_class sw__op_rmsnorm = {.name = "rmsnorm",
                                           .flags = SW_OP_CHEAP,
                                           .inplace = 1u << X,
                                           .infer = rmsnorm_infer,
                                           .grad = rmsnorm_grad,
                                           .prepare = rmsnorm_prepare,
                                           .run = rmsnorm_run,
                                           .scale = GAMMA,
                                           .accepts_scale = rmsnorm_accepts};

sw_node *sw_rmsnorm(sw_graph *g, sw_node *x, sw_node *gamma, float eps)
{
    struct rmsnorm_attr attr = {eps > 0 ? eps : 1e-6f};
    if (eps < 0) return sw__graph_poison(g, SW_ERR_ARGUMENT, "rmsnorm: eps %g < 0", (double)eps);
    return sw__op_add(g, &sw__op_rmsnorm, &attr, sizeof attr, (sw_node *[]){x, gamma}, 2, 2);
}

/* ---- backward: (dy, x, rstd, gamma) -> dx, dgamma ---------------------------------------------- */

enum { B_DY, B_X, B_RSTD, B_GAMMA };

static sw_status rmsnorm_backward_infer(struct sw_infer *q)
{
    sw__infer_f32(q->out[0], q->in[B_X]->shape);
    sw__infer_f32(q->out[1], SW_SHAPE(sw__last_of(&q->in[B_X]->shape)));
    return SW_OK;
}

/* Phase 0: a chunk of rows a task: dx, and partial sums [chunk][n].  Phase 1: add the partials. */
static sw_status rmsnorm_backward_prepare(struct sw_step *s)
{
    const sw_shape *x = &s->in[B_X]->shape;
    int64_t rows = sw__rows_of(x), n = sw__last_of(x);
    s->n_phases = n == 0 ? 0 : s->out[1] ? 2 : rows > 0;
    s->tasks[0] = sw__chunk_count(rows);
    s->tasks[1] = sw__ceil_div(n, SW_FOLD_COLUMNS);
    s->workspace = s->out[1] ? (size_t)(sw__chunk_space(rows) * n) * sizeof(float) : 0;
    s->flops = 11. * (double)rows * (double)n;
    s->kernel = s->k->names[SW_SLOT_rmsnorm_backward_f32];
    return SW_OK;
}

static void rmsnorm_backward_run(const struct sw_step *s, int phase, int64_t begin, int64_t end,
                                 void *scratch)
{
    const sw_shape *x = &s->in[B_X]->shape;
    int64_t rows = sw__rows_of(x), n = sw__last_of(x), step = sw__chunk_rows(rows);
    (void)scratch;
    if (phase == 1) {
        int64_t from, to;
        sw__step_range(n, SW_FOLD_COLUMNS, begin, end, &from, &to);
        s->k->fold_rows_f32((float *)s->out[1]->data + from, (const float *)s->ws + from,
                            sw__chunk_count(rows), n, to - from);
        return;
    }
    for (int64_t chunk = begin; chunk < end; chunk++) {
        int64_t from = chunk * step, count = sw__min64(step, rows - from);
        float *dgamma = s->out[1] ? (float *)s->ws + chunk * n : NULL;
        if (dgamma) memset(dgamma, 0, (size_t)n * sizeof *dgamma);
        s->k->rmsnorm_backward_f32(s->out[0] ? (float *)s->out[0]->data + from * n : NULL, dgamma,
                                   (const float *)s->in[B_DY]->data + from * n,
                                   (const float *)s->in[B_X]->data + from * n,
                                   (const float *)s->in[B_RSTD]->data + from,
                                   s->in[B_GAMMA] ? s->in[B_GAMMA]->data : NULL, count, n);
    }
}

const struct sw_op_class sw__op_rmsnorm_backward = {.name = "rmsnorm_backward",
                                                    .inplace = 1u << B_DY | 1u << B_X,
                                                    .infer = rmsnorm_backward_infer,
                                                    .prepare = rmsnorm_backward_prepare,
                                                    .run = rmsnorm_backward_run};
