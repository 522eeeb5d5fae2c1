/* f32 convolutions beside oneDNN: forward, gradient of the input, gradient of the weight.
 *
 *     bench_conv [--json] [--threads N] [--cpu ISA] [--rounds N] [--layer TEXT] [--pass TEXT]
 *
 * For each layer and pass the two are run by turns, `rounds` times; the medians and their ratio are
 * printed, and our share of the speed of our own matrix product (1024 cubed) in the same run.  We
 * read and write NCHW; oneDNN gets its tensors in the blocked layouts that it asks for, made before,
 * which is how it runs inside of a network.  Both have packed the weight before.  Results that are
 * not the same within the rounding bound are an error. */
#include <dlfcn.h>
#include <dnnl.h>
#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <swell/swell.h>
#include "base/clock.h"
#include "base/cpu.h"
#include "base/memory.h"
#include "base/rng.h"
#include "graph/ops/conv_grad.h"

enum { OURS, ONEDNN, RIVALS };
enum pass { FORWARD, GRAD_INPUT, GRAD_WEIGHT, PASSES };
enum { MOST_ROUNDS = 99 };

static const char *const pass_names[PASSES] = {"forward", "grad input", "grad weight"};

struct layer {
    const char *name;
    int64_t n, c, size, o, kernel, stride, pad, groups;
};

/* 3x3 layers of a game's board: side, channels, at batch 1, 8 and 32. */
#define BOARD(name, side, c)                                                                       \
    {name, 1, c, side, c, 3, 1, 1, 1}, {name, 8, c, side, c, 3, 1, 1, 1},                          \
    {                                                                                              \
        name, 32, c, side, c, 3, 1, 1, 1                                                           \
    }

static const struct layer layers[] = {
    {"AlexNet 1", 1, 3, 227, 96, 11, 4, 0, 1},
    {"AlexNet 2", 1, 96, 27, 256, 5, 1, 2, 2},
    {"AlexNet 3", 1, 256, 13, 384, 3, 1, 1, 1},
    {"AlexNet 4", 1, 384, 13, 384, 3, 1, 1, 2},
    {"AlexNet 5", 1, 384, 13, 256, 3, 1, 1, 2},
    {"AlexNet 1", 128, 3, 227, 96, 11, 4, 0, 1},
    {"AlexNet 2", 128, 96, 27, 256, 5, 1, 2, 2},
    {"AlexNet 3", 128, 256, 13, 384, 3, 1, 1, 1},
    {"AlexNet 4", 128, 384, 13, 384, 3, 1, 1, 2},
    {"AlexNet 5", 128, 384, 13, 256, 3, 1, 1, 2},
    {"Fashion 1", 128, 1, 28, 32, 3, 1, 1, 1},
    {"Fashion 2", 128, 32, 14, 64, 3, 1, 1, 1},
    {"ResNet 3x3", 16, 64, 56, 64, 3, 1, 1, 1},
    {"ResNet 3x3/2", 16, 128, 28, 256, 3, 2, 1, 1},
    {"ResNet 1x1", 16, 256, 14, 1024, 1, 1, 0, 1},
    {"depthwise 3x3", 16, 256, 28, 256, 3, 1, 1, 256},
    {"depthwise 3x3/2", 16, 128, 56, 128, 3, 2, 1, 128},
    {"depthwise 5x5", 16, 240, 28, 240, 5, 1, 2, 240},
    {"depthwise 5x5/2", 16, 240, 28, 240, 5, 2, 2, 240},
    BOARD("board 9, 64", 9, 64),
    BOARD("board 9, 96", 9, 96),
    BOARD("board 9, 128", 9, 128),
    BOARD("board 9, 192", 9, 192),
    BOARD("board 9, 256", 9, 256),
    BOARD("board 19, 64", 19, 64),
    BOARD("board 19, 96", 19, 96),
    BOARD("board 19, 128", 19, 128),
    BOARD("board 19, 192", 19, 192),
    BOARD("board 19, 256", 19, 256),
};

struct machine {
    sw_context *ctx;
    dnnl_engine_t engine;
    dnnl_stream_t stream;
    double gemm; /* FLOP a second of our matrix product */
    int rounds;
    bool json;
};

/* x, w and y of a layer, and which of them a pass computes. */
struct work {
    const struct layer *l;
    enum pass pass;
    int64_t out;               /* height and width of y */
    float *x, *w, *y, *theirs; /* theirs: oneDNN's result in plain layout */
    sw_weights *ws;
    sw_graph *graph;
    sw_plan *plan;
    sw_node *result;
    dnnl_primitive_t primitive;
    dnnl_memory_t src, weights, dst;
};

