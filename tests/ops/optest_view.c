/* reshape, flatten, expand. */
#include "op_test.h"

/* A view keeps the order of the elements. */
static void oracle_view(const struct oracle_array *in, struct oracle_array *out, const void *arg)
{
    (void)arg;
    for (int64_t i = 0; i < oracle_count(&out[0]); i++) out[0].v[i] = in[0].v[i];
}

static void build_reshape(sw_graph *g, sw_node *const *in, sw_node **out, const void *arg)
{
    out[0] = sw_reshape(g, in[0], *(const sw_shape *)arg);
}

#define SHAPE(...) &SW_SHAPE(__VA_ARGS__)

const struct op_case optest_reshape[] = {
    {.name = "matrix",
     .build = build_reshape,
     .oracle = oracle_view,
     .arg = SHAPE(3, 8),
     .n_in = 1,
     .in = {{.shape = {2, {4, 6}}, .grad = true}},
     .expect = {2, {3, 8}},
     .grad_tol = 1e-5},
    {.name = "what is left",
     .build = build_reshape,
     .oracle = oracle_view,
     .arg = SHAPE(-1, 2, 3),
     .n_in = 1,
     .in = {{.shape = {2, {5, 6}}, .grad = true}},
     .expect = {3, {5, 2, 3}},
     .grad_tol = 1e-5,
     .batch = 1},
    {.name = "to a scalar",
     .build = build_reshape,
     .oracle = oracle_view,
     .arg = &(const sw_shape){0},
     .n_in = 1,
     .in = {{.shape = {3, {1, 1, 1}}, .grad = true}},
     .grad_tol = 1e-5},
    {.name = "i32",
     .build = build_reshape,
     .oracle = oracle_view,
     .arg = SHAPE(-1),
     .n_in = 1,
     .in = {{.shape = {3, {2, 3, 4}}, .dtype = SW_I32, .lo = -9, .hi = 9}},
     .expect = {1, {24}}},
    {.name = "no elements",
     .build = build_reshape,
     .oracle = oracle_view,
     .arg = SHAPE(4, 0),
     .n_in = 1,
     .in = {{.shape = {2, {0, 3}}}},
     .expect = {2, {4, 0}}},
    {0}};

static void build_flatten(sw_graph *g, sw_node *const *in, sw_node **out, const void *arg)
{
    const int *axes = arg;
    out[0] = sw_flatten(g, in[0], axes[0], axes[1]);
}

#define AXES(...)                                                                                  \
    &(const int[])                                                                                 \
    {                                                                                              \
        __VA_ARGS__                                                                                \
    }

const struct op_case optest_flatten[] = {
    {.name = "images",
     .build = build_flatten,
     .oracle = oracle_view,
     .arg = AXES(1, -1),
     .n_in = 1,
     .in = {{.shape = {4, {3, 2, 4, 5}}, .grad = true}},
     .expect = {2, {3, 40}},
     .grad_tol = 1e-5,
     .batch = 1},
    {.name = "middle",
     .build = build_flatten,
     .oracle = oracle_view,
     .arg = AXES(1, 2),
     .n_in = 1,
     .in = {{.shape = {4, {3, 2, 4, 5}}, .grad = true}},
     .expect = {3, {3, 8, 5}},
     .grad_tol = 1e-5,
     .batch = 1},
    {.name = "one axis",
     .build = build_flatten,
     .oracle = oracle_view,
     .arg = AXES(0, 0),
     .n_in = 1,
     .in = {{.shape = {2, {3, 2}}, .dtype = SW_U8, .lo = 0, .hi = 255}},
     .expect = {2, {3, 2}},
     .batch = 1},
    {0}};

static void build_expand(sw_graph *g, sw_node *const *in, sw_node **out, const void *arg)
{
    out[0] = sw_expand(g, in[0], *(const sw_shape *)arg);
}

static void oracle_expand(const struct oracle_array *in, struct oracle_array *out, const void *arg)
{
    (void)arg;
    const sw_shape *y = &out[0].shape;
    int64_t strides[SW_MAX_RANK];
    oracle_strides(&in[0].shape, y->rank, strides);
    for (int64_t i = 0; i < oracle_count(&out[0]); i++) {
        int64_t rest = i, from = 0;
        for (int a = y->rank - 1; a >= 0; a--) {
            from += rest % y->dim[a] * strides[a];
            rest /= y->dim[a];
        }
        out[0].v[i] = in[0].v[from];
    }
}

const struct op_case optest_expand[] = {
    {.name = "a row",
     .build = build_expand,
     .oracle = oracle_expand,
     .arg = SHAPE(5, 7),
     .n_in = 1,
     .in = {{.shape = {1, {7}}, .grad = true}},
     .expect = {2, {5, 7}},
     .grad_tol = 1e-5},
    {.name = "a column",
     .build = build_expand,
     .oracle = oracle_expand,
     .arg = SHAPE(-1, 70),
     .n_in = 1,
     .in = {{.shape = {2, {5, 1}}, .grad = true}},
     .expect = {2, {5, 70}},
     .grad_tol = 1e-5,
     .batch = 1},
    {.name = "a scalar",
     .build = build_expand,
     .oracle = oracle_expand,
     .arg = SHAPE(3, 4),
     .n_in = 1,
     .in = {{.shape = {0}, .grad = true}},
     .expect = {2, {3, 4}},
     .grad_tol = 1e-5},
    {.name = "outside and inside",
     .build = build_expand,
     .oracle = oracle_expand,
     .arg = SHAPE(2, -1, 3, -1, 5),
     .n_in = 1,
     .in = {{.shape = {4, {4, 1, 6, 1}}, .grad = true}},
     .expect = {5, {2, 4, 3, 6, 5}},
     .grad_tol = 1e-5},
    {.name = "nothing to do",
     .build = build_expand,
     .oracle = oracle_expand,
     .arg = SHAPE(-1, 6),
     .n_in = 1,
     .in = {{.shape = {2, {4, 6}}, .grad = true}},
     .expect = {2, {4, 6}},
     .grad_tol = 1e-5,
     .batch = 1},
    {.name = "u8",
     .build = build_expand,
     .oracle = oracle_expand,
     .arg = SHAPE(9, 3, 70),
     .n_in = 1,
     .in = {{.shape = {2, {3, 1}}, .dtype = SW_U8, .lo = 0, .hi = 255}},
     .expect = {3, {9, 3, 70}}},
    {.name = "bf16",
     .build = build_expand,
     .oracle = oracle_expand,
     .arg = SHAPE(9, 3, 70),
     .n_in = 1,
     .in = {{.shape = {2, {3, 1}}, .dtype = SW_BF16}},
     .expect = {3, {9, 3, 70}}},
    {.name = "no elements",
     .build = build_expand,
     .oracle = oracle_expand,
     .arg = SHAPE(0, 3),
     .n_in = 1,
     .in = {{.shape = {2, {1, 3}}}},
     .expect = {2, {0, 3}}},
    {0}};
