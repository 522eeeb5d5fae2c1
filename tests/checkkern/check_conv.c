/* Checks of the conv slots.  The oracle reads the source through `tap`, written from the definition
 * of a grid. */
#include <stdio.h>
#include "check_grid.h"
#include "kernels/gemm_table.h"

/* A random grid; every fourth is what a gradient makes: taps that go backwards. */
struct sw_grid ck_grid(struct checkkern *c, int64_t max_ow)
{
    struct sw_grid g = {.sy = 1 + ck_below(c, 4), .sx = 1 + ck_below(c, 5)};
    if (ck_below(c, 3) == 0) g.sx = 1;
    g.ny = 1 + ck_below(c, 4);
    g.nx = 1 + ck_below(c, 6);
    g.dy = 1 + ck_below(c, 2);
    g.dx = 1 + ck_below(c, 3);
    g.oh = 1 + ck_below(c, 5);
    g.ow = 1 + ck_below(c, max_ow);
    int64_t tall = (g.oh - 1) * g.sy + (g.ny - 1) * g.dy + 1;
    int64_t wide = (g.ow - 1) * g.sx + (g.nx - 1) * g.dx + 1;
    g.h = tall - ck_below(c, tall) % 4 + ck_below(c, 3);
    g.w = wide - ck_below(c, wide) % 7 + ck_below(c, 3);
    g.y0 = -ck_below(c, 3);
    g.x0 = -ck_below(c, 4);
    if (ck_below(c, 4) == 0) {
        g.y0 += (g.ny - 1) * g.dy, g.dy = -g.dy;
        g.x0 += (g.nx - 1) * g.dx, g.dx = -g.dx;
    }
    return g;
}

double ck_tap(const float *plane, const struct sw_grid *g, int64_t r, int64_t q, int64_t i,
              int64_t j)
{
    int64_t y = r * g->sy + g->y0 + i * g->dy, x = q * g->sx + g->x0 + j * g->dx;
    if (y < 0 || y >= g->h || x < 0 || x >= g->w) return 0;
    return (double)plane[y * g->w + x];
}

static void gather_case(struct checkkern *c, int64_t max_ow)
{
    struct sw_grid g = ck_grid(c, max_ow);
    const int64_t images = 1 + ck_below(c, 3), planes = 1 + ck_below(c, 3), gap = ck_below(c, 4);
    g.image = planes * g.h * g.w + gap;
    const int64_t size = images * g.image - gap;
    float *x = ck_fill(c, ck_floats(c, size), size, -1, 1);
    ck_freeze(c, x);
    const int64_t taps = planes * g.ny * g.nx, pixels = images * g.oh * g.ow;
    const int64_t k0 = ck_below(c, taps), kc = ck_below(c, taps - k0 + 1);
    const int64_t p0 = ck_below(c, pixels), np = ck_below(c, pixels - p0 + 1);
    const int64_t width = np + ck_below(c, 40), pitch = width + ck_below(c, 3);
    const int64_t total = kc > 0 ? (kc - 1) * pitch + width : 0;
    float *dst = ck_floats(c, total);
    c->k->conv_gather_f32(dst, pitch, x, &g, k0, kc, p0, np, width);
    for (int64_t at = 0; at < total; at++) {
        const int64_t k = k0 + at / pitch, p = p0 + at % pitch;
        if (at % pitch >= width) {
            ck_true(c, ck_is_canary(dst[at]), "wrote behind a row");
            continue;
        }
        const float *plane = x + p / g.ow / g.oh * g.image + k / g.nx / g.ny * g.h * g.w;
        double want = 0;
        if (p < p0 + np)
            want = ck_tap(plane, &g, p / g.ow % g.oh, p % g.ow, k / g.nx % g.ny, k % g.nx);
        ck_same(c, dst[at], (float)want, "k=%lld p=%lld stride %lld step %lld ow=%lld w=%lld",
                (long long)k, (long long)p, (long long)g.sx, (long long)g.dx, (long long)g.ow,
                (long long)g.w);
    }
    ck_release(c);
}

