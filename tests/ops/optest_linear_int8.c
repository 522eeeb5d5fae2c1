/* Cases of linear_int8.  The sum is exact; then come at most four roundings (to f32, two scales, the
 * bias) of 2^-24 each of numbers of which none is above 16 times max(1, |y|) here: 4e-6. */
#include "op_test.h"

struct bytes {
    bool no_zero, no_bias, relu;
};

enum { X, X_SCALE, W, W_SCALE, ZERO, BIAS };

static void build_bytes(sw_graph *g, sw_node *const *in, sw_node **out, const void *arg)
{
    const struct bytes *b = arg;
    out[0] = sw_linear_int8(g, in[X], in[X_SCALE], b->no_zero ? NULL : in[ZERO], in[W], in[W_SCALE],
                            b->no_bias ? NULL : in[b->no_zero ? ZERO : BIAS]);
    if (b->relu) out[0] = sw_relu(g, out[0]);
}

static void oracle_bytes(const struct oracle_array *in, struct oracle_array *out, const void *arg)
{
    const struct bytes *b = arg;
    const int64_t n = in[W].shape.dim[0], k = in[W].shape.dim[1];
    const double *bias = b->no_bias ? NULL : in[b->no_zero ? ZERO : BIAS].v;
    for (int64_t e = 0; e < oracle_count(out); e++) {
        const int64_t i = e / n, j = e % n;
        double sum = 0, zero = b->no_zero ? 0 : in[ZERO].v[0];
        for (int64_t d = 0; d < k; d++) sum += (in[X].v[i * k + d] - zero) * in[W].v[j * k + d];
        sum *= in[X_SCALE].v[in[X_SCALE].shape.rank ? i : 0] * in[W_SCALE].v[j];
        if (bias) sum += bias[j];
        out[0].v[e] = b->relu && sum < 0 ? 0 : sum;
    }
}

/* clang-format off */
#define S(...) {sizeof((int64_t[]){__VA_ARGS__}) / sizeof(int64_t), {__VA_ARGS__}}
#define BYTES(type, ...) {.shape = S(__VA_ARGS__), .dtype = type, .lo = type == SW_I8 ? -128 : 0, .hi = type == SW_I8 ? 127 : 255}
#define WEIGHT(n, k) {.shape = S(n, k), .dtype = SW_I8, .lo = -128, .hi = 127, .weight = true}
#define SCALES(...) {.shape = S(__VA_ARGS__), .lo = 0.001, .hi = 0.01}
#define ONE(x) {.shape = {0}, .values = (const double[]){x}}
#define ZERO_OF(type, x) {.shape = {0}, .dtype = type, .values = (const double[]){x}}
#define CASE(title, n, ...) .name = title, .build = build_bytes, .oracle = oracle_bytes, .n_in = n, \
    .arg = &(const struct bytes){__VA_ARGS__}, .tol = 4e-6, .every_isa = true

const struct op_case optest_linear_int8[] = {
    {CASE("u8", 6), .batch = 1, .in = {BYTES(SW_U8, 40, 70), ONE(0.01), WEIGHT(50, 70), SCALES(50),
                                       ZERO_OF(SW_U8, 131), {.shape = S(50)}}},
    {CASE("i8, scales of rows", 6), .batch = 3, .in = {BYTES(SW_I8, 9, 300), SCALES(9), WEIGHT(33, 300), SCALES(33),
                                                       ZERO_OF(SW_I8, -7), {.shape = S(33)}}},
    {CASE("no zero point, relu", 5, .no_zero = true, .relu = true), .batch = 1,
     .in = {BYTES(SW_I8, 3, 4, 40), ONE(0.01), WEIGHT(20, 40), SCALES(20), {.shape = S(20)}}},
    {CASE("w is no weight", 4, .no_zero = true, .no_bias = true), .batch = 1,
     .in = {BYTES(SW_I8, 20, 90), ONE(0.01), BYTES(SW_I8, 150, 90), SCALES(150)}},
    {CASE("K blocks and tasks", 4, .no_zero = true, .no_bias = true), .batch = 1,
     .in = {BYTES(SW_U8, 130, 1500), ONE(0.0001), WEIGHT(200, 1500), SCALES(200)}},
    {CASE("rows as they are", 6), .batch = 1,
     .in = {BYTES(SW_U8, 70, 2304), ONE(0.0001), BYTES(SW_I8, 300, 2304), SCALES(300),
            ZERO_OF(SW_U8, 131), {.shape = S(300)}}},
    {CASE("rows a page apart, a weight", 6), .batch = 1,
     .in = {BYTES(SW_I8, 70, 4096), ONE(0.0001), WEIGHT(300, 4096), SCALES(300),
            ZERO_OF(SW_I8, -7), {.shape = S(300)}}},
    {CASE("rows a page apart", 4, .no_zero = true, .no_bias = true), .batch = 1,
     .in = {BYTES(SW_I8, 40, 4096), ONE(0.0001), BYTES(SW_I8, 300, 4096), SCALES(300)}},
    {CASE("a vector", 4, .no_zero = true, .no_bias = true),
     .in = {BYTES(SW_U8, 40), ONE(0.01), WEIGHT(20, 40), SCALES(20)}},
    {CASE("no inner size", 6), .in = {BYTES(SW_U8, 4, 0), ONE(0.01), WEIGHT(5, 0), SCALES(5),
                                      ZERO_OF(SW_U8, 131), {.shape = S(5)}}},
    {0}};

static const struct bytes bare = {.no_zero = true, .no_bias = true};

const struct op_error_case optest_errors_linear_int8[] = {
    {.name = "inner sizes", .build = build_bytes, .arg = &bare, .n_in = 4,
     .in = {BYTES(SW_U8, 3, 4), ONE(1), BYTES(SW_I8, 5, 6), SCALES(5)}, .status = SW_ERR_SHAPE,
     .text = {"linear_int8", "(3,4)", "(5,6)", "inner"}},
    {.name = "floats", .build = build_bytes, .arg = &bare, .n_in = 4,
     .in = {{.shape = S(3, 4)}, ONE(1), BYTES(SW_I8, 5, 4), SCALES(5)}, .status = SW_ERR_DTYPE,
     .text = {"linear_int8", "f32"}},
    {.name = "scales", .build = build_bytes, .arg = &bare, .n_in = 4,
     .in = {BYTES(SW_U8, 3, 4), SCALES(2), BYTES(SW_I8, 5, 4), SCALES(5)}, .status = SW_ERR_SHAPE,
     .text = {"linear_int8", "(2)", "row"}},
    {0}};
/* clang-format on */
