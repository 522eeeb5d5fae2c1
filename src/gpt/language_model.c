/* A language model, from a file to a plan that takes steps (include/swell/generate.h).
 *
 * One graph over one flat token axis serves everything: N tokens of any sessions with their sequence
 * and position, R rows whose logits are asked for, keys and values in pages (Kwon et al. 2023).  It is
 * compiled once, for the largest step; smaller ones run in the same plan. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/available.h"
#include "base/context_int.h"
#include "base/folder.h"
#include "base/size.h"
#include "base/text.h"
#include "gpt/gpt_int.h"
#include "graph/weights_int.h"

enum { CONTEXT_DEFAULT = 4096, CHUNK_DEFAULT = 512, ROWS_DEFAULT = 64, MOST_SESSIONS = 4096 };
enum { MOST_CHUNK = 1 << 16, PAGE = 32 };

static const sw_dtype kv_dtypes[] = {[SW_MODEL_KV_F16] = SW_F16,
                                     [SW_MODEL_KV_BF16] = SW_BF16,
                                     [SW_MODEL_KV_F32] = SW_F32,
                                     [SW_MODEL_KV_Q8_0] = SW_Q8_0};

/* ---- options ----------------------------------------------------------------------------------- */

static sw_status check_options(sw_context *ctx, const sw_model_options *o)
{
    if (o->context < 0 || o->most_context < 0 || o->sessions < 0 || o->sessions > MOST_SESSIONS ||
        o->positions < 0 || o->chunk < 0 || o->chunk > MOST_CHUNK || o->rows < 0 ||
        o->rows > MOST_CHUNK)
        return sw__fail(ctx, SW_ERR_ARGUMENT,
                        "model: context %lld, sessions %d (at most %d), positions %lld, chunk %d, "
                        "rows %d (at most %d)",
                        (long long)o->context, o->sessions, MOST_SESSIONS, (long long)o->positions,
                        o->chunk, o->rows, MOST_CHUNK);
    if ((int)o->kv < 0 || o->kv > SW_MODEL_KV_Q8_0)
        return sw__fail(ctx, SW_ERR_ARGUMENT, "model: keys and values of kind %d", (int)o->kv);
    return SW_OK;
}

/* What was left to us, now that the file is known. */
static sw_status fill_options(sw_model *m)
{
    sw_model_options *o = &m->o;
    const int64_t trained = m->net.z.context;
    const int64_t said = m->embeds ? m->net.pooling.context : 0;
    const int64_t most = o->most_context ? o->most_context : said ? said : CONTEXT_DEFAULT;
    if (o->kv == SW_MODEL_KV_Q8_0 && m->net.z.head % 32 != 0)
        return sw__fail(m->ctx, SW_ERR_UNSUPPORTED,
                        "%s: keys and values in q8_0 need heads of a multiple of 32, not %lld",
                        m->path, (long long)m->net.z.head);
    if (!o->context) o->context = sw__min64(trained, most);
    if (o->context > trained)
        return sw__fail(m->ctx, SW_ERR_SIZE, "%s: a context of %lld, but it was made for %lld",
                        m->path, (long long)o->context, (long long)trained);
    if (!o->sessions) o->sessions = 1;
    if (!o->positions) o->positions = o->sessions * o->context;
    if (!o->chunk) o->chunk = CHUNK_DEFAULT;
    o->chunk = (int)sw__min64(o->chunk, sw__max64(o->context, o->sessions));
    if (m->embeds) o->rows = o->chunk = (int)sw__max64(o->context, CHUNK_DEFAULT);
    if (!o->rows) o->rows = ROWS_DEFAULT;
    if (o->rows < o->sessions) o->rows = o->sessions;
    if (o->rows > o->chunk) o->rows = o->chunk;
    return SW_OK;
}

/* ---- memory ------------------------------------------------------------------------------------ */

/* Pages of the pool: what was asked for, and the last page of each session, which is never full. */
static int64_t pages(const sw_model *m)
{
    const int64_t whole = sw__ceil_div(m->o.context, PAGE) * m->o.sessions;
    return sw__min64(whole, sw__ceil_div(m->o.positions, PAGE) + m->o.sessions);
}

