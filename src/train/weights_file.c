/* Sets of weights in files (include/swell/train.h: sw_weights_save, sw_weights_load): safetensors both
 * ways, torch.save's to read.
 *
 * Loading is all or nothing: the file and the names are checked first, and if memory runs out between
 * two tensors the ones before are taken out of the set again. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <swell/train.h>
#include "base/context_int.h"
#include "format/safetensors.h"
#include "format/torch_file.h"
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

/* A tensor of either kind of file. */
struct source {
    const char *name, *dtype_name;
    sw_dtype dtype; /* SW_DTYPE_COUNT: one that no weight can be */
    int element_bytes;
    sw_shape shape;
    size_t offset, bytes;
    const int64_t *stride; /* in elements; NULL: row-major without gaps */
};

struct load {
    sw_context *ctx;
    sw_weights *ws;
    const char *path, *prefix;
    bool mapped, torch; /* torch: `tf` is open, else `st` */
    struct sw_mapping map;
    struct sw_safetensors st;
    struct sw_torch_file tf;
};

static sw_status open_file(struct load *l)
{
    char error[SW_TORCH_ERROR > SW_SAFETENSORS_ERROR ? SW_TORCH_ERROR : SW_SAFETENSORS_ERROR];
    sw_status status = sw__map_file(l->path, &l->map);
    if (status != SW_OK)
        return sw__fail(l->ctx, status, "%s: cannot read: %s", l->path, strerror(errno));
    l->torch = sw__torch_file_is(l->map.data, l->map.size);
    status = l->torch ? sw__torch_file_parse(l->map.data, l->map.size, &l->tf, error)
                      : sw__safetensors_parse(l->map.data, l->map.size, &l->st, error);
    return status == SW_OK ? SW_OK : sw__fail(l->ctx, status, "%s: %s", l->path, error);
}

static void close_file(struct load *l)
{
    sw__torch_file_free(&l->tf);
    sw__safetensors_free(&l->st);
    sw__unmap_file(&l->map);
}

/* The next tensor that is wanted, from *i on; false at the end. */
static bool next_source(const struct load *l, int64_t *i, struct source *out)
{
    static const char counter[] = "num_batches_tracked";
    for (; *i < (l->torch ? l->tf.n : l->st.n); ++*i) {
        if (l->torch) {
            const struct sw_torch_tensor *t = &l->tf.tensors[*i];
            *out = (struct source){.name = t->name,
                                   .dtype_name = t->dtype_name,
                                   .dtype = t->dtype,
                                   .element_bytes = t->element_bytes,
                                   .shape = t->shape,
                                   .offset = t->offset,
                                   .bytes = t->bytes,
                                   .stride = t->dense ? NULL : t->stride};
        } else {
            const struct sw_safetensor *t = &l->st.tensors[*i];
            *out = (struct source){.name = t->name,
                                   .dtype_name = t->dtype_name,
                                   .dtype = t->dtype,
                                   .element_bytes = t->element_bytes,
                                   .shape = t->shape,
                                   .offset = t->offset,
                                   .bytes = t->bytes};
        }
        const size_t n = strlen(out->name), end = sizeof counter - 1;
        const bool counts = n >= end && strcmp(out->name + n - end, counter) == 0;
        if (!counts && (!l->prefix || strncmp(out->name, l->prefix, strlen(l->prefix)) == 0)) {
            ++*i;
            return true;
        }
    }
    return false;
}

/* Can the set take this tensor? */
static sw_status check_tensor(const struct load *l, const struct source *t)
{
    if (t->dtype == SW_DTYPE_COUNT)
        return sw__fail(l->ctx, SW_ERR_UNSUPPORTED,
                        "%s: offset %zu: tensor '%.80s' is %s, which no weight can be", l->path,
                        t->offset, t->name, t->dtype_name);
    if (sw_weights_find(l->ws, t->name))
        return sw__fail(l->ctx, SW_ERR_ARGUMENT, "%s: the set has a weight '%.80s' already",
                        l->path, t->name);
    if (l->mapped && (t->stride || (uintptr_t)(l->map.data + t->offset) % (size_t)t->element_bytes))
        return sw__fail(l->ctx, SW_ERR_FORMAT,
                        "%s: offset %zu: tensor '%.80s' of %s is not %s; load it as a copy",
                        l->path, t->offset, t->name, t->dtype_name,
                        t->stride ? "in rows" : "aligned");
    return SW_OK;
}

/* Dense rows from strided elements; at: where each dimension stands. */
static void copy_strided(const struct source *t, const uint8_t *from, uint8_t *to)
{
    int64_t at[SW_MAX_RANK] = {0}, n = 1;
    for (int i = 0; i < t->shape.rank; i++) n *= t->shape.dim[i];
    const size_t bytes = (size_t)t->element_bytes;
    for (int64_t e = 0; e < n; e++) {
        int64_t element = 0;
        for (int i = 0; i < t->shape.rank; i++) element += at[i] * t->stride[i];
        memcpy(to + (size_t)e * bytes, from + (size_t)element * bytes, bytes);
        for (int i = t->shape.rank - 1; i >= 0 && ++at[i] == t->shape.dim[i]; i--) at[i] = 0;
    }
}

static sw_status add_tensor(const struct load *l, const struct source *t)
{
    const uint8_t *from = l->map.data + t->offset;
    sw_weight *w;
    if (l->mapped) return sw_weights_add_mapped(l->ws, t->name, t->dtype, t->shape, from, &w);
    sw_status status = sw_weights_add(l->ws, t->name, t->dtype, t->shape, &w);
    if (status != SW_OK) return status;
    if (t->stride)
        copy_strided(t, from, w->tensor.data);
    else if (t->bytes)
        memcpy(w->tensor.data, from, t->bytes);
    return SW_OK;
}

static sw_status add_all(const struct load *l)
{
    struct source t;
    sw_status status = SW_OK;
    for (int64_t i = 0; status == SW_OK && next_source(l, &i, &t);) status = check_tensor(l, &t);
    for (int64_t i = 0; status == SW_OK && next_source(l, &i, &t);) status = add_tensor(l, &t);
    return status;
}

sw_status sw_weights_load(sw_context *ctx, sw_weights *ws, const char *path, bool mapped,
                          const char *prefix)
{
    struct load l = {.ctx = ctx, .ws = ws, .path = path, .prefix = prefix, .mapped = mapped};
    int64_t before = sw_weights_count(ws);
    sw_status status = open_file(&l);
    if (status == SW_OK) status = add_all(&l);
    if (status == SW_OK && mapped) {
        status = sw__weights_adopt(ws, l.map);
        if (status == SW_OK) l.map = (struct sw_mapping){0}; /* the set's now */
    }
    if (status != SW_OK) sw__weights_truncate(ws, before);
    close_file(&l);
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
