/* Checks of the slots of the losses and of Gumbel noise. */
#include "base/rng.h"
#include "check_norm.h"

static void gap_case(struct checkkern *c, int64_t n, bool with_t)
{
    float *x = ck_fill(c, ck_floats(c, n), n, -9, 9);
    float *t = with_t ? ck_fill(c, ck_floats(c, n), n, 0, 1) : NULL;
    if (t && n > 2) { /* a weight of 0 counts nothing, whatever stands there */
        int64_t at = ck_below(c, n);
        t[at] = 0;
        x[at] = ck_below(c, 2) ? -INFINITY : NAN;
    }
    float lse = (float)ck_uniform(c, 5, 12), got;
    ck_freeze(c, x);
    got = c->k->cross_entropy_gap_f32(x, t, lse, n);
    double sum = 0, sizes = 0;
    for (int64_t i = 0; i < n; i++) {
        double v = (t ? (double)t[i] : 1) * ((double)lse - (double)x[i]);
        if (t && t[i] == 0) continue;
        sum += v;
        sizes += fabs(v);
    }
    ck_near(c, got, sum, norm_terms(n) * CK_EPS * sizes, "n=%lld", (long long)n);
    ck_release(c);
}

void check_cross_entropy_gap_f32(struct checkkern *c)
{
    for (int64_t n = 0; n <= CK_LENGTHS; n++) {
        gap_case(c, n, false);
        gap_case(c, n, true);
    }
    for (int64_t n = 60; n < 70000; n = n * 2 + ck_below(c, 9)) gap_case(c, n, ck_below(c, 2));
}

void check_cross_entropy_dx_f32(struct checkkern *c)
{
    for (int64_t n = 0; n <= 2 * CK_LENGTHS; n++) {
        const float *x = ck_fill(c, ck_floats(c, n), n, -9, 9);
        const float *t = n % 2 ? ck_fill(c, ck_floats(c, n), n, 0, 1) : NULL;
        float *dx = ck_floats(c, n), lse = (float)ck_uniform(c, 5, 12), v[3];
        ck_fill(c, v, 3, -1, 1);
        ck_freeze(c, x);
        c->k->cross_entropy_dx_f32(dx, x, t, lse, v[0], v[1], v[2], n);
        for (int64_t i = 0; i < n; i++) {
            double gap = (double)x[i] - (double)lse, p = (double)v[0] * exp(gap);
            double q = t ? (double)v[1] * (double)t[i] : 0, u = (double)v[2];
            ck_near(c, dx[i], p - q - u,
                    CK_EPS * (fabs(p) * (fabs(gap) + 4) + 3 * fabs(q) + 3 * fabs(u)),
                    "n=%lld i=%lld", (long long)n, (long long)i);
        }
        ck_release(c);
    }
    if (!c->bench) return;
    int64_t n = 50257;
    float *x = ck_fill(c, ck_floats_at(c, n, 0), n, -5, 5), *dx = ck_floats_at(c, n, 0);
    CK_BENCH(c, "50257", 8. * (double)n, "B",
             c->k->cross_entropy_dx_f32(dx, x, NULL, 12, 1, 0, 0, n));
}

void check_total_f32(struct checkkern *c)
{
    for (int64_t n = 0; n < 70000; n = n <= CK_LENGTHS ? n + 1 : n * 2 + ck_below(c, 9)) {
        const float *x = ck_fill(c, ck_floats(c, n), n, -1, 2);
        double sum = 0, sizes = 0;
        ck_freeze(c, x);
        for (int64_t i = 0; i < n; i++) {
            sum += (double)x[i];
            sizes += fabs((double)x[i]);
        }
        ck_near(c, c->k->total_f32(x, n), sum, norm_terms(n) * CK_EPS * sizes, "n=%lld",
                (long long)n);
        ck_release(c);
    }
}

void check_mse_f32(struct checkkern *c)
{
    for (int64_t n = 0; n <= CK_LENGTHS; n++) {
        const float *x = ck_fill_special(c, ck_fill(c, ck_floats(c, n), n, -3, 3), n, 20);
        const float *t = ck_fill(c, ck_floats(c, n), n, -3, 3);
        float *y = ck_floats(c, n);
        ck_freeze(c, x);
        ck_freeze(c, t);
        c->k->mse_f32(y, x, t, n);
        for (int64_t i = 0; i < n; i++) {
            double d = (double)x[i] - (double)t[i];
            ck_near(c, y[i], d * d, 2 * CK_EPS * d * d + 0x1p-149, "n=%lld", (long long)n);
        }
        ck_release(c);
    }
}

/* g of element i of a gradient kernel, and the operands. */
struct loss_case {
    float *x, *t, *g, *dx, factor;
    int step;
};

static struct loss_case loss_case(struct checkkern *c, int64_t n)
{
    struct loss_case l = {.step = (int)ck_below(c, 2), .factor = (float)ck_uniform(c, -2, 2)};
    int64_t g_size = l.step ? n : 1;
    l.x = ck_fill(c, ck_floats(c, n), n, -9, 9);
    l.t = ck_fill(c, ck_floats(c, n), n, 0, 1);
    l.g = ck_fill(c, ck_floats(c, g_size), g_size, -1, 1);
    l.dx = ck_floats(c, n);
    ck_freeze(c, l.x);
    ck_freeze(c, l.t);
    ck_freeze(c, l.g);
    return l;
}

