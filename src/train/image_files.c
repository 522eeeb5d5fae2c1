/* Sets of pictures that are files: a folder of classes, or a CSV of paths and labels; and small ones, which
 * are decoded once and kept, since a 32 x 32 PNG takes longer to open than to train on. */
#include <errno.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/folder.h"
#include "base/size.h"
#include "base/threads.h"
#include "format/csv.h"
#include "train/image_set_int.h"

enum { SMALL_SIDE = 64 };
static const int64_t SMALL_BYTES = (int64_t)1 << 30, CSV_BYTES = (int64_t)1 << 30;

/* ---- a folder a class --------------------------------------------------------------------------------- */

/* What a person would call a picture; other files of a folder (lists, thumbnails' caches) are not looked at. */
static bool named_like_picture(const char *name)
{
    static const char *const ends[] = {".jpg",  ".jpeg", ".png",  ".webp", ".JPG", ".JPEG", ".PNG",
                                       ".WEBP", ".Jpg",  ".Jpeg", ".Png",  ".jpe", ".jfif"};
    const size_t n = strlen(name);
    for (size_t i = 0; i < sizeof ends / sizeof *ends; i++)
        if (n > strlen(ends[i]) && strcmp(name + n - strlen(ends[i]), ends[i]) == 0) return true;
    return false;
}

static sw_status cannot_list(struct image_set *s, sw_status status, const char *path)
{
    if (status == SW_ERR_MEMORY) return sw__image_set_memory(s);
    return sw__fail(s->ctx, status, "%s: cannot list: %s", path, strerror(errno));
}

/* The pictures of one class. */
static sw_status add_folder(struct image_set *s, const char *path, int label)
{
    struct sw_folder files;
    const int64_t before = s->shown.count;
    sw_status status = sw__folder_list(path, SW_PATH_FILE, &files);
    if (status != SW_OK) status = cannot_list(s, status, path);
    for (int64_t i = 0; status == SW_OK && i < files.count; i++) {
        if (!named_like_picture(files.names[i])) continue;
        char *file = sw__image_set_text(s, "%s/%s", path, files.names[i]);
        status = file ? sw__image_set_add(s, file, label) : SW_ERR_MEMORY;
    }
    sw__folder_free(&files);
    if (status == SW_OK && s->shown.count == before)
        status = sw__fail(s->ctx, SW_ERR_FORMAT,
                          "%s: an empty class: no file *.jpg, *.png or *.webp", path);
    return status;
}

static sw_status take_names(struct image_set *s, const sw_image_set *like)
{
    sw_status status = SW_OK;
    for (int i = 0; status == SW_OK && i < like->classes; i++)
        status = sw__image_set_class(s, like->names[i]);
    return status;
}

sw_status sw__image_set_folders(struct image_set *s, const char *path, const sw_image_set *like)
{
    struct sw_folder classes;
    sw_status status = sw__folder_list(path, SW_PATH_FOLDER, &classes);
    if (status != SW_OK) status = cannot_list(s, status, path);
    if (status == SW_OK && classes.count == 0)
        status = sw__fail(s->ctx, SW_ERR_FORMAT,
                          "%s: no folders in it; a folder of pictures for each class is expected",
                          path);
    if (status == SW_OK && like) status = take_names(s, like);
    for (int64_t i = 0; status == SW_OK && i < classes.count; i++) {
        char *folder = sw__image_set_text(s, "%s/%s", path, classes.names[i]);
        int label = like ? sw__image_set_find(like, classes.names[i]) : s->shown.classes;
        if (!folder)
            status = SW_ERR_MEMORY;
        else if (label < 0)
            status = sw__fail(s->ctx, SW_ERR_FORMAT, "%s: no class of the training set", folder);
        else if (!like)
            status = sw__image_set_class(s, classes.names[i]);
        if (status == SW_OK) status = add_folder(s, folder, label);
    }
    sw__folder_free(&classes);
    return status;
}

/* ---- CSV ---------------------------------------------------------------------------------------------- */

