/* Attention over a block of keys, for AVX2 and AVX-512: included by attention_avx2.c and
 * attention_avx512.c, which say what a vector is (vec_*.h) and how large the tile is:
 *
 *     TILE_ROWS     rows of the register tile
 *     TILE_VECTORS  vectors of the register tile
 *
 * Everything is made of one tile product, C (+)= A B with a broadcast of A and vectors of B, in five
 * roles:
 *
 *     logits   C = S  [rows][keys]      A = q         B = kt     sum over features
 *     dP       C = dP [rows][keys]      A = dy        B = vt     sum over features
 *     outputs  C = y  [rows][features]  A = p         B = v      sum over keys
 *     dq       C = dq [rows][features]  A = ds        B = k      sum over keys
 *     dk, dv   C      [keys][features]  A = ds^T, p^T B = q, dy  sum over rows
 *
 * A sum over keys walks only the keys that a row sees; the rows of a tile share the stretch that all
 * of them see, and what sticks out at both ends (a causal diagonal, the edge of a window) is done row
 * by row.  That costs at most TILE_ROWS^2 of TILE_ROWS * 64 steps, and buys that a key which is not
 * seen is never touched, whatever stands there. */
#ifndef SWELL_ATTENTION_BLOCK_X86_H
#define SWELL_ATTENTION_BLOCK_X86_H

#include <math.h>
#include "kernels/kernels.h"

#define NOINLINE static __attribute__((noinline))
#ifdef __clang__
#define UNROLL _Pragma("clang loop unroll(full)")
#else
#define UNROLL _Pragma("GCC unroll 16")
#endif

enum { KEYS = SW_ATTENTION_KEYS, GROUPS = KEYS / VF_N, SPAN = TILE_VECTORS * VF_N };

/* Lanes lo <= i < hi of x, the others of y. */
VEC_INLINE vf vf_seen(vf x, vf y, int lo, int hi)
{
    const uint32_t all = (1u << VF_N) - 1;
    const uint32_t below = lo <= 0 ? 0 : lo >= VF_N ? all : (1u << lo) - 1;
    const uint32_t until = hi <= 0 ? 0 : hi >= VF_N ? all : (1u << hi) - 1;
    return vf_select(vm_from_bits(until & ~below), x, y);
}

/* 2^x for x < 127, 2 ulp; 0 below 2^-126.5: denormals would make the products slow, and beside a sum
 * of about 1 nothing can tell them apart.  The polynomial is a minimax fit (Remez) of 2^r for
 * |r| <= 1/2, relative error 2^-28, exact at 0. */
VEC_INLINE vf power_of_2(vf x)
{
    const vf round = vf_set(0x1.8p23f + 127);
    x = vf_max(vf_set(-127), x);
    const vf u = vf_add(x, round); /* its low bits are the biased exponent; 0 makes 0 */
    const vf r = vf_sub(x, vf_sub(u, round));
    vf p = vf_set(0x1.470b4ap-13f);
    p = vf_fma(p, r, vf_set(0x1.5f7276p-10f));
    p = vf_fma(p, r, vf_set(0x1.3b270ep-7f));
    p = vf_fma(p, r, vf_set(0x1.c6ae72p-5f));
    p = vf_fma(p, r, vf_set(0x1.ebfbe2p-3f));
    p = vf_fma(p, r, vf_set(0x1.62e432p-1f));
    p = vf_fma(p, r, vf_set(1));
    return vf_mul(p, vf_from_bits(vi_shl(vf_bits(u), 23)));
}

#define LOG2_E 0x1.715476p+0f
#define LN_2   0x1.62e43p-1f

/* 2^(s log2(e) - m); 0 for a logit of -infinity. */
VEC_INLINE vf probability(vf s, vf m)
{
    return power_of_2(vf_fms(s, vf_set(LOG2_E), m));
}

/* ---- the tile ---------------------------------------------------------------------------------- */

/* How a chain begins. */
enum start {
    FROM_ZERO,
    FROM_C,     /* what stands in C */
    FROM_SCALED /* what stands in C, row i times alpha[i] */
};

/* C (i, ..) = chain over k of A (i, k) B (k, ..): A (i, k) = a[i * a_row + k * a_k], rows of B and C
 * ldb and ldc apart. */
