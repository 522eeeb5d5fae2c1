/* Checks of the move slots: copies are compared byte by byte with their definition. */
#include "checkkern.h"

typedef void copy_fn SW_COPY_ARGUMENTS;
typedef void transpose_fn SW_TRANSPOSE_ARGUMENTS;
typedef void gather_fn SW_GATHER_ARGUMENTS;

static void fill_bytes(struct checkkern *c, void *p, int64_t n)
{
    for (int64_t i = 0; i < n; i++) ((uint8_t *)p)[i] = (uint8_t)ck_random(c);
}

/* First and last element touched by n0 x n1 steps. */
struct span {
    int64_t low, high;
};

static struct span span_of(int64_t n0, int64_t n1, int64_t s0, int64_t s1)
{
    struct span s = {0, 0};
    int64_t a = (n0 - 1) * s0, b = (n1 - 1) * s1;
    *(a < 0 ? &s.low : &s.high) += a;
    *(b < 0 ? &s.low : &s.high) += b;
    return s;
}

static void check_copy(struct checkkern *c, copy_fn *f, int64_t size, int64_t n0, int64_t n1,
                       const int64_t *d, const int64_t *s)
{
    struct span to = {0, -1}, from = {0, -1};
    if (n0 > 0 && n1 > 0) {
        to = span_of(n0, n1, d[0], d[1]);
        from = span_of(n0, n1, s[0], s[1]);
    }
    int64_t dst_bytes = (to.high - to.low + 1) * size,
            src_bytes = (from.high - from.low + 1) * size;
    uint8_t *src = ck_bytes(c, (size_t)src_bytes, (size_t)size);
    uint8_t *dst = ck_bytes(c, (size_t)dst_bytes, (size_t)size);
    uint8_t *want = ck_bytes(c, (size_t)dst_bytes, (size_t)size);
    fill_bytes(c, src, src_bytes);
    memcpy(want, dst, (size_t)dst_bytes);
    for (int64_t i = 0; i < n0; i++)
        for (int64_t j = 0; j < n1; j++)
            memcpy(want + (i * d[0] + j * d[1] - to.low) * size,
                   src + (i * s[0] + j * s[1] - from.low) * size, (size_t)size);
    ck_freeze(c, src);
    f(dst - to.low * size, src - from.low * size, n0, n1, d[0], d[1], s[0], s[1]);
    ck_same_bytes(c, dst, want, (size_t)dst_bytes, "%lldx%lld dst (%lld,%lld) src (%lld,%lld)",
                  (long long)n0, (long long)n1, (long long)d[0], (long long)d[1], (long long)s[0],
                  (long long)s[1]);
    ck_release(c);
}

static void check_copies(struct checkkern *c, copy_fn *f, int64_t size)
{
    int64_t lengths = 4 * 64 / size + 1;
    for (int64_t n = 0; n <= lengths;
         n++) { /* rows, broadcasts, flips and gathers of all lengths */
        int64_t n0 = ck_below(c, 4), gap = ck_below(c, 3);
        check_copy(c, f, size, n0, n, (int64_t[]){n + gap, 1}, (int64_t[]){n + ck_below(c, 3), 1});
        check_copy(c, f, size, n0, n, (int64_t[]){n + gap, 1}, (int64_t[]){1, 0});
        check_copy(c, f, size, n0, n, (int64_t[]){n + gap, 1}, (int64_t[]){0, 1});
        check_copy(c, f, size, n0, n, (int64_t[]){n + gap, 1}, (int64_t[]){-n, -1});
        check_copy(c, f, size, n0, n, (int64_t[]){n + gap, 1}, (int64_t[]){n * 2, 2});
        check_copy(c, f, size, n0, n, (int64_t[]){2 * n, 2}, (int64_t[]){n, 1});
    }
    for (int i = 0; i < 100; i++) { /* any strides; those of dst do not collide */
        int64_t n0 = ck_below(c, 6), n1 = ck_below(c, 20), d1 = 1 + ck_below(c, 4);
        int64_t d0 = d1 * n1 + ck_below(c, 5);
        check_copy(c, f, size, n0, n1,
                   (int64_t[]){ck_below(c, 2) ? d0 : -d0, ck_below(c, 2) ? d1 : -d1},
                   (int64_t[]){ck_below(c, 60) - 30, ck_below(c, 12) - 6});
    }
    int64_t big = 5000;
    check_copy(c, f, size, 2, big, (int64_t[]){big, 1}, (int64_t[]){big, 1});
    if (!c->bench) return;
    char *x = ck_bytes(c, 1 << 16, 64), *y = ck_bytes(c, 1 << 16, 64);
    int64_t n = (1 << 16) / size;
    fill_bytes(c, x, 1 << 16);
    CK_BENCH(c, "rows of 64 KB", 2. * (1 << 16), "B", f(y, x, 1, n, n, 1, n, 1));
    CK_BENCH(c, "rows of 12", 2. * (double)(n / 12 * 12 * size), "B",
             f(y, x, n / 12, 12, 12, 1, 12, 1));
    CK_BENCH(c, "flip", 2. * (1 << 16), "B", f(y, x + (n - 1) * size, 1, n, n, 1, 0, -1));
    CK_BENCH(c, "broadcast", 1. * (1 << 16), "B", f(y, x, 1, n, n, 1, 0, 0));
    CK_BENCH(c, "every second", 1. * (1 << 16), "B", f(y, x, 1, n / 2, n, 1, 0, 2));
}

