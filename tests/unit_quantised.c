/* Quantised networks: a graph that says in floats what is meant in bytes, written as ONNX, comes back as layers
 * on bytes that give the same numbers.
 *
 * The graph itself is the oracle: it computes with dequantised numbers in f32 and rounds at QuantizeLinear.
 * There a result may fall on the other side of a tie, so bytes may differ by one. */
#include "unit.h"

#include <math.h>
#include <swell/swell.h>
#include <unistd.h>

static sw_context *ctx;

static int setup(void **state)
{
    return sw_context_create(&(sw_context_options){.threads = 2}, &ctx) == SW_OK ? 0 : -1;
}

static int teardown(void **state)
{
    sw_context_destroy(ctx);
    return 0;
}

enum { BATCH = 3, MOST = 16 };

/* A network under construction; what is quantised is an output too. */
struct net {
    sw_graph *g;
    sw_weights *ws;
    sw_node *in, *out[MOST];
    float step[MOST];
    int n, n_weights;
    uint32_t random;
    sw_dtype bytes; /* of activations */
};

static int random_below(struct net *t, int n)
{
    t->random = t->random * 1664525u + 1013904223u;
    return (int)(t->random >> 8) % n;
}

static sw_node *zero_of(struct net *t, int zero)
{
    const int8_t s = (int8_t)(zero - 128);
    const uint8_t u = (uint8_t)zero;
    return t->bytes == SW_I8 ? sw_const(t->g, SW_I8, (sw_shape){0}, &s)
                             : sw_const(t->g, SW_U8, (sw_shape){0}, &u);
}

static sw_node *quantised(struct net *t, sw_node *x, float scale, int zero)
{
    sw_node *s = sw_scalar(t->g, scale), *z = zero_of(t, zero);
    return sw_dequantise(t->g, sw_quantise(t->g, x, s, z, 0, t->bytes), s, z, 0);
}

/* The same, tapped. */
static sw_node *tap(struct net *t, sw_node *x, float scale, int zero)
{
    t->step[t->n] = scale;
    return t->out[t->n++] = quantised(t, x, scale, zero);
}

/* A weight of bytes of magnitude about 1 / sqrt(products). */
static sw_node *weight(struct net *t, sw_shape shape, int axis)
{
    int8_t data[6000];
    float scale[64];
    char name[16];
    sw_weight *w;
    int64_t n = sw_shape_elements(&shape), o = shape.dim[axis];
    assert_true(n <= 6000 && o <= 64);
    for (int64_t i = 0; i < n; i++) data[i] = (int8_t)(random_below(t, 255) - 127);
    for (int64_t i = 0; i < o; i++)
        scale[i] = (1 + (float)random_below(t, 100) / 100) / 100 / sqrtf((float)(n / o));
    snprintf(name, sizeof name, "w%d", t->n_weights++);
    assert_int_equal(sw_weights_add(t->ws, name, SW_I8, shape, &w), SW_OK);
    assert_int_equal(sw_weight_set(w, data, (size_t)n), SW_OK);
    return sw_dequantise(t->g, sw_param(t->g, t->ws, name, SW_I8, shape, sw_init_zeros()),
                         sw_const(t->g, SW_F32, (sw_shape){1, {o}}, scale), NULL, axis);
}

static sw_node *bias(struct net *t, int64_t n)
{
    float b[64];
    for (int64_t i = 0; i < n; i++) b[i] = (float)(random_below(t, 200) - 100) / 400;
    return sw_const(t->g, SW_F32, (sw_shape){1, {n}}, b);
}

static sw_node *conv(struct net *t, sw_node *x, sw_shape w, sw_conv_options o)
{
    return sw_conv2d(t->g, x, weight(t, w, 0), bias(t, w.dim[0]), o);
}