struct product {
    float *c;
    const float *a, *b;
    int64_t ldc, a_row, a_k, ldb, n;
    enum start start;
    const float *alpha;
};

VEC_INLINE void tile(const struct product *t, const int rows, const int vectors)
{
    vf sum[TILE_ROWS][TILE_VECTORS];
    const float *a[TILE_ROWS], *b = t->b;
    float *const to = t->c;
    const int64_t a_k = t->a_k, ldb = t->ldb, ldc = t->ldc, n = t->n;
    UNROLL for (int i = 0; i < rows; i++)
    {
        a[i] = t->a + i * t->a_row;
        UNROLL for (int v = 0; v < vectors; v++)
        {
            const float *c = to + i * ldc + v * VF_N;
            sum[i][v] = t->start == FROM_ZERO ? vf_zero() : vf_load(c);
            if (t->start == FROM_SCALED) sum[i][v] = vf_mul(sum[i][v], vf_set(t->alpha[i]));
        }
    }
    for (int64_t k = 0, at = 0; k < n; k++, at += a_k, b += ldb) {
        vf bk[TILE_VECTORS];
        UNROLL for (int v = 0; v < vectors; v++) bk[v] = vf_load(b + v * VF_N);
        UNROLL for (int i = 0; i < rows; i++)
        {
            const vf ai = vf_set(a[i][at]);
            UNROLL for (int v = 0; v < vectors; v++) sum[i][v] = vf_fma(ai, bk[v], sum[i][v]);
        }
    }
    UNROLL for (int i = 0; i < rows; i++) UNROLL for (int v = 0; v < vectors; v++)
        vf_store(to + i * ldc + v * VF_N, sum[i][v]);
}

#define TILE(rows, vectors)                                                                        \
    NOINLINE void tile_##rows##_##vectors(const struct product *t)                                 \
    {                                                                                              \
        tile(t, rows, vectors);                                                                    \
    }
#define TILES(vectors)                                                                             \
    TILE(1, vectors)                                                                               \
    TILE(2, vectors) TILE(3, vectors) TILE(4, vectors) TILE(5, vectors) TILE(6, vectors)
#define TILE_NAMES(vectors)                                                                        \
    {                                                                                              \
        tile_1_##vectors, tile_2_##vectors, tile_3_##vectors, tile_4_##vectors, tile_5_##vectors,  \
            tile_6_##vectors                                                                       \
    }
TILES(1)
TILES(2)
#if TILE_VECTORS == 4
TILES(3)
TILES(4)
#endif

static void (*const tiles[TILE_VECTORS][TILE_ROWS])(const struct product *t) = {
    TILE_NAMES(1),
    TILE_NAMES(2),
#if TILE_VECTORS == 4
    TILE_NAMES(3),
    TILE_NAMES(4),
#endif
};

/* The product for `rows` <= TILE_ROWS rows and columns from .. to-1, multiples of a vector. */
VEC_INLINE void product(struct product t, int rows, int64_t from, int64_t to)
{
    t.b += from;
    t.c += from;
    for (int64_t j = from; j < to; j += SPAN, t.b += SPAN, t.c += SPAN) {
        const int64_t left = (to - j) / VF_N;
        tiles[left < TILE_VECTORS ? left - 1 : TILE_VECTORS - 1][rows - 1](&t);
    }
}

/* ---- sums over the keys that a row sees --------------------------------------------------------- */

/* C [rows][hsp] = alpha C + sum over seen keys j of A (i, j) B (j, ..).  A is [rows][KEYS]; alpha NULL:
 * all 1.  Rows that see nothing stay as they are. */
