/* Checks of the quant slots.  The oracles are written from the formats' definitions: IEEE binary16
 * by ldexp, bf16 as the upper half of an f32, GGUF's blocks as d * q and d * (q - 8). */
#include "checkkern.h"

static double f16_value(uint16_t h)
{
    int exponent = h >> 10 & 31, fraction = h & 1023;
    double x = exponent == 31 ? (fraction ? NAN : INFINITY)
               : exponent     ? ldexp(1024 + fraction, exponent - 25)
                              : ldexp(fraction, -24);
    return h & 0x8000 ? -x : x;
}

static double bf16_value(uint16_t h)
{
    uint32_t bits = (uint32_t)h << 16;
    float x;
    memcpy(&x, &bits, sizeof x);
    return (double)x;
}

static void random_bytes(struct checkkern *c, uint8_t *p, int64_t n)
{
    for (int64_t i = 0; i < n; i++) p[i] = (uint8_t)ck_random(c);
}

typedef void dequant_fn(float *y, const void *src, int64_t n);

/* All 65536 patterns, in buffers of all lengths and of odd alignment. */
static void check_half(struct checkkern *c, dequant_fn *f, double (*value)(uint16_t))
{
    uint16_t h = 0;
    for (int64_t n = 0, seen = 0; seen < 65536 || n <= CK_LENGTHS; n++, seen += n) {
        uint8_t *src = ck_bytes(c, (size_t)n * 2, 1);
        float *y = ck_floats(c, n);
        for (int64_t i = 0; i < n; i++) {
            uint16_t v = (uint16_t)(h + i);
            memcpy(src + 2 * i, &v, sizeof v);
        }
        ck_freeze(c, src);
        f(y, src, n);
        for (int64_t i = 0; i < n; i++, h++) {
            double want = value(h);
            ck_same(c, y[i], (float)want, "%04x", h);
        }
        ck_release(c);
    }
    if (!c->bench) return;
    uint8_t *x = ck_bytes(c, 8192, 64);
    float *y = ck_floats_at(c, 4096, 0);
    random_bytes(c, x, 8192);
    CK_BENCH(c, "4096", 6. * 4096, "B", f(y, x, 4096));
}

void check_dequant_f16_f32(struct checkkern *c)
{
    check_half(c, c->k->dequant_f16_f32, f16_value);
}

void check_dequant_bf16_f32(struct checkkern *c)
{
    check_half(c, c->k->dequant_bf16_f32, bf16_value);
}

static double q8_0_value(const uint8_t *b, int j)
{
    return f16_value((uint16_t)(b[0] | b[1] << 8)) * (int8_t)b[2 + j];
}

static double q4_0_value(const uint8_t *b, int j)
{
    int q = j < 16 ? b[2 + j] & 15 : b[2 + j - 16] >> 4;
    return f16_value((uint16_t)(b[0] | b[1] << 8)) * (q - 8);
}

static double q4_k_value(const uint8_t *b, int j)
{
    const uint8_t *six = b + 4;
    int g = j / 32, both = b[16 + j / 64 * 32 + j % 32];
    int scale = g < 4 ? six[g] & 63 : (six[g + 4] & 15) + (six[g - 4] >> 6) * 16;
    int minimum = g < 4 ? six[g + 4] & 63 : (six[g + 4] >> 4) + (six[g] >> 6) * 16;
    return f16_value((uint16_t)(b[0] | b[1] << 8)) * scale * (g % 2 ? both >> 4 : both & 15) -
           f16_value((uint16_t)(b[2] | b[3] << 8)) * minimum;
}

static void check_blocks(struct checkkern *c, dequant_fn *f, int block, int bytes,
                         double (*value)(const uint8_t *b, int j))
{
    for (int64_t blocks = 0; blocks <= 60; blocks++) {
        uint8_t *src = ck_bytes(c, (size_t)(blocks * bytes), 1);
        float *y = ck_floats(c, blocks * block);
        random_bytes(c, src, blocks * bytes); /* d of all kinds, infinity and NaN too */
        ck_freeze(c, src);
        f(y, src, blocks * block);
        for (int64_t i = 0; i < blocks * block; i++)
            ck_same(c, y[i], (float)value(src + i / block * bytes, (int)(i % block)),
                    "block %lld, %lld", (long long)(i / block), (long long)(i % block));
        ck_release(c);
    }
    if (!c->bench) return;
    uint8_t *x = ck_bytes(c, (size_t)(4096 / block * bytes), 64);
    float *y = ck_floats_at(c, 4096, 0);
    random_bytes(c, x, 4096 / block * bytes);
    CK_BENCH(c, "4096", 4. * 4096 + 4096. / block * bytes, "B", f(y, x, 4096));
}

