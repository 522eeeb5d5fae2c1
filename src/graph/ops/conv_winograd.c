/* Winograd convolution as tasks; see conv_winograd.h. */
#include "base/size.h"
#include "graph/ops/conv_sum.h"
#include "graph/ops/conv_winograd.h"
#include "kernels/gemm_table.h"

enum { X, W };

enum {
    POSITIONS = SW_WINOGRAD_POSITIONS,
    WINDOW = SW_WINOGRAD_WINDOW,
    MOST_TAPS = SW_WINOGRAD_TAPS * SW_WINOGRAD_TAPS,
    LANES = SW_WINOGRAD_LANES,
    KC = SW_CONV_PIXELS,   /* channels that are summed at once */
    BLOCK_BYTES = 3 << 18, /* of a block's V: most of an L2 of 1 MB */
    LEAST_TILES = 28,      /* of a block: two panels of rows */
    MOST_TILES = 84,       /* of a block: they bound M */
    FEW_TILES = 112,       /* of all images: two blocks, or one of at most LEAST_TILES */
    LEAST_BLOCKS = 8       /* where there are more tiles */
};

/* ---- the weight --------------------------------------------------------------------------------- */

/* U: groups, slices of NR out-channels, positions, channels, NR. */
static int64_t slice_floats(const struct sw_kernels *k, int64_t c)
{
    return POSITIONS * c * sw__gemm_blocks(k->isa)->nr;
}

static int64_t group_floats(const struct sw_kernels *k, int64_t c, int64_t o)
{
    return sw__ceil_div(o, sw__gemm_blocks(k->isa)->nr) * slice_floats(k, c);
}

enum { ISA, GROUPS, ROWS, COLUMNS, WAY, TAPS }; /* rows and columns of a group's weight */

/* A task: LANES channels of a slice. */
static void pack_run(const struct sw_pack *p, const struct sw_kernels *k, const void *src,
                     void *dst, int64_t begin, int64_t end)
{
    const int64_t nr = sw__gemm_blocks(k->isa)->nr, rows = p->param[ROWS],
                  columns = p->param[COLUMNS];
    const bool back = p->param[WAY] == SW_WINOGRAD_BACKWARD;
    const int64_t taps = p->param[TAPS] * p->param[TAPS];
    const int64_t c = back ? rows : columns, o = back ? columns : rows;
    const int64_t slices = sw__ceil_div(o, nr), pieces = sw__ceil_div(c, LANES);
    float filters[LANES * MOST_TAPS * 32];
    for (int64_t i = begin; i < end; i++) {
        const int64_t c0 = i % pieces * LANES, slice = i / pieces % slices;
        const int64_t count = sw__min64(LANES, c - c0), n = sw__min64(nr, o - slice * nr);
        const float *w = (const float *)src + i / pieces / slices * rows * columns * taps;
        float *u = (float *)dst + i / pieces * slice_floats(k, c) + c0 * nr;
        if (!back)
            k->gemm_pack_b(filters, w + (slice * nr * columns + c0) * taps, SW_F32, 1,
                           columns * taps, count * taps, n);
        for (int64_t j = 0; back && j < count; j++)
            k->gemm_pack_b(filters + j * taps * nr, w + ((c0 + j) * columns + slice * nr) * taps,
                           SW_F32, 1, taps, taps, n);
        k->winograd_weight_f32(u, c * nr, filters, count, nr, (int)p->param[TAPS], back);
    }
}

void sw__conv_winograd_pack(const struct sw_kernels *k, const struct conv_attr *attr,
                            const sw_shape *w, enum sw_winograd_way way, struct sw_pack *out)
{
    const int64_t nr = sw__gemm_blocks(k->isa)->nr, rows = w->dim[0] / attr->groups;
    const bool back = way == SW_WINOGRAD_BACKWARD;
    const int64_t c = back ? rows : w->dim[1], o = back ? w->dim[1] : rows;
    *out = (struct sw_pack){
        .layout = "conv_winograd_f32",
        .param = {k->isa, attr->groups, rows, w->dim[1], way, w->dim[w->rank - 1]},
        .bytes = (size_t)(attr->groups * group_floats(k, c, o)) * sizeof(float),
        .tasks = attr->groups * sw__ceil_div(o, nr) * sw__ceil_div(c, LANES),
        .run = pack_run};
}

