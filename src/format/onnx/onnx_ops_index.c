/* ONNX operators that move elements from places that are known. */
#include <string.h>

#include "base/size.h"
#include "format/onnx/onnx_import.h"

/* ---- constants: a box of one, read with strides ---------------------------------------------------- */

/* Element (i0, i1, ...) of the result is number at + sum of i[d] stride[d] of t. */
static void emit_strided(struct sw_onnx_import *im, int o, const struct sw_onnx_import_value *v,
                         sw_shape shape, int64_t at, const int64_t *stride)
{
    struct sw_onnx_tensor y = {v->type, shape, sw_shape_elements(&shape), NULL};
    size_t bytes = (size_t)sw__onnx_type(v->type)->bytes;
    char *data = sw__onnx_constant_alloc(im, y.type, y.n);
    uint64_t open = 0;
    for (int64_t i = 0; data && i < y.n; i++) {
        int64_t rest = i, from = at;
        for (int d = shape.rank - 1; d >= 0; d--) {
            from += rest % shape.dim[d] * stride[d];
            rest /= shape.dim[d];
        }
        memcpy(data + (size_t)i * bytes, (const char *)v->host.data + (size_t)from * bytes, bytes);
        if (i < 64 && from < 64) open |= (v->open >> from & 1) << i;
    }
    y.data = data;
    sw__onnx_emit_constant(im, o, y, open);
}

static void strides_of(const sw_shape *s, int64_t *stride)
{
    int64_t next = 1;
    for (int d = s->rank - 1; d >= 0; d--) {
        stride[d] = next;
        next *= s->dim[d];
    }
}

/* ---- Transpose ------------------------------------------------------------------------------------ */

static bool read_perm(struct sw_onnx_import *im, int rank, int *perm)
{
    int64_t axes[SW_MAX_RANK];
    int n = sw__onnx_attr_ints(im, "perm", axes, SW_MAX_RANK), seen = 0;
    for (int i = 0; i < rank; i++) {
        perm[i] = n < 0 ? rank - 1 - i : n == rank ? sw__onnx_axis(im, axes[i], rank) : 0;
        seen |= 1 << perm[i];
    }
    if ((n >= 0 && n != rank) || seen != (1 << rank) - 1)
        sw__onnx_refuse(im, SW_ERR_FORMAT, "perm is no permutation of %d axes", rank);
    return !sw__onnx_failed(im);
}

static void transpose(struct sw_onnx_import *im)
{
    int perm[SW_MAX_RANK];
    sw_node *x = sw__onnx_in(im, 0);
    int rank = sw_node_shape(x).rank;
    if (!read_perm(im, rank, perm)) return;
    sw__onnx_emit_node(im, 0, sw__onnx_in_type(im, 0),
                       rank ? sw_transpose(im->g, x, perm, rank) : x);
}

static bool fold_transpose(struct sw_onnx_import *im)
{
    int perm[SW_MAX_RANK];
    int64_t all[SW_MAX_RANK], stride[SW_MAX_RANK];
    const struct sw_onnx_import_value *v = sw__onnx_value(im, 0);
    sw_shape s = v->host.shape, y = s;
    if (v->host.n > 4096 && sw__onnx_type(v->type)->dtype != SW_DTYPE_COUNT)
        return sw__onnx_fold_by_run(im);
    if (!read_perm(im, s.rank, perm)) return false;
    strides_of(&s, all);
    for (int i = 0; i < s.rank; i++) {
        y.dim[i] = s.dim[perm[i]];
        stride[i] = all[perm[i]];
    }
    emit_strided(im, 0, v, y, 0, stride);
    return true;
}

/* ---- Slice ---------------------------------------------------------------------------------------- */

struct slices {
    int n;
    sw_slice_options o[SW_MAX_RANK];
};

static int read_list(struct sw_onnx_import *im, int i, const char *name, int64_t *out)
{
    if (im->m->opset < 10) return sw__onnx_attr_ints(im, name, out, SW_MAX_RANK);
    return sw__onnx_has(im, i) ? sw__onnx_integers(im, i, out, SW_MAX_RANK) : -1;
}

/* Attributes before opset 10, then operands. */
static bool read_slices(struct sw_onnx_import *im, int rank, struct slices *s)
{
    int64_t begin[SW_MAX_RANK], end[SW_MAX_RANK], axes[SW_MAX_RANK], steps[SW_MAX_RANK];
    int n = read_list(im, 1, "starts", begin), ends = read_list(im, 2, "ends", end);
    int n_axes = read_list(im, 3, "axes", axes), n_steps = read_list(im, 4, "steps", steps);
    if (sw__onnx_failed(im)) return false;
    if (n < 0 || ends != n || (n_axes >= 0 && n_axes != n) || (n_steps >= 0 && n_steps != n) ||
        n > rank)
        sw__onnx_refuse(im, SW_ERR_FORMAT, "%d starts, %d ends, %d axes, %d steps", n, ends, n_axes,
                        n_steps);
    s->n = sw__onnx_failed(im) ? 0 : n;
    for (int i = 0; i < s->n; i++) {
        s->o[i] = (sw_slice_options){n_axes < 0 ? i : sw__onnx_axis(im, axes[i], rank), begin[i],
                                     end[i], n_steps < 0 ? 1 : steps[i]};
        if (s->o[i].step == 0) sw__onnx_refuse(im, SW_ERR_FORMAT, "a step of 0");
    }
    return !sw__onnx_failed(im);
}

