/* Cases of rotary positions: Su et al. 2021, equation 34, in float64.
 *
 * Tolerance: cosine and sine are right to 2^-24 and the angle's own rounding (position * 2^-53), the
 * two products and their sum add three roundings of numbers up to 1: 4 * 2^-23 in all; a magnitude of up to
 * 1.4 adds two more, and frequencies that YaRN mixed are off by 2^-52. */
#include "op_test.h"

#include <math.h>

#define TOL 0x1p-21

struct call {
    sw_rope_options o;
    bool factors;
};

static void build_rope(sw_graph *g, sw_node *const *in, sw_node **out, const void *arg)
{
    const struct call *c = arg;
    sw_rope_options o = c->o;
    if (c->factors) o.frequencies = in[2];
    out[0] = sw_rope(g, in[0], in[1], o);
}

/* YaRN, equations 18 to 22 by the number of turns of each pair: r = original / wavelength, ramp from slow to
 * fast; unlike the paper's code it fades linearly over the pairs, not over the turns. */
static double yarn_frequency(const struct call *c, double base, double dims, double i)
{
    const double pi = acos(-1), original = (double)c->o.yarn.original,
                 factor = (double)c->o.yarn.factor;
    const double fast = c->o.yarn.fast != 0 ? (double)c->o.yarn.fast : 32;
    const double slow = c->o.yarn.slow != 0 ? (double)c->o.yarn.slow : 1;
    const double plain = pow(base, -2 * i / dims);
    /* The pair p that turns n times: original base^(-2p/dims) = 2 pi n. */
    double first = dims / 2 * log(original / (2 * pi * fast)) / log(base);
    double last = dims / 2 * log(original / (2 * pi * slow)) / log(base);
    if (!c->o.yarn.fractional) first = floor(first), last = ceil(last);
    first = first < 0 ? 0 : first;
    last = last > dims - 1 ? dims - 1 : last;
    if (i <= first) return plain;
    if (i >= last) return plain / factor;
    const double divided = (i - first) / (last - first);
    return plain * (1 - divided) + plain / factor * divided;
}

static void oracle_rope(const struct oracle_array *in, struct oracle_array *out, const void *arg)
{
    const struct call *c = arg;
    const int rank = in[0].shape.rank;
    const int64_t hs = in[0].shape.dim[rank - 1], nh = in[0].shape.dim[rank - 2];
    const int64_t dims = c->o.dims ? c->o.dims : hs, half = dims / 2, n = oracle_count(&in[1]);
    const double base = c->o.base != 0 ? (double)c->o.base : 10000;
    const double scale = c->o.scale != 0 ? (double)c->o.scale : 1;
    for (int64_t e = 0; e < oracle_count(&in[0]); e++) {
        const int64_t d = e % hs, token = e / hs / nh;
        const double *x = in[0].v + (e - d);
        out[0].v[e] = x[d];
        if (d >= dims) continue;
        const bool pairs = c->o.pairing == SW_ROPE_INTERLEAVED;
        const int64_t i = pairs ? d / 2 : d % half, first = pairs ? 2 * i : i;
        const int64_t second = pairs ? 2 * i + 1 : i + half;
        double angle = in[1].v[token % n] * scale * pow(base, -2. * (double)i / (double)dims);
        if (c->factors) angle /= in[2].v[i];
        double magnitude = 1;
        if (c->o.yarn.factor > 0) {
            angle = in[1].v[token % n] * yarn_frequency(c, base, (double)dims, (double)i);
            magnitude = (double)c->o.yarn.magnitude;
            if (magnitude == 0) magnitude = 1 + 0.1 * log((double)c->o.yarn.factor);
        }
        out[0].v[e] = magnitude * (d == first ? x[first] * cos(angle) - x[second] * sin(angle)
                                              : x[first] * sin(angle) + x[second] * cos(angle));
    }
}

static const struct call
    neox = {{0}, false},
    pairs = {{.pairing = SW_ROPE_INTERLEAVED}, false}, partial = {{.dims = 6}, false},
    partial_pairs = {{.pairing = SW_ROPE_INTERLEAVED, .dims = 10}, false},
    scaled = {{.base = 500000, .scale = 0.25f}, false},
    yarn = {{.base = 150000, .yarn = {.factor = 32, .original = 4096, .fractional = true}}, false},
    yarn_whole =
        {{.pairing = SW_ROPE_INTERLEAVED,
          .yarn = {.factor = 4, .original = 512, .fast = 16, .slow = 2, .magnitude = 1.25f}},
         false},
    yarn_short = {{.yarn = {.factor = 2, .original = 20}}, false},
    llama3 = {{.pairing = SW_ROPE_INTERLEAVED, .base = 500000}, true};

