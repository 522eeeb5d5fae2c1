/* Checks of the slots of layer, RMS, batch and group norm.  Bounds: a sum over n numbers passes at
 * most n / 32 + 10 roundings on any ISA (norm_kernels.h), each moving it by CK_EPS / 2 of the sum of
 * magnitudes; the rest is first-order propagation, doubled. */
#include "check_norm.h"

/* ---- rows -------------------------------------------------------------------------------------- */

struct row_case {
    int64_t rows, n;
    float *x, *dy, *gamma, *beta;
};

/* Operands, gamma and beta by chance absent; all read-only. */
static struct row_case row_case(struct checkkern *c, int64_t rows, int64_t n)
{
    struct row_case r = {.rows = rows, .n = n};
    r.x = ck_fill(c, ck_floats(c, rows * n), rows * n, -2, 3);
    r.dy = ck_fill(c, ck_floats(c, rows * n), rows * n, -1, 1);
    if (ck_below(c, 4)) r.gamma = ck_fill(c, ck_floats(c, n), n, -2, 2);
    if (ck_below(c, 4)) r.beta = ck_fill(c, ck_floats(c, n), n, -2, 2);
    ck_freeze(c, r.x);
    ck_freeze(c, r.dy);
    if (r.gamma) ck_freeze(c, r.gamma);
    if (r.beta) ck_freeze(c, r.beta);
    return r;
}

/* Exact statistics of a row; `slip` bounds what the computed mean is off by. */
struct row_statistics {
    double mean, rstd, slip;
};

static struct row_statistics row_statistics(const float *x, int64_t n, double eps, bool centred)
{
    struct row_statistics s = {0};
    double sum = 0, sizes = 0, squares = 0;
    for (int64_t i = 0; i < n; i++) {
        sum += (double)x[i];
        sizes += fabs((double)x[i]);
    }
    if (centred) s.mean = sum / (double)n;
    if (centred) s.slip = norm_terms(n) * CK_EPS * sizes / (double)n;
    for (int64_t i = 0; i < n; i++) squares += ((double)x[i] - s.mean) * ((double)x[i] - s.mean);
    s.rstd = 1 / sqrt(squares / (double)n + eps);
    return s;
}

/* y of one row, both for layer norm and (centred false, no beta) RMS norm. */
static void check_row(struct checkkern *c, const float *y, const float *x, const float *gamma,
                      const float *beta, struct row_statistics s, int64_t n)
{
    for (int64_t i = 0; i < n; i++) {
        double xhat = ((double)x[i] - s.mean) * s.rstd;
        double g = gamma ? (double)gamma[i] : 1, want = xhat * g + (beta ? (double)beta[i] : 0);
        double part = norm_terms(n) * CK_EPS + s.slip * s.rstd;
        double bound = fabs(g) * (s.slip * s.rstd + fabs(xhat) * part) + 2 * CK_EPS * fabs(want);
        ck_near(c, y[i], want, bound, "n=%lld i=%lld", (long long)n, (long long)i);
    }
}

static void layernorm_case(struct checkkern *c, int64_t rows, int64_t n)
{
    struct row_case r = row_case(c, rows, n);
    bool stats = ck_below(c, 2);
    float *y = ck_floats(c, rows * n), *alone = ck_floats(c, rows * n);
    float *mean = stats ? ck_floats(c, rows) : NULL, *rstd = stats ? ck_floats(c, rows) : NULL;
    c->k->layernorm_f32(y, mean, rstd, r.x, r.gamma, r.beta, rows, n, 1e-5f, 0);
    memcpy(alone, r.x, (size_t)(rows * n) * sizeof *alone);
    for (int64_t i = 0; i < rows; i++) {
        const float *x = r.x + i * n;
        struct row_statistics s = row_statistics(x, n, (double)1e-5f, true);
        check_row(c, y + i * n, x, r.gamma, r.beta, s, n);
        if (stats) {
            ck_near(c, mean[i], s.mean, s.slip, "mean n=%lld", (long long)n);
            ck_near(c, rstd[i], s.rstd, s.rstd * (norm_terms(n) * CK_EPS + s.slip * s.rstd),
                    "rstd n=%lld", (long long)n);
        }
        c->k->layernorm_f32(alone + i * n, NULL, NULL, alone + i * n, r.gamma, r.beta, 1, n, 1e-5f,
                            0);
    }
    ck_same_bytes(c, y, alone, (size_t)(rows * n) * sizeof *y, "rows alone and in place, n=%lld",
                  (long long)n);
    float *past = ck_floats_at(c, rows * n, (int)(ck_below(c, 2) ? -(rows * n) & 15 : 4));
    c->k->layernorm_f32(past, NULL, NULL, r.x, r.gamma, r.beta, rows, n, 1e-5f, 1);
    ck_same_bytes(c, y, past, (size_t)(rows * n) * sizeof *y, "past the caches, n=%lld",
                  (long long)n);
    ck_release(c);
}

