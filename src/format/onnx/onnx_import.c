/* From an ONNX model to nodes of a graph: the order of things.
 *
 *     names     every name of the file becomes a value; who makes it, who reads it
 *     leaves    initializers and fixed inputs are constants, other inputs are nodes of the graph
 *     nodes     one after the other as the file has them: its handler looks at what it reads, and
 *               makes nodes (onnx_ops_*.c); if all is constant, constants (onnx_fold.c)
 *     outputs   what the model gives back
 *
 * ONNX files are sorted by dependency, so a node that reads what is not there yet is an error (and a
 * cycle is nothing else). */
#include "format/onnx/onnx_import.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "base/context_int.h"
#include "graph/op.h"

#define NEWEST_OPSET 22 /* later ones were not looked at */
/* Bytes of constants that nodes may make: so much, and four times the file's. */
#define CONSTANT_BYTES ((int64_t)1 << 24)

#define SMALL_INPUT 64 /* elements: such an input may be what shapes are computed from */

/* ---- leaves ------------------------------------------------------------------------------------ */

static sw_status read_initializers(struct sw_onnx_import *im)
{
    char why[SW_ONNX_WHY], text[SW_ONNX_TEXT];
    for (int64_t i = 0; i < im->m->n_initializers; i++) {
        const struct sw_onnx_initializer *x = &im->m->initializers[i];
        struct sw_onnx_import_value *v = sw__onnx_find(im, x->proto->name);
        if (!v || !v->readers) continue;
        sw_status status = sw__onnx_tensor_read(im->m, x->proto, x->raw, x->raw_size, &im->arena,
                                                &v->host, why);
        if (status != SW_OK)
            return sw__fail(im->m->ctx, status, "%s: initializer '%s': %s", im->m->path,
                            sw__onnx_text(v->name, text), why);
        v->type = v->host.type;
        v->constant = v->file = v->ready = true;
    }
    return SW_OK;
}

static sw_status bad_input(struct sw_onnx_import *im, const char *name, const char *why)
{
    char text[SW_ONNX_TEXT];
    return sw__fail(im->m->ctx, SW_ERR_UNSUPPORTED, "%s: input '%s': %s", im->m->path,
                    sw__onnx_text(name, text), why);
}

/* A node for an input, of the shape that the file says. */
static sw_status make_input(struct sw_onnx_import *im, const sw_onnx_value *x, sw_node **out)
{
    sw_shape shape = x->shape;
    if (shape.rank < 0)
        return bad_input(im, x->name, "the file does not say its shape: give a node");
    for (int i = 0; i < shape.rank; i++)
        if (shape.dim[i] < 0) {
            if (i) return bad_input(im, x->name, "an open dimension that is no batch: give a node");
            shape.dim[i] = im->batch;
        }
    *out = sw_input(im->g, x->name, x->dtype, shape);
    return sw_graph_status(im->g);
}

/* The given node must be what the file says, but for open dimensions and the batch. */
static sw_status check_input(struct sw_onnx_import *im, const sw_onnx_value *x, const sw_node *node)
{
    char have[SW_SHAPE_TEXT], want[SW_SHAPE_TEXT], why[2 * SW_SHAPE_TEXT + 64];
    sw_shape shape = sw_node_shape(node);
    bool right = x->shape.rank < 0 || x->shape.rank == shape.rank;
    for (int i = 1; right && i < x->shape.rank; i++)
        right = x->shape.dim[i] < 0 || x->shape.dim[i] == shape.dim[i];
    if (!right) {
        snprintf(why, sizeof why, "the file has %s, the given node %s",
                 sw_shape_text(&x->shape, want), sw_shape_text(&shape, have));
        return bad_input(im, x->name, why);
    }
    if (sw_node_dtype(node) != x->dtype)
        return bad_input(im, x->name, "the given node has another dtype");
    return SW_OK;
}

static sw_status read_inputs(struct sw_onnx_import *im, sw_node **in)
{
    for (int i = 0; i < im->m->n_inputs; i++) {
        sw_onnx_value x = sw_onnx_input(im->m, i);
        struct sw_onnx_import_value *v = sw__onnx_find(im, x.name);
        const Onnx__TypeProto *type = im->m->inputs[i]->type;
        if (!v) return bad_input(im, x.name, "it has no name");
        v->type = type && type->tensor_type ? type->tensor_type->elem_type : SW_ONNX_NONE;
        v->input = i;
        v->ready = true;
        if (im->m->fixed[i].data) {
            v->constant = true;
            v->host = im->m->fixed[i];
            continue;
        }
        if (x.dtype == SW_DTYPE_COUNT) continue; /* refused by the node that reads it */
        sw_status status = in[i] ? check_input(im, &x, in[i]) : make_input(im, &x, &in[i]);
        if (status != SW_OK) return status;
        sw_shape shape = sw_node_shape(in[i]);
        v->node = in[i];
        if (sw_shape_elements(&shape) <= SMALL_INPUT) v->root = i;
        if (x.shape.rank > 0 && x.shape.dim[0] != shape.dim[0]) {
            im->batch_open = true;
            im->batch = shape.dim[0];
            im->literal = x.shape.dim[0];
        }
    }
    return SW_OK;
}

