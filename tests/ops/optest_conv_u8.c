/* Cases of the layers on bytes.  Sums are exact and the rest is the same f32 operations in the same order,
 * so all is exact. */
#include <math.h>
#include <stddef.h>
#include "op_test.h"

/* The byte of a result in f32. */
static double byte_of(float x, int low, int high, int zero)
{
    const float least = (float)(low - zero), most = (float)(high - zero);
    x = x < least ? least : x > most ? most : x;
    return (double)nearbyintf(x) + zero;
}

/* ---- conv2d_u8 --------------------------------------------------------------------------------- */

enum { X, W, SCALE, BIAS };

static void build_conv(sw_graph *g, sw_node *const *in, sw_node **out, const void *arg)
{
    out[0] = sw_conv2d_u8(g, in[X], in[W], in[SCALE], in[BIAS], *(const sw_conv_u8_options *)arg);
}

static void build_without_bias(sw_graph *g, sw_node *const *in, sw_node **out, const void *arg)
{
    out[0] = sw_conv2d_u8(g, in[X], in[W], in[SCALE], NULL, *(const sw_conv_u8_options *)arg);
}

static int or_one(int x)
{
    return x ? x : 1;
}

/* The sum at pixel (n, y, x) of out-channel o. */
static double sum_at(const struct oracle_array *in, const sw_conv_u8_options *a, const int64_t *at)
{
    const int64_t *xs = in[X].shape.dim, *ws = in[W].shape.dim;
    const int64_t og = ws[0] / or_one(a->conv.groups), first = at[3] / og * ws[1];
    double sum = 0;
    for (int64_t ky = 0; ky < ws[2]; ky++)
        for (int64_t kx = 0; kx < ws[3]; kx++) {
            const int64_t iy = at[1] * or_one(a->conv.stride[0]) +
                               ky * or_one(a->conv.dilation[0]) - a->conv.pad[0];
            const int64_t ix = at[2] * or_one(a->conv.stride[1]) +
                               kx * or_one(a->conv.dilation[1]) - a->conv.pad[1];
            if (iy < 0 || iy >= xs[1] || ix < 0 || ix >= xs[2]) continue;
            for (int64_t c = 0; c < ws[1]; c++)
                sum += (in[X].v[((at[0] * xs[1] + iy) * xs[2] + ix) * xs[3] + first + c] -
                        a->x_zero) *
                       in[W].v[((at[3] * ws[1] + c) * ws[2] + ky) * ws[3] + kx];
        }
    return sum;
}

static void oracle(const struct oracle_array *in, struct oracle_array *out,
                   const sw_conv_u8_options *a, bool bias)
{
    const int64_t *ys = out[0].shape.dim;
    for (int64_t e = 0; e < oracle_count(out); e++) {
        const int64_t o = e % ys[3], x = e / ys[3] % ys[2], y = e / ys[3] / ys[2] % ys[1];
        const double sum = sum_at(in, a, (int64_t[]){e / ys[3] / ys[2] / ys[1], y, x, o});
        const float v = (float)(sum + (bias ? in[BIAS].v[o] : 0)) * (float)in[SCALE].v[o];
        out[0].v[e] = a->f32 ? (double)v
                             : byte_of(v, a->low, a->low || a->high ? a->high : 255, a->y_zero);
    }
}

static void oracle_conv(const struct oracle_array *in, struct oracle_array *out, const void *arg)
{
    oracle(in, out, arg, true);
}

static void oracle_without_bias(const struct oracle_array *in, struct oracle_array *out,
                                const void *arg)
{
    oracle(in, out, arg, false);
}

/* clang-format off */
#define S(...) {sizeof((int64_t[]){__VA_ARGS__}) / sizeof(int64_t), {__VA_ARGS__}}
#define BYTES(...) {.shape = S(__VA_ARGS__), .dtype = SW_U8, .lo = 0, .hi = 255}
#define WEIGHT(...) {.shape = S(__VA_ARGS__), .dtype = SW_I8, .lo = -128, .hi = 127, .weight = true}
#define SCALES(o, most) {.shape = S(o), .lo = most / 4, .hi = most}
#define BIASES(o) {.shape = S(o), .dtype = SW_I32, .lo = -9000, .hi = 9000}
#define CONV(title, ...) .name = title, .build = build_conv, .oracle = oracle_conv, .n_in = 4, \
    .arg = &(const sw_conv_u8_options){__VA_ARGS__}, .every_isa = true, .batch = 1

