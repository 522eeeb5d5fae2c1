/* Checks of the plane and row slots of batch and group norm, and of local response normalisation. */
#include "check_norm.h"

/* Planes of n numbers, `count` of them, `stride` apart. */
static int64_t plane_size(int64_t count, int64_t stride, int64_t n)
{
    return count ? (count - 1) * stride + n : 0;
}

static void moments_case(struct checkkern *c, int64_t n)
{
    int64_t count = ck_below(c, 4), stride = n + ck_below(c, 9), size;
    size = plane_size(count, stride, n);
    const float *x = ck_fill(c, ck_floats(c, size), size, -1, 4);
    float *mean = ck_floats(c, count), *m2 = ck_floats(c, count);
    ck_freeze(c, x);
    c->k->moments_f32(mean, m2, x, count, stride, n);
    for (int64_t p = 0; p < count; p++) {
        double sum = 0, sizes = 0, squares = 0;
        for (int64_t i = 0; i < n; i++) {
            sum += (double)x[p * stride + i];
            sizes += fabs((double)x[p * stride + i]);
        }
        double m = sum / (double)n, slip = norm_terms(n) * CK_EPS * sizes / (double)n;
        for (int64_t i = 0; i < n; i++) {
            double d = (double)x[p * stride + i] - m;
            squares += d * d;
        }
        ck_near(c, mean[p], m, slip, "mean n=%lld", (long long)n);
        /* sum (x - m')^2 = sum (x - m)^2 + n (m - m')^2 */
        ck_near(c, m2[p], squares, norm_terms(n) * CK_EPS * squares + 2 * (double)n * slip * slip,
                "m2 n=%lld", (long long)n);
    }
    ck_true(c, true, "no plane");
    ck_release(c);
}

void check_moments_f32(struct checkkern *c)
{
    for (int64_t n = 1; n <= CK_LENGTHS; n++) moments_case(c, n);
    for (int64_t n = 60; n < 20000; n = n * 2 + ck_below(c, 9)) moments_case(c, n);
    if (!c->bench) return;
    int64_t n = 28 * 28, count = 4096;
    float *x = ck_fill(c, ck_floats_at(c, n * count, 0), n * count, -1, 1), *y;
    y = ck_floats_at(c, 2 * count, 0);
    CK_BENCH(c, "4096 planes of 784", 4. * (double)(n * count), "B",
             c->k->moments_f32(y, y + count, x, count, n, n));
}

static void plane_sums_case(struct checkkern *c, int64_t n)
{
    int64_t count = ck_below(c, 4), stride = n + ck_below(c, 9), size;
    size = plane_size(count, stride, n);
    const float *x = ck_fill(c, ck_floats(c, size), size, -1, 4);
    const float *dy = ck_fill(c, ck_floats(c, size), size, -1, 1);
    float *s = ck_floats(c, count), *sx = ck_floats(c, count);
    float mean = (float)ck_uniform(c, -1, 2);
    ck_freeze(c, x);
    ck_freeze(c, dy);
    c->k->plane_sums_f32(s, sx, dy, x, mean, count, stride, n);
    for (int64_t p = 0; p < count; p++) {
        double sum = 0, size_1 = 0, product = 0, size_2 = 0;
        for (int64_t i = 0; i < n; i++) {
            double d = (double)dy[p * stride + i];
            double v = d * ((double)x[p * stride + i] - (double)mean);
            sum += d;
            size_1 += fabs(d);
            product += v;
            size_2 += fabs(v);
        }
        ck_near(c, s[p], sum, norm_terms(n) * CK_EPS * size_1, "dy n=%lld", (long long)n);
        ck_near(c, sx[p], product, norm_terms(n) * CK_EPS * size_2, "dy x n=%lld", (long long)n);
    }
    ck_true(c, true, "no plane");
    ck_release(c);
}

void check_plane_sums_f32(struct checkkern *c)
{
    for (int64_t n = 0; n <= CK_LENGTHS; n++) plane_sums_case(c, n);
    for (int64_t n = 60; n < 20000; n = n * 2 + ck_below(c, 9)) plane_sums_case(c, n);
}

/* y = (x - mean) * scale + shift: each rounding moves it by eps / 2 of a term. */
static void near_affine(struct checkkern *c, float got, double x, double mean, double scale,
                        double shift, int64_t n)
{
    double product = (x - mean) * scale;
    ck_near(c, got, product + shift, 2 * CK_EPS * (fabs(product) + fabs(shift)), "n=%lld",
            (long long)n);
}

void check_plane_affine_f32(struct checkkern *c)
{
    for (int64_t n = 0; n <= CK_LENGTHS; n++) {
        const float *x = ck_fill(c, ck_floats(c, n), n, -3, 3);
        float *y = ck_floats(c, n), mean = (float)ck_uniform(c, -1, 1);
        float scale = (float)ck_uniform(c, -2, 2), shift = (float)ck_uniform(c, -2, 2);
        ck_freeze(c, x);
        c->k->plane_affine_f32(y, x, mean, scale, shift, n);
        for (int64_t i = 0; i < n; i++)
            near_affine(c, y[i], (double)x[i], (double)mean, (double)scale, (double)shift, n);
        ck_release(c);
    }
    if (!c->bench) return;
    float *x = ck_fill(c, ck_floats_at(c, 1 << 22, 0), 1 << 22, -1, 1);
    float *y = ck_floats_at(c, 1 << 22, 0);
    CK_BENCH(c, "4 Mi", 8. * (1 << 22), "B", c->k->plane_affine_f32(y, x, 1, 2, 3, 1 << 22));
}