/* ---- nodes ------------------------------------------------------------------------------------- */

static bool listed(const char *list, const char *word)
{
    size_t n = strlen(word);
    for (const char *at = n ? list : NULL; at && (at = strstr(at, word)); at += n)
        if ((at == list || at[-1] == ' ') && (at[n] == 0 || at[n] == ' ')) return true;
    return false;
}

/* Whether this operator, in this opset, with these attributes and operands, is one that we know. */
static bool known(struct sw_onnx_import *im)
{
    char text[SW_ONNX_TEXT];
    const Onnx__NodeProto *n = im->node;
    const struct sw_onnx_operator *op = im->op;
    if (n->domain && *n->domain && strcmp(n->domain, "ai.onnx") != 0) {
        sw__onnx_refuse(im, SW_ERR_UNSUPPORTED, "operators of the domain '%s' are not known",
                        sw__onnx_text(n->domain, text));
        return false;
    }
    if (!op) sw__onnx_refuse(im, SW_ERR_UNSUPPORTED, "this operator is not known");
    if (!op) return false;
    if (im->m->opset > (op->until ? op->until : NEWEST_OPSET) || im->m->opset < op->since) {
        sw__onnx_refuse(im, SW_ERR_UNSUPPORTED, "this operator is known from opset %d to %d",
                        op->since, op->until ? op->until : NEWEST_OPSET);
        return false;
    }
    for (size_t i = 0; i < n->n_attribute; i++) {
        const char *name = n->attribute[i]->name;
        if (!listed(op->attributes, name ? name : "")) {
            sw__onnx_refuse(im, SW_ERR_UNSUPPORTED, "its attribute '%s' is not known",
                            sw__onnx_text(name, text));
            return false;
        }
    }
    if (!n->n_output) {
        sw__onnx_refuse(im, SW_ERR_FORMAT, "it gives no result");
        return false;
    }
    if ((op->inputs < 255 && n->n_input > op->inputs) ||
        (op->outputs < 255 && n->n_output > op->outputs)) {
        sw__onnx_refuse(im, SW_ERR_UNSUPPORTED, "%zu operands and %zu results are too many",
                        n->n_input, n->n_output);
        return false;
    }
    return true;
}

/* Whether all operands are there. */
static bool operands_ready(struct sw_onnx_import *im)
{
    char text[SW_ONNX_TEXT];
    for (size_t i = 0; i < im->node->n_input; i++) {
        const char *name = im->node->input[i];
        const struct sw_onnx_import_value *v = *name ? sw__onnx_find(im, name) : NULL;
        if (!*name) continue;
        if (!v || v->made_by == SW_ONNX_BY_NONE)
            sw__onnx_refuse(im, SW_ERR_FORMAT, "it reads '%s', which nothing makes",
                            sw__onnx_text(name, text));
        else if (!v->ready)
            sw__onnx_refuse(
                im, SW_ERR_FORMAT,
                "it reads '%s', which no node before it makes: a cycle, or out of order",
                sw__onnx_text(name, text));
        else if (!v->constant && !v->node && !v->later)
            sw__onnx_refuse(im, SW_ERR_UNSUPPORTED, "it reads '%s', which is no tensor of numbers",
                            sw__onnx_text(name, text));
        if (sw__onnx_failed(im)) return false;
    }
    return true;
}

/* "model.onnx: node 'conv1' (Conv, opset 13): <the text of the failure>" */
static sw_status node_failed(struct sw_onnx_import *im)
{
    char name[SW_ONNX_TEXT], type[SW_ONNX_TEXT], why[SW_ERROR_TEXT];
    const Onnx__NodeProto *n = im->node;
    const char *called = n->name && *n->name ? n->name : n->n_output ? n->output[0] : "";
    snprintf(why, sizeof why, "%s", sw_error(im->m->ctx));
    return sw__fail(im->m->ctx, sw_graph_status(im->g), "%s: node '%s' (%s, opset %lld): %s",
                    im->m->path, sw__onnx_text(called, name), sw__onnx_text(n->op_type, type),
                    (long long)im->m->opset, why);
}

