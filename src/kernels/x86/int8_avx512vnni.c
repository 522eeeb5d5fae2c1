/* The strip of a convolution of bytes by VPDPBUSD, whose lanes add four products each, modulo 2^32.  See
 * int8_kernels.h. */
#include "kernels/x86/vec_avx512.h"

enum { MR = 14 };

struct quad {
    vi b[2];
};

VEC_INLINE struct quad quad_load(const int8_t *b)
{
    return (struct quad){{_mm512_loadu_si512(b), _mm512_loadu_si512(b + 64)}};
}

VEC_INLINE void quad_add(vi sum[2], int32_t a, const struct quad *q)
{
    const vi x = vi_set(a);
    VEC_UNROLL for (int v = 0; v < 2; v++) sum[v] = _mm512_dpbusd_epi32(sum[v], x, q->b[v]);
}

#include "kernels/x86/int8_strip_template.h"

QUAD_FUNCTION(sw__conv_strip_u8_14x32_avx512vnni, QUAD_CASES_14)

void sw__int8_init_avx512vnni(struct sw_kernels *k)
{
    SW_KERNEL_SET(k, conv_strip_u8, sw__conv_strip_u8_14x32_avx512vnni);
}
