/* Cases of cast, dropout and stop_gradient. */
#include "op_test.h"

#include <math.h>

#define S(...)                                                                                     \
    {                                                                                              \
        sizeof((int64_t[]){__VA_ARGS__}) / sizeof(int64_t),                                        \
        {                                                                                          \
            __VA_ARGS__                                                                            \
        }                                                                                          \
    }

/* ---- cast: exact, as the definition rounds once ------------------------------------------------ */

static void build_cast(sw_graph *g, sw_node *const *in, sw_node **out, const void *arg)
{
    out[0] = sw_cast(g, in[0], *(const sw_dtype *)arg);
}

/* To `bits` of significand, ties to even; the values of the cases are within the normal range. */
static double round_to(double x, int bits)
{
    int exponent;
    if (isnan(x) || isinf(x)) return x;
    frexp(x, &exponent);
    double unit = ldexp(1, exponent - bits);
    return rint(x / unit) * unit;
}

static double cast_to(double x, sw_dtype t)
{
    switch (t) {
    case SW_F32: return round_to(x, 24);
    case SW_F16: return round_to(x, 11);
    case SW_BF16: return round_to(x, 8);
    case SW_I32: return isnan(x) ? 0 : fmin(0x1p31 - 1, fmax(-0x1p31, rint(x)));
    case SW_I8: return isnan(x) ? 0 : fmin(127, fmax(-128, rint(x)));
    default: return isnan(x) ? 0 : fmin(255, fmax(0, rint(x)));
    }
}

static void oracle_cast(const struct oracle_array *in, struct oracle_array *out, const void *arg)
{
    for (int64_t i = 0; i < oracle_count(out); i++)
        out->v[i] = cast_to(in->v[i], *(const sw_dtype *)arg);
}

/* There and back: in f32 the rounding shows as 2^-9 of the value, and the gradient passes. */
static void build_through(sw_graph *g, sw_node *const *in, sw_node **out, const void *arg)
{
    out[0] = sw_cast(g, sw_cast(g, in[0], *(const sw_dtype *)arg), SW_F32);
}

static void oracle_same(const struct oracle_array *in, struct oracle_array *out, const void *arg)
{
    for (int64_t i = 0; i < oracle_count(out); i++) out->v[i] = in->v[i];
}

/* clang-format off */
static const double edges[12] = {NAN, INFINITY, -INFINITY, 127.5, 126.5, -128.5, 255.5, -0.5, 0.5,
                                 3e9, -3e9, 2147483520.};
static const double integers[8] = {-2147483648., 2147483647., 0, -1, 255, 256, -129, 16777217};

#define CAST(from, to, low, high)                                                                  \
    {.name = #from " to " #to, .build = build_cast, .oracle = oracle_cast,                         \
     .arg = &(const sw_dtype){to}, .n_in = 1, .batch = 1,                                          \
     .in = {{.shape = S(5, 13), .dtype = from, .lo = low, .hi = high}}}
#define FROM(from, low, high)                                                                      \
    CAST(from, SW_F32, low, high), CAST(from, SW_F16, low, high), CAST(from, SW_BF16, low, high),  \
    CAST(from, SW_I32, low, high), CAST(from, SW_I8, low, high), CAST(from, SW_U8, low, high)
#define EDGES(from, to, numbers, n)                                                                \
    {.name = "edges of " #from " to " #to, .build = build_cast, .oracle = oracle_cast,             \
     .arg = &(const sw_dtype){to}, .n_in = 1,                                                      \
     .in = {{.shape = S(n), .dtype = from, .values = numbers}}}

const struct op_case optest_cast[] = {
    FROM(SW_F32, -300, 300), FROM(SW_F16, -300, 300), FROM(SW_BF16, -300, 300),
    FROM(SW_I32, -60000, 60000), FROM(SW_I8, -128, 127), FROM(SW_U8, 0, 255),
    EDGES(SW_F32, SW_I32, edges, 12), EDGES(SW_F32, SW_I8, edges, 12),
    EDGES(SW_F32, SW_U8, edges, 12), EDGES(SW_I32, SW_F32, integers, 8),
    EDGES(SW_I32, SW_I8, integers, 8), EDGES(SW_I32, SW_U8, integers, 8),
    {.name = "long", .build = build_cast, .oracle = oracle_cast, .arg = &(const sw_dtype){SW_BF16},
     .n_in = 1, .in = {{.shape = S(3, 16390)}}, .batch = 1},
    {.name = "nothing", .build = build_cast, .oracle = oracle_cast,
     .arg = &(const sw_dtype){SW_I8}, .n_in = 1, .in = {{.shape = S(3, 0)}}},
    {.name = "through bf16", .build = build_through, .oracle = oracle_same,
     .arg = &(const sw_dtype){SW_BF16}, .n_in = 1, .in = {{.shape = S(7, 9), .grad = true}},
     .tol = 0x1p-9, .grad_tol = 1e-6},
    {.name = "through f32", .build = build_through, .oracle = oracle_same,
     .arg = &(const sw_dtype){SW_F32}, .n_in = 1, .in = {{.shape = S(7, 9), .grad = true}},
     .grad_tol = 1e-6},
    {0}};
/* clang-format on */

/* ---- dropout: which elements stay is seen by undoing it ---------------------------------------- */

/* y = 0 ? x : (1 - p) y is x again; so is its derivative, if the backward op dropped the same ones:
 * 1 from `where` for those that went, (1 - p) / (1 - p) for those that stayed.  Two roundings and
 * that of 1 / (1 - p). */
