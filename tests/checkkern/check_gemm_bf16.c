/* Checks of the gemm_bf16 slots: panels element by element against the layout, strips against the
 * float64 sum with the bound of any f32 sum, against the rule of the bits where it is written with
 * fma, and everywhere against the same element computed alone. */
#include <stdio.h>
#include <swell/tensor.h>
#include "checkkern.h"
#include "kernels/gemm_table.h"

static const struct sw_gemm_blocks *blocks(const struct checkkern *c)
{
    return sw__gemm_blocks_of(c->isa, SW_GEMM_KIND_BF16);
}

static float value(uint16_t h)
{
    uint32_t bits = (uint32_t)h << 16;
    float x;
    memcpy(&x, &bits, sizeof x);
    return x;
}

/* Numbers in -1 .. 1, and about one in `every` something else that does not overflow a sum. */
static uint16_t *fill(struct checkkern *c, int64_t n, int every)
{
    static const uint16_t special[] = {0x7fc0, 0x7f80, 0xff80, 0x0000, 0x8000, 0x0001, 0x807f};
    uint16_t *x = ck_bytes(c, (size_t)n * sizeof *x, 64);
    for (int64_t i = 0; i < n; i++) {
        float f = (float)ck_uniform(c, -1, 1);
        sw_convert(&x[i], SW_BF16, &f, SW_F32, 1);
        if (every && ck_below(c, every) == 0) x[i] = special[ck_below(c, 7)];
    }
    return x;
}

/* A strip and where its operands came from: a (m, kc) and b (kc, n), row-major. */
struct strip {
    const uint16_t *a, *b;
    int m;
    int64_t n, kc;
    bool plain; /* rows of a are read where they are */
    int accumulate;
    const struct sw_epilogue *e;
};

/* VDPBF16PS and TDPBF16PS take denormals for zeros. */
static double operand(const struct checkkern *c, uint16_t h)
{
    double x = (double)value(h);
    return c->isa >= SW_ISA_AVX512_BF16 && fabs(x) < 0x1p-126 ? 0 : x;
}

static double activate(double x, const struct sw_epilogue *e)
{
    if (e->act == SW_GEMM_ACT_RELU) return x < 0 ? 0 : x;
    if (e->act == SW_GEMM_ACT_LEAKY) return x < 0 ? (double)e->a * x : x;
    if (e->act == SW_GEMM_ACT_CLIP)
        return x < (double)e->a ? (double)e->a : x > (double)e->b ? (double)e->b : x;
    return x;
}

static void check_near(struct checkkern *c, float got, float before, const struct strip *s,
                       int64_t i, int64_t j)
{
    double sum = s->accumulate ? (double)before : 0, size = fabs(sum);
    for (int64_t k = 0; k < s->kc; k++) {
        double x = operand(c, s->a[i * s->kc + k]) * operand(c, s->b[k * s->n + j]);
        sum += x;
        size += isfinite(x) ? fabs(x) : 0;
    }
    if (s->e) {
        if (s->e->bias_col) sum += (double)s->e->bias_col[j];
        if (s->e->bias_row) sum += (double)s->e->bias_row[i];
        size += 2; /* biases are below 1 */
        sum = activate(sum, s->e);
    }
    /* What is flushed: at most 2^-126 for each product. */
    ck_near(c, got, sum, ck_sum_bound(s->kc, size) + (double)(2 * s->kc) * 0x1p-126,
            "m=%d n=%lld kc=%lld at (%lld,%lld)", s->m, (long long)s->n, (long long)s->kc,
            (long long)i, (long long)j);
}

/* The rule of the bits, up to the epilogue. */
static float chain(const struct checkkern *c, float before, const struct strip *s, int64_t i,
                   int64_t j)
{
    float sum = s->accumulate ? before : 0;
    for (int64_t k = 0; k < (s->kc + 1) / 2 * 2; k++) {
        float a = k < s->kc ? value(s->a[i * s->kc + k]) : 0;
        float b = k < s->kc ? value(s->b[k * s->n + j]) : 0;
        sum = c->isa == SW_ISA_REF ? sum + a * b : fmaf(a, b, sum);
    }
    return sum;
}

/* Pack row i (or all) and column j (or all) and multiply into y. */
static void multiply(struct checkkern *c, const struct strip *s, float *y, int64_t ldc, int64_t i,
                     int64_t j)
{
    const struct sw_gemm_blocks *t = blocks(c);
    const bool one = i >= 0;
    const int64_t depth = (s->kc + t->group - 1) / t->group * t->group;
    const int64_t n = one ? 1 : s->n, m = one ? 1 : s->m, lda = s->plain && !one ? 2 * s->kc : 0;
    void *a = ck_bytes(c, (size_t)(depth * t->mr * t->a_bytes), 64);
    void *b = ck_bytes(c, (size_t)(depth * t->nr * ((n + t->nr - 1) / t->nr) * t->b_bytes), 64);
    if (!lda) c->k->gemm_pack_a_bf16(a, s->a + (one ? i * s->kc : 0), SW_BF16, s->kc, 1, m, s->kc);
    c->k->gemm_pack_b_bf16(b, s->b + (one ? j : 0), SW_BF16, s->n, 1, s->kc, n);
    ck_freeze(c, a);
    ck_freeze(c, b);
    c->k->gemm_strip_bf16(y, ldc, lda ? s->a : a, lda, b, s->kc, m, n, s->accumulate,
                          one ? NULL : s->e);
}

