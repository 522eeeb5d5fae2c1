/* Loading the module of peers.  They read their limits from the environment when they are loaded, so
 * it is set before: each gets the instructions that we may use, or all if we may use all, and as many
 * threads. */
#include "cli/peer_load.h"

#include <dlfcn.h>
#include <stdlib.h>
#include <string.h>

#include "base/cpu.h"

struct level {
    const char *cpu, *openblas, *onednn; /* NULL: its own choice */
};

static const struct level levels[SW_ISA_COUNT] = {
    [SW_ISA_REF] = {"ref", "Nehalem", "SSE41"},
    [SW_ISA_AVX2] = {"avx2", "Haswell", "AVX2"},
    [SW_ISA_AVX512] = {"avx512", NULL, "AVX512_CORE"},
    [SW_ISA_AVX512_VNNI] = {"avx512vnni", NULL, "AVX512_CORE_VNNI"},
    [SW_ISA_AVX512_BF16] = {"avx512bf16", NULL, "AVX512_CORE_BF16"},
    [SW_ISA_AMX] = {"amx", NULL, "AVX512_CORE_AMX"},
};

static void set(const char *name, const char *value)
{
    if (value)
        setenv(name, value, 1);
    else
        unsetenv(name);
}

static void set_environment(const char *cpu, int threads)
{
    char count[16];
    const enum sw_isa isa = sw__isa_find(cpu);
    const struct level *level = &levels[isa];
    snprintf(count, sizeof count, "%d", threads);
    set("OMP_NUM_THREADS", count);
    set("OPENBLAS_NUM_THREADS", count);
    set("OPENBLAS_L2_SIZE", NULL);
    set("OPENBLAS_CORETYPE", level->openblas);
    set("DNNL_MAX_CPU_ISA", NULL);
    set("ONEDNN_MAX_CPU_ISA", isa == sw__cpu()->best ? NULL : level->onednn);
}

const struct peer *const *peers_load(const struct verb *verb, const char *path, const char *cpu,
                                     int threads)
{
    peer_list *list;
    set_environment(cpu, threads);
    void *module = dlopen(path, RTLD_NOW | RTLD_LOCAL);
    if (!module) {
        cli_fail(verb, "--peers: %s", dlerror());
        return NULL;
    }
    void *symbol = dlsym(module, PEER_SYMBOL);
    if (!symbol) {
        cli_fail(verb, "--peers %s: no module of peers (bench/)", path);
        return NULL;
    }
    memcpy(&list, &symbol, sizeof list); /* ISO C does not cast objects to functions */
    return list(threads);
}
