/* Checks of the attention slots: the float64 oracle of one block with scaled bounds, and the rule of
 * the bits: a row alone is the row among others, and a key that a row does not see may be anything. */
#include <float.h>
#include <stdlib.h>
#include "checkkern.h"
#include "tensor/half.h"

enum { KEYS = SW_ATTENTION_KEYS, LANES = SW_ATTENTION_LANES, PAD = SW_ATTENTION_PAD, MOST = 96 };

static int64_t padded(int64_t hs)
{
    return (hs + PAD - 1) / PAD * PAD;
}

/* ---- packing ----------------------------------------------------------------------------------- */

static const sw_dtype dtypes[] = {SW_F32, SW_F16, SW_BF16};

static size_t width(sw_dtype dtype)
{
    return dtype == SW_F32 ? 4 : 2;
}

static float element(const void *row, sw_dtype dtype, int64_t d)
{
    if (dtype == SW_F16) return sw__f32_from_f16(((const uint16_t *)row)[d]);
    if (dtype == SW_BF16) return sw__f32_from_bf16(((const uint16_t *)row)[d]);
    return ((const float *)row)[d];
}

/* n rows of hs random elements, each in its own guarded buffer. */
static void random_rows(struct checkkern *c, const void **rows, sw_dtype dtype, int64_t n,
                        int64_t hs)
{
    for (int64_t i = 0; i < n; i++) {
        float *x = ck_fill(c, ck_floats(c, hs), hs, -4, 4);
        if (dtype == SW_F32) {
            rows[i] = x;
        } else {
            uint16_t *h = ck_bytes(c, (size_t)hs * 2, 2);
            for (int64_t d = 0; d < hs; d++)
                h[d] = dtype == SW_F16 ? sw__f16_from_f32(x[d]) : sw__bf16_from_f32(x[d]);
            rows[i] = h;
        }
        ck_freeze(c, rows[i]);
    }
}

static void check_rows_of(struct checkkern *c, sw_dtype dtype, int64_t n, int64_t hs)
{
    const void *rows[8];
    const int64_t hsp = padded(hs);
    const float scale = n % 2 ? 1 : 0.25f;
    float *got = ck_floats_at(c, n * hsp, 0);
    random_rows(c, rows, dtype, n, hs);
    c->k->attention_pack_rows(got, rows, dtype, n, hs, scale, ck_below(c, 2) ? rows : NULL);
    for (int64_t i = 0; i < n; i++)
        for (int64_t d = 0; d < hsp; d++)
            ck_same(c, got[i * hsp + d], d < hs ? scale * element(rows[i], dtype, d) : 0,
                    "hs=%d row %d feature %d", (int)hs, (int)i, (int)d);
    ck_release(c);
}

void check_attention_pack_rows(struct checkkern *c)
{
    for (int t = 0; t < 3; t++)
        for (int64_t hs = 0; hs <= CK_LENGTHS; hs++) check_rows_of(c, dtypes[t], hs % 4, hs);
    check_rows_of(c, SW_F32, 5, 128);
}

static void check_keys_of(struct checkkern *c, sw_dtype dtype, int64_t n, int64_t hs)
{
    const void *rows[KEYS];
    float *got = ck_floats_at(c, hs * KEYS, 0);
    random_rows(c, rows, dtype, n, hs);
    c->k->attention_pack_keys(got, rows, dtype, n, hs, ck_below(c, 2) ? rows : NULL);
    for (int64_t d = 0; d < hs; d++)
        for (int64_t j = 0; j < KEYS; j++)
            ck_same(c, got[d * KEYS + j], j < n ? element(rows[j], dtype, d) : 0,
                    "n=%d hs=%d key %d feature %d", (int)n, (int)hs, (int)j, (int)d);
    ck_release(c);
}

