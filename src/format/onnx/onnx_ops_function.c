/* ONNX's functions of one number.
 *
 * What plans have no op for is composed of those they have; how exact that is stands at each. */
#include <math.h>

#include "format/onnx/onnx_import.h"

enum {
    ABS,
    NEG,
    SIGN,
    FLOOR,
    CEIL,
    ROUND,
    EXP,
    LOG,
    SQRT,
    RECIPROCAL,
    SIN,
    COS,
    TAN,
    SINH,
    COSH,
    ASIN,
    ACOS,
    ATAN,
    ASINH,
    ACOSH,
    ATANH,
    ERF,
    NOT,
    ISNAN,
    ISINF
};

/* c[0] + c[1] x + ... + c[n-1] x^(n-1) */
static sw_node *polynomial(sw_graph *g, sw_node *x, const float *c, int n)
{
    sw_node *y = sw_scalar(g, c[n - 1]);
    for (int i = n - 2; i >= 0; i--) y = sw__onnx_shift(g, sw_mul(g, y, x), c[i]);
    return y;
}

/* near for |x| < limit, else far */
static sw_node *split(sw_graph *g, sw_node *x, float limit, sw_node *near, sw_node *far)
{
    return sw_where(g, sw_less(g, sw_abs(g, x), sw_scalar(g, limit)), near, far);
}

static sw_node *with_sign_of(sw_graph *g, sw_node *x, sw_node *y)
{
    return sw_where(g, sw_less(g, x, sw_scalar(g, 0)), sw_neg(g, y), y);
}

/* atan by its series below tan(pi/8); above, atan z = pi/4 + atan((z - 1)/(z + 1)), and
 * atan z = pi/2 - atan(1/z) beyond 1.  Off by 3e-9 of the series and a few roundings. */
static sw_node *arctangent(sw_graph *g, sw_node *x)
{
    static const float series[] = {1,         -1.f / 3, 1.f / 5,   -1.f / 7, 1.f / 9,
                                   -1.f / 11, 1.f / 13, -1.f / 15, 1.f / 17};
    const float quarter = 0.78539816339f, eighth = 0.41421356237f;
    sw_node *one = sw_scalar(g, 1), *a = sw_abs(g, x);
    sw_node *z = sw_where(g, sw_greater(g, a, one), sw_reciprocal(g, a), a);
    sw_node *turned = sw_div(g, sw_sub(g, z, one), sw_add(g, z, one));
    sw_node *beyond = sw_greater(g, z, sw_scalar(g, eighth));
    sw_node *t = sw_where(g, beyond, turned, z);
    sw_node *y = sw_mul(g, t, polynomial(g, sw_square(g, t), series, 9));
    y = sw_where(g, beyond, sw__onnx_shift(g, y, quarter), y);
    y = sw_where(g, sw_greater(g, a, one), sw_sub(g, sw_scalar(g, 2 * quarter), y), y);
    return with_sign_of(g, x, y);
}

/* asin x = 2 atan(x / (1 + sqrt(1 - x^2))) */
static sw_node *arcsine(sw_graph *g, sw_node *x)
{
    sw_node *one = sw_scalar(g, 1);
    sw_node *root = sw_sqrt(g, sw_mul(g, sw_sub(g, one, x), sw_add(g, one, x)));
    return sw_scale(g, arctangent(g, sw_div(g, x, sw_add(g, one, root))), 2);
}

/* By exponentials, and below 1, where they cancel, by t = tanh(x/2): 2t / (1 - t^2). */
static sw_node *hyperbolic_sine(sw_graph *g, sw_node *x)
{
    sw_node *t = sw_tanh(g, sw_scale(g, x, 0.5f)), *e = sw_exp(g, x);
    sw_node *near = sw_div(g, sw_scale(g, t, 2), sw_sub(g, sw_scalar(g, 1), sw_square(g, t)));
    return split(g, x, 1, near, sw_scale(g, sw_sub(g, e, sw_reciprocal(g, e)), 0.5f));
}

static sw_node *area_sine(sw_graph *g, sw_node *x)
{
    static const float series[] = {1, -1.f / 6, 3.f / 40, -15.f / 336};
    sw_node *a = sw_abs(g, x), *root = sw_sqrt(g, sw__onnx_shift(g, sw_square(g, x), 1));
    sw_node *near = sw_mul(g, x, polynomial(g, sw_square(g, x), series, 4));
    return split(g, x, 0.1f, near, with_sign_of(g, x, sw_log(g, sw_add(g, a, root))));
}

