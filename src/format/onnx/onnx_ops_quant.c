/* ONNX's quantised operators, composed exactly: sums of products of bytes are integers, and those that f32
 * holds exactly (below 2^24) are added up as i32.
 *
 *     real number = scale (byte - zero) */
#include "base/size.h"
#include "format/onnx/onnx_window.h"

/* At least so many products of bytes sum to less than 2^24. */
#define EXACT_PRODUCTS 256

static bool bytes(struct sw_onnx_import *im, int i)
{
    int type = sw__onnx_in_type(im, i);
    if (type == SW_ONNX_UINT8 || type == SW_ONNX_INT8) return true;
    sw__onnx_refuse(im, SW_ERR_UNSUPPORTED, "operand %d is %s, not uint8 or int8", i,
                    sw__onnx_type(type)->name);
    return false;
}

/* A scale or zero point: a scalar, or a vector along the axis. */
static sw_node *parameter(struct sw_onnx_import *im, int i)
{
    sw_node *x = sw__onnx_in(im, i);
    sw_shape s = sw_node_shape(x);
    if (s.rank == 1 && s.dim[0] == 1) return sw_reshape(im->g, x, (sw_shape){0});
    if (s.rank > 1)
        return sw__onnx_refuse(im, SW_ERR_UNSUPPORTED, "scales of %d dimensions", s.rank);
    return x;
}

static int axis_of(struct sw_onnx_import *im, sw_node *scale)
{
    int rank = sw__onnx_in_shape(im, 0).rank;
    return sw_node_shape(scale).rank ? sw__onnx_axis(im, sw__onnx_attr_i(im, "axis", 1), rank) : 0;
}

static void quantise(struct sw_onnx_import *im)
{
    bool zero = sw__onnx_has(im, 2);
    if (zero && !bytes(im, 2)) return;
    int type = zero ? sw__onnx_in_type(im, 2) : SW_ONNX_UINT8;
    sw_node *scale = parameter(im, 1);
    sw_node *y = sw_quantise(im->g, sw__onnx_f32(im, 0), scale, zero ? parameter(im, 2) : NULL,
                             axis_of(im, scale), type == SW_ONNX_INT8 ? SW_I8 : SW_U8);
    sw__onnx_emit_node(im, 0, type, y);
}

static void dequantise(struct sw_onnx_import *im)
{
    sw_node *scale = parameter(im, 1);
    if (sw__onnx_failed(im)) return;
    if (sw__onnx_in_type(im, 0) == SW_ONNX_INT32) { /* biases: no zero point */
        sw_shape s = sw__onnx_in_shape(im, 0);
        if (sw_node_shape(scale).rank && s.rank != 1)
            sw__onnx_refuse(im, SW_ERR_UNSUPPORTED, "int32 with one scale for each index");
        sw__onnx_emit(im, 0, SW_ONNX_FLOAT,
                      sw_mul(im->g, sw_cast(im->g, sw__onnx_in(im, 0), SW_F32), scale));
        return;
    }
    if (!bytes(im, 0)) return;
    sw_node *zero = sw__onnx_has(im, 2) ? parameter(im, 2) : NULL;
    sw__onnx_emit(im, 0, SW_ONNX_FLOAT,
                  sw_dequantise(im->g, sw__onnx_in(im, 0), scale, zero, axis_of(im, scale)));
}

/* y = saturate(round(x / scale) + zero), scale = range of x and 0 over 255. */
static void dynamic_quantise(struct sw_onnx_import *im)
{
    sw_graph *g = im->g;
    sw_node *x = sw__onnx_f32(im, 0), *nought = sw_scalar(g, 0);
    sw_node *low = sw_minimum(g, sw_min(g, x, (sw_reduce_options){0}), nought);
    sw_node *high = sw_maximum(g, sw_max(g, x, (sw_reduce_options){0}), nought);
    sw_node *scale = sw_div(g, sw_sub(g, high, low), sw_scalar(g, 255));
    sw_node *zero = sw_cast(g, sw_neg(g, sw_div(g, low, scale)), SW_U8);
    sw__onnx_emit_node(im, 0, SW_ONNX_UINT8, sw_quantise(g, x, scale, zero, 0, SW_U8));
    sw__onnx_emit(im, 1, SW_ONNX_FLOAT, scale);
    sw__onnx_emit_node(im, 2, SW_ONNX_UINT8, zero);
}

