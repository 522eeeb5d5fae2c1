/* From a graph to an ONNX model: the order of things.
 *
 *     live      what the outputs depend on
 *     shapes    once more, with one picture more: what grows with it follows the batch
 *     names     those of inputs, weights and outputs are kept
 *     leaves    weights and constants become initializers
 *     ops       in their order: the exporter of each puts nodes (onnx_export_<family>.c)
 *     message   what was put, as one ModelProto; then it is written (onnx_export_file.c)
 *
 * An op without an exporter is refused by its name. */
#include "format/onnx/onnx_export.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "base/size.h"

/* ---- what is exported ---------------------------------------------------------------------------- */

static void mark_live(struct sw_onnx_export *ex)
{
    for (int i = 0; i < ex->o->n_outputs; i++) ex->values[ex->o->outputs[i]->id].live = true;
    for (int64_t i = ex->g->n_ops; i-- > 0;) {
        const struct sw_op *op = ex->g->ops[i];
        bool live = false;
        for (int o = 0; o < op->n_out; o++) live |= ex->values[op->out[o]->id].live;
        for (int k = 0; live && k < op->n_in; k++)
            if (op->in[k]) ex->values[op->in[k]->id].live = true;
    }
}

static bool op_live(const struct sw_onnx_export *ex, const struct sw_op *op)
{
    for (int o = 0; o < op->n_out; o++)
        if (ex->values[op->out[o]->id].live) return true;
    return false;
}

/* ---- the open batch ------------------------------------------------------------------------------- */

static void start_shapes(struct sw_onnx_export *ex)
{
    for (int64_t i = 0; i < ex->g->n_nodes; i++) {
        const sw_node *x = ex->g->nodes[i];
        struct sw_onnx_export_value *v = &ex->values[x->id];
        v->other = x->shape;
        if (x->leaf != SW_LEAF_INPUT || !v->live || !x->shape.rank || ex->o->fixed_batch) continue;
        if (!ex->batch) ex->batch = x->shape.dim[0];
        if (x->shape.dim[0] == ex->batch) v->other.dim[0]++;
    }
}

/* Ask the shape rules with one picture more. */
static void infer_shapes(struct sw_onnx_export *ex)
{
    char error[SW_ERROR_TEXT];
    sw_tensor in[SW_MAX_INPUTS], *ins[SW_MAX_INPUTS], out[SW_MAX_OUTPUTS], *outs[SW_MAX_OUTPUTS];
    for (int64_t i = 0; ex->batch && i < ex->g->n_ops; i++) {
        const struct sw_op *op = ex->g->ops[i];
        if (!op_live(ex, op)) continue;
        for (int k = 0; k < op->n_in; k++) {
            ins[k] = op->in[k] ? &in[k] : NULL;
            if (op->in[k])
                in[k] = (sw_tensor){NULL, op->in[k]->dtype, ex->values[op->in[k]->id].other};
        }
        for (int k = 0; k < op->n_out; k++) {
            out[k] = (sw_tensor){0};
            outs[k] = &out[k];
        }
        sw_status status = sw__infer_run(op->cls, op->attr, ins, op->n_in, outs, op->n_out, error,
                                         sizeof error);
        if (status != SW_OK) {
            ex->status = sw__fail(ex->ctx, SW_ERR_SHAPE, "%s: the batch cannot stay open: %s",
                                  ex->path, error);
            return;
        }
        for (int k = 0; k < op->n_out; k++) ex->values[op->out[k]->id].other = out[k].shape;
    }
}

bool sw__onnx_open(const struct sw_onnx_export *ex, const sw_node *x, int d)
{
    return ex->values[x->id].other.dim[d] != x->shape.dim[d];
}

/* ---- ops ------------------------------------------------------------------------------------------- */

static const struct sw_onnx_exporter *exporter_of(const struct sw_op_class *cls)
{
    static const struct sw_onnx_exporter *const tables[] = {
        sw__onnx_export_elements, sw__onnx_export_images, sw__onnx_export_moves,
        sw__onnx_export_products};
    for (size_t t = 0; t < sizeof tables / sizeof *tables; t++)
        for (const struct sw_onnx_exporter *e = tables[t]; e->cls; e++)
            if (e->cls == cls) return e;
    return NULL;
}

static void put_op(struct sw_onnx_export *ex, const struct sw_op *op)
{
    ex->op = op;
    ex->exporter = exporter_of(op->cls);
    if (!ex->exporter) {
        sw__onnx_put_fail(ex, SW_ERR_UNSUPPORTED, "this op has no form in ONNX here");
        return;
    }
    for (int o = 0; o < op->n_out; o++)
        if (o > 0 && ex->values[op->out[o]->id].live && op->cls != &sw__op_topk &&
            op->cls != &sw__op_split) {
            sw__onnx_put_fail(ex, SW_ERR_UNSUPPORTED, "result %d has no form in ONNX", o);
            return;
        }
    ex->exporter->put(ex);
    for (int o = 0; o < op->n_out && ex->status == SW_OK; o++)
        if (ex->values[op->out[o]->id].live) sw__onnx_put_rounding(ex, op->out[o]);
    ex->op = NULL;
}

