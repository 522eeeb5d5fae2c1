/* Tasks of direct convolutions; see conv_direct.h. */
#include "graph/ops/conv_direct.h"
#include "base/size.h"
#include "graph/ops/conv_sum.h"

enum {
    TASKS = 16, /* at least, if there are so many rows */
    COPY_FLOATS =
        1 << 17,      /* of the image in a task: they stay in L2 beside a panel of the weight */
    CHUNK_PIXELS = 64 /* whose sums are in the scratch, if a row has no more: they stay in L1 */
};

static int64_t copy_floats(const struct conv_direct *p, int64_t band)
{
    return p->planes * sw__conv_copy_rows(&p->copy, &p->grid, band) * p->copy.pitch;
}

static int64_t scratch_offsets(const struct conv_direct *p)
{
    return sw__round_up(p->grid.ny * p->grid.nx, 8);
}

/* Cut into tasks.  The scratch does not grow when sizes shrink. */
static void split(struct conv_direct *p)
{
    const struct sw_grid *g = &p->grid;
    const int64_t most = sw__ceil_div(g->oh * p->images * p->groups, TASKS);
    p->copy = sw__conv_copy(g);
    p->band = 1;
    while (p->band < g->oh && p->band < most && copy_floats(p, p->band + 1) <= COPY_FLOATS)
        p->band++;
    p->bands = sw__ceil_div(g->oh, p->band);
    p->band = sw__ceil_div(g->oh, p->bands);
    p->chunk = sw__max64(CHUNK_PIXELS / g->ow, 1);
    p->tasks = p->images * p->groups * p->bands;
    const int64_t width = SW_DIRECT_VECTORS * sw__direct_blocks(p->kernels->isa)->lanes;
    const int64_t floats = sw__round_up(sw__max64(copy_floats(p, 1), COPY_FLOATS), 16) +
                           sw__max64(CHUNK_PIXELS, g->ow) * width;
    p->scratch = (size_t)scratch_offsets(p) * sizeof(int64_t) + (size_t)floats * sizeof(float);
}

struct conv_direct sw__conv_direct_forward(const struct sw_kernels *k, const struct conv_attr *attr,
                                           const struct conv_dims *d)
{
    struct conv_direct p = {.kernels = k,
                            .grid = sw__conv_grid(attr, d),
                            .images = d->n,
                            .groups = d->groups,
                            .planes = d->cg,
                            .x_group = d->cg * d->in[0] * d->in[1],
                            .rows = d->og,
                            .to = {d->out[0], d->out[1], 0, 0, {1, 1}}};
    split(&p);
    return p;
}

struct conv_direct sw__conv_direct_backward(const struct sw_kernels *k,
                                            const struct conv_attr *attr, const struct conv_dims *d)
{
    int64_t first[2], count[2], taps[2];
    for (int axis = 0; axis < 2; axis++) { /* pixels r = (i + pad) / stride of the grid */
        const int64_t s = attr->stride[axis], pad = attr->pad[axis];
        first[axis] = pad / s;
        count[axis] = (d->in[axis] - 1 + pad) / s + 1 - first[axis];
        taps[axis] = sw__ceil_div(d->kernel[axis], s);
    }
    struct conv_direct p = {.kernels = k,
                            .grid = {.h = d->out[0],
                                     .w = d->out[1],
                                     .image = d->o * d->out[0] * d->out[1],
                                     .oh = count[0],
                                     .ow = count[1],
                                     .sy = 1,
                                     .sx = 1,
                                     .y0 = first[0],
                                     .x0 = first[1],
                                     .ny = taps[0],
                                     .nx = taps[1],
                                     .dy = -attr->dilation[0],
                                     .dx = -attr->dilation[1]},
                            .images = d->n,
                            .groups = d->groups,
                            .planes = d->og,
                            .x_group = d->og * d->out[0] * d->out[1],
                            .rows = d->cg * attr->stride[0] * attr->stride[1],
                            .to = {d->in[0],
                                   d->in[1],
                                   first[0] * attr->stride[0] - attr->pad[0],
                                   first[1] * attr->stride[1] - attr->pad[1],
                                   {attr->stride[0], attr->stride[1]}}};
    split(&p);
    return p;
}

/* Some rows of the weight and of the grid, whose sums are at `sums`: [pixel][width]. */
struct chunk {
    int64_t first, channels, width; /* rows of the weight */
    int64_t row, rows;              /* of the grid */
    const float *sums;
    float *y; /* the group's planes */
};

/* Sums of rows that lie in y as in the grid: transposed. */
static void deliver(const struct conv_direct *p, const struct chunk *c, const struct sw_epilogue *e)
{
    const int64_t plane = p->to.h * p->to.w, pixels = c->rows * p->to.w;
    float *to = c->y + c->first * plane + c->row * p->to.w;
    p->kernels->transpose_x32(to, plane, c->sums, c->width, c->channels, pixels);
    if (e) sw__conv_finish(p->kernels, e, to, plane, c->channels, pixels);
}

