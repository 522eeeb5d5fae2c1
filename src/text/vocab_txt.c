/* vocab.txt of BERT (google-research/bert): a token a line, its number is the line's.  [CLS] begins a text, [SEP] ends
 * it, [UNK] is the unknown.  Whether text is put in lower case, the file does not say: it is, if no token has an upper
 * case letter of ASCII but those in brackets. */
#include <stdlib.h>
#include "base/context_int.h"
#include "text/tokenizer_int.h"

static enum sw_token_kind kind_of(const char *text, size_t bytes)
{
    static const char *const special[] = {"[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"};
    for (int i = 0; i < 5; i++)
        if (bytes == strlen(special[i]) && memcmp(text, special[i], bytes) == 0)
            return i == 1 ? SW_TOKEN_UNKNOWN : SW_TOKEN_CONTROL;
    if (bytes > 8 && memcmp(text, "[unused", 7) == 0) return SW_TOKEN_UNUSED;
    return bytes ? SW_TOKEN_NORMAL : SW_TOKEN_UNUSED;
}

static sw_status add_line(sw_context *ctx, const char *name, struct sw_tokenizer *t,
                          const char *text, size_t bytes)
{
    struct sw_vocabulary *v = &t->vocabulary;
    const int32_t id = (int32_t)v->count;
    const enum sw_token_kind kind = kind_of(text, bytes);
    if (bytes > SW_TOKEN_BYTES || id == SW_TOKENS)
        return sw__fail(ctx, SW_ERR_FORMAT, "%s: line %d: no token of BERT's vocab.txt", name,
                        id + 1);
    for (size_t i = 0; i < bytes && kind == SW_TOKEN_NORMAL; i++)
        if (text[i] >= 'A' && text[i] <= 'Z') t->lowercase = false;
    if (!sw__vocabulary_add(v, text, bytes, kind, 0))
        return sw__fail(ctx, SW_ERR_MEMORY, "%s: out of memory", name);
    if (kind != SW_TOKEN_CONTROL && kind != SW_TOKEN_UNKNOWN) return SW_OK;
    if (kind == SW_TOKEN_UNKNOWN) t->unknown = id;
    if (bytes == 5 && memcmp(text, "[CLS]", 5) == 0) t->bos = id;
    if (bytes == 5 && memcmp(text, "[SEP]", 5) == 0) t->eos = id;
    return sw__added_add(&t->added, (struct sw_added_token){.id = id, .special = true})
               ? SW_OK
               : sw__fail(ctx, SW_ERR_MEMORY, "%s: out of memory", name);
}

sw_status sw__tokenizer_from_vocab_txt(sw_context *ctx, const char *name, const uint8_t *data,
                                       size_t size, struct sw_tokenizer **out)
{
    struct sw_tokenizer *t = sw__tokenizer_new(SW_MODEL_WORDPIECE);
    sw_status status = t ? SW_OK : sw__fail(ctx, SW_ERR_MEMORY, "%s: out of memory", name);
    *out = NULL;
    if (!t) return status;
    t->clean = t->spread_chinese = t->lowercase = true;
    t->word_characters = 100;
    for (size_t at = 0, next; at < size && status == SW_OK; at = next) {
        const char *line = (const char *)data + at, *end = memchr(line, '\n', size - at);
        size_t bytes = end ? (size_t)(end - line) : size - at;
        next = at + bytes + 1;
        if (bytes && line[bytes - 1] == '\r') bytes--;
        status = add_line(ctx, name, t, line, bytes);
    }
    t->strip_accents = t->lowercase;
    t->add_bos = t->bos >= 0;
    t->add_eos = t->eos >= 0;
    if (status == SW_OK && t->unknown < 0)
        status = sw__fail(ctx, SW_ERR_FORMAT, "%s: no vocab.txt of BERT: it has no [UNK]", name);
    if (status == SW_OK) status = sw__tokenizer_finish(ctx, name, t);
    if (status == SW_OK)
        *out = t;
    else
        sw_tokenizer_destroy(t);
    return status;
}
