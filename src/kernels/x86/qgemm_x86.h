/* The products of the qgemm family (qgemm_kernels.h), made by each ISA's file from its vectors.
 *
 * A file defines, before it includes this one:
 *
 *     vec_avx2.h or vec_avx512.h
 *     SW_NAME(base)      the name of a kernel in this ISA
 *     ROWS_MOST          rows that are computed at once: a power of two
 *     dot4_start, dot4, dot4_join, dot4_end
 *                        sums of half bytes times q, and `offset` times the sum of q
 *     dot8_start, dot8   sums of (bytes - 128) times q
 *
 * Each weight is read once for up to ROWS_MOST rows; their sums stay in registers for all of K.  A few
 * rows are bound by memory: what comes is fetched into L2 FAR_AHEAD bytes before it is needed, and into
 * L1 AHEAD bytes before. */
#include <string.h>

enum {
    GROUP = SW_QGEMM_GROUP,
    COLUMNS = SW_QGEMM_COLUMNS,
    VECTORS = COLUMNS / VF_N,
    TOGETHER = SW_QGEMM_ROWS,
    AHEAD = 2048,
    FAR_AHEAD = 6144
};
enum { GROUP4 = GROUP * COLUMNS / 2, GROUP8 = GROUP * COLUMNS, SCALES = 2 * COLUMNS };

VEC_INLINE void fetch(const uint8_t *w, const int bytes, const int rows)
{
    VEC_UNROLL for (int i = 0; i < bytes; i += 64)
    {
        _mm_prefetch((const char *)(w + FAR_AHEAD + i), _MM_HINT_T1);
        if (rows < ROWS_MOST) _mm_prefetch((const char *)(w + AHEAD + i), _MM_HINT_T0);
    }
}

VEC_INLINE vi load_bytes(const uint8_t *w)
{
    return vi_load_bytes(w, 4 * VF_N);
}

VEC_INLINE vf load_scale(const uint8_t *scales)
{
    return vf_load_f16((const uint16_t *)(const void *)scales);
}

VEC_INLINE vf load_six(const uint8_t *six)
{
    return vf_from_vi(vi_load_u8(six));
}

VEC_INLINE int32_t four(const int8_t *q)
{
    int32_t word;
    memcpy(&word, q, sizeof word);
    return word;
}

/* The integer sums of one group of half bytes.  For few rows the low and the high halves are summed
 * apart: half the latency, and the sums are exact. */
VEC_INLINE void group4(vi dot[ROWS_MOST][VECTORS], const struct sw_qgemm_group *a, int at,
                       const uint8_t *w, const int rows, const bool with_sum)
{
    const bool apart = rows <= 2;
    vi other[ROWS_MOST][VECTORS];
    VEC_UNROLL for (int i = 0; i < rows; i++) VEC_UNROLL for (int v = 0; v < VECTORS; v++)
    {
        dot[i][v] = dot4_start(with_sum ? a->sum[at + i] : 0);
        other[i][v] = dot4_start(0);
    }
    VEC_UNROLL for (int g = 0; g < 4; g++)
    {
        vi low[VECTORS], high[VECTORS];
        VEC_UNROLL for (int v = 0; v < VECTORS; v++)
        {
            vi both = load_bytes(w + 64 * g + 4 * VF_N * v);
            low[v] = vi_and(both, vi_set(0x0f0f0f0f));
            high[v] = vi_and(vi_shr(both, 4), vi_set(0x0f0f0f0f));
        }
        VEC_UNROLL for (int i = 0; i < rows; i++)
        {
            vi q0 = vi_set(four(a->q[at + i] + 4 * g));
            vi q1 = vi_set(four(a->q[at + i] + 4 * g + 16));
            VEC_UNROLL for (int v = 0; v < VECTORS; v++)
            {
                vi *second = apart ? &other[i][v] : &dot[i][v];
                dot[i][v] = dot4(dot[i][v], low[v], q0);
                *second = dot4(*second, high[v], q1);
            }
        }
    }
    VEC_UNROLL for (int i = 0; i < rows; i++) VEC_UNROLL for (int v = 0; v < VECTORS; v++)
    {
        if (apart) dot[i][v] = dot4_join(dot[i][v], other[i][v]);
        dot[i][v] = dot4_end(dot[i][v], with_sum ? a->sum[at + i] : 0);
    }
}

