/* Checks of the int8 slots: sums exactly against 64-bit integers, bytes against the rule written out in
 * f32, operands up to the extremes. */
#include <stdio.h>
#include "checkkern.h"

static uint8_t *random_bytes(struct checkkern *c, int64_t n, bool extreme)
{
    uint8_t *x = ck_bytes(c, (size_t)n, 1);
    for (int64_t i = 0; i < n; i++)
        x[i] = extreme ? (uint8_t)(ck_below(c, 2) ? 255 : 0) : (uint8_t)ck_random(c);
    return x;
}

static int byte_of(float x, float low, float high, int zero)
{
    if (!(x > low)) x = low;
    if (!(x < high)) x = high;
    return (int)nearbyintf(x) + zero;
}

/* ---- conv_strip_u8 ----------------------------------------------------------------------------- */

/* B as panels, from b[K][n]. */
static int8_t *panels_of(struct checkkern *c, const int8_t *b, int64_t k, int64_t n, int nr)
{
    const int64_t panels = (n + nr - 1) / nr;
    int8_t *to = ck_bytes(c, (size_t)(panels * nr * k), 64);
    for (int64_t j = 0; j < panels * nr; j++)
        for (int64_t i = 0; i < k; i++)
            to[j / nr * nr * k + i / 4 * 4 * nr + j % nr * 4 + i % 4] = j < n ? b[i * n + j] : 0;
    ck_freeze(c, to);
    return to;
}

static void check_strip(struct checkkern *c, int64_t m, int64_t n, int64_t steps, bool extreme)
{
    const int nr = sw__int8_blocks(c->isa)->nr;
    struct sw_int8_strip s = {.steps = steps,
                              .runs = 1 + ck_below(c, 3),
                              .in_run = 1 + ck_below(c, 2),
                              .floats = ck_below(c, 3) == 0,
                              .y_pixel = n + ck_below(c, 5)};
    s.pixel = ck_below(c, 3) ? 1 + ck_below(c, 90) : 4 * steps;
    s.tap_step = ck_below(c, 40);
    s.run_step = ck_below(c, 200);
    s.zero = (int)ck_below(c, 256);
    s.low = (float)(0 - s.zero), s.high = (float)(255 - s.zero);
    const int64_t k = s.runs * s.in_run * steps * 4;
    const int64_t size = (m - 1) * s.pixel + (s.runs - 1) * s.run_step +
                         (s.in_run - 1) * s.tap_step + 4 * steps;
    const uint8_t *a = random_bytes(c, size, extreme);
    int8_t *b = (int8_t *)random_bytes(c, k * n, false);
    for (int64_t i = 0; extreme && i < k * n; i++) b[i] = ck_below(c, 2) ? 127 : -128;
    const int8_t *panels = panels_of(c, b, k, n, nr);
    int32_t *shift = ck_bytes(c, (size_t)n * sizeof *shift, 4);
    for (int64_t j = 0; j < n; j++) shift[j] = (int32_t)(ck_random(c) >> 40) - (1 << 23);
    float *scale = ck_fill(c, ck_floats(c, n), n, 0, 1e-4);
    if (n > 3 && ck_below(c, 9) == 0) scale[n / 2] = NAN;
    s.shift = shift, s.scale = scale;
    ck_freeze(c, a);
    ck_freeze(c, scale);
    void *y = ck_bytes(c, (size_t)(((m - 1) * s.y_pixel + n) * (s.floats ? 4 : 1)),
                       s.floats ? 4 : 1);
    c->k->conv_strip_u8(y, a, panels, m, n, &s);
    for (int64_t i = 0; i < m; i++)
        for (int64_t j = 0; j < n; j++) {
            int64_t sum = -shift[j], at = 0;
            for (int64_t r = 0; r < s.runs; r++)
                for (int64_t t = 0; t < s.in_run; t++)
                    for (int64_t g = 0; g < 4 * steps; g++, at++)
                        sum += a[i * s.pixel + r * s.run_step + t * s.tap_step + g] * b[at * n + j];
            const float x = (float)(int32_t)sum * scale[j];
            if (s.floats) {
                ck_same(c, ((float *)y)[i * s.y_pixel + j], x, "m=%d n=%d steps=%d", (int)m, (int)n,
                        (int)steps);
                continue;
            }
            const int want = byte_of(x, s.low, s.high, s.zero),
                      got = ((uint8_t *)y)[i * s.y_pixel + j];
            ck_true(c, got == want, "m=%d n=%d steps=%d at (%d,%d): %d, not %d", (int)m, (int)n,
                    (int)steps, (int)i, (int)j, got, want);
        }
    ck_release(c);
}

