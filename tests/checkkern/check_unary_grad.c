/* The gradients of the unary kernels against their definitions in float64.
 *
 * A bound is a number of half units, one for each rounding of the formula and what the function
 * inside contributes, times the sum of the magnitudes of the terms, because a slope such as that of
 * gelu goes through zero by cancellation. */
#include <stdio.h>
#include "checkkern.h"

struct unary_grad {
    void (*run)(struct checkkern *c, float *dx, const float *dy, const float *v, int64_t n,
                const struct unary_grad *u);
    double (*exact)(double g, double z, const struct unary_grad *u);
    double (*size)(
        double z); /* sum of the magnitudes of the slope's terms; NULL: the slope's own */
    double roundings;
    double (*more)(double z); /* further roundings that depend on z, or NULL */
    double low, high;         /* range of v */
    float a, b;
};

static void compare(struct checkkern *c, const struct unary_grad *u, const float *dx,
                    const float *dy, const float *v, int64_t n)
{
    for (int64_t i = 0; i < n; i++) {
        double g = (double)dy[i], z = (double)v[i], want = u->exact(g, z, u);
        double size = u->size && !isinf(z) ? fabs(g) * u->size(z) : fabs(want);
        double roundings = u->roundings + (u->more ? u->more(z) : 0);
        ck_near(c, dx[i], want, roundings * CK_EPS / 2 * size + 0x1p-140, "n=%lld dy=%.9g v=%.9g",
                (long long)n, g, z);
    }
}

static void check_grad(struct checkkern *c, const struct unary_grad *u)
{
    static const float special[] = {NAN, INFINITY, -INFINITY, 0.f, -0.f, 1.f, -1.f};
    for (int n = 0; n <= CK_LENGTHS; n++) {
        float *dy = ck_fill(c, ck_floats(c, n), n, -2, 2), *dx = ck_floats(c, n);
        float *v = ck_fill(c, ck_floats(c, n), n, u->low, u->high);
        for (int i = 0; i < n && n % 2; i++) {
            if (ck_below(c, 4) == 0) v[i] = special[ck_below(c, 7)];
            if (ck_below(c, 8) == 0) dy[i] = special[ck_below(c, 7)];
        }
        ck_freeze(c, dy);
        ck_freeze(c, v);
        u->run(c, dx, dy, v, n, u);
        compare(c, u, dx, dy, v, n);
        for (int operand = 0; operand < 2; operand++) {
            float *z = ck_floats(c, n);
            memcpy(z, operand ? v : dy, sizeof *z * (size_t)n);
            u->run(c, z, operand ? dy : z, operand ? z : v, n, u);
            for (int i = 0; i < n; i++) ck_same(c, z[i], dx[i], "in place, n=%d i=%d", n, i);
        }
        for (int i = 0; i < n; i++) {
            float *one = ck_floats(c, 1);
            u->run(c, one, dy + i, v + i, 1, u);
            /* Which of two NaNs a product hands on is the compiler's choice. */
            ck_same(c, *one, dx[i], "alone, n=%d i=%d", n, i);
        }
        ck_release(c);
    }
    enum { N = 1 << 16 };
    float *dy = ck_fill(c, ck_floats_at(c, N, 0), N, -2, 2), *dx = ck_floats_at(c, N, 0);
    float *v = ck_fill(c, ck_floats_at(c, N, 0), N, u->low, u->high);
    u->run(c, dx, dy, v, N, u);
    compare(c, u, dx, dy, v, N);
    if (c->bench) CK_BENCH(c, "65536", 12. * N, "B", u->run(c, dx, dy, v, N, u));
}

static double sigmoid(double x)
{
    return x < 0 ? exp(x) / (1 + exp(x)) : 1 / (1 + exp(-x));
}

static double exact_sqrt(double g, double z, const struct unary_grad *u)
{
    return g / (2 * z);
}

static double exact_rsqrt(double g, double z, const struct unary_grad *u)
{
    return -g * z * z * z / 2;
}

static double exact_reciprocal(double g, double z, const struct unary_grad *u)
{
    return -g * z * z;
}

static double exact_tanh(double g, double z, const struct unary_grad *u)
{
    return g * (1 - z * z);
}

static double size_tanh(double z)
{
    return 1 + z * z;
}

static double exact_sigmoid(double g, double z, const struct unary_grad *u)
{
    return g * (z * (1 - z));
}

static double size_sigmoid(double z)
{
    return fabs(z) * (1 + fabs(z));
}

static double exact_relu(double g, double z, const struct unary_grad *u)
{
    return z <= 0 ? 0 : g;
}

static double exact_abs(double g, double z, const struct unary_grad *u)
{
    return z > 0 ? g : z < 0 ? -g : z;
}

static double exact_square(double g, double z, const struct unary_grad *u)
{
    return 2 * g * z;
}

static double exact_sin(double g, double z, const struct unary_grad *u)
{
    return g * cos(z);
}

