/* Sessions: sequences of tokens in the pool of a model, and the step that appends to many of them. */
#include <stdlib.h>
#include <string.h>

#include "base/context_int.h"
#include "base/size.h"
#include "gpt/gpt_int.h"

/* ---- open, close ------------------------------------------------------------------------------- */

static sw_status create(sw_model *m, sw_session **out)
{
    *out = NULL;
    sw_session *s = sw__calloc2(1, sizeof *s);
    if (!s) return sw__fail(m->ctx, SW_ERR_MEMORY, "session: out of memory");
    s->m = m;
    s->sequence = -1;
    s->tokens = sw__calloc2((size_t)m->o.context, sizeof *s->tokens);
    s->logits = sw__calloc2((size_t)m->net.z.vocabulary, sizeof *s->logits);
    if (!s->tokens || !s->logits) {
        sw_session_close(s);
        return sw__fail(m->ctx, SW_ERR_MEMORY, "session: out of memory");
    }
    *out = s;
    return SW_OK;
}

sw_status sw_session_open(sw_model *m, sw_session **out)
{
    sw_status status = create(m, out);
    if (status != SW_OK) return status;
    status = sw_kv_open(m->kv, &(*out)->sequence);
    if (status == SW_OK) return SW_OK;
    sw_session_close(*out);
    *out = NULL;
    return status;
}

sw_status sw_session_fork(const sw_session *s, sw_session **out)
{
    sw_status status = create(s->m, out);
    if (status != SW_OK) return status;
    status = sw_kv_fork(s->m->kv, s->sequence, &(*out)->sequence);
    if (status == SW_OK) {
        memcpy((*out)->tokens, s->tokens, (size_t)s->n * sizeof *s->tokens);
        memcpy((*out)->logits, s->logits, (size_t)s->m->net.z.vocabulary * sizeof *s->logits);
        (*out)->n = s->n;
        (*out)->known = s->known;
        return SW_OK;
    }
    sw_session_close(*out);
    *out = NULL;
    return status;
}

void sw_session_close(sw_session *s)
{
    if (!s) return;
    if (s->sequence >= 0) sw_kv_close(s->m->kv, s->sequence);
    free(s->tokens);
    free(s->logits);
    free(s);
}

/* ---- one step ---------------------------------------------------------------------------------- */

static sw_status check_part(sw_model *m, const sw_model_part *p)
{
    const sw_session *s = p->session;
    if (p->n < 1 || p->rows < 0 || p->rows > p->n)
        return sw__fail(m->ctx, SW_ERR_ARGUMENT, "step: %lld tokens, logits of %lld",
                        (long long)p->n, (long long)p->rows);
    if (m->held[s->sequence]) return sw__fail(m->ctx, SW_ERR_ARGUMENT, "step: a session twice");
    if (p->n > m->o.context - s->n)
        return sw__fail(m->ctx, SW_ERR_SIZE, "%lld tokens, and the context has room for %lld",
                        (long long)(s->n + p->n), (long long)m->o.context);
    for (int64_t i = 0; i < p->n; i++)
        if (p->tokens[i] < 0 || p->tokens[i] >= m->net.z.vocabulary)
            return sw__fail(m->ctx, SW_ERR_ARGUMENT, "token %d is not in the vocabulary of %lld",
                            (int)p->tokens[i], (long long)m->net.z.vocabulary);
    return SW_OK;
}

static sw_status check_parts(sw_model *m, const sw_model_part *parts, int n)
{
    int64_t tokens = 0, rows = 0;
    sw_status status = SW_OK;
    memset(m->held, 0, (size_t)m->o.sessions * sizeof *m->held);
    for (int i = 0; status == SW_OK && i < n; i++) {
        status = check_part(m, &parts[i]);
        if (status != SW_OK) return status;
        m->held[parts[i].session->sequence] = 1;
        tokens += parts[i].n;
        rows += parts[i].rows;
    }
    if (tokens < 1 || tokens > m->o.chunk || rows > m->o.rows)
        return sw__fail(m->ctx, SW_ERR_SIZE,
                        "a step of %lld tokens and %lld logits; it takes %d and %d",
                        (long long)tokens, (long long)rows, m->o.chunk, m->o.rows);
    return SW_OK;
}

/* Room in the pool for all, and the inputs of the plan; *rows: how many logits. */
static sw_status append(sw_model *m, const sw_model_part *parts, int n, int64_t *tokens,
                        int64_t *rows)
{
    sw_status status = SW_OK;
    int done = 0;
    *tokens = *rows = 0;
    for (; status == SW_OK && done < n; done++) {
        const sw_model_part *p = &parts[done];
        status = sw_kv_append(m->kv, p->session->sequence, p->n, m->sequence + *tokens,
                              m->position + *tokens);
        if (status != SW_OK) break;
        memcpy(m->tokens + *tokens, p->tokens, (size_t)p->n * sizeof *m->tokens);
        *tokens += p->n;
        for (int64_t r = 0; r < p->rows; r++)
            m->wanted[(*rows)++] = (int32_t)(*tokens - p->rows + r);
    }
    for (int i = 0; status != SW_OK && i < done; i++) /* as it was */
        sw_kv_truncate(m->kv, parts[i].session->sequence, parts[i].session->n);
    return status;
}

