/* What the decoders of pictures share.  A decoder gets all bytes of a file and a struct to fill; it
 * knows no context, so that any thread may call it. */
#ifndef SWELL_FORMAT_PICTURE_DECODE_H
#define SWELL_FORMAT_PICTURE_DECODE_H

#include <swell/picture.h>

#define SW_PICTURE_ERROR 200

/* A picture while it is decoded. */
struct sw_decode {
    const uint8_t *bytes;
    size_t size;
    int short_side;  /* as in sw_picture_load */
    sw_picture out;  /* out.rgb from malloc */
    int orientation; /* EXIF's tag 0x0112, 1..8 */
    char error[SW_PICTURE_ERROR];
};

/* SW_OK with out.rgb, which the caller frees; or a status with `error`, and nothing to free. */
sw_status sw__jpeg_decode(struct sw_decode *d);
sw_status sw__png_decode(struct sw_decode *d);
sw_status sw__webp_decode(struct sw_decode *d);

/* All three, by the first bytes, turned upright. */
sw_status sw__picture_decode(struct sw_decode *d);

/* Take (width,height) and memory for it, if that many pixels may be and the bytes can hold them. */
sw_status sw__picture_size(struct sw_decode *d, int64_t width, int64_t height);
/* Set the text and return the status. */
sw_status sw__decode_fail(struct sw_decode *d, sw_status status, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* EXIF 2.3, section 4.6: the orientation in a TIFF structure, 1 where there is none. */
int sw__exif_orientation(const uint8_t *tiff, size_t size);
/* Turn d->out upright.  False: out of memory. */
bool sw__picture_upright(struct sw_decode *d);

/* sw_picture_resize for any thread, into rgb (height,width,3).  False: out of memory. */
bool sw__picture_resize(const sw_picture *p, int width, int height, uint8_t *rgb);

#endif
