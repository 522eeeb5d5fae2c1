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
    case SW_ACT_RELU: s->k->relu_f32(y, y, n); break;
    case SW_ACT_LEAKY_RELU: s->k->leaky_relu_f32(y, y, n, f->a); break;
    case SW_ACT_CLIP: s->k->clip_f32(y, y, n, f->a, f->b); break;
    case SW_ACT_GELU: s->k->gelu_f32(y, y, n); break;
    case SW_ACT_GELU_TANH: s->k->gelu_tanh_f32(y, y, n); break;
    case SW_ACT_SILU: s->k->silu_f32(y, y, n); break;
    case SW_ACT_SIGMOID: s->k->sigmoid_f32(y, y, n); break;
    case SW_ACT_TANH: s->k->tanh_f32(y, y, n); break;
    }
}

void sw__depthwise_forward(const struct sw_step *s, const struct conv_attr *attr,
                           const struct conv_dims *d, const float *x, const float *w,
                           const float *bias, float *y, int64_t begin, int64_t end)
{
    const struct sw_grid grid = sw__conv_grid(attr, d);
    const int64_t in = d->in[0] * d->in[1], out = d->out[0] * d->out[1];
    for (int64_t i = begin; i < end; i++) {
        const int64_t n = i / d->o, o = i % d->o;
        s->k->conv_plane_f32(y + i * out, x + (n * d->c + o / d->og) * in, &grid,
                             w + o * grid.ny * grid.nx, bias ? bias[o] : 0, 0);
        activate(s, y + i * out, out);
    }
}

int64_t sw__depthwise_scratch(const struct conv_attr *attr, const struct conv_dims *d)
{
    const int64_t taps = sw__round_up(d->kernel[0] * d->kernel[1], 16);
    return taps + sw__ceil_div(d->in[0], attr->stride[0]) * sw__ceil_div(d->in[1], attr->stride[1]);
}

/* One phase of a plane of dx into `to`, [pixels down][pixels across]: a sum over its og planes of dy,
 * each convolved with the taps of the phase. */
static void phase_plane(const struct sw_kernels *k, const struct conv_dims *d, float *to,
                        const float *dy, const float *w, const struct conv_phase *down,
                        const struct conv_phase *across, float bias, float *taps)
{
    const struct sw_grid grid = sw__conv_phase_grid(d, down, across);
    const int64_t kernel = d->kernel[0] * d->kernel[1];
    for (int64_t o = 0; o < d->og; o++) {
        for (int64_t i = 0; i < grid.ny; i++)
            for (int64_t j = 0; j < grid.nx; j++)
                taps[i * grid.nx + j] =
                    w[o * kernel + (down->tap + i * down->tap_step) * d->kernel[1] + across->tap +
                      j * across->tap_step];
        k->conv_plane_f32(to, dy + o * grid.h * grid.w, &grid, taps, bias, o > 0);
    }
}

void sw__depthwise_backward(const struct sw_step *s, const struct conv_attr *attr,
                            const struct conv_dims *d, const float *dy, const float *w,
                            const float *bias, float *dx, int64_t begin, int64_t end,
                            float *scratch)
{
    const int64_t in = d->in[0] * d->in[1], out = d->out[0] * d->out[1];
    const int64_t kernel = d->kernel[0] * d->kernel[1];
    const bool whole = attr->stride[0] == 1 && attr->stride[1] == 1;
    float *part = scratch + sw__round_up(kernel, 16);
    for (int64_t p = begin; p < end; p++) {
        const int64_t n = p / d->c, c = p % d->c;
        const float *from = dy + (n * d->o + c * d->og) * out, *wc = w + c * d->og * kernel;
        const float b = bias ? bias[c] : 0;
        float *plane = dx + p * in;
        for (int64_t r = 0; r < attr->stride[0] * attr->stride[1]; r++) {
            const struct conv_phase down = sw__conv_phase(attr, d, 0, r / attr->stride[1]);
            const struct conv_phase across = sw__conv_phase(attr, d, 1, r % attr->stride[1]);
            if (down.pixels * across.pixels == 0) continue;
            float *to = whole ? plane : part;
            phase_plane(s->k, d, to, from, wc, &down, &across, b, scratch);
            for (int64_t i = 0; i < down.pixels && !whole; i++)
                for (int64_t j = 0; j < across.pixels; j++)
                    plane[(down.at + i * down.step) * d->in[1] + across.at + j * across.step] =
                        part[i * across.pixels + j];
        }
        activate(s, plane, in);
    }
}

void sw__depthwise_weight(const struct sw_step *s, const struct conv_attr *attr,
                          const struct conv_dims *d, const float *x, const float *dy, float *dw,
                          int64_t begin, int64_t end)
{
    const struct sw_grid grid = sw__conv_grid(attr, d);
    const int64_t in = d->in[0] * d->in[1], out = d->out[0] * d->out[1];
    const int64_t kernel = d->kernel[0] * d->kernel[1];
    for (int64_t o = begin; o < end; o++) {
        memset(dw + o * kernel, 0, (size_t)kernel * sizeof *dw);
        for (int64_t n = 0; n < d->n; n++)
            s->k->conv_plane_grad_f32(dw + o * kernel, dy + (n * d->o + o) * out,
                                      x + (n * d->c + o / d->og) * in, &grid);
    }
}
