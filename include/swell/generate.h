/* Language models: open a file, feed tokens, read logits, generate.
 *
 * A model is weights, a tokenizer, one plan and one pool of key-value pages (kv.h).  A session is a
 * sequence of tokens in that pool.  Any number of sessions take a step together, each with as many
 * tokens as it likes: a prompt's chunk, one token, a guess of several.  The tokens of a session have
 * the same logits, to the bit, alone and among others, in any chunks, for any number of threads.
 *
 *     sw_model *m;
 *     sw_session *s;
 *     sw_model_open(ctx, "model.gguf", NULL, &m);
 *     sw_session_open(m, &s);
 *     sw_session_feed_text(s, "Once upon a time", 16);
 *     sw_generate(s, &(sw_generate_options){.tokens = 100, .piece = print}, NULL);
 *
 * A model and its sessions belong to the thread of its context. */
#ifndef SWELL_GENERATE_H
#define SWELL_GENERATE_H

#include <stdbool.h>
#include <swell/constraint.h>
#include <swell/context.h>
#include <swell/sample.h>
#include <swell/tensor.h>
#include <swell/tokenizer.h>

#ifdef __cplusplus
extern "C" {
#endif

/* ---- models ------------------------------------------------------------------------------------ */

typedef struct sw_model sw_model;

#define SW_MODEL_MOST_ADAPTERS 8

/* In what keys and values are kept.  q8_0, 8.5 bits a number: heads are a multiple of 32. */
typedef enum sw_model_kv {
    SW_MODEL_KV_F16,
    SW_MODEL_KV_BF16,
    SW_MODEL_KV_F32,
    SW_MODEL_KV_Q8_0
} sw_model_kv;

/* A low-rank change of a model's weights (Hu et al. 2021, "LoRA"): W + scale alpha / r B A, beside weights of
 * any type. */
typedef struct sw_model_adapter {
    const char *path; /* GGUF, as llama.cpp's convert_lora_to_gguf.py writes it */
    float scale;      /* 0: not at all; 1: as it was learnt */
} sw_model_adapter;

typedef struct sw_model_options {
    const char *tokenizer; /* a file of its own (tokenizer.h); NULL: the model's */
    bool no_tokenizer;     /* open none: the model is fed numbers */
    int64_t context;       /* most tokens of a session; 0: the model's, at most 4096 */
    int64_t most_context;  /* with context 0: the model's, at most this; 0: at most 4096 */
    int sessions;          /* open at the same time; 0: 1 */
    int64_t positions;     /* of the pool, for all sessions together; 0: sessions * context */
    int chunk;             /* most tokens of one step; 0: 512 */
    int rows;              /* most logits asked for in one step; 0: 64, at least one a session */
    sw_model_kv kv;
    const sw_model_adapter
        *adapters;  /* all at once; the array and its texts are needed in the call only */
    int n_adapters; /* at most SW_MODEL_MOST_ADAPTERS */
    bool bf16;      /* multiply f32 and 16-bit weights in bf16: faster, less exact */
} sw_model_options;

/* Open GGUF (all parts of a split one), a folder of Hugging Face (config.json, safetensors), or llama2.c's
 * .bin.  The weights stay where they are in the mapped files, which must stay unchanged as long as the
 * model lives.  `options` may be NULL.  SW_ERR_IO, SW_ERR_FORMAT, SW_ERR_UNSUPPORTED for an architecture
 * that is not known, SW_ERR_MEMORY, with what would fit, before anything large is read.  A model that
 * comes without a tokenizer has none: feed it numbers. */
SW_API sw_status sw_model_open(sw_context *ctx, const char *path, const sw_model_options *options,
                               sw_model **out);
/* After its sessions.  NULL is fine. */
SW_API void sw_model_destroy(sw_model *m);

typedef struct sw_model_info {
    const char *architecture; /* "llama" */
    int64_t layers, width, heads, kv_heads, head_size, hidden, vocabulary;
    int64_t trained_context; /* as the file says */
    int64_t context;         /* of a session, as opened */
    int chunk, rows;         /* of a step, as opened */
    int64_t parameters;      /* numbers in all weights */
    int64_t weight_bytes;    /* as stored */
    int64_t kv_bytes;        /* of the pool */
    int64_t buffer_bytes;    /* activations */
} sw_model_info;
SW_API sw_model_info sw_model_get_info(const sw_model *m);
/* NULL: it has none.  Belongs to the model. */
SW_API const sw_tokenizer *sw_model_tokenizer(const sw_model *m);

/* ---- sessions ---------------------------------------------------------------------------------- */

typedef struct sw_session sw_session;

/* An empty one.  SW_ERR_STATE when all are in use. */
SW_API sw_status sw_session_open(sw_model *m, sw_session **out);
/* One of the same tokens, which shares the pages until either writes on. */
SW_API sw_status sw_session_fork(const sw_session *s, sw_session **out);
/* NULL is fine. */
SW_API void sw_session_close(sw_session *s);

/* What it holds; valid until it changes. */
SW_API const int32_t *sw_session_tokens(const sw_session *s, int64_t *n);
/* Append tokens: in chunks, as many as a step takes.  SW_ERR_SIZE when they are more than the context
 * has room for, SW_ERR_ARGUMENT for a token that the vocabulary does not have, SW_ERR_MEMORY when
 * the pool is full; then nothing has changed. */
SW_API sw_status sw_session_feed(sw_session *s, const int32_t *tokens, int64_t n);
/* The same with a text: tokens as the model wants them, with its begin of text if the session is
 * empty; special tokens in the text are text.  SW_ERR_STATE without a tokenizer. */
SW_API sw_status sw_session_feed_text(sw_session *s, const char *text, size_t bytes);
/* Logits (V) of what follows the last token fed; NULL when it is not known: nothing was fed since it
 * was opened, forked or cut.  Valid until the session changes. */
SW_API const float *sw_session_logits(const sw_session *s);
/* Forget all tokens from `length` on. */
SW_API sw_status sw_session_truncate(sw_session *s, int64_t length);
/* Forget what differs from tokens[0 .. n-1], and the last one of these, so that the rest can be fed and
 * gives logits: returns how many are kept, which is where to feed on. */
SW_API int64_t sw_session_reuse(sw_session *s, const int32_t *tokens, int64_t n);

/* Keep the tokens of a session with their keys and values in a file, which is written whole or not at all.
 * SW_ERR_STATE when it has none, SW_ERR_IO, SW_ERR_MEMORY. */
SW_API sw_status sw_session_save(const sw_session *s, const char *path);
/* Put such a file in place of what the session holds; it goes on with the same bits as if it had never been
 * interrupted, where the options of the model and the CPU are the same.  SW_ERR_ARGUMENT: of another model (other
 * weights count, or other adapters) or other types of keys and values; SW_ERR_FORMAT: damaged; SW_ERR_SIZE: longer than
 * the context; SW_ERR_IO: then nothing has changed.  SW_ERR_MEMORY, and errors of the step that reads the last token again.
 *
 *     if (sw_session_load(s, "chat.session") == SW_OK) n = sw_session_reuse(s, prompt, count);
 *     sw_session_feed(s, prompt + n, count - n); */
SW_API sw_status sw_session_load(sw_session *s, const char *path);

/* ---- one step of many -------------------------------------------------------------------------- */

typedef struct sw_model_part {
    sw_session *session;   /* each at most once in a step */
    const int32_t *tokens; /* to append */
    int64_t n;             /* at least 1; all parts together at most the chunk */
    int64_t rows;          /* of the last tokens, how many logits are wanted: 0..n */
    const float *logits;   /* gets (rows,V); valid until the next step of the model */
} sw_model_part;

/* All parts in one run of the plan.  Errors as sw_session_feed; then no session has changed.
 * sw_session_logits knows nothing of it. */
SW_API sw_status sw_model_step(sw_model *m, sw_model_part *parts, int n);

/* ---- generating -------------------------------------------------------------------------------- */

/* Why it ended. */
typedef enum sw_finish {
    SW_FINISH_TOKENS,  /* as many as asked for */
    SW_FINISH_END,     /* the model, or the constraint, ended the text */
    SW_FINISH_CONTEXT, /* the context is full */
    SW_FINISH_STOPPED  /* by the callback */
} sw_finish;

/* Gets each token as it comes, with the text that became whole with it: whole UTF-8 characters, maybe
 * none.  At the end once more with token -1, for what is left.  False stops. */
typedef bool (*sw_piece_fn)(void *user, int32_t token, const char *text, size_t bytes);

typedef struct sw_generate_options {
    int64_t tokens;      /* most; 0: until the end of the text or of the context */
    sw_sampler *sampler; /* how to choose; NULL: always the most likely */
    /* What the text must fit, or NULL; it ends where the constraint ends, within `tokens`.  SW_ERR_ARGUMENT
     * when these are too few for any text that fits. */
    sw_constraint *constraint;
    bool ignore_end; /* go on after the end of the text */
    bool shift;      /* full context: forget the older half, read the newer one again, go on */
    int64_t keep;    /* shift: tokens at the beginning that are never forgotten */
    int lookup;      /* guess so many tokens ahead from the text itself; the same tokens, sooner */
    /* Or let a smaller model of the same vocabulary guess draft_tokens (at most 64; 0: 4) ahead: a session of it,
     * whatever it holds, or of this model.  At temperature 0 the tokens are the same, above their distribution is.
     * Needs a sampler.  SW_ERR_ARGUMENT, with both names, for another vocabulary. */
    sw_session *draft;
    int draft_tokens;
    sw_piece_fn piece; /* or NULL */
    void *user;
} sw_generate_options;

typedef struct sw_generated {
    int64_t tokens; /* made */
    sw_finish finish;
    int64_t guessed, right; /* lookup, draft: tokens that were guessed, and that were right */
    int32_t unfed;          /* the last token, if it was made but not fed; else -1 */
} sw_generated;

/* Go on from where the session stands; it has logits.  All tokens made are fed, but the last may not
 * be.  The end of the text is neither counted nor fed.  `out` may be NULL.  SW_ERR_STATE without logits;
 * errors of a step. */
SW_API sw_status sw_generate(sw_session *s, const sw_generate_options *options, sw_generated *out);

#ifdef __cplusplus
}
#endif
#endif