/* A NaN or infinity makes its row NaN and no other. */
static void layernorm_nan(struct checkkern *c, float bad)
{
    int64_t n = 37;
    float *x = ck_fill(c, ck_floats(c, 2 * n), 2 * n, -1, 1), *y = ck_floats(c, 2 * n);
    x[ck_below(c, n)] = bad;
    c->k->layernorm_f32(y, NULL, NULL, x, NULL, NULL, 2, n, 1e-5f, 0);
    for (int64_t i = 0; i < n; i++) {
        ck_true(c, isnan(y[i]), "%g in the row gives %g", (double)bad, (double)y[i]);
        ck_true(c, isfinite(y[n + i]), "%g in the row above gives %g", (double)bad, (double)y[i]);
    }
    ck_release(c);
}

void check_layernorm_f32(struct checkkern *c)
{
    for (int64_t n = 1; n <= CK_LENGTHS; n++) layernorm_case(c, 3, n);
    for (int64_t n = 63; n <= 4097; n = n * 2 + ck_below(c, 3)) layernorm_case(c, 2, n);
    layernorm_case(c, 3, 1024);
    layernorm_case(c, 0, 5);
    layernorm_nan(c, NAN);
    layernorm_nan(c, INFINITY);
    if (!c->bench) return;
    int64_t rows = 4096, n = 768;
    float *x = ck_fill(c, ck_floats_at(c, rows * n, 0), rows * n, -1, 1);
    float *y = ck_floats_at(c, rows * n, 0), *g = ck_fill(c, ck_floats_at(c, n, 0), n, -1, 1);
    CK_BENCH(c, "4096 x 768", 8. * (double)(rows * n), "B",
             c->k->layernorm_f32(y, NULL, NULL, x, g, g, rows, n, 1e-5f, 0));
    CK_BENCH(c, "64 x 768", 8. * (double)(64 * n), "B",
             c->k->layernorm_f32(y, NULL, NULL, x, g, g, 64, n, 1e-5f, 0));
}

static void rmsnorm_case(struct checkkern *c, int64_t rows, int64_t n)
{
    struct row_case r = row_case(c, rows, n);
    bool stats = ck_below(c, 2);
    float *y = ck_floats(c, rows * n), *alone = ck_floats(c, rows * n);
    float *rstd = stats ? ck_floats(c, rows) : NULL;
    c->k->rmsnorm_f32(y, rstd, r.x, r.gamma, rows, n, 1e-6f);
    memcpy(alone, r.x, (size_t)(rows * n) * sizeof *alone);
    for (int64_t i = 0; i < rows; i++) {
        struct row_statistics s = row_statistics(r.x + i * n, n, (double)1e-6f, false);
        check_row(c, y + i * n, r.x + i * n, r.gamma, NULL, s, n);
        if (stats)
            ck_near(c, rstd[i], s.rstd, s.rstd * norm_terms(n) * CK_EPS, "rstd n=%lld",
                    (long long)n);
        c->k->rmsnorm_f32(alone + i * n, NULL, alone + i * n, r.gamma, 1, n, 1e-6f);
    }
    ck_same_bytes(c, y, alone, (size_t)(rows * n) * sizeof *y, "rows alone and in place, n=%lld",
                  (long long)n);
    ck_release(c);
}

