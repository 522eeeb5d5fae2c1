/* Attention: Vaswani et al. 2017, section 3.2, computed as in Dao et al. 2022 (FlashAttention):
 * logits and probabilities live in blocks of 64 keys and never as a whole, so memory is O(T).
 *
 *     s = softcap(scale q k^T) + mask      y = softmax(s) v      lse = log sum exp s
 *
 * Output 0 is y, output 1 is lse (B,NH,TQ), which is all that the backward pass needs to make the
 * probabilities again.  A task is up to 516 query rows that share a key-value head; grouped-query
 * heads (Ainslie et al. 2023) count as rows, so they share the packed keys too.  Row bits do not
 * depend on other rows, see attention_kernels.h; the window (Beltagy et al. 2020, Mistral) and the
 * causal bound are key ranges of a row, whole blocks outside are never touched.  So are documents, runs of
 * equal numbers: each goes by itself, its keys counted from its first, and so has the same bits wherever it
 * stands among others. */
#include <math.h>
#include "graph/ops/attention_int.h"

enum { DOCUMENTS = 4, SINKS };

/* ---- shape rule -------------------------------------------------------------------------------- */

static sw_status check_mask(struct sw_infer *q)
{
    const sw_shape *a = &q->in[0]->shape, *k = &q->in[1]->shape, *m = &q->in[3]->shape;
    const int64_t full[4] = {a->dim[0], a->dim[2], a->dim[1], k->dim[1]};
    char mask[SW_SHAPE_TEXT], want[SW_SHAPE_TEXT];
    bool fits = m->rank <= 4;
    for (int i = 0; fits && i < m->rank; i++) {
        int64_t size = m->dim[i];
        fits = size == 1 || size == full[4 - m->rank + i];
    }
    if (fits) return SW_OK;
    const sw_shape shape = sw_shape_make(4, full);
    return sw__infer_fail(q, SW_ERR_SHAPE, "mask %s does not broadcast to %s (B,NH,TQ,TK)",
                          sw_shape_text(m, mask), sw_shape_text(&shape, want));
}

static sw_status check_documents(struct sw_infer *q, int documents)
{
    const sw_shape *a = &q->in[0]->shape, *d = &q->in[documents]->shape;
    const sw_status status = sw__infer_dtype(q, documents, SW_I32);
    if (status != SW_OK) return status;
    if (d->rank != 2 || d->dim[0] != a->dim[0] || d->dim[1] != a->dim[1])
        return sw__infer_mismatch(q, 0, documents, "documents are not (B,T)");
    if (q->in[1]->shape.dim[1] != a->dim[1])
        return sw__infer_mismatch(q, 0, 1, "documents need one key for each query");
    return SW_OK;
}

sw_status sw__attention_check_sinks(struct sw_infer *q, int sinks, int64_t heads)
{
    const sw_status status = sw__infer_dtype(q, sinks, SW_F32);
    if (status != SW_OK) return status;
    const sw_shape *s = &q->in[sinks]->shape;
    if (s->rank != 1 || s->dim[0] != heads)
        return sw__infer_mismatch(q, 0, sinks, "sinks are not one for each head");
    return SW_OK;
}

sw_status sw__attention_check(struct sw_infer *q, int documents)
{
    sw_status status = SW_OK;
    for (int i = 0; i < 4 && status == SW_OK; i++) {
        if (i == 3 && !q->in[3]) break;
        status = sw__infer_dtype(q, i, SW_F32);
        if (status == SW_OK && i < 3) status = sw__infer_rank(q, i, 4, 4);
    }
    if (status != SW_OK) return status;
    const int64_t *a = q->in[0]->shape.dim, *k = q->in[1]->shape.dim;
    if (!sw_shape_equal(&q->in[1]->shape, &q->in[2]->shape))
        return sw__infer_mismatch(q, 1, 2, "keys and values differ");
    if (a[0] != k[0]) return sw__infer_mismatch(q, 0, 1, "batches differ");
    if (a[3] != k[3]) return sw__infer_mismatch(q, 0, 1, "head sizes differ");
    if (a[3] > SW_ATTENTION_MOST_HS)
        return sw__infer_fail(q, SW_ERR_SIZE, "heads of %lld features, at most %d", (long long)a[3],
                              SW_ATTENTION_MOST_HS);
    if (k[2] == 0 ? a[2] != 0 : a[2] % k[2] != 0)
        return sw__infer_mismatch(q, 0, 1, "key-value heads do not divide the query heads");
    if (q->in[3]) status = check_mask(q);
    if (status == SW_OK && q->in[documents]) status = check_documents(q, documents);
    return status;
}

static sw_status attention_infer(struct sw_infer *q)
{
    sw_status status = sw__attention_check(q, DOCUMENTS);
    const sw_shape *a = &q->in[0]->shape;
    if (status == SW_OK && q->in[SINKS]) status = sw__attention_check_sinks(q, SINKS, a->dim[2]);
    if (status != SW_OK) return status;
    *q->out[0] = (sw_tensor){.dtype = SW_F32, .shape = *a};
    *q->out[1] = (sw_tensor){.dtype = SW_F32, .shape = SW_SHAPE(a->dim[0], a->dim[2], a->dim[1])};
    return SW_OK;
}

