/* Checks of the binary and reduce families: exact results against plain C, sums against float64. */
#include "checkkern.h"

#include <stdlib.h>

/* All ways of operands being scalars, every length, special values. */
void check_binary_f32(struct checkkern *c)
{
    for (int op = 0; op < SW_BINARY_POW; op++)
        for (int n = 0; n <= CK_LENGTHS; n++)
            for (int scalar = 0; scalar < 4; scalar++) {
                int64_t na = scalar & 1 ? 1 : n, nb = scalar & 2 ? 1 : n;
                float *a = ck_fill_special(c, ck_fill(c, ck_floats(c, na), na, -4, 4), na, 7);
                float *b = ck_fill_special(c, ck_fill(c, ck_floats(c, nb), nb, -4, 4), nb, 7);
                float *y = ck_floats(c, n);
                ck_freeze(c, a);
                ck_freeze(c, b);
                c->k->binary_f32((enum sw_binary)op, y, a, b, n, scalar, 0);
                float *past = ck_floats_at(c, n, (int)(ck_below(c, 2) ? -n & 15 : 4));
                c->k->binary_f32((enum sw_binary)op, past, a, b, n, scalar, 1);
                ck_same_bytes(c, past, y, sizeof *y * (size_t)n, "past the caches, n=%d", n);
                for (int i = 0; i < n; i++) {
                    float x = a[scalar & 1 ? 0 : i], z = b[scalar & 2 ? 0 : i], want = 0;
                    switch (op) {
                    case SW_BINARY_ADD: want = x + z; break;
                    case SW_BINARY_SUB: want = x - z; break;
                    case SW_BINARY_MUL: want = x * z; break;
                    case SW_BINARY_DIV: want = x / z; break;
                    case SW_BINARY_MAX: want = isnan(x) || isnan(z) ? NAN : x > z ? x : z; break;
                    case SW_BINARY_MIN: want = isnan(x) || isnan(z) ? NAN : x < z ? x : z; break;
                    }
                    ck_same(c, y[i], want, "op %d scalar %d n=%d i=%d %g %g", op, scalar, n, i,
                            (double)x, (double)z);
                }
                ck_release(c);
            }
}

static int32_t *integers(struct checkkern *c, int64_t n)
{
    static const int32_t special[] = {0, 1, -1, INT32_MIN, INT32_MAX, 2, 3, -7};
    int32_t *x = ck_bytes(c, (size_t)n * sizeof *x, sizeof *x);
    for (int64_t i = 0; i < n; i++)
        x[i] = ck_below(c, 3) ? special[ck_below(c, 8)] : (int32_t)ck_random(c);
    ck_freeze(c, x);
    return x;
}

static int32_t wrap(int64_t v)
{
    return (int32_t)(uint32_t)(uint64_t)v;
}

static int32_t int_power(int32_t x, int32_t z)
{
    if (z < 0) return x == 1 ? 1 : x == -1 ? (z % 2 ? -1 : 1) : 0;
    uint32_t r = 1;
    for (int bit = 30; bit >= 0;
         bit--) { /* from the highest bit: another order than the kernel's */
        r *= r;
        if (z >> bit & 1) r *= (uint32_t)x;
    }
    return (int32_t)r;
}

void check_binary_i32(struct checkkern *c)
{
    for (int op = 0; op < SW_BINARY_COUNT; op++)
        for (int n = 0; n <= CK_LENGTHS; n++)
            for (int scalar = 0; scalar < 4; scalar++) {
                int32_t *a = integers(c, scalar & 1 ? 1 : n), *b = integers(c, scalar & 2 ? 1 : n);
                int32_t *y = ck_bytes(c, (size_t)n * sizeof *y, sizeof *y);
                c->k->binary_i32((enum sw_binary)op, y, a, b, n, scalar);
                for (int i = 0; i < n; i++) {
                    int32_t x = a[scalar & 1 ? 0 : i], z = b[scalar & 2 ? 0 : i], want = 0;
                    switch (op) {
                    case SW_BINARY_ADD: want = wrap((int64_t)x + z); break;
                    case SW_BINARY_SUB: want = wrap((int64_t)x - z); break;
                    case SW_BINARY_MUL: want = wrap((int64_t)x * z); break;
                    case SW_BINARY_DIV: want = z ? wrap((int64_t)x / z) : 0; break;
                    case SW_BINARY_MAX: want = x > z ? x : z; break;
                    case SW_BINARY_MIN: want = x < z ? x : z; break;
                    case SW_BINARY_POW: want = int_power(x, z); break;
                    }
                    ck_true(c, y[i] == want, "op %d scalar %d: %d %d gave %d, not %d", op, scalar,
                            x, z, y[i], want);
                }
                ck_release(c);
            }
}

