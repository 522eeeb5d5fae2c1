/* Kernels of the cast family: X(slot, return type, (arguments)).
 *
 * cast: y[i] = x[i] in another type, n elements, among f32, f16, bf16, i32, i8 and u8.  One rounding,
 * to nearest even; floats overflow to infinity, integers saturate, NaN becomes 0 in integers and
 * stays some NaN in floats.  y may be x when the types have the same size.  The same bits in every
 * ISA, but for the payloads of NaN. */
#ifndef SWELL_CAST_KERNELS_H
#define SWELL_CAST_KERNELS_H

#include <stdint.h>
#include <swell/tensor.h>

/* clang-format off */
#define SW_CAST_KERNELS(X)                                                                         \
    X(cast, void, (void *y, sw_dtype to, const void *x, sw_dtype from, int64_t n))
/* clang-format on */

#endif