static void die(const char *what)
{
    fprintf(stderr, "bench_conv: %s\n", what);
    exit(1);
}

static void need(bool right, const char *what)
{
    if (!right) die(what);
}

static float *floats(int64_t n)
{
    float *p = sw__aligned_alloc((size_t)n * sizeof(float));
    need(p, "out of memory");
    return p;
}

static int64_t count_x(const struct layer *l)
{
    return l->n * l->c * l->size * l->size;
}
static int64_t count_w(const struct layer *l)
{
    return l->o * (l->c / l->groups) * l->kernel * l->kernel;
}
static int64_t count_y(const struct work *k)
{
    return k->l->n * k->l->o * k->out * k->out;
}

static double flops(const struct work *k)
{
    const struct layer *l = k->l;
    return 2. * (double)count_y(k) * (double)(l->c / l->groups * l->kernel * l->kernel);
}

/* ---- ours -------------------------------------------------------------------------------------- */

static void prepare_ours(struct work *k, struct machine *m)
{
    const struct layer *l = k->l;
    const int s = (int)l->stride, p = (int)l->pad;
    const sw_conv_options o = {.stride = {s, s}, .pad = {p, p, p, p}, .groups = (int)l->groups};
    need(sw_weights_create(m->ctx, &k->ws) == SW_OK && sw_graph_create(m->ctx, &k->graph) == SW_OK,
         "no graph");
    sw_graph *g = k->graph;
    const sw_shape xs = SW_SHAPE(l->n, l->c, l->size, l->size);
    const sw_shape ys = SW_SHAPE(l->n, l->o, k->out, k->out);
    sw_node *x = sw_input(g, "x", SW_F32, xs), *y = sw_input(g, "y", SW_F32, ys);
    sw_node *w = sw_param(g, k->ws, "w", SW_F32,
                          SW_SHAPE(l->o, l->c / l->groups, l->kernel, l->kernel), sw_init_zeros());
    const struct conv_attr attr = sw__conv_attr(g, o, 4);
    if (k->pass == FORWARD) k->result = sw_conv2d(g, x, w, NULL, o);
    if (k->pass == GRAD_INPUT) k->result = sw__conv_grad_input(g, &attr, y, w, x);
    if (k->pass == GRAD_WEIGHT) k->result = sw__conv_grad_weight(g, &attr, x, y, w);
    need(sw_compile(g, (sw_plan_options){.outputs = &k->result, .n_outputs = 1}, &k->plan) == SW_OK,
         sw_error(m->ctx));
    sw_weight_set(sw_weights_find(k->ws, "w"), k->w, (size_t)count_w(l) * sizeof(float));
    sw_bind(k->plan, x, k->x, xs);
    if (k->pass != FORWARD) sw_bind(k->plan, y, k->y, ys);
}

/* ---- oneDNN ------------------------------------------------------------------------------------ */

static void must(dnnl_status_t status, const char *what)
{
    need(status == dnnl_success, what);
}

/* Copy between a plain tensor and oneDNN's. */
static void reorder(struct machine *m, dnnl_memory_t from, dnnl_memory_t to)
{
    const dnnl_memory_desc_t *a, *b;
    dnnl_primitive_desc_t pd;
    dnnl_primitive_t p;
    dnnl_memory_get_memory_desc(from, &a);
    dnnl_memory_get_memory_desc(to, &b);
    must(dnnl_reorder_primitive_desc_create(&pd, a, m->engine, b, m->engine, NULL), "reorder");
    must(dnnl_primitive_create(&p, pd), "reorder");
    dnnl_exec_arg_t args[] = {{DNNL_ARG_FROM, from}, {DNNL_ARG_TO, to}};
    must(dnnl_primitive_execute(p, m->stream, 2, args), "reorder");
    dnnl_stream_wait(m->stream);
    dnnl_primitive_destroy(p);
    dnnl_primitive_desc_destroy(pd);
}

struct theirs {
    dnnl_memory_desc_t src, weights, dst; /* plain */
};

