/* Checks of the gemm slots.  Two oracles for each element: the float64 sum with the scaled bound, and
 * the rule of the bits of gemm_kernels.h written out with fmaf, which must match exactly. */
#include <float.h>
#include <stdio.h>
#include "checkkern.h"
#include "kernels/gemm_table.h"

/* One product of a row and a column over a K block, and what the epilogue makes of it. */
struct product {
    const float *a, *b; /* a[k * a_step], b[k * b_step] */
    int64_t a_step, b_step, kc;
    float before; /* what stood in C */
    int accumulate;
    const struct sw_epilogue *epilogue; /* NULL: none */
    int64_t i, j;                       /* for the biases */
};

static double oracle_act(double x, const struct sw_epilogue *e)
{
    if (e->act == SW_GEMM_ACT_RELU) return x < 0 ? 0 : x;
    if (e->act == SW_GEMM_ACT_LEAKY) return x < 0 ? (double)e->a * x : x;
    if (e->act == SW_GEMM_ACT_CLIP) return x < (double)e->a ? (double)e->a : fmin(x, (double)e->b);
    return x;
}

/* The exact value, and the sum of the magnitudes for the bound. */
static double oracle(const struct product *p, double *magnitude)
{
    double sum = p->accumulate ? (double)p->before : 0, sizes = fabs(sum);
    for (int64_t k = 0; k < p->kc; k++) {
        double x = (double)p->a[k * p->a_step] * (double)p->b[k * p->b_step];
        sum += x;
        sizes += fabs(x);
    }
    if (p->epilogue) {
        double col = p->epilogue->bias_col ? (double)p->epilogue->bias_col[p->j] : 0;
        double row = p->epilogue->bias_row ? (double)p->epilogue->bias_row[p->i] : 0;
        sizes += fabs(col) + fabs(row);
        sum = oracle_act(sum + col + row, p->epilogue);
    }
    *magnitude = sizes;
    return sum;
}

/* The rule of the bits. */
static float exact_bits(const struct product *p, enum sw_isa isa)
{
    float sum = 0;
    for (int64_t k = 0; k < p->kc; k++) {
        float a = p->a[k * p->a_step], b = p->b[k * p->b_step];
        sum = isa == SW_ISA_REF ? sum + a * b : fmaf(a, b, sum);
    }
    float x = p->accumulate ? p->before + sum : sum;
    const struct sw_epilogue *e = p->epilogue;
    if (!e) return x;
    if (e->bias_col) x += e->bias_col[p->j];
    if (e->bias_row) x += e->bias_row[p->i];
    if (e->act == SW_GEMM_ACT_RELU) return x < 0 ? 0 : x;
    if (e->act == SW_GEMM_ACT_LEAKY) return x < 0 ? e->a * x : x;
    if (e->act == SW_GEMM_ACT_CLIP) return x < e->a ? e->a : x > e->b ? e->b : x;
    return x;
}

/* Any epilogue but none; false: none this time. */
static bool random_epilogue(struct checkkern *c, struct sw_epilogue *e, int64_t m, int64_t n)
{
    if (ck_below(c, 4) == 0) return false;
    *e = (struct sw_epilogue){.act = (enum sw_gemm_act)ck_below(c, 4), .a = -0.25f, .b = 0.5f};
    if (e->act == SW_GEMM_ACT_LEAKY) e->a = 0.01f;
    if (ck_below(c, 2)) e->bias_col = ck_fill(c, ck_floats(c, n), n, -1, 1);
    if (ck_below(c, 2)) e->bias_row = ck_fill(c, ck_floats(c, m), m, -1, 1);
    return true;
}

static void check_product(struct checkkern *c, float got, const struct product *p, const char *what)
{
    double size, want = oracle(p, &size);
    int act = p->epilogue ? (int)p->epilogue->act : -1;
    if (size < (double)FLT_MAX) /* else a partial sum may overflow, and the bits decide */
        ck_near(c, got, want, ck_sum_bound(p->kc, size), "%s kc=%lld at (%lld,%lld)", what,
                (long long)p->kc, (long long)p->i, (long long)p->j);
    ck_same(c, got, exact_bits(p, c->isa), "%s kc=%lld at (%lld,%lld) accumulate=%d act=%d", what,
            (long long)p->kc, (long long)p->i, (long long)p->j, p->accumulate, act);
}

