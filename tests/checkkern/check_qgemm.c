/* Checks of the qgemm slots.  The oracles read panels and rows by the layout in qgemm_kernels.h, an
 * element at a time, and sum in float64. */
#include "checkkern.h"

enum { GROUP = SW_QGEMM_GROUP, COLUMNS = SW_QGEMM_COLUMNS, ROWS = SW_QGEMM_ROWS, MOST_ROWS = 19 };

/* ---- rounding ---------------------------------------------------------------------------------- */

static void fill_groups(struct checkkern *c, float *x, int64_t groups)
{
    for (int64_t b = 0; b < groups; b++) {
        double size = ldexp(1, (int)ck_below(c, 280) - 149); /* subnormal maxima too */
        ck_fill(c, x + b * GROUP, GROUP, -size, size);
        if (ck_below(c, 4) == 0) ck_fill_special(c, x + b * GROUP, GROUP, 20);
        if (ck_below(c, 8) == 0) memset(x + b * GROUP, 0, GROUP * sizeof *x);
        if (ck_below(c, 8) == 0) /* quotients that are halves: ties */
            for (int j = 0; j < GROUP; j++)
                x[b * GROUP + j] = j ? (float)(ck_below(c, 255) - 127) / 2 : 127;
    }
}

/* f32 operations in the order of the definition; each is IEEE's, so the bits are known. */
static void check_group(struct checkkern *c, const struct sw_qgemm_group *a, int row,
                        const float *x, int offset)
{
    float most = 0, d = 0;
    bool fault = false;
    int sum = 0;
    for (int j = 0; j < GROUP; j++) {
        fault = fault || isnan(x[j]) || isinf(x[j]);
        if (fabsf(x[j]) > most) most = fabsf(x[j]);
    }
    float inverse = (float)(127 / (double)most);
    bool zero = fault || isinf(inverse);
    if (!zero) d = (float)((double)most / 127);
    ck_same(c, a->d[row], fault ? NAN : d, "d of %g", (double)most);
    for (int j = 0; j < GROUP; j++) {
        int want = zero ? 0 : (int)nearbyint((double)(float)((double)x[j] * (double)inverse));
        ck_true(c, a->q[row][j] == want, "%g of %g is %d, not %d", (double)x[j], (double)most,
                a->q[row][j], want);
        sum += want;
    }
    ck_true(c, a->sum[row] == offset * sum, "sum %d, not %d", a->sum[row], offset * sum);
}

void check_qgemm_round(struct checkkern *c)
{
    static const int offsets[] = {-128, -8, 1};
    for (int64_t groups = 0; groups <= 12; groups++)
        for (int row = 0; row < ROWS; row++) {
            int offset = offsets[ck_below(c, 3)];
            float *x = ck_floats(c, groups * GROUP);
            size_t bytes = (size_t)groups * sizeof(struct sw_qgemm_group);
            struct sw_qgemm_group *a = ck_bytes(c, bytes, sizeof(float));
            struct sw_qgemm_group *before = ck_bytes(c, bytes, sizeof(float));
            memcpy(before, a, bytes);
            fill_groups(c, x, groups);
            ck_freeze(c, x);
            c->k->qgemm_round(a, row, x, offset, groups);
            for (int64_t b = 0; b < groups; b++) {
                check_group(c, a + b, row, x + b * GROUP, offset);
                memcpy(before[b].q[row], a[b].q[row], GROUP);
                before[b].d[row] = a[b].d[row];
                before[b].sum[row] = a[b].sum[row];
            }
            ck_same_bytes(c, a, before, bytes, "other rows of %lld groups", (long long)groups);
            ck_release(c);
        }
    if (!c->bench) return;
    float *x = ck_fill(c, ck_floats_at(c, 4096, 0), 4096, -9, 9);
    struct sw_qgemm_group *a = ck_bytes(c, 128 * sizeof *a, 64);
    CK_BENCH(c, "4096", 5. * 4096, "B", c->k->qgemm_round(a, 0, x, -8, 128));
}

/* ---- products ---------------------------------------------------------------------------------- */

/* A weight as the panel says it: scale * u - minimum. */
struct weight {
    double scale, minimum;
    int u;
};

struct form {
    struct weight (*read)(const uint8_t *panel, int64_t k, int column);
    int64_t (*bytes)(int64_t groups);
    int offset, step; /* of groups */
};

static double f16_at(const uint8_t *p)
{
    int h = p[0] | p[1] << 8, exponent = h >> 10 & 31, fraction = h & 1023;
    double x = exponent == 31 ? (fraction ? NAN : INFINITY)
               : exponent     ? ldexp(1024 + fraction, exponent - 25)
                              : ldexp(fraction, -24);
    return h & 0x8000 ? -x : x;
}

