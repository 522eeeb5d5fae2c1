/* Kernels of the qgemm family: f32 rows times a weight stored in GGUF blocks,  C (M,N) = A (M,K) W^T.
 *
 * As in llama.cpp, a row of A is rounded to bytes first, so that products are sums of small integers:
 * f32 arithmetic could not keep up with the memory that 4-bit weights stream from.
 *
 * The rule of the bits.  K is cut into groups of 32; weights whose scales stand for 16 cut them into
 * two parts, the others have one.  In each group, with a the row and w the weights:
 *
 *     most = max |a|,  d = most / 127,  q = round(a * (127 / most)), ties to even           f32
 *     dot = sum q * u         of a part, exact, in 32 bits: u are the weight's integers
 *     s = s + (dot * scale) * d                       groups, and their parts, in rising order, from +0
 *     s = s - (d * (sum q)) * minimum                 after each group, its parts in rising order
 *
 * where w = scale * u - minimum; types without a minimum leave the last line out.  Scales, which are an
 * f16 times a small integer, and the product of one with 1.5 * 2^23 are exact in f32.  The updates of s
 * are fmas on AVX2 and AVX-512, and a product and a sum in the reference.  So within an ISA an element
 * depends on its row, its column and K only, never on M, N or which of the loops computed it.  The error
 * against the product of unrounded rows is at most sum over k of |w| d / 2, plus that of the f32 sum.
 *
 * A group of zeros, or of numbers so small that 127 / most overflows, has d = 0; one that holds a NaN
 * or an infinity has d = NaN and q = 0, so that the fault stays visible.
 *
 * Panels.  16 columns of C, which are 16 rows of W, one after the other; columns behind the matrix are those
 * of rows whose bytes are zeros.  Groups that share scales are a unit: the scales of all its groups, then
 * the data of group after group.  The last unit may have fewer groups, and then ends early.
 *
 * Vectors of 64 bytes hold 4 consecutive k of each column: [column][k % 4], the form that vpdpbusd wants.
 * A group has 8 of them, which are cut by bits:
 *
 *     8 bits      8 vectors
 *     low 4       4 vectors: k 0..15 in the low halves, 16..31 in the high ones
 *     low 2       2 vectors: bits 2i, 2i + 1 of vector j are of the four k from 16 j + 4 i
 *     2 on top    2 vectors like these
 *     1 on top    a vector: bit i is of the four k from 4 i
 *
 *     type      w, d and m: f16            scales of a unit                            bits       bytes
 *     q8_0      d (u - 128)                2 groups: d [2][16]                         8         64 + 2 * 512
 *     q4_0      d (u - 8)                  d [2][16]                                   4         64 + 2 * 256
 *     q4_1      d u - m, m turned          d [2][16], m [2][16]                        4        128 + 2 * 256
 *     q5_0      d (u - 16)                 d [2][16]                                   4 + 1     64 + 2 * 320
 *     q5_1      d u - m, m turned          d [2][16], m [2][16]                        4 + 1    128 + 2 * 320
 *     iq4_nl    d table[u]                 d [2][16]                                   4         64 + 2 * 256
 *     mxfp4     2^(e - 128) table[u]       4 groups: u8 e [4][16]                      4         64 + 4 * 256
 *     q2_k      d s u - m t                8: d [16], m [16], u8 s | t << 4 [8][2][16] 2        320 + 8 * 128
 *     q3_k      d s (u - 4)                16: d [2][16], i8 s [16][2][16]             2 + 1   576 + 16 * 192
 *     q4_k      d s u - m t                8: d [16], m [16], u8 s, t [8][2][16]       4        320 + 8 * 256
 *     q5_k      d s u - m t                8: d [16], m [16], u8 s, t [8][2][16]       4 + 1    320 + 8 * 320
 *     q6_k      d s (u - 32)               16: d [2][16], i8 s [16][2][16]             4 + 2   576 + 16 * 384
 *     iq4_xs    d s table[u]               16: d [2][16], i8 s [16][16]                4       320 + 16 * 256
 *
 * These are as many bytes as the blocks have, but for six bits that became bytes: q3_k 3.6 %, q4_k 2.8 %,
 * q5_k 2.3 %, iq4_xs 1.5 % more.
 *
 * qgemm_<type>:  c[i][j] = the sum, for m rows and the n <= 16 columns of one panel; rows ldc apart,
 *     K is 32 * groups (a multiple of 256 for types of 256).
 * qgemm_pack:    the panel of n <= 16 rows of W stored in blocks of a dtype, `row` bytes from one to the next.
 * qgemm_round:   32 * groups numbers of one row as row `row` of a[0..groups-1].  offset takes the
 *     unsigned form of u back; 0 for types with a minimum.  parts: 1 or 2, of a group. */
