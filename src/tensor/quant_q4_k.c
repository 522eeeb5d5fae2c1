/* GGUF's q4_k: 256 values in eight groups of 32,
 *
 *     f16 d, f16 dmin;  6 bits scale[8], minimum[8] in 12 bytes;  4 bits q[256]
 *     x = d * scale * q - dmin * minimum
 *
 * Byte j (of 32) of the p-th quarter of q holds value j of group 2p (low half) and 2p + 1 (high half).
 * The first four groups have their six bits in one byte each: scale[g] in byte g, minimum[g] in byte
 * g + 4.  The others have four bits in byte g + 4 (scale low, minimum high), and two more on top of bytes
 * g - 4 and g.
 *
 * The quantiser searches as ggml's does: for some spans of the 16 levels, values are rounded to levels,
 * then scale and minimum are those of least squares (weights: magnitude plus root mean square), and the
 * span with the smallest error wins.  A block with a number that is none gets d = dmin = NaN. */
#include "tensor/block_type.h"

#include <math.h>
#include <stdbool.h>
#include <string.h>
#include "tensor/half.h"

enum { BLOCK = 256, BYTES = 144, GROUP = 32, GROUPS = 8, LEVELS = 15, SIX_BITS = 63, SPANS = 21 };

static void put_half(uint8_t *p, uint16_t h)
{
    p[0] = (uint8_t)h; /* little-endian in the file, on every machine */
    p[1] = (uint8_t)(h >> 8);
}

static float get_half(const uint8_t *p)
{
    return sw__f32_from_f16((uint16_t)(p[0] | p[1] << 8));
}

void sw__q4_k_six_bits(const uint8_t *b, int group, int *scale, int *minimum)
{
    const uint8_t *s = b + 4;
    if (group < 4) {
        *scale = s[group] & SIX_BITS;
        *minimum = s[group + 4] & SIX_BITS;
    } else {
        *scale = (s[group + 4] & 15) | s[group - 4] >> 6 << 4;
        *minimum = s[group + 4] >> 4 | s[group] >> 6 << 4;
    }
}

static void put_six_bits(uint8_t *b, int group, int scale, int minimum)
{
    uint8_t *s = b + 4;
    if (group < 4) {
        s[group] = (uint8_t)scale;
        s[group + 4] = (uint8_t)minimum;
    } else {
        s[group + 4] = (uint8_t)((scale & 15) | (minimum & 15) << 4);
        s[group - 4] |= (uint8_t)(scale >> 4 << 6);
        s[group] |= (uint8_t)(minimum >> 4 << 6);
    }
}

/* The nearest whole number from 0 to most; 0 for NaN. */
static int nearest(float x, int most)
{
    return !(x > 0) ? 0 : x >= (float)most ? most : (int)rintf(x);
}

/* x is about scale * q - minimum, both at least 0. */
struct affine {
    float scale, minimum;
};

/* The least squares of x = scale * q - minimum for q = round(x's place in the span); the error by
 * *error.  False: no such. */
static bool fit(const float *x, const float *weight, float low, float inverse, struct affine *out,
                float *error)
{
    float w = 0, wx = 0, wq = 0, wqq = 0, wqx = 0;
    int q[GROUP];
    for (int i = 0; i < GROUP; i++) {
        q[i] = nearest(inverse * (x[i] - low), LEVELS);
        float level = (float)q[i];
        w += weight[i];
        wx += weight[i] * x[i];
        wq += weight[i] * level;
        wqq += weight[i] * level * level;
        wqx += weight[i] * level * x[i];
    }
    float determinant = w * wqq - wq * wq;
    if (!(determinant > 0)) return false;
    float scale = (w * wqx - wx * wq) / determinant, offset = (wqq * wx - wq * wqx) / determinant;
    if (offset > 0) { /* a minimum is not negative */
        offset = 0;
        scale = wqx / wqq;
    }
    *error = 0;
    for (int i = 0; i < GROUP; i++) {
        float e = scale * (float)q[i] + offset - x[i];
        *error += weight[i] * e * e;
    }
    *out = (struct affine){scale, -offset};
    return true;
}

