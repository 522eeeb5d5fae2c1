/* Sessions and generation on a small random model of llama2.c: the tokens, and the bits of the logits, are
 * the same for any threads, neighbours, chunks, prefixes and guesses.
 *
 * Weights are large, so that the network is far from linear and the text does not end in a loop at once;
 * the vocabulary is small, so that n-grams come back and there is something to guess. */
#include "unit.h"

#include <unistd.h>
#include <swell/swell.h>
#include "small_model.h"

enum { C = 32, FF = 64, LAYERS = 3, NH = 4, NKV = 2, V = 48, CONTEXT = 600 };
enum { PROMPT = 90, TOKENS = 60, OTHERS = 31 };

static char path[] = "generate-XXXXXX";
static int32_t prompt[PROMPT];

static int make_model(void **state)
{
    const struct small_model small = {C, FF, LAYERS, NH, NKV, V, CONTEXT, 0.4f, 11};
    for (int i = 0; i < PROMPT; i++) prompt[i] = (int32_t)(sw__random_u32(5, 0, (uint64_t)i) % V);
    return !small_model_write(path, &small);
}

static int remove_model(void **state)
{
    return unlink(path);
}

struct opened {
    sw_context *ctx;
    sw_model *m;
};

static struct opened open_model(int threads, sw_model_options o)
{
    struct opened x;
    assert_int_equal(sw_context_create(&(sw_context_options){.threads = threads}, &x.ctx), SW_OK);
    if (sw_model_open(x.ctx, path, &o, &x.m) != SW_OK) fail_msg("%s", sw_error(x.ctx));
    return x;
}

static void close_model(struct opened *x)
{
    sw_model_destroy(x->m);
    sw_context_destroy(x->ctx);
}

/* What the text is, and the logits at its end. */
struct text {
    int32_t tokens[TOKENS];
    float logits[V];
    int64_t guessed, right;
};

struct collect {
    int32_t *tokens;
    int64_t n;
};

static bool collect(void *user, int32_t token, const char *text, size_t bytes)
{
    struct collect *c = user;
    assert_int_equal(bytes, 0); /* no tokenizer */
    if (token >= 0 && c->n < TOKENS) c->tokens[c->n++] = token;
    return true;
}

static void go_on(sw_session *s, int lookup, sw_sampler *sampler, struct text *out)
{
    struct collect c = {.tokens = out->tokens};
    sw_generated made;
    sw_generate_options o = {
        .tokens = TOKENS, .lookup = lookup, .sampler = sampler, .piece = collect, .user = &c};
    assert_int_equal(sw_generate(s, &o, &made), SW_OK);
    assert_int_equal(made.tokens, TOKENS);
    assert_int_equal(c.n, TOKENS);
    assert_int_equal(made.finish, SW_FINISH_TOKENS);
    memcpy(out->logits, sw_session_logits(s), sizeof out->logits);
    out->guessed = made.guessed;
    out->right = made.right;
}

static void write_text(const struct opened *x, int lookup, struct text *out)
{
    sw_session *s;
    assert_int_equal(sw_session_open(x->m, &s), SW_OK);
    assert_int_equal(sw_session_feed(s, prompt, PROMPT), SW_OK);
    go_on(s, lookup, NULL, out);
    sw_session_close(s);
}

static void same(const struct text *a, const struct text *b)
{
    assert_memory_equal(a->tokens, b->tokens, sizeof a->tokens);
    assert_memory_equal(a->logits, b->logits, sizeof a->logits);
}

/* ---- threads, chunks, guesses ------------------------------------------------------------------ */

static void test_threads_and_chunks(void **state)
{
    static const int chunks[] = {7, 64, 512};
    struct text first, other;
    for (int threads = 1; threads <= 3; threads++)
        for (int c = 0; c < 3; c++)
            for (int lookup = 0; lookup <= 6; lookup += 6) {
                struct opened x = open_model(threads, (sw_model_options){.chunk = chunks[c]});
                const bool is_first = threads == 1 && c == 0 && lookup == 0;
                write_text(&x, lookup, is_first ? &first : &other);
                if (!is_first) same(&first, &other);
                if (lookup) assert_true(other.right > 0 && other.right <= other.guessed);
                close_model(&x);
            }
    int distinct = 0; /* it is no loop of one token */
    for (int i = 1; i < TOKENS; i++) distinct += first.tokens[i] != first.tokens[i - 1];
    assert_true(distinct > TOKENS / 4);
}