const struct op_case optest_conv2d_u8[] = {
    {CONV("3x3", .conv = {.pad = {1, 1, 1, 1}}, .x_zero = 120, .y_zero = 100),
     .in = {BYTES(3, 9, 11, 16), WEIGHT(40, 16, 3, 3), SCALES(40, 1e-3), BIASES(40)}, .expect = S(3, 9, 11, 40)},
    {CONV("1x1", .x_zero = 7, .y_zero = 0, .low = 3, .high = 200),
     .in = {BYTES(2, 13, 13, 64), WEIGHT(33, 64, 1, 1), SCALES(33, 1e-3), BIASES(33)}},
    {CONV("1x1, many pixels", .x_zero = 7),
     .in = {BYTES(2, 40, 40, 16), WEIGHT(64, 16, 1, 1), SCALES(64, 1e-3), BIASES(64)}},
    {CONV("1x1 with a stride", .conv = {.stride = {2, 2}}, .x_zero = 128, .y_zero = 128),
     .in = {BYTES(2, 7, 9, 32), WEIGHT(64, 32, 1, 1), SCALES(64, 1e-3), BIASES(64)}},
    {CONV("AlexNet's first", .conv = {.stride = {4, 4}}, .x_zero = 114, .y_zero = 0),
     .in = {BYTES(2, 63, 67, 3), WEIGHT(96, 3, 11, 11), SCALES(96, 1e-3), BIASES(96)}},
    {CONV("groups", .conv = {.pad = {2, 2, 2, 2}, .groups = 2}, .x_zero = 3, .y_zero = 1),
     .in = {BYTES(2, 13, 13, 24), WEIGHT(64, 12, 5, 5), SCALES(64, 1e-3), BIASES(64)}},
    {CONV("groups without padding", .conv = {.groups = 3}, .x_zero = 3, .y_zero = 1),
     .in = {BYTES(2, 8, 9, 24), WEIGHT(21, 8, 3, 2), SCALES(21, 1e-3), BIASES(21)}},
    {CONV("a channel a group", .conv = {.pad = {1, 0, 2, 1}, .groups = 5, .stride = {2, 1}}, .x_zero = 3),
     .in = {BYTES(2, 8, 9, 5), WEIGHT(10, 1, 3, 3), SCALES(10, 1e-1), BIASES(10)}},
    {CONV("dilation", .conv = {.pad = {0, 2, 1, 2}, .dilation = {3, 2}}, .x_zero = 255, .y_zero = 255),
     .in = {BYTES(2, 9, 8, 6), WEIGHT(7, 6, 3, 3), SCALES(7, 1e-2), BIASES(7)}},
    {CONV("dilation without padding", .conv = {.dilation = {1, 2}}),
     .in = {BYTES(1, 9, 8, 8), WEIGHT(7, 8, 3, 3), SCALES(7, 1e-2), BIASES(7)}},
    {CONV("to f32", .conv = {.pad = {1, 1, 1, 1}}, .x_zero = 120, .f32 = true),
     .in = {BYTES(2, 5, 5, 7), WEIGHT(9, 7, 3, 3), SCALES(9, 1e-3), BIASES(9)}},
    {CONV("a linear layer", .x_zero = 20, .y_zero = 9),
     .in = {BYTES(37, 1, 1, 300), WEIGHT(150, 300, 1, 1), SCALES(150, 1e-4), BIASES(150)}},
    {CONV("all of the image", .x_zero = 20, .y_zero = 9),
     .in = {BYTES(37, 6, 6, 32), WEIGHT(100, 32, 6, 6), SCALES(100, 1e-4), BIASES(100)}},
    {CONV("a large weight", .conv = {.pad = {1, 1, 1, 1}}, .x_zero = 20, .y_zero = 9),
     .in = {BYTES(1, 7, 7, 384), WEIGHT(320, 384, 3, 3), SCALES(320, 1e-5), BIASES(320)}},
    {CONV("w is no weight", .conv = {.pad = {1, 1, 1, 1}}, .x_zero = 120, .y_zero = 100),
     .in = {BYTES(2, 9, 11, 5), {.shape = S(40, 5, 3, 3), .dtype = SW_I8, .lo = -128, .hi = 127}, SCALES(40, 1e-3),
            BIASES(40)}},
    {.name = "no bias", .build = build_without_bias, .oracle = oracle_without_bias, .n_in = 3, .every_isa = true,
     .arg = &(const sw_conv_u8_options){.conv = {.pad = {1, 1, 1, 1}}, .x_zero = 30}, .batch = 1,
     .in = {BYTES(2, 30, 31, 4), WEIGHT(8, 4, 3, 3), SCALES(8, 1e-3)}},
    {0}};

