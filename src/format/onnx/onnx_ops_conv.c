/* ONNX's convolutions.  One spatial axis is two with a height of one; three are a sum, over the depth of
 * the kernel, of convolutions of slices.  A BatchNormalization that alone reads a Conv of constant weights
 * goes into them:
 *
 *     gamma (conv(x, w) + b - mean) / s + beta  =  conv(x, w gamma / s) + (b - mean) gamma / s + beta */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "format/onnx/onnx_window.h"

#define MOST_SLICES 256 /* of what is composed slice by slice */

/* ---- windows ------------------------------------------------------------------------------------ */

static bool sizes(struct sw_onnx_import *im, const char *name, int n, int missing, int *out)
{
    int64_t value[3];
    int count = sw__onnx_attr_ints(im, name, value, 3);
    if (count >= 0 && count != n)
        sw__onnx_refuse(im, SW_ERR_FORMAT, "%d %s for %d spatial axes", count, name, n);
    for (int i = 0; i < n; i++) {
        out[i] = count == n ? sw__onnx_int(im, value[i], name) : missing;
        if (out[i] < 1) sw__onnx_refuse(im, SW_ERR_FORMAT, "%s of %d", name, out[i]);
    }
    return !sw__onnx_failed(im);
}

/* auto_pad: as many results as strides fit, the odd pad at the end (SAME_UPPER) or the beginning. */
static void pad_same(const sw_shape *x, struct sw_onnx_window *w, bool upper)
{
    for (int i = 0; i < w->n; i++) {
        int64_t size = x->dim[x->rank - w->n + i], out = (size + w->stride[i] - 1) / w->stride[i];
        int64_t pad = (out - 1) * w->stride[i] + (int64_t)(w->kernel[i] - 1) * w->dilation[i] + 1 -
                      size;
        if (pad < 0) pad = 0;
        w->before[i] = (int)(upper ? pad / 2 : pad - pad / 2);
        w->after[i] = (int)(pad - w->before[i]);
    }
}

static void read_pads(struct sw_onnx_import *im, const sw_shape *x, struct sw_onnx_window *w)
{
    int64_t pads[6];
    int count = sw__onnx_attr_ints(im, "pads", pads, 6);
    if (sw__onnx_attr_is(im, "auto_pad", "NOTSET", "SAME_UPPER"))
        pad_same(x, w, true);
    else if (sw__onnx_attr_is(im, "auto_pad", "NOTSET", "SAME_LOWER"))
        pad_same(x, w, false);
    else if (sw__onnx_attr_is(im, "auto_pad", "NOTSET", "NOTSET") && count >= 0) {
        if (count != 2 * w->n) sw__onnx_refuse(im, SW_ERR_FORMAT, "%d pads", count);
        for (int i = 0; i < w->n && !sw__onnx_failed(im); i++) {
            w->before[i] = sw__onnx_int(im, pads[i], "a pad");
            w->after[i] = sw__onnx_int(im, pads[w->n + i], "a pad");
            if (w->before[i] < 0 || w->after[i] < 0)
                sw__onnx_refuse(im, SW_ERR_UNSUPPORTED, "a pad below zero");
        }
    } else if (!sw__onnx_attr_is(im, "auto_pad", "NOTSET", "VALID") && count < 0 &&
               !sw__onnx_attr_is(im, "auto_pad", "NOTSET", "NOTSET"))
        sw__onnx_refuse(im, SW_ERR_UNSUPPORTED, "this auto_pad is not known");
}

bool sw__onnx_window(struct sw_onnx_import *im, const sw_shape *x, const sw_shape *weight,
                     struct sw_onnx_window *out)
{
    *out = (struct sw_onnx_window){.n = x->rank - 2};
    if (x->rank < 3 || x->rank > 5 || (weight && weight->rank != x->rank)) {
        sw__onnx_refuse(im, SW_ERR_UNSUPPORTED, "an image of %d dimensions", x->rank);
        return false;
    }
    if (!weight && !sw__onnx_attribute(im, "kernel_shape"))
        sw__onnx_refuse(im, SW_ERR_FORMAT, "no kernel_shape");
    if (!sizes(im, "kernel_shape", out->n, 1, out->kernel) ||
        !sizes(im, "strides", out->n, 1, out->stride) ||
        !sizes(im, "dilations", out->n, 1, out->dilation))
        return false;
    for (int i = 0; weight && i < out->n; i++) {
        if (sw__onnx_attribute(im, "kernel_shape") && out->kernel[i] != weight->dim[2 + i])
            sw__onnx_refuse(im, SW_ERR_FORMAT, "kernel_shape is not that of the weight");
        out->kernel[i] = sw__onnx_int(im, weight->dim[2 + i], "a kernel");
    }
    for (int i = 0; i < out->n; i++)
        if (out->kernel[i] < 1 || x->dim[2 + i] < 1)
            sw__onnx_refuse(im, SW_ERR_FORMAT, "a kernel or an image of nothing");
    read_pads(im, x, out);
    return !sw__onnx_failed(im);
}

