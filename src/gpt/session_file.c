/* Sessions in files: what was read once is not read again.  Little-endian, by the byte:
 *
 *      0  "swsess1\n"
 *      8  what model it is of: SHA-256 in 64 hexadecimal digits
 *     72  the type of keys and values, 16 bytes, zeros behind the name
 *     88  i64 positions of a page;  bytes of a page;  arrays (k and v of each layer);  N tokens
 *    120  N x i32 tokens
 *         pages: of array 0 all that hold the N positions, in order, then of array 1, ...; (NKV,PAGE,HS) each, zeros
 *         behind the last position
 *         SHA-256 of all before, 64 hexadecimal digits
 *
 * The model is known by its architecture, all sizes, and each weight's name, shape, type and some bytes from its
 * middle, adapters likewise: another training of the same network is told apart, without reading all of it.
 * Logits are not kept: the last token is read again, which gives the same bits. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/context_int.h"
#include "base/file.h"
#include "base/size.h"
#include "format/sha256.h"
#include "gpt/gpt_int.h"
#include "graph/kv_int.h"

enum { DIGITS = SW_GPT_IDENTITY, SAMPLE = 512 };

struct header {
    char magic[8], model[DIGITS], type[16];
    int64_t page, page_bytes, arrays, tokens;
};
_Static_assert(sizeof(struct header) == 120, "as in the file");

static const char magic[8] = {'s', 'w', 's', 'e', 's', 's', '1', '\n'};

/* ---- what model -------------------------------------------------------------------------------- */

static void add_weights(struct sw_sha256 *sha, sw_weights *ws)
{
    for (int64_t i = 0; i < sw_weights_count(ws); i++) {
        const sw_weight *w = sw_weights_at(ws, i);
        const sw_tensor t = sw_weight_tensor(w);
        const size_t bytes = (size_t)sw_shape_bytes(&t.shape, t.dtype);
        const size_t sample = bytes < SAMPLE ? bytes : SAMPLE;
        const char *name = sw_weight_name(w), *type = sw_dtype_get(t.dtype)->name;
        sw__sha256_add(sha, name, strlen(name) + 1);
        sw__sha256_add(sha, type, strlen(type) + 1);
        for (int d = 0; d < t.shape.rank; d++)
            sw__sha256_add(sha, &t.shape.dim[d], sizeof t.shape.dim[d]);
        sw__sha256_add(sha, (const char *)t.data + (bytes - sample) / 2, sample);
    }
}

void sw__model_identity(const sw_model *m, char digits[DIGITS])
{
    const struct sw_gpt_sizes *z = &m->net.z;
    struct sw_sha256 sha;
    char text[512], hex[DIGITS + 1];
    const int n = snprintf(
        text, sizeof text,
        "%s %lld %lld %lld %lld %lld %lld %lld %a %d %lld %a %a %a %lld %lld %lld %lld %lld %a "
        "%lld "
        "%a %a %a %a %d",
        m->net.architecture->name, (long long)z->layers, (long long)z->width, (long long)z->heads,
        (long long)z->kv_heads, (long long)z->head, (long long)z->hidden, (long long)z->vocabulary,
        (double)z->eps, (int)z->pairing, (long long)z->rope_dims, (double)z->rope_base,
        (double)z->rope_scale, (double)z->local_rope_base, (long long)z->window,
        (long long)z->window_period, (long long)z->experts, (long long)z->chosen,
        (long long)z->expert_hidden, (double)z->yarn_factor, (long long)z->yarn_original,
        (double)z->yarn_magnitude, (double)z->attention_scale, (double)z->attention_softcap,
        (double)z->logit_softcap, m->net.n_adapters);
    sw__sha256_begin(&sha);
    sw__sha256_add(&sha, text, (size_t)n);
    add_weights(&sha, m->net.ws);
    for (int i = 0; i < m->net.n_adapters; i++) {
        const struct sw_gpt_adapter *a = &m->net.adapters[i];
        sw__sha256_add(&sha, &a->scale, sizeof a->scale);
        add_weights(&sha, a->ws);
    }
    sw__sha256_end(&sha, hex);
    memcpy(digits, hex, DIGITS);
}

/* ---- write ------------------------------------------------------------------------------------- */

