/* The forward pass over key blocks: Dao et al. 2022 (FlashAttention), algorithm 1, with the loop
 * over queries outside, as in FlashAttention-2 (Dao 2023, section 3.1).
 *
 *     for each block of 64 keys, by absolute position          scratch of a thread, HS = 64
 *         pack k transposed, v                                  16 + 16 KiB
 *         for all rows: logits, running maximum and sum, outputs 129 + 129 KiB for q and outputs
 *     y = outputs / sum
 *
 * Blocks start at multiples of 64 positions whatever the rows see, and a row that sees nothing of a
 * block is left as it is; so a row's bits are its own (attention_kernels.h). */
#include "graph/ops/attention_rows.h"

#include <math.h>
#include <string.h>

#define LN_2   0x1.62e43p-1f
#define LOG2_E 0x1.715476p+0f

enum { KEYS = SW_ATTENTION_KEYS, ROWS = SW_ATTENTION_ROWS, LANES = SW_ATTENTION_LANES };

/* The parts of the scratch. */
struct parts {
    float *q, *kt, *v, *acc, *l, *m, *mask, *plain;
    int32_t *lo, *hi;
    size_t bytes;
};

static void *take(char *base, size_t *at, int64_t count, size_t size)
{
    void *part = base ? base + *at : NULL;
    *at += ((size_t)count * size + 63) / 64 * 64;
    return part;
}

static struct parts parts_of(char *base, int64_t hs, bool mask, sw_dtype dtype)
{
    const int64_t hsp = sw__attention_padded(hs);
    struct parts p = {0};
    p.q = take(base, &p.bytes, ROWS * hsp, sizeof(float));
    p.kt = take(base, &p.bytes, hs * KEYS, sizeof(float));
    p.v = take(base, &p.bytes, KEYS * hsp, sizeof(float));
    p.acc = take(base, &p.bytes, ROWS * hsp, sizeof(float));
    p.l = take(base, &p.bytes, ROWS * LANES, sizeof(float));
    p.m = take(base, &p.bytes, ROWS, sizeof(float));
    p.lo = take(base, &p.bytes, ROWS, sizeof(int32_t));
    p.hi = take(base, &p.bytes, ROWS, sizeof(int32_t));
    p.mask = take(base, &p.bytes, mask ? ROWS * KEYS : 0, sizeof(float));
    p.plain = take(base, &p.bytes, dtype == SW_Q8_0 ? KEYS * hs : 0, sizeof(float));
    return p;
}

size_t sw__attention_rows_scratch(int64_t hs, bool mask, sw_dtype dtype)
{
    return parts_of(NULL, hs, mask, dtype).bytes;
}

void sw__attention_locate(const void **rows, const struct sw_attention_source *s, const char *base,
                          int64_t from, int64_t n)
{
    const int64_t page = s->blocks ? s->page : from + n + 1;
    int64_t number = from / page, within = from % page;
    for (int64_t i = 0; i < n; number++, within = 0) {
        const char *at = base + (s->blocks ? (int64_t)s->blocks[number] * s->page_bytes : 0);
        for (; within < page && i < n; within++, i++) rows[i] = at + within * s->stride;
    }
}

static int32_t clamp_key(int64_t j)
{
    return (int32_t)(j < 0 ? 0 : j > KEYS ? KEYS : j);
}

void sw__attention_all_see(struct sw_attention_rows *r)
{
    r->all_from = INT64_MIN;
    r->all_to = INT64_MAX;
    for (int64_t i = 0; i < r->n; i++) {
        r->all_from = sw__max64(r->all_from, r->lo[i]);
        r->all_to = sw__min64(r->all_to, r->hi[i]);
    }
}

/* Whether row i sees a key from .. to-1. */
static bool row_sees(const struct sw_attention_rows *r, int64_t i, int64_t from, int64_t to)
{
    return sw__max64(r->lo[i], from) < sw__min64(r->hi[i], to);
}

