/* The reduction kernels as plain loops over 32 lanes, compiled once for each ISA: SW_NAME(base) gives
 * the function's name.  Lanes are fixed, so all ISAs give the same bits. */
#include <string.h>

#include "kernels/kernels.h"

enum { LANES = 32 };

#define TAKE_SUM(a, b) ((a) + (b))
#define TAKE_MAX(a, b) ((a) > (b) || (a) != (a) ? (a) : (b))
#define TAKE_MIN(a, b) ((a) < (b) || (a) != (a) ? (a) : (b))

#define REDUCE(name, TAKE)                                                                         \
    static float SW_NAME(name)(const float *x, int64_t n)                                          \
    {                                                                                              \
        float lane[LANES], r;                                                                      \
        int64_t i = LANES;                                                                         \
        if (n < LANES) {                                                                           \
            r = x[0];                                                                              \
            for (i = 1; i < n; i++) r = TAKE(r, x[i]);                                             \
            return r;                                                                              \
        }                                                                                          \
        memcpy(lane, x, sizeof lane);                                                              \
        for (; i + LANES <= n; i += LANES)                                                         \
            for (int j = 0; j < LANES; j++) lane[j] = TAKE(lane[j], x[i + j]);                     \
        for (int j = 0; i < n; i++, j++) lane[j] = TAKE(lane[j], x[i]);                            \
        for (int half = LANES / 2; half; half /= 2)                                                \
            for (int j = 0; j < half; j++) lane[j] = TAKE(lane[j], lane[j + half]);                \
        return lane[0];                                                                            \
    }                                                                                              \
    static void SW_NAME(name##_rows)(float *y, const float *x, int64_t rows, int64_t stride,       \
                                     int64_t n)                                                    \
    {                                                                                              \
        memcpy(y, x, (size_t)n * sizeof *y);                                                       \
        for (int64_t r = 1; r < rows; r++) {                                                       \
            const float *row = x + r * stride;                                                     \
            for (int64_t j = 0; j < n; j++) y[j] = TAKE(y[j], row[j]);                             \
        }                                                                                          \
    }

REDUCE(sum, TAKE_SUM)
REDUCE(max, TAKE_MAX)
REDUCE(min, TAKE_MIN)

static float SW_NAME(sw__reduce_f32)(enum sw_reduce kind, const float *x, int64_t n)
{
    switch (kind) {
    case SW_REDUCE_KIND_MAX: return SW_NAME(max)(x, n);
    case SW_REDUCE_KIND_MIN: return SW_NAME(min)(x, n);
    case SW_REDUCE_KIND_SUM: break;
    }
    return SW_NAME(sum)(x, n);
}

static void SW_NAME(sw__reduce_rows_f32)(enum sw_reduce kind, float *y, const float *x,
                                         int64_t rows, int64_t stride, int64_t n)
{
    switch (kind) {
    case SW_REDUCE_KIND_MAX: SW_NAME(max_rows)(y, x, rows, stride, n); return;
    case SW_REDUCE_KIND_MIN: SW_NAME(min_rows)(y, x, rows, stride, n); return;
    case SW_REDUCE_KIND_SUM: SW_NAME(sum_rows)(y, x, rows, stride, n); return;
    }
}

void SW_INIT(struct sw_kernels *k)
{
    SW_KERNEL_SET(k, reduce_f32, SW_NAME(sw__reduce_f32));
    SW_KERNEL_SET(k, reduce_rows_f32, SW_NAME(sw__reduce_rows_f32));
}
