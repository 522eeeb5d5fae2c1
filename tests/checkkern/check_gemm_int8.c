/* Checks of the gemm_int8 slots: panels element by element against the layout, sums exactly against
 * 64-bit integers, scaled results bit by bit against the rule, operands up to the extremes. */
#include <stdio.h>
#include <swell/tensor.h>
#include "checkkern.h"
#include "kernels/gemm_table.h"

static const struct sw_gemm_blocks *blocks(const struct checkkern *c)
{
    return sw__gemm_blocks_of(c->isa, SW_GEMM_KIND_INT8);
}

/* Bytes: random ones, or only the two extremes of s8 (and 0 and 255 of u8, whose bits these are
 * after the sign is flipped), which overflow every shorter sum. */
static uint8_t *fill(struct checkkern *c, int64_t n, bool extreme, sw_dtype dtype)
{
    static const uint8_t far[2][4] = {{0, 255, 255, 255}, {0x80, 0x80, 0x80, 0x7f}};
    uint8_t *x = ck_bytes(c, (size_t)n, 1);
    for (int64_t i = 0; i < n; i++)
        x[i] = extreme ? far[dtype == SW_I8][ck_below(c, 4)] : (uint8_t)ck_random(c);
    return x;
}

struct strip {
    const uint8_t *a; /* (m, kc) of u8 or s8 */
    const int8_t *b;  /* (kc, n) */
    sw_dtype dtype;   /* of a */
    int64_t m, n, kc;
};

static int64_t oracle(const struct strip *s, int64_t i, int64_t j, int zero)
{
    int64_t sum = 0;
    for (int64_t k = 0; k < s->kc; k++) {
        const uint8_t raw = s->a[i * s->kc + k];
        sum += ((s->dtype == SW_I8 ? (int8_t)raw : raw) - zero) * s->b[k * s->n + j];
    }
    return sum;
}

/* The epilogue written out. */
static float result(const struct sw_epilogue *e, int64_t sum, int64_t i, int64_t j)
{
    float x = (float)(int32_t)sum * e->scale_col[j];
    x *= e->scale_row[i * e->scale_row_step];
    if (e->bias_col) x += e->bias_col[j];
    if (e->bias_row) x += e->bias_row[i];
    if (e->act == SW_GEMM_ACT_RELU) return x < 0 ? 0 : x;
    if (e->act == SW_GEMM_ACT_LEAKY) return x < 0 ? e->a * x : x;
    if (e->act == SW_GEMM_ACT_CLIP) return x < e->a ? e->a : x > e->b ? e->b : x;
    return x;
}

/* What is added to s8 where they are packed. */
static int flip(const struct checkkern *c, sw_dtype dtype)
{
    return dtype == SW_I8 ? sw__gemm_flip(blocks(c)) : 0;
}

static bool may_be_plain(const struct checkkern *c, int64_t kc)
{
    return c->isa == SW_ISA_AMX && kc > 0 && kc % blocks(c)->group == 0;
}

