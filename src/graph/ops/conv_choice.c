/* Choosing the algorithm of a convolution; see conv_choice.h. */
#include "graph/ops/conv_choice.h"
#include "base/size.h"
#include "graph/ops/depthwise.h"
#include "kernels/winograd_kernels.h"

enum {
    MOST_CHANNELS = 1024, /* of a group, by Winograd: bounds the scratch, and the error */
    FEW = 12              /* taps */
};

#define MOST_FLOATS (INT64_C(1) << 44)

const int sw__conv_channels[CONV_CHANNELS] = {4, 24, 48, 96, 192, 448};
const int sw__conv_sizes[CONV_KINDS][CONV_SPOTS] = {
    [CONV_FOR_WINOGRAD] = {5, 9, 13, 7, 19, 56}, [CONV_ONE_TAP] = {4, 7, 10, 14, 28, 56},
    [CONV_FEW_TAPS] = {4, 7, 10, 14, 28, 56},    [CONV_FEW_TAPS_STRIDED] = {4, 7, 10, 14, 28, 56},
    [CONV_MANY_TAPS] = {4, 7, 10, 14, 28, 56},   [CONV_MANY_TAPS_STRIDED] = {4, 7, 10, 14, 28, 56},
};

/* ---- limits ------------------------------------------------------------------------------------- */

static bool is_plain(const struct conv_attr *attr)
{
    return attr->stride[0] == 1 && attr->stride[1] == 1;
}

/* F(4x4, 3x3) and F(2x2, 5x5), never with bf16 operands (winograd_kernels.h has the bound of the error). */
static bool allows_winograd(const struct conv_attr *attr, const struct conv_dims *d)
{
    const int64_t taps = d->kernel[0];
    if (attr->compute != SW_F32 || !is_plain(attr) || (taps != 3 && taps != 5)) return false;
    for (int axis = 0; axis < 2; axis++)
        if (d->kernel[axis] != taps || attr->dilation[axis] != 1 || attr->pad[axis] >= taps ||
            attr->pad[axis + 2] >= taps)
            return false;
    return d->cg <= MOST_CHANNELS && d->og <= MOST_CHANNELS;
}

/* Whether the padded planes of a picture are numbers that exist: dimensions that a file says may pad one pixel
 * to 2^29. */
static bool is_possible(const struct conv_attr *attr, const struct conv_dims *d)
{
    int64_t floats = 2 * (d->c + d->o);
    for (int axis = 0; axis < 2; axis++) {
        const int64_t reach = attr->dilation[axis] * (d->kernel[axis] - 1) + 1;
        const int64_t pads = attr->pad[axis] + attr->pad[axis + 2];
        if (!sw__i64_mul(floats, d->in[axis] + d->out[axis] * attr->stride[axis] + pads + 2 * reach,
                         &floats))
            return false;
    }
    return floats < MOST_FLOATS;
}

/* By data with a stride, phases become out-channels, which have neither bias nor activation, and
 * zeros where a phase lacks a tap: at most a third. */
static bool allows_direct(enum conv_pass pass, const struct conv_attr *attr,
                          const struct conv_dims *d)
{
    if (pass == CONV_WEIGHTS) return true;
    if (!is_possible(attr, d)) return false;
    if (pass == CONV_FORWARD || is_plain(attr)) return true;
    if (pass == CONV_TRANSPOSED || attr->dilation[0] != 1 || attr->dilation[1] != 1) return false;
    int64_t taps = 1;
    for (int axis = 0; axis < 2; axis++) taps *= sw__round_up(d->kernel[axis], attr->stride[axis]);
    return 4 * d->kernel[0] * d->kernel[1] >= 3 * taps;
}

bool sw__conv_allows(enum conv_pass pass, enum conv_way way, const struct conv_attr *attr,
                     const struct conv_dims *d)
{
    switch (way) {
    case CONV_WINOGRAD: return allows_winograd(attr, d);
    case CONV_DIRECT: return allows_direct(pass, attr, d);
    case CONV_PRODUCT: return pass != CONV_WEIGHTS;
    case CONV_DEPTHWISE: return sw__conv_is_depthwise(d);
    case CONV_BF16: return attr->compute == SW_BF16;
    case CONV_CHOSEN: break;
    }
    return false;
}

/* ---- the table ---------------------------------------------------------------------------------- */

/* The nearest of rising numbers, by ratio. */
static int nearest(const int *numbers, int count, int64_t x)
{
    int i = 0;
    while (i + 1 < count && x * x > (int64_t)numbers[i] * numbers[i + 1]) i++;
    return i;
}

static enum conv_kind kind_of(const struct conv_attr *attr, const struct conv_dims *d)
{
    const int64_t taps = d->kernel[0] * d->kernel[1];
    if (taps == 9 && allows_winograd(attr, d)) return CONV_FOR_WINOGRAD;
    if (taps == 1) return CONV_ONE_TAP;
    if (taps <= FEW) return is_plain(attr) ? CONV_FEW_TAPS : CONV_FEW_TAPS_STRIDED;
    return is_plain(attr) ? CONV_MANY_TAPS : CONV_MANY_TAPS_STRIDED;
}

/* Pixels of a tile that are results: below 8, below 12, and up to 16 of them. */
static int winograd_spot(const int64_t size[2])
{
    const int64_t tiles = sw__ceil_div(size[0], SW_WINOGRAD_TILE) *
                          sw__ceil_div(size[1], SW_WINOGRAD_TILE);
    const int64_t pixels = size[0] * size[1];
    if (pixels < 8 * tiles) return 0;
    if (pixels < 12 * tiles) return tiles <= 12 ? 1 : 2;
    return tiles <= 10 ? 3 : tiles <= 70 ? 4 : 5;
}

struct conv_key sw__conv_key(enum sw_isa isa, enum conv_pass pass, const struct conv_attr *attr,
                             const struct conv_dims *d)
{
    const enum conv_kind kind = kind_of(attr, d);
    const enum conv_pass like = pass == CONV_TRANSPOSED ? CONV_DATA : pass;
    return (struct conv_key){.level = sw__isa_f32(isa) == SW_ISA_AVX512,
                             .pass = like,
                             .kind = kind,
                             .in = nearest(sw__conv_channels, CONV_CHANNELS, d->cg),
                             .out = nearest(sw__conv_channels, CONV_CHANNELS, d->og),
                             .spot = kind == CONV_FOR_WINOGRAD
                                         ? winograd_spot(like == CONV_DATA ? d->in : d->out)
                                         : nearest(sw__conv_sizes[kind], CONV_SPOTS, d->out[1])};
}

enum conv_way sw__conv_choose(enum sw_isa isa, enum conv_pass pass, const struct conv_attr *attr,
                              const struct conv_dims *d)
{
    const enum conv_way asked = (enum conv_way)attr->way;
    if (attr->compute == SW_BF16) return sw__conv_is_depthwise(d) ? CONV_DEPTHWISE : CONV_BF16;
    if (sw__conv_allows(pass, asked, attr, d)) return asked;
    if (sw__conv_is_depthwise(d)) return CONV_DEPTHWISE;
    const struct conv_key k = sw__conv_key(isa, pass, attr, d);
    const enum conv_way way = (enum conv_way)
        sw__conv_table[k.level][k.pass][k.kind][k.in][k.out][k.spot];
    if (sw__conv_allows(pass, way, attr, d)) return way;
    return sw__conv_allows(pass, CONV_DIRECT, attr, d) ? CONV_DIRECT : CONV_PRODUCT;
}
