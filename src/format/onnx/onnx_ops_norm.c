/* ONNX's pooling and normalisation. */
#include <math.h>
#include <string.h>

#include "format/onnx/onnx_window.h"

/* ---- pooling ------------------------------------------------------------------------------------ */

enum { MAX_POOL, AVERAGE_POOL };

static sw_node *pool2d(struct sw_onnx_import *im, sw_node *x, sw_pool_options o)
{
    return im->op->which == MAX_POOL ? sw_max_pool2d(im->g, x, o) : sw_avg_pool2d(im->g, x, o);
}

static sw_pool_options pool_options(struct sw_onnx_import *im, const struct sw_onnx_window *w,
                                    int h, int v)
{
    sw_pool_options o = {.kernel = {1, w->kernel[v]}, .stride = {1, w->stride[v]}};
    o.pad[1] = w->before[v];
    o.pad[3] = w->after[v];
    if (h >= 0) {
        o.kernel[0] = w->kernel[h];
        o.stride[0] = w->stride[h];
        o.pad[0] = w->before[h];
        o.pad[2] = w->after[h];
    }
    o.ceil_mode = sw__onnx_attr_i(im, "ceil_mode", 0) != 0;
    o.count_pad = sw__onnx_attr_i(im, "count_include_pad", 0) != 0;
    return o;
}

/* One axis of windows with gaps: the greatest of as many slices as the kernel has elements. */
static sw_node *dilated_axis(struct sw_onnx_import *im, sw_node *x, int axis, int kernel,
                             int stride, int dilation, int before, int after)
{
    sw_graph *g = im->g;
    sw_pad_options pad = {.value = -INFINITY};
    pad.before[axis] = before;
    pad.after[axis] = after;
    if (before || after) x = sw_pad(g, x, pad);
    sw_shape s = sw_node_shape(x);
    int64_t reach = (int64_t)(kernel - 1) * dilation, room = s.dim[axis] - reach - 1;
    if (room < 0) return sw__onnx_refuse(im, SW_ERR_SHAPE, "the window does not fit");
    int64_t out = room / stride + 1;
    sw_node *y = NULL;
    for (int k = 0; k < kernel && !sw__onnx_failed(im); k++) {
        int64_t from = (int64_t)k * dilation;
        sw_node *part = sw_slice(
            g, x, (sw_slice_options){axis, from, from + (out - 1) * stride + 1, stride});
        y = y ? sw_maximum(g, y, part) : part;
    }
    return y;
}

static sw_node *dilated_pool(struct sw_onnx_import *im, sw_node *x, const struct sw_onnx_window *w)
{
    if (sw__onnx_attr_i(im, "ceil_mode", 0))
        return sw__onnx_refuse(im, SW_ERR_UNSUPPORTED, "dilations with ceil_mode");
    for (int i = 0; i < w->n; i++)
        if (w->kernel[i] > 256)
            return sw__onnx_refuse(im, SW_ERR_UNSUPPORTED, "dilations of a kernel of %d",
                                   w->kernel[i]);
    for (int i = 0; i < w->n; i++)
        x = dilated_axis(im, x, 2 + i, w->kernel[i], w->stride[i], w->dilation[i], w->before[i],
                         w->after[i]);
    return x;
}

/* Windows over three axes are windows over the last two, then over the first: both maxima and means,
 * since the elements of a window inside the image are a box. */
static sw_node *pool3d(struct sw_onnx_import *im, sw_node *x, const struct sw_onnx_window *w)
{
    sw_shape s = sw_node_shape(x);
    sw_node *y = sw__onnx_reshape(
        im, x, (sw_shape){4, {s.dim[0], s.dim[1] * s.dim[2], s.dim[3], s.dim[4]}});
    y = pool2d(im, y, pool_options(im, w, 1, 2));
    sw_shape p = sw_node_shape(y);
    y = sw__onnx_reshape(im, y, (sw_shape){4, {s.dim[0], s.dim[1], s.dim[2], p.dim[2] * p.dim[3]}});
    struct sw_onnx_window depth = *w;
    depth.kernel[1] = depth.stride[1] = 1;
    depth.before[1] = depth.after[1] = 0;
    y = pool2d(im, y, pool_options(im, &depth, 0, 1));
    sw_shape q = sw_node_shape(y);
    return sw__onnx_reshape(im, y,
                            (sw_shape){5, {s.dim[0], s.dim[1], q.dim[2], p.dim[2], p.dim[3]}});
}

