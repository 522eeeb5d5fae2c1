/* The limits of AVX2. */
#include "kernels/x86/vec_avx2.h"

enum { LIMIT_CHAINS = 12 };

VEC_INLINE vi limit_dot_bytes(vi a, vi b)
{
    __asm__ volatile("" : "+x"(a));
    return _mm256_madd_epi16(_mm256_maddubs_epi16(a, b), _mm256_set1_epi16(1));
}

#include "kernels/x86/limit_template.h"
