/* Tokenizers: text to the numbers that a language model reads, and back.
 *
 *     sw_tokenizer *t;
 *     int32_t ids[512];
 *     int64_t n;
 *     if (sw_tokenizer_open(ctx, "model.gguf", &t) != SW_OK) ...
 *     sw_tokenize(t, "Once upon a time", 16, (sw_tokenize_options){.begin = true}, ids, 512, &n);
 *     sw_tokenizer_destroy(t);
 *
 * A tokenizer does not change after it was opened: any number of threads may use one. */
#ifndef SWELL_TOKENIZER_H
#define SWELL_TOKENIZER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <swell/context.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct sw_tokenizer sw_tokenizer;

/* Read a tokenizer: a GGUF model, tokenizer.json of Hugging Face or a folder that has one, ranks of tiktoken
 * (.tiktoken), tokenizer.bin of llama2.c, vocab.txt of BERT.  SW_ERR_IO, SW_ERR_FORMAT, SW_ERR_UNSUPPORTED (a kind
 * that is not known, by name), SW_ERR_MEMORY; the text names the file and the reason. */
SW_API sw_status sw_tokenizer_open(sw_context *ctx, const char *path, sw_tokenizer **out);

/* NULL is fine. */
SW_API void sw_tokenizer_destroy(sw_tokenizer *t);

/* How many ids there are: they go from 0 to this. */
SW_API int64_t sw_tokenizer_size(const sw_tokenizer *t);

/* "gpt2" (byte-level BPE), "llama" (SentencePiece BPE), "bert" (WordPiece): GGUF's names. */
SW_API const char *sw_tokenizer_kind(const sw_tokenizer *t);

typedef struct sw_tokenize_options {
    bool
        special; /* what is written like a special token ("<|im_end|>") becomes it; else it is plain text */
    bool begin; /* put the token that begins a text before it, if the model was trained so */
    bool end;   /* put the token that ends a text behind it, if the model was trained so */
} sw_tokenize_options;

/* The ids of a text of `bytes` bytes, which may be any: what is no UTF-8 goes through byte by byte.  Writes at most
 * `max` ids (ids may be NULL if max is 0); *count says how many there are.  SW_ERR_MEMORY; SW_ERR_FORMAT when the
 * vocabulary has neither a token for a byte of the text nor one for the unknown; SW_ERR_SIZE for 4 GB and more. */
SW_API sw_status sw_tokenize(const sw_tokenizer *t, const char *text, size_t bytes,
                             sw_tokenize_options options, int32_t *ids, int64_t max,
                             int64_t *count);

/* The text of ids: the bytes that went into sw_tokenize come back (but for WordPiece, which loses case and spaces).
 * `special`: special tokens as they are written, else they are left out.  Writes at most `max` bytes, no zero behind
 * them; *bytes says how many there are.  SW_ERR_ARGUMENT: an id that is none. */
SW_API sw_status sw_detokenize(const sw_tokenizer *t, const int32_t *ids, int64_t count,
                               bool special, char *text, size_t max, size_t *bytes);

/* The bytes that a token stands for (not terminated; owned by the tokenizer), special tokens as they are written;
 * NULL if id is none. */
SW_API const char *sw_token_text(const sw_tokenizer *t, int32_t id, size_t *bytes);

/* The token that stands for exactly this text, special ones first; -1: there is none. */
SW_API int32_t sw_token_find(const sw_tokenizer *t, const char *text, size_t bytes);

/* Whether a token is not text: begins or ends a text or a turn, stands for the unknown, ... */
SW_API bool sw_token_is_special(const sw_tokenizer *t, int32_t id);

/* Whether a model that draws this token has finished: end of text, of turn, of message. */
SW_API bool sw_token_ends(const sw_tokenizer *t, int32_t id);

/* The tokens that begin and end a text; -1: there is none.  Where a file does not say which token ends a text, it is
 * the first one with a known name (<|endoftext|>, </s>, ...). */
