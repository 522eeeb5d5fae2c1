/* y[i] = a[i] op b[i] in f32 for the vectors of one ISA: template of the binary kernels. */
#ifndef SWELL_KERNELS_BINARY_TEMPLATE_H
#define SWELL_KERNELS_BINARY_TEMPLATE_H

#include "kernels/kernels.h"
#include "kernels/x86/stream_x86.h"

/* x > z || x != x ? x : z; of numbers that are equal, z. */
VEC_INLINE vf max_of(vf x, vf z)
{
    return vf_select(vf_isnan(x), x, vf_max(x, z));
}

VEC_INLINE vf min_of(vf x, vf z)
{
    return vf_select(vf_isnan(x), x, vf_min(x, z));
}

/* f is a constant where this is expanded, so it is expanded into the loop. */
VEC_INLINE void map_two(float *y, const float *a, const float *b, int64_t n, int scalar, int stream,
                        vf (*f)(vf, vf))
{
    if (n <= 0) return;
    const vf one_a = vf_set(*a), one_b = vf_set(*b);
    const int first = !(scalar & 1), second = !(scalar & 2); /* is an array */
    int64_t i = 0;
    stream = stream && stream_fits(y);
    for (; i + VF_N <= n; i += VF_N) {
        if (stream && first) stream_fetch(a + i + STREAM_AHEAD);
        if (stream && second) stream_fetch(b + i + STREAM_AHEAD);
        const vf x = first ? vf_load(a + i) : one_a, z = second ? vf_load(b + i) : one_b;
        stream_store(y + i, f(x, z), stream);
    }
    if (i < n)
        vf_store_n(
            y + i,
            f(first ? vf_load_n(a + i, n - i) : one_a, second ? vf_load_n(b + i, n - i) : one_b),
            n - i);
    stream_end(stream);
}

static void SW_ISA_NAME(sw__binary_f32)(enum sw_binary op, float *y, const float *a, const float *b,
                                        int64_t n, int scalar, int stream)
{
    switch (op) {
    case SW_BINARY_ADD: map_two(y, a, b, n, scalar, stream, vf_add); break;
    case SW_BINARY_SUB: map_two(y, a, b, n, scalar, stream, vf_sub); break;
    case SW_BINARY_MUL: map_two(y, a, b, n, scalar, stream, vf_mul); break;
    case SW_BINARY_DIV: map_two(y, a, b, n, scalar, stream, vf_div); break;
    case SW_BINARY_MAX: map_two(y, a, b, n, scalar, stream, max_of); break;
    case SW_BINARY_MIN: map_two(y, a, b, n, scalar, stream, min_of); break;
    case SW_BINARY_POW: /* pow_f32 */
    case SW_BINARY_COUNT: break;
    }
}

#endif
