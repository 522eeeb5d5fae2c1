/* Measures the limits: a loop of independent fused multiply-adds in registers, and a plain parallel
 * sum over memory far larger than the caches.  The best of several rounds counts. */
#include "graph/limits.h"

#include "base/clock.h"
#include "base/context_int.h"
#include "base/memory.h"
#include "kernels/kernels.h"

enum { FMA_ROUNDS = 400000, ROUNDS = 5 };
#define READ_BYTES ((size_t)256 << 20)

struct measure {
    const struct sw_kernels *k;
    const float *data;
    int threads;
    double flops[256];
    float sink[256];
};

static void fma_thread(void *user, int t)
{
    struct measure *m = user;
    m->flops[t] = m->k->limit_fma_f32(FMA_ROUNDS, &m->sink[t]);
}

static void read_thread(void *user, int t)
{
    struct measure *m = user;
    int64_t n = (int64_t)(READ_BYTES / sizeof(float)) / m->threads;
    m->sink[t] = m->k->limit_read_f32(m->data + t * n, n);
}

sw_status sw__limits_measure(sw_context *ctx, struct sw_limits *out)
{
    struct sw_kernels k;
    struct measure m = {.k = &k, .threads = sw__threads_count(ctx->threads)};
    float *data = sw__aligned_alloc(READ_BYTES);
    *out = (struct sw_limits){0, 0};
    if (!data) return sw__fail(ctx, SW_ERR_MEMORY, "limits: out of memory");
    sw__kernels_init(&k, ctx->isa);
    for (size_t i = 0; i < READ_BYTES / sizeof(float); i++) data[i] = (float)(i & 7);
    m.data = data;
    for (int round = 0; round < ROUNDS; round++) {
        double start = sw__clock_seconds(), flops = 0;
        sw__threads_run(ctx->threads, fma_thread, &m);
        double seconds = sw__clock_seconds() - start;
        for (int t = 0; t < m.threads; t++) flops += m.flops[t];
        if (flops / seconds > out->f32_flops) out->f32_flops = flops / seconds;
        start = sw__clock_seconds();
        sw__threads_run(ctx->threads, read_thread, &m);
        seconds = sw__clock_seconds() - start;
        if (READ_BYTES / seconds > out->read_bytes) out->read_bytes = READ_BYTES / seconds;
    }
    sw__aligned_free(data);
    return SW_OK;
}