/* ---- how it is cut ------------------------------------------------------------------------------ */

/* Rows of V: of SW_CONV_PITCH floats, with a block of channels of some positions, or of one. */
static int64_t positions_in_row(int64_t c)
{
    return c > KC ? 1 : KC / sw__round_up(c, LANES);
}

static int64_t tile_floats(int64_t c)
{
    return sw__ceil_div(POSITIONS, positions_in_row(c)) * sw__ceil_div(c, KC) * SW_CONV_PITCH;
}

/* V of so many tiles.  An odd number, so that positions do not share cache sets. */
static struct sw_winograd_place place_of(int64_t c, int64_t tiles)
{
    return (struct sw_winograd_place){.per = positions_in_row(c),
                                      .width = sw__round_up(c, LANES),
                                      .block = sw__ceil_div(c, KC) * (tiles | 1) * SW_CONV_PITCH,
                                      .pitch = SW_CONV_PITCH};
}

static struct sw_grid windows(const int64_t from[2], const int64_t to[2], int64_t planes,
                              int64_t top, int64_t left, int64_t tile, int64_t wide)
{
    return (struct sw_grid){.h = from[0],
                            .w = from[1],
                            .image = planes * from[0] * from[1],
                            .oh = sw__ceil_div(to[0], tile),
                            .ow = sw__ceil_div(to[1], tile),
                            .sy = tile,
                            .sx = tile,
                            .y0 = -top,
                            .x0 = -left,
                            .ny = wide,
                            .nx = wide,
                            .dy = 1,
                            .dx = 1};
}

/* Tiles that a block may have; it has one row at least. */
static int64_t most_tiles(int64_t c)
{
    const int64_t fit = BLOCK_BYTES / (tile_floats(c) * (int64_t)sizeof(float));
    return sw__max64(sw__min64(fit, MOST_TILES), LEAST_TILES);
}

static void cut(struct conv_winograd *p)
{
    const int64_t nr = sw__gemm_blocks(p->kernels->isa)->nr;
    const int64_t rows = p->images * p->in.oh, tiles = rows * p->in.ow;
    const bool few = tiles <= LEAST_TILES;
    p->slice = nr;
    p->slices = sw__ceil_div(p->o, nr);
    p->pieces = few && p->groups == 1 ? sw__min64(2, p->slices) : 1;
    /* Half a slice, where that makes pieces equal. */
    if (p->pieces > 1 && p->slices % 2 && nr > LANES && p->o % nr == 0) p->slice = nr / 2;
    p->slices = sw__ceil_div(p->o, p->slice);
    p->block = sw__max64(most_tiles(p->c) / p->in.ow, 1);
    p->blocks = sw__ceil_div(rows, p->block);
    if (tiles > FEW_TILES)
        p->blocks = sw__round_up(sw__max64(p->blocks, LEAST_BLOCKS), 2);
    else
        p->blocks = few ? 1 : 2;
    p->blocks = sw__max64(sw__min64(p->blocks, rows), 1);
    p->block = sw__max64(sw__ceil_div(rows, p->blocks), 1);
    p->blocks = sw__ceil_div(rows, p->block);
}

/* Floats of the scratch: V and M of a block, then what a transform needs; each bounds its part at
 * all smaller sizes, at which more rows, of fewer tiles, may make a block. */
struct parts {
    int64_t v, m, transform;
};

