/* Embeddings (include/swell/embed.h): texts side by side on the token axis, as many as a step takes; the vectors of
 * the tokens that pooling wants, and pooling itself, in double.
 *
 * Reimers and Gurevych 2019 (Sentence-BERT), section 3, has the mean and the first token ([CLS]); causal models, whose
 * last token alone has seen the whole text, take that one.  Weighted means, maxima and layers behind the pooling are
 * left out; files that ask for them are refused. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/context_int.h"
#include "base/size.h"
#include "gpt/gpt_int.h"

struct sw_embedder {
    sw_model *m;
    sw_pooling pooling;
    bool raw, truncate;
};

static const char *const names[] = {[SW_POOLING_MODEL] = "model",
                                    [SW_POOLING_NONE] = "none",
                                    [SW_POOLING_MEAN] = "mean",
                                    [SW_POOLING_CLS] = "cls",
                                    [SW_POOLING_LAST] = "last"};
enum { POOLINGS = sizeof names / sizeof *names };

const char *sw_pooling_name(sw_pooling p)
{
    return (int)p >= 0 && (int)p < POOLINGS ? names[p] : "";
}

bool sw_pooling_find(const char *name, sw_pooling *out)
{
    for (int i = 0; i < POOLINGS; i++)
        if (strcmp(names[i], name) == 0) {
            *out = (sw_pooling)i;
            return true;
        }
    return false;
}

/* ---- open, close ------------------------------------------------------------------------------- */

static sw_status choose_pooling(sw_embedder *e, sw_pooling asked)
{
    const sw_model *m = e->m;
    e->pooling = asked != SW_POOLING_MODEL                 ? asked
                 : m->net.pooling.kind != SW_POOLING_MODEL ? m->net.pooling.kind
                                                           : SW_POOLING_MEAN;
    if (asked != SW_POOLING_MODEL || !*m->net.pooling.unknown) return SW_OK;
    return sw__fail(m->ctx, SW_ERR_UNSUPPORTED,
                    "%s: its pooling '%s' is not known; name one: mean, cls, last or none", m->path,
                    m->net.pooling.unknown);
}

sw_status sw_embedder_open(sw_context *ctx, const char *path, const sw_embedder_options *options,
                           sw_embedder **out)
{
    const sw_embedder_options none = {0}, *o = options ? options : &none;
    *out = NULL;
    if ((int)o->pooling < 0 || (int)o->pooling >= POOLINGS)
        return sw__fail(ctx, SW_ERR_ARGUMENT, "embedder: pooling of kind %d", (int)o->pooling);
    sw_embedder *e = sw__calloc2(1, sizeof *e);
    if (!e) return sw__fail(ctx, SW_ERR_MEMORY, "%s: out of memory", path);
    e->raw = o->raw;
    e->truncate = o->truncate;
    const sw_model_options mo = {.tokenizer = o->tokenizer,
                                 .no_tokenizer = o->no_tokenizer,
                                 .context = o->context,
                                 .bf16 = o->bf16};
    sw_status status = sw__model_open(ctx, path, &mo, SW_MODEL_EMBEDS, &e->m);
    if (status == SW_OK) status = choose_pooling(e, o->pooling);
    if (status == SW_OK)
        *out = e;
    else
        sw_embedder_destroy(e);
    return status;
}

void sw_embedder_destroy(sw_embedder *e)
{
    if (!e) return;
    sw_model_destroy(e->m);
    free(e);
}

sw_embedder_info sw_embedder_get_info(const sw_embedder *e)
{
    const sw_model_info i = sw_model_get_info(e->m);
    return (sw_embedder_info){.architecture = i.architecture,
                              .layers = i.layers,
                              .width = i.width,
                              .heads = i.heads,
                              .vocabulary = i.vocabulary,
                              .trained_context = i.trained_context,
                              .context = i.context,
                              .pooling = e->pooling,
                              .parameters = i.parameters,
                              .weight_bytes = i.weight_bytes,
                              .buffer_bytes = i.buffer_bytes};
}

const sw_tokenizer *sw_embedder_tokenizer(const sw_embedder *e)
{
    return e->m->tokenizer;
}

/* ---- tokens ------------------------------------------------------------------------------------ */

