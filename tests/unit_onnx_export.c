/* Exported models: names, metadata, halves, weights beside the file, refusals, and nothing half-written. */
#include "unit.h"

#include <dirent.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <swell/swell.h>
#include <unistd.h>

static sw_context *ctx;
static sw_graph *g;
static sw_weights *ws;
static char folder[32], path[64];

static int setup(void **state)
{
    snprintf(folder, sizeof folder, "/tmp/onnx_export_XXXXXX");
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
    char data[80];
    snprintf(data, sizeof data, "%s.data", path);
    sw_graph_destroy(g);
    sw_weights_destroy(ws);
    unlink(data);
    unlink(path);
    return 0;
}

/* Files in the folder. */
static int files(void)
{
    int n = 0;
    DIR *d = opendir(folder);
    assert_non_null(d);
    for (struct dirent *e; (e = readdir(d));) n += e->d_name[0] != '.';
    closedir(d);
    return n;
}

static void has_text(const char *why)
{
    if (!strstr(sw_error(ctx), why)) fail_msg("\"%s\" is not in \"%s\"", why, sw_error(ctx));
    assert_null(strchr(sw_error(ctx), '\n'));
}

/* x (4,8) -> relu(x W^T + b) */
static sw_node *layer(sw_node *x)
{
    sw_node *w = sw_param(g, ws, "fc.weight", SW_F32, SW_SHAPE(16, 8), sw_init_uniform(-1, 1));
    sw_node *b = sw_param(g, ws, "fc.bias", SW_F32, SW_SHAPE(16), sw_init_uniform(-1, 1));
    return sw_name(sw_relu(g, sw_linear(g, x, w, b)), "out");
}

static sw_node *input(void)
{
    return sw_input(g, "x", SW_F32, SW_SHAPE(4, 8));
}

static void refused(sw_node *y, sw_status status, const char *why)
{
    assert_int_equal(sw_graph_status(g), SW_OK);
    assert_int_equal(
        sw_onnx_export(g, path, (sw_onnx_export_options){.outputs = &y, .n_outputs = 1}), status);
    has_text(why);
    has_text(path);
    assert_int_equal(files(), 0);
}

/* ---- what is in the file ------------------------------------------------------------------------------ */

static void describes(void **state)
{
    static const char *const pairs[] = {"labels", "[\"cat\",\"d\303\266g\"]", "side", "224", NULL};
    sw_node *y = layer(input());
    sw_onnx *m;
    sw_onnx_export_options o = {.outputs = &y, .n_outputs = 1, .name = "fc", .metadata = pairs};
    assert_int_equal(sw_onnx_export(g, path, o), SW_OK);
    assert_int_equal(sw_onnx_open(ctx, path, &m), SW_OK);
    sw_onnx_info info = sw_onnx_get_info(m);
    assert_int_equal(info.ir_version, 8);
    assert_int_equal(info.opset, 13);
    assert_string_equal(info.producer, "swell");
    assert_string_equal(info.producer_version, sw_version());
    assert_string_equal(info.graph, "fc");
    assert_int_equal(info.nodes, 2);
    assert_int_equal(info.initializers, 2);
    assert_string_equal(sw_onnx_metadata(m, "labels"), pairs[1]);
    assert_string_equal(sw_onnx_metadata(m, "side"), "224");
    sw_onnx_value in = sw_onnx_input(m, 0), out = sw_onnx_output(m, 0);
    assert_string_equal(in.name, "x");
    assert_string_equal(in.symbol[0], "batch");
    assert_int_equal(in.shape.dim[1], 8);
    assert_string_equal(out.name, "out");
    assert_string_equal(out.type, "float");
    assert_int_equal(out.shape.rank, 2);
    assert_string_equal(out.symbol[0], "batch");
    assert_int_equal(out.shape.dim[1], 16);
    sw_onnx_close(m);
    o.fixed_batch = true;
    assert_int_equal(sw_onnx_export(g, path, o), SW_OK);
    assert_int_equal(sw_onnx_open(ctx, path, &m), SW_OK);
    assert_int_equal(sw_onnx_input(m, 0).shape.dim[0], 4);
    assert_int_equal(sw_onnx_output(m, 0).shape.dim[0], 4);
    sw_onnx_close(m);
}