/* Draws with a seed: guesses change nothing either. */
static void test_sampled(void **state)
{
    struct text plain, guessed;
    const sw_sampler_options so = {.temperature = 0.7f, .seed = 9};
    struct opened x = open_model(2, (sw_model_options){0});
    for (int lookup = 0; lookup <= 6; lookup += 6) {
        sw_sampler *sampler;
        sw_session *s;
        assert_int_equal(sw_sampler_create(x.ctx, &so, V, &sampler), SW_OK);
        assert_int_equal(sw_session_open(x.m, &s), SW_OK);
        assert_int_equal(sw_session_feed(s, prompt, PROMPT), SW_OK);
        go_on(s, lookup, sampler, lookup ? &guessed : &plain);
        sw_session_close(s);
        sw_sampler_destroy(sampler);
    }
    same(&plain, &guessed);
    close_model(&x);
}

/* ---- neighbours -------------------------------------------------------------------------------- */

static int32_t best(const float *x)
{
    int32_t at = 0;
    for (int32_t i = 1; i < V; i++)
        if (x[i] > x[at]) at = i;
    return at;
}

/* 32 sessions in each step; ours is one of them, the others have other texts of other lengths. */
static void test_batch(void **state)
{
    struct text alone, among = {{0}, {0}, 0, 0};
    struct opened x = open_model(2, (sw_model_options){.sessions = 1 + OTHERS});
    write_text(&x, 0, &alone);
    sw_session *s[1 + OTHERS];
    sw_model_part parts[1 + OTHERS];
    int32_t next[1 + OTHERS];
    for (int i = 0; i <= OTHERS; i++) {
        assert_int_equal(sw_session_open(x.m, &s[i]), SW_OK);
        const int64_t n = i == 17 ? PROMPT : 1 + (i * 13) % PROMPT;
        assert_int_equal(sw_session_feed(s[i], prompt + PROMPT - n, n), SW_OK);
        next[i] = best(sw_session_logits(s[i]));
    }
    for (int t = 0; t < TOKENS; t++) {
        among.tokens[t] = next[17];
        if (t == TOKENS - 1) break;
        for (int i = 0; i <= OTHERS; i++)
            parts[i] = (sw_model_part){.session = s[i], .tokens = &next[i], .n = 1, .rows = 1};
        assert_int_equal(sw_model_step(x.m, parts, 1 + OTHERS), SW_OK);
        memcpy(among.logits, parts[17].logits, sizeof among.logits);
        for (int i = 0; i <= OTHERS; i++) next[i] = best(parts[i].logits);
    }
    same(&alone, &among);
    for (int i = 0; i <= OTHERS; i++) sw_session_close(s[i]);
    close_model(&x);
}

/* A prompt's chunk beside decoding: rows of different numbers in one step. */
static void test_ragged(void **state)
{
    struct opened x = open_model(2, (sw_model_options){.sessions = 3});
    sw_session *s[3];
    float alone[3][V];
    const int64_t lengths[3] = {40, 1, 17};
    for (int i = 0; i < 3; i++) {
        assert_int_equal(sw_session_open(x.m, &s[i]), SW_OK);
        assert_int_equal(sw_session_feed(s[i], prompt, 10 + i), SW_OK);
        assert_int_equal(sw_session_feed(s[i], prompt + 20, lengths[i]), SW_OK);
        memcpy(alone[i], sw_session_logits(s[i]), sizeof alone[i]);
        assert_int_equal(sw_session_truncate(s[i], 10 + i), SW_OK);
        assert_null(sw_session_logits(s[i]));
    }
    sw_model_part parts[3];
    for (int i = 0; i < 3; i++)
        parts[i] = (sw_model_part){
            .session = s[i], .tokens = prompt + 20, .n = lengths[i], .rows = i == 2 ? 5 : i};
    assert_int_equal(sw_model_step(x.m, parts, 3), SW_OK);
    assert_memory_equal(parts[1].logits, alone[1], sizeof alone[1]);
    assert_memory_equal(parts[2].logits + 4 * V, alone[2], sizeof alone[2]);
    for (int i = 0; i < 3; i++) sw_session_close(s[i]);
    close_model(&x);
}

/* ---- prefixes ---------------------------------------------------------------------------------- */

static void test_prefixes(void **state)
{
    struct text first, again, forked;
    sw_session *s, *fork;
    struct opened x = open_model(2, (sw_model_options){.sessions = 3});
    write_text(&x, 0, &first);
    /* Another end, then this one: what is common is kept. */
    int32_t other[PROMPT];
    memcpy(other, prompt, sizeof other);
    for (int i = 50; i < PROMPT; i++) other[i] = (other[i] + 1) % V;
    assert_int_equal(sw_session_open(x.m, &s), SW_OK);
    assert_int_equal(sw_session_feed(s, other, PROMPT), SW_OK);
    assert_int_equal(sw_session_reuse(s, prompt, PROMPT), 50);
    assert_int_equal(sw_session_feed(s, prompt + 50, PROMPT - 50), SW_OK);
    assert_int_equal(sw_session_fork(s, &fork), SW_OK);
    go_on(s, 0, NULL, &again);
    same(&first, &again);
    go_on(fork, 6, NULL, &forked);
    same(&first, &forked);
    /* All of it is there already: the last token is read again. */
    assert_int_equal(sw_session_reuse(fork, prompt, PROMPT), PROMPT - 1);
    assert_int_equal(sw_session_feed(fork, prompt + PROMPT - 1, 1), SW_OK);
    go_on(fork, 0, NULL, &forked);
    same(&first, &forked);
    sw_session_close(fork);
    sw_session_close(s);
    close_model(&x);
}

