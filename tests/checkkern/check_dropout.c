/* Dropout: every element against the generator of the base room, which has its own tests. */
#include "base/rng.h"
#include "checkkern.h"

static void check_mask(struct checkkern *c, int64_t n, uint32_t below, uint64_t first)
{
    uint64_t seed = ck_random(c), stream = ck_random(c);
    float *x = ck_fill(c, ck_floats(c, n), n, -2, 2), *y = ck_floats(c, n), *z = ck_floats(c, n);
    if (n % 2) ck_fill_special(c, x, n, 4);
    if (n) memcpy(z, x, (size_t)n * sizeof *x);
    ck_freeze(c, x);
    c->k->dropout_f32(y, x, n, 1.25f, below, seed, stream, first);
    for (int64_t i = 0; i < n; i++) {
        uint32_t word = sw__random_u32(seed, stream, first + (uint64_t)i);
        ck_same(c, y[i], word < below ? 0 : 1.25f * x[i], "n=%d i=%d", (int)n, (int)i);
    }
    c->k->dropout_f32(z, z, n, 1.25f, below, seed, stream, first);
    for (int64_t i = 0; i < n; i++) ck_same(c, z[i], y[i], "in place, n=%d i=%d", (int)n, (int)i);
    ck_release(c);
}

void check_dropout_f32(struct checkkern *c)
{
    static const uint32_t below[] = {0, 1, 0x80000000u, 0x7fffffffu, 0xffffffffu, 0x20000000u};
    for (int n = 0; n <= 4 * CK_LENGTHS; n++)
        check_mask(c, n, below[ck_below(c, 6)], 4 * (uint64_t)ck_below(c, 1000));
    for (int i = 0; i < 6; i++) {
        check_mask(c, 1000, below[i], 0);
        check_mask(c, 1000, below[i], (4ull << 32) - 400); /* the counter's carry */
    }
    if (!c->bench) return;
    enum { N = 1 << 16 };
    float *x = ck_fill(c, ck_floats_at(c, N, 0), N, -3, 3), *y = ck_floats_at(c, N, 0);
    CK_BENCH(c, "65536", 8. * N, "B", c->k->dropout_f32(y, x, N, 2, 0x80000000u, 1, 2, 0));
}