static void put_all(struct sw_onnx_export *ex)
{
    for (int64_t i = 0; i < ex->g->n_nodes && ex->status == SW_OK; i++) {
        const sw_node *x = ex->g->nodes[i];
        if (ex->values[x->id].live && x->leaf != SW_LEAF_NONE) sw__onnx_put_leaf(ex, x);
    }
    for (int64_t i = 0; i < ex->g->n_ops && ex->status == SW_OK; i++)
        if (op_live(ex, ex->g->ops[i])) put_op(ex, ex->g->ops[i]);
}

/* ---- the whole ------------------------------------------------------------------------------------- */

static sw_status check_options(sw_graph *g, const char *path, const sw_onnx_export_options *o)
{
    sw_status status = sw_graph_status(g);
    if (status != SW_OK) return status;
    if (o->n_outputs < 1)
        return sw__fail(g->ctx, SW_ERR_ARGUMENT, "%s: no outputs to export", path);
    for (int i = 0; i < o->n_outputs; i++)
        if (!o->outputs[i] || o->outputs[i]->graph != g || o->outputs[i] == &g->poison)
            return sw__fail(g->ctx, SW_ERR_ARGUMENT, "%s: output %d is no value of the graph", path,
                            i);
    return SW_OK;
}

/* Everything but writing. */
static void make(struct sw_onnx_export *ex, Onnx__ModelProto *model)
{
    ex->values = sw__onnx_put_alloc(ex, (size_t)ex->g->n_nodes * sizeof *ex->values);
    if (!ex->values) return;
    mark_live(ex);
    start_shapes(ex);
    infer_shapes(ex);
    if (ex->status == SW_OK) sw__onnx_export_names(ex);
    if (ex->status == SW_OK) put_all(ex);
    if (ex->status == SW_OK) sw__onnx_export_message(ex, model);
}

static void finish(struct sw_onnx_export *ex)
{
    sw__arena_free(&ex->arena);
    free(ex->nodes);
    free(ex->tensors);
}

static struct sw_onnx_export start(sw_graph *g, const char *path, const sw_onnx_export_options *o,
                                   const struct sw_onnx_bytes *bytes)
{
    return (struct sw_onnx_export){
        .ctx = g->ctx, .g = g, .path = path, .o = o, .bytes = bytes, .opset = 13};
}

sw_status sw__onnx_export_bytes(sw_graph *g, const char *path, const sw_onnx_export_options *o,
                                const struct sw_onnx_bytes *bytes)
{
    Onnx__ModelProto model = ONNX__MODEL_PROTO__INIT;
    sw_status status = check_options(g, path, o);
    if (status != SW_OK) return status;
    struct sw_onnx_export ex = start(g, path, o, bytes);
    make(&ex, &model);
    status = ex.status == SW_OK ? sw__onnx_export_write(&ex, &model) : ex.status;
    finish(&ex);
    return status;
}

sw_status sw__onnx_export_memory(sw_graph *g, const char *name, const sw_onnx_export_options *o,
                                 const struct sw_onnx_bytes *bytes, uint8_t **data, size_t *size)
{
    Onnx__ModelProto model = ONNX__MODEL_PROTO__INIT;
    sw_status status = check_options(g, name, o);
    *data = NULL;
    if (status != SW_OK) return status;
    struct sw_onnx_export ex = start(g, name, o, bytes);
    make(&ex, &model);
    if (ex.status == SW_OK) {
        *size = onnx__model_proto__get_packed_size(&model);
        *data = malloc(*size + 1);
        if (*data)
            onnx__model_proto__pack(&model, *data);
        else
            ex.status = sw__fail(g->ctx, SW_ERR_MEMORY, "%s: out of memory", name);
    }
    status = ex.status;
    finish(&ex);
    return status;
}

sw_status sw_onnx_export(sw_graph *g, const char *path, sw_onnx_export_options options)
{
    return sw__onnx_export_bytes(g, path, &options, NULL);
}

/* ---- errors ------------------------------------------------------------------------------------------ */

void sw__onnx_put_fail(struct sw_onnx_export *ex, sw_status status, const char *format, ...)
{
    char why[SW_ERROR_TEXT], name[SW_ONNX_TEXT];
    va_list args;
    if (ex->status != SW_OK) return;
    va_start(args, format);
    vsnprintf(why, sizeof why, format, args);
    va_end(args);
    const sw_node *x = ex->op ? ex->op->out[0] : NULL;
    ex->status = x ? sw__fail(ex->ctx, status, "%s: %s '%s': %s", ex->path, ex->op->cls->name,
                              sw__onnx_text(x->name, name), why)
                   : sw__fail(ex->ctx, status, "%s: %s", ex->path, why);
}

void *sw__onnx_put_alloc(struct sw_onnx_export *ex, size_t size)
{
    void *p = ex->status == SW_OK ? sw__arena_alloc(&ex->arena, size) : NULL;
    if (!p) sw__onnx_put_fail(ex, SW_ERR_MEMORY, "out of memory");
    return p;
}
