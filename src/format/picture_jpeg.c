/* JPEG by libjpeg(-turbo): any colour space to RGB, at a reduced scale where that is enough.
 *
 * The library reports errors by a call that must not return: hence setjmp.  A stream that ends too early
 * is only a warning to it, after which it makes up grey pixels; here it is an error.  A progressive file
 * may hold thousands of scans, each of which costs a pass over the whole picture: there is a limit. */
#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <jpeglib.h>

#include <jerror.h>

#include "base/memory.h"
#include "format/picture_decode.h"

enum { SCANS = 200, MEMORY_FREE = 64 << 20, MEMORY_A_BYTE = 1000 };

struct reader {
    struct jpeg_decompress_struct cinfo;
    struct jpeg_error_mgr errors;
    struct jpeg_progress_mgr progress;
    jmp_buf out;
    struct sw_decode *d;
    sw_status status;
    uint8_t *line; /* CMYK only */
};

static void on_error(j_common_ptr cinfo)
{
    struct reader *r = cinfo->client_data;
    char why[JMSG_LENGTH_MAX];
    cinfo->err->format_message(cinfo, why);
    bool memory = cinfo->err->msg_code == JERR_OUT_OF_MEMORY;
    r->status = sw__decode_fail(r->d, memory ? SW_ERR_MEMORY : SW_ERR_FORMAT, "JPEG: %.160s", why);
    longjmp(r->out, 1);
}

static void on_message(j_common_ptr cinfo, int level)
{
    if (level >= 0) return; /* a trace */
    cinfo->err->num_warnings++;
    if (cinfo->err->msg_code == JWRN_JPEG_EOF) on_error(cinfo);
}

static void on_progress(j_common_ptr cinfo)
{
    struct reader *r = cinfo->client_data;
    if (r->cinfo.input_scan_number <= SCANS) return;
    r->status = sw__decode_fail(r->d, SW_ERR_FORMAT, "JPEG: more than %d scans", SCANS);
    longjmp(r->out, 1);
}

static int orientation(const struct reader *r)
{
    static const char exif[6] = "Exif\0";
    for (jpeg_saved_marker_ptr m = r->cinfo.marker_list; m; m = m->next)
        if (m->marker == JPEG_APP0 + 1 && m->data_length > sizeof exif &&
            memcmp(m->data, exif, sizeof exif) == 0)
            return sw__exif_orientation(m->data + sizeof exif, m->data_length - sizeof exif);
    return 1;
}

/* The smallest number of eighths that leaves the shorter side long enough. */
static unsigned eighths(const struct reader *r)
{
    const unsigned w = r->cinfo.image_width, h = r->cinfo.image_height, side = w < h ? w : h;
    const int64_t wanted = r->d->short_side;
    unsigned n = 8;
    if (wanted > 0)
        while (n > 1 && (int64_t)side * (n - 1) / 8 >= wanted) n--;
    return n;
}

/* A line of CMYK, as Adobe stores it (inverted) or straight, to RGB. */
static void cmyk_line(const uint8_t *in, uint8_t *out, int width, bool inverted)
{
    const unsigned flip = inverted ? 0 : 255;
    for (int x = 0; x < width; x++)
        for (int c = 0; c < 3; c++)
            out[3 * x + c] = (uint8_t)(((in[4 * x + c] ^ flip) * (in[4 * x + 3] ^ flip) + 127) /
                                       255);
}

static void read_lines(struct reader *r)
{
    const int width = r->d->out.width;
    const bool cmyk = r->cinfo.out_color_space == JCS_CMYK;
    if (cmyk && !(r->line = malloc((size_t)width * 4))) {
        r->status = sw__decode_fail(r->d, SW_ERR_MEMORY, "out of memory");
        longjmp(r->out, 1);
    }
    while (r->cinfo.output_scanline < r->cinfo.output_height) {
        uint8_t *to = r->d->out.rgb + 3 * (size_t)r->cinfo.output_scanline * (size_t)width;
        JSAMPROW row = cmyk ? r->line : to;
        jpeg_read_scanlines(&r->cinfo, &row, 1);
        if (cmyk) cmyk_line(r->line, to, width, r->cinfo.saw_Adobe_marker);
    }
}

sw_status sw__jpeg_decode(struct sw_decode *d)
{
    struct reader *r = sw__calloc2(1, sizeof *r);
    if (!r) return sw__decode_fail(d, SW_ERR_MEMORY, "out of memory");
    r->d = d;
    r->cinfo.err = jpeg_std_error(&r->errors);
    r->cinfo.client_data = r;
    r->errors.error_exit = on_error;
    r->errors.emit_message = on_message;
    r->progress.progress_monitor = on_progress;
    if (setjmp(r->out) == 0) {
        jpeg_create_decompress(&r->cinfo);
        r->cinfo.progress = &r->progress;
        r->cinfo.mem->max_memory_to_use = MEMORY_FREE + MEMORY_A_BYTE * (long)d->size;
        jpeg_mem_src(&r->cinfo, d->bytes, (unsigned long)d->size);
        jpeg_save_markers(&r->cinfo, JPEG_APP0 + 1, 0xffff);
        jpeg_read_header(&r->cinfo, TRUE);
        d->orientation = orientation(r);
        const J_COLOR_SPACE space = r->cinfo.jpeg_color_space;
        r->cinfo.out_color_space = space == JCS_CMYK || space == JCS_YCCK ? JCS_CMYK : JCS_RGB;
        r->cinfo.scale_num = eighths(r);
        r->cinfo.scale_denom = 8;
        jpeg_calc_output_dimensions(&r->cinfo);
        r->status = sw__picture_size(d, r->cinfo.output_width, r->cinfo.output_height);
        if (r->status == SW_OK) {
            jpeg_start_decompress(&r->cinfo);
            read_lines(r);
            jpeg_finish_decompress(&r->cinfo);
        }
    }
    const sw_status status = r->status;
    jpeg_destroy_decompress(&r->cinfo);
    free(r->line);
    if (status != SW_OK) {
        free(d->out.rgb);
        d->out.rgb = NULL;
    }
    free(r);
    return status;
}
