/* Checks of the winograd slots.  The oracle makes the matrices from the points, in float64, and the
 * bound of an element is that of its terms: m d m^T of magnitudes, times the roundings. */
#include <stdio.h>
#include "check_grid.h"
#include "kernels/gemm_table.h"

enum { TILE = SW_WINOGRAD_TILE, WINDOW = SW_WINOGRAD_WINDOW, POSITIONS = SW_WINOGRAD_POSITIONS };
enum { TAPS = SW_WINOGRAD_TAPS };

static const double points[5] = {0, 0.625, -0.625, 1.5, -1.5};

/* Row p of B^T: the coefficients of the product of x - q over the other points q. */
static void input_matrix(double *b)
{
    for (int p = 0; p < WINDOW; p++) {
        double c[WINDOW + 1] = {1};
        for (int q = 0; q < 5; q++) {
            if (q == p) continue;
            for (int k = WINDOW; k > 0; k--) c[k] = c[k - 1] - points[q] * c[k];
            c[0] *= -points[q];
        }
        memcpy(b + p * WINDOW, c, WINDOW * sizeof *b);
    }
}

/* Row p of A (columns of a tile, scaled 0) or G (columns of a filter, scaled 1). */
static void power_matrix(double *m, int columns, int scaled)
{
    for (int p = 0; p < WINDOW; p++) {
        double n = 1;
        for (int q = 0; q < 5; q++)
            if (p < 5 && q != p && scaled) n *= points[p] - points[q];
        for (int k = 0; k < columns; k++)
            m[p * columns + k] = p == 5 ? k == columns - 1 : (k ? pow(points[p], k) : 1) / n;
    }
}

/* y[i][j] = sum over a, b of m[i][a] d[a][b] m[j][b], and the sum of magnitudes; m: [rows][n]. */
static void both_sides(double *y, double *size, const double *m, const double *d, int rows, int n)
{
    for (int i = 0; i < rows; i++)
        for (int j = 0; j < rows; j++) {
            double sum = 0, magnitude = 0;
            for (int a = 0; a < n; a++)
                for (int b = 0; b < n; b++) {
                    const double t = m[i * n + a] * d[a * n + b] * m[j * n + b];
                    sum += t;
                    magnitude += fabs(t);
                }
            y[i * rows + j] = sum;
            size[i * rows + j] = magnitude;
        }
}

static int64_t at(const struct sw_winograd_place *p, int64_t position, int64_t tile, int64_t c)
{
    return position / p->per * p->block + position % p->per * p->width + tile * p->pitch + c;
}

/* Where `tiles` of `channels` lie, and how many floats they take. */
static int64_t random_place(struct checkkern *c, struct sw_winograd_place *p, int64_t tiles,
                            int64_t channels)
{
    const int64_t all = (channels + 15) / 16 * 16;
    p->per = 1 + ck_below(c, 5);
    p->width = all + ck_below(c, 3);
    p->pitch = p->per * p->width + ck_below(c, 4);
    p->block = (tiles + ck_below(c, 2)) * p->pitch;
    return (POSITIONS - 1) / p->per * p->block + tiles * p->pitch;
}

