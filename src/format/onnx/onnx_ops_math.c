/* ONNX operators of several operands, element by element: arithmetic, comparisons, logic. */
#include <math.h>
#include <string.h>

#include "base/size.h"
#include "format/onnx/onnx_import.h"

enum {
    ADD,
    SUB,
    MUL,
    DIV,
    POW,
    MOD,
    MAX,
    MIN,
    MEAN,
    AND,
    OR,
    XOR,
    EQUAL,
    LESS,
    LESS_EQUAL,
    GREATER,
    GREATER_EQUAL
};

/* ---- two operands: constants ---------------------------------------------------------------------- */

static int64_t combine_i(int which, int64_t a, int64_t b)
{
    switch (which) {
    case ADD: return (int64_t)((uint64_t)a + (uint64_t)b);
    case SUB: return (int64_t)((uint64_t)a - (uint64_t)b);
    case MUL: return (int64_t)((uint64_t)a * (uint64_t)b);
    case DIV: return b == 0 ? 0 : b == -1 ? (int64_t)(0 - (uint64_t)a) : a / b;
    case MOD:
        return b == 0 || b == -1 ? 0 : a % b + ((a % b != 0 && (a % b < 0) != (b < 0)) ? b : 0);
    case MAX: return a > b ? a : b;
    case MIN: return a < b ? a : b;
    case AND: return a && b;
    case OR: return a || b;
    case XOR: return !a != !b;
    case EQUAL: return a == b;
    case LESS: return a < b;
    case LESS_EQUAL: return a <= b;
    case GREATER: return a > b;
    default: return a >= b;
    }
}

static double combine_f(int which, double a, double b)
{
    switch (which) {
    case ADD: return a + b;
    case SUB: return a - b;
    case MUL: return a * b;
    case DIV: return a / b;
    case POW: return pow(a, b);
    case MOD: return fmod(a, b);
    case MAX: return a > b || a != a ? a : b;
    case MIN: return a < b || a != a ? a : b;
    case EQUAL: return a == b;
    case LESS: return a < b;
    case LESS_EQUAL: return a <= b;
    case GREATER: return a > b;
    default: return a >= b;
    }
}

/* NumPy's broadcasting; false: they do not fit. */
static bool broadcast(const sw_shape *a, const sw_shape *b, sw_shape *out)
{
    out->rank = a->rank > b->rank ? a->rank : b->rank;
    for (int i = 1; i <= out->rank; i++) {
        int64_t x = i <= a->rank ? a->dim[a->rank - i] : 1,
                y = i <= b->rank ? b->dim[b->rank - i] : 1;
        if (x != y && x != 1 && y != 1) return false;
        out->dim[out->rank - i] = x == 1 ? y : x;
    }
    return true;
}

/* Where element i of a broadcast result comes from in an operand. */
static int64_t source(const sw_shape *out, const sw_shape *x, int64_t i)
{
    int64_t at = 0, stride = 1;
    for (int d = 1; d <= x->rank; d++) {
        int64_t here = i % out->dim[out->rank - d];
        i /= out->dim[out->rank - d];
        if (x->dim[x->rank - d] != 1) at += here * stride;
        stride *= x->dim[x->rank - d];
    }
    return at;
}

static bool compares(int which)
{
    return which >= EQUAL;
}

/* Small ones, and numbers that plans do not have. */
static bool fold_here(const struct sw_onnx_tensor *t)
{
    return t->n <= 4096 || t->type == SW_ONNX_INT64 || t->type == SW_ONNX_DOUBLE;
}

/* Before opset 7 an operand y says by an attribute at which axis of the other, x, it lies. */
static sw_shape second_shape(struct sw_onnx_import *im, sw_shape x, sw_shape y)
{
    if (im->m->opset >= 7 || !sw__onnx_attr_i(im, "broadcast", 0)) return y;
    int64_t axis = sw__onnx_attr_i(im, "axis", x.rank - y.rank);
    if (axis < 0) axis += x.rank;
    if (axis < 0 || axis + y.rank > x.rank)
        sw__onnx_refuse(im, SW_ERR_FORMAT, "axis %lld does not fit", (long long)axis);
    while (!sw__onnx_failed(im) && y.rank < x.rank - axis) y.dim[y.rank++] = 1;
    return y;
}

