/* A tokenizer of any file into the pairs tokenizer.ggml.* of a GGUF model, which gguf_vocabulary.c reads back.
 *
 * The format says merges in one of two ways.  Byte-level BPE lists pairs; where a tokenizer ranks tokens instead
 * (tiktoken), the pair of a token is what all smaller ranks make of its bytes: a token is made only where they have
 * run out, so no other pair ever becomes it.  SentencePiece has scores; where a tokenizer lists pairs instead
 * (tokenizer.json), tokens are scored in the order of their pairs, after a look at whether that says the same.
 *
 * What the format cannot say is refused by its name: expressions without a name in tokenizer.ggml.pre, normalisers,
 * a space before a text of byte-level BPE, whole words only.  Dropped, as all converters do: NFC, spaces that special
 * tokens take with them, and where a space is put before a text, the ways other than SentencePiece's own. */
#include <stdio.h>
#include <stdlib.h>
#include "base/context_int.h"
#include "base/memory.h"
#include "base/size.h"
#include "base/utf8.h"
#include "format/gguf_write.h"
#include "text/tokenizer_int.h"

enum { SPLIT_BYTES = 1024 }; /* a longer token has no pair: what would find it takes its square */

/* Texts one behind another, until they are put. */
struct list {
    char *text;
    int64_t bytes, text_capacity;
    size_t *size;
    int64_t count, size_capacity;
};

struct target {
    sw_context *ctx;
    const char *name; /* of the tokenizer, for errors */
    const struct sw_tokenizer *t;
    struct sw_gguf_writer *w;
};

static sw_status no_memory(const struct target *g)
{
    return sw__fail(g->ctx, SW_ERR_MEMORY, "%s: out of memory for the tokenizer", g->name);
}

static sw_status cannot(const struct target *g, const char *what)
{
    return sw__fail(g->ctx, SW_ERR_UNSUPPORTED, "%s: GGUF cannot say %s", g->name, what);
}

/* Room for a text of so many bytes at the end of the list; NULL: out of memory. */
static char *list_room(struct list *l, size_t bytes)
{
    const bool room = sw__grow(&l->text, &l->text_capacity, l->bytes + (int64_t)bytes, 1) &&
                      sw__grow(&l->size, &l->size_capacity, l->count + 1, sizeof *l->size);
    return room ? l->text + l->bytes : NULL;
}

static void list_take(struct list *l, size_t bytes)
{
    l->size[l->count++] = bytes;
    l->bytes += (int64_t)bytes;
}

/* Put it, free it. */
static bool list_put(struct sw_gguf_writer *w, const char *key, struct list *l, bool good)
{
    const char **texts = good ? sw__calloc2((size_t)l->count + 1, sizeof *texts) : NULL;
    size_t at = 0;
    for (int64_t i = 0; texts && i < l->count; at += l->size[i++]) texts[i] = l->text + at;
    if (texts) sw__gguf_put_strings(w, key, texts, l->size, l->count);
    free(texts);
    free(l->text);
    free(l->size);
    return texts != NULL;
}

/* ---- tokens ---------------------------------------------------------------------------------------- */

/* U+2581 for spaces. */
static size_t write_spaces(const char *text, size_t bytes, char *out)
{
    size_t n = 0;
    for (size_t i = 0; i < bytes; i++) {
        if (text[i] == ' ') {
            memcpy(out + n, "\xe2\x96\x81", 3);
            n += 3;
        } else {
            out[n++] = text[i];
        }
    }
    return n;
}

/* A normal token as the format has it; out has room for three bytes a byte, and three. */
static size_t write_normal(const struct sw_tokenizer *t, const char *text, size_t bytes, char *out)
{
    if (t->model == SW_MODEL_BYTES) return sw__byte_alphabet_encode(text, bytes, out);
    if (t->model == SW_MODEL_TEXT) return write_spaces(text, bytes, out);
    if (bytes > 2 && memcmp(text, "##", 2) == 0) {
        memcpy(out, text + 2, bytes - 2);
        return bytes - 2;
    }
    memcpy(out, "\xe2\x96\x81", 3); /* WordPiece marks what begins a word */
    memcpy(out + 3, text, bytes);
    return bytes + 3;
}