/* Windows of n x n pixels through B^T or A. */
static void windows_case(struct checkkern *c, int64_t channels, int n, int tile)
{
    struct sw_grid g = {.sy = tile, .sx = tile, .ny = n, .nx = n, .dy = 1, .dx = 1};
    g.oh = 1 + ck_below(c, 4), g.ow = 1 + ck_below(c, 6);
    if (n == WINDOW) g.y0 = -ck_below(c, 7 - tile), g.x0 = -ck_below(c, 7 - tile);
    g.h = g.oh * tile + n - tile + g.y0 - ck_below(c, 5);
    g.w = g.ow * tile + n - tile + g.x0 - ck_below(c, 5);
    if (g.h < 1) g.h = 1;
    if (g.w < 1) g.w = 1;
    const int64_t row = ck_below(c, g.oh), rows = 1 + ck_below(c, g.oh - row), tiles = rows * g.ow;
    const int64_t size = channels * g.h * g.w, room = sw__winograd_scratch(&g, rows);
    struct sw_winograd_place place;
    const int64_t total = random_place(c, &place, tiles, channels);
    float *x = ck_fill(c, ck_floats(c, size), size, -1, 1);
    float *v = ck_floats(c, total), *scratch = ck_floats(c, room);
    double m[WINDOW * WINDOW], d[WINDOW * WINDOW], y[POSITIONS], magnitude[POSITIONS];
    if (n == WINDOW)
        input_matrix(m);
    else
        power_matrix(m, tile, 0);
    ck_freeze(c, x);
    (n == WINDOW ? c->k->winograd_input_f32 : c->k->winograd_spread_f32)(v, &place, x, &g, channels,
                                                                         row, rows, scratch);
    for (int64_t t = 0; t < tiles; t++)
        for (int64_t p = 0; p < channels; p++) {
            for (int64_t i = 0; i < n * n; i++)
                d[i] = ck_tap(x + p * g.h * g.w, &g, row + t / g.ow, t % g.ow, i / n, i % n);
            both_sides(y, magnitude, m, d, WINDOW, n);
            for (int64_t i = 0; i < POSITIONS; i++)
                ck_near(c, v[at(&place, i, t, p)], y[i], ck_sum_bound(6, magnitude[i]),
                        "tiles of %d, position %lld, tile %lld of %lld rows of %lld, channel %lld "
                        "of %lld",
                        tile, (long long)i, (long long)t, (long long)rows, (long long)g.ow,
                        (long long)p, (long long)channels);
        }
    for (int64_t i = 0; i < POSITIONS; i++)
        for (int64_t t = 0; t < tiles && (channels + 15) / 16 * 16 < place.width; t++)
            if (at(&place, i, t, place.width - 1) < total)
                ck_true(c, ck_is_canary(v[at(&place, i, t, place.width - 1)]),
                        "wrote behind the channels");
    ck_release(c);
}

/* A board of side x side pixels with padding 1. */
static struct sw_grid board(int64_t side, int64_t taps)
{
    struct sw_grid g = {.h = side, .w = side, .sy = TILE, .sx = TILE, .dy = 1, .dx = 1};
    g.oh = g.ow = (side + TILE - 1) / TILE;
    g.ny = g.nx = taps;
    g.y0 = g.x0 = taps == TILE ? 0 : -1;
    return g;
}

void check_winograd_input_f32(struct checkkern *c)
{
    for (int i = 0; i < 240; i++) windows_case(c, 1 + i % 40, WINDOW, i % 2 ? 2 : 4);
    if (!c->bench) return;
    for (int64_t side = 9; side <= 19; side += 5) {
        const struct sw_grid g = board(side, WINDOW);
        const int64_t channels = 64, tiles = g.oh * g.ow, size = channels * side * side;
        const struct sw_winograd_place place = {4, 64, (tiles | 1) * 272, 272};
        float *x = ck_fill(c, ck_floats_at(c, size, 16), size, -1, 1);
        float *v = ck_floats_at(c, 9 * place.block, 16);
        float *scratch = ck_floats_at(c, sw__winograd_scratch(&g, g.oh), 16);
        char label[64];
        snprintf(label, sizeof label, "64 planes of %dx%d", (int)side, (int)side);
        CK_BENCH(c, label, 4. * (double)(size + POSITIONS * tiles * channels), "B",
                 c->k->winograd_input_f32(v, &place, x, &g, channels, 0, g.oh, scratch));
        ck_release(c);
    }
}

void check_winograd_spread_f32(struct checkkern *c)
{
    for (int i = 0; i < 240; i++) windows_case(c, 1 + i % 40, i % 2 ? 2 : 4, i % 2 ? 2 : 4);
    if (!c->bench) return;
    for (int64_t side = 9; side <= 19; side += 5) {
        const struct sw_grid g = board(side, TILE);
        const int64_t channels = 64, tiles = g.oh * g.ow, size = channels * side * side;
        const struct sw_winograd_place place = {1, 64, (tiles | 1) * 64, 64};
        float *x = ck_fill(c, ck_floats_at(c, size, 16), size, -1, 1);
        float *v = ck_floats_at(c, POSITIONS * place.block, 16);
        float *scratch = ck_floats_at(c, sw__winograd_scratch(&g, g.oh), 16);
        char label[64];
        snprintf(label, sizeof label, "64 planes of %dx%d", (int)side, (int)side);
        CK_BENCH(c, label, 4. * (double)(size + POSITIONS * tiles * channels), "B",
                 c->k->winograd_spread_f32(v, &place, x, &g, channels, 0, g.oh, scratch));
        ck_release(c);
    }
}

