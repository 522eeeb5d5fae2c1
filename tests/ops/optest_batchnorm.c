/* Cases of batch norm, training and inference.  Tolerances as in optest_layernorm.c, with n the
 * numbers of a channel; the running statistics take `momentum` of the same error. */
#include "op_test.h"

#include <math.h>

struct batchnorm {
    sw_batchnorm_options o;
    bool gamma, beta; /* present: inputs are x, [gamma], [beta], mean, variance */
    bool relu;
};

/* Where the operands stand. */
static int gamma_at(const struct batchnorm *c)
{
    return c->gamma ? 1 : 0;
}

static int mean_at(const struct batchnorm *c)
{
    return 1 + c->gamma + c->beta;
}

static void build(sw_graph *g, sw_node *const *in, sw_node **out, const void *arg)
{
    const struct batchnorm *c = arg;
    sw_node *gamma = c->gamma ? in[1] : NULL, *beta = c->beta ? in[1 + gamma_at(c)] : NULL;
    out[0] = sw_batchnorm(g, in[0], gamma, beta, in[mean_at(c)], in[mean_at(c) + 1], c->o);
    if (c->relu) out[0] = sw_relu(g, out[0]);
}

/* The numbers of channel c are those e with e / plane % channels == c. */
struct sizes {
    int64_t count, channels, plane, members;
};

static struct sizes sizes_of(const struct oracle_array *x)
{
    struct sizes s = {oracle_count(x), x->shape.dim[1], 1, 0};
    for (int i = 2; i < x->shape.rank; i++) s.plane *= x->shape.dim[i];
    s.members = x->shape.dim[0] * s.plane;
    return s;
}

static void moments(const struct oracle_array *x, int64_t channel, double *mean, double *variance)
{
    struct sizes s = sizes_of(x);
    *mean = *variance = 0;
    for (int64_t e = 0; e < s.count; e++)
        if (e / s.plane % s.channels == channel) *mean += x->v[e] / (double)s.members;
    for (int64_t e = 0; e < s.count; e++)
        if (e / s.plane % s.channels == channel)
            *variance += (x->v[e] - *mean) * (x->v[e] - *mean) / (double)s.members;
}

static void oracle(const struct oracle_array *in, struct oracle_array *out, const void *arg)
{
    const struct batchnorm *c = arg;
    struct sizes s = sizes_of(&in[0]);
    double eps = c->o.eps > 0 ? (double)c->o.eps : 1e-5;
    for (int64_t channel = 0; channel < s.channels; channel++) {
        double mean = in[mean_at(c)].v[channel], variance = in[mean_at(c) + 1].v[channel];
        if (c->o.training) moments(&in[0], channel, &mean, &variance);
        for (int64_t e = 0; e < s.count; e++) {
            if (e / s.plane % s.channels != channel) continue;
            double y = (in[0].v[e] - mean) / sqrt(variance + eps);
            if (c->gamma) y *= in[1].v[channel];
            if (c->beta) y += in[1 + gamma_at(c)].v[channel];
            out[0].v[e] = c->relu && y < 0 ? 0 : y;
        }
    }
}

static void oracle_after(const struct oracle_array *in, struct oracle_array *after, const void *arg)
{
    const struct batchnorm *c = arg;
    struct sizes s = sizes_of(&in[0]);
    double momentum = c->o.momentum > 0 ? (double)c->o.momentum : 0.1;
    if (!c->o.training || s.count == 0) return;
    for (int64_t channel = 0; channel < s.channels; channel++) {
        double mean, variance;
        moments(&in[0], channel, &mean, &variance);
        if (s.members > 1) variance *= (double)s.members / (double)(s.members - 1);
        double *running = after[mean_at(c)].v + channel,
               *spread = after[mean_at(c) + 1].v + channel;
        *running += momentum * (mean - *running);
        *spread += momentum * (variance - *spread);
    }
}

