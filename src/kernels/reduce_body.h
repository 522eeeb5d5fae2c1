/* The reduction kernels as plain loops over 32 lanes, compiled once for each ISA: SW_NAME(base) gives
 * the function's name.  Lanes are fixed, so all ISAs give the same bits. */
#include <string.h>

#include "kernels/kernels.h"

enum { LANES = 32, NARROW = 32, PARTS = 256 };

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
    /* Rows r = p, p + group, p + 2 group, ... to part p; then the parts in order. */              \
    static void SW_NAME(name##_grouped)(float *y, const float *x, int64_t rows, int64_t stride,    \
                                        int64_t n)                                                 \
    {                                                                                              \
        float part[PARTS];                                                                         \
        int64_t group = PARTS / stride, width = group * stride, r = group;                         \
        if (n == stride) {                                                                         \
            memcpy(part, x, (size_t)width * sizeof *x);                                            \
            for (; r + group <= rows; r += group)                                                  \
                for (int64_t j = 0; j < width; j++) part[j] = TAKE(part[j], x[r * stride + j]);    \
            for (int64_t j = 0; j < (rows - r) * stride; j++)                                      \
                part[j] = TAKE(part[j], x[r * stride + j]);                                        \
        } else {                                                                                   \
            for (int64_t j = 0; j < n; j++)                                                        \
                for (r = 0; r < rows; r++) {                                                       \
                    float *p = &part[r % group * stride + j];                                      \
                    *p = r < group ? x[r * stride + j] : TAKE(*p, x[r * stride + j]);              \
                }                                                                                  \
        }                                                                                          \
        memcpy(y, part, (size_t)n * sizeof *y);                                                    \
        for (int64_t p = 1; p < group; p++)                                                        \
            for (int64_t j = 0; j < n; j++) y[j] = TAKE(y[j], part[p * stride + j]);               \
    }                                                                                              \
    static void SW_NAME(name##_rows)(float *y, const float *x, int64_t rows, int64_t stride,       \
                                     int64_t n)                                                    \
    {                                                                                              \
        if (stride <= NARROW && rows >= 2 * (PARTS / stride)) {                                    \
            SW_NAME(name##_grouped)(y, x, rows, stride, n);                                        \
            return;                                                                                \
        }                                                                                          \
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
