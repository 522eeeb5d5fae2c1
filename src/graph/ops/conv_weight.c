/* The gradient of a convolution's weight.
 *
 *     dw[o][k] = sum over images and pixels p of dy[o][p] * X[k][p]
 *
 * with X the matrix of the grid over x (conv_kernels.h), k = (in-channel, tap).  Computed as dw^T, a
 * product of X, gathered in rows of k as it is wanted, and dy^T, packed: the operand with fewer rows
 * is the one that is transposed.
 *
 * The sum is long and the result may be small, so pixels are cut into spans: a task sums some rows
 * of k over one span, in steps of 256 pixels, into the workspace, and a second phase adds the spans
 * in their order and turns dw^T into dw.  The number of spans depends on the sizes only and is
 * bounded by the memory that they take. */
#include "base/size.h"
#include "graph/ops/conv_grad.h"
#include "graph/ops/conv_product.h"
#include "graph/ops/conv_winograd.h"
#include "graph/ops/conv_winograd_weight.h"
#include "graph/ops/depthwise.h"
#include "kernels/gemm_table.h"

enum { X, DY, W };

enum {
    SPAN_BYTES = 8 << 20, /* of all spans' results together, if there is more than one */
    TASKS = 16,           /* at least, if the sizes allow */
    LEAST_STEPS = 8,      /* of 256 pixels in a span */
    LEAST_PANELS = 4,     /* of out-channels in a task: X is gathered again for each */
    LEAST_TILES = 16,     /* of k in a task: dy is packed again for each */
    TILES = 4,            /* of k that are gathered at once */
    MOST_PANELS = 16,     /* of dy that are packed at once: they stay in L2 */
    ROWS = 32             /* of dw^T in a task of the second phase */
};

