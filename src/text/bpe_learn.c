/* Learning byte pair encodings (Sennrich, Haddow and Birch 2016, "Neural Machine Translation of Rare Words with
 * Subword Units", algorithm 1): count words; then, again and again, join the two neighbours that stand side by side
 * most often.  Of equal ones, the pair with the smaller first token, then the smaller second: so a vocabulary is a
 * function of the text.
 *
 * Each different word is kept once, with its count.  A pair knows how often it is there and in which words it ever
 * was; joining it touches those words only.  The best pair is on top of a heap whose counts may be old: what is
 * popped with an old count goes back with the true one (counts only fall while a pair is in the heap, and a pair
 * whose count grows is put in again). */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <swell/tokenizer.h>
#include "base/context_int.h"
#include "base/file.h"
#include "base/memory.h"
#include "text/tokenizer_int.h"

enum { LONGEST = 256, BYTES = 256 };

struct word {
    int64_t at; /* in symbols; in text, before symbols are made */
    int32_t length;
    int64_t count;
};

struct pair {
    int32_t left, right;
    int64_t count;
    int32_t *words; /* where it was seen */
    int64_t n, capacity;
};

struct offer {
    int64_t count;
    int64_t pair;
};

struct sw_tokenizer_trainer {
    sw_context *ctx;
    const char *pattern;
    struct sw_pre_tokenizer pre;
    char *text; /* the different words, one behind another */
    int64_t text_size, text_capacity;
    struct word *words;
    int64_t count, capacity;
    int32_t *slot; /* hash of a word -> its number + 1 */
    uint32_t mask;
    bool failed; /* memory */

    int32_t *symbols; /* of all words */
    struct pair *pairs;
    int64_t pair_count, pair_capacity;
    int32_t *pair_slot; /* hash -> number + 1 */
    uint64_t pair_mask;
    struct offer *heap;
    int64_t heap_count, heap_capacity;
    int32_t (*merges)[2];
    int64_t merge_count, merge_capacity;
};

/* ---- words ----------------------------------------------------------------------------------------------- */

sw_status sw_tokenizer_trainer_create(sw_context *ctx, const char *pattern,
                                      sw_tokenizer_trainer **out)
{
    static const struct {
        const char *name, *pre;
    } known[] = {{"gpt-2", "gpt-2"}, {"cl100k", "dbrx"}, {"o200k", "gpt-4o"}, {"qwen2", "qwen2"}};
    *out = NULL;
    for (size_t i = 0; i < sizeof known / sizeof *known; i++) {
        if (strcmp(known[i].name, pattern) != 0) continue;
        sw_tokenizer_trainer *t = calloc(1, sizeof *t);
        if (!t) return sw__fail(ctx, SW_ERR_MEMORY, "train tokenizer: out of memory");
        t->ctx = ctx;
        t->pattern = sw__pre_name(known[i].pre, strlen(known[i].pre))->pattern[0];
        const sw_status status = sw__pre_tokenizer_add(ctx, "train tokenizer", &t->pre, t->pattern,
                                                       SW_SPLIT_ISOLATED, false);
        if (status != SW_OK) {
            sw_tokenizer_trainer_destroy(t);
            return status;
        }
        *out = t;
        return SW_OK;
    }
    return sw__fail(ctx, SW_ERR_ARGUMENT,
                    "pattern '%s' is not known; gpt-2, cl100k, o200k and qwen2 are", pattern);
}

void sw_tokenizer_trainer_destroy(sw_tokenizer_trainer *t)
{
    if (!t) return;
    for (int64_t i = 0; i < t->pair_count; i++) free(t->pairs[i].words);
    sw__pre_tokenizer_free(&t->pre);
    free(t->text);
    free(t->words);
    free(t->slot);
    free(t->symbols);
    free(t->pairs);
    free(t->pair_slot);
    free(t->heap);
    free(t->merges);
    free(t);
}

