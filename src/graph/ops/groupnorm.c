/* Group normalisation (Wu, He 2018): x (N,C,...), C cut into groups; mean and variance of one
 * picture's group, gamma and beta of each channel.  Groups 1 is layer norm over a picture, groups C
 * is instance norm.
 *
 * The numbers of a group are contiguous.  A group of up to GROUP_WHOLE numbers is taken in two
 * passes as a whole; a larger one plane by plane, and the planes are combined as in batchnorm.c, so
 * that memory is read once.  Outputs 1 and 2 are mean and rstd, (N,groups), for the gradient.
 * Backward, with g = dy * gamma, m numbers in a group, xhat = (x - mean) * rstd:
 *
 *     dx = rstd * (g - sum(g) / m - xhat * sum(g * xhat) / m)
 *     dgamma = sum over pictures and pixels of dy * xhat,   dbeta = the same of dy
 *
 * Both come from the sums of dy and dy * (x - mean) over each plane. */
#include <math.h>

#include "graph/ops/activation.h"
#include "graph/ops/attributes.h"
#include "graph/ops/norm_int.h"

#define GROUP_WHOLE 65536

enum { X, GAMMA, BETA }; /* inputs */

/* The sizes of a step. */
struct grouping {
    int64_t pictures, channels, plane, groups;
    int64_t members; /* channels of a group */
    int64_t size;    /* numbers of a group */
};

static struct grouping grouping_of(const sw_shape *x, const struct groupnorm_attr *attr)
{
    struct grouping d = {x->dim[0], x->dim[1], sw__plane_of(x), attr->groups, 0, 0};
    d.members = d.channels / d.groups;
    d.size = d.members * d.plane;
    return d;
}

static sw_status groupnorm_infer(struct sw_infer *q)
{
    const struct groupnorm_attr *attr = q->attr;
    char text[SW_SHAPE_TEXT];
    sw_status status = sw__infer_dtype(q, X, SW_F32);
    if (status == SW_OK) status = sw__infer_rank(q, X, 2, SW_MAX_RANK);
    int64_t channels = status == SW_OK ? q->in[X]->shape.dim[1] : 0;
    for (int i = GAMMA; i <= BETA && status == SW_OK; i++)
        status = sw__infer_affine(q, X, i, channels);
    if (status != SW_OK) return status;
    if (channels % attr->groups)
        return sw__infer_fail(q, SW_ERR_SHAPE, "%s: %lld groups do not divide %lld channels",
                              sw_shape_text(&q->in[X]->shape, text), (long long)attr->groups,
                              (long long)channels);
    sw__infer_f32(q->out[0], q->in[X]->shape);
    sw__infer_f32(q->out[1], SW_SHAPE(q->in[X]->shape.dim[0], attr->groups));
    sw__infer_f32(q->out[2], q->out[1]->shape);
    return SW_OK;
}

static void groupnorm_grad(sw_graph *g, const struct sw_op *op, sw_node *const *dy,
                           const bool *need, sw_node **dx)
{
    if (!sw__only_first_output(g, "groupnorm", dy, 3)) return;
    sw_node *in[] = {dy[0], sw__op_in(op, X), sw__op_out(op, 1), sw__op_out(op, 2),
                     sw__op_in(op, GAMMA)};
    sw_node *d = sw__op_add(g, &sw__op_groupnorm_backward, sw__op_attr(op),
                            sizeof(struct groupnorm_attr), in, 5, 3);
    for (int i = 0; i < 3; i++)
        if (need[i]) dx[i] = sw_output(d, i);
}

static sw_status groupnorm_prepare(struct sw_step *s)
{
    struct grouping d = grouping_of(&s->in[X]->shape, s->attr);
    s->n_phases = d.size > 0 && d.pictures > 0;
    s->tasks[0] = sw__ceil_div(d.pictures * d.groups, sw__task_grain(d.size));
    s->scratch = (size_t)(2 * d.members) * sizeof(float);
    s->flops = 7. * (double)(d.pictures * d.groups * d.size);
    s->kernel = s->k->names[SW_SLOT_moments_f32];
    return SW_OK;
}

