/* Tokenizers of all files in GGUF: written, read back, the same ids of random texts; and what GGUF cannot say is refused
 * by its name. */
#include "unit.h"

#include <swell/tokenizer.h>
#include <unistd.h>
#include "format/gguf_write.h"
#include "text/tokenizer_int.h"
#include "tokenizer_oracle.h"
#include "train/alphabet.h"

static sw_context *ctx;
static char path[64];

static sw_status put(const sw_tokenizer *t, int64_t size)
{
    struct sw_gguf_writer *w;
    assert_int_equal(sw__gguf_writer_create(ctx, &w), SW_OK);
    sw_status status = sw__tokenizer_put_gguf(ctx, "t.json", t, size, w);
    if (status == SW_OK) status = sw__gguf_writer_finish(w, path);
    sw__gguf_writer_destroy(w);
    return status;
}

static sw_tokenizer *again(const sw_tokenizer *t, int64_t size)
{
    sw_tokenizer *back = NULL;
    if (put(t, size) != SW_OK || sw_tokenizer_open(ctx, path, &back) != SW_OK)
        fail_msg("%s", sw_error(ctx));
    assert_int_equal(sw_tokenizer_size(back), size);
    return back;
}

static sw_tokenizer *from_json(const char *json)
{
    sw_tokenizer *t;
    if (sw__tokenizer_from_hf(ctx, "t.json", NULL, (const uint8_t *)json, strlen(json), &t) !=
        SW_OK)
        fail_msg("%s", sw_error(ctx));
    return t;
}

/* Both of random texts of these pieces; and their special tokens, ends and texts. */
static void same(const sw_tokenizer *a, const sw_tokenizer *b, const char *const *pieces, int n,
                 bool special)
{
    uint64_t seed = 3;
    for (int round = 0; round < 4000; round++) {
        char text[1024] = "";
        int32_t x[2048], y[2048];
        int64_t nx, ny;
        for (uint32_t i = next_random(&seed) % 60; i > 0; i--)
            strcat(text, pieces[next_random(&seed) % (uint32_t)n]);
        const sw_tokenize_options o = {.special = special, .begin = true, .end = true};
        assert_int_equal(sw_tokenize(a, text, strlen(text), o, x, 2048, &nx), SW_OK);
        assert_int_equal(sw_tokenize(b, text, strlen(text), o, y, 2048, &ny), SW_OK);
        if (nx != ny || memcmp(x, y, (size_t)nx * sizeof *x) != 0) fail_msg("'%s'", text);
    }
    assert_int_equal(sw_tokenizer_bos(a), sw_tokenizer_bos(b));
    assert_int_equal(sw_tokenizer_eos(a), sw_tokenizer_eos(b));
    assert_string_equal(sw_tokenizer_kind(a), sw_tokenizer_kind(b));
    for (int32_t id = 0; id < sw_tokenizer_size(a); id++) {
        size_t nx, ny;
        const char *x = sw_token_text(a, id, &nx), *y = sw_token_text(b, id, &ny);
        assert_int_equal(sw_token_ends(a, id), sw_token_ends(b, id));
        if (nx > 0 && (nx != ny || memcmp(x, y, nx) != 0)) fail_msg("token %d", id);
        if (nx == 0) assert_int_equal(b->vocabulary.kind[id], SW_TOKEN_UNUSED);
    }
}

#define PIECES(...)                                                                                \
    (const char *const[]){__VA_ARGS__},                                                            \
        (int)(sizeof((const char *const[]){__VA_ARGS__}) / sizeof(const char *))

/* ---- vocabularies ------------------------------------------------------------------------------------ */

/* Learnt from text, with each of the ways to cut words; more tokens than there are. */
static void learnt(void **state)
{
    static const char *const cuts[] = {"gpt-2", "cl100k", "o200k", "qwen2"};
    static const char *const special[] = {"<|endoftext|>", "<|x|>", NULL};
    static const char text[] =
        "the theme of these themes is there: then they thin 12 1234, don't WE'LL THE "
        "naïve the the ther\n\n  them\t"
        "\xe4\xb8\xad\xe6\x96\x87 \xe4\xb8\xad";
    for (int i = 0; i < 4; i++) {
        sw_tokenizer_trainer *trainer;
        sw_tokenizer *t, *back;
        int64_t n;
        assert_int_equal(sw_tokenizer_trainer_create(ctx, cuts[i], &trainer), SW_OK);
        for (int k = 0; k < 2; k++) /* what is there once is not learnt */
            assert_int_equal(sw_tokenizer_trainer_add(trainer, text, sizeof text - 1), SW_OK);
        assert_int_equal(sw_tokenizer_trainer_learn(trainer, 60, &n), SW_OK);
        assert_true(n > 10);
        assert_int_equal(sw_tokenizer_trainer_write(trainer, path, special), SW_OK);
        sw_tokenizer_trainer_destroy(trainer);
        assert_int_equal(sw_tokenizer_open(ctx, path, &t), SW_OK);
        back = again(t, sw_tokenizer_size(t) + 5);
        assert_int_equal(sw_token_find(back, "<|x|>", 5), 257 + n);
        same(t, back,
             PIECES("the", "m", "e", " ", "  ", "12", "1", "\n", "'ll", "'T", "\xc3\xaf",
                    "\xe4\xb8\xad", "\xff", "<|x|>", "THE", "!?", "<|endoftext|>"),
             i % 2);
        assert_int_equal(put(t, sw_tokenizer_size(t) - 1), SW_ERR_ARGUMENT);
        assert_non_null(strstr(sw_error(ctx), "the network has"));
        sw_tokenizer_destroy(t);
        sw_tokenizer_destroy(back);
    }
}

