/* ONNX's reductions, softmax, and products of matrices. */
#include <string.h>

#include "format/onnx/onnx_import.h"

enum { SUM, MEAN, MAX, MIN, PROD, L1, L2, LOG_SUM, LOG_SUM_EXP, SUM_SQUARE };

/* Axes: an attribute, from opset 13 (sum) or 18 on an operand.  None: all, or with
 * noop_with_empty_axes nothing.  False: nothing is to be reduced, or a refusal. */
static bool read_axes(struct sw_onnx_import *im, int rank, sw_reduce_options *o)
{
    int64_t axes[SW_MAX_RANK];
    int n = sw__onnx_has(im, 1) ? sw__onnx_integers(im, 1, axes, SW_MAX_RANK)
                                : sw__onnx_attr_ints(im, "axes", axes, SW_MAX_RANK);
    o->keepdims = sw__onnx_attr_i(im, "keepdims", 1) != 0;
    if (n <= 0 && sw__onnx_attr_i(im, "noop_with_empty_axes", 0)) return false;
    for (int i = 0; i < n; i++) o->axes[o->n_axes++] = sw__onnx_axis(im, axes[i], rank);
    if (n <= 0)
        for (int i = 0; i < rank; i++) o->axes[o->n_axes++] = i;
    return !sw__onnx_failed(im);
}

/* The product along one axis at a time, by halves. */
static sw_node *product_axis(struct sw_onnx_import *im, sw_node *x, int axis)
{
    sw_graph *g = im->g;
    while (!sw__onnx_failed(im)) {
        int64_t n = sw_node_shape(x).dim[axis], half = n / 2;
        if (n == 1) break;
        if (n == 0) return sw__onnx_refuse(im, SW_ERR_UNSUPPORTED, "the product of nothing");
        sw_node *a = sw_slice(g, x, (sw_slice_options){axis, 0, half, 1});
        sw_node *b = sw_slice(g, x, (sw_slice_options){axis, half, 2 * half, 1});
        sw_node *rest = n % 2 ? sw_slice(g, x, (sw_slice_options){axis, n - 1, n, 1}) : NULL;
        sw_node *both[2] = {sw_mul(g, a, b), rest};
        x = rest ? sw_concat(g, both, 2, axis) : both[0];
    }
    return x;
}

static sw_node *product(struct sw_onnx_import *im, sw_node *x, const sw_reduce_options *o)
{
    sw_shape s = sw_node_shape(x), out = {0};
    for (int i = 0; i < o->n_axes; i++) {
        x = product_axis(im, x, o->axes[i]);
        s.dim[o->axes[i]] = -1;
    }
    if (o->keepdims) return x;
    for (int i = 0; i < s.rank; i++)
        if (s.dim[i] >= 0) out.dim[out.rank++] = s.dim[i];
    return sw__onnx_reshape(im, x, out);
}

static sw_node *log_sum_exp(struct sw_onnx_import *im, sw_node *x, sw_reduce_options o)
{
    sw_graph *g = im->g;
    sw_reduce_options kept = o;
    kept.keepdims = true;
    sw_node *most = sw_max(g, x, kept);
    sw_node *sum = sw_log(g, sw_sum(g, sw_exp(g, sw_sub(g, x, most)), kept));
    sw_node *y = sw_add(g, sum, most);
    return o.keepdims ? y : sw_sum(g, y, o);
}

