/* The layers of quantised networks, from ONNX's operators to those on bytes.  What differs from the pattern
 * gives none, and the operator's own handler computes it in floats. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "base/memory.h"
#include "base/size.h"
#include "format/onnx/onnx_bytes.h"
#include "format/onnx/onnx_window.h"

typedef const struct sw_onnx_import_value value;
static const struct sw_onnx_bytes none;

/* ---- weights and biases --------------------------------------------------------------------------- */

/* Constants behind DequantizeLinear: numbers of one type, a scale for each index of an axis or one for all. */
struct constants {
    value *q, *scale;
    int axis;
};

static bool constants_of(struct sw_onnx_import *im, size_t i, int type, struct constants *out)
{
    value *v = i < im->node->n_input ? sw__onnx_find(im, im->node->input[i]) : NULL;
    const Onnx__NodeProto *n = v && v->made_by >= 0 ? im->m->nodes[v->made_by] : NULL;
    if (!n || strcmp(n->op_type, "DequantizeLinear") != 0 || n->n_input < 2) return false;
    struct sw_onnx_import there = *im;
    there.node = n;
    *out = (struct constants){sw__onnx_find(im, n->input[0]), sw__onnx_find(im, n->input[1]), 0};
    if (!out->q || !out->q->constant || out->q->type != type || !out->scale ||
        !out->scale->constant || out->scale->type != SW_ONNX_FLOAT)
        return false;
    value *zero = n->n_input > 2 ? sw__onnx_find(im, n->input[2]) : NULL;
    if (zero && (!zero->constant || zero->type != type)) return false;
    for (int64_t k = 0; zero && k < zero->host.n; k++)
        if (sw__onnx_get_i(&zero->host, k)) return false;
    const int64_t axis = sw__onnx_attr_i(&there, "axis", 1), rank = out->q->host.shape.rank;
    out->axis = (int)(rank == 1 ? 0 : axis < 0 ? axis + rank : axis);
    return true;
}

static double scale_at(const struct constants *c, int64_t i)
{
    return sw__onnx_get_f(&c->scale->host, c->scale->host.n == 1 ? 0 : i);
}

/* ---- products ------------------------------------------------------------------------------------- */

struct product {
    const struct sw_onnx_bytes *x;
    struct constants w;
    sw_conv_options o;
    sw_shape shape;  /* of the weight: (O,C/groups,KH,KW) */
    bool transposed; /* it stands in the file as (K,O) */
    bool linear;
    float *scale; /* of a sum */
    int32_t *bias;
};

static bool conv_of(struct sw_onnx_import *im, struct product *p)
{
    struct sw_onnx_window w;
    const sw_shape *xs = &p->x->shape, *ws = &p->w.q->host.shape;
    const int64_t groups = sw__onnx_attr_i(im, "group", 1);
    if (xs->rank != 4 || ws->rank != 4 || p->w.axis != 0 || groups < 1 || ws->dim[0] % groups ||
        xs->dim[1] != ws->dim[1] * groups ||
        (groups > 1 && ws->dim[0] == groups && ws->dim[1] == 1) || !sw__onnx_window(im, xs, ws, &w))
        return false;
    p->o = (sw_conv_options){.stride = {w.stride[0], w.stride[1]},
                             .dilation = {w.dilation[0], w.dilation[1]},
                             .pad = {w.before[0], w.before[1], w.after[0], w.after[1]},
                             .groups = (int)groups};
    p->shape = *ws;
    return true;
}

/* A row of x by a matrix: a convolution of the whole picture that it is a reshaping of. */
static bool linear_of(struct sw_onnx_import *im, struct product *p)
{
    const sw_shape *xs = &p->x->shape, *ws = &p->w.q->host.shape;
    const bool gemm = strcmp(im->node->op_type, "Gemm") == 0;
    p->linear = true;
    p->transposed = !gemm || !sw__onnx_attr_i(im, "transB", 0);
    if (xs->rank != 2 || ws->rank != 2 || (p->w.scale->host.n > 1 && p->w.axis != p->transposed))
        return false;
    if (gemm && (sw__onnx_attr_i(im, "transA", 0) || sw__onnx_attr_f(im, "alpha", 1) != 1 ||
                 sw__onnx_attr_f(im, "beta", 1) != 1))
        return false;
    const int64_t k = ws->dim[p->transposed ? 0 : 1], o = ws->dim[p->transposed ? 1 : 0];
    sw_shape picture = p->x->last ? sw_node_shape(p->x->x) : (sw_shape){4, {0, 1, 1, k}};
    p->shape = (sw_shape){4, {o, picture.dim[3], picture.dim[1], picture.dim[2]}};
    return xs->dim[1] == k;
}

