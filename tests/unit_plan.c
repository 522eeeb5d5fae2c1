/* The plan: lifetimes never overlap in memory, fusion, sizes at run time, sharing, reports. */
#include "unit.h"

#include <math.h>
#include <jansson.h>
#include <swell/swell.h>
#include "graph/plan_int.h"

struct fixture {
    sw_context *ctx;
    sw_weights *ws;
    sw_graph *g;
};

static int setup(void **state)
{
    struct fixture *f = calloc(1, sizeof *f);
    assert_int_equal(sw_context_create(&(sw_context_options){.threads = 2}, &f->ctx), SW_OK);
    assert_int_equal(sw_weights_create(f->ctx, &f->ws), SW_OK);
    assert_int_equal(sw_graph_create(f->ctx, &f->g), SW_OK);
    *state = f;
    return 0;
}

static int teardown(void **state)
{
    struct fixture *f = *state;
    sw_graph_destroy(f->g);
    sw_weights_destroy(f->ws);
    sw_context_destroy(f->ctx);
    free(f);
    return 0;
}

static sw_plan *compile(struct fixture *f, sw_node **outputs, int n, sw_plan_options o)
{
    sw_plan *p = NULL;
    o.outputs = outputs;
    o.n_outputs = n;
    if (sw_compile(f->g, o, &p) != SW_OK) fail_msg("%s", sw_error(f->ctx));
    return p;
}

static sw_node *layer(struct fixture *f, sw_node *x, const char *name, int64_t n)
{
    char w[32], b[32];
    int64_t k = sw_node_shape(x).dim[sw_node_shape(x).rank - 1];
    snprintf(w, sizeof w, "%s.weight", name);
    snprintf(b, sizeof b, "%s.bias", name);
    return sw_linear(f->g, x, sw_param(f->g, f->ws, w, SW_F32, SW_SHAPE(n, k), sw_init_he(k)),
                     sw_param(f->g, f->ws, b, SW_F32, SW_SHAPE(n), sw_init_normal(0, 1)));
}

/* The network that most tests use: 8 -> 16 -> 16 -> 4, with a residual. */
static sw_node *network(struct fixture *f, sw_node *x)
{
    sw_node *h = sw_relu(f->g, layer(f, x, "a", 16));
    h = sw_add(f->g, h, sw_relu(f->g, layer(f, h, "b", 16)));
    return layer(f, h, "c", 4);
}

/* Two roots, or a root and a workspace, that live at the same step must not share a byte; and
 * everything lies inside the buffer. */
static void assert_no_overlap(const sw_plan *p)
{
    for (int64_t i = 0; i < p->n_values; i++) {
        const struct sw_value *a = &p->values[i];
        if (a->place != SW_PLACE_BUFFER || a->root != i || a->first < 0) continue;
        assert_true(a->offset >= 0 && a->offset + a->bytes <= p->buffer_bytes);
        assert_int_equal(a->offset % SW_ALIGN, 0);
        for (int64_t j = 0; j < i; j++) {
            const struct sw_value *b = &p->values[j];
            if (b->place != SW_PLACE_BUFFER || b->root != j || b->first < 0) continue;
            bool together = a->first <= b->last && b->first <= a->last;
            bool apart = a->offset + a->bytes <= b->offset || b->offset + b->bytes <= a->offset;
            assert_true(!together || apart);
        }
        for (int s = 0; s < p->n_steps; s++)
            if (p->ws_bytes[s] && a->first <= s && s <= a->last)
                assert_true(a->offset + a->bytes <= p->ws_offset[s] ||
                            p->ws_offset[s] + p->ws_bytes[s] <= a->offset);
    }
}

/* ---- layout -------------------------------------------------------------------------------------- */