static void weight_case(struct checkkern *c, int64_t count, int taps, int flip)
{
    const int all = taps * taps;
    const int64_t width = sw__gemm_blocks(c->isa)->nr * (1 + ck_below(c, 2));
    const int64_t position = count * width + ck_below(c, 5);
    const int64_t size = count * all * width, total = (POSITIONS - 1) * position + count * width;
    float *g = ck_fill(c, ck_floats(c, size), size, -1, 1), *u = ck_floats(c, total);
    double m[WINDOW * TAPS], d[TAPS * TAPS], y[POSITIONS], magnitude[POSITIONS];
    power_matrix(m, taps, 1);
    ck_freeze(c, g);
    c->k->winograd_weight_f32(u, position, g, count, width, taps, flip);
    for (int64_t n = 0; n < count * width; n++) {
        for (int64_t i = 0; i < all; i++)
            d[i] = (double)g[(n / width * all + (flip ? all - 1 - i : i)) * width + n % width];
        both_sides(y, magnitude, m, d, WINDOW, taps);
        for (int64_t i = 0; i < POSITIONS; i++)
            ck_near(c, u[i * position + n], y[i], ck_sum_bound(10, magnitude[i]),
                    "%dx%d, position %lld, filter %lld, flip %d", taps, taps, (long long)i,
                    (long long)n, flip);
    }
    for (int64_t i = 0; i + 1 < POSITIONS; i++)
        for (int64_t n = count * width; n < position; n++)
            ck_true(c, ck_is_canary(u[i * position + n]), "wrote between positions");
    ck_release(c);
}

void check_winograd_weight_f32(struct checkkern *c)
{
    for (int i = 0; i < 24; i++) weight_case(c, 1 + i / 2, i % 2 ? 5 : 3, i / 2 % 2);
    if (!c->bench) return;
    const int64_t count = 16, width = sw__gemm_blocks(c->isa)->nr, position = count * width;
    float *g = ck_fill(c, ck_floats_at(c, 9 * position, 16), 9 * position, -1, 1);
    float *u = ck_floats_at(c, POSITIONS * position, 16);
    CK_BENCH(c, "16 channels of a panel", 4. * 45 * (double)position, "B",
             c->k->winograd_weight_f32(u, position, g, count, width, 3, 0));
}

static double activated(double x, const struct sw_epilogue *e)
{
    switch (e->act) {
    case SW_GEMM_ACT_RELU: return x < 0 ? 0 : x;
    case SW_GEMM_ACT_LEAKY: return x < 0 ? (double)e->a * x : x;
    case SW_GEMM_ACT_CLIP: return fmin(fmax(x, (double)e->a), (double)e->b);
    default: return x;
    }
}

