/* The products of the qgemm family (qgemm_kernels.h), made by each ISA's file from its vectors: one body,
 * which is compiled for each type.
 *
 * A file defines, before it includes this one:
 *
 *     vec_avx2.h or vec_avx512.h
 *     SW_NAME(base)        the name of a kernel in this ISA
 *     ROWS_MOST, FEW_ROWS  rows that are computed at once: 16 or FEW_ROWS; a power of two, at most 4
 *     enum size, dot       start + the sum over n vectors of w times q, of numbers of a size
 *     bytes_table          16 bytes by half bytes
 *
 * The 32 weights of a group are unpacked to bytes once for up to ROWS_MOST rows, whose sums stay in
 * registers for all of K.  A sum of integers starts from the bits of 1.5 * 2^23, and so is, read as a float,
 * that number plus the sum: one fma turns it into sum * scale, rounded once.  A few rows are bound by memory:
 * what comes is fetched into L2 FAR_AHEAD bytes before it is needed, and into L1 AHEAD bytes before. */
#include <string.h>

enum {
    GROUP = SW_QGEMM_GROUP,
    COLUMNS = SW_QGEMM_COLUMNS,
    VECTORS = COLUMNS / VF_N,
    TOGETHER = SW_QGEMM_ROWS,
    FOURS = GROUP / 4, /* of k in a group */
    AHEAD = 2048,
    FAR_AHEAD = 6144
};

/* What a type is; a constant wherever it is asked. */
enum type {
#define SW_QGEMM_ENUM(type, TYPE, unit, scales, data, offset, parts) TYPE,
    SW_QGEMM_TYPES(SW_QGEMM_ENUM)
#undef SW_QGEMM_ENUM
};
static const struct form {
    int unit, scales, data, offset, parts;
} forms[] = {
#define SW_QGEMM_FORM(type, TYPE, unit, scales, data, offset, parts)                               \
    {unit, scales, data, offset, parts},
    SW_QGEMM_TYPES(SW_QGEMM_FORM)
#undef SW_QGEMM_FORM
};

VEC_INLINE void fetch(const uint8_t *w, const int bytes, const int rows)
{
    VEC_UNROLL for (int i = 0; i < bytes; i += 64)
    {
        _mm_prefetch((const char *)(w + FAR_AHEAD + i), _MM_HINT_T1);
        if (rows < ROWS_MOST) _mm_prefetch((const char *)(w + AHEAD + i), _MM_HINT_T0);
    }
}

/* ---- weights ----------------------------------------------------------------------------------- */

typedef uint32_t words __attribute__((vector_size(4 * VF_N)));

/* Bits of all words up by n, or down by -n. */
VEC_INLINE vi shift(vi x, const int n)
{
    return n < 0 ? (vi)((words)x >> -n) : (vi)((words)x << n);
}

/* The bits `mask` of each byte after a shift. */
VEC_INLINE vi bits(vi x, const int n, const int mask)
{
    return vi_and(shift(x, n), vi_set(mask * 0x01010101));
}

/* Four k of the columns of vector v: the bytes u. */
VEC_INLINE vi weights(const enum type t, const uint8_t *data, const int i, const int v)
{
#define VECTOR(j) vi_load_bytes(data + 64 * (j) + 4 * VF_N * v, 4 * VF_N)
    const vi four_bits = t == Q8_0 || t == Q2_K || t == Q3_K
                             ? vi_set(0)
                             : bits(VECTOR(i % 4), i < 4 ? 0 : -4, 15);
    switch (t) {
    case Q8_0: return VECTOR(i);
    case Q5_0:
    case Q5_1:
    case Q5_K: return vi_or(four_bits, bits(VECTOR(4), 4 - i, 16));
    case Q6_K: return vi_or(four_bits, bits(VECTOR(4 + i / 4), 4 - i % 4 * 2, 48));
    case Q2_K: return bits(VECTOR(i / 4), -(i % 4 * 2), 3);
    case Q3_K: return vi_or(bits(VECTOR(i / 4), -(i % 4 * 2), 3), bits(VECTOR(2), 2 - i, 4));
    case IQ4_NL:
    case IQ4_XS: return bytes_table((const uint8_t[16]){SW_QGEMM_IQ4_LEVELS}, four_bits);
    case MXFP4: return bytes_table((const uint8_t[16]){SW_QGEMM_MXFP4_LEVELS}, four_bits);
    default: return four_bits;
    }
#undef VECTOR
}

