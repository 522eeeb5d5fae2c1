/* slice with Python's rules, and flip.  The oracle walks the indices of range(begin, end, step) as
 * the language reference defines them: i = begin, begin + step, ... while before the end. */
#include "op_test.h"

static void build_slice(sw_graph *g, sw_node *const *in, sw_node **out, const void *arg)
{
    out[0] = sw_slice(g, in[0], *(const sw_slice_options *)arg);
}

/* Copy index `from` of x's axis to index `to` of y's axis. */
static void copy_index(const struct oracle_array *x, struct oracle_array *y, int axis, int64_t from,
                       int64_t to)
{
    int64_t outer = 1, inner = 1, nx = x->shape.dim[axis], ny = y->shape.dim[axis];
    for (int i = 0; i < axis; i++) outer *= x->shape.dim[i];
    for (int i = axis + 1; i < x->shape.rank; i++) inner *= x->shape.dim[i];
    for (int64_t o = 0; o < outer; o++)
        for (int64_t r = 0; r < inner; r++)
            y->v[(o * ny + to) * inner + r] = x->v[(o * nx + from) * inner + r];
}

static void oracle_slice(const struct oracle_array *in, struct oracle_array *out, const void *arg)
{
    const sw_slice_options *o = arg;
    int axis = o->axis < 0 ? o->axis + in[0].shape.rank : o->axis;
    int64_t n = in[0].shape.dim[axis], step = o->step ? o->step : 1, to = 0;
    int64_t begin = o->begin < 0 ? o->begin + n : o->begin, end = o->end < 0 ? o->end + n : o->end;
    if (step > 0) {
        if (begin < 0) begin = 0;
        for (int64_t i = begin; i < end && i < n; i += step < n ? step : n)
            copy_index(in, out, axis, i, to++);
    } else {
        if (begin > n - 1) begin = n - 1;
        for (int64_t i = begin; i > end && i >= 0; i += step > -n ? step : -n)
            copy_index(in, out, axis, i, to++);
    }
}

#define SLICE(text, ax, from, to, by)                                                              \
    .name = text, .build = build_slice, .oracle = oracle_slice, .n_in = 1,                         \
    .arg = &(const sw_slice_options){ax, from, to, by}, .grad_tol = 1e-5

const struct op_case optest_slice[] = {
    {SLICE("columns", 1, 2, 5, 0), .expect = {2, {4, 3}}, .batch = 1,
     .in = {{.shape = {2, {4, 7}}, .grad = true}}},
    {SLICE("rows", 0, 1, INT64_MAX, 1), .expect = {2, {3, 7}},
     .in = {{.shape = {2, {4, 7}}, .grad = true}}},
    {SLICE("from the end", -1, -3, -1, 1), .expect = {2, {4, 2}}, .batch = 1,
     .in = {{.shape = {2, {4, 7}}, .grad = true}}},
    {SLICE("every second", 1, 1, INT64_MAX, 2), .expect = {3, {3, 4, 5}}, .batch = 1,
     .in = {{.shape = {3, {3, 8, 5}}, .grad = true}}},
    {SLICE("every third element", 1, 0, INT64_MAX, 3), .expect = {2, {3, 9}}, .batch = 1,
     .in = {{.shape = {2, {3, 25}}, .grad = true}}},
    {SLICE("backwards", 1, INT64_MAX, INT64_MIN, -1), .expect = {2, {3, 25}}, .batch = 1,
     .in = {{.shape = {2, {3, 25}}, .grad = true}}},
    {SLICE("backwards by 3", 1, -2, 1, -3), .expect = {3, {2, 3, 4}}, .batch = 1,
     .in = {{.shape = {3, {2, 11, 4}}, .grad = true}}},
    {SLICE("down to the first", 0, 2, INT64_MIN, -2), .expect = {1, {2}},
     .in = {{.shape = {1, {5}}, .grad = true}}},
    {SLICE("clamped", 1, -100, 100, 1), .expect = {2, {3, 4}}, .batch = 1,
     .in = {{.shape = {2, {3, 4}}, .grad = true}}},
    {SLICE("nothing", 1, 3, 2, 1), .expect = {2, {3, 0}}, .batch = 1,
     .in = {{.shape = {2, {3, 4}}, .grad = true}}},
    {SLICE("one", 1, -1, INT64_MAX, 1), .expect = {3, {3, 1, 6}}, .batch = 1,
     .in = {{.shape = {3, {3, 4, 6}}, .grad = true}}},
    {SLICE("a step beyond everything", 1, 1, INT64_MAX, INT64_MAX), .expect = {2, {3, 1}},
     .batch = 1, .in = {{.shape = {2, {3, 4}}, .grad = true}}},
    {SLICE("back beyond everything", 1, 3, INT64_MIN, INT64_MIN), .expect = {2, {3, 1}}, .batch = 1,
     .in = {{.shape = {2, {3, 4}}, .grad = true}}},
    {SLICE("large", 1, 3, 700, 2), .in = {{.shape = {2, {90, 800}}, .grad = true}}},
    {SLICE("u8", 1, 30, 2, -1), .expect = {2, {3, 28}},
     .in = {{.shape = {2, {3, 40}}, .dtype = SW_U8, .lo = 0, .hi = 255}}},
    {SLICE("f16", 0, 30, 2, -4), .expect = {1, {7}}, .in = {{.shape = {1, {40}}, .dtype = SW_F16}}},
    {0}};

static void build_flip(sw_graph *g, sw_node *const *in, sw_node **out, const void *arg)
{
    out[0] = sw_flip(g, in[0], *(const int *)arg);
}

static void oracle_flip(const struct oracle_array *in, struct oracle_array *out, const void *arg)
{
    int axis = *(const int *)arg;
    if (axis < 0) axis += in[0].shape.rank;
    int64_t n = in[0].shape.dim[axis];
    for (int64_t i = 0; i < n; i++) copy_index(in, out, axis, n - 1 - i, i);
}

#define FLIP(text, ax)                                                                             \
    .name = text, .build = build_flip, .oracle = oracle_flip, .n_in = 1, .arg = &(const int){ax},  \
    .grad_tol = 1e-5

const struct op_case optest_flip[] = {
    {FLIP("left and right", 3), .expect = {4, {2, 3, 5, 28}}, .batch = 1,
     .in = {{.shape = {4, {2, 3, 5, 28}}, .grad = true}}},
    {FLIP("up and down", -2), .batch = 1, .in = {{.shape = {4, {2, 3, 5, 28}}, .grad = true}}},
    {FLIP("rows", 0), .in = {{.shape = {2, {5, 3}}, .grad = true}}},
    {FLIP("u8", 1), .in = {{.shape = {2, {5, 70}}, .dtype = SW_U8, .lo = 0, .hi = 255}}},
    {FLIP("i8 one", 1), .in = {{.shape = {2, {5, 1}}, .dtype = SW_I8, .lo = -5, .hi = 5}}},
    {FLIP("no elements", 1), .in = {{.shape = {2, {5, 0}}}}},
    {0}};
