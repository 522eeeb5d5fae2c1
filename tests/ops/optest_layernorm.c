/* Cases of layer, RMS and group norm.
 *
 * Tolerances.  A row of n numbers of size 2: its mean is off by at most (n / 32 + 12) * 2^-24 * 2 and
 * rstd by the same share of itself; both pass into y = xhat * gamma + beta with |xhat| below 4 and
 * |gamma| below 2.  For n = 1000 this is 5e-6 * 8; rows whose variance is near 0 multiply the mean's
 * error by rstd <= 316. */
#include "op_test.h"

#include <math.h>

struct norm {
    float eps;
    int groups;
    bool gamma, beta; /* present, as inputs in this order */
    bool apart;       /* gamma and beta by separate ops, for fusion to find */
    bool relu;        /* followed by a relu */
};

static sw_node *operand(sw_node *const *in, bool present, int i)
{
    return present ? in[i] : NULL;
}

/* One group of n numbers `step` apart: xhat. */
static void normalise(const double *x, double *y, int64_t n, double eps, bool centred)
{
    double mean = 0, square = 0;
    for (int64_t i = 0; i < n; i++) mean += x[i] / (double)n;
    if (!centred) mean = 0;
    for (int64_t i = 0; i < n; i++) square += (x[i] - mean) * (x[i] - mean);
    for (int64_t i = 0; i < n; i++) y[i] = (x[i] - mean) / sqrt(square / (double)n + eps);
}

static void rows_oracle(const struct oracle_array *in, struct oracle_array *out, const void *arg,
                        bool centred, double eps)
{
    const struct norm *c = arg;
    int64_t n = in[0].shape.dim[in[0].shape.rank - 1], count = oracle_count(&in[0]);
    const double *gamma = c->gamma ? in[1].v : NULL, *beta = c->beta ? in[1 + c->gamma].v : NULL;
    for (int64_t at = 0; at < count; at += n)
        normalise(in[0].v + at, out[0].v + at, n, eps, centred);
    for (int64_t i = 0; i < count; i++) {
        if (gamma) out[0].v[i] *= gamma[i % n];
        if (beta) out[0].v[i] += beta[i % n];
    }
}

static void build_layernorm(sw_graph *g, sw_node *const *in, sw_node **out, const void *arg)
{
    const struct norm *c = arg;
    sw_node *gamma = operand(in, c->gamma, 1), *beta = operand(in, c->beta, 1 + c->gamma);
    if (!c->apart) {
        out[0] = sw_layernorm(g, in[0], gamma, beta, c->eps);
        return;
    }
    out[0] = sw_mul(g, sw_layernorm(g, in[0], NULL, NULL, c->eps), gamma);
    if (beta) out[0] = sw_add(g, out[0], beta);
}

static void oracle_layernorm(const struct oracle_array *in, struct oracle_array *out,
                             const void *arg)
{
    float eps = ((const struct norm *)arg)->eps;
    rows_oracle(in, out, arg, true, eps > 0 ? (double)eps : 1e-5);
}

static void build_rmsnorm(sw_graph *g, sw_node *const *in, sw_node **out, const void *arg)
{
    const struct norm *c = arg;
    sw_node *gamma = operand(in, c->gamma, 1);
    out[0] = c->apart ? sw_mul(g, gamma, sw_rmsnorm(g, in[0], NULL, c->eps))
                      : sw_rmsnorm(g, in[0], gamma, c->eps);
}

static void oracle_rmsnorm(const struct oracle_array *in, struct oracle_array *out, const void *arg)
{
    float eps = ((const struct norm *)arg)->eps;
    rows_oracle(in, out, arg, false, eps > 0 ? (double)eps : 1e-6);
}

static void build_groupnorm(sw_graph *g, sw_node *const *in, sw_node **out, const void *arg)
{
    const struct norm *c = arg;
    out[0] = sw_groupnorm(g, in[0], operand(in, c->gamma, 1), operand(in, c->beta, 1 + c->gamma),
                          c->groups, c->eps);
    if (c->relu) out[0] = sw_relu(g, out[0]);
}

static void oracle_groupnorm(const struct oracle_array *in, struct oracle_array *out,
                             const void *arg)
{
    const struct norm *c = arg;
    const sw_shape *x = &in[0].shape;
    int64_t count = oracle_count(&in[0]), channels = x->dim[1];
    if (count == 0) return;
    int64_t plane = count / x->dim[0] / channels, size = channels / c->groups * plane;
    const double *gamma = c->gamma ? in[1].v : NULL, *beta = c->beta ? in[1 + c->gamma].v : NULL;
    for (int64_t at = 0; at < count; at += size)
        normalise(in[0].v + at, out[0].v + at, size, c->eps > 0 ? (double)c->eps : 1e-5, true);
    for (int64_t i = 0; i < count; i++) {
        int64_t channel = i / plane % channels;
        if (gamma) out[0].v[i] *= gamma[channel];
        if (beta) out[0].v[i] += beta[channel];
        if (c->relu && out[0].v[i] < 0) out[0].v[i] = 0;
    }
}

#define S(...)                                                                                     \
    {                                                                                              \
        sizeof((int64_t[]){__VA_ARGS__}) / sizeof(int64_t),                                        \
        {                                                                                          \
            __VA_ARGS__                                                                            \
        }                                                                                          \
    }
#define NORM(...)                                                                                  \
    .arg = &(const struct norm)                                                                    \
    {                                                                                              \
        __VA_ARGS__                                                                                \
    }
#define X(s)                                                                                       \
    {                                                                                              \
        .shape = s, .lo = -2, .hi = 3, .grad = true                                                \
    }