/* SentencePiece by scores, with ties and tokens across words. */
static void scores(void **state)
{
    static const char *const tokens[] = {" ",  "a",   "b",   "c",  "ab",   "bc",    "abc",
                                         " a", "aab", "  ",  "ca", "  ab", "aaaa",  "aa",
                                         "é",  "aé",  "a b", "cc", "c a",  "abcab", "bca"};
    static const float score[] = {-9, -9, -9, -9, -3, -2, -4, -1.5f, -1, -2, -3,
                                  -2, -2, -2, -9, -2, -5, -3, -3,    -7, -6};
    static uint8_t file[1 << 14];
    sw_tokenizer *t;
    const size_t size = make_llama2c(file, tokens, score, 21);
    assert_int_equal(sw__tokenizer_from_llama2c(ctx, "tiny.bin", file, size, &t), SW_OK);
    sw_tokenizer *back = again(t, sw_tokenizer_size(t));
    same(t, back, PIECES("a", "b", "c", " ", "é", "z", "\n", "<s>", "abc", "\xff"), true);
    sw_tokenizer_destroy(t);
    sw_tokenizer_destroy(back);
}

/* A vocabulary of characters with bytes to fall back to: <0x00> is id 3. */
static char *characters(const char *more, const char *merges)
{
    static char json[1 << 14];
    char *to = json;
    to += sprintf(to, "{\"added_tokens\":[{\"id\":1,\"content\":\"<s>\",\"special\":true},"
                      "{\"id\":2,\"content\":\"</s>\",\"special\":true}],"
                      "\"normalizer\":{\"type\":\"Sequence\",\"normalizers\":[{\"type\":"
                      "\"Prepend\",\"prepend\":\"\xe2\x96\x81\"},{\"type\":\"Replace\",\"pattern\":"
                      "{\"String\":\" \"},\"content\":\"\xe2\x96\x81\"}]},"
                      "\"post_processor\":{\"type\":\"TemplateProcessing\",\"single\":[{"
                      "\"SpecialToken\":{\"id\":\"<s>\"}},{\"Sequence\":{\"id\":\"A\"}}]},"
                      "\"model\":{\"type\":\"BPE\",\"unk_token\":\"<unk>\",\"fuse_unk\":true,"
                      "\"byte_fallback\":true,\"vocab\":{\"<unk>\":0,\"<s>\":1,\"</s>\":2");
    for (int i = 0; i < 256; i++) to += sprintf(to, ",\"<0x%02X>\":%d", i, i + 3);
    sprintf(to, "%s},\"merges\":[%s]}}", more, merges);
    return json;
}

#define LETTERS                                                                                    \
    ",\"\xe2\x96\x81\":259,\"a\":260,\"b\":261,\"c\":262,\"ab\":263,\"bc\":264,\"abc\":265,"       \
    "\"\xe2\x96\x81"                                                                               \
    "a\":266,\"aa\":267"

/* Scores from merges: all ways to make a token side by side, runs that stand between each other. */
static void merges(void **state)
{
    sw_tokenizer *t = from_json(characters(LETTERS, "\"b c\",\"\xe2\x96\x81 a\",\"a b\",\"ab c\","
                                                    "\"a bc\",\"a a\"")),
                 *back = again(t, sw_tokenizer_size(t));
    assert_int_equal(sw_tokenizer_size(t), 268);
    same(t, back, PIECES("a", "b", "c", " ", "aa", "z", "\n", "</s>", "abc", "\xc3\xa9"), true);
    sw_tokenizer_destroy(t);
    sw_tokenizer_destroy(back);
}

