/* Cases of conv2d (sw_conv1d too) and conv_transpose2d.
 *
 * The oracle is the definition: every product w x of the window, one by one.  Tolerance of a sum of K
 * products of numbers below 1: each of at most K + 2 roundings of 2^-24 moves it by the sum of
 * magnitudes, K / 4 on average, so (K + 2) K 2^-26 bounds it; the runner scales by max(1, |y|).  Where
 * Winograd's algorithm computes, the bound is its own. */
#include "op_test.h"
#include "graph/ops/conv_choice.h"
#include "graph/ops/conv_grad.h"
#include "kernels/winograd_kernels.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define TOL(k) ((double)((k) + 2) * (double)(k)*0x1p-26)
/* Of F(4x4, 3x3) with c channels (winograd_kernels.h): c + 34 roundings of 2^-24, each of terms that
 * are SW_WINOGRAD_GROWTH times as large in sum as the 9 c products, of a quarter on average. */
#define WINOGRAD(c) ((double)((c) + 34) * SW_WINOGRAD_GROWTH * 9 * (double)(c)*0x1p-26)
/* Likewise of F(2x2, 5x5). */
#define WINOGRAD_5(c) ((double)((c) + 36) * SW_WINOGRAD_GROWTH_5 * 25 * (double)(c)*0x1p-26)

enum fusion { PLAIN, SUM, SUM_RELU, SUM_GELU, BIAS_RELU, RELU, LEAKY, CLIP, GELU, SILU, TANH };

struct conv {
    sw_conv_options o;
    int output_pad[2];
    enum fusion fusion;
    bool bf16;
    enum conv_way way; /* instead of the table's choice */
};

static sw_node *activate(sw_graph *g, sw_node *y, enum fusion fusion)
{
    switch (fusion) {
    case SUM:
    case PLAIN: return y;
    case SUM_RELU:
    case BIAS_RELU:
    case RELU: return sw_relu(g, y);
    case LEAKY: return sw_leaky_relu(g, y, 0.1f);
    case CLIP: return sw_clip(g, y, -0.5f, 0.75f);
    case SUM_GELU:
    case GELU: return sw_gelu(g, y);
    case SILU: return sw_silu(g, y);
    case TANH: return sw_tanh(g, y);
    }
    return y;
}

static double activated(double y, enum fusion fusion)
{
    switch (fusion) {
    case SUM:
    case PLAIN: return y;
    case SUM_RELU:
    case BIAS_RELU:
    case RELU: return y < 0 ? 0 : y;
    case LEAKY: return y < 0 ? (double)0.1f * y : y;
    case CLIP: return fmin(fmax(y, -0.5), 0.75);
    case SUM_GELU:
    case GELU: return y * 0.5 * erfc(-y / sqrt(2));
    case SILU: return y / (1 + exp(-y));
    case TANH: return tanh(y);
    }
    return y;
}

static bool is_sum(enum fusion fusion)
{
    return fusion == SUM || fusion == SUM_RELU || fusion == SUM_GELU;
}

/* BIAS_RELU adds a (C,1,1) vector by an addition of its own, for the plan to fuse; SUM and its like a
 * tensor of the result's shape. */
static void build_conv(sw_graph *g, sw_node *const *in, sw_node **out, const void *arg)
{
    const struct conv *c = arg;
    sw_graph_compute(g, c->bf16 ? SW_BF16 : SW_F32);
    const bool flat = sw_node_shape(in[0]).rank == 3;
    sw_node *bias = c->fusion == BIAS_RELU || is_sum(c->fusion) ? NULL : in[2];
    struct conv_attr attr = sw__conv_attr(g, c->o, 4);
    attr.way = c->way;
    sw_node *y = c->way ? sw__conv_forward(g, &attr, in[0], in[1], bias)
                 : flat ? sw_conv1d(g, in[0], in[1], bias, c->o)
                        : sw_conv2d(g, in[0], in[1], bias, c->o);
    if (c->fusion == BIAS_RELU) y = sw_add(g, y, in[2]);
    if (is_sum(c->fusion)) y = sw_add(g, in[2], y);
    out[0] = activate(g, y, c->fusion);
}

static void build_transpose(sw_graph *g, sw_node *const *in, sw_node **out, const void *arg)
{
    const struct conv *c = arg;
    sw_graph_compute(g, c->bf16 ? SW_BF16 : SW_F32);
    const sw_conv_transpose_options o = {
        .stride = {c->o.stride[0], c->o.stride[1]},
        .dilation = {c->o.dilation[0], c->o.dilation[1]},
        .pad = {c->o.pad[0], c->o.pad[1], c->o.pad[2], c->o.pad[3]},
        .groups = c->o.groups,
        .output_pad = {c->output_pad[0], c->output_pad[1]},
    };
    sw_node *bias = c->fusion == BIAS_RELU ? NULL : in[2];
    sw_node *y = sw_conv_transpose2d(g, in[0], in[1], bias, o);
    if (c->fusion == BIAS_RELU) y = sw_add(g, y, in[2]);
    out[0] = activate(g, y, c->fusion);
}

/* Round to bf16, to nearest even; the inputs are f32 numbers of moderate size. */
static double rounded(double x, bool bf16)
{
    float f = (float)x;
    uint32_t bits;
    if (!bf16) return x;
    memcpy(&bits, &f, sizeof bits);
    bits = (bits + 0x7fff + (bits >> 16 & 1)) & 0xffff0000;
    memcpy(&f, &bits, sizeof f);
    return (double)f;
}

/* A shape of rank 3 as one of height 1. */
static sw_shape as_image(const sw_shape *s)
{
    if (s->rank != 3) return *s;
    return (sw_shape){4, {s->dim[0], s->dim[1], 1, s->dim[2]}};
}

/* Along one axis: output i reads first + i * stride, and then every `dilation`. */
struct axis {
    int64_t first, stride, dilation;
};

static struct axis axis_of(const struct conv *c, int i, bool flat)
{
    if (flat && i == 0) return (struct axis){0, 1, 1};
    return (struct axis){-c->o.pad[i], c->o.stride[i] ? c->o.stride[i] : 1,
                         c->o.dilation[i] ? c->o.dilation[i] : 1};
}

/* A convolution whose shapes are those of y = conv(x, w): transposed computes x from y. */
struct sizes {
    const int64_t *x, *w, *y;
    struct axis down, across;
    double *xv, *yv;
    bool transposed;
};