/* Scale and minimum of one group. */
static struct affine search(const float *x)
{
    float low = 0, high = x[0], squares = 0, weight[GROUP], least = INFINITY;
    for (int i = 0; i < GROUP; i++) {
        low = x[i] < low ? x[i] : low;
        high = x[i] > high ? x[i] : high;
        squares += x[i] * x[i];
    }
    struct affine best = {(high - low) / LEVELS, -low}, found;
    if (!(high > low)) return (struct affine){0, -low};
    for (int i = 0; i < GROUP; i++) weight[i] = sqrtf(squares / GROUP) + fabsf(x[i]);
    for (int s = 0; s < SPANS; s++) {
        float error, span = LEVELS - 1 + 0.1f * (float)s;
        if (fit(x, weight, low, span / (high - low), &found, &error) && error < least) {
            best = found;
            least = error;
        }
    }
    return best;
}

static bool all_finite(const float *x)
{
    for (int i = 0; i < BLOCK; i++)
        if (!isfinite(x[i])) return false;
    return true;
}

static void quantise_block(uint8_t *b, const float *x)
{
    struct affine of[GROUPS], most = {0, 0};
    for (int g = 0; g < GROUPS; g++) {
        of[g] = search(x + g * GROUP);
        most.scale = fmaxf(most.scale, of[g].scale);
        most.minimum = fmaxf(most.minimum, of[g].minimum);
    }
    float d_inverse = most.scale > 0 ? SIX_BITS / most.scale : 0;
    float dmin_inverse = most.minimum > 0 ? SIX_BITS / most.minimum : 0;
    put_half(b, sw__f16_from_f32(most.scale / SIX_BITS));
    put_half(b + 2, sw__f16_from_f32(most.minimum / SIX_BITS));
    for (int g = 0; g < GROUPS; g++) {
        int scale = nearest(d_inverse * of[g].scale, SIX_BITS);
        int minimum = nearest(dmin_inverse * of[g].minimum, SIX_BITS);
        put_six_bits(b, g, scale, minimum);
        float step = get_half(b) * (float)scale, off = get_half(b + 2) * (float)minimum;
        for (int i = 0; i < GROUP; i++) {
            int q = step > 0 ? nearest((x[g * GROUP + i] + off) / step, LEVELS) : 0;
            b[16 + g / 2 * GROUP + i] |= (uint8_t)(q << (g % 2 * 4));
        }
    }
}

static void quantise_q4_k(void *blocks, const float *x, int64_t n)
{
    const uint16_t not_a_number = 0x7E00;
    uint8_t *b = blocks;
    for (int64_t i = 0; i < n / BLOCK; i++, b += BYTES, x += BLOCK) {
        memset(b, 0, BYTES);
        put_half(b, not_a_number);
        put_half(b + 2, not_a_number);
        if (all_finite(x)) quantise_block(b, x);
    }
}

static void dequantise_q4_k(float *x, const void *blocks, int64_t n)
{
    const uint8_t *b = blocks;
    for (int64_t i = 0; i < n / BLOCK; i++, b += BYTES)
        for (int g = 0; g < GROUPS; g++) {
            int scale, minimum;
            sw__q4_k_six_bits(b, g, &scale, &minimum);
            float step = get_half(b) * (float)scale, off = get_half(b + 2) * (float)minimum;
            for (int j = 0; j < GROUP; j++) {
                int q = b[16 + g / 2 * GROUP + j] >> (g % 2 * 4) & 15;
                *x++ = step * (float)q - off;
            }
        }
}

const struct sw_block_type sw__q4_k_type = {SW_Q4_K, quantise_q4_k, dequantise_q4_k};
