/* Convolution: sw_conv2d, sw_conv1d.  One op: y = act(conv(x, w) + bias).
 *
 *     y[n][o][r][q] = sum over c, i, j of w[o][c][i][j] x[n][c][r*stride + i*dilation - pad][...]
 *
 * (cross-correlation, as everywhere; c runs over the channels of o's group).  Operand SUM, a tensor that
 * is added before act, is there when a plan has fused an addition (fuse.c).  (N,C,L) is read as
 * (N,C,1,L), so conv1d is the same op.  The shapes of an image and of the weight decide how
 * (conv_choice.h): plane by plane where a group has one channel (depthwise.h), Winograd
 * (conv_winograd.h), directly from a padded copy (conv_direct.h), or as an implicit matrix product
 * (conv_product.h), which products of bf16 always are (conv_bf16.h).  The gradients are ops of their own:
 *
 *     dx = conv2d_grad_input(dy, w)       conv_transpose.c: the transposed convolution
 *     dw = conv2d_grad_weight(x, dy)      conv_weight.c
 *     dbias = sum of dy over images and pixels */
#include "base/memory.h"
#include "base/size.h"
#include "graph/ops/compute.h"
#include "graph/ops/conv_bf16.h"
#include "graph/ops/conv_choice.h"
#include "graph/ops/conv_direct.h"
#include "graph/ops/conv_grad.h"
#include "graph/ops/conv_product.h"
#include "graph/ops/conv_sum.h"
#include "graph/ops/conv_winograd.h"
#include "graph/ops/depthwise.h"

enum { X, W, BIAS, SUM };

static sw_status conv2d_infer(struct sw_infer *q)
{
    const struct conv_attr *attr = q->attr;
    sw_status status = sw__conv_check(q, attr, X, W, false);
    if (status == SW_OK) status = sw__conv_check_bias(q, BIAS, q->in[W]->shape.dim[0]);
    if (status != SW_OK) return status;
    const sw_shape *x = &q->in[X]->shape, *w = &q->in[W]->shape;
    sw_shape *y = &q->out[0]->shape;
    *y = (sw_shape){x->rank, {x->dim[0], w->dim[0]}};
    for (int i = 2; i < x->rank; i++) {
        const int axis = i + 2 - x->rank;
        const int64_t padded = x->dim[i] + attr->pad[axis] + attr->pad[axis + 2];
        const int64_t reach = attr->dilation[axis] * (w->dim[i] - 1) + 1;
        if (reach > padded)
            return sw__infer_mismatch(q, X, W, "the kernel is larger than the padded input");
        if (padded >= SW_CONV_LARGEST) return sw__infer_mismatch(q, X, W, "the padding is absurd");
        y->dim[i] = (padded - reach) / attr->stride[axis] + 1;
    }
    q->out[0]->dtype = SW_F32;
    if (q->in[SUM] && !sw_shape_equal(&q->in[SUM]->shape, y))
        return sw__infer_mismatch(q, X, SUM, "what is added has not the shape of the result");
    return SW_OK;
}

static void conv2d_grad(sw_graph *g, const struct sw_op *op, sw_node *const *dy, const bool *need,
                        sw_node **dx)
{
    const struct conv_attr *attr = sw__op_attr(op);
    sw_node *x = sw__op_in(op, X), *w = sw__op_in(op, W);
    sw_node *d = sw__conv_round(g, dy[0], w, attr);
    if (need[X]) dx[X] = sw__conv_grad_input(g, attr, d, w, x);
    if (need[W]) dx[W] = sw__conv_grad_weight(g, attr, x, d, w);
    if (need[BIAS]) dx[BIAS] = sw__conv_grad_bias(g, dy[0]);
}

/* The layout of the weight. */
static void describe(const struct sw_step *s, enum conv_way way, struct sw_pack *out)
{
    const sw_shape *w = &s->in[W]->shape;
    if (way == CONV_WINOGRAD)
        sw__conv_winograd_pack(s->k, s->attr, w, SW_WINOGRAD_FORWARD, out);
    else if (way == CONV_DIRECT)
        sw__conv_direct_pack_forward(s->k, s->attr, w, out);
    else if (way == CONV_BF16)
        sw__conv_bf16_pack(s->k, s->attr, w, false, out);
    else
        sw__conv_pack_forward(s->k, s->attr, w, out);
}