/* Sums of phases: spread. */
static void spread(const struct conv_direct *p, const struct chunk *c)
{
    const int64_t sy = p->to.step[0], sx = p->to.step[1], ow = p->grid.ow;
    int64_t r0, r1, q0, q1;
    for (int64_t v = c->first; v < c->first + c->channels; v++) {
        const int64_t y = p->to.y0 + v / sx % sy, x = p->to.x0 + v % sx;
        float *plane = c->y + v / sx / sy * p->to.h * p->to.w;
        sw__grid_span(y + c->row * sy, sy, p->to.h, c->rows, &r0, &r1);
        sw__grid_span(x, sx, p->to.w, ow, &q0, &q1);
        if (r0 >= r1 || q0 >= q1) continue;
        p->kernels->copy_x32(plane + (y + (c->row + r0) * sy) * p->to.w + x + q0 * sx,
                             c->sums + (r0 * ow + q0) * c->width + v - c->first, r1 - r0, q1 - q0,
                             sy * p->to.w, sx, ow * c->width, c->width);
    }
}

/* Fetch where pixels from `from` on of row r of a chunk will be delivered: at that time, all rows of
 * y at once would be waited for. */
static void fetch(const struct conv_direct *p, const struct chunk *c, int64_t r, int64_t from)
{
    const int64_t plane = p->to.h * p->to.w;
    const float *at = c->y + c->first * plane + (c->row + r) * p->to.w + from;
    if (p->to.step[0] != 1 || p->to.step[1] != 1) return;
    for (int64_t i = 0; i < c->channels; i++) __builtin_prefetch(at + i * plane, 1);
}

/* The sums of a chunk.  x: the copy at its first row. */
static void sum_chunk(const struct conv_direct *p, const struct sw_windows *windows,
                      const struct chunk *c, float *sums, const float *w, const float *x,
                      const struct sw_epilogue *e)
{
    const struct sw_direct_blocks *t = sw__direct_blocks(p->kernels->isa);
    const int64_t most = t->pixels[c->width / t->lanes], ow = p->grid.ow;
    const int64_t pieces = sw__ceil_div(ow, most);
    for (int64_t r = 0; r < c->rows; r++, x += p->copy.row_floats)
        for (int64_t i = 0; i < pieces; i++) {
            const int64_t q = i * ow / pieces, end = (i + 1) * ow / pieces;
            fetch(p, c, r, q);
            p->kernels->conv_direct_tile_f32(sums + (r * ow + q) * c->width, c->width, x + q,
                                             windows, w, (int)(end - q), (int)c->channels, e);
        }
}

void sw__conv_direct_task(const struct conv_direct *p, const float *w, const float *x, float *y,
                          const struct sw_epilogue *e, int64_t task, float *scratch)
{
    const struct sw_grid *g = &p->grid;
    const int64_t lanes = sw__direct_blocks(p->kernels->isa)->lanes, plane = p->to.h * p->to.w;
    const int64_t first = task % p->bands * p->band, end = sw__min64(first + p->band, g->oh);
    const int64_t group = task / p->bands % p->groups, image = task / p->bands / p->groups;
    const int64_t channels = p->rows / (p->to.step[0] * p->to.step[1]); /* of a group of y */
    const int64_t taps = g->ny * g->nx, panels = sw__conv_direct_panels(p->kernels, p->rows);
    if (first >= end) return;
    int64_t *offset = (int64_t *)(void *)scratch;
    float *copy = (float *)(void *)(offset + scratch_offsets(p));
    float *sums = copy + sw__round_up(sw__max64(copy_floats(p, 1), COPY_FLOATS), 16);
    sw__conv_copy_offsets(&p->copy, g, offset);
    sw__conv_copy_run(p->kernels, &p->copy, g, copy, x + image * g->image + group * p->x_group,
                      p->planes, first, end - first);
    const struct sw_windows windows = {
        p->planes, sw__conv_copy_rows(&p->copy, g, end - first) * p->copy.pitch, taps, offset};
    struct chunk c = {.sums = sums, .y = y + (image * p->groups + group) * channels * plane};
    w += group * sw__round_up(p->rows, lanes) * p->planes * taps;
    for (int64_t i = 0; i < panels; i++) {
        c.first = i * 2 * lanes;
        c.width = sw__conv_direct_vectors(p->kernels, p->rows, i) * lanes;
        c.channels = sw__min64(c.width, p->rows - c.first);
        struct sw_epilogue epilogue = {0};
        if (e) epilogue = *e;
        if (epilogue.bias_row) epilogue.bias_col = e->bias_row + group * p->rows + c.first;
        for (c.row = first; c.row < end; c.row += p->chunk) {
            c.rows = sw__min64(p->chunk, end - c.row);
            sum_chunk(p, &windows, &c, sums, w + c.first * p->planes * taps,
                      copy + (c.row - first) * p->copy.row_floats, e ? &epilogue : NULL);
            if (p->to.step[0] == 1 && p->to.step[1] == 1)
                deliver(p, &c, e);
            else
                spread(p, &c);
        }
    }
}
