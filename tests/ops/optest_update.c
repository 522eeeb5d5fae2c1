/* Cases of the ops that write weights: what the papers' formulas give for weight and moments, that a
 * scale which is not finite writes nothing, and norms over more tensors than an op has operands.
 *
 * Tolerances: an update is at most ten roundings on terms no larger than a few units, so it is within
 * 10 * 2^-24 * 4 = 2.4e-6 of the exact value, relative to the largest. */
#include "op_test.h"

#include <math.h>

#define UPDATE_TOL 2.4e-6

static const double one[] = {1}, rate[] = {0.05}, third[] = {0.34}, bad[] = {NAN},
                    infinite[] = {INFINITY}, tenth_step[] = {10}, nothing[] = {0};

#define WEIGHT(n)                                                                                  \
    {                                                                                              \
        .shape = {1, {n}}, .state = true                                                           \
    }
#define MATRIX(a, b)                                                                               \
    {                                                                                              \
        .shape = {2, {a, b}}, .state = true                                                        \
    }
#define VALUE(v)                                                                                   \
    {                                                                                              \
        .values = v                                                                                \
    }

static void no_elements(const struct oracle_array *in, struct oracle_array *out, const void *arg) {}

static double scale_of(const struct oracle_array *in)
{
    return in->v[0];
}

/* ---- sgd --------------------------------------------------------------------------------------- */

struct sgd_case {
    float momentum, decay;
    bool scaled;
};

/* Operands: weight, gradient, lr, velocity if there is momentum, scale if there is one. */
static void build_sgd(sw_graph *g, sw_node *const *in, sw_node **out, const void *arg)
{
    const struct sgd_case *c = arg;
    sw_node *velocity = c->momentum > 0 ? in[3] : NULL;
    sw_node *scale = c->scaled ? in[c->momentum > 0 ? 4 : 3] : NULL;
    out[0] = sw_sgd_update(g, in[0], in[1], velocity, in[2], scale, c->momentum, c->decay);
}

static void after_sgd(const struct oracle_array *in, struct oracle_array *after, const void *arg)
{
    const struct sgd_case *c = arg;
    double lr = in[2].v[0], scale = 1;
    if (c->scaled) scale = scale_of(&in[c->momentum > 0 ? 4 : 3]);
    if (!isfinite(scale)) return;
    for (int64_t i = 0; i < oracle_count(&in[0]); i++) {
        double w = in[0].v[i], d = scale * in[1].v[i] + (double)c->decay * w;
        double v = c->momentum > 0 ? (double)c->momentum * in[3].v[i] - lr * d : -lr * d;
        after[0].v[i] = w + v;
        if (c->momentum > 0) after[3].v[i] = v;
    }
}

static const struct sgd_case plain = {0, 0, false}, decayed = {0, 0.1f, true},
                             heavy = {0.9f, 0.0005f, false}, heavy_scaled = {0.9f, 0.0005f, true};

#define SGD(text, which, count)                                                                    \
    .name = text, .build = build_sgd, .oracle = no_elements, .oracle_after = after_sgd,            \
    .arg = &which, .n_in = count, .tol = UPDATE_TOL

const struct op_case optest_sgd_update[] = {
    {SGD("plain", plain, 3), .in = {WEIGHT(37), {.shape = {1, {37}}}, VALUE(rate)}},
    {SGD("scaled", decayed, 4),
     .in = {MATRIX(5, 7), {.shape = {2, {5, 7}}}, VALUE(rate), VALUE(third)}},
    {SGD("many tasks", heavy, 4),
     .in = {MATRIX(300, 211), {.shape = {2, {300, 211}}}, VALUE(rate), MATRIX(300, 211)}},
    {SGD("momentum, scaled", heavy_scaled, 5), .in = {WEIGHT(100),
                                                      {.shape = {1, {100}}},
                                                      {.values = rate, .shape = {1, {1}}},
                                                      WEIGHT(100),
                                                      VALUE(third)}},
    {SGD("refused", heavy_scaled, 5),
     .in = {WEIGHT(100), {.shape = {1, {100}}}, VALUE(rate), WEIGHT(100), VALUE(bad)}},
    {SGD("empty", plain, 3), .in = {WEIGHT(0), {.shape = {1, {0}}}, VALUE(rate)}},
    {0}};

