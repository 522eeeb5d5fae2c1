/* Cutting text into words: the matchers by hand against PCRE2 on the expressions that they stand for, and the names
 * of GGUF. */
#include "unit.h"

#include "text/pre_tokenizer.h"
#include "text/tokenizer_int.h"
#include "tokenizer_oracle.h"

static sw_context *ctx;

struct cuts {
    const char *text;
    size_t end[4096];
    int n;
};

static void cut(void *user, const char *text, size_t bytes)
{
    struct cuts *c = user;
    assert_true(text == c->text + (c->n ? c->end[c->n - 1] : 0)); /* nothing is left out */
    c->end[c->n++] = (size_t)(text - c->text) + bytes;
}

/* Characters that the expressions tell apart, and neighbours of each in UTF-8. */
static const char *const characters[] = {"a",
                                         "b",
                                         "s",
                                         "S",
                                         "t",
                                         "d",
                                         "m",
                                         "l",
                                         "L",
                                         "r",
                                         "e",
                                         "v",
                                         "E",
                                         "'",
                                         "'",
                                         "\xc5\xbf" /* long s */,
                                         "A",
                                         "B",
                                         " ",
                                         " ",
                                         "\n",
                                         "\r",
                                         "\t",
                                         "\xc2\xa0",
                                         "\xe3\x80\x80",
                                         "\xc2\x85",
                                         "\xe1\xa0\x8e" /* U+180E */,
                                         "\xe2\x80\x8b",
                                         "1",
                                         "2",
                                         "\xd9\xa1",
                                         "\xc2\xbd",
                                         ".",
                                         "/",
                                         "-",
                                         "$",
                                         "\xe2\x82\xac",
                                         "\xe2\x80\x9c",
                                         "\xcc\x81",
                                         "\xe0\xa5\x8d",
                                         "\xce\xb1",
                                         "\xce\x91",
                                         "\xc7\x85" /* titlecase */,
                                         "\xca\xb0" /* modifier */,
                                         "\xd7\x90",
                                         "\xe4\xb8\xad",
                                         "\xf0\x9f\x98\x80",
                                         "\xf0\x9d\x90\x80",
                                         "\x01",
                                         "\x7f",
                                         "\xff",
                                         "\xe2\x82",
                                         "\xc3",
                                         "\xf3\xa0\x80\x81"};

static void by_hand_is_as_expression(void **state)
{
    const struct sw_word_rules *rules;
    const char *pattern;
    uint64_t seed = 11;
    for (int i = 0; (pattern = sw__word_pattern(i, &rules)); i++) {
        struct sw_pre_tokenizer fast = {.count = 0}, slow = {.count = 0};
        char grouped[4096];
        /* A group of the whole is the same expression under a text that is not known. */
        snprintf(grouped, sizeof grouped, "(?:%s)", pattern);
        assert_int_equal(
            sw__pre_tokenizer_add(ctx, "fast", &fast, pattern, SW_SPLIT_ISOLATED, false), SW_OK);
        assert_int_equal(
            sw__pre_tokenizer_add(ctx, "slow", &slow, grouped, SW_SPLIT_ISOLATED, false), SW_OK);
        assert_ptr_equal(fast.split[0].rules, rules);
        assert_null(slow.split[0].rules);
        for (int round = 0; round < 4000; round++) {
            static struct cuts a, b;
            char text[512] = "";
            const int length = 1 + (int)(next_random(&seed) % (round % 3 ? 12 : 60));
            for (int k = 0; k < length; k++)
                strcat(text,
                       characters[next_random(&seed) % (sizeof characters / sizeof *characters)]);
            a = (struct cuts){.text = text};
            b = (struct cuts){.text = text};
            assert_int_equal(sw__pre_tokenizer_run(&fast, text, strlen(text), cut, &a), SW_OK);
            assert_int_equal(sw__pre_tokenizer_run(&slow, text, strlen(text), cut, &b), SW_OK);
            if (a.n != b.n || memcmp(a.end, b.end, (size_t)a.n * sizeof *a.end) != 0)
                fail_msg("pattern %d: '%s' is cut otherwise", i, text);
        }
        sw__pre_tokenizer_free(&fast);
        sw__pre_tokenizer_free(&slow);
    }
}

/* Every name that llama.cpp has for byte-level BPE and that is known here: its expressions compile. */
static void names(void **state)
{
    static const char *const known[] = {"default",      "gpt-2",         "phi-2",
                                        "llama3",       "llama-bpe",     "qwen2",
                                        "qwen35",       "deepseek-llm",  "deepseek-coder",
                                        "deepseek-v3",  "falcon",        "falcon3",
                                        "mpt",          "starcoder",     "refact",
                                        "command-r",    "stablelm2",     "olmo",
                                        "dbrx",         "smaug-bpe",     "poro-chat",
                                        "glm4",         "chatglm-bpe",   "viking",
                                        "jais",         "jais-2",        "tekken",
                                        "smollm",       "codeshell",     "bloom",
                                        "gpt3-finnish", "exaone",        "exaone4",
                                        "exaone-moe",   "chameleon",     "minerva-7b",
                                        "megrez",       "gpt-4o",        "llama4",
                                        "superbpe",     "trillion",      "granite-docling",
                                        "bailingmoe",   "bailingmoe2",   "seed-coder",
                                        "hunyuan",      "hunyuan-dense", "grok-2",
                                        "minimax-m2",   "solar-open",    "youtu",
                                        "tiny_aya",     "roberta-bpe",   "jina-v2-code"};
    static const char text[] = "Hello, World's 12345 \xe4\xb8\xad\xe6\x96\x87 \xff 'll  \n\n x=1;";
    for (size_t i = 0; i < sizeof known / sizeof *known; i++) {
        struct sw_pre_tokenizer p = {.count = 0};
        static struct cuts c;
        const struct sw_pre_name *n = sw__pre_name(known[i], strlen(known[i]));
        if (!n) fail_msg("%s is not known", known[i]);
        for (const char *const *e = n->pattern; *e; e++)
            if (sw__pre_tokenizer_add(ctx, known[i], &p, *e, SW_SPLIT_ISOLATED, false) != SW_OK)
                fail_msg("%s", sw_error(ctx));
        c = (struct cuts){.text = text};
        assert_int_equal(sw__pre_tokenizer_run(&p, text, sizeof text - 1, cut, &c), SW_OK);
        assert_true(c.n > 5);
        assert_int_equal(c.end[c.n - 1], sizeof text - 1);
        sw__pre_tokenizer_free(&p);
    }
    assert_null(sw__pre_name("gpt", 3));
    assert_null(sw__pre_name("", 0));
    assert_null(sw__pre_name("gpt-2 phi-2", 11));
}

