/* Cases of argmax, cumsum and topk.
 *
 * Indices and the numbers of topk are exact.  A cumulative sum is rounded once, 2^-24 of its value;
 * its gradient, a sum of dy in float64, twice. */
#include "op_test.h"

#include <math.h>

static int64_t inner_of(const sw_shape *x, int axis)
{
    int64_t inner = 1;
    for (int k = axis + 1; k < x->rank; k++) inner *= x->dim[k];
    return inner;
}

static bool before(double a, double b)
{
    return isnan(a) ? !isnan(b) : a > b;
}

/* ---- argmax ------------------------------------------------------------------------------------ */

struct argmax {
    int axis; /* from the front */
    bool from_end, keep;
};

static void build_argmax(sw_graph *g, sw_node *const *in, sw_node **out, const void *arg)
{
    const struct argmax *a = arg;
    int rank = sw_node_shape(in[0]).rank;
    out[0] = sw_argmax(g, in[0], a->from_end ? a->axis - rank : a->axis, a->keep);
}

static void oracle_argmax(const struct oracle_array *in, struct oracle_array *out, const void *arg)
{
    int axis = ((const struct argmax *)arg)->axis;
    const sw_shape *x = &in[0].shape;
    int64_t inner = inner_of(x, axis), rows = x->dim[axis];
    for (int64_t e = 0; e < oracle_count(out); e++) {
        const double *v = in[0].v + e / inner * rows * inner + e % inner;
        int64_t best = 0;
        for (int64_t r = 1; r < rows; r++)
            if (before(v[r * inner], v[best * inner])) best = r;
        out->v[e] = (double)best;
    }
}

/* argmax of x has no gradient, and does not stand in the way of others. */
static void build_beside(sw_graph *g, sw_node *const *in, sw_node **out, const void *arg)
{
    sw_node *at = sw_cast(g, sw_argmax(g, in[0], 1, true), SW_F32);
    out[0] = sw_add(g, sw_scale(g, at, 1), in[0]);
}

static void oracle_beside(const struct oracle_array *in, struct oracle_array *out, const void *arg)
{
    int64_t n = in[0].shape.dim[1];
    for (int64_t e = 0; e < oracle_count(out); e++) {
        const double *v = in[0].v + e / n * n;
        int64_t best = 0;
        for (int64_t r = 1; r < n; r++)
            if (v[r] > v[best]) best = r;
        out->v[e] = (double)best + in[0].v[e];
    }
}

/* ---- cumsum ------------------------------------------------------------------------------------ */

struct cumsum {
    int axis; /* from the front */
    bool from_end, exclusive, reverse;
};

static void build_cumsum(sw_graph *g, sw_node *const *in, sw_node **out, const void *arg)
{
    const struct cumsum *a = arg;
    int rank = sw_node_shape(in[0]).rank;
    out[0] = sw_cumsum(g, in[0], a->from_end ? a->axis - rank : a->axis, a->exclusive, a->reverse);
}

static void oracle_cumsum(const struct oracle_array *in, struct oracle_array *out, const void *arg)
{
    const struct cumsum *a = arg;
    int64_t inner = inner_of(&in[0].shape, a->axis), rows = in[0].shape.dim[a->axis];
    for (int64_t e = 0; e < oracle_count(out); e++) {
        int64_t r = e / inner % rows, low = a->reverse ? r : 0, high = a->reverse ? rows - 1 : r;
        if (a->exclusive && a->reverse) low++;
        if (a->exclusive && !a->reverse) high--;
        out->v[e] = 0;
        for (int64_t q = low; q <= high; q++) out->v[e] += in[0].v[e + (q - r) * inner];
    }
}

/* ---- topk -------------------------------------------------------------------------------------- */

struct topk {
    int k, axis; /* from the front */
    bool from_end;
};

static void build_topk(sw_graph *g, sw_node *const *in, sw_node **out, const void *arg)
{
    const struct topk *a = arg;
    int rank = sw_node_shape(in[0]).rank;
    out[0] = sw_topk(g, in[0], a->k, a->from_end ? a->axis - rank : a->axis);
    out[1] = sw_output(out[0], 1);
}

static void build_values(sw_graph *g, sw_node *const *in, sw_node **out, const void *arg)
{
    const struct topk *a = arg;
    out[0] = sw_topk(g, in[0], a->k, a->axis);
}

static void build_indices(sw_graph *g, sw_node *const *in, sw_node **out, const void *arg)
{
    const struct topk *a = arg;
    out[0] = sw_output(sw_topk(g, in[0], a->k, a->axis), 1);
}

