/* The gradient of a weight by Winograd's algorithm as tasks; see conv_winograd_weight.h. */
#include <string.h>
#include "base/size.h"
#include "graph/ops/conv_winograd.h"
#include "graph/ops/conv_winograd_weight.h"
#include "kernels/gemm_table.h"

enum { X, DY };

enum {
    POSITIONS = SW_WINOGRAD_POSITIONS,
    TILE = SW_WINOGRAD_TILE,
    FEW_TILES = 112, /* of all images: transformed once for all blocks of channels */
    FEW_BLOCK = 32,  /* channels of a block then, a multiple of NR */
    BLOCK = 64,      /* and otherwise */
    STEP_TILES = 56, /* V and E of a step, and S, are 1.6 MB */
    SPAN_TILES = 64, /* at least; less does not pay for G^T S G */
    TASKS = 8,       /* at least, if the sizes allow */
    GAP = 16,        /* floats between positions of S, which would share cache sets */
    FILTERS = 16,    /* channels that leave S at once */
    GRAIN = 1 << 14  /* floats of a task that adds spans */
};

/* ---- how it is cut ------------------------------------------------------------------------------ */

static struct winograd_operand operand(const int64_t size[2], const int64_t tiled[2],
                                       int64_t channels, int64_t groups, bool whole)
{
    struct winograd_operand p = {.channels = channels, .block = whole ? FEW_BLOCK : BLOCK};
    p.blocks = sw__ceil_div(channels, p.block);
    p.grid = (struct sw_grid){.h = size[0],
                              .w = size[1],
                              .image = groups * channels * size[0] * size[1],
                              .oh = sw__ceil_div(tiled[0], TILE),
                              .ow = sw__ceil_div(tiled[1], TILE),
                              .sy = TILE,
                              .sx = TILE,
                              .dy = 1,
                              .dx = 1};
    return p;
}

/* Floats of an operand's block of so many tiles: positions, tiles, channels. */
static int64_t block_floats(const struct winograd_operand *p, int64_t tiles)
{
    return POSITIONS * (tiles | 1) * p->block;
}

static int64_t tiles_of(const struct winograd_weight *p)
{
    return p->rows * p->dy.grid.ow;
}

/* Scratch in floats: V and E of a step, S, and what transforms and filters need. */
struct parts {
    int64_t operand, sums, rest;
};

/* Bounds those of all smaller sizes, at which a step may have more rows, of fewer tiles. */
static struct parts parts_of(const struct winograd_weight *p)
{
    const struct sw_grid *g = &p->dy.grid;
    const int64_t tiles = sw__min64(tiles_of(p), sw__max64(STEP_TILES, g->ow));
    const int64_t rows = sw__min64(g->oh, sw__max64(STEP_TILES, FEW_TILES));
    const int64_t most = sw__max64(tiles, sw__min64(tiles_of(p), FEW_TILES));
    return (struct parts){
        .operand = POSITIONS * (tiles | 1) * BLOCK,
        .sums = POSITIONS * (BLOCK * BLOCK + GAP),
        /* sw__winograd_scratch, of which (4 ow + 2)(4 rows + 9) is a part */
        .rest = sw__max64(SW_WINOGRAD_LANES * (16 * most + 36 * g->ow + 8 * rows + 18),
                          FILTERS * 9 * BLOCK)};
}

static int64_t spans_of(const struct winograd_weight *p)
{
    const int64_t blocks = p->groups * p->x.blocks * p->dy.blocks;
    const int64_t spans = sw__min64(sw__ceil_div(TASKS, blocks), tiles_of(p) / SPAN_TILES);
    return p->whole ? 1 : sw__max64(sw__min64(spans, p->rows), 1);
}

