/* checkkern: every kernel slot x every ISA that this CPU has, against a float64 oracle.
 *
 * How to write a check.  A family's checks stand in tests/checkkern/check_<family>.c; for every slot
 * of src/kernels/<family>_kernels.h there is one function
 *
 *     void check_exp_f32(struct checkkern *c)
 *     {
 *         for (int n = 0; n <= CK_LENGTHS; n++) {           // every length up to 3 vectors + 1
 *             const float *x = ck_fill(c, ck_floats(c, n), n, -10, 10);
 *             float *y = ck_floats(c, n);                   // full of canaries
 *             c->k->exp_f32(y, x, n);                       // the table of the ISA under test
 *             for (int i = 0; i < n; i++)
 *                 ck_ulp(c, y[i], exp(x[i]), 2, "n=%d i=%d x=%g", n, i, x[i]);
 *             ck_release(c);                                // checks the canaries, frees
 *         }
 *         if (c->bench) CK_BENCH(c, "4096", 8. * 4096, "B", c->k->exp_f32(y, x, 4096));
 *     }
 *
 * A slot without its function does not link.  The function is called once for each ISA that has its
 * own version of the slot (c->isa, c->k); c->ref is the table of reference kernels, for integers and
 * copies whose bits must be the same everywhere.
 *
 * Buffers end at an inaccessible page, or a few elements before it so that every alignment comes
 * up, and are filled with a canary; the bytes in front and behind hold canaries too and are checked
 * by ck_release, which the frame also calls after each check.  A kernel that only reads a buffer
 * must not change it: ck_freeze makes it read-only.
 *
 * Numbers come from a generator seeded by --seed and the name of the slot, so one failing slot can
 * be run alone (--filter) with the same numbers. */
#ifndef SWELL_CHECKKERN_H
#define SWELL_CHECKKERN_H

#include <math.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include "kernels/kernels.h"

/* Three vectors of sixteen floats and one. */
#define CK_LENGTHS 49

/* The unit of f32: a rounding changes x by at most CK_EPS / 2 * |x|. */
#define CK_EPS 0x1p-23

struct checkkern {
    const struct sw_kernels *k;   /* the table under test */
    const struct sw_kernels *ref; /* the table of reference kernels */
    enum sw_isa isa;              /* the ISA under test */
    const char *slot, *function;  /* "exp_f32", "sw__exp_f32_avx512" */
    bool bench;                   /* measure as well: after the checks, with CK_BENCH */
    uint64_t seed;                /* of the whole run */
    /* The frame's own: */
    uint64_t random;               /* state of the generator */
    int64_t comparisons, failures; /* of this check */
    struct ck_block *blocks;       /* live buffers */
};

/* The check of every slot, written in check_<family>.c. */
#define CK_DECLARE(slot, ret, args) void check_##slot(struct checkkern *c);
SW_KERNEL_LIST(CK_DECLARE)
#undef CK_DECLARE

/* Random numbers. */
uint64_t ck_random(struct checkkern *c);
int64_t ck_below(struct checkkern *c, int64_t n); /* 0 .. n-1 */
double ck_uniform(struct checkkern *c, double low, double high);

/* Guarded memory, filled with canaries, whose end (size rounded up to `align`) touches an
 * inaccessible page or stands up to 15 units of `align` before it, by chance.  Never NULL.  Freed by
 * ck_release. */
void *ck_bytes(struct checkkern *c, size_t size, size_t align);
float *ck_floats(struct checkkern *c, int64_t n);
/* n floats that end exactly `gap` floats before the page: for a chosen alignment. */
float *ck_floats_at(struct checkkern *c, int64_t n, int gap);
/* Make a buffer of ck_bytes or ck_floats read-only. */
void ck_freeze(struct checkkern *c, const void *buffer);
/* Check all canaries and free all buffers. */
void ck_release(struct checkkern *c);

/* Fill x with uniform numbers and return it. */
float *ck_fill(struct checkkern *c, float *x, int64_t n, double low, double high);
/* Overwrite about one in `every` elements with NaN, infinities, zeros of both signs, denormals and
 * the largest numbers. */
float *ck_fill_special(struct checkkern *c, float *x, int64_t n, int every);
/* Whether x still holds the canary of a fresh buffer. */
bool ck_is_canary(float x);

/* Comparisons.  Each counts; a failure prints slot, function and the text (the first few of a
 * check).  All return whether it was right. */
bool ck_true(struct checkkern *c, bool right, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
/* |got - want| <= bound; NaN wants NaN, an infinity (or a `want` beyond the range of f32) wants the
 * same infinity.  For sums: bound = ck_sum_bound(K, sum of |a*b|). */
bool ck_near(struct checkkern *c, float got, double want, double bound, const char *format, ...)
    __attribute__((format(printf, 5, 6)));
/* At most `ulps` units in the last place of f32 from the exact value; special values as above. */
bool ck_ulp(struct checkkern *c, float got, double want, double ulps, const char *format, ...)
    __attribute__((format(printf, 5, 6)));
/* The same bits; NaNs of any payload are equal to each other. */
bool ck_same(struct checkkern *c, float got, float want, const char *format, ...)
    __attribute__((format(printf, 4, 5)));
/* n bytes the same, payloads included. */
bool ck_same_bytes(struct checkkern *c, const void *got, const void *want, size_t n,
                   const char *format, ...) __attribute__((format(printf, 5, 6)));

/* Bound of the error of a sum of K products in any order, f32: each of the at most K + 2 roundings
 * that a term passes (product, sums, bias) moves it by eps / 2 of its magnitude; doubled, so that
 * the second-order terms fit. */
static inline double ck_sum_bound(int64_t terms, double sum_of_magnitudes)
{
    return (double)(terms + 2) * CK_EPS * sum_of_magnitudes + 0x1p-149;
}

/* Time `call`, best of many short runs; `work` is what one call does in `unit` ("FLOP", "B");
 * prints time and work per second. */
#define CK_BENCH(c, label, work, unit, call)                                                       \
    do {                                                                                           \
        struct ck_timer ck_timer_ = {0};                                                           \
        while (ck_timer_next(&ck_timer_))                                                          \
            for (int64_t ck_i_ = 0; ck_i_ < ck_timer_.repeat; ck_i_++) call;                       \
        ck_timer_report((c), (label), (work), (unit), &ck_timer_);                                 \
    } while (0)

struct ck_timer {
    int64_t repeat; /* calls in this run */
    int runs;
    double start, best, total; /* seconds; best is of one call */
};
bool ck_timer_next(struct ck_timer *t);
void ck_timer_report(struct checkkern *c, const char *label, double work, const char *unit,
                     const struct ck_timer *t);

#endif
