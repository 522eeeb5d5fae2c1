/* The casts, every pair of types, against the definition: the exact value, rounded once. */
#include <stdio.h>
#include "checkkern.h"

static const sw_dtype types[] = {SW_F32, SW_F16, SW_BF16, SW_I32, SW_I8, SW_U8};
enum { N_TYPES = 6 };

static size_t size_of(sw_dtype t)
{
    return t == SW_F32 || t == SW_I32 ? 4 : t == SW_F16 || t == SW_BF16 ? 2 : 1;
}

/* A 16-bit float with `bits` of fraction, bias as IEEE's, as a number. */
static double half_value(uint16_t h, int bits)
{
    int exponent = (h & 0x7fff) >> bits, fraction = h & ((1 << bits) - 1);
    int top = (1 << (15 - bits)) - 1, bias = top / 2;
    double x;
    if (exponent == top)
        x = fraction ? NAN : INFINITY;
    else
        x = ldexp(exponent ? fraction + (1 << bits) : fraction,
                  (exponent ? exponent : 1) - bias - bits);
    return h & 0x8000 ? -x : x;
}

static double value(const void *p, sw_dtype t, int64_t i)
{
    switch (t) {
    case SW_F32: return (double)((const float *)p)[i];
    case SW_F16: return half_value(((const uint16_t *)p)[i], 10);
    case SW_BF16: return half_value(((const uint16_t *)p)[i], 7);
    case SW_I32: return ((const int32_t *)p)[i];
    case SW_I8: return ((const int8_t *)p)[i];
    default: return ((const uint8_t *)p)[i];
    }
}

/* x rounded to `bits` of significand, units no smaller than 2^least, infinite from 2^top on. */
static double round_float(double x, int bits, int least, int top)
{
    int exponent;
    if (isnan(x) || isinf(x) || x == 0) return x;
    frexp(x, &exponent);
    double unit = ldexp(1, exponent - bits > least ? exponent - bits : least);
    double r = rint(x / unit) * unit; /* to even; scaling by a power of 2 is exact */
    return fabs(r) >= ldexp(1, top) ? copysign(INFINITY, x) : copysign(r, x);
}

static double round_int(double x, double low, double high)
{
    if (isnan(x)) return 0;
    return fmin(high, fmax(low, rint(x)));
}

static double rounded(double x, sw_dtype t)
{
    switch (t) {
    case SW_F32: return round_float(x, 24, -149, 128);
    case SW_F16: return round_float(x, 11, -24, 16);
    case SW_BF16: return round_float(x, 8, -133, 128);
    case SW_I32: return round_int(x, -0x1p31, 0x1p31 - 1);
    case SW_I8: return round_int(x, -128, 127);
    default: return round_int(x, 0, 255);
    }
}

/* Bits at random, or numbers around what the target types can hold. */
static void fill(struct checkkern *c, void *p, sw_dtype t, int64_t n)
{
    static const float edges[] = {0x1p31f,  -0x1p31f,   2147483520.f, 65504.f,     65519.996f,
                                  65520.f,  127.5f,     126.5f,       -128.5f,     255.5f,
                                  254.5f,   -0.5f,      0.5f,         1.5f,        0x1p-24f,
                                  0x1p-25f, 0x1.8p-25f, 0x1.fep127f,  0x1.ffp127f, -0.f};
    for (int64_t i = 0; i < n; i++) {
        uint32_t bits = (uint32_t)ck_random(c);
        float f = (float)ck_uniform(c, -300, 300);
        if (ck_below(c, 4) == 0) f = edges[ck_below(c, sizeof edges / sizeof *edges)];
        if (ck_below(c, 4) == 0) memcpy(&f, &bits, sizeof f);
        int32_t integer = (int32_t)bits >> ck_below(c, 32);
        if (ck_below(c, 8) == 0) integer = bits & 1 ? INT32_MAX : INT32_MIN;
        if (t == SW_F32)
            ((float *)p)[i] = f;
        else if (t == SW_I32)
            ((int32_t *)p)[i] = integer;
        else
            memcpy((char *)p + (size_t)i * size_of(t), &bits, size_of(t));
    }
}

static void check_pair(struct checkkern *c, sw_dtype to, sw_dtype from, int64_t n)
{
    size_t in = (size_t)n * size_of(from), out = (size_t)n * size_of(to);
    void *x = ck_bytes(c, in, size_of(from)), *y = ck_bytes(c, out, size_of(to));
    fill(c, x, from, n);
    ck_freeze(c, x);
    c->k->cast(y, to, x, from, n);
    for (int64_t i = 0; i < n; i++) {
        double want = rounded(value(x, from, i), to), got = value(y, to, i);
        bool same = isnan(want) ? isnan(got) : got == want && !signbit(got) == !signbit(want);
        if (to == SW_I32 || to == SW_I8 || to == SW_U8) same = got == want;
        ck_true(c, same, "%s to %s, n=%d i=%d: %.9g gave %.9g, not %.9g", sw_dtype_get(from)->name,
                sw_dtype_get(to)->name, (int)n, (int)i, value(x, from, i), got, want);
    }
    if (to == from) ck_same_bytes(c, y, x, in, "copy of %s, n=%d", sw_dtype_get(to)->name, (int)n);
    if (size_of(to) == size_of(from)) {
        void *z = ck_bytes(c, in, size_of(from));
        if (n) memcpy(z, x, in);
        c->k->cast(z, to, z, from, n);
        ck_same_bytes(c, z, y, out, "in place, n=%d", (int)n);
    }
    ck_release(c);
}

void check_cast(struct checkkern *c)
{
    for (int to = 0; to < N_TYPES; to++)
        for (int from = 0; from < N_TYPES; from++) {
            for (int n = 0; n <= CK_LENGTHS; n++) check_pair(c, types[to], types[from], n);
            check_pair(c, types[to], types[from], 5000);
        }
    if (!c->bench) return;
    static const sw_dtype pairs[][2] = {{SW_BF16, SW_F32}, {SW_F32, SW_BF16}, {SW_F16, SW_F32},
                                        {SW_F32, SW_F16},  {SW_I8, SW_F32},   {SW_F32, SW_I32}};
    enum { N = 1 << 16 };
    float *x = ck_fill(c, ck_floats_at(c, N, 0), N, -3, 3), *y = ck_floats_at(c, N, 0);
    for (size_t i = 0; i < sizeof pairs / sizeof *pairs; i++) {
        sw_dtype to = pairs[i][0], from = pairs[i][1];
        char label[32];
        snprintf(label, sizeof label, "%s to %s", sw_dtype_get(from)->name, sw_dtype_get(to)->name);
        CK_BENCH(c, label, N * (double)(size_of(to) + size_of(from)), "B",
                 c->k->cast(y, to, x, from, N));
    }
}