void sw__winograd_weight_prepare(struct sw_step *s, const struct conv_dims *d,
                                 struct winograd_weight *p)
{
    const struct conv_attr *attr = s->attr;
    const int64_t across = sw__ceil_div(d->out[1], TILE);
    *p = (struct winograd_weight){.images = d->n, .groups = d->groups};
    p->rows = d->n * sw__ceil_div(d->out[0], TILE);
    p->whole = p->rows * across <= FEW_TILES;
    p->x = operand(d->in, d->out, d->cg, d->groups, p->whole);
    p->dy = operand(d->out, d->out, d->og, d->groups, p->whole);
    p->x.grid.ny = p->x.grid.nx = SW_WINOGRAD_WINDOW;
    p->dy.grid.ny = p->dy.grid.nx = TILE;
    p->x.grid.y0 = -attr->pad[0];
    p->x.grid.x0 = -attr->pad[1];
    p->filters = d->o * d->cg * 9;
    p->span = sw__max64(sw__ceil_div(p->rows, spans_of(p)), 1);
    p->spans = sw__max64(sw__ceil_div(p->rows, p->span), 1);
    p->step = p->whole ? p->rows : sw__max64(STEP_TILES / across, 1);
    /* Steps of a span are alike. */
    if (!p->whole) p->step = sw__ceil_div(p->span, sw__ceil_div(p->span, p->step));
    const struct parts parts = parts_of(p);
    const int64_t few = sw__min64(tiles_of(p), FEW_TILES) | 1;
    const int64_t channels = sw__round_up(d->cg, FEW_BLOCK) + sw__round_up(d->og, FEW_BLOCK);
    const int64_t whole = d->groups * POSITIONS * few * channels;
    const int64_t blocks = d->groups * p->x.blocks * p->dy.blocks;
    s->n_phases = 3;
    s->tasks[0] = p->whole ? d->n * d->groups * (p->x.blocks + p->dy.blocks) : 0;
    s->tasks[1] = p->spans * blocks;
    s->tasks[2] = p->spans > 1 ? sw__ceil_div(p->filters, GRAIN) : 0;
    const int64_t spans = spans_of(p) > 1 ? spans_of(p) * p->filters : 0;
    s->workspace = (size_t)sw__max64(whole, spans) * sizeof(float);
    s->scratch = (size_t)(2 * parts.operand + parts.sums + parts.rest) * sizeof(float);
    s->kernel = s->k->names[SW_SLOT_winograd_tile_f32];
}

/* ---- tasks -------------------------------------------------------------------------------------- */

/* A block of channels of rows first .. end-1 of all images, of which `to` has `tiles`. */
static void transform(const struct sw_step *s, const struct winograd_weight *p, int input,
                      float *to, int64_t group, int64_t block, int64_t first, int64_t end,
                      int64_t tiles, float *scratch)
{
    const struct winograd_operand *o = input == X ? &p->x : &p->dy;
    const struct sw_grid *g = &o->grid;
    const struct sw_winograd_place place = {1, o->block, (tiles | 1) * o->block, o->block};
    const int64_t c = block * o->block, n = sw__min64(o->block, o->channels - c);
    const float *from = (const float *)s->in[input]->data + (group * o->channels + c) * g->h * g->w;
    for (int64_t at = first, rows; at < end; at += rows, to += rows * g->ow * o->block) {
        rows = sw__min64(g->oh - at % g->oh, end - at);
        (input == X ? s->k->winograd_input_f32 : s->k->winograd_spread_f32)(
            to, &place, from + at / g->oh * g->image, g, n, at % g->oh, rows, scratch);
    }
}

/* S[i][c][o] of n x m channels, from or onto which `tiles` are added. */
static void add_products(const struct sw_step *s, const struct winograd_weight *p, float *sums,
                         const float *v, const float *e, int64_t tiles, int64_t n, int64_t m,
                         bool accumulate)
{
    const struct sw_gemm_blocks *t = sw__gemm_blocks(s->k->isa);
    const int64_t x = p->x.block, dy = p->dy.block,
                  height = sw__ceil_div(n, sw__ceil_div(n, t->mr));
    for (int64_t i = 0; i < POSITIONS;
         i++, sums += x * dy + GAP, v += (tiles | 1) * x, e += (tiles | 1) * dy)
        for (int64_t o = 0; o < m; o += t->nr)
            for (int64_t c = 0; c < n; c += height)
                s->k->winograd_tile_f32(sums + c * dy + o, dy, v + c, x, e + o, dy, tiles,
                                        (int)sw__min64(height, n - c), (int)sw__min64(t->nr, m - o),
                                        accumulate);
}