void check_attention_pack_keys(struct checkkern *c)
{
    for (int t = 0; t < 3; t++) {
        for (int64_t hs = 0; hs <= CK_LENGTHS; hs += hs < 20 ? 1 : 7)
            check_keys_of(c, dtypes[t], ck_below(c, KEYS + 1), hs);
        for (int64_t n = 0; n <= KEYS; n += 4) check_keys_of(c, dtypes[t], n, 8);
        check_keys_of(c, dtypes[t], KEYS, 64);
    }
    if (!c->bench) return;
    const void *rows[KEYS];
    random_rows(c, rows, SW_F32, KEYS, 64);
    float *y = ck_floats_at(c, KEYS * 64, 0);
    CK_BENCH(c, "64 x 64", 4. * KEYS * 64, "B",
             c->k->attention_pack_keys(y, rows, SW_F32, KEYS, 64, NULL));
}

void check_attention_store(struct checkkern *c)
{
    for (int t = 0; t < 3; t++)
        for (int64_t n = 0; n <= CK_LENGTHS; n++) {
            const size_t size = (size_t)n * width(dtypes[t]);
            float *x = ck_fill(c, ck_floats(c, n), n, -70000, 70000);
            ck_fill_special(c, x, n, 5);
            void *got = ck_bytes(c, size, 2 * width(dtypes[t]) - 2 * (dtypes[t] == SW_F32 ? 2 : 1));
            ck_freeze(c, x);
            c->k->attention_store(got, dtypes[t], x, n);
            for (int64_t i = 0; i < n; i++) {
                float want = x[i];
                if (dtypes[t] == SW_F16) want = sw__f32_from_f16(sw__f16_from_f32(x[i]));
                if (dtypes[t] == SW_BF16) want = sw__f32_from_bf16(sw__bf16_from_f32(x[i]));
                ck_same(c, element(got, dtypes[t], i), want, "n=%d i=%d x=%g", (int)n, (int)i,
                        (double)x[i]);
            }
            ck_release(c);
        }
}

/* ---- a block ----------------------------------------------------------------------------------- */

/* Which keys the rows see. */
enum views { ALL, CAUSAL, WINDOW, ANY, VIEWS };

static void random_view(struct checkkern *c, enum views kind, int32_t *lo, int32_t *hi,
                        int64_t rows)
{
    const int32_t shift = (int32_t)ck_below(c, 90) - 40, wide = (int32_t)ck_below(c, KEYS) + 1;
    for (int64_t i = 0; i < rows; i++) {
        int32_t to = kind == ALL ? KEYS : kind == ANY ? (int32_t)ck_below(c, KEYS + 1) : shift;
        int32_t from = kind == ANY ? (int32_t)ck_below(c, KEYS + 1) : 0;
        if (kind == CAUSAL || kind == WINDOW) to += (int32_t)i;
        if (kind == WINDOW) from = to - wide;
        lo[i] = from < 0 ? 0 : from > KEYS ? KEYS : from;
        hi[i] = to < 0 ? 0 : to > KEYS ? KEYS : to;
    }
}

/* All operands of a block, forward and backward. */
struct block {
    int64_t rows, hs, hsp;
    float *q, *dy, *k, *v, *kt, *vt, *mask, *lse, *delta, softcap;
    int32_t *lo, *hi;
};

static float *padded_rows(struct checkkern *c, int64_t n, int64_t hs, double most)
{
    const int64_t hsp = padded(hs);
    float *x = ck_floats_at(c, n * hsp, 0);
    memset(x, 0, (size_t)(n * hsp) * sizeof *x);
    for (int64_t i = 0; i < n; i++) ck_fill(c, x + i * hsp, hs, -most, most);
    return x;
}

static float *transposed(struct checkkern *c, const float *x, int64_t hs)
{
    float *t = ck_floats_at(c, hs * KEYS, 0);
    for (int64_t d = 0; d < hs; d++)
        for (int64_t j = 0; j < KEYS; j++) t[d * KEYS + j] = x[j * padded(hs) + d];
    return t;
}

