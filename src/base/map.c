/* Files mapped for reading.  A file that another program cuts short while it is mapped ends this
 * process with SIGBUS when the lost part is touched: long-lived programs copy what they keep. */
#include "base/memory.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

/* Map what `fd` is open on; errno says why not. */
static sw_status map_fd(int fd, struct sw_mapping *out)
{
    struct stat st;

    if (fstat(fd, &st)) return SW_ERR_IO;
    if (!S_ISREG(st.st_mode)) {
        errno = S_ISDIR(st.st_mode) ? EISDIR : EINVAL;
        return SW_ERR_IO;
    }
    if ((uintmax_t)st.st_size > SIZE_MAX) {
        errno = EFBIG;
        return SW_ERR_IO;
    }
    if (st.st_size == 0) return SW_OK;
    void *data = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
    if (data == MAP_FAILED) return SW_ERR_IO;
    out->data = data;
    out->size = (size_t)st.st_size;
    return SW_OK;
}

sw_status sw__map_file(const char *path, struct sw_mapping *out)
{
    *out = (struct sw_mapping){0};
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK); /* a FIFO must not hang us */
    if (fd < 0) return SW_ERR_IO;
    sw_status status = map_fd(fd, out);
    int saved = errno;
    close(fd);
    errno = saved;
    return status;
}

void sw__unmap_file(struct sw_mapping *mapping)
{
    if (mapping->data) munmap((void *)(uintptr_t)mapping->data, mapping->size);
    *mapping = (struct sw_mapping){0};
}

void sw__map_release(const struct sw_mapping *mapping, size_t offset, size_t size)
{
    const size_t page = (size_t)sysconf(_SC_PAGESIZE);

    if (!mapping->data || offset >= mapping->size) return;
    if (size > mapping->size - offset) size = mapping->size - offset;
    size_t end = (offset + size) / page * page;
    size_t begin = offset / page * page + (offset % page ? page : 0);
    if (begin >= end) return;
    /* A hint: if the system will not, the pages stay, and nothing is wrong. */
    (void)madvise((void *)((uintptr_t)mapping->data + begin), end - begin, MADV_DONTNEED);
}