/* One of everything that importers know. */
static void build(struct net *t)
{
    sw_graph *g = t->g;
    t->in = sw_input(g, "x", SW_F32, SW_SHAPE(BATCH, 3, 23, 23));
    sw_node *x = quantised(t, t->in, 1.f / 64, 128);
    x = sw_relu(g, conv(t, x, SW_SHAPE(16, 3, 5, 5), (sw_conv_options){.stride = {2, 2}}));
    x = tap(t, x, 1.f / 100, 0);
    x = tap(t, sw_lrn(g, x, (sw_lrn_options){5, 1, 0.2f, 0.75f}), 1.f / 120, 0);
    x = tap(t, sw_max_pool2d(g, x, (sw_pool_options){.kernel = {3, 3}, .stride = {2, 2}}),
            1.f / 120, 0);
    x = conv(t, x, SW_SHAPE(24, 8, 3, 3), (sw_conv_options){.pad = {1, 1, 1, 1}, .groups = 2});
    sw_node *left = tap(t, sw_clip(g, x, -1, 1.5f), 0.02f, 70);
    sw_node *right = tap(t, conv(t, left, SW_SHAPE(24, 24, 1, 1), (sw_conv_options){0}), 0.0153f,
                         130);
    x = tap(t, sw_relu(g, sw_add(g, left, right)), 0.0207f, 3);
    x = tap(t, sw_concat(g, (sw_node *[]){x, right}, 2, 1), 0.0301f, 60);
    x = tap(t, sw_relu(g, x), 0.0313f, 0);
    sw_node *mean = tap(
        t, sw_avg_pool2d(g, x, (sw_pool_options){.kernel = {2, 2}, .pad = {1, 1, 0, 0}}), 0.0117f,
        0);
    sw_node *flat = sw_flatten(g, mean, 1, 3);
    flat = sw_relu(g, sw_linear(g, flat, weight(t, SW_SHAPE(20, 48 * 4), 0), bias(t, 20)));
    flat = tap(t, flat, 0.01f, 0);
    t->step[t->n] =
        0.02f; /* no bytes at the end: three that differ by 0.01 times weights below 0.6 */
    t->out[t->n++] = sw_linear(g, flat, weight(t, SW_SHAPE(10, 20), 0), bias(t, 10));
}

static void write_text(void *user, const char *text, size_t size)
{
    char *to = user;
    strncat(to, text, size < 60000 - strlen(to) ? size : 0);
}

/* Outputs one behind the other; which ops the plan has. */
static void compute(sw_graph *g, sw_node *in, sw_node **out, int n, float *y, char *text)
{
    float x[BATCH * 3 * 23 * 23];
    sw_plan *p;
    for (int i = 0; i < BATCH * 3 * 23 * 23; i++) x[i] = (float)(i * 7919 % 257) / 64 - 2;
    assert_int_equal(sw_compile(g, (sw_plan_options){.outputs = out, .n_outputs = n}, &p), SW_OK);
    assert_int_equal(sw_bind(p, in, x, SW_SHAPE(BATCH, 3, 23, 23)), SW_OK);
    assert_int_equal(sw_run(p), SW_OK);
    for (int i = 0; i < n; i++) {
        const sw_tensor t = sw_plan_tensor(p, out[i]);
        memcpy(y, t.data, (size_t)sw_shape_elements(&t.shape) * sizeof *y);
        y += sw_shape_elements(&t.shape);
    }
    *text = 0;
    sw_plan_describe(p, write_text, text);
    sw_plan_destroy(p);
}

static bool has_op(const char *text, const char *op)
{
    const size_t n = strlen(op);
    for (const char *at = text; (at = strstr(at, op)); at += n)
        if ((at == text || at[-1] == ' ' || at[-1] == '\n') && (at[n] == ' ' || at[n] == '+'))
            return true;
    return false;
}

/* The network of t from a file, by the importer. */
static void import(const struct net *t, const char *path, float *y, char *text)
{
    sw_onnx *m;
    sw_graph *g;
    sw_weights *ws;
    sw_node *in[1] = {NULL}, *out[MOST];
    assert_int_equal(sw_onnx_open(ctx, path, &m), SW_OK);
    assert_int_equal(sw_graph_create(ctx, &g), SW_OK);
    assert_int_equal(sw_weights_create(ctx, &ws), SW_OK);
    if (sw_onnx_build(m, g, ws, BATCH, in, out) != SW_OK) fail_msg("%s", sw_error(ctx));
    compute(g, in[0], out, t->n, y, text);
    sw_graph_destroy(g);
    sw_weights_destroy(ws);
    sw_onnx_close(m);
}