static void sum_keys(float *c, const float *a, const float *b, int64_t hsp, int rows,
                     const int32_t *lo, const int32_t *hi, const float *alpha)
{
    int32_t from = 0, to = KEYS; /* what all rows see */
    for (int i = 0; i < rows; i++) {
        from = lo[i] > from ? lo[i] : from;
        to = hi[i] < to ? hi[i] : to;
    }
    if (from >= to) from = to = KEYS; /* nothing: every row on its own, in the first stretch */
    struct product t = {
        c,    a + from, b + from * hsp, hsp, KEYS, 1, hsp, to - from, alpha ? FROM_SCALED : FROM_C,
        alpha};
    float rest[TILE_ROWS];
    for (int i = 0; from > 0 && i < rows; i++) {
        const int32_t end = hi[i] < from ? hi[i] : from;
        if (alpha) rest[i] = alpha[i];
        if (lo[i] >= end) continue;
        product((struct product){c + i * hsp, a + i * KEYS + lo[i], b + lo[i] * hsp, hsp, KEYS, 1,
                                 hsp, end - lo[i], t.start, alpha ? &alpha[i] : NULL},
                1, 0, hsp);
        rest[i] = 1;
    }
    if (from > 0) t.alpha = rest;
    if (from < to) product(t, rows, 0, hsp);
    for (int i = 0; i < rows; i++) {
        if (hi[i] <= to) continue;
        product((struct product){c + i * hsp, a + i * KEYS + to, b + to * hsp, hsp, KEYS, 1, hsp,
                                 hi[i] - to, FROM_C, NULL},
                1, 0, hsp);
    }
}

/* ---- logits ------------------------------------------------------------------------------------ */

/* The columns, in whole vectors, that any of the rows sees; false: none does. */
VEC_INLINE bool seen_columns(int rows, const int32_t *lo, const int32_t *hi, int64_t *from,
                             int64_t *to)
{
    int32_t first = KEYS, last = 0;
    for (int i = 0; i < rows; i++) {
        if (lo[i] >= hi[i]) continue;
        first = lo[i] < first ? lo[i] : first;
        last = hi[i] > last ? hi[i] : last;
    }
    *from = first / VF_N * VF_N;
    *to = (last + VF_N - 1) / VF_N * VF_N;
    return first < last;
}

/* x with softcap and mask; *slope: the derivative of the softcap. */
VEC_INLINE vf adjust(vf x, const struct sw_attention_view *v, const float *mask, vf *slope)
{
    *slope = vf_set(1);
    if (v->softcap > 0) {
        const vf t = vf_tanh(vf_div(x, vf_set(v->softcap)));
        x = vf_mul(vf_set(v->softcap), t);
        *slope = vf_sub(vf_set(1), vf_mul(t, t));
    }
    return mask ? vf_add(x, vf_load(mask)) : x;
}

/* ---- forward ----------------------------------------------------------------------------------- */

/* The logits of a row, made ready in place, -infinity where it does not see; their greatest number a
 * lane. */
VEC_INLINE vf finish_logits(float *s, const struct sw_attention_view *v, int64_t row)
{
    const int32_t lo = v->lo[row], hi = v->hi[row];
    const float *mask = v->mask ? v->mask + row * KEYS : NULL;
    vf most = vf_set(-INFINITY);
    if (lo == 0 && hi == KEYS && !mask && !(v->softcap > 0)) {
        UNROLL for (int g = 0; g < GROUPS; g++) most = vf_max(vf_load(s + g * VF_N), most);
        return most;
    }
    for (int g = 0; g < GROUPS; g++) {
        const int at = g * VF_N;
        vf slope, x = adjust(vf_load(s + at), v, mask ? mask + at : NULL, &slope);
        x = vf_seen(x, vf_set(-INFINITY), lo - at, hi - at);
        vf_store(s + at, x);
        most = vf_max(x, most);
    }
    return most;
}

/* Probabilities in place of logits; their sums into the lanes of l. */
VEC_INLINE void exponents(float *s, float *l, vf m, float alpha)
{
    vf p[GROUPS];
    UNROLL for (int g = 0; g < GROUPS; g++)
    {
        p[g] = probability(vf_load(s + g * VF_N), m);
        vf_store(s + g * VF_N, p[g]);
    }
    enum { STEP = SW_ATTENTION_LANES / VF_N };
    UNROLL for (int h = 0; h < STEP; h++)
    {
        const vf sum = vf_add(vf_add(p[h], p[h + STEP]), vf_add(p[h + 2 * STEP], p[h + 3 * STEP]));
        float *at = l + h * VF_N;
        vf_store(at, vf_fma(vf_load(at), vf_set(alpha), sum));
    }
}

/* Logits of `rows` rows from i0 on to probabilities; alpha[i] for the sums of before.  Whether any
 * alpha is not 1. */
