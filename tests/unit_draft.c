/* Speculative decoding with a draft model: at temperature 0 the same tokens and the same bits of logits, with a draft
 * that is always right and with one that never is; above, the distribution of the model alone, counted against its
 * exact probabilities. */
#include "unit.h"

#include <math.h>
#include <unistd.h>
#include <swell/swell.h>
#include "small_model.h"

enum { V = 48, PROMPT = 30, TOKENS = 60, FEW = 6, RUNS = 20000 };
enum { TARGET, OTHER, SMALLER, TARGET_FEW, OTHER_FEW, MODELS };

static const struct small_model small[MODELS] = {
    [TARGET] = {32, 64, 3, 4, 2, V, 200, 0.4f, 11},
    [OTHER] = {16, 32, 1, 2, 1, V, 200, 0.4f, 12},
    [SMALLER] = {16, 32, 1, 2, 1, V - 1, 200, 0.4f, 13},
    [TARGET_FEW] = {16, 32, 1, 2, 1, FEW, 32, 0.6f, 14},
    [OTHER_FEW] = {16, 32, 1, 2, 1, FEW, 32, 0.6f, 15},
};
static char paths[MODELS][24];
static int32_t prompt[PROMPT];

static int make_models(void **state)
{
    for (int i = 0; i < PROMPT; i++) prompt[i] = (int32_t)(sw__random_u32(5, 0, (uint64_t)i) % FEW);
    for (int i = 0; i < MODELS; i++) {
        strcpy(paths[i], "draft-XXXXXX");
        if (!small_model_write(paths[i], &small[i])) return 1;
    }
    return 0;
}

static int remove_models(void **state)
{
    int status = 0;
    for (int i = 0; i < MODELS; i++) status |= unlink(paths[i]);
    return status;
}

struct opened {
    sw_context *ctx;
    sw_model *m[2];
    sw_session *s[2];
};

static struct opened open_models(int target, int draft, int threads, int64_t draft_context)
{
    struct opened x;
    const int which[2] = {target, draft};
    assert_int_equal(sw_context_create(&(sw_context_options){.threads = threads}, &x.ctx), SW_OK);
    for (int i = 0; i < 2; i++) {
        const sw_model_options o = {.context = i ? draft_context : 0};
        if (sw_model_open(x.ctx, paths[which[i]], &o, &x.m[i]) != SW_OK)
            fail_msg("%s", sw_error(x.ctx));
        assert_int_equal(sw_session_open(x.m[i], &x.s[i]), SW_OK);
    }
    return x;
}

static void close_models(struct opened *x)
{
    for (int i = 0; i < 2; i++) {
        sw_session_close(x->s[i]);
        sw_model_destroy(x->m[i]);
    }
    sw_context_destroy(x->ctx);
}

struct text {
    int32_t tokens[TOKENS];
    int64_t n;
    float logits[V];
    sw_generated made;
};

static bool collect(void *user, int32_t token, const char *text, size_t bytes)
{
    struct text *t = user;
    if (token >= 0 && t->n < TOKENS) t->tokens[t->n++] = token;
    return bytes == 0; /* no tokenizer */
}

static void write_text(const struct opened *x, sw_sampler_options so, int draft_tokens,
                       struct text *out)
{
    sw_sampler *sampler;
    sw_generate_options o = {.tokens = TOKENS, .piece = collect, .user = out};
    o.draft = draft_tokens ? x->s[1] : NULL;
    o.draft_tokens = draft_tokens;
    out->n = 0;
    assert_int_equal(sw_sampler_create(x->ctx, &so, V, &sampler), SW_OK);
    for (int i = 0; i < PROMPT; i++) sw_sampler_accept(sampler, prompt[i]);
    o.sampler = sampler;
    assert_int_equal(sw_session_truncate(x->s[0], 0), SW_OK);
    assert_int_equal(sw_session_feed(x->s[0], prompt, PROMPT), SW_OK);
    if (sw_generate(x->s[0], &o, &out->made) != SW_OK) fail_msg("%s", sw_error(x->ctx));
    memcpy(out->logits, sw_session_logits(x->s[0]), sizeof out->logits);
    assert_int_equal(out->n, TOKENS);
    assert_int_equal(out->made.unfed, out->tokens[TOKENS - 1]);
    sw_sampler_destroy(sampler);
}

static void same(const struct text *a, const struct text *b)
{
    assert_memory_equal(a->tokens, b->tokens, sizeof a->tokens);
    assert_memory_equal(a->logits, b->logits, sizeof a->logits);
}

