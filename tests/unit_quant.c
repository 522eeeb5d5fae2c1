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
        cmocka_unit_test(hand_made_q8_0), cmocka_unit_test(hand_made_q4_0),
        cmocka_unit_test(round_trips),    cmocka_unit_test(q8_0_is_stable),
        cmocka_unit_test(zeros_and_tiny), cmocka_unit_test(faults_stay_visible),
        cmocka_unit_test(between_types),  cmocka_unit_test(registry),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