static void pool(struct sw_onnx_import *im)
{
    struct sw_onnx_window w;
    sw_shape s = sw__onnx_in_shape(im, 0);
    bool gaps = false;
    if (sw__onnx_failed(im) || !sw__onnx_window(im, &s, NULL, &w)) return;
    if (sw__onnx_wants(im, 1)) sw__onnx_refuse(im, SW_ERR_UNSUPPORTED, "the places of the maxima");
    for (int i = 0; i < w.n; i++) gaps |= w.dilation[i] > 1;
    if (gaps && im->op->which != MAX_POOL) sw__onnx_refuse(im, SW_ERR_UNSUPPORTED, "dilations");
    sw_node *x = sw__onnx_f32(im, 0);
    if (sw__onnx_failed(im)) return;
    if (gaps)
        x = dilated_pool(im, x, &w);
    else if (w.n == 1)
        x = sw__onnx_one_axis(im,
                              pool2d(im, sw__onnx_two_axes(im, x), pool_options(im, &w, -1, 0)));
    else
        x = w.n == 2 ? pool2d(im, x, pool_options(im, &w, 0, 1)) : pool3d(im, x, &w);
    sw__onnx_emit(im, 0, sw__onnx_in_type(im, 0), x);
}

static void global_pool(struct sw_onnx_import *im)
{
    sw_node *x = sw__onnx_f32(im, 0);
    sw_reduce_options o = {.keepdims = true};
    int rank = sw_node_shape(x).rank;
    bool max = im->op->which == MAX_POOL;
    for (int i = 2; i < rank; i++) o.axes[o.n_axes++] = i;
    if (rank == 4)
        x = max ? sw_global_max_pool2d(im->g, x) : sw_global_avg_pool2d(im->g, x);
    else if (o.n_axes)
        x = max ? sw_max(im->g, x, o) : sw_mean(im->g, x, o);
    sw__onnx_emit(im, 0, sw__onnx_in_type(im, 0), x);
}

/* ---- normalisation -------------------------------------------------------------------------------- */

static void batchnorm(struct sw_onnx_import *im)
{
    sw_batchnorm_options o = {.eps = sw__onnx_attr_f(im, "epsilon", 1e-5f)};
    bool training = im->m->opset < 7    ? !sw__onnx_attr_i(im, "is_test", 0)
                    : im->m->opset < 14 ? im->node->n_output > 1 && sw__onnx_wants(im, 1)
                                        : sw__onnx_attr_i(im, "training_mode", 0) != 0;
    if (training) sw__onnx_refuse(im, SW_ERR_UNSUPPORTED, "training");
    if (!sw__onnx_attr_i(im, "spatial", 1))
        sw__onnx_refuse(im, SW_ERR_UNSUPPORTED, "one mean for each position");
    for (int i = 1; i < 5; i++)
        if (sw__onnx_wants(im, i)) sw__onnx_refuse(im, SW_ERR_UNSUPPORTED, "more than one result");
    sw_node *in[5];
    for (int i = 0; i < 5; i++) in[i] = sw__onnx_f32(im, i);
    if (o.eps == 0) o.eps = 1e-30f; /* 0 would mean the default */
    sw__onnx_emit(im, 0, sw__onnx_in_type(im, 0),
                  sw_batchnorm(im->g, in[0], in[1], in[2], in[3], in[4], o));
}

static float epsilon(struct sw_onnx_import *im)
{
    float eps = sw__onnx_attr_f(im, "epsilon", 1e-5f);
    return eps == 0 ? 1e-30f : eps;
}

