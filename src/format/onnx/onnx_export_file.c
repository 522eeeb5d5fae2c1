/* The file of an exported model: one ModelProto, and beside it the numbers of its weights where there are
 * more than a message can hold.
 *
 * protobuf counts sizes in 31 bits, so a model of 2 GB and more keeps its weights in a file of their own,
 * "<name>.data" (onnx.ai, docs/ExternalData.md), each at a multiple of 4096 bytes, so that a reader can map
 * it.  Both files are written under other names first: nobody sees half of one. */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/file.h"
#include "base/size.h"
#include "format/onnx/onnx_export.h"
#include "format/safetensors.h"

#define IR_VERSION     8
#define MESSAGE_BYTES  ((int64_t)2000000000) /* 147 MB below protobuf's limit */
#define EXTERNAL_BYTES 1024                  /* smaller constants stay: readers compute with them */
#define EXTERNAL_ALIGN 4096

/* ---- the message -------------------------------------------------------------------------------------- */

static void put_shape(struct sw_onnx_export *ex, Onnx__TypeProto__Tensor *t, const sw_node *x)
{
    Onnx__TensorShapeProto *s = sw__onnx_put_alloc(ex, sizeof *s);
    Onnx__TensorShapeProto__Dimension **dims, *d;
    dims = sw__onnx_put_alloc(ex, SW_MAX_RANK * sizeof *dims);
    if (!s || !dims) return;
    onnx__tensor_shape_proto__init(s);
    t->shape = s;
    s->dim = dims;
    for (int i = 0; i < x->shape.rank; i++) {
        d = dims[i] = sw__onnx_put_alloc(ex, sizeof *d);
        if (!d) return;
        onnx__tensor_shape_proto__dimension__init(d);
        s->n_dim++;
        if (!sw__onnx_open(ex, x, i)) {
            d->has_dim_value = true;
            d->dim_value = x->shape.dim[i];
        } else if (x->shape.dim[i] == ex->batch && ex->values[x->id].other.dim[i] == ex->batch + 1)
            d->dim_param = "batch";
    }
}

static Onnx__ValueInfoProto *value_info(struct sw_onnx_export *ex, const sw_node *x, char *name)
{
    Onnx__ValueInfoProto *info = sw__onnx_put_alloc(ex, sizeof *info);
    Onnx__TypeProto *type = sw__onnx_put_alloc(ex, sizeof *type);
    Onnx__TypeProto__Tensor *t = sw__onnx_put_alloc(ex, sizeof *t);
    if (!info || !type || !t) return NULL;
    onnx__value_info_proto__init(info);
    onnx__type_proto__init(type);
    onnx__type_proto__tensor__init(t);
    info->name = name;
    info->type = type;
    type->tensor_type = t;
    t->has_elem_type = true;
    t->elem_type = ex->values[x->id].type;
    put_shape(ex, t, x);
    return info;
}

/* An output that is a leaf, or is there twice, gets a name of its own. */
static char *output_name(struct sw_onnx_export *ex, int i)
{
    const sw_node *x = ex->o->outputs[i];
    struct sw_onnx_export_value *v = &ex->values[x->id];
    bool again = x->leaf != SW_LEAF_NONE;
    for (int k = 0; k < i; k++) again |= ex->o->outputs[k] == x;
    if (!again) return v->name;
    char *name = sw__onnx_new(ex);
    sw__onnx_put(ex, "Identity", 1, (char *[]){v->name}, name);
    return name;
}