/* One tile of a random case; `every` > 0 sprinkles NaN, infinities and the like. */
static void check_tile(struct checkkern *c, int mr, int nr, int64_t kc, int every)
{
    const struct sw_gemm_blocks *t = sw__gemm_blocks(c->isa);
    float *a = ck_fill(c, ck_floats(c, kc * t->mr), kc * t->mr, -1, 1);
    float *b = ck_fill(c, ck_floats(c, kc * t->nr), kc * t->nr, -1, 1);
    if (every) ck_fill_special(c, a, kc * t->mr, every);
    if (every) ck_fill_special(c, b, kc * t->nr, every);
    int64_t ldc = nr + ck_below(c, 5), size = (mr - 1) * ldc + nr;
    float *got = ck_floats(c, size), *before = ck_floats(c, size);
    int accumulate = (int)ck_below(c, 2);
    if (accumulate)
        for (int i = 0; i < mr; i++) ck_fill(c, got + i * ldc, nr, -1, 1);
    memcpy(before, got, (size_t)size * sizeof *got);
    struct sw_epilogue epilogue, *e = random_epilogue(c, &epilogue, mr, nr) ? &epilogue : NULL;
    ck_freeze(c, a);
    ck_freeze(c, b);
    c->k->gemm_tile_f32(got, ldc, a, b, kc, mr, nr, accumulate, e, NULL);
    for (int i = 0; i < mr; i++)
        for (int j = 0; j < ldc && i * ldc + j < size; j++) {
            int64_t at = i * ldc + j;
            if (j >= nr) {
                ck_true(c, ck_is_canary(got[at]), "wrote beside the tile");
                continue;
            }
            struct product p = {a + i, b + j, t->mr, t->nr, kc, before[at], accumulate, e, i, j};
            check_product(c, got[at], &p, "tile");
        }
    ck_release(c);
}

void check_gemm_tile_f32(struct checkkern *c)
{
    const struct sw_gemm_blocks *t = sw__gemm_blocks(c->isa);
    for (int mr = 1; mr <= t->mr; mr++)
        for (int nr = 1; nr <= t->nr; nr++) check_tile(c, mr, nr, ck_below(c, 12), 0);
    for (int64_t kc = 0; kc <= t->kc; kc = kc < 20 ? kc + 1 : kc * 2 - 3)
        for (int full = 0; full < 2; full++)
            check_tile(c, full ? t->mr : (int)ck_below(c, t->mr) + 1,
                       full ? t->nr : (int)ck_below(c, t->nr) + 1, kc, 0);
    for (int i = 0; i < 20; i++) check_tile(c, t->mr, t->nr, ck_below(c, 40), 30);
    check_tile(c, t->mr, t->nr, t->kc, 0);
    if (!c->bench) return;
    float *a = ck_fill(c, ck_floats_at(c, t->kc * t->mr, 0), t->kc * t->mr, -1, 1);
    float *b = ck_fill(c, ck_floats_at(c, t->kc * t->nr, 0), t->kc * t->nr, -1, 1);
    float *y = ck_floats_at(c, t->mr * t->nr, 0);
    CK_BENCH(c, "a tile, kc = KC", 2. * t->mr * t->nr * t->kc, "FLOP",
             c->k->gemm_tile_f32(y, t->nr, a, b, t->kc, t->mr, t->nr, 1, NULL, NULL));
}

