/* Making the trie of a vocabulary: sort the tokens, then each adds the nodes by which it differs
 * from the one before. */
#include "text/token_trie.h"

#include <stdlib.h>
#include <string.h>
#include "base/context_int.h"
#include "base/memory.h"
#include "base/size.h"

enum { MAX_TOKENS = 1 << 24 };

/* ---- order ------------------------------------------------------------------------------------- */

struct sort_key {
    const char *text;
    uint32_t bytes;
    int32_t id;
};

static int compare(const void *a, const void *b)
{
    const struct sort_key *x = a, *y = b;
    const size_t n = x->bytes < y->bytes ? x->bytes : y->bytes;
    const int order = memcmp(x->text, y->text, n);
    if (order != 0) return order;
    if (x->bytes != y->bytes) return x->bytes < y->bytes ? -1 : 1;
    return x->id < y->id ? -1 : x->id > y->id;
}

/* The tokens that have a place in the trie, sorted; *out is malloc'ed.  False: out of memory. */
static bool sort_tokens(const struct sw_token_trie *v, struct sort_key **out, int64_t *count)
{
    struct sort_key *keys = sw__calloc2((size_t)v->size + 1, sizeof *keys);
    int64_t n = 0;
    if (!keys) return false;
    for (int64_t i = 0; i < v->size; i++) {
        const uint32_t bytes = v->start[i + 1] - v->start[i];
        if (bytes == 0 || bytes > SW_TOKEN_LIMIT || sw__token_trie_ends(v, (int32_t)i)) continue;
        keys[n++] = (struct sort_key){v->text + v->start[i], bytes, (int32_t)i};
    }
    qsort(keys, (size_t)n, sizeof *keys, compare);
    *out = keys;
    *count = n;
    return true;
}

static uint32_t shared(const struct sort_key *a, const struct sort_key *b)
{
    uint32_t n = 0;
    while (n < a->bytes && n < b->bytes && a->text[n] == b->text[n]) n++;
    return n;
}

/* ---- nodes ------------------------------------------------------------------------------------- */

/* A node's own tokens come before its children's, and a child is made by the first token that
 * passes it: so first[] of the next node is where they end. */
static bool build(struct sw_token_trie *v, const struct sort_key *keys, int64_t n)
{
    int64_t nodes = 1;
    for (int64_t i = 0; i < n; i++)
        nodes += keys[i].bytes - (i ? shared(keys + i - 1, keys + i) : 0);
    v->byte = sw__calloc2((size_t)nodes, sizeof *v->byte);
    v->depth = sw__calloc2((size_t)nodes, sizeof *v->depth);
    v->next = sw__calloc2((size_t)nodes, sizeof *v->next);
    v->first = sw__calloc2((size_t)nodes + 1, sizeof *v->first);
    v->order = sw__calloc2((size_t)n + 1, sizeof *v->order);
    if (!v->byte || !v->depth || !v->next || !v->first || !v->order) return false;
    v->nodes = 1;
    for (int64_t i = 0; i < n; i++) {
        v->order[i] = keys[i].id;
        for (uint32_t d = i ? shared(keys + i - 1, keys + i) : 0; d < keys[i].bytes; d++) {
            v->byte[v->nodes] = (uint8_t)keys[i].text[d];
            v->depth[v->nodes] = (uint8_t)(d + 1);
            v->first[v->nodes++] = (int32_t)i;
        }
    }
    v->first[v->nodes] = (int32_t)n;
    /* Backwards: of each depth, the last node seen so far is the next one there. */
    int32_t open[SW_TOKEN_LIMIT + 1];
    for (int d = 0; d <= SW_TOKEN_LIMIT; d++) open[d] = v->nodes;
    for (int32_t i = v->nodes; i-- > 0;) {
        v->next[i] = open[v->depth[i]];
        for (int d = v->depth[i]; d <= SW_TOKEN_LIMIT; d++) open[d] = i;
    }
    return true;
}

int32_t sw__token_trie_child(const struct sw_token_trie *v, int32_t node, uint8_t byte)
{
    const int32_t end = v->next[node];
    for (int32_t i = node + 1; i < end; i = v->next[i]) {
        if (v->byte[i] == byte) return i;
        if (v->byte[i] > byte) return -1;
    }
    return -1;
}

/* ---- life -------------------------------------------------------------------------------------- */

