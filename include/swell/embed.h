/* Embeddings: texts to vectors, so that texts of like meaning lie near each other.
 *
 * A network of encoders (bert: bge, MiniLM, E5, gte), or any language model that sw_model_open reads, gives a vector for
 * each token; pooling makes one of a text.  Texts of any lengths go through one run together, and a text has the
 * same vector, to the bit, alone and among others, for any number of threads.
 *
 *     sw_embedder *e;
 *     sw_embedder_open(ctx, "bge-small-en-v1.5.gguf", NULL, &e);
 *     float *v = malloc(2 * sw_embedder_get_info(e).width * sizeof *v);
 *     sw_embed_texts(e, (const char *[]){"a red car", "a scarlet automobile"}, 2, v);
 *     sw_embedder_destroy(e);
 *
 * Vectors have length 1 unless asked for as they are: their dot product is the cosine.  An embedder belongs to the
 * thread of its context. */
#ifndef SWELL_EMBED_H
#define SWELL_EMBED_H

#include <stdbool.h>
#include <swell/context.h>
#include <swell/tokenizer.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct sw_embedder sw_embedder;

/* How the vectors of tokens become one of the text. */
typedef enum sw_pooling {
    SW_POOLING_MODEL, /* as the model's files say; where they do not, the mean */
    SW_POOLING_NONE,  /* not: a vector for each token */
    SW_POOLING_MEAN,  /* of all tokens, those that begin and end the text too */
    SW_POOLING_CLS,   /* of the first token */
    SW_POOLING_LAST   /* of the last token */
} sw_pooling;

typedef struct sw_embedder_options {
    const char *tokenizer; /* a file of its own (tokenizer.h); NULL: the model's */
    bool no_tokenizer;     /* open none: the embedder is given numbers */
    int64_t context;       /* most tokens of a text; 0: as the model's files say, at most 4096 */
    sw_pooling pooling;
    bool raw;      /* leave the vectors as they come; else they are scaled to length 1 */
    bool truncate; /* of a longer text, take the beginning; else it is refused */
    bool bf16;     /* multiply f32 and 16-bit weights in bf16: faster, less exact */
} sw_embedder_options;

/* Open GGUF or a folder of Hugging Face (with sentence-transformers' modules.json, if it has one).  The files must stay
 * unchanged as long as the embedder lives.  `options` may be NULL.  SW_ERR_IO, SW_ERR_FORMAT, SW_ERR_UNSUPPORTED for a
 * network, or a pooling, that is not known, SW_ERR_SIZE for a context that the model was not made for, SW_ERR_MEMORY. */
SW_API sw_status sw_embedder_open(sw_context *ctx, const char *path,
                                  const sw_embedder_options *options, sw_embedder **out);
/* NULL is fine. */
SW_API void sw_embedder_destroy(sw_embedder *e);

typedef struct sw_embedder_info {
    const char *architecture;                 /* "bert" */
    int64_t layers, width, heads, vocabulary; /* width: numbers in a vector */
    int64_t trained_context, context;         /* as the file says; of a text, as opened */
    sw_pooling pooling;                       /* never SW_POOLING_MODEL */
    int64_t parameters, weight_bytes, buffer_bytes;
} sw_embedder_info;
SW_API sw_embedder_info sw_embedder_get_info(const sw_embedder *e);
/* "mean"; and back: false for a name that is none. */
SW_API const char *sw_pooling_name(sw_pooling p);
SW_API bool sw_pooling_find(const char *name, sw_pooling *out);
/* NULL: it has none.  Belongs to the embedder. */
SW_API const sw_tokenizer *sw_embedder_tokenizer(const sw_embedder *e);

/* The tokens that the network sees of a text: with those that begin and end it, cut if the embedder was opened so.
 * Writes at most `max` (ids may be NULL if max is 0); *count says how many there are.  SW_ERR_SIZE, with both numbers,
 * for a text longer than the context; SW_ERR_STATE without a tokenizer; errors of sw_tokenize. */
SW_API sw_status sw_embedder_tokens(sw_embedder *e, const char *text, size_t bytes, int32_t *ids,
                                    int64_t max, int64_t *count);

typedef struct sw_embed_input {
    const int32_t *tokens; /* as of sw_embedder_tokens */
    int64_t n;             /* 1 .. context */
} sw_embed_input;

/* Vectors of n texts: (n,width), or of all their tokens (n_0 + n_1 + ..., width) where they are not pooled.
 * SW_ERR_ARGUMENT: a text without tokens, or a token that the vocabulary does not have; SW_ERR_SIZE: a text longer
 * than the context. */
SW_API sw_status sw_embed(sw_embedder *e, const sw_embed_input *inputs, int64_t n, float *vectors);
/* Both in one: n texts, ended by zeros, to (n,width).  SW_ERR_STATE where vectors are not pooled. */
SW_API sw_status sw_embed_texts(sw_embedder *e, const char *const *texts, int64_t n,
                                float *vectors);

#ifdef __cplusplus
}
#endif
#endif
