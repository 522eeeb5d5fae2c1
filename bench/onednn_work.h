/* One primitive of oneDNN with its three tensors, and what its kinds share. */
#ifndef SWELL_BENCH_ONEDNN_WORK_H
#define SWELL_BENCH_ONEDNN_WORK_H

#include <dnnl.h>

#include "cli/peer.h"

enum { ONEDNN_REST_MS = 20 };

struct onednn_work {
    struct peer_case c;
    dnnl_primitive_t primitive; /* NULL: a plain f32 product */
    dnnl_exec_arg_t args[3];    /* their memory is the work's */
    dnnl_memory_desc_t plain;   /* of the result, dense and row-major */
    int result;                 /* which of args[] */
    float *out;                 /* of a plain f32 product */
};

extern dnnl_engine_t onednn_engine;
extern dnnl_stream_t onednn_stream;

dnnl_data_type_t onednn_type(sw_dtype dtype);
/* Memory laid out as the primitive wants it, filled from the dense `data` unless that is NULL; NULL
 * when oneDNN cannot. */
dnnl_memory_t onednn_memory(const dnnl_memory_desc_t *wanted, const dnnl_memory_desc_t *plain,
                            const void *data);
void onednn_run(void *work);
void onednn_result(void *work, void *out);
void onednn_destroy(void *work);

#endif