struct sw_attention_seeing sw__attention_cut(int32_t *lo, int32_t *hi,
                                             const struct sw_attention_rows *r, int64_t block)
{
    const int64_t from = block * KEYS, to = from + KEYS;
    struct sw_attention_seeing some = {0, r->n};
    if (from >= r->all_from && to <= r->all_to) {
        memset(lo, 0, (size_t)r->n * sizeof *lo);
        for (int64_t i = 0; i < r->n; i++) hi[i] = KEYS;
        return some;
    }
    while (some.n > 0 && !row_sees(r, some.n - 1, from, to)) some.n--;
    while (some.n > 0 && !row_sees(r, some.first, from, to)) some.first++, some.n--;
    for (int64_t i = 0; i < some.n; i++) {
        lo[i] = clamp_key(r->lo[some.first + i] - from);
        hi[i] = clamp_key(r->hi[some.first + i] - from);
    }
    return some;
}

void sw__attention_cut_mask(float *mask, const struct sw_attention_rows *r,
                            struct sw_attention_seeing rows, int64_t block, int64_t from,
                            int64_t to)
{
    const int64_t before = from - block * KEYS, n = to - from, step = r->mask_step;
    for (int64_t i = 0; i < rows.n; i++, mask += KEYS) {
        const float *at = r->mask[rows.first + i] + from * step;
        if (n < KEYS) memset(mask, 0, KEYS * sizeof *mask);
        if (step == 1)
            memcpy(mask + before, at, (size_t)n * sizeof *mask);
        else
            for (int64_t j = 0; j < n; j++) mask[before + j] = at[j * step];
    }
}

/* A block of keys and where they and their values lie. */
struct keys {
    int64_t from, to; /* of the block, seen by any row; to <= from: nothing */
    const void *k[KEYS], *v[KEYS];
};

/* Lanes in front of `from` take the first key's numbers: nobody looks at them, and their own keys may
 * lie nowhere.  Those from `to` on point at the first key too: they may be fetched. */
static void locate_block(struct keys *b, const struct sw_attention_source *source, int64_t block,
                         int64_t from, int64_t to)
{
    b->from = sw__max64(from - block * KEYS, 0);
    b->to = sw__min64(to - block * KEYS, KEYS);
    if (b->to <= b->from) return;
    const int64_t first = block * KEYS + b->from, n = b->to - b->from;
    sw__attention_locate(b->k + b->from, source, source->k, first, n);
    sw__attention_locate(b->v + b->from, source, source->v, first, n);
    for (int64_t i = 0; i < b->from; i++) {
        b->k[i] = b->k[b->from];
        b->v[i] = b->v[b->from];
    }
    for (int64_t i = b->to; i < KEYS; i++) {
        b->k[i] = b->k[b->from];
        b->v[i] = b->v[b->from];
    }
}

/* The kernels pack rows of plain types; those of q8_0 become f32 before. */
static sw_dtype plain_rows(const struct sw_kernels *k, const struct parts *p, const void **plain,
                           const void *const *rows, sw_dtype dtype, int64_t n, int64_t hs)
{
    for (int64_t i = 0; i < n; i++) {
        plain[i] = rows[i];
        if (dtype != SW_Q8_0) continue;
        k->dequant_q8_0_f32(p->plain + i * hs, rows[i], hs);
        plain[i] = p->plain + i * hs;
    }
    return dtype == SW_Q8_0 ? SW_F32 : dtype;
}

/* y = acc / sum(l), lse = ln 2 (m + log2(sum(l))); zeros and -infinity for a row that saw nothing.  A sink
 * adds 2^(sink log2(e) - m) to the sum; where that is more than 2^64, nothing else counts. */
static void finish_row(const struct sw_kernels *k, const struct sw_attention_rows *r,
                       const struct parts *p, int64_t i)
{
    float sum[LANES], *y = r->y[i];
    const float *acc = p->acc + i * sw__attention_padded(r->hs);
    memcpy(sum, p->l + i * LANES, sizeof sum);
    for (int half = LANES / 2; half > 0; half /= 2)
        for (int j = 0; j < half; j++) sum[j] += sum[j + half];
    const bool blind = p->m[i] == -INFINITY && !isnan(sum[0]);
    const float above = r->sinks && !blind ? r->sink[i] * LOG2_E - p->m[i] : -INFINITY;
    if (r->sinks) sum[0] += exp2f(above);
    if (r->lse[0]) {
        float lse = blind ? -INFINITY : (p->m[i] + log2f(sum[0])) * LN_2;
        *r->lse[i] = r->sinks && (blind || above > 64) ? r->sink[i] : lse;
    }
    if (!y) return;
    if (blind)
        memset(y, 0, (size_t)r->hs * sizeof *y);
    else
        k->scale_f32(y, acc, r->hs, 1 / sum[0], 0);
}