static void alexnet_buffer(void **state)
{
    struct fixture *f = *state;
    sw_node *x = sw_input(f->g, "images", SW_F32, SW_SHAPE(1, 3, 227, 227));
    sw_node *y = sw_image_network_find("alexnet")->logits(f->g, f->ws, x, &(sw_image_options){0});
    int64_t parameters = 0;
    sw_plan *p = compile(f, &y, 1, (sw_plan_options){.name = "alexnet"});
    sw_plan_stats s = sw_plan_get_stats(p);
    for (int64_t i = 0; i < sw_weights_count(f->ws); i++) {
        sw_tensor t = sw_weight_tensor(sw_weights_at(f->ws, i));
        parameters += sw_shape_elements(&t.shape);
    }
    assert_int_equal(parameters, 60965224);
    assert_true(s.live_bytes > 0);
    print_message(
        "AlexNet, batch 1: buffer %lld bytes, largest sum of live tensors %lld, ratio %.3f\n",
        (long long)s.buffer_bytes, (long long)s.live_bytes,
        (double)s.buffer_bytes / (double)s.live_bytes);
    assert_true((double)s.buffer_bytes <= 1.3 * (double)s.live_bytes);
    assert_no_overlap(p);
    sw_plan_destroy(p);
}

/* 32 MB of values, or as many as there are weights. */
static void rows_at_once(void **state)
{
    static const struct {
        int64_t side, weights, want;
    } cases[] = {{128, 0, 64}, {512, 0, 8}, {1024, 0, 2}, {2048, 0, 1}, {512, 4096, 16}};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        sw_weights *ws;
        sw_graph *g;
        sw_plan *p;
        struct fixture *f = *state;
        const int64_t side = cases[i].side, n = cases[i].weights;
        assert_int_equal(sw_weights_create(f->ctx, &ws), SW_OK);
        assert_int_equal(sw_graph_create(f->ctx, &g), SW_OK);
        sw_node *x = sw_input(g, "x", SW_F32, SW_SHAPE(64, side, 4 * side));
        sw_node *y[2] = {sw_relu(g, x)};
        if (n) y[1] = sw_param(g, ws, "w", SW_F32, SW_SHAPE(n, n), sw_init_zeros());
        assert_int_equal(sw_compile(g, (sw_plan_options){.outputs = y, .n_outputs = n ? 2 : 1}, &p),
                         SW_OK);
        assert_int_equal(sw_plan_rows_at_once(p, 64), cases[i].want);
        assert_int_equal(sw_plan_rows_at_once(p, 1), 1);
        assert_int_equal(sw_plan_rows_at_once(p, 0), 1);
        sw_plan_destroy(p);
        sw_graph_destroy(g);
        sw_weights_destroy(ws);
    }
}

static void training_layout(void **state)
{
    struct fixture *f = *state;
    sw_node *x = sw_input(f->g, "x", SW_F32, SW_SHAPE(32, 8)), *wrt[6], *out[7];
    out[6] = sw_mean(f->g, sw_square(f->g, network(f, x)), (sw_reduce_options){.n_axes = 0});
    assert_int_equal(sw_graph_params(f->g, wrt, 6), 6);
    assert_int_equal(sw_grad(f->g, out[6], wrt, 6, out), SW_OK);
    for (int r = SW_RECOMPUTE_NONE; r <= SW_RECOMPUTE_KEPT; r++) {
        sw_plan *p = compile(f, out, 7, (sw_plan_options){.recompute = (sw_recompute)r});
        assert_no_overlap(p);
        sw_plan_destroy(p);
    }
}

