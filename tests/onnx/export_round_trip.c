/* Graphs exported as ONNX models and read again: the same numbers, for the declared batch and a smaller one.
 *
 *     onnx_export [FILTER]         the round trip of each case of export_cases.c, large ones by name only
 *     onnx_export --write FOLDER   <case>.onnx, and beside it inputs and outputs as raw numbers, for another
 *                                  engine to run (onnxruntime_export.cjs) */
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "export_cases.h"

static sw_context *ctx;

/* ---- numbers ------------------------------------------------------------------------------------- */

static size_t bytes_of(const sw_tensor *t)
{
    return (size_t)sw_shape_bytes(&t->shape, t->dtype);
}

/* Floats in [-2,2), integers in 0..3, bytes 0 and 1. */
static void *random_numbers(sw_dtype dtype, sw_shape shape)
{
    static uint32_t state = 1;
    int64_t n = sw_shape_elements(&shape);
    void *data = malloc((size_t)n * 4 + 1);
    for (int64_t i = 0; data && i < n; i++) {
        state = state * 1664525 + 1013904223;
        if (dtype == SW_F32) ((float *)data)[i] = (float)(state >> 8) / (1 << 22) - 2;
        if (dtype == SW_I32) ((int32_t *)data)[i] = (int32_t)(state >> 30);
        if (dtype == SW_U8) ((uint8_t *)data)[i] = (uint8_t)(state >> 31);
    }
    return data;
}

/* How far b is from a, relative to 1 + |a|; infinite where dtype or shape differ. */
static double distance(const sw_tensor *a, const sw_tensor *b)
{
    double most = 0;
    if (a->dtype != b->dtype || !sw_shape_equal(&a->shape, &b->shape)) return INFINITY;
    if (memcmp(a->data, b->data, bytes_of(a)) == 0) return 0;
    if (a->dtype != SW_F32) return INFINITY;
    for (int64_t i = 0; i < sw_shape_elements(&a->shape); i++) {
        double p = (double)((float *)a->data)[i], q = (double)((float *)b->data)[i];
        double off = p == q ? 0 : fabs(p - q) / (1 + fabs(p));
        if (off > most || off != off) most = off != off ? INFINITY : off;
    }
    return most > 0 ? most : 0x1p-60; /* -0 and 0 */
}

/* ---- running -------------------------------------------------------------------------------------- */

static bool failed(const char *name, const char *what)
{
    printf("%s: %s: %s\n", name, what, sw_error(ctx));
    return false;
}

static sw_shape of_batch(const sw_node *x, int64_t batch)
{
    sw_shape s = sw_node_shape(x);
    if (s.rank && s.dim[0] == EXPORT_BATCH) s.dim[0] = batch;
    return s;
}

static bool run(const struct export_graph *e, sw_plan *p, void *const *data, int64_t batch)
{
    for (int i = 0; i < e->n_in; i++)
        if (sw_bind(p, e->in[i], data[i], of_batch(e->in[i], batch)) != SW_OK) return false;
    return sw_run(p) == SW_OK;
}

static bool compile(const struct export_graph *e, sw_plan **p)
{
    return sw_compile(e->g, (sw_plan_options){.outputs = e->out, .n_outputs = e->n_out}, p) ==
           SW_OK;
}

static bool start(struct export_graph *e)
{
    *e = (struct export_graph){0};
    return sw_graph_create(ctx, &e->g) == SW_OK && sw_weights_create(ctx, &e->ws) == SW_OK;
}

static void stop(struct export_graph *e)
{
    sw_graph_destroy(e->g);
    sw_weights_destroy(e->ws);
}

static bool import(const struct export_case *c, const char *path, struct export_graph *e)
{
    sw_onnx *m;
    if (sw_onnx_open(ctx, path, &m) != SW_OK) return failed(c->name, "open");
    e->n_in = sw_onnx_input_count(m);
    e->n_out = sw_onnx_output_count(m);
    bool right = sw_onnx_build(m, e->g, e->ws, EXPORT_BATCH, e->in, e->out) == SW_OK;
    sw_onnx_close(m);
    return right || failed(c->name, "import");
}