/* clang-format off */
#define X(...) {.shape = {__VA_ARGS__}, .grad = true}
#define AT(...) {.shape = {__VA_ARGS__}, .dtype = SW_I32, .lo = 0, .hi = 131072}
#define CASE(NAME, ARG, ...)                                                                       \
    {.name = NAME, .build = build_rope, .oracle = oracle_rope, .arg = &(ARG), .tol = TOL, __VA_ARGS__}
const struct op_case optest_rope[] = {
    CASE("halves", neox, .n_in = 2, .batch = 1, .in = {X(4, {2, 5, 3, 8}), AT(1, {5})},
         .expect = {4, {2, 5, 3, 8}}),
    CASE("pairs", pairs, .n_in = 2, .batch = 3, .in = {X(4, {2, 5, 3, 8}), AT(2, {2, 5})}),
    CASE("halves of 128", neox, .n_in = 2, .in = {X(4, {2, 3, 2, 128}), AT(2, {2, 3})}),
    CASE("pairs of 66", pairs, .n_in = 2, .in = {X(4, {2, 3, 2, 66}), AT(1, {3})}),
    CASE("flat tokens", neox, .n_in = 2, .batch = 3, .in = {X(3, {7, 2, 6}), AT(1, {7})}),
    CASE("part of the features", partial, .n_in = 2, .in = {X(4, {1, 3, 2, 9}), AT(1, {3})}),
    CASE("part of the pairs", partial_pairs, .n_in = 2, .in = {X(4, {1, 3, 2, 20}), AT(1, {3})}),
    CASE("base and scale", scaled, .n_in = 2, .in = {X(4, {1, 3, 2, 16}), AT(1, {3})}),
    CASE("factors", llama3, .n_in = 3, .in = {X(4, {1, 3, 2, 16}), AT(1, {3}),
         {.shape = {1, {8}}, .lo = 1, .hi = 8}}),
    CASE("yarn", yarn, .n_in = 2, .in = {X(4, {1, 3, 2, 64}), AT(1, {3})}),
    CASE("yarn, whole pairs", yarn_whole, .n_in = 2, .in = {X(4, {1, 3, 2, 40}), AT(1, {3})}),
    CASE("yarn, all slow", yarn_short, .n_in = 2, .in = {X(4, {1, 3, 2, 16}), AT(1, {3})}),
    CASE("many tokens", neox, .n_in = 2, .in = {X(4, {2, 300, 2, 16}), AT(1, {300})}),
    CASE("no token", neox, .n_in = 2, .in = {X(4, {2, 0, 2, 16}), AT(1, {0})}),
    {0}};

static const struct call odd = {{.dims = 5}, false}, large = {{.dims = 10}, false},
                         negative = {{.base = -1}, false},
                         no_original = {{.yarn = {.factor = 4}}, false};
#define BAD(NAME, ARG, STATUS, N, T0, T1, ...)                                                     \
    {.name = NAME, .build = build_rope, .arg = &(ARG), .n_in = N, .status = STATUS,                \
     .text = {"rope", T0, T1}, .in = {__VA_ARGS__}}
const struct op_error_case optest_errors_rope[] = {
    BAD("positions", neox, SW_ERR_SHAPE, 2, "(2,5,3,8)", "(4)", X(4, {2, 5, 3, 8}), AT(1, {4})),
    BAD("f32 positions", neox, SW_ERR_DTYPE, 2, "i32", NULL, X(4, {2, 5, 3, 8}), X(1, {5})),
    BAD("rank", neox, SW_ERR_SHAPE, 2, "(5,8)", NULL, X(2, {5, 8}), AT(1, {5})),
    BAD("odd dims", odd, SW_ERR_ARGUMENT, 2, "5", NULL, X(4, {2, 5, 3, 8}), AT(1, {5})),
    BAD("odd head", neox, SW_ERR_ARGUMENT, 2, "7", NULL, X(4, {2, 5, 3, 7}), AT(1, {5})),
    BAD("too many dims", large, SW_ERR_SHAPE, 2, "10", "8", X(4, {2, 5, 3, 8}), AT(1, {5})),
    BAD("base", negative, SW_ERR_ARGUMENT, 2, "base", NULL, X(4, {2, 5, 3, 8}), AT(1, {5})),
    BAD("yarn", no_original, SW_ERR_ARGUMENT, 2, "yarn", "0 original", X(4, {2, 5, 3, 8}), AT(1, {5})),
    BAD("factors", llama3, SW_ERR_SHAPE, 3, "(2,5,3,8)", "(3)", X(4, {2, 5, 3, 8}), AT(1, {5}),
        X(1, {3})),
    {0}};
/* clang-format on */