size_t sw__token_write(const struct sw_tokenizer *t, int64_t id, char *out, int32_t *kind)
{
    size_t bytes = 0;
    const char *text = id < t->vocabulary.count
                           ? sw__token_bytes(&t->vocabulary, (int32_t)id, &bytes)
                           : "";
    *kind = bytes ? t->vocabulary.kind[id] : SW_TOKEN_UNUSED;
    if (!bytes) return (size_t)sprintf(out, "[PAD%lld]", (long long)id); /* each is another */
    if (*kind == SW_TOKEN_NORMAL) return write_normal(t, text, bytes, out);
    if (*kind == SW_TOKEN_BYTE) return (size_t)sprintf(out, "<0x%02X>", (unsigned char)*text);
    memcpy(out, text, bytes);
    return bytes;
}

static sw_status put_tokens(const struct target *g, int64_t size)
{
    struct list tokens = {0};
    int32_t *kinds = sw__calloc2((size_t)size, sizeof *kinds);
    bool good = kinds != NULL;
    for (int64_t id = 0; id < size && good; id++) {
        size_t bytes = 0;
        if (id < g->t->vocabulary.count) sw__token_bytes(&g->t->vocabulary, (int32_t)id, &bytes);
        char *room = list_room(&tokens, 3 * bytes + 32);
        good = room != NULL;
        if (good) list_take(&tokens, sw__token_write(g->t, id, room, &kinds[id]));
    }
    good = list_put(g->w, "tokenizer.ggml.tokens", &tokens, good);
    if (good) sw__gguf_put_integers(g->w, "tokenizer.ggml.token_type", kinds, size);
    free(kinds);
    return good ? SW_OK : no_memory(g);
}

/* ---- pairs ----------------------------------------------------------------------------------------- */

static int by_rank(const void *a, const void *b)
{
    const struct sw_merge *x = a, *y = b;
    return (x->rank > y->rank) - (x->rank < y->rank);
}

/* The table's merges in their order; NULL: out of memory. */
static struct sw_merge *ordered(const struct sw_merges *m)
{
    struct sw_merge *all = sw__calloc2((size_t)m->count + 1, sizeof *all);
    int64_t n = 0;
    for (uint32_t i = 0; all && m->slot && i <= m->mask; i++)
        if (m->slot[i].left >= 0) all[n++] = m->slot[i];
    if (all) qsort(all, (size_t)n, sizeof *all, by_rank);
    return all;
}

/* A piece of a token that is put together from its bytes or characters. */
struct piece {
    uint32_t at, bytes, rank; /* rank: of what it and the next one make; UINT32_MAX: nothing */
};

/* Putting one together by ranks of tokens. */
struct making {
    const struct sw_tokenizer *t;
    const uint32_t *rank; /* one an id */
    uint32_t limit;       /* larger ones do not count */
    const char *text;
    struct piece piece[SPLIT_BYTES];
    size_t n;
};

static int32_t token_at(const struct making *m, size_t i, size_t pieces)
{
    const struct piece *p = &m->piece[i];
    return sw__vocabulary_find(&m->t->vocabulary, m->text + p->at,
                               p[0].bytes + (pieces > 1 ? p[1].bytes : 0));
}

static void rank_pair(struct making *m, size_t i)
{
    const int32_t id = i + 1 < m->n ? token_at(m, i, 2) : -1;
    m->piece[i].rank = id >= 0 && m->rank[id] <= m->limit ? m->rank[id] : UINT32_MAX;
}

/* False: a token too long to be looked at. */
static bool begin_making(struct making *m, int32_t id)
{
    size_t bytes;
    m->text = sw__token_bytes(&m->t->vocabulary, id, &bytes);
    m->n = 0;
    if (bytes > SPLIT_BYTES) return false;
    for (size_t at = 0, step; at < bytes; at += step) {
        step = m->t->model == SW_MODEL_TEXT ? sw__utf8_size(m->text + at, bytes - at) : 1;
        if (!step) step = 1;
        m->piece[m->n++] = (struct piece){(uint32_t)at, (uint32_t)step, UINT32_MAX};
    }
    for (size_t i = 0; i < m->n; i++) rank_pair(m, i);
    return true;
}

