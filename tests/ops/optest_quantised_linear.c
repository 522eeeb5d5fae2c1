/* quantised_linear: y = x W^T + b with the values that the stored blocks stand for, and the rows of x
 * rounded to bytes.  One oracle rounds likewise; the other is the plain product, whose gradient the op
 * has. */
#include "op_test.h"
#include <math.h>
#include <stdlib.h>

struct arg {
    bool bias, relu;
};

static void build(sw_graph *g, sw_node *const *in, sw_node **out, const void *arg)
{
    const struct arg *a = arg;
    out[0] = sw_quantised_linear(g, in[0], in[1], a->bias ? in[2] : NULL);
    if (a->relu) out[0] = sw_relu(g, out[0]);
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

static void linear(const double *x, const struct oracle_array *in, struct oracle_array *out,
                   const struct arg *a)
{
    int64_t n = in[1].shape.dim[0], k = in[1].shape.dim[1], m = oracle_count(&out[0]) / n;
    for (int64_t i = 0; i < m; i++)
        for (int64_t j = 0; j < n; j++) {
            double sum = a->bias ? in[2].v[j] : 0;
            for (int64_t h = 0; h < k; h++) sum += x[i * k + h] * in[1].v[j * k + h];
            out[0].v[i * n + j] = a->relu ? fmax(sum, 0) : sum;
        }
}

static void oracle_plain(const struct oracle_array *in, struct oracle_array *out, const void *arg)
{
    linear(in[0].v, in, out, arg);
}

static void oracle(const struct oracle_array *in, struct oracle_array *out, const void *arg)
{
    int64_t count = oracle_count(&in[0]);
    double *x = malloc(sizeof *x * (size_t)(count + 1));
    if (!x) abort();
    for (int64_t i = 0; i < count; i += 32) round_group(x + i, in[0].v + i);
    linear(x, in, out, arg);
    free(x);
}

/* K products of numbers uniform in [-1, 1] have magnitudes that sum to about K / 4.  Summed inside a
 * group they are exact; a group passes two roundings of its own and one for each group: (K / 32 + 3)
 * 2^-24 K / 4, doubled for the spread of the sum. */
#define CASE(text, bias, relu, k)                                                                  \
    .name = text, .build = build, .oracle = oracle, .n_in = bias ? 3 : 2,                          \
    .arg = &(const struct arg){bias, relu}, .tol = (k / 32 + 3) * 0x1p-24 * k / 2

/* Types with a minimum add two terms a group, of up to 31 steps and a minimum instead of their difference:
 * three times the terms' number and size.  Two parts of a group are twice as many terms. */
#define CASE_K(text, bias, k)                                                                      \
    .name = text, .build = build, .oracle = oracle, .n_in = bias ? 3 : 2,                          \
    .arg = &(const struct arg){bias, false}, .tol = 3 * (4 * k / 32 + 4) * 0x1p-24 * k / 2

/* Against the plain product: each x is off by at most d / 2 <= 1 / 254, in a random direction.  The sum
 * of K such errors times weights of variance 1 / 3 has the deviation sqrt(K / 9) / 254; eight of them. */
#define PLAIN(text, bias, relu, root_k)                                                            \
    .name = text, .build = build, .oracle = oracle_plain, .n_in = bias ? 3 : 2,                    \
    .arg = &(const struct arg){bias, relu}, .tol = 8. * root_k / 3 / 254

#define Q8(n, k)                                                                                   \
    {                                                                                              \
        .shape = {2, {n, k}}, .dtype = SW_Q8_0, .weight = true                                     \
    }
#define Q4(n, k)                                                                                   \
    {                                                                                              \
        .shape = {2, {n, k}}, .dtype = SW_Q4_0, .weight = true                                     \
    }

#define Q4K(n, k)                                                                                  \
    {                                                                                              \
        .shape = {2, {n, k}}, .dtype = SW_Q4_K, .weight = true                                     \
    }

#define TYPE(name, type)                                                                           \
    {CASE_K(name ", one row", false, 768), .batch = 1, .every_isa = true,                          \
     .in = {{.shape = {2, {1, 768}}}, {.shape = {2, {21, 768}}, .dtype = type, .weight = true}}},  \
    {                                                                                              \
        CASE_K(name ", many rows", true, 1024), .batch = 1, .every_isa = true, .in = {             \
            {.shape = {2, {21, 1024}}},                                                            \
            {.shape = {2, {37, 1024}}, .dtype = type, .weight = true},                             \
            {.shape = {1, {37}}}                                                                   \
        }                                                                                          \
    }

const struct op_case optest_quantised_linear[] = {
    TYPE("q4_1", SW_Q4_1),
    TYPE("q5_0", SW_Q5_0),
    TYPE("q5_1", SW_Q5_1),
    TYPE("q2_k", SW_Q2_K),
    TYPE("q3_k", SW_Q3_K),
    TYPE("q5_k", SW_Q5_K),
    TYPE("q6_k", SW_Q6_K),
    TYPE("iq4_nl", SW_IQ4_NL),
    TYPE("iq4_xs", SW_IQ4_XS),
    TYPE("mxfp4", SW_MXFP4),
    {CASE("one row", false, false, 64), .batch = 1, .every_isa = true, .expect = {2, {1, 5}},
     .in = {{.shape = {2, {1, 64}}}, Q8(5, 64)}},
    {CASE("a few rows", true, false, 96), .batch = 1, .every_isa = true,
     .in = {{.shape = {2, {5, 96}}}, Q8(70, 96), {.shape = {1, {70}}, .grad = true}}},
    {CASE("many rows", true, false, 320), .batch = 1, .every_isa = true,
     .in = {{.shape = {2, {61, 320}}}, Q8(131, 320), {.shape = {1, {131}}}}},
    {CASE("long", false, false, 1056), .batch = 1, .every_isa = true,
     .in = {{.shape = {2, {19, 1056}}}, Q4(40, 1056)}},
    {CASE("wide", false, false, 32), .batch = 1, .every_isa = true,
     .in = {{.shape = {2, {8, 32}}}, Q4(600, 32)}},
    {CASE_K("q4_k, one row", false, 1024), .batch = 1, .every_isa = true,
     .in = {{.shape = {2, {1, 1024}}}, Q4K(70, 1024)}},
    {CASE_K("q4_k, many rows", true, 768), .batch = 1, .every_isa = true,
     .in = {{.shape = {2, {21, 768}}}, Q4K(37, 768), {.shape = {1, {37}}}}},
    {CASE("tokens", true, false, 64), .batch = 1, .expect = {3, {2, 9, 48}},
     .in = {{.shape = {3, {2, 9, 64}}}, Q4(48, 64), {.shape = {1, {48}}}}},
    {CASE("not packed", true, false, 64), .batch = 1,
     .in = {{.shape = {2, {9, 64}}},
            {.shape = {2, {70, 64}}, .dtype = SW_Q8_0},
            {.shape = {1, {70}}}}},
    {CASE("with relu", true, true, 64), .batch = 1,
     .in = {{.shape = {2, {9, 64}}}, Q8(33, 64), {.shape = {1, {33}}}}},
    {PLAIN("gradient, a few rows", true, false, 10), .batch = 1,
     .in = {{.shape = {2, {5, 96}}, .grad = true}, Q8(70, 96), {.shape = {1, {70}}, .grad = true}}},
    {PLAIN("gradient, many rows", true, false, 18), .batch = 1,
     .in = {{.shape = {2, {61, 320}}, .grad = true},
            Q8(131, 320),
            {.shape = {1, {131}}, .grad = true}}},
    {PLAIN("gradient, long", false, false, 33), .batch = 1,
     .in = {{.shape = {2, {19, 1056}}, .grad = true}, Q4(40, 1056)}},
    {PLAIN("gradient, q4_k", false, false, 16), .batch = 1,
     .in = {{.shape = {2, {7, 256}}, .grad = true}, Q4K(33, 256)}},
    {PLAIN("gradient, wide", false, false, 6), .batch = 1,
     .in = {{.shape = {2, {8, 32}}, .grad = true}, Q4(600, 32)}},
    {PLAIN("gradient, tokens", true, false, 8), .batch = 1,
     .in = {{.shape = {3, {2, 9, 64}}, .grad = true},
            Q4(48, 64),
            {.shape = {1, {48}}, .grad = true}}},
    {CASE("no rows", false, false, 64), .in = {{.shape = {2, {0, 64}}}, Q8(5, 64)}},
    {CASE("no columns", true, false, 0), .batch = 1,
     .in = {{.shape = {2, {3, 0}}}, Q8(5, 0), {.shape = {1, {5}}}}},
    {0}};
