/* The built-in networks, files that say which of them they are, and ONNX files.
 *
 * Opening and planning are two steps: a file whose tensors belong to no network that is built in can
 * still be listed. */
#include "cli/network.h"

#include <stdlib.h>
#include <string.h>

#include "alexnet/networks.h"

bool network_recompute(const struct verb *verb, const char *text, sw_recompute *out)
{
    static const char *const names[] = {"none", "cheap", "kept"};
    for (int i = 0; i < 3; i++)
        if (strcmp(text, names[i]) == 0) {
            *out = (sw_recompute)i;
            return true;
        }
    cli_fail(verb, "--recompute %s: none, cheap or kept", text);
    return false;
}

static bool has_suffix(const char *s, const char *suffix)
{
    size_t n = strlen(s), m = strlen(suffix);
    return n >= m && strcmp(s + n - m, suffix) == 0;
}

/* ---- open -------------------------------------------------------------------------------------- */

/* "alexnet, convnet" into text. */
static const char *names(char *text, size_t size)
{
    size_t used = 0;
    const sw_image_network *net;
    for (int i = 0; (net = sw_image_network_at(i)) && used < size; i++)
        used += (size_t)snprintf(text + used, size - used, "%s%s", i ? ", " : "", net->name);
    return text;
}

int network_open(const struct verb *verb, struct network *n, const struct network_options *o,
                 int threads)
{
    const bool onnx = has_suffix(o->name, ".onnx");
    const bool torch = has_suffix(o->name, ".pth") || has_suffix(o->name, ".pt");
    const bool weights = torch || has_suffix(o->name, ".safetensors");
    const bool mapped = !torch && !o->training; /* PyTorch's need not lie in rows, or aligned */
    char known[512];
    *n = (struct network){.known = onnx || weights ? NULL : sw_image_network_find(o->name)};
    if (!onnx && !weights && !n->known)
        return cli_fail(
            verb, "'%s' is neither a network (%s) nor a .safetensors, .pth, .onnx or .gguf file",
            o->name, names(known, sizeof known));
    if (onnx && o->training)
        return cli_fail(verb, "%s: --training is for networks that are built in", o->name);
    n->ctx = cli_context(verb, threads, NULL);
    if (!n->ctx) return 1;
    if (sw_weights_create(n->ctx, &n->ws) != SW_OK || sw_graph_create(n->ctx, &n->graph) != SW_OK ||
        (weights && sw_weights_load(n->ctx, n->ws, o->name, mapped, NULL) != SW_OK) ||
        (onnx && sw_onnx_open(n->ctx, o->name, &n->onnx) != SW_OK))
        return cli_fail(verb, "%s", sw_error(n->ctx));
    if (n->known)
        n->size = (sw_image_sizes){n->known->channels, n->known->side ? n->known->side : 28,
                                   n->known->classes};
    else if (weights)
        n->known = sw_image_network_of(n->ws, &n->size);
    return 0;
}

/* ---- build ------------------------------------------------------------------------------------- */

static int fail(const struct verb *verb, const struct network *n, const struct network_options *o)
{
    return cli_fail(verb, "%s: %s", o->name, sw_error(n->ctx));
}

static int build_known(const struct verb *verb, struct network *n, const struct network_options *o)
{
    const int64_t side = n->size.side;
    if (sw__image_weights_widen(n->ctx, o->name, n->ws, &n->wide) != SW_OK)
        return cli_fail(verb, "%s", sw_error(n->ctx));
    sw_node *images = sw_input(n->graph, "images", SW_F32,
                               SW_SHAPE(n->batch, n->size.channels, side, side));
    const sw_image_options how = {.classes = n->size.classes, .training = o->training};
    n->inputs[n->n_inputs++] = images;
    n->outputs[n->n_outputs++] = n->known->logits(n->graph, n->wide ? n->wide : n->ws, images,
                                                  &how);
    return sw_graph_status(n->graph) == SW_OK ? 0 : fail(verb, n, o);
}

/* Inputs with the shapes of the file, where the first dimension is the batch if it is open, or if the
 * batch was asked for. */
static int build_onnx(const struct verb *verb, struct network *n, const struct network_options *o)
{
    sw_node *out[NETWORK_OUTPUTS];
    sw_shape shape;
    const int outputs = sw_onnx_output_count(n->onnx);
    n->n_inputs = sw_onnx_input_count(n->onnx);
    if (n->n_inputs > NETWORK_INPUTS || outputs > NETWORK_OUTPUTS) {
        const int inputs = n->n_inputs;
        n->n_inputs = 0;
        return cli_fail(verb, "%s: %d inputs and %d outputs: at most %d and %d are measured",
                        o->name, inputs, outputs, NETWORK_INPUTS, NETWORK_OUTPUTS);
    }
    for (int i = 0; i < n->n_inputs; i++) {
        sw_onnx_value v = sw_onnx_input(n->onnx, i);
        if (v.shape.rank < 1 || v.dtype == SW_DTYPE_COUNT) continue; /* the importer says why not */
        if (v.shape.dim[0] < 0 || o->batch) v.shape.dim[0] = n->batch;
        if (i == 0) n->batch = v.shape.dim[0];
        for (int d = 1; d < v.shape.rank; d++)
            if (v.shape.dim[d] < 0)
                return cli_fail(verb, "%s: dimension %d of input '%s' is open", o->name, d, v.name);
        n->inputs[i] = sw_input(n->graph, v.name, v.dtype, v.shape);
    }
    if (sw_onnx_build(n->onnx, n->graph, n->ws, n->batch, n->inputs, out) != SW_OK)
        return cli_fail(verb, "%s", sw_error(n->ctx));
    for (int i = 0; i < outputs; i++) /* those that depend on an input */
        if (!sw_onnx_known(n->onnx, i, &shape)) n->outputs[n->n_outputs++] = out[i];
    return n->n_outputs ? 0 : cli_fail(verb, "%s: its outputs depend on no input", o->name);
}

