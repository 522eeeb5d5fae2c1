/* Values that are known as bytes: quantised networks, whose operators stand between DequantizeLinear and
 * QuantizeLinear, become layers on bytes.  See onnx_bytes.c. */
#ifndef SWELL_FORMAT_ONNX_BYTES_H
#define SWELL_FORMAT_ONNX_BYTES_H

#include "format/onnx/onnx_import.h"

/* real = scale (x - zero), x being u8: an int8 value is kept with 128 added to it and to its zero point. */
struct sw_onnx_bytes {
    sw_node
        *x; /* in the order of the value; or (N,H,W,C), and the value is a reshaping of (N,C,H,W) */
    bool last;      /* the latter: channels are last */
    sw_node *real;  /* what QuantizeLinear read, or NULL */
    sw_shape shape; /* of the value */
    float scale;
    int zero;
};

/* A layer whose results may be asked for as bytes or as numbers: output 0 of node `at`. */
struct sw_onnx_target {
    float scale;
    int zero, low, high; /* bytes, the bounds of an activation in between included */
};

/* Bytes that the node at hand makes of bytes; x NULL: it is no layer that we have. */
struct sw_onnx_bytes sw__onnx_bytes_layer(struct sw_onnx_import *im,
                                          const struct sw_onnx_target *to);
/* The numbers of a product (Conv, Gemm, MatMul) of bytes, or NULL. */
sw_node *sw__onnx_bytes_product(struct sw_onnx_import *im);

/* Operand i of the node at hand as bytes, or NULL. */
const struct sw_onnx_bytes *sw__onnx_bytes_of(struct sw_onnx_import *im, int i);
/* The same in the order N, H, W, C; a vector for each row of a batch is a picture of one pixel. */
sw_node *sw__onnx_bytes_last(struct sw_onnx_import *im, const struct sw_onnx_bytes *b);
/* A constant scale or zero point of one number; false: it is none, or varies. */
bool sw__onnx_one_scale(struct sw_onnx_import *im, const char *name, float *scale);
bool sw__onnx_one_zero(struct sw_onnx_import *im, const Onnx__NodeProto *n, size_t i, int type,
                       int *zero);
/* Other bytes for the same numbers. */
void sw__onnx_bytes_scaled(struct sw_onnx_import *im, const struct sw_onnx_bytes *from,
                           const struct sw_onnx_target *to, struct sw_onnx_bytes *out);
/* The byte of x. */
int sw__onnx_byte(double x, float scale, int zero);

#endif
