/* tokenizer.bin of llama2.c: SentencePiece BPE without its file format.
 *
 *   i32 bytes of the longest token, then for each token: f32 score, i32 bytes, the bytes
 *
 * little-endian.  How many tokens there are, the file does not say: it goes to its end.  The first three stand for
 * the unknown, the beginning and the end, the next 256 for bytes: "<0x0A>". */
#include <math.h>
#include <stdlib.h>
#include "base/context_int.h"
#include "text/tokenizer_int.h"

static uint32_t read_u32(const uint8_t *p)
{
    return p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 | (uint32_t)p[3] << 24;
}

static sw_status add_tokens(sw_context *ctx, const char *name, const uint8_t *data, size_t size,
                            struct sw_tokenizer *t)
{
    struct sw_vocabulary *v = &t->vocabulary;
    for (size_t at = 4; at < size;) {
        const char *text = (const char *)data + at + 8;
        const uint32_t bits = size - at >= 8 ? read_u32(data + at) : 0;
        const uint32_t bytes = size - at >= 8 ? read_u32(data + at + 4) : UINT32_MAX;
        float score;
        memcpy(&score, &bits, 4);
        if (bytes > SW_TOKEN_BYTES || bytes > size - at - 8 || isnan(score) ||
            v->count == SW_TOKENS)
            return sw__fail(ctx, SW_ERR_FORMAT,
                            "%s: offset %zu: no token of llama2.c's tokenizer.bin", name, at);
        const int32_t id = (int32_t)v->count;
        static const char *const first[] = {"<unk>", "<s>", "</s>"};
        int byte = -1;
        if (id >= 3 && id < 259) byte = id - 3;
        const char one = (char)byte;
        const bool added = id < 3
                               ? sw__vocabulary_add(v, first[id], strlen(first[id]),
                                                    id ? SW_TOKEN_CONTROL : SW_TOKEN_UNKNOWN, score)
                           : byte >= 0 ? sw__vocabulary_add(v, &one, 1, SW_TOKEN_BYTE, score)
                                       : sw__vocabulary_add(v, text, bytes, SW_TOKEN_NORMAL, score);
        if (!added) return sw__fail(ctx, SW_ERR_MEMORY, "%s: out of memory", name);
        if (byte >= 0) t->byte_token[byte] = id;
        if (id < 3 && !sw__added_add(&t->added, (struct sw_added_token){.id = id, .special = true}))
            return sw__fail(ctx, SW_ERR_MEMORY, "%s: out of memory", name);
        at += 8 + bytes;
    }
    return SW_OK;
}

sw_status sw__tokenizer_from_llama2c(sw_context *ctx, const char *name, const uint8_t *data,
                                     size_t size, struct sw_tokenizer **out)
{
    struct sw_tokenizer *t = sw__tokenizer_new(SW_MODEL_TEXT);
    *out = NULL;
    if (!t) return sw__fail(ctx, SW_ERR_MEMORY, "%s: out of memory", name);
    sw_status status = add_tokens(ctx, name, data, size, t);
    if (status == SW_OK && t->vocabulary.count < 259)
        status = sw__fail(ctx, SW_ERR_FORMAT, "%s: %lld tokens; llama2.c's files have 259 and more",
                          name, (long long)t->vocabulary.count);
    t->unknown = 0;
    t->bos = 1;
    t->eos = 2;
    t->add_bos = true;
    t->space_prefix = SW_PREFIX_ALWAYS;
    if (status == SW_OK) status = sw__tokenizer_finish(ctx, name, t);
    if (status == SW_OK && !sw__tokenizer_order_by_score(t))
        status = sw__fail(ctx, SW_ERR_MEMORY, "%s: out of memory", name);
    if (status == SW_OK)
        *out = t;
    else
        sw_tokenizer_destroy(t);
    return status;
}
