/* Attention over a paged key-value pool: Kwon et al. 2023 (vLLM), section 4.
 *
 * Tokens of any sequences stand on one flat axis.  First their keys and values are written into the
 * pages, then each token attends to its own sequence, found through the block table.  The arithmetic
 * is that of attention.c row for row and bit for bit (attention_rows.c): key blocks of 64 positions,
 * gathered from the pages when they are packed.  Pages are (NKV,PAGE,HS), so that a task, which walks
 * one head, reads kilobytes in a row and not a row of HS here and there.
 *
 *     task    a key-value head and some neighbouring tokens; neighbours of one sequence (a prefill)
 *             share the packed keys, tokens of different sequences (decoding) take turns
 *     writes  one task a head, tokens in order, so that even a table that puts two tokens into one
 *             place gives the same result for any number of threads
 *
 * Nothing in the i32 inputs is trusted: a token whose sequence, position or any visible page lies
 * outside of the tables is padding, and reads and writes nothing. */
#include <math.h>
#include "graph/ops/attention_int.h"
#include "tensor/block_type.h"

enum { IN_Q, IN_K, IN_V, IN_K_PAGES, IN_V_PAGES, IN_BLOCKS, IN_SEQUENCE, IN_POSITION, IN_SINKS };

struct paged_note {
    int64_t n, nh, nkv, hs, group; /* tokens, heads */
    int64_t pages, page;           /* of the pool, positions a page */
    int64_t sequences, blocks;     /* of the table */
    int64_t grain;                 /* tokens a task */
    float scale;
};

static sw_status check_pool(struct sw_infer *q)
{
    const int64_t *k = q->in[IN_K]->shape.dim, *p = q->in[IN_K_PAGES]->shape.dim;
    const sw_dtype dtype = q->in[IN_K_PAGES]->dtype;
    if (dtype != SW_F32 && dtype != SW_F16 && dtype != SW_BF16 && dtype != SW_Q8_0)
        return sw__infer_fail(q, SW_ERR_DTYPE, "pages of %s, not f32, f16, bf16 or q8_0",
                              sw_dtype_get(dtype)->name);
    if (q->in[IN_V_PAGES]->dtype != dtype ||
        !sw_shape_equal(&q->in[IN_K_PAGES]->shape, &q->in[IN_V_PAGES]->shape))
        return sw__infer_mismatch(q, IN_K_PAGES, IN_V_PAGES, "pages of keys and values differ");
    if (p[2] == 0) return sw__infer_mismatch(q, IN_K, IN_K_PAGES, "pages without positions");
    if (p[1] != k[1] || p[3] != k[2])
        return sw__infer_mismatch(q, IN_K, IN_K_PAGES, "keys do not fit the pages (P,NKV,PAGE,HS)");
    return SW_OK;
}

static sw_status paged_infer(struct sw_infer *q)
{
    static const int ranks[] = {3, 3, 3, 4, 4, 2, 1, 1};
    sw_status status = SW_OK;
    for (int i = 0; i < 8 && status == SW_OK; i++) {
        if (i < IN_K_PAGES) status = sw__infer_dtype(q, i, SW_F32);
        if (i >= IN_BLOCKS) status = sw__infer_dtype(q, i, SW_I32);
        if (status == SW_OK) status = sw__infer_rank(q, i, ranks[i], ranks[i]);
    }
    if (status != SW_OK) return status;
    const int64_t *a = q->in[IN_Q]->shape.dim, *k = q->in[IN_K]->shape.dim;
    if (!sw_shape_equal(&q->in[IN_K]->shape, &q->in[IN_V]->shape))
        return sw__infer_mismatch(q, IN_K, IN_V, "keys and values differ");
    if (a[0] != k[0] || a[2] != k[2])
        return sw__infer_mismatch(q, IN_Q, IN_K, "tokens or head sizes differ");
    if (k[1] == 0 ? a[1] != 0 : a[1] % k[1] != 0)
        return sw__infer_mismatch(q, IN_Q, IN_K, "key-value heads do not divide the query heads");
    if (a[2] > SW_ATTENTION_MOST_HS)
        return sw__infer_fail(q, SW_ERR_SIZE, "heads of %lld features, at most %d", (long long)a[2],
                              SW_ATTENTION_MOST_HS);
    for (int i = IN_SEQUENCE; i <= IN_POSITION; i++)
        if (q->in[i]->shape.dim[0] != a[0])
            return sw__infer_mismatch(q, IN_Q, i, "not one sequence and position for each token");
    status = check_pool(q);
    if (status == SW_OK && q->in[IN_SINKS]) status = sw__attention_check_sinks(q, IN_SINKS, a[1]);
    if (status == SW_OK) *q->out[0] = (sw_tensor){.dtype = SW_F32, .shape = q->in[IN_Q]->shape};
    return status;
}

