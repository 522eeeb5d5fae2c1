/* The f32 matrix multiplication of AVX2 + FMA: tile 6 x 16, few rows.  Packing: gemm_pack_avx2.c.
 *
 * Built like gemm_avx512.c, with 12 accumulators, two vectors of B and one broadcast of A in 15 of
 * 16 registers.  Edges use masked loads and stores; the mask is a window into a row of ones and
 * zeros.  See gemm_kernels.h for the rule of the bits. */
#include <stdbool.h>
#include "kernels/gemm_table.h"
#include "kernels/kernels.h"
#include "kernels/x86/gemm_pack_x86.h"
#include "kernels/x86/vec_avx2.h"
#include "kernels/x86/epilogue_x86.h"

enum { MR = 6, NR = 16, LANES = 8, PREFETCH_ROWS = 8 };

#define INLINE   static inline __attribute__((always_inline))
#define NOINLINE static __attribute__((noinline))
#ifdef __clang__
#define UNROLL _Pragma("clang loop unroll(full)")
#else
#define UNROLL _Pragma("GCC unroll 16")
#endif

/* The first `left` lanes; none for left <= 0, all for left >= 8. */
INLINE __m256i lanes(int64_t left)
{
    static const int32_t window[16] = {-1, -1, -1, -1, -1, -1, -1, -1};
    left = left < 0 ? 0 : left > LANES ? LANES : left;
    return _mm256_loadu_si256((const __m256i *)(window + LANES - left));
}

/* Finish `left` (at most 8) columns from j on of row i. */
INLINE void store(float *c, __m256 sum, int64_t left, int accumulate, const struct sw_epilogue *e,
                  int64_t i, int64_t j)
{
    const int full = left >= LANES;
    __m256i mask = lanes(left);
    if (accumulate)
        sum = _mm256_add_ps(full ? _mm256_loadu_ps(c) : _mm256_maskload_ps(c, mask), sum);
    if (e) {
        if (e->bias_col) sum = _mm256_add_ps(sum, _mm256_maskload_ps(e->bias_col + j, mask));
        if (e->bias_row) sum = _mm256_add_ps(sum, _mm256_set1_ps(e->bias_row[i]));
        sum = vf_activate(sum, e);
    }
    if (full)
        _mm256_storeu_ps(c, sum);
    else
        _mm256_maskstore_ps(c, mask, sum);
}

NOINLINE void finish_tile(float *c, int64_t ldc, const float *sums, int mr, int nr, int accumulate,
                          const struct sw_epilogue *e)
{
    for (int i = 0; i < mr; i++)
        for (int j = 0; j < nr; j += LANES)
            store(c + i * ldc + j, _mm256_load_ps(sums + i * NR + j), nr - j, accumulate, e, i, j);
}

/* sum += a * b, in place: the compiler may not turn it into the forms that overwrite a or b, after which it
 * copies and spills sums. */
INLINE void add_product(__m256 *sum, __m256 a, __m256 b)
{
    __asm__("vfmadd231ps %2, %1, %0" : "+x"(*sum) : "x"(a), "x"(b));
}

/* One k: `rows` x `vectors` products, constants. */
INLINE void step(__m256 sum[MR][2], const float *a, const float *b, const int rows,
                 const int vectors)
{
    __m256 bk[2];
    UNROLL for (int v = 0; v < vectors; v++) bk[v] = _mm256_loadu_ps(b + v * LANES);
    UNROLL for (int i = 0; i < rows; i++)
    {
        __m256 ai = _mm256_broadcast_ss(a + i);
        UNROLL for (int v = 0; v < vectors; v++) add_product(&sum[i][v], ai, bk[v]);
    }
}

/* `rows` x `vectors` of a tile, both constants.  Every eight k fetch a row of C, and two lines of what
 * comes next: all at once they would hold up the loads of A and B.  The empty asm keeps one address
 * of A and one of B: more of them take ports from the fma. */
INLINE void tile(float *c, int64_t ldc, const float *a, const float *b, int64_t kc, int nr,
                 int accumulate, const struct sw_epilogue *e, const struct sw_gemm_ahead *ahead,
                 const int rows, const int vectors)
{
    __m256 sum[MR][2];
    const float *soon = c;
    const char *line = ahead->at;
    const int64_t skip = ahead->step - SW_GEMM_PIECE;
    int64_t k = 0;
    UNROLL for (int i = 0; i < rows; i++) UNROLL for (int v = 0; v < vectors; v++)
        sum[i][v] = _mm256_setzero_ps();
    for (; k + 8 <= kc; a += 8 * MR, b += 8 * NR) {
        _mm_prefetch((const char *)soon, _MM_HINT_T0);
        _mm_prefetch(line, _MM_HINT_T1);
        _mm_prefetch(line + 64, _MM_HINT_T1);
        UNROLL for (int u = 0; u < 8; u++)
        {
            step(sum, a + u * MR, b + u * NR, rows, vectors);
            if (u % 2 == 0 && u < 6) _mm_prefetch((const char *)(a + 32 * MR + u * 8), _MM_HINT_T0);
        }
        k += 8;
        soon += k < 8 * rows ? ldc : 0;
        line += k % 64 ? 128 : 128 + skip;
        __asm__("" : "+r"(a), "+r"(b));
    }
    for (; k < kc; k++, a += MR, b += NR) step(sum, a, b, rows, vectors);
    if (e || nr != vectors * LANES) {
        _Alignas(32) float sums[MR * NR];
        UNROLL for (int i = 0; i < rows; i++) UNROLL for (int v = 0; v < vectors; v++)
            _mm256_store_ps(sums + i * NR + v * LANES, sum[i][v]);
        finish_tile(c, ldc, sums, rows, nr, accumulate, e);
        return;
    }
    UNROLL for (int i = 0; i < rows; i++) UNROLL for (int v = 0; v < vectors; v++)
        store(c + i * ldc + v * LANES, sum[i][v], LANES, accumulate, NULL, i, 0);
}