sw_node *sw__onnx_two_axes(struct sw_onnx_import *im, sw_node *x)
{
    sw_shape s = sw_node_shape(x);
    return sw__onnx_reshape(im, x, (sw_shape){4, {s.dim[0], s.dim[1], 1, s.dim[2]}});
}

sw_node *sw__onnx_one_axis(struct sw_onnx_import *im, sw_node *x)
{
    sw_shape s = sw_node_shape(x);
    return sw__onnx_reshape(im, x, (sw_shape){3, {s.dim[0], s.dim[1], s.dim[3]}});
}

/* ---- Conv --------------------------------------------------------------------------------------- */

static sw_conv_options conv_options(const struct sw_onnx_window *w, int groups)
{
    int h = w->n - 2, v = w->n - 1; /* of the last two axes */
    sw_conv_options o = {.groups = groups};
    o.stride[0] = h < 0 ? 1 : w->stride[h];
    o.stride[1] = w->stride[v];
    o.dilation[0] = h < 0 ? 1 : w->dilation[h];
    o.dilation[1] = w->dilation[v];
    o.pad[0] = h < 0 ? 0 : w->before[h];
    o.pad[1] = w->before[v];
    o.pad[2] = h < 0 ? 0 : w->after[h];
    o.pad[3] = w->after[v];
    return o;
}

/* x (N,C,D,H,W), kernel (O,C/groups,KD,KH,KW): slices of x that a plane of the kernel sees are a batch
 * of pictures. */
static sw_node *conv3d(struct sw_onnx_import *im, sw_node *x, sw_node *kernel, sw_node *b,
                       const struct sw_onnx_window *w, int groups)
{
    static const int swap[] = {0, 2, 1, 3, 4};
    sw_graph *g = im->g;
    sw_pad_options pad = {.before = {0, 0, w->before[0]}, .after = {0, 0, w->after[0]}};
    x = sw_transpose(g, w->before[0] || w->after[0] ? sw_pad(g, x, pad) : x, swap, 5);
    sw_shape s = sw_node_shape(x), k = sw_node_shape(kernel);
    int64_t reach = (int64_t)(w->kernel[0] - 1) * w->dilation[0];
    int64_t depth = s.rank == 5 && s.dim[1] > reach ? (s.dim[1] - reach - 1) / w->stride[0] + 1 : 0;
    if (w->kernel[0] > MOST_SLICES)
        return sw__onnx_refuse(im, SW_ERR_UNSUPPORTED, "a kernel of depth %d", w->kernel[0]);
    if (depth < 1) return sw__onnx_refuse(im, SW_ERR_SHAPE, "the window does not fit");
    sw_node *y = NULL;
    for (int d = 0; d < w->kernel[0] && !sw__onnx_failed(im); d++) {
        int64_t from = (int64_t)d * w->dilation[0];
        sw_node *part = sw_slice(
            g, x, (sw_slice_options){1, from, from + (depth - 1) * w->stride[0] + 1, w->stride[0]});
        part = sw_reshape(g, part, (sw_shape){4, {-1, s.dim[2], s.dim[3], s.dim[4]}});
        sw_node *plane = sw_slice(g, kernel, (sw_slice_options){2, d, d + 1, 1});
        plane = sw_reshape(g, plane, (sw_shape){4, {k.dim[0], k.dim[1], k.dim[3], k.dim[4]}});
        part = sw_conv2d(g, part, plane, d ? NULL : b, conv_options(w, groups));
        y = y ? sw_add(g, y, part) : part;
    }
    sw_shape r = sw_node_shape(y);
    y = sw_reshape(g, y, (sw_shape){5, {-1, depth, r.dim[1], r.dim[2], r.dim[3]}});
    return sw_transpose(g, y, swap, 5);
}

