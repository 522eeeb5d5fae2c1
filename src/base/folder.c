/* Folders by opendir and readdir.  Most systems say with the name what it is; where they do not, or where
 * it is a link, stat is asked. */
#include "base/folder.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include "base/memory.h"

enum sw_path_kind sw__path_kind(const char *path)
{
    struct stat s;
    if (stat(path, &s) != 0) return SW_PATH_NONE;
    if (S_ISREG(s.st_mode)) return SW_PATH_FILE;
    return S_ISDIR(s.st_mode) ? SW_PATH_FOLDER : SW_PATH_OTHER;
}

/* False: out of memory. */
static bool kind_of(const char *folder, const struct dirent *e, enum sw_path_kind *kind)
{
    if (e->d_type == DT_REG || e->d_type == DT_DIR) {
        *kind = e->d_type == DT_REG ? SW_PATH_FILE : SW_PATH_FOLDER;
        return true;
    }
    size_t size = strlen(folder) + strlen(e->d_name) + 2;
    char *path = malloc(size);
    if (!path) return false;
    snprintf(path, size, "%s/%s", folder, e->d_name);
    *kind = sw__path_kind(path);
    free(path);
    return true;
}

static bool add(struct sw_folder *f, const char *name)
{
    if (!sw__grow(&f->names, &f->capacity, f->count + 1, sizeof *f->names)) return false;
    f->names[f->count] = strdup(name);
    if (!f->names[f->count]) return false;
    f->count++;
    return true;
}

static int by_bytes(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

sw_status sw__folder_list(const char *path, enum sw_path_kind kind, struct sw_folder *out)
{
    *out = (struct sw_folder){0};
    DIR *dir = opendir(path);
    if (!dir) return errno == ENOMEM ? SW_ERR_MEMORY : SW_ERR_IO;
    sw_status status = SW_OK;
    while (status == SW_OK) {
        enum sw_path_kind found;
        errno = 0;
        const struct dirent *e = readdir(dir);
        if (!e) {
            if (errno) status = SW_ERR_IO;
            break;
        }
        if (e->d_name[0] == '.') continue;
        if (!kind_of(path, e, &found) || (found == kind && !add(out, e->d_name)))
            status = SW_ERR_MEMORY;
    }
    int error = errno;
    closedir(dir);
    errno = error;
    if (out->count > 1) qsort(out->names, (size_t)out->count, sizeof *out->names, by_bytes);
    return status;
}

void sw__folder_free(struct sw_folder *folder)
{
    for (int64_t i = 0; i < folder->count; i++) free(folder->names[i]);
    free(folder->names);
    *folder = (struct sw_folder){0};
}
