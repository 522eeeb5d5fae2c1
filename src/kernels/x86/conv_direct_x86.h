/* The direct convolution of AVX2 and AVX-512, written on grid_avx2.h or grid_avx512.h: vectors of
 * out-channels times single numbers of the image, which are read where they lie (Georganas et al.
 * 2018, "Anatomy of High-Performance Deep Learning Convolutions on SIMD Architectures", section II).
 *
 * The number of pixels (or taps) and of vectors are constants of each loop, so that all sums stay in
 * registers; pixels need one pointer and constant offsets, taps a pointer each. */
#ifndef SWELL_CONV_DIRECT_X86_H
#define SWELL_CONV_DIRECT_X86_H

#include "kernels/x86/conv_x86.h"
#include "kernels/x86/epilogue_x86.h"

VEC_INLINE void direct_copy(float *dst, int64_t pitch, const float *src, int64_t row, int64_t rows,
                            int64_t n, const int64_t s)
{
    const int64_t whole = n / VF_N * VF_N;
    const struct lanes all = lanes_of(vm_first(VF_N), s), some = lanes_of(vm_first(n - whole), s);
    for (int64_t r = 0; r < rows; r++, dst += pitch, src += row) {
        for (int64_t i = 0; i < whole; i += VF_N)
            vf_store(dst + i, lanes_load(src + i * s, all, s));
        if (whole < n) vf_store_piece(dst + whole, lanes_load(src + whole * s, some, s), n - whole);
    }
}

VEC_INLINE vf direct_finish(vf x, const struct sw_epilogue *e, int j, int channels)
{
    if (e->bias_col) x = vf_add(x, vf_load_n(e->bias_col + j, channels - j));
    return vf_activate(x, e);
}

/* What is done to finished sums: one function, not a copy in each tile. */
static __attribute__((noinline)) void direct_finish_tile(float *c, int64_t ldc, int pixels,
                                                         int channels, const struct sw_epilogue *e)
{
    for (int p = 0; p < pixels; p++, c += ldc)
        for (int j = 0; j < channels; j += VF_N)
            vf_store(c + j, direct_finish(vf_load(c + j), e, j, channels));
}

VEC_INLINE void add_rows(float *y, const float *x, int64_t line, int64_t rows, int64_t n,
                         const struct sw_epilogue *e)
{
    for (int64_t r = 0; r < rows; r++, y += line, x += line) {
        int64_t i = 0;
        for (; i + VF_N <= n; i += VF_N)
            vf_store(y + i, vf_activate(vf_add(vf_load(y + i), vf_load(x + i)), e));
        if (i < n)
            vf_store_n(y + i,
                       vf_activate(vf_add(vf_load_n(y + i, n - i), vf_load_n(x + i, n - i)), e),
                       n - i);
    }
}

VEC_INLINE void direct_tile(float *c, int64_t ldc, const float *x, const struct sw_windows *windows,
                            const float *w, int channels, const struct sw_epilogue *e,
                            const int pixels, const int vectors)
{
    const int64_t taps = windows->taps, *offset = windows->offset, gap = windows->gap;
    const int64_t ahead = windows->ahead;
    vf sum[SW_DIRECT_MOST][SW_DIRECT_VECTORS];
    UNROLL for (int p = 0; p < pixels; p++) UNROLL for (int v = 0; v < vectors; v++)
        sum[p][v] = vf_zero();
    for (int64_t n = 0; n < windows->planes; n++, x += windows->plane)
        for (int64_t t = 0; t < taps; t++, w += vectors * VF_N) {
            const float *at = x + offset[t], *second = at + gap;
            vf wk[SW_DIRECT_VECTORS];
            if (pixels > 8) _mm_prefetch(ahead_of(at, ahead), _MM_HINT_T0);
            _mm_prefetch(ahead_of(second, ahead + pixels - 1), _MM_HINT_T0);
            fetch_row(w, vectors * VF_N);
            UNROLL for (int v = 0; v < vectors; v++) wk[v] = vf_load(w + v * VF_N);
            UNROLL for (int p = 0; p < pixels; p++)
            {
                const vf xp = vf_set(p < pixels / 2 ? at[p] : second[p]);
                UNROLL for (int v = 0; v < vectors; v++) sum[p][v] = vf_fma(xp, wk[v], sum[p][v]);
            }
        }
    UNROLL for (int p = 0; p < pixels; p++) UNROLL for (int v = 0; v < vectors; v++)
        vf_store(c + p * ldc + v * VF_N, sum[p][v]);
    if (e) direct_finish_tile(c, ldc, pixels, channels, e);
}

VEC_INLINE void direct_weight(float *c, int64_t ldc, const float *x, const int64_t *offset,
                              int64_t x_row, const float *dy, int64_t rows, int64_t pixels,
                              int accumulate, const int taps, const int vectors)
{
    const float *from[SW_DIRECT_MOST];
    vf sum[SW_DIRECT_MOST][SW_DIRECT_VECTORS];
    UNROLL for (int t = 0; t < taps; t++)
    {
        from[t] = x + offset[t] + pixels; /* counted from the end of a row */
        UNROLL for (int v = 0; v < vectors; v++) sum[t][v] = vf_zero();
    }
    for (int64_t r = 0; r < rows; r++) {
        for (int64_t p = -pixels; p < 0; p++, dy += vectors * VF_N) {
            vf d[SW_DIRECT_VECTORS];
            UNROLL for (int v = 0; v < vectors; v++)
            {
                _mm_prefetch((const char *)(dy + (FETCH * vectors + v) * VF_N), _MM_HINT_T0);
                d[v] = vf_load(dy + v * VF_N);
            }
            UNROLL for (int t = 0; t < taps; t++)
            {
                const vf xt = vf_set(from[t][p]);
                UNROLL for (int v = 0; v < vectors; v++) sum[t][v] = vf_fma(xt, d[v], sum[t][v]);
            }
        }
        UNROLL for (int t = 0; t < taps; t++) from[t] += x_row;
    }
    _Alignas(64) float sums[SW_DIRECT_MOST * SW_DIRECT_VECTORS * VF_N];
    UNROLL for (int t = 0; t < taps; t++) UNROLL for (int v = 0; v < vectors; v++)
        vf_store(sums + (t * vectors + v) * VF_N, sum[t][v]);
    tile_sums(c, ldc, sums, taps, vectors * VF_N, vectors * VF_N, accumulate);
}

