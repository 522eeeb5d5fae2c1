/* Measures the limits: loops of independent multiply-adds in registers, and plain parallel loops over
 * arrays of 64 MB, as large as the tensors that kernels are measured with.  The best of several rounds
 * counts; of copies and triads the better of stores through the caches and past them. */
#include "graph/limits.h"

#include <math.h>
#include <stdlib.h>
#include "base/clock.h"
#include "base/context_int.h"
#include "base/cpu.h"
#include "base/memory.h"
#include "kernels/kernels.h"

enum { FMA_ROUNDS = 200000, LEAST_ROUNDS = 5, NOW_ROUNDS = 3, ARRAYS = 3, CACHE_PASSES = 64 };
#define ARRAY_FLOATS  ((int64_t)16 << 20)
#define LEAST_SECONDS 0.08 /* threads are woken, and moved to cores of their own, within that */

struct measure {
    const struct sw_kernels *k, *plain; /* of the ISA; portable C */
    float *data;                        /* ARRAYS of ARRAY_FLOATS, or cache_floats a thread */
    int threads;
    int64_t cache_floats; /* half a second-level cache */
    double work[256];     /* what each thread did */
};

static void fma_thread(void *user, int t)
{
    struct measure *m = user;
    float sink;
    m->work[t] = m->k->limit_fma_f32(FMA_ROUNDS, &sink);
}

static void bf16_thread(void *user, int t)
{
    struct measure *m = user;
    double sink;
    m->work[t] = m->k->limit_dot_bf16(FMA_ROUNDS, &sink);
}

static void int8_thread(void *user, int t)
{
    struct measure *m = user;
    double sink;
    m->work[t] = m->k->limit_dot_int8(FMA_ROUNDS, &sink);
}

/* A thread's part of each array. */
static float *part(const struct measure *m, int array, int t, int64_t *n)
{
    *n = ARRAY_FLOATS / m->threads;
    return m->data + array * ARRAY_FLOATS + t * *n;
}

static void read_thread(void *user, int t)
{
    struct measure *m = user;
    const int64_t n = ARRAYS * ARRAY_FLOATS / m->threads;
    volatile float sum = m->k->limit_read_f32(m->data + t * n, n);
    (void)sum;
    m->work[t] = 4. * (double)n;
}

static void cache_thread(void *user, int t)
{
    struct measure *m = user;
    const float *x = m->data + t * m->cache_floats;
    volatile float sum = 0;
    for (int i = 0; i < CACHE_PASSES; i++) sum += m->k->limit_read_f32(x, m->cache_floats);
    (void)sum;
    m->work[t] = 4. * CACHE_PASSES * (double)m->cache_floats;
}

static void copy_with(struct measure *m, const struct sw_kernels *k, int t)
{
    int64_t n;
    const float *x = part(m, 0, t, &n);
    k->limit_copy_f32(part(m, 1, t, &n), x, n);
    m->work[t] = 8. * (double)n;
}

static void triad_with(struct measure *m, const struct sw_kernels *k, int t)
{
    int64_t n;
    const float *a = part(m, 0, t, &n), *b = part(m, 1, t, &n);
    k->limit_triad_f32(part(m, 2, t, &n), a, b, n);
    m->work[t] = 12. * (double)n;
}

static void copy_thread(void *user, int t)
{
    copy_with(user, ((struct measure *)user)->k, t);
}

static void plain_copy_thread(void *user, int t)
{
    copy_with(user, ((struct measure *)user)->plain, t);
}

static void triad_thread(void *user, int t)
{
    triad_with(user, ((struct measure *)user)->k, t);
}

static void plain_triad_thread(void *user, int t)
{
    triad_with(user, ((struct measure *)user)->plain, t);
}

/* Work a second of all threads in one round. */
static double one_round(sw_context *ctx, struct measure *m, void (*body)(void *user, int thread))
{
    const double start = sw__clock_seconds();
    double work = 0;
    sw__threads_run(ctx->threads, body, m);
    const double seconds = sw__clock_seconds() - start;
    for (int t = 0; t < m->threads; t++) work += m->work[t];
    return work / seconds;
}

/* The best round. */
static double best(sw_context *ctx, struct measure *m, void (*body)(void *user, int thread))
{
    const double first = sw__clock_seconds();
    double rate = 0, now = first;
    for (int round = 0; round < LEAST_ROUNDS || now - first < LEAST_SECONDS; round++) {
        rate = fmax(rate, one_round(ctx, m, body));
        now = sw__clock_seconds();
    }
    return rate;
}

static double better(double a, double b)
{
    return a > b ? a : b;
}

double sw__limits_f32_now(sw_context *ctx)
{
    struct sw_kernels k;
    struct measure m = {.k = &k, .threads = sw__threads_count(ctx->threads)};
    double rate = 0;
    sw__kernels_init(&k, ctx->isa);
    for (int i = 0; i < NOW_ROUNDS; i++) rate = fmax(rate, one_round(ctx, &m, fma_thread));
    return rate;
}

sw_status sw__limits_memory(sw_context *ctx, struct sw_limits *out)
{
    struct sw_kernels k, plain;
    struct measure m = {.k = &k, .plain = &plain, .threads = sw__threads_count(ctx->threads)};
    m.data = sw__aligned_alloc(ARRAYS * (size_t)ARRAY_FLOATS * sizeof(float));
    if (!m.data) return sw__fail(ctx, SW_ERR_MEMORY, "limits: out of memory");
    sw__kernels_init(&k, ctx->isa);
    sw__kernels_init(&plain, SW_ISA_REF);
    for (int64_t i = 0; i < ARRAYS * ARRAY_FLOATS; i++) m.data[i] = (float)(i & 7);
    out->read_bytes = best(ctx, &m, read_thread);
    out->copy_bytes = better(best(ctx, &m, copy_thread), best(ctx, &m, plain_copy_thread));
    out->triad_bytes = better(best(ctx, &m, triad_thread), best(ctx, &m, plain_triad_thread));
    sw__aligned_free(m.data);
    return SW_OK;
}

sw_status sw__limits_measure(sw_context *ctx, struct sw_limits *out)
{
    struct sw_kernels k;
    struct measure m = {.k = &k, .threads = sw__threads_count(ctx->threads)};
    const size_t l2 = sw__cpu()->l2 ? sw__cpu()->l2 : 262144;
    *out = (struct sw_limits){0};
    m.cache_floats = (int64_t)(l2 / 2 / sizeof(float));
    m.data = sw__calloc2((size_t)(m.cache_floats * m.threads), sizeof *m.data);
    if (!m.data) return sw__fail(ctx, SW_ERR_MEMORY, "limits: out of memory");
    sw__kernels_init(&k, ctx->isa);
    out->f32_flops = best(ctx, &m, fma_thread);
    out->bf16_flops = better(best(ctx, &m, bf16_thread), out->f32_flops);
    out->int8_ops = best(ctx, &m, int8_thread);
    out->cache_bytes = best(ctx, &m, cache_thread);
    free(m.data);
    return sw__limits_memory(ctx, out);
}