/* The normalisation that this Conv may swallow, or NULL. */
static const Onnx__NodeProto *following_norm(struct sw_onnx_import *im)
{
    const struct sw_onnx_import_value *y = sw__onnx_made(im, 0), *w = sw__onnx_value(im, 1);
    if (im->folding || im->settling || !y || y->readers != 1 || y->reader <= im->at ||
        !w->constant || w->readers != 1 || w->type != SW_ONNX_FLOAT)
        return NULL;
    const Onnx__NodeProto *n = im->m->nodes[y->reader];
    if (!n->op_type || strcmp(n->op_type, "BatchNormalization") != 0 || n->n_input != 5 ||
        n->n_output < 1 || (n->domain && *n->domain) || strcmp(n->input[0], y->name) != 0)
        return NULL;
    for (size_t i = 1; i < 5; i++) {
        const struct sw_onnx_import_value *v = sw__onnx_find(im, n->input[i]);
        if (!v || !v->constant || v->type != SW_ONNX_FLOAT || v->host.shape.rank != 1 ||
            v->host.n != w->host.shape.dim[0])
            return NULL;
    }
    for (size_t i = 1; i < n->n_output; i++) {
        const struct sw_onnx_import_value *v = sw__onnx_find(im, n->output[i]);
        if (v && v->readers) return NULL;
    }
    return n;
}

/* Epsilon of a normalisation of known attributes; NaN: it does something else than inference. */
static double norm_epsilon(struct sw_onnx_import *im, const Onnx__NodeProto *n)
{
    struct sw_onnx_import norm = *im;
    norm.node = n;
    float eps = sw__onnx_attr_f(&norm, "epsilon", 1e-5f);
    bool plain = !sw__onnx_attr_i(&norm, "training_mode", 0) &&
                 sw__onnx_attr_i(&norm, "spatial", 1);
    return plain && (im->m->opset >= 7 || sw__onnx_attr_i(&norm, "is_test", 0)) ? (double)eps : NAN;
}

struct folded {
    sw_node *w, *b;
};

static bool fold_norm(struct sw_onnx_import *im, const Onnx__NodeProto *n, struct folded *out)
{
    const struct sw_onnx_import_value *v[5],
        *w = sw__onnx_value(im, 1), *b = sw__onnx_has(im, 2) ? sw__onnx_value(im, 2) : NULL;
    for (size_t i = 1; i < 5; i++) v[i] = sw__onnx_find(im, n->input[i]);
    int64_t channels = w->host.shape.dim[0], each = channels ? w->host.n / channels : 0;
    double eps = norm_epsilon(im, n);
    if (!(eps >= 0) || (b && (!b->constant || b->type != SW_ONNX_FLOAT || b->host.n != channels)))
        return false;
    float *kernel = sw__calloc2((size_t)w->host.n + 1, sizeof *kernel);
    float *bias = sw__calloc2((size_t)channels + 1, sizeof *bias);
    if (!kernel || !bias) sw__onnx_refuse(im, SW_ERR_MEMORY, "out of memory");
    for (int64_t c = 0; kernel && bias && c < channels; c++) {
        double scale = sw__onnx_get_f(&v[1]->host, c) / sqrt(sw__onnx_get_f(&v[4]->host, c) + eps);
        double before = (b ? sw__onnx_get_f(&b->host, c) : 0) - sw__onnx_get_f(&v[3]->host, c);
        bias[c] = (float)(before * scale + sw__onnx_get_f(&v[2]->host, c));
        for (int64_t i = c * each; i < (c + 1) * each; i++)
            kernel[i] = (float)(sw__onnx_get_f(&w->host, i) * scale);
    }
    if (kernel && bias) {
        const char *name = b && b->readers == 1 ? b->name
                           : v[2]->readers == 1 ? v[2]->name
                                                : n->output[0];
        out->w = sw__onnx_weight(im, w->name, SW_F32, w->host.shape, kernel);
        out->b = sw__onnx_weight(im, name, SW_F32, (sw_shape){1, {channels}}, bias);
    }
    free(kernel);
    free(bias);
    return out->w && out->b;
}