/* Build the network and write it. */
static void write_network(struct net *t, const char *path)
{
    assert_int_equal(sw_graph_create(ctx, &t->g), SW_OK);
    assert_int_equal(sw_weights_create(ctx, &t->ws), SW_OK);
    build(t);
    sw_status status = sw_graph_status(t->g);
    if (status == SW_OK)
        status = sw_onnx_export(t->g, path,
                                (sw_onnx_export_options){.outputs = t->out, .n_outputs = t->n});
    if (status != SW_OK) fail_msg("%s", sw_error(ctx));
}

static void close_network(struct net *t)
{
    sw_graph_destroy(t->g);
    sw_weights_destroy(t->ws);
}

static void check_network(sw_dtype bytes)
{
    static float want[40000], got[40000];
    static char text[60001];
    char path[] = "/tmp/unit_quantised_XXXXXX";
    struct net t = {.random = 7, .bytes = bytes};
    const int file = mkstemp(path);
    assert_true(file >= 0);
    close(file);
    write_network(&t, path);
    compute(t.g, t.in, t.out, t.n, want, text);
    assert_true(has_op(text, "conv2d"));
    import(&t, path, got, text);
    unlink(path);
    static const char *const layers[] = {"conv2d_u8", "lrn_u8",   "max_pool2d_u8", "avg_pool2d_u8",
                                         "add_u8",    "table_u8", "concat"};
    static const char *const floats[] = {"conv2d", "lrn",    "max_pool2d", "avg_pool2d",
                                         "add",    "matmul", "relu"};
    for (size_t i = 0; i < sizeof layers / sizeof *layers; i++)
        if (!has_op(text, layers[i])) fail_msg("no %s in\n%s", layers[i], text);
    for (size_t i = 0; i < sizeof floats / sizeof *floats; i++)
        if (has_op(text, floats[i])) fail_msg("%s in\n%s", floats[i], text);
    const float *a = want, *b = got;
    for (int k = 0; k < t.n; k++) {
        const sw_shape shape = sw_node_shape(t.out[k]);
        int64_t n = sw_shape_elements(&shape), other = 0;
        float least = INFINITY, most = -INFINITY;
        for (int64_t i = 0; i < n; i++) {
            if (!(fabsf(a[i] - b[i]) <= 1.001f * t.step[k]))
                fail_msg("output %d at %d: %g, not %g", k, (int)i, (double)b[i], (double)a[i]);
            other += fabsf(a[i] - b[i]) > 0.5f * t.step[k];
            least = fminf(least, a[i]), most = fmaxf(most, a[i]);
        }
        assert_true(most - least >
                    (k < t.n - 1 ? 30 : 3) * t.step[k]); /* the numbers say something */
        assert_true(other * 20 <= n);
        a += n, b += n;
    }
    close_network(&t);
}

static void unsigned_bytes(void **state)
{
    check_network(SW_U8);
}

static void signed_bytes(void **state)
{
    check_network(SW_I8);
}

static const char *where;

static void write_file(void **state)
{
    struct net t = {.random = 7, .bytes = SW_U8};
    write_network(&t, where);
    close_network(&t);
}

/* With a path: write the network there, for other engines. */
int main(int argc, char **argv)
{
    const struct CMUnitTest write[] = {
        cmocka_unit_test_setup_teardown(write_file, setup, teardown)};
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(unsigned_bytes, setup, teardown),
        cmocka_unit_test_setup_teardown(signed_bytes, setup, teardown)};
    if (argc < 2) return cmocka_run_group_tests(tests, NULL, NULL);
    where = argv[1];
    return cmocka_run_group_tests(write, NULL, NULL);
}
