/* OpenBLAS: f32 matrix products, and matrix-vector products where a has one row.  Debian builds it
 * without bf16, and it has no int8 and no packed weights. */
#include <cblas.h>
#include <stdlib.h>
#include <string.h>

#include "peer_list.h"

struct product {
    struct peer_case c;
    float *out;
};

static void *create(const struct peer_case *c)
{
    if (c->op != PEER_GEMM || c->a != SW_F32 || c->b != SW_F32) return NULL;
    struct product *p = calloc(1, sizeof *p);
    if (!p) return NULL;
    p->c = *c;
    p->out = aligned_alloc(64, ((size_t)(c->m * c->n) * sizeof(float) + 63) / 64 * 64);
    if (p->out) return p;
    free(p);
    return NULL;
}

static void run(void *work)
{
    const struct product *p = work;
    const struct peer_case *c = &p->c;
    const int m = (int)c->m, n = (int)c->n, k = (int)c->k, ldb = c->b_transposed ? k : n;
    if (m == 1)
        cblas_sgemv(CblasRowMajor, c->b_transposed ? CblasNoTrans : CblasTrans,
                    c->b_transposed ? n : k, ldb, 1, c->second, ldb, c->first, 1, 0, p->out, 1);
    else
        cblas_sgemm(CblasRowMajor, c->a_transposed ? CblasTrans : CblasNoTrans,
                    c->b_transposed ? CblasTrans : CblasNoTrans, m, n, k, 1, c->first,
                    c->a_transposed ? m : k, c->second, ldb, 0, p->out, n);
}

static void result(void *work, void *out)
{
    const struct product *p = work;
    run(work);
    memcpy(out, p->out, (size_t)(p->c.m * p->c.n) * sizeof(float));
}

static void destroy(void *work)
{
    struct product *p = work;
    free(p->out);
    free(p);
}

void peer_openblas_threads(int n)
{
    openblas_set_num_threads(n);
}

const struct peer peer_openblas = {"OpenBLAS", 0.06, create, run, result, destroy};