static struct block random_block(struct checkkern *c, int64_t rows, int64_t hs, enum views kind,
                                 double most)
{
    struct block b = {.rows = rows, .hs = hs, .hsp = padded(hs)};
    b.q = padded_rows(c, rows, hs, most);
    b.dy = padded_rows(c, rows, hs, 1);
    b.k = padded_rows(c, KEYS, hs, 1);
    b.v = padded_rows(c, KEYS, hs, 1);
    b.kt = transposed(c, b.k, hs);
    b.vt = transposed(c, b.v, hs);
    b.lo = ck_bytes(c, (size_t)rows * sizeof *b.lo, sizeof *b.lo);
    b.hi = ck_bytes(c, (size_t)rows * sizeof *b.hi, sizeof *b.hi);
    random_view(c, kind, b.lo, b.hi, rows);
    if (ck_below(c, 3) == 0) {
        b.mask = ck_fill(c, ck_floats_at(c, rows * KEYS, 0), rows * KEYS, -3, 3);
        for (int64_t i = 0; i < rows * KEYS; i++)
            if (ck_below(c, 8) == 0) b.mask[i] = -INFINITY;
        for (int64_t j = 0; rows > 1 && j < KEYS; j++) b.mask[KEYS + j] = -INFINITY;
    }
    if (ck_below(c, 3) == 0) b.softcap = (float)ck_uniform(c, 0.5, 8);
    b.lse = ck_fill(c, ck_floats(c, rows), rows, 3, 5);
    b.delta = ck_fill(c, ck_floats(c, rows), rows, -1, 1);
    if (rows > 2) b.lse[2] = INFINITY;
    return b;
}

/* The logit of a row and a key, a bound of its f32 error, and the slope of the softcap. */
static double logit(const struct block *b, int64_t i, int64_t j, double *error, double *slope)
{
    double s = 0, size = 0;
    for (int64_t d = 0; d < b->hs; d++) {
        const double x = (double)b->q[i * b->hsp + d] * (double)b->k[j * b->hsp + d];
        s += x;
        size += fabs(x);
    }
    *error = ck_sum_bound(b->hs, size);
    *slope = 1;
    if (b->softcap > 0) {
        const double t = tanh(s / (double)b->softcap);
        s = (double)b->softcap * t;
        *slope = 1 - t * t;
        *error += 4 * CK_EPS * fabs(s); /* tanh to 2 ulp, two roundings */
    }
    if (b->mask) s += (double)b->mask[i * KEYS + j];
    *error += isfinite(s) ? 2 * CK_EPS * fabs(s) : 0;
    return s;
}

/* ---- forward ----------------------------------------------------------------------------------- */

struct state {
    float *m, *l, *acc;
};

static struct state fresh_state(struct checkkern *c, int64_t rows, int64_t hsp)
{
    struct state s = {ck_floats(c, rows), ck_floats_at(c, rows * LANES, 0),
                      ck_floats_at(c, rows * hsp, 0)};
    for (int64_t i = 0; i < rows; i++) s.m[i] = -INFINITY;
    memset(s.l, 0, (size_t)(rows * LANES) * sizeof(float));
    memset(s.acc, 0, (size_t)(rows * hsp) * sizeof(float));
    return s;
}

static void copy_state(struct state *to, const struct state *from, int64_t rows, int64_t hsp)
{
    memcpy(to->m, from->m, (size_t)rows * sizeof(float));
    memcpy(to->l, from->l, (size_t)(rows * LANES) * sizeof(float));
    memcpy(to->acc, from->acc, (size_t)(rows * hsp) * sizeof(float));
}

static void forward(struct checkkern *c, const struct block *b, struct state *s, int64_t from,
                    int64_t rows)
{
    const struct sw_attention_forward a = {
        .rows = rows,
        .hs = b->hs,
        .hsp = b->hsp,
        .q = b->q + from * b->hsp,
        .kt = b->kt,
        .v = b->v,
        .view = {b->lo + from, b->hi + from, b->mask ? b->mask + from * KEYS : NULL, b->softcap},
        .m = s->m + from,
        .l = s->l + from * LANES,
        .acc = s->acc + from * b->hsp};
    c->k->attention_forward(&a);
}

