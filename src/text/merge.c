/* Byte pair encoding (Sennrich, Haddow and Birch 2016): the two neighbours whose merge comes first are joined,
 * until no neighbours can be; of equal ones, the leftmost.
 *
 * Which merge comes first is said in two ways.  GPT-2's lists pairs: their number is the rank, found by the two
 * ids.  SentencePiece and tiktoken list tokens: neighbours may join if their joined bytes are a token, and the
 * token's score or number is the rank, found by the bytes.
 *
 * Words of up to 48 symbols are merged in place by looking through all pairs; longer ones by a heap over a
 * chain, so that a megabyte without a space costs n log n.  Words of at most 15 bytes and 4 ids are remembered
 * for the rest of the call: in English text nine of ten words are found there. */
#include <stdlib.h>
#include "base/memory.h"
#include "base/utf8.h"
#include "text/tokenizer_int.h"

/* ---- the table of pairs -------------------------------------------------------------------------- */

static uint32_t pair_slot(const struct sw_merges *m, int32_t left, int32_t right)
{
    uint64_t h = ((uint64_t)(uint32_t)left << 32 | (uint32_t)right) * 0x9E3779B97F4A7C15u;
    return (uint32_t)(h >> 32) & m->mask;
}

bool sw__merges_reserve(struct sw_merges *m, int64_t count)
{
    size_t slots = 16;
    while (slots < 2 * (size_t)count) slots *= 2;
    m->slot = sw__calloc2(slots, sizeof *m->slot);
    if (!m->slot) return false;
    for (size_t i = 0; i < slots; i++) m->slot[i].left = -1;
    m->mask = (uint32_t)(slots - 1);
    return true;
}

void sw__merges_add(struct sw_merges *m, int32_t left, int32_t right, uint32_t rank, int32_t merged)
{
    uint32_t i = pair_slot(m, left, right);
    for (; m->slot[i].left >= 0; i = (i + 1) & m->mask)
        if (m->slot[i].left == left && m->slot[i].right == right) return;
    m->slot[i] = (struct sw_merge){left, right, rank, merged};
    m->count++;
}

const struct sw_merge *sw__merges_find(const struct sw_merges *m, int32_t left, int32_t right)
{
    for (uint32_t i = pair_slot(m, left, right); m->slot[i].left >= 0; i = (i + 1) & m->mask)
        if (m->slot[i].left == left && m->slot[i].right == right) return &m->slot[i];
    return NULL;
}

/* What symbols a and b, neighbours in `word`, become. */
static void look_at_pair(const struct sw_encoder *e, const char *word, struct sw_symbol *a,
                         const struct sw_symbol *b)
{
    const struct sw_tokenizer *t = e->t;
    a->rank = UINT32_MAX;
    if (!t->merges.slot) {
        a->merged = sw__vocabulary_find(&t->vocabulary, word + a->at, a->bytes + b->bytes);
        if (a->merged >= 0) a->rank = t->order[a->merged];
        return;
    }
    if (a->id < 0 || b->id < 0) return;
    const struct sw_merge *m = sw__merges_find(&t->merges, a->id, b->id);
    if (!m) return;
    a->rank = m->rank;
    a->merged = m->merged;
}

/* ---- symbols ------------------------------------------------------------------------------------- */

/* Cut a word into what it begins as, as many symbols as it has bytes at most.  How many. */
static size_t cut(const struct sw_tokenizer *t, const char *word, size_t bytes,
                  struct sw_symbol *symbol)
{
    size_t n = 0;
    for (size_t at = 0, step; at < bytes; at += step, n++) {
        step = 1;
        if (t->model == SW_MODEL_BYTES) {
            symbol[n].id = t->byte_token[(unsigned char)word[at]];
        } else {
            const size_t character = sw__utf8_size(word + at, bytes - at);
            if (character) step = character;
            symbol[n].id = character ? sw__vocabulary_find(&t->vocabulary, word + at, step) : -1;
        }
        symbol[n].at = (uint32_t)at;
        symbol[n].bytes = (uint32_t)step;
    }
    return n;
}