/* The gradient of y, given dy, is that of the loss sum(y dy). */
static void gradient_from_a_value(void **state)
{
    struct fixture *f = *state;
    float xs[6], ds[8], ws[12];
    for (int i = 0; i < 12; i++) {
        ws[i] = (float)(i % 5) - 1.5f;
        if (i < 6) xs[i] = (float)i / 3 - 1;
        if (i < 8) ds[i] = (float)(i % 3) - 0.75f;
    }
    sw_node *x = sw_input(f->g, "x", SW_F32, SW_SHAPE(2, 3)),
            *dy = sw_input(f->g, "dy", SW_F32, SW_SHAPE(2, 4));
    sw_node *in[2] = {x, sw_const(f->g, SW_F32, SW_SHAPE(3, 4), ws)}, *out[4];
    sw_node *y = sw_tanh(f->g, sw_matmul(f->g, x, in[1], (sw_matmul_options){0}));
    sw_node *loss = sw_sum(f->g, sw_mul(f->g, y, dy), (sw_reduce_options){.n_axes = 0});
    assert_int_equal(sw_grad_from(f->g, y, dy, in, 2, out), SW_OK);
    assert_int_equal(sw_grad(f->g, loss, in, 2, out + 2), SW_OK);
    sw_plan *p = compile(f, out, 4, (sw_plan_options){0});
    assert_int_equal(sw_bind(p, x, xs, SW_SHAPE(2, 3)), SW_OK);
    assert_int_equal(sw_bind(p, dy, ds, SW_SHAPE(2, 4)), SW_OK);
    assert_int_equal(sw_run(p), SW_OK);
    assert_true(((const float *)sw_plan_tensor(p, out[0]).data)[0] != 0);
    for (int i = 0; i < 2; i++)
        assert_memory_equal(sw_plan_tensor(p, out[i]).data, sw_plan_tensor(p, out[i + 2]).data,
                            (i ? 12 : 6) * sizeof(float));
    sw_plan_destroy(p);
    assert_int_equal(sw_grad_from(f->g, y, x, in, 2, out), SW_ERR_SHAPE);
}

/* A deep chain whose activations are all needed by the backward pass: with values kept at a few
 * places only, the plan must need less memory and give the same gradients. */
static void recompute_saves_memory(void **state)
{
    struct fixture *f = *state;
    enum { DEPTH = 16 };
    static float data[64 * 64], first[64 * 64];
    sw_node *x = sw_input(f->g, "x", SW_F32, SW_SHAPE(64, 64)), *h = x, *w, *dw;
    int64_t bytes[2];
    w = sw_param(f->g, f->ws, "w", SW_F32, SW_SHAPE(64, 64), sw_init_he(64));
    for (int i = 0; i < DEPTH; i++) {
        h = sw_tanh(f->g, sw_linear(f->g, h, w, NULL));
        if (i % 4 == 3) sw_keep(h);
    }
    sw_node *loss = sw_sum(f->g, h, (sw_reduce_options){.n_axes = 0});
    assert_int_equal(sw_grad(f->g, loss, &w, 1, &dw), SW_OK);
    for (int i = 0; i < 64 * 64; i++) data[i] = (float)(i % 17) / 17 - 0.5f;
    for (int k = 0; k < 2; k++) {
        sw_plan *p = compile(
            f, &dw, 1, (sw_plan_options){.recompute = k ? SW_RECOMPUTE_KEPT : SW_RECOMPUTE_NONE});
        bytes[k] = sw_plan_get_stats(p).live_bytes;
        assert_int_equal(sw_bind(p, x, data, SW_SHAPE(64, 64)), SW_OK);
        assert_int_equal(sw_run(p), SW_OK);
        if (k)
            assert_memory_equal(first, sw_plan_tensor(p, dw).data, sizeof first);
        else
            memcpy(first, sw_plan_tensor(p, dw).data, sizeof first);
        sw_plan_destroy(p);
    }
    assert_true(bytes[1] * 3 < bytes[0] * 2);
}

/* ---- fusion -------------------------------------------------------------------------------------- */

static void fuses_what_nobody_else_reads(void **state)
{
    struct fixture *f = *state;
    sw_node *x = sw_input(f->g, "x", SW_F32, SW_SHAPE(4, 8)), *y = network(f, x);
    sw_plan *p = compile(f, &y, 1, (sw_plan_options){.name = "fused"});
    sw_plan *q = compile(f, &y, 1, (sw_plan_options){.name = "apart", .no_fusion = true});
    assert_int_equal(sw_plan_get_stats(p).steps, 4); /* three products and the residual's sum */
    assert_int_equal(sw_plan_get_stats(p).fused, 2);
    assert_int_equal(sw_plan_get_stats(q).steps, 6);
    sw_plan_destroy(p);
    sw_plan_destroy(q);
    /* The value before the relu is wanted too: no fusion. */
    sw_node *before = layer(f, x, "d", 5), *both[] = {before, sw_relu(f->g, before)};
    p = compile(f, both, 2, (sw_plan_options){0});
    assert_int_equal(sw_plan_get_stats(p).fused, 0);
    sw_plan_destroy(p);
}

