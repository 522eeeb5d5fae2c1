/* Checks of the qgemm slots.  The oracles read panels and rows by the layout in qgemm_kernels.h, an
 * element at a time, and sum in float64. */
#include "checkkern.h"
#include "tensor/block_type.h"

enum { GROUP = SW_QGEMM_GROUP, COLUMNS = SW_QGEMM_COLUMNS, ROWS = SW_QGEMM_ROWS, MOST_ROWS = 21 };

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
static void check_group(struct checkkern *c, const struct sw_qgemm_row *a, const float *x,
                        int offset, int parts)
{
    float most = 0, d = 0;
    bool fault = false;
    int sum[2] = {0, 0};
    for (int j = 0; j < GROUP; j++) {
        fault = fault || isnan(x[j]) || isinf(x[j]);
        if (fabsf(x[j]) > most) most = fabsf(x[j]);
    }
    float inverse = (float)(127 / (double)most);
    bool zero = fault || isinf(inverse);
    if (!zero) d = (float)((double)most / 127);
    ck_same(c, a->d, fault ? NAN : d, "d of %g", (double)most);
    for (int j = 0; j < GROUP; j++) {
        int want = zero ? 0 : (int)nearbyint((double)(float)((double)x[j] * (double)inverse));
        ck_true(c, a->q[j] == want, "%g of %g is %d, not %d", (double)x[j], (double)most, a->q[j],
                want);
        sum[parts == 2 && j >= 16] += want;
    }
    for (int p = 0; p < 2; p++)
        if (p >= parts)
            ck_true(c, a->start[p] == 0, "part %d", p);
        else if (offset != 0)
            ck_true(c, a->start[p] == 0x4b400000 + offset * sum[p], "start %d of %d", a->start[p],
                    offset * sum[p]);
        else
            ck_same(c, a->sum[p], (float)((double)a->d * sum[p]), "sum %d", sum[p]);
}

void check_qgemm_round(struct checkkern *c)
{
    static const int offsets[] = {-128, -8, 0};
    for (int64_t groups = 0; groups <= 12; groups++)
        for (int row = 0; row < ROWS; row++) {
            int offset = offsets[ck_below(c, 3)], parts = 1 + (int)ck_below(c, 2);
            float *x = ck_floats(c, groups * GROUP);
            size_t bytes = (size_t)groups * sizeof(struct sw_qgemm_group);
            struct sw_qgemm_group *a = ck_bytes(c, bytes, sizeof(float));
            struct sw_qgemm_group *before = ck_bytes(c, bytes, sizeof(float));
            memcpy(before, a, bytes);
            fill_groups(c, x, groups);
            ck_freeze(c, x);
            c->k->qgemm_round(a, row, x, offset, parts, groups);
            for (int64_t b = 0; b < groups; b++) {
                check_group(c, &a[b].row[row], x + b * GROUP, offset, parts);
                before[b].row[row] = a[b].row[row];
            }
            ck_same_bytes(c, a, before, bytes, "other rows of %lld groups", (long long)groups);
            ck_release(c);
        }
    if (!c->bench) return;
    float *x = ck_fill(c, ck_floats_at(c, 4096, 0), 4096, -9, 9);
    struct sw_qgemm_group *a = ck_bytes(c, 128 * sizeof *a, 64);
    CK_BENCH(c, "4096", 5. * 4096, "B", c->k->qgemm_round(a, 0, x, -8, 1, 128));
}

/* ---- products ---------------------------------------------------------------------------------- */

/* A weight as the panel says it: scale * u - minimum. */
struct weight {
    double scale, minimum;
    int u;
};

struct form {
    struct weight (*read)(const uint8_t *unit, const uint8_t *data, int b, int k, int column);
    int unit, scales, data;  /* groups; bytes */
    int offset, parts, step; /* step: of the number of groups */
    int halves;              /* scales in front that are f16, in bytes */
    int most;                /* of the small scales behind them */
};

static double f16_at(const uint8_t *p)
{
    int h = p[0] | p[1] << 8, exponent = h >> 10 & 31, fraction = h & 1023;
    double x = exponent == 31 ? (fraction ? NAN : INFINITY)
               : exponent     ? ldexp(1024 + fraction, exponent - 25)
                              : ldexp(fraction, -24);
    return h & 0x8000 ? -x : x;
}