static void output_case(struct checkkern *c, int64_t channels, int tile, int act)
{
    struct sw_grid g = {.sy = tile, .sx = tile, .ny = tile, .nx = tile, .dy = 1, .dx = 1};
    g.h = 1 + ck_below(c, 15), g.w = 1 + ck_below(c, 25);
    g.oh = (g.h + tile - 1) / tile, g.ow = (g.w + tile - 1) / tile;
    const int64_t row = ck_below(c, g.oh), rows = 1 + ck_below(c, g.oh - row), tiles = rows * g.ow;
    const int64_t size = channels * g.h * g.w, room = sw__winograd_scratch(&g, rows);
    struct sw_winograd_place place;
    const int64_t total = random_place(c, &place, tiles, channels);
    float *m = ck_fill(c, ck_floats(c, total), total, -1, 1), *y = ck_floats(c, size);
    float *scratch = ck_floats(c, room),
          *bias = ck_fill(c, ck_floats(c, channels), channels, -1, 1);
    const struct sw_epilogue e = {.bias_row = ck_below(c, 2) ? bias : NULL,
                                  .act = (enum sw_gemm_act)act,
                                  .a = act == SW_GEMM_ACT_CLIP ? -2 : 0.125f,
                                  .b = 3};
    const bool finish = ck_below(c, 4) > 0;
    double a[WINDOW * TILE], turned[TILE * WINDOW], d[POSITIONS], want[16], magnitude[16];
    power_matrix(a, tile, 0);
    for (int i = 0; i < tile * WINDOW; i++) turned[i] = a[i % WINDOW * tile + i / WINDOW];
    ck_freeze(c, m);
    ck_freeze(c, bias);
    c->k->winograd_output_f32(y, m, &place, &g, channels, row, rows, finish ? &e : NULL, scratch);
    for (int64_t n = 0; n < channels; n++)
        for (int64_t p = 0; p < g.h * g.w; p++) {
            const int64_t i = p / g.w, j = p % g.w, r = i / tile;
            if (r < row || r >= row + rows) {
                ck_true(c, ck_is_canary(y[n * g.h * g.w + p]), "wrote outside of the rows");
                continue;
            }
            const int64_t t = (r - row) * g.ow + j / tile, k = i % tile * tile + j % tile;
            for (int64_t q = 0; q < POSITIONS; q++) d[q] = (double)m[at(&place, q, t, n)];
            both_sides(want, magnitude, turned, d, tile, WINDOW);
            if (finish && e.bias_row) {
                want[k] += (double)bias[n];
                magnitude[k] += fabs((double)bias[n]);
            }
            ck_near(c, y[n * g.h * g.w + p], finish ? activated(want[k], &e) : want[k],
                    ck_sum_bound(8, magnitude[k]), "row %lld, column %lld, channel %lld, act %d",
                    (long long)i, (long long)j, (long long)n, act);
        }
    ck_release(c);
}

void check_winograd_output_f32(struct checkkern *c)
{
    for (int i = 0; i < 240; i++) output_case(c, 1 + i % 40, i % 2 ? 2 : 4, i / 2 % 4);
    if (!c->bench) return;
    for (int64_t side = 9; side <= 19; side += 5) {
        const struct sw_grid g = board(side, TILE);
        const int64_t channels = 32, tiles = g.oh * g.ow, size = channels * side * side;
        const int64_t total = tiles * POSITIONS * channels;
        const struct sw_winograd_place place = {POSITIONS, channels, 0, POSITIONS * channels};
        float *y = ck_floats_at(c, size, 16);
        float *m = ck_fill(c, ck_floats_at(c, total, 16), total, -1, 1);
        float *scratch = ck_floats_at(c, sw__winograd_scratch(&g, g.oh), 16);
        char label[64];
        snprintf(label, sizeof label, "32 planes of %dx%d", (int)side, (int)side);
        CK_BENCH(c, label, 4. * (double)(size + total), "B",
                 c->k->winograd_output_f32(y, m, &place, &g, channels, 0, g.oh, NULL, scratch));
        ck_release(c);
    }
}

static void tile_case(struct checkkern *c, int mr, int nr, int64_t kc)
{
    const int64_t lda = mr + ck_below(c, 4), ldb = nr + ck_below(c, 4), ldc = nr + ck_below(c, 4);
    const int64_t a_size = kc > 0 ? (kc - 1) * lda + mr : 0, size = (mr - 1) * ldc + nr;
    const int64_t b_size = kc > 0 ? (kc - 1) * ldb + nr : 0;
    float *a = ck_fill(c, ck_floats(c, a_size), a_size, -1, 1);
    float *b = ck_fill(c, ck_floats(c, b_size), b_size, -1, 1);
    float *got = ck_floats(c, size), *before = ck_floats(c, size);
    const int accumulate = (int)ck_below(c, 2);
    if (accumulate)
        for (int i = 0; i < mr; i++) ck_fill(c, got + i * ldc, nr, -1, 1);
    memcpy(before, got, (size_t)size * sizeof *got);
    ck_freeze(c, a);
    ck_freeze(c, b);
    c->k->winograd_tile_f32(got, ldc, a, lda, b, ldb, kc, mr, nr, accumulate);
    for (int64_t i = 0; i < size; i++) {
        if (i % ldc >= nr) {
            ck_true(c, ck_is_canary(got[i]), "wrote beside the tile");
            continue;
        }
        double sum = accumulate ? (double)before[i] : 0, magnitude = fabs(sum);
        for (int64_t t = 0; t < kc; t++) {
            const double p = (double)a[t * lda + i / ldc] * (double)b[t * ldb + i % ldc];
            sum += p;
            magnitude += fabs(p);
        }
        ck_near(c, got[i], sum, ck_sum_bound(kc, magnitude), "%d x %d, kc=%lld, at (%lld,%lld)", mr,
                nr, (long long)kc, (long long)(i / ldc), (long long)(i % ldc));
    }
    ck_release(c);
}

