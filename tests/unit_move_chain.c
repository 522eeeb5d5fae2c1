/* Random chains of data movement against an index map.
 *
 * Every op here only says where an element comes from.  So the oracle is a map: element i of the
 * value at hand is element map[i] of the input, or a zero (-1); each op makes the next map from its
 * definition, one element at a time.  At the end
 *
 *     y[i]      = x[map[i]] or 0                    byte by byte, in f32, bf16 and u8
 *     dx[map[i]] += r[i]  for L = sum r[i] y[i]     exact: small integers
 *
 * on every ISA, with one and with three threads. */
#include "unit.h"

#include <swell/swell.h>

#include "base/cpu.h"
#include "base/rng.h"

#define CHAINS   400
#define MOST     3000 /* elements of any value */
#define LONGEST  6    /* ops of a chain */
#define SOME_IDS 5

struct value {
    sw_shape shape;
    int32_t map[MOST];
};

struct chain {
    struct sw_rng rng;
    sw_graph *g;
    sw_node *node;
    struct value now;
    char text[512]; /* what was done, for failures */
};

static int64_t below(struct chain *c, int64_t n)
{
    return (int64_t)sw__rng_below(&c->rng, (uint64_t)n);
}

static int64_t count(const sw_shape *s)
{
    return sw_shape_elements(s);
}

static void note(struct chain *c, const char *op)
{
    char shape[SW_SHAPE_TEXT];
    size_t at = strlen(c->text);
    snprintf(c->text + at, sizeof c->text - at, " %s%s", op, sw_shape_text(&c->now.shape, shape));
}

/* Row-major index from a multi-index and back. */
static int64_t flat(const sw_shape *s, const int64_t *index)
{
    int64_t at = 0;
    for (int a = 0; a < s->rank; a++) at = at * s->dim[a] + index[a];
    return at;
}

static void unflat(const sw_shape *s, int64_t at, int64_t *index)
{
    for (int a = s->rank - 1; a >= 0; a--) {
        index[a] = at % s->dim[a];
        at /= s->dim[a];
    }
}

/* The next value: for each of its indices, `from` writes the index of the present one, or returns
 * false for a zero.  Nothing happens when it would be too large. */
typedef bool from_fn(const struct chain *c, const void *arg, int64_t *index);

static bool fits(const sw_shape *shape)
{
    return shape->rank <= SW_MAX_RANK && count(shape) <= MOST;
}

static void step(struct chain *c, const sw_shape *shape, from_fn *from, const void *arg)
{
    static struct value next;
    next.shape = *shape;
    for (int64_t i = 0; i < count(shape); i++) {
        int64_t index[SW_MAX_RANK];
        unflat(shape, i, index);
        next.map[i] = from(c, arg, index) ? c->now.map[flat(&c->now.shape, index)] : -1;
    }
    c->now = next;
}

/* ---- the ops ----------------------------------------------------------------------------------- */

static bool from_transpose(const struct chain *c, const void *arg, int64_t *index)
{
    const int *axes = arg;
    int64_t old[SW_MAX_RANK];
    for (int a = 0; a < c->now.shape.rank; a++) old[axes[a]] = index[a];
    memcpy(index, old, sizeof old);
    return true;
}

static void do_transpose(struct chain *c)
{
    int axes[SW_MAX_RANK], n = c->now.shape.rank;
    sw_shape shape = c->now.shape;
    for (int i = 0; i < n; i++) axes[i] = i;
    for (int i = n - 1; i > 0; i--) {
        int j = (int)below(c, i + 1), t = axes[i];
        axes[i] = axes[j];
        axes[j] = t;
    }
    for (int i = 0; i < n; i++) shape.dim[i] = c->now.shape.dim[axes[i]];
    c->node = sw_transpose(c->g, c->node, axes, n);
    step(c, &shape, from_transpose, axes);
    note(c, "transpose");
}

struct walk {
    int axis;
    int64_t begin, step;
};

static bool from_walk(const struct chain *c, const void *arg, int64_t *index)
{
    (void)c;
    const struct walk *w = arg;
    index[w->axis] = w->begin + index[w->axis] * w->step;
    return true;
}

