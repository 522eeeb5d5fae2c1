/* Attention: GFLOP/s and the share of this machine's multiply-add limit; for decoding, GB/s of keys
 * and values and the share of its reading speed.
 *
 *     bench_attention [--threads N] [--cpu ISA] [--rounds N]
 *
 * The arithmetic counted is what the definition needs: 4 HS for each pair of a query and a key that
 * it sees in the forward pass, 10 HS in the backward pass (logits made again, then four products),
 * whatever the kernels really do.  The best of `rounds` rounds counts. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <swell/swell.h>
#include "base/clock.h"
#include "base/rng.h"
#include "graph/limits.h"
#include "graph/ops/attention_int.h"

struct machine {
    sw_context *ctx;
    struct sw_limits limits;
    int rounds;
};

static _Noreturn void die(const char *what)
{
    fprintf(stderr, "bench_attention: %s\n", what);
    exit(1);
}

static float *random_floats(int64_t n)
{
    float *x = malloc((size_t)n * sizeof *x);
    if (!x) die("out of memory");
    sw__fill_uniform(x, n, -1, 1, 1, (uint64_t)n);
    return x;
}

/* Seconds of the fastest run. */
static double best_run(const struct machine *m, sw_plan *p)
{
    double best = 0;
    for (int i = 0; i <= m->rounds; i++) {
        const double start = sw__clock_seconds();
        if (sw_run(p) != SW_OK) die(sw_error(m->ctx));
        const double took = sw__clock_seconds() - start;
        if (i > 0 && (best == 0 || took < best)) best = took; /* the first one warms up */
    }
    return best;
}

static sw_plan *compile(const struct machine *m, sw_graph *g, sw_node *const *wanted, int n)
{
    sw_plan *p;
    const sw_plan_options o = {.outputs = wanted, .n_outputs = n, .name = "attention"};
    if (sw_graph_status(g) != SW_OK || sw_compile(g, o, &p) != SW_OK) die(sw_error(m->ctx));
    return p;
}

/* ---- training and prefill ------------------------------------------------------------------------ */

struct shape {
    int64_t b, t, nh, nkv, hs;
    bool causal;
};

static const struct shape shapes[] = {
    {8, 1024, 12, 12, 64, true}, {8, 1024, 12, 12, 64, false}, {1, 4096, 12, 12, 64, true},
    {1, 2048, 32, 8, 128, true}, {8, 256, 6, 6, 32, true},
};

static void bench_shape(const struct machine *m, const struct shape *s)
{
    sw_graph *g;
    sw_node *in[4];
    float *data[4];
    static const char *const names[] = {"q", "k", "v", "dy"};
    if (sw_graph_create(m->ctx, &g) != SW_OK) die(sw_error(m->ctx));
    for (int i = 0; i < 4; i++) {
        const int64_t heads = i == 0 || i == 3 ? s->nh : s->nkv;
        const sw_shape shape = SW_SHAPE(s->b, s->t, heads, s->hs);
        in[i] = sw_input(g, names[i], SW_F32, shape);
        data[i] = random_floats(sw_shape_elements(&shape));
    }
    sw_node *y = sw_attention(g, in[0], in[1], in[2], (sw_attention_options){.causal = s->causal});
    const struct attention_attr attr = {.causal = s->causal};
    sw_node *const back[8] = {in[0], in[1], in[2], NULL, y, sw_output(y, 1), in[3], NULL};
    sw_node *dq = sw__attention_backward(g, &attr, back);
    sw_node *const all[] = {y, dq, sw_output(dq, 1), sw_output(dq, 2)};
    sw_plan *forward = compile(m, g, all, 1), *both = compile(m, g, all, 4);
    for (int i = 0; i < 4; i++) {
        const sw_shape shape = sw_node_shape(in[i]);
        if (i < 3 && sw_bind(forward, in[i], data[i], shape) != SW_OK) die(sw_error(m->ctx));
        if (sw_bind(both, in[i], data[i], shape) != SW_OK) die(sw_error(m->ctx));
    }
    const double pairs = (double)(s->b * s->nh) * (double)s->t *
                         (s->causal ? (double)(s->t + 1) / 2 : (double)s->t);
    const double flops = 4 * pairs * (double)s->hs;
    const double f = best_run(m, forward), fb = best_run(m, both);
    printf("B=%lld T=%-5lld NH=%-3lld NKV=%-3lld HS=%-4lld %-7s forward %8.2f ms %7.1f GFLOP/s "
           "%5.1f %%"
           "   with backward %8.2f ms %7.1f GFLOP/s %5.1f %%\n",
           (long long)s->b, (long long)s->t, (long long)s->nh, (long long)s->nkv, (long long)s->hs,
           s->causal ? "causal" : "all", f * 1e3, flops / f * 1e-9,
           100 * flops / f / m->limits.f32_flops, fb * 1e3, 3.5 * flops / fb * 1e-9,
           100 * 3.5 * flops / fb / m->limits.f32_flops);
    sw_plan_destroy(forward);
    sw_plan_destroy(both);
    sw_graph_destroy(g);
    for (int i = 0; i < 4; i++) free(data[i]);
}

