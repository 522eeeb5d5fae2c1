/* Cutting by regular expressions: PCRE2 with its compiler to machine code, on UTF-8 with Unicode classes.
 *
 * The expressions were written for other engines.  \s is Unicode's White_Space there; PCRE2's has U+180E besides,
 * so \s is written out.  $ is the end of the text.  An expression may come from a file, so how long it tries is
 * bounded; and a text may be any bytes, so what is no UTF-8 is shown to PCRE2 as U+0001, in a copy of the text of
 * the same length. */
#define PCRE2_CODE_UNIT_WIDTH 8
#include "text/pre_tokenizer.h"

#include <pcre2.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "base/context_int.h"
#include "base/utf8.h"

enum { PATTERN = 1 << 16, TRIES = 1000000 };

#define WHITE_SPACE                                                                                \
    "\\t-\\r "                                                                                     \
    "\\x{85}\\x{A0}\\x{1680}\\x{2000}-\\x{200A}\\x{2028}\\x{2029}\\x{202F}\\x{205F}\\x{3000}"

/* The pattern with \s and \S written out (\S inside of a class stays); NULL: out of memory. */
static char *write_out_spaces(const char *pattern)
{
    const size_t n = strlen(pattern), most = sizeof "[^]" WHITE_SPACE;
    char *out = malloc(n * most + 1), *to = out;
    bool in_class = false;
    if (!out) return NULL;
    for (const char *s = pattern; *s; s++) {
        if (*s == '\\' && (s[1] == 's' || (s[1] == 'S' && !in_class))) {
            to += sprintf(to, "%s%s%s",
                          in_class      ? ""
                          : s[1] == 's' ? "["
                                        : "[^",
                          WHITE_SPACE, in_class ? "" : "]");
            s++;
        } else if (*s == '\\' && s[1]) {
            *to++ = *s++;
            *to++ = *s;
        } else {
            if (*s == '[') in_class = true;
            if (*s == ']') in_class = false;
            *to++ = *s;
        }
    }
    *to = 0;
    return out;
}

static sw_status compile(sw_context *ctx, const char *name, struct sw_split *s)
{
    char *text = write_out_spaces(s->pattern);
    int why = 0;
    PCRE2_SIZE where = 0;
    if (text)
        s->code = pcre2_compile((PCRE2_SPTR)text, PCRE2_ZERO_TERMINATED,
                                PCRE2_UTF | PCRE2_UCP | PCRE2_DOLLAR_ENDONLY |
                                    PCRE2_NEVER_BACKSLASH_C,
                                &why, &where, NULL);
    free(text);
    if (!text || why == PCRE2_ERROR_HEAP_FAILED || (why == 0 && !s->code))
        return sw__fail(ctx, SW_ERR_MEMORY, "%s: out of memory", name);
    if (!s->code) {
        char said[128] = "";
        pcre2_get_error_message(why, (PCRE2_UCHAR *)said, sizeof said);
        return sw__fail(ctx, SW_ERR_FORMAT, "%s: regular expression '%.100s': %s", name, s->pattern,
                        said);
    }
    pcre2_jit_compile(s->code, PCRE2_JIT_COMPLETE); /* without it all is slower and the same */
    return SW_OK;
}

sw_status sw__pre_tokenizer_add(sw_context *ctx, const char *name, struct sw_pre_tokenizer *p,
                                const char *pattern, enum sw_split_keep keep, bool invert)
{
    if (p->count == SW_SPLITS)
        return sw__fail(ctx, SW_ERR_UNSUPPORTED, "%s: a pre-tokeniser of more than %d steps", name,
                        SW_SPLITS);
    struct sw_split *s = &p->split[p->count];
    *s = (struct sw_split){.rules = sw__word_rules_of(pattern), .keep = keep, .invert = invert};
    if (strlen(pattern) > PATTERN)
        return sw__fail(ctx, SW_ERR_FORMAT, "%s: a regular expression of %zu bytes", name,
                        strlen(pattern));
    s->pattern = strdup(pattern);
    if (!s->pattern) return sw__fail(ctx, SW_ERR_MEMORY, "%s: out of memory", name);
    if (s->rules && keep == SW_SPLIT_ISOLATED && !invert) {
        p->count++;
        return SW_OK;
    }
    s->rules = NULL;
    const sw_status status = compile(ctx, name, s);
    if (status != SW_OK) free(s->pattern);
    p->count += status == SW_OK;
    return status;
}
void sw__pre_tokenizer_free(struct sw_pre_tokenizer *p)
{
    for (int i = 0; i < p->count; i++) {
        pcre2_code_free(p->split[i].code);
        free(p->split[i].pattern);
    }
    *p = (struct sw_pre_tokenizer){0};
}

/* ---- running ------------------------------------------------------------------------------------- */

struct run {
    const struct sw_pre_tokenizer *p;
    const char *text, *shown; /* shown: to PCRE2; the same length */
    char *copy;
    pcre2_match_data *match;
    pcre2_match_context *limits;
    void (*word)(void *user, const char *text, size_t bytes);
    void *user;
    sw_status status;
};

static void split(struct run *r, int step, size_t begin, size_t end);

