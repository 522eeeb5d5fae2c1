/* Checks of the slots of direct convolution. */
#include <stdio.h>
#include "base/size.h"
#include "check_grid.h"
#include "kernels/conv_kernels.h"

void check_conv_copy_f32(struct checkkern *c)
{
    for (int n = 0; n < 200; n++) {
        const int64_t step = 1 + ck_below(c, 5), rows = 1 + ck_below(c, 4), count = ck_below(c, 50);
        const int64_t reach = count > 0 ? (count - 1) * step + 1 : 0;
        const int64_t row = reach + ck_below(c, 3), pitch = count + ck_below(c, 3);
        const int64_t size = (rows - 1) * row + reach, total = (rows - 1) * pitch + count;
        float *src = ck_fill(c, ck_floats(c, size), size, -1, 1), *dst = ck_floats(c, total);
        ck_freeze(c, src);
        c->k->conv_copy_f32(dst, pitch, src, row, step, rows, count);
        for (int64_t at = 0; at < total; at++) {
            const int64_t r = at / pitch, i = at % pitch;
            if (i >= count)
                ck_true(c, ck_is_canary(dst[at]), "wrote behind a row");
            else
                ck_same(c, dst[at], src[r * row + i * step], "row %lld, element %lld, step %lld",
                        (long long)r, (long long)i, (long long)step);
        }
        ck_release(c);
    }
    if (!c->bench) return;
    for (int64_t step = 1; step <= 4; step++) {
        const int64_t rows = 64, n = 56;
        float *src = ck_fill(c, ck_floats_at(c, rows * n * step, APART), rows * n * step, -1, 1);
        float *dst = ck_floats_at(c, rows * n, APART);
        char label[64];
        snprintf(label, sizeof label, "64 x 56, step %d", (int)step);
        CK_BENCH(c, label, 8. * (double)(rows * n), "B",
                 c->k->conv_copy_f32(dst, n, src, n * step, step, rows, n));
        ck_release(c);
    }
}

static double finished(double x, const struct sw_epilogue *e, int j)
{
    if (e->bias_col) x += (double)e->bias_col[j];
    if (e->act == SW_GEMM_ACT_RELU) return x < 0 ? 0 : x;
    if (e->act == SW_GEMM_ACT_LEAKY) return x < 0 ? (double)e->a * x : x;
    if (e->act == SW_GEMM_ACT_CLIP) return fmin(fmax(x, (double)e->a), (double)e->b);
    return x;
}

void check_conv_add_f32(struct checkkern *c)
{
    for (int n = 0; n < 100; n++) {
        const int64_t rows = ck_below(c, 5), count = 1 + ck_below(c, 50);
        const int64_t line = count + ck_below(c, 4), total = sw__max64(rows, 1) * line;
        const struct sw_epilogue e = {
            .act = (enum sw_gemm_act)ck_below(c, 4), .a = -0.25f, .b = 0.5f};
        float *x = ck_fill(c, ck_floats(c, total), total, -1, 1);
        float *y = ck_fill(c, ck_floats(c, total), total, -1, 1), *old = ck_floats(c, total);
        for (int64_t i = 0; i < total; i++) old[i] = y[i];
        ck_freeze(c, x);
        c->k->conv_add_f32(y, x, line, rows, count, &e);
        for (int64_t i = 0; i < total; i++) {
            const bool inside = i / line < rows && i % line < count;
            const float sum = old[i] + x[i];
            const double want = inside ? finished((double)sum, &e, 0) : (double)old[i];
            ck_same(c, y[i], (float)want, "element %lld", (long long)i);
        }
        ck_release(c);
    }
    if (!c->bench) return;
    const int64_t total = 56 * 3136;
    float *x = ck_fill(c, ck_floats_at(c, total, APART), total, -1, 1);
    float *y = ck_fill(c, ck_floats_at(c, total, APART), total, -1, 1);
    const struct sw_epilogue relu = {.act = SW_GEMM_ACT_RELU};
    CK_BENCH(c, "14 x 32 of 56 x 3136", 12. * 14 * 32, "B",
             c->k->conv_add_f32(y, x, 3136, 14, 32, &relu));
    ck_release(c);
}