static bool fold_binary(struct sw_onnx_import *im)
{
    if (im->node->n_input != 2) return sw__onnx_fold_by_run(im);
    const struct sw_onnx_tensor *a = sw__onnx_constant(im, 0), *b = sw__onnx_constant(im, 1);
    struct sw_onnx_tensor y = {0};
    int which = im->op->which;
    bool floats = a && sw__onnx_is_float(a->type);
    if (!a || !b) return false;
    sw_shape bs = second_shape(im, a->shape, b->shape);
    if (!fold_here(a) || !fold_here(b) || (which == POW && !floats) || which == MEAN ||
        !broadcast(&a->shape, &bs, &y.shape))
        return sw__onnx_fold_by_run(im);
    y.type = compares(which) ? SW_ONNX_BOOL : a->type;
    y.n = sw_shape_elements(&y.shape);
    void *data = sw__onnx_constant_alloc(im, y.type, y.n);
    for (int64_t i = 0; data && i < y.n; i++) {
        int64_t p = source(&y.shape, &a->shape, i), q = source(&y.shape, &bs, i);
        if (floats && compares(which))
            sw__onnx_put_i(y.type, data, i,
                           (int64_t)combine_f(which, sw__onnx_get_f(a, p), sw__onnx_get_f(b, q)));
        else if (floats)
            sw__onnx_put_f(y.type, data, i,
                           combine_f(which, sw__onnx_get_f(a, p), sw__onnx_get_f(b, q)));
        else
            sw__onnx_put_i(y.type, data, i,
                           combine_i(which, sw__onnx_get_i(a, p), sw__onnx_get_i(b, q)));
    }
    y.data = data;
    sw__onnx_emit_constant(im, 0, y, 0);
    return true;
}

/* ---- two operands: nodes --------------------------------------------------------------------------- */

static sw_node *second(struct sw_onnx_import *im, sw_node *a, sw_node *b)
{
    sw_shape from = sw_node_shape(b), to = second_shape(im, sw_node_shape(a), from);
    return sw_shape_equal(&from, &to) ? b : sw_reshape(im->g, b, to);
}

/* a^e for integers: by the bits of e, from the lowest on. */
static sw_node *integer_power(sw_graph *g, sw_node *a, sw_node *e)
{
    sw_node *two = sw__onnx_i32(g, 2), *one = sw__onnx_i32(g, 1), *y = one;
    for (int bit = 0; bit < 31; bit++) {
        sw_node *half = sw_div(g, e, two), *odd = sw_sub(g, e, sw_mul(g, half, two));
        y = sw_where(g, sw_equal(g, odd, one), sw_mul(g, y, a), y);
        a = sw_mul(g, a, a);
        e = half;
    }
    return y;
}

static sw_node *power(struct sw_onnx_import *im, sw_node *a)
{
    const struct sw_onnx_import_value *e = sw__onnx_value(im, 1);
    sw_node *b = sw__onnx_number(im, 1);
    if (sw_node_dtype(a) == SW_I32) {
        if (sw_node_dtype(b) == SW_I32) return integer_power(im->g, a, b);
        return sw__onnx_refuse(im, SW_ERR_UNSUPPORTED, "integers to a power that is no integer");
    }
    if (e->constant && e->host.n == 1 && e->host.shape.rank <= sw_node_shape(a).rank) {
        double p = sw__onnx_get_f(&e->host, 0);
        if (p == 1) return a;
        if (p == 2) return sw_square(im->g, a);
        if (p == 0.5) return sw_sqrt(im->g, a);
    }
    if (sw_node_dtype(b) != SW_F32) b = sw_cast(im->g, b, SW_F32);
    return sw_pow(im->g, a, second(im, a, b));
}

/* The remainder: of the dividend's sign (fmod), or of the divisor's. */
static sw_node *modulo(struct sw_onnx_import *im, sw_node *a, sw_node *b)
{
    sw_graph *g = im->g;
    bool floats = sw_node_dtype(a) == SW_F32, fmod = sw__onnx_attr_i(im, "fmod", 0) != 0;
    sw_node *q = sw_div(g, a, b);
    if (floats && !fmod)
        return sw__onnx_refuse(im, SW_ERR_FORMAT, "floats need the attribute fmod");
    if (floats) {
        sw_node *down = sw__onnx_floor(g, sw_abs(g, q));
        q = sw_where(g, sw_less(g, q, sw_scalar(g, 0)), sw_neg(g, down), down);
    }
    sw_node *r = sw_sub(g, a, sw_mul(g, q, b));
    if (fmod) return r;
    sw_node *zero = sw__onnx_i32(g, 0);
    sw_node *other_sign = sw_less(
        g,
        sw_mul(g, sw_minimum(g, sw_maximum(g, r, sw__onnx_i32(g, -1)), sw__onnx_i32(g, 1)),
               sw_minimum(g, sw_maximum(g, b, sw__onnx_i32(g, -1)), sw__onnx_i32(g, 1))),
        zero);
    return sw_add(g, r, sw_where(g, other_sign, b, zero));
}

static sw_node *combine(struct sw_onnx_import *im, sw_node *a, sw_node *b)
{
    sw_graph *g = im->g;
    switch (im->op->which) {
    case ADD:
    case MEAN: return sw_add(g, a, b);
    case SUB: return sw_sub(g, a, b);
    case MUL: return sw_mul(g, a, b);
    case DIV: return sw_div(g, a, b);
    case MOD: return modulo(im, a, b);
    case MAX: return sw_maximum(g, a, b);
    case MIN: return sw_minimum(g, a, b);
    case AND: return sw_mul(g, a, b);
    case OR: return sw_maximum(g, a, b);
    case XOR: return sw_not_equal(g, a, b);
    case EQUAL: return sw_equal(g, a, b);
    case LESS: return sw_less(g, a, b);
    case LESS_EQUAL: return sw_less_equal(g, a, b);
    case GREATER: return sw_greater(g, a, b);
    default: return sw_greater_equal(g, a, b);
    }
}

