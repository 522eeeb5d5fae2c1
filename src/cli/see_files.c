/* Arguments to paths of pictures.  In a folder, what is no picture by its name is passed over in silence;
 * names of formats that are not read are taken, so that each is reported. */
#include "cli/see_files.h"

#include <errno.h>
#include <glob.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>

#include "base/folder.h"
#include "base/memory.h"

static bool out_of_memory(const struct verb *verb)
{
    cli_fail(verb, "out of memory for names of files");
    return false;
}

/* Takes the path over. */
static bool add(const struct verb *verb, struct see_files *f, char *path)
{
    if (path && sw__grow(&f->paths, &f->capacity, f->count + 1, sizeof *f->paths)) {
        f->paths[f->count++] = path;
        return true;
    }
    free(path);
    return out_of_memory(verb);
}

static bool named_like_a_picture(const char *name)
{
    static const char *const suffixes[] = {"jpg", "jpeg", "jpe",  "jfif", "png",  "webp", "gif",
                                           "bmp", "tif",  "tiff", "heic", "avif", "ppm",  "jxl"};
    const char *dot = strrchr(name, '.');
    for (size_t i = 0; dot && i < sizeof suffixes / sizeof *suffixes; i++)
        if (strcasecmp(dot + 1, suffixes[i]) == 0) return true;
    return false;
}

static char *joined(const char *folder, const char *name)
{
    const size_t n = strlen(folder), size = n + strlen(name) + 2;
    char *path = malloc(size);
    if (path) snprintf(path, size, "%s%s%s", folder, n && folder[n - 1] == '/' ? "" : "/", name);
    return path;
}

/* The folders around the one at hand: a link to one of them is not followed again. */
struct around {
    const struct around *outer;
    dev_t device;
    ino_t number;
};

static bool add_folder(const struct verb *verb, struct see_files *f, const char *path,
                       const struct around *outer)
{
    struct stat s;
    struct sw_folder inside;
    if (stat(path, &s) != 0) s = (struct stat){0};
    for (const struct around *a = outer; a; a = a->outer)
        if (a->device == s.st_dev && a->number == s.st_ino) return true;
    const struct around here = {outer, s.st_dev, s.st_ino};
    sw_status status = sw__folder_list(path, SW_PATH_FILE, &inside);
    bool good = status == SW_OK;
    if (!good)
        cli_fail(verb, "%s: %s%s", path, status == SW_ERR_IO ? strerror(errno) : "out of memory",
                 outer ? "; this folder is passed over" : "");
    for (int64_t i = 0; good && i < inside.count; i++)
        if (named_like_a_picture(inside.names[i]))
            good = add(verb, f, joined(path, inside.names[i]));
    sw__folder_free(&inside);
    if (good) good = sw__folder_list(path, SW_PATH_FOLDER, &inside) == SW_OK || out_of_memory(verb);
    for (int64_t i = 0; good && i < inside.count; i++) {
        char *next = joined(path, inside.names[i]);
        good = next ? add_folder(verb, f, next, &here) : out_of_memory(verb);
        free(next);
    }
    sw__folder_free(&inside);
    return good || (outer && status == SW_ERR_IO);
}

static int by_bytes(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static bool add_pattern(const struct verb *verb, struct see_files *f, const char *pattern)
{
    glob_t found;
    const int error = glob(pattern, 0, NULL, &found);
    if (error) {
        cli_fail(verb, "%s: %s", pattern,
                 error == GLOB_NOMATCH ? "no file is named like this" : "cannot be looked up");
        return false;
    }
    bool good = true;
    for (size_t i = 0; good && i < found.gl_pathc; i++)
        good = sw__path_kind(found.gl_pathv[i]) == SW_PATH_FOLDER
                   ? see_files_add(verb, f, found.gl_pathv[i])
                   : add(verb, f, strdup(found.gl_pathv[i]));
    globfree(&found);
    return good;
}

bool see_files_add(const struct verb *verb, struct see_files *f, const char *argument)
{
    const int64_t before = f->count;
    const enum sw_path_kind kind = sw__path_kind(argument);
    for (int64_t i = 0; strcmp(argument, "-") == 0 && i < before; i++)
        if (strcmp(f->paths[i], "-") == 0) {
            cli_fail(verb, "'-' twice: standard input is one picture");
            return false;
        }
    if (kind == SW_PATH_NONE && strpbrk(argument, "*?[")) return add_pattern(verb, f, argument);
    if (kind != SW_PATH_FOLDER) return add(verb, f, strdup(argument));
    if (!add_folder(verb, f, argument, NULL)) return false;
    if (f->count == before) {
        cli_fail(verb, "%s: there are no pictures in this folder", argument);
        return false;
    }
    qsort(f->paths + before, (size_t)(f->count - before), sizeof *f->paths, by_bytes);
    return true;
}

void see_files_free(struct see_files *f)
{
    for (int64_t i = 0; i < f->count; i++) free(f->paths[i]);
    free(f->paths);
    *f = (struct see_files){0};
}
