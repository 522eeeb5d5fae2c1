/* Added tokens: looked for in a text before anything else, the first one, and of those that begin at one place the
 * longest.  Most are special (<|im_start|>) and only looked for when the caller says that the text may have them. */
#include <stdlib.h>
#include "base/memory.h"
#include "base/utf8.h"
#include "text/tokenizer_int.h"
#include "text/unicode.h"

bool sw__added_add(struct sw_added *a, struct sw_added_token token)
{
    if (!sw__grow(&a->token, &a->capacity, a->count + 1, sizeof *a->token)) return false;
    a->token[a->count++] = token;
    a->plain += !token.special;
    return true;
}

/* Among tokens low..high-1, which agree in their first `depth` bytes, those that go on with byte c. */
static void narrow(const struct sw_tokenizer *t, int64_t *low, int64_t *high, size_t depth,
                   unsigned char c)
{
    for (int side = 0; side < 2; side++) {
        int64_t from = *low, to = *high; /* the first token whose byte is >= c, then > c */
        while (from < to) {
            size_t bytes;
            const int64_t middle = from + (to - from) / 2;
            const char *text = sw__token_bytes(&t->vocabulary, t->added.token[middle].id, &bytes);
            const int byte = bytes > depth ? (unsigned char)text[depth] : -1;
            if (byte < (int)c + side)
                from = middle + 1;
            else
                to = middle;
        }
        *(side ? high : low) = from;
    }
}

static bool letter_or_digit(const char *text, size_t size, size_t at)
{
    const size_t n = at < size ? sw__utf8_size(text + at, size - at) : 0;
    return n && (sw__character_class(sw__utf8_read(text + at, n)) & (SW_LETTER | SW_NUMBER));
}

/* Whether a token may stand at begin..end: some may not be inside of a word. */
static bool allowed(const struct sw_added_token *a, bool special, const char *text, size_t size,
                    size_t begin, size_t end)
{
    if (a->special && !special) return false;
    if (!a->single_word) return true;
    size_t before = begin;
    while (before > 0 && (text[--before] & 0xC0) == 0x80) continue;
    return (begin == 0 || !letter_or_digit(text, size, before)) &&
           !letter_or_digit(text, size, end);
}

/* Bytes of the space character that begins, or ends, at `at`; 0: there is none. */
static size_t space_behind(const char *text, size_t size, size_t at)
{
    const size_t n = at < size ? sw__utf8_size(text + at, size - at) : 0;
    return n && (sw__character_class(sw__utf8_read(text + at, n)) & SW_SPACE) ? n : 0;
}

static size_t space_before(const char *text, size_t from, size_t at)
{
    size_t begin = at;
    while (begin > from && (text[--begin] & 0xC0) == 0x80) continue;
    return begin < at && space_behind(text, at, begin) == at - begin ? at - begin : 0;
}

bool sw__added_find(const struct sw_tokenizer *t, const char *text, size_t size, size_t from,
                    bool special, struct sw_added_match *out)
{
    const struct sw_added *a = &t->added;
    if (!(special ? a->count : a->plain)) return false;
    for (size_t i = from; i < size; i++) {
        if (!a->first[(unsigned char)text[i]]) continue;
        const struct sw_added_token *found = NULL;
        int64_t low = 0, high = a->count;
        for (size_t depth = 0; i + depth < size; depth++) {
            size_t bytes;
            narrow(t, &low, &high, depth, (unsigned char)text[i + depth]);
            if (low == high) break;
            sw__token_bytes(&t->vocabulary, a->token[low].id, &bytes);
            if (bytes != depth + 1 || !allowed(&a->token[low], special, text, size, i, i + bytes))
                continue;
            found = &a->token[low];
            *out = (struct sw_added_match){i, i + bytes, found->id};
        }
        if (!found) continue;
        for (size_t n; found->lstrip && (n = space_before(text, from, out->begin));)
            out->begin -= n;
        for (size_t n; found->rstrip && (n = space_behind(text, size, out->end));) out->end += n;
        return true;
    }
    return false;
}