static void slice(struct sw_onnx_import *im)
{
    struct slices s;
    sw_node *x = sw__onnx_in(im, 0);
    if (!read_slices(im, sw_node_shape(x).rank, &s)) return;
    for (int i = 0; i < s.n; i++) {
        const sw_slice_options *o = &s.o[i];
        bool all = o->begin == 0 && o->step == 1 && o->end >= sw_node_shape(x).dim[o->axis];
        if (!all) x = sw_slice(im->g, x, *o);
    }
    sw__onnx_emit_node(im, 0, sw__onnx_in_type(im, 0), x);
}

static int64_t clamp(int64_t x, int64_t low, int64_t high)
{
    return x < low ? low : x > high ? high : x;
}

static bool fold_slice(struct sw_onnx_import *im)
{
    const struct sw_onnx_import_value *v = sw__onnx_value(im, 0);
    struct slices s;
    sw_shape y = v->host.shape;
    int64_t stride[SW_MAX_RANK], at = 0;
    strides_of(&y, stride);
    if (!read_slices(im, y.rank, &s)) return false;
    for (int i = 0; i < s.n; i++) {
        const sw_slice_options *o = &s.o[i];
        int64_t n = v->host.shape.dim[o->axis], step = clamp(o->step, -INT32_MAX, INT32_MAX);
        int64_t begin = o->begin < 0 ? sw__max64(o->begin, INT64_MIN + n) + n : o->begin;
        int64_t end = o->end < 0 ? sw__max64(o->end, INT64_MIN + n) + n : o->end;
        begin = clamp(begin, 0, step > 0 ? n : n - 1);
        end = clamp(end, step > 0 ? 0 : -1, n);
        int64_t count = step > 0 ? (end - begin + step - 1) / step
                                 : (begin - end - step - 1) / -step;
        y.dim[o->axis] = sw__max64(count, 0);
        at += begin * stride[o->axis];
        stride[o->axis] *= step;
    }
    if (sw_shape_elements(&y) == 0) at = 0;
    emit_strided(im, 0, v, y, at, stride);
    return true;
}

/* ---- Concat, Split -------------------------------------------------------------------------------- */

static void concat(struct sw_onnx_import *im)
{
    sw_node *x[SW_MAX_CONCAT];
    int n = 0, rank = sw__onnx_in_shape(im, 0).rank;
    int axis = sw__onnx_axis(im, sw__onnx_attr_i(im, "axis", 1), rank);
    for (size_t i = 0; i < im->node->n_input && !sw__onnx_failed(im); i++) {
        x[n++] = sw__onnx_in(im, (int)i);
        if (n == SW_MAX_CONCAT) {
            x[0] = sw_concat(im->g, x, n, axis);
            n = 1;
        }
    }
    sw__onnx_emit_node(im, 0, sw__onnx_in_type(im, 0), n > 1 ? sw_concat(im->g, x, n, axis) : x[0]);
}

static bool fold_concat(struct sw_onnx_import *im)
{
    const struct sw_onnx_import_value *first = sw__onnx_value(im, 0);
    struct sw_onnx_tensor y = {first->type, {1, {0}}, 0, NULL};
    uint64_t open = 0;
    char *data;
    size_t bytes = (size_t)sw__onnx_type(first->type)->bytes, at = 0;
    for (size_t i = 0; i < im->node->n_input; i++) {
        const struct sw_onnx_import_value *v = sw__onnx_value(im, (int)i);
        if (v->host.shape.rank != 1 || v->type != first->type) return sw__onnx_fold_by_run(im);
        y.n += v->host.n;
    }
    y.shape.dim[0] = y.n;
    data = sw__onnx_constant_alloc(im, y.type, y.n);
    for (size_t i = 0; data && i < im->node->n_input; i++) {
        const struct sw_onnx_import_value *v = sw__onnx_value(im, (int)i);
        if (v->host.n) memcpy(data + at * bytes, v->host.data, (size_t)v->host.n * bytes);
        if (at < 64) open |= v->open << at;
        at += (size_t)v->host.n;
    }
    y.data = data;
    sw__onnx_emit_constant(im, 0, y, open);
    return true;
}

