/* ONNX Resize and Upsample (onnx.ai, operators, Resize).
 *
 * Each axis is on its own: output o reads the input near a coordinate that the attributes choose.  Nearest
 * is a gather.  Linear and cubic are products with a matrix of weights, (out, in), computed here in double;
 * the common linear cases over the last two axes are the graph's own resize. */
#include <math.h>
#include <string.h>

#include "base/size.h"
#include "format/onnx/onnx_import.h"

struct axis {
    int64_t in, out;
    double scale;    /* out / in, as the model says it */
    double from, to; /* region of interest, for tf_crop_and_resize */
};

enum transform {
    HALF_PIXEL,
    PYTORCH_HALF_PIXEL,
    ALIGN_CORNERS,
    ASYMMETRIC,
    TF_HALF_PIXEL,
    TF_CROP
};
enum mode { NEAREST, LINEAR, CUBIC };

struct resize {
    int rank;
    struct axis axis[SW_MAX_RANK];
    enum transform transform;
    enum mode mode;
    double cubic_a, outside_value;
    bool exclude_outside;
};

/* ---- attributes and operands ---------------------------------------------------------------------- */

static int one_of(struct sw_onnx_import *im, const char *name, const char *missing,
                  const char *const *words, int n)
{
    for (int i = 0; i < n; i++)
        if (sw__onnx_attr_is(im, name, missing, words[i])) return i;
    sw__onnx_refuse(im, SW_ERR_UNSUPPORTED, "this %s is not known", name);
    return 0;
}

static void read_attributes(struct sw_onnx_import *im, struct resize *r)
{
    static const char *const transforms[] = {"half_pixel",           "pytorch_half_pixel",
                                             "align_corners",        "asymmetric",
                                             "tf_half_pixel_for_nn", "tf_crop_and_resize"};
    static const char *const modes[] = {"nearest", "linear", "cubic"};
    bool old = im->m->opset < 11; /* and Upsample */
    r->mode = (enum mode)one_of(im, "mode", "nearest", modes, 3);
    r->transform = old ? ASYMMETRIC
                       : (enum transform)one_of(im, "coordinate_transformation_mode", "half_pixel",
                                                transforms, 6);
    r->cubic_a = (double)sw__onnx_attr_f(im, "cubic_coeff_a", -0.75f);
    r->outside_value = (double)sw__onnx_attr_f(im, "extrapolation_value", 0);
    r->exclude_outside = sw__onnx_attr_i(im, "exclude_outside", 0) != 0;
}

/* A list of numbers: operand i, or the attribute `name`; how many, 0 when there are none. */
static int read_numbers(struct sw_onnx_import *im, int i, const char *name, double *out, int most)
{
    const struct sw_onnx_tensor *t = i >= 0 && sw__onnx_has(im, i) ? sw__onnx_constant(im, i)
                                                                   : NULL;
    const Onnx__AttributeProto *a = name ? sw__onnx_attribute(im, name) : NULL;
    int64_t n = t ? t->n : a ? (int64_t)a->n_floats : 0;
    if (n > most) {
        sw__onnx_refuse(im, SW_ERR_FORMAT, "%lld scales or sizes", (long long)n);
        return 0;
    }
    for (int64_t k = 0; k < n; k++) out[k] = t ? sw__onnx_get_f(t, k) : (double)a->floats[k];
    return (int)n;
}

static bool read_sizes(struct sw_onnx_import *im, const sw_shape *s, struct resize *r)
{
    double scale[SW_MAX_RANK], size[SW_MAX_RANK], roi[2 * SW_MAX_RANK];
    bool modern = im->m->opset >= 11;
    int n = read_numbers(im,
                         modern              ? 2
                         : im->m->opset >= 9 ? 1
                                             : -1,
                         modern ? NULL : "scales", scale, SW_MAX_RANK);
    int sizes = modern ? read_numbers(im, 3, NULL, size, SW_MAX_RANK) : 0;
    int region = modern && r->transform == TF_CROP ? read_numbers(im, 1, NULL, roi, 2 * SW_MAX_RANK)
                                                   : 0;
    if (sw__onnx_failed(im)) return false;
    r->rank = s->rank;
    if ((sizes ? sizes : n) != s->rank || (r->transform == TF_CROP && region != 2 * s->rank))
        sw__onnx_refuse(im, SW_ERR_FORMAT, "%d scales, %d sizes for %d axes", n, sizes, s->rank);
    for (int i = 0; i < s->rank && !sw__onnx_failed(im); i++) {
        struct axis *a = &r->axis[i];
        a->in = s->dim[i];
        a->from = region ? roi[i] : 0;
        a->to = region ? roi[i + s->rank] : 1;
        double out = sizes ? size[i]
                           : floor((double)a->in * (region ? a->to - a->from : 1) * scale[i]);
        if (!(out >= 0 && out < 1 << 24) || a->in < 1 || a->in > 1 << 24)
            sw__onnx_refuse(im, SW_ERR_SIZE, "axis %d from %lld to %g", i, (long long)a->in, out);
        else
            a->out = (int64_t)out;
        double whole = (double)a->in * scale[sizes ? 0 : i];
        if (!sizes && r->transform == ALIGN_CORNERS &&
            whole != floor(whole)) /* which of the two sizes? */
            sw__onnx_refuse(im, SW_ERR_UNSUPPORTED,
                            "align_corners with a scale that gives %g pixels: ONNX's text and its "
                            "tests differ",
                            whole);
        a->scale = sizes ? (double)a->out / (double)a->in : scale[i];
    }
    return !sw__onnx_failed(im);
}