void check_mse_dx_f32(struct checkkern *c)
{
    for (int64_t n = 0; n <= 2 * CK_LENGTHS; n++) {
        struct loss_case l = loss_case(c, n);
        c->k->mse_dx_f32(l.dx, l.x, l.t, l.g, l.step, l.factor, n);
        for (int64_t i = 0; i < n; i++) {
            double r = (double)l.factor * (double)l.g[i * l.step];
            double want = 2 * r * ((double)l.x[i] - (double)l.t[i]);
            ck_near(c, l.dx[i], want, 3 * CK_EPS * fabs(want), "n=%lld", (long long)n);
        }
        ck_release(c);
    }
}

/* Its terms: max(x,0) and x t may cancel, so the bound is of their sizes. */
void check_bce_f32(struct checkkern *c)
{
    for (int64_t n = 0; n <= 2 * CK_LENGTHS; n++) {
        const float *x = ck_fill(c, ck_floats(c, n), n, n % 3 ? -9 : -120, n % 3 ? 9 : 120);
        const float *t = ck_fill(c, ck_floats(c, n), n, 0, 1);
        float *y = ck_floats(c, n);
        ck_freeze(c, x);
        ck_freeze(c, t);
        c->k->bce_f32(y, x, t, n);
        for (int64_t i = 0; i < n; i++) {
            double v = (double)x[i], tail = log1p(exp(-fabs(v)));
            double want = fmax(v, 0) - v * (double)t[i] + tail;
            double bound = CK_EPS * (fabs(fmax(v, 0)) + 2 * fabs(v * (double)t[i]) + 4 * tail);
            ck_near(c, y[i], want, bound + 0x1p-148, "n=%lld x=%g", (long long)n, v);
        }
        ck_release(c);
    }
    if (!c->bench) return;
    int64_t n = 1 << 20;
    float *x = ck_fill(c, ck_floats_at(c, n, 0), n, -5, 5), *y = ck_floats_at(c, n, 0);
    CK_BENCH(c, "1 Mi", 12. * (double)n, "B", c->k->bce_f32(y, x, x, n));
}

void check_bce_dx_f32(struct checkkern *c)
{
    for (int64_t n = 0; n <= 2 * CK_LENGTHS; n++) {
        struct loss_case l = loss_case(c, n);
        c->k->bce_dx_f32(l.dx, l.x, l.t, l.g, l.step, l.factor, n);
        for (int64_t i = 0; i < n; i++) {
            double r = (double)l.factor * (double)l.g[i * l.step];
            double p = 1 / (1 + exp(-(double)l.x[i])), want = r * (p - (double)l.t[i]);
            ck_near(c, l.dx[i], want, CK_EPS * fabs(r) * (4 * p + 4 * (double)l.t[i]), "n=%lld",
                    (long long)n);
        }
        ck_release(c);
    }
}

/* The words are those of the random numbers of base/rng.h, at any start, also across 2^34 words,
 * where the block number carries into its upper half. */
static void gumbel_case(struct checkkern *c, int64_t n, uint64_t first)
{
    const float *x = ck_fill(c, ck_floats(c, n), n, -3, 3);
    float *y = ck_floats(c, n), scale = (float)ck_uniform(c, 0.1, 3);
    uint64_t seed = ck_random(c), stream = ck_random(c);
    ck_freeze(c, x);
    c->k->gumbel_f32(y, x, scale, seed, stream, first, n);
    for (int64_t i = 0; i < n; i++) {
        uint32_t w = sw__random_u32(seed, stream, first + (uint64_t)i);
        double u = ((double)(w >> 9) + 0.5) * 0x1p-23, noise = -log(-log(u));
        double want = ((double)x[i] + noise) * (double)scale;
        double bound = (4 + 3 * fabs(noise) + 2 * fabs((double)x[i])) * CK_EPS * (double)scale;
        ck_near(c, y[i], want, bound, "n=%lld i=%lld first=%llu u=%g", (long long)n, (long long)i,
                (unsigned long long)first, u);
    }
    ck_release(c);
}

void check_gumbel_f32(struct checkkern *c)
{
    for (int64_t n = 0; n <= 3 * CK_LENGTHS; n++)
        gumbel_case(c, n, (uint64_t)ck_below(c, 1 << 20) * 4);
    for (int64_t back = 0; back < 130; back += 4)
        gumbel_case(c, 150, (UINT64_C(1) << 34) - (uint64_t)back);
    if (!c->bench) return;
    int64_t n = 8192;
    float *x = ck_fill(c, ck_floats_at(c, n, 0), n, -5, 5), *y = ck_floats_at(c, n, 0);
    CK_BENCH(c, "8192", 8. * (double)n, "B", c->k->gumbel_f32(y, x, 1, 1, 2, 0, n));
}
