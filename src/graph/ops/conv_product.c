/* Tasks of an implicit matrix multiplication; see conv_product.h. */
#include "base/size.h"
#include "graph/ops/conv_product.h"
#include "graph/ops/conv_sum.h"
#include "kernels/gemm_table.h"

enum {
    TASKS = 16, /* a product has at least so many, if its sizes allow: work for all threads */
    SHARED_TASKS = 24,      /* the same of one that was gathered before */
    LEAST_ROW_PANELS = 4,   /* of a task: a gathered panel must be worth its gathering */
    SMALL_TASKS = 32,       /* the same where A stays in L2 */
    SMALL_WEIGHT = 1 << 20, /* bytes of A that stay in a core's L2 */
    GATHERED = 4 << 20      /* bytes of X that are gathered before, at most */
};

static int64_t panels_of(const struct conv_product *p)
{
    return sw__ceil_div(p->images * p->grid.oh * p->grid.ow,
                        sw__gemm_blocks_of(p->kernels->isa, p->kind)->nr);
}

static int64_t x_bytes(const struct conv_product *p)
{
    return p->groups * p->taps * panels_of(p) * sw__gemm_blocks(p->kernels->isa)->nr *
           (int64_t)sizeof(float);
}

void sw__conv_flatten(struct conv_product *p)
{
    struct sw_grid *g = &p->grid;
    if (!sw__conv_is_flat(g) || p->to.sy != 1 || p->to.sx != 1) return;
    g->w = g->ow = g->h * g->w;
    g->h = g->oh = 1;
}

struct conv_split sw__conv_split(const struct conv_product *p)
{
    const struct sw_gemm_blocks *t = sw__gemm_blocks_of(p->kernels->isa, p->kind);
    const int64_t panels = panels_of(p); /* of all images */
    const int64_t row_panels = sw__max64(sw__ceil_div(p->rows, t->mr), 1);
    const int64_t most_down = sw__ceil_div(row_panels, LEAST_ROW_PANELS);
    const int64_t least_down = sw__ceil_div(row_panels, SW_CONV_ROW_PANELS);
    const bool small = p->rows * p->taps * (int64_t)sizeof(float) <= SMALL_WEIGHT;
    int64_t across = sw__max64(sw__ceil_div(panels, SW_CONV_PANELS), 1), down = least_down;
    /* A small weight is read again for each block of pixels, a large one rather cut. */
    if (small) across = sw__max64(across, sw__min64(panels, sw__ceil_div(SMALL_TASKS, p->groups)));
    if (across * p->groups * down < TASKS)
        down = sw__max64(down, sw__min64(most_down, sw__ceil_div(TASKS, across * p->groups)));
    if (across * p->groups * down < TASKS)
        across = sw__max64(across, sw__min64(panels, sw__ceil_div(TASKS, down * p->groups)));
    struct conv_split split = {.row_panels = sw__ceil_div(row_panels, down),
                               .panels = sw__max64(sw__ceil_div(panels, across), 1)};
    split.across = sw__ceil_div(panels, split.panels);
    split.down = sw__ceil_div(row_panels, split.row_panels);
    split.tasks = split.across * split.down * p->groups;
    return split;
}

/* Pieces of nearly the same size, of which the larger side is cut first. */
struct conv_split sw__conv_split_shared(const struct conv_product *p)
{
    const struct conv_split alone = sw__conv_split(p);
    const struct sw_gemm_blocks *t = sw__gemm_blocks(p->kernels->isa);
    const int64_t panels = panels_of(p), row_panels = sw__conv_panels(p->kernels, p->rows);
    if (alone.down == 1 || panels == 0 || x_bytes(p) > GATHERED) return alone;
    int64_t across = sw__ceil_div(panels, SW_CONV_PANELS);
    int64_t down = sw__ceil_div(row_panels, SW_CONV_ROW_PANELS);
    while (across * down * p->groups < SHARED_TASKS && (across < panels || down < row_panels)) {
        const bool wide = panels * t->nr * down >= row_panels * t->mr * across;
        if ((wide && across < panels) || down == row_panels)
            across++;
        else
            down++;
    }
    struct conv_split split = {.row_panels = sw__ceil_div(row_panels, down),
                               .panels = sw__ceil_div(panels, across),
                               .gathered = panels * p->groups};
    split.across = sw__ceil_div(panels, split.panels);
    split.down = sw__ceil_div(row_panels, split.row_panels);
    split.tasks = split.across * split.down * p->groups;
    return split;
}