/* Penalties too: the draft's tokens count as said while it looks ahead. */
static void test_greedy(void **state)
{
    static const sw_sampler_options options[] = {
        {.temperature = 0},
        {.repeat_penalty = 1.3f, .dry_multiplier = 2, .penalty_window = 16, .dry_window = 40}};
    for (int o = 0; o < 2; o++)
        for (int threads = 1; threads <= 3; threads++)
            for (int draft = TARGET; draft <= OTHER; draft++) {
                struct text alone, drafted;
                struct opened x = open_models(TARGET, draft, threads, 0);
                write_text(&x, options[o], 0, &alone);
                for (int n = 1; n <= 9; n += 4) {
                    write_text(&x, options[o], n, &drafted);
                    same(&alone, &drafted);
                    assert_true(drafted.made.guessed > 0);
                    if (draft == TARGET) /* but those behind the last token */
                        assert_true(drafted.made.guessed - drafted.made.right <= n);
                    else
                        assert_true(drafted.made.right < drafted.made.guessed / 2);
                }
                close_models(&x);
            }
}

/* A draft that cannot look back as far falls silent, and the text is the same. */
static void test_short_draft(void **state)
{
    struct text alone, drafted;
    struct opened x = open_models(TARGET, TARGET, 1, PROMPT + 20);
    write_text(&x, (sw_sampler_options){0}, 0, &alone);
    write_text(&x, (sw_sampler_options){0}, 4, &drafted);
    same(&alone, &drafted);
    assert_true(drafted.made.right >= 15 && drafted.made.guessed <= 21);
    close_models(&x);
}

/* ---- the distribution -------------------------------------------------------------------------- */

static void softmax(const float *logits, double temperature, double *p)
{
    double sum = 0;
    for (int i = 0; i < FEW; i++) sum += p[i] = exp((double)logits[i] / temperature);
    for (int i = 0; i < FEW; i++) p[i] /= sum;
}

/* Of the three tokens behind the prompt, from the model's own logits. */
static void exact(sw_session *s, double temperature, double *p)
{
    for (int32_t a = 0; a < FEW; a++)
        for (int32_t b = 0; b < FEW; b++) {
            double first[FEW], second[FEW], third[FEW];
            assert_int_equal(sw_session_truncate(s, 0), SW_OK);
            assert_int_equal(sw_session_feed(s, prompt, 4), SW_OK);
            softmax(sw_session_logits(s), temperature, first);
            assert_int_equal(sw_session_feed(s, &a, 1), SW_OK);
            softmax(sw_session_logits(s), temperature, second);
            assert_int_equal(sw_session_feed(s, &b, 1), SW_OK);
            softmax(sw_session_logits(s), temperature, third);
            for (int c = 0; c < FEW; c++)
                p[(a * FEW + b) * FEW + c] = first[a] * second[b] * third[c];
        }
}

static double chi_square(const double *p, const int *count, int *cells)
{
    double sum = 0, rest_p = 0, rest = 0;
    *cells = 0;
    for (int i = 0; i < FEW * FEW * FEW; i++) {
        const double want = p[i] * RUNS;
        if (want < 5) { /* pooled */
            rest_p += want;
            rest += count[i];
            continue;
        }
        sum += (count[i] - want) * (count[i] - want) / want;
        ++*cells;
    }
    return rest_p < 5 ? sum : sum + (rest - rest_p) * (rest - rest_p) / rest_p;
}

/* Runs of three tokens with a draft of another network: cells of the cube against exact probabilities.  Chi-square of k
 * degrees of freedom has mean k and variance 2 k; 6 deviations above are less likely than 1e-6. */
static void test_distribution(void **state)
{
    static double p[FEW * FEW * FEW];
    static int count[FEW * FEW * FEW];
    struct opened x = open_models(TARGET_FEW, OTHER_FEW, 1, 0);
    const sw_sampler_options so = {.temperature = 0.8f, .seed = 3};
    int cells;
    int64_t guessed = 0, right = 0;
    sw_sampler *sampler;
    assert_int_equal(sw_sampler_create(x.ctx, &so, FEW, &sampler), SW_OK);
    exact(x.s[0], (double)so.temperature, p);
    assert_int_equal(sw_session_truncate(x.s[0], 0), SW_OK);
    assert_int_equal(sw_session_feed(x.s[0], prompt, 3), SW_OK);
    for (int run = 0; run < RUNS; run++) {
        struct text out = {.n = 0};
        const sw_generate_options o = {.tokens = 3,
                                       .sampler = sampler,
                                       .draft = x.s[1],
                                       .draft_tokens = 2,
                                       .piece = collect,
                                       .user = &out};
        assert_int_equal(sw_session_truncate(x.s[0], 3), SW_OK);
        assert_int_equal(sw_session_feed(x.s[0], prompt + 3, 1), SW_OK);
        assert_int_equal(sw_generate(x.s[0], &o, &out.made), SW_OK);
        count[(out.tokens[0] * FEW + out.tokens[1]) * FEW + out.tokens[2]]++;
        guessed += out.made.guessed;
        right += out.made.right;
    }
    const double chi = chi_square(p, count, &cells);
    print_message("chi-square %.1f of %d cells; %lld of %lld guesses right\n", chi, cells,
                  (long long)right, (long long)guessed);
    assert_true(cells > 60 && right > guessed / 10 && right < guessed * 9 / 10);
    assert_true(chi < cells + 6 * sqrt(2.0 * cells));
    sw_sampler_destroy(sampler);
    close_models(&x);
}

