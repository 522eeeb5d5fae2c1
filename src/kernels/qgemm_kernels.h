/* Kernels of the qgemm family: f32 rows times a weight stored in GGUF blocks,  C (M,N) = A (M,K) W^T.
 *
 * As in llama.cpp, a row of A is rounded to bytes first, so that products are sums of small integers:
 * f32 arithmetic could not keep up with the memory that 4-bit weights stream from.
 *
 * The rule of the bits.  K is cut into groups of 32.  In each, with a the row and w the weights:
 *
 *     most = max |a|,  d = most / 127,  q = round(a * (127 / most)), ties to even          f32
 *     dot = sum q * u         exact, in 32 bits: u are the weight's integers
 *     s = s + dot * (d * scale)                                 groups in rising order, from +0
 *     q4_k:  s = s - (d * (sum q)) * minimum                    after each group
 *
 * where w = scale * u for q8_0 and q4_0, and scale * u - minimum for q4_k; its scales (f16 times 6 bits)
 * are exact in f32.  The update of s is an fma on AVX2 and AVX-512, and a product and a sum in the
 * reference.  So within an ISA an element depends on its row, its column and K only, never on M, N or
 * which of the loops computed it.  The error against the product of unrounded rows is at most
 * sum over k of |w| d / 2, plus that of the f32 sum.
 *
 * A group of zeros, or of numbers so small that 127 / most overflows, has d = 0; one that holds a NaN
 * or an infinity has d = NaN and q = 0, so that the fault stays visible.
 *
 * Panels (made by qgemm.c).  16 columns of C, which are 16 rows of W, one after the other; columns
 * behind the matrix are zeros.  Vectors of 64 bytes hold 4 consecutive k of each column:
 * [column][k % 4], the form that vpdpbusd wants.
 *
 *     q8_0, two groups:  f16 scale [2][16]; u8 (q + 128)[2][8][16][4]          64 + 1024 bytes
 *     q4_0, two groups:  f16 scale [2][16]; u8 [2][4][16][4]: k 0..15 in the
 *                        low halves, 16..31 in the high ones, both q + 8        64 + 512 bytes
 *     q4_k, 256 of K:    f16 d[16], dmin[16]; u8 [8][2][16] scales and minima
 *                        of 8 groups; u8 [8][4][16][4] as in q4_0              2368 bytes
 *
 * With an odd number of groups the last half of a pair has no data behind its scales.
 *
 * qgemm_<type>:  c[i][j] = the sum, for m rows and the n <= 16 columns of one panel; rows ldc apart,
 *     K is 32 * groups (for q4_k groups is a multiple of 8).
 * qgemm_round:   32 * groups numbers of one row to q, d and `offset` times the sum of q, as row `row`
 *     of a[0..groups-1].  offset takes the unsigned form of u back: -128 for q8_0, -8 for q4_0; q4_k,
 *     which has minima instead, wants 1. */
#ifndef SWELL_QGEMM_KERNELS_H
#define SWELL_QGEMM_KERNELS_H

#include <stdint.h>

#define SW_QGEMM_GROUP   32 /* of K */
#define SW_QGEMM_COLUMNS 16 /* of a panel */
#define SW_QGEMM_ROWS    8  /* rounded rows that lie together */

/* Rounded rows of A: 8 of them in one group of K.  A is an array [ceil(m / 8)][groups] of these; rows
 * behind the matrix are neither written nor read. */
struct sw_qgemm_group {
    int8_t q[SW_QGEMM_ROWS][SW_QGEMM_GROUP];
    float d[SW_QGEMM_ROWS];
    int32_t sum[SW_QGEMM_ROWS]; /* offset times the sum of q */
};

/* clang-format off */
#define SW_QGEMM_KERNELS(X)                                                                        \
    X(qgemm_round, void,                                                                           \
      (struct sw_qgemm_group *a, int row, const float *x, int offset, int64_t groups))             \
    X(qgemm_q8_0, void,                                                                            \
      (float *c, int64_t ldc, const struct sw_qgemm_group *a, const void *panel, int64_t groups,   \
       int64_t m, int n))                                                                          \
    X(qgemm_q4_0, void,                                                                            \
      (float *c, int64_t ldc, const struct sw_qgemm_group *a, const void *panel, int64_t groups,   \
       int64_t m, int n))                                                                          \
    X(qgemm_q4_k, void,                                                                            \
      (float *c, int64_t ldc, const struct sw_qgemm_group *a, const void *panel, int64_t groups,   \
       int64_t m, int n))
/* clang-format on */

#endif
