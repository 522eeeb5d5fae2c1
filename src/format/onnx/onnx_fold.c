/* Constants: their numbers, their place in a graph, and nodes whose operands are all constant.
 *
 * Exporters compute shapes by nodes.  Those must be known while the graph is built, so a node that reads
 * constants only gives a constant: by loops where integers of 64 bits or doubles matter (the handlers'
 * `fold`), else by the handler itself, whose piece of graph is compiled and run at once. */
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <swell/plan.h>

#include "base/context_int.h"
#include "base/size.h"
#include "format/onnx/onnx_import.h"
#include "graph/op.h"

#define WEIGHT_ELEMENTS 16 /* from here on a constant that nodes made is a weight too */

bool sw__onnx_is_float(int type)
{
    return type == SW_ONNX_FLOAT || type == SW_ONNX_FLOAT16 || type == SW_ONNX_DOUBLE ||
           type == SW_ONNX_BFLOAT16;
}

/* ---- numbers ------------------------------------------------------------------------------------ */

/* X(type, C type): integers as they are in memory. */
#define INTEGERS(X)                                                                                \
    X(SW_ONNX_UINT8, uint8_t)                                                                      \
    X(SW_ONNX_INT8, int8_t)                                                                        \
    X(SW_ONNX_UINT16, uint16_t)                                                                    \
    X(SW_ONNX_INT16, int16_t)                                                                      \
    X(SW_ONNX_INT32, int32_t)                                                                      \
    X(SW_ONNX_INT64, int64_t)                                                                      \
    X(SW_ONNX_UINT32, uint32_t)

int64_t sw__onnx_get_i(const struct sw_onnx_tensor *t, int64_t i)
{
    const char *data = t->data;
    switch (t->type) {
#define GET(type, c)                                                                               \
    case type: {                                                                                   \
        c x;                                                                                       \
        memcpy(&x, data + i * (int64_t)sizeof x, sizeof x);                                        \
        return x;                                                                                  \
    }
        INTEGERS(GET)
#undef GET
    case SW_ONNX_BOOL: return data[i] != 0;
    case SW_ONNX_UINT64: {
        uint64_t x;
        memcpy(&x, data + 8 * i, 8);
        return x > INT64_MAX ? INT64_MAX : (int64_t)x;
    }
    default: {
        double x = sw__onnx_get_f(t, i);
        return x >= 9223372036854775807.   ? INT64_MAX
               : x > -9223372036854775808. ? (int64_t)x
                                           : INT64_MIN;
    }
    }
}

double sw__onnx_get_f(const struct sw_onnx_tensor *t, int64_t i)
{
    const char *data = t->data;
    float f = 0;
    double d;
    if (t->type == SW_ONNX_DOUBLE) {
        memcpy(&d, data + 8 * i, 8);
        return d;
    }
    if (t->type == SW_ONNX_FLOAT)
        memcpy(&f, data + 4 * i, 4);
    else if (sw__onnx_is_float(t->type))
        sw_convert(&f, SW_F32, data + 2 * i, sw__onnx_type(t->type)->dtype, 1);
    else
        return (double)sw__onnx_get_i(t, i);
    return f;
}

void sw__onnx_put_i(int type, void *data, int64_t i, int64_t value)
{
    char *at = (char *)data + i * sw__onnx_type(type)->bytes;
    switch (type) {
#define PUT(type, c)                                                                               \
    case type: {                                                                                   \
        c x = (c)value;                                                                            \
        memcpy(at, &x, sizeof x);                                                                  \
        break;                                                                                     \
    }
        INTEGERS(PUT)
#undef PUT
    case SW_ONNX_BOOL: *at = value != 0; break;
    case SW_ONNX_UINT64: memcpy(at, &value, 8); break;
    default: sw__onnx_put_f(type, data, i, (double)value);
    }
}

void sw__onnx_put_f(int type, void *data, int64_t i, double value)
{
    float f = (float)value;
    char *at = (char *)data + i * sw__onnx_type(type)->bytes;
    if (type == SW_ONNX_DOUBLE)
        memcpy(at, &value, 8);
    else if (type == SW_ONNX_FLOAT)
        memcpy(at, &f, 4);
    else
        sw_convert(at, sw__onnx_type(type)->dtype, &f, SW_F32, 1);
}