size_t sw__conv_gathered_bytes(const struct conv_product *p)
{
    return (size_t)sw__min64(x_bytes(p), GATHERED);
}

void sw__conv_gather(const struct conv_product *p, float *to, const float *x, int64_t begin,
                     int64_t end)
{
    const struct sw_gemm_blocks *t = sw__gemm_blocks(p->kernels->isa);
    const int64_t panels = panels_of(p), pixels = p->images * p->grid.oh * p->grid.ow;
    for (int64_t i = begin; i < end; i++) {
        const int64_t group = i / panels, panel = i % panels, first = panel * t->nr;
        float *at = to + group * p->taps * panels * t->nr;
        for (int64_t k0 = 0; k0 < p->taps; k0 += t->kc) {
            const int64_t kc = sw__min64(t->kc, p->taps - k0);
            p->kernels->conv_gather_f32(at + (k0 * panels + panel * kc) * t->nr, t->nr,
                                        x + group * p->x_group, &p->grid, k0, kc, first,
                                        sw__min64(t->nr, pixels - first), t->nr);
        }
    }
}

size_t sw__conv_scratch(const struct sw_kernels *k, int64_t rows)
{
    const struct sw_gemm_blocks *t = sw__gemm_blocks(k->isa);
    const int64_t tall = sw__min64(sw__conv_panels(k, rows), SW_CONV_ROW_PANELS) * t->mr;
    return (size_t)((t->kc + SW_CONV_PANELS * tall) * t->nr) * sizeof(float);
}

void sw__conv_put(const struct conv_product *p, float *y, const float *c, int64_t line,
                  int64_t rows, int64_t p0, int64_t np, const struct sw_epilogue *e)
{
    const struct sw_grid *g = &p->grid;
    const int64_t plane = p->to.h * p->to.w, step = p->to.sx;
    const bool whole = g->oh * g->ow == plane && step == 1 && p->to.sy == 1;
    for (int64_t at = 0, n; at < np; at += n) {
        const int64_t q = (p0 + at) % g->ow, r = (p0 + at) / g->ow % g->oh;
        const int64_t image = (p0 + at) / g->ow / g->oh;
        float *to = y + image * p->groups * p->rows * plane + (p->to.y0 + r * p->to.sy) * p->to.w +
                    p->to.x0 + q * step;
        n = sw__min64(whole ? plane - r * g->ow - q : g->ow - q, np - at);
        p->kernels->copy_x32(to, c + at, rows, n, plane, step, line, 1);
        if (e->sum) sw__conv_finish(p->kernels, e, to, plane, rows, n);
    }
}

/* Rows and pixels of a task. */
struct job {
    const struct conv_product *p;
    const struct sw_gemm_blocks *t;
    struct sw_epilogue epilogue; /* of the rows at hand */
    const float *bias;           /* of the task's first row, or NULL */
    bool finish;                 /* there is something to do in the end */
    int64_t row, rows, height;   /* rows of the group; of a panel */
    const float *a, *x;          /* the group's */
    float *y;                    /* the task's first row */
    const float *gathered;       /* the group's, of all pixels, or NULL */
    float *panel, *sums;         /* scratch: a panel of X; results of panels that go elsewhere */
};

/* Where the results of a panel are summed. */
struct target {
    float *c;
    int64_t ldc;
    bool final; /* in y; else in the scratch, to be copied */
};

/* Pixels p0 .. p0+np-1, panel `number` of the task: in y, if neighbouring pixels of one image lie
 * there side by side. */
static struct target target_of(const struct job *job, int64_t p0, int64_t np, int64_t number)
{
    const struct conv_product *p = job->p;
    const int64_t plane = p->to.h * p->to.w, pixels = p->grid.oh * p->grid.ow, nr = job->t->nr;
    const int64_t image = p0 / pixels, at = p0 - image * pixels;
    if (p->to.sx != 1 || p->to.sy != 1 || pixels != plane || at + np > pixels)
        return (struct target){job->sums + number * job->rows * nr, nr, false};
    return (struct target){job->y + image * p->groups * p->rows * plane + at, plane, true};
}

