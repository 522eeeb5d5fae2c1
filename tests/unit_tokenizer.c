/* Tokenizers: SentencePiece merging against its definition, bytes that are no UTF-8, added tokens, text that comes
 * back piece by piece, files that are refused. */
#include "unit.h"

#include <swell/tokenizer.h>
#include "text/tokenizer_int.h"
#include "tokenizer_oracle.h"

static const char *const tokens[] = {" ",  "a",  "b",   "c",    "h",  "e",     "l",    "o",
                                     "ab", "bc", "abc", " a",   "he", "ll",    "hell", "lo",
                                     "é",  "aé", "  ",  "    ", "ca", "abcab", "o ab"};
static const float score[] = {-9, -9, -9, -9, -9, -9, -9,    -9,    -3, -2,  -4, -1.5f,
                              -1, -5, -6, -1, -9, -2, -2.5f, -2.6f, -3, -20, -30};
enum { TOKENS = sizeof tokens / sizeof *tokens };

static sw_context *ctx;

static sw_tokenizer *tiny(int n)
{
    static uint8_t file[1 << 14];
    sw_tokenizer *t;
    const size_t size = make_llama2c(file, tokens, score, n);
    assert_int_equal(sw__tokenizer_from_llama2c(ctx, "tiny.bin", file, size, &t), SW_OK);
    return t;
}

/* ---- the definition: strings, and the best pair of all, again and again ------------------------------- */

struct piece {
    char text[600];
};

static int token_of(const char *text, int n)
{
    for (int i = 0; i < n; i++)
        if (strcmp(tokens[i], text) == 0) return i;
    return -1;
}

static size_t character(const char *s)
{
    const unsigned char c = (unsigned char)*s;
    if (c == 0xC3 && ((unsigned char)s[1] & 0xC0) == 0x80)
        return 2; /* of two bytes there is only é's row */
    return 1;
}

static int64_t by_definition(const char *text, int n_tokens, int32_t *ids)
{
    static struct piece p[600];
    char all[1024];
    int n = 0;
    int64_t count = 0;
    if (!*text) return 0;
    snprintf(all, sizeof all, " %s", text);
    for (const char *s = all; *s; s += strlen(p[n++].text)) {
        const size_t bytes = character(s);
        memcpy(p[n].text, s, bytes);
        p[n].text[bytes] = 0;
    }
    for (;;) {
        int best = -1;
        float most = 0;
        for (int i = 0; i + 1 < n; i++) {
            char both[1200];
            snprintf(both, sizeof both, "%s%s", p[i].text, p[i + 1].text);
            const int t = token_of(both, n_tokens);
            if (t >= 0 && (best < 0 || score[t] > most)) {
                best = i;
                most = score[t];
            }
        }
        if (best < 0) break;
        char joined[1200];
        snprintf(joined, sizeof joined, "%s%s", p[best].text, p[best + 1].text);
        strcpy(p[best].text, joined);
        memmove(&p[best + 1], &p[best + 2], (size_t)(n - best - 2) * sizeof *p);
        n--;
    }
    for (int i = 0; i < n; i++) {
        const int t = token_of(p[i].text, n_tokens);
        if (t >= 0) ids[count++] = TINY_BASE + t;
        for (const char *s = p[i].text; t < 0 && *s; s++) ids[count++] = 3 + (unsigned char)*s;
    }
    return count;
}

/* With the last token words may not be cut at spaces, without it they are; short and long words, many that are
 * remembered, ties. */
static void sentencepiece(void **state)
{
    static const char *const parts[] = {"a", "b", "c", "h",    "e",   "l",    "o",
                                        " ", "é", "z", "\xff", "abc", "hello"};
    uint64_t seed = 1;
    for (int n = TOKENS - 1; n <= TOKENS; n++) {
        sw_tokenizer *t = tiny(n);
        for (int round = 0; round < 3000; round++) {
            char text[512] = "";
            int32_t ids[1024], expected[1024];
            int64_t count;
            const uint32_t length = next_random(&seed) % (round % 10 ? 40 : 80);
            for (uint32_t i = 0; i < length; i++)
                strcat(text, parts[next_random(&seed) % (sizeof parts / sizeof *parts)]);
            const int64_t right = by_definition(text, n, expected);
            assert_int_equal(
                sw_tokenize(t, text, strlen(text), (sw_tokenize_options){0}, ids, 1024, &count),
                SW_OK);
            assert_int_equal(count, right);
            assert_memory_equal(ids, expected, (size_t)count * sizeof *ids);
        }
        sw_tokenizer_destroy(t);
    }
}