/* Whether all labels are whole numbers, which are then sorted as such. */
static bool are_numbers(const struct sw_csv *csv)
{
    for (int64_t i = 0; i < csv->count; i++) {
        const char *p = csv->rows[i].label;
        if (strlen(p) > 9 || strspn(p, "0123456789") != strlen(p)) return false;
    }
    return true;
}

static int by_text(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* Equal numbers of other form ("1", "01") are other labels, next to each other. */
static int by_number(const void *a, const void *b)
{
    long x = strtol(*(const char *const *)a, NULL, 10),
         y = strtol(*(const char *const *)b, NULL, 10);
    return x < y ? -1 : x > y ? 1 : by_text(a, b);
}

/* The labels of all rows, each once, in order: malloc'ed. */
static const char **sorted_labels(const struct sw_csv *csv, int64_t *count,
                                  int (*order)(const void *, const void *))
{
    const char **labels = sw__calloc2((size_t)csv->count + 1, sizeof *labels);
    *count = 0;
    if (!labels) return NULL;
    for (int64_t i = 0; i < csv->count; i++) labels[i] = csv->rows[i].label;
    qsort(labels, (size_t)csv->count, sizeof *labels, order);
    for (int64_t i = 0; i < csv->count; i++)
        if (i == 0 || strcmp(labels[i], labels[i - 1]) != 0) labels[(*count)++] = labels[i];
    return labels;
}

/* The class of each distinct label: in the order of sorting, or the number that `like` gives it. */
static sw_status number_labels(struct image_set *s, const char *path, const char *const *labels,
                               int64_t n, const sw_image_set *like, int *number)
{
    sw_status status = like ? take_names(s, like) : SW_OK;
    for (int64_t i = 0; status == SW_OK && i < n; i++) {
        number[i] = like ? sw__image_set_find(like, labels[i]) : (int)i;
        if (number[i] < 0)
            status = sw__fail(s->ctx, SW_ERR_FORMAT,
                              "%s: label '%.80s' is no class of the training set", path, labels[i]);
        else if (!like)
            status = sw__image_set_class(s, labels[i]);
    }
    return status;
}

static sw_status add_rows(struct image_set *s, const char *path, const struct sw_csv *csv,
                          const sw_image_set *like)
{
    int64_t n;
    int (*order)(const void *, const void *) = are_numbers(csv) ? by_number : by_text;
    const char *slash = strrchr(path, '/');
    const int folder = slash ? (int)(slash - path) + 1 : 0;
    const char **labels = sorted_labels(csv, &n, order);
    int *number = sw__calloc2((size_t)n + 1, sizeof *number);
    sw_status status = labels && number ? number_labels(s, path, labels, n, like, number)
                                        : sw__image_set_memory(s);
    for (int64_t i = 0; status == SW_OK && i < csv->count; i++) {
        const struct sw_csv_row *row = &csv->rows[i];
        const char **at = bsearch(&row->label, labels, (size_t)n, sizeof *labels, order);
        char *file = *row->path == '/' ? sw__image_set_text(s, "%s", row->path)
                                       : sw__image_set_text(s, "%.*s%s", folder, path, row->path);
        status = file ? sw__image_set_add(s, file, number[at - labels]) : SW_ERR_MEMORY;
    }
    free(labels);
    free(number);
    return status;
}

sw_status sw__image_set_csv(struct image_set *s, const char *path, const sw_image_set *like)
{
    struct sw_csv csv = {0};
    char *bytes = NULL;
    size_t size;
    sw_status status = sw__file_read(path, (size_t)CSV_BYTES, &bytes, &size);
    if (status != SW_OK)
        return sw__fail(s->ctx, status, "%s: %s", path,
                        status == SW_ERR_IO ? strerror(errno) : "too large to be read");
    status = sw__csv_parse(s->ctx, path, bytes, size, &csv);
    if (status == SW_OK && csv.count == 0)
        status = sw__fail(s->ctx, SW_ERR_FORMAT, "%s: no pictures are listed", path);
    if (status == SW_OK) status = add_rows(s, path, &csv, like);
    sw__csv_free(&csv);
    free(bytes);
    return status;
}

/* ---- small pictures into memory ------------------------------------------------------------------------ */

enum { UNSEEN, READ, BAD, OTHER_SIZE, NO_MEMORY };

struct gather {
    struct image_set *s;
    int width, height;
    uint8_t *state; /* (N) */
    atomic_bool stop;
};

static void read_small(void *user, int64_t i, int thread)
{
    struct gather *g = user;
    char why[SW_PICTURE_ERROR];
    sw_picture p;
    if (atomic_load_explicit(&g->stop, memory_order_relaxed)) return;
    sw_status status = sw__image_decode(g->s->paths[i], 0, &p, why);
    g->state[i] = status == SW_OK ? READ : status == SW_ERR_MEMORY ? NO_MEMORY : BAD;
    if (status != SW_OK) return;
    const int64_t plane = (int64_t)g->width * g->height;
    if (p.width != g->width || p.height != g->height) {
        g->state[i] = OTHER_SIZE;
        atomic_store_explicit(&g->stop, true, memory_order_relaxed);
    } else {
        uint8_t *to = g->s->images + 3 * plane * i;
        for (int64_t k = 0; k < plane; k++)
            for (int c = 0; c < 3; c++) to[c * plane + k] = p.rgb[3 * k + c];
    }
    free(p.rgb);
}

/* Whether the first picture that can be read is a small one; then its size. */
static bool are_small(const struct image_set *s, struct gather *g)
{
    char why[SW_PICTURE_ERROR];
    sw_picture p;
    for (int64_t i = 0; i < s->shown.count && i < 16; i++) {
        if (sw__image_decode(s->paths[i], 0, &p, why) != SW_OK) continue;
        free(p.rgb);
        g->width = p.width;
        g->height = p.height;
        return p.width <= SMALL_SIDE && p.height <= SMALL_SIDE &&
               s->shown.count <= SMALL_BYTES / (3 * p.width * p.height);
    }
    return false;
}

/* Close the gaps that pictures leave which cannot be read. */
static void close_gaps(struct image_set *s, const struct gather *g)
{
    const size_t size = (size_t)(3 * g->width * g->height);
    char why[SW_PICTURE_ERROR];
    sw_picture p;
    int64_t n = 0;
    for (int64_t i = 0; i < s->shown.count; i++) {
        if (g->state[i] != READ) {
            /* Once more, for the reason: threads keep none. */
            if (sw__image_decode(s->paths[i], 0, &p, why) == SW_OK) free(p.rgb);
            sw__image_set_warn(s, i, why);
            continue;
        }
        if (n < i) memcpy(s->images + (size_t)n * size, s->images + (size_t)i * size, size);
        s->paths[n] = s->paths[i];
        s->labels[n++] = s->labels[i];
    }
    s->shown.count = n;
    s->shown.width = g->width;
    s->shown.height = g->height;
}

sw_status sw__image_set_gather(struct image_set *s)
{
    struct gather g = {.s = s};
    bool memory = true, same = true;
    if (!are_small(s, &g)) return SW_OK;
    atomic_init(&g.stop, false);
    g.state = sw__calloc2((size_t)s->shown.count, 1);
    s->images = sw__calloc2((size_t)s->shown.count, (size_t)(3 * g.width * g.height));
    memory = g.state && s->images;
    if (memory) sw__threads_each(s->ctx->threads, s->shown.count, read_small, &g);
    for (int64_t i = 0; memory && i < s->shown.count; i++) {
        memory = g.state[i] != NO_MEMORY;
        same &= g.state[i] != OTHER_SIZE;
    }
    if (memory && same) {
        close_gaps(s, &g);
    } else {
        free(s->images);
        s->images = NULL;
    }
    free(g.state);
    return memory ? SW_OK : sw__image_set_memory(s);
}