/* Dropout leaves nothing behind; a weight that nothing reads is not written. */
static void leaves_out(void **state)
{
    sw_onnx *m;
    sw_node *y = layer(sw_dropout(g, input(), 0.5f));
    sw_param(g, ws, "unread", SW_F32, SW_SHAPE(3), sw_init_zeros());
    sw_exp(g, y);
    assert_int_equal(
        sw_onnx_export(g, path, (sw_onnx_export_options){.outputs = &y, .n_outputs = 1}), SW_OK);
    assert_int_equal(sw_onnx_open(ctx, path, &m), SW_OK);
    assert_int_equal(sw_onnx_get_info(m).nodes, 2);
    assert_int_equal(sw_onnx_get_info(m).initializers, 2);
    sw_onnx_close(m);
}

/* The weight "fc.weight" of the file, read into a set of its own. */
static void read_weights(sw_weights *set, float w[16 * 8])
{
    sw_onnx *m;
    sw_graph *other;
    sw_plan *p;
    sw_node *in = NULL, *out;
    float x[8 * 8], y[8 * 16];
    assert_int_equal(sw_graph_create(ctx, &other), SW_OK);
    assert_int_equal(sw_onnx_open(ctx, path, &m), SW_OK);
    sw_status status = sw_onnx_build(m, other, set, 8, &in, &out);
    if (status != SW_OK) fail_msg("%s", sw_error(ctx));
    for (int i = 0; i < 64; i++) x[i] = (float)(i % 9 == 0); /* rows of the unit matrix */
    assert_int_equal(sw_compile(other, (sw_plan_options){.outputs = &out, .n_outputs = 1}, &p),
                     SW_OK);
    assert_int_equal(sw_bind(p, in, x, SW_SHAPE(8, 8)), SW_OK);
    assert_int_equal(sw_run(p), SW_OK);
    memcpy(y, sw_plan_tensor(p, out).data, sizeof y);
    for (int r = 0; r < 16; r++)
        for (int c = 0; c < 8; c++) w[r * 8 + c] = y[c * 16 + r];
    sw_plan_destroy(p);
    sw_graph_destroy(other);
    sw_onnx_close(m);
}

/* y = x W^T without bias or relu: what it gives for unit vectors is W. */
static sw_node *product(void)
{
    return sw_linear(g, input(),
                     sw_param(g, ws, "fc.weight", SW_F32, SW_SHAPE(16, 8), sw_init_uniform(-1, 1)),
                     NULL);
}

static void halves(void **state)
{
    float w[128];
    uint16_t half;
    float back;
    struct stat whole, small;
    sw_weights *set;
    sw_node *y = product();
    sw_onnx_export_options o = {.outputs = &y, .n_outputs = 1};
    assert_int_equal(sw_onnx_export(g, path, o), SW_OK);
    assert_int_equal(stat(path, &whole), 0);
    o.half = true;
    assert_int_equal(sw_onnx_export(g, path, o), SW_OK);
    assert_int_equal(stat(path, &small), 0);
    assert_true(small.st_size < whole.st_size - 128);
    assert_int_equal(sw_weights_create(ctx, &set), SW_OK);
    read_weights(set, w);
    sw_weights_destroy(set);
    float *from = sw_weight_tensor(sw_weights_find(ws, "fc.weight")).data;
    for (int i = 0; i < 128; i++) {
        sw_convert(&half, SW_F16, &from[i], SW_F32, 1);
        sw_convert(&back, SW_F32, &half, SW_F16, 1);
        assert_true(w[i] == back);
    }
    from[5] = 1e6f;
    unlink(path);
    assert_int_equal(sw_onnx_export(g, path, o), SW_ERR_UNSUPPORTED);
    has_text("'fc.weight' holds 1e+06, which is beyond f16");
    assert_int_equal(files(), 0);
}

