/* WordPiece (Schuster and Nakajima 2012) as BERT uses it (Devlin et al. 2019): a text is cleaned, cut at spaces and
 * punctuation, and each word is taken from the left by the longest token that fits; tokens that go on inside of a
 * word are written "##so".  A word that cannot be taken whole is the unknown. */
#include <stdlib.h>
#include <utf8proc.h>
#include "base/memory.h"
#include "base/utf8.h"
#include "text/tokenizer_int.h"
#include "text/unicode.h"

struct word {
    struct sw_encoder *e;
    char *text; /* two bytes of room before it, for ## */
    int64_t bytes, capacity, characters;
};

static void put_word(struct word *w)
{
    const struct sw_vocabulary *v = &w->e->t->vocabulary;
    const int64_t before = w->e->count, bytes = w->bytes;
    const int most = w->e->t->word_characters;
    bool whole = !most || w->characters <= most;
    w->bytes = w->characters = 0;
    for (int64_t at = 0, end = 0; at < bytes && whole; at = end) {
        char *from = w->text + 2 + at, kept[2];
        int32_t id = -1;
        if (at) { /* ## before what is left of the word */
            from -= 2;
            memcpy(kept, from, 2);
            memcpy(from, "##", 2);
        }
        for (end = bytes; end > at && id < 0; end--)
            id = sw__vocabulary_find(v, from, (size_t)(w->text + 2 + end - from));
        end++;
        if (at) memcpy(from, kept, 2);
        whole = id >= 0;
        if (whole) sw__encoder_put(w->e, id);
    }
    if (whole) return;
    w->e->count = before;
    if (w->e->t->unknown < 0)
        w->e->status = SW_ERR_FORMAT;
    else
        sw__encoder_put(w->e, w->e->t->unknown);
}

static bool chinese(int32_t c)
{
    return (c >= 0x4E00 && c <= 0x9FFF) || (c >= 0x3400 && c <= 0x4DBF) ||
           (c >= 0x20000 && c <= 0x2A6DF) || (c >= 0x2A700 && c <= 0x2B81F) ||
           (c >= 0x2B820 && c <= 0x2CEAF) || (c >= 0xF900 && c <= 0xFAFF) ||
           (c >= 0x2F800 && c <= 0x2FA1F);
}

static void add_character(struct word *w, int32_t c)
{
    const struct sw_tokenizer *t = w->e->t;
    const uint8_t class = sw__character_class(c);
    const bool alone = (class & SW_PUNCTUATION) ||
                       (c > ' ' && c < 0x7F && !(class & (SW_LETTER | SW_NUMBER))) ||
                       (t->spread_chinese && chinese(c));
    if ((class & SW_SPACE) || alone) {
        if (w->bytes) put_word(w);
        if (class & SW_SPACE) return;
    }
    if (!sw__grow(&w->text, &w->capacity, w->bytes + 8, 1)) {
        w->e->status = SW_ERR_MEMORY;
        return;
    }
    w->bytes += (int64_t)sw__utf8_write(w->text + 2 + w->bytes, c);
    w->characters++;
    if (alone) put_word(w);
}

/* One character of the text, cleaned: accents taken off, in lower case. */
static void clean_character(struct word *w, int32_t c)
{
    const struct sw_tokenizer *t = w->e->t;
    utf8proc_int32_t parts[8] = {c};
    utf8proc_ssize_t n = 1;
    int boundary = 0;
    const uint8_t class = sw__character_class(c);
    if (t->clean && (c == 0 || c == 0xFFFD || ((class & SW_CONTROL) && !(class & SW_SPACE))))
        return;
    if (t->strip_accents && c >= 0x80) {
        n = utf8proc_decompose_char(c, parts, 8, UTF8PROC_DECOMPOSE, &boundary);
        if (n < 1 || n > 8) {
            n = 1;
            parts[0] = c;
        }
    }
    for (utf8proc_ssize_t i = 0; i < n; i++) {
        if (t->strip_accents && utf8proc_category(parts[i]) == UTF8PROC_CATEGORY_MN) continue;
        add_character(w, t->lowercase ? utf8proc_tolower(parts[i]) : parts[i]);
    }
}

void sw__encode_wordpiece(struct sw_encoder *e, const char *text, size_t size)
{
    struct word w = {.e = e};
    for (size_t at = 0, n; at < size && e->status == SW_OK; at += n) {
        n = sw__utf8_size(text + at, size - at);
        clean_character(&w, n ? sw__utf8_read(text + at, n) : 0xFFFD);
        if (!n) n = 1;
    }
    if (w.bytes && e->status == SW_OK) put_word(&w);
    free(w.text);
}
