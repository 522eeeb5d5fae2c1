/* Writing GGUF: see gguf_write.h.  The metadata grows in memory as it is put; offsets of tensors follow from
 * their shapes; the data is streamed.  Nothing is written before all that was put has been checked. */
#include "format/gguf_write.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include "base/context_int.h"
#include "base/file.h"
#include "base/size.h"
#include "format/gguf_int.h"

struct made_tensor {
    struct sw_gguf_tensor t; /* its name is the writer's; data NULL: made */
    sw_gguf_emit_fn *emit;
    void *user;
    uint32_t ggml_type;
    int64_t offset;
};

/* Bytes that grow. */
struct buffer {
    uint8_t *data;
    int64_t n, capacity;
};

struct sw_gguf_writer {
    sw_context *ctx;
    sw_status status; /* of the first error */
    struct buffer pairs;
    struct made_tensor *tensors;
    int64_t n_pairs, n_tensors, capacity;
    const char **keys; /* of pairs; the arena's */
    int64_t keys_capacity;
    struct sw_arena arena;
    struct sw_file file;
    int64_t written, due; /* bytes of the tensor that is being written */
};

static void fail_put(struct sw_gguf_writer *w, sw_status status, const char *name, const char *why)
{
    if (w->status == SW_OK) w->status = sw__fail(w->ctx, status, "GGUF: '%.80s' %s", name, why);
}

static void fail_memory(struct sw_gguf_writer *w)
{
    if (w->status == SW_OK) w->status = sw__fail(w->ctx, SW_ERR_MEMORY, "GGUF: out of memory");
}

sw_status sw__gguf_writer_create(sw_context *ctx, struct sw_gguf_writer **out)
{
    *out = sw__calloc2(1, sizeof **out);
    if (!*out) return sw__fail(ctx, SW_ERR_MEMORY, "GGUF: out of memory");
    (*out)->ctx = ctx;
    return SW_OK;
}

void sw__gguf_writer_destroy(struct sw_gguf_writer *w)
{
    if (!w) return;
    free(w->pairs.data);
    free(w->tensors);
    free(w->keys);
    sw__arena_free(&w->arena);
    free(w);
}

/* ---- metadata ---------------------------------------------------------------------------------- */

static void add(struct sw_gguf_writer *w, struct buffer *b, const void *data, size_t n)
{
    int64_t need;
    if (w->status != SW_OK || !n) return;
    if (n > INT64_MAX || !sw__i64_add(b->n, (int64_t)n, &need) ||
        !sw__grow(&b->data, &b->capacity, need, 1)) {
        fail_memory(w);
        return;
    }
    memcpy(b->data + b->n, data, n);
    b->n = need;
}

static void add_number(struct sw_gguf_writer *w, struct buffer *b, uint64_t x, size_t bytes)
{
    uint8_t text[8];
    for (size_t i = 0; i < bytes; i++) text[i] = (uint8_t)(x >> (8 * i));
    add(w, b, text, bytes);
}

static void add_string(struct sw_gguf_writer *w, struct buffer *b, const char *text, size_t bytes)
{
    add_number(w, b, bytes, 8);
    add(w, b, text, bytes);
}

/* A copy of a name, not terminated as it comes; NULL after an error. */
static const char *keep_name(struct sw_gguf_writer *w, const char *name, size_t bytes)
{
    if (!w || w->status != SW_OK) return NULL;
    if (!bytes || memchr(name, 0, bytes)) {
        fail_put(w, SW_ERR_ARGUMENT, "", "is no name");
        return NULL;
    }
    char *copy = sw__arena_alloc(&w->arena, bytes + 1);
    if (!copy)
        fail_memory(w);
    else
        memcpy(copy, name, bytes);
    return copy;
}

/* Key and type of a pair.  False: nothing more of it. */
static bool begin(struct sw_gguf_writer *w, const char *key, size_t bytes, enum sw_gguf_type type)
{
    const char *copy = keep_name(w, key, bytes);
    if (!copy) return false;
    if (!sw__grow(&w->keys, &w->keys_capacity, w->n_pairs + 1, sizeof *w->keys)) {
        fail_memory(w);
        return false;
    }
    w->keys[w->n_pairs++] = copy;
    add_string(w, &w->pairs, key, bytes);
    add_number(w, &w->pairs, type, 4);
    return true;
}

static bool begin_array(struct sw_gguf_writer *w, const char *key, size_t bytes,
                        enum sw_gguf_type element, int64_t n)
{
    if (!begin(w, key, bytes, SW_GGUF_ARRAY)) return false;
    add_number(w, &w->pairs, element, 4);
    add_number(w, &w->pairs, (uint64_t)n, 8);
    return true;
}