/* A few rows; `packed` B, or B as an ordinary matrix. */
static void check_rows(struct checkkern *c, int64_t m, int64_t n, int64_t kc, bool packed,
                       int every)
{
    int64_t nr = sw__gemm_blocks(c->isa)->nr, panels = (n + nr - 1) / nr;
    const bool turned = ck_below(c, 3) == 0; /* columns of A are contiguous */
    int64_t lda = (turned ? m : kc) + ck_below(c, 5), ldb = n + ck_below(c, 5),
            ldc = n + ck_below(c, 5);
    const int64_t a_row = turned ? 1 : lda, a_col = turned ? lda : 1;
    int64_t a_size = m > 0 && kc > 0 ? (m - 1) * a_row + (kc - 1) * a_col + 1 : 0;
    int64_t b_size = packed ? panels * nr * kc : kc > 0 && n > 0 ? (kc - 1) * ldb + n : 0;
    int64_t c_size = m > 0 && n > 0 ? (m - 1) * ldc + n : 0;
    int64_t b_row = packed ? nr : ldb, b_panel = packed ? kc * nr : nr;
    float *a = ck_fill(c, ck_floats(c, a_size), a_size, -1, 1);
    float *b = ck_fill(c, ck_floats(c, b_size), b_size, -1, 1);
    if (every) ck_fill_special(c, a, a_size, every);
    if (every) ck_fill_special(c, b, b_size, every);
    float *got = ck_floats(c, c_size), *before = ck_floats(c, c_size);
    int accumulate = (int)ck_below(c, 2);
    if (accumulate)
        for (int64_t i = 0; i < m; i++) ck_fill(c, got + i * ldc, n, -1, 1);
    memcpy(before, got, (size_t)c_size * sizeof *got);
    struct sw_epilogue epilogue, *e = random_epilogue(c, &epilogue, m, n) ? &epilogue : NULL;
    ck_freeze(c, a);
    ck_freeze(c, b);
    c->k->gemm_rows_f32(got, ldc, a, a_row, a_col, b, b_row, b_panel, m, n, kc, accumulate, e);
    for (int64_t at = 0; at < c_size; at++) {
        int64_t i = at / ldc, j = at % ldc;
        if (j >= n) {
            ck_true(c, ck_is_canary(got[at]), "wrote beside the rows");
            continue;
        }
        struct product p = {a + i * a_row,
                            b + j / nr * b_panel + j % nr,
                            a_col,
                            b_row,
                            kc,
                            before[at],
                            accumulate,
                            e,
                            i,
                            j};
        check_product(c, got[at], &p, packed ? "rows, packed" : "rows, unpacked");
    }
    ck_release(c);
}

void check_gemm_rows_f32(struct checkkern *c)
{
    const struct sw_gemm_blocks *t = sw__gemm_blocks(c->isa);
    for (int packed = 0; packed < 2; packed++) {
        for (int64_t n = 0; n <= 2 * t->nr + 1; n++)
            check_rows(c, ck_below(c, 9), n, ck_below(c, 12), packed, 0);
        for (int64_t m = 0; m <= 9; m++) {
            check_rows(c, m, 6 * t->nr, ck_below(c, 40), packed, 0);
            check_rows(c, m, ck_below(c, 10 * t->nr), ck_below(c, 100), packed, 0);
            check_rows(c, m, ck_below(c, 10 * t->nr), 30, packed, 30);
        }
        check_rows(c, 2, 4 * t->nr, t->kc, packed, 0);
    }
    if (!c->bench) return;
    int64_t n = 4096, kc = t->kc;
    float *a = ck_fill(c, ck_floats_at(c, 8 * kc, 0), 8 * kc, -1, 1),
          *y = ck_floats_at(c, 8 * n, 0);
    float *b = ck_fill(c, ck_floats_at(c, kc * n, 0), kc * n, -1, 1);
    for (int64_t m = 1; m <= 8; m *= 2) {
        char label[32];
        snprintf(label, sizeof label, "%d x 4096, kc = KC", (int)m);
        CK_BENCH(c, label, 4. * (double)(kc * n), "B",
                 c->k->gemm_rows_f32(y, n, a, kc, 1, b, t->nr, kc * t->nr, m, n, kc, 0, NULL));
    }
}

