/* IDX: the files of MNIST and Fashion-MNIST (yann.lecun.com/exdb/mnist, "file formats"). */
#ifndef SWELL_FORMAT_IDX_H
#define SWELL_FORMAT_IDX_H

#include <stddef.h>
#include <stdint.h>
#include <swell/context.h>

/* A parsed file of unsigned bytes. */
struct sw_idx {
    int rank; /* 1..4 */
    int64_t dim[4];
    uint8_t *data; /* malloc'ed; free() it */
    size_t size;   /* product of dim */
};

/* Read a file, plain or gzip.  `rank`: how many dimensions it must have. */
sw_status sw__idx_load(sw_context *ctx, const char *path, int rank, struct sw_idx *out);

/* The same from memory (plain), `name` for errors: what the file reader and the fuzzer share. */
sw_status sw__idx_parse(sw_context *ctx, const char *name, const uint8_t *bytes, size_t size,
                        int rank, struct sw_idx *out);

#endif
