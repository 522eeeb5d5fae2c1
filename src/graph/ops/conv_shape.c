/* Sizes of convolutions and the grids that their kernels walk. */
#include "graph/ops/conv_shape.h"
#include "base/size.h"

struct conv_attr sw__conv_attr(sw_graph *g, sw_conv_options o, int rank)
{
    struct conv_attr a = {
        .groups = o.groups ? o.groups : 1, .rank = rank, .compute = sw__graph_compute_type(g)};
    for (int i = 0; i < 2; i++) {
        a.stride[i] = o.stride[i] ? o.stride[i] : 1;
        a.dilation[i] = o.dilation[i] ? o.dilation[i] : 1;
    }
    for (int i = 0; i < 4; i++) a.pad[i] = o.pad[i];
    if (rank == 4) return a;
    a.stride[0] = a.dilation[0] = 1;
    a.pad[0] = a.pad[2] = 0;
    return a;
}

struct conv_dims sw__conv_dims(const struct conv_attr *attr, const sw_shape *x, const sw_shape *w,
                               const sw_shape *y)
{
    const int last = x->rank - 1;
    const bool flat = x->rank == 3;
    return (struct conv_dims){
        .n = x->dim[0],
        .groups = attr->groups,
        .c = x->dim[1],
        .in = {flat ? 1 : x->dim[2], x->dim[last]},
        .o = y->dim[1],
        .out = {flat ? 1 : y->dim[2], y->dim[last]},
        .kernel = {flat ? 1 : w->dim[2], w->dim[last]},
        .cg = x->dim[1] / attr->groups,
        .og = y->dim[1] / attr->groups,
    };
}

static sw_status check_attr(struct sw_infer *q, const struct conv_attr *a)
{
    for (int i = 0; i < 4; i++)
        if (a->pad[i] < 0 || a->pad[i] >= SW_CONV_LARGEST)
            return sw__infer_fail(q, SW_ERR_ARGUMENT, "a padding is %lld", (long long)a->pad[i]);
    for (int i = 0; i < 2; i++) {
        if (a->stride[i] < 1 || a->stride[i] >= SW_CONV_LARGEST)
            return sw__infer_fail(q, SW_ERR_ARGUMENT, "a stride is %lld", (long long)a->stride[i]);
        if (a->dilation[i] < 1 || a->dilation[i] >= SW_CONV_LARGEST)
            return sw__infer_fail(q, SW_ERR_ARGUMENT, "a dilation is %lld",
                                  (long long)a->dilation[i]);
        if (a->output_pad[i] < 0 || (a->output_pad[i] > 0 && a->output_pad[i] >= a->stride[i]))
            return sw__infer_fail(q, SW_ERR_ARGUMENT, "output padding %lld needs a larger stride",
                                  (long long)a->output_pad[i]);
    }
    if (a->groups < 1)
        return sw__infer_fail(q, SW_ERR_ARGUMENT, "there are %lld groups", (long long)a->groups);
    return SW_OK;
}

sw_status sw__conv_check(struct sw_infer *q, const struct conv_attr *attr, int x, int w,
                         bool transposed)
{
    sw_status status = check_attr(q, attr);
    if (status == SW_OK) status = sw__infer_dtype(q, x, SW_F32);
    if (status == SW_OK) status = sw__infer_dtype(q, w, SW_F32);
    if (status == SW_OK) status = sw__infer_rank(q, x, attr->rank, attr->rank);
    if (status != SW_OK) return status;
    const sw_shape *s = &q->in[x]->shape, *t = &q->in[w]->shape;
    if (t->rank != s->rank) return sw__infer_mismatch(q, x, w, "the ranks differ");
    for (int i = 0; i < s->rank; i++)
        if ((i > 0 && s->dim[i] < 1) || t->dim[i] < 1 || s->dim[i] >= SW_CONV_LARGEST ||
            t->dim[i] >= SW_CONV_LARGEST)
            return sw__infer_mismatch(q, x, w, "a size is out of range");
    if (t->dim[0] % attr->groups)
        return sw__infer_mismatch(q, x, w, "the groups do not divide the weight");
    if (s->dim[1] != (transposed ? t->dim[0] : t->dim[1] * attr->groups))
        return sw__infer_mismatch(q, x, w, "the channels differ");
    return SW_OK;
}