/* ---- adam -------------------------------------------------------------------------------------- */

struct adam_case {
    float decay;
    bool decoupled, scaled;
};

/* Operands: weight, gradient, m, v, lr, step, scale. */
static void build_adam(sw_graph *g, sw_node *const *in, sw_node **out, const void *arg)
{
    const struct adam_case *c = arg;
    out[0] = sw_adam_update(g, in[0], in[1], in[2], in[3], in[4], in[5], c->scaled ? in[6] : NULL,
                            0.9f, 0.999f, 1e-8f, c->decay, c->decoupled);
}

static void after_adam(const struct oracle_array *in, struct oracle_array *after, const void *arg)
{
    const struct adam_case *c = arg;
    double beta1 = (double)0.9f, beta2 = (double)0.999f, lr = in[4].v[0], step = in[5].v[0];
    double scale = c->scaled ? scale_of(&in[6]) : 1;
    if (!isfinite(scale)) return;
    for (int64_t i = 0; i < oracle_count(&in[0]); i++) {
        double w = in[0].v[i], g = scale * in[1].v[i] + (c->decoupled ? 0 : (double)c->decay * w);
        double m = beta1 * in[2].v[i] + (1 - beta1) * g;
        double v = beta2 * in[3].v[i] + (1 - beta2) * g * g;
        double m_hat = m / (1 - pow(beta1, step)), v_hat = v / (1 - pow(beta2, step));
        double u = m_hat / (sqrt(v_hat) + (double)1e-8f);
        if (c->decoupled) u += (double)c->decay * w;
        after[0].v[i] = w - lr * u;
        after[2].v[i] = m;
        after[3].v[i] = v;
    }
}

static const struct adam_case adam = {0, false, false}, adam_decay = {0.1f, false, true},
                              adamw = {0.1f, true, true};

#define ADAM(text, which)                                                                          \
    .name = text, .build = build_adam, .oracle = no_elements, .oracle_after = after_adam,          \
    .arg = &which, .n_in = 7, .tol = UPDATE_TOL
/* A second moment away from 0, where the quotient would multiply the roundings of m. */
#define ADAM_ARRAYS(r, ...)                                                                        \
    {.shape = {r, {__VA_ARGS__}}, .state = true}, {.shape = {r, {__VA_ARGS__}}},                   \
        {.shape = {r, {__VA_ARGS__}}, .state = true},                                              \
    {                                                                                              \
        .shape = {r, {__VA_ARGS__}}, .state = true, .lo = 0.2, .hi = 1                             \
    }

const struct op_case optest_adam_update[] = {
    {ADAM("first step", adam), .in = {ADAM_ARRAYS(1, 37), VALUE(rate), VALUE(one), VALUE(one)}},
    {ADAM("coupled decay", adam_decay),
     .in = {ADAM_ARRAYS(2, 5, 7), VALUE(rate), VALUE(tenth_step), VALUE(third)}},
    {ADAM("decoupled decay", adamw),
     .in = {ADAM_ARRAYS(2, 131, 300), VALUE(rate), VALUE(tenth_step), VALUE(third)}},
    {ADAM("refused", adamw),
     .in = {ADAM_ARRAYS(1, 20), VALUE(rate), VALUE(tenth_step), VALUE(infinite)}},
    {0}};

/* ---- moving average and sum -------------------------------------------------------------------- */

static void build_ema(sw_graph *g, sw_node *const *in, sw_node **out, const void *arg)
{
    out[0] = sw_ema_update(g, in[0], in[1], in[2], 0.99f);
}

static void after_ema(const struct oracle_array *in, struct oracle_array *after, const void *arg)
{
    double decay = (double)0.99f;
    if (!isfinite(scale_of(&in[2]))) return;
    for (int64_t i = 0; i < oracle_count(&in[0]); i++)
        after[0].v[i] = decay * in[0].v[i] + (1 - decay) * in[1].v[i];
}