void check_conv_gather_f32(struct checkkern *c)
{
    for (int i = 0; i < 300; i++) gather_case(c, 1 + i % 60);
    if (!c->bench) return;
    const int64_t nr = sw__gemm_blocks(c->isa)->nr, planes = 28;
    for (int64_t side = 7; side <= 56; side *= 2)
        for (int64_t s = 1; s <= 4; s *= 2) {
            struct sw_grid g = {
                .h = side * s, .w = side * s, .oh = side, .ow = side, .sy = s, .sx = s};
            g.y0 = g.x0 = -1, g.ny = g.nx = 3, g.dy = g.dx = 1, g.image = planes * g.h * g.w;
            const int64_t kc = planes * 9, panels = side * side / nr;
            float *x = ck_fill(c, ck_floats_at(c, g.image, APART), g.image, -1, 1);
            float *y = ck_floats_at(c, kc * nr, APART);
            char label[64];
            snprintf(label, sizeof label, "3x3, %dx%d, stride %d", (int)side, (int)side, (int)s);
            CK_BENCH(c, label, 4. * (double)(kc * nr * panels), "B",
                     for (int64_t p = 0; p < panels; p++)
                         c->k->conv_gather_f32(y, nr, x, &g, 0, kc, p * nr, nr, nr));
            ck_release(c);
        }
}

static void tile_case(struct checkkern *c, int mr, int nr, int64_t kc)
{
    const int64_t width = sw__gemm_blocks(c->isa)->nr, ldc = nr + ck_below(c, 5);
    const int64_t a_size = kc > 0 ? (mr - 1) * SW_CONV_PITCH + kc : 0, size = (mr - 1) * ldc + nr;
    float *a = ck_fill(c, ck_floats(c, a_size), a_size, -1, 1);
    float *b = ck_fill(c, ck_floats(c, kc * width), kc * width, -1, 1);
    float *got = ck_floats(c, size), *before = ck_floats(c, size);
    const int accumulate = (int)ck_below(c, 2);
    if (accumulate)
        for (int i = 0; i < mr; i++) ck_fill(c, got + i * ldc, nr, -1, 1);
    memcpy(before, got, (size_t)size * sizeof *got);
    ck_freeze(c, a);
    ck_freeze(c, b);
    c->k->conv_weight_tile_f32(got, ldc, a, b, kc, mr, nr, accumulate);
    for (int64_t at = 0; at < size; at++) {
        const int64_t i = at / ldc, j = at % ldc;
        if (j >= nr) {
            ck_true(c, ck_is_canary(got[at]), "wrote beside the tile");
            continue;
        }
        double sum = accumulate ? (double)before[at] : 0, magnitude = fabs(sum);
        for (int64_t p = 0; p < kc; p++) {
            double t = (double)a[i * SW_CONV_PITCH + p] * (double)b[p * width + j];
            sum += t;
            magnitude += fabs(t);
        }
        ck_near(c, got[at], sum, ck_sum_bound(kc, magnitude), "%d x %d, kc=%lld, at (%lld,%lld)",
                mr, nr, (long long)kc, (long long)i, (long long)j);
    }
    ck_release(c);
}

