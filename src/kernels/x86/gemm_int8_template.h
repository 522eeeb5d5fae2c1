/* Packing and column sums of the u8 x s8 product, for vectors of one ISA.  A unit includes vec_*.h,
 * defines MR and includes gemm_strip_template.h first; `vi_sum_bytes` sums the four s8 of a lane. */
#ifndef SWELL_GEMM_INT8_TEMPLATE_H
#define SWELL_GEMM_INT8_TEMPLATE_H

#include "kernels/x86/gemm_units_template.h"

/* B into panels whose K is padded to `depth`, and the sums of its columns, if they are wanted. */
VEC_INLINE void int8_pack_b(void *panels, int32_t *col_sums, const void *src, int64_t row,
                            int64_t col, int64_t kc, int64_t n, const int depth)
{
    const int64_t steps = (kc + depth - 1) / depth * depth / 4;
    const int32_t *unit = panels;
    units_pack_bytes(panels, src, 0, col, row, n, kc, depth, NR, false);
    for (int64_t j = 0; col_sums && j < n; j += NR, unit += steps * NR)
        for (int v = 0; v < NR; v += VF_N) {
            vi sum = vi_load(col_sums + j + v);
            for (int64_t k = 0; k < steps; k++)
                sum = vi_add(sum, vi_sum_bytes(vi_load(unit + k * NR + v)));
            vi_store(col_sums + j + v, sum);
        }
}

/* s8 become u8 by adding 128. */
VEC_INLINE void int8_pack_a(void *panel, const void *src, sw_dtype dtype, int64_t row, int64_t col,
                            int64_t m, int64_t kc, const int depth, const int width,
                            const bool rows)
{
    const int32_t flip = dtype == SW_I8 ? (int32_t)0x80808080 : 0;
    units_pack_bytes(panel, src, flip, row, col, m, kc, depth, width, rows);
}

#endif
