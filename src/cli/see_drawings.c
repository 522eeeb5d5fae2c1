/* Drawings of `swell see`: all are made pixel by pixel on a picture and saved as PNG. */
#include "cli/see_drawings.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static uint8_t *pixel(sw_picture *p, int x, int y)
{
    return p->rgb + 3 * ((size_t)y * (size_t)p->width + (size_t)x);
}

static uint8_t to_byte(double v)
{
    return (uint8_t)(v < 0 ? 0 : v > 255 ? 255 : v + 0.5);
}

static sw_status blank(sw_context *ctx, int width, int height, sw_picture **out)
{
    sw_status status = sw_picture_create(ctx, width, height, out);
    if (status == SW_OK) memset((*out)->rgb, 255, 3 * (size_t)width * (size_t)height);
    return status;
}

static sw_status save(sw_context *ctx, sw_picture *page, const char *path)
{
    sw_status status = sw_picture_save(ctx, page, path);
    sw_picture_destroy(page);
    return status;
}

static void paste(sw_picture *page, int left, int top, const sw_picture *p)
{
    for (int y = 0; y < p->height; y++)
        memcpy(pixel(page, left, top + y), p->rgb + 3 * (size_t)y * (size_t)p->width,
               3 * (size_t)p->width);
}

/* ---- filters --------------------------------------------------------------------------------------- */

static void draw_kernel(sw_picture *page, int left, int top, int zoom, const float *w,
                        const int64_t *dim)
{
    const int channels = (int)dim[1], h = (int)dim[2], wide = (int)dim[3];
    double most = 0;
    for (int i = 0; i < channels * h * wide; i++) most = fmax(most, fabs((double)w[i]));
    for (int y = 0; y < h * zoom; y++)
        for (int x = 0; x < wide * zoom; x++)
            for (int c = 0; c < 3; c++) {
                const int plane = channels == 3 ? c : 0;
                const double v = (double)w[(plane * h + y / zoom) * wide + x / zoom];
                pixel(page, left + x,
                      top + y)[c] = to_byte(127.5 + 127.5 * v / (most > 0 ? most : 1));
            }
}

sw_status see_draw_filters(sw_context *ctx, const sw_tensor *filters, const char *path)
{
    enum { CELL = 48, GAP = 4, MOST = 4096 };
    const int64_t *dim = filters->shape.dim;
    sw_picture *page;
    if (dim[1] != 1 && dim[1] != 3) return SW_ERR_UNSUPPORTED;
    if (dim[0] > MOST || dim[2] > 256 || dim[3] > 256) return SW_ERR_UNSUPPORTED;
    const int count = (int)dim[0], h = (int)dim[2], w = (int)dim[3];
    const int longer = h > w ? h : w, zoom = CELL / longer > 1 ? CELL / longer : 1;
    /* 96 kernels are 16 beside each other, as in the paper */
    const int across = (int)ceil(sqrt(count * 8.0 / 3)), rows = (count + across - 1) / across;
    sw_status status = blank(ctx, across * (w * zoom + GAP) + GAP, rows * (h * zoom + GAP) + GAP,
                             &page);
    if (status != SW_OK) return status;
    for (int i = 0; i < count; i++)
        draw_kernel(page, GAP + i % across * (w * zoom + GAP), GAP + i / across * (h * zoom + GAP),
                    zoom, (const float *)filters->data + (int64_t)i * dim[1] * dim[2] * dim[3],
                    dim);
    return save(ctx, page, path);
}

/* ---- what mattered ---------------------------------------------------------------------------------- */

enum { PANEL = 448 };

/* Bilinear between the map's pixels, which are squares of the panel. */
static double map_at(const float *map, int side, int x, int y)
{
    const double fx = (x + 0.5) * side / PANEL - 0.5, fy = (y + 0.5) * side / PANEL - 0.5;
    const int x0 = (int)fmax(floor(fx), 0), y0 = (int)fmax(floor(fy), 0);
    const int x1 = x0 + 1 < side ? x0 + 1 : x0, y1 = y0 + 1 < side ? y0 + 1 : y0;
    const double ax = fmin(fmax(fx - x0, 0), 1), ay = fmin(fmax(fy - y0, 0), 1);
    return (1 - ay) * ((1 - ax) * (double)map[y0 * side + x0] + ax * (double)map[y0 * side + x1]) +
           ay * ((1 - ax) * (double)map[y1 * side + x0] + ax * (double)map[y1 * side + x1]);
}

