/* Kernels of the gemm_half family: f32 products with a constant B of f16 or bf16 that keeps its two
 * bytes an element when it is packed: X(slot, return type, (arguments)).
 *
 * The panels are those of gemm_kernels.h with elements of two bytes.  gemm.c widens a panel for the
 * tiles, which read it many times, by gemm_pack_b; a few rows read it as it is:
 *
 * gemm_rows_half: gemm_rows_f32 on such panels, whole even behind column n - 1.  `dtype` is SW_F16 or
 *     SW_BF16.  Widening is exact, so the bits are those of gemm_rows_f32 on widened panels. */
#ifndef SWELL_GEMM_HALF_KERNELS_H
#define SWELL_GEMM_HALF_KERNELS_H

#include "kernels/gemm_kernels.h"

/* clang-format off */
#define SW_GEMM_HALF_KERNELS(X)                                                                    \
    X(gemm_rows_half, void,                                                                        \
      (float *c, int64_t ldc, const float *a, int64_t lda, const void *b, sw_dtype dtype,          \
       int64_t m, int64_t n, int64_t kc, int accumulate, const struct sw_epilogue *epilogue))
/* clang-format on */

#endif
