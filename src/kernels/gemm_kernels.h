/* Kernels of the gemm family: C = epilogue(A * B) in f32, on operands packed into panels.
 *
 *     X(slot, return type, (arguments))
 *
 * Three levels, as in BLIS: these kernels know registers, gemm_table.h knows block sizes, gemm.c
 * knows loops, tasks and workspaces.  A convolution that packs its own panels (im2col on the fly)
 * calls the tile kernel directly and needs only this file and gemm_table.h.
 *
 * The panels.  MR x NR is the tile of the table's ISA (sw__gemm_blocks).  K is cut into blocks of
 * KC, the last may be shorter; `kc` is the length of one block.
 *
 *     A block, m rows            B block, n columns
 *     panel 0: rows 0..MR-1      panel 0: columns 0..NR-1
 *       [k = 0][MR]                [k = 0][NR]
 *       [k = 1][MR]                [k = 1][NR]
 *       ...  kc times              ...  kc times
 *     panel 1: rows MR..2MR-1    panel 1: columns NR..2NR-1
 *
 * A panel is kc*MR (kc*NR) floats without gaps and the next one follows at once; rows (columns)
 * behind the matrix are zeros in the last panel.  A whole packed B, K x N, is its K blocks one after
 * the other: block b starts at b*KC*Npad with Npad = N rounded up to NR, and panel p of it is
 * another p*kc*NR further.  Panels that start on 64 bytes are faster; none need to.
 *
 * The rule of the bits.  For each element the products of one K block are summed in the order of k,
 * from +0, in one accumulator:  s = fma(a[k], b[k], s)  on AVX2 and AVX-512, and a product and a sum
 * rounded on their own in the reference (a baseline CPU has no fma).  The sums of the K blocks are
 * then added in order:  c = (accumulate ? c : 0-th sum) ... c = c + s.  So within an ISA an element
 * depends on its row of A, its column of B and K only: never on M, N, its place in a tile, the rows
 * beside it, the threads, or on whether the tile or the few-row kernel computed it.  ISAs may differ
 * from each other. */
#ifndef SWELL_GEMM_KERNELS_H
#define SWELL_GEMM_KERNELS_H

#include <stddef.h>
#include <stdint.h>
#include <swell/tensor.h>

/* What a tile can do to its results while they are in registers.  The rest (gelu, silu, ...) runs
 * on the finished rows, see `act_fn`. */
enum sw_gemm_act {
    SW_GEMM_ACT_NONE,
    SW_GEMM_ACT_RELU,  /* x < 0 ? 0 : x */
    SW_GEMM_ACT_LEAKY, /* x < 0 ? a * x : x */
    SW_GEMM_ACT_CLIP   /* x < a ? a : x > b ? b : x; NaN stays NaN in all three */
};

struct sw_conv_sum; /* graph/ops/conv_sum.h */

/* What happens to the finished sums: y = act_fn(act((sum + bias_col) + bias_row)).
 * The pointers are those of the first column and row that the kernel is called for. */
struct sw_epilogue {
    const float *bias_col; /* one number a column (linear layer), or NULL */
    const float *bias_row; /* one number a row (convolution, C = channels x pixels), or NULL */
    enum sw_gemm_act act;
    float a, b; /* leaky: a is the slope; clip: [a, b] */
    /* What makes s32 sums f32 (gemm_int8_kernels.h); f32 and bf16 products ignore it. */
    const float *scale_col, *scale_row; /* one a column; one a row, or one for all */
    int scale_row_step;                 /* 1, or 0: one for all */
    int zero;                           /* what stands for 0 in A */
    const int32_t *col_sums;            /* of the columns of B; any if zero is 0 */
    /* Elementwise y[i] = f(x[i]), y == x allowed; NULL for none.  The kernels below ignore it: the
     * driver calls it on each row of a finished tile, with stream 0, so f must not depend on where a row is cut. */
    void (*act_fn)(float *y, const float *x, int64_t n, int stream);
    const struct sw_conv_sum *sum; /* of a convolution, or NULL; the kernels ignore it */
};