/* dw[o][c][3][3] of n x m channels. */
static void filters(const struct sw_step *s, const struct winograd_weight *p, float *dw,
                    const float *sums, int64_t n, int64_t m, float *scratch)
{
    const int64_t dy = p->dy.block, row = p->x.channels * 9;
    for (int64_t c = 0; c < n; c += FILTERS) {
        const int64_t count = sw__min64(FILTERS, n - c);
        s->k->winograd_filter_f32(scratch, sums + c * dy, p->x.block * dy + GAP, dy, count, dy);
        s->k->transpose_x32(dw + c * 9, row, scratch, dy, m, count * 9);
    }
}

static void sum_task(const struct sw_step *s, const struct winograd_weight *p, int64_t task,
                     float *scratch)
{
    const struct parts parts = parts_of(p);
    float *v = scratch, *e = v + parts.operand, *sums = e + parts.operand;
    float *rest = sums + parts.sums;
    const int64_t y = task % p->dy.blocks, x = task / p->dy.blocks % p->x.blocks;
    const int64_t group = task / p->dy.blocks / p->x.blocks % p->groups;
    const int64_t span = task / p->dy.blocks / p->x.blocks / p->groups;
    const int64_t n = sw__min64(p->x.block, p->x.channels - x * p->x.block);
    const int64_t m = sw__min64(p->dy.block, p->dy.channels - y * p->dy.block);
    const int64_t begin = span * p->span, end = sw__min64(begin + p->span, p->rows);
    const int64_t across = p->dy.grid.ow;
    if (p->whole) {
        const int64_t x_floats = block_floats(&p->x, tiles_of(p));
        const float *all = s->ws;
        v = (float *)all + (group * p->x.blocks + x) * x_floats;
        e = (float *)all + p->groups * p->x.blocks * x_floats +
            (group * p->dy.blocks + y) * block_floats(&p->dy, tiles_of(p));
        add_products(s, p, sums, v, e, tiles_of(p), n, m, false);
    }
    for (int64_t at = begin, rows; at < end && !p->whole; at += rows) {
        rows = sw__min64(p->step, end - at);
        transform(s, p, X, v, group, x, at, at + rows, rows * across, rest);
        transform(s, p, DY, e, group, y, at, at + rows, rows * across, rest);
        add_products(s, p, sums, v, e, rows * across, n, m, at > begin);
    }
    float *dw = p->spans > 1 ? (float *)s->ws + span * p->filters : s->out[0]->data;
    dw += ((group * p->dy.channels + y * p->dy.block) * p->x.channels + x * p->x.block) * 9;
    filters(s, p, dw, sums, n, m, rest);
}

/* Few tiles: a block of one operand, one image. */
static void transform_task(const struct sw_step *s, const struct winograd_weight *p, int64_t task,
                           float *scratch)
{
    const int64_t image = task % p->images, rows = p->dy.grid.oh, tiles = tiles_of(p);
    const int64_t block = task / p->images, x_blocks = p->groups * p->x.blocks;
    const int input = block < x_blocks ? X : DY;
    const struct winograd_operand *o = input == X ? &p->x : &p->dy;
    const int64_t number = input == X ? block : block - x_blocks;
    float *to = (float *)s->ws + number * block_floats(o, tiles) +
                (input == X ? 0 : x_blocks * block_floats(&p->x, tiles));
    transform(s, p, input, to + image * rows * o->grid.ow * o->block, number / o->blocks,
              number % o->blocks, image * rows, (image + 1) * rows, tiles, scratch);
}

/* The spans of some filters, added in their order. */
static void add_spans(const struct sw_step *s, const struct winograd_weight *p, int64_t task)
{
    const int64_t first = task * GRAIN, n = sw__min64(GRAIN, p->filters - first);
    const float *from = (const float *)s->ws + first;
    float *dw = (float *)s->out[0]->data + first;
    memcpy(dw, from, (size_t)n * sizeof *dw);
    for (int64_t i = 1; i < p->spans; i++) s->k->axpy_f32(dw, 1, from + i * p->filters, n);
}

void sw__winograd_weight_run(const struct sw_step *s, const struct winograd_weight *p, int phase,
                             int64_t begin, int64_t end, float *scratch)
{
    for (int64_t i = begin; i < end; i++) {
        if (phase == 0)
            transform_task(s, p, i, scratch);
        else if (phase == 1)
            sum_task(s, p, i, scratch);
        else
            add_spans(s, p, i);
    }
}