/* Sizes: an attribute, from opset 13 on an operand; neither: equal parts, the last one what is left. */
static void split(struct sw_onnx_import *im)
{
    int64_t sizes[64], from = 0;
    sw_node *x = sw__onnx_in(im, 0);
    int axis = sw__onnx_axis(im, sw__onnx_attr_i(im, "axis", 0), sw_node_shape(x).rank);
    int n = sw__onnx_has(im, 1) ? sw__onnx_integers(im, 1, sizes, 64)
                                : sw__onnx_attr_ints(im, "split", sizes, 64);
    int parts = (int)im->node->n_output;
    int64_t all = sw_node_shape(x).dim[axis], each = parts ? (all + parts - 1) / parts : 0;
    if (sw__onnx_failed(im)) return;
    if ((n >= 0 && n != parts) || (n < 0 && all % parts && im->m->opset < 18))
        sw__onnx_refuse(im, SW_ERR_FORMAT, "%lld elements in %d parts", (long long)all, parts);
    for (int o = 0; o < parts && !sw__onnx_failed(im); o++) {
        int64_t size = n >= 0 ? sizes[o] : sw__min64(each, all - from);
        if (size < 0 || size > all - from)
            sw__onnx_refuse(im, SW_ERR_FORMAT, "part %d of size %lld", o, (long long)size);
        else if (sw__onnx_wants(im, o))
            sw__onnx_emit_node(im, o, sw__onnx_in_type(im, 0),
                               sw_slice(im->g, x, (sw_slice_options){axis, from, from + size, 1}));
        from += size;
    }
    if (from != all) sw__onnx_refuse(im, SW_ERR_FORMAT, "parts of another size than the whole");
}

/* ---- Pad ------------------------------------------------------------------------------------------ */

static sw_node *crop(struct sw_onnx_import *im, sw_node *x, int axis, int64_t before, int64_t after)
{
    if (before >= 0 && after >= 0) return x;
    int64_t size = sw_node_shape(x).dim[axis];
    return sw_slice(
        im->g, x,
        (sw_slice_options){axis, before < 0 ? -before : 0, after < 0 ? size + after : size, 1});
}

static bool read_pads(struct sw_onnx_import *im, int rank, sw_pad_options *o)
{
    int64_t pads[2 * SW_MAX_RANK], axes[SW_MAX_RANK];
    bool operands = im->m->opset >= 11;
    int n = operands ? sw__onnx_integers(im, 1, pads, 2 * SW_MAX_RANK)
                     : sw__onnx_attr_ints(im, im->m->opset < 2 ? "paddings" : "pads", pads,
                                          2 * SW_MAX_RANK);
    int k = sw__onnx_has(im, 3) ? sw__onnx_integers(im, 3, axes, SW_MAX_RANK) : rank;
    if (!sw__onnx_failed(im) && n != 2 * k) sw__onnx_refuse(im, SW_ERR_FORMAT, "%d pads", n);
    for (int i = 0; i < k && !sw__onnx_failed(im); i++) {
        int axis = sw__onnx_has(im, 3) ? sw__onnx_axis(im, axes[i], rank) : i;
        o->before[axis] = pads[i];
        o->after[axis] = pads[k + i];
    }
    o->value = operands ? (float)sw__onnx_scalar(im, 2, 0) : sw__onnx_attr_f(im, "value", 0);
    if (sw__onnx_attr_is(im, "mode", "constant", "reflect"))
        o->mode = SW_PAD_REFLECT;
    else if (sw__onnx_attr_is(im, "mode", "constant", "edge"))
        o->mode = SW_PAD_EDGE;
    else if (!sw__onnx_attr_is(im, "mode", "constant", "constant"))
        sw__onnx_refuse(im, SW_ERR_UNSUPPORTED, "this mode is not known");
    return !sw__onnx_failed(im);
}

static void pad(struct sw_onnx_import *im)
{
    sw_pad_options o = {.mode = SW_PAD_CONSTANT};
    sw_node *x = sw__onnx_in(im, 0);
    int rank = sw_node_shape(x).rank;
    bool any = false;
    if (!read_pads(im, rank, &o)) return;
    for (int i = 0; i < rank; i++) {
        x = crop(im, x, i, o.before[i], o.after[i]);
        o.before[i] = sw__max64(o.before[i], 0);
        o.after[i] = sw__max64(o.after[i], 0);
        any |= o.before[i] || o.after[i];
    }
    sw__onnx_emit_node(im, 0, sw__onnx_in_type(im, 0), any ? sw_pad(im->g, x, o) : x);
}

const struct sw_onnx_operator sw__onnx_index_ops[] = {
    {"Transpose", 1, 0, 1, 1, 0, transpose, fold_transpose, "perm"},
    {"Slice", 1, 0, 5, 1, 0, slice, fold_slice, "starts ends axes"},
    {"Concat", 1, 0, 255, 1, 0, concat, fold_concat, "axis"},
    {"Split", 2, 0, 2, 255, 0, split, NULL, "axis split num_outputs"},
    {"Pad", 2, 0, 4, 1, 0, pad, NULL, "mode pads value"},
    {0}};