static bool conv2d_pack(const struct sw_step *s, int input, struct sw_pack *out)
{
    const struct conv_attr *attr = s->attr;
    const struct conv_dims d = sw__conv_dims(attr, &s->in[X]->shape, &s->in[W]->shape,
                                             &s->out[0]->shape);
    const enum conv_way way = sw__conv_choose(s->k->isa, CONV_FORWARD, attr, &d);
    if (input != W || way == CONV_DEPTHWISE) return false;
    describe(s, way, out);
    return true;
}

struct conv_note {
    struct conv_dims dims;
    enum conv_way
        way; /* as the weight is packed: that of the declared sizes, at smaller ones too */
    struct conv_winograd winograd;
    struct conv_direct direct;
    struct conv_product product;
    struct conv_pairs pairs; /* of bf16 */
    struct conv_split split;
    struct sw_pack pack; /* of a weight that changes in every run */
    struct sw_epilogue epilogue;
};

static size_t aligned(size_t bytes)
{
    return (size_t)sw__round_up((int64_t)bytes, SW_ALIGN);
}

static sw_status conv2d_prepare(struct sw_step *s)
{
    const struct conv_attr *attr = s->attr;
    struct conv_note *note = s->note;
    const struct conv_dims d = sw__conv_dims(attr, &s->in[X]->shape, &s->in[W]->shape,
                                             &s->out[0]->shape);
    const double taps = (double)d.cg * (double)d.kernel[0] * (double)d.kernel[1];
    note->dims = d;
    if (!note->way) note->way = sw__conv_choose(s->k->isa, CONV_FORWARD, attr, &d);
    s->flops = 2 * taps * (double)sw_shape_elements(&s->out[0]->shape);
    s->workspace = s->scratch = 0;
    s->n_phases = d.n > 0 ? 2 : 0;
    s->tasks[0] = 0;
    if (note->way == CONV_DEPTHWISE) {
        s->tasks[1] = d.n * d.o;
        s->kernel = s->k->names[SW_SLOT_conv_plane_f32];
        return SW_OK;
    }
    note->epilogue = sw__fused_epilogue(s->k, s->act);
    if (note->way == CONV_WINOGRAD) {
        sw__conv_winograd_prepare(s, &d, SW_WINOGRAD_FORWARD, &note->winograd);
        return SW_OK;
    }
    describe(s, note->way, &note->pack);
    if (note->way == CONV_DIRECT) {
        note->direct = sw__conv_direct_forward(s->k, attr, &d);
        sw__conv_direct_prepare(s, &note->direct, &note->pack);
        return SW_OK;
    }
    if (!s->packed[W]) {
        s->tasks[0] = note->pack.tasks;
        s->workspace = note->pack.bytes;
    }
    note->product = (struct conv_product){.kernels = s->k,
                                          .grid = sw__conv_grid(attr, &d),
                                          .images = d.n,
                                          .groups = d.groups,
                                          .rows = d.og,
                                          .taps = d.cg * d.kernel[0] * d.kernel[1],
                                          .x_group = d.cg * d.in[0] * d.in[1],
                                          .to = {d.out[0], d.out[1], 0, 0, 1, 1}};
    const bool bf16 = note->way == CONV_BF16;
    if (bf16) {
        note->pairs = (struct conv_pairs){d.n, d.groups, d.cg, d.in[0] * d.in[1]};
        sw__conv_bf16_product(&note->product, &note->pairs);
        s->tasks[0] += sw__conv_pairs_tasks(&note->pairs);
        s->workspace += sw__conv_pairs_bytes(&note->pairs);
    }
    sw__conv_flatten(&note->product);
    note->split = bf16 ? sw__conv_split(&note->product) : sw__conv_split_shared(&note->product);
    if (!bf16) s->workspace = aligned(s->workspace) + sw__conv_gathered_bytes(&note->product);
    s->tasks[0] += note->split.gathered;
    s->tasks[1] = note->split.tasks;
    s->scratch = bf16 ? sw__conv_bf16_scratch(s->k, d.og) : sw__conv_scratch(s->k, d.og);
    s->kernel = s->k->names[bf16 ? SW_SLOT_gemm_strip_bf16 : SW_SLOT_gemm_tile_f32];
    return SW_OK;
}

/* Phase 0 packs the weight, if it was not packed before, and may gather x. */
static void run_product(const struct sw_step *s, const struct sw_epilogue *e, int phase,
                        int64_t begin, int64_t end, float *scratch)
{
    const struct conv_note *note = s->note;
    const int64_t packs = s->packed[W] ? 0 : note->pack.tasks;
    const float *w = s->packed[W] ? s->packed[W] : s->ws, *x = s->in[X]->data;
    float *gathered = (float *)(void *)((char *)s->ws + (packs ? aligned(note->pack.bytes) : 0));
    if (phase == 0) {
        if (begin < packs)
            note->pack.run(&note->pack, s->k, s->in[W]->data, s->ws, begin, sw__min64(end, packs));
        sw__conv_gather(&note->product, gathered, x, sw__max64(begin - packs, 0), end - packs);
        return;
    }
    for (int64_t i = begin; i < end; i++)
        sw__conv_product_task(&note->product, &note->split, w, note->split.gathered ? gathered : x,
                              s->out[0]->data, e, i, scratch);
}