SW_API int32_t sw_tokenizer_bos(const sw_tokenizer *t);
SW_API int32_t sw_tokenizer_eos(const sw_tokenizer *t);

/* Text from ids that come one by one: only whole UTF-8 characters go out.  A plain struct, no memory behind it.
 *
 *     sw_detokenizer d;
 *     sw_detokenizer_begin(&d, t, (sw_detokenizer_options){0});
 *     while (...) sw_detokenizer_push(&d, id, write, stdout);
 *     sw_detokenizer_end(&d, write, stdout);
 */
typedef struct sw_detokenizer_options {
    bool special; /* special tokens as they are written, else they are left out */
    bool
        middle; /* the ids go on from a text: the space that some models put before every text is kept */
    bool replace; /* U+FFFD for bytes that are no UTF-8; else they go out as they are */
} sw_detokenizer_options;

typedef struct sw_detokenizer {
    const sw_tokenizer *tokenizer;
    sw_detokenizer_options options;
    bool first;   /* nothing was written since the beginning or a special token */
    int held;     /* bytes of a character that is not whole yet */
    char hold[4]; /* these */
} sw_detokenizer;

/* The tokenizer must live longer than the struct. */
SW_API void sw_detokenizer_begin(sw_detokenizer *d, const sw_tokenizer *t,
                                 sw_detokenizer_options options);
/* Calls `write` for what has become whole, a few times or not at all.  SW_ERR_ARGUMENT: an id that is none. */
SW_API sw_status sw_detokenizer_push(sw_detokenizer *d, int32_t id, sw_text_fn write, void *user);
/* Writes what is left of a character that never became whole. */
SW_API void sw_detokenizer_end(sw_detokenizer *d, sw_text_fn write, void *user);

/* Learning a vocabulary: byte-level BPE.  The same text in the same order gives the same tokens.
 *
 *     sw_tokenizer_trainer *trainer;
 *     int64_t learnt;
 *     if (sw_tokenizer_trainer_create(ctx, "gpt-2", &trainer) != SW_OK) ...
 *     sw_tokenizer_trainer_add(trainer, text, bytes);
 *     sw_tokenizer_trainer_learn(trainer, 4096 - 257, &learnt);
 *     sw_tokenizer_trainer_write(trainer, "tokenizer.json", (const char *[]){"<|endoftext|>", NULL});
 *     sw_tokenizer_trainer_destroy(trainer);
 */
typedef struct sw_tokenizer_trainer sw_tokenizer_trainer;

/* `pattern`: how text is cut into words, "gpt-2", "cl100k", "o200k" or "qwen2".  SW_ERR_ARGUMENT, SW_ERR_MEMORY. */
SW_API sw_status sw_tokenizer_trainer_create(sw_context *ctx, const char *pattern,
                                             sw_tokenizer_trainer **out);
SW_API void sw_tokenizer_trainer_destroy(sw_tokenizer_trainer *t); /* NULL is fine */
/* Count the words of a text, which is not kept.  SW_ERR_MEMORY; SW_ERR_STATE after learning has begun. */
SW_API sw_status sw_tokenizer_trainer_add(sw_tokenizer_trainer *t, const char *text, size_t bytes);
/* Learn up to so many more merges; *learnt: how many there are in all.  It stops when no pair is there twice. */
SW_API sw_status sw_tokenizer_trainer_learn(sw_tokenizer_trainer *t, int64_t merges,
                                            int64_t *learnt);
/* Write tokenizer.json, whole or not at all: 256 bytes, merges, then the special tokens (up to NULL; may be NULL).
 * SW_ERR_IO, SW_ERR_MEMORY. */
SW_API sw_status sw_tokenizer_trainer_write(const sw_tokenizer_trainer *t, const char *path,
                                            const char *const *special);

#ifdef __cplusplus
}
#endif
#endif
