/* The reference of the move family: what the slots of move_kernels.h mean, as plain loops. */
#include <string.h>
#include "kernels/kernels.h"

#define COPY(type)                                                                                 \
    type *d = dst;                                                                                 \
    const type *s = src;                                                                           \
    for (int64_t i = 0; i < n0; i++)                                                               \
        for (int64_t j = 0; j < n1; j++) d[i * d0 + j * d1] = s[i * s0 + j * s1];

static void sw__copy_x8_ref SW_COPY_ARGUMENTS
{
    COPY(uint8_t)
}

static void sw__copy_x16_ref SW_COPY_ARGUMENTS
{
    COPY(uint16_t)
}

static void sw__copy_x32_ref SW_COPY_ARGUMENTS
{
    COPY(uint32_t)
}

#define TRANSPOSE(type)                                                                            \
    type *d = dst;                                                                                 \
    const type *s = src;                                                                           \
    for (int64_t i = 0; i < n0; i++)                                                               \
        for (int64_t j = 0; j < n1; j++) d[i * d0 + j] = s[j * s0 + i];

static void sw__transpose_x8_ref SW_TRANSPOSE_ARGUMENTS
{
    TRANSPOSE(uint8_t)
}

static void sw__transpose_x16_ref SW_TRANSPOSE_ARGUMENTS
{
    TRANSPOSE(uint16_t)
}

static void sw__transpose_x32_ref SW_TRANSPOSE_ARGUMENTS
{
    TRANSPOSE(uint32_t)
}

#define GATHER(type)                                                                               \
    type *d = dst;                                                                                 \
    const type *s = src;                                                                           \
    for (int64_t i = 0; i < n; i++, d += inner) {                                                  \
        int64_t r = ids[i] < 0 ? ids[i] + rows : ids[i];                                           \
        for (int64_t j = 0; j < inner; j++) d[j] = r >= 0 && r < rows ? s[r * inner + j] : 0;      \
    }

static void sw__gather_x8_ref SW_GATHER_ARGUMENTS
{
    GATHER(uint8_t)
}

static void sw__gather_x16_ref SW_GATHER_ARGUMENTS
{
    GATHER(uint16_t)
}

static void sw__gather_x32_ref SW_GATHER_ARGUMENTS
{
    GATHER(uint32_t)
}

static void sw__stream_rows_ref(void *dst, int64_t d0, const void *src, int64_t s0, int64_t n,
                                int64_t bytes)
{
    for (int64_t i = 0; i < n && bytes > 0; i++)
        memcpy((char *)dst + i * d0, (const char *)src + i * s0, (size_t)bytes);
}

static void sw__axpy_f32_ref(float *y, float a, const float *x, int64_t n)
{
    for (int64_t i = 0; i < n; i++) y[i] += a * x[i];
}

static void sw__lerp_f32_ref(float *y, const float *a, const float *b, float w, int64_t n)
{
    for (int64_t i = 0; i < n; i++) y[i] = (1 - w) * a[i] + w * b[i];
}

static void sw__lerp_at_f32_ref(float *y, const float *x, const int32_t *from, const int32_t *to,
                                const float *w, int64_t n)
{
    for (int64_t i = 0; i < n; i++) y[i] = (1 - w[i]) * x[from[i]] + w[i] * x[to[i]];
}

void sw__move_init_ref(struct sw_kernels *k)
{
    SW_KERNEL_SET(k, copy_x8, sw__copy_x8_ref);
    SW_KERNEL_SET(k, copy_x16, sw__copy_x16_ref);
    SW_KERNEL_SET(k, copy_x32, sw__copy_x32_ref);
    SW_KERNEL_SET(k, transpose_x8, sw__transpose_x8_ref);
    SW_KERNEL_SET(k, transpose_x16, sw__transpose_x16_ref);
    SW_KERNEL_SET(k, transpose_x32, sw__transpose_x32_ref);
    SW_KERNEL_SET(k, gather_x8, sw__gather_x8_ref);
    SW_KERNEL_SET(k, gather_x16, sw__gather_x16_ref);
    SW_KERNEL_SET(k, gather_x32, sw__gather_x32_ref);
    SW_KERNEL_SET(k, stream_rows, sw__stream_rows_ref);
    SW_KERNEL_SET(k, axpy_f32, sw__axpy_f32_ref);
    SW_KERNEL_SET(k, lerp_f32, sw__lerp_f32_ref);
    SW_KERNEL_SET(k, lerp_at_f32, sw__lerp_at_f32_ref);
}
