/* Saved sessions: going on from a file gives the bits of never having stopped, for every type of keys and values, in
 * other chunks, with other threads; and what is foreign or damaged is refused, byte by byte. */
#include "unit.h"

#include <unistd.h>
#include <swell/swell.h>
#include "gpt/gpt_int.h"
#include "small_model.h"

enum { V = 48, PROMPT = 50, FIRST = 25, SECOND = 30, ALL = FIRST + SECOND };
enum { MODEL, OTHER_WEIGHTS, OTHER_SIZES, MODELS };

static const struct small_model small[MODELS] = {
    [MODEL] = {64, 64, 2, 2, 1, V, 200, 0.4f, 11},
    [OTHER_WEIGHTS] = {64, 64, 2, 2, 1, V, 200, 0.4f, 12},
    [OTHER_SIZES] = {64, 64, 2, 2, 2, V, 200, 0.4f, 11},
};
static char folder[] = "session-XXXXXX", paths[MODELS][16];
static int32_t prompt[PROMPT];

static int make_models(void **state)
{
    if (!mkdtemp(folder) || chdir(folder) != 0) return 1;
    for (int i = 0; i < PROMPT; i++) prompt[i] = (int32_t)(sw__random_u32(5, 0, (uint64_t)i) % V);
    for (int i = 0; i < MODELS; i++) {
        strcpy(paths[i], "model-XXXXXX");
        if (!small_model_write(paths[i], &small[i])) return 1;
    }
    return 0;
}

static int remove_models(void **state)
{
    int status = unlink("s");
    for (int i = 0; i < MODELS; i++) status |= unlink(paths[i]);
    return status | chdir("..") | rmdir(folder); /* no temporary file was left */
}

struct opened {
    sw_context *ctx;
    sw_model *m;
    sw_session *s;
};

static struct opened open_model(int which, int threads, sw_model_options o)
{
    struct opened x;
    assert_int_equal(sw_context_create(&(sw_context_options){.threads = threads}, &x.ctx), SW_OK);
    if (sw_model_open(x.ctx, paths[which], &o, &x.m) != SW_OK) fail_msg("%s", sw_error(x.ctx));
    assert_int_equal(sw_session_open(x.m, &x.s), SW_OK);
    return x;
}

static void close_model(struct opened *x)
{
    sw_session_close(x->s);
    sw_model_destroy(x->m);
    sw_context_destroy(x->ctx);
}

struct text {
    int32_t tokens[ALL];
    int64_t n;
    float logits[V];
};

static bool collect(void *user, int32_t token, const char *text, size_t bytes)
{
    struct text *t = user;
    if (token >= 0) t->tokens[t->n++] = token;
    return bytes == 0; /* no tokenizer */
}

/* Write on, and feed the last token too. */
static void go_on(sw_session *s, int64_t n, struct text *t)
{
    sw_generated made;
    const sw_generate_options o = {.tokens = n, .piece = collect, .user = t};
    assert_int_equal(sw_generate(s, &o, &made), SW_OK);
    assert_int_equal(made.unfed, t->tokens[t->n - 1]);
    assert_int_equal(sw_session_feed(s, &made.unfed, 1), SW_OK);
    memcpy(t->logits, sw_session_logits(s), sizeof t->logits);
}

static void test_same_bits(void **state)
{
    for (int kv = SW_MODEL_KV_F16; kv <= SW_MODEL_KV_Q8_0; kv++) {
        struct text whole = {.n = 0}, parts = {.n = 0};
        struct opened x = open_model(MODEL, 1, (sw_model_options){.kv = (sw_model_kv)kv});
        assert_int_equal(sw_session_feed(x.s, prompt, PROMPT), SW_OK);
        go_on(x.s, ALL, &whole);
        assert_int_equal(sw_session_truncate(x.s, 0), SW_OK);
        assert_int_equal(sw_session_feed(x.s, prompt, PROMPT), SW_OK);
        go_on(x.s, FIRST, &parts);
        assert_int_equal(sw_session_save(x.s, "s"), SW_OK);
        close_model(&x);
        const sw_model_options o = {.kv = (sw_model_kv)kv, .chunk = 7, .sessions = 3};
        x = open_model(MODEL, 3, o);
        assert_int_equal(sw_session_feed(x.s, prompt, 9), SW_OK); /* it goes away */
        if (sw_session_load(x.s, "s") != SW_OK) fail_msg("%s", sw_error(x.ctx));
        assert_memory_equal(sw_session_logits(x.s), parts.logits, sizeof parts.logits);
        go_on(x.s, SECOND, &parts);
        assert_memory_equal(parts.tokens, whole.tokens, sizeof whole.tokens);
        assert_memory_equal(parts.logits, whole.logits, sizeof whole.logits);
        close_model(&x);
    }
}

