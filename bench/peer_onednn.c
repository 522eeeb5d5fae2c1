/* oneDNN's matrix products: f32 by dnnl_sgemm, the rest by the matmul primitive; a constant weight in
 * the blocked layout that the primitive asks for. */
#include <stdlib.h>
#include <string.h>

#include "onednn_work.h"
#include "peer_list.h"

static bool is_sgemm(const struct peer_case *c)
{
    return c->a == SW_F32 && !c->b_constant;
}

static bool create_matmul(struct onednn_work *w)
{
    const struct peer_case *c = &w->c;
    static const int args[3] = {DNNL_ARG_SRC, DNNL_ARG_WEIGHTS, DNNL_ARG_DST};
    const dnnl_dims_t dims[3] = {{c->m, c->k}, {c->k, c->n}, {c->m, c->n}};
    const sw_dtype types[3] = {c->a, c->b, c->c};
    const bool transposed[3] = {c->a_transposed, c->b_transposed, false};
    const void *data[3] = {c->first, c->second, NULL};
    dnnl_memory_desc_t plain[3], any;
    dnnl_matmul_desc_t desc;
    dnnl_primitive_desc_t pd;
    for (int i = 0; i < 3; i++)
        dnnl_memory_desc_init_by_tag(&plain[i], 2, dims[i], onednn_type(types[i]),
                                     transposed[i] ? dnnl_ba : dnnl_ab);
    dnnl_memory_desc_init_by_tag(&any, 2, dims[1], onednn_type(c->b), dnnl_format_tag_any);
    if (dnnl_matmul_desc_init(&desc, &plain[0], c->b_constant ? &any : &plain[1], NULL,
                              &plain[2]) != dnnl_success ||
        dnnl_primitive_desc_create(&pd, &desc, NULL, onednn_engine, NULL) != dnnl_success)
        return false;
    bool good = dnnl_primitive_create(&w->primitive, pd) == dnnl_success;
    for (int i = 0; i < 3 && good; i++) {
        const dnnl_memory_desc_t *wanted = i == 1 ? dnnl_primitive_desc_query_md(
                                                        pd, dnnl_query_weights_md, 0)
                                                  : &plain[i];
        w->args[i].arg = args[i];
        w->args[i].memory = onednn_memory(wanted, &plain[i], data[i]);
        good = w->args[i].memory != NULL;
    }
    w->plain = plain[2];
    w->result = 2;
    dnnl_primitive_desc_destroy(pd);
    return good;
}

static void *create(const struct peer_case *c)
{
    if (c->op != PEER_GEMM || onednn_type(c->a) == dnnl_data_type_undef ||
        onednn_type(c->b) == dnnl_data_type_undef)
        return NULL;
    struct onednn_work *w = calloc(1, sizeof *w);
    if (!w) return NULL;
    w->c = *c;
    bool good = false;
    if (is_sgemm(c)) {
        w->out = aligned_alloc(64, ((size_t)(c->m * c->n) * sizeof(float) + 63) / 64 * 64);
        good = w->out != NULL;
    } else {
        good = create_matmul(w);
    }
    if (good) return w;
    onednn_destroy(w);
    return NULL;
}

static void run(void *work)
{
    const struct onednn_work *w = work;
    const struct peer_case *c = &w->c;
    if (w->primitive)
        onednn_run(work);
    else
        dnnl_sgemm(c->a_transposed ? 'T' : 'N', c->b_transposed ? 'T' : 'N', c->m, c->n, c->k, 1,
                   c->first, c->a_transposed ? c->m : c->k, c->second,
                   c->b_transposed ? c->k : c->n, 0, w->out, c->n);
}

static void result(void *work, void *out)
{
    const struct onednn_work *w = work;
    if (w->primitive) {
        onednn_result(work, out);
        return;
    }
    run(work);
    memcpy(out, w->out, (size_t)(w->c.m * w->c.n) * sizeof(float));
}

const struct peer peer_onednn = {"oneDNN", ONEDNN_REST_MS / 1e3, create, run,
                                 result,   onednn_destroy};
