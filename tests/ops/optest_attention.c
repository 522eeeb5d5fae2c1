/* Cases of attention and paged attention, against the definition in float64: all logits of a row,
 * their softmax, the weighted sum.
 *
 * Tolerance.  With q, k, v in [-1, 1] a logit is off by at most (HS + 3) 2^-24 times the sum of its
 * scaled magnitudes, in the mean sqrt(HS) / 4; an output is a mean of values up to 1, and moves by
 * at most twice the largest error of a logit and one rounding a key: below
 * (HS + 3) sqrt(HS) 2^-24 / 2 + TK 2^-24, 2.6e-5 for HS = 64 and TK = 150; log-sum-exp likewise. */
#include "op_test.h"

#include <math.h>
#include <stdlib.h>

#define TOL 2e-5

struct call {
    bool causal, mask, only_y;
    int window;
    float scale, softcap;
    int documents, sinks; /* which operand; 0: none */
};

static sw_attention_options options(const struct call *c, sw_node *const *in)
{
    return (sw_attention_options){.causal = c->causal,
                                  .window = c->window,
                                  .scale = c->scale,
                                  .softcap = c->softcap,
                                  .mask = c->mask ? in[3] : NULL,
                                  .documents = c->documents ? in[c->documents] : NULL,
                                  .sinks = c->sinks ? in[c->sinks] : NULL};
}

static void build_attention(sw_graph *g, sw_node *const *in, sw_node **out, const void *arg)
{
    const struct call *c = arg;
    out[0] = sw_attention(g, in[0], in[1], in[2], options(c, in));
    if (!c->only_y) out[1] = sw_output(out[0], 1);
}

/* The logit of head h, query i, key j before the mask. */
static double logit(const double *q, const double *k, int64_t hs, const struct call *c)
{
    double s = 0;
    for (int64_t d = 0; d < hs; d++) s += q[d] * k[d];
    s *= c->scale != 0 ? (double)c->scale : 1 / sqrt((double)hs);
    return c->softcap > 0 ? (double)c->softcap * tanh(s / (double)c->softcap) : s;
}

static bool visible(const struct call *c, int64_t i, int64_t j)
{
    return (!c->causal || j <= i) && (c->window == 0 || j > i - c->window);
}

/* Whether all positions between two have the number of the first. */
static bool same_document(const struct oracle_array *documents, int64_t b, int64_t i, int64_t j)
{
    const double *of = documents->v + b * documents->shape.dim[1];
    const int64_t to = i > j ? i : j;
    for (int64_t t = i < j ? i : j; t <= to; t++)
        if (of[t] != of[i]) return false;
    return true;
}

static void oracle_attention(const struct oracle_array *in, struct oracle_array *out,
                             const void *arg)
{
    const struct call *c = arg;
    const int64_t *q = in[0].shape.dim, *k = in[1].shape.dim, hs = q[3],
                  group = k[2] ? q[2] / k[2] : 1;
    int64_t stride[4] = {0};
    if (c->mask) oracle_strides(&in[3].shape, 4, stride);
    for (int64_t row = 0; row < q[0] * q[1] * q[2]; row++) {
        const int64_t b = row / q[2] / q[1], i = row / q[2] % q[1], h = row % q[2];
        double sum = 0, most = -INFINITY, *y = out[0].v + row * hs;
        double *p = calloc((size_t)k[1] + 1, sizeof *p);
        for (int64_t j = 0; j < k[1]; j++) {
            p[j] = -INFINITY;
            if (!visible(c, i + k[1] - q[1], j)) continue;
            if (c->documents && !same_document(&in[c->documents], b, i, j)) continue;
            p[j] = logit(in[0].v + row * hs, in[1].v + ((b * k[1] + j) * k[2] + h / group) * hs, hs,
                         c);
            if (c->mask)
                p[j] += in[3].v[b * stride[0] + h * stride[1] + i * stride[2] + j * stride[3]];
            most = fmax(most, p[j]);
        }
        for (int64_t j = 0; j < k[1]; j++) sum += p[j] = most > -INFINITY ? exp(p[j] - most) : 0;
        if (c->sinks) sum += exp(in[c->sinks].v[h] - most);
        for (int64_t d = 0; d < hs; d++) {
            y[d] = 0;
            for (int64_t j = 0; j < k[1] && sum > 0; j++)
                y[d] += p[j] / sum * in[2].v[((b * k[1] + j) * k[2] + h / group) * hs + d];
        }
        if (!c->only_y) out[1].v[(b * q[2] + h) * q[1] + i] = most + log(sum);
        free(p);
    }
}

