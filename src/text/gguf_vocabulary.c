/* The tokenizer of a GGUF model (ggml, docs/gguf.md, "Tokenizer"): the pairs tokenizer.ggml.*.
 *
 * What the pairs leave open is what llama.cpp does: defaults of special tokens and flags, Phi-3's special tokens that
 * take the spaces behind them.  Tokens that are no special ones by their kind, but end an answer by their name, are
 * made special.  Left out: Unigram ("t5"), RWKV, PLaMo, Gemma 4; refused by name. */
#include <math.h>
#include <stdlib.h>
#include "base/context_int.h"
#include "base/memory.h"
#include "format/gguf.h"
#include "text/tokenizer_int.h"

struct source {
    sw_context *ctx;
    const char *name;
    const struct sw_gguf *f;
    struct sw_tokenizer *t;
};

static sw_status no_memory(const struct source *s)
{
    return sw__fail(s->ctx, SW_ERR_MEMORY, "%s: out of memory for the tokenizer", s->name);
}

/* ---- tokens ---------------------------------------------------------------------------------------- */

/* From how a file writes a token to the bytes that it stands for; `text` has room for two more. */
static void decode_token(struct sw_tokenizer *t, int32_t id, char *text, size_t *bytes,
                         enum sw_token_kind *kind)
{
    if (*kind == SW_TOKEN_NORMAL && sw__token_names_an_end(text, *bytes)) *kind = SW_TOKEN_CONTROL;
    if (!*bytes) *kind = SW_TOKEN_UNUSED;
    if (t->model == SW_MODEL_BYTES) {
        if (*kind == SW_TOKEN_BYTE) *kind = SW_TOKEN_NORMAL;
        if (*kind != SW_TOKEN_NORMAL) return;
        const int64_t n = sw__byte_alphabet_decode(text, *bytes, text);
        if (n < 0) *kind = SW_TOKEN_UNUSED;
        if (n == 1 && t->byte_token[(unsigned char)*text] < 0)
            t->byte_token[(unsigned char)*text] = id;
        if (n >= 0) *bytes = (size_t)n;
    } else if (t->model == SW_MODEL_TEXT) {
        const int byte = *kind == SW_TOKEN_BYTE ? sw__token_of_byte(text, *bytes) : -1;
        if (byte >= 0) {
            *text = (char)byte;
            *bytes = 1;
            t->byte_token[byte] = id;
        }
        if ((*kind == SW_TOKEN_NORMAL || *kind == SW_TOKEN_USER) &&
            sw__token_put_spaces(text, bytes))
            *kind = SW_TOKEN_NORMAL;
    } else if (*kind == SW_TOKEN_NORMAL) {
        if (*bytes > 3 && memcmp(text, "\xe2\x96\x81", 3) == 0) {
            *bytes -= 3;
            memmove(text, text + 3, *bytes);
        } else {
            memmove(text + 2, text, *bytes);
            memcpy(text, "##", 2);
            *bytes += 2;
        }
    }
}

static sw_status add_token(const struct source *s, int32_t id, const char *text, size_t bytes,
                           enum sw_token_kind kind, float score, char *room)
{
    if (bytes > SW_TOKEN_BYTES - 2)
        return sw__fail(s->ctx, SW_ERR_FORMAT, "%s: token %d has %zu bytes", s->name, id, bytes);
    memcpy(room, text, bytes);
    /* A byte-level token is decoded where it lies: what stands in the file before is longer, never shorter. */
    decode_token(s->t, id, room, &bytes, &kind);
    if (!sw__vocabulary_add(&s->t->vocabulary, room, bytes, kind, score)) return no_memory(s);
    const bool special = kind == SW_TOKEN_CONTROL || kind == SW_TOKEN_UNKNOWN;
    if ((special || kind == SW_TOKEN_USER) &&
        !sw__added_add(&s->t->added, (struct sw_added_token){.id = id, .special = special}))
        return no_memory(s);
    return SW_OK;
}