/* One row after a block, from the state before it. */
static void check_forward_row(struct checkkern *c, const struct block *b,
                              const struct state *before, const struct state *after, int64_t i)
{
    const double log2_e = 1.4426950408889634, old = (double)before->m[i], m = (double)after->m[i];
    double s[KEYS], error = 0, slope, most = -INFINITY;
    for (int64_t j = b->lo[i]; j < b->hi[i]; j++) {
        double e;
        s[j] = logit(b, i, j, &e, &slope);
        most = fmax(most, s[j]);
        error = fmax(error, e);
    }
    /* The reference moves to the greatest logit when that is far above it; both ways are right when
     * it is hardly so. */
    const double limit = (old + SW_ATTENTION_SLACK) / log2_e,
                 doubt = error + 8 * CK_EPS * fabs(limit);
    if (most > limit && !(most < limit + doubt && after->m[i] == before->m[i]))
        ck_near(c, after->m[i], most * log2_e, 2 * error + 4 * CK_EPS * fabs(most), "reference %d",
                (int)i);
    else if (!(most > limit - doubt && isfinite(limit)))
        ck_same(c, after->m[i], before->m[i], "reference %d stays", (int)i);
    /* Relative to that reference: 2^x with x off by 2 (error of s) and the rounding of m moves by
     * less than twice that; 3 ulp of the power; the sums. */
    const double base = isfinite(m) ? m : 0, alpha = isinf(old) ? 0 : exp2(old - base);
    const double relative = 4 * error + (KEYS + 60) * CK_EPS;
    double lanes[LANES];
    for (int j = 0; j < LANES; j++) lanes[j] = alpha * (double)before->l[i * LANES + j];
    for (int64_t j = b->lo[i]; j < b->hi[i]; j++) lanes[j % LANES] += exp2(s[j] * log2_e - base);
    for (int j = 0; j < LANES; j++)
        ck_near(c, after->l[i * LANES + j], lanes[j], relative * lanes[j] + 0x1p-110,
                "sum %d of row %d", j, (int)i);
    for (int64_t d = 0; d < b->hsp; d++) {
        double y = alpha * (double)before->acc[i * b->hsp + d], size = fabs(y);
        for (int64_t j = b->lo[i]; j < b->hi[i]; j++) {
            const double x = exp2(s[j] * log2_e - base) * (double)b->v[j * b->hsp + d];
            y += x;
            size += fabs(x);
        }
        ck_near(c, after->acc[i * b->hsp + d], y, relative * size + 0x1p-110,
                "hs=%d output %d of row %d", (int)b->hs, (int)d, (int)i);
    }
}

/* Blocks after each other, some with large logits; then single rows again; then with rubbish where nobody looks. */
static void check_forward(struct checkkern *c, int64_t rows, int64_t hs, enum views kind)
{
    const int64_t hsp = padded(hs);
    struct state now = fresh_state(c, rows, hsp), before = fresh_state(c, rows, hsp);
    struct state alone = fresh_state(c, rows, hsp);
    for (int step = 0; step < 4; step++) {
        struct block b = random_block(c, rows, hs, kind, step % 3 ? 20 : 1);
        copy_state(&before, &now, rows, hsp);
        copy_state(&alone, &now, rows, hsp);
        forward(c, &b, &now, 0, rows);
        for (int64_t i = 0; i < rows; i++) check_forward_row(c, &b, &before, &now, i);
        const int64_t spoilt = ck_below(c, KEYS); /* a key that some rows must not notice */
        for (int64_t d = 0; d < hs; d++)
            b.v[spoilt * hsp + d] = b.kt[d * KEYS + spoilt] = d % 2 ? NAN : INFINITY;
        for (int64_t i = 0; i < rows; i++) {
            const bool sees = b.lo[i] <= spoilt && spoilt < b.hi[i];
            if (sees) continue;
            forward(c, &b, &alone, i, 1);
            ck_same_bytes(c, alone.acc + i * hsp, now.acc + i * hsp, (size_t)hsp * 4,
                          "row %d alone, hs=%d view %d", (int)i, (int)hs, (int)kind);
            ck_same_bytes(c, alone.l + i * LANES, now.l + i * LANES, LANES * 4, "its sums");
            ck_same(c, alone.m[i], now.m[i], "its reference");
        }
        copy_state(&alone, &before, rows, hsp); /* all rows together, beside the rubbish */
        forward(c, &b, &alone, 0, rows);
        for (int64_t i = 0; i < rows; i++)
            if (spoilt < b.lo[i] || b.hi[i] <= spoilt)
                ck_same_bytes(c, alone.acc + i * hsp, now.acc + i * hsp, (size_t)hsp * 4,
                              "row %d beside rubbish", (int)i);
    }
    ck_release(c);
}