static bool fits(enum sw_gguf_type type, int64_t x)
{
    switch (type) {
    case SW_GGUF_U8: return x >= 0 && x <= UINT8_MAX;
    case SW_GGUF_I8: return x >= INT8_MIN && x <= INT8_MAX;
    case SW_GGUF_U16: return x >= 0 && x <= UINT16_MAX;
    case SW_GGUF_I16: return x >= INT16_MIN && x <= INT16_MAX;
    case SW_GGUF_U32: return x >= 0 && x <= UINT32_MAX;
    case SW_GGUF_I32: return x >= INT32_MIN && x <= INT32_MAX;
    case SW_GGUF_U64: return x >= 0;
    case SW_GGUF_I64: return true;
    default: return false;
    }
}

void sw__gguf_put_integer(struct sw_gguf_writer *w, const char *key, enum sw_gguf_type type,
                          int64_t value)
{
    if (!w) return;
    if (!fits(type, value))
        fail_put(w, SW_ERR_ARGUMENT, key, "does not fit its type");
    else if (begin(w, key, strlen(key), type))
        add_number(w, &w->pairs, (uint64_t)value, sw__gguf_type_bytes(type));
}

static uint32_t bits_of(float x)
{
    uint32_t bits;
    memcpy(&bits, &x, sizeof bits);
    return bits;
}

void sw__gguf_put_real(struct sw_gguf_writer *w, const char *key, float value)
{
    if (begin(w, key, strlen(key), SW_GGUF_F32)) add_number(w, &w->pairs, bits_of(value), 4);
}

void sw__gguf_put_bool(struct sw_gguf_writer *w, const char *key, bool value)
{
    if (begin(w, key, strlen(key), SW_GGUF_BOOL)) add_number(w, &w->pairs, value, 1);
}

void sw__gguf_put_string(struct sw_gguf_writer *w, const char *key, const char *text, size_t bytes)
{
    if (begin(w, key, strlen(key), SW_GGUF_STRING)) add_string(w, &w->pairs, text, bytes);
}

void sw__gguf_put_integers(struct sw_gguf_writer *w, const char *key, const int32_t *values,
                           int64_t n)
{
    if (!begin_array(w, key, strlen(key), SW_GGUF_I32, n)) return;
    for (int64_t i = 0; i < n; i++) add_number(w, &w->pairs, (uint32_t)values[i], 4);
}

void sw__gguf_put_reals(struct sw_gguf_writer *w, const char *key, const float *values, int64_t n)
{
    if (!begin_array(w, key, strlen(key), SW_GGUF_F32, n)) return;
    for (int64_t i = 0; i < n; i++) add_number(w, &w->pairs, bits_of(values[i]), 4);
}

void sw__gguf_put_strings(struct sw_gguf_writer *w, const char *key, const char *const *texts,
                          const size_t *bytes, int64_t n)
{
    if (!begin_array(w, key, strlen(key), SW_GGUF_STRING, n)) return;
    for (int64_t i = 0; i < n; i++)
        add_string(w, &w->pairs, texts[i], bytes ? bytes[i] : strlen(texts[i]));
}

void sw__gguf_put_pair(struct sw_gguf_writer *w, const struct sw_gguf_pair *p)
{
    const bool yes = p->type == SW_GGUF_ARRAY
                         ? begin_array(w, p->key, p->key_bytes, p->element, p->count)
                         : begin(w, p->key, p->key_bytes, p->type);
    if (yes) add(w, &w->pairs, p->value, p->value_bytes);
}

/* ---- tensors ----------------------------------------------------------------------------------- */

static bool ggml_type(sw_dtype dtype, uint32_t *out)
{
    static const struct {
        uint32_t number;
        sw_dtype dtype;
    } types[] = {
#define TYPE_ROW(number, name, dtype) {number, dtype},
        SW_GGML_TYPE_LIST(TYPE_ROW)
#undef TYPE_ROW
    };
    for (size_t i = 0; i < sizeof types / sizeof *types; i++) {
        if (types[i].dtype != dtype || dtype == SW_DTYPE_COUNT) continue;
        *out = types[i].number;
        return true;
    }
    return false;
}

static void put(struct sw_gguf_writer *w, struct made_tensor t)
{
    t.t.name = keep_name(w, t.t.name, strlen(t.t.name));
    if (!t.t.name) return;
    t.t.bytes = sw_shape_bytes(&t.t.shape, t.t.dtype);
    if (!ggml_type(t.t.dtype, &t.ggml_type))
        fail_put(w, SW_ERR_UNSUPPORTED, t.t.name, "has a dtype that the format does not have");
    else if (t.t.shape.rank > SW_GGUF_RANK)
        fail_put(w, SW_ERR_SHAPE, t.t.name, "has more than 4 dimensions");
    else if (t.t.bytes < 0)
        fail_put(w, SW_ERR_SHAPE, t.t.name, "is too large, or has rows of no whole blocks");
    else if (!sw__grow(&w->tensors, &w->capacity, w->n_tensors + 1, sizeof *w->tensors))
        fail_memory(w);
    else
        w->tensors[w->n_tensors++] = t;
}

void sw__gguf_put_tensor(struct sw_gguf_writer *w, const char *name, sw_dtype dtype, sw_shape shape,
                         const void *data)
{
    put(w, (struct made_tensor){.t = {.name = name, .dtype = dtype, .shape = shape, .data = data}});
}

