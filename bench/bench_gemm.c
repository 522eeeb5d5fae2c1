/* f32 matrix multiplication beside OpenBLAS and oneDNN.
 *
 *     bench_gemm [--json] [--fastest] [--threads N] [--cpu ISA] [--rounds N]
 *                [--shape MxNxK[t|n][t|n][p]] ...
 *
 * For each shape the three take turns, `rounds` times; the medians over the turns, and their ratio,
 * are printed (--fastest, for a busy machine: the best single runs), with the share of this machine's
 * multiply-add limit.  Before each turn there is a pause, for the threads of the others spin for a
 * while after their work and would take its cores.  All get the same matrices; a result that is not
 * the same within the rounding bound is an error.
 *
 * Letters after a shape: transposed (t) or not (n) A, then B; p: B is a weight that both we and
 * oneDNN (its own blocked layout) packed before; OpenBLAS has no such call. */
#include <cblas.h>
#include <dlfcn.h>
#include <dnnl.h>
#include <math.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
#include "base/clock.h"
#include "base/cpu.h"
#include "base/memory.h"
#include "base/rng.h"
#include "base/size.h"
#include "base/threads.h"
#include "kernels/gemm.h"
#include "kernels/kernels.h"

enum { OURS, OPENBLAS, ONEDNN, RIVALS };
enum { MOST_ROUNDS = 99, MOST_RUNS = 4096 };

struct shape {
    int64_t m, n, k;
    bool a_transposed, b_transposed, packed;
};

static const struct shape defaults[] = {
    {512, 512, 512, 0, 0, 0},    {1024, 1024, 1024, 0, 0, 0}, {2048, 2048, 2048, 0, 0, 0},
    {1024, 1024, 1024, 0, 1, 0}, {1024, 1024, 1024, 1, 0, 0}, {128, 128, 128, 0, 0, 0},
    {2048, 2048, 64, 0, 0, 0},   {64, 4096, 1024, 0, 0, 1},   {512, 3072, 768, 0, 0, 1},
    {1, 4096, 4096, 0, 0, 1},    {4, 4096, 4096, 0, 0, 1},    {1, 4096, 4096, 0, 0, 0},
};

/* Everything of one shape. */
struct product {
    struct shape s;
    float *a, *b, *c;
    struct sw_gemm_plan plan;
    struct sw_gemm_args args;
    dnnl_primitive_t matmul; /* for packed weights */
    dnnl_memory_t memory[3]; /* src, weights, dst */
};

struct machine {
    struct sw_kernels kernels;
    struct sw_threads *threads;
    int count;
    void *scratch[256];
    double flops; /* the multiply-add limit of all threads, a second */
    dnnl_engine_t engine;
    dnnl_stream_t stream;
};

static _Noreturn void die(const char *what)
{
    fprintf(stderr, "bench_gemm: %s\n", what);
    exit(1);
}

static float *floats(int64_t n)
{
    float *p = sw__aligned_alloc((size_t)n * sizeof(float));
    if (!p) die("out of memory");
    return p;
}