void check_attention_forward(struct checkkern *c)
{
    for (int64_t rows = 0; rows <= 13; rows++)
        for (int kind = 0; kind < VIEWS; kind++)
            check_forward(c, rows, ck_below(c, 70) + 1, (enum views)kind);
    for (int64_t hs = 0; hs <= CK_LENGTHS; hs += hs < 18 ? 1 : 5)
        check_forward(c, 7, hs, (enum views)ck_below(c, VIEWS));
    check_forward(c, MOST, 64, CAUSAL);
    check_forward(c, MOST, 80, WINDOW);
    if (!c->bench) return;
    for (int64_t hs = 64; hs <= 128; hs *= 2) {
        struct block b = random_block(c, MOST, hs, ALL, 1);
        struct state s = fresh_state(c, MOST, b.hsp);
        b.mask = NULL;
        b.softcap = 0;
        CK_BENCH(c, hs == 64 ? "96 rows, HS 64" : "96 rows, HS 128", 4. * MOST * KEYS * (double)hs,
                 "FLOP", forward(c, &b, &s, 0, MOST));
        CK_BENCH(c, hs == 64 ? "1 row, HS 64" : "1 row, HS 128", 8. * KEYS * (double)hs, "B",
                 forward(c, &b, &s, 0, 1));
        ck_release(c);
    }
}

/* ---- backward ---------------------------------------------------------------------------------- */

struct gradients {
    float *p, *ds, *dq, *dk, *dv;
};

static void backward(struct checkkern *c, const struct block *b, const struct gradients *g,
                     bool keys, bool queries)
{
    const struct sw_attention_backward a = {.rows = b->rows,
                                            .hs = b->hs,
                                            .hsp = b->hsp,
                                            .q = b->q,
                                            .dy = b->dy,
                                            .kt = b->kt,
                                            .vt = b->vt,
                                            .k = queries ? b->k : NULL,
                                            .view = {b->lo, b->hi, b->mask, b->softcap},
                                            .lse = b->lse,
                                            .delta = b->delta,
                                            .p = g->p,
                                            .ds = g->ds,
                                            .dq = queries ? g->dq : NULL,
                                            .dk = keys ? g->dk : NULL,
                                            .dv = keys ? g->dv : NULL};
    c->k->attention_backward(&a);
}

static struct gradients start_gradients(struct checkkern *c, int64_t rows, int64_t hs)
{
    struct gradients g = {ck_floats_at(c, rows * KEYS, 0), ck_floats_at(c, rows * KEYS, 0),
                          padded_rows(c, rows, hs, 1), padded_rows(c, KEYS, hs, 1),
                          padded_rows(c, KEYS, hs, 1)};
    return g;
}

/* p and ds of a pair with the bounds of their errors. */
static void pair(const struct block *b, int64_t i, int64_t j, double p[2], double ds[2])
{
    double e, slope, dp = 0, size = 0;
    const double s = logit(b, i, j, &e, &slope);
    for (int64_t d = 0; d < b->hs; d++) {
        const double x = (double)b->dy[i * b->hsp + d] * (double)b->v[j * b->hsp + d];
        dp += x;
        size += fabs(x);
    }
    p[0] = exp2(s * 1.4426950408889634 - (double)b->lse[i]);
    p[1] = p[0] * (2 * e + 24 * CK_EPS) + 0x1p-120;
    const double part = dp - (double)b->delta[i];
    ds[0] = p[0] * part * slope;
    /* The slope 1 - t^2 loses what t carries: 2 |t| (error of s / softcap + 2 ulp). */
    const double slope_error = b->softcap > 0 ? 2 * e / (double)b->softcap + 8 * CK_EPS : 0;
    ds[1] = p[1] * fabs(part) + p[0] * (ck_sum_bound(b->hs, size) + 4 * CK_EPS * fabs(part)) +
            p[0] * fabs(part) * slope_error;
}