/* Merge n symbols in place.  How many are left. */
static size_t merge_few(const struct sw_encoder *e, const char *word, struct sw_symbol *s, size_t n)
{
    for (size_t i = 0; i + 1 < n; i++) look_at_pair(e, word, &s[i], &s[i + 1]);
    while (n > 1) {
        size_t best = 0;
        for (size_t i = 1; i + 1 < n; i++)
            if (s[i].rank < s[best].rank) best = i;
        if (s[best].rank == UINT32_MAX) break;
        s[best].id = s[best].merged;
        s[best].bytes += s[best + 1].bytes;
        memmove(&s[best + 1], &s[best + 2], (n - best - 2) * sizeof *s);
        n--;
        if (best + 1 < n) look_at_pair(e, word, &s[best], &s[best + 1]);
        if (best > 0) look_at_pair(e, word, &s[best - 1], &s[best]);
    }
    return n;
}

/* ---- long words: a heap -------------------------------------------------------------------------- */

static void heap_push(struct sw_encoder *e, struct sw_candidate c)
{
    if (!sw__grow(&e->heap, &e->heap_capacity, e->heap_count + 1, sizeof *e->heap)) {
        e->status = SW_ERR_MEMORY;
        return;
    }
    int64_t i = e->heap_count++;
    for (; i > 0 && c.key < e->heap[(i - 1) / 2].key; i = (i - 1) / 2)
        e->heap[i] = e->heap[(i - 1) / 2];
    e->heap[i] = c;
}

static struct sw_candidate heap_pop(struct sw_encoder *e)
{
    const struct sw_candidate top = e->heap[0], last = e->heap[--e->heap_count];
    int64_t i = 0;
    for (int64_t child; (child = 2 * i + 1) < e->heap_count; i = child) {
        if (child + 1 < e->heap_count && e->heap[child + 1].key < e->heap[child].key) child++;
        if (last.key <= e->heap[child].key) break;
        e->heap[i] = e->heap[child];
    }
    if (e->heap_count) e->heap[i] = last;
    return top;
}

/* Offer the merge of symbol i with its next one. */
static void offer(struct sw_encoder *e, const char *word, int32_t i)
{
    struct sw_symbol *s = e->symbol;
    if (i < 0 || s[i].next < 0) return;
    look_at_pair(e, word, &s[i], &s[s[i].next]);
    if (s[i].rank == UINT32_MAX) return;
    heap_push(e, (struct sw_candidate){.key = (uint64_t)s[i].rank << 32 | (uint32_t)i,
                                       .bytes = s[i].bytes + s[s[i].next].bytes,
                                       .merged = s[i].merged});
}

/* Merge the n symbols of e->symbol; those that are left move to the front.  How many. */
static size_t merge_many(struct sw_encoder *e, const char *word, size_t n)
{
    struct sw_symbol *s = e->symbol;
    size_t left = 0;
    e->heap_count = 0;
    for (size_t i = 0; i < n; i++) {
        s[i].previous = (int32_t)i - 1;
        s[i].next = i + 1 < n ? (int32_t)i + 1 : -1;
    }
    for (size_t i = 0; i < n; i++) offer(e, word, (int32_t)i);
    while (e->heap_count && e->status == SW_OK) {
        const struct sw_candidate c = heap_pop(e);
        const int32_t i = (int32_t)(uint32_t)c.key, next = s[i].next;
        /* Symbols only grow, so bytes that still fit are the pair that was offered. */
        if (!s[i].bytes || next < 0 || s[i].bytes + s[next].bytes != c.bytes) continue;
        s[i].id = c.merged;
        s[i].bytes = c.bytes;
        s[next].bytes = 0;
        s[i].next = s[next].next;
        if (s[i].next >= 0) s[s[i].next].previous = i;
        offer(e, word, s[i].previous);
        offer(e, word, i);
    }
    for (size_t i = 0; i < n; i++)
        if (s[i].bytes) s[left++] = s[i];
    return left;
}

