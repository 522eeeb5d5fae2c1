/* Rows: matrix products M x K x N, (M,K) times (K,N), in each dtype.
 *
 * Bytes are multiplied by layers: NT and packed only, sums as f32.
 * NN, NT, TN: both operands are inputs; the first letter is a's, T: stored transposed.  "packed": b is
 * a weight (N,K), as in sw_linear, which we and oneDNN may lay out anew before. */
#include <stdio.h>

#include "cli/bench_rows.h"

enum layout { NN, NT, TN, PACKED, LAYOUTS };

static const char *const layout_names[LAYOUTS] = {"gemm NN", "gemm NT", "gemm TN", "gemm packed"};

struct size {
    int64_t m, k, n;
    bool layer; /* a layer's: b is a weight in practice */
};

static const struct size sizes[] = {
    {256, 256, 256, false},    {512, 512, 512, false},    {1024, 1024, 1024, false},
    {2048, 2048, 2048, false}, {4096, 4096, 4096, false}, {128, 9216, 4096, true},
    {1024, 768, 2304, true},   {1024, 768, 50257, true},  {8, 4096, 4096, true},
    {1, 4096, 4096, true},
};

struct arithmetic {
    const char *name;
    sw_dtype a, b, c;
    enum bench_unit unit;
};

static const struct arithmetic arithmetics[] = {
    {"f32", SW_F32, SW_F32, SW_F32, BENCH_FLOPS_F32},
    {"bf16", SW_BF16, SW_BF16, SW_F32, BENCH_FLOPS_BF16},
    {"u8s8", SW_U8, SW_I8, SW_F32, BENCH_OPS_INT8},
    {"s8s8", SW_I8, SW_I8, SW_F32, BENCH_OPS_INT8},
};

/* Scales of one: the sums themselves, which floats hold. */
static sw_node *linear_int8(struct bench_work *w, sw_node *a, sw_node *b)
{
    sw_node *ones = sw_param(w->g, w->ws, "ones", SW_F32, SW_SHAPE(w->row.c.n), sw_init_ones());
    return sw_linear_int8(w->g, a, sw_scalar(w->g, 1), NULL, b, ones, NULL);
}

static sw_status build(struct bench_work *w)
{
    const struct peer_case *c = &w->row.c;
    const sw_shape as = c->a_transposed ? SW_SHAPE(c->k, c->m) : SW_SHAPE(c->m, c->k);
    const sw_shape bs = c->b_transposed ? SW_SHAPE(c->n, c->k) : SW_SHAPE(c->k, c->n);
    sw_graph_compute(w->g, c->a == SW_BF16 ? SW_BF16 : SW_F32);
    sw_node *a = bench_input(w, "a", c->a, as);
    sw_node *b = c->b_constant ? bench_weight(w, "b", c->b, bs) : bench_input(w, "b", c->b, bs);
    if (w->row.unit == BENCH_OPS_INT8 && c->b == SW_I8)
        w->outputs[0] = linear_int8(w, a, b);
    else if (c->b_constant)
        w->outputs[0] = sw_linear(w->g, a, b, NULL);
    else
        w->outputs[0] = sw_matmul(w->g, a, b,
                                  (sw_matmul_options){c->a_transposed, c->b_transposed});
    w->n_outputs = 1;
    return SW_OK;
}

static void add(struct bench_rows *rows, const struct size *s, const struct arithmetic *t,
                enum layout layout)
{
    if (t->unit == BENCH_OPS_INT8 && (layout == NN || layout == TN)) return; /* layers only */
    struct bench_row row = {.group = "gemm", .unit = t->unit, .build = build};
    row.c = (struct peer_case){.op = PEER_GEMM, .a = t->a, .b = t->b, .c = t->c};
    row.c.m = s->m;
    row.c.k = s->k;
    row.c.n = s->n;
    row.c.a_transposed = layout == TN;
    row.c.b_transposed = layout == NT || layout == PACKED;
    row.c.b_constant = layout == PACKED;
    row.operations = 2. * (double)s->m * (double)s->k * (double)s->n;
    row.read = (double)(s->m * s->k) * sw_dtype_get(t->a)->block_bytes +
               (double)(s->k * s->n) * sw_dtype_get(t->b)->block_bytes;
    row.written = (double)(s->m * s->n) * sw_dtype_get(t->c)->block_bytes;
    snprintf(row.name, sizeof row.name, "%s", layout_names[layout]);
    snprintf(row.dtype, sizeof row.dtype, "%s", t->name);
    snprintf(row.shape, sizeof row.shape, "%lldx%lldx%lld", (long long)s->m, (long long)s->k,
             (long long)s->n);
    bench_rows_add(rows, &row);
}

/* A prompt of 512 tokens in the layers of a Llama of 1.1 billion weights, stored in blocks. */
static void add_blocks(struct bench_rows *rows)
{
    static const char *const names[] = {"q8_0", "q4_0", "q4_1", "q5_0",   "q5_1",   "q2_k", "q3_k",
                                        "q4_k", "q5_k", "q6_k", "iq4_nl", "iq4_xs", "mxfp4"};
    static const int64_t nk[][2] = {{5632, 2048}, {2048, 5632}};
    for (size_t t = 0; t < sizeof names / sizeof *names; t++)
        for (size_t i = 0; i < (t < 2 ? 2 : 1); i++) {
            const sw_shape shape = sw_shape_make(2, nk[i]);
            struct bench_row row = {
                .group = "gemm", .name = "gemm packed", .unit = BENCH_OPS_INT8, .build = build};
            row.c = (struct peer_case){.op = PEER_NONE,
                                       .a = SW_F32,
                                       .b = sw_dtype_find(names[t]),
                                       .c = SW_F32,
                                       .m = 512,
                                       .n = nk[i][0],
                                       .k = nk[i][1],
                                       .b_transposed = true,
                                       .b_constant = true};
            row.operations = 2. * 512 * (double)sw_shape_elements(&shape);
            row.read = 4. * 512 * (double)nk[i][1] + (double)sw_shape_bytes(&shape, row.c.b);
            row.written = 4. * 512 * (double)nk[i][0];
            snprintf(row.dtype, sizeof row.dtype, "%s", names[t]);
            snprintf(row.shape, sizeof row.shape, "512x%lldx%lld", (long long)nk[i][1],
                     (long long)nk[i][0]);
            bench_rows_add(rows, &row);
        }
}

void bench_gemm_rows(struct bench_rows *rows)
{
    const struct size asked = {rows->m, rows->k, rows->n, true};
    for (size_t t = 0; rows->m && t < sizeof arithmetics / sizeof *arithmetics; t++)
        for (int layout = 0; layout < LAYOUTS; layout++)
            add(rows, &asked, &arithmetics[t], (enum layout)layout);
    if (rows->m) return;
    for (size_t t = 0; t < sizeof arithmetics / sizeof *arithmetics; t++)
        for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++)
            for (int layout = 0; layout < (sizes[i].layer ? LAYOUTS : PACKED); layout++)
                add(rows, &sizes[i], &arithmetics[t], (enum layout)layout);
    add_blocks(rows);
}
