/* The reference of the quant family: what the slots of quant_kernels.h mean, as plain loops. */
#include <math.h>
#include <string.h>
#include "kernels/kernels.h"
#include "tensor/block_type.h"
#include "tensor/half.h"

static uint16_t load_u16(const void *src, int64_t i)
{
    uint16_t h;
    memcpy(&h, (const char *)src + 2 * i, sizeof h);
    return h;
}

static void sw__dequant_f16_f32_ref(float *y, const void *src, int64_t n)
{
    for (int64_t i = 0; i < n; i++) y[i] = sw__f32_from_f16(load_u16(src, i));
}

static void sw__dequant_bf16_f32_ref(float *y, const void *src, int64_t n)
{
    for (int64_t i = 0; i < n; i++) y[i] = sw__f32_from_bf16(load_u16(src, i));
}

static void sw__dequant_q8_0_f32_ref(float *y, const void *src, int64_t n)
{
    sw__block_type(SW_Q8_0)->dequantise(y, src, n);
}

static void sw__dequant_q4_0_f32_ref(float *y, const void *src, int64_t n)
{
    sw__block_type(SW_Q4_0)->dequantise(y, src, n);
}

static void sw__dequant_q4_k_f32_ref(float *y, const void *src, int64_t n)
{
    sw__block_type(SW_Q4_K)->dequantise(y, src, n);
}

/* Beyond +-512 every result saturates, whatever the zero point. */
static int quantise(float x, float scale, int zero, int low, int high)
{
    float t = x / scale;
    if (isnan(t)) return zero;
    t = t < -512 ? -512 : t > 512 ? 512 : t;
    int q = (int)rintf(t) + zero;
    return q < low ? low : q > high ? high : q;
}

static void sw__quantise_i8_ref(int8_t *y, const float *x, float scale, int zero, int64_t n)
{
    for (int64_t i = 0; i < n; i++) y[i] = (int8_t)quantise(x[i], scale, zero, -128, 127);
}

static void sw__quantise_u8_ref(uint8_t *y, const float *x, float scale, int zero, int64_t n)
{
    for (int64_t i = 0; i < n; i++) y[i] = (uint8_t)quantise(x[i], scale, zero, 0, 255);
}

static void sw__dequantise_i8_ref(float *y, const int8_t *x, float scale, int zero, int64_t n)
{
    for (int64_t i = 0; i < n; i++) y[i] = (float)(x[i] - zero) * scale;
}

static void sw__dequantise_u8_ref(float *y, const uint8_t *x, float scale, int zero, int64_t n)
{
    for (int64_t i = 0; i < n; i++) y[i] = (float)(x[i] - zero) * scale;
}

void sw__quant_init_ref(struct sw_kernels *k)
{
    SW_KERNEL_SET(k, dequant_f16_f32, sw__dequant_f16_f32_ref);
    SW_KERNEL_SET(k, dequant_bf16_f32, sw__dequant_bf16_f32_ref);
    SW_KERNEL_SET(k, dequant_q8_0_f32, sw__dequant_q8_0_f32_ref);
    SW_KERNEL_SET(k, dequant_q4_0_f32, sw__dequant_q4_0_f32_ref);
    SW_KERNEL_SET(k, dequant_q4_k_f32, sw__dequant_q4_k_f32_ref);
    SW_KERNEL_SET(k, quantise_i8, sw__quantise_i8_ref);
    SW_KERNEL_SET(k, quantise_u8, sw__quantise_u8_ref);
    SW_KERNEL_SET(k, dequantise_i8, sw__dequantise_i8_ref);
    SW_KERNEL_SET(k, dequantise_u8, sw__dequantise_u8_ref);
}
