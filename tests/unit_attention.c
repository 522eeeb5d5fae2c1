/* What attention promises beyond right numbers: a query row has the same bits alone, among others, in
 * any chunk of a prefill, from pages of any size, and in a document wherever it stands; memory grows with T, not with T^2; no i32 input
 * of the paged form makes it read or write outside of its tables. */
#include "unit.h"

#include <swell/swell.h>
#include "base/cpu.h"
#include "base/rng.h"

enum { T = 150, NH = 4, NKV = 2, HS = 20, ROW = NH * HS, KV_ROW = NKV * HS };

struct engine {
    sw_context *ctx;
    sw_graph *g;
    sw_plan *p;
    sw_node *in[8], *y;
};

static float *random_floats(int64_t n, uint64_t stream)
{
    float *x = malloc((size_t)n * sizeof *x);
    assert_non_null(x);
    sw__fill_uniform(x, n, -1, 1, 11, stream);
    return x;
}

static void engine_start(struct engine *e, const char *cpu, int threads)
{
    memset(e, 0, sizeof *e);
    assert_int_equal(
        sw_context_create(&(sw_context_options){.threads = threads, .cpu = cpu}, &e->ctx), SW_OK);
    assert_int_equal(sw_graph_create(e->ctx, &e->g), SW_OK);
}

static void engine_compile(struct engine *e)
{
    const sw_plan_options o = {.outputs = &e->y, .n_outputs = 1, .name = "attention"};
    assert_int_equal(sw_graph_status(e->g), SW_OK);
    assert_int_equal(sw_compile(e->g, o, &e->p), SW_OK);
}

static void engine_stop(struct engine *e)
{
    sw_plan_destroy(e->p);
    sw_graph_destroy(e->g);
    sw_context_destroy(e->ctx);
}

static const sw_attention_options forms[] = {
    {.causal = true},
    {.causal = true, .window = 70},
    {.causal = true, .window = 3, .softcap = 2},
    {.causal = true, .scale = 0.3f},
};
enum { FORMS = sizeof forms / sizeof *forms };

/* ---- contiguous --------------------------------------------------------------------------------- */

static void contiguous_start(struct engine *e, const char *cpu, int threads, int form)
{
    engine_start(e, cpu, threads);
    e->in[0] = sw_input(e->g, "q", SW_F32, SW_SHAPE(1, T, NH, HS));
    e->in[1] = sw_input(e->g, "k", SW_F32, SW_SHAPE(1, T, NKV, HS));
    e->in[2] = sw_input(e->g, "v", SW_F32, SW_SHAPE(1, T, NKV, HS));
    e->y = sw_attention(e->g, e->in[0], e->in[1], e->in[2], forms[form]);
    engine_compile(e);
}

/* Queries from .. to-1 with the keys in front of `to`. */
static const float *contiguous(struct engine *e, float *q, float *k, float *v, int64_t from,
                               int64_t to)
{
    assert_int_equal(sw_bind(e->p, e->in[0], q + from * ROW, SW_SHAPE(1, to - from, NH, HS)),
                     SW_OK);
    assert_int_equal(sw_bind(e->p, e->in[1], k, SW_SHAPE(1, to, NKV, HS)), SW_OK);
    assert_int_equal(sw_bind(e->p, e->in[2], v, SW_SHAPE(1, to, NKV, HS)), SW_OK);
    assert_int_equal(sw_run(e->p), SW_OK);
    return sw_plan_tensor(e->p, e->y).data;
}

static const char *isa_at(int i)
{
    return i <= (int)sw__isa_f32(sw__cpu()->best) ? sw__isa_name((enum sw_isa)i) : NULL;
}