static sw_status run(sw_model *m, int64_t tokens, int64_t rows)
{
    const sw_shape n = SW_SHAPE(tokens), r = SW_SHAPE(rows);
    sw_status status = sw_bind(m->plan, m->net.tokens, m->tokens, n);
    if (status == SW_OK) status = sw_bind(m->plan, m->net.sequence, m->sequence, n);
    if (status == SW_OK) status = sw_bind(m->plan, m->net.position, m->position, n);
    if (status == SW_OK) status = sw_bind(m->plan, m->net.wanted, m->wanted, r);
    if (status == SW_OK)
        status = sw_bind(m->plan, m->net.blocks, sw_kv_blocks(m->kv), sw_kv_blocks_shape(m->kv));
    return status == SW_OK ? sw_run(m->plan) : status;
}

sw_status sw_model_step(sw_model *m, sw_model_part *parts, int n)
{
    int64_t tokens, rows, row = 0;
    sw_status status = check_parts(m, parts, n);
    if (status == SW_OK) status = append(m, parts, n, &tokens, &rows);
    if (status != SW_OK) return status;
    status = run(m, tokens, rows);
    if (status != SW_OK) {
        for (int i = 0; i < n; i++)
            sw_kv_truncate(m->kv, parts[i].session->sequence, parts[i].session->n);
        return status;
    }
    const float *logits = sw_plan_tensor(m->plan, m->logits).data;
    for (int i = 0; i < n; i++) {
        sw_session *s = parts[i].session;
        memcpy(s->tokens + s->n, parts[i].tokens, (size_t)parts[i].n * sizeof *s->tokens);
        s->n += parts[i].n;
        s->known = false;
        parts[i].logits = logits + row * m->net.z.vocabulary;
        row += parts[i].rows;
    }
    return SW_OK;
}

/* ---- one session ------------------------------------------------------------------------------- */

const int32_t *sw_session_tokens(const sw_session *s, int64_t *n)
{
    if (n) *n = s->n;
    return s->tokens;
}

const float *sw_session_logits(const sw_session *s)
{
    return s->known ? s->logits : NULL;
}

sw_status sw_session_feed(sw_session *s, const int32_t *tokens, int64_t n)
{
    sw_model *m = s->m;
    const int64_t before = s->n;
    sw_status status = SW_OK;
    if (n > m->o.context - s->n)
        return sw__fail(m->ctx, SW_ERR_SIZE, "%lld tokens, and the context has room for %lld",
                        (long long)(s->n + n), (long long)m->o.context);
    for (int64_t done = 0; done < n && status == SW_OK;) {
        sw_model_part part = {
            .session = s, .tokens = tokens + done, .n = sw__min64(m->o.chunk, n - done)};
        done += part.n;
        part.rows = done == n;
        status = sw_model_step(m, &part, 1);
        if (status != SW_OK || !part.rows) continue;
        memcpy(s->logits, part.logits, (size_t)m->net.z.vocabulary * sizeof *s->logits);
        s->known = true;
    }
    if (status != SW_OK && s->n != before) sw_session_truncate(s, before);
    return status;
}

sw_status sw_session_feed_text(sw_session *s, const char *text, size_t bytes)
{
    sw_model *m = s->m;
    const sw_tokenize_options o = {.begin = s->n == 0};
    int64_t n = 0;
    if (!m->tokenizer)
        return sw__fail(m->ctx, SW_ERR_STATE, "%s: comes without a tokenizer", m->path);
    sw_status status = sw_tokenize(m->tokenizer, text, bytes, o, NULL, 0, &n);
    if (status != SW_OK) return status;
    int32_t *ids = sw__calloc2((size_t)n, sizeof *ids);
    if (!ids) return sw__fail(m->ctx, SW_ERR_MEMORY, "out of memory for %lld tokens", (long long)n);
    status = sw_tokenize(m->tokenizer, text, bytes, o, ids, n, &n);
    if (status == SW_OK) status = sw_session_feed(s, ids, n);
    free(ids);
    return status;
}

sw_status sw_session_truncate(sw_session *s, int64_t length)
{
    if (length == s->n) return SW_OK;
    sw_status status = sw_kv_truncate(s->m->kv, s->sequence, length);
    if (status != SW_OK) return status;
    s->n = length;
    s->known = false;
    return SW_OK;
}

int64_t sw_session_reuse(sw_session *s, const int32_t *tokens, int64_t n)
{
    int64_t same = 0;
    while (same < s->n && same < n && s->tokens[same] == tokens[same]) same++;
    if (same == n && same > 0) same--;
    sw_session_truncate(s, same);
    return same;
}