void check_copy_x8(struct checkkern *c)
{
    check_copies(c, c->k->copy_x8, 1);
}

void check_copy_x16(struct checkkern *c)
{
    check_copies(c, c->k->copy_x16, 2);
}

void check_copy_x32(struct checkkern *c)
{
    check_copies(c, c->k->copy_x32, 4);
}

static void check_transpose(struct checkkern *c, transpose_fn *f, int64_t size, int64_t n0,
                            int64_t n1)
{
    int64_t d0 = n1 + ck_below(c, 4), s0 = n0 + ck_below(c, 4);
    int64_t src_n = n0 && n1 ? (n1 - 1) * s0 + n0 : 0, dst_n = n0 && n1 ? (n0 - 1) * d0 + n1 : 0;
    uint8_t *src = ck_bytes(c, (size_t)(src_n * size), (size_t)size);
    uint8_t *dst = ck_bytes(c, (size_t)(dst_n * size), (size_t)size);
    uint8_t *want = ck_bytes(c, (size_t)(dst_n * size), (size_t)size);
    fill_bytes(c, src, src_n * size);
    memcpy(want, dst, (size_t)(dst_n * size));
    for (int64_t i = 0; i < n0; i++)
        for (int64_t j = 0; j < n1; j++)
            memcpy(want + (i * d0 + j) * size, src + (j * s0 + i) * size, (size_t)size);
    ck_freeze(c, src);
    f(dst, d0, src, s0, n0, n1);
    ck_same_bytes(c, dst, want, (size_t)(dst_n * size), "%lldx%lld", (long long)n0, (long long)n1);
    ck_release(c);
}

static void check_transposes(struct checkkern *c, transpose_fn *f, int64_t size)
{
    for (int64_t n0 = 0; n0 <= 35; n0++)
        for (int64_t n1 = 0; n1 <= 35; n1++) check_transpose(c, f, size, n0, n1);
    for (int i = 0; i < 20; i++) check_transpose(c, f, size, ck_below(c, 150), ck_below(c, 150));
    if (!c->bench) return;
    char *x = ck_bytes(c, (size_t)(128 * 128 * size), 64);
    char *y = ck_bytes(c, (size_t)(128 * 128 * size), 64);
    fill_bytes(c, x, 128 * 128 * size);
    CK_BENCH(c, "128x128", 2. * 128 * 128 * (double)size, "B", f(y, 128, x, 128, 128, 128));
    CK_BENCH(c, "3x4096", 2. * 3 * 4096 * (double)size, "B", f(y, 4096, x, 3, 3, 4096));
}

void check_transpose_x8(struct checkkern *c)
{
    check_transposes(c, c->k->transpose_x8, 1);
}

void check_transpose_x16(struct checkkern *c)
{
    check_transposes(c, c->k->transpose_x16, 2);
}

void check_transpose_x32(struct checkkern *c)
{
    check_transposes(c, c->k->transpose_x32, 4);
}