/* Random numbers, the same as other programs can make: byte i of a multiplicative hash. */
static int bind(const struct verb *verb, struct network *n, const struct network_options *o)
{
    for (int j = 0; j < n->n_inputs; j++) {
        const sw_shape shape = sw_node_shape(n->inputs[j]);
        const sw_dtype dtype = sw_node_dtype(n->inputs[j]);
        const int64_t count = sw_shape_elements(&shape);
        float *x = calloc((size_t)sw_shape_bytes(&shape, dtype) + 1, 1);
        n->data[j] = x;
        if (!x) return cli_fail(verb, "out of memory");
        for (int64_t i = 0; dtype == SW_F32 && i < count; i++)
            x[i] = (float)((i * 2654435761u) >> 16 & 255) / 128.0f - 1;
        const sw_status status = sw_bind(n->plan, n->inputs[j], x, shape);
        if (status != SW_OK && status != SW_ERR_ARGUMENT) /* an input that nothing reads */
            return fail(verb, n, o);
    }
    return 0;
}

/* The optimiser of 2012; a rate that leaves the weights where they are. */
static int plan_training(const struct verb *verb, struct network *n,
                         const struct network_options *o)
{
    sw_node *labels = sw_input(n->graph, "labels", SW_I32, SW_SHAPE(n->batch));
    sw_node *loss = sw_cross_entropy(n->graph, n->outputs[0], labels,
                                     (sw_cross_entropy_options){0});
    const sw_trainer_options t = {.optimizer = {.kind = SW_SGD, .weight_decay = 5e-4f},
                                  .schedule = {.rate = 1e-6f},
                                  .recompute = o->recompute};
    n->inputs[n->n_inputs++] = labels;
    if (sw_trainer_create(n->graph, n->wide ? n->wide : n->ws, loss, t, &n->trainer) != SW_OK)
        return fail(verb, n, o);
    n->plan = sw_trainer_plan(n->trainer);
    return 0;
}

/* A batch in parts: where pictures are rows of the one input and of all outputs. */
static int choose_parts(const struct verb *verb, struct network *n, const struct network_options *o)
{
    bool rows = !n->trainer && n->n_inputs == 1 && sw_node_shape(n->inputs[0]).dim[0] == n->batch;
    for (int i = 0; i < n->n_outputs && rows; i++) {
        const sw_shape shape = sw_node_shape(n->outputs[i]);
        rows = shape.rank > 1 && shape.dim[0] == n->batch;
    }
    n->flops = sw_plan_get_stats(n->plan).flops;
    n->at_once = n->batch;
    if (rows) n->at_once = o->at_once ? o->at_once : sw_plan_rows_at_once(n->plan, n->batch);
    const bool uneven = o->alike && n->batch % n->at_once;
    if (n->at_once > n->batch || (o->at_once && (!rows || uneven)))
        return cli_fail(verb, "--at-once %lld: %s", (long long)o->at_once,
                        !rows                   ? "this runs whole batches only"
                        : n->at_once > n->batch ? "the batch has fewer"
                                                : "a profile is of equal parts");
    if (uneven) n->at_once = n->batch;
    return 0;
}

int network_plan(const struct verb *verb, struct network *n, const struct network_options *o)
{
    n->batch = o->batch ? o->batch : 1;
    if (!n->known && !n->onnx)
        return cli_fail(verb, "%s: its tensors are of no network that this program has", o->name);
    if (o->bf16) sw_graph_compute(n->graph, SW_BF16);
    int status = n->onnx ? build_onnx(verb, n, o) : build_known(verb, n, o);
    if (status) return status;
    if (!o->training && sw_graph_fold_norms(n->graph) != SW_OK) return fail(verb, n, o);
    sw_plan_options p = {.outputs = n->outputs,
                         .n_outputs = n->n_outputs,
                         .recompute = o->recompute,
                         .name = o->name};
    if (o->training)
        status = plan_training(verb, n, o);
    else if (sw_compile(n->graph, p, &n->plan) != SW_OK)
        status = fail(verb, n, o);
    if (!status) status = choose_parts(verb, n, o);
    return status ? status : bind(verb, n, o);
}

sw_status network_run(struct network *n)
{
    if (n->trainer) return sw_trainer_step(n->trainer, NULL);
    if (n->at_once == n->batch) return sw_run(n->plan);
    const sw_shape shape = sw_node_shape(n->inputs[0]);
    const int64_t row = sw_shape_bytes(&shape, sw_node_dtype(n->inputs[0])) / n->batch;
    sw_status status = SW_OK;
    for (int64_t i = (n->batch - 1) / n->at_once; i >= 0 && status == SW_OK; i--) {
        const int64_t first = i * n->at_once, left = n->batch - first;
        sw_shape part = shape;
        part.dim[0] = left < n->at_once ? left : n->at_once;
        status = sw_bind(n->plan, n->inputs[0], (char *)n->data[0] + first * row, part);
        if (status == SW_OK) status = sw_run(n->plan);
    }
    return status;
}

void network_close(struct network *n)
{
    if (n->trainer)
        sw_trainer_destroy(n->trainer);
    else
        sw_plan_destroy(n->plan);
    sw_graph_destroy(n->graph);
    sw_weights_destroy(n->wide);
    sw_weights_destroy(n->ws);
    sw_onnx_close(n->onnx);
    sw_context_destroy(n->ctx);
    for (int i = 0; i < NETWORK_INPUTS; i++) free(n->data[i]);
}
