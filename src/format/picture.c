/* Pictures of any format: which decoder, how large they may be, and the public calls.
 *
 * A header of a hundred bytes may claim a gigabyte of pixels.  What is allocated is bounded by what the
 * file could hold: no format here packs more than ten thousand pixels into a byte of a real picture. */
#include "format/picture_decode.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/context_int.h"
#include "base/memory.h"

enum { PIXELS_A_BYTE = 10000, PIXELS_FREE = 1 << 20 };

sw_status sw__decode_fail(struct sw_decode *d, sw_status status, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    vsnprintf(d->error, sizeof d->error, format, args);
    va_end(args);
    return status;
}

sw_status sw__picture_size(struct sw_decode *d, int64_t width, int64_t height)
{
    if (width < 1 || height < 1 || width > SW_PICTURE_PIXELS / height)
        return sw__decode_fail(d, SW_ERR_SIZE, "%lld x %lld pixels; 1 to %d are read",
                               (long long)width, (long long)height, SW_PICTURE_PIXELS);
    if (width * height - PIXELS_FREE > (int64_t)d->size * PIXELS_A_BYTE)
        return sw__decode_fail(d, SW_ERR_FORMAT, "%lld x %lld pixels cannot be in %zu bytes",
                               (long long)width, (long long)height, d->size);
    d->out.width = (int)width;
    d->out.height = (int)height;
    d->out.rgb = sw__calloc2((size_t)(width * height), 3);
    return d->out.rgb ? SW_OK
                      : sw__decode_fail(d, SW_ERR_MEMORY, "out of memory for %lld x %lld pixels",
                                        (long long)width, (long long)height);
}

/* What a file is that no decoder takes, for the error's sake. */
static const char *other_format(const uint8_t *b, size_t n)
{
    static const struct {
        const char *magic, *name;
    } known[] = {{"GIF8", "GIF"}, {"BM", "BMP"},          {"II*", "TIFF"}, {"MM", "TIFF"},
                 {"%PDF", "PDF"}, {"<svg", "SVG"},        {"P6", "PPM"},   {"P5", "PGM"},
                 {"8BPS", "PSD"}, {"\xff\x0a", "JPEG XL"}};
    if (n > 12 && memcmp(b + 4, "ftyp", 4) == 0) return "HEIC, AVIF or a film";
    for (size_t i = 0; i < sizeof known / sizeof *known; i++)
        if (n >= strlen(known[i].magic) && memcmp(b, known[i].magic, strlen(known[i].magic)) == 0)
            return known[i].name;
    return NULL;
}

static sw_status decode_any(struct sw_decode *d)
{
    const uint8_t *b = d->bytes;
    const char *other;
    if (d->size == 0) return sw__decode_fail(d, SW_ERR_FORMAT, "an empty file");
    if (d->size > 3 && memcmp(b, "\xff\xd8\xff", 3) == 0) return sw__jpeg_decode(d);
    if (d->size > 8 && memcmp(b, "\x89PNG\r\n\x1a\n", 8) == 0) return sw__png_decode(d);
    if (d->size > 12 && memcmp(b, "RIFF", 4) == 0 && memcmp(b + 8, "WEBP", 4) == 0)
        return sw__webp_decode(d);
    other = other_format(b, d->size);
    return sw__decode_fail(d, SW_ERR_FORMAT, "%s%s", other ? other : "no picture",
                           other ? "; convert it to JPEG, PNG or WebP"
                                 : ": JPEG, PNG and WebP are read");
}

sw_status sw__picture_decode(struct sw_decode *d)
{
    d->orientation = 1;
    d->out = (sw_picture){0};
    sw_status status = decode_any(d);
    if (status == SW_OK && !sw__picture_upright(d)) {
        free(d->out.rgb);
        status = sw__decode_fail(d, SW_ERR_MEMORY, "out of memory");
    }
    return status;
}

/* A picture on the heap around pixels that it takes over. */
static sw_status adopt(sw_context *ctx, const char *name, sw_picture pixels, sw_picture **out)
{
    *out = malloc(sizeof **out);
    if (!*out) {
        free(pixels.rgb);
        return sw__fail(ctx, SW_ERR_MEMORY, "%s: out of memory", name);
    }
    **out = pixels;
    return SW_OK;
}

sw_status sw_picture_decode(sw_context *ctx, const char *name, const void *bytes, size_t size,
                            int short_side, sw_picture **out)
{
    struct sw_decode d = {.bytes = bytes, .size = size, .short_side = short_side};
    *out = NULL;
    sw_status status = sw__picture_decode(&d);
    if (status != SW_OK) return sw__fail(ctx, status, "%s: %s", name, d.error);
    return adopt(ctx, name, d.out, out);
}

sw_status sw_picture_load(sw_context *ctx, const char *path, int short_side, sw_picture **out)
{
    struct sw_mapping map;
    *out = NULL;
    errno = 0;
    if (sw__map_file(path, &map) != SW_OK)
        return sw__fail(ctx, SW_ERR_IO, "%s: %s", path, errno ? strerror(errno) : "no file");
    sw_status status = sw_picture_decode(ctx, path, map.data, map.size, short_side, out);
    sw__unmap_file(&map);
    return status;
}

sw_status sw_picture_create(sw_context *ctx, int width, int height, sw_picture **out)
{
    *out = NULL;
    if (width < 1 || height < 1 || width > SW_PICTURE_PIXELS / height)
        return sw__fail(ctx, SW_ERR_ARGUMENT, "a picture of %d x %d", width, height);
    sw_picture p = {width, height, sw__calloc2((size_t)width * (size_t)height, 3)};
    if (!p.rgb) return sw__fail(ctx, SW_ERR_MEMORY, "out of memory for %d x %d", width, height);
    return adopt(ctx, "picture", p, out);
}

void sw_picture_destroy(sw_picture *p)
{
    if (!p) return;
    free(p->rgb);
    free(p);
}

void sw_picture_planes(const sw_picture *p, int left, int top, int width, int height, bool mirror,
                       const float mean[3], const float deviation[3], float *out)
{
    for (int c = 0; c < 3; c++) {
        float table[256];
        for (int v = 0; v < 256; v++) table[v] = ((float)v / 255.0f - mean[c]) / deviation[c];
        for (int y = 0; y < height; y++) {
            const uint8_t *row = p->rgb + 3 * ((size_t)(top + y) * (size_t)p->width + (size_t)left);
            float *to = out + ((size_t)c * (size_t)height + (size_t)y) * (size_t)width;
            for (int x = 0; x < width; x++)
                to[x] = table[row[3 * (mirror ? width - 1 - x : x) + c]];
        }
    }
}
