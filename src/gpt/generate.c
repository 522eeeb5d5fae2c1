/* Generating: draw a token, show it, append it, again (include/swell/generate.h).
 *
 * Guesses by prompt lookup (Saxena 2023, "prompt lookup decoding"): where the last tokens stood before
 * in the text, what followed them there may follow now.  The guess is appended together with the token
 * before it, in one step that reads the weights once, and each token is then drawn from its own logits
 * as if there had been no guess; at the first that differs the rest is cut off.  Logits do not depend on
 * neighbours and draws happen in the same order, so the tokens are the same, at any temperature.
 *
 * A draft model guesses in place of the text (draft.c); then a token is not drawn as if there had been no
 * guess, but by the sampler's rule for guesses, which keeps more of them.
 *
 * A full context is shifted by reading its newer half again, in place of turning stored keys to new
 * positions: that costs a prefill, but gives what the model would give for that text. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/context_int.h"
#include "base/memory.h"
#include "base/size.h"
#include "gpt/gpt_int.h"

/* Tokens that must have stood before in the text for a guess, at most and at least. */
enum { LOOKUP_MOST = 3, LOOKUP_LEAST = 2, MOST_GUESSES = 64, DRAFT_TOKENS = 4 };

struct turn {
    sw_session *s;
    const sw_generate_options *o;
    sw_generated out;
    sw_detokenizer detokenizer;
    char *text; /* that became whole with the token at hand */
    int64_t text_bytes, text_capacity;
    bool text_lost;            /* out of memory */
    struct sw_gpt_draft draft; /* its session NULL: none */
    /* Guessed tokens that stand in the session already: the first `at` of n were right. */
    const float *rows; /* logits behind each */
    int64_t base;      /* length of the session before them */
    int64_t n, at;
    uint32_t *mask; /* of tokens that the constraint allows */
};

/* ---- text -------------------------------------------------------------------------------------- */

static void add_text(void *user, const char *text, size_t bytes)
{
    struct turn *t = user;
    if (!sw__grow(&t->text, &t->text_capacity, t->text_bytes + (int64_t)bytes + 1, 1)) {
        t->text_lost = true;
        return;
    }
    memcpy(t->text + t->text_bytes, text, bytes);
    t->text_bytes += (int64_t)bytes;
}

/* The space that some tokenizers put before a text is no part of it: is this its beginning? */
static bool in_middle(const sw_session *s)
{
    for (int64_t i = 0; i < s->n; i++)
        if (!sw_token_is_special(s->m->tokenizer, s->tokens[i])) return true;
    return false;
}

/* Show a token, or what is left (-1).  *go: whether to go on. */
static sw_status show(struct turn *t, int32_t token, bool *go)
{
    sw_status status = SW_OK;
    t->text_bytes = 0;
    *go = true;
    if (!t->o->piece) return SW_OK;
    if (t->s->m->tokenizer && token < 0)
        sw_detokenizer_end(&t->detokenizer, add_text, t);
    else if (t->s->m->tokenizer && token < sw_tokenizer_size(t->s->m->tokenizer))
        status = sw_detokenizer_push(&t->detokenizer, token, add_text, t);
    if (t->text_lost) status = sw__fail(t->s->m->ctx, SW_ERR_MEMORY, "generate: out of memory");
    if (status == SW_OK)
        *go = t->o->piece(t->o->user, token, t->text ? t->text : "", (size_t)t->text_bytes);
    return status;
}

/* ---- drawing ----------------------------------------------------------------------------------- */

static bool allowed(const uint32_t *mask, int64_t token)
{
    return !mask || (mask[token / 32] >> (token % 32) & 1);
}

/* The most likely token, the lowest of equals. */
static sw_status most_likely(sw_model *m, const float *logits, const uint32_t *mask, int32_t *token)
{
    int64_t best = -1;
    for (int64_t i = 0; i < m->net.z.vocabulary; i++) {
        if (isnan(logits[i]))
            return sw__fail(m->ctx, SW_ERR_NAN, "%s: the logits are not numbers", m->path);
        if (allowed(mask, i) && (best < 0 || logits[i] > logits[best])) best = i;
    }
    *token = (int32_t)best;
    return SW_OK;
}

/* Tokens that may still be made. */
static int64_t left(const struct turn *t)
{
    const int64_t asked = t->o->tokens > 0 ? t->o->tokens - t->out.tokens : INT64_MAX;
    const int64_t guessed = t->n - t->at; /* that stand in the session and may be cut off */
    const int64_t room = t->s->m->o.context - (t->s->n - guessed) + 1;
    return t->o->shift ? asked : sw__min64(asked, room);
}