void check_conv_strip_u8(struct checkkern *c)
{
    const struct sw_gemm_blocks *t = sw__int8_blocks(c->isa);
    for (int m = 1; m <= t->mr; m++)
        for (int64_t n = 1; n <= 2 * t->nr + 1; n += 1 + ck_below(c, 5))
            check_strip(c, m, n, 1 + ck_below(c, 13), n % 2);
    for (int64_t steps = 1; steps < 20; steps++) check_strip(c, t->mr, 2 * t->nr, steps, steps % 2);
    check_strip(c, 3, 5, 16384 / 6, true);
    if (!c->bench) return;
    for (int m = t->mr / 2; m <= t->mr; m = m == t->mr ? m + 1 : t->mr) {
        const int64_t n = 4 * t->nr, k = 9 * 256;
        const uint8_t *a = random_bytes(c, 16 * 256 * 3, false);
        int8_t *b = (int8_t *)random_bytes(c, k * n, false);
        const int8_t *panels = panels_of(c, b, k, n, t->nr);
        uint8_t *y = ck_bytes(c, (size_t)(m * n), 64);
        int32_t *shift = ck_bytes(c, (size_t)n * 4, 4);
        memset(shift, 0, (size_t)n * 4);
        const struct sw_int8_strip s = {.pixel = 256,
                                        .runs = 3,
                                        .run_step = 16 * 256,
                                        .in_run = 1,
                                        .steps = 3 * 64,
                                        .y_pixel = n,
                                        .shift = shift,
                                        .scale = ck_fill(c, ck_floats(c, n), n, 0, 1e-4),
                                        .high = 255};
        CK_BENCH(c, m == t->mr ? "MR pixels, 3x3x256" : "half", 2. * m * (double)n * (double)k,
                 "FLOP", c->k->conv_strip_u8(y, a, panels, m, n, &s));
    }
}

/* ---- pools, sums, tables, normalisation ---------------------------------------------------------- */

static struct sw_int8_taps random_taps(struct checkkern *c)
{
    return (struct sw_int8_taps){1 + ck_below(c, 3), ck_below(c, 300), 1 + ck_below(c, 4),
                                 ck_below(c, 99)};
}

static uint8_t *tapped(struct checkkern *c, const struct sw_int8_taps *t, int64_t n)
{
    uint8_t *x = random_bytes(c, (t->rows - 1) * t->row_step + (t->cols - 1) * t->col_step + n,
                              false);
    ck_freeze(c, x);
    return x;
}

void check_max_u8(struct checkkern *c)
{
    for (int64_t n = 1; n < 200; n++) {
        const struct sw_int8_taps t = random_taps(c);
        const uint8_t *x = tapped(c, &t, n);
        uint8_t *y = ck_bytes(c, (size_t)n, 1);
        c->k->max_u8(y, x, &t, n);
        for (int64_t i = 0; i < n; i++) {
            int most = 0;
            for (int64_t at = 0; at < t.rows * t.cols; at++) {
                const int v = x[at / t.cols * t.row_step + at % t.cols * t.col_step + i];
                most = v > most ? v : most;
            }
            ck_true(c, y[i] == most, "n=%d i=%d: %d, not %d", (int)n, (int)i, y[i], most);
        }
        ck_release(c);
    }
}

void check_mean_u8(struct checkkern *c)
{
    for (int64_t n = 1; n < 100; n++) {
        const struct sw_int8_taps t = random_taps(c);
        const struct sw_int8_mean o = {(int)ck_below(c, 256), 100, (float)ck_uniform(c, 0.01, 1),
                                       -100, 155};
        const uint8_t *x = tapped(c, &t, n);
        uint8_t *y = ck_bytes(c, (size_t)n, 1);
        c->k->mean_u8(y, x, &t, n, &o);
        for (int64_t i = 0; i < n; i++) {
            int sum = 0;
            for (int64_t at = 0; at < t.rows * t.cols; at++)
                sum += x[at / t.cols * t.row_step + at % t.cols * t.col_step + i] - o.x_zero;
            const int want = byte_of((float)sum * o.scale, o.low, o.high, o.zero);
            ck_true(c, y[i] == want, "n=%d i=%d: %d, not %d", (int)n, (int)i, y[i], want);
        }
        ck_release(c);
    }
}