/* A colour for v of -1..1, and how much of it covers the photo. */
static double heat(double v, double rgb[3])
{
    const double a = fabs(v);
    rgb[0] = v > 0 ? 255 : 40;
    rgb[1] = v > 0 ? 255 * fmin(fmax(1.6 * a - 0.6, 0) + 0.1, 1) : 90;
    rgb[2] = v > 0 ? 0 : 255;
    return 0.85 * a;
}

static void overlay(sw_picture *page, const sw_picture *photo, const float *map, int side, int left)
{
    double most = 0;
    for (int i = 0; i < side * side; i++) most = fmax(most, fabs((double)map[i]));
    for (int y = 0; y < PANEL; y++)
        for (int x = 0; x < PANEL; x++) {
            const uint8_t *from = photo->rgb + 3 * (y * PANEL + x);
            const double grey = 0.75 * (0.299 * from[0] + 0.587 * from[1] + 0.114 * from[2]);
            double rgb[3];
            const double cover = heat(most > 0 ? map_at(map, side, x, y) / most : 0, rgb);
            for (int c = 0; c < 3; c++)
                pixel(page, left + x, y)[c] = to_byte((1 - cover) * grey + cover * rgb[c]);
        }
}

/* The part of the photo that the network's centre view is, PANEL pixels a side. */
static sw_status centre(sw_context *ctx, const sw_picture *photo, const sw_preprocessing *p,
                        sw_picture **out)
{
    const int shorter = photo->width < photo->height ? photo->width : photo->height;
    int side = (int)((int64_t)shorter * p->side / p->short_side);
    sw_picture *cut;
    if (side < 1) side = 1;
    sw_status status = sw_picture_create(ctx, side, side, &cut);
    if (status != SW_OK) return status;
    const size_t left = (size_t)(photo->width - side) / 2, top = (size_t)(photo->height - side) / 2;
    for (int y = 0; y < side; y++)
        memcpy(pixel(cut, 0, y), photo->rgb + 3 * ((top + (size_t)y) * (size_t)photo->width + left),
               3 * (size_t)side);
    status = sw_picture_resize(ctx, cut, PANEL, PANEL, out);
    sw_picture_destroy(cut);
    return status;
}

sw_status see_draw_map(sw_context *ctx, const sw_picture *photo, const sw_preprocessing *p,
                       const float *map, const char *path)
{
    enum { GAP = 8 };
    sw_picture *seen, *page;
    sw_status status = centre(ctx, photo, p, &seen);
    if (status != SW_OK) return status;
    status = blank(ctx, 2 * PANEL + GAP, PANEL, &page);
    if (status == SW_OK) {
        paste(page, 0, 0, seen);
        overlay(page, seen, map, p->side, PANEL + GAP);
        status = save(ctx, page, path);
    }
    sw_picture_destroy(seen);
    return status;
}

/* ---- neighbours --------------------------------------------------------------------------------------- */

enum { MARGIN = 6, BESIDE = 18 }; /* around a thumbnail; more behind the first */

sw_status see_sheet_create(sw_context *ctx, int rows, int across, struct see_sheet *sheet)
{
    const int cell = SEE_THUMBNAIL + MARGIN;
    *sheet = (struct see_sheet){NULL, rows, across};
    return blank(ctx, MARGIN + (1 + across) * cell + BESIDE, MARGIN + rows * cell, &sheet->page);
}

/* The whole picture, in the middle of its cell. */
sw_status see_sheet_put(sw_context *ctx, struct see_sheet *sheet, int row, int column,
                        const sw_picture *photo)
{
    const int cell = SEE_THUMBNAIL + MARGIN;
    const int longer = photo->width > photo->height ? photo->width : photo->height;
    int w = (int)((int64_t)photo->width * SEE_THUMBNAIL / longer);
    int h = (int)((int64_t)photo->height * SEE_THUMBNAIL / longer);
    sw_picture *small;
    if (w < 1) w = 1;
    if (h < 1) h = 1;
    sw_status status = sw_picture_resize(ctx, photo, w, h, &small);
    if (status != SW_OK) return status;
    paste(sheet->page, MARGIN + column * cell + (column ? BESIDE : 0) + (SEE_THUMBNAIL - w) / 2,
          MARGIN + row * cell + (SEE_THUMBNAIL - h) / 2, small);
    sw_picture_destroy(small);
    return SW_OK;
}