/* A few rows by a B as it is: its rows are contiguous, or its columns. */
static void check_stream(struct checkkern *c, int64_t m, int64_t n, int64_t kc, int every)
{
    const bool a_turned = ck_below(c, 2), b_turned = ck_below(c, 2);
    const int64_t lda = (a_turned ? m : kc) + ck_below(c, 5);
    const int64_t ldb = (b_turned ? kc : n) + ck_below(c, 5), ldc = n + ck_below(c, 5);
    const int64_t a_row = a_turned ? 1 : lda, a_col = a_turned ? lda : 1;
    const int64_t b_row = b_turned ? 1 : ldb, b_col = b_turned ? ldb : 1;
    const int64_t a_size = m > 0 && kc > 0 ? (m - 1) * a_row + (kc - 1) * a_col + 1 : 0;
    const int64_t b_size = n > 0 && kc > 0 ? (kc - 1) * b_row + (n - 1) * b_col + 1 : 0;
    const int64_t c_size = m > 0 && n > 0 ? (m - 1) * ldc + n : 0;
    float *a = ck_fill(c, ck_floats(c, a_size), a_size, -1, 1);
    float *b = ck_fill(c, ck_floats(c, b_size), b_size, -1, 1);
    if (every) ck_fill_special(c, a, a_size, every);
    if (every) ck_fill_special(c, b, b_size, every);
    float *got = ck_floats(c, c_size), *before = ck_floats(c, c_size);
    const int accumulate = (int)ck_below(c, 2);
    if (accumulate)
        for (int64_t i = 0; i < m; i++) ck_fill(c, got + i * ldc, n, -1, 1);
    memcpy(before, got, (size_t)c_size * sizeof *got);
    struct sw_epilogue epilogue, *e = random_epilogue(c, &epilogue, m, n) ? &epilogue : NULL;
    ck_freeze(c, a);
    ck_freeze(c, b);
    c->k->gemm_stream_f32(got, ldc, a, a_row, a_col, b, b_row, b_col, m, n, kc, accumulate, e);
    for (int64_t at = 0; at < c_size; at++) {
        const int64_t i = at / ldc, j = at % ldc;
        if (j >= n) {
            ck_true(c, ck_is_canary(got[at]), "wrote beside the rows");
            continue;
        }
        struct product p = {a + i * a_row, b + j * b_col, a_col, b_row, kc,
                            before[at],    accumulate,    e,     i,     j};
        check_product(c, got[at], &p, b_turned ? "by columns" : "by rows");
    }
    ck_release(c);
}

void check_gemm_stream_f32(struct checkkern *c)
{
    const struct sw_gemm_blocks *t = sw__gemm_blocks(c->isa);
    for (int64_t n = 0; n <= 3 * t->nr + 1; n++)
        for (int twice = 0; twice < 2; twice++)
            check_stream(c, ck_below(c, 6), n, ck_below(c, 40), 0);
    for (int64_t m = 0; m <= 18; m++) {
        check_stream(c, m, 6 * t->nr, ck_below(c, 40), 0);
        check_stream(c, m, ck_below(c, 10 * t->nr), ck_below(c, 100), 0);
        check_stream(c, m, ck_below(c, 10 * t->nr), 30, 30);
    }
    for (int i = 0; i < 4; i++) check_stream(c, 1, 4200, 1 + ck_below(c, 20), 0);
    check_stream(c, 2, 4 * t->nr, t->kc, 0);
    if (!c->bench) return;
    const int64_t n = 1024, kc = t->kc;
    float *a = ck_fill(c, ck_floats_at(c, 8 * kc, 0), 8 * kc, -1, 1);
    float *b = ck_fill(c, ck_floats_at(c, kc * n, 0), kc * n, -1, 1),
          *y = ck_floats_at(c, 8 * n, 0);
    for (int64_t m = 1; m <= 8; m *= 2)
        for (int lines = 0; lines < 2; lines++) {
            char label[40];
            snprintf(label, sizeof label, "%d x 1024, kc = KC%s", (int)m, lines ? ", lines" : "");
            CK_BENCH(c, label, 4. * (double)(kc * n), "B",
                     c->k->gemm_stream_f32(y, n, a, kc, 1, b, lines ? 1 : n, lines ? kc : 1, m, n,
                                           kc, 0, NULL));
        }
}

/* The value of an element of a source, converted the plain way. */
static float source_value(const void *src, sw_dtype dtype, int64_t at)
{
    if (dtype == SW_F32) return ((const float *)src)[at];
    uint16_t h = ((const uint16_t *)src)[at];
    uint32_t bits = (uint32_t)h << 16;
    float x;
    if (dtype == SW_BF16) {
        memcpy(&x, &bits, sizeof x);
        return x;
    }
    int exponent = h >> 10 & 31, fraction = h & 1023;
    if (exponent == 31)
        x = fraction ? NAN : INFINITY;
    else
        x = (float)ldexp(exponent ? fraction + 1024 : fraction, exponent ? exponent - 25 : -24);
    return h & 0x8000 ? -x : x;
}

