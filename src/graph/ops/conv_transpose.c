/* The transposed convolution: sw_conv_transpose2d, and the gradient of a convolution's input, which
 * is the same computation under another name.
 *
 * With y = conv(x, w), dx is the sum of all windows that an element was in:
 *
 *     dx[n][c][i] = sum over o and taps t with i + pad = r*stride + t*dilation of
 *                   w[o][c][t] dy[n][o][r]
 *
 * Written as a gather, so that each element is computed once and by one task: the elements with the
 * same (i + pad) mod stride form a phase, whose taps are the same and whose windows over dy have no
 * gaps (conv_shape.h).  Each phase is a product (conv_product.h) on its own part of the weight, with
 * no multiplication by an inserted zero; or, where channels are few and nearly all taps are there, all
 * phases are out-channels of one direct convolution (conv_direct.h).
 *
 * The transposed convolution takes dy as its input x, and gives dx as its result y; its gradients
 * are therefore a convolution and the gradient of a convolution's weight. */
#include "base/size.h"
#include "graph/ops/compute.h"
#include "graph/ops/conv_bf16.h"
#include "graph/ops/conv_choice.h"
#include "graph/ops/conv_direct.h"
#include "graph/ops/conv_grad.h"
#include "graph/ops/conv_product.h"
#include "graph/ops/conv_winograd.h"
#include "graph/ops/depthwise.h"

/* conv2d_grad_input: dy, w, x (shape only).  conv_transpose2d: x, w, bias. */
enum { DY, W, THIRD };

/* ---- shapes ------------------------------------------------------------------------------------ */

static sw_status grad_input_infer(struct sw_infer *q)
{
    sw_status status = sw__conv_check(q, q->attr, DY, W, true);
    if (status != SW_OK) return status;
    *q->out[0] = (sw_tensor){.dtype = SW_F32, .shape = q->in[THIRD]->shape};
    return SW_OK;
}

static sw_status transpose_infer(struct sw_infer *q)
{
    const struct conv_attr *attr = q->attr;
    sw_status status = sw__conv_check(q, attr, DY, W, true);
    if (status != SW_OK) return status;
    const sw_shape *x = &q->in[DY]->shape, *w = &q->in[W]->shape;
    const int64_t channels = w->dim[1] * attr->groups;
    status = sw__conv_check_bias(q, THIRD, channels);
    if (status != SW_OK) return status;
    sw_shape *y = &q->out[0]->shape;
    *y = (sw_shape){4, {x->dim[0], channels}};
    for (int axis = 0; axis < 2; axis++) {
        const int64_t reach = attr->dilation[axis] * (w->dim[axis + 2] - 1) + 1;
        const int64_t padded = (x->dim[axis + 2] - 1) * attr->stride[axis] + reach;
        const int64_t size = padded - attr->pad[axis] - attr->pad[axis + 2] +
                             attr->output_pad[axis];
        if (size < 1) return sw__infer_mismatch(q, DY, W, "nothing is left between the paddings");
        if (padded >= SW_CONV_LARGEST) return sw__infer_mismatch(q, DY, W, "the result is absurd");
        y->dim[axis + 2] = size;
    }
    q->out[0]->dtype = SW_F32;
    return SW_OK;
}

/* The dimensions of the convolution that this turns round. */
static struct conv_dims dims_of(const struct sw_step *s)
{
    return sw__conv_dims(s->attr, &s->out[0]->shape, &s->in[W]->shape, &s->in[DY]->shape);
}

/* ---- preparation and run ----------------------------------------------------------------------- */

struct transpose_note {
    struct conv_dims dims;
    enum conv_way
        way; /* as the weight is packed: that of the declared sizes, at smaller ones too */
    struct conv_winograd winograd;
    struct conv_direct direct;
    struct conv_split split; /* of each phase */
    struct conv_pairs pairs; /* of bf16 */
    struct sw_pack pack;
    struct sw_epilogue epilogue;
};

