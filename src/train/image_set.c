/* Sets of labelled pictures (include/swell/data.h): what does a path name, and which classes are there.
 *
 * Classes are numbered in the order in which they are appended: the sorted names of folders, the sorted
 * labels of a CSV, what CIFAR's own list of names says, the digits of IDX.  A set that is opened `like`
 * another takes that one's classes, whatever of them it has. */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/folder.h"
#include "format/cifar.h"
#include "format/idx.h"
#include "format/safetensors.h"
#include "train/image_set_int.h"

enum { NAME_MOST = 255, CLASSES_MOST = 1 << 20, LIST_MOST = 1 << 20, PATH_MOST = 4096 };

sw_status sw__image_set_memory(const struct image_set *s)
{
    return sw__fail(s->ctx, SW_ERR_MEMORY, "out of memory for a set of pictures");
}

char *sw__image_set_text(struct image_set *s, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    int n = vsnprintf(NULL, 0, format, args);
    va_end(args);
    char *text = n < 0 ? NULL : sw__arena_alloc(&s->arena, (size_t)n + 1);
    if (!text) {
        sw__image_set_memory(s);
        return NULL;
    }
    va_start(args, format);
    vsnprintf(text, (size_t)n + 1, format, args);
    va_end(args);
    return text;
}

/* Names go into files and terminals. */
static bool is_text(const char *s)
{
    for (const char *p = s; *p; p++)
        if ((unsigned char)*p < 0x20 || *p == 0x7F) return false;
    return sw__safetensors_utf8(s);
}

sw_status sw__image_set_class(struct image_set *s, const char *name)
{
    if (!*name || strlen(name) > NAME_MOST || !is_text(name))
        return sw__fail(s->ctx, SW_ERR_FORMAT, "class %d: its name is empty, too long, or no UTF-8",
                        s->shown.classes);
    if (s->shown.classes == CLASSES_MOST)
        return sw__fail(s->ctx, SW_ERR_FORMAT, "more than %d classes", CLASSES_MOST);
    char *copy = sw__arena_strdup(&s->arena, name);
    if (!copy || !sw__grow(&s->names, &s->names_capacity, s->shown.classes + 1, sizeof *s->names))
        return sw__image_set_memory(s);
    s->names[s->shown.classes++] = copy;
    return SW_OK;
}

int sw__image_set_find(const sw_image_set *like, const char *name)
{
    for (int i = 0; i < like->classes; i++)
        if (strcmp(like->names[i], name) == 0) return i;
    return -1;
}

sw_status sw__image_set_add(struct image_set *s, const char *path, int label)
{
    const int64_t n = s->shown.count;
    if (!sw__grow(&s->labels, &s->labels_capacity, n + 1, sizeof *s->labels) ||
        (path && !sw__grow(&s->paths, &s->paths_capacity, n + 1, sizeof *s->paths)))
        return sw__image_set_memory(s);
    s->labels[n] = label;
    if (path) s->paths[n] = path;
    s->shown.count++;
    return SW_OK;
}

/* The classes of `like`, or so many with numbers for names. */
static sw_status take_classes(struct image_set *s, const sw_image_set *like, int numbers)
{
    char text[16];
    sw_status status = SW_OK;
    const int n = like ? like->classes : numbers;
    for (int i = 0; status == SW_OK && i < n; i++) {
        snprintf(text, sizeof text, "%d", i);
        status = sw__image_set_class(s, like ? like->names[i] : text);
    }
    return status;
}

/* ---- CIFAR ------------------------------------------------------------------------------------------ */

/* The names in a file of lines; no class, where it is not there or has not `classes` many. */
static sw_status read_names(struct image_set *s, const char *path, int classes)
{
    char *text = NULL, *next;
    size_t size;
    sw_status status = sw__file_read(path, LIST_MOST, &text, &size);
    if (status == SW_ERR_MEMORY) return sw__image_set_memory(s);
    for (char *line = text; status == SW_OK && *line; line = next) {
        size_t n = strcspn(line, "\r\n");
        next = line + n + (line[n] != '\0');
        line[n] = '\0';
        if (n) status = sw__image_set_class(s, line);
    }
    free(text);
    if (s->shown.classes != classes) s->shown.classes = 0;
    return status == SW_ERR_MEMORY ? status : SW_OK;
}

/* The names that lie beside the batches, else numbers. */
static sw_status cifar_classes(struct image_set *s, const char *folder, int classes)
{
    const char *file = classes == 10 ? "batches.meta.txt" : "fine_label_names.txt";
    char *path = sw__image_set_text(s, "%s/%s", folder, file);
    sw_status status = path ? read_names(s, path, classes) : SW_ERR_MEMORY;
    return status == SW_OK && s->shown.classes == 0 ? take_classes(s, NULL, classes) : status;
}