static bool is_channel_vector(const sw_shape *v, int64_t channels, int axis)
{
    for (int i = 0; i < v->rank; i++)
        if (v->dim[i] != (i == axis ? channels : 1)) return false;
    return axis < v->rank;
}

bool sw__conv_accepts_bias(const sw_shape *out, const sw_shape *vector)
{
    if (out->rank < 3 || vector->rank > out->rank || vector->rank < out->rank - 1) return false;
    return is_channel_vector(vector, out->dim[1], vector->rank == out->rank ? 1 : 0);
}

sw_status sw__conv_check_bias(struct sw_infer *q, int bias, int64_t channels)
{
    char text[SW_SHAPE_TEXT];
    if (bias >= q->n_in || !q->in[bias]) return SW_OK;
    sw_status status = sw__infer_dtype(q, bias, SW_F32);
    if (status != SW_OK) return status;
    const sw_shape *b = &q->in[bias]->shape;
    if (b->rank <= 4 && (is_channel_vector(b, channels, 0) || is_channel_vector(b, channels, 1)))
        return SW_OK;
    return sw__infer_fail(q, SW_ERR_SHAPE, "bias %s: %lld channels need one value each",
                          sw_shape_text(b, text), (long long)channels);
}

struct sw_grid sw__conv_grid(const struct conv_attr *attr, const struct conv_dims *d)
{
    return (struct sw_grid){.h = d->in[0],
                            .w = d->in[1],
                            .image = d->c * d->in[0] * d->in[1],
                            .oh = d->out[0],
                            .ow = d->out[1],
                            .sy = attr->stride[0],
                            .sx = attr->stride[1],
                            .y0 = -attr->pad[0],
                            .x0 = -attr->pad[1],
                            .ny = d->kernel[0],
                            .nx = d->kernel[1],
                            .dy = attr->dilation[0],
                            .dx = attr->dilation[1]};
}

static int64_t gcd(int64_t a, int64_t b)
{
    return b == 0 ? a : gcd(b, a % b);
}

struct conv_phase sw__conv_phase(const struct conv_attr *attr, const struct conv_dims *d, int axis,
                                 int64_t r)
{
    const int64_t s = attr->stride[axis], pad = attr->pad[axis], dilation = attr->dilation[axis];
    const int64_t common = gcd(s, dilation), size = d->in[axis], kernel = d->kernel[axis];
    struct conv_phase p = {.step = s, .tap_step = s / common, .back = dilation / common};
    p.at = ((r - pad) % s + s) % s;
    p.pixels = p.at < size ? (size - p.at + s - 1) / s : 0;
    if (r % common) return p; /* no tap comes here */
    while (p.tap < p.tap_step && (r - p.tap * dilation) % s) p.tap++;
    p.taps = p.tap < kernel ? (kernel - p.tap + p.tap_step - 1) / p.tap_step : 0;
    p.origin = (p.at + pad - p.tap * dilation) / s;
    return p;
}

struct sw_grid sw__conv_phase_grid(const struct conv_dims *d, const struct conv_phase *down,
                                   const struct conv_phase *across)
{
    return (struct sw_grid){.h = d->out[0],
                            .w = d->out[1],
                            .image = d->o * d->out[0] * d->out[1],
                            .oh = down->pixels,
                            .ow = across->pixels,
                            .sy = 1,
                            .sx = 1,
                            .y0 = down->origin,
                            .x0 = across->origin,
                            .ny = down->taps,
                            .nx = across->taps,
                            .dy = -down->back,
                            .dx = -across->back};
}

bool sw__conv_is_flat(const struct sw_grid *g)
{
    return g->ny == 1 && g->nx == 1 && g->sy == 1 && g->sx == 1 && g->y0 == 0 && g->x0 == 0 &&
           g->oh == g->h && g->ow == g->w;
}