void check_row_affine_f32(struct checkkern *c)
{
    for (int64_t n = 0; n <= CK_LENGTHS; n++) {
        int64_t rows = ck_below(c, 4);
        const float *x = ck_fill(c, ck_floats(c, rows * n), rows * n, -3, 3);
        const float *mean = ck_fill(c, ck_floats(c, n), n, -1, 1);
        const float *scale = ck_fill(c, ck_floats(c, n), n, -2, 2);
        const float *shift = ck_fill(c, ck_floats(c, n), n, -2, 2);
        float *y = ck_floats(c, rows * n);
        c->k->row_affine_f32(y, x, mean, scale, shift, rows, n);
        for (int64_t i = 0; i < rows * n; i++)
            near_affine(c, y[i], (double)x[i], (double)mean[i % n], (double)scale[i % n],
                        (double)shift[i % n], n);
        ck_release(c);
    }
}

/* dx = a * dy + (b * (x - mean) + c) */
static void near_affine_dx(struct checkkern *c, float got, double dy, double x, double mean,
                           double a, double b, double shift, int64_t n)
{
    double first = a * dy, second = b * (x - mean);
    ck_near(c, got, first + second + shift, 3 * CK_EPS * (fabs(first) + fabs(second) + fabs(shift)),
            "n=%lld", (long long)n);
}

void check_plane_affine_dx_f32(struct checkkern *c)
{
    for (int64_t n = 0; n <= CK_LENGTHS; n++) {
        const float *x = ck_fill(c, ck_floats(c, n), n, -3, 3);
        const float *dy = ck_fill(c, ck_floats(c, n), n, -3, 3);
        float *dx = ck_floats(c, n), v[4];
        ck_fill(c, v, 4, -2, 2);
        ck_freeze(c, x);
        ck_freeze(c, dy);
        c->k->plane_affine_dx_f32(dx, dy, x, v[0], v[1], v[2], v[3], n);
        for (int64_t i = 0; i < n; i++)
            near_affine_dx(c, dx[i], (double)dy[i], (double)x[i], (double)v[0], (double)v[1],
                           (double)v[2], (double)v[3], n);
        ck_release(c);
    }
}

void check_row_affine_dx_f32(struct checkkern *c)
{
    for (int64_t n = 0; n <= CK_LENGTHS; n++) {
        int64_t rows = ck_below(c, 4);
        const float *x = ck_fill(c, ck_floats(c, rows * n), rows * n, -3, 3);
        const float *dy = ck_fill(c, ck_floats(c, rows * n), rows * n, -3, 3);
        float *v[4], *dx = ck_floats(c, rows * n);
        for (int i = 0; i < 4; i++) v[i] = ck_fill(c, ck_floats(c, n), n, -2, 2);
        c->k->row_affine_dx_f32(dx, dy, x, v[0], v[1], v[2], v[3], rows, n);
        for (int64_t i = 0; i < rows * n; i++)
            near_affine_dx(c, dx[i], (double)dy[i], (double)x[i], (double)v[0][i % n],
                           (double)v[1][i % n], (double)v[2][i % n], (double)v[3][i % n], n);
        ck_release(c);
    }
}

/* ---- local response normalisation -------------------------------------------------------------- */

struct lrn_case {
    struct sw_lrn_window w;
    int64_t channels, stride, width;
    float *x, *dy;
};

static struct lrn_case lrn_case(struct checkkern *c, int64_t width, bool fast)
{
    struct lrn_case l = {.width = width};
    l.w = (struct sw_lrn_window){(int)ck_below(c, 4), (int)ck_below(c, 4),
                                 (float)ck_uniform(c, 0.5, 3), (float)ck_uniform(c, 0, 1),
                                 fast ? 0.75f : (float)ck_uniform(c, 0.1, 1.5)};
    l.channels = ck_below(c, 9);
    l.stride = width + ck_below(c, 5);
    int64_t size = l.channels ? (l.channels - 1) * l.stride + width : 0;
    l.x = ck_fill(c, ck_floats(c, size), size, -3, 3);
    l.dy = ck_fill(c, ck_floats(c, size), size, -1, 1);
    ck_freeze(c, l.x);
    ck_freeze(c, l.dy);
    return l;
}

