/* Cases of the unary elementwise ops and activations.
 *
 * Kernels are within 8 units in the last place (elementwise_kernels.h; gelu_tanh within 4 + 5 |u|, at
 * most 30 for |x| <= 2.5): 2^-18 of the largest value.  Slopes have at most 24 roundings and the
 * loss one more: 2e-5 of the largest, differences being exact to 1e-9. */
#include "op_test.h"

#include <math.h>

struct unary {
    sw_node *(*build)(sw_graph *g, sw_node *x);
    double (*f)(double x);
};

static double f_neg(double x)
{
    return -x;
}
static double f_rsqrt(double x)
{
    return 1 / sqrt(x);
}
static double f_square(double x)
{
    return x * x;
}
static double f_reciprocal(double x)
{
    return 1 / x;
}
static double f_sigmoid(double x)
{
    return 1 / (1 + exp(-x));
}
static double f_relu(double x)
{
    return x < 0 ? 0 : x;
}
static double f_gelu(double x)
{
    return x / 2 * erfc(-x / sqrt(2));
}
static double f_silu(double x)
{
    return x / (1 + exp(-x));
}
static double f_softplus(double x)
{
    return log1p(exp(x));
}
static double f_leaky(double x)
{
    return x < 0 ? (double)0.01f * x : x;
}
static double f_leaky_negative(double x)
{
    return x < 0 ? -0.5 * x : x;
}
static double f_clip(double x)
{
    return x < -1 ? -1 : x > 0.5 ? 0.5 : x;
}
static double f_clip_above(double x)
{
    return isnan(x) || x > 0 ? x : 0;
}
static double f_scale(double x)
{
    return -2.5 * x;
}

static double f_gelu_tanh(double x)
{
    return x / 2 * (1 + tanh(sqrt(2 / acos(-1)) * (x + 0.044715 * x * x * x)));
}

static sw_node *leaky(sw_graph *g, sw_node *x)
{
    return sw_leaky_relu(g, x, 0.01f);
}
static sw_node *leaky_negative(sw_graph *g, sw_node *x)
{
    return sw_leaky_relu(g, x, -0.5f);
}
static sw_node *leaky_zero(sw_graph *g, sw_node *x)
{
    return sw_leaky_relu(g, x, 0);
}
static sw_node *clip(sw_graph *g, sw_node *x)
{
    return sw_clip(g, x, -1, 0.5f);
}
static sw_node *clip_above(sw_graph *g, sw_node *x)
{
    return sw_clip(g, x, 0, INFINITY);
}
static sw_node *scale(sw_graph *g, sw_node *x)
{
    return sw_scale(g, x, -2.5f);
}

static void build(sw_graph *g, sw_node *const *in, sw_node **out, const void *arg)
{
    out[0] = ((const struct unary *)arg)->build(g, in[0]);
}

static void oracle(const struct oracle_array *in, struct oracle_array *out, const void *arg)
{
    for (int64_t i = 0; i < oracle_count(out); i++)
        out->v[i] = ((const struct unary *)arg)->f(in->v[i]);
}

/* f(A B), where the activation fuses into the product. */
static void build_fused(sw_graph *g, sw_node *const *in, sw_node **out, const void *arg)
{
    sw_node *x = sw_matmul(g, in[0], in[1], (sw_matmul_options){.transpose_b = false});
    out[0] = ((const struct unary *)arg)->build(g, x);
}

static void oracle_fused(const struct oracle_array *in, struct oracle_array *out, const void *arg)
{
    int64_t m = in[0].shape.dim[0], inner = in[0].shape.dim[1], n = in[1].shape.dim[1];
    for (int64_t i = 0; i < m * n; i++) {
        double x = 0;
        for (int64_t k = 0; k < inner; k++)
            x += in[0].v[i / n * inner + k] * in[1].v[k * n + i % n];
        out->v[i] = ((const struct unary *)arg)->f(x);
    }
}

#define S(...)                                                                                     \
    {                                                                                              \
        sizeof((int64_t[]){__VA_ARGS__}) / sizeof(int64_t),                                        \
        {                                                                                          \
            __VA_ARGS__                                                                            \
        }                                                                                          \
    }
/* clang-format off */
#define CASE(title, sw, fn, shape_, lo_, hi_, separate_, rows)                                     \
    {.name = title, .build = build, .oracle = oracle, .arg = &(const struct unary){sw, fn},        \
     .n_in = 1, .in = {{.shape = shape_, .lo = lo_, .hi = hi_, .separate = separate_,              \
                        .grad = true}}, .tol = 0x1p-18, .grad_tol = 2e-5, .batch = rows}
#define SHAPES(sw, fn, lo, hi)                                                                     \
    CASE("small", sw, fn, S(5, 7), lo, hi, 0, 1),                                                  \
    CASE("one number", sw, fn, {0}, lo, hi, 0, 0),                                                 \
    CASE("nothing", sw, fn, S(3, 0, 2), lo, hi, 0, 0),                                             \
    CASE("long", sw, fn, S(3, 19, 601), lo, hi, 0, 1)
#define KINKED(sw, fn)                                                                             \
    CASE("small", sw, fn, S(5, 7), 0, 0, 0.1, 1),                                                  \
    CASE("one number", sw, fn, {0}, 0, 0, 0.1, 0),                                                 \
    CASE("nothing", sw, fn, S(3, 0, 2), 0, 0, 0.1, 0),                                             \
    CASE("long", sw, fn, S(3, 19, 601), 0, 0, 1e-4, 1)