/* Ask the constraint what may follow; *end: nothing. */
static sw_status ask(struct turn *t, bool *end)
{
    const int64_t words = (t->s->m->net.z.vocabulary + 31) / 32;
    sw_status status = sw_constraint_mask(t->o->constraint, left(t), t->mask);
    *end = true;
    for (int64_t i = 0; i < words && *end; i++) *end = t->mask[i] == 0;
    return status;
}

/* *end: the constraint lets nothing follow. */
static sw_status draw(struct turn *t, int32_t *token, bool *end)
{
    sw_model *m = t->s->m;
    sw_status status = SW_OK;
    *end = false;
    if (t->mask) status = ask(t, end);
    if (status != SW_OK || *end) return status;
    if (t->draft.s && t->at < t->n)
        status = sw_sampler_verify(t->o->sampler, t->s->logits, m->net.z.vocabulary, t->mask,
                                   t->s->tokens[t->base + t->at],
                                   t->draft.q + t->at * m->net.z.vocabulary, token);
    else if (t->o->sampler)
        status = sw_sampler_draw(t->o->sampler, t->s->logits, m->net.z.vocabulary, t->mask, token);
    else
        status = most_likely(m, t->s->logits, t->mask, token);
    if (status == SW_OK && t->o->sampler) sw_sampler_accept(t->o->sampler, *token);
    if (status == SW_OK && t->mask) status = sw_constraint_accept(t->o->constraint, *token);
    return status;
}

/* ---- going on ---------------------------------------------------------------------------------- */

/* What followed the last tokens and `token` where they stood last: at most `most` tokens to guess. */
static int64_t look_up(const sw_session *s, int32_t token, int32_t *guess, int64_t most)
{
    const int32_t *text = s->tokens;
    for (int64_t gram = LOOKUP_MOST; gram >= LOOKUP_LEAST; gram--) {
        if (s->n < gram) continue;
        const int32_t *last = text + s->n - (gram - 1);
        for (int64_t at = s->n - 1; at >= gram - 1; at--) { /* text[at] would be `token` */
            if (text[at] != token ||
                memcmp(text + at - (gram - 1), last, (size_t)(gram - 1) * sizeof *text) != 0)
                continue;
            const int64_t n = sw__min64(most, s->n - 1 - at);
            if (n < 1) continue;
            memcpy(guess, text + at + 1, (size_t)n * sizeof *text);
            return n;
        }
    }
    return 0;
}

static int64_t draft_tokens(const sw_generate_options *o)
{
    return o->draft_tokens ? o->draft_tokens : DRAFT_TOKENS;
}

/* At most `most` tokens that may follow `token`; *made: how many. */
static sw_status guess(struct turn *t, int32_t token, int32_t *guesses, int64_t most, int64_t *made)
{
    sw_session *s = t->s;
    *made = 0;
    if (most < 1) return SW_OK;
    if (t->draft.s) {
        s->tokens[s->n] = token; /* there is room: it will be fed */
        return sw__draft_propose(&t->draft, s->tokens, s->n + 1, t->o->sampler, guesses, most,
                                 made);
    }
    *made = look_up(s, token, guesses, most);
    return SW_OK;
}

static void take_row(struct turn *t, const float *row)
{
    memcpy(t->s->logits, row, (size_t)t->s->m->net.z.vocabulary * sizeof *row);
    t->s->known = true;
}

/* Append the token and what may follow it. */
static sw_status feed(struct turn *t, int32_t token)
{
    sw_model *m = t->s->m;
    int32_t tokens[1 + MOST_GUESSES] = {token};
    const int64_t room = sw__min64(m->o.context - t->s->n, sw__min64(m->o.rows, m->o.chunk)) - 1;
    const int64_t wanted = t->draft.s ? draft_tokens(t->o) : t->o->lookup;
    sw_model_part part = {.session = t->s, .tokens = tokens};
    sw_status status = guess(t, token, tokens + 1, sw__min64(wanted, room), &part.n);
    if (status != SW_OK) return status;
    part.rows = ++part.n;
    status = sw_model_step(m, &part, 1);
    if (status != SW_OK) return status;
    t->rows = part.logits;
    t->n = part.n - 1;
    t->at = 0;
    t->base = t->s->n - t->n;
    t->out.guessed += t->n;
    take_row(t, t->rows);
    return SW_OK;
}

/* Forget guesses that were wrong, or that nobody asked for. */
static sw_status cut(struct turn *t)
{
    if (t->at == t->n) return SW_OK;
    const bool known = t->s->known;
    sw_status status = sw_session_truncate(t->s, t->base + t->at);
    t->s->known = known; /* those of row `at` */
    t->n = t->at;
    return status;
}

