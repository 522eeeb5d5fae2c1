/* The f32 matrix multiplication of AVX-512: tile 14 x 32, few rows.  Packing: gemm_pack_avx512.c.
 *
 * A tile holds 28 accumulators, two vectors of B and one broadcast of A: 31 of 32 registers, and 16
 * loads for 28 fma, so that the two fma ports stay busy from L1.  Every count of rows and both
 * counts of vectors have their own loop, made from one template by constant arguments, because a
 * matrix with 16 rows shall cost 16 rows and not 28.  See gemm_kernels.h for the rule of the bits. */
#include <stdbool.h>
#include "kernels/gemm_table.h"
#include "kernels/kernels.h"
#include "kernels/x86/gemm_pack_x86.h"
#include "kernels/x86/vec_avx512.h"
#include "kernels/x86/epilogue_x86.h"

enum { MR = 14, NR = 32, LANES = 16, PREFETCH_ROWS = 8 };

#define INLINE   static inline __attribute__((always_inline))
#define NOINLINE static __attribute__((noinline))
#ifdef __clang__
#define UNROLL _Pragma("clang loop unroll(full)")
#else
#define UNROLL _Pragma("GCC unroll 16")
#endif

/* Lanes left .. of `count` columns from column `at` on. */
INLINE __mmask16 lanes(int64_t count, int64_t at)
{
    int64_t left = count - at;
    return left >= LANES ? 0xffff : left <= 0 ? 0 : (__mmask16)((1u << left) - 1);
}

/* Finish one vector of row i, columns j.. */
INLINE void store(float *c, __m512 sum, __mmask16 mask, int accumulate, const struct sw_epilogue *e,
                  int64_t i, int64_t j)
{
    if (accumulate) sum = _mm512_add_ps(_mm512_maskz_loadu_ps(mask, c), sum);
    if (e) {
        if (e->bias_col) sum = _mm512_add_ps(sum, _mm512_maskz_loadu_ps(mask, e->bias_col + j));
        if (e->bias_row) sum = _mm512_add_ps(sum, _mm512_set1_ps(e->bias_row[i]));
        sum = vf_activate(sum, e);
    }
    _mm512_mask_storeu_ps(c, mask, sum);
}

/* The rows of a tile whose results are changed on the way out, from memory: not worth registers. */
NOINLINE void finish_tile(float *c, int64_t ldc, const float *sums, int mr, int nr, int accumulate,
                          const struct sw_epilogue *e)
{
    for (int i = 0; i < mr; i++)
        for (int j = 0; j < nr; j += LANES)
            store(c + i * ldc + j, _mm512_load_ps(sums + i * NR + j), lanes(nr, j), accumulate, e,
                  i, j);
}

/* sum += a * b, in place: the compiler may not turn it into the forms that overwrite a or b, after which it
 * copies and spills sums. */
INLINE void add_product(__m512 *sum, __m512 a, __m512 b)
{
    __asm__("vfmadd231ps %2, %1, %0" : "+v"(*sum) : "v"(a), "v"(b));
}

/* The same with a number of A from memory: a load more, and no instruction of its own for it. */
INLINE void add_product_of(__m512 *sum, const float *a, __m512 b)
{
    __asm__("vfmadd231ps %1%{1to16%}, %2, %0" : "+v"(*sum) : "m"(*a), "v"(b));
}

/* One k: `rows` x `vectors` products, constants.  Every third row loads its number of A with each product:
 * fewer instructions, which a core that another thread shares runs short of, and loads enough are left. */
INLINE void step(__m512 sum[MR][2], const float *a, const float *b, const int rows,
                 const int vectors)
{
    __m512 bk[2];
    _mm_prefetch((const char *)(a + 16 * MR), _MM_HINT_T0);
    UNROLL for (int v = 0; v < vectors; v++) bk[v] = _mm512_loadu_ps(b + v * LANES);
    UNROLL for (int i = 0; i < rows; i++)
    {
        if (i % 3 == 1 || vectors == 1) {
            UNROLL for (int v = 0; v < vectors; v++) add_product_of(&sum[i][v], a + i, bk[v]);
        } else {
            const __m512 ai = _mm512_set1_ps(a[i]);
            UNROLL for (int v = 0; v < vectors; v++) add_product(&sum[i][v], ai, bk[v]);
        }
    }
}

/* `rows` x `vectors` of a tile, both constants.  Every four k fetch a row of C, and a line of what
 * comes next: all at once they would hold up the loads of A and B. */
