/* tokenizer.json, tiktoken ranks and vocab.txt: what their parts do to a text, and files that lie: each refused with
 * one line that says what is wrong.  And a vocabulary learnt from text: as the definition says, and read back. */
#include "unit.h"

#include <unistd.h>
#include <swell/tokenizer.h>
#include "text/tokenizer_int.h"
#include "tokenizer_oracle.h"

static sw_context *ctx;

/* A file of parts: the model's vocabulary and merges, the parts around it. */
static sw_status open_json(const char *parts, const char *model, sw_tokenizer **t)
{
    char json[4096];
    snprintf(json, sizeof json, "{%s%s\"model\":{%s}}", parts, *parts ? "," : "", model);
    return sw__tokenizer_from_hf(ctx, "t.json", NULL, (const uint8_t *)json, strlen(json), t);
}

static void gives(sw_tokenizer *t, const char *text, const char *expected)
{
    char got[512] = "";
    int32_t ids[64];
    int64_t count;
    const sw_tokenize_options all = {.special = true, .begin = true, .end = true};
    assert_int_equal(sw_tokenize(t, text, strlen(text), all, ids, 64, &count), SW_OK);
    for (int64_t i = 0; i < count; i++)
        snprintf(got + strlen(got), sizeof got - strlen(got), "%s%d", i ? " " : "", ids[i]);
    assert_string_equal(got, expected);
}

#define LETTERS                                                                                    \
    "\"vocab\":{\"<u>\":0,\"a\":1,\"b\":2,\"c\":3,\"ab\":4,\"abc\":5,\"\xe2\x96\x81\":6,"          \
    "\"\xe2\x96\x81"                                                                               \
    "a\":7,\"<0x41>\":8,\"1\":9,\"\xc3\xa9\":10}"
#define MERGES "\"merges\":[\"a b\",[\"ab\",\"c\"],\"\xe2\x96\x81 a\"]"
#define BPE    "\"type\":\"BPE\",\"unk_token\":\"<u>\"," LETTERS "," MERGES
#define LLAMA_NORMAL                                                                               \
    "\"normalizer\":{\"type\":\"Sequence\",\"normalizers\":[{\"type\":\"Prepend\",\"prepend\":"    \
    "\"\xe2\x96\x81\"},"                                                                           \
    "{\"type\":\"Replace\",\"pattern\":{\"String\":\" \"},\"content\":\"\xe2\x96\x81\"}]}"

/* Nothing says which token ends a text: the first one that is named so. */
static void an_end_by_its_name(void **state)
{
    static const char *const added =
        "\"added_tokens\":[{\"id\":11,\"content\":\"<|x|>\",\"special\":true},"
        "{\"id\":12,\"content\":\"<|endoftext|>\",\"special\":true},"
        "{\"id\":13,\"content\":\"<|im_end|>\",\"special\":true}]";
    sw_tokenizer *t;
    (void)state;
    assert_int_equal(open_json(added, BPE, &t), SW_OK);
    assert_int_equal(sw_tokenizer_eos(t), 12);
    assert_true(sw_token_ends(t, 13));
    gives(t, "abc", "5");
    sw_tokenizer_destroy(t);
    assert_int_equal(open_json("", BPE, &t), SW_OK);
    assert_int_equal(sw_tokenizer_eos(t), -1);
    sw_tokenizer_destroy(t);
}

