/* Cases of matmul and linear.
 *
 * Tolerance of a sum of K products of numbers up to 1: each of at most K + 2 roundings moves it by at
 * most eps/2 of the sum of magnitudes, K here; the runner scales by max(1, |y|):
 * (K + 2) * 2^-24 * K, for K up to 300: 5.4e-3 in the worst case and about sqrt(K) times less for
 * random signs.  The figures below take (K + 2) * 2^-24 * sum of magnitudes with the mean magnitude
 * 1/4 of a product of two uniform numbers, doubled. */
#include "op_test.h"

#include <math.h>

#define TOL(k) (((k) + 2) * 0x1p-24 * (k)*0.5)

struct product {
    bool ta, tb;
};

static void build_matmul(sw_graph *g, sw_node *const *in, sw_node **out, const void *arg)
{
    const struct product *p = arg;
    out[0] = sw_matmul(g, in[0], in[1],
                       (sw_matmul_options){.transpose_a = p->ta, .transpose_b = p->tb});
}

/* y[..., i, j] = sum over k of a[..., i, k] b[..., k, j], straight from the definition. */
static void oracle_matmul(const struct oracle_array *in, struct oracle_array *out, const void *arg)
{
    const struct product *p = arg;
    const sw_shape *a = &in[0].shape, *b = &in[1].shape, *y = &out[0].shape;
    int64_t sa[SW_MAX_RANK], sb[SW_MAX_RANK], index[SW_MAX_RANK];
    int rank = y->rank;
    int64_t k_size = a->dim[p->ta ? a->rank - 2 : a->rank - 1];
    int64_t a1 = a->dim[a->rank - 1], b1 = b->dim[b->rank - 1];
    oracle_strides(a, rank, sa);
    oracle_strides(b, rank, sb);
    for (int64_t e = 0; e < oracle_count(&out[0]); e++) {
        int64_t rest = e, at = 0, bt = 0;
        for (int d = rank - 1; d >= 0; d--) {
            index[d] = rest % y->dim[d];
            rest /= y->dim[d];
        }
        for (int d = 0; d < rank - 2; d++) {
            at += index[d] * sa[d];
            bt += index[d] * sb[d];
        }
        int64_t i = index[rank - 2], j = index[rank - 1];
        double sum = 0;
        for (int64_t k = 0; k < k_size; k++)
            sum += in[0].v[at + (p->ta ? k * a1 + i : i * a1 + k)] *
                   in[1].v[bt + (p->tb ? j * b1 + k : k * b1 + j)];
        out[0].v[e] = sum;
    }
}

/* ---- linear ------------------------------------------------------------------------------------ */

enum activation { IDENTITY, RELU, LEAKY, CLIP, GELU, GELU_TANH, SILU, SIGMOID, TANH };

struct linear {
    enum activation act;
    bool no_bias, bf16;
};

static sw_node *activate(sw_graph *g, sw_node *y, enum activation act)
{
    switch (act) {
    case IDENTITY: return y;
    case RELU: return sw_relu(g, y);
    case LEAKY: return sw_leaky_relu(g, y, 0.1f);
    case CLIP: return sw_clip(g, y, -0.5f, 0.75f);
    case GELU: return sw_gelu(g, y);
    case GELU_TANH: return sw_gelu_tanh(g, y);
    case SILU: return sw_silu(g, y);
    case SIGMOID: return sw_sigmoid(g, y);
    case TANH: return sw_tanh(g, y);
    }
    return y;
}

static double oracle_activate(double y, enum activation act)
{
    switch (act) {
    case IDENTITY: return y;
    case RELU: return y > 0 ? y : 0;
    case LEAKY: return y > 0 ? y : (double)0.1f * y;
    case CLIP: return fmin(fmax(y, -0.5), 0.75);
    case GELU: return 0.5 * y * (1 + erf(y / sqrt(2)));
    case GELU_TANH: return 0.5 * y * (1 + tanh(sqrt(2 / M_PI) * (y + 0.044715 * y * y * y)));
    case SILU: return y / (1 + exp(-y));
    case SIGMOID: return 1 / (1 + exp(-y));
    case TANH: return tanh(y);
    }
    return y;
}

