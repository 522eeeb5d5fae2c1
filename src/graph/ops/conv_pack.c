/* Weights of convolutions in the layouts of conv_product.h. */
#include "base/size.h"
#include "graph/ops/conv_product.h"
#include "kernels/gemm_table.h"

int64_t sw__conv_panels(const struct sw_kernels *k, int64_t rows)
{
    return sw__ceil_div(rows, sw__gemm_blocks(k->isa)->mr);
}

int64_t sw__conv_packed_floats(const struct sw_kernels *k, int64_t rows, int64_t taps)
{
    return sw__conv_panels(k, rows) * sw__gemm_blocks(k->isa)->mr * taps;
}

/* Panel number p of `rows` rows. */
struct panel {
    int64_t first, height;
};

static struct panel panel_of(const struct sw_kernels *k, int64_t rows, int64_t p)
{
    int64_t height = sw__ceil_div(rows, sw__conv_panels(k, rows));
    struct panel panel = {p * height, height};
    if (panel.first > rows) panel.first = rows;
    if (panel.first + height > rows) panel.height = rows - panel.first;
    return panel;
}

/* ---- forward: a row is an out-channel, contiguous in the weight --------------------------------- */

enum { ISA, GROUPS_ROWS, TAPS };

static void forward_run(const struct sw_pack *p, const struct sw_kernels *k, const void *src,
                        void *dst, int64_t begin, int64_t end)
{
    const struct sw_gemm_blocks *t = sw__gemm_blocks(k->isa);
    const int64_t rows = sw__low(p->param[GROUPS_ROWS]), taps = p->param[TAPS];
    const int64_t panels = sw__conv_panels(k, rows);
    for (int64_t i = begin; i < end; i++) {
        const struct panel panel = panel_of(k, rows, i % panels);
        const float *from = (const float *)src + (i / panels * rows + panel.first) * taps;
        float *to = (float *)dst + i / panels * sw__conv_packed_floats(k, rows, taps);
        for (int64_t at = 0; at < taps; at += t->kc) {
            const int64_t kc = sw__min64(t->kc, taps - at);
            k->gemm_pack_a(to + (at * panels + i % panels * kc) * t->mr, from + at, SW_F32, taps, 1,
                           panel.height, kc);
        }
    }
}

void sw__conv_pack_forward(const struct sw_kernels *k, const struct conv_attr *attr,
                           const sw_shape *w, struct sw_pack *out)
{
    const int64_t rows = w->dim[0] / attr->groups, taps = sw_shape_elements(w) / w->dim[0];
    const int64_t floats = attr->groups * sw__conv_packed_floats(k, rows, taps);
    *out = (struct sw_pack){.layout = "conv_forward_f32",
                            .param = {k->isa, sw__pair(attr->groups, rows), taps},
                            .bytes = (size_t)floats * sizeof(float),
                            .tasks = attr->groups * sw__conv_panels(k, rows),
                            .run = forward_run};
}

/* ---- backward: a row is an in-channel, its k are (out-channel, tap of the phase) ----------------- */

enum { CHANNELS = 1, KERNEL, STRIDE, DILATION, GROUPS };

/* What the parameters say, as a convolution; the padding shifts phases but changes no taps. */
static struct conv_dims backward_dims(const struct sw_pack *p, struct conv_attr *attr)
{
    *attr = (struct conv_attr){
        .stride = {sw__high(p->param[STRIDE]), sw__low(p->param[STRIDE])},
        .dilation = {sw__high(p->param[DILATION]), sw__low(p->param[DILATION])},
        .groups = p->param[GROUPS],
    };
    return (struct conv_dims){.groups = attr->groups,
                              .og = sw__high(p->param[CHANNELS]),
                              .cg = sw__low(p->param[CHANNELS]),
                              .kernel = {sw__high(p->param[KERNEL]), sw__low(p->param[KERNEL])}};
}

/* One panel of one phase of a group.  w: the group's weight (og, cg, kh, kw). */
static float *pack_phase(float *to, const float *w, const struct conv_dims *d, struct panel panel,
                         int mr, const struct conv_phase *down, const struct conv_phase *across,
                         int64_t k0, int64_t kc)
{
    const int64_t kernel = d->kernel[0] * d->kernel[1];
    for (int64_t k = k0; k < k0 + kc; k++, to += mr) {
        const int64_t j = k % across->taps, i = k / across->taps % down->taps;
        const int64_t o = k / across->taps / down->taps;
        const int64_t tap = (down->tap + i * down->tap_step) * d->kernel[1] + across->tap +
                            j * across->tap_step;
        const float *from = w + (o * d->cg + panel.first) * kernel + tap;
        for (int64_t c = 0; c < panel.height; c++) to[c] = from[c * kernel];
        for (int64_t c = panel.height; c < mr; c++) to[c] = 0;
    }
    return to;
}

static void backward_run(const struct sw_pack *p, const struct sw_kernels *k, const void *src,
                         void *dst, int64_t begin, int64_t end)
{
    const struct sw_gemm_blocks *t = sw__gemm_blocks(k->isa);
    struct conv_attr attr;
    const struct conv_dims d = backward_dims(p, &attr);
    const int64_t panels = sw__conv_panels(k, d.cg);
    const int64_t group = d.og * d.cg * d.kernel[0] * d.kernel[1];
    for (int64_t i = begin; i < end; i++) {
        const struct panel panel = panel_of(k, d.cg, i % panels);
        float *phase = dst;
        for (int64_t r = 0; r < attr.stride[0] * attr.stride[1]; r++) {
            const struct conv_phase down = sw__conv_phase(&attr, &d, 0, r / attr.stride[1]);
            const struct conv_phase across = sw__conv_phase(&attr, &d, 1, r % attr.stride[1]);
            const int64_t taps = d.og * down.taps * across.taps;
            const int64_t floats = sw__conv_packed_floats(k, d.cg, taps);
            float *to = phase + i / panels * floats;
            for (int64_t at = 0; at < taps; at += t->kc) {
                const int64_t kc = sw__min64(t->kc, taps - at);
                pack_phase(to + (at * panels + i % panels * kc) * t->mr,
                           (const float *)src + i / panels * group, &d, panel, t->mr, &down,
                           &across, at, kc);
            }
            phase += d.groups * floats;
        }
    }
}

void sw__conv_pack_backward(const struct sw_kernels *k, const struct conv_attr *attr,
                            const sw_shape *w, struct sw_pack *out)
{
    const int last = w->rank - 1;
    const int64_t og = w->dim[0] / attr->groups, cg = w->dim[1];
    const int64_t kh = w->rank == 3 ? 1 : w->dim[2], kw = w->dim[last];
    /* Every tap belongs to one phase, down and across. */
    const int64_t floats = attr->groups * sw__conv_packed_floats(k, cg, og * kh * kw);
    *out = (struct sw_pack){.layout = "conv_backward_f32",
                            .param = {k->isa, sw__pair(og, cg), sw__pair(kh, kw),
                                      sw__pair(attr->stride[0], attr->stride[1]),
                                      sw__pair(attr->dilation[0], attr->dilation[1]), attr->groups},
                            .bytes = (size_t)floats * sizeof(float),
                            .tasks = attr->groups * sw__conv_panels(k, cg),
                            .run = backward_run};
}
