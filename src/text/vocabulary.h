/* The tokens of a model: their bytes, kinds and scores, and the way from bytes to id. */
#ifndef SWELL_TEXT_VOCABULARY_H
#define SWELL_TEXT_VOCABULARY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <swell/status.h>

/* As GGUF numbers them (tokenizer.ggml.token_type). */
enum sw_token_kind {
    SW_TOKEN_NORMAL = 1,
    SW_TOKEN_UNKNOWN = 2,
    SW_TOKEN_CONTROL = 3, /* special: <s>, <|im_end|> */
    SW_TOKEN_USER = 4,    /* added: always found in a text before all else */
    SW_TOKEN_UNUSED = 5,  /* no text becomes it: also a hole in the vocabulary */
    SW_TOKEN_BYTE = 6,    /* one byte, of what has no other token */
};

enum { SW_TOKEN_BYTES = 1 << 16, SW_TOKENS = 1 << 24 }; /* at most: bytes of a token, tokens */

struct sw_vocabulary {
    char *text; /* the bytes of all tokens, one behind another */
    int64_t bytes, text_capacity;
    uint32_t *at;  /* count + 1: where each begins in text */
    uint8_t *kind; /* enum sw_token_kind */
    float *score;
    int64_t count, at_capacity, kind_capacity, score_capacity;
    int32_t *slot; /* hash of the bytes -> id, of normal tokens; -1: free */
    uint32_t mask;
};

/* Append a token.  False: out of memory, or 4 GB of text. */
bool sw__vocabulary_add(struct sw_vocabulary *v, const char *text, size_t bytes,
                        enum sw_token_kind kind, float score);
/* Build the way from bytes to id.  SW_ERR_MEMORY; SW_ERR_FORMAT: two normal tokens of the same bytes, same[2]. */
sw_status sw__vocabulary_index(struct sw_vocabulary *v, int32_t same[2]);
void sw__vocabulary_free(struct sw_vocabulary *v);

static inline const char *sw__token_bytes(const struct sw_vocabulary *v, int32_t id, size_t *bytes)
{
    *bytes = v->at[id + 1] - v->at[id];
    return v->text + v->at[id];
}

/* Of any bytes; good in all its bits. */
static inline uint64_t sw__text_hash(const char *text, size_t bytes)
{
    const uint64_t k = 0x9E3779B97F4A7C15u;
    uint64_t h = bytes * k, w;
    for (; bytes >= 8; bytes -= 8, text += 8) {
        memcpy(&w, text, 8);
        h = (h ^ w) * k;
        h ^= h >> 29;
    }
    w = 0;
    for (size_t i = 0; i < bytes; i++) w |= (uint64_t)(unsigned char)text[i] << 8 * i;
    h = (h ^ w) * k;
    h ^= h >> 32;
    h *= k;
    return h ^ h >> 29;
}

/* The normal token of exactly these bytes, or -1. */
static inline int32_t sw__vocabulary_find(const struct sw_vocabulary *v, const char *text,
                                          size_t bytes)
{
    uint32_t i = (uint32_t)sw__text_hash(text, bytes) & v->mask;
    for (int32_t id; (id = v->slot[i]) >= 0; i = (i + 1) & v->mask)
        if (v->at[id + 1] - v->at[id] == bytes && memcmp(v->text + v->at[id], text, bytes) == 0)
            return id;
    return -1;
}

#endif
