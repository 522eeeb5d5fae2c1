/* The gradient of attention: Dao et al. 2022, algorithm 4.  The probabilities are made again block by
 * block from q, k and the saved log-sum-exp, so memory is O(T) here too.
 *
 *     p = exp(s - lse)     ds = p * (dy v^T - delta)     delta = rowsum(dy * y) - dlse
 *     dv = p^T dy          dq = scale ds k               dk = scale ds^T q
 *
 * Phase 0 computes delta.  Then there are two ways to cut the rest, with the same bits, because an
 * element of dq is always one chain over the keys and one of dk, dv one chain over the rows:
 *   - whole heads: a task is a key-value head; key blocks outside, rows inside.  Five products; q, dy
 *     and dq of all rows are in scratch.  For enough heads, of moderate length.
 *   - split: tasks for dq (rows outside, keys inside) and tasks for dk and dv (keys outside, rows
 *     inside).  Logits are made twice, seven products, but any number of tasks.
 * No task adds to what another one writes. */
#include <math.h>
#include <string.h>
#include "graph/ops/attention_int.h"

#define LOG2_E 0x1.715476p+0f

enum {
    KEYS = SW_ATTENTION_KEYS,
    ROWS = SW_ATTENTION_ROWS,
    ENOUGH_HEADS = 16, /* of batch and key-value heads, for whole heads */
    MOST_DQ = 1 << 20, /* floats of dq gathered in a thread's scratch, beside as many of q and dy */
    IN_Q = 0,
    IN_K,
    IN_V,
    IN_MASK,
    IN_Y,
    IN_LSE,
    IN_DY,
    IN_DLSE,
    IN_DOCUMENTS
};

struct backward_note {
    struct attention_sizes z;
    bool whole;       /* heads */
    int64_t dq_tasks; /* of phase 1, when split; the others are dk and dv */
    int64_t row_cuts, key_cuts;
};

static sw_status backward_infer(struct sw_infer *q)
{
    const sw_status status = sw__attention_check(q, IN_DOCUMENTS);
    if (status != SW_OK) return status;
    const sw_shape *a = &q->in[IN_Q]->shape;
    const sw_shape rows = SW_SHAPE(a->dim[0], a->dim[2], a->dim[1]);
    const sw_shape *want[] = {a, &rows, a, &rows};
    for (int i = IN_Y; i <= IN_DLSE; i++) {
        if (i == IN_DLSE && !q->in[i]) break;
        if (!sw_shape_equal(&q->in[i]->shape, want[i - IN_Y]))
            return sw__infer_mismatch(q, IN_Q, i, "not the results of this attention");
    }
    for (int i = 0; i < 3; i++) *q->out[i] = (sw_tensor){.dtype = SW_F32, .shape = q->in[i]->shape};
    return SW_OK;
}

/* ---- scratch ----------------------------------------------------------------------------------- */

struct parts {
    float *q, *dy, *kt, *vt, *k, *p, *ds, *dq, *dk, *dv, *mask;
    int32_t *lo, *hi;
    size_t bytes;
};

static void *take(char *base, size_t *at, int64_t count, size_t size)
{
    void *part = base ? base + *at : NULL;
    *at += ((size_t)count * size + 63) / 64 * 64;
    return part;
}

static struct parts parts_of(char *base, const struct backward_note *note, bool mask)
{
    const int64_t hs = note->z.hs, hsp = sw__attention_padded(hs);
    const int64_t rows = note->whole ? sw__max64(1, note->z.rows) : ROWS;
    struct parts p = {0};
    p.q = take(base, &p.bytes, rows * hsp, sizeof(float));
    p.dy = take(base, &p.bytes, rows * hsp, sizeof(float));
    p.kt = take(base, &p.bytes, KEYS * hs, sizeof(float));
    p.vt = take(base, &p.bytes, KEYS * hs, sizeof(float));
    p.k = take(base, &p.bytes, KEYS * hsp, sizeof(float));
    p.p = take(base, &p.bytes, ROWS * KEYS, sizeof(float));
    p.ds = take(base, &p.bytes, ROWS * KEYS, sizeof(float));
    p.dq = take(base, &p.bytes, rows * hsp, sizeof(float));
    p.dk = take(base, &p.bytes, KEYS * hsp, sizeof(float));
    p.dv = take(base, &p.bytes, KEYS * hsp, sizeof(float));
    p.lo = take(base, &p.bytes, ROWS, sizeof(int32_t));
    p.hi = take(base, &p.bytes, ROWS, sizeof(int32_t));
    p.mask = take(base, &p.bytes, mask ? ROWS * KEYS : 0, sizeof(float));
    return p;
}