/* Numbers of 4, 2 and 1 bits of column j and k, in vectors of 64 bytes [column][k % 4]. */
static int low4(const uint8_t *data, int k, int j)
{
    int both = data[k % 16 / 4 * 64 + j * 4 + k % 4];
    return k < 16 ? both & 15 : both >> 4;
}

static int low2(const uint8_t *data, int k, int j)
{
    return data[k / 16 * 64 + j * 4 + k % 4] >> k % 16 / 4 * 2 & 3;
}

static int one(const uint8_t *data, int k, int j)
{
    return data[j * 4 + k % 4] >> k / 4 & 1;
}

static struct weight read_q8_0(const uint8_t *unit, const uint8_t *data, int b, int k, int j)
{
    return (struct weight){f16_at(unit + b * 32 + 2 * j), 0,
                           data[k / 4 * 64 + j * 4 + k % 4] - 128};
}

static struct weight read_q4_0(const uint8_t *unit, const uint8_t *data, int b, int k, int j)
{
    return (struct weight){f16_at(unit + b * 32 + 2 * j), 0, low4(data, k, j) - 8};
}

static struct weight read_q4_1(const uint8_t *unit, const uint8_t *data, int b, int k, int j)
{
    return (struct weight){f16_at(unit + b * 32 + 2 * j), f16_at(unit + 64 + b * 32 + 2 * j),
                           low4(data, k, j)};
}

static struct weight read_q5_0(const uint8_t *unit, const uint8_t *data, int b, int k, int j)
{
    struct weight w = read_q4_0(unit, data, b, k, j);
    w.u += 16 * one(data + 256, k, j) - 8;
    return w;
}

static struct weight read_q5_1(const uint8_t *unit, const uint8_t *data, int b, int k, int j)
{
    struct weight w = read_q4_1(unit, data, b, k, j);
    w.u += 16 * one(data + 256, k, j);
    return w;
}

static const int iq4[16] = {-127, -104, -83, -65, -49, -35, -22, -10,
                            1,    13,   25,  38,  53,  69,  89,  113};

static struct weight read_iq4_nl(const uint8_t *unit, const uint8_t *data, int b, int k, int j)
{
    return (struct weight){f16_at(unit + b * 32 + 2 * j), 0, iq4[low4(data, k, j)]};
}

/* E2M1: a sign, two bits of exponent, one of fraction; u is twice the number. */
static struct weight read_mxfp4(const uint8_t *unit, const uint8_t *data, int b, int k, int j)
{
    int bits = low4(data, k, j), e = bits >> 1 & 3, f = bits & 1;
    int u = e ? (2 + f) << (e - 1) : f;
    return (struct weight){ldexp(1, unit[b * 16 + j] - 128), 0, bits & 8 ? -u : u};
}

static struct weight read_q2_k(const uint8_t *unit, const uint8_t *data, int b, int k, int j)
{
    int both = unit[64 + (2 * b + k / 16) * 16 + j];
    return (struct weight){f16_at(unit + 2 * j) * (both & 15),
                           f16_at(unit + 32 + 2 * j) * (both >> 4), low2(data, k, j)};
}

/* An f16 for 8 groups, a signed byte for 16 numbers. */
static double sixteen(const uint8_t *unit, int b, int k, int j)
{
    return f16_at(unit + b / 8 * 32 + 2 * j) * (int8_t)unit[64 + (2 * b + k / 16) * 16 + j];
}

static struct weight read_q3_k(const uint8_t *unit, const uint8_t *data, int b, int k, int j)
{
    return (struct weight){sixteen(unit, b, k, j), 0,
                           low2(data, k, j) + 4 * one(data + 128, k, j) - 4};
}

static struct weight read_q4_k(const uint8_t *unit, const uint8_t *data, int b, int k, int j)
{
    const uint8_t *six = unit + 64 + b * 32;
    return (struct weight){f16_at(unit + 2 * j) * six[j], f16_at(unit + 32 + 2 * j) * six[16 + j],
                           low4(data, k, j)};
}

static struct weight read_q5_k(const uint8_t *unit, const uint8_t *data, int b, int k, int j)
{
    struct weight w = read_q4_k(unit, data, b, k, j);
    w.u += 16 * one(data + 256, k, j);
    return w;
}

static struct weight read_q6_k(const uint8_t *unit, const uint8_t *data, int b, int k, int j)
{
    return (struct weight){sixteen(unit, b, k, j), 0,
                           low4(data, k, j) + 16 * low2(data + 256, k, j) - 32};
}

