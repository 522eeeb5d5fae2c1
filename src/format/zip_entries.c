/* The directory of a zip archive whose entries are stored as they are, as torch.save writes it:
 *
 *   [local header, name, extra, data] ...   [directory entry] ...   [zip64 end]   end of directory
 *
 * Read from the end, as the format wants. */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "format/torch_file.h"

enum { LOCAL = 30, CENTRAL = 46, END = 22, LOCATOR = 20, END64 = 56, COMMENT = 65535 };

static uint64_t little(const uint8_t *p, int bytes)
{
    uint64_t v = 0;
    for (int i = 0; i < bytes; i++) v |= (uint64_t)p[i] << 8 * i;
    return v;
}

__attribute__((format(printf, 3, 4))) static sw_status refuse(char *error, size_t offset,
                                                              const char *format, ...)
{
    va_list args;
    int n = snprintf(error, SW_TORCH_ERROR, "offset %zu: ", offset);
    va_start(args, format);
    vsnprintf(error + n, SW_TORCH_ERROR - (size_t)n, format, args);
    va_end(args);
    return SW_ERR_FORMAT;
}

/* Where the directory is, and how many entries it has. */
struct directory {
    uint64_t offset, size, n;
};

static sw_status find_directory(const uint8_t *data, size_t size, struct directory *d, char *error)
{
    const size_t lowest = size > END + COMMENT ? size - END - COMMENT : 0;
    size_t end = size < END ? 0 : size - END;
    while (end > lowest && memcmp(data + end, "PK\5\6", 4) != 0) end--;
    if (size < END || memcmp(data + end, "PK\5\6", 4) != 0)
        return refuse(error, size, "the archive ends too early: no directory");
    *d = (struct directory){little(data + end + 16, 4), little(data + end + 12, 4),
                            little(data + end + 10, 2)};
    if (end >= LOCATOR && memcmp(data + end - LOCATOR, "PK\6\7", 4) == 0) {
        const uint64_t at = little(data + end - LOCATOR + 8, 8);
        if (size < END64 || at > size - END64 || memcmp(data + at, "PK\6\6", 4) != 0)
            return refuse(error, end - LOCATOR, "a damaged archive: no zip64 directory");
        *d = (struct directory){little(data + at + 48, 8), little(data + at + 40, 8),
                                little(data + at + 32, 8)};
    }
    if (d->offset > size || d->size > size - d->offset || d->n > d->size / CENTRAL)
        return refuse(error, end, "a directory of %llu bytes at %llu is outside the file",
                      (unsigned long long)d->size, (unsigned long long)d->offset);
    return SW_OK;
}

/* Sizes and offsets that do not fit in 32 bits stand in the extra field of id 1, in this order. */
static void zip64_sizes(const uint8_t *extra, size_t size, uint64_t *plain, uint64_t *stored,
                        uint64_t *offset)
{
    uint64_t *const wanted[] = {plain, stored, offset};
    while (size >= 4) {
        const size_t id = little(extra, 2), length = little(extra + 2, 2);
        if (length > size - 4) return;
        if (id == 1) {
            const uint8_t *p = extra + 4;
            for (size_t i = 0, left = length; i < 3; i++)
                if (*wanted[i] == UINT32_MAX && left >= 8) {
                    *wanted[i] = little(p, 8);
                    p += 8;
                    left -= 8;
                }
            return;
        }
        extra += 4 + length;
        size -= 4 + length;
    }
}

/* One directory entry of `left` bytes at most; *used: how long it is. */
static sw_status read_entry(const uint8_t *data, size_t size, size_t at, size_t left,
                            struct sw_zip_entry *out, size_t *used, char *error)
{
    const uint8_t *p = data + at;
    if (left < CENTRAL || memcmp(p, "PK\1\2", 4) != 0)
        return refuse(error, at, "a damaged archive: no directory entry");
    const size_t name = little(p + 28, 2), extra = little(p + 30, 2);
    uint64_t stored = little(p + 20, 4), plain = little(p + 24, 4), offset = little(p + 42, 4);
    *used = CENTRAL + name + extra + little(p + 32, 2);
    if (*used > left) return refuse(error, at, "a damaged archive: an entry beyond the directory");
    zip64_sizes(p + CENTRAL + name, extra, &plain, &stored, &offset);
    if (little(p + 8, 2) & 1) return refuse(error, at, "an encrypted archive");
    if (little(p + 10, 2) != 0 || stored != plain)
        return refuse(error, at, "a compressed archive; torch.save writes stored ones");
    if (size < LOCAL || offset > size - LOCAL || memcmp(data + offset, "PK\3\4", 4) != 0)
        return refuse(error, at, "a damaged archive: nothing at offset %llu",
                      (unsigned long long)offset);
    const uint64_t begin = offset + LOCAL + little(data + offset + 26, 2) +
                           little(data + offset + 28, 2);
    if (begin > size || stored > size - begin)
        return refuse(error, at, "an entry of %llu bytes at %llu is outside the file",
                      (unsigned long long)stored, (unsigned long long)begin);
    *out = (struct sw_zip_entry){(const char *)p + CENTRAL, name, (size_t)begin, (size_t)stored};
    return SW_OK;
}

sw_status sw__zip_entries(const uint8_t *data, size_t size, struct sw_zip_entry **out, int64_t *n,
                          char *error)
{
    struct directory d = {0};
    *out = NULL;
    *n = 0;
    sw_status status = find_directory(data, size, &d, error);
    if (status != SW_OK) return status;
    struct sw_zip_entry *entries = sw__calloc2((size_t)d.n + 1, sizeof *entries);
    if (!entries) {
        snprintf(error, SW_TORCH_ERROR, "out of memory");
        return SW_ERR_MEMORY;
    }
    size_t at = (size_t)d.offset;
    const size_t end = (size_t)(d.offset + d.size);
    for (uint64_t i = 0; i < d.n && status == SW_OK; i++) {
        size_t used = 0;
        status = read_entry(data, size, at, end - at, &entries[i], &used, error);
        at += used;
    }
    if (status != SW_OK) {
        free(entries);
        return status;
    }
    *out = entries;
    *n = (int64_t)d.n;
    return SW_OK;
}
