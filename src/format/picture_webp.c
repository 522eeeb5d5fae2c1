/* WebP by libwebp; of an animation the first picture.  Transparent parts become white. */
#include <stdlib.h>
#include <string.h>
#include <webp/decode.h>
#include <webp/demux.h>

#include "base/memory.h"
#include "format/picture_decode.h"

/* RGBA (H,W,4) over white. */
static void over_white(const uint8_t *rgba, uint8_t *rgb, size_t pixels)
{
    for (size_t i = 0; i < pixels; i++)
        for (size_t c = 0; c < 3; c++) {
            unsigned a = rgba[4 * i + 3];
            rgb[3 * i + c] = (uint8_t)((rgba[4 * i + c] * a + 255 * (255 - a) + 127) / 255);
        }
}

static sw_status decode_animation(struct sw_decode *d, const WebPData *data)
{
    int when;
    uint8_t *rgba;
    WebPAnimDecoder *decoder = WebPAnimDecoderNew(data, NULL);
    if (!decoder) return sw__decode_fail(d, SW_ERR_FORMAT, "WebP: a damaged animation");
    const bool read = WebPAnimDecoderGetNext(decoder, &rgba, &when);
    if (read) over_white(rgba, d->out.rgb, (size_t)d->out.width * (size_t)d->out.height);
    WebPAnimDecoderDelete(decoder);
    return read ? SW_OK : sw__decode_fail(d, SW_ERR_FORMAT, "WebP: damaged or cut short");
}

static sw_status decode_still(struct sw_decode *d, bool alpha)
{
    const size_t pixels = (size_t)d->out.width * (size_t)d->out.height;
    if (!alpha)
        return WebPDecodeRGBInto(d->bytes, d->size, d->out.rgb, 3 * pixels, 3 * d->out.width)
                   ? SW_OK
                   : sw__decode_fail(d, SW_ERR_FORMAT, "WebP: damaged or cut short");
    uint8_t *rgba = sw__calloc2(pixels, 4);
    if (!rgba) return sw__decode_fail(d, SW_ERR_MEMORY, "out of memory");
    const bool read = WebPDecodeRGBAInto(d->bytes, d->size, rgba, 4 * pixels, 4 * d->out.width);
    if (read) over_white(rgba, d->out.rgb, pixels);
    free(rgba);
    return read ? SW_OK : sw__decode_fail(d, SW_ERR_FORMAT, "WebP: damaged or cut short");
}

/* The EXIF chunk; WebP container specification, "Metadata". */
static int orientation(const WebPData *data)
{
    int o = 1;
    WebPChunkIterator chunk;
    WebPDemuxer *demuxer = WebPDemux(data);
    if (demuxer && WebPDemuxGetChunk(demuxer, "EXIF", 1, &chunk)) {
        const uint8_t *tiff = chunk.chunk.bytes;
        size_t size = chunk.chunk.size, skip = 0;
        if (size > 6 && memcmp(tiff, "Exif\0", 6) == 0) skip = 6; /* some writers add it */
        o = sw__exif_orientation(tiff + skip, size - skip);
        WebPDemuxReleaseChunkIterator(&chunk);
    }
    WebPDemuxDelete(demuxer);
    return o;
}

sw_status sw__webp_decode(struct sw_decode *d)
{
    WebPBitstreamFeatures features;
    const WebPData data = {d->bytes, d->size};
    if (WebPGetFeatures(d->bytes, d->size, &features) != VP8_STATUS_OK)
        return sw__decode_fail(d, SW_ERR_FORMAT, "WebP: damaged or cut short");
    sw_status status = sw__picture_size(d, features.width, features.height);
    if (status != SW_OK) return status;
    d->orientation = orientation(&data);
    status = features.has_animation ? decode_animation(d, &data)
                                    : decode_still(d, features.has_alpha);
    if (status != SW_OK) {
        free(d->out.rgb);
        d->out.rgb = NULL;
    }
    return status;
}
