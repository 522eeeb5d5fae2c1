/* Any bytes to ids and back, at once and piece by piece, by small vocabularies of each kind.  The first byte of the
 * input picks the kind; what does not come back ends the process. */
#include <stdlib.h>
#include <string.h>
#include "text/tokenizer_int.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { KINDS = 4, TEXT = 4096, IDS = 2 * TEXT };

static sw_context *ctx;
static sw_tokenizer *tokenizer[KINDS];

/* Byte-level BPE of a few merges whose words are cut by a pre-tokeniser of GGUF's names. */
static sw_tokenizer *make_bytes(const char *pre)
{
    static const char *const pairs[] = {"th", "he",   " t",       " th", " the", "in",  "er",
                                        "12", "\n\n", "\xc3\xa9", "  ",  "ab",   "abab"};
    struct sw_tokenizer *t = sw__tokenizer_new(SW_MODEL_BYTES);
    for (int i = 0; i < 256; i++) {
        const char byte = (char)i;
        sw__vocabulary_add(&t->vocabulary, &byte, 1, SW_TOKEN_NORMAL, 0);
        t->byte_token[i] = i;
    }
    for (size_t i = 0; i < sizeof pairs / sizeof *pairs; i++)
        sw__vocabulary_add(&t->vocabulary, pairs[i], strlen(pairs[i]), SW_TOKEN_NORMAL, 0);
    const int32_t end = (int32_t)t->vocabulary.count;
    sw__vocabulary_add(&t->vocabulary, "<|e|>", 5, SW_TOKEN_CONTROL, 0);
    sw__added_add(&t->added, (struct sw_added_token){.id = end, .special = true});
    sw__vocabulary_add(&t->vocabulary, "<t>", 3, SW_TOKEN_USER, 0);
    sw__added_add(&t->added, (struct sw_added_token){.id = end + 1});
    for (const char *const *p = sw__pre_name(pre, strlen(pre))->pattern; *p; p++)
        sw__pre_tokenizer_add(ctx, "fuzz", &t->pre, *p, SW_SPLIT_ISOLATED, false);
    sw__tokenizer_finish(ctx, "fuzz", t);
    sw__tokenizer_order_by_number(t);
    return t;
}

/* SentencePiece BPE; `across`: a token with a space inside, so that words are not cut. */
static sw_tokenizer *make_text(bool across)
{
    static const char *const pairs[] = {"a",  "b",  " ",   "\xc3\xa9", "ab",
                                        " a", "  ", " ab", "aba",      "b a"};
    struct sw_tokenizer *t = sw__tokenizer_new(SW_MODEL_TEXT);
    for (int i = 0; i < 256; i++) {
        const char byte = (char)i;
        sw__vocabulary_add(&t->vocabulary, &byte, 1, SW_TOKEN_BYTE, 0);
        t->byte_token[i] = i;
    }
    for (size_t i = 0; i < sizeof pairs / sizeof *pairs - !across; i++)
        sw__vocabulary_add(&t->vocabulary, pairs[i], strlen(pairs[i]), SW_TOKEN_NORMAL,
                           -(float)(i % 4));
    t->space_prefix = across ? SW_PREFIX_NONE : SW_PREFIX_ALWAYS;
    sw__tokenizer_finish(ctx, "fuzz", t);
    sw__tokenizer_order_by_score(t);
    return t;
}

struct stream {
    char text[3 * TEXT];
    size_t n;
};

static void take(void *user, const char *text, size_t size)
{
    struct stream *s = user;
    if (size > sizeof s->text - s->n) __builtin_trap();
    memcpy(s->text + s->n, text, size);
    s->n += size;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static int32_t ids[IDS];
    static char back[TEXT];
    static struct stream s;
    sw_detokenizer d;
    int64_t count, again;
    size_t bytes;
    if (!ctx) {
        if (sw_context_create(&(sw_context_options){.threads = 1}, &ctx) != SW_OK) return 0;
        tokenizer[0] = make_bytes("gpt-4o");
        tokenizer[1] = make_bytes("deepseek-v3");
        tokenizer[2] = make_text(false);
        tokenizer[3] = make_text(true);
    }
    if (size < 1 || size > TEXT) return 0;
    const sw_tokenizer *t = tokenizer[data[0] % KINDS];
    const char *text = (const char *)data + 1;
    size--;
    if (sw_tokenize(t, text, size, (sw_tokenize_options){0}, ids, IDS, &count) != SW_OK)
        __builtin_trap();
    if (sw_tokenize(t, text, size, (sw_tokenize_options){0}, NULL, 0, &again) != SW_OK ||
        again != count)
        __builtin_trap();
    if (sw_detokenize(t, ids, count, false, back, sizeof back, &bytes) != SW_OK) __builtin_trap();
    if (bytes != size || (size && memcmp(back, text, size) != 0)) __builtin_trap();
    s.n = 0;
    sw_detokenizer_begin(&d, t, (sw_detokenizer_options){0});
    for (int64_t i = 0; i < count; i++) sw_detokenizer_push(&d, ids[i], take, &s);
    sw_detokenizer_end(&d, take, &s);
    if (s.n != size || (size && memcmp(s.text, text, size) != 0)) __builtin_trap();
    sw_tokenize(t, text, size, (sw_tokenize_options){.special = true, .begin = true, .end = true},
                ids, IDS, &count);
    return 0;
}
