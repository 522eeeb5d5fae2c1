/* Cases of local response normalisation.  d = k + alpha * sum passes window + 3 roundings, the power
 * beta of their number and a few of its own: below 20 * 2^-24 of y in all cases here; the general
 * power |beta log d| < 4 more. */
#include "op_test.h"

#include <math.h>

static void build(sw_graph *g, sw_node *const *in, sw_node **out, const void *arg)
{
    out[0] = sw_lrn(g, in[0], *(const sw_lrn_options *)arg);
}

static void oracle(const struct oracle_array *in, struct oracle_array *out, const void *arg)
{
    const sw_lrn_options *o = arg;
    int64_t channels = in[0].shape.dim[1], plane = 1, count = oracle_count(&in[0]);
    for (int i = 2; i < in[0].shape.rank; i++) plane *= in[0].shape.dim[i];
    for (int64_t e = 0; e < count; e++) {
        int64_t c = e / plane % channels;
        double sum = 0;
        for (int64_t j = c - (o->size - 1) / 2; j <= c + o->size / 2; j++) {
            if (j < 0 || j >= channels) continue;
            double v = in[0].v[e + (j - c) * plane];
            sum += v * v;
        }
        out[0].v[e] = in[0].v[e] / pow((double)o->k + (double)o->alpha * sum, (double)o->beta);
    }
}

/* clang-format off */
#define CASE(title, rows, options, ...)                                                            \
    {.name = title, .build = build, .oracle = oracle, .tol = 5e-6, .batch = rows, .n_in = 1,       \
     .arg = &(const sw_lrn_options)options,                                                        \
     .in = {{.shape = {sizeof((int64_t[]){__VA_ARGS__}) / sizeof(int64_t), {__VA_ARGS__}},         \
             .lo = -4, .hi = 4, .grad = true}}}
#define O(n, k, alpha, beta) {n, k, alpha, beta}

const struct op_case optest_lrn[] = {
    CASE("alexnet", 1, O(5, 2, 1e-4f, 0.75f), 2, 9, 6, 7),
    CASE("strong", 1, O(5, 2, 0.3f, 0.75f), 2, 9, 6, 7),
    CASE("other power", 1, O(5, 1, 0.3f, 0.5f), 2, 9, 6, 7),
    CASE("power above one", 1, O(3, 1, 0.3f, 1.3f), 3, 4, 33),
    CASE("even window", 1, O(4, 1, 0.3f, 0.75f), 2, 9, 5),
    CASE("window of one", 1, O(1, 1, 0.3f, 0.75f), 2, 3, 5),
    CASE("window above all", 1, O(9, 1, 0.3f, 0.75f), 2, 3, 5),
    CASE("vectors", 1, O(3, 1, 0.3f, 0.75f), 4, 20),
    CASE("strips", 1, O(5, 2, 0.3f, 0.75f), 2, 6, 23, 50),
    CASE("beta 0", 1, O(5, 2, 0.3f, 0), 2, 6, 5),
    CASE("no pictures", 0, O(5, 2, 0.3f, 0.75f), 0, 6, 5),
    CASE("no pixels", 0, O(5, 2, 0.3f, 0.75f), 2, 6, 0),
    {0}};
