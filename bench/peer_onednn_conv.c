/* oneDNN's convolutions: forward, by data, by weights.  Every tensor is in the blocked layout that the
 * primitive asks for, made before: the way it runs inside of a network. */
#include <stdlib.h>

#include "onednn_work.h"
#include "peer_list.h"

enum { SRC, WEIGHTS, DST, TENSORS };

/* Of src, weights and dst: dense, or in any layout. */
static void describe(const struct peer_case *c, bool plain, dnnl_memory_desc_t desc[TENSORS])
{
    const int64_t g = c->conv.groups, r = c->conv.kernel;
    const dnnl_dims_t src = {c->conv.n, c->conv.c, c->conv.size, c->conv.size};
    const dnnl_dims_t dst = {c->conv.n, c->conv.o, c->conv.out, c->conv.out};
    const dnnl_dims_t single = {c->conv.o, c->conv.c, r, r};
    const dnnl_dims_t grouped = {g, c->conv.o / g, c->conv.c / g, r, r};
    const dnnl_format_tag_t any = dnnl_format_tag_any;
    dnnl_memory_desc_init_by_tag(&desc[SRC], 4, src, dnnl_f32, plain ? dnnl_nchw : any);
    dnnl_memory_desc_init_by_tag(&desc[DST], 4, dst, dnnl_f32, plain ? dnnl_nchw : any);
    dnnl_memory_desc_init_by_tag(&desc[WEIGHTS], g == 1 ? 4 : 5, g == 1 ? single : grouped,
                                 dnnl_f32,
                                 !plain   ? any
                                 : g == 1 ? dnnl_oihw
                                          : dnnl_goihw);
}

static bool choose(const struct peer_case *c, dnnl_primitive_desc_t *pd)
{
    const dnnl_memory_desc_t *const none = NULL;
    const dnnl_dims_t strides = {c->conv.stride, c->conv.stride}, pad = {c->conv.pad, c->conv.pad};
    const int64_t over = (c->conv.out - 1) * c->conv.stride + c->conv.kernel - c->conv.size -
                         c->conv.pad;
    const dnnl_dims_t right = {over, over};
    dnnl_memory_desc_t any[TENSORS];
    dnnl_convolution_desc_t desc;
    dnnl_primitive_desc_t hint;
    describe(c, false, any);
    if (dnnl_convolution_forward_desc_init(&desc, dnnl_forward_training, dnnl_convolution_auto,
                                           &any[SRC], &any[WEIGHTS], none, &any[DST], strides, pad,
                                           right) != dnnl_success ||
        dnnl_primitive_desc_create(&hint, &desc, NULL, onednn_engine, NULL) != dnnl_success)
        return false;
    if (c->op == PEER_CONV_FORWARD) {
        *pd = hint;
        return true;
    }
    dnnl_status_t status = c->op == PEER_CONV_DATA
                               ? dnnl_convolution_backward_data_desc_init(
                                     &desc, dnnl_convolution_auto, &any[SRC], &any[WEIGHTS],
                                     &any[DST], strides, pad, right)
                               : dnnl_convolution_backward_weights_desc_init(
                                     &desc, dnnl_convolution_auto, &any[SRC], &any[WEIGHTS], none,
                                     &any[DST], strides, pad, right);
    if (status == dnnl_success)
        status = dnnl_primitive_desc_create(pd, &desc, NULL, onednn_engine, hint);
    dnnl_primitive_desc_destroy(hint);
    return status == dnnl_success;
}

static bool fill(struct onednn_work *w, dnnl_primitive_desc_t pd)
{
    static const struct {
        int result, args[TENSORS];
        dnnl_query_t query[TENSORS];
    } ways[] = {
        [PEER_CONV_FORWARD] = {DST,
                               {DNNL_ARG_SRC, DNNL_ARG_WEIGHTS, DNNL_ARG_DST},
                               {dnnl_query_src_md, dnnl_query_weights_md, dnnl_query_dst_md}},
        [PEER_CONV_DATA] = {SRC,
                            {DNNL_ARG_DIFF_SRC, DNNL_ARG_WEIGHTS, DNNL_ARG_DIFF_DST},
                            {dnnl_query_diff_src_md, dnnl_query_weights_md,
                             dnnl_query_diff_dst_md}},
        [PEER_CONV_WEIGHTS] = {WEIGHTS,
                               {DNNL_ARG_SRC, DNNL_ARG_DIFF_WEIGHTS, DNNL_ARG_DIFF_DST},
                               {dnnl_query_src_md, dnnl_query_diff_weights_md,
                                dnnl_query_diff_dst_md}},
    };
    dnnl_memory_desc_t plain[TENSORS];
    const struct peer_case *c = &w->c;
    const void *data[2] = {c->first, c->second};
    int given = 0;
    describe(c, true, plain);
    w->result = ways[c->op].result;
    w->plain = plain[w->result];
    if (c->op == PEER_CONV_DATA) { /* given as dy, w */
        data[0] = c->second;
        data[1] = c->first;
    }
    for (int i = 0; i < TENSORS; i++) {
        const dnnl_memory_desc_t *wanted = dnnl_primitive_desc_query_md(pd, ways[c->op].query[i],
                                                                        0);
        w->args[i].arg = ways[c->op].args[i];
        w->args[i].memory = onednn_memory(wanted, &plain[i], i == w->result ? NULL : data[given++]);
        if (!w->args[i].memory) return false;
    }
    return true;
}

static void *create(const struct peer_case *c)
{
    dnnl_primitive_desc_t pd;
    if (c->op < PEER_CONV_FORWARD || c->op > PEER_CONV_WEIGHTS || c->a != SW_F32 || !choose(c, &pd))
        return NULL;
    struct onednn_work *w = calloc(1, sizeof *w);
    bool good = w != NULL;
    if (good) {
        w->c = *c;
        good = dnnl_primitive_create(&w->primitive, pd) == dnnl_success && fill(w, pd);
    }
    dnnl_primitive_desc_destroy(pd);
    if (good) return w;
    if (w) onednn_destroy(w);
    return NULL;
}

const struct peer peer_onednn_conv = {"oneDNN",   ONEDNN_REST_MS / 1e3, create,
                                      onednn_run, onednn_result,        onednn_destroy};
