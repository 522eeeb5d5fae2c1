/* Norms, softmax and losses together: a plan run with fewer pictures than declared gives the bits of
 * a plan made for that many, gradients and running statistics included; bad labels are named; and
 * hard Gumbel samples have the frequencies of the softmax. */
#include "unit.h"

#include <math.h>
#include <swell/swell.h>

enum { CHANNELS = 6, PIXELS = 10, CLASSES = CHANNELS * PIXELS, RESULTS = 5 };

/* A small network with everything in it, trained on `pictures` out of at most `most`. */
struct network {
    sw_context *ctx;
    sw_weights *ws;
    sw_graph *g;
    sw_plan *p;
    sw_node *x, *labels, *result[RESULTS]; /* loss, dx, dgamma, dbeta, drms */
};

static void network_create(struct network *n, int64_t most, int threads)
{
    assert_int_equal(sw_context_create(&(sw_context_options){.threads = threads}, &n->ctx), SW_OK);
    assert_int_equal(sw_weights_create(n->ctx, &n->ws), SW_OK);
    assert_int_equal(sw_graph_create(n->ctx, &n->g), SW_OK);
    sw_graph *g = n->g;
    sw_shape c = SW_SHAPE(CHANNELS);
    n->x = sw_input(g, "x", SW_F32, SW_SHAPE(most, CHANNELS, PIXELS));
    n->labels = sw_input(g, "labels", SW_I32, SW_SHAPE(most));
    sw_node *gamma = sw_param(g, n->ws, "gamma", SW_F32, c, sw_init_uniform(0.5f, 1.5f));
    sw_node *beta = sw_param(g, n->ws, "beta", SW_F32, c, sw_init_uniform(-1, 1));
    sw_node *rms = sw_param(g, n->ws, "rms", SW_F32, SW_SHAPE(PIXELS), sw_init_uniform(0.5f, 1.5f));
    sw_node *mean = sw_state(g, n->ws, "mean", SW_F32, c, sw_init_zeros());
    sw_node *variance = sw_state(g, n->ws, "variance", SW_F32, c, sw_init_ones());

    sw_node *y = sw_batchnorm(g, n->x, gamma, beta, mean, variance,
                              (sw_batchnorm_options){.training = true});
    y = sw_add(g, y, sw_groupnorm(g, n->x, gamma, NULL, 2, 0));
    y = sw_lrn(g, y, (sw_lrn_options){.size = 3, .k = 1, .alpha = 0.1f, .beta = 0.75f});
    y = sw_add(g, y, sw_softmax(g, y, 1));
    y = sw_rmsnorm(g, sw_layernorm(g, y, NULL, NULL, 0), rms, 0);
    y = sw_flatten(g, y, 1, 2);
    sw_node *loss = sw_cross_entropy(
        g, y, n->labels,
        (sw_cross_entropy_options){.label_smoothing = 0.1f, .ignore = true, .ignore_label = -1});
    sw_node *wrt[] = {n->x, gamma, beta, rms};
    n->result[0] = loss;
    assert_int_equal(sw_grad(g, loss, wrt, 4, n->result + 1), SW_OK);
    sw_plan_options o = {.outputs = n->result, .n_outputs = RESULTS, .check_nan = true};
    assert_int_equal(sw_compile(g, o, &n->p), SW_OK);
}

static void network_destroy(struct network *n)
{
    sw_plan_destroy(n->p);
    sw_graph_destroy(n->g);
    sw_weights_destroy(n->ws);
    sw_context_destroy(n->ctx);
}

static void network_bind(struct network *n, float *x, int32_t *labels, int64_t pictures)
{
    assert_int_equal(sw_bind(n->p, n->x, x, SW_SHAPE(pictures, CHANNELS, PIXELS)), SW_OK);
    assert_int_equal(sw_bind(n->p, n->labels, labels, SW_SHAPE(pictures)), SW_OK);
}

static void same(sw_tensor a, sw_tensor b)
{
    assert_true(sw_shape_equal(&a.shape, &b.shape));
    assert_memory_equal(a.data, b.data, (size_t)sw_shape_bytes(&a.shape, a.dtype));
}

