/* folder_classes MODEL FOLDER TOP1 TOP5 TOLERANCE [stream]: how often a classifier is right, in percent,
 * on pictures that the whole field uses; fails when it is further from what is published.
 *
 * FOLDER holds a folder of pictures a class, or one picture a class; their order by name is that of the
 * classes.  TOP5 0: not asked.  With `stream`, standard output gets, of each picture, the numbers that the
 * network saw and the probabilities, as raw f32, for another program to judge (onnxruntime_classes.cjs);
 * words go to standard error. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <swell/swell.h>

#include "alexnet/classifier_int.h"
#include "base/folder.h"

enum { BATCH = 16, TOP = 5 };

struct pictures {
    char **path;
    int *class;
    int64_t count;
};

struct score {
    int64_t seen, first, five;
};

static bool is_picture(const char *name)
{
    const char *dot = strrchr(name, '.');
    return dot &&
           (strcmp(dot, ".JPEG") == 0 || strcmp(dot, ".jpg") == 0 || strcmp(dot, ".png") == 0);
}

/* All pictures of a folder: of one class, or (class -1) of a class each. */
static bool add(struct pictures *p, const char *folder, int class)
{
    struct sw_folder files;
    bool good = sw__folder_list(folder, SW_PATH_FILE, &files) == SW_OK;
    p->path = realloc(p->path, (size_t)(p->count + files.count + 1) * sizeof *p->path);
    p->class = realloc(p->class, (size_t)(p->count + files.count + 1) * sizeof *p->class);
    for (int64_t i = 0, place = 0; good && p->path && p->class && i < files.count; i++) {
        if (!is_picture(files.names[i])) continue;
        const size_t size = strlen(folder) + strlen(files.names[i]) + 2;
        char *path = malloc(size);
        if (!path) return false;
        snprintf(path, size, "%s/%s", folder, files.names[i]);
        p->class[p->count] = class < 0 ? (int)place++ : class;
        p->path[p->count++] = path;
    }
    sw__folder_free(&files);
    return good && p->path && p->class;
}

static bool find(struct pictures *p, const char *folder)
{
    struct sw_folder classes;
    char path[1024];
    bool good = sw__folder_list(folder, SW_PATH_FOLDER, &classes) == SW_OK;
    if (good && !classes.count) good = add(p, folder, -1);
    for (int64_t i = 0; good && i < classes.count; i++) {
        snprintf(path, sizeof path, "%s/%s", folder, classes.names[i]);
        good = add(p, path, (int)i);
    }
    sw__folder_free(&classes);
    return good && p->count;
}

/* What the network saw, as sw_classify prepares it. */
static bool stream(const sw_classifier *c, const sw_photo *photo, const float *probabilities)
{
    const int centre = 0;
    const size_t size = sw__classifier_view(c);
    sw_photo_error error;
    float *view = malloc(size * sizeof *view);
    bool good = view != NULL;
    if (good) sw__photo_views(&c->notes.input, photo, &centre, 1, view, &error);
    good = good && error.status == SW_OK && fwrite(view, sizeof *view, size, stdout) == size &&
           fwrite(probabilities, sizeof *probabilities, (size_t)c->classes, stdout) ==
               (size_t)c->classes;
    free(view);
    return good;
}

/* One round; the figures so far go into s. */
static bool look(sw_classifier *c, const struct pictures *p, int64_t from, int n, bool streamed,
                 struct score *s)
{
    sw_photo photos[BATCH] = {0};
    sw_class best[BATCH * TOP];
    const int top = c->classes < TOP ? c->classes : TOP;
    float *probabilities = malloc((size_t)BATCH * (size_t)c->classes * sizeof *probabilities);
    for (int i = 0; i < n; i++) photos[i].name = p->path[from + i];
    const sw_answers a = {.top = top, .classes = best, .probabilities = probabilities};
    bool good = probabilities && sw_classify(c, photos, n, 1, &a) == SW_OK;
    for (int i = 0; good && i < n; i++) {
        const int right = p->class[from + i];
        s->seen++;
        s->first += best[i * top].index == right;
        for (int k = 0; k < top; k++) s->five += best[i * top + k].index == right;
        if (streamed) good = stream(c, &photos[i], probabilities + (size_t)i * (size_t)c->classes);
    }
    free(probabilities);
    return good;
}

int main(int argc, char **argv)
{
    struct pictures p = {0};
    struct score s = {0};
    sw_context *ctx;
    sw_classifier *c;
    const bool streamed = argc == 7 && strcmp(argv[6], "stream") == 0;
    if ((argc != 6 && !streamed) || sw_context_create(NULL, &ctx) != SW_OK) return 2;
    if (!find(&p, argv[2])) {
        fprintf(stderr, "%s: no pictures\n", argv[2]);
        return 1;
    }
    bool good = sw_classifier_open(ctx, argv[1], &(sw_classifier_options){.batch = BATCH}, &c) ==
                SW_OK;
    for (int64_t i = 0; good && i < p.count; i += BATCH)
        good = look(c, &p, i, (int)(p.count - i < BATCH ? p.count - i : BATCH), streamed, &s);
    if (!good) {
        fprintf(stderr, "%s\n", sw_error(ctx));
        return 1;
    }
    const double first = 100.0 * (double)s.first / (double)s.seen;
    const double five = 100.0 * (double)s.five / (double)s.seen;
    const double want = atof(argv[3]), want5 = atof(argv[4]), off = atof(argv[5]);
    fprintf(stderr, "%lld pictures: top-1 %.2f %% (published %.2f +- %.2f)", (long long)s.seen,
            first, want, off);
    if (want5 > 0) fprintf(stderr, ", top-5 %.2f %% (%.2f)", five, want5);
    fprintf(stderr, "\n");
    sw_classifier_destroy(c);
    sw_context_destroy(ctx);
    for (int64_t i = 0; i < p.count; i++) free(p.path[i]);
    free(p.path);
    free(p.class);
    return !(fabs(first - want) <= off && (want5 <= 0 || fabs(five - want5) <= off));
}