void check_conv_weight_tile_f32(struct checkkern *c)
{
    const struct sw_gemm_blocks *t = sw__gemm_blocks(c->isa);
    for (int mr = 1; mr <= t->mr; mr++)
        for (int nr = 1; nr <= t->nr; nr++) tile_case(c, mr, nr, ck_below(c, 12));
    for (int64_t kc = 0; kc <= SW_CONV_PIXELS; kc = kc < 20 ? kc + 1 : kc * 2 - 3)
        tile_case(c, t->mr, t->nr, kc);
    tile_case(c, t->mr, t->nr, SW_CONV_PIXELS);
    if (!c->bench) return;
    const int64_t kc = SW_CONV_PIXELS;
    float *a = ck_fill(c, ck_floats_at(c, t->mr * SW_CONV_PITCH, APART), t->mr * SW_CONV_PITCH, -1,
                       1);
    float *b = ck_fill(c, ck_floats_at(c, kc * t->nr, APART), kc * t->nr, -1, 1);
    float *y = ck_floats_at(c, t->mr * t->nr, APART);
    CK_BENCH(c, "a tile, 256 pixels", 2. * t->mr * t->nr * (double)kc, "FLOP",
             c->k->conv_weight_tile_f32(y, t->nr, a, b, kc, t->mr, t->nr, 1));
}

static void plane_case(struct checkkern *c, int64_t max_ow)
{
    struct sw_grid g = ck_grid(c, max_ow);
    const int64_t size = g.h * g.w, pixels = g.oh * g.ow, taps = g.ny * g.nx;
    float *x = ck_fill(c, ck_floats(c, size), size, -1, 1);
    float *w = ck_fill(c, ck_floats(c, taps), taps, -1, 1);
    float *y = ck_floats(c, pixels), *before = ck_floats(c, pixels);
    const int accumulate = (int)ck_below(c, 2);
    const float bias = (float)ck_uniform(c, -1, 1);
    if (accumulate) ck_fill(c, y, pixels, -1, 1);
    memcpy(before, y, (size_t)pixels * sizeof *y);
    ck_freeze(c, x);
    ck_freeze(c, w);
    c->k->conv_plane_f32(y, x, &g, w, bias, accumulate);
    for (int64_t p = 0; p < pixels; p++) {
        double sum = (double)(accumulate ? before[p] : bias), magnitude = fabs(sum);
        for (int64_t t = 0; t < taps; t++) {
            double v = (double)w[t] * ck_tap(x, &g, p / g.ow, p % g.ow, t / g.nx, t % g.nx);
            sum += v;
            magnitude += fabs(v);
        }
        ck_near(c, y[p], sum, ck_sum_bound(taps, magnitude),
                "pixel %lld, stride %lld, ow=%lld w=%lld", (long long)p, (long long)g.sx,
                (long long)g.ow, (long long)g.w);
    }
    ck_release(c);
}

/* A 3x3 window over side x side pixels with padding 1. */
static struct sw_grid same_grid(int64_t side, int64_t s)
{
    struct sw_grid g = {.h = side * s, .w = side * s, .oh = side, .ow = side, .sy = s, .sx = s};
    g.y0 = g.x0 = -1, g.ny = g.nx = 3, g.dy = g.dx = 1;
    return g;
}

void check_conv_plane_f32(struct checkkern *c)
{
    for (int i = 0; i < 200; i++) plane_case(c, 1 + i % 60);
    if (!c->bench) return;
    for (int64_t side = 7; side <= 112; side *= 2)
        for (int64_t s = 1; s <= 2; s++) {
            struct sw_grid g = same_grid(side, s);
            const int64_t size = g.h * g.w;
            float *x = ck_fill(c, ck_floats_at(c, size, APART), size, -1, 1),
                  *y = ck_floats_at(c, size, APART);
            float *w = ck_fill(c, ck_floats_at(c, 9, APART), 9, -1, 1);
            char label[64];
            snprintf(label, sizeof label, "3x3, %dx%d, stride %d", (int)side, (int)side, (int)s);
            CK_BENCH(c, label, 4. * (double)(size + side * side), "B",
                     c->k->conv_plane_f32(y, x, &g, w, 0, 0));
            ck_release(c);
        }
}