#define V(n)                                                                                       \
    {                                                                                              \
        .shape = {1, {n}}, .lo = -2, .hi = 2, .grad = true, .weight = true                         \
    }
/* clang-format off */
#define CASE(op, title, tolerance, rows, inputs, ...)                                              \
    .name = title, .build = build_##op, .oracle = oracle_##op, .tol = tolerance, .batch = rows,    \
    .n_in = inputs, .in = {__VA_ARGS__}

const struct op_case optest_layernorm[] = {
    {CASE(layernorm, "plain", 1e-5, 1, 1, X(S(7, 33))), NORM(0)},
    {CASE(layernorm, "gamma and beta", 1e-5, 1, 3, X(S(5, 64)), V(64), V(64)),
     NORM(.gamma = true, .beta = true)},
    {CASE(layernorm, "gamma", 1e-5, 1, 2, X(S(5, 3, 17)), V(17)), NORM(.gamma = true)},
    {CASE(layernorm, "beta", 1e-5, 1, 2, X(S(2, 3, 4, 9)), V(9)), NORM(.beta = true)},
    {CASE(layernorm, "a vector", 1e-5, 0, 3, X(S(50)), V(50), V(50)),
     NORM(.gamma = true, .beta = true)},
    {CASE(layernorm, "one number a row", 1e-5, 1, 2, X(S(4, 1)), V(1)), NORM(.beta = true)},
    {CASE(layernorm, "large eps", 1e-5, 1, 1, X(S(3, 20))), NORM(.eps = 0.5f)},
    {CASE(layernorm, "many rows, chunks of sums", 1e-5, 1, 3, X(S(1100, 5)), V(5), V(5)),
     NORM(.gamma = true, .beta = true), .grad_tol = 4e-3},
    {CASE(layernorm, "long rows", 5e-5, 1, 3, X(S(3, 1500)), V(1500), V(1500)),
     NORM(.gamma = true, .beta = true)},
    {CASE(layernorm, "fused scale and bias", 1e-5, 1, 3, X(S(5, 40)), V(40), V(40)),
     NORM(.gamma = true, .beta = true, .apart = true)},
    {CASE(layernorm, "no rows", 0, 0, 3, X(S(0, 8)), V(8), V(8)),
     NORM(.gamma = true, .beta = true)},
    {CASE(layernorm, "no columns", 0, 0, 1, X(S(4, 0))), NORM(0)},
    {0}};

const struct op_case optest_rmsnorm[] = {
    {CASE(rmsnorm, "plain", 1e-5, 1, 1, X(S(7, 33))), NORM(0)},
    {CASE(rmsnorm, "gamma", 1e-5, 1, 2, X(S(5, 2, 64)), V(64)), NORM(.gamma = true)},
    {CASE(rmsnorm, "a vector", 1e-5, 0, 2, X(S(19)), V(19)), NORM(.gamma = true)},
    {CASE(rmsnorm, "large eps", 1e-5, 1, 2, X(S(3, 20)), V(20)), NORM(.gamma = true, .eps = 0.5f)},
    {CASE(rmsnorm, "many rows, chunks of sums", 1e-5, 1, 2, X(S(1100, 5)), V(5)),
     NORM(.gamma = true), .grad_tol = 4e-3},
    {CASE(rmsnorm, "long rows", 5e-5, 1, 2, X(S(3, 1500)), V(1500)), NORM(.gamma = true)},
    {CASE(rmsnorm, "fused scale", 1e-5, 1, 2, X(S(5, 40)), V(40)),
     NORM(.gamma = true, .apart = true)},
    {CASE(rmsnorm, "no rows", 0, 0, 2, X(S(0, 8)), V(8)), NORM(.gamma = true)},
    {0}};

const struct op_case optest_groupnorm[] = {
    {CASE(groupnorm, "two groups", 1e-5, 1, 3, X(S(3, 6, 5, 7)), V(6), V(6)),
     NORM(.groups = 2, .gamma = true, .beta = true)},
    {CASE(groupnorm, "plain", 1e-5, 1, 1, X(S(3, 4, 9))), NORM(.groups = 2)},
    {CASE(groupnorm, "one group", 1e-5, 1, 2, X(S(2, 4, 5, 3)), V(4)),
     NORM(.groups = 1, .gamma = true)},
    {CASE(groupnorm, "instance norm", 1e-5, 1, 2, X(S(2, 4, 30)), V(4)),
     NORM(.groups = 4, .beta = true)},
    {CASE(groupnorm, "no pixels axis", 1e-5, 1, 3, X(S(5, 8)), V(8), V(8)),
     NORM(.groups = 2, .gamma = true, .beta = true)},
    {CASE(groupnorm, "volumes", 1e-5, 1, 1, X(S(2, 4, 2, 3, 5))), NORM(.groups = 2, .eps = 1e-3f)},
    {CASE(groupnorm, "then relu", 1e-5, 1, 3, X(S(3, 4, 5, 5)), V(4), V(4)),
     NORM(.groups = 2, .gamma = true, .beta = true, .relu = true)},
    {CASE(groupnorm, "a group in planes", 1e-4, 1, 3, X(S(1, 2, 200, 180)), V(2), V(2)),
     NORM(.groups = 1, .gamma = true, .beta = true)},
    {CASE(groupnorm, "no pictures", 0, 0, 3, X(S(0, 4, 3)), V(4), V(4)),
     NORM(.groups = 2, .gamma = true, .beta = true)},
    {CASE(groupnorm, "no pixels", 0, 0, 3, X(S(2, 4, 0)), V(4), V(4)),
     NORM(.groups = 2, .gamma = true, .beta = true)},
    {0}};
