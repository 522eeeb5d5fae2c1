/* Constrained decoding: text that always fits a JSON schema, a grammar or a regular expression.
 *
 *     sw_token_trie *v; the byte string of each token, once a model
 *     sw_grammar *g;      what is allowed, compiled for that vocabulary, with its cache of masks
 *     sw_constraint *c;   how far one text has come in it
 *
 *     sw_token_trie_of(ctx, tokenizer, &v);
 *     sw_grammar_create(ctx, v, SW_GRAMMAR_JSON_SCHEMA, schema, strlen(schema), &g);
 *     sw_constraint_create(ctx, g, &c);
 *     if (sw_constraint_check_budget(c, budget) != SW_OK) ...      // not enough tokens for any text
 *     for (left = budget; left > 0; left--) {
 *         sw_constraint_mask(c, left, mask);
 *         sw_sampler_draw(s, logits, n, mask, &token);
 *         if (sw_constraint_accept(c, token) != SW_OK || sw_constraint_ended(c)) break;
 *     }
 *
 * The mask takes the tokens that are left into account: a token is allowed only if the text can
 * still be brought to an end with those after it.  So a text never stops in the middle.  (A grammar that reads
 * one text in more than 128 ways at once has only those that are nearest to the end followed.)
 *
 * docs/constrained-decoding.md describes the three languages. */
#ifndef SWELL_CONSTRAINT_H
#define SWELL_CONSTRAINT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <swell/context.h>
#include <swell/tokenizer.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct sw_token_trie sw_token_trie;
typedef struct sw_grammar sw_grammar;
typedef struct sw_constraint sw_constraint;

/* What a token stands for: any bytes, a part of a UTF-8 character too.  No bytes: a special token, which a
 * constraint never allows. */
typedef struct sw_token_bytes {
    const char *text;
    size_t bytes;
} sw_token_bytes;

/* Index `size` tokens; nothing of the arrays is kept.  `ends` lists the tokens that end a text (EOS and
 * the like), whatever bytes they have: allowed where the text may end.  Immutable: any number of
 * grammars and threads may use it, and it must outlive them.  SW_ERR_ARGUMENT, SW_ERR_MEMORY. */
SW_API sw_status sw_token_trie_create(sw_context *ctx, const sw_token_bytes *tokens, int64_t size,
                                      const int32_t *ends, int64_t n_ends, sw_token_trie **out);
/* The same of a tokenizer: its tokens, without the special ones, and those that end a text. */
SW_API sw_status sw_token_trie_of(sw_context *ctx, const sw_tokenizer *t, sw_token_trie **out);
/* NULL is fine. */
SW_API void sw_token_trie_destroy(sw_token_trie *v);
SW_API int64_t sw_token_trie_size(const sw_token_trie *v);
/* The tokens whose bytes contain `text`, in rising order: at most `max` are written; returns how many
 * there are.  For breakers of DRY (sample.h). */
SW_API int64_t sw_token_trie_containing(const sw_token_trie *v, const char *text, size_t bytes,
                                        int32_t *ids, int64_t max);

typedef enum sw_grammar_kind {
    SW_GRAMMAR_JSON_SCHEMA, /* JSON Schema 2020-12, the part in docs/constrained-decoding.md */
    SW_GRAMMAR_GBNF,        /* llama.cpp's grammars; the rule `root` is the text */
    SW_GRAMMAR_REGEX,       /* the whole text matches */
    SW_GRAMMAR_JSON_OBJECT, /* any JSON object; no source */
} sw_grammar_kind;

/* Compile.  A grammar, its constraints and ctx are used by one thread at a time.  SW_ERR_FORMAT: what
 * is wrong with the source, and where; SW_ERR_UNSUPPORTED: what it uses that is not there, and where
 * (a JSON pointer, or a position in the text); SW_ERR_SIZE: more than 2^18 states. */
SW_API sw_status sw_grammar_create(sw_context *ctx, const sw_token_trie *v, sw_grammar_kind kind,
                                   const char *source, size_t bytes, sw_grammar **out);
/* After its constraints.  NULL is fine. */
SW_API void sw_grammar_destroy(sw_grammar *g);

/* An empty text. */
SW_API sw_status sw_constraint_create(sw_context *ctx, sw_grammar *g, sw_constraint **out);
SW_API void sw_constraint_destroy(sw_constraint *c);
/* Back to an empty text. */
SW_API void sw_constraint_reset(sw_constraint *c);
/* Make `to`, of the same grammar, stand where `from` stands. */
SW_API sw_status sw_constraint_copy(sw_constraint *to, const sw_constraint *from);

/* The most tokens that an end of the text, from here, needs: the shortest completion, counted without the
 * token that ends it. */
SW_API int64_t sw_constraint_shortest(const sw_constraint *c);
/* SW_ERR_ARGUMENT, with both numbers, if `budget` tokens are fewer than that. */
SW_API sw_status sw_constraint_check_budget(sw_constraint *c, int64_t budget);

/* Which tokens may come next when `left` more, the next one included, may be drawn: bit i % 32 of
 * mask[i / 32], for (size + 31) / 32 words.  If left is at least sw_constraint_shortest, there is one
 * after which left - 1 is again, or the text may end here; an empty mask says that it has to.
 * SW_ERR_STATE if left is too small. */
SW_API sw_status sw_constraint_mask(sw_constraint *c, int64_t left, uint32_t *mask);

/* The token stands in the text now.  SW_ERR_ARGUMENT if it cannot, and nothing changes. */
SW_API sw_status sw_constraint_accept(sw_constraint *c, int32_t token);

/* The text may end here.  / Nothing can follow, or a token that ends it was accepted. */
SW_API bool sw_constraint_may_end(const sw_constraint *c);
SW_API bool sw_constraint_ended(const sw_constraint *c);

#ifdef __cplusplus
}
#endif
#endif
