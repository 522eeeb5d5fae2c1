/* The table that chooses the algorithm of a convolution: every entry holds one that is allowed, every
 * entry is reached, nothing but shapes decides, and a plan keeps to it at smaller sizes. */
#include "unit.h"

#include <math.h>
#include <swell/swell.h>
#include "graph/ops/conv_choice.h"
#include "graph/ops/conv_direct.h"
#include "graph/ops/conv_grad.h"

struct layer {
    struct conv_attr attr;
    struct conv_dims dims;
};

/* Padded so that y has x's size, or a stride-th of it. */
static struct layer layer(int64_t n, int64_t c, int64_t o, int64_t size, int64_t kernel,
                          int64_t stride, int64_t dilation)
{
    const int64_t pad = dilation * (kernel - 1) / 2, in = size * stride;
    return (struct layer){{.stride = {stride, stride},
                           .dilation = {dilation, dilation},
                           .pad = {pad, pad, pad, pad},
                           .groups = 1,
                           .rank = 4,
                           .compute = SW_F32},
                          {.n = n,
                           .groups = 1,
                           .c = c,
                           .in = {in, in},
                           .o = o,
                           .out = {size, size},
                           .kernel = {kernel, kernel},
                           .cg = c,
                           .og = o}};
}

static const struct {
    int kernel, stride, dilation;
} filters[CONV_KINDS] = {
    [CONV_FOR_WINOGRAD] = {3, 1, 1}, [CONV_ONE_TAP] = {1, 1, 1},
    [CONV_FEW_TAPS] = {3, 1, 2},     [CONV_FEW_TAPS_STRIDED] = {3, 2, 1},
    [CONV_MANY_TAPS] = {5, 1, 1},    [CONV_MANY_TAPS_STRIDED] = {11, 4, 1},
};

static struct layer layer_at(const struct conv_key *k, int64_t n)
{
    return layer(n, sw__conv_channels[k->in], sw__conv_channels[k->out],
                 sw__conv_sizes[k->kind][k->spot], filters[k->kind].kernel, filters[k->kind].stride,
                 filters[k->kind].dilation);
}

/* Number i of all entries. */
static struct conv_key key_number(int i)
{
    struct conv_key k;
    k.spot = i % CONV_SPOTS, i /= CONV_SPOTS;
    k.out = i % CONV_CHANNELS, i /= CONV_CHANNELS;
    k.in = i % CONV_CHANNELS, i /= CONV_CHANNELS;
    k.kind = i % CONV_KINDS, i /= CONV_KINDS;
    k.pass = i % CONV_PASSES, i /= CONV_PASSES;
    k.level = i;
    return k;
}

enum {
    ENTRIES = CONV_LEVELS * CONV_PASSES * CONV_KINDS * CONV_CHANNELS * CONV_CHANNELS * CONV_SPOTS
};

static void entries(void **state)
{
    static const enum sw_isa isas[CONV_LEVELS] = {SW_ISA_AVX2, SW_ISA_AVX512};
    int count[256] = {0};

    (void)state;
    for (int i = 0; i < ENTRIES; i++) {
        const struct conv_key k = key_number(i);
        const enum conv_pass pass = (enum conv_pass)k.pass;
        const char letter = sw__conv_table[k.level][k.pass][k.kind][k.in][k.out][k.spot];
        const struct layer l = layer_at(&k, 2);
        const struct conv_key found = sw__conv_key(isas[k.level], pass, &l.attr, &l.dims);
        assert_memory_equal(&found, &k, sizeof k);
        assert_non_null(strchr(pass == CONV_WEIGHTS ? "WD" : "WDP", letter));
        if (letter == CONV_WINOGRAD)
            assert_true(k.kind == CONV_FOR_WINOGRAD || k.kind == CONV_MANY_TAPS);
        const enum conv_way way = sw__conv_choose(isas[k.level], pass, &l.attr, &l.dims);
        assert_true(sw__conv_allows(pass, way, &l.attr, &l.dims));
        if (sw__conv_allows(pass, (enum conv_way)letter, &l.attr, &l.dims))
            assert_int_equal(way, letter);
        count[(unsigned char)letter]++;
    }
    assert_true(count[CONV_WINOGRAD] > 0 && count[CONV_DIRECT] > 0 && count[CONV_PRODUCT] > 0);
}

