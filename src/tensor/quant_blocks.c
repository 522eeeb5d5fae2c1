/* GGUF's block-quantised types (q4_k: quant_q4_k.c), bit for bit as ggml's reference quantisers write them.
 *
 *     q8_0   32 values:  f16 d;  int8 q[32]        x = d * q
 *     q4_0   32 values:  f16 d;  4 bits q[32]      x = d * (q - 8); byte j holds values j (low half)
 *                                                  and j + 16 (high half)
 *
 * Values are scaled by the reciprocal 1/d in f32, not divided, and by the d that is not yet rounded
 * to f16: other choices give other bits.  Where ggml's result is undefined (NaN, infinity, a d so
 * small that 1/d overflows), a block that holds a number which is none gets d = NaN, so that the
 * fault stays visible, and a d too small for f16 gives zeros. */
#include "tensor/block_type.h"

#include <math.h>
#include <stdbool.h>
#include <string.h>
#include "tensor/half.h"

#define BLOCK      32
#define Q8_0_BYTES 34
#define Q4_0_BYTES 18
#define F16_NAN    0x7E00u

static void put_f16(uint8_t *p, uint16_t h)
{
    p[0] = (uint8_t)h; /* little-endian in the file, on every machine */
    p[1] = (uint8_t)(h >> 8);
}

static float get_f16(const uint8_t *p)
{
    return sw__f32_from_f16((uint16_t)(p[0] | p[1] << 8));
}

/* The value of largest magnitude, with its sign; the first one of equals.  False if any of the
 * values is NaN or infinite. */
static bool extreme(const float *x, float *out)
{
    float most = 0, at = 0;

    for (int j = 0; j < BLOCK; j++) {
        if (!isfinite(x[j])) return false;
        if (fabsf(x[j]) > most) {
            most = fabsf(x[j]);
            at = x[j];
        }
    }
    *out = at;
    return true;
}

static float reciprocal(float d)
{
    float r = d != 0 ? 1.0f / d : 0.0f;

    return isfinite(r) ? r : 0.0f;
}

static void quantise_q8_0(void *blocks, const float *x, int64_t n)
{
    uint8_t *b = blocks;
    float most;

    for (int64_t i = 0; i < n / BLOCK; i++, b += Q8_0_BYTES, x += BLOCK) {
        memset(b, 0, Q8_0_BYTES);
        put_f16(b, F16_NAN);
        if (!extreme(x, &most)) continue;
        float d = fabsf(most) / 127;
        float inverse = reciprocal(d);
        put_f16(b, sw__f16_from_f32(d));
        for (int j = 0; j < BLOCK; j++) b[2 + j] = (uint8_t)(int8_t)roundf(x[j] * inverse);
    }
}

static void dequantise_q8_0(float *x, const void *blocks, int64_t n)
{
    const uint8_t *b = blocks;

    for (int64_t i = 0; i < n / BLOCK; i++, b += Q8_0_BYTES, x += BLOCK) {
        float d = get_f16(b);
        for (int j = 0; j < BLOCK; j++) x[j] = (float)(int8_t)b[2 + j] * d;
    }
}

static uint8_t nibble(float scaled)
{
    int q = (int)(scaled + 8.5f);

    return (uint8_t)(q < 15 ? q : 15);
}

static void quantise_q4_0(void *blocks, const float *x, int64_t n)
{
    uint8_t *b = blocks;
    float most;

    for (int64_t i = 0; i < n / BLOCK; i++, b += Q4_0_BYTES, x += BLOCK) {
        memset(b, 0, Q4_0_BYTES);
        put_f16(b, F16_NAN);
        if (!extreme(x, &most)) continue;
        float d = most / -8;
        float inverse = reciprocal(d);
        put_f16(b, sw__f16_from_f32(d));
        for (int j = 0; j < BLOCK / 2; j++)
            b[2 + j] = (uint8_t)(nibble(x[j] * inverse) | nibble(x[j + BLOCK / 2] * inverse) << 4);
    }
}

static void dequantise_q4_0(float *x, const void *blocks, int64_t n)
{
    const uint8_t *b = blocks;

    for (int64_t i = 0; i < n / BLOCK; i++, b += Q4_0_BYTES, x += BLOCK) {
        float d = get_f16(b);
        for (int j = 0; j < BLOCK / 2; j++) {
            x[j] = (float)((b[2 + j] & 15) - 8) * d;
            x[j + BLOCK / 2] = (float)((b[2 + j] >> 4) - 8) * d;
        }
    }
}

static const struct sw_block_type block_types[] = {
    {SW_Q8_0, quantise_q8_0, dequantise_q8_0},
    {SW_Q4_0, quantise_q4_0, dequantise_q4_0},
};

const struct sw_block_type *sw__block_type(sw_dtype dtype)
{
    if (dtype == SW_Q4_K) return &sw__q4_k_type;
    for (size_t i = 0; i < sizeof(block_types) / sizeof(block_types[0]); i++)
        if (block_types[i].dtype == dtype) return &block_types[i];
    return NULL;
}
