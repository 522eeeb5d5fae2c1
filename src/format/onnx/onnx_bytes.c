/* Quantised networks.  Their files say in floats what is meant in bytes:
 *
 *     x -> DequantizeLinear ->
 *     w -> DequantizeLinear -> Conv -> Relu -> QuantizeLinear -> y
 *
 * A value behind DequantizeLinear is not made; it is remembered as bytes with a scale and a zero point.  So is
 * what is only moved (MaxPool, Flatten ...).  A layer that reads such values (Conv, Gemm, Add, Concat, LRN ...),
 * and an activation behind it, is put off: QuantizeLinear at its end makes the whole, as one layer on bytes.
 * Whoever asks for numbers instead, another operator or an output of the model, gets them by the operator's
 * own handler (sw__onnx_settle); products alone then give f32 from bytes.  So a file needs no particular form, and what
 * is no known pattern is computed as the file says.
 *
 * Pictures of bytes are kept in the order N, H, W, C. */
#include "format/onnx/onnx_bytes.h"

#include <math.h>
#include <string.h>

/* ---- numbers of the file ------------------------------------------------------------------------ */

bool sw__onnx_one_scale(struct sw_onnx_import *im, const char *name, float *scale)
{
    const struct sw_onnx_import_value *v = sw__onnx_find(im, name);
    if (!v || !v->constant || v->host.n != 1 || v->type != SW_ONNX_FLOAT) return false;
    *scale = (float)sw__onnx_get_f(&v->host, 0);
    return *scale > 0 && isfinite(*scale);
}

bool sw__onnx_one_zero(struct sw_onnx_import *im, const Onnx__NodeProto *n, size_t i, int type,
                       int *zero)
{
    *zero = type == SW_ONNX_INT8 ? 128 : 0;
    if (i >= n->n_input || !*n->input[i]) return true;
    const struct sw_onnx_import_value *v = sw__onnx_find(im, n->input[i]);
    if (!v || !v->constant || v->host.n != 1 || v->type != type) return false;
    *zero += (int)sw__onnx_get_i(&v->host, 0);
    return true;
}

int sw__onnx_byte(double x, float scale, int zero)
{
    const double y = rint((double)((float)x / scale)) + zero;
    return y > 0 ? y < 255 ? (int)y : 255 : 0; /* NaN: 0 */
}

static bool is_bytes(int type)
{
    return type == SW_ONNX_UINT8 || type == SW_ONNX_INT8;
}

/* ---- orders of bytes ----------------------------------------------------------------------------- */

sw_node *sw__onnx_bytes_last(struct sw_onnx_import *im, const struct sw_onnx_bytes *b)
{
    if (b->last) return b->x;
    if (b->shape.rank == 4 && b->real) return sw_picture_u8(im->g, b->real, b->scale, b->zero);
    if (b->shape.rank == 4) return sw_transpose(im->g, b->x, (const int[]){0, 2, 3, 1}, 4);
    return sw__onnx_reshape(im, b->x, (sw_shape){4, {b->shape.dim[0], 1, 1, b->shape.dim[1]}});
}

/* In the order of the value. */
static sw_node *in_order(struct sw_onnx_import *im, const struct sw_onnx_bytes *b)
{
    if (!b->last) return b->x;
    const sw_shape s = sw_node_shape(b->x);
    sw_node *x = s.dim[1] * s.dim[2] == 1 ? b->x
                                          : sw_transpose(im->g, b->x, (const int[]){0, 3, 1, 2}, 4);
    return sw__onnx_reshape(im, x, b->shape);
}

const struct sw_onnx_bytes *sw__onnx_bytes_of(struct sw_onnx_import *im, int i)
{
    const struct sw_onnx_import_value *v = sw__onnx_has(im, i)
                                               ? sw__onnx_find(im, im->node->input[i])
                                               : NULL;
    return v && v->type == SW_ONNX_FLOAT ? v->bytes : NULL;
}

/* ---- numbers of what was put off ------------------------------------------------------------------ */

/* The numbers of bytes: floats, or what QuantizeLinear gives. */
static sw_node *numbers(struct sw_onnx_import *im, const struct sw_onnx_bytes *b, int type)
{
    sw_graph *g = im->g;
    const uint8_t zero = (uint8_t)(type == SW_ONNX_INT8 ? 128 : b->zero);
    sw_node *x = in_order(im, b);
    if (type == SW_ONNX_UINT8) return x;
    x = sw_dequantise(g, x, sw_scalar(g, type == SW_ONNX_INT8 ? 1.f : b->scale),
                      sw_const(g, SW_U8, (sw_shape){0}, &zero), 0);
    return type == SW_ONNX_INT8 ? sw_quantise(g, x, sw_scalar(g, 1), NULL, 0, SW_I8) : x;
}

