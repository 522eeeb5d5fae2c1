/* Tokenizers: opening, one call from text to ids, and back.  tokenizer_int.h has the way of a text. */
#include <stdlib.h>
#include "base/context_int.h"
#include "base/memory.h"
#include "base/utf8.h"
#include "text/tokenizer_int.h"

/* ---- building ------------------------------------------------------------------------------------ */

struct sw_tokenizer *sw__tokenizer_new(enum sw_token_model model)
{
    struct sw_tokenizer *t = calloc(1, sizeof *t);
    if (!t) return NULL;
    t->model = model;
    t->unknown = t->bos = t->eos = -1;
    for (int i = 0; i < 256; i++) t->byte_token[i] = -1;
    return t;
}

void sw_tokenizer_destroy(sw_tokenizer *t)
{
    if (!t) return;
    sw__vocabulary_free(&t->vocabulary);
    free(t->merges.slot);
    free(t->order);
    free(t->added.token);
    free(t->ends);
    sw__pre_tokenizer_free(&t->pre);
    sw__normaliser_free(&t->normaliser);
    free(t);
}

struct scored {
    float score;
    int32_t id;
};

static int by_score(const void *a, const void *b)
{
    const struct scored *x = a, *y = b;
    return x->score != y->score ? (x->score < y->score) - (x->score > y->score)
                                : (x->id > y->id) - (x->id < y->id);
}

bool sw__tokenizer_order_by_score(struct sw_tokenizer *t)
{
    const struct sw_vocabulary *v = &t->vocabulary;
    struct scored *s = sw__calloc2((size_t)v->count + 1, sizeof *s);
    t->order = sw__calloc2((size_t)v->count + 1, sizeof *t->order);
    for (int32_t i = 0; s && i < v->count; i++) s[i] = (struct scored){v->score[i], i};
    if (s) qsort(s, (size_t)v->count, sizeof *s, by_score);
    uint32_t rank = 0; /* equal scores have equal ranks: then the place decides */
    for (int32_t i = 0; s && t->order && i < v->count; i++) {
        rank += i && s[i].score != s[i - 1].score;
        t->order[s[i].id] = rank;
    }
    free(s);
    return s && t->order;
}

/* <|end_of_sentence|> with U+FF5C and U+2581. */
#define DEEPSEEK_END                                                                               \
    "<\xef\xbd\x9c"                                                                                \
    "end\xe2\x96\x81of\xe2\x96\x81sentence\xef\xbd\x9c>"

bool sw__token_names_an_end(const char *text, size_t bytes)
{
    static const char *const names[] = {
        "</s>",    "<|endoftext|>", "<|im_end|>",      "<|eot_id|>",    "<|eom_id|>",
        "<|end|>", "<|return|>",    "<|call|>",        "<end_of_turn>", "<|endofprompt|>",
        "<EOT>",   "_<EOT>",        "<|end_of_text|>", DEEPSEEK_END,    "<|end_of_turn|>",
        "<|eot|>", "<eos>",
    };
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (strlen(names[i]) == bytes && memcmp(names[i], text, bytes) == 0) return true;
    return false;
}

bool sw__tokenizer_order_by_number(struct sw_tokenizer *t)
{
    t->order = sw__calloc2((size_t)t->vocabulary.count + 1, sizeof *t->order);
    for (uint32_t i = 0; t->order && i < t->vocabulary.count; i++) t->order[i] = i;
    return t->order != NULL;
}

static int compare_tokens(const struct sw_vocabulary *v, int32_t a, int32_t b)
{
    size_t na, nb;
    const char *x = sw__token_bytes(v, a, &na), *y = sw__token_bytes(v, b, &nb);
    const int order = memcmp(x, y, na < nb ? na : nb);
    return order ? order : na != nb ? (na < nb ? -1 : 1) : (a > b) - (a < b);
}

/* Added tokens in the order of their bytes (a heap sort: qsort has no room for the vocabulary). */
static void sort_added(struct sw_tokenizer *t)
{
    struct sw_added_token *a = t->added.token;
    const int64_t n = t->added.count;
    for (int64_t start = n / 2, end = n; end > 1;) {
        struct sw_added_token moving;
        if (start > 0) {
            moving = a[--start];
        } else {
            moving = a[--end];
            a[end] = a[0];
        }
        int64_t i = start;
        for (int64_t child; (child = 2 * i + 1) < end; i = child) {
            if (child + 1 < end && compare_tokens(&t->vocabulary, a[child].id, a[child + 1].id) < 0)
                child++;
            if (compare_tokens(&t->vocabulary, moving.id, a[child].id) >= 0) break;
            a[i] = a[child];
        }
        a[i] = moving;
    }
}