static sw_node *area_tangent(sw_graph *g, sw_node *x)
{
    static const float series[] = {1, 1.f / 3, 1.f / 5, 1.f / 7};
    sw_node *one = sw_scalar(g, 1);
    sw_node *far = sw_log(g, sw_div(g, sw_add(g, one, x), sw_sub(g, one, x)));
    sw_node *near = sw_mul(g, x, polynomial(g, sw_square(g, x), series, 4));
    return split(g, x, 0.1f, near, sw_scale(g, far, 0.5f));
}

/* erf z = 2 Phi(s) - 1 with s = sqrt(2) z and s Phi(s) the gelu of s; below 1/2, where that cancels, by
 * its series. */
static sw_node *error_function(sw_graph *g, sw_node *z)
{
    static const float series[] = {1.f,       -1.f / 3,    1.f / 10,  -1.f / 42,
                                   1.f / 216, -1.f / 1320, 1.f / 9360};
    sw_node *s = sw_scale(g, z, 1.41421356237f);
    sw_node *far = sw__onnx_shift(g, sw_scale(g, sw_div(g, sw_gelu(g, s), s), 2), -1);
    sw_node *near = sw_mul(g, sw_scale(g, z, 1.12837916710f),
                           polynomial(g, sw_square(g, z), series, 7));
    far = sw_where(g, sw_less(g, z, sw_scalar(g, -6)), sw_scalar(g, -1), far);
    return split(g, z, 0.5f, near, far);
}

static sw_node *is_infinite(struct sw_onnx_import *im, sw_node *x)
{
    bool up = sw__onnx_attr_i(im, "detect_positive", 1) != 0;
    bool down = sw__onnx_attr_i(im, "detect_negative", 1) != 0;
    if (!up && !down) return sw_not_equal(im->g, sw_scale(im->g, x, 0), sw_scale(im->g, x, 0));
    if (up && down) x = sw_abs(im->g, x);
    return sw_equal(im->g, x, sw_scalar(im->g, up ? INFINITY : -INFINITY));
}

static sw_node *function(struct sw_onnx_import *im, sw_node *x)
{
    sw_graph *g = im->g;
    switch (im->op->which) {
    case ABS: return sw_abs(g, x);
    case NEG: return sw_neg(g, x);
    case SIGN:
        return sw_sub(g, sw_cast(g, sw_greater(g, x, sw_scalar(g, 0)), SW_F32),
                      sw_cast(g, sw_less(g, x, sw_scalar(g, 0)), SW_F32));
    case FLOOR: return sw__onnx_floor(g, x);
    case CEIL: return sw_neg(g, sw__onnx_floor(g, sw_neg(g, x)));
    case ROUND: return sw__onnx_round(g, x);
    case EXP: return sw_exp(g, x);
    case LOG: return sw_log(g, x);
    case SQRT: return sw_sqrt(g, x);
    case RECIPROCAL: return sw_reciprocal(g, x);
    case SIN: return sw_sin(g, x);
    case COS: return sw_cos(g, x);
    case TAN: return sw_div(g, sw_sin(g, x), sw_cos(g, x));
    case SINH: return hyperbolic_sine(g, x);
    case COSH: {
        sw_node *e = sw_exp(g, sw_abs(g, x));
        return sw_scale(g, sw_add(g, e, sw_reciprocal(g, e)), 0.5f);
    }
    case ASIN: return arcsine(g, x);
    case ACOS: return sw_sub(g, sw_scalar(g, 1.57079632679f), arcsine(g, x));
    case ATAN: return arctangent(g, x);
    case ASINH: return area_sine(g, x);
    case ACOSH: {
        sw_node *one = sw_scalar(g, 1);
        sw_node *root = sw_sqrt(g, sw_mul(g, sw_sub(g, x, one), sw_add(g, x, one)));
        return sw_log(g, sw_add(g, x, root));
    }
    case ATANH: return area_tangent(g, x);
    default: return error_function(g, x);
    }
}

