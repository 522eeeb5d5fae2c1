/* What oneDNN's pieces of work share: the engine, tensors in its own layouts, running. */
#include "onednn_work.h"

#include <stdlib.h>
#include <string.h>

#include "peer_list.h"

dnnl_engine_t onednn_engine;
dnnl_stream_t onednn_stream;

bool peer_onednn_start(void)
{
    return dnnl_engine_create(&onednn_engine, dnnl_cpu, 0) == dnnl_success &&
           dnnl_stream_create(&onednn_stream, onednn_engine, dnnl_stream_default_flags) ==
               dnnl_success;
}

dnnl_data_type_t onednn_type(sw_dtype dtype)
{
    switch (dtype) {
    case SW_F32: return dnnl_f32;
    case SW_BF16: return dnnl_bf16;
    case SW_I8: return dnnl_s8;
    case SW_U8: return dnnl_u8;
    case SW_I32: return dnnl_s32;
    default: return dnnl_data_type_undef;
    }
}

/* Copy between two layouts. */
static bool reorder(dnnl_memory_t from, dnnl_memory_t to)
{
    const dnnl_memory_desc_t *a, *b;
    dnnl_primitive_desc_t pd;
    dnnl_primitive_t p;
    bool done = false;
    dnnl_memory_get_memory_desc(from, &a);
    dnnl_memory_get_memory_desc(to, &b);
    if (dnnl_reorder_primitive_desc_create(&pd, a, onednn_engine, b, onednn_engine, NULL) !=
        dnnl_success)
        return false;
    if (dnnl_primitive_create(&p, pd) == dnnl_success) {
        dnnl_exec_arg_t args[] = {{DNNL_ARG_FROM, from}, {DNNL_ARG_TO, to}};
        done = dnnl_primitive_execute(p, onednn_stream, 2, args) == dnnl_success &&
               dnnl_stream_wait(onednn_stream) == dnnl_success;
        dnnl_primitive_destroy(p);
    }
    dnnl_primitive_desc_destroy(pd);
    return done;
}

dnnl_memory_t onednn_memory(const dnnl_memory_desc_t *wanted, const dnnl_memory_desc_t *plain,
                            const void *data)
{
    dnnl_memory_t to, from;
    bool filled = false;
    if (dnnl_memory_create(&to, wanted, onednn_engine, DNNL_MEMORY_ALLOCATE) != dnnl_success)
        return NULL;
    if (!data) return to;
    if (dnnl_memory_create(&from, plain, onednn_engine, (void *)data) == dnnl_success) {
        filled = reorder(from, to);
        dnnl_memory_destroy(from);
    }
    if (filled) return to;
    dnnl_memory_destroy(to);
    return NULL;
}

void onednn_run(void *work)
{
    struct onednn_work *w = work;
    dnnl_primitive_execute(w->primitive, onednn_stream, 3, w->args);
    dnnl_stream_wait(onednn_stream);
}

void onednn_result(void *work, void *out)
{
    struct onednn_work *w = work;
    dnnl_memory_t to;
    onednn_run(work);
    if (dnnl_memory_create(&to, &w->plain, onednn_engine, out) != dnnl_success) return;
    reorder(w->args[w->result].memory, to);
    dnnl_memory_destroy(to);
}

void onednn_destroy(void *work)
{
    struct onednn_work *w = work;
    if (w->primitive) dnnl_primitive_destroy(w->primitive);
    for (int i = 0; i < 3; i++)
        if (w->args[i].memory) dnnl_memory_destroy(w->args[i].memory);
    free(w->out);
    free(w);
}
