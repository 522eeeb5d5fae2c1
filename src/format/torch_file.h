/* Files of torch.save: the zip archive since PyTorch 1.6, and the stream of pickles before it. */
#ifndef SWELL_FORMAT_TORCH_FILE_H
#define SWELL_FORMAT_TORCH_FILE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <swell/tensor.h>
#include "base/memory.h"

/* A tensor of the file's state_dict. */
struct sw_torch_tensor {
    const char *name;       /* keys on the way to it, joined by dots */
    const char *dtype_name; /* as in the file: "FloatStorage" */
    sw_dtype dtype; /* SW_DTYPE_COUNT: one that Swell has no tensors of (Double, Long ...) */
    int element_bytes;
    sw_shape shape;
    int64_t stride[SW_MAX_RANK]; /* in elements */
    size_t offset;               /* of the first element, in the file; all elements are inside it */
    size_t bytes;                /* of all elements without gaps */
    bool dense;                  /* row-major without gaps */
};

struct sw_torch_file {
    struct sw_arena arena; /* owns the names */
    struct sw_torch_tensor *tensors;
    int64_t n, capacity;
};

#define SW_TORCH_ERROR 384

/* Whether bytes begin as either form does. */
bool sw__torch_file_is(const uint8_t *data, size_t size);

/* All tensors of a file in memory: those of its "state_dict" or "model" if the top has such a dict, else
 * all.  Nothing of the file is executed, and none of its numbers believed.  SW_ERR_FORMAT or
 * SW_ERR_MEMORY with "offset 8: <why>" in error[SW_TORCH_ERROR].  Free with sw__torch_file_free. */
sw_status sw__torch_file_parse(const uint8_t *data, size_t size, struct sw_torch_file *out,
                               char *error);
void sw__torch_file_free(struct sw_torch_file *f);

/* Where a stored entry of a zip archive lies (APPNOTE 6.3, sections 4.3.7, 4.3.12, 4.3.14 to 16). */
struct sw_zip_entry {
    const char *name; /* name_size bytes inside the file */
    size_t name_size, offset, size;
};
/* All entries in an array that the caller frees.  SW_ERR_FORMAT (no archive, compressed, encrypted,
 * outside the file), SW_ERR_MEMORY. */
sw_status sw__zip_entries(const uint8_t *data, size_t size, struct sw_zip_entry **out, int64_t *n,
                          char *error);

#endif