static sw_status paged_prepare(struct sw_step *s)
{
    const struct attention_attr *attr = s->attr;
    const int64_t *q = s->in[IN_Q]->shape.dim, *pool = s->in[IN_K_PAGES]->shape.dim;
    const int64_t *table = s->in[IN_BLOCKS]->shape.dim;
    struct paged_note *note = s->note;
    *note = (struct paged_note){.n = q[0],
                                .nh = q[1],
                                .nkv = pool[1],
                                .hs = q[2],
                                .pages = pool[0],
                                .page = pool[2],
                                .sequences = table[0],
                                .blocks = table[1]};
    note->scale = attr->scale != 0 ? attr->scale : 1 / sqrtf((float)sw__max64(1, note->hs));
    s->kernel = s->k->names[SW_SLOT_attention_forward];
    s->scratch = sw__attention_rows_scratch(note->hs, false, s->in[IN_K_PAGES]->dtype);
    s->n_phases = 0;
    if (note->n == 0 || note->nh == 0) return SW_OK;
    note->group = note->nh / note->nkv;
    const int64_t rows = sw__attention_grain(note->nkv, note->n * note->group);
    note->grain = sw__max64(1, rows / note->group);
    /* Lengths are known to the run only: count a full table. */
    s->flops = 4. * (double)(note->n * note->nh * note->hs) * (double)(note->blocks * note->page) /
               2;
    s->bytes = (double)(note->n * note->nh * note->hs) * 8;
    /* One task a head can write and then read what it wrote without a barrier between. */
    s->n_phases = note->grain >= note->n ? 1 : 2;
    s->tasks[0] = note->nkv;
    s->tasks[1] = note->nkv * sw__ceil_div(note->n, note->grain);
    return SW_OK;
}

/* ---- trust -------------------------------------------------------------------------------------- */

/* The token's row of the block table, NULL for padding.  Pages are not looked at. */
static const int32_t *table_row(const struct sw_step *s, int64_t token, int64_t *position)
{
    const struct paged_note *note = s->note;
    const int32_t sequence = ((const int32_t *)s->in[IN_SEQUENCE]->data)[token];
    *position = ((const int32_t *)s->in[IN_POSITION]->data)[token];
    if (sequence < 0 || sequence >= note->sequences || *position < 0) return NULL;
    if (*position / note->page >= note->blocks) return NULL;
    return (const int32_t *)s->in[IN_BLOCKS]->data + sequence * note->blocks;
}

static bool page_exists(const struct paged_note *note, int32_t page)
{
    return page >= 0 && page < note->pages;
}

/* ---- phase 0 ------------------------------------------------------------------------------------ */

static int64_t row_bytes(sw_dtype dtype, int64_t hs)
{
    const sw_dtype_info *info = sw_dtype_get(dtype);
    return hs / info->block_elements * info->block_bytes;
}

static void store(const struct sw_kernels *k, void *to, sw_dtype dtype, const float *x, int64_t hs)
{
    if (dtype == SW_Q8_0)
        sw__block_quantise(sw__block_type(dtype), to, x, NULL, hs);
    else
        k->attention_store(to, dtype, x, hs);
}

static void write_head(const struct sw_step *s, int64_t kv)
{
    const struct paged_note *note = s->note;
    const sw_dtype dtype = s->in[IN_K_PAGES]->dtype;
    const int64_t row = row_bytes(dtype, note->hs);
    const float *k = s->in[IN_K]->data, *v = s->in[IN_V]->data;
    char *k_pages = s->in[IN_K_PAGES]->data, *v_pages = s->in[IN_V_PAGES]->data;
    for (int64_t token = 0; token < note->n; token++) {
        int64_t position;
        const int32_t *table = table_row(s, token, &position);
        if (!table || !page_exists(note, table[position / note->page])) continue;
        const int64_t head = table[position / note->page] * note->nkv + kv;
        const int64_t to = (head * note->page + position % note->page) * row;
        const int64_t from = (token * note->nkv + kv) * note->hs;
        store(s->k, k_pages + to, dtype, k + from, note->hs);
        store(s->k, v_pages + to, dtype, v + from, note->hs);
    }
}

/* ---- phase 1 ------------------------------------------------------------------------------------ */

/* Collects rows of one sequence, and runs them when another one comes or they are enough. */
struct batch {
    const struct sw_step *s;
    struct sw_attention_rows rows;
    struct sw_attention_source source;
    int64_t kv;
    int64_t first_page,
        end_page; /* all pages that its rows see lie in first .. end-1, which exist */
    void *scratch;
};

static void batch_run(struct batch *b)
{
    sw__attention_all_see(&b->rows);
    if (b->rows.n > 0) sw__attention_rows_run(b->s->k, &b->rows, &b->source, b->scratch);
    b->rows.n = 0;
}

/* Whether a token that sees pages from .. to-1 may join the batch; runs the batch first if the pages
 * of both together would not be one stretch of existing pages. */
