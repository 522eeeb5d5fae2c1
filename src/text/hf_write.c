/* A tokenizer of any file into tokenizer.json of Hugging Face, which hf_vocabulary.c and hf_pipeline.c read back.
 *
 * Merges are pairs there.  Where tokens are ranked instead (tiktoken) each has the pair that gguf_vocabulary_write.c
 * explains; where they have scores (SentencePiece) all pairs that make a token stand side by side, the best token
 * first, as converters of SentencePiece write them.  Refused: WordPiece, normalisers with texts of their own. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include "base/context_int.h"
#include "base/file.h"
#include "base/memory.h"
#include "base/utf8.h"
#include "text/tokenizer_int.h"

#define LOW_LINE "\xe2\x96\x81" /* U+2581 */

struct writer {
    sw_context *ctx;
    const char *name;
    const struct sw_tokenizer *t;
    struct sw_file file;
    char *room; /* of a token */
    bool first; /* of a list */
};

static void put(struct writer *w, const char *text)
{
    sw__file_write(&w->file, text, strlen(text));
}

/* A text in quotes. */
static void put_quoted(struct writer *w, const char *text, size_t bytes)
{
    put(w, "\"");
    for (size_t i = 0; i < bytes; i++) {
        char escaped[8] = {text[i]};
        if (text[i] == '"' || text[i] == '\\') snprintf(escaped, sizeof escaped, "\\%c", text[i]);
        if ((unsigned char)text[i] < 0x20)
            snprintf(escaped, sizeof escaped, "\\u%04x", (unsigned char)text[i]);
        put(w, escaped);
    }
    put(w, "\"");
}

/* Before each item of a list. */
static void next(struct writer *w)
{
    put(w, w->first ? "\n  " : ",\n  ");
    w->first = false;
}

static void put_flag(struct writer *w, const char *key, bool value)
{
    char text[64];
    snprintf(text, sizeof text, ",\"%s\":%s", key, value ? "true" : "false");
    put(w, text);
}

static void put_token(struct writer *w, int32_t id)
{
    int32_t kind;
    put_quoted(w, w->room, sw__token_write(w->t, id, w->room, &kind));
}

static bool is_hole(const struct sw_tokenizer *t, int32_t id)
{
    size_t bytes;
    sw__token_bytes(&t->vocabulary, id, &bytes);
    return bytes == 0;
}

/* ---- merges ------------------------------------------------------------------------------------------ */

static void put_pair(void *user, int32_t left, int32_t right)
{
    struct writer *w = user;
    next(w);
    put(w, "[");
    put_token(w, left);
    put(w, ",");
    put_token(w, right);
    put(w, "]");
}

struct ranked {
    uint32_t rank;
    int32_t id;
};

static int by_rank(const void *a, const void *b)
{
    const struct ranked *x = a, *y = b;
    return x->rank != y->rank ? (x->rank > y->rank) - (x->rank < y->rank)
                              : (x->id > y->id) - (x->id < y->id);
}

/* All pairs that a token is made of. */
static void put_splits(struct writer *w, int32_t id)
{
    const struct sw_vocabulary *v = &w->t->vocabulary;
    size_t bytes;
    const char *text = sw__token_bytes(v, id, &bytes);
    for (size_t at = 0, step; at < bytes; at += step) {
        step = sw__utf8_size(text + at, bytes - at);
        if (!step) return;
        const int32_t left = at ? sw__vocabulary_find(v, text, at) : -1;
        const int32_t right = left >= 0 ? sw__vocabulary_find(v, text + at, bytes - at) : -1;
        if (right >= 0) put_pair(w, left, right);
    }
}

static bool put_scored(struct writer *w)
{
    const struct sw_vocabulary *v = &w->t->vocabulary;
    struct ranked *all = sw__calloc2((size_t)v->count + 1, sizeof *all);
    for (int32_t id = 0; all && id < v->count; id++) all[id] = (struct ranked){w->t->order[id], id};
    if (all) qsort(all, (size_t)v->count, sizeof *all, by_rank);
    for (int64_t i = 0; all && i < v->count; i++)
        if (v->kind[all[i].id] == SW_TOKEN_NORMAL) put_splits(w, all[i].id);
    free(all);
    return all != NULL;
}

/* ---- the parts ----------------------------------------------------------------------------------------- */

static void put_added(struct writer *w)
{
    const struct sw_tokenizer *t = w->t;
    char number[32];
    w->first = true;
    put(w, " \"added_tokens\":[");
    for (int32_t id = 0; id < t->vocabulary.count; id++) {
        const struct sw_added_token *a = NULL;
        for (int64_t i = 0; i < t->added.count && !a; i++)
            if (t->added.token[i].id == id) a = &t->added.token[i];
        if (!a) continue;
        next(w);
        snprintf(number, sizeof number, "{\"id\":%d,\"content\":", id);
        put(w, number);
        put_token(w, id);
        put_flag(w, "single_word", a->single_word);
        put_flag(w, "lstrip", a->lstrip);
        put_flag(w, "rstrip", a->rstrip);
        put_flag(w, "normalized", false);
        put_flag(w, "special", a->special);
        put(w, "}");
    }
    put(w, "],\n");
}

