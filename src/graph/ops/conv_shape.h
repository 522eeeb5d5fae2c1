/* The sizes of a convolution y = conv(x, w): what its forward pass, its gradients and the transposed
 * convolution have in common.  The names are always those of the forward pass: an op that computes
 * dx from dy reads y's sizes and writes x's. */
#ifndef SWELL_OPS_CONV_SHAPE_H
#define SWELL_OPS_CONV_SHAPE_H

#include "graph/op.h"
#include "graph/op_list.h"

/* Kernels count coordinates in 32 bits. */
#define SW_CONV_LARGEST (1 << 30)

/* Index 0 is height, 1 is width. */
struct conv_attr {
    int64_t stride[2], dilation[2];
    int64_t pad[4]; /* top, left, bottom, right */
    int64_t groups;
    int64_t output_pad[2]; /* of a transposed convolution */
    int rank;              /* of x: 3 or 4 */
    sw_dtype compute;      /* what operands were rounded to; gradients round theirs likewise */
    int64_t way;           /* an enum conv_way that is asked for (conv_choice.h), 0 for users */
};

struct conv_dims {
    int64_t n, groups;
    int64_t c, in[2];  /* channels and pixels of x */
    int64_t o, out[2]; /* of y */
    int64_t kernel[2];
    int64_t cg, og; /* channels of a group, of x and of y */
};

/* Options with their zeros replaced. */
struct conv_attr sw__conv_attr(sw_graph *g, sw_conv_options o, int rank);

/* Dimensions of shapes that fit.  Rank 3, (N,C,L), is read as (N,C,1,L). */
struct conv_dims sw__conv_dims(const struct conv_attr *attr, const sw_shape *x, const sw_shape *w,
                               const sw_shape *y);

/* Whether operands x and w (numbers of q) fit together, and attr makes sense.  transposed: x has as
 * many channels as w has rows. */
sw_status sw__conv_check(struct sw_infer *q, const struct conv_attr *attr, int x, int w,
                         bool transposed);

/* Whether operand number `bias`, if it is there, has a value for each of `channels`. */
sw_status sw__conv_check_bias(struct sw_infer *q, int bias, int64_t channels);
/* For class->accepts_bias: (C,1,1) or (1,C,1,1) added to (N,C,H,W), likewise with one axis less. */
bool sw__conv_accepts_bias(const sw_shape *out, const sw_shape *vector);

/* The grid of the forward pass: over x for each pixel of y. */
struct sw_grid sw__conv_grid(const struct conv_attr *attr, const struct conv_dims *d);

/* dx as grids over dy.  Pixel i of x is reached from pixel o of y by tap t where
 *
 *     i + pad = o * stride + t * dilation
 *
 * so pixels with the same residue r = (i + pad) mod stride have the same taps, every
 * stride / gcd(stride, dilation)-th one, and see y without gaps: one grid for each residue. */
struct conv_phase {
    int64_t at, step, pixels;    /* the pixels of x: at, at + step, ... */
    int64_t tap, tap_step, taps; /* their taps: tap, tap + tap_step, ... */
    int64_t origin, back;        /* pixel q reads y at q + origin - back * (number of the tap) */
};

/* Along one axis (0 or 1) for residue r, 0 <= r < stride. */
struct conv_phase sw__conv_phase(const struct conv_attr *attr, const struct conv_dims *d, int axis,
                                 int64_t r);

/* Both axes' phases as a grid over y. */
struct sw_grid sw__conv_phase_grid(const struct conv_dims *d, const struct conv_phase *down,
                                   const struct conv_phase *across);

/* Windows of one element that lie as the results do: a plane may be read as one long row. */
bool sw__conv_is_flat(const struct sw_grid *g);

#endif
