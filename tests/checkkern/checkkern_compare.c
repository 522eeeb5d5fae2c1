/* Comparisons of the kernel checks, and their fills.  See checkkern.h. */
#include <float.h>
#include <stdarg.h>
#include <stdio.h>
#include "checkkern.h"

enum { SHOWN = 5 }; /* failures of one check that are printed */

static bool judge(struct checkkern *c, bool right, const char *format, va_list args)
{
    c->comparisons++;
    if (right) return true;
    if (c->failures++ < SHOWN) {
        printf("  wrong: %s: ", c->function);
        vprintf(format, args);
        printf("\n");
    }
    return false;
}

bool ck_true(struct checkkern *c, bool right, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    judge(c, right, format, args);
    va_end(args);
    return right;
}

/* Prints what differs in front of the caller's text. */
static bool judge_value(struct checkkern *c, bool right, float got, double want, double limit,
                        const char *format, va_list args)
{
    if (!right && c->failures < SHOWN)
        printf("  got %.9g, want %.12g, off by %.3g, allowed %.3g\n", (double)got, want,
               fabs((double)got - want), limit);
    return judge(c, right, format, args);
}

/* 1 or 0 when a special value decides, -1 when both are ordinary numbers. */
static int judge_special(float got, double want)
{
    if (isnan(want)) return isnan(got) ? 1 : 0;
    if (isnan(got)) return 0;
    if (isinf(want)) return (double)got == want;
    if (isinf(got)) /* right when the exact value rounds past the largest number */
        return fabs(want) >= (double)FLT_MAX && (got > 0) == (want > 0);
    return -1;
}

bool ck_near(struct checkkern *c, float got, double want, double bound, const char *format, ...)
{
    int special = judge_special(got, want);
    bool right = special >= 0 ? special : fabs((double)got - want) <= bound;
    va_list args;
    va_start(args, format);
    judge_value(c, right, got, want, bound, format, args);
    va_end(args);
    return right;
}

/* The distance between neighbouring floats at |x|. */
static double ulp_at(double x)
{
    int exponent;
    frexp(x, &exponent);
    if (x == 0 || exponent < -125) exponent = -125; /* denormals are 2^-149 apart */
    return ldexp(1, exponent - 24);
}

bool ck_ulp(struct checkkern *c, float got, double want, double ulps, const char *format, ...)
{
    int special = judge_special(got, want);
    bool right = special >= 0 ? special : fabs((double)got - want) <= ulps * ulp_at(want);
    va_list args;
    va_start(args, format);
    judge_value(c, right, got, want, ulps * ulp_at(want), format, args);
    va_end(args);
    return right;
}

bool ck_same(struct checkkern *c, float got, float want, const char *format, ...)
{
    bool right = memcmp(&got, &want, sizeof got) == 0 || (isnan(got) && isnan(want));
    va_list args;
    va_start(args, format);
    judge_value(c, right, got, want, 0, format, args);
    va_end(args);
    return right;
}

bool ck_same_bytes(struct checkkern *c, const void *got, const void *want, size_t n,
                   const char *format, ...)
{
    bool right = n == 0 || memcmp(got, want, n) == 0;
    if (!right && c->failures < SHOWN) {
        size_t at = 0;
        while (((const uint8_t *)got)[at] == ((const uint8_t *)want)[at]) at++;
        printf("  first difference at byte %zu of %zu\n", at, n);
    }
    va_list args;
    va_start(args, format);
    judge(c, right, format, args);
    va_end(args);
    return right;
}

float *ck_fill(struct checkkern *c, float *x, int64_t n, double low, double high)
{
    for (int64_t i = 0; i < n; i++) x[i] = (float)ck_uniform(c, low, high);
    return x;
}

float *ck_fill_special(struct checkkern *c, float *x, int64_t n, int every)
{
    static const float special[] = {NAN,       INFINITY,   -INFINITY, 0.f,      -0.f, FLT_MIN,
                                    0x1p-149f, -0x1p-130f, FLT_MAX,   -FLT_MAX, 1.f,  -1.f};
    for (int64_t i = 0; i < n; i++)
        if (ck_below(c, every) == 0)
            x[i] = special[ck_below(c, (int64_t)(sizeof special / sizeof *special))];
    return x;
}