/* ---- sizes at run time ----------------------------------------------------------------------------- */

static void any_batch_up_to_the_declared(void **state)
{
    struct fixture *f = *state;
    static float data[16 * 8], whole[16 * 4];
    sw_node *x = sw_input(f->g, "x", SW_F32, SW_SHAPE(16, 8)), *y = network(f, x);
    sw_plan *p = compile(f, &y, 1, (sw_plan_options){0});
    for (int i = 0; i < 16 * 8; i++) data[i] = (float)(i * 37 % 101) / 50 - 1;
    assert_int_equal(sw_bind(p, x, data, SW_SHAPE(16, 8)), SW_OK);
    assert_int_equal(sw_run(p), SW_OK);
    memcpy(whole, sw_plan_tensor(p, y).data, sizeof whole);
    for (int n = 0; n <= 16; n++) {
        assert_int_equal(sw_bind(p, x, data, SW_SHAPE(n, 8)), SW_OK);
        assert_int_equal(sw_run(p), SW_OK);
        sw_tensor t = sw_plan_tensor(p, y);
        assert_int_equal(t.shape.dim[0], n);
        if (n) assert_memory_equal(t.data, whole, (size_t)n * 4 * sizeof(float));
    }
    assert_int_equal(sw_bind(p, x, data, SW_SHAPE(17, 8)), SW_ERR_SHAPE);
    assert_non_null(strstr(sw_error(f->ctx), "(17,8)"));
    assert_int_equal(sw_bind(p, x, data, SW_SHAPE(4, 7)), SW_OK); /* within, but does not fit */
    assert_int_equal(sw_run(p), SW_ERR_SHAPE);
    assert_non_null(strstr(sw_error(f->ctx), "matmul"));
    assert_int_equal(sw_bind(p, x, data, SW_SHAPE(3, 8)), SW_OK); /* and all is well again */
    assert_int_equal(sw_run(p), SW_OK);
    assert_memory_equal(sw_plan_tensor(p, y).data, whole, 3 * 4 * sizeof(float));
    sw_plan_destroy(p);
}

static void binding(void **state)
{
    struct fixture *f = *state;
    float data[4 * 8] = {1}, result[4 * 4], again[4 * 4];
    sw_node *x = sw_input(f->g, "x", SW_F32, SW_SHAPE(4, 8)), *y = network(f, x);
    sw_node *z = sw_input(f->g, "unused", SW_F32, SW_SHAPE(1));
    sw_plan *p = compile(f, &y, 1, (sw_plan_options){.name = "net"});
    assert_int_equal(sw_run(p), SW_ERR_STATE);
    assert_string_equal(sw_error(f->ctx), "run: input 'x' of plan 'net' was never bound");
    assert_int_equal(sw_bind(p, z, data, SW_SHAPE(1)), SW_ERR_ARGUMENT);
    assert_int_equal(sw_bind(p, x, NULL, SW_SHAPE(4, 8)), SW_ERR_ARGUMENT);
    assert_int_equal(sw_bind(p, x, data, SW_SHAPE(4, 8)), SW_OK);
    assert_int_equal(sw_run(p), SW_OK);
    memcpy(result, sw_plan_tensor(p, y).data, sizeof result);
    assert_int_equal(sw_bind(p, y, again, SW_SHAPE(4, 4)), SW_OK);
    assert_int_equal(sw_run(p), SW_OK);
    assert_memory_equal(result, again, sizeof again);
    assert_ptr_equal(sw_plan_tensor(p, y).data, again);
    sw_plan_destroy(p);
}

/* ---- weights --------------------------------------------------------------------------------------- */