void check_dequant_q8_0_f32(struct checkkern *c)
{
    check_blocks(c, c->k->dequant_q8_0_f32, 32, 34, q8_0_value);
}

void check_dequant_q4_0_f32(struct checkkern *c)
{
    check_blocks(c, c->k->dequant_q4_0_f32, 32, 18, q4_0_value);
}

void check_dequant_q4_k_f32(struct checkkern *c)
{
    check_blocks(c, c->k->dequant_q4_k_f32, 256, 144, q4_k_value);
}

/* ONNX QuantizeLinear: the quotient rounded to f32, ties to even, then saturated. */
static int quantised(float x, float scale, int zero, int low, int high)
{
    double t = (double)(float)((double)x / (double)scale);
    if (isnan(t)) return zero;
    double whole = floor(t), rest = t - whole;
    if (isinf(t)) whole = t, rest = 0;
    if (rest > 0.5 || (rest == 0.5 && fmod(whole, 2) != 0)) whole++;
    double q = whole + zero;
    return q < low ? low : q > high ? high : (int)q;
}

/* One buffer of n numbers: ties, edges of the range, and special values. */
static void fill_quantise(struct checkkern *c, float *x, int64_t n, float scale)
{
    ck_fill(c, x, n, -200. * (double)scale, 400. * (double)scale);
    for (int64_t i = 0; i < n; i++)
        if (ck_below(c, 2)) x[i] = (float)(ck_below(c, 1200) - 600) * 0.5f * scale;
    if (ck_below(c, 2)) ck_fill_special(c, x, n, 5);
}

#define CHECK_QUANTISE(type, slot, low, high)                                                      \
    for (int64_t n = 0; n <= 3 * CK_LENGTHS; n++) {                                                \
        float scale = ck_below(c, 10) ? ldexpf(1 + (float)ck_below(c, 9), -4) : 0;                 \
        int zero = (int)ck_below(c, 256) + (low);                                                  \
        float *x = ck_floats(c, n);                                                                \
        type *y = ck_bytes(c, (size_t)n, 1);                                                       \
        fill_quantise(c, x, n, scale);                                                             \
        ck_freeze(c, x);                                                                           \
        c->k->slot(y, x, scale, zero, n);                                                          \
        for (int64_t i = 0; i < n; i++) {                                                          \
            int want = quantised(x[i], scale, zero, low, high);                                    \
            ck_true(c, y[i] == want, "%g / %g + %d is %d, not %d", (double)x[i], (double)scale,    \
                    zero, y[i], want);                                                             \
        }                                                                                          \
        ck_release(c);                                                                             \
    }                                                                                              \
    if (!c->bench) return;                                                                         \
    float *bx = ck_fill(c, ck_floats_at(c, 4096, 0), 4096, -9, 9);                                 \
    type *by = ck_bytes(c, 4096, 64);                                                              \
    CK_BENCH(c, "4096", 5. * 4096, "B", c->k->slot(by, bx, 0.1f, 3, 4096));

void check_quantise_i8(struct checkkern *c)
{
    CHECK_QUANTISE(int8_t, quantise_i8, -128, 127)
}

void check_quantise_u8(struct checkkern *c)
{
    CHECK_QUANTISE(uint8_t, quantise_u8, 0, 255)
}

#define CHECK_DEQUANTISE(type, slot, low)                                                          \
    for (int64_t n = 0; n <= 300; n += n < CK_LENGTHS ? 1 : 50) {                                  \
        float scale = (float)ck_uniform(c, -2, 2);                                                 \
        int zero = (int)ck_below(c, 256) + (low);                                                  \
        type *x = ck_bytes(c, (size_t)n, 1);                                                       \
        float *y = ck_floats(c, n);                                                                \
        random_bytes(c, (uint8_t *)x, n);                                                          \
        ck_freeze(c, x);                                                                           \
        c->k->slot(y, x, scale, zero, n);                                                          \
        for (int64_t i = 0; i < n; i++)                                                            \
            ck_same(c, y[i], (float)((double)(x[i] - zero) * (double)scale), "n=%lld i=%lld",      \
                    (long long)n, (long long)i);                                                   \
        ck_release(c);                                                                             \
    }                                                                                              \
    if (!c->bench) return;                                                                         \
    type *bx = ck_bytes(c, 4096, 64);                                                              \
    float *by = ck_floats_at(c, 4096, 0);                                                          \
    random_bytes(c, (uint8_t *)bx, 4096);                                                          \
    CK_BENCH(c, "4096", 5. * 4096, "B", c->k->slot(by, bx, 0.1f, 3, 4096));

void check_dequantise_i8(struct checkkern *c)
{
    CHECK_DEQUANTISE(int8_t, dequantise_i8, -128)
}

void check_dequantise_u8(struct checkkern *c)
{
    CHECK_DEQUANTISE(uint8_t, dequantise_u8, 0)
}
