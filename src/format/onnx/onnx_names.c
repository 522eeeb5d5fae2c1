/* Names of an ONNX model become values: who makes each, and who reads it. */
#include <stdlib.h>
#include <string.h>

#include "base/context_int.h"
#include "base/memory.h"
#include "format/onnx/onnx_bytes.h"

static int by_name(const void *a, const void *b)
{
    return strcmp(((const struct sw_onnx_import_value *)a)->name,
                  ((const struct sw_onnx_import_value *)b)->name);
}

struct sw_onnx_import_value *sw__onnx_find(const struct sw_onnx_import *im, const char *name)
{
    struct sw_onnx_import_value key = {.name = name ? name : ""};
    return bsearch(&key, im->values, (size_t)im->n_values, sizeof key, by_name);
}

static void add_name(struct sw_onnx_import *im, const char *name)
{
    if (name && *name) im->values[im->n_values++].name = name;
}

static sw_status collect_names(struct sw_onnx_import *im)
{
    const sw_onnx *m = im->m;
    size_t most = (size_t)m->n_initializers + (size_t)m->n_inputs + m->graph->n_output + 1;
    for (int64_t i = 0; i < m->n_nodes; i++) most += m->nodes[i]->n_input + m->nodes[i]->n_output;
    im->values = sw__calloc2(most, sizeof *im->values);
    im->done = sw__calloc2((size_t)m->n_nodes + 1, sizeof *im->done);
    if (!im->values || !im->done)
        return sw__fail(m->ctx, SW_ERR_MEMORY, "%s: out of memory", m->path);
    for (int64_t i = 0; i < m->n_initializers; i++) add_name(im, m->initializers[i].proto->name);
    for (int i = 0; i < m->n_inputs; i++) add_name(im, m->inputs[i]->name);
    for (size_t i = 0; i < m->graph->n_output; i++) add_name(im, m->graph->output[i]->name);
    for (int64_t i = 0; i < m->n_nodes; i++) {
        for (size_t j = 0; j < m->nodes[i]->n_input; j++) add_name(im, m->nodes[i]->input[j]);
        for (size_t j = 0; j < m->nodes[i]->n_output; j++) add_name(im, m->nodes[i]->output[j]);
    }
    qsort(im->values, (size_t)im->n_values, sizeof *im->values, by_name);
    int64_t n = 0;
    for (int64_t i = 0; i < im->n_values; i++)
        if (!n || strcmp(im->values[n - 1].name, im->values[i].name) != 0)
            im->values[n++].name = im->values[i].name;
    im->n_values = n;
    for (int64_t i = 0; i < n; i++) {
        im->values[i].made_by = SW_ONNX_BY_NONE;
        im->values[i].input = im->values[i].root = -1;
    }
    return SW_OK;
}

/* One maker for each value. */
static sw_status claim(struct sw_onnx_import *im, const char *name, int by)
{
    char text[SW_ONNX_TEXT];
    struct sw_onnx_import_value *v = sw__onnx_find(im, name);
    if (!v) return SW_OK; /* nameless: nobody can read it */
    if (v->made_by != SW_ONNX_BY_NONE)
        return sw__fail(im->m->ctx, SW_ERR_FORMAT, "%s: '%s' is made twice", im->m->path,
                        sw__onnx_text(name, text));
    v->made_by = by;
    return SW_OK;
}

static void count_reader(struct sw_onnx_import *im, const char *name, int node)
{
    struct sw_onnx_import_value *v = sw__onnx_find(im, name);
    if (!v) return;
    v->readers++;
    v->reader = node;
}

