/* conv_strip_u8 for vectors of one ISA: pixels where they lie times panels of B, NR = two vectors wide.
 * A unit includes vec_*.h and defines before this header
 *
 *     MR                          pixels of a strip at most
 *     struct quad, quad_load(b)   a step of a panel of B, made ready
 *     quad_add(sum, a, q)         add the products with four bytes of a pixel to sum[2]
 *
 * Every count of pixels has its own loop, made by constant arguments; sums stay in registers through all
 * of K.  Pixels lie any distance apart: x86 adds one register, once or twice, to another, so three of
 * them share a pointer. */
#ifndef SWELL_INT8_STRIP_TEMPLATE_H
#define SWELL_INT8_STRIP_TEMPLATE_H

#include <string.h>
#include "kernels/kernels.h"

enum {
    NR = 2 * VF_N,
    QUAD_B = NR * 4,   /* bytes of a step of B */
    QUAD_AHEAD = 2048, /* fetched early */
    QUAD_PEEL = 4,     /* steps between changes of pointers */
    QUAD_SHARES = 3,   /* pixels to a pointer */
    QUAD_POINTERS = (MR + QUAD_SHARES - 1) / QUAD_SHARES
};

VEC_INLINE int32_t quad_of(const uint8_t *a)
{
    int32_t x;
    memcpy(&x, a, sizeof x);
    return x;
}

/* `peel` steps, `pixels` and it being constants. */
VEC_INLINE void quad_steps(vi sum[MR][2], const uint8_t *at[QUAD_POINTERS], int64_t pixel,
                           const int8_t *b, const int pixels, const int peel)
{
    VEC_UNROLL for (int u = 0; u < peel; u++, b += QUAD_B)
    {
        for (int line = 0; line < QUAD_B; line += 64)
            _mm_prefetch((const char *)b + QUAD_AHEAD + line, _MM_HINT_T0);
        const struct quad q = quad_load(b);
        VEC_UNROLL for (int i = 0; i < pixels; i++)
            quad_add(sum[i], quad_of(at[i / QUAD_SHARES] + i % QUAD_SHARES * pixel + 4 * u), &q);
        /* clang-format off */
        /* Says that each sum stays in its register. */
        VEC_UNROLL for (int i = 0; i < pixels; i++) VEC_UNROLL for (int v = 0; v < 2; v++)
            __asm__("" : "+v"(sum[i][v]));
        /* clang-format on */
    }
    VEC_UNROLL for (int i = 0; i < (pixels + QUAD_SHARES - 1) / QUAD_SHARES; i++)
    {
        at[i] += 4 * peel;
        __asm__("" : "+r"(at[i]));
    }
}

VEC_INLINE void quad_run(vi sum[MR][2], const uint8_t *a, int64_t pixel, const int8_t *b,
                         int64_t steps, const int pixels)
{
    const uint8_t *at[QUAD_POINTERS];
    VEC_UNROLL for (int i = 0; i < (pixels + QUAD_SHARES - 1) / QUAD_SHARES; i++)
        at[i] = a + i * QUAD_SHARES * pixel;
    int64_t k = 0;
    for (; k + QUAD_PEEL <= steps; k += QUAD_PEEL, b += QUAD_PEEL * QUAD_B)
        quad_steps(sum, at, pixel, b, pixels, QUAD_PEEL);
    for (; k < steps; k++, b += QUAD_B) quad_steps(sum, at, pixel, b, pixels, 1);
}

/* A vector of sums in s32 to results. */
VEC_INLINE vf finish(vi sum, vi shift, vf scale)
{
    return vf_mul(vf_from_vi(vi_sub(sum, shift)), scale);
}

VEC_INLINE vi finish_byte(vf x, const struct sw_int8_strip *s)
{
    x = vf_min(vf_max(x, vf_set(s->low)), vf_set(s->high));
    return vi_add(vf_to_vi(x), vi_set(s->zero));
}

/* `pixels` times NR sums into n <= NR columns of y from column j on. */
static __attribute__((noinline)) void quad_finish(void *y, const int32_t *sums, int pixels,
                                                  int64_t n, int64_t j,
                                                  const struct sw_int8_strip *s)
{
    for (int v = 0; v < NR && v < n; v += VF_N) {
        const int64_t width = n - v < VF_N ? n - v : VF_N;
        const vi shift = vi_load_n(s->shift + j + v, width);
        const vf scale = vf_load_n(s->scale + j + v, width);
        for (int64_t i = 0; i < pixels; i++) {
            const vf x = finish(vi_load(sums + i * NR + v), shift, scale);
            const int64_t at = i * s->y_pixel + j + v;
            if (s->floats)
                vf_store_n((float *)y + at, x, width);
            else if (width == VF_N)
                vi_store_x8((uint8_t *)y + at, finish_byte(x, s));
            else
                vi_store_x8_n((uint8_t *)y + at, finish_byte(x, s), width);
        }
    }
}

VEC_INLINE void quad_panels(void *y, const uint8_t *a, const int8_t *b, int64_t n,
                            const struct sw_int8_strip *s, const int pixels)
{
    const int64_t run = s->steps * QUAD_B;
    for (int64_t j = 0; j < n; j += NR) {
        vi sum[MR][2];
        _Alignas(64) int32_t sums[MR * NR];
        VEC_UNROLL for (int i = 0; i < pixels; i++) sum[i][0] = sum[i][1] = vi_set(0);
        for (int64_t r = 0; r < s->runs; r++)
            for (int64_t t = 0; t < s->in_run; t++, b += run)
                quad_run(sum, a + r * s->run_step + t * s->tap_step, s->pixel, b, s->steps, pixels);
        VEC_UNROLL for (int i = 0; i < pixels; i++) VEC_UNROLL for (int v = 0; v < 2; v++)
            vi_store(sums + i * NR + v * VF_N, sum[i][v]);
        quad_finish(y, sums, pixels, n - j < NR ? n - j : NR, j, s);
    }
}

#define QUAD_CASE(pixels)                                                                          \
    case pixels: quad_panels(y, a, b, n, s, pixels); break;

/* The slot: QUAD_FUNCTION(name, cases), a case for each count of pixels. */
#define QUAD_FUNCTION(name, cases)                                                                 \
    static void name(void *y, const uint8_t *a, const int8_t *b, int64_t m, int64_t n,             \
                     const struct sw_int8_strip *s)                                                \
    {                                                                                              \
        switch (m) {                                                                               \
            cases                                                                                  \
        }                                                                                          \
    }
#define QUAD_CASES_6 QUAD_CASE(1) QUAD_CASE(2) QUAD_CASE(3) QUAD_CASE(4) QUAD_CASE(5) QUAD_CASE(6)
#define QUAD_CASES_14                                                                              \
    QUAD_CASES_6 QUAD_CASE(7) QUAD_CASE(8) QUAD_CASE(9) QUAD_CASE(10) QUAD_CASE(11) QUAD_CASE(12)  \
        QUAD_CASE(13) QUAD_CASE(14)

#endif