static void rows_do_not_see_each_other(void **state)
{
    float *q = random_floats(T * ROW, 1), *k = random_floats(T * KV_ROW, 2);
    float *v = random_floats(T * KV_ROW, 3), *whole = malloc(T * ROW * sizeof *whole);
    for (int isa = 0; isa_at(isa); isa++)
        for (int form = 0; form < FORMS; form++) {
            struct engine e;
            contiguous_start(&e, isa_at(isa), 2, form);
            memcpy(whole, contiguous(&e, q, k, v, 0, T), T * ROW * sizeof *whole);
            for (int64_t i = 0; i < T; i++) /* decoding */
                assert_memory_equal(contiguous(&e, q, k, v, i, i + 1), whole + i * ROW,
                                    ROW * sizeof *whole);
            for (int64_t chunk = 5; chunk < T; chunk += 29) /* prefill in chunks */
                for (int64_t i = 0; i < T; i += chunk) {
                    const int64_t to = i + chunk < T ? i + chunk : T;
                    assert_memory_equal(contiguous(&e, q, k, v, i, to), whole + i * ROW,
                                        (size_t)(to - i) * ROW * sizeof *whole);
                }
            engine_stop(&e);
        }
    free(q);
    free(k);
    free(v);
    free(whole);
}

/* ---- paged ------------------------------------------------------------------------------------- */

enum { SEQUENCES = 3, POOL = 3 * T + 20 };

static sw_kv *paged_start(struct engine *e, const char *cpu, int threads, int form, int page,
                          sw_dtype dtype)
{
    sw_kv *kv;
    sw_node *k_pages, *v_pages;
    engine_start(e, cpu, threads);
    const sw_kv_options o = {.layers = 1,
                             .pages = POOL / page + SEQUENCES + 1,
                             .page = page,
                             .kv_heads = NKV,
                             .head_size = HS,
                             .dtype = dtype,
                             .sequences = SEQUENCES,
                             .positions = T};
    assert_int_equal(sw_kv_create(e->ctx, o, &kv), SW_OK);
    sw_kv_nodes(kv, e->g, 0, &k_pages, &v_pages);
    e->in[0] = sw_input(e->g, "q", SW_F32, SW_SHAPE(2 * T, NH, HS));
    e->in[1] = sw_input(e->g, "k", SW_F32, SW_SHAPE(2 * T, NKV, HS));
    e->in[2] = sw_input(e->g, "v", SW_F32, SW_SHAPE(2 * T, NKV, HS));
    e->in[3] = sw_input(e->g, "blocks", SW_I32, sw_kv_blocks_shape(kv));
    e->in[4] = sw_input(e->g, "sequence", SW_I32, SW_SHAPE(2 * T));
    e->in[5] = sw_input(e->g, "position", SW_I32, SW_SHAPE(2 * T));
    e->y = sw_paged_attention(e->g, e->in[0], e->in[1], e->in[2], k_pages, v_pages, e->in[3],
                              e->in[4], e->in[5], forms[form]);
    engine_compile(e);
    return kv;
}

static const float *paged(struct engine *e, sw_kv *kv, int64_t n, float *q, float *k, float *v,
                          int32_t *sequence, int32_t *position)
{
    assert_int_equal(sw_bind(e->p, e->in[0], q, SW_SHAPE(n, NH, HS)), SW_OK);
    assert_int_equal(sw_bind(e->p, e->in[1], k, SW_SHAPE(n, NKV, HS)), SW_OK);
    assert_int_equal(sw_bind(e->p, e->in[2], v, SW_SHAPE(n, NKV, HS)), SW_OK);
    assert_int_equal(sw_bind(e->p, e->in[3], sw_kv_blocks(kv), sw_kv_blocks_shape(kv)), SW_OK);
    assert_int_equal(sw_bind(e->p, e->in[4], sequence, SW_SHAPE(n)), SW_OK);
    assert_int_equal(sw_bind(e->p, e->in[5], position, SW_SHAPE(n)), SW_OK);
    assert_int_equal(sw_run(e->p), SW_OK);
    return sw_plan_tensor(e->p, e->y).data;
}

/* Two conversations of other tokens, whose chunks go through the same runs in turns: every row must
 * have the bits that the conversation has alone in one tensor. */
