/* pow against C's pow in float64. */
#include <float.h>
#include <stdio.h>
#include "checkkern.h"

static void compare(struct checkkern *c, float y, float a, float b)
{
    double want = pow((double)a, (double)b);
    ck_ulp(c, y, want, 1.5, "%.9g ^ %.9g", (double)a, (double)b);
    if (want == 0 || isinf(want))
        ck_true(c, !signbit(y) == !signbit(want), "sign of %.9g ^ %.9g", (double)a, (double)b);
}

static void check_lengths(struct checkkern *c, int n, int scalar)
{
    int64_t na = scalar & 1 ? 1 : n, nb = scalar & 2 ? 1 : n;
    float *a = ck_fill(c, ck_floats(c, na), na, -4, 4),
          *b = ck_fill(c, ck_floats(c, nb), nb, -4, 4);
    float *y = ck_floats(c, n);
    for (int i = 0; i < nb && n % 2; i++) b[i] = rintf(b[i]);
    ck_freeze(c, a);
    ck_freeze(c, b);
    c->k->pow_f32(y, a, b, n, scalar);
    for (int i = 0; i < n; i++) {
        float x = a[scalar & 1 ? 0 : i], z = b[scalar & 2 ? 0 : i];
        float *one = ck_floats(c, 1);
        compare(c, y[i], x, z);
        c->k->pow_f32(one, &x, &z, 1, 0);
        ck_same_bytes(c, one, y + i, sizeof *y, "alone, n=%d i=%d", n, i);
    }
    for (int operand = 0; operand < 2 && scalar == 0; operand++) {
        float *z = ck_floats(c, n);
        if (n) memcpy(z, operand ? b : a, sizeof *z * (size_t)n);
        c->k->pow_f32(z, operand ? a : z, operand ? z : b, n, 0);
        ck_same_bytes(c, z, y, sizeof *z * (size_t)n, "in place, n=%d", n);
    }
    ck_release(c);
}

/* All pairs of numbers that need care. */
static void check_pairs(struct checkkern *c)
{
    static const float care[] = {
        0.f,       -0.f,       1.f,      -1.f,      2.f,    -2.f,        3.f,        -3.f,
        0.5f,      -0.5f,      INFINITY, -INFINITY, NAN,    FLT_MAX,     -FLT_MAX,   FLT_MIN,
        0x1p-149f, -0x1p-149f, 0x1p24f,  16777215., 1e10f,  0.99999994f, 1.0000001f, -0.99999994f,
        127.f,     -149.f,     2.5f,     -33.f,     1e-10f, 0x1p23f};
    enum { N = sizeof care / sizeof *care };
    float *a = ck_floats(c, N * N), *b = ck_floats(c, N * N), *y = ck_floats(c, N * N);
    for (int i = 0; i < N * N; i++) {
        a[i] = care[i / N];
        b[i] = care[i % N];
    }
    c->k->pow_f32(y, a, b, N * N, 0);
    for (int i = 0; i < N * N; i++) compare(c, y[i], a[i], b[i]);
    ck_release(c);
}

/* Results of every size: a = 2^u, b = t / u, so that a^b = 2^t. */
static void check_range(struct checkkern *c)
{
    enum { N = 1 << 16 };
    float *a = ck_floats_at(c, N, 0), *b = ck_floats_at(c, N, 0), *y = ck_floats_at(c, N, 0);
    for (int i = 0; i < N; i++) {
        double u = ck_uniform(c, -140, 127) * (i % 3 ? 1 : 0.01);
        a[i] = (float)exp2(u);
        b[i] = (float)(ck_uniform(c, -152, 130) / u);
    }
    c->k->pow_f32(y, a, b, N, 0);
    for (int i = 0; i < N; i++) compare(c, y[i], a[i], b[i]);
    if (!c->bench) return;
    ck_fill(c, a, N, 0, 4);
    ck_fill(c, b, N, -3, 3);
    CK_BENCH(c, "65536", 12. * N, "B", c->k->pow_f32(y, a, b, N, 0));
}

void check_pow_f32(struct checkkern *c)
{
    for (int n = 0; n <= CK_LENGTHS; n++)
        for (int scalar = 0; scalar < 4; scalar++) check_lengths(c, n, scalar);
    check_pairs(c);
    check_range(c);
}
