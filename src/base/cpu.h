/* What this CPU can do, and which of it we may use. */
#ifndef SWELL_BASE_CPU_H
#define SWELL_BASE_CPU_H

#include <stdbool.h>
#include <stddef.h>

/* In rising order: a table is filled from the first up to the chosen one. */
enum sw_isa { SW_ISA_REF, SW_ISA_AVX2, SW_ISA_AVX512, SW_ISA_COUNT };

struct sw_cpu {
    enum sw_isa best; /* the highest that the CPU and the operating system support */
    bool avx512_vnni, avx512_bf16;
    int cores;          /* that this process may run on (affinity) */
    size_t l1d, l2, l3; /* bytes a core sees; 0 unknown */
    char name[64];      /* for reports */
};

/* Through cpuinfo; thread-safe; the same answer every time. */
const struct sw_cpu *sw__cpu(void);

const char *sw__isa_name(enum sw_isa isa);
/* SW_ISA_COUNT if there is no such name. */
enum sw_isa sw__isa_find(const char *name);

#endif