static struct weight read_iq4_xs(const uint8_t *unit, const uint8_t *data, int b, int k, int j)
{
    double scale = f16_at(unit + b / 8 * 32 + 2 * j) * (int8_t)unit[64 + b * 16 + j];
    return (struct weight){scale, 0, iq4[low4(data, k, j)]};
}

static const struct form q8_0 = {read_q8_0, 2, 64, 512, -128, 1, 1, 64, 0};
static const struct form q4_0 = {read_q4_0, 2, 64, 256, -8, 1, 1, 64, 0};
static const struct form q4_1 = {read_q4_1, 2, 128, 256, 0, 1, 1, 128, 0};
static const struct form q5_0 = {read_q5_0, 2, 64, 320, -16, 1, 1, 64, 0};
static const struct form q5_1 = {read_q5_1, 2, 128, 320, 0, 1, 1, 128, 0};
static const struct form iq4_nl = {read_iq4_nl, 2, 64, 256, -128, 1, 1, 64, 0};
static const struct form mxfp4 = {read_mxfp4, 4, 64, 256, -12, 1, 1, 0, 255};
static const struct form q2_k = {read_q2_k, 8, 320, 128, 0, 2, 8, 64, 255};
static const struct form q3_k = {read_q3_k, 16, 576, 192, -4, 2, 8, 64, 255};
static const struct form q4_k = {read_q4_k, 8, 320, 256, 0, 1, 8, 64, 63};
static const struct form q5_k = {read_q5_k, 8, 320, 320, 0, 1, 8, 64, 63};
static const struct form q6_k = {read_q6_k, 16, 576, 384, -32, 2, 8, 64, 255};
static const struct form iq4_xs = {read_iq4_xs, 16, 320, 256, -128, 1, 8, 64, 255};

static int64_t panel_bytes(const struct form *f, int64_t groups)
{
    return (groups + f->unit - 1) / f->unit * f->scales + groups * f->data;
}

/* Random bytes, at times all at an end of their range; scales are f16 of moderate size, or anything, and
 * bytes within the type's range.  The exponents of mxfp4 too are moderate, or anything. */
static void fill_panel(struct checkkern *c, uint8_t *panel, int64_t groups, const struct form *f)
{
    int64_t bytes = panel_bytes(f, groups), period = f->scales + (int64_t)f->unit * f->data;
    bool ends = ck_below(c, 4) == 0, wild = ck_below(c, 6) == 0;
    for (int64_t i = 0; i < bytes; i++)
        panel[i] = ends ? (uint8_t)(ck_below(c, 2) ? 0xff : 0) : (uint8_t)ck_random(c);
    for (int64_t at = 0; at < bytes; at += period)
        for (int i = 0; i < f->scales; i++) {
            uint8_t r = (uint8_t)ck_random(c);
            if (i >= f->halves)
                panel[at + i] = f == &mxfp4 && !wild ? (uint8_t)(120 + r % 16) : r & f->most;
            else if (i % 2 && !wild)
                panel[at + i] = (uint8_t)((r & 0x83) | 0x28); /* magnitudes 2^-5 .. 1 */
            else
                panel[at + i] = r;
        }
}

static void fill_rows(struct checkkern *c, struct sw_qgemm_group *a, int64_t groups, int64_t m,
                      const struct form *f)
{
    bool ends = ck_below(c, 4) == 0, wild = ck_below(c, 6) == 0;
    for (int64_t i = 0; i < m; i++)
        for (int64_t b = 0; b < groups; b++) {
            struct sw_qgemm_row *row = &a[i / ROWS * groups + b].row[i % ROWS];
            int sum[2] = {0, 0};
            for (int j = 0; j < GROUP; j++) {
                int q = ends ? (ck_below(c, 2) ? 127 : -127) : (int)ck_below(c, 255) - 127;
                row->q[j] = (int8_t)q;
                sum[f->parts == 2 && j >= 16] += q;
            }
            row->d = (float)ck_uniform(c, 0, 2);
            if (wild) ck_fill_special(c, &row->d, 1, 9);
            for (int p = 0; p < 2; p++)
                if (f->offset != 0)
                    row->start[p] = 0x4b400000 + f->offset * sum[p];
                else
                    row->sum[p] = row->d * (float)sum[p];
        }
}

