/* Depthwise convolutions, plane by plane; see depthwise.h. */
#include <string.h>

#include "base/size.h"
#include "graph/ops/depthwise.h"

enum { MOST_MULTIPLES = 4 }; /* more out-channels of one in-channel are worth a product */

bool sw__conv_is_depthwise(const struct conv_dims *d)
{
    return d->groups > 1 && d->cg == 1 && d->og <= MOST_MULTIPLES;
}

/* The fused activation on a finished plane. */
static void activate(const struct sw_step *s, float *y, int64_t n)
{
    const struct sw_fused_act *f = &s->act;
    switch (f->act) {
    case SW_ACT_NONE: break;
    case SW_ACT_RELU: s->k->relu_f32(y, y, n, 0); break;
    case SW_ACT_LEAKY_RELU: s->k->leaky_relu_f32(y, y, n, f->a, 0); break;
    case SW_ACT_CLIP: s->k->clip_f32(y, y, n, f->a, f->b, 0); break;
    case SW_ACT_GELU: s->k->gelu_f32(y, y, n, 0); break;
    case SW_ACT_GELU_TANH: s->k->gelu_tanh_f32(y, y, n, 0); break;
    case SW_ACT_SILU: s->k->silu_f32(y, y, n, 0); break;
    case SW_ACT_SIGMOID: s->k->sigmoid_f32(y, y, n, 0); break;
    case SW_ACT_TANH: s->k->tanh_f32(y, y, n, 0); break;
    }
}

void sw__depthwise_forward(const struct sw_step *s, const struct conv_attr *attr,
                           const struct conv_dims *d, const float *x, const float *w,
                           const float *bias, const float *sum, float *y, int64_t begin,
                           int64_t end)
{
    const struct sw_grid grid = sw__conv_grid(attr, d);
    const int64_t in = d->in[0] * d->in[1], out = d->out[0] * d->out[1];
    const struct sw_epilogue none = {0};
    for (int64_t i = begin; i < end; i++) {
        const int64_t n = i / d->o, o = i % d->o;
        s->k->conv_plane_f32(y + i * out, x + (n * d->c + o / d->og) * in, &grid,
                             w + o * grid.ny * grid.nx, bias ? bias[o] : 0, 0);
        if (sum) s->k->conv_add_f32(y + i * out, sum + i * out, out, 1, out, &none);
        activate(s, y + i * out, out);
    }
}

/* dy with zeros between its pixels, as a stride wants it, floats of a row and rows. */
static int64_t spread_size(const struct conv_attr *attr, const struct conv_dims *d, int axis)
{
    return (d->out[axis] - 1) * attr->stride[axis] + 1;
}

int64_t sw__depthwise_scratch(const struct conv_attr *attr, const struct conv_dims *d)
{
    return spread_size(attr, d, 0) * spread_size(attr, d, 1);
}

/* The gradient of a convolution without stride is a convolution with taps that go backwards. */
void sw__depthwise_backward(const struct sw_step *s, const struct conv_attr *attr,
                            const struct conv_dims *d, const float *dy, const float *w,
                            const float *bias, float *dx, int64_t begin, int64_t end,
                            float *scratch)
{
    const int64_t in = d->in[0] * d->in[1], out = d->out[0] * d->out[1];
    const bool whole = attr->stride[0] == 1 && attr->stride[1] == 1;
    const struct sw_grid grid = {.h = spread_size(attr, d, 0),
                                 .w = spread_size(attr, d, 1),
                                 .oh = d->in[0],
                                 .ow = d->in[1],
                                 .sy = 1,
                                 .sx = 1,
                                 .y0 = attr->pad[0],
                                 .x0 = attr->pad[1],
                                 .ny = d->kernel[0],
                                 .nx = d->kernel[1],
                                 .dy = -attr->dilation[0],
                                 .dx = -attr->dilation[1]};
    if (!whole) memset(scratch, 0, (size_t)(grid.h * grid.w) * sizeof *scratch);
    for (int64_t p = begin; p < end; p++) {
        const int64_t n = p / d->c, c = p % d->c;
        for (int64_t o = c * d->og; o < (c + 1) * d->og; o++) {
            const float *from = dy + (n * d->o + o) * out;
            if (!whole)
                s->k->copy_x32(scratch, from, d->out[0], d->out[1], attr->stride[0] * grid.w,
                               attr->stride[1], d->out[1], 1);
            s->k->conv_plane_f32(dx + p * in, whole ? from : scratch, &grid,
                                 w + o * grid.ny * grid.nx, bias ? bias[c] : 0, o > c * d->og);
        }
        activate(s, dx + p * in, in);
    }
}

void sw__depthwise_weight(const struct sw_step *s, const struct conv_attr *attr,
                          const struct conv_dims *d, const float *x, const float *dy, float *dw,
                          int64_t begin, int64_t end)
{
    const struct sw_grid grid = sw__conv_grid(attr, d);
    const int64_t in = d->in[0] * d->in[1], out = d->out[0] * d->out[1];
    const int64_t kernel = d->kernel[0] * d->kernel[1];
    memset(dw + begin * kernel, 0, (size_t)((end - begin) * kernel) * sizeof *dw);
    for (int64_t n = 0; n < d->n; n++) /* planes as they lie in memory */
        for (int64_t o = begin; o < end; o++)
            s->k->conv_plane_grad_f32(dw + o * kernel, dy + (n * d->o + o) * out,
                                      x + (n * d->c + o / d->og) * in, &grid);
}
