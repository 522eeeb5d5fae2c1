/* Cases of the elementwise ops of two and three operands.  One rounding each: |error| <= 2^-24 |y|;
 * pow within 1.5 units in the last place: 1.5 * 2^-23 |y|. */
#include "op_test.h"

#include <math.h>

typedef sw_node *builder(sw_graph *g, sw_node *a, sw_node *b);
typedef double function(double a, double b);

struct binary {
    builder *build;
    function *f;
};

static double f_add(double a, double b)
{
    return a + b;
}
static double f_sub(double a, double b)
{
    return a - b;
}
static double f_mul(double a, double b)
{
    return a * b;
}
static double f_div(double a, double b)
{
    return a / b;
}
static double f_pow(double a, double b)
{
    return pow(a, b);
}
static double f_max(double a, double b)
{
    return a > b ? a : b;
}
static double f_min(double a, double b)
{
    return a < b ? a : b;
}
static double f_int_div(double a, double b)
{
    return b == 0 ? 0 : trunc(a / b);
}
static double f_eq(double a, double b)
{
    return a == b;
}
static double f_ne(double a, double b)
{
    return a != b;
}
static double f_lt(double a, double b)
{
    return a < b;
}
static double f_le(double a, double b)
{
    return a <= b;
}
static double f_gt(double a, double b)
{
    return a > b;
}
static double f_ge(double a, double b)
{
    return a >= b;
}

static void build(sw_graph *g, sw_node *const *in, sw_node **out, const void *arg)
{
    out[0] = ((const struct binary *)arg)->build(g, in[0], in[1]);
}

static void build_where(sw_graph *g, sw_node *const *in, sw_node **out, const void *arg)
{
    out[0] = sw_where(g, in[0], in[1], in[2]);
}

/* Walk the result, with each operand's element beside it. */
static void walk(const struct oracle_array *in, int n_in, struct oracle_array *out,
                 double (*f)(const double *v, const void *arg), const void *arg)
{
    int64_t stride[3][SW_MAX_RANK];
    int rank = out->shape.rank;
    for (int i = 0; i < n_in; i++) oracle_strides(&in[i].shape, rank, stride[i]);
    for (int64_t e = 0; e < oracle_count(out); e++) {
        int64_t rest = e, at[3] = {0};
        double v[3];
        for (int d = rank - 1; d >= 0; d--) {
            for (int i = 0; i < n_in; i++) at[i] += rest % out->shape.dim[d] * stride[i][d];
            rest /= out->shape.dim[d];
        }
        for (int i = 0; i < n_in; i++) v[i] = in[i].v[at[i]];
        out->v[e] = f(v, arg);
    }
}

static double apply(const double *v, const void *arg)
{
    return ((const struct binary *)arg)->f(v[0], v[1]);
}

static void oracle(const struct oracle_array *in, struct oracle_array *out, const void *arg)
{
    walk(in, 2, out, apply, arg);
}

static double choose(const double *v, const void *arg)
{
    return v[0] != 0 ? v[1] : v[2];
}

static void oracle_where(const struct oracle_array *in, struct oracle_array *out, const void *arg)
{
    walk(in, 3, out, choose, arg);
}

#define S(...)                                                                                     \
    {                                                                                              \
        sizeof((int64_t[]){__VA_ARGS__}) / sizeof(int64_t),                                        \
        {                                                                                          \
            __VA_ARGS__                                                                            \
        }                                                                                          \
    }
/* clang-format off */
#define CASE(title, sw, fn, a_, b_, lo_, hi_, rows)                                                \
    {.name = title, .build = build, .oracle = oracle, .arg = &(const struct binary){sw, fn},       \
     .n_in = 2, .in = {{.shape = a_, .lo = lo_, .hi = hi_, .grad = true},                          \
                       {.shape = b_, .lo = lo_, .hi = hi_, .grad = true}},                         \
     .tol = 0x1p-22, .batch = rows}
#define SHAPES(sw, fn, lo, hi)                                                                     \
    CASE("same", sw, fn, S(3, 5, 7), S(3, 5, 7), lo, hi, 3),                                       \
    CASE("scalar right", sw, fn, S(4, 9), (sw_shape){0}, lo, hi, 1),                               \
    CASE("scalar left", sw, fn, S(1), S(4, 9), lo, hi, 2),                                         \
    CASE("row", sw, fn, S(4, 3, 33), S(33), lo, hi, 1),                                            \
    CASE("column", sw, fn, S(4, 3, 5), S(4, 3, 1), lo, hi, 3),                                     \
    CASE("channels", sw, fn, S(2, 3, 4, 5), S(3, 1, 1), lo, hi, 1),                                \
    CASE("outer", sw, fn, S(6, 1), S(1, 7), lo, hi, 1),                                            \
    CASE("middle", sw, fn, S(2, 1, 5, 1), S(2, 3, 1, 4), lo, hi, 3),                               \
    CASE("nothing", sw, fn, S(0, 3), S(1, 3), lo, hi, 0),                                          \
    CASE("long", sw, fn, S(3, 6001), S(3, 6001), lo, hi, 3)
#define INTS(sw, fn)                                                                               \
    {.name = "i32", .build = build, .oracle = oracle, .arg = &(const struct binary){sw, fn},       \
     .n_in = 2, .in = {{.shape = S(4, 9), .dtype = SW_I32, .lo = -9, .hi = 9},                     \
                       {.shape = S(9), .dtype = SW_I32, .lo = -9, .hi = 9}}, .batch = 1}

