/* Results that go past the caches, on the vectors of one ISA.
 *
 * Such stores keep few lines on their way, so reads that wait for memory hold them up: operands are
 * fetched STREAM_AHEAD floats before they are used.  gelu of 64 MB, one thread: 30 ns a vector, with
 * fetching 8.8; by way of a piece in L1, copied from there: 10 to 15. */
#ifndef SWELL_KERNELS_STREAM_X86_H
#define SWELL_KERNELS_STREAM_X86_H

#include <stdint.h>

enum { STREAM_AHEAD = 512 };

/* Whether y can be stored so: on the boundary of a vector. */
VEC_INLINE int stream_fits(const float *y)
{
    return (uintptr_t)y % (VF_N * sizeof *y) == 0;
}

/* A hint; p may lie behind the end of its array. */
VEC_INLINE void stream_fetch(const float *p)
{
    _mm_prefetch((const char *)p, _MM_HINT_T0);
}

VEC_INLINE void stream_store(float *y, vf v, int stream)
{
    if (stream)
        vf_stream(y, v);
    else
        vf_store(y, v);
}

/* Behind the last store: before anybody is told that the results are there. */
VEC_INLINE void stream_end(int stream)
{
    if (stream) _mm_sfence();
}

#endif