static int64_t position_bytes(const sw_model *m)
{
    const struct sw_gpt_sizes *z = &m->net.z;
    const sw_dtype_info *type = sw_dtype_get(kv_dtypes[m->o.kv]);
    if (m->embeds) return 0;
    return 2 * z->layers * z->kv_heads * sw__ceil_div(z->head, type->block_elements) *
           (int64_t)type->block_bytes;
}

/* Say before anything is read that it cannot be, and what could. */
static sw_status check_memory(sw_model *m)
{
    char all[24], weights[24], kv[24], there[24];
    const double available = sw__memory_available();
    const double kv_bytes = (double)pages(m) * PAGE * (double)position_bytes(m);
    const double need = (double)m->weight_bytes + kv_bytes;
    if (available <= 0 || need <= available) return SW_OK;
    const double room = m->embeds
                            ? 0
                            : (available - (double)m->weight_bytes) / (double)position_bytes(m);
    sw__bytes_text(need, all);
    sw__bytes_text((double)m->weight_bytes, weights);
    sw__bytes_text(kv_bytes, kv);
    sw__bytes_text(available, there);
    if (room >= 2 * PAGE * m->o.sessions)
        return sw__fail(m->ctx, SW_ERR_MEMORY,
                        "%s: needs %s (weights %s, keys and values of %lld positions %s), %s are "
                        "free: a context of %lld would fit",
                        m->path, all, weights, (long long)(pages(m) * PAGE), kv, there,
                        (long long)(room / m->o.sessions) / PAGE * PAGE - PAGE);
    return sw__fail(m->ctx, SW_ERR_MEMORY,
                    "%s: its weights have %s, %s are free: at most %.1f bits for each of its %.3g "
                    "parameters would fit",
                    m->path, weights, there, 8 * available / (double)m->parameters,
                    (double)m->parameters);
}

static void count_weights(sw_model *m)
{
    for (int64_t i = 0; i < sw_weights_count(m->net.ws); i++) {
        const sw_tensor t = sw_weight_tensor(sw_weights_at(m->net.ws, i));
        m->parameters += sw_shape_elements(&t.shape);
        m->weight_bytes += sw_shape_bytes(&t.shape, t.dtype);
    }
}

/* ---- the file ---------------------------------------------------------------------------------- */

static sw_status open_weights(sw_model *m)
{
    sw_status status = sw_weights_create(m->ctx, &m->net.ws);
    if (status != SW_OK) return status;
    if (sw__path_kind(m->path) == SW_PATH_FOLDER) return sw__gpt_open_hf(m);
    status = sw__map_file(m->path, &m->map);
    if (status != SW_OK)
        return sw__fail(m->ctx, status, "%s: cannot read: %s", m->path, strerror(errno));
    if (m->map.size >= 4 && memcmp(m->map.data, "GGUF", 4) == 0) {
        sw__unmap_file(&m->map);
        return sw__gpt_open_gguf(m);
    }
    status = sw__gpt_open_llama2c(m);
    if (status == SW_OK) status = sw__weights_adopt(m->net.ws, m->map);
    if (status == SW_OK) m->map = (struct sw_mapping){0}; /* the set's now */
    return status;
}

static sw_status open_tokenizer(sw_model *m)
{
    const char *path = m->o.tokenizer ? m->o.tokenizer : m->brings_tokenizer ? m->path : NULL;
    if (!path || m->o.no_tokenizer) return SW_OK;
    sw_status status = sw_tokenizer_open(m->ctx, path, &m->tokenizer);
    if (status == SW_OK && sw_tokenizer_size(m->tokenizer) > m->net.z.vocabulary)
        status = sw__fail(m->ctx, SW_ERR_FORMAT, "%s: %lld tokens, but %s has a vocabulary of %lld",
                          path, (long long)sw_tokenizer_size(m->tokenizer), m->path,
                          (long long)m->net.z.vocabulary);
    return status;
}

/* ---- the plan ---------------------------------------------------------------------------------- */