static void fewer_pictures(void **state)
{
    enum { MOST = 40 };
    static float x[MOST * CLASSES];
    static int32_t labels[MOST];
    struct network large;
    for (int i = 0; i < MOST * CLASSES; i++) x[i] = sinf((float)i * 1.7f) + (float)(i % 7);
    for (int i = 0; i < MOST; i++) labels[i] = i % 5 == 3 ? -1 : i * 11 % CLASSES;
    network_create(&large, MOST, 3);
    for (int64_t pictures = MOST; pictures >= 1; pictures -= 13) {
        struct network exact;
        network_create(&exact, pictures, 1);
        network_bind(&large, x, labels, pictures);
        network_bind(&exact, x, labels, pictures);
        float mean[CHANNELS] = {0}, variance[CHANNELS] = {1, 1, 1, 1, 1, 1};
        sw_weight_set(sw_weights_find(large.ws, "mean"), mean, sizeof mean);
        sw_weight_set(sw_weights_find(large.ws, "variance"), variance, sizeof variance);
        assert_int_equal(sw_run(large.p), SW_OK);
        assert_int_equal(sw_run(exact.p), SW_OK);
        for (int i = 0; i < RESULTS; i++)
            same(sw_plan_tensor(large.p, large.result[i]),
                 sw_plan_tensor(exact.p, exact.result[i]));
        for (int i = 0; i < 2; i++) {
            const char *name = i ? "variance" : "mean";
            same(sw_weight_tensor(sw_weights_find(large.ws, name)),
                 sw_weight_tensor(sw_weights_find(exact.ws, name)));
        }
        network_destroy(&exact);
    }
    network_destroy(&large);
}

static void bad_label(void **state)
{
    static float x[2 * CLASSES];
    int32_t labels[] = {3, CLASSES};
    struct network n;
    for (int i = 0; i < 2 * CLASSES; i++) x[i] = sinf((float)i);
    network_create(&n, 2, 1);
    network_bind(&n, x, labels, 2);
    assert_int_equal(sw_run(n.p), SW_ERR_NAN);
    assert_non_null(strstr(sw_error(n.ctx), "cross_entropy"));
    labels[1] = -1;
    assert_int_equal(sw_run(n.p), SW_OK);
    network_destroy(&n);
}

/* 20000 samples of four classes: each count within five standard deviations.  The seed is fixed. */
static void samples(void **state)
{
    enum { ROWS = 20000, N = 4 };
    const double p[N] = {0.1, 0.2, 0.3, 0.4};
    static float logits[ROWS * N], before[ROWS * N];
    sw_context *ctx;
    sw_graph *g;
    sw_plan *plan;
    for (int i = 0; i < ROWS * N; i++) logits[i] = (float)log(p[i % N]) + 3;
    sw_context_create(&(sw_context_options){.threads = 2}, &ctx);
    sw_graph_create(ctx, &g);
    sw_node *x = sw_input(g, "x", SW_F32, SW_SHAPE(ROWS, N));
    sw_node *y = sw_gumbel_softmax(g, x, 0.5f, true);
    assert_int_equal(sw_compile(g, (sw_plan_options){.outputs = &y, .n_outputs = 1}, &plan), SW_OK);
    sw_bind(plan, x, logits, SW_SHAPE(ROWS, N));
    for (uint64_t step = 0; step < 3; step++) {
        double count[N] = {0};
        sw_plan_seed(plan, 42, step);
        assert_int_equal(sw_run(plan), SW_OK);
        const float *one_hot = sw_plan_tensor(plan, y).data;
        for (int i = 0; i < ROWS * N; i++) count[i % N] += (double)one_hot[i];
        for (int i = 0; i < N; i++)
            assert_true(fabs(count[i] - ROWS * p[i]) < 5 * sqrt(ROWS * p[i] * (1 - p[i])));
        assert_memory_not_equal(one_hot, before, sizeof before); /* other noise in another step */
        memcpy(before, one_hot, sizeof before);
    }
    assert_int_equal(sw_run(plan), SW_OK); /* the same step again: the same samples */
    assert_memory_equal(sw_plan_tensor(plan, y).data, before, sizeof before);
    sw_plan_destroy(plan);
    sw_graph_destroy(g);
    sw_context_destroy(ctx);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(fewer_pictures),
        cmocka_unit_test(bad_label),
        cmocka_unit_test(samples),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