void check_rmsnorm_f32(struct checkkern *c)
{
    for (int64_t n = 1; n <= CK_LENGTHS; n++) rmsnorm_case(c, 3, n);
    for (int64_t n = 63; n <= 4097; n = n * 2 + ck_below(c, 3)) rmsnorm_case(c, 2, n);
    rmsnorm_case(c, 0, 5);
    if (!c->bench) return;
    int64_t rows = 1024, n = 4096;
    float *x = ck_fill(c, ck_floats_at(c, rows * n, 0), rows * n, -1, 1);
    float *y = ck_floats_at(c, rows * n, 0), *g = ck_fill(c, ck_floats_at(c, n, 0), n, -1, 1);
    CK_BENCH(c, "1024 x 4096", 8. * (double)(rows * n), "B",
             c->k->rmsnorm_f32(y, NULL, x, g, rows, n, 1e-6f));
    CK_BENCH(c, "16 x 4096", 8. * (double)(16 * n), "B",
             c->k->rmsnorm_f32(y, NULL, x, g, 16, n, 1e-6f));
}

/* dx of one row, from the mean and rstd that the kernel was given. */
static void check_row_dx(struct checkkern *c, const float *dx, const struct row_case *r,
                         int64_t row, double mean, double rstd, bool centred)
{
    const float *x = r->x + row * r->n, *dy = r->dy + row * r->n;
    double g_sum = 0, g_size = 0, gx_sum = 0, gx_size = 0, n = (double)r->n;
    for (int64_t i = 0; i < r->n; i++) {
        double g = (double)dy[i] * (r->gamma ? (double)r->gamma[i] : 1);
        double gx = g * ((double)x[i] - mean) * rstd;
        g_sum += g;
        g_size += fabs(g);
        gx_sum += gx;
        gx_size += fabs(gx);
    }
    if (!centred) g_sum = g_size = 0;
    for (int64_t i = 0; i < r->n; i++) {
        double g = (double)dy[i] * (r->gamma ? (double)r->gamma[i] : 1);
        double xhat = ((double)x[i] - mean) * rstd;
        double want = rstd * (g - g_sum / n - xhat * gx_sum / n);
        double sizes = fabs(g) + (g_size + fabs(xhat) * gx_size) / n;
        ck_near(c, dx[i], want, rstd * sizes * norm_terms(r->n) * CK_EPS, "dx n=%lld i=%lld",
                (long long)r->n, (long long)i);
    }
}

/* dgamma (scaled) or dbeta: `before` plus the sum over the rows. */
static void check_parameter(struct checkkern *c, const float *got, const float *before,
                            const struct row_case *r, const float *mean, const float *rstd,
                            bool gamma)
{
    for (int64_t i = 0; i < r->n; i++) {
        double sum = (double)before[i], sizes = fabs(sum);
        for (int64_t row = 0; row < r->rows; row++) {
            double v = (double)r->dy[row * r->n + i];
            double m = mean ? (double)mean[row] : 0;
            if (gamma) v *= ((double)r->x[row * r->n + i] - m) * (double)rstd[row];
            sum += v;
            sizes += fabs(v);
        }
        ck_near(c, got[i], sum, ck_sum_bound(r->rows + 3, sizes), "d%s n=%lld i=%lld",
                gamma ? "gamma" : "beta", (long long)r->n, (long long)i);
    }
}

static void layernorm_backward_case(struct checkkern *c, int64_t rows, int64_t n)
{
    struct row_case r = row_case(c, rows, n);
    float *mean = ck_fill(c, ck_floats(c, rows), rows, -1, 1);
    float *rstd = ck_fill(c, ck_floats(c, rows), rows, 0.1, 2);
    float *before = ck_fill(c, ck_floats(c, n), n, -1, 1);
    float *dx = ck_below(c, 4) ? ck_floats(c, rows * n) : NULL;
    float *dgamma = ck_below(c, 4) ? ck_floats(c, n) : NULL;
    float *dbeta = ck_below(c, 4) ? ck_floats(c, n) : NULL;
    if (dgamma) memcpy(dgamma, before, (size_t)n * sizeof *dgamma);
    if (dbeta) memcpy(dbeta, before, (size_t)n * sizeof *dbeta);
    c->k->layernorm_backward_f32(dx, dgamma, dbeta, r.dy, r.x, mean, rstd, r.gamma, rows, n);
    for (int64_t i = 0; dx && i < rows; i++)
        check_row_dx(c, dx + i * n, &r, i, (double)mean[i], (double)rstd[i], true);
    if (dgamma) check_parameter(c, dgamma, before, &r, mean, rstd, true);
    if (dbeta) check_parameter(c, dbeta, before, &r, mean, rstd, false);
    if (dx) { /* the same rows alone, dx in the place of dy */
        float *alone = ck_floats(c, rows * n);
        memcpy(alone, r.dy, (size_t)(rows * n) * sizeof *alone);
        for (int64_t i = 0; i < rows; i++)
            c->k->layernorm_backward_f32(alone + i * n, NULL, NULL, alone + i * n, r.x + i * n,
                                         mean + i, rstd + i, r.gamma, 1, n);
        ck_same_bytes(c, dx, alone, (size_t)(rows * n) * sizeof *dx, "rows alone, n=%lld",
                      (long long)n);
    }
    ck_release(c);
}

