/* Tokens to train a language model on: one long row, documents one after the other, and windows of it.
 *
 *     struct sw_token_set set;
 *     sw__token_set_read(ctx, "input.txt", &vocabulary, &set);
 *     struct sw_token_part part = {&set, 0, set.count * 9 / 10};
 *     sw__token_window(&part, sw__token_draw(&part, 256, seed, number), 256, ids, labels);
 */
#ifndef SWELL_TRAIN_TOKEN_SET_H
#define SWELL_TRAIN_TOKEN_SET_H

#include "base/memory.h"
#include "train/alphabet.h"

/* How text becomes tokens: one of the first two, or neither where tokens come from a file. */
struct sw_vocabulary_source {
    const struct sw_alphabet *alphabet;
    /* Tokens of a text, at most `max` written, *count: how many there are. */
    sw_status (*encode)(void *user, const char *text, size_t bytes, int32_t *ids, int64_t max,
                        int64_t *count);
    void *user;
    int64_t size; /* tokens are 0 .. size - 1 */
    int32_t end;  /* the token that ends a document; -1: there is none */
};

struct sw_token_set {
    int64_t count;
    const void *ids; /* u16, or u32 where wide */
    bool wide;
    uint8_t *silent;   /* a bit a token: not to be learnt (prompts); NULL: all are */
    int64_t *starts;   /* (documents): where each begins; NULL for a file of tokens */
    int64_t documents; /* 0 for a file of tokens */

    int64_t capacity, silent_capacity, starts_capacity;
    struct sw_mapping map; /* a file of tokens */
};

/* Documents of a file or folder (documents.h), each ended by the token of the vocabulary that does so; a text that
 * is a single document has none.  SW_ERR_FORMAT names file and line of a character that the alphabet has not. */
sw_status sw__token_set_read(sw_context *ctx, const char *path,
                             const struct sw_vocabulary_source *vocabulary,
                             struct sw_token_set *out);
/* Packed tokens: u16 (or u32 where wide), little-endian, as nanoGPT writes them, or behind llm.c's header of 1024
 * bytes, which says which.  SW_ERR_FORMAT: a token that is not below `size` (the text names its place). */
sw_status sw__token_set_map(sw_context *ctx, const char *path, bool wide, int64_t size,
                            struct sw_token_set *out);
void sw__token_set_free(struct sw_token_set *set);

static inline int32_t sw__token_at(const struct sw_token_set *set, int64_t i)
{
    return set->wide ? (int32_t)((const uint32_t *)set->ids)[i]
                     : (int32_t)((const uint16_t *)set->ids)[i];
}

/* A range of a set: what is trained on, what is held out. */
struct sw_token_part {
    const struct sw_token_set *set;
    int64_t begin, end;
};

/* Documents that begin in the part and before its last token: *first .. *first + count - 1; the count. */
int64_t sw__token_documents_of(const struct sw_token_part *part, int64_t *first);

/* Where window `number` of a run begins: anywhere, or at a document where prompts are not to be learnt.  A pure
 * function of (part, tokens, seed, number).  The part has more than `tokens` tokens. */
int64_t sw__token_draw(const struct sw_token_part *part, int64_t tokens, uint64_t seed,
                       uint64_t number);

/* Tokens start..start+n-1 into ids and the one behind each into labels, -1 where it is not to be learnt or lies behind
 * the part (ids there: 0). Returns how many labels count. */
int64_t sw__token_window(const struct sw_token_part *part, int64_t start, int64_t n, int32_t *ids,
                         int32_t *labels);

/* Attention within documents: position of each of n ids in its document, and the number of the document: where it
 * begins.  `end` belongs to the document that it ends. */
void sw__token_documents(const int32_t *ids, int64_t n, int32_t end, int32_t *positions,
                         int32_t *documents);

#endif