/* Scales of sums, biases in their unit; false: one leaves no room for the sum. */
static bool fill_vectors(struct sw_onnx_import *im, struct product *p)
{
    struct constants b;
    const int64_t o = p->shape.dim[0];
    const double most = 255. * 128 * (double)(p->shape.dim[1] * p->shape.dim[2] * p->shape.dim[3]);
    const bool has = sw__onnx_has(im, 2), i32 = has && constants_of(im, 2, SW_ONNX_INT32, &b);
    value *f = has ? sw__onnx_find(im, im->node->input[2]) : NULL;
    if (p->w.scale->host.n != 1 && p->w.scale->host.n != o) return false;
    if (i32 && (b.q->host.n != o || (b.scale->host.n != 1 && b.scale->host.n != o))) return false;
    if (has && !i32 && (!f || !f->constant || f->type != SW_ONNX_FLOAT || f->host.n != o))
        return false;
    p->scale = sw__calloc2((size_t)o, sizeof *p->scale);
    p->bias = sw__calloc2((size_t)o, sizeof *p->bias);
    if (!p->scale || !p->bias) sw__onnx_refuse(im, SW_ERR_MEMORY, "out of memory");
    for (int64_t j = 0; p->scale && p->bias && j < o; j++) {
        p->scale[j] = p->x->scale * (float)scale_at(&p->w, j);
        if (!has) continue;
        const double unit = (double)p->x->scale * scale_at(&p->w, j);
        const double real = i32 ? (double)sw__onnx_get_i(&b.q->host, j) * scale_at(&b, j)
                                : sw__onnx_get_f(&f->host, j);
        const double n = rint(real / unit);
        if (!(fabs(n) + most < 2147483647.)) return false;
        p->bias[j] = (int32_t)n;
    }
    return p->scale && p->bias;
}

static bool product_of(struct sw_onnx_import *im, struct product *p)
{
    const char *name = im->node->op_type;
    const bool conv = strcmp(name, "Conv") == 0;
    if (!conv && strcmp(name, "Gemm") != 0 && strcmp(name, "MatMul") != 0) return false;
    *p = (struct product){.x = sw__onnx_bytes_of(im, 0)};
    if (!p->x || !constants_of(im, 1, SW_ONNX_INT8, &p->w)) return false;
    if (!(conv ? conv_of(im, p) : linear_of(im, p))) return false;
    for (int i = 0; i < 4; i++)
        if (p->shape.dim[i] < 1) return false;
    const int64_t k = p->shape.dim[1] * p->shape.dim[2];
    return k <= 65536 && k * p->shape.dim[3] <= 65536 && fill_vectors(im, p);
}

static void free_product(struct product *p)
{
    free(p->scale);
    free(p->bias);
}

/* The weight as (O,C,KH,KW): where it stands so in the file, under its name there. */
static sw_node *weight_of(struct sw_onnx_import *im, const struct product *p)
{
    char name[512];
    const struct sw_onnx_tensor *t = &p->w.q->host;
    if (!p->linear) return sw__onnx_constant_node(im, sw__onnx_find(im, p->w.q->name));
    snprintf(name, sizeof name, "%.480s.%s", im->node->output[0], "int8");
    if (!p->transposed) return sw__onnx_weight(im, name, SW_I8, p->shape, t->data);
    const int64_t o = p->shape.dim[0], k = t->n / o;
    int8_t *data = sw__onnx_constant_alloc(im, SW_ONNX_INT8, t->n);
    for (int64_t i = 0; data && i < o; i++)
        for (int64_t j = 0; j < k; j++) data[i * k + j] = ((const int8_t *)t->data)[j * o + i];
    return data ? sw__onnx_weight(im, name, SW_I8, p->shape, data) : NULL;
}

static sw_node *build_product(struct sw_onnx_import *im, const struct product *p,
                              const struct sw_onnx_target *to)
{
    const sw_shape vector = {1, {p->shape.dim[0]}};
    sw_conv_u8_options o = {.conv = p->o, .x_zero = p->x->zero, .f32 = !to};
    if (to) {
        o.y_zero = to->zero;
        o.low = to->low;
        o.high = to->high;
        for (int64_t j = 0; j < vector.dim[0]; j++) p->scale[j] /= to->scale;
    }
    sw_node *w = weight_of(im, p);
    if (sw__onnx_failed(im)) return NULL;
    return sw_conv2d_u8(im->g, sw__onnx_bytes_last(im, p->x), w,
                        sw_const(im->g, SW_F32, vector, p->scale),
                        sw_const(im->g, SW_I32, vector, p->bias), o);
}

/* (N,H,W,C) to the shape of the operator's result. */
static sw_shape result_shape(const struct product *p, sw_node *y)
{
    const sw_shape s = sw_node_shape(y);
    if (p->linear) return (sw_shape){2, {s.dim[0], s.dim[3]}};
    return (sw_shape){4, {s.dim[0], s.dim[3], s.dim[1], s.dim[2]}};
}

