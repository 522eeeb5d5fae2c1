/* Loops that do nothing but reach a limit of the machine, to hold other kernels against. */
#ifndef SWELL_LIMIT_KERNELS_H
#define SWELL_LIMIT_KERNELS_H

#include <stdint.h>

/* limit_fma_f32(rounds, sink): independent f32 multiply-adds in registers, widest vectors of the
 *   ISA; returns how many operations it did (two a multiply-add), a value to *sink so that it stays.
 * limit_read_f32(x, n): the sum of n floats, 16 accumulators. */
#define SW_LIMIT_KERNELS(X)                                                                        \
    X(limit_fma_f32, double, (int64_t rounds, float *sink))                                        \
    X(limit_read_f32, float, (const float *x, int64_t n))

#endif