/* A few rows times panels of f16 or bf16. */
static void check_half(struct checkkern *c, sw_dtype dtype, int64_t m, int64_t n, int64_t kc,
                       bool special)
{
    int64_t nr = sw__gemm_blocks(c->isa)->nr, b_size = (n + nr - 1) / nr * nr * kc;
    int64_t lda = kc + ck_below(c, 5), ldc = n + ck_below(c, 5);
    int64_t a_size = m > 0 && kc > 0 ? (m - 1) * lda + kc : 0;
    int64_t c_size = m > 0 && n > 0 ? (m - 1) * ldc + n : 0;
    float *a = ck_fill(c, ck_floats(c, a_size), a_size, -1, 1), *wide = ck_floats(c, b_size);
    uint16_t *b = (void *)ck_bytes(c, (size_t)b_size * 2, 2);
    for (int64_t i = 0; i < b_size; i++) {
        /* Magnitudes below 2 for f16, about 1 for bf16; or any bits. */
        b[i] = (uint16_t)ck_random(c);
        if (!special) b[i] = dtype == SW_F16 ? b[i] & 0xbfff : (b[i] & 0x807f) | 0x3f00;
        wide[i] = source_value(b, dtype, i);
    }
    float *got = ck_floats(c, c_size), *before = ck_floats(c, c_size);
    int accumulate = (int)ck_below(c, 2);
    if (accumulate)
        for (int64_t i = 0; i < m; i++) ck_fill(c, got + i * ldc, n, -1, 1);
    memcpy(before, got, (size_t)c_size * sizeof *got);
    struct sw_epilogue epilogue, *e = random_epilogue(c, &epilogue, m, n) ? &epilogue : NULL;
    ck_freeze(c, a);
    ck_freeze(c, b);
    c->k->gemm_rows_half(got, ldc, a, lda, b, dtype, m, n, kc, accumulate, e);
    for (int64_t at = 0; at < c_size; at++) {
        int64_t i = at / ldc, j = at % ldc;
        if (j >= n) {
            ck_true(c, ck_is_canary(got[at]), "wrote beside the rows");
            continue;
        }
        struct product p = {a + i * lda, wide + j / nr * kc * nr + j % nr,
                            1,           nr,
                            kc,          before[at],
                            accumulate,  e,
                            i,           j};
        check_product(c, got[at], &p, dtype == SW_F16 ? "rows, f16" : "rows, bf16");
    }
    ck_release(c);
}

void check_gemm_rows_half(struct checkkern *c)
{
    const struct sw_gemm_blocks *t = sw__gemm_blocks(c->isa);
    for (int d = 0; d < 2; d++) {
        const sw_dtype dtype = d ? SW_F16 : SW_BF16;
        for (int64_t n = 0; n <= 2 * t->nr + 1; n++)
            check_half(c, dtype, ck_below(c, 9), n, ck_below(c, 12), false);
        for (int64_t m = 0; m <= 14; m++) {
            check_half(c, dtype, m, 6 * t->nr, ck_below(c, 40), false);
            check_half(c, dtype, m, ck_below(c, 10 * t->nr), ck_below(c, 100), false);
            check_half(c, dtype, m, ck_below(c, 10 * t->nr), 30, true);
        }
        check_half(c, dtype, 1, 8 * t->nr, t->kc, false);
    }
    if (!c->bench) return;
    int64_t n = 65536, kc = t->kc;
    float *a = ck_fill(c, ck_floats_at(c, 4 * kc, 0), 4 * kc, -1, 1),
          *y = ck_floats_at(c, 4 * n, 0);
    uint16_t *b = (void *)ck_bytes(c, (size_t)(kc * n) * 2, 64);
    memset(b, 0x33, (size_t)(kc * n) * 2);
    for (int64_t m = 1; m <= 4; m++) {
        char label[32];
        snprintf(label, sizeof label, "%d x 65536, kc = KC, f16", (int)m);
        CK_BENCH(c, label, 2. * (double)(kc * n), "B",
                 c->k->gemm_rows_half(y, n, a, kc, b, SW_F16, m, n, kc, 0, NULL));
        snprintf(label, sizeof label, "%d x 4096, kc = KC, f16", (int)m);
        CK_BENCH(c, label, 2. * (double)(kc * 4096), "B",
                 c->k->gemm_rows_half(y, n, a, kc, b, SW_F16, m, 4096, kc, 0, NULL));
    }
}

