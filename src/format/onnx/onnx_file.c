/* Reading ONNX files: see onnx.proto for what is read, onnx_wire.h for what is looked at first.
 *
 * A model is unpacked in pieces, so that the numbers of its weights, which are nearly all of it, are
 * never copied:
 *
 *     ModelProto   [texts, opsets, metadata]  unpacked     [graph] split
 *     GraphProto   [inputs, outputs, texts]   unpacked     [node] unpacked one by one  [initializer] split
 *     TensorProto  [dims, type, name ...]     unpacked     [raw_data] stays in the mapped file */
#include "format/onnx/onnx_file.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "base/context_int.h"
#include "base/size.h"
#include "format/onnx/onnx_wire.h"

const struct sw_onnx_type_info *sw__onnx_type(int type)
{
    static const struct sw_onnx_type_info types[] = {{"unknown", 0, SW_DTYPE_COUNT},
#define SW_ONNX_INFO(number, name, text, bytes, dtype) {text, bytes, dtype},
                                                     SW_ONNX_TYPES(SW_ONNX_INFO)
#undef SW_ONNX_INFO
    };
    return &types[type > 0 && type <= SW_ONNX_BFLOAT16 ? type : 0];
}

char *sw__onnx_text(const char *name, char text[SW_ONNX_TEXT])
{
    size_t n = 0;
    for (; name && name[n] && n < 80; n++) {
        unsigned char c = (unsigned char)name[n];
        text[n] = (char)(c < 32 || c == 127 ? '?' : c);
    }
    memcpy(text + n, name && name[n] ? "..." : "", name && name[n] ? 4 : 1);
    return text;
}

/* ---- pieces ------------------------------------------------------------------------------------ */

static sw_status out_of_memory(sw_onnx *m)
{
    return sw__fail(m->ctx, SW_ERR_MEMORY, "%s: out of memory", m->path);
}

static sw_status malformed(sw_onnx *m, size_t offset, const char *why)
{
    return sw__fail(m->ctx, SW_ERR_FORMAT, "%s: offset %zu: %s", m->path, offset, why);
}

/* The fields of a message without those of two numbers, one behind the other; free() it. */
static uint8_t *without(struct sw_wire w, uint32_t a, uint32_t b, size_t *size)
{
    struct sw_wire_field f;
    uint8_t *rest = malloc((size_t)(w.end - w.at) + 1);
    *size = 0;
    while (rest && sw__wire_next(&w, &f))
        if (f.number != a && f.number != b) {
            memcpy(rest + *size, f.whole, f.whole_size);
            *size += f.whole_size;
        }
    uint8_t *shorter = rest ? realloc(rest, *size + 1) : NULL;
    return shorter ? shorter : rest;
}

/* A message without the fields a and b. */
static void *unpack(const ProtobufCMessageDescriptor *message, struct sw_wire w, uint32_t a,
                    uint32_t b)
{
    size_t size;
    uint8_t *rest = without(w, a, b, &size);
    ProtobufCMessage *out = rest ? protobuf_c_message_unpack(message, NULL, size, rest) : NULL;
    free(rest);
    return out;
}

static struct sw_wire inside(const sw_onnx *m, const struct sw_wire_field *f)
{
    return (struct sw_wire){.start = m->map.data, .at = f->data, .end = f->data + f->size};
}

static sw_status add_initializer(sw_onnx *m, const struct sw_wire_field *f)
{
    if (!sw__grow(&m->initializers, &m->initializers_capacity, m->n_initializers + 1,
                  sizeof *m->initializers))
        return out_of_memory(m);
    struct sw_onnx_initializer *x = &m->initializers[m->n_initializers];
    struct sw_wire w = inside(m, f);
    struct sw_wire_field field;
    *x = (struct sw_onnx_initializer){0};
    while (sw__wire_next(&w, &field))
        if (field.number == 9) {
            x->raw = field.data;
            x->raw_size = field.size;
        }
    x->proto = unpack(&onnx__tensor_proto__descriptor, inside(m, f), 9, 9);
    if (!x->proto) return out_of_memory(m);
    m->n_initializers++;
    return SW_OK;
}

static sw_status add_node(sw_onnx *m, const struct sw_wire_field *f)
{
    if (!sw__grow(&m->nodes, &m->nodes_capacity, m->n_nodes + 1, sizeof *m->nodes))
        return out_of_memory(m);
    m->nodes[m->n_nodes] = onnx__node_proto__unpack(NULL, f->size, f->data);
    if (!m->nodes[m->n_nodes]) return out_of_memory(m);
    m->n_nodes++;
    return SW_OK;
}

static sw_status split_graph(sw_onnx *m, struct sw_wire w)
{
    struct sw_wire_field f;
    m->graph = unpack(&onnx__graph_proto__descriptor, w, 1, 5);
    if (!m->graph) return out_of_memory(m);
    while (sw__wire_next(&w, &f)) {
        sw_status status = f.number == 1   ? add_node(m, &f)
                           : f.number == 5 ? add_initializer(m, &f)
                                           : SW_OK;
        if (status != SW_OK) return status;
    }
    return SW_OK;
}