/* The element that has exactly `place` others before it. */
static int64_t ranked(const double *v, int64_t rows, int64_t inner, int64_t place)
{
    for (int64_t r = 0; r < rows; r++) {
        int64_t ahead = 0;
        for (int64_t q = 0; q < rows; q++)
            ahead += before(v[q * inner], v[r * inner]) ||
                     (q < r && !before(v[r * inner], v[q * inner]));
        if (ahead == place) return r;
    }
    return -1;
}

static int64_t topk_at(const struct oracle_array *x, const struct topk *a, int64_t e, double *value)
{
    int64_t inner = inner_of(&x->shape, a->axis), rows = x->shape.dim[a->axis];
    int64_t place = e / inner % a->k, plane = e / inner / a->k;
    const double *v = x->v + plane * rows * inner + e % inner;
    int64_t at = ranked(v, rows, inner, place);
    *value = v[at * inner];
    return at;
}

static void oracle_topk(const struct oracle_array *in, struct oracle_array *out, const void *arg)
{
    for (int64_t e = 0; e < oracle_count(&out[0]); e++)
        out[1].v[e] = (double)topk_at(in, arg, e, &out[0].v[e]);
}

static void oracle_values(const struct oracle_array *in, struct oracle_array *out, const void *arg)
{
    for (int64_t e = 0; e < oracle_count(out); e++) topk_at(in, arg, e, &out->v[e]);
}

static void oracle_indices(const struct oracle_array *in, struct oracle_array *out, const void *arg)
{
    double value;
    for (int64_t e = 0; e < oracle_count(out); e++) out->v[e] = (double)topk_at(in, arg, e, &value);
}

#define S(...)                                                                                     \
    {                                                                                              \
        sizeof((int64_t[]){__VA_ARGS__}) / sizeof(int64_t),                                        \
        {                                                                                          \
            __VA_ARGS__                                                                            \
        }                                                                                          \
    }
/* clang-format off */
static const double equals[24] = {1, 2, 2, 1, 0, -0.0, NAN, 1, NAN, 3, 3, 3, INFINITY, INFINITY, 1,
                                  -INFINITY, -INFINITY, -INFINITY, 5, 5, NAN, NAN, NAN, 0};

#define ARGMAX(title, axis_, from_end, keep, rows, ...)                                            \
    {.name = title, .build = build_argmax, .oracle = oracle_argmax,                                \
     .arg = &(const struct argmax){axis_, from_end, keep}, .n_in = 1,                              \
     .in = {{.shape = S(__VA_ARGS__)}}, .batch = rows}
const struct op_case optest_argmax[] = {
    ARGMAX("last", 1, true, false, 1, 5, 100), ARGMAX("last, kept", 1, false, true, 1, 5, 100),
    ARGMAX("first", 0, false, false, 0, 100, 37), ARGMAX("middle", 1, true, true, 1, 3, 20, 17),
    ARGMAX("a vector", 0, false, false, 0, 33), ARGMAX("one", 1, false, false, 1, 4, 1, 3),
    ARGMAX("nothing", 1, false, false, 0, 0, 5), ARGMAX("many", 1, false, false, 1, 3000, 10),
    ARGMAX("wide", 1, false, false, 1, 2, 50, 700), ARGMAX("long", 1, false, false, 1, 2, 50257),
    {.name = "equal ones and NaN", .build = build_argmax, .oracle = oracle_argmax,
     .arg = &(const struct argmax){1, false, false}, .n_in = 1,
     .in = {{.shape = S(8, 3), .values = equals}}, .batch = 1},
    {.name = "equal ones and NaN, rows", .build = build_argmax, .oracle = oracle_argmax,
     .arg = &(const struct argmax){0, false, false}, .n_in = 1,
     .in = {{.shape = S(8, 3), .values = equals}}},
    {.name = "beside a gradient", .build = build_beside, .oracle = oracle_beside, .n_in = 1,
     .in = {{.shape = S(4, 9), .separate = 0.1, .grad = true}}, .tol = 0x1p-22, .grad_tol = 1e-6},
    {0}};

#define CUMSUM(title, axis_, from_end, exclusive, reverse, rows, ...)                              \
    {.name = title, .build = build_cumsum, .oracle = oracle_cumsum,                                \
     .arg = &(const struct cumsum){axis_, from_end, exclusive, reverse}, .n_in = 1,                \
     .in = {{.shape = S(__VA_ARGS__), .grad = true}}, .tol = 0x1p-23, .grad_tol = 1e-6,            \
     .batch = rows}