/* Mean and variance of the group that starts at x. */
static void group_moments(const struct sw_kernels *k, const struct grouping *d, const float *x,
                          float *scratch, float *mean, float *variance)
{
    float m2, between;
    if (d->size <= GROUP_WHOLE) {
        k->moments_f32(mean, &m2, x, 1, 0, d->size);
    } else {
        float *means = scratch, *m2s = scratch + d->members;
        k->moments_f32(means, m2s, x, d->members, d->plane, d->plane);
        k->moments_f32(mean, &between, means, 1, 0, d->members);
        m2 = k->total_f32(m2s, d->members) + (float)d->plane * between;
    }
    *variance = m2 / (float)d->size;
}

static void groupnorm_run(const struct sw_step *s, int phase, int64_t begin, int64_t end,
                          void *scratch)
{
    const struct groupnorm_attr *attr = s->attr;
    struct grouping d = grouping_of(&s->in[X]->shape, attr);
    const float *gamma = s->in[GAMMA] ? s->in[GAMMA]->data : NULL;
    const float *beta = s->in[BETA] ? s->in[BETA]->data : NULL;
    int64_t from, to;
    sw__step_range(d.pictures * d.groups, sw__task_grain(d.size), begin, end, &from, &to);
    for (int64_t i = from; i < to; i++) {
        const float *x = (const float *)s->in[X]->data + i * d.size;
        float *y = (float *)s->out[0]->data + i * d.size, mean, variance;
        group_moments(s->k, &d, x, scratch, &mean, &variance);
        float rstd = 1 / sqrtf(variance + attr->eps);
        if (s->out[1]) ((float *)s->out[1]->data)[i] = mean;
        if (s->out[2]) ((float *)s->out[2]->data)[i] = rstd;
        for (int64_t m = 0; m < d.members; m++) {
            int64_t c = i % d.groups * d.members + m, at = m * d.plane;
            s->k->plane_affine_f32(y + at, x + at, mean, gamma ? rstd * gamma[c] : rstd,
                                   beta ? beta[c] : 0, d.plane);
        }
        sw__apply_act(s->k, s->act, y, d.size);
    }
    (void)phase;
}

const struct sw_op_class sw__op_groupnorm = {.name = "groupnorm",
                                             .flags = SW_OP_CHEAP | SW_OP_FUSE_ACT,
                                             .inplace = 1u << X,
                                             .infer = groupnorm_infer,
                                             .grad = groupnorm_grad,
                                             .prepare = groupnorm_prepare,
                                             .run = groupnorm_run};

sw_node *sw_groupnorm(sw_graph *g, sw_node *x, sw_node *gamma, sw_node *beta, int groups, float eps)
{
    struct groupnorm_attr attr = {groups, eps > 0 ? eps : 1e-5f};
    if (groups < 1 || eps < 0)
        return sw__graph_poison(g, SW_ERR_ARGUMENT, "groupnorm: %d groups, eps %g", groups,
                                (double)eps);
    return sw__op_add(g, &sw__op_groupnorm, &attr, sizeof attr, (sw_node *[]){x, gamma, beta}, 3,
                      3);
}

/* ---- backward: (dy, x, mean, rstd, gamma) -> dx, dgamma, dbeta --------------------------------- */

enum { B_DY, B_X, B_MEAN, B_RSTD, B_GAMMA };

static sw_status groupnorm_backward_infer(struct sw_infer *q)
{
    sw__infer_f32(q->out[0], q->in[B_X]->shape);
    sw__infer_f32(q->out[1], SW_SHAPE(q->in[B_X]->shape.dim[1]));
    sw__infer_f32(q->out[2], q->out[1]->shape);
    return SW_OK;
}