/* Two added tokens of the same bytes: the first one is the one that is found. */
static void drop_same_added(struct sw_tokenizer *t)
{
    struct sw_added *a = &t->added;
    int64_t kept = 0;
    a->plain = 0;
    for (int64_t i = 0; i < a->count; i++) {
        size_t bytes, other = 0;
        const char *text = sw__token_bytes(&t->vocabulary, a->token[i].id, &bytes), *last = text;
        if (kept) last = sw__token_bytes(&t->vocabulary, a->token[kept - 1].id, &other);
        if (!bytes || (kept && bytes == other && memcmp(text, last, bytes) == 0)) continue;
        a->token[kept++] = a->token[i];
        a->plain += !a->token[i].special;
        a->first[(unsigned char)*text] = 1;
    }
    a->count = kept;
}

/* Whether no token has a space behind another character: then words can be cut at spaces. */
static bool spaces_begin(const struct sw_vocabulary *v)
{
    for (int32_t id = 0; id < v->count; id++) {
        size_t bytes;
        const char *text = sw__token_bytes(v, id, &bytes);
        if (v->kind[id] != SW_TOKEN_NORMAL) continue;
        for (size_t i = 1; i < bytes; i++)
            if (text[i] == ' ' && text[i - 1] != ' ') return false;
    }
    return true;
}

sw_status sw__tokenizer_finish(sw_context *ctx, const char *name, struct sw_tokenizer *t)
{
    struct sw_vocabulary *v = &t->vocabulary;
    int32_t same[2];
    if (!v->count) return sw__fail(ctx, SW_ERR_FORMAT, "%s: a vocabulary without tokens", name);
    const int32_t *const ids[] = {&t->bos, &t->eos, &t->unknown};
    for (int i = 0; i < 3; i++)
        if (*ids[i] >= v->count)
            return sw__fail(ctx, SW_ERR_FORMAT, "%s: special token %d is none of the %lld tokens",
                            name, *ids[i], (long long)v->count);
    sw_status status = sw__vocabulary_index(v, same);
    if (status == SW_ERR_FORMAT)
        return sw__fail(ctx, status, "%s: tokens %d and %d are the same", name, same[0], same[1]);
    t->ends = sw__calloc2((size_t)v->count, 1);
    if (status != SW_OK || !t->ends) return sw__fail(ctx, SW_ERR_MEMORY, "%s: out of memory", name);
    for (int32_t id = 0; id < v->count; id++) {
        size_t bytes;
        const char *text = sw__token_bytes(v, id, &bytes);
        t->ends[id] = id == t->eos ||
                      ((v->kind[id] == SW_TOKEN_CONTROL || v->kind[id] == SW_TOKEN_USER) &&
                       sw__token_names_an_end(text, bytes));
        if (t->eos < 0 && t->ends[id]) t->eos = id;
    }
    sort_added(t);
    drop_same_added(t);
    if (t->model == SW_MODEL_TEXT && t->spaces == SW_SPACES_NONE && spaces_begin(v))
        t->spaces = SW_SPACES_RUNS;
    return SW_OK;
}

/* ---- text to ids ----------------------------------------------------------------------------------- */

/* Words of SentencePiece: spaces, then what is none. */
static void encode_by_spaces(struct sw_encoder *e, const char *text, size_t size)
{
    const bool each = e->t->spaces == SW_SPACES_EACH;
    for (size_t at = 0, end; at < size; at = end) {
        for (end = at + each; !each && end < size && text[end] == ' '; end++) continue;
        const char *space = end < size ? memchr(text + end, ' ', size - end) : NULL;
        end = space ? (size_t)(space - text) : size;
        sw__encode_word(e, text + at, end - at);
    }
}

static void encode_one_word(void *user, const char *text, size_t bytes)
{
    sw__encode_word(user, text, bytes);
}

static void encode_words(struct sw_encoder *e, const char *text, size_t size)
{
    const sw_status status = sw__pre_tokenizer_run(&e->t->pre, text, size, encode_one_word, e);
    if (e->status == SW_OK) e->status = status;
}

/* Whether a space is put before a text. */
static bool wants_space(const struct sw_tokenizer *t, const char *text, bool beginning)
{
    switch (t->space_prefix) {
    case SW_PREFIX_ALWAYS: return true;
    case SW_PREFIX_UNLESS_SPACE: return *text != ' ';
    case SW_PREFIX_FIRST: return beginning && *text != ' ';
    case SW_PREFIX_NONE: break;
    }
    return false;
}

