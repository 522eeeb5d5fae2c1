/* sw_locally_connected2d against its definition in double: values, and gradients against differences of
 * the definition. */
#include "unit.h"

#include <math.h>
#include <swell/swell.h>
#include "base/rng.h"

enum { MOST = 4096 };

struct local_case {
    const char *name;
    int64_t n, c, h, w, o, kh, kw;
    sw_conv_options options;
};

static const struct local_case cases[] = {
    {"3x3, same", 3, 4, 5, 6, 2, 3, 3, {.pad = {1, 1, 1, 1}}},
    {"stride and uneven padding", 2, 3, 7, 6, 3, 3, 2, {.stride = {2, 2}, .pad = {0, 1, 2, 0}}},
    {"dilation", 2, 2, 7, 8, 2, 2, 3, {.dilation = {3, 2}, .pad = {1, 0, 0, 1}}},
    {"1x1", 2, 3, 2, 2, 4, 1, 1, {.groups = 1}},
    {"4x4", 1, 2, 4, 5, 3, 4, 4, {.groups = 0}},
};

static int64_t either(int64_t x, int64_t otherwise)
{
    return x ? x : otherwise;
}

static int64_t size_of(const struct local_case *l, int axis)
{
    int64_t kernel = axis ? l->kw : l->kh, from = axis ? l->w : l->h;
    const sw_conv_options *o = &l->options;
    return (from + o->pad[axis] + o->pad[2 + axis] - either(o->dilation[axis], 1) * (kernel - 1) -
            1) /
               either(o->stride[axis], 1) +
           1;
}

/* sum of r y, y written to out unless NULL */
static double definition(const struct local_case *l, const double *x, const double *w,
                         const double *b, const double *r, double *out)
{
    const sw_conv_options *p = &l->options;
    int64_t oh = size_of(l, 0), ow = size_of(l, 1), at = 0;
    double loss = 0;
    for (int64_t n = 0; n < l->n; n++)
        for (int64_t o = 0; o < l->o; o++)
            for (int64_t i = 0; i < oh; i++)
                for (int64_t j = 0; j < ow; j++, at++) {
                    double y = b[(o * oh + i) * ow + j];
                    for (int64_t k = 0; k < l->c * l->kh * l->kw; k++) {
                        int64_t c = k / (l->kh * l->kw), u = k / l->kw % l->kh, v = k % l->kw;
                        int64_t row = i * either(p->stride[0], 1) + u * either(p->dilation[0], 1) -
                                      p->pad[0];
                        int64_t col = j * either(p->stride[1], 1) + v * either(p->dilation[1], 1) -
                                      p->pad[1];
                        if (row < 0 || col < 0 || row >= l->h || col >= l->w) continue;
                        y += x[((n * l->c + c) * l->h + row) * l->w + col] *
                             w[((i * ow + j) * l->o + o) * l->c * l->kh * l->kw + k];
                    }
                    if (out) out[at] = y;
                    loss += r[at] * y;
                }
    return loss;
}

static void fill(uint64_t seed, int64_t n, float *x, double *exact)
{
    assert_true(n <= MOST);
    for (int64_t i = 0; i < n; i++)
        exact[i] = (double)(x[i] = 2 * sw__uniform_of(sw__random_u32(seed, 0, (uint64_t)i)) - 1);
}