/* Where step `s` matches next in begin..end from `at` on; false: nowhere. */
static bool next_match(struct run *r, const struct sw_split *s, size_t begin, size_t end, size_t at,
                       size_t *from, size_t *to)
{
    const PCRE2_SPTR piece = (PCRE2_SPTR)r->shown + begin;
    int found = pcre2_match(s->code, piece, end - begin, at - begin, PCRE2_NO_UTF_CHECK, r->match,
                            r->limits);
    if (found == PCRE2_ERROR_JIT_STACKLIMIT)
        found = pcre2_match(s->code, piece, end - begin, at - begin,
                            PCRE2_NO_UTF_CHECK | PCRE2_NO_JIT, r->match, r->limits);
    if (found < 0) {
        if (found != PCRE2_ERROR_NOMATCH)
            r->status = found == PCRE2_ERROR_NOMEMORY ? SW_ERR_MEMORY : SW_ERR_FORMAT;
        return false;
    }
    const PCRE2_SIZE *places = pcre2_get_ovector_pointer(r->match);
    *from = begin + places[0];
    *to = begin + places[1];
    if (*to < *from || *from < at) return false; /* \K in a look-ahead */
    return true;
}

/* Pieces of one step: matches and what lies between, joined as `keep` says. */
struct pieces {
    struct run *r;
    int step;
    size_t open, end; /* a piece that may still grow */
    bool matched;     /* it is a match */
};

static void close_piece(struct pieces *p)
{
    if (p->end > p->open) split(p->r, p->step + 1, p->open, p->end);
    p->open = p->end;
}

static void add_piece(struct pieces *p, size_t end, bool matched)
{
    const enum sw_split_keep keep = p->r->p->split[p->step].keep;
    const bool joins = (keep == SW_SPLIT_PREVIOUS && matched && !p->matched) ||
                       (keep == SW_SPLIT_NEXT && !matched && p->matched) ||
                       (keep == SW_SPLIT_JOINED && matched && p->matched);
    if (end == p->end) return;
    if (!joins) close_piece(p);
    p->end = end;
    p->matched = matched;
    if (keep == SW_SPLIT_REMOVED && matched) p->open = end;
}

static void split_by_expression(struct run *r, int step, size_t begin, size_t end)
{
    const struct sw_split *s = &r->p->split[step];
    struct pieces p = {r, step, begin, begin, false};
    size_t at = begin, from, to;
    while (at < end && r->status == SW_OK && next_match(r, s, begin, end, at, &from, &to)) {
        add_piece(&p, from, s->invert);
        if (to > from) add_piece(&p, to, !s->invert);
        if (to == from && from < end) { /* an empty match cuts and takes nothing */
            close_piece(&p);
            const size_t n = sw__utf8_size(r->shown + from, end - from);
            at = from + (n ? n : 1);
        } else {
            at = to;
        }
        if (to == end) break;
    }
    add_piece(&p, end, s->invert);
    close_piece(&p);
}

static void split(struct run *r, int step, size_t begin, size_t end)
{
    if (step == r->p->count) {
        r->word(r->user, r->text + begin, end - begin);
        return;
    }
    const struct sw_word_rules *rules = r->p->split[step].rules;
    if (!rules) {
        split_by_expression(r, step, begin, end);
        return;
    }
    const char *piece = r->text + begin;
    const size_t size = end - begin;
    for (size_t at = 0, next; at < size; at = next) {
        next = sw__word_end(rules, piece, size, at);
        if (step + 1 == r->p->count)
            r->word(r->user, piece + at, next - at);
        else
            split(r, step + 1, begin + at, begin + next);
    }
}

/* What PCRE2 needs: a text that is UTF-8, and room for its answers. */
static bool prepare(struct run *r, size_t size)
{
    bool expression = false;
    size_t at = 0, n;
    for (int i = 0; i < r->p->count; i++) expression |= !r->p->split[i].rules;
    if (!expression) return true;
    r->match = pcre2_match_data_create(1, NULL);
    r->limits = pcre2_match_context_create(NULL);
    if (!r->match || !r->limits) return false;
    pcre2_set_match_limit(r->limits, TRIES);
    while (at < size && (n = sw__utf8_size(r->text + at, size - at))) at += n;
    if (at == size) return true;
    r->copy = malloc(size);
    if (!r->copy) return false;
    memcpy(r->copy, r->text, size);
    for (at = 0; at < size; at += n) {
        n = sw__utf8_size(r->copy + at, size - at);
        if (n) continue;
        r->copy[at] = 1;
        n = 1;
    }
    r->shown = r->copy;
    return true;
}

sw_status sw__pre_tokenizer_run(const struct sw_pre_tokenizer *p, const char *text, size_t size,
                                void (*word)(void *user, const char *text, size_t bytes),
                                void *user)
{
    struct run r = {.p = p, .text = text, .shown = text, .word = word, .user = user};
    if (!size) return SW_OK;
    if (prepare(&r, size))
        split(&r, 0, 0, size);
    else
        r.status = SW_ERR_MEMORY;
    pcre2_match_data_free(r.match);
    pcre2_match_context_free(r.limits);
    free(r.copy);
    return r.status;
}