void *sw__onnx_constant_alloc(struct sw_onnx_import *im, int type, int64_t n)
{
    int64_t bytes = INT64_MAX;
    bool fits = n >= 0 && sw__i64_mul(n, sw__onnx_type(type)->bytes, &bytes) && bytes <= im->left;
    void *data = fits ? sw__arena_alloc(&im->arena, (size_t)bytes + 8) : NULL;
    if (fits) im->left -= bytes;
    if (!fits)
        sw__onnx_refuse(im, SW_ERR_SIZE, "it makes a constant of %lld numbers", (long long)n);
    else if (!data)
        sw__onnx_refuse(im, SW_ERR_MEMORY, "out of memory");
    return data;
}

/* Integers in i32, doubles in the range of f32. */
static bool fits(const struct sw_onnx_tensor *t, int64_t i)
{
    if (t->type == SW_ONNX_DOUBLE) {
        double x = sw__onnx_get_f(t, i);
        return !isfinite(x) || isfinite((float)x);
    }
    int64_t x = sw__onnx_get_i(t, i);
    return x == (int32_t)x;
}

bool sw__onnx_representable(const struct sw_onnx_tensor *t)
{
    const struct sw_onnx_type_info *type = sw__onnx_type(t->type);
    if (type->dtype != SW_I32 && t->type != SW_ONNX_DOUBLE) return type->dtype != SW_DTYPE_COUNT;
    for (int64_t i = 0; i < t->n; i++)
        if (!fits(t, i)) return false;
    return true;
}

/* ---- constants as nodes --------------------------------------------------------------------------- */

sw_node *sw__onnx_weight(struct sw_onnx_import *im, const char *name, sw_dtype dtype,
                         sw_shape shape, const void *data)
{
    if (im->folding) return sw_const(im->g, dtype, shape, data);
    if (!sw_weights_find(im->ws, name)) {
        sw_weight *w;
        sw_status status = sw_weights_add(im->ws, name, dtype, shape, &w);
        if (status == SW_OK) status = sw_weight_set(w, data, (size_t)sw_shape_bytes(&shape, dtype));
        if (status != SW_OK)
            return sw__onnx_refuse(im, status, "weight '%.80s': %s", name, sw_status_text(status));
    }
    return sw_param(im->g, im->ws, name, dtype, shape, sw_init_zeros());
}

/* The numbers as a plan has them, of dtype `to`; those that differ in memory are copied. */
static const void *plan_numbers(struct sw_onnx_import *im, const struct sw_onnx_tensor *t,
                                sw_dtype to, void **copy)
{
    *copy = NULL;
    if (sw__onnx_type(t->type)->dtype == to && t->type != SW_ONNX_BOOL &&
        sw__onnx_type(t->type)->bytes == sw_dtype_get(to)->block_bytes && t->type != SW_ONNX_UINT32)
        return t->data;
    size_t bytes = (size_t)sw_dtype_get(to)->block_bytes;
    *copy = sw__calloc2((size_t)t->n + 1, bytes);
    if (!*copy) sw__onnx_refuse(im, SW_ERR_MEMORY, "out of memory");
    if (*copy && !sw__onnx_representable(t))
        return sw__onnx_refuse(im, SW_ERR_UNSUPPORTED,
                               "a constant of %s has no place in %s, which plans have instead",
                               sw__onnx_type(t->type)->name, sw_dtype_get(to)->name);
    for (int64_t i = 0; *copy && i < t->n; i++)
        if (to == SW_F32)
            ((float *)*copy)[i] = (float)sw__onnx_get_f(t, i);
        else if (to == SW_U8)
            ((uint8_t *)*copy)[i] = (uint8_t)sw__onnx_get_i(t, i);
        else
            ((int32_t *)*copy)[i] = (int32_t)sw__onnx_get_i(t, i);
    return *copy;
}

static sw_node *as_node(struct sw_onnx_import *im, struct sw_onnx_import_value *v, sw_dtype dtype)
{
    void *copy;
    const struct sw_onnx_tensor *t = &v->host;
    if (dtype == SW_DTYPE_COUNT)
        return sw__onnx_refuse(im, SW_ERR_UNSUPPORTED, "plans have no tensors of %s",
                               sw__onnx_type(t->type)->name);
    const void *data = plan_numbers(im, t, dtype, &copy);
    bool weight = (dtype == SW_F32 || dtype == SW_I8 || dtype == SW_U8) &&
                  (v->file || t->n >= WEIGHT_ELEMENTS);
    sw_node *x = sw__onnx_failed(im) ? NULL
                 : weight            ? sw__onnx_weight(im, v->name, dtype, t->shape, data)
                                     : sw_const(im->g, dtype, t->shape, data);
    free(copy);
    return x ? x : sw__onnx_refuse(im, SW_ERR_STATE, "no value");
}

