/* Checks of the optim slots: against the definition in float64; no element knows its neighbours.
 *
 * The bounds count roundings: an operation moves its result by at most CK_EPS / 2 of its magnitude,
 * so a value made of k operations on terms of magnitude M in all is within k CK_EPS / 2 M.  They are
 * written with twice that, for the second-order terms. */
#include "checkkern.h"

/* The arrays of one call: weight, two moments, gradient. */
struct arrays {
    float *w, *m, *v, *g;
};

struct rates {
    float lr, momentum, decay, scale;
    struct sw_adam_rates adam;
};

static struct arrays fill_arrays(struct checkkern *c, int64_t n)
{
    struct arrays a = {.w = ck_fill(c, ck_floats(c, n), n, -2, 2),
                       .m = ck_fill(c, ck_floats(c, n), n, -0.1, 0.1),
                       .v = ck_fill(c, ck_floats(c, n), n, 0, 0.01),
                       .g = ck_fill(c, ck_floats(c, n), n, -1, 1)};
    return a;
}

static struct arrays copy_arrays(struct checkkern *c, const struct arrays *a, int64_t from,
                                 int64_t n)
{
    const size_t bytes = (size_t)n * sizeof(float);
    struct arrays b = {ck_floats(c, n), ck_floats(c, n), ck_floats(c, n), ck_floats(c, n)};
    if (!bytes) return b;
    memcpy(b.w, a->w + from, bytes);
    memcpy(b.m, a->m + from, bytes);
    memcpy(b.v, a->v + from, bytes);
    memcpy(b.g, a->g + from, bytes);
    return b;
}

static struct rates draw_rates(struct checkkern *c, int64_t n)
{
    struct rates r = {.lr = (float)ck_uniform(c, 1e-3, 0.5),
                      .momentum = (float)ck_uniform(c, 0.5, 0.99),
                      .decay = n % 3 ? (float)ck_uniform(c, 1e-4, 0.1) : 0,
                      .scale = n % 2 ? (float)ck_uniform(c, 0.01, 1) : 1};
    int step = 1 + (int)ck_below(c, 100);
    r.adam = (struct sw_adam_rates){.lr = r.lr,
                                    .beta1 = 0.9f,
                                    .beta2 = 0.999f,
                                    .eps = 1e-8f,
                                    .decay = n % 4 == 1 ? r.decay : 0,
                                    .shrink = n % 4 == 2 ? r.decay : 0,
                                    .scale = r.scale,
                                    .m_scale = (float)(1 / (1 - pow(0.9, step))),
                                    .v_scale = (float)(1 / (1 - pow(0.999, step)))};
    return r;
}

typedef void call_fn(struct checkkern *c, const struct arrays *a, int64_t n, const struct rates *r);
/* Compare element i: `old` before the call, `a` after it. */
typedef void compare_fn(struct checkkern *c, const struct arrays *old, const struct arrays *a,
                        int64_t i, const struct rates *r);

/* One NaN spoils its own element only; a part alone has the same bits as in the whole. */
static void check_alone(struct checkkern *c, call_fn *call, int64_t n, const struct rates *r)
{
    struct arrays a = fill_arrays(c, n), whole = copy_arrays(c, &a, 0, n);
    call(c, &whole, n, r);
    int64_t from = n ? ck_below(c, n) : 0, bad = n ? ck_below(c, n) : 0;
    struct arrays part = copy_arrays(c, &a, from, n - from);
    call(c, &part, n - from, r);
    for (int64_t i = 0; i < n - from; i++) {
        ck_same(c, part.w[i], whole.w[from + i], "from %lld", (long long)from);
        ck_same(c, part.m[i], whole.m[from + i], "from %lld", (long long)from);
        ck_same(c, part.v[i], whole.v[from + i], "from %lld", (long long)from);
    }
    if (n) a.g[bad] = ck_below(c, 2) ? NAN : INFINITY;
    call(c, &a, n, r);
    for (int64_t i = 0; i < n; i++) {
        if (i == bad)
            ck_true(c, !isfinite(a.w[i]), "n=%lld: a bad gradient was lost", (long long)n);
        else
            ck_same(c, a.w[i], whole.w[i], "n=%lld, bad gradient at %lld", (long long)n,
                    (long long)bad);
    }
    ck_release(c);
}