static void build_linear(sw_graph *g, sw_node *const *in, sw_node **out, const void *arg)
{
    const struct linear *l = arg;
    if (l->bf16) sw_graph_compute(g, SW_BF16);
    out[0] = activate(g, sw_linear(g, in[0], in[1], l->no_bias ? NULL : in[2]), l->act);
}

/* A bias added on its own: the plan fuses it. */
static void build_linear_apart(sw_graph *g, sw_node *const *in, sw_node **out, const void *arg)
{
    const struct linear *l = arg;
    out[0] = activate(g, sw_add(g, sw_linear(g, in[0], in[1], NULL), in[2]), l->act);
}

static double to_bf16(double x)
{
    int e;
    double m = frexp(x, &e); /* 8 bits of significand, ties to even */
    return ldexp(nearbyint(ldexp(m, 8)), e - 8);
}

static void oracle_linear(const struct oracle_array *in, struct oracle_array *out, const void *arg)
{
    const struct linear *l = arg;
    int64_t n = in[1].shape.dim[0], k = in[1].shape.dim[1], rows = oracle_count(&in[0]) / k;
    for (int64_t r = 0; r < rows; r++)
        for (int64_t j = 0; j < n; j++) {
            double sum = l->no_bias ? 0 : in[2].v[j];
            for (int64_t i = 0; i < k; i++) {
                double x = in[0].v[r * k + i], w = in[1].v[j * k + i];
                sum += l->bf16 ? to_bf16(x) * to_bf16(w) : x * w;
            }
            out[0].v[r * n + j] = oracle_activate(sum, l->act);
        }
}

#define IN(...)                                                                                    \
    {                                                                                              \
        .shape = __VA_ARGS__, .grad = true                                                         \
    }
#define MATMUL(title, ta_, tb_, a_, b_, k, rows)                                                   \
    {                                                                                              \
        .name = title, .build = build_matmul, .oracle = oracle_matmul,                             \
        .arg = &(const struct product){ta_, tb_}, .n_in = 2, .in = {IN a_, IN b_}, .tol = TOL(k),  \
        .batch = rows                                                                              \
    }
#define BF16(title, ta_, tb_, a_, b_, k, rows)                                                     \
    {                                                                                              \
        .name = title, .build = build_matmul, .oracle = oracle_matmul,                             \
        .arg = &(const struct product){ta_, tb_}, .n_in = 2,                                       \
        .in = {{.shape = a_, .dtype = SW_BF16}, {.shape = b_, .dtype = SW_BF16}}, .tol = TOL(k),   \
        .batch = rows, .every_isa = true                                                           \
    }
#define HALF(title, type, x_, w_, k)                                                               \
    {                                                                                              \
        .name = title, .build = build_linear, .oracle = oracle_linear,                             \
        .arg = &(const struct linear){.no_bias = true}, .n_in = 2,                                 \
        .in = {{.shape = x_, .grad = true}, {.shape = w_, .dtype = type, .weight = true}},         \
        .tol = TOL(k), .batch = 1                                                                  \
    }
#define LINEAR(title, how, act_, x_, w_, b_, k)                                                    \
    {                                                                                              \
        .name = title, .build = how, .oracle = oracle_linear,                                      \
        .arg = &(const struct linear){.act = act_}, .n_in = 3,                                     \
        .in = {IN x_,                                                                              \
               {.shape = w_, .grad = true, .weight = true},                                        \
               {.shape = b_, .grad = true, .weight = true}},                                       \
        .tol = TOL(k) + 8e-7, .batch = 1                                                           \
    }
#define S(...)                                                                                     \
    {                                                                                              \
        sizeof((int64_t[]){__VA_ARGS__}) / sizeof(int64_t),                                        \
        {                                                                                          \
            __VA_ARGS__                                                                            \
        }                                                                                          \
    }