static void check_gather(struct checkkern *c, gather_fn *f, int64_t size, int64_t n, int64_t rows,
                         int64_t inner)
{
    int64_t row = inner * size;
    uint8_t *src = ck_bytes(c, (size_t)(rows * row), (size_t)size);
    uint8_t *dst = ck_bytes(c, (size_t)(n * row), (size_t)size);
    uint8_t *want = ck_bytes(c, (size_t)(n * row), (size_t)size);
    int32_t *ids = ck_bytes(c, (size_t)n * sizeof *ids, sizeof *ids);
    fill_bytes(c, src, rows * row);
    for (int64_t i = 0; i < n; i++) {
        ids[i] = (int32_t)(ck_below(c, 2 * rows + 4) - rows - 2); /* two too many on either side */
        if (ck_below(c, 20) == 0) ids[i] = ck_below(c, 2) ? INT32_MIN : INT32_MAX;
        int64_t r = ids[i] < 0 ? ids[i] + rows : ids[i];
        if (r >= 0 && r < rows)
            memcpy(want + i * row, src + r * row, (size_t)row);
        else
            memset(want + i * row, 0, (size_t)row);
    }
    ck_freeze(c, src);
    ck_freeze(c, ids);
    f(dst, src, ids, n, rows, inner);
    ck_same_bytes(c, dst, want, (size_t)(n * row), "%lld of %lld rows of %lld", (long long)n,
                  (long long)rows, (long long)inner);
    ck_release(c);
}

static void check_gathers(struct checkkern *c, gather_fn *f, int64_t size)
{
    for (int64_t inner = 0; inner <= 4 * 64 / size + 1; inner++)
        check_gather(c, f, size, ck_below(c, 9), ck_below(c, 9), inner);
    for (int64_t n = 0; n <= CK_LENGTHS; n++) check_gather(c, f, size, n, 1 + ck_below(c, 99), 1);
    if (!c->bench) return;
    uint8_t *x = ck_bytes(c, 1 << 16, 64), *y = ck_bytes(c, 1 << 16, 64);
    int32_t *ids = ck_bytes(c, 4096 * sizeof *ids, 64);
    int64_t rows = (1 << 16) / 16 / size;
    fill_bytes(c, x, 1 << 16);
    for (int i = 0; i < 4096; i++) ids[i] = (int32_t)ck_below(c, rows);
    CK_BENCH(c, "rows of 16", 2. * (1 << 16), "B",
             f(y, x, ids, rows < 4096 ? rows : 4096, rows, 16));
    CK_BENCH(c, "4096 elements", 2. * 4096 * (double)size, "B", f(y, x, ids, 4096, rows, 1));
}

void check_gather_x8(struct checkkern *c)
{
    check_gathers(c, c->k->gather_x8, 1);
}

void check_gather_x16(struct checkkern *c)
{
    check_gathers(c, c->k->gather_x16, 2);
}

void check_gather_x32(struct checkkern *c)
{
    check_gathers(c, c->k->gather_x32, 4);
}

static void check_stream(struct checkkern *c, int64_t n, int64_t bytes, int64_t gap)
{
    const int64_t d0 = bytes + gap, s0 = bytes + ck_below(c, 70), head = ck_below(c, 64);
    uint8_t *src = ck_bytes(c, (size_t)(n * s0), 1);
    uint8_t *dst = ck_bytes(c, (size_t)(head + n * d0), 1);
    uint8_t *want = ck_bytes(c, (size_t)(head + n * d0), 1);
    fill_bytes(c, src, n * s0);
    memcpy(want, dst, (size_t)(head + n * d0));
    for (int64_t i = 0; i < n; i++) memcpy(want + head + i * d0, src + i * s0, (size_t)bytes);
    ck_freeze(c, src);
    c->k->stream_rows(dst + head, d0, src, s0, n, bytes);
    ck_same_bytes(c, dst, want, (size_t)(head + n * d0), "%lld rows of %lld bytes, gap %lld",
                  (long long)n, (long long)bytes, (long long)gap);
    ck_release(c);
}

void check_stream_rows(struct checkkern *c)
{
    for (int64_t bytes = 0; bytes <= 4 * 64 + 1; bytes++)
        check_stream(c, ck_below(c, 4), bytes, ck_below(c, 70));
    check_stream(c, 9, 4096, 0);
    if (!c->bench) return;
    uint8_t *src = ck_bytes(c, 1 << 20, 64), *dst = ck_bytes(c, 1 << 20, 64);
    CK_BENCH(c, "1 MB", 2. * (1 << 20), "B",
             c->k->stream_rows(dst, 1 << 20, src, 1 << 20, 1, 1 << 20));
}

