/* What handlers ask for: operands as nodes or as numbers, attributes, and results given back. */
#include <limits.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "format/onnx/onnx_import.h"

/* ---- operands as nodes -------------------------------------------------------------------------- */

int sw__onnx_in_type(struct sw_onnx_import *im, int i)
{
    return sw__onnx_value(im, i)->type;
}

sw_shape sw__onnx_in_shape(struct sw_onnx_import *im, int i)
{
    const struct sw_onnx_import_value *v = sw__onnx_value(im, i);
    return v->constant ? v->host.shape : v->node ? sw_node_shape(v->node) : (sw_shape){0};
}

static sw_node *poisoned(struct sw_onnx_import *im)
{
    return sw__onnx_refuse(im, SW_ERR_STATE, "no value"); /* the first failure stays */
}

sw_node *sw__onnx_in(struct sw_onnx_import *im, int i)
{
    struct sw_onnx_import_value *v = sw__onnx_value(im, i);
    if (sw__onnx_failed(im)) return poisoned(im);
    return v->constant ? sw__onnx_constant_node(im, v) : v->node;
}

sw_node *sw__onnx_f32(struct sw_onnx_import *im, int i)
{
    struct sw_onnx_import_value *v = sw__onnx_value(im, i);
    if (sw__onnx_failed(im)) return poisoned(im);
    const struct sw_onnx_type_info *type = sw__onnx_type(v->type);
    if (type->dtype == SW_I32 || type->dtype == SW_DTYPE_COUNT)
        return sw__onnx_refuse(im, SW_ERR_UNSUPPORTED,
                               "operand %d is %s, where plans compute in f32", i, type->name);
    if (v->constant) return sw__onnx_constant_f32(im, v);
    return type->dtype == SW_F32 ? v->node : sw_cast(im->g, v->node, SW_F32);
}

sw_node *sw__onnx_number(struct sw_onnx_import *im, int i)
{
    if (sw__onnx_is_float(sw__onnx_in_type(im, i))) return sw__onnx_f32(im, i);
    sw_node *x = sw__onnx_in(im, i);
    return sw_node_dtype(x) == SW_I32 ? x : sw_cast(im->g, x, SW_I32);
}

/* ---- operands as numbers ------------------------------------------------------------------------ */

const struct sw_onnx_tensor *sw__onnx_constant(struct sw_onnx_import *im, int i)
{
    char text[SW_ONNX_TEXT];
    const struct sw_onnx_import_value *v = sw__onnx_value(im, i);
    if (sw__onnx_failed(im)) return NULL;
    if (v->constant) return &v->host;
    if (v->root >= 0) im->m->wanted = v->root;
    sw__onnx_refuse(
        im, SW_ERR_UNSUPPORTED, "the value of '%s' must be known before the model runs: %s",
        sw__onnx_text(v->name, text), v->input >= 0 ? "fix this input" : "it depends on inputs");
    return NULL;
}

int sw__onnx_integers(struct sw_onnx_import *im, int i, int64_t *out, int most)
{
    const struct sw_onnx_tensor *t = sw__onnx_constant(im, i);
    if (!t) return -1;
    if (sw__onnx_is_float(t->type) || t->n > most || t->shape.rank > 1) {
        sw__onnx_refuse(im, SW_ERR_UNSUPPORTED, "operand %d: %lld numbers of %s", i,
                        (long long)t->n, sw__onnx_type(t->type)->name);
        return -1;
    }
    for (int64_t k = 0; k < t->n; k++) out[k] = sw__onnx_get_i(t, k);
    return (int)t->n;
}

double sw__onnx_scalar(struct sw_onnx_import *im, int i, double missing)
{
    if (!sw__onnx_has(im, i)) return missing;
    const struct sw_onnx_tensor *t = sw__onnx_constant(im, i);
    if (t && t->n != 1)
        sw__onnx_refuse(im, SW_ERR_FORMAT, "operand %d has %lld numbers, not one", i,
                        (long long)t->n);
    return t && t->n == 1 ? sw__onnx_get_f(t, 0) : missing;
}

/* ---- attributes --------------------------------------------------------------------------------- */

const Onnx__AttributeProto *sw__onnx_attribute(const struct sw_onnx_import *im, const char *name)
{
    for (size_t i = 0; i < im->node->n_attribute; i++) {
        const Onnx__AttributeProto *a = im->node->attribute[i];
        if (a->name && strcmp(a->name, name) == 0) return a;
    }
    return NULL;
}

static void wrong_attribute(struct sw_onnx_import *im, const char *name, const char *what)
{
    sw__onnx_refuse(im, SW_ERR_FORMAT, "attribute '%s': %s", name, what);
}

/* Writers leave a zero out, so only the type says what is there; old files do not even have that. */
static const Onnx__AttributeProto *typed(struct sw_onnx_import *im, const char *name, int type,
                                         const char *what)
{
    const Onnx__AttributeProto *a = sw__onnx_attribute(im, name);
    if (!a || !a->has_type || a->type == type || !a->type) return a;
    wrong_attribute(im, name, what);
    return NULL;
}

int64_t sw__onnx_attr_i(struct sw_onnx_import *im, const char *name, int64_t missing)
{
    const Onnx__AttributeProto *a = typed(im, name, 2, "not an integer");
    return a ? a->i : missing;
}