static void binary(struct sw_onnx_import *im)
{
    int type = sw__onnx_in_type(im, 0);
    sw_node *a = sw__onnx_number(im, 0);
    if (im->op->which == POW) {
        sw__onnx_emit_wrapped(im, 0, type, power(im, a));
        return;
    }
    sw_node *y = im->op->which == MUL ? sw__onnx_known_product(im) : NULL;
    if (!y) y = combine(im, a, second(im, a, sw__onnx_number(im, 1)));
    if (compares(im->op->which) || im->op->which == XOR)
        sw__onnx_emit(im, 0, SW_ONNX_BOOL, y);
    else
        sw__onnx_emit_wrapped(im, 0, type, y);
}

/* Max, Min, Sum, Mean: any number of operands. */
static void variadic(struct sw_onnx_import *im)
{
    int type = sw__onnx_in_type(im, 0), n = (int)im->node->n_input;
    sw_node *y = sw__onnx_number(im, 0);
    for (int i = 1; i < n && !sw__onnx_failed(im); i++) y = combine(im, y, sw__onnx_number(im, i));
    if (im->op->which == MEAN) y = sw_scale(im->g, y, 1.f / (float)n);
    sw__onnx_emit_wrapped(im, 0, type, y);
}

static void where(struct sw_onnx_import *im)
{
    sw_node *y = sw_where(im->g, sw__onnx_in(im, 0), sw__onnx_number(im, 1),
                          sw__onnx_number(im, 2));
    sw__onnx_emit(im, 0, sw__onnx_in_type(im, 1), y);
}

static bool fold_where(struct sw_onnx_import *im)
{
    const struct sw_onnx_tensor *c = sw__onnx_constant(im, 0), *a = sw__onnx_constant(im, 1),
                                *b = sw__onnx_constant(im, 2);
    struct sw_onnx_tensor y = {0};
    sw_shape ab;
    if (!a || !b || !c) return false;
    if (!fold_here(a) || !broadcast(&a->shape, &b->shape, &ab) ||
        !broadcast(&c->shape, &ab, &y.shape))
        return sw__onnx_fold_by_run(im);
    y.type = a->type;
    y.n = sw_shape_elements(&y.shape);
    void *data = sw__onnx_constant_alloc(im, y.type, y.n);
    for (int64_t i = 0; data && i < y.n; i++) {
        bool first = sw__onnx_get_i(c, source(&y.shape, &c->shape, i)) != 0;
        const struct sw_onnx_tensor *x = first ? a : b;
        int64_t at = source(&y.shape, &x->shape, i);
        if (sw__onnx_is_float(y.type))
            sw__onnx_put_f(y.type, data, i, sw__onnx_get_f(x, at));
        else
            sw__onnx_put_i(y.type, data, i, sw__onnx_get_i(x, at));
    }
    y.data = data;
    sw__onnx_emit_constant(im, 0, y, 0);
    return true;
}

#define LEGACY "axis broadcast consumed_inputs"
const struct sw_onnx_operator sw__onnx_math_ops[] = {
    {"Add", 6, 0, 2, 1, ADD, binary, fold_binary, LEGACY},
    {"Sub", 6, 0, 2, 1, SUB, binary, fold_binary, LEGACY},
    {"Mul", 6, 0, 2, 1, MUL, binary, fold_binary, LEGACY},
    {"Div", 6, 0, 2, 1, DIV, binary, fold_binary, LEGACY},
    {"Pow", 1, 0, 2, 1, POW, binary, fold_binary, LEGACY},
    {"Mod", 10, 0, 2, 1, MOD, binary, fold_binary, "fmod"},
    {"And", 1, 0, 2, 1, AND, binary, fold_binary, LEGACY},
    {"Or", 1, 0, 2, 1, OR, binary, fold_binary, LEGACY},
    {"Xor", 1, 0, 2, 1, XOR, binary, fold_binary, LEGACY},
    {"Equal", 1, 0, 2, 1, EQUAL, binary, fold_binary, LEGACY},
    {"Less", 1, 0, 2, 1, LESS, binary, fold_binary, LEGACY},
    {"LessOrEqual", 12, 0, 2, 1, LESS_EQUAL, binary, fold_binary, NULL},
    {"Greater", 1, 0, 2, 1, GREATER, binary, fold_binary, LEGACY},
    {"GreaterOrEqual", 12, 0, 2, 1, GREATER_EQUAL, binary, fold_binary, NULL},
    {"Max", 6, 0, 255, 1, MAX, variadic, fold_binary, NULL},
    {"Min", 6, 0, 255, 1, MIN, variadic, fold_binary, NULL},
    {"Sum", 6, 0, 255, 1, ADD, variadic, fold_binary, NULL},
    {"Mean", 6, 0, 255, 1, MEAN, variadic, fold_binary, NULL},
    {"Where", 9, 0, 3, 1, 0, where, fold_where, NULL},
    {0}};