static int compare(int op, double x, double z)
{
    switch (op) {
    case SW_COMPARE_EQUAL: return x == z;
    case SW_COMPARE_NOT_EQUAL: return !(x == z);
    case SW_COMPARE_LESS: return x < z;
    case SW_COMPARE_LESS_EQUAL: return x <= z;
    case SW_COMPARE_GREATER: return x > z;
    default: return x >= z;
    }
}

void check_compare_f32(struct checkkern *c)
{
    for (int op = 0; op < SW_COMPARE_COUNT; op++)
        for (int n = 0; n <= CK_LENGTHS; n++)
            for (int scalar = 0; scalar < 4; scalar++) {
                int64_t na = scalar & 1 ? 1 : n, nb = scalar & 2 ? 1 : n;
                float *a = ck_floats(c, na), *b = ck_floats(c, nb);
                for (int64_t i = 0; i < na; i++) a[i] = (float)ck_below(c, 3);
                for (int64_t i = 0; i < nb; i++) b[i] = (float)ck_below(c, 3);
                ck_fill_special(c, a, na, 4);
                ck_fill_special(c, b, nb, 4);
                uint8_t *y = ck_bytes(c, (size_t)n, 1);
                c->k->compare_f32((enum sw_compare)op, y, a, b, n, scalar);
                for (int i = 0; i < n; i++) {
                    float x = a[scalar & 1 ? 0 : i], z = b[scalar & 2 ? 0 : i];
                    ck_true(c, y[i] == compare(op, (double)x, (double)z), "op %d: %g %g gave %d",
                            op, (double)x, (double)z, y[i]);
                }
                ck_release(c);
            }
}

void check_compare_i32(struct checkkern *c)
{
    for (int op = 0; op < SW_COMPARE_COUNT; op++)
        for (int n = 0; n <= CK_LENGTHS; n++)
            for (int scalar = 0; scalar < 4; scalar++) {
                int32_t *a = integers(c, scalar & 1 ? 1 : n), *b = integers(c, scalar & 2 ? 1 : n);
                uint8_t *y = ck_bytes(c, (size_t)n, 1);
                c->k->compare_i32((enum sw_compare)op, y, a, b, n, scalar);
                for (int i = 0; i < n; i++) {
                    int32_t x = a[scalar & 1 ? 0 : i], z = b[scalar & 2 ? 0 : i];
                    ck_true(c, y[i] == compare(op, x, z), "op %d: %d %d gave %d", op, x, z, y[i]);
                }
                ck_release(c);
            }
}

void check_where_32(struct checkkern *c)
{
    for (int n = 0; n <= CK_LENGTHS; n++)
        for (int scalar = 0; scalar < 8; scalar++) {
            int64_t nc = scalar & 1 ? 1 : n;
            uint8_t *k = ck_bytes(c, (size_t)nc, 1);
            for (int64_t i = 0; i < nc; i++) k[i] = (uint8_t)(ck_below(c, 2) * ck_below(c, 256));
            const uint32_t *a = (uint32_t *)integers(c, scalar & 2 ? 1 : n);
            const uint32_t *b = (uint32_t *)integers(c, scalar & 4 ? 1 : n);
            uint32_t *y = ck_bytes(c, (size_t)n * sizeof *y, sizeof *y);
            c->k->where_32(y, k, a, b, n, scalar);
            for (int i = 0; i < n; i++) {
                uint32_t want = k[scalar & 1 ? 0 : i] ? a[scalar & 2 ? 0 : i]
                                                      : b[scalar & 4 ? 0 : i];
                ck_true(c, y[i] == want, "scalar %d i=%d", scalar, i);
            }
            ck_release(c);
        }
}