/* d and d^-beta at one place; *part bounds the relative error of the power. */
static double lrn_oracle(const struct lrn_case *l, int64_t ch, int64_t i, double *power,
                         double *part)
{
    double sum = 0, window = l->w.before + l->w.after + 1;
    for (int64_t j = ch - l->w.before; j <= ch + l->w.after; j++)
        if (j >= 0 && j < l->channels)
            sum += (double)l->x[j * l->stride + i] * (double)l->x[j * l->stride + i];
    double d = (double)l->w.k + (double)l->w.alpha * sum, beta = (double)l->w.beta;
    *power = pow(d, -beta);
    *part = CK_EPS * (beta * (window + 3) + 2 * fabs(beta * log(d)) + 4);
    return d;
}

static void check_lrn_case(struct checkkern *c, int64_t width, bool fast)
{
    struct lrn_case l = lrn_case(c, width, fast);
    int64_t size = l.channels ? (l.channels - 1) * l.stride + width : 0;
    float *y = ck_floats(c, size);
    c->k->lrn_f32(y, l.x, l.channels, l.stride, width, &l.w);
    for (int64_t at = 0; at < size; at++) {
        int64_t ch = at / l.stride, i = at % l.stride;
        double power, part;
        if (i >= width) {
            ck_true(c, ck_is_canary(y[at]), "wrote beside the strip");
            continue;
        }
        lrn_oracle(&l, ch, i, &power, &part);
        double want = (double)l.x[at] * power;
        ck_near(c, y[at], want, part * fabs(want), "width=%lld channel %lld of %lld, beta=%g",
                (long long)width, (long long)ch, (long long)l.channels, (double)l.w.beta);
    }
    ck_true(c, true, "no channel");
    ck_release(c);
}

void check_lrn_f32(struct checkkern *c)
{
    for (int64_t width = 0; width <= CK_LENGTHS; width++) {
        check_lrn_case(c, width, true);
        check_lrn_case(c, width, false);
    }
    if (!c->bench) return;
    struct sw_lrn_window w = {2, 2, 2, 1e-4f, 0.75f};
    int64_t n = 96 * 55 * 55;
    float *x = ck_fill(c, ck_floats_at(c, n, 0), n, -1, 1), *y = ck_floats_at(c, n, 0);
    CK_BENCH(c, "96 x 3025, strip of 512", 8. * 96 * 512, "B",
             c->k->lrn_f32(y, x, 96, 55 * 55, 512, &w));
    w.beta = 0.7f;
    CK_BENCH(c, "the same, beta 0.7", 8. * 96 * 512, "B",
             c->k->lrn_f32(y, x, 96, 55 * 55, 512, &w));
}

static void check_lrn_backward_case(struct checkkern *c, int64_t width, bool fast)
{
    struct lrn_case l = lrn_case(c, width, fast);
    int64_t size = l.channels ? (l.channels - 1) * l.stride + width : 0;
    float *dx = ck_floats(c, size);
    float *scratch = ck_floats(c, sw__lrn_ring(l.channels, &l.w) * width);
    c->k->lrn_backward_f32(dx, scratch, l.dy, l.x, l.channels, l.stride, width, &l.w);
    double window = l.w.before + l.w.after + 1, factor = 2 * (double)l.w.alpha * (double)l.w.beta;
    for (int64_t at = 0; at < size; at++) {
        int64_t ch = at / l.stride, i = at % l.stride;
        double power, part, sum = 0, sizes = 0, worst = 0;
        if (i >= width) {
            ck_true(c, ck_is_canary(dx[at]), "wrote beside the strip");
            continue;
        }
        for (int64_t j = ch - l.w.after; j <= ch + l.w.before; j++) {
            if (j < 0 || j >= l.channels) continue;
            double d = lrn_oracle(&l, j, i, &power, &part);
            double v = (double)l.dy[j * l.stride + i] * (double)l.x[j * l.stride + i] * power / d;
            sum += v;
            sizes += fabs(v);
            worst = fmax(worst, part);
        }
        lrn_oracle(&l, ch, i, &power, &part);
        double first = (double)l.dy[at] * power, second = factor * (double)l.x[at] * sum;
        double bound = fabs(first) * (part + 2 * CK_EPS) +
                       factor * fabs((double)l.x[at]) * sizes * (worst + (2 * window + 9) * CK_EPS);
        ck_near(c, dx[at], first - second, bound, "width=%lld channel %lld of %lld, beta=%g",
                (long long)width, (long long)ch, (long long)l.channels, (double)l.w.beta);
    }
    ck_true(c, true, "no channel");
    ck_release(c);
}

void check_lrn_backward_f32(struct checkkern *c)
{
    for (int64_t width = 0; width <= CK_LENGTHS; width++) {
        check_lrn_backward_case(c, width, true);
        check_lrn_backward_case(c, width, false);
    }
    if (!c->bench) return;
    struct sw_lrn_window w = {2, 2, 2, 1e-4f, 0.75f};
    int64_t n = 96 * 55 * 55;
    float *x = ck_fill(c, ck_floats_at(c, n, 0), n, -1, 1), *dx = ck_floats_at(c, n, 0);
    float *scratch = ck_floats_at(c, 5 * 512, 0);
    CK_BENCH(c, "96 x 3025, strip of 512", 12. * 96 * 512, "B",
             c->k->lrn_backward_f32(dx, scratch, x, x, 96, 55 * 55, 512, &w));
}