/* ---- every count has a function of its own ------------------------------------------------------ */

typedef void direct_tile_fn(float *c, int64_t ldc, const float *x, const struct sw_windows *windows,
                            const float *w, int channels, const struct sw_epilogue *e);
typedef void direct_weight_fn(float *c, int64_t ldc, const float *x, const int64_t *offset,
                              int64_t x_row, const float *dy, int64_t rows, int64_t pixels,
                              int accumulate);

#define DIRECT_TILE(pixels, vectors)                                                               \
    static void direct_tile_##pixels##_##vectors(float *c, int64_t ldc, const float *x,            \
                                                 const struct sw_windows *windows, const float *w, \
                                                 int channels, const struct sw_epilogue *e)        \
    {                                                                                              \
        direct_tile(c, ldc, x, windows, w, channels, e, pixels, vectors);                          \
    }
#define DIRECT_WEIGHT(taps, vectors)                                                               \
    static void direct_weight_##taps##_##vectors(                                                  \
        float *c, int64_t ldc, const float *x, const int64_t *offset, int64_t x_row,               \
        const float *dy, int64_t rows, int64_t pixels, int accumulate)                             \
    {                                                                                              \
        direct_weight(c, ldc, x, offset, x_row, dy, rows, pixels, accumulate, taps, vectors);      \
    }
#define DIRECT_TILE_NAME(count, vectors)   direct_tile_##count##_##vectors,
#define DIRECT_WEIGHT_NAME(count, vectors) direct_weight_##count##_##vectors,

/* X(count, vectors) for all counts of pixels of the ISA, then of taps. */
#define DIRECT_UP_TO_4(X, v)  X(1, v) X(2, v) X(3, v) X(4, v)
#define DIRECT_UP_TO_6(X, v)  DIRECT_UP_TO_4(X, v) X(5, v) X(6, v)
#define DIRECT_UP_TO_9(X, v)  DIRECT_UP_TO_6(X, v) X(7, v) X(8, v) X(9, v)
#define DIRECT_UP_TO_12(X, v) DIRECT_UP_TO_9(X, v) X(10, v) X(11, v) X(12, v)
#define DIRECT_UP_TO_14(X, v) DIRECT_UP_TO_12(X, v) X(13, v) X(14, v)

DIRECT_PIXELS_1(DIRECT_TILE, 1)
DIRECT_PIXELS_2(DIRECT_TILE, 2)
DIRECT_PIXELS_3(DIRECT_TILE, 3)
DIRECT_TAPS_1(DIRECT_WEIGHT, 1)
DIRECT_TAPS_2(DIRECT_WEIGHT, 2)
DIRECT_TAPS_3(DIRECT_WEIGHT, 3)

static void SW_ISA_NAME(sw__conv_copy_f32)(float *dst, int64_t pitch, const float *src, int64_t row,
                                           int64_t step, int64_t rows, int64_t n)
{
    switch (step) {
    case 1: direct_copy(dst, pitch, src, row, rows, n, 1); break;
    case 2: direct_copy(dst, pitch, src, row, rows, n, 2); break;
    case 4: direct_copy(dst, pitch, src, row, rows, n, 4); break;
    default: direct_copy(dst, pitch, src, row, rows, n, step);
    }
}

static void SW_ISA_NAME(sw__conv_direct_tile_f32)(float *c, int64_t ldc, const float *x,
                                                  const struct sw_windows *windows, const float *w,
                                                  int pixels, int channels,
                                                  const struct sw_epilogue *epilogue)
{
    static direct_tile_fn *const by[SW_DIRECT_VECTORS][SW_DIRECT_MOST] = {
        {DIRECT_PIXELS_1(DIRECT_TILE_NAME, 1)},
        {DIRECT_PIXELS_2(DIRECT_TILE_NAME, 2)},
        {DIRECT_PIXELS_3(DIRECT_TILE_NAME, 3)}};
    by[(channels - 1) / VF_N][pixels - 1](c, ldc, x, windows, w, channels, epilogue);
}

static void SW_ISA_NAME(sw__conv_direct_weight_f32)(float *c, int64_t ldc, const float *x,
                                                    const int64_t *offset, int64_t x_row,
                                                    const float *dy, int64_t rows, int64_t pixels,
                                                    int taps, int channels, int accumulate)
{
    static direct_weight_fn *const by[SW_DIRECT_VECTORS][SW_DIRECT_MOST] = {
        {DIRECT_TAPS_1(DIRECT_WEIGHT_NAME, 1)},
        {DIRECT_TAPS_2(DIRECT_WEIGHT_NAME, 2)},
        {DIRECT_TAPS_3(DIRECT_WEIGHT_NAME, 3)}};
    by[(channels - 1) / VF_N][taps - 1](c, ldc, x, offset, x_row, dy, rows, pixels, accumulate);
}

#endif