static void do_slice(struct chain *c)
{
    struct walk w = {.axis = (int)below(c, c->now.shape.rank)};
    sw_shape shape = c->now.shape;
    int64_t n = shape.dim[w.axis], size = 1 + below(c, n),
            most = size > 1 ? (n - 1) / (size - 1) : 1;
    w.step = 1 + below(c, most);
    w.begin = below(c, n - (size - 1) * w.step);
    sw_slice_options o = {w.axis, w.begin, w.begin + (size - 1) * w.step + 1, w.step};
    if (below(c, 2)) { /* the same elements backwards */
        w.begin += (size - 1) * w.step;
        w.step = -w.step;
        o = (sw_slice_options){w.axis, w.begin - n, o.begin > 0 ? o.begin - 1 : INT64_MIN, w.step};
    }
    shape.dim[w.axis] = size;
    c->node = sw_slice(c->g, c->node, o);
    step(c, &shape, from_walk, &w);
    note(c, "slice");
}

static void do_flip(struct chain *c)
{
    struct walk w = {.axis = (int)below(c, c->now.shape.rank), .step = -1};
    sw_shape shape = c->now.shape;
    w.begin = shape.dim[w.axis] - 1;
    c->node = sw_flip(c->g, c->node, w.axis);
    step(c, &shape, from_walk, &w);
    note(c, "flip");
}

static bool from_pad(const struct chain *c, const void *arg, int64_t *index)
{
    const sw_pad_options *o = arg;
    for (int a = 0; a < c->now.shape.rank; a++) {
        int64_t n = c->now.shape.dim[a], i = index[a] - o->before[a];
        if (o->mode == SW_PAD_CONSTANT && (i < 0 || i >= n)) return false;
        if (o->mode == SW_PAD_EDGE) i = i < 0 ? 0 : i >= n ? n - 1 : i;
        if (o->mode == SW_PAD_REFLECT) i = i < 0 ? -i : i >= n ? 2 * n - 2 - i : i;
        index[a] = i;
    }
    return true;
}

static void do_pad(struct chain *c)
{
    sw_pad_options o = {.mode = (sw_pad_mode)below(c, 3)};
    sw_shape shape = c->now.shape;
    for (int a = 0; a < shape.rank; a++) {
        int64_t most = o.mode == SW_PAD_REFLECT ? shape.dim[a] : 4;
        if (most > 4) most = 4;
        if (below(c, 2)) continue;
        o.before[a] = below(c, most);
        o.after[a] = below(c, most);
        shape.dim[a] += o.before[a] + o.after[a];
    }
    if (!fits(&shape)) return;
    c->node = sw_pad(c->g, c->node, o);
    step(c, &shape, from_pad, &o);
    note(c, "pad");
}

/* Copies of the value side by side: index modulo the size. */
static bool from_concat(const struct chain *c, const void *arg, int64_t *index)
{
    int axis = *(const int *)arg;
    index[axis] %= c->now.shape.dim[axis];
    return true;
}

static void do_concat(struct chain *c)
{
    int axis = (int)below(c, c->now.shape.rank), n = 1 + (int)below(c, 3);
    sw_shape shape = c->now.shape;
    shape.dim[axis] *= n;
    if (!fits(&shape)) return;
    sw_node *parts[] = {c->node, c->node, c->node};
    c->node = sw_concat(c->g, parts, n, axis);
    step(c, &shape, from_concat, &axis);
    note(c, "concat");
}

static void do_split(struct chain *c)
{
    struct walk w = {.axis = (int)below(c, c->now.shape.rank), .step = 1};
    sw_shape shape = c->now.shape;
    int64_t n = shape.dim[w.axis], cut = below(c, n);
    sw_node *parts = sw_split(c->g, c->node, (const int64_t[]){cut, n - cut}, 2, w.axis);
    w.begin = cut;
    shape.dim[w.axis] = n - cut;
    c->node = sw_output(parts, 1);
    step(c, &shape, from_walk, &w);
    note(c, "split");
}