/* ---- pools ------------------------------------------------------------------------------------- */

struct pooling {
    sw_pool_options o;
    bool mean;
    int x_zero, y_zero;
    float scale;
};

static void build_pool(sw_graph *g, sw_node *const *in, sw_node **out, const void *arg)
{
    const struct pooling *p = arg;
    out[0] = p->mean ? sw_avg_pool2d_u8(g, in[0], p->x_zero, p->scale, p->y_zero, p->o) : sw_max_pool2d_u8(g, in[0], p->o);
}

static void oracle_pool(const struct oracle_array *in, struct oracle_array *out, const void *arg)
{
    const struct pooling *p = arg;
    const int64_t *xs = in[0].shape.dim, *ys = out[0].shape.dim;
    for (int64_t e = 0; e < oracle_count(out); e++) {
        const int64_t c = e % ys[3], ox = e / ys[3] % ys[2], oy = e / ys[3] / ys[2] % ys[1], n = e / ys[3] / ys[2] / ys[1];
        double most = 0, sum = 0, inside = 0, counted = 0;
        for (int64_t ky = 0; ky < p->o.kernel[0]; ky++)
            for (int64_t kx = 0; kx < p->o.kernel[1]; kx++) {
                const int64_t iy = oy * p->o.stride[0] + ky - p->o.pad[0], ix = ox * p->o.stride[1] + kx - p->o.pad[1];
                counted += iy < xs[1] + p->o.pad[2] && ix < xs[2] + p->o.pad[3];
                if (iy < 0 || ix < 0 || iy >= xs[1] || ix >= xs[2]) continue;
                const double v = in[0].v[((n * xs[1] + iy) * xs[2] + ix) * xs[3] + c];
                most = fmax(most, v);
                sum += v - p->x_zero;
                inside++;
            }
        const float scale = p->scale / (float)(p->o.count_pad ? counted : inside);
        out[0].v[e] = p->mean ? byte_of((float)sum * scale, 0, 255, p->y_zero) : most;
    }
}

#define POOL(title, ...) .name = title, .build = build_pool, .oracle = oracle_pool, .n_in = 1, .batch = 1, \
    .arg = &(const struct pooling){__VA_ARGS__}

const struct op_case optest_max_pool2d_u8[] = {
    {POOL("AlexNet's", .o = {.kernel = {3, 3}, .stride = {2, 2}}), .in = {BYTES(2, 13, 13, 70)}, .expect = S(2, 6, 6, 70)},
    {POOL("padding, ceil", .o = {.kernel = {3, 2}, .stride = {2, 2}, .pad = {1, 1, 1, 0}, .ceil_mode = true}),
     .in = {BYTES(2, 12, 14, 5)}},
    {POOL("many rows", .o = {.kernel = {2, 2}, .stride = {1, 1}}), .in = {BYTES(3, 30, 40, 64)}},
    {0}};

const struct op_case optest_avg_pool2d_u8[] = {
    {POOL("all", .o = {.kernel = {7, 7}, .stride = {1, 1}}, .mean = true, .x_zero = 3, .y_zero = 5, .scale = 1.7f),
     .in = {BYTES(3, 7, 7, 70)}},
    {POOL("padding", .o = {.kernel = {3, 3}, .stride = {2, 2}, .pad = {1, 1, 1, 1}}, .mean = true, .x_zero = 130,
          .y_zero = 120, .scale = 1.1f), .in = {BYTES(2, 12, 14, 5)}},
    {POOL("padding counts, ceil", .o = {.kernel = {3, 3}, .stride = {2, 2}, .pad = {1, 1, 0, 1}, .count_pad = true, .ceil_mode = true},
          .mean = true, .x_zero = 130, .y_zero = 120, .scale = 1.1f), .in = {BYTES(2, 12, 14, 5)}},
    {0}};

/* ---- element by element ------------------------------------------------------------------------- */

