/* transpose: y[i0, i1, ...] = x[j0, j1, ...] with j[axes[k]] = i[k]. */
#include "op_test.h"

struct permutation {
    int n, axes[SW_MAX_RANK];
};

static void build_transpose(sw_graph *g, sw_node *const *in, sw_node **out, const void *arg)
{
    const struct permutation *p = arg;
    out[0] = sw_transpose(g, in[0], p->axes, p->n);
}

static void oracle_transpose(const struct oracle_array *in, struct oracle_array *out,
                             const void *arg)
{
    const struct permutation *p = arg;
    int64_t index[SW_MAX_RANK];
    for (int64_t i = 0; i < oracle_count(&out[0]); i++) {
        int64_t rest = i, from = 0;
        for (int k = p->n - 1; k >= 0; k--) {
            index[p->axes[k]] = rest % out[0].shape.dim[k];
            rest /= out[0].shape.dim[k];
        }
        for (int k = 0; k < p->n; k++) from = from * in[0].shape.dim[k] + index[k];
        out[0].v[i] = in[0].v[from];
    }
}

#define AXES(...)                                                                                  \
    &(const struct permutation)                                                                    \
    {                                                                                              \
        (int)(sizeof((int[]){__VA_ARGS__}) / sizeof(int)),                                         \
        {                                                                                          \
            __VA_ARGS__                                                                            \
        }                                                                                          \
    }
#define CASE(text, ...)                                                                            \
    .name = text, .build = build_transpose, .oracle = oracle_transpose, .n_in = 1,                 \
    .grad_tol = 1e-5, .arg = AXES(__VA_ARGS__)

const struct op_case optest_transpose[] = {
    {CASE("matrix", 1, 0), .in = {{.shape = {2, {19, 37}}, .grad = true}}, .expect = {2, {37, 19}}},
    {CASE("large", 1, 0), .in = {{.shape = {2, {150, 301}}, .grad = true}}},
    {CASE("batch of matrices", 0, 2, 1), .in = {{.shape = {3, {3, 17, 33}}, .grad = true}},
     .expect = {3, {3, 33, 17}}, .batch = 1},
    {CASE("heads forward", 0, 2, 1, 3), .in = {{.shape = {4, {2, 5, 3, 8}}, .grad = true}},
     .expect = {4, {2, 3, 5, 8}}, .batch = 1},
    {CASE("channels last", 0, 2, 3, 1), .in = {{.shape = {4, {2, 3, 6, 7}}, .grad = true}},
     .expect = {4, {2, 6, 7, 3}}, .batch = 1},
    {CASE("channels first", 0, 3, 1, 2), .in = {{.shape = {4, {2, 6, 7, 3}}, .grad = true}},
     .expect = {4, {2, 3, 6, 7}}, .batch = 1},
    {CASE("all around", 4, 2, 0, 3, 1), .in = {{.shape = {5, {2, 3, 4, 5, 6}}, .grad = true}},
     .expect = {5, {6, 4, 2, 5, 3}}},
    {CASE("reversed", 2, 1, 0), .in = {{.shape = {3, {18, 5, 20}}, .grad = true}},
     .expect = {3, {20, 5, 18}}},
    {CASE("sizes of 1", 3, 0, 2, 1), .in = {{.shape = {4, {4, 1, 5, 1}}, .grad = true}},
     .expect = {4, {1, 4, 5, 1}}},
    {CASE("identity", 0, 1), .in = {{.shape = {2, {4, 5}}, .grad = true}}, .batch = 1},
    {CASE("u8", 2, 0, 1), .in = {{.shape = {3, {7, 9, 40}}, .dtype = SW_U8, .lo = 0, .hi = 255}},
     .expect = {3, {40, 7, 9}}},
    {CASE("i8", 1, 0), .in = {{.shape = {2, {70, 50}}, .dtype = SW_I8, .lo = -128, .hi = 127}}},
    {CASE("f16", 1, 0), .in = {{.shape = {2, {50, 41}}, .dtype = SW_F16}}},
    {CASE("i32", 1, 0), .in = {{.shape = {2, {50, 41}}, .dtype = SW_I32, .lo = -9, .hi = 9}}},
    {CASE("no elements", 1, 0), .in = {{.shape = {2, {0, 4}}}}, .expect = {2, {4, 0}}},
    {0}};