static int64_t row_bytes(sw_dtype dtype, int64_t hs)
{
    const sw_dtype_info *info = sw_dtype_get(dtype);
    return hs / info->block_elements * info->block_bytes;
}

void sw__attention_rows_run(const struct sw_kernels *k, const struct sw_attention_rows *r,
                            const struct sw_attention_source *source, void *scratch)
{
    const int64_t hsp = sw__attention_padded(r->hs);
    const struct parts p = parts_of(scratch, r->hs, r->mask[0] != NULL, source->dtype);
    int64_t from = INT64_MAX, to = 0; /* the keys that any row sees */
    k->attention_pack_rows(p.q, r->q, SW_F32, r->n, r->hs, r->scale, NULL);
    memset(p.acc, 0, (size_t)(r->n * hsp) * sizeof *p.acc);
    memset(p.l, 0, (size_t)(r->n * LANES) * sizeof *p.l);
    for (int64_t i = 0; i < r->n; i++) {
        p.m[i] = -INFINITY;
        if (r->lo[i] >= r->hi[i]) continue;
        from = sw__min64(from, r->lo[i]);
        to = sw__max64(to, r->hi[i]);
    }
    struct sw_attention_forward a = {.hs = r->hs,
                                     .hsp = hsp,
                                     .kt = p.kt,
                                     .v = p.v,
                                     .view = {p.lo, p.hi, NULL, r->softcap},
                                     .fetch_bytes = row_bytes(source->dtype, r->hs)};
    struct keys blocks[2];
    int64_t block = from / KEYS;
    if (from < to) locate_block(&blocks[block % 2], source, block, from, to);
    for (; from < to && block * KEYS < to; block++) {
        const struct keys *here = &blocks[block % 2], *next = &blocks[(block + 1) % 2];
        locate_block(&blocks[(block + 1) % 2], source, block + 1, from, to);
        const struct sw_attention_seeing rows = sw__attention_cut(p.lo, p.hi, r, block);
        if (rows.n == 0) continue;
        a.rows = rows.n;
        a.q = p.q + rows.first * hsp;
        a.m = p.m + rows.first;
        a.l = p.l + rows.first * LANES;
        a.acc = p.acc + rows.first * hsp;
        /* Of few rows packing takes longer than the tiles, so the next block is fetched meanwhile. */
        const bool more = (block + 1) * KEYS < to, soon = more && r->n <= SW_ATTENTION_STEP;
        const void *plain[KEYS];
        sw_dtype dtype = plain_rows(k, &p, plain, here->k, source->dtype, here->to, r->hs);
        k->attention_pack_keys(p.kt, plain, dtype, here->to, r->hs, soon ? next->k : NULL);
        dtype = plain_rows(k, &p, plain, here->v, source->dtype, here->to, r->hs);
        k->attention_pack_rows(p.v, plain, dtype, here->to, r->hs, 1, soon ? next->v : NULL);
        if (r->mask[0])
            sw__attention_cut_mask(p.mask, r, rows, block, block * KEYS + here->from,
                                   block * KEYS + here->to);
        a.view.mask = r->mask[0] ? p.mask : NULL;
        if (soon) {
            a.n_fetch = 0;
        } else if (more) {
            a.fetch[0] = next->k;
            a.fetch[1] = next->v;
            a.n_fetch = next->to;
        } else if (r->y[0]) { /* half of the outputs each */
            a.fetch[0] = (const void *const *)r->y;
            a.fetch[1] = (const void *const *)r->y + r->n / 2;
            a.n_fetch = r->n / 2;
            a.fetch_bytes = r->hs * (int64_t)sizeof(float);
        } else {
            a.n_fetch = 0;
        }
        k->attention_forward(&a);
    }
    for (int64_t i = 0; i < r->n; i++) finish_row(k, r, &p, i);
}
