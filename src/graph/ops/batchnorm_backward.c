/* The gradient of batch normalisation: (dy, x, mean, rstd or variance, gamma) -> dx, dgamma, dbeta.
 *
 * With s1 = sum dy and s2 = sum dy * (x - mean) over the M numbers of a channel:
 *
 *     dbeta = s1,   dgamma = s2 * rstd
 *     training:   dx = gamma * rstd * (dy - s1 / M - (x - mean) * rstd^2 * s2 / M)
 *     inference:  dx = gamma * rstd * dy
 *
 * Phase 0 makes the sums, a fixed group of channels a task (planes first, then pictures), and from
 * them three coefficients a channel; phase 1 is dx = a * dy + b * (x - mean) + c. */
#include <math.h>

#include "graph/ops/batchnorm_int.h"

enum { DY, X, MEAN, SECOND, GAMMA }; /* inputs */

static sw_status batchnorm_backward_infer(struct sw_infer *q)
{
    int64_t channels = q->in[X]->shape.dim[1];
    sw__infer_f32(q->out[0], q->in[X]->shape);
    sw__infer_f32(q->out[1], SW_SHAPE(channels));
    sw__infer_f32(q->out[2], SW_SHAPE(channels));
    return SW_OK;
}

static sw_status batchnorm_backward_prepare(struct sw_step *s)
{
    const sw_shape *x = &s->in[X]->shape;
    int64_t pictures = x->dim[0], channels = x->dim[1], plane = sw__plane_of(x);
    double elements = (double)(pictures * channels * plane);
    s->n_phases = channels == 0 ? 0 : s->out[0] ? 2 : 1;
    s->tasks[0] = sw__ceil_div(channels, sw__channel_grain(plane));
    s->tasks[1] = sw__affine_tasks(pictures, channels, plane);
    s->workspace = (size_t)(3 * channels) * sizeof(float);
    s->scratch = (size_t)(2 * pictures) * sizeof(float);
    s->flops = 9. * elements;
    s->bytes = (s->out[0] ? 20. : 8.) * elements;
    s->kernel = s->k->names[plane > 1 ? SW_SLOT_plane_affine_dx_f32 : SW_SLOT_row_affine_dx_f32];
    return SW_OK;
}

/* The sums of one channel, and its coefficients. */
static void channel_sums(const struct sw_step *s, int64_t c, float *scratch)
{
    const struct batchnorm_backward_attr *attr = s->attr;
    const sw_shape *x = &s->in[X]->shape;
    int64_t pictures = x->dim[0], channels = x->dim[1], plane = sw__plane_of(x), at = c * plane;
    float mean = ((const float *)s->in[MEAN]->data)[c];
    float second = ((const float *)s->in[SECOND]->data)[c];
    float rstd = attr->training ? second : 1 / sqrtf(second + attr->eps);
    float gamma = s->in[GAMMA] ? ((const float *)s->in[GAMMA]->data)[c] : 1;
    float s1 = 0, s2 = 0, count = (float)(pictures * plane);
    if (attr->training || s->out[1] || s->out[2]) {
        s->k->plane_sums_f32(scratch, scratch + pictures, (const float *)s->in[DY]->data + at,
                             (const float *)s->in[X]->data + at, mean, pictures, channels * plane,
                             plane);
        s1 = s->k->total_f32(scratch, pictures);
        s2 = s->k->total_f32(scratch + pictures, pictures);
    }
    if (s->out[1]) ((float *)s->out[1]->data)[c] = s2 * rstd;
    if (s->out[2]) ((float *)s->out[2]->data)[c] = s1;
    float *a = s->ws, *b = a + channels, *shift = b + channels;
    bool moves = attr->training && count > 0;
    a[c] = gamma * rstd;
    b[c] = moves ? -a[c] * rstd * rstd * (s2 / count) : 0;
    shift[c] = moves ? -a[c] * (s1 / count) : 0;
}

static void batchnorm_backward_run(const struct sw_step *s, int phase, int64_t begin, int64_t end,
                                   void *scratch)
{
    const sw_shape *x = &s->in[X]->shape;
    int64_t pictures = x->dim[0], channels = x->dim[1], plane = sw__plane_of(x), from, to;
    if (phase == 0) {
        sw__step_range(channels, sw__channel_grain(plane), begin, end, &from, &to);
        for (int64_t c = from; c < to; c++) channel_sums(s, c, scratch);
        return;
    }
    const float *a = s->ws, *b = a + channels, *shift = b + channels, *mean = s->in[MEAN]->data;
    const float *dy = s->in[DY]->data, *in = s->in[X]->data;
    float *dx = s->out[0]->data;
    sw__affine_range(pictures, channels, plane, begin, end, &from, &to);
    if (plane == 1) {
        int64_t at = from * channels;
        s->k->row_affine_dx_f32(dx + at, dy + at, in + at, mean, a, b, shift, to - from, channels);
        return;
    }
    for (int64_t p = from; p < to; p++) {
        int64_t c = p % channels, at = p * plane;
        s->k->plane_affine_dx_f32(dx + at, dy + at, in + at, mean[c], a[c], b[c], shift[c], plane);
    }
}

const struct sw_op_class sw__op_batchnorm_backward = {.name = "batchnorm_backward",
                                                      .inplace = 1u << DY | 1u << X,
                                                      .infer = batchnorm_backward_infer,
                                                      .prepare = batchnorm_backward_prepare,
                                                      .run = batchnorm_backward_run};