static void instancenorm(struct sw_onnx_import *im)
{
    sw_node *x = sw__onnx_f32(im, 0), *gamma = sw__onnx_f32(im, 1), *beta = sw__onnx_f32(im, 2);
    sw_shape s = sw_node_shape(x);
    if (s.rank < 3) sw__onnx_refuse(im, SW_ERR_FORMAT, "an image of %d dimensions", s.rank);
    int channels = sw__onnx_int(im, s.dim[1], "channels");
    x = sw_groupnorm(im->g, x, gamma, beta, channels, epsilon(im));
    sw__onnx_emit(im, 0, sw__onnx_in_type(im, 0), x);
}

/* Over the axes from `axis` on.  Results 1 and 2: the mean, and 1 / deviation. */
static void layernorm(struct sw_onnx_import *im)
{
    sw_graph *g = im->g;
    sw_node *x = sw__onnx_f32(im, 0), *gamma = sw__onnx_f32(im, 1), *y;
    sw_node *beta = sw__onnx_has(im, 2) ? sw__onnx_f32(im, 2) : NULL;
    sw_shape s = sw_node_shape(x), flat = {1, {1}}, two = {2, {1, 1}};
    int axis = sw__onnx_axis(im, sw__onnx_attr_i(im, "axis", -1), s.rank),
        type = sw__onnx_in_type(im, 0);
    if (sw__onnx_attr_i(im, "stash_type", 1) != 1)
        sw__onnx_refuse(im, SW_ERR_UNSUPPORTED, "a stash_type other than float");
    for (int i = 0; i < s.rank; i++) *(i < axis ? &two.dim[0] : &flat.dim[0]) *= s.dim[i];
    two.dim[1] = flat.dim[0];
    two.dim[0] = -1;
    if (s.rank < 1 || sw__onnx_failed(im)) return;
    if (sw_node_shape(gamma).rank != s.rank - axis)
        sw__onnx_refuse(im, SW_ERR_UNSUPPORTED, "a scale that is broadcast");
    sw_node *rows = sw_reshape(g, x, two);
    gamma = sw_reshape(g, gamma, flat);
    if (beta) beta = sw_reshape(g, beta, flat);
    y = sw_layernorm(g, rows, gamma, beta, epsilon(im));
    if (im->batch_open && !im->folding && s.dim[0] == im->batch && axis > 0) s.dim[0] = -1;
    sw__onnx_emit(im, 0, type, sw_reshape(g, y, s));
    if (!sw__onnx_wants(im, 1) && !sw__onnx_wants(im, 2)) return;
    sw_reduce_options last = {.axes = {1}, .n_axes = 1, .keepdims = true};
    for (int i = axis; i < s.rank; i++) s.dim[i] = 1;
    sw_node *mean = sw_mean(g, rows, last);
    sw_node *variance = sw_mean(g, sw_square(g, sw_sub(g, rows, mean)), last);
    sw_node *inverse = sw_rsqrt(g, sw__onnx_shift(g, variance, epsilon(im)));
    sw__onnx_emit(im, 1, SW_ONNX_FLOAT, sw_reshape(g, mean, s));
    sw__onnx_emit(im, 2, SW_ONNX_FLOAT, sw_reshape(g, inverse, s));
}

static void lrn(struct sw_onnx_import *im)
{
    int size = sw__onnx_int(im, sw__onnx_attr_i(im, "size", 0), "size");
    if (size < 1) sw__onnx_refuse(im, SW_ERR_FORMAT, "size %d", size);
    sw_lrn_options o = {.size = size,
                        .k = sw__onnx_attr_f(im, "bias", 1),
                        .alpha = sw__onnx_attr_f(im, "alpha", 1e-4f) / (float)size,
                        .beta = sw__onnx_attr_f(im, "beta", 0.75f)};
    sw__onnx_emit(im, 0, sw__onnx_in_type(im, 0), sw_lrn(im->g, sw__onnx_f32(im, 0), o));
}