static void parts(void **state)
{
    static const struct {
        const char *parts, *model, *text, *ids;
    } cases[] = {
        {"", BPE, "abcab", "5 4"},
        {"", BPE, "axzb", "1 0 0 2"},
        {"", BPE ",\"fuse_unk\":true", "axzb", "1 0 2"},
        {"", BPE ",\"byte_fallback\":true", "aAb", "1 8 2"},
        {LLAMA_NORMAL, BPE, "a b", "7 6 2"},
        {"\"pre_tokenizer\":{\"type\":\"Metaspace\",\"replacement\":\"\xe2\x96\x81\",\"prepend_"
         "scheme\":\"always\"}",
         BPE, "a  a", "7 6 7"},
        {"\"pre_tokenizer\":{\"type\":\"Metaspace\",\"prepend_scheme\":\"never\",\"split\":false}",
         BPE, "a a", "1 7"},
        {"\"pre_tokenizer\":{\"type\":\"Digits\",\"individual_digits\":true}", BPE, "ab11",
         "4 9 9"},
        {"\"pre_tokenizer\":{\"type\":\"WhitespaceSplit\"}", BPE, "ab c", "4 3"},
        {"\"pre_tokenizer\":{\"type\":\"Split\",\"pattern\":{\"String\":\"b\"},\"behavior\":"
         "\"Isolated\"}",
         BPE, "abc", "1 2 3"},
        {"\"pre_tokenizer\":{\"type\":\"Split\",\"pattern\":{\"Regex\":\"[bc]\"},\"behavior\":"
         "\"Removed\"}",
         BPE, "abca", "1 1"},
        {"\"normalizer\":{\"type\":\"Lowercase\"}", BPE, "ABC", "5"},
        {"\"normalizer\":{\"type\":\"NFC\"}", BPE, "e\xcc\x81", "10"},
        {"\"normalizer\":{\"type\":\"NFC\"}", BPE, "ab", "4"},
        {"\"normalizer\":{\"type\":\"NFC\"}", BPE,
         "e\xcc\x81\xff"
         "e\xcc\x81",
         "10 0 10"},
        {"\"normalizer\":{\"type\":\"NFKC\"}", BPE, "\xef\xbd\x81\xc2\xb9", "1 9"},
        {"\"normalizer\":{\"type\":\"Sequence\",\"normalizers\":[{\"type\":\"NFD\"},{\"type\":"
         "\"StripAccents\"},"
         "{\"type\":\"Strip\",\"strip_left\":true,\"strip_right\":true}]}",
         BPE, "  \xc3\xa1 b ", "1 0 2"},
        {"\"normalizer\":{\"type\":\"Replace\",\"pattern\":{\"String\":\"x\"},\"content\":\"ab\"}",
         BPE, "xc", "5"},
        {"\"added_tokens\":[{\"id\":11,\"content\":\"<s>\",\"special\":true},{\"id\":12,"
         "\"content\":\"bc\"}]",
         BPE, "abc<s>a", "1 12 11 1"},
        {"\"added_tokens\":[{\"id\":11,\"content\":\"<s>\",\"special\":true,\"lstrip\":true,"
         "\"rstrip\":true}]",
         BPE, "a  <s> \nb", "1 11 2"},
        {"\"added_tokens\":[{\"id\":11,\"content\":\"bc\",\"single_word\":true}]", BPE, "bc abc bc",
         "11 0 5 0 11"},
        {"\"added_tokens\":[{\"id\":11,\"content\":\"<s>\",\"special\":true},{\"id\":12,"
         "\"content\":\"<e>\",\"special\":true}],"
         "\"post_processor\":{\"type\":\"TemplateProcessing\",\"single\":[{\"SpecialToken\":{"
         "\"id\":\"<s>\",\"type_id\":0}},"
         "{\"Sequence\":{\"id\":\"A\",\"type_id\":0}},{\"SpecialToken\":{\"id\":\"<e>\",\"type_"
         "id\":0}}],"
         "\"special_tokens\":{\"<s>\":{\"id\":\"<s>\",\"ids\":[11],\"tokens\":[\"<s>\"]},"
         "\"<e>\":{\"id\":\"<e>\",\"ids\":[12],\"tokens\":[\"<e>\"]}}}",
         BPE, "ab", "11 4 12"},
        {"\"pre_tokenizer\":{\"type\":\"ByteLevel\",\"add_prefix_space\":true}",
         "\"type\":\"BPE\",\"vocab\":{\"\xc4\xa0\":0,\"a\":1,\"\xc4\xa0"
         "a\":2},\"merges\":[\"\xc4\xa0 a\"]",
         "a a", "2 2"},
        {"\"pre_tokenizer\":{\"type\":\"ByteLevel\",\"add_prefix_space\":false}",
         "\"type\":\"BPE\",\"ignore_merges\":true,\"vocab\":{\"b\":0,\"a\":1,\"ab\":2},\"merges\":["
         "]",
         "ab", "2"},
        {"\"normalizer\":{\"type\":\"BertNormalizer\",\"lowercase\":true},\"pre_tokenizer\":{"
         "\"type\":\"BertPreTokenizer\"}",
         "\"type\":\"WordPiece\",\"unk_token\":\"?\",\"vocab\":{\"?\":0,\"ab\":1,\"##c\":2,\".\":3,"
         "\"\xe4\xb8\xad\":4}",
         "ABc. xab\xe4\xb8\xad\xc3\xa1"
         "b",
         "1 2 3 0 4 1"},
        {"\"normalizer\":{\"type\":\"BertNormalizer\",\"lowercase\":false},\"pre_tokenizer\":{"
         "\"type\":\"BertPreTokenizer\"}",
         "\"type\":\"WordPiece\",\"unk_token\":\"?\",\"max_input_chars_per_word\":3,\"vocab\":{\"?"
         "\":0,\"a\":1,\"##a\":2}",
         "aaa aaaa A", "1 2 2 0 0"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        sw_tokenizer *t;
        if (open_json(cases[i].parts, cases[i].model, &t) != SW_OK)
            fail_msg("case %zu: %s", i, sw_error(ctx));
        gives(t, cases[i].text, cases[i].ids);
        sw_tokenizer_destroy(t);
    }
}

static void refused(void **state)
{
    static const struct {
        const char *parts, *model, *why;
    } cases[] = {
        {"", "\"type\":\"Unigram\"", "model 'Unigram' is not known"},
        {"", "\"type\":\"BPE\"", "model.vocab is no object"},
        {"", "\"type\":\"BPE\",\"vocab\":{}", "a vocabulary without tokens"},
        {"", "\"type\":\"BPE\",\"vocab\":{\"a\":0}", "model.merges is no list"},
        {"", "\"type\":\"BPE\",\"vocab\":{\"a\":-1},\"merges\":[]",
         "token 'a': its id is no number"},
        {"", "\"type\":\"BPE\",\"vocab\":{\"a\":\"x\"},\"merges\":[]",
         "token 'a': its id is no number"},
        {"", "\"type\":\"BPE\",\"vocab\":{\"a\":0,\"b\":0},\"merges\":[]", "both have id 0"},
        {"", "\"type\":\"BPE\",\"vocab\":{\"a\":4000000000},\"merges\":[]",
         "id 4000000000 in a vocabulary of 1 tokens"},
        {"", "\"type\":\"BPE\",\"vocab\":{\"a\":5000},\"merges\":[]",
         "id 5000 in a vocabulary of 1 tokens"},
        {"", "\"type\":\"BPE\",\"vocab\":{\"a\":0},\"merges\":[\"a x\"]",
         "merge 0, 'a' and 'x': the second is no token"},
        {"", "\"type\":\"BPE\",\"vocab\":{\"a\":0,\"b\":1},\"merges\":[\"a b\"]",
         "what they become is no token"},
        {"", "\"type\":\"BPE\",\"vocab\":{\"a\":0},\"merges\":[\"a\"]", "merge 0 is no pair"},
        {"", "\"type\":\"BPE\",\"vocab\":{\"a\":0},\"merges\":[[\"a\"]]", "merge 0 is no pair"},
        {"", "\"type\":\"BPE\",\"vocab\":{\"a\":0},\"merges\":[7]", "merge 0 is no pair"},
        {"", BPE ",\"dropout\":0.1", "BPE with dropout"},
        {"", BPE ",\"end_of_word_suffix\":\"</w>\"", "BPE with end_of_word_suffix"},
        {"", "\"type\":\"BPE\",\"unk_token\":\"?\",\"vocab\":{\"a\":0},\"merges\":[]",
         "unk_token '?' is no token"},
        {"\"normalizer\":{\"type\":\"Precompiled\"}", BPE, "normalizer 'Precompiled' is not known"},
        {"\"normalizer\":{\"type\":\"BertNormalizer\"}", BPE,
         "normalizer 'BertNormalizer' is not known"},
        {"\"pre_tokenizer\":{\"type\":\"UnicodeScripts\"}", BPE,
         "pre_tokenizer 'UnicodeScripts' is not known"},
        {"\"pre_tokenizer\":{\"type\":\"Split\",\"pattern\":{\"Regex\":\"(\"}}", BPE,
         "regular expression '('"},
        {"\"pre_tokenizer\":{\"type\":\"Split\",\"pattern\":{\"String\":\"x\"},\"behavior\":"
         "\"Eaten\"}",
         BPE, "'Eaten'"},
        {"\"pre_tokenizer\":{\"type\":\"Metaspace\",\"prepend_scheme\":\"last\"}", BPE,
         "prepend_scheme 'last'"},
        {"\"post_processor\":{\"type\":\"Magic\"}", BPE, "post_processor 'Magic' is not known"},
        {"\"post_processor\":{\"type\":\"TemplateProcessing\",\"single\":[{\"SpecialToken\":{"
         "\"id\":\"<x>\"}}]}",
         BPE, "post_processor: '<x>' is no token"},
        {"\"decoder\":{\"type\":\"CTC\"}", BPE, "decoder 'CTC' is not known"},
        {"\"added_tokens\":7", BPE, "added_tokens is no list"},
        {"\"added_tokens\":[{\"id\":11}]", BPE, "an added token without a text"},
        {"\"added_tokens\":[{\"id\":1,\"content\":\"x\"}]", BPE, "both have id 1"},
        {"\"added_tokens\":[{\"id\":12,\"content\":\"a\"}]", BPE, "added token 'a' has two ids"},
        {"\"added_tokens\":[{\"id\":11,\"content\":\"X\",\"normalized\":true}],\"normalizer\":{"
         "\"type\":\"Lowercase\"}",
         BPE, "added token 'X' is changed by the normalizer"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        sw_tokenizer *t;
        if (open_json(cases[i].parts, cases[i].model, &t) == SW_OK)
            fail_msg("case %zu was taken", i);
        if (!strstr(sw_error(ctx), cases[i].why) || strncmp(sw_error(ctx), "t.json: ", 8) != 0 ||
            strchr(sw_error(ctx), '\n'))
            fail_msg("case %zu: '%s', without '%s'", i, sw_error(ctx), cases[i].why);
    }
    sw_tokenizer *t;
    assert_int_equal(sw__tokenizer_from_hf(ctx, "t.json", NULL, (const uint8_t *)"{\"a\":", 5, &t),
                     SW_ERR_FORMAT);
    assert_int_equal(sw__tokenizer_from_hf(ctx, "t.json", NULL, (const uint8_t *)"[]", 2, &t),
                     SW_ERR_FORMAT);
}

/* A hole in the vocabulary is an id without a text. */
static void holes(void **state)
{
    sw_tokenizer *t;
    size_t bytes;
    char back[16];
    assert_int_equal(
        open_json("", "\"type\":\"BPE\",\"vocab\":{\"a\":0,\"b\":7},\"merges\":[]", &t), SW_OK);
    assert_int_equal(sw_tokenizer_size(t), 8);
    assert_non_null(sw_token_text(t, 3, &bytes));
    assert_int_equal(bytes, 0);
    assert_int_equal(sw_detokenize(t, (int32_t[]){0, 3, 7}, 3, false, back, sizeof back, &bytes),
                     SW_OK);
    assert_int_equal(bytes, 2);
    int32_t id;
    int64_t count;
    assert_int_equal(sw_tokenize(t, "c", 1, (sw_tokenize_options){0}, &id, 1, &count),
                     SW_ERR_FORMAT);
    sw_tokenizer_destroy(t);
}

static void tiktoken(void **state)
{
    static const struct {
        const char *file, *why;
    } bad[] = {{"IQ== 0\nIg== 2\n", "2 ranks; known are"},
               {"IQ==\n", "line 1: no token and its rank"},
               {"IQ== x\n", "line 1: ranks are numbers"},
               {"IQ== 1\nIg== 1\n", "line 2: ranks are numbers that grow"},
               {"IQ== 999999999\n", "line 1: more ranks left out"},
               {"I?== 0\n", "line 1: no token in base64"},
               {"IR== 0\n", "line 1: no token in base64"},
               {"", "0 ranks; known are"}};
    sw_tokenizer *t;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        assert_true(sw__tokenizer_from_tiktoken(ctx, "r", (const uint8_t *)bad[i].file,
                                                strlen(bad[i].file), &t) != SW_OK);
        if (!strstr(sw_error(ctx), bad[i].why))
            fail_msg("case %zu: '%s', without '%s'", i, sw_error(ctx), bad[i].why);
    }
}

/* ---- learning ------------------------------------------------------------------------------------------- */

/* Algorithm 1 as it is written: count all pairs anew, join the best.  Words are cut at spaces that begin them. */
static int by_definition(const char *const *words, int n, int merges, int32_t made[][2])
{
    static int32_t s[64][64];
    int length[64], count = 0;
    for (int w = 0; w < n; w++) {
        length[w] = (int)strlen(words[w]);
        for (int i = 0; i < length[w]; i++) s[w][i] = (unsigned char)words[w][i];
    }
    while (count < merges) {
        static int32_t seen[400][400];
        int32_t best = 1, l = -1, r = -1;
        memset(seen, 0, sizeof seen);
        for (int w = 0; w < n; w++)
            for (int i = 0; i + 1 < length[w]; i++) seen[s[w][i]][s[w][i + 1]]++;
        for (int a = 0; a < 400; a++)
            for (int b = 0; b < 400; b++)
                if (seen[a][b] > best) best = seen[a][b], l = a, r = b;
        if (l < 0) break;
        for (int w = 0; w < n; w++) {
            int to = 0;
            for (int i = 0; i < length[w]; i++) {
                const int join = i + 1 < length[w] && s[w][i] == l && s[w][i + 1] == r;
                s[w][to++] = join ? 256 + count : s[w][i];
                i += join;
            }
            length[w] = to;
        }
        made[count][0] = l;
        made[count++][1] = r;
    }
    return count;
}

static void learning(void **state)
{
    static char path[64], text[4096], storage[64][64];
    const char *words[64];
    static const char *const special[] = {"<|e|>", "\"\\\t", NULL};
    uint64_t seed = 5;
    snprintf(path, sizeof path, "/tmp/swell_unit_hf_%ld.json", (long)getpid());
    for (int round = 0; round < 20; round++) {
        int32_t made[128][2];
        int64_t learnt;
        size_t size = 0;
        for (int w = 0; w < 60; w++) { /* letters few enough to make runs and ties */
            const int n = 1 + (int)(next_random(&seed) % 12);
            storage[w][0] = ' ';
            for (int i = 0; i < n; i++) storage[w][1 + i] = "aaabbcd"[next_random(&seed) % 7];
            storage[w][1 + n] = 0;
            words[w] = storage[w];
            memcpy(text + size, storage[w], (size_t)n + 1);
            size += (size_t)n + 1;
        }
        const int expected = by_definition(words, 60, 100, made);
        sw_tokenizer_trainer *trainer;
        sw_tokenizer *t;
        assert_int_equal(sw_tokenizer_trainer_create(ctx, round % 2 ? "gpt-2" : "cl100k", &trainer),
                         SW_OK);
        assert_int_equal(sw_tokenizer_trainer_add(trainer, text, size), SW_OK);
        assert_int_equal(sw_tokenizer_trainer_learn(trainer, 40, &learnt), SW_OK);
        assert_int_equal(sw_tokenizer_trainer_learn(trainer, 60, &learnt), SW_OK);
        assert_int_equal(learnt, expected);
        assert_int_equal(sw_tokenizer_trainer_write(trainer, path, special), SW_OK);
        sw_tokenizer_trainer_destroy(trainer);
        if (sw_tokenizer_open(ctx, path, &t) != SW_OK) fail_msg("%s", sw_error(ctx));
        assert_int_equal(sw_tokenizer_size(t), 256 + learnt + 2);
        for (int i = 0; i < learnt; i++) { /* token 256 + i is what its two parts spell */
            size_t n, l, r;
            const char *whole = sw_token_text(t, 256 + i, &n),
                       *left = sw_token_text(t, made[i][0], &l);
            const char *right = sw_token_text(t, made[i][1], &r);
            assert_int_equal(n, l + r);
            assert_memory_equal(whole, left, l);
            assert_memory_equal(whole + l, right, r);
        }
        assert_int_equal(sw_token_find(t, "<|e|>", 5), 256 + learnt);
        assert_int_equal(sw_token_find(t, "\"\\\t", 3), 257 + learnt);
        assert_true(sw_token_is_special(t, (int32_t)(256 + learnt)));
        static int32_t ids[4096];
        static char back[4096];
        int64_t count;
        size_t bytes;
        assert_int_equal(sw_tokenize(t, text, size, (sw_tokenize_options){0}, ids, 4096, &count),
                         SW_OK);
        assert_int_equal(sw_detokenize(t, ids, count, false, back, sizeof back, &bytes), SW_OK);
        assert_int_equal(bytes, size);
        assert_memory_equal(back, text, size);
        sw_tokenizer_destroy(t);
    }
    unlink(path);
    sw_tokenizer_trainer *trainer;
    assert_int_equal(sw_tokenizer_trainer_create(ctx, "gpt-9", &trainer), SW_ERR_ARGUMENT);
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
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(parts), cmocka_unit_test(an_end_by_its_name), cmocka_unit_test(refused),
        cmocka_unit_test(holes), cmocka_unit_test(tiktoken),           cmocka_unit_test(learning)};
    return cmocka_run_group_tests(tests, open_context, close_context);
}
