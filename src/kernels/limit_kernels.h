/* Loops that do nothing but reach a limit of the machine, to hold other kernels against. */
#ifndef SWELL_LIMIT_KERNELS_H
#define SWELL_LIMIT_KERNELS_H

#include <stdint.h>

/* limit_fma_f32(rounds, sink): independent f32 multiply-adds in registers, widest vectors of the
 *   ISA; returns how many operations it did (two a multiply-add), a value to *sink so that it stays.
 * limit_dot_bf16(rounds, sink): the same for products of bf16 summed in f32, by the instructions that
 *   the ISA has for them, f32 multiply-adds if none.  All factors are one, so *sink is the number of
 *   multiply-adds, while rounds <= 2^18.
 * limit_dot_int8(rounds, sink): the same for u8 times s8, summed in s32.
 * limit_read_f32(x, n): the sum of n floats, at least 16 accumulators.
 * limit_copy_f32(y, x, n): y = x, past the caches where the ISA can.
 * limit_triad_f32(y, a, b, n): y = a + 3 b likewise (McCalpin 1995, STREAM). */
#define SW_LIMIT_KERNELS(X)                                                                        \
    X(limit_fma_f32, double, (int64_t rounds, float *sink))                                        \
    X(limit_dot_bf16, double, (int64_t rounds, double *sink))                                      \
    X(limit_dot_int8, double, (int64_t rounds, double *sink))                                      \
    X(limit_read_f32, float, (const float *x, int64_t n))                                          \
    X(limit_copy_f32, void, (float *y, const float *x, int64_t n))                                 \
    X(limit_triad_f32, void, (float *y, const float *a, const float *b, int64_t n))

#endif