void check_winograd_tile_f32(struct checkkern *c)
{
    const struct sw_gemm_blocks *t = sw__gemm_blocks(c->isa);
    for (int mr = 1; mr <= t->mr; mr++)
        for (int nr = 1; nr <= t->nr; nr++) tile_case(c, mr, nr, ck_below(c, 12));
    for (int64_t kc = 0; kc <= 64; kc++) tile_case(c, t->mr, t->nr, kc);
    if (!c->bench) return;
    const int64_t kc = 64;
    float *a = ck_fill(c, ck_floats_at(c, kc * 64, 16), kc * 64, -1, 1);
    float *b = ck_fill(c, ck_floats_at(c, kc * 64, 16), kc * 64, -1, 1);
    float *y = ck_floats_at(c, t->mr * 64, 16);
    CK_BENCH(c, "a tile, 64 tiles of 64 channels", 2. * t->mr * t->nr * (double)kc, "FLOP",
             c->k->winograd_tile_f32(y, 64, a, 64, b, 64, kc, t->mr, t->nr, 1));
}

static void filter_case(struct checkkern *c, int64_t count, int taps)
{
    const int all = taps * taps;
    const int64_t width = sw__gemm_blocks(c->isa)->nr * (1 + ck_below(c, 2));
    const int64_t pitch = width + ck_below(c, 3), position = count * pitch + ck_below(c, 5);
    const int64_t size = count * all * width, total = (POSITIONS - 1) * position + count * pitch;
    float *s = ck_fill(c, ck_floats(c, total), total, -1, 1), *g = ck_floats(c, size);
    double m[WINDOW * TAPS], turned[TAPS * WINDOW], d[POSITIONS], y[TAPS * TAPS];
    double magnitude[TAPS * TAPS];
    power_matrix(m, taps, 1);
    for (int i = 0; i < taps * WINDOW; i++) turned[i] = m[i % WINDOW * taps + i / WINDOW];
    ck_freeze(c, s);
    c->k->winograd_filter_f32(g, s, position, pitch, count, width, taps);
    for (int64_t n = 0; n < count * width; n++) {
        for (int64_t i = 0; i < POSITIONS; i++)
            d[i] = (double)s[i * position + n / width * pitch + n % width];
        both_sides(y, magnitude, turned, d, taps, WINDOW);
        for (int64_t i = 0; i < all; i++)
            ck_near(c, g[(n / width * all + i) * width + n % width], y[i],
                    ck_sum_bound(8, magnitude[i]), "%dx%d, tap %lld, filter %lld", taps, taps,
                    (long long)i, (long long)n);
    }
    ck_release(c);
}

void check_winograd_filter_f32(struct checkkern *c)
{
    for (int i = 0; i < 24; i++) filter_case(c, 1 + i / 2, i % 2 ? 5 : 3);
    if (!c->bench) return;
    const int64_t count = 16, width = sw__gemm_blocks(c->isa)->nr, pitch = 64;
    const int64_t position = 64 * 64 + 16;
    float *s = ck_fill(c, ck_floats_at(c, POSITIONS * position, 16), POSITIONS * position, -1, 1);
    float *g = ck_floats_at(c, 9 * count * width, 16);
    CK_BENCH(c, "16 channels of a panel", 4. * 45 * (double)(count * width), "B",
             c->k->winograd_filter_f32(g, s, position, pitch, count, width, 3));
}
