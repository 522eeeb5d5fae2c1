/* The reference of the scan kernels. */
#include "kernels/kernels.h"
#include "kernels/topk_heap.h"

static int64_t sw__argmax_f32_ref(const float *x, int64_t n)
{
    int64_t best = 0;
    for (int64_t i = 1; i < n; i++)
        if (sw__ranks_before(x[i], 1, x[best], 0)) best = i;
    return best;
}

static void sw__argmax_rows_f32_ref(int32_t *y, const float *x, int64_t rows, int64_t stride,
                                    int64_t n)
{
    for (int64_t j = 0; j < n; j++) {
        int64_t best = 0;
        for (int64_t r = 1; r < rows; r++)
            if (sw__ranks_before(x[r * stride + j], 1, x[best * stride + j], 0)) best = r;
        y[j] = (int32_t)best;
    }
}

static void sw__topk_f32_ref(float *values, int32_t *indices, const float *x, int64_t n, int64_t k)
{
    if (k == 0) return;
    sw__heap_make(values, indices, x, k);
    for (int64_t i = k; i < n; i++)
        if (sw__ranks_before(x[i], (int32_t)i, values[0], indices[0]))
            sw__heap_sink(values, indices, k, 0, x[i], (int32_t)i);
    sw__heap_sort(values, indices, k);
}

static void sw__cumsum_f32_ref(float *y, const float *x, int64_t rows, int64_t stride, int64_t n,
                               int exclusive)
{
    for (int64_t j = 0; j < n; j++) {
        double sum = 0;
        for (int64_t r = 0; r < rows; r++) {
            double next = sum + (double)x[r * stride + j];
            y[r * stride + j] = (float)(exclusive ? sum : next);
            sum = next;
        }
    }
}

void sw__scan_init_ref(struct sw_kernels *k)
{
    SW_KERNEL_SET(k, argmax_f32, sw__argmax_f32_ref);
    SW_KERNEL_SET(k, argmax_rows_f32, sw__argmax_rows_f32_ref);
    SW_KERNEL_SET(k, topk_f32, sw__topk_f32_ref);
    SW_KERNEL_SET(k, cumsum_f32, sw__cumsum_f32_ref);
}
