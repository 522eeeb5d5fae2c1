/* Cross entropy of logits against labels, in one op: no softmax is stored.
 *
 * A row x of C logits with lse = log(sum exp(x)) has log-probabilities x - lse.  Its loss is
 *
 *     hard label y:  (1 - e) w_y (lse - x_y) + e / C * sum w_j (lse - x_j)
 *     soft labels t: (1 - e) sum t_j (lse - x_j) + e / C * sum (lse - x_j)
 *
 * with class weights w (1 when absent) and label smoothing e (Szegedy et al. 2016, section 7).  A
 * soft label of 0 counts 0 even where x_j is -inf.  The mean divides by the sum of w_y over the rows
 * that count (hard) or by the number of rows (soft); the mean over nothing is 0, with gradient 0, so
 * that a batch whose labels are all ignored moves nothing.
 *
 * Phase 0: rows; phase 1: one task adds the rows in an order that depends on their number only.
 * Output 1 is lse of each row, output 2 the factor that the reduction puts on a row; both are for the
 * gradient, which is cross_entropy_backward.c. */
#include <math.h>

#include "graph/ops/cross_entropy_int.h"

enum { LOGITS, LABELS, WEIGHTS }; /* inputs */

static sw_status infer_labels(struct sw_infer *q)
{
    const sw_shape *x = &q->in[LOGITS]->shape, *t = &q->in[LABELS]->shape;
    sw_shape rows = *x;
    rows.rank--;
    if (q->in[LABELS]->dtype == SW_I32) {
        if (sw_shape_equal(t, &rows)) return SW_OK;
        return sw__infer_mismatch(q, LOGITS, LABELS, "hard labels have no axis of classes");
    }
    if (q->in[LABELS]->dtype != SW_F32)
        return sw__infer_fail(q, SW_ERR_DTYPE, "labels are %s, not i32 or f32",
                              sw_dtype_get(q->in[LABELS]->dtype)->name);
    if (!sw_shape_equal(t, x))
        return sw__infer_mismatch(q, LOGITS, LABELS, "soft labels have the shape of the logits");
    if (q->in[WEIGHTS])
        return sw__infer_fail(q, SW_ERR_ARGUMENT, "class weights go with hard labels only");
    return SW_OK;
}

static sw_status cross_entropy_infer(struct sw_infer *q)
{
    const struct cross_entropy_attr *attr = q->attr;
    sw_status status = sw__infer_dtype(q, LOGITS, SW_F32);
    if (status == SW_OK) status = sw__infer_rank(q, LOGITS, 1, SW_MAX_RANK);
    if (status == SW_OK) status = infer_labels(q);
    if (status == SW_OK)
        status = sw__infer_affine(q, LOGITS, WEIGHTS, sw__last_of(&q->in[LOGITS]->shape));
    if (status != SW_OK) return status;
    sw_shape rows = q->in[LOGITS]->shape, scalar = {0};
    rows.rank--;
    sw__infer_f32(q->out[0], attr->reduction == SW_REDUCE_NONE ? rows : scalar);
    sw__infer_f32(q->out[1], rows);
    sw__infer_f32(q->out[2], scalar);
    return SW_OK;
}

static void cross_entropy_grad(sw_graph *g, const struct sw_op *op, sw_node *const *dy,
                               const bool *need, sw_node **dx)
{
    if (!sw__only_first_output(g, "cross_entropy", dy, 3)) return;
    if (need[WEIGHTS]) {
        sw__graph_poison(g, SW_ERR_UNSUPPORTED, "cross_entropy: no gradient of class weights");
        return;
    }
    bool soft = sw_node_dtype(sw__op_in(op, LABELS)) == SW_F32;
    sw_node *in[] = {dy[0],
                     sw__op_in(op, LOGITS),
                     sw__op_in(op, LABELS),
                     sw__op_out(op, 1),
                     sw__op_out(op, 2),
                     sw__op_in(op, WEIGHTS)};
    sw_node *d = sw__op_add(g, &sw__op_cross_entropy_backward, sw__op_attr(op),
                            sizeof(struct cross_entropy_attr), in, 6, soft ? 2 : 1);
    if (need[LOGITS]) dx[LOGITS] = sw_output(d, 0);
    if (need[LABELS] && soft) dx[LABELS] = sw_output(d, 1);
}

/* Workspace: the loss of each row, then its weight in the mean. */
static sw_status cross_entropy_prepare(struct sw_step *s)
{
    const struct cross_entropy_attr *attr = s->attr;
    const sw_shape *x = &s->in[LOGITS]->shape;
    int64_t rows = sw__rows_of(x), n = sw__last_of(x);
    s->n_phases = 2;
    s->tasks[0] = sw__ceil_div(rows, sw__task_grain(n));
    s->tasks[1] = attr->reduction != SW_REDUCE_NONE || s->out[2];
    s->workspace = (size_t)(2 * rows) * sizeof(float);
    s->flops = 12. * (double)rows * (double)n;
    s->kernel = s->k->names[SW_SLOT_logsumexp_f32];
    return SW_OK;
}