static sw_status add_tokens(const struct source *s)
{
    const struct sw_gguf_pair *tokens = sw__gguf_find(s->f, "tokenizer.ggml.tokens");
    const struct sw_gguf_pair *scores = sw__gguf_find(s->f, "tokenizer.ggml.scores");
    const struct sw_gguf_pair *kinds = sw__gguf_find(s->f, "tokenizer.ggml.token_type");
    if (!tokens || tokens->type != SW_GGUF_ARRAY || tokens->element != SW_GGUF_STRING)
        return sw__fail(s->ctx, SW_ERR_FORMAT, "%s: tokenizer.ggml.tokens is no list of texts",
                        s->name);
    const int64_t n = tokens->count;
    if (n > SW_TOKENS || (scores && scores->count < n) || (kinds && kinds->count < n))
        return sw__fail(s->ctx, SW_ERR_FORMAT, "%s: %lld tokens, %lld scores, %lld kinds", s->name,
                        (long long)n, (long long)(scores ? scores->count : n),
                        (long long)(kinds ? kinds->count : n));
    if (s->t->model == SW_MODEL_TEXT && !scores)
        return sw__fail(s->ctx, SW_ERR_FORMAT, "%s: no tokenizer.ggml.scores", s->name);
    char *room = malloc(SW_TOKEN_BYTES);
    sw_status status = room ? SW_OK : no_memory(s);
    for (int32_t id = 0; id < n && status == SW_OK; id++) {
        const char *text;
        size_t bytes;
        double score = 0;
        int64_t kind = SW_TOKEN_NORMAL, whole;
        if (scores && !sw__gguf_pair_real(scores, id, &score) &&
            sw__gguf_pair_integer(scores, id, &whole))
            score = (double)whole;
        if (kinds) sw__gguf_pair_integer(kinds, id, &kind);
        if (kind < SW_TOKEN_NORMAL || kind > SW_TOKEN_BYTE) kind = SW_TOKEN_NORMAL;
        if (!sw__gguf_pair_string(tokens, id, &text, &bytes) || isnan(score))
            status = sw__fail(s->ctx, SW_ERR_FORMAT, "%s: token %d has no text or no score",
                              s->name, id);
        else
            status = add_token(s, id, text, bytes, (enum sw_token_kind)kind, (float)score, room);
    }
    free(room);
    return status;
}

/* ---- merges ---------------------------------------------------------------------------------------- */

/* The token that is written so in the file. */
static int32_t written(const struct sw_tokenizer *t, const char *text, size_t bytes, char *room)
{
    const int64_t n = bytes <= SW_TOKEN_BYTES ? sw__byte_alphabet_decode(text, bytes, room) : -1;
    const int32_t id = n > 0 ? sw__vocabulary_find(&t->vocabulary, room, (size_t)n) : -1;
    return id >= 0 ? id : sw_token_find(t, text, bytes);
}

static sw_status add_merge(const struct source *s, int64_t i, const char *text, size_t bytes,
                           char *room)
{
    const char *space = bytes > 2 ? memchr(text + 1, ' ', bytes - 1) : NULL;
    if (!space || bytes > SW_TOKEN_BYTES)
        return sw__fail(s->ctx, SW_ERR_FORMAT, "%s: merge %lld is no pair of tokens", s->name,
                        (long long)i);
    const size_t n = (size_t)(space - text), m = bytes - n - 1;
    char *both = room + SW_TOKEN_BYTES;
    memcpy(both, text, n);
    memcpy(both + n, space + 1, m);
    const int32_t left = written(s->t, text, n, room), right = written(s->t, space + 1, m, room);
    const int32_t merged = written(s->t, both, n + m, room);
    if (left < 0 || right < 0 || merged < 0)
        return sw__fail(s->ctx, SW_ERR_FORMAT, "%s: merge %lld, '%.*s': %s is no token", s->name,
                        (long long)i, (int)(bytes < 64 ? bytes : 64), text,
                        left < 0    ? "the first"
                        : right < 0 ? "the second"
                                    : "what they become");
    sw__merges_add(&s->t->merges, left, right, (uint32_t)i, merged);
    return SW_OK;
}