/* Forget the older half of what may be forgotten. */
static sw_status shift(struct turn *t)
{
    sw_session *s = t->s;
    const int64_t keep = sw__max64(0, sw__min64(t->o->keep, s->n / 2));
    const int64_t again = (s->n - keep) / 2;
    int32_t *newer = sw__calloc2((size_t)again + 1, sizeof *newer);
    if (!newer) return sw__fail(s->m->ctx, SW_ERR_MEMORY, "generate: out of memory");
    memcpy(newer, s->tokens + s->n - again, (size_t)again * sizeof *newer);
    sw_status status = sw_session_truncate(s, keep);
    if (status == SW_OK) status = sw_session_feed(s, newer, again);
    free(newer);
    return status;
}

/* The session with `token` behind it; *full: it did not fit. */
static sw_status go_on(struct turn *t, int32_t token, bool *full)
{
    if (t->at < t->n && t->s->tokens[t->base + t->at] == token) {
        t->at++;
        t->out.right++;
        take_row(t, t->rows + t->at * t->s->m->net.z.vocabulary);
        return SW_OK;
    }
    sw_status status = cut(t);
    if (status == SW_OK && t->s->n == t->s->m->o.context) {
        if (!t->o->shift) {
            *full = true;
            return SW_OK;
        }
        status = shift(t);
    }
    return status == SW_OK ? feed(t, token) : status;
}

static sw_status generate(struct turn *t)
{
    const sw_tokenizer *tokenizer = t->s->m->tokenizer;
    bool go = true, full = false;
    for (;;) {
        int32_t token = 0;
        bool end;
        sw_status status = draw(t, &token, &end);
        if (status != SW_OK) return status;
        const bool ends = tokenizer && !end && sw_token_ends(tokenizer, token);
        if (end || (ends && (t->mask || !t->o->ignore_end))) {
            t->out.finish = SW_FINISH_END;
            return SW_OK;
        }
        t->out.tokens++;
        t->out.unfed = token;
        status = show(t, token, &go);
        if (status != SW_OK) return status;
        if (!go) {
            t->out.finish = SW_FINISH_STOPPED;
            return SW_OK;
        }
        if (t->mask && sw_constraint_ended(t->o->constraint)) {
            t->out.finish = SW_FINISH_END;
            return SW_OK;
        }
        if (t->o->tokens > 0 && t->out.tokens == t->o->tokens) return SW_OK;
        status = go_on(t, token, &full);
        if (status != SW_OK) return status;
        if (full) {
            t->out.finish = SW_FINISH_CONTEXT;
            return SW_OK;
        }
        t->out.unfed = -1;
    }
}

static sw_status begin_constraint(struct turn *t)
{
    sw_model *m = t->s->m;
    if (!t->o->constraint) return SW_OK;
    t->mask = sw__calloc2((size_t)(m->net.z.vocabulary + 31) / 32, sizeof *t->mask);
    if (!t->mask) return sw__fail(m->ctx, SW_ERR_MEMORY, "generate: out of memory");
    return sw_constraint_check_budget(t->o->constraint, left(t));
}

static sw_status check_options(sw_context *ctx, const sw_generate_options *o)
{
    if (o->tokens < 0 || o->lookup < 0 || o->lookup > MOST_GUESSES || o->keep < 0)
        return sw__fail(ctx, SW_ERR_ARGUMENT,
                        "generate: tokens %lld, lookup %d (at most %d), keep %lld",
                        (long long)o->tokens, o->lookup, MOST_GUESSES, (long long)o->keep);
    if (!o->draft) return SW_OK;
    if (o->draft_tokens < 0 || o->draft_tokens > MOST_GUESSES || o->lookup || !o->sampler)
        return sw__fail(ctx, SW_ERR_ARGUMENT,
                        "generate: a draft of %d tokens (at most %d), with a sampler and no lookup",
                        o->draft_tokens, MOST_GUESSES);
    return SW_OK;
}

sw_status sw_generate(sw_session *s, const sw_generate_options *options, sw_generated *out)
{
    struct turn t = {.s = s, .o = options, .out = {.unfed = -1}};
    bool go;
    if (out) *out = t.out;
    if (!s->known)
        return sw__fail(s->m->ctx, SW_ERR_STATE, "generate: the session has nothing to go on from");
    sw_status status = check_options(s->m->ctx, options);
    if (status != SW_OK) return status;
    if (s->m->tokenizer)
        sw_detokenizer_begin(&t.detokenizer, s->m->tokenizer,
                             (sw_detokenizer_options){.middle = in_middle(s)});
    if (options->draft)
        status = sw__draft_begin(&t.draft, s, options->draft, draft_tokens(options));
    if (status == SW_OK) status = begin_constraint(&t);
    if (status == SW_OK) status = generate(&t);
    if (status == SW_OK) status = cut(&t);
    if (status == SW_OK) status = show(&t, -1, &go);
    sw__draft_end(&t.draft);
    free(t.text);
    free(t.mask);
    if (out) *out = t.out;
    return status;
}