/* The loss of one row with a hard label, and its weight. */
static float hard_loss(const struct sw_step *s, const float *x, int32_t label, float lse, int64_t n,
                       float *weight)
{
    const struct cross_entropy_attr *attr = s->attr;
    const float *w = s->in[WEIGHTS] ? s->in[WEIGHTS]->data : NULL;
    *weight = 1;
    if (label < 0 || label >= n) return NAN;
    *weight = w ? w[label] : 1;
    float loss = *weight * (lse - x[label]), e = attr->smoothing;
    if (e == 0) return loss;
    return (1 - e) * loss + e / (float)n * s->k->cross_entropy_gap_f32(x, w, lse, n);
}

static float soft_loss(const struct sw_step *s, const float *x, const float *t, float lse,
                       int64_t n)
{
    float e = ((const struct cross_entropy_attr *)s->attr)->smoothing;
    float loss = s->k->cross_entropy_gap_f32(x, t, lse, n);
    if (e == 0) return loss;
    return (1 - e) * loss + e / (float)n * s->k->cross_entropy_gap_f32(x, NULL, lse, n);
}

static void run_rows(const struct sw_step *s, int64_t begin, int64_t end)
{
    const struct cross_entropy_attr *attr = s->attr;
    const sw_shape *shape = &s->in[LOGITS]->shape;
    int64_t rows = sw__rows_of(shape), n = sw__last_of(shape), from, to;
    const int32_t *hard = s->in[LABELS]->dtype == SW_I32 ? s->in[LABELS]->data : NULL;
    float *losses = attr->reduction == SW_REDUCE_NONE ? s->out[0]->data : s->ws;
    float *weights = (float *)s->ws + rows;
    sw__step_range(rows, sw__task_grain(n), begin, end, &from, &to);
    for (int64_t r = from; r < to; r++) {
        const float *x = (const float *)s->in[LOGITS]->data + r * n;
        float lse = 0;
        losses[r] = weights[r] = 0;
        if (!(hard && attr->ignore && hard[r] == attr->ignore_label)) {
            s->k->logsumexp_f32(&lse, x, 1, n);
            weights[r] = 1;
            losses[r] = hard ? hard_loss(s, x, hard[r], lse, n, &weights[r])
                             : soft_loss(s, x, (const float *)s->in[LABELS]->data + r * n, lse, n);
        }
        if (s->out[1]) ((float *)s->out[1]->data)[r] = lse;
    }
}

static void cross_entropy_run(const struct sw_step *s, int phase, int64_t begin, int64_t end,
                              void *scratch)
{
    const struct cross_entropy_attr *attr = s->attr;
    (void)scratch;
    if (phase == 0) {
        run_rows(s, begin, end);
        return;
    }
    int64_t rows = sw__rows_of(&s->in[LOGITS]->shape);
    float factor = 1;
    if (attr->reduction == SW_REDUCE_MEAN) {
        float weight = s->k->total_f32((const float *)s->ws + rows, rows);
        factor = weight > 0 ? 1 / weight : 0;
    }
    if (s->out[2]) *(float *)s->out[2]->data = factor;
    if (attr->reduction != SW_REDUCE_NONE)
        *(float *)s->out[0]->data = s->k->total_f32(s->ws, rows) * factor;
}

const struct sw_op_class sw__op_cross_entropy = {.name = "cross_entropy",
                                                 .infer = cross_entropy_infer,
                                                 .grad = cross_entropy_grad,
                                                 .prepare = cross_entropy_prepare,
                                                 .run = cross_entropy_run};

sw_node *sw_cross_entropy(sw_graph *g, sw_node *logits, sw_node *labels, sw_cross_entropy_options o)
{
    struct cross_entropy_attr attr = {o.reduction, o.ignore, o.ignore_label, o.label_smoothing};
    if (!(o.label_smoothing >= 0 && o.label_smoothing <= 1))
        return sw__graph_poison(g, SW_ERR_ARGUMENT, "cross_entropy: label smoothing %g",
                                (double)o.label_smoothing);
    if (o.reduction < SW_REDUCE_MEAN || o.reduction > SW_REDUCE_NONE)
        return sw__graph_poison(g, SW_ERR_ARGUMENT, "cross_entropy: reduction %d",
                                (int)o.reduction);
    return sw__op_add(g, &sw__op_cross_entropy, &attr, sizeof attr,
                      (sw_node *[]){logits, labels, o.class_weights}, 3, 3);
}
