/* A vocabulary for tests and fuzzers: all bytes, then pieces of words and of JSON, some twice, and tokens without text. */
#ifndef SWELL_TESTS_SMALL_VOCABULARY_H
#define SWELL_TESTS_SMALL_VOCABULARY_H

#include <string.h>
#include <swell/constraint.h>

static const char *const small_pieces[] = {
    "",      "ab",    "aa",   "aaa",      "aaaa", "ba",       "bb",       "abc",          "foo",
    "bar",   "baz",   "foob", "obar",     "xx",   "xxxxxxxx", "xy",       "yy",           "bc",
    "bcd",   "cd",    "12",   "123",      "00",   "1.",       ".5",       "=1",           "+1",
    ")=",    "((",    "))",   "x)",       "{\"",  "\":",      "\": ",     "\",\"",        "\", \"",
    ",\"",   "\"",    "\"}",  "\"]",      "\"}]", "}}",       "]}",       "[]",           "{}",
    "[{",    "}]",    "},{",  "],",       "true", "false",    "null",     "tr",           "ue",
    "nu",    "ll",    "name", "id",       "a\":", "a\"",      "\"a\"",    "\"a\":",       "\"\"",
    "[\"",   "[[",    "]]",   ", ",       ": ",   "\\\"",     "\\n",      "\\u00",        "e+",
    "-1",    "0.",    "\xc3", "\xc3\xa4", "\xa4", "\xf0\x9f", "\x98\x80", "\xe2\x82\xac", "ab",
    "2024-", "-01",   "T",    "yes",      "no",   "red",      "green",    "blue",         "kind",
    "value", "items", "1,",   "1]",       "0}",   ",1",       ":[",       ":{",           "\":{\"",
    "\":[",  "\":\"", "",
};
enum {
    SMALL_END = 256, /* the first piece ends a text */
    SMALL_LIMIT = 256 + 128,
    SMALL_WORDS = SMALL_LIMIT / 32,
};

static inline int64_t small_vocabulary_size(void)
{
    return 256 + (int64_t)(sizeof small_pieces / sizeof *small_pieces);
}

static inline sw_token_bytes small_token(int32_t id)
{
    static char bytes[256];
    if (id >= 256) return (sw_token_bytes){small_pieces[id - 256], strlen(small_pieces[id - 256])};
    bytes[id] = (char)id;
    return (sw_token_bytes){&bytes[id], 1};
}

static inline sw_status small_vocabulary(sw_context *ctx, sw_token_trie **out)
{
    sw_token_bytes tokens[SMALL_LIMIT];
    const int32_t end = SMALL_END;
    for (int32_t i = 0; i < small_vocabulary_size(); i++) tokens[i] = small_token(i);
    return sw_token_trie_create(ctx, tokens, small_vocabulary_size(), &end, 1, out);
}

#endif