/* The pair that comes first; false: none. */
static bool next_pair(const struct making *m, size_t *best)
{
    *best = 0;
    for (size_t i = 1; i < m->n; i++)
        if (m->piece[i].rank < m->piece[*best].rank) *best = i;
    return m->n > 0 && m->piece[*best].rank != UINT32_MAX;
}

static void join(struct making *m, size_t i)
{
    struct piece *p = &m->piece[i];
    p[0].bytes += p[1].bytes;
    memmove(&p[1], &p[2], (m->n - i - 2) * sizeof *p);
    m->n--;
    rank_pair(m, i);
    if (i > 0) rank_pair(m, i - 1);
}

/* The pair of each token, by what its rank says. */
static void each_ranked(const struct sw_tokenizer *t, sw_merge_fn *pair, void *user)
{
    struct making m = {.t = t, .rank = t->order};
    for (int32_t id = 0; id < t->vocabulary.count; id++) {
        size_t at;
        m.limit = t->order[id];
        if (t->vocabulary.kind[id] != SW_TOKEN_NORMAL || !begin_making(&m, id)) continue;
        while (m.n > 2 && next_pair(&m, &at)) join(&m, at);
        if (m.n != 2) continue;
        const int32_t left = token_at(&m, 0, 1), right = token_at(&m, 1, 1);
        if (left >= 0 && right >= 0) pair(user, left, right);
    }
}

bool sw__tokenizer_each_merge(const struct sw_tokenizer *t, sw_merge_fn *pair, void *user)
{
    if (!t->merges.slot) {
        each_ranked(t, pair, user);
        return true;
    }
    struct sw_merge *all = ordered(&t->merges);
    for (int64_t i = 0; all && i < t->merges.count; i++) pair(user, all[i].left, all[i].right);
    free(all);
    return all != NULL;
}

struct pairs {
    const struct sw_tokenizer *t;
    struct list list;
    bool failed;
};

static void add_pair(void *user, int32_t left, int32_t right)
{
    struct pairs *p = user;
    int32_t kind;
    size_t a, b;
    sw__token_bytes(&p->t->vocabulary, left, &a);
    sw__token_bytes(&p->t->vocabulary, right, &b);
    char *room = list_room(&p->list, 3 * (a + b) + 64);
    p->failed = p->failed || !room;
    if (!room) return;
    size_t n = sw__token_write(p->t, left, room, &kind);
    room[n++] = ' ';
    n += sw__token_write(p->t, right, room + n, &kind);
    list_take(&p->list, n);
}

static sw_status put_merges(const struct target *g)
{
    struct pairs p = {.t = g->t};
    const bool all = sw__tokenizer_each_merge(g->t, add_pair, &p);
    return list_put(g->w, "tokenizer.ggml.merges", &p.list, all && !p.failed) ? SW_OK
                                                                              : no_memory(g);
}

/* ---- scores ---------------------------------------------------------------------------------------- */

/* The place of each token that pairs become, in their order; `none`: nothing does.  Tokens whose pairs stand between
 * each other's have one place: the one to the left comes first, as among equal scores.  (Llama's runs of spaces are
 * such: their scores are equal.)  `last` is for the last pair of each. */
static void place_tokens(const struct sw_merge *all, int64_t n, uint32_t none, uint32_t *place,
                         int64_t *last)
{
    uint32_t places = 0;
    int64_t open = -1; /* the last pair of the tokens that have this place */
    for (int64_t i = 0; i < n; i++) last[all[i].merged] = i;
    for (int64_t i = 0; i < n; i++) {
        const int32_t id = all[i].merged;
        places += i > open;
        if (place[id] == none) place[id] = places - 1;
        open = sw__max64(open, last[id]);
    }
}

