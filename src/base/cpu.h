/* What this CPU can do, and which of it we may use. */
#ifndef SWELL_BASE_CPU_H
#define SWELL_BASE_CPU_H

#include <stddef.h>

/* In rising order, each a superset of the one before: a table is filled from the first up to the
 * chosen one.  The levels above AVX-512 differ from it in integer and bf16 products only. */
enum sw_isa {
    SW_ISA_REF,
    SW_ISA_AVX2,
    SW_ISA_AVX512,
    SW_ISA_AVX512_VNNI,
    SW_ISA_AVX512_BF16,
    SW_ISA_AMX,
    SW_ISA_COUNT
};
/* The level of whatever computes in f32. */
static inline enum sw_isa sw__isa_f32(enum sw_isa isa)
{
    return isa < SW_ISA_AVX512 ? isa : SW_ISA_AVX512;
}

struct sw_cpu {
    enum sw_isa best;   /* the highest that the CPU and the operating system support */
    int cores;          /* that this process may run on (affinity) */
    size_t l1d, l2, l3; /* bytes a core sees; 0 unknown */
    char name[64];      /* for reports */
};

/* Through cpuinfo; thread-safe; the same answer every time. */
const struct sw_cpu *sw__cpu(void);

const char *sw__isa_name(enum sw_isa isa);
/* All names, for messages: "ref, avx2, ... or amx". */
#define SW_ISA_NAMES "ref, avx2, avx512, avx512vnni, avx512bf16 or amx"
/* SW_ISA_COUNT if there is no such name. */
enum sw_isa sw__isa_find(const char *name);

#endif
