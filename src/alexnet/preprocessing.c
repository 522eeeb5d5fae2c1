/* From a picture to the input of a network: resize, cut, subtract, divide.
 *
 * Sizes as torchvision's Resize and CenterCrop compute them: the longer side is rounded down, half a pixel
 * of margin goes to the even side.  Of the views, those of the corners lie in the square of short_side
 * around the centre, which is all that the networks of 2012 ever saw of a picture. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include <swell/see.h>
#include "alexnet/networks.h"
#include "base/context_int.h"
#include "base/memory.h"
#include "format/picture_decode.h"

static int default_short_side(int side)
{
    if (side < 128) return side;
    if (side >= 192 && side <= 256) return 256;
    const int wide = side * 8 / 7;
    return wide < SW_PREPROCESSING_SIDE ? wide : SW_PREPROCESSING_SIDE;
}

static void default_norm(sw_preprocessing *p)
{
    static const float mean[3] = SW_IMAGENET_MEAN, deviation[3] = SW_IMAGENET_DEVIATION;
    for (int c = 0; c < 3; c++) {
        p->mean[c] = p->channels == 1 ? 0.459f : mean[c]; /* 0.299 R + 0.587 G + 0.114 B */
        p->deviation[c] = p->channels == 1 ? 0.226f : deviation[c];
    }
}

static void take(int *to, int from)
{
    if (!*to) *to = from;
}

sw_status sw_preprocessing_complete(sw_context *ctx, const char *where, sw_preprocessing *p,
                                    const sw_preprocessing *other)
{
    if (other) {
        /* A side of its own, and the other's short side below it: then the short side is not said. */
        const bool fits = !p->side || p->side <= other->short_side;
        take(&p->channels, other->channels);
        take(&p->side, other->side);
        if (fits) take(&p->short_side, other->short_side);
        if (p->deviation[0] == 0) {
            memcpy(p->mean, other->mean, sizeof p->mean);
            memcpy(p->deviation, other->deviation, sizeof p->deviation);
        }
    }
    take(&p->channels, 3);
    take(&p->side, p->short_side && p->short_side < 224 ? p->short_side : 224);
    take(&p->short_side, default_short_side(p->side));
    if (p->deviation[0] == 0) default_norm(p);
    if (p->channels != 1 && p->channels != 3)
        return sw__fail(ctx, SW_ERR_ARGUMENT, "%s: pictures of %d channels; 1 or 3 are possible",
                        where, p->channels);
    if (p->side < 1 || p->side > p->short_side || p->short_side > SW_PREPROCESSING_SIDE)
        return sw__fail(ctx, SW_ERR_ARGUMENT,
                        "%s: side %d of a short side of %d: it needs 1 <= side <= short side <= %d",
                        where, p->side, p->short_side, SW_PREPROCESSING_SIDE);
    for (int c = 0; c < p->channels; c++)
        if (!isfinite(p->mean[c]) || !isfinite(p->deviation[c]) || p->deviation[c] <= 0)
            return sw__fail(ctx, SW_ERR_ARGUMENT,
                            "%s: mean %g, deviation %g of channel %d: a deviation is above 0",
                            where, (double)p->mean[c], (double)p->deviation[c], c);
    return SW_OK;
}

/* The size with the shorter side `side`; pictures like threads keep to what may be. */
static void fit(const sw_picture *p, int side, int *width, int *height)
{
    const int shorter = p->width < p->height ? p->width : p->height;
    const int64_t longer = p->width < p->height ? p->height : p->width;
    int64_t scaled = longer * side / shorter;
    if (scaled > SW_PICTURE_PIXELS / side) scaled = SW_PICTURE_PIXELS / side;
    *width = p->width < p->height ? side : (int)scaled;
    *height = p->width < p->height ? (int)scaled : side;
}

/* Half the margin, a half pixel to even. */
static int margin(int whole, int part)
{
    const int m = whole - part;
    return m / 2 + (m % 2 && m / 2 % 2);
}

static void grey_plane(const sw_picture *p, int left, int top, int side, bool mirror, float mean,
                       float deviation, float *out)
{
    for (int y = 0; y < side; y++) {
        const uint8_t *row = p->rgb + 3 * ((size_t)(top + y) * (size_t)p->width + (size_t)left);
        for (int x = 0; x < side; x++) {
            const uint8_t *c = row + 3 * (mirror ? side - 1 - x : x);
            const int v = (c[0] * 19595 + c[1] * 38470 + c[2] * 7471 + 0x8000) >> 16;
            out[(size_t)y * (size_t)side + (size_t)x] = ((float)v / 255.0f - mean) / deviation;
        }
    }
}

static void cut(const sw_preprocessing *p, const sw_picture *picture, int view, float *out)
{
    const int at = view % 5, slack = p->short_side - p->side;
    int left = margin(picture->width, p->side), top = margin(picture->height, p->side);
    if (at) {
        left = margin(picture->width, p->short_side) + (at - 1) % 2 * slack;
        top = margin(picture->height, p->short_side) + (at - 1) / 2 * slack;
    }
    if (p->channels == 1)
        grey_plane(picture, left, top, p->side, view >= 5, p->mean[0], p->deviation[0], out);
    else
        sw_picture_planes(picture, left, top, p->side, p->side, view >= 5, p->mean, p->deviation,
                          out);
}

sw_status sw_preprocessing_apply(const sw_preprocessing *p, const sw_picture *picture,
                                 const int *views, int n, float *out)
{
    const size_t size = (size_t)p->channels * (size_t)p->side * (size_t)p->side;
    sw_picture fitted;
    fit(picture, p->short_side, &fitted.width, &fitted.height);
    fitted.rgb = picture->rgb;
    if (fitted.width != picture->width || fitted.height != picture->height) {
        fitted.rgb = sw__calloc2((size_t)fitted.width * (size_t)fitted.height, 3);
        if (!fitted.rgb || !sw__picture_resize(picture, fitted.width, fitted.height, fitted.rgb)) {
            free(fitted.rgb);
            return SW_ERR_MEMORY;
        }
    }
    for (int i = 0; i < n; i++) cut(p, &fitted, views[i], out + (size_t)i * size);
    if (fitted.rgb != picture->rgb) free(fitted.rgb);
    return SW_OK;
}