/* Both packing slots: `lines` rows of A or columns of B, `across` and `along` the strides. */
static void check_pack(struct checkkern *c, bool is_b, sw_dtype dtype, int64_t lines, int64_t kc,
                       int64_t across, int64_t along)
{
    const struct sw_gemm_blocks *t = sw__gemm_blocks(c->isa);
    int64_t width = is_b ? t->nr : t->mr, panels = (lines + width - 1) / width;
    size_t unit = dtype == SW_F32 ? 4 : 2;
    int64_t low = 0, high = 0; /* the elements that are touched: low .. high */
    if (lines > 0) *(across < 0 ? &low : &high) += (lines - 1) * across;
    if (kc > 0) *(along < 0 ? &low : &high) += (kc - 1) * along;
    int64_t size = lines > 0 && kc > 0 ? high - low + 1 : 0;
    uint8_t *src = ck_bytes(c, (size_t)size * unit, unit);
    for (size_t i = 0; i < (size_t)size * unit; i++) src[i] = (uint8_t)ck_random(c);
    const uint8_t *origin = src + (size == 0 ? 0 : -low * (int64_t)unit);
    ck_freeze(c, src);
    float *got = ck_floats(c, panels * width * kc);
    if (is_b)
        c->k->gemm_pack_b(got, origin, dtype, along, across, kc, lines);
    else
        c->k->gemm_pack_a(got, origin, dtype, across, along, lines, kc);
    for (int64_t p = 0; p < panels; p++)
        for (int64_t k = 0; k < kc; k++)
            for (int64_t i = 0; i < width; i++) {
                int64_t line = p * width + i;
                float want = line < lines ? source_value(origin, dtype, line * across + k * along)
                                          : 0;
                ck_same(c, got[(p * kc + k) * width + i], want,
                        "%s panel %lld k=%lld line %lld of %lld, strides %lld %lld",
                        dtype == SW_F32   ? "f32"
                        : dtype == SW_F16 ? "f16"
                                          : "bf16",
                        (long long)p, (long long)k, (long long)i, (long long)lines,
                        (long long)across, (long long)along);
            }
    ck_release(c);
}

static void check_packing(struct checkkern *c, bool is_b)
{
    const struct sw_gemm_blocks *t = sw__gemm_blocks(c->isa);
    int64_t width = is_b ? t->nr : t->mr;
    static const sw_dtype dtypes[] = {SW_F32, SW_F16, SW_BF16};
    for (int d = 0; d < 3; d++) {
        for (int64_t lines = 0; lines <= 2 * width + 1; lines++) {
            int64_t kc = ck_below(c, 70), gap = ck_below(c, 4);
            check_pack(c, is_b, dtypes[d], lines, kc, kc + gap, 1);
            check_pack(c, is_b, dtypes[d], lines, kc, 1, lines + gap);
        }
        for (int64_t kc = 0; kc <= CK_LENGTHS; kc++) {
            int64_t lines = ck_below(c, 3 * width), gap = ck_below(c, 4);
            check_pack(c, is_b, dtypes[d], lines, kc, kc + gap, 1);
            check_pack(c, is_b, dtypes[d], lines, kc, 1, lines + gap);
            check_pack(c, is_b, dtypes[d], lines, kc, ck_below(c, 9) - 4, ck_below(c, 9) - 4);
        }
    }
    if (!c->bench) return;
    int64_t n = 24 * t->mr * 8, kc = t->kc;
    float *src = ck_fill(c, ck_floats_at(c, n * kc, 0), n * kc, -1, 1);
    float *y = ck_floats_at(c, (n + t->nr) * kc, 0);
    for (int transposed = 0; transposed < 2; transposed++) {
        int64_t across = transposed ? 1 : kc, along = transposed ? n : 1;
        const char *label = transposed ? "a line is a column" : "a line is a row";
        if (is_b)
            CK_BENCH(c, label, 8. * (double)(n * kc), "B",
                     c->k->gemm_pack_b(y, src, SW_F32, along, across, kc, n));
        else
            CK_BENCH(c, label, 8. * (double)(n * kc), "B",
                     c->k->gemm_pack_a(y, src, SW_F32, across, along, n, kc));
    }
}

void check_gemm_pack_a(struct checkkern *c)
{
    check_packing(c, false);
}

void check_gemm_pack_b(struct checkkern *c)
{
    check_packing(c, true);
}