/* Bytes of a group's packed weight, of one phase. */
static int64_t packed_bytes(const struct sw_step *s, const struct conv_dims *d, int64_t taps)
{
    const struct transpose_note *note = s->note;
    if (note->way != CONV_BF16)
        return sw__conv_packed_floats(s->k, d->cg, d->og * taps) * (int64_t)sizeof(float);
    return sw__conv_bf16_packed_bytes(s->k, d->cg, sw__conv_bf16_depth(d->og, taps));
}

/* Phase number r, and the packed bytes of the phases before it. */
static struct conv_product phase_product(const struct sw_step *s, const struct conv_dims *d,
                                         int64_t r, int64_t *before)
{
    const struct conv_attr *attr = s->attr;
    const struct transpose_note *note = s->note;
    struct conv_phase down, across;
    int64_t taps = 0;
    *before = 0;
    for (int64_t i = 0; i <= r; i++) {
        if (i > 0) *before += d->groups * packed_bytes(s, d, taps);
        down = sw__conv_phase(attr, d, 0, i / attr->stride[1]);
        across = sw__conv_phase(attr, d, 1, i % attr->stride[1]);
        taps = down.taps * across.taps;
    }
    struct conv_product p = {
        .kernels = s->k,
        .grid = sw__conv_phase_grid(d, &down, &across),
        .images = d->n,
        .groups = d->groups,
        .rows = d->cg,
        .taps = d->og * taps,
        .x_group = d->og * d->out[0] * d->out[1],
        .to = {d->in[0], d->in[1], down.at, across.at, down.step, across.step}};
    if (note->way == CONV_BF16) sw__conv_bf16_product(&p, &note->pairs);
    sw__conv_flatten(&p);
    return p;
}

/* A product as large as the largest phase: so many pixels, and the taps of them all. */
static struct conv_product largest(const struct sw_step *s, const struct conv_dims *d)
{
    const struct conv_attr *attr = s->attr;
    struct conv_product p = {.kernels = s->k, .images = d->n, .groups = d->groups, .rows = d->cg};
    p.taps = d->og * sw__ceil_div(d->kernel[0], attr->stride[0]) *
             sw__ceil_div(d->kernel[1], attr->stride[1]);
    p.grid.oh = sw__ceil_div(d->in[0], attr->stride[0]);
    p.grid.ow = sw__ceil_div(d->in[1], attr->stride[1]);
    return p;
}

/* An op of gradients has neither bias nor activation. */
static enum conv_way choose(const struct sw_step *s, const struct conv_dims *d)
{
    const bool plain = s->cls == &sw__op_conv2d_grad_input;
    return sw__conv_choose(s->k->isa, plain ? CONV_DATA : CONV_TRANSPOSED, s->attr, d);
}

/* The layout of the weight. */
static void describe(const struct sw_step *s, enum conv_way way, struct sw_pack *out)
{
    const sw_shape *w = &s->in[W]->shape;
    if (way == CONV_WINOGRAD)
        sw__conv_winograd_pack(s->k, s->attr, w, SW_WINOGRAD_BACKWARD, out);
    else if (way == CONV_DIRECT)
        sw__conv_direct_pack_backward(s->k, s->attr, w, out);
    else if (way == CONV_BF16)
        sw__conv_bf16_pack(s->k, s->attr, w, true, out);
    else
        sw__conv_pack_backward(s->k, s->attr, w, out);
}

static bool transpose_pack(const struct sw_step *s, int input, struct sw_pack *out)
{
    const struct conv_dims d = dims_of(s);
    const enum conv_way way = choose(s, &d);
    if (input != W || way == CONV_DEPTHWISE) return false;
    describe(s, way, out);
    return true;
}

