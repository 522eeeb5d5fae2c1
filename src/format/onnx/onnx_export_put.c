/* What exporters of ops put into the model: nodes with attributes, constants, weights.
 *
 * Messages lie in the export's arena; the numbers of weights stay where they are until they are written. */
#include <float.h>
#include <math.h>
#include <string.h>

#include "base/check.h"
#include "base/size.h"
#include "format/onnx/onnx_export.h"
#include "graph/weights_int.h"

#define MOST_ATTRIBUTES 8
#define MOST_OPERANDS   SW_MAX_INPUTS
#define MOST_RESULTS    SW_MAX_OUTPUTS

int sw__onnx_type_of(sw_dtype dtype)
{
    switch (dtype) {
    case SW_F32: return SW_ONNX_FLOAT;
    case SW_F16: return SW_ONNX_FLOAT16;
    case SW_BF16: return SW_ONNX_BFLOAT16;
    case SW_I32: return SW_ONNX_INT32;
    case SW_I8: return SW_ONNX_INT8;
    case SW_U8: return SW_ONNX_UINT8;
    default: return SW_ONNX_NONE;
    }
}

/* ---- values of the op at hand ----------------------------------------------------------------------- */

const sw_node *sw__onnx_operand(const struct sw_onnx_export *ex, int i)
{
    return i < ex->op->n_in ? ex->op->in[i] : NULL;
}

static struct sw_onnx_export_value *operand_value(const struct sw_onnx_export *ex, int i)
{
    const sw_node *x = sw__onnx_operand(ex, i);
    return x ? &ex->values[x->id] : NULL;
}

char *sw__onnx_arg(struct sw_onnx_export *ex, int i)
{
    const struct sw_onnx_export_value *v = operand_value(ex, i);
    return v ? v->name : ex->spare_name;
}

int sw__onnx_arg_type(const struct sw_onnx_export *ex, int i)
{
    const struct sw_onnx_export_value *v = operand_value(ex, i);
    return v ? v->type : SW_ONNX_NONE;
}

char *sw__onnx_arg_as(struct sw_onnx_export *ex, int i, int type)
{
    char *name = sw__onnx_arg(ex, i);
    return !*name || sw__onnx_arg_type(ex, i) == type ? name : sw__onnx_put_cast(ex, name, type);
}

char *sw__onnx_result_as(struct sw_onnx_export *ex, int o, int type)
{
    struct sw_onnx_export_value *v = &ex->values[ex->op->out[o]->id];
    v->type = type;
    return v->made ? v->made : ex->spare_name; /* nobody reads it */
}

char *sw__onnx_result(struct sw_onnx_export *ex, int o)
{
    return sw__onnx_result_as(ex, o, sw__onnx_type_of(ex->op->out[o]->dtype));
}

void sw__onnx_alias(struct sw_onnx_export *ex, int o, int i)
{
    struct sw_onnx_export_value *v = &ex->values[ex->op->out[o]->id];
    const struct sw_onnx_export_value *from = operand_value(ex, i);
    bool output = v->name != v->made;
    for (int k = 0; k < ex->o->n_outputs; k++) output |= ex->o->outputs[k] == ex->op->out[o];
    if (output)
        sw__onnx_put(ex, "Identity", 1, (char *[]){from->name},
                     sw__onnx_result_as(ex, o, from->type));
    else
        v->name = v->made = from->name;
    v->type = from->type;
}

/* ---- nodes ------------------------------------------------------------------------------------------ */

Onnx__NodeProto *sw__onnx_put(struct sw_onnx_export *ex, const char *type, int n, char *const *in,
                              char *out)
{
    Onnx__NodeProto *node = sw__onnx_put_alloc(ex, sizeof *node);
    char **names = sw__onnx_put_alloc(ex, (MOST_OPERANDS + MOST_RESULTS) * sizeof *names);
    void *attributes = sw__onnx_put_alloc(ex, MOST_ATTRIBUTES * sizeof(Onnx__AttributeProto *));
    bool room = names && attributes && n <= MOST_OPERANDS &&
                sw__grow(&ex->nodes, &ex->nodes_capacity, ex->n_nodes + 1, sizeof *ex->nodes);
    if (!room) {
        sw__onnx_put_fail(ex, SW_ERR_MEMORY, "out of memory");
        return &ex->spare_node;
    }
    onnx__node_proto__init(node);
    node->op_type = (char *)type;
    node->name = out; /* unique, as ONNX asks for */
    node->input = names;
    node->output = names + MOST_OPERANDS;
    node->attribute = attributes;
    for (int i = 0; i < n; i++) node->input[i] = in[i];
    while (n && !*in[n - 1]) n--; /* absent operands at the end are left out */
    node->n_input = (size_t)n;
    node->output[node->n_output++] = out;
    ex->nodes[ex->n_nodes++] = node;
    return node;
}

