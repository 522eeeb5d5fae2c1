/* GGUF's block types: blocks worked out by hand, and round trips within derived bounds. */
#include "unit.h"

#include <float.h>
#include <math.h>
#include "base/rng.h"
#include "tensor/block_type.h"
#include "tensor/half.h"

enum { BLOCK = 32, BLOCKS = 200, N = BLOCK * BLOCKS };

/* x[j] = j - 16, of largest magnitude -16 at j = 0. */
static void hand_made_q8_0(void **state)
{
    float x[BLOCK], y[BLOCK];
    uint8_t b[34];

    for (int j = 0; j < BLOCK; j++) x[j] = (float)(j - 16);
    assert_int_equal(sw_convert(b, SW_Q8_0, x, SW_F32, BLOCK), SW_OK);
    /* d = 16/127 = 0.12598425 = 1.0078740 * 2^-3; fraction 0.0078740 * 1024 = 8.06 -> 8. */
    assert_int_equal(b[0] | b[1] << 8, 0x3008);
    for (int j = 0; j < BLOCK; j++) {
        double exact = (j - 16) * 127.0 / 16; /* halves at +-8: the reciprocal decides those */
        double distance = fabs((int8_t)b[2 + j] - exact);
        assert_true(distance < 0.5 || (abs(j - 16) == 8 && distance == 0.5));
    }
    assert_int_equal((int8_t)b[2], -127);
    assert_int_equal((int8_t)b[2 + 16], 0);
    assert_int_equal(sw_convert(y, SW_F32, b, SW_Q8_0, BLOCK), SW_OK);
    const float d = 0x1.02p-3f;
    for (int j = 0; j < BLOCK; j++) assert_true(y[j] == (float)(int8_t)b[2 + j] * d);
}

static void hand_made_q4_0(void **state)
{
    float x[BLOCK], y[BLOCK];
    uint8_t b[18];

    /* Largest magnitude +8 at j = 5: d = 8 / -8 = -1, and q = 8 - x, but at most 15. */
    for (int j = 0; j < BLOCK; j++) x[j] = (float)(j % 16 - 7);
    x[5] = 8;
    x[6] = -8; /* as large, but later: the first decides the sign; 8 + 8.5 is cut to 15 */
    x[7] = 0.25f;
    x[8] = 0.75f;
    assert_int_equal(sw_convert(b, SW_Q4_0, x, SW_F32, BLOCK), SW_OK);
    assert_int_equal(b[0] | b[1] << 8, 0xBC00); /* -1 */
    for (int j = 0; j < 16; j++) {
        const int low = b[2 + j] & 15, high = b[2 + j] >> 4;
        const int expected = j == 5 ? 0 : j == 6 ? 15 : j == 7 ? 8 : j == 8 ? 7 : 8 - (j - 7);
        assert_int_equal(low, expected);
        assert_int_equal(high, j + 16 == 16 ? 15 : 8 - (j - 7));
    }
    assert_int_equal(sw_convert(y, SW_F32, b, SW_Q4_0, BLOCK), SW_OK);
    for (int j = 0; j < BLOCK; j++)
        if (j != 6 && j != 7 && j != 8) assert_true(y[j] == x[j]);
    assert_true(y[6] == -7 && y[7] == 0 && y[8] == 1);
}

/* With D the exact scale (max |x| / 127 or / 8), the stored d is within 2^-11 of it, relatively,
 * and q within half a step of x/D, give or take the rounding of the reciprocal and product (2 eps
 * of 127 or 8 steps).  So |x - d q| <= D/2 + |D - d| |q| + eps terms
 *     q8_0:  D (1/2 + 127 * 2^-11 + 127 * 2^-21)  <= 0.563 D
 *     q4_0:  the same with 8, and a whole step at the end that q = 15 cuts off:  1.005 D. */
static void check_round_trip(sw_dtype dtype, const float *x, double steps, double most)
{
    static float y[N];
    static uint8_t blocks[BLOCKS * 34];

    assert_int_equal(sw_convert(blocks, dtype, x, SW_F32, N), SW_OK);
    assert_int_equal(sw_convert(y, SW_F32, blocks, dtype, N), SW_OK);
    for (int i = 0; i < N; i += BLOCK) {
        double largest = 0;
        for (int j = 0; j < BLOCK; j++) largest = fmax(largest, fabs(x[i + j]));
        for (int j = 0; j < BLOCK; j++)
            assert_true(fabs((double)x[i + j] - y[i + j]) <= most * largest / steps);
    }
}

static void round_trips(void **state)
{
    static float x[N];

    for (uint64_t seed = 0; seed < 20; seed++) {
        sw__fill_normal(x, N, 0, 1, seed, 1);
        /* Scales from 2^-4 to 2^4, where d is a normal f16. */
        for (int i = 0; i < N; i++) x[i] = ldexpf(x[i], (i / BLOCK) % 9 - 4);
        check_round_trip(SW_Q8_0, x, 127, 0.563);
        check_round_trip(SW_Q4_0, x, 8, 1.005);
    }
}