static struct sw_onnx_bytes product(struct sw_onnx_import *im, const struct sw_onnx_target *to)
{
    struct product p = {0};
    struct sw_onnx_bytes y = none;
    if (product_of(im, &p)) {
        y.x = build_product(im, &p, to);
        y.last = true;
        if (!sw__onnx_failed(im)) y.shape = result_shape(&p, y.x);
    }
    free_product(&p);
    return y;
}

sw_node *sw__onnx_bytes_product(struct sw_onnx_import *im)
{
    struct product p = {0};
    sw_node *y = NULL;
    if (product_of(im, &p)) y = build_product(im, &p, NULL);
    if (y && !sw__onnx_failed(im)) {
        const sw_shape shape = result_shape(&p, y);
        y = p.linear ? sw__onnx_reshape(im, y, shape)
                     : sw_transpose(im->g, y, (const int[]){0, 3, 1, 2}, 4);
    }
    free_product(&p);
    return y;
}

/* ---- sums, concatenation, normalisation ------------------------------------------------------------ */

static struct sw_onnx_bytes add(struct sw_onnx_import *im, const struct sw_onnx_target *to)
{
    const struct sw_onnx_bytes *a = sw__onnx_bytes_of(im, 0), *b = sw__onnx_bytes_of(im, 1);
    if (!a || !b || !sw_shape_equal(&a->shape, &b->shape)) return none;
    const sw_shape as = sw_node_shape(a->x), bs = sw_node_shape(b->x);
    const bool alike = a->last == b->last && sw_shape_equal(&as, &bs);
    if (!alike && a->shape.rank != 4) return none;
    struct sw_onnx_bytes y = {.last = !alike || a->last, .shape = a->shape};
    y.x = sw_add_u8(im->g, alike ? a->x : sw__onnx_bytes_last(im, a),
                    alike ? b->x : sw__onnx_bytes_last(im, b),
                    (sw_add_u8_options){.a_scale = a->scale / to->scale,
                                        .b_scale = b->scale / to->scale,
                                        .a_zero = a->zero,
                                        .b_zero = b->zero,
                                        .y_zero = to->zero,
                                        .low = to->low,
                                        .high = to->high});
    return y;
}

static struct sw_onnx_bytes concat(struct sw_onnx_import *im, const struct sw_onnx_target *to)
{
    const size_t n = im->node->n_input;
    const struct sw_onnx_bytes *first = sw__onnx_bytes_of(im, 0);
    sw_node *parts[SW_MAX_CONCAT];
    if (!first || n > SW_MAX_CONCAT) return none;
    int64_t axis = sw__onnx_attr_i(im, "axis", 1);
    const int rank = first->shape.rank;
    if (axis < 0) axis += rank;
    if ((rank != 4 && rank != 2) || axis != 1) return none;
    struct sw_onnx_bytes y = {.last = true, .shape = first->shape};
    y.shape.dim[1] = 0;
    for (size_t i = 0; i < n; i++) {
        const struct sw_onnx_bytes *b = sw__onnx_bytes_of(im, (int)i);
        if (!b || b->shape.rank != rank) return none;
        const sw_shape s = sw_node_shape(b->x);
        if (rank == 2 && b->last && s.dim[1] * s.dim[2] != 1) return none;
        struct sw_onnx_bytes scaled;
        sw__onnx_bytes_scaled(im, b, to, &scaled);
        parts[i] = sw__onnx_bytes_last(im, &scaled);
        y.shape.dim[1] += b->shape.dim[1];
    }
    y.x = sw_concat(im->g, parts, (int)n, 3);
    return y;
}

static struct sw_onnx_bytes lrn(struct sw_onnx_import *im, const struct sw_onnx_target *to)
{
    const struct sw_onnx_bytes *x = sw__onnx_bytes_of(im, 0);
    const int64_t size = sw__onnx_attr_i(im, "size", 0);
    if (!x || x->shape.rank != 4 || size < 1 || size > 1 << 20) return none;
    const sw_lrn_options o = {.size = (int)size,
                              .k = sw__onnx_attr_f(im, "bias", 1),
                              .alpha = sw__onnx_attr_f(im, "alpha", 1e-4f) / (float)size,
                              .beta = sw__onnx_attr_f(im, "beta", 0.75f)};
    struct sw_onnx_bytes y = {.last = true, .shape = x->shape};
    y.x = sw_lrn_u8(im->g, sw__onnx_bytes_last(im, x), x->zero, x->scale, to->zero, to->scale, o);
    return y;
}

/* ---- pools ---------------------------------------------------------------------------------------- */