static const struct call plain = {0}, causal = {.causal = true},
                         causal_y = {.causal = true, .only_y = true},
                         window = {.causal = true, .window = 5},
                         wide = {.causal = true, .window = 70, .only_y = true},
                         capped = {.causal = true, .softcap = 1.5f, .scale = 0.9f},
                         masked = {.mask = true}, masked_y = {.mask = true, .only_y = true},
                         everything = {.causal = true, .mask = true, .window = 40, .softcap = 3},
                         documents = {.causal = true, .documents = 3}, both_ways = {.documents = 3},
                         sinks = {.causal = true, .sinks = 3},
                         all_new = {.causal = true,
                                    .mask = true,
                                    .window = 40,
                                    .softcap = 3,
                                    .documents = 4,
                                    .sinks = 5};

#define INF INFINITY
static const double holes[] = {0,    -INF, 0.5,  -1, 0,    0,    2,    -INF, -INF, 0.25, 0, 0,
                               -INF, 0,    -0.5, 0,  0,    0,    -INF, 0,    -INF, 0,    0, 0,
                               1.5,  0,    -3,   0,  0.75, -INF, 0,    -1,   0,    0.5,  0};
static const double blind[] = {0, -INF, 0}; /* (3,1): the second row sees nothing */

#define QKV(B, TQ, TK, NH, NKV, HS)                                                                \
    {.shape = {4, {B, TQ, NH, HS}}, .grad = true}, {.shape = {4, {B, TK, NKV, HS}}, .grad = true}, \
    {                                                                                              \
        .shape = {4, {B, TK, NKV, HS}}, .grad = true                                               \
    }
#define CASE(NAME, ARG, N_OUT, ...)                                                                \
    {                                                                                              \
        .name = NAME, .build = build_attention, .oracle = oracle_attention, .arg = &(ARG),         \
        .tol = TOL, .n_out = N_OUT, __VA_ARGS__                                                    \
    }

