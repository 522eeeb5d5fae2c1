/* argmax, top-k and cumulative sums against their definitions. */
#include <stdio.h>
#include <stdlib.h>
#include "checkkern.h"

struct entry {
    float value;
    int32_t index;
};

/* qsort's order: greater first, NaN before all, then by index. */
static int compare(const void *p, const void *q)
{
    const struct entry *a = p, *b = q;
    bool a_nan = isnan(a->value), b_nan = isnan(b->value);
    if (a_nan != b_nan) return a_nan ? -1 : 1;
    if (!a_nan && a->value != b->value) return a->value > b->value ? -1 : 1;
    return a->index < b->index ? -1 : a->index > b->index;
}

/* n numbers, `step` apart, in order. */
static struct entry *sorted(const float *x, int64_t n, int64_t step)
{
    struct entry *e = calloc((size_t)n + 1, sizeof *e);
    if (!e) exit(1);
    for (int64_t i = 0; i < n; i++) e[i] = (struct entry){x[i * step], (int32_t)i};
    qsort(e, (size_t)n, sizeof *e, compare);
    return e;
}

/* Few different numbers, special ones among them, or one number only. */
static float *numbers(struct checkkern *c, int64_t n)
{
    float *x = ck_fill(c, ck_floats(c, n), n, -9, 9);
    int kind = (int)ck_below(c, 5);
    for (int64_t i = 0; i < n && kind < 2; i++) x[i] = kind ? -INFINITY : rintf(x[i] / 3);
    if (kind == 2) ck_fill_special(c, x, n, 3);
    if (kind == 3) ck_fill_special(c, x, n, 20);
    return x;
}

void check_argmax_f32(struct checkkern *c)
{
    for (int n = 1; n <= 5 * CK_LENGTHS; n++) {
        float *x = numbers(c, n);
        struct entry *e = sorted(x, n, 1);
        ck_freeze(c, x);
        int64_t got = c->k->argmax_f32(x, n);
        ck_true(c, got == e[0].index, "n=%d: %d, not %d", n, (int)got, e[0].index);
        free(e);
        ck_release(c);
    }
    if (!c->bench) return;
    enum { N = 50257 };
    int64_t at = 0;
    float *x = ck_fill(c, ck_floats_at(c, N, 0), N, -3, 3);
    CK_BENCH(c, "50257", 4. * N, "B", at += c->k->argmax_f32(x, N));
    ck_true(c, at >= 0, "the results are used");
}

void check_argmax_rows_f32(struct checkkern *c)
{
    for (int n = 0; n <= CK_LENGTHS; n++) {
        int64_t rows = 1 + ck_below(c, 40), stride = n + ck_below(c, 5);
        float *x = numbers(c, (rows - 1) * stride + n);
        int32_t *y = ck_bytes(c, (size_t)n * sizeof *y, sizeof *y);
        ck_freeze(c, x);
        c->k->argmax_rows_f32(y, x, rows, stride, n);
        ck_true(c, true, "no column, no result");
        for (int j = 0; j < n; j++) {
            struct entry *e = sorted(x + j, rows, stride);
            ck_true(c, y[j] == e[0].index, "n=%d rows=%d column %d: %d, not %d", n, (int)rows, j,
                    y[j], e[0].index);
            free(e);
        }
        ck_release(c);
    }
}

static void check_k(struct checkkern *c, int64_t n, int64_t k)
{
    float *x = numbers(c, n), *values = ck_floats(c, k);
    int32_t *indices = ck_bytes(c, (size_t)k * sizeof *indices, sizeof *indices);
    struct entry *e = sorted(x, n, 1);
    ck_freeze(c, x);
    c->k->topk_f32(values, indices, x, n, k);
    ck_true(c, true, "k = 0 writes nothing");
    for (int64_t i = 0; i < k; i++) {
        ck_true(c, indices[i] == e[i].index, "n=%d k=%d place %d: index %d, not %d", (int)n, (int)k,
                (int)i, indices[i], e[i].index);
        ck_same(c, values[i], e[i].value, "n=%d k=%d place %d", (int)n, (int)k, (int)i);
    }
    free(e);
    ck_release(c);
}

void check_topk_f32(struct checkkern *c)
{
    for (int n = 0; n <= CK_LENGTHS; n++)
        for (int k = 0; k <= n; k++) check_k(c, n, k);
    for (int i = 0; i < 20; i++) check_k(c, 3000, ck_below(c, 3001));
    if (!c->bench) return;
    enum { N = 50257 };
    float *x = ck_fill(c, ck_floats_at(c, N, 0), N, -3, 3), values[64];
    int32_t indices[64];
    CK_BENCH(c, "40 of 50257", 4. * N, "B", c->k->topk_f32(values, indices, x, N, 40));
}

/* Sums in float64 of n terms are within n 2^-53 of their magnitudes, then rounded once. */
static void check_sums(struct checkkern *c, int64_t rows, int64_t n, int exclusive, bool reverse,
                       bool in_place)
{
    int64_t step = n + ck_below(c, 5), size = rows && n ? (rows - 1) * step + n : 0;
    float *x = ck_fill(c, ck_floats(c, size), size, -2, 2);
    if (ck_below(c, 3) == 0)
        for (int64_t i = 0; i < size; i++)
            if (ck_below(c, 50) == 0) x[i] = ck_below(c, 2) ? INFINITY : NAN;
    float *y = in_place ? x : ck_floats(c, size);
    float *before = ck_floats(c, size);
    if (size) memcpy(before, x, (size_t)size * sizeof *x);
    int64_t first = reverse && rows ? (rows - 1) * step : 0, stride = reverse ? -step : step;
    c->k->cumsum_f32(y + first, x + first, rows, stride, n, exclusive);
    ck_true(c, true, "nothing to add");
    for (int64_t j = 0; j < n; j++) {
        double sum = 0, sizes = 0;
        for (int64_t r = 0; r < rows; r++) {
            int64_t at = first + r * stride + j;
            double v = (double)before[at], want = exclusive ? sum : sum + v;
            ck_near(c, y[at], want,
                    CK_EPS / 2 * fabs(want) + (double)rows * 0x1p-53 * sizes + 0x1p-149,
                    "rows=%d n=%d at (%d,%d)", (int)rows, (int)n, (int)r, (int)j);
            sum += v;
            sizes += fabs(v);
        }
    }
    ck_release(c);
}

void check_cumsum_f32(struct checkkern *c)
{
    for (int i = 0; i < 8; i++) {
        for (int n = 0; n <= CK_LENGTHS; n++)
            check_sums(c, ck_below(c, 20), n, i & 1, i & 2, i & 4);
        check_sums(c, 3000, 1, i & 1, i & 2, i & 4);
    }
    if (!c->bench) return;
    enum { N = 1 << 16 };
    float *x = ck_fill(c, ck_floats_at(c, N, 0), N, -3, 3), *y = ck_floats_at(c, N, 0);
    CK_BENCH(c, "a row of 65536", 8. * N, "B", c->k->cumsum_f32(y, x, N, 1, 1, 0));
    CK_BENCH(c, "64 rows of 1024", 8. * N, "B", c->k->cumsum_f32(y, x, 64, 1024, 1024, 0));
}
