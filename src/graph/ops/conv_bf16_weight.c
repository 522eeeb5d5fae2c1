/* The gradient of a weight by products of bf16; see conv_bf16.h. */
#include <string.h>
#include "base/memory.h"
#include "base/size.h"
#include "graph/ops/conv_bf16.h"

enum {
    SPAN_BYTES = 32 << 20, /* of all spans' results together, if there is more than one */
    TASKS = 8,             /* about so many, if the sizes allow */
    DY_BYTES = 512 << 10,  /* of dy that is packed at once: stays in L2 */
    PANELS = 4             /* of A that are gathered at once */
};

static const struct sw_gemm_blocks *blocks(const struct sw_kernels *k)
{
    return sw__gemm_blocks_of(k->isa, SW_GEMM_KIND_BF16);
}

/* Bytes of a packed piece of dy. */
static int64_t piece_bytes(const struct conv_bf16_weight *p)
{
    const struct sw_gemm_blocks *t = blocks(p->kernels);
    return sw__round_up(p->dims.og, t->nr) * t->kc * t->b_bytes;
}

struct conv_bf16_weight sw__conv_bf16_weight(const struct sw_kernels *k,
                                             const struct conv_attr *attr,
                                             const struct conv_dims *d)
{
    const struct sw_gemm_blocks *t = blocks(k);
    struct conv_bf16_weight p = {.kernels = k, .grid = sw__conv_grid(attr, d), .dims = *d};
    p.taps = d->cg * d->kernel[0] * d->kernel[1];
    p.line = sw__round_up(d->og, 16);
    const int64_t bytes = d->groups * p.taps * p.line * (int64_t)sizeof(float);
    int64_t spans = sw__min64(SPAN_BYTES / bytes, sw__ceil_div(TASKS, d->groups));
    spans = sw__max64(sw__min64(spans, d->n), 1);
    p.span = sw__max64(sw__ceil_div(d->n, spans), 1);
    p.spans = sw__max64(sw__ceil_div(d->n, p.span), 1);
    const int64_t panels = sw__ceil_div(p.taps, t->mr);
    const int64_t parts = sw__min64(sw__ceil_div(TASKS, p.spans * d->groups), panels);
    p.rows = sw__ceil_div(panels, parts) * t->mr;
    p.blocks = sw__ceil_div(p.taps, p.rows);
    p.pieces = sw__ceil_div(d->out[0] * d->out[1], t->kc);
    p.some = sw__max64(DY_BYTES / piece_bytes(&p), 1);
    p.tasks = p.spans * d->groups * p.blocks;
    p.workspace = (size_t)spans * (size_t)bytes;
    p.scratch = (size_t)(p.some * piece_bytes(&p) + t->mr * t->kc * t->a_bytes +
                         PANELS * t->mr * t->kc * (int64_t)sizeof(float));
    return p;
}

/* Pixels of an image. */
struct piece {
    int64_t image, at, n;
};

static struct piece piece_of(const struct conv_bf16_weight *p, int64_t number)
{
    const int64_t kc = blocks(p->kernels)->kc, image = number / p->pieces;
    const int64_t at = number % p->pieces * kc;
    return (struct piece){image, at, sw__min64(kc, p->dims.out[0] * p->dims.out[1] - at)};
}

struct job {
    const float *x;    /* the group's */
    const char *dy;    /* packed */
    char *a;           /* a panel */
    float *gathered;   /* [row][kc] */
    float *to;         /* the group's dw^T */
    int64_t row, rows; /* of it */
};

/* Add some pieces to some panels of rows. */
static void add_rows(const struct conv_bf16_weight *p, const struct job *job, int64_t first,
                     int64_t count, bool accumulate)
{
    const struct sw_kernels *k = p->kernels;
    const struct sw_gemm_blocks *t = blocks(k);
    for (int64_t i = 0; i < count; i++) {
        const struct piece piece = piece_of(p, first + i);
        const int64_t pixels = p->dims.out[0] * p->dims.out[1];
        k->conv_gather_f32(job->gathered, t->kc, job->x, &p->grid, job->row, job->rows,
                           piece.image * pixels + piece.at, piece.n, piece.n);
        for (int64_t r = 0; r < job->rows; r += t->mr) {
            const int64_t m = sw__min64(t->mr, job->rows - r);
            k->gemm_pack_a_bf16(job->a, job->gathered + r * t->kc, SW_F32, t->kc, 1, m, piece.n);
            k->gemm_strip_bf16(job->to + (job->row + r) * p->line, p->line, job->a, 0,
                               job->dy + i * piece_bytes(p), piece.n, m, p->dims.og,
                               accumulate || i > 0, NULL);
        }
    }
}

void sw__conv_bf16_weight_task(const struct conv_bf16_weight *p, const float *x, const float *dy,
                               float *to, int64_t task, void *scratch)
{
    const struct sw_gemm_blocks *t = blocks(p->kernels);
    const struct conv_dims *d = &p->dims;
    const int64_t block = task % p->blocks, group = task / p->blocks % d->groups;
    const int64_t span = task / p->blocks / d->groups, plane = d->out[0] * d->out[1];
    const int64_t begin = span * p->span * p->pieces;
    const int64_t end = sw__min64((span + 1) * p->span, d->n) * p->pieces;
    const int64_t last = sw__min64((block + 1) * p->rows, p->taps);
    char *packed = scratch;
    struct job job = {.x = x + group * d->cg * d->in[0] * d->in[1], .dy = packed};
    job.a = packed + p->some * piece_bytes(p);
    job.gathered = (float *)(void *)(job.a + t->mr * t->kc * t->a_bytes);
    job.to = to + (span * d->groups + group) * p->taps * p->line;
    if (begin >= end)
        memset(job.to + block * p->rows * p->line, 0,
               (size_t)((last - block * p->rows) * p->line) * sizeof *to);
    for (int64_t at = begin, count; at < end; at += count) {
        count = sw__min64(p->some, end - at);
        for (int64_t i = 0; i < count; i++) {
            const struct piece piece = piece_of(p, at + i);
            p->kernels->gemm_pack_b_bf16(packed + i * piece_bytes(p),
                                         dy + (piece.image * d->o + group * d->og) * plane +
                                             piece.at,
                                         SW_F32, 1, plane, piece.n, d->og);
        }
        for (job.row = block * p->rows; job.row < last; job.row += job.rows) {
            job.rows = sw__min64(PANELS * t->mr, last - job.row);
            add_rows(p, &job, at, count, at > begin);
        }
    }
}