static void build_add(sw_graph *g, sw_node *const *in, sw_node **out, const void *arg)
{
    out[0] = sw_add_u8(g, in[0], in[1], *(const sw_add_u8_options *)arg);
}

static void oracle_add(const struct oracle_array *in, struct oracle_array *out, const void *arg)
{
    const sw_add_u8_options *o = arg;
    for (int64_t e = 0; e < oracle_count(out); e++) {
        const float a = (float)(in[0].v[e] - o->a_zero) * o->a_scale, b = (float)(in[1].v[e] - o->b_zero) * o->b_scale;
        out[0].v[e] = byte_of(a + b, o->low, o->low || o->high ? o->high : 255, o->y_zero);
    }
}

const struct op_case optest_add_u8[] = {
    {.name = "a residual", .build = build_add, .oracle = oracle_add, .n_in = 2, .batch = 3,
     .arg = &(const sw_add_u8_options){0.7f, 0.45f, 100, 30, 60, 60, 255}, .in = {BYTES(3, 9, 9, 100), BYTES(3, 9, 9, 100)}},
    {.name = "unbounded", .build = build_add, .oracle = oracle_add, .n_in = 2, .batch = 3,
     .arg = &(const sw_add_u8_options){1.7f, -0.45f, 0, 255, 255, 0, 0}, .in = {BYTES(3, 5), BYTES(3, 5)}},
    {0}};

static const uint8_t squares[256] = {[1] = 1, [2] = 4, [3] = 9, [15] = 225, [16] = 77, [127] = 5, [128] = 6, [255] = 254};

static void build_table(sw_graph *g, sw_node *const *in, sw_node **out, const void *arg)
{
    out[0] = sw_table_u8(g, in[0], squares);
}

static void oracle_table(const struct oracle_array *in, struct oracle_array *out, const void *arg)
{
    for (int64_t e = 0; e < oracle_count(out); e++) out[0].v[e] = squares[(int)in[0].v[e]];
}

const struct op_case optest_table_u8[] = {
    {.name = "a table", .build = build_table, .oracle = oracle_table, .n_in = 1, .batch = 1, .in = {BYTES(9, 2100)}},
    {0}};

static void build_picture(sw_graph *g, sw_node *const *in, sw_node **out, const void *arg)
{
    out[0] = sw_picture_u8(g, in[0], 0.02f, 117);
}

static void oracle_picture(const struct oracle_array *in, struct oracle_array *out, const void *arg)
{
    const int64_t c = out[0].shape.dim[3], pixels = out[0].shape.dim[1] * out[0].shape.dim[2];
    for (int64_t e = 0; e < oracle_count(out); e++) {
        const int64_t n = e / c / pixels, pixel = e / c % pixels;
        out[0].v[e] = byte_of((float)in[0].v[(n * c + e % c) * pixels + pixel] / 0.02f, 0, 255, 117);
    }
}

const struct op_case optest_picture_u8[] = {
    {.name = "colours", .build = build_picture, .oracle = oracle_picture, .n_in = 1, .batch = 1,
     .in = {{.shape = S(3, 3, 90, 77), .lo = -3, .hi = 4}}, .expect = S(3, 90, 77, 3)},
    {.name = "many channels", .build = build_picture, .oracle = oracle_picture, .n_in = 1, .batch = 1,
     .in = {{.shape = S(3, 70, 5, 7), .lo = -3, .hi = 4}}},
    {0}};

/* ---- normalisation: off by one where f32's error of the power crosses a tie ----------------------- */

struct lrn {
    sw_lrn_options o;
    int x_zero, y_zero;
    float x_scale, y_scale;
};

static void build_lrn(sw_graph *g, sw_node *const *in, sw_node **out, const void *arg)
{
    const struct lrn *l = arg;
    out[0] = sw_lrn_u8(g, in[0], l->x_zero, l->x_scale, l->y_zero, l->y_scale, l->o);
}

static void oracle_lrn(const struct oracle_array *in, struct oracle_array *out, const void *arg)
{
    const struct lrn *l = arg;
    const int64_t c = in[0].shape.dim[3];
    for (int64_t e = 0; e < oracle_count(out); e++) {
        double sum = 0, x = in[0].v[e] - l->x_zero;
        for (int64_t j = e % c - (l->o.size - 1) / 2; j <= e % c + l->o.size / 2; j++)
            if (j >= 0 && j < c) sum += pow((in[0].v[e - e % c + j] - l->x_zero) * (double)l->x_scale, 2);
        x *= (double)l->x_scale / (double)l->y_scale;
        x /= pow((double)l->o.k + (double)l->o.alpha * sum, (double)l->o.beta);
        out[0].v[e] = byte_of((float)x, 0, 255, l->y_zero);
    }
}

