/* From the file of a model to a graph with one input of pictures and one row of classes.
 *
 * A file of weights alone says by its tensors which network it is; f16 and bf16 are widened to f32 in a set
 * of their own.  An ONNX file brings its graph; it must be a classifier: one input of pictures in the order
 * (N,C,H,W), square, and classes as its first output. */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <swell/models.h>
#include "alexnet/classifier_int.h"
#include "alexnet/networks.h"

static sw_status no_classifier(sw_classifier *c, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

static sw_status no_classifier(sw_classifier *c, const char *format, ...)
{
    char why[SW_ERROR_TEXT];
    va_list args;
    va_start(args, format);
    vsnprintf(why, sizeof why, format, args);
    va_end(args);
    return sw__fail(c->ctx, SW_ERR_UNSUPPORTED, "%s: no classifier of pictures: %s", c->path, why);
}

/* The graph's own error, behind the name of the file. */
static sw_status graph_failed(sw_classifier *c)
{
    char why[SW_ERROR_TEXT];
    memcpy(why, sw_error(c->ctx), sizeof why);
    return sw__fail(c->ctx, sw_graph_status(c->g), "%s: %s", c->path, why);
}

/* What the options say, then what the model says, then `table`, then ImageNet. */
static sw_status complete(sw_classifier *c, const sw_classifier_options *o,
                          const sw_preprocessing *table)
{
    sw_preprocessing p = o->input, said = c->notes.input;
    sw_status status = sw_preprocessing_complete(c->ctx, c->path, &said, table);
    if (status == SW_OK) status = sw_preprocessing_complete(c->ctx, c->path, &p, &said);
    c->notes.input = p;
    return status;
}

static sw_node *pictures(sw_classifier *c)
{
    const sw_preprocessing *p = &c->notes.input;
    c->images = sw_input(c->g, "images", SW_F32, SW_SHAPE(c->batch, p->channels, p->side, p->side));
    return c->images;
}

/* (N,K) of f32 out of whatever shape the classes have. */
static sw_status take_logits(sw_classifier *c, sw_node *y)
{
    char text[SW_SHAPE_TEXT];
    if (!y) return no_classifier(c, "its first output depends on no picture");
    sw_shape shape = sw_node_shape(y);
    const int64_t n = sw_shape_elements(&shape) / c->batch;
    if (shape.rank < 2 || shape.dim[0] != c->batch || n < 2 || n > SW_MAX_CLASSES)
        return no_classifier(c, "its first output is %s, not (N,classes)",
                             sw_shape_text(&shape, text));
    for (int i = 2; i < shape.rank; i++)
        if (shape.dim[i] != 1)
            return no_classifier(c, "its first output is %s, not (N,classes)",
                                 sw_shape_text(&shape, text));
    if (shape.rank > 2) y = sw_flatten(c->g, y, 1, shape.rank - 1);
    if (sw_node_dtype(y) != SW_F32) y = sw_cast(c->g, y, SW_F32);
    c->logits = y;
    c->classes = (int)n;
    return sw_graph_status(c->g) == SW_OK ? SW_OK : graph_failed(c);
}

/* ---- weights of a network of the table --------------------------------------------------------- */

static sw_status load_weights(sw_classifier *c)
{
    const size_t n = strlen(c->path);
    sw_status status = sw_weights_load(c->ctx, c->ws, c->path, true, NULL);
    /* What lies in the file crosswise cannot be mapped. */
    if (status == SW_ERR_FORMAT && !sw_weights_count(c->ws))
        status = sw_weights_load(c->ctx, c->ws, c->path, false, NULL);
    if (status == SW_OK && n > 12 && strcmp(c->path + n - 12, ".safetensors") == 0)
        status = sw_image_notes_load(c->ctx, c->path, &c->notes);
    sw_weights *wide = NULL;
    if (status == SW_OK) status = sw__image_weights_widen(c->ctx, c->path, c->ws, &wide);
    if (wide) {
        sw_weights_destroy(c->ws);
        c->ws = wide;
    }
    return status;
}

sw_status sw__classifier_read_weights(sw_classifier *c, const sw_classifier_options *o)
{
    sw_image_sizes found = {0};
    sw_status status = load_weights(c);
    if (status != SW_OK) return status;
    const char *name = o->network ? o->network : c->notes.network[0] ? c->notes.network : NULL;
    const sw_image_network *n = name ? sw_image_network_find(name)
                                     : sw_image_network_of(c->ws, &found);
    if (name && !n) return no_classifier(c, "its network '%s' is not known", name);
    if (o->network && !n->fits(c->ws, &found))
        return no_classifier(c, "its tensors are not those of '%s'", name);
    if (!n || !n->fits(c->ws, &found))
        return no_classifier(c, "its tensors are of no network that is built in");
    strcpy(c->notes.network, n->name);
    sw_preprocessing table = {.channels = found.channels,
                              .side = found.side ? found.side : n->side};
    memcpy(table.mean, n->mean, sizeof table.mean);
    memcpy(table.deviation, n->deviation, sizeof table.deviation);
    status = complete(c, o, &table);
    if (status != SW_OK) return status;
    const sw_image_options options = {.features = &c->features};
    sw_node *y = n->logits(c->g, c->ws, pictures(c), &options);
    return sw_graph_status(c->g) == SW_OK ? take_logits(c, y) : graph_failed(c);
}

/* ---- ONNX --------------------------------------------------------------------------------------- */

/* What the file fixes must not be asked for otherwise. */
static sw_status take_size(sw_classifier *c, const char *what, int64_t file, int asked, int *said)
{
    if (file < 0) return SW_OK;
    if (asked && asked != file)
        return sw__fail(c->ctx, SW_ERR_ARGUMENT, "%s: its pictures have %lld %s, not %d", c->path,
                        (long long)file, what, asked);
    *said = (int)file;
    return SW_OK;
}

static sw_status check_input(sw_classifier *c, const sw_classifier_options *o)
{
    char text[SW_SHAPE_TEXT];
    if (sw_onnx_input_count(c->onnx) != 1 || sw_onnx_output_count(c->onnx) < 1)
        return no_classifier(c, "it has %d inputs and %d outputs", sw_onnx_input_count(c->onnx),
                             sw_onnx_output_count(c->onnx));
    const sw_onnx_value in = sw_onnx_input(c->onnx, 0);
    const int64_t *d = in.shape.dim;
    if (in.dtype != SW_F32 && in.dtype != SW_F16)
        return no_classifier(c, "its input is of %s", in.type);
    if (in.shape.rank != 4 || (d[1] != 1 && d[1] != 3 && d[1] >= 0) ||
        (d[2] >= 0 && d[3] >= 0 && d[2] != d[3]) || d[2] > SW_PREPROCESSING_SIDE ||
        d[3] > SW_PREPROCESSING_SIDE)
        return no_classifier(c, "its input is %s, not (N,C,S,S) with C 1 or 3",
                             in.shape.rank < 0 ? "of any shape" : sw_shape_text(&in.shape, text));
    sw_status status = take_size(c, "channels", d[1], o->input.channels, &c->notes.input.channels);
    const int64_t side = d[2] >= 0 ? d[2] : d[3];
    if (status == SW_OK)
        status = take_size(c, "pixels a side", side, o->input.side, &c->notes.input.side);
    /* A short side that was said for another side. */
    if (c->notes.input.short_side < c->notes.input.side) c->notes.input.short_side = 0;
    return status;
}

sw_status sw__classifier_read_onnx(sw_classifier *c, const sw_classifier_options *o)
{
    sw_node *outputs[16], *in;
    sw_status status = sw_onnx_open(c->ctx, c->path, &c->onnx);
    for (int i = 0; status == SW_OK && i < sw_onnx_get_info(c->onnx).metadata; i++) {
        const char *key, *value;
        sw_onnx_metadata_at(c->onnx, i, &key, &value);
        status = sw_image_notes_read(c->ctx, c->path, key, value, &c->notes);
    }
    if (status == SW_OK) c->notes.network[0] = 0;
    if (status == SW_OK) status = check_input(c, o);
    if (status == SW_OK) status = complete(c, o, NULL);
    if (status != SW_OK) return status;
    if (sw_onnx_output_count(c->onnx) > 16)
        return no_classifier(c, "it has %d outputs", sw_onnx_output_count(c->onnx));
    in = pictures(c);
    if (sw_onnx_input(c->onnx, 0).dtype == SW_F16) in = sw_cast(c->g, in, SW_F16);
    status = sw_onnx_build(c->onnx, c->g, c->ws, c->batch, &in, outputs);
    return status == SW_OK ? take_logits(c, outputs[0]) : status;
}