/* ---- sizes and rows ---------------------------------------------------------------------------- */

void sw__attention_sizes(const struct sw_step *s, struct attention_sizes *z)
{
    const struct attention_attr *attr = s->attr;
    const int64_t *q = s->in[0]->shape.dim, *k = s->in[1]->shape.dim;
    *z = (struct attention_sizes){
        .b = q[0], .tq = q[1], .tk = k[1], .nh = q[2], .nkv = k[2], .hs = q[3]};
    z->group = z->nkv > 0 ? z->nh / z->nkv : 0;
    z->rows = z->tq * z->group;
    z->grain = sw__attention_grain(z->b * z->nkv, z->rows);
    z->scale = attr->scale != 0 ? attr->scale : 1 / sqrtf((float)sw__max64(1, z->hs));
    if (!s->in[3]) return;
    const sw_shape *m = &s->in[3]->shape;
    int64_t stride = 1;
    for (int i = m->rank - 1; i >= 0; i--) {
        z->mask_stride[4 - m->rank + i] = m->dim[i] > 1 ? stride : 0;
        stride *= m->dim[i];
    }
}

double sw__attention_pairs(const struct attention_attr *attr, const struct attention_sizes *z)
{
    double pairs = 0;
    for (int64_t t = 0; t < z->tq; t++) {
        int64_t lo, hi;
        sw__attention_seen(attr, z, t, &lo, &hi);
        pairs += (double)(hi > lo ? hi - lo : 0);
    }
    return pairs * (double)z->nh * (double)z->b;
}

void sw__attention_rows_fill(struct sw_attention_rows *r, const struct attention_attr *attr,
                             const struct attention_sizes *z, const float *q, const float *mask,
                             const int32_t *documents, int64_t b, int64_t kv, int64_t first,
                             int64_t n)
{
    const int32_t *of = documents ? documents + b * z->tq : NULL;
    int64_t begin = 0, end = z->tk; /* of the row's document */
    r->n = n;
    r->hs = z->hs;
    r->scale = z->scale;
    r->softcap = attr->softcap;
    r->lse[0] = NULL;
    r->mask[0] = NULL;
    r->sinks = false;
    r->mask_step = z->mask_stride[3];
    if (of) begin = end = first / z->group;
    for (; of && begin > 0 && of[begin - 1] == of[begin];) begin--;
    int64_t t = first / z->group, h = first % z->group; /* h: in the group */
    for (int64_t i = 0; i < n; i++) {
        const int64_t head = kv * z->group + h;
        r->q[i] = q + ((b * z->tq + t) * z->nh + head) * z->hs;
        sw__attention_seen(attr, z, t, &r->lo[i], &r->hi[i]);
        if (of && t >= end) {
            if (t > 0 && of[t] != of[t - 1]) begin = t;
            for (end = t + 1; end < z->tk && of[end] == of[t];) end++;
        }
        r->lo[i] = sw__max64(r->lo[i], begin);
        r->hi[i] = sw__min64(r->hi[i], end);
        if (mask)
            r->mask[i] = mask + b * z->mask_stride[0] + head * z->mask_stride[1] +
                         t * z->mask_stride[2];
        if (++h < z->group) continue;
        h = 0;
        t++;
    }
    sw__attention_all_see(r);
}

/* ---- the op ------------------------------------------------------------------------------------ */

static sw_status attention_prepare(struct sw_step *s)
{
    struct attention_sizes *z = s->note;
    sw__attention_sizes(s, z);
    s->kernel = s->k->names[SW_SLOT_attention_forward];
    s->flops = 4. * (double)z->hs * sw__attention_pairs(s->attr, z);
    s->scratch = sw__attention_rows_scratch(z->hs, s->in[3] != NULL, SW_F32);
    s->n_phases = z->b > 0 && z->rows > 0 && z->nkv > 0;
    if (s->n_phases) s->tasks[0] = z->b * z->nkv * sw__ceil_div(z->rows, z->grain);
    return SW_OK;
}

/* How many rows from `first` on, at most n, are of one document; *begin: where it begins. */
static int64_t document_rows(const int32_t *of, const struct attention_sizes *z, int64_t first,
                             int64_t n, int64_t *begin)
{
    int64_t end = first / z->group + 1;
    *begin = end - 1;
    while (*begin > 0 && of[*begin - 1] == of[end - 1]) --*begin;
    while (end * z->group < first + n && of[end] == of[end - 1]) end++;
    return sw__min64(n, end * z->group - first);
}

/* Count keys from position `begin` on. */
static void shift_keys(struct sw_attention_rows *r, struct sw_attention_source *source,
                       int64_t begin)
{
    for (int64_t i = 0; i < r->n; i++) {
        r->lo[i] -= begin;
        r->hi[i] -= begin;
        if (r->mask[0]) r->mask[i] += begin * r->mask_step;
    }
    r->all_from -= begin;
    r->all_to -= begin;
    source->k += begin * source->stride;
    source->v += begin * source->stride;
}