VEC_INLINE enum size size_of(const enum type t)
{
    switch (t) {
    case Q8_0:
    case IQ4_NL:
    case IQ4_XS: return WIDE;
    case Q5_0:
    case Q5_1:
    case Q5_K:
    case Q6_K:
    case MXFP4: return MIDDLE;
    default: return NARROW;
    }
}

VEC_INLINE bool has_minimum(const enum type t)
{
    return forms[t].offset == 0;
}

/* ---- scales ------------------------------------------------------------------------------------ */

struct scales {
    vf scale[2], minimum[2]; /* of each part */
};

/* 2^(e - 128) */
VEC_INLINE vf power(vi e)
{
    vi normal = shift(vi_sub(e, vi_set(1)), 23);
    vi small = vi_add(shift(e, 21), vi_set(0x00200000));
    return vf_from_bits(vi_select(vi_gt(e, vi_set(1)), normal, small));
}

/* Of group b of the unit, in the columns of vector v. */
VEC_INLINE struct scales load_scales(const enum type t, const uint8_t *unit, int64_t b, const int v)
{
    struct scales s;
    const uint8_t *here = unit + VF_N * v, *super = unit + 2 * VF_N * v;
#define HALF(at)  vf_load_f16((const uint16_t *)(const void *)(at))
#define SMALL(at) vf_from_vi(vi_load_u8(at))
#define WHOLE(at) vf_from_vi(vi_load_i8((const int8_t *)(at)))
    for (int p = 0; p < 2; p++) s.scale[p] = s.minimum[p] = vf_zero();
    if (t == MXFP4) {
        s.scale[0] = power(vi_load_u8(here + COLUMNS * b));
    } else if (forms[t].unit == 2) {
        s.scale[0] = HALF(super + 2 * COLUMNS * b);
        if (has_minimum(t)) s.minimum[0] = HALF(super + 2 * COLUMNS * (2 + b));
    } else if (t == Q4_K || t == Q5_K) {
        const uint8_t *six = here + 4 * COLUMNS + 2 * COLUMNS * b;
        s.scale[0] = vf_mul(HALF(super), SMALL(six));
        s.minimum[0] = vf_mul(HALF(super + 2 * COLUMNS), SMALL(six + COLUMNS));
    } else if (t == IQ4_XS) {
        s.scale[0] = vf_mul(HALF(super + b / 8 * 2 * COLUMNS),
                            WHOLE(here + 4 * COLUMNS + COLUMNS * b));
    } else {
        VEC_UNROLL for (int p = 0; p < 2; p++)
        {
            const uint8_t *at = here + 4 * COLUMNS + COLUMNS * (2 * b + p);
            if (t == Q2_K) {
                vi both = vi_load_u8(at);
                s.scale[p] = vf_mul(HALF(super), vf_from_vi(vi_and(both, vi_set(15))));
                s.minimum[p] = vf_mul(HALF(super + 2 * COLUMNS), vf_from_vi(shift(both, -4)));
            } else {
                s.scale[p] = vf_mul(HALF(super + b / 8 * 2 * COLUMNS), WHOLE(at));
            }
        }
    }
    return s;
#undef HALF
#undef SMALL
#undef WHOLE
}

/* ---- a group ----------------------------------------------------------------------------------- */

/* Row r of those computed at once: of two groups that lie apart, or each from its own place. */
VEC_INLINE const struct sw_qgemm_row *row_at(const struct sw_qgemm_row *const *at, int r,
                                             const int rows)
{
    return rows > FEW_ROWS ? at[r / TOGETHER] + r % TOGETHER : at[r];
}

/* One part, p, of a group: sum += (dot * scale) * d. */
VEC_INLINE void add_part(const enum type t, vf sum[ROWS_MOST][VECTORS],
                         const struct sw_qgemm_row *const *at, const uint8_t *data,
                         const struct scales *s, const int p, const int v, const int rows)
{
    enum { MOST = FOURS };
    const int n = FOURS / forms[t].parts;
    const vf scale = s->scale[p], magic = vf_from_bits(vi_set(SW_QGEMM_MAGIC));
    const vf shifted = vf_mul(scale, magic);
    vi w[MOST];
    VEC_UNROLL for (int i = 0; i < n; i++) w[i] = weights(t, data, n * p + i, v);
    VEC_UNROLL for (int r = 0; r < rows; r++)
    {
        const struct sw_qgemm_row *a = row_at(at, r, rows);
        vi start = has_minimum(t) ? vi_set(SW_QGEMM_MAGIC) : vi_set(a->start[p]);
        vf whole = vf_from_bits(dot(start, w, a->q + 4 * n * p, n, size_of(t)));
        sum[r][v] = vf_fma(vf_fms(whole, scale, shifted), vf_set(a->d), sum[r][v]);
    }
}

