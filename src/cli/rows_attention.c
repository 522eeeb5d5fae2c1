/* Rows: attention.  The arithmetic counted is what the definition needs: 4 HS for each pair of a query
 * and a key that it sees in the forward pass, 10 HS more in the backward pass (logits made again, then
 * four products), whatever the kernels really do. */
#include <stdio.h>
#include <string.h>

#include "cli/bench_rows.h"

enum { B, T, NH, NKV, HS };

static sw_status build(struct bench_work *w)
{
    const int64_t *z = w->row.size;
    const sw_shape qs = SW_SHAPE(z[B], z[T], z[NH], z[HS]),
                   ks = SW_SHAPE(z[B], z[T], z[NKV], z[HS]);
    sw_node *in[3] = {bench_input(w, "q", SW_F32, qs), bench_input(w, "k", SW_F32, ks),
                      bench_input(w, "v", SW_F32, ks)};
    w->outputs[0] = sw_attention(w->g, in[0], in[1], in[2], (sw_attention_options){.causal = true});
    w->n_outputs = 1;
    if (!w->row.kind) return SW_OK;
    w->n_outputs = 4;
    return sw_grad_from(w->g, w->outputs[0], bench_input(w, "dy", SW_F32, qs), in, 3,
                        w->outputs + 1);
}

static void add(struct bench_rows *rows, const int64_t z[5], bool backward)
{
    struct bench_row row = {.group = "attention",
                            .dtype = "f32",
                            .unit = BENCH_FLOPS_F32,
                            .kind = backward,
                            .build = build};
    const double pairs = (double)(z[B] * z[NH]) * (double)z[T] * (double)(z[T] + 1) / 2;
    const double q = 4. * (double)(z[B] * z[T] * z[NH] * z[HS]),
                 k = 4. * (double)(z[B] * z[T] * z[NKV] * z[HS]);
    for (int i = 0; i < 5; i++) row.size[i] = z[i];
    row.operations = (backward ? 14 : 4) * pairs * (double)z[HS];
    row.read = q + 2 * k + (backward ? q : 0);
    row.written = q + (backward ? q + 2 * k : 0);
    snprintf(row.name, sizeof row.name, "attention %s", backward ? "with backward" : "forward");
    snprintf(row.shape, sizeof row.shape, "B%lld T%lld NH%lld NKV%lld HS%lld", (long long)z[B],
             (long long)z[T], (long long)z[NH], (long long)z[NKV], (long long)z[HS]);
    bench_rows_add(rows, &row);
}

/* ---- decoding: one token of each sequence, memory limits it -------------------------------------- */

static const struct decode {
    int sequences, nh, nkv, hs;
    int64_t length;
    sw_dtype dtype;
} decodes[] = {
    {1, 12, 12, 64, 1024, SW_F32},  {1, 32, 8, 128, 8192, SW_F32},   {1, 32, 8, 128, 8192, SW_F16},
    {1, 32, 8, 128, 8192, SW_BF16}, {16, 32, 8, 128, 1024, SW_BF16},
};

/* An i32 input with values of its own. */
static sw_node *numbers(struct bench_work *w, const char *name, sw_shape shape, const int32_t *data)
{
    sw_node *x = bench_input(w, name, SW_I32, shape);
    void *to = w->operand[w->count - 1].data;
    if (to) memcpy(to, data, (size_t)sw_shape_elements(&shape) * sizeof *data);
    return x;
}

static sw_status build_decode(struct bench_work *w)
{
    const struct decode *d = &decodes[w->row.kind];
    const int64_t n = d->sequences;
    int32_t sequence[64], position[64];
    sw_node *pages[2];
    const sw_kv_options o = {.layers = 1,
                             .pages = n * (d->length / 32 + 1),
                             .kv_heads = d->nkv,
                             .head_size = d->hs,
                             .dtype = d->dtype,
                             .sequences = d->sequences,
                             .positions = d->length};
    sw_status status = sw_kv_create(w->ctx, o, &w->kv);
    for (int i = 0; i < n && status == SW_OK; i++) {
        int number = 0;
        status = sw_kv_open(w->kv, &number);
        if (status == SW_OK) status = sw_kv_append(w->kv, number, d->length, NULL, NULL);
        sequence[i] = number;
        position[i] = (int32_t)d->length - 1;
    }
    if (status != SW_OK) return status;
    sw_kv_nodes(w->kv, w->g, 0, &pages[0], &pages[1]);
    sw_node *q = bench_input(w, "q", SW_F32, SW_SHAPE(n, d->nh, d->hs)),
            *k = bench_input(w, "k", SW_F32, SW_SHAPE(n, d->nkv, d->hs)),
            *v = bench_input(w, "v", SW_F32, SW_SHAPE(n, d->nkv, d->hs)),
            *blocks = numbers(w, "blocks", sw_kv_blocks_shape(w->kv), sw_kv_blocks(w->kv));
    w->outputs[0] = sw_paged_attention(
        w->g, q, k, v, pages[0], pages[1], blocks, numbers(w, "sequence", SW_SHAPE(n), sequence),
        numbers(w, "position", SW_SHAPE(n), position), (sw_attention_options){.causal = true});
    w->n_outputs = 1;
    return SW_OK;
}

void bench_decode_rows(struct bench_rows *rows)
{
    for (int i = 0; i < (int)(sizeof decodes / sizeof *decodes); i++) {
        const struct decode *d = &decodes[i];
        const double kept = (double)d->sequences * (double)d->length;
        struct bench_row row = {.group = "decode",
                                .name = "paged attention",
                                .unit = BENCH_BYTES,
                                .kind = i,
                                .build = build_decode};
        row.operations = 4 * kept * d->nh * d->hs;
        row.read = 2 * kept * d->nkv * d->hs * sw_dtype_get(d->dtype)->block_bytes;
        snprintf(row.dtype, sizeof row.dtype, "%s", sw_dtype_get(d->dtype)->name);
        snprintf(row.shape, sizeof row.shape, "%d x T%lld NH%d NKV%d HS%d", d->sequences,
                 (long long)d->length, d->nh, d->nkv, d->hs);
        bench_rows_add(rows, &row);
    }
}

/* ---- training and prefill ------------------------------------------------------------------------- */

void bench_attention_rows(struct bench_rows *rows)
{
    static const int64_t sizes[][5] = {
        {8, 1024, 12, 12, 64}, {1, 4096, 12, 12, 64}, {1, 2048, 32, 8, 128}};
    for (int i = 0; i < 3; i++)
        for (int backward = 0; backward < 2; backward++) add(rows, sizes[i], backward);
}
