/* The rows of `swell bench kernels`: each is one op (or a named few) with its sizes, how to build it
 * as a user does, and what it must compute and move at least. */
#ifndef SWELL_CLI_BENCH_ROWS_H
#define SWELL_CLI_BENCH_ROWS_H

#include "cli/peer.h"
#include "cli/verbs.h"

/* What a row's speed is counted in, and which arithmetic limits it. */
enum bench_unit { BENCH_FLOPS_F32, BENCH_FLOPS_BF16, BENCH_OPS_INT8, BENCH_BYTES, BENCH_SECONDS };

struct bench_work;

struct bench_row {
    const char *group; /* "gemm", "conv", ... */
    char name[48], dtype[12], shape[48];
    enum bench_unit unit;
    double operations;    /* multiplications and additions of a run */
    double read, written; /* bytes that a run must move */
    bool scaling;         /* beside the same on one thread, instead of peers */
    struct peer_case c;   /* sizes and dtypes; c.op says whether there are peers */
    int64_t size[6];      /* of rows without peers */
    int kind;             /* what the group's builder tells apart */
    sw_status (*build)(struct bench_work *w);
};

struct bench_rows {
    struct bench_row *row;
    int64_t count, capacity;
    bool no_memory;
    int64_t m, k, n; /* the one size of products that is asked for; 0: the usual ones */
};

/* Every group appends its rows. */
void bench_gemm_rows(struct bench_rows *rows);
void bench_conv_rows(struct bench_rows *rows);
void bench_layers_rows(struct bench_rows *rows);
void bench_attention_rows(struct bench_rows *rows);
void bench_decode_rows(struct bench_rows *rows);
void bench_matvec_rows(struct bench_rows *rows);
void bench_memory_rows(struct bench_rows *rows);
void bench_dispatch_rows(struct bench_rows *rows);
void bench_scaling_rows(struct bench_rows *rows);

/* A copy of the row at the end. */
void bench_rows_add(struct bench_rows *rows, const struct bench_row *row);

enum { BENCH_MOST_OPERANDS = 8 };

/* One row's plan on one context. */
struct bench_work {
    struct bench_row row;
    sw_context *ctx;
    sw_weights *ws;
    sw_graph *g;
    sw_plan *plan;
    sw_kv *kv;           /* or NULL */
    sw_node *outputs[4]; /* set by build; the first is compared with the peers' result */
    int n_outputs;
    bool no_fusion; /* set by build */
    int count;
    struct {
        sw_node *node; /* input to bind, or NULL: a weight */
        void *data;    /* owned */
    } operand[BENCH_MOST_OPERANDS];
};

/* Build, compile and bind; SW_OK or the status of what failed, its text in the context. */
sw_status bench_work_open(struct bench_work *w, const struct bench_row *row, sw_context *ctx);
void bench_work_close(struct bench_work *w);

/* For builders: an operand with random values, as an input or as a weight.  Floats are in [-1, 1);
 * u8 in 0..127 and i8 in -63..63, for libraries that sum pairs of products in 16 bits. */
sw_node *bench_input(struct bench_work *w, const char *name, sw_dtype dtype, sw_shape shape);
sw_node *bench_weight(struct bench_work *w, const char *name, sw_dtype dtype, sw_shape shape);

#endif