/* Bytes less their zero point, as whole numbers in f32; a vector of zeros lies along `axis`. */
static sw_node *centred(struct sw_onnx_import *im, int i, int zero, int axis)
{
    sw_graph *g = im->g;
    if (!bytes(im, i)) return sw__onnx_refuse(im, SW_ERR_STATE, "no value");
    sw_node *x = sw__onnx_f32(im, i);
    if (zero < 0 || !sw__onnx_has(im, zero)) return x;
    sw_node *z = sw_cast(g, parameter(im, zero), SW_F32);
    sw_shape s = sw_node_shape(x), line = {.rank = s.rank};
    if (sw_node_shape(z).rank == 1) {
        for (int d = 0; d < s.rank; d++) line.dim[d] = d == axis ? s.dim[d] : 1;
        z = sw_reshape(g, z, line);
    }
    return sw_sub(g, x, z);
}

/* The sum over pieces of the K axis, each exact in f32, together in i32. */
static sw_node *exact_matmul(struct sw_onnx_import *im, sw_node *a, sw_node *b)
{
    sw_graph *g = im->g;
    sw_shape as = sw_node_shape(a), bs = sw_node_shape(b);
    if (as.rank < 2 || bs.rank < 2) return sw__onnx_refuse(im, SW_ERR_UNSUPPORTED, "vectors");
    int64_t k = as.dim[as.rank - 1];
    sw_node *y = NULL;
    if (k < 1 || k > 1 << 15)
        return sw__onnx_refuse(im, SW_ERR_UNSUPPORTED, "sums of %lld", (long long)k);
    for (int64_t at = 0; at < k && !sw__onnx_failed(im); at += EXACT_PRODUCTS) {
        int64_t end = sw__min64(at + EXACT_PRODUCTS, k);
        sw_node *p = sw_slice(g, a, (sw_slice_options){as.rank - 1, at, end, 1});
        sw_node *q = sw_slice(g, b, (sw_slice_options){bs.rank - 2, at, end, 1});
        p = sw_cast(g, sw_matmul(g, p, q, (sw_matmul_options){0}), SW_I32);
        y = y ? sw_add(g, y, p) : p;
    }
    return y;
}

/* The same over pieces of the channels; a window of 3x3 leaves 28 channels to a piece. */
static sw_node *exact_conv(struct sw_onnx_import *im, sw_node *x, sw_node *w)
{
    sw_graph *g = im->g;
    struct sw_onnx_window v;
    sw_shape xs = sw_node_shape(x), ws = sw_node_shape(w);
    if (sw__onnx_failed(im) || !sw__onnx_window(im, &xs, &ws, &v)) return x;
    int groups = sw__onnx_int(im, sw__onnx_attr_i(im, "group", 1), "group");
    int64_t each = v.n == 2 ? EXACT_PRODUCTS / ((int64_t)v.kernel[0] * v.kernel[1]) : 0;
    if (v.n != 2 || each < 1 || (groups > 1 && ws.dim[1] > each))
        return sw__onnx_refuse(im, SW_ERR_UNSUPPORTED, "a window or a group of this size");
    sw_conv_options o = {.stride = {v.stride[0], v.stride[1]},
                         .dilation = {v.dilation[0], v.dilation[1]},
                         .pad = {v.before[0], v.before[1], v.after[0], v.after[1]},
                         .groups = groups};
    if (groups > 1) return sw_cast(g, sw_conv2d(g, x, w, NULL, o), SW_I32);
    sw_node *y = NULL;
    for (int64_t at = 0; at < ws.dim[1] && !sw__onnx_failed(im); at += each) {
        int64_t end = sw__min64(at + each, ws.dim[1]);
        sw_node *p = sw_slice(g, x, (sw_slice_options){1, at, end, 1});
        sw_node *q = sw_slice(g, w, (sw_slice_options){1, at, end, 1});
        p = sw_cast(g, sw_conv2d(g, p, q, NULL, o), SW_I32);
        y = y ? sw_add(g, y, p) : p;
    }
    return y ? y : sw__onnx_refuse(im, SW_ERR_FORMAT, "no channels");
}