/* A megabyte without a space must not cost the square of it; a word again gives the same ids. */
static void long_text(void **state)
{
    sw_tokenizer *t = tiny(TOKENS - 1);
    const size_t size = 1 << 20;
    char *text = malloc(size), *back = malloc(size + 1);
    int32_t *ids = malloc((size + 1) * sizeof *ids);
    int64_t count;
    size_t bytes;
    uint64_t seed = 7;
    for (int spaces = 0; spaces < 2; spaces++) {
        for (size_t i = 0; i < size; i++)
            text[i] = spaces && next_random(&seed) % 5 == 0 ? ' '
                                                            : "abchelo"[next_random(&seed) % 7];
        assert_int_equal(
            sw_tokenize(t, text, size, (sw_tokenize_options){0}, ids, (int64_t)size + 1, &count),
            SW_OK);
        assert_true(count < (int64_t)size);
        assert_int_equal(sw_detokenize(t, ids, count, false, back, size + 1, &bytes), SW_OK);
        assert_int_equal(bytes, size);
        assert_memory_equal(text, back, size);
    }
    free(text);
    free(back);
    free(ids);
    sw_tokenizer_destroy(t);
}

static void beginnings_and_ends(void **state)
{
    sw_tokenizer *t = tiny(TOKENS);
    const char *text = "<s>abc</s>";
    int32_t ids[32];
    int64_t count;
    size_t bytes;
    char back[32];
    sw_tokenize(t, text, 10, (sw_tokenize_options){.special = true, .begin = true, .end = true},
                ids, 32, &count);
    assert_int_equal(count, 5); /* BOS, <s>, " a", "bc", </s>; llama2.c's models end without EOS */
    assert_int_equal(ids[0], 1);
    assert_int_equal(ids[1], 1);
    assert_int_equal(ids[4], 2);
    sw_detokenize(t, ids, count, true, back, sizeof back, &bytes);
    assert_int_equal(bytes, 13);
    assert_memory_equal(back, "<s><s>abc</s>", 13);
    sw_detokenize(t, ids, count, false, back, sizeof back, &bytes);
    assert_int_equal(bytes, 3);
    sw_tokenize(t, text, 10, (sw_tokenize_options){0}, ids, 32, &count);
    for (int64_t i = 0; i < count; i++) assert_false(sw_token_is_special(t, ids[i]));
    sw_tokenize(t, text, 10, (sw_tokenize_options){.special = true}, ids, 1, &count);
    assert_int_equal(count, 4); /* all are counted, one was written */
    assert_int_equal(ids[0], 1);
    assert_true(sw_token_ends(t, 2));
    assert_false(sw_token_ends(t, 1));
    assert_int_equal(sw_tokenizer_bos(t), 1);
    assert_int_equal(sw_token_find(t, "abc", 3), TINY_BASE + 10);
    assert_int_equal(sw_token_find(t, "</s>", 4), 2);
    assert_int_equal(sw_token_find(t, "\n", 1), 3 + '\n');
    assert_int_equal(sw_token_find(t, "nothing", 7), -1);
    assert_null(sw_token_text(t, -1, &bytes));
    assert_null(sw_token_text(t, (int32_t)sw_tokenizer_size(t), &bytes));
    assert_int_equal(sw_detokenize(t, (int32_t[]){99999}, 1, false, back, 32, &bytes),
                     SW_ERR_ARGUMENT);
    sw_tokenizer_destroy(t);
}

/* ---- streaming ------------------------------------------------------------------------------------------ */

struct stream {
    char text[4096];
    size_t n;
    bool broken; /* may be */
};

static bool is_utf8(const char *s, size_t n)
{
    for (size_t i = 0; i < n;) {
        const unsigned char c = (unsigned char)s[i];
        const size_t size = c < 0x80 ? 1 : c < 0xE0 ? 2 : c < 0xF0 ? 3 : 4;
        if (c >= 0x80 && c < 0xC2) return false;
        if (size > n - i) return false;
        for (size_t j = 1; j < size; j++)
            if (((unsigned char)s[i + j] & 0xC0) != 0x80) return false;
        i += size;
    }
    return true;
}

static void take(void *user, const char *text, size_t size)
{
    struct stream *s = user;
    assert_true(s->broken || is_utf8(text, size));
    memcpy(s->text + s->n, text, size);
    s->n += size;
}

static void stream_of(sw_tokenizer *t, const char *text, size_t size, bool replace,
                      struct stream *out)
{
    int32_t ids[4096];
    int64_t count;
    sw_detokenizer d;
    sw_tokenize(t, text, size, (sw_tokenize_options){.begin = true}, ids, 4096, &count);
    sw_detokenizer_begin(&d, t, (sw_detokenizer_options){.replace = replace});
    for (int64_t i = 0; i < count; i++)
        assert_int_equal(sw_detokenizer_push(&d, ids[i], take, out), SW_OK);
    sw_detokenizer_end(&d, take, out);
}

