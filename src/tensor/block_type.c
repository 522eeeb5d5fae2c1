/* What lies where in GGUF's blocks (ggml, ggml-common.h), as a table of bit fields, and the one
 * dequantiser that reads it.  It is the specification; kernels have faster ones.
 *
 *     q4_0   f16 d;  4 bits q[32]                       two values share a byte: j low, j + 16 high
 *     q5_1   f16 d, m;  high bits[32];  4 bits q[32]
 *     q8_0   f16 d;  i8 q[32]
 *     q2_k   4 bits scale[16], minimum[16];  2 bits q[256];  f16 d, dmin
 *     q3_k   high bits[256];  2 bits q[256];  6 bits scale[16];  f16 d
 *     q4_k   f16 d, dmin;  6 bits scale[8], minimum[8];  4 bits q[256]
 *     q5_k   the same with high bits[256] before q
 *     q6_k   4 bits q[256];  2 bits q[256];  i8 scale[16];  f16 d
 *     iq4    4 bits that number one of 16 levels;  iq4_xs with 6 bits scale[8]
 *     mxfp4  an exponent of 8 bits (OCP Microscaling);  4 bits that number an e2m1 value
 *
 * The six bits of q4_k and q5_k have no such form: of the first four groups in one byte each, scale[g] in
 * byte g, minimum[g] in byte g + 4; the others have four bits in byte g + 4 (scale low, minimum high), and
 * two more on top of bytes g - 4 and g. */
#include "tensor/block_type.h"

#include <stddef.h>
#include "tensor/half.h"

static const int8_t iq4_levels[16] = {-127, -104, -83, -65, -49, -35, -22, -10,
                                      1,    13,   25,  38,  53,  69,  89,  113};
/* Twice the values of e2m1; d is half of what the exponent says. */
static const int8_t mxfp4_levels[16] = {0, 1, 2, 3, 4, 6, 8, 12, 0, -1, -2, -3, -4, -6, -8, -12};

/* X(name, dtype, group, q low, q high, q zero, scale low, scale high, scale zero, offset, d, m, levels) */
#define BITS(...)                                                                                  \
    {                                                                                              \
        __VA_ARGS__                                                                                \
    }
#define NONE                                                                                       \
    {                                                                                              \
        0, 0, 1                                                                                    \
    }
#define SIX_BITS                                                                                   \
    {                                                                                              \
        4, 6, 8                                                                                    \
    }
/* clang-format off */
#define BLOCK_TYPES(X)                                                                                                          \
    X(q4_0, SW_Q4_0, 32, BITS(2, 4, 32), NONE, 8, NONE, NONE, 0, SW_BLOCK_SYMMETRIC, 0, 0, NULL)                                \
    X(q4_1, SW_Q4_1, 32, BITS(4, 4, 32), NONE, 0, NONE, NONE, 0, SW_BLOCK_PLUS, 0, 2, NULL)                                     \
    X(q5_0, SW_Q5_0, 32, BITS(6, 4, 32), BITS(2, 1, 8), 16, NONE, NONE, 0, SW_BLOCK_SYMMETRIC, 0, 0, NULL)                      \
    X(q5_1, SW_Q5_1, 32, BITS(8, 4, 32), BITS(4, 1, 8), 0, NONE, NONE, 0, SW_BLOCK_PLUS, 0, 2, NULL)                            \
    X(q8_0, SW_Q8_0, 32, BITS(2, 8, 32), NONE, 0, NONE, NONE, 0, SW_BLOCK_SYMMETRIC, 0, 0, NULL)                                \
    X(q2_k, SW_Q2_K, 16, BITS(16, 2, 128), NONE, 0, BITS(0, 4, 32), NONE, 0, SW_BLOCK_MINUS, 80, 82, NULL)                      \
    X(q3_k, SW_Q3_K, 16, BITS(32, 2, 128), BITS(0, 1, 256), 4, BITS(96, 4, 16), BITS(104, 2, 16), 32, SW_BLOCK_SYMMETRIC, 108, 0, NULL) \
    X(q4_k, SW_Q4_K, 32, BITS(16, 4, 64), NONE, 0, SIX_BITS, NONE, 0, SW_BLOCK_MINUS, 0, 2, NULL)                               \
    X(q5_k, SW_Q5_K, 32, BITS(48, 4, 64), BITS(16, 1, 256), 0, SIX_BITS, NONE, 0, SW_BLOCK_MINUS, 0, 2, NULL)                   \
    X(q6_k, SW_Q6_K, 16, BITS(0, 4, 128), BITS(128, 2, 128), 32, BITS(192, 8, 16), NONE, 0, SW_BLOCK_SYMMETRIC, 208, 0, NULL)   \
    X(iq4_nl, SW_IQ4_NL, 32, BITS(2, 4, 32), NONE, 0, NONE, NONE, 0, SW_BLOCK_SYMMETRIC, 0, 0, iq4_levels)                      \
    X(iq4_xs, SW_IQ4_XS, 32, BITS(8, 4, 32), NONE, 0, BITS(4, 4, 2), BITS(2, 2, 4), 32, SW_BLOCK_SYMMETRIC, 0, 0, iq4_levels)   \
    X(mxfp4, SW_MXFP4, 32, BITS(1, 4, 32), NONE, 0, NONE, NONE, 0, SW_BLOCK_SYMMETRIC, 0, 0, mxfp4_levels)