/* The bound.  A part adds |dot| |scale| d and, where there is one, |sum| |minimum|; each of these numbers
 * passes two roundings of its own and one of each sum: 2 * parts * groups + 2 terms in ck_sum_bound.  Where a
 * product is subnormal, it is off by 2^-150 instead, times what it meets. */
static void check_element(struct checkkern *c, float got, const struct form *f,
                          const struct sw_qgemm_group *a, const uint8_t *panel, int64_t groups,
                          int row, int column)
{
    double want = 0, size = 0, tiny = 0, reach = 0;
    int64_t parts = groups * f->parts;
    for (int64_t part = 0; part < parts; part++) {
        int64_t group = part / f->parts;
        const struct sw_qgemm_row *of = &a[group].row[row];
        const int p = (int)(part % f->parts), n = GROUP / f->parts, b = (int)(group % f->unit);
        const uint8_t *unit = panel + group / f->unit * (f->scales + f->unit * f->data);
        struct weight w = {0};
        double dot = 0, q = 0, d = (double)of->d;
        for (int k = p * n; k < (p + 1) * n; k++) {
            w = f->read(unit, unit + f->scales + b * f->data, b, k, column);
            dot += w.u * of->q[k];
            q += of->q[k];
        }
        want += dot * w.scale * d - d * q * w.minimum;
        size += fabs(dot * w.scale * d) + fabs(d * q * w.minimum);
        reach += fabs(0x1.8p23 * w.scale) + fabs(dot * w.scale) + fabs(d * q);
        tiny += (fabs(d) + fabs(w.minimum) + 2) * 0x1p-149;
    }
    /* Near the end of f32's range, a product or a sum may leave it on the way. */
    if (!isfinite(want) || (size + reach > 0x1p126 && !isfinite(got))) {
        ck_true(c, !isfinite(got), "%g is finite", (double)got);
        return;
    }
    ck_near(c, got, want, ck_sum_bound(2 * parts + 2, size) + tiny,
            "%lld groups, row %d, column %d", (long long)groups, row, column);
}

typedef void product_fn(float *c, int64_t ldc, const struct sw_qgemm_group *a, const void *panel,
                        int64_t groups, int64_t m, int n);

