/* Data types, shapes and tensors.  Tensors are dense and row-major, the outermost dimension first. */
#ifndef SWELL_TENSOR_H
#define SWELL_TENSOR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <swell/status.h>

#ifdef __cplusplus
extern "C" {
#endif

/* X(name, text, elements a block, bytes a block).  Block types store `elements` consecutive values
 * of the innermost dimension in `bytes` bytes; GGUF's types, bit for bit. */
#define SW_DTYPE_LIST(X)                                                                           \
    X(SW_F32, "f32", 1, 4)                                                                         \
    X(SW_F16, "f16", 1, 2)                                                                         \
    X(SW_BF16, "bf16", 1, 2)                                                                       \
    X(SW_I32, "i32", 1, 4)                                                                         \
    X(SW_I8, "i8", 1, 1)                                                                           \
    X(SW_U8, "u8", 1, 1)                                                                           \
    X(SW_Q8_0, "q8_0", 32, 34)                                                                     \
    X(SW_Q4_0, "q4_0", 32, 18)                                                                     \
    X(SW_Q4_K, "q4_k", 256, 144)                                                                   \
    X(SW_Q4_1, "q4_1", 32, 20)                                                                     \
    X(SW_Q5_0, "q5_0", 32, 22)                                                                     \
    X(SW_Q5_1, "q5_1", 32, 24)                                                                     \
    X(SW_Q2_K, "q2_k", 256, 84)                                                                    \
    X(SW_Q3_K, "q3_k", 256, 110)                                                                   \
    X(SW_Q5_K, "q5_k", 256, 176)                                                                   \
    X(SW_Q6_K, "q6_k", 256, 210)                                                                   \
    X(SW_IQ4_NL, "iq4_nl", 32, 18)                                                                 \
    X(SW_IQ4_XS, "iq4_xs", 256, 136)                                                               \
    X(SW_MXFP4, "mxfp4", 32, 17)

typedef enum sw_dtype {
#define SW_DTYPE_ENUM(name, text, elements, bytes) name,
    SW_DTYPE_LIST(SW_DTYPE_ENUM)
#undef SW_DTYPE_ENUM
        SW_DTYPE_COUNT
} sw_dtype;

typedef struct sw_dtype_info {
    const char *name;
    int block_elements; /* 1 for plain types */
    int block_bytes;
    bool is_float; /* f32, f16, bf16 */
} sw_dtype_info;

/* NULL for a value that is no dtype. */
SW_API const sw_dtype_info *sw_dtype_get(sw_dtype dtype);

/* The dtype of a name such as "bf16"; SW_DTYPE_COUNT if there is none. */
SW_API sw_dtype sw_dtype_find(const char *name);

#define SW_MAX_RANK 8

typedef struct sw_shape {
    int rank; /* 0..SW_MAX_RANK; rank 0 is a scalar of one element */
    int64_t dim[SW_MAX_RANK];
} sw_shape;

/* SW_SHAPE(64, 3, 28, 28) in C; in C++ use sw_shape_make. */
#define SW_SHAPE(...)                                                                              \
    ((sw_shape){(int)(sizeof((int64_t[]){__VA_ARGS__}) / sizeof(int64_t)), {__VA_ARGS__}})

SW_API sw_shape sw_shape_make(int rank, const int64_t *dim);

/* Number of elements, or -1 when a dimension is negative or the product is larger than 2^56; zeros do
 * not excuse the other dimensions. */
SW_API int64_t sw_shape_elements(const sw_shape *shape);
SW_API bool sw_shape_equal(const sw_shape *a, const sw_shape *b);

/* Bytes of a dense tensor, or -1: unknown dtype, overflow, innermost dimension not whole blocks. */
SW_API int64_t sw_shape_bytes(const sw_shape *shape, sw_dtype dtype);

/* "(64,3,28,28)" into `text`; always terminated.  Returns text. */
#define SW_SHAPE_TEXT 192
SW_API char *sw_shape_text(const sw_shape *shape, char text[SW_SHAPE_TEXT]);

/* A view of memory that somebody else owns. */
typedef struct sw_tensor {
    void *data; /* 64-byte aligned where the library made it */
    sw_dtype dtype;
    sw_shape shape;
} sw_tensor;

/* Convert n elements between any two dtypes (block types in whole blocks); round to nearest even,
 * integers saturate.  Plain readable C: for files and tests, not for hot loops.
 * SW_ERR_DTYPE / SW_ERR_SHAPE when dtype or n do not fit. */
SW_API sw_status sw_convert(void *dst, sw_dtype dst_type, const void *src, sw_dtype src_type,
                            int64_t n);

#ifdef __cplusplus
}
#endif
#endif
