/* Weights: a set of named tensors with versions and packed copies (include/swell/weights.h).
 *
 * A set is a list in the order of adding, with a hash table over the names.  It is counted: the
 * creator, every graph and every plan hold a reference.  Packed copies hang on their weight; the
 * first plan that asks for a layout makes it, the last one that lets go frees it. */
#include "graph/weights_int.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "base/context_int.h"
#include "base/lock.h"
#include "base/memory.h"
#include "base/rng.h"

struct sw_weights {
    sw_context *ctx;
    atomic_int references;
    uint64_t seed;
    sw_weight **list;
    int64_t count, capacity;
    int64_t *table; /* open addressing: index + 1 into list, 0 empty */
    int64_t table_size;
    struct sw_lock lock;      /* packed lists and refreshes */
    struct sw_mapping *files; /* adopted */
    int64_t n_files, files_capacity;
};

sw_status sw_weights_create(sw_context *ctx, sw_weights **out)
{
    sw_weights *ws = sw__calloc2(1, sizeof *ws);
    *out = NULL;
    if (!ws) return sw__fail(ctx, SW_ERR_MEMORY, "weights: out of memory");
    ws->ctx = ctx;
    atomic_init(&ws->references, 1);
    sw__lock_init(&ws->lock);
    *out = ws;
    return SW_OK;
}

static void weight_free(sw_weight *w)
{
    if (!w) return;
    while (w->packs) {
        struct sw_packed *next = w->packs->next;
        sw__aligned_free(w->packs->data);
        free(w->packs);
        w->packs = next;
    }
    if (!w->mapped)
        sw__zeroed_free(w->tensor.data, (size_t)sw_shape_bytes(&w->tensor.shape, w->tensor.dtype));
    free(w->name);
    free(w);
}

void sw_weights_destroy(sw_weights *ws)
{
    if (!ws || atomic_fetch_sub(&ws->references, 1) != 1) return;
    for (int64_t i = 0; i < ws->count; i++) weight_free(ws->list[i]);
    for (int64_t i = 0; i < ws->n_files; i++) sw__unmap_file(&ws->files[i]);
    free(ws->files);
    free(ws->list);
    free(ws->table);
    sw__lock_destroy(&ws->lock);
    free(ws);
}

void sw__weights_retain(sw_weights *ws)
{
    atomic_fetch_add(&ws->references, 1);
}

void sw_weights_seed(sw_weights *ws, uint64_t seed)
{
    ws->seed = seed;
}

/* The slot of a name: where it is, or the empty one where it would go. */
static int64_t table_slot(const sw_weights *ws, const char *name)
{
    int64_t i = (int64_t)(sw__hash_name(name) & (uint64_t)(ws->table_size - 1));
    while (ws->table[i] && strcmp(ws->list[ws->table[i] - 1]->name, name) != 0)
        i = (i + 1) & (ws->table_size - 1);
    return i;
}

/* Room for one more name, the table at most half full. */
static bool table_grow(sw_weights *ws)
{
    if (ws->table_size >= 2 * (ws->count + 1)) return true;
    int64_t size = ws->table_size ? ws->table_size * 2 : 64;
    int64_t *table = sw__calloc2((size_t)size, sizeof *table);
    if (!table) return false;
    free(ws->table);
    ws->table = table;
    ws->table_size = size;
    for (int64_t i = 0; i < ws->count; i++) table[table_slot(ws, ws->list[i]->name)] = i + 1;
    return true;
}

sw_weight *sw_weights_find(const sw_weights *ws, const char *name)
{
    if (!ws->table_size) return NULL;
    int64_t at = ws->table[table_slot(ws, name)];
    return at ? ws->list[at - 1] : NULL;
}

