/* The safetensors format (huggingface/safetensors, README "Format"):
 *
 *   8 bytes    N, little-endian
 *   N bytes    JSON {"name": {"dtype": "F32", "shape": [2,3], "data_offsets": [begin, end]}, ...,
 *              "__metadata__": {"key": "text", ...}}, padded with spaces; begins with '{'
 *   the rest   the tensors, row-major, little-endian, without gaps; offsets count from here
 *
 * src/train/weights_file.c puts these into sets of weights; checkpoints are written with them. */
#ifndef SWELL_FORMAT_SAFETENSORS_H
#define SWELL_FORMAT_SAFETENSORS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <swell/context.h>
#include <swell/tensor.h>
#include "base/memory.h"

struct json_t;

struct sw_safetensor {
    const char *name;
    const char *dtype_name; /* as in the file: "F32" */
    sw_dtype dtype;         /* SW_DTYPE_COUNT: one that Swell has no tensors of (F64, I64, ...) */
    int element_bytes;
    sw_shape shape;
    size_t offset; /* from the start of the file; inside it */
    size_t bytes;
};

struct sw_safetensors {
    struct sw_safetensor *tensors; /* by offset */
    const struct sw_safetensor **by_name;
    int64_t n;
    struct json_t *header; /* owns the names */
};

#define SW_SAFETENSORS_ERROR 384

/* Read the header of a file in memory.  Nothing is trusted: the header is inside the file, tensors
 * cover the data exactly once, each as long as dtype and shape say.  SW_ERR_FORMAT or SW_ERR_MEMORY
 * with "offset 8: <why>" in error[SW_SAFETENSORS_ERROR].  Free with sw__safetensors_free. */
sw_status sw__safetensors_parse(const uint8_t *data, size_t size, struct sw_safetensors *out,
                                char *error);
void sw__safetensors_free(struct sw_safetensors *st);

/* Map a file and parse it.  SW_ERR_IO, SW_ERR_FORMAT, SW_ERR_MEMORY; the text names the path.  The
 * caller owns both *map (sw__unmap_file) and *out. */
sw_status sw__safetensors_open(sw_context *ctx, const char *path, struct sw_mapping *map,
                               struct sw_safetensors *out);

/* The tensor of a name, or NULL. */
const struct sw_safetensor *sw__safetensors_find(const struct sw_safetensors *st, const char *name);

/* The text behind a key of "__metadata__", or NULL. */
const char *sw__safetensors_metadata(const struct sw_safetensors *st, const char *key);
/* Call for each pair of the metadata, in the order of the file. */
void sw__safetensors_each_metadata(const struct sw_safetensors *st,
                                   void (*call)(void *user, const char *key, const char *value),
                                   void *user);

/* Whether a text can be a name, a key or a value: RFC 3629. */
bool sw__safetensors_utf8(const char *text);

struct sw_safetensors_entry {
    const char *name;
    sw_tensor tensor;
};
/* Write a file, whole or not at all (base/file.h).  metadata: key, value, key, value, ..., NULL; or
 * NULL.  SW_ERR_ARGUMENT: a name twice, reserved, or no UTF-8; SW_ERR_UNSUPPORTED: a block dtype,
 * which the format does not know; SW_ERR_SIZE: a header above 100 MB; SW_ERR_IO; SW_ERR_MEMORY. */
sw_status sw__safetensors_write(sw_context *ctx, const char *path,
                                const struct sw_safetensors_entry *entries, int64_t n,
                                const char *const *metadata);

#endif
