/* ONNX operators whose indices name elements or slices: Gather..., and Scatter..., the other way.
 *
 * The graph gathers and scatters rows of the first axis.  So x is seen as one line of elements (or of
 * slices), and the indices are turned into places in it:
 *
 *     GatherElements   y[i][j] = x[ids[i][j]][j]            place = ids stride(axis) + sum of the others
 *     GatherND         y[i] = x[ids[i][0], ids[i][1], ...]   place = sum of ids[i][k] stride(k) */
#include <string.h>

#include "base/size.h"
#include "format/onnx/onnx_import.h"

static void strides_of(const sw_shape *s, int64_t *stride)
{
    int64_t next = 1;
    for (int d = s->rank - 1; d >= 0; d--) {
        stride[d] = next;
        next *= s->dim[d];
    }
}

/* ---- Gather --------------------------------------------------------------------------------------- */

static void gather(struct sw_onnx_import *im)
{
    sw_node *x = sw__onnx_in(im, 0), *ids = sw__onnx_number(im, 1);
    int axis = sw__onnx_axis(im, sw__onnx_attr_i(im, "axis", 0), sw_node_shape(x).rank);
    sw__onnx_emit_node(im, 0, sw__onnx_in_type(im, 0), sw_gather(im->g, x, ids, axis));
}

static bool fold_gather(struct sw_onnx_import *im)
{
    const struct sw_onnx_import_value *v = sw__onnx_value(im, 0);
    const struct sw_onnx_tensor *ids = sw__onnx_constant(im, 1);
    struct sw_onnx_tensor y = {v->type, {0}, 0, NULL};
    if (!ids) return false;
    if (v->host.shape.rank != 1) return sw__onnx_fold_by_run(im);
    sw__onnx_axis(im, sw__onnx_attr_i(im, "axis", 0), 1);
    y.shape = ids->shape;
    y.n = ids->n;
    size_t bytes = (size_t)sw__onnx_type(v->type)->bytes;
    char *data = sw__onnx_constant_alloc(im, y.type, y.n);
    uint64_t open = 0;
    for (int64_t i = 0; data && i < y.n; i++) {
        int64_t at = sw__onnx_get_i(ids, i);
        if (at < 0) at += v->host.n;
        if (at < 0 || at >= v->host.n) {
            sw__onnx_refuse(im, SW_ERR_FORMAT, "index %lld of %lld", (long long)at,
                            (long long)v->host.n);
            return false;
        }
        memcpy(data + (size_t)i * bytes, (const char *)v->host.data + (size_t)at * bytes, bytes);
        if (i < 64 && at < 64) open |= (v->open >> at & 1) << i;
    }
    y.data = data;
    sw__onnx_emit_constant(im, 0, y, open);
    return true;
}

/* ---- places --------------------------------------------------------------------------------------- */

/* ids with a negative one counted from the end */
static sw_node *from_end(sw_graph *g, sw_node *ids, int64_t size)
{
    sw_node *n = sw__onnx_i32(g, (int32_t)size), *zero = sw__onnx_i32(g, 0);
    return sw_add(g, ids, sw_where(g, sw_less(g, ids, zero), n, zero));
}

/* 0, s, 2s ... along an axis of a result of rank `rank`, to be broadcast */
static sw_node *steps(struct sw_onnx_import *im, int rank, int axis, int64_t n, int64_t s)
{
    sw_shape shape = {.rank = rank};
    int32_t *number = sw__onnx_constant_alloc(im, SW_ONNX_INT32, n);
    for (int i = 0; i < rank; i++) shape.dim[i] = i == axis ? n : 1;
    for (int64_t i = 0; number && i < n; i++) number[i] = (int32_t)(i * s);
    return number ? sw_const(im->g, SW_I32, shape, number)
                  : sw__onnx_refuse(im, SW_ERR_MEMORY, "out of memory");
}

/* Elements of x, of shape s, that operand 1 names along an axis. */
static sw_node *element_places(struct sw_onnx_import *im, const sw_shape *s)
{
    sw_graph *g = im->g;
    sw_node *ids = sw__onnx_number(im, 1);
    sw_shape t = sw_node_shape(ids);
    int64_t stride[SW_MAX_RANK];
    int axis = sw__onnx_axis(im, sw__onnx_attr_i(im, "axis", 0), s->rank);
    if (sw__onnx_failed(im) || s->rank != t.rank || sw_shape_elements(s) > INT32_MAX)
        return sw__onnx_refuse(im, SW_ERR_SHAPE, "indices of another rank, or too many elements");
    strides_of(s, stride);
    sw_node *at = from_end(g, ids, s->dim[axis]);
    at = sw_mul(g, at, sw__onnx_i32(g, (int32_t)stride[axis]));
    for (int d = 0; d < s->rank && !sw__onnx_failed(im); d++)
        if (d != axis && t.dim[d] > 1)
            at = sw_add(g, at, steps(im, s->rank, d, t.dim[d], stride[d]));
    return at;
}

/* The slices of x that the last axis of operand 1 names, behind `batch` axes of both: their places;
 * *slice: elements of one; *axes: how many axes of x it names. */