/* ---- what becomes of matches ---------------------------------------------------------------------------- */

static char pieces[512];

static void join(void *user, const char *text, size_t bytes)
{
    snprintf(pieces + strlen(pieces), sizeof pieces - strlen(pieces), "%s%.*s", *pieces ? "|" : "",
             (int)bytes, text);
}

static void kept(void **state)
{
    static const struct {
        const char *pattern;
        enum sw_split_keep keep;
        bool invert;
        const char *pieces;
    } cases[] = {{"-", SW_SPLIT_ISOLATED, false, "a|-|b|-|-|c"},
                 {"-", SW_SPLIT_REMOVED, false, "a|b|c"},
                 {"-", SW_SPLIT_PREVIOUS, false, "a-|b-|-|c"},
                 {"-", SW_SPLIT_NEXT, false, "a|-b|-|-c"},
                 {"-", SW_SPLIT_JOINED, false, "a|-|b|--|c"},
                 {"[a-z]", SW_SPLIT_REMOVED, true, "a|b|c"},
                 {"(?=b)", SW_SPLIT_ISOLATED, false, "a-|b--c"},
                 {"x", SW_SPLIT_REMOVED, false, "a-b--c"},
                 {"a-b--c", SW_SPLIT_REMOVED, false, ""},
                 {"\\S+", SW_SPLIT_ISOLATED, false, "a-b--c"}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct sw_pre_tokenizer p = {.count = 0};
        assert_int_equal(sw__pre_tokenizer_add(ctx, "case", &p, cases[i].pattern, cases[i].keep,
                                               cases[i].invert),
                         SW_OK);
        *pieces = 0;
        assert_int_equal(sw__pre_tokenizer_run(&p, "a-b--c", 6, join, NULL), SW_OK);
        assert_string_equal(pieces, cases[i].pieces);
        sw__pre_tokenizer_free(&p);
    }
}

static void hostile(void **state)
{
    struct sw_pre_tokenizer p = {.count = 0};
    char text[64];
    assert_int_equal(sw__pre_tokenizer_add(ctx, "bad", &p, "(", SW_SPLIT_ISOLATED, false),
                     SW_ERR_FORMAT);
    assert_non_null(strstr(sw_error(ctx), "bad: regular expression '(': "));
    assert_int_equal(
        sw__pre_tokenizer_add(ctx, "slow", &p, "^(?:a|aa)+$", SW_SPLIT_ISOLATED, false), SW_OK);
    memset(text, 'a', sizeof text);
    text[sizeof text - 1] = '!';
    *pieces = 0;
    assert_int_equal(sw__pre_tokenizer_run(&p, text, sizeof text, join, NULL), SW_ERR_FORMAT);
    sw__pre_tokenizer_free(&p);
    for (int i = 0; i < SW_SPLITS; i++)
        assert_int_equal(sw__pre_tokenizer_add(ctx, "many", &p, "a", SW_SPLIT_ISOLATED, false),
                         SW_OK);
    assert_int_equal(sw__pre_tokenizer_add(ctx, "many", &p, "a", SW_SPLIT_ISOLATED, false),
                     SW_ERR_UNSUPPORTED);
    sw__pre_tokenizer_free(&p);
}

/* All 256 bytes there and back; what is not written in the alphabet is said to be so. */
static void byte_alphabet(void **state)
{
    char bytes[256], written[512], back[512];
    for (int i = 0; i < 256; i++) bytes[i] = (char)i;
    const size_t n = sw__byte_alphabet_encode(bytes, 256, written);
    assert_int_equal(sw__byte_alphabet_decode(written, n, back), 256);
    assert_memory_equal(bytes, back, 256);
    assert_int_equal(sw__byte_alphabet_encode(" \n", 2, written), 4);
    assert_memory_equal(written, "\xc4\xa0\xc4\x8a", 4);
    assert_int_equal(sw__byte_alphabet_decode(" ", 1, back), -1);
    assert_int_equal(sw__byte_alphabet_decode("\xc5\x84", 2, back), -1); /* U+0144 */
    assert_int_equal(sw__byte_alphabet_decode("\xff", 1, back), -1);
}

static int open_context(void **state)
{
    return sw_context_create(&(sw_context_options){.threads = 1}, &ctx);
}

static int close_context(void **state)
{
    sw_context_destroy(ctx);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(by_hand_is_as_expression),
                                       cmocka_unit_test(names), cmocka_unit_test(kept),
                                       cmocka_unit_test(hostile), cmocka_unit_test(byte_alphabet)};
    return cmocka_run_group_tests(tests, open_context, close_context);
}