struct weight_note {
    struct conv_dims dims;
    bool is_winograd;
    struct winograd_weight winograd;
    struct sw_grid grid;
    int64_t taps;           /* k of a group */
    int64_t line;           /* floats of a row of dw^T */
    int64_t spans, span;    /* how many; pixels of one */
    int64_t columns, width; /* of out-channels: how many blocks; out-channels of one */
    int64_t blocks, block;  /* of k: how many; rows of one */
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

static void choose(const struct sw_kernels *k, const struct conv_dims *d, struct weight_note *note)
{
    const struct sw_gemm_blocks *t = sw__gemm_blocks(k->isa);
    const int64_t pixels = d->n * d->out[0] * d->out[1];
    const int64_t steps = sw__ceil_div(pixels, SW_CONV_PIXELS);
    const int64_t panels = sw__ceil_div(d->og, t->nr);
    note->taps = d->cg * d->kernel[0] * d->kernel[1];
    note->line = sw__round_up(d->og, 16);
    const int64_t bytes = d->groups * note->taps * note->line * (int64_t)sizeof(float);
    const int64_t tiles = sw__ceil_div(note->taps, t->mr);
    int64_t spans = sw__min64(SPAN_BYTES / bytes, sw__ceil_div(TASKS, d->groups));
    spans = sw__max64(sw__min64(spans, steps / LEAST_STEPS), 1);
    note->span = sw__max64(sw__ceil_div(steps, spans), 1) * SW_CONV_PIXELS;
    note->spans = sw__ceil_div(pixels, note->span);
    int64_t columns = sw__ceil_div(TASKS, spans * d->groups);
    columns = sw__max64(sw__min64(columns, panels / LEAST_PANELS), 1);
    note->width = sw__ceil_div(panels, columns) * t->nr;
    note->columns = sw__ceil_div(d->og, note->width);
    int64_t blocks = sw__ceil_div(TASKS, spans * d->groups * note->columns);
    blocks = sw__max64(sw__min64(blocks, tiles / LEAST_TILES), 1);
    note->block = sw__ceil_div(tiles, blocks) * t->mr;
    note->blocks = sw__ceil_div(note->taps, note->block);
}

/* Floats of scratch: rows of X, then panels of dy. */
static int64_t gathered_floats(const struct sw_gemm_blocks *t)
{
    return (int64_t)TILES * t->mr * SW_CONV_PITCH;
}

static sw_status weight_prepare(struct sw_step *s)
{
    const struct conv_attr *attr = s->attr;
    struct weight_note *note = s->note;
    const struct sw_gemm_blocks *t = sw__gemm_blocks(s->k->isa);
    const struct conv_dims d = sw__conv_dims(attr, &s->in[X]->shape, &s->in[W]->shape,
                                             &s->in[DY]->shape);
    note->dims = d;
    note->is_winograd = sw__conv_winograd_fits(attr, &d);
    note->grid = sw__conv_grid(attr, &d);
    s->flops = 2 * (double)d.cg * (double)d.kernel[0] * (double)d.kernel[1] *
               (double)sw_shape_elements(&s->in[DY]->shape);
    s->workspace = s->scratch = 0;
    if (sw__conv_is_depthwise(&d)) {
        s->n_phases = 1;
        s->tasks[0] = d.o;
        s->kernel = s->k->names[SW_SLOT_conv_plane_grad_f32];
        return SW_OK;
    }
    if (note->is_winograd) {
        sw__winograd_weight_prepare(s, &d, &note->winograd);
        return SW_OK;
    }
    choose(s->k, &d, note);
    const int64_t panels = sw__min64(sw__ceil_div(d.og, t->nr), MOST_PANELS);
    s->n_phases = 2;
    s->tasks[0] = note->spans * d.groups * note->columns * note->blocks;
    s->tasks[1] = d.groups * sw__ceil_div(note->taps, ROWS);
    s->workspace = (size_t)(sw__max64(note->spans, 1) * d.groups * note->taps * note->line) *
                   sizeof(float);
    s->scratch = (size_t)(gathered_floats(t) + panels * SW_CONV_PIXELS * t->nr) * sizeof(float);
    s->kernel = s->k->names[SW_SLOT_conv_weight_tile_f32];
    return SW_OK;
}

/* Panels of dy^T, [pixel][NR] each: pixels p0 .. p0+np-1, channels o0 .. of a group. */
static void pack_dy(const struct sw_step *s, float *to, int64_t group, int64_t o0, int64_t panels,
                    int64_t p0, int64_t np)
{
    const struct weight_note *note = s->note;
    const struct conv_dims *d = &note->dims;
    const int64_t plane = d->out[0] * d->out[1], nr = sw__gemm_blocks(s->k->isa)->nr;
    for (int64_t at = 0, n; at < np; at += n) {
        const int64_t image = (p0 + at) / plane, pixel = (p0 + at) % plane;
        n = sw__min64(plane - pixel, np - at);
        for (int64_t i = 0; i < panels; i++) {
            const int64_t o = o0 + i * nr;
            const float *dy = (const float *)s->in[DY]->data +
                              (image * d->o + group * d->og + o) * plane + pixel;
            s->k->gemm_pack_b(to + (i * SW_CONV_PIXELS + at) * nr, dy, SW_F32, 1, plane, n,
                              sw__min64(nr, d->og - o));
        }
    }
}

/* A task: rows k of dw^T from `first` on, over one span of pixels. */
struct sum {
    int64_t group, first, rows;
    float *to; /* row `first` */
};

/* Add np pixels for channels o0 .. of the group. */
static void add_pixels(const struct sw_step *s, const struct sum *sum, int64_t o0, int64_t panels,
                       int64_t p0, int64_t np, bool accumulate, float *scratch)
{
    const struct weight_note *note = s->note;
    const struct conv_dims *d = &note->dims;
    const struct sw_gemm_blocks *t = sw__gemm_blocks(s->k->isa);
    const float *x = (const float *)s->in[X]->data + sum->group * d->cg * d->in[0] * d->in[1];
    float *gathered = scratch, *packed = scratch + gathered_floats(t);
    pack_dy(s, packed, sum->group, o0, panels, p0, np);
    for (int64_t k = 0; k < sum->rows; k += (int64_t)TILES * t->mr) {
        const int64_t rows = sw__min64((int64_t)TILES * t->mr, sum->rows - k);
        s->k->conv_gather_f32(gathered, SW_CONV_PITCH, x, &note->grid, sum->first + k, rows, p0, np,
                              np);
        for (int64_t i = 0; i < panels; i++)
            for (int64_t r = 0; r < rows; r += t->mr)
                s->k->conv_weight_tile_f32(
                    sum->to + (k + r) * note->line + o0 + i * t->nr, note->line,
                    gathered + r * SW_CONV_PITCH, packed + i * SW_CONV_PIXELS * t->nr, np,
                    (int)sw__min64(t->mr, rows - r), (int)sw__min64(t->nr, d->og - o0 - i * t->nr),
                    accumulate);
    }
}

static void sum_task(const struct sw_step *s, int64_t task, float *scratch)
{
    const struct weight_note *note = s->note;
    const struct conv_dims *d = &note->dims;
    const int64_t nr = sw__gemm_blocks(s->k->isa)->nr, pixels = d->n * d->out[0] * d->out[1];
    const int64_t block = task % note->blocks, column = task / note->blocks % note->columns;
    const int64_t group = task / note->blocks / note->columns % d->groups;
    const int64_t span = task / note->blocks / note->columns / d->groups;
    const int64_t begin = span * note->span, end = sw__min64(begin + note->span, pixels);
    const int64_t o_end = sw__min64((column + 1) * note->width, d->og);
    struct sum sum = {.group = group, .first = block * note->block};
    sum.rows = sw__min64(note->block, note->taps - sum.first);
    sum.to = (float *)s->ws + ((span * d->groups + group) * note->taps + sum.first) * note->line;
    for (int64_t o = column * note->width; o < o_end; o += MOST_PANELS * nr) {
        const int64_t panels = sw__min64(sw__ceil_div(o_end - o, nr), MOST_PANELS);
        for (int64_t p = begin; p < end; p += SW_CONV_PIXELS)
            add_pixels(s, &sum, o, panels, p, sw__min64(SW_CONV_PIXELS, end - p), p > begin,
                       scratch);
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
    if (sw__conv_is_depthwise(d)) {
        sw__depthwise_weight(s, s->attr, d, s->in[X]->data, s->in[DY]->data, s->out[0]->data, begin,
                             end);
    } else if (note->is_winograd) {
        sw__winograd_weight_run(s, &note->winograd, phase, begin, end, scratch);
    } else if (phase == 0) {
        for (int64_t i = begin; i < end; i++) sum_task(s, i, scratch);
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
