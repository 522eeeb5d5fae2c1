/* torch.save's files (torch/serialization.py):
 *
 *   zip      NAME/data.pkl is the pickle; NAME/data/KEY the bytes of a storage
 *   before   five pickles: a magic number, the protocol, the machine, the object, the keys of the
 *            storages; then for each key a count of 8 bytes and the elements
 *
 * In the pickle a tensor is a call of torch._utils._rebuild_tensor_v2(storage, offset, shape, stride, ...)
 * and a storage a persistent name ('storage', type, key, device, elements). */
#include "format/torch_file.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/size.h"
#include "format/pickle.h"

/* A shared subtree is walked again for each place that refers to it; this many places are enough. */
enum { DEPTH = 32, VISITS = 1 << 22, TENSORS = 1 << 18 };

/* The ten bytes with which the older form begins: a pickle of 0x1950a86a20f9469cfc6c. */
static const uint8_t legacy_magic[] = {0x8a, 10,   0x6c, 0xfc, 0x9c, 0x46, 0xf9,
                                       0x20, 0x6a, 0xa8, 0x50, 0x19, '.'};

/* X(storage's class, bytes, our dtype). */
#define STORAGES(X)                                                                                \
    X("FloatStorage", 4, SW_F32)                                                                   \
    X("HalfStorage", 2, SW_F16)                                                                    \
    X("BFloat16Storage", 2, SW_BF16)                                                               \
    X("IntStorage", 4, SW_I32)                                                                     \
    X("CharStorage", 1, SW_I8)                                                                     \
    X("ByteStorage", 1, SW_U8)                                                                     \
    X("BoolStorage", 1, SW_U8)                                                                     \
    X("DoubleStorage", 8, SW_DTYPE_COUNT)                                                          \
    X("LongStorage", 8, SW_DTYPE_COUNT)                                                            \
    X("ShortStorage", 2, SW_DTYPE_COUNT)

static const struct storage_class {
    const char *name;
    int bytes;
    sw_dtype dtype;
} storage_classes[] = {
#define STORAGE_ROW(name, bytes, dtype) {name, bytes, dtype},
    STORAGES(STORAGE_ROW)
#undef STORAGE_ROW
};

/* Where the elements of a key lie. */
struct storage {
    const char *key;
    size_t key_size, offset, bytes;
    bool placed;
};

struct parse {
    const uint8_t *data;
    size_t size;
    struct sw_torch_file *out;
    char *error;
    struct storage *storages; /* by key */
    int64_t n_storages, storages_capacity;
    char path[512];
    int visits;
};

__attribute__((format(printf, 3, 4))) static sw_status fail(struct parse *p, sw_status status,
                                                            const char *format, ...)
{
    va_list args;
    va_start(args, format);
    vsnprintf(p->error, SW_TORCH_ERROR, format, args);
    va_end(args);
    return status;
}

/* What a pickle of tensors may call. */
static sw_pickle_call known(const char *name)
{
    static const char *const kept[] = {"torch._utils._rebuild_tensor_v2",
                                       "torch._utils._rebuild_parameter"};
    static const char *const opaque[] = {
        "torch.Size",  "torch.device",   "argparse.Namespace",     "numpy.core.multiarray.scalar",
        "numpy.dtype", "_codecs.encode", "collections.defaultdict"};
    if (strcmp(name, "collections.OrderedDict") == 0) return SW_CALL_DICT;
    for (size_t i = 0; i < sizeof kept / sizeof *kept; i++)
        if (strcmp(name, kept[i]) == 0) return SW_CALL_KEEP;
    for (size_t i = 0; i < sizeof opaque / sizeof *opaque; i++)
        if (strcmp(name, opaque[i]) == 0) return SW_CALL_OPAQUE;
    return SW_CALL_REFUSE;
}

/* ---- storages --------------------------------------------------------------------------------------- */

static int by_key(const void *a, const void *b)
{
    const struct storage *x = a, *y = b;
    const size_t n = x->key_size < y->key_size ? x->key_size : y->key_size;
    const int order = memcmp(x->key, y->key, n);
    return order ? order : (x->key_size > y->key_size) - (x->key_size < y->key_size);
}

static struct storage *find_storage(struct parse *p, const char *key, size_t size)
{
    const struct storage wanted = {.key = key, .key_size = size};
    if (!p->n_storages) return NULL;
    return bsearch(&wanted, p->storages, (size_t)p->n_storages, sizeof wanted, by_key);
}

static sw_status add_storage(struct parse *p, struct storage s)
{
    if (!sw__grow(&p->storages, &p->storages_capacity, p->n_storages + 1, sizeof s))
        return fail(p, SW_ERR_MEMORY, "out of memory");
    p->storages[p->n_storages++] = s;
    return SW_OK;
}

