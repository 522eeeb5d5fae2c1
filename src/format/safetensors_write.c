/* Writing safetensors: see safetensors.h.
 *
 * Tensors are sorted by the size of their elements, the widest first and otherwise in the order given,
 * and the header is padded with spaces to a multiple of 64 bytes: so every tensor lies on a multiple
 * of its element's size, and a mapped file can be computed with as it is. */
#include <errno.h>
#include <jansson.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include "base/context_int.h"
#include "base/file.h"
#include "base/size.h"
#include "format/safetensors.h"

#define LENGTH_BYTES 8
#define HEADER_LIMIT 100000000u

/* The format's name of a dtype; NULL for block types, which it does not have. */
static const char *dtype_name(sw_dtype dtype)
{
    switch (dtype) {
    case SW_F32: return "F32";
    case SW_F16: return "F16";
    case SW_BF16: return "BF16";
    case SW_I32: return "I32";
    case SW_I8: return "I8";
    case SW_U8: return "U8";
    default: return NULL;
    }
}

/* RFC 3629: no overlong forms, no surrogates, nothing above U+10FFFF. */
bool sw__safetensors_utf8(const char *text)
{
    const unsigned char *s = (const unsigned char *)text;
    while (*s) {
        int more = *s < 0x80 ? 0 : *s >= 0xC2 && *s < 0xE0 ? 1 : (*s & 0xF0) == 0xE0 ? 2 : 3;
        if (more == 3 && (*s < 0xF0 || *s > 0xF4)) return false;
        if ((*s == 0xE0 && s[1] < 0xA0) || (*s == 0xED && s[1] > 0x9F)) return false;
        if ((*s == 0xF0 && s[1] < 0x90) || (*s == 0xF4 && s[1] > 0x8F)) return false;
        for (s++; more > 0; more--, s++)
            if ((*s & 0xC0) != 0x80) return false;
    }
    return true;
}

/* ---- what is to be written --------------------------------------------------------------------- */

struct item {
    const struct sw_safetensors_entry *entry;
    int64_t place; /* in the order given */
    size_t bytes;
};

static int by_width(const void *a, const void *b)
{
    const struct item *x = a, *y = b;
    int p = sw_dtype_get(x->entry->tensor.dtype)->block_bytes;
    int q = sw_dtype_get(y->entry->tensor.dtype)->block_bytes;
    if (p != q) return p > q ? -1 : 1;
    return x->place < y->place ? -1 : x->place > y->place;
}

static sw_status collect(sw_context *ctx, const char *path,
                         const struct sw_safetensors_entry *entries, int64_t n, struct item *items)
{
    for (int64_t i = 0; i < n; i++) {
        const sw_tensor *t = &entries[i].tensor;
        const sw_dtype_info *info = sw_dtype_get(t->dtype);
        int64_t bytes = sw_shape_bytes(&t->shape, t->dtype);
        if (!info || !dtype_name(t->dtype))
            return sw__fail(ctx, SW_ERR_UNSUPPORTED, "%s: '%s' is %s, which safetensors has not",
                            path, entries[i].name, info ? info->name : "of no dtype");
        if (bytes < 0)
            return sw__fail(ctx, SW_ERR_SIZE, "%s: '%s' has no possible size", path,
                            entries[i].name);
        if (!*entries[i].name || strcmp(entries[i].name, "__metadata__") == 0 ||
            !sw__safetensors_utf8(entries[i].name))
            return sw__fail(ctx, SW_ERR_ARGUMENT, "%s: '%s' cannot be the name of a tensor", path,
                            entries[i].name);
        items[i] = (struct item){&entries[i], i, (size_t)bytes};
    }
    qsort(items, (size_t)n, sizeof *items, by_width);
    return SW_OK;
}

/* ---- header ------------------------------------------------------------------------------------ */

/* {"dtype": ..., "shape": [...], "data_offsets": [begin, end]}; NULL: out of memory. */
static json_t *describe(const sw_tensor *t, size_t begin, size_t end)
{
    json_t *entry = json_object(), *shape = json_array(), *offsets = json_array();
    bool ok = entry && shape && offsets;
    for (int i = 0; ok && i < t->shape.rank; i++)
        ok = json_array_append_new(shape, json_integer(t->shape.dim[i])) == 0;
    ok = ok && json_array_append_new(offsets, json_integer((json_int_t)begin)) == 0 &&
         json_array_append_new(offsets, json_integer((json_int_t)end)) == 0 &&
         json_object_set_new(entry, "dtype", json_string(dtype_name(t->dtype))) == 0 &&
         json_object_set(entry, "shape", shape) == 0 &&
         json_object_set(entry, "data_offsets", offsets) == 0;
    json_decref(shape);
    json_decref(offsets);
    if (ok) return entry;
    json_decref(entry);
    return NULL;
}

