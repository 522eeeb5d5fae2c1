/* Checks of the pool slots. */
#include <stdio.h>
#include "check_grid.h"

/* Windows that tile, overlap or leave gaps, with padding below the kernel's size and any remainder
 * or overhang (ceil mode) at the end: every window has an element inside. */
static struct sw_grid pool_grid(struct checkkern *c, int64_t max_ow, bool large)
{
    struct sw_grid g = {.sy = 1 + ck_below(c, 3), .sx = 1 + ck_below(c, 4), .dy = 1, .dx = 1};
    if (ck_below(c, 2)) g.sx = 2;
    g.ny = 1 + ck_below(c, large ? 12 : 4);
    g.nx = large ? 9 + ck_below(c, 9) : 1 + ck_below(c, 5);
    g.y0 = -ck_below(c, g.ny);
    g.x0 = -ck_below(c, g.nx);
    g.oh = 1 + ck_below(c, 5);
    g.ow = 1 + ck_below(c, max_ow);
    /* The last window begins inside and may end outside; less than a stride may be left over. */
    int64_t y = (g.oh - 1) * g.sy + g.y0, x = (g.ow - 1) * g.sx + g.x0;
    g.h = (y > 0 ? y : 0) + 1 + ck_below(c, g.ny + g.sy - 1);
    g.w = (x > 0 ? x : 0) + 1 + ck_below(c, g.nx + g.sx - 1);
    return g;
}

static bool tap_inside(const struct sw_grid *g, int64_t y, int64_t x)
{
    return y >= 0 && y < g->h && x >= 0 && x < g->w;
}

/* Where the first greatest of a window is, NaN above all. */
static int64_t oracle_greatest(const float *x, const struct sw_grid *g, int64_t p)
{
    int64_t best = -1;
    for (int64_t t = 0; t < g->ny * g->nx; t++) {
        int64_t iy = p / g->ow * g->sy + g->y0 + t / g->nx,
                ix = p % g->ow * g->sx + g->x0 + t % g->nx;
        if (!tap_inside(g, iy, ix)) continue;
        int64_t at = iy * g->w + ix;
        if (best < 0 || x[at] > x[best] || (isnan(x[at]) && !isnan(x[best]))) best = at;
    }
    return best;
}

/* Few different values, so that windows hold their greatest several times. */
static float *few_values(struct checkkern *c, float *x, int64_t n)
{
    for (int64_t i = 0; i < n; i++) x[i] = (float)ck_below(c, 5) - 2;
    return x;
}

static void max_case(struct checkkern *c, int64_t max_ow, bool special)
{
    struct sw_grid g = pool_grid(c, max_ow, false);
    const int64_t size = g.h * g.w, pixels = g.oh * g.ow;
    float *x = few_values(c, ck_floats(c, size), size), *y = ck_floats(c, pixels);
    if (special) ck_fill_special(c, x, size, 9);
    ck_freeze(c, x);
    c->k->max_pool_f32(y, x, &g);
    for (int64_t p = 0; p < pixels; p++)
        ck_true(c,
                y[p] == x[oracle_greatest(x, &g, p)] ||
                    (isnan(y[p]) && isnan(x[oracle_greatest(x, &g, p)])),
                "pixel %lld of %lldx%lld is %g", (long long)p, (long long)g.oh, (long long)g.ow,
                (double)y[p]);
    ck_release(c);
}

/* 2x2 and 3x3 windows with stride 2 over side x side elements. */
static void bench_grid(struct sw_grid *g, int64_t side, int64_t kernel, char label[64])
{
    int64_t out = (side - kernel) / 2 + 1;
    *g = (struct sw_grid){.h = side, .w = side, .oh = out, .ow = out, .sy = 2, .sx = 2};
    g->ny = g->nx = kernel, g->dy = g->dx = 1;
    snprintf(label, 64, "%dx%d over %dx%d, stride 2", (int)kernel, (int)kernel, (int)side,
             (int)side);
}

