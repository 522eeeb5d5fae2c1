/* What the files of the GGUF reader share: gguf_read.c (one file), gguf_split.c (all parts of a model),
 * gguf_values.c (asking). */
#ifndef SWELL_FORMAT_GGUF_INT_H
#define SWELL_FORMAT_GGUF_INT_H

#include "base/memory.h"
#include "format/gguf.h"

#define SW_GGUF_VERSION   3
#define SW_GGUF_ALIGNMENT 32
#define SW_GGUF_RANK      4 /* dimensions that a tensor has at most */

/* X(number in the file, name, dtype).  SW_DTYPE_COUNT: one that Swell has no tensors of. */
#define SW_GGML_TYPE_LIST(X)                                                                       \
    X(0, "F32", SW_F32)                                                                            \
    X(1, "F16", SW_F16)                                                                            \
    X(2, "Q4_0", SW_Q4_0)                                                                          \
    X(3, "Q4_1", SW_Q4_1)                                                                          \
    X(6, "Q5_0", SW_Q5_0)                                                                          \
    X(7, "Q5_1", SW_Q5_1)                                                                          \
    X(8, "Q8_0", SW_Q8_0)                                                                          \
    X(9, "Q8_1", SW_DTYPE_COUNT)                                                                   \
    X(10, "Q2_K", SW_Q2_K)                                                                         \
    X(11, "Q3_K", SW_Q3_K)                                                                         \
    X(12, "Q4_K", SW_Q4_K)                                                                         \
    X(13, "Q5_K", SW_Q5_K)                                                                         \
    X(14, "Q6_K", SW_Q6_K)                                                                         \
    X(15, "Q8_K", SW_DTYPE_COUNT)                                                                  \
    X(16, "IQ2_XXS", SW_DTYPE_COUNT)                                                               \
    X(17, "IQ2_XS", SW_DTYPE_COUNT)                                                                \
    X(18, "IQ3_XXS", SW_DTYPE_COUNT)                                                               \
    X(19, "IQ1_S", SW_DTYPE_COUNT)                                                                 \
    X(20, "IQ4_NL", SW_IQ4_NL)                                                                     \
    X(21, "IQ3_S", SW_DTYPE_COUNT)                                                                 \
    X(22, "IQ2_S", SW_DTYPE_COUNT)                                                                 \
    X(23, "IQ4_XS", SW_IQ4_XS)                                                                     \
    X(24, "I8", SW_I8)                                                                             \
    X(25, "I16", SW_DTYPE_COUNT)                                                                   \
    X(26, "I32", SW_I32)                                                                           \
    X(27, "I64", SW_DTYPE_COUNT)                                                                   \
    X(28, "F64", SW_DTYPE_COUNT)                                                                   \
    X(29, "IQ1_M", SW_DTYPE_COUNT)                                                                 \
    X(30, "BF16", SW_BF16)                                                                         \
    X(34, "TQ1_0", SW_DTYPE_COUNT)                                                                 \
    X(35, "TQ2_0", SW_DTYPE_COUNT)                                                                 \
    X(39, "MXFP4", SW_MXFP4)

struct sw_gguf_part {
    char *name; /* for errors */
    struct sw_mapping map;
    bool mapped; /* the map is ours */
    struct sw_gguf_pair *pairs;
    const struct sw_gguf_pair **by_key;
    int64_t n_pairs;
    struct sw_gguf_tensor *tensors;
    int64_t n_tensors;
};

struct sw_gguf {
    struct sw_gguf_part *parts;
    int64_t n_parts;
    struct sw_gguf_tensor *tensors; /* of all parts */
    const struct sw_gguf_tensor **by_name;
    int64_t n_tensors;
    struct sw_arena arena; /* names */
};

/* Read what stands before the data of a mapped part; names of tensors go into the arena.  On failure the
 * part holds what was read, for sw__gguf_close. */
sw_status sw__gguf_read_part(sw_context *ctx, struct sw_arena *arena, struct sw_gguf_part *part);
/* The pair of a key in one part, or NULL. */
const struct sw_gguf_pair *sw__gguf_part_find(const struct sw_gguf_part *part, const char *key);
/* Little-endian. */
uint64_t sw__gguf_load(const uint8_t *p, size_t bytes);
/* Bytes of a value; 0 for strings and arrays. */
size_t sw__gguf_type_bytes(enum sw_gguf_type type);

#endif
