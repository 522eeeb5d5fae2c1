/* Rows: attention.  The arithmetic counted is what the definition needs: 4 HS for each pair of a query
 * and a key that it sees in the forward pass, 10 HS more in the backward pass (logits made again, then
 * four products), whatever the kernels really do. */
#include <stdio.h>

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

void bench_attention_rows(struct bench_rows *rows)
{
    static const int64_t sizes[][5] = {
        {8, 1024, 12, 12, 64}, {1, 4096, 12, 12, 64}, {1, 2048, 32, 8, 128}};
    for (int i = 0; i < 3; i++)
        for (int backward = 0; backward < 2; backward++) add(rows, sizes[i], backward);
}
