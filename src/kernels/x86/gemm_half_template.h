/* gemm_rows_half for vectors of one ISA: a few rows times panels of f16 or bf16, which are widened to
 * f32 between memory and the fma, so that a weight moves two bytes an element.  Panels are NR = two
 * vectors wide; a row alone takes WIDE vectors at once, for each sum is one chain of fma.  A unit
 * includes vec_*.h first. */
#ifndef SWELL_GEMM_HALF_TEMPLATE_H
#define SWELL_GEMM_HALF_TEMPLATE_H

#include <stdbool.h>
#include "kernels/kernels.h"
#include "kernels/x86/epilogue_x86.h"

enum { MOST_ROWS = 4, NR = 2 * VF_N, WIDE = 8, FETCH_ROWS = 1024 / (2 * NR) };

/* What the slot was called with. */
struct half {
    float *c;
    const float *a;
    const uint16_t *b;
    int64_t ldc, lda, n, kc;
    int accumulate;
    const struct sw_epilogue *epilogue;
};

/* At most VF_N columns of row i from j on. */
VEC_INLINE void half_store(const struct half *r, vf sum, int64_t i, int64_t j)
{
    const struct sw_epilogue *e = r->epilogue;
    const int64_t n = r->n - j;
    float *c = r->c + i * r->ldc + j;
    if (r->accumulate) sum = vf_add(vf_load_n(c, n), sum);
    if (e) {
        if (e->bias_col) sum = vf_add(sum, vf_load_n(e->bias_col + j, n));
        if (e->bias_row) sum = vf_add(sum, vf_set(e->bias_row[i]));
        sum = vf_activate(sum, e);
    }
    vf_store_n(c, sum, n);
}

static __attribute__((noinline)) void half_finish(const struct half *r, int64_t i0, int64_t j0,
                                                  const float *sums, int rows, int vectors)
{
    for (int64_t i = i0; i < i0 + rows; i++)
        for (int64_t j = j0; j < j0 + vectors * VF_N; j += VF_N, sums += VF_N)
            if (j < r->n) half_store(r, vf_load(sums), i, j);
}

/* Rows i0.., columns j0..: `rows` x `vectors` of whole panels, constants. */
VEC_INLINE void half_strip(const struct half *r, int64_t i0, int64_t j0, const int rows,
                           const int vectors, const bool f16)
{
    const float *a = r->a + i0 * r->lda;
    const uint16_t *b = r->b + j0 * r->kc;
    const int64_t kc = r->kc, lda = r->lda, panel = NR * kc;
    vf sum[MOST_ROWS][WIDE];
    VEC_UNROLL for (int i = 0; i < rows; i++) VEC_UNROLL for (int v = 0; v < vectors; v++)
        sum[i][v] = vf_zero();
    for (int64_t k = 0; k < kc; k++, a++, b += NR) {
        vf ai[MOST_ROWS];
        VEC_UNROLL for (int i = 0; i < rows; i++) ai[i] = vf_set(a[i * lda]);
        VEC_UNROLL for (int v = 0; v < vectors; v++)
        {
            const uint16_t *at = b + v / 2 * panel + v % 2 * VF_N;
            if (v % 2 == 0) _mm_prefetch((const char *)(at + FETCH_ROWS * NR), _MM_HINT_T0);
            vf bk = f16 ? vf_load_f16(at) : vf_load_bf16(at);
            VEC_UNROLL for (int i = 0; i < rows; i++) sum[i][v] = vf_fma(ai[i], bk, sum[i][v]);
        }
    }
    _Alignas(64) float sums[MOST_ROWS * 2 * VF_N];
    _Static_assert(MOST_ROWS * 2 >= WIDE, "room for the sums of a wide strip");
    VEC_UNROLL for (int i = 0; i < rows; i++) VEC_UNROLL for (int v = 0; v < vectors; v++)
        vf_store(sums + (i * vectors + v) * VF_N, sum[i][v]);
    half_finish(r, i0, j0, sums, rows, vectors);
}

typedef void half_fn(const struct half *r, int64_t i, int64_t j);
#define HALF(rows, vectors)                                                                        \
    static void f16_##rows##_##vectors(const struct half *r, int64_t i, int64_t j)                 \
    {                                                                                              \
        half_strip(r, i, j, rows, vectors, true);                                                  \
    }                                                                                              \
    static void bf16_##rows##_##vectors(const struct half *r, int64_t i, int64_t j)                \
    {                                                                                              \
        half_strip(r, i, j, rows, vectors, false);                                                 \
    }
HALF(1, 8)
HALF(2, 4)
HALF(1, 2)
HALF(2, 2)
HALF(3, 2)
HALF(4, 2)

VEC_INLINE void half_rows(float *c, int64_t ldc, const float *a, int64_t lda, const void *b,
                          sw_dtype dtype, int64_t m, int64_t n, int64_t kc, int accumulate,
                          const struct sw_epilogue *epilogue)
{
    static half_fn *const wide[2][2] = {{bf16_1_8, bf16_2_4}, {f16_1_8, f16_2_4}};
    static half_fn *const narrow[2][4] = {{bf16_1_2, bf16_2_2, bf16_3_2, bf16_4_2},
                                          {f16_1_2, f16_2_2, f16_3_2, f16_4_2}};
    const struct half r = {c, a, b, ldc, lda, n, kc, accumulate, epilogue};
    const int f16 = dtype == SW_F16;
    const int64_t most = (m < 2 ? 8 : 4) * VF_N; /* columns of a wide strip */
    for (int64_t j = 0, width; j < n; j += width) {
        bool whole = n - j >= most && m <= 2;
        width = whole ? most : NR;
        for (int64_t i = 0, rows; i < m; i += rows) { /* behind the first the panel is in L1 */
            rows = m - i < MOST_ROWS ? m - i : MOST_ROWS;
            (whole ? wide[f16] : narrow[f16])[rows - 1](&r, i, j);
        }
    }
}

#endif
