/* The strip of the bf16 and int8 products for vectors of one ISA: a panel of A, MR rows, times panels
 * of B, NR = two vectors wide.  A unit includes vec_*.h and defines before this header
 *
 *     MR              rows of a panel
 *     STRIP_GROUP     K of one step, and what K is padded to
 *     STRIP_A         bytes of a step of one row of A
 *     STRIP_INT8      where sums are s32
 *     STRIP_STEP(sum, a, b, rows)   add the products of one step to sum[rows][2]
 *
 * Every count of rows has its own loop, made by constant arguments.  The panel of A stays in L1 while
 * the panels of B stream past it, so one slot serves a row as well as a matrix. */
#ifndef SWELL_GEMM_STRIP_TEMPLATE_H
#define SWELL_GEMM_STRIP_TEMPLATE_H

#include "kernels/x86/gemm_finish_template.h"

enum { STRIP_B = NR * 4 /* bytes of a step of B */, STRIP_AHEAD = 2048 /* fetched early */ };

/* `rows`, a constant, times a panel of B of which n columns exist. */
VEC_INLINE void strip_panel(float *c, int64_t ldc, const char *a, const char *b, int64_t steps,
                            int64_t n, int accumulate, const struct sw_epilogue *e, int64_t j,
                            const int rows)
{
    acc sum[MR][2];
    VEC_UNROLL for (int i = 0; i < rows; i++) VEC_UNROLL for (int v = 0; v < 2; v++)
        sum[i][v] = acc_zero();
    if (accumulate) {
        VEC_UNROLL for (int i = 0; i < rows; i++)
        {
            sum[i][0] = acc_load_n(c + i * ldc, n);
            if (n > VF_N) sum[i][1] = acc_load_n(c + i * ldc + VF_N, n - VF_N);
        }
    }
    for (int64_t k = 0; k < steps; k++, a += MR * STRIP_A, b += STRIP_B) {
        for (int at = 0; at < STRIP_B; at += 64) _mm_prefetch(b + STRIP_AHEAD + at, _MM_HINT_T0);
        STRIP_STEP(sum, a, b, rows);
        /* clang-format off */
        /* Says that each sum stays in its register: gcc 12 copies half of them round the loop. */
        VEC_UNROLL for (int i = 0; i < rows; i++) VEC_UNROLL for (int v = 0; v < 2; v++)
            __asm__("" : "+v"(sum[i][v]));
        /* clang-format on */
    }
    if (e) {
        _Alignas(64) float sums[MR * NR];
        VEC_UNROLL for (int i = 0; i < rows; i++) VEC_UNROLL for (int v = 0; v < 2; v++)
            acc_store_n(sums + i * NR + v * VF_N, sum[i][v], VF_N);
        strip_finish(c, ldc, sums, rows, n, e, j);
        return;
    }
    VEC_UNROLL for (int i = 0; i < rows; i++)
    {
        acc_store_n(c + i * ldc, sum[i][0], n);
        if (n > VF_N) acc_store_n(c + i * ldc + VF_N, sum[i][1], n - VF_N);
    }
}

VEC_INLINE void strip_rows(float *c, int64_t ldc, const void *a, const void *b, int64_t kc,
                           int64_t n, int accumulate, const struct sw_epilogue *e, const int rows)
{
    const int64_t steps = (kc + STRIP_GROUP - 1) / STRIP_GROUP;
    const char *panel = b;
    for (int64_t j = 0; j < n; j += NR, panel += steps * STRIP_B)
        strip_panel(c + j, ldc, a, panel, steps, n - j < NR ? n - j : NR, accumulate, e, j, rows);
}

#define STRIP_CASE(rows)                                                                           \
    case rows:                                                                                     \
        strip_rows(c, ldc, a, b, kc, n, accumulate, epilogue, rows);                               \
        break;

#ifdef STRIP_INT8
#define STRIP_TYPE sw_dtype a_type, /* u8: s8 are packed so */
#else
#define STRIP_TYPE
#endif

/* The slot: STRIP_FUNCTION(name, cases), a case for each count of rows. */
#define STRIP_FUNCTION(name, cases)                                                                \
    static void name(float *c, int64_t ldc, const void *a, int64_t lda, STRIP_TYPE const void *b,  \
                     int64_t kc, int64_t m, int64_t n, int accumulate,                             \
                     const struct sw_epilogue *epilogue)                                           \
    {                                                                                              \
        switch (m) {                                                                               \
            cases                                                                                  \
        }                                                                                          \
    }
/* clang-format off */
#define STRIP_CASES_6 \
    STRIP_CASE(1) STRIP_CASE(2) STRIP_CASE(3) STRIP_CASE(4) STRIP_CASE(5) STRIP_CASE(6)
#define STRIP_CASES_14                                                                             \
    STRIP_CASES_6 STRIP_CASE(7) STRIP_CASE(8) STRIP_CASE(9) STRIP_CASE(10) STRIP_CASE(11)          \
    STRIP_CASE(12) STRIP_CASE(13) STRIP_CASE(14)
/* clang-format on */

#endif