static void pages_make_no_difference(void **state)
{
    static const int pages[] = {1, 7, 16, 64, 100};
    float *q[2], *k[2], *v[2], *whole[2], *all[3];
    int32_t sequence[2 * T], position[2 * T];
    for (int s = 0; s < 2; s++) {
        q[s] = random_floats(T * ROW, 10 + (uint64_t)s);
        k[s] = random_floats(T * KV_ROW, 20 + (uint64_t)s);
        v[s] = random_floats(T * KV_ROW, 30 + (uint64_t)s);
        whole[s] = malloc(T * ROW * sizeof(float));
    }
    for (int i = 0; i < 3; i++) all[i] = malloc(2 * T * ROW * sizeof(float));
    for (int isa = 0; isa_at(isa); isa++)
        for (int form = 0; form < FORMS; form++) {
            struct engine e;
            contiguous_start(&e, isa_at(isa), 1, form);
            for (int s = 0; s < 2; s++)
                memcpy(whole[s], contiguous(&e, q[s], k[s], v[s], 0, T), T * ROW * sizeof(float));
            engine_stop(&e);
            for (size_t size = 0; size < sizeof pages / sizeof *pages; size++) {
                if (isa == 0 && size % 4 != 1) continue; /* the reference takes its time */
                sw_kv *kv = paged_start(&e, isa_at(isa), 2, form, pages[size], SW_F32);
                int64_t done[2] = {0, 0};
                int number[2];
                for (int s = 0; s < 2; s++) assert_int_equal(sw_kv_open(kv, &number[s]), SW_OK);
                for (int64_t step = 1; done[0] < T || done[1] < T; step = step * 3 % 101 + 1) {
                    int64_t n = 0, took[2];
                    for (int s = 0; s < 2; s++) { /* the second one at half speed */
                        took[s] = s ? (step + 1) / 2 : step;
                        if (took[s] > T - done[s]) took[s] = T - done[s];
                        assert_int_equal(
                            sw_kv_append(kv, number[s], took[s], sequence + n, position + n),
                            SW_OK);
                        const size_t rows = (size_t)took[s] * sizeof(float);
                        memcpy(all[0] + n * ROW, q[s] + done[s] * ROW, rows * ROW);
                        memcpy(all[1] + n * KV_ROW, k[s] + done[s] * KV_ROW, rows * KV_ROW);
                        memcpy(all[2] + n * KV_ROW, v[s] + done[s] * KV_ROW, rows * KV_ROW);
                        n += took[s];
                    }
                    const float *y = paged(&e, kv, n, all[0], all[1], all[2], sequence, position);
                    for (int s = 0; s < 2; s++) {
                        const size_t bytes = (size_t)(took[s] * ROW) * sizeof(float);
                        assert_memory_equal(y, whole[s] + done[s] * ROW, bytes);
                        y += took[s] * ROW;
                        done[s] += took[s];
                    }
                }
                sw_kv_destroy(kv);
                engine_stop(&e);
            }
        }
    for (int s = 0; s < 2; s++) {
        free(q[s]);
        free(k[s]);
        free(v[s]);
        free(whole[s]);
    }
    for (int i = 0; i < 3; i++) free(all[i]);
}