#ifndef SWELL_QGEMM_KERNELS_H
#define SWELL_QGEMM_KERNELS_H

#include <stdint.h>

#define SW_QGEMM_GROUP   32 /* of K */
#define SW_QGEMM_COLUMNS 16 /* of a panel */
#define SW_QGEMM_ROWS    8  /* rounded rows that lie together */
#define SW_QGEMM_MAGIC                                                                             \
    0x4b400000 /* the bits of 1.5 * 2^23: whole numbers near it are whole floats */

/* A row of A in one group of K.  With a second part, sums are of k 0..15 and 16..31. */
struct sw_qgemm_row {
    int8_t q[SW_QGEMM_GROUP];
    float d;
    union {
        int32_t start[2]; /* MAGIC + offset * the sum of q */
        float sum[2];     /* offset is 0: d * the sum of q */
    };
};

/* A is an array [ceil(m / 8)][groups] of these; rows behind the matrix are neither written nor read. */
struct sw_qgemm_group {
    struct sw_qgemm_row row[SW_QGEMM_ROWS];
};

/* X(type, TYPE, groups of a unit, bytes of its scales, bytes of a group's data, offset, parts) */
/* clang-format off */
#define SW_QGEMM_TYPES(X)                                                                          \
    X(q8_0, Q8_0, 2, 64, 512, -128, 1)                                                             \
    X(q4_0, Q4_0, 2, 64, 256, -8, 1)                                                               \
    X(q4_1, Q4_1, 2, 128, 256, 0, 1)                                                               \
    X(q5_0, Q5_0, 2, 64, 320, -16, 1)                                                              \
    X(q5_1, Q5_1, 2, 128, 320, 0, 1)                                                               \
    X(iq4_nl, IQ4_NL, 2, 64, 256, -128, 1)                                                         \
    X(mxfp4, MXFP4, 4, 64, 256, -12, 1)                                                            \
    X(q2_k, Q2_K, 8, 320, 128, 0, 2)                                                               \
    X(q3_k, Q3_K, 16, 576, 192, -4, 2)                                                             \
    X(q4_k, Q4_K, 8, 320, 256, 0, 1)                                                               \
    X(q5_k, Q5_K, 8, 320, 320, 0, 1)                                                               \
    X(q6_k, Q6_K, 16, 576, 384, -32, 2)                                                            \
    X(iq4_xs, IQ4_XS, 16, 320, 256, -128, 1)

#define SW_QGEMM_SLOT(X, type)                                                                     \
    X(qgemm_##type, void,                                                                          \
      (float *c, int64_t ldc, const struct sw_qgemm_group *a, const void *panel, int64_t groups,   \
       int64_t m, int n))
#define SW_QGEMM_KERNELS(X)                                                                        \
    X(qgemm_round, void,                                                                           \
      (struct sw_qgemm_group *a, int row, const float *x, int offset, int parts, int64_t groups))  \
    SW_QGEMM_SLOT(X, q8_0)                                                                         \
    SW_QGEMM_SLOT(X, q4_0)                                                                         \
    SW_QGEMM_SLOT(X, q4_1)                                                                         \
    SW_QGEMM_SLOT(X, q5_0)                                                                         \
    SW_QGEMM_SLOT(X, q5_1)                                                                         \
    SW_QGEMM_SLOT(X, iq4_nl)                                                                       \
    SW_QGEMM_SLOT(X, mxfp4)                                                                        \
    SW_QGEMM_SLOT(X, q2_k)                                                                         \
    SW_QGEMM_SLOT(X, q3_k)                                                                         \
    SW_QGEMM_SLOT(X, q4_k)                                                                         \
    SW_QGEMM_SLOT(X, q5_k)                                                                         \
    SW_QGEMM_SLOT(X, q6_k)                                                                         \
    SW_QGEMM_SLOT(X, iq4_xs)
#define SW_QGEMM_PACK_KERNELS(X)                                                                   \
    X(qgemm_pack, void,                                                                            \
      (uint8_t *panel, int dtype, const uint8_t *w, int64_t row, int n, int64_t groups))
/* clang-format on */

/* The levels of iq4_nl and iq4_xs plus 128, of mxfp4 (twice those of the OCP specification) plus 12. */
#define SW_QGEMM_IQ4_LEVELS   1, 24, 45, 63, 79, 93, 106, 118, 129, 141, 153, 166, 181, 197, 217, 241
#define SW_QGEMM_MXFP4_LEVELS 12, 13, 14, 15, 16, 18, 20, 24, 12, 11, 10, 9, 8, 6, 4, 0

#endif