static sw_status cifar_append(struct image_set *s, const struct sw_cifar *c)
{
    const int64_t n = s->shown.count + c->count;
    if (!sw__grow(&s->images, &s->images_capacity, n * SW_CIFAR_BYTES, 1))
        return sw__image_set_memory(s);
    for (int64_t i = 0; i < c->count; i++) {
        memcpy(s->images + s->shown.count * SW_CIFAR_BYTES, sw__cifar_image(c, i), SW_CIFAR_BYTES);
        sw_status status = sw__image_set_add(s, NULL, sw__cifar_label(c, i));
        if (status != SW_OK) return status;
    }
    return SW_OK;
}

static sw_status cifar_file(struct image_set *s, const char *path, const char *folder,
                            const sw_image_set *like)
{
    struct sw_mapping map;
    struct sw_cifar c;
    if (sw__map_file(path, &map) != SW_OK)
        return sw__fail(s->ctx, SW_ERR_IO, "%s: %s", path, strerror(errno));
    sw_status status = sw__cifar_parse(s->ctx, path, map.data, map.size, &c);
    if (status == SW_OK && s->shown.classes == 0)
        status = like ? take_classes(s, like, 0) : cifar_classes(s, folder, c.classes);
    if (status == SW_OK && s->shown.classes != c.classes)
        status = sw__fail(s->ctx, SW_ERR_FORMAT, "%s: CIFAR-%d beside a set of %d classes", path,
                          c.classes, s->shown.classes);
    if (status == SW_OK) status = cifar_append(s, &c);
    sw__unmap_file(&map);
    return status;
}

/* All batches of a split. */
static sw_status cifar_folder(struct image_set *s, const char *path, const sw_image_set_options *o,
                              bool ten)
{
    const char *one = o->split == SW_SPLIT_TRAIN ? "train.bin"
                      : ten                      ? "test_batch.bin"
                                                 : "test.bin";
    const int files = ten && o->split == SW_SPLIT_TRAIN ? 5 : 1;
    for (int i = 1; i <= files; i++) {
        char *file = files > 1 ? sw__image_set_text(s, "%s/data_batch_%d.bin", path, i)
                               : sw__image_set_text(s, "%s/%s", path, one);
        if (!file) return SW_ERR_MEMORY;
        if (i > 1 && sw__path_kind(file) == SW_PATH_NONE) continue; /* some train with fewer */
        if (o->split == SW_SPLIT_TEST && sw__path_kind(file) == SW_PATH_NONE) return SW_OK;
        sw_status status = cifar_file(s, file, path, o->like);
        if (status != SW_OK) return status;
    }
    return SW_OK;
}

/* ---- IDX -------------------------------------------------------------------------------------------- */

static sw_status idx_pair(struct image_set *s, const char *images, const char *labels,
                          const sw_image_set *like)
{
    sw_dataset *d;
    sw_status status = sw_dataset_load_idx(s->ctx, images, labels, &d);
    if (status != SW_OK) return status;
    status = take_classes(s, like, d->classes);
    if (status == SW_OK && d->classes > s->shown.classes)
        status = sw__fail(s->ctx, SW_ERR_FORMAT, "%s: label %d of a set of %d classes", labels,
                          d->classes - 1, s->shown.classes);
    for (int64_t i = 0; status == SW_OK && i < d->count; i++)
        status = sw__image_set_add(s, NULL, d->labels[i]);
    if (status == SW_OK) { /* the pixels are taken over */
        s->images = (uint8_t *)d->images;
        d->images = NULL;
        s->shown.height = d->height;
        s->shown.width = d->width;
        s->shown.channels = 1;
    }
    sw_dataset_destroy(d);
    return status;
}

/* "<folder>/<stem>.gz", or without .gz where only that is there. */
static char *idx_name(struct image_set *s, const char *folder, const char *stem)
{
    char *path = sw__image_set_text(s, "%s/%s.gz", folder, stem);
    if (path && sw__path_kind(path) == SW_PATH_NONE) path[strlen(path) - 3] = '\0';
    return path;
}

static sw_status idx_folder(struct image_set *s, const char *path, const sw_image_set_options *o)
{
    const bool train = o->split == SW_SPLIT_TRAIN;
    char *images = idx_name(s, path, train ? "train-images-idx3-ubyte" : "t10k-images-idx3-ubyte");
    char *labels = idx_name(s, path, train ? "train-labels-idx1-ubyte" : "t10k-labels-idx1-ubyte");
    if (!images || !labels) return SW_ERR_MEMORY;
    if (!train && sw__path_kind(images) == SW_PATH_NONE) return SW_OK;
    return idx_pair(s, images, labels, o->like);
}