static sw_status backward_prepare(struct sw_step *s)
{
    struct backward_note *note = s->note;
    struct attention_sizes *z = &note->z;
    sw__attention_sizes(s, z);
    const int64_t heads = z->b * z->nkv, all = heads * z->rows;
    const int64_t gathered = z->rows * sw__attention_padded(z->hs);
    note->whole = heads >= ENOUGH_HEADS && (gathered <= MOST_DQ || z->rows <= ROWS);
    note->row_cuts = sw__ceil_div(z->rows, z->grain);
    note->key_cuts = sw__ceil_div(z->tk, KEYS);
    note->dq_tasks = s->out[0] ? heads * note->row_cuts : 0;
    s->kernel = s->k->names[SW_SLOT_attention_backward];
    s->flops = 2. * (note->whole ? 5 : 7) * (double)z->hs * sw__attention_pairs(s->attr, z);
    s->workspace = (size_t)all * 2 * sizeof(float);
    s->scratch = parts_of(NULL, note, s->in[IN_MASK] != NULL).bytes;
    const bool any = heads > 0 && (z->rows > 0 || z->tk > 0);
    s->n_phases = any ? 2 : 0;
    s->tasks[0] = heads;
    s->tasks[1] = note->whole
                      ? heads
                      : note->dq_tasks + (s->out[1] || s->out[2] ? heads * note->key_cuts : 0);
    return SW_OK;
}

/* ---- phase 0: delta, and the log-sum-exp in the order of rows ------------------------------------ */

/* Sums of a head's rows: delta[row], lse[row], one after the other in the workspace. */
static float *head_sums(const struct sw_step *s, int64_t head)
{
    const struct attention_sizes *z = &((const struct backward_note *)s->note)->z;
    return (float *)s->ws + head * z->rows * 2;
}

static float row_dot(const float *a, const float *b, int64_t n)
{
    float part[8] = {0}, sum = 0;
    int64_t d = 0;
    for (; d + 8 <= n; d += 8)
        for (int i = 0; i < 8; i++) part[i] += a[d + i] * b[d + i];
    for (; d < n; d++) sum += a[d] * b[d];
    for (int i = 0; i < 8; i++) sum += part[i];
    return sum;
}

static void sum_rows(const struct sw_step *s, int64_t head)
{
    const struct attention_sizes *z = &((const struct backward_note *)s->note)->z;
    const float *y = s->in[IN_Y]->data, *dy = s->in[IN_DY]->data, *lse = s->in[IN_LSE]->data;
    const float *dlse = s->in[IN_DLSE] ? s->in[IN_DLSE]->data : NULL;
    float *sums = head_sums(s, head);
    for (int64_t row = 0; row < z->rows; row++) {
        const int64_t at = sw__attention_row_at(z, head / z->nkv, head % z->nkv, row);
        const int64_t one = sw__attention_lse_at(z, head / z->nkv, head % z->nkv, row);
        const float delta = row_dot(y + at, dy + at, z->hs);
        sums[row] = dlse ? delta - dlse[one] : delta;
        /* In powers of two, as the kernels want it; 2^-infinity: what saw nothing gives nothing. */
        sums[z->rows + row] = lse[one] == -INFINITY ? INFINITY : lse[one] * LOG2_E;
    }
}

/* ---- phase 1 ----------------------------------------------------------------------------------- */

/* One task's view of a head. */
struct head {
    const struct sw_step *s;
    const struct attention_sizes *z;
    struct parts parts;
    struct sw_attention_rows rows; /* set by take_rows: */
    int64_t taken;                 /* the first of them; -1: none */
    float *q, *dy;                 /* where their numbers are loaded */
    struct sw_attention_backward a;
    int64_t b, kv;
};

static void head_begin(struct head *h, const struct sw_step *s, int64_t head, void *scratch)
{
    const struct backward_note *note = s->note;
    const struct attention_attr *attr = s->attr;
    const struct attention_sizes *z = &note->z;
    h->s = s;
    h->z = z;
    h->b = head / z->nkv;
    h->kv = head % z->nkv;
    h->taken = -1;
    h->parts = parts_of(scratch, note, s->in[IN_MASK] != NULL);
    const struct parts *p = &h->parts;
    h->a = (struct sw_attention_backward){.hs = z->hs,
                                          .hsp = sw__attention_padded(z->hs),
                                          .kt = p->kt,
                                          .vt = p->vt,
                                          .k = p->k,
                                          .view = {p->lo, p->hi, NULL, attr->softcap},
                                          .p = p->p,
                                          .ds = p->ds};
}

