/* GGUF, the file format of language models of ggml and llama.cpp (ggml, docs/gguf.md), versions 2 and 3:
 *
 *   "GGUF", u32 version, u64 tensors, u64 pairs
 *   pairs      string key, u32 type, value          string: u64 bytes, then the bytes
 *   tensors    string name, u32 rank, u64 dim[rank] (innermost first), u32 type, u64 offset
 *   padding to general.alignment (32 where absent)
 *   data       offsets count from here, each a multiple of the alignment
 *
 * all little-endian.  A model may lie in several files, `<name>-00001-of-00003.gguf` and so on: the first
 * has the metadata, each has tensors of its own. */
#ifndef SWELL_FORMAT_GGUF_H
#define SWELL_FORMAT_GGUF_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <swell/context.h>
#include <swell/tensor.h>
#include "base/memory.h"

/* X(name, text, bytes of a value; 0: its own rule).  In the order of the file's numbers. */
#define SW_GGUF_TYPE_LIST(X)                                                                       \
    X(SW_GGUF_U8, "u8", 1)                                                                         \
    X(SW_GGUF_I8, "i8", 1)                                                                         \
    X(SW_GGUF_U16, "u16", 2)                                                                       \
    X(SW_GGUF_I16, "i16", 2)                                                                       \
    X(SW_GGUF_U32, "u32", 4)                                                                       \
    X(SW_GGUF_I32, "i32", 4)                                                                       \
    X(SW_GGUF_F32, "f32", 4)                                                                       \
    X(SW_GGUF_BOOL, "bool", 1)                                                                     \
    X(SW_GGUF_STRING, "string", 0)                                                                 \
    X(SW_GGUF_ARRAY, "array", 0)                                                                   \
    X(SW_GGUF_U64, "u64", 8)                                                                       \
    X(SW_GGUF_I64, "i64", 8)                                                                       \
    X(SW_GGUF_F64, "f64", 8)

enum sw_gguf_type {
#define SW_GGUF_TYPE_ENUM(name, text, bytes) name,
    SW_GGUF_TYPE_LIST(SW_GGUF_TYPE_ENUM)
#undef SW_GGUF_TYPE_ENUM
        SW_GGUF_TYPES
};

/* One pair of the metadata.  Nothing is terminated; all lies in the file. */
struct sw_gguf_pair {
    const char *key;
    size_t key_bytes;
    enum sw_gguf_type type, element; /* element: of an array, else as type */
    int64_t count;                   /* elements of an array, else 1 */
    const uint8_t *value; /* its bytes as in the file, an array's without type and count */
    size_t value_bytes;
    size_t *strings; /* an array of strings: where each begins (its length) behind value */
};

struct sw_gguf_tensor {
    const char *name;
    sw_dtype dtype;
    sw_shape shape;   /* row-major, outermost first: the file's order reversed */
    const void *data; /* in the mapped file */
    int64_t bytes;
};

/* A model: one file or all parts of a split one, mapped.  Immutable after open: any number of threads. */
struct sw_gguf;

/* Map a file, all parts of a split one if `path` names any, and read what is said before the data.
 * Nothing is trusted: counts, lengths and offsets lie in the file, tensors are as long as their types
 * and shapes say, no key or tensor is there twice, parts are those that they say they are.
 * SW_ERR_IO, SW_ERR_FORMAT, SW_ERR_UNSUPPORTED (another version, a tensor's type that Swell does not
 * know), SW_ERR_MEMORY; the text names file, offset and reason.  Free with sw__gguf_close. */
sw_status sw__gguf_open(sw_context *ctx, const char *path, struct sw_gguf **out);
/* The same from memory, which must stay and be aligned to 8 bytes; `name` is for errors. */
sw_status sw__gguf_parse(sw_context *ctx, const char *name, const uint8_t *data, size_t size,
                         struct sw_gguf **out);
void sw__gguf_close(struct sw_gguf *f); /* NULL is fine */
/* Hand the mapping of a file over to the caller, who keeps it at least as long as the model's metadata and
 * tensors are read; false when all are handed over. */
bool sw__gguf_take_map(struct sw_gguf *f, struct sw_mapping *out);

/* The value of a key.  False when it is absent or of another kind: integers of all widths are one kind
 * (one beyond int64 is absent), f32 and f64 another. */
bool sw__gguf_integer(const struct sw_gguf *f, const char *key, int64_t *out);
bool sw__gguf_real(const struct sw_gguf *f, const char *key, double *out);
bool sw__gguf_bool(const struct sw_gguf *f, const char *key, bool *out);
/* Not terminated; may hold any bytes. */
bool sw__gguf_string(const struct sw_gguf *f, const char *key, const char **text, size_t *bytes);
/* How many elements an array has, -1 when there is none of that key; *element (or NULL): their type. */
int64_t sw__gguf_array(const struct sw_gguf *f, const char *key, enum sw_gguf_type *element);
/* Element i of an array, O(1) after the key is found.  False too when i is outside. */
bool sw__gguf_array_integer(const struct sw_gguf *f, const char *key, int64_t i, int64_t *out);
bool sw__gguf_array_real(const struct sw_gguf *f, const char *key, int64_t i, double *out);
bool sw__gguf_array_bool(const struct sw_gguf *f, const char *key, int64_t i, bool *out);
bool sw__gguf_array_string(const struct sw_gguf *f, const char *key, int64_t i, const char **text,
                           size_t *bytes);

/* All pairs, in the order of the file; NULL for a key that is not there. */
int64_t sw__gguf_pairs(const struct sw_gguf *f);
const struct sw_gguf_pair *sw__gguf_pair(const struct sw_gguf *f, int64_t i);
const struct sw_gguf_pair *sw__gguf_find(const struct sw_gguf *f, const char *key);
/* Elements of a pair (i = 0: the value that is no array): for loops over a vocabulary. */
bool sw__gguf_pair_integer(const struct sw_gguf_pair *p, int64_t i, int64_t *out);
bool sw__gguf_pair_real(const struct sw_gguf_pair *p, int64_t i, double *out);
bool sw__gguf_pair_bool(const struct sw_gguf_pair *p, int64_t i, bool *out);
bool sw__gguf_pair_string(const struct sw_gguf_pair *p, int64_t i, const char **text,
                          size_t *bytes);

/* All tensors, in the order of the file; NULL for a name that is not there. */
int64_t sw__gguf_tensors(const struct sw_gguf *f);
const struct sw_gguf_tensor *sw__gguf_tensor(const struct sw_gguf *f, int64_t i);
const struct sw_gguf_tensor *sw__gguf_find_tensor(const struct sw_gguf *f, const char *name);
/* Bytes of all files together, and how many files. */
int64_t sw__gguf_bytes(const struct sw_gguf *f, int64_t *files);

#endif
