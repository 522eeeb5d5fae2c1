/* Checks of the softmax slots.  Bounds in units of CK_EPS: an exponential is off by 1 and by its
 * argument's rounding, |x - max| / 2; the sum of n of them by n / 32 + 12 (columns: n), and by the
 * rounding of arguments averaged over the sum, at most log(n) + 1; all doubled. */
#include "check_norm.h"

/* One line of n numbers, `step` apart: its maximum and the sum of exponentials about it. */
static double line_sum(const float *x, int64_t n, int64_t step, double *max)
{
    double sum = 0;
    *max = -INFINITY;
    for (int64_t i = 0; i < n; i++) *max = fmax(*max, (double)x[i * step]); /* skips NaN */
    for (int64_t i = 0; i < n; i++) sum += exp((double)x[i * step] - *max);
    return sum;
}

static void check_line(struct checkkern *c, const float *y, const float *x, int64_t n, int64_t step,
                       int log_form)
{
    double max, sum = line_sum(x, n, step, &max);
    double terms = (step == 1 ? norm_terms(n) : (double)n + 12) + 2 * log((double)n + 1);
    for (int64_t i = 0; i < n; i++) {
        double d = (double)x[i * step] - max, want = exp(d) / sum;
        double bound = CK_EPS * want * (fabs(d) + terms) + 0x1p-148;
        if (isinf(d) || want == 0) bound = 0x1p-148;
        if (log_form) {
            want = d - log(sum);
            bound = CK_EPS * (fabs(d) + fabs(want) + 2 * fabs(log(sum)) + terms);
        }
        ck_near(c, y[i * step], want, bound, "n=%lld i=%lld x-max=%g log=%d", (long long)n,
                (long long)i, d, log_form);
    }
}

static void softmax_case(struct checkkern *c, int64_t rows, int64_t n, int log_form, int every)
{
    double reach = ck_below(c, 3) ? 5 : 90;
    float *x = ck_fill(c, ck_floats(c, rows * n), rows * n, -reach, reach);
    if (every) ck_fill_special(c, x, rows * n, every);
    float *y = ck_floats(c, rows * n), *alone = ck_floats(c, rows * n);
    ck_freeze(c, x);
    c->k->softmax_f32(y, x, rows, n, log_form, NULL);
    float *past = ck_floats_at(c, rows * n, (int)(ck_below(c, 2) ? -(rows * n) & 15 : 4)),
          *room = ck_floats_at(c, 2 * n, 0);
    c->k->softmax_f32(past, x, rows, n, log_form, room);
    for (int64_t i = 0; i < rows * n; i++)
        ck_same(c, past[i], y[i], "past the caches, n=%lld", (long long)n);
    memcpy(alone, x, (size_t)(rows * n) * sizeof *alone);
    for (int64_t r = 0; r < rows; r++) {
        check_line(c, y + r * n, x + r * n, n, 1, log_form);
        c->k->softmax_f32(alone + r * n, alone + r * n, 1, n, log_form, NULL);
        for (int64_t i = 0; i < n; i++)
            ck_same(c, alone[r * n + i], y[r * n + i], "alone and in place, n=%lld", (long long)n);
    }
    ck_release(c);
}

void check_softmax_f32(struct checkkern *c)
{
    for (int log_form = 0; log_form < 2; log_form++) {
        for (int64_t n = 1; n <= CK_LENGTHS; n++) softmax_case(c, 3, n, log_form, 0);
        for (int64_t n = 60; n < 5000; n = n * 2 + ck_below(c, 9))
            softmax_case(c, 2, n, log_form, 0);
        for (int64_t n = 1; n <= CK_LENGTHS; n++) softmax_case(c, 2, n, log_form, 20);
        softmax_case(c, 0, 7, log_form, 0);
        softmax_case(c, 3, 1024, log_form, 0);
    }
    if (!c->bench) return;
    int64_t rows = 64, n = 50257;
    float *x = ck_fill(c, ck_floats_at(c, rows * n, 0), rows * n, -5, 5);
    float *y = ck_floats_at(c, rows * n, 0);
    CK_BENCH(c, "64 x 50257", 8. * (double)(rows * n), "B",
             c->k->softmax_f32(y, x, rows, n, 0, NULL));
    CK_BENCH(c, "1024 x 1024", 8. * 1024 * 1024, "B", c->k->softmax_f32(y, x, 1024, 1024, 0, NULL));
    CK_BENCH(c, "1024 x 10", 8. * 1024 * 10, "B", c->k->softmax_f32(y, x, 1024, 10, 0, NULL));
}

static void columns_case(struct checkkern *c, int64_t n, int64_t width, int log_form, int every)
{
    int64_t stride = width + ck_below(c, 9), size = n ? (n - 1) * stride + width : 0;
    float *x = ck_fill(c, ck_floats(c, size), size, -9, 9), *y = ck_floats(c, size);
    if (every) ck_fill_special(c, x, size, every);
    ck_freeze(c, x);
    c->k->softmax_columns_f32(y, x, n, stride, width, log_form);
    for (int64_t j = 0; j < width && n; j++) check_line(c, y + j, x + j, n, stride, log_form);
    for (int64_t at = 0; at < size; at++)
        if (at % stride >= width)
            ck_true(c, ck_is_canary(y[at]), "wrote beside the columns, width=%lld",
                    (long long)width);
    ck_true(c, true, "no row");
    ck_release(c);
}