static void build_undone(sw_graph *g, sw_node *const *in, sw_node **out, const void *arg)
{
    float p = *(const float *)arg;
    sw_node *y = sw_dropout(g, in[0], p);
    out[0] = sw_where(g, sw_equal(g, y, sw_scalar(g, 0)), in[0], sw_scale(g, y, 1 - p));
}

static void build_dropout(sw_graph *g, sw_node *const *in, sw_node **out, const void *arg)
{
    out[0] = sw_dropout(g, in[0], *(const float *)arg);
}

static void oracle_zero(const struct oracle_array *in, struct oracle_array *out, const void *arg)
{
    for (int64_t i = 0; i < oracle_count(out); i++) out->v[i] = 0;
}

/* How many of the n elements stayed, over n: 1 - p, within five deviations sqrt(p (1 - p) / n). */
static void build_share(sw_graph *g, sw_node *const *in, sw_node **out, const void *arg)
{
    sw_node *y = sw_dropout(g, in[0], *(const float *)arg);
    sw_node *stays = sw_cast(g, sw_not_equal(g, y, sw_scalar(g, 0)), SW_F32);
    out[0] = sw_mean(g, stays, (sw_reduce_options){.n_axes = 0});
}

static void oracle_share(const struct oracle_array *in, struct oracle_array *out, const void *arg)
{
    out->v[0] = 1 - (double)*(const float *)arg;
}

/* clang-format off */
#define UNDONE(title, p, rows, ...)                                                                \
    {.name = title, .build = build_undone, .oracle = oracle_same, .arg = &(const float){p},        \
     .n_in = 1, .in = {{.shape = S(__VA_ARGS__), .lo = 1, .hi = 2, .grad = true}},                 \
     .tol = 0x1p-22, .grad_tol = 1e-6, .batch = rows}
#define SHARE(p, tolerance)                                                                        \
    {.name = "share " #p, .build = build_share, .oracle = oracle_share, .arg = &(const float){p},  \
     .n_in = 1, .in = {{.shape = S(200, 100), .lo = 1, .hi = 2}}, .tol = tolerance}

const struct op_case optest_dropout[] = {
    UNDONE("half", 0.5f, 1, 7, 13), UNDONE("tenth", 0.1f, 1, 3, 5, 31),
    UNDONE("long", 0.3f, 1, 2, 30011), UNDONE("p = 0", 0, 1, 7, 13),
    UNDONE("nothing", 0.5f, 0, 3, 0),
    {.name = "p = 1", .build = build_dropout, .oracle = oracle_zero, .arg = &(const float){1},
     .n_in = 1, .in = {{.shape = S(7, 13), .lo = 1, .hi = 2, .grad = true}}},
    SHARE(0.5f, 0.0177), SHARE(0.1f, 0.0107), SHARE(0.9f, 0.0107),
    {0}};

/* ---- stop_gradient ----------------------------------------------------------------------------- */

static const double held[6] = {0.5, -2, 3, 0.25, -1, 4};
/* clang-format on */

/* stop(x) y: for the derivative x is the constant `held`. */
static void build_stop(sw_graph *g, sw_node *const *in, sw_node **out, const void *arg)
{
    out[0] = sw_mul(g, sw_stop_gradient(g, in[0]), in[1]);
}

static void oracle_stop(const struct oracle_array *in, struct oracle_array *out, const void *arg)
{
    for (int64_t i = 0; i < oracle_count(out); i++) out->v[i] = held[i] * in[1].v[i];
}

const struct op_case optest_stop_gradient[] = {
    {.name = "held",
     .build = build_stop,
     .oracle = oracle_stop,
     .n_in = 2,
     .in = {{.shape = S(2, 3), .values = held, .grad = true}, {.shape = S(2, 3), .grad = true}},
     .tol = 0x1p-22,
     .grad_tol = 1e-6},
    {0}};

/* ---- errors ------------------------------------------------------------------------------------ */

const struct op_error_case optest_errors_cast[] = {
    {.name = "cast to a block type",
     .build = build_cast,
     .arg = &(const sw_dtype){SW_Q8_0},
     .n_in = 1,
     .in = {{.shape = S(32)}},
     .status = SW_ERR_DTYPE,
     .text = {"cast", "q8_0"}},
    {.name = "cast to nothing",
     .build = build_cast,
     .arg = &(const sw_dtype){(sw_dtype)99},
     .n_in = 1,
     .in = {{.shape = S(32)}},
     .status = SW_ERR_DTYPE,
     .text = {"cast"}},
    {.name = "cast from a block type",
     .build = build_cast,
     .arg = &(const sw_dtype){SW_F32},
     .n_in = 1,
     .in = {{.shape = S(32), .dtype = SW_Q4_0}},
     .status = SW_ERR_DTYPE,
     .text = {"cast", "q4_0"}},
    {.name = "dropout p",
     .build = build_dropout,
     .arg = &(const float){1.5f},
     .n_in = 1,
     .in = {{.shape = S(3)}},
     .status = SW_ERR_ARGUMENT,
     .text = {"dropout", "1.5"}},
    {.name = "dropout NaN",
     .build = build_dropout,
     .arg = &(const float){NAN},
     .n_in = 1,
     .in = {{.shape = S(3)}},
     .status = SW_ERR_ARGUMENT,
     .text = {"dropout", "nan"}},
    {.name = "dropout of i32",
     .build = build_dropout,
     .arg = &(const float){0.5f},
     .n_in = 1,
     .in = {{.shape = S(3), .dtype = SW_I32, .hi = 3}},
     .status = SW_ERR_DTYPE,
     .text = {"dropout", "i32"}},
    {0}};
