/* Resizing by a triangle filter whose support grows with the reduction: every pixel of the source
 * counts.  Arithmetic as in Pillow's ImagingResample (8-bit pixels, coefficients of 22 bits, columns
 * before rows), so that networks trained on pictures from torchvision see the same bytes. */
#include <math.h>
#include <stdlib.h>

#include "base/context_int.h"
#include "base/memory.h"
#include "format/picture_decode.h"

enum { BITS = 22 };

/* The weights of one axis: output i is the sum over k < n[i] of w[i * most + k] * input[first[i] + k]. */
struct filter {
    int *first, *n;
    int32_t *w;
    int most;
};

static void filter_free(struct filter *f)
{
    free(f->first);
    free(f->n);
    free(f->w);
    *f = (struct filter){0};
}

static bool filter_make(struct filter *f, int in, int out)
{
    const double scale = (double)in / out, support = fmax(scale, 1.0);
    f->most = (int)ceil(support) * 2 + 1;
    f->first = sw__calloc2((size_t)out, sizeof *f->first);
    f->n = sw__calloc2((size_t)out, sizeof *f->n);
    f->w = sw__calloc2((size_t)out * (size_t)f->most, sizeof *f->w);
    double *k = sw__calloc2((size_t)f->most, sizeof *k);
    if (!f->first || !f->n || !f->w || !k) {
        filter_free(f);
        free(k);
        return false;
    }
    for (int i = 0; i < out; i++) {
        const double centre = (i + 0.5) * scale;
        const int lo = (int)fmax(centre - support + 0.5, 0);
        const int hi = (int)fmin(centre + support + 0.5, in);
        double sum = 0;
        for (int x = lo; x < hi; x++) {
            k[x - lo] = fmax(1 - fabs((x - centre + 0.5) / support), 0);
            sum += k[x - lo];
        }
        f->first[i] = lo;
        f->n[i] = hi - lo;
        for (int x = 0; x < hi - lo; x++)
            f->w[(size_t)i * (size_t)f->most + (size_t)x] = (int32_t)lround(k[x] / sum *
                                                                            (1 << BITS));
    }
    free(k);
    return true;
}

static uint8_t to_byte(int32_t sum)
{
    int v = sum >> BITS;
    return (uint8_t)(v < 0 ? 0 : v > 255 ? 255 : v);
}

/* One row of pixels to another width. */
static void across(const struct filter *f, const uint8_t *in, uint8_t *out, int width)
{
    for (int x = 0; x < width; x++) {
        const int32_t *w = f->w + (size_t)x * (size_t)f->most;
        const uint8_t *p = in + 3 * f->first[x];
        int32_t r = 1 << (BITS - 1), g = r, b = r;
        for (int k = 0; k < f->n[x]; k++, p += 3) {
            r += w[k] * p[0];
            g += w[k] * p[1];
            b += w[k] * p[2];
        }
        out[3 * x] = to_byte(r);
        out[3 * x + 1] = to_byte(g);
        out[3 * x + 2] = to_byte(b);
    }
}

/* One row of the output from n rows of `bytes` bytes; sum (bytes) is scratch. */
static void down(const int32_t *w, int n, const uint8_t *in, size_t bytes, int32_t *sum,
                 uint8_t *out)
{
    for (size_t i = 0; i < bytes; i++) sum[i] = 1 << (BITS - 1);
    for (int k = 0; k < n; k++, in += bytes)
        for (size_t i = 0; i < bytes; i++) sum[i] += w[k] * in[i];
    for (size_t i = 0; i < bytes; i++) out[i] = to_byte(sum[i]);
}

bool sw__picture_resize(const sw_picture *p, int width, int height, uint8_t *rgb)
{
    struct filter fx = {0}, fy = {0};
    const size_t bytes = 3 * (size_t)width;
    uint8_t *rows = sw__calloc2((size_t)p->height, bytes);
    int32_t *sum = sw__calloc2(bytes, sizeof *sum);
    const bool made = rows && sum && filter_make(&fx, p->width, width) &&
                      filter_make(&fy, p->height, height);
    for (int y = 0; made && y < p->height; y++)
        across(&fx, p->rgb + 3 * (size_t)y * (size_t)p->width, rows + (size_t)y * bytes, width);
    for (int y = 0; made && y < height; y++)
        down(fy.w + (size_t)y * (size_t)fy.most, fy.n[y], rows + (size_t)fy.first[y] * bytes, bytes,
             sum, rgb + (size_t)y * bytes);
    filter_free(&fx);
    filter_free(&fy);
    free(rows);
    free(sum);
    return made;
}

sw_status sw_picture_resize(sw_context *ctx, const sw_picture *p, int width, int height,
                            sw_picture **out)
{
    sw_status status = sw_picture_create(ctx, width, height, out);
    if (status != SW_OK || sw__picture_resize(p, width, height, (*out)->rgb)) return status;
    sw_picture_destroy(*out);
    *out = NULL;
    return sw__fail(ctx, SW_ERR_MEMORY, "out of memory for %d x %d", width, height);
}