/* A text that begins like the saved one. */
static void test_prefix(void **state)
{
    struct text fresh = {.n = 0}, reused = {.n = 0};
    struct opened x = open_model(MODEL, 1, (sw_model_options){0});
    int32_t other[PROMPT];
    memcpy(other, prompt, sizeof other);
    for (int i = 40; i < PROMPT; i++) other[i] = (other[i] + 1) % V;
    assert_int_equal(sw_session_feed(x.s, other, PROMPT), SW_OK);
    go_on(x.s, FIRST, &fresh);
    assert_int_equal(sw_session_truncate(x.s, 0), SW_OK);
    assert_int_equal(sw_session_feed(x.s, prompt, PROMPT), SW_OK);
    assert_int_equal(sw_session_save(x.s, "s"), SW_OK);
    assert_int_equal(sw_session_truncate(x.s, 0), SW_OK);
    assert_int_equal(sw_session_load(x.s, "s"), SW_OK);
    assert_int_equal(sw_session_reuse(x.s, other, PROMPT), 40);
    assert_int_equal(sw_session_feed(x.s, other + 40, PROMPT - 40), SW_OK);
    fresh.n = 0;
    go_on(x.s, FIRST, &reused);
    assert_memory_equal(reused.tokens, fresh.tokens, FIRST * sizeof *fresh.tokens);
    assert_memory_equal(reused.logits, fresh.logits, sizeof fresh.logits);
    close_model(&x);
}

/* ---- what is refused --------------------------------------------------------------------------- */

static void refused(int which, sw_model_options o, const char *text)
{
    struct opened x = open_model(which, 1, o);
    assert_int_equal(sw_session_feed(x.s, prompt, 5), SW_OK);
    assert_int_not_equal(sw_session_load(x.s, "s"), SW_OK);
    if (!strstr(sw_error(x.ctx), text)) fail_msg("'%s' is not in: %s", text, sw_error(x.ctx));
    int64_t n;
    sw_session_tokens(x.s, &n);
    assert_int_equal(n, 5); /* as it was */
    close_model(&x);
}

static void test_refused(void **state)
{
    struct opened x = open_model(MODEL, 1, (sw_model_options){0});
    assert_int_equal(sw_session_save(x.s, "s"), SW_ERR_STATE);
    assert_int_equal(sw_session_feed(x.s, prompt, PROMPT), SW_OK);
    assert_int_equal(sw_session_save(x.s, "s"), SW_OK);
    assert_int_equal(sw_session_save(x.s, "no/such/folder"), SW_ERR_IO);
    assert_int_equal(sw_session_load(x.s, "nothing"), SW_ERR_IO);
    assert_int_equal(sw_session_load(x.s, paths[MODEL]), SW_ERR_FORMAT);
    close_model(&x);
    refused(OTHER_WEIGHTS, (sw_model_options){0}, "of another model");
    refused(OTHER_SIZES, (sw_model_options){0}, "of another model");
    refused(MODEL, (sw_model_options){.kv = SW_MODEL_KV_BF16}, "are f16, those of the model bf16");
    refused(MODEL, (sw_model_options){.context = PROMPT - 1},
            "50 tokens, and the context has room for 49");
}

/* Any byte changed, and the file cut anywhere. */
static void test_damage(void **state)
{
    struct opened x = open_model(MODEL, 1, (sw_model_options){0});
    char *data, *copy;
    size_t size;
    assert_int_equal(sw_session_feed(x.s, prompt, 40), SW_OK);
    assert_int_equal(sw_session_save(x.s, "s"), SW_OK);
    FILE *f = fopen("s", "rb");
    assert_non_null(f);
    data = malloc(1 << 20);
    size = fread(data, 1, 1 << 20, f);
    fclose(f);
    copy = malloc(size);
    assert_true(data && copy && size > 4000 && size < 1 << 20);
    for (size_t at = 0; at < size; at += at < 400 || at + 200 > size ? 1 : 61) {
        memcpy(copy, data, size);
        copy[at] ^= 4;
        assert_int_not_equal(sw__session_restore(x.s, "s", (uint8_t *)copy, size), SW_OK);
        assert_int_not_equal(sw__session_restore(x.s, "s", (uint8_t *)data, at), SW_OK);
    }
    int64_t n;
    sw_session_tokens(x.s, &n);
    assert_int_equal(n, 40);
    assert_int_equal(sw__session_restore(x.s, "s", (uint8_t *)data, size), SW_OK);
    free(data);
    free(copy);
    close_model(&x);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_same_bits),
        cmocka_unit_test(test_prefix),
        cmocka_unit_test(test_refused),
        cmocka_unit_test(test_damage),
    };
    return cmocka_run_group_tests(tests, make_models, remove_models);
}