/* ---- one axis ------------------------------------------------------------------------------------- */

static double coordinate(const struct resize *r, const struct axis *a, int64_t o)
{
    double x = (double)o, in = (double)a->in, out = (double)a->out;
    switch (r->transform) {
    case HALF_PIXEL: return (x + 0.5) / a->scale - 0.5;
    case PYTORCH_HALF_PIXEL: return out > 1 ? (x + 0.5) / a->scale - 0.5 : 0;
    case ALIGN_CORNERS: return out > 1 ? x * (in - 1) / (out - 1) : 0;
    case ASYMMETRIC: return x / a->scale;
    case TF_HALF_PIXEL: return (x + 0.5) / a->scale;
    default:
        return out > 1 ? a->from * (in - 1) + x * (a->to - a->from) * (in - 1) / (out - 1)
                       : 0.5 * (a->from + a->to) * (in - 1);
    }
}

static int64_t nearest(struct sw_onnx_import *im, const struct axis *a, double x)
{
    static const char *const ways[] = {"round_prefer_floor", "round_prefer_ceil", "floor", "ceil"};
    int way = im->m->opset < 11 ? 2 : one_of(im, "nearest_mode", "round_prefer_floor", ways, 4);
    double at = way == 0   ? ceil(x - 0.5)
                : way == 1 ? floor(x + 0.5)
                : way == 2 ? floor(x)
                           : ceil(x);
    return (int64_t)fmin(fmax(at, 0), (double)(a->in - 1));
}

static sw_node *gather_axis(struct sw_onnx_import *im, sw_node *x, const struct resize *r, int i)
{
    const struct axis *a = &r->axis[i];
    int32_t *ids = sw__onnx_constant_alloc(im, SW_ONNX_INT32, a->out);
    for (int64_t o = 0; ids && o < a->out && !sw__onnx_failed(im); o++)
        ids[o] = (int32_t)nearest(im, a, coordinate(r, a, o));
    if (!ids) return x;
    return sw_gather(im->g, x, sw_const(im->g, SW_I32, (sw_shape){1, {a->out}}, ids), i);
}

/* Keys 1981: weights of the four pixels round a point, t behind the second. */
static void cubic_weights(double a, double t, double *w)
{
    for (int k = 0; k < 4; k++) {
        double d = fabs(t + 1 - k);
        w[k] = d <= 1 ? ((a + 2) * d - (a + 3)) * d * d + 1
                      : ((a * d - 5 * a) * d + 8 * a) * d - 4 * a;
    }
}

/* Row o of the matrix: what output o takes of each input. */
static void weights_of(const struct resize *r, const struct axis *a, int64_t o, float *row)
{
    double x = coordinate(r, a, o), w[4] = {0, 1, 0, 0}, sum = 0;
    double down = floor(x), t = x - down;
    if (r->mode == CUBIC)
        cubic_weights(r->cubic_a, t, w);
    else {
        w[1] = 1 - t;
        w[2] = t;
    }
    for (int k = 0; k < 4; k++) {
        double at = down + k - 1;
        if (r->exclude_outside && (at < 0 || at > (double)(a->in - 1))) w[k] = 0;
        sum += w[k];
    }
    for (int k = 0; k < 4; k++) {
        double at = fmin(fmax(down + k - 1, 0), (double)(a->in - 1));
        row[(int64_t)at] += (float)(r->exclude_outside ? w[k] / sum : w[k]);
    }
}