/* clang-format on */

static void dequantise(const struct sw_block_type *t, float *x, const uint8_t *blocks, int64_t n);

#define DEQUANTISE(name, dtype, ...)                                                               \
    static void dequantise_##name(float *x, const void *blocks, int64_t n)                         \
    {                                                                                              \
        dequantise(sw__block_type(dtype), x, blocks, n);                                           \
    }
BLOCK_TYPES(DEQUANTISE)
#undef DEQUANTISE

static const struct sw_block_type types[SW_DTYPE_COUNT] = {
#define ROW(name, dtype, group, q0, q1, q_zero, s0, s1, s_zero, offset, d, m, levels)              \
    [dtype] = {dtype, group, dequantise_##name, {q0, q1}, {s0, s1}, q_zero, s_zero, offset, d,     \
               m,     levels},
    BLOCK_TYPES(ROW)
#undef ROW
};

const struct sw_block_type *sw__block_type(sw_dtype dtype)
{
    return (unsigned)dtype < SW_DTYPE_COUNT && types[dtype].group ? &types[dtype] : NULL;
}

void sw__q4_k_six_bits(const uint8_t *b, int group, int *scale, int *minimum)
{
    const uint8_t *s = b + 4;
    if (group < 4) {
        *scale = s[group] & 63;
        *minimum = s[group + 4] & 63;
    } else {
        *scale = (s[group + 4] & 15) | s[group - 4] >> 6 << 4;
        *minimum = s[group + 4] >> 4 | s[group] >> 6 << 4;
    }
}

static int field(const uint8_t *b, struct sw_block_bits f, int i)
{
    const int bytes = f.span * f.width / 8, in = i % f.span;
    return b[f.at + i / f.span * bytes + in % bytes] >> (in / bytes * f.width) &
           ((1 << f.width) - 1);
}

/* The i-th number of a field of low and one of high bits; eight bits have a sign. */
static int number(const uint8_t *b, const struct sw_block_bits f[2], int i)
{
    const int low = field(b, f[0], i);
    if (f[0].width == 8) return (int8_t)low;
    return f[1].width ? low | field(b, f[1], i) << f[0].width : low;
}

static float half_at(const uint8_t *p)
{
    return sw__f32_from_f16((uint16_t)(p[0] | p[1] << 8)); /* little-endian on every machine */
}

/* 2^(e - 128) */
static float half_of_exponent(uint8_t e)
{
    return sw__f32_of_bits(e < 2 ? 0x200000u << e : (uint32_t)(e - 1) << 23);
}

void sw__block_take_apart(const struct sw_block_type *t, const void *block,
                          struct sw_block_parts *out)
{
    const uint8_t *b = block;
    const int n = sw_dtype_get(t->dtype)->block_elements;
    out->d = t->dtype == SW_MXFP4 ? half_of_exponent(b[t->d]) : half_at(b + t->d);
    out->dmin = t->offset == SW_BLOCK_SYMMETRIC ? 0 : half_at(b + t->m);
    if (t->offset == SW_BLOCK_PLUS) out->dmin = -out->dmin;
    for (int g = 0; g < n / t->group; g++) {
        int scale = 1, minimum = 1;
        if (t->scale[0].width == 6) {
            sw__q4_k_six_bits(b, g, &scale, &minimum);
        } else if (t->scale[0].width) {
            scale = number(b, t->scale, g) - t->scale_zero;
            if (t->offset == SW_BLOCK_MINUS) minimum = number(b, t->scale, g + n / t->group);
        }
        out->scale[g] = (int16_t)scale;
        out->minimum[g] = (int16_t)minimum;
    }
    for (int i = 0; i < n; i++) {
        const int q = number(b, t->q, i);
        out->q[i] = t->levels ? t->levels[q] : (int8_t)(q - t->q_zero);
    }
}

static void dequantise(const struct sw_block_type *t, float *x, const uint8_t *blocks, int64_t n)
{
    const sw_dtype_info *info = sw_dtype_get(t->dtype);
    struct sw_block_parts p;
    for (int64_t b = 0; b < n / info->block_elements; b++, blocks += info->block_bytes) {
        sw__block_take_apart(t, blocks, &p);
        for (int i = 0; i < info->block_elements; i++) {
            const int g = i / t->group;
            *x++ = p.d * (float)p.scale[g] * (float)p.q[i] - p.dmin * (float)p.minimum[g];
        }
    }
}
