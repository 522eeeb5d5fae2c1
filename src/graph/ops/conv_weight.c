/* The gradient of a convolution's weight.
 *
 *     dw[o][k] = sum over images and pixels p of dy[o][p] * X[k][p]
 *
 * with X the matrix of the grid over x (conv_kernels.h), k = (in-channel, tap).  Computed as dw^T, in
 * tiles of some k by vectors of out-channels (conv_direct_weight_f32): X is read where it lies in a
 * padded copy of some rows of x (conv_direct.h), dy is transposed before.
 *
 * The sum is long and the result may be small, so rows of all images are cut into spans: a task sums
 * some in-channels and out-channels over one span into the workspace, and a second phase adds the
 * spans in their order and turns dw^T into dw.  The number of spans depends on the sizes only and is
 * bounded by the memory that they take.  Where all pixels are one step of one span, tiles are turned
 * into dw at once.  Products of bf16 make dw^T in spans likewise (conv_bf16.h). */
#include "base/size.h"
#include "graph/ops/conv_bf16.h"
#include "graph/ops/conv_choice.h"
#include "graph/ops/conv_direct.h"
#include "graph/ops/conv_grad.h"
#include "graph/ops/conv_winograd_weight.h"
#include "graph/ops/depthwise.h"

enum { X, DY, W };

enum {
    SPAN_BYTES = 8 << 20,  /* of all spans' results together, if there is more than one */
    TASKS = 8,             /* about so many, if the sizes allow */
    LEAST_PIXELS = 375,    /* of a span: its result must be added */
    COPY_FLOATS = 1 << 16, /* of a step: the copy of x, and likewise dy, stay in L2 */
    BLOCK = 96,            /* k of a block of tiles that is turned into dw */
    ROWS = 32,             /* of dw^T in a task of the second phase */
    CHANNELS = 8           /* of a task, depthwise */
};

struct weight_note {
    struct conv_dims dims;
    enum conv_way way; /* that of the declared sizes, at smaller ones too */
    struct winograd_weight winograd;
    struct conv_bf16_weight bf16;
    struct sw_grid grid;
    struct conv_copy copy;
    int64_t taps;             /* k of a group */
    int64_t line;             /* floats of a row of dw^T */
    int64_t spans, span;      /* how many; rows of the grid of one */
    int64_t most;             /* spans, at these sizes or smaller ones */
    int64_t columns, panels;  /* of out-channels: how many parts; panels of one */
    int64_t blocks, channels; /* of in-channels: how many parts; channels of one */
    int64_t step;             /* rows of the grid, of one image, that are summed at once */
    bool single;              /* one span of one step */
};

static sw_status weight_infer(struct sw_infer *q)
{
    for (int i = X; i <= DY; i++) {
        sw_status status = sw__infer_dtype(q, i, SW_F32);
        if (status == SW_OK) status = sw__infer_rank(q, i, 3, 4);
        if (status != SW_OK) return status;
    }
    *q->out[0] = (sw_tensor){.dtype = SW_F32, .shape = q->in[W]->shape};
    return SW_OK;
}

/* Rows of a step, and what it needs: floats of dy, and of the copy of x. */
static int64_t dy_floats(const struct weight_note *note, int64_t lanes, int64_t rows)
{
    return sw__min64(note->panels * 2 + 1, note->line / lanes) * lanes * rows * note->grid.ow;
}
static int64_t x_floats(const struct weight_note *note, int64_t rows)
{
    return note->channels * sw__conv_copy_rows(&note->copy, &note->grid, rows) * note->copy.pitch;
}

