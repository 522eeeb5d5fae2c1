/* Which algorithm computes a convolution: a function of the pass, the ISA, the filter, the channels
 * and the size of an image; never of the number of images, so an image has the same bits in any batch.
 *
 * Limits (sw__conv_allows) are rules.  What is fastest within them stands in a table
 * (conv_choice_table.c), which `make tune` measures and writes (bench/tune). */
#ifndef SWELL_OPS_CONV_CHOICE_H
#define SWELL_OPS_CONV_CHOICE_H

#include "base/cpu.h"
#include "graph/ops/conv_shape.h"

/* The values are the table's letters. */
enum conv_way {
    CONV_CHOSEN = 0, /* in attributes: whatever is best */
    CONV_DEPTHWISE = '-',
    CONV_WINOGRAD = 'W',
    CONV_DIRECT = 'D',
    CONV_PRODUCT = 'P', /* implicit */
    CONV_BF16 = 'B'     /* implicit, of bf16: whatever is not depthwise (conv_bf16.h) */
};

/* CONV_TRANSPOSED computes what CONV_DATA does, with bias and activation. */
enum conv_pass {
    CONV_FORWARD,
    CONV_DATA,
    CONV_WEIGHTS,
    CONV_PASSES,
    CONV_TRANSPOSED = CONV_PASSES
};

/* Whether an algorithm can compute this pass, within its bounds of error and waste. */
bool sw__conv_allows(enum conv_pass pass, enum conv_way way, const struct conv_attr *attr,
                     const struct conv_dims *d);

/* attr->way where it is allowed, else the table's. */
enum conv_way sw__conv_choose(enum sw_isa isa, enum conv_pass pass, const struct conv_attr *attr,
                              const struct conv_dims *d);

/* ---- the table ---------------------------------------------------------------------------------- */

enum {
    CONV_LEVELS = 2, /* AVX2, whose entries portable code shares, and AVX-512 */
    CONV_KINDS = 6,
    CONV_CHANNELS = 6,
    CONV_SPOTS = 6
};

/* Kinds of filters.  Few taps are 2 to 12; many are measured as 5x5, which Winograd may do too. */
enum conv_kind {
    CONV_FOR_WINOGRAD, /* 3x3, wherever that is allowed */
    CONV_ONE_TAP,
    CONV_FEW_TAPS,
    CONV_FEW_TAPS_STRIDED,
    CONV_MANY_TAPS,
    CONV_MANY_TAPS_STRIDED
};

/* Where a convolution stands in the table. */
struct conv_key {
    int level, pass, kind;
    int in, out; /* channels of a group, of x and of y */
    int spot;    /* of the image's size */
};
struct conv_key sw__conv_key(enum sw_isa isa, enum conv_pass pass, const struct conv_attr *attr,
                             const struct conv_dims *d);

/* [level][pass][kind][in][out]: a letter for each spot.  All that falls between two measured numbers
 * of channels, or widths, takes the nearest, by their ratio. */
extern const char sw__conv_table[CONV_LEVELS][CONV_PASSES][CONV_KINDS][CONV_CHANNELS][CONV_CHANNELS]
                                [CONV_SPOTS + 1];
extern const int sw__conv_channels[CONV_CHANNELS]; /* that were measured */
/* Sizes that were measured: of CONV_FOR_WINOGRAD in rising order of how full tiles of 4x4 are, then
 * how many (sw__conv_key); widths of the others. */
extern const int sw__conv_sizes[CONV_KINDS][CONV_SPOTS];

#endif