static void check_backward(struct checkkern *c, int64_t rows, int64_t hs, enum views kind)
{
    const struct block b = random_block(c, rows, hs, kind, 1);
    const int64_t hsp = b.hsp;
    struct gradients got = start_gradients(c, rows, hs), apart = start_gradients(c, rows, hs);
    /* dq, dk, dv and their bounds */
    double *want = calloc((size_t)(2 * (rows + 2 * KEYS) * hsp + 1), sizeof *want);
    double *dq = want, *dk = dq + 2 * rows * hsp, *dv = dk + 2 * KEYS * hsp;
    memcpy(apart.dq, got.dq, (size_t)(rows * hsp) * 4);
    memcpy(apart.dk, got.dk, (size_t)(KEYS * hsp) * 4);
    memcpy(apart.dv, got.dv, (size_t)(KEYS * hsp) * 4);
    const double sums = (double)(rows + KEYS + 4) * CK_EPS;
#define ADD(sum, at, x, error)                                                                     \
    ((sum)[2 * (at)] += (x), (sum)[2 * (at) + 1] += fabs(x) * sums + (error))
    for (int64_t i = 0; i < rows * hsp; i++) ADD(dq, i, (double)got.dq[i], 0);
    for (int64_t i = 0; i < KEYS * hsp; i++) ADD(dk, i, (double)got.dk[i], 0);
    for (int64_t i = 0; i < KEYS * hsp; i++) ADD(dv, i, (double)got.dv[i], 0);
    for (int64_t i = 0; i < rows; i++)
        for (int64_t j = b.lo[i]; j < b.hi[i]; j++) {
            double p[2], ds[2];
            pair(&b, i, j, p, ds);
            for (int64_t d = 0; d < hs; d++) {
                const double q = (double)b.q[i * hsp + d], dy = (double)b.dy[i * hsp + d];
                const double k = (double)b.k[j * hsp + d];
                ADD(dq, i * hsp + d, ds[0] * k, ds[1] * fabs(k));
                ADD(dk, j * hsp + d, ds[0] * q, ds[1] * fabs(q));
                ADD(dv, j * hsp + d, p[0] * dy, p[1] * fabs(dy));
            }
        }
#undef ADD
    backward(c, &b, &got, true, true);
    for (int64_t i = 0; i < rows * hsp; i++)
        ck_near(c, got.dq[i], dq[2 * i], dq[2 * i + 1], "hs=%d view %d dq %d", (int)hs, (int)kind,
                (int)i);
    for (int64_t i = 0; i < KEYS * hsp; i++) {
        ck_near(c, got.dk[i], dk[2 * i], dk[2 * i + 1], "hs=%d view %d dk %d", (int)hs, (int)kind,
                (int)i);
        ck_near(c, got.dv[i], dv[2 * i], dv[2 * i + 1], "hs=%d view %d dv %d", (int)hs, (int)kind,
                (int)i);
    }
    backward(c, &b, &apart, true, false);
    backward(c, &b, &apart, false, true);
    ck_same_bytes(c, apart.dq, got.dq, (size_t)(rows * hsp) * 4, "dq on its own");
    ck_same_bytes(c, apart.dk, got.dk, (size_t)(KEYS * hsp) * 4, "dk without dq");
    ck_same_bytes(c, apart.dv, got.dv, (size_t)(KEYS * hsp) * 4, "dv without dq");
    free(want);
    ck_release(c);
}

void check_attention_backward(struct checkkern *c)
{
    for (int64_t rows = 0; rows <= 13; rows++)
        for (int kind = 0; kind < VIEWS; kind++)
            check_backward(c, rows, ck_below(c, 40) + 1, (enum views)kind);
    for (int64_t hs = 0; hs <= CK_LENGTHS; hs += hs < 18 ? 1 : 5)
        check_backward(c, 7, hs, (enum views)ck_below(c, VIEWS));
    check_backward(c, MOST, 64, CAUSAL);
    if (!c->bench) return;
    struct block b = random_block(c, MOST, 64, ALL, 1);
    struct gradients g = start_gradients(c, MOST, 64);
    b.mask = NULL;
    b.softcap = 0;
    CK_BENCH(c, "96 rows, HS 64", 10. * MOST * KEYS * 64, "FLOP", backward(c, &b, &g, true, true));
}