static void plane_grad_case(struct checkkern *c, int64_t max_ow)
{
    struct sw_grid g = ck_grid(c, max_ow);
    const int64_t size = g.h * g.w, pixels = g.oh * g.ow, taps = g.ny * g.nx;
    float *x = ck_fill(c, ck_floats(c, size), size, -1, 1);
    float *dy = ck_fill(c, ck_floats(c, pixels), pixels, -1, 1);
    float *dw = ck_fill(c, ck_floats(c, taps), taps, -1, 1), *before = ck_floats(c, taps);
    memcpy(before, dw, (size_t)taps * sizeof *dw);
    ck_freeze(c, x);
    ck_freeze(c, dy);
    c->k->conv_plane_grad_f32(dw, dy, x, &g);
    for (int64_t t = 0; t < taps; t++) {
        double sum = (double)before[t], magnitude = fabs(sum);
        for (int64_t p = 0; p < pixels; p++) {
            double v = (double)dy[p] * ck_tap(x, &g, p / g.ow, p % g.ow, t / g.nx, t % g.nx);
            sum += v;
            magnitude += fabs(v);
        }
        ck_near(c, dw[t], sum, ck_sum_bound(pixels, magnitude),
                "tap %lld, stride %lld, ow=%lld w=%lld", (long long)t, (long long)g.sx,
                (long long)g.ow, (long long)g.w);
    }
    ck_release(c);
}

void check_conv_plane_grad_f32(struct checkkern *c)
{
    for (int i = 0; i < 200; i++) plane_grad_case(c, 1 + i % 60);
    if (!c->bench) return;
    for (int64_t side = 7; side <= 112; side *= 2) {
        struct sw_grid g = same_grid(side, 1);
        const int64_t size = g.h * g.w;
        float *x = ck_fill(c, ck_floats_at(c, size, APART), size, -1, 1);
        float *y = ck_fill(c, ck_floats_at(c, size, APART), size, -1, 1);
        float *w = ck_fill(c, ck_floats_at(c, 9, APART), 9, -1, 1);
        char label[64];
        snprintf(label, sizeof label, "3x3, %dx%d", (int)side, (int)side);
        CK_BENCH(c, label, 8. * (double)size, "B", c->k->conv_plane_grad_f32(w, y, x, &g));
        ck_release(c);
    }
}

/* To nearest even; no NaN. */
static uint32_t round_to_bf16(float x)
{
    uint32_t bits;
    memcpy(&bits, &x, sizeof bits);
    return (bits + 0x7fff + (bits >> 16 & 1)) >> 16;
}

static void pair_case(struct checkkern *c, int64_t n, bool both)
{
    float *a = ck_fill(c, ck_floats(c, n), n, -3, 3), *b = ck_fill(c, ck_floats(c, n), n, -3, 3);
    uint32_t *dst = (uint32_t *)(void *)ck_floats(c, n);
    if (n > 2) a[0] = INFINITY, b[1] = -INFINITY, a[2] = 1.00390625f; /* half way */
    ck_freeze(c, a);
    ck_freeze(c, b);
    c->k->conv_pair_bf16(dst, a, both ? b : NULL, n);
    for (int64_t i = 0; i < n; i++) {
        const uint32_t want = round_to_bf16(a[i]) | (both ? round_to_bf16(b[i]) << 16 : 0);
        ck_true(c, dst[i] == want, "%lld of %lld: %08x, not %08x", (long long)i, (long long)n,
                dst[i], want);
    }
    ck_release(c);
}

void check_conv_pair_bf16(struct checkkern *c)
{
    for (int64_t n = 0; n < 80; n++) pair_case(c, n, n % 3 != 0);
    if (!c->bench) return;
    const int64_t n = 729;
    float *a = ck_fill(c, ck_floats_at(c, n, APART), n, -1, 1);
    float *b = ck_fill(c, ck_floats_at(c, n, APART), n, -1, 1);
    uint32_t *dst = (uint32_t *)(void *)ck_floats_at(c, n, APART);
    CK_BENCH(c, "27x27", 12. * (double)n, "B", c->k->conv_pair_bf16(dst, a, b, n));
    ck_release(c);
}