/* A panel of X: k0 .. k0+kc-1 of np pixels from p0 on. */
static const float *panel_at(const struct job *job, int64_t p0, int64_t np, int64_t k0, int64_t kc)
{
    const int64_t nr = job->t->nr;
    if (job->gathered) return job->gathered + (k0 * panels_of(job->p) + p0 / nr * kc) * nr;
    if (kc > 0)
        job->p->kernels->conv_gather_f32(job->panel, nr, job->x, &job->p->grid, k0, kc, p0, np, nr);
    return job->panel;
}

/* One panel of pixels over the block of k at `k0`; the last block finishes. */
static void add_block(struct job *job, struct target to, int64_t p0, int64_t np, int64_t k0,
                      int64_t kc)
{
    const struct conv_product *p = job->p;
    const struct sw_kernels *k = p->kernels;
    const int mr = job->t->mr;
    const int64_t panels = sw__conv_panels(k, p->rows);
    const bool last = k0 + kc >= p->taps;
    const float *panel = panel_at(job, p0, np, k0, kc);
    for (int64_t i = 0; i < job->rows; i += job->height) {
        if (job->bias) job->epilogue.bias_row = job->bias + i;
        const int64_t rows = sw__min64(job->height, job->rows - i);
        const float *a = job->a + (k0 * panels + (job->row + i) / job->height * kc) * mr;
        k->gemm_tile_f32(to.c + i * to.ldc, to.ldc, a, panel, kc, (int)rows, (int)np, k0 > 0,
                         last && job->finish ? &job->epilogue : NULL, NULL);
        if (last && (to.final || !job->epilogue.sum))
            sw__conv_finish(k, &job->epilogue, to.c + i * to.ldc, to.ldc, rows, np);
    }
}

void sw__conv_product_task(const struct conv_product *p, const struct conv_split *split,
                           const float *a, const float *x, float *y, const struct sw_epilogue *e,
                           int64_t task, float *scratch)
{
    const struct sw_gemm_blocks *t = sw__gemm_blocks(p->kernels->isa);
    const int64_t down = task % split->down, group = task / split->down % p->groups;
    const int64_t pixels = p->images * p->grid.oh * p->grid.ow, nr = t->nr;
    const int64_t first = task / split->down / p->groups * split->panels * nr;
    const int64_t end = sw__min64(first + split->panels * nr, pixels);
    struct job job = {.p = p, .t = t, .panel = scratch, .sums = scratch + t->kc * nr};
    job.height = sw__ceil_div(p->rows, sw__conv_panels(p->kernels, p->rows));
    job.row = down * split->row_panels * job.height;
    job.rows = sw__min64(split->row_panels * job.height, p->rows - job.row);
    if (first >= end || job.rows <= 0) return;
    const int64_t row = group * p->rows + job.row;
    job.a = a + group * sw__conv_packed_floats(p->kernels, p->rows, p->taps);
    if (split->gathered)
        job.gathered = x + group * p->taps * panels_of(p) * nr;
    else
        job.x = x + group * p->x_group;
    job.y = y + row * p->to.h * p->to.w;
    if (e) job.epilogue = *e;
    if (e && e->bias_row) job.bias = e->bias_row + row;
    job.finish = job.bias || job.epilogue.act != SW_GEMM_ACT_NONE;
    int64_t k0 = 0;
    do {
        const int64_t kc = sw__min64(t->kc, p->taps - k0);
        for (int64_t at = first, i = 0; at < end; at += nr, i++) {
            const int64_t np = sw__min64(nr, end - at);
            struct target to = target_of(&job, at, np, i);
            add_block(&job, to, at, np, k0, kc);
            if (k0 + kc >= p->taps && !to.final)
                sw__conv_put(p, job.y, to.c, nr, job.rows, at, np, &job.epilogue);
        }
        k0 += t->kc;
    } while (k0 < p->taps);
}
