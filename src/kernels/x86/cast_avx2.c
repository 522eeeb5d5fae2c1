/* Casts of avx2: the template over its vectors. */
#include "kernels/x86/vec_avx2.h"
#include "kernels/x86/cast_template.h"

void sw__cast_init_avx2(struct sw_kernels *k)
{
    SW_KERNEL_SET(k, cast, sw__cast_avx2);
}
