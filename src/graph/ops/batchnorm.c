/* Batch normalisation (Ioffe, Szegedy 2015): x (N,C,...), one mean and variance a channel.
 *
 *     y = (x - mean) * rstd * gamma + beta,   rstd = 1 / sqrt(var + eps)
 *
 * Two classes: `batchnorm` takes the running statistics as they are; `batchnorm_training` takes those
 * of the batch, moves the running ones, and hands mean and rstd to its gradient as outputs 1 and 2.
 * Both make one scale a channel first (phase 0), then y = (x - mean) * scale + beta over all planes
 * (phase 1).  The mean is subtracted and not folded into the shift: the result then has no
 * cancellation where |mean| is large, and the speed is that of memory either way.
 *
 * Statistics, in f32: the mean and the sum of squares about it of each plane, in two passes over the
 * plane, which stays in the cache; then the planes of all pictures are combined as Chan, Golub and
 * LeVeque 1983 do, for equal counts S:
 *
 *     mean = avg(mean_i),   M2 = sum M2_i + S * sum (mean_i - mean)^2
 *
 * All terms are squares, nothing cancels: the relative error of M2 is at most
 * ((S + N) / lanes + 2 log2(lanes) + 4) * eps, plus what the rounding of the plane's own mean adds,
 * (eps * mean)^2 * S, a second-order term.  A task is a fixed group of channels, so that the bits do
 * not depend on the number of threads.
 *
 * The gradient is in batchnorm_backward.c. */
#include <math.h>

#include "graph/ops/activation.h"
#include "graph/ops/batchnorm_int.h"

enum { X, GAMMA, BETA, MEAN, VARIANCE }; /* inputs */

static sw_status infer_operands(struct sw_infer *q)
{
    sw_status status = sw__infer_dtype(q, X, SW_F32);
    if (status == SW_OK) status = sw__infer_rank(q, X, 2, SW_MAX_RANK);
    for (int i = GAMMA; i <= VARIANCE && status == SW_OK; i++)
        status = sw__infer_affine(q, X, i, q->in[X]->shape.dim[1]);
    return status;
}

static sw_status batchnorm_infer(struct sw_infer *q)
{
    sw_status status = infer_operands(q);
    if (status == SW_OK) sw__infer_f32(q->out[0], q->in[X]->shape);
    return status;
}

static sw_status batchnorm_training_infer(struct sw_infer *q)
{
    sw_status status = infer_operands(q);
    if (status != SW_OK) return status;
    sw__infer_f32(q->out[0], q->in[X]->shape);
    sw__infer_f32(q->out[1], SW_SHAPE(q->in[X]->shape.dim[1]));
    sw__infer_f32(q->out[2], SW_SHAPE(q->in[X]->shape.dim[1]));
    return SW_OK;
}

static void append_backward(sw_graph *g, const struct sw_op *op, sw_node *dy, sw_node *mean,
                            sw_node *second, bool training, const bool *need, sw_node **dx)
{
    const struct batchnorm_attr *attr = sw__op_attr(op);
    struct batchnorm_backward_attr b = {attr->eps, training};
    sw_node *in[] = {dy, sw__op_in(op, X), mean, second, sw__op_in(op, GAMMA)};
    sw_node *d = sw__op_add(g, &sw__op_batchnorm_backward, &b, sizeof b, in, 5, 3);
    for (int i = 0; i < 3; i++)
        if (need[i]) dx[i] = sw_output(d, i);
}

static void batchnorm_grad(sw_graph *g, const struct sw_op *op, sw_node *const *dy,
                           const bool *need, sw_node **dx)
{
    if (need[MEAN] || need[VARIANCE]) {
        sw__graph_poison(g, SW_ERR_UNSUPPORTED, "batchnorm: no gradient of running statistics");
        return;
    }
    append_backward(g, op, dy[0], sw__op_in(op, MEAN), sw__op_in(op, VARIANCE), false, need, dx);
}