static void check_case(const struct local_case *l)
{
    static float x[3][MOST], r[MOST];
    static double e[3][MOST], er[MOST], y[MOST];
    int64_t oh = size_of(l, 0), ow = size_of(l, 1), window = l->c * l->kh * l->kw;
    sw_shape shapes[3] = {SW_SHAPE(l->n, l->c, l->h, l->w),
                          SW_SHAPE(oh * ow, l->o, l->c, l->kh, l->kw), SW_SHAPE(l->o, oh, ow)};
    sw_context *ctx;
    sw_graph *g;
    sw_plan *p;
    sw_node *in[3], *out[4];
    assert_int_equal(sw_context_create(&(sw_context_options){.threads = 2}, &ctx), SW_OK);
    assert_int_equal(sw_graph_create(ctx, &g), SW_OK);
    for (int i = 0; i < 3; i++) {
        fill((uint64_t)i + 1, sw_shape_elements(&shapes[i]), x[i], e[i]);
        in[i] = sw_input(g, "in", SW_F32, shapes[i]);
    }
    fill(7, l->n * l->o * oh * ow, r, er);
    out[0] = sw_locally_connected2d(g, in[0], in[1], in[2], l->options);
    if (sw_graph_status(g) != SW_OK) fail_msg("%s: %s", l->name, sw_error(ctx));
    sw_shape shape = sw_node_shape(out[0]);
    assert_true(sw_shape_equal(&shape, &SW_SHAPE(l->n, l->o, oh, ow)));
    sw_node *dy = sw_const(g, SW_F32, shape, r);
    assert_int_equal(sw_grad_from(g, out[0], dy, in, 3, out + 1), SW_OK);
    assert_int_equal(sw_compile(g, (sw_plan_options){.outputs = out, .n_outputs = 4}, &p), SW_OK);
    for (int i = 0; i < 3; i++) assert_int_equal(sw_bind(p, in[i], x[i], shapes[i]), SW_OK);
    assert_int_equal(sw_run(p), SW_OK);

    /* K products of numbers below 1, each of at most K + 2 roundings. */
    const float *got = sw_plan_tensor(p, out[0]).data;
    double bound = (double)((window + 2) * window) * 0x1p-24;
    (void)definition(l, e[0], e[1], e[2], er, y);
    for (int64_t i = 0; i < l->n * l->o * oh * ow; i++)
        if (fabs((double)got[i] - y[i]) > bound)
            fail_msg("%s: y[%lld] is %g, not %g", l->name, (long long)i, (double)got[i], y[i]);
    /* y is linear in each operand, so a difference is exact; sums of at most 64 products. */
    for (int i = 0; i < 3; i++) {
        const float *grad = sw_plan_tensor(p, out[1 + i]).data;
        for (int64_t k = 0; k < sw_shape_elements(&shapes[i]); k++) {
            double kept = e[i][k];
            e[i][k] = kept + 1;
            double above = definition(l, e[0], e[1], e[2], er, NULL);
            e[i][k] = kept;
            double want = above - definition(l, e[0], e[1], e[2], er, NULL);
            if (fabs((double)grad[k] - want) > 64 * 66 * 0x1p-24)
                fail_msg("%s: gradient %d[%lld] is %g, not %g", l->name, i, (long long)k,
                         (double)grad[k], want);
        }
    }
    sw_plan_destroy(p);
    sw_graph_destroy(g);
    sw_context_destroy(ctx);
}

static void is_its_definition(void **state)
{
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) check_case(&cases[i]);
}

static void refuses(void **state)
{
    static const struct {
        sw_shape x, w;
        sw_conv_options o;
    } bad[] = {
        {{4, {1, 2, 4, 4}}, {5, {3, 2, 2, 3, 3}}, {.groups = 0}}, /* positions */
        {{4, {1, 2, 4, 4}}, {5, {4, 2, 3, 3, 3}}, {.groups = 0}}, /* channels */
        {{4, {1, 2, 4, 4}}, {5, {4, 2, 2, 3, 3}}, {.groups = 2}}, /* groups */
        {{4, {1, 2, 4, 4}}, {5, {1, 2, 2, 5, 5}}, {.groups = 0}}, /* window beyond the picture */
        {{4, {1, 2, 6, 6}}, {5, {4, 2, 2, 5, 5}}, {.groups = 0}}, /* window of 25 */
        {{4, {1, 2, 4, 4}}, {5, {4, 2, 2, 3, 3}}, {.pad = {-1, 0, 0}}}, /* padding */
        {{3, {2, 4, 4}}, {5, {4, 2, 2, 3, 3}}, {.groups = 0}},          /* rank */
    };
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        sw_context *ctx;
        sw_graph *g;
        assert_int_equal(sw_context_create(NULL, &ctx), SW_OK);
        assert_int_equal(sw_graph_create(ctx, &g), SW_OK);
        (void)sw_locally_connected2d(g, sw_input(g, "x", SW_F32, bad[i].x),
                                     sw_input(g, "w", SW_F32, bad[i].w), NULL, bad[i].o);
        assert_int_equal(sw_graph_status(g), SW_ERR_SHAPE);
        assert_non_null(strstr(sw_error(ctx), "locally_connected2d"));
        sw_graph_destroy(g);
        sw_context_destroy(ctx);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(is_its_definition),
        cmocka_unit_test(refuses),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
