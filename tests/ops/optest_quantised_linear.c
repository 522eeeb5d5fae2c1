/* quantised_linear: y = x W^T + b with the values that the stored blocks stand for. */
#include "op_test.h"
#include <math.h>

struct arg {
    bool bias, relu;
};

static void build(sw_graph *g, sw_node *const *in, sw_node **out, const void *arg)
{
    const struct arg *a = arg;
    out[0] = sw_quantised_linear(g, in[0], in[1], a->bias ? in[2] : NULL);
    if (a->relu) out[0] = sw_relu(g, out[0]);
}

static void oracle(const struct oracle_array *in, struct oracle_array *out, const void *arg)
{
    const struct arg *a = arg;
    int64_t n = in[1].shape.dim[0], k = in[1].shape.dim[1], m = oracle_count(&out[0]) / n;
    for (int64_t i = 0; i < m; i++)
        for (int64_t j = 0; j < n; j++) {
            double sum = a->bias ? in[2].v[j] : 0;
            for (int64_t h = 0; h < k; h++) sum += in[0].v[i * k + h] * in[1].v[j * k + h];
            out[0].v[i * n + j] = a->relu ? fmax(sum, 0) : sum;
        }
}

/* K products of numbers uniform in [-1, 1] have magnitudes that sum to about K / 4, and each passes
 * at most K + 2 roundings of half a unit: (K + 2) 2^-24 K / 4, doubled for the spread of the sum. */
#define CASE(text, bias, relu, k)                                                                  \
    .name = text, .build = build, .oracle = oracle, .n_in = bias ? 3 : 2,                          \
    .arg = &(const struct arg){bias, relu}, .tol = (k + 2) * 0x1p-24 * k / 2
#define Q8(n, k)                                                                                   \
    {                                                                                              \
        .shape = {2, {n, k}}, .dtype = SW_Q8_0, .weight = true                                     \
    }
#define Q4(n, k)                                                                                   \
    {                                                                                              \
        .shape = {2, {n, k}}, .dtype = SW_Q4_0, .weight = true                                     \
    }

const struct op_case optest_quantised_linear[] = {
    {CASE("one row", false, false, 64), .batch = 1, .expect = {2, {1, 5}},
     .in = {{.shape = {2, {1, 64}}, .grad = true}, Q8(5, 64)}},
    {CASE("a few rows", true, false, 96), .batch = 1,
     .in = {{.shape = {2, {5, 96}}, .grad = true}, Q8(70, 96), {.shape = {1, {70}}, .grad = true}}},
    {CASE("many rows", true, false, 320), .batch = 1,
     .in = {{.shape = {2, {61, 320}}, .grad = true},
            Q8(131, 320),
            {.shape = {1, {131}}, .grad = true}}},
    {CASE("long", false, false, 1056), .batch = 1,
     .in = {{.shape = {2, {19, 1056}}, .grad = true}, Q4(40, 1056)}},
    {CASE("wide", false, false, 32), .batch = 1,
     .in = {{.shape = {2, {8, 32}}, .grad = true}, Q4(600, 32)}},
    {CASE("tokens", true, false, 64), .batch = 1, .expect = {3, {2, 9, 48}},
     .in = {{.shape = {3, {2, 9, 64}}, .grad = true},
            Q4(48, 64),
            {.shape = {1, {48}}, .grad = true}}},
    {CASE("with relu", true, true, 64), .batch = 1,
     .in = {{.shape = {2, {9, 64}}}, Q8(33, 64), {.shape = {1, {33}}}}},
    {CASE("no rows", false, false, 64), .in = {{.shape = {2, {0, 64}}}, Q8(5, 64)}},
    {CASE("no columns", true, false, 0), .batch = 1,
     .in = {{.shape = {2, {3, 0}}}, Q8(5, 0), {.shape = {1, {5}}}}},
    {0}};
