/* Files that are never half written: temporary name, fsync, rename, fsync of the folder.
 *
 * What is easy to get wrong, and done here: the first error of many writes is the one reported;
 * a symbolic link is followed, so that its target is replaced and not the link; devices and pipes
 * are refused (a rename over /dev/null would replace it); the mode of a replaced file is kept; two
 * writers of one path, in one process or two, never share a temporary file. */
#include "base/file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static const size_t temp_suffix = sizeof(".tmp--2147483648-4294967295");

/* The file that `path` leads to, or a copy of `path` if there is none yet.  *mode is that of the
 * file there, or what a new file gets. */
static sw_status resolve(const char *path, char **out, mode_t *mode, bool *exists)
{
    struct stat st;

    if (!*path) {
        errno = ENOENT;
        return SW_ERR_IO;
    }
    *exists = stat(path, &st) == 0;
    if (*exists && !S_ISREG(st.st_mode)) {
        errno = S_ISDIR(st.st_mode) ? EISDIR : EINVAL;
        return SW_ERR_IO;
    }
    *mode = *exists ? st.st_mode & 0777 : 0666;
    *out = *exists ? realpath(path, NULL) : strdup(path);
    if (*out) return SW_OK;
    return errno == ENOMEM ? SW_ERR_MEMORY : SW_ERR_IO;
}

/* Free the handle; errno is kept. */
static void release(struct sw_file *file)
{
    int saved = errno;

    free(file->path);
    free(file->temp);
    *file = (struct sw_file){0};
    errno = saved;
}

sw_status sw__file_create(const char *path, struct sw_file *out)
{
    static atomic_uint serial; /* so that two threads never have the same name */
    mode_t mode;
    bool exists;
    int fd;

    *out = (struct sw_file){0};
    sw_status status = resolve(path, &out->path, &mode, &exists);
    if (status) return status;
    size_t size = strlen(out->path) + temp_suffix;
    out->temp = malloc(size);
    if (!out->temp) {
        release(out);
        return SW_ERR_MEMORY;
    }
    int tries = 0;
    do { /* a dead process with our number may have left its file */
        snprintf(out->temp, size, "%s.tmp-%ld-%u", out->path, (long)getpid(),
                 atomic_fetch_add(&serial, 1));
        fd = open(out->temp, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, mode);
    } while (fd < 0 && errno == EEXIST && ++tries < 1000);
    if (fd < 0) {
        release(out);
        return SW_ERR_IO;
    }
    if (exists) (void)fchmod(fd, mode); /* past the umask; a file system without modes is fine */
    out->stream = fdopen(fd, "wb");
    if (!out->stream) {
        int saved = errno;
        close(fd);
        unlink(out->temp);
        errno = saved;
        release(out);
        return saved == ENOMEM ? SW_ERR_MEMORY : SW_ERR_IO;
    }
    return SW_OK;
}

void sw__file_write(struct sw_file *file, const void *data, size_t size)
{
    if (file->error || size == 0) return;
    errno = 0;
    if (fwrite(data, 1, size, file->stream) != size) file->error = errno ? errno : EIO;
}

/* Keep the first error only. */
static void note(struct sw_file *file, bool ok)
{
    if (!ok && !file->error) file->error = errno ? errno : EIO;
}

/* Open the folder that holds `path`; -1 with errno when it cannot be opened. */
static int open_folder(const char *path)
{
    const char *slash = strrchr(path, '/');

    if (!slash) return open(".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    size_t size = slash == path ? 1 : (size_t)(slash - path);
    char *folder = strndup(path, size);
    if (!folder) return -1;
    int fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    int saved = errno;
    free(folder);
    errno = saved;
    return fd;
}

sw_status sw__file_commit(struct sw_file *file)
{
    int folder = -1;

    if (!file->error) note(file, fflush(file->stream) == 0);
    if (!file->error) note(file, fsync(fileno(file->stream)) == 0);
    note(file, fclose(file->stream) == 0);
    if (!file->error) {
        /* Opened before the rename, while failing still changes nothing.  A folder that we may
         * write but not read cannot be synced; the rename is atomic all the same. */
        folder = open_folder(file->path);
        note(file, folder >= 0 || errno == EACCES);
    }
    if (!file->error) note(file, rename(file->temp, file->path) == 0);
    if (file->error) {
        unlink(file->temp);
    } else if (folder >= 0 && fsync(folder) != 0 && errno != EINVAL) {
        file->error = errno; /* EINVAL: a file system whose folders cannot be synced */
    }
    if (folder >= 0) close(folder);
    int error = file->error;
    release(file);
    if (!error) return SW_OK;
    errno = error;
    return error == ENOMEM ? SW_ERR_MEMORY : SW_ERR_IO;
}

void sw__file_abandon(struct sw_file *file)
{
    int saved = errno;

    if (file->stream) {
        fclose(file->stream);
        unlink(file->temp);
    }
    errno = saved;
    release(file);
}

/* Read `fd` to its end.  The size that the system tells is a first guess only: pipes have none. */
static sw_status read_all(int fd, size_t limit, char **out, size_t *size)
{
    struct stat st;
    size_t used = 0, room = 4096;
    char *text = NULL;

    if (fstat(fd, &st)) return SW_ERR_IO;
    if (S_ISREG(st.st_mode) && st.st_size > 0) {
        if ((uintmax_t)st.st_size > limit) return SW_ERR_SIZE;
        room = (size_t)st.st_size;
    }
    for (;;) {
        /* One byte more than we need, to see the end and for the zero behind the text. */
        if (room >= limit) room = limit;
        char *grown = room < SIZE_MAX ? realloc(text, room + 1) : NULL;
        if (!grown) {
            free(text);
            return SW_ERR_MEMORY;
        }
        text = grown;
        while (used <= room) {
            ssize_t n = read(fd, text + used, room + 1 - used);
            if (n < 0 && errno == EINTR) continue;
            if (n < 0) {
                int saved = errno;
                free(text);
                errno = saved;
                return SW_ERR_IO;
            }
            if (n == 0) {
                text[used] = 0;
                *out = text;
                *size = used;
                return SW_OK;
            }
            used += (size_t)n;
        }
        if (room == limit) {
            free(text);
            return SW_ERR_SIZE;
        }
        room = room <= limit / 2 ? room * 2 : limit;
    }
}

sw_status sw__file_read(const char *path, size_t limit, char **out, size_t *size)
{
    *out = NULL;
    *size = 0;
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0) return SW_ERR_IO;
    sw_status status = read_all(fd, limit, out, size);
    int saved = errno;
    close(fd);
    errno = saved;
    return status;
}