void sw__onnx_settle(struct sw_onnx_import *im, struct sw_onnx_import_value *v)
{
    if (!v->later || sw__onnx_failed(im)) return;
    const struct sw_onnx_import here = *im;
    const int at = v->later - 1;
    v->later = 0;
    if (v->bytes) {
        v->node = numbers(im, v->bytes, v->type);
        if (!*sw_node_name(v->node)) sw_name(v->node, v->name);
        return;
    }
    im->at = at;
    im->node = im->m->nodes[at];
    im->op = sw__onnx_operator(im->node->op_type);
    im->settling = true;
    sw_node *y = sw__onnx_bytes_product(im);
    if (y)
        sw__onnx_emit_node(im, 0, SW_ONNX_FLOAT, y);
    else
        sw__onnx_make(im);
    im->settling = here.settling;
    if (sw__onnx_failed(im)) return; /* of this node, the text will say */
    im->at = here.at;
    im->node = here.node;
    im->op = here.op;
}

/* ---- nodes --------------------------------------------------------------------------------------- */

void sw__onnx_bytes_scaled(struct sw_onnx_import *im, const struct sw_onnx_bytes *from,
                           const struct sw_onnx_target *to, struct sw_onnx_bytes *out)
{
    uint8_t table[256];
    bool same = true;
    for (int i = 0; i < 256; i++) {
        const int y = sw__onnx_byte((double)((float)(i - from->zero) * from->scale), to->scale,
                                    to->zero);
        table[i] = (uint8_t)(y < to->low ? to->low : y > to->high ? to->high : y);
        same = same && table[i] == i;
    }
    *out = *from;
    if (same) return;
    out->x = sw_table_u8(im->g, from->x, table);
    out->real = NULL;
}

/* The bounds of a Relu or Clip, as bytes; false: something else. */
static bool bounds_of(struct sw_onnx_import *im, const Onnx__NodeProto *n,
                      struct sw_onnx_target *to)
{
    struct sw_onnx_import there = *im;
    there.node = n;
    double low = 0, high = INFINITY;
    if (strcmp(n->op_type, "Clip") == 0) {
        low = (double)sw__onnx_attr_f(&there, "min", -INFINITY);
        high = (double)sw__onnx_attr_f(&there, "max", INFINITY);
        for (int i = 1; i < 3; i++) {
            if (!sw__onnx_has(&there, i)) continue;
            const struct sw_onnx_import_value *v = sw__onnx_find(im, n->input[i]);
            if (!v || !v->constant || v->host.n != 1 || v->type != SW_ONNX_FLOAT) return false;
            *(i == 1 ? &low : &high) = sw__onnx_get_f(&v->host, 0);
        }
    } else if (strcmp(n->op_type, "Relu") != 0)
        return false;
    if (!(low <= high)) return false;
    to->low = sw__onnx_byte(low, to->scale, to->zero);
    to->high = sw__onnx_byte(high, to->scale, to->zero);
    return true;
}

static struct sw_onnx_bytes layer_of(struct sw_onnx_import *im, const Onnx__NodeProto *n,
                                     const struct sw_onnx_target *to)
{
    const struct sw_onnx_import here = *im;
    im->node = n;
    const struct sw_onnx_bytes y = sw__onnx_bytes_layer(im, to);
    im->node = here.node;
    return y;
}

/* The node that makes a value which is put off and not bytes, or NULL. */
static const Onnx__NodeProto *put_off(const struct sw_onnx_import *im,
                                      const struct sw_onnx_import_value *v)
{
    return v && v->later && !v->bytes ? im->m->nodes[v->later - 1] : NULL;
}

static bool quantise(struct sw_onnx_import *im)
{
    struct sw_onnx_import_value *v = sw__onnx_find(im, im->node->input[0]);
    const bool typed = sw__onnx_has(im, 2);
    const int type = typed ? sw__onnx_in_type(im, 2) : SW_ONNX_UINT8;
    struct sw_onnx_target to = {.low = 0, .high = 255};
    struct sw_onnx_bytes y = {0};
    if (!v || v->constant || v->type != SW_ONNX_FLOAT || !is_bytes(type) || im->node->n_input < 2 ||
        !sw__onnx_one_scale(im, im->node->input[1], &to.scale) ||
        !sw__onnx_one_zero(im, im->node, 2, type, &to.zero))
        return false;
    const Onnx__NodeProto *made = put_off(im, v);
    if (v->bytes) {
        sw__onnx_bytes_scaled(im, v->bytes, &to, &y);
    } else if (made) {
        if (bounds_of(im, made, &to)) {
            const struct sw_onnx_import_value *x = sw__onnx_find(im, made->input[0]);
            made = put_off(im, x);
            if (x->bytes) sw__onnx_bytes_scaled(im, x->bytes, &to, &y);
        }
        if (made) y = layer_of(im, made, &to);
    }
    if (sw__onnx_failed(im)) return true;
    if (!y.x) { /* floats */
        sw__onnx_settle(im, v);
        if (sw__onnx_failed(im)) return true;
        const uint8_t zero = (uint8_t)to.zero;
        y.x = sw_quantise(im->g, v->node, sw_scalar(im->g, to.scale),
                          sw_const(im->g, SW_U8, (sw_shape){0}, &zero), 0, SW_U8);
        y.shape = sw_node_shape(v->node);
        y.last = false;
        y.real = v->node;
    }
    y.scale = to.scale;
    y.zero = to.zero;
    sw__onnx_emit_later(im, 0, type, &y);
    return true;
}

