/* A vocabulary of characters: the code points of a text in rising order, then a token that ends a document, and
 * then what characters of several bytes begin with and their single bytes.  No text becomes one of the last; they
 * are there because byte-level BPE, as which files have such a vocabulary, puts characters together from them. */
#ifndef SWELL_TRAIN_ALPHABET_H
#define SWELL_TRAIN_ALPHABET_H

#include <stdbool.h>
#include <stdint.h>
#include <swell/tokenizer.h>

#include "train/documents.h"

enum { SW_ALPHABET_MOST = 65535 };

struct sw_alphabet_part {
    char text[4];
    int32_t bytes; /* 1 to 3 */
};

struct sw_alphabet {
    int32_t *codes;                 /* (count), rising; token i is codes[i] */
    int64_t count;                  /* and the token `count` ends a document */
    struct sw_alphabet_part *parts; /* (n_parts), the short ones first; tokens count + 1 ... */
    int64_t n_parts;
    uint8_t *seen; /* while it is gathered: a bit a code point */
};

/* Add the characters of a document.  SW_ERR_FORMAT: it is not UTF-8 (the text names file and byte). */
sw_status sw__alphabet_gather(sw_context *ctx, struct sw_alphabet *a, const struct sw_document *d);
/* The end of gathering.  SW_ERR_SIZE: more than SW_ALPHABET_MOST characters; SW_ERR_FORMAT: none. */
sw_status sw__alphabet_complete(sw_context *ctx, struct sw_alphabet *a);
void sw__alphabet_free(struct sw_alphabet *a);
int64_t sw__alphabet_size(const struct sw_alphabet *a);

/* Tokens of a text into ids, which has room for `bytes` of them.  Returns how many, or -1 with *at at a byte
 * where a character begins that the alphabet has not (or that is none). */
int64_t sw__alphabet_encode(const struct sw_alphabet *a, const char *text, size_t bytes,
                            int32_t *ids, size_t *at);
/* The UTF-8 bytes of a token into text; how many. */
int sw__alphabet_text(const struct sw_alphabet *a, int32_t token, char text[4]);
/* The same as byte-level BPE whose merges put characters together from their bytes and nothing else, for files. */
sw_status sw__alphabet_tokenizer(sw_context *ctx, const struct sw_alphabet *a, sw_tokenizer **out);

#endif