#define LRN(title, ...) .name = title, .build = build_lrn, .oracle = oracle_lrn, .n_in = 1, .batch = 1, \
    .arg = &(const struct lrn){__VA_ARGS__}, .tol = 1.0 / 200

const struct op_case optest_lrn_u8[] = {
    {LRN("the paper's", {5, 2, 1e-4f, 0.75f}, 0, 0, 0.4f, 0.3f), .in = {BYTES(2, 9, 9, 96)}},
    {LRN("another power", {4, 1, 1e-3f, 0.6f}, 40, 90, 0.1f, 0.06f), .in = {BYTES(2, 3, 50, 33)}},
    {0}};

const struct op_error_case optest_errors_conv_u8[] = {
    {.name = "floats", .build = build_without_bias, .arg = &(const sw_conv_u8_options){0}, .n_in = 3,
     .in = {{.shape = S(1, 3, 3, 4)}, WEIGHT(8, 4, 3, 3), SCALES(8, 1)}, .status = SW_ERR_DTYPE,
     .text = {"conv2d_u8", "f32"}},
    {.name = "channels", .build = build_without_bias, .arg = &(const sw_conv_u8_options){0}, .n_in = 3,
     .in = {BYTES(1, 3, 3, 5), WEIGHT(8, 4, 3, 3), SCALES(8, 1)}, .status = SW_ERR_SHAPE,
     .text = {"conv2d_u8", "(1,3,3,5)", "(8,4,3,3)", "channels"}},
    {.name = "kernel", .build = build_without_bias, .arg = &(const sw_conv_u8_options){0}, .n_in = 3,
     .in = {BYTES(1, 2, 3, 4), WEIGHT(8, 4, 3, 3), SCALES(8, 1)}, .status = SW_ERR_SHAPE,
     .text = {"conv2d_u8", "does not fit"}},
    {.name = "scales", .build = build_without_bias, .arg = &(const sw_conv_u8_options){0}, .n_in = 3,
     .in = {BYTES(1, 3, 3, 4), WEIGHT(8, 4, 3, 3), SCALES(7, 1)}, .status = SW_ERR_SHAPE,
     .text = {"conv2d_u8", "(7)", "output channel"}},
    {.name = "long sums", .build = build_without_bias, .arg = &(const sw_conv_u8_options){0}, .n_in = 3,
     .in = {BYTES(1, 1, 1, 65537), WEIGHT(1, 65537, 1, 1), SCALES(1, 1)}, .status = SW_ERR_SIZE,
     .text = {"conv2d_u8", "65536"}},
    {.name = "zero point", .build = build_without_bias, .arg = &(const sw_conv_u8_options){.x_zero = 256}, .n_in = 3,
     .in = {BYTES(1, 3, 3, 4), WEIGHT(8, 4, 3, 3), SCALES(8, 1)}, .status = SW_ERR_ARGUMENT,
     .text = {"conv2d_u8", "zero point"}},
    {.name = "sums of two shapes", .build = build_add, .arg = &(const sw_add_u8_options){.a_scale = 1}, .n_in = 2,
     .in = {BYTES(3, 5), BYTES(5, 3)}, .status = SW_ERR_SHAPE, .text = {"add_u8", "(3,5)", "(5,3)", "differ"}},
    {.name = "a pool too large", .build = build_pool, .arg = &(const struct pooling){.o = {.kernel = {3, 3}}}, .n_in = 1,
     .in = {BYTES(1, 2, 3, 5)}, .status = SW_ERR_SHAPE, .text = {"max_pool2d_u8", "(1,2,3,5)"}},
    {.name = "lrn of size 0", .build = build_lrn, .arg = &(const struct lrn){{0, 1, 1, 1}, 0, 0, 1, 1}, .n_in = 1,
     .in = {BYTES(1, 2, 3, 5)}, .status = SW_ERR_ARGUMENT, .text = {"lrn_u8"}},
    {0}};
/* clang-format on */
