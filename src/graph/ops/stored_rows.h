/* Rows of a stored weight as f32: the one place that knows which kernel reads which dtype. */
#ifndef SWELL_STORED_ROWS_H
#define SWELL_STORED_ROWS_H

#include <stdint.h>
#include "kernels/kernels.h"

struct sw_stored_rows {
    /* n values at src (whole blocks) as f32. */
    void (*read)(float *y, const void *src, int64_t n);
    const char *kernel; /* its name, for reports */
    int64_t block_elements, block_bytes;
};

/* read is NULL for a dtype that holds no real numbers. */
struct sw_stored_rows sw__stored_rows(const struct sw_kernels *k, sw_dtype dtype);

/* The bytes of n values. */
static inline int64_t sw__stored_bytes(const struct sw_stored_rows *r, int64_t n)
{
    return n / r->block_elements * r->block_bytes;
}

#endif
