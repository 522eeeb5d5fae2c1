/* Importance matrices, read or filled: see imatrix.h.  The older format, little-endian:
 *
 *     i32 entries;  each:  i32 bytes of the name, name;  i32 calls;  i32 values;  f32 value[]
 *     then, in later files, i32 calls and the name of the text, which say nothing here
 *
 * A value there is a sum over calls, in GGUF a sum over tokens: both are divided.  What is not a number from 0 on
 * is refused.  An input that never was anything but 0 gets a millionth of the mean: its weights shall not be
 * lost where nothing else decides. */
#include "format/imatrix.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include "base/context_int.h"
#include "base/memory.h"
#include "base/size.h"
#include "format/gguf.h"

struct entry {
    const char *name;
    float *value;
    int64_t n;
};

struct sw_imatrix {
    struct entry *entries;
    int64_t n, capacity;
    struct sw_arena arena; /* names, values */
};

static sw_status out_of_memory(sw_context *ctx, const char *name)
{
    return sw__fail(ctx, SW_ERR_MEMORY, "%s: out of memory", name);
}

static int by_name(const void *a, const void *b)
{
    const struct entry *x = a, *y = b;
    return strcmp(x->name, y->name);
}

static sw_status add(sw_context *ctx, const char *file, struct sw_imatrix *m, const char *name,
                     size_t bytes, int64_t n, struct entry **out)
{
    char *copy = sw__arena_alloc(&m->arena, bytes + 1);
    float *value = sw__arena_alloc(&m->arena, ((size_t)n + 1) * sizeof *value);
    if (!copy || !value || !sw__grow(&m->entries, &m->capacity, m->n + 1, sizeof *m->entries))
        return out_of_memory(ctx, file);
    memcpy(copy, name, bytes);
    *out = &m->entries[m->n++];
    **out = (struct entry){copy, value, n};
    return SW_OK;
}

/* Every value is a number from 0 on; zeros become a little. */
static sw_status check(sw_context *ctx, const char *file, struct entry *e)
{
    double sum = 0;
    for (int64_t i = 0; i < e->n; i++) {
        if (!(e->value[i] >= 0) || isinf(e->value[i]))
            return sw__fail(ctx, SW_ERR_FORMAT, "%s: '%.80s' has the importance %g", file, e->name,
                            (double)e->value[i]);
        sum += e->value[i];
    }
    const float least = e->n > 0 ? (float)(sum / (double)e->n * 1e-6) : 0;
    for (int64_t i = 0; i < e->n; i++) e->value[i] = sum > 0 ? fmaxf(e->value[i], least) : 1;
    return SW_OK;
}

/* ---- GGUF -------------------------------------------------------------------------------------- */

static sw_status read_sums(sw_context *ctx, const char *file, struct sw_imatrix *m,
                           const struct sw_gguf *f, const struct sw_gguf_tensor *t)
{
    static const char end[] = ".in_sum2";
    char other[256];
    const size_t bytes = strlen(t->name);
    if (bytes < sizeof end || strcmp(t->name + bytes - (sizeof end - 1), end) != 0) return SW_OK;
    const size_t stem = bytes - (sizeof end - 1);
    if (stem + sizeof ".counts" > sizeof other)
        return sw__fail(ctx, SW_ERR_FORMAT, "%s: a name of %zu bytes", file, bytes);
    memcpy(other, t->name, stem);
    strcpy(other + stem, ".counts");
    const struct sw_gguf_tensor *counts = sw__gguf_find_tensor(f, other);
    const int64_t n = sw_shape_elements(&t->shape),
                  parts = counts ? sw_shape_elements(&counts->shape) : 0;
    if (parts < 1 || n % parts || t->dtype != SW_F32 || counts->dtype != SW_F32)
        return sw__fail(ctx, SW_ERR_FORMAT, "%s: '%.80s' has no counts that fit it", file, t->name);
    struct entry *e;
    sw_status status = add(ctx, file, m, t->name, stem, n, &e);
    if (status != SW_OK) return status;
    const float *sums = t->data, *count = counts->data;
    for (int64_t i = 0; i < n; i++) {
        const float c = count[i / (n / parts)];
        e->value[i] = c > 0 ? sums[i] / c : 1;
    }
    return check(ctx, file, e);
}

static sw_status read_gguf(sw_context *ctx, const char *name, const uint8_t *data, size_t size,
                           struct sw_imatrix *m)
{
    struct sw_gguf *f;
    sw_status status = sw__gguf_parse(ctx, name, data, size, &f);
    for (int64_t i = 0; status == SW_OK && i < sw__gguf_tensors(f); i++)
        status = read_sums(ctx, name, m, f, sw__gguf_tensor(f, i));
    sw__gguf_close(f);
    return status;
}

/* ---- .dat -------------------------------------------------------------------------------------- */

struct cursor {
    sw_context *ctx;
    const char *name;
    const uint8_t *data;
    size_t size, at;
};

static sw_status cut(const struct cursor *c, const char *what)
{
    return sw__fail(c->ctx, SW_ERR_FORMAT,
                    "%s: offset %zu: the file ends inside %s, or it is no such number", c->name,
                    c->at, what);
}

