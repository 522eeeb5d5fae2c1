/* What a tokenizer holds, and the steps of one call.
 *
 *     text -> added tokens cut out (added_tokens.c) -> fragments, normalised (normaliser.c)
 *          -> words (pre_tokenizer.c) -> ids (merge.c or wordpiece.c)
 *
 * In memory a token of SentencePiece holds spaces, not U+2581, and one of byte-level BPE holds bytes, not the
 * alphabet that files write them in: so a token's bytes are what it stands for. */
#ifndef SWELL_TEXT_TOKENIZER_INT_H
#define SWELL_TEXT_TOKENIZER_INT_H

#include <swell/tokenizer.h>
#include "text/normaliser.h"
#include "text/pre_tokenizer.h"
#include "text/vocabulary.h"

enum sw_token_model {
    SW_MODEL_BYTES, /* byte-level BPE: a word begins as bytes */
    SW_MODEL_TEXT,  /* SentencePiece BPE: as characters; what has no token falls back to bytes */
    SW_MODEL_WORDPIECE, /* the longest token that fits, again and again */
};

/* Before which texts a space is put. */
enum sw_space_prefix {
    SW_PREFIX_NONE,
    SW_PREFIX_ALWAYS,       /* also behind added tokens */
    SW_PREFIX_UNLESS_SPACE, /* the same, where there is none yet */
    SW_PREFIX_FIRST,        /* only at the very beginning, where there is none yet */
};

/* Where words of characters end, if no pre-tokeniser says it. */
enum sw_word_spaces {
    SW_SPACES_NONE, /* nowhere: all is one word */
    SW_SPACES_RUNS, /* before spaces: allowed where no token has a space behind another character */
    SW_SPACES_EACH, /* before each space */
};

/* Merges: (left, right) -> (rank, what they become). */
struct sw_merge {
    int32_t left, right; /* left -1: a free slot */
    uint32_t rank;
    int32_t merged;
};
struct sw_merges {
    struct sw_merge *slot; /* an open hash table, at most half full; NULL: merges go by text */
    uint32_t mask;
    int64_t count;
};

/* A token that is looked for in the text before all else. */
struct sw_added_token {
    int32_t id;
    bool special;        /* only when special tokens are asked for */
    bool lstrip, rstrip; /* takes the spaces before, behind it too */
    bool single_word;    /* not inside of a word */
};
struct sw_added {
    struct sw_added_token *token;   /* in the order of their bytes */
    int64_t count, capacity, plain; /* plain: those that are not special */
    uint8_t first[256];             /* whether one begins with this byte */
};

struct sw_tokenizer {
    enum sw_token_model model;
    struct sw_vocabulary vocabulary;
    struct sw_merges merges;
    uint32_t *order; /* where merges go by text: which token is made first; one an id */
    int32_t byte_token[256];
    int32_t unknown, bos, eos; /* -1: none */
    bool add_bos, add_eos;     /* the model was trained with them */
    enum sw_space_prefix space_prefix;
    enum sw_word_spaces spaces;
    bool whole_words;    /* a word that is a token is that token, whatever the merges say */
    bool fuse_unknown;   /* neighbours that are unknown are one */
    int word_characters; /* of a word for WordPiece; a longer one is unknown; 0: any */
    bool lowercase, strip_accents, spread_chinese, clean; /* what WordPiece does to a text before */
    struct sw_added added;
    struct sw_normaliser normaliser;
    struct sw_pre_tokenizer pre;
    uint8_t *ends; /* one an id: a model that draws it has finished */
};

/* ---- building one: the readers call these, then sw__tokenizer_finish --------------------------- */

struct sw_tokenizer *sw__tokenizer_new(enum sw_token_model model); /* NULL: out of memory */
/* Add the merge of two tokens; the first of two equal ones counts.  Reserve before. */
bool sw__merges_reserve(struct sw_merges *m, int64_t count);
void sw__merges_add(struct sw_merges *m, int32_t left, int32_t right, uint32_t rank,
                    int32_t merged);
/* Of a table that is not empty; NULL: the two do not merge. */
const struct sw_merge *sw__merges_find(const struct sw_merges *m, int32_t left, int32_t right);
/* False: out of memory. */
bool sw__added_add(struct sw_added *a, struct sw_added_token token);
/* Index what was added; `name` is the file.  SW_ERR_FORMAT, SW_ERR_MEMORY with the text set. */
sw_status sw__tokenizer_finish(sw_context *ctx, const char *name, struct sw_tokenizer *t);
/* Whether models call what ends an answer so: "<|im_end|>". */
bool sw__token_names_an_end(const char *text, size_t bytes);
/* Order tokens by score, the highest first, for merges by text.  False: out of memory. */
bool sw__tokenizer_order_by_score(struct sw_tokenizer *t);
/* ... by their number, the smallest first. */
bool sw__tokenizer_order_by_number(struct sw_tokenizer *t);
/* U+2581 in a token to the space that it stands for.  Whether there was one. */
bool sw__token_put_spaces(char *text, size_t *bytes);
/* The byte of a token like "<0x0A>", -1: it is none. */
int sw__token_of_byte(const char *text, size_t bytes);

/* ---- readers: from memory; `name` is for errors -------------------------------------------------- */