static int half_byte(const uint8_t *data, int64_t k, int column)
{
    int both = data[k % 16 / 4 * 64 + column * 4 + k % 4];
    return k % GROUP < 16 ? both & 15 : both >> 4;
}

static struct weight read_q8_0(const uint8_t *panel, int64_t k, int column)
{
    const uint8_t *pair = panel + k / 64 * (64 + 1024), *data = pair + 64 + k % 64 / 32 * 512;
    return (struct weight){f16_at(pair + k % 64 / 32 * 32 + 2 * column), 0,
                           data[k % 32 / 4 * 64 + column * 4 + k % 4] - 128};
}

static int64_t bytes_q8_0(int64_t groups)
{
    return groups * 512 + (groups + 1) / 2 * 64;
}

static struct weight read_q4_0(const uint8_t *panel, int64_t k, int column)
{
    const uint8_t *pair = panel + k / 64 * (64 + 512), *data = pair + 64 + k % 64 / 32 * 256;
    return (struct weight){f16_at(pair + k % 64 / 32 * 32 + 2 * column), 0,
                           half_byte(data, k, column) - 8};
}

static int64_t bytes_q4_0(int64_t groups)
{
    return groups * 256 + (groups + 1) / 2 * 64;
}

static struct weight read_q4_k(const uint8_t *panel, int64_t k, int column)
{
    const uint8_t *eight = panel + k / 256 * 2368, *six = eight + 64 + k % 256 / 32 * 32;
    return (struct weight){f16_at(eight + 2 * column) * six[column],
                           f16_at(eight + 32 + 2 * column) * six[16 + column],
                           half_byte(eight + 320 + k % 256 / 32 * 256, k, column)};
}

static int64_t bytes_q4_k(int64_t groups)
{
    return groups / 8 * 2368;
}

static const struct form q8_0 = {read_q8_0, bytes_q8_0, -128, 1};
static const struct form q4_0 = {read_q4_0, bytes_q4_0, -8, 1};
static const struct form q4_k = {read_q4_k, bytes_q4_k, 1, 8};

/* Random bytes, at times all at an end of their range; scales are f16 of moderate size, or anything;
 * the six bits of q4_k are bytes below 64. */
static void fill_panel(struct checkkern *c, uint8_t *panel, int64_t groups, const struct form *f)
{
    int64_t bytes = f->bytes(groups);
    bool ends = ck_below(c, 4) == 0, wild = ck_below(c, 6) == 0;
    for (int64_t i = 0; i < bytes; i++)
        panel[i] = ends ? (uint8_t)(ck_below(c, 2) ? 0xff : 0) : (uint8_t)ck_random(c);
    int64_t period = f == &q4_k ? 2368 : f == &q8_0 ? 1088 : 576;
    for (int64_t at = 0; at < bytes; at += period)
        for (int i = 0; i < (f == &q4_k ? 320 : 64); i++) {
            uint8_t r = (uint8_t)ck_random(c);
            if (i >= 64)
                panel[at + i] = r & 63;
            else if (i % 2 && !wild)
                panel[at + i] = (uint8_t)((r & 0x83) | 0x28); /* magnitudes 2^-5 .. 1 */
            else
                panel[at + i] = r;
        }
}

static void fill_rows(struct checkkern *c, struct sw_qgemm_group *a, int64_t groups, int64_t m,
                      int offset)
{
    bool ends = ck_below(c, 4) == 0, wild = ck_below(c, 6) == 0;
    for (int64_t i = 0; i < m; i++)
        for (int64_t b = 0; b < groups; b++) {
            struct sw_qgemm_group *g = a + i / ROWS * groups + b;
            int sum = 0, row = (int)(i % ROWS);
            for (int j = 0; j < GROUP; j++) {
                int q = ends ? (ck_below(c, 2) ? 127 : -127) : (int)ck_below(c, 255) - 127;
                g->q[row][j] = (int8_t)q;
                sum += q;
            }
            g->d[row] = (float)ck_uniform(c, 0, 2);
            if (wild) ck_fill_special(c, &g->d[row], 1, 9);
            g->sum[row] = offset * sum;
        }
}

/* The bound.  A group adds |dot| d |scale| and, for q4_k, d |sum of q| |minimum|; each of these numbers
 * passes two roundings of its own and one of each sum: 2 * groups + 2 terms in ck_sum_bound.  Where d
 * times a scale or the sum of q is subnormal, it is off by 2^-150 instead, times what it meets. */