/* The same of bytes. */
VEC_INLINE void group8(vi dot[ROWS_MOST][VECTORS], const struct sw_qgemm_group *a, int at,
                       const uint8_t *w, const int rows)
{
    VEC_UNROLL for (int i = 0; i < rows; i++) VEC_UNROLL for (int v = 0; v < VECTORS; v++)
        dot[i][v] = dot8_start(a->sum[at + i]);
    VEC_UNROLL for (int g = 0; g < 8; g++)
    {
        vi byte[VECTORS];
        VEC_UNROLL for (int v = 0; v < VECTORS; v++)
            byte[v] = load_bytes(w + 64 * g + 4 * VF_N * v);
        VEC_UNROLL for (int i = 0; i < rows; i++)
        {
            vi q = vi_set(four(a->q[at + i] + 4 * g));
            VEC_UNROLL for (int v = 0; v < VECTORS; v++) dot[i][v] = dot8(dot[i][v], byte[v], q);
        }
    }
}

/* sum += dot * (d * scale) */
VEC_INLINE void add_group(vf sum[ROWS_MOST][VECTORS], vi dot[ROWS_MOST][VECTORS],
                          const struct sw_qgemm_group *a, int at, const vf scale[VECTORS],
                          const int rows)
{
    VEC_UNROLL for (int i = 0; i < rows; i++)
    {
        vf d = vf_set(a->d[at + i]);
        VEC_UNROLL for (int v = 0; v < VECTORS; v++)
            sum[i][v] = vf_fma(vf_from_vi(dot[i][v]), vf_mul(d, scale[v]), sum[i][v]);
    }
}

/* sum -= (d * sum of q) * minimum */
VEC_INLINE void take_minimum(vf sum[ROWS_MOST][VECTORS], const struct sw_qgemm_group *a, int at,
                             const vf minimum[VECTORS], const int rows)
{
    VEC_UNROLL for (int i = 0; i < rows; i++)
    {
        vf part = vf_set(a->d[at + i] * (float)a->sum[at + i]);
        VEC_UNROLL for (int v = 0; v < VECTORS; v++)
            sum[i][v] = vf_fnma(part, minimum[v], sum[i][v]);
    }
}

VEC_INLINE void start(vf sum[ROWS_MOST][VECTORS], const int rows)
{
    VEC_UNROLL for (int i = 0; i < rows; i++) VEC_UNROLL for (int v = 0; v < VECTORS; v++)
        sum[i][v] = vf_zero();
}

VEC_INLINE void finish(float *c, int64_t ldc, vf sum[ROWS_MOST][VECTORS], int n, const int rows)
{
    VEC_UNROLL for (int i = 0; i < rows; i++) VEC_UNROLL for (int v = 0; v < VECTORS; v++)
        vf_store_n(c + i * ldc + v * VF_N, sum[i][v], n - v * VF_N);
}

/* One group of q8_0 or q4_0. */
VEC_INLINE void one_of_pair(vf sum[ROWS_MOST][VECTORS], const struct sw_qgemm_group *a, int at,
                            const uint8_t *scales, const uint8_t *data, const int rows,
                            const int group)
{
    vi dot[ROWS_MOST][VECTORS];
    vf scale[VECTORS];
    fetch(data, group, rows);
    VEC_UNROLL for (int v = 0; v < VECTORS; v++) scale[v] = load_scale(scales + 2 * VF_N * v);
    if (group == GROUP8)
        group8(dot, a, at, data, rows);
    else
        group4(dot, a, at, data, rows, true);
    add_group(sum, dot, a, at, scale, rows);
}