static bool grow_slots(sw_tokenizer_trainer *t)
{
    const uint32_t slots = t->mask ? 2 * (t->mask + 1) : 1 << 16;
    int32_t *slot = sw__calloc2(slots, sizeof *slot);
    if (!slot) return false;
    for (int32_t w = 0; w < t->count; w++) {
        uint32_t i = (uint32_t)sw__text_hash(t->text + t->words[w].at, (size_t)t->words[w].length) &
                     (slots - 1);
        while (slot[i]) i = (i + 1) & (slots - 1);
        slot[i] = w + 1;
    }
    free(t->slot);
    t->slot = slot;
    t->mask = slots - 1;
    return true;
}

static void count_word(void *user, const char *text, size_t bytes)
{
    sw_tokenizer_trainer *t = user;
    if (bytes > LONGEST) bytes = LONGEST; /* no token is so long: what follows teaches nothing */
    if (t->failed || bytes < 1) return;
    if (2 * (uint64_t)t->count >= t->mask && !grow_slots(t)) {
        t->failed = true;
        return;
    }
    uint32_t i = (uint32_t)sw__text_hash(text, bytes) & t->mask;
    for (; t->slot[i]; i = (i + 1) & t->mask) {
        struct word *w = &t->words[t->slot[i] - 1];
        if ((size_t)w->length != bytes || memcmp(t->text + w->at, text, bytes) != 0) continue;
        w->count++;
        return;
    }
    if (t->count == INT32_MAX / 4 ||
        !sw__grow(&t->words, &t->capacity, t->count + 1, sizeof *t->words) ||
        !sw__grow(&t->text, &t->text_capacity, t->text_size + (int64_t)bytes, 1)) {
        t->failed = true;
        return;
    }
    memcpy(t->text + t->text_size, text, bytes);
    t->words[t->count++] = (struct word){t->text_size, (int32_t)bytes, 1};
    t->text_size += (int64_t)bytes;
    t->slot[i] = (int32_t)t->count;
}

sw_status sw_tokenizer_trainer_add(sw_tokenizer_trainer *t, const char *text, size_t bytes)
{
    if (t->symbols) return sw__fail(t->ctx, SW_ERR_STATE, "train tokenizer: text after learning");
    const sw_status status = sw__pre_tokenizer_run(&t->pre, text, bytes, count_word, t);
    if (status == SW_ERR_MEMORY || t->failed)
        return sw__fail(t->ctx, SW_ERR_MEMORY, "train tokenizer: out of memory for %lld words",
                        (long long)t->count);
    return status;
}

/* ---- pairs ----------------------------------------------------------------------------------------------- */

static uint64_t pair_place(const sw_tokenizer_trainer *t, int32_t left, int32_t right)
{
    const uint64_t h = ((uint64_t)(uint32_t)left << 32 | (uint32_t)right) * 0x9E3779B97F4A7C15u;
    return (h ^ h >> 32) & t->pair_mask;
}

static bool grow_pair_slots(sw_tokenizer_trainer *t)
{
    const uint64_t slots = t->pair_mask ? 2 * (t->pair_mask + 1) : 1 << 16;
    int32_t *slot = sw__calloc2(slots, sizeof *slot);
    if (!slot) return false;
    free(t->pair_slot);
    t->pair_slot = slot;
    t->pair_mask = slots - 1;
    for (int64_t p = 0; p < t->pair_count; p++) {
        uint64_t i = pair_place(t, t->pairs[p].left, t->pairs[p].right);
        while (slot[i]) i = (i + 1) & t->pair_mask;
        slot[i] = (int32_t)p + 1;
    }
    return true;
}

/* The number of a pair, which is made if it is new; -1: out of memory. */
static int64_t pair_of(sw_tokenizer_trainer *t, int32_t left, int32_t right)
{
    if (2 * (uint64_t)t->pair_count >= t->pair_mask && !grow_pair_slots(t)) return -1;
    uint64_t i = pair_place(t, left, right);
    for (; t->pair_slot[i]; i = (i + 1) & t->pair_mask) {
        const struct pair *p = &t->pairs[t->pair_slot[i] - 1];
        if (p->left == left && p->right == right) return t->pair_slot[i] - 1;
    }
    if (t->pair_count == INT32_MAX - 1 ||
        !sw__grow(&t->pairs, &t->pair_capacity, t->pair_count + 1, sizeof *t->pairs))
        return -1;
    t->pairs[t->pair_count] = (struct pair){.left = left, .right = right};
    t->pair_slot[i] = (int32_t)++t->pair_count;
    return t->pair_count - 1;
}

