/* Batch norms folded into convolutions: the same numbers, fewer steps, and only where it may be done. */
#include "unit.h"

#include <math.h>
#include <swell/swell.h>
#include "base/rng.h"

enum { N = 2, C = 3, O = 5, SIDE = 6, PIXELS = SIDE * SIDE };

struct net {
    sw_context *ctx;
    sw_weights *ws;
    sw_graph *g;
    sw_node *x, *conv, *y;
    float data[N * C * PIXELS];
};

static sw_node *weight(struct net *n, const char *name, sw_shape shape, float low, float high)
{
    return sw_param(n->g, n->ws, name, SW_F32, shape, sw_init_uniform(low, high));
}

/* conv (with a bias) -> batch norm */
static void create(struct net *n, bool training)
{
    assert_int_equal(sw_context_create(&(sw_context_options){.threads = 1}, &n->ctx), SW_OK);
    assert_int_equal(sw_weights_create(n->ctx, &n->ws), SW_OK);
    assert_int_equal(sw_graph_create(n->ctx, &n->g), SW_OK);
    for (int i = 0; i < N * C * PIXELS; i++)
        n->data[i] = 2 * sw__uniform_of(sw__random_u32(7, 0, (uint64_t)i)) - 1;
    n->x = sw_input(n->g, "x", SW_F32, SW_SHAPE(N, C, SIDE, SIDE));
    n->conv = sw_conv2d(n->g, n->x, weight(n, "conv.weight", SW_SHAPE(O, C, 3, 3), -1, 1),
                        weight(n, "conv.bias", SW_SHAPE(O), -1, 1),
                        (sw_conv_options){.pad = {1, 1, 1, 1}});
    sw_node *mean = sw_state(n->g, n->ws, "mean", SW_F32, SW_SHAPE(O), sw_init_uniform(-1, 1));
    sw_node *variance = sw_state(n->g, n->ws, "var", SW_F32, SW_SHAPE(O), sw_init_uniform(0.1f, 2));
    n->y = sw_batchnorm(n->g, n->conv, weight(n, "gamma", SW_SHAPE(O), -1, 1),
                        weight(n, "beta", SW_SHAPE(O), -1, 1), mean, variance,
                        (sw_batchnorm_options){.training = training});
    assert_int_equal(sw_graph_status(n->g), SW_OK);
}

static void destroy(struct net *n)
{
    sw_graph_destroy(n->g);
    sw_weights_destroy(n->ws);
    sw_context_destroy(n->ctx);
}

/* The result into y; how many steps made it. */
static int run(struct net *n, float y[N * O * PIXELS])
{
    sw_plan *p;
    assert_int_equal(sw_compile(n->g, (sw_plan_options){.outputs = &n->y, .n_outputs = 1}, &p),
                     SW_OK);
    assert_int_equal(sw_bind(p, n->x, n->data, SW_SHAPE(N, C, SIDE, SIDE)), SW_OK);
    assert_int_equal(sw_run(p), SW_OK);
    memcpy(y, sw_plan_tensor(p, n->y).data, N * O * PIXELS * sizeof *y);
    const int steps = sw_plan_get_stats(p).steps;
    sw_plan_destroy(p);
    return steps;
}

/* Sums of 27 products of numbers up to 1, times a scale up to 1 / sqrt(0.1): 40 roundings of it at most. */
static void same_numbers(void **state)
{
    static struct net n;
    static float plain[N * O * PIXELS], folded[N * O * PIXELS];
    create(&n, false);
    const int before = run(&n, plain);
    const int64_t count = sw_weights_count(n.ws);
    assert_int_equal(sw_graph_fold_norms(n.g), SW_OK);
    assert_int_equal(run(&n, folded), before - 1);
    assert_int_equal(sw_weights_count(n.ws), count);
    for (int i = 0; i < N * O * PIXELS; i++)
        assert_true(fabsf(plain[i] - folded[i]) <= 40 * 28 * 3.2f * 0x1p-24f);
    assert_int_equal(sw_graph_fold_norms(n.g), SW_OK); /* nothing is left to fold */
    assert_int_equal(run(&n, plain), before - 1);
    assert_memory_equal(plain, folded, sizeof plain);
    destroy(&n);
}

static void stays(struct net *n)
{
    static float plain[N * O * PIXELS], folded[N * O * PIXELS];
    const int before = run(n, plain);
    assert_int_equal(sw_graph_fold_norms(n->g), SW_OK);
    assert_int_equal(run(n, folded), before);
    assert_memory_equal(plain, folded, sizeof plain);
    destroy(n);
}

static void not_of_the_batch(void **state)
{
    static struct net n;
    create(&n, true);
    assert_int_equal(sw_graph_fold_norms(n.g), SW_OK);
    static float y[N * O * PIXELS];
    assert_int_equal(run(&n, y), 2);
    destroy(&n);
}

static void not_with_another_reader(void **state)
{
    static struct net n;
    create(&n, false);
    n.y = sw_mul(n.g, n.y, n.conv);
    stays(&n);
}

static void not_what_is_kept(void **state)
{
    static struct net n;
    create(&n, false);
    sw_keep(n.conv);
    stays(&n);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(same_numbers),
        cmocka_unit_test(not_of_the_batch),
        cmocka_unit_test(not_with_another_reader),
        cmocka_unit_test(not_what_is_kept),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