static struct parts parts_of(const struct conv_winograd *p)
{
    const int64_t tiles = p->images * p->in.oh * p->in.ow;
    const int64_t few = FEW_TILES / 2 + p->in.ow; /* half of them, in whole rows */
    const int64_t most = sw__max64(sw__max64(most_tiles(p->c), p->in.ow), few);
    const int64_t block = sw__min64(tiles, most) | 1, rows = sw__min64(p->in.oh, most);
    return (struct parts){
        .v = block * tile_floats(p->c),
        .m = block * POSITIONS * sw__gemm_blocks(p->kernels->isa)->nr,
        /* sw__winograd_scratch: (4 ow + 2)(4 rows + 9), or (2 ow + 4)(2 rows + 11) */
        .transform = LANES * (16 * block + 36 * p->in.ow + 8 * rows + 18)};
}

void sw__conv_winograd_prepare(struct sw_step *s, const struct conv_dims *d,
                               enum sw_winograd_way way, struct conv_winograd *p)
{
    const struct conv_attr *attr = s->attr;
    const bool back = way == SW_WINOGRAD_BACKWARD;
    const int64_t *from = back ? d->out : d->in, *to = back ? d->in : d->out;
    const int64_t last = d->kernel[0] - 1, tile = WINDOW - last; /* kernels are square */
    const int64_t top = back ? last - attr->pad[0] : attr->pad[0];
    const int64_t left = back ? last - attr->pad[1] : attr->pad[1];
    *p = (struct conv_winograd){.kernels = s->k,
                                .images = d->n,
                                .groups = d->groups,
                                .c = back ? d->og : d->cg,
                                .o = back ? d->cg : d->og};
    p->in = windows(from, to, p->c * p->groups, top, left, tile, WINDOW);
    p->out = windows(to, to, p->o * p->groups, 0, 0, tile, tile);
    cut(p);
    sw__conv_winograd_pack(s->k, attr, &s->in[W]->shape, way, &p->pack);
    const struct parts parts = parts_of(p);
    s->n_phases = d->n > 0 ? 2 : 0;
    s->tasks[0] = s->packed[W] ? 0 : p->pack.tasks;
    s->tasks[1] = p->groups * p->blocks * p->pieces;
    s->workspace = s->packed[W] ? 0 : p->pack.bytes;
    s->scratch = (size_t)(parts.v + parts.m + parts.transform) * sizeof(float);
    s->kernel = s->k->names[SW_SLOT_winograd_output_f32];
}

/* ---- tasks -------------------------------------------------------------------------------------- */

/* The operands of a run. */
struct run {
    const struct conv_winograd *p;
    const float *u, *x;
    float *y;
    struct sw_epilogue epilogue;
};

/* V of rows of tiles of one image, some channels of a group; v: tile 0 of the block. */
static void transform(const struct conv_winograd *p, float *v, int64_t tiles, const float *x,
                      int64_t c0, int64_t channels, int64_t row, int64_t rows, float *scratch)
{
    const struct sw_winograd_place place = place_of(p->c, tiles);
    for (int64_t c = c0, n; c < c0 + channels; c += n) {
        n = sw__min64(KC - c % KC, c0 + channels - c);
        p->kernels->winograd_input_f32(v + c / KC * (tiles | 1) * SW_CONV_PITCH + c % KC, &place,
                                       x + c * p->in.h * p->in.w, &p->in, n, row, rows, scratch);
    }
}

/* M[t][i][..] of n out-channels from V; u: the first of them, of position 0. */
static void multiply(const struct conv_winograd *p, float *m, const float *v, const float *u,
                     int64_t tiles, int n)
{
    const struct sw_gemm_blocks *t = sw__gemm_blocks(p->kernels->isa);
    const struct sw_winograd_place place = place_of(p->c, tiles);
    const int64_t height = sw__ceil_div(tiles, sw__ceil_div(tiles, t->mr));
    for (int64_t i = 0; i < POSITIONS; i++) {
        const float *vi = v + i / place.per * place.block + i % place.per * place.width;
        for (int64_t c = 0; c < p->c; c += KC, vi += (tiles | 1) * SW_CONV_PITCH)
            for (int64_t at = 0; at < tiles; at += height)
                p->kernels->conv_weight_tile_f32(
                    m + (at * POSITIONS + i) * t->nr, POSITIONS * t->nr, vi + at * SW_CONV_PITCH,
                    u + (i * p->c + c) * t->nr, sw__min64(KC, p->c - c),
                    (int)sw__min64(height, tiles - at), n, c > 0);
    }
}