static sw_status transpose_prepare(struct sw_step *s)
{
    const struct conv_attr *attr = s->attr;
    struct transpose_note *note = s->note;
    const struct conv_dims d = dims_of(s);
    const double taps = (double)d.cg * (double)d.kernel[0] * (double)d.kernel[1];
    note->dims = d;
    if (!note->way) note->way = choose(s, &d);
    s->flops = 2 * taps * (double)sw_shape_elements(&s->in[DY]->shape);
    s->workspace = s->scratch = 0;
    s->n_phases = d.n > 0 ? 2 : 0;
    s->tasks[0] = 0;
    if (note->way == CONV_DEPTHWISE) {
        s->tasks[1] = d.n * d.c;
        s->scratch = (size_t)sw__depthwise_scratch(attr, &d) * sizeof(float);
        s->kernel = s->k->names[SW_SLOT_conv_plane_f32];
        return SW_OK;
    }
    note->epilogue = sw__fused_epilogue(s->k, s->act);
    if (note->way == CONV_WINOGRAD) {
        sw__conv_winograd_prepare(s, &d, SW_WINOGRAD_BACKWARD, &note->winograd);
        return SW_OK;
    }
    describe(s, note->way, &note->pack);
    if (note->way == CONV_DIRECT) {
        note->direct = sw__conv_direct_backward(s->k, attr, &d);
        sw__conv_direct_prepare(s, &note->direct, &note->pack);
        return SW_OK;
    }
    if (!s->packed[W]) {
        s->tasks[0] = note->pack.tasks;
        s->workspace = note->pack.bytes;
    }
    struct conv_product p = largest(s, &d);
    const bool bf16 = note->way == CONV_BF16;
    if (bf16) {
        p.kind = SW_GEMM_KIND_BF16;
        note->pairs = (struct conv_pairs){d.n, d.groups, d.og, d.out[0] * d.out[1]};
        s->tasks[0] += sw__conv_pairs_tasks(&note->pairs);
        s->workspace += sw__conv_pairs_bytes(&note->pairs);
    }
    note->split = sw__conv_split(&p);
    s->tasks[1] = note->split.tasks * attr->stride[0] * attr->stride[1];
    s->scratch = bf16 ? sw__conv_bf16_scratch(s->k, d.cg) : sw__conv_scratch(s->k, d.cg);
    s->kernel = s->k->names[bf16 ? SW_SLOT_gemm_strip_bf16 : SW_SLOT_gemm_tile_f32];
    return SW_OK;
}

/* Phase 0 packs the weight, if it was not packed before, and rounds dy. */
static void run_bf16(const struct sw_step *s, const float *bias, int phase, int64_t begin,
                     int64_t end, void *scratch)
{
    const struct transpose_note *note = s->note;
    const int64_t packs = s->packed[W] ? 0 : note->pack.tasks;
    const char *w = s->packed[W] ? s->packed[W] : s->ws;
    uint32_t *pairs = (uint32_t *)(void *)((char *)s->ws + (packs ? note->pack.bytes : 0));
    struct sw_epilogue e = note->epilogue;
    e.bias_row = bias;
    if (phase == 0) {
        if (begin < packs)
            note->pack.run(&note->pack, s->k, s->in[W]->data, s->ws, begin, sw__min64(end, packs));
        sw__conv_pairs_run(&note->pairs, s->k, s->in[DY]->data, pairs, sw__max64(begin - packs, 0),
                           end - packs);
        return;
    }
    for (int64_t i = begin, before; i < end; i++) {
        const struct conv_product p = phase_product(s, &note->dims, i / note->split.tasks, &before);
        sw__conv_bf16_task(&p, &note->split, w + before, pairs, s->out[0]->data, &e,
                           i % note->split.tasks, scratch);
    }
}

static void run_phases(const struct sw_step *s, const float *bias, int phase, int64_t begin,
                       int64_t end, void *scratch)
{
    const struct transpose_note *note = s->note;
    const float *dy = s->in[DY]->data, *w = s->in[W]->data;
    float *dx = s->out[0]->data;
    struct sw_epilogue e = note->epilogue;
    e.bias_row = bias;
    if (note->way == CONV_WINOGRAD) {
        sw__conv_winograd_run(s, &note->winograd, &e, phase, begin, end, scratch);
        return;
    }
    if (note->way == CONV_BF16) {
        run_bf16(s, bias, phase, begin, end, scratch);
        return;
    }
    if (note->way == CONV_DIRECT) {
        sw__conv_direct_run(s, &note->direct, &note->pack, &e, phase, begin, end, scratch);
        return;
    }
    if (phase == 0) {
        note->pack.run(&note->pack, s->k, w, s->ws, begin, end);
        return;
    }
    if (note->way == CONV_DEPTHWISE) {
        sw__depthwise_backward(s, s->attr, &note->dims, dy, w, bias, dx, begin, end, scratch);
        return;
    }
    const float *packed = s->packed[W] ? s->packed[W] : s->ws;
    for (int64_t i = begin, before; i < end; i++) {
        struct conv_product p = phase_product(s, &note->dims, i / note->split.tasks, &before);
        sw__conv_product_task(&p, &note->split, packed + before / (int64_t)sizeof *packed, dy, dx,
                              &e, i % note->split.tasks, scratch);
    }
}