/* At most ROWS rows of a head, from `first` on: what they see. */
static void take_rows(struct head *h, int64_t first, int64_t n)
{
    if (h->taken == first) return;
    const struct sw_step *s = h->s;
    const struct attention_sizes *z = h->z;
    const float *mask = s->in[IN_MASK] ? s->in[IN_MASK]->data : NULL;
    const int32_t *documents = s->in[IN_DOCUMENTS] ? s->in[IN_DOCUMENTS]->data : NULL;
    sw__attention_rows_fill(&h->rows, s->attr, z, s->in[IN_Q]->data, mask, documents, h->b, h->kv,
                            first, n);
    const int64_t at = ((const struct backward_note *)s->note)->whole ? first * h->a.hsp : 0;
    h->taken = first;
    h->q = h->parts.q + at;
    h->dy = h->parts.dy + at;
}

/* The numbers of some of the rows taken, q and dy, into scratch. */
static void load_rows(struct head *h, struct sw_attention_seeing some)
{
    const struct sw_step *s = h->s;
    const float *q = s->in[IN_Q]->data, *dy = s->in[IN_DY]->data;
    const void *const *from = h->rows.q + some.first;
    const void *rows[ROWS];
    const int64_t hs = h->z->hs, at = some.first * h->a.hsp;
    for (int64_t i = 0; i < some.n; i++) rows[i] = dy + ((const float *)from[i] - q);
    s->k->attention_pack_rows(h->q + at, from, SW_F32, some.n, hs, h->z->scale, NULL);
    s->k->attention_pack_rows(h->dy + at, rows, SW_F32, some.n, hs, 1, NULL);
}

static void load_keys(struct head *h, int64_t block)
{
    const struct attention_sizes *z = h->z;
    const int64_t from = block * KEYS, n = sw__min64(KEYS, z->tk - from);
    const int64_t head = (h->b * z->tk * z->nkv + h->kv) * z->hs;
    const struct sw_attention_source source = {
        .k = (const char *)((const float *)h->s->in[IN_K]->data + head),
        .v = (const char *)((const float *)h->s->in[IN_V]->data + head),
        .dtype = SW_F32,
        .stride = z->nkv * z->hs * (int64_t)sizeof(float)};
    const void *rows[KEYS];
    sw__attention_locate(rows, &source, source.v, from, n);
    h->s->k->attention_pack_keys(h->parts.vt, rows, SW_F32, n, z->hs, NULL);
    sw__attention_locate(rows, &source, source.k, from, n);
    h->s->k->attention_pack_keys(h->parts.kt, rows, SW_F32, n, z->hs, NULL);
    h->s->k->attention_pack_rows(h->parts.k, rows, SW_F32, n, z->hs, 1, NULL);
}

/* The rows taken that see the block become those of `a`; dq: of all rows taken, or NULL. */
static struct sw_attention_seeing view_block(struct head *h, int64_t block, float *dq)
{
    const int64_t start = block * KEYS, hsp = h->a.hsp;
    const struct sw_attention_seeing some = sw__attention_cut(h->parts.lo, h->parts.hi, &h->rows,
                                                              block);
    const float *sums = head_sums(h->s, h->b * h->z->nkv + h->kv) + h->taken + some.first;
    h->a.rows = some.n;
    h->a.q = h->q + some.first * hsp;
    h->a.dy = h->dy + some.first * hsp;
    h->a.dq = dq ? dq + some.first * hsp : NULL;
    h->a.delta = sums;
    h->a.lse = sums + h->z->rows;
    if (!h->rows.mask[0]) return some;
    sw__attention_cut_mask(h->parts.mask, &h->rows, some, block, start,
                           sw__min64(start + KEYS, h->z->tk));
    h->a.view.mask = h->parts.mask;
    return some;
}

static void write_dq(const struct head *h, const float *sums, int64_t first, int64_t n)
{
    if (!h->s->out[0]) return;
    float *dq = h->s->out[0]->data;
    for (int64_t i = 0; i < n; i++)
        h->s->k->scale_f32(dq + sw__attention_row_at(h->z, h->b, h->kv, first + i),
                           sums + i * h->a.hsp, h->z->hs, h->z->scale, 0);
}

