/* Ops of single elements, to ONNX. */
#include <math.h>

#include "format/onnx/onnx_export.h"
#include "graph/ops/attributes.h"
#include "graph/ops/unary_int.h"

/* One node of the same operands. */
static void plain(struct sw_onnx_export *ex)
{
    char *in[SW_MAX_INPUTS];
    for (int i = 0; i < ex->op->n_in; i++) in[i] = sw__onnx_arg(ex, i);
    sw__onnx_put(ex, ex->exporter->type, ex->op->n_in, in, sw__onnx_result(ex, 0));
}

static char *pair(struct sw_onnx_export *ex, const char *type, char *a, char *b)
{
    char *y = sw__onnx_new(ex);
    sw__onnx_put(ex, type, 2, (char *[]){a, b}, y);
    return y;
}

static char *single(struct sw_onnx_export *ex, const char *type, char *x)
{
    char *y = sw__onnx_new(ex);
    sw__onnx_put(ex, type, 1, (char *[]){x}, y);
    return y;
}

/* Comparisons are bool. */
static void compare(struct sw_onnx_export *ex)
{
    char *in[] = {sw__onnx_arg(ex, 0), sw__onnx_arg(ex, 1)};
    sw__onnx_put(ex, ex->exporter->type, 2, in, sw__onnx_result_as(ex, 0, SW_ONNX_BOOL));
}

static void not_equal(struct sw_onnx_export *ex)
{
    char *same = pair(ex, "Equal", sw__onnx_arg(ex, 0), sw__onnx_arg(ex, 1));
    sw__onnx_put(ex, "Not", 1, &same, sw__onnx_result_as(ex, 0, SW_ONNX_BOOL));
}

static void where(struct sw_onnx_export *ex)
{
    char *in[] = {sw__onnx_arg_as(ex, 0, SW_ONNX_BOOL), sw__onnx_arg(ex, 1), sw__onnx_arg(ex, 2)};
    sw__onnx_put(ex, "Where", 3, in, sw__onnx_result(ex, 0));
}

static void rsqrt(struct sw_onnx_export *ex)
{
    char *root = single(ex, "Sqrt", sw__onnx_arg(ex, 0));
    sw__onnx_put(ex, "Reciprocal", 1, &root, sw__onnx_result(ex, 0));
}

static void square(struct sw_onnx_export *ex)
{
    char *x = sw__onnx_arg(ex, 0);
    sw__onnx_put(ex, "Mul", 2, (char *[]){x, x}, sw__onnx_result(ex, 0));
}

static void scale(struct sw_onnx_export *ex)
{
    const struct sw_unary_attr *attr = ex->op->attr;
    char *in[] = {sw__onnx_arg(ex, 0), sw__onnx_put_scalar(ex, attr->a)};
    sw__onnx_put(ex, "Mul", 2, in, sw__onnx_result(ex, 0));
}

static void leaky_relu(struct sw_onnx_export *ex)
{
    const struct sw_unary_attr *attr = ex->op->attr;
    char *x = sw__onnx_arg(ex, 0);
    sw__onnx_set_f(ex, sw__onnx_put(ex, "LeakyRelu", 1, &x, sw__onnx_result(ex, 0)), "alpha",
                   attr->a);
}

static void clip(struct sw_onnx_export *ex)
{
    const struct sw_unary_attr *attr = ex->op->attr;
    char *in[] = {sw__onnx_arg(ex, 0), ex->spare_name, ex->spare_name};
    if (attr->a > -INFINITY) in[1] = sw__onnx_put_scalar(ex, attr->a);
    if (attr->b < INFINITY) in[2] = sw__onnx_put_scalar(ex, attr->b);
    sw__onnx_put(ex, "Clip", 3, in, sw__onnx_result(ex, 0));
}

static void silu(struct sw_onnx_export *ex)
{
    char *x = sw__onnx_arg(ex, 0);
    sw__onnx_put(ex, "Mul", 2, (char *[]){x, single(ex, "Sigmoid", x)}, sw__onnx_result(ex, 0));
}

/* x (1 + erf(x / sqrt 2)) / 2, node by node as PyTorch writes it. */
static void gelu(struct sw_onnx_export *ex)
{
    char *x = sw__onnx_arg(ex, 0);
    char *y = pair(ex, "Div", x, sw__onnx_put_scalar(ex, 1.41421356237f));
    y = pair(ex, "Add", single(ex, "Erf", y), sw__onnx_put_scalar(ex, 1));
    y = pair(ex, "Mul", x, y);
    sw__onnx_put(ex, "Mul", 2, (char *[]){y, sw__onnx_put_scalar(ex, 0.5f)},
                 sw__onnx_result(ex, 0));
}