static void unary(struct sw_onnx_import *im)
{
    int type = sw__onnx_in_type(im, 0), which = im->op->which;
    sw_graph *g = im->g;
    if (which == NOT)
        sw__onnx_emit(im, 0, SW_ONNX_BOOL, sw__onnx_not(g, sw__onnx_in(im, 0)));
    else if (which == ISNAN) {
        sw_node *x = sw__onnx_f32(im, 0);
        sw__onnx_emit(im, 0, SW_ONNX_BOOL, sw_not_equal(g, x, x));
    } else if (which == ISINF)
        sw__onnx_emit(im, 0, SW_ONNX_BOOL, is_infinite(im, sw__onnx_f32(im, 0)));
    else if (which <= SIGN && !sw__onnx_is_float(type)) {
        sw_node *x = sw__onnx_number(im, 0), *zero = sw__onnx_i32(g, 0),
                *minus = sw_sub(g, zero, x);
        sw_node *sign = sw_maximum(g, sw_minimum(g, x, sw__onnx_i32(g, 1)), sw__onnx_i32(g, -1));
        sw__onnx_emit_wrapped(im, 0, type,
                              which == ABS   ? sw_maximum(g, x, minus)
                              : which == NEG ? minus
                                             : sign);
    } else
        sw__onnx_emit(im, 0, type, function(im, sw__onnx_f32(im, 0)));
}

/* The few that exporters use on shapes. */
static bool fold_unary(struct sw_onnx_import *im)
{
    const struct sw_onnx_tensor *x = sw__onnx_constant(im, 0);
    int which = im->op->which;
    bool ours = which == ABS || which == NEG || which == FLOOR || which == CEIL || which == SQRT;
    if (!x || !ours || x->n > 4096) return x && sw__onnx_fold_by_run(im);
    struct sw_onnx_tensor y = *x;
    void *data = sw__onnx_constant_alloc(im, y.type, y.n);
    for (int64_t i = 0; data && i < y.n; i++) {
        double f = sw__onnx_get_f(x, i);
        int64_t n = sw__onnx_get_i(x, i);
        if (sw__onnx_is_float(y.type))
            sw__onnx_put_f(y.type, data, i,
                           which == ABS     ? fabs(f)
                           : which == NEG   ? -f
                           : which == FLOOR ? floor(f)
                           : which == CEIL  ? ceil(f)
                                            : sqrt(f));
        else
            sw__onnx_put_i(y.type, data, i,
                           which == NEG || (which == ABS && n < 0) ? (int64_t)(0 - (uint64_t)n)
                                                                   : n);
    }
    y.data = data;
    sw__onnx_emit_constant(im, 0, y, 0);
    return true;
}

const struct sw_onnx_operator sw__onnx_function_ops[] = {
    {"Abs", 6, 0, 1, 1, ABS, unary, fold_unary, NULL},
    {"Neg", 6, 0, 1, 1, NEG, unary, fold_unary, NULL},
    {"Sign", 9, 0, 1, 1, SIGN, unary, fold_unary, NULL},
    {"Floor", 6, 0, 1, 1, FLOOR, unary, fold_unary, NULL},
    {"Ceil", 6, 0, 1, 1, CEIL, unary, fold_unary, NULL},
    {"Round", 11, 0, 1, 1, ROUND, unary, fold_unary, NULL},
    {"Exp", 6, 0, 1, 1, EXP, unary, NULL, NULL},
    {"Log", 6, 0, 1, 1, LOG, unary, NULL, NULL},
    {"Sqrt", 6, 0, 1, 1, SQRT, unary, fold_unary, NULL},
    {"Reciprocal", 6, 0, 1, 1, RECIPROCAL, unary, NULL, NULL},
    {"Sin", 7, 0, 1, 1, SIN, unary, NULL, NULL},
    {"Cos", 7, 0, 1, 1, COS, unary, NULL, NULL},
    {"Tan", 7, 0, 1, 1, TAN, unary, NULL, NULL},
    {"Sinh", 9, 0, 1, 1, SINH, unary, NULL, NULL},
    {"Cosh", 9, 0, 1, 1, COSH, unary, NULL, NULL},
    {"Asin", 7, 0, 1, 1, ASIN, unary, NULL, NULL},
    {"Acos", 7, 0, 1, 1, ACOS, unary, NULL, NULL},
    {"Atan", 7, 0, 1, 1, ATAN, unary, NULL, NULL},
    {"Asinh", 9, 0, 1, 1, ASINH, unary, NULL, NULL},
    {"Acosh", 9, 0, 1, 1, ACOSH, unary, NULL, NULL},
    {"Atanh", 9, 0, 1, 1, ATANH, unary, NULL, NULL},
    {"Erf", 9, 0, 1, 1, ERF, unary, NULL, NULL},
    {"Not", 1, 0, 1, 1, NOT, unary, NULL, NULL},
    {"IsNaN", 9, 0, 1, 1, ISNAN, unary, NULL, NULL},
    {"IsInf", 10, 0, 1, 1, ISINF, unary, NULL, "detect_negative detect_positive"},
    {0}};