INLINE void tile(float *c, int64_t ldc, const float *a, const float *b, int64_t kc, int nr,
                 int accumulate, const struct sw_epilogue *e, const struct sw_gemm_ahead *ahead,
                 const int rows, const int vectors)
{
    __m512 sum[MR][2];
    const float *soon = c;
    const char *line = ahead->at;
    const int64_t skip = ahead->step - SW_GEMM_PIECE + 64;
    int64_t k = 0;
    UNROLL for (int i = 0; i < rows; i++) UNROLL for (int v = 0; v < vectors; v++)
        sum[i][v] = _mm512_setzero_ps();
    for (; k + 4 <= kc; k += 4, a += 4 * MR, b += 4 * NR) {
        _mm_prefetch(line, _MM_HINT_T1);
        line += (k & 60) == 60 ? skip : 64;
        _mm_prefetch((const char *)soon, _MM_HINT_T0);
        if (vectors > 1) _mm_prefetch((const char *)(soon + LANES), _MM_HINT_T0);
        soon += k < 4 * (rows - 1) ? ldc : 0;
        UNROLL for (int u = 0; u < 4; u++) step(sum, a + u * MR, b + u * NR, rows, vectors);
        __asm__("" : "+r"(a), "+r"(b));
    }
    for (; k < kc; k++, a += MR, b += NR) step(sum, a, b, rows, vectors);
    if (e) {
        _Alignas(64) float sums[MR * NR];
        UNROLL for (int i = 0; i < rows; i++) UNROLL for (int v = 0; v < vectors; v++)
            _mm512_store_ps(sums + i * NR + v * LANES, sum[i][v]);
        finish_tile(c, ldc, sums, rows, nr, accumulate, e);
        return;
    }
    UNROLL for (int i = 0; i < rows; i++) UNROLL for (int v = 0; v < vectors; v++)
        store(c + i * ldc + v * LANES, sum[i][v], lanes(nr, v * LANES), accumulate, NULL, i, 0);
}

static void sw__gemm_f32_14x32_avx512(float *c, int64_t ldc, const float *a, const float *b,
                                      int64_t kc, int mr, int nr, int accumulate,
                                      const struct sw_epilogue *epilogue,
                                      const struct sw_gemm_ahead *ahead)
{
    const struct sw_gemm_ahead idle = {(const char *)a, 0};
    if (!ahead) ahead = &idle;
#define CASE(rows)                                                                                 \
    case rows:                                                                                     \
        if (nr > LANES)                                                                            \
            tile(c, ldc, a, b, kc, nr, accumulate, epilogue, ahead, rows, 2);                      \
        else                                                                                       \
            tile(c, ldc, a, b, kc, nr, accumulate, epilogue, ahead, rows, 1);                      \
        break;
    /* clang-format off */
    switch (mr) {
        CASE(1) CASE(2) CASE(3) CASE(4) CASE(5) CASE(6) CASE(7)
        CASE(8) CASE(9) CASE(10) CASE(11) CASE(12) CASE(13) CASE(14)
    }
    /* clang-format on */
#undef CASE
}

/* What gemm_rows_f32 was called with. */
struct few {
    float *c;
    const float *a, *b;
    int64_t ldc, a_row, a_col, b_row, b_panel, n, kc;
    int accumulate;
    const struct sw_epilogue *epilogue;
};

NOINLINE void finish_strip(const struct few *r, int64_t i0, int64_t j0, const float *sums, int rows,
                           int vectors)
{
    for (int64_t i = i0; i < i0 + rows; i++)
        for (int64_t j = j0; j < j0 + vectors * LANES; j += LANES, sums += LANES)
            store(r->c + i * r->ldc + j, _mm512_load_ps(sums), lanes(r->n, j), r->accumulate,
                  r->epilogue, i, j);
}

/* Rows i.., columns j..: `rows` x `vectors`, constants.  A single vector may be an edge. */
INLINE void strip(const struct few *r, int64_t i0, int64_t j0, const int rows, const int vectors)
{
    const float *a = r->a + i0 * r->a_row, *b = r->b + j0 / NR * r->b_panel + j0 % NR;
    const __mmask16 mask = vectors > 1 ? 0xffff : lanes(r->n, j0);
    const int64_t kc = r->kc, a_row = r->a_row, a_col = r->a_col, b_row = r->b_row,
                  b_panel = r->b_panel;
    const float *three[(MR + 2) / 3]; /* every third row: an address each is too many */
    UNROLL for (int i = 0; i < rows; i += 3) three[i / 3] = a + i * a_row;
    __m512 sum[MR][8];
    UNROLL for (int i = 0; i < rows; i++) UNROLL for (int v = 0; v < vectors; v++)
        sum[i][v] = _mm512_setzero_ps();
    for (int64_t k = 0; k < kc; k++, b += b_row) {
        __m512 bk[8];
        UNROLL for (int v = 0; v < vectors; v++)
        {
            const float *at = b + v / 2 * b_panel + v % 2 * LANES;
            if (vectors > 1) _mm_prefetch((const char *)(at + PREFETCH_ROWS * b_row), _MM_HINT_T0);
            bk[v] = vectors > 1 ? _mm512_loadu_ps(at) : _mm512_maskz_loadu_ps(mask, at);
        }
        UNROLL for (int i = 0; i < rows; i++)
        {
            const float *at = three[i / 3] + i % 3 * a_row;
            if (vectors == 2 && i % 3 == 1) {
                UNROLL for (int v = 0; v < vectors; v++) add_product_of(&sum[i][v], at, bk[v]);
            } else {
                const __m512 ai = _mm512_set1_ps(*at);
                UNROLL for (int v = 0; v < vectors; v++) add_product(&sum[i][v], ai, bk[v]);
            }
        }
        UNROLL for (int i = 0; i < rows; i += 3) three[i / 3] += a_col;
    }
    _Alignas(64) float sums[2 * MR * LANES];
    UNROLL for (int i = 0; i < rows; i++) UNROLL for (int v = 0; v < vectors; v++)
        _mm512_store_ps(sums + (i * vectors + v) * LANES, sum[i][v]);
    finish_strip(r, i0, j0, sums, rows, vectors);
}

