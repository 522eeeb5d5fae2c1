/* Forward, by data and transposed convolutions of bf16; see conv_bf16.h. */
#include "graph/ops/conv_bf16.h"
#include "graph/ops/conv_sum.h"
#include <string.h>
#include "base/memory.h"
#include "base/size.h"
#include "graph/ops/compute.h"
#include "graph/ops/depthwise.h"

enum { CHUNK = 64 }; /* of K that a weight's rows are reordered by: whole groups */

sw_node *sw__conv_round(sw_graph *g, sw_node *x, sw_node *w, const struct conv_attr *attr)
{
    const sw_shape shape = sw_node_shape(w);
    const struct conv_dims d = {
        .groups = attr->groups, .cg = shape.dim[1], .og = shape.dim[0] / attr->groups};
    return sw__conv_is_depthwise(&d) ? sw__compute_round(g, x, attr->compute) : x;
}

int64_t sw__conv_bf16_depth(int64_t channels, int64_t taps)
{
    return sw__round_up(channels, 2) * taps;
}

static const struct sw_gemm_blocks *blocks(const struct sw_kernels *k)
{
    return sw__gemm_blocks_of(k->isa, SW_GEMM_KIND_BF16);
}

/* ---- the weight --------------------------------------------------------------------------------- */

enum { ISA, CHANNELS, KERNEL, STRIDE, DILATION, GROUPS, BACKWARD };

int64_t sw__conv_bf16_packed_bytes(const struct sw_kernels *k, int64_t rows, int64_t depth)
{
    const struct sw_gemm_blocks *t = blocks(k);
    return sw__round_up(rows, t->mr) * sw__round_up(depth, t->group) * t->a_bytes;
}

/* One phase of a group's weight seen as rows of (pair, tap, channel of the pair). */
struct rows {
    const float *w;
    int64_t step, channel, channels; /* floats from row to row, from channel to channel; how many */
    int64_t width;                   /* of the kernel */
    struct conv_phase down, across;
};

/* k0 .. k0+n-1 of m rows. */
static void read_rows(const struct rows *r, float (*to)[CHUNK], int64_t first, int64_t m,
                      int64_t k0, int64_t n)
{
    for (int64_t k = 0; k < n; k++) {
        const int64_t pair = (k0 + k) / 2, j = pair % r->across.taps;
        const int64_t i = pair / r->across.taps % r->down.taps;
        const int64_t c = pair / r->across.taps / r->down.taps * 2 + k % 2;
        const int64_t tap = (r->down.tap + i * r->down.tap_step) * r->width + r->across.tap +
                            j * r->across.tap_step;
        const float *from = r->w + first * r->step + c * r->channel + tap;
        for (int64_t row = 0; row < m; row++)
            to[row][k] = c < r->channels ? from[row * r->step] : 0;
    }
}

static void pack_panel(const struct sw_kernels *k, const struct rows *r, char *to, int64_t rows,
                       int64_t panel, int64_t depth)
{
    const struct sw_gemm_blocks *t = blocks(k);
    const int64_t panels = sw__ceil_div(rows, t->mr), height = sw__ceil_div(rows, panels);
    const int64_t first = sw__min64(panel * height, rows), m = sw__min64(height, rows - first);
    _Alignas(64) float some[32][CHUNK];
    for (int64_t k0 = 0; k0 < depth; k0 += t->kc) {
        const int64_t kc = sw__min64(t->kc, depth - k0);
        char *at = to + (k0 * panels + panel * sw__round_up(kc, t->group)) * t->mr * t->a_bytes;
        for (int64_t i = 0; i < kc; i += CHUNK) {
            const int64_t n = sw__min64(CHUNK, kc - i);
            read_rows(r, some, first, m, k0 + i, n);
            k->gemm_pack_a_bf16(at + i * t->mr * t->a_bytes, some, SW_F32, CHUNK, 1, m, n);
        }
    }
}

