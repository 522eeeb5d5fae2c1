/* Networks to bytes: what is rounded and what stays, how near the outputs are, refusals. */
#include "unit.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <swell/swell.h>
#include <unistd.h>

static sw_context *ctx;
static sw_graph *g;
static sw_weights *ws;
static char folder[32], path[64];

enum { SAMPLES = 12, SIDE = 12, EACH = 3 * SIDE * SIDE };
static float samples[SAMPLES * EACH];

static int setup(void **state)
{
    uint32_t seed = 1;
    for (int i = 0; i < SAMPLES * EACH; i++) {
        seed = seed * 1664525 + 1013904223;
        samples[i] = (float)(seed >> 8) / (1 << 22) - 2;
    }
    snprintf(folder, sizeof folder, "/tmp/onnx_bytes_XXXXXX");
    if (!mkdtemp(folder)) return -1;
    snprintf(path, sizeof path, "%s/m.onnx", folder);
    return sw_context_create(&(sw_context_options){.threads = 1}, &ctx) == SW_OK ? 0 : -1;
}

static int teardown(void **state)
{
    sw_context_destroy(ctx);
    return rmdir(folder);
}

static int start(void **state)
{
    return sw_graph_create(ctx, &g) == SW_OK && sw_weights_create(ctx, &ws) == SW_OK ? 0 : -1;
}

static int stop(void **state)
{
    sw_graph_destroy(g);
    sw_weights_destroy(ws);
    unlink(path);
    return 0;
}

static void has_text(const char *why)
{
    if (!strstr(sw_error(ctx), why)) fail_msg("\"%s\" is not in \"%s\"", why, sw_error(ctx));
    assert_null(strchr(sw_error(ctx), '\n'));
}

static sw_node *weight(const char *name, sw_shape shape, int64_t fan_in)
{
    return sw_param(g, ws, name, SW_F32, shape, sw_init_he(fan_in));
}

static sw_node *conv(sw_node *x, const char *name, int64_t from, int64_t to)
{
    char w[32], b[32];
    snprintf(w, sizeof w, "%s.weight", name);
    snprintf(b, sizeof b, "%s.bias", name);
    return sw_conv2d(g, x, weight(w, SW_SHAPE(to, from, 3, 3), 9 * from),
                     weight(b, SW_SHAPE(to), 20), (sw_conv_options){.pad = {1, 1, 1, 1}});
}

/* Convolution, normalisation, a residual block, LRN, pooling, concatenation, a linear layer. */
static sw_node *network(sw_node *x)
{
    sw_node *mean = sw_state(g, ws, "mean", SW_F32, SW_SHAPE(8), sw_init_constant(0.2f));
    sw_node *variance = sw_state(g, ws, "variance", SW_F32, SW_SHAPE(8), sw_init_constant(1.5f));
    x = sw_batchnorm(g, conv(x, "a", 3, 8), NULL, NULL, mean, variance, (sw_batchnorm_options){0});
    x = sw_relu(g, x);
    x = sw_relu(g, sw_add(g, x, conv(x, "b", 8, 8)));
    x = sw_lrn(g, x, (sw_lrn_options){5, 2, 1e-4f, 0.75f});
    x = sw_max_pool2d(g, x, (sw_pool_options){.kernel = {3, 3}, .stride = {2, 2}});
    sw_node *both[] = {x, sw_relu(g, conv(x, "c", 8, 8))};
    x = sw_flatten(g, sw_global_avg_pool2d(g, sw_concat(g, both, 2, 1)), 1, 3);
    return sw_softmax(g, sw_linear(g, x, weight("fc.weight", SW_SHAPE(10, 16), 16), NULL), 1);
}

static sw_node *input(void)
{
    return sw_input(g, "x", SW_F32, SW_SHAPE(2, 3, SIDE, SIDE));
}