/* clang-format off */
const struct op_case optest_matmul[] = {
    MATMUL("2-D", false, false, (S(7, 33)), (S(33, 9)), 33, 1),
    MATMUL("transposed a", true, false, (S(33, 7)), (S(33, 9)), 33, 0),
    MATMUL("transposed b", false, true, (S(7, 33)), (S(9, 33)), 33, 1),
    MATMUL("both transposed", true, true, (S(33, 7)), (S(9, 33)), 33, 0),
    MATMUL("one row", false, false, (S(1, 300)), (S(300, 65)), 300, 0),
    MATMUL("many rows over a K block", false, false, (S(63, 300)), (S(300, 40)), 300, 1),
    MATMUL("one element", false, false, (S(1, 1)), (S(1, 1)), 1, 0),
    MATMUL("batches", false, false, (S(3, 2, 5, 8)), (S(3, 2, 8, 6)), 8, 3),
    MATMUL("batches, transposed a", true, false, (S(3, 8, 5)), (S(3, 8, 6)), 8, 3),
    MATMUL("batches, transposed b", false, true, (S(3, 5, 8)), (S(3, 6, 8)), 8, 3),
    MATMUL("batches, both", true, true, (S(3, 8, 5)), (S(3, 6, 8)), 8, 3),
    MATMUL("b broadcast over rows", false, false, (S(4, 3, 5, 8)), (S(8, 6)), 8, 1),
    MATMUL("a broadcast", false, false, (S(5, 8)), (S(4, 8, 6)), 8, 0),
    MATMUL("a transposed, b without batch", true, false, (S(4, 8, 5)), (S(8, 6)), 8, 1),
    MATMUL("both broadcast", false, false, (S(4, 1, 5, 8)), (S(1, 3, 8, 6)), 8, 1),
    MATMUL("no inner size", false, false, (S(4, 0)), (S(0, 3)), 0, 1),
    LINEAR("linear", build_linear, IDENTITY, (S(6, 40)), S(10, 40), S(10), 40),
    LINEAR("linear, three axes", build_linear, IDENTITY, (S(3, 4, 40)), S(33, 40), S(33), 40),
    {.name = "linear, a vector", .build = build_linear, .oracle = oracle_linear,
     .arg = &(const struct linear){.act = IDENTITY}, .n_in = 3,
     .in = {IN(S(40)), IN(S(10, 40)), IN(S(10))}, .tol = TOL(40)},
    LINEAR("linear + relu", build_linear, RELU, (S(20, 40)), S(10, 40), S(10), 40),
    LINEAR("linear + leaky relu", build_linear, LEAKY, (S(20, 40)), S(10, 40), S(10), 40),
    LINEAR("linear + clip", build_linear, CLIP, (S(20, 40)), S(10, 40), S(10), 40),
    LINEAR("linear + gelu", build_linear, GELU, (S(20, 40)), S(10, 40), S(10), 40),
    LINEAR("linear + gelu_tanh", build_linear, GELU_TANH, (S(20, 40)), S(10, 40), S(10), 40),
    LINEAR("linear + silu", build_linear, SILU, (S(20, 40)), S(10, 40), S(10), 40),
    LINEAR("linear + sigmoid", build_linear, SIGMOID, (S(20, 40)), S(10, 40), S(10), 40),
    LINEAR("linear + tanh", build_linear, TANH, (S(20, 40)), S(10, 40), S(10), 40),
    LINEAR("bias and relu apart", build_linear_apart, RELU, (S(20, 40)), S(10, 40), S(10), 40),
    LINEAR("bias and gelu apart", build_linear_apart, GELU, (S(20, 40)), S(10, 40), S(10), 40),
    {.name = "linear without bias", .build = build_linear, .oracle = oracle_linear,
     .arg = &(const struct linear){.no_bias = true}, .n_in = 2,
     .in = {IN(S(64, 300)), {.shape = S(70, 300), .grad = true, .weight = true}},
     .tol = TOL(300), .batch = 1},
    {.name = "linear in bf16", .build = build_linear, .oracle = oracle_linear,
     .arg = &(const struct linear){.bf16 = true}, .n_in = 3,
     .in = {{.shape = S(9, 40)}, {.shape = S(12, 40), .weight = true}, {.shape = S(12)}},
     .tol = TOL(40), .batch = 1},
    BF16("bf16 operands", false, false, S(9, 40), S(40, 12), 40, 1),
    BF16("bf16 operands, transposed a", true, false, S(70, 9), S(70, 40), 70, 0),
    BF16("bf16 operands, transposed b", false, true, S(65, 70), S(40, 70), 70, 1),
    BF16("bf16 operands, both transposed", true, true, S(33, 50), S(40, 33), 33, 0),
    BF16("bf16 operands over K blocks", false, false, S(130, 1100), S(1100, 100), 1100, 1),
    BF16("bf16 operands, batches", false, false, S(3, 2, 5, 8), S(3, 2, 8, 6), 8, 3),
    BF16("bf16 operands, no inner size", false, false, S(4, 0), S(0, 3), 0, 1),
    {.name = "one row in bf16, a long weight", .build = build_linear, .oracle = oracle_linear,
     .arg = &(const struct linear){.bf16 = true, .act = GELU}, .n_in = 3,
     .in = {{.shape = S(3, 1100)}, {.shape = S(90, 1100), .weight = true}, {.shape = S(90)}},
     .tol = TOL(1100), .batch = 1, .every_isa = true},
    HALF("an f16 weight, few rows", SW_F16, S(4, 600), S(100, 600), 600),
    HALF("an f16 weight, many rows", SW_F16, S(70, 300), S(301, 300), 300),
    HALF("a bf16 weight in f32, few rows", SW_BF16, S(3, 600), S(70, 600), 600),
    HALF("a bf16 weight in f32, many rows", SW_BF16, S(40, 270), S(65, 270), 270),
    {.name = "f16 and bf16 operands", .build = build_matmul, .oracle = oracle_matmul,
     .arg = &(const struct product){false, false}, .n_in = 2,
     .in = {{.shape = S(9, 40), .dtype = SW_BF16}, {.shape = S(40, 12), .dtype = SW_F16, .weight = true}},
     .tol = TOL(40), .batch = 1},
    {0}};