static double exact_cos(double g, double z, const struct unary_grad *u)
{
    return -g * sin(z);
}

static double exact_softplus(double g, double z, const struct unary_grad *u)
{
    return g * sigmoid(z);
}

static double size_silu(double z)
{
    return sigmoid(z) + fabs(z) * sigmoid(z) * sigmoid(-z);
}

static double exact_silu(double g, double z, const struct unary_grad *u)
{
    return g * (isinf(z) ? z > 0 : sigmoid(z) * (1 + z * sigmoid(-z)));
}

static double size_gelu(double z)
{
    return erfc(-z / sqrt(2)) / 2 + fabs(z) * exp(-z * z / 2) / sqrt(2 * acos(-1));
}

static double exact_gelu(double g, double z, const struct unary_grad *u)
{
    if (isinf(z)) return g * (z > 0);
    return g * (erfc(-z / sqrt(2)) / 2 + z * exp(-z * z / 2) / sqrt(2 * acos(-1)));
}

/* 2u and its derivative. */
static double argument(double z)
{
    return sqrt(8 / acos(-1)) * (z + 0.044715 * z * z * z);
}

static double steepness(double z)
{
    return sqrt(8 / acos(-1)) * (1 + 3 * 0.044715 * z * z);
}

static double size_gelu_tanh(double z)
{
    double s = sigmoid(argument(z)), t = sigmoid(-argument(z));
    return s + fabs(z) * s * t * steepness(z);
}

static double exact_gelu_tanh(double g, double z, const struct unary_grad *u)
{
    double s = sigmoid(argument(z)), t = sigmoid(-argument(z));
    return g * (isinf(z) ? z > 0 : s + z * s * t * steepness(z));
}

/* The five roundings of 2u become relative errors of the exponential. */
static double more_gelu_tanh(double z)
{
    return isinf(z) ? 0 : 5 * fabs(argument(z));
}

static double exact_leaky_relu(double g, double z, const struct unary_grad *u)
{
    return z < 0 ? (double)u->a * g : g;
}

static double exact_clip(double g, double z, const struct unary_grad *u)
{
    return z < (double)u->a || z > (double)u->b ? 0 : g;
}

#define CHECK(name, ...)                                                                           \
    static void run_##name(struct checkkern *c, float *dx, const float *dy, const float *v,        \
                           int64_t n, const struct unary_grad *u)                                  \
    {                                                                                              \
        c->k->name##_grad_f32(dx, dy, v, n);                                                       \
    }                                                                                              \
    void check_##name##_grad_f32(struct checkkern *c)                                              \
    {                                                                                              \
        check_grad(c, &(struct unary_grad){run_##name, exact_##name, __VA_ARGS__});                \
    }
/* clang-format off */
CHECK(sqrt, .roundings = 1, .low = 0, .high = 4)
CHECK(rsqrt, .roundings = 4, .low = 0, .high = 4)
CHECK(reciprocal, .roundings = 2, .low = -4, .high = 4)
CHECK(tanh, .size = size_tanh, .roundings = 2, .low = -1, .high = 1)
CHECK(sigmoid, .size = size_sigmoid, .roundings = 3, .low = 0, .high = 1)
CHECK(relu, .low = -1, .high = 1)
CHECK(abs, .low = -1, .high = 1)
CHECK(square, .roundings = 1, .low = -4, .high = 4)
CHECK(sin, .roundings = 6, .low = -9, .high = 9)
CHECK(cos, .roundings = 6, .low = -9, .high = 9)
CHECK(softplus, .roundings = 7, .low = -30, .high = 30)
CHECK(silu, .size = size_silu, .roundings = 10, .low = -30, .high = 30)
CHECK(gelu, .size = size_gelu, .roundings = 14, .low = -12, .high = 12)
CHECK(gelu_tanh, .size = size_gelu_tanh, .roundings = 14, .more = more_gelu_tanh, .low = -9, .high = 9)
/* clang-format on */

static void run_leaky_relu(struct checkkern *c, float *dx, const float *dy, const float *v,
                           int64_t n, const struct unary_grad *u)
{
    c->k->leaky_relu_grad_f32(dx, dy, v, n, u->a);
}

void check_leaky_relu_grad_f32(struct checkkern *c)
{
    check_grad(c, &(struct unary_grad){.run = run_leaky_relu,
                                       .exact = exact_leaky_relu,
                                       .roundings = 1,
                                       .low = -1,
                                       .high = 1,
                                       .a = 0.01f});
}

static void run_clip(struct checkkern *c, float *dx, const float *dy, const float *v, int64_t n,
                     const struct unary_grad *u)
{
    c->k->clip_grad_f32(dx, dy, v, n, u->a, u->b);
}

void check_clip_grad_f32(struct checkkern *c)
{
    check_grad(c, &(struct unary_grad){
                      .run = run_clip, .exact = exact_clip, .low = -1, .high = 2, .a = 0, .b = 1});
}
