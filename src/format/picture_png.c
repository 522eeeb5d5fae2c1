/* PNG by libpng's simplified interface: any depth and colour type to 8-bit RGB over white, and back.
 * That interface does not show the eXIf chunk, so it is looked for here (PNG 1.2 extensions, 1.5.0,
 * section 3.7). */
#include <errno.h>
#include <png.h>
#include <stdlib.h>
#include <string.h>

#include "base/context_int.h"
#include "base/file.h"
#include "base/memory.h"
#include "format/picture_decode.h"

static size_t big32(const uint8_t *p)
{
    return (size_t)p[0] << 24 | (size_t)p[1] << 16 | (size_t)p[2] << 8 | p[3];
}

/* Chunks: length, type, data, checksum; until one does not fit. */
static int orientation(const uint8_t *b, size_t size)
{
    for (size_t at = 8, length; size - at >= 12; at += 12 + length) {
        length = big32(b + at);
        if (length > size - at - 12) break;
        if (memcmp(b + at + 4, "eXIf", 4) == 0) return sw__exif_orientation(b + at + 8, length);
    }
    return 1;
}

sw_status sw__png_decode(struct sw_decode *d)
{
    png_image image = {.version = PNG_IMAGE_VERSION};
    const png_color white = {255, 255, 255};
    sw_status status = SW_ERR_FORMAT;
    if (png_image_begin_read_from_memory(&image, d->bytes, d->size)) {
        d->orientation = orientation(d->bytes, d->size);
        image.format = PNG_FORMAT_RGB;
        status = sw__picture_size(d, image.width, image.height);
        if (status == SW_OK && !png_image_finish_read(&image, &white, d->out.rgb, 0, NULL)) {
            free(d->out.rgb);
            d->out.rgb = NULL;
            status = SW_ERR_FORMAT;
        }
    }
    if (status == SW_ERR_FORMAT && image.message[0])
        sw__decode_fail(d, status, "PNG: %s", image.message);
    png_image_free(&image);
    return status;
}

sw_status sw_picture_save(sw_context *ctx, const sw_picture *p, const char *path)
{
    png_image image = {.version = PNG_IMAGE_VERSION,
                       .width = (png_uint_32)p->width,
                       .height = (png_uint_32)p->height,
                       .format = PNG_FORMAT_RGB};
    png_alloc_size_t size = PNG_IMAGE_PNG_SIZE_MAX(image);
    struct sw_file file;
    void *bytes = malloc(size);
    if (!bytes || !png_image_write_to_memory(&image, bytes, &size, 0, p->rgb, 0, NULL)) {
        free(bytes);
        return sw__fail(ctx, SW_ERR_MEMORY, "%s: %s", path,
                        bytes ? image.message : "out of memory");
    }
    sw_status status = sw__file_create(path, &file);
    if (status == SW_OK) {
        sw__file_write(&file, bytes, size);
        status = sw__file_commit(&file);
    }
    free(bytes);
    return status == SW_OK ? SW_OK
                           : sw__fail(ctx, status, "%s: cannot write: %s", path, strerror(errno));
}