/* All products of one filter plane (out-channel o, its c-th channel) with one plane of x. */
static void plane(const struct sizes *s, double *x, double *y, const double *w)
{
    for (int64_t r = 0; r < s->y[2]; r++)
        for (int64_t i = 0; i < s->w[2]; i++) {
            int64_t at = s->down.first + r * s->down.stride + i * s->down.dilation;
            if (at < 0 || at >= s->x[2]) continue;
            for (int64_t q = 0; q < s->y[3]; q++)
                for (int64_t j = 0; j < s->w[3]; j++) {
                    int64_t to = s->across.first + q * s->across.stride + j * s->across.dilation;
                    if (to < 0 || to >= s->x[3]) continue;
                    double *a = &x[at * s->x[3] + to], *b = &y[r * s->y[3] + q];
                    if (s->transposed)
                        *a += *b * w[i * s->w[3] + j];
                    else
                        *b += *a * w[i * s->w[3] + j];
                }
        }
}

static void all_planes(const struct sizes *s, const double *w, int64_t groups)
{
    const int64_t *x = s->x, *y = s->y, og = s->w[0] / groups, cg = s->w[1];
    for (int64_t n = 0; n < y[0]; n++)
        for (int64_t o = 0; o < y[1]; o++)
            for (int64_t c = 0; c < cg; c++)
                plane(s, s->xv + (n * x[1] + o / og * cg + c) * x[2] * x[3],
                      s->yv + (n * y[1] + o) * y[2] * y[3], w + (o * cg + c) * s->w[2] * s->w[3]);
}

/* in[0] and in[1] rounded as the products see them. */
static double *operand(const struct oracle_array *a, bool bf16)
{
    double *v = malloc((size_t)(oracle_count(a) + 1) * sizeof *v);
    for (int64_t e = 0; e < oracle_count(a); e++) v[e] = rounded(a->v[e], bf16);
    return v;
}

static void multiply(const struct oracle_array *in, struct oracle_array *out, const struct conv *c,
                     bool transposed)
{
    const sw_shape from = as_image(&in[0].shape), w = as_image(&in[1].shape);
    const sw_shape to = as_image(&out[0].shape);
    const bool flat = in[0].shape.rank == 3;
    double *a = operand(&in[0], c->bf16), *b = operand(&in[1], c->bf16);
    memset(out[0].v, 0, (size_t)oracle_count(&out[0]) * sizeof(double));
    const struct sizes s = {.x = transposed ? to.dim : from.dim,
                            .y = transposed ? from.dim : to.dim,
                            .w = w.dim,
                            .down = axis_of(c, 0, flat),
                            .across = axis_of(c, 1, flat),
                            .xv = transposed ? out[0].v : a,
                            .yv = transposed ? a : out[0].v,
                            .transposed = transposed};
    all_planes(&s, b, c->o.groups ? c->o.groups : 1);
    free(a);
    free(b);
}

static void finish(const struct oracle_array *in, struct oracle_array *out, const struct conv *c)
{
    const sw_shape s = as_image(&out[0].shape);
    for (int64_t e = 0; e < oracle_count(&out[0]); e++) {
        double bias = in[2].v ? in[2].v[e / (s.dim[2] * s.dim[3]) % s.dim[1]] : 0;
        if (is_sum(c->fusion)) bias = in[2].v[e];
        out[0].v[e] = activated(out[0].v[e] + bias, c->fusion);
    }
}

static void oracle_conv(const struct oracle_array *in, struct oracle_array *out, const void *arg)
{
    multiply(in, out, arg, false);
    finish(in, out, arg);
}

static void oracle_transpose(const struct oracle_array *in, struct oracle_array *out,
                             const void *arg)
{
    multiply(in, out, arg, true);
    finish(in, out, arg);
}

/* The gradient of the weight as an op of x and dy; in[2] has the weight's shape. */
static void build_weights(sw_graph *g, sw_node *const *in, sw_node **out, const void *arg)
{
    const struct conv *c = arg;
    sw_graph_compute(g, c->bf16 ? SW_BF16 : SW_F32);
    sw_node *w = in[2], *y = sw_conv2d(g, in[0], w, NULL, c->o);
    (void)sw_grad_from(g, y, in[1], &w, 1, out);
}

static void oracle_weights(const struct oracle_array *in, struct oracle_array *out, const void *arg)
{
    const struct conv *c = arg;
    const sw_shape *x = &in[0].shape, *y = &in[1].shape, *w = &out[0].shape;
    const struct axis down = axis_of(c, 0, false), across = axis_of(c, 1, false);
    const int64_t og = w->dim[0] / (c->o.groups ? c->o.groups : 1), cg = w->dim[1];
    double *a = operand(&in[0], c->bf16), *b = operand(&in[1], c->bf16);
    for (int64_t e = 0; e < oracle_count(&out[0]); e++) {
        const int64_t j = e % w->dim[3], i = e / w->dim[3] % w->dim[2];
        const int64_t ch = e / w->dim[3] / w->dim[2] % cg, o = e / w->dim[3] / w->dim[2] / cg;
        double sum = 0;
        for (int64_t p = 0; p < y->dim[0] * y->dim[2] * y->dim[3]; p++) {
            const int64_t q = p % y->dim[3], r = p / y->dim[3] % y->dim[2];
            const int64_t n = p / y->dim[3] / y->dim[2];
            const int64_t at = down.first + r * down.stride + i * down.dilation;
            const int64_t to = across.first + q * across.stride + j * across.dilation;
            if (at < 0 || at >= x->dim[2] || to < 0 || to >= x->dim[3]) continue;
            sum += a[((n * x->dim[1] + o / og * cg + ch) * x->dim[2] + at) * x->dim[3] + to] *
                   b[((n * y->dim[1] + o) * y->dim[2] + r) * y->dim[3] + q];
        }
        out[0].v[e] = sum;
    }
    free(a);
    free(b);
}

#define S(...)                                                                                     \
    {                                                                                              \
        sizeof((int64_t[]){__VA_ARGS__}) / sizeof(int64_t),                                        \
        {                                                                                          \
            __VA_ARGS__                                                                            \
        }                                                                                          \
    }
#define PAD(p)                                                                                     \
    {                                                                                              \
        p, p, p, p                                                                                 \
    }
/* clang-format off */
#define CASE(title, what, x_, w_, y_, k, ...)                                                      \
    {.name = title, .build = build_##what, .oracle = oracle_##what, .expect = y_,                  \
     .arg = &(const struct conv){__VA_ARGS__}, .n_in = 2,                                          \
     .in = {{.shape = x_, .grad = true}, {.shape = w_, .grad = true}}, .tol = TOL(k), .batch = 1}