/* m rows and n columns; then each row alone, which must have the same bits. */
static void check_product(struct checkkern *c, product_fn *f, const struct form *form,
                          int64_t groups, int64_t m, int n)
{
    int64_t ldc = n + ck_below(c, 5);
    uint8_t *panel = ck_bytes(c, (size_t)panel_bytes(form, groups), 1);
    struct sw_qgemm_group *a = ck_bytes(c, (size_t)((m + ROWS - 1) / ROWS * groups) * sizeof *a,
                                        sizeof(float));
    struct sw_qgemm_group *one_row = ck_bytes(c, (size_t)groups * sizeof *a, sizeof(float));
    float *y = ck_floats(c, (m - 1) * ldc + n), alone[COLUMNS];
    fill_panel(c, panel, groups, form);
    fill_rows(c, a, groups, m, form);
    ck_freeze(c, panel);
    ck_freeze(c, a);
    f(y, ldc, a, panel, groups, m, n);
    for (int64_t i = 0; i < m; i++) {
        const struct sw_qgemm_group *of = a + i / ROWS * groups;
        int row = (int)(i % ROWS);
        for (int64_t b = 0; b < groups; b++) one_row[b].row[0] = of[b].row[row];
        f(alone, COLUMNS, one_row, panel, groups, 1, n);
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
    double bytes = (double)panel_bytes(form, GROUPS);
    uint8_t *panel = ck_bytes(c, (size_t)bytes, 64);
    struct sw_qgemm_group *a = ck_bytes(c, (size_t)M / ROWS * GROUPS * sizeof *a, 64);
    float *y = ck_floats_at(c, M * COLUMNS, 0);
    fill_panel(c, panel, GROUPS, form);
    fill_rows(c, a, GROUPS, M, form);
    CK_BENCH(c, "1x16x2048", bytes, "B", f(y, 16, a, panel, GROUPS, 1, 16));
    CK_BENCH(c, "4x16x2048", 2. * 4 * COLUMNS * K, "OP", f(y, 16, a, panel, GROUPS, 4, 16));
    CK_BENCH(c, "64x16x2048", 2. * M * COLUMNS * K, "OP", f(y, 16, a, panel, GROUPS, M, 16));
}

#define CHECK(type)                                                                                \
    void check_qgemm_##type(struct checkkern *c)                                                   \
    {                                                                                              \
        check_products(c, c->k->qgemm_##type, &type);                                              \
    }
CHECK(q8_0)
CHECK(q4_0)
CHECK(q4_1)
CHECK(q5_0)
CHECK(q5_1)
CHECK(iq4_nl)
CHECK(mxfp4)
CHECK(q2_k)
CHECK(q3_k)
CHECK(q4_k)
CHECK(q5_k)
CHECK(q6_k)
CHECK(iq4_xs)

/* ---- packing ----------------------------------------------------------------------------------- */

/* One column of a panel against the same row's blocks, taken apart. */
static void check_column(struct checkkern *c, const struct form *f, const struct sw_block_type *t,
                         const uint8_t *panel, const uint8_t *row, int64_t groups, int column)
{
    const sw_dtype_info *info = sw_dtype_get(t->dtype);
    struct sw_block_parts block;
    for (int64_t k = 0; k < groups * GROUP; k++) {
        const int64_t g = k / GROUP;
        const int i = (int)(k % info->block_elements), b = (int)(g % f->unit);
        if (i == 0)
            sw__block_take_apart(t, row + k / info->block_elements * info->block_bytes, &block);
        const uint8_t *unit = panel + g / f->unit * (f->scales + f->unit * f->data);
        const struct weight w = f->read(unit, unit + f->scales + b * f->data, b, (int)(k % GROUP),
                                        column);
        const double scale = (double)block.d * block.scale[i / t->group];
        const double minimum = (double)block.dmin * block.minimum[i / t->group];
        ck_same(c, (float)w.scale, (float)scale, "scale of k %lld, column %d", (long long)k,
                column);
        ck_same(c, (float)w.minimum, (float)minimum, "minimum of k %lld, column %d", (long long)k,
                column);
        ck_true(c, w.u == block.q[i], "k %lld, column %d is %d, not %d", (long long)k, column, w.u,
                block.q[i]);
    }
}

/* n rows that lie `gap` bytes apart. */
static void check_packing(struct checkkern *c, sw_dtype dtype, const struct form *f, int64_t groups,
                          int n)
{
    const sw_dtype_info *info = sw_dtype_get(dtype);
    const int64_t bytes = groups * GROUP / info->block_elements * info->block_bytes;
    const int64_t row = bytes + ck_below(c, 9);
    uint8_t *w = ck_bytes(c, (size_t)((n - 1) * row + bytes), 1);
    uint8_t *panel = ck_bytes(c, (size_t)panel_bytes(f, groups), 1);
    for (int64_t i = 0; i < (n - 1) * row + bytes; i++) w[i] = (uint8_t)ck_random(c);
    ck_freeze(c, w);
    c->k->qgemm_pack(panel, (int)dtype, w, row, n, groups);
    for (int j = 0; j < n; j++)
        check_column(c, f, sw__block_type(dtype), panel, w + j * row, groups, j);
    ck_release(c);
}

void check_qgemm_pack(struct checkkern *c)
{
    static const struct {
        const char *name;
        sw_dtype dtype;
        const struct form *form;
    } types[] = {
#define TYPE(type, TYPE, unit, scales, data, offset, parts) {#type, SW_##TYPE, &type},
        SW_QGEMM_TYPES(TYPE)
#undef TYPE
    };
    for (size_t i = 0; i < sizeof types / sizeof *types; i++) {
        const struct form *f = types[i].form;
        for (int n = 1; n <= COLUMNS; n++)
            for (int64_t groups = 1; groups <= 4; groups++)
                check_packing(c, types[i].dtype, f, groups * f->step, n);
        if (!c->bench) continue;
        enum { K = 2048, GROUPS = K / GROUP };
        const sw_dtype_info *info = sw_dtype_get(types[i].dtype);
        const int64_t row = K / info->block_elements * info->block_bytes;
        uint8_t *panel = ck_bytes(c, (size_t)panel_bytes(f, GROUPS), 64);
        uint8_t *w = ck_bytes(c, (size_t)(COLUMNS * row), 64);
        memset(w, 1, (size_t)(COLUMNS * row));
        CK_BENCH(c, types[i].name, (double)(COLUMNS * row), "B",
                 c->k->qgemm_pack(panel, (int)types[i].dtype, w, row, COLUMNS, GROUPS));
    }
}
