/* Padded copies of images for direct convolutions; see conv_direct.h. */
#include <string.h>
#include "base/size.h"
#include "graph/ops/conv_direct.h"

static int64_t span(int64_t taps, int64_t step)
{
    return (taps - 1) * (step < 0 ? -step : step);
}

struct conv_copy sw__conv_copy(const struct sw_grid *g)
{
    struct conv_copy c;
    c.top = g->y0 + (g->dy < 0 ? (g->ny - 1) * g->dy : 0);
    c.left = g->x0 + (g->dx < 0 ? (g->nx - 1) * g->dx : 0);
    c.down = span(g->ny, g->dy) + 1;
    c.wide = g->ow + span(g->nx, g->dx) / g->sx;
    c.step = g->ny == 1 ? g->sy : 1;
    c.parts = g->nx == 1 ? 1 : g->sx;
    c.pitch = c.wide * c.parts;
    c.row_floats = g->sy / c.step * c.pitch;
    return c;
}

void sw__conv_copy_offsets(const struct conv_copy *copy, const struct sw_grid *g, int64_t *offset)
{
    for (int64_t i = 0; i < g->ny; i++)
        for (int64_t j = 0; j < g->nx; j++) {
            const int64_t y = g->y0 + i * g->dy - copy->top, x = g->x0 + j * g->dx - copy->left;
            offset[i * g->nx + j] = y * copy->pitch + x % copy->parts * copy->wide +
                                    x / copy->parts;
        }
}

int64_t sw__conv_copy_rows(const struct conv_copy *copy, const struct sw_grid *g, int64_t rows)
{
    return (rows - 1) * (g->sy / copy->step) + copy->down;
}

void sw__conv_copy_run(const struct sw_kernels *k, const struct conv_copy *copy,
                       const struct sw_grid *g, float *dst, const float *x, int64_t planes,
                       int64_t first, int64_t rows)
{
    const int64_t top = copy->top + first * g->sy, height = sw__conv_copy_rows(copy, g, rows);
    const int64_t plane = height * copy->pitch, line = g->w * copy->step;
    int64_t begin, end, lo, hi;
    sw__grid_span(top, copy->step, g->h, height, &begin, &end);
    bool padded = begin > 0 || end < height;
    for (int64_t r = 0; r < copy->parts; r++) {
        sw__grid_span(copy->left + r, g->sx, g->w, copy->wide, &lo, &hi);
        padded |= lo > 0 || hi < copy->wide;
    }
    for (int64_t c = 0; c < planes; c++, dst += plane, x += g->h * g->w) {
        if (padded) memset(dst, 0, (size_t)plane * sizeof *dst);
        for (int64_t r = 0; r < copy->parts && begin < end; r++) {
            sw__grid_span(copy->left + r, g->sx, g->w, copy->wide, &lo, &hi);
            k->conv_copy_f32(dst + begin * copy->pitch + r * copy->wide + lo, copy->pitch,
                             x + top * g->w + begin * line + copy->left + r + lo * g->sx, line,
                             g->sx, end - begin, hi - lo);
        }
    }
}