static void check_update(struct checkkern *c, call_fn *call, compare_fn *compare, double streams)
{
    for (int64_t n = 0; n <= CK_LENGTHS; n++) {
        struct rates r = draw_rates(c, n);
        struct arrays a = fill_arrays(c, n), old = copy_arrays(c, &a, 0, n);
        ck_freeze(c, a.g);
        call(c, &a, n, &r);
        for (int64_t i = 0; i < n; i++) compare(c, &old, &a, i, &r);
        ck_release(c);
        check_alone(c, call, n, &r);
    }
    if (!c->bench) return;
    static const int64_t sizes[] = {4096, 8 << 20};
    for (int i = 0; i < 2; i++) {
        int64_t n = sizes[i];
        struct rates r = draw_rates(c, 1);
        struct arrays a = {ck_floats_at(c, n, 0), ck_floats_at(c, n, 0), ck_floats_at(c, n, 0),
                           ck_floats_at(c, n, 0)};
        memset(a.w, 0, (size_t)n * sizeof(float));
        memset(a.m, 0, (size_t)n * sizeof(float));
        memset(a.v, 0, (size_t)n * sizeof(float));
        ck_fill(c, a.g, n, -1, 1);
        CK_BENCH(c, i ? "8M" : "4096", streams * 4 * (double)n, "B", call(c, &a, n, &r));
        ck_release(c);
    }
}

/* ---- sgd --------------------------------------------------------------------------------------- */

static void call_sgd(struct checkkern *c, const struct arrays *a, int64_t n, const struct rates *r)
{
    c->k->sgd_f32(a->w, a->g, n, r->lr, r->decay, r->scale);
}

static void compare_sgd(struct checkkern *c, const struct arrays *old, const struct arrays *a,
                        int64_t i, const struct rates *r)
{
    double w = (double)old->w[i], g = (double)old->g[i];
    double lr = (double)r->lr, decay = (double)r->decay, scale = (double)r->scale;
    double size = fabs(w) + lr * (fabs(scale * g) + fabs(decay * w));
    ck_near(c, a->w[i], w - lr * (scale * g + decay * w), 5 * CK_EPS * size, "i=%lld",
            (long long)i);
}

void check_sgd_f32(struct checkkern *c)
{
    check_update(c, call_sgd, compare_sgd, 3);
}

static void call_momentum(struct checkkern *c, const struct arrays *a, int64_t n,
                          const struct rates *r)
{
    c->k->sgd_momentum_f32(a->w, a->v, a->g, n, r->lr, r->momentum, r->decay, r->scale);
}

static void compare_momentum(struct checkkern *c, const struct arrays *old, const struct arrays *a,
                             int64_t i, const struct rates *r)
{
    double w = (double)old->w[i], g = (double)old->g[i], v = (double)old->v[i];
    double lr = (double)r->lr, decay = (double)r->decay, scale = (double)r->scale;
    double size = fabs(v) + lr * (fabs(scale * g) + fabs(decay * w));
    v = (double)r->momentum * v - lr * (scale * g + decay * w);
    ck_near(c, a->v[i], v, 6 * CK_EPS * size, "velocity, i=%lld", (long long)i);
    ck_near(c, a->w[i], w + v, 7 * CK_EPS * (fabs(w) + size), "weight, i=%lld", (long long)i);
}

void check_sgd_momentum_f32(struct checkkern *c)
{
    check_update(c, call_momentum, compare_momentum, 5);
}

/* ---- adam -------------------------------------------------------------------------------------- */

static void call_adam(struct checkkern *c, const struct arrays *a, int64_t n, const struct rates *r)
{
    c->k->adam_f32(a->w, a->m, a->v, a->g, n, &r->adam);
}

static void compare_adam(struct checkkern *c, const struct arrays *old, const struct arrays *a,
                         int64_t i, const struct rates *rates)
{
    const struct sw_adam_rates *r = &rates->adam;
    double w = (double)old->w[i], g = (double)old->g[i], m = (double)old->m[i];
    double v = (double)old->v[i], beta1 = (double)r->beta1, beta2 = (double)r->beta2;
    double d = (double)r->scale * g + (double)r->decay * w;
    double d_size = fabs((double)r->scale * g) + fabs((double)r->decay * w);
    double m_size = fabs(beta1 * m) + (1 - beta1) * d_size;
    double v_size = beta2 * v + (1 - beta2) * d_size * d_size;
    m = beta1 * m + (1 - beta1) * d;
    v = beta2 * v + (1 - beta2) * d * d;
    ck_near(c, a->m[i], m, 5 * CK_EPS * m_size, "m, i=%lld", (long long)i);
    ck_near(c, a->v[i], v, 8 * CK_EPS * v_size, "v, i=%lld", (long long)i);
    double root = sqrt((double)r->v_scale * v) + (double)r->eps;
    double u = (double)r->m_scale * m / root, u_size = (double)r->m_scale * m_size / root;
    /* m and v with their errors (half of v's after the root), and five more operations. */
    double u_error = (5 + 5) * CK_EPS * u_size + 4 * CK_EPS * fabs(u) * v_size / v;
    double shrink = (double)r->shrink, lr = (double)r->lr;
    double size = fabs(w) + lr * (fabs(u) + shrink * fabs(w));
    ck_near(c, a->w[i], w - lr * (u + shrink * w), lr * u_error + 4 * CK_EPS * size, "w, i=%lld",
            (long long)i);
}