static void packed_copies_are_shared_and_fresh(void **state)
{
    struct fixture *f = *state;
    float data[4 * 8], w[4 * 8] = {0}, b[4] = {1, 2, 3, 4};
    sw_node *x = sw_input(f->g, "x", SW_F32, SW_SHAPE(4, 8)), *y = layer(f, x, "only", 4);
    for (int i = 0; i < 32; i++) data[i] = 1;
    sw_plan *p = compile(f, &y, 1, (sw_plan_options){0});
    int64_t one = sw_weights_packed_bytes(f->ws);
    sw_plan *q = compile(f, &y, 1, (sw_plan_options){0});
    assert_true(one > 0);
    assert_int_equal(sw_weights_packed_bytes(f->ws), one);
    assert_int_equal(sw_bind(p, x, data, SW_SHAPE(4, 8)), SW_OK);
    assert_int_equal(sw_bind(q, x, data, SW_SHAPE(1, 8)), SW_OK);
    for (int round = 0; round < 3; round++) {
        for (int i = 0; i < 32; i++) w[i] = (float)round;
        assert_int_equal(sw_weight_set(sw_weights_find(f->ws, "only.weight"), w, sizeof w), SW_OK);
        assert_int_equal(sw_weight_set(sw_weights_find(f->ws, "only.bias"), b, sizeof b), SW_OK);
        assert_int_equal(sw_run(round & 1 ? p : q), SW_OK);
        assert_int_equal(sw_run(round & 1 ? q : p), SW_OK);
        assert_true(((float *)sw_plan_tensor(p, y).data)[7] == (float)(8 * round + 4));
        assert_true(((float *)sw_plan_tensor(q, y).data)[3] == (float)(8 * round + 4));
    }
    sw_plan_destroy(p);
    assert_int_equal(sw_weights_packed_bytes(f->ws), one);
    sw_plan_destroy(q);
    assert_int_equal(sw_weights_packed_bytes(f->ws), 0);
}

/* A packed weight of f16 has two bytes an element, as it has in the file. */
static void packed_halves_stay_halves(void **state)
{
    struct fixture *f = *state;
    sw_node *x = sw_input(f->g, "x", SW_F32, SW_SHAPE(4, 256));
    sw_node *w = sw_param(f->g, f->ws, "half", SW_F16, SW_SHAPE(128, 256), sw_init_ones());
    sw_node *y = sw_linear(f->g, x, w, NULL);
    sw_plan *p = compile(f, &y, 1, (sw_plan_options){0});
    assert_int_equal(sw_weights_packed_bytes(f->ws), 128 * 256 * 2);
    sw_plan_destroy(p);
}

static void weights_outlive_their_owner(void **state)
{
    struct fixture *f = *state;
    float data[8] = {0};
    sw_weights *ws;
    assert_int_equal(sw_weights_create(f->ctx, &ws), SW_OK);
    sw_node *x = sw_input(f->g, "x", SW_F32, SW_SHAPE(1, 8));
    sw_node *y = sw_linear(f->g, x, sw_param(f->g, ws, "w", SW_F32, SW_SHAPE(3, 8), sw_init_ones()),
                           NULL);
    sw_weights_destroy(ws);
    sw_plan *p = compile(f, &y, 1, (sw_plan_options){0});
    assert_int_equal(sw_bind(p, x, data, SW_SHAPE(1, 8)), SW_OK);
    assert_int_equal(sw_run(p), SW_OK);
    sw_plan_destroy(p);
}

/* ---- errors ---------------------------------------------------------------------------------------- */

static void nan_is_named(void **state)
{
    struct fixture *f = *state;
    float data[4] = {1, -1, 4, 9};
    sw_node *x = sw_input(f->g, "x", SW_F32, SW_SHAPE(4));
    sw_node *y = sw_add(f->g, sw_name(sw_sqrt(f->g, x), "root"), x);
    sw_plan *p = compile(f, &y, 1, (sw_plan_options){.check_nan = true});
    assert_int_equal(sw_bind(p, x, data, SW_SHAPE(4)), SW_OK);
    assert_int_equal(sw_run(p), SW_ERR_NAN);
    assert_non_null(strstr(sw_error(f->ctx), "root"));
    data[1] = 1;
    assert_int_equal(sw_run(p), SW_OK);
    sw_plan_destroy(p);
}

