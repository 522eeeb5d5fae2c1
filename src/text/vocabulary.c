/* The tokens of a model.  One block of text for all of them, so that a vocabulary of 200,000 is a handful of
 * allocations; ids are found by an open hash table that is at most half full. */
#include "text/vocabulary.h"

#include <stdlib.h>
#include "base/memory.h"

bool sw__vocabulary_add(struct sw_vocabulary *v, const char *text, size_t bytes,
                        enum sw_token_kind kind, float score)
{
    if (bytes > SW_TOKEN_BYTES || v->bytes + (int64_t)bytes > UINT32_MAX) return false;
    if (!sw__grow(&v->at, &v->at_capacity, v->count + 2, sizeof *v->at) ||
        !sw__grow(&v->kind, &v->kind_capacity, v->count + 1, sizeof *v->kind) ||
        !sw__grow(&v->score, &v->score_capacity, v->count + 1, sizeof *v->score) ||
        !sw__grow(&v->text, &v->text_capacity, v->bytes + (int64_t)bytes + 1, 1))
        return false;
    if (bytes) memcpy(v->text + v->bytes, text, bytes);
    v->at[v->count] = (uint32_t)v->bytes;
    v->bytes += (int64_t)bytes;
    v->kind[v->count] = (uint8_t)kind;
    v->score[v->count++] = score;
    v->at[v->count] = (uint32_t)v->bytes;
    return true;
}

sw_status sw__vocabulary_index(struct sw_vocabulary *v, int32_t same[2])
{
    size_t slots = 16;
    while (slots < 2 * (size_t)v->count) slots *= 2;
    free(v->slot);
    v->slot = malloc(slots * sizeof *v->slot);
    if (!v->slot) return SW_ERR_MEMORY;
    memset(v->slot, 0xFF, slots * sizeof *v->slot);
    v->mask = (uint32_t)(slots - 1);
    for (int32_t id = 0; id < v->count; id++) {
        size_t bytes;
        const char *text = sw__token_bytes(v, id, &bytes);
        if (v->kind[id] != SW_TOKEN_NORMAL || bytes == 0) continue;
        uint32_t i = (uint32_t)sw__text_hash(text, bytes) & v->mask;
        for (; v->slot[i] >= 0; i = (i + 1) & v->mask) {
            size_t other;
            if (memcmp(sw__token_bytes(v, v->slot[i], &other), text, bytes) != 0 || other != bytes)
                continue;
            same[0] = v->slot[i];
            same[1] = id;
            return SW_ERR_FORMAT;
        }
        v->slot[i] = id;
    }
    return SW_OK;
}

void sw__vocabulary_free(struct sw_vocabulary *v)
{
    free(v->text);
    free(v->at);
    free(v->kind);
    free(v->score);
    free(v->slot);
    *v = (struct sw_vocabulary){0};
}