/* Neither the number of images nor integer instructions count; what was asked for does. */
static void purity(void **state)
{
    static const int64_t images[] = {0, 1, 7, 128, 100000};

    (void)state;
    for (int i = 0; i < ENTRIES; i++) {
        const struct conv_key k = key_number(i);
        struct layer l = layer_at(&k, 2);
        for (int pass = 0; pass <= CONV_TRANSPOSED; pass++) {
            const enum conv_pass p = (enum conv_pass)pass;
            const enum conv_way way = sw__conv_choose(SW_ISA_AVX512, p, &l.attr, &l.dims);
            assert_int_equal(sw__conv_choose(SW_ISA_AMX, p, &l.attr, &l.dims), way);
            for (size_t j = 0; j < sizeof images / sizeof *images; j++) {
                const struct layer m = layer_at(&k, images[j]);
                assert_int_equal(sw__conv_choose(SW_ISA_AVX512, p, &m.attr, &m.dims), way);
            }
        }
        l.attr.way = CONV_DIRECT;
        assert_int_equal(sw__conv_choose(SW_ISA_REF, CONV_FORWARD, &l.attr, &l.dims), CONV_DIRECT);
    }
}

static void limits(void **state)
{
    struct layer l = layer(1, 64, 64, 19, 3, 1, 1);

    (void)state;
    assert_true(sw__conv_allows(CONV_FORWARD, CONV_WINOGRAD, &l.attr, &l.dims));
    l.attr.compute = SW_BF16;
    assert_false(sw__conv_allows(CONV_FORWARD, CONV_WINOGRAD, &l.attr, &l.dims));
    l = layer(1, 64, 64, 19, 3, 2, 1);
    assert_false(sw__conv_allows(CONV_FORWARD, CONV_WINOGRAD, &l.attr, &l.dims));
    assert_false(sw__conv_allows(CONV_DATA, CONV_DIRECT, &l.attr, &l.dims)); /* 9 of 16 taps */
    l = layer(1, 64, 64, 19, 4, 2, 1);
    assert_true(sw__conv_allows(CONV_DATA, CONV_DIRECT, &l.attr, &l.dims));
    assert_false(sw__conv_allows(CONV_TRANSPOSED, CONV_DIRECT, &l.attr, &l.dims));
    l = layer(1, 64, 64, 19, 5, 1, 1);
    assert_true(sw__conv_allows(CONV_FORWARD, CONV_WINOGRAD, &l.attr, &l.dims));
    l.attr.pad[1] = 5;
    assert_false(sw__conv_allows(CONV_FORWARD, CONV_WINOGRAD, &l.attr, &l.dims));
    l = layer(1, 64, 64, 19, 7, 1, 1);
    assert_false(sw__conv_allows(CONV_FORWARD, CONV_WINOGRAD, &l.attr, &l.dims));
    assert_false(sw__conv_allows(CONV_WEIGHTS, CONV_PRODUCT, &l.attr, &l.dims));
    /* One pixel, padded to 2^29 x 2^29 (a file may say so): no copy of that. */
    l = layer(1, 32, 32, 1, 2, 1, 1);
    const int64_t wide = INT64_C(1) << 29;
    l.attr = (struct conv_attr){.stride = {1, (int)wide},
                                .dilation = {2304167, 1},
                                .pad = {0, 0, (int)wide - 1, 1},
                                .groups = 1,
                                .rank = 4,
                                .compute = SW_F32};
    l.dims.kernel[0] = 234;
    assert_false(sw__conv_allows(CONV_FORWARD, CONV_DIRECT, &l.attr, &l.dims));
    assert_int_equal(sw__conv_choose(SW_ISA_AVX512, CONV_FORWARD, &l.attr, &l.dims), CONV_PRODUCT);
}

/* A plan for images of up to 20 x 20, run with every smaller size: the weight was packed for the
 * declared size, at which another algorithm may be best. */
enum { C = 24, MOST = 20 };

struct net {
    sw_graph *g;
    sw_plan *plan;
    sw_node *x, *dx;
    sw_tensor y, grad;
};