/* x (1 + tanh(sqrt(2 / pi) (x + 0.044715 x^3))) / 2 */
static void gelu_tanh(struct sw_onnx_export *ex)
{
    char *x = sw__onnx_arg(ex, 0);
    char *cube = pair(ex, "Mul", x, pair(ex, "Mul", x, x));
    char *y = pair(ex, "Add", x, pair(ex, "Mul", cube, sw__onnx_put_scalar(ex, 0.044715f)));
    y = single(ex, "Tanh", pair(ex, "Mul", y, sw__onnx_put_scalar(ex, 0.79788456080f)));
    y = pair(ex, "Mul", x, pair(ex, "Add", y, sw__onnx_put_scalar(ex, 1)));
    sw__onnx_put(ex, "Mul", 2, (char *[]){y, sw__onnx_put_scalar(ex, 0.5f)},
                 sw__onnx_result(ex, 0));
}

/* Floats to integers round to even in a plan and towards zero in ONNX; what is out of range saturates here
 * and is undefined there. */
static void cast(struct sw_onnx_export *ex)
{
    const struct cast_attr *attr = ex->op->attr;
    const sw_dtype from = sw__onnx_operand(ex, 0)->dtype;
    char *x = sw__onnx_arg(ex, 0);
    int to = sw__onnx_type_of(attr->dtype);
    if (sw_dtype_get(from)->is_float && !sw_dtype_get(attr->dtype)->is_float) {
        if (from != SW_F32) x = sw__onnx_put_cast(ex, x, SW_ONNX_FLOAT);
        x = single(ex, "Round", x);
        float low = attr->dtype == SW_U8 ? 0 : attr->dtype == SW_I8 ? -128 : -2147483648.f;
        float high = attr->dtype == SW_U8   ? 255
                     : attr->dtype == SW_I8 ? 127
                                            : 2147483520.f; /* the last float below 2^31 */
        char *bounded = sw__onnx_new(ex);
        char *in[] = {x, sw__onnx_put_scalar(ex, low), sw__onnx_put_scalar(ex, high)};
        sw__onnx_put(ex, "Clip", 3, in, bounded);
        x = bounded;
    }
    sw__onnx_set_i(ex, sw__onnx_put(ex, "Cast", 1, &x, sw__onnx_result(ex, 0)), "to", to);
}

static void nothing(struct sw_onnx_export *ex)
{
    sw__onnx_alias(ex, 0, 0);
}

const struct sw_onnx_exporter sw__onnx_export_elements[] = {
    {&sw__op_addition, plain, "Add"},
    {&sw__op_sub, plain, "Sub"},
    {&sw__op_mul, plain, "Mul"},
    {&sw__op_div, plain, "Div"},
    {&sw__op_pow, plain, "Pow"},
    {&sw__op_maximum, plain, "Max"},
    {&sw__op_minimum, plain, "Min"},
    {&sw__op_equal, compare, "Equal"},
    {&sw__op_not_equal, not_equal, NULL},
    {&sw__op_less, compare, "Less"},
    {&sw__op_less_equal, compare, "LessOrEqual"},
    {&sw__op_greater, compare, "Greater"},
    {&sw__op_greater_equal, compare, "GreaterOrEqual"},
    {&sw__op_where, where, NULL},
    {&sw__op_neg, plain, "Neg"},
    {&sw__op_abs, plain, "Abs"},
    {&sw__op_exp, plain, "Exp"},
    {&sw__op_log, plain, "Log"},
    {&sw__op_sqrt, plain, "Sqrt"},
    {&sw__op_rsqrt, rsqrt, NULL},
    {&sw__op_square, square, NULL},
    {&sw__op_reciprocal, plain, "Reciprocal"},
    {&sw__op_sin, plain, "Sin"},
    {&sw__op_cos, plain, "Cos"},
    {&sw__op_tanh, plain, "Tanh"},
    {&sw__op_sigmoid, plain, "Sigmoid"},
    {&sw__op_relu, plain, "Relu"},
    {&sw__op_leaky_relu, leaky_relu, NULL},
    {&sw__op_gelu, gelu, NULL},
    {&sw__op_gelu_tanh, gelu_tanh, NULL},
    {&sw__op_silu, silu, NULL},
    {&sw__op_softplus, plain, "Softplus"},
    {&sw__op_clip, clip, NULL},
    {&sw__op_scale, scale, NULL},
    {&sw__op_cast, cast, NULL},
    {&sw__op_dropout, nothing, NULL},
    {&sw__op_stop_gradient, nothing, NULL},
    {0}};