void check_axpy_f32(struct checkkern *c)
{
    for (int64_t n = 0; n <= CK_LENGTHS; n++) {
        float *x = ck_fill(c, ck_floats(c, n), n, -1, 1),
              *y = ck_fill(c, ck_floats(c, n), n, -1, 1);
        float *before = ck_floats(c, n), a = n % 3 ? (float)ck_uniform(c, -2, 2) : 1;
        if (n % 2) ck_fill_special(c, x, n, 5);
        memcpy(before, y, (size_t)n * sizeof *y);
        ck_freeze(c, x);
        c->k->axpy_f32(y, a, x, n);
        for (int64_t i = 0; i < n; i++) {
            float product = a * x[i];
            ck_same(c, y[i], before[i] + product, "n=%lld i=%lld", (long long)n, (long long)i);
        }
        ck_release(c);
    }
    if (!c->bench) return;
    float *x = ck_fill(c, ck_floats_at(c, 4096, 0), 4096, -1, 1);
    float *y = ck_fill(c, ck_floats_at(c, 4096, 0), 4096, -1, 1);
    CK_BENCH(c, "4096", 12. * 4096, "B", c->k->axpy_f32(y, 1, x, 4096));
}

/* (1 - w) a + w b, each of the four roundings at most half a unit of a term. */
static void check_lerp(struct checkkern *c, float got, float a, float b, float w, int64_t i)
{
    double want = (1 - (double)w) * (double)a + (double)w * (double)b;
    double bound = 2 * CK_EPS * (fabs((1 - (double)w) * (double)a) + fabs((double)w * (double)b));
    ck_near(c, got, want, bound + 0x1p-149, "i=%lld w=%g", (long long)i, (double)w);
    float left = (1 - w) * a, right = w * b;
    ck_same(c, got, left + right, "bits of i=%lld", (long long)i);
}

void check_lerp_f32(struct checkkern *c)
{
    for (int64_t n = 0; n <= CK_LENGTHS; n++) {
        float *a = ck_fill(c, ck_floats(c, n), n, -1, 1),
              *b = ck_fill(c, ck_floats(c, n), n, -1, 1);
        float *y = ck_floats(c, n), w = n % 4 ? (float)ck_uniform(c, 0, 1) : 0;
        ck_freeze(c, a);
        ck_freeze(c, b);
        c->k->lerp_f32(y, a, b, w, n);
        for (int64_t i = 0; i < n; i++) check_lerp(c, y[i], a[i], b[i], w, i);
        ck_release(c);
    }
    if (!c->bench) return;
    float *x = ck_fill(c, ck_floats_at(c, 4096, 0), 4096, -1, 1);
    float *y = ck_floats_at(c, 4096, 0);
    CK_BENCH(c, "4096", 12. * 4096, "B", c->k->lerp_f32(y, x, x, 0.5f, 4096));
}

void check_lerp_at_f32(struct checkkern *c)
{
    for (int64_t n = 0; n <= CK_LENGTHS; n++) {
        int64_t m = 1 + ck_below(c, 60);
        float *x = ck_fill(c, ck_floats(c, m), m, -1, 1), *w = ck_fill(c, ck_floats(c, n), n, 0, 1);
        float *y = ck_floats(c, n);
        int32_t *from = ck_bytes(c, (size_t)n * 4, 4), *to = ck_bytes(c, (size_t)n * 4, 4);
        for (int64_t i = 0; i < n; i++) {
            from[i] = (int32_t)ck_below(c, m);
            to[i] = (int32_t)ck_below(c, m);
        }
        ck_freeze(c, x);
        ck_freeze(c, from);
        ck_freeze(c, to);
        c->k->lerp_at_f32(y, x, from, to, w, n);
        for (int64_t i = 0; i < n; i++) check_lerp(c, y[i], x[from[i]], x[to[i]], w[i], i);
        ck_release(c);
    }
    if (!c->bench) return;
    float *x = ck_fill(c, ck_floats_at(c, 4096, 0), 4096, 0, 1), *y = ck_floats_at(c, 4096, 0);
    int32_t *at = ck_bytes(c, 4096 * 4, 64);
    for (int i = 0; i < 4096; i++) at[i] = i / 2;
    CK_BENCH(c, "4096", 20. * 4096, "B", c->k->lerp_at_f32(y, x, at, at, x, 4096));
}