static void reduce(struct sw_onnx_import *im)
{
    sw_graph *g = im->g;
    sw_reduce_options o = {0};
    int type = sw__onnx_in_type(im, 0), which = im->op->which;
    sw_node *x = sw__onnx_f32(im, 0), *y = x;
    bool some = read_axes(im, sw_node_shape(x).rank, &o);
    if (sw__onnx_failed(im)) return;
    if (which == SUM_SQUARE || which == L2) y = sw_square(g, x);
    if (which == L1) y = sw_abs(g, x);
    if (some && o.n_axes) switch (which) {
        case MEAN: y = sw_mean(g, y, o); break;
        case MAX: y = sw_max(g, y, o); break;
        case MIN: y = sw_min(g, y, o); break;
        case PROD: y = product(im, y, &o); break;
        case LOG_SUM_EXP: y = log_sum_exp(im, y, o); break;
        default: y = sw_sum(g, y, o);
        }
    if (which == L2) y = sw_sqrt(g, y);
    if (which == LOG_SUM) y = sw_log(g, y);
    sw__onnx_emit(im, 0, type, y);
}

/* How many elements shapes have: integers of 64 bits. */
static bool fold_reduce(struct sw_onnx_import *im)
{
    const struct sw_onnx_tensor *x = sw__onnx_constant(im, 0);
    int which = im->op->which;
    bool ours = which == SUM || which == PROD || which == MAX || which == MIN;
    if (!x || !ours || sw__onnx_is_float(x->type) || x->shape.rank != 1 || !x->n)
        return x && sw__onnx_fold_by_run(im);
    struct sw_onnx_tensor y = {x->type, {sw__onnx_attr_i(im, "keepdims", 1) != 0, {1}}, 1, NULL};
    void *data = sw__onnx_constant_alloc(im, y.type, 1);
    int64_t all = sw__onnx_get_i(x, 0);
    for (int64_t i = 1; i < x->n; i++) {
        int64_t v = sw__onnx_get_i(x, i);
        all = which == SUM    ? (int64_t)((uint64_t)all + (uint64_t)v)
              : which == PROD ? (int64_t)((uint64_t)all * (uint64_t)v)
              : which == MAX  ? (v > all ? v : all)
                              : (v < all ? v : all);
    }
    if (data) sw__onnx_put_i(y.type, data, 0, all);
    y.data = data;
    sw__onnx_emit_constant(im, 0, y, 0);
    return true;
}

enum { ARG_MAX, ARG_MIN };

/* The first of the greatest, or the last: the first of the axis walked backwards. */
static void arg(struct sw_onnx_import *im)
{
    sw_graph *g = im->g;
    sw_node *x = sw__onnx_f32(im, 0);
    sw_shape s = sw_node_shape(x);
    int axis = sw__onnx_axis(im, sw__onnx_attr_i(im, "axis", 0), s.rank);
    bool keep = sw__onnx_attr_i(im, "keepdims", 1) != 0;
    bool last = sw__onnx_attr_i(im, "select_last_index", 0) != 0;
    if (im->op->which == ARG_MIN) x = sw_neg(g, x);
    if (last) x = sw_flip(g, x, axis);
    sw_node *y = sw_argmax(g, x, axis, keep);
    if (last && !sw__onnx_failed(im))
        y = sw_sub(g, sw__onnx_i32(g, sw__onnx_int(im, s.dim[axis] - 1, "an axis")), y);
    sw__onnx_emit(im, 0, SW_ONNX_INT64, y);
}

static void topk(struct sw_onnx_import *im)
{
    int64_t k = sw__onnx_attr_i(im, "k", 0);
    if (im->m->opset >= 10) k = (int64_t)sw__onnx_scalar(im, 1, 0);
    bool largest = sw__onnx_attr_i(im, "largest", 1) != 0;
    sw_node *x = sw__onnx_f32(im, 0);
    int axis = sw__onnx_axis(im, sw__onnx_attr_i(im, "axis", -1), sw_node_shape(x).rank);
    if (!largest) x = sw_neg(im->g, x);
    x = sw_topk(im->g, x, sw__onnx_int(im, k, "k"), axis);
    if (sw__onnx_failed(im)) return;
    sw__onnx_emit(im, 0, sw__onnx_in_type(im, 0), largest ? x : sw_neg(im->g, x));
    sw__onnx_emit(im, 1, SW_ONNX_INT64, sw_output(x, 1));
}

