/* The limits of AVX-512. */
#include "kernels/x86/vec_avx512.h"

enum { LIMIT_CHAINS = 24 };

VEC_INLINE vi limit_dot_bytes(vi a, vi b)
{
    __asm__ volatile("" : "+v"(a));
    return _mm512_madd_epi16(_mm512_maddubs_epi16(a, b), _mm512_set1_epi16(1));
}

#include "kernels/x86/limit_template.h"
