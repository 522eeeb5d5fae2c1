/* Cases of sum, mean, max, min.
 *
 * A sum of n numbers below 1 in magnitude: at most (n / 32 + 16 + blocks) roundings of eps / 2 on the
 * way of each, 2^-24 each, times sum |x| <= n / 2 on average; the runner scales by max(1, |y|). */
#include "op_test.h"

#include <math.h>

enum kind { SUM, MEAN, MAX, MIN };

struct reduce {
    enum kind kind;
    sw_reduce_options o;
};

static void build(sw_graph *g, sw_node *const *in, sw_node **out, const void *arg)
{
    const struct reduce *r = arg;
    switch (r->kind) {
    case SUM: out[0] = sw_sum(g, in[0], r->o); break;
    case MEAN: out[0] = sw_mean(g, in[0], r->o); break;
    case MAX: out[0] = sw_max(g, in[0], r->o); break;
    case MIN: out[0] = sw_min(g, in[0], r->o); break;
    }
}

static void oracle(const struct oracle_array *in, struct oracle_array *out, const void *arg)
{
    const struct reduce *r = arg;
    const sw_shape *x = &in[0].shape;
    bool gone[SW_MAX_RANK] = {false};
    double count = 1;
    for (int i = 0; i < r->o.n_axes; i++)
        gone[r->o.axes[i] < 0 ? r->o.axes[i] + x->rank : r->o.axes[i]] = true;
    for (int i = 0; i < x->rank; i++) {
        if (r->o.n_axes == 0) gone[i] = true;
        if (gone[i]) count *= (double)x->dim[i];
    }
    for (int64_t e = 0; e < oracle_count(&out[0]); e++)
        out[0].v[e] = r->kind == MAX ? -INFINITY : r->kind == MIN ? INFINITY : 0;
    for (int64_t e = 0; e < oracle_count(&in[0]); e++) {
        int64_t rest = e, at = 0, stride = 1;
        for (int d = x->rank - 1; d >= 0; d--) {
            if (!gone[d]) {
                at += rest % x->dim[d] * stride;
                stride *= x->dim[d];
            }
            rest /= x->dim[d];
        }
        double v = in[0].v[e], *y = &out[0].v[at];
        *y = r->kind == MAX ? fmax(*y, v) : r->kind == MIN ? fmin(*y, v) : *y + v;
    }
    for (int64_t e = 0; r->kind == MEAN && e < oracle_count(&out[0]); e++) out[0].v[e] /= count;
}

#define S(...)                                                                                     \
    {                                                                                              \
        sizeof((int64_t[]){__VA_ARGS__}) / sizeof(int64_t),                                        \
        {                                                                                          \
            __VA_ARGS__                                                                            \
        }                                                                                          \
    }
/* clang-format off */
#define CASE(title, kind_, x_, n_, keep, rows, tol_, ...)                                          \
    {.name = title, .build = build, .oracle = oracle,                                              \
     .arg = &(const struct reduce){kind_, {.axes = {__VA_ARGS__}, .n_axes = n_, .keepdims = keep}},\
     .n_in = 1, .in = {{.shape = x_, .grad = true, .separate = (kind_) >= MAX ? 1e-3 : 0}},        \
     .tol = (kind_) >= MAX ? 0 : tol_, .batch = rows}
#define CASES(kind)                                                                                \
    CASE("all", kind, S(3, 5, 7), 0, false, 0, 1e-5, 0),                                           \
    CASE("last", kind, S(6, 100), 1, false, 1, 1e-5, -1),                                          \
    CASE("last, kept", kind, S(6, 100), 1, true, 1, 1e-5, 1),                                      \
    CASE("first", kind, S(100, 6), 1, false, 0, 1e-5, 0),                                          \
    CASE("middle", kind, S(4, 50, 7), 1, false, 1, 1e-5, 1),                                       \
    CASE("channels stay", kind, S(4, 3, 5, 6), 3, false, 0, 1e-5, 0, 2, 3),                        \
    CASE("outer and inner, kept", kind, S(4, 3, 5), 2, true, 0, 1e-5, -1, 0),                      \
    CASE("a vector", kind, S(33), 1, false, 0, 1e-5, 0),                                           \
    CASE("size one", kind, S(3, 1, 4), 1, false, 1, 1e-5, 1),                                      \
    CASE("long, in blocks", kind, S(3, 40000), 1, false, 1, 4e-4, 1),                              \
    CASE("many rows, in blocks", kind, S(20000, 3), 1, false, 0, 4e-4, 0),                         \
    CASE("wide", kind, S(2, 40, 5000), 1, false, 1, 1e-5, 1)

const struct op_case optest_sum[] = {CASES(SUM), CASE("nothing", SUM, S(3, 0), 1, false, 0, 0, 1), {0}};
const struct op_case optest_mean[] = {CASES(MEAN), {0}};
const struct op_case optest_max[] = {CASES(MAX), {0}};
const struct op_case optest_min[] = {CASES(MIN), {0}};

const struct op_error_case optest_errors_reduce[] = {
    {.name = "axis", .build = build, .arg = &(const struct reduce){SUM, {.axes = {2}, .n_axes = 1}},
     .n_in = 1, .in = {{.shape = S(3, 4)}}, .status = SW_ERR_SHAPE, .text = {"sum", "(3,4)", "axis 2"}},
    {.name = "axis twice", .build = build,
     .arg = &(const struct reduce){MEAN, {.axes = {1, -1}, .n_axes = 2}}, .n_in = 1,
     .in = {{.shape = S(3, 4)}}, .status = SW_ERR_SHAPE, .text = {"mean", "twice"}},
    {.name = "nothing", .build = build, .arg = &(const struct reduce){MAX, {.axes = {1}, .n_axes = 1}},
     .n_in = 1, .in = {{.shape = S(3, 0)}}, .status = SW_ERR_SHAPE, .text = {"max", "nothing"}},
    {.name = "dtype", .build = build, .arg = &(const struct reduce){SUM, {.n_axes = 0}}, .n_in = 1,
     .in = {{.shape = S(3), .dtype = SW_I32, .hi = 3}}, .status = SW_ERR_DTYPE, .text = {"sum", "i32"}},
    {0}};
/* clang-format on */
