/* Matrix multiplication for the plan's steps: C = epilogue(A * B), batched, any strides, cut into
 * tasks.  No allocation, no threads: the caller brings memory and calls tasks from any threads.
 *
 *     struct sw_gemm_plan p = sw__gemm_choose(kernels, 1, m, n, k, SW_GEMM_B_PACKED);
 *     args.workspace = p.workspace bytes, shared by all threads;
 *     phase 0: each of 0 .. p.pack_tasks-1 once   sw__gemm_pack_task(&p, &args, i, i + 1);
 *     -- all threads meet --
 *     phase 1: each of 0 .. p.tasks-1 once        sw__gemm_task(&p, &args, i, i + 1, scratch);
 *
 * Phase 0 and the meeting are left out when pack_tasks is 0.  Tasks of a phase may run in any order,
 * at the same time, on any thread, each thread with its own scratch.  The bits of C depend on A, B,
 * C (if accumulated) and the ISA only: an element on its row of A, its column of B and K (the rule
 * of the bits in gemm_kernels.h). */
#ifndef SWELL_GEMM_H
#define SWELL_GEMM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <swell/tensor.h>
#include "kernels/gemm_kernels.h"
#include "kernels/gemm_table.h"

struct sw_kernels;
enum {
    SW_GEMM_B_PACKED = 1,  /* args.b was made by sw__gemm_pack_b */
    SW_GEMM_B_ROWS = 2,    /* args.b is f32, or bf16 is multiplied, with b_col == 1 */
    SW_GEMM_A_ROWS = 16,   /* a_col == 1, and args.a is of the product's type: f32, bf16 or bytes */
    SW_GEMM_A_F32 = 64,    /* args.a is f32 */
    SW_GEMM_B_LINES = 128, /* the same with b_row == 1, or bytes */
    SW_GEMM_BF16 = 4,      /* operands are rounded to bf16 (gemm_bf16_kernels.h) */
    SW_GEMM_B_HALF =
        32,          /* f16 or bf16 that a packed B of an f32 product keeps: b_type says which */
    SW_GEMM_INT8 = 8 /* u8 or s8 by s8, C not accumulated (gemm_int8_kernels.h) */
};

/* Where an operand is packed. */
enum sw_gemm_place {
    SW_GEMM_READY,  /* nowhere: packed before, or read as it is */
    SW_GEMM_SHARED, /* in phase 0, whole, into the workspace */
    SW_GEMM_IN_TASK /* block by block by each task that needs it, into its scratch */
};

/* How a product is computed: a pure function of the shape, the flags and the ISA. */
struct sw_gemm_plan {
    const struct sw_kernels *kernels;
    const struct sw_gemm_blocks *blocks; /* the row of gemm_table.h */
    int64_t batch, m, n, k;
    enum sw_gemm_kind kind;
    bool few_rows; /* gemm_rows_f32, which reads what it gets, instead of gemm_tile_f32 */
    bool streams;  /* or gemm_stream_f32, for few_rows and a B from memory */
    bool by_lines; /* its B has contiguous columns; int8: gemm_lines_int8 */
    bool b_packed; /* SW_GEMM_B_PACKED */
    bool b_half;   /* and its panels are widened by tasks: SW_GEMM_B_HALF */
    bool a_rows;   /* bf16, int8: rows of A are read as they are */
    enum sw_gemm_place a_place, b_place;
    int64_t kc;                /* bf16, int8: the K block of a task */
    int64_t b_group;           /* and panels of B that it packs at a time */
    int64_t b_at, sums_at;     /* where in its scratch, and the sums of columns; A comes first */
    int64_t tile_m, tile_n;    /* rows and columns of a task */
    int64_t tiles_m, tiles_n;  /* tasks of one product of the batch */
    int64_t a_lines;           /* lines of a whole packed A, padding included */
    int64_t pack_tasks_a;      /* the tasks of phase 0 that pack A come first */
    int64_t pack_tasks, tasks; /* of phase 0 and phase 1; either may be 0 */
    size_t workspace, scratch; /* bytes: shared; and of each thread.  Align both to SW_ALIGN */
};

#define SW_GEMM_BATCH_RANK 3

/* The operands of one run.  Strides are in elements and may be anything; 0 in a batch stride shares
 * one operand.  C must not overlap with A or B. */
struct sw_gemm_args {
    int64_t m;                         /* rows in this run: 0 .. plan's m */
    int64_t batch[SW_GEMM_BATCH_RANK]; /* outermost first, 1 where unused; product <= plan's */
    const void *a;                     /* (m, k): f32, f16 or bf16; i8 or u8 with SW_GEMM_INT8 */
    sw_dtype a_type;
    int64_t a_row, a_col, a_batch[SW_GEMM_BATCH_RANK];
    const void *b; /* (k, n): likewise; or packed, and then b_row and b_col are
                                         * ignored, b_batch counts panels' elements */
    sw_dtype b_type;
    int64_t b_row, b_col, b_batch[SW_GEMM_BATCH_RANK];
    float *c; /* (m, n), columns contiguous */
    int64_t c_row, c_batch[SW_GEMM_BATCH_RANK];
    bool accumulate;                    /* C = epilogue(C + A * B) */
    const struct sw_epilogue *epilogue; /* NULL: none.  The biases serve the whole batch; sums of
                                         * columns and the shift of s8 are added here */
    void *workspace;                    /* plan's workspace bytes; may be NULL if 0 */
};

/* Choose for `batch` products of (m, k) x (k, n).  All >= 0; k = 0 gives zeros. */
struct sw_gemm_plan sw__gemm_choose(const struct sw_kernels *kernels, int64_t batch, int64_t m,
                                    int64_t n, int64_t k, unsigned flags);

/* The most that sw__gemm_choose can ask for at these sizes or any smaller ones: what a plan whose
 * sizes vary at run time sets aside. */
void sw__gemm_memory(const struct sw_kernels *kernels, int64_t batch, int64_t m, int64_t n,
                     int64_t k, unsigned flags, size_t *workspace, size_t *scratch);

/* Tasks begin .. end-1 of phase 0. */
void sw__gemm_pack_task(const struct sw_gemm_plan *plan, const struct sw_gemm_args *args,
                        int64_t begin, int64_t end);
/* Tasks begin .. end-1 of phase 1. */
void sw__gemm_task(const struct sw_gemm_plan *plan, const struct sw_gemm_args *args, int64_t begin,
                   int64_t end, void *scratch);

/* A packed B, K x N: a weight's one packed copy.  The layout is that of gemm_kernels.h and its like;
 * it depends on k, n, the table's ISA, and of the flags on SW_GEMM_BF16, SW_GEMM_INT8 and
 * SW_GEMM_B_HALF only. */
size_t sw__gemm_packed_b_bytes(const struct sw_kernels *kernels, unsigned flags, int64_t k,
                               int64_t n);
int64_t sw__gemm_packed_b_panels(const struct sw_kernels *kernels, unsigned flags, int64_t n);
/* Pack the panels begin .. end-1 (of all K blocks).  Element (i, j) is src[i * row + j * col]. */
void sw__gemm_pack_b(const struct sw_kernels *kernels, unsigned flags, void *packed,
                     const void *src, sw_dtype dtype, int64_t row, int64_t col, int64_t k,
                     int64_t n, int64_t begin, int64_t end);
#endif
