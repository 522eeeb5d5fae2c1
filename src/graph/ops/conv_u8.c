/* Convolution of bytes, sw_conv2d_u8: what QuantizeLinear, Conv and DequantizeLinear of a quantised network
 * come to, on pictures (N,H,W,C):
 *
 *     y = saturate(round((sum of (x - x_zero) w + bias[o]) * scale[o]) + y_zero)
 *
 * The sum is of integers, exact, and the rest is one product in f32 and one rounding, ties to even: every
 * ISA gives the same bytes.  The weight keeps ONNX's order (O,C/groups,KH,KW); packing turns it round.
 *
 * In this order of x the channels of a tap, and most often the taps of a row of the kernel, lie side by side:
 * the kernel reads pixels where they are, and nothing is gathered.  Only where there is padding, or a tap is no
 * whole number of four bytes, a task first copies the rows that it reads, padded with the zero point.  A fully
 * connected layer is the same with pictures of one pixel. */
#include <string.h>
#include "base/memory.h"
#include "base/size.h"
#include "graph/op_list.h"
#include "graph/ops/conv_shape.h"
#include "graph/ops/conv_u8.h"

enum { X, W, SCALE, BIAS };
/* The longest sum that cannot leave s32: 255 * 128 * K < 2^31. */
enum { MOST_K = 65536 };
/* Bytes of a padded image. */
#define LARGEST_IMAGE ((int64_t)1 << 40)
/* Bytes of panels that go over one strip of pixels together: they stay in L1. */
enum { NEAR_PANELS = 24 << 10 };

struct conv_u8_note {
    struct conv_u8_dims dims;
    struct conv_u8_cut cut;
    struct sw_pack pack;
};

/* ---- shapes ------------------------------------------------------------------------------------ */

static sw_status check_vectors(struct sw_infer *q, int64_t o)
{
    sw_status status = sw__infer_dtype(q, SCALE, SW_F32);
    if (status == SW_OK) status = sw__infer_rank(q, SCALE, 1, 1);
    if (status == SW_OK && q->in[BIAS]) status = sw__infer_dtype(q, BIAS, SW_I32);
    if (status == SW_OK && q->in[BIAS]) status = sw__infer_rank(q, BIAS, 1, 1);
    for (int i = SCALE; status == SW_OK && i <= BIAS; i++)
        if (q->in[i] && q->in[i]->shape.dim[0] != o)
            status = sw__infer_mismatch(q, W, i, "not one number for each output channel");
    return status;
}

static sw_status check_operands(struct sw_infer *q)
{
    sw_status status = sw__infer_dtype(q, X, SW_U8);
    if (status == SW_OK) status = sw__infer_rank(q, X, 4, 4);
    if (status == SW_OK) status = sw__infer_dtype(q, W, SW_I8);
    if (status == SW_OK) status = sw__infer_rank(q, W, 4, 4);
    return status;
}

static sw_status conv2d_u8_infer(struct sw_infer *q)
{
    const struct conv_u8_attr *a = q->attr;
    sw_status status = check_operands(q);
    if (status != SW_OK) return status;
    const sw_shape *x = &q->in[X]->shape, *w = &q->in[W]->shape;
    for (int i = 0; i < 4; i++)
        if ((i > 0 && x->dim[i] < 1) || w->dim[i] < 1 || x->dim[i] >= SW_CONV_LARGEST ||
            w->dim[i] >= SW_CONV_LARGEST)
            return sw__infer_mismatch(q, X, W, "a size is out of range");
    if (w->dim[0] % a->groups || x->dim[3] != w->dim[1] * a->groups)
        return sw__infer_mismatch(q, X, W, "the channels or groups do not fit");
    if (w->dim[1] * w->dim[2] > MOST_K || w->dim[1] * w->dim[2] * w->dim[3] > MOST_K)
        return sw__infer_fail(q, SW_ERR_SIZE, "sums of more than 65536 products");
    status = check_vectors(q, w->dim[0]);
    if (status != SW_OK) return status;
    sw_shape y = {4, {x->dim[0], 0, 0, w->dim[0]}};
    for (int i = 0; i < 2; i++) {
        const int64_t room = x->dim[1 + i] + a->pad[i] + a->pad[i + 2] -
                             (w->dim[2 + i] - 1) * a->dilation[i] - 1;
        if (room < 0) return sw__infer_mismatch(q, X, W, "the kernel does not fit into the image");
        y.dim[1 + i] = room / a->stride[i] + 1;
    }
    int64_t padded = x->dim[3];
    for (int i = 0; i < 2; i++)
        if (!sw__i64_mul(padded, x->dim[1 + i] + a->pad[i] + a->pad[i + 2], &padded))
            padded = INT64_MAX;
    if (sw_shape_elements(&y) < 0 || padded > LARGEST_IMAGE)
        return sw__infer_fail(q, SW_ERR_SIZE, "an image or the result is too large");
    *q->out[0] = (sw_tensor){.dtype = a->floats ? SW_F32 : SW_U8, .shape = y};
    return SW_OK;
}