static sw_status quantise(sw_node *x, sw_node *y, sw_onnx_range range, double agreement,
                          sw_onnx_quantise_report *report)
{
    const sw_onnx_quantise_options q = {.input = x,
                                        .samples = samples,
                                        .n_samples = SAMPLES,
                                        .range = range,
                                        .agreement = agreement};
    return sw_onnx_quantise(g, path, (sw_onnx_export_options){.outputs = &y, .n_outputs = 1}, &q,
                            report);
}

/* All layers go to bytes; the file holds their weights in a quarter of the bytes. */
static void rounds(void **state)
{
    sw_onnx_quantise_report r;
    sw_onnx *m;
    sw_node *x = input(), *y = network(x);
    for (int range = 0; range < 3; range++) {
        if (quantise(x, y, (sw_onnx_range)range, 0, &r) != SW_OK) fail_msg("%s", sw_error(ctx));
        assert_int_equal(r.layers, 4);
        assert_int_equal(r.whole, 0);
        /* Of eight bits: about 40 dB a layer, the sum of four; clipping on few samples costs some. */
        assert_true(r.noise < 0.01);
        assert_int_equal(sw_onnx_open(ctx, path, &m), SW_OK);
        assert_string_equal(sw_onnx_input(m, 0).symbol[0], "batch");
        assert_int_equal(sw_onnx_input(m, 0).shape.dim[2], SIDE);
        sw_onnx_close(m);
    }
}

/* An agreement that bytes cannot give: everything stays f32, and gives it. */
static void keeps(void **state)
{
    sw_onnx_quantise_report r;
    sw_node *x = input(), *y = network(x);
    if (quantise(x, y, SW_RANGE_LEAST_ERROR, 1.5, &r) != SW_OK) fail_msg("%s", sw_error(ctx));
    assert_int_equal(r.whole, r.layers);
    assert_true(r.agreement == 1);
    assert_true(r.noise < 1e-9);
}

/* A channel without weights has only its bias, which still fits. */
static void empty_channel(void **state)
{
    sw_onnx_quantise_report r;
    sw_node *x = input(), *y = network(x);
    float *w = sw_weight_tensor(sw_weights_find(ws, "c.weight")).data;
    float *b = sw_weight_tensor(sw_weights_find(ws, "c.bias")).data;
    memset(w, 0, 8 * 9 * sizeof *w);
    b[0] = 1000;
    if (quantise(x, y, SW_RANGE_EXTREMES, 0, &r) != SW_OK) fail_msg("%s", sw_error(ctx));
    assert_true(r.agreement > 0.8);
}

static void refuses(void **state)
{
    sw_node *x = input(), *y = network(x);
    sw_node *z = sw_mean(g, sw_relu(g, x), (sw_reduce_options){.axes = {1, 2, 3}, .n_axes = 3});
    assert_int_equal(quantise(x, z, SW_RANGE_LEAST_ERROR, 0, NULL), SW_ERR_UNSUPPORTED);
    has_text("no convolution or product with a constant weight to quantise");
    assert_int_equal(quantise(NULL, y, SW_RANGE_LEAST_ERROR, 0, NULL), SW_ERR_ARGUMENT);
    has_text("to quantise needs one input");
    const float keep = samples[7];
    samples[7] = NAN;
    assert_int_equal(quantise(x, y, SW_RANGE_LEAST_ERROR, 0, NULL), SW_ERR_NAN);
    has_text("a value is not finite on these samples");
    samples[7] = keep;
    sw_node *two = sw_add(g, y, sw_input(g, "other", SW_F32, SW_SHAPE(2, 10)));
    assert_int_equal(quantise(x, two, SW_RANGE_LEAST_ERROR, 0, NULL), SW_ERR_UNSUPPORTED);
    has_text("2 inputs; one can be quantised");
    assert_int_equal(access(path, F_OK), -1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(rounds, start, stop),
        cmocka_unit_test_setup_teardown(keeps, start, stop),
        cmocka_unit_test_setup_teardown(empty_channel, start, stop),
        cmocka_unit_test_setup_teardown(refuses, start, stop),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