static sw_status check(sw_context *ctx, const sw_token_bytes *tokens, int64_t size,
                       const int32_t *ends, int64_t n_ends, size_t *total)
{
    if (size <= 0 || size > MAX_TOKENS)
        return sw__fail(ctx, SW_ERR_ARGUMENT, "token trie: %lld tokens", (long long)size);
    *total = 0;
    for (int64_t i = 0; i < size; i++)
        if (!sw__size_add(*total, tokens[i].bytes, total) || *total > INT32_MAX)
            return sw__fail(ctx, SW_ERR_ARGUMENT,
                            "token trie: the bytes of its tokens are too many");
    for (int64_t i = 0; i < n_ends; i++)
        if (ends[i] < 0 || ends[i] >= size)
            return sw__fail(ctx, SW_ERR_ARGUMENT,
                            "token trie: token %d ends a text; there are %lld tokens", ends[i],
                            (long long)size);
    return SW_OK;
}

static bool fill(struct sw_token_trie *v, const sw_token_bytes *tokens, const int32_t *ends,
                 int64_t n_ends, size_t total)
{
    struct sort_key *keys = NULL;
    int64_t n;
    v->start = sw__calloc2((size_t)v->size + 1, sizeof *v->start);
    v->ends = sw__calloc2((size_t)(v->size + 31) / 32, sizeof *v->ends);
    v->text = malloc(total + 1);
    if (!v->start || !v->ends || !v->text) return false;
    for (int64_t i = 0; i < v->size; i++) {
        if (tokens[i].bytes > 0) memcpy(v->text + v->start[i], tokens[i].text, tokens[i].bytes);
        v->start[i + 1] = v->start[i] + (uint32_t)tokens[i].bytes;
    }
    for (int64_t i = 0; i < n_ends; i++) v->ends[ends[i] / 32] |= UINT32_C(1) << ends[i] % 32;
    const bool done = sort_tokens(v, &keys, &n) && build(v, keys, n);
    free(keys);
    return done;
}

sw_status sw_token_trie_create(sw_context *ctx, const sw_token_bytes *tokens, int64_t size,
                               const int32_t *ends, int64_t n_ends, sw_token_trie **out)
{
    size_t total = 0;
    *out = NULL;
    sw_status status = check(ctx, tokens, size, ends, n_ends, &total);
    if (status != SW_OK) return status;
    struct sw_token_trie *v = calloc(1, sizeof *v);
    if (v) v->size = size;
    if (!v || !fill(v, tokens, ends, n_ends, total)) {
        sw_token_trie_destroy(v);
        return sw__fail(ctx, SW_ERR_MEMORY, "token trie: out of memory for %lld tokens",
                        (long long)size);
    }
    *out = v;
    return SW_OK;
}

void sw_token_trie_destroy(sw_token_trie *v)
{
    if (!v) return;
    free(v->byte);
    free(v->depth);
    free(v->next);
    free(v->first);
    free(v->order);
    free(v->ends);
    free(v->start);
    free(v->text);
    free(v);
}

int64_t sw_token_trie_size(const sw_token_trie *v)
{
    return v->size;
}

static bool contains(const char *text, size_t size, const char *part, size_t bytes)
{
    for (size_t i = 0; i + bytes <= size; i++)
        if (memcmp(text + i, part, bytes) == 0) return true;
    return false;
}

int64_t sw_token_trie_containing(const sw_token_trie *v, const char *text, size_t bytes,
                                 int32_t *ids, int64_t max)
{
    int64_t n = 0;
    for (int64_t i = 0; i < v->size; i++) {
        if (!contains(v->text + v->start[i], v->start[i + 1] - v->start[i], text, bytes)) continue;
        if (n < max) ids[n] = (int32_t)i;
        n++;
    }
    return n;
}

sw_status sw_token_trie_of(sw_context *ctx, const sw_tokenizer *t, sw_token_trie **out)
{
    const int64_t size = sw_tokenizer_size(t);
    sw_token_bytes *tokens = sw__calloc2((size_t)size + 1, sizeof *tokens);
    int32_t *ends = sw__calloc2((size_t)size + 1, sizeof *ends);
    sw_status status = SW_ERR_MEMORY;
    int64_t n_ends = 0;
    *out = NULL;
    if (tokens && ends) {
        for (int32_t i = 0; i < size; i++) {
            if (sw_token_ends(t, i)) ends[n_ends++] = i;
            if (!sw_token_is_special(t, i)) tokens[i].text = sw_token_text(t, i, &tokens[i].bytes);
        }
        status = sw_token_trie_create(ctx, tokens, size, ends, n_ends, out);
    } else {
        sw__fail(ctx, status, "token trie: out of memory for %lld tokens", (long long)size);
    }
    free(tokens);
    free(ends);
    return status;
}