static bool pool_options(struct sw_onnx_import *im, const struct sw_onnx_bytes *x,
                         sw_pool_options *o)
{
    struct sw_onnx_window w;
    if (strcmp(im->node->op_type, "GlobalAveragePool") == 0) {
        *o = (sw_pool_options){.kernel = {(int)x->shape.dim[2], (int)x->shape.dim[3]}};
        return x->shape.dim[2] <= 2048 && x->shape.dim[3] <= 2048;
    }
    if (!sw__onnx_window(im, &x->shape, NULL, &w) || w.dilation[0] > 1 || w.dilation[1] > 1)
        return false;
    *o = (sw_pool_options){.kernel = {w.kernel[0], w.kernel[1]},
                           .stride = {w.stride[0], w.stride[1]},
                           .pad = {w.before[0], w.before[1], w.after[0], w.after[1]},
                           .ceil_mode = sw__onnx_attr_i(im, "ceil_mode", 0) != 0,
                           .count_pad = sw__onnx_attr_i(im, "count_include_pad", 0) != 0};
    return true;
}

static struct sw_onnx_bytes pool(struct sw_onnx_import *im, const struct sw_onnx_target *to)
{
    const struct sw_onnx_bytes *x = sw__onnx_bytes_of(im, 0);
    sw_pool_options o;
    if (!x || x->shape.rank != 4 || !pool_options(im, x, &o)) return none;
    struct sw_onnx_bytes y = *x;
    y.last = true;
    y.real = NULL;
    y.x = sw__onnx_bytes_last(im, x);
    if (strcmp(im->node->op_type, "MaxPool") == 0)
        y.x = sw_max_pool2d_u8(im->g, y.x, o);
    else
        y.x = sw_avg_pool2d_u8(im->g, y.x, x->zero, x->scale / to->scale, to->zero, o);
    if (sw__onnx_failed(im)) return y;
    const sw_shape s = sw_node_shape(y.x);
    y.shape = (sw_shape){4, {s.dim[0], s.dim[3], s.dim[1], s.dim[2]}};
    return y;
}

/* ---- what only moves bytes -------------------------------------------------------------------------- */

/* Whether a Reshape makes rows of a batch: (N,K), (0,-1), (-1,K), (0,K), (N,-1). */
static bool makes_rows(struct sw_onnx_import *im, const sw_shape *from, int64_t each)
{
    value *v = im->node->n_input > 1 ? sw__onnx_find(im, im->node->input[1]) : NULL;
    if (!v || !v->constant || v->host.n != 2 || sw__onnx_attr_i(im, "allowzero", 0)) return false;
    const int64_t n = sw__onnx_get_i(&v->host, 0), k = sw__onnx_get_i(&v->host, 1);
    if (n == -1) return k == each;
    return (k == each || k == -1) && (n == 0 || n == from->dim[0] || n == im->literal);
}

static struct sw_onnx_bytes rows(struct sw_onnx_import *im)
{
    struct sw_onnx_bytes y = *sw__onnx_bytes_of(im, 0);
    y.real = NULL;
    if (y.shape.rank < 2) return none;
    int64_t each = 1;
    for (int i = 1; i < y.shape.rank; i++) each *= y.shape.dim[i];
    if (strcmp(im->node->op_type, "Flatten") == 0) {
        const int64_t axis = sw__onnx_attr_i(im, "axis", 1);
        if (axis != 1 && axis != 1 - y.shape.rank) return none;
    } else if (!makes_rows(im, &y.shape, each))
        return none;
    y.shape = (sw_shape){2, {y.shape.dim[0], each}};
    if (!y.last) y.x = sw__onnx_reshape(im, y.x, y.shape);
    return y;
}

/* ---- all ------------------------------------------------------------------------------------------ */

struct sw_onnx_bytes sw__onnx_bytes_layer(struct sw_onnx_import *im,
                                          const struct sw_onnx_target *to)
{
    const char *name = im->node->op_type;
    const bool bounded = to->low != 0 || to->high != 255;
    if (strcmp(name, "Conv") == 0 || strcmp(name, "Gemm") == 0 || strcmp(name, "MatMul") == 0)
        return product(im, to);
    if (strcmp(name, "Add") == 0) return add(im, to);
    if (strcmp(name, "Concat") == 0) return concat(im, to);
    if (bounded || !sw__onnx_bytes_of(im, 0)) return none;
    if (strcmp(name, "LRN") == 0) return lrn(im, to);
    if (strstr(name, "Pool")) return pool(im, to);
    if (strcmp(name, "Flatten") == 0 || strcmp(name, "Reshape") == 0) return rows(im);
    const bool same = strcmp(name, "Identity") == 0 ||
                      (strcmp(name, "Dropout") == 0 && !sw__onnx_has(im, 2));
    return same ? *sw__onnx_bytes_of(im, 0) : none;
}