/* While folding nodes belong to the small graph: they are not kept. */
static sw_node *kept(struct sw_onnx_import *im, struct sw_onnx_import_value *v, sw_node **place,
                     sw_dtype dtype)
{
    if (im->folding) return as_node(im, v, dtype);
    if (!*place) *place = as_node(im, v, dtype);
    return *place;
}

sw_node *sw__onnx_constant_node(struct sw_onnx_import *im, struct sw_onnx_import_value *v)
{
    sw_dtype dtype = sw__onnx_type(v->host.type)->dtype;
    return kept(im, v, dtype == SW_F32 ? &v->f32 : &v->node, dtype);
}

sw_node *sw__onnx_constant_f32(struct sw_onnx_import *im, struct sw_onnx_import_value *v)
{
    sw_dtype dtype = sw__onnx_type(v->host.type)->dtype;
    if (dtype == SW_U8 || dtype == SW_I8)
        return sw_cast(im->g, sw__onnx_constant_node(im, v), SW_F32);
    return kept(im, v, &v->f32, SW_F32);
}

/* ---- nodes of constants --------------------------------------------------------------------------- */

/* The result of a run as a constant. */
static bool read_back(struct sw_onnx_import *im, struct sw_onnx_import_value *v, sw_tensor from)
{
    struct sw_onnx_tensor t = {v->type, from.shape, sw_shape_elements(&from.shape), NULL};
    void *data = sw__onnx_constant_alloc(im, t.type, t.n);
    if (!data) return false;
    t.data = data;
    if (t.type == SW_ONNX_DOUBLE)
        for (int64_t i = 0; i < t.n; i++)
            sw__onnx_put_f(t.type, data, i, (double)((const float *)from.data)[i]);
    else if (from.dtype == SW_I32 && t.type != SW_ONNX_INT32)
        for (int64_t i = 0; i < t.n; i++)
            sw__onnx_put_i(t.type, data, i, ((const int32_t *)from.data)[i]);
    else
        memcpy(data, from.data, (size_t)(t.n * sw__onnx_type(t.type)->bytes));
    v->host = t;
    v->constant = true;
    v->node = NULL;
    return true;
}

/* Run the small graph for the results that are wanted. */
static sw_status run_small(struct sw_onnx_import *im, sw_graph *small,
                           struct sw_onnx_import_value **made, sw_node **nodes, int n)
{
    sw_plan *plan = NULL;
    sw_status status = sw_compile(small, (sw_plan_options){.outputs = nodes, .n_outputs = n},
                                  &plan);
    if (status == SW_OK) status = sw_run(plan);
    for (int i = 0; status == SW_OK && i < n; i++)
        if (!read_back(im, made[i], sw_plan_tensor(plan, nodes[i])))
            status = sw_graph_status(im->g);
    sw_plan_destroy(plan);
    return status;
}

bool sw__onnx_fold_by_run(struct sw_onnx_import *im)
{
    struct sw_onnx_import_value *made[SW_MAX_CONCAT];
    sw_node *nodes[SW_MAX_CONCAT];
    sw_graph *outer = im->g, *small = NULL;
    int64_t total = 0;
    int n = 0;
    sw_status status = sw_graph_create(im->m->ctx, &small);
    if (status != SW_OK) {
        sw__onnx_refuse(im, status, "out of memory");
        return false;
    }
    im->g = small;
    im->folding = true;
    im->op->build(im);
    status = sw_graph_status(small);
    for (int o = 0; status == SW_OK && (size_t)o < im->node->n_output; o++) {
        struct sw_onnx_import_value *v = sw__onnx_made(im, o);
        if (!v || !v->node || v->constant) continue;
        sw_shape shape = sw_node_shape(v->node);
        total += sw_shape_elements(&shape);
        if (!v->readers) v->node = NULL;
        if (v->node && n < SW_MAX_CONCAT) made[n] = v, nodes[n++] = v->node;
    }
    im->g = outer;
    im->folding = false;
    bool small_enough = total <= im->left / 8 && sw__graph_bytes(small) <= im->left;
    if (status == SW_OK && n && small_enough) status = run_small(im, small, made, nodes, n);
    if (status != SW_OK && !sw__onnx_failed(im)) sw__onnx_repeat(im, status);
    sw_graph_destroy(small);
    return small_enough;
}
