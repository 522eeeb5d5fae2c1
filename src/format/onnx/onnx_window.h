/* Sliding windows: what convolutions and pooling have in common in ONNX. */
#ifndef SWELL_FORMAT_ONNX_WINDOW_H
#define SWELL_FORMAT_ONNX_WINDOW_H

#include "format/onnx/onnx_import.h"

struct sw_onnx_window {
    int n; /* spatial axes, 1..3: the last ones of a shape */
    int kernel[3], stride[3], dilation[3], before[3], after[3];
};

/* From kernel_shape (absent: `kernel`, the last axes of a weight), strides, dilations, pads, auto_pad of
 * the node at hand, for an image of shape x.  False after a refusal. */
bool sw__onnx_window(struct sw_onnx_import *im, const sw_shape *x, const sw_shape *weight,
                     struct sw_onnx_window *out);

/* (N,C,L) as (N,C,1,L), and back. */
sw_node *sw__onnx_two_axes(struct sw_onnx_import *im, sw_node *x);
sw_node *sw__onnx_one_axis(struct sw_onnx_import *im, sw_node *x);

#endif