void sw__gguf_put_made(struct sw_gguf_writer *w, const char *name, sw_dtype dtype, sw_shape shape,
                       sw_gguf_emit_fn *emit, void *user)
{
    put(w, (struct made_tensor){
               .t = {.name = name, .dtype = dtype, .shape = shape}, .emit = emit, .user = user});
}

/* ---- file -------------------------------------------------------------------------------------- */

static int by_text(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* Sorts. */
static void check_twice(struct sw_gguf_writer *w, const char **names, int64_t n)
{
    if (n > 1) qsort(names, (size_t)n, sizeof *names, by_text);
    for (int64_t i = 1; i < n; i++)
        if (strcmp(names[i - 1], names[i]) == 0)
            fail_put(w, SW_ERR_ARGUMENT, names[i], "is there twice");
}

static void check_names(struct sw_gguf_writer *w)
{
    const char **names = sw__calloc2((size_t)w->n_tensors + 1, sizeof *names);
    if (!names) {
        fail_memory(w);
        return;
    }
    for (int64_t i = 0; i < w->n_tensors; i++) names[i] = w->tensors[i].t.name;
    check_twice(w, names, w->n_tensors);
    check_twice(w, w->keys, w->n_pairs);
    free(names);
}

static void make_head(struct sw_gguf_writer *w, struct buffer *head)
{
    int64_t at = 0;
    add(w, head, "GGUF", 4);
    add_number(w, head, SW_GGUF_VERSION, 4);
    add_number(w, head, (uint64_t)w->n_tensors, 8);
    add_number(w, head, (uint64_t)w->n_pairs, 8);
    add(w, head, w->pairs.data, (size_t)w->pairs.n);
    for (int64_t i = 0; i < w->n_tensors; i++) {
        const struct made_tensor *t = &w->tensors[i];
        int64_t end;
        add_string(w, head, t->t.name, strlen(t->t.name));
        add_number(w, head, (uint64_t)t->t.shape.rank, 4);
        for (int d = t->t.shape.rank - 1; d >= 0; d--)
            add_number(w, head, (uint64_t)t->t.shape.dim[d], 8);
        add_number(w, head, t->ggml_type, 4);
        add_number(w, head, (uint64_t)at, 8);
        if (!sw__i64_add(at, t->t.bytes, &end) || end > INT64_MAX / 2)
            fail_put(w, SW_ERR_SIZE, t->t.name, "makes the file too large");
        else
            at = sw__round_up(end, SW_GGUF_ALIGNMENT);
    }
    const uint8_t zeros[SW_GGUF_ALIGNMENT] = {0};
    add(w, head, zeros, (size_t)(sw__round_up(head->n, SW_GGUF_ALIGNMENT) - head->n));
}

void sw__gguf_emit(struct sw_gguf_writer *w, const void *bytes, size_t n)
{
    w->written += (int64_t)n;
    if (w->written <= w->due) sw__file_write(&w->file, bytes, n);
}

static sw_status write_tensor(struct sw_gguf_writer *w, const struct made_tensor *t)
{
    const uint8_t zeros[SW_GGUF_ALIGNMENT] = {0};
    sw_status status = SW_OK;
    w->written = 0;
    w->due = t->t.bytes;
    if (t->emit)
        status = t->emit(t->user, w);
    else
        sw__gguf_emit(w, t->t.data, (size_t)t->t.bytes);
    if (status == SW_OK && w->written != w->due)
        return sw__fail(w->ctx, SW_ERR_SHAPE, "GGUF: '%.80s' has %lld bytes, not %lld", t->t.name,
                        (long long)w->written, (long long)w->due);
    sw__file_write(&w->file, zeros, (size_t)(sw__round_up(w->due, SW_GGUF_ALIGNMENT) - w->due));
    return status;
}

static sw_status write_file(struct sw_gguf_writer *w, const struct buffer *head, const char *path)
{
    sw_status status = sw__file_create(path, &w->file);
    if (status == SW_ERR_MEMORY) return sw__fail(w->ctx, status, "%s: out of memory", path);
    if (status != SW_OK)
        return sw__fail(w->ctx, status, "%s: cannot write: %s", path, strerror(errno));
    sw__file_write(&w->file, head->data, (size_t)head->n);
    for (int64_t i = 0; i < w->n_tensors && status == SW_OK && !w->file.error; i++)
        status = write_tensor(w, &w->tensors[i]);
    if (status != SW_OK) {
        sw__file_abandon(&w->file);
        return status;
    }
    status = sw__file_commit(&w->file);
    if (status != SW_OK)
        return sw__fail(w->ctx, status, "%s: cannot write: %s", path, strerror(errno));
    return SW_OK;
}

sw_status sw__gguf_writer_finish(struct sw_gguf_writer *w, const char *path)
{
    struct buffer head = {0};
    if (w->status == SW_OK) check_names(w);
    make_head(w, &head);
    const sw_status status = w->status == SW_OK ? write_file(w, &head, path) : w->status;
    free(head.data);
    return status;
}