static bool same(const struct export_case *c, const struct export_graph *a, sw_plan *p,
                 const struct export_graph *b, sw_plan *q)
{
    for (int o = 0; o < a->n_out; o++) {
        sw_tensor x = sw_plan_tensor(p, a->out[o]), y = sw_plan_tensor(q, b->out[o]);
        double off = distance(&x, &y);
        if (off > (double)c->tolerance) {
            char s[SW_SHAPE_TEXT], t[SW_SHAPE_TEXT];
            printf("%s: output %d: %s %s and %s %s are off by %g\n", c->name, o,
                   sw_dtype_get(x.dtype)->name, sw_shape_text(&x.shape, s),
                   sw_dtype_get(y.dtype)->name, sw_shape_text(&y.shape, t), off);
            return false;
        }
    }
    return true;
}

/* Where both have inputs that nothing reads, neither plan knows them: cases have none. */
static bool round_trip(const struct export_case *c, const char *path)
{
    struct export_graph a, b;
    sw_plan *p, *q;
    void *data[EXPORT_MOST];
    if (!start(&a) || !start(&b)) return failed(c->name, "start");
    c->build(&a);
    sw_onnx_export_options o = {
        .outputs = a.out, .n_outputs = a.n_out, .fixed_batch = c->kind == EXPORT_FIXED};
    if (sw_graph_status(a.g) != SW_OK) return failed(c->name, "build");
    if (sw_onnx_export(a.g, path, o) != SW_OK) return failed(c->name, "export");
    if (!import(c, path, &b)) return false;
    if (!compile(&a, &p) || !compile(&b, &q)) return failed(c->name, "compile");
    const int64_t least = c->kind == EXPORT_FIXED ? EXPORT_BATCH - 1 : 0;
    bool right = a.n_in == b.n_in && a.n_out == b.n_out;
    for (int i = 0; i < a.n_in; i++)
        data[i] = random_numbers(sw_node_dtype(a.in[i]), sw_node_shape(a.in[i]));
    for (int64_t batch = EXPORT_BATCH; right && batch > least; batch--) {
        if (!run(&a, p, data, batch) || !run(&b, q, data, batch)) right = failed(c->name, "run");
        right = right && same(c, &a, p, &b, q);
    }
    for (int i = 0; i < a.n_in; i++) free(data[i]);
    sw_plan_destroy(p);
    sw_plan_destroy(q);
    stop(&a);
    stop(&b);
    return right;
}

/* ---- for others ------------------------------------------------------------------------------------ */

static bool write_raw(const char *folder, const char *name, const sw_tensor *t)
{
    char path[512];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    FILE *f = fopen(path, "wb");
    bool right = f && fwrite(t->data, 1, bytes_of(t), f) == bytes_of(t);
    return f && fclose(f) == 0 && right;
}

/* One line of a list: "<case> <tolerance> in <name> <dtype> <dims> ... out ..." is spelt in JSON. */
static bool describe(FILE *list, const struct export_case *c, const char *folder, const char *kind,
                     int i, const sw_tensor *t)
{
    char name[80];
    snprintf(name, sizeof name, "%s.%s%d", c->name, kind, i);
    fprintf(list, "%s{\"file\":\"%s\",\"dtype\":\"%s\",\"shape\":[", i ? "," : "", name,
            sw_dtype_get(t->dtype)->name);
    for (int d = 0; d < t->shape.rank; d++)
        fprintf(list, "%s%" PRId64, d ? "," : "", t->shape.dim[d]);
    fprintf(list, "]}");
    return write_raw(folder, name, t);
}

static bool write_case(const struct export_case *c, const char *folder, FILE *list, bool first)
{
    struct export_graph a;
    char path[512];
    sw_plan *p;
    void *data[EXPORT_MOST];
    bool right = true;
    if (!start(&a)) return failed(c->name, "start");
    c->build(&a);
    snprintf(path, sizeof path, "%s/%s.onnx", folder, c->name);
    sw_onnx_export_options o = {
        .outputs = a.out, .n_outputs = a.n_out, .fixed_batch = c->kind == EXPORT_FIXED};
    if (sw_onnx_export(a.g, path, o) != SW_OK || !compile(&a, &p)) return failed(c->name, "export");
    int64_t batch = c->kind == EXPORT_FIXED ? EXPORT_BATCH : EXPORT_BATCH - 1;
    for (int i = 0; i < a.n_in; i++)
        data[i] = random_numbers(sw_node_dtype(a.in[i]), sw_node_shape(a.in[i]));
    if (!run(&a, p, data, batch)) return failed(c->name, "run");
    fprintf(list, "%s{\"name\":\"%s\",\"in\":[", first ? "" : ",\n", c->name);
    for (int i = 0; i < a.n_in; i++) {
        sw_tensor t = {data[i], sw_node_dtype(a.in[i]), of_batch(a.in[i], batch)};
        right &= describe(list, c, folder, "in", i, &t);
    }
    fprintf(list, "],\"out\":[");
    for (int i = 0; i < a.n_out; i++) {
        sw_tensor t = sw_plan_tensor(p, a.out[i]);
        right &= describe(list, c, folder, "out", i, &t);
    }
    fprintf(list, "]}");
    for (int i = 0; i < a.n_in; i++) free(data[i]);
    sw_plan_destroy(p);
    stop(&a);
    return right;
}

