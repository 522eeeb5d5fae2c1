/* argmax, topk and cumsum for the vectors of one ISA. */
#ifndef SWELL_KERNELS_SCAN_TEMPLATE_H
#define SWELL_KERNELS_SCAN_TEMPLATE_H

#include <math.h>
#include "kernels/kernels.h"
#include "kernels/topk_heap.h"

/* Lanes in which x comes strictly before `best`: greater, or the first NaN. */
VEC_INLINE vm comes_before(vf x, vf best)
{
    return vm_not(vm_or(vf_le(x, best), vf_isnan(best)));
}

/* Lanes behind the end count as the last in order, -infinity. */
VEC_INLINE vf load_or_last(const float *p, int64_t n)
{
    return n >= VF_N ? vf_load(p) : vf_select(vm_first(n), vf_load_n(p, n), vf_set(-INFINITY));
}

VEC_INLINE vi lane_numbers(void)
{
    int32_t lane[VF_N];
    for (int32_t i = 0; i < VF_N; i++) lane[i] = i;
    return vi_load(lane);
}

/* Each lane keeps its first; two chains of them, so that their latencies overlap. */
static int64_t SW_ISA_NAME(sw__argmax_f32)(const float *x, int64_t n)
{
    float value[2 * VF_N];
    int32_t index[2 * VF_N];
    vi at0 = lane_numbers(), at1 = vi_add(at0, vi_set(VF_N)), step = vi_set(2 * VF_N);
    vi best_at0 = at0, best_at1 = at1;
    vf best0 = load_or_last(x, n), best1 = vf_set(-INFINITY);
    if (n > VF_N) best1 = load_or_last(x + VF_N, n - VF_N);
    for (int64_t i = 2 * VF_N; i < n; i += 2 * VF_N) {
        vf v0 = load_or_last(x + i, n - i), v1 = vf_set(-INFINITY);
        if (n - i > VF_N) v1 = load_or_last(x + i + VF_N, n - i - VF_N);
        vm m0 = comes_before(v0, best0), m1 = comes_before(v1, best1);
        at0 = vi_add(at0, step);
        at1 = vi_add(at1, step);
        best0 = vf_select(m0, v0, best0);
        best1 = vf_select(m1, v1, best1);
        best_at0 = vi_select(m0, at0, best_at0);
        best_at1 = vi_select(m1, at1, best_at1);
    }
    vf_store(value, best0);
    vf_store(value + VF_N, best1);
    vi_store(index, best_at0);
    vi_store(index + VF_N, best_at1);
    int best = 0;
    for (int i = 1; i < 2 * VF_N; i++)
        if (sw__ranks_before(value[i], index[i], value[best], index[best])) best = i;
    return index[best];
}

static void SW_ISA_NAME(sw__argmax_rows_f32)(int32_t *y, const float *x, int64_t rows,
                                             int64_t stride, int64_t n)
{
    for (int64_t j = 0; j < n; j += VF_N) {
        int64_t left = n - j;
        vf best = load_or_last(x + j, left);
        vi at = vi_set(0);
        for (int64_t r = 1; r < rows; r++) {
            vf v = load_or_last(x + r * stride + j, left);
            vm m = comes_before(v, best);
            best = vf_select(m, v, best);
            at = vi_select(m, vi_set((int32_t)r), at);
        }
        if (left >= VF_N)
            vi_store(y + j, at);
        else
            vi_store_n(y + j, at, left);
    }
}

/* A vector in which nothing comes before the root of the heap is passed over as a whole. */
static void SW_ISA_NAME(sw__topk_f32)(float *values, int32_t *indices, const float *x, int64_t n,
                                      int64_t k)
{
    if (k == 0) return;
    sw__heap_make(values, indices, x, k);
    for (int64_t i = k; i < n; i += VF_N) {
        vm m = comes_before(load_or_last(x + i, n - i), vf_set(values[0]));
        for (uint32_t bits = vm_bits(m); bits; bits &= bits - 1) {
            int64_t at = i + __builtin_ctz(bits);
            if (sw__ranks_before(x[at], (int32_t)at, values[0], indices[0]))
                sw__heap_sink(values, indices, k, 0, x[at], (int32_t)at);
        }
    }
    sw__heap_sort(values, indices, k);
}

/* Columns in strips whose sums stay in registers; the inner loops become vectors. */
VEC_INLINE void cumsum_strip(float *y, const float *x, int64_t rows, int64_t stride, int n,
                             int exclusive)
{
    double sum[VF_N] = {0};
    for (int64_t r = 0; r < rows; r++)
        for (int j = 0; j < n; j++) {
            double next = sum[j] + (double)x[r * stride + j];
            y[r * stride + j] = (float)(exclusive ? sum[j] : next);
            sum[j] = next;
        }
}

static void SW_ISA_NAME(sw__cumsum_f32)(float *y, const float *x, int64_t rows, int64_t stride,
                                        int64_t n, int exclusive)
{
    int64_t j = 0;
    for (; j + VF_N <= n && exclusive; j += VF_N) cumsum_strip(y + j, x + j, rows, stride, VF_N, 1);
    for (; j + VF_N <= n; j += VF_N) cumsum_strip(y + j, x + j, rows, stride, VF_N, 0);
    for (; j < n; j++) cumsum_strip(y + j, x + j, rows, stride, 1, exclusive);
}

#endif
