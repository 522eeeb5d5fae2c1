/* Fills the kernel table: the reference first, then each ISA in rising order over it. */
#include "kernels/kernels.h"

void sw__kernels_init(struct sw_kernels *k, enum sw_isa isa)
{
#define SW_INIT_REF(family) sw__##family##_init_ref(k);
    SW_KERNEL_FAMILIES(SW_INIT_REF)
#undef SW_INIT_REF
#ifdef SWELL_X86
    if (isa >= SW_ISA_AVX2) {
#define SW_INIT_AVX2(family) sw__##family##_init_avx2(k);
        SW_KERNEL_FAMILIES(SW_INIT_AVX2)
#undef SW_INIT_AVX2
    }
    if (isa >= SW_ISA_AVX512) {
#define SW_INIT_AVX512(family) sw__##family##_init_avx512(k);
        SW_KERNEL_FAMILIES(SW_INIT_AVX512)
#undef SW_INIT_AVX512
    }
#endif
    k->isa = isa;
}
