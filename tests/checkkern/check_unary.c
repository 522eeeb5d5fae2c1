/* The unary elementwise kernels against their definitions in float64.
 *
 * Each slot: all lengths up to three vectors and one; in place; special values; a dense walk through
 * the bit patterns of f32 in the range where the function is neither constant nor infinite; and an
 * element's bits at every place of an array. */
#include <float.h>
#include <stdio.h>
#include "checkkern.h"

/* What is known of a slot. */
struct unary {
    void (*run)(struct checkkern *c, float *y, const float *x, int64_t n, const struct unary *u,
                int stream);
    double (*exact)(double x, const struct unary *u);
    double (*ulps)(double x); /* allowed at x, or NULL: */
    double most;              /* allowed everywhere */
    float a, b;               /* parameters */
};

static void compare(struct checkkern *c, const struct unary *u, const float *y, const float *x,
                    int64_t n)
{
    for (int64_t i = 0; i < n; i++)
        ck_ulp(c, y[i], u->exact((double)x[i], u), u->ulps ? u->ulps((double)x[i]) : u->most,
               "n=%lld i=%lld x=%.9g", (long long)n, (long long)i, (double)x[i]);
}

/* 32 bits as a float. */
static float float_of(uint32_t bits)
{
    float x;
    memcpy(&x, &bits, sizeof x);
    return x;
}

/* Every 2^16-th float or so, in steps that change their low bits too; of both signs. */
static void check_walk(struct checkkern *c, const struct unary *u)
{
    enum { N = 4096 };
    for (uint64_t at = (uint64_t)ck_below(c, 40000); at < 1ull << 32;) {
        float *x = ck_floats(c, N), *y = ck_floats(c, N);
        for (int i = 0; i < N; i++, at += 30011) x[i] = float_of((uint32_t)at);
        u->run(c, y, x, N, u, 0);
        compare(c, u, y, x, N);
        ck_release(c);
    }
}

static void check_unary(struct checkkern *c, const struct unary *u)
{
    for (int n = 0; n <= CK_LENGTHS; n++) {
        float *x = ck_fill(c, ck_floats(c, n), n, -10, 10), *y = ck_floats(c, n);
        if (n % 2) ck_fill_special(c, x, n, 4);
        ck_freeze(c, x);
        u->run(c, y, x, n, u, 0);
        compare(c, u, y, x, n);
        float *z = ck_floats(c, n);
        memcpy(z, x, sizeof *x * (size_t)n);
        u->run(c, z, z, n, u, 0);
        ck_same_bytes(c, z, y, sizeof *y * (size_t)n, "in place, n=%d", n);
        float *past = ck_floats_at(c, n, (int)(ck_below(c, 2) ? -n & 15 : 4));
        u->run(c, past, x, n, u, 1);
        ck_same_bytes(c, past, y, sizeof *y * (size_t)n, "past the caches, n=%d", n);
        for (int i = 0; i < n; i++) {
            float *one = ck_floats(c, 1);
            u->run(c, one, x + i, 1, u, 0);
            ck_same_bytes(c, one, y + i, sizeof *y, "alone, n=%d i=%d", n, i);
        }
        ck_release(c);
    }
    check_walk(c, u);
    if (!c->bench) return;
    for (int64_t n = 4096; n <= 1 << 22; n <<= 10) {
        float *x = ck_fill(c, ck_floats_at(c, n, 0), n, -3, 3), *y = ck_floats_at(c, n, 0);
        char label[32];
        snprintf(label, sizeof label, "%lld", (long long)n);
        CK_BENCH(c, label, 8. * (double)n, "B", u->run(c, y, x, n, u, 0));
    }
}

static double exact_exp(double x, const struct unary *u)
{
    return exp(x);
}

static double exact_log(double x, const struct unary *u)
{
    return log(x);
}

static double exact_sqrt(double x, const struct unary *u)
{
    return sqrt(x);
}

static double exact_rsqrt(double x, const struct unary *u)
{
    return 1 / sqrt(x);
}

static double exact_abs(double x, const struct unary *u)
{
    return fabs(x);
}

static double exact_neg(double x, const struct unary *u)
{
    return -x;
}

static double exact_square(double x, const struct unary *u)
{
    return x * x;
}

static double exact_reciprocal(double x, const struct unary *u)
{
    return 1 / x;
}

static double exact_sin(double x, const struct unary *u)
{
    return sin(x);
}

static double exact_cos(double x, const struct unary *u)
{
    return cos(x);
}

static double exact_tanh(double x, const struct unary *u)
{
    return tanh(x);
}

static double exact_sigmoid(double x, const struct unary *u)
{
    return x < 0 ? exp(x) / (1 + exp(x)) : 1 / (1 + exp(-x));
}