void check_max_pool_f32(struct checkkern *c)
{
    for (int i = 0; i < 300; i++) max_case(c, 1 + i % 60, i % 5 == 0);
    if (!c->bench) return;
    for (int64_t side = 14; side <= 112; side *= 2)
        for (int64_t kernel = 2; kernel <= 3; kernel++) {
            struct sw_grid g;
            char label[64];
            bench_grid(&g, side, kernel, label);
            float *x = ck_fill(c, ck_floats_at(c, side * side, APART), side * side, -1, 1);
            float *y = ck_floats_at(c, g.oh * g.ow, APART);
            CK_BENCH(c, label, 4. * (double)(side * side + g.oh * g.ow), "B",
                     c->k->max_pool_f32(y, x, &g));
            ck_release(c);
        }
}

static void max_grad_case(struct checkkern *c, int64_t max_ow, bool large, bool special)
{
    struct sw_grid g = pool_grid(c, max_ow, large);
    const int64_t size = g.h * g.w, pixels = g.oh * g.ow;
    float *x = few_values(c, ck_floats(c, size), size);
    if (special) ck_fill_special(c, x, size, 9);
    float *dy = ck_fill(c, ck_floats(c, pixels), pixels, -1, 1), *dx = ck_floats(c, size);
    float *scratch = ck_floats(c, sw__pool_scratch(&g));
    double *want = ck_bytes(c, (size_t)size * sizeof *want, 8), *magnitude;
    magnitude = ck_bytes(c, (size_t)size * sizeof *magnitude, 8);
    memset(want, 0, (size_t)size * sizeof *want);
    memset(magnitude, 0, (size_t)size * sizeof *magnitude);
    for (int64_t p = 0; p < pixels; p++) {
        want[oracle_greatest(x, &g, p)] += (double)dy[p];
        magnitude[oracle_greatest(x, &g, p)] += fabs((double)dy[p]);
    }
    ck_freeze(c, x);
    ck_freeze(c, dy);
    c->k->max_pool_grad_f32(dx, dy, x, &g, scratch);
    for (int64_t i = 0; i < size; i++)
        ck_near(c, dx[i], want[i], ck_sum_bound(g.ny * g.nx, magnitude[i]),
                "element %lld of %lldx%lld, window %lldx%lld, stride %lld", (long long)i,
                (long long)g.h, (long long)g.w, (long long)g.ny, (long long)g.nx, (long long)g.sx);
    ck_release(c);
}

void check_max_pool_grad_f32(struct checkkern *c)
{
    for (int i = 0; i < 300; i++) max_grad_case(c, 1 + i % 60, i % 7 == 0, i % 5 == 0);
    if (!c->bench) return;
    for (int64_t side = 14; side <= 112; side *= 2)
        for (int64_t kernel = 2; kernel <= 3; kernel++) {
            struct sw_grid g;
            char label[64];
            bench_grid(&g, side, kernel, label);
            float *x = ck_fill(c, ck_floats_at(c, side * side, APART), side * side, -1, 1);
            float *dy = ck_fill(c, ck_floats_at(c, g.oh * g.ow, APART), g.oh * g.ow, -1, 1);
            float *dx = ck_floats_at(c, side * side, APART);
            float *scratch = ck_floats_at(c, sw__pool_scratch(&g), APART);
            CK_BENCH(c, label, 4. * (double)(2 * side * side + g.oh * g.ow), "B",
                     c->k->max_pool_grad_f32(dx, dy, x, &g, scratch));
            ck_release(c);
        }
}

/* Any divisors; their values do not matter to the kernels. */
static const float *counts(struct checkkern *c, float *v, int64_t n)
{
    for (int64_t i = 0; i < n; i++) v[i] = (float)(1 + ck_below(c, 5));
    ck_freeze(c, v);
    return v;
}

static void avg_case(struct checkkern *c, int64_t max_ow)
{
    struct sw_grid g = pool_grid(c, max_ow, false);
    const int64_t size = g.h * g.w, pixels = g.oh * g.ow;
    float *x = ck_fill(c, ck_floats(c, size), size, -1, 1), *y = ck_floats(c, pixels);
    const float *rows = counts(c, ck_floats(c, g.oh), g.oh),
                *cols = counts(c, ck_floats(c, g.ow), g.ow);
    ck_freeze(c, x);
    c->k->avg_pool_f32(y, x, &g, rows, cols);
    for (int64_t p = 0; p < pixels; p++) {
        double sum = 0, magnitude = 0, count = (double)rows[p / g.ow] * (double)cols[p % g.ow];
        for (int64_t t = 0; t < g.ny * g.nx; t++) {
            double v = ck_tap(x, &g, p / g.ow, p % g.ow, t / g.nx, t % g.nx);
            sum += v / count;
            magnitude += fabs(v) / count;
        }
        ck_near(c, y[p], sum, ck_sum_bound(g.ny * g.nx, magnitude), "pixel %lld of %lldx%lld",
                (long long)p, (long long)g.oh, (long long)g.ow);
    }
    ck_release(c);
}