#define EMA(text)                                                                                  \
    .name = text, .build = build_ema, .oracle = no_elements, .oracle_after = after_ema, .n_in = 3, \
    .tol = UPDATE_TOL

const struct op_case optest_ema_update[] = {
    {EMA("small"), .in = {WEIGHT(9), {.shape = {1, {9}}}, VALUE(third)}},
    {EMA("many tasks"), .in = {MATRIX(33, 999), {.shape = {2, {33, 999}}}, VALUE(third)}},
    {EMA("refused"), .in = {WEIGHT(9), {.shape = {1, {9}}}, VALUE(bad)}},
    {0}};

/* Operands: sum, x, keep, scale. */
static void build_accumulate(sw_graph *g, sw_node *const *in, sw_node **out, const void *arg)
{
    out[0] = sw_accumulate(g, in[0], in[1], arg ? NULL : in[2], in[3]);
}

static void after_accumulate(const struct oracle_array *in, struct oracle_array *after,
                             const void *arg)
{
    double keep = arg ? 1 : in[2].v[0], scale = scale_of(&in[3]);
    if (!isfinite(scale)) return;
    for (int64_t i = 0; i < oracle_count(&in[0]); i++)
        after[0].v[i] = (keep == 0 ? 0 : keep * in[0].v[i]) + scale * in[1].v[i];
}

static const double spoiled[] = {1, NAN, 3};

#define SUM(text, which)                                                                           \
    .name = text, .build = build_accumulate, .oracle = no_elements,                                \
    .oracle_after = after_accumulate, .arg = which, .n_in = 4, .tol = UPDATE_TOL

const struct op_case optest_accumulate[] = {
    {SUM("adds", NULL), .in = {WEIGHT(70), {.shape = {1, {70}}}, VALUE(one), VALUE(third)}},
    {SUM("keeps a part", NULL),
     .in = {WEIGHT(70), {.shape = {1, {70}}}, VALUE(rate), VALUE(third)}},
    {SUM("starts anew", NULL), .in = {{.shape = {1, {3}}, .state = true, .values = spoiled},
                                      {.shape = {1, {3}}},
                                      VALUE(nothing),
                                      VALUE(one)}},
    {SUM("no keep", "1"), .in = {WEIGHT(70), {.shape = {1, {70}}}, VALUE(nothing), VALUE(one)}},
    {SUM("refused", NULL), .in = {WEIGHT(70), {.shape = {1, {70}}}, VALUE(one), VALUE(bad)}},
    {0}};

/* ---- norm and scale ---------------------------------------------------------------------------- */

struct norm_case {
    int operands, repeat; /* each operand this often */
};

static void build_norm(sw_graph *g, sw_node *const *in, sw_node **out, const void *arg)
{
    const struct norm_case *c = arg;
    sw_node *x[128];
    for (int i = 0; i < c->operands * c->repeat; i++) x[i] = in[i % c->operands];
    out[0] = sw_global_norm(g, x, c->operands * c->repeat);
}

static void oracle_norm(const struct oracle_array *in, struct oracle_array *out, const void *arg)
{
    const struct norm_case *c = arg;
    double sum = 0;
    for (int i = 0; i < c->operands; i++)
        for (int64_t j = 0; j < oracle_count(&in[i]); j++) sum += in[i].v[j] * in[i].v[j];
    out[0].v[0] = sqrt(sum * c->repeat);
}

static const struct norm_case alone = {1, 1}, three = {3, 1}, chain = {3, 40};

/* f64 sums; one rounding to f32 for each op of a chain and one of the root. */
#define NORM(text, which, count)                                                                   \
    .name = text, .build = build_norm, .oracle = oracle_norm, .arg = &which, .n_in = count,        \
    .tol = 5e-7