static sw_status weights_insert(sw_weights *ws, const char *name, sw_dtype dtype, sw_shape shape,
                                void *mapped, sw_weight **out)
{
    char text[SW_SHAPE_TEXT];
    *out = NULL;
    if (!name || !*name) return sw__fail(ws->ctx, SW_ERR_ARGUMENT, "a weight needs a name");
    if (sw_weights_find(ws, name))
        return sw__fail(ws->ctx, SW_ERR_ARGUMENT, "weight '%s' exists already", name);
    const sw_dtype_info *info = sw_dtype_get(dtype);
    if (!info) return sw__fail(ws->ctx, SW_ERR_DTYPE, "weight '%s': unknown dtype", name);
    int64_t bytes = sw_shape_bytes(&shape, dtype);
    if (bytes < 0)
        return sw__fail(ws->ctx, SW_ERR_SIZE, "weight '%s': %s of %s is not a possible size", name,
                        sw_shape_text(&shape, text), info->name);
    sw_weight *w = sw__calloc2(1, sizeof *w);
    if (!w) goto memory;
    w->set = ws;
    w->mapped = mapped != NULL;
    w->trainable = !mapped && info->is_float;
    atomic_init(&w->version, 1);
    w->tensor = (sw_tensor){mapped, dtype, shape};
    w->name = strdup(name);
    if (!mapped) w->tensor.data = sw__zeroed_alloc((size_t)bytes);
    if (!w->name || !w->tensor.data || !table_grow(ws) ||
        !sw__grow(&ws->list, &ws->capacity, ws->count + 1, sizeof *ws->list))
        goto memory;
    ws->table[table_slot(ws, name)] = ws->count + 1;
    ws->list[ws->count++] = w;
    *out = w;
    return SW_OK;
memory:
    weight_free(w);
    return sw__fail(ws->ctx, SW_ERR_MEMORY, "weight '%s' %s: out of memory", name,
                    sw_shape_text(&shape, text));
}

void sw__weights_truncate(sw_weights *ws, int64_t count)
{
    while (ws->count > count) {
        /* The last one in: no other name was ever put behind it in the table. */
        sw_weight *w = ws->list[ws->count - 1];
        ws->table[table_slot(ws, w->name)] = 0;
        ws->count--;
        weight_free(w);
    }
}

sw_status sw_weights_add(sw_weights *ws, const char *name, sw_dtype dtype, sw_shape shape,
                         sw_weight **out)
{
    return weights_insert(ws, name, dtype, shape, NULL, out);
}

sw_status sw_weights_add_mapped(sw_weights *ws, const char *name, sw_dtype dtype, sw_shape shape,
                                const void *data, sw_weight **out)
{
    if (!data) return sw__fail(ws->ctx, SW_ERR_ARGUMENT, "a mapped weight needs its data");
    return weights_insert(ws, name, dtype, shape, (void *)data, out);
}

int64_t sw_weights_count(const sw_weights *ws)
{
    return ws->count;
}

sw_weight *sw_weights_at(const sw_weights *ws, int64_t index)
{
    return index >= 0 && index < ws->count ? ws->list[index] : NULL;
}

const char *sw_weight_name(const sw_weight *w)
{
    return w->name;
}

sw_tensor sw_weight_tensor(const sw_weight *w)
{
    return w->tensor;
}

sw_status sw_weight_set(sw_weight *w, const void *data, size_t bytes)
{
    if (w->mapped)
        return sw__fail(w->set->ctx, SW_ERR_STATE,
                        "weight '%s' is read from a file and cannot change", w->name);
    size_t want = (size_t)sw_shape_bytes(&w->tensor.shape, w->tensor.dtype);
    if (bytes != want)
        return sw__fail(w->set->ctx, SW_ERR_SHAPE, "weight '%s' has %zu bytes, not %zu", w->name,
                        want, bytes);
    memcpy(w->tensor.data, data, bytes);
    sw_weight_touch(w);
    return SW_OK;
}

void sw_weight_touch(sw_weight *w)
{
    atomic_fetch_add(&w->version, 1);
}

uint64_t sw_weight_version(const sw_weight *w)
{
    return atomic_load(&((sw_weight *)w)->version);
}

bool sw_weight_trainable(const sw_weight *w)
{
    return w->trainable;
}

void sw_weight_set_trainable(sw_weight *w, bool trainable)
{
    w->trainable = trainable;
}

int64_t sw_weights_packed_bytes(const sw_weights *ws)
{
    int64_t sum = 0;
    sw__weights_lock((sw_weights *)ws);
    for (int64_t i = 0; i < ws->count; i++)
        for (const struct sw_packed *p = ws->list[i]->packs; p; p = p->next)
            sum += (int64_t)p->pack.bytes;
    sw__weights_unlock((sw_weights *)ws);
    return sum;
}

/* ---- initialisers ------------------------------------------------------------------------------ */

sw_init sw_init_zeros(void)
{
    return sw_init_constant(0);
}

sw_init sw_init_ones(void)
{
    return sw_init_constant(1);
}

sw_init sw_init_constant(float value)
{
    return (sw_init){SW_INIT_CONSTANT, value, 0};
}

sw_init sw_init_normal(float mean, float deviation)
{
    return (sw_init){SW_INIT_NORMAL, mean, deviation};
}

sw_init sw_init_uniform(float lo, float hi)
{
    return (sw_init){SW_INIT_UNIFORM, lo, hi};
}

sw_init sw_init_he(int64_t fan_in)
{
    return sw_init_normal(0, (float)sqrt(2.0 / (double)(fan_in > 0 ? fan_in : 1)));
}