/* tokenizer.bin of llama2.c. */
sw_status sw__tokenizer_from_llama2c(sw_context *ctx, const char *name, const uint8_t *data,
                                     size_t size, struct sw_tokenizer **out);

/* Ranks of tiktoken. */
sw_status sw__tokenizer_from_tiktoken(sw_context *ctx, const char *name, const uint8_t *data,
                                      size_t size, struct sw_tokenizer **out);
/* vocab.txt of BERT: a token a line. */
sw_status sw__tokenizer_from_vocab_txt(sw_context *ctx, const char *name, const uint8_t *data,
                                       size_t size, struct sw_tokenizer **out);
/* tokenizer.json; `folder` (or NULL) may have tokenizer_config.json and generation_config.json. */
sw_status sw__tokenizer_from_hf(sw_context *ctx, const char *name, const char *folder,
                                const uint8_t *data, size_t size, struct sw_tokenizer **out);
struct sw_gguf;
/* The metadata tokenizer.ggml.* of a model. */
sw_status sw__tokenizer_from_gguf(sw_context *ctx, const char *name, const struct sw_gguf *f,
                                  struct sw_tokenizer **out);

struct sw_gguf_writer;
/* The same metadata for a model of `size` tokens, of which the last ones may be none of the tokenizer's; `name` is
 * the tokenizer's file.  SW_ERR_ARGUMENT: it has more; SW_ERR_UNSUPPORTED names what GGUF cannot say. */
sw_status sw__tokenizer_put_gguf(sw_context *ctx, const char *name, const struct sw_tokenizer *t,
                                 int64_t size, struct sw_gguf_writer *w);

/* A token as files write it, into three bytes for each of its own and 32; *kind: its kind there.  A hole is "[PAD7]". */
size_t sw__token_write(const struct sw_tokenizer *t, int64_t id, char *out, int32_t *kind);
/* The pairs that are merged, in their order; of SentencePiece with scores none.  False: out of memory. */
typedef void sw_merge_fn(void *user, int32_t left, int32_t right);
bool sw__tokenizer_each_merge(const struct sw_tokenizer *t, sw_merge_fn *pair, void *user);
/* tokenizer.json; `name` is the tokenizer's own file.  SW_ERR_UNSUPPORTED names what it cannot say. */
sw_status sw__tokenizer_write_hf(sw_context *ctx, const char *name, const struct sw_tokenizer *t,
                                 const char *path);

/* Byte-level BPE writes bytes as characters that can be seen: decode a token; -1: it is not written so.  At most as
 * many bytes as it had. */
int64_t sw__byte_alphabet_decode(const char *text, size_t size, char *out);
/* The same, back; out has room for twice the bytes. */
size_t sw__byte_alphabet_encode(const char *bytes, size_t size, char *out);

/* ---- one call ------------------------------------------------------------------------------------ */

enum { SW_SHORT_WORD = 48, SW_CACHED_BYTES = 15, SW_CACHED_IDS = 4 };

/* A symbol of a word that is being merged. */
struct sw_symbol {
    uint32_t at, bytes; /* in the word; no bytes: it was merged into the one before */
    int32_t id;         /* -1: no token */
    uint32_t rank;      /* of the merge with the next one; UINT32_MAX: none */
    int32_t merged;     /* what that makes */
    int32_t next, previous;
};
struct sw_candidate {
    uint64_t key; /* rank, then place: what comes first */
    uint32_t bytes;
    int32_t merged;
};
/* A word and its ids, so that a word is merged once a call. */
struct sw_cached_word {
    uint64_t key[2]; /* at most 15 bytes, and their number */
    int32_t id[SW_CACHED_IDS];
};

struct sw_encoder {
    const struct sw_tokenizer *t;
    int32_t *ids;
    int64_t max, count;
    sw_status status;  /* sticky */
    const char *limit; /* the end of the text that words lie in: how far may be read */
    struct sw_cached_word *cache;
    int cache_shift;
    int32_t
        fresh[SW_CACHED_IDS]; /* the first ids of the word at hand, which begins at id fresh_at */
    int64_t fresh_at;
    struct sw_symbol few[SW_SHORT_WORD + 1], *symbol; /* symbol: few, or grown for long words */
    int64_t symbol_capacity;
    struct sw_candidate *heap;
    int64_t heap_count, heap_capacity;
};

static inline void sw__encoder_put(struct sw_encoder *e, int32_t id)
{
    const int64_t fresh = e->count - e->fresh_at;
    if (fresh < SW_CACHED_IDS) e->fresh[fresh] = id;
    if (e->count < e->max) e->ids[e->count] = id;
    e->count++;
}

/* A word to ids, by merging. */
void sw__encode_word(struct sw_encoder *e, const char *word, size_t bytes);
/* A text to ids, by WordPiece. */
void sw__encode_wordpiece(struct sw_encoder *e, const char *text, size_t size);

/* The first added token at or behind `from`, the longest of those that begin there; false: none. */
struct sw_added_match {
    size_t begin, end; /* with the spaces that it takes */
    int32_t id;
};
bool sw__added_find(const struct sw_tokenizer *t, const char *text, size_t size, size_t from,
                    bool special, struct sw_added_match *out);

#endif