static bool may_be_plain(const struct checkkern *c, int64_t kc)
{
    return c->isa == SW_ISA_AMX && kc > 0 && kc % blocks(c)->group == 0;
}

static void check_strip(struct checkkern *c, int m, int64_t n, int64_t kc, int every)
{
    const int64_t ldc = n + ck_below(c, 5), size = m > 0 && n > 0 ? (m - 1) * ldc + n : 0;
    struct strip s = {.m = m, .n = n, .kc = kc, .accumulate = (int)ck_below(c, 2)};
    struct sw_epilogue e = {.act = (enum sw_gemm_act)ck_below(c, 4), .a = -0.25f, .b = 0.5f};
    s.plain = m > blocks(c)->mr || (may_be_plain(c, kc) && ck_below(c, 2));
    s.a = fill(c, m * kc, every);
    s.b = fill(c, n * kc, every);
    if (ck_below(c, 2)) e.bias_col = ck_fill(c, ck_floats(c, n), n, -1, 1);
    if (ck_below(c, 2)) e.bias_row = ck_fill(c, ck_floats(c, m), m, -1, 1);
    if (ck_below(c, 2)) s.e = &e;
    float *y = ck_floats(c, size), *before = ck_floats(c, size);
    for (int i = 0; s.accumulate && i < m; i++) ck_fill(c, y + i * ldc, n, -1, 1);
    memcpy(before, y, (size_t)size * sizeof *y);
    multiply(c, &s, y, ldc, -1, -1);
    for (int64_t at = 0; at < size; at++) {
        const int64_t i = at / ldc, j = at % ldc;
        if (j >= n) {
            ck_true(c, ck_is_canary(y[at]), "wrote beside the strip");
            continue;
        }
        check_near(c, y[at], before[at], &s, i, j);
        if (!s.e && c->isa < SW_ISA_AVX512_BF16)
            ck_same(c, y[at], chain(c, before[at], &s, i, j), "m=%d kc=%lld at (%lld,%lld)", m,
                    (long long)kc, (long long)i, (long long)j);
    }
    if (size > 0 && !s.e) { /* a row and a column alone */
        const int64_t i = ck_below(c, m), j = ck_below(c, n), at = i * ldc + j;
        float *alone = ck_floats(c, 1);
        *alone = before[at];
        multiply(c, &s, alone, 1, i, j);
        ck_same(c, y[at], *alone, "alone: m=%d kc=%lld at (%lld,%lld)", m, (long long)kc,
                (long long)i, (long long)j);
    }
    ck_release(c);
}

void check_gemm_strip_bf16(struct checkkern *c)
{
    const struct sw_gemm_blocks *t = blocks(c);
    for (int m = 1; m <= t->mr; m++)
        for (int64_t n = 0; n <= 2 * t->nr + 1; n += 1 + ck_below(c, 5))
            check_strip(c, m, n, ck_below(c, 40), 0);
    for (int64_t kc = 0; kc <= 2 * CK_LENGTHS; kc++)
        check_strip(c, t->mr, 2 * t->nr, kc, kc % 2 ? 30 : 0);
    for (int i = 0; i < 20; i++) check_strip(c, 1 + (int)ck_below(c, t->mr), 40, 70, 300);
    check_strip(c, t->mr, t->nr, t->kc, 0);
    for (int64_t m = 1; may_be_plain(c, t->group) && m <= 3 * t->mr; m++)
        check_strip(c, (int)m, ck_below(c, 80), t->group * (1 + ck_below(c, 4)), m % 2 ? 30 : 0);
    if (!c->bench) return;
    for (int m = 1; m <= t->mr; m = m == 1 ? t->mr : m + 1) {
        const int64_t n = 16 * t->nr;
        const size_t depth = (size_t)t->kc;
        void *a = ck_bytes(c, depth * (size_t)(t->mr * t->a_bytes), 64);
        void *b = ck_bytes(c, depth * (size_t)(n * t->b_bytes), 64);
        float *y = ck_floats_at(c, t->mr * n, 0);
        memset(a, 0, depth * (size_t)(t->mr * t->a_bytes));
        memset(b, 0, depth * (size_t)(n * t->b_bytes));
        CK_BENCH(c, m == 1 ? "one row, kc = KC" : "MR rows, kc = KC", 2. * m * (double)n * t->kc,
                 "FLOP", c->k->gemm_strip_bf16(y, n, a, 0, b, t->kc, m, n, 0, NULL));
    }
}

