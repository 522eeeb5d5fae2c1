/* The gradient of a weight by Winograd's algorithm as tasks; see conv_winograd_weight.h. */
#include <string.h>
#include "base/size.h"
#include "graph/ops/conv_winograd.h"
#include "graph/ops/conv_winograd_weight.h"
#include "kernels/gemm_table.h"

enum { X, DY };

enum {
    POSITIONS = SW_WINOGRAD_POSITIONS,
    WINDOW = SW_WINOGRAD_WINDOW,
    LANES = SW_WINOGRAD_LANES,
    BLOCK = 64,      /* channels of a block, a multiple of NR */
    FEW_TILES = 112, /* of all images: a task has all blocks of dy, of 32; one step */
    FEW_X = 128,
    FEW_DY = 32,
    STEP_TILES = 56, /* V and E of a step, and S, are 1.6 MB */
    SPAN_TILES = 64, /* at least; less does not pay for G^T S G */
    TASKS = 8,       /* at least, if the sizes allow */
    GAP = 16,        /* floats between positions of S, which would share cache sets */
    FILTERS = 16,    /* channels that leave S at once */
    GRAIN = 1 << 14  /* floats of a task that adds spans */
};

/* ---- how it is cut ------------------------------------------------------------------------------ */

static struct winograd_operand operand(const int64_t size[2], const int64_t tiled[2], int64_t tile,
                                       int64_t channels, int64_t groups, int64_t block)
{
    struct winograd_operand p = {.channels = channels, .block = block};
    p.blocks = sw__ceil_div(channels, p.block);
    p.grid = (struct sw_grid){.h = size[0],
                              .w = size[1],
                              .image = groups * channels * size[0] * size[1],
                              .oh = sw__ceil_div(tiled[0], tile),
                              .ow = sw__ceil_div(tiled[1], tile),
                              .sy = tile,
                              .sx = tile,
                              .dy = 1,
                              .dx = 1};
    return p;
}

static int64_t tiles_of(const struct winograd_weight *p)
{
    return p->rows * p->dy.grid.ow;
}

/* Scratch in floats: V and E of a step, S, and what transforms and filters need. */
struct parts {
    int64_t x, dy, sums, rest;
};

/* Bounds those of all smaller sizes, at which a step may have more rows, of fewer tiles. */
static struct parts parts_of(const struct winograd_weight *p)
{
    const struct sw_grid *g = &p->dy.grid;
    const int64_t step = sw__min64(tiles_of(p), sw__max64(STEP_TILES, g->ow)) | 1;
    const int64_t few = sw__min64(tiles_of(p), FEW_TILES) | 1;
    const int64_t most = sw__max64(step, few), rows = sw__min64(g->oh, most);
    return (struct parts){
        .x = POSITIONS * sw__max64(step * BLOCK, few * FEW_X),
        .dy = POSITIONS * sw__max64(step * BLOCK, few * FEW_DY),
        .sums = POSITIONS * (BLOCK * BLOCK + GAP),
        /* sw__winograd_scratch: (4 ow + 2)(4 rows + 9), or (2 ow + 4)(2 rows + 11) */
        .rest = sw__max64(LANES * (16 * most + 36 * g->ow + 8 * rows + 18),
                          FILTERS * p->taps * p->taps * BLOCK)};
}

static int64_t spans_of(const struct winograd_weight *p)
{
    const int64_t blocks = p->groups * p->x.blocks * p->dy.blocks;
    const int64_t wish = sw__ceil_div(TASKS, blocks), most = tiles_of(p) / SPAN_TILES;
    int64_t spans = sw__min64(wish, most);
    /* As many tasks for one of two threads; a second span for that only where tasks are few. */
    const bool even = spans > 1 || (most > 1 && blocks < 2 * TASKS);
    if (even && spans * blocks % 2) spans++;
    return p->few ? 1 : sw__max64(sw__min64(spans, p->rows), 1);
}

