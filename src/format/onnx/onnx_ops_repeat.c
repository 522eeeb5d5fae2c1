/* ONNX operators that repeat, spread and rearrange elements. */
#include <stdlib.h>
#include <string.h>

#include "base/size.h"
#include "format/onnx/onnx_import.h"

/* ---- Expand, Tile --------------------------------------------------------------------------------- */

/* Both ways: a dimension of one, here or there, takes the other's size. */
static void expand(struct sw_onnx_import *im)
{
    int64_t dims[SW_MAX_RANK];
    sw_node *x = sw__onnx_in(im, 0);
    sw_shape s = sw_node_shape(x), y = {0};
    int n = sw__onnx_integers(im, 1, dims, SW_MAX_RANK);
    if (sw__onnx_failed(im)) return;
    y.rank = n > s.rank ? n : s.rank;
    for (int i = 1; i <= y.rank; i++) {
        int64_t a = i <= s.rank ? s.dim[s.rank - i] : 1, b = i <= n ? dims[n - i] : 1;
        if (a != b && a != 1 && b != 1)
            sw__onnx_refuse(im, SW_ERR_SHAPE, "a dimension of %lld cannot become %lld",
                            (long long)a, (long long)b);
        y.dim[y.rank - i] = i <= s.rank && (b == 1 || a == b) ? -1 : b;
    }
    sw__onnx_emit_node(im, 0, sw__onnx_in_type(im, 0), sw_expand(im->g, x, y));
}

/* x as (outer, 1, axis and inner), expanded in the middle. */
static sw_node *repeat(struct sw_onnx_import *im, sw_node *x, int axis, int64_t times)
{
    sw_shape s = sw_node_shape(x), line = {3, {1, 1, 1}};
    for (int i = 0; i < s.rank; i++) line.dim[i < axis ? 0 : 2] *= s.dim[i];
    if (times < 0 || !sw__i64_mul(s.dim[axis], times, &s.dim[axis]))
        return sw__onnx_refuse(im, SW_ERR_SIZE, "repeated %lld times", (long long)times);
    x = sw_expand(im->g, sw_reshape(im->g, x, line), (sw_shape){3, {-1, times, -1}});
    return sw__onnx_reshape(im, x, s);
}

static void tile(struct sw_onnx_import *im)
{
    int64_t times[SW_MAX_RANK];
    sw_node *x = sw__onnx_in(im, 0);
    int n = sw__onnx_integers(im, 1, times, SW_MAX_RANK);
    if (!sw__onnx_failed(im) && n != sw_node_shape(x).rank)
        sw__onnx_refuse(im, SW_ERR_FORMAT, "%d repeats", n);
    for (int i = 0; i < n && !sw__onnx_failed(im); i++)
        if (times[i] != 1) x = repeat(im, x, i, times[i]);
    sw__onnx_emit_node(im, 0, sw__onnx_in_type(im, 0), x);
}

/* ---- blocks of pixels ------------------------------------------------------------------------------ */

enum { DEPTH_TO_SPACE, SPACE_TO_DEPTH };

/* DCR: the channel is (block row, block column, depth); CRD: (depth, block row, block column). */
static void blocks(struct sw_onnx_import *im)
{
    static const int dcr[] = {0, 3, 4, 1, 5, 2}, crd[] = {0, 1, 4, 2, 5, 3},
                     back[] = {0, 3, 5, 1, 2, 4};
    sw_graph *g = im->g;
    int64_t b = sw__onnx_attr_i(im, "blocksize", 0);
    sw_node *x = sw__onnx_in(im, 0);
    sw_shape s = sw_node_shape(x);
    bool deep = im->op->which == DEPTH_TO_SPACE, rows = sw__onnx_attr_is(im, "mode", "DCR", "DCR");
    if (s.rank != 4 || b < 1 || b > 65536 ||
        (deep ? s.dim[1] % (b * b) != 0 : s.dim[2] % b != 0 || s.dim[3] % b != 0)) {
        sw__onnx_refuse(im, SW_ERR_SHAPE, "blocks of %lld do not fit", (long long)b);
        return;
    }
    int64_t c = s.dim[1], h = s.dim[2], w = s.dim[3];
    if (deep) {
        int64_t d = c / (b * b);
        x = sw_reshape(
            g, x, rows ? (sw_shape){6, {-1, b, b, d, h, w}} : (sw_shape){6, {-1, d, b, b, h, w}});
        x = sw_reshape(g, sw_transpose(g, x, rows ? dcr : crd, 6),
                       (sw_shape){4, {-1, d, h * b, w * b}});
    } else {
        x = sw_reshape(g, x, (sw_shape){6, {-1, c, h / b, b, w / b, b}});
        x = sw_reshape(g, sw_transpose(g, x, back, 6),
                       (sw_shape){4, {-1, c * b * b, h / b, w / b}});
    }
    sw__onnx_emit_node(im, 0, sw__onnx_in_type(im, 0), x);
}

/* ---- patterns -------------------------------------------------------------------------------------- */

