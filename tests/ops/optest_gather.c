/* gather, scatter_add, embedding: rows by number. */
#include "op_test.h"
#include <math.h>

struct axes {
    int64_t outer, size, inner;
};

static struct axes axes_of(const sw_shape *s, int axis)
{
    struct axes a = {1, s->dim[axis], 1};
    for (int i = 0; i < axis; i++) a.outer *= s->dim[i];
    for (int i = axis + 1; i < s->rank; i++) a.inner *= s->dim[i];
    return a;
}

/* ---- gather ------------------------------------------------------------------------------------ */

static void build_gather(sw_graph *g, sw_node *const *in, sw_node **out, const void *arg)
{
    out[0] = sw_gather(g, in[0], in[1], *(const int *)arg);
}

static void oracle_gather(const struct oracle_array *in, struct oracle_array *out, const void *arg)
{
    int axis = *(const int *)arg;
    struct axes x = axes_of(&in[0].shape, axis < 0 ? axis + in[0].shape.rank : axis);
    int64_t n = oracle_count(&in[1]);
    for (int64_t o = 0; o < x.outer; o++)
        for (int64_t i = 0; i < n; i++)
            for (int64_t r = 0; r < x.inner; r++) {
                int64_t id = (int64_t)in[1].v[i];
                if (id < 0) id += x.size;
                out[0].v[(o * n + i) * x.inner + r] = id >= 0 && id < x.size
                                                          ? in[0].v[(o * x.size + id) * x.inner + r]
                                                          : 0;
            }
}

#define GATHER(text, axis)                                                                         \
    .name = text, .build = build_gather, .oracle = oracle_gather, .n_in = 2,                       \
    .arg = &(const int){axis}, .grad_tol = 1e-5
#define IDS(low, high) .dtype = SW_I32, .lo = low, .hi = high

const struct op_case optest_gather[] = {
    {GATHER("rows", 0), .expect = {2, {6, 5}}, .batch = 2,
     .in = {{.shape = {2, {4, 5}}, .grad = true}, {.shape = {1, {6}}, IDS(0, 3)}}},
    {GATHER("columns", 1), .expect = {2, {4, 9}}, .batch = 1,
     .in = {{.shape = {2, {4, 5}}, .grad = true}, {.shape = {1, {9}}, IDS(0, 4)}}},
    {GATHER("one", 0), .expect = {1, {5}},
     .in = {{.shape = {2, {4, 5}}, .grad = true}, {.shape = {0}, IDS(2, 2)}}},
    {GATHER("middle axis, ids of two", -2), .expect = {4, {2, 3, 2, 7}}, .batch = 1,
     .in = {{.shape = {3, {2, 5, 7}}, .grad = true}, {.shape = {2, {3, 2}}, IDS(-5, 4)}}},
    {GATHER("outside", 0), .expect = {2, {40, 3}}, .batch = 2,
     .in = {{.shape = {2, {4, 3}}, .grad = true}, {.shape = {1, {40}}, IDS(-7, 6)}}},
    {GATHER("outside everything", 1),
     .in = {{.shape = {2, {4, 3}}, .grad = true},
            {.shape = {1, {4}},
             .dtype = SW_I32,
             .values = (const double[]){2147483647., -2147483648., 0, -3}}}},
    {GATHER("long rows", 0),
     .in = {{.shape = {2, {3, 9000}}, .grad = true}, {.shape = {1, {5}}, IDS(0, 2)}}},
    {GATHER("many duplicates", 0),
     .in = {{.shape = {2, {300, 70}}, .grad = true}, {.shape = {1, {900}}, IDS(0, 299)}}},
    {GATHER("u8", 0), .in = {{.shape = {2, {9, 70}}, .dtype = SW_U8, .lo = 0, .hi = 255},
                             {.shape = {1, {11}}, IDS(-10, 9)}}},
    {GATHER("bf16", 1),
     .in = {{.shape = {2, {9, 70}}, .dtype = SW_BF16}, {.shape = {1, {11}}, IDS(-71, 70)}}},
    {GATHER("no ids", 0), .expect = {2, {0, 3}},
     .in = {{.shape = {2, {4, 3}}, .grad = true}, {.shape = {1, {0}}, IDS(0, 1)}}},
    {GATHER("no rows", 0), .expect = {2, {2, 3}},
     .in = {{.shape = {2, {0, 3}}, .grad = true}, {.shape = {1, {2}}, IDS(0, 1)}}},
    {0}};

/* ---- scatter_add ------------------------------------------------------------------------------- */

static void build_scatter(sw_graph *g, sw_node *const *in, sw_node **out, const void *arg)
{
    (void)arg;
    out[0] = sw_scatter_add(g, in[0], in[1], in[2]);
}

static void oracle_scatter(const struct oracle_array *in, struct oracle_array *out, const void *arg)
{
    (void)arg;
    struct axes x = axes_of(&in[0].shape, 0);
    for (int64_t i = 0; i < oracle_count(&in[0]); i++) out[0].v[i] = in[0].v[i];
    for (int64_t i = 0; i < oracle_count(&in[1]); i++) {
        int64_t id = (int64_t)in[1].v[i];
        if (id < 0) id += x.size;
        if (id < 0 || id >= x.size) continue;
        for (int64_t r = 0; r < x.inner; r++)
            out[0].v[id * x.inner + r] += in[2].v[i * x.inner + r];
    }
}