/* What ('storage', class, key, device, elements) says. */
struct storage_name {
    const struct storage_class *class;
    const struct sw_pickle_value *key;
    int64_t elements;
};

static sw_status read_storage_name(struct parse *p, const struct sw_pickle_value *v,
                                   struct storage_name *out)
{
    static const char torch[] = "torch.";
    const struct sw_pickle_value *t = v->kind == SW_PICKLE_PERSISTENT && v->n == 1 ? v->items[0]
                                                                                   : v;
    if (t->kind != SW_PICKLE_LIST || t->n < 5 || !sw__pickle_is(t->items[0], "storage") ||
        t->items[1]->kind != SW_PICKLE_GLOBAL || t->items[2]->kind != SW_PICKLE_TEXT ||
        t->items[4]->kind != SW_PICKLE_INT)
        return fail(p, SW_ERR_FORMAT, "tensor '%.80s' is in no storage", p->path);
    if (t->n > 5 && t->items[5]->kind != SW_PICKLE_NONE)
        return fail(p, SW_ERR_UNSUPPORTED, "tensor '%.80s' is in a view of a storage; save it anew",
                    p->path);
    const char *class = t->items[1]->text;
    *out = (struct storage_name){.key = t->items[2], .elements = t->items[4]->integer};
    for (size_t i = 0; i < sizeof storage_classes / sizeof *storage_classes; i++)
        if (strncmp(class, torch, sizeof torch - 1) == 0 &&
            strcmp(class + sizeof torch - 1, storage_classes[i].name) == 0)
            out->class = &storage_classes[i];
    if (!out->class)
        return fail(p, SW_ERR_UNSUPPORTED, "tensor '%.80s' is of '%.60s'", p->path, class);
    if (out->elements < 0)
        return fail(p, SW_ERR_FORMAT, "a storage of %lld elements", (long long)out->elements);
    return SW_OK;
}

/* ---- tensors ---------------------------------------------------------------------------------------- */

static bool read_sizes(const struct sw_pickle_value *v, int64_t *out, int *n)
{
    if (v->kind != SW_PICKLE_LIST || v->n > SW_MAX_RANK) return false;
    for (int64_t i = 0; i < v->n; i++) {
        if (v->items[i]->kind != SW_PICKLE_INT || v->items[i]->integer < 0) return false;
        out[i] = v->items[i]->integer;
    }
    *n = (int)v->n;
    return true;
}

/* The last element of the tensor, counted from the first of its storage; false: more than 2^63. */
static bool last_element(const struct sw_torch_tensor *t, int64_t first, int64_t *last)
{
    *last = first;
    for (int i = 0; i < t->shape.rank; i++) {
        int64_t reach;
        if (!sw__i64_mul(t->shape.dim[i] - 1, t->stride[i], &reach) || *last > INT64_MAX - reach)
            return false;
        *last += reach;
    }
    return true;
}

static bool is_dense(const struct sw_torch_tensor *t)
{
    int64_t step = 1;
    for (int i = t->shape.rank - 1; i >= 0; i--) {
        if (t->shape.dim[i] != 1 && t->stride[i] != step) return false;
        step *= t->shape.dim[i];
    }
    return true;
}

static sw_status add_tensor(struct parse *p, const struct sw_pickle_value *call)
{
    const struct sw_pickle_value *a = call->items[0];
    struct sw_torch_tensor t = {0};
    struct storage_name name;
    int n_strides = 0;
    int64_t last, elements = 1;
    if (a->kind != SW_PICKLE_LIST || a->n < 4 || a->items[1]->kind != SW_PICKLE_INT ||
        a->items[1]->integer < 0 || !read_sizes(a->items[2], t.shape.dim, &t.shape.rank) ||
        !read_sizes(a->items[3], t.stride, &n_strides) || n_strides != t.shape.rank)
        return fail(p, SW_ERR_FORMAT,
                    "tensor '%.80s' is described in a way that is not read; it may have "
                    "more than %d dimensions",
                    p->path, SW_MAX_RANK);
    sw_status status = read_storage_name(p, a->items[0], &name);
    if (status != SW_OK) return status;
    const struct storage *s = find_storage(p, name.key->text, name.key->size);
    if (!s || !s->placed)
        return fail(p, SW_ERR_FORMAT, "tensor '%.80s': the file has no storage '%.*s'", p->path,
                    (int)(name.key->size < 40 ? name.key->size : 40), name.key->text);
    t.dtype_name = name.class->name;
    t.dtype = name.class->dtype;
    t.element_bytes = name.class->bytes;
    const int64_t first = a->items[1]->integer, held = (int64_t)s->bytes / t.element_bytes;
    for (int i = 0; i < t.shape.rank; i++) {
        if (!sw__i64_mul(elements, t.shape.dim[i], &elements) || elements > (int64_t)p->size)
            return fail(p, SW_ERR_FORMAT,
                        "tensor '%.80s' has more elements than the file has bytes", p->path);
        if (elements == 0) break;
    }
    if (elements && (!last_element(&t, first, &last) || last >= held))
        return fail(p, SW_ERR_FORMAT, "tensor '%.80s' reaches beyond its storage of %lld elements",
                    p->path, (long long)held);
    t.offset = s->offset + (elements ? (size_t)first * (size_t)t.element_bytes : 0);
    t.bytes = (size_t)elements * (size_t)t.element_bytes;
    t.dense = elements == 0 || is_dense(&t);
    t.name = sw__arena_strdup(&p->out->arena, p->path);
    if (!t.name || p->out->n >= TENSORS ||
        !sw__grow(&p->out->tensors, &p->out->capacity, p->out->n + 1, sizeof t))
        return fail(p, SW_ERR_MEMORY, "out of memory, or more than %d tensors", TENSORS);
    p->out->tensors[p->out->n++] = t;
    return SW_OK;
}

