/* Importances of inputs, measured: the model reads a text in windows, and beside the logits its plan gives the sums of
 * squares of what goes into each matrix.  The error of a quantised row is sum (dw_k x_k)^2 where the inputs are
 * uncorrelated, so their mean squares are the weights of the squares of errors (Frantar et al. 2022, section 3, keep the
 * whole Hessian; this is its diagonal, as in llama.cpp's imatrix).
 *
 * Experts have sums of their own, of the tokens that were theirs. */
#include "gpt/importance.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/context_int.h"
#include "base/size.h"
#include "gpt/gpt_int.h"
#include "graph/op.h"

enum { WINDOW_DEFAULT = 512, CHUNK = 128 };

/* ---- in the graph ------------------------------------------------------------------------------ */

static int64_t last_dim(const sw_node *x)
{
    const sw_shape s = sw_node_shape(x);
    return s.rank > 0 ? s.dim[s.rank - 1] : 0;
}

/* squares (R,K), or (R,C,K): each row to the experts `which` (R,C) that it goes to; (E,K). */
static sw_node *sums_of_experts(struct sw_gpt *m, sw_node *squares, sw_node *which)
{
    const int64_t k = last_dim(squares);
    const bool each = sw_node_shape(squares).rank > 2;
    sw_node *sums = sw_expand(m->g, sw_scalar(m->g, 0), SW_SHAPE(m->z.experts, k));
    for (int64_t c = 0; c < m->z.chosen; c++) {
        const sw_slice_options o = {.axis = 1, .begin = c, .end = c + 1};
        sw_node *ids = sw_reshape(m->g, sw_slice(m->g, which, o), SW_SHAPE(-1));
        sw_node *rows = each ? sw_reshape(m->g, sw_slice(m->g, squares, o), SW_SHAPE(-1, k))
                             : squares;
        sums = sw_scatter_add(m->g, sums, ids, rows);
    }
    return sums;
}

void sw__gpt_watch(struct sw_gpt *m, const char *tensor, sw_node *x, sw_node *which)
{
    if (!m->watch) return;
    if (!sw__grow(&m->watched, &m->watched_room, m->n_watched + 1, sizeof *m->watched)) {
        sw__graph_poison(m->g, SW_ERR_MEMORY, "out of memory");
        return;
    }
    struct sw_gpt_watched *w = &m->watched[m->n_watched++];
    const sw_reduce_options rows = {.axes = {0}, .n_axes = 1};
    sw_node *squares = sw_square(m->g, x);
    snprintf(w->tensor, sizeof w->tensor, "%s", tensor);
    w->sums = which ? sums_of_experts(m, squares, which) : sw_sum(m->g, squares, rows);
}

/* ---- over a text ------------------------------------------------------------------------------- */

struct measure {
    sw_context *ctx;
    sw_model *m;
    sw_session *s;
    struct sw_importance_options o;
    int32_t *ids;
    int64_t n, windows;
    double **sums; /* of each watched tensor */
};

static sw_status step(struct measure *e, const int32_t *ids, int64_t n)
{
    sw_model_part part = {.session = e->s, .tokens = ids, .n = n, .rows = n};
    sw_status status = sw_model_step(e->m, &part, 1);
    if (status != SW_OK) return status;
    for (int64_t t = 0; t < e->m->net.n_watched; t++) {
        const sw_tensor sums = sw_plan_tensor(e->m->plan, e->m->net.watched[t].sums);
        const float *x = sums.data;
        for (int64_t i = 0; i < sw_shape_elements(&sums.shape); i++) e->sums[t][i] += (double)x[i];
    }
    return SW_OK;
}

static sw_status read_all(struct measure *e)
{
    sw_status status = SW_OK;
    for (int64_t w = 0; status == SW_OK && w < e->windows; w++) {
        const int32_t *ids = e->ids + w * e->o.window;
        status = sw_session_truncate(e->s, 0);
        for (int64_t at = 0; status == SW_OK && at < e->o.window; at += CHUNK) {
            const int64_t n = sw__min64(CHUNK, e->o.window - at);
            status = step(e, ids + at, n);
        }
        if (status == SW_OK && e->o.progress)
            e->o.progress(e->o.user, (double)(w + 1) / (double)e->windows);
    }
    return status;
}