/* ---- decoding ----------------------------------------------------------------------------------- */

struct decode {
    int sequences, nh, nkv, hs;
    int64_t length;
    sw_dtype dtype;
};

static const struct decode decodes[] = {
    {1, 12, 12, 64, 1024, SW_F32},  {1, 32, 8, 128, 8192, SW_F32},   {1, 32, 8, 128, 8192, SW_F16},
    {1, 32, 8, 128, 8192, SW_BF16}, {16, 32, 8, 128, 1024, SW_BF16},
};

static void bench_decode(const struct machine *m, const struct decode *d)
{
    sw_kv *kv;
    sw_graph *g;
    sw_node *pages[2], *in[6];
    int32_t sequence[64], position[64];
    const sw_kv_options o = {.layers = 1,
                             .pages = d->sequences * (d->length / 32 + 1),
                             .kv_heads = d->nkv,
                             .head_size = d->hs,
                             .dtype = d->dtype,
                             .sequences = d->sequences,
                             .positions = d->length};
    if (sw_kv_create(m->ctx, o, &kv) != SW_OK || sw_graph_create(m->ctx, &g) != SW_OK)
        die(sw_error(m->ctx));
    sw_kv_nodes(kv, g, 0, &pages[0], &pages[1]);
    for (int i = 0; i < d->sequences; i++) {
        int number;
        if (sw_kv_open(kv, &number) != SW_OK ||
            sw_kv_append(kv, number, d->length, NULL, NULL) != SW_OK)
            die(sw_error(m->ctx));
        sequence[i] = number;
        position[i] = (int32_t)d->length - 1;
    }
    const int64_t n = d->sequences;
    float *x = random_floats(n * d->nh * d->hs);
    in[0] = sw_input(g, "q", SW_F32, SW_SHAPE(n, d->nh, d->hs));
    in[1] = sw_input(g, "k", SW_F32, SW_SHAPE(n, d->nkv, d->hs));
    in[2] = sw_input(g, "v", SW_F32, SW_SHAPE(n, d->nkv, d->hs));
    in[3] = sw_input(g, "blocks", SW_I32, sw_kv_blocks_shape(kv));
    in[4] = sw_input(g, "sequence", SW_I32, SW_SHAPE(n));
    in[5] = sw_input(g, "position", SW_I32, SW_SHAPE(n));
    sw_node *y = sw_paged_attention(g, in[0], in[1], in[2], pages[0], pages[1], in[3], in[4], in[5],
                                    (sw_attention_options){.causal = true});
    sw_plan *p = compile(m, g, &y, 1);
    void *const data[] = {x, x, x, sw_kv_blocks(kv), sequence, position};
    for (int i = 0; i < 6; i++)
        if (sw_bind(p, in[i], data[i], sw_node_shape(in[i])) != SW_OK) die(sw_error(m->ctx));
    const double took = best_run(m, p);
    const double bytes = 2. * (double)(n * d->length * d->nkv * d->hs) *
                         sw_dtype_get(d->dtype)->block_bytes;
    printf("decode %2d x %-5lld NH=%-3d NKV=%-3d HS=%-4d %-5s %8.1f us %7.2f GB/s %5.1f %%\n",
           d->sequences, (long long)d->length, d->nh, d->nkv, d->hs, sw_dtype_get(d->dtype)->name,
           took * 1e6, bytes / took * 1e-9, 100 * bytes / took / m->limits.read_bytes);
    sw_plan_destroy(p);
    sw_graph_destroy(g);
    sw_kv_destroy(kv);
    free(x);
}

int main(int argc, char **argv)
{
    sw_context_options o = {0};
    struct machine m = {.rounds = 7};
    for (int i = 1; i + 1 < argc; i += 2) {
        if (!strcmp(argv[i], "--threads"))
            o.threads = atoi(argv[i + 1]);
        else if (!strcmp(argv[i], "--cpu"))
            o.cpu = argv[i + 1];
        else if (!strcmp(argv[i], "--rounds"))
            m.rounds = atoi(argv[i + 1]);
        else
            die("bench_attention [--threads N] [--cpu ISA] [--rounds N]");
    }
    if (sw_context_create(&o, &m.ctx) != SW_OK) die("no context");
    if (sw__limits_measure(m.ctx, &m.limits) != SW_OK) die(sw_error(m.ctx));
    printf("%s, %d threads, limits %.1f GFLOP/s and %.1f GB/s\n", sw_context_cpu(m.ctx),
           sw_context_threads(m.ctx), m.limits.f32_flops * 1e-9, m.limits.read_bytes * 1e-9);
    for (size_t i = 0; i < sizeof shapes / sizeof *shapes; i++) bench_shape(&m, &shapes[i]);
    for (size_t i = 0; i < sizeof decodes / sizeof *decodes; i++) bench_decode(&m, &decodes[i]);
    sw_context_destroy(m.ctx);
    return 0;
}
