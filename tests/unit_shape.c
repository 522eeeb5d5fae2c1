/* Data types' table and shapes: counts that never overflow. */
#include "unit.h"

#include <swell/tensor.h>

static void dtypes(void **state)
{
    static const struct {
        sw_dtype dtype;
        const char *name;
        int elements, bytes;
        bool is_float;
    } rows[] = {
        {SW_F32, "f32", 1, 4, true},          {SW_F16, "f16", 1, 2, true},
        {SW_BF16, "bf16", 1, 2, true},        {SW_I32, "i32", 1, 4, false},
        {SW_I8, "i8", 1, 1, false},           {SW_U8, "u8", 1, 1, false},
        {SW_Q8_0, "q8_0", 32, 34, false},     {SW_Q4_0, "q4_0", 32, 18, false},
        {SW_Q4_K, "q4_k", 256, 144, false},   {SW_Q4_1, "q4_1", 32, 20, false},
        {SW_Q5_0, "q5_0", 32, 22, false},     {SW_Q5_1, "q5_1", 32, 24, false},
        {SW_Q2_K, "q2_k", 256, 84, false},    {SW_Q3_K, "q3_k", 256, 110, false},
        {SW_Q5_K, "q5_k", 256, 176, false},   {SW_Q6_K, "q6_k", 256, 210, false},
        {SW_IQ4_NL, "iq4_nl", 32, 18, false}, {SW_IQ4_XS, "iq4_xs", 256, 136, false},
        {SW_MXFP4, "mxfp4", 32, 17, false},
    };

    assert_int_equal(sizeof(rows) / sizeof(rows[0]), SW_DTYPE_COUNT);
    for (int i = 0; i < SW_DTYPE_COUNT; i++) {
        const sw_dtype_info *info = sw_dtype_get(rows[i].dtype);
        assert_non_null(info);
        assert_string_equal(info->name, rows[i].name);
        assert_int_equal(info->block_elements, rows[i].elements);
        assert_int_equal(info->block_bytes, rows[i].bytes);
        assert_int_equal(info->is_float, rows[i].is_float);
        assert_int_equal(sw_dtype_find(rows[i].name), rows[i].dtype);
    }
    assert_null(sw_dtype_get(SW_DTYPE_COUNT));
    assert_null(sw_dtype_get((sw_dtype)-1));
    assert_int_equal(sw_dtype_find("F32"), SW_DTYPE_COUNT);
    assert_int_equal(sw_dtype_find(""), SW_DTYPE_COUNT);
    assert_int_equal(sw_dtype_find(NULL), SW_DTYPE_COUNT);
}

static int64_t elements(sw_shape shape)
{
    return sw_shape_elements(&shape);
}

static int64_t bytes(sw_shape shape, sw_dtype dtype)
{
    return sw_shape_bytes(&shape, dtype);
}

static void counts(void **state)
{
    const int64_t big = INT64_C(1) << 32;

    assert_int_equal(elements((sw_shape){0}), 1); /* a scalar */
    assert_int_equal(elements(SW_SHAPE(64, 3, 28, 28)), 64 * 3 * 28 * 28);
    assert_int_equal(elements(SW_SHAPE(5, 0, 7)), 0);
    assert_true(elements(SW_SHAPE(INT64_C(1) << 56)) == INT64_C(1) << 56);
    assert_int_equal(elements(SW_SHAPE((INT64_C(1) << 56) + 1)), -1);
    assert_int_equal(elements(SW_SHAPE(INT64_MAX)), -1);
    assert_int_equal(elements(SW_SHAPE(INT64_MAX, 2)), -1);
    assert_int_equal(elements(SW_SHAPE(big, big)), -1);
    assert_int_equal(elements(SW_SHAPE(big, big, big, big)), -1); /* wraps round to 0 */
    assert_int_equal(elements(SW_SHAPE(big, 0, 1)), 0);
    assert_int_equal(elements(SW_SHAPE(big, big, 0)), -1); /* no strides */
    assert_int_equal(elements(SW_SHAPE(-1)), -1);
    assert_int_equal(elements(SW_SHAPE(-1, -1)), -1);
    assert_int_equal(elements(SW_SHAPE(0, -1)), -1);
    assert_int_equal(elements(SW_SHAPE(INT64_MIN)), -1);
    assert_int_equal(elements((sw_shape){.rank = 9}), -1);
    assert_int_equal(elements((sw_shape){.rank = -1}), -1);
}