static struct theirs describe(const struct work *k, bool plain)
{
    const struct layer *l = k->l;
    struct theirs d;
    const dnnl_dims_t src = {l->n, l->c, l->size, l->size}, dst = {l->n, l->o, k->out, k->out};
    const dnnl_dims_t grouped = {l->groups, l->o / l->groups, l->c / l->groups, l->kernel,
                                 l->kernel};
    const dnnl_dims_t single = {l->o, l->c, l->kernel, l->kernel};
    const bool one = l->groups == 1;
    dnnl_memory_desc_init_by_tag(&d.src, 4, src, dnnl_f32, plain ? dnnl_nchw : dnnl_format_tag_any);
    dnnl_memory_desc_init_by_tag(&d.dst, 4, dst, dnnl_f32, plain ? dnnl_nchw : dnnl_format_tag_any);
    dnnl_memory_desc_init_by_tag(&d.weights, one ? 4 : 5, one ? single : grouped, dnnl_f32,
                                 !plain ? dnnl_format_tag_any
                                 : one  ? dnnl_oihw
                                        : dnnl_goihw);
    return d;
}

/* oneDNN's memory in the layout that the primitive wants; filled from `data` unless it is NULL. */
static dnnl_memory_t memory(struct machine *m, dnnl_primitive_desc_t pd, dnnl_query_t what,
                            const dnnl_memory_desc_t *plain, float *data)
{
    dnnl_memory_t to, from;
    must(dnnl_memory_create(&to, dnnl_primitive_desc_query_md(pd, what, 0), m->engine,
                            DNNL_MEMORY_ALLOCATE),
         "memory");
    if (!data) return to;
    must(dnnl_memory_create(&from, plain, m->engine, data), "memory");
    reorder(m, from, to);
    dnnl_memory_destroy(from);
    return to;
}

static void prepare_onednn(struct work *k, struct machine *m)
{
    const struct layer *l = k->l;
    const struct theirs any = describe(k, false), plain = describe(k, true);
    const dnnl_dims_t strides = {l->stride, l->stride}, pad = {l->pad, l->pad};
    const int64_t over = (k->out - 1) * l->stride + l->kernel - l->size - l->pad;
    const dnnl_dims_t pad_right = {over, over};
    dnnl_convolution_desc_t desc;
    dnnl_primitive_desc_t hint = NULL, pd = NULL;
    must(dnnl_convolution_forward_desc_init(&desc, dnnl_forward_training, dnnl_convolution_direct,
                                            &any.src, &any.weights, NULL, &any.dst, strides, pad,
                                            pad_right),
         "forward");
    must(dnnl_primitive_desc_create(&hint, &desc, NULL, m->engine, NULL), "forward");
    if (k->pass == GRAD_INPUT)
        must(dnnl_convolution_backward_data_desc_init(&desc, dnnl_convolution_direct, &any.src,
                                                      &any.weights, &any.dst, strides, pad,
                                                      pad_right),
             "grad input");
    if (k->pass == GRAD_WEIGHT)
        must(dnnl_convolution_backward_weights_desc_init(&desc, dnnl_convolution_direct, &any.src,
                                                         &any.weights, NULL, &any.dst, strides, pad,
                                                         pad_right),
             "grad weight");
    must(dnnl_primitive_desc_create(&pd, &desc, NULL, m->engine, k->pass == FORWARD ? NULL : hint),
         "convolution");
    static const dnnl_query_t queries[PASSES][3] = {
        {dnnl_query_src_md, dnnl_query_weights_md, dnnl_query_dst_md},
        {dnnl_query_diff_src_md, dnnl_query_weights_md, dnnl_query_diff_dst_md},
        {dnnl_query_src_md, dnnl_query_diff_weights_md, dnnl_query_diff_dst_md}};
    const dnnl_query_t *q = queries[k->pass];
    k->src = memory(m, pd, q[0], &plain.src, k->pass == GRAD_INPUT ? NULL : k->x);
    k->weights = memory(m, pd, q[1], &plain.weights, k->pass == GRAD_WEIGHT ? NULL : k->w);
    k->dst = memory(m, pd, q[2], &plain.dst, k->pass == FORWARD ? NULL : k->y);
    must(dnnl_primitive_create(&k->primitive, pd), "convolution");
    dnnl_primitive_desc_destroy(pd);
    dnnl_primitive_desc_destroy(hint);
}

static void run_onednn(const struct work *k, struct machine *m)
{
    static const int names[PASSES][3] = {{DNNL_ARG_SRC, DNNL_ARG_WEIGHTS, DNNL_ARG_DST},
                                         {DNNL_ARG_DIFF_SRC, DNNL_ARG_WEIGHTS, DNNL_ARG_DIFF_DST},
                                         {DNNL_ARG_SRC, DNNL_ARG_DIFF_WEIGHTS, DNNL_ARG_DIFF_DST}};
    const int *name = names[k->pass];
    dnnl_exec_arg_t args[] = {{name[0], k->src}, {name[1], k->weights}, {name[2], k->dst}};
    must(dnnl_primitive_execute(k->primitive, m->stream, 3, args), "run");
    dnnl_stream_wait(m->stream);
}