/* clang-format off */
const struct op_case optest_attention[] = {
    CASE("plain", plain, 2, .n_in = 3, .batch = 7, .in = {QKV(2, 5, 7, 2, 2, 8)},
         .expect = {4, {2, 5, 2, 8}}),
    CASE("causal, over a block", causal, 2, .n_in = 3, .batch = 7, .in = {QKV(2, 70, 70, 1, 1, 5)}),
    CASE("grouped queries", causal, 2, .n_in = 3, .batch = 7, .in = {QKV(2, 9, 12, 6, 2, 4)}),
    CASE("one key-value head", plain, 2, .n_in = 3, .in = {QKV(1, 7, 5, 8, 1, 3)}),
    CASE("decoding", causal, 2, .n_in = 3, .in = {QKV(2, 1, 131, 2, 1, 6)}),
    CASE("window", window, 2, .n_in = 3, .in = {QKV(1, 9, 80, 2, 2, 7)}),
    CASE("window over blocks", wide, 1, .n_in = 3, .in = {QKV(1, 20, 150, 2, 1, 16)}),
    CASE("softcap and scale", capped, 2, .n_in = 3, .in = {QKV(1, 11, 11, 2, 2, 6)}),
    CASE("more queries than keys", causal_y, 1, .n_in = 3, .in = {QKV(1, 9, 4, 2, 2, 3)}),
    CASE("no key", causal_y, 1, .n_in = 3, .in = {QKV(1, 3, 0, 2, 2, 3)}),
    CASE("no query", causal_y, 1, .n_in = 3, .in = {QKV(1, 0, 3, 2, 2, 3)}),
    CASE("no batch", plain, 2, .n_in = 3, .in = {QKV(0, 2, 3, 2, 2, 3)}),
    CASE("whole heads in the backward pass", causal, 2, .n_in = 3, .in = {QKV(4, 67, 67, 4, 4, 3)}),
    CASE("whole heads, grouped", causal, 2, .n_in = 3, .in = {QKV(4, 35, 66, 12, 4, 3)}),
    CASE("head size 64", causal, 2, .n_in = 3, .batch = 7, .in = {QKV(2, 20, 33, 1, 1, 64)}),
    CASE("head size 80", plain, 2, .n_in = 3, .in = {QKV(1, 13, 19, 2, 1, 80)}),
    CASE("mask with holes", masked, 2, .n_in = 4,
         .in = {QKV(2, 5, 7, 2, 2, 4), {.shape = {2, {5, 7}}, .values = holes}}),
    CASE("mask a head", masked, 2, .n_in = 4,
         .in = {QKV(2, 5, 7, 4, 2, 4), {.shape = {4, {1, 4, 5, 7}}, .lo = -2, .hi = 2}}),
    CASE("mask a batch and a key", masked, 2, .n_in = 4, .batch = 15,
         .in = {QKV(2, 5, 70, 4, 2, 4), {.shape = {4, {2, 1, 1, 70}}, .lo = -2, .hi = 2}}),
    CASE("mask of one number", masked, 2, .n_in = 4,
         .in = {QKV(2, 5, 7, 2, 2, 4), {.shape = {1, {1}}, .lo = -2, .hi = 2}}),
    CASE("mask that blinds a row", masked_y, 1, .n_in = 4,
         .in = {QKV(1, 3, 66, 2, 2, 4), {.shape = {2, {3, 1}}, .values = blind}}),
    CASE("documents", documents, 2, .n_in = 4, .batch = 15,
         .in = {QKV(2, 90, 90, 4, 2, 5), {.shape = {2, {2, 90}}, .dtype = SW_I32, .lo = 0, .hi = 1}}),
    CASE("documents, whole heads backward", documents, 2, .n_in = 4,
         .in = {QKV(4, 70, 70, 4, 4, 3), {.shape = {2, {4, 70}}, .dtype = SW_I32, .lo = -1, .hi = 0}}),
    CASE("documents seen both ways", both_ways, 2, .n_in = 4,
         .in = {QKV(2, 67, 67, 2, 2, 4), {.shape = {2, {2, 67}}, .dtype = SW_I32, .lo = 0, .hi = 1}}),
    CASE("sinks", sinks, 2, .n_in = 4, .in = {QKV(2, 70, 70, 4, 2, 5), {.shape = {1, {4}}, .lo = -3, .hi = 3}}),
    CASE("strong sinks", sinks, 2, .n_in = 4,
         .in = {QKV(1, 9, 9, 2, 2, 5), {.shape = {1, {2}}, .lo = 10, .hi = 200}}),
    CASE("documents and sinks and all", all_new, 2, .n_in = 6,
         .in = {QKV(2, 70, 70, 4, 2, 5), {.shape = {4, {2, 1, 70, 70}}, .lo = -2, .hi = 2},
                {.shape = {2, {2, 70}}, .dtype = SW_I32, .lo = 0, .hi = 1},
                {.shape = {1, {4}}, .lo = -1, .hi = 4}}),
    CASE("everything at once", everything, 2, .n_in = 4,
         .in = {QKV(2, 66, 70, 4, 2, 5), {.shape = {4, {2, 1, 66, 70}}, .lo = -2, .hi = 2}}),
    {0}};