static sw_status add_merges(const struct source *s)
{
    const struct sw_gguf_pair *merges = sw__gguf_find(s->f, "tokenizer.ggml.merges");
    if (!merges || merges->type != SW_GGUF_ARRAY || merges->element != SW_GGUF_STRING ||
        merges->count > 4 * SW_TOKENS)
        return sw__fail(s->ctx, SW_ERR_FORMAT, "%s: tokenizer.ggml.merges is no list of texts",
                        s->name);
    char *room = malloc(2 * SW_TOKEN_BYTES);
    sw_status status = room && sw__merges_reserve(&s->t->merges, merges->count) ? SW_OK
                                                                                : no_memory(s);
    for (int64_t i = 0; i < merges->count && status == SW_OK; i++) {
        const char *text;
        size_t bytes;
        if (sw__gguf_pair_string(merges, i, &text, &bytes))
            status = add_merge(s, i, text, bytes, room);
    }
    free(room);
    return status;
}

static sw_status add_pre_tokenizer(const struct source *s, bool *add_sep)
{
    const char *pre = "default";
    size_t bytes = strlen(pre);
    sw__gguf_string(s->f, "tokenizer.ggml.pre", &pre, &bytes);
    const struct sw_pre_name *known = sw__pre_name(pre, bytes);
    if (!known)
        return sw__fail(s->ctx, SW_ERR_UNSUPPORTED, "%s: unknown pre-tokeniser '%.*s'", s->name,
                        (int)(bytes < 64 ? bytes : 64), pre);
    s->t->whole_words = known->whole_words;
    s->t->add_bos = known->add_bos;
    *add_sep = known->add_sep;
    for (const char *const *p = known->pattern; *p; p++) {
        const sw_status status = sw__pre_tokenizer_add(s->ctx, s->name, &s->t->pre, *p,
                                                       SW_SPLIT_ISOLATED, false);
        if (status != SW_OK) return status;
    }
    return SW_OK;
}

/* ---- the whole --------------------------------------------------------------------------------------- */

static void read_id(const struct source *s, const char *key, int32_t *id)
{
    int64_t value;
    if (sw__gguf_integer(s->f, key, &value))
        *id = value < 0 || value > INT32_MAX ? INT32_MAX : (int32_t)value;
}

static void read_special(const struct source *s, bool add_sep)
{
    struct sw_tokenizer *t = s->t;
    const int64_t n = t->vocabulary.count;
    int32_t separator = -1;
    if (t->model == SW_MODEL_TEXT && n > 2) {
        t->unknown = 0;
        t->bos = 1;
        t->eos = 2;
    }
    if (t->model == SW_MODEL_WORDPIECE && n > 102) {
        t->unknown = 100;
        t->bos = 101;
        separator = 102;
    }
    read_id(s, "tokenizer.ggml.bos_token_id", &t->bos);
    read_id(s, "tokenizer.ggml.eos_token_id", &t->eos);
    read_id(s, "tokenizer.ggml.unknown_token_id", &t->unknown);
    read_id(s, "tokenizer.ggml.seperator_token_id", &separator); /* so it is written */
    sw__gguf_bool(s->f, "tokenizer.ggml.add_bos_token", &t->add_bos);
    sw__gguf_bool(s->f, "tokenizer.ggml.add_eos_token", &t->add_eos);
    sw__gguf_bool(s->f, "tokenizer.ggml.add_sep_token", &add_sep);
    bool prefix = t->space_prefix != SW_PREFIX_NONE;
    sw__gguf_bool(s->f, "tokenizer.ggml.add_space_prefix", &prefix);
    t->space_prefix = prefix ? SW_PREFIX_ALWAYS : SW_PREFIX_NONE;
    if (add_sep && separator >= 0) {
        t->eos = separator;
        t->add_eos = true;
    }
    sw__gguf_bool(s->f, "tokenizer.ggml.normalizer.lowercase", &t->lowercase);
    t->strip_accents = t->lowercase;
    sw__gguf_bool(s->f, "tokenizer.ggml.normalizer.strip_accents", &t->strip_accents);
}

