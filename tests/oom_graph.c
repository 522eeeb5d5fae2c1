/* Out of memory on the way from a model to a trained and saved one: each allocation in turn fails, in
 * building, compiling, making a trainer, saving, loading; the call gives SW_ERR_MEMORY, leaks nothing,
 * changes nothing, and works when asked again. */
#include "unit.h"

#include <math.h>
#include <unistd.h>
#include "base/cpu.h"
#include "fail_malloc.h"
#include "small_nets.h"

static char folder[] = "oom-graph-XXXXXX";

static int enter(void **state)
{
    strcpy(folder, "oom-graph-XXXXXX");
    return !mkdtemp(folder) || chdir(folder);
}

static int leave(void **state)
{
    return chdir("..") || rmdir(folder); /* fails if a temporary file was left */
}

static sw_trainer_options options_of(sw_optimizer_kind kind, int accumulate)
{
    return (sw_trainer_options){
        .optimizer = {.kind = kind, .clip_norm = 1, .ema_decay = kind == SW_ADAMW ? 0.9f : 0},
        .schedule = {.rate = 0.01f},
        .accumulate = accumulate,
        .recompute = accumulate > 1 ? SW_RECOMPUTE_CHEAP : SW_RECOMPUTE_NONE};
}

/* ---- build, compile, train --------------------------------------------------------------------- */

struct build_case {
    enum small_kind kind;
    sw_optimizer_kind optimizer;
    int accumulate;
};

static sw_status build_and_train(void *user)
{
    const struct build_case *c = user;
    struct small_net n;
    sw_status status = small_net_create(&n, c->kind, 1, 3, options_of(c->optimizer, c->accumulate),
                                        NULL);
    for (int i = 0; i < 2 && status == SW_OK; i++) status = small_net_step(&n, NULL);
    if (n.ctx) small_net_destroy(&n);
    return status;
}

static void building(void **state)
{
    static const struct build_case cases[] = {{SMALL_CONV, SW_ADAMW, 1},
                                              {SMALL_CONV, SW_SGD, 2},
                                              {SMALL_ATTENTION, SW_SGD, 1},
                                              {SMALL_ATTENTION, SW_MUON, 2}};
    fail_malloc_skip();
    sw__cpu(); /* found once a process */
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        assert_true(fail_malloc_each(build_and_train, (void *)&cases[i]) > 50);
}

/* ---- inference --------------------------------------------------------------------------------- */

/* A plan of the logits alone, on weights that exist. */
static sw_status compile_inference(void *user)
{
    sw_weights *ws = user;
    sw_context *ctx;
    sw_graph *g = NULL;
    sw_plan *p = NULL;
    float image[64] = {0};
    sw_status status = sw_context_create(&(sw_context_options){.threads = 1}, &ctx);
    if (status == SW_OK) status = sw_graph_create(ctx, &g);
    if (status == SW_OK) {
        sw_node *x = sw_input(g, "x", SW_F32, SW_SHAPE(1, 1, 8, 8));
        sw_node *w = sw_param(g, ws, "w", SW_F32, SW_SHAPE(40, 1, 3, 3), sw_init_he(9));
        sw_node *v = sw_param(g, ws, "v", SW_F32, SW_SHAPE(10, 40 * 36), sw_init_he(1440));
        sw_node *y = sw_relu(g, sw_conv2d(g, x, w, NULL, (sw_conv_options){0}));
        y = sw_softmax(g, sw_linear(g, sw_flatten(g, y, 1, 3), v, NULL), 1);
        status = sw_graph_status(g);
        if (status == SW_OK)
            status = sw_compile(g, (sw_plan_options){.outputs = &y, .n_outputs = 1}, &p);
        if (status == SW_OK) status = sw_bind(p, x, image, SW_SHAPE(1, 1, 8, 8));
        if (status == SW_OK) status = sw_plan_profile(p, true);
        if (status == SW_OK) status = sw_run(p);
    }
    sw_plan_destroy(p);
    sw_graph_destroy(g);
    sw_context_destroy(ctx);
    return status;
}