/* A tensor that no equation reads means another network than the one that was built. */
static sw_status check_all_used(sw_model *m)
{
    const int64_t n = sw_weights_count(m->net.ws);
    for (int64_t i = 0; i < n; i++)
        if (!m->net.used[i])
            return sw__fail(m->ctx, SW_ERR_UNSUPPORTED,
                            "%s: tensor '%s' has no place in the architecture %s", m->path,
                            sw_weight_name(sw_weights_at(m->net.ws, i)), m->net.architecture->name);
    return SW_OK;
}

static sw_status compile(sw_model *m)
{
    const int64_t n = m->net.n_watched;
    sw_node **outputs = sw__calloc2((size_t)n + 1, sizeof(sw_node *));
    if (!outputs) return sw__fail(m->ctx, SW_ERR_MEMORY, "%s: out of memory", m->path);
    outputs[0] = m->logits;
    for (int64_t i = 0; i < n; i++) outputs[i + 1] = m->net.watched[i].sums;
    const sw_plan_options o = {
        .outputs = outputs, .n_outputs = (int)n + 1, .name = "language", .pack_late = true};
    sw_status status = sw_compile(m->g, o, &m->plan);
    free(outputs);
    return status;
}

static sw_status build(sw_model *m)
{
    struct sw_gpt *net = &m->net;
    const int64_t n = m->o.chunk;
    net->used = sw__calloc2((size_t)sw_weights_count(net->ws) + 1, sizeof *net->used);
    if (!net->used) return sw__fail(m->ctx, SW_ERR_MEMORY, "%s: out of memory", m->path);
    sw_status status = sw_graph_create(m->ctx, &m->g);
    if (status != SW_OK) return status;
    net->g = m->g;
    net->kv = m->kv;
    net->long_factors = net->z.long_original > 0 && m->o.context > net->z.long_original;
    if (m->o.bf16) sw_graph_compute(m->g, SW_BF16);
    net->tokens = sw_input(m->g, "tokens", SW_I32, SW_SHAPE(n));
    net->sequence = sw_input(m->g, "sequence", SW_I32, SW_SHAPE(n));
    net->position = sw_input(m->g, "position", SW_I32, SW_SHAPE(n));
    if (m->kv) net->blocks = sw_input(m->g, "blocks", SW_I32, sw_kv_blocks_shape(m->kv));
    net->wanted = sw_input(m->g, "wanted", SW_I32, SW_SHAPE(m->o.rows));
    m->logits = sw_name(net->architecture->build(net), m->embeds ? "vectors" : "logits");
    status = sw_graph_status(m->g);
    if (status != SW_OK) { /* the graph's text does not know the file */
        char why[SW_ERROR_TEXT];
        snprintf(why, sizeof why, "%s", sw_error(m->ctx));
        return sw__fail(m->ctx, status, "%s: %s", m->path, why);
    }
    status = check_all_used(m);
    if (status == SW_OK) status = sw__gpt_check_adapters(m);
    if (status != SW_OK || m->weights_only) return status;
    return compile(m);
}

static sw_status allocate(sw_model *m)
{
    const size_t n = (size_t)m->o.chunk;
    m->tokens = sw__calloc2(n, sizeof *m->tokens);
    m->sequence = sw__calloc2(n, sizeof *m->sequence);
    m->position = sw__calloc2(n, sizeof *m->position);
    m->wanted = sw__calloc2((size_t)m->o.rows, sizeof *m->wanted);
    m->held = sw__calloc2((size_t)m->o.sessions, sizeof *m->held);
    if (m->tokens && m->sequence && m->position && m->wanted && m->held) return SW_OK;
    return sw__fail(m->ctx, SW_ERR_MEMORY, "%s: out of memory", m->path);
}

static sw_status make_pool(sw_model *m)
{
    const sw_kv_options o = {.layers = (int)m->net.z.layers,
                             .pages = pages(m),
                             .page = PAGE,
                             .kv_heads = (int)m->net.z.kv_heads,
                             .head_size = (int)m->net.z.head,
                             .dtype = kv_dtypes[m->o.kv],
                             .sequences = m->o.sessions,
                             .positions = m->o.context};
    m->kv_bytes = pages(m) * PAGE * position_bytes(m);
    return sw_kv_create(m->ctx, o, &m->kv);
}

/* ---- open, close ------------------------------------------------------------------------------- */