/* ---- measurement ------------------------------------------------------------------------------- */

static void run(int rival, const struct work *k, struct machine *m)
{
    if (rival == OURS)
        need(sw_run(k->plan) == SW_OK, sw_error(m->ctx));
    else
        run_onednn(k, m);
}

/* Each result is a sum of K products of numbers below 1. */
static void check(struct work *k, struct machine *m)
{
    const struct layer *l = k->l;
    const int64_t counts[PASSES] = {count_y(k), count_x(l), count_w(l)};
    const struct theirs plain = describe(k, true);
    const dnnl_memory_desc_t *descs[PASSES] = {&plain.dst, &plain.src, &plain.weights};
    dnnl_memory_t from[PASSES] = {k->dst, k->src, k->weights}, to;
    const double terms = flops(k) / 2 / (double)counts[k->pass];
    run(OURS, k, m);
    run(ONEDNN, k, m);
    k->theirs = floats(counts[k->pass]);
    must(dnnl_memory_create(&to, descs[k->pass], m->engine, k->theirs), "memory");
    reorder(m, from[k->pass], to);
    dnnl_memory_destroy(to);
    const float *ours = sw_plan_tensor(k->plan, k->result).data;
    for (int64_t i = 0; i < counts[k->pass]; i++)
        if (!(fabs((double)ours[i] - (double)k->theirs[i]) <= 0x1p-20 * terms + 1e-5))
            die("results differ");
    sw__aligned_free(k->theirs);
}