void check_add_u8(struct checkkern *c)
{
    for (int64_t n = 0; n < 100; n++) {
        const struct sw_int8_add o = {(int)ck_below(c, 256),
                                      (int)ck_below(c, 256),
                                      7,
                                      (float)ck_uniform(c, 0.1, 2),
                                      (float)ck_uniform(c, 0.1, 2),
                                      -7,
                                      248};
        const uint8_t *a = random_bytes(c, n, false), *b = random_bytes(c, n, false);
        uint8_t *y = ck_bytes(c, (size_t)n, 1);
        c->k->add_u8(y, a, b, n, &o);
        for (int64_t i = 0; i < n; i++) {
            const float u = (float)(a[i] - o.a_zero) * o.a_scale,
                        v = (float)(b[i] - o.b_zero) * o.b_scale;
            const int want = byte_of(u + v, o.low, o.high, o.zero);
            ck_true(c, y[i] == want, "n=%d i=%d: %d, not %d", (int)n, (int)i, y[i], want);
        }
        ck_release(c);
    }
}

void check_table_u8(struct checkkern *c)
{
    for (int64_t n = 0; n < 200; n++) {
        const uint8_t *x = random_bytes(c, n, false), *table = random_bytes(c, 256, false);
        uint8_t *y = ck_bytes(c, (size_t)n, 1);
        c->k->table_u8(y, x, table, n);
        for (int64_t i = 0; i < n; i++)
            ck_true(c, y[i] == table[x[i]], "n=%d i=%d: %d", (int)n, (int)i, y[i]);
        ck_release(c);
    }
}

void check_picture_u8(struct checkkern *c)
{
    for (int64_t n = 1; n < 80; n++) {
        const int64_t channels = 1 + ck_below(c, 9), plane = n + ck_below(c, 20);
        const int64_t size = (channels - 1) * plane + n;
        const int zero = (int)ck_below(c, 256);
        const float scale = (float)ck_uniform(c, 0.01, 0.1);
        float *x = ck_fill(c, ck_floats(c, size), size, -20, 20);
        if (n % 3 == 0) ck_fill_special(c, x, size, 9);
        ck_freeze(c, x);
        uint8_t *y = ck_bytes(c, (size_t)(n * channels), 1), want;
        c->k->picture_u8(y, x, n, channels, plane, scale, zero);
        for (int64_t i = 0; i < n * channels; i++) {
            c->ref->quantise_u8(&want, x + i % channels * plane + i / channels, scale, zero, 1);
            ck_true(c, y[i] == want, "n=%d i=%d: %d, not %d", (int)n, (int)i, y[i], want);
        }
        ck_release(c);
    }
}

/* A byte is right if it is what the exact value rounds to, or that and f32's error: a power of beta to 8 ulp
 * of a result below 256 is off by less than 0.001. */
void check_lrn_u8(struct checkkern *c)
{
    for (int64_t n = 1; n < 100; n++) {
        const int before = (int)ck_below(c, 4), after = (int)ck_below(c, 4);
        const struct sw_int8_lrn o = {
            {before, after, 2, (float)ck_uniform(c, 1e-5, 1e-3), n % 3 ? 0.75f : 0.6f},
            (int)ck_below(c, 100),
            30,
            (float)ck_uniform(c, 0.5, 3),
            -30,
            225};
        const int64_t pixels = 1 + ck_below(c, 3);
        const uint8_t *x = random_bytes(c, n * pixels, false);
        uint8_t *y = ck_bytes(c, (size_t)(n * pixels), 1);
        float *room = ck_floats(c, n + before + after + SW_INT8_ROOM);
        c->k->lrn_u8(y, x, pixels, n, &o, room);
        for (int64_t i = 0; i < n * pixels; i++) {
            const int64_t p = i / n * n, ch = i % n;
            double sum = 0;
            for (int64_t j = ch - before; j <= ch + after; j++)
                if (j >= 0 && j < n) sum += pow(x[p + j] - o.x_zero, 2);
            double v = (x[i] - o.x_zero) *
                       pow(2 + (double)o.window.alpha * sum, -(double)o.window.beta) *
                       (double)o.scale;
            v = fmin(fmax(v, (double)o.low), (double)o.high);
            ck_true(c, fabs(y[i] - o.zero - v) <= 0.501, "n=%d i=%d: %d, not %g", (int)n, (int)i,
                    y[i], v + o.zero);
        }
        ck_release(c);
    }
}