static void graph_errors_stick(void **state)
{
    struct fixture *f = *state;
    sw_node *x = sw_input(f->g, "x", SW_F32, SW_SHAPE(3, 4)), *y;
    sw_plan *p = (sw_plan *)f;
    y = sw_add(f->g, x, sw_input(f->g, "z", SW_F32, SW_SHAPE(5, 4)));
    assert_int_equal(sw_graph_status(f->g), SW_ERR_SHAPE);
    y = sw_relu(f->g, sw_name(sw_keep(sw_output(y, 0)), "more"));
    assert_string_equal(sw_error(f->ctx),
                        "add: (3,4) x (5,4): do not broadcast against each other");
    assert_int_equal(sw_compile(f->g, (sw_plan_options){.outputs = &y, .n_outputs = 1}, &p),
                     SW_ERR_SHAPE);
    assert_null(p);
    assert_int_equal(sw_grad(f->g, y, &x, 1, &y), SW_ERR_SHAPE);
}

static void absurd_requests(void **state)
{
    struct fixture *f = *state;
    sw_graph *g[5];
    sw_weight *w;
    for (int i = 0; i < 5; i++) assert_int_equal(sw_graph_create(f->ctx, &g[i]), SW_OK);
    sw_input(g[0], "big", SW_F32, SW_SHAPE(INT64_MAX / 8, 64));
    assert_int_equal(sw_graph_status(g[0]), SW_ERR_SIZE);
    sw_input(g[1], "odd", (sw_dtype)77, SW_SHAPE(3));
    assert_int_equal(sw_graph_status(g[1]), SW_ERR_DTYPE);
    assert_non_null(strstr(sw_error(f->ctx), "odd"));
    sw_input(g[2], "negative", SW_F32, SW_SHAPE(3, -1));
    assert_int_equal(sw_graph_status(g[2]), SW_ERR_SIZE);
    sw_node *wide = sw_input(g[3], "wide", SW_F32, SW_SHAPE(1, INT64_C(1) << 40));
    sw_add(g[3], wide, sw_input(g[3], "tall", SW_F32, SW_SHAPE(INT64_C(1) << 40, 1)));
    assert_int_equal(sw_graph_status(g[3]), SW_ERR_SIZE);
    assert_non_null(strstr(sw_error(f->ctx), "add"));
    sw_graph_compute(g[4], SW_I8);
    assert_int_equal(sw_graph_status(g[4]), SW_ERR_DTYPE);
    for (int i = 0; i < 5; i++) sw_graph_destroy(g[i]);
    assert_int_equal(sw_weights_add(f->ws, "big", SW_F32, SW_SHAPE(INT64_C(1) << 61, 4), &w),
                     SW_ERR_SIZE);
    assert_null(w);
    /* A plan whose sizes are possible and whose memory is not there. */
    sw_node *x = sw_input(f->g, "x", SW_F32, SW_SHAPE(INT64_C(1) << 45)), *y = sw_relu(f->g, x);
    sw_plan *p;
    assert_int_equal(sw_compile(f->g, (sw_plan_options){.outputs = &y, .n_outputs = 1}, &p),
                     SW_ERR_MEMORY);
}

static void other_graphs_nodes(void **state)
{
    struct fixture *f = *state;
    sw_graph *g;
    sw_plan *p;
    assert_int_equal(sw_graph_create(f->ctx, &g), SW_OK);
    sw_node *x = sw_input(g, "x", SW_F32, SW_SHAPE(3));
    sw_node *mine = sw_input(f->g, "mine", SW_F32, SW_SHAPE(3));
    assert_int_equal(sw_compile(f->g, (sw_plan_options){.outputs = &x, .n_outputs = 1}, &p),
                     SW_ERR_ARGUMENT);
    assert_int_equal(sw_compile(f->g, (sw_plan_options){.outputs = &mine}, &p), SW_ERR_ARGUMENT);
    sw_add(f->g, mine, x);
    assert_int_equal(sw_graph_status(f->g), SW_ERR_ARGUMENT);
    sw_graph_destroy(g);
}

