/* Builds a model, runs it on each of its data sets, and compares with the stored results: as ONNX's own
 * runner does, |y - y'| <= 1e-7 + 1e-3 |y'| for floats, equal otherwise.
 *
 * Inputs are given at run time.  Where the importer says that it must know one before (the shape operand
 * of a Reshape), it is fixed, and the model built again. */
#include "backend_case.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "base/memory.h"
#include "format/onnx/onnx_import.h"

#define MOST 64

struct run {
    sw_context *ctx;
    sw_onnx *model;
    sw_graph *graph;
    sw_weights *weights;
    sw_plan *plan;
    struct sw_arena arena;
    struct sw_onnx_tensor in[MOST], want[MOST];
    int n_in, n_want;
    sw_node *in_node[MOST], *out_node[MOST];
    char *text;
    size_t size;
};

static enum outcome say(struct run *r, enum outcome o, const char *what)
{
    snprintf(r->text, r->size, "%s", what);
    return o;
}

/* The tensors <kind>_0.pb, <kind>_1.pb ...; -1: one is malformed, or no tensor. */
static int load(struct run *r, const char *folder, const char *kind, struct sw_onnx_tensor *out)
{
    int n = 0;
    for (; n < MOST; n++) {
        char path[1024];
        struct sw_mapping map;
        snprintf(path, sizeof path, "%s/%s_%d.pb", folder, kind, n);
        if (sw__map_file(path, &map) != SW_OK) break;
        sw_status status = sw__onnx_tensor_parse(r->ctx, path, map.data, map.size, &r->arena,
                                                 &out[n]);
        sw__unmap_file(&map);
        if (status != SW_OK) return -1;
    }
    return n;
}

/* The numbers as plans take them. */
static void *plan_numbers(struct run *r, const struct sw_onnx_tensor *t, sw_dtype dtype)
{
    size_t bytes = (size_t)sw_dtype_get(dtype)->block_bytes;
    char *data = sw__arena_alloc(&r->arena, (size_t)t->n * bytes + 64);
    for (int64_t i = 0; data && i < t->n; i++) {
        int64_t x = dtype == SW_I32 ? sw__onnx_get_i(t, i) : 0;
        if (dtype == SW_F32)
            ((float *)(void *)data)[i] = (float)sw__onnx_get_f(t, i);
        else if (dtype != SW_I32)
            memcpy(data + (size_t)i * bytes, (const char *)t->data + (size_t)i * bytes, bytes);
        else
            ((int32_t *)(void *)data)[i] = (int32_t)x;
    }
    return data;
}

static bool same(const struct sw_onnx_tensor *want, const sw_tensor *got, int64_t i)
{
    struct sw_onnx_tensor t = {want->type, want->shape, want->n, got->data};
    if (got->dtype == SW_I32) t.type = SW_ONNX_INT32;
    if (got->dtype == SW_F32) t.type = SW_ONNX_FLOAT;
    if (got->dtype == SW_DTYPE_COUNT) t.type = want->type;
    if (!sw__onnx_is_float(want->type)) return sw__onnx_get_i(&t, i) == sw__onnx_get_i(want, i);
    double x = sw__onnx_get_f(&t, i), y = sw__onnx_get_f(want, i);
    return x == y || (x != x && y != y) || fabs(x - y) <= 1e-7 + 1e-3 * fabs(y);
}

/* What was computed, at run time or already while building. */
static sw_tensor result(const struct run *r, int o)
{
    sw_tensor got = {.dtype = SW_DTYPE_COUNT}; /* of ONNX's type */
    got.data = (void *)sw_onnx_known(r->model, o, &got.shape);
    return got.data ? got : sw_plan_tensor(r->plan, r->out_node[o]);
}

static enum outcome compare(struct run *r)
{
    char what[256];
    for (int o = 0; o < r->n_want; o++) {
        sw_tensor got = result(r, o);
        if (!sw_shape_equal(&got.shape, &r->want[o].shape)) {
            char a[SW_SHAPE_TEXT], b[SW_SHAPE_TEXT];
            snprintf(what, sizeof what, "output %d is %s, not %s", o, sw_shape_text(&got.shape, a),
                     sw_shape_text(&r->want[o].shape, b));
            return say(r, CASE_WRONG, what);
        }
        for (int64_t i = 0; i < r->want[o].n; i++)
            if (!same(&r->want[o], &got, i)) {
                snprintf(what, sizeof what,
                         "output %d differs at %lld: want %.9g, first numbers %g", o, (long long)i,
                         sw__onnx_get_f(&r->want[o], i),
                         got.dtype == SW_F32 ? (double)((const float *)got.data)[i] : NAN);
                return say(r, CASE_WRONG, what);
            }
    }
    return CASE_PASS;
}

static void clear(struct run *r)
{
    sw_plan_destroy(r->plan);
    sw_graph_destroy(r->graph);
    sw_weights_destroy(r->weights);
    r->plan = NULL;
    r->graph = NULL;
    r->weights = NULL;
}

