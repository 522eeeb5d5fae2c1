/* Pictures: JPEG, PNG and WebP files to RGB bytes, and RGB bytes to PNG files.
 *
 *     sw_picture *p;
 *     if (sw_picture_load(ctx, "photo.jpg", 256, &p) != SW_OK) puts(sw_error(ctx));
 */
#ifndef SWELL_PICTURE_H
#define SWELL_PICTURE_H

#include <stdbool.h>
#include <swell/context.h>

#ifdef __cplusplus
extern "C" {
#endif

/* sRGB bytes, upright.  Everything belongs to the picture. */
typedef struct sw_picture {
    int width, height;
    uint8_t *rgb; /* (H,W,3) */
} sw_picture;

/* No picture of more pixels is read. */
#define SW_PICTURE_PIXELS (1 << 27)

/* Read a file: JPEG (grey, YCbCr, CMYK; baseline and progressive), PNG (any depth; transparent parts
 * become white), WebP (of an animation the first picture).  Turned upright as its EXIF data says.
 * short_side > 0: the caller will make it smaller anyway, to a shorter side of not less than this many
 * pixels; a JPEG is then decoded at the smallest of the scales 1/8 .. 8/8 that is large enough.
 * SW_ERR_IO, SW_ERR_FORMAT (damaged, cut short, no picture), SW_ERR_SIZE (too many pixels),
 * SW_ERR_MEMORY; the text names the file and the reason.  Free with sw_picture_destroy. */
SW_API sw_status sw_picture_load(sw_context *ctx, const char *path, int short_side,
                                 sw_picture **out);
/* The same from memory; `name` is for errors. */
SW_API sw_status sw_picture_decode(sw_context *ctx, const char *name, const void *bytes,
                                   size_t size, int short_side, sw_picture **out);
/* A black picture. */
SW_API sw_status sw_picture_create(sw_context *ctx, int width, int height, sw_picture **out);
SW_API void sw_picture_destroy(sw_picture *p);

/* Another size, by the triangle filter whose support grows with the reduction (what Pillow and
 * torchvision call bilinear, to the same bytes).  SW_ERR_ARGUMENT, SW_ERR_MEMORY. */
SW_API sw_status sw_picture_resize(sw_context *ctx, const sw_picture *p, int width, int height,
                                   sw_picture **out);
/* The rectangle of (width, height) at (left, top), which lies inside p, as f32 planes:
 * out[c][y][x] = (byte / 255 - mean[c]) / deviation[c], mirrored left to right if asked;
 * out (3,height,width). */
SW_API void sw_picture_planes(const sw_picture *p, int left, int top, int width, int height,
                              bool mirror, const float mean[3], const float deviation[3],
                              float *out);

/* Write a PNG file, whole or not at all.  SW_ERR_IO, SW_ERR_MEMORY. */
SW_API sw_status sw_picture_save(sw_context *ctx, const sw_picture *p, const char *path);

#ifdef __cplusplus
}
#endif
#endif