void check_softmax_columns_f32(struct checkkern *c)
{
    for (int log_form = 0; log_form < 2; log_form++)
        for (int64_t width = 1; width <= SW_SOFTMAX_COLUMNS; width++) {
            columns_case(c, ck_below(c, 40), width, log_form, 0);
            columns_case(c, ck_below(c, 40), width, log_form, 50);
        }
    if (!c->bench) return;
    int64_t n = 1000, stride = 1024;
    float *x = ck_fill(c, ck_floats_at(c, n * stride, 0), n * stride, -5, 5);
    float *y = ck_floats_at(c, n * stride, 0);
    CK_BENCH(c, "1000 x 64 of 1024", 8. * (double)(n * 64), "B",
             c->k->softmax_columns_f32(y, x, n, stride, 64, 0));
}

static void check_line_dx(struct checkkern *c, const float *dx, const float *dy, const float *y,
                          int64_t n, int64_t step, int log_form, double factor)
{
    double sum = 0, sizes = 0, terms = step == 1 ? norm_terms(n) : (double)n + 12;
    for (int64_t i = 0; i < n; i++) {
        double v = (double)dy[i * step] * (log_form ? 1 : (double)y[i * step]);
        sum += v;
        sizes += fabs(v);
    }
    for (int64_t i = 0; i < n; i++) {
        double d = (double)dy[i * step], p = (double)y[i * step];
        double want = log_form ? factor * (d - exp(p) * sum) : factor * p * (d - sum);
        double weight = log_form ? 1 : fabs(p), part = log_form ? exp(p) : 1;
        double bound = fabs(factor) * weight * CK_EPS * (4 * fabs(d) + part * (sizes * terms));
        ck_near(c, dx[i * step], want, bound, "n=%lld i=%lld log=%d", (long long)n, (long long)i,
                log_form);
    }
}

static void softmax_backward_case(struct checkkern *c, int64_t n, int log_form)
{
    int64_t rows = 2;
    const float *dy = ck_fill(c, ck_floats(c, rows * n), rows * n, -1, 1);
    const float *y = ck_fill(c, ck_floats(c, rows * n), rows * n, log_form ? -9 : 0,
                             log_form ? 0 : 1);
    float *dx = ck_floats(c, rows * n), factor = (float)ck_uniform(c, -2, 2);
    ck_freeze(c, dy);
    ck_freeze(c, y);
    c->k->softmax_backward_f32(dx, dy, y, rows, n, log_form, factor);
    for (int64_t r = 0; r < rows; r++)
        check_line_dx(c, dx + r * n, dy + r * n, y + r * n, n, 1, log_form, (double)factor);
    ck_release(c);
}

void check_softmax_backward_f32(struct checkkern *c)
{
    for (int log_form = 0; log_form < 2; log_form++) {
        for (int64_t n = 0; n <= CK_LENGTHS; n++) softmax_backward_case(c, n, log_form);
        for (int64_t n = 60; n < 5000; n = n * 2 + ck_below(c, 9))
            softmax_backward_case(c, n, log_form);
    }
}

static void backward_columns_case(struct checkkern *c, int64_t n, int64_t width, int log_form)
{
    int64_t stride = width + ck_below(c, 9), size = n ? (n - 1) * stride + width : 0;
    const float *dy = ck_fill(c, ck_floats(c, size), size, -1, 1);
    const float *y = ck_fill(c, ck_floats(c, size), size, log_form ? -9 : 0, log_form ? 0 : 1);
    float *dx = ck_floats(c, size), factor = (float)ck_uniform(c, -2, 2);
    ck_freeze(c, dy);
    ck_freeze(c, y);
    c->k->softmax_backward_columns_f32(dx, dy, y, n, stride, width, log_form, factor);
    for (int64_t j = 0; j < width && n; j++)
        check_line_dx(c, dx + j, dy + j, y + j, n, stride, log_form, (double)factor);
    for (int64_t at = 0; at < size; at++)
        if (at % stride >= width) ck_true(c, ck_is_canary(dx[at]), "wrote beside the columns");
    ck_true(c, true, "no row");
    ck_release(c);
}

void check_softmax_backward_columns_f32(struct checkkern *c)
{
    for (int log_form = 0; log_form < 2; log_form++)
        for (int64_t width = 1; width <= SW_SOFTMAX_COLUMNS; width++)
            backward_columns_case(c, ck_below(c, 40), width, log_form);
}

static void logsumexp_case(struct checkkern *c, int64_t n, int every)
{
    int64_t rows = 2;
    float *x = ck_fill(c, ck_floats(c, rows * n), rows * n, -30, 30), *lse = ck_floats(c, rows);
    if (every) ck_fill_special(c, x, rows * n, every);
    ck_freeze(c, x);
    c->k->logsumexp_f32(lse, x, rows, n);
    for (int64_t r = 0; r < rows; r++) {
        double max, sum = line_sum(x + r * n, n, 1, &max), want = max + log(sum);
        double terms = norm_terms(n) + 2 * log((double)n + 1);
        ck_near(c, lse[r], want, CK_EPS * (fabs(want) + 2 * log(sum) + terms), "n=%lld",
                (long long)n);
    }
    ck_release(c);
}

void check_logsumexp_f32(struct checkkern *c)
{
    for (int64_t n = 1; n <= CK_LENGTHS; n++) {
        logsumexp_case(c, n, 0);
        logsumexp_case(c, n, 20);
    }
    for (int64_t n = 60; n < 70000; n = n * 2 + ck_below(c, 9)) logsumexp_case(c, n, 0);
    if (!c->bench) return;
    int64_t rows = 64, n = 50257;
    float *x = ck_fill(c, ck_floats_at(c, rows * n, 0), rows * n, -5, 5);
    float *y = ck_floats_at(c, rows, 0);
    CK_BENCH(c, "64 x 50257", 4. * (double)(rows * n), "B", c->k->logsumexp_f32(y, x, rows, n));
}
