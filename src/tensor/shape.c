/* Shapes: counts and bytes that never overflow, because shapes come out of files.  A shape that is
 * none (rank outside 0..8) has rank -1, and -1 elements. */
#include <swell/tensor.h>

#include <inttypes.h>
#include <stdio.h>
#include "base/size.h"

static bool rank_ok(int rank)
{
    return rank >= 0 && rank <= SW_MAX_RANK;
}

sw_shape sw_shape_make(int rank, const int64_t *dim)
{
    sw_shape shape = {0};

    shape.rank = rank_ok(rank) ? rank : -1;
    for (int i = 0; i < shape.rank; i++) shape.dim[i] = dim[i];
    return shape;
}

/* More than any machine can address; and so far from the end of int64 that sizes, strides and sums of
 * a tensor can be rounded up and counted in bytes without another check. */
#define MAX_ELEMENTS (INT64_C(1) << 56)

int64_t sw_shape_elements(const sw_shape *shape)
{
    bool empty = false;
    int64_t n = 1;

    if (!rank_ok(shape->rank)) return -1;
    for (int i = 0; i < shape->rank; i++) {
        if (shape->dim[i] < 0) return -1;
        if (shape->dim[i] == 0) empty = true;
    }
    /* Nothing in it, but strides are made of the others: they must fit too. */
    for (int i = 0; i < shape->rank; i++)
        if (shape->dim[i] && (!sw__i64_mul(n, shape->dim[i], &n) || n > MAX_ELEMENTS)) return -1;
    return empty ? 0 : n;
}

bool sw_shape_equal(const sw_shape *a, const sw_shape *b)
{
    if (a->rank != b->rank || !rank_ok(a->rank)) return false;
    for (int i = 0; i < a->rank; i++)
        if (a->dim[i] != b->dim[i]) return false;
    return true;
}

int64_t sw_shape_bytes(const sw_shape *shape, sw_dtype dtype)
{
    const sw_dtype_info *info = sw_dtype_get(dtype);
    int64_t n = sw_shape_elements(shape);
    int64_t bytes;

    if (!info || n < 0) return -1;
    int64_t innermost = shape->rank > 0 ? shape->dim[shape->rank - 1] : 1;
    if (innermost % info->block_elements) return -1;
    return sw__i64_mul(n / info->block_elements, info->block_bytes, &bytes) ? bytes : -1;
}

char *sw_shape_text(const sw_shape *shape, char text[SW_SHAPE_TEXT])
{
    size_t used = 0;

    if (!rank_ok(shape->rank)) {
        snprintf(text, SW_SHAPE_TEXT, "(?)");
        return text;
    }
    /* 8 numbers of at most 20 characters, 7 commas and 2 brackets: 169 < SW_SHAPE_TEXT */
    text[used++] = '(';
    for (int i = 0; i < shape->rank; i++)
        used += (size_t)snprintf(text + used, SW_SHAPE_TEXT - used, i ? ",%" PRId64 : "%" PRId64,
                                 shape->dim[i]);
    snprintf(text + used, SW_SHAPE_TEXT - used, ")");
    return text;
}