static void matmul_integer(struct sw_onnx_import *im)
{
    int rank = sw__onnx_in_shape(im, 0).rank;
    sw_node *a = centred(im, 0, 2, rank - 2),
            *b = centred(im, 1, 3, sw__onnx_in_shape(im, 1).rank - 1);
    if (!sw__onnx_failed(im)) sw__onnx_emit(im, 0, SW_ONNX_INT32, exact_matmul(im, a, b));
}

static void conv_integer(struct sw_onnx_import *im)
{
    sw_node *x = centred(im, 0, 2, 1), *w = centred(im, 1, 3, 0);
    sw__onnx_emit(im, 0, SW_ONNX_INT32, exact_conv(im, x, w));
}

/* Integer sums to bytes: round(sum * (sx sw / sy)) + zero; sw may be a vector along `axis`. */
static void requantise(struct sw_onnx_import *im, sw_node *sum, int sx, int sw, int sy, int zero,
                       int axis)
{
    sw_graph *g = im->g;
    sw_node *w_scale = parameter(im, sw), *x_scale = parameter(im, sx),
            *y_scale = parameter(im, sy);
    sw_node *scale = sw_div(g, sw_mul(g, w_scale, x_scale), y_scale);
    sw_shape s = sw_node_shape(sum), line = {.rank = s.rank};
    for (int d = 0; d < s.rank; d++) line.dim[d] = d == axis ? s.dim[d] : 1;
    if (sw_node_shape(scale).rank == 1) scale = sw_reshape(g, scale, line);
    sw_node *y = sw_mul(g, sw_cast(g, sum, SW_F32), scale);
    if (!bytes(im, zero)) return;
    int type = sw__onnx_in_type(im, zero);
    sw__onnx_emit_node(im, 0, type,
                       sw_quantise(g, y, sw_scalar(g, 1), parameter(im, zero), 0,
                                   type == SW_ONNX_INT8 ? SW_I8 : SW_U8));
}

static void qlinear_matmul(struct sw_onnx_import *im)
{
    int rank = sw__onnx_in_shape(im, 0).rank, last = sw__onnx_in_shape(im, 3).rank - 1;
    sw_node *a = centred(im, 0, 2, rank - 2), *b = centred(im, 3, 5, last);
    if (sw__onnx_failed(im)) return;
    if (sw_node_shape(parameter(im, 1)).rank)
        sw__onnx_refuse(im, SW_ERR_UNSUPPORTED, "one scale for each row");
    requantise(im, exact_matmul(im, a, b), 1, 4, 6, 7, rank - 1);
}

static void qlinear_conv(struct sw_onnx_import *im)
{
    sw_node *x = centred(im, 0, 2, 1), *w = centred(im, 3, 5, 0);
    if (sw__onnx_failed(im)) return;
    sw_node *sum = exact_conv(im, x, w);
    if (sw__onnx_has(im, 8)) {
        sw_node *b = sw__onnx_number(im, 8);
        sw_shape s = {4, {1, sw_node_shape(b).dim[0], 1, 1}};
        sum = sw_add(im->g, sum, sw_reshape(im->g, b, s));
    }
    requantise(im, sum, 1, 4, 6, 7, 1);
}

#define WINDOW "auto_pad dilations group kernel_shape pads strides"
const struct sw_onnx_operator sw__onnx_quant_ops[] = {
    {"QuantizeLinear", 10, 20, 3, 1, 0, quantise, NULL, "axis"},
    {"DequantizeLinear", 10, 20, 3, 1, 0, dequantise, NULL, "axis"},
    {"DynamicQuantizeLinear", 11, 0, 1, 3, 0, dynamic_quantise, NULL, NULL},
    {"MatMulInteger", 10, 0, 4, 1, 0, matmul_integer, NULL, NULL},
    {"ConvInteger", 10, 0, 4, 1, 0, conv_integer, NULL, WINDOW},
    {"QLinearMatMul", 10, 20, 8, 1, 0, qlinear_matmul, NULL, NULL},
    {"QLinearConv", 10, 0, 9, 1, 0, qlinear_conv, NULL, WINDOW},
    {0}};
