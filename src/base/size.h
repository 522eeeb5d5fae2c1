/* Sizes that cannot overflow: every product or sum that ends in an allocation or an offset goes
 * through here.  All return false (and leave *out alone) when the result does not fit. */
#ifndef SWELL_BASE_SIZE_H
#define SWELL_BASE_SIZE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

static inline bool sw__size_mul(size_t a, size_t b, size_t *out)
{
    return !__builtin_mul_overflow(a, b, out);
}

static inline bool sw__size_add(size_t a, size_t b, size_t *out)
{
    return !__builtin_add_overflow(a, b, out);
}

static inline bool sw__i64_mul(int64_t a, int64_t b, int64_t *out)
{
    return !__builtin_mul_overflow(a, b, out);
}

static inline bool sw__i64_add(int64_t a, int64_t b, int64_t *out)
{
    return !__builtin_add_overflow(a, b, out);
}

/* x rounded up to a multiple of m; x and m below 2^62. */
static inline int64_t sw__round_up(int64_t x, int64_t m)
{
    return (x + m - 1) / m * m;
}

static inline int64_t sw__ceil_div(int64_t x, int64_t m)
{
    return (x + m - 1) / m;
}

static inline int64_t sw__min64(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

static inline int64_t sw__max64(int64_t a, int64_t b)
{
    return a > b ? a : b;
}

#endif
