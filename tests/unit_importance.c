/* Importances of inputs: the sums of squares that a network under watch gives, of a matrix and of experts, against loops
 * in float64 (sums of 7 to 14 squares in f32: within 16 ulp). */
#include "unit.h"

#include <swell/swell.h>
#include "base/rng.h"
#include "gpt/gpt_int.h"

enum { R = 7, K = 5, EXPERTS = 4, CHOSEN = 2 };

static sw_context *ctx;
static float x[R * CHOSEN * K];
static int32_t which[R * CHOSEN];

static void compare(sw_plan *plan, const sw_node *sums, const double *expected, int64_t n)
{
    const sw_tensor got = sw_plan_tensor(plan, sums);
    assert_int_equal(sw_shape_elements(&got.shape), n);
    const float *y = got.data;
    for (int64_t i = 0; i < n; i++)
        assert_float_equal(y[i], expected[i], (float)(16 * 6e-8 * expected[i]));
}

/* x (R,K), or (R,CHOSEN,K) with `each`; experts: by `which`. */
static void watch(bool experts, bool each)
{
    struct sw_gpt m = {.watch = true, .z = {.experts = EXPERTS, .chosen = CHOSEN}};
    const sw_shape shape = each ? SW_SHAPE(R, CHOSEN, K) : SW_SHAPE(R, K);
    double expected[EXPERTS * K] = {0};
    sw_plan *plan;
    assert_int_equal(sw_graph_create(ctx, &m.g), SW_OK);
    sw_node *in = sw_input(m.g, "x", SW_F32, shape);
    sw_node *to = sw_input(m.g, "which", SW_I32, SW_SHAPE(R, CHOSEN));
    sw__gpt_watch(&m, "blk.0.test.weight", in, experts ? to : NULL);
    assert_int_equal(m.n_watched, 1);
    assert_string_equal(m.watched[0].tensor, "blk.0.test.weight");
    const sw_plan_options o = {.outputs = &m.watched[0].sums, .n_outputs = 1};
    if (sw_compile(m.g, o, &plan) != SW_OK) fail_msg("%s", sw_error(ctx));
    assert_int_equal(sw_bind(plan, in, x, shape), SW_OK);
    if (experts) assert_int_equal(sw_bind(plan, to, which, SW_SHAPE(R, CHOSEN)), SW_OK);
    assert_int_equal(sw_run(plan), SW_OK);
    for (int r = 0; r < R; r++)
        for (int c = 0; c < (experts ? CHOSEN : 1); c++)
            for (int k = 0; k < K; k++) {
                const double v = (double)x[(each ? r * CHOSEN + c : r) * K + k];
                expected[(experts ? which[r * CHOSEN + c] : 0) * K + k] += v * v;
            }
    compare(plan, m.watched[0].sums, expected, experts ? EXPERTS * K : K);
    sw_plan_destroy(plan);
    sw_graph_destroy(m.g);
    free(m.watched);
}

static void of_a_matrix(void **state)
{
    (void)state;
    watch(false, false);
}

static void of_experts(void **state)
{
    (void)state;
    watch(true, false);
    watch(true, true);
}

static void not_watched(void **state)
{
    struct sw_gpt m = {.watch = false};
    (void)state;
    sw__gpt_watch(&m, "blk.0.test.weight", NULL, NULL);
    assert_int_equal(m.n_watched, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(of_a_matrix), cmocka_unit_test(of_experts),
                                       cmocka_unit_test(not_watched)};
    sw_context_create(NULL, &ctx);
    sw__fill_normal(x, R * CHOSEN * K, 0, 1, 3, 0);
    /* Expert 3 gets no row. */
    for (int i = 0; i < R; i++) which[2 * i] = i % 3, which[2 * i + 1] = (i + 1) % 3;
    const int failed = cmocka_run_group_tests(tests, NULL, NULL);
    sw_context_destroy(ctx);
    return failed;
}