/* The labels lie beside the pictures, under the name that differs in "labels-idx1". */
static sw_status idx_file(struct image_set *s, const char *path, const sw_image_set *like)
{
    const char *at = strstr(path, "images-idx3");
    char *labels = sw__image_set_text(s, "%.*slabels-idx1%s", (int)(at - path), path,
                                      at + strlen("images-idx3"));
    return labels ? idx_pair(s, path, labels, like) : SW_ERR_MEMORY;
}

/* ---- what the path names ------------------------------------------------------------------------------ */

static bool has(const char *folder, const char *name)
{
    char path[PATH_MOST];
    const int n = snprintf(path, sizeof path, "%s/%s", folder, name);
    return n < PATH_MOST && sw__path_kind(path) != SW_PATH_NONE;
}

/* A folder of classes, or one of splits. */
static sw_status open_folders(struct image_set *s, const char *path, const sw_image_set_options *o)
{
    static const char *const second[] = {"val", "valid", "validation", "test"};
    const char *split = path;
    if (has(path, "train")) {
        split = NULL;
        if (o->split == SW_SPLIT_TRAIN) split = sw__image_set_text(s, "%s/train", path);
        for (int i = 0; o->split == SW_SPLIT_TEST && !split && i < 4; i++)
            if (has(path, second[i])) split = sw__image_set_text(s, "%s/%s", path, second[i]);
        if (!split) return o->split == SW_SPLIT_TEST ? SW_OK : SW_ERR_MEMORY;
    } else if (o->split == SW_SPLIT_TEST) {
        return SW_OK;
    }
    return sw__image_set_folders(s, split, o->like);
}

static sw_status open_file(struct image_set *s, const char *path, const sw_image_set_options *o)
{
    const size_t n = strlen(path);
    const char *slash = strrchr(path, '/');
    if (o->split == SW_SPLIT_TEST) return SW_OK; /* a file has no second split */
    if (n > 4 && strcmp(path + n - 4, ".csv") == 0) return sw__image_set_csv(s, path, o->like);
    if (strstr(slash ? slash : path, "images-idx3")) return idx_file(s, path, o->like);
    if (n > 4 && strcmp(path + n - 4, ".bin") == 0) {
        char *folder = slash ? sw__image_set_text(s, "%.*s", (int)(slash - path), path)
                             : sw__image_set_text(s, ".");
        return folder ? cifar_file(s, path, folder, o->like) : SW_ERR_MEMORY;
    }
    return sw__fail(s->ctx, SW_ERR_FORMAT,
                    "%s: no folder, and no file *.csv, *.bin (CIFAR) or *images-idx3* (IDX)", path);
}

static sw_status open_any(struct image_set *s, const char *path, const sw_image_set_options *o)
{
    switch (sw__path_kind(path)) {
    case SW_PATH_NONE:
        return sw__fail(s->ctx, SW_ERR_IO, "%s: %s", path, strerror(errno ? errno : ENOENT));
    case SW_PATH_FILE: return open_file(s, path, o);
    case SW_PATH_FOLDER:
        if (has(path, "data_batch_1.bin")) return cifar_folder(s, path, o, true);
        if (has(path, "train.bin")) return cifar_folder(s, path, o, false);
        if (has(path, "train-images-idx3-ubyte.gz") || has(path, "train-images-idx3-ubyte"))
            return idx_folder(s, path, o);
        return open_folders(s, path, o);
    case SW_PATH_OTHER: break;
    }
    return sw__fail(s->ctx, SW_ERR_IO, "%s: neither a file nor a folder", path);
}

sw_status sw_image_set_open(sw_context *ctx, const char *path, sw_image_set_options options,
                            sw_image_set **out)
{
    struct image_set *s = sw__calloc2(1, sizeof *s);
    *out = NULL;
    if (!s) return sw__fail(ctx, SW_ERR_MEMORY, "%s: out of memory", path);
    s->ctx = ctx;
    s->shown.channels = 3;
    sw_status status = open_any(s, path, &options);
    if (status == SW_OK && s->shown.count > 0 && s->paths) status = sw__image_set_gather(s);
    if (status == SW_OK && s->images && s->shown.channels == 3 && !s->paths)
        s->shown.height = s->shown.width = SW_CIFAR_SIDE;
    s->shown.names = s->names;
    s->shown.labels = s->labels;
    s->shown.paths = s->paths;
    s->shown.images = s->images;
    if (status == SW_OK && s->shown.count > 0) {
        *out = &s->shown;
        return SW_OK;
    }
    sw_image_set_destroy(&s->shown);
    return status;
}

void sw_image_set_destroy(sw_image_set *set)
{
    if (!set) return;
    struct image_set *s = sw__image_set(set);
    free(s->names);
    free(s->paths);
    free(s->labels);
    free(s->images);
    free(s->broken);
    sw__arena_free(&s->arena);
    free(s);
}