/* clang-format on */

/* ---- paged attention ---------------------------------------------------------------------------- */

enum { Q, K, V, K_PAGES, V_PAGES, BLOCKS, SEQUENCE, POSITION };

static void build_paged(sw_graph *g, sw_node *const *in, sw_node **out, const void *arg)
{
    out[0] = sw_paged_attention(g, in[Q], in[K], in[V], in[K_PAGES], in[V_PAGES], in[BLOCKS],
                                in[SEQUENCE], in[POSITION], options(arg, in));
}

/* The page that holds a position of a sequence; -1: there is none. */
static int64_t page_of(const struct oracle_array *in, double sequence, int64_t position)
{
    const int64_t *table = in[BLOCKS].shape.dim, *pool = in[K_PAGES].shape.dim;
    if (sequence < 0 || sequence >= (double)table[0] || position < 0) return -1;
    if (position / pool[2] >= table[1]) return -1;
    const double page = in[BLOCKS].v[(int64_t)sequence * table[1] + position / pool[2]];
    return page < 0 || page >= (double)pool[0] ? -1 : (int64_t)page;
}

/* The pages with the new tokens in them; dtype by the case. */
static void write_pages(const struct oracle_array *in, double *k, double *v, sw_dtype dtype)
{
    const int64_t *pool = in[K_PAGES].shape.dim, hs = pool[3], row = pool[1] * hs;
    for (int64_t t = 0; t < in[K].shape.dim[0]; t++) {
        const int64_t position = (int64_t)in[POSITION].v[t];
        const int64_t page = page_of(in, in[SEQUENCE].v[t], position);
        if (page < 0) continue;
        for (int64_t e = 0; e < row; e += hs)
            for (int which = 0; which < 2; which++) {
                const int64_t head = page * pool[1] + e / hs;
                const int64_t to = (head * pool[2] + position % pool[2]) * hs;
                const double *from = (which ? in[V].v : in[K].v) + t * row + e;
                float x[128];
                float stored[128];
                for (int64_t d = 0; d < hs; d++) x[d] = (float)from[d];
                sw_convert(stored, dtype, x, SW_F32, hs);
                sw_convert(x, SW_F32, stored, dtype, hs);
                for (int64_t d = 0; d < hs; d++) (which ? v : k)[to + d] = (double)x[d];
            }
    }
}

struct paged_call {
    struct call call; /* first: the builder reads it */
    sw_dtype dtype;
};

static void after_paged(const struct oracle_array *in, struct oracle_array *after, const void *arg)
{
    write_pages(in, after[K_PAGES].v, after[V_PAGES].v, ((const struct paged_call *)arg)->dtype);
}

/* y of token t and head h. */
static void paged_row(const struct oracle_array *in, const double *k, const double *v, int64_t t,
                      int64_t h, double *y, const struct call *c)
{
    const int64_t *q = in[Q].shape.dim, *pool = in[K_PAGES].shape.dim, hs = q[2];
    const int64_t position = (int64_t)in[POSITION].v[t];
    const int64_t from = c->window > 0 && position >= c->window ? position + 1 - c->window : 0;
    double sum = 0, *p = calloc((size_t)position + 2, sizeof *p);
    for (int64_t d = 0; d < hs; d++) y[d] = 0;
    for (int64_t j = from; j <= position; j++)
        if (page_of(in, in[SEQUENCE].v[t], j) < 0) goto done;
    for (int pass = 0; pass < 2; pass++)
        for (int64_t j = from; j <= position; j++) {
            const int64_t page = page_of(in, in[SEQUENCE].v[t], j);
            const int64_t head = page * pool[1] + h / (q[1] / pool[1]);
            const int64_t at = (head * pool[2] + j % pool[2]) * hs;
            if (pass == 0)
                sum += p[j] = exp(logit(in[Q].v + (t * q[1] + h) * hs, k + at, hs, c));
            else
                for (int64_t d = 0; d < hs; d++) y[d] += p[j] / sum * v[at + d];
            if (pass == 0 && j == position && c->sinks) sum += exp(in[c->sinks].v[h]);
        }
done:
    free(p);
}