/* A network in bytes: what we write, and what our own importer makes of it on other inputs than those that
 * it was calibrated with.  Its roundings are another engine's up to a level here and there. */
static bool write_bytes(const char *folder, FILE *list)
{
    const struct export_case c = {"in_bytes", NULL, 0.02f, EXPORT_OPEN};
    const sw_image_network *n = sw_image_network_find("cifarnet");
    const int64_t samples = 16;
    struct export_graph a, b;
    char path[512];
    sw_plan *p;
    if (!start(&a) || !start(&b)) return failed(c.name, "start");
    a.in[0] = sw_input(a.g, "images", SW_F32, SW_SHAPE(EXPORT_BATCH, 3, 32, 32));
    a.out[0] = sw_softmax(a.g, n->logits(a.g, a.ws, a.in[0], &(sw_image_options){0}), 1);
    snprintf(path, sizeof path, "%s/%s.onnx", folder, c.name);
    float *numbers = random_numbers(SW_F32, SW_SHAPE(samples, 3, 32, 32));
    void *data = random_numbers(SW_F32, SW_SHAPE(EXPORT_BATCH, 3, 32, 32));
    sw_onnx_quantise_report report;
    const sw_onnx_quantise_options q = {.input = a.in[0], .samples = numbers, .n_samples = samples};
    const sw_onnx_export_options o = {.outputs = a.out, .n_outputs = 1};
    if (sw_onnx_quantise(a.g, path, o, &q, &report) != SW_OK) return failed(c.name, "quantise");
    if (!import(&c, path, &b) || !compile(&b, &p)) return failed(c.name, "import");
    if (!run(&b, p, &data, EXPORT_BATCH)) return failed(c.name, "run");
    sw_tensor in = {data, SW_F32, sw_node_shape(b.in[0])}, out = sw_plan_tensor(p, b.out[0]);
    fprintf(list, ",\n{\"name\":\"%s\",\"tolerance\":%g,\"in\":[", c.name, (double)c.tolerance);
    bool right = describe(list, &c, folder, "in", 0, &in);
    fprintf(list, "],\"out\":[");
    right = describe(list, &c, folder, "out", 0, &out) && right && report.whole == 0;
    fprintf(list, "]}");
    free(numbers);
    free(data);
    sw_plan_destroy(p);
    stop(&a);
    stop(&b);
    return right;
}

static int write_all(const char *folder)
{
    char path[512];
    snprintf(path, sizeof path, "%s/cases.json", folder);
    FILE *list = fopen(path, "w");
    if (!list) return 1;
    fprintf(list, "[");
    for (int i = 0; i < export_case_count; i++)
        if (!write_case(&export_cases[i], folder, list, i == 0)) return 1;
    if (!write_bytes(folder, list)) return 1;
    fprintf(list, "]\n");
    return fclose(list) != 0;
}

int main(int argc, char **argv)
{
    char folder[] = "/tmp/onnx_export_XXXXXX", path[64];
    int wrong = 0, all = 0;
    if (sw_context_create(&(sw_context_options){.threads = 1}, &ctx) != SW_OK) return 1;
    if (argc == 3 && strcmp(argv[1], "--write") == 0) {
        wrong = write_all(argv[2]);
        sw_context_destroy(ctx);
        return wrong;
    }
    if (!mkdtemp(folder)) return 1;
    snprintf(path, sizeof path, "%s/m.onnx", folder);
    for (int i = 0; i < export_case_count; i++) {
        if (argc > 1 ? !strstr(export_cases[i].name, argv[1])
                     : export_cases[i].kind == EXPORT_LARGE)
            continue;
        all++;
        wrong += !round_trip(&export_cases[i], path);
    }
    unlink(path);
    rmdir(folder);
    printf("%d cases, %d wrong\n", all, wrong);
    sw_context_destroy(ctx);
    return wrong > 0;
}