static void grad_input_run(const struct sw_step *s, int phase, int64_t begin, int64_t end,
                           void *scratch)
{
    run_phases(s, NULL, phase, begin, end, scratch);
}

static void transpose_run(const struct sw_step *s, int phase, int64_t begin, int64_t end,
                          void *scratch)
{
    run_phases(s, s->in[THIRD] ? s->in[THIRD]->data : NULL, phase, begin, end, scratch);
}

/* ---- gradient ---------------------------------------------------------------------------------- */

static void transpose_grad(sw_graph *g, const struct sw_op *op, sw_node *const *dy,
                           const bool *need, sw_node **dx)
{
    const struct conv_attr *attr = sw__op_attr(op);
    sw_node *x = sw__op_in(op, DY), *w = sw__op_in(op, W);
    sw_node *d = sw__conv_round(g, dy[0], w, attr);
    struct conv_attr plain = *attr;
    plain.output_pad[0] = plain.output_pad[1] = 0;
    if (need[DY]) dx[DY] = sw__conv_forward(g, &plain, d, w, NULL);
    if (need[W]) dx[W] = sw__conv_grad_weight(g, &plain, d, x, w);
    if (need[THIRD]) dx[THIRD] = sw__conv_grad_bias(g, dy[0]);
}

/* ---- classes and builders ----------------------------------------------------------------------- */

const struct sw_op_class sw__op_conv2d_grad_input = {.name = "conv2d_grad_input",
                                                     .shape_only = 1u << THIRD,
                                                     .note_size = sizeof(struct transpose_note),
                                                     .infer = grad_input_infer,
                                                     .pack = transpose_pack,
                                                     .prepare = transpose_prepare,
                                                     .run = grad_input_run};

const struct sw_op_class sw__op_conv_transpose2d = {.name = "conv_transpose2d",
                                                    .flags = SW_OP_FUSE_ACT,
                                                    .note_size = sizeof(struct transpose_note),
                                                    .infer = transpose_infer,
                                                    .grad = transpose_grad,
                                                    .pack = transpose_pack,
                                                    .prepare = transpose_prepare,
                                                    .run = transpose_run,
                                                    .bias = THIRD,
                                                    .accepts_bias = sw__conv_accepts_bias};

sw_node *sw__conv_grad_input(sw_graph *g, const struct conv_attr *attr, sw_node *dy, sw_node *w,
                             sw_node *x)
{
    sw_node *in[] = {dy, w, x};
    return sw__op_add(g, &sw__op_conv2d_grad_input, attr, sizeof *attr, in, 3, 1);
}

sw_node *sw_conv_transpose2d(sw_graph *g, sw_node *x, sw_node *w, sw_node *b,
                             sw_conv_transpose_options o)
{
    const sw_conv_options plain = {.stride = {o.stride[0], o.stride[1]},
                                   .dilation = {o.dilation[0], o.dilation[1]},
                                   .pad = {o.pad[0], o.pad[1], o.pad[2], o.pad[3]},
                                   .groups = o.groups};
    struct conv_attr attr = sw__conv_attr(g, plain, 4);
    attr.output_pad[0] = o.output_pad[0];
    attr.output_pad[1] = o.output_pad[1];
    x = sw__conv_round(g, x, w, &attr);
    w = sw__conv_round(g, w, w, &attr);
    sw_node *in[] = {x, w, b};
    return sw__op_add(g, &sw__op_conv_transpose2d, &attr, sizeof attr, in, 3, 1);
}