static void streaming(void **state)
{
    static const char *const good =
        "h\xc3\xa9 \xe2\x82\xac \xf0\x9f\x90\xb1\xed\x9f\xbf\xee\x80\x80\xf4\x8f\xbf\xbf!";
    static const struct {
        const char *bytes, *shown; /* with U+FFFD */
    } bad[] = {{"a\xff"
                "b",
                "a\xef\xbf\xbd"
                "b"},
               {"\xe2\x82"
                "b",
                "\xef\xbf\xbd"
                "b"},
               {"\xe2\x82\xe2\x82\xac", "\xef\xbf\xbd\xe2\x82\xac"},
               {"\xf0\x9f\x90", "\xef\xbf\xbd"},
               {"\xc0\x80", "\xef\xbf\xbd\xef\xbf\xbd"},
               {"\xed\xa0\x80", "\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd"}};
    sw_tokenizer *t = tiny(TOKENS);
    struct stream s = {.n = 0};
    stream_of(t, good, strlen(good), false, &s);
    assert_int_equal(s.n, strlen(good));
    assert_memory_equal(s.text, good, s.n);
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        s = (struct stream){.n = 0};
        stream_of(t, bad[i].bytes, strlen(bad[i].bytes), true, &s);
        assert_int_equal(s.n, strlen(bad[i].shown));
        assert_memory_equal(s.text, bad[i].shown, s.n);
        s = (struct stream){.broken = true};
        stream_of(t, bad[i].bytes, strlen(bad[i].bytes), false, &s);
        assert_int_equal(s.n, strlen(bad[i].bytes));
        assert_memory_equal(s.text, bad[i].bytes, s.n);
    }
    sw_tokenizer_destroy(t);
}

/* Any bytes come back, at once and as a stream. */
static void round_trip(void **state)
{
    sw_tokenizer *t = tiny(TOKENS);
    uint64_t seed = 3;
    for (int round = 0; round < 2000; round++) {
        char text[300], back[400];
        int32_t ids[1300];
        int64_t count;
        size_t bytes;
        const size_t size = next_random(&seed) % 300;
        for (size_t i = 0; i < size; i++)
            text[i] = round % 2 ? (char)next_random(&seed)
                                : "ab \xc3\xa9\xe2\x96\x81 <s>"[next_random(&seed) % 12];
        assert_int_equal(sw_tokenize(t, text, size, (sw_tokenize_options){0}, ids, 1300, &count),
                         SW_OK);
        assert_int_equal(sw_detokenize(t, ids, count, false, back, sizeof back, &bytes), SW_OK);
        assert_int_equal(bytes, size);
        assert_memory_equal(back, text, size);
        struct stream s = {.broken = true};
        stream_of(t, text, size, false, &s);
        assert_int_equal(s.n, size);
        assert_memory_equal(s.text, text, size);
    }
    sw_tokenizer_destroy(t);
}

/* ---- hostile files -------------------------------------------------------------------------------------- */

static void refused(void **state)
{
    uint8_t file[1 << 14];
    sw_tokenizer *t;
    const size_t size = make_llama2c(file, tokens, score, 4);
    for (size_t cut = 0; cut < size;
         cut++) /* shorter: no whole token, or fewer than the bytes need */
        if (sw__tokenizer_from_llama2c(ctx, "cut", file, cut, &t) == SW_OK) {
            assert_true(cut > 259 * 10);
            sw_tokenizer_destroy(t);
        } else {
            assert_non_null(strstr(sw_error(ctx), "cut: "));
        }
    const char *const twice[] = {"x", "y", "x"};
    const size_t same = make_llama2c(file, twice, score, 3);
    assert_int_equal(sw__tokenizer_from_llama2c(ctx, "twice", file, same, &t), SW_ERR_FORMAT);
    assert_string_equal(sw_error(ctx), "twice: tokens 259 and 261 are the same");
    memset(file + 4 + 4, 0xFF, 4);
    assert_int_equal(sw__tokenizer_from_llama2c(ctx, "giant", file, same, &t), SW_ERR_FORMAT);
    assert_non_null(strstr(sw_error(ctx), "giant: offset 4"));
    assert_int_equal(sw_tokenizer_open(ctx, "/nonexistent/tokenizer.bin", &t), SW_ERR_IO);
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
        cmocka_unit_test(sentencepiece),       cmocka_unit_test(long_text),
        cmocka_unit_test(beginnings_and_ends), cmocka_unit_test(streaming),
        cmocka_unit_test(round_trip),          cmocka_unit_test(refused)};
    return cmocka_run_group_tests(tests, open_context, close_context);
}
