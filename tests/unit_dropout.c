/* What dropout promises of its random numbers: the same seed and step give the same mask, another
 * seed, another step or another op gives another one. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>
#include <swell/swell.h>

enum { N = 1000 };

/* Run with this seed and step, and copy out what two dropouts made of ones. */
static void draw(sw_plan *p, sw_node *const y[2], uint64_t seed, uint64_t step, float out[2][N])
{
    sw_plan_seed(p, seed, step);
    assert_int_equal(sw_run(p), SW_OK);
    for (int i = 0; i < 2; i++) memcpy(out[i], sw_plan_tensor(p, y[i]).data, N * sizeof(float));
}

static int differing(const float *a, const float *b)
{
    int count = 0;
    for (int i = 0; i < N; i++) count += (a[i] == 0) != (b[i] == 0);
    return count;
}

/* Independent masks of p = 1/2 differ in half of the elements: 500 +- 5 deviations of 16. */
static void assert_independent(const float *a, const float *b)
{
    assert_in_range(differing(a, b), 420, 580);
}

static void test_masks(void **state)
{
    static float first[2][N], again[2][N], ones[N];
    sw_context *ctx;
    sw_graph *g;
    sw_plan *p;
    (void)state;
    assert_int_equal(sw_context_create(NULL, &ctx), SW_OK);
    assert_int_equal(sw_graph_create(ctx, &g), SW_OK);
    sw_node *x = sw_input(g, "x", SW_F32, SW_SHAPE(N));
    sw_node *y[2] = {sw_dropout(g, x, 0.5f), sw_dropout(g, x, 0.5f)};
    sw_plan_options o = {.outputs = y, .n_outputs = 2};
    assert_int_equal(sw_compile(g, o, &p), SW_OK);
    for (int i = 0; i < N; i++) ones[i] = 1;
    assert_int_equal(sw_bind(p, x, ones, SW_SHAPE(N)), SW_OK);

    draw(p, y, 3, 4, first);
    assert_independent(first[0], first[1]);
    draw(p, y, 3, 4, again);
    assert_memory_equal(first, again, sizeof first);
    draw(p, y, 3, 5, again);
    assert_independent(first[0], again[0]);
    assert_independent(first[0], again[1]);
    draw(p, y, 4, 4, again);
    assert_independent(first[0], again[0]);

    sw_plan_destroy(p);
    sw_graph_destroy(g);
    sw_context_destroy(ctx);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_masks)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