/* x along an axis by its matrix: the axis goes last, is multiplied, and goes back. */
static sw_node *multiply_axis(struct sw_onnx_import *im, sw_node *x, const struct resize *r, int i)
{
    const struct axis *a = &r->axis[i];
    int swap[SW_MAX_RANK], last = r->rank - 1;
    int64_t n;
    float *m = sw__i64_mul(a->in, a->out, &n) ? sw__onnx_constant_alloc(im, SW_ONNX_FLOAT, n)
                                              : NULL;
    for (int k = 0; k <= last; k++) swap[k] = k == i ? last : k == last ? i : k;
    for (int64_t o = 0; m && o < a->out; o++) weights_of(r, a, o, m + o * a->in);
    if (!m) return sw__onnx_refuse(im, SW_ERR_SIZE, "an axis too long for this mode");
    sw_node *w = sw_const(im->g, SW_F32, (sw_shape){2, {a->out, a->in}}, m);
    if (i != last) x = sw_transpose(im->g, x, swap, r->rank);
    x = sw_matmul(im->g, x, w, (sw_matmul_options){.transpose_b = true});
    return i != last ? sw_transpose(im->g, x, swap, r->rank) : x;
}

/* What lies outside of the region of interest takes the extrapolation value. */
static sw_node *fill_outside(struct sw_onnx_import *im, sw_node *x, const struct resize *r, int i)
{
    const struct axis *a = &r->axis[i];
    sw_shape line = {.rank = r->rank};
    int32_t *in = sw__onnx_constant_alloc(im, SW_ONNX_INT32, a->out);
    for (int k = 0; k < r->rank; k++) line.dim[k] = k == i ? a->out : 1;
    for (int64_t o = 0; in && o < a->out; o++) {
        double at = coordinate(r, a, o);
        in[o] = at >= 0 && at <= (double)(a->in - 1);
    }
    if (!in) return x;
    sw_node *inside = sw_not_equal(im->g, sw_const(im->g, SW_I32, line, in),
                                   sw__onnx_i32(im->g, 0));
    return sw_where(im->g, inside, x, sw_scalar(im->g, (float)r->outside_value));
}

/* Bilinear over the last two axes, as the graph's own op does it. */
static bool plain(const struct resize *r)
{
    if (r->rank != 4 || r->mode != LINEAR || r->exclude_outside) return false;
    if (r->transform != HALF_PIXEL && r->transform != PYTORCH_HALF_PIXEL &&
        r->transform != ALIGN_CORNERS)
        return false;
    for (int i = 0; i < 4; i++) {
        const struct axis *a = &r->axis[i];
        bool exact = r->transform == ALIGN_CORNERS || a->scale == (double)a->out / (double)a->in;
        if (i < 2 ? a->in != a->out : !exact || a->out < 2) return false;
    }
    return true;
}

static void resize(struct sw_onnx_import *im)
{
    struct resize r = {0};
    sw_shape s = sw__onnx_in_shape(im, 0);
    int type = sw__onnx_in_type(im, 0);
    read_attributes(im, &r);
    if (sw__onnx_failed(im) || !read_sizes(im, &s, &r)) return;
    sw_node *x = r.mode == NEAREST && r.transform != TF_CROP ? sw__onnx_in(im, 0)
                                                             : sw__onnx_f32(im, 0);
    if (plain(&r))
        x = sw_resize(im->g, x,
                      (sw_resize_options){r.axis[2].out, r.axis[3].out, SW_RESIZE_BILINEAR,
                                          r.transform == ALIGN_CORNERS});
    else
        for (int i = 0; i < r.rank && !sw__onnx_failed(im); i++) {
            bool same = r.axis[i].in == r.axis[i].out && r.axis[i].scale == 1 &&
                        (r.transform != TF_CROP || (r.axis[i].from == 0 && r.axis[i].to == 1));
            if (same) continue;
            x = r.mode == NEAREST ? gather_axis(im, x, &r, i) : multiply_axis(im, x, &r, i);
            if (r.transform == TF_CROP) x = fill_outside(im, x, &r, i);
        }
    sw__onnx_emit(im, 0, type, x);
}

const struct sw_onnx_operator sw__onnx_resize_ops[] = {
    {"Resize", 10, 0, 4, 1, 0, resize, NULL,
     "coordinate_transformation_mode cubic_coeff_a exclude_outside extrapolation_value mode "
     "nearest_mode"},
    {"Upsample", 7, 9, 2, 1, 0, resize, NULL, "mode scales"},
    {0}};
