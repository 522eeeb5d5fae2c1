/* The u8 x s8 product of AVX-512 VNNI: tile 14 x 32 by VPDPBUSD, whose lanes add four products each,
 * modulo 2^32.  Packing is that of AVX-512.  See gemm_int8_kernels.h. */
#include <stdbool.h>
#include "kernels/x86/vec_avx512.h"

enum { MR = 14 };

#define STRIP_INT8
#define STRIP_GROUP                 4
#define STRIP_A                     4
#define STRIP_STEP(sum, a, b, rows) quad_step(sum, (const int32_t *)(a), (const int32_t *)(b), rows)

VEC_INLINE void quad_step(vi sum[MR][2], const int32_t *a, const int32_t *b, const int rows)
{
    vi bk[2];
    VEC_UNROLL for (int v = 0; v < 2; v++) bk[v] = vi_load(b + v * VF_N);
    VEC_UNROLL for (int i = 0; i < rows; i++)
    {
        vi ai = vi_set(a[i]);
        VEC_UNROLL for (int v = 0; v < 2; v++)
            sum[i][v] = _mm512_dpbusd_epi32(sum[i][v], ai, bk[v]);
    }
}

#include "kernels/x86/gemm_strip_template.h"

STRIP_FUNCTION(sw__gemm_strip_int8_14x32_avx512vnni, STRIP_CASES_14)

/* ---- gemm_lines_int8: columns of B as they lie, sums in any order, for they are exact ------------------ */

/* Rows of A at once; bytes of a column that are fetched ahead. */
enum { LINE_ROWS = 8, LINE_AHEAD = 1024 };

/* What the slot was called with. */
struct lines {
    const char *a, *b;
    int64_t a_row, b_col, k;
    int32_t flip; /* makes a byte of A u8 */
};

/* The sums of `rows` rows, NR apart, by `count` columns of B, both constants, and of the columns alone. */
VEC_INLINE void lines_add(const struct lines *l, int32_t *sums, int32_t *col_sums, const char *b,
                          const int rows, const int count)
{
    vi sum[LINE_ROWS][4], alone[4];
    VEC_UNROLL for (int c = 0; c < count; c++)
    {
        alone[c] = vi_set(0);
        VEC_UNROLL for (int i = 0; i < rows; i++) sum[i][c] = vi_set(0);
    }
    for (int64_t k = 0; k < l->k; k += 4 * VF_N) {
        vi bk[4];
        VEC_UNROLL for (int c = 0; c < count; c++)
        {
            const char *at = b + c * l->b_col + k;
            _mm_prefetch(at + LINE_AHEAD, _MM_HINT_T0);
            bk[c] = vi_load_bytes(at, l->k - k); /* zeros behind K */
            alone[c] = _mm512_dpbusd_epi32(alone[c], vi_set(0x01010101), bk[c]);
        }
        VEC_UNROLL for (int i = 0; i < rows; i++)
        {
            const vi ai = vi_xor(vi_load_bytes(l->a + i * l->a_row + k, l->k - k), vi_set(l->flip));
            VEC_UNROLL for (int c = 0; c < count; c++)
                sum[i][c] = _mm512_dpbusd_epi32(sum[i][c], ai, bk[c]);
        }
    }
    VEC_UNROLL for (int c = 0; c < count; c++)
    {
        col_sums[c] = _mm512_reduce_add_epi32(alone[c]);
        VEC_UNROLL for (int i = 0; i < rows; i++)
            sums[i * NR + c] = _mm512_reduce_add_epi32(sum[i][c]);
    }
}

/* n <= NR columns from b on. */
VEC_INLINE void lines_columns(const struct lines *l, int32_t *sums, int32_t *col_sums,
                              const char *b, int64_t n, const int rows)
{
    const int wide = rows <= 4 ? 4 : 2;
    int64_t j = 0;
    for (; j + wide <= n; j += wide)
        lines_add(l, sums + j, col_sums + j, b + j * l->b_col, rows, wide);
    for (; j < n; j++) lines_add(l, sums + j, col_sums + j, b + j * l->b_col, rows, 1);
}

#define LINES_CASE(rows)                                                                           \
    case rows: lines_columns(l, sums, col_sums, b, n, rows); break;

static void lines_rows(const struct lines *l, int32_t *sums, int32_t *col_sums, const char *b,
                       int64_t n, int64_t rows)
{
    /* clang-format off */
    switch (rows) {
        LINES_CASE(1) LINES_CASE(2) LINES_CASE(3) LINES_CASE(4)
        LINES_CASE(5) LINES_CASE(6) LINES_CASE(7) LINES_CASE(8)
    }
    /* clang-format on */
}

static void sw__gemm_lines_int8_avx512vnni(float *c, int64_t ldc, const void *a, int64_t a_row,
                                           sw_dtype a_type, const void *b, int64_t b_col, int64_t m,
                                           int64_t n, int64_t k, const struct sw_epilogue *epilogue)
{
    const bool is_signed = a_type == SW_I8;
    _Alignas(64) int32_t sums[LINE_ROWS * NR], col_sums[NR] = {0};
    for (int64_t j = 0; j < n; j += NR)
        for (int64_t i = 0; i < m; i += LINE_ROWS) {
            const int64_t rows = m - i < LINE_ROWS ? m - i : LINE_ROWS;
            const int64_t columns = n - j < NR ? n - j : NR;
            const struct lines l = {(const char *)a + i * a_row,        b, a_row, b_col, k,
                                    is_signed ? (int32_t)0x80808080 : 0};
            struct sw_epilogue room;
            struct sw_epilogue *e = epilogue ? &room : NULL;
            lines_rows(&l, sums, col_sums, l.b + j * b_col, columns, rows);
            for (int64_t r = 0; is_signed && r < rows; r++)
                for (int v = 0; v < NR; v += VF_N) {
                    const vi shift = vi_mul(vi_set(128), vi_load(col_sums + v));
                    int32_t *at = sums + r * NR + v;
                    vi_store(at, vi_sub(vi_load(at), shift));
                }
            (void)sw__epilogue_at(epilogue, &room, i, j);
            if (e) e->col_sums = col_sums;
            strip_finish(c + i * ldc + j, ldc, (const float *)sums, (int)rows, columns, e, 0);
        }
}

void sw__gemm_int8_init_avx512vnni(struct sw_kernels *k)
{
    SW_KERNEL_SET(k, gemm_strip_int8, sw__gemm_strip_int8_14x32_avx512vnni);
    SW_KERNEL_SET(k, gemm_lines_int8, sw__gemm_lines_int8_avx512vnni);
}
