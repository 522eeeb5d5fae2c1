/* Nothing is allocated while a plan runs or a trainer steps: not in the first run, not when sizes
 * change, not with weights that changed, not while profiling. */
#include "unit.h"

#include "fail_malloc.h"
#include "small_nets.h"

#define EXPECT_NO_ALLOCATION(call)                                                                 \
    do {                                                                                           \
        fail_malloc_reset();                                                                       \
        sw_status status_ = (call);                                                                \
        long count_ = fail_malloc_count();                                                         \
        assert_int_equal(status_, SW_OK);                                                          \
        if (count_) fail_msg("%s: %ld allocations", #call, count_);                                \
    } while (0)

static void steps_allocate_nothing(void **state)
{
    fail_malloc_skip();
    for (int kind = 0; kind < SMALL_KINDS; kind++)
        for (int threads = 1; threads <= 3; threads++)
            for (int accumulate = 1; accumulate <= 2; accumulate++) {
                const sw_trainer_options o = {
                    .optimizer = {.kind = threads == 2 ? SW_MUON : SW_ADAMW,
                                  .clip_norm = 1,
                                  .ema_decay = 0.9f},
                    .schedule = {.rate = 0.01f},
                    .accumulate = accumulate,
                    .recompute = threads == 3 ? SW_RECOMPUTE_CHEAP : SW_RECOMPUTE_NONE};
                struct small_net n;
                char error[512] = "";
                if (small_net_create(&n, (enum small_kind)kind, threads, 8, o, error) != SW_OK)
                    fail_msg("%s", error);
                for (int i = 0; i < 5; i++) EXPECT_NO_ALLOCATION(small_net_step(&n, NULL));
                assert_int_equal(sw_plan_profile(sw_trainer_plan(n.t), true), SW_OK);
                EXPECT_NO_ALLOCATION(small_net_step(&n, NULL));
                small_net_destroy(&n);
            }
}

/* Inference at every size up to the declared one, after the weights changed. */
static void runs_allocate_nothing(void **state)
{
    static float images[8 * 64];
    sw_context *ctx;
    sw_weights *ws;
    sw_graph *g;
    sw_plan *p;
    fail_malloc_skip();
    for (int threads = 1; threads <= 3; threads++) {
        assert_int_equal(sw_context_create(&(sw_context_options){.threads = threads}, &ctx), SW_OK);
        assert_int_equal(sw_weights_create(ctx, &ws), SW_OK);
        assert_int_equal(sw_graph_create(ctx, &g), SW_OK);
        sw_node *x = sw_input(g, "x", SW_F32, SW_SHAPE(8, 1, 8, 8));
        sw_node *w = sw_param(g, ws, "w", SW_F32, SW_SHAPE(40, 1, 3, 3), sw_init_he(9));
        sw_node *v = sw_param(g, ws, "v", SW_F32, SW_SHAPE(10, 40 * 36), sw_init_he(1440));
        sw_node *y = sw_relu(g, sw_conv2d(g, x, w, NULL, (sw_conv_options){0}));
        y = sw_softmax(g, sw_linear(g, sw_flatten(g, y, 1, 3), v, NULL), 1);
        assert_int_equal(sw_compile(g, (sw_plan_options){.outputs = &y, .n_outputs = 1}, &p),
                         SW_OK);
        for (int64_t batch = 1; batch <= 8; batch++) {
            assert_int_equal(sw_bind(p, x, images, SW_SHAPE(batch, 1, 8, 8)), SW_OK);
            sw_weight_touch(sw_node_weight(w));
            sw_weight_touch(sw_node_weight(v));
            EXPECT_NO_ALLOCATION(sw_run(p));
            EXPECT_NO_ALLOCATION(sw_run(p));
        }
        sw_plan_destroy(p);
        sw_graph_destroy(g);
        sw_weights_destroy(ws);
        sw_context_destroy(ctx);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(steps_allocate_nothing),
        cmocka_unit_test(runs_allocate_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