/* ---- the model --------------------------------------------------------------------------------- */

static int by_text(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* The inputs that no initializer gives a value to. */
static sw_status find_inputs(sw_onnx *m)
{
    const char **names = sw__calloc2((size_t)m->n_initializers + 1, sizeof *names);
    m->inputs = sw__calloc2(m->graph->n_input + 1, sizeof *m->inputs);
    m->fixed = sw__calloc2(m->graph->n_input + 1, sizeof *m->fixed);
    m->known = sw__calloc2(m->graph->n_output + 1, sizeof *m->known);
    if (!names || !m->inputs || !m->fixed || !m->known) {
        free(names);
        return out_of_memory(m);
    }
    for (int64_t i = 0; i < m->n_initializers; i++) {
        const char *name = m->initializers[i].proto->name;
        names[i] = name ? name : "";
    }
    qsort(names, (size_t)m->n_initializers, sizeof *names, by_text);
    for (size_t i = 0; i < m->graph->n_input; i++) {
        const char *name = m->graph->input[i]->name ? m->graph->input[i]->name : "";
        if (!bsearch(&name, names, (size_t)m->n_initializers, sizeof *names, by_text))
            m->inputs[m->n_inputs++] = m->graph->input[i];
    }
    free(names);
    return SW_OK;
}

static sw_status find_opset(sw_onnx *m)
{
    m->opset = 1; /* what files without a version mean (IR version 1 and 2) */
    for (size_t i = 0; i < m->model->n_opset_import; i++) {
        const Onnx__OperatorSetIdProto *o = m->model->opset_import[i];
        if (!o->domain || !*o->domain || strcmp(o->domain, "ai.onnx") == 0) m->opset = o->version;
    }
    if (m->opset < 1 || m->opset > 1000)
        return sw__fail(m->ctx, SW_ERR_FORMAT, "%s: opset %lld is none", m->path,
                        (long long)m->opset);
    return SW_OK;
}

static sw_status parse(sw_onnx *m)
{
    struct sw_wire w = {.start = m->map.data, .at = m->map.data, .end = m->map.data + m->map.size};
    struct sw_wire_field f, graph = {0};
    struct sw_wire all = w;
    if (!m->map.size) return malformed(m, 0, "the file is empty");
    if (!sw__wire_check(&w, &onnx__model_proto__descriptor)) return malformed(m, w.bad, w.why);
    w = all;
    while (sw__wire_next(&w, &f))
        if (f.number == 7) {
            if (graph.data) return malformed(m, (size_t)(f.whole - m->map.data), "a second graph");
            graph = f;
        }
    if (!graph.data) return malformed(m, m->map.size, "no graph: this is no ONNX model");
    m->model = unpack(&onnx__model_proto__descriptor, all, 7, 7);
    if (!m->model) return out_of_memory(m);
    sw_status status = split_graph(m, inside(m, &graph));
    if (status == SW_OK) status = find_inputs(m);
    if (status == SW_OK) status = find_opset(m);
    return status;
}

static sw_status create(sw_context *ctx, const char *path, sw_onnx **out)
{
    sw_onnx *m = calloc(1, sizeof *m);
    *out = m;
    if (m) m->path = strdup(path);
    if (m && m->path) {
        m->ctx = ctx;
        m->wanted = -1;
        return SW_OK;
    }
    free(m);
    *out = NULL;
    return sw__fail(ctx, SW_ERR_MEMORY, "%s: out of memory", path);
}

static sw_status parsed(sw_onnx **out)
{
    sw_status status = parse(*out);
    if (status == SW_OK) return SW_OK;
    sw_onnx_close(*out);
    *out = NULL;
    return status;
}

sw_status sw_onnx_parse(sw_context *ctx, const char *name, const void *data, size_t size,
                        sw_onnx **out)
{
    sw_status status = create(ctx, name, out);
    if (status != SW_OK) return status;
    (*out)->map = (struct sw_mapping){data, size};
    return parsed(out);
}

sw_status sw_onnx_open(sw_context *ctx, const char *path, sw_onnx **out)
{
    sw_status status = create(ctx, path, out);
    if (status != SW_OK) return status;
    status = sw__map_file(path, &(*out)->map);
    if (status != SW_OK) {
        sw__fail(ctx, status, "%s: cannot read: %s", path, strerror(errno));
        sw_onnx_close(*out);
        *out = NULL;
        return status;
    }
    (*out)->on_disk = true;
    return parsed(out);
}

void sw_onnx_close(sw_onnx *m)
{
    if (!m) return;
    for (int64_t i = 0; i < m->n_nodes; i++) onnx__node_proto__free_unpacked(m->nodes[i], NULL);
    for (int64_t i = 0; i < m->n_initializers; i++)
        onnx__tensor_proto__free_unpacked(m->initializers[i].proto, NULL);
    for (int i = 0; i < m->n_inputs; i++) free((void *)m->fixed[i].data);
    if (m->graph) onnx__graph_proto__free_unpacked(m->graph, NULL);
    if (m->model) onnx__model_proto__free_unpacked(m->model, NULL);
    for (int64_t i = 0; i < m->n_external; i++) {
        sw__unmap_file(&m->external[i].map);
        free(m->external[i].name);
    }
    if (m->on_disk) sw__unmap_file(&m->map);
    free(m->external);
    free(m->nodes);
    free(m->initializers);
    free(m->inputs);
    free(m->fixed);
    free(m->known);
    sw__arena_free(&m->known_arena);
    free(m->path);
    free(m);
}

/* ---- what is in it ------------------------------------------------------------------------------ */

static const char *text_or_empty(const char *text)
{
    return text ? text : "";
}

static sw_onnx_value describe(const Onnx__ValueInfoProto *v)
{
    const Onnx__TypeProto__Tensor *t = v->type ? v->type->tensor_type : NULL;
    const struct sw_onnx_type_info *type = sw__onnx_type(t ? t->elem_type : 0);
    sw_onnx_value out = {.name = text_or_empty(v->name), .type = type->name, .dtype = type->dtype};
    out.shape.rank = -1;
    if (!t || !t->shape || t->shape->n_dim > SW_MAX_RANK) return out;
    out.shape.rank = (int)t->shape->n_dim;
    for (int i = 0; i < out.shape.rank; i++) {
        const Onnx__TensorShapeProto__Dimension *d = t->shape->dim[i];
        out.symbol[i] = text_or_empty(d->dim_param);
        out.shape.dim[i] = d->has_dim_value && d->dim_value >= 0 && !*out.symbol[i] ? d->dim_value
                                                                                    : -1;
    }
    return out;
}

int sw_onnx_input_count(const sw_onnx *m)
{
    return m->n_inputs;
}

int sw_onnx_output_count(const sw_onnx *m)
{
    return (int)m->graph->n_output;
}

sw_onnx_value sw_onnx_input(const sw_onnx *m, int i)
{
    return describe(m->inputs[i]);
}

sw_onnx_value sw_onnx_output(const sw_onnx *m, int i)
{
    return describe(m->graph->output[i]);
}

sw_onnx_info sw_onnx_get_info(const sw_onnx *m)
{
    return (sw_onnx_info){.ir_version = m->model->ir_version,
                          .opset = m->opset,
                          .producer = text_or_empty(m->model->producer_name),
                          .producer_version = text_or_empty(m->model->producer_version),
                          .graph = text_or_empty(m->graph->name),
                          .description = text_or_empty(m->model->doc_string),
                          .nodes = m->n_nodes,
                          .initializers = m->n_initializers,
                          .metadata = (int)m->model->n_metadata_props};
}

void sw_onnx_metadata_at(const sw_onnx *m, int i, const char **key, const char **value)
{
    const Onnx__StringStringEntryProto *e = m->model->metadata_props[i];
    *key = text_or_empty(e->key);
    *value = text_or_empty(e->value);
}

const char *sw_onnx_metadata(const sw_onnx *m, const char *key)
{
    for (size_t i = 0; i < m->model->n_metadata_props; i++) {
        const char *k, *value;
        sw_onnx_metadata_at(m, (int)i, &k, &value);
        if (strcmp(k, key) == 0) return value;
    }
    return NULL;
}

const void *sw_onnx_known(const sw_onnx *m, int output, sw_shape *shape)
{
    *shape = m->known[output].shape;
    return m->known[output].data;
}

int sw_onnx_wanted(const sw_onnx *m)
{
    return m->wanted;
}

sw_status sw_onnx_fix(sw_onnx *m, int input, sw_shape shape, const void *data)
{
    if (input < 0 || input >= m->n_inputs)
        return sw__fail(m->ctx, SW_ERR_ARGUMENT, "%s: no input number %d", m->path, input);
    const Onnx__TypeProto *t = m->inputs[input]->type;
    int type = t && t->tensor_type ? t->tensor_type->elem_type : 0;
    int64_t n = sw_shape_elements(&shape), bytes;
    if (!sw__onnx_type(type)->bytes || n < 0 || !sw__i64_mul(n, sw__onnx_type(type)->bytes, &bytes))
        return sw__fail(m->ctx, SW_ERR_ARGUMENT, "%s: input %d cannot be fixed", m->path, input);
    void *copy = malloc((size_t)bytes + 1);
    if (!copy) return out_of_memory(m);
    memcpy(copy, data, (size_t)bytes);
    free((void *)m->fixed[input].data);
    m->fixed[input] = (struct sw_onnx_tensor){type, shape, n, copy};
    return SW_OK;
}
