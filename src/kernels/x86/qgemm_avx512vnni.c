/* The qgemm family in AVX-512 with VNNI: vpdpbusd multiplies 64 unsigned by 64 signed bytes. */
#include <stdbool.h>
#include "kernels/kernels.h"
#include "kernels/x86/vec_avx512.h"

#define SW_NAME(base) base##_avx512vnni

enum { ROWS_MOST = 16, FEW_ROWS = 4 };
enum size { NARROW, MIDDLE, WIDE }; /* all the same here */

VEC_INLINE vi bytes_table(const uint8_t table[16], vi at)
{
    return _mm512_shuffle_epi8(
        _mm512_broadcast_i32x4(_mm_loadu_si128((const __m128i *)(const void *)table)), at);
}

/* Four bytes of q are broadcast while they are loaded.  gcc does it before, into a register, and then the
 * registers of what is under way run out: 368 instead of 520 GOP/s a core with q8_0. */
VEC_INLINE void add_dot4(vi *sum, vi w, const int8_t *q)
{
    __asm__("vpdpbusd %2%{1to16%}, %1, %0"
            : "+v"(*sum)
            : "v"(w), "m"(*(const int32_t *)(const void *)q));
}

VEC_INLINE vi dot(vi start, const vi *w, const int8_t *q, const int n, const enum size size)
{
    (void)size;
    VEC_UNROLL for (int i = 0; i < n; i++) add_dot4(&start, w[i], q + 4 * i);
    return start;
}

#include "kernels/x86/qgemm_x86.h"

void sw__qgemm_init_avx512vnni(struct sw_kernels *k)
{
    SW_QGEMM_TYPES(SW_QGEMM_SET)
}