/* ---- what is refused --------------------------------------------------------------------------- */

static void refused(struct opened *x, sw_generate_options o, const char *text)
{
    assert_int_equal(sw_generate(x->s[0], &o, NULL), SW_ERR_ARGUMENT);
    if (!strstr(sw_error(x->ctx), text)) fail_msg("'%s' is not in: %s", text, sw_error(x->ctx));
}

static void test_refused(void **state)
{
    struct opened x = open_models(TARGET, SMALLER, 1, 0);
    sw_sampler *sampler;
    char both[128];
    assert_int_equal(sw_sampler_create(x.ctx, &(sw_sampler_options){0}, V, &sampler), SW_OK);
    assert_int_equal(sw_session_feed(x.s[0], prompt, PROMPT), SW_OK);
    snprintf(both, sizeof both,
             "%s cannot be a draft for %s: a vocabulary of 47 tokens, and 48 there", paths[SMALLER],
             paths[TARGET]);
    refused(&x, (sw_generate_options){.sampler = sampler, .draft = x.s[1]}, both);
    refused(&x, (sw_generate_options){.sampler = sampler, .draft = x.s[0]}, "not its own draft");
    refused(&x, (sw_generate_options){.draft = x.s[1]}, "with a sampler");
    refused(&x, (sw_generate_options){.sampler = sampler, .draft = x.s[1], .lookup = 1},
            "no lookup");
    refused(&x, (sw_generate_options){.sampler = sampler, .draft = x.s[1], .draft_tokens = 65},
            "at most 64");
    sw_sampler_destroy(sampler);
    close_models(&x);
}

/* A tokenizer.bin of llama2.c: three marks, all bytes, and words of which the one of `id` is another. */
enum { WORDS = 300 };
static void write_tokenizer(char *path, int id)
{
    const int32_t longest = 8;
    const int fd = mkstemps(path, 4);
    FILE *f = fd < 0 ? NULL : fdopen(fd, "wb");
    assert_non_null(f);
    fwrite(&longest, sizeof longest, 1, f);
    for (int i = 0; i < WORDS; i++) {
        char word[16];
        const float score = 0;
        const int32_t n = i < 3 || i >= 259
                              ? snprintf(word, sizeof word, "w%d%s", i, i == id ? "x" : "")
                              : snprintf(word, sizeof word, "<0x%02X>", (unsigned)i - 3);
        fwrite(&score, sizeof score, 1, f);
        fwrite(&n, sizeof n, 1, f);
        fwrite(word, 1, (size_t)n, f);
    }
    assert_int_equal(fclose(f), 0);
}

static void test_other_words(void **state)
{
    const struct small_model words = {16, 32, 1, 2, 1, WORDS, 32, 0.4f, 16};
    char model[] = "draft-XXXXXX", plain[] = "draft-XXXXXX.bin", other[] = "draft-XXXXXX.bin";
    sw_context *ctx;
    sw_model *m[3];
    sw_session *s[3];
    sw_sampler *sampler;
    assert_true(small_model_write(model, &words));
    write_tokenizer(plain, -1);
    write_tokenizer(other, 280);
    assert_int_equal(sw_context_create(&(sw_context_options){.threads = 1}, &ctx), SW_OK);
    assert_int_equal(sw_sampler_create(ctx, &(sw_sampler_options){0}, WORDS, &sampler), SW_OK);
    for (int i = 0; i < 3; i++) {
        const sw_model_options o = {.tokenizer = i == 2 ? other : plain};
        if (sw_model_open(ctx, model, &o, &m[i]) != SW_OK) fail_msg("%s", sw_error(ctx));
        assert_int_equal(sw_session_open(m[i], &s[i]), SW_OK);
    }
    assert_int_equal(sw_session_feed(s[0], prompt, 4), SW_OK);
    sw_generate_options o = {.tokens = 3, .sampler = sampler, .draft = s[1]};
    assert_int_equal(sw_generate(s[0], &o, NULL), SW_OK);
    o.draft = s[2];
    assert_int_equal(sw_generate(s[0], &o, NULL), SW_ERR_ARGUMENT);
    assert_non_null(strstr(sw_error(ctx), "token 280 is 'w280x', and 'w280' there"));
    for (int i = 0; i < 3; i++) {
        sw_session_close(s[i]);
        sw_model_destroy(m[i]);
    }
    sw_sampler_destroy(sampler);
    sw_context_destroy(ctx);
    assert_true(unlink(model) == 0 && unlink(plain) == 0 && unlink(other) == 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_greedy),       cmocka_unit_test(test_short_draft),
        cmocka_unit_test(test_distribution), cmocka_unit_test(test_refused),
        cmocka_unit_test(test_other_words),
    };
    return cmocka_run_group_tests(tests, make_models, remove_models);
}
