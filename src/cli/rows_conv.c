/* Rows: convolutions in f32 and, without peers, bf16: forward, by data and by weights: AlexNet's five layers (Krizhevsky et al.
 * 2012, figure 2), and 3x3 layers on Go boards.  Operations are those of the direct method, so an
 * algorithm that needs fewer may pass 100 % of the limit. */
#include <stdio.h>

#include "cli/bench_rows.h"

enum { FORWARD, BY_DATA, BY_WEIGHTS, PASSES };

struct layer {
    const char *name;
    int64_t c, size, o, kernel, stride, pad, groups;
};

static const struct layer alexnet[] = {
    {"AlexNet conv1", 3, 227, 96, 11, 4, 0, 1},  {"AlexNet conv2", 96, 27, 256, 5, 1, 2, 2},
    {"AlexNet conv3", 256, 13, 384, 3, 1, 1, 1}, {"AlexNet conv4", 384, 13, 384, 3, 1, 1, 2},
    {"AlexNet conv5", 384, 13, 256, 3, 1, 1, 2},
};

static sw_status build(struct bench_work *w)
{
    const struct peer_case *c = &w->row.c;
    const int stride = (int)c->conv.stride, pad = (int)c->conv.pad;
    const sw_conv_options o = {
        .stride = {stride, stride}, .pad = {pad, pad, pad, pad}, .groups = (int)c->conv.groups};
    const sw_shape xs = SW_SHAPE(c->conv.n, c->conv.c, c->conv.size, c->conv.size);
    const sw_shape ys = SW_SHAPE(c->conv.n, c->conv.o, c->conv.out, c->conv.out);
    const sw_shape ws = SW_SHAPE(c->conv.o, c->conv.c / c->conv.groups, c->conv.kernel,
                                 c->conv.kernel);
    sw_node *x = NULL, *k = NULL, *dy = NULL;
    sw_graph_compute(w->g, c->a);
    /* The peers get the first two. */
    if (w->row.kind == BY_DATA) {
        dy = bench_input(w, "dy", SW_F32, ys);
        k = bench_weight(w, "w", SW_F32, ws);
        x = sw_input(w->g, "x", SW_F32, xs); /* its values are not read */
    } else {
        x = bench_input(w, "x", SW_F32, xs);
        if (w->row.kind == BY_WEIGHTS) dy = bench_input(w, "dy", SW_F32, ys);
        k = bench_weight(w, "w", SW_F32, ws);
    }
    sw_node *y = sw_conv2d(w->g, x, k, NULL, o);
    w->outputs[0] = y;
    w->n_outputs = 1;
    if (w->row.kind == FORWARD) return SW_OK;
    return sw_grad_from(w->g, y, dy, w->row.kind == BY_DATA ? &x : &k, 1, w->outputs);
}

static void add(struct bench_rows *rows, const char *group, const struct layer *l, int64_t n,
                int pass, sw_dtype compute)
{
    static const char *const names[PASSES] = {"forward", "by data", "by weights"};
    static const enum peer_op ops[PASSES] = {PEER_CONV_FORWARD, PEER_CONV_DATA, PEER_CONV_WEIGHTS};
    const int64_t out = (l->size + 2 * l->pad - l->kernel) / l->stride + 1;
    const double x = (double)(n * l->c * l->size * l->size), y = (double)(n * l->o * out * out);
    const double taps = (double)(l->c / l->groups * l->kernel * l->kernel);
    const double weights = (double)l->o * taps, sizes[PASSES] = {y, x, weights};
    struct bench_row row = {
        .group = group, .dtype = "f32", .unit = BENCH_FLOPS_F32, .kind = pass, .build = build};
    row.c = (struct peer_case){.op = ops[pass], .a = SW_F32, .b = SW_F32, .c = SW_F32};
    if (compute == SW_BF16) {
        snprintf(row.dtype, sizeof row.dtype, "bf16");
        row.unit = BENCH_FLOPS_BF16;
        row.c.op = PEER_NONE;
        row.c.a = SW_BF16;
    }
    row.c.conv.n = n;
    row.c.conv.c = l->c;
    row.c.conv.size = l->size;
    row.c.conv.o = l->o;
    row.c.conv.kernel = l->kernel;
    row.c.conv.stride = l->stride;
    row.c.conv.pad = l->pad;
    row.c.conv.groups = l->groups;
    row.c.conv.out = out;
    row.operations = 2 * y * taps;
    row.written = 4 * sizes[pass];
    row.read = 4 * (x + y + weights) - row.written;
    snprintf(row.name, sizeof row.name, "%s %s", l->name, names[pass]);
    snprintf(row.shape, sizeof row.shape, "%lldx%lldx%lldx%lld o%lld %lldx%lld", (long long)n,
             (long long)l->c, (long long)l->size, (long long)l->size, (long long)l->o,
             (long long)l->kernel, (long long)l->kernel);
    bench_rows_add(rows, &row);
}

void bench_conv_rows(struct bench_rows *rows)
{
    static const int64_t batches[] = {1, 128}, boards[] = {9, 19}, few[] = {1, 8, 32},
                         channels[] = {64, 96, 128, 192, 256};
    static const sw_dtype types[] = {SW_F32, SW_BF16};
    for (int b = 0; b < 2; b++)
        for (int i = 0; i < 5; i++)
            for (int pass = 0; pass < PASSES; pass++)
                for (int type = 0; type < 2; type++)
                    add(rows, "conv", &alexnet[i], batches[b], pass, types[type]);
    for (int s = 0; s < 2; s++)
        for (int c = 0; c < 5; c++)
            for (int b = 0; b < 3; b++)
                for (int pass = 0; pass < PASSES; pass++)
                    for (int type = 0; type < 2; type++)
                        add(rows, "conv",
                            &(struct layer){"board", channels[c], boards[s], channels[c], 3, 1, 1,
                                            1},
                            few[b], pass, types[type]);
}

/* Layers of other networks: Fashion-MNIST's convnet, and of the kinds of ResNet and MobileNet. */
void bench_layers_rows(struct bench_rows *rows)
{
    static const struct {
        struct layer layer;
        int64_t n;
    } others[] = {{{"convnet conv1", 1, 28, 32, 3, 1, 1, 1}, 128},
                  {{"convnet conv2", 32, 14, 64, 3, 1, 1, 1}, 128},
                  {{"3x3", 64, 56, 64, 3, 1, 1, 1}, 16},
                  {{"3x3, stride 2", 128, 28, 256, 3, 2, 1, 1}, 16},
                  {{"1x1", 256, 14, 1024, 1, 1, 0, 1}, 16},
                  {{"depthwise", 256, 28, 256, 3, 1, 1, 256}, 16}};
    for (size_t i = 0; i < sizeof others / sizeof *others; i++)
        for (int pass = 0; pass < PASSES; pass++)
            add(rows, "layers", &others[i].layer, others[i].n, pass, SW_F32);
}