static sw_status walk(struct parse *p, const struct sw_pickle_value *v, int depth);

/* One key of a dict: the path grows by it for the time of the walk. */
static sw_status walk_key(struct parse *p, const struct sw_pickle_value *key,
                          const struct sw_pickle_value *v, int depth)
{
    const size_t length = strlen(p->path), room = sizeof p->path - length;
    if (key->kind != SW_PICKLE_TEXT) return SW_OK; /* an optimiser's states are numbered */
    if (key->size + 2 > room || memchr(key->text, 0, key->size))
        return fail(p, SW_ERR_FORMAT, "a name below '%.80s' is too long or has a zero in it",
                    p->path);
    snprintf(p->path + length, room, "%s%.*s", length ? "." : "", (int)key->size, key->text);
    sw_status status = walk(p, v, depth + 1);
    p->path[length] = 0;
    return status;
}

static sw_status walk(struct parse *p, const struct sw_pickle_value *v, int depth)
{
    sw_status status = SW_OK;
    if (depth > DEPTH || ++p->visits > VISITS)
        return fail(p, SW_ERR_FORMAT, "the pickle is nested too deeply, or in a circle");
    if (v->kind == SW_PICKLE_CALL && sw__pickle_is(v, "torch._utils._rebuild_tensor_v2"))
        return add_tensor(p, v);
    if (v->kind == SW_PICKLE_CALL && v->items[0]->kind == SW_PICKLE_LIST && v->items[0]->n > 0)
        return walk(p, v->items[0]->items[0], depth + 1); /* a parameter, around its tensor */
    if (v->kind == SW_PICKLE_DICT)
        for (int64_t i = 0; i + 1 < v->n && status == SW_OK; i += 2)
            status = walk_key(p, v->items[i], v->items[i + 1], depth);
    return status;
}

static sw_status collect(struct parse *p, const struct sw_pickle_value *top)
{
    static const char *const model[] = {"state_dict", "model_state_dict", "model"};
    for (size_t i = 0; i < sizeof model / sizeof *model; i++) {
        const struct sw_pickle_value *inner = sw__pickle_get(top, model[i]);
        if (inner && inner->kind == SW_PICKLE_DICT) {
            top = inner;
            break;
        }
    }
    sw_status status = walk(p, top, 0);
    if (status == SW_OK && p->out->n == 0)
        status = fail(p, SW_ERR_FORMAT,
                      "no tensor in it; Swell reads what torch.save(model.state_dict(), "
                      "...) writes");
    return status;
}

/* ---- the two forms ---------------------------------------------------------------------------------- */

static bool ends_with(const struct sw_zip_entry *e, const char *end)
{
    const size_t n = strlen(end);
    return e->name_size >= n && memcmp(e->name + e->name_size - n, end, n) == 0;
}

static sw_status parse_zip(struct parse *p)
{
    struct sw_zip_entry *entries;
    const struct sw_zip_entry *pickle = NULL;
    struct sw_pickle_value *top;
    int64_t n;
    size_t at = 0;
    sw_status status = sw__zip_entries(p->data, p->size, &entries, &n, p->error);
    for (int64_t i = 0; i < n && status == SW_OK; i++) {
        const struct sw_zip_entry *e = &entries[i];
        if (ends_with(e, "/data.pkl")) pickle = e;
        if (ends_with(e, "/byteorder") &&
            (e->size != 6 || memcmp(p->data + e->offset, "little", 6) != 0))
            status = fail(p, SW_ERR_UNSUPPORTED, "written on a big-endian machine");
        size_t from = e->name_size;
        while (from > 0 && e->name[from - 1] != '/') from--;
        if (status == SW_OK && from >= 6 && memcmp(e->name + from - 6, "/data/", 6) == 0)
            status = add_storage(
                p, (struct storage){e->name + from, e->name_size - from, e->offset, e->size, true});
    }
    if (status == SW_OK && !pickle)
        status = fail(p, SW_ERR_FORMAT, "a zip archive without data.pkl; not of torch.save");
    if (status == SW_OK && p->n_storages)
        qsort(p->storages, (size_t)p->n_storages, sizeof *p->storages, by_key);
    if (status == SW_OK)
        status = sw__pickle_read(&p->out->arena, p->data + pickle->offset, pickle->size, &at, known,
                                 &top, p->error);
    if (status == SW_OK) status = collect(p, top);
    free(entries);
    return status;
}