static bool dequantise(struct sw_onnx_import *im)
{
    struct sw_onnx_import_value *v = sw__onnx_find(im, im->node->input[0]);
    const struct sw_onnx_import_value *scale = im->node->n_input > 1
                                                   ? sw__onnx_find(im, im->node->input[1])
                                                   : NULL;
    struct sw_onnx_bytes y = {0};
    if (!v || !scale || scale->type != SW_ONNX_FLOAT) return false;
    if (v->constant) { /* a weight or a bias: its reader looks at this node */
        if (v->host.n == 1) return false;
        sw__onnx_emit_later(im, 0, SW_ONNX_FLOAT, NULL);
        return true;
    }
    if (!is_bytes(v->type) || (!v->bytes && (v->type != SW_ONNX_UINT8 || !v->node))) return false;
    if (v->bytes)
        y = *v->bytes;
    else
        y = (struct sw_onnx_bytes){.x = v->node, .shape = sw_node_shape(v->node)};
    if (!sw__onnx_one_scale(im, im->node->input[1], &y.scale) ||
        !sw__onnx_one_zero(im, im->node, 2, v->type, &y.zero))
        return false;
    if (v->bytes && (y.scale != v->bytes->scale || y.zero != v->bytes->zero)) y.real = NULL;
    sw__onnx_emit_later(im, 0, SW_ONNX_FLOAT, &y);
    return true;
}

/* Layers that QuantizeLinear may make of bytes, if operands 0 .. operands-1 are (0: all). */
static const struct layer {
    const char *name;
    size_t operands;
} layers[] = {{"Conv", 1},
              {"Gemm", 1},
              {"MatMul", 1},
              {"Add", 2},
              {"Concat", 0},
              {"LRN", 1},
              {"GlobalAveragePool", 1},
              {"AveragePool", 1}};

static bool is_layer(struct sw_onnx_import *im)
{
    for (size_t i = 0; i < sizeof layers / sizeof *layers; i++) {
        if (strcmp(layers[i].name, im->node->op_type) != 0) continue;
        const size_t n = layers[i].operands ? layers[i].operands : im->node->n_input;
        bool all = n > 0 && n <= im->node->n_input;
        for (size_t k = 0; all && k < n; k++) all = sw__onnx_bytes_of(im, (int)k) != NULL;
        return all;
    }
    return false;
}

static bool is_one_of(const char *name, const char *const *list, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (strcmp(name, list[i]) == 0) return true;
    return false;
}

bool sw__onnx_quantised(struct sw_onnx_import *im)
{
    static const char *const moves[] = {"MaxPool", "Flatten", "Reshape", "Dropout", "Identity"};
    const char *name = im->node->op_type;
    if (im->settling || im->folding || im->node->n_input < 1) return false;
    if (strcmp(name, "QuantizeLinear") == 0) return quantise(im);
    if (strcmp(name, "DequantizeLinear") == 0) return dequantise(im);
    for (size_t o = 1; o < im->node->n_output; o++)
        if (sw__onnx_wants(im, (int)o)) return false;
    const struct sw_onnx_import_value *v = sw__onnx_find(im, im->node->input[0]);
    if (!v) return false;
    if (v->type == SW_ONNX_FLOAT && v->bytes &&
        is_one_of(name, moves, sizeof moves / sizeof *moves)) {
        const struct sw_onnx_target same = {v->bytes->scale, v->bytes->zero, 0, 255};
        const struct sw_onnx_bytes y = sw__onnx_bytes_layer(im, &same);
        if (y.x && !sw__onnx_failed(im)) sw__onnx_emit_later(im, 0, SW_ONNX_FLOAT, &y);
        return y.x || sw__onnx_failed(im);
    }
    const bool activation = strcmp(name, "Relu") == 0 || strcmp(name, "Clip") == 0;
    const Onnx__NodeProto *made = put_off(im, v);
    if (activation) { /* behind a layer, or bytes themselves */
        struct sw_onnx_target any = {1, 0, 0, 255};
        const bool behind = made && strcmp(made->op_type, "Relu") != 0 &&
                            strcmp(made->op_type, "Clip") != 0 &&
                            strcmp(made->op_type, "DequantizeLinear") != 0;
        if (!(behind || (v->type == SW_ONNX_FLOAT && v->bytes)) || !bounds_of(im, im->node, &any))
            return false;
    } else if (!is_layer(im))
        return false;
    sw__onnx_emit_later(im, 0, SW_ONNX_FLOAT, NULL);
    return true;
}