static sw_status add_metadata(sw_context *ctx, const char *path, json_t *root,
                              const char *const *metadata)
{
    json_t *pairs = json_object();
    if (!pairs || json_object_set_new(root, "__metadata__", pairs))
        return sw__fail(ctx, SW_ERR_MEMORY, "%s: out of memory", path);
    for (; metadata[0]; metadata += 2) {
        if (!metadata[1] || !sw__safetensors_utf8(metadata[0]) ||
            !sw__safetensors_utf8(metadata[1]))
            return sw__fail(ctx, SW_ERR_ARGUMENT, "%s: metadata '%s' is no text", path,
                            metadata[0]);
        if (json_object_get(pairs, metadata[0]))
            return sw__fail(ctx, SW_ERR_ARGUMENT, "%s: metadata '%s' is there twice", path,
                            metadata[0]);
        if (json_object_set_new(pairs, metadata[0], json_string(metadata[1])))
            return sw__fail(ctx, SW_ERR_MEMORY, "%s: out of memory", path);
    }
    return SW_OK;
}

static sw_status add_tensors(sw_context *ctx, const char *path, json_t *root,
                             const struct item *items, int64_t n)
{
    size_t begin = 0, end;
    for (int64_t i = 0; i < n; i++, begin = end) {
        const char *name = items[i].entry->name;
        if (!sw__size_add(begin, items[i].bytes, &end) || end > INT64_MAX)
            return sw__fail(ctx, SW_ERR_SIZE, "%s: the tensors are too large", path);
        if (json_object_get(root, name))
            return sw__fail(ctx, SW_ERR_ARGUMENT, "%s: '%s' is there twice", path, name);
        if (json_object_set_new(root, name, describe(&items[i].entry->tensor, begin, end)))
            return sw__fail(ctx, SW_ERR_MEMORY, "%s: out of memory", path);
    }
    return SW_OK;
}

/* The header's text, without its padding.  The caller frees *text. */
static sw_status make_header(sw_context *ctx, const char *path, const struct item *items, int64_t n,
                             const char *const *metadata, char **text)
{
    json_t *root = json_object();
    *text = NULL;
    sw_status status = root ? SW_OK : sw__fail(ctx, SW_ERR_MEMORY, "%s: out of memory", path);
    if (status == SW_OK && metadata && metadata[0])
        status = add_metadata(ctx, path, root, metadata);
    if (status == SW_OK) status = add_tensors(ctx, path, root, items, n);
    if (status == SW_OK) {
        *text = json_dumps(root, JSON_COMPACT);
        if (!*text) status = sw__fail(ctx, SW_ERR_MEMORY, "%s: out of memory", path);
    }
    json_decref(root);
    return status;
}

/* ---- file -------------------------------------------------------------------------------------- */

static void write_header(struct sw_file *file, const char *text, size_t length, size_t padded)
{
    static const char spaces[64] =
        "                                                                ";
    uint8_t bytes[LENGTH_BYTES];
    for (int i = 0; i < LENGTH_BYTES; i++) bytes[i] = (uint8_t)((uint64_t)padded >> (8 * i));
    sw__file_write(file, bytes, sizeof bytes);
    sw__file_write(file, text, length);
    sw__file_write(file, spaces, padded - length);
}

static sw_status write_file(sw_context *ctx, const char *path, const char *text,
                            const struct item *items, int64_t n)
{
    struct sw_file file;
    size_t length = strlen(text);
    size_t padded = (size_t)sw__round_up((int64_t)length + LENGTH_BYTES, SW_ALIGN) - LENGTH_BYTES;
    if (padded > HEADER_LIMIT)
        return sw__fail(ctx, SW_ERR_SIZE, "%s: a header of %zu bytes is above the format's limit",
                        path, padded);
    sw_status status = sw__file_create(path, &file);
    if (status == SW_OK) {
        write_header(&file, text, length, padded);
        for (int64_t i = 0; i < n; i++)
            sw__file_write(&file, items[i].entry->tensor.data, items[i].bytes);
        status = sw__file_commit(&file);
    }
    if (status == SW_ERR_MEMORY) return sw__fail(ctx, status, "%s: out of memory", path);
    if (status != SW_OK)
        return sw__fail(ctx, status, "%s: cannot write: %s", path, strerror(errno));
    return SW_OK;
}

sw_status sw__safetensors_write(sw_context *ctx, const char *path,
                                const struct sw_safetensors_entry *entries, int64_t n,
                                const char *const *metadata)
{
    char *text = NULL;
    struct item *items = sw__calloc2((size_t)n + 1, sizeof *items);
    if (!items) return sw__fail(ctx, SW_ERR_MEMORY, "%s: out of memory", path);
    sw_status status = collect(ctx, path, entries, n, items);
    if (status == SW_OK) status = make_header(ctx, path, items, n, metadata, &text);
    if (status == SW_OK) status = write_file(ctx, path, text, items, n);
    free(text);
    free(items);
    return status;
}
