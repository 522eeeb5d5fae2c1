/* moe_linear: y[t][u] = x W_e^T + b_e with e = experts[t][u], against loops over the definition.  Block types
 * round rows of x as quantised_linear does, and so does the oracle. */
#include "op_test.h"
#include <math.h>

struct arg {
    bool bias, rounded;
};

static void build(sw_graph *g, sw_node *const *in, sw_node **out, const void *arg)
{
    const struct arg *a = arg;
    out[0] = sw_moe_linear(g, in[0], in[2], a->bias ? in[3] : NULL, in[1]);
}

/* A group of 32 numbers as the op sees it: d * q, d = most / 127, q = round(x * (127 / most)), with the
 * roundings of f32. */
static void round_group(double *y, const double *x)
{
    float most = 0;
    for (int j = 0; j < 32; j++) most = fmaxf(most, (float)fabs(x[j]));
    float d = most / 127, inverse = 127 / most;
    for (int j = 0; j < 32; j++)
        y[j] = most > 0 ? (double)rintf((float)x[j] * inverse) * (double)d : 0;
}

static double product(const double *x, const double *w, int64_t k, bool rounded)
{
    double sum = 0;
    for (int64_t h = 0; h < k; h++) {
        double group[32];
        if (rounded && h % 32 == 0) round_group(group, x + h);
        sum += (rounded ? group[h % 32] : x[h]) * w[h];
    }
    return sum;
}

static void oracle(const struct oracle_array *in, struct oracle_array *out, const void *arg)
{
    const struct arg *a = arg;
    const int64_t *w = in[2].shape.dim, uses = in[1].shape.dim[1], n = w[1], k = w[2];
    for (int64_t choice = 0; choice < oracle_count(&in[1]); choice++) {
        const double e = in[1].v[choice];
        const double *x = in[0].v + (in[0].shape.rank == 3 ? choice : choice / uses) * k;
        for (int64_t j = 0; j < n; j++) {
            double *y = &out[0].v[choice * n + j];
            *y = 0;
            if (e < 0 || e >= (double)w[0]) continue;
            const int64_t row = (int64_t)e * n + j;
            *y = product(x, in[2].v + row * k, k, a->rounded) + (a->bias ? in[3].v[row] : 0);
        }
    }
}

/* K products of numbers uniform in [-1, 1] have magnitudes that sum to about K / 4, and each passes at most
 * K + 2 roundings, of which the errors of a random walk are far below K: 2 (K + 2) 2^-24 K / 4 holds.  With blocks,
 * as in optest_quantised_linear.c, sums of 32 are exact; minima make three times the terms and sizes. */
#define CASE(text, bias, rounded, k)                                                               \
    .name = text, .build = build, .oracle = oracle, .n_in = bias ? 4 : 3,                          \
    .arg = &(const struct arg){bias, rounded}, .tol = (k + 2) * 0x1p-24 * k / 2
#define CHOICES(T, U, LAST)                                                                        \
    {                                                                                              \
        .shape = {2, {T, U}}, .dtype = SW_I32, .lo = 0, .hi = LAST                                 \
    }
#define EXPERTS(E, N, K, DTYPE)                                                                    \
    {                                                                                              \
        .shape = {3, {E, N, K}}, .dtype = DTYPE, .weight = true                                    \
    }
#define F32(...)                                                                                   \
    {                                                                                              \
        .shape = { __VA_ARGS__ }                                                                   \
    }

static const double odd_choices[] = {1, -1, 2, 99999, 0, 1, -2000000000, 3, 2, 2};