/* At most 10 numbers below 1 meet in one place: 10 roundings of half a unit of a sum below 10, so
 * 10 * 2^-24 of it at most. */
#define SCATTER(text)                                                                              \
    .name = text, .build = build_scatter, .oracle = oracle_scatter, .n_in = 3, .tol = 1e-6,        \
    .grad_tol = 1e-5

const struct op_case optest_scatter_add[] = {
    {SCATTER("rows"), .expect = {2, {4, 5}},
     .in = {{.shape = {2, {4, 5}}, .grad = true},
            {.shape = {1, {6}}, IDS(0, 3)},
            {.shape = {2, {6, 5}}, .grad = true}}},
    {SCATTER("ids of two, from the end, outside"), .expect = {3, {7, 2, 3}},
     .in = {{.shape = {3, {7, 2, 3}}, .grad = true},
            {.shape = {2, {3, 4}}, IDS(-9, 8)},
            {.shape = {4, {3, 4, 2, 3}}, .grad = true}}},
    {SCATTER("single elements"), .expect = {1, {50}},
     .in = {{.shape = {1, {50}}, .grad = true},
            {.shape = {1, {90}}, IDS(0, 49)},
            {.shape = {1, {90}}, .grad = true}}},
    {SCATTER("long rows"), .in = {{.shape = {2, {3, 9000}}, .grad = true},
                                  {.shape = {1, {5}}, IDS(0, 2)},
                                  {.shape = {2, {5, 9000}}, .grad = true}}},
    {SCATTER("many rows"), .in = {{.shape = {2, {900, 40}}, .grad = true},
                                  {.shape = {1, {700}}, IDS(0, 899)},
                                  {.shape = {2, {700, 40}}, .grad = true}}},
    {SCATTER("nothing"), .in = {{.shape = {2, {4, 5}}, .grad = true},
                                {.shape = {1, {0}}, IDS(0, 3)},
                                {.shape = {2, {0, 5}}, .grad = true}}},
    {0}};

/* ---- embedding --------------------------------------------------------------------------------- */

static void build_embedding(sw_graph *g, sw_node *const *in, sw_node **out, const void *arg)
{
    (void)arg;
    out[0] = sw_embedding(g, in[0], in[1]);
}

static void oracle_embedding(const struct oracle_array *in, struct oracle_array *out,
                             const void *arg)
{
    (void)arg;
    int64_t v = in[0].shape.dim[0], c = in[0].shape.dim[1];
    for (int64_t i = 0; i < oracle_count(&in[1]); i++)
        for (int64_t j = 0; j < c; j++) {
            int64_t id = (int64_t)in[1].v[i];
            out[0].v[i * c + j] = id >= 0 && id < v ? in[0].v[id * c + j] : (double)NAN;
        }
}

#define EMBEDDING(text, ids)                                                                       \
    .name = text, .build = build_embedding, .oracle = oracle_embedding, .n_in = 2, .batch = ids,   \
    .grad_tol = 1e-5

const struct op_case optest_embedding[] = {
    {EMBEDDING("words", 2), .expect = {3, {2, 5, 8}},
     .in = {{.shape = {2, {11, 8}}, .weight = true, .grad = true},
            {.shape = {2, {2, 5}}, IDS(0, 10)}}},
    {EMBEDDING("many words, wide", 2),
     .in = {{.shape = {2, {700, 65}}, .weight = true, .grad = true},
            {.shape = {2, {3, 100}}, IDS(0, 699)}}},
    {EMBEDDING("outside", 2), .expect = {2, {20, 3}},
     .in = {{.shape = {2, {4, 3}}}, {.shape = {1, {20}}, IDS(-3, 6)}}},
    {EMBEDDING("f16", 2), .in = {{.shape = {2, {11, 37}}, .weight = true, .dtype = SW_F16},
                                 {.shape = {1, {9}}, IDS(0, 10)}}},
    {EMBEDDING("bf16", 2), .in = {{.shape = {2, {11, 37}}, .weight = true, .dtype = SW_BF16},
                                  {.shape = {1, {9}}, IDS(0, 10)}}},
    {EMBEDDING("q8_0", 2), .in = {{.shape = {2, {11, 96}}, .weight = true, .dtype = SW_Q8_0},
                                  {.shape = {1, {9}}, IDS(-1, 11)}}},
    {EMBEDDING("q4_0", 2), .in = {{.shape = {2, {11, 96}}, .weight = true, .dtype = SW_Q4_0},
                                  {.shape = {1, {9}}, IDS(-1, 11)}}},
    {EMBEDDING("q4_k", 2), .in = {{.shape = {2, {11, 512}}, .weight = true, .dtype = SW_Q4_K},
                                  {.shape = {1, {9}}, IDS(-1, 11)}}},
    {EMBEDDING("q6_k", 2), .in = {{.shape = {2, {11, 512}}, .weight = true, .dtype = SW_Q6_K},
                                  {.shape = {1, {9}}, IDS(-1, 11)}}},
    {EMBEDDING("mxfp4", 2), .in = {{.shape = {2, {11, 96}}, .weight = true, .dtype = SW_MXFP4},
                                   {.shape = {1, {9}}, IDS(-1, 11)}}},
    {EMBEDDING("no ids", 0), .in = {{.shape = {2, {4, 3}}}, {.shape = {1, {0}}, IDS(0, 1)}}},
    {0}};
