/* Rank files of tiktoken: one token a line, its bytes in base64 and its number.
 *
 *   IQ== 0
 *
 * Bytes join if what they make is a token, the smallest number first.  The file says neither how words are cut nor
 * which special tokens there are; both follow from how many ranks it has, as every published file has its own
 * number of them.  A number that is left out is a hole: no text becomes it. */
#include <stdio.h>
#include <stdlib.h>
#include "base/context_int.h"
#include "base/memory.h"
#include "text/tokenizer_int.h"

struct special {
    const char *text;
    int32_t id;
};

static const struct known {
    const char *name;
    int64_t ranks;   /* lines of the file */
    const char *pre; /* a name of pre_tokenizer_names.c */
    struct special special[8];
} known[] = {
    {"r50k_base", 50256, "gpt-2", {{"<|endoftext|>", 50256}}},
    {"p50k_base", 50280, "gpt-2", {{"<|endoftext|>", 50256}}},
    {"cl100k_base",
     100256,
     "dbrx",
     {{"<|endoftext|>", 100257},
      {"<|fim_prefix|>", 100258},
      {"<|fim_middle|>", 100259},
      {"<|fim_suffix|>", 100260},
      {"<|endofprompt|>", 100276}}},
    {"o200k_base", 199998, "gpt-4o", {{"<|endoftext|>", 199999}, {"<|endofprompt|>", 200018}}},
    {"qwen",
     151643,
     "qwen2",
     {{"<|endoftext|>", 151643}, {"<|im_start|>", 151644}, {"<|im_end|>", 151645}}},
    {"Llama 3",
     128000,
     "dbrx",
     {{"<|begin_of_text|>", 128000},
      {"<|end_of_text|>", 128001},
      {"<|start_header_id|>", 128006},
      {"<|end_header_id|>", 128007},
      {"<|eot_id|>", 128009}}},
};

struct source {
    sw_context *ctx;
    const char *name;
    struct sw_tokenizer *t;
    int64_t lines;
};

static sw_status bad_line(const struct source *s, const char *why)
{
    return sw__fail(s->ctx, SW_ERR_FORMAT, "%s: line %lld: %s", s->name, (long long)s->lines + 1,
                    why);
}

/* Bytes of base64; -1: it is none. */
static int64_t decode(const char *text, size_t size, char *out)
{
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    uint32_t bits = 0;
    int have = 0;
    int64_t bytes = 0;
    size_t n = size;
    while (n > 0 && size - n < 2 && text[n - 1] == '=') n--;
    if (size % 4 || !n) return -1;
    for (size_t i = 0; i < n; i++) {
        const char *digit = text[i] ? strchr(digits, text[i]) : NULL;
        if (!digit) return -1;
        bits = bits << 6 | (uint32_t)(digit - digits);
        have += 6;
        if (have < 8) continue;
        have -= 8;
        out[bytes++] = (char)(bits >> have);
        bits &= (1u << have) - 1;
    }
    return bits ? -1 : bytes;
}

static bool add_holes(struct sw_tokenizer *t, int64_t until)
{
    while (t->vocabulary.count < until)
        if (!sw__vocabulary_add(&t->vocabulary, "", 0, SW_TOKEN_UNUSED, 0)) return false;
    return true;
}

static sw_status add_line(struct source *s, const char *line, size_t size, char *room)
{
    struct sw_vocabulary *v = &s->t->vocabulary;
    const char *space = memchr(line, ' ', size);
    char number[16] = {0}, *end;
    if (!space || size - (size_t)(space - line) - 1 >= sizeof number ||
        space - line > SW_TOKEN_BYTES)
        return bad_line(s, "no token and its rank");
    memcpy(number, space + 1, size - (size_t)(space - line) - 1);
    const long rank = strtol(number, &end, 10);
    if (*end || end == number || rank < v->count) return bad_line(s, "ranks are numbers that grow");
    if (rank > 2 * (s->lines + 1024)) return bad_line(s, "more ranks left out than are there");
    const int64_t bytes = decode(line, (size_t)(space - line), room);
    if (bytes < 1) return bad_line(s, "no token in base64");
    if (!add_holes(s->t, rank) || !sw__vocabulary_add(v, room, (size_t)bytes, SW_TOKEN_NORMAL, 0))
        return sw__fail(s->ctx, SW_ERR_MEMORY, "%s: out of memory", s->name);
    if (bytes == 1) s->t->byte_token[(unsigned char)*room] = (int32_t)rank;
    s->lines++;
    return SW_OK;
}