/* Phase 0 packs the weight, if it was not packed before, and rounds x. */
static void run_bf16(const struct sw_step *s, const struct sw_epilogue *e, int phase, int64_t begin,
                     int64_t end, void *scratch)
{
    const struct conv_note *note = s->note;
    const int64_t packs = s->packed[W] ? 0 : note->pack.tasks;
    const void *w = s->packed[W] ? s->packed[W] : s->ws;
    uint32_t *pairs = (uint32_t *)(void *)((char *)s->ws + (packs ? note->pack.bytes : 0));
    if (phase == 0) {
        if (begin < packs)
            note->pack.run(&note->pack, s->k, s->in[W]->data, s->ws, begin, sw__min64(end, packs));
        sw__conv_pairs_run(&note->pairs, s->k, s->in[X]->data, pairs, sw__max64(begin - packs, 0),
                           end - packs);
        return;
    }
    for (int64_t i = begin; i < end; i++)
        sw__conv_bf16_task(&note->product, &note->split, w, pairs, s->out[0]->data, e, i, scratch);
}

static void conv2d_run(const struct sw_step *s, int phase, int64_t begin, int64_t end,
                       void *scratch)
{
    const struct conv_note *note = s->note;
    const float *x = s->in[X]->data, *bias = s->in[BIAS] ? s->in[BIAS]->data : NULL;
    const float *with = s->in[SUM] ? s->in[SUM]->data : NULL;
    float *y = s->out[0]->data;
    struct sw_epilogue e = note->epilogue;
    const struct sw_conv_sum sum = {y, with, e};
    if (with) e = (struct sw_epilogue){.sum = &sum};
    e.bias_row = bias;
    switch (note->way) {
    case CONV_WINOGRAD:
        sw__conv_winograd_run(s, &note->winograd, &e, phase, begin, end, scratch);
        break;
    case CONV_BF16: run_bf16(s, &e, phase, begin, end, scratch); break;
    case CONV_PRODUCT: run_product(s, &e, phase, begin, end, scratch); break;
    case CONV_DIRECT:
        sw__conv_direct_run(s, &note->direct, &note->pack, &e, phase, begin, end, scratch);
        break;
    case CONV_DEPTHWISE:
        sw__depthwise_forward(s, s->attr, &note->dims, x, s->in[W]->data, bias, with, y, begin,
                              end);
        break;
    case CONV_CHOSEN: break;
    }
}

const struct sw_op_class sw__op_conv2d = {.name = "conv2d",
                                          .flags = SW_OP_FUSE_ACT,
                                          .note_size = sizeof(struct conv_note),
                                          .infer = conv2d_infer,
                                          .grad = conv2d_grad,
                                          .pack = conv2d_pack,
                                          .prepare = conv2d_prepare,
                                          .run = conv2d_run,
                                          .bias = BIAS,
                                          .accepts_bias = sw__conv_accepts_bias,
                                          .sum = SUM};

/* ---- builders ---------------------------------------------------------------------------------- */

sw_node *sw__conv_forward(sw_graph *g, const struct conv_attr *attr, sw_node *x, sw_node *w,
                          sw_node *b)
{
    sw_node *in[] = {x, w, b, NULL};
    return sw__op_add(g, &sw__op_conv2d, attr, sizeof *attr, in, 4, 1);
}

static sw_node *convolve(sw_graph *g, sw_node *x, sw_node *w, sw_node *b, sw_conv_options o,
                         int rank)
{
    const struct conv_attr attr = sw__conv_attr(g, o, rank);
    x = sw__conv_round(g, x, w, &attr);
    w = sw__conv_round(g, w, w, &attr);
    return sw__conv_forward(g, &attr, x, w, b);
}

sw_node *sw_conv2d(sw_graph *g, sw_node *x, sw_node *w, sw_node *b, sw_conv_options o)
{
    return convolve(g, x, w, b, o, 4);
}

sw_node *sw_conv1d(sw_graph *g, sw_node *x, sw_node *w, sw_node *b, sw_conv_options o)
{
    return convolve(g, x, w, b, o, 3);
}