/* Phase 0: dx, and the sums of each plane: [N][C] of dy, then [N][C] of dy * xhat.  Phase 1: add the
 * sums of the pictures in order. */
static sw_status groupnorm_backward_prepare(struct sw_step *s)
{
    struct grouping d = grouping_of(&s->in[B_X]->shape, s->attr);
    s->n_phases = d.channels == 0 ? 0 : s->out[1] || s->out[2] ? 2 : 1;
    s->tasks[0] = sw__ceil_div(d.pictures * d.groups, sw__task_grain(d.size));
    s->tasks[1] = sw__ceil_div(d.channels, SW_FOLD_COLUMNS);
    s->workspace = (size_t)(2 * d.pictures * d.channels) * sizeof(float);
    s->flops = 9. * (double)(d.pictures * d.groups * d.size);
    s->kernel = s->k->names[SW_SLOT_plane_affine_dx_f32];
    return SW_OK;
}

/* Group number i, counted over all pictures. */
static void group_backward(const struct sw_step *s, const struct grouping *d, int64_t i)
{
    const float *dy = (const float *)s->in[B_DY]->data + i * d->size;
    const float *x = (const float *)s->in[B_X]->data + i * d->size;
    const float *gamma = s->in[B_GAMMA] ? s->in[B_GAMMA]->data : NULL;
    float mean = ((const float *)s->in[B_MEAN]->data)[i];
    float rstd = ((const float *)s->in[B_RSTD]->data)[i];
    float *s1 = (float *)s->ws + i * d->members, *s2 = s1 + d->pictures * d->channels;
    if (gamma) gamma += i % d->groups * d->members;

    s->k->plane_sums_f32(s1, s2, dy, x, mean, d->members, d->plane, d->plane);
    float sum_g = 0, sum_gx = 0;
    for (int64_t m = 0; m < d->members; m++) {
        s2[m] *= rstd;
        sum_g += gamma ? gamma[m] * s1[m] : s1[m];
        sum_gx += gamma ? gamma[m] * s2[m] : s2[m];
    }
    if (!s->out[0]) return;
    float *dx = (float *)s->out[0]->data + i * d->size;
    float b = -rstd * rstd * (sum_gx / (float)d->size), c = -rstd * (sum_g / (float)d->size);
    for (int64_t m = 0; m < d->members; m++) {
        int64_t at = m * d->plane;
        s->k->plane_affine_dx_f32(dx + at, dy + at, x + at, mean, gamma ? rstd * gamma[m] : rstd, b,
                                  c, d->plane);
    }
}

static void groupnorm_backward_run(const struct sw_step *s, int phase, int64_t begin, int64_t end,
                                   void *scratch)
{
    struct grouping d = grouping_of(&s->in[B_X]->shape, s->attr);
    int64_t from, to;
    (void)scratch;
    if (phase == 0) {
        sw__step_range(d.pictures * d.groups, sw__task_grain(d.size), begin, end, &from, &to);
        for (int64_t i = from; i < to; i++) group_backward(s, &d, i);
        return;
    }
    sw__step_range(d.channels, SW_FOLD_COLUMNS, begin, end, &from, &to);
    const float *s1 = (const float *)s->ws + from, *s2 = s1 + d.pictures * d.channels;
    if (s->out[1])
        s->k->fold_rows_f32((float *)s->out[1]->data + from, s2, d.pictures, d.channels, to - from);
    if (s->out[2])
        s->k->fold_rows_f32((float *)s->out[2]->data + from, s1, d.pictures, d.channels, to - from);
}

const struct sw_op_class sw__op_groupnorm_backward = {.name = "groupnorm_backward",
                                                      .inplace = 1u << B_DY | 1u << B_X,
                                                      .infer = groupnorm_backward_infer,
                                                      .prepare = groupnorm_backward_prepare,
                                                      .run = groupnorm_backward_run};
