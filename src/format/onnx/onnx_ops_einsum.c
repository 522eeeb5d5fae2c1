/* ONNX Einsum of one or two operands, as a product of matrices.
 *
 * Each label is in one of four classes: in both operands and the result (batch), in both but not in the result
 * (contracted), in one operand and the result (row or column), in one operand alone (summed at once).  So
 *
 *     a -> (batch, rows, contracted)     b -> (batch, contracted, columns)
 *     their product (batch, rows, columns) -> the result's order
 *
 * Left out: three operands, and a label twice in one operand (a diagonal). */
#include <ctype.h>
#include <string.h>

#include "format/onnx/onnx_import.h"

/* Labels of one term, one an axis.  Letters are themselves; the axes of "..." count from the right. */
struct term {
    int n;
    int label[SW_MAX_RANK];
};

enum { ELLIPSIS = 256 };

static int place(const struct term *t, int label)
{
    for (int i = 0; i < t->n; i++)
        if (t->label[i] == label) return i;
    return -1;
}

static void add_label(struct sw_onnx_import *im, struct term *t, int label)
{
    if (t->n == SW_MAX_RANK)
        sw__onnx_refuse(im, SW_ERR_UNSUPPORTED, "more than %d labels", SW_MAX_RANK);
    else if (place(t, label) >= 0)
        sw__onnx_refuse(im, SW_ERR_UNSUPPORTED, "a label twice in one term");
    else
        t->label[t->n++] = label;
}

/* Read a term up to ',', '-' or the end; `dots`: how many axes "..." stands for. */
static const char *read_term(struct sw_onnx_import *im, const char *at, const char *end, int dots,
                             struct term *t)
{
    *t = (struct term){0};
    for (; at < end && *at != ',' && *at != '-' && !sw__onnx_failed(im); at++) {
        if (isalpha((unsigned char)*at))
            add_label(im, t, *at);
        else if (end - at >= 3 && memcmp(at, "...", 3) == 0) {
            for (int i = dots; i-- > 0;) add_label(im, t, ELLIPSIS + i);
            at += 2;
        } else if (*at != ' ')
            sw__onnx_refuse(im, SW_ERR_FORMAT, "no equation");
    }
    return at;
}

static int letters(const char *at, const char *end)
{
    int n = 0;
    for (; at < end && *at != ',' && *at != '-'; at++) n += isalpha((unsigned char)*at) != 0;
    return n;
}

/* Without "->": the axes of "..." and the labels that come once, in the order of the alphabet. */
static void implicit_result(struct sw_onnx_import *im, const struct term *in, int n, int dots,
                            struct term *out)
{
    *out = (struct term){0};
    for (int i = dots; i-- > 0;) add_label(im, out, ELLIPSIS + i);
    for (int c = 'A'; c <= 'z'; c++) {
        int count = 0;
        for (int k = 0; k < n; k++) count += place(&in[k], c) >= 0;
        if (count == 1) add_label(im, out, c);
    }
}

/* The equation; false after a refusal. */
static bool read_equation(struct sw_onnx_import *im, sw_node *const *x, int n, struct term *in,
                          struct term *out)
{
    const Onnx__AttributeProto *a = sw__onnx_attribute(im, "equation");
    const char *at = a && a->s.data ? (const char *)a->s.data : "", *end = at + (a ? a->s.len : 0);
    int dots = 0;
    for (int k = 0; k < n && !sw__onnx_failed(im); k++) {
        int rank = sw_node_shape(x[k]).rank, here = rank - letters(at, end);
        if (here > dots) dots = here;
        at = read_term(im, at, end, here, &in[k]);
        if (in[k].n != rank)
            sw__onnx_refuse(im, SW_ERR_FORMAT, "a term of %d labels for %d axes", in[k].n, rank);
        if (k + 1 < n && (at == end || *at++ != ','))
            sw__onnx_refuse(im, SW_ERR_FORMAT, "not as many terms as operands");
    }
    if (sw__onnx_failed(im)) return false;
    if (at == end)
        implicit_result(im, in, n, dots, out);
    else if (end - at < 2 || memcmp(at, "->", 2) != 0 ||
             read_term(im, at + 2, end, dots, out) != end)
        sw__onnx_refuse(im, SW_ERR_FORMAT, "no equation");
    return !sw__onnx_failed(im);
}

/* Sum over the labels that are in no other term. */
static sw_node *sum_alone(struct sw_onnx_import *im, sw_node *x, struct term *t,
                          const struct term *other, const struct term *out)
{
    sw_reduce_options o = {0};
    struct term kept = {0};
    for (int i = 0; i < t->n; i++) {
        if ((other && place(other, t->label[i]) >= 0) || place(out, t->label[i]) >= 0)
            kept.label[kept.n++] = t->label[i];
        else
            o.axes[o.n_axes++] = i;
    }
    *t = kept;
    return o.n_axes ? sw_sum(im->g, x, o) : x;
}