static bool admit(struct batch *b, const int32_t *table, int64_t from, int64_t to)
{
    if (from >= b->first_page && to <= b->end_page) return true;
    for (int64_t i = from; i < to; i++)
        if (!page_exists(b->s->note, table[i])) return false;
    if (from <= b->end_page && to >= b->first_page) {
        b->first_page = sw__min64(from, b->first_page);
        b->end_page = sw__max64(to, b->end_page);
    } else {
        batch_run(b);
        b->first_page = from;
        b->end_page = to;
    }
    return true;
}

static void add_token(struct batch *b, int64_t token, const int32_t *table, int64_t position)
{
    const struct paged_note *note = b->s->note;
    const struct attention_attr *attr = b->s->attr;
    const int64_t at = (token * note->nh + b->kv * note->group) * note->hs;
    for (int64_t h = 0; h < note->group; h++) {
        if (b->rows.n == SW_ATTENTION_ROWS) batch_run(b);
        const int64_t i = b->rows.n++;
        b->rows.q[i] = (const float *)b->s->in[IN_Q]->data + at + h * note->hs;
        b->rows.y[i] = (float *)b->s->out[0]->data + at + h * note->hs;
        if (b->rows.sinks)
            b->rows.sink[i] = ((const float *)b->s->in[IN_SINKS]->data)[b->kv * note->group + h];
        b->rows.lo[i] = attr->window > 0 ? sw__max64(0, position + 1 - attr->window) : 0;
        b->rows.hi[i] = position + 1;
    }
    b->source.blocks = table;
}

static void attend(struct batch *b, int64_t from, int64_t to)
{
    const struct paged_note *note = b->s->note;
    const struct attention_attr *attr = b->s->attr;
    const int32_t *last = NULL;
    for (int64_t token = from; token < to; token++) {
        int64_t position;
        const int32_t *table = table_row(b->s, token, &position);
        if (table != last) {
            batch_run(b);
            b->first_page = b->end_page = -1; /* next to nothing */
            last = table;
        }
        const int64_t lo = attr->window > 0 ? sw__max64(0, position + 1 - attr->window) : 0;
        if (table && admit(b, table, lo / note->page, position / note->page + 1)) {
            add_token(b, token, table, position);
            continue;
        }
        float *y = (float *)b->s->out[0]->data +
                   (token * note->nh + b->kv * note->group) * note->hs;
        for (int64_t d = 0; d < note->group * note->hs; d++) y[d] = 0;
    }
    batch_run(b);
}

static void paged_run(const struct sw_step *s, int phase, int64_t begin, int64_t end, void *scratch)
{
    const struct paged_note *note = s->note;
    const struct attention_attr *attr = s->attr;
    const int64_t cuts = sw__ceil_div(note->n, note->grain);
    const sw_dtype dtype = s->in[IN_K_PAGES]->dtype;
    const int64_t row = row_bytes(dtype, note->hs), head = note->page * row;
    struct batch b = {.s = s, .scratch = scratch};
    b.rows.hs = note->hs;
    b.rows.scale = note->scale;
    b.rows.softcap = attr->softcap;
    b.rows.sinks = s->in[IN_SINKS] != NULL;
    b.source = (struct sw_attention_source){
        .dtype = dtype, .stride = row, .page = note->page, .page_bytes = note->nkv * head};
    for (int64_t task = begin; task < end; task++) {
        b.kv = s->n_phases == 1 ? task : task / cuts;
        const int64_t from = s->n_phases == 1 ? 0 : task % cuts * note->grain;
        if (phase == 0) write_head(s, task);
        if (phase == 0 && s->n_phases > 1) continue;
        b.source.k = (const char *)s->in[IN_K_PAGES]->data + b.kv * head;
        b.source.v = (const char *)s->in[IN_V_PAGES]->data + b.kv * head;
        attend(&b, from, sw__min64(note->n, from + note->grain));
    }
}

const struct sw_op_class sw__op_paged_attention = {.name = "paged_attention",
                                                   .mutates = 1u << IN_K_PAGES | 1u << IN_V_PAGES,
                                                   .note_size = sizeof(struct paged_note),
                                                   .infer = paged_infer,
                                                   .prepare = paged_prepare,
                                                   .run = paged_run};

sw_node *sw_paged_attention(sw_graph *g, sw_node *q, sw_node *k, sw_node *v, sw_node *k_pages,
                            sw_node *v_pages, sw_node *blocks, sw_node *sequence, sw_node *position,
                            sw_attention_options o)
{
    struct attention_attr attr;
    if (o.mask || o.documents)
        return sw__graph_poison(g, SW_ERR_UNSUPPORTED, "paged_attention: takes no %s",
                                o.mask ? "mask" : "documents");
    if (!sw__attention_options(g, "paged_attention", &o, &attr))
        return sw__graph_poison(g, SW_ERR_ARGUMENT, "paged_attention: bad options");
    sw_node *const in[] = {q, k, v, k_pages, v_pages, blocks, sequence, position, o.sinks};
    return sw__op_add(g, &sw__op_paged_attention, &attr, sizeof attr, in, 9, 1);
}
