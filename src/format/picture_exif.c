/* Which side of a picture is up: the orientation that cameras write (EXIF 2.3, section 4.6.4, tag
 * 0x0112; the structure is TIFF 6.0's, section 2), and turning it. */
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "format/picture_decode.h"

static unsigned number(const uint8_t *p, int bytes, bool little)
{
    unsigned v = 0;
    for (int i = 0; i < bytes; i++) v |= (unsigned)p[i] << 8 * (little ? i : bytes - 1 - i);
    return v;
}

int sw__exif_orientation(const uint8_t *tiff, size_t size)
{
    enum { HEADER = 8, ENTRY = 12, ORIENTATION = 0x0112, SHORT = 3 };
    if (size < HEADER + 2) return 1;
    const bool little = tiff[0] == 'I';
    if (memcmp(tiff, little ? "II*\0" : "MM\0*", 4) != 0) return 1;
    size_t at = number(tiff + 4, 4, little);
    if (at > size - 2) return 1;
    unsigned entries = number(tiff + at, 2, little);
    at += 2;
    for (; entries > 0 && size - at >= ENTRY; entries--, at += ENTRY) {
        const uint8_t *e = tiff + at;
        unsigned value = number(e + 8, 2, little);
        if (number(e, 2, little) == ORIENTATION && number(e + 2, 2, little) == SHORT)
            return value >= 1 && value <= 8 ? (int)value : 1;
    }
    return 1;
}

/* Orientation o says that the file's pixel (x,y) of a W x H picture is seen at
 *
 *   1: x, y          2: W-1-x, y       3: W-1-x, H-1-y     4: x, H-1-y
 *   5: y, x          6: H-1-y, x       7: H-1-y, W-1-x     8: y, W-1-x                              */
bool sw__picture_upright(struct sw_decode *d)
{
    const int o = d->orientation, w = d->out.width, h = d->out.height;
    const bool swap = o >= 5, flip_x = o == 2 || o == 3 || o == 6 || o == 7;
    const bool flip_y = o == 3 || o == 4 || o == 7 || o == 8;
    const int width = swap ? h : w, height = swap ? w : h;
    if (o == 1) return true;
    uint8_t *rgb = sw__calloc2((size_t)w * (size_t)h, 3);
    if (!rgb) return false;
    for (int y = 0; y < h; y++)
        for (int x = 0; x < w; x++) {
            int to_x = swap ? y : x, to_y = swap ? x : y;
            if (flip_x) to_x = width - 1 - to_x;
            if (flip_y) to_y = height - 1 - to_y;
            memcpy(rgb + 3 * ((size_t)to_y * (size_t)width + (size_t)to_x),
                   d->out.rgb + 3 * ((size_t)y * (size_t)w + (size_t)x), 3);
        }
    free(d->out.rgb);
    d->out = (sw_picture){width, height, rgb};
    return true;
}