static Onnx__GraphProto *graph_message(struct sw_onnx_export *ex)
{
    Onnx__GraphProto *graph = sw__onnx_put_alloc(ex, sizeof *graph);
    int64_t n_inputs = 0;
    if (!graph) return NULL;
    onnx__graph_proto__init(graph);
    for (int64_t i = 0; i < ex->g->n_nodes; i++)
        n_inputs += ex->values[i].live && ex->g->nodes[i]->leaf == SW_LEAF_INPUT;
    graph->input = sw__onnx_put_alloc(ex, ((size_t)n_inputs + 1) * sizeof *graph->input);
    graph->output = sw__onnx_put_alloc(ex, (size_t)ex->o->n_outputs * sizeof *graph->output);
    for (int64_t i = 0; i < ex->g->n_nodes && ex->status == SW_OK; i++)
        if (ex->values[i].live && ex->g->nodes[i]->leaf == SW_LEAF_INPUT)
            graph->input[graph->n_input++] = value_info(ex, ex->g->nodes[i], ex->values[i].made);
    for (int i = 0; i < ex->o->n_outputs && ex->status == SW_OK; i++)
        graph->output[graph->n_output++] = value_info(ex, ex->o->outputs[i], output_name(ex, i));
    graph->name = (char *)(ex->o->name ? ex->o->name : "swell");
    graph->node = ex->nodes;
    graph->n_node = (size_t)ex->n_nodes;
    graph->initializer = ex->tensors;
    graph->n_initializer = (size_t)ex->n_tensors;
    return graph;
}

static Onnx__StringStringEntryProto *entry(struct sw_onnx_export *ex, const char *key,
                                           const char *value)
{
    Onnx__StringStringEntryProto *e = sw__onnx_put_alloc(ex, sizeof *e);
    char text[SW_ONNX_TEXT];
    if (!e) return NULL;
    if (!value || !sw__safetensors_utf8(key) || !sw__safetensors_utf8(value))
        sw__onnx_put_fail(ex, SW_ERR_ARGUMENT, "metadata '%s' is no text",
                          sw__onnx_text(key, text));
    onnx__string_string_entry_proto__init(e);
    e->key = (char *)key;
    e->value = (char *)value;
    return e;
}

static void put_metadata(struct sw_onnx_export *ex, Onnx__ModelProto *model)
{
    size_t n = 0;
    const char *const *pairs = ex->o->metadata;
    while (pairs && pairs[2 * n]) n++;
    model->metadata_props = sw__onnx_put_alloc(ex, (n + 1) * sizeof *model->metadata_props);
    for (size_t i = 0; i < n && ex->status == SW_OK; i++)
        model->metadata_props[model->n_metadata_props++] = entry(ex, pairs[2 * i],
                                                                 pairs[2 * i + 1]);
}

void sw__onnx_export_message(struct sw_onnx_export *ex, Onnx__ModelProto *model)
{
    Onnx__OperatorSetIdProto *opset = sw__onnx_put_alloc(ex, sizeof *opset);
    model->opset_import = sw__onnx_put_alloc(ex, sizeof *model->opset_import);
    model->graph = graph_message(ex);
    put_metadata(ex, model);
    if (ex->status != SW_OK) return;
    onnx__operator_set_id_proto__init(opset);
    opset->domain = ""; /* ONNX's own */
    opset->has_version = true;
    opset->version = ex->opset;
    model->opset_import[0] = opset;
    model->n_opset_import = 1;
    model->has_ir_version = true;
    model->ir_version = IR_VERSION;
    model->producer_name = "swell";
    model->producer_version = (char *)sw_version();
}

/* ---- weights beside the model ---------------------------------------------------------------------------- */

/* What follows the last '/' of a path. */
static const char *last_part(const char *path)
{
    const char *slash = strrchr(path, '/');
    return slash ? slash + 1 : path;
}

static Onnx__StringStringEntryProto *number(struct sw_onnx_export *ex, const char *key,
                                            int64_t value)
{
    char *text = sw__onnx_put_alloc(ex, 24);
    if (!text) return NULL;
    snprintf(text, 24, "%" PRId64, value);
    return entry(ex, key, text);
}