sw_init sw_init_xavier(int64_t fan_in, int64_t fan_out)
{
    int64_t fan = fan_in + fan_out > 0 ? fan_in + fan_out : 1;
    float a = (float)sqrt(6.0 / (double)fan);
    return sw_init_uniform(-a, a);
}

void sw__weight_init(sw_weight *w, sw_init init)
{
    sw_tensor *t = &w->tensor;
    int64_t n = sw_shape_elements(&t->shape);
    uint64_t stream = sw__hash_name(w->name);
    if (!sw_dtype_get(t->dtype)->is_float) return;
    float block[256];
    for (int64_t i = 0; i < n; i += 256) {
        int64_t m = n - i < 256 ? n - i : 256;
        uint64_t seed = w->set->seed, part = stream + (uint64_t)(i / 256) * 0x9e3779b97f4a7c15u;
        if (init.kind == SW_INIT_NORMAL)
            sw__fill_normal(block, m, init.a, init.b, seed, part);
        else if (init.kind == SW_INIT_UNIFORM)
            sw__fill_uniform(block, m, init.a, init.b, seed, part);
        else
            for (int64_t j = 0; j < m; j++) block[j] = init.a;
        char *to = (char *)t->data + i * sw_dtype_get(t->dtype)->block_bytes;
        sw_status status = sw_convert(to, t->dtype, block, SW_F32, m);
        if (SW_NEVER(status != SW_OK)) return;
    }
}

/* ---- mapped files -------------------------------------------------------------------------------- */

sw_status sw__weights_adopt(sw_weights *ws, struct sw_mapping mapping)
{
    if (!sw__grow(&ws->files, &ws->files_capacity, ws->n_files + 1, sizeof *ws->files))
        return sw__fail(ws->ctx, SW_ERR_MEMORY, "weights: out of memory");
    ws->files[ws->n_files++] = mapping;
    return SW_OK;
}

void sw__weight_reader(sw_weight *w, int change)
{
    sw__weights_lock(w->set);
    w->readers += change;
    sw__weights_unlock(w->set);
}

void sw__weight_release_pages(const sw_weight *w, int64_t from, int64_t to, int64_t parts)
{
    const int64_t all = sw_shape_bytes(&w->tensor.shape, w->tensor.dtype), each = all / parts;
    const uint8_t *data = (const uint8_t *)w->tensor.data + from * each;
    const size_t bytes = (size_t)((to == parts ? all : to * each) - from * each);
    if (!w->mapped || w->readers > 0) return;
    for (int64_t i = 0; i < w->set->n_files; i++) {
        const struct sw_mapping *m = &w->set->files[i];
        if (data >= m->data && data < m->data + m->size)
            sw__map_release(m, (size_t)(data - m->data), bytes);
    }
}

/* ---- packed copies ----------------------------------------------------------------------------- */

void sw__weights_lock(sw_weights *ws)
{
    sw__lock(&ws->lock);
}

void sw__weights_unlock(sw_weights *ws)
{
    sw__unlock(&ws->lock);
}

static bool pack_equal(const struct sw_pack *a, const struct sw_pack *b)
{
    return strcmp(a->layout, b->layout) == 0 && a->bytes == b->bytes &&
           memcmp(a->param, b->param, sizeof a->param) == 0;
}

sw_status sw__packed_acquire(sw_weight *w, const struct sw_pack *pack, struct sw_packed **out)
{
    sw_status status = SW_OK;
    struct sw_packed *p;
    sw__weights_lock(w->set);
    for (p = w->packs; p && !pack_equal(&p->pack, pack); p = p->next) continue;
    if (!p && (p = sw__calloc2(1, sizeof *p))) {
        p->pack = *pack;
        p->weight = w;
        p->data = sw__aligned_alloc(pack->bytes);
        if (p->data) {
            p->next = w->packs;
            w->packs = p;
        } else {
            free(p);
            p = NULL;
        }
    }
    if (p)
        p->references++;
    else
        status = sw__fail(w->set->ctx, SW_ERR_MEMORY, "weight '%s': out of memory for layout %s",
                          w->name, pack->layout);
    sw__weights_unlock(w->set);
    *out = p;
    return status;
}

void sw__packed_release(struct sw_packed *p)
{
    if (!p) return;
    sw_weights *ws = p->weight->set;
    sw__weights_lock(ws);
    if (--p->references == 0) {
        struct sw_packed **at = &p->weight->packs;
        while (*at != p) at = &(*at)->next;
        *at = p->next;
        sw__aligned_free(p->data);
        free(p);
    }
    sw__weights_unlock(ws);
}