static void pack_run(const struct sw_pack *p, const struct sw_kernels *k, const void *src,
                     void *dst, int64_t begin, int64_t end)
{
    const int64_t og = sw__high(p->param[CHANNELS]), cg = sw__low(p->param[CHANNELS]);
    const struct conv_dims d = {.kernel = {sw__high(p->param[KERNEL]), sw__low(p->param[KERNEL])}};
    const struct conv_attr attr = {
        .stride = {sw__high(p->param[STRIDE]), sw__low(p->param[STRIDE])},
        .dilation = {sw__high(p->param[DILATION]), sw__low(p->param[DILATION])}};
    const bool backward = p->param[BACKWARD];
    const int64_t kernel = d.kernel[0] * d.kernel[1], rows = backward ? cg : og;
    const int64_t panels = sw__ceil_div(rows, blocks(k)->mr);
    for (int64_t i = begin; i < end; i++) {
        struct rows r = {.w = (const float *)src + i / panels * og * cg * kernel,
                         .step = backward ? kernel : cg * kernel,
                         .channel = backward ? cg * kernel : kernel,
                         .channels = backward ? og : cg,
                         .width = d.kernel[1]};
        char *to = dst;
        for (int64_t phase = 0; phase < attr.stride[0] * attr.stride[1]; phase++) {
            r.down = sw__conv_phase(&attr, &d, 0, phase / attr.stride[1]);
            r.across = sw__conv_phase(&attr, &d, 1, phase % attr.stride[1]);
            const int64_t depth = sw__conv_bf16_depth(r.channels, r.down.taps * r.across.taps);
            const int64_t bytes = sw__conv_bf16_packed_bytes(k, rows, depth);
            pack_panel(k, &r, to + i / panels * bytes, rows, i % panels, depth);
            to += p->param[GROUPS] * bytes;
        }
    }
}

void sw__conv_bf16_pack(const struct sw_kernels *k, const struct conv_attr *attr, const sw_shape *w,
                        bool backward, struct sw_pack *out)
{
    const int64_t kh = w->rank == 3 ? 1 : w->dim[2], kw = w->dim[w->rank - 1];
    const int64_t og = w->dim[0] / attr->groups, cg = w->dim[1];
    const int64_t rows = backward ? cg : og, channels = backward ? og : cg;
    struct conv_attr a = *attr;
    if (!backward) a.stride[0] = a.stride[1] = a.dilation[0] = a.dilation[1] = 1;
    const struct conv_dims d = {.kernel = {kh, kw}};
    int64_t bytes = 0;
    for (int64_t phase = 0; phase < a.stride[0] * a.stride[1]; phase++) {
        const int64_t down = sw__conv_phase(&a, &d, 0, phase / a.stride[1]).taps;
        const int64_t across = sw__conv_phase(&a, &d, 1, phase % a.stride[1]).taps;
        bytes += sw__conv_bf16_packed_bytes(k, rows, sw__conv_bf16_depth(channels, down * across));
    }
    *out = (struct sw_pack){
        .layout = "conv_bf16",
        .param = {k->isa, sw__pair(og, cg), sw__pair(kh, kw), sw__pair(a.stride[0], a.stride[1]),
                  sw__pair(a.dilation[0], a.dilation[1]), attr->groups, backward},
        .bytes = (size_t)sw__round_up(attr->groups * bytes, SW_ALIGN),
        .tasks = attr->groups * sw__ceil_div(rows, blocks(k)->mr),
        .run = pack_run};
}

/* ---- pairs -------------------------------------------------------------------------------------- */

int64_t sw__conv_pairs_tasks(const struct conv_pairs *p)
{
    return p->images * p->groups * sw__ceil_div(p->channels, 2);
}

size_t sw__conv_pairs_bytes(const struct conv_pairs *p)
{
    return (size_t)(sw__conv_pairs_tasks(p) * p->plane) * sizeof(uint32_t);
}

void sw__conv_pairs_run(const struct conv_pairs *p, const struct sw_kernels *k, const float *x,
                        uint32_t *to, int64_t begin, int64_t end)
{
    const int64_t pairs = sw__ceil_div(p->channels, 2);
    for (int64_t i = begin; i < end; i++) {
        const int64_t c = i % pairs * 2;
        const float *a = x + (i / pairs * p->channels + c) * p->plane;
        k->conv_pair_bf16(to + i * p->plane, a, c + 1 < p->channels ? a + p->plane : NULL,
                          p->plane);
    }
}

/* ---- the product -------------------------------------------------------------------------------- */

void sw__conv_bf16_product(struct conv_product *p, const struct conv_pairs *pairs)
{
    p->kind = SW_GEMM_KIND_BF16;
    p->taps = sw__conv_bf16_depth(pairs->channels, p->grid.ny * p->grid.nx);
    p->x_group = sw__ceil_div(pairs->channels, 2) * pairs->plane;
    p->grid.image = pairs->groups * p->x_group;
}

/* Floats of a row of results that do not go to y at once: not a power of two. */
static int64_t line_of(const struct sw_gemm_blocks *t)
{
    return SW_CONV_PANELS * t->nr + 16;
}

static int64_t panels_bytes(const struct sw_gemm_blocks *t)
{
    return SW_CONV_PANELS * t->nr * t->kc * t->b_bytes;
}

size_t sw__conv_bf16_scratch(const struct sw_kernels *k, int64_t rows)
{
    const struct sw_gemm_blocks *t = blocks(k);
    const int64_t tall = sw__min64(sw__ceil_div(rows, t->mr), SW_CONV_ROW_PANELS) * t->mr;
    return (size_t)panels_bytes(t) + (size_t)(tall * line_of(t)) * sizeof(float);
}