static void choose(const struct sw_kernels *k, const struct conv_dims *d, struct weight_note *note)
{
    const int64_t lanes = sw__direct_blocks(k->isa)->lanes, rows = d->n * d->out[0];
    const int64_t panels = sw__conv_direct_panels(k, d->og);
    note->copy = sw__conv_copy(&note->grid);
    note->taps = d->cg * d->kernel[0] * d->kernel[1];
    note->line = sw__round_up(d->og, 16);
    const int64_t bytes = d->groups * note->taps * note->line * (int64_t)sizeof(float);
    int64_t spans = sw__min64(SPAN_BYTES / bytes, sw__ceil_div(TASKS, d->groups));
    spans = sw__max64(sw__min64(spans, rows * d->out[1] / LEAST_PIXELS), 1);
    note->most = spans;
    note->span = sw__max64(sw__ceil_div(rows, spans), 1);
    note->spans = sw__ceil_div(rows, note->span);
    int64_t parts = sw__max64(sw__min64(TASKS / (spans * d->groups), panels), 1);
    const int64_t pixels = sw__min64(d->out[0] * d->out[1], LEAST_PIXELS);
    parts = sw__max64(parts, sw__ceil_div(panels * 2 * lanes * pixels, COPY_FLOATS));
    parts = sw__min64(parts, panels);
    note->panels = sw__ceil_div(panels, parts);
    note->columns = sw__ceil_div(panels, note->panels);
    parts = sw__max64(sw__min64(TASKS / (spans * d->groups * note->columns), d->cg), 1);
    note->channels = sw__ceil_div(d->cg, parts);
    note->blocks = sw__ceil_div(d->cg, note->channels);
    note->step = 1;
    while (note->step < d->out[0] && note->step < note->span &&
           dy_floats(note, lanes, note->step + 1) <= COPY_FLOATS &&
           x_floats(note, note->step + 1) <= COPY_FLOATS)
        note->step++;
    note->single = rows <= note->step && d->n == 1;
}

/* Floats of the scratch, which do not grow when sizes shrink. */
static int64_t x_room(const struct weight_note *note)
{
    return sw__round_up(sw__max64(x_floats(note, 1), COPY_FLOATS), 16);
}
static int64_t dy_room(const struct weight_note *note, int64_t lanes)
{
    return sw__round_up(sw__max64(dy_floats(note, lanes, 1), COPY_FLOATS), 16);
}

static sw_status weight_prepare(struct sw_step *s)
{
    const struct conv_attr *attr = s->attr;
    struct weight_note *note = s->note;
    const struct conv_dims d = sw__conv_dims(attr, &s->in[X]->shape, &s->in[W]->shape,
                                             &s->in[DY]->shape);
    note->dims = d;
    if (!note->way) note->way = sw__conv_choose(s->k->isa, CONV_WEIGHTS, attr, &d);
    note->grid = sw__conv_grid(attr, &d);
    s->flops = 2 * (double)d.cg * (double)d.kernel[0] * (double)d.kernel[1] *
               (double)sw_shape_elements(&s->in[DY]->shape);
    s->workspace = s->scratch = 0;
    if (note->way == CONV_DEPTHWISE) {
        s->n_phases = 1;
        s->tasks[0] = sw__ceil_div(d.o, CHANNELS);
        s->kernel = s->k->names[SW_SLOT_conv_plane_grad_f32];
        return SW_OK;
    }
    if (note->way == CONV_WINOGRAD) {
        sw__winograd_weight_prepare(s, &d, &note->winograd);
        return SW_OK;
    }
    s->n_phases = 2;
    if (note->way == CONV_BF16) {
        note->bf16 = sw__conv_bf16_weight(s->k, attr, &d);
        note->taps = note->bf16.taps;
        note->line = note->bf16.line;
        note->spans = note->bf16.spans;
        s->tasks[0] = note->bf16.tasks;
        s->tasks[1] = d.groups * sw__ceil_div(note->taps, ROWS);
        s->workspace = note->bf16.workspace;
        s->scratch = note->bf16.scratch;
        s->kernel = s->k->names[SW_SLOT_gemm_strip_bf16];
        return SW_OK;
    }
    choose(s->k, &d, note);
    const int64_t lanes = sw__direct_blocks(s->k->isa)->lanes;
    s->tasks[0] = note->spans * d.groups * note->columns * note->blocks;
    s->tasks[1] = note->single ? 0 : d.groups * sw__ceil_div(note->taps, ROWS);
    s->workspace = (size_t)(note->most * d.groups * note->taps * note->line) * sizeof(float);
    s->scratch = (size_t)sw__round_up(note->taps, 8) * sizeof(int64_t) +
                 (size_t)(x_room(note) + dy_room(note, lanes) + BLOCK * note->line) * sizeof(float);
    s->kernel = s->k->names[SW_SLOT_conv_direct_weight_f32];
    return SW_OK;
}

/* A task: in-channels and panels of out-channels of a group, over one span. */
struct sum {
    int64_t group, channel, channels; /* of x */
    int64_t panel, panels;            /* of dy */
    int64_t *offset;                  /* of each k */
    float *x, *dy, *block; /* scratch: the copy, panels of [pixel][width], some of dw^T */
    float *to;             /* dw^T, row (channel, tap 0) */
};

