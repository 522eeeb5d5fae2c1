/* Convolution of bytes, conv2d_u8: how it is cut up.  conv_u8.c is the op, conv_u8_cut.c the geometry, and
 * conv_u8_pack.c the weight. */
#ifndef SWELL_OPS_CONV_U8_H
#define SWELL_OPS_CONV_U8_H

#include "graph/op.h"

/* Index 0 is height, 1 is width. */
struct conv_u8_attr {
    int64_t stride[2], dilation[2];
    int64_t pad[4]; /* top, left, bottom, right */
    int64_t groups;
    int x_zero, y_zero, low, high;
    int floats; /* y is f32 */
};

/* Sizes, and how taps follow each other. */
struct conv_u8_dims {
    int64_t n, in[2], c, out[2], o;
    int64_t kernel[2], cg, og, groups;
    bool merged; /* the taps of a row lie side by side: one tap of kernel[1] * cg bytes */
    bool copies; /* a task copies what it reads, of its group, with the padding */
    int64_t runs, in_run, steps; /* sw_int8_strip's */
};

/* How y is cut into tasks: bands of pixels or rows, by columns of a group. */
struct conv_u8_cut {
    bool flat;               /* pixels of all rows and images lie `step` apart */
    int64_t step;            /* bytes of x from pixel to pixel of y */
    int64_t bands, band;     /* of an image, rows of each; flat: of all pixels */
    int64_t across, columns; /* pieces of a group, columns of each but the last */
    int64_t tasks;
    int64_t picture; /* bytes of scratch for what is copied, a bound for smaller sizes too */
};

struct conv_u8_dims sw__conv_u8_dims(const struct conv_u8_attr *attr, const sw_shape *x,
                                     const sw_shape *w, const sw_shape *y);
struct conv_u8_cut sw__conv_u8_cut(const struct conv_u8_attr *attr, const struct conv_u8_dims *d,
                                   enum sw_isa isa);

/* The weight as panels, group by group, and the sums of their columns behind them. */
void sw__conv_u8_describe(enum sw_isa isa, const struct conv_u8_dims *d, struct sw_pack *out);
/* The panels of a group, and its columns' sums. */
const int8_t *sw__conv_u8_panels(const void *packed, enum sw_isa isa, const struct conv_u8_dims *d,
                                 int64_t group);
const int32_t *sw__conv_u8_sums(const void *packed, enum sw_isa isa, const struct conv_u8_dims *d,
                                int64_t group);

#endif