/* Everything from packing to results; K in one block or in two. */
static void check_strip(struct checkkern *c, int64_t m, int64_t n, int64_t kc, bool extreme)
{
    const struct sw_gemm_blocks *t = blocks(c);
    struct strip s = {.m = m, .n = n, .kc = kc, .dtype = ck_below(c, 2) ? SW_I8 : SW_U8};
    s.a = fill(c, m * kc, extreme, s.dtype);
    s.b = (const int8_t *)fill(c, n * kc, extreme, SW_I8);
    const int64_t cut = ck_below(c, 2) ? kc : kc / 2 / t->group * t->group,
                  panels = (n + t->nr - 1) / t->nr;
    const int64_t ldc = n + ck_below(c, 5), size = n > 0 ? (m - 1) * ldc + n : 0;
    const int zero = ck_below(c, 3) ? (int)ck_below(c, 256) - (s.dtype == SW_I8 ? 128 : 0) : 0;
    struct sw_epilogue e = {.act = (enum sw_gemm_act)ck_below(c, 4), .a = -0.25f, .b = 100};
    e.scale_row_step = (int)ck_below(c, 2);
    e.scale_row = ck_fill(c, ck_floats(c, e.scale_row_step ? m : 1), e.scale_row_step ? m : 1, 0,
                          1);
    e.scale_col = ck_fill(c, ck_floats(c, n), n, 0, 1);
    if (ck_below(c, 2)) e.bias_col = ck_fill(c, ck_floats(c, n), n, -9, 9);
    if (ck_below(c, 2)) e.bias_row = ck_fill(c, ck_floats(c, m), m, -9, 9);
    e.zero = zero + flip(c, s.dtype);
    const bool plain = m > t->mr || (may_be_plain(c, kc) && ck_below(c, 2));
    const bool scaled = ck_below(c, 2);
    int32_t *sums = ck_bytes(c, (size_t)(panels * t->nr) * sizeof *sums, 64);
    memset(sums, 0, (size_t)(panels * t->nr) * sizeof *sums);
    e.col_sums = sums;
    float *y = ck_floats(c, size);
    for (int64_t k = 0, count = cut > 0 ? cut : kc, done = 0; !done; k += count, count = kc - k) {
        done = k + count == kc;
        const int64_t depth = (count + t->group - 1) / t->group * t->group;
        uint8_t *a = ck_bytes(c, (size_t)(depth * t->mr), 64);
        uint8_t *b = ck_bytes(c, (size_t)(depth * t->nr * panels), 64);
        if (!plain) c->k->gemm_pack_a_int8(a, s.a + k, s.dtype, kc, 1, m, count);
        c->k->gemm_pack_b_int8(b, e.zero ? sums : NULL, s.b + k * n, n, 1, count, n);
        ck_freeze(c, a);
        ck_freeze(c, b);
        c->k->gemm_strip_int8(y, ldc, plain ? s.a + k : a, plain ? kc : 0, s.dtype, b, count, m, n,
                              k > 0, scaled && done ? &e : NULL);
    }
    for (int64_t at = 0; at < size; at++) {
        const int64_t i = at / ldc, j = at % ldc;
        if (j >= n) {
            ck_true(c, ck_is_canary(y[at]), "wrote beside the strip");
            continue;
        }
        if (scaled) {
            ck_same(c, y[at], result(&e, oracle(&s, i, j, zero), i, j),
                    "scaled m=%d n=%lld kc=%lld zero=%d at (%lld,%lld)", (int)m, (long long)n,
                    (long long)kc, zero, (long long)i, (long long)j);
            continue;
        }
        int32_t got;
        memcpy(&got, &y[at], sizeof got);
        const int64_t want = oracle(&s, i, j, -flip(c, s.dtype));
        ck_true(c, got == want, "m=%d n=%lld kc=%lld at (%lld,%lld): %d, not %lld", (int)m,
                (long long)n, (long long)kc, (long long)i, (long long)j, got, (long long)want);
    }
    ck_release(c);
}

void check_gemm_strip_int8(struct checkkern *c)
{
    const struct sw_gemm_blocks *t = blocks(c);
    for (int m = 1; m <= t->mr; m++)
        for (int64_t n = 0; n <= 2 * t->nr + 1; n += 1 + ck_below(c, 5))
            check_strip(c, m, n, ck_below(c, 70), n % 2);
    for (int64_t kc = 0; kc <= 3 * CK_LENGTHS; kc++) check_strip(c, t->mr, 2 * t->nr, kc, kc % 2);
    check_strip(c, t->mr, t->nr, t->kc, true);
    check_strip(c, 2, 3, 65536, true);
    for (int64_t m = 1; may_be_plain(c, t->group) && m <= 3 * t->mr; m++)
        check_strip(c, m, ck_below(c, 80), t->group * (1 + ck_below(c, 4)), m % 2);
    if (!c->bench) return;
    for (int m = 1; m <= t->mr; m = m == 1 ? t->mr : m + 1) {
        const int64_t n = 16 * t->nr;
        uint8_t *a = fill(c, t->kc * t->mr, false, SW_U8), *b = fill(c, t->kc * n, false, SW_I8);
        float *y = ck_floats_at(c, t->mr * n, 0);
        CK_BENCH(c, m == 1 ? "one row, kc = KC" : "MR rows, kc = KC", 2. * m * (double)n * t->kc,
                 "FLOP", c->k->gemm_strip_int8(y, n, a, 0, SW_U8, b, t->kc, m, n, 0, NULL));
    }
}

