/* Checks of the limit family: the sum is right, the work that was claimed was done. */
#include "checkkern.h"

void check_limit_fma_f32(struct checkkern *c)
{
    float once = 0, twice = 0;
    double a = c->k->limit_fma_f32(1000, &once), b = c->k->limit_fma_f32(2000, &twice);
    ck_true(c, a > 0 && b == 2 * a, "work %g for 1000 rounds, %g for 2000", a, b);
    /* Every chain tends to x = 0.999 x + 0.001, which is 1 for each lane that is summed. */
    float limit = 0;
    c->k->limit_fma_f32(200000, &limit);
    ck_true(c, fabsf(limit - roundf(limit)) <= 0.02f * limit && limit >= 1,
            "the chains end at %g, not at a whole number of ones", (double)limit);
}

/* All factors are one: the sum counts the multiply-adds. */
static void check_dot(struct checkkern *c, double (*dot)(int64_t rounds, double *sink))
{
    for (int64_t rounds = 0; rounds <= 2000; rounds += 500) {
        double sum = -1, work = dot(rounds, &sum);
        ck_true(c, sum == work / 2 && (work > 0) == (rounds > 0), "%lld rounds: work %g, sum %g",
                (long long)rounds, work, sum);
    }
}

void check_limit_dot_bf16(struct checkkern *c)
{
    check_dot(c, c->k->limit_dot_bf16);
}

void check_limit_dot_int8(struct checkkern *c)
{
    check_dot(c, c->k->limit_dot_int8);
}

void check_limit_read_f32(struct checkkern *c)
{
    for (int64_t n = 0; n <= 8 * CK_LENGTHS; n++) {
        float *x = ck_fill(c, ck_floats(c, n), n, -1, 1);
        double sum = 0, magnitude = 0;
        ck_freeze(c, x);
        for (int64_t i = 0; i < n; i++) {
            sum += (double)x[i];
            magnitude += fabs((double)x[i]);
        }
        ck_near(c, c->k->limit_read_f32(x, n), sum, ck_sum_bound(n, magnitude), "n=%lld",
                (long long)n);
        ck_release(c);
    }
}

void check_limit_copy_f32(struct checkkern *c)
{
    for (int64_t n = 0; n <= CK_LENGTHS; n++) {
        float *x = ck_fill(c, ck_floats(c, n), n, -1, 1), *y = ck_floats(c, n);
        ck_freeze(c, x);
        c->k->limit_copy_f32(y, x, n);
        for (int64_t i = 0; i < n; i++)
            ck_true(c, y[i] == x[i], "n=%lld: element %lld", (long long)n, (long long)i);
        ck_release(c);
    }
}

void check_limit_triad_f32(struct checkkern *c)
{
    for (int64_t n = 0; n <= CK_LENGTHS; n++) {
        float *a = ck_fill(c, ck_floats(c, n), n, -1, 1),
              *b = ck_fill(c, ck_floats(c, n), n, -1, 1), *y = ck_floats(c, n);
        ck_freeze(c, a);
        ck_freeze(c, b);
        c->k->limit_triad_f32(y, a, b, n);
        /* Two roundings of values below 4. */
        for (int64_t i = 0; i < n; i++)
            ck_near(c, y[i], (double)a[i] + 3 * (double)b[i], 2 * 4 * 0x1p-24, "n=%lld i=%lld",
                    (long long)n, (long long)i);
        ck_release(c);
    }
}