/* y of rows of tiles of one image; y, e: of the first of n out-channels. */
static void finish(const struct conv_winograd *p, float *y, const float *m, int64_t n, int64_t row,
                   int64_t rows, const struct sw_epilogue *e, float *scratch)
{
    const int64_t nr = sw__gemm_blocks(p->kernels->isa)->nr, plane = p->out.h * p->out.w;
    const struct sw_winograd_place place = {POSITIONS, nr, 0, POSITIONS * nr};
    const int64_t first = row * p->out.sy, end = sw__min64(first + rows * p->out.sy, p->out.h);
    p->kernels->winograd_output_f32(y, m, &place, &p->out, n, row, rows, e, scratch);
    sw__conv_finish(p->kernels, e, y + first * p->out.w, plane, n, (end - first) * p->out.w);
}

/* Rows of tiles first .. end-1 of all images, for a slice of the group's out-channels. */
static void compute_slice(const struct run *r, int64_t group, int64_t slice, int64_t first,
                          int64_t end, const float *v, float *m, float *scratch)
{
    const struct conv_winograd *p = r->p;
    const int64_t nr = sw__gemm_blocks(p->kernels->isa)->nr, o = slice * p->slice;
    const int64_t n = sw__min64(p->slice, p->o - o), channel = group * p->o + o;
    const float *u = r->u + group * group_floats(p->kernels, p->c, p->o) +
                     o / nr * slice_floats(p->kernels, p->c) + o % nr;
    struct sw_epilogue e = r->epilogue;
    if (e.bias_row) e.bias_row += channel;
    multiply(p, m, v, u, (end - first) * p->in.ow, (int)n);
    for (int64_t at = first, rows; at < end; at += rows) {
        rows = sw__min64(p->in.oh - at % p->in.oh, end - at);
        finish(p, r->y + at / p->in.oh * p->out.image + channel * p->out.h * p->out.w,
               m + (at - first) * p->in.ow * POSITIONS * nr, n, at % p->in.oh, rows, &e, scratch);
    }
}

/* A block, and all out-channels or a piece of them. */
static void compute_block(const struct run *r, int64_t task, const struct parts *parts,
                          float *scratch)
{
    const struct conv_winograd *p = r->p;
    const int64_t piece = task % p->pieces, block = task / p->pieces % p->blocks;
    const int64_t group = task / p->pieces / p->blocks, first = block * p->block;
    const int64_t end = sw__min64(first + p->block, p->images * p->in.oh);
    const int64_t slices = sw__ceil_div(p->slices, p->pieces);
    float *v = scratch, *m = v + parts->v, *rest = m + parts->m;
    for (int64_t at = first, rows; at < end; at += rows) {
        rows = sw__min64(p->in.oh - at % p->in.oh, end - at);
        transform(p, v + (at - first) * p->in.ow * SW_CONV_PITCH, (end - first) * p->in.ow,
                  r->x + at / p->in.oh * p->in.image + group * p->c * p->in.h * p->in.w, 0, p->c,
                  at % p->in.oh, rows, rest);
    }
    for (int64_t i = piece * slices; i < sw__min64((piece + 1) * slices, p->slices); i++)
        compute_slice(r, group, i, first, end, v, m, rest);
}

void sw__conv_winograd_run(const struct sw_step *s, const struct conv_winograd *p,
                           const struct sw_epilogue *e, int phase, int64_t begin, int64_t end,
                           float *scratch)
{
    const struct parts parts = parts_of(p);
    struct run r = {.p = p, .u = s->packed[W], .x = s->in[X]->data, .y = s->out[0]->data};
    if (!r.u) r.u = s->ws;
    r.epilogue = *e;
    if (phase == 0) {
        p->pack.run(&p->pack, s->k, s->in[W]->data, s->ws, begin, end);
        return;
    }
    for (int64_t i = begin; i < end; i++) compute_block(&r, i, &parts, scratch);
}