/* A constant of zeros and ones over the last two axes: `value(row, column)`. */
static sw_node *mask(struct sw_onnx_import *im, int64_t rows, int64_t columns, int64_t k, int kind)
{
    int32_t *m = sw__onnx_constant_alloc(im, SW_ONNX_INT32, rows * columns);
    for (int64_t i = 0; m && i < rows * columns; i++) {
        int64_t right = i % columns - i / columns; /* of the main diagonal */
        m[i] = kind > 0 ? right >= k : kind < 0 ? right <= k : right == k;
    }
    return m ? sw_const(im->g, SW_I32, (sw_shape){2, {rows, columns}}, m)
             : sw__onnx_refuse(im, SW_ERR_SIZE, "too large");
}

static void trilu(struct sw_onnx_import *im)
{
    sw_graph *g = im->g;
    int type = sw__onnx_in_type(im, 0);
    sw_node *x = sw__onnx_number(im, 0);
    sw_shape s = sw_node_shape(x);
    int64_t k = (int64_t)sw__onnx_scalar(im, 1, 0);
    if (s.rank < 2) sw__onnx_refuse(im, SW_ERR_FORMAT, "no matrix");
    if (sw__onnx_failed(im)) return;
    if (sw_shape_elements(&s) == 0) {
        sw__onnx_emit_input(im, 0, 0);
        return;
    }
    sw_node *keep = mask(im, s.dim[s.rank - 2], s.dim[s.rank - 1], k,
                         sw__onnx_attr_i(im, "upper", 1) ? 1 : -1);
    sw_node *zero = sw_node_dtype(x) == SW_I32 ? sw__onnx_i32(g, 0) : sw_scalar(g, 0);
    keep = sw_not_equal(g, keep, sw__onnx_i32(g, 0));
    sw__onnx_emit(im, 0, type, sw_where(g, keep, x, zero));
}

static void eye_like(struct sw_onnx_import *im)
{
    sw_shape s = sw__onnx_in_shape(im, 0);
    int type = sw__onnx_int(im, sw__onnx_attr_i(im, "dtype", sw__onnx_in_type(im, 0)), "dtype");
    if (s.rank != 2) sw__onnx_refuse(im, SW_ERR_FORMAT, "no matrix");
    if (sw__onnx_failed(im)) return;
    sw_node *eye = mask(im, s.dim[0], s.dim[1], sw__onnx_attr_i(im, "k", 0), 0);
    sw__onnx_emit(im, 0, type, sw__onnx_is_float(type) ? sw_cast(im->g, eye, SW_F32) : eye);
}

/* values (off, on): on where the class is its index; indices from the end are allowed. */
static void one_hot(struct sw_onnx_import *im)
{
    sw_graph *g = im->g;
    int64_t depth = (int64_t)sw__onnx_scalar(im, 1, 0);
    sw_node *ids = sw__onnx_number(im, 0), *values = sw__onnx_number(im, 2);
    sw_shape s = sw_node_shape(ids), line = {s.rank + 1, {0}}, wide = line;
    if (sw_node_dtype(ids) == SW_F32) ids = sw_cast(g, ids, SW_I32);
    if (s.rank >= SW_MAX_RANK || depth < 1)
        sw__onnx_refuse(im, SW_ERR_FORMAT, "depth %lld", (long long)depth);
    if (sw__onnx_failed(im)) return;
    int axis = sw__onnx_axis(im, sw__onnx_attr_i(im, "axis", -1), s.rank + 1);
    int32_t *number = sw__onnx_constant_alloc(im, SW_ONNX_INT32, depth);
    if (!number) return;
    for (int64_t i = 0; i < depth; i++) number[i] = (int32_t)i;
    for (int i = 0, from = 0; i <= s.rank; i++) {
        line.dim[i] = i == axis ? depth : 1;
        wide.dim[i] = i == axis ? 1 : s.dim[from++];
    }
    sw_node *zero = sw__onnx_i32(g, 0), *n = sw__onnx_i32(g, (int32_t)depth);
    ids = sw_add(g, ids, sw_where(g, sw_less(g, ids, zero), n, zero));
    sw_node *hit = sw_equal(g, sw_reshape(g, ids, wide), sw_const(g, SW_I32, line, number));
    sw_node *off = sw_reshape(g, sw_slice(g, values, (sw_slice_options){0, 0, 1, 1}),
                              (sw_shape){0});
    sw_node *on = sw_reshape(g, sw_slice(g, values, (sw_slice_options){0, 1, 2, 1}), (sw_shape){0});
    sw__onnx_emit(im, 0, sw__onnx_in_type(im, 2), sw_where(g, hit, on, off));
}

const struct sw_onnx_operator sw__onnx_repeat_ops[] = {
    {"Expand", 8, 0, 2, 1, 0, expand, NULL, NULL},
    {"Tile", 6, 0, 2, 1, 0, tile, NULL, NULL},
    {"DepthToSpace", 1, 0, 1, 1, DEPTH_TO_SPACE, blocks, NULL, "blocksize mode"},
    {"SpaceToDepth", 1, 0, 1, 1, SPACE_TO_DEPTH, blocks, NULL, "blocksize"},
    {"Trilu", 14, 0, 2, 1, 0, trilu, NULL, "upper"},
    {"EyeLike", 9, 0, 1, 1, 0, eye_like, NULL, "dtype k"},
    {"OneHot", 9, 0, 3, 1, 0, one_hot, NULL, "axis"},
    {0}};