/* Whether tokens that are put together by their places alone are so from pairs of the table. */
static bool same_pairs(const struct sw_tokenizer *t, const uint32_t *place)
{
    struct making m = {.t = t, .rank = place, .limit = UINT32_MAX - 1};
    for (int32_t id = 0; id < t->vocabulary.count; id++) {
        size_t at;
        if (t->vocabulary.kind[id] != SW_TOKEN_NORMAL || !begin_making(&m, id)) continue;
        for (; next_pair(&m, &at); join(&m, at)) {
            const int32_t left = token_at(&m, at, 1), right = token_at(&m, at + 1, 1);
            const struct sw_merge *merge = sw__merges_find(&t->merges, left, right);
            if (!merge || merge->merged != token_at(&m, at, 2)) return false;
        }
    }
    return true;
}

static sw_status score_by_pairs(const struct target *g, float *score)
{
    const struct sw_tokenizer *t = g->t;
    const uint32_t n = (uint32_t)t->vocabulary.count;
    struct sw_merge *all = ordered(&t->merges);
    uint32_t *place = sw__calloc2((size_t)n + 1, sizeof *place);
    int64_t *last = sw__calloc2((size_t)n + 1, sizeof *last);
    sw_status status = all && place && last ? SW_OK : no_memory(g);
    for (uint32_t i = 0; status == SW_OK && i < n; i++) place[i] = n;
    if (status == SW_OK) {
        place_tokens(all, t->merges.count, n, place, last);
        if (!same_pairs(t, place))
            status = cannot(g, "merges that are not in the order of what they become");
    }
    for (uint32_t i = 0; status == SW_OK && i < n; i++) score[i] = -(float)place[i];
    free(all);
    free(place);
    free(last);
    return status;
}

static sw_status put_scores(const struct target *g, int64_t size)
{
    const struct sw_vocabulary *v = &g->t->vocabulary;
    float *score = sw__calloc2((size_t)size, sizeof *score);
    sw_status status = score ? SW_OK : no_memory(g);
    for (int64_t i = 0; score && i < v->count; i++) score[i] = v->score[i];
    if (score && g->t->merges.slot) status = score_by_pairs(g, score);
    if (status == SW_OK) sw__gguf_put_reals(g->w, "tokenizer.ggml.scores", score, size);
    free(score);
    return status;
}

/* ---- what there must not be ------------------------------------------------------------------------- */

/* Whether a token has a space behind another character, so that words must not end at spaces. */
static bool crosses_words(const struct sw_vocabulary *v)
{
    for (int32_t id = 0; id < v->count; id++) {
        size_t bytes;
        const char *text = sw__token_bytes(v, id, &bytes);
        if (v->kind[id] == SW_TOKEN_NORMAL && bytes > 1 && memchr(text + 1, ' ', bytes - 1))
            return true;
    }
    return false;
}

static sw_status check(const struct target *g)
{
    const struct sw_tokenizer *t = g->t;
    for (int i = 0; i < t->normaliser.count; i++)
        if (t->normaliser.step[i].kind != SW_NORMAL_NFC)
            return cannot(g, "a normalizer that changes texts");
    for (int64_t i = 0; i < t->added.count; i++)
        if (t->added.token[i].single_word) return cannot(g, "an added token that is a whole word");
    if (t->model == SW_MODEL_BYTES) {
        if (t->space_prefix != SW_PREFIX_NONE)
            return cannot(g, "a space before a text of byte-level BPE");
        return sw__pre_name_of(&t->pre, t->whole_words)
                   ? SW_OK
                   : cannot(g, "how this tokenizer cuts words: no tokenizer.ggml.pre does so");
    }
    if (t->model == SW_MODEL_WORDPIECE)
        return t->clean && t->spread_chinese ? SW_OK
                                             : cannot(g, "a WordPiece that leaves texts as they "
                                                         "are");
    if (t->pre.count || t->whole_words) return cannot(g, "how this tokenizer cuts words");
    if (t->spaces == SW_SPACES_EACH && crosses_words(&t->vocabulary))
        return cannot(g, "that words end at spaces where tokens do not");
    for (int i = 0; i < 256; i++)
        if (t->byte_token[i] < 0) return cannot(g, "BPE of characters without tokens of all bytes");
    return SW_OK;
}

