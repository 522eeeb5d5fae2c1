/* Rows that memory limits: one row of x times 100 MB and more of weights in each format, and ops on
 * tensors of 64 MB. */
#include <stdio.h>

#include "cli/bench_rows.h"
#include <swell/train.h>

/* ---- matrix-vector -------------------------------------------------------------------------------- */

static sw_status build_matvec(struct bench_work *w)
{
    const struct peer_case *c = &w->row.c;
    sw_graph_compute(w->g, c->a == SW_BF16 ? SW_BF16 : SW_F32);
    sw_node *x = bench_input(w, "x", c->a, SW_SHAPE(1, c->k));
    w->outputs[0] = sw_linear(w->g, x, bench_weight(w, "w", c->b, SW_SHAPE(c->n, c->k)), NULL);
    w->n_outputs = 1;
    return SW_OK;
}

void bench_matvec_rows(struct bench_rows *rows)
{
    static const struct {
        const char *dtype;
        int64_t n;
        bool peers;
    } formats[] = {{"f32", 8192, true},    {"bf16", 16384, true},    {"f16", 16384, false},
                   {"q8_0", 32768, false}, {"q4_0", 65536, false},   {"q4_1", 49152, false},
                   {"q5_0", 49152, false}, {"q5_1", 49152, false},   {"q2_k", 98304, false},
                   {"q3_k", 81920, false}, {"q4_k", 65536, false},   {"q5_k", 49152, false},
                   {"q6_k", 40960, false}, {"iq4_nl", 65536, false}, {"iq4_xs", 65536, false},
                   {"mxfp4", 65536, false}};
    for (size_t i = 0; i < sizeof formats / sizeof *formats; i++) {
        const sw_dtype dtype = sw_dtype_find(formats[i].dtype);
        const sw_shape shape = SW_SHAPE(formats[i].n, 4096);
        struct bench_row row = {
            .group = "matvec", .name = "matrix-vector", .unit = BENCH_BYTES, .build = build_matvec};
        row.c = (struct peer_case){.op = formats[i].peers ? PEER_GEMM : PEER_NONE,
                                   .a = dtype == SW_BF16 ? SW_BF16 : SW_F32,
                                   .b = dtype,
                                   .c = SW_F32,
                                   .m = 1,
                                   .k = shape.dim[1],
                                   .n = shape.dim[0],
                                   .b_transposed = true,
                                   .b_constant = true};
        row.operations = 2. * (double)sw_shape_elements(&shape);
        row.read = (double)sw_shape_bytes(&shape, dtype);
        snprintf(row.dtype, sizeof row.dtype, "%s", formats[i].dtype);
        snprintf(row.shape, sizeof row.shape, "1x4096x%lld", (long long)formats[i].n);
        bench_rows_add(rows, &row);
    }
}

/* ---- 64 MB ------------------------------------------------------------------------------------------ */

enum { ROWS = 16384, COLUMNS = 1024 };
enum op { LAYERNORM, SOFTMAX, GELU, ADD, ADAMW, OPS };

static sw_node *adamw(struct bench_work *w, sw_shape shape)
{
    sw_graph *g = w->g;
    sw_node *weight = bench_weight(w, "w", SW_F32, shape),
            *grad = bench_input(w, "dw", SW_F32, shape);
    sw_node *m = sw_state(g, w->ws, "m", SW_F32, shape, sw_init_zeros()),
            *v = sw_state(g, w->ws, "v", SW_F32, shape, sw_init_zeros());
    return sw_adam_update(g, weight, grad, m, v, sw_scalar(g, 1e-4f), sw_scalar(g, 10), NULL, 0.9f,
                          0.999f, 1e-8f, 0.1f, true);
}

static sw_status build_op(struct bench_work *w)
{
    const sw_shape shape = SW_SHAPE(ROWS, COLUMNS);
    sw_graph *g = w->g;
    w->n_outputs = 1;
    if (w->row.kind == ADAMW) {
        w->outputs[0] = adamw(w, shape);
        return SW_OK;
    }
    sw_node *x = bench_input(w, "x", SW_F32, shape);
    switch (w->row.kind) {
    case LAYERNORM:
        w->outputs[0] = sw_layernorm(g, x, bench_weight(w, "gamma", SW_F32, SW_SHAPE(COLUMNS)),
                                     bench_weight(w, "beta", SW_F32, SW_SHAPE(COLUMNS)), 0);
        break;
    case SOFTMAX: w->outputs[0] = sw_softmax(g, x, -1); break;
    case GELU: w->outputs[0] = sw_gelu(g, x); break;
    default: w->outputs[0] = sw_add(g, x, bench_input(w, "y", SW_F32, shape));
    }
    return SW_OK;
}

void bench_memory_rows(struct bench_rows *rows)
{
    static const struct {
        const char *name;
        int reads, writes;
        double operations; /* an element */
    } ops[OPS] = {[LAYERNORM] = {"layer norm", 1, 1, 8},
                  [SOFTMAX] = {"softmax", 1, 1, 5},
                  [GELU] = {"gelu", 1, 1, 8},
                  [ADD] = {"add", 2, 1, 1},
                  [ADAMW] = {"AdamW step", 4, 3, 14}};
    for (int op = 0; op < OPS; op++) {
        struct bench_row row = {
            .group = "memory", .dtype = "f32", .unit = BENCH_BYTES, .kind = op, .build = build_op};
        const double elements = (double)ROWS * COLUMNS;
        row.operations = ops[op].operations * elements;
        row.read = 4 * elements * ops[op].reads;
        row.written = 4 * elements * ops[op].writes;
        snprintf(row.name, sizeof row.name, "%s", ops[op].name);
        snprintf(row.shape, sizeof row.shape, "%dx%d", ROWS, COLUMNS);
        bench_rows_add(rows, &row);
    }
}