static int whole_vectors(const struct checkkern *c, int channels)
{
    const int lanes = sw__direct_blocks(c->isa)->lanes;
    return (channels + lanes - 1) / lanes * lanes;
}

static void tile_case(struct checkkern *c, int pixels, int channels)
{
    enum { MOST_TAPS = 6 };
    const int width = whole_vectors(c, channels);
    int64_t offset[MOST_TAPS];
    struct sw_windows at = {1 + ck_below(c, 3), 0, 1 + ck_below(c, MOST_TAPS), offset, 0, 40};
    if (pixels % 2 == 0) at.gap = ck_below(c, 4);
    at.plane = pixels + at.gap + 20 + ck_below(c, 5);
    for (int t = 0; t < at.taps; t++) offset[t] = ck_below(c, 21);
    const int64_t k = at.planes * at.taps, ldc = width + ck_below(c, 3);
    const int64_t reach = at.planes * at.plane, total = (pixels - 1) * ldc + width;
    float *x = ck_fill(c, ck_floats(c, reach), reach, -1, 1);
    float *w = ck_fill(c, ck_floats(c, k * width), k * width, -1, 1);
    float *bias = ck_fill(c, ck_floats(c, channels), channels, -1, 1), *got = ck_floats(c, total);
    struct sw_epilogue e = {.act = (enum sw_gemm_act)ck_below(c, 4), .a = -0.25f, .b = 0.5f};
    if (ck_below(c, 2)) e.bias_col = bias;
    const int plain = (int)ck_below(c, 2);
    ck_freeze(c, x);
    ck_freeze(c, w);
    c->k->conv_direct_tile_f32(got, ldc, x, &at, w, pixels, channels, plain ? NULL : &e);
    for (int64_t i = 0; i < total; i++) {
        const int64_t p = i / ldc, j = i % ldc;
        if (j >= width) ck_true(c, ck_is_canary(got[i]), "wrote beside the tile");
        if (j >= channels) continue;
        double sum = 0, magnitude = 1;
        for (int64_t n = 0; n < k; n++) {
            const int64_t from = p < pixels / 2 ? p : p + at.gap;
            const double term = (double)x[n / at.taps * at.plane + offset[n % at.taps] + from] *
                                (double)w[n * width + j];
            sum += term;
            magnitude += fabs(term);
        }
        ck_near(c, got[i], plain ? sum : finished(sum, &e, (int)j), ck_sum_bound(k + 2, magnitude),
                "%d pixels, %d channels, at (%lld,%lld)", pixels, channels, (long long)p,
                (long long)j);
    }
    ck_release(c);
}

void check_conv_direct_tile_f32(struct checkkern *c)
{
    const struct sw_direct_blocks *t = sw__direct_blocks(c->isa);
    for (int channels = 1; channels <= SW_DIRECT_VECTORS * t->lanes; channels++)
        for (int pixels = 1; pixels <= t->pixels[whole_vectors(c, channels) / t->lanes]; pixels++)
            tile_case(c, pixels, channels);
    if (!c->bench) return;
    for (int v = 1; v <= SW_DIRECT_VECTORS; v++) {
        enum { PLANES = 32, PITCH = 32, PLANE = 16 * PITCH };
        int64_t offset[9];
        for (int i = 0; i < 9; i++) offset[i] = i / 3 * PITCH + i % 3;
        const struct sw_windows at = {PLANES, PLANE, 9, offset, 0, PLANE};
        const int width = v * t->lanes, pixels = t->pixels[v];
        float *x = ck_fill(c, ck_floats_at(c, PLANES * PLANE, APART), PLANES * PLANE, -1, 1);
        float *w = ck_fill(c, ck_floats_at(c, PLANES * 9 * width, APART), PLANES * 9 * width, -1,
                           1);
        float *y = ck_floats_at(c, pixels * width, APART);
        char label[64];
        snprintf(label, sizeof label, "3x3, %d pixels, %d channels", pixels, width);
        CK_BENCH(c, label, 2. * PLANES * 9 * pixels * width, "FLOP",
                 c->k->conv_direct_tile_f32(y, width, x, &at, w, pixels, width, NULL));
        ck_release(c);
    }
}