/* A piece of text without added tokens; `beginning`: nothing stands before it. */
static void encode_fragment(struct sw_encoder *e, const char *text, size_t size, bool beginning)
{
    const struct sw_tokenizer *t = e->t;
    char *normal = NULL, *copy = NULL;
    if (!size) return;
    if (t->normaliser.count) {
        text = normal = sw__normalise(&t->normaliser, text, size, &size);
        if (!normal) e->status = SW_ERR_MEMORY;
        if (!normal || !size) goto done;
    }
    if (wants_space(t, text, beginning)) {
        copy = malloc(size + 1);
        if (!copy) {
            e->status = SW_ERR_MEMORY;
            goto done;
        }
        copy[0] = ' ';
        memcpy(copy + 1, text, size++);
        text = copy;
    }
    e->limit = text + size;
    if (t->model == SW_MODEL_WORDPIECE)
        sw__encode_wordpiece(e, text, size);
    else if (t->pre.count)
        encode_words(e, text, size);
    else if (t->spaces != SW_SPACES_NONE)
        encode_by_spaces(e, text, size);
    else
        sw__encode_word(e, text, size);
done:
    free(normal);
    free(copy);
}

static void encode_text(struct sw_encoder *e, const char *text, size_t size, bool special)
{
    struct sw_added_match m;
    size_t at = 0;
    while (e->status == SW_OK && sw__added_find(e->t, text, size, at, special, &m)) {
        encode_fragment(e, text + at, m.begin - at, at == 0);
        sw__encoder_put(e, m.id);
        at = m.end;
    }
    if (e->status == SW_OK) encode_fragment(e, text + at, size - at, at == 0);
}

/* A memory of words in proportion to the text; without one (short text, no memory) all goes the long way. */
static void make_cache(struct sw_encoder *e, size_t size)
{
    int bits = 8;
    if (size < 256) return;
    while (bits < 14 && (size_t)16 << bits < size) bits++;
    e->cache = calloc((size_t)1 << bits, sizeof *e->cache);
    e->cache_shift = 64 - bits;
}

sw_status sw_tokenize(const sw_tokenizer *t, const char *text, size_t bytes,
                      sw_tokenize_options options, int32_t *ids, int64_t max, int64_t *count)
{
    struct sw_encoder e = {.t = t, .ids = ids, .max = max};
    *count = 0;
    if (bytes >= UINT32_MAX - 1) return SW_ERR_SIZE;
    make_cache(&e, bytes);
    if (options.begin && t->add_bos && t->bos >= 0) sw__encoder_put(&e, t->bos);
    encode_text(&e, text, bytes, options.special);
    if (options.end && t->add_eos && t->eos >= 0) sw__encoder_put(&e, t->eos);
    free(e.cache);
    free(e.symbol);
    free(e.heap);
    *count = e.count;
    return e.status;
}

/* ---- ids to text ----------------------------------------------------------------------------------- */

static bool unspoken(const struct sw_tokenizer *t, int32_t id)
{
    return t->vocabulary.kind[id] == SW_TOKEN_CONTROL || t->vocabulary.kind[id] == SW_TOKEN_UNKNOWN;
}

/* What a token adds to a text.  *first: nothing but special tokens before it; a space that the tokenizer puts
 * there is dropped.  *gap: a space before it (WordPiece keeps none). */
static const char *spoken(const struct sw_tokenizer *t, int32_t id, bool special, bool *first,
                          size_t *bytes, bool *gap)
{
    const char *text = sw__token_bytes(&t->vocabulary, id, bytes);
    *gap = false;
    if (unspoken(t, id)) {
        if (!special) *bytes = 0;
        *first |= t->space_prefix != SW_PREFIX_FIRST;
        return text;
    }
    if (t->model == SW_MODEL_WORDPIECE) {
        const bool inside = *bytes > 2 && memcmp(text, "##", 2) == 0;
        *gap = !inside && !*first;
        text += inside ? 2 : 0;
        *bytes -= inside ? 2 : 0;
    }
    if (*first && t->space_prefix && *bytes && *text == ' ') {
        text++;
        --*bytes;
    }
    *first = t->vocabulary.kind[id] == SW_TOKEN_USER && t->space_prefix != SW_PREFIX_FIRST;
    return text;
}

sw_status sw_detokenize(const sw_tokenizer *t, const int32_t *ids, int64_t count, bool special,
                        char *text, size_t max, size_t *bytes)
{
    bool first = true;
    *bytes = 0;
    for (int64_t i = 0; i < count; i++) {
        size_t n;
        if (ids[i] < 0 || ids[i] >= t->vocabulary.count) return SW_ERR_ARGUMENT;
        bool gap;
        const char *piece = spoken(t, ids[i], special, &first, &n, &gap);
        if (gap && (*bytes)++ < max) text[*bytes - 1] = ' ';
        if (*bytes < max) memcpy(text + *bytes, piece, n < max - *bytes ? n : max - *bytes);
        *bytes += n;
    }
    return SW_OK;
}