static void batchnorm_training_grad(sw_graph *g, const struct sw_op *op, sw_node *const *dy,
                                    const bool *need, sw_node **dx)
{
    if (!sw__only_first_output(g, "batchnorm_training", dy, 3)) return;
    append_backward(g, op, dy[0], sw__op_out(op, 1), sw__op_out(op, 2), true, need, dx);
}

/* Phase 0: channels, phase 1: planes.  Workspace: scale and shift, mean when nobody asks for it. */
static sw_status batchnorm_prepare(struct sw_step *s)
{
    const sw_shape *x = &s->in[X]->shape;
    int64_t pictures = x->dim[0], channels = x->dim[1], plane = sw__plane_of(x);
    bool training = s->cls == &sw__op_batchnorm_training;
    s->n_phases = channels > 0 ? 2 : 0;
    s->tasks[0] = training ? sw__ceil_div(channels, sw__channel_grain(plane)) : 1;
    s->tasks[1] = sw__affine_tasks(pictures, channels, plane);
    s->workspace = (size_t)(3 * channels) * sizeof(float);
    s->scratch = training ? (size_t)(2 * pictures) * sizeof(float) : 0;
    s->flops = (training ? 7. : 3.) * (double)(pictures * channels * plane);
    s->bytes = (training ? 12. : 8.) * (double)(pictures * channels * plane);
    s->kernel = s->k->names[plane > 1 ? SW_SLOT_plane_affine_f32 : SW_SLOT_row_affine_f32];
    return SW_OK;
}

/* Mean and biased variance of channel c over all pictures. */
static void channel_moments(const struct sw_step *s, int64_t c, float *scratch, float *mean,
                            float *variance)
{
    const sw_shape *x = &s->in[X]->shape;
    int64_t pictures = x->dim[0], channels = x->dim[1], plane = sw__plane_of(x);
    float *means = scratch, *m2s = scratch + pictures, between;
    *mean = *variance = 0;
    if (pictures == 0 || plane == 0) return;
    s->k->moments_f32(means, m2s, (const float *)s->in[X]->data + c * plane, pictures,
                      channels * plane, plane);
    s->k->moments_f32(mean, &between, means, 1, 0, pictures);
    float m2 = s->k->total_f32(m2s, pictures) + (float)plane * between;
    *variance = m2 / (float)(pictures * plane);
}

static void batch_statistics(const struct sw_step *s, int64_t begin, int64_t end, float *scratch)
{
    const struct batchnorm_attr *attr = s->attr;
    const sw_shape *x = &s->in[X]->shape;
    int64_t channels = x->dim[1], from, to, count = x->dim[0] * sw__plane_of(x);
    float *running_mean = s->in[MEAN]->data, *running_variance = s->in[VARIANCE]->data;
    float *scale = s->ws, *means = s->out[1] ? s->out[1]->data : scale + 2 * channels;
    sw__step_range(channels, sw__channel_grain(sw__plane_of(x)), begin, end, &from, &to);
    for (int64_t c = from; c < to; c++) {
        float variance;
        channel_moments(s, c, scratch, &means[c], &variance);
        float rstd = 1 / sqrtf(variance + attr->eps);
        if (s->out[2]) ((float *)s->out[2]->data)[c] = rstd;
        scale[c] = s->in[GAMMA] ? rstd * ((const float *)s->in[GAMMA]->data)[c] : rstd;
        if (count == 0) continue;
        float unbiased = count > 1 ? variance * ((float)count / (float)(count - 1)) : variance;
        running_mean[c] += attr->momentum * (means[c] - running_mean[c]);
        running_variance[c] += attr->momentum * (unbiased - running_variance[c]);
    }
}

