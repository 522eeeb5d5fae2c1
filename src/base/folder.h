/* What lies in a folder. */
#ifndef SWELL_BASE_FOLDER_H
#define SWELL_BASE_FOLDER_H

#include <stdbool.h>
#include <stdint.h>
#include <swell/status.h>

enum sw_path_kind { SW_PATH_NONE, SW_PATH_FILE, SW_PATH_FOLDER, SW_PATH_OTHER };

/* What `path` is, links followed. */
enum sw_path_kind sw__path_kind(const char *path);

/* Names, without the folder, in the order of their bytes. */
struct sw_folder {
    char **names;
    int64_t count, capacity;
};

/* The files (or the folders) in a folder, links followed, those whose name begins with '.' left out.
 * SW_ERR_IO with errno set, SW_ERR_MEMORY.  Free with sw__folder_free, after a failure too. */
sw_status sw__folder_list(const char *path, enum sw_path_kind kind, struct sw_folder *out);
void sw__folder_free(struct sw_folder *folder);

#endif