/* A fork goes on from a shared prefix as if it had been there from the start; so does the original. */
static void a_fork_continues(void **state)
{
    enum { PREFIX = 45, REST = 40, N = PREFIX + REST };
    float *q = random_floats(N * ROW, 41), *k = random_floats(N * KV_ROW, 42);
    float *v = random_floats(N * KV_ROW, 43), *want = malloc(N * ROW * sizeof *want);
    int32_t sequence[T], position[T];
    int a, b;
    struct engine e;
    contiguous_start(&e, NULL, 1, 0);
    memcpy(want, contiguous(&e, q, k, v, 0, N), N * ROW * sizeof *want);
    engine_stop(&e);
    sw_kv *kv = paged_start(&e, NULL, 1, 0, 16, SW_F32);
    assert_int_equal(sw_kv_open(kv, &a), SW_OK);
    assert_int_equal(sw_kv_append(kv, a, PREFIX + 10, sequence, position), SW_OK);
    paged(&e, kv, PREFIX + 10, q, k, v, sequence, position);
    assert_int_equal(sw_kv_fork(kv, a, &b), SW_OK);
    assert_int_equal(sw_kv_truncate(kv, b, PREFIX), SW_OK); /* rolls ten tokens back */
    assert_int_equal(sw_kv_append(kv, b, REST, sequence, position), SW_OK);
    const float *y = paged(&e, kv, REST, q + PREFIX * ROW, k + PREFIX * KV_ROW, v + PREFIX * KV_ROW,
                           sequence, position);
    assert_memory_equal(y, want + PREFIX * ROW, REST * ROW * sizeof *want);
    assert_int_equal(sw_kv_append(kv, a, REST - 10, sequence, position), SW_OK);
    y = paged(&e, kv, REST - 10, q + (PREFIX + 10) * ROW, k + (PREFIX + 10) * KV_ROW,
              v + (PREFIX + 10) * KV_ROW, sequence, position);
    assert_memory_equal(y, want + (PREFIX + 10) * ROW, (REST - 10) * ROW * sizeof *want);
    sw_kv_destroy(kv);
    engine_stop(&e);
    free(q);
    free(k);
    free(v);
    free(want);
}

/* Any numbers at all: the sanitizers watch, and the bits are the same for 1 and 3 threads. */
static void any_numbers_are_safe(void **state)
{
    enum { N = 60 };
    float *q = random_floats(N * ROW, 51), *k = random_floats(N * KV_ROW, 52);
    float *v = random_floats(N * KV_ROW, 53);
    static const int32_t wild[] = {-1, INT32_MIN, INT32_MAX, 1 << 20, -2, 3, 150, 10};
    int32_t sequence[N], position[N];
    struct sw_rng rng = {.seed = 5};
    struct engine e[2];
    sw_kv *kv[2];
    for (int i = 0; i < 2; i++) kv[i] = paged_start(&e[i], NULL, i ? 3 : 1, 1, 7, SW_BF16);
    const sw_shape table = sw_kv_blocks_shape(kv[0]);
    const int64_t entries = sw_shape_elements(&table);
    for (int round = 0; round < 200; round++) {
        for (int i = 0; i < N; i++) {
            sequence[i] = (int32_t)sw__rng_below(&rng, SEQUENCES);
            position[i] = (int32_t)sw__rng_below(&rng, T);
            if (sw__rng_below(&rng, 9) == 0) sequence[i] = wild[sw__rng_below(&rng, 8)];
            if (sw__rng_below(&rng, 9) == 0) position[i] = wild[sw__rng_below(&rng, 8)];
        }
        for (int64_t i = 0; i < entries; i++) {
            int32_t page = (int32_t)sw__rng_below(&rng, POOL / 7);
            if (sw__rng_below(&rng, 40) == 0) page = wild[sw__rng_below(&rng, 8)];
            for (int j = 0; j < 2; j++) sw_kv_blocks(kv[j])[i] = page;
        }
        const int64_t n = (int64_t)sw__rng_below(&rng, N + 1);
        const float *one = paged(&e[0], kv[0], n, q, k, v, sequence, position);
        const float *many = paged(&e[1], kv[1], n, q, k, v, sequence, position);
        assert_memory_equal(one, many, (size_t)(n * ROW) * sizeof(float));
    }
    for (int i = 0; i < 2; i++) {
        sw_kv_destroy(kv[i]);
        engine_stop(&e[i]);
    }
    free(q);
    free(k);
    free(v);
}

/* ---- memory ------------------------------------------------------------------------------------- */

/* ---- documents ---------------------------------------------------------------------------------- */

/* Where each of them begins; the last one ends at T. */
static const int64_t places[] = {0, 37, 39, 40, 109, T};
enum { DOCUMENTS = sizeof places / sizeof *places - 1 };