/* (x - mean) / (deviation + 1e-9) over axes, those of a picture by default. */
static void mean_variance(struct sw_onnx_import *im)
{
    sw_graph *g = im->g;
    int64_t axes[SW_MAX_RANK] = {0, 2, 3};
    int n = sw__onnx_attr_ints(im, "axes", axes, SW_MAX_RANK);
    sw_node *x = sw__onnx_f32(im, 0);
    sw_reduce_options o = {.keepdims = true, .n_axes = n < 0 ? 3 : n};
    for (int i = 0; i < o.n_axes; i++)
        o.axes[i] = sw__onnx_axis(im, axes[i], sw_node_shape(x).rank);
    sw_node *centred = sw_sub(g, x, sw_mean(g, x, o));
    sw_node *deviation = sw_sqrt(g, sw_mean(g, sw_square(g, centred), o));
    sw__onnx_emit(im, 0, sw__onnx_in_type(im, 0),
                  sw_div(g, centred, sw__onnx_shift(g, deviation, 1e-9f)));
}

/* x / (sum of |x|^p)^(1/p) along an axis, p 1 or 2. */
static void lp_norm(struct sw_onnx_import *im)
{
    sw_graph *g = im->g;
    sw_node *x = sw__onnx_f32(im, 0), *size;
    int64_t p = sw__onnx_attr_i(im, "p", 2);
    sw_reduce_options o = {.n_axes = 1, .keepdims = true};
    o.axes[0] = sw__onnx_axis(im, sw__onnx_attr_i(im, "axis", -1), sw_node_shape(x).rank);
    if (p != 1 && p != 2) sw__onnx_refuse(im, SW_ERR_UNSUPPORTED, "p %lld", (long long)p);
    size = p == 1 ? sw_sum(g, sw_abs(g, x), o) : sw_sqrt(g, sw_sum(g, sw_square(g, x), o));
    sw__onnx_emit(im, 0, sw__onnx_in_type(im, 0), sw_div(g, x, size));
}

/* Nothing happens at inference. */
static void dropout(struct sw_onnx_import *im)
{
    bool training = im->m->opset < 7 ? !sw__onnx_attr_i(im, "is_test", 0)
                                     : sw__onnx_scalar(im, 2, 0) != 0;
    if (training && (im->m->opset < 7 || sw__onnx_scalar(im, 1, 0.5) != 0))
        sw__onnx_refuse(im, SW_ERR_UNSUPPORTED, "training");
    if (sw__onnx_failed(im)) return;
    sw__onnx_emit_input(im, 0, 0);
    if (!sw__onnx_wants(im, 1)) return;
    int32_t one = 1;
    sw_node *ones = sw_const(im->g, SW_I32, (sw_shape){0}, &one);
    sw__onnx_emit(im, 1, SW_ONNX_BOOL, sw_expand(im->g, ones, sw__onnx_in_shape(im, 0)));
}

#define WINDOW "auto_pad kernel_shape pads strides ceil_mode dilations "
const struct sw_onnx_operator sw__onnx_norm_ops[] = {
    {"MaxPool", 1, 0, 1, 2, MAX_POOL, pool, NULL, WINDOW "storage_order"},
    {"AveragePool", 1, 0, 1, 1, AVERAGE_POOL, pool, NULL, WINDOW "count_include_pad"},
    {"GlobalMaxPool", 1, 0, 1, 1, MAX_POOL, global_pool, NULL, NULL},
    {"GlobalAveragePool", 1, 0, 1, 1, AVERAGE_POOL, global_pool, NULL, NULL},
    {"BatchNormalization", 6, 0, 5, 5, 0, batchnorm, NULL,
     "epsilon momentum is_test spatial training_mode"},
    {"InstanceNormalization", 6, 0, 3, 1, 0, instancenorm, NULL, "epsilon"},
    {"LayerNormalization", 17, 0, 3, 3, 0, layernorm, NULL, "axis epsilon stash_type"},
    {"LRN", 1, 0, 1, 1, 0, lrn, NULL, "alpha beta bias size"},
    {"MeanVarianceNormalization", 9, 0, 1, 1, 0, mean_variance, NULL, "axes"},
    {"LpNormalization", 1, 0, 1, 1, 0, lp_norm, NULL, "axis p"},
    {"Dropout", 6, 0, 3, 2, 0, dropout, NULL, "ratio is_test seed"},
    {0}};