#define EMPTY(title, what, x_, w_, y_, k, ...)                                                     \
    {.name = title, .build = build_##what, .oracle = oracle_##what, .expect = y_,                  \
     .arg = &(const struct conv){__VA_ARGS__}, .n_in = 2,                                          \
     .in = {{.shape = x_, .grad = true}, {.shape = w_, .grad = true}}, .tol = TOL(k)}
#define PARAM(title, what, x_, w_, b_, y_, k, ...)                                                 \
    {.name = title, .build = build_##what, .oracle = oracle_##what, .expect = y_,                  \
     .arg = &(const struct conv){__VA_ARGS__}, .n_in = 3,                                          \
     .in = {{.shape = x_, .grad = true}, {.shape = w_, .grad = true, .weight = true},              \
            {.shape = b_, .grad = true, .weight = true}}, .tol = TOL(k), .batch = 1}
#define WITH(title, what, x_, w_, y_, tol_, ...)                                                  \
    {.name = title, .build = build_##what, .oracle = oracle_##what, .expect = y_,                  \
     .arg = &(const struct conv){__VA_ARGS__}, .n_in = 3,                                          \
     .in = {{.shape = x_}, {.shape = w_, .weight = true}, {.shape = y_}}, .tol = tol_, .batch = 5}
#define TILES(title, what, x_, w_, y_, tol_, ...)                                                     \
    {.name = title, .build = build_##what, .oracle = oracle_##what, .expect = y_,                  \
     .arg = &(const struct conv){.way = CONV_WINOGRAD, __VA_ARGS__}, .n_in = 2,                    \
     .in = {{.shape = x_, .grad = true}, {.shape = w_, .grad = true}}, .tol = tol_, .batch = 1}
#define LARGE(title, what, x_, w_, y_, tol_, ...)                                                     \
    {.name = title, .build = build_##what, .oracle = oracle_##what, .expect = y_,                  \
     .arg = &(const struct conv){.way = CONV_WINOGRAD, __VA_ARGS__}, .n_in = 2,                    \
     .in = {{.shape = x_}, {.shape = w_, .weight = true}}, .tol = tol_, .batch = 1}
#define READ(title, what, x_, w_, y_, k, ...)                                                      \
    {.name = title, .build = build_##what, .oracle = oracle_##what, .expect = y_,                  \
     .arg = &(const struct conv){.way = CONV_DIRECT, __VA_ARGS__}, .n_in = 2,                      \
     .in = {{.shape = x_}, {.shape = w_, .weight = true}}, .tol = TOL(k), .batch = 1}
#define BOARD(title, what, x_, w_, b_, y_, tol_, ...)                                                 \
    {.name = title, .build = build_##what, .oracle = oracle_##what, .expect = y_,                  \
     .arg = &(const struct conv){.way = CONV_WINOGRAD, __VA_ARGS__}, .n_in = 3,                    \
     .in = {{.shape = x_, .grad = true}, {.shape = w_, .grad = true, .weight = true},              \
            {.shape = b_, .grad = true, .weight = true}}, .tol = tol_, .batch = 1}
#define ROUNDED(title, what, x_, w_, y_, k, ...)                                                   \
    {.name = title, .build = build_##what, .oracle = oracle_##what, .expect = y_,                  \
     .arg = &(const struct conv){__VA_ARGS__, .bf16 = true}, .n_in = 2,                            \
     .in = {{.shape = x_}, {.shape = w_, .weight = true}}, .tol = TOL(k), .batch = 1}
#define ROUNDED_PARAM(title, what, x_, w_, b_, y_, k, ...)                                         \
    {.name = title, .build = build_##what, .oracle = oracle_##what, .expect = y_,                  \
     .arg = &(const struct conv){__VA_ARGS__, .bf16 = true}, .n_in = 3,                            \
     .in = {{.shape = x_}, {.shape = w_, .weight = true}, {.shape = b_, .weight = true}},          \
     .tol = TOL(k), .batch = 1}
#define WEIGHTS(title, x_, y_, w_, k, ...)                                                         \
    {.name = title, .build = build_weights, .oracle = oracle_weights, .expect = w_,                \
     .arg = &(const struct conv){__VA_ARGS__}, .n_in = 3,                                          \
     .in = {{.shape = x_}, {.shape = y_}, {.shape = w_, .weight = true}}, .tol = TOL(k)}

