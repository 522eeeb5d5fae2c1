/* Post-training quantisation: from a graph in f32 and sample inputs to an ONNX model in bytes (Jacob et al.
 * 2018, section 2; the file's form is ONNX Runtime's "QDQ").
 *
 *     copy        the graph to ONNX and back, in memory: so normalisations are folded into convolutions
 *     layers      what can work on bytes, and which values are rounded for it (onnx_quantise_plan.c)
 *     measure     the samples run in f32: ranges of values (onnx_calibrate.c), and the outputs to be met
 *     round       scales of values, weights and biases (onnx_quantise_weights.c)
 *     judge       the model in bytes, to memory and back, runs the samples: how often does it agree?
 *     keep        as long as that is not enough, the layer whose rounding alone does most harm stays f32
 *
 * Nothing is learned: no gradient, no label. */
#include "format/onnx/onnx_quantise.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <swell/plan.h>
#include "base/size.h"

#define BATCH 8

/* ---- copies of graphs ------------------------------------------------------------------------------------- */

/* A model read from memory. */
struct copy {
    sw_graph *g;
    sw_weights *ws;
    sw_node *in, **out;
};

static void copy_free(struct copy *c)
{
    sw_graph_destroy(c->g);
    sw_weights_destroy(c->ws);
    free(c->out);
}

/* From bytes of a file; the copy does not need them afterwards. */
static sw_status copy_read(sw_context *ctx, const char *path, const uint8_t *data, size_t size,
                           sw_shape input, struct copy *out)
{
    sw_onnx *m = NULL;
    sw_status status = sw_onnx_parse(ctx, path, data, size, &m);
    if (status == SW_OK) status = sw_graph_create(ctx, &out->g);
    if (status == SW_OK) status = sw_weights_create(ctx, &out->ws);
    if (status == SW_OK && sw_onnx_input_count(m) != 1)
        status = sw__fail(ctx, SW_ERR_UNSUPPORTED, "%s: %d inputs; one can be quantised", path,
                          sw_onnx_input_count(m));
    if (status == SW_OK) {
        out->out = sw__calloc2((size_t)sw_onnx_output_count(m), sizeof *out->out);
        input.dim[0] = BATCH;
        out->in = sw_input(out->g, sw_onnx_input(m, 0).name, SW_F32, input);
        status = out->out ? sw_onnx_build(m, out->g, out->ws, BATCH, &out->in, out->out)
                          : sw__fail(ctx, SW_ERR_MEMORY, "%s: out of memory", path);
    }
    sw_onnx_close(m);
    return status;
}

/* ---- judging ------------------------------------------------------------------------------------------------ */

struct verdict {
    double agreement, noise;
};

static int64_t greatest(const float *x, int64_t n)
{
    int64_t best = 0;
    for (int64_t i = 1; i < n; i++)
        if (x[i] > x[best]) best = i;
    return best;
}

static struct verdict compare(const struct sw_onnx_quantiser *q, const float *got)
{
    double off = 0, all = 0;
    int64_t same = 0;
    for (int64_t i = 0; i < q->o->n_samples; i++) {
        const float *a = q->wanted + i * q->width, *b = got + i * q->width;
        same += greatest(a, q->width) == greatest(b, q->width);
        for (int64_t k = 0; k < q->width; k++) {
            const double d = (double)a[k] - (double)b[k];
            off += d * d;
            all += (double)a[k] * (double)a[k];
        }
    }
    return (struct verdict){(double)same / (double)q->o->n_samples, off / fmax(all, 1e-300)};
}

/* Output 0 of all samples, by a copy. */
static sw_status run_copy(const struct sw_onnx_quantiser *q, const struct copy *c, float *got)
{
    sw_plan *p = NULL;
    sw_shape shape = sw_node_shape(c->in);
    const int64_t each = sw_shape_elements(&shape) / shape.dim[0];
    sw_status status = sw_compile(c->g, (sw_plan_options){.outputs = c->out, .n_outputs = 1}, &p);
    for (int64_t at = 0; status == SW_OK && at < q->o->n_samples; at += BATCH) {
        shape.dim[0] = sw__min64(BATCH, q->o->n_samples - at);
        status = sw_bind(p, c->in, (void *)(q->o->samples + at * each), shape);
        if (status == SW_OK) status = sw_run(p);
        if (status == SW_OK)
            memcpy(got + at * q->width, sw_plan_tensor(p, c->out[0]).data,
                   (size_t)(shape.dim[0] * q->width) * sizeof *got);
    }
    sw_plan_destroy(p);
    return status;
}

/* Round what the layers that are not `whole` ask for, and see what becomes of the outputs. */
static sw_status judge(struct sw_onnx_quantiser *q, struct verdict *out)
{
    struct copy c = {0};
    uint8_t *data = NULL;
    size_t size;
    sw_onnx_export_options o = {.outputs = q->out, .n_outputs = q->n_out};
    float *got = sw__calloc2((size_t)(q->o->n_samples * q->width), sizeof *got);
    sw__quantise_mark(q);
    sw_status status = got ? sw__quantise_activations(q)
                           : sw__fail(q->ctx, SW_ERR_MEMORY, "%s: out of memory", q->path);
    if (status == SW_OK) status = sw__quantise_weights(q);
    if (status == SW_OK) status = sw__onnx_export_memory(q->g, q->path, &o, q->bytes, &data, &size);
    if (status == SW_OK) status = copy_read(q->ctx, q->path, data, size, sw_node_shape(q->in), &c);
    if (status == SW_OK) status = run_copy(q, &c, got);
    if (status == SW_OK) *out = compare(q, got);
    copy_free(&c);
    free(data);
    free(got);
    return status;
}