/* ---- limits ------------------------------------------------------------------------------------ */

static void test_limits(void **state)
{
    sw_session *s, *more;
    sw_generated made;
    struct opened x = open_model(1, (sw_model_options){.context = 100, .chunk = 16});
    const int32_t bad = V;
    assert_int_equal(sw_model_get_info(x.m).context, 100);
    assert_int_equal(sw_session_open(x.m, &s), SW_OK);
    assert_int_equal(sw_session_open(x.m, &more), SW_ERR_STATE);
    assert_null(more);
    assert_int_equal(sw_generate(s, &(sw_generate_options){.tokens = 1}, NULL), SW_ERR_STATE);
    assert_int_equal(sw_session_feed(s, &bad, 1), SW_ERR_ARGUMENT);
    assert_int_equal(sw_session_feed_text(s, "a", 1), SW_ERR_STATE);
    assert_int_equal(sw_session_feed(s, prompt, PROMPT), SW_OK);
    assert_int_equal(sw_session_feed(s, prompt, 11), SW_ERR_SIZE);
    assert_non_null(strstr(sw_error(x.ctx), "101 tokens"));
    assert_non_null(sw_session_logits(s)); /* nothing has changed */
    int64_t n;
    sw_session_tokens(s, &n);
    assert_int_equal(n, PROMPT);
    assert_int_equal(sw_generate(s, &(sw_generate_options){.lookup = 3}, &made), SW_OK);
    assert_int_equal(made.finish, SW_FINISH_CONTEXT);
    assert_int_equal(made.tokens, 100 - PROMPT + 1);
    sw_session_close(s);
    close_model(&x);
}

/* Shifting is reading the newer half again: a session that is fed that half goes on the same. */
static void test_shift(void **state)
{
    struct text shifted, fed;
    sw_session *s;
    struct opened x = open_model(1, (sw_model_options){.context = PROMPT});
    assert_int_equal(sw_session_open(x.m, &s), SW_OK);
    assert_int_equal(sw_session_feed(s, prompt, PROMPT), SW_OK);
    struct collect c = {.tokens = shifted.tokens};
    sw_generate_options o = {.tokens = 30, .shift = true, .keep = 4, .piece = collect, .user = &c};
    assert_int_equal(sw_generate(s, &o, NULL), SW_OK);
    assert_int_equal(sw_session_truncate(s, 0), SW_OK);
    int32_t kept[PROMPT];
    const int newer = (PROMPT - 4) / 2;
    memcpy(kept, prompt, 4 * sizeof *kept);
    memcpy(kept + 4, prompt + PROMPT - newer, (size_t)newer * sizeof *kept);
    kept[4 + newer] = shifted.tokens[0]; /* drawn before the context was full */
    assert_int_equal(sw_session_feed(s, kept, 5 + newer), SW_OK);
    c = (struct collect){.tokens = fed.tokens};
    o.tokens = 29;
    assert_int_equal(sw_generate(s, &o, NULL), SW_OK);
    assert_memory_equal(shifted.tokens + 1, fed.tokens, 29 * sizeof *fed.tokens);
    sw_session_close(s);
    close_model(&x);
}

static void refused(sw_model_options o, const char *text)
{
    sw_context *ctx;
    sw_model *m;
    assert_int_equal(sw_context_create(&(sw_context_options){.threads = 1}, &ctx), SW_OK);
    assert_int_not_equal(sw_model_open(ctx, path, &o, &m), SW_OK);
    assert_null(m);
    if (!strstr(sw_error(ctx), text)) fail_msg("'%s' is not in: %s", text, sw_error(ctx));
    sw_context_destroy(ctx);
}

static void test_options(void **state)
{
    refused((sw_model_options){.context = CONTEXT + 1}, "made for 600");
    refused((sw_model_options){.context = -1}, "context -1");
    refused((sw_model_options){.sessions = 1 << 20}, "at most 4096");
    refused((sw_model_options){.kv = (sw_model_kv)7}, "of kind 7");
    refused((sw_model_options){.tokenizer = "no such file"}, "no such file");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_threads_and_chunks),
        cmocka_unit_test(test_sampled),
        cmocka_unit_test(test_batch),
        cmocka_unit_test(test_ragged),
        cmocka_unit_test(test_prefixes),
        cmocka_unit_test(test_limits),
        cmocka_unit_test(test_shift),
        cmocka_unit_test(test_options),
    };
    return cmocka_run_group_tests(tests, make_model, remove_model);
}