const struct op_case optest_conv2d[] = {
    CASE("3x3", conv, S(2, 3, 7, 9), S(5, 3, 3, 3), S(2, 5, 5, 7), 27, .o = {.groups = 0}),
    CASE("3x3, same", conv, S(3, 3, 7, 9), S(5, 3, 3, 3), S(3, 5, 7, 9), 27, .o = {.pad = PAD(1)}),
    CASE("panels cross images", conv, S(9, 4, 5, 5), S(33, 4, 3, 3), S(9, 33, 5, 5), 36, .o = {.pad = PAD(1)}),
    CASE("stride 2, asymmetric padding", conv, S(2, 3, 9, 11), S(4, 3, 3, 4), S(2, 4, 4, 6), 36,
         .o = {.stride = {2, 2}, .pad = {0, 2, 1, 1}}),
    CASE("stride 2 and 1", conv, S(2, 2, 8, 40), S(3, 2, 2, 5), S(2, 3, 4, 37), 20, .o = {.stride = {2, 1}, .pad = {0, 0, 0, 1}}),
    CASE("dilation", conv, S(2, 3, 11, 12), S(4, 3, 3, 3), S(2, 4, 9, 8), 27, .o = {.dilation = {2, 3}, .pad = PAD(1)}),
    CASE("stride and dilation share a factor", conv, S(2, 2, 13, 15), S(3, 2, 3, 3), S(2, 3, 5, 3), 18,
         .o = {.stride = {2, 4}, .dilation = {2, 2}, .pad = {0, 0, 0, 0}}),
    CASE("stride beyond the kernel", conv, S(2, 3, 10, 11), S(4, 3, 2, 1), S(2, 4, 3, 4), 6, .o = {.stride = {3, 3}}),
    CASE("AlexNet's first: 11x11, stride 4", conv, S(1, 3, 35, 39), S(6, 3, 11, 11), S(1, 6, 8, 9), 363,
         .o = {.stride = {4, 4}, .pad = {2, 2, 2, 2}}),
    CASE("5x5, groups", conv, S(2, 4, 9, 8), S(6, 2, 5, 5), S(2, 6, 9, 8), 50, .o = {.pad = PAD(2), .groups = 2}),
    CASE("groups and stride", conv, S(2, 6, 9, 8), S(9, 2, 3, 3), S(2, 9, 5, 4), 18,
         .o = {.stride = {2, 2}, .pad = PAD(1), .groups = 3}),
    CASE("1x1", conv, S(2, 7, 5, 6), S(5, 7, 1, 1), S(2, 5, 5, 6), 7, .o = {.groups = 0}),
    CASE("1x1, stride 2", conv, S(2, 7, 5, 6), S(5, 7, 1, 1), S(2, 5, 3, 3), 7, .o = {.stride = {2, 2}}),
    CASE("1x1, padded", conv, S(2, 3, 4, 4), S(2, 3, 1, 1), S(2, 2, 6, 6), 3, .o = {.pad = PAD(1)}),
    CASE("one pixel left", conv, S(5, 3, 4, 6), S(7, 3, 4, 6), S(5, 7, 1, 1), 72, .o = {.groups = 0}),
    CASE("kernel beyond the image", conv, S(2, 3, 2, 3), S(4, 3, 5, 5), S(2, 4, 2, 3), 75, .o = {.pad = PAD(2)}),
    CASE("several blocks of k", conv, S(2, 60, 4, 5), S(20, 60, 3, 3), S(2, 20, 4, 5), 540, .way = CONV_PRODUCT, .o = {.pad = PAD(1)}),
    CASE("many channels out", conv, S(2, 2, 6, 8), S(120, 2, 3, 3), S(2, 120, 6, 8), 18, .o = {.pad = PAD(1)}),
    CASE("one channel", conv, S(3, 1, 12, 28), S(8, 1, 5, 5), S(3, 8, 8, 24), 25, .o = {.groups = 0}),
    CASE("wide", conv, S(1, 2, 3, 150), S(3, 2, 3, 7), S(1, 3, 3, 150), 42, .o = {.pad = {1, 3, 1, 3}}),
    CASE("many pixels", conv, S(8, 2, 24, 24), S(3, 2, 3, 3), S(8, 3, 24, 24), 18, .o = {.pad = PAD(1)}),
    CASE("depthwise", conv, S(3, 6, 7, 20), S(6, 1, 3, 3), S(3, 6, 7, 20), 9, .o = {.pad = PAD(1), .groups = 6}),
    CASE("depthwise, stride 2, two each", conv, S(2, 4, 9, 37), S(8, 1, 3, 3), S(2, 8, 5, 19), 9,
         .o = {.stride = {2, 2}, .pad = PAD(1), .groups = 4}),
    CASE("depthwise, dilation and stride", conv, S(2, 3, 14, 13), S(3, 1, 3, 2), S(2, 3, 5, 4), 6,
         .o = {.stride = {2, 3}, .dilation = {2, 1}, .pad = {0, 0, 0, 0}, .groups = 3}),
    CASE("depthwise, many each", conv, S(2, 2, 5, 6), S(12, 1, 3, 3), S(2, 12, 5, 6), 9, .o = {.pad = PAD(1), .groups = 2}),
    EMPTY("no image", conv, S(0, 3, 7, 9), S(5, 3, 3, 3), S(0, 5, 5, 7), 27, .o = {.groups = 0}),
    PARAM("param, bias", conv, S(3, 3, 7, 9), S(16, 3, 3, 3), S(16), S(3, 16, 7, 9), 27, .o = {.pad = PAD(1)}),
    PARAM("param, groups", conv, S(2, 6, 7, 9), S(34, 3, 3, 3), S(34), S(2, 34, 4, 5), 27,
          .o = {.stride = {2, 2}, .pad = PAD(1), .groups = 2}),
    PARAM("param, depthwise", conv, S(2, 5, 7, 9), S(5, 1, 3, 3), S(5), S(2, 5, 7, 9), 9, .o = {.pad = PAD(1), .groups = 5}),
    PARAM("fused bias and relu", conv, S(2, 3, 7, 9), S(17, 3, 3, 3), S(17, 1, 1), S(2, 17, 7, 9), 27,
          .o = {.pad = PAD(1)}, .fusion = BIAS_RELU),
    PARAM("fused bias of rank 4 and relu", conv, S(2, 3, 7, 9), S(17, 3, 3, 3), S(1, 17, 1, 1), S(2, 17, 7, 9), 27,
          .o = {.pad = PAD(1)}, .fusion = BIAS_RELU),
    PARAM("fused leaky relu", conv, S(2, 3, 7, 9), S(4, 3, 3, 3), S(4), S(2, 4, 5, 7), 27, .o = {.groups = 0}, .fusion = LEAKY),
    PARAM("fused clip", conv, S(2, 3, 7, 9), S(4, 3, 3, 3), S(4), S(2, 4, 5, 7), 27, .o = {.groups = 0}, .fusion = CLIP),
    PARAM("fused gelu, panels cross images", conv, S(5, 3, 7, 9), S(20, 3, 3, 3), S(20), S(5, 20, 5, 7), 27, .o = {.groups = 0}, .fusion = GELU),
    PARAM("fused silu", conv, S(2, 3, 7, 9), S(4, 3, 3, 3), S(4), S(2, 4, 5, 7), 27, .o = {.groups = 0}, .fusion = SILU),
    PARAM("depthwise, fused tanh", conv, S(2, 4, 7, 9), S(4, 1, 3, 3), S(4), S(2, 4, 5, 7), 9, .o = {.groups = 4}, .fusion = TANH),
    PARAM("depthwise, fused bias and relu", conv, S(2, 4, 7, 9), S(4, 1, 3, 3), S(4, 1, 1), S(2, 4, 5, 7), 9, .o = {.groups = 4}, .fusion = BIAS_RELU),
    TILES("winograd", conv, S(2, 25, 6, 7), S(35, 25, 3, 3), S(2, 35, 6, 7), WINOGRAD(25), .o = {.pad = PAD(1)}),
    LARGE("winograd, no padding", conv, S(2, 24, 10, 13), S(26, 24, 3, 3), S(2, 26, 8, 11), WINOGRAD(24), .o = {.groups = 0}),
    TILES("winograd, asymmetric padding", conv, S(2, 24, 6, 7), S(24, 24, 3, 3), S(2, 24, 7, 7), WINOGRAD(24), .o = {.pad = {2, 0, 1, 2}}),
    LARGE("winograd, groups", conv, S(2, 50, 7, 9), S(74, 25, 3, 3), S(2, 74, 7, 9), WINOGRAD(25), .o = {.pad = PAD(1), .groups = 2}),
    LARGE("winograd, several blocks of channels", conv, S(2, 260, 6, 6), S(24, 260, 3, 3), S(2, 24, 6, 6), WINOGRAD(260), .o = {.pad = PAD(1)}),
    TILES("winograd, many tiles", conv, S(33, 24, 7, 6), S(25, 24, 3, 3), S(33, 25, 7, 6), WINOGRAD(24), .o = {.pad = PAD(1)}),
    LARGE("winograd, long rows", conv, S(2, 24, 4, 470), S(24, 24, 3, 3), S(2, 24, 4, 470), WINOGRAD(24), .o = {.pad = PAD(1)}),
    BOARD("winograd, fused bias and relu", conv, S(2, 24, 6, 7), S(33, 24, 3, 3), S(33, 1, 1), S(2, 33, 6, 7), WINOGRAD(24),
          .o = {.pad = PAD(1)}, .fusion = BIAS_RELU),
    BOARD("winograd, fused gelu", conv, S(2, 24, 6, 6), S(24, 24, 3, 3), S(24), S(2, 24, 6, 6), WINOGRAD(24), .o = {.pad = PAD(1)}, .fusion = GELU),
    TILES("winograd, 5x5", conv, S(2, 25, 6, 7), S(35, 25, 5, 5), S(2, 35, 6, 7), WINOGRAD_5(25), .o = {.pad = PAD(2)}),
    LARGE("winograd, 5x5, groups, asymmetric padding", conv, S(2, 50, 7, 9), S(74, 25, 5, 5), S(2, 74, 10, 10), WINOGRAD_5(25),
          .o = {.pad = {4, 1, 3, 4}, .groups = 2}),
    TILES("winograd, 5x5, many tiles", conv, S(9, 20, 11, 8), S(17, 20, 5, 5), S(9, 17, 7, 4), WINOGRAD_5(20), .o = {.groups = 0}),
    BOARD("winograd, 5x5, bias and relu", conv, S(2, 24, 6, 5), S(33, 24, 5, 5), S(33, 1, 1), S(2, 33, 6, 5), WINOGRAD_5(24),
          .o = {.pad = PAD(2)}, .fusion = BIAS_RELU),
    CASE("direct, groups, panels of two and three vectors", conv, S(2, 4, 6, 11), S(160, 2, 5, 5), S(2, 160, 6, 11), 50,
         .way = CONV_DIRECT, .o = {.pad = PAD(2), .groups = 2}),
    CASE("direct, 11x11, stride 4", conv, S(2, 3, 35, 39), S(20, 3, 11, 11), S(2, 20, 7, 8), 363, .way = CONV_DIRECT, .o = {.stride = {4, 4}}),
    CASE("direct, strides 2 and 3", conv, S(2, 3, 11, 20), S(24, 3, 4, 6), S(2, 24, 5, 6), 72,
         .way = CONV_DIRECT, .o = {.stride = {2, 3}, .pad = {1, 0, 0, 1}}),
    CASE("direct, several bands", conv, S(1, 3, 40, 12), S(9, 3, 5, 3), S(1, 9, 40, 12), 45, .way = CONV_DIRECT, .o = {.pad = {2, 1, 2, 1}}),
    PARAM("direct, fused bias and relu", conv, S(2, 3, 8, 15), S(40, 3, 5, 5), S(40, 1, 1), S(2, 40, 8, 15), 75,
          .way = CONV_DIRECT, .o = {.pad = PAD(2)}, .fusion = BIAS_RELU),
    PARAM("direct, fused leaky relu", conv, S(2, 3, 8, 9), S(40, 3, 5, 5), S(40), S(2, 40, 4, 5), 75, .way = CONV_DIRECT, .o = {.groups = 0}, .fusion = LEAKY),
    PARAM("direct, fused clip", conv, S(2, 3, 8, 9), S(33, 3, 5, 5), S(33), S(2, 33, 4, 5), 75, .way = CONV_DIRECT, .o = {.groups = 0}, .fusion = CLIP),
    PARAM("direct, fused gelu", conv, S(2, 3, 8, 9), S(17, 3, 5, 5), S(17), S(2, 17, 4, 5), 75, .way = CONV_DIRECT, .o = {.groups = 0}, .fusion = GELU),
    CASE("direct, one tap, strides", conv, S(2, 7, 9, 8), S(33, 7, 1, 1), S(2, 33, 5, 4), 7,
         .way = CONV_DIRECT, .o = {.stride = {2, 3}, .pad = {0, 1, 0, 1}}),
    CASE("direct, one tap down", conv, S(2, 3, 9, 30), S(5, 3, 1, 4), S(2, 5, 5, 14), 12, .way = CONV_DIRECT, .o = {.stride = {2, 2}}),
    CASE("direct, one tap, in place", conv, S(3, 20, 6, 9), S(50, 20, 1, 1), S(3, 50, 6, 9), 20, .way = CONV_DIRECT, .o = {.groups = 0}),
    CASE("direct, no padding, in place", conv, S(2, 3, 9, 9), S(17, 3, 3, 3), S(2, 17, 4, 7), 27,
         .way = CONV_DIRECT, .o = {.stride = {2, 1}}),
    CASE("direct, a copy for all, by data in place", conv, S(1, 129, 6, 4), S(130, 129, 2, 2), S(1, 130, 3, 2), 516,
         .way = CONV_DIRECT, .o = {.stride = {2, 2}}),
    CASE("direct, a copy for all, also by data", conv, S(1, 129, 5, 4), S(130, 129, 2, 2), S(1, 130, 3, 2), 516,
         .way = CONV_DIRECT, .o = {.stride = {2, 2}, .pad = {1, 0, 0, 0}}),
    READ("direct, two rows at once, a copy for all", conv, S(3, 120, 7, 7), S(72, 120, 3, 3), S(3, 72, 7, 7), 1080, .o = {.pad = PAD(1)}),
    READ("direct, a copy for all, bands", conv, S(2, 60, 27, 40), S(140, 30, 5, 5), S(2, 140, 14, 20), 750,
         .o = {.stride = {2, 2}, .pad = PAD(2), .groups = 2}),
    CASE("direct, one tap, one pixel wide", conv, S(2, 5, 4, 1), S(7, 5, 1, 1), S(2, 7, 4, 1), 5, .way = CONV_DIRECT, .o = {.groups = 0}),
    CASE("direct, dilation", conv, S(2, 5, 9, 10), S(7, 5, 3, 3), S(2, 7, 9, 10), 45, .way = CONV_DIRECT,
         .o = {.dilation = {2, 2}, .pad = PAD(2)}),
    TILES("winograd, few channels, few pixels", conv, S(3, 3, 5, 2), S(2, 3, 3, 3), S(3, 2, 5, 2), WINOGRAD(3), .o = {.pad = PAD(1)}),
    CASE("product, 3x3", conv, S(3, 25, 6, 7), S(35, 25, 3, 3), S(3, 35, 6, 7), 225, .way = CONV_PRODUCT, .o = {.pad = PAD(1)}),
    CASE("product, 5x5, groups", conv, S(3, 4, 9, 8), S(34, 2, 5, 5), S(3, 34, 9, 8), 50, .way = CONV_PRODUCT,
         .o = {.pad = PAD(2), .groups = 2}),
    CASE("product, stride 4", conv, S(2, 3, 35, 39), S(20, 3, 11, 11), S(2, 20, 7, 8), 363, .way = CONV_PRODUCT, .o = {.stride = {4, 4}}),
    CASE("product, stride and dilation", conv, S(2, 2, 13, 15), S(30, 2, 3, 3), S(2, 30, 5, 3), 18, .way = CONV_PRODUCT,
         .o = {.stride = {2, 4}, .dilation = {2, 2}}),
    PARAM("product, fused bias and relu", conv, S(5, 3, 7, 9), S(40, 3, 3, 3), S(40, 1, 1), S(5, 40, 5, 7), 27, .way = CONV_PRODUCT,
          .o = {.groups = 0}, .fusion = BIAS_RELU),
    PARAM("product, fused gelu", conv, S(5, 3, 7, 9), S(20, 3, 3, 3), S(20), S(5, 20, 5, 7), 27, .way = CONV_PRODUCT,
          .o = {.groups = 0}, .fusion = GELU),
    WITH("product, fused sum and relu", conv, S(5, 3, 7, 9), S(40, 3, 3, 3), S(5, 40, 5, 7), TOL(27), .way = CONV_PRODUCT, .fusion = SUM_RELU),
    WITH("1x1, fused sum", conv, S(3, 40, 8, 9), S(70, 40, 1, 1), S(3, 70, 8, 9), TOL(40), .way = CONV_PRODUCT, .fusion = SUM),
    WITH("1x1, fused sum and gelu", conv, S(1, 300, 8, 9), S(70, 300, 1, 1), S(1, 70, 8, 9), TOL(300), .way = CONV_PRODUCT, .fusion = SUM_GELU),
    WITH("direct, fused sum and relu", conv, S(2, 3, 8, 9), S(40, 3, 5, 5), S(2, 40, 4, 5), TOL(75), .way = CONV_DIRECT, .fusion = SUM_RELU),
    WITH("winograd, fused sum and relu", conv, S(2, 24, 6, 7), S(33, 24, 3, 3), S(2, 33, 6, 7), WINOGRAD(24), .way = CONV_WINOGRAD,
         .o = {.pad = PAD(1)}, .fusion = SUM_RELU),
    WITH("depthwise, fused sum and gelu", conv, S(2, 4, 7, 9), S(4, 1, 3, 3), S(2, 4, 5, 7), TOL(9), .o = {.groups = 4}, .fusion = SUM_GELU),
    WITH("bf16, fused sum and relu", conv, S(5, 3, 7, 9), S(40, 3, 3, 3), S(5, 40, 5, 7), TOL(27), .o = {.groups = 0}, .fusion = SUM_RELU, .bf16 = true),
    CASE("product, gathered before", conv, S(2, 260, 7, 9), S(150, 260, 1, 1), S(2, 150, 7, 9), 260, .way = CONV_PRODUCT, .o = {.groups = 0}),
    CASE("product, gathered before, groups, stride", conv, S(1, 60, 13, 12), S(130, 30, 3, 3), S(1, 130, 7, 6), 270, .way = CONV_PRODUCT,
         .o = {.stride = {2, 2}, .pad = PAD(1), .groups = 2}),
    ROUNDED("bf16 products", conv, S(2, 3, 7, 9), S(5, 3, 3, 3), S(2, 5, 7, 9), 27, .o = {.pad = PAD(1)}),
    ROUNDED("bf16, several blocks of k", conv, S(3, 67, 7, 9), S(37, 67, 3, 3), S(3, 37, 7, 9), 603, .o = {.pad = PAD(1)}),
    ROUNDED("bf16, 1x1, many pixels", conv, S(2, 40, 20, 21), S(70, 40, 1, 1), S(2, 70, 20, 21), 40, .o = {.groups = 0}),
    ROUNDED("bf16, groups, stride 4", conv, S(2, 6, 35, 39), S(36, 3, 11, 11), S(2, 36, 7, 8), 363, .o = {.stride = {4, 4}, .groups = 2}),
    ROUNDED_PARAM("bf16, bias and relu", conv, S(5, 3, 7, 9), S(40, 3, 3, 3), S(40, 1, 1), S(5, 40, 5, 7), 27, .o = {.groups = 0}, .fusion = BIAS_RELU),
    ROUNDED_PARAM("bf16, gelu", conv, S(5, 3, 7, 9), S(20, 3, 3, 3), S(20), S(5, 20, 5, 7), 27, .o = {.groups = 0}, .fusion = GELU),
    ROUNDED("bf16, 1d", conv, S(2, 3, 50), S(5, 3, 4), S(2, 5, 26), 12, .o = {.stride = {0, 2}, .pad = {0, 2, 0, 3}}),
    WEIGHTS("by weights", S(3, 5, 8, 9), S(3, 7, 8, 9), S(7, 5, 3, 3), 216, .o = {.pad = PAD(1)}),
    WEIGHTS("by weights, bf16", S(3, 5, 8, 9), S(3, 7, 8, 9), S(7, 5, 3, 3), 216, .o = {.pad = PAD(1)}, .bf16 = true),
    WEIGHTS("by weights, bf16, many pixels", S(2, 35, 23, 29), S(2, 45, 23, 29), S(45, 35, 2, 3), 1334, .o = {.pad = {0, 1, 1, 1}}, .bf16 = true),
    WEIGHTS("by weights, bf16, groups and stride", S(9, 10, 13, 15), S(9, 70, 6, 7), S(70, 5, 3, 3), 378, .o = {.stride = {2, 2}, .groups = 2}, .bf16 = true),
    WEIGHTS("by weights, bf16, no image", S(0, 5, 8, 9), S(0, 7, 8, 9), S(7, 5, 3, 3), 1, .o = {.pad = PAD(1)}, .bf16 = true),
    ROUNDED("bf16 products, depthwise", conv, S(2, 3, 7, 9), S(3, 1, 3, 3), S(2, 3, 7, 9), 9, .o = {.pad = PAD(1), .groups = 3}),
    CASE("1d", conv, S(2, 3, 50), S(5, 3, 4), S(2, 5, 26), 12, .o = {.stride = {0, 2}, .pad = {0, 2, 0, 3}}),
    CASE("1d, dilation, ignored height", conv, S(2, 3, 20), S(5, 3, 3), S(2, 5, 16), 9,
         .o = {.stride = {3, 1}, .dilation = {4, 2}, .pad = {5, 0, 5, 0}}),
    CASE("1d, kernel of 40", conv, S(2, 2, 70), S(3, 2, 40), S(2, 3, 70), 80, .o = {.pad = {0, 20, 0, 19}}),
    CASE("1d, depthwise", conv, S(2, 4, 30), S(4, 1, 4), S(2, 4, 30), 4, .o = {.pad = {0, 3, 0, 0}, .groups = 4}),
    PARAM("1d, param, fused bias and relu", conv, S(3, 4, 30), S(6, 4, 3), S(6, 1), S(3, 6, 30), 12,
          .o = {.pad = {0, 1, 0, 1}}, .fusion = BIAS_RELU),
    {0}};