/* ---- the rest ---------------------------------------------------------------------------------------- */

static void put_text(const struct target *g, const char *key, const char *text)
{
    sw__gguf_put_string(g->w, key, text, strlen(text));
}

static void put_id(const struct target *g, const char *key, int32_t id)
{
    if (id >= 0) sw__gguf_put_integer(g->w, key, SW_GGUF_U32, id);
}

/* Tokens that end an answer and say so neither by their name nor by being the end of a text. */
static void put_ends(const struct target *g)
{
    static const char *const keys[] = {"tokenizer.ggml.eot_token_id",
                                       "tokenizer.ggml.eom_token_id"};
    const struct sw_tokenizer *t = g->t;
    int put = 0;
    for (int32_t id = 0; id < t->vocabulary.count && put < 2; id++) {
        size_t bytes;
        const char *text = sw__token_bytes(&t->vocabulary, id, &bytes);
        if (t->ends[id] && id != t->eos && !sw__token_names_an_end(text, bytes))
            put_id(g, keys[put++], id);
    }
}

static void put_special(const struct target *g)
{
    const struct sw_tokenizer *t = g->t;
    const bool pieces = t->model == SW_MODEL_WORDPIECE;
    put_id(g, "tokenizer.ggml.bos_token_id", t->bos);
    put_id(g, pieces ? "tokenizer.ggml.seperator_token_id" : "tokenizer.ggml.eos_token_id", t->eos);
    put_id(g, "tokenizer.ggml.unknown_token_id", t->unknown);
    if (pieces) put_id(g, "tokenizer.ggml.padding_token_id", sw_token_find(t, "[PAD]", 5));
    if (pieces) put_id(g, "tokenizer.ggml.mask_token_id", sw_token_find(t, "[MASK]", 6));
    sw__gguf_put_bool(g->w, "tokenizer.ggml.add_bos_token", t->add_bos && t->bos >= 0);
    sw__gguf_put_bool(g->w,
                      pieces ? "tokenizer.ggml.add_sep_token" : "tokenizer.ggml.add_eos_token",
                      t->add_eos && t->eos >= 0);
    if (t->model == SW_MODEL_TEXT)
        sw__gguf_put_bool(g->w, "tokenizer.ggml.add_space_prefix",
                          t->space_prefix != SW_PREFIX_NONE);
    if (pieces) {
        sw__gguf_put_bool(g->w, "tokenizer.ggml.normalizer.lowercase", t->lowercase);
        sw__gguf_put_bool(g->w, "tokenizer.ggml.normalizer.strip_accents", t->strip_accents);
    }
    put_ends(g);
}

sw_status sw__tokenizer_put_gguf(sw_context *ctx, const char *name, const struct sw_tokenizer *t,
                                 int64_t size, struct sw_gguf_writer *w)
{
    const struct target g = {ctx, name, t, w};
    if (size < t->vocabulary.count || size > SW_TOKENS)
        return sw__fail(ctx, SW_ERR_ARGUMENT, "%s: %lld tokens, the network has %lld", name,
                        (long long)t->vocabulary.count, (long long)size);
    sw_status status = check(&g);
    if (status != SW_OK) return status;
    put_text(&g, "tokenizer.ggml.model", sw_tokenizer_kind(t));
    if (t->model == SW_MODEL_BYTES) {
        const char *pre = sw__pre_name_of(&t->pre, t->whole_words);
        sw__gguf_put_string(w, "tokenizer.ggml.pre", pre, strcspn(pre, " "));
    }
    status = put_tokens(&g, size);
    if (status == SW_OK && t->model == SW_MODEL_BYTES) status = put_merges(&g);
    if (status == SW_OK && t->model == SW_MODEL_TEXT) status = put_scores(&g, size);
    put_special(&g);
    return status;
}
