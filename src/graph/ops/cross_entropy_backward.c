/* The gradient of cross entropy: (dy, logits, labels, lse, factor, weights) -> dlogits, dlabels.
 *
 * With p = exp(x - lse), r = dy * factor of the row, smoothing e over C classes:
 *
 *     hard: dx_j = r * (((1 - e) w_y + e / C * sum w) p_j - (1 - e) w_y [j = y] - e / C * w_j)
 *     soft: dx_j = r * (((1 - e) sum t + e) p_j - (1 - e) t_j - e / C)
 *           dt_j = r * (1 - e) (lse - x_j)
 *
 * A row that is ignored gets zeros, a hard label that is no class NaN. */
#include <math.h>
#include <string.h>

#include "graph/ops/cross_entropy_int.h"

enum { DY, LOGITS, LABELS, LSE, FACTOR, WEIGHTS }; /* inputs */

static sw_status cross_entropy_backward_infer(struct sw_infer *q)
{
    for (int i = 0; i < q->n_out; i++) sw__infer_f32(q->out[i], q->in[LOGITS]->shape);
    return SW_OK;
}

static sw_status cross_entropy_backward_prepare(struct sw_step *s)
{
    const sw_shape *x = &s->in[LOGITS]->shape;
    int64_t rows = sw__rows_of(x), n = sw__last_of(x);
    s->n_phases = rows > 0 && n > 0;
    s->tasks[0] = sw__ceil_div(rows, sw__task_grain(n));
    s->flops = 12. * (double)rows * (double)n;
    s->kernel = s->k->names[SW_SLOT_cross_entropy_dx_f32];
    return SW_OK;
}

/* One row with a hard label; `total` is the sum of all class weights. */
static void hard_row(const struct sw_step *s, float *dx, const float *x, int64_t row, float r,
                     float total, int64_t n)
{
    const struct cross_entropy_attr *attr = s->attr;
    const float *w = s->in[WEIGHTS] ? s->in[WEIGHTS]->data : NULL;
    int32_t label = ((const int32_t *)s->in[LABELS]->data)[row];
    if (attr->ignore && label == attr->ignore_label) {
        memset(dx, 0, (size_t)n * sizeof *dx);
        return;
    }
    if (label < 0 || label >= n) {
        for (int64_t i = 0; i < n; i++) dx[i] = NAN;
        return;
    }
    float lse = ((const float *)s->in[LSE]->data)[row], each = attr->smoothing / (float)n;
    float own = (1 - attr->smoothing) * (w ? w[label] : 1);
    bool weighted = w && each > 0;
    s->k->cross_entropy_dx_f32(dx, x, weighted ? w : NULL, lse, r * (own + each * total), r * each,
                               weighted ? 0 : r * each, n);
    dx[label] -= r * own;
}

static void soft_row(const struct sw_step *s, float *dx, const float *x, int64_t row, float r,
                     int64_t n)
{
    const float *t = (const float *)s->in[LABELS]->data + row * n;
    float e = ((const struct cross_entropy_attr *)s->attr)->smoothing;
    float lse = ((const float *)s->in[LSE]->data)[row], total = s->k->total_f32(t, n);
    if (s->n_out > 1 && s->out[1]) /* before dx, which may stand in x */
        s->k->plane_affine_f32((float *)s->out[1]->data + row * n, x, lse, -r * (1 - e), 0, n);
    if (dx)
        s->k->cross_entropy_dx_f32(dx, x, t, lse, r * ((1 - e) * total + e), r * (1 - e),
                                   r * e / (float)n, n);
}

static void cross_entropy_backward_run(const struct sw_step *s, int phase, int64_t begin,
                                       int64_t end, void *scratch)
{
    const struct cross_entropy_attr *attr = s->attr;
    const sw_shape *shape = &s->in[LOGITS]->shape;
    int64_t n = sw__last_of(shape), from, to;
    bool hard = s->in[LABELS]->dtype == SW_I32;
    const float *dy = s->in[DY]->data, factor = *(const float *)s->in[FACTOR]->data;
    float total = s->in[WEIGHTS] ? s->k->total_f32(s->in[WEIGHTS]->data, n) : (float)n;
    (void)phase;
    (void)scratch;
    sw__step_range(sw__rows_of(shape), sw__task_grain(n), begin, end, &from, &to);
    for (int64_t row = from; row < to; row++) {
        const float *x = (const float *)s->in[LOGITS]->data + row * n;
        float *dx = s->out[0] ? (float *)s->out[0]->data + row * n : NULL;
        float r = factor * dy[attr->reduction == SW_REDUCE_NONE ? row : 0];
        if (hard && dx)
            hard_row(s, dx, x, row, r, total, n);
        else if (!hard)
            soft_row(s, dx, x, row, r, n);
    }
}

const struct sw_op_class sw__op_cross_entropy_backward = {.name = "cross_entropy_backward",
                                                          .inplace = 1u << LOGITS,
                                                          .infer = cross_entropy_backward_infer,
                                                          .prepare = cross_entropy_backward_prepare,
                                                          .run = cross_entropy_backward_run};