void sw__onnx_make(struct sw_onnx_import *im)
{
    bool constant = true;
    for (size_t i = 0; i < im->node->n_input && !sw__onnx_failed(im); i++) {
        struct sw_onnx_import_value *v = sw__onnx_find(im, im->node->input[i]);
        if (!v) continue; /* absent: it has no name */
        sw__onnx_settle(im, v);
        constant = constant && v->constant;
    }
    if (sw__onnx_failed(im)) return;
    bool folded = constant && (im->op->fold ? im->op->fold(im) : sw__onnx_fold_by_run(im));
    if (!folded && !sw__onnx_failed(im)) im->op->build(im);
}

static sw_status read_node(struct sw_onnx_import *im)
{
    im->op = sw__onnx_operator(im->node->op_type ? im->node->op_type : "");
    if (!known(im) || !operands_ready(im)) return node_failed(im);
    if (!sw__onnx_quantised(im)) sw__onnx_make(im);
    return sw__onnx_failed(im) ? node_failed(im) : SW_OK;
}

static sw_status read_nodes(struct sw_onnx_import *im)
{
    sw_status status = SW_OK;
    for (im->at = 0; status == SW_OK && im->at < im->m->n_nodes; im->at++) {
        im->node = im->m->nodes[im->at];
        if (!im->done[im->at]) status = read_node(im);
    }
    return status;
}

/* A known output: its numbers, and where they fit a plan a node too. */
static sw_node *known_output(struct sw_onnx_import *im, size_t i, struct sw_onnx_import_value *v)
{
    im->m->known[i] = v->host;
    return sw__onnx_representable(&v->host) ? sw__onnx_constant_node(im, v) : NULL;
}

static sw_status read_outputs(struct sw_onnx_import *im, sw_node **out)
{
    char text[SW_ONNX_TEXT];
    for (size_t i = 0; i < im->m->graph->n_output; i++) {
        const char *name = im->m->graph->output[i]->name;
        struct sw_onnx_import_value *v = sw__onnx_find(im, name);
        if (v && v->ready) sw__onnx_settle(im, v);
        if (sw__onnx_failed(im)) return node_failed(im);
        if (!v || !v->ready || (!v->constant && !v->node))
            return sw__fail(im->m->ctx, SW_ERR_FORMAT, "%s: output '%s' is made by no node",
                            im->m->path, sw__onnx_text(name, text));
        out[i] = v->constant ? known_output(im, i, v) : v->node;
        if (sw__onnx_failed(im)) {
            char why[SW_ERROR_TEXT];
            snprintf(why, sizeof why, "%s", sw_error(im->m->ctx));
            return sw__fail(im->m->ctx, sw_graph_status(im->g), "%s: output '%s': %s", im->m->path,
                            sw__onnx_text(name, text), why);
        }
    }
    return SW_OK;
}

sw_status sw_onnx_build(sw_onnx *m, sw_graph *g, sw_weights *ws, int64_t batch, sw_node **in,
                        sw_node **out)
{
    struct sw_onnx_import im = {
        .m = m, .g = g, .ws = ws, .batch = batch, .literal = -1, .left = CONSTANT_BYTES};
    im.left += 4 * (int64_t)m->map.size;
    m->wanted = -1;
    memset(m->known, 0, m->graph->n_output * sizeof *m->known);
    sw__arena_free(&m->known_arena);
    m->known_arena = (struct sw_arena){0};
    if (batch < 1) return sw__fail(m->ctx, SW_ERR_ARGUMENT, "%s: a batch of none", m->path);
    sw_status status = sw_graph_status(g);
    if (status == SW_OK) status = sw__onnx_connect(&im);
    if (status == SW_OK) status = read_initializers(&im);
    if (status == SW_OK) status = read_inputs(&im, in);
    if (status == SW_OK) status = read_nodes(&im);
    if (status == SW_OK) status = read_outputs(&im, out);
    free(im.values);
    free(im.done);
    m->known_arena = im.arena;
    return status;
}

/* ---- errors ------------------------------------------------------------------------------------ */

sw_node *sw__onnx_refuse(struct sw_onnx_import *im, sw_status status, const char *format, ...)
{
    char why[SW_ERROR_TEXT];
    va_list args;
    va_start(args, format);
    vsnprintf(why, sizeof why, format, args);
    va_end(args);
    return sw__graph_poison(im->g, status, "%s", why);
}

bool sw__onnx_failed(const struct sw_onnx_import *im)
{
    return sw_graph_status(im->g) != SW_OK;
}

void sw__onnx_repeat(struct sw_onnx_import *im, sw_status status)
{
    char why[SW_ERROR_TEXT];
    snprintf(why, sizeof why, "%s", sw_error(im->m->ctx));
    sw__onnx_refuse(im, status, "%s", why);
}