/* The beginning of a text of `all` tokens, and the tokens that end it. */
static sw_status cut(sw_embedder *e, const char *text, size_t bytes, int32_t *ids, int64_t all)
{
    const int64_t context = e->m->o.context;
    int64_t open = 0;
    const sw_status status = sw_tokenize(e->m->tokenizer, text, bytes,
                                         (sw_tokenize_options){.begin = true}, NULL, 0, &open);
    const int64_t ends = sw__min64(all - open, context);
    if (status != SW_OK || ends <= 0) return status;
    memmove(ids + context - ends, ids + all - ends, (size_t)ends * sizeof *ids);
    return SW_OK;
}

sw_status sw_embedder_tokens(sw_embedder *e, const char *text, size_t bytes, int32_t *ids,
                             int64_t max, int64_t *count)
{
    const sw_model *m = e->m;
    const sw_tokenize_options o = {.begin = true, .end = true};
    const int64_t context = m->o.context;
    *count = 0;
    if (!m->tokenizer)
        return sw__fail(m->ctx, SW_ERR_STATE, "%s: comes without a tokenizer", m->path);
    sw_status status = sw_tokenize(m->tokenizer, text, bytes, o, ids, max, count);
    if (status != SW_OK || *count <= context) return status;
    if (!e->truncate)
        return sw__fail(m->ctx, SW_ERR_SIZE, "a text of %lld tokens, the context has room for %lld",
                        (long long)*count, (long long)context);
    const int64_t all = *count;
    *count = context;
    if (max <= 0) return SW_OK;
    int32_t *whole = sw__calloc2((size_t)all, sizeof *whole);
    if (!whole)
        return sw__fail(m->ctx, SW_ERR_MEMORY, "out of memory for %lld tokens", (long long)all);
    int64_t n;
    status = sw_tokenize(m->tokenizer, text, bytes, o, whole, all, &n);
    if (status == SW_OK) status = cut(e, text, bytes, whole, all);
    if (status == SW_OK) memcpy(ids, whole, (size_t)sw__min64(max, context) * sizeof *ids);
    free(whole);
    return status;
}

/* ---- one step ---------------------------------------------------------------------------------- */

static sw_status check_input(const sw_model *m, const sw_embed_input *in, int64_t which)
{
    if (in->n < 1)
        return sw__fail(m->ctx, SW_ERR_ARGUMENT, "text %lld has no tokens", (long long)which + 1);
    if (in->n > m->o.context)
        return sw__fail(m->ctx, SW_ERR_SIZE,
                        "text %lld has %lld tokens, the context has room for %lld",
                        (long long)which + 1, (long long)in->n, (long long)m->o.context);
    for (int64_t i = 0; i < in->n; i++)
        if (in->tokens[i] < 0 || in->tokens[i] >= m->net.z.vocabulary)
            return sw__fail(
                m->ctx, SW_ERR_ARGUMENT, "text %lld: token %d is not in the vocabulary of %lld",
                (long long)which + 1, (int)in->tokens[i], (long long)m->net.z.vocabulary);
    return SW_OK;
}

/* A text's tokens behind the n that are there, and which of them are wanted. */
static void append(const sw_embedder *e, const sw_embed_input *in, int32_t text, int64_t n,
                   int64_t *rows)
{
    sw_model *m = e->m;
    const bool all = e->pooling == SW_POOLING_NONE || e->pooling == SW_POOLING_MEAN;
    const int64_t one = e->pooling == SW_POOLING_LAST ? in->n - 1 : 0;
    memcpy(m->tokens + n, in->tokens, (size_t)in->n * sizeof *m->tokens);
    for (int64_t i = 0; i < in->n; i++) {
        m->sequence[n + i] = text;
        m->position[n + i] = (int32_t)i;
        if (all || i == one) m->wanted[(*rows)++] = (int32_t)(n + i);
    }
}

static sw_status run(sw_model *m, int64_t tokens, int64_t rows)
{
    const sw_shape n = SW_SHAPE(tokens), r = SW_SHAPE(rows);
    sw_status status = sw_bind(m->plan, m->net.tokens, m->tokens, n);
    if (status == SW_OK) status = sw_bind(m->plan, m->net.sequence, m->sequence, n);
    if (status == SW_OK) status = sw_bind(m->plan, m->net.position, m->position, n);
    if (status == SW_OK) status = sw_bind(m->plan, m->net.wanted, m->wanted, r);
    return status == SW_OK ? sw_run(m->plan) : status;
}