/* ---- preparation ------------------------------------------------------------------------------- */

static struct conv_u8_dims dims_of(const struct sw_step *s)
{
    return sw__conv_u8_dims(s->attr, &s->in[X]->shape, &s->in[W]->shape, &s->out[0]->shape);
}

static bool conv2d_u8_pack(const struct sw_step *s, int input, struct sw_pack *out)
{
    if (input != W) return false;
    const struct conv_u8_dims d = dims_of(s);
    sw__conv_u8_describe(s->k->isa, &d, out);
    return true;
}

static sw_status conv2d_u8_prepare(struct sw_step *s)
{
    struct conv_u8_note *note = s->note;
    note->dims = dims_of(s);
    note->cut = sw__conv_u8_cut(s->attr, &note->dims, s->k->isa);
    sw__conv_u8_describe(s->k->isa, &note->dims, &note->pack);
    const int64_t columns = sw__round_up(note->dims.og, sw__int8_blocks(s->k->isa)->nr);
    s->n_phases = note->dims.n > 0 ? 2 : 0;
    s->tasks[0] = s->packed[W] ? 0 : note->pack.tasks;
    s->tasks[1] = note->cut.tasks;
    s->workspace = s->packed[W] ? 0 : note->pack.bytes;
    s->scratch = (size_t)(note->cut.picture + columns * (int64_t)sizeof(int32_t));
    s->flops = 2 * (double)sw_shape_elements(&s->out[0]->shape) *
               (double)(note->dims.kernel[0] * note->dims.kernel[1] * note->dims.cg);
    s->kernel = s->k->names[SW_SLOT_conv_strip_u8];
    return SW_OK;
}

/* ---- run --------------------------------------------------------------------------------------- */

/* A task: rows first .. first + rows - 1 of y (flat: pixels), columns from `column` on of a group. */
struct piece {
    int64_t image, first, rows, group, column, columns;
};

static struct piece piece_of(const struct conv_u8_note *note, int64_t task)
{
    const struct conv_u8_dims *d = &note->dims;
    const struct conv_u8_cut *cut = &note->cut;
    struct piece p = {.column = task % cut->across * cut->columns};
    task /= cut->across;
    p.group = task % d->groups;
    task /= d->groups;
    p.first = task % cut->bands * cut->band;
    p.image = task / cut->bands;
    const int64_t rows = cut->flat ? d->n * d->out[0] * d->out[1] : d->out[0];
    p.rows = sw__min64(cut->band, rows - p.first);
    p.columns = sw__min64(cut->columns, d->og - p.column);
    return p;
}