void check_avg_pool_f32(struct checkkern *c)
{
    for (int i = 0; i < 300; i++) avg_case(c, 1 + i % 60);
    if (!c->bench) return;
    for (int64_t side = 14; side <= 112; side *= 2) {
        struct sw_grid g;
        char label[64];
        bench_grid(&g, side, 2, label);
        float *x = ck_fill(c, ck_floats_at(c, side * side, APART), side * side, -1, 1);
        float *y = ck_floats_at(c, g.oh * g.ow, APART);
        const float *rows = counts(c, ck_floats_at(c, g.oh, APART), g.oh),
                    *cols = counts(c, ck_floats_at(c, g.ow, APART), g.ow);
        CK_BENCH(c, label, 4. * (double)(side * side + g.oh * g.ow), "B",
                 c->k->avg_pool_f32(y, x, &g, rows, cols));
        ck_release(c);
    }
}

static void avg_grad_case(struct checkkern *c, int64_t max_ow, bool large)
{
    struct sw_grid g = pool_grid(c, max_ow, large);
    const int64_t size = g.h * g.w, pixels = g.oh * g.ow;
    float *dy = ck_fill(c, ck_floats(c, pixels), pixels, -1, 1), *dx = ck_floats(c, size);
    const float *rows = counts(c, ck_floats(c, g.oh), g.oh),
                *cols = counts(c, ck_floats(c, g.ow), g.ow);
    float *scratch = ck_floats(c, sw__pool_scratch(&g));
    double *want = ck_bytes(c, (size_t)size * sizeof *want, 8), *magnitude;
    magnitude = ck_bytes(c, (size_t)size * sizeof *magnitude, 8);
    memset(want, 0, (size_t)size * sizeof *want);
    memset(magnitude, 0, (size_t)size * sizeof *magnitude);
    for (int64_t p = 0; p < pixels; p++)
        for (int64_t t = 0; t < g.ny * g.nx; t++) {
            int64_t y = p / g.ow * g.sy + g.y0 + t / g.nx, x = p % g.ow * g.sx + g.x0 + t % g.nx;
            double v = (double)dy[p] / ((double)rows[p / g.ow] * (double)cols[p % g.ow]);
            if (!tap_inside(&g, y, x)) continue;
            want[y * g.w + x] += v;
            magnitude[y * g.w + x] += fabs(v);
        }
    ck_freeze(c, dy);
    c->k->avg_pool_grad_f32(dx, dy, &g, rows, cols, scratch);
    for (int64_t i = 0; i < size; i++)
        ck_near(c, dx[i], want[i], ck_sum_bound(g.ny * g.nx, magnitude[i]),
                "element %lld of %lldx%lld, window %lldx%lld, stride %lld", (long long)i,
                (long long)g.h, (long long)g.w, (long long)g.ny, (long long)g.nx, (long long)g.sx);
    ck_release(c);
}

void check_avg_pool_grad_f32(struct checkkern *c)
{
    for (int i = 0; i < 300; i++) avg_grad_case(c, 1 + i % 60, i % 7 == 0);
    if (!c->bench) return;
    for (int64_t side = 14; side <= 112; side *= 2) {
        struct sw_grid g;
        char label[64];
        bench_grid(&g, side, 2, label);
        float *dy = ck_fill(c, ck_floats_at(c, g.oh * g.ow, APART), g.oh * g.ow, -1, 1);
        float *dx = ck_floats_at(c, side * side, APART);
        const float *rows = counts(c, ck_floats_at(c, g.oh, APART), g.oh),
                    *cols = counts(c, ck_floats_at(c, g.ow, APART), g.ow);
        float *scratch = ck_floats_at(c, sw__pool_scratch(&g), APART);
        CK_BENCH(c, label, 4. * (double)(side * side + g.oh * g.ow), "B",
                 c->k->avg_pool_grad_f32(dx, dy, &g, rows, cols, scratch));
        ck_release(c);
    }
}