/* Whether n bytes are the beginning of a character and not the whole of it. */
static bool begins_character(const char *text, size_t n)
{
    const unsigned char *s = (const unsigned char *)text, c = s[0];
    if (c < 0xC2 || c > 0xF4 || n >= (c < 0xE0 ? 2u : c < 0xF0 ? 3u : 4u)) return false;
    const unsigned char low = c == 0xE0 ? 0xA0 : c == 0xF0 ? 0x90 : 0x80;
    const unsigned char high = c == 0xED ? 0x9F : c == 0xF4 ? 0x8F : 0xBF;
    return (n < 2 || (s[1] >= low && s[1] <= high)) && (n < 3 || (s[2] & 0xC0) == 0x80);
}

void sw_detokenizer_begin(sw_detokenizer *d, const sw_tokenizer *t, sw_detokenizer_options options)
{
    *d = (sw_detokenizer){.tokenizer = t, .options = options, .first = !options.middle};
}

static void write_broken(const sw_detokenizer *d, const char *text, size_t n, sw_text_fn write,
                         void *user)
{
    if (n) write(user, d->options.replace ? "\xef\xbf\xbd" : text, d->options.replace ? 3 : n);
}

/* The end of the whole characters at the front of text; *broken: what follows is none and never will be. */
static size_t whole_characters(const char *text, size_t n, bool *broken)
{
    size_t at = 0;
    *broken = false;
    for (size_t size; at < n; at += size) {
        size = sw__utf8_size(text + at, n - at);
        if (size) continue;
        *broken = !begins_character(text + at, n - at);
        break;
    }
    return at;
}

sw_status sw_detokenizer_push(sw_detokenizer *d, int32_t id, sw_text_fn write, void *user)
{
    size_t n;
    if (id < 0 || id >= d->tokenizer->vocabulary.count) return SW_ERR_ARGUMENT;
    bool gap;
    const char *text = spoken(d->tokenizer, id, d->options.special, &d->first, &n, &gap);
    if (gap) write(user, " ", 1);
    while (d->held && n) { /* the character that waits, byte by byte */
        d->hold[d->held++] = *text++;
        n--;
        if (begins_character(d->hold, (size_t)d->held)) continue;
        if (sw__utf8_size(d->hold, (size_t)d->held)) {
            write(user, d->hold, (size_t)d->held);
        } else { /* it never will be whole: the last byte belongs to what follows */
            write_broken(d, d->hold, (size_t)d->held - 1, write, user);
            text--;
            n++;
        }
        d->held = 0;
    }
    while (n) {
        bool broken;
        const size_t whole = whole_characters(text, n, &broken);
        if (whole) write(user, text, whole);
        text += whole;
        n -= whole;
        if (broken) {
            write_broken(d, text++, 1, write, user);
            n--;
        } else if (n) {
            memcpy(d->hold, text, n);
            d->held = (int)n;
            n = 0;
        }
    }
    return SW_OK;
}

void sw_detokenizer_end(sw_detokenizer *d, sw_text_fn write, void *user)
{
    write_broken(d, d->hold, (size_t)d->held, write, user);
    d->held = 0;
}

/* ---- questions --------------------------------------------------------------------------------------- */

int64_t sw_tokenizer_size(const sw_tokenizer *t)
{
    return t->vocabulary.count;
}

const char *sw_tokenizer_kind(const sw_tokenizer *t)
{
    return t->model == SW_MODEL_BYTES ? "gpt2" : t->model == SW_MODEL_TEXT ? "llama" : "bert";
}

const char *sw_token_text(const sw_tokenizer *t, int32_t id, size_t *bytes)
{
    *bytes = 0;
    return id < 0 || id >= t->vocabulary.count ? NULL : sw__token_bytes(&t->vocabulary, id, bytes);
}

int32_t sw_token_find(const sw_tokenizer *t, const char *text, size_t bytes)
{
    struct sw_added_match m;
    if (sw__added_find(t, text, bytes, 0, true, &m) && m.begin == 0 && m.end == bytes) return m.id;
    const int32_t id = sw__vocabulary_find(&t->vocabulary, text, bytes);
    return id < 0 && bytes == 1 ? t->byte_token[(unsigned char)*text] : id;
}

bool sw_token_is_special(const sw_tokenizer *t, int32_t id)
{
    return id >= 0 && id < t->vocabulary.count && unspoken(t, id);
}

bool sw_token_ends(const sw_tokenizer *t, int32_t id)
{
    return id >= 0 && id < t->vocabulary.count && t->ends[id];
}

int32_t sw_tokenizer_bos(const sw_tokenizer *t)
{
    return t->bos;
}

int32_t sw_tokenizer_eos(const sw_tokenizer *t)
{
    return t->eos;
}