/* ---- pooling ----------------------------------------------------------------------------------- */

static void mean(float *y, const float *x, int64_t rows, int64_t width)
{
    for (int64_t j = 0; j < width; j++) {
        double sum = 0;
        for (int64_t i = 0; i < rows; i++) sum += (double)x[i * width + j];
        y[j] = (float)(sum / (double)rows);
    }
}

/* To length 1; a vector of zeros stays. */
static void normalise(float *x, int64_t n)
{
    double sum = 0;
    for (int64_t i = 0; i < n; i++) sum += (double)x[i] * (double)x[i];
    const double factor = sum > 0 ? 1 / sqrt(sum) : 1;
    for (int64_t i = 0; i < n; i++) x[i] = (float)((double)x[i] * factor);
}

/* Vectors of a text from its rows; returns how many. */
static int64_t pool(const sw_embedder *e, float *y, const float *x, int64_t tokens)
{
    const int64_t width = e->m->net.z.width, n = e->pooling == SW_POOLING_NONE ? tokens : 1;
    if (e->pooling == SW_POOLING_MEAN)
        mean(y, x, tokens, width);
    else
        memcpy(y, x, (size_t)(n * width) * sizeof *y);
    for (int64_t i = 0; i < n && !e->raw; i++) normalise(y + i * width, width);
    return n;
}

sw_status sw_embed(sw_embedder *e, const sw_embed_input *inputs, int64_t n, float *vectors)
{
    sw_model *m = e->m;
    const int64_t width = m->net.z.width;
    sw_status status = SW_OK;
    for (int64_t i = 0; status == SW_OK && i < n; i++) status = check_input(m, &inputs[i], i);
    for (int64_t first = 0, end; status == SW_OK && first < n; first = end) {
        int64_t tokens = 0, rows = 0;
        for (end = first; end < n && inputs[end].n <= m->o.chunk - tokens; end++) {
            append(e, &inputs[end], (int32_t)(end - first), tokens, &rows);
            tokens += inputs[end].n;
        }
        status = run(m, tokens, rows);
        if (status != SW_OK) break;
        const float *x = sw_plan_tensor(m->plan, m->logits).data;
        for (int64_t i = first; i < end; i++) {
            vectors += pool(e, vectors, x, inputs[i].n) * width;
            x += (e->pooling == SW_POOLING_CLS || e->pooling == SW_POOLING_LAST ? 1 : inputs[i].n) *
                 width;
        }
    }
    return status;
}

/* ---- texts ------------------------------------------------------------------------------------- */

sw_status sw_embed_texts(sw_embedder *e, const char *const *texts, int64_t n, float *vectors)
{
    sw_model *m = e->m;
    if (e->pooling == SW_POOLING_NONE)
        return sw__fail(m->ctx, SW_ERR_STATE, "vectors of texts, but they are not pooled");
    sw_embed_input *in = sw__calloc2((size_t)n + 1, sizeof *in);
    int32_t *ids = NULL;
    int64_t total = 0;
    sw_status status = in ? SW_OK : SW_ERR_MEMORY;
    for (int64_t i = 0; status == SW_OK && i < n; i++) {
        status = sw_embedder_tokens(e, texts[i], strlen(texts[i]), NULL, 0, &in[i].n);
        total += in[i].n;
    }
    if (status == SW_OK && !(ids = sw__calloc2((size_t)total + 1, sizeof *ids)))
        status = SW_ERR_MEMORY;
    int32_t *at = ids;
    for (int64_t i = 0; status == SW_OK && i < n; at += in[i++].n) {
        in[i].tokens = at;
        status = sw_embedder_tokens(e, texts[i], strlen(texts[i]), at, in[i].n, &in[i].n);
    }
    if (status == SW_OK) status = sw_embed(e, in, n, vectors);
    if (!in || (status == SW_ERR_MEMORY && !ids))
        status = sw__fail(m->ctx, SW_ERR_MEMORY, "out of memory for %lld texts", (long long)n);
    free(ids);
    free(in);
    return status;
}