#define STRIP(rows, vectors)                                                                       \
    static void strip_##rows##_##vectors(const struct few *r, int64_t i, int64_t j)                \
    {                                                                                              \
        strip(r, i, j, rows, vectors);                                                             \
    }
/* clang-format off */
STRIP(1, 8) STRIP(2, 8)
STRIP(1, 4) STRIP(2, 4) STRIP(3, 4) STRIP(4, 4) STRIP(5, 4) STRIP(6, 4)
STRIP(1, 2) STRIP(2, 2) STRIP(3, 2) STRIP(4, 2) STRIP(5, 2) STRIP(6, 2) STRIP(7, 2)
STRIP(8, 2) STRIP(9, 2) STRIP(10, 2) STRIP(11, 2) STRIP(12, 2) STRIP(13, 2) STRIP(14, 2)
STRIP(1, 1) STRIP(2, 1) STRIP(3, 1) STRIP(4, 1) STRIP(5, 1) STRIP(6, 1) STRIP(7, 1)
STRIP(8, 1) STRIP(9, 1) STRIP(10, 1) STRIP(11, 1) STRIP(12, 1) STRIP(13, 1) STRIP(14, 1)
typedef void strip_fn(const struct few *r, int64_t i, int64_t j);
/* clang-format on */

/* Strips of columns outside, so that more than six rows find them in a cache. */
static void sw__gemm_rows_f32_avx512(float *c, int64_t ldc, const float *a, int64_t a_row,
                                     int64_t a_col, const float *b, int64_t b_row, int64_t b_panel,
                                     int64_t m, int64_t n, int64_t kc, int accumulate,
                                     const struct sw_epilogue *epilogue)
{
    static strip_fn *const one[] = {strip_1_8}, *const two[] = {NULL, strip_2_8};
    static strip_fn *const more[] = {strip_1_4, strip_2_4, strip_3_4,
                                     strip_4_4, strip_5_4, strip_6_4};
    static strip_fn *const many[] = {strip_1_2,  strip_2_2,  strip_3_2,  strip_4_2, strip_5_2,
                                     strip_6_2,  strip_7_2,  strip_8_2,  strip_9_2, strip_10_2,
                                     strip_11_2, strip_12_2, strip_13_2, strip_14_2};
    static strip_fn *const edge[] = {strip_1_1,  strip_2_1,  strip_3_1,  strip_4_1, strip_5_1,
                                     strip_6_1,  strip_7_1,  strip_8_1,  strip_9_1, strip_10_1,
                                     strip_11_1, strip_12_1, strip_13_1, strip_14_1};
    const struct few r = {c, a, b, ldc, a_row, a_col, b_row, b_panel, n, kc, accumulate, epilogue};
    strip_fn *const *wide = m == 1 ? one : m == 2 ? two : m <= 6 ? more : many;
    const int most = m <= 2 ? 8 : m <= 6 ? 4 : 2;
    if (m == 0) return;
    const int64_t pieces = (m + MR - 1) / MR, base = m / pieces, extra = m % pieces;
    for (int64_t j = 0, width; j < n; j += width) {
        bool whole = n - j >= most * LANES && j % NR == 0;
        strip_fn *const *strips = whole ? wide : edge;
        width = whole ? most * LANES : LANES;
        for (int64_t p = 0, i = 0; p < pieces; p++) {
            const int64_t rows = base + (p < extra);
            strips[rows - 1](&r, i, j);
            i += rows;
        }
    }
}

#define STREAM_STORE(c, sum, left, accumulate, e, i, j)                                            \
    store(c, sum, lanes(left, 0), accumulate, e, i, j)
enum { STREAM_DEPTH = 4 };
#include "kernels/x86/gemm_stream_template.h"

void sw__gemm_init_avx512(struct sw_kernels *k)
{
    SW_KERNEL_SET(k, gemm_tile_f32, sw__gemm_f32_14x32_avx512);
    SW_KERNEL_SET(k, gemm_rows_f32, sw__gemm_rows_f32_avx512);
    SW_KERNEL_SET(k, gemm_stream_f32, sw__gemm_stream_f32_avx512);
    SW_KERNEL_SET(k, gemm_pack_a, sw__gemm_pack_a_14_avx512);
    SW_KERNEL_SET(k, gemm_pack_b, sw__gemm_pack_b_32_avx512);
}
