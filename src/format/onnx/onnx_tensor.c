/* The constants of ONNX files: TensorProto with its numbers in raw_data, in the field of their type, or
 * in a file beside the model (onnx.ai, docs/ExternalData.md). */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "base/context_int.h"
#include "base/size.h"
#include "format/onnx/onnx_file.h"
#include "format/onnx/onnx_wire.h"
#include "format/sha1.h"

#define EXTERNAL 1 /* TensorProto.data_location */

static sw_status fail(char *why, sw_status status, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
static sw_status fail(char *why, sw_status status, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    vsnprintf(why, SW_ONNX_WHY, format, args);
    va_end(args);
    return status;
}

/* ---- external data ------------------------------------------------------------------------------ */

static const char *entry(const Onnx__TensorProto *t, const char *key)
{
    for (size_t i = 0; i < t->n_external_data; i++)
        if (t->external_data[i]->key && strcmp(t->external_data[i]->key, key) == 0)
            return t->external_data[i]->value;
    return NULL;
}

/* A plain number, or absent: then *out stays. */
static bool number(const char *text, size_t *out)
{
    char *end;
    if (!text) return true;
    errno = 0;
    unsigned long long value = strtoull(text, &end, 10);
    if (*text < '0' || *text > '9' || *end || errno || value > SIZE_MAX) return false;
    *out = (size_t)value;
    return true;
}

/* A path that stays below the folder where it begins. */
static bool stays_below(const char *path)
{
    if (!*path || *path == '/' || strchr(path, '\\')) return false;
    for (const char *at = path; *at;) {
        size_t n = strcspn(at, "/");
        if (n == 0 || (n == 2 && at[0] == '.' && at[1] == '.')) return false;
        at += n;
        if (*at == '/' && !*++at) return false;
    }
    return true;
}

static sw_status map_external(sw_onnx *m, const char *location, const struct sw_mapping **out,
                              char *why)
{
    char text[SW_ONNX_TEXT];
    for (int64_t i = 0; i < m->n_external; i++)
        if (strcmp(m->external[i].name, location) == 0) {
            *out = &m->external[i].map;
            return SW_OK;
        }
    const char *slash = strrchr(m->path, '/');
    size_t folder = slash ? (size_t)(slash - m->path) + 1 : 0;
    char *path = malloc(folder + strlen(location) + 1), *name = strdup(location);
    struct sw_mapping map;
    bool memory = path && name &&
                  sw__grow(&m->external, &m->external_capacity, m->n_external + 1,
                           sizeof *m->external);
    if (memory) {
        memcpy(path, m->path, folder);
        strcpy(path + folder, location);
    }
    sw_status status = memory ? sw__map_file(path, &map) : SW_ERR_MEMORY;
    free(path);
    if (status == SW_OK) {
        m->external[m->n_external] = (struct sw_onnx_external){.name = name, .map = map};
        *out = &m->external[m->n_external++].map;
        return SW_OK;
    }
    free(name);
    return memory ? fail(why, status, "cannot read its file '%s': %s",
                         sw__onnx_text(location, text), strerror(errno))
                  : fail(why, status, "out of memory");
}

/* The checksum of a mapped file, computed once. */
static const char *external_sum(sw_onnx *m, const char *location)
{
    for (int64_t i = 0; i < m->n_external; i++) {
        struct sw_onnx_external *e = &m->external[i];
        if (strcmp(e->name, location) != 0) continue;
        if (!*e->sha1) sw__sha1(e->map.data, e->map.size, e->sha1);
        return e->sha1;
    }
    return "";
}

sw_status sw__onnx_external(sw_onnx *m, const Onnx__TensorProto *t, const uint8_t **data,
                            size_t *size, char *why)
{
    char text[SW_ONNX_TEXT];
    const char *location = entry(t, "location");
    const struct sw_mapping *map = NULL;
    size_t offset = 0, length;
    if (!m || !m->on_disk)
        return fail(why, SW_ERR_UNSUPPORTED,
                    "its numbers are in another file, and there is no folder");
    if (!location || !stays_below(location))
        return fail(why, SW_ERR_FORMAT, "'%s' is no file below the model's folder",
                    sw__onnx_text(location, text));
    sw_status status = map_external(m, location, &map, why);
    if (status != SW_OK) return status;
    const char *sum = entry(t, "checksum");
    if (sum && strcmp(sum, external_sum(m, location)) != 0)
        return fail(why, SW_ERR_FORMAT, "'%s' is damaged: its SHA-1 is %s, not %.40s",
                    sw__onnx_text(location, text), external_sum(m, location), sum);
    if (!number(entry(t, "offset"), &offset) || offset > map->size)
        return fail(why, SW_ERR_FORMAT, "offset '%s' is not inside '%s', which has %zu bytes",
                    entry(t, "offset"), sw__onnx_text(location, text), map->size);
    length = map->size - offset;
    if (!number(entry(t, "length"), &length) || length > map->size - offset)
        return fail(why, SW_ERR_FORMAT, "length '%s' is not inside '%s', which has %zu bytes",
                    entry(t, "length"), sw__onnx_text(location, text), map->size);
    *data = map->data + offset;
    *size = length;
    return SW_OK;
}

/* ---- numbers ------------------------------------------------------------------------------------ */

static sw_status read_shape(const Onnx__TensorProto *t, struct sw_onnx_tensor *out, char *why)
{
    const struct sw_onnx_type_info *type = sw__onnx_type(t->data_type);
    if (!type->bytes)
        return fail(why, SW_ERR_UNSUPPORTED, "its numbers are of type %d (%s)", t->data_type,
                    type->name);
    if (t->n_dims > SW_MAX_RANK)
        return fail(why, SW_ERR_UNSUPPORTED, "%zu dimensions; at most %d are", t->n_dims,
                    SW_MAX_RANK);
    out->type = t->data_type;
    out->shape = (sw_shape){.rank = (int)t->n_dims};
    for (int i = 0; i < out->shape.rank; i++) out->shape.dim[i] = t->dims[i];
    out->n = sw_shape_elements(&out->shape);
    if (out->n < 0) return fail(why, SW_ERR_FORMAT, "dimensions that are none, or absurdly large");
    return SW_OK;
}

/* n numbers of `bytes` bytes, from a list of wider ones. */
static void narrow(uint8_t *to, int bytes, const uint8_t *from, size_t each, size_t n)
{
    for (size_t i = 0; i < n; i++) memcpy(to + i * (size_t)bytes, from + i * each, (size_t)bytes);
}

/* The field that holds numbers of a type that are not raw: its values, how many, bytes of each. */
static const void *typed_field(const Onnx__TensorProto *t, size_t *n, size_t *each)
{
    switch (t->data_type) {
    case SW_ONNX_FLOAT:
    case SW_ONNX_COMPLEX64: *n = t->n_float_data, *each = 4; return t->float_data;
    case SW_ONNX_DOUBLE:
    case SW_ONNX_COMPLEX128: *n = t->n_double_data, *each = 8; return t->double_data;
    case SW_ONNX_INT64: *n = t->n_int64_data, *each = 8; return t->int64_data;
    case SW_ONNX_UINT32:
    case SW_ONNX_UINT64: *n = t->n_uint64_data, *each = 8; return t->uint64_data;
    default: *n = t->n_int32_data, *each = 4; return t->int32_data;
    }
}

static sw_status read_typed(const Onnx__TensorProto *t, struct sw_arena *arena,
                            struct sw_onnx_tensor *out, char *why)
{
    size_t n, each, parts = 1, bytes = (size_t)sw__onnx_type(t->data_type)->bytes;
    const void *from = typed_field(t, &n, &each);
    if (t->data_type == SW_ONNX_COMPLEX64 || t->data_type == SW_ONNX_COMPLEX128) parts = 2;
    if (n != (size_t)out->n * parts)
        return fail(why, SW_ERR_FORMAT, "%zu numbers, but its shape has %lld", n,
                    (long long)out->n);
    uint8_t *to = sw__arena_alloc(arena, n * bytes / parts + 1);
    if (!to) return fail(why, SW_ERR_MEMORY, "out of memory");
    narrow(to, (int)(bytes / parts), from, each, n);
    out->data = to;
    return SW_OK;
}

sw_status sw__onnx_tensor_read(sw_onnx *m, const Onnx__TensorProto *t, const uint8_t *raw,
                               size_t raw_size, struct sw_arena *arena, struct sw_onnx_tensor *out,
                               char *why)
{
    sw_status status = read_shape(t, out, why);
    if (status == SW_OK && t->data_location == EXTERNAL)
        status = sw__onnx_external(m, t, &raw, &raw_size, why);
    if (status != SW_OK) return status;
    if (!raw) return read_typed(t, arena, out, why);
    size_t bytes = (size_t)sw__onnx_type(out->type)->bytes;
    if (raw_size % bytes || raw_size / bytes != (size_t)out->n)
        return fail(why, SW_ERR_FORMAT, "%zu bytes of data, but its shape needs %lld of %zu bytes",
                    raw_size, (long long)out->n, bytes);
    out->data = raw;
    return SW_OK;
}

sw_status sw__onnx_tensor_parse(sw_context *ctx, const char *name, const uint8_t *data, size_t size,
                                struct sw_arena *arena, struct sw_onnx_tensor *out)
{
    char why[SW_ONNX_WHY];
    struct sw_wire w = {.start = data, .at = data, .end = data + size};
    if (!sw__wire_check(&w, &onnx__tensor_proto__descriptor))
        return sw__fail(ctx, SW_ERR_FORMAT, "%s: offset %zu: %s", name, w.bad, w.why);
    Onnx__TensorProto *t = onnx__tensor_proto__unpack(NULL, size, data);
    if (!t) return sw__fail(ctx, SW_ERR_MEMORY, "%s: out of memory", name);
    sw_status status = sw__onnx_tensor_read(NULL, t, t->raw_data.data, t->raw_data.len, arena, out,
                                            why);
    if (status == SW_OK && t->raw_data.data) {
        void *copy = sw__arena_alloc(arena, t->raw_data.len + 1);
        if (copy) memcpy(copy, t->raw_data.data, t->raw_data.len);
        out->data = copy;
        if (!copy) status = fail(why, SW_ERR_MEMORY, "out of memory");
    }
    onnx__tensor_proto__free_unpacked(t, NULL);
    return status == SW_OK ? SW_OK : sw__fail(ctx, status, "%s: %s", name, why);
}