/* The axes of x in the order of `to`, a permutation of its labels. */
static sw_node *reorder(struct sw_onnx_import *im, sw_node *x, const struct term *from,
                        const struct term *to)
{
    int perm[SW_MAX_RANK];
    bool same = true;
    for (int i = 0; i < to->n; i++) {
        perm[i] = place(from, to->label[i]);
        same = same && perm[i] == i;
        if (perm[i] < 0)
            return sw__onnx_refuse(im, SW_ERR_FORMAT, "a label of the result is nowhere");
    }
    return same ? x : sw_transpose(im->g, x, perm, to->n);
}

/* Append the labels of `from` that are (not) in b and (not) in out. */
static int append(struct term *to, const struct term *from, const struct term *b, bool in_b,
                  const struct term *out, bool in_out)
{
    int before = to->n;
    for (int i = 0; i < from->n; i++) {
        int label = from->label[i];
        if ((place(b, label) >= 0) == in_b && (place(out, label) >= 0) == in_out)
            to->label[to->n++] = label;
    }
    return to->n - before;
}

/* The first `batch` axes stay, the next `second` become one, the others one. */
static sw_node *as_matrices(struct sw_onnx_import *im, sw_node *x, int batch, int second)
{
    sw_shape s = sw_node_shape(x), y = {.rank = batch + 2};
    for (int i = 0; i < batch; i++) y.dim[i] = s.dim[i];
    y.dim[batch] = y.dim[batch + 1] = 1;
    for (int i = batch; i < s.rank; i++) y.dim[batch + (i >= batch + second)] *= s.dim[i];
    return sw__onnx_reshape(im, x, y);
}

static sw_node *product(struct sw_onnx_import *im, sw_node *const *x, const struct term *in,
                        const struct term *out)
{
    struct term a = {0}, b = {0}, y;
    int batch = append(&a, &in[0], &in[1], true, out, true);
    y = b = a;
    int rows = append(&a, &in[0], &in[1], false, out, true);
    int inner = append(&a, &in[0], &in[1], true, out, false);
    for (int i = a.n - inner; i < a.n; i++) b.label[b.n++] = a.label[i];
    int columns = append(&b, &in[1], &in[0], false, out, true);
    if (batch + 2 > SW_MAX_RANK || batch + rows + columns != out->n)
        return sw__onnx_refuse(im, SW_ERR_UNSUPPORTED, "these labels");
    sw_node *p = reorder(im, x[0], &in[0], &a), *q = reorder(im, x[1], &in[1], &b);
    sw_shape ps = sw_node_shape(p), qs = sw_node_shape(q), s = {.rank = out->n};
    if (sw__onnx_failed(im)) return p;
    for (int i = 0; i < batch + inner; i++)
        if (ps.dim[i < batch ? i : rows + i] != qs.dim[i])
            return sw__onnx_refuse(im, SW_ERR_UNSUPPORTED, "a label of two sizes");
    for (int i = 0; i < batch + rows; i++) s.dim[i] = ps.dim[i];
    for (int i = 0; i < columns; i++) s.dim[batch + rows + i] = qs.dim[batch + inner + i];
    for (int i = batch; i < batch + rows; i++) y.label[y.n++] = a.label[i];
    for (int i = batch + inner; i < b.n; i++) y.label[y.n++] = b.label[i];
    p = sw_matmul(im->g, as_matrices(im, p, batch, rows), as_matrices(im, q, batch, inner),
                  (sw_matmul_options){0});
    return reorder(im, sw__onnx_reshape(im, p, s), &y, out);
}

static void einsum(struct sw_onnx_import *im)
{
    int n = (int)im->node->n_input, type = sw__onnx_in_type(im, 0);
    struct term in[2], out;
    sw_node *x[2];
    for (int k = 0; k < n; k++) x[k] = sw__onnx_f32(im, k);
    if (n < 1 || sw__onnx_failed(im) || !read_equation(im, x, n, in, &out)) return;
    for (int k = 0; k < n; k++) x[k] = sum_alone(im, x[k], &in[k], n > 1 ? &in[1 - k] : NULL, &out);
    sw__onnx_emit(im, 0, type, n > 1 ? product(im, x, in, &out) : reorder(im, x[0], &in[0], &out));
}

const struct sw_onnx_operator sw__onnx_einsum_ops[] = {
    {"Einsum", 12, 0, 2, 1, 0, einsum, NULL, "equation"}, {0}};
