/* Conversions between plain types, against oracles that share no code with them: every f16 and bf16
 * value by its definition, every rounding by search among the neighbours in long double. */
#include "unit.h"

#include <float.h>
#include <math.h>
#include <swell/tensor.h>
#include "base/rng.h"
#include "tensor/half.h"

/* A small float format: `fraction` stored bits below an exponent field that ends at bit 14. */
struct small {
    int fraction, bias;
};
static const struct small f16 = {10, 15}, bf16 = {7, 127};

static int top(struct small s)
{
    return (1 << (15 - s.fraction)) - 1; /* the exponent of infinity and NaN */
}

/* The definition of the format, IEEE 754 section 3.4. */
static long double value_of(struct small s, unsigned bits)
{
    const int exponent = (int)(bits >> s.fraction) & top(s);
    const int fraction = (int)(bits & ((1u << s.fraction) - 1));
    long double v;

    if (exponent == top(s))
        v = fraction ? (long double)NAN : (long double)INFINITY;
    else if (exponent)
        v = ldexpl((1 << s.fraction) + fraction, exponent - s.bias - s.fraction);
    else
        v = ldexpl(fraction, 1 - s.bias - s.fraction);
    return bits & 0x8000 ? -v : v;
}

/* The bits of the nearest value, ties to even, by bisection among the positive ones.  Infinity
 * stands for the value that the next exponent would have. */
static unsigned nearest(struct small s, long double x)
{
    const unsigned sign = signbit(x) ? 0x8000 : 0, infinite = (unsigned)top(s) << s.fraction;
    unsigned low = 0, high = infinite;

    x = fabsl(x);
    if (isinf(x)) return sign | infinite;
    while (high - low > 1) {
        unsigned middle = (low + high) / 2;
        if (value_of(s, middle) <= x)
            low = middle;
        else
            high = middle;
    }
    long double above = high == infinite ? ldexpl(1, top(s) - s.bias) : value_of(s, high);
    long double to_low = x - value_of(s, low), to_high = above - x;
    if (to_low == to_high) return sign | (low & 1 ? high : low);
    return sign | (to_low < to_high ? low : high);
}

static bool is_nan_bits(struct small s, unsigned bits)
{
    return (bits & 0x7FFF) > (unsigned)top(s) << s.fraction;
}

static void every_small_value(void **state)
{
    for (unsigned h = 0; h < 0x10000; h++) {
        float a = sw__f32_from_f16((uint16_t)h), b = sw__f32_from_bf16((uint16_t)h);
        if (is_nan_bits(f16, h)) {
            assert_true(isnan(a));
            assert_true(is_nan_bits(f16, sw__f16_from_f32(a)));
        } else {
            assert_true((long double)a == value_of(f16, h) && !signbit(a) == !(h & 0x8000));
            assert_int_equal(sw__f16_from_f32(a), h); /* and back, -0 and subnormals too */
        }
        if (is_nan_bits(bf16, h)) {
            assert_true(isnan(b));
            assert_true(is_nan_bits(bf16, sw__bf16_from_f32(b)));
        } else {
            assert_true((long double)b == value_of(bf16, h) && !signbit(b) == !(h & 0x8000));
            assert_int_equal(sw__bf16_from_f32(b), h);
        }
    }
}

static void check_rounding(uint32_t bits)
{
    float x = sw__f32_of_bits(bits);

    if (isnan(x)) {
        assert_true(is_nan_bits(f16, sw__f16_from_f32(x)));
        assert_true(is_nan_bits(bf16, sw__bf16_from_f32(x)));
        assert_int_equal(sw__f16_from_f32(x) >> 15, bits >> 31);
        return;
    }
    if (sw__f16_from_f32(x) != nearest(f16, x) || sw__bf16_from_f32(x) != nearest(bf16, x))
        fail_msg("rounding of %a: f16 %04x, should be %04x; bf16 %04x, should be %04x", (double)x,
                 sw__f16_from_f32(x), nearest(f16, x), sw__bf16_from_f32(x), nearest(bf16, x));
}