VEC_INLINE bool softmax_rows(const struct sw_attention_forward *a, float *s, float *alpha,
                             int64_t i0, int rows)
{
    const int32_t *lo = a->view.lo + i0, *hi = a->view.hi + i0;
    float *m = a->m + i0, *l = a->l + i0 * SW_ATTENTION_LANES;
    bool moved = false;
    for (int i = 0; i < rows; i++) {
        alpha[i] = 0;
        if (lo[i] >= hi[i]) continue;
        const vf most = finish_logits(s + i * KEYS, &a->view, i0 + i);
        const float limit = (m[i] + SW_ATTENTION_SLACK) * LN_2;
        if (!vm_any(vf_gt(most, vf_set(limit)))) continue;
        const float to = vf_hmax(most) * LOG2_E;
        alpha[i] = m[i] - to;
        m[i] = to;
        moved = true;
    }
    for (int i = 0; i < TILE_ROWS; i += VF_N)
        vf_store(alpha + i, moved ? power_of_2(vf_load(alpha + i)) : vf_set(1));
    for (int i = 0; i < rows; i++) {
        if (lo[i] >= hi[i]) continue;
        /* -infinity as long as all logits were: then -inf log2(e) - 0 = -inf, not -inf + inf. */
        const vf reference = vf_set(m[i] == -INFINITY ? 0 : m[i]);
        exponents(s + i * KEYS, l + i * SW_ATTENTION_LANES, reference, alpha[i]);
    }
    return moved;
}

/* TILE_ROWS or fewer rows from row i0 on. */
static void forward_rows(const struct sw_attention_forward *a, int64_t i0, int rows)
{
    _Alignas(64) float s[TILE_ROWS * KEYS], alpha[16] = {0};
    const int32_t *lo = a->view.lo + i0, *hi = a->view.hi + i0;
    int64_t from, to;
    if (!seen_columns(rows, lo, hi, &from, &to)) return;
    product((struct product){s, a->q + i0 * a->hsp, a->kt, KEYS, a->hsp, 1, KEYS, a->hs, FROM_ZERO,
                             NULL},
            rows, from, to);
    const bool moved = softmax_rows(a, s, alpha, i0, rows);
    sum_keys(a->acc + i0 * a->hsp, s, a->v, a->hsp, rows, lo, hi, moved ? alpha : NULL);
}

/* Fetch the `part`-th of `parts` equal parts of what is needed next.  Rows lie heads apart, often on
 * pages of their own, where the hardware's prefetchers do not follow. */
VEC_INLINE void fetch_next(const struct sw_attention_forward *a, int64_t part, int64_t parts)
{
    for (int64_t i = a->n_fetch * part / parts; i < a->n_fetch * (part + 1) / parts; i++)
        for (int64_t at = 0; at < a->fetch_bytes; at += 64) {
            _mm_prefetch((const char *)a->fetch[0][i] + at, _MM_HINT_T1);
            _mm_prefetch((const char *)a->fetch[1][i] + at, _MM_HINT_T1);
        }
}

static void attention_forward(const struct sw_attention_forward *a)
{
    const int64_t tiles_down = (a->rows + TILE_ROWS - 1) / TILE_ROWS;
    for (int64_t t = 0; t < tiles_down; t++) {
        const int64_t i = t * TILE_ROWS;
        fetch_next(a, t, tiles_down);
        forward_rows(a, i, a->rows - i < TILE_ROWS ? (int)(a->rows - i) : TILE_ROWS);
    }
}

/* ---- backward ---------------------------------------------------------------------------------- */

/* p and ds of one row from logits and dP, zeros where the row sees nothing. */
VEC_INLINE void row_gradient(const struct sw_attention_backward *a, int64_t row, float *p,
                             float *ds)
{
    const int32_t lo = a->view.lo[row], hi = a->view.hi[row];
    const float *mask = a->view.mask ? a->view.mask + row * KEYS : NULL;
    const vf lse = vf_set(a->lse[row]), delta = vf_set(a->delta[row]);
    for (int at = 0; at < KEYS; at += VF_N, p += VF_N, ds += VF_N) {
        if (lo >= at + VF_N || hi <= at) {
            vf_store(p, vf_zero());
            vf_store(ds, vf_zero());
            continue;
        }
        vf slope, x = adjust(vf_load(p), &a->view, mask ? mask + at : NULL, &slope);
        x = probability(x, lse);
        vf d = vf_mul(vf_mul(x, vf_sub(vf_load(ds), delta)), slope);
        if (lo > at || hi < at + VF_N) {
            x = vf_seen(x, vf_zero(), lo - at, hi - at);
            d = vf_seen(d, vf_zero(), lo - at, hi - at);
        }
        vf_store(p, x);
        vf_store(ds, d);
    }
}