/* Phi-3's special tokens take the spaces behind them. */
static void strip_as_phi3(const struct source *s)
{
    const char *model = "";
    size_t bytes = 0;
    char lower[128] = {0};
    sw__gguf_string(s->f, "general.name", &model, &bytes);
    for (size_t i = 0; i < bytes && i < sizeof lower - 1; i++)
        lower[i] = (char)(model[i] >= 'A' && model[i] <= 'Z' ? model[i] | 0x20 : model[i]);
    if (!strstr(lower, "phi-3") && !strstr(lower, "phi3")) return;
    for (int64_t i = 0; i < s->t->added.count; i++) {
        size_t n;
        struct sw_added_token *a = &s->t->added.token[i];
        const char *text = sw__token_bytes(&s->t->vocabulary, a->id, &n);
        a->rstrip = !(n == 5 && memcmp(text, "<unk>", 5) == 0) &&
                    !(n == 3 && memcmp(text, "<s>", 3) == 0) &&
                    !(n == 13 && memcmp(text, "<|endoftext|>", 13) == 0);
    }
}

static sw_status read_all(const struct source *s)
{
    struct sw_tokenizer *t = s->t;
    bool add_sep = t->model == SW_MODEL_WORDPIECE;
    t->add_bos = t->model != SW_MODEL_BYTES;
    t->space_prefix = t->model == SW_MODEL_TEXT ? SW_PREFIX_ALWAYS : SW_PREFIX_NONE;
    t->lowercase = t->clean = t->spread_chinese = t->model == SW_MODEL_WORDPIECE;
    sw_status status = t->model == SW_MODEL_BYTES ? add_pre_tokenizer(s, &add_sep) : SW_OK;
    if (status == SW_OK) status = add_tokens(s);
    if (status != SW_OK) return status;
    read_special(s, add_sep);
    status = sw__tokenizer_finish(s->ctx, s->name, t);
    if (status != SW_OK) return status;
    int32_t ends[] = {-1, -1};
    read_id(s, "tokenizer.ggml.eot_token_id", &ends[0]);
    read_id(s, "tokenizer.ggml.eom_token_id", &ends[1]);
    for (int i = 0; i < 2; i++)
        if (ends[i] >= 0 && ends[i] < t->vocabulary.count) t->ends[ends[i]] = 1;
    strip_as_phi3(s);
    if (t->model == SW_MODEL_BYTES) return add_merges(s);
    return t->model != SW_MODEL_TEXT || sw__tokenizer_order_by_score(t) ? SW_OK : no_memory(s);
}

sw_status sw__tokenizer_from_gguf(sw_context *ctx, const char *name, const struct sw_gguf *f,
                                  struct sw_tokenizer **out)
{
    static const char *const models[] = {"gpt2", "llama", "bert"}; /* as enum sw_token_model */
    const char *model = NULL;
    size_t bytes = 0;
    int i = 0;
    *out = NULL;
    if (!sw__gguf_string(f, "tokenizer.ggml.model", &model, &bytes))
        return sw__fail(ctx, SW_ERR_UNSUPPORTED, "%s: a model without a tokenizer", name);
    while (i < 3 && (strlen(models[i]) != bytes || memcmp(models[i], model, bytes) != 0)) i++;
    if (i == 3)
        return sw__fail(ctx, SW_ERR_UNSUPPORTED,
                        "%s: a tokenizer of the kind '%.*s'; gpt2, llama and bert are known", name,
                        (int)(bytes < 64 ? bytes : 64), model);
    struct source s = {ctx, name, f, sw__tokenizer_new((enum sw_token_model)i)};
    if (!s.t) return no_memory(&s);
    const sw_status status = read_all(&s);
    if (status == SW_OK)
        *out = s.t;
    else
        sw_tokenizer_destroy(s.t);
    return status;
}
