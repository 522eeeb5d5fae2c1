/* The numbers of an ONNX model alone, without its graph. */
#include "format/onnx/onnx_import.h"

#include "base/context_int.h"

static bool is_weight(const Onnx__TensorProto *t)
{
    return t->data_type == SW_ONNX_FLOAT || t->data_type == SW_ONNX_FLOAT16 ||
           t->data_type == SW_ONNX_BFLOAT16;
}

/* Numbers that are not in the file as they are in memory pass through an arena of their own. */
static sw_status add(sw_onnx *m, const struct sw_onnx_initializer *x, sw_weights *ws)
{
    char why[SW_ONNX_WHY], text[SW_ONNX_TEXT];
    struct sw_onnx_tensor t = {0};
    struct sw_arena arena = {0};
    sw_weight *w;
    sw_status status = sw__onnx_tensor_read(m, x->proto, x->raw, x->raw_size, &arena, &t, why);
    if (status != SW_OK)
        status = sw__fail(m->ctx, status, "%s: initializer '%s': %s", m->path,
                          sw__onnx_text(x->proto->name, text), why);
    const sw_dtype dtype = sw__onnx_type(t.type)->dtype;
    if (status == SW_OK)
        status = sw_weights_add(ws, x->proto->name ? x->proto->name : "", dtype, t.shape, &w);
    if (status == SW_OK) status = sw_weight_set(w, t.data, (size_t)sw_shape_bytes(&t.shape, dtype));
    sw__arena_free(&arena);
    return status;
}

sw_status sw_onnx_weights(sw_onnx *m, sw_weights *ws)
{
    sw_status status = SW_OK;
    for (int64_t i = 0; status == SW_OK && i < m->n_initializers; i++)
        if (is_weight(m->initializers[i].proto)) status = add(m, &m->initializers[i], ws);
    return status;
}
