/* CPU features and caches through cpuinfo, which also asks whether the operating system saves the
 * wide registers.  An ISA here is a whole set, the one that its kernel files are compiled for:
 *
 *     avx2         AVX2, FMA3, F16C
 *     avx512       the above, AVX-512 F, BW, DQ, VL
 *     avx512vnni   the above, AVX-512 VNNI
 *     avx512bf16   the above, AVX-512 BF16 as fast as AMD's
 *     amx          the above, AMX tiles with bf16 and int8 products, and the permission to use them
 *
 * The answer is found once and never changes, so this one static struct is not state. */
#define _GNU_SOURCE /* cpu_set_t */
#include "base/cpu.h"

#include <cpuinfo.h>
#include <pthread.h>
#include <sched.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>
#ifdef SWELL_X86
#include <cpuid.h>
#endif

static struct sw_cpu the_cpu;
static pthread_once_t once = PTHREAD_ONCE_INIT;

static const char *const isa_names[SW_ISA_COUNT] = {"ref",        "avx2",       "avx512",
                                                    "avx512vnni", "avx512bf16", "amx"};

const char *sw__isa_name(enum sw_isa isa)
{
    return (unsigned)isa < SW_ISA_COUNT ? isa_names[isa] : "unknown";
}

enum sw_isa sw__isa_find(const char *name)
{
    for (int i = 0; name && i < SW_ISA_COUNT; i++)
        if (!strcmp(name, isa_names[i])) return (enum sw_isa)i;
    return SW_ISA_COUNT;
}

/* Cores in the affinity mask of this process; the mask may be wider than cpu_set_t. */
static int count_cores(void)
{
    for (int bits = CPU_SETSIZE; bits <= 1 << 20; bits *= 2) {
        cpu_set_t *set = CPU_ALLOC(bits);
        if (!set) break;
        size_t size = CPU_ALLOC_SIZE(bits);
        int count = sched_getaffinity(0, size, set) == 0 ? CPU_COUNT_S(size, set) : 0;
        CPU_FREE(set);
        if (count > 0) return count;
    }
    long online = sysconf(_SC_NPROCESSORS_ONLN);
    return online > 0 && online < 1 << 20 ? (int)online : 1;
}

static size_t cache_size(const struct cpuinfo_cache *cache)
{
    return cache ? cache->size : 0;
}

#ifdef SWELL_X86
/* Linux lends the tile registers to processes that ask: they make each signal frame 8 KiB larger. */
static bool may_use_amx(void)
{
    enum { REQUEST_PERMISSION = 0x1023, TILE_DATA = 18 }; /* asm/prctl.h, XSAVE feature numbers */
    enum { BF16 = 1 << 22, TILE = 1 << 24, INT8 = 1 << 25 };
    const unsigned needed = BF16 | TILE | INT8;
    unsigned a, b, c, d;
    if (!__get_cpuid_count(7, 0, &a, &b, &c, &d) || (d & needed) != needed) return false;
    return syscall(SYS_arch_prctl, REQUEST_PERMISSION, TILE_DATA) == 0;
}

/* Intel's cores take two cycles for a VDPBF16PS and half of one for an fma, and so multiply bf16 faster when
 * it is widened to f32, and with exact products. */
static bool slow_bf16(void)
{
    const struct cpuinfo_core *core = cpuinfo_get_core(0);
    return core && core->vendor == cpuinfo_vendor_intel;
}

static enum sw_isa best_isa(void)
{
    if (!cpuinfo_has_x86_avx2() || !cpuinfo_has_x86_fma3() || !cpuinfo_has_x86_f16c())
        return SW_ISA_REF;
    if (!cpuinfo_has_x86_avx512f() || !cpuinfo_has_x86_avx512bw() || !cpuinfo_has_x86_avx512dq() ||
        !cpuinfo_has_x86_avx512vl())
        return SW_ISA_AVX2;
    if (!cpuinfo_has_x86_avx512vnni()) return SW_ISA_AVX512;
    if (!cpuinfo_has_x86_avx512bf16()) return SW_ISA_AVX512_VNNI;
    if (may_use_amx()) return SW_ISA_AMX;
    return slow_bf16() ? SW_ISA_AVX512_VNNI : SW_ISA_AVX512_BF16;
}
#endif

static void detect(void)
{
    struct sw_cpu *c = &the_cpu;

    c->cores = count_cores();
    snprintf(c->name, sizeof(c->name), "unknown CPU");
    if (!cpuinfo_initialize()) return; /* the reference kernels run anywhere */
#ifdef SWELL_X86
    c->best = best_isa();
#endif
    c->l1d = cache_size(cpuinfo_get_l1d_cache(0));
    c->l2 = cache_size(cpuinfo_get_l2_cache(0));
    c->l3 = cache_size(cpuinfo_get_l3_cache(0));
    const struct cpuinfo_package *package = cpuinfo_get_package(0);
    if (package && package->name[0]) snprintf(c->name, sizeof(c->name), "%s", package->name);
}

const struct sw_cpu *sw__cpu(void)
{
    pthread_once(&once, detect);
    return &the_cpu;
}