static void byte_counts(void **state)
{
    assert_int_equal(bytes((sw_shape){0}, SW_F32), 4);
    assert_int_equal(bytes(SW_SHAPE(3, 5), SW_BF16), 30);
    assert_int_equal(bytes(SW_SHAPE(3, 64), SW_Q8_0), 3 * 2 * 34);
    assert_int_equal(bytes(SW_SHAPE(64, 3), SW_Q8_0), -1); /* whole blocks, but not in a row */
    assert_int_equal(bytes((sw_shape){0}, SW_Q4_0), -1);
    assert_int_equal(bytes(SW_SHAPE(3, 0), SW_Q4_0), 0);
    assert_int_equal(bytes(SW_SHAPE(INT64_MAX), SW_U8), -1);
    assert_int_equal(bytes(SW_SHAPE(INT64_MAX), SW_F32), -1);
    assert_int_equal(bytes(SW_SHAPE(INT64_MAX / 32 * 32), SW_Q8_0), -1);
    assert_int_equal(bytes(SW_SHAPE(4), SW_DTYPE_COUNT), -1);
    assert_int_equal(bytes(SW_SHAPE(4), (sw_dtype)-5), -1);
    assert_int_equal(bytes(SW_SHAPE(-4), SW_F32), -1);
}

static void making_and_comparing(void **state)
{
    const int64_t dims[9] = {1, 2, 3, 4, 5, 6, 7, 8, 9};
    sw_shape a = sw_shape_make(3, dims), b = SW_SHAPE(1, 2, 3);

    assert_true(sw_shape_equal(&a, &b));
    b.dim[3] = 77; /* past the rank: no matter */
    assert_true(sw_shape_equal(&a, &b));
    b.dim[2] = 4;
    assert_false(sw_shape_equal(&a, &b));
    b = SW_SHAPE(1, 2);
    assert_false(sw_shape_equal(&a, &b));
    a = sw_shape_make(0, NULL);
    assert_int_equal(a.rank, 0);
    assert_int_equal(sw_shape_make(8, dims).rank, 8);

    /* A shape that is none equals nothing, itself included. */
    a = sw_shape_make(9, dims);
    assert_int_equal(a.rank, -1);
    assert_false(sw_shape_equal(&a, &a));
    assert_int_equal(sw_shape_make(-3, dims).rank, -1);
}

static void texts(void **state)
{
    char text[SW_SHAPE_TEXT];
    sw_shape shape = SW_SHAPE(64, 3, 28, 28);

    assert_ptr_equal(sw_shape_text(&shape, text), text);
    assert_string_equal(text, "(64,3,28,28)");
    shape = (sw_shape){0};
    assert_string_equal(sw_shape_text(&shape, text), "()");
    shape = SW_SHAPE(7);
    assert_string_equal(sw_shape_text(&shape, text), "(7)");
    shape.rank = 9;
    assert_string_equal(sw_shape_text(&shape, text), "(?)");
    shape.rank = 8;
    for (int i = 0; i < 8; i++) shape.dim[i] = INT64_MIN;
    sw_shape_text(&shape, text);
    assert_int_equal(strlen(text), 8 * 20 + 7 + 2);
    assert_int_equal(text[strlen(text) - 1], ')');
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(dtypes),      cmocka_unit_test(counts),
        cmocka_unit_test(byte_counts), cmocka_unit_test(making_and_comparing),
        cmocka_unit_test(texts),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
