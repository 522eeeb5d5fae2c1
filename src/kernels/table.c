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
    if (isa >= SW_ISA_AVX512_VNNI) {
#define SW_INIT_AVX512VNNI(family) sw__##family##_init_avx512vnni(k);
        SW_KERNEL_FAMILIES_AVX512VNNI(SW_INIT_AVX512VNNI)
#undef SW_INIT_AVX512VNNI
    }
    if (isa >= SW_ISA_AVX512_BF16) {
#define SW_INIT_AVX512BF16(family) sw__##family##_init_avx512bf16(k);
        SW_KERNEL_FAMILIES_AVX512BF16(SW_INIT_AVX512BF16)
#undef SW_INIT_AVX512BF16
    }
    if (isa >= SW_ISA_AMX) {
#define SW_INIT_AMX(family) sw__##family##_init_amx(k);
        SW_KERNEL_FAMILIES_AMX(SW_INIT_AMX)
#undef SW_INIT_AMX
    }
#endif
    k->isa = isa;
}