/* ---- a word -------------------------------------------------------------------------------------- */

/* A symbol that is no token: byte by byte, or as the unknown.  Whether as that. */
static bool put_bytes(struct sw_encoder *e, const char *text, size_t bytes, bool behind_unknown)
{
    const struct sw_tokenizer *t = e->t;
    bool all = t->model == SW_MODEL_TEXT;
    for (size_t i = 0; i < bytes && all; i++) all = t->byte_token[(unsigned char)text[i]] >= 0;
    if (!all && t->unknown < 0) e->status = SW_ERR_FORMAT;
    if (!all && !(behind_unknown && t->fuse_unknown)) sw__encoder_put(e, t->unknown);
    for (size_t i = 0; i < bytes && all; i++)
        sw__encoder_put(e, t->byte_token[(unsigned char)text[i]]);
    return !all;
}

static void merge_word(struct sw_encoder *e, const char *word, size_t bytes)
{
    struct sw_symbol *s = e->few;
    size_t n;
    if (e->t->whole_words) {
        const int32_t id = sw__vocabulary_find(&e->t->vocabulary, word, bytes);
        if (id >= 0) {
            sw__encoder_put(e, id);
            return;
        }
    }
    if (bytes <= SW_SHORT_WORD) {
        n = merge_few(e, word, s, cut(e->t, word, bytes, s));
    } else {
        if (!sw__grow(&e->symbol, &e->symbol_capacity, (int64_t)bytes, sizeof *e->symbol)) {
            e->status = SW_ERR_MEMORY;
            return;
        }
        s = e->symbol;
        n = merge_many(e, word, cut(e->t, word, bytes, s));
    }
    bool unknown = false; /* the one before was */
    for (size_t i = 0; i < n; i++) {
        if (s[i].id >= 0) sw__encoder_put(e, s[i].id);
        unknown = s[i].id < 0 && put_bytes(e, word + s[i].at, s[i].bytes, unknown);
    }
}

/* The word as a key of 16 bytes: its bytes, zeros, their number. */
static void make_key(const char *word, size_t bytes, bool readable, uint64_t key[2])
{
    key[0] = key[1] = 0;
    if (!readable) {
        memcpy(key, word, bytes);
    } else {
        memcpy(key, word, 16);
        if (bytes <= 8) {
            key[0] &= UINT64_MAX >> (64 - 8 * bytes);
            key[1] = 0;
        } else {
            key[1] &= UINT64_MAX >> (128 - 8 * bytes);
        }
    }
    key[1] |= (uint64_t)bytes << 56;
}

void sw__encode_word(struct sw_encoder *e, const char *word, size_t bytes)
{
    uint64_t key[2];
    if (!bytes) return;
    e->fresh_at = e->count;
    if (bytes > SW_CACHED_BYTES || !e->cache) {
        merge_word(e, word, bytes);
        return;
    }
    make_key(word, bytes, e->limit - word >= 16, key);
    uint64_t h = (key[0] ^ key[1] * 0xD6E8FEB86659FD93u) * 0x9E3779B97F4A7C15u;
    struct sw_cached_word *c = &e->cache[(h ^ h >> 29) * 0x9E3779B97F4A7C15u >> e->cache_shift];
    if (c->key[0] == key[0] && c->key[1] == key[1]) {
        for (int i = 0; i < SW_CACHED_IDS && c->id[i] >= 0; i++) sw__encoder_put(e, c->id[i]);
        return;
    }
    merge_word(e, word, bytes);
    const int64_t made = e->count - e->fresh_at;
    if (made > SW_CACHED_IDS || e->status != SW_OK) return;
    memcpy(c->key, key, sizeof key);
    for (int i = 0; i < SW_CACHED_IDS; i++) c->id[i] = i < made ? e->fresh[i] : -1;
}
