/* Keys and values in each type: what rounding them costs in nats, the bytes they take, and the same bits for any
 * threads and chunks.
 *
 * The bounds.  A number of standard deviation 1 is rounded with an error of about 2^-9 / sqrt(3) * 0.72 = 0.0008 in
 * bf16 (8 bits; 0.72 for the place in the binade), an eighth of that in f16 (11 bits), and in q8_0 by d / sqrt(12), d the
 * largest of 32 numbers, about 2.1, by 127: 0.0048.  The logits move in proportion while the errors are small, and the
 * divergence with their square: q8_0 costs 35 times what bf16 costs, f16 a 64th.  Between two such networks the ratio
 * varies: a factor of 4 is left on either side.  And q8_0 stays below the 0.001 nats of quantised weights. */
#include "unit.h"

#include <math.h>
#include <unistd.h>
#include <swell/swell.h>
#include "small_model.h"

enum { V = 64, TOKENS = 96, ROWS = 64 };

static char path[] = "kv-types-XXXXXX";
static int32_t tokens[TOKENS];

static int make_model(void **state)
{
    const struct small_model small = {128, 192, 3, 4, 2, V, 128, 0.36f, 21};
    for (int i = 0; i < TOKENS; i++) tokens[i] = (int32_t)(sw__random_u32(6, 0, (uint64_t)i) % V);
    return !small_model_write(path, &small);
}

static int remove_model(void **state)
{
    return unlink(path);
}

/* Logits of the last ROWS tokens. */
static void logits_of(sw_model_kv kv, int threads, int chunk, float *logits, int64_t *kv_bytes)
{
    sw_context *ctx;
    sw_model *m;
    sw_session *s;
    const sw_model_options o = {.kv = kv, .chunk = chunk, .rows = ROWS};
    assert_int_equal(sw_context_create(&(sw_context_options){.threads = threads}, &ctx), SW_OK);
    if (sw_model_open(ctx, path, &o, &m) != SW_OK) fail_msg("%s", sw_error(ctx));
    *kv_bytes = sw_model_get_info(m).kv_bytes;
    assert_int_equal(sw_session_open(m, &s), SW_OK);
    assert_int_equal(sw_session_feed(s, tokens, TOKENS - ROWS), SW_OK);
    for (int done = 0; done < ROWS; done += chunk) {
        const int n = chunk < ROWS - done ? chunk : ROWS - done;
        sw_model_part part = {
            .session = s, .tokens = tokens + TOKENS - ROWS + done, .n = n, .rows = n};
        assert_int_equal(sw_model_step(m, &part, 1), SW_OK);
        memcpy(logits + done * V, part.logits, (size_t)n * V * sizeof *logits);
    }
    sw_session_close(s);
    sw_model_destroy(m);
    sw_context_destroy(ctx);
}

static double log_sum(const float *x)
{
    double sum = 0;
    for (int i = 0; i < V; i++) sum += exp((double)x[i]);
    return log(sum);
}

/* Mean over rows of sum p (log p - log q). */
static double divergence(const float *p, const float *q)
{
    double all = 0;
    for (int r = 0; r < ROWS; r++, p += V, q += V) {
        const double lp = log_sum(p), lq = log_sum(q);
        for (int i = 0; i < V; i++) {
            const double a = (double)p[i] - lp;
            all += exp(a) * (a - ((double)q[i] - lq));
        }
    }
    return all / ROWS;
}

static double entropy(const float *p)
{
    double all = 0;
    for (int r = 0; r < ROWS; r++, p += V)
        for (int i = 0; i < V; i++) {
            const double a = (double)p[i] - log_sum(p);
            all -= exp(a) * a;
        }
    return all / ROWS;
}

static void test_divergence(void **state)
{
    static float exact[ROWS * V], f16[ROWS * V], bf16[ROWS * V], q8[ROWS * V];
    int64_t bytes[4];
    logits_of(SW_MODEL_KV_F32, 1, 32, exact, &bytes[0]);
    logits_of(SW_MODEL_KV_F16, 1, 32, f16, &bytes[1]);
    logits_of(SW_MODEL_KV_BF16, 1, 32, bf16, &bytes[2]);
    logits_of(SW_MODEL_KV_Q8_0, 1, 32, q8, &bytes[3]);
    assert_true(bytes[0] == 2 * bytes[1] && bytes[1] == bytes[2]);
    assert_true(bytes[3] * 32 == bytes[1] / 2 * 34);
    const double of_f16 = divergence(exact, f16), of_bf16 = divergence(exact, bf16),
                 of_q8 = divergence(exact, q8);
    print_message("entropy %.3f nats; divergence of f16 %.3g, bf16 %.3g, q8_0 %.3g\n",
                  entropy(exact), of_f16, of_bf16, of_q8);
    assert_true(entropy(exact) < log(V) - 0.5); /* it has something to say */
    assert_true(of_f16 > of_bf16 / 64 / 4 && of_f16 < of_bf16 / 64 * 4);
    assert_true(of_q8 > of_bf16 * 35 / 4 && of_q8 < of_bf16 * 35 * 4);
    assert_true(of_q8 < 1e-3 && divergence(f16, q8) < 1e-3);
}

static void test_bits(void **state)
{
    static float first[ROWS * V], other[ROWS * V];
    int64_t bytes;
    for (int kv = SW_MODEL_KV_F16; kv <= SW_MODEL_KV_Q8_0; kv++) {
        logits_of((sw_model_kv)kv, 1, 32, first, &bytes);
        for (int threads = 1; threads <= 3; threads++)
            for (int chunk = 1; chunk <= 64; chunk += 21) {
                logits_of((sw_model_kv)kv, threads, chunk, other, &bytes);
                assert_memory_equal(first, other, sizeof first);
            }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_divergence),
                                       cmocka_unit_test(test_bits)};
    return cmocka_run_group_tests(tests, make_model, remove_model);
}
