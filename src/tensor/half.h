/* f16 (IEEE 754 binary16) and bf16 (the upper half of an f32), to and from f32: round to nearest
 * even, subnormals kept, overflow to infinity, NaN stays NaN.  Integer arithmetic only, so that the
 * bits are the same on every machine. */
#ifndef SWELL_TENSOR_HALF_H
#define SWELL_TENSOR_HALF_H

#include <stdint.h>
#include <string.h>

static inline uint32_t sw__bits_of_f32(float x)
{
    uint32_t u;
    memcpy(&u, &x, sizeof(u));
    return u;
}

static inline float sw__f32_of_bits(uint32_t u)
{
    float x;
    memcpy(&x, &u, sizeof(x));
    return x;
}

static inline float sw__f32_from_bf16(uint16_t h)
{
    return sw__f32_of_bits((uint32_t)h << 16);
}

static inline uint16_t sw__bf16_from_f32(float x)
{
    uint32_t u = sw__bits_of_f32(x);

    if ((u & 0x7FFFFFFFu) > 0x7F800000u) return (uint16_t)(u >> 16 | 0x40); /* NaN, made quiet */
    return (uint16_t)((u + 0x7FFFu + (u >> 16 & 1)) >> 16);
}

static inline float sw__f32_from_f16(uint16_t h)
{
    uint32_t sign = (uint32_t)(h & 0x8000u) << 16;
    uint32_t exponent = h >> 10 & 0x1F;
    uint32_t fraction = h & 0x3FFu;

    if (exponent == 0x1F) { /* a NaN becomes quiet, as F16C makes it */
        uint32_t quiet = fraction ? 0x400000u : 0;
        return sw__f32_of_bits(sign | 0x7F800000u | quiet | fraction << 13);
    }
    if (exponent != 0) return sw__f32_of_bits(sign | (exponent + 112) << 23 | fraction << 13);
    float tiny = (float)fraction * 0x1p-24f; /* zero or subnormal, exact */
    return sign ? -tiny : tiny;
}

static inline uint16_t sw__f16_from_f32(float x)
{
    uint32_t u = sw__bits_of_f32(x);
    uint32_t sign = u >> 16 & 0x8000u;
    uint32_t a = u & 0x7FFFFFFFu;

    if (a > 0x7F800000u) return (uint16_t)(sign | 0x7E00u | (a >> 13 & 0x3FFu)); /* NaN, quiet */
    if (a >= 0x477FF000u) return (uint16_t)(sign | 0x7C00u); /* 65520 and more: infinity */
    if (a >= 0x38800000u) { /* 2^-14 and more: normal; a carry runs into the exponent rightly */
        uint32_t r = a - (112u << 23);
        return (uint16_t)(sign | (r + 0xFFFu + (r >> 13 & 1)) >> 13);
    }
    if (a < 0x33000000u) return (uint16_t)sign; /* below 2^-25: zero */
    uint32_t shift = 126 - (a >> 23);           /* 14 .. 24: to units of 2^-24 */
    uint32_t m = (a & 0x7FFFFFu) | 0x800000u;
    uint32_t half = 1u << (shift - 1);
    return (uint16_t)(sign | (m + half - 1 + (m >> shift & 1)) >> shift);
}

#endif