/* ---- reports ----------------------------------------------------------------------------------------- */

struct text {
    char *data;
    size_t size;
};

static void collect(void *user, const char *text, size_t size)
{
    struct text *t = user;
    t->data = realloc(t->data, t->size + size + 1);
    memcpy(t->data + t->size, text, size);
    t->size += size;
    t->data[t->size] = 0;
}

static void reports(void **state)
{
    struct fixture *f = *state;
    static float data[64 * 8];
    struct text plan = {0}, table = {0}, trace = {0};
    sw_node *x = sw_input(f->g, "x", SW_F32, SW_SHAPE(64, 8));
    sw_node *y = sw_name(network(f, x), "a \"quoted\" name");
    sw_plan *p = compile(f, &y, 1, (sw_plan_options){.name = "reported"});
    assert_int_equal(sw_plan_profile_table(p, collect, &table), SW_ERR_STATE);
    assert_int_equal(sw_bind(p, x, data, SW_SHAPE(64, 8)), SW_OK);
    assert_int_equal(sw_plan_profile(p, true), SW_OK);
    for (int i = 0; i < 3; i++) assert_int_equal(sw_run(p), SW_OK);
    sw_plan_describe(p, collect, &plan);
    assert_non_null(strstr(plan.data, "matmul+relu"));
    assert_non_null(strstr(plan.data, "gemm"));
    assert_non_null(strstr(plan.data, "activations"));
    assert_int_equal(sw_plan_profile_table(p, collect, &table), SW_OK);
    assert_non_null(strstr(table.data, "3 runs"));
    assert_non_null(strstr(table.data, "GFLOP/s"));
    assert_int_equal(sw_plan_profile_trace(p, collect, &trace), SW_OK);
    json_error_t error;
    json_t *root = json_loadb(trace.data, trace.size, 0, &error);
    if (!root) fail_msg("the trace is no JSON: %s", error.text);
    assert_int_equal(json_array_size(json_object_get(root, "traceEvents")),
                     sw_plan_get_stats(p).steps);
    json_decref(root);
    free(plan.data);
    free(table.data);
    free(trace.data);
    sw_plan_destroy(p);
}

/* A first result that nobody reads has memory all the same: its op writes it. */
static void second_result_alone(void **state)
{
    struct fixture *f = *state;
    float x[2][4] = {{1, 3, 2, 0}, {5, 4, 7, 6}};
    sw_node *in = sw_input(f->g, "x", SW_F32, SW_SHAPE(2, 4));
    sw_node *index = sw_output(sw_topk(f->g, in, 2, 1), 1);
    sw_plan *p = compile(f, &index, 1, (sw_plan_options){.check_nan = true});
    assert_int_equal(sw_bind(p, in, x, SW_SHAPE(2, 4)), SW_OK);
    assert_int_equal(sw_run(p), SW_OK);
    assert_memory_equal(sw_plan_tensor(p, index).data, ((int32_t[]){1, 2, 2, 3}), 16);
    sw_plan_destroy(p);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(alexnet_buffer),
        TEST(rows_at_once),
        TEST(training_layout),
        TEST(gradient_from_a_value),
        TEST(recompute_saves_memory),
        TEST(fuses_what_nobody_else_reads),
        TEST(any_batch_up_to_the_declared),
        TEST(binding),
        TEST(packed_copies_are_shared_and_fresh),
        TEST(packed_halves_stay_halves),
        TEST(weights_outlive_their_owner),
        TEST(nan_is_named),
        TEST(graph_errors_stick),
        TEST(absurd_requests),
        TEST(other_graphs_nodes),
        TEST(reports),
        TEST(second_result_alone),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