static void oracle_paged(const struct oracle_array *in, struct oracle_array *out, const void *arg)
{
    const struct paged_call *c = arg;
    const int64_t *q = in[Q].shape.dim, n = oracle_count(&in[K_PAGES]);
    double *k = calloc((size_t)n + 1, sizeof *k), *v = calloc((size_t)n + 1, sizeof *v);
    for (int64_t i = 0; i < n; i++) {
        k[i] = in[K_PAGES].v[i];
        v[i] = in[V_PAGES].v[i];
    }
    write_pages(in, k, v, c->dtype);
    for (int64_t t = 0; t < q[0]; t++)
        for (int64_t h = 0; h < q[1]; h++)
            paged_row(in, k, v, t, h, out[0].v + (t * q[1] + h) * q[2], &c->call);
    free(k);
    free(v);
}

static const struct paged_call paged = {{0}, SW_F32}, paged_f16 = {{0}, SW_F16},
                               paged_bf16 = {{.softcap = 2}, SW_BF16},
                               paged_window = {{.window = 5}, SW_F32}, paged_q8_0 = {{0}, SW_Q8_0},
                               paged_sinks = {{.sinks = 8}, SW_F32};

/* Three sequences over nine pages of four: the second shares a page with the first, the third names
 * pages that are not there. */
static const double table[] = {2, 0, 7, 8, 2, 5, -1, -1, 1, 9, -7, 3};
static const double one_each[] = {0, 1, 2}, at_end[] = {13, 7, 3};
static const double mixed[] = {0, 0, 0, 1, -1, 2, 2, 3, 1, 0, 0, 2, 1};
static const double places[] = {9, 10, 11, 4, 2, 2, 4, 1, -1, 16, 99999, 14, 5};
static const double prefill[] = {1, 1, 1, 1, 1, 1, 1, 1}, rising[] = {0, 1, 2, 3, 4, 5, 6, 7};

/* clang-format off */
#define POOL(N, NH, NKV, HS, PAGE, DTYPE)                                                          \
    {.shape = {3, {N, NH, HS}}}, {.shape = {3, {N, NKV, HS}}}, {.shape = {3, {N, NKV, HS}}},       \
    {.shape = {4, {9, NKV, PAGE, HS}}, .dtype = DTYPE, .state = true},                             \
    {.shape = {4, {9, NKV, PAGE, HS}}, .dtype = DTYPE, .state = true},                             \
    {.shape = {2, {3, 4}}, .dtype = SW_I32, .values = table}
#define TOKENS(N, S, P)                                                                            \
    {.shape = {1, {N}}, .dtype = SW_I32, .values = S},                                             \
    {.shape = {1, {N}}, .dtype = SW_I32, .values = P}
#define PAGED(NAME, ARG, ...)                                                                      \
    {.name = NAME, .build = build_paged, .oracle = oracle_paged, .oracle_after = after_paged,      \
     .arg = &(ARG), .tol = TOL, .n_in = 8, .in = {__VA_ARGS__}}
