/* Kernels of the quant family: X(slot, return type, (arguments)).  Stored types to f32, and back to
 * bytes.  x, y and blocks do not overlap; NaN payloads are not kept.
 *
 *   dequant_<type>_f32:  y[0..n-1] = the values stored in src, exactly.  n is a whole number of
 *       blocks (GGUF's layouts: q8_0 is f16 d and 32 x i8, q4_0 is f16 d and 32 x 4 bits, low halves
 *       first; q4_k: tensor/block_type.c, one rounding); f16 and bf16 have blocks of one.  src needs no alignment.  A new type is one more
 *       slot here and one more row in src/graph/ops/stored_rows.c.
 *   quantise_i8, quantise_u8:  y[i] = saturate(round(x[i] / scale) + zero), ties to even; NaN gives
 *       zero.  The quotient is IEEE's, so every ISA gives the same bytes.
 *   dequantise_i8, dequantise_u8:  y[i] = (float)(x[i] - zero) * scale */
#ifndef SWELL_QUANT_KERNELS_H
#define SWELL_QUANT_KERNELS_H

#include <stdint.h>

/* clang-format off */
#define SW_QUANT_KERNELS(X)                                                                        \
    X(dequant_f16_f32, void, (float *y, const void *src, int64_t n))                               \
    X(dequant_bf16_f32, void, (float *y, const void *src, int64_t n))                              \
    X(dequant_q8_0_f32, void, (float *y, const void *src, int64_t n))                              \
    X(dequant_q4_0_f32, void, (float *y, const void *src, int64_t n))                              \
    X(dequant_q4_k_f32, void, (float *y, const void *src, int64_t n))                              \
    X(quantise_i8, void, (int8_t *y, const float *x, float scale, int zero, int64_t n))            \
    X(quantise_u8, void, (uint8_t *y, const float *x, float scale, int zero, int64_t n))           \
    X(dequantise_i8, void, (float *y, const int8_t *x, float scale, int zero, int64_t n))          \
    X(dequantise_u8, void, (float *y, const uint8_t *x, float scale, int zero, int64_t n))
/* clang-format on */

#endif