static sw_status no_memory(struct measure *e)
{
    return sw__fail(e->ctx, SW_ERR_MEMORY, "importances: out of memory");
}

static sw_status tokenize(struct measure *e, const char *text, size_t bytes)
{
    const sw_tokenizer *t = sw_model_tokenizer(e->m);
    const sw_tokenize_options o = {.begin = true};
    if (!t) return sw__fail(e->ctx, SW_ERR_STATE, "%s: comes without a tokenizer", e->m->path);
    sw_status status = sw_tokenize(t, text, bytes, o, NULL, 0, &e->n);
    if (status != SW_OK) return status;
    e->ids = sw__calloc2((size_t)e->n + 1, sizeof *e->ids);
    if (!e->ids) return no_memory(e);
    e->windows = e->n / e->o.window;
    if (e->windows == 0)
        return sw__fail(e->ctx, SW_ERR_SIZE, "a text of %lld tokens, less than a window of %lld",
                        (long long)e->n, (long long)e->o.window);
    return sw_tokenize(t, text, bytes, o, e->ids, e->n, &e->n);
}

static sw_status make_sums(struct measure *e)
{
    const struct sw_gpt *net = &e->m->net;
    e->sums = sw__calloc2((size_t)net->n_watched + 1, sizeof *e->sums);
    for (int64_t t = 0; e->sums && t < net->n_watched; t++) {
        const sw_shape shape = sw_node_shape(net->watched[t].sums);
        e->sums[t] = sw__calloc2((size_t)sw_shape_elements(&shape) + 1, sizeof **e->sums);
        if (!e->sums[t]) return no_memory(e);
    }
    return e->sums ? SW_OK : no_memory(e);
}

static sw_status collect(struct measure *e, struct sw_imatrix *out)
{
    sw_status status = SW_OK;
    for (int64_t t = 0; status == SW_OK && t < e->m->net.n_watched; t++) {
        const struct sw_gpt_watched *w = &e->m->net.watched[t];
        const sw_shape shape = sw_node_shape(w->sums);
        const int64_t n = sw_shape_elements(&shape);
        for (int64_t i = 0; i < n; i++) e->sums[t][i] /= (double)(e->windows * e->o.window);
        status = sw__imatrix_add(e->ctx, out, w->tensor, e->sums[t], n);
    }
    return status == SW_OK ? sw__imatrix_finish(e->ctx, out, e->m->path) : status;
}

static void end(struct measure *e)
{
    for (int64_t t = 0; e->sums && t < e->m->net.n_watched; t++) free(e->sums[t]);
    free(e->sums);
    free(e->ids);
    sw_session_close(e->s);
    sw_model_destroy(e->m);
}

sw_status sw__gpt_importances(sw_context *ctx, const char *model, const char *text, size_t bytes,
                              struct sw_importance_options o, struct sw_imatrix **out)
{
    struct measure e = {.ctx = ctx, .o = o};
    sw_model_options open = {
        .most_context = o.window ? o.window : WINDOW_DEFAULT, .chunk = CHUNK, .rows = CHUNK};
    *out = NULL;
    sw_status status = sw__model_open(ctx, model, &open, SW_MODEL_WATCHED, &e.m);
    if (status != SW_OK) return status;
    e.o.window = e.m->o.context;
    status = sw_session_open(e.m, &e.s);
    if (status == SW_OK) status = tokenize(&e, text, bytes);
    if (status == SW_OK) status = make_sums(&e);
    if (status == SW_OK) status = read_all(&e);
    if (status == SW_OK) status = sw__imatrix_create(ctx, out);
    if (status == SW_OK) status = collect(&e, *out);
    if (status != SW_OK) {
        sw__imatrix_close(*out);
        *out = NULL;
    }
    end(&e);
    return status;
}