const struct op_case optest_conv_transpose2d[] = {
    CASE("3x3", transpose, S(2, 3, 5, 6), S(3, 4, 3, 3), S(2, 4, 7, 8), 27, .o = {.groups = 0}),
    CASE("doubling: 2x2, stride 2", transpose, S(3, 5, 4, 5), S(5, 3, 2, 2), S(3, 3, 8, 10), 5, .o = {.stride = {2, 2}}),
    CASE("4x4, stride 2, padding 1", transpose, S(2, 5, 4, 9), S(5, 3, 4, 4), S(2, 3, 8, 18), 20,
         .o = {.stride = {2, 2}, .pad = PAD(1)}),
    CASE("stride 3 and 2, output padding", transpose, S(2, 3, 4, 5), S(3, 4, 3, 3), S(2, 4, 14, 10), 27,
         .o = {.stride = {3, 2}, .pad = {0, 1, 0, 1}}, .output_pad = {2, 1}),
    CASE("stride beyond the kernel", transpose, S(2, 3, 4, 3), S(3, 4, 2, 1), S(2, 4, 11, 7), 6, .o = {.stride = {3, 3}}),
    CASE("dilation", transpose, S(2, 3, 5, 6), S(3, 4, 3, 2), S(2, 4, 7, 14), 18,
         .o = {.stride = {1, 2}, .dilation = {2, 4}, .pad = {1, 0, 1, 1}}),
    CASE("groups", transpose, S(2, 6, 5, 6), S(6, 2, 3, 3), S(2, 4, 9, 11), 27,
         .o = {.stride = {2, 2}, .pad = PAD(1), .groups = 2}),
    CASE("depthwise", transpose, S(2, 4, 5, 6), S(4, 1, 4, 4), S(2, 4, 10, 12), 16,
         .o = {.stride = {2, 2}, .pad = PAD(1), .groups = 4}),
    CASE("1x1", transpose, S(2, 6, 5, 6), S(6, 4, 1, 1), S(2, 4, 5, 6), 6, .o = {.groups = 0}),
    CASE("several blocks of k", transpose, S(2, 50, 5, 6), S(50, 20, 3, 3), S(2, 20, 5, 6), 450, .o = {.pad = PAD(1)}),
    EMPTY("no image", transpose, S(0, 3, 5, 6), S(3, 4, 3, 3), S(0, 4, 7, 8), 27, .o = {.groups = 0}),
    PARAM("param, bias", transpose, S(2, 5, 4, 5), S(5, 3, 4, 4), S(3), S(2, 3, 8, 10), 20,
          .o = {.stride = {2, 2}, .pad = PAD(1)}),
    PARAM("bias where no tap comes", transpose, S(2, 3, 4, 3), S(3, 4, 1, 1), S(4), S(2, 4, 10, 7), 3, .o = {.stride = {3, 3}}),
    PARAM("param, depthwise, bias", transpose, S(2, 4, 5, 6), S(4, 1, 3, 3), S(4), S(2, 4, 11, 13), 9,
          .o = {.stride = {2, 2}, .groups = 4}),
    PARAM("fused bias and relu", transpose, S(3, 5, 4, 5), S(5, 6, 4, 4), S(6, 1, 1), S(3, 6, 8, 10), 20,
          .o = {.stride = {2, 2}, .pad = PAD(1)}, .fusion = BIAS_RELU),
    PARAM("fused gelu", transpose, S(3, 5, 4, 5), S(5, 6, 3, 3), S(6), S(3, 6, 6, 7), 45, .o = {.groups = 0}, .fusion = GELU),
    TILES("winograd", transpose, S(2, 27, 7, 6), S(27, 35, 3, 3), S(2, 35, 7, 6), WINOGRAD(27), .o = {.pad = PAD(1)}),
    TILES("winograd, 5x5", transpose, S(2, 27, 7, 6), S(27, 35, 5, 5), S(2, 35, 9, 6), WINOGRAD_5(27), .o = {.pad = {1, 2, 1, 2}}),
    LARGE("winograd, groups, asymmetric padding", transpose, S(2, 52, 8, 9), S(52, 25, 3, 3), S(2, 50, 9, 9), WINOGRAD(26),
          .o = {.pad = {1, 0, 0, 2}, .groups = 2}),
    BOARD("winograd, bias and relu", transpose, S(2, 24, 6, 6), S(24, 25, 3, 3), S(25, 1, 1), S(2, 25, 8, 8), WINOGRAD(24), .o = {.groups = 0},
          .fusion = BIAS_RELU),
    ROUNDED("bf16 products", transpose, S(2, 3, 5, 6), S(3, 4, 3, 3), S(2, 4, 7, 8), 27, .o = {.groups = 0}),
    ROUNDED("bf16, several blocks of k", transpose, S(2, 71, 5, 6), S(71, 40, 3, 3), S(2, 40, 5, 6), 639, .o = {.pad = PAD(1)}),
    ROUNDED("bf16, stride 3 and 2, output padding", transpose, S(2, 3, 4, 5), S(3, 4, 3, 3), S(2, 4, 14, 10), 27,
            .o = {.stride = {3, 2}, .pad = {0, 1, 0, 1}}, .output_pad = {2, 1}),
    ROUNDED("bf16, groups and dilation", transpose, S(2, 6, 5, 6), S(6, 40, 3, 2), S(2, 80, 7, 14), 18,
            .o = {.stride = {1, 2}, .dilation = {2, 4}, .pad = {1, 0, 1, 1}, .groups = 2}),
    ROUNDED_PARAM("bf16, bias where no tap comes", transpose, S(2, 3, 4, 3), S(3, 4, 1, 1), S(4), S(2, 4, 10, 7), 3, .o = {.stride = {3, 3}}),
    {0}};
