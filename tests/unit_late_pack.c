/* pack_late: weights in blocks are read as they lie, then packed little by little, and the results never change
 * by a bit. */
#include "unit.h"

#include <swell/swell.h>
#include "graph/plan_int.h"

enum { ROWS = 5, WIDE = 512, LAYERS = 6, RUNS = 12, BYTES = WIDE * WIDE };

static sw_context *ctx;

static int setup(void **state)
{
    (void)state;
    return sw_context_create(&(sw_context_options){.threads = 2}, &ctx) == SW_OK ? 0 : -1;
}

static int teardown(void **state)
{
    (void)state;
    sw_context_destroy(ctx);
    return 0;
}

/* W(seed) in q4_k, by way of random f32. */
static void fill(sw_weight *w, uint32_t seed)
{
    static float x[WIDE * WIDE];
    static uint8_t blocks[BYTES];
    for (int i = 0; i < WIDE * WIDE; i++) {
        seed = seed * 1664525u + 1013904223u;
        x[i] = (float)(int32_t)seed * 0x1p-35f;
    }
    assert_int_equal(sw_convert(blocks, SW_Q4_K, x, SW_F32, WIDE * WIDE), SW_OK);
    const sw_shape shape = SW_SHAPE(WIDE, WIDE);
    assert_int_equal(sw_weight_set(w, blocks, (size_t)sw_shape_bytes(&shape, SW_Q4_K)), SW_OK);
}

struct net {
    sw_weights *ws;
    sw_graph *g;
    sw_node *x, *y;
    sw_plan *plan;
    sw_weight *w[LAYERS];
};

/* Layer 1 has the weight of layer 0. */
static void open_net(struct net *n, bool late)
{
    char name[16];
    assert_int_equal(sw_weights_create(ctx, &n->ws), SW_OK);
    assert_int_equal(sw_graph_create(ctx, &n->g), SW_OK);
    n->y = n->x = sw_input(n->g, "x", SW_F32, SW_SHAPE(ROWS, WIDE));
    for (int i = 0; i < LAYERS; i++) {
        const sw_shape shape = SW_SHAPE(WIDE, WIDE);
        snprintf(name, sizeof name, "w%d", i == 1 ? 0 : i);
        n->w[i] = sw_weights_find(n->ws, name);
        if (!n->w[i])
            assert_int_equal(sw_weights_add(n->ws, name, SW_Q4_K, shape, &n->w[i]), SW_OK);
        fill(n->w[i], (uint32_t)i + 1);
        sw_node *w = sw_param(n->g, n->ws, name, SW_Q4_K, shape, sw_init_zeros());
        n->y = sw_add(n->g, n->y, sw_linear(n->g, n->y, w, NULL));
    }
    const sw_plan_options o = {.outputs = &n->y, .n_outputs = 1, .pack_late = late};
    if (sw_compile(n->g, o, &n->plan) != SW_OK) fail_msg("%s", sw_error(ctx));
}

static void close_net(struct net *n)
{
    sw_plan_destroy(n->plan);
    sw_graph_destroy(n->g);
    sw_weights_destroy(n->ws);
}

/* Both nets on the same rows, another number of them each time. */
static void run_both(struct net *a, struct net *b, int number)
{
    static float x[ROWS * WIDE];
    const int rows = 1 + number % ROWS;
    for (int i = 0; i < rows * WIDE; i++) x[i] = (float)((i * 37 + number * 11) % 101 - 50) / 50;
    struct net *each[2] = {a, b};
    for (int i = 0; i < 2; i++) {
        assert_int_equal(sw_bind(each[i]->plan, each[i]->x, x, SW_SHAPE(rows, WIDE)), SW_OK);
        assert_int_equal(sw_run(each[i]->plan), SW_OK);
    }
    assert_memory_equal(sw_plan_tensor(a->plan, a->y).data, sw_plan_tensor(b->plan, b->y).data,
                        (size_t)(rows * WIDE) * sizeof(float));
}

static void test_little_by_little(void **state)
{
    struct net at_once, late;
    (void)state;
    open_net(&at_once, false);
    open_net(&late, true);
    assert_int_equal(late.plan->n_late, LAYERS);
    int64_t before = LAYERS;
    for (int i = 0; i < RUNS; i++) {
        run_both(&at_once, &late, i);
        assert_true(i == 0 ? late.plan->n_late == LAYERS : late.plan->n_late <= before);
        if (i == 1) assert_in_range(late.plan->n_late, 1, LAYERS - 1);
        before = late.plan->n_late;
    }
    assert_int_equal(late.plan->n_late, 0);
    close_net(&at_once);
    close_net(&late);
}

/* A weight that changes is seen, whether its copy is there or not yet. */
static void test_changes(void **state)
{
    struct net at_once, late;
    (void)state;
    open_net(&at_once, false);
    open_net(&late, true);
    for (int i = 0; i < RUNS; i++) {
        fill(at_once.w[i % LAYERS], 1000 + (uint32_t)i);
        fill(late.w[i % LAYERS], 1000 + (uint32_t)i);
        run_both(&at_once, &late, i);
    }
    close_net(&at_once);
    close_net(&late);
}

static void test_now(void **state)
{
    struct net at_once, late;
    (void)state;
    open_net(&at_once, false);
    open_net(&late, true);
    run_both(&at_once, &late, 0);
    sw_plan_pack(late.plan);
    assert_int_equal(late.plan->n_late, 0);
    run_both(&at_once, &late, 1);
    close_net(&at_once);
    close_net(&late);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_little_by_little, setup, teardown),
        cmocka_unit_test_setup_teardown(test_changes, setup, teardown),
        cmocka_unit_test_setup_teardown(test_now, setup, teardown)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
