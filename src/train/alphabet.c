/* Characters as tokens (alphabet.h). */
#include "train/alphabet.h"

#include <stdlib.h>
#include <string.h>
#include <utf8proc.h>

#include "base/context_int.h"
#include "text/tokenizer_int.h"

enum { CODES = 0x110000 };

/* The character at text[at]; its bytes, or 0 where there is none. */
static int decode(const char *text, size_t bytes, size_t at, int32_t *code)
{
    const size_t left = bytes - at;
    const utf8proc_ssize_t n = utf8proc_iterate((const utf8proc_uint8_t *)text + at,
                                                left < 4 ? (utf8proc_ssize_t)left : 4, code);
    return n > 0 ? (int)n : 0;
}

static sw_status gather(sw_context *ctx, struct sw_alphabet *a, const struct sw_document *d,
                        const char *text, size_t bytes)
{
    int32_t code;
    for (size_t at = 0; at < bytes;) {
        const int n = decode(text, bytes, at, &code);
        if (!n)
            return sw__fail(ctx, SW_ERR_FORMAT,
                            "%s: line %lld: byte %zu of the document is not UTF-8; a tokenizer of "
                            "bytes reads anything",
                            d->file, (long long)d->line, at);
        a->seen[code / 8] |= (uint8_t)(1 << code % 8);
        at += (size_t)n;
    }
    return SW_OK;
}

sw_status sw__alphabet_gather(sw_context *ctx, struct sw_alphabet *a, const struct sw_document *d)
{
    if (!a->seen) a->seen = calloc(CODES / 8, 1);
    if (!a->seen) return sw__fail(ctx, SW_ERR_MEMORY, "alphabet: out of memory");
    sw_status status = gather(ctx, a, d, d->prompt, d->prompt_bytes);
    return status == SW_OK ? gather(ctx, a, d, d->text, d->text_bytes) : status;
}

static int encode(int32_t code, char text[4])
{
    return (int)utf8proc_encode_char(code, (utf8proc_uint8_t *)text);
}

static int compare_parts(const void *a, const void *b)
{
    const struct sw_alphabet_part *x = a, *y = b;
    return x->bytes != y->bytes ? x->bytes - y->bytes : memcmp(x->text, y->text, 4);
}

/* Beginnings of characters and their bytes, each once. */
static bool find_parts(struct sw_alphabet *a)
{
    int64_t n = 0, kept = 0;
    a->parts = calloc((size_t)a->count * 6 + 1, sizeof *a->parts);
    if (!a->parts) return false;
    for (int64_t i = 0; i < a->count; i++) {
        char text[4];
        const int bytes = encode(a->codes[i], text);
        for (int k = 1; k < bytes; k++) {
            a->parts[n].bytes = k;
            memcpy(a->parts[n++].text, text, (size_t)k);
            a->parts[n].bytes = 1;
            a->parts[n++].text[0] = text[k];
        }
    }
    qsort(a->parts, (size_t)n, sizeof *a->parts, compare_parts);
    for (int64_t i = 0; i < n; i++)
        if (i == 0 || compare_parts(&a->parts[i], &a->parts[kept - 1]) != 0)
            a->parts[kept++] = a->parts[i];
    a->n_parts = kept;
    return true;
}

int64_t sw__alphabet_size(const struct sw_alphabet *a)
{
    return a->count + 1 + a->n_parts;
}

sw_status sw__alphabet_complete(sw_context *ctx, struct sw_alphabet *a)
{
    int64_t count = 0;
    for (int32_t c = 0; a->seen && c < CODES; c++) count += a->seen[c / 8] >> c % 8 & 1;
    if (count == 0) return sw__fail(ctx, SW_ERR_FORMAT, "alphabet: there is no text");
    if (count > SW_ALPHABET_MOST)
        return sw__fail(ctx, SW_ERR_SIZE, "alphabet: %lld characters, at most %d", (long long)count,
                        SW_ALPHABET_MOST);
    a->codes = malloc((size_t)count * sizeof *a->codes);
    if (!a->codes) return sw__fail(ctx, SW_ERR_MEMORY, "alphabet: out of memory");
    for (int32_t c = 0; c < CODES; c++)
        if (a->seen[c / 8] >> c % 8 & 1) a->codes[a->count++] = c;
    free(a->seen);
    a->seen = NULL;
    if (!find_parts(a)) return sw__fail(ctx, SW_ERR_MEMORY, "alphabet: out of memory");
    return SW_OK;
}