/* Whether offer a comes before b. */
static bool before(const sw_tokenizer_trainer *t, struct offer a, struct offer b)
{
    const struct pair *p = &t->pairs[a.pair], *q = &t->pairs[b.pair];
    if (a.count != b.count) return a.count > b.count;
    return p->left != q->left ? p->left < q->left : p->right < q->right;
}

static void push(sw_tokenizer_trainer *t, int64_t pair)
{
    const struct offer o = {t->pairs[pair].count, pair};
    if (!sw__grow(&t->heap, &t->heap_capacity, t->heap_count + 1, sizeof *t->heap)) {
        t->failed = true;
        return;
    }
    int64_t i = t->heap_count++;
    for (; i > 0 && before(t, o, t->heap[(i - 1) / 2]); i = (i - 1) / 2)
        t->heap[i] = t->heap[(i - 1) / 2];
    t->heap[i] = o;
}

static struct offer pop(sw_tokenizer_trainer *t)
{
    const struct offer top = t->heap[0], last = t->heap[--t->heap_count];
    int64_t i = 0;
    for (int64_t child; (child = 2 * i + 1) < t->heap_count; i = child) {
        if (child + 1 < t->heap_count && before(t, t->heap[child + 1], t->heap[child])) child++;
        if (!before(t, t->heap[child], last)) break;
        t->heap[i] = t->heap[child];
    }
    if (t->heap_count) t->heap[i] = last;
    return top;
}

/* Word w has n more (less) of a pair. */
static void count_pair(sw_tokenizer_trainer *t, int32_t w, int32_t left, int32_t right, int64_t n)
{
    const int64_t i = pair_of(t, left, right);
    struct pair *p = i < 0 ? NULL : &t->pairs[i];
    if (!p || (n > 0 && !sw__grow(&p->words, &p->capacity, p->n + 1, sizeof *p->words))) {
        t->failed = true;
        return;
    }
    p->count += n;
    if (n > 0 && (p->n == 0 || p->words[p->n - 1] != w)) p->words[p->n++] = w;
}

static bool make_symbols(sw_tokenizer_trainer *t)
{
    t->symbols = sw__calloc2((size_t)t->text_size + 1, sizeof *t->symbols);
    if (!t->symbols) return false;
    for (int64_t i = 0; i < t->text_size; i++) t->symbols[i] = (unsigned char)t->text[i];
    for (int32_t w = 0; w < t->count && !t->failed; w++) {
        const int32_t *s = t->symbols + t->words[w].at;
        for (int32_t i = 0; i + 1 < t->words[w].length; i++)
            count_pair(t, w, s[i], s[i + 1], t->words[w].count);
    }
    for (int64_t p = 0; p < t->pair_count && !t->failed; p++) push(t, p);
    return !t->failed;
}

/* Join a pair inside of a word, and count its neighbours anew. */
static void join(sw_tokenizer_trainer *t, int32_t w, int32_t left, int32_t right, int32_t made)
{
    struct word *word = &t->words[w];
    int32_t *s = t->symbols + word->at, n = 0;
    for (int32_t i = 0; i < word->length; i++) {
        if (i + 1 == word->length || s[i] != left || s[i + 1] != right) {
            s[n++] = s[i];
            continue;
        }
        /* What is before is joined already; what is behind is not. */
        if (n > 0) {
            count_pair(t, w, s[n - 1], left, -word->count);
            count_pair(t, w, s[n - 1], made, word->count);
        }
        if (i + 2 < word->length) {
            count_pair(t, w, right, s[i + 2], -word->count);
            count_pair(t, w, made, s[i + 2], word->count);
        }
        s[n++] = made;
        i++;
    }
    word->length = n;
}