static void pieces_of_words(void **state)
{
    sw_tokenizer *t = from_json(
                     "{\"added_tokens\":[{\"id\":0,\"content\":\"[PAD]\",\"special\":true},"
                     "{\"id\":1,\"content\":\"[UNK]\",\"special\":true},{\"id\":2,\"content\":"
                     "\"[CLS]\",\"special\":true},{\"id\":3,\"content\":\"[SEP]\",\"special\":"
                     "true}],\"normalizer\":{\"type\":\"BertNormalizer\",\"lowercase\":true},"
                     "\"pre_tokenizer\":{\"type\":\"BertPreTokenizer\"},\"post_processor\":{"
                     "\"type\":\"BertProcessing\",\"sep\":[\"[SEP]\",3],\"cls\":[\"[CLS]\",2]},"
                     "\"model\":{\"type\":\"WordPiece\",\"unk_token\":\"[UNK]\",\"vocab\":{"
                     "\"[PAD]\":0,\"[UNK]\":1,\"[CLS]\":2,\"[SEP]\":3,\"ab\":4,\"##c\":5,\"a\":6,"
                     "\"##ab\":7,\".\":8,\"\xe4\xb8\xad\":9,\"b\":10,\"#\":11}}}"),
                 *back = again(t, 14);
    same(t, back, PIECES("a", "b", "c", "ab", " ", ".", "\xe4\xb8\xad", "B", "\xc3\xa1", "#"),
         true);
    sw_tokenizer_destroy(t);
    sw_tokenizer_destroy(back);
}

static void alphabet(void **state)
{
    static const char text[] = "abc \n\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80";
    struct sw_alphabet a = {0};
    const struct sw_document d = {.file = "f", .text = text, .text_bytes = sizeof text - 1};
    sw_tokenizer *t;
    assert_int_equal(sw__alphabet_gather(ctx, &a, &d), SW_OK);
    assert_int_equal(sw__alphabet_complete(ctx, &a), SW_OK);
    assert_int_equal(sw__alphabet_tokenizer(ctx, &a, &t), SW_OK);
    sw_tokenizer *back = again(t, sw__alphabet_size(&a));
    assert_int_equal(sw_tokenizer_eos(t), a.count);
    same(t, back, PIECES("a", "b", "c", " ", "\n", "\xc3\xa9", "\xe2\x82\xac", "\xf0\x9f\x98\x80"),
         true);
    int32_t ids[64], by_bytes[64];
    int64_t count;
    size_t at;
    assert_int_equal(sw__alphabet_encode(&a, text, sizeof text - 1, ids, &at), 8);
    assert_int_equal(
        sw_tokenize(back, text, sizeof text - 1, (sw_tokenize_options){0}, by_bytes, 64, &count),
        SW_OK);
    assert_int_equal(count, 8);
    assert_memory_equal(ids, by_bytes, 8 * sizeof *ids);
    sw_tokenizer_destroy(t);
    sw_tokenizer_destroy(back);
    sw__alphabet_free(&a);
}

/* ---- what it cannot say -------------------------------------------------------------------------------- */

#define BYTE_LEVEL "\"pre_tokenizer\":{\"type\":\"ByteLevel\",\"add_prefix_space\":"
#define MODEL      "\"model\":{\"type\":\"BPE\",\"vocab\":{\"a\":0},\"merges\":[]"

static void refused(void **state)
{
    static const struct {
        const char *json, *why;
    } cases[] = {
        {"{" BYTE_LEVEL "true}," MODEL "}}", "a space before a text"},
        {"{" BYTE_LEVEL "false,\"use_regex\":false}," MODEL "}}", "how this tokenizer cuts words"},
        {"{" BYTE_LEVEL "false}," MODEL ",\"ignore_merges\":true}}",
         "how this tokenizer cuts words"},
        {"{\"normalizer\":{\"type\":\"Lowercase\"}," BYTE_LEVEL "false}," MODEL "}}",
         "a normalizer that changes texts"},
        {"{\"added_tokens\":[{\"id\":1,\"content\":\"x\",\"single_word\":true}]," BYTE_LEVEL
         "false}," MODEL "}}",
         "a whole word"},
        {"{" MODEL "}}", "without tokens of all bytes"},
        {"{\"pre_tokenizer\":{\"type\":\"WhitespaceSplit\"}," MODEL "}}",
         "how this tokenizer cuts words"},
        {NULL, "merges that are not in the order of what they become"}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        /* "b c" becomes nothing by itself, and would by a score. */
        const char *json = cases[i].json ? cases[i].json
                                         : characters(LETTERS, "\"a b\",\"ab c\",\"a a\"");
        sw_tokenizer *t = from_json(json);
        if (put(t, sw_tokenizer_size(t)) != SW_ERR_UNSUPPORTED) fail_msg("case %zu was taken", i);
        if (!strstr(sw_error(ctx), cases[i].why) ||
            strncmp(sw_error(ctx), "t.json: GGUF cannot say ", 24) != 0)
            fail_msg("case %zu: '%s', without '%s'", i, sw_error(ctx), cases[i].why);
        sw_tokenizer_destroy(t);
    }
}

static int open_context(void **state)
{
    snprintf(path, sizeof path, "/tmp/swell_unit_gguf_tokenizer_%ld", (long)getpid());
    return sw_context_create(&(sw_context_options){.threads = 1}, &ctx);
}

static int close_context(void **state)
{
    unlink(path);
    sw_context_destroy(ctx);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(learnt),   cmocka_unit_test(scores),  cmocka_unit_test(merges),
        cmocka_unit_test(alphabet), cmocka_unit_test(refused), cmocka_unit_test(pieces_of_words)};
    return cmocka_run_group_tests(tests, open_context, close_context);
}
