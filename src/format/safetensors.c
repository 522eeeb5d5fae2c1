/* Reading safetensors: see safetensors.h for the format, safetensors_write.c for the other way.
 *
 * As strict as the format's own reader (rust, `Metadata::validate`): a header of at most 100 MB that
 * begins with '{', no name twice, offsets in order, no gap, no overlap, nothing behind the last
 * tensor.  Stricter: no unknown keys in a tensor's entry.  What memory is taken depends on the bytes
 * that are there, never on a number that they claim. */
#include "format/safetensors.h"

#include <errno.h>
#include <jansson.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "base/context_int.h"
#include "base/size.h"
#include "format/json_read.h"

#define LENGTH_BYTES 8
#define HEADER_LIMIT 100000000u

/* X(name in the file, bytes, our dtype). */
#define FILE_DTYPES(X)                                                                             \
    X("F32", 4, SW_F32)                                                                            \
    X("F16", 2, SW_F16)                                                                            \
    X("BF16", 2, SW_BF16)                                                                          \
    X("I32", 4, SW_I32)                                                                            \
    X("I8", 1, SW_I8)                                                                              \
    X("U8", 1, SW_U8)                                                                              \
    X("BOOL", 1, SW_U8)                                                                            \
    X("F64", 8, SW_DTYPE_COUNT)                                                                    \
    X("I64", 8, SW_DTYPE_COUNT)                                                                    \
    X("U64", 8, SW_DTYPE_COUNT)                                                                    \
    X("U32", 4, SW_DTYPE_COUNT)                                                                    \
    X("I16", 2, SW_DTYPE_COUNT)                                                                    \
    X("U16", 2, SW_DTYPE_COUNT)                                                                    \
    X("F8_E4M3", 1, SW_DTYPE_COUNT)                                                                \
    X("F8_E5M2", 1, SW_DTYPE_COUNT)

static const struct {
    const char *name;
    int bytes;
    sw_dtype dtype;
} file_dtypes[] = {
#define DTYPE_ROW(name, bytes, dtype) {name, bytes, dtype},
    FILE_DTYPES(DTYPE_ROW)
#undef DTYPE_ROW
};

/* What the parser is working on. */
struct parse {
    char *error;
    size_t header, size; /* bytes of the header, of the file */
};

__attribute__((format(printf, 3, 4))) static sw_status fail(const struct parse *p, size_t offset,
                                                            const char *format, ...)
{
    va_list args;
    int n = snprintf(p->error, SW_SAFETENSORS_ERROR, "offset %zu: ", offset);
    va_start(args, format);
    vsnprintf(p->error + n, SW_SAFETENSORS_ERROR - (size_t)n, format, args);
    va_end(args);
    return SW_ERR_FORMAT;
}

static sw_status out_of_memory(const struct parse *p)
{
    snprintf(p->error, SW_SAFETENSORS_ERROR, "out of memory for the header");
    return SW_ERR_MEMORY;
}

/* ---- header ------------------------------------------------------------------------------------ */

static uint64_t read_u64(const uint8_t *p)
{
    uint64_t x = 0;
    for (int i = 7; i >= 0; i--) x = x << 8 | p[i];
    return x;
}

static sw_status read_header(const struct parse *p, const uint8_t *data, json_t **out)
{
    struct sw_json_error why;
    sw_status status = sw__json_read((const char *)data + LENGTH_BYTES, p->header, out, &why);
    if (status == SW_ERR_MEMORY) return out_of_memory(p);
    if (status != SW_OK)
        return fail(p, LENGTH_BYTES + why.offset, "the header is no JSON: %s", why.why);
    if (!json_is_object(*out)) return fail(p, LENGTH_BYTES, "the header is no JSON object");
    const json_t *metadata = json_object_get(*out, "__metadata__");
    if (!metadata) return SW_OK;
    if (!json_is_object(metadata)) return fail(p, LENGTH_BYTES, "__metadata__ is no object");
    const char *key;
    json_t *value;
    json_object_foreach((json_t *)metadata, key, value)
    {
        if (!json_is_string(value))
            return fail(p, LENGTH_BYTES, "__metadata__: '%.80s' is no string", key);
    }
    return SW_OK;
}

/* ---- one tensor -------------------------------------------------------------------------------- */

