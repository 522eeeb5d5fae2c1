/* Weights of direct convolutions; see conv_direct.h. */
#include "base/size.h"
#include "graph/ops/conv_direct.h"

int64_t sw__conv_direct_panels(const struct sw_kernels *k, int64_t rows)
{
    return sw__max64(sw__ceil_div(rows, sw__direct_blocks(k->isa)->lanes) / 2, 1);
}

int64_t sw__conv_direct_vectors(const struct sw_kernels *k, int64_t rows, int64_t p)
{
    const int64_t panels = sw__conv_direct_panels(k, rows);
    if (p < panels - 1) return 2;
    return sw__ceil_div(rows, sw__direct_blocks(k->isa)->lanes) - 2 * (panels - 1);
}

static int64_t packed_floats(const struct sw_kernels *k, int64_t rows, int64_t taps)
{
    return sw__round_up(rows, sw__direct_blocks(k->isa)->lanes) * taps;
}

/* Two numbers below 2^31 in one parameter. */
static int64_t pair(int64_t a, int64_t b)
{
    return a << 32 | b;
}
static int64_t high(int64_t x)
{
    return x >> 32;
}
static int64_t low(int64_t x)
{
    return x & 0xffffffff;
}

/* A panel of a group: its rows and where it lies. */
struct panel {
    int64_t first, rows, width;
    float *to; /* [k][width] */
};

static struct panel panel_of(const struct sw_kernels *k, float *packed, int64_t rows, int64_t taps,
                             int64_t group, int64_t p)
{
    const int64_t lanes = sw__direct_blocks(k->isa)->lanes;
    struct panel panel = {.first = p * 2 * lanes};
    panel.width = sw__conv_direct_vectors(k, rows, p) * lanes;
    panel.rows = sw__min64(panel.width, rows - panel.first);
    panel.to = packed + group * packed_floats(k, rows, taps) + panel.first * taps;
    return panel;
}

enum { ISA, CHANNELS, KERNEL, STRIDE, GROUPS }; /* parameters; KERNEL of the forward pass: k */

static void forward_run(const struct sw_pack *p, const struct sw_kernels *k, const void *src,
                        void *dst, int64_t begin, int64_t end)
{
    const int64_t rows = p->param[CHANNELS], taps = p->param[KERNEL];
    const int64_t panels = sw__conv_direct_panels(k, rows);
    for (int64_t i = begin; i < end; i++) {
        const struct panel to = panel_of(k, dst, rows, taps, i / panels, i % panels);
        const float *from = (const float *)src + (i / panels * rows + to.first) * taps;
        k->transpose_x32(to.to, to.width, from, taps, taps, to.rows);
        for (int64_t t = 0; t < taps; t++)
            for (int64_t r = to.rows; r < to.width; r++) to.to[t * to.width + r] = 0;
    }
}

void sw__conv_direct_pack_forward(const struct sw_kernels *k, const struct conv_attr *attr,
                                  const sw_shape *w, struct sw_pack *out)
{
    const int64_t rows = w->dim[0] / attr->groups, taps = sw_shape_elements(w) / w->dim[0];
    *out = (struct sw_pack){.layout = "conv_direct_forward_f32",
                            .param = {k->isa, rows, taps, 1, attr->groups},
                            .bytes = (size_t)(attr->groups * packed_floats(k, rows, taps)) *
                                     sizeof(float),
                            .tasks = attr->groups * sw__conv_direct_panels(k, rows),
                            .run = forward_run};
}

/* Row v of the weight's gradient of the input, w being the group's (og, cg, kh, kw). */
static void backward_row(const struct sw_pack *p, float *to, int64_t width, const float *w,
                         int64_t v)
{
    const int64_t og = high(p->param[CHANNELS]), cg = low(p->param[CHANNELS]);
    const int64_t kh = high(p->param[KERNEL]), kw = low(p->param[KERNEL]);
    const int64_t sy = high(p->param[STRIDE]), sx = low(p->param[STRIDE]);
    const int64_t x = v % sx, y = v / sx % sy, c = v / sx / sy;
    for (int64_t o = 0; o < og; o++)
        for (int64_t i = y; i < sw__round_up(kh, sy) + y; i += sy)
            for (int64_t j = x; j < sw__round_up(kw, sx) + x; j += sx, to += width)
                *to = i < kh && j < kw ? w[((o * cg + c) * kh + i) * kw + j] : 0;
}

static void backward_run(const struct sw_pack *p, const struct sw_kernels *k, const void *src,
                         void *dst, int64_t begin, int64_t end)
{
    const int64_t og = high(p->param[CHANNELS]), cg = low(p->param[CHANNELS]);
    const int64_t kh = high(p->param[KERNEL]), kw = low(p->param[KERNEL]);
    const int64_t sy = high(p->param[STRIDE]), sx = low(p->param[STRIDE]);
    const int64_t rows = cg * sy * sx, taps = og * sw__ceil_div(kh, sy) * sw__ceil_div(kw, sx);
    const int64_t panels = sw__conv_direct_panels(k, rows);
    for (int64_t i = begin; i < end; i++) {
        const struct panel to = panel_of(k, dst, rows, taps, i / panels, i % panels);
        const float *from = (const float *)src + i / panels * og * cg * kh * kw;
        for (int64_t r = 0; r < to.rows; r++)
            backward_row(p, to.to + r, to.width, from, to.first + r);
        for (int64_t t = 0; t < taps; t++)
            for (int64_t r = to.rows; r < to.width; r++) to.to[t * to.width + r] = 0;
    }
}

void sw__conv_direct_pack_backward(const struct sw_kernels *k, const struct conv_attr *attr,
                                   const sw_shape *w, struct sw_pack *out)
{
    const int64_t og = w->dim[0] / attr->groups, cg = w->dim[1];
    const int64_t kh = w->rank == 3 ? 1 : w->dim[2], kw = w->dim[w->rank - 1];
    const int64_t sy = attr->stride[0], sx = attr->stride[1];
    const int64_t taps = og * sw__ceil_div(kh, sy) * sw__ceil_div(kw, sx);
    *out = (struct sw_pack){
        .layout = "conv_direct_backward_f32",
        .param = {k->isa, pair(og, cg), pair(kh, kw), pair(sy, sx), attr->groups},
        .bytes = (size_t)(attr->groups * packed_floats(k, cg * sy * sx, taps)) * sizeof(float),
        .tasks = attr->groups * sw__conv_direct_panels(k, cg * sy * sx),
        .run = backward_run};
}