/* The epilogue for what begins i rows and j columns further on; NULL for NULL. */
static inline const struct sw_epilogue *
sw__epilogue_at(const struct sw_epilogue *e, struct sw_epilogue *room, int64_t i, int64_t j)
{
    if (!e) return NULL;
    *room = *e;
    if (e->bias_col) room->bias_col += j;
    if (e->bias_row) room->bias_row += i;
    if (e->scale_row) room->scale_row += i * e->scale_row_step;
    if (e->scale_col) room->scale_col += j;
    if (e->col_sums) room->col_sums += j;
    return room;
}

/* What a tile fetches into L2 while it computes: a line of 64 bytes every four k, which makes
 * SW_GEMM_AHEAD bytes a k, in pieces of SW_GEMM_PIECE bytes that begin `step` bytes apart. */
enum { SW_GEMM_AHEAD = 16, SW_GEMM_PIECE = 1024 };
struct sw_gemm_ahead {
    const char *at;
    int64_t step; /* bytes */
};

/* gemm_tile_f32: one tile over one K block.
 *   c    [mr][nr], rows ldc floats apart; only these mr*nr floats are read and written
 *   a    packed A panel [kc][MR], b packed B panel [kc][NR], both whole even at the edges
 *   kc   >= 0; 0 gives sums of +0
 *   mr, nr  1..MR, 1..NR: how much of the tile exists
 *   accumulate  c + sum instead of sum: set for every K block but the first, and for the first too
 *        when C is to be added to
 *   epilogue  NULL, or, with the last K block, what to do with the results (act_fn is ignored)
 *   ahead  NULL, or what is needed soon and not in L2 yet, to be fetched meanwhile; only a hint,
 *        never read
 *
 * gemm_rows_f32: a few rows over one K block, streaming B once; meant for M = 1 .. a few, right for
 * any m.  The same bits as gemm_tile_f32.
 *   c    [m][n], rows ldc floats apart
 *   a    [m][kc], unpacked, any strides in floats
 *   b    column j of row k is b[(j / NR) * b_panel + k * b_row + j % NR].  Packed panels:
 *        b_row = NR, b_panel = kc * NR.  Any row-major matrix: b_row = its stride, b_panel = NR; no
 *        float behind column n - 1 is read.
 *
 * gemm_stream_f32: a few rows over one K block, by a B that is not packed and read once; meant for M = 1 ..
 * 16, right for any m.  The same bits as gemm_tile_f32.
 *   c    as above
 *   a    [m][kc], any strides in floats
 *   b    [kc][n], b_col == 1 or b_row == 1, the other stride any
 *
 * gemm_pack_a: m rows and kc columns of a matrix, element (i, k) at src[i * row + k * col] counted
 * in elements, into ceil(m / MR) panels.  f32, f16 and bf16 are converted, exactly, to f32.
 * gemm_pack_b: kc rows and n columns, element (k, j) at src[k * row + j * col], into ceil(n / NR)
 * panels.  Either stride may be 1 (fast), or any number, 0 and negative included. */
/* clang-format off */
#define SW_GEMM_KERNELS(X)                                                                         \
    X(gemm_tile_f32, void,                                                                         \
      (float *c, int64_t ldc, const float *a, const float *b, int64_t kc, int mr, int nr,          \
       int accumulate, const struct sw_epilogue *epilogue, const struct sw_gemm_ahead *ahead))                     \
    X(gemm_rows_f32, void,                                                                         \
      (float *c, int64_t ldc, const float *a, int64_t a_row, int64_t a_col, const float *b, int64_t b_row,          \
       int64_t b_panel, int64_t m, int64_t n, int64_t kc, int accumulate,                          \
       const struct sw_epilogue *epilogue))                                                        \
    X(gemm_stream_f32, void,                                                                       \
      (float *c, int64_t ldc, const float *a, int64_t a_row, int64_t a_col, const float *b,        \
       int64_t b_row, int64_t b_col, int64_t m, int64_t n, int64_t kc, int accumulate,             \
       const struct sw_epilogue *epilogue))                                                        \
    X(gemm_pack_a, void,                                                                           \
      (float *panels, const void *src, sw_dtype dtype, int64_t row, int64_t col, int64_t m,        \
       int64_t kc))                                                                                \
    X(gemm_pack_b, void,                                                                           \
      (float *panels, const void *src, sw_dtype dtype, int64_t row, int64_t col, int64_t kc,       \
       int64_t n))
/* clang-format on */

#endif