static double exact_relu(double x, const struct unary *u)
{
    return x < 0 ? 0 : x;
}

static double exact_gelu(double x, const struct unary *u)
{
    return x < -40 ? -0. : x / 2 * erfc(-x / sqrt(2));
}

/* Twice the u of the formula. */
static double tanh_argument(double x)
{
    return 2 * sqrt(2 / acos(-1)) * (x + 0.044715 * x * x * x);
}

static double exact_gelu_tanh(double x, const struct unary *u)
{
    return x < -40 ? -0. : x * exact_sigmoid(tanh_argument(x), u);
}

/* u has five roundings, and what they do to 2u the exponential makes relative. */
static double ulps_gelu_tanh(double x)
{
    return 4 + (x < 0 ? 2.5 * fabs(tanh_argument(x)) : 0);
}

static double exact_silu(double x, const struct unary *u)
{
    return x < -200 ? -0. : x * exact_sigmoid(x, u);
}

/* Below 1e-36 the exponential is denormal, and its half unit grows with |x| <= 104. */
static double ulps_silu(double x)
{
    return x < -80 ? 256 : 3.5;
}

static double exact_softplus(double x, const struct unary *u)
{
    return fmax(x, 0) + log1p(exp(-fabs(x))) + (isnan(x) ? x : 0);
}

static double exact_leaky_relu(double x, const struct unary *u)
{
    return x < 0 ? (double)u->a * x : x;
}

static double exact_clip(double x, const struct unary *u)
{
    return x < (double)u->a ? (double)u->a : x > (double)u->b ? (double)u->b : x;
}

static double exact_scale(double x, const struct unary *u)
{
    return (double)u->a * x;
}

#define CHECK(name, bound)                                                                         \
    static void run_##name(struct checkkern *c, float *y, const float *x, int64_t n,               \
                           const struct unary *u, int stream)                                      \
    {                                                                                              \
        c->k->name##_f32(y, x, n, stream);                                                         \
    }                                                                                              \
    void check_##name##_f32(struct checkkern *c)                                                   \
    {                                                                                              \
        check_unary(c, &(struct unary){run_##name, exact_##name, .most = bound});                  \
    }
/* Half a unit is the exact value, correctly rounded. */
CHECK(exp, 1)
CHECK(log, 1)
CHECK(sqrt, 0.5)
CHECK(rsqrt, 2)
CHECK(abs, 0)
CHECK(neg, 0)
CHECK(square, 0.5)
CHECK(reciprocal, 0.5)
CHECK(sin, 2)
CHECK(cos, 2)
CHECK(tanh, 3)
CHECK(sigmoid, 2.5)
CHECK(relu, 0)
CHECK(gelu, 8)
CHECK(softplus, 2)

static void run_gelu_tanh(struct checkkern *c, float *y, const float *x, int64_t n,
                          const struct unary *u, int stream)
{
    c->k->gelu_tanh_f32(y, x, n, stream);
}

void check_gelu_tanh_f32(struct checkkern *c)
{
    check_unary(c, &(struct unary){run_gelu_tanh, exact_gelu_tanh, .ulps = ulps_gelu_tanh});
}

static void run_silu(struct checkkern *c, float *y, const float *x, int64_t n,
                     const struct unary *u, int stream)
{
    c->k->silu_f32(y, x, n, stream);
}

void check_silu_f32(struct checkkern *c)
{
    check_unary(c, &(struct unary){run_silu, exact_silu, .ulps = ulps_silu});
}

static void run_leaky_relu(struct checkkern *c, float *y, const float *x, int64_t n,
                           const struct unary *u, int stream)
{
    c->k->leaky_relu_f32(y, x, n, u->a, stream);
}

void check_leaky_relu_f32(struct checkkern *c)
{
    check_unary(c, &(struct unary){run_leaky_relu, exact_leaky_relu, .most = 0.5, .a = 0.01f});
}

static void run_clip(struct checkkern *c, float *y, const float *x, int64_t n,
                     const struct unary *u, int stream)
{
    c->k->clip_f32(y, x, n, u->a, u->b, stream);
}

void check_clip_f32(struct checkkern *c)
{
    check_unary(c, &(struct unary){run_clip, exact_clip, .a = -1.5f, .b = 2.5f});
    check_unary(c, &(struct unary){run_clip, exact_clip, .a = 0, .b = INFINITY});
}

static void run_scale(struct checkkern *c, float *y, const float *x, int64_t n,
                      const struct unary *u, int stream)
{
    c->k->scale_f32(y, x, n, u->a, stream);
}

void check_scale_f32(struct checkkern *c)
{
    check_unary(c, &(struct unary){run_scale, exact_scale, .most = 0.5, .a = -3.7f});
}