static void running_statistics(const struct sw_step *s)
{
    const struct batchnorm_attr *attr = s->attr;
    const float *variance = s->in[VARIANCE]->data;
    const float *gamma = s->in[GAMMA] ? s->in[GAMMA]->data : NULL;
    float *scale = s->ws;
    for (int64_t c = 0; c < s->in[X]->shape.dim[1]; c++) {
        float rstd = 1 / sqrtf(variance[c] + attr->eps);
        scale[c] = gamma ? rstd * gamma[c] : rstd;
    }
}

static void batchnorm_run(const struct sw_step *s, int phase, int64_t begin, int64_t end,
                          void *scratch)
{
    const sw_shape *x = &s->in[X]->shape;
    int64_t pictures = x->dim[0], channels = x->dim[1], plane = sw__plane_of(x);
    bool training = s->cls == &sw__op_batchnorm_training;
    float *scale = s->ws, *zeros = scale + channels, *spare = scale + 2 * channels;
    if (phase == 0) {
        if (training)
            batch_statistics(s, begin, end, scratch);
        else
            running_statistics(s);
        if (begin == 0 && !s->in[BETA])
            for (int64_t c = 0; c < channels; c++) zeros[c] = 0;
        return;
    }
    const float *shift = s->in[BETA] ? s->in[BETA]->data : zeros;
    const float *mean = !training ? s->in[MEAN]->data : s->out[1] ? s->out[1]->data : spare;
    const float *in = s->in[X]->data;
    float *out = s->out[0]->data;
    int64_t from, to;
    sw__affine_range(pictures, channels, plane, begin, end, &from, &to);
    if (plane == 1) {
        s->k->row_affine_f32(out + from * channels, in + from * channels, mean, scale, shift,
                             to - from, channels);
        sw__apply_act(s->k, s->act, out + from * channels, (to - from) * channels);
        return;
    }
    for (int64_t p = from; p < to; p++) {
        int64_t c = p % channels;
        s->k->plane_affine_f32(out + p * plane, in + p * plane, mean[c], scale[c], shift[c], plane);
        sw__apply_act(s->k, s->act, out + p * plane, plane);
    }
}

const struct sw_op_class sw__op_batchnorm = {.name = "batchnorm",
                                             .flags = SW_OP_CHEAP | SW_OP_FUSE_ACT,
                                             .inplace = 1u << X,
                                             .infer = batchnorm_infer,
                                             .grad = batchnorm_grad,
                                             .prepare = batchnorm_prepare,
                                             .run = batchnorm_run};

const struct sw_op_class sw__op_batchnorm_training = {.name = "batchnorm_training",
                                                      .flags = SW_OP_FUSE_ACT,
                                                      .inplace = 1u << X,
                                                      .mutates = 1u << MEAN | 1u << VARIANCE,
                                                      .infer = batchnorm_training_infer,
                                                      .grad = batchnorm_training_grad,
                                                      .prepare = batchnorm_prepare,
                                                      .run = batchnorm_run};

sw_node *sw_batchnorm(sw_graph *g, sw_node *x, sw_node *gamma, sw_node *beta, sw_node *mean,
                      sw_node *variance, sw_batchnorm_options o)
{
    struct batchnorm_attr attr = {o.eps > 0 ? o.eps : 1e-5f, o.momentum > 0 ? o.momentum : 0.1f};
    sw_node *in[] = {x, gamma, beta, mean, variance};
    if (!mean || !variance)
        return sw__graph_poison(g, SW_ERR_ARGUMENT, "batchnorm: needs running mean and variance");
    if (o.eps < 0 || o.momentum < 0 || o.momentum > 1)
        return sw__graph_poison(g, SW_ERR_ARGUMENT, "batchnorm: eps %g, momentum %g", (double)o.eps,
                                (double)o.momentum);
    if (!o.training) return sw__op_add(g, &sw__op_batchnorm, &attr, sizeof attr, in, 5, 1);
    return sw__op_add(g, &sw__op_batchnorm_training, &attr, sizeof attr, in, 5, 3);
}