static sw_status read_dtype(const struct parse *p, const json_t *entry, struct sw_safetensor *t)
{
    const char *name = json_string_value(json_object_get(entry, "dtype"));
    if (!name) return fail(p, LENGTH_BYTES, "tensor '%.80s' has no dtype", t->name);
    for (size_t i = 0; i < sizeof file_dtypes / sizeof *file_dtypes; i++)
        if (strcmp(name, file_dtypes[i].name) == 0) {
            t->dtype_name = file_dtypes[i].name;
            t->dtype = file_dtypes[i].dtype;
            t->element_bytes = file_dtypes[i].bytes;
            return SW_OK;
        }
    return fail(p, LENGTH_BYTES, "tensor '%.80s' has the unknown dtype '%.20s'", t->name, name);
}

/* The shape, and the bytes that it makes together with the dtype. */
static sw_status read_shape(const struct parse *p, const json_t *entry, struct sw_safetensor *t)
{
    const json_t *shape = json_object_get(entry, "shape");
    if (!json_is_array(shape)) return fail(p, LENGTH_BYTES, "tensor '%.80s' has no shape", t->name);
    size_t rank = json_array_size(shape);
    if (rank > SW_MAX_RANK)
        return fail(p, LENGTH_BYTES, "tensor '%.80s' has %zu dimensions; %d are supported", t->name,
                    rank, SW_MAX_RANK);
    t->shape.rank = (int)rank;
    for (size_t i = 0; i < rank; i++) {
        const json_t *dim = json_array_get(shape, i);
        if (!json_is_integer(dim) || json_integer_value(dim) < 0)
            return fail(p, LENGTH_BYTES, "tensor '%.80s': dimension %zu is no size", t->name, i);
        t->shape.dim[i] = json_integer_value(dim);
    }
    int64_t elements = sw_shape_elements(&t->shape);
    if (elements < 0 || !sw__size_mul((size_t)elements, (size_t)t->element_bytes, &t->bytes))
        return fail(p, LENGTH_BYTES, "tensor '%.80s' is too large to be", t->name);
    return SW_OK;
}

static sw_status read_offsets(const struct parse *p, const json_t *entry, struct sw_safetensor *t)
{
    const json_t *offsets = json_object_get(entry, "data_offsets");
    const json_t *first = json_array_get(offsets, 0), *last = json_array_get(offsets, 1);
    if (json_array_size(offsets) != 2 || !json_is_integer(first) || !json_is_integer(last))
        return fail(p, LENGTH_BYTES, "tensor '%.80s' has no pair of data_offsets", t->name);
    json_int_t begin = json_integer_value(first), end = json_integer_value(last);
    size_t start = LENGTH_BYTES + p->header, room = p->size - start;
    if (begin < 0 || end < begin || (uint64_t)end > room)
        return fail(p, start, "tensor '%.80s' has bytes %lld to %lld of %zu", t->name,
                    (long long)begin, (long long)end, room);
    if ((uint64_t)(end - begin) != t->bytes)
        return fail(p, start + (size_t)begin,
                    "tensor '%.80s' has %lld bytes, but its shape makes %zu", t->name,
                    (long long)(end - begin), t->bytes);
    t->offset = start + (size_t)begin;
    return SW_OK;
}

static sw_status read_tensor(const struct parse *p, const char *name, const json_t *entry,
                             struct sw_safetensor *t)
{
    *t = (struct sw_safetensor){.name = name};
    if (!*name) return fail(p, LENGTH_BYTES, "a tensor without a name");
    if (!json_is_object(entry))
        return fail(p, LENGTH_BYTES, "the entry of tensor '%.80s' is no object", name);
    sw_status status = read_dtype(p, entry, t);
    if (status == SW_OK) status = read_shape(p, entry, t);
    if (status == SW_OK) status = read_offsets(p, entry, t);
    if (status == SW_OK && json_object_size(entry) != 3)
        return fail(p, LENGTH_BYTES, "tensor '%.80s' has more than dtype, shape and data_offsets",
                    name);
    return status;
}

/* ---- all tensors ------------------------------------------------------------------------------- */

static int by_offset(const void *a, const void *b)
{
    const struct sw_safetensor *x = a, *y = b;
    if (x->offset != y->offset) return x->offset < y->offset ? -1 : 1;
    if (x->bytes != y->bytes) return x->bytes < y->bytes ? -1 : 1; /* empty ones first */
    return strcmp(x->name, y->name);
}

static int by_name(const void *a, const void *b)
{
    const struct sw_safetensor *const *x = a, *const *y = b;
    return strcmp((*x)->name, (*y)->name);
}