/* Element k of line i of a panel. */
static float packed(const struct checkkern *c, const void *panel, bool is_b, int64_t width,
                    int64_t i, int64_t k)
{
    if (!is_b && c->isa == SW_ISA_AMX)
        return value(((const uint16_t *)panel)[k / 32 * 32 * width + i * 32 + k % 32]);
    if (!is_b && blocks(c)->a_bytes == 4) return ((const float *)panel)[k * width + i];
    return value(((const uint16_t *)panel)[k / 2 * 2 * width + i * 2 + k % 2]);
}

static void check_pack(struct checkkern *c, bool is_b, sw_dtype dtype, int64_t lines, int64_t kc,
                       int64_t across, int64_t along)
{
    const struct sw_gemm_blocks *t = blocks(c);
    const int64_t width = is_b ? t->nr : t->mr, panels = is_b ? (lines + width - 1) / width : 1;
    const int64_t depth = (kc + t->group - 1) / t->group * t->group;
    const size_t unit = dtype == SW_F32 ? 4 : 2;
    int64_t low = 0, high = 0; /* the elements that are touched: low .. high */
    if (lines > 0) *(across < 0 ? &low : &high) += (lines - 1) * across;
    if (kc > 0) *(along < 0 ? &low : &high) += (kc - 1) * along;
    const size_t size = lines > 0 && kc > 0 ? (size_t)(high - low + 1) * unit : 0;
    uint8_t *src = ck_bytes(c, size, unit);
    for (size_t i = 0; i < size; i++) src[i] = (uint8_t)ck_random(c);
    const uint8_t *origin = src + (size == 0 ? 0 : -low * (int64_t)unit);
    ck_freeze(c, src);
    const size_t bytes = (size_t)(width * depth * (is_b ? t->b_bytes : t->a_bytes));
    uint8_t *got = ck_bytes(c, bytes * (size_t)panels, 64);
    if (is_b)
        c->k->gemm_pack_b_bf16(got, origin, dtype, along, across, kc, lines);
    else
        c->k->gemm_pack_a_bf16(got, origin, dtype, across, along, lines, kc);
    for (int64_t p = 0; p < panels && lines > 0; p++)
        for (int64_t k = 0; k < depth; k++)
            for (int64_t i = 0; i < width; i++) {
                const int64_t line = p * width + i;
                uint16_t want = 0;
                if (line < lines && k < kc)
                    sw_convert(&want, SW_BF16, origin + (line * across + k * along) * (int64_t)unit,
                               dtype, 1);
                ck_same(c, packed(c, got + (size_t)p * bytes, is_b, width, i, k), value(want),
                        "%s k=%lld of %lld line %lld of %lld, strides %lld %lld",
                        sw_dtype_get(dtype)->name, (long long)k, (long long)kc, (long long)line,
                        (long long)lines, (long long)across, (long long)along);
            }
    ck_release(c);
}

static void check_packing(struct checkkern *c, bool is_b)
{
    static const sw_dtype dtypes[] = {SW_F32, SW_F16, SW_BF16};
    const struct sw_gemm_blocks *t = blocks(c);
    const int64_t most = is_b ? 5 * t->nr : t->mr;
    for (int d = 0; d < 3; d++) {
        for (int64_t lines = 1; lines <= most; lines++) {
            int64_t kc = ck_below(c, 70), gap = ck_below(c, 4);
            check_pack(c, is_b, dtypes[d], lines, kc, kc + gap, 1);
            check_pack(c, is_b, dtypes[d], lines, kc, 1, lines + gap);
        }
        for (int64_t kc = 0; kc <= 2 * CK_LENGTHS; kc++) {
            int64_t lines = 1 + ck_below(c, most), gap = ck_below(c, 4);
            check_pack(c, is_b, dtypes[d], lines, kc, kc + gap, 1);
            check_pack(c, is_b, dtypes[d], lines, kc, 1, lines + gap);
            check_pack(c, is_b, dtypes[d], lines, kc, ck_below(c, 9) - 4, ck_below(c, 9) - 4);
        }
    }
    if (!c->bench) return;
    const int64_t n = is_b ? 8 * t->nr : t->mr, kc = t->kc;
    float *src = ck_fill(c, ck_floats_at(c, n * kc, 0), n * kc, -1, 1);
    void *y = ck_bytes(c, (size_t)(n * kc) * 4, 64);
    for (int d = 0; d < 3; d += 2)
        for (int transposed = 0; transposed < 2; transposed++) {
            int64_t across = transposed ? 1 : kc, along = transposed ? n : 1;
            char label[64];
            snprintf(label, sizeof label, "%s, a line is a %s", d ? "bf16" : "f32",
                     transposed ? "column" : "row");
            const double bytes = (d ? 4. : 6.) * (double)(n * kc);
            if (is_b)
                CK_BENCH(c, label, bytes, "B",
                         c->k->gemm_pack_b_bf16(y, src, dtypes[d], along, across, kc, n));
            else
                CK_BENCH(c, label, bytes, "B",
                         c->k->gemm_pack_a_bf16(y, src, dtypes[d], across, along, n, kc));
        }
}

void check_gemm_pack_a_bf16(struct checkkern *c)
{
    check_packing(c, false);
}

void check_gemm_pack_b_bf16(struct checkkern *c)
{
    check_packing(c, true);
}