static void check_element(struct checkkern *c, float got, const struct form *f,
                          const struct sw_qgemm_group *a, const uint8_t *panel, int64_t groups,
                          int row, int column)
{
    double want = 0, size = 0, tiny = 0, reach = 0;
    for (int64_t b = 0; b < groups; b++) {
        struct weight w = {0};
        double dot = 0, q = 0, d = (double)a[b].d[row];
        for (int j = 0; j < GROUP; j++) {
            w = f->read(panel, b * GROUP + j, column);
            dot += w.u * a[b].q[row][j];
            q += a[b].q[row][j];
        }
        want += dot * (d * w.scale) - (f == &q4_k ? d * q * w.minimum : 0);
        size += fabs(dot * (d * w.scale)) + fabs(d * q * w.minimum);
        reach += fabs(d * w.scale) + fabs(d * q);
        tiny += (fabs(dot) + fabs(w.minimum) + 2) * 0x1p-149;
    }
    /* Near the end of f32's range, a product or a sum may leave it on the way. */
    if (!isfinite(want) || (size + reach > 0x1p126 && !isfinite(got))) {
        ck_true(c, !isfinite(got), "%g is finite", (double)got);
        return;
    }
    ck_near(c, got, want, ck_sum_bound(2 * groups + 2, size) + tiny,
            "%lld groups, row %d, column %d", (long long)groups, row, column);
}

typedef void product_fn(float *c, int64_t ldc, const struct sw_qgemm_group *a, const void *panel,
                        int64_t groups, int64_t m, int n);

/* m rows and n columns; then each row alone, which must have the same bits. */
static void check_product(struct checkkern *c, product_fn *f, const struct form *form,
                          int64_t groups, int64_t m, int n)
{
    int64_t ldc = n + ck_below(c, 5);
    uint8_t *panel = ck_bytes(c, (size_t)form->bytes(groups), 1);
    struct sw_qgemm_group *a = ck_bytes(c, (size_t)((m + ROWS - 1) / ROWS * groups) * sizeof *a,
                                        sizeof(float));
    struct sw_qgemm_group *one = ck_bytes(c, (size_t)groups * sizeof *a, sizeof(float));
    float *y = ck_floats(c, (m - 1) * ldc + n), alone[COLUMNS];
    fill_panel(c, panel, groups, form);
    fill_rows(c, a, groups, m, form->offset);
    ck_freeze(c, panel);
    ck_freeze(c, a);
    f(y, ldc, a, panel, groups, m, n);
    for (int64_t i = 0; i < m; i++) {
        const struct sw_qgemm_group *of = a + i / ROWS * groups;
        int row = (int)(i % ROWS);
        for (int64_t b = 0; b < groups; b++) {
            memcpy(one[b].q[0], of[b].q[row], GROUP);
            one[b].d[0] = of[b].d[row];
            one[b].sum[0] = of[b].sum[row];
        }
        f(alone, COLUMNS, one, panel, groups, 1, n);
        for (int j = 0; j < n; j++) {
            check_element(c, y[i * ldc + j], form, of, panel, groups, row, j);
            ck_same(c, alone[j], y[i * ldc + j], "row %lld of %lld alone", (long long)i,
                    (long long)m);
        }
        for (int64_t j = n; i + 1 < m && j < ldc; j++)
            ck_true(c, ck_is_canary(y[i * ldc + j]), "wrote behind column %d", n);
    }
    ck_release(c);
}

static void check_products(struct checkkern *c, product_fn *f, const struct form *form)
{
    for (int64_t groups = 0; groups <= 5; groups++) {
        for (int64_t m = 1; m <= MOST_ROWS; m++)
            check_product(c, f, form, groups * form->step, m, 1 + (int)ck_below(c, COLUMNS));
        for (int n = 1; n <= COLUMNS; n++)
            check_product(c, f, form, groups * form->step, 1 + ck_below(c, MOST_ROWS), n);
    }
    if (!c->bench) return;
    enum { M = 64, K = 2048, GROUPS = K / GROUP };
    uint8_t *panel = ck_bytes(c, (size_t)form->bytes(GROUPS), 64);
    struct sw_qgemm_group *a = ck_bytes(c, (size_t)M / ROWS * GROUPS * sizeof *a, 64);
    float *y = ck_floats_at(c, M * COLUMNS, 0);
    fill_panel(c, panel, GROUPS, form);
    fill_rows(c, a, GROUPS, M, form->offset);
    CK_BENCH(c, "1x16x2048", (double)form->bytes(GROUPS), "B", f(y, 16, a, panel, GROUPS, 1, 16));
    CK_BENCH(c, "64x16x2048", 2. * M * COLUMNS * K, "OP", f(y, 16, a, panel, GROUPS, M, 16));
}

void check_qgemm_q8_0(struct checkkern *c)
{
    check_products(c, c->k->qgemm_q8_0, &q8_0);
}

void check_qgemm_q4_0(struct checkkern *c)
{
    check_products(c, c->k->qgemm_q4_0, &q4_0);
}

void check_qgemm_q4_k(struct checkkern *c)
{
    check_products(c, c->k->qgemm_q4_k, &q4_k);
}