/* q8_0 and q4_0: groups in pairs behind their scales. */
VEC_INLINE void pairs(float *c, int64_t ldc, const struct sw_qgemm_group *a, int at, int64_t groups,
                      const uint8_t *w, int n, const int rows, const int group)
{
    vf sum[ROWS_MOST][VECTORS];
    start(sum, rows);
    int64_t b = 0;
    for (; b + 2 <= groups; b += 2, a += 2, w += 2 * SCALES + 2 * group) {
        const uint8_t *data = w + 2 * SCALES;
        fetch(w, 2 * SCALES, rows);
        one_of_pair(sum, a, at, w, data, rows, group);
        one_of_pair(sum, a + 1, at, w + SCALES, data + group, rows, group);
    }
    if (b < groups) one_of_pair(sum, a, at, w, w + 2 * SCALES, rows, group);
    finish(c, ldc, sum, n, rows);
}

/* q4_k: eight groups behind their scales and minima, which are 6 bits times an f16. */
VEC_INLINE void eights(float *c, int64_t ldc, const struct sw_qgemm_group *a, int at,
                       int64_t groups, const uint8_t *w, int n, const int rows)
{
    vf sum[ROWS_MOST][VECTORS];
    start(sum, rows);
    for (int64_t b = 0; b < groups; b += 8, w += 2 * SCALES + 8 * (2 * COLUMNS + GROUP4)) {
        const uint8_t *six = w + 2 * SCALES;
        fetch(w, 2 * SCALES + 8 * 2 * COLUMNS, rows);
        for (int g = 0; g < 8; g++, six += 2 * COLUMNS, a++) {
            vi dot[ROWS_MOST][VECTORS];
            vf scale[VECTORS], minimum[VECTORS];
            const uint8_t *data = w + 2 * SCALES + 8 * 2 * COLUMNS + g * GROUP4;
            fetch(data, GROUP4, rows);
            group4(dot, a, at, data, rows, false);
            VEC_UNROLL for (int v = 0; v < VECTORS; v++)
            {
                scale[v] = vf_mul(load_scale(w + 2 * VF_N * v), load_six(six + VF_N * v));
                minimum[v] = vf_mul(load_scale(w + SCALES + 2 * VF_N * v),
                                    load_six(six + COLUMNS + VF_N * v));
            }
            add_group(sum, dot, a, at, scale, rows);
            take_minimum(sum, a, at, minimum, rows);
        }
    }
    finish(c, ldc, sum, n, rows);
}

/* All rows of one panel: ROWS_MOST at a time, then 4, 2, 1. */
#define SW_QGEMM(slot, body)                                                                       \
    static void SW_NAME(slot)(float *c, int64_t ldc, const struct sw_qgemm_group *a,               \
                              const void *panel, int64_t groups, int64_t m, int n)                 \
    {                                                                                              \
        int64_t i = 0;                                                                             \
        for (; i + ROWS_MOST <= m; i += ROWS_MOST) body(ROWS_MOST);                                \
        if (ROWS_MOST > 4 && i + 4 <= m) {                                                         \
            body(4);                                                                               \
            i += 4;                                                                                \
        }                                                                                          \
        if (ROWS_MOST > 2 && i + 2 <= m) {                                                         \
            body(2);                                                                               \
            i += 2;                                                                                \
        }                                                                                          \
        if (i < m) body(1);                                                                        \
    }
#define ROWS_AT    c + i *ldc, ldc, a + i / TOGETHER *groups, (int)(i % TOGETHER), groups
#define Q8_0(rows) pairs(ROWS_AT, panel, n, rows, GROUP8)
#define Q4_0(rows) pairs(ROWS_AT, panel, n, rows, GROUP4)
#define Q4_K(rows) eights(ROWS_AT, panel, n, rows)

SW_QGEMM(sw__qgemm_q8_0, Q8_0)
SW_QGEMM(sw__qgemm_q4_0, Q4_0)
SW_QGEMM(sw__qgemm_q4_k, Q4_K)