/* A graph with inputs of the sizes of the data. */
static sw_status build(struct run *r, const bool *fixed)
{
    clear(r);
    memset(r->in_node, 0, sizeof r->in_node);
    sw_status status = sw_graph_create(r->ctx, &r->graph);
    if (status == SW_OK) status = sw_weights_create(r->ctx, &r->weights);
    for (int i = 0; status == SW_OK && i < r->n_in; i++) {
        sw_onnx_value x = sw_onnx_input(r->model, i);
        /* Four cases have data of another rank than the model says, of which only the type is read. */
        bool same_rank = x.shape.rank < 0 || x.shape.rank == r->in[i].shape.rank;
        if (!fixed[i] && x.dtype != SW_DTYPE_COUNT)
            r->in_node[i] = sw_input(r->graph, x.name, x.dtype,
                                     same_rank ? r->in[i].shape : x.shape);
    }
    if (status == SW_OK)
        status = sw_onnx_build(r->model, r->graph, r->weights, 1, r->in_node, r->out_node);
    return status;
}

static enum outcome run(struct run *r)
{
    sw_node *out[MOST];
    sw_shape shape;
    int n = 0;
    for (int o = 0; o < r->n_want; o++)
        if (!sw_onnx_known(r->model, o, &shape)) out[n++] = r->out_node[o];
    if (!n) return compare(r);
    sw_status status = sw_compile(r->graph, (sw_plan_options){.outputs = out, .n_outputs = n},
                                  &r->plan);
    for (int i = 0; status == SW_OK && i < r->n_in; i++) {
        if (!r->in_node[i]) continue;
        void *data = plan_numbers(r, &r->in[i], sw_node_dtype(r->in_node[i]));
        if (sw_bind(r->plan, r->in_node[i], data, r->in[i].shape) == SW_ERR_SHAPE)
            return say(r, CASE_WRONG, sw_error(r->ctx));
    }
    if (status == SW_OK) status = sw_run(r->plan);
    return status == SW_OK ? compare(r) : say(r, CASE_WRONG, sw_error(r->ctx));
}

static enum outcome data_set(struct run *r, const char *folder)
{
    bool fixed[MOST] = {false};
    r->n_in = load(r, folder, "input", r->in);
    r->n_want = load(r, folder, "output", r->want);
    if (r->n_in < 0 || r->n_want < 0) { /* texts, sequences: the model must be refused */
        r->n_in = 0;
        return build(r, fixed) == SW_OK ? say(r, CASE_WRONG, "reads what is no tensor")
                                        : say(r, CASE_REFUSED, sw_error(r->ctx));
    }
    if (r->n_in != sw_onnx_input_count(r->model) || r->n_want > sw_onnx_output_count(r->model))
        return say(r, CASE_WRONG, "not as many inputs or outputs as files");
    bool exact = true; /* what f32 and i32 cannot hold is computed while building */
    for (int i = 0; i < r->n_in; i++) exact = exact && sw__onnx_representable(&r->in[i]);
    for (int i = 0; !exact && i < r->n_in; i++)
        fixed[i] = sw_onnx_fix(r->model, i, r->in[i].shape, r->in[i].data) == SW_OK;
    while (build(r, fixed) != SW_OK) {
        int wanted = sw_onnx_wanted(r->model);
        if (wanted < 0 || fixed[wanted] ||
            sw_onnx_fix(r->model, wanted, r->in[wanted].shape, r->in[wanted].data) != SW_OK)
            return say(r, CASE_REFUSED, sw_error(r->ctx));
        fixed[wanted] = true;
    }
    return run(r);
}

enum outcome backend_case(sw_context *ctx, const char *folder, char *text, size_t size)
{
    struct run r = {.ctx = ctx, .text = text, .size = size};
    char path[1024];
    enum outcome o = CASE_PASS;
    *text = 0;
    for (int set = 0; o == CASE_PASS; set++) {
        struct sw_mapping map;
        snprintf(path, sizeof path, "%s/test_data_set_%d/output_0.pb", folder, set);
        if (sw__map_file(path, &map) != SW_OK) {
            if (set == 0) o = say(&r, CASE_WRONG, "no data set");
            break;
        }
        sw__unmap_file(&map);
        snprintf(path, sizeof path, "%s/model.onnx", folder);
        if (sw_onnx_open(ctx, path, &r.model) != SW_OK) {
            o = say(&r, CASE_REFUSED, sw_error(ctx));
            break;
        }
        snprintf(path, sizeof path, "%s/test_data_set_%d", folder, set);
        if (sw_onnx_input_count(r.model) > MOST || sw_onnx_output_count(r.model) > MOST)
            o = say(&r, CASE_REFUSED, "too many inputs");
        else
            o = data_set(&r, path);
        clear(&r);
        sw_onnx_close(r.model);
        sw__arena_free(&r.arena);
        r.arena = (struct sw_arena){0};
    }
    sw__arena_free(&r.arena);
    return o;
}