/* How much noise each layer makes alone. */
static sw_status find_sensitive(struct sw_onnx_quantiser *q)
{
    struct verdict v;
    sw_status status = SW_OK;
    for (int i = 0; status == SW_OK && i < q->n_layers; i++) {
        for (int k = 0; k < q->n_layers; k++) q->layers[k].whole = k != i;
        status = judge(q, &v);
        q->layers[i].noise = v.noise;
    }
    for (int i = 0; i < q->n_layers; i++) q->layers[i].whole = false;
    return status;
}

static sw_status keep_sensitive(struct sw_onnx_quantiser *q, struct verdict *v)
{
    sw_status status = judge(q, v);
    if (status != SW_OK || v->agreement >= q->o->agreement) return status;
    status = find_sensitive(q);
    for (int n = 0; status == SW_OK && n < q->n_layers; n++) {
        struct sw_onnx_layer *worst = NULL;
        for (int i = 0; i < q->n_layers; i++)
            if (!q->layers[i].whole && (!worst || q->layers[i].noise > worst->noise))
                worst = &q->layers[i];
        worst->whole = true;
        status = judge(q, v);
        if (v->agreement >= q->o->agreement) break;
    }
    return status;
}

/* ---- the whole ------------------------------------------------------------------------------------------------ */

static sw_status check(sw_graph *g, const char *path, const sw_onnx_export_options *o,
                       const sw_onnx_quantise_options *q)
{
    if (!q->input || q->input->graph != g || q->input->leaf != SW_LEAF_INPUT ||
        q->input->dtype != SW_F32 || q->input->shape.rank < 2 || q->n_samples < 1 || !q->samples ||
        o->half || o->n_outputs < 1)
        return sw__fail(g->ctx, SW_ERR_ARGUMENT,
                        "%s: to quantise needs one input of f32, samples, outputs, and no f16",
                        path);
    return SW_OK;
}

/* The graph to ONNX and back. */
static sw_status make_copy(struct sw_onnx_quantiser *q, sw_graph *g,
                           const sw_onnx_export_options *options, struct copy *c)
{
    sw_onnx_export_options o = *options;
    uint8_t *data = NULL;
    size_t size;
    o.metadata = NULL;
    sw_status status = sw__onnx_export_memory(g, q->path, &o, NULL, &data, &size);
    if (status == SW_OK)
        status = copy_read(q->ctx, q->path, data, size, sw_node_shape(q->o->input), c);
    free(data);
    if (status != SW_OK) return status;
    const sw_shape y = sw_node_shape(c->out[0]);
    if (sw_node_dtype(c->out[0]) != SW_F32 || y.rank < 1 || y.dim[0] != BATCH)
        return sw__fail(q->ctx, SW_ERR_UNSUPPORTED, "%s: output 0 is no f32 row a sample", q->path);
    q->g = c->g;
    q->ws = c->ws;
    q->in = c->in;
    q->out = c->out;
    q->n_out = o.n_outputs;
    q->batch = BATCH;
    q->width = sw_shape_elements(&y) / BATCH;
    q->n_values = c->g->n_nodes;
    q->values = sw__arena_alloc(&q->arena, (size_t)q->n_values * sizeof *q->values);
    q->bytes = sw__arena_alloc(&q->arena, (size_t)q->n_values * sizeof *q->bytes);
    q->wanted = sw__calloc2((size_t)(q->o->n_samples * q->width), sizeof *q->wanted);
    if (!q->values || !q->bytes || !q->wanted)
        return sw__fail(q->ctx, SW_ERR_MEMORY, "%s: out of memory", q->path);
    return SW_OK;
}

sw_status sw_onnx_quantise(sw_graph *g, const char *path, sw_onnx_export_options options,
                           const sw_onnx_quantise_options *qo, sw_onnx_quantise_report *report)
{
    struct copy c = {0};
    struct verdict v = {0};
    sw_status status = sw_graph_status(g);
    if (status == SW_OK) status = check(g, path, &options, qo);
    if (status != SW_OK) return status;
    struct sw_onnx_quantiser q = {.ctx = g->ctx, .path = path, .o = qo};
    status = make_copy(&q, g, &options, &c);
    if (status == SW_OK) status = sw__quantise_find_layers(&q);
    if (status == SW_OK) sw__quantise_mark(&q);
    if (status == SW_OK) status = sw__quantise_measure(&q);
    if (status == SW_OK) status = keep_sensitive(&q, &v);
    if (status == SW_OK) {
        options.outputs = q.out;
        status = sw__onnx_export_bytes(q.g, path, &options, q.bytes);
    }
    if (status == SW_OK && report) {
        *report = (sw_onnx_quantise_report){q.n_layers, 0, v.agreement, v.noise};
        for (int i = 0; i < q.n_layers; i++) report->whole += q.layers[i].whole;
    }
    free(q.wanted);
    sw__arena_free(&q.arena);
    copy_free(&c);
    return status;
}