void sw__winograd_weight_prepare(struct sw_step *s, const struct conv_dims *d,
                                 struct winograd_weight *p)
{
    const struct conv_attr *attr = s->attr;
    const int64_t tile = WINDOW + 1 - d->kernel[0], across = sw__ceil_div(d->out[1], tile);
    *p = (struct winograd_weight){.images = d->n, .groups = d->groups, .taps = d->kernel[0]};
    p->rows = d->n * sw__ceil_div(d->out[0], tile);
    p->few = p->rows * across <= FEW_TILES;
    /* Two blocks of x at least: a task each. */
    const int64_t half = sw__min64(sw__round_up(sw__ceil_div(d->cg, 2), LANES), FEW_X);
    p->x = operand(d->in, d->out, tile, d->cg, d->groups, p->few ? half : BLOCK);
    p->dy = operand(d->out, d->out, tile, d->og, d->groups, p->few ? FEW_DY : BLOCK);
    p->x.grid.ny = p->x.grid.nx = WINDOW;
    p->dy.grid.ny = p->dy.grid.nx = tile;
    p->x.grid.y0 = -attr->pad[0];
    p->x.grid.x0 = -attr->pad[1];
    p->filters = d->o * d->cg * p->taps * p->taps;
    p->span = sw__max64(sw__ceil_div(p->rows, spans_of(p)), 1);
    p->spans = sw__max64(sw__ceil_div(p->rows, p->span), 1);
    p->step = p->few ? p->span : sw__max64(STEP_TILES / across, 1);
    /* Steps of a span are alike. */
    p->step = sw__max64(sw__ceil_div(p->span, sw__ceil_div(p->span, p->step)), 1);
    const struct parts parts = parts_of(p);
    const int64_t blocks = p->groups * p->x.blocks * (p->few ? 1 : p->dy.blocks);
    const int64_t spans = spans_of(p);
    s->n_phases = 2;
    s->tasks[0] = p->spans * blocks;
    s->tasks[1] = p->spans > 1 ? sw__ceil_div(p->filters, GRAIN) : 0;
    s->workspace = spans > 1 ? (size_t)(spans * p->filters) * sizeof(float) : 0;
    s->scratch = (size_t)(parts.x + parts.dy + parts.sums + parts.rest) * sizeof(float);
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

/* dw[o][c] of n x m channels. */
static void filters(const struct sw_step *s, const struct winograd_weight *p, float *dw,
                    const float *sums, int64_t n, int64_t m, float *scratch)
{
    const int64_t dy = p->dy.block, taps = p->taps * p->taps, row = p->x.channels * taps;
    for (int64_t c = 0; c < n; c += FILTERS) {
        const int64_t count = sw__min64(FILTERS, n - c);
        s->k->winograd_filter_f32(scratch, sums + c * dy, p->x.block * dy + GAP, dy, count, dy,
                                  (int)p->taps);
        s->k->transpose_x32(dw + c * taps, row, scratch, dy, m, count * taps);
    }
}

/* The task's part of S, and where its filters go. */
struct sum {
    int64_t group, x, dy; /* blocks */
    int64_t begin, end;   /* rows of tiles */
    float *dw;            /* of the span */
    float *v, *e, *sums, *rest;
};

/* One block of x and one of dy; V is there already, if `ready`. */
static void sum_blocks(const struct sw_step *s, const struct winograd_weight *p,
                       const struct sum *t, bool ready)
{
    const int64_t n = sw__min64(p->x.block, p->x.channels - t->x * p->x.block);
    const int64_t m = sw__min64(p->dy.block, p->dy.channels - t->dy * p->dy.block);
    const int64_t o = t->group * p->dy.channels + t->dy * p->dy.block;
    if (t->begin >= t->end) add_products(s, p, t->sums, t->v, t->e, 0, n, m, false);
    for (int64_t at = t->begin, rows; at < t->end; at += rows) {
        rows = sw__min64(p->step, t->end - at);
        const int64_t tiles = rows * p->dy.grid.ow;
        if (!ready) transform(s, p, X, t->v, t->group, t->x, at, at + rows, tiles, t->rest);
        transform(s, p, DY, t->e, t->group, t->dy, at, at + rows, tiles, t->rest);
        add_products(s, p, t->sums, t->v, t->e, tiles, n, m, at > t->begin);
    }
    filters(s, p, t->dw + (o * p->x.channels + t->x * p->x.block) * p->taps * p->taps, t->sums, n,
            m, t->rest);
}

static void sum_task(const struct sw_step *s, const struct winograd_weight *p, int64_t task,
                     float *scratch)
{
    const struct parts parts = parts_of(p);
    const int64_t dy = p->few ? 1 : p->dy.blocks, span = task / dy / p->x.blocks / p->groups;
    struct sum t = {.x = task / dy % p->x.blocks,
                    .dy = task % dy,
                    .group = task / dy / p->x.blocks % p->groups,
                    .begin = span * p->span,
                    .end = sw__min64((span + 1) * p->span, p->rows),
                    .dw = p->spans > 1 ? (float *)s->ws + span * p->filters : s->out[0]->data,
                    .v = scratch};
    t.e = t.v + parts.x;
    t.sums = t.e + parts.dy;
    t.rest = t.sums + parts.sums;
    if (!p->few) {
        sum_blocks(s, p, &t, false);
        return;
    }
    for (; t.dy < p->dy.blocks; t.dy++) sum_blocks(s, p, &t, t.dy > 0);
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
            sum_task(s, p, i, scratch);
        else
            add_spans(s, p, i);
    }
}