static int compare(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static double median(double *x, int n)
{
    qsort(x, (size_t)n, sizeof *x, compare);
    return n % 2 ? x[n / 2] : (x[n / 2 - 1] + x[n / 2]) / 2;
}

/* Seconds of one run, the mean of a turn that lasts about 20 ms; the rival's threads go to sleep
 * first. */
static double turn(int rival, const struct work *k, struct machine *m)
{
    struct timespec t = {0, 60000000};
    nanosleep(&t, NULL);
    run(rival, k, m);
    double start = sw__clock_seconds(), took;
    int64_t count = 0;
    do {
        run(rival, k, m);
        count++;
        took = sw__clock_seconds() - start;
    } while (took < 0.02 || count < 3);
    return took / (double)count;
}

static void report(const struct work *k, const double seconds[RIVALS], const struct machine *m)
{
    const struct layer *l = k->l;
    const double ours = flops(k) / seconds[OURS], theirs = flops(k) / seconds[ONEDNN];
    char shape[64];
    snprintf(shape, sizeof shape, "(%d,%d,%d,%d) x (%d,%d,%d,%d)", (int)l->n, (int)l->c,
             (int)l->size, (int)l->size, (int)l->o, (int)(l->c / l->groups), (int)l->kernel,
             (int)l->kernel);
    if (m->json)
        printf("{\"bench\":\"conv_f32\",\"layer\":\"%s\",\"shape\":\"%s\",\"pass\":\"%s\","
               "\"swell\":%.4g,\"onednn\":%.4g,\"ratio\":%.4g,\"gemm\":%.4g}\n",
               l->name, shape, pass_names[k->pass], ours, theirs, ours / theirs, m->gemm);
    else
        printf("%-13s %-34s %-11s %8.1f %8.1f %6.2f %6.0f %% %9.3f ms\n", l->name, shape,
               pass_names[k->pass], ours * 1e-9, theirs * 1e-9, ours / theirs, 100 * ours / m->gemm,
               seconds[OURS] * 1e3);
    fflush(stdout);
}

static void measure(const struct layer *l, enum pass pass, struct machine *m)
{
    struct work k = {.l = l, .pass = pass};
    double seconds[RIVALS][MOST_ROUNDS], medians[RIVALS];
    k.out = (l->size + 2 * l->pad - l->kernel) / l->stride + 1;
    k.x = floats(count_x(l));
    k.w = floats(count_w(l));
    k.y = floats(count_y(&k));
    sw__fill_uniform(k.x, count_x(l), -1, 1, 1, 1);
    sw__fill_uniform(k.w, count_w(l), -1, 1, 1, 2);
    sw__fill_uniform(k.y, count_y(&k), -1, 1, 1, 3);
    prepare_ours(&k, m);
    prepare_onednn(&k, m);
    check(&k, m);
    for (int r = 0; r < m->rounds; r++)
        for (int i = 0; i < RIVALS; i++) seconds[i][r] = turn(i, &k, m);
    for (int i = 0; i < RIVALS; i++) medians[i] = median(seconds[i], m->rounds);
    report(&k, medians, m);
    dnnl_primitive_destroy(k.primitive);
    dnnl_memory_destroy(k.src);
    dnnl_memory_destroy(k.weights);
    dnnl_memory_destroy(k.dst);
    sw_plan_destroy(k.plan);
    sw_graph_destroy(k.graph);
    sw_weights_destroy(k.ws);
    sw__aligned_free(k.x);
    sw__aligned_free(k.w);
    sw__aligned_free(k.y);
}

/* Our matrix product, 1024 cubed: what a convolution can be at best. */
static void measure_gemm(struct machine *m)
{
    const int64_t n = 1024;
    sw_graph *g;
    sw_plan *plan;
    need(sw_graph_create(m->ctx, &g) == SW_OK, "no graph");
    sw_node *a = sw_input(g, "a", SW_F32, SW_SHAPE(n, n)),
            *b = sw_input(g, "b", SW_F32, SW_SHAPE(n, n));
    sw_node *c = sw_matmul(g, a, b, (sw_matmul_options){0});
    need(sw_compile(g, (sw_plan_options){.outputs = &c, .n_outputs = 1}, &plan) == SW_OK,
         sw_error(m->ctx));
    const struct work k = {.plan = plan};
    float *data = floats(2 * n * n);
    sw__fill_uniform(data, 2 * n * n, -1, 1, 1, 4);
    sw_bind(plan, a, data, SW_SHAPE(n, n));
    sw_bind(plan, b, data + n * n, SW_SHAPE(n, n));
    for (int r = 0; r < m->rounds; r++)
        m->gemm = fmax(m->gemm, 2e9 * 1.073741824 / turn(OURS, &k, m));
    sw_plan_destroy(plan);
    sw_graph_destroy(g);
    sw__aligned_free(data);
}

/* POSIX's way round the ban on casting object pointers to functions. */
static void set_openmp_threads(int n)
{
    void (*set)(int);
    void *symbol = dlsym(RTLD_DEFAULT, "omp_set_num_threads");
    if (!symbol) return;
    memcpy(&set, &symbol, sizeof set);
    set(n);
}

int main(int argc, char **argv)
{
    const char *layer = "", *pass = "";
    int threads = sw__cpu()->cores;
    struct machine m = {.rounds = 7};
    for (int i = 1; i < argc; i++) {
        const char *value = i + 1 < argc ? argv[i + 1] : "";
        if (!strcmp(argv[i], "--json"))
            m.json = true;
        else if (!strcmp(argv[i], "--threads"))
            threads = atoi(value), i++;
        else if (!strcmp(argv[i], "--cpu"))
            setenv("SWELL_CPU", value, 1), i++;
        else if (!strcmp(argv[i], "--rounds"))
            m.rounds = atoi(value), i++;
        else if (!strcmp(argv[i], "--layer"))
            layer = value, i++;
        else if (!strcmp(argv[i], "--pass"))
            pass = value, i++;
        else
            die("usage: bench_conv [--json] [--threads N] [--cpu ISA] [--rounds N] [--layer TEXT] "
                "[--pass TEXT]");
    }
    need(m.rounds >= 1 && m.rounds <= MOST_ROUNDS && threads >= 1, "bad number");
    set_openmp_threads(threads);
    need(sw_context_create(&(sw_context_options){.threads = threads}, &m.ctx) == SW_OK,
         "no context");
    must(dnnl_engine_create(&m.engine, dnnl_cpu, 0), "engine");
    must(dnnl_stream_create(&m.stream, m.engine, dnnl_stream_default_flags), "stream");
    measure_gemm(&m);
    if (!m.json)
        printf("%d threads; our matrix product: %.1f GFLOP/s\n%-13s %-34s %-11s %8s %8s %6s %8s\n",
               threads, m.gemm * 1e-9, "layer", "x, w", "pass", "swell", "oneDNN", "ratio",
               "of gemm");
    for (size_t i = 0; i < sizeof layers / sizeof *layers; i++)
        for (int p = 0; p < PASSES; p++)
            if (strstr(layers[i].name, layer) && strstr(pass_names[p], pass))
                measure(&layers[i], (enum pass)p, &m);
    dnnl_stream_destroy(m.stream);
    dnnl_engine_destroy(m.engine);
    sw_context_destroy(m.ctx);
    return 0;
}
