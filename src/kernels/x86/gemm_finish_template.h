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
VEC_INLINE acc acc_load(const float *c)
{
    return vi_load((const int32_t *)c);
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
VEC_INLINE acc acc_load(const float *c)
{
    return vf_load(c);
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

/* What the columns of a panel have in common: the epilogue's values for them. */
struct finish {
    vf scale, bias;
    vi shift;
};

VEC_INLINE struct finish finish_columns(const struct sw_epilogue *e, int64_t j, int64_t n)
{
    struct finish f = {vf_zero(), vf_zero(), vi_set(0)};
#ifdef STRIP_INT8
    f.scale = vf_load_n(e->scale_col + j, n);
    if (e->zero) f.shift = vi_mul(vi_set(e->zero), vi_load_n(e->col_sums + j, n));
#endif
    if (e->bias_col) f.bias = vf_load_n(e->bias_col + j, n);
    return f;
}

/* Sums of row i, scaled where they are s32. */
VEC_INLINE vf finish_scaled(acc sum, const struct finish *f, const struct sw_epilogue *e, int64_t i)
{
#ifdef STRIP_INT8
    const vf x = vf_mul(vf_from_vi(vi_sub(sum, f->shift)), f->scale);
    return vf_mul(x, vf_set(e->scale_row[i * e->scale_row_step]));
#else
    return sum;
#endif
}

/* The results. */
VEC_INLINE vf finish_sums(acc sum, const struct finish *f, const struct sw_epilogue *e, int64_t i)
{
    vf x = finish_scaled(sum, f, e, i);
    if (e->bias_col) x = vf_add(x, f->bias);
    if (e->bias_row) x = vf_add(x, vf_set(e->bias_row[i]));
    return vf_activate(x, e);
}

/* The same for whole rows that are scaled at most: the common ones, in half the time. */
VEC_INLINE void finish_plain(float *c, int64_t ldc, const float *sums, int rows,
                             const struct finish f[2], const struct sw_epilogue *e)
{
    for (int64_t i = 0; i < rows; i++, sums += NR, c += ldc)
        VEC_UNROLL for (int v = 0; v < 2; v++)
            vf_store(c + v * VF_N, finish_scaled(acc_load(sums + v * VF_N), &f[v], e, i));
}

/* `rows` rows of sums, NR apart, into n <= NR columns of c from column j on; e may be NULL. */
static __attribute__((noinline)) void strip_finish(float *c, int64_t ldc, const float *sums,
                                                   int rows, int64_t n, const struct sw_epilogue *e,
                                                   int64_t j)
{
    const int64_t width[2] = {n < VF_N ? n : VF_N, n < VF_N ? 0 : n - VF_N};
    struct finish f[2];
    for (int v = 0; e && v < 2; v++) f[v] = finish_columns(e, j + v * VF_N, width[v]);
    if (e && n == NR && !e->bias_col && !e->bias_row && !e->act) {
        finish_plain(c, ldc, sums, rows, f, e);
        return;
    }
    for (int64_t i = 0; i < rows; i++, sums += NR, c += ldc)
        for (int v = 0; v < 2 && width[v] > 0; v++) {
            const acc sum = acc_load(sums + v * VF_N);
            if (e)
                vf_store_n(c + v * VF_N, finish_sums(sum, &f[v], e, i), width[v]);
            else
                acc_store_n(c + v * VF_N, sum, width[v]);
        }
}

#endif