void check_layernorm_backward_f32(struct checkkern *c)
{
    for (int64_t n = 1; n <= CK_LENGTHS; n++) layernorm_backward_case(c, 3, n);
    for (int64_t n = 63; n <= 4097; n = n * 2 + ck_below(c, 3)) layernorm_backward_case(c, 2, n);
    layernorm_backward_case(c, 0, 5);
    if (!c->bench) return;
    int64_t rows = 4096, n = 768;
    float *x = ck_fill(c, ck_floats_at(c, rows * n, 0), rows * n, -1, 1);
    float *dx = ck_floats_at(c, rows * n, 0), *g = ck_fill(c, ck_floats_at(c, n, 0), n, -1, 1);
    float *s = ck_fill(c, ck_floats_at(c, rows, 0), rows, 0, 1);
    float *dg = ck_fill(c, ck_floats_at(c, 2 * n, 0), 2 * n, 0, 0);
    CK_BENCH(c, "4096 x 768", 12. * (double)(rows * n), "B",
             c->k->layernorm_backward_f32(dx, dg, dg + n, x, x, s, s, g, rows, n));
}

static void rmsnorm_backward_case(struct checkkern *c, int64_t rows, int64_t n)
{
    struct row_case r = row_case(c, rows, n);
    float *rstd = ck_fill(c, ck_floats(c, rows), rows, 0.1, 2);
    float *before = ck_fill(c, ck_floats(c, n), n, -1, 1);
    float *dx = ck_below(c, 4) ? ck_floats(c, rows * n) : NULL;
    float *dgamma = ck_below(c, 4) ? ck_floats(c, n) : NULL;
    if (dgamma) memcpy(dgamma, before, (size_t)n * sizeof *dgamma);
    c->k->rmsnorm_backward_f32(dx, dgamma, r.dy, r.x, rstd, r.gamma, rows, n);
    for (int64_t i = 0; dx && i < rows; i++)
        check_row_dx(c, dx + i * n, &r, i, 0, (double)rstd[i], false);
    if (dgamma) check_parameter(c, dgamma, before, &r, NULL, rstd, true);
    ck_true(c, true, "a case of nothing");
    ck_release(c);
}

void check_rmsnorm_backward_f32(struct checkkern *c)
{
    for (int64_t n = 1; n <= CK_LENGTHS; n++) rmsnorm_backward_case(c, 3, n);
    for (int64_t n = 63; n <= 4097; n = n * 2 + ck_below(c, 3)) rmsnorm_backward_case(c, 2, n);
    rmsnorm_backward_case(c, 0, 5);
}

/* The order of the sum is promised: exact bits. */
void check_fold_rows_f32(struct checkkern *c)
{
    for (int64_t n = 0; n <= 4 * CK_LENGTHS; n = n < CK_LENGTHS ? n + 1 : n + 31) {
        int64_t count = ck_below(c, 9), stride = n + ck_below(c, 5);
        int64_t size = count ? (count - 1) * stride + n : 0;
        const float *x = ck_fill(c, ck_floats(c, size), size, -1, 1);
        float *y = ck_floats(c, n);
        ck_freeze(c, x);
        c->k->fold_rows_f32(y, x, count, stride, n);
        for (int64_t j = 0; j < n; j++) {
            float sum = 0;
            for (int64_t i = 0; i < count; i++) sum += x[i * stride + j];
            ck_same(c, y[j], sum, "n=%lld j=%lld count=%lld", (long long)n, (long long)j,
                    (long long)count);
        }
        ck_release(c);
    }
}
