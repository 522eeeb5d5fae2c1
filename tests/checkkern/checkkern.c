/* The frame of the kernel checks: the list of slots, the ISAs, and the command line.
 *
 *     checkkern [--cpu ISA] [--filter TEXT] [--seed N] [--bench]
 *
 * The oracle of a check is never a kernel: so this program has its own random numbers and its own
 * test of what the CPU can do, and takes only the table from the library. */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#ifdef SWELL_X86
#include <cpuid.h>
#endif
#include "checkkern.h"

/* One entry a slot, in the order of enum sw_kernel_slot, and an empty one behind. */
static const struct {
    const char *slot;
    void (*check)(struct checkkern *c);
} checks[] = {
#define ENTRY(slot, ret, args) {#slot, check_##slot},
    SW_KERNEL_LIST(ENTRY)
#undef ENTRY
        {NULL, NULL}};

static const char *const isa_names[SW_ISA_COUNT] = {"ref",        "avx2",       "avx512",
                                                    "avx512vnni", "avx512bf16", "amx"};

static enum sw_isa best_isa(void)
{
#ifdef SWELL_X86
    unsigned a, b, c = 0, d; /* clang 14 cannot be asked for f16c */
    bool f16c = __get_cpuid(1, &a, &b, &c, &d) && (c & bit_F16C);
    bool avx2 = f16c && __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma");
    if (avx2 && __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
        __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl")) {
        if (!__builtin_cpu_supports("avx512vnni")) return SW_ISA_AVX512;
        if (!__builtin_cpu_supports("avx512bf16")) return SW_ISA_AVX512_VNNI;
        /* Compilers do not tell AMX, and its use takes a permission, which sw__cpu() asks for. */
        return sw__cpu()->best == SW_ISA_AMX ? SW_ISA_AMX : SW_ISA_AVX512_BF16;
    }
    if (avx2) return SW_ISA_AVX2;
#endif
    return SW_ISA_REF;
}

/* splitmix64 (Steele, Lea, Flood 2014): one word of state, any seed is good. */
uint64_t ck_random(struct checkkern *c)
{
    uint64_t z = c->random += 0x9e3779b97f4a7c15u;
    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9u;
    z = (z ^ z >> 27) * 0x94d049bb133111ebu;
    return z ^ z >> 31;
}

int64_t ck_below(struct checkkern *c, int64_t n)
{
    return (int64_t)(ck_random(c) % (uint64_t)n);
}

double ck_uniform(struct checkkern *c, double low, double high)
{
    return low + (high - low) * ((double)(ck_random(c) >> 11) * 0x1p-53);
}

static uint64_t hash(const char *text)
{
    uint64_t h = 0xcbf29ce484222325u;
    while (*text) h = (h ^ (uint8_t)*text++) * 0x100000001b3u;
    return h;
}

static double now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

/* Runs of about a millisecond each for a fifth of a second; the first ones find `repeat`. */
bool ck_timer_next(struct ck_timer *t)
{
    double end = now();
    if (t->repeat) {
        double took = end - t->start;
        if (took < 1e-3 && t->runs == 0) {
            t->repeat *= 2;
        } else {
            double each = took / (double)t->repeat;
            if (t->runs++ == 0 || each < t->best) t->best = each;
            t->total += took;
        }
    } else {
        t->repeat = 1;
    }
    t->start = now();
    return t->runs < 5 || t->total < 0.2;
}

void ck_timer_report(struct checkkern *c, const char *label, double work, const char *unit,
                     const struct ck_timer *t)
{
    printf("  bench %-34s %-24s %10.3f us %9.2f G%s/s\n", c->function, label, 1e6 * t->best,
           1e-9 * work / t->best, unit);
}

static int usage(void)
{
    fprintf(stderr, "usage: checkkern [--cpu ISA] [--filter TEXT] [--seed N] "
                    "[--bench]\n");
    return 2;
}

/* Runs the checks of one ISA whose function is not the one of the ISA below; false if any failed. */
static bool run_isa(struct checkkern *c, const struct sw_kernels *tables, const char *filter,
                    int64_t *count)
{
    bool right = true;
    for (int i = 0; checks[i].slot; i++) {
        if (filter && !strstr(checks[i].slot, filter)) continue;
        const char *name = c->k->names[i];
        if (!name) {
            printf("FAIL %s: no %s kernel\n", checks[i].slot, isa_names[c->isa]);
            right = false;
            continue;
        }
        if (c->isa > SW_ISA_REF && name == tables[c->isa - 1].names[i]) continue;
        c->slot = checks[i].slot;
        c->function = name;
        c->random = c->seed ^ hash(checks[i].slot);
        c->comparisons = c->failures = 0;
        checks[i].check(c);
        ck_release(c);
        if (c->comparisons == 0) {
            c->failures++;
            printf("FAIL %s: the check compares nothing\n", name);
        }
        printf("%s %-40s %9lld comparisons", c->failures ? "FAIL" : "ok  ", name,
               (long long)c->comparisons);
        if (c->failures)
            printf(", %lld wrong (--seed %llu)", (long long)c->failures,
                   (unsigned long long)c->seed);
        printf("\n");
        right = right && c->failures == 0;
        ++*count;
    }
    return right;
}

int main(int argc, char **argv)
{
    enum sw_isa best = best_isa();
    const char *filter = NULL;
    struct checkkern c = {.seed = (uint64_t)time(NULL)};
    for (int i = 1; i < argc; i++) {
        const char *value = i + 1 < argc ? argv[i + 1] : NULL;
        if (!strcmp(argv[i], "--bench")) {
            c.bench = true;
        } else if (!strcmp(argv[i], "--filter") && value) {
            filter = argv[++i];
        } else if (!strcmp(argv[i], "--seed") && value) {
            c.seed = strtoull(argv[++i], NULL, 0);
        } else if (!strcmp(argv[i], "--cpu") && value) {
            int isa = 0;
            while (isa < SW_ISA_COUNT && strcmp(isa_names[isa], value)) isa++;
            if (isa == SW_ISA_COUNT) return usage();
            if (isa < (int)best) best = (enum sw_isa)isa;
            i++;
        } else {
            return usage();
        }
    }
    setvbuf(stdout, NULL, _IOLBF, 0);
    printf("checkkern --seed %llu, up to %s\n", (unsigned long long)c.seed, isa_names[best]);

    static struct sw_kernels tables[SW_ISA_COUNT];
    int64_t count = 0;
    bool right = true;
    for (int isa = 0; isa <= (int)best; isa++) sw__kernels_init(&tables[isa], (enum sw_isa)isa);
    for (int isa = 0; isa <= (int)best; isa++) {
        c.isa = (enum sw_isa)isa;
        c.k = &tables[isa];
        c.ref = &tables[SW_ISA_REF];
        right = run_isa(&c, tables, filter, &count) && right;
    }
    printf("%lld kernels, %s\n", (long long)count, right ? "all right" : "FAILED");
    return right ? 0 : 1;
}