static void conv(struct sw_onnx_import *im)
{
    struct sw_onnx_window window;
    struct folded folded = {0};
    sw_shape xs = sw__onnx_in_shape(im, 0), ws = sw__onnx_in_shape(im, 1);
    int groups = sw__onnx_int(im, sw__onnx_attr_i(im, "group", 1), "group");
    if (sw__onnx_failed(im) || !sw__onnx_window(im, &xs, &ws, &window)) return;
    if (groups < 1) sw__onnx_refuse(im, SW_ERR_FORMAT, "group %d", groups);
    const Onnx__NodeProto *norm = following_norm(im);
    bool with_norm = norm && fold_norm(im, norm, &folded);
    sw_node *x = sw__onnx_f32(im, 0), *y;
    sw_node *w = with_norm ? folded.w : sw__onnx_f32(im, 1);
    sw_node *b = with_norm ? folded.b : sw__onnx_has(im, 2) ? sw__onnx_f32(im, 2) : NULL;
    if (window.n == 1)
        y = sw__onnx_one_axis(im,
                              sw_conv2d(im->g, sw__onnx_two_axes(im, x), sw__onnx_two_axes(im, w),
                                        b, conv_options(&window, groups)));
    else if (window.n == 2)
        y = sw_conv2d(im->g, x, w, b, conv_options(&window, groups));
    else
        y = conv3d(im, x, w, b, &window, groups);
    sw__onnx_emit(im, 0, sw__onnx_in_type(im, 0), y);
    if (with_norm) sw__onnx_swallow(im, sw__onnx_made(im, 0)->reader);
}

/* ---- ConvTranspose ------------------------------------------------------------------------------ */

/* Pads that give the wanted sizes: those of output_shape, or stride times the image with auto_pad. */
static void pads_for(struct sw_onnx_import *im, const sw_shape *x, struct sw_onnx_window *w,
                     int *extra)
{
    int64_t wanted[5];
    int count = sw__onnx_attr_ints(im, "output_shape", wanted, 5);
    bool upper = sw__onnx_attr_is(im, "auto_pad", "NOTSET", "SAME_UPPER");
    bool same = upper || sw__onnx_attr_is(im, "auto_pad", "NOTSET", "SAME_LOWER");
    if (count < 0 && !same) return;
    for (int i = 0; i < w->n; i++) {
        int64_t size = x->dim[2 + i];
        int64_t want = count >= w->n ? wanted[count - w->n + i] : size * w->stride[i];
        int64_t total = (size - 1) * w->stride[i] + extra[i] +
                        (int64_t)(w->kernel[i] - 1) * w->dilation[i] + 1 - want;
        if (total < 0) extra[i] += sw__onnx_int(im, -total, "a pad");
        if (total < 0) total = 0;
        w->before[i] = sw__onnx_int(im, upper ? total / 2 : total - total / 2, "a pad");
        w->after[i] = sw__onnx_int(im, total - w->before[i], "a pad");
    }
}

static void conv_transpose(struct sw_onnx_import *im)
{
    struct sw_onnx_window w;
    int extra[3] = {0};
    int64_t given[3] = {0};
    sw_shape xs = sw__onnx_in_shape(im, 0), ws = sw__onnx_in_shape(im, 1);
    if (sw__onnx_failed(im) || !sw__onnx_window(im, &xs, &ws, &w)) return;
    if (w.n == 3) sw__onnx_refuse(im, SW_ERR_UNSUPPORTED, "three spatial axes");
    sw__onnx_attr_ints(im, "output_padding", given, 3);
    for (int i = 0; i < w.n; i++) extra[i] = sw__onnx_int(im, given[i], "output_padding");
    pads_for(im, &xs, &w, extra);
    sw_conv_options c = conv_options(&w,
                                     sw__onnx_int(im, sw__onnx_attr_i(im, "group", 1), "group"));
    sw_conv_transpose_options o = {.groups = c.groups};
    memcpy(o.stride, c.stride, sizeof o.stride);
    memcpy(o.dilation, c.dilation, sizeof o.dilation);
    memcpy(o.pad, c.pad, sizeof o.pad);
    o.output_pad[0] = w.n == 1 ? 0 : extra[0];
    o.output_pad[1] = extra[w.n - 1];
    sw_node *x = sw__onnx_f32(im, 0), *kernel = sw__onnx_f32(im, 1), *y;
    sw_node *b = sw__onnx_has(im, 2) ? sw__onnx_f32(im, 2) : NULL;
    if (sw__onnx_failed(im)) return;
    if (w.n == 1)
        y = sw__onnx_one_axis(im, sw_conv_transpose2d(im->g, sw__onnx_two_axes(im, x),
                                                      sw__onnx_two_axes(im, kernel), b, o));
    else
        y = sw_conv_transpose2d(im->g, x, kernel, b, o);
    sw__onnx_emit(im, 0, sw__onnx_in_type(im, 0), y);
}

#define WINDOW "auto_pad dilations group kernel_shape pads strides"
const struct sw_onnx_operator sw__onnx_conv_ops[] = {
    {"Conv", 1, 0, 3, 1, 0, conv, NULL, WINDOW},
    {"ConvTranspose", 1, 0, 3, 1, 0, conv_transpose, NULL, WINDOW " output_padding output_shape"},
    {0}};