static void cumsum(struct sw_onnx_import *im)
{
    sw_node *x = sw__onnx_f32(im, 0);
    int axis = sw__onnx_axis(im, (int64_t)sw__onnx_scalar(im, 1, 0), sw_node_shape(x).rank);
    x = sw_cumsum(im->g, x, axis, sw__onnx_attr_i(im, "exclusive", 0) != 0,
                  sw__onnx_attr_i(im, "reverse", 0) != 0);
    sw__onnx_emit(im, 0, sw__onnx_in_type(im, 0), x);
}

/* ---- softmax ------------------------------------------------------------------------------------ */

enum { SOFTMAX, LOG_SOFTMAX, HARDMAX };

/* One at the first greatest: where its number is that of the greatest. */
static sw_node *hardmax(struct sw_onnx_import *im, sw_node *x, int axis)
{
    int32_t number[4096];
    sw_shape s = sw_node_shape(x), line = {s.rank, {0}};
    if (s.dim[axis] > 4096)
        return sw__onnx_refuse(im, SW_ERR_UNSUPPORTED, "more than 4096 classes");
    for (int i = 0; i < s.rank; i++) line.dim[i] = i == axis ? s.dim[axis] : 1;
    for (int i = 0; i < s.dim[axis]; i++) number[i] = i;
    sw_node *numbers = sw_const(im->g, SW_I32, line, number);
    sw_node *hit = sw_equal(im->g, sw_argmax(im->g, x, axis, true), numbers);
    return sw_cast(im->g, hit, SW_F32);
}

/* Before opset 13 all axes from `axis` on are one. */
static void softmax(struct sw_onnx_import *im)
{
    bool old = im->m->opset < 13;
    int type = sw__onnx_in_type(im, 0);
    sw_node *x = sw__onnx_f32(im, 0);
    sw_shape s = sw_node_shape(x);
    int axis = sw__onnx_axis(im, sw__onnx_attr_i(im, "axis", old ? 1 : -1), s.rank);
    bool merge = old && axis < s.rank - 1;
    if (sw__onnx_failed(im)) return;
    if (merge) x = sw_flatten(im->g, x, axis, s.rank - 1);
    x = im->op->which == SOFTMAX       ? sw_softmax(im->g, x, axis)
        : im->op->which == LOG_SOFTMAX ? sw_log_softmax(im->g, x, axis)
                                       : hardmax(im, x, axis);
    sw__onnx_emit(im, 0, type, merge ? sw__onnx_reshape(im, x, s) : x);
}

/* ---- products ----------------------------------------------------------------------------------- */

/* A vector is a row at the left and a column at the right; the axis goes again afterwards. */
static void matmul(struct sw_onnx_import *im)
{
    sw_graph *g = im->g;
    sw_node *a = sw__onnx_f32(im, 0), *b = sw__onnx_f32(im, 1);
    sw_shape p = sw_node_shape(a), q = sw_node_shape(b);
    if (p.rank < 1 || q.rank < 1) sw__onnx_refuse(im, SW_ERR_FORMAT, "a scalar");
    if (p.rank == 1) a = sw_reshape(g, a, (sw_shape){2, {1, p.dim[0]}});
    if (q.rank == 1) b = sw_reshape(g, b, (sw_shape){2, {q.dim[0], 1}});
    sw_node *y = sw_matmul(g, a, b, (sw_matmul_options){0});
    sw_shape s = sw_node_shape(y), out = s;
    if (sw__onnx_failed(im)) return;
    out.rank -= (p.rank == 1) + (q.rank == 1);
    if (p.rank == 1 && q.rank > 1) out.dim[out.rank - 1] = s.dim[s.rank - 1];
    if (out.rank != s.rank) y = sw__onnx_reshape(im, y, out);
    sw__onnx_emit(im, 0, sw__onnx_in_type(im, 0), y);
}