static void write_keys(const struct head *h, int64_t block)
{
    const struct attention_sizes *z = h->z;
    float *dk = h->s->out[1] ? h->s->out[1]->data : NULL;
    float *dv = h->s->out[2] ? h->s->out[2]->data : NULL;
    const size_t bytes = (size_t)z->hs * sizeof(float);
    for (int64_t j = block * KEYS; j < sw__min64(z->tk, (block + 1) * KEYS); j++) {
        const int64_t at = ((h->b * z->tk + j) * z->nkv + h->kv) * z->hs;
        const int64_t from = (j - block * KEYS) * h->a.hsp;
        if (dk) memcpy(dk + at, h->parts.dk + from, bytes);
        if (dv) memcpy(dv + at, h->parts.dv + from, bytes);
    }
}

/* dq of some rows: keys inside. */
static void dq_task(struct head *h, int64_t first, int64_t n)
{
    const struct backward_note *note = h->s->note;
    take_rows(h, first, n);
    load_rows(h, (struct sw_attention_seeing){0, n});
    memset(h->parts.dq, 0, (size_t)(n * h->a.hsp) * sizeof(float));
    h->a.dk = h->a.dv = NULL;
    for (int64_t block = 0; block < note->key_cuts; block++) {
        if (view_block(h, block, h->parts.dq).n == 0) continue;
        load_keys(h, block);
        h->s->k->attention_backward(&h->a);
    }
    write_dq(h, h->parts.dq, first, n);
}

/* dk and dv of a block of keys: rows inside.  dq: the sums of all rows of the head, or NULL. */
static void key_block(struct head *h, int64_t block, float *dq)
{
    const struct backward_note *note = h->s->note;
    const size_t bytes = (size_t)(KEYS * h->a.hsp) * sizeof(float);
    memset(h->parts.dk, 0, bytes);
    memset(h->parts.dv, 0, bytes);
    load_keys(h, block);
    h->a.dk = h->parts.dk;
    h->a.dv = h->parts.dv;
    for (int64_t first = 0; first < h->z->rows; first += ROWS) {
        const int64_t n = sw__min64(ROWS, h->z->rows - first);
        take_rows(h, first, n);
        const struct sw_attention_seeing some = view_block(h, block,
                                                           dq ? dq + first * h->a.hsp : NULL);
        if (some.n == 0) continue;
        if (!note->whole) load_rows(h, some);
        h->s->k->attention_backward(&h->a);
    }
    write_keys(h, block);
}

static void head_task(struct head *h)
{
    const struct backward_note *note = h->s->note;
    float *dq = h->s->out[0] ? h->parts.dq : NULL;
    if (dq) memset(dq, 0, (size_t)(h->z->rows * h->a.hsp) * sizeof(float));
    for (int64_t first = 0; first < h->z->rows; first += ROWS) {
        const int64_t n = sw__min64(ROWS, h->z->rows - first);
        take_rows(h, first, n);
        load_rows(h, (struct sw_attention_seeing){0, n});
    }
    for (int64_t block = 0; block < note->key_cuts; block++) key_block(h, block, dq);
    if (dq) write_dq(h, dq, 0, h->z->rows);
}

static void backward_run(const struct sw_step *s, int phase, int64_t begin, int64_t end,
                         void *scratch)
{
    const struct backward_note *note = s->note;
    const struct attention_sizes *z = &note->z;
    struct head h;
    for (int64_t task = begin; task < end; task++) {
        if (phase == 0) {
            sum_rows(s, task);
        } else if (note->whole) {
            head_begin(&h, s, task, scratch);
            head_task(&h);
        } else if (task < note->dq_tasks) {
            const int64_t first = task % note->row_cuts * z->grain;
            head_begin(&h, s, task / note->row_cuts, scratch);
            dq_task(&h, first, sw__min64(z->grain, z->rows - first));
        } else {
            const int64_t at = task - note->dq_tasks;
            head_begin(&h, s, at / note->key_cuts, scratch);
            key_block(&h, at % note->key_cuts, NULL);
        }
    }
}

const struct sw_op_class sw__op_attention_backward = {.name = "attention_backward",
                                                      .note_size = sizeof(struct backward_note),
                                                      .infer = backward_infer,
                                                      .prepare = backward_prepare,
                                                      .run = backward_run};

sw_node *sw__attention_backward(sw_graph *g, const struct attention_attr *attr,
                                sw_node *const in[9])
{
    return sw__op_add(g, &sw__op_attention_backward, attr, sizeof *attr, in, 9, 3);
}