struct rows {
    int axis;
    int32_t ids[SOME_IDS];
};

static bool from_gather(const struct chain *c, const void *arg, int64_t *index)
{
    const struct rows *r = arg;
    int64_t n = c->now.shape.dim[r->axis], id = r->ids[index[r->axis]];
    index[r->axis] = id < 0 ? id + n : id;
    return index[r->axis] >= 0 && index[r->axis] < n;
}

static void do_gather(struct chain *c)
{
    struct rows r = {.axis = (int)below(c, c->now.shape.rank)};
    sw_shape shape = c->now.shape;
    int64_t n = shape.dim[r.axis];
    shape.dim[r.axis] = SOME_IDS;
    if (!fits(&shape)) return;
    for (int i = 0; i < SOME_IDS; i++) r.ids[i] = (int32_t)(below(c, 2 * n + 2) - n - 1);
    sw_node *ids = sw_const(c->g, SW_I32, SW_SHAPE(SOME_IDS), r.ids);
    c->node = sw_gather(c->g, c->node, ids, r.axis);
    step(c, &shape, from_gather, &r);
    note(c, "gather");
}

/* Merge two axes, or cut one in two: the order stays. */
static void do_reshape(struct chain *c)
{
    sw_shape shape = c->now.shape;
    int axis = (int)below(c, shape.rank);
    if (axis + 1 < shape.rank && below(c, 2)) {
        c->node = sw_flatten(c->g, c->node, axis, axis + 1);
        shape.dim[axis] *= shape.dim[axis + 1];
        for (int i = axis + 1; i < shape.rank - 1; i++) shape.dim[i] = shape.dim[i + 1];
        shape.rank--;
    } else {
        if (shape.rank == 5) return;
        int64_t factor = shape.dim[axis] % 2 ? 1 : 2;
        for (int i = shape.rank++; i > axis; i--) shape.dim[i] = shape.dim[i - 1];
        shape.dim[axis] = factor;
        shape.dim[axis + 1] /= factor;
        sw_shape asked = shape;
        asked.dim[axis + 1] = -1;
        c->node = sw_reshape(c->g, c->node, asked);
    }
    c->now.shape = shape;
    note(c, "reshape");
}

static bool from_expand(const struct chain *c, const void *arg, int64_t *index)
{
    const sw_shape *shape = arg;
    int missing = shape->rank - c->now.shape.rank;
    for (int a = 0; a < c->now.shape.rank; a++)
        index[a] = c->now.shape.dim[a] == 1 ? 0 : index[a + missing];
    return true;
}

static void do_expand(struct chain *c)
{
    sw_shape shape = c->now.shape;
    if (shape.rank < 5 && below(c, 2)) {
        for (int i = shape.rank++; i > 0; i--) shape.dim[i] = shape.dim[i - 1];
        shape.dim[0] = 1 + below(c, 3);
    }
    for (int i = 0; i < shape.rank; i++)
        if (shape.dim[i] == 1) shape.dim[i] = 1 + below(c, 3);
    if (!fits(&shape)) return;
    c->node = sw_expand(c->g, c->node, shape);
    step(c, &shape, from_expand, &shape);
    note(c, "expand");
}

/* ---- a chain ----------------------------------------------------------------------------------- */

static void build(struct chain *c, sw_dtype dtype, sw_node **x)
{
    static void (*const ops[])(struct chain *) = {
        do_transpose, do_slice,   do_flip,   do_pad,       do_concat,   do_split,
        do_gather,    do_reshape, do_expand, do_transpose, do_transpose};
    c->now.shape.rank = 1 + (int)below(c, 4);
    for (int i = 0; i < c->now.shape.rank; i++) c->now.shape.dim[i] = 1 + below(c, 7);
    if (below(c, 4) == 0) c->now.shape.dim[c->now.shape.rank - 1] = 1 + below(c, 60);
    while (!fits(&c->now.shape)) c->now.shape.rank--;
    for (int64_t i = 0; i < count(&c->now.shape); i++) c->now.map[i] = (int32_t)i;
    note(c, "input");
    *x = c->node = sw_input(c->g, "x", dtype, c->now.shape);
    for (int64_t n = 1 + below(c, LONGEST); n > 0; n--)
        ops[below(c, (int64_t)(sizeof ops / sizeof *ops))](c);
}