const struct op_case optest_paged_attention[] = {
    PAGED("decode", paged, POOL(3, 4, 2, 8, 4, SW_F32), TOKENS(3, one_each, at_end)),
    PAGED("prefill", paged, POOL(8, 2, 2, 5, 4, SW_F32), TOKENS(8, prefill, rising)),
    PAGED("bad numbers", paged, POOL(13, 2, 1, 4, 4, SW_F32), TOKENS(13, mixed, places)),
    PAGED("window", paged_window, POOL(13, 2, 2, 4, 4, SW_F32), TOKENS(13, mixed, places)),
    PAGED("f16", paged_f16, POOL(13, 2, 1, 24, 4, SW_F16), TOKENS(13, mixed, places)),
    PAGED("bf16", paged_bf16, POOL(8, 6, 3, 17, 4, SW_BF16), TOKENS(8, prefill, rising)),
    PAGED("q8_0", paged_q8_0, POOL(13, 2, 1, 32, 4, SW_Q8_0), TOKENS(13, mixed, places)),
    PAGED("q8_0, grouped", paged_q8_0, POOL(8, 6, 3, 64, 4, SW_Q8_0), TOKENS(8, prefill, rising)),
    /* Against keys and values that are not rounded: each is off by at most 1 / 254, so a logit by
     * sqrt(HS) / 254, and an output by twice that and 1 / 254. */
    {.name = "q8_0 beside f32", .build = build_paged, .oracle = oracle_paged, .arg = &paged,
     .tol = (2 * 5.66 + 1) / 254, .n_in = 8,
     .in = {POOL(8, 2, 2, 32, 4, SW_Q8_0), TOKENS(8, prefill, rising)}},
    {.name = "sinks", .build = build_paged, .oracle = oracle_paged, .oracle_after = after_paged,
     .arg = &paged_sinks, .tol = TOL, .n_in = 9,
     .in = {POOL(13, 4, 2, 8, 4, SW_F32), TOKENS(13, mixed, places),
            {.shape = {1, {4}}, .lo = -2, .hi = 2}}},
    PAGED("pages of one", paged, POOL(3, 1, 1, 4, 1, SW_F32), TOKENS(3, one_each, one_each)),
    PAGED("pages larger than blocks", paged, POOL(8, 1, 1, 4, 100, SW_F32),
          TOKENS(8, prefill, places)),
    PAGED("no token", paged, POOL(0, 2, 1, 4, 4, SW_F32), TOKENS(0, one_each, one_each)),
    {0}};

/* ---- errors ------------------------------------------------------------------------------------- */

static const struct call free_window = {.window = 3}, bad_window = {.causal = true, .window = -1},
                         bad_cap = {.softcap = -1};
#define BAD(NAME, BUILD, ARG, STATUS, N, T0, T1, ...)                                              \
    {.name = NAME, .build = BUILD, .arg = &(ARG), .n_in = N, .status = STATUS, .text = {T0, T1},   \
     .in = {__VA_ARGS__}}
