/* Kernels of the int8 family: layers on pictures of u8 in the order N, H, W, C, real = scale (byte - zero).
 *
 *     X(slot, return type, (arguments))
 *
 * The rule of the bits.  Sums are of integers and exact.  Then come f32 operations, each rounded on its
 * own, in the order written below, and one rounding to an integer, ties to even.  So every level gives
 * the same bytes (lrn_u8 excepted: its power is the ISA's).  NaN, from a scale that is none, gives `low`. */
#ifndef SWELL_INT8_KERNELS_H
#define SWELL_INT8_KERNELS_H

#include <stdint.h>
#include <swell/tensor.h>
#include "kernels/gemm_table.h"
#include "kernels/norm_kernels.h"

/* A convolution's strip: up to MR pixels, `pixel` bytes apart, by all taps, times panels of NR columns.
 * The taps of a pixel are runs * `in_run` groups of 4 * steps bytes; K counts on through them in this order,
 * and a panel of B is [K / 4][NR][4] s8.
 *
 *     sum = sum of products - shift[j]                            s32, modulo 2^32
 *     y   = (float)sum * scale[j]                                 f32, or
 *     y   = round(min(max((float)sum * scale[j], low), high)) + zero      u8
 */
struct sw_int8_strip {
    int64_t pixel;
    int64_t runs, run_step;   /* runs of taps, so many bytes apart */
    int64_t in_run, tap_step; /* taps of a run, likewise */
    int64_t steps;
    int64_t y_pixel;      /* elements of y from pixel to pixel */
    const int32_t *shift; /* one a column */
    const float *scale;
    float low, high; /* whole numbers */
    int zero;
    bool floats; /* y is f32 */
};

/* The most rows of a strip and the columns of a panel.  AMX has its own tile for products only. */
static inline const struct sw_gemm_blocks *sw__int8_blocks(enum sw_isa isa)
{
    return &sw__gemm_table_int8[isa < SW_ISA_AVX512_VNNI ? isa : SW_ISA_AVX512_VNNI];
}

/* y = round(min(max((a - a_zero) * a_scale + (b - b_zero) * b_scale, low), high)) + zero */
struct sw_int8_add {
    int a_zero, b_zero, zero;
    float a_scale, b_scale, low, high;
};

/* Sums of taps: rows * cols vectors of channels, so many bytes apart.
 * y = round(min(max((float)(sum of (x - x_zero)) * scale, low), high)) + zero */
struct sw_int8_taps {
    int64_t rows, row_step, cols, col_step;
};
struct sw_int8_mean {
    int x_zero, zero;
    float scale, low, high;
};

/* y = round(min(max(v * d^-beta * scale, low), high)) + zero,  v = x - x_zero,
 * d = k + alpha * sum of v^2 over the window of channels */
struct sw_int8_lrn {
    struct sw_lrn_window window;
    int x_zero, zero;
    float scale, low, high;
};

/* conv_strip_u8: m <= MR pixels from a on, n columns.  Reads whole groups of four bytes.
 *
 * max_u8, mean_u8: n channels of one pixel from all its taps; at least one.
 * add_u8: y may be a or b.  table_u8: y[i] = table[x[i]], 256 entries; y may be x.
 * picture_u8: n pixels of planes of f32, `plane` floats apart, to pixels of bytes:
 *     y[i * channels + c] = saturate(round(x[c * plane + i] / scale) + zero), as quantise_u8 (quant_kernels.h).
 * lrn_u8: `pixels` pixels of n channels.  room: n + before + after + SW_INT8_ROOM floats. */
#define SW_INT8_ROOM 64
/* clang-format off */
#define SW_INT8_KERNELS(X)                                                                         \
    X(conv_strip_u8, void,                                                                         \
      (void *y, const uint8_t *a, const int8_t *b, int64_t m, int64_t n,                           \
       const struct sw_int8_strip *s))                                                             \
    X(max_u8, void, (uint8_t *y, const uint8_t *x, const struct sw_int8_taps *t, int64_t n))       \
    X(mean_u8, void,                                                                               \
      (uint8_t *y, const uint8_t *x, const struct sw_int8_taps *t, int64_t n,                      \
       const struct sw_int8_mean *o))                                                              \
    X(add_u8, void,                                                                                \
      (uint8_t *y, const uint8_t *a, const uint8_t *b, int64_t n, const struct sw_int8_add *o))    \
    X(table_u8, void, (uint8_t *y, const uint8_t *x, const uint8_t *table, int64_t n))             \
    X(picture_u8, void,                                                                            \
      (uint8_t *y, const float *x, int64_t n, int64_t channels, int64_t plane, float scale,        \
       int zero))                                                                                  \
    X(lrn_u8, void,                                                                                \
      (uint8_t *y, const uint8_t *x, int64_t pixels, int64_t n, const struct sw_int8_lrn *o,       \
       float *room))
/* clang-format on */

#endif
