/* One picture as a square of bytes: Krizhevsky et al. 2012, section 2, "we first rescaled the image such
 * that the shorter side was of length 256, and then cropped out the central 256 x 256 patch".  What is a
 * square of that size already is looked at where it lies. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "train/image_set_int.h"

sw_status sw__image_decode(const char *path, int short_side, sw_picture *out,
                           char why[SW_PICTURE_ERROR])
{
    struct sw_mapping map;
    errno = 0;
    if (sw__map_file(path, &map) != SW_OK) {
        snprintf(why, SW_PICTURE_ERROR, "%s", errno ? strerror(errno) : "no file");
        return SW_ERR_IO;
    }
    struct sw_decode d = {.bytes = map.data, .size = map.size, .short_side = short_side};
    sw_status status = sw__picture_decode(&d);
    sw__unmap_file(&map);
    *out = d.out;
    if (status != SW_OK) memcpy(why, d.error, SW_PICTURE_ERROR);
    return status;
}

/* Picture i of a set in memory as RGB. */
static bool unpack(const struct image_set *s, int64_t i, sw_picture *out)
{
    const int64_t plane = (int64_t)s->shown.width * s->shown.height;
    const uint8_t *x = s->images + s->shown.channels * plane * i;
    *out = (sw_picture){s->shown.width, s->shown.height, sw__calloc2((size_t)plane, 3)};
    if (!out->rgb) return false;
    for (int64_t k = 0; k < plane; k++)
        for (int c = 0; c < 3; c++)
            out->rgb[3 * k + c] = x[(s->shown.channels == 3 ? c * plane : 0) + k];
    return true;
}

/* To the shorter side `side`; p->rgb is replaced. */
static bool shrink(sw_picture *p, int side)
{
    const int shorter = p->width < p->height ? p->width : p->height;
    const int width = (int)((int64_t)p->width * side / shorter);
    const int height = (int)((int64_t)p->height * side / shorter);
    if (shorter == side) return true;
    uint8_t *rgb = sw__calloc2((size_t)width * (size_t)height, 3);
    const bool done = rgb && sw__picture_resize(p, width, height, rgb);
    if (done) {
        free(p->rgb);
        *p = (sw_picture){width, height, rgb};
    } else {
        free(rgb);
    }
    return done;
}

/* Grey of n pixels, in place (ITU-R BT.601, as Pillow's "L"). */
static void make_grey(uint8_t *rgb, size_t n)
{
    for (size_t i = 0; i < n; i++)
        rgb[i] = (uint8_t)((19595 * rgb[3 * i] + 38470 * rgb[3 * i + 1] + 7471 * rgb[3 * i + 2] +
                            0x8000) >>
                           16);
}

/* The frame of RGB pixels, which it takes over. */
static void frame_of(sw_picture p, const sw_augmentation *a, struct sw_frame *out)
{
    const int64_t first = (int64_t)((p.height - a->frame) / 2) * p.width + (p.width - a->frame) / 2;
    const bool grey = a->channels == 1;
    if (grey) make_grey(p.rgb, (size_t)p.width * (size_t)p.height);
    *out = (struct sw_frame){.step = grey ? 1 : 3, .own = p.rgb};
    out->row = (int64_t)p.width * out->step;
    for (int c = 0; c < 3; c++) out->at[c] = p.rgb + first * out->step + (grey ? 0 : c);
}

static sw_status no_memory(char why[SW_PICTURE_ERROR])
{
    snprintf(why, SW_PICTURE_ERROR, "out of memory");
    return SW_ERR_MEMORY;
}

sw_status sw__image_frame(const struct image_set *s, int64_t i, const sw_augmentation *a,
                          struct sw_frame *out, char why[SW_PICTURE_ERROR])
{
    const sw_image_set *set = &s->shown;
    sw_picture p;
    if (s->images && set->width == a->frame && set->height == a->frame &&
        set->channels <= a->channels) {
        const int64_t plane = (int64_t)a->frame * a->frame;
        const uint8_t *x = s->images + set->channels * plane * i;
        *out = (struct sw_frame){.step = 1, .row = a->frame};
        for (int c = 0; c < 3; c++) out->at[c] = x + (c < set->channels ? c * plane : 0);
        return SW_OK;
    }
    if (s->images) {
        if (!unpack(s, i, &p)) return no_memory(why);
    } else {
        sw_status status = sw__image_decode(s->paths[i], a->frame, &p, why);
        if (status != SW_OK) return status;
    }
    if (!shrink(&p, a->frame)) {
        free(p.rgb);
        return no_memory(why);
    }
    frame_of(p, a, out);
    return SW_OK;
}