static int compare(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static double least(const double *x, int n)
{
    double best = x[0];
    for (int i = 1; i < n; i++) best = fmin(best, x[i]);
    return best;
}

static double median(double *x, int n)
{
    qsort(x, (size_t)n, sizeof *x, compare);
    return n % 2 ? x[n / 2] : (x[n / 2 - 1] + x[n / 2]) / 2;
}

/* Our product as a plan's step runs it: threads claim tasks, and meet between the phases. */
struct region {
    const struct product *p;
    struct machine *machine;
    struct sw_tally packers;
    _Alignas(64) atomic_llong packed;
    _Alignas(64) atomic_llong done;
};

static void region_body(void *user, int thread)
{
    struct region *r = user;
    const struct product *p = r->p;
    int64_t i;
    if (p->plan.pack_tasks > 0) {
        while ((i = atomic_fetch_add(&r->packed, 1)) < p->plan.pack_tasks)
            sw__gemm_pack_task(&p->plan, &p->args, i, i + 1);
        sw__tally_add(&r->packers, thread, 1);
        sw__tally_wait(&r->packers, (unsigned)r->machine->count);
    }
    while ((i = atomic_fetch_add(&r->done, 1)) < p->plan.tasks)
        sw__gemm_task(&p->plan, &p->args, i, i + 1, r->machine->scratch[thread]);
}

static void run_ours(const struct product *p, struct machine *machine)
{
    struct region r = {.p = p, .machine = machine};
    sw__tally_init(&r.packers, machine->count);
    sw__threads_run(machine->threads, region_body, &r);
}

static void run_openblas(const struct product *p)
{
    const struct shape *s = &p->s;
    if (s->m == 1) {
        cblas_sgemv(CblasRowMajor, s->b_transposed ? CblasNoTrans : CblasTrans,
                    (int)(s->b_transposed ? s->n : s->k), (int)(s->b_transposed ? s->k : s->n), 1,
                    p->b, (int)(s->b_transposed ? s->k : s->n), p->a, 1, 0, p->c, 1);
        return;
    }
    cblas_sgemm(CblasRowMajor, s->a_transposed ? CblasTrans : CblasNoTrans,
                s->b_transposed ? CblasTrans : CblasNoTrans, (int)s->m, (int)s->n, (int)s->k, 1,
                p->a, (int)(s->a_transposed ? s->m : s->k), p->b,
                (int)(s->b_transposed ? s->k : s->n), 0, p->c, (int)s->n);
}

static void run_onednn(const struct product *p, struct machine *machine)
{
    const struct shape *s = &p->s;
    if (s->packed) {
        dnnl_exec_arg_t args[] = {{DNNL_ARG_SRC, p->memory[0]},
                                  {DNNL_ARG_WEIGHTS, p->memory[1]},
                                  {DNNL_ARG_DST, p->memory[2]}};
        dnnl_primitive_execute(p->matmul, machine->stream, 3, args);
        dnnl_stream_wait(machine->stream);
        return;
    }
    dnnl_sgemm(s->a_transposed ? 'T' : 'N', s->b_transposed ? 'T' : 'N', s->m, s->n, s->k, 1, p->a,
               s->a_transposed ? s->m : s->k, p->b, s->b_transposed ? s->k : s->n, 0, p->c, s->n);
}

static void run(int rival, const struct product *p, struct machine *machine)
{
    if (rival == OURS)
        run_ours(p, machine);
    else if (rival == OPENBLAS)
        run_openblas(p);
    else
        run_onednn(p, machine);
}

/* oneDNN's matmul with weights in the layout that it likes best. */
static void pack_onednn(struct product *p, struct machine *machine)
{
    const struct shape *s = &p->s;
    dnnl_memory_desc_t src, weights, any, dst;
    dnnl_matmul_desc_t desc;
    dnnl_primitive_desc_t pd, reorder_pd;
    dnnl_primitive_t reorder;
    dnnl_memory_t plain;
    dnnl_dims_t src_dims = {s->m, s->k}, w_dims = {s->k, s->n}, dst_dims = {s->m, s->n};
    dnnl_memory_desc_init_by_tag(&src, 2, src_dims, dnnl_f32, dnnl_ab);
    dnnl_memory_desc_init_by_tag(&weights, 2, w_dims, dnnl_f32, dnnl_ab);
    dnnl_memory_desc_init_by_tag(&any, 2, w_dims, dnnl_f32, dnnl_format_tag_any);
    dnnl_memory_desc_init_by_tag(&dst, 2, dst_dims, dnnl_f32, dnnl_ab);
    if (dnnl_matmul_desc_init(&desc, &src, &any, NULL, &dst) != dnnl_success ||
        dnnl_primitive_desc_create(&pd, &desc, NULL, machine->engine, NULL) != dnnl_success)
        die("oneDNN has no matmul");
    const dnnl_memory_desc_t *best = dnnl_primitive_desc_query_md(pd, dnnl_query_weights_md, 0);
    dnnl_memory_create(&p->memory[0], &src, machine->engine, p->a);
    dnnl_memory_create(&p->memory[1], best, machine->engine, DNNL_MEMORY_ALLOCATE);
    dnnl_memory_create(&p->memory[2], &dst, machine->engine, p->c);
    dnnl_memory_create(&plain, &weights, machine->engine, p->b);
    if (dnnl_reorder_primitive_desc_create(&reorder_pd, &weights, machine->engine, best,
                                           machine->engine, NULL) != dnnl_success)
        die("oneDNN cannot pack");
    dnnl_primitive_create(&reorder, reorder_pd);
    dnnl_exec_arg_t args[] = {{DNNL_ARG_FROM, plain}, {DNNL_ARG_TO, p->memory[1]}};
    dnnl_primitive_execute(reorder, machine->stream, 2, args);
    dnnl_stream_wait(machine->stream);
    dnnl_primitive_create(&p->matmul, pd);
    dnnl_primitive_destroy(reorder);
    dnnl_primitive_desc_destroy(reorder_pd);
    dnnl_primitive_desc_destroy(pd);
    dnnl_memory_destroy(plain);
}

static void prepare(struct product *p, struct machine *machine)
{
    const struct shape *s = &p->s;
    const struct sw_kernels *kernels = &machine->kernels;
    p->a = floats(s->m * s->k);
    p->b = floats(s->k * s->n);
    p->c = floats(s->m * s->n);
    sw__fill_uniform(p->a, s->m * s->k, -1, 1, 1, 1);
    sw__fill_uniform(p->b, s->k * s->n, -1, 1, 1, 2);
    unsigned flags = s->packed ? SW_GEMM_B_PACKED : s->b_transposed ? 0 : SW_GEMM_B_ROWS;
    if (!s->a_transposed) flags |= SW_GEMM_A_ROWS;
    p->plan = sw__gemm_choose(kernels, 1, s->m, s->n, s->k, flags);
    p->args = (struct sw_gemm_args){.m = s->m, .batch = {1, 1, 1}, .a = p->a, .b = p->b, .c = p->c};
    p->args.a_row = s->a_transposed ? 1 : s->k;
    p->args.a_col = s->a_transposed ? s->m : 1;
    p->args.b_row = s->b_transposed ? 1 : s->n;
    p->args.b_col = s->b_transposed ? s->k : 1;
    p->args.c_row = s->n;
    if (s->packed) {
        float *packed = floats((int64_t)(sw__gemm_packed_b_bytes(kernels, 0, s->k, s->n) / 4));
        sw__gemm_pack_b(kernels, 0, packed, p->b, SW_F32, p->args.b_row, p->args.b_col, s->k, s->n,
                        0, sw__gemm_packed_b_panels(kernels, 0, s->n));
        p->args.b = packed;
        pack_onednn(p, machine);
    }
    p->args.workspace = sw__aligned_alloc(p->plan.workspace);
    if (!p->args.workspace) die("out of memory");
    for (int t = 0; t < machine->count; t++)
        if (!(machine->scratch[t] = sw__aligned_alloc(p->plan.scratch))) die("out of memory");
}

static void forget(struct product *p, struct machine *machine)
{
    for (int t = 0; t < machine->count; t++) sw__aligned_free(machine->scratch[t]);
    sw__aligned_free(p->args.workspace);
    if (p->s.packed) {
        sw__aligned_free((void *)p->args.b);
        for (int i = 0; i < 3; i++) dnnl_memory_destroy(p->memory[i]);
        dnnl_primitive_destroy(p->matmul);
    }
    sw__aligned_free(p->a);
    sw__aligned_free(p->b);
    sw__aligned_free(p->c);
}

/* Whether the rivals agree, each element within twice the bound of a sum of K products below 1. */
static void check(struct product *p, struct machine *machine)
{
    int64_t n = p->s.m * p->s.n;
    double bound = 2 * (double)p->s.k * 0x1p-23 * (double)p->s.k;
    float *want = floats(n);
    run(OPENBLAS, p, machine);
    memcpy(want, p->c, (size_t)n * sizeof *want);
    for (int rival = 0; rival < RIVALS; rival++) {
        memset(p->c, 0xff, (size_t)n * sizeof *p->c);
        run(rival, p, machine);
        for (int64_t i = 0; i < n; i++)
            if (!(fabs((double)p->c[i] - (double)want[i]) <= bound)) die("results differ");
    }
    sw__aligned_free(want);
}

static void rest(void)
{
    struct timespec t = {0, 60000000}; /* OpenBLAS spins longest, about 20 ms */
    nanosleep(&t, NULL);
}

/* Seconds of one product: the median (or the fastest) of the runs of one turn, which lasts 80 ms
 * after a start of 40 ms, when threads are still being woken and moved to cores of their own. */
static double turn(int rival, const struct product *p, struct machine *machine, bool fastest)
{
    double runs[MOST_RUNS], start, last, now;
    int count = 0;
    rest();
    start = sw__clock_seconds();
    do run(rival, p, machine);
    while (sw__clock_seconds() - start < 0.04);
    start = last = sw__clock_seconds();
    do {
        run(rival, p, machine);
        now = sw__clock_seconds();
        runs[count++] = now - last;
        last = now;
    } while (count < MOST_RUNS && (now - start < 0.08 || count < 3));
    return fastest ? least(runs, count) : median(runs, count);
}

enum { LIMIT_ROUNDS = 500000 }; /* 2 ms */

static void limit_body(void *user, int thread)
{
    struct machine *m = user;
    float sink;
    m->kernels.limit_fma_f32(LIMIT_ROUNDS, &sink);
}

static void measure_limits(struct machine *m)
{
    float sink;
    double operations = m->kernels.limit_fma_f32(1, &sink) * LIMIT_ROUNDS * m->count;
    rest();
    for (int i = 0; i < 50; i++) {
        double start = sw__clock_seconds();
        sw__threads_run(m->threads, limit_body, m);
        m->flops = fmax(m->flops, operations / (sw__clock_seconds() - start));
    }
}

static void report(const struct product *p, const double seconds[RIVALS], const struct machine *m,
                   bool json)
{
    const struct shape *s = &p->s;
    double work = 2. * (double)s->m * (double)s->n * (double)s->k, rate[RIVALS];
    for (int i = 0; i < RIVALS; i++) rate[i] = work / seconds[i];
    double better = fmax(rate[OPENBLAS], rate[ONEDNN]);
    char name[64];
    snprintf(name, sizeof name, "%dx%dx%d%s", (int)s->m, (int)s->n, (int)s->k,
             s->packed         ? "p"
             : s->a_transposed ? "tn"
             : s->b_transposed ? "nt"
                               : "");
    if (json)
        printf("{\"bench\":\"gemm_f32\",\"shape\":\"%s\",\"threads\":%d,\"cpu\":\"%s\","
               "\"swell\":%.4g,\"openblas\":%.4g,\"onednn\":%.4g,\"ratio\":%.4g,\"limit\":%.4g}\n",
               name, m->count, sw__isa_name(m->kernels.isa), rate[OURS], rate[OPENBLAS],
               rate[ONEDNN], rate[OURS] / better, m->flops);
    else
        printf("%-18s %9.1f %9.1f %9.1f %7.2f %7.0f %% %9.1f us\n", name, rate[OURS] * 1e-9,
               rate[OPENBLAS] * 1e-9, rate[ONEDNN] * 1e-9, rate[OURS] / better,
               100 * rate[OURS] / m->flops, seconds[OURS] * 1e6);
}

static void measure(const struct shape *s, struct machine *machine, int rounds, bool json,
                    bool fastest)
{
    struct product p = {.s = *s};
    double seconds[RIVALS][MOST_ROUNDS], medians[RIVALS];
    prepare(&p, machine);
    check(&p, machine);
    for (int r = 0; r < rounds; r++)
        for (int i = 0; i < RIVALS; i++) seconds[i][r] = turn(i, &p, machine, fastest);
    for (int i = 0; i < RIVALS; i++)
        medians[i] = fastest ? least(seconds[i], rounds) : median(seconds[i], rounds);
    report(&p, medians, machine, json);
    forget(&p, machine);
}

static bool parse(const char *text, struct shape *s)
{
    long long m, n, k;
    int used = 0;
    if (sscanf(text, "%lldx%lldx%lld%n", &m, &n, &k, &used) != 3 || m < 1 || n < 1 || k < 1)
        return false;
    *s = (struct shape){.m = m, .n = n, .k = k};
    text += used;
    if (*text == 't' || *text == 'n') s->a_transposed = *text++ == 't';
    if (*text == 't' || *text == 'n') s->b_transposed = *text++ == 't';
    if (*text == 'p') s->packed = *text++;
    return *text == 0;
}

/* The peers read these when they are loaded: start again without them. */
static void clean_environment(char **argv)
{
    if (!getenv("OPENBLAS_CORETYPE") && !getenv("OPENBLAS_L2_SIZE")) return;
    unsetenv("OPENBLAS_CORETYPE");
    unsetenv("OPENBLAS_L2_SIZE");
    execv("/proc/self/exe", argv);
    die("cannot start again");
}

/* POSIX's way round the ban on casting object pointers to functions. */
static void set_openmp_threads(int n)
{
    void (*set)(int);
    void *symbol = dlsym(RTLD_DEFAULT, "omp_set_num_threads");
    if (!symbol) return;
    memcpy(&set, &symbol, sizeof set);
    set(n);
}

int main(int argc, char **argv)
{
    clean_environment(argv);
    bool json = false, fastest = false;
    int rounds = 7, shapes = 0;
    struct shape chosen[64];
    struct machine machine = {.count = sw__cpu()->cores};
    enum sw_isa isa = sw__cpu()->best;
    for (int i = 1; i < argc; i++) {
        const char *value = i + 1 < argc ? argv[i + 1] : "";
        if (!strcmp(argv[i], "--json"))
            json = true;
        else if (!strcmp(argv[i], "--fastest"))
            fastest = true;
        else if (!strcmp(argv[i], "--threads"))
            machine.count = atoi(value), i++;
        else if (!strcmp(argv[i], "--rounds"))
            rounds = atoi(value), i++;
        else if (!strcmp(argv[i], "--cpu"))
            isa = sw__isa_find(value), i++;
        else if (!strcmp(argv[i], "--shape") && shapes < 64 && parse(value, &chosen[shapes]))
            shapes++, i++;
        else
            die("usage: [--json] [--fastest] [--threads N] [--cpu ISA] [--rounds N] [--shape ...]");
    }
    if (rounds < 1 || rounds > MOST_ROUNDS || machine.count < 1 || machine.count > 256 ||
        isa > sw__cpu()->best)
        die("option out of range");
    sw__kernels_init(&machine.kernels, isa);
    if (sw__threads_create(machine.count, &machine.threads) != SW_OK) die("no threads");
    openblas_set_num_threads(machine.count);
    set_openmp_threads(machine.count);
    dnnl_engine_create(&machine.engine, dnnl_cpu, 0);
    dnnl_stream_create(&machine.stream, machine.engine, dnnl_stream_default_flags);
    measure_limits(&machine);
    if (!json) {
        printf("%s, %d threads, %s; multiply-add limit %.0f GFLOP/s\n", sw__cpu()->name,
               machine.count, sw__isa_name(isa), machine.flops * 1e-9);
        printf("%-18s %9s %9s %9s %7s %9s %12s\n", "M x N x K", "swell", "OpenBLAS", "oneDNN",
               "ratio", "of limit", "swell takes");
    }
    for (int i = 0; i < (shapes ? shapes : (int)(sizeof defaults / sizeof *defaults)); i++)
        measure(shapes ? &chosen[i] : &defaults[i], &machine, rounds, json, fastest);
    dnnl_stream_destroy(machine.stream);
    dnnl_engine_destroy(machine.engine);
    sw__threads_destroy(machine.threads);
    return 0;
}
