/* The pool of key-value pages (include/swell/kv.h): block tables, owners, a free list.
 *
 *     blocks   sequence 0:  4  1 -1 -1      owners   page 0: 0   1: 2   2: 0   3: 1   4: 2
 *              sequence 1:  4  1  3 -1      free     2, 0        (a stack)
 *
 * Pages are written by plans (sw_paged_attention), and here only to copy a shared page before the
 * first write into it.  append is the one call that takes pages; it counts what it needs first, so
 * that it either succeeds or changes nothing. */
#include <swell/kv.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/context_int.h"
#include "base/memory.h"
#include "base/size.h"
#include "graph/graph_int.h"
#include "graph/kv_int.h"

struct sw_kv {
    sw_context *ctx;
    sw_weights *ws;
    sw_kv_options o;
    int64_t max_blocks; /* MB */
    int32_t *blocks;    /* (S,MB) */
    int64_t *length;    /* (S) tokens; -1: not open */
    int32_t *owners;    /* (P) */
    int32_t *free;      /* (P) a stack of free pages */
    int64_t n_free;
    sw_weight **pages; /* (2 * layers) k and v of each layer */
    size_t page_bytes; /* of one page in one layer, k or v */
};

/* ---- create ------------------------------------------------------------------------------------ */

static sw_status check_options(sw_context *ctx, const sw_kv_options *o)
{
    if (o->layers < 1 || o->pages < 1 || o->page < 1 || o->kv_heads < 1 || o->head_size < 1 ||
        o->sequences < 1 || o->positions < 1)
        return sw__fail(ctx, SW_ERR_ARGUMENT,
                        "kv: layers %d, pages %lld, page %d, kv heads %d, head size %d, sequences "
                        "%d, positions %lld: all must be positive",
                        o->layers, (long long)o->pages, o->page, o->kv_heads, o->head_size,
                        o->sequences, (long long)o->positions);
    if (o->dtype != SW_F32 && o->dtype != SW_F16 && o->dtype != SW_BF16 && o->dtype != SW_Q8_0)
        return sw__fail(ctx, SW_ERR_ARGUMENT, "kv: pages are f32, f16, bf16 or q8_0");
    if (o->head_size % sw_dtype_get(o->dtype)->block_elements != 0)
        return sw__fail(ctx, SW_ERR_ARGUMENT, "kv: heads of %d are no whole blocks of %s",
                        o->head_size, sw_dtype_get(o->dtype)->name);
    /* Page numbers, positions and the entries of the table are i32. */
    if (o->pages > INT32_MAX || o->positions > INT32_MAX)
        return sw__fail(ctx, SW_ERR_SIZE, "kv: %lld pages, %lld positions: more than 2^31 - 1",
                        (long long)o->pages, (long long)o->positions);
    return SW_OK;
}

static sw_status add_pages(sw_kv *kv)
{
    const sw_kv_options *o = &kv->o;
    const sw_shape shape = SW_SHAPE(o->pages, o->kv_heads, o->page, o->head_size);
    const int64_t bytes = sw_shape_bytes(&shape, o->dtype);
    if (bytes < 0)
        return sw__fail(kv->ctx, SW_ERR_SIZE, "kv: a layer of %lld pages overflows",
                        (long long)o->pages);
    kv->page_bytes = (size_t)(bytes / o->pages);
    for (int i = 0; i < 2 * o->layers; i++) {
        char name[32];
        snprintf(name, sizeof name, "kv.%d.%c", i / 2, i % 2 ? 'v' : 'k');
        sw_status status = sw_weights_add(kv->ws, name, o->dtype, shape, &kv->pages[i]);
        if (status != SW_OK) return status;
        sw_weight_set_trainable(kv->pages[i], false);
    }
    return SW_OK;
}