const struct op_case optest_global_norm[] = {
    {NORM("one", alone, 1), .in = {{.shape = {1, {1}}}}},
    {NORM("none", alone, 1), .in = {{.shape = {2, {3, 0}}}}},
    {NORM("many tasks", three, 3),
     .in = {{.shape = {2, {200, 199}}, .lo = -5, .hi = 5}, {.shape = {1, {3}}}, {.shape = {0}}}},
    {NORM("chain of ops", chain, 3),
     .in = {{.shape = {3, {3, 5, 7}}}, {.shape = {1, {64}}}, {.shape = {2, {130, 131}}}}},
    {0}};

struct scale_case {
    bool loss, norm;
    float clip, factor;
};

static void build_scale(sw_graph *g, sw_node *const *in, sw_node **out, const void *arg)
{
    const struct scale_case *c = arg;
    out[0] = sw_update_scale(g, c->loss ? in[0] : NULL, c->norm ? in[1] : NULL, c->clip, c->factor);
}

static void oracle_scale(const struct oracle_array *in, struct oracle_array *out, const void *arg)
{
    const struct scale_case *c = arg;
    double y = (double)c->factor, norm = in[1].v[0];
    if (c->norm && c->clip > 0 && norm > (double)c->clip) y *= (double)c->clip / norm;
    if ((c->loss && !isfinite(in[0].v[0])) || (c->norm && !isfinite(norm))) y = NAN;
    out[0].v[0] = y;
}

static const struct scale_case both = {true, true, 0.5f, 0.25f}, neither = {false, false, 0, 2},
                               unclipped = {true, true, 0, 1};

#define SCALE(text, which)                                                                         \
    .name = text, .build = build_scale, .oracle = oracle_scale, .arg = &which, .n_in = 2,          \
    .tol = 2.4e-7 /* two roundings */

const struct op_case optest_update_scale[] = {
    {SCALE("below the clip", both), .in = {VALUE(one), VALUE(third)}},
    {SCALE("above the clip", both), .in = {VALUE(one), VALUE(tenth_step)}},
    {SCALE("no clip", unclipped), .in = {VALUE(one), VALUE(tenth_step)}},
    {SCALE("loss is no number", unclipped), .in = {VALUE(bad), VALUE(one)}},
    {SCALE("loss is infinite", both), .in = {VALUE(infinite), VALUE(one)}},
    {SCALE("norm is infinite", both), .in = {VALUE(one), VALUE(infinite)}},
    {SCALE("only a factor", neither), .in = {VALUE(bad), VALUE(bad)}},
    {0}};

/* ---- group --------------------------------------------------------------------------------------- */

/* Two averages by one handle; the second is made from what the first has become. */
static void build_group(sw_graph *g, sw_node *const *in, sw_node **out, const void *arg)
{
    sw_node *first = sw_ema_update(g, in[0], in[2], NULL, 0.5f);
    sw_node *second = sw_ema_update(g, in[1], in[0], NULL, 0.25f);
    out[0] = sw_group(g, (sw_node *[]){first, second}, 2);
}

static void after_group(const struct oracle_array *in, struct oracle_array *after, const void *arg)
{
    for (int64_t i = 0; i < oracle_count(&in[0]); i++) {
        after[0].v[i] = 0.5 * in[0].v[i] + 0.5 * in[2].v[i];
        after[1].v[i] = 0.25 * in[1].v[i] + 0.75 * after[0].v[i];
    }
}

const struct op_case optest_group[] = {
    {.name = "two updates",
     .build = build_group,
     .oracle = no_elements,
     .oracle_after = after_group,
     .n_in = 3,
     .tol = UPDATE_TOL,
     .in = {MATRIX(33, 999), MATRIX(33, 999), {.shape = {2, {33, 999}}}}},
    {0}};

static void build_no_group(sw_graph *g, sw_node *const *in, sw_node **out, const void *arg)
{
    out[0] = sw_group(g, in, 0);
}

/* ---- errors ------------------------------------------------------------------------------------ */

static void build_unsteady(sw_graph *g, sw_node *const *in, sw_node **out, const void *arg)
{
    out[0] = sw_sgd_update(g, in[0], in[1], NULL, in[2], NULL, *(const float *)arg, 0);
}