/* The rows of x that a piece reads, of its group, and padding; what lies behind is read, times zero. */
static void copy_rows(const struct sw_step *s, const struct piece *p, uint8_t *to)
{
    const struct conv_u8_note *note = s->note;
    const struct conv_u8_attr *a = s->attr;
    const struct conv_u8_dims *d = &note->dims;
    const int64_t width = d->in[1] + a->pad[1] + a->pad[3];
    const int64_t from = p->first * a->stride[0] - a->pad[0];
    const int64_t rows = (p->rows - 1) * a->stride[0] + (d->kernel[0] - 1) * a->dilation[0] + 1;
    const uint8_t *x = (const uint8_t *)s->in[X]->data + p->image * d->in[0] * d->in[1] * d->c +
                       p->group * d->cg;
    for (int64_t y = from; y < from + rows; y++) {
        if (y < 0 || y >= d->in[0]) {
            memset(to, a->x_zero, (size_t)(width * d->cg));
            to += width * d->cg;
            continue;
        }
        memset(to, a->x_zero, (size_t)(a->pad[1] * d->cg));
        to += a->pad[1] * d->cg;
        if (d->groups == 1)
            memcpy(to, x + y * d->in[1] * d->c, (size_t)(d->in[1] * d->c));
        else
            s->k->copy_x8(to, x + y * d->in[1] * d->c, d->in[1], d->cg, d->cg, 1, d->c, 1);
        to += d->in[1] * d->cg;
        memset(to, a->x_zero, (size_t)(a->pad[3] * d->cg));
        to += a->pad[3] * d->cg;
    }
    memset(to, 0, 4);
}

/* A line of pixels by some panels, strip by strip. */
static void run_line(const struct sw_step *s, const struct sw_int8_strip *strip, const uint8_t *x,
                     char *y, int64_t pixels, const int8_t *panels, int64_t columns)
{
    const int64_t mr = sw__int8_blocks(s->k->isa)->mr, strips = sw__ceil_div(pixels, mr);
    const int64_t size = strip->floats ? 4 : 1;
    for (int64_t i = 0, at = 0; i < strips; i++) {
        const int64_t m = (pixels - at) / (strips - i);
        s->k->conv_strip_u8(y + at * strip->y_pixel * size, x + at * strip->pixel, panels, m,
                            columns, strip);
        at += m;
    }
}

static void run_piece(const struct sw_step *s, const struct piece *p, const void *packed,
                      char *scratch)
{
    const struct conv_u8_note *note = s->note;
    const struct conv_u8_attr *a = s->attr;
    const struct conv_u8_dims *d = &note->dims;
    const struct conv_u8_cut *cut = &note->cut;
    const int64_t nr = sw__int8_blocks(s->k->isa)->nr, depth = d->runs * d->in_run * d->steps * 4;
    const int64_t channel = p->group * d->og + p->column, size = a->floats ? 4 : 1;
    int64_t step = cut->step, row = d->in[1] * d->c, pixel = d->c;
    const uint8_t *x = s->in[X]->data;
    if (d->copies) {
        copy_rows(s, p, (uint8_t *)scratch);
        x = (const uint8_t *)scratch;
        pixel = d->cg;
        row = (d->in[1] + a->pad[1] + a->pad[3]) * d->cg;
    } else {
        x += p->group * d->cg +
             (cut->flat ? p->first * step : (p->image * d->in[0] + p->first * a->stride[0]) * row);
    }
    const int64_t first = cut->flat ? p->first : (p->image * d->out[0] + p->first) * d->out[1];
    char *y = (char *)s->out[0]->data + (first * d->o + channel) * size;
    const int32_t *sums = sw__conv_u8_sums(packed, s->k->isa, d, p->group) + p->column;
    const int32_t *bias = s->in[BIAS] ? (const int32_t *)s->in[BIAS]->data + channel : NULL;
    int32_t *shift = (int32_t *)(void *)(scratch + cut->picture);
    for (int64_t j = 0; j < p->columns; j++)
        shift[j] = (int32_t)((uint32_t)(a->x_zero * sums[j]) - (uint32_t)(bias ? bias[j] : 0));
    struct sw_int8_strip strip = {.pixel = step,
                                  .runs = d->runs,
                                  .run_step = a->dilation[0] * row,
                                  .in_run = d->in_run,
                                  .tap_step = a->dilation[1] * pixel,
                                  .steps = d->steps,
                                  .y_pixel = d->o,
                                  .low = (float)(a->low - a->y_zero),
                                  .high = (float)(a->high - a->y_zero),
                                  .zero = a->y_zero,
                                  .floats = a->floats};
    if (strip.in_run == 1 &&
        strip.run_step == 4 * strip.steps) { /* rows of taps lie side by side too */
        strip.steps *= strip.runs;
        strip.runs = 1;
    }
    const int8_t *panels = sw__conv_u8_panels(packed, s->k->isa, d, p->group) + p->column * depth;
    const int64_t group = sw__max64(1, NEAR_PANELS / (depth * nr)) * nr;
    for (int64_t j = 0; j < p->columns; j += group) {
        const int64_t columns = sw__min64(group, p->columns - j);
        strip.shift = shift + j;
        strip.scale = (const float *)s->in[SCALE]->data + channel + j;
        if (cut->flat) {
            run_line(s, &strip, x, y + j * size, p->rows, panels + j * depth, columns);
            continue;
        }
        for (int64_t r = 0; r < p->rows; r++)
            run_line(s, &strip, x + r * a->stride[0] * row, y + (r * d->out[1] * d->o + j) * size,
                     d->out[1], panels + j * depth, columns);
    }
}

