/* Reading one GGUF file: see gguf.h for the format, gguf_split.c for models of several files.
 *
 * A cursor walks the file once.  Whatever it takes is compared with the bytes that are left, so a count
 * or a length that lies ends in an error, never in an allocation: a pair takes at least 13 bytes in the
 * file, a string 8, a tensor 24.  Strings of arrays are indexed on the way, as a vocabulary is asked for
 * by number.
 *
 * Stricter than ggml: booleans are 0 or 1, names hold no zero byte.  As lenient as the format's text:
 * tensors may lie in any order.  Left out: version 1 (counts of 32 bits, 2023), big-endian files, arrays
 * of arrays, which no model has. */
#include "format/gguf_int.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "base/context_int.h"
#include "base/size.h"

enum {
    STRING_BYTES = 8,
    PAIR_BYTES = STRING_BYTES + 1 + 4,
    TENSOR_BYTES = STRING_BYTES + 4 + 4 + 8
};

struct cursor {
    sw_context *ctx;
    const char *name;
    const uint8_t *data;
    size_t size, at;
};

__attribute__((format(printf, 4, 5))) static sw_status
fail(const struct cursor *c, sw_status status, size_t offset, const char *format, ...)
{
    char why[320];
    va_list args;
    va_start(args, format);
    vsnprintf(why, sizeof why, format, args);
    va_end(args);
    return sw__fail(c->ctx, status, "%s: offset %zu: %s", c->name, offset, why);
}

static sw_status out_of_memory(const struct cursor *c)
{
    return sw__fail(c->ctx, SW_ERR_MEMORY, "%s: out of memory", c->name);
}

/* ---- pieces ------------------------------------------------------------------------------------ */

uint64_t sw__gguf_load(const uint8_t *p, size_t bytes)
{
    uint64_t x = 0;
    while (bytes--) x = x << 8 | p[bytes];
    return x;
}

size_t sw__gguf_type_bytes(enum sw_gguf_type type)
{
    static const uint8_t bytes[] = {
#define TYPE_BYTES(name, text, bytes) bytes,
        SW_GGUF_TYPE_LIST(TYPE_BYTES)
#undef TYPE_BYTES
    };
    return bytes[type];
}

static size_t left(const struct cursor *c)
{
    return c->size - c->at;
}

static sw_status take(struct cursor *c, size_t bytes, const char *what, uint64_t *out)
{
    *out = 0;
    if (bytes > left(c)) return fail(c, SW_ERR_FORMAT, c->at, "the file ends inside %s", what);
    *out = sw__gguf_load(c->data + c->at, bytes);
    c->at += bytes;
    return SW_OK;
}

static sw_status take_string(struct cursor *c, const char *what, const char **text, size_t *bytes)
{
    uint64_t n;
    const size_t at = c->at;
    sw_status status = take(c, STRING_BYTES, what, &n);
    if (status != SW_OK) return status;
    if (n > left(c))
        return fail(c, SW_ERR_FORMAT, at, "%s of %llu bytes; the file has %zu more", what,
                    (unsigned long long)n, left(c));
    *text = (const char *)c->data + c->at;
    *bytes = (size_t)n;
    c->at += (size_t)n;
    return SW_OK;
}

/* A name or a key: not empty, no zero byte. */
static sw_status take_name(struct cursor *c, const char *what, const char **text, size_t *bytes)
{
    const size_t at = c->at;
    sw_status status = take_string(c, what, text, bytes);
    if (status == SW_OK && (*bytes == 0 || memchr(*text, 0, *bytes)))
        return fail(c, SW_ERR_FORMAT, at, "%s is empty or holds a zero byte", what);
    return status;
}

/* ---- metadata ---------------------------------------------------------------------------------- */

static int shown(const struct sw_gguf_pair *p)
{
    return p->key_bytes < 80 ? (int)p->key_bytes : 80;
}

static sw_status read_strings(struct cursor *c, struct sw_gguf_pair *p)
{
    const char *text;
    size_t bytes;
    if ((uint64_t)p->count > left(c) / STRING_BYTES)
        return fail(c, SW_ERR_FORMAT, c->at, "'%.*s': %lld strings in %zu bytes", shown(p), p->key,
                    (long long)p->count, left(c));
    p->strings = sw__calloc2((size_t)p->count + 1, sizeof *p->strings);
    if (!p->strings) return out_of_memory(c);
    for (int64_t i = 0; i < p->count; i++) {
        p->strings[i] = (size_t)(c->data + c->at - p->value);
        sw_status status = take_string(c, "a string of an array", &text, &bytes);
        if (status != SW_OK) return status;
    }
    return SW_OK;
}