sw_status sw_kv_create(sw_context *ctx, sw_kv_options options, sw_kv **out)
{
    *out = NULL;
    if (options.page == 0) options.page = 32;
    sw_status status = check_options(ctx, &options);
    if (status != SW_OK) return status;
    const int64_t max_blocks = sw__ceil_div(options.positions, options.page);
    int64_t entries;
    if (!sw__i64_mul(max_blocks, options.sequences, &entries))
        return sw__fail(ctx, SW_ERR_SIZE, "kv: the block table overflows");
    sw_kv *kv = sw__calloc2(1, sizeof *kv);
    if (!kv) return sw__fail(ctx, SW_ERR_MEMORY, "kv: out of memory");
    kv->ctx = ctx;
    kv->o = options;
    kv->max_blocks = max_blocks;
    kv->blocks = sw__calloc2((size_t)entries, sizeof *kv->blocks);
    kv->length = sw__calloc2((size_t)options.sequences, sizeof *kv->length);
    kv->owners = sw__calloc2((size_t)options.pages, sizeof *kv->owners);
    kv->free = sw__calloc2((size_t)options.pages, sizeof *kv->free);
    kv->pages = sw__calloc2((size_t)options.layers * 2, sizeof(sw_weight *));
    if (!kv->blocks || !kv->length || !kv->owners || !kv->free || !kv->pages) {
        status = sw__fail(ctx, SW_ERR_MEMORY, "kv: out of memory");
        goto fail;
    }
    status = sw_weights_create(ctx, &kv->ws);
    if (status == SW_OK) status = add_pages(kv);
    if (status != SW_OK) goto fail;
    for (int64_t i = 0; i < entries; i++) kv->blocks[i] = -1;
    for (int i = 0; i < options.sequences; i++) kv->length[i] = -1;
    for (int64_t i = 0; i < options.pages; i++) kv->free[i] = (int32_t)(options.pages - 1 - i);
    kv->n_free = options.pages;
    *out = kv;
    return SW_OK;
fail:
    sw_kv_destroy(kv);
    return status;
}

void sw_kv_destroy(sw_kv *kv)
{
    if (!kv) return;
    sw_weights_destroy(kv->ws);
    free(kv->blocks);
    free(kv->length);
    free(kv->owners);
    free(kv->free);
    free(kv->pages);
    free(kv);
}

void sw_kv_nodes(const sw_kv *kv, sw_graph *g, int layer, sw_node **k, sw_node **v)
{
    if (layer < 0 || layer >= kv->o.layers) {
        *k = *v = sw__graph_poison(g, SW_ERR_ARGUMENT, "kv: no layer %d of %d", layer,
                                   kv->o.layers);
        return;
    }
    for (int i = 0; i < 2; i++) {
        const sw_weight *w = kv->pages[2 * layer + i];
        const sw_tensor t = sw_weight_tensor(w);
        *(i ? v : k) = sw_state(g, kv->ws, sw_weight_name(w), t.dtype, t.shape, sw_init_zeros());
    }
}

/* ---- pages ------------------------------------------------------------------------------------- */

static int32_t take_page(sw_kv *kv)
{
    const int32_t page = kv->free[--kv->n_free];
    kv->owners[page] = 1;
    return page;
}

static void drop_page(sw_kv *kv, int32_t page)
{
    if (--kv->owners[page] == 0) kv->free[kv->n_free++] = page;
}

static void copy_page(sw_kv *kv, int32_t to, int32_t from)
{
    for (int i = 0; i < 2 * kv->o.layers; i++) {
        char *data = sw_weight_tensor(kv->pages[i]).data;
        memcpy(data + (size_t)to * kv->page_bytes, data + (size_t)from * kv->page_bytes,
               kv->page_bytes);
        sw_weight_touch(kv->pages[i]);
    }
}

/* ---- sequences ---------------------------------------------------------------------------------- */

static bool is_open(const sw_kv *kv, int sequence)
{
    return sequence >= 0 && sequence < kv->o.sequences && kv->length[sequence] >= 0;
}

static sw_status not_open(const sw_kv *kv, int sequence)
{
    return sw__fail(kv->ctx, SW_ERR_ARGUMENT, "kv: sequence %d is not open", sequence);
}

static int32_t *table_of(const sw_kv *kv, int sequence)
{
    return kv->blocks + sequence * kv->max_blocks;
}

static int64_t pages_for(const sw_kv *kv, int64_t length)
{
    return sw__ceil_div(length, kv->o.page);
}

sw_status sw_kv_open(sw_kv *kv, int *sequence)
{
    for (int i = 0; i < kv->o.sequences; i++)
        if (kv->length[i] < 0) {
            kv->length[i] = 0;
            *sequence = i;
            return SW_OK;
        }
    return sw__fail(kv->ctx, SW_ERR_STATE, "kv: all %d sequences are in use", kv->o.sequences);
}