/* A number from low on whose `each` bytes fit the file; 0: no bytes behind it. */
static sw_status take(struct cursor *c, const char *what, int32_t low, size_t each, int32_t *out)
{
    if (c->size - c->at < 4) return cut(c, what);
    const uint8_t *p = c->data + c->at;
    *out = (int32_t)(p[0] | p[1] << 8 | p[2] << 16 | (uint32_t)p[3] << 24);
    if (*out < low || (each && (size_t)*out > (c->size - c->at - 4) / each)) return cut(c, what);
    c->at += 4;
    return SW_OK;
}

static sw_status read_entry(struct cursor *c, struct sw_imatrix *m)
{
    int32_t bytes, calls, n;
    struct entry *e;
    sw_status status = take(c, "a name", 1, 1, &bytes);
    if (status != SW_OK) return status;
    const char *name = (const char *)c->data + c->at;
    if (memchr(name, 0, (size_t)bytes)) return cut(c, "a name");
    c->at += (size_t)bytes;
    status = take(c, "the calls", INT32_MIN, 0, &calls);
    if (status == SW_OK) status = take(c, "the values", 1, 4, &n);
    if (status == SW_OK) status = add(c->ctx, c->name, m, name, (size_t)bytes, n, &e);
    if (status != SW_OK) return status;
    memcpy(e->value, c->data + c->at, (size_t)n * sizeof *e->value);
    c->at += (size_t)n * sizeof *e->value;
    for (int32_t i = 0; i < n && calls > 0; i++) e->value[i] /= (float)calls;
    return check(c->ctx, c->name, e);
}

static sw_status read_dat(sw_context *ctx, const char *name, const uint8_t *data, size_t size,
                          struct sw_imatrix *m)
{
    struct cursor c = {ctx, name, data, size, 0};
    int32_t entries = 0;
    sw_status status = take(&c, "the number of entries", 1, 16, &entries);
    for (int32_t i = 0; i < entries && status == SW_OK; i++) status = read_entry(&c, m);
    return status;
}

/* ---- both -------------------------------------------------------------------------------------- */

sw_status sw__imatrix_create(sw_context *ctx, struct sw_imatrix **out)
{
    *out = sw__calloc2(1, sizeof **out);
    return *out ? SW_OK : out_of_memory(ctx, "importances");
}

sw_status sw__imatrix_add(sw_context *ctx, struct sw_imatrix *m, const char *name,
                          const double *values, int64_t n)
{
    struct entry *e;
    sw_status status = add(ctx, "importances", m, name, strlen(name), n, &e);
    if (status != SW_OK) return status;
    for (int64_t i = 0; i < n; i++) e->value[i] = (float)values[i];
    return check(ctx, "importances", e);
}

sw_status sw__imatrix_finish(sw_context *ctx, struct sw_imatrix *m, const char *file)
{
    if (m->n == 0) return sw__fail(ctx, SW_ERR_FORMAT, "%s: no importances in it", file);
    qsort(m->entries, (size_t)m->n, sizeof *m->entries, by_name);
    for (int64_t i = 1; i < m->n; i++)
        if (by_name(&m->entries[i - 1], &m->entries[i]) == 0)
            return sw__fail(ctx, SW_ERR_FORMAT, "%s: '%.80s' is there twice", file,
                            m->entries[i].name);
    return SW_OK;
}

sw_status sw__imatrix_parse(sw_context *ctx, const char *name, const uint8_t *data, size_t size,
                            struct sw_imatrix **out)
{
    struct sw_imatrix *m;
    *out = NULL;
    if (sw__imatrix_create(ctx, &m) != SW_OK) return SW_ERR_MEMORY;
    const bool gguf = size >= 4 && memcmp(data, "GGUF", 4) == 0;
    sw_status status = (gguf ? read_gguf : read_dat)(ctx, name, data, size, m);
    if (status == SW_OK) status = sw__imatrix_finish(ctx, m, name);
    if (status == SW_OK)
        *out = m;
    else
        sw__imatrix_close(m);
    return status;
}

sw_status sw__imatrix_open(sw_context *ctx, const char *path, struct sw_imatrix **out)
{
    struct sw_mapping map;
    *out = NULL;
    sw_status status = sw__map_file(path, &map);
    if (status != SW_OK) return sw__fail(ctx, status, "%s: cannot read: %s", path, strerror(errno));
    status = sw__imatrix_parse(ctx, path, map.data, map.size, out);
    sw__unmap_file(&map);
    return status;
}

void sw__imatrix_close(struct sw_imatrix *m)
{
    if (!m) return;
    free(m->entries);
    sw__arena_free(&m->arena);
    free(m);
}

int64_t sw__imatrix_count(const struct sw_imatrix *m)
{
    return m->n;
}

const float *sw__imatrix_find(const struct sw_imatrix *m, const char *name, int64_t *n)
{
    const struct entry wanted = {.name = name};
    const struct entry *e = bsearch(&wanted, m->entries, (size_t)m->n, sizeof *m->entries, by_name);
    if (e) *n = e->n;
    return e ? e->value : NULL;
}