/* All exponents, both signs, and fractions round every place where a rounding turns: the bits that
 * are kept, the half, and one to either side of it. */
static void rounding(void **state)
{
    for (uint32_t e = 0; e < 512; e++) {
        for (uint32_t keep = 0; keep < 16; keep++)
            for (int shift = 8; shift < 24; shift++)
                for (int side = -2; side <= 2; side++) {
                    uint32_t fraction = keep * 0x111111u & ~((1u << (shift - 1)) - 1);
                    fraction |= 1u << (shift - 1);
                    check_rounding(e << 23 | ((fraction + (uint32_t)side) & 0x7FFFFFu));
                }
    }
    for (uint64_t i = 0; i < 300000; i++) check_rounding(sw__random_u32(1, 2, i));
    /* Midpoints between all neighbours in f16 and what lies next to them. */
    for (unsigned h = 0; h < 0x7C00; h++) {
        float middle = (float)((value_of(f16, h) + (h == 0x7BFF ? 65536 : value_of(f16, h + 1))) /
                               2);
        uint32_t bits = sw__bits_of_f32(middle);
        for (int side = -1; side <= 1; side++) check_rounding(bits + (uint32_t)side);
    }
}

/* x converted to a type, as bits. */
static uint32_t converted(sw_dtype to, const void *x, sw_dtype from)
{
    uint32_t out = 0; /* little end first on the machines we run on */

    assert_int_equal(sw_convert(&out, to, x, from, 1), SW_OK);
    return out;
}

static void integers_saturate(void **state)
{
    static const struct {
        float x;
        int32_t i32;
        int i8, u8;
    } rows[] = {
        {0, 0, 0, 0},
        {-0.5f, 0, 0, 0},
        {0.5f, 0, 0, 0},
        {1.5f, 2, 2, 2},
        {2.5f, 2, 2, 2},
        {-1.5f, -2, -2, 0},
        {127.5f, 128, 127, 128},
        {-128.5f, -128, -128, 0},
        {-129, -129, -128, 0},
        {254.5f, 254, 127, 254},
        {255.5f, 256, 127, 255},
        {2147483520.0f, 2147483520, 127, 255},
        {2147483648.0f, INT32_MAX, 127, 255},
        {-2147483648.0f, INT32_MIN, -128, 0},
        {-3e9f, INT32_MIN, -128, 0},
        {INFINITY, INT32_MAX, 127, 255},
        {-INFINITY, INT32_MIN, -128, 0},
        {NAN, 0, 0, 0},
    };

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        assert_int_equal((int32_t)converted(SW_I32, &rows[i].x, SW_F32), rows[i].i32);
        assert_int_equal((int8_t)converted(SW_I8, &rows[i].x, SW_F32), rows[i].i8);
        assert_int_equal((uint8_t)converted(SW_U8, &rows[i].x, SW_F32), rows[i].u8);
    }
    int32_t wide = 300;
    int8_t negative = -5;
    assert_int_equal((int8_t)converted(SW_I8, &wide, SW_I32), 127);
    assert_int_equal((uint8_t)converted(SW_U8, &negative, SW_I8), 0);
    assert_int_equal((int32_t)converted(SW_I32, &negative, SW_I8), -5);
}

/* i32 has more bits than f32: rounding twice on the way to bf16 or f16 would show. */
static void integers_round_once(void **state)
{
    for (uint64_t i = 0; i < 100000; i++) {
        uint32_t word = sw__random_u32(3, 1, i);
        if (i % 2) word = (word & 0xFF000000u) | 0x00800000u | (word & 1); /* near bf16's ties */
        int32_t x = (int32_t)word;
        float f;
        assert_int_equal(converted(SW_BF16, &x, SW_I32), nearest(bf16, x));
        assert_int_equal(converted(SW_F16, &x, SW_I32), nearest(f16, x));
        assert_int_equal(sw_convert(&f, SW_F32, &x, SW_I32, 1), SW_OK);
        assert_true(fabsl((long double)f - x) <= fabsl((long double)nextafterf(f, INFINITY) - x));
        assert_true(fabsl((long double)f - x) <= fabsl((long double)nextafterf(f, -INFINITY) - x));
    }
}