#define S(...)                                                                                     \
    {                                                                                              \
        sizeof((int64_t[]){__VA_ARGS__}) / sizeof(int64_t),                                        \
        {                                                                                          \
            __VA_ARGS__                                                                            \
        }                                                                                          \
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
#define RUNNING(n)                                                                                 \
    {.shape = {1, {n}}, .lo = -1, .hi = 1, .state = true},                                         \
    {.shape = {1, {n}}, .lo = 0.5, .hi = 2, .state = true}
#define CASE(title, tolerance, rows, inputs, ...)                                                  \
    .name = title, .build = build, .oracle = oracle, .oracle_after = oracle_after,                 \
    .tol = tolerance, .batch = rows, .n_in = inputs, .in = {__VA_ARGS__}
#define NORM(...) .arg = &(const struct batchnorm){__VA_ARGS__}
#define BOTH(...) NORM(.gamma = true, .beta = true, __VA_ARGS__)
#define TRAINING(...) BOTH(.o = {.training = true, __VA_ARGS__})

const struct op_case optest_batchnorm[] = {
    {CASE("pictures", 1e-5, 1, 5, X(S(3, 5, 6, 7)), V(5), V(5), RUNNING(5)), BOTH(.o = {0})},
    {CASE("lines", 1e-5, 1, 5, X(S(3, 20, 3)), V(20), V(20), RUNNING(20)), BOTH(.o = {.eps = 0.1f})},
    {CASE("vectors", 1e-5, 1, 5, X(S(40, 37)), V(37), V(37), RUNNING(37)), BOTH(.o = {0})},
    {CASE("plain", 1e-5, 1, 3, X(S(3, 5, 9)), RUNNING(5)),
     NORM(.relu = false)},
    {CASE("gamma", 1e-5, 1, 4, X(S(3, 5, 9)), V(5), RUNNING(5)), NORM(.gamma = true)},
    {CASE("beta", 1e-5, 1, 4, X(S(3, 5)), V(5), RUNNING(5)), NORM(.beta = true)},
    {CASE("then relu", 1e-5, 1, 5, X(S(3, 5, 6, 7)), V(5), V(5), RUNNING(5)), BOTH(.relu = true)},
    {CASE("large planes", 1e-5, 1, 5, X(S(1, 2, 60, 70)), V(2), V(2), RUNNING(2)), BOTH(.o = {0}),
     .grad_tol = 4e-3},
    {CASE("no pictures", 0, 0, 5, X(S(0, 5, 9)), V(5), V(5), RUNNING(5)), BOTH(.o = {0})},
    {CASE("no pixels", 0, 0, 5, X(S(3, 5, 0)), V(5), V(5), RUNNING(5)), BOTH(.o = {0})},
    {0}};

const struct op_case optest_batchnorm_training[] = {
    {CASE("pictures", 1e-5, 0, 5, X(S(3, 5, 6, 7)), V(5), V(5), RUNNING(5)), TRAINING()},
    {CASE("lines", 1e-5, 0, 5, X(S(5, 20, 3)), V(20), V(20), RUNNING(20)),
     TRAINING(.eps = 0.1f, .momentum = 0.5f)},
    {CASE("vectors", 1e-5, 0, 5, X(S(40, 37)), V(37), V(37), RUNNING(37)), TRAINING()},
    {CASE("plain", 1e-5, 0, 3, X(S(3, 5, 9)), RUNNING(5)),
     NORM(.o = {.training = true})},
    {CASE("gamma", 1e-5, 0, 4, X(S(3, 5, 9)), V(5), RUNNING(5)),
     NORM(.gamma = true, .o = {.training = true, .momentum = 1})},
    {CASE("beta", 1e-5, 0, 4, X(S(4, 5)), V(5), RUNNING(5)),
     NORM(.beta = true, .o = {.training = true})},
    {CASE("then relu", 1e-5, 0, 5, X(S(3, 5, 6, 7)), V(5), V(5), RUNNING(5)),
     BOTH(.relu = true, .o = {.training = true})},
    {CASE("large planes", 1e-5, 0, 5, X(S(2, 2, 60, 70)), V(2), V(2), RUNNING(2)), TRAINING(),
     .grad_tol = 4e-3},
    {CASE("one number", 1e-5, 0, 5, X(S(1, 3)), V(3), V(3), RUNNING(3)), TRAINING()},
    {CASE("no pictures", 0, 0, 5, X(S(0, 5, 9)), V(5), V(5), RUNNING(5)), TRAINING()},
    {CASE("no pixels", 0, 0, 5, X(S(3, 5, 0)), V(5), V(5), RUNNING(5)), TRAINING()},
    {0}};