#define SPECIAL(sw, fn)                                                                            \
    {.name = "special", .build = build, .oracle = oracle, .arg = &(const struct unary){sw, fn},    \
     .n_in = 1, .in = {{.shape = S(19), .values = special}}, .tol = 0x1p-18}
#define FUSED(sw, fn)                                                                              \
    {.name = "fused", .build = build_fused, .oracle = oracle_fused,                                \
     .arg = &(const struct unary){sw, fn}, .n_in = 2,                                              \
     .in = {{.shape = S(5, 9), .grad = true}, {.shape = S(9, 21), .grad = true}},                  \
     .tol = 0x1p-18, .grad_tol = 2e-5, .batch = 1}

static const double special[19] = {NAN, INFINITY, -INFINITY, 0, -0.0, 0x1p-149, -0x1p-149, 1e-30,
                                   1, -1, 2, 3.5, -2.25, NAN, 0.5, -0.5, 0.25, 1e-3, INFINITY};

#define TABLE(title, ...) const struct op_case optest_##title[] = {__VA_ARGS__, {0}};
TABLE(neg, SHAPES(sw_neg, f_neg, -2, 2), SPECIAL(sw_neg, f_neg))
TABLE(abs, KINKED(sw_abs, fabs), SPECIAL(sw_abs, fabs))
TABLE(exp, SHAPES(sw_exp, exp, -2, 2), SPECIAL(sw_exp, exp))
TABLE(log, SHAPES(sw_log, log, 0.5, 3), SPECIAL(sw_log, log))
TABLE(sqrt, SHAPES(sw_sqrt, sqrt, 0.5, 3), SPECIAL(sw_sqrt, sqrt))
TABLE(rsqrt, SHAPES(sw_rsqrt, f_rsqrt, 0.5, 3), SPECIAL(sw_rsqrt, f_rsqrt))
TABLE(square, SHAPES(sw_square, f_square, -2, 2), SPECIAL(sw_square, f_square))
TABLE(reciprocal, SHAPES(sw_reciprocal, f_reciprocal, 0.5, 3))
TABLE(sin, SHAPES(sw_sin, sin, -9, 9), SPECIAL(sw_sin, sin))
TABLE(cos, SHAPES(sw_cos, cos, -9, 9), SPECIAL(sw_cos, cos))
TABLE(softplus, SHAPES(sw_softplus, f_softplus, -9, 9), SPECIAL(sw_softplus, f_softplus))
TABLE(scale, SHAPES(scale, f_scale, -2, 2), SPECIAL(scale, f_scale))
TABLE(tanh, SHAPES(sw_tanh, tanh, -3, 3), SPECIAL(sw_tanh, tanh), FUSED(sw_tanh, tanh))
TABLE(sigmoid, SHAPES(sw_sigmoid, f_sigmoid, -9, 9), SPECIAL(sw_sigmoid, f_sigmoid),
      FUSED(sw_sigmoid, f_sigmoid))
TABLE(relu, KINKED(sw_relu, f_relu), SPECIAL(sw_relu, f_relu), FUSED(sw_relu, f_relu))
TABLE(leaky_relu, KINKED(leaky, f_leaky), SPECIAL(leaky, f_leaky), FUSED(leaky, f_leaky),
      CASE("negative slope", leaky_negative, f_leaky_negative, S(40), 0, 0, 0.1, 0),
      CASE("slope 0", leaky_zero, f_relu, S(40), 0, 0, 0.1, 0),
      FUSED(leaky_negative, f_leaky_negative), FUSED(leaky_zero, f_relu))
TABLE(gelu, SHAPES(sw_gelu, f_gelu, -2.5, 2.5), FUSED(sw_gelu, f_gelu))
TABLE(gelu_tanh, SHAPES(sw_gelu_tanh, f_gelu_tanh, -2.5, 2.5), FUSED(sw_gelu_tanh, f_gelu_tanh))
TABLE(silu, SHAPES(sw_silu, f_silu, -9, 9), FUSED(sw_silu, f_silu))
TABLE(clip, KINKED(clip, f_clip), SPECIAL(clip, f_clip), FUSED(clip, f_clip),
      CASE("no upper bound", clip_above, f_clip_above, S(40), 0, 0, 0.1, 0),
      SPECIAL(clip_above, f_clip_above))

static void build_bad_clip(sw_graph *g, sw_node *const *in, sw_node **out, const void *arg)
{
    out[0] = sw_clip(g, in[0], 2, 1);
}

static void build_nan_clip(sw_graph *g, sw_node *const *in, sw_node **out, const void *arg)
{
    out[0] = sw_clip(g, in[0], 2, NAN);
}

const struct op_error_case optest_errors_unary[] = {
    {.name = "exp of i32", .build = build, .arg = &(const struct unary){sw_exp, exp}, .n_in = 1,
     .in = {{.shape = S(3), .dtype = SW_I32, .hi = 2}}, .status = SW_ERR_DTYPE, .text = {"exp", "i32"}},
    {.name = "relu of u8", .build = build, .arg = &(const struct unary){sw_relu, f_relu}, .n_in = 1,
     .in = {{.shape = S(3), .dtype = SW_U8, .hi = 2}}, .status = SW_ERR_DTYPE, .text = {"relu", "u8"}},
    {.name = "clip, bounds crossed", .build = build_bad_clip, .n_in = 1, .in = {{.shape = S(3)}},
     .status = SW_ERR_ARGUMENT, .text = {"clip", "2", "1"}},
    {.name = "clip, no bound", .build = build_nan_clip, .n_in = 1, .in = {{.shape = S(3)}},
     .status = SW_ERR_ARGUMENT, .text = {"clip", "nan"}},
    {0}};
/* clang-format on */
