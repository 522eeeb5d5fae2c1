/* Rows of tokens in memory or in a file, and windows of them (token_set.h).
 *
 * A window is drawn by its number alone, so a run that is resumed, or one with other threads, sees the same. */
#include "train/token_set.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/context_int.h"
#include "base/rng.h"

/* ---- from documents --------------------------------------------------------------------------------- */

struct reading {
    sw_context *ctx;
    const struct sw_vocabulary_source *vocabulary;
    struct sw_token_set *set;
    void *ids; /* the set's, while it grows */
    int32_t *part;
    int64_t part_capacity;
    bool spans; /* a document had a prompt */
};

static sw_status no_memory(sw_context *ctx, const char *what)
{
    return sw__fail(ctx, SW_ERR_MEMORY, "%s: out of memory for its tokens", what);
}

/* Tokens of a text into r->part; *count: how many. */
static sw_status encode(struct reading *r, const struct sw_document *d, const char *text,
                        size_t bytes, int64_t *count)
{
    const struct sw_vocabulary_source *v = r->vocabulary;
    size_t at;
    if (bytes > INT32_MAX)
        return sw__fail(r->ctx, SW_ERR_SIZE, "%s: a document of more than 2 GB", d->file);
    if (!sw__grow(&r->part, &r->part_capacity, (int64_t)bytes + 16, sizeof *r->part))
        return no_memory(r->ctx, d->file);
    if (!v->alphabet) {
        sw_status status = v->encode(v->user, text, bytes, r->part, r->part_capacity, count);
        if (status != SW_OK || *count <= r->part_capacity) return status;
        if (!sw__grow(&r->part, &r->part_capacity, *count, sizeof *r->part))
            return no_memory(r->ctx, d->file);
        return v->encode(v->user, text, bytes, r->part, r->part_capacity, count);
    }
    *count = sw__alphabet_encode(v->alphabet, text, bytes, r->part, &at);
    if (*count >= 0) return SW_OK;
    return sw__fail(r->ctx, SW_ERR_FORMAT,
                    "%s: line %lld: byte %zu of the document begins a character that is not among "
                    "those of the training text",
                    d->file, (long long)d->line, at);
}

static sw_status append(struct reading *r, const char *file, const int32_t *ids, int64_t n,
                        bool silent)
{
    struct sw_token_set *s = r->set;
    const int64_t all = s->count + n, before = s->silent_capacity;
    if (!sw__grow(&r->ids, &s->capacity, all, s->wide ? 4 : 2) ||
        !sw__grow(&s->silent, &s->silent_capacity, all / 8 + 1, 1))
        return no_memory(r->ctx, file);
    s->ids = r->ids;
    if (s->silent_capacity > before)
        memset(s->silent + before, 0, (size_t)(s->silent_capacity - before));
    for (int64_t i = 0; i < n; i++) {
        if (ids[i] < 0 || ids[i] >= r->vocabulary->size)
            return sw__fail(r->ctx, SW_ERR_FORMAT, "%s: token %d of a vocabulary of %lld", file,
                            (int)ids[i], (long long)r->vocabulary->size);
        if (s->wide)
            ((uint32_t *)r->ids)[s->count + i] = (uint32_t)ids[i];
        else
            ((uint16_t *)r->ids)[s->count + i] = (uint16_t)ids[i];
        if (silent) s->silent[(s->count + i) / 8] |= (uint8_t)(1 << (s->count + i) % 8);
    }
    s->count = all;
    return SW_OK;
}

static sw_status add_text(struct reading *r, const struct sw_document *d, const char *text,
                          size_t bytes, bool silent)
{
    int64_t count = 0;
    if (bytes == 0) return SW_OK;
    sw_status status = encode(r, d, text, bytes, &count);
    return status == SW_OK ? append(r, d->file, r->part, count, silent) : status;
}

static sw_status add_document(void *user, const struct sw_document *d)
{
    struct reading *r = user;
    struct sw_token_set *s = r->set;
    if (!sw__grow(&s->starts, &s->starts_capacity, s->documents + 1, sizeof *s->starts))
        return no_memory(r->ctx, d->file);
    s->starts[s->documents++] = s->count;
    r->spans |= d->completion;
    sw_status status = add_text(r, d, d->prompt, d->prompt_bytes, true);
    if (status == SW_OK) status = add_text(r, d, d->text, d->text_bytes, false);
    if (status == SW_OK && r->vocabulary->end >= 0)
        status = append(r, d->file, &r->vocabulary->end, 1, false);
    return status;
}

sw_status sw__token_set_read(sw_context *ctx, const char *path,
                             const struct sw_vocabulary_source *vocabulary,
                             struct sw_token_set *out)
{
    struct reading r = {.ctx = ctx, .vocabulary = vocabulary, .set = out};
    *out = (struct sw_token_set){.wide = vocabulary->size > 65536};
    sw_status status = sw__documents_visit(ctx, path, add_document, &r);
    free(r.part);
    if (status == SW_OK && out->count == 0)
        status = sw__fail(ctx, SW_ERR_FORMAT, "%s: there is no text", path);
    if (status == SW_OK && out->documents == 1 && !r.spans && vocabulary->end >= 0) out->count--;
    if (!r.spans) {
        free(out->silent);
        out->silent = NULL;
    }
    if (status != SW_OK) sw__token_set_free(out);
    return status;
}