/* What went through once comes back the same a second time: the values are fixed points, as long as
 * one of them is at the end of the range, which the quantiser ensures. */
static void q8_0_is_stable(void **state)
{
    static float x[N], y[N], z[N];
    static uint8_t blocks[BLOCKS * 34];

    sw__fill_normal(x, N, 0, 1, 7, 7);
    sw_convert(blocks, SW_Q8_0, x, SW_F32, N);
    sw_convert(y, SW_F32, blocks, SW_Q8_0, N);
    sw_convert(blocks, SW_Q8_0, y, SW_F32, N);
    sw_convert(z, SW_F32, blocks, SW_Q8_0, N);
    assert_memory_equal(y, z, sizeof(y));
}

static void zeros_and_tiny(void **state)
{
    static const float tiny[] = {0, FLT_MIN, 0x1p-149f, 1e-30f, -1e-40f};
    static const sw_dtype types[] = {SW_Q8_0, SW_Q4_0};
    float x[BLOCK], y[BLOCK];
    uint8_t b[34];

    for (int t = 0; t < 2; t++)
        for (size_t i = 0; i < sizeof(tiny) / sizeof(tiny[0]); i++) {
            for (int j = 0; j < BLOCK; j++) x[j] = j % 2 ? tiny[i] : -tiny[i] / 2;
            assert_int_equal(sw_convert(b, types[t], x, SW_F32, BLOCK), SW_OK);
            assert_int_equal(sw_convert(y, SW_F32, b, types[t], BLOCK), SW_OK);
            for (int j = 0; j < BLOCK; j++) assert_true(y[j] == 0);
        }
}

/* A block with a number that is none shows it; its neighbours are untouched. */
static void faults_stay_visible(void **state)
{
    static const float faults[] = {NAN, -NAN, INFINITY, -INFINITY};
    static const sw_dtype types[] = {SW_Q8_0, SW_Q4_0};
    float x[3 * BLOCK], y[3 * BLOCK];
    uint8_t b[3 * 34];

    for (int t = 0; t < 2; t++)
        for (size_t i = 0; i < sizeof(faults) / sizeof(faults[0]); i++) {
            for (int j = 0; j < 3 * BLOCK; j++) x[j] = 1;
            x[BLOCK + 9] = faults[i];
            assert_int_equal(sw_convert(b, types[t], x, SW_F32, 3 * BLOCK), SW_OK);
            assert_int_equal(sw_convert(y, SW_F32, b, types[t], 3 * BLOCK), SW_OK);
            for (int j = 0; j < 3 * BLOCK; j++) assert_int_equal(!!isnan(y[j]), j / BLOCK == 1);
        }
}

/* More elements than sw_convert takes at a time, from and to another type than f32. */
static void between_types(void **state)
{
    static float x[N], y[N], z[N];
    static uint16_t h[N];
    static uint8_t a[BLOCKS * 34], b[BLOCKS * 34];

    sw__fill_uniform(x, N, -3, 3, 1, 1);
    for (int i = 0; i < N; i++) h[i] = sw__bf16_from_f32(x[i]);
    for (int i = 0; i < N; i++) x[i] = sw__f32_from_bf16(h[i]);
    assert_int_equal(sw_convert(a, SW_Q8_0, h, SW_BF16, N), SW_OK);
    assert_int_equal(sw_convert(b, SW_Q8_0, x, SW_F32, N), SW_OK);
    assert_memory_equal(a, b, sizeof(a));
    assert_int_equal(sw_convert(b, SW_Q4_0, a, SW_Q8_0, N), SW_OK); /* through f32 */
    sw_convert(y, SW_F32, a, SW_Q8_0, N);
    sw_convert(a, SW_Q4_0, y, SW_F32, N);
    assert_memory_equal(a, b, BLOCKS * 18);
    sw_convert(y, SW_F32, b, SW_Q4_0, N);
    assert_int_equal(sw_convert(h, SW_F16, b, SW_Q4_0, N), SW_OK);
    for (int i = 0; i < N; i++) z[i] = sw__f32_from_f16(h[i]);
    for (int i = 0; i < N; i++) assert_true(z[i] == y[i]); /* d times 4 bits fits f16 here */
}

/* One q4_k block from its bytes: both forms of the six bits, both halves. */
static void hand_made_q4_k(void **state)
{
    uint8_t b[144] = {0x00, 0x3C, 0x00, 0x40}; /* d = 1, dmin = 2 */
    float y[256];

    b[4 + 1] = 0x80 | 5; /* scale of group 1; the upper bits of group 5's are 2 */
    b[4 + 5] = 0xC0 | 7; /* minimum of group 1; the upper bits of group 5's are 3 */
    b[4 + 9] = 0x4 << 4 |
               0x9;         /* lower bits of group 5: scale 2 * 16 + 9 = 41, minimum 3 * 16 + 4 */
    b[16 + 3] = 0xB6;       /* value 3 of group 0: 6, of group 1: 11 */
    b[16 + 64 + 31] = 0xF2; /* value 31 of group 4: 2, of group 5: 15 */
    assert_int_equal(sw_convert(y, SW_F32, b, SW_Q4_K, 256), SW_OK);
    for (int i = 0; i < 256; i++) {
        float off = i / 32 == 1 ? -14 : i / 32 == 5 ? -104 : 0;
        float want = off + (i == 32 + 3 ? 55 : i == 5 * 32 + 31 ? 41 * 15 : 0);
        assert_true(y[i] == want);
    }
}