static void check_forward(const struct chain *c, const sw_plan *p, const uint8_t *input,
                          size_t size)
{
    sw_tensor y = sw_plan_tensor(p, c->node);
    if (!sw_shape_equal(&y.shape, &c->now.shape)) fail_msg("shape after%s", c->text);
    static const uint8_t zero[4];
    for (int64_t i = 0; i < count(&y.shape); i++) {
        const uint8_t *want = c->now.map[i] < 0 ? zero : input + (size_t)c->now.map[i] * size;
        if (memcmp((uint8_t *)y.data + (size_t)i * size, want, size) != 0)
            fail_msg("element %lld after%s", (long long)i, c->text);
    }
}

static void check_backward(const struct chain *c, const sw_plan *p, const sw_node *dx,
                           const float *r)
{
    sw_tensor d = sw_plan_tensor(p, dx);
    static float want[MOST];
    memset(want, 0, sizeof want);
    for (int64_t i = 0; i < count(&c->now.shape); i++)
        if (c->now.map[i] >= 0) want[c->now.map[i]] += r[i];
    for (int64_t i = 0; i < count(&d.shape); i++)
        if (((float *)d.data)[i] != want[i])
            fail_msg("gradient %lld is %g, not %g, after%s", (long long)i,
                     (double)((float *)d.data)[i], (double)want[i], c->text);
}

static void run(uint64_t seed, enum sw_isa isa, int threads, sw_dtype dtype)
{
    static struct chain c;
    sw_context *ctx;
    sw_plan *p = NULL;
    sw_node *x, *dx = NULL, *wanted[2];
    size_t size = (size_t)sw_dtype_get(dtype)->block_bytes;
    static uint8_t input[4 * MOST];
    static float r[MOST];
    memset(&c, 0, sizeof c);
    c.rng = (struct sw_rng){seed, 1, 0};
    assert_int_equal(sw_context_create(
                         &(sw_context_options){.threads = threads, .cpu = sw__isa_name(isa)}, &ctx),
                     SW_OK);
    assert_int_equal(sw_graph_create(ctx, &c.g), SW_OK);
    build(&c, dtype, &x);
    wanted[0] = c.node;
    for (int64_t i = 0; i < MOST; i++)
        r[i] = (float)((int)sw__random_u32(seed, 2, (uint64_t)i) % 9);
    for (size_t i = 0; i < sizeof input; i++) input[i] = (uint8_t)sw__random_u32(seed, 3, i);
    if (dtype == SW_F32) {
        sw_node *weights = sw_const(c.g, SW_F32, c.now.shape, r);
        sw_node *loss = sw_sum(c.g, sw_mul(c.g, c.node, weights), (sw_reduce_options){0});
        sw_grad(c.g, loss, &x, 1, &dx);
        wanted[1] = dx;
    }
    sw_plan_options o = {.outputs = wanted, .n_outputs = dx ? 2 : 1};
    if (sw_graph_status(c.g) != SW_OK || sw_compile(c.g, o, &p) != SW_OK)
        fail_msg("%s after%s", sw_error(ctx), c.text);
    assert_int_equal(sw_bind(p, x, input, sw_node_shape(x)), SW_OK);
    assert_int_equal(sw_run(p), SW_OK);
    check_forward(&c, p, input, size);
    if (dx) check_backward(&c, p, dx, r);
    sw_plan_destroy(p);
    sw_graph_destroy(c.g);
    sw_context_destroy(ctx);
}

static void test_chains(void **state)
{
    (void)state;
    static const sw_dtype dtypes[] = {SW_F32, SW_BF16, SW_U8};
    for (uint64_t seed = 0; seed < CHAINS; seed++) {
        enum sw_isa isa = (enum sw_isa)(seed % ((uint64_t)sw__cpu()->best + 1));
        run(seed, isa, seed % 5 ? 1 : 3, dtypes[seed / 3 % 3]);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_chains)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