/* What a file of n tokens says before them. */
static struct header header_of(const sw_model *m, int64_t n)
{
    const sw_kv_options o = sw__kv_options(m->kv);
    struct header h = {.page = o.page, .arrays = 2 * (int64_t)o.layers, .tokens = n};
    const sw_shape page = SW_SHAPE(o.kv_heads, o.page, o.head_size);
    h.page_bytes = sw_shape_bytes(&page, o.dtype);
    memcpy(h.magic, magic, sizeof magic);
    snprintf(h.type, sizeof h.type, "%s", sw_dtype_get(o.dtype)->name);
    sw__model_identity(m, h.model);
    return h;
}

struct writer {
    struct sw_file file;
    struct sw_sha256 sha;
};

static void put(struct writer *w, const void *data, size_t bytes)
{
    sw__sha256_add(&w->sha, data, bytes);
    sw__file_write(&w->file, data, bytes);
}

/* Zeros where no token stands: what was there before is nobody's business. */
static void clear_unused(const struct header *h, int64_t kv_heads, int64_t used, char *page)
{
    const size_t row = (size_t)(h->page_bytes / (kv_heads * h->page));
    for (int64_t head = 0; head < kv_heads; head++)
        memset(page + (size_t)(head * h->page + used) * row, 0, (size_t)(h->page - used) * row);
}

static void put_pages(struct writer *w, const sw_session *s, const struct header *h, char *copy)
{
    const int64_t pages = sw__ceil_div(h->tokens, h->page);
    for (int array = 0; array < h->arrays; array++)
        for (int64_t i = 0; i < pages; i++) {
            const int64_t used = sw__min64(h->page, h->tokens - i * h->page);
            size_t bytes;
            memcpy(copy, sw__kv_page(s->m->kv, array, s->sequence, i, &bytes),
                   (size_t)h->page_bytes);
            clear_unused(h, s->m->net.z.kv_heads, used, copy);
            put(w, copy, bytes);
        }
}

sw_status sw_session_save(const sw_session *s, const char *path)
{
    sw_context *ctx = s->m->ctx;
    struct writer w;
    char hex[DIGITS + 1];
    if (s->n == 0) return sw__fail(ctx, SW_ERR_STATE, "%s: the session is empty", path);
    const struct header h = header_of(s->m, s->n);
    char *copy = sw__calloc2((size_t)h.page_bytes, 1);
    if (!copy) return sw__fail(ctx, SW_ERR_MEMORY, "%s: out of memory", path);
    sw_status status = sw__file_create(path, &w.file);
    if (status == SW_OK) {
        sw__sha256_begin(&w.sha);
        put(&w, &h, sizeof h);
        put(&w, s->tokens, (size_t)s->n * sizeof *s->tokens);
        put_pages(&w, s, &h, copy);
        sw__sha256_end(&w.sha, hex);
        sw__file_write(&w.file, hex, DIGITS);
        status = sw__file_commit(&w.file);
    }
    free(copy);
    if (status == SW_ERR_MEMORY) return sw__fail(ctx, status, "%s: out of memory", path);
    if (status != SW_OK)
        return sw__fail(ctx, status, "%s: cannot be written: %s", path, strerror(errno));
    return SW_OK;
}

/* ---- read -------------------------------------------------------------------------------------- */

/* Whether a file of this header has `size` bytes. */
static bool size_fits(const struct header *h, size_t size)
{
    int64_t tokens, pages, all;
    if (h->page < 1 || h->page_bytes < 1 || h->arrays < 1 || h->tokens < 1) return false;
    return sw__i64_mul(h->tokens, (int64_t)sizeof(int32_t), &tokens) &&
           sw__i64_mul(h->tokens / h->page + (h->tokens % h->page != 0), h->arrays, &pages) &&
           sw__i64_mul(pages, h->page_bytes, &pages) && sw__i64_add(tokens, pages, &all) &&
           sw__i64_add(all, (int64_t)sizeof *h + DIGITS, &all) && (size_t)all == size;
}