static sw_node *slice_places(struct sw_onnx_import *im, const sw_shape *s, int64_t batch,
                             int64_t *slice, int64_t *axes)
{
    sw_graph *g = im->g;
    sw_node *ids = sw__onnx_number(im, 1), *at = NULL;
    sw_shape t = sw_node_shape(ids), places = t;
    int64_t stride[SW_MAX_RANK], k = t.rank && !sw__onnx_failed(im) ? t.dim[t.rank - 1] : 0;
    *slice = 1;
    *axes = k;
    if (t.rank < 1 || batch < 0 || batch >= t.rank || k < 1 || batch + k > s->rank ||
        sw_shape_elements(s) > INT32_MAX)
        return sw__onnx_refuse(im, SW_ERR_SHAPE, "indices that do not fit");
    for (int64_t d = batch + k; d < s->rank; d++) *slice *= s->dim[d];
    strides_of(s, stride);
    for (int d = 0; d < s->rank; d++) stride[d] /= sw__max64(*slice, 1);
    places.rank--;
    for (int64_t j = 0; j < k; j++) {
        sw_node *one = sw_slice(g, ids, (sw_slice_options){t.rank - 1, j, j + 1, 1});
        one = from_end(g, sw_reshape(g, one, places), s->dim[batch + j]);
        one = sw_mul(g, one, sw__onnx_i32(g, (int32_t)stride[batch + j]));
        at = at ? sw_add(g, at, one) : one;
    }
    for (int d = 0; d < batch; d++)
        at = sw_add(g, at, steps(im, places.rank, d, t.dim[d], stride[d]));
    return at;
}

static void gather_elements(struct sw_onnx_import *im)
{
    sw_node *x = sw__onnx_in(im, 0);
    sw_shape s = sw_node_shape(x);
    sw_node *at = element_places(im, &s);
    x = sw_reshape(im->g, x, (sw_shape){1, {-1}});
    sw__onnx_emit_node(im, 0, sw__onnx_in_type(im, 0), sw_gather(im->g, x, at, 0));
}

static void gather_nd(struct sw_onnx_import *im)
{
    sw_graph *g = im->g;
    sw_node *x = sw__onnx_in(im, 0);
    sw_shape s = sw_node_shape(x), y;
    int64_t slice, k, batch = sw__onnx_attr_i(im, "batch_dims", 0);
    sw_node *at = slice_places(im, &s, batch, &slice, &k);
    y = sw_node_shape(at);
    if (sw__onnx_failed(im)) return;
    x = sw_gather(g, sw_reshape(g, x, (sw_shape){2, {-1, slice}}), at, 0);
    for (int64_t d = batch + k; d < s.rank && y.rank < SW_MAX_RANK; d++) y.dim[y.rank++] = s.dim[d];
    sw__onnx_emit_node(im, 0, sw__onnx_in_type(im, 0), sw_reshape(g, x, y));
}

/* ---- Scatter -------------------------------------------------------------------------------------- */

/* x as (-1, slice) with updates put, or added, at places; the shape is x's again. */
static void scatter(struct sw_onnx_import *im, sw_node *at, int64_t slice)
{
    sw_graph *g = im->g;
    sw_shape rows = {2, {-1, slice}}, line = {1, {-1}};
    sw_node *x = sw__onnx_f32(im, 0), *updates = sw_reshape(g, sw__onnx_f32(im, 2), rows), *y;
    sw_shape s = sw_node_shape(x);
    x = sw_reshape(g, x, rows);
    at = sw_reshape(g, at, line);
    if (sw__onnx_attr_is(im, "reduction", "none", "add"))
        y = sw_scatter_add(g, x, at, updates);
    else if (sw__onnx_attr_is(im, "reduction", "none", "none")) {
        sw_node *zeros = sw_expand(g, sw_scalar(g, 0), sw_node_shape(x));
        sw_node *ones = sw_expand(g, sw_scalar(g, 1), sw_node_shape(updates));
        sw_node *hit = sw_greater(g, sw_scatter_add(g, zeros, at, ones), sw_scalar(g, 0));
        y = sw_where(g, hit, sw_scatter_add(g, zeros, at, updates), x);
    } else
        y = sw__onnx_refuse(im, SW_ERR_UNSUPPORTED, "this reduction");
    sw__onnx_emit(im, 0, sw__onnx_in_type(im, 0), sw__onnx_reshape(im, y, s));
}

static void scatter_elements(struct sw_onnx_import *im)
{
    sw_shape s = sw__onnx_in_shape(im, 0);
    scatter(im, element_places(im, &s), 1);
}

static void scatter_nd(struct sw_onnx_import *im)
{
    sw_shape s = sw__onnx_in_shape(im, 0);
    int64_t slice, k;
    sw_node *at = slice_places(im, &s, 0, &slice, &k);
    scatter(im, at, slice);
}

const struct sw_onnx_operator sw__onnx_gather_ops[] = {
    {"Gather", 1, 0, 2, 1, 0, gather, fold_gather, "axis"},
    {"GatherElements", 11, 0, 2, 1, 0, gather_elements, NULL, "axis"},
    {"GatherND", 11, 0, 2, 1, 0, gather_nd, NULL, "batch_dims"},
    {"Scatter", 9, 10, 3, 1, 0, scatter_elements, NULL, "axis"},
    {"ScatterElements", 11, 0, 3, 1, 0, scatter_elements, NULL, "axis reduction"},
    {"ScatterND", 11, 0, 3, 1, 0, scatter_nd, NULL, "reduction"},
    {0}};
