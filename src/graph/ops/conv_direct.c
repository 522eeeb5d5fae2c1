/* Tasks of direct convolutions; see conv_direct.h. */
#include <math.h>

#include "graph/ops/conv_direct.h"
#include "base/memory.h"
#include "base/size.h"
#include "graph/ops/conv_sum.h"

enum { X, W };

enum {
    TASKS = 16,       /* with copies of their own, at least, if there are so many rows */
    WHOLE_TASKS = 24, /* with a copy that all read, or none */
    COPY_FLOATS =
        1 << 17, /* of the image in a task: they stay in L2 beside a panel of the weight */
    SMALL_WEIGHT = 1 << 16, /* floats that every task may read */
    SHARED_BYTES = 8 << 20, /* of copies that a phase before makes, at most */
    COPY_PLANES = 16,       /* of a task of that phase */
    NARROW = 14,            /* pixels: rows of fewer become one row, if they can ... */
    FLAT = 256,             /* ... and it has no more */
    SHARED_PLANE = 512,     /* floats of a plane of such a copy, if a chunk needs no more */
    FETCH = 8,              /* taps: so far ahead is the image fetched, or a plane */
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

/* A plane of narrow rows is one row, if it may be. */
static void flatten(struct conv_direct *p)
{
    struct sw_grid *g = &p->grid;
    if (!sw__conv_is_flat(g) || p->to.step[0] != 1 || p->to.step[1] != 1) return;
    if (g->ow >= NARROW || g->oh * g->ow > FLAT) return;
    p->to.w = g->w = g->ow = g->h * g->w;
    p->to.h = g->h = g->oh = 1;
}

/* Neighbouring pixels lie side by side, no window reaches over the edge, and planes, of which each in
 * turn is read a little, are small: larger ones are in pages of their own. */
static bool needs_no_copy(const struct conv_direct *p)
{
    const struct sw_grid *g = &p->grid;
    const struct conv_copy *c = &p->copy;
    return g->sx == 1 && g->h * g->w <= FLAT && c->top >= 0 && c->left >= 0 &&
           c->left + c->wide <= g->w && c->top + (g->oh - 1) * g->sy + c->down <= g->h;
}

/* Bands of a copy that all read: whole chunks.  Whether there is room for it; the room does not grow when
 * sizes shrink, as the copy may.  In doubles: both may be absurd. */
static bool cut_shared(struct conv_direct *p)
{
    const struct sw_grid *g = &p->grid;
    p->band = sw__min64(p->chunk, g->oh);
    while (p->band < g->oh && copy_floats(p, p->band + p->chunk) <= p->planes * SHARED_PLANE)
        p->band += p->chunk;
    p->bands = sw__ceil_div(g->oh, p->band);
    const double copies = (double)p->images * (double)p->groups * sizeof(float);
    p->workspace = (size_t)fmin(2 * copies * (double)copy_floats(p, g->oh), SHARED_BYTES);
    return copies * (double)p->bands * (double)copy_floats(p, p->band) <= (double)p->workspace;
}

/* Bands of rows with copies of their own. */
static void cut_bands(struct conv_direct *p)
{
    const struct sw_grid *g = &p->grid;
    const int64_t most = sw__ceil_div(g->oh * p->images * p->groups, TASKS);
    p->band = 1;
    while (p->band < g->oh && p->band < most && copy_floats(p, p->band + 1) <= COPY_FLOATS)
        p->band++;
    p->bands = sw__ceil_div(g->oh, p->band);
    p->band = sw__ceil_div(g->oh, p->bands);
    p->across = p->images * p->bands;
    p->down = 1;
}

/* Some panels by some chunks: of image and weight, what a task reads more of is cut. */
static void cut_panels(struct conv_direct *p)
{
    const int64_t panels = sw__conv_direct_panels(p->kernels, p->rows);
    const int64_t units = p->images * p->bands, x = units * copy_floats(p, p->band);
    const int64_t w = p->rows * p->planes * p->grid.ny * p->grid.nx;
    p->across = p->down = 1;
    while (p->groups * p->across * p->down < WHOLE_TASKS &&
           (p->across < units || p->down < panels)) {
        if ((x * p->down >= w * p->across && p->across < units) || p->down == panels)
            p->across++;
        else
            p->down++;
    }
}

/* Cut into tasks.  Scratch and workspace do not grow when sizes shrink. */
static void split(struct conv_direct *p)
{
    const struct sw_grid *g = &p->grid;
    const bool large = p->rows * p->planes * g->ny * g->nx > SMALL_WEIGHT;
    p->copy = sw__conv_copy(g);
    p->room = sw__round_up(sw__max64(copy_floats(p, 1), COPY_FLOATS), 16);
    flatten(p);
    p->copy = sw__conv_copy(g);
    p->chunk = sw__max64(CHUNK_PIXELS / g->ow, 1);
    p->source = DIRECT_OWN;
    p->workspace = 0;
    const bool shared = large && cut_shared(p); /* at a smaller size, if not at this one */
    if (needs_no_copy(p)) {
        p->source = DIRECT_IN_PLACE;
        p->copy.step = 1;
        p->copy.pitch = g->w;
        p->copy.row_floats = g->sy * g->w;
        p->band = p->chunk;
        p->bands = sw__ceil_div(g->oh, p->band);
    } else if (shared) {
        p->source = DIRECT_SHARED;
    }
    if (p->source == DIRECT_OWN)
        cut_bands(p);
    else
        cut_panels(p);
    p->pieces = sw__ceil_div(p->planes, COPY_PLANES);
    p->copies = p->source == DIRECT_SHARED ? p->images * p->groups * p->bands * p->pieces : 0;
    p->tasks = p->groups * p->across * p->down;
    const int64_t width = SW_DIRECT_VECTORS * sw__direct_blocks(p->kernels->isa)->lanes;
    const int64_t floats = p->room + sw__max64(FLAT, g->ow) * width;
    p->scratch = (size_t)scratch_offsets(p) * sizeof(int64_t) + (size_t)floats * sizeof(float);
}

/* Copies begin .. end-1 of the phase before. */
static void copy_planes(const struct conv_direct *p, float *to, const float *x, int64_t begin,
                        int64_t end)
{
    const struct sw_grid *g = &p->grid;
    for (int64_t i = begin; i < end; i++) {
        const int64_t first = i % p->pieces * COPY_PLANES, set = i / p->pieces;
        const int64_t row = set % p->bands * p->band, group = set / p->bands % p->groups;
        const int64_t image = set / p->bands / p->groups, rows = sw__min64(p->band, g->oh - row);
        const int64_t plane = sw__conv_copy_rows(&p->copy, g, rows) * p->copy.pitch;
        sw__conv_copy_run(p->kernels, &p->copy, g,
                          to + set * copy_floats(p, p->band) + first * plane,
                          x + image * g->image + group * p->x_group + first * g->h * g->w,
                          sw__min64(COPY_PLANES, p->planes - first), row, rows);
    }
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
    if (p->to.step[0] != 1 || p->to.step[1] != 1) return;
    const float *at = c->y + c->first * plane + (c->row + r) * p->to.w + from;
    for (int64_t i = 0; i < c->channels; i++) __builtin_prefetch(at + i * plane, 1);
}

/* The sums of a chunk: pieces of a row, or two narrow rows at once.  x: the copy at its first row. */
static void sum_chunk(const struct conv_direct *p, struct sw_windows *windows,
                      const struct chunk *c, float *sums, const float *w, const float *x,
                      const struct sw_epilogue *e)
{
    const struct sw_direct_blocks *t = sw__direct_blocks(p->kernels->isa);
    const int64_t most = t->pixels[c->width / t->lanes], ow = p->grid.ow;
    const int64_t pieces = sw__ceil_div(ow, most), line = p->copy.row_floats;
    for (int64_t r = 0, rows; r < c->rows; r += rows, x += rows * line) {
        rows = 2 * ow <= most && r + 1 < c->rows ? 2 : 1;
        windows->gap = rows == 2 ? line - ow : 0;
        for (int64_t i = 0; i < pieces; i++) {
            const int64_t q = i * ow / pieces, end = rows == 2 ? 2 * ow : (i + 1) * ow / pieces;
            fetch(p, c, r, q);
            p->kernels->conv_direct_tile_f32(sums + (r * ow + q) * c->width, c->width, x + q,
                                             windows, w, (int)(end - q), (int)c->channels, e);
        }
    }
}

/* A band of an image: its windows, and where they begin. */
struct source {
    const float *at;
    struct sw_windows windows;
};

static struct source source_of(const struct conv_direct *p, const float *x, int64_t group,
                               int64_t unit, const int64_t *offset, float *copy)
{
    const struct sw_grid *g = &p->grid;
    const int64_t image = unit / p->bands, band = unit % p->bands, first = band * p->band;
    const int64_t rows = sw__min64(p->band, g->oh - first);
    struct source s = {copy,
                       {p->planes, sw__conv_copy_rows(&p->copy, g, rows) * p->copy.pitch,
                        g->ny * g->nx, offset, 0, 0}};
    if (p->source == DIRECT_SHARED) {
        s.at = x + ((image * p->groups + group) * p->bands + band) * copy_floats(p, p->band);
        return s;
    }
    x += image * g->image + group * p->x_group;
    if (p->source == DIRECT_OWN) {
        sw__conv_copy_run(p->kernels, &p->copy, g, copy, x, p->planes, first, rows);
    } else {
        s.at = x + p->copy.top * g->w + p->copy.left + first * p->copy.row_floats;
        s.windows.plane = g->h * g->w;
    }
    return s;
}

/* A panel of a band. */
static void sum_band(const struct conv_direct *p, struct source *from, struct chunk *c, float *sums,
                     const float *w, int64_t first, const struct sw_epilogue *e)
{
    const int64_t end = sw__min64(first + p->band, p->grid.oh);
    for (c->row = first; c->row < end; c->row += p->chunk) {
        c->rows = sw__min64(p->chunk, end - c->row);
        sum_chunk(p, &from->windows, c, sums, w, from->at + (c->row - first) * p->copy.row_floats,
                  e);
        if (p->to.step[0] == 1 && p->to.step[1] == 1)
            deliver(p, c, e);
        else
            spread(p, c);
    }
}

/* x: image 0, group 0, or what the phase before copied; y: image 0, group 0. */
static void run_task(const struct conv_direct *p, const float *w, const float *x, float *y,
                     const struct sw_epilogue *e, int64_t task, float *scratch)
{
    const int64_t lanes = sw__direct_blocks(p->kernels->isa)->lanes, plane = p->to.h * p->to.w;
    const int64_t across = task % p->across, down = task / p->across % p->down;
    const int64_t group = task / p->across / p->down, units = p->images * p->bands;
    const int64_t channels = p->rows / (p->to.step[0] * p->to.step[1]); /* of a group of y */
    const int64_t taps = p->planes * p->grid.ny * p->grid.nx;
    const int64_t panels = sw__conv_direct_panels(p->kernels, p->rows);
    const int64_t first = down * panels / p->down, end = (down + 1) * panels / p->down;
    int64_t *offset = (int64_t *)(void *)scratch;
    float *copy = (float *)(void *)(offset + scratch_offsets(p));
    float *sums = copy + p->room;
    struct source from = {0};
    struct chunk c = {.sums = sums};
    sw__conv_copy_offsets(&p->copy, &p->grid, offset);
    w += group * sw__round_up(p->rows, lanes) * taps;
    for (int64_t i = first; i < end; i++) {
        c.first = i * 2 * lanes;
        c.width = sw__conv_direct_vectors(p->kernels, p->rows, i) * lanes;
        c.channels = sw__min64(c.width, p->rows - c.first);
        struct sw_epilogue epilogue = {0};
        if (e) epilogue = *e;
        if (epilogue.bias_row) epilogue.bias_col = e->bias_row + group * p->rows + c.first;
        for (int64_t u = across * units / p->across; u < (across + 1) * units / p->across; u++) {
            /* A task with a copy of its own has one band. */
            if (p->source != DIRECT_OWN || i == first)
                from = source_of(p, x, group, u, offset, copy);
            from.windows.ahead = from.windows.plane * sw__max64(FETCH / from.windows.taps, 1);
            c.y = y + (u / p->bands * p->groups + group) * channels * plane;
            sum_band(p, &from, &c, sums, w + c.first * taps, u % p->bands * p->band,
                     e ? &epilogue : NULL);
        }
    }
}

/* Of the weight, if the step packs it. */
static size_t packed_bytes(const struct sw_step *s, const struct sw_pack *pack)
{
    return s->packed[W] ? 0 : (size_t)sw__round_up((int64_t)pack->bytes, SW_ALIGN);
}

void sw__conv_direct_prepare(struct sw_step *s, const struct conv_direct *p,
                             const struct sw_pack *pack)
{
    s->tasks[0] = (s->packed[W] ? 0 : pack->tasks) + p->copies;
    s->tasks[1] = p->tasks;
    s->workspace = packed_bytes(s, pack) + p->workspace;
    s->scratch = p->scratch;
    s->kernel = s->k->names[SW_SLOT_conv_direct_tile_f32];
}

void sw__conv_direct_run(const struct sw_step *s, const struct conv_direct *p,
                         const struct sw_pack *pack, const struct sw_epilogue *e, int phase,
                         int64_t begin, int64_t end, float *scratch)
{
    const float *w = s->packed[W] ? s->packed[W] : s->ws, *x = s->in[X]->data;
    const int64_t packs = s->packed[W] ? 0 : pack->tasks;
    float *copies = (float *)(void *)((char *)s->ws + packed_bytes(s, pack));
    if (phase == 0) {
        if (begin < packs)
            pack->run(pack, s->k, s->in[W]->data, s->ws, begin, sw__min64(end, packs));
        copy_planes(p, copies, x, sw__max64(begin - packs, 0), end - packs);
        return;
    }
    for (int64_t i = begin; i < end; i++)
        run_task(p, w, p->source == DIRECT_SHARED ? copies : x, s->out[0]->data, e, i, scratch);
}
