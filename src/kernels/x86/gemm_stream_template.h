/* gemm_stream_f32 for vectors of one ISA: a few rows times a B that is read once, from memory, and not
 * packed.  What counts is that B is read in long runs, which the prefetchers of the hardware follow.
 *
 * A unit includes vec_*.h and defines STREAM_STORE(c, sum, left, accumulate, e, i, j), which finishes
 * `left` columns from j on of row i, and STREAM_DEPTH, how many rows of B are read side by side. */
#ifndef SWELL_GEMM_STREAM_TEMPLATE_H
#define SWELL_GEMM_STREAM_TEMPLATE_H

#include <string.h>

/* Sums that wait in L1 while rows of B pass, and the rows of A that they are for, at most; rows of A by
 * columns of B that are contiguous, whose sums stay in registers; floats of such a column that are
 * fetched ahead. */
enum { STREAM_SUMS = 4096, STREAM_ROWS = 16, STREAM_LINE_ROWS = 4, STREAM_AHEAD = 128 };

/* What gemm_stream_f32 was called with. */
struct stream {
    float *c;
    const float *a, *b;
    int64_t ldc, a_row, a_col, b_row, b_col, m, n, kc;
    int accumulate;
    const struct sw_epilogue *epilogue;
};

/* Two vectors of columns, of which `left` columns exist: to the sums of `rows` rows, `width` apart, add the
 * products of `depth` k, a constant. */
VEC_INLINE void stream_add(const struct stream *s, float *sums, int64_t width, const float *a,
                           const float *b, int64_t rows, int64_t left, const int depth)
{
    vf bk[STREAM_DEPTH][2];
    const bool whole = left >= 2 * VF_N;
    VEC_UNROLL for (int k = 0; k < depth; k++) VEC_UNROLL for (int v = 0; v < 2; v++)
    {
        const float *at = b + k * s->b_row + v * VF_N;
        if (v * VF_N % 16 == 0) /* a line of the rows that come next */
            _mm_prefetch((const char *)(at + depth * s->b_row), _MM_HINT_T0);
        if (whole)
            bk[k][v] = vf_load(at);
        else
            bk[k][v] = left > v * VF_N ? vf_load_n(at, left - v * VF_N) : vf_zero();
    }
    for (int64_t i = 0; i < rows; i++, sums += width, a += s->a_row) {
        vf sum[2] = {vf_load(sums), vf_load(sums + VF_N)};
        VEC_UNROLL for (int k = 0; k < depth; k++)
        {
            const vf ak = vf_set(a[k * s->a_col]);
            VEC_UNROLL for (int v = 0; v < 2; v++) sum[v] = vf_fma(ak, bk[k][v], sum[v]);
        }
        VEC_UNROLL for (int v = 0; v < 2; v++) vf_store(sums + v * VF_N, sum[v]);
    }
}

/* `depth` rows of B from k on, columns j .. j+n-1, times rows i .. of A. */
VEC_INLINE void stream_pass(const struct stream *s, float *sums, int64_t width, int64_t i,
                            int64_t rows, int64_t j, int64_t n, int64_t k, const int depth)
{
    const float *a = s->a + i * s->a_row + k * s->a_col, *b = s->b + k * s->b_row + j;
    int64_t at = 0;
    for (; at + 2 * VF_N <= n; at += 2 * VF_N)
        stream_add(s, sums + at, width, a, b + at, rows, 2 * VF_N, depth);
    if (at < n) stream_add(s, sums + at, width, a, b + at, rows, n - at, depth);
}

/* B's rows are contiguous: as many columns at a time as have their sums in L1. */
static void stream_rows(const struct stream *s, int64_t i, int64_t rows)
{
    _Alignas(64) float sums[STREAM_SUMS];
    const int64_t most = STREAM_SUMS / rows / (2 * VF_N) * (2 * VF_N);
    for (int64_t j = 0; j < s->n; j += most) {
        const int64_t n = s->n - j < most ? s->n - j : most;
        int64_t k = 0;
        memset(sums, 0, sizeof sums);
        for (; k + STREAM_DEPTH <= s->kc; k += STREAM_DEPTH)
            stream_pass(s, sums, most, i, rows, j, n, k, STREAM_DEPTH);
        for (; k < s->kc; k++) stream_pass(s, sums, most, i, rows, j, n, k, 1);
        for (int64_t r = 0; r < rows; r++)
            for (int64_t v = 0; v < n; v += VF_N)
                STREAM_STORE(s->c + (i + r) * s->ldc + j + v, vf_load(sums + r * most + v), n - v,
                             s->accumulate, s->epilogue, i + r, j + v);
    }
}

/* B's columns are contiguous: a vector of columns is transposed in registers as it comes, for `rows` rows,
 * a constant. */
VEC_INLINE void stream_lines(const struct stream *s, int64_t i, int64_t j, const int rows)
{
    const int64_t lines = s->n - j < VF_N ? s->n - j : VF_N;
    const float *a = s->a + i * s->a_row, *b = s->b + j * s->b_col;
    vf sum[STREAM_LINE_ROWS];
    VEC_UNROLL for (int r = 0; r < rows; r++) sum[r] = vf_zero();
    for (int64_t k = 0; k < s->kc; k += VF_N, a += VF_N * s->a_col) {
        const int64_t left = s->kc - k;
        vf x[VF_N];
        VEC_UNROLL for (int l = 0; l < VF_N; l++)
        {
            const float *at = b + (l < lines ? l : 0) * s->b_col + k;
            _mm_prefetch((const char *)(at + STREAM_AHEAD), _MM_HINT_T0);
            x[l] = left >= VF_N ? vf_load(at) : vf_load_n(at, left);
        }
        vf_transpose(x);
        VEC_UNROLL for (int u = 0; u < VF_N; u++) if (u < left)
            VEC_UNROLL for (int r = 0; r < rows; r++)
                sum[r] = vf_fma(vf_set(a[r * s->a_row + u * s->a_col]), x[u], sum[r]);
    }
    VEC_UNROLL for (int r = 0; r < rows; r++) STREAM_STORE(
        s->c + (i + r) * s->ldc + j, sum[r], lines, s->accumulate, s->epilogue, i + r, j);
}

static void stream_line_rows(const struct stream *s, int64_t i, int64_t rows)
{
    for (int64_t j = 0; j < s->n; j += VF_N) switch (rows) {
        case 1: stream_lines(s, i, j, 1); break;
        case 2: stream_lines(s, i, j, 2); break;
        case 3: stream_lines(s, i, j, 3); break;
        default: stream_lines(s, i, j, STREAM_LINE_ROWS);
        }
}

static void SW_ISA_NAME(sw__gemm_stream_f32)(float *c, int64_t ldc, const float *a, int64_t a_row,
                                             int64_t a_col, const float *b, int64_t b_row,
                                             int64_t b_col, int64_t m, int64_t n, int64_t kc,
                                             int accumulate, const struct sw_epilogue *epilogue)
{
    const struct stream s = {c,     a, b, ldc, a_row,      a_col,   b_row,
                             b_col, m, n, kc,  accumulate, epilogue};
    const bool by_rows = b_col == 1;
    const int64_t most = by_rows ? STREAM_ROWS : STREAM_LINE_ROWS;
    for (int64_t i = 0; i < m; i += most)
        (by_rows ? stream_rows : stream_line_rows)(&s, i, m - i < most ? m - i : most);
}

#endif