const struct op_case optest_cumsum[] = {
    CUMSUM("last", 1, true, false, false, 1, 5, 40),
    CUMSUM("last, exclusive", 1, false, true, false, 1, 5, 40),
    CUMSUM("last, reverse", 1, false, false, true, 1, 5, 40),
    CUMSUM("first, both", 0, false, true, true, 0, 40, 70),
    CUMSUM("middle", 1, false, false, false, 1, 3, 20, 17),
    CUMSUM("middle, exclusive", 1, true, true, false, 1, 3, 20, 33),
    CUMSUM("a vector", 0, false, false, false, 0, 33),
    CUMSUM("nothing", 1, false, false, false, 0, 3, 0),
    CUMSUM("no columns", 0, false, true, false, 0, 3, 0),
    CUMSUM("wide", 1, false, false, true, 1, 2, 30, 300),
    {.name = "special", .build = build_cumsum, .oracle = oracle_cumsum,
     .arg = &(const struct cumsum){1, false, false, false}, .n_in = 1,
     .in = {{.shape = S(6, 4), .values = equals}}, .tol = 0x1p-23, .batch = 1},
    {0}};

#define TOPK(title, k_, axis_, from_end, rows, ...)                                                \
    {.name = title, .build = build_topk, .oracle = oracle_topk,                                    \
     .arg = &(const struct topk){k_, axis_, from_end}, .n_in = 1, .n_out = 2,                      \
     .in = {{.shape = S(__VA_ARGS__), .separate = 1e-3, .grad = true}}, .grad_tol = 1e-6,          \
     .batch = rows}
#define TOPK_ONE(title, part, axis_, x)                                                            \
    {.name = title, .build = build_##part, .oracle = oracle_##part,                                \
     .arg = &(const struct topk){3, axis_, false}, .n_in = 1, .in = {{.shape = x, .separate = 0.1}}}
const struct op_case optest_topk[] = {
    TOPK("last", 5, 1, true, 1, 4, 100), TOPK("first", 3, 0, false, 0, 40, 7),
    TOPK("middle", 2, 1, false, 1, 3, 20, 17), TOPK("all", 9, 1, false, 1, 4, 9),
    TOPK("one", 1, 0, false, 0, 33), TOPK("none", 0, 1, false, 0, 3, 5),
    TOPK("nothing", 2, 1, false, 0, 0, 5), TOPK("many", 4, 1, false, 1, 2000, 12),
    TOPK_ONE("values alone", values, 1, S(5, 30)), TOPK_ONE("indices alone", indices, 1, S(5, 30)),
    TOPK_ONE("values alone, rows", values, 0, S(30, 5)),
    TOPK_ONE("indices alone, rows", indices, 0, S(30, 5)),
    {.name = "equal ones and NaN", .build = build_topk, .oracle = oracle_topk,
     .arg = &(const struct topk){5, 1, false}, .n_in = 1, .n_out = 2,
     .in = {{.shape = S(2, 12), .values = equals}}, .batch = 1},
    {0}};

const struct op_error_case optest_errors_scan[] = {
    {.name = "argmax axis", .build = build_argmax, .arg = &(const struct argmax){2, false, false},
     .n_in = 1, .in = {{.shape = S(3, 4)}}, .status = SW_ERR_SHAPE, .text = {"argmax", "2"}},
    {.name = "argmax of nothing", .build = build_argmax, .arg = &(const struct argmax){1, false, false},
     .n_in = 1, .in = {{.shape = S(3, 0)}}, .status = SW_ERR_SHAPE, .text = {"argmax", "(3,0)"}},
    {.name = "argmax of i32", .build = build_argmax, .arg = &(const struct argmax){1, false, false},
     .n_in = 1, .in = {{.shape = S(3, 2), .dtype = SW_I32, .hi = 2}}, .status = SW_ERR_DTYPE,
     .text = {"argmax", "i32"}},
    {.name = "cumsum axis", .build = build_cumsum, .arg = &(const struct cumsum){5, false, false, false},
     .n_in = 1, .in = {{.shape = S(3, 4)}}, .status = SW_ERR_SHAPE, .text = {"cumsum", "5"}},
    {.name = "topk too many", .build = build_topk, .arg = &(const struct topk){5, 1, false},
     .n_in = 1, .in = {{.shape = S(3, 4)}}, .status = SW_ERR_SHAPE, .text = {"topk", "5", "(3,4)"}},
    {.name = "topk negative", .build = build_topk, .arg = &(const struct topk){-1, 1, false},
     .n_in = 1, .in = {{.shape = S(3, 4)}}, .status = SW_ERR_ARGUMENT, .text = {"topk", "-1"}},
    {0}};
/* clang-format on */