void sw__token_set_free(struct sw_token_set *set)
{
    if (set->map.data)
        sw__unmap_file(&set->map);
    else
        free((void *)(uintptr_t)set->ids);
    free(set->silent);
    free(set->starts);
    *set = (struct sw_token_set){0};
}

/* ---- from a file of tokens --------------------------------------------------------------------------- */

enum { HEADER = 1024 }; /* of llm.c: 256 numbers, the first three magic, version, count */

static uint32_t number(const uint8_t *p)
{
    return (uint32_t)p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 | (uint32_t)p[3] << 24;
}

static sw_status check_ids(sw_context *ctx, const char *path, const struct sw_token_set *s,
                           int64_t size)
{
    for (int64_t i = 0; i < s->count; i++) {
        const uint32_t id = (uint32_t)sw__token_at(s, i);
        if (id >= size)
            return sw__fail(ctx, SW_ERR_FORMAT, "%s: token %lld is %u, in a vocabulary of %lld",
                            path, (long long)i, id, (long long)size);
    }
    return SW_OK;
}

sw_status sw__token_set_map(sw_context *ctx, const char *path, bool wide, int64_t size,
                            struct sw_token_set *out)
{
    *out = (struct sw_token_set){.wide = wide};
    if (sw__map_file(path, &out->map) != SW_OK)
        return sw__fail(ctx, SW_ERR_IO, "%s: %s", path, strerror(errno));
    size_t at = 0;
    if (out->map.size >= HEADER && number(out->map.data) == 20240520) {
        const uint32_t version = number(out->map.data + 4);
        out->wide = version == 7; /* of Llama 3; 1 is GPT-2's */
        at = HEADER;
    }
    const size_t each = out->wide ? 4 : 2, left = out->map.size - at;
    sw_status status = SW_OK;
    if (left == 0 || left % each)
        status = sw__fail(ctx, SW_ERR_FORMAT, "%s: %zu bytes are no tokens of %zu bytes", path,
                          left, each);
    else if (at && number(out->map.data + 8) != left / each)
        status = sw__fail(ctx, SW_ERR_FORMAT, "%s: %zu tokens, %u are announced", path, left / each,
                          number(out->map.data + 8));
    out->count = (int64_t)(left / each);
    out->ids = out->map.data + at;
    if (status == SW_OK) status = check_ids(ctx, path, out, size);
    if (status != SW_OK) sw__token_set_free(out);
    return status;
}

/* ---- windows ------------------------------------------------------------------------------------------ */

int64_t sw__token_documents_of(const struct sw_token_part *p, int64_t *first)
{
    const struct sw_token_set *s = p->set;
    int64_t bound[2] = {0, 0};
    for (int i = 0; i < 2; i++) {
        const int64_t at = i ? p->end - 1 : p->begin;
        int64_t lo = 0, hi = s->documents;
        while (lo < hi) {
            const int64_t mid = (lo + hi) / 2;
            if (s->starts[mid] < at)
                lo = mid + 1;
            else
                hi = mid;
        }
        bound[i] = lo;
    }
    *first = bound[0];
    return bound[1] - bound[0];
}

int64_t sw__token_draw(const struct sw_token_part *part, int64_t tokens, uint64_t seed,
                       uint64_t window)
{
    struct sw_rng rng = {seed, sw__hash_name("windows") + window, 0};
    int64_t first;
    const int64_t documents = part->set->silent ? sw__token_documents_of(part, &first) : 0;
    if (documents > 0)
        return part->set->starts[first + (int64_t)sw__rng_below(&rng, (uint64_t)documents)];
    return part->begin + (int64_t)sw__rng_below(&rng, (uint64_t)(part->end - part->begin - tokens));
}

int64_t sw__token_window(const struct sw_token_part *part, int64_t start, int64_t n, int32_t *ids,
                         int32_t *labels)
{
    const struct sw_token_set *s = part->set;
    int64_t count = 0;
    for (int64_t i = 0; i < n; i++) {
        const int64_t at = start + i, next = at + 1;
        ids[i] = at < part->end ? sw__token_at(s, at) : 0;
        labels[i] = next < part->end ? sw__token_at(s, next) : -1;
        if (labels[i] >= 0 && s->silent && s->silent[next / 8] >> next % 8 & 1) labels[i] = -1;
        count += labels[i] >= 0;
    }
    return count;
}

void sw__token_documents(const int32_t *ids, int64_t n, int32_t end, int32_t *positions,
                         int32_t *documents)
{
    int64_t start = 0;
    for (int64_t i = 0; i < n; i++) {
        if (i > 0 && ids[i - 1] == end) start = i;
        positions[i] = (int32_t)(i - start);
        documents[i] = (int32_t)start;
    }
}
