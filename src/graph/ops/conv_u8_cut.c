/* How conv2d_u8 reads x and is cut into tasks: a function of shapes and the ISA only. */
#include "base/size.h"
#include "graph/ops/conv_u8.h"

/* Bytes of x that a task copies, or walks for each panel of the weight: they stay in L2 beside it. */
#define BAND_BYTES ((int64_t)192 << 10)
/* A larger weight is read once, whatever becomes of x. */
#define LARGE_WEIGHT ((int64_t)1 << 20)
/* Products of a task that is not cut further: some microseconds; and enough tasks. */
#define TASK_PRODUCTS 1e6
enum { ENOUGH_TASKS = 16 };

struct conv_u8_dims sw__conv_u8_dims(const struct conv_u8_attr *attr, const sw_shape *x,
                                     const sw_shape *w, const sw_shape *y)
{
    struct conv_u8_dims d = {.n = x->dim[0],
                             .in = {x->dim[1], x->dim[2]},
                             .c = x->dim[3],
                             .out = {y->dim[1], y->dim[2]},
                             .o = y->dim[3],
                             .kernel = {w->dim[2], w->dim[3]},
                             .cg = w->dim[1],
                             .og = w->dim[0] / attr->groups,
                             .groups = attr->groups};
    const bool beside = attr->dilation[1] == 1 || d.kernel[1] == 1;
    const bool whole = beside && attr->groups == 1;
    for (int i = 0; i < 4; i++) d.copies |= attr->pad[i] > 0;
    d.copies |= (whole ? d.kernel[1] * d.cg : d.cg) % 4 != 0;
    d.merged = beside && (attr->groups == 1 || d.copies);
    d.runs = d.kernel[0];
    d.in_run = d.merged ? 1 : d.kernel[1];
    d.steps = sw__ceil_div(d.merged ? d.kernel[1] * d.cg : d.cg, 4);
    return d;
}

/* Whether all pixels of y see x at one distance from each other. */
static bool find_step(const struct conv_u8_attr *attr, const struct conv_u8_dims *d, int64_t *step)
{
    const int64_t row = d->in[1] * d->c, image = d->in[0] * row;
    *step = attr->stride[1] * (d->copies ? d->cg : d->c);
    if (d->copies) return false;
    if (d->out[0] == 1 && d->out[1] == 1) {
        *step = image;
        return true;
    }
    const int64_t across = attr->stride[1] * d->c, down = attr->stride[0] * row;
    return down == d->out[1] * across && image == d->out[0] * down;
}

struct conv_u8_cut sw__conv_u8_cut(const struct conv_u8_attr *attr, const struct conv_u8_dims *d,
                                   enum sw_isa isa)
{
    const struct sw_gemm_blocks *t = sw__int8_blocks(isa);
    struct conv_u8_cut cut = {0};
    cut.flat = find_step(attr, d, &cut.step);
    const int64_t k = d->kernel[0] * d->kernel[1] * d->cg, panels = sw__ceil_div(d->og, t->nr);
    const int64_t images = cut.flat ? 1 : d->n, pixels = d->out[0] * d->out[1];
    const int64_t rows = cut.flat ? d->n * pixels
                                  : d->out[0]; /* of an image, what bands are made of */
    const double work = (double)(d->n * pixels) * (double)d->o * (double)k;
    const double want = work / TASK_PRODUCTS < ENOUGH_TASKS ? work / TASK_PRODUCTS : ENOUGH_TASKS;
    const int64_t pieces = sw__max64(1,
                                     sw__ceil_div((int64_t)want, sw__max64(1, images * d->groups)));
    /* What a band of one row reads, and each row more. */
    const int64_t width = (d->in[1] + attr->pad[1] + attr->pad[3]) * (d->copies ? d->cg : d->c);
    const int64_t more = cut.flat ? cut.step : attr->stride[0] * width;
    const int64_t first = cut.flat ? cut.step
                                   : ((d->kernel[0] - 1) * attr->dilation[0] + 1) * width;
    const bool large = d->og * k > LARGE_WEIGHT;
    int64_t down = 1;
    cut.across = 1;
    if (d->og * k > rows * more) {
        cut.across = sw__min64(pieces, panels);
        down = sw__ceil_div(pieces, cut.across);
    } else {
        down = sw__min64(pieces, cut.flat ? sw__ceil_div(rows, t->mr) : rows);
        cut.across = sw__min64(panels, sw__ceil_div(pieces, sw__max64(1, down)));
    }
    cut.band = sw__max64(1, sw__ceil_div(rows, sw__max64(1, down)));
    if (!large || d->copies)
        cut.band = sw__min64(cut.band, 1 + sw__max64(0, BAND_BYTES - first) / sw__max64(1, more));
    if (cut.flat) cut.band = sw__round_up(cut.band, t->mr);
    cut.bands = sw__ceil_div(rows, cut.band);
    cut.columns = sw__ceil_div(panels, cut.across) * t->nr;
    cut.across = sw__ceil_div(d->og, cut.columns);
    cut.tasks = images * cut.bands * d->groups * cut.across;
    cut.picture = d->copies ? sw__round_up(sw__max64(first, BAND_BYTES) + 64, 64) : 0;
    return cut;
}