/* Join the most frequent pair.  False: none is there twice, or no memory. */
static bool learn_one(sw_tokenizer_trainer *t)
{
    while (t->heap_count) {
        const struct offer o = pop(t);
        const struct pair p = t->pairs[o.pair];
        if (p.count != o.count) {
            if (p.count > 1 && p.count < o.count) push(t, o.pair);
            continue;
        }
        if (p.count < 2) return false;
        const int32_t made = (int32_t)(BYTES + t->merge_count);
        const int64_t known = t->pair_count;
        if (!sw__grow(&t->merges, &t->merge_capacity, t->merge_count + 1, sizeof *t->merges)) {
            t->failed = true;
            return false;
        }
        t->merges[t->merge_count][0] = p.left;
        t->merges[t->merge_count++][1] = p.right;
        t->pairs[o.pair].words = NULL;
        t->pairs[o.pair].n = t->pairs[o.pair].capacity = 0;
        for (int64_t i = 0; i < p.n && !t->failed; i++) join(t, p.words[i], p.left, p.right, made);
        free(p.words);
        t->pairs[o.pair].count = 0;
        /* Pairs that grew have the new token in them, so they are new. */
        for (int64_t i = known; i < t->pair_count && !t->failed; i++) push(t, i);
        return !t->failed;
    }
    return false;
}

sw_status sw_tokenizer_trainer_learn(sw_tokenizer_trainer *t, int64_t merges, int64_t *learnt)
{
    if (!t->symbols && !make_symbols(t)) t->failed = true;
    const int64_t until = t->merge_count + merges;
    while (!t->failed && t->merge_count < until && learn_one(t)) continue;
    *learnt = t->merge_count;
    return t->failed ? sw__fail(t->ctx, SW_ERR_MEMORY, "train tokenizer: out of memory") : SW_OK;
}

/* ---- tokenizer.json -------------------------------------------------------------------------------------- */

/* Bytes, then what pairs of them make; then special tokens. */
static bool add_tokens(const sw_tokenizer_trainer *t, struct sw_tokenizer *to,
                       const char *const *special)
{
    struct sw_vocabulary *v = &to->vocabulary;
    char *room = malloc(SW_TOKEN_BYTES);
    bool good = room != NULL;
    for (int64_t i = 0; i < BYTES + t->merge_count && good; i++) {
        size_t n = 1, m = 0;
        if (i < BYTES) {
            *room = (char)i;
            to->byte_token[i] = (int32_t)i;
        } else {
            const char *left = sw__token_bytes(v, t->merges[i - BYTES][0], &n);
            const char *right = sw__token_bytes(v, t->merges[i - BYTES][1], &m);
            good = n + m <= SW_TOKEN_BYTES;
            if (good) memcpy(room, left, n);
            if (good) memcpy(room + n, right, m);
        }
        good = good && sw__vocabulary_add(v, room, n + m, SW_TOKEN_NORMAL, 0);
    }
    free(room);
    for (; good && special && *special; special++) {
        const struct sw_added_token a = {.id = (int32_t)v->count, .special = true};
        good = sw__vocabulary_add(v, *special, strlen(*special), SW_TOKEN_CONTROL, 0) &&
               sw__added_add(&to->added, a);
    }
    return good && sw__merges_reserve(&to->merges, t->merge_count);
}

sw_status sw_tokenizer_trainer_write(const sw_tokenizer_trainer *t, const char *path,
                                     const char *const *special)
{
    struct sw_tokenizer *to = sw__tokenizer_new(SW_MODEL_BYTES);
    sw_status status = to && add_tokens(t, to, special)
                           ? SW_OK
                           : sw__fail(t->ctx, SW_ERR_MEMORY, "%s: out of memory", path);
    if (status == SW_OK)
        status = sw__pre_tokenizer_add(t->ctx, path, &to->pre, t->pattern, SW_SPLIT_ISOLATED,
                                       false);
    if (status == SW_OK) status = sw__tokenizer_finish(t->ctx, path, to);
    for (int64_t i = 0; status == SW_OK && i < t->merge_count; i++)
        sw__merges_add(&to->merges, t->merges[i][0], t->merges[i][1], (uint32_t)i,
                       (int32_t)(BYTES + i));
    if (status == SW_OK) status = sw__tokenizer_write_hf(t->ctx, path, to, path);
    sw_tokenizer_destroy(to);
    return status;
}