static sw_status check_purpose(sw_model *m)
{
    if (m->weights_only && m->net.z.both_ways) m->embeds = true; /* no pool for its graph */
    if (m->embeds || !m->net.z.both_ways) return SW_OK;
    return sw__fail(m->ctx, SW_ERR_UNSUPPORTED,
                    "%s: a network of the architecture %s that sees a text both ways: it embeds "
                    "(swell embed), and writes no text",
                    m->path, m->net.architecture->name);
}

sw_status sw_model_open(sw_context *ctx, const char *path, const sw_model_options *options,
                        sw_model **out)
{
    return sw__model_open(ctx, path, options, SW_MODEL_WRITES, out);
}

sw_status sw__model_open(sw_context *ctx, const char *path, const sw_model_options *options,
                         enum sw_model_purpose purpose, sw_model **out)
{
    *out = NULL;
    sw_model *m = sw__calloc2(1, sizeof *m);
    if (!m) return sw__fail(ctx, SW_ERR_MEMORY, "%s: out of memory", path);
    m->ctx = ctx;
    m->net.watch = purpose == SW_MODEL_WATCHED;
    m->embeds = purpose == SW_MODEL_EMBEDS;
    m->weights_only = purpose == SW_MODEL_WEIGHTS;
    if (options) m->o = *options;
    sw_status status = check_options(ctx, &m->o);
    m->path = malloc(strlen(path) + 1);
    if (status == SW_OK && !m->path) status = sw__fail(ctx, SW_ERR_MEMORY, "out of memory");
    if (status != SW_OK) goto fail;
    strcpy(m->path, path);
    status = open_weights(m);
    if (status == SW_OK) status = check_purpose(m);
    if (status == SW_OK) status = sw__gpt_open_adapters(m);
    if (status == SW_OK) status = fill_options(m);
    if (status != SW_OK) goto fail;
    count_weights(m);
    if (!m->weights_only) status = check_memory(m);
    if (status == SW_OK) status = open_tokenizer(m);
    if (status == SW_OK && !m->embeds) status = make_pool(m);
    if (status == SW_OK) status = allocate(m);
    if (status == SW_OK) status = build(m);
    if (status != SW_OK) goto fail;
    *out = m;
    return SW_OK;
fail:
    sw_model_destroy(m);
    return status;
}

sw_status sw__gpt_open_weights(sw_context *ctx, const char *path, sw_model **out)
{
    const sw_model_options o = {
        .no_tokenizer = true, .most_context = 16, .sessions = 1, .chunk = 1, .rows = 1};
    return sw__model_open(ctx, path, &o, SW_MODEL_WEIGHTS, out);
}

void sw_model_destroy(sw_model *m)
{
    if (!m) return;
    sw_plan_destroy(m->plan);
    sw_graph_destroy(m->g);
    sw_kv_destroy(m->kv);
    sw_weights_destroy(m->net.ws);
    sw__gpt_close_adapters(m);
    sw_tokenizer_destroy(m->tokenizer);
    sw__unmap_file(&m->map);
    free(m->net.used);
    free(m->net.watched);
    free(m->chat_template);
    free(m->tokens);
    free(m->sequence);
    free(m->position);
    free(m->wanted);
    free(m->held);
    free(m->path);
    free(m);
}

sw_model_info sw_model_get_info(const sw_model *m)
{
    const struct sw_gpt_sizes *z = &m->net.z;
    return (sw_model_info){.architecture = m->net.architecture->name,
                           .layers = z->layers,
                           .width = z->width,
                           .heads = z->heads,
                           .kv_heads = z->kv_heads,
                           .head_size = z->head,
                           .hidden = z->hidden,
                           .vocabulary = z->vocabulary,
                           .trained_context = z->context,
                           .context = m->o.context,
                           .chunk = m->o.chunk,
                           .rows = m->o.rows,
                           .parameters = m->parameters,
                           .weight_bytes = m->weight_bytes,
                           .kv_bytes = m->kv_bytes,
                           .buffer_bytes = sw_plan_get_stats(m->plan).buffer_bytes};
}

const sw_tokenizer *sw_model_tokenizer(const sw_model *m)
{
    return m->tokenizer;
}
