/* The norm of many tensors together, and the factor by which an update takes a gradient.
 *
 * A norm is summed in two phases: each task squares and sums SW_GRAIN elements of one tensor in f64,
 * then one task adds the parts in their order.  Where the parts end depends on shapes only.  An op
 * takes a limited number of operands, so many tensors make a chain of ops, each of which starts from
 * the sum of the one before. */
#include <swell/train.h>
#include "graph/op.h"

#include <math.h>
#include "base/size.h"

/* ---- global norm ------------------------------------------------------------------------------- */

struct norm_attr {
    int root; /* the last of a chain: take the square root */
};

enum { NORM_EARLIER, NORM_FIRST }; /* operands: the sum so far, or absent; then tensors */

static sw_status norm_infer(struct sw_infer *q)
{
    for (int i = 0; i < q->n_in; i++) {
        if (i == NORM_EARLIER && !q->in[i]) continue;
        sw_status status = sw__infer_dtype(q, i, SW_F32);
        if (status != SW_OK) return status;
    }
    q->out[0]->dtype = SW_F32;
    q->out[0]->shape = (sw_shape){0};
    return SW_OK;
}

static int64_t norm_parts(const struct sw_step *s, int i)
{
    return sw__ceil_div(sw_shape_elements(&s->in[i]->shape), SW_GRAIN);
}

static sw_status norm_prepare(struct sw_step *s)
{
    int64_t parts = 0;
    s->flops = 0;
    for (int i = NORM_FIRST; i < s->n_in; i++) {
        parts += norm_parts(s, i);
        s->flops += 2 * (double)sw_shape_elements(&s->in[i]->shape);
    }
    s->n_phases = 2;
    s->tasks[0] = parts;
    s->tasks[1] = 1;
    s->workspace = (size_t)parts * sizeof(double);
    s->kernel = s->k->names[SW_SLOT_sum_squares_f32];
    return SW_OK;
}

static void norm_part(const struct sw_step *s, int64_t task)
{
    int64_t part = task;
    int i = NORM_FIRST;
    while (part >= norm_parts(s, i)) part -= norm_parts(s, i++);
    int64_t n = sw_shape_elements(&s->in[i]->shape), from = part * SW_GRAIN;
    ((double *)s->ws)[task] = s->k->sum_squares_f32((const float *)s->in[i]->data + from,
                                                    sw__min64(n - from, SW_GRAIN));
}

static void norm_run(const struct sw_step *s, int phase, int64_t begin, int64_t end, void *scratch)
{
    if (phase == 0) {
        for (int64_t t = begin; t < end; t++) norm_part(s, t);
        return;
    }
    double sum = s->in[NORM_EARLIER] ? (double)*(const float *)s->in[NORM_EARLIER]->data : 0;
    for (int64_t t = 0; t < s->tasks[0]; t++) sum += ((const double *)s->ws)[t];
    bool root = ((const struct norm_attr *)s->attr)->root;
    *(float *)s->out[0]->data = (float)(root ? sqrt(sum) : sum);
}

const struct sw_op_class sw__op_global_norm = {
    .name = "global_norm", .infer = norm_infer, .prepare = norm_prepare, .run = norm_run};

sw_node *sw_global_norm(sw_graph *g, sw_node *const *x, int n)
{
    sw_node *sum = NULL;
    if (n < 1) return sw__graph_poison(g, SW_ERR_ARGUMENT, "global_norm: of %d tensors", n);
    for (int i = 0; i < n;) {
        sw_node *in[SW_MAX_INPUTS] = {sum};
        int n_in = NORM_FIRST;
        while (i < n && n_in < SW_MAX_INPUTS) in[n_in++] = x[i++];
        struct norm_attr attr = {i == n};
        sum = sw__op_add(g, &sw__op_global_norm, &attr, sizeof attr, in, n_in, 1);
    }
    return sum;
}

/* ---- the factor of an update ------------------------------------------------------------------- */

struct scale_attr {
    float clip, factor;
};

enum { SCALE_LOSS, SCALE_NORM, SCALE_N_IN };

static sw_status scale_infer(struct sw_infer *q)
{
    char text[SW_SHAPE_TEXT];
    for (int i = 0; i < q->n_in; i++) {
        if (!q->in[i]) continue;
        sw_status status = sw__infer_dtype(q, i, SW_F32);
        if (status != SW_OK) return status;
        if (sw_shape_elements(&q->in[i]->shape) != 1)
            return sw__infer_fail(q, SW_ERR_SHAPE, "operand %d is %s, not one element", i,
                                  sw_shape_text(&q->in[i]->shape, text));
    }
    q->out[0]->dtype = SW_F32;
    q->out[0]->shape = (sw_shape){0};
    return SW_OK;
}

static sw_status scale_prepare(struct sw_step *s)
{
    s->n_phases = 1;
    s->tasks[0] = 1;
    s->kernel = "scalar";
    return SW_OK;
}

static void scale_run(const struct sw_step *s, int phase, int64_t begin, int64_t end, void *scratch)
{
    const struct scale_attr *a = s->attr;
    float loss = s->in[SCALE_LOSS] ? *(const float *)s->in[SCALE_LOSS]->data : 0;
    float norm = s->in[SCALE_NORM] ? *(const float *)s->in[SCALE_NORM]->data : 0;
    float *y = s->out[0]->data;
    if (!isfinite(loss) || !isfinite(norm))
        *y = NAN;
    else
        *y = a->clip > 0 && norm > a->clip ? a->factor * (a->clip / norm) : a->factor;
}

const struct sw_op_class sw__op_update_scale = {
    .name = "update_scale", .infer = scale_infer, .prepare = scale_prepare, .run = scale_run};

sw_node *sw_update_scale(sw_graph *g, sw_node *loss, sw_node *norm, float clip, float factor)
{
    struct scale_attr attr = {clip, factor};
    sw_node *in[SCALE_N_IN] = {loss, norm};
    if (clip > 0 && !norm)
        return sw__graph_poison(g, SW_ERR_ARGUMENT, "update_scale: nothing to clip without a norm");
    return sw__op_add(g, &sw__op_update_scale, &attr, sizeof attr, in, SCALE_N_IN, 1);
}