/* The rows of documents from .. to-1. */
static const float *documents(struct engine *e, float *q, float *k, float *v, int32_t *of,
                              int64_t from, int64_t to)
{
    float *const x[3] = {q + from * ROW, k + from * KV_ROW, v + from * KV_ROW};
    for (int i = 0; i < 3; i++)
        assert_int_equal(sw_bind(e->p, e->in[i], x[i], SW_SHAPE(1, to - from, i ? NKV : NH, HS)),
                         SW_OK);
    assert_int_equal(sw_bind(e->p, e->in[3], of + from, SW_SHAPE(1, to - from)), SW_OK);
    assert_int_equal(sw_run(e->p), SW_OK);
    return sw_plan_tensor(e->p, e->y).data;
}

static void documents_do_not_see_each_other(void **state)
{
    float *q = random_floats(T * ROW, 1), *k = random_floats(T * KV_ROW, 2);
    float *v = random_floats(T * KV_ROW, 3), *whole = malloc(T * ROW * sizeof *whole);
    int32_t of[T];
    for (int d = 0; d < DOCUMENTS; d++)
        for (int64_t i = places[d]; i < places[d + 1]; i++) of[i] = d;
    for (int isa = 0; isa_at(isa); isa++)
        for (int form = -1; form < FORMS; form++) {
            struct engine e;
            sw_attention_options o = form < 0 ? (sw_attention_options){0} : forms[form];
            engine_start(&e, isa_at(isa), 2);
            for (int i = 0; i < 3; i++)
                e.in[i] = sw_input(e.g, "x", SW_F32, SW_SHAPE(1, T, i ? NKV : NH, HS));
            e.in[3] = o.documents = sw_input(e.g, "of", SW_I32, SW_SHAPE(1, T));
            e.y = sw_attention(e.g, e.in[0], e.in[1], e.in[2], o);
            engine_compile(&e);
            memcpy(whole, documents(&e, q, k, v, of, 0, T), T * ROW * sizeof *whole);
            for (int d = 0; d < DOCUMENTS; d++)
                assert_memory_equal(documents(&e, q, k, v, of, places[d], places[d + 1]),
                                    whole + places[d] * ROW,
                                    (size_t)(places[d + 1] - places[d]) * ROW * sizeof *whole);
            engine_stop(&e);
        }
    free(q);
    free(k);
    free(v);
    free(whole);
}

/* Bytes of activations and scratch of one training step on T tokens. */
static int64_t bytes_of(int64_t t, bool gradient)
{
    struct engine e;
    sw_node *wanted[4];
    engine_start(&e, NULL, 1);
    for (int i = 0; i < 3; i++)
        e.in[i] = sw_input(e.g, "x", SW_F32, SW_SHAPE(1, t, i ? NKV : NH, HS));
    sw_node *y = sw_attention(e.g, e.in[0], e.in[1], e.in[2], forms[0]);
    wanted[0] = sw_sum(e.g, y, (sw_reduce_options){.n_axes = 0});
    if (gradient) assert_int_equal(sw_grad(e.g, wanted[0], e.in, 3, wanted + 1), SW_OK);
    const sw_plan_options o = {.outputs = wanted, .n_outputs = gradient ? 4 : 1};
    assert_int_equal(sw_compile(e.g, o, &e.p), SW_OK);
    const sw_plan_stats stats = sw_plan_get_stats(e.p);
    engine_stop(&e);
    return stats.buffer_bytes + stats.scratch_bytes;
}

static void memory_grows_with_t(void **state)
{
    for (int gradient = 0; gradient < 2; gradient++) {
        const int64_t once = bytes_of(4096, gradient), twice = bytes_of(8192, gradient);
        const int64_t far = bytes_of(1 << 20, gradient);
        const int64_t row = (NH + 2 * NKV) * HS * (int64_t)sizeof(float);
        assert_true(twice <= 2 * once);
        /* At most y, dy, dq, dk, dv, log-sum-exp and delta of a token; a scratch that T is not in. */
        assert_true(far <= (gradient ? 4 : 2) * row * (1 << 20) + (8 << 20));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rows_do_not_see_each_other),
        cmocka_unit_test(pages_make_no_difference),
        cmocka_unit_test(a_fork_continues),
        cmocka_unit_test(any_numbers_are_safe),
        cmocka_unit_test(memory_grows_with_t),
        cmocka_unit_test(documents_do_not_see_each_other),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