static void open(struct net *net, sw_context *ctx, sw_weights *ws, int64_t size, const float *data)
{
    const sw_shape shape = SW_SHAPE(1, C, size, size);
    assert_int_equal(sw_graph_create(ctx, &net->g), SW_OK);
    net->x = sw_input(net->g, "x", SW_F32, shape);
    sw_node *w = sw_param(net->g, ws, "w", SW_F32, SW_SHAPE(C, C, 3, 3), sw_init_he(C * 9));
    sw_node *out[2] = {sw_conv2d(net->g, net->x, w, NULL, (sw_conv_options){.pad = {1, 1, 1, 1}})};
    assert_int_equal(sw_grad_from(net->g, out[0], net->x, &net->x, 1, &out[1]), SW_OK);
    assert_int_equal(
        sw_compile(net->g, (sw_plan_options){.outputs = out, .n_outputs = 2}, &net->plan), SW_OK);
    net->dx = out[1];
    assert_int_equal(sw_bind(net->plan, net->x, (void *)(uintptr_t)data, shape), SW_OK);
    net->y = sw_plan_tensor(net->plan, out[0]);
    net->grad = sw_plan_tensor(net->plan, out[1]);
}

static void compare(const float *a, const float *b, int64_t n)
{
    for (int64_t i = 0; i < n; i++) assert_true(fabsf(a[i] - b[i]) < 1e-3f);
}

static void smaller_sizes(void **state)
{
    static float data[C * MOST * MOST];
    struct net large, small;
    sw_context *ctx;
    sw_weights *ws;

    (void)state;
    for (int i = 0; i < C * MOST * MOST; i++) data[i] = (float)(i * 37 % 101) / 101 - 0.5f;
    assert_int_equal(sw_context_create(&(sw_context_options){.threads = 1}, &ctx), SW_OK);
    assert_int_equal(sw_weights_create(ctx, &ws), SW_OK);
    open(&large, ctx, ws, MOST, data);
    for (int64_t size = 1; size < MOST; size++) {
        open(&small, ctx, ws, size, data);
        assert_int_equal(sw_bind(large.plan, large.x, data, SW_SHAPE(1, C, size, size)), SW_OK);
        assert_int_equal(sw_run(large.plan), SW_OK);
        assert_int_equal(sw_run(small.plan), SW_OK);
        compare(large.y.data, small.y.data, C * size * size);
        compare(large.grad.data, small.grad.data, C * size * size);
        sw_plan_destroy(small.plan);
        sw_graph_destroy(small.g);
    }
    sw_plan_destroy(large.plan);
    sw_graph_destroy(large.g);
    sw_weights_destroy(ws);
    sw_context_destroy(ctx);
}

/* What a direct convolution asks for at smaller sizes; by data: of x, from dy. */
static void memory_shrinks(const struct sw_kernels *k, struct layer l, bool back, int64_t *room,
                           int64_t *scratch)
{
    const struct conv_direct p = back ? sw__conv_direct_backward(k, &l.attr, &l.dims)
                                      : sw__conv_direct_forward(k, &l.attr, &l.dims);
    assert_true((int64_t)p.workspace <= *room && (int64_t)p.scratch <= *scratch);
    if (p.source == DIRECT_SHARED)
        assert_true(p.images * p.planes * p.bands * sw__conv_copy_rows(&p.copy, &p.grid, p.band) *
                        p.copy.pitch * (int64_t)sizeof(float) <=
                    (int64_t)p.workspace);
    *room = (int64_t)p.workspace;
    *scratch = (int64_t)p.scratch;
}

static void direct_memory_shrinks(void **state)
{
    struct sw_kernels k;
    sw__kernels_init(&k, SW_ISA_REF);
    for (int64_t c = 96; c <= 1024; c += 928)
        for (int kernel = 1; kernel <= 5; kernel += 2)
            for (int stride = 1; stride <= 3; stride++)
                for (int n = 1; n <= 30; n += 29)
                    for (int back = 0; back < 2; back++) {
                        int64_t room = INT64_MAX, scratch = INT64_MAX;
                        for (int64_t size = 40; size > 0; size--)
                            memory_shrinks(&k, layer(n, c, 1024, size, kernel, stride, 1), back,
                                           &room, &scratch);
                    }
    /* A stem of patches: every size of x, of which some leave pixels that no patch has. */
    for (int patch = 2; patch <= 16; patch *= 2) {
        int64_t room = INT64_MAX, scratch = INT64_MAX;
        for (int64_t in = 15 * patch; in >= patch; in--) {
            struct layer l = layer(1, 3, 768, in / patch, patch, patch, 1);
            l.attr.pad[0] = l.attr.pad[1] = l.attr.pad[2] = l.attr.pad[3] = 0;
            l.dims.in[0] = l.dims.in[1] = in;
            memory_shrinks(&k, l, true, &room, &scratch);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(direct_memory_shrinks),
                                       cmocka_unit_test(entries), cmocka_unit_test(purity),
                                       cmocka_unit_test(limits), cmocka_unit_test(smaller_sizes)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