/* Rows and pixels of a task. */
struct job {
    const struct conv_product *p;
    const struct sw_gemm_blocks *t;
    struct sw_epilogue epilogue;
    const float *bias; /* of the task's first row, or NULL */
    bool finish;
    int64_t row, rows, height; /* rows of the group; of a panel */
    int64_t first, pixels;
    const char *a; /* the group's */
    const float *x;
    char *panels; /* of B */
    float *c;     /* the sums, rows line floats apart */
    int64_t line;
};

/* k0 .. k0+kc-1 of all pixels, into panels of B. */
static void gather(const struct job *job, int64_t k0, int64_t kc)
{
    const int64_t nr = job->t->nr, pairs = sw__round_up(kc, job->t->group) / 2;
    uint32_t *to = (uint32_t *)(void *)job->panels;
    for (int64_t at = 0; at < job->pixels && kc > 0; at += nr, to += pairs * nr) {
        job->p->kernels->conv_gather_f32((float *)(void *)to, nr, job->x, &job->p->grid, k0 / 2,
                                         kc / 2, job->first + at, sw__min64(nr, job->pixels - at),
                                         nr);
        memset(to + kc / 2 * nr, 0, (size_t)((pairs - kc / 2) * nr) * sizeof *to);
    }
}

static void add_block(struct job *job, int64_t k0, int64_t kc)
{
    const struct sw_gemm_blocks *t = job->t;
    const int64_t panels = sw__ceil_div(job->p->rows, t->mr), depth = sw__round_up(kc, t->group);
    const bool last = k0 + kc >= job->p->taps && job->finish;
    gather(job, k0, kc);
    for (int64_t i = 0; i < job->rows; i += job->height) {
        const char *a = job->a +
                        (k0 * panels + (job->row + i) / job->height * depth) * t->mr * t->a_bytes;
        if (job->bias) job->epilogue.bias_row = job->bias + i;
        job->p->kernels->gemm_strip_bf16(job->c + i * job->line, job->line, a, 0, job->panels, kc,
                                         sw__min64(job->height, job->rows - i), job->pixels, k0 > 0,
                                         last ? &job->epilogue : NULL);
    }
}

/* Where the sums go: to y at once, if the pixels lie there side by side. */
static bool aim(struct job *job, float *y, float *room)
{
    const struct conv_product *p = job->p;
    const int64_t plane = p->to.h * p->to.w, pixels = p->grid.oh * p->grid.ow;
    const int64_t image = job->first / pixels, at = job->first - image * pixels;
    job->c = room;
    job->line = line_of(job->t);
    if (p->to.sx != 1 || p->to.sy != 1 || pixels != plane || at + job->pixels > pixels)
        return false;
    job->c = y + image * p->groups * p->rows * plane + at;
    job->line = plane;
    return true;
}

void sw__conv_bf16_task(const struct conv_product *p, const struct conv_split *split, const void *a,
                        const uint32_t *x, float *y, const struct sw_epilogue *e, int64_t task,
                        void *scratch)
{
    const struct sw_gemm_blocks *t = blocks(p->kernels);
    const int64_t down = task % split->down, group = task / split->down % p->groups;
    const int64_t pixels = p->images * p->grid.oh * p->grid.ow;
    struct job job = {.p = p, .t = t, .panels = scratch};
    job.first = task / split->down / p->groups * split->panels * t->nr;
    job.pixels = sw__min64(split->panels * t->nr, pixels - job.first);
    job.height = sw__ceil_div(p->rows, sw__ceil_div(p->rows, t->mr));
    job.row = down * split->row_panels * job.height;
    job.rows = sw__min64(split->row_panels * job.height, p->rows - job.row);
    if (job.pixels <= 0 || job.rows <= 0) return;
    const int64_t row = group * p->rows + job.row;
    job.a = (const char *)a + group * sw__conv_bf16_packed_bytes(p->kernels, p->rows, p->taps);
    job.x = (const float *)(const void *)(x + group * p->x_group);
    y += row * p->to.h * p->to.w;
    if (e) job.epilogue = *e;
    if (e && e->bias_row) job.bias = e->bias_row + row;
    job.finish = job.bias || job.epilogue.act != SW_GEMM_ACT_NONE;
    const bool there = aim(&job, y, (float *)(void *)(job.panels + panels_bytes(t)));
    int64_t k0 = 0;
    do {
        add_block(&job, k0, sw__min64(t->kc, p->taps - k0));
        k0 += t->kc;
    } while (k0 < p->taps);
    if (there || !job.epilogue.sum)
        sw__conv_finish(p->kernels, &job.epilogue, job.c, job.line, job.rows, job.pixels);
    if (!there) sw__conv_put(p, y, job.c, job.line, job.rows, job.first, job.pixels, &job.epilogue);
}