static int64_t panel_width(const struct sw_step *s, int64_t p)
{
    const struct weight_note *note = s->note;
    return sw__conv_direct_vectors(s->k, note->dims.og, p) * sw__direct_blocks(s->k->isa)->lanes;
}

/* dy of some rows of an image, transposed: panels of [pixel][width]. */
static void turn_dy(const struct sw_step *s, const struct sum *sum, int64_t image, int64_t row,
                    int64_t rows)
{
    const struct weight_note *note = s->note;
    const struct conv_dims *d = &note->dims;
    const int64_t plane = d->out[0] * d->out[1], pixels = rows * d->out[1];
    const int64_t lanes = sw__direct_blocks(s->k->isa)->lanes;
    float *to = sum->dy;
    for (int64_t p = sum->panel; p < sum->panel + sum->panels; p++) {
        const int64_t o = p * 2 * lanes, width = panel_width(s, p);
        const int64_t count = sw__min64(width, d->og - o);
        const float *dy = (const float *)s->in[DY]->data +
                          (image * d->o + sum->group * d->og + o) * plane + row * d->out[1];
        s->k->transpose_x32(to, width, dy, plane, pixels, count);
        for (int64_t i = 0; i < pixels && count < width; i++)
            for (int64_t j = count; j < width; j++) to[i * width + j] = 0;
        to += pixels * width;
    }
}

/* Add some rows to k0 .. k0+n-1 (counted from the task's first) of a panel of dw^T at `to`. */
static void add_tiles(const struct sw_step *s, const struct sum *sum, int64_t p, const float *dy,
                      int64_t k0, int64_t n, int64_t rows, float *to, int64_t line, bool accumulate)
{
    const struct weight_note *note = s->note;
    const struct sw_direct_blocks *t = sw__direct_blocks(s->k->isa);
    const int64_t width = panel_width(s, p), most = t->taps[width / t->lanes];
    const int64_t tiles = sw__ceil_div(n, most);
    const int channels = (int)sw__min64(width, note->dims.og - p * 2 * t->lanes);
    for (int64_t i = 0; i < tiles; i++) {
        const int64_t k = i * n / tiles, end = (i + 1) * n / tiles;
        s->k->conv_direct_weight_f32(to + k * line, line, sum->x, sum->offset + k0 + k,
                                     note->copy.row_floats, dy, rows, note->grid.ow, (int)(end - k),
                                     channels, accumulate);
    }
}

/* Add some rows of an image. */
static void add_rows(const struct sw_step *s, const struct sum *sum, int64_t image, int64_t row,
                     int64_t rows, bool accumulate)
{
    const struct weight_note *note = s->note;
    const struct conv_dims *d = &note->dims;
    const struct sw_grid *g = &note->grid;
    const int64_t lanes = sw__direct_blocks(s->k->isa)->lanes, kernel = g->ny * g->nx;
    const int64_t plane = sw__conv_copy_rows(&note->copy, g, rows) * note->copy.pitch;
    const int64_t n = sum->channels * kernel;
    const float *x = (const float *)s->in[X]->data + image * g->image +
                     (sum->group * d->cg + sum->channel) * g->h * g->w;
    sw__conv_copy_run(s->k, &note->copy, g, sum->x, x, sum->channels, row, rows);
    sw__conv_copy_offsets(&note->copy, g, sum->offset);
    for (int64_t k = kernel; k < n; k++) sum->offset[k] = sum->offset[k - kernel] + plane;
    turn_dy(s, sum, image, row, rows);
    const float *dy = sum->dy;
    for (int64_t p = sum->panel; p < sum->panel + sum->panels; p++) {
        const int64_t o = p * 2 * lanes, width = panel_width(s, p);
        if (!note->single)
            add_tiles(s, sum, p, dy, 0, n, rows, sum->to + o, note->line, accumulate);
        float *dw = (float *)s->out[0]->data + (sum->group * d->og + o) * note->taps +
                    sum->channel * kernel;
        for (int64_t k = 0; note->single && k < n; k += BLOCK) {
            const int64_t count = sw__min64(BLOCK, n - k);
            add_tiles(s, sum, p, dy, k, count, rows, sum->block, width, false);
            s->k->transpose_x32(dw + k, note->taps, sum->block, width, sw__min64(width, d->og - o),
                                count);
        }
        dy += rows * g->ow * width;
    }
}