/* Moments of zero and a gradient of zero leave the weight alone: 0 / (0 + eps). */
static void check_zero_gradient(struct checkkern *c)
{
    int64_t n = 37;
    struct arrays a = fill_arrays(c, n), old = copy_arrays(c, &a, 0, n);
    struct rates r = draw_rates(c, 4);
    memset(a.m, 0, (size_t)n * sizeof(float));
    memset(a.v, 0, (size_t)n * sizeof(float));
    memset(a.g, 0, (size_t)n * sizeof(float));
    call_adam(c, &a, n, &r);
    ck_same_bytes(c, a.w, old.w, (size_t)n * sizeof(float), "gradient 0");
    ck_release(c);
}

void check_adam_f32(struct checkkern *c)
{
    check_update(c, call_adam, compare_adam, 7);
    check_zero_gradient(c);
}

/* ---- a y + b x --------------------------------------------------------------------------------- */

static bool beyond_f32(double x)
{
    return isfinite(x) && fabs(x) > 3.4e38;
}

void check_axpby_f32(struct checkkern *c)
{
    for (int64_t n = 0; n <= CK_LENGTHS; n++)
        for (int keep = 0; keep < 2; keep++) {
            float *x = ck_fill(c, ck_floats(c, n), n, -1, 1);
            float *y = ck_fill(c, ck_floats(c, n), n, -1, 1), *old = ck_floats(c, n);
            float a = keep ? (float)ck_uniform(c, -2, 2) : 0, b = (float)ck_uniform(c, -2, 2);
            if (n % 2) ck_fill_special(c, x, n, 6);
            if (n % 2) ck_fill_special(c, y, n, 6);
            if (n) memcpy(old, y, (size_t)n * sizeof(float));
            ck_freeze(c, x);
            c->k->axpby_f32(y, x, n, a, b);
            for (int64_t i = 0; i < n; i++) {
                double p = keep ? (double)a * (double)old[i] : 0, q = (double)b * (double)x[i];
                /* Where one product leaves the range of f32, the sum may be infinite, or not a
                 * number, or right: it depends on the ISA's fused operations. */
                if (beyond_f32(p) || beyond_f32(q)) continue;
                ck_near(c, y[i], p + q, 2 * CK_EPS * (fabs(p) + fabs(q)) + 0x1p-148,
                        "n=%lld i=%lld", (long long)n, (long long)i);
            }
            ck_release(c);
        }
    if (!c->bench) return;
    int64_t n = 4096;
    float *x = ck_fill(c, ck_floats_at(c, n, 0), n, -1, 1);
    float *y = ck_fill(c, ck_floats_at(c, n, 0), n, -1, 1);
    CK_BENCH(c, "4096", 12. * (double)n, "B", c->k->axpby_f32(y, x, n, 0.9f, 0.1f));
    n = 8 << 20;
    x = ck_fill(c, ck_floats_at(c, n, 0), n, -1, 1);
    y = ck_fill(c, ck_floats_at(c, n, 0), n, -1, 1);
    CK_BENCH(c, "8M", 12. * (double)n, "B", c->k->axpby_f32(y, x, n, 0.9f, 0.1f));
}

/* ---- sum of squares ---------------------------------------------------------------------------- */

void check_sum_squares_f32(struct checkkern *c)
{
    for (int64_t n = 0; n <= 4 * CK_LENGTHS; n++) {
        float *x = ck_fill(c, ck_floats(c, n), n, -1e3, 1e3);
        double want = 0;
        ck_freeze(c, x);
        for (int64_t i = 0; i < n; i++) want += (double)x[i] * (double)x[i];
        double got = c->k->sum_squares_f32(x, n);
        /* Products of two f32 are exact in f64, so there are n - 1 roundings on either side. */
        ck_true(c, fabs(got - want) <= (double)n * 0x1p-52 * want, "n=%lld: %.17g, not %.17g",
                (long long)n, got, want);
        ck_release(c);
    }
    for (int64_t n = 1; n <= CK_LENGTHS; n++) {
        float *x = ck_fill(c, ck_floats(c, n), n, -1, 1);
        x[ck_below(c, n)] = n % 2 ? NAN : -INFINITY;
        double got = c->k->sum_squares_f32(x, n);
        ck_true(c, n % 2 ? isnan(got) : got == INFINITY, "n=%lld: %g", (long long)n, got);
        ck_release(c);
    }
    if (!c->bench) return;
    for (int i = 0; i < 2; i++) {
        int64_t n = i ? 8 << 20 : 4096;
        float *x = ck_fill(c, ck_floats_at(c, n, 0), n, -1, 1);
        CK_BENCH(c, i ? "8M" : "4096", 4. * (double)n, "B", c->k->sum_squares_f32(x, n));
    }
}