/* alpha A B + beta C; with a bias of one row, which is what exporters write, a linear layer. */
static void gemm(struct sw_onnx_import *im)
{
    sw_graph *g = im->g;
    float alpha = sw__onnx_attr_f(im, "alpha", 1), beta = sw__onnx_attr_f(im, "beta", 1);
    bool ta = sw__onnx_attr_i(im, "transA", 0) != 0, tb = sw__onnx_attr_i(im, "transB", 0) != 0;
    sw_node *a = sw__onnx_number(im, 0), *b = sw__onnx_number(im, 1), *y;
    sw_node *c = sw__onnx_has(im, 2) ? sw__onnx_number(im, 2) : NULL;
    if (sw__onnx_failed(im)) return;
    sw_shape as = sw_node_shape(a), bs = sw_node_shape(b),
             cs = c ? sw_node_shape(c) : (sw_shape){0};
    if (as.rank != 2 || bs.rank != 2) sw__onnx_refuse(im, SW_ERR_FORMAT, "not two matrices");
    bool row = c && cs.rank == 1 && cs.dim[0] == bs.dim[tb ? 0 : 1];
    if (!ta && tb && alpha == 1 && (!c || (row && beta == 1)))
        y = sw_linear(g, a, b, c);
    else {
        y = sw_matmul(g, a, b, (sw_matmul_options){ta, tb});
        if (alpha != 1) y = sw_scale(g, y, alpha);
        if (c && beta != 1) c = sw_scale(g, c, beta);
        if (c) y = sw_add(g, y, c);
    }
    sw__onnx_emit(im, 0, sw__onnx_in_type(im, 0), y);
}

#define REDUCE "axes keepdims noop_with_empty_axes"
const struct sw_onnx_operator sw__onnx_reduce_ops[] = {
    {"ReduceSum", 1, 0, 2, 1, SUM, reduce, fold_reduce, REDUCE},
    {"ReduceMean", 1, 0, 2, 1, MEAN, reduce, fold_reduce, REDUCE},
    {"ReduceMax", 1, 0, 2, 1, MAX, reduce, fold_reduce, REDUCE},
    {"ReduceMin", 1, 0, 2, 1, MIN, reduce, fold_reduce, REDUCE},
    {"ReduceProd", 1, 0, 2, 1, PROD, reduce, fold_reduce, REDUCE},
    {"ReduceL1", 1, 0, 2, 1, L1, reduce, NULL, REDUCE},
    {"ReduceL2", 1, 0, 2, 1, L2, reduce, NULL, REDUCE},
    {"ReduceLogSum", 1, 0, 2, 1, LOG_SUM, reduce, NULL, REDUCE},
    {"ReduceLogSumExp", 1, 0, 2, 1, LOG_SUM_EXP, reduce, NULL, REDUCE},
    {"ReduceSumSquare", 1, 0, 2, 1, SUM_SQUARE, reduce, NULL, REDUCE},
    {"ArgMax", 1, 0, 1, 1, ARG_MAX, arg, NULL, "axis keepdims select_last_index"},
    {"ArgMin", 1, 0, 1, 1, ARG_MIN, arg, NULL, "axis keepdims select_last_index"},
    {"TopK", 1, 0, 2, 2, 0, topk, NULL, "axis k largest sorted"},
    {"CumSum", 11, 0, 2, 1, 0, cumsum, NULL, "exclusive reverse"},
    {"Softmax", 1, 0, 1, 1, SOFTMAX, softmax, NULL, "axis"},
    {"LogSoftmax", 1, 0, 1, 1, LOG_SOFTMAX, softmax, NULL, "axis"},
    {"Hardmax", 1, 0, 1, 1, HARDMAX, softmax, NULL, "axis"},
    {"MatMul", 1, 0, 2, 1, 0, matmul, NULL, NULL},
    {"Gemm", 6, 0, 3, 1, 0, gemm, NULL, "alpha beta broadcast transA transB"},
    {0}};