/* The storages that an object names, in no order; each with its size in `bytes`. */
static sw_status name_storages(struct parse *p, const struct sw_pickle_value *v, int depth)
{
    sw_status status = SW_OK;
    if (depth > DEPTH || ++p->visits > VISITS)
        return fail(p, SW_ERR_FORMAT, "the pickle is nested too deeply, or in a circle");
    if (v->kind == SW_PICKLE_PERSISTENT) {
        struct storage_name name;
        int64_t bytes;
        status = read_storage_name(p, v, &name);
        if (status != SW_OK) return status;
        if (!sw__i64_mul(name.elements, name.class->bytes, &bytes) || bytes > (int64_t)p->size)
            return fail(p, SW_ERR_FORMAT, "a storage of %lld elements", (long long)name.elements);
        return add_storage(p, (struct storage){.key = name.key->text,
                                               .key_size = name.key->size,
                                               .bytes = (size_t)bytes});
    }
    for (int64_t i = 0; i < v->n && status == SW_OK; i++)
        status = name_storages(p, v->items[i], depth + 1);
    return status;
}

/* Behind the pickles: the elements, in the order of `keys`. */
static sw_status place_storages(struct parse *p, const struct sw_pickle_value *keys, size_t at)
{
    int64_t kept = 0;
    if (p->n_storages) qsort(p->storages, (size_t)p->n_storages, sizeof *p->storages, by_key);
    for (int64_t i = 0; i < p->n_storages; i++)
        if (!kept || by_key(&p->storages[kept - 1], &p->storages[i]) != 0)
            p->storages[kept++] = p->storages[i];
    p->n_storages = kept;
    if (keys->kind != SW_PICKLE_LIST)
        return fail(p, SW_ERR_FORMAT, "offset %zu: no list of storages", at);
    for (int64_t i = 0; i < keys->n; i++) {
        const struct sw_pickle_value *key = keys->items[i];
        struct storage *s = key->kind == SW_PICKLE_TEXT ? find_storage(p, key->text, key->size)
                                                        : NULL;
        if (!s) return fail(p, SW_ERR_FORMAT, "offset %zu: a storage that no tensor has", at);
        if (p->size - at < 8 || s->bytes > p->size - at - 8)
            return fail(p, SW_ERR_FORMAT, "offset %zu: the file ends too early", at);
        s->offset = at + 8;
        s->placed = true;
        at += 8 + s->bytes;
    }
    return SW_OK;
}

static sw_status parse_legacy(struct parse *p)
{
    enum { PICKLES = 5, OBJECT = 3, KEYS = 4 };
    struct sw_pickle_value *part[PICKLES];
    size_t at = 0;
    sw_status status = SW_OK;
    for (int i = 0; i < PICKLES && status == SW_OK; i++)
        status = sw__pickle_read(&p->out->arena, p->data, p->size, &at, known, &part[i], p->error);
    if (status == SW_OK) status = name_storages(p, part[OBJECT], 0);
    if (status == SW_OK) status = place_storages(p, part[KEYS], at);
    p->visits = 0;
    return status == SW_OK ? collect(p, part[OBJECT]) : status;
}

bool sw__torch_file_is(const uint8_t *data, size_t size)
{
    const size_t n = sizeof legacy_magic;
    return size > 4 && (memcmp(data, "PK\3\4", 4) == 0 || (size > n + 2 && data[0] == 0x80 &&
                                                           memcmp(data + 2, legacy_magic, n) == 0));
}

sw_status sw__torch_file_parse(const uint8_t *data, size_t size, struct sw_torch_file *out,
                               char *error)
{
    struct parse p = {.data = data, .size = size, .out = out, .error = error};
    *out = (struct sw_torch_file){0};
    sw_status status = !sw__torch_file_is(data, size)
                           ? fail(&p, SW_ERR_FORMAT, "offset 0: no file of torch.save")
                       : data[0] == 'P' ? parse_zip(&p)
                                        : parse_legacy(&p);
    free(p.storages);
    if (status != SW_OK) sw__torch_file_free(out);
    return status;
}

void sw__torch_file_free(struct sw_torch_file *f)
{
    sw__arena_free(&f->arena);
    free(f->tensors);
    *f = (struct sw_torch_file){0};
}
