/* The k first in order of a walk, in a binary heap whose root is the last of them: a newcomer is
 * compared with the root, and replaces it if it comes before.  For the topk kernels. */
#ifndef SWELL_KERNELS_TOPK_HEAP_H
#define SWELL_KERNELS_TOPK_HEAP_H

#include <stdbool.h>
#include <stdint.h>

/* The order of scan_kernels.h. */
static inline bool sw__ranks_before(float a, int32_t i, float b, int32_t j)
{
    bool a_nan = a != a, b_nan = b != b;
    if (a_nan || b_nan) return a_nan && (!b_nan || i < j);
    return a == b ? i < j : a > b;
}

static inline void sw__heap_put(float *value, int32_t *index, int64_t at, float v, int32_t i)
{
    value[at] = v;
    index[at] = i;
}

/* Put (v, i) into the heap of size n from place `at` downwards. */
static inline void sw__heap_sink(float *value, int32_t *index, int64_t n, int64_t at, float v,
                                 int32_t i)
{
    for (int64_t child; (child = 2 * at + 1) < n; at = child) {
        if (child + 1 < n &&
            sw__ranks_before(value[child], index[child], value[child + 1], index[child + 1]))
            child++; /* the later of the two */
        if (!sw__ranks_before(v, i, value[child], index[child])) break;
        sw__heap_put(value, index, at, value[child], index[child]);
    }
    sw__heap_put(value, index, at, v, i);
}

/* The first n of x as a heap. */
static inline void sw__heap_make(float *value, int32_t *index, const float *x, int64_t n)
{
    for (int64_t i = 0; i < n; i++) sw__heap_put(value, index, i, x[i], (int32_t)i);
    for (int64_t i = n / 2 - 1; i >= 0; i--) sw__heap_sink(value, index, n, i, value[i], index[i]);
}

/* In order. */
static inline void sw__heap_sort(float *value, int32_t *index, int64_t n)
{
    while (n-- > 1) {
        float v = value[n];
        int32_t i = index[n];
        sw__heap_put(value, index, n, value[0], index[0]);
        sw__heap_sink(value, index, n, 0, v, i);
    }
}

#endif
