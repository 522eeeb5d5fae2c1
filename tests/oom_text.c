/* Out of memory in the text room: each allocation in turn fails while a tokenizer is opened and used, a text is drawn,
 * and a constraint is made and asked. */
#include "unit.h"

#include <unistd.h>
#include <swell/swell.h>
#include "base/file.h"
#include "fail_malloc.h"
#include "small_vocabulary.h"

static char folder[] = "oom-text-XXXXXX";
static sw_context *ctx;

static int make_context(void **state)
{
    sw_status status = sw_context_create(&(sw_context_options){.threads = 1}, &ctx);
    return status != SW_OK || !mkdtemp(folder) || chdir(folder) != 0;
}

static int remove_context(void **state)
{
    sw_context_destroy(ctx);
    return chdir("..") | rmdir(folder);
}

/* ---- tokenizers -------------------------------------------------------------------------------- */

static sw_status open_tokenizer(void *path)
{
    static const char text[] = "Hello, world! Don't: 12 \xc3\xa4\n";
    int32_t ids[64];
    int64_t n;
    sw_tokenizer *t;
    sw_status status = sw_tokenizer_open(ctx, path, &t);
    if (status != SW_OK) {
        assert_null(t);
        return status;
    }
    status = sw_tokenize(t, text, sizeof text - 1, (sw_tokenize_options){.begin = true}, ids, 64,
                         &n);
    if (status != SW_OK && status != SW_ERR_MEMORY)
        status = SW_OK; /* it has no token for all bytes */
    sw_tokenizer_destroy(t);
    return status;
}

/* The corpora of the fuzzers; those of several kinds have a byte before the file. */
static void tokenizers(void **state)
{
    static const struct {
        const char *corpus, *name;
        int skip;
    } files[] = {
        {"hf_tokenizer/byte_level.json", "tokenizer.json", 0},
        {"hf_tokenizer/llama.json", "tokenizer.json", 0},
        {"hf_tokenizer/wordpiece.json", "tokenizer.json", 0},
        {"token_file/gguf_bpe", "a.gguf", 1},
        {"token_file/gguf_spm", "a.gguf", 1},
        {"token_file/llama2c", "a.bin", 1},
        {"token_file/vocab", "vocab.txt", 1},
    };
    fail_malloc_skip();
    for (size_t i = 0; i < sizeof files / sizeof *files; i++) {
        char path[512], *data;
        size_t size;
        snprintf(path, sizeof path, "%s/%s", OOM_CORPUS, files[i].corpus);
        assert_int_equal(sw__file_read(path, 1 << 20, &data, &size), SW_OK);
        FILE *f = fopen(files[i].name, "wb");
        assert_non_null(f);
        fwrite(data + files[i].skip, 1, size - (size_t)files[i].skip, f);
        assert_int_equal(fclose(f), 0);
        free(data);
        print_message("%s: %ld allocations\n", files[i].corpus,
                      fail_malloc_each(open_tokenizer, (void *)files[i].name));
        assert_int_equal(unlink(files[i].name), 0);
    }
}

/* ---- samplers ---------------------------------------------------------------------------------- */

static sw_status sample(void *user)
{
    enum { N = 50 };
    const sw_sampler_options *o = user;
    float logits[N], q[N];
    int32_t token;
    sw_sampler *s;
    sw_status status = sw_sampler_create(ctx, o, N, &s);
    if (status != SW_OK) {
        assert_null(s);
        return status;
    }
    for (int i = 0; i < N; i++) logits[i] = (float)(i % 7);
    assert_int_equal(sw_sampler_draw(s, logits, N, NULL, &token), SW_OK);
    sw_sampler_accept(s, token);
    assert_int_equal(sw_sampler_propose(s, logits, N, &token, 1, &token, q), SW_OK);
    sw_sampler_destroy(s);
    return SW_OK;
}