/* TILE_ROWS or fewer rows from row i0 on; their p and ds. */
static void backward_rows(const struct sw_attention_backward *a, int64_t i0, int rows, float *p,
                          float *ds)
{
    const int32_t *lo = a->view.lo + i0, *hi = a->view.hi + i0;
    int64_t from = 0, to = 0;
    if (seen_columns(rows, lo, hi, &from, &to)) {
        product((struct product){p, a->q + i0 * a->hsp, a->kt, KEYS, a->hsp, 1, KEYS, a->hs,
                                 FROM_ZERO, NULL},
                rows, from, to);
        product((struct product){ds, a->dy + i0 * a->hsp, a->vt, KEYS, a->hsp, 1, KEYS, a->hs,
                                 FROM_ZERO, NULL},
                rows, from, to);
    }
    for (int i = 0; i < rows; i++) row_gradient(a, i0 + i, p + i * KEYS, ds + i * KEYS);
    if (a->dq) sum_keys(a->dq + i0 * a->hsp, ds, a->k, a->hsp, rows, lo, hi, NULL);
}

/* Rows whose p, q, ds and dy are in L1 while all keys pass. */
enum { PART = 12 * TILE_ROWS, KEY_TILES = (KEYS + TILE_ROWS - 1) / TILE_ROWS };

/* Of n <= PART rows from row i0 on, those from the first to the last that sees a key of each tile. */
static void seeing_rows(const struct sw_attention_view *v, int64_t i0, int64_t n,
                        int64_t from[KEY_TILES], int64_t to[KEY_TILES])
{
    const int32_t *lo = v->lo + i0, *hi = v->hi + i0;
    for (int t = 0; t < KEY_TILES; t++) {
        const int j0 = t * TILE_ROWS, end = j0 + TILE_ROWS;
        int64_t a = 0, b = n;
        while (a < b && (hi[a] <= j0 || lo[a] >= end)) a++;
        while (a < b && (hi[b - 1] <= j0 || lo[b - 1] >= end)) b--;
        from[t] = a;
        to[t] = b;
    }
}

/* C [keys][hsp] += A^T B, A [rows][KEYS] being p or ds, B [rows][hsp] dy or q. */
static void sum_rows(float *c, const float *a, const float *b, int64_t hsp,
                     const int64_t from[KEY_TILES], const int64_t to[KEY_TILES])
{
    for (int t = 0; t < KEY_TILES; t++) {
        const int j0 = t * TILE_ROWS, keys = KEYS - j0 < TILE_ROWS ? KEYS - j0 : TILE_ROWS;
        if (from[t] == to[t]) continue;
        product((struct product){c + j0 * hsp, a + from[t] * KEYS + j0, b + from[t] * hsp, hsp, 1,
                                 KEYS, hsp, to[t] - from[t], FROM_C, NULL},
                keys, 0, hsp);
    }
}

static void attention_backward(const struct sw_attention_backward *a)
{
    for (int64_t i = 0; i < a->rows; i += PART) {
        const int64_t n = a->rows - i < PART ? a->rows - i : PART;
        int64_t from[KEY_TILES], to[KEY_TILES];
        for (int64_t j = 0; j < n; j += TILE_ROWS)
            backward_rows(a, i + j, n - j < TILE_ROWS ? (int)(n - j) : TILE_ROWS, a->p + j * KEYS,
                          a->ds + j * KEYS);
        if (!a->dk) continue;
        seeing_rows(&a->view, i, n, from, to);
        sum_rows(a->dv, a->p, a->dy + i * a->hsp, a->hsp, from, to);
        sum_rows(a->dk, a->ds, a->q + i * a->hsp, a->hsp, from, to);
    }
}

#endif