static sw_status read_numbers(struct cursor *c, const struct sw_gguf_pair *p)
{
    const size_t each = sw__gguf_type_bytes(p->element);
    if ((uint64_t)p->count > left(c) / each)
        return fail(c, SW_ERR_FORMAT, c->at,
                    "'%.*s': %lld values of %zu bytes; the file has %zu more", shown(p), p->key,
                    (long long)p->count, each, left(c));
    c->at += (size_t)p->count * each;
    for (int64_t i = 0; p->element == SW_GGUF_BOOL && i < p->count; i++)
        if (p->value[i] > 1)
            return fail(c, SW_ERR_FORMAT, (size_t)(p->value + i - c->data),
                        "'%.*s' is neither true nor false", shown(p), p->key);
    return SW_OK;
}

/* The type of a value or of an array's elements. */
static sw_status read_type(struct cursor *c, const struct sw_gguf_pair *p, enum sw_gguf_type *out)
{
    uint64_t type;
    sw_status status = take(c, 4, "a type", &type);
    if (status != SW_OK) return status;
    if (type >= SW_GGUF_TYPES)
        return fail(c, SW_ERR_FORMAT, c->at - 4, "'%.*s' has the unknown type %u", shown(p), p->key,
                    (unsigned)type);
    *out = (enum sw_gguf_type)type;
    return SW_OK;
}

static sw_status read_array(struct cursor *c, struct sw_gguf_pair *p)
{
    uint64_t count;
    sw_status status = read_type(c, p, &p->element);
    if (status != SW_OK) return status;
    if (p->element == SW_GGUF_ARRAY)
        return fail(c, SW_ERR_UNSUPPORTED, c->at - 4, "'%.*s' is an array of arrays", shown(p),
                    p->key);
    status = take(c, 8, "the length of an array", &count);
    if (status != SW_OK) return status;
    if (count > left(c))
        return fail(c, SW_ERR_FORMAT, c->at - 8,
                    "'%.*s' has %llu elements; the file has %zu bytes more", shown(p), p->key,
                    (unsigned long long)count, left(c));
    p->count = (int64_t)count;
    return SW_OK;
}

static sw_status read_pair(struct cursor *c, struct sw_gguf_pair *p)
{
    sw_status status = take_name(c, "a key", &p->key, &p->key_bytes);
    if (status == SW_OK) status = read_type(c, p, &p->type);
    p->element = p->type;
    p->count = 1;
    if (status == SW_OK && p->type == SW_GGUF_ARRAY) status = read_array(c, p);
    if (status != SW_OK) return status;
    p->value = c->data + c->at;
    status = p->element == SW_GGUF_STRING ? read_strings(c, p) : read_numbers(c, p);
    p->value_bytes = (size_t)(c->data + c->at - p->value);
    return status;
}

static int compare_keys(const struct sw_gguf_pair *x, const struct sw_gguf_pair *y)
{
    const size_t least = x->key_bytes < y->key_bytes ? x->key_bytes : y->key_bytes;
    const int order = memcmp(x->key, y->key, least);
    return order ? order : x->key_bytes < y->key_bytes ? -1 : x->key_bytes > y->key_bytes;
}

static int by_key(const void *a, const void *b)
{
    const struct sw_gguf_pair *const *x = a, *const *y = b;
    return compare_keys(*x, *y);
}

const struct sw_gguf_pair *sw__gguf_part_find(const struct sw_gguf_part *part, const char *key)
{
    const struct sw_gguf_pair wanted = {.key = key, .key_bytes = strlen(key)}, *at = &wanted;
    const struct sw_gguf_pair **found = bsearch(&at, part->by_key, (size_t)part->n_pairs,
                                                sizeof *part->by_key, by_key);
    return found ? *found : NULL;
}

