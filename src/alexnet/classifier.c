/* A classifier of pictures: a model from a file, made ready to run.
 *
 *     the file          a graph                                    what the model says about itself
 *     ONNX              its nodes        (classifier_model.c)      metadata_props
 *     safetensors       the network of the table that the tensors belong to     __metadata__
 *     .pth              the same                                                nothing
 *
 * From there on all are one: the graph gets its last look-out points (the features), is compiled for a
 * batch, and classify.c runs it. */
#include "alexnet/classifier_int.h"

#include <stdlib.h>
#include <string.h>

#include "alexnet/label_lists.h"
#include "base/memory.h"

enum { MAX_BATCH = 1024, IMAGENET = 1000 };

/* Labels: of the options, else of the model, else of ImageNet where it can be no other. */
static sw_status choose_labels(sw_classifier *c, const sw_classifier_options *o)
{
    sw_image_notes *notes = &c->notes;
    sw_status status = SW_OK;
    if (o->labels)
        status = sw_image_notes_label(c->ctx, notes, o->labels, o->classes);
    else if (!notes->classes && c->classes == IMAGENET)
        status = sw_image_notes_label(c->ctx, notes, sw__labels_imagenet, IMAGENET);
    if (status == SW_OK && notes->classes && notes->classes != c->classes)
        return sw__fail(c->ctx, o->labels ? SW_ERR_ARGUMENT : SW_ERR_FORMAT,
                        "%s: %d labels for %d classes", c->path, notes->classes, c->classes);
    return status;
}

/* f32 whatever the weight is. */
static sw_status find_filters(sw_classifier *c)
{
    c->filters = sw__trace_first_filters(c->g);
    if (!c->filters.data || c->filters.dtype == SW_F32) return SW_OK;
    const int64_t n = sw_shape_elements(&c->filters.shape);
    c->filters_copy = sw__calloc2((size_t)n, sizeof(float));
    if (!c->filters_copy) return sw__fail(c->ctx, SW_ERR_MEMORY, "%s: out of memory", c->path);
    if (sw_convert(c->filters_copy, SW_F32, c->filters.data, c->filters.dtype, n) != SW_OK) {
        c->filters = (sw_tensor){0};
        return SW_OK;
    }
    c->filters = (sw_tensor){c->filters_copy, SW_F32, c->filters.shape};
    return SW_OK;
}

/* The features as one row a view: a map is averaged over its positions. */
static sw_status add_features(sw_classifier *c)
{
    sw_node *x = c->features ? c->features : sw__trace_last_input(c->logits);
    if (x && !sw_dtype_get(sw_node_dtype(x))->is_float)
        return sw__fail(c->ctx, SW_ERR_UNSUPPORTED,
                        "%s: its last layer reads bytes: take features from the model that it was "
                        "before it was quantised",
                        c->path);
    if (x && sw_node_dtype(x) != SW_F32) x = sw_cast(c->g, x, SW_F32);
    if (x && sw_node_shape(x).rank == 4)
        x = sw_mean(c->g, x, (sw_reduce_options){.axes = {2, 3}, .n_axes = 2});
    if (!x || sw_node_shape(x).rank != 2 || sw_node_shape(x).dim[0] != c->batch ||
        sw_node_dtype(x) != SW_F32)
        return sw__fail(c->ctx, SW_ERR_UNSUPPORTED,
                        "%s: its last layer reads no row of numbers a picture: it has no features",
                        c->path);
    c->features = x;
    c->n_features = (int)sw_node_shape(x).dim[1];
    return SW_OK;
}

static sw_status compile(sw_classifier *c, const sw_classifier_options *o)
{
    sw_node *outputs[2] = {c->logits, c->features};
    sw_plan_options p = {.outputs = outputs, .n_outputs = c->features ? 2 : 1, .name = c->path};
    sw_status status = sw_graph_status(c->g);
    if (status == SW_OK && !o->keep_norms) status = sw_graph_fold_norms(c->g);
    if (status == SW_OK) status = sw_compile(c->g, p, &c->plan);
    if (status != SW_OK) {
        char why[SW_ERROR_TEXT];
        memcpy(why, sw_error(c->ctx), sizeof why);
        return sw__fail(c->ctx, status, "%s: %s", c->path, why);
    }
    c->at_once = (int)sw_plan_rows_at_once(c->plan, c->batch);
    const size_t numbers = (size_t)sw__classifier_room(c) * sw__classifier_view(c);
    c->input = sw__aligned_alloc(numbers * sizeof *c->input);
    c->sums = sw__calloc2((size_t)c->classes + (size_t)c->n_features, sizeof *c->sums);
    if (!c->input || !c->sums) return sw__fail(c->ctx, SW_ERR_MEMORY, "%s: out of memory", c->path);
    return SW_OK;
}

static bool is_onnx(const char *path)
{
    const size_t n = strlen(path);
    return n > 5 && strcmp(path + n - 5, ".onnx") == 0;
}

static sw_status open_model(sw_classifier *c, const sw_classifier_options *o)
{
    sw_status status = sw_weights_create(c->ctx, &c->ws);
    if (status == SW_OK) status = sw_graph_create(c->ctx, &c->g);
    if (status == SW_OK)
        status = is_onnx(c->path) ? sw__classifier_read_onnx(c, o)
                                  : sw__classifier_read_weights(c, o);
    if (status == SW_OK) status = choose_labels(c, o);
    if (status == SW_OK) status = find_filters(c);
    if (status == SW_OK && o->features)
        status = add_features(c);
    else
        c->features = NULL;
    if (status == SW_OK) c->probabilities = sw__trace_ending(c->logits) != SW_ENDS_IN_PRODUCT;
    if (status == SW_OK) status = compile(c, o);
    return status;
}

sw_status sw_classifier_open(sw_context *ctx, const char *path,
                             const sw_classifier_options *options, sw_classifier **out)
{
    static const sw_classifier_options defaults = {0};
    const sw_classifier_options *o = options ? options : &defaults;
    *out = NULL;
    if (o->batch < 0 || o->batch > MAX_BATCH)
        return sw__fail(ctx, SW_ERR_ARGUMENT, "a batch of %d; 1 to %d are possible", o->batch,
                        MAX_BATCH);
    sw_classifier *c = calloc(1, sizeof *c);
    if (c) c->path = strdup(path);
    if (!c || !c->path) {
        free(c);
        return sw__fail(ctx, SW_ERR_MEMORY, "%s: out of memory", path);
    }
    c->ctx = ctx;
    c->batch = o->batch ? o->batch : 1;
    sw_status status = open_model(c, o);
    sw_onnx_close(c->onnx);
    c->onnx = NULL;
    if (status != SW_OK) {
        sw_classifier_destroy(c);
        return status;
    }
    *out = c;
    return SW_OK;
}

void sw_classifier_destroy(sw_classifier *c)
{
    if (!c) return;
    sw_plan_destroy(c->plan);
    sw_graph_destroy(c->g);
    sw_weights_destroy(c->ws);
    sw_image_notes_clear(&c->notes);
    sw__aligned_free(c->input);
    free(c->sums);
    free(c->filters_copy);
    free(c->path);
    free(c);
}

sw_classifier_info sw_classifier_get_info(const sw_classifier *c)
{
    return (sw_classifier_info){.network = c->notes.network,
                                .classes = c->classes,
                                .features = c->n_features,
                                .input = c->notes.input,
                                .labels = (const char *const *)c->notes.labels,
                                .filters = c->filters};
}