static void samplers(void **state)
{
    const int32_t ids[2] = {3, 4};
    const float bias[2] = {1, -1};
    sw_sampler_options all = {.temperature = 0.8f,
                              .top_k = 20,
                              .typical_p = 0.9f,
                              .top_p = 0.9f,
                              .min_p = 0.1f,
                              .repeat_penalty = 1.2f,
                              .dry_multiplier = 1,
                              .dry_breakers = ids,
                              .n_dry_breakers = 2,
                              .xtc_probability = 0.5f,
                              .bias_ids = ids,
                              .bias = bias,
                              .n_bias = 2,
                              .logprobs = true,
                              .top_logprobs = 3};
    sw_sampler_options none = {0};
    fail_malloc_skip();
    assert_true(fail_malloc_each(sample, &all) >= 12);
    assert_true(fail_malloc_each(sample, &none) >= 5);
}

/* ---- constraints ------------------------------------------------------------------------------- */

struct grammar {
    sw_grammar_kind kind;
    const char *text;
};

static sw_status ask(sw_grammar *g)
{
    uint32_t mask[SMALL_WORDS];
    sw_constraint *c, *copy;
    sw_status status = sw_constraint_create(ctx, g, &c);
    if (status != SW_OK) return status;
    status = sw_constraint_create(ctx, g, &copy);
    if (status == SW_OK) status = sw_constraint_check_budget(c, 60);
    for (int32_t i = 0; status == SW_OK && i < 20 && !sw_constraint_ended(c); i++) {
        int32_t token = 0;
        status = sw_constraint_mask(c, 60 - i, mask);
        if (status != SW_OK) break;
        while (token < SMALL_LIMIT && !(mask[token / 32] >> token % 32 & 1)) token++;
        if (token >= small_vocabulary_size()) break;
        status = sw_constraint_accept(c, token);
        if (status == SW_OK) status = sw_constraint_copy(copy, c);
    }
    sw_constraint_destroy(copy);
    sw_constraint_destroy(c);
    return status;
}

static sw_status constrain(void *user)
{
    const struct grammar *x = user;
    sw_token_trie *v;
    sw_grammar *g;
    sw_status status = small_vocabulary(ctx, &v);
    if (status != SW_OK) {
        assert_null(v);
        return status;
    }
    status = sw_grammar_create(ctx, v, x->kind, x->text, strlen(x->text), &g);
    if (status == SW_OK)
        status = ask(g);
    else
        assert_null(g);
    sw_grammar_destroy(g);
    sw_token_trie_destroy(v);
    return status;
}

static void constraints(void **state)
{
    static struct grammar all[] = {
        {SW_GRAMMAR_JSON_SCHEMA,
         "{\"type\": \"object\", \"properties\": {\"name\": {\"type\": \"string\", \"maxLength\": "
         "3}, "
         "\"n\": {\"type\": \"integer\", \"minimum\": 3}, \"k\": {\"enum\": [\"red\", 1]}, "
         "\"d\": {\"$ref\": \"#/$defs/d\"}}, \"required\": [\"name\"], "
         "\"$defs\": {\"d\": {\"anyOf\": [{\"type\": \"null\"}, {\"type\": \"array\"}]}}}"},
        {SW_GRAMMAR_JSON_OBJECT, ""},
        {SW_GRAMMAR_GBNF, "root ::= word (\", \" word){1,3} \"!\"?\nword ::= [a-f]+ | \"foo\"\n"},
        {SW_GRAMMAR_REGEX, "(foo|ba[rz]){1,3}\\d+(x|yy)?"},
    };
    fail_malloc_skip();
    for (size_t i = 0; i < sizeof all / sizeof *all; i++)
        print_message("kind %d: %ld allocations\n", (int)all[i].kind,
                      fail_malloc_each(constrain, &all[i]));
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(tokenizers), cmocka_unit_test(samplers),
                                       cmocka_unit_test(constraints)};
    return cmocka_run_group_tests(tests, make_context, remove_context);
}