/* Above the limit the weights go beside the model, and it still reads. */
static void external(void **state)
{
    float w[128];
    char data[80];
    struct stat s;
    sw_weights *set;
    sw_node *y = product();
    sw_onnx_export_options o = {.outputs = &y, .n_outputs = 1, .external_bytes = 100};
    float *from = sw_weight_tensor(sw_weights_find(ws, "fc.weight")).data;
    snprintf(data, sizeof data, "%s.data", path);
    assert_int_equal(sw_onnx_export(g, path, o), SW_OK);
    assert_int_equal(files(), 1); /* 512 bytes stay: too small to move */
    unlink(path);
    sw_node *z = sw_matmul(g, y, sw_param(g, ws, "wide", SW_F32, SW_SHAPE(16, 400), sw_init_ones()),
                           (sw_matmul_options){0});
    sw_node *both[] = {y, z};
    o.outputs = both;
    o.n_outputs = 2;
    assert_int_equal(sw_onnx_export(g, path, o), SW_OK);
    assert_int_equal(files(), 2);
    assert_int_equal(stat(data, &s), 0);
    assert_int_equal(s.st_size, 16 * 400 * 4);
    o.n_outputs = 1;
    o.outputs = both + 1;
    assert_int_equal(sw_onnx_export(g, path, o), SW_OK);
    assert_int_equal(sw_weights_create(ctx, &set), SW_OK);
    sw_onnx *m;
    sw_graph *other;
    sw_node *in = NULL, *out;
    assert_int_equal(sw_graph_create(ctx, &other), SW_OK);
    assert_int_equal(sw_onnx_open(ctx, path, &m), SW_OK);
    if (sw_onnx_build(m, other, set, 8, &in, &out) != SW_OK) fail_msg("%s", sw_error(ctx));
    sw_onnx_close(m);
    const float *wide = sw_weight_tensor(sw_weights_find(set, "wide")).data;
    for (int i = 0; i < 6400; i++) assert_true(wide[i] == 1);
    const float *w2 = sw_weight_tensor(sw_weights_find(set, "fc.weight")).data;
    assert_memory_equal(w2, from, sizeof w);
    sw_graph_destroy(other);
    sw_weights_destroy(set);
}

/* ---- refusals -------------------------------------------------------------------------------------------- */

static void refuses_ops(void **state)
{
    sw_node *x = input();
    refused(sw_name(sw_rmsnorm(g, x, NULL, 0), "norm"), SW_ERR_UNSUPPORTED,
            "rmsnorm 'norm': this op has no form in ONNX");
    sw_node *w = sw_param(g, ws, "q.weight", SW_Q8_0, SW_SHAPE(16, 32), sw_init_zeros());
    sw_node *wide = sw_input(g, "wide", SW_F32, SW_SHAPE(4, 32));
    refused(sw_linear(g, wide, w, NULL), SW_ERR_UNSUPPORTED,
            "'q.weight' is q8_0, which ONNX has not");
    sw_node *norm = sw_layernorm(g, x, NULL, NULL, 0);
    refused(sw_add(g, sw_output(norm, 1), sw_scalar(g, 0)), SW_ERR_UNSUPPORTED,
            "layernorm '': result 1 has no form in ONNX");
    refused(sw_relu(g, sw_reshape(g, x, SW_SHAPE(32))), SW_ERR_SHAPE,
            "the batch cannot stay open: reshape: (5,8) -> (32)");
}

static void refuses_options(void **state)
{
    static const char *const pairs[] = {"labels", "\xff", NULL};
    sw_graph *other;
    sw_node *y = layer(input()), *none = NULL;
    sw_onnx_export_options o = {.outputs = &y, .n_outputs = 1, .metadata = pairs};
    assert_int_equal(sw_onnx_export(g, path, o), SW_ERR_ARGUMENT);
    has_text("metadata 'labels' is no text");
    assert_int_equal(sw_onnx_export(g, path, (sw_onnx_export_options){0}), SW_ERR_ARGUMENT);
    has_text("no outputs");
    assert_int_equal(
        sw_onnx_export(g, path, (sw_onnx_export_options){.outputs = &none, .n_outputs = 1}),
        SW_ERR_ARGUMENT);
    assert_int_equal(sw_graph_create(ctx, &other), SW_OK);
    assert_int_equal(
        sw_onnx_export(other, path, (sw_onnx_export_options){.outputs = &y, .n_outputs = 1}),
        SW_ERR_ARGUMENT);
    has_text("output 0 is no value of the graph");
    sw_graph_destroy(other);
    o.metadata = NULL;
    assert_int_equal(sw_onnx_export(g, "/nowhere/m.onnx", o), SW_ERR_IO);
    has_text("/nowhere/m.onnx: cannot write: No such file");
    assert_int_equal(files(), 0);
    sw_reshape(g, y, SW_SHAPE(3)); /* poisons */
    assert_int_equal(sw_onnx_export(g, path, o), SW_ERR_SHAPE);
    assert_int_equal(files(), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(describes, start, stop),
        cmocka_unit_test_setup_teardown(leaves_out, start, stop),
        cmocka_unit_test_setup_teardown(halves, start, stop),
        cmocka_unit_test_setup_teardown(external, start, stop),
        cmocka_unit_test_setup_teardown(refuses_ops, start, stop),
        cmocka_unit_test_setup_teardown(refuses_options, start, stop),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