float sw__onnx_attr_f(struct sw_onnx_import *im, const char *name, float missing)
{
    const Onnx__AttributeProto *a = typed(im, name, 1, "not a number");
    return a ? a->f : missing;
}

bool sw__onnx_attr_is(struct sw_onnx_import *im, const char *name, const char *missing,
                      const char *text)
{
    const Onnx__AttributeProto *a = typed(im, name, 3, "not a text");
    if (!a) return strcmp(missing, text) == 0;
    return a->s.len == strlen(text) && memcmp(a->s.data, text, a->s.len) == 0;
}

int sw__onnx_attr_ints(struct sw_onnx_import *im, const char *name, int64_t *out, int most)
{
    const Onnx__AttributeProto *a = typed(im, name, 7, "not a list of integers");
    if (!a) return -1;
    if (a->n_ints > (size_t)most) {
        wrong_attribute(im, name, "too many numbers");
        return -1;
    }
    for (size_t i = 0; i < a->n_ints; i++) out[i] = a->ints[i];
    return (int)a->n_ints;
}

int sw__onnx_int(struct sw_onnx_import *im, int64_t value, const char *what)
{
    if (value >= -INT_MAX && value <= INT_MAX) return (int)value;
    sw__onnx_refuse(im, SW_ERR_FORMAT, "%s of %lld", what, (long long)value);
    return 0;
}

int sw__onnx_axis(struct sw_onnx_import *im, int64_t axis, int rank)
{
    if (axis >= -rank && axis < rank) return (int)(axis < 0 ? axis + rank : axis);
    sw__onnx_refuse(im, SW_ERR_FORMAT, "axis %lld of %d dimensions", (long long)axis, rank);
    return 0;
}

/* ---- results ------------------------------------------------------------------------------------ */

void sw__onnx_emit(struct sw_onnx_import *im, int o, int type, sw_node *x)
{
    sw_dtype to = sw__onnx_type(type)->dtype, from = sw_node_dtype(x);
    if (to == SW_DTYPE_COUNT) {
        sw__onnx_refuse(im, SW_ERR_UNSUPPORTED, "a result of %s", sw__onnx_type(type)->name);
        return;
    }
    if (type == SW_ONNX_BOOL && from == SW_I32)
        x = sw_not_equal(im->g, x, sw__onnx_i32(im->g, 0));
    else if (from != to)
        x = sw_cast(im->g, x, to);
    sw__onnx_emit_node(im, o, type, x);
}

/* x modulo 2^bits, with the lowest value `low`. */
static sw_node *wrap(sw_graph *g, sw_node *x, int32_t size, int32_t low)
{
    sw_node *n = sw__onnx_i32(g, size), *zero = sw__onnx_i32(g, 0);
    x = sw_sub(g, x, sw__onnx_i32(g, low));
    x = sw_sub(g, x, sw_mul(g, sw_div(g, x, n), n)); /* the remainder has x's sign */
    x = sw_add(g, x, sw_where(g, sw_less(g, x, zero), n, zero));
    return sw_add(g, x, sw__onnx_i32(g, low));
}

void sw__onnx_emit_wrapped(struct sw_onnx_import *im, int o, int type, sw_node *x)
{
    if (type == SW_ONNX_UINT8) x = wrap(im->g, x, 256, 0);
    if (type == SW_ONNX_INT8) x = wrap(im->g, x, 256, -128);
    if (type == SW_ONNX_UINT16) x = wrap(im->g, x, 65536, 0);
    if (type == SW_ONNX_INT16) x = wrap(im->g, x, 65536, -32768);
    sw__onnx_emit(im, o, type, x);
}

/* ---- pieces ------------------------------------------------------------------------------------- */

sw_node *sw__onnx_i32(sw_graph *g, int32_t value)
{
    return sw_const(g, SW_I32, (sw_shape){0}, &value);
}

sw_node *sw__onnx_shift(sw_graph *g, sw_node *x, float by)
{
    return sw_add(g, x, sw_scalar(g, by));
}

sw_node *sw__onnx_not(sw_graph *g, sw_node *u8)
{
    sw_node *x = sw_cast(g, u8, SW_I32);
    return sw_equal(g, x, sw__onnx_i32(g, 0));
}

/* By a cast to i32 and back, which rounds to even; from 2^23 on all numbers are whole, NaN stays. */
sw_node *sw__onnx_round(sw_graph *g, sw_node *x)
{
    sw_node *whole = sw_cast(g, sw_cast(g, x, SW_I32), SW_F32);
    return sw_where(g, sw_less(g, sw_abs(g, x), sw_scalar(g, 8388608)), whole, x);
}

sw_node *sw__onnx_floor(sw_graph *g, sw_node *x)
{
    sw_node *near = sw__onnx_round(g, x);
    return sw_sub(g, near, sw_cast(g, sw_greater(g, near, x), SW_F32));
}

sw_node *sw__onnx_reshape(struct sw_onnx_import *im, sw_node *x, sw_shape shape)
{
    sw_shape from = sw_node_shape(x);
    bool open = false;
    for (int i = 0; i < shape.rank; i++) open |= shape.dim[i] < 0;
    if (!open && im->batch_open && !im->folding && from.rank && from.dim[0] == im->batch &&
        shape.rank && shape.dim[0] == im->batch)
        shape.dim[0] = -1;
    return sw_reshape(im->g, x, shape);
}