void sw__onnx_put_result(struct sw_onnx_export *ex, Onnx__NodeProto *node, char *out)
{
    if (ex->status == SW_OK && node->n_output < MOST_RESULTS) node->output[node->n_output++] = out;
}

/* NULL after a failure. */
static Onnx__AttributeProto *attribute(struct sw_onnx_export *ex, Onnx__NodeProto *node,
                                       const char *name, int type)
{
    Onnx__AttributeProto *a = sw__onnx_put_alloc(ex, sizeof *a);
    if (!a || SW_NEVER(node->n_attribute >= MOST_ATTRIBUTES)) return NULL;
    onnx__attribute_proto__init(a);
    a->name = (char *)name;
    a->has_type = true;
    a->type = type;
    node->attribute[node->n_attribute++] = a;
    return a;
}

void sw__onnx_set_f(struct sw_onnx_export *ex, Onnx__NodeProto *node, const char *name, float value)
{
    Onnx__AttributeProto *a = attribute(ex, node, name, 1);
    if (!a) return;
    a->has_f = true;
    a->f = value;
}

void sw__onnx_set_i(struct sw_onnx_export *ex, Onnx__NodeProto *node, const char *name,
                    int64_t value)
{
    Onnx__AttributeProto *a = attribute(ex, node, name, 2);
    if (!a) return;
    a->has_i = true;
    a->i = value;
}

void sw__onnx_set_s(struct sw_onnx_export *ex, Onnx__NodeProto *node, const char *name,
                    const char *value)
{
    Onnx__AttributeProto *a = attribute(ex, node, name, 3);
    if (!a) return;
    a->has_s = true;
    a->s.data = (uint8_t *)value;
    a->s.len = strlen(value);
}

void sw__onnx_set_ints(struct sw_onnx_export *ex, Onnx__NodeProto *node, const char *name, int n,
                       const int64_t *values)
{
    Onnx__AttributeProto *a = attribute(ex, node, name, 7);
    int64_t *copy = sw__onnx_put_alloc(ex, (size_t)n * sizeof *copy);
    if (!a || !copy) return;
    memcpy(copy, values, (size_t)n * sizeof *copy);
    a->ints = copy;
    a->n_ints = (size_t)n;
}

char *sw__onnx_put_cast(struct sw_onnx_export *ex, char *x, int type)
{
    char *y = sw__onnx_new(ex);
    sw__onnx_set_i(ex, sw__onnx_put(ex, "Cast", 1, (char *[]){x}, y), "to", type);
    return y;
}

/* ---- constants --------------------------------------------------------------------------------------- */

void sw__onnx_put_tensor(struct sw_onnx_export *ex, char *name, int type, sw_shape shape,
                         const void *data)
{
    Onnx__TensorProto *t = sw__onnx_put_alloc(ex, sizeof *t);
    int64_t *dims = sw__onnx_put_alloc(ex, (size_t)(shape.rank + 1) * sizeof *dims);
    if (!t || !dims) return;
    if (!sw__grow(&ex->tensors, &ex->tensors_capacity, ex->n_tensors + 1, sizeof *ex->tensors)) {
        sw__onnx_put_fail(ex, SW_ERR_MEMORY, "out of memory");
        return;
    }
    memcpy(dims, shape.dim, (size_t)shape.rank * sizeof *dims);
    onnx__tensor_proto__init(t);
    t->name = name;
    t->dims = dims;
    t->n_dims = (size_t)shape.rank;
    t->has_data_type = t->has_raw_data = true;
    t->data_type = type;
    t->raw_data.data = (uint8_t *)data;
    t->raw_data.len = (size_t)(sw_shape_elements(&shape) * sw__onnx_type(type)->bytes);
    ex->tensors[ex->n_tensors++] = t;
}

char *sw__onnx_put_constant(struct sw_onnx_export *ex, int type, sw_shape shape, const void *data)
{
    char *name = sw__onnx_new(ex);
    size_t size = (size_t)(sw_shape_elements(&shape) * sw__onnx_type(type)->bytes);
    void *copy = sw__onnx_put_alloc(ex, size + 1);
    if (!copy) return name;
    memcpy(copy, data, size);
    sw__onnx_put_tensor(ex, name, type, shape, copy);
    return name;
}

char *sw__onnx_put_int64(struct sw_onnx_export *ex, int n, const int64_t *values)
{
    return sw__onnx_put_constant(ex, SW_ONNX_INT64, (sw_shape){1, {n}}, values);
}

char *sw__onnx_put_scalar(struct sw_onnx_export *ex, float value)
{
    return sw__onnx_put_constant(ex, SW_ONNX_FLOAT, (sw_shape){0}, &value);
}