const struct op_case optest_addition[] = {SHAPES(sw_add, f_add, -1, 1), INTS(sw_add, f_add), {0}};
const struct op_case optest_sub[] = {SHAPES(sw_sub, f_sub, -1, 1), INTS(sw_sub, f_sub), {0}};
const struct op_case optest_mul[] = {SHAPES(sw_mul, f_mul, -1, 1), INTS(sw_mul, f_mul), {0}};
const struct op_case optest_div[] = {SHAPES(sw_div, f_div, 0.5, 2), INTS(sw_div, f_int_div), {0}};
const struct op_case optest_pow[] = {
    SHAPES(sw_pow, f_pow, 0.5, 2),
    {.name = "where a or b is 0", .build = build, .oracle = oracle,
     .arg = &(const struct binary){sw_pow, f_pow}, .n_in = 2,
     .in = {{.shape = S(5), .values = (const double[]){0, 2, 3, 0.5, 0}, .grad = true},
            {.shape = S(5), .values = (const double[]){2, 0, 1, 3, 3}, .grad = true}},
     .tol = 0x1p-22, .batch = 3},
    {0}};
const struct op_case optest_maximum[] = {SHAPES(sw_maximum, f_max, -1, 1), INTS(sw_maximum, f_max), {0}};
const struct op_case optest_minimum[] = {SHAPES(sw_minimum, f_min, -1, 1), INTS(sw_minimum, f_min), {0}};

#define COMPARE(sw, fn)                                                                            \
    {{.name = "f32", .build = build, .oracle = oracle, .arg = &(const struct binary){sw, fn},      \
      .n_in = 2, .in = {{.shape = S(5, 40), .lo = -3, .hi = 3, .values = repeats},                 \
                        {.shape = S(40), .lo = -3, .hi = 3, .values = repeats + 3}}, .batch = 1},  \
     INTS(sw, fn), {0}}

/* Values that are often equal, with NaN and infinities among them. */
static const double repeats[203] = {
    0, 1, 2, -0.0, 3, NAN, 1, 2, INFINITY, -INFINITY, 1, 0, 2, 2, 1, NAN, 5, INFINITY, 0.5, 0.25,
    1, 1, 1, 2, 2, 2, 0, 0, 0, -1, -2, -3, 1, 2, 3, -1, -2, -3, 4, 4, 5, 5, 6, 6, 7, 7, 8, 8};

const struct op_case optest_equal[] = COMPARE(sw_equal, f_eq);
const struct op_case optest_not_equal[] = COMPARE(sw_not_equal, f_ne);
const struct op_case optest_less[] = COMPARE(sw_less, f_lt);
const struct op_case optest_less_equal[] = COMPARE(sw_less_equal, f_le);
const struct op_case optest_greater[] = COMPARE(sw_greater, f_gt);
const struct op_case optest_greater_equal[] = COMPARE(sw_greater_equal, f_ge);

#define WHERE(title, c_, a_, b_, rows)                                                             \
    {.name = title, .build = build_where, .oracle = oracle_where, .n_in = 3,                       \
     .in = {{.shape = c_, .dtype = SW_U8, .lo = 0, .hi = 1}, {.shape = a_, .grad = true},          \
            {.shape = b_, .grad = true}}, .batch = rows}
const struct op_case optest_where[] = {
    WHERE("same", S(4, 33), S(4, 33), S(4, 33), 7),
    WHERE("scalars", S(4, 33), (sw_shape){0}, S(1), 1),
    WHERE("rows", S(4, 1), S(33), S(4, 33), 5),
    WHERE("all broadcast", S(2, 1, 1), S(1, 3, 1), S(5), 1),
    WHERE("long", S(40000), S(40000), S(1), 0),
    {.name = "i32", .build = build_where, .oracle = oracle_where, .n_in = 3,
     .in = {{.shape = S(4, 5), .dtype = SW_U8, .lo = 0, .hi = 1},
            {.shape = S(4, 5), .dtype = SW_I32, .lo = -99, .hi = 99},
            {.shape = S(5), .dtype = SW_I32, .lo = -99, .hi = 99}}, .batch = 3},
    {0}};

const struct op_error_case optest_errors_binary[] = {
    {.name = "shapes", .build = build, .arg = &(const struct binary){sw_add, f_add}, .n_in = 2,
     .in = {{.shape = S(3, 4)}, {.shape = S(3, 5)}}, .status = SW_ERR_SHAPE,
     .text = {"add", "(3,4)", "(3,5)", "broadcast"}},
    {.name = "dtypes", .build = build, .arg = &(const struct binary){sw_mul, f_mul}, .n_in = 2,
     .in = {{.shape = S(3)}, {.shape = S(3), .dtype = SW_I32, .hi = 2}}, .status = SW_ERR_DTYPE,
     .text = {"mul", "f32", "i32"}},
    {.name = "bytes", .build = build, .arg = &(const struct binary){sw_less, f_lt}, .n_in = 2,
     .in = {{.shape = S(3), .dtype = SW_U8, .hi = 2}, {.shape = S(3), .dtype = SW_U8, .hi = 2}},
     .status = SW_ERR_DTYPE, .text = {"less", "u8"}},
    {.name = "condition", .build = build_where, .n_in = 3,
     .in = {{.shape = S(3)}, {.shape = S(3)}, {.shape = S(3)}}, .status = SW_ERR_DTYPE,
     .text = {"where", "u8"}},
    {0}};
/* clang-format on */
