/* What an op keeps of its builder's options, where somebody else than the op's own file reads it: passes
 * over a graph, and writers of model files.  (conv_shape.h, batchnorm_int.h, softmax_int.h, unary_int.h
 * have those that the files of one family share.) */
#ifndef SWELL_OPS_ATTRIBUTES_H
#define SWELL_OPS_ATTRIBUTES_H

#include "graph/op.h"

struct reshape_attr {
    sw_shape shape; /* one dimension may be -1 */
};

struct flatten_attr {
    int first, last; /* axes, the last included */
};

struct expand_attr {
    sw_shape shape; /* -1: the dimension of x */
};

struct transpose_attr {
    int n;
    int axes[SW_MAX_RANK];
};

struct concat_attr {
    int n, axis;
};

struct split_attr {
    int n, axis;
    int64_t size[SW_MAX_CONCAT];
};

struct slice_attr {
    sw_slice_options o;
};

struct flip_attr {
    int axis;
};

struct pad_attr {
    sw_pad_options o;
};

struct gather_attr {
    int axis;
};

struct resize_attr {
    sw_resize_options o;
};

/* One group of neighbouring axes. */
struct reduce_attr {
    enum sw_reduce kind;
    bool mean;
    int first, last; /* axes, the last included */
};

struct argmax_attr {
    int axis;
    bool keepdims;
};

struct cumsum_attr {
    int axis;
    bool exclusive, reverse;
};

struct topk_attr {
    int k, axis;
};

struct cast_attr {
    sw_dtype dtype;
};

struct matmul_attr {
    bool ta, tb;
    sw_dtype compute; /* SW_BF16: operands are rounded to it */
};

struct pool_attr {
    int64_t kernel[2], stride[2], pad[4];
    bool ceil_mode, count_pad;
};

struct layernorm_attr {
    float eps;
};

struct groupnorm_attr {
    int64_t groups;
    float eps;
};

struct rmsnorm_attr {
    float eps;
};

struct quantise_attr {
    int axis;
    sw_dtype dtype; /* of the bytes; dequantise: unused */
};

#endif
