/* What the fuzzers of grammars do: compile the input, and if that goes well, draw a short text with masks, which must
 * end within its budget. */
#ifndef SWELL_FUZZ_GRAMMAR_H
#define SWELL_FUZZ_GRAMMAR_H

#include <stdlib.h>
#include <swell/swell.h>
#include "../tests/small_vocabulary.h"

static inline void fuzz_draw(sw_context *ctx, sw_grammar *g, const uint8_t *data, size_t size)
{
    sw_constraint *c;
    uint32_t mask[SMALL_WORDS];
    if (sw_constraint_create(ctx, g, &c) != SW_OK) abort();
    int64_t left = sw_constraint_shortest(c);
    if (left > 200) left = 0; /* nothing to see */
    for (left += left ? 8 : 0; left > 0 && !sw_constraint_ended(c); left--) {
        int32_t allowed[SMALL_LIMIT], count = 0;
        if (sw_constraint_mask(c, left, mask) != SW_OK) abort();
        for (int32_t t = 0; t < small_vocabulary_size(); t++)
            if (mask[t / 32] >> t % 32 & 1) allowed[count++] = t;
        if (count == 0) break;
        const int32_t token = allowed[(size_t)left < size ? data[left] % count : 0];
        if (sw_constraint_accept(c, token) != SW_OK) abort();
        if (left == 1 && !sw_constraint_may_end(c)) abort();
    }
    sw_constraint_destroy(c);
}

static inline int fuzz_grammar(sw_grammar_kind kind, const uint8_t *data, size_t size)
{
    static sw_context *ctx;
    static sw_token_trie *trie;
    sw_grammar *g;
    if (!ctx && (sw_context_create(&(sw_context_options){.threads = 1}, &ctx) != SW_OK ||
                 small_vocabulary(ctx, &trie) != SW_OK))
        abort();
    if (sw_grammar_create(ctx, trie, kind, (const char *)data, size, &g) == SW_OK)
        fuzz_draw(ctx, g, data, size);
    else if (!*sw_error(ctx))
        abort(); /* a failure without a text */
    sw_grammar_destroy(g);
    return 0;
}

#endif