/* clang-format on */

/* ---- what must not build ----------------------------------------------------------------------- */

struct bad {
    struct conv c;
    bool flat, transposed;
};

static void build_bad(sw_graph *g, sw_node *const *in, sw_node **out, const void *arg)
{
    const struct bad *b = arg;
    if (b->transposed)
        build_transpose(g, in, out, &b->c);
    else if (b->flat)
        out[0] = sw_conv1d(g, in[0], in[1], in[2], b->c.o);
    else
        out[0] = sw_conv2d(g, in[0], in[1], in[2], b->c.o);
}

/* clang-format off */
#define BAD(title, x_, w_, status_, t0, t1, t2, ...)                                               \
    {.name = title, .build = build_bad, .arg = &(const struct bad){__VA_ARGS__}, .n_in = 2,        \
     .in = {{.shape = x_}, {.shape = w_}}, .status = status_, .text = {t0, t1, t2}}
const struct op_error_case optest_errors_conv[] = {
    BAD("channels", S(2, 3, 7, 7), S(4, 5, 3, 3), SW_ERR_SHAPE, "conv2d", "(2,3,7,7)", "(4,5,3,3)", .c.o = {.groups = 0}),
    BAD("channels of groups", S(2, 4, 7, 7), S(4, 4, 3, 3), SW_ERR_SHAPE, "conv2d", "(2,4,7,7)", "channels", .c.o = {.groups = 2}),
    BAD("groups", S(2, 6, 7, 7), S(5, 3, 3, 3), SW_ERR_SHAPE, "conv2d", "(5,3,3,3)", "groups", .c.o = {.groups = 2}),
    BAD("negative groups", S(2, 6, 7, 7), S(5, 3, 3, 3), SW_ERR_ARGUMENT, "conv2d", "groups", "-1", .c.o = {.groups = -1}),
    BAD("large kernel", S(2, 3, 2, 7), S(4, 3, 3, 3), SW_ERR_SHAPE, "conv2d", "(2,3,2,7)", "larger", .c.o = {.groups = 0}),
    BAD("dilated kernel", S(2, 3, 4, 7), S(4, 3, 3, 3), SW_ERR_SHAPE, "conv2d", "(4,3,3,3)", "larger", .c.o = {.dilation = {2, 1}}),
    BAD("rank", S(3, 7, 7), S(4, 3, 3, 3), SW_ERR_SHAPE, "conv2d", "4 dimensions", "3", .c.o = {.groups = 0}),
    BAD("rank of w", S(2, 3, 7, 7), S(4, 3, 3), SW_ERR_SHAPE, "conv2d", "ranks", "(4,3,3)", .c.o = {.groups = 0}),
    BAD("stride", S(2, 3, 7, 7), S(4, 3, 3, 3), SW_ERR_ARGUMENT, "conv2d", "stride", "-2", .c.o = {.stride = {-2, 1}}),
    BAD("dilation", S(2, 3, 7, 7), S(4, 3, 3, 3), SW_ERR_ARGUMENT, "conv2d", "dilation", "-2", .c.o = {.dilation = {1, -2}}),
    BAD("padding", S(2, 3, 7, 7), S(4, 3, 3, 3), SW_ERR_ARGUMENT, "conv2d", "padding", "-1", .c.o = {.pad = {0, 0, -1, 0}}),
    BAD("absurd padding", S(2, 3, 7, 7), S(4, 3, 3, 3), SW_ERR_SHAPE, "conv2d", "padding", NULL, .c.o = {.pad = {0, (1 << 30) - 1, 0, 0}}),
    BAD("no kernel", S(2, 3, 7, 7), S(4, 3, 0, 3), SW_ERR_SHAPE, "conv2d", "(4,3,0,3)", "range", .c.o = {.groups = 0}),
    BAD("1d rank", S(2, 3, 7, 7), S(4, 3, 3), SW_ERR_SHAPE, "conv2d", "3 dimensions", NULL, .c.o = {.groups = 0}, .flat = true),
    {.name = "dtype", .build = build_bad, .arg = &(const struct bad){.c.o = {.groups = 0}}, .n_in = 2, .in =
     {{.shape = S(2, 3, 7, 7), .dtype = SW_I32, .hi = 3}, {.shape = S(4, 3, 3, 3)}}, .status = SW_ERR_DTYPE, .text = {"conv2d", "i32"}},
    {.name = "bias", .build = build_bad, .arg = &(const struct bad){.c.o = {.groups = 0}}, .n_in = 3, .in =
     {{.shape = S(2, 3, 7, 7)}, {.shape = S(4, 3, 3, 3)}, {.shape = S(5)}}, .status = SW_ERR_SHAPE, .text = {"conv2d", "bias (5)", "4 channels"}},
    BAD("transposed channels", S(2, 3, 7, 7), S(4, 3, 3, 3), SW_ERR_SHAPE, "conv_transpose2d", "(2,3,7,7)", "(4,3,3,3)", .c.o = {.groups = 0}, .transposed = true),
    BAD("transposed groups", S(2, 4, 7, 7), S(4, 3, 3, 3), SW_ERR_SHAPE, "conv_transpose2d", "groups", NULL, .c.o = {.groups = 3}, .transposed = true),
    BAD("output padding", S(2, 4, 7, 7), S(4, 3, 3, 3), SW_ERR_ARGUMENT, "conv_transpose2d", "padding 2", NULL, .c = {.o = {.stride = {2, 2}}, .output_pad = {2, 0}}, .transposed = true),
    BAD("nothing left", S(2, 4, 1, 1), S(4, 3, 3, 3), SW_ERR_SHAPE, "conv_transpose2d", "nothing", NULL, .c.o = {.pad = {2, 0, 2, 0}}, .transposed = true),
    BAD("transposed rank", S(4, 7, 7), S(4, 3, 3), SW_ERR_SHAPE, "conv_transpose2d", "4 dimensions", NULL, .c.o = {.groups = 0}, .transposed = true),
    {0}};
/* clang-format on */
