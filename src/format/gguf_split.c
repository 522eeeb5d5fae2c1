/* Opening a GGUF model: one file, or all parts of a split one.
 *
 * llama.cpp's gguf-split names parts `<prefix>-%05d-of-%05d.gguf`, from 1, and says in each file
 * split.no (from 0) and split.count, in the first also split.tensors.count.  Any part may be named to
 * open the model; the others are found by their names and must be what those say: a part that is
 * another one (a link in a circle, a copy under a wrong name) is refused. */
#include "format/gguf_int.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "base/context_int.h"
#include "base/size.h"

enum { SPLIT_NAME = 20 /* -00001-of-00003.gguf */, SPLITS = 65535 };

static sw_status out_of_memory(sw_context *ctx, const char *name)
{
    return sw__fail(ctx, SW_ERR_MEMORY, "%s: out of memory", name);
}

/* An integer of a part's metadata; `missing` when it is not there. */
static int64_t number_of(const struct sw_gguf_part *part, const char *key, int64_t missing)
{
    int64_t value;
    const struct sw_gguf_pair *p = sw__gguf_part_find(part, key);
    return p && p->type != SW_GGUF_ARRAY && sw__gguf_pair_integer(p, 0, &value) ? value : missing;
}

static int by_name(const void *a, const void *b)
{
    const struct sw_gguf_tensor *const *x = a, *const *y = b;
    return strcmp((*x)->name, (*y)->name);
}

/* All parts are read: their tensors in one row, found by name. */
static sw_status collect_tensors(sw_context *ctx, struct sw_gguf *f)
{
    const char *name = f->parts[0].name;
    int64_t n = 0;
    for (int64_t i = 0; i < f->n_parts; i++) n += f->parts[i].n_tensors;
    const int64_t said = number_of(&f->parts[0], "split.tensors.count", n);
    if (f->n_parts > 1 && said != n)
        return sw__fail(ctx, SW_ERR_FORMAT,
                        "%s: split.tensors.count is %lld; the parts have %lld tensors", name,
                        (long long)said, (long long)n);
    f->tensors = sw__calloc2((size_t)n + 1, sizeof *f->tensors);
    f->by_name = sw__calloc2((size_t)n + 1, sizeof *f->by_name);
    if (!f->tensors || !f->by_name) return out_of_memory(ctx, name);
    for (int64_t i = 0; i < f->n_parts; i++)
        for (int64_t t = 0; t < f->parts[i].n_tensors; t++)
            f->tensors[f->n_tensors++] = f->parts[i].tensors[t];
    for (int64_t i = 0; i < n; i++) f->by_name[i] = &f->tensors[i];
    qsort(f->by_name, (size_t)n, sizeof *f->by_name, by_name);
    for (int64_t i = 1; i < n; i++)
        if (strcmp(f->by_name[i - 1]->name, f->by_name[i]->name) == 0)
            return sw__fail(ctx, SW_ERR_FORMAT, "%s: tensor '%.80s' is there twice", name,
                            f->by_name[i]->name);
    return SW_OK;
}

const struct sw_gguf_tensor *sw__gguf_find_tensor(const struct sw_gguf *f, const char *name)
{
    const struct sw_gguf_tensor wanted = {.name = name}, *at = &wanted;
    const struct sw_gguf_tensor **found = bsearch(&at, f->by_name, (size_t)f->n_tensors,
                                                  sizeof *f->by_name, by_name);
    return found ? *found : NULL;
}

static sw_status map_part(sw_context *ctx, const char *path, struct sw_gguf_part *part)
{
    part->name = strdup(path);
    if (!part->name) return out_of_memory(ctx, path);
    sw_status status = sw__map_file(path, &part->map);
    if (status != SW_OK) return sw__fail(ctx, status, "%s: cannot read: %s", path, strerror(errno));
    part->mapped = true;
    return SW_OK;
}

static void free_part(struct sw_gguf_part *part)
{
    for (int64_t i = 0; i < part->n_pairs; i++) free(part->pairs[i].strings);
    free(part->pairs);
    free(part->by_key);
    free(part->tensors);
    free(part->name);
    if (part->mapped) sw__unmap_file(&part->map);
}

/* What `path` ends in where it is part `no` of `count`: "-00001-of-00003.gguf". */
static void split_name(char text[SPLIT_NAME + 1], int64_t no, int64_t count)
{
    snprintf(text, SPLIT_NAME + 1, "-%05u-of-%05u.gguf", (unsigned)no % 100000u,
             (unsigned)count % 100000u);
}