static void build_average(sw_graph *g, sw_node *const *in, sw_node **out, const void *arg)
{
    out[0] = sw_ema_update(g, in[0], in[1], NULL, *(const float *)arg);
}

static void build_clip(sw_graph *g, sw_node *const *in, sw_node **out, const void *arg)
{
    out[0] = sw_update_scale(g, in[0], NULL, 1, 1);
}

static void build_no_norm(sw_graph *g, sw_node *const *in, sw_node **out, const void *arg)
{
    out[0] = sw_global_norm(g, in, 0);
}

static void build_adam_beta(sw_graph *g, sw_node *const *in, sw_node **out, const void *arg)
{
    out[0] = sw_adam_update(g, in[0], in[1], in[0], in[0], in[2], in[2], NULL, 1, 0.9f, 0, 0,
                            false);
}

static const float no_momentum = 0, too_much = 1, twice = 2;

const struct op_error_case optest_errors_update[] = {
    {.name = "gradient of another shape",
     .build = build_unsteady,
     .arg = &no_momentum,
     .n_in = 3,
     .in = {MATRIX(3, 4), {.shape = {2, {4, 3}}}, VALUE(rate)},
     .status = SW_ERR_SHAPE,
     .text = {"sgd_update", "(3,4)", "(4,3)"}},
    {.name = "rate of two elements",
     .build = build_unsteady,
     .arg = &no_momentum,
     .n_in = 3,
     .in = {WEIGHT(3), {.shape = {1, {3}}}, {.shape = {1, {2}}}},
     .status = SW_ERR_SHAPE,
     .text = {"sgd_update", "(2)"}},
    {.name = "weight of another dtype",
     .build = build_unsteady,
     .arg = &no_momentum,
     .n_in = 3,
     .in = {{.shape = {1, {3}}, .dtype = SW_BF16, .state = true}, {.shape = {1, {3}}}, VALUE(rate)},
     .status = SW_ERR_DTYPE,
     .text = {"sgd_update", "bf16", "f32"}},
    {.name = "weight that is an input",
     .build = build_unsteady,
     .arg = &no_momentum,
     .n_in = 3,
     .in = {{.shape = {1, {3}}}, {.shape = {1, {3}}}, VALUE(rate)},
     .status = SW_ERR_ARGUMENT,
     .text = {"sgd_update", "must be a weight"}},
    {.name = "momentum of 1",
     .build = build_unsteady,
     .arg = &too_much,
     .n_in = 3,
     .in = {WEIGHT(3), {.shape = {1, {3}}}, VALUE(rate)},
     .status = SW_ERR_ARGUMENT,
     .text = {"sgd_update", "momentum 1"}},
    {.name = "beta of 1",
     .build = build_adam_beta,
     .n_in = 3,
     .in = {WEIGHT(3), {.shape = {1, {3}}}, VALUE(rate)},
     .status = SW_ERR_ARGUMENT,
     .text = {"adam_update", "beta1 1"}},
    {.name = "decay of 2",
     .build = build_average,
     .arg = &twice,
     .n_in = 2,
     .in = {WEIGHT(3), {.shape = {1, {3}}}},
     .status = SW_ERR_ARGUMENT,
     .text = {"ema_update", "2"}},
    {.name = "clip without norm",
     .build = build_clip,
     .n_in = 1,
     .in = {VALUE(one)},
     .status = SW_ERR_ARGUMENT,
     .text = {"update_scale", "norm"}},
    {.name = "norm of nothing",
     .build = build_no_norm,
     .n_in = 1,
     .in = {VALUE(one)},
     .status = SW_ERR_ARGUMENT,
     .text = {"global_norm"}},
    {.name = "group of nothing",
     .build = build_no_group,
     .n_in = 1,
     .in = {VALUE(one)},
     .status = SW_ERR_ARGUMENT,
     .text = {"group"}},
    {.name = "group of nothing",
     .build = build_no_group,
     .n_in = 1,
     .in = {VALUE(one)},
     .status = SW_ERR_ARGUMENT,
     .text = {"group"}},
    {0}};