static void check_lines(struct checkkern *c, int64_t m, int64_t n, int64_t k, bool extreme)
{
    struct strip s = {.m = m, .n = n, .kc = k, .dtype = ck_below(c, 2) ? SW_I8 : SW_U8};
    const int64_t a_row = k + ck_below(c, 9), b_col = k + ck_below(c, 9), ldc = n + ck_below(c, 5);
    const int zero = ck_below(c, 3) ? (int)ck_below(c, 256) - (s.dtype == SW_I8 ? 128 : 0) : 0;
    struct sw_epilogue e = {.act = (enum sw_gemm_act)ck_below(c, 4), .a = -0.25f, .b = 100};
    e.zero = zero;
    e.scale_row_step = 1;
    e.scale_row = ck_fill(c, ck_floats(c, m), m, 0, 1);
    e.scale_col = ck_fill(c, ck_floats(c, n), n, 0, 1);
    if (ck_below(c, 2)) e.bias_col = ck_fill(c, ck_floats(c, n), n, -9, 9);
    if (ck_below(c, 2)) e.bias_row = ck_fill(c, ck_floats(c, m), m, -9, 9);
    s.a = fill(c, m * k, extreme, s.dtype);
    s.b = (const int8_t *)fill(c, n * k, extreme, SW_I8);
    uint8_t *a = ck_bytes(c, (size_t)((m - 1) * a_row + k), 1);
    uint8_t *b = ck_bytes(c, n > 0 ? (size_t)((n - 1) * b_col + k) : 0, 1);
    for (int64_t i = 0; i < m; i++)
        for (int64_t x = 0; x < k; x++) a[i * a_row + x] = s.a[i * k + x];
    for (int64_t j = 0; j < n; j++)
        for (int64_t x = 0; x < k; x++) b[j * b_col + x] = (uint8_t)s.b[x * n + j];
    ck_freeze(c, a);
    ck_freeze(c, b);
    const bool scaled = ck_below(c, 2);
    const int64_t size = n > 0 ? (m - 1) * ldc + n : 0;
    float *y = ck_floats(c, size);
    c->k->gemm_lines_int8(y, ldc, a, a_row, s.dtype, b, b_col, m, n, k, scaled ? &e : NULL);
    for (int64_t at = 0; at < size; at++) {
        const int64_t i = at / ldc, j = at % ldc;
        int32_t got;
        memcpy(&got, &y[at], sizeof got);
        if (j >= n)
            ck_true(c, ck_is_canary(y[at]), "wrote beside the rows");
        else if (scaled)
            ck_same(c, y[at], result(&e, oracle(&s, i, j, zero), i, j),
                    "scaled m=%d n=%lld k=%lld zero=%d", (int)m, (long long)n, (long long)k, zero);
        else
            ck_true(c, got == oracle(&s, i, j, 0), "m=%d n=%lld k=%lld: %d", (int)m, (long long)n,
                    (long long)k, got);
    }
    ck_release(c);
}

void check_gemm_lines_int8(struct checkkern *c)
{
    const int64_t n = 64, k = 4096;
    for (int64_t m = 1; m <= 17; m++)
        for (int64_t columns = 0; columns <= 67; columns += 1 + ck_below(c, 9))
            check_lines(c, m, columns, ck_below(c, 200), columns % 2);
    for (int64_t length = 0; length <= 3 * CK_LENGTHS; length++)
        check_lines(c, 1 + ck_below(c, 8), 5, length, length % 2);
    check_lines(c, 2, 3, 65536, true);
    if (!c->bench) return;
    for (int m = 1; m <= 8; m *= 8) {
        uint8_t *a = fill(c, m * k, false, SW_U8), *b = fill(c, n * k, false, SW_I8);
        float *y = ck_floats_at(c, m * n, 0);
        CK_BENCH(c, m == 1 ? "one row" : "eight rows", (double)(n * k), "B",
                 c->k->gemm_lines_int8(y, n, a, k, SW_U8, b, k, m, n, k, NULL));
    }
}

/* Where byte k of line i stands in a panel. */
static int64_t place(const struct checkkern *c, bool is_b, int64_t width, int64_t i, int64_t k)
{
    if (!is_b && c->isa == SW_ISA_AMX) return k / 64 * 64 * width + i * 64 + k % 64;
    return k / 4 * 4 * width + i * 4 + k % 4;
}

