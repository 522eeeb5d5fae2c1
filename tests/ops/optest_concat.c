/* concat and split: whole[o, at + i, r] = part[o, i, r] for axes (outer, axis, inner). */
#include "op_test.h"

struct view {
    int64_t outer, size, inner;
};

static struct view view_of(const sw_shape *s, int axis)
{
    struct view v = {1, 0, 1};
    if (axis < 0) axis += s->rank;
    v.size = s->dim[axis];
    for (int i = 0; i < axis; i++) v.outer *= s->dim[i];
    for (int i = axis + 1; i < s->rank; i++) v.inner *= s->dim[i];
    return v;
}

/* Visit the elements of part number `at..` of the whole. */
static void move_part(struct oracle_array *whole, struct oracle_array *part, int axis, int64_t at,
                      bool to_whole)
{
    struct view w = view_of(&whole->shape, axis), p = view_of(&part->shape, axis);
    for (int64_t o = 0; o < p.outer; o++)
        for (int64_t i = 0; i < p.size; i++)
            for (int64_t r = 0; r < p.inner; r++) {
                double *a = &whole->v[(o * w.size + at + i) * w.inner + r];
                double *b = &part->v[(o * p.size + i) * p.inner + r];
                if (to_whole)
                    *a = *b;
                else
                    *b = *a;
            }
}

struct concat_arg {
    int n, axis;
};

static void build_concat(sw_graph *g, sw_node *const *in, sw_node **out, const void *arg)
{
    const struct concat_arg *a = arg;
    out[0] = sw_concat(g, in, a->n, a->axis);
}

static void oracle_concat(const struct oracle_array *in, struct oracle_array *out, const void *arg)
{
    const struct concat_arg *a = arg;
    int64_t at = 0;
    for (int i = 0; i < a->n; i++) {
        struct oracle_array part = in[i];
        move_part(&out[0], &part, a->axis, at, true);
        at += view_of(&part.shape, a->axis).size;
    }
}

#define CONCAT(text, count, ax)                                                                    \
    .name = text, .build = build_concat, .oracle = oracle_concat, .n_in = count,                   \
    .arg = &(const struct concat_arg){count, ax}, .grad_tol = 1e-5

const struct op_case optest_concat[] = {
    {CONCAT("columns", 2, 1), .expect = {2, {4, 12}}, .batch = 3,
     .in = {{.shape = {2, {4, 5}}, .grad = true}, {.shape = {2, {4, 7}}, .grad = true}}},
    {CONCAT("rows", 2, 0), .expect = {2, {9, 3}},
     .in = {{.shape = {2, {4, 3}}, .grad = true}, {.shape = {2, {5, 3}}, .grad = true}}},
    {CONCAT("channels", 3, -3), .expect = {4, {2, 6, 3, 5}}, .batch = 7,
     .in = {{.shape = {4, {2, 1, 3, 5}}, .grad = true},
            {.shape = {4, {2, 2, 3, 5}}},
            {.shape = {4, {2, 3, 3, 5}}, .grad = true}}},
    {CONCAT("one", 1, 0), .in = {{.shape = {1, {5}}, .grad = true}}},
    {CONCAT("an empty one", 3, 1), .expect = {2, {2, 4}}, .batch = 7,
     .in = {{.shape = {2, {2, 3}}, .grad = true},
            {.shape = {2, {2, 0}}, .grad = true},
            {.shape = {2, {2, 1}}, .grad = true}}},
    {CONCAT("large", 2, 1),
     .in = {{.shape = {2, {70, 400}}, .grad = true}, {.shape = {2, {70, 301}}, .grad = true}}},
    {CONCAT("u8", 2, 1), .in = {{.shape = {2, {4, 5}}, .dtype = SW_U8, .lo = 0, .hi = 255},
                                {.shape = {2, {4, 7}}, .dtype = SW_U8, .lo = 0, .hi = 255}}},
    {CONCAT("bf16", 2, 0),
     .in = {{.shape = {2, {4, 5}}, .dtype = SW_BF16}, {.shape = {2, {1, 5}}, .dtype = SW_BF16}}},
    {0}};

struct split_arg {
    int n, axis;
    bool last_only; /* hand out only the last piece: the others get no gradient */
    int64_t sizes[3];
};

static void build_split(sw_graph *g, sw_node *const *in, sw_node **out, const void *arg)
{
    const struct split_arg *a = arg;
    sw_node *x = sw_split(g, in[0], a->sizes, a->n, a->axis);
    if (a->last_only)
        out[0] = sw_output(x, a->n - 1);
    else
        for (int i = 0; i < a->n; i++) out[i] = sw_output(x, i);
}

static void oracle_split(const struct oracle_array *in, struct oracle_array *out, const void *arg)
{
    const struct split_arg *a = arg;
    struct oracle_array whole = in[0];
    int64_t at = 0;
    for (int i = 0; i < a->n; i++) {
        if (!a->last_only || i == a->n - 1)
            move_part(&whole, &out[a->last_only ? 0 : i], a->axis, at, false);
        at += a->sizes[i];
    }
}

#define SPLIT(text, n, axis, last, ...)                                                            \
    .name = text, .build = build_split, .oracle = oracle_split, .n_in = 1,                         \
    .arg = &(const struct split_arg){n, axis, last, {__VA_ARGS__}}, .grad_tol = 1e-5

const struct op_case optest_split[] = {
    {SPLIT("columns", 3, 1, false, 2, 3, 1), .n_out = 3, .expect = {2, {5, 2}}, .batch = 1,
     .in = {{.shape = {2, {5, 6}}, .grad = true}}},
    {SPLIT("query, key, value", 3, -1, false, 16, 16, 16), .n_out = 3, .batch = 1,
     .in = {{.shape = {3, {2, 7, 48}}, .grad = true}}},
    {SPLIT("the last only", 3, 1, true, 2, 3, 4), .expect = {3, {4, 4, 3}}, .batch = 1,
     .in = {{.shape = {3, {4, 9, 3}}, .grad = true}}},
    {SPLIT("rows", 2, 0, false, 2, 3), .n_out = 2, .in = {{.shape = {2, {5, 3}}, .grad = true}}},
    {SPLIT("an empty one", 2, 0, false, 0, 5), .n_out = 2,
     .in = {{.shape = {1, {5}}, .grad = true}}},
    {SPLIT("i8", 2, 1, false, 1, 6), .n_out = 2,
     .in = {{.shape = {2, {5, 7}}, .dtype = SW_I8, .lo = -128, .hi = 127}}},
    {0}};