/* In their order the tensors must cover the data from its first byte to its last. */
static sw_status check_cover(const struct parse *p, const struct sw_safetensors *st)
{
    size_t end = LENGTH_BYTES + p->header;
    for (int64_t i = 0; i < st->n; i++) {
        const struct sw_safetensor *t = &st->tensors[i];
        if (t->offset > end)
            return fail(p, end, "%zu bytes before tensor '%.80s' belong to none", t->offset - end,
                        t->name);
        if (t->offset < end)
            return fail(p, t->offset, "tensors '%.80s' and '%.80s' overlap", t[-1].name, t->name);
        end += t->bytes;
    }
    if (end < p->size) return fail(p, end, "%zu bytes belong to no tensor", p->size - end);
    return SW_OK;
}

static sw_status read_tensors(const struct parse *p, struct sw_safetensors *st)
{
    size_t most = json_object_size(st->header) + 1;
    st->tensors = sw__calloc2(most, sizeof *st->tensors);
    st->by_name = sw__calloc2(most, sizeof *st->by_name);
    if (!st->tensors || !st->by_name) return out_of_memory(p);
    const char *name;
    json_t *entry;
    json_object_foreach(st->header, name, entry)
    {
        if (strcmp(name, "__metadata__") == 0) continue;
        sw_status status = read_tensor(p, name, entry, &st->tensors[st->n]);
        if (status != SW_OK) return status;
        st->n++;
    }
    qsort(st->tensors, (size_t)st->n, sizeof *st->tensors, by_offset);
    for (int64_t i = 0; i < st->n; i++) st->by_name[i] = &st->tensors[i];
    qsort(st->by_name, (size_t)st->n, sizeof *st->by_name, by_name);
    return check_cover(p, st);
}

sw_status sw__safetensors_parse(const uint8_t *data, size_t size, struct sw_safetensors *out,
                                char *error)
{
    struct parse p = {.error = error, .size = size};
    *out = (struct sw_safetensors){0};
    if (size < LENGTH_BYTES)
        return fail(&p, size, "the file ends inside the first %d bytes", LENGTH_BYTES);
    uint64_t header = read_u64(data);
    if (header > HEADER_LIMIT)
        return fail(&p, 0, "a header of %llu bytes; at most %u are allowed",
                    (unsigned long long)header, HEADER_LIMIT);
    if (header > size - LENGTH_BYTES)
        return fail(&p, 0, "a header of %llu bytes in a file of %zu", (unsigned long long)header,
                    size);
    p.header = (size_t)header;
    if (header < 2 || data[LENGTH_BYTES] != '{')
        return fail(&p, LENGTH_BYTES, "the header does not begin with '{'");
    sw_status status = read_header(&p, data, &out->header);
    if (status == SW_OK) status = read_tensors(&p, out);
    if (status != SW_OK) sw__safetensors_free(out);
    return status;
}

void sw__safetensors_free(struct sw_safetensors *st)
{
    free(st->tensors);
    free(st->by_name);
    json_decref(st->header);
    *st = (struct sw_safetensors){0};
}

sw_status sw__safetensors_open(sw_context *ctx, const char *path, struct sw_mapping *map,
                               struct sw_safetensors *out)
{
    char error[SW_SAFETENSORS_ERROR];
    *out = (struct sw_safetensors){0};
    sw_status status = sw__map_file(path, map);
    if (status != SW_OK) return sw__fail(ctx, status, "%s: cannot read: %s", path, strerror(errno));
    status = sw__safetensors_parse(map->data, map->size, out, error);
    if (status == SW_OK) return SW_OK;
    sw__unmap_file(map);
    return sw__fail(ctx, status, "%s: %s", path, error);
}

/* ---- looking things up ------------------------------------------------------------------------- */

const struct sw_safetensor *sw__safetensors_find(const struct sw_safetensors *st, const char *name)
{
    const struct sw_safetensor key = {.name = name}, *at = &key;
    const struct sw_safetensor **found = bsearch(&at, st->by_name, (size_t)st->n,
                                                 sizeof *st->by_name, by_name);
    return found ? *found : NULL;
}

const char *sw__safetensors_metadata(const struct sw_safetensors *st, const char *key)
{
    return json_string_value(json_object_get(json_object_get(st->header, "__metadata__"), key));
}

void sw__safetensors_each_metadata(const struct sw_safetensors *st,
                                   void (*call)(void *user, const char *key, const char *value),
                                   void *user)
{
    const char *key;
    json_t *value;
    json_object_foreach(json_object_get(st->header, "__metadata__"), key, value)
    {
        call(user, key, json_string_value(value));
    }
}