static sw_status add_lines(struct source *s, const char *text, size_t size)
{
    char *room = malloc(SW_TOKEN_BYTES + 4);
    sw_status status = room ? SW_OK : sw__fail(s->ctx, SW_ERR_MEMORY, "%s: out of memory", s->name);
    for (size_t at = 0, next; at < size && status == SW_OK; at = next) {
        const char *end = memchr(text + at, '\n', size - at);
        size_t line = (end ? (size_t)(end - text) : size) - at;
        next = at + line + 1;
        if (line && text[at + line - 1] == '\r') line--;
        if (line) status = add_line(s, text + at, line, room);
    }
    free(room);
    return status;
}

static sw_status add_special(struct source *s)
{
    const struct known *k = known;
    const int n = sizeof known / sizeof *known;
    while (k < known + n && k->ranks != s->lines) k++;
    if (k == known + n)
        return sw__fail(s->ctx, SW_ERR_UNSUPPORTED,
                        "%s: %lld ranks; known are r50k, p50k, cl100k, o200k, qwen, Llama 3",
                        s->name, (long long)s->lines);
    struct sw_tokenizer *t = s->t;
    for (const struct special *p = k->special; p < k->special + 8 && p->text; p++) {
        if (p->id < t->vocabulary.count && t->vocabulary.kind[p->id] != SW_TOKEN_UNUSED)
            return sw__fail(s->ctx, SW_ERR_FORMAT, "%s: rank %d is where %s belongs", s->name,
                            p->id, p->text);
        if (p->id < t->vocabulary.count) continue; /* p50k: the hole stays one */
        if (!add_holes(t, p->id) ||
            !sw__vocabulary_add(&t->vocabulary, p->text, strlen(p->text), SW_TOKEN_CONTROL, 0) ||
            !sw__added_add(&t->added, (struct sw_added_token){.id = p->id, .special = true}))
            return sw__fail(s->ctx, SW_ERR_MEMORY, "%s: out of memory", s->name);
        if (strcmp(p->text, "<|begin_of_text|>") == 0) t->bos = p->id;
        if (strcmp(p->text, "<|end_of_text|>") == 0 || strcmp(p->text, "<|endoftext|>") == 0)
            t->eos = p->id;
    }
    t->add_bos = t->bos >= 0;
    t->whole_words = t->bos >= 0;
    for (const char *const *p = sw__pre_name(k->pre, strlen(k->pre))->pattern; *p; p++) {
        const sw_status status = sw__pre_tokenizer_add(s->ctx, s->name, &t->pre, *p,
                                                       SW_SPLIT_ISOLATED, false);
        if (status != SW_OK) return status;
    }
    return SW_OK;
}

sw_status sw__tokenizer_from_tiktoken(sw_context *ctx, const char *name, const uint8_t *data,
                                      size_t size, struct sw_tokenizer **out)
{
    struct source s = {ctx, name, sw__tokenizer_new(SW_MODEL_BYTES), 0};
    *out = NULL;
    if (!s.t) return sw__fail(ctx, SW_ERR_MEMORY, "%s: out of memory", name);
    sw_status status = add_lines(&s, (const char *)data, size);
    if (status == SW_OK) status = add_special(&s);
    if (status == SW_OK) status = sw__tokenizer_finish(ctx, name, s.t);
    if (status == SW_OK && !sw__tokenizer_order_by_number(s.t))
        status = sw__fail(ctx, SW_ERR_MEMORY, "%s: out of memory", name);
    if (status == SW_OK)
        *out = s.t;
    else
        sw_tokenizer_destroy(s.t);
    return status;
}