static sw_status read_pairs(struct cursor *c, struct sw_gguf_part *part, uint64_t count)
{
    if (count > left(c) / PAIR_BYTES)
        return fail(c, SW_ERR_FORMAT, 16, "%llu pairs of metadata in %zu bytes",
                    (unsigned long long)count, left(c));
    part->pairs = sw__calloc2((size_t)count + 1, sizeof *part->pairs);
    part->by_key = sw__calloc2((size_t)count + 1, sizeof *part->by_key);
    if (!part->pairs || !part->by_key) return out_of_memory(c);
    for (uint64_t i = 0; i < count; i++) {
        struct sw_gguf_pair *p = &part->pairs[part->n_pairs];
        part->by_key[part->n_pairs++] = p;
        sw_status status = read_pair(c, p);
        if (status != SW_OK) return status;
    }
    qsort(part->by_key, (size_t)count, sizeof *part->by_key, by_key);
    for (uint64_t i = 1; i < count; i++) {
        const struct sw_gguf_pair *p = part->by_key[i];
        if (compare_keys(part->by_key[i - 1], p) == 0)
            return fail(c, SW_ERR_FORMAT, (size_t)((const uint8_t *)p->key - c->data),
                        "the key '%.*s' is there twice", shown(p), p->key);
    }
    return SW_OK;
}

/* ---- tensors ----------------------------------------------------------------------------------- */

static const struct {
    unsigned number;
    const char *name;
    sw_dtype dtype;
} ggml_types[] = {
#define TYPE_ROW(number, name, dtype) {number, name, dtype},
    SW_GGML_TYPE_LIST(TYPE_ROW)
#undef TYPE_ROW
};

static sw_status read_dtype(struct cursor *c, struct sw_gguf_tensor *t)
{
    uint64_t number;
    sw_status status = take(c, 4, "a tensor's type", &number);
    if (status != SW_OK) return status;
    for (size_t i = 0; i < sizeof ggml_types / sizeof *ggml_types; i++) {
        if (ggml_types[i].number != number) continue;
        t->dtype = ggml_types[i].dtype;
        if (t->dtype != SW_DTYPE_COUNT) return SW_OK;
        return fail(c, SW_ERR_UNSUPPORTED, c->at - 4,
                    "tensor '%.80s' is of type %s, which is not supported", t->name,
                    ggml_types[i].name);
    }
    return fail(c, SW_ERR_UNSUPPORTED, c->at - 4, "tensor '%.80s' is of the unknown type %u",
                t->name, (unsigned)number);
}

static sw_status read_shape(struct cursor *c, struct sw_gguf_tensor *t)
{
    uint64_t rank, dim;
    sw_status status = take(c, 4, "a tensor's rank", &rank);
    if (status != SW_OK) return status;
    if (rank > SW_GGUF_RANK)
        return fail(c, SW_ERR_FORMAT, c->at - 4,
                    "tensor '%.80s' has %u dimensions; at most %d are allowed", t->name,
                    (unsigned)rank, SW_GGUF_RANK);
    t->shape.rank = (int)rank;
    for (int i = (int)rank - 1; i >= 0; i--) {
        status = take(c, 8, "a tensor's shape", &dim);
        if (status != SW_OK) return status;
        if (dim > INT64_MAX)
            return fail(c, SW_ERR_FORMAT, c->at - 8, "tensor '%.80s' has a dimension of %llu",
                        t->name, (unsigned long long)dim);
        t->shape.dim[i] = (int64_t)dim;
    }
    return SW_OK;
}

/* What stands in the file of one tensor; its data is still an offset. */
static sw_status read_tensor(struct cursor *c, struct sw_arena *arena, struct sw_gguf_tensor *t,
                             uint64_t *offset)
{
    const char *name;
    char text[SW_SHAPE_TEXT];
    size_t bytes;
    const size_t at = c->at;
    sw_status status = take_name(c, "a tensor's name", &name, &bytes);
    if (status != SW_OK) return status;
    char *copy = sw__arena_alloc(arena, bytes + 1);
    if (!copy) return out_of_memory(c);
    memcpy(copy, name, bytes);
    t->name = copy;
    status = read_shape(c, t);
    if (status == SW_OK) status = read_dtype(c, t);
    if (status == SW_OK) status = take(c, 8, "a tensor's offset", offset);
    if (status != SW_OK) return status;
    t->bytes = sw_shape_bytes(&t->shape, t->dtype);
    if (t->bytes < 0)
        return fail(c, SW_ERR_FORMAT, at, "tensor '%.80s' of shape %s %s", t->name,
                    sw_shape_text(&t->shape, text),
                    sw_shape_elements(&t->shape) < 0 ? "is too large to be"
                                                     : "has rows of no whole blocks");
    return SW_OK;
}