static void check_pack(struct checkkern *c, bool is_b, int64_t lines, int64_t kc, int64_t across,
                       int64_t along)
{
    const struct sw_gemm_blocks *t = blocks(c);
    const int64_t width = is_b ? t->nr : t->mr, panels = is_b ? (lines + width - 1) / width : 1;
    const int64_t depth = (kc + t->group - 1) / t->group * t->group;
    const sw_dtype dtype = is_b || ck_below(c, 2) ? SW_I8 : SW_U8;
    int64_t low = 0, high = 0; /* the elements that are touched: low .. high */
    *(across < 0 ? &low : &high) += (lines - 1) * across;
    if (kc > 0) *(along < 0 ? &low : &high) += (kc - 1) * along;
    const uint8_t *src = fill(c, kc > 0 ? high - low + 1 : 0, false, dtype), *origin = src - low;
    if (kc == 0) origin = src;
    ck_freeze(c, src);
    uint8_t *got = ck_bytes(c, (size_t)(panels * width * depth), 64);
    int32_t *sums = ck_bytes(c, (size_t)(panels * width) * sizeof *sums, 64);
    memset(sums, 0, (size_t)(panels * width) * sizeof *sums);
    if (is_b)
        c->k->gemm_pack_b_int8(got, sums, origin, along, across, kc, lines);
    else
        c->k->gemm_pack_a_int8(got, origin, dtype, across, along, lines, kc);
    const uint8_t shift = is_b ? 0 : (uint8_t)flip(c, dtype);
    for (int64_t line = 0; line < panels * width; line++) {
        int32_t sum = 0;
        for (int64_t k = 0; k < depth; k++) {
            const bool exists = line < lines && k < kc;
            if (!is_b && !exists) continue; /* meets zeros of B, or is not stored */
            const uint8_t want = exists ? origin[line * across + k * along] ^ shift : 0;
            const int64_t at = line / width * width * depth +
                               place(c, is_b, width, line % width, k);
            ck_true(c, got[at] == want, "k=%lld of %lld line %lld of %lld, strides %lld %lld",
                    (long long)k, (long long)kc, (long long)line, (long long)lines,
                    (long long)across, (long long)along);
            sum += (int8_t)want;
        }
        if (is_b) ck_true(c, sums[line] == sum, "sum of column %lld", (long long)line);
    }
    ck_release(c);
}

static void check_packing(struct checkkern *c, bool is_b)
{
    const struct sw_gemm_blocks *t = blocks(c);
    const int64_t most = is_b ? 5 * t->nr : t->mr;
    for (int64_t lines = 1; lines <= most; lines++) {
        int64_t kc = ck_below(c, 140), gap = ck_below(c, 4);
        check_pack(c, is_b, lines, kc, kc + gap, 1);
        check_pack(c, is_b, lines, kc, 1, lines + gap);
    }
    for (int64_t kc = 0; kc <= 3 * CK_LENGTHS; kc++) {
        int64_t lines = 1 + ck_below(c, most), gap = ck_below(c, 4);
        check_pack(c, is_b, lines, kc, kc + gap, 1);
        check_pack(c, is_b, lines, kc, 1, lines + gap);
        check_pack(c, is_b, lines, kc, ck_below(c, 9) - 4, ck_below(c, 9) - 4);
    }
    if (!c->bench) return;
    const int64_t n = is_b ? 8 * t->nr : t->mr, kc = t->kc;
    uint8_t *src = fill(c, n * kc, false, SW_I8), *y = ck_bytes(c, (size_t)(n * kc), 64);
    int32_t *sums = ck_bytes(c, (size_t)n * sizeof *sums, 64);
    memset(sums, 0, (size_t)n * sizeof *sums);
    for (int transposed = 0; transposed < 2; transposed++) {
        int64_t across = transposed ? 1 : kc, along = transposed ? n : 1;
        const char *label = transposed ? "a line is a column" : "a line is a row";
        if (is_b)
            CK_BENCH(c, label, 2. * (double)(n * kc), "B",
                     c->k->gemm_pack_b_int8(y, sums, src, along, across, kc, n));
        else
            CK_BENCH(c, label, 2. * (double)(n * kc), "B",
                     c->k->gemm_pack_a_int8(y, src, SW_I8, across, along, n, kc));
    }
}

void check_gemm_pack_a_int8(struct checkkern *c)
{
    check_packing(c, false);
}

void check_gemm_pack_b_int8(struct checkkern *c)
{
    check_packing(c, true);
}
