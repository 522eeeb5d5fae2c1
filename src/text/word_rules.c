/* The expressions of GPT-2 (Radford et al. 2019, encoder.py), cl100k, o200k (tiktoken) and the models that took them
 * over, matched by hand: PCRE2 needs several times as long.  tests/unit_pre_tokenizer.c holds each to PCRE2.
 *
 *   GPT-2:  's|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+
 *   cl100k: (?i:'s|...)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+
 *   o200k:  a word is upper case, then lower case, then 's|...; letters without case and marks are both
 *
 * As in every regular expression of alternatives the first one that matches wins, whichever is longer. */
#include <string.h>
#include "base/utf8.h"
#include "text/pre_tokenizer.h"
#include "text/unicode.h"

/* The class of the character at text[at] and its bytes; a broken one is a control character of one byte. */
static inline uint8_t class_at(const char *text, size_t size, size_t at, size_t *bytes)
{
    const unsigned char c = (unsigned char)text[at];
    *bytes = 1;
    if (c < 128) return sw__ascii_class[c];
    const size_t n = sw__utf8_size(text + at, size - at);
    if (!n) return SW_CONTROL;
    *bytes = n;
    return sw__character_class(sw__utf8_read(text + at, n));
}

/* The end of the characters at `at` that have one of the bits, at most `most` of them. */
static size_t run_of(const char *text, size_t size, size_t at, uint8_t bits, int most)
{
    size_t bytes;
    for (; at < size && most > 0 && (class_at(text, size, at, &bytes) & bits); at += bytes) most--;
    return at;
}

/* The end of the characters at `at` that have none of the bits. */
static size_t run_without(const char *text, size_t size, size_t at, uint8_t bits)
{
    size_t bytes;
    for (; at < size && !(class_at(text, size, at, &bytes) & bits); at += bytes) continue;
    return at;
}

static bool is_newline(char c)
{
    return c == '\r' || c == '\n';
}

/* 's 't 'm 'd 're 've 'll at `at`: the end of it, or `at`. */
static size_t contraction(const struct sw_word_rules *r, const char *text, size_t size, size_t at)
{
    if (size - at < 2 || text[at] != '\'') return at;
    const bool any = r->contraction == SW_CONTRACTION_ANY_CASE;
    const int lower = any ? 0x20 : 0;
    const char c = (char)(text[at + 1] | lower);
    if (c == 's' || c == 't' || c == 'm' || c == 'd') return at + 2;
    if (size - at < 3) return at;
    /* The long s is an s of another case. */
    if (any && memcmp(text + at + 1, "\xc5\xbf", 2) == 0) return at + 3;
    const char d = (char)(text[at + 2] | lower);
    const bool two = (c == 'r' && d == 'e') || (c == 'v' && d == 'e') || (c == 'l' && d == 'l');
    return two ? at + 3 : at;
}

/* Upper case, then lower case from `at`, as [UO]*[LO]+ with its going back, or [UO]+[LO]*: letters without case and
 * marks are both.  The end, or `at`. */
static size_t lower_end(const char *text, size_t size, size_t at)
{
    size_t bytes, end = at, both_end = at;
    uint8_t c = 0;
    for (; end < size; end += bytes) {
        c = class_at(text, size, end, &bytes);
        if (!(c & (SW_UPPER | SW_OTHER | SW_MARK))) break;
        if (c & (SW_OTHER | SW_MARK)) both_end = end + bytes;
    }
    if (end < size && (c & SW_LOWER))
        return run_of(text, size, end, SW_LOWER | SW_OTHER | SW_MARK, INT32_MAX);
    return both_end;
}

static size_t upper_end(const char *text, size_t size, size_t at)
{
    const size_t end = run_of(text, size, at, SW_UPPER | SW_OTHER | SW_MARK, INT32_MAX);
    return end == at ? at : run_of(text, size, end, SW_LOWER | SW_OTHER | SW_MARK, INT32_MAX);
}

/* Each way with the character before the letters, then without it. */
static size_t cased_end(const struct sw_word_rules *r, const char *text, size_t size, size_t at,
                        size_t behind)
{
    size_t (*const ways[])(const char *, size_t, size_t) = {lower_end, upper_end};
    for (int i = 0; i < 2; i++) {
        size_t from = behind, end = ways[i](text, size, from);
        if (end == from && from > at) end = ways[i](text, size, from = at);
        if (end > from) return r->contraction ? contraction(r, text, size, end) : end;
    }
    return at;
}

/* Letters and what may stand before them.  The end, or `at`. */
static size_t letters(const struct sw_word_rules *r, const char *text, size_t size, size_t at,
                      uint8_t first, size_t bytes)
{
    const uint8_t bits = r->marks ? SW_LETTER | SW_MARK : SW_LETTER;
    const bool prefix = r->space_only ? text[at] == ' '
                                      : !(first & (SW_LETTER | SW_NUMBER)) && !is_newline(text[at]);
    const size_t behind = prefix ? at + bytes : at;
    if (r->cased) return cased_end(r, text, size, at, behind);
    const size_t end = run_of(text, size, behind, bits, INT32_MAX);
    return end > behind ? end : run_of(text, size, at, bits, INT32_MAX);
}

/* Spaces at `at`: up to the last end of line, or all but the one before a word, or all. */
static size_t spaces(const struct sw_word_rules *r, const char *text, size_t size, size_t at)
{
    size_t end = at, last = at, newline = at, bytes;
    while (end < size && (class_at(text, size, end, &bytes) & SW_SPACE)) {
        last = end;
        end += bytes;
        if (is_newline(text[last])) newline = end;
    }
    if (r->newlines && newline > at) return newline;
    return end == size || last == at ? end : last;
}

size_t sw__word_end(const struct sw_word_rules *r, const char *text, size_t size, size_t at)
{
    size_t bytes, end, second;
    const uint8_t first = class_at(text, size, at, &bytes);
    if (r->contraction && !r->cased && (end = contraction(r, text, size, at)) > at) return end;
    if ((end = letters(r, text, size, at, first, bytes)) > at) return end;
    const bool space = text[at] == ' ' && at + 1 < size;
    const size_t number = r->space_only && space ? at + 1 : at;
    if ((end = run_of(text, size, number, SW_NUMBER, r->digits ? r->digits : INT32_MAX)) > number)
        return end;
    const uint8_t none = SW_SPACE | SW_LETTER | SW_NUMBER | (r->marks ? SW_MARK : 0);
    const size_t symbol = space ? at + 1 : at;
    if (!(class_at(text, size, symbol, &second) & none)) {
        end = run_without(text, size, symbol, none);
        while (r->tail && end < size && text[end] && strchr(r->tail, text[end])) end++;
        return end;
    }
    if (first & SW_SPACE) return spaces(r, text, size, at);
    return at + bytes; /* no alternative matches: what lies between */
}