VEC_INLINE void add_group(const enum type t, vf sum[ROWS_MOST][VECTORS],
                          const struct sw_qgemm_row *const *at, const uint8_t *unit, int64_t b,
                          const int rows)
{
    const uint8_t *data = unit + forms[t].scales + b * forms[t].data;
    fetch(data, forms[t].data, rows);
    VEC_UNROLL for (int v = 0; v < VECTORS; v++)
    {
        const struct scales s = load_scales(t, unit, b, v);
        VEC_UNROLL for (int p = 0; p < forms[t].parts; p++)
            add_part(t, sum, at, data, &s, p, v, rows);
        if (!has_minimum(t)) continue;
        VEC_UNROLL for (int p = 0; p < forms[t].parts; p++)
            VEC_UNROLL for (int r = 0; r < rows; r++)
                sum[r][v] = vf_fnma(vf_set(row_at(at, r, rows)->sum[p]), s.minimum[p], sum[r][v]);
    }
}

/* ---- a panel ----------------------------------------------------------------------------------- */

/* Rows i .. of the product: ROWS_MOST, FEW_ROWS or one, of which `there` are.  The last of these stands
 * for the others, whose sums go nowhere. */
VEC_INLINE void some_rows(const enum type t, float *c, int64_t ldc, const struct sw_qgemm_group *a,
                          const uint8_t *w, int64_t groups, int64_t i, int64_t there, int n,
                          const int rows)
{
    const struct form f = forms[t];
    const int places = rows > FEW_ROWS ? rows / TOGETHER : rows;
    vf sum[ROWS_MOST][VECTORS];
    const struct sw_qgemm_row *at[4];
    VEC_UNROLL for (int r = 0; r < places; r++)
    {
        int64_t of = rows > FEW_ROWS ? i + r * TOGETHER : r < there ? i + r : i + there - 1;
        at[r] = &a[of / TOGETHER * groups].row[of % TOGETHER];
    }
    VEC_UNROLL for (int r = 0; r < rows; r++) VEC_UNROLL for (int v = 0; v < VECTORS; v++)
        sum[r][v] = vf_zero();
    for (int64_t left = groups; left > 0; left -= f.unit, w += f.scales + f.unit * f.data) {
        fetch(w, f.scales, rows);
        for (int64_t b = 0; b < f.unit && b < left; b++) {
            add_group(t, sum, at, w, b, rows);
            VEC_UNROLL for (int r = 0; r < places; r++) at[r] += TOGETHER;
        }
    }
    VEC_UNROLL for (int r = 0; r < rows; r++)
        VEC_UNROLL for (int v = 0; v < VECTORS; v++) if (r < there)
            vf_store_n(c + (i + r) * ldc + v * VF_N, sum[r][v], n - v * VF_N);
}

VEC_INLINE void all_rows(const enum type t, float *c, int64_t ldc, const struct sw_qgemm_group *a,
                         const void *panel, int64_t groups, int64_t m, int n)
{
    static const struct sw_qgemm_group none; /* of K = 0, where a may be NULL */
    int64_t i = 0;
    if (groups == 0) a = &none;
    if (ROWS_MOST > FEW_ROWS)
        for (; i + ROWS_MOST <= m; i += ROWS_MOST)
            some_rows(t, c, ldc, a, panel, groups, i, ROWS_MOST, n, ROWS_MOST);
    for (; i + 1 < m; i += FEW_ROWS)
        some_rows(t, c, ldc, a, panel, groups, i, m - i < FEW_ROWS ? m - i : FEW_ROWS, n, FEW_ROWS);
    if (i < m) some_rows(t, c, ldc, a, panel, groups, i, 1, n, 1);
}

#define SW_QGEMM(type, TYPE, unit, scales, data, offset, parts)                                    \
    static void SW_NAME(sw__qgemm_##type)(float *c, int64_t ldc, const struct sw_qgemm_group *a,   \
                                          const void *panel, int64_t groups, int64_t m, int n)     \
    {                                                                                              \
        all_rows(TYPE, c, ldc, a, panel, groups, m, n);                                            \
    }
SW_QGEMM_TYPES(SW_QGEMM)
#undef SW_QGEMM

#define SW_QGEMM_SET(type, TYPE, unit, scales, data, offset, parts)                                \
    SW_KERNEL_SET(k, qgemm_##type, SW_NAME(sw__qgemm_##type));