static void inference(void **state)
{
    sw_context *ctx;
    sw_weights *ws;
    fail_malloc_skip();
    assert_int_equal(sw_context_create(NULL, &ctx), SW_OK);
    assert_int_equal(sw_weights_create(ctx, &ws), SW_OK);
    assert_int_equal(compile_inference(ws), SW_OK); /* the weights are there from here on */
    assert_true(fail_malloc_each(compile_inference, ws) > 20);
    sw_weights_destroy(ws);
    sw_context_destroy(ctx);
}

/* ---- files ------------------------------------------------------------------------------------- */

static sw_status save(void *user)
{
    return sw_trainer_save(((struct small_net *)user)->t, "a");
}

static sw_status load(void *user)
{
    return sw_trainer_load(((struct small_net *)user)->t, "a");
}

static sw_status load_weights(void *user)
{
    struct small_net *n = user;
    sw_status status = SW_OK;
    for (int mapped = 0; mapped < 2 && status == SW_OK; mapped++) {
        sw_weights *ws;
        status = sw_weights_create(n->ctx, &ws);
        if (status != SW_OK) return status;
        status = sw_weights_load(n->ctx, ws, "a", mapped, NULL);
        if (status != SW_OK) assert_int_equal(sw_weights_count(ws), 0);
        sw_weights_destroy(ws);
    }
    return status;
}

static sw_status save_weights(void *user)
{
    struct small_net *n = user;
    return sw_weights_save(n->ctx, n->ws, "b", (const char *const[]){"k", "v", NULL});
}

static sw_status log_and_note(void *user)
{
    struct small_net *n = user;
    sw_status status = sw_trainer_log(n->t, "x", 1);
    if (status == SW_OK) status = sw_trainer_set_note(n->t, "k", "v");
    if (status == SW_OK) status = sw_trainer_set_note(n->t, "k", "w");
    sw_trainer_set_note(n->t, "k", NULL);
    return status;
}

static void files(void **state)
{
    struct small_net n;
    fail_malloc_skip();
    assert_int_equal(small_net_create(&n, SMALL_CONV, 1, 3, options_of(SW_SGD, 2), NULL), SW_OK);
    for (int i = 0; i < 3; i++) {
        assert_int_equal(small_net_step(&n, NULL), SW_OK);
        assert_int_equal(sw_trainer_log(n.t, "loss", i), SW_OK);
    }
    assert_int_equal(sw_trainer_set_note(n.t, "model", "small"), SW_OK);
    assert_int_equal(save(&n), SW_OK);
    assert_int_equal(load(&n), SW_OK);
    assert_true(fail_malloc_each(load, &n) > 50);
    assert_true(fail_malloc_each(load_weights, &n) > 50);
    assert_true(fail_malloc_each(save_weights, &n) > 50);
    assert_true(fail_malloc_each(save, &n) > 50);
    assert_int_equal(load(&n), SW_OK);
    assert_int_equal(small_net_step(&n, NULL), SW_OK);
    assert_true(fail_malloc_each(log_and_note, &n) >= 4);
    small_net_destroy(&n);
    unlink("a");
    unlink("b");
}

/* Looking for the op that made a NaN takes memory: without, the error is shorter, and still the same
 * error. */
static sw_status bad_step(void *user)
{
    struct small_net *n = user;
    small_net_fill(n, 0);
    n->images[3] = NAN;
    sw_status status = small_net_bind(n);
    if (status == SW_OK) status = sw_trainer_step(n->t, NULL);
    assert_int_equal(status, SW_ERR_NAN);
    assert_non_null(strstr(sw_error(n->ctx), "input 'images' holds a NaN"));
    return SW_OK;
}

static void report_of_nan(void **state)
{
    struct small_net n;
    fail_malloc_skip();
    assert_int_equal(small_net_create(&n, SMALL_CONV, 1, 3, options_of(SW_SGD, 1), NULL), SW_OK);
    assert_true(fail_malloc_each(bad_step, &n) > 10);
    assert_int_equal(small_net_step(&n, NULL), SW_OK);
    small_net_destroy(&n);
}

int main(void)
{
#define IN_FOLDER(test) cmocka_unit_test_setup_teardown(test, enter, leave)
    const struct CMUnitTest tests[] = {
        IN_FOLDER(building),
        IN_FOLDER(inference),
        IN_FOLDER(files),
        IN_FOLDER(report_of_nan),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
