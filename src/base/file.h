/* Files written so that nothing is ever lost: to a temporary name beside the target, synced,
 * renamed, and the folder synced.  A reader sees the old file or the new one, never half of one. */
#ifndef SWELL_BASE_FILE_H
#define SWELL_BASE_FILE_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <swell/status.h>

struct sw_file {
    FILE *stream; /* write here with sw__file_write */
    char *path;   /* the final name */
    char *temp;   /* path + ".tmp-<pid>-<n>" */
    int error;    /* errno of the first failure, 0 if none */
};

/* Open `<path>.tmp-<pid>-<n>` for writing.  SW_ERR_IO (errno set) or SW_ERR_MEMORY. */
sw_status sw__file_create(const char *path, struct sw_file *out);
/* Sticky: after the first failure it does nothing, and commit reports it. */
void sw__file_write(struct sw_file *file, const void *data, size_t size);
/* Flush, fsync, rename, fsync the folder.  On failure the temporary file is removed, the old
 * target is untouched, and errno says why.  Frees the handle either way. */
sw_status sw__file_commit(struct sw_file *file);
/* Remove the temporary file and free the handle. */
void sw__file_abandon(struct sw_file *file);

/* A whole file into malloc'ed memory with a zero byte behind it, at most `limit` bytes.
 * SW_ERR_IO, SW_ERR_SIZE, SW_ERR_MEMORY.  The caller frees *out. */
sw_status sw__file_read(const char *path, size_t limit, char **out, size_t *size);

#endif