/* n rows from `first` on of one key-value head. */
static void run_rows(const struct sw_step *s, int64_t b, int64_t kv, int64_t first, int64_t n,
                     int64_t begin, void *scratch)
{
    const struct attention_sizes *z = s->note;
    const float *mask = s->in[3] ? s->in[3]->data : NULL;
    const float *sinks = s->in[SINKS] ? s->in[SINKS]->data : NULL;
    const int32_t *documents = s->in[DOCUMENTS] ? s->in[DOCUMENTS]->data : NULL;
    const int64_t head = (b * z->tk * z->nkv + kv) * z->hs;
    float *y = s->out[0] ? s->out[0]->data : NULL, *lse = s->out[1] ? s->out[1]->data : NULL;
    struct sw_attention_rows r;
    struct sw_attention_source source = {.k = (const char *)((const float *)s->in[1]->data + head),
                                         .v = (const char *)((const float *)s->in[2]->data + head),
                                         .dtype = SW_F32,
                                         .stride = z->nkv * z->hs * (int64_t)sizeof(float)};
    sw__attention_rows_fill(&r, s->attr, z, s->in[0]->data, mask, documents, b, kv, first, n);
    shift_keys(&r, &source, begin);
    r.sinks = sinks != NULL;
    for (int64_t i = 0; i < n; i++) {
        if (sinks) r.sink[i] = sinks[kv * z->group + (first + i) % z->group];
        r.y[i] = y ? y + sw__attention_row_at(z, b, kv, first + i) : NULL;
        r.lse[i] = lse ? lse + sw__attention_lse_at(z, b, kv, first + i) : NULL;
    }
    sw__attention_rows_run(s->k, &r, &source, scratch);
}

static void attention_run(const struct sw_step *s, int phase, int64_t begin, int64_t end,
                          void *scratch)
{
    const struct attention_sizes *z = s->note;
    const int32_t *documents = s->in[DOCUMENTS] ? s->in[DOCUMENTS]->data : NULL;
    const int64_t cuts = sw__ceil_div(z->rows, z->grain);
    for (int64_t task = begin; task < end; task++) {
        const int64_t kv = task / cuts % z->nkv, b = task / cuts / z->nkv;
        const int64_t last = sw__min64(z->rows, (task % cuts + 1) * z->grain);
        for (int64_t row = task % cuts * z->grain, n, from = 0; row < last; row += n) {
            n = last - row;
            if (documents) n = document_rows(documents + b * z->tq, z, row, n, &from);
            run_rows(s, b, kv, row, n, from, scratch);
        }
    }
    (void)phase;
}

static void attention_grad(sw_graph *g, const struct sw_op *op, sw_node *const *dy,
                           const bool *need, sw_node **dx)
{
    if (need[3] || need[SINKS]) {
        sw__graph_poison(g, SW_ERR_UNSUPPORTED, "attention: no gradient for the %s",
                         need[3] ? "mask" : "sinks");
        return;
    }
    sw_node *y = sw__op_out(op, 0);
    sw_node *const in[9] = {sw__op_in(op, 0),
                            sw__op_in(op, 1),
                            sw__op_in(op, 2),
                            sw__op_in(op, 3),
                            y,
                            sw__op_out(op, 1),
                            dy[0] ? dy[0] : sw_scale(g, y, 0),
                            dy[1],
                            sw__op_in(op, DOCUMENTS)};
    sw_node *all = sw__attention_backward(g, sw__op_attr(op), in);
    for (int i = 0; i < 3; i++)
        if (need[i]) dx[i] = sw_output(all, i);
}

const struct sw_op_class sw__op_attention = {.name = "attention",
                                             .note_size = sizeof(struct attention_sizes),
                                             .infer = attention_infer,
                                             .grad = attention_grad,
                                             .prepare = attention_prepare,
                                             .run = attention_run};

bool sw__attention_options(sw_graph *g, const char *op, const sw_attention_options *o,
                           struct attention_attr *attr)
{
    *attr = (struct attention_attr){o->causal, o->window, o->scale, o->softcap};
    if (o->window < 0 || !isfinite(o->scale) || !isfinite(o->softcap) || o->softcap < 0) {
        sw__graph_poison(g, SW_ERR_ARGUMENT, "%s: window %d, scale %g, softcap %g", op, o->window,
                         (double)o->scale, (double)o->softcap);
        return false;
    }
    return true;
}

sw_node *sw_attention(sw_graph *g, sw_node *q, sw_node *k, sw_node *v, sw_attention_options o)
{
    struct attention_attr attr;
    if (!sw__attention_options(g, "attention", &o, &attr) || (o.window > 0 && !o.causal))
        return sw__graph_poison(g, SW_ERR_ARGUMENT, "attention: a window needs causal");
    sw_node *const in[] = {q, k, v, o.mask, o.documents, o.sinks};
    return sw__op_add(g, &sw__op_attention, &attr, sizeof attr, in, 6, 2);
}