#define I32(...) {.shape = {__VA_ARGS__}, .dtype = SW_I32}
#define F32(...) {.shape = {__VA_ARGS__}}
#define STATE(...) {.shape = {__VA_ARGS__}, .state = true}
const struct op_error_case optest_errors_attention[] = {
    BAD("rank", build_attention, plain, SW_ERR_SHAPE, 3, "attention", "(5,2,8)",
        F32(3, {5, 2, 8}), F32(4, {1, 5, 2, 8}), F32(4, {1, 5, 2, 8})),
    BAD("dtype", build_attention, plain, SW_ERR_DTYPE, 3, "attention", "i32",
        F32(4, {1, 5, 2, 8}), I32(4, {1, 5, 2, 8}), F32(4, {1, 5, 2, 8})),
    BAD("batches", build_attention, plain, SW_ERR_SHAPE, 3, "(1,5,2,8)", "(2,5,2,8)",
        F32(4, {1, 5, 2, 8}), F32(4, {2, 5, 2, 8}), F32(4, {2, 5, 2, 8})),
    BAD("values", build_attention, plain, SW_ERR_SHAPE, 3, "(1,5,2,8)", "(1,6,2,8)",
        F32(4, {1, 5, 2, 8}), F32(4, {1, 5, 2, 8}), F32(4, {1, 6, 2, 8})),
    BAD("head size", build_attention, plain, SW_ERR_SHAPE, 3, "attention", "head sizes",
        F32(4, {1, 5, 2, 8}), F32(4, {1, 5, 2, 9}), F32(4, {1, 5, 2, 9})),
    BAD("heads", build_attention, plain, SW_ERR_SHAPE, 3, "attention", "do not divide",
        F32(4, {1, 5, 3, 8}), F32(4, {1, 5, 2, 8}), F32(4, {1, 5, 2, 8})),
    BAD("mask", build_attention, masked, SW_ERR_SHAPE, 4, "mask (5,6)", "(1,2,5,7)",
        F32(4, {1, 5, 2, 8}), F32(4, {1, 7, 2, 8}), F32(4, {1, 7, 2, 8}), F32(2, {5, 6})),
    BAD("window without causal", build_attention, free_window, SW_ERR_ARGUMENT, 3, "attention",
        "causal", F32(4, {1, 5, 2, 8}), F32(4, {1, 7, 2, 8}), F32(4, {1, 7, 2, 8})),
    BAD("negative window", build_attention, bad_window, SW_ERR_ARGUMENT, 3, "attention", "window -1",
        F32(4, {1, 5, 2, 8}), F32(4, {1, 7, 2, 8}), F32(4, {1, 7, 2, 8})),
    BAD("negative softcap", build_attention, bad_cap, SW_ERR_ARGUMENT, 3, "attention", "softcap -1",
        F32(4, {1, 5, 2, 8}), F32(4, {1, 7, 2, 8}), F32(4, {1, 7, 2, 8})),
    BAD("documents", build_attention, documents, SW_ERR_SHAPE, 4, "attention", "(1,6)",
        F32(4, {1, 5, 2, 8}), F32(4, {1, 5, 2, 8}), F32(4, {1, 5, 2, 8}), I32(2, {1, 6})),
    BAD("documents and more keys", build_attention, documents, SW_ERR_SHAPE, 4, "attention",
        "one key for each query", F32(4, {1, 5, 2, 8}), F32(4, {1, 7, 2, 8}), F32(4, {1, 7, 2, 8}),
        I32(2, {1, 5})),
    BAD("sinks", build_attention, sinks, SW_ERR_SHAPE, 4, "attention", "(3)",
        F32(4, {1, 5, 2, 8}), F32(4, {1, 5, 2, 8}), F32(4, {1, 5, 2, 8}), F32(1, {3})),
    BAD("pages with documents", build_paged, documents, SW_ERR_UNSUPPORTED, 8, "paged_attention",
        "documents", F32(3, {5, 4, 8}), F32(3, {5, 2, 8}), F32(3, {5, 2, 8}), STATE(4, {9, 2, 4, 8}),
        STATE(4, {9, 2, 4, 8}), I32(2, {3, 4}), I32(1, {5}), I32(1, {5})),
    BAD("pages of another size", build_paged, plain, SW_ERR_SHAPE, 8, "paged_attention", "(9,3,4,8)",
        F32(3, {5, 4, 8}), F32(3, {5, 2, 8}), F32(3, {5, 2, 8}), STATE(4, {9, 3, 4, 8}),
        STATE(4, {9, 3, 4, 8}), I32(2, {3, 4}), I32(1, {5}), I32(1, {5})),
    BAD("pages that are no weight", build_paged, plain, SW_ERR_ARGUMENT, 8, "paged_attention",
        "weight", F32(3, {5, 4, 8}), F32(3, {5, 2, 8}), F32(3, {5, 2, 8}), F32(4, {9, 2, 4, 8}),
        F32(4, {9, 2, 4, 8}), I32(2, {3, 4}), I32(1, {5}), I32(1, {5})),
    BAD("a position too few", build_paged, plain, SW_ERR_SHAPE, 8, "paged_attention", "(4)",
        F32(3, {5, 4, 8}), F32(3, {5, 2, 8}), F32(3, {5, 2, 8}), STATE(4, {9, 2, 4, 8}),
        STATE(4, {9, 2, 4, 8}), I32(2, {3, 4}), I32(1, {5}), I32(1, {4})),
    {0}};
/* clang-format on */