const struct op_error_case optest_errors_matmul[] = {
    {.name = "inner sizes", .build = build_matmul, .arg = &(const struct product){false, false}, .n_in = 2,
     .in = {{.shape = S(3, 4)}, {.shape = S(5, 6)}}, .status = SW_ERR_SHAPE,
     .text = {"matmul", "(3,4)", "(5,6)", "inner"}},
    {.name = "leading sizes", .build = build_matmul, .arg = &(const struct product){false, false}, .n_in = 2,
     .in = {{.shape = S(2, 3, 4)}, {.shape = S(5, 4, 6)}}, .status = SW_ERR_SHAPE,
     .text = {"matmul", "(2,3,4)", "(5,4,6)"}},
    {.name = "a vector b", .build = build_matmul, .arg = &(const struct product){false, false}, .n_in = 2,
     .in = {{.shape = S(3, 4)}, {.shape = S(4)}}, .status = SW_ERR_SHAPE, .text = {"matmul", "(4)"}},
    {.name = "integers", .build = build_matmul, .arg = &(const struct product){false, false}, .n_in = 2,
     .in = {{.shape = S(3, 4), .dtype = SW_I32, .lo = 0, .hi = 9}, {.shape = S(4, 4)}},
     .status = SW_ERR_DTYPE, .text = {"matmul", "i32"}},
    {.name = "bias length", .build = build_linear, .arg = &(const struct linear){.act = IDENTITY}, .n_in = 3,
     .in = {{.shape = S(3, 4)}, {.shape = S(5, 4)}, {.shape = S(6)}}, .status = SW_ERR_SHAPE,
     .text = {"matmul", "(6)", "bias"}},
    {0}};
/* clang-format on */