static void conv2d_u8_run(const struct sw_step *s, int phase, int64_t begin, int64_t end,
                          void *scratch)
{
    const struct conv_u8_note *note = s->note;
    if (phase == 0) {
        note->pack.run(&note->pack, s->k, s->in[W]->data, s->ws, begin, end);
        return;
    }
    for (int64_t i = begin; i < end; i++) {
        const struct piece p = piece_of(note, i);
        run_piece(s, &p, s->packed[W] ? s->packed[W] : s->ws, scratch);
    }
}

/* ---- class and builder ------------------------------------------------------------------------- */

const struct sw_op_class sw__op_conv2d_u8 = {.name = "conv2d_u8",
                                             .note_size = sizeof(struct conv_u8_note),
                                             .infer = conv2d_u8_infer,
                                             .pack = conv2d_u8_pack,
                                             .prepare = conv2d_u8_prepare,
                                             .run = conv2d_u8_run};

static bool is_byte(int x)
{
    return x >= 0 && x <= 255;
}

sw_node *sw_conv2d_u8(sw_graph *g, sw_node *x, sw_node *w, sw_node *scale, sw_node *bias,
                      sw_conv_u8_options o)
{
    struct conv_u8_attr a = {.groups = o.conv.groups ? o.conv.groups : 1,
                             .x_zero = o.x_zero,
                             .y_zero = o.y_zero,
                             .low = o.low,
                             .high = o.low || o.high ? o.high : 255,
                             .floats = o.f32};
    bool right = a.groups > 0 && is_byte(a.x_zero) && is_byte(a.y_zero) && is_byte(a.low) &&
                 is_byte(a.high);
    for (int i = 0; i < 2; i++) {
        a.stride[i] = o.conv.stride[i] ? o.conv.stride[i] : 1;
        a.dilation[i] = o.conv.dilation[i] ? o.conv.dilation[i] : 1;
        right = right && a.stride[i] > 0 && a.stride[i] < SW_CONV_LARGEST && a.dilation[i] > 0 &&
                a.dilation[i] < SW_CONV_LARGEST;
    }
    for (int i = 0; i < 4; i++) {
        a.pad[i] = o.conv.pad[i];
        right = right && a.pad[i] >= 0 && a.pad[i] < SW_CONV_LARGEST;
    }
    if (!right)
        return sw__graph_poison(g, SW_ERR_ARGUMENT,
                                "conv2d_u8: stride, dilation, padding, groups or a zero point");
    return sw__op_add(g, &sw__op_conv2d_u8, &a, sizeof a, (sw_node *[]){x, w, scale, bias}, 4, 1);
}