void sw__alphabet_free(struct sw_alphabet *a)
{
    free(a->codes);
    free(a->parts);
    free(a->seen);
    *a = (struct sw_alphabet){0};
}

static int32_t find(const struct sw_alphabet *a, int32_t code)
{
    int64_t lo = 0, hi = a->count;
    while (lo < hi) {
        const int64_t mid = (lo + hi) / 2;
        if (a->codes[mid] < code)
            lo = mid + 1;
        else
            hi = mid;
    }
    return lo < a->count && a->codes[lo] == code ? (int32_t)lo : -1;
}

int64_t sw__alphabet_encode(const struct sw_alphabet *a, const char *text, size_t bytes,
                            int32_t *ids, size_t *at)
{
    int64_t count = 0;
    int32_t code;
    for (*at = 0; *at < bytes;) {
        const int n = decode(text, bytes, *at, &code);
        const int32_t id = n ? find(a, code) : -1;
        if (id < 0) return -1;
        ids[count++] = id;
        *at += (size_t)n;
    }
    return count;
}

int sw__alphabet_text(const struct sw_alphabet *a, int32_t token, char text[4])
{
    if (token >= 0 && token < a->count) return encode(a->codes[token], text);
    if (token <= a->count || token >= sw__alphabet_size(a)) return 0;
    const struct sw_alphabet_part *part = &a->parts[token - a->count - 1];
    memcpy(text, part->text, sizeof part->text);
    return part->bytes;
}

/* Characters are put together from their bytes, and nothing from characters: a merge is all bytes but the last, and
 * that. */
static void add_merge(struct sw_tokenizer *t, const char *text, size_t n, int32_t id)
{
    const int32_t left = sw__vocabulary_find(&t->vocabulary, text, n - 1),
                  right = sw__vocabulary_find(&t->vocabulary, text + n - 1, 1);
    if (left >= 0 && right >= 0)
        sw__merges_add(&t->merges, left, right, (uint32_t)t->merges.count, id);
}

static void add_merges(const struct sw_alphabet *a, struct sw_tokenizer *t)
{
    const int32_t n = (int32_t)sw__alphabet_size(a), count = (int32_t)a->count;
    for (int32_t i = 0; i < n; i++) { /* parts first: they are what characters begin with */
        const int32_t id = i < n - count - 1 ? i + count + 1 : i - (n - count - 1);
        char text[4];
        const int bytes = sw__alphabet_text(a, id, text);
        if (bytes > 1) add_merge(t, text, (size_t)bytes, id);
    }
}

static bool add_tokens(const struct sw_alphabet *a, struct sw_tokenizer *t)
{
    for (int32_t i = 0; i < sw__alphabet_size(a); i++) {
        char text[4];
        const int bytes = sw__alphabet_text(a, i, text);
        const bool good = i == a->count
                              ? sw__vocabulary_add(&t->vocabulary, SW_END_OF_TEXT,
                                                   strlen(SW_END_OF_TEXT), SW_TOKEN_CONTROL, 0)
                              : sw__vocabulary_add(&t->vocabulary, text, (size_t)bytes,
                                                   SW_TOKEN_NORMAL, 0);
        if (!good) return false;
        if (bytes == 1) t->byte_token[(unsigned char)*text] = i;
    }
    t->bos = t->eos = (int32_t)a->count;
    return sw__added_add(&t->added, (struct sw_added_token){.id = t->eos, .special = true});
}

sw_status sw__alphabet_tokenizer(sw_context *ctx, const struct sw_alphabet *a, sw_tokenizer **out)
{
    struct sw_tokenizer *t = sw__tokenizer_new(SW_MODEL_BYTES);
    sw_status status = t && add_tokens(a, t) && sw__merges_reserve(&t->merges, sw__alphabet_size(a))
                           ? SW_OK
                           : sw__fail(ctx, SW_ERR_MEMORY, "alphabet: out of memory");
    if (status == SW_OK)
        status = sw__pre_tokenizer_add(ctx, "alphabet", &t->pre,
                                       sw__pre_name("gpt-2", 5)->pattern[0], SW_SPLIT_ISOLATED,
                                       false);
    if (status == SW_OK) status = sw__tokenizer_finish(ctx, "alphabet", t);
    if (status == SW_OK) add_merges(a, t);
    *out = status == SW_OK ? t : NULL;
    if (status != SW_OK) sw_tokenizer_destroy(t);
    return status;
}