sw_status sw_kv_fork(sw_kv *kv, int from, int *sequence)
{
    if (!is_open(kv, from)) return not_open(kv, from);
    const sw_status status = sw_kv_open(kv, sequence);
    if (status != SW_OK) return status;
    const int64_t n = pages_for(kv, kv->length[from]);
    kv->length[*sequence] = kv->length[from];
    for (int64_t i = 0; i < n; i++) {
        const int32_t page = table_of(kv, from)[i];
        table_of(kv, *sequence)[i] = page;
        kv->owners[page]++;
    }
    return SW_OK;
}

sw_status sw_kv_truncate(sw_kv *kv, int sequence, int64_t length)
{
    if (!is_open(kv, sequence)) return not_open(kv, sequence);
    if (length < 0 || length > kv->length[sequence])
        return sw__fail(kv->ctx, SW_ERR_ARGUMENT, "kv: sequence %d has %lld tokens, not %lld",
                        sequence, (long long)kv->length[sequence], (long long)length);
    int32_t *table = table_of(kv, sequence);
    for (int64_t i = pages_for(kv, kv->length[sequence]) - 1; i >= pages_for(kv, length); i--) {
        drop_page(kv, table[i]);
        table[i] = -1;
    }
    kv->length[sequence] = length;
    return SW_OK;
}

sw_status sw_kv_close(sw_kv *kv, int sequence)
{
    const sw_status status = sw_kv_truncate(kv, sequence, 0);
    if (status == SW_OK) kv->length[sequence] = -1;
    return status;
}

sw_status sw_kv_append(sw_kv *kv, int sequence, int64_t n, int32_t *sequence_of,
                       int32_t *position_of)
{
    if (!is_open(kv, sequence)) return not_open(kv, sequence);
    const int64_t length = kv->length[sequence];
    int32_t *table = table_of(kv, sequence);
    if (n < 0) return sw__fail(kv->ctx, SW_ERR_ARGUMENT, "kv: %lld new tokens", (long long)n);
    if (n > kv->o.positions - length)
        return sw__fail(kv->ctx, SW_ERR_SIZE,
                        "kv: sequence %d has %lld tokens, %lld more pass the limit of %lld",
                        sequence, (long long)length, (long long)n, (long long)kv->o.positions);
    const int64_t have = pages_for(kv, length), want = pages_for(kv, length + n);
    const bool copy = n > 0 && length % kv->o.page != 0 && kv->owners[table[have - 1]] > 1;
    const int64_t need = want - have + (copy ? 1 : 0);
    if (need > kv->n_free)
        return sw__fail(kv->ctx, SW_ERR_MEMORY,
                        "kv: sequence %d needs %lld more pages, %lld of %lld are free", sequence,
                        (long long)need, (long long)kv->n_free, (long long)kv->o.pages);
    if (copy) {
        const int32_t page = take_page(kv), old = table[have - 1];
        copy_page(kv, page, old);
        drop_page(kv, old);
        table[have - 1] = page;
    }
    for (int64_t i = have; i < want; i++) table[i] = take_page(kv);
    kv->length[sequence] = length + n;
    for (int64_t i = 0; i < n; i++) {
        if (sequence_of) sequence_of[i] = sequence;
        if (position_of) position_of[i] = (int32_t)(length + i);
    }
    return SW_OK;
}

/* ---- questions ---------------------------------------------------------------------------------- */

int64_t sw_kv_length(const sw_kv *kv, int sequence)
{
    return is_open(kv, sequence) ? kv->length[sequence] : -1;
}

int32_t *sw_kv_blocks(const sw_kv *kv)
{
    return kv->blocks;
}

sw_shape sw_kv_blocks_shape(const sw_kv *kv)
{
    return SW_SHAPE(kv->o.sequences, kv->max_blocks);
}

int64_t sw_kv_free_pages(const sw_kv *kv)
{
    return kv->n_free;
}

int64_t sw_kv_page_owners(const sw_kv *kv, int64_t page)
{
    return page >= 0 && page < kv->o.pages ? kv->owners[page] : -1;
}

/* ---- for whoever keeps them --------------------------------------------------------------------- */

sw_kv_options sw__kv_options(const sw_kv *kv)
{
    return kv->o;
}

void *sw__kv_page(const sw_kv *kv, int array, int sequence, int64_t i, size_t *bytes)
{
    char *data = sw_weight_tensor(kv->pages[array]).data;
    *bytes = kv->page_bytes;
    return data + (size_t)table_of(kv, sequence)[i] * kv->page_bytes;
}

void sw__kv_touch(const sw_kv *kv)
{
    for (int i = 0; i < 2 * kv->o.layers; i++) sw_weight_touch(kv->pages[i]);
}