char *sw__onnx_put_fill(struct sw_onnx_export *ex, int64_t n, float value)
{
    char *name = sw__onnx_new(ex);
    float *copy = sw__onnx_put_alloc(ex, (size_t)n * sizeof *copy + 1);
    for (int64_t i = 0; copy && i < n; i++) copy[i] = value;
    if (copy) sw__onnx_put_tensor(ex, name, SW_ONNX_FLOAT, (sw_shape){1, {n}}, copy);
    return name;
}

/* ---- values in bytes ---------------------------------------------------------------------------------- */

struct parameters {
    char *scale, *zero;
};

static struct parameters put_parameters(struct sw_onnx_export *ex, const struct sw_onnx_bytes *b)
{
    sw_shape shape = {b->n > 1 || b->data,
                      {b->n}}; /* a weight's scales are a vector, even of one */
    struct parameters p = {sw__onnx_put_constant(ex, SW_ONNX_FLOAT, shape, b->scale),
                           ex->spare_name};
    int8_t zero = (int8_t)b->zero; /* the same bits for u8 */
    if (!b->data) p.zero = sw__onnx_put_constant(ex, b->type, (sw_shape){0}, &zero);
    return p;
}

void sw__onnx_put_rounding(struct sw_onnx_export *ex, const sw_node *x)
{
    const struct sw_onnx_export_value *v = &ex->values[x->id];
    const struct sw_onnx_bytes *b = ex->bytes ? &ex->bytes[x->id] : NULL;
    if (!b || !b->used || ex->status != SW_OK) return;
    struct parameters p = put_parameters(ex, b);
    char *q = sw__onnx_new(ex);
    sw__onnx_put(ex, "QuantizeLinear", 3, (char *[]){v->made, p.scale, p.zero}, q);
    sw__onnx_put(ex, "DequantizeLinear", 3, (char *[]){q, p.scale, p.zero}, v->name);
}

static void put_weight_bytes(struct sw_onnx_export *ex, const sw_node *x,
                             const struct sw_onnx_bytes *b)
{
    const struct sw_onnx_export_value *v = &ex->values[x->id];
    struct parameters p = put_parameters(ex, b);
    sw__onnx_put_tensor(ex, v->made, b->type, x->shape, b->data);
    Onnx__NodeProto *node = sw__onnx_put(ex, "DequantizeLinear", 3,
                                         (char *[]){v->made, p.scale, p.zero}, v->name);
    sw__onnx_set_i(ex, node, "axis", b->axis);
}

/* ---- leaves ------------------------------------------------------------------------------------------- */

/* An f32 weight in half the bytes, and a Cast behind it. */
static void put_half(struct sw_onnx_export *ex, const sw_node *x, const float *data)
{
    const struct sw_onnx_export_value *v = &ex->values[x->id];
    char text[SW_ONNX_TEXT], *stored = sw__onnx_new(ex);
    int64_t n = sw_shape_elements(&x->shape);
    uint16_t *half = sw__onnx_put_alloc(ex, (size_t)n * sizeof *half + 1);
    for (int64_t i = 0; half && i < n; i++)
        if (isfinite(data[i]) && fabsf(data[i]) >= 65520) {
            sw__onnx_put_fail(ex, SW_ERR_UNSUPPORTED, "'%s' holds %g, which is beyond f16",
                              sw__onnx_text(v->name, text), (double)data[i]);
            return;
        }
    if (!half) return;
    sw_convert(half, SW_F16, data, SW_F32, n);
    sw__onnx_put_tensor(ex, stored, SW_ONNX_FLOAT16, x->shape, half);
    sw__onnx_set_i(ex, sw__onnx_put(ex, "Cast", 1, (char *[]){stored}, v->made), "to",
                   SW_ONNX_FLOAT);
}

void sw__onnx_put_leaf(struct sw_onnx_export *ex, const sw_node *x)
{
    const struct sw_onnx_export_value *v = &ex->values[x->id];
    const struct sw_onnx_bytes *b = ex->bytes ? &ex->bytes[x->id] : NULL;
    char text[SW_ONNX_TEXT];
    if (v->type == SW_ONNX_NONE) {
        sw__onnx_put_fail(ex, SW_ERR_UNSUPPORTED, "'%s' is %s, which ONNX has not",
                          sw__onnx_text(v->name, text), sw_dtype_get(x->dtype)->name);
        return;
    }
    if (x->leaf == SW_LEAF_INPUT) {
        sw__onnx_put_rounding(ex, x);
        return;
    }
    const void *data = x->leaf == SW_LEAF_WEIGHT ? sw_weight_tensor(x->weight).data : x->data;
    if (b && b->used && b->data)
        put_weight_bytes(ex, x, b);
    else if (ex->o->half && x->leaf == SW_LEAF_WEIGHT && x->dtype == SW_F32 && x->shape.rank >= 2)
        put_half(ex, x, data);
    else
        sw__onnx_put_tensor(ex, v->made, v->type, x->shape, data);
}