static sw_status read_alignment(const struct cursor *c, const struct sw_gguf_part *part,
                                size_t *out)
{
    const struct sw_gguf_pair *p = sw__gguf_part_find(part, "general.alignment");
    int64_t alignment = SW_GGUF_ALIGNMENT;
    if (p && (p->type == SW_GGUF_ARRAY || !sw__gguf_pair_integer(p, 0, &alignment) ||
              alignment < 8 || alignment > 1 << 30 || (alignment & (alignment - 1))))
        return fail(c, SW_ERR_FORMAT, (size_t)(p->value - c->data),
                    "general.alignment is no power of two from 8 on");
    *out = (size_t)alignment;
    return SW_OK;
}

/* Tensors' offsets into pointers.  The data begins behind the cursor, on the alignment. */
static sw_status place(const struct cursor *c, const struct sw_gguf_part *part,
                       const uint64_t *offsets, uint64_t count)
{
    size_t alignment = SW_GGUF_ALIGNMENT;
    sw_status status = read_alignment(c, part, &alignment);
    if (status != SW_OK) return status;
    const size_t start = (c->at + alignment - 1) / alignment * alignment;
    const size_t room = start < c->size ? c->size - start : 0;
    for (uint64_t i = 0; i < count; i++) {
        struct sw_gguf_tensor *t = &part->tensors[i];
        if (offsets[i] % alignment)
            return fail(c, SW_ERR_FORMAT, start,
                        "tensor '%.80s' begins at %llu, not a multiple of %zu", t->name,
                        (unsigned long long)offsets[i], alignment);
        if (offsets[i] > room || (uint64_t)t->bytes > room - offsets[i])
            return fail(c, SW_ERR_FORMAT, start,
                        "tensor '%.80s' has %lld bytes from %llu of the %zu that are there",
                        t->name, (long long)t->bytes, (unsigned long long)offsets[i], room);
        t->data = room ? c->data + start + (size_t)offsets[i] : c->data;
    }
    return SW_OK;
}

static sw_status read_tensors(struct cursor *c, struct sw_arena *arena, struct sw_gguf_part *part,
                              uint64_t count)
{
    part->tensors = sw__calloc2((size_t)count + 1, sizeof *part->tensors);
    uint64_t *offsets = sw__calloc2((size_t)count + 1, sizeof *offsets);
    sw_status status = part->tensors && offsets ? SW_OK : out_of_memory(c);
    for (uint64_t i = 0; i < count && status == SW_OK; i++)
        status = read_tensor(c, arena, &part->tensors[i], &offsets[i]);
    if (status == SW_OK) status = place(c, part, offsets, count);
    if (status == SW_OK) part->n_tensors = (int64_t)count;
    free(offsets);
    return status;
}

/* ---- one file ---------------------------------------------------------------------------------- */

static sw_status read_version(struct cursor *c)
{
    uint64_t version;
    if (left(c) < 4 || memcmp(c->data, "GGUF", 4) != 0)
        return fail(c, SW_ERR_FORMAT, 0, "the file does not begin with 'GGUF'");
    c->at = 4;
    sw_status status = take(c, 4, "the version", &version);
    if (status != SW_OK) return status;
    if (version && !(version & 0xFFFF)) return fail(c, SW_ERR_UNSUPPORTED, 4, "a big-endian file");
    if (version < 2 || version > SW_GGUF_VERSION)
        return fail(c, SW_ERR_UNSUPPORTED, 4, "version %u; 2 and 3 are supported",
                    (unsigned)version);
    return SW_OK;
}

sw_status sw__gguf_read_part(sw_context *ctx, struct sw_arena *arena, struct sw_gguf_part *part)
{
    struct cursor c = {ctx, part->name, part->map.data, part->map.size, 0};
    uint64_t tensors = 0, pairs = 0;
    sw_status status = read_version(&c);
    if (status == SW_OK) status = take(&c, 8, "the number of tensors", &tensors);
    if (status == SW_OK) status = take(&c, 8, "the number of pairs", &pairs);
    if (status != SW_OK) return status;
    if (tensors > left(&c) / TENSOR_BYTES)
        return fail(&c, SW_ERR_FORMAT, 8, "%llu tensors in %zu bytes", (unsigned long long)tensors,
                    left(&c));
    status = read_pairs(&c, part, pairs);
    return status == SW_OK ? read_tensors(&c, arena, part, tensors) : status;
}