/* Whether words of SentencePiece need what only the newer step says. */
static bool has_metaspace(const struct sw_tokenizer *t)
{
    return t->model == SW_MODEL_TEXT &&
           (t->spaces == SW_SPACES_EACH || t->space_prefix == SW_PREFIX_FIRST ||
            t->space_prefix == SW_PREFIX_UNLESS_SPACE);
}

static sw_status put_normalizer(struct writer *w)
{
    static const char *const plain[] = {"NFC",  "NFD",       "NFKC",
                                        "NFKD", "Lowercase", "StripAccents"}; /* as the enum */
    const struct sw_tokenizer *t = w->t;
    put(w, " \"normalizer\":{\"type\":\"Sequence\",\"normalizers\":[");
    w->first = true;
    for (int i = 0; i < t->normaliser.count; i++) {
        if (t->normaliser.step[i].kind > SW_NORMAL_STRIP_ACCENTS)
            return sw__fail(w->ctx, SW_ERR_UNSUPPORTED,
                            "%s: its normalizer cannot be written as tokenizer.json", w->name);
        next(w);
        put(w, "{\"type\":\"");
        put(w, plain[t->normaliser.step[i].kind]);
        put(w, "\"}");
    }
    if (t->model == SW_MODEL_TEXT && !has_metaspace(t)) {
        if (t->space_prefix == SW_PREFIX_ALWAYS) {
            next(w);
            put(w, "{\"type\":\"Prepend\",\"prepend\":\"" LOW_LINE "\"}");
        }
        next(w);
        put(w,
            "{\"type\":\"Replace\",\"pattern\":{\"String\":\" \"},\"content\":\"" LOW_LINE "\"}");
    }
    put(w, "]},\n");
    return SW_OK;
}

static void put_step(struct writer *w, const struct sw_split *s)
{
    static const char *const keep[] = {"Isolated", "Removed", "MergedWithPrevious",
                                       "MergedWithNext", "Contiguous"}; /* as the enum */
    next(w);
    put(w, "{\"type\":\"Split\",\"pattern\":{\"Regex\":");
    put_quoted(w, s->pattern, strlen(s->pattern));
    put(w, "},\"behavior\":\"");
    put(w, keep[s->keep]);
    put(w, "\"");
    put_flag(w, "invert", s->invert);
    put(w, "}");
}

static void put_pre_tokenizer(struct writer *w)
{
    const struct sw_tokenizer *t = w->t;
    const struct sw_split *s = t->pre.split;
    int n = t->pre.count;
    /* GPT-2's is ByteLevel's own. */
    const bool own = n > 0 && s[n - 1].rules && s[n - 1].rules->space_only;
    if (t->model == SW_MODEL_TEXT && !has_metaspace(t) && !n) {
        put(w, " \"pre_tokenizer\":null,\n");
        return;
    }
    put(w, " \"pre_tokenizer\":{\"type\":\"Sequence\",\"pretokenizers\":[");
    w->first = true;
    if (own && t->model == SW_MODEL_BYTES) n--;
    for (int i = 0; i < n; i++) put_step(w, &s[i]);
    next(w);
    if (t->model == SW_MODEL_BYTES) {
        put(w, "{\"type\":\"ByteLevel\"");
        put_flag(w, "add_prefix_space", t->space_prefix != SW_PREFIX_NONE);
        put_flag(w, "trim_offsets", true);
        put_flag(w, "use_regex", own);
    } else {
        put(w, "{\"type\":\"Metaspace\",\"replacement\":\"" LOW_LINE "\",\"prepend_scheme\":\"");
        put(w, t->space_prefix == SW_PREFIX_NONE    ? "never"
               : t->space_prefix == SW_PREFIX_FIRST ? "first"
                                                    : "always");
        put(w, "\"");
        put_flag(w, "split", t->spaces == SW_SPACES_EACH);
    }
    put(w, "}]},\n");
}

static void put_template_token(struct writer *w, int32_t id)
{
    next(w);
    put(w, "{\"SpecialToken\":{\"id\":");
    put_token(w, id);
    put(w, ",\"type_id\":0}}");
}

static void put_post_processor(struct writer *w)
{
    const struct sw_tokenizer *t = w->t;
    const int32_t around[] = {t->add_bos ? t->bos : -1, t->add_eos ? t->eos : -1};
    if (around[0] < 0 && around[1] < 0) {
        put(w, " \"post_processor\":null,\n");
        return;
    }
    put(w, " \"post_processor\":{\"type\":\"TemplateProcessing\",\"single\":[");
    w->first = true;
    if (around[0] >= 0) put_template_token(w, around[0]);
    next(w);
    put(w, "{\"Sequence\":{\"id\":\"A\",\"type_id\":0}}");
    if (around[1] >= 0) put_template_token(w, around[1]);
    put(w, "],\"pair\":[{\"Sequence\":{\"id\":\"A\",\"type_id\":0}},{\"Sequence\":{\"id\":\"B\","
           "\"type_id\":1}}],\"special_tokens\":{");
    w->first = true;
    for (int i = 0; i < 2; i++) {
        char ids[48];
        if (around[i] < 0 || (i == 1 && around[1] == around[0])) continue;
        next(w);
        put_token(w, around[i]);
        put(w, ":{\"id\":");
        put_token(w, around[i]);
        snprintf(ids, sizeof ids, ",\"ids\":[%d],\"tokens\":[", around[i]);
        put(w, ids);
        put_token(w, around[i]);
        put(w, "]}");
    }
    put(w, "}},\n");
}