/* Part i (from 0) of count is the file that its name says. */
static sw_status check_part(sw_context *ctx, const struct sw_gguf_part *part, int64_t i,
                            int64_t count)
{
    const int64_t no = number_of(part, "split.no", -1), of = number_of(part, "split.count", -1);
    if (no == i && of == count) return SW_OK;
    return sw__fail(ctx, SW_ERR_FORMAT, "%s: says that it is part %lld of %lld, not %lld of %lld",
                    part->name, (long long)no + 1, (long long)of, (long long)i + 1,
                    (long long)count);
}

/* The first file that was opened is a part: put it in its place and read the others. */
static sw_status read_splits(sw_context *ctx, struct sw_gguf *f, int64_t count)
{
    const int64_t no = number_of(&f->parts[0], "split.no", -1);
    const size_t length = strlen(f->parts[0].name);
    char end[SPLIT_NAME + 1];
    split_name(end, no + 1, count);
    if (count > SPLITS || no < 0 || no >= count || !f->parts[0].mapped || length < SPLIT_NAME ||
        strcmp(f->parts[0].name + length - SPLIT_NAME, end) != 0)
        return sw__fail(ctx, SW_ERR_FORMAT,
                        "%s: is part %lld of %lld, but its name does not end in '%s'",
                        f->parts[0].name, (long long)no + 1, (long long)count, end);
    char *path = strdup(f->parts[0].name);
    struct sw_gguf_part *parts = sw__calloc2((size_t)count, sizeof *parts);
    sw_status status = path && parts ? SW_OK : out_of_memory(ctx, f->parts[0].name);
    if (status == SW_OK) {
        parts[no] = f->parts[0];
        free(f->parts);
        f->parts = parts;
        f->n_parts = count;
    }
    for (int64_t i = 0; i < count && status == SW_OK; i++) {
        if (i == no) continue;
        split_name(path + length - SPLIT_NAME, i + 1, count);
        status = map_part(ctx, path, &parts[i]);
        if (status == SW_OK) status = sw__gguf_read_part(ctx, &f->arena, &parts[i]);
        if (status == SW_OK) status = check_part(ctx, &parts[i], i, count);
    }
    if (f->parts != parts) free(parts);
    free(path);
    return status;
}

/* The first part is mapped: read it, and the others if there are any. */
static sw_status read_model(sw_context *ctx, struct sw_gguf *f)
{
    sw_status status = sw__gguf_read_part(ctx, &f->arena, &f->parts[0]);
    if (status != SW_OK) return status;
    const int64_t count = number_of(&f->parts[0], "split.count", 0);
    if (count > 1) status = read_splits(ctx, f, count);
    return status == SW_OK ? collect_tensors(ctx, f) : status;
}

static sw_status make(sw_context *ctx, const char *name, struct sw_gguf **out)
{
    struct sw_gguf *f = sw__calloc2(1, sizeof *f);
    *out = f;
    if (f) f->parts = sw__calloc2(1, sizeof *f->parts);
    if (!f || !f->parts) return out_of_memory(ctx, name);
    f->n_parts = 1;
    return SW_OK;
}

static sw_status finish(sw_status status, struct sw_gguf **out)
{
    if (status == SW_OK) return SW_OK;
    sw__gguf_close(*out);
    *out = NULL;
    return status;
}

sw_status sw__gguf_open(sw_context *ctx, const char *path, struct sw_gguf **out)
{
    sw_status status = make(ctx, path, out);
    if (status == SW_OK) status = map_part(ctx, path, &(*out)->parts[0]);
    if (status == SW_OK) status = read_model(ctx, *out);
    return finish(status, out);
}

sw_status sw__gguf_parse(sw_context *ctx, const char *name, const uint8_t *data, size_t size,
                         struct sw_gguf **out)
{
    sw_status status = make(ctx, name, out);
    if (status == SW_OK) {
        struct sw_gguf_part *part = &(*out)->parts[0];
        part->map = (struct sw_mapping){data, size};
        part->name = strdup(name);
        status = part->name ? read_model(ctx, *out) : out_of_memory(ctx, name);
    }
    return finish(status, out);
}

void sw__gguf_close(struct sw_gguf *f)
{
    if (!f) return;
    for (int64_t i = 0; i < f->n_parts; i++) free_part(&f->parts[i]);
    free(f->parts);
    free(f->tensors);
    free(f->by_name);
    sw__arena_free(&f->arena);
    free(f);
}

bool sw__gguf_take_map(struct sw_gguf *f, struct sw_mapping *out)
{
    for (int64_t i = 0; i < f->n_parts; i++) {
        if (!f->parts[i].mapped) continue;
        *out = f->parts[i].map;
        f->parts[i].mapped = false;
        return true;
    }
    return false;
}

int64_t sw__gguf_bytes(const struct sw_gguf *f, int64_t *files)
{
    int64_t sum = 0;
    for (int64_t i = 0; i < f->n_parts; i++) sum += (int64_t)f->parts[i].map.size;
    if (files) *files = f->n_parts;
    return sum;
}