static void sum_task(const struct sw_step *s, int64_t task, void *scratch)
{
    const struct weight_note *note = s->note;
    const struct conv_dims *d = &note->dims;
    const int64_t lanes = sw__direct_blocks(s->k->isa)->lanes;
    const int64_t block = task % note->blocks, column = task / note->blocks % note->columns;
    const int64_t group = task / note->blocks / note->columns % d->groups;
    const int64_t span = task / note->blocks / note->columns / d->groups;
    const int64_t begin = span * note->span;
    const int64_t end = sw__min64(begin + note->span, d->n * d->out[0]);
    struct sum sum = {.group = group,
                      .channel = block * note->channels,
                      .panel = column * note->panels,
                      .offset = scratch};
    sum.channels = sw__min64(note->channels, d->cg - sum.channel);
    sum.panels = sw__min64(note->panels, sw__conv_direct_panels(s->k, d->og) - sum.panel);
    sum.x = (float *)(void *)(sum.offset + sw__round_up(note->taps, 8));
    sum.dy = sum.x + x_room(note);
    sum.block = sum.dy + dy_room(note, lanes);
    sum.to = (float *)s->ws + ((span * d->groups + group) * note->taps +
                               sum.channel * note->grid.ny * note->grid.nx) *
                                  note->line;
    for (int64_t r = begin, rows; r < end; r += rows) {
        rows = sw__min64(sw__min64(note->step, end - r), d->out[0] - r % d->out[0]);
        add_rows(s, &sum, r / d->out[0], r % d->out[0], rows, r > begin);
    }
}

/* Rows of dw^T, some of one group: the spans added in order onto the first, then turned into dw. */
static void add_spans(const struct sw_step *s, int64_t group, int64_t first, int64_t rows)
{
    const struct weight_note *note = s->note;
    const struct conv_dims *d = &note->dims;
    const int64_t span = d->groups * note->taps * note->line;
    float *sum = (float *)s->ws + (group * note->taps + first) * note->line;
    float *dw = (float *)s->out[0]->data + group * d->og * note->taps + first;
    for (int64_t n = 1; n < note->spans; n++)
        s->k->axpy_f32(sum, 1, sum + n * span, rows * note->line);
    s->k->transpose_x32(dw, note->taps, sum, note->line, d->og, rows);
}

static void weight_run(const struct sw_step *s, int phase, int64_t begin, int64_t end,
                       void *scratch)
{
    const struct weight_note *note = s->note;
    const struct conv_dims *d = &note->dims;
    if (note->way == CONV_DEPTHWISE) {
        sw__depthwise_weight(s, s->attr, d, s->in[X]->data, s->in[DY]->data, s->out[0]->data,
                             begin * CHANNELS, sw__min64(end * CHANNELS, d->o));
    } else if (note->way == CONV_WINOGRAD) {
        sw__winograd_weight_run(s, &note->winograd, phase, begin, end, scratch);
    } else if (phase == 0) {
        for (int64_t i = begin; i < end; i++)
            if (note->way == CONV_BF16)
                sw__conv_bf16_weight_task(&note->bf16, s->in[X]->data, s->in[DY]->data, s->ws, i,
                                          scratch);
            else
                sum_task(s, i, scratch);
    } else {
        const int64_t tasks = sw__ceil_div(note->taps, ROWS);
        for (int64_t i = begin; i < end; i++) {
            const int64_t first = i % tasks * ROWS;
            add_spans(s, i / tasks, first, sw__min64(ROWS, note->taps - first));
        }
    }
}

const struct sw_op_class sw__op_conv2d_grad_weight = {.name = "conv2d_grad_weight",
                                                      .shape_only = 1u << W,
                                                      .note_size = sizeof(struct weight_note),
                                                      .infer = weight_infer,
                                                      .prepare = weight_prepare,
                                                      .run = weight_run};

sw_node *sw__conv_grad_weight(sw_graph *g, const struct conv_attr *attr, sw_node *x, sw_node *dy,
                              sw_node *w)
{
    sw_node *in[] = {x, dy, w};
    return sw__op_add(g, &sw__op_conv2d_grad_weight, attr, sizeof *attr, in, 3, 1);
}

sw_node *sw__conv_grad_bias(sw_graph *g, sw_node *dy)
{
    const int rank = sw_node_shape(dy).rank;
    if (rank == 3) return sw_sum(g, dy, (sw_reduce_options){.axes = {0, 2}, .n_axes = 2});
    return sw_sum(g, dy, (sw_reduce_options){.axes = {0, 2, 3}, .n_axes = 3});
}