/* ---- reductions ------------------------------------------------------------------------------------ */

static double extreme(int kind, double best, double x)
{
    if (isnan(best) || isnan(x)) return NAN;
    return (kind == SW_REDUCE_KIND_MAX ? x > best : x < best) ? x : best;
}

void check_reduce_f32(struct checkkern *c)
{
    for (int kind = 0; kind < 3; kind++)
        for (int n = 1; n <= 4 * CK_LENGTHS; n++) {
            float *x = ck_fill(c, ck_floats(c, n), n, -1, 1);
            if (kind && n % 3 == 0) ck_fill_special(c, x, n, 40);
            double sum = 0, magnitude = 0, best = (double)x[0];
            ck_freeze(c, x);
            for (int i = 0; i < n; i++) {
                sum += (double)x[i];
                magnitude += fabs((double)x[i]);
                best = extreme(kind, best, (double)x[i]);
            }
            float y = c->k->reduce_f32((enum sw_reduce)kind, x, n);
            if (kind == SW_REDUCE_KIND_SUM)
                ck_near(c, y, sum, ck_sum_bound(n / 32 + 6, magnitude), "sum n=%d", n);
            else
                ck_true(c, isnan(best) ? isnan(y) : (double)y == best, "kind %d n=%d: %g, not %g",
                        kind, n, (double)y, best);
            ck_release(c);
        }
}

static void check_columns(struct checkkern *c, int kind, int64_t rows, int64_t stride, int n)
{
    int64_t size = (rows - 1) * stride + n, group = stride <= 32 ? 256 / stride : 1;
    float *x = ck_fill(c, ck_floats(c, size), size, -1, 1), *y = ck_floats(c, n);
    if (kind && n % 3 == 0) ck_fill_special(c, x, size, 40);
    ck_freeze(c, x);
    c->k->reduce_rows_f32((enum sw_reduce)kind, y, x, rows, stride, n);
    for (int j = 0; j < n; j++) {
        double sum = 0, magnitude = 0, best = (double)x[j];
        for (int64_t r = 0; r < rows; r++) {
            double v = (double)x[r * stride + j];
            sum += v;
            magnitude += fabs(v);
            best = extreme(kind, best, v);
        }
        int64_t roundings = rows < 2 * group ? rows : rows / group + group;
        float one;
        if (kind == SW_REDUCE_KIND_SUM)
            ck_near(c, y[j], sum, ck_sum_bound(roundings, magnitude), "sum n=%d", n);
        else
            ck_true(c, isnan(best) ? isnan(y[j]) : (double)y[j] == best,
                    "kind %d n=%d j=%d: %g, not %g", kind, n, j, (double)y[j], best);
        c->k->reduce_rows_f32((enum sw_reduce)kind, &one, x + j, rows, stride, 1);
        ck_same(c, one, y[j], "column %d of %d alone, rows=%d stride=%d", j, n, (int)rows,
                (int)stride);
    }
    ck_release(c);
}

void check_reduce_rows_f32(struct checkkern *c)
{
    for (int kind = 0; kind < 3; kind++)
        for (int n = 1; n <= CK_LENGTHS; n++) {
            int64_t stride = n + ck_below(c, 3);
            check_columns(c, kind, 1 + ck_below(c, 20), stride, n);
            check_columns(c, kind, 1 + ck_below(c, 1500), stride, n);
            check_columns(c, kind, 1 + ck_below(c, 1500), n, n);
        }
    if (!c->bench) return;
    enum { N = 1 << 16 };
    float *x = ck_fill(c, ck_floats_at(c, N, 0), N, -1, 1), *y = ck_floats_at(c, 1024, 0);
    CK_BENCH(c, "64 x 1024", 4. * N, "B",
             c->k->reduce_rows_f32(SW_REDUCE_KIND_SUM, y, x, 64, 1024, 1024));
    CK_BENCH(c, "4096 x 16", 4. * N, "B",
             c->k->reduce_rows_f32(SW_REDUCE_KIND_SUM, y, x, 4096, 16, 16));
    CK_BENCH(c, "21845 x 3", 4. * N, "B",
             c->k->reduce_rows_f32(SW_REDUCE_KIND_SUM, y, x, 21845, 3, 3));
}
