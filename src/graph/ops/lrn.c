/* Local response normalisation (Krizhevsky, Sutskever, Hinton 2012, section 3.3): x (N,C,...), each
 * number divided by a power of the squares at the same pixel in neighbouring channels.
 *
 *     y_c = x_c * d_c^-beta,   d_c = k + alpha * sum over c - before .. c + after of x_j^2
 *
 * with before = (size - 1) / 2 and after = size / 2, as in ONNX; for the odd sizes of the paper this
 * is n / 2 to both sides.  The sum is made anew for every channel: a sliding sum would subtract what
 * it added and lose digits where large numbers leave the window.
 *
 * Backward, from x and dy alone (d costs less to make again than to store):
 *
 *     dx_c = dy_c d_c^-beta - 2 alpha beta x_c * sum over j that see c of dy_j x_j d_j^(-beta-1)
 *
 * A task is a strip of pixels of one picture over all channels; pixels are the vector axis. */
#include "graph/ops/norm_int.h"

/* Pixels of a strip: the rows of a window stay in the first cache, and a row is long enough for the
 * prefetchers (AlexNet's first layer, one core: 64 pixels backward 2 GB/s, 256 8, 512 11). */
#define STRIP 512

static sw_status lrn_infer(struct sw_infer *q)
{
    sw_status status = sw__infer_dtype(q, 0, SW_F32);
    if (status == SW_OK) status = sw__infer_rank(q, 0, 2, SW_MAX_RANK);
    if (status == SW_OK) sw__infer_f32(q->out[0], q->in[0]->shape);
    return status;
}

static void lrn_grad(sw_graph *g, const struct sw_op *op, sw_node *const *dy, const bool *need,
                     sw_node **dx)
{
    (void)need;
    dx[0] = sw__op_add(g, &sw__op_lrn_backward, sw__op_attr(op), sizeof(struct sw_lrn_window),
                       (sw_node *[]){dy[0], sw__op_in(op, 0)}, 2, 1);
}

/* A strip of a picture. */
struct strip {
    int64_t at, channels, plane, width;
};

static struct strip strip_of(const sw_shape *x, int64_t task)
{
    int64_t plane = sw__plane_of(x), strips = sw__ceil_div(plane, STRIP);
    int64_t picture = task / strips, begin = task % strips * STRIP;
    return (struct strip){picture * x->dim[1] * plane + begin, x->dim[1], plane,
                          sw__min64(STRIP, plane - begin)};
}

static void prepare(struct sw_step *s, const sw_shape *x, double flops)
{
    int64_t plane = sw__plane_of(x), n = x->dim[0] * x->dim[1] * plane;
    const struct sw_lrn_window *w = s->attr;
    s->n_phases = n > 0;
    s->tasks[0] = x->dim[0] * sw__ceil_div(plane, STRIP);
    s->flops = (flops + 2. * (w->before + w->after + 1)) * (double)n;
}

static sw_status lrn_prepare(struct sw_step *s)
{
    prepare(s, &s->in[0]->shape, 6);
    s->kernel = s->k->names[SW_SLOT_lrn_f32];
    return SW_OK;
}

static void lrn_run(const struct sw_step *s, int phase, int64_t begin, int64_t end, void *scratch)
{
    (void)phase;
    (void)scratch;
    for (int64_t task = begin; task < end; task++) {
        struct strip t = strip_of(&s->in[0]->shape, task);
        s->k->lrn_f32((float *)s->out[0]->data + t.at, (const float *)s->in[0]->data + t.at,
                      t.channels, t.plane, t.width, s->attr);
    }
}

const struct sw_op_class sw__op_lrn = {.name = "lrn",
                                       .flags = SW_OP_CHEAP,
                                       .infer = lrn_infer,
                                       .grad = lrn_grad,
                                       .prepare = lrn_prepare,
                                       .run = lrn_run};

sw_node *sw_lrn(sw_graph *g, sw_node *x, sw_lrn_options o)
{
    if (o.size < 1 || !(o.k >= 0) || !(o.alpha >= 0) || !(o.beta >= 0))
        return sw__graph_poison(g, SW_ERR_ARGUMENT, "lrn: size %d, k %g, alpha %g, beta %g", o.size,
                                (double)o.k, (double)o.alpha, (double)o.beta);
    struct sw_lrn_window w = {(o.size - 1) / 2, o.size / 2, o.k, o.alpha, o.beta};
    return sw__op_add(g, &sw__op_lrn, &w, sizeof w, &x, 1, 1);
}

/* ---- backward: (dy, x) -> dx ------------------------------------------------------------------- */

static sw_status lrn_backward_infer(struct sw_infer *q)
{
    sw__infer_f32(q->out[0], q->in[1]->shape);
    return SW_OK;
}

static sw_status lrn_backward_prepare(struct sw_step *s)
{
    const sw_shape *x = &s->in[1]->shape;
    prepare(s, x, 14);
    s->scratch = (size_t)(sw__lrn_ring(x->dim[1], s->attr) * STRIP) * sizeof(float);
    s->kernel = s->k->names[SW_SLOT_lrn_backward_f32];
    return SW_OK;
}

static void lrn_backward_run(const struct sw_step *s, int phase, int64_t begin, int64_t end,
                             void *scratch)
{
    (void)phase;
    for (int64_t task = begin; task < end; task++) {
        struct strip t = strip_of(&s->in[1]->shape, task);
        s->k->lrn_backward_f32(
            (float *)s->out[0]->data + t.at, scratch, (const float *)s->in[0]->data + t.at,
            (const float *)s->in[1]->data + t.at, t.channels, t.plane, t.width, s->attr);
    }
}

const struct sw_op_class sw__op_lrn_backward = {.name = "lrn_backward",
                                                .infer = lrn_backward_infer,
                                                .prepare = lrn_backward_prepare,
                                                .run = lrn_backward_run};