/* The search is better than 16 equal steps from the least to the greatest (and 0) with exact scales,
 * although its own scales have six bits; no value is further off than a step and what the six bits
 * and the f16 cost: half of 1/63, 2^-11 of 15 steps and of the minimum. */
static void q4_k_search(void **state)
{
    static float x[N], y[N];
    static uint8_t b[N / 256 * 144];
    double ours = 0, plain = 0;

    sw__fill_normal(x, N, 0.3f, 1, 5, 1);
    assert_int_equal(sw_convert(b, SW_Q4_K, x, SW_F32, N), SW_OK);
    assert_int_equal(sw_convert(y, SW_F32, b, SW_Q4_K, N), SW_OK);
    for (int i = 0; i < N; i += BLOCK) {
        double low = 0, high = 0, block = 0;
        for (int j = 0; j < BLOCK; j++) {
            low = fmin(low, x[i + j]);
            high = fmax(high, x[i + j]);
        }
        for (int j = i / 256 * 256; j < i / 256 * 256 + 256; j++) block = fmax(block, fabs(x[j]));
        double step = (high - low) / 15;
        for (int j = i; j < i + BLOCK; j++) {
            double level = rint((x[j] - low) / step);
            plain += pow(low + level * step - x[j], 2);
            ours += pow((double)y[j] - x[j], 2);
            assert_true(fabs((double)y[j] - x[j]) <= step + 3 * block * (1. / 126 + 0x1p-11));
        }
    }
    assert_true(ours < plain);
}

/* Values that a block can hold come back, as near as the f16 of d = 1/63 lets them. */
static void q4_k_keeps_levels(void **state)
{
    float x[256], y[256];
    uint8_t b[144];

    for (int i = 0; i < 256; i++) x[i] = (float)(i % 16) - 4;
    assert_int_equal(sw_convert(b, SW_Q4_K, x, SW_F32, 256), SW_OK);
    assert_int_equal(sw_convert(y, SW_F32, b, SW_Q4_K, 256), SW_OK);
    for (int i = 0; i < 256; i++) {
        assert_int_equal(b[16 + i / 64 * 32 + i % 32] >> (i / 32 % 2 * 4) & 15, i % 16);
        assert_true(fabs((double)y[i] - x[i]) <= (15 + 4) * 0x1p-10);
    }
}

static void q4_k_extremes(void **state)
{
    static const float values[] = {0, 0x1p-149f, 1e-30f, -1e-40f, NAN, INFINITY, -INFINITY};
    float x[768], y[768];
    uint8_t b[3 * 144];

    for (size_t v = 0; v < sizeof(values) / sizeof(values[0]); v++) {
        for (int i = 0; i < 768; i++) x[i] = i / 256 == 1 ? 0 : (float)(i % 32);
        x[256 + 77] = values[v];
        assert_int_equal(sw_convert(b, SW_Q4_K, x, SW_F32, 768), SW_OK);
        assert_int_equal(sw_convert(y, SW_F32, b, SW_Q4_K, 768), SW_OK);
        for (int i = 0; i < 768; i++) {
            if (i / 256 != 1)
                assert_true(fabs((double)y[i] - x[i]) <= 1.2); /* half a step of 31/15, 0.15 more */
            else if (isfinite(values[v]))
                assert_true(y[i] == 0);
            else
                assert_true(isnan(y[i]));
        }
    }
}

static void registry(void **state)
{
    for (int i = 0; i < SW_DTYPE_COUNT; i++) {
        const struct sw_block_type *type = sw__block_type((sw_dtype)i);
        assert_int_equal(type != NULL, sw_dtype_get((sw_dtype)i)->block_elements > 1);
        if (type) assert_int_equal(type->dtype, i);
    }
    assert_null(sw__block_type(SW_DTYPE_COUNT));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(hand_made_q8_0),    cmocka_unit_test(hand_made_q4_0),
        cmocka_unit_test(round_trips),       cmocka_unit_test(q8_0_is_stable),
        cmocka_unit_test(zeros_and_tiny),    cmocka_unit_test(faults_stay_visible),
        cmocka_unit_test(between_types),     cmocka_unit_test(registry),
        cmocka_unit_test(hand_made_q4_k),    cmocka_unit_test(q4_k_search),
        cmocka_unit_test(q4_k_keeps_levels), cmocka_unit_test(q4_k_extremes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