static void sw__gemm_f32_6x16_avx2(float *c, int64_t ldc, const float *a, const float *b,
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
        CASE(1) CASE(2) CASE(3) CASE(4) CASE(5) CASE(6)
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
            store(r->c + i * r->ldc + j, _mm256_load_ps(sums), r->n - j, r->accumulate, r->epilogue,
                  i, j);
}

/* Rows i.., columns j..: `rows` x `vectors`, constants.  A single vector may be an edge. */
INLINE void strip(const struct few *r, int64_t i0, int64_t j0, const int rows, const int vectors)
{
    const float *a = r->a + i0 * r->a_row, *b = r->b + j0 / NR * r->b_panel + j0 % NR;
    const __m256i mask = lanes(r->n - j0);
    const int64_t kc = r->kc, a_row = r->a_row, a_col = r->a_col, b_row = r->b_row,
                  b_panel = r->b_panel;
    const float *three[(MR + 2) / 3]; /* every third row: an address each is too many */
    UNROLL for (int i = 0; i < rows; i += 3) three[i / 3] = a + i * a_row;
    __m256 sum[6][8];
    UNROLL for (int i = 0; i < rows; i++) UNROLL for (int v = 0; v < vectors; v++)
        sum[i][v] = _mm256_setzero_ps();
    for (int64_t k = 0; k < kc; k++, b += b_row) {
        __m256 bk[8];
        UNROLL for (int v = 0; v < vectors; v++)
        {
            const float *at = b + v / 2 * b_panel + v % 2 * LANES;
            if (vectors > 1) _mm_prefetch((const char *)(at + PREFETCH_ROWS * b_row), _MM_HINT_T0);
            bk[v] = vectors > 1 ? _mm256_loadu_ps(at) : _mm256_maskload_ps(at, mask);
        }
        UNROLL for (int i = 0; i < rows; i++)
        {
            __m256 ai = _mm256_broadcast_ss(three[i / 3] + i % 3 * a_row);
            UNROLL for (int v = 0; v < vectors; v++) add_product(&sum[i][v], ai, bk[v]);
        }
        UNROLL for (int i = 0; i < rows; i += 3) three[i / 3] += a_col;
    }
    _Alignas(32) float sums[6 * 8 * LANES];
    UNROLL for (int i = 0; i < rows; i++) UNROLL for (int v = 0; v < vectors; v++)
        _mm256_store_ps(sums + (i * vectors + v) * LANES, sum[i][v]);
    finish_strip(r, i0, j0, sums, rows, vectors);
}

#define STRIP(rows, vectors)                                                                       \
    static void strip_##rows##_##vectors(const struct few *r, int64_t i, int64_t j)                \
    {                                                                                              \
        strip(r, i, j, rows, vectors);                                                             \
    }
/* clang-format off */
STRIP(1, 8) STRIP(2, 4)
STRIP(1, 2) STRIP(2, 2) STRIP(3, 2) STRIP(4, 2) STRIP(5, 2) STRIP(6, 2)
STRIP(1, 1) STRIP(2, 1) STRIP(3, 1) STRIP(4, 1) STRIP(5, 1) STRIP(6, 1)
typedef void strip_fn(const struct few *r, int64_t i, int64_t j);
/* clang-format on */

/* Strips of columns outside, so that more than six rows find them in a cache. */
static void sw__gemm_rows_f32_avx2(float *c, int64_t ldc, const float *a, int64_t a_row,
                                   int64_t a_col, const float *b, int64_t b_row, int64_t b_panel,
                                   int64_t m, int64_t n, int64_t kc, int accumulate,
                                   const struct sw_epilogue *epilogue)
{
    static strip_fn *const one[] = {strip_1_8}, *const two[] = {NULL, strip_2_4};
    static strip_fn *const more[] = {strip_1_2, strip_2_2, strip_3_2,
                                     strip_4_2, strip_5_2, strip_6_2};
    static strip_fn *const edge[] = {strip_1_1, strip_2_1, strip_3_1,
                                     strip_4_1, strip_5_1, strip_6_1};
    const struct few r = {c, a, b, ldc, a_row, a_col, b_row, b_panel, n, kc, accumulate, epilogue};
    strip_fn *const *wide = m == 1 ? one : m == 2 ? two : more;
    const int most = m == 1 ? 8 : m == 2 ? 4 : 2;
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

#define STREAM_STORE(c, sum, left, accumulate, e, i, j) store(c, sum, left, accumulate, e, i, j)
enum { STREAM_DEPTH = 4 };
#include "kernels/x86/gemm_stream_template.h"

void sw__gemm_init_avx2(struct sw_kernels *k)
{
    SW_KERNEL_SET(k, gemm_tile_f32, sw__gemm_f32_6x16_avx2);
    SW_KERNEL_SET(k, gemm_rows_f32, sw__gemm_rows_f32_avx2);
    SW_KERNEL_SET(k, gemm_stream_f32, sw__gemm_stream_f32_avx2);
    SW_KERNEL_SET(k, gemm_pack_a, sw__gemm_pack_a_6_avx2);
    SW_KERNEL_SET(k, gemm_pack_b, sw__gemm_pack_b_16_avx2);
}
