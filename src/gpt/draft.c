/* Guesses of a draft model (Leviathan et al. 2023; Chen et al. 2023): a small model writes a few tokens ahead, the large
 * one reads them all in one step, and the sampler keeps as many as leave its distribution what it is
 * (sw_sampler_verify).
 *
 * The draft's session follows the text by itself: what differs from it is cut off and the rest is fed, one or two
 * tokens as a rule.  Its tokens are drawn by the same options as the text's, from numbers of their own.  Vocabularies
 * may differ by the padding that models of one family have behind their tokens. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/context_int.h"
#include "base/size.h"
#include "gpt/gpt_int.h"

enum { PADDING = 128 };

static sw_status check_texts(const sw_model *m, const sw_model *draft)
{
    const int64_t n = sw__min64(sw_tokenizer_size(m->tokenizer),
                                sw_tokenizer_size(draft->tokenizer));
    for (int64_t i = 0; i < n; i++) {
        size_t a_bytes, b_bytes;
        const char *a = sw_token_text(m->tokenizer, (int32_t)i, &a_bytes);
        const char *b = sw_token_text(draft->tokenizer, (int32_t)i, &b_bytes);
        if (!a != !b || (a && (a_bytes != b_bytes || memcmp(a, b, a_bytes) != 0)))
            return sw__fail(m->ctx, SW_ERR_ARGUMENT,
                            "%s cannot be a draft for %s: token %lld is '%.*s', and '%.*s' there",
                            draft->path, m->path, (long long)i, b ? (int)b_bytes : 0, b ? b : "",
                            a ? (int)a_bytes : 0, a ? a : "");
    }
    return SW_OK;
}

sw_status sw__draft_begin(struct sw_gpt_draft *d, sw_session *of, sw_session *draft, int64_t most)
{
    const sw_model *m = of->m, *small = draft->m;
    const int64_t v = m->net.z.vocabulary, other = small->net.z.vocabulary;
    const bool texts = m->tokenizer && small->tokenizer;
    if (draft == of)
        return sw__fail(m->ctx, SW_ERR_ARGUMENT, "generate: a session is not its own draft");
    if (v != other && (!texts || v - other > PADDING || other - v > PADDING))
        return sw__fail(m->ctx, SW_ERR_ARGUMENT,
                        "%s cannot be a draft for %s: a vocabulary of %lld tokens, and %lld there",
                        small->path, m->path, (long long)other, (long long)v);
    sw_status status = texts ? check_texts(m, small) : SW_OK;
    if (status != SW_OK) return status;
    *d = (struct sw_gpt_draft){.s = draft, .vocabulary = v};
    d->logits = sw__calloc2((size_t)v, sizeof *d->logits);
    d->q = sw__calloc2((size_t)(v * most), sizeof *d->q);
    if (!d->logits || !d->q) return sw__fail(m->ctx, SW_ERR_MEMORY, "draft: out of memory");
    return SW_OK;
}

void sw__draft_end(struct sw_gpt_draft *d)
{
    free(d->logits);
    free(d->q);
}

/* Logits in the other vocabulary. */
static void take_logits(struct sw_gpt_draft *d)
{
    const int64_t same = sw__min64(d->vocabulary, d->s->m->net.z.vocabulary);
    memcpy(d->logits, d->s->logits, (size_t)same * sizeof *d->logits);
    for (int64_t i = same; i < d->vocabulary; i++) d->logits[i] = -INFINITY;
}

sw_status sw__draft_propose(struct sw_gpt_draft *d, const int32_t *text, int64_t n,
                            sw_sampler *sampler, int32_t *guess, int64_t most, int64_t *made)
{
    sw_session *s = d->s;
    const int64_t room = s->m->o.context - n + 1;
    *made = 0;
    if (sw__min64(most, room) < 1) return SW_OK;
    const int64_t kept = sw_session_reuse(s, text, n);
    sw_status status = sw_session_feed(s, text + kept, n - kept);
    while (status == SW_OK) {
        take_logits(d);
        status = sw_sampler_propose(sampler, d->logits, d->vocabulary, guess, (int)*made,
                                    guess + *made, d->q + *made * d->vocabulary);
        if (status == SW_ERR_STATE) return SW_OK; /* it knows no token that may be */
        if (status != SW_OK || ++*made == sw__min64(most, room)) break;
        status = sw_session_feed(s, guess + *made - 1, 1);
    }
    return status;
}