/* Is it a session, and one of this model? */
static sw_status check_header(const sw_session *s, const char *name, const struct header *h,
                              size_t size)
{
    sw_context *ctx = s->m->ctx;
    const bool whole = size_fits(h, size);
    const struct header own = whole ? header_of(s->m, h->tokens) : *h;
    if (memcmp(h->model, own.model, DIGITS) != 0)
        return sw__fail(ctx, SW_ERR_ARGUMENT,
                        "%s: a session of another model than %s, or with other adapters", name,
                        s->m->path);
    if (memcmp(h->type, own.type, sizeof h->type) != 0)
        return sw__fail(ctx, SW_ERR_ARGUMENT,
                        "%s: its keys and values are %.16s, those of the model %s", name, h->type,
                        own.type);
    if (!whole || memcmp(h, &own, sizeof own) != 0)
        return sw__fail(ctx, SW_ERR_FORMAT, "%s: damaged: %zu bytes do not follow from its sizes",
                        name, size);
    if (h->tokens > s->m->o.context)
        return sw__fail(ctx, SW_ERR_SIZE, "%s: %lld tokens, and the context has room for %lld",
                        name, (long long)h->tokens, (long long)s->m->o.context);
    return SW_OK;
}

static sw_status check_content(const sw_session *s, const char *name, const uint8_t *data,
                               size_t size, int64_t n)
{
    struct sw_sha256 sha;
    char hex[DIGITS + 1];
    sw__sha256_begin(&sha);
    sw__sha256_add(&sha, data, size - DIGITS);
    sw__sha256_end(&sha, hex);
    if (memcmp(hex, data + size - DIGITS, DIGITS) != 0)
        return sw__fail(s->m->ctx, SW_ERR_FORMAT, "%s: damaged: its checksum is another", name);
    for (int64_t i = 0; i < n; i++) {
        int32_t token;
        memcpy(&token, data + sizeof(struct header) + (size_t)i * sizeof token, sizeof token);
        if (token < 0 || token >= s->m->net.z.vocabulary)
            return sw__fail(s->m->ctx, SW_ERR_FORMAT,
                            "%s: token %d is not in the vocabulary of %lld", name, (int)token,
                            (long long)s->m->net.z.vocabulary);
    }
    return SW_OK;
}

static void take_pages(sw_session *s, const struct header *h, const uint8_t *data)
{
    const int64_t pages = sw__ceil_div(h->tokens, h->page);
    for (int array = 0; array < h->arrays; array++)
        for (int64_t i = 0; i < pages; i++) {
            size_t bytes;
            void *page = sw__kv_page(s->m->kv, array, s->sequence, i, &bytes);
            memcpy(page, data, bytes);
            data += bytes;
        }
    sw__kv_touch(s->m->kv);
}

sw_status sw__session_restore(sw_session *s, const char *name, const uint8_t *data, size_t size)
{
    struct header h;
    if (size < sizeof h + DIGITS || memcmp(data, magic, sizeof magic) != 0)
        return sw__fail(s->m->ctx, SW_ERR_FORMAT, "%s: not a saved session", name);
    memcpy(&h, data, sizeof h);
    sw_status status = check_header(s, name, &h, size);
    if (status == SW_OK) status = check_content(s, name, data, size, h.tokens);
    if (status == SW_OK) status = sw_session_truncate(s, 0);
    if (status == SW_OK) status = sw_kv_append(s->m->kv, s->sequence, h.tokens, NULL, NULL);
    if (status != SW_OK) return status;
    const uint8_t *tokens = data + sizeof h;
    const size_t token_bytes = (size_t)h.tokens * sizeof *s->tokens;
    memcpy(s->tokens, tokens, token_bytes);
    take_pages(s, &h, tokens + token_bytes);
    s->n = h.tokens;
    const int32_t last = s->tokens[s->n - 1];
    status = sw_session_truncate(s, s->n - 1);
    return status == SW_OK ? sw_session_feed(s, &last, 1) : status;
}

sw_status sw_session_load(sw_session *s, const char *path)
{
    struct sw_mapping map;
    sw_status status = sw__map_file(path, &map);
    if (status != SW_OK)
        return sw__fail(s->m->ctx, status, "%s: cannot read: %s", path, strerror(errno));
    status = sw__session_restore(s, path, map.data, map.size);
    sw__unmap_file(&map);
    return status;
}
