/* Cases of softmax, log_softmax and Gumbel-softmax.
 *
 * softmax <= 1: an exponential is off by 2^-24 * (2 + |x - max|), the sum by (n / 32 + 12) * 2^-24
 * (columns n), so 1e-6 for x in [-5, 5] and n <= 100.  log_softmax adds the rounding of results up to
 * 20.  Gumbel noise up to 17 / tau adds (3 * 17 / tau) * 2^-24 to an exponent. */
#include "op_test.h"

#include <math.h>

#include "base/rng.h"

struct softmax {
    int axis;
    bool log, hard;
    bool through; /* hard, seen through the straight-through trick */
    float tau;
};

static void build(sw_graph *g, sw_node *const *in, sw_node **out, const void *arg)
{
    const struct softmax *c = arg;
    out[0] = c->log ? sw_log_softmax(g, in[0], c->axis) : sw_softmax(g, in[0], c->axis);
}

/* n numbers, `step` apart. */
static void softmax_line(const double *x, double *y, int64_t n, int64_t step, bool log_form)
{
    double max = -INFINITY, sum = 0;
    for (int64_t i = 0; i < n; i++) max = fmax(max, x[i * step]);
    for (int64_t i = 0; i < n; i++) sum += exp(x[i * step] - max);
    for (int64_t i = 0; i < n; i++)
        y[i * step] = log_form ? x[i * step] - max - log(sum) : exp(x[i * step] - max) / sum;
}

static void oracle(const struct oracle_array *in, struct oracle_array *out, const void *arg)
{
    const struct softmax *c = arg;
    const sw_shape *x = &in[0].shape;
    int axis = c->axis < 0 ? c->axis + x->rank : c->axis;
    int64_t inner = 1, n = x->dim[axis], count = oracle_count(&in[0]);
    for (int i = axis + 1; i < x->rank; i++) inner *= x->dim[i];
    for (int64_t e = 0; e < count; e++)
        if (e / inner % n == 0) softmax_line(in[0].v + e, out[0].v + e, n, inner, c->log);
}

/* clang-format off */
#define SHAPE(...) {sizeof((int64_t[]){__VA_ARGS__}) / sizeof(int64_t), {__VA_ARGS__}}
#define CASE(title, log_form, axis_, rows, ...)                                                    \
    {.name = title, .build = build, .oracle = oracle, .tol = (log_form) ? 3e-6 : 1e-6,             \
     .batch = rows, .n_in = 1, .arg = &(const struct softmax){.axis = axis_, .log = log_form},     \
     .in = {{.shape = SHAPE(__VA_ARGS__), .lo = -5, .hi = 5, .grad = true}}}
#define CASES(log_form)                                                                            \
    CASE("last axis", log_form, -1, 1, 7, 33),                                                     \
    CASE("last axis of four", log_form, 3, 1, 2, 3, 4, 19),                                        \
    CASE("a vector", log_form, 0, 0, 100),                                                         \
    CASE("ten classes", log_form, 1, 1, 50, 10),                                                   \
    CASE("one class", log_form, 1, 1, 5, 1),                                                       \
    CASE("first axis", log_form, 0, 0, 9, 70),                                                     \
    CASE("first axis, wide", log_form, 0, 0, 5, 203),                                              \
    CASE("middle axis", log_form, 1, 1, 3, 20, 35),                                                \
    CASE("channels", log_form, -3, 1, 2, 5, 6, 7),                                                 \
    CASE("long rows", log_form, -1, 1, 3, 1200),                                                   \
    CASE("many rows", log_form, -1, 1, 2000, 17),                                                  \
    CASE("no rows", log_form, -1, 0, 0, 17),                                                       \
    CASE("no columns", log_form, -1, 0, 3, 0)
/* clang-format on */

/* Logits that exp alone could not hold, masked classes, and a row that is nothing but them. */
static const double hard_rows[] = {1e4, 1e4 - 1, 0,         -1e4,      -INFINITY, 3,
                                   2,   1,       -INFINITY, -INFINITY, -INFINITY, -INFINITY};
#define HARD_ROWS(log_form)                                                                        \
    {                                                                                              \
        .name = "large and masked logits", .build = build, .oracle = oracle, .tol = 1e-6,          \
        .n_in = 1, .arg = &(const struct softmax){.axis = -1, .log = log_form}, .in = {            \
            {.shape = {2, {3, 4}}, .values = hard_rows}                                            \
        }                                                                                          \
    }

const struct op_case optest_softmax[] = {CASES(false), HARD_ROWS(false), {0}};
const struct op_case optest_log_softmax[] = {CASES(true), HARD_ROWS(true), {0}};

/* ---- Gumbel-softmax ---------------------------------------------------------------------------- */

static void build_gumbel(sw_graph *g, sw_node *const *in, sw_node **out, const void *arg)
{
    const struct softmax *c = arg;
    out[0] = sw_gumbel_softmax(g, in[0], c->tau, c->hard);
    /* y + (s - y) without gradient is s, but what flows back goes through y. */
    if (c->through)
        out[0] = sw_add(g, out[0], sw_stop_gradient(g, sw_sub(g, sw_output(out[0], 1), out[0])));
}

/* The runner's seed is 5, its step 3; the op is the graph's first. */
static double noise(int64_t row, int64_t i, int64_t n)
{
    uint64_t stream = UINT64_C(1) << 40 ^ 3, word = (uint64_t)(row * ((n + 3) / 4 * 4) + i);
    double u = ((double)(sw__random_u32(5, stream, word) >> 9) + 0.5) * 0x1p-23;
    return -log(-log(u));
}

static void oracle_gumbel(const struct oracle_array *in, struct oracle_array *out, const void *arg)
{
    const struct softmax *c = arg;
    int64_t n = in[0].shape.dim[in[0].shape.rank - 1], count = oracle_count(&in[0]);
    for (int64_t at = 0; at < count; at += n) {
        double *y = out[0].v + at;
        int64_t best = 0;
        for (int64_t i = 0; i < n; i++)
            y[i] = (in[0].v[at + i] + noise(at / n, i, n)) / (double)c->tau;
        softmax_line(y, y, n, 1, false);
        for (int64_t i = 1; i < n; i++)
            if (y[i] > y[best]) best = i;
        for (int64_t i = 0; i < n && c->hard && !c->through; i++) y[i] = i == best;
    }
}

/* clang-format off */
#define GUMBEL(title, differentiable, tolerance, rows, shape_, ...)                                \
    {.name = title, .build = build_gumbel, .oracle = oracle_gumbel, .tol = tolerance, .batch = rows,\
     .n_in = 1, .arg = &(const struct softmax){__VA_ARGS__},                                       \
     .in = {{.shape = shape_, .lo = -2, .hi = 2, .grad = differentiable}}}

const struct op_case optest_gumbel_softmax[] = {
    GUMBEL("soft", true, 5e-6, 1, SHAPE(6, 21), .tau = 1),
    GUMBEL("soft, cold", true, 3e-5, 1, SHAPE(2, 3, 8), .tau = 0.25f),
    GUMBEL("soft, long rows", true, 5e-6, 1, SHAPE(3, 1003), .tau = 2),
    GUMBEL("hard", false, 0, 1, SHAPE(40, 13), .tau = 1, .hard = true),
    GUMBEL("straight-through", true, 5e-6, 1, SHAPE(6, 21), .tau = 0.7f, .hard = true,
           .through = true),
    GUMBEL("no rows", true, 0, 0, SHAPE(0, 13), .tau = 1),
    {0}};