/* ---- positions --------------------------------------------------------------------------------- */

/* The angle is formed in double as the kernel forms it, so what remains is the reduction, below
 * 2^-50 here, and the rounding to f32; 2 ulp also where sine is small. */
void check_rope_angles(struct checkkern *c)
{
    for (int64_t n = 0; n <= CK_LENGTHS; n++) {
        double *frequency = ck_bytes(c, (size_t)n * sizeof *frequency, sizeof *frequency);
        float *cosine = ck_floats(c, n), *sine = ck_floats(c, n);
        const double far[] = {10, 1000, 131072, 0x1p28},
                     position = ck_uniform(c, -1, 1) * far[n % 4];
        for (int64_t i = 0; i < n; i++) frequency[i] = ck_uniform(c, 0, 1);
        ck_freeze(c, frequency);
        c->k->rope_angles(cosine, sine, position, frequency, n);
        for (int64_t i = 0; i < n; i++) {
            const double angle = position * frequency[i];
            ck_near(c, cosine[i], cos(angle), 0.51 * CK_EPS, "cosine of %.17g", angle);
            ck_near(c, sine[i], sin(angle), 0.51 * CK_EPS, "sine of %.17g", angle);
        }
        ck_release(c);
    }
    if (!c->bench) return;
    double frequency[64];
    float cosine[64], sine[64];
    for (int i = 0; i < 64; i++) frequency[i] = pow(10000, -i / 64.);
    CK_BENCH(c, "64 angles", 64, "angle", c->k->rope_angles(cosine, sine, 1234, frequency, 64));
}

void check_rope_apply(struct checkkern *c)
{
    for (int n = 0; n <= 2 * CK_LENGTHS; n++) {
        const int64_t heads = n % 4, half = n / 2, dims = 2 * half, hs = dims + ck_below(c, 20);
        const int inplace = n % 3 == 0;
        for (int interleaved = 0; interleaved < 2; interleaved++) {
            float *x = ck_fill(c, ck_floats(c, heads * hs), heads * hs, -3, 3);
            float *cs = ck_fill(c, ck_floats(c, half), half, -1, 1);
            float *sn = ck_fill(c, ck_floats(c, half), half, -1, 1);
            float *y = ck_floats(c, heads * hs), *from = x;
            memcpy(y, x, (size_t)(heads * hs) * sizeof *y);
            if (inplace) from = y;
            if (!inplace) ck_freeze(c, x);
            c->k->rope_apply(y, from, cs, sn, heads, hs, dims, interleaved);
            for (int64_t h = 0; h < heads; h++, x += hs, y += hs) {
                for (int64_t i = 0; i < half; i++) {
                    const int64_t at = interleaved ? 2 * i : i, bt = at + (interleaved ? 1 : half);
                    const double a = (double)x[at], b = (double)x[bt];
                    const double co = (double)cs[i], si = (double)sn[i];
                    ck_near(c, y[at], a * co - b * si, ck_sum_bound(2, fabs(a * co) + fabs(b * si)),
                            "half %d pair %d", (int)half, (int)i);
                    ck_near(c, y[bt], a * si + b * co, ck_sum_bound(2, fabs(a * si) + fabs(b * co)),
                            "half %d pair %d", (int)half, (int)i);
                }
                for (int64_t d = dims; d < hs; d++) ck_same(c, y[d], x[d], "feature %d", (int)d);
            }
            ck_release(c);
        }
    }
    if (!c->bench) return;
    float *x = ck_floats_at(c, 12 * 64, 0), cosine[32] = {0}, sine[32] = {0};
    ck_fill(c, x, 12 * 64, -1, 1);
    CK_BENCH(c, "12 heads of 64, halves", 8. * 12 * 64, "B",
             c->k->rope_apply(x, x, cosine, sine, 12, 64, 64, 0));
    CK_BENCH(c, "12 heads of 64, pairs", 8. * 12 * 64, "B",
             c->k->rope_apply(x, x, cosine, sine, 12, 64, 64, 1));
}
