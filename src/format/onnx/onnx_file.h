/* An ONNX file in memory: its messages unpacked, its constants where they lie. */
#ifndef SWELL_FORMAT_ONNX_FILE_H
#define SWELL_FORMAT_ONNX_FILE_H

#include <onnx.pb-c.h>
#include <swell/onnx.h>
#include "base/memory.h"

/* X(number in TensorProto.DataType, name, bytes an element, dtype in a plan).  SW_DTYPE_COUNT: plans
 * have none such; constants of it may still take part in the arithmetic of shapes. */
#define SW_ONNX_TYPES(X)                                                                           \
    X(1, FLOAT, "float", 4, SW_F32)                                                                \
    X(2, UINT8, "uint8", 1, SW_U8)                                                                 \
    X(3, INT8, "int8", 1, SW_I8)                                                                   \
    X(4, UINT16, "uint16", 2, SW_I32)                                                              \
    X(5, INT16, "int16", 2, SW_I32)                                                                \
    X(6, INT32, "int32", 4, SW_I32)                                                                \
    X(7, INT64, "int64", 8, SW_I32)                                                                \
    X(8, STRING, "string", 0, SW_DTYPE_COUNT)                                                      \
    X(9, BOOL, "bool", 1, SW_U8)                                                                   \
    X(10, FLOAT16, "float16", 2, SW_F16)                                                           \
    X(11, DOUBLE, "double", 8, SW_F32)                                                             \
    X(12, UINT32, "uint32", 4, SW_I32)                                                             \
    X(13, UINT64, "uint64", 8, SW_I32)                                                             \
    X(14, COMPLEX64, "complex64", 8, SW_DTYPE_COUNT)                                               \
    X(15, COMPLEX128, "complex128", 16, SW_DTYPE_COUNT)                                            \
    X(16, BFLOAT16, "bfloat16", 2, SW_BF16)

enum sw_onnx_type {
    SW_ONNX_NONE,
#define SW_ONNX_ENUM(number, name, text, bytes, dtype) SW_ONNX_##name = number,
    SW_ONNX_TYPES(SW_ONNX_ENUM)
#undef SW_ONNX_ENUM
};

struct sw_onnx_type_info {
    const char *name;
    int bytes; /* 0: none that a file could hold as numbers */
    sw_dtype dtype;
};
/* Never NULL: a number that is no type has the name "unknown". */
const struct sw_onnx_type_info *sw__onnx_type(int type);

/* A constant of a file, element by element in memory, as C has them. */
struct sw_onnx_tensor {
    int type; /* enum sw_onnx_type */
    sw_shape shape;
    int64_t n;        /* elements */
    const void *data; /* aligned to its elements or not */
};

/* An initializer: its message without raw_data, which stays where it is. */
struct sw_onnx_initializer {
    Onnx__TensorProto *proto;
    const uint8_t *raw;
    size_t raw_size;
};

/* A file beside the model, mapped once. */
struct sw_onnx_external {
    char *name;
    struct sw_mapping map;
    char sha1[41]; /* "" before it was asked for */
};

struct sw_onnx {
    sw_context *ctx;
    char *path; /* for errors, and for the folder of external data */
    bool on_disk;
    struct sw_mapping map;
    struct sw_onnx_external *external;
    int64_t n_external, external_capacity;
    Onnx__ModelProto *model; /* without the graph */
    Onnx__GraphProto *graph; /* inputs, outputs and texts: without nodes and initializers */
    Onnx__NodeProto **nodes;
    int64_t n_nodes, nodes_capacity;
    struct sw_onnx_initializer *initializers;
    int64_t n_initializers, initializers_capacity;
    Onnx__ValueInfoProto **inputs; /* those without an initializer */
    int n_inputs;
    struct sw_onnx_tensor *fixed; /* by input; data NULL: not fixed */
    int64_t opset;
    int wanted; /* sw_onnx_wanted */
    struct sw_onnx_tensor
        *known;                  /* by output, of the last build; data NULL: computed at run time */
    struct sw_arena known_arena; /* their numbers */
};

/* The numbers of a constant.  Those that are not in the file as they are in memory go to the arena.
 * SW_ERR_FORMAT, SW_ERR_UNSUPPORTED, SW_ERR_MEMORY: the reason without a name in why[SW_ONNX_WHY]. */
#define SW_ONNX_WHY 160
sw_status sw__onnx_tensor_read(sw_onnx *m, const Onnx__TensorProto *t, const uint8_t *raw,
                               size_t raw_size, struct sw_arena *arena, struct sw_onnx_tensor *out,
                               char *why);
/* The bytes that a tensor's external_data names.  Checked: inside the model's folder, inside the file. */
sw_status sw__onnx_external(sw_onnx *m, const Onnx__TensorProto *t, const uint8_t **data,
                            size_t *size, char *why);

/* A tensor alone in a file (the inputs and outputs of ONNX's backend tests). */
sw_status sw__onnx_tensor_parse(sw_context *ctx, const char *name, const uint8_t *data, size_t size,
                                struct sw_arena *arena, struct sw_onnx_tensor *out);

/* Text of a file made fit to be printed: at most 80 characters, control characters as '?'. */
#define SW_ONNX_TEXT 88
char *sw__onnx_text(const char *name, char text[SW_ONNX_TEXT]);

#endif
