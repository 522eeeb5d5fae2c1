/* What the bf16 and int8 products do with finished sums, for vectors of one ISA.  A unit includes
 * vec_*.h first, and defines STRIP_INT8 where the sums are s32. */
#ifndef SWELL_GEMM_FINISH_TEMPLATE_H
#define SWELL_GEMM_FINISH_TEMPLATE_H

#include "kernels/kernels.h"
#include "kernels/x86/epilogue_x86.h"

enum { NR = 2 * VF_N };

/* A vector of sums: f32 or s32, which stand in C, whose type is float, until they are finished. */
#ifdef STRIP_INT8
typedef vi acc;
VEC_INLINE acc acc_zero(void)
{
    return vi_set(0);
}
VEC_INLINE acc acc_load_n(const float *c, int64_t n)
{
    return vi_load_n((const int32_t *)c, n);
}
VEC_INLINE void acc_store_n(float *c, acc x, int64_t n)
{
    vi_store_n((int32_t *)c, x, n);
}
#else
typedef vf acc;
VEC_INLINE acc acc_zero(void)
{
    return vf_zero();
}
VEC_INLINE acc acc_load_n(const float *c, int64_t n)
{
    return vf_load_n(c, n);
}
VEC_INLINE void acc_store_n(float *c, acc x, int64_t n)
{
    vf_store_n(c, x, n);
}
#endif

/* Rows begin .. begin + rows - 1 of sums, NR apart, into n <= NR columns of c from column j on; e may
 * be NULL. */
static __attribute__((noinline)) void strip_finish(float *c, int64_t ldc, const float *sums,
                                                   int begin, int rows, int64_t n,
                                                   const struct sw_epilogue *e, int64_t j)
{
    for (int64_t v = 0; v < n; v += VF_N) {
        const int64_t count = n - v < VF_N ? n - v : VF_N;
#ifdef STRIP_INT8
        vi shift = vi_set(0);
        vf scale = vf_zero();
        if (e && e->zero) shift = vi_mul(vi_set(e->zero), vi_load_n(e->col_sums + j + v, count));
        if (e) scale = vf_load_n(e->scale_col + j + v, count);
#endif
        vf bias = e && e->bias_col ? vf_load_n(e->bias_col + j + v, count) : vf_zero();
        for (int64_t i = begin; i < begin + rows; i++) {
            acc sum = acc_load_n(sums + i * NR + v, VF_N);
            if (!e) {
                acc_store_n(c + i * ldc + v, sum, count);
                continue;
            }
#ifdef STRIP_INT8
            vf x = vf_mul(vf_from_vi(vi_sub(sum, shift)), scale);
            x = vf_mul(x, vf_set(e->scale_row[i * e->scale_row_step]));
#else
            vf x = sum;
#endif
            if (e->bias_col) x = vf_add(x, bias);
            if (e->bias_row) x = vf_add(x, vf_set(e->bias_row[i]));
            vf_store_n(c + i * ldc + v, vf_activate(x, e), count);
        }
    }
}

#endif
