/* Sets of weights in safetensors files (include/swell/train.h: sw_weights_save, sw_weights_load).
 *
 * Loading is all or nothing: the file and the names are checked first, and if memory runs out between
 * two tensors the ones before are taken out of the set again. */
#include <stdlib.h>
#include <string.h>
#include <swell/train.h>
#include "base/context_int.h"
#include "format/safetensors.h"
#include "graph/weights_int.h"

sw_status sw_weights_save(sw_context *ctx, const sw_weights *ws, const char *path,
                          const char *const *metadata)
{
    int64_t n = sw_weights_count(ws);
    struct sw_safetensors_entry *entries = sw__calloc2((size_t)n + 1, sizeof *entries);
    if (!entries) return sw__fail(ctx, SW_ERR_MEMORY, "%s: out of memory", path);
    for (int64_t i = 0; i < n; i++) {
        const sw_weight *w = sw_weights_at(ws, i);
        entries[i] = (struct sw_safetensors_entry){sw_weight_name(w), sw_weight_tensor(w)};
    }
    sw_status status = sw__safetensors_write(ctx, path, entries, n, metadata);
    free(entries);
    return status;
}

/* ---- load -------------------------------------------------------------------------------------- */

struct load {
    sw_context *ctx;
    sw_weights *ws;
    const char *path, *prefix;
    const uint8_t *data;
    bool mapped;
};

static bool wanted(const struct load *l, const struct sw_safetensor *t)
{
    return !l->prefix || strncmp(t->name, l->prefix, strlen(l->prefix)) == 0;
}

/* Can the set take this tensor? */
static sw_status check_tensor(const struct load *l, const struct sw_safetensor *t)
{
    if (t->dtype == SW_DTYPE_COUNT)
        return sw__fail(l->ctx, SW_ERR_UNSUPPORTED,
                        "%s: offset %zu: tensor '%.80s' is %s, which no weight can be", l->path,
                        t->offset, t->name, t->dtype_name);
    if (sw_weights_find(l->ws, t->name))
        return sw__fail(l->ctx, SW_ERR_ARGUMENT, "%s: the set has a weight '%.80s' already",
                        l->path, t->name);
    if (l->mapped && (uintptr_t)(l->data + t->offset) % (size_t)t->element_bytes)
        return sw__fail(l->ctx, SW_ERR_FORMAT,
                        "%s: offset %zu: tensor '%.80s' of %s is not aligned; load it as a copy",
                        l->path, t->offset, t->name, t->dtype_name);
    return SW_OK;
}

static sw_status add_tensor(const struct load *l, const struct sw_safetensor *t)
{
    const uint8_t *from = l->data + t->offset;
    sw_weight *w;
    if (l->mapped) return sw_weights_add_mapped(l->ws, t->name, t->dtype, t->shape, from, &w);
    sw_status status = sw_weights_add(l->ws, t->name, t->dtype, t->shape, &w);
    if (status == SW_OK && t->bytes) memcpy(w->tensor.data, from, t->bytes);
    return status;
}

static sw_status add_all(const struct load *l, const struct sw_safetensors *st)
{
    sw_status status = SW_OK;
    for (int64_t i = 0; i < st->n && status == SW_OK; i++)
        if (wanted(l, &st->tensors[i])) status = check_tensor(l, &st->tensors[i]);
    for (int64_t i = 0; i < st->n && status == SW_OK; i++)
        if (wanted(l, &st->tensors[i])) status = add_tensor(l, &st->tensors[i]);
    return status;
}

sw_status sw_weights_load(sw_context *ctx, sw_weights *ws, const char *path, bool mapped,
                          const char *prefix)
{
    struct sw_mapping map = {0};
    struct sw_safetensors st;
    sw_status status = sw__safetensors_open(ctx, path, &map, &st);
    if (status != SW_OK) return status;
    const struct load l = {ctx, ws, path, prefix, map.data, mapped};
    int64_t before = sw_weights_count(ws);
    status = add_all(&l, &st);
    if (status == SW_OK && mapped) {
        status = sw__weights_adopt(ws, map);
        if (status == SW_OK) map = (struct sw_mapping){0}; /* the set's now */
    }
    if (status != SW_OK) sw__weights_truncate(ws, before);
    sw__safetensors_free(&st);
    sw__unmap_file(&map);
    return status;
}

/* ---- what else a file says --------------------------------------------------------------------- */

struct metadata_call {
    sw_metadata_fn call;
    void *user;
};

static void pass_on(void *user, const char *key, const char *value)
{
    const struct metadata_call *c = user;
    c->call(c->user, key, value);
}

sw_status sw_weights_metadata(sw_context *ctx, const char *path, sw_metadata_fn call, void *user)
{
    struct sw_mapping map;
    struct sw_safetensors st;
    struct metadata_call c = {call, user};
    sw_status status = sw__safetensors_open(ctx, path, &map, &st);
    if (status != SW_OK) return status;
    sw__safetensors_each_metadata(&st, pass_on, &c);
    sw__safetensors_free(&st);
    sw__unmap_file(&map);
    return SW_OK;
}