static void weight_case(struct checkkern *c, int taps, int channels)
{
    const int width = whole_vectors(c, channels), accumulate = (int)ck_below(c, 2);
    const int64_t rows = 1 + ck_below(c, 3), pixels = 1 + ck_below(c, 9);
    const int64_t x_row = pixels + ck_below(c, 4), ldc = width + ck_below(c, 3);
    const int64_t reach = (rows - 1) * x_row + pixels + 20, count = rows * pixels;
    int64_t offset[SW_DIRECT_MOST];
    for (int t = 0; t < taps; t++) offset[t] = ck_below(c, 21);
    float *x = ck_fill(c, ck_floats(c, reach), reach, -1, 1);
    float *dy = ck_fill(c, ck_floats(c, count * width), count * width, -1, 1);
    const int64_t total = (taps - 1) * ldc + width;
    float *got = ck_floats(c, total), *before = ck_floats(c, total);
    for (int t = 0; t < taps && accumulate; t++) ck_fill(c, got + t * ldc, width, -1, 1);
    memcpy(before, got, (size_t)total * sizeof *got);
    ck_freeze(c, x);
    ck_freeze(c, dy);
    c->k->conv_direct_weight_f32(got, ldc, x, offset, x_row, dy, rows, pixels, taps, channels,
                                 accumulate);
    for (int64_t i = 0; i < total; i++) {
        const int64_t t = i / ldc, j = i % ldc;
        if (j >= width) {
            ck_true(c, ck_is_canary(got[i]), "wrote beside the tile");
            continue;
        }
        double sum = accumulate ? (double)before[i] : 0, magnitude = fabs(sum);
        for (int64_t p = 0; p < count; p++) {
            const double term = (double)x[offset[t] + p / pixels * x_row + p % pixels] *
                                (double)dy[p * width + j];
            sum += term;
            magnitude += fabs(term);
        }
        ck_near(c, got[i], sum, ck_sum_bound(count, magnitude), "%d taps, %d channels, (%lld,%lld)",
                taps, channels, (long long)t, (long long)j);
    }
    ck_release(c);
}

void check_conv_direct_weight_f32(struct checkkern *c)
{
    const struct sw_direct_blocks *t = sw__direct_blocks(c->isa);
    for (int channels = 1; channels <= SW_DIRECT_VECTORS * t->lanes; channels++)
        for (int taps = 1; taps <= t->taps[whole_vectors(c, channels) / t->lanes]; taps++)
            weight_case(c, taps, channels);
    if (!c->bench) return;
    for (int v = 1; v <= SW_DIRECT_VECTORS; v++) {
        enum { SIDE = 14 };
        const int width = v * t->lanes, taps = t->taps[v], size = SIDE * SIDE;
        int64_t offset[SW_DIRECT_MOST];
        for (int i = 0; i < taps; i++) offset[i] = i * 300;
        float *x = ck_fill(c, ck_floats_at(c, taps * 300, APART), taps * 300, -1, 1);
        float *dy = ck_fill(c, ck_floats_at(c, size * width, APART), size * width, -1, 1);
        float *dw = ck_floats_at(c, taps * width, APART);
        char label[64];
        snprintf(label, sizeof label, "14x14 pixels, %d taps, %d channels", taps, width);
        CK_BENCH(
            c, label, 2. * size * taps * width, "FLOP",
            c->k->conv_direct_weight_f32(dw, width, x, offset, 16, dy, SIDE, SIDE, taps, width, 0));
        ck_release(c);
    }
}
