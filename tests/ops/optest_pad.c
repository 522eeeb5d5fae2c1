/* pad: y[i] = x[j] with j = i - before where that is inside; else the constant, the reflection about
 * the edge element (-1 -> 1, n -> n - 2), or the edge. */
#include "op_test.h"

static void build_pad(sw_graph *g, sw_node *const *in, sw_node **out, const void *arg)
{
    out[0] = sw_pad(g, in[0], *(const sw_pad_options *)arg);
}

/* -1: the constant. */
static int64_t source(const sw_pad_options *o, int axis, int64_t i, int64_t n)
{
    int64_t j = i - o->before[axis];
    if (j >= 0 && j < n) return j;
    if (o->mode == SW_PAD_EDGE) return j < 0 ? 0 : n - 1;
    if (o->mode == SW_PAD_REFLECT) return j < 0 ? -j : 2 * n - 2 - j;
    return -1;
}

static void oracle_pad(const struct oracle_array *in, struct oracle_array *out, const void *arg)
{
    const sw_pad_options *o = arg;
    const sw_shape *x = &in[0].shape, *y = &out[0].shape;
    for (int64_t i = 0; i < oracle_count(&out[0]); i++) {
        int64_t rest = i, from = 0, stride = 1;
        bool inside = true;
        for (int a = y->rank - 1; a >= 0; a--) {
            int64_t j = source(o, a, rest % y->dim[a], x->dim[a]);
            inside = inside && j >= 0;
            from += j * stride;
            stride *= x->dim[a];
            rest /= y->dim[a];
        }
        out[0].v[i] = inside ? in[0].v[from] : (double)o->value;
    }
}

#define PAD(text, how, number, ...)                                                                \
    .name = text, .build = build_pad, .oracle = oracle_pad, .n_in = 1, .grad_tol = 1e-5,           \
    .arg = &(const sw_pad_options)                                                                 \
    {                                                                                              \
        .mode = SW_PAD_##how, .value = number, __VA_ARGS__                                         \
    }

const struct op_case optest_pad[] = {
    {PAD("image", CONSTANT, 0, .before = {0, 0, 1, 2}, .after = {0, 0, 3, 1}), .batch = 1,
     .in = {{.shape = {4, {2, 3, 5, 6}}, .grad = true}}, .expect = {4, {2, 3, 9, 9}}},
    {PAD("a number", CONSTANT, 1.5f, .before = {2}, .after = {1}), .expect = {2, {7, 5}},
     .in = {{.shape = {2, {4, 5}}, .grad = true}}},
    {PAD("everywhere", CONSTANT, -2, .before = {1, 2, 1}, .after = {1, 0, 2}),
     .expect = {3, {5, 5, 7}}, .in = {{.shape = {3, {3, 3, 4}}, .grad = true}}},
    {PAD("nowhere", CONSTANT, 1, .before = {0}), .batch = 1,
     .in = {{.shape = {3, {3, 3, 4}}, .grad = true}}},
    {PAD("a scalar", CONSTANT, 1, .before = {0}), .in = {{.shape = {0}, .grad = true}}},
    {PAD("out of nothing", CONSTANT, 7, .before = {0, 2}, .after = {0, 1}), .batch = 1,
     .in = {{.shape = {2, {2, 0}}, .grad = true}}, .expect = {2, {2, 3}}},
    {PAD("reflect an image", REFLECT, 0, .before = {0, 0, 2, 3}, .after = {0, 0, 1, 4}), .batch = 1,
     .in = {{.shape = {4, {2, 3, 5, 6}}, .grad = true}}, .expect = {4, {2, 3, 8, 13}}},
    {PAD("reflect all it has", REFLECT, 0, .before = {3}, .after = {3}), .expect = {1, {10}},
     .in = {{.shape = {1, {4}}, .grad = true}}},
    {PAD("reflect channels last", REFLECT, 0, .before = {0, 1, 2}, .after = {0, 2, 1}), .batch = 1,
     .in = {{.shape = {4, {2, 4, 5, 3}}, .grad = true}}, .expect = {4, {2, 7, 8, 3}}},
    {PAD("edge of an image", EDGE, 0, .before = {0, 0, 2, 3}, .after = {0, 0, 1, 4}), .batch = 1,
     .in = {{.shape = {4, {2, 3, 5, 6}}, .grad = true}}, .expect = {4, {2, 3, 8, 13}}},
    {PAD("edge of one", EDGE, 0, .before = {2, 2}, .after = {1, 3}), .expect = {2, {4, 6}},
     .in = {{.shape = {2, {1, 1}}, .grad = true}}},
    {PAD("edge of three axes", EDGE, 0, .before = {1, 2, 3}, .after = {3, 2, 1}),
     .expect = {3, {6, 7, 8}}, .in = {{.shape = {3, {2, 3, 4}}, .grad = true}}},
    {PAD("u8", CONSTANT, 200, .before = {1, 3}, .after = {2, 40}), .expect = {2, {6, 50}},
     .in = {{.shape = {2, {3, 7}}, .dtype = SW_U8, .lo = 0, .hi = 255}}},
    {PAD("f16", CONSTANT, 0.5f, .before = {1, 3}, .after = {2, 40}), .expect = {2, {6, 50}},
     .in = {{.shape = {2, {3, 7}}, .dtype = SW_F16}}},
    {PAD("i32", EDGE, 0, .before = {1, 3}, .after = {2, 40}), .expect = {2, {6, 50}},
     .in = {{.shape = {2, {3, 7}}, .dtype = SW_I32, .lo = -9, .hi = 9}}},
    {PAD("large", REFLECT, 0, .before = {0, 30, 30}, .after = {0, 31, 31}),
     .in = {{.shape = {3, {3, 90, 120}}, .grad = true}}},
    {0}};