static void put_decoder(struct writer *w)
{
    if (w->t->model == SW_MODEL_BYTES)
        put(w, " \"decoder\":{\"type\":\"ByteLevel\",\"add_prefix_space\":true,"
               "\"trim_offsets\":true,\"use_regex\":true},\n");
    else
        put(w, " \"decoder\":{\"type\":\"Sequence\",\"decoders\":[{\"type\":\"Replace\","
               "\"pattern\":{\"String\":\"" LOW_LINE
               "\"},\"content\":\" \"},{\"type\":\"ByteFallback\"},{\"type\":\"Fuse\"},"
               "{\"type\":\"Strip\",\"content\":\" \",\"start\":1,\"stop\":0}]},\n");
}

static bool put_model(struct writer *w)
{
    const struct sw_tokenizer *t = w->t;
    bool good = true, bytes = t->model == SW_MODEL_TEXT;
    for (int i = 0; i < 256 && bytes; i++) bytes = t->byte_token[i] >= 0;
    put(w, " \"model\":{\"type\":\"BPE\",\"dropout\":null,\"unk_token\":");
    if (t->unknown >= 0)
        put_token(w, t->unknown);
    else
        put(w, "null");
    put(w, ",\"continuing_subword_prefix\":\"\",\"end_of_word_suffix\":\"\"");
    put_flag(w, "fuse_unk", t->fuse_unknown);
    put_flag(w, "byte_fallback", bytes);
    put_flag(w, "ignore_merges", t->whole_words);
    put(w, ",\n \"vocab\":{");
    w->first = true;
    for (int32_t id = 0; id < t->vocabulary.count; id++) {
        char number[32];
        if (is_hole(t, id)) continue;
        next(w);
        put_token(w, id);
        snprintf(number, sizeof number, ":%d", id);
        put(w, number);
    }
    put(w, "},\n \"merges\":[");
    w->first = true;
    if (t->model == SW_MODEL_TEXT && !t->merges.slot)
        good = put_scored(w);
    else
        good = sw__tokenizer_each_merge(t, put_pair, w);
    put(w, "]}\n}\n");
    return good;
}

/* What is no UTF-8 has no place in JSON. */
static sw_status check(struct writer *w)
{
    const struct sw_vocabulary *v = &w->t->vocabulary;
    size_t longest = 64;
    if (w->t->model == SW_MODEL_WORDPIECE)
        return sw__fail(w->ctx, SW_ERR_UNSUPPORTED,
                        "%s: WordPiece is not written as tokenizer.json", w->name);
    for (int32_t id = 0; id < v->count; id++) {
        size_t bytes, step;
        const char *text = sw__token_bytes(v, id, &bytes);
        if (bytes > longest) longest = bytes;
        if (v->kind[id] == SW_TOKEN_BYTE ||
            (w->t->model == SW_MODEL_BYTES && v->kind[id] == SW_TOKEN_NORMAL))
            continue;
        for (size_t at = 0; at < bytes; at += step) {
            step = text[at] ? sw__utf8_size(text + at, bytes - at) : 0;
            if (!step)
                return sw__fail(w->ctx, SW_ERR_UNSUPPORTED, "%s: token %d is no UTF-8", w->name,
                                id);
        }
    }
    w->room = malloc(3 * longest + 64);
    return w->room ? SW_OK : sw__fail(w->ctx, SW_ERR_MEMORY, "%s: out of memory", w->name);
}

sw_status sw__tokenizer_write_hf(sw_context *ctx, const char *name, const struct sw_tokenizer *t,
                                 const char *path)
{
    struct writer w = {.ctx = ctx, .name = name, .t = t};
    sw_status status = check(&w);
    if (status != SW_OK) return status;
    status = sw__file_create(path, &w.file);
    if (status == SW_OK) {
        put(&w, "{\n \"version\":\"1.0\",\n \"truncation\":null,\n \"padding\":null,\n");
        put_added(&w);
        sw_status said = put_normalizer(&w);
        put_pre_tokenizer(&w);
        put_post_processor(&w);
        put_decoder(&w);
        if (!put_model(&w)) said = sw__fail(ctx, SW_ERR_MEMORY, "%s: out of memory", name);
        if (said != SW_OK) sw__file_abandon(&w.file);
        free(w.room);
        if (said != SW_OK) return said;
        status = sw__file_commit(&w.file);
    } else {
        free(w.room);
    }
    return status == SW_OK
               ? status
               : sw__fail(ctx, status, "%s: cannot be written: %s", path, strerror(errno));
}