/* The numbers of t go to `at` of the file `name`; they stay known to the writer. */
static void make_external(struct sw_onnx_export *ex, Onnx__TensorProto *t, const char *name,
                          int64_t at)
{
    t->external_data = sw__onnx_put_alloc(ex, 3 * sizeof *t->external_data);
    if (!t->external_data) return;
    t->external_data[0] = entry(ex, "location", name);
    t->external_data[1] = number(ex, "offset", at);
    t->external_data[2] = number(ex, "length", (int64_t)t->raw_data.len);
    t->n_external_data = 3;
    t->has_data_location = true;
    t->data_location = 1;
    t->has_raw_data = false; /* so it is not packed */
}

/* Write to `file` what make_external moved. */
static void write_external(const struct sw_onnx_export *ex, struct sw_file *file)
{
    static const uint8_t nothing[EXTERNAL_ALIGN];
    int64_t at = 0;
    for (int64_t i = 0; i < ex->n_tensors; i++) {
        const Onnx__TensorProto *t = ex->tensors[i];
        if (!t->has_data_location) continue;
        int64_t begin = sw__round_up(at, EXTERNAL_ALIGN);
        sw__file_write(file, nothing, (size_t)(begin - at));
        sw__file_write(file, t->raw_data.data, t->raw_data.len);
        at = begin + (int64_t)t->raw_data.len;
    }
}

/* The path of the file beside the model, or NULL: the weights fit into it. */
static const char *move_weights(struct sw_onnx_export *ex)
{
    int64_t all = 0, at = 0, limit = ex->o->external_bytes ? ex->o->external_bytes : MESSAGE_BYTES;
    for (int64_t i = 0; i < ex->n_tensors; i++) all += (int64_t)ex->tensors[i]->raw_data.len;
    if (all <= limit) return NULL;
    size_t size = strlen(ex->path) + sizeof ".data";
    char *path = sw__onnx_put_alloc(ex, size);
    if (!path) return NULL;
    snprintf(path, size, "%s.data", ex->path);
    for (int64_t i = 0; i < ex->n_tensors && ex->status == SW_OK; i++) {
        Onnx__TensorProto *t = ex->tensors[i];
        if (t->raw_data.len < EXTERNAL_BYTES) continue;
        at = sw__round_up(at, EXTERNAL_ALIGN);
        make_external(ex, t, last_part(path), at);
        at += (int64_t)t->raw_data.len;
    }
    return at ? path : NULL;
}

/* ---- files ------------------------------------------------------------------------------------------------ */

/* protobuf-c's stream of bytes, into a file. */
struct file_buffer {
    ProtobufCBuffer base;
    struct sw_file *file;
};

static void append(ProtobufCBuffer *buffer, size_t size, const uint8_t *data)
{
    sw__file_write(((struct file_buffer *)buffer)->file, data, size);
}

static sw_status write_failed(struct sw_onnx_export *ex, const char *path, sw_status status)
{
    if (status == SW_ERR_MEMORY) return sw__fail(ex->ctx, status, "%s: out of memory", path);
    return sw__fail(ex->ctx, status, "%s: cannot write: %s", path, strerror(errno));
}

sw_status sw__onnx_export_write(struct sw_onnx_export *ex, Onnx__ModelProto *model)
{
    struct sw_file file, beside;
    const char *data_path = move_weights(ex);
    if (ex->status != SW_OK) return ex->status;
    if (onnx__model_proto__get_packed_size(model) > INT32_MAX)
        return sw__fail(ex->ctx, SW_ERR_SIZE, "%s: more than 2 GB without its weights", ex->path);
    sw_status status = sw__file_create(ex->path, &file);
    if (status != SW_OK) return write_failed(ex, ex->path, status);
    struct file_buffer buffer = {{append}, &file};
    onnx__model_proto__pack_to_buffer(model, &buffer.base);
    if (data_path) {
        status = sw__file_create(data_path, &beside);
        if (status == SW_OK) {
            write_external(ex, &beside);
            status = sw__file_commit(&beside);
        }
        if (status != SW_OK) {
            status = write_failed(ex, data_path, status);
            sw__file_abandon(&file);
            return status;
        }
    }
    status = sw__file_commit(&file);
    return status == SW_OK ? SW_OK : write_failed(ex, ex->path, status);
}
