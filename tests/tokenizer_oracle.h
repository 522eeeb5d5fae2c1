/* What tests of tokenizers share: small vocabularies in memory, and merging written straight from its definition. */
#ifndef SWELL_TESTS_TOKENIZER_ORACLE_H
#define SWELL_TESTS_TOKENIZER_ORACLE_H

#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

enum { TINY_BASE = 259 };

/* A tokenizer.bin of llama2.c: bytes, and these tokens; the score of token i is score[i]. */
static inline size_t make_llama2c(uint8_t *to, const char *const *tokens, const float *score, int n)
{
    size_t at = 4;
    memset(to, 0, 4);
    for (int i = 0; i < TINY_BASE + n; i++) {
        const char *text = i < TINY_BASE ? "<>" : tokens[i - TINY_BASE];
        const float s = i < TINY_BASE ? 0 : score[i - TINY_BASE];
        const uint32_t bytes = (uint32_t)strlen(text);
        memcpy(to + at, &s, 4);
        memcpy(to + at + 4, &bytes, 4);
        memcpy(to + at + 8, text, bytes);
        at += 8 + bytes;
    }
    return at;
}

/* A simple stream of numbers. */
static inline uint32_t next_random(uint64_t *state)
{
    *state = *state * 6364136223846793005u + 1442695040888963407u;
    return (uint32_t)(*state >> 33);
}

#endif