/* All pairs of plain types, more elements than one piece, with a guard behind the output. */
static void all_pairs(void **state)
{
    enum { N = 600 };
    const int64_t lengths[] = {0, 1, 31, 255, 256, 257, N};
    float x[N];
    unsigned char from[4 * N], to[4 * N + 8], back[4 * N];

    for (int i = 0; i < N; i++) x[i] = (float)(i % 100); /* exact in every type */
    for (int a = 0; a < SW_DTYPE_COUNT; a++) {
        if (sw_dtype_get((sw_dtype)a)->block_elements > 1) continue;
        assert_int_equal(sw_convert(from, (sw_dtype)a, x, SW_F32, N), SW_OK);
        for (int b = 0; b < SW_DTYPE_COUNT; b++) {
            if (sw_dtype_get((sw_dtype)b)->block_elements > 1) continue;
            for (size_t k = 0; k < sizeof(lengths) / sizeof(lengths[0]); k++) {
                const size_t n = (size_t)lengths[k];
                const size_t wide = (size_t)sw_dtype_get((sw_dtype)b)->block_bytes;
                const size_t narrow = (size_t)sw_dtype_get((sw_dtype)a)->block_bytes;
                memset(to, 0xA5, sizeof(to));
                assert_int_equal(sw_convert(to, (sw_dtype)b, from, (sw_dtype)a, (int64_t)n), SW_OK);
                for (size_t i = n * wide; i < sizeof(to); i++) assert_int_equal(to[i], 0xA5);
                assert_int_equal(sw_convert(back, (sw_dtype)a, to, (sw_dtype)b, (int64_t)n), SW_OK);
                assert_memory_equal(back, from, n * narrow);
            }
        }
    }
}

static void same_type_keeps_every_bit(void **state)
{
    const uint32_t in[3] = {0x7F800001u, 0xFFC12345u, 0x80000000u}; /* NaN payloads, -0 */
    uint32_t out[3];

    assert_int_equal(sw_convert(out, SW_F32, in, SW_F32, 3), SW_OK);
    assert_memory_equal(in, out, sizeof(in));
    assert_int_equal(converted(SW_F16, &(float){-0.0f}, SW_F32), 0x8000);
    assert_true(is_nan_bits(f16, converted(SW_F16, &in[1], SW_F32)));
    assert_true(is_nan_bits(bf16, converted(SW_BF16, &in[0], SW_F32)));
}

static void refusals(void **state)
{
    float x[64] = {0};
    unsigned char y[256];

    assert_int_equal(sw_convert(y, SW_DTYPE_COUNT, x, SW_F32, 1), SW_ERR_DTYPE);
    assert_int_equal(sw_convert(y, SW_F32, x, (sw_dtype)-1, 1), SW_ERR_DTYPE);
    assert_int_equal(sw_convert(y, SW_F16, x, SW_F32, -1), SW_ERR_SHAPE);
    assert_int_equal(sw_convert(y, SW_Q8_0, x, SW_F32, 33), SW_ERR_SHAPE);
    assert_int_equal(sw_convert(x, SW_F32, y, SW_Q4_0, 16), SW_ERR_SHAPE);
    assert_int_equal(sw_convert(y, SW_F32, x, SW_F32, INT64_MAX), SW_ERR_SHAPE);
    assert_int_equal(sw_convert(NULL, SW_F16, NULL, SW_F32, 0), SW_OK);
    assert_int_equal(sw_convert(NULL, SW_F32, NULL, SW_F32, 0), SW_OK);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_small_value), cmocka_unit_test(rounding),
        cmocka_unit_test(integers_saturate), cmocka_unit_test(integers_round_once),
        cmocka_unit_test(all_pairs),         cmocka_unit_test(same_type_keeps_every_bit),
        cmocka_unit_test(refusals),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