sw_status sw__onnx_connect(struct sw_onnx_import *im)
{
    const sw_onnx *m = im->m;
    sw_status status = collect_names(im);
    for (int64_t i = 0; status == SW_OK && i < m->n_initializers; i++)
        status = claim(im, m->initializers[i].proto->name, SW_ONNX_BY_FILE);
    for (int i = 0; status == SW_OK && i < m->n_inputs; i++)
        status = claim(im, m->inputs[i]->name, SW_ONNX_BY_FILE);
    for (int64_t i = 0; status == SW_OK && i < m->n_nodes; i++) {
        for (size_t j = 0; status == SW_OK && j < m->nodes[i]->n_output; j++)
            status = claim(im, m->nodes[i]->output[j], (int)i);
        for (size_t j = 0; j < m->nodes[i]->n_input; j++)
            count_reader(im, m->nodes[i]->input[j], (int)i);
    }
    for (size_t i = 0; status == SW_OK && i < m->graph->n_output; i++)
        count_reader(im, m->graph->output[i]->name, -1);
    return status;
}

/* ---- values of the node at hand ----------------------------------------------------------------- */

bool sw__onnx_has(const struct sw_onnx_import *im, int i)
{
    return (size_t)i < im->node->n_input && *im->node->input[i];
}

struct sw_onnx_import_value *sw__onnx_value(struct sw_onnx_import *im, int i)
{
    if (sw__onnx_has(im, i)) return sw__onnx_find(im, im->node->input[i]);
    sw__onnx_refuse(im, SW_ERR_FORMAT, "operand %d is missing", i);
    return &im->none;
}

bool sw__onnx_wants(struct sw_onnx_import *im, int o)
{
    if ((size_t)o >= im->node->n_output) return false;
    const struct sw_onnx_import_value *v = sw__onnx_find(im, im->node->output[o]);
    return v && v->readers > 0;
}

static struct sw_onnx_import_value *output(struct sw_onnx_import *im, int o, int type)
{
    if ((size_t)o >= im->node->n_output || sw__onnx_failed(im)) return NULL;
    struct sw_onnx_import_value *v = sw__onnx_find(im, im->node->output[o]);
    if (!v) return NULL;
    v->type = type;
    v->ready = true;
    for (size_t i = 0; i < im->node->n_input; i++) {
        const struct sw_onnx_import_value *from = sw__onnx_find(im, im->node->input[i]);
        if (from && from->root > v->root) v->root = from->root;
    }
    return v;
}

void sw__onnx_emit_node(struct sw_onnx_import *im, int o, int type, sw_node *x)
{
    struct sw_onnx_import_value *v = output(im, o, type);
    if (!v) return;
    v->node = x;
    if (!im->folding && !*sw_node_name(x)) sw_name(x, v->name);
}

void sw__onnx_emit_later(struct sw_onnx_import *im, int o, int type,
                         const struct sw_onnx_bytes *bytes)
{
    struct sw_onnx_import_value *v = output(im, o, type);
    if (!v) return;
    v->later = im->at + 1;
    if (!bytes) return;
    v->bytes = sw__arena_alloc(&im->arena, sizeof *bytes);
    if (v->bytes)
        *v->bytes = *bytes;
    else
        sw__onnx_refuse(im, SW_ERR_MEMORY, "out of memory");
}

void sw__onnx_emit_constant(struct sw_onnx_import *im, int o, struct sw_onnx_tensor t,
                            uint64_t open)
{
    struct sw_onnx_import_value *v = output(im, o, t.type);
    if (!v) return;
    v->constant = true;
    v->host = t;
    v->open = open;
}

void sw__onnx_emit_input(struct sw_onnx_import *im, int o, int i)
{
    const struct sw_onnx_import_value *from = sw__onnx_value(im, i);
    if (from->constant)
        sw__onnx_emit_constant(im, o, from->host, from->open);
    else
        sw__onnx_emit_node(im, o, from->type, from->node);
}

struct sw_onnx_import_value *sw__onnx_made(struct sw_onnx_import *im, int o)
{
    return (size_t)o < im->node->n_output ? sw__onnx_find(im, im->node->output[o]) : NULL;
}

void sw__onnx_swallow(struct sw_onnx_import *im, int at)
{
    const Onnx__NodeProto *next = im->m->nodes[at];
    const struct sw_onnx_import_value *mine = sw__onnx_made(im, 0);
    struct sw_onnx_import_value *v = sw__onnx_find(im, next->output[0]);
    if (v && mine) {
        v->type = mine->type;
        v->node = mine->node;
        v->ready = true;
    }
    im->done[at] = true;
}