/* clang-format off */
const struct op_case optest_moe_linear[] = {
    {CASE("one token", false, false, 40), .batch = 3, .expect = {3, {1, 2, 7}},
     .in = {F32(2, {1, 40}), CHOICES(1, 2, 4), EXPERTS(5, 7, 40, SW_F32)}},
    {CASE("tokens", true, false, 70), .batch = 3,
     .in = {F32(2, {33, 70}), CHOICES(33, 3, 5), EXPERTS(6, 300, 70, SW_F32), F32(2, {6, 300})}},
    {CASE("a row a choice", true, false, 65), .batch = 3,
     .in = {F32(3, {19, 2, 65}), CHOICES(19, 2, 3), EXPERTS(4, 31, 65, SW_F32), F32(2, {4, 31})}},
    {CASE("bf16", false, false, 64), .batch = 3,
     .in = {F32(2, {21, 64}), CHOICES(21, 2, 2), EXPERTS(3, 270, 64, SW_BF16)}},
    {CASE("f16, many rows", false, false, 300), .batch = 3,
     .in = {F32(2, {90, 300}), CHOICES(90, 2, 1), EXPERTS(2, 40, 300, SW_F16)}},
    {CASE("numbers of no expert", true, false, 32),
     .in = {F32(2, {5, 32}), {.shape = {2, {5, 2}}, .dtype = SW_I32, .values = odd_choices},
            EXPERTS(3, 9, 32, SW_F32), F32(2, {3, 9})}},
    {CASE("not packed", false, false, 48), .batch = 3,
     .in = {F32(2, {9, 48}), CHOICES(9, 2, 2), {.shape = {3, {3, 20, 48}}}}},
    {CASE("not packed, f16", false, false, 48), .batch = 3,
     .in = {F32(2, {9, 48}), CHOICES(9, 2, 2), {.shape = {3, {3, 20, 48}}, .dtype = SW_F16}}},
    {CASE("q8_0, one token", false, true, 96), .batch = 3, .every_isa = true,
     .in = {F32(2, {1, 96}), CHOICES(1, 4, 7), EXPERTS(8, 40, 96, SW_Q8_0)}},
    {CASE("q4_0", true, true, 96), .batch = 3, .every_isa = true,
     .in = {F32(2, {41, 96}), CHOICES(41, 3, 3), EXPERTS(4, 300, 96, SW_Q4_0), F32(2, {4, 300})}},
    {CASE("q4_k, a row a choice", false, true, 256), .batch = 3,
     .in = {F32(3, {12, 2, 256}), CHOICES(12, 2, 1), EXPERTS(2, 33, 256, SW_Q4_K)}},
    {CASE("q8_0, not packed", false, true, 64), .batch = 3,
     .in = {F32(2, {9, 64}), CHOICES(9, 2, 2), {.shape = {3, {3, 280, 64}}, .dtype = SW_Q8_0}}},
    {CASE("no token", false, false, 64),
     .in = {F32(2, {0, 64}), CHOICES(0, 2, 2), EXPERTS(3, 8, 64, SW_F32)}},
    {CASE("K is 0", true, false, 0), .batch = 3,
     .in = {F32(2, {3, 0}), CHOICES(3, 2, 2), EXPERTS(3, 8, 0, SW_F32), F32(2, {3, 8})}},
    {0}};

static void build_gradient(sw_graph *g, sw_node *const *in, sw_node **out, const void *arg)
{
    sw_node *dx;
    build(g, in, out, arg);
    sw_node *loss = sw_sum(g, out[0], (sw_reduce_options){0});
    if (sw_grad(g, loss, &in[0], 1, &dx) == SW_OK) out[0] = dx;
}

#define BAD(NAME, BUILD, BIAS, STATUS, N, T0, T1, ...)                                             \
    {.name = NAME, .build = BUILD, .arg = &(const struct arg){BIAS, false}, .n_in = N,             \
     .status = STATUS, .text = {"moe_linear", T0, T1}, .in = {__VA_ARGS__}}
const struct op_error_case optest_errors_moe_linear[] = {
    BAD("inner sizes", build, false, SW_ERR_SHAPE, 3, "(5,40)", "(3,7,41)", F32(2, {5, 40}),
        CHOICES(5, 2, 2), EXPERTS(3, 7, 41, SW_F32)),
    BAD("choices", build, false, SW_ERR_SHAPE, 3, "(5,40)", "(6,2)", F32(2, {5, 40}),
        CHOICES(6, 2, 2), EXPERTS(3, 7, 40, SW_F32)),
    BAD("choices of rows", build, false, SW_ERR_SHAPE, 3, "(5,3,40)", "(5,2)", F32(3, {5, 3, 40}),
        CHOICES(5, 2, 2), EXPERTS(3, 7, 40, SW_F32)),
    BAD("f32 choices", build, false, SW_ERR_DTYPE, 3, "i32", NULL, F32(2, {5, 40}), F32(2, {5, 2}),
        EXPERTS(3, 7, 40, SW_F32)),
    BAD("bias", build, true, SW_ERR_SHAPE, 4, "(3,7,40)", "(7,3)", F32(2, {5, 40}),
        CHOICES(5, 2, 2), EXPERTS(3, 7, 40, SW_F32), F32(2, {7, 3})),
    BAD("integers", build, false, SW_ERR_DTYPE, 3, "i8", NULL, F32(2, {5, 40}), CHOICES(5, 2, 2),
        {.shape = {3, {3, 7, 40}}, .dtype = SW_I8}),
    BAD("gradient", build_gradient, false, SW_ERR_UNSUPPORTED, 3, "gradient", NULL, F32(2, {5, 40}),
        CHOICES(5, 2, 2), EXPERTS(3, 7, 40, SW_F32)),
    {0}};
/* clang-format on */
