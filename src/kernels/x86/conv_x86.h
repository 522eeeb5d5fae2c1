/* The convolution kernels of AVX2 and AVX-512, but for the gather, written on grid_avx2.h or
 * grid_avx512.h.
 *
 * Planes are walked in strips of VF_N columns.  A strip whose taps are all inside of the source is
 * read by plain loads, any other by masked ones, which give the zeros of the padding; so no image is
 * ever copied into a padded one. */
#ifndef SWELL_CONV_X86_H
#define SWELL_CONV_X86_H

#include "kernels/conv_kernels.h"
#include "kernels/x86/tile_sums_x86.h"

/* Taps whose lanes are kept; further ones are found anew at every use. */
enum { KEEP = 32 };

/* Pixels below each other that are convolved at once. */
enum { ROWS = 4 };

/* How far ahead of their use rows of packed operands are fetched: to L1, and weights to L2. */
enum { FETCH = 12, FAR = 64, LINE = 16 };

/* What is so many floats behind p, or behind the end of all: an address, not a pointer. */
VEC_INLINE const char *ahead_of(const float *p, int64_t floats)
{
    return (const char *)((uintptr_t)p + (uintptr_t)floats * sizeof *p);
}

VEC_INLINE void fetch_row(const float *row, const int width)
{
    UNROLL for (int i = 0; i < width; i += LINE)
    {
        _mm_prefetch(ahead_of(row, FETCH * width + i), _MM_HINT_T0);
        _mm_prefetch(ahead_of(row, FAR * width + i), _MM_HINT_T1);
    }
}

/* A strip of n columns of the grid, and its taps in a row of the source: the first is at column ix. */
struct strip {
    int64_t q, n, ix;
    int whole; /* n == VF_N and all taps are inside of the row */
    struct lanes tap[KEEP];
};

VEC_INLINE void strip_find(struct strip *p, const struct sw_grid *g, int64_t q, const int64_t s)
{
    const int64_t ix = q * s + g->x0, end = ix + (g->nx - 1) * g->dx;
    const int64_t low = ix < end ? ix : end, high = ix < end ? end : ix;
    p->q = q;
    p->n = g->ow - q < VF_N ? g->ow - q : VF_N;
    p->ix = ix;
    p->whole = p->n == VF_N && low >= 0 && high + (VF_N - 1) * s < g->w;
    for (int64_t j = 0; j < g->nx && j < KEEP; j++)
        p->tap[j] = window_at(ix + j * g->dx, g->w, p->n, s);
}

/* ---- a plane convolved ------------------------------------------------------------------------- */

/* `rows` pixels of a strip below each other, from row r of the grid on: each row of the source is read
 * once for all of them.  ny, nx, rows, whole and s are constants; the grid has steps of 1 from tap to
 * tap. */
VEC_INLINE void convolve_rows(float *y, const float *x, const struct sw_grid *g, const vf *w,
                              float bias, int accumulate, const struct strip *p, int64_t r,
                              const int ny, const int nx, const int rows, const int whole,
                              const int64_t s)
{
    vf sum[ROWS];
    UNROLL for (int k = 0; k < rows; k++) sum[k] = vf_zero();
    UNROLL for (int t = 0; t < (rows - 1) * s + ny; t++)
    {
        const int64_t iy = r * s + g->y0 + t;
        if (iy < 0 || iy >= g->h) continue;
        const float *at = x + iy * g->w + p->ix;
        UNROLL for (int j = 0; j < nx; j++)
        {
            const vf v = whole ? window_whole(at + j, s) : lanes_load(at + j, p->tap[j], s);
            UNROLL for (int k = 0; k < rows; k++) if (t >= k * s && t - k * s < ny)
                sum[k] = vf_fma(w[(t - k * s) * nx + j], v, sum[k]);
        }
    }
    UNROLL for (int k = 0; k < rows; k++)
    {
        float *to = y + (r + k) * g->ow + p->q;
        sum[k] = vf_add(accumulate ? vf_load_n(to, p->n) : vf_set(bias), sum[k]);
        vf_store_piece(to, sum[k], p->n);
    }
}

/* All pixels of a strip. */
VEC_INLINE void convolve_strip(float *y, const float *x, const struct sw_grid *g, const float *w,
                               float bias, int accumulate, const struct strip *p, const int ny,
                               const int nx, const int whole, const int64_t s)
{
    const struct strip strip = *p;
    vf taps[25];
    UNROLL for (int t = 0; t < ny * nx; t++) taps[t] = vf_set(w[t]);
    int64_t r = 0;
    for (; r + ROWS <= g->oh; r += ROWS)
        convolve_rows(y, x, g, taps, bias, accumulate, &strip, r, ny, nx, ROWS, whole, s);
    for (; r < g->oh; r++)
        convolve_rows(y, x, g, taps, bias, accumulate, &strip, r, ny, nx, 1, whole, s);
}

/* Any steps and numbers of taps. */
static __attribute__((noinline)) void convolve_any(float *y, const float *x,
                                                   const struct sw_grid *g, const float *w,
                                                   float bias, int accumulate,
                                                   const struct strip *p)
{
    for (int64_t r = 0; r < g->oh; r++) {
        vf sum = vf_zero();
        for (int64_t i = 0; i < g->ny; i++) {
            const int64_t iy = r * g->sy + g->y0 + i * g->dy;
            if (iy < 0 || iy >= g->h) continue;
            for (int64_t j = 0; j < g->nx; j++) {
                const int64_t ix = p->ix + j * g->dx;
                const struct lanes lanes = j < KEEP ? p->tap[j] : window_at(ix, g->w, p->n, g->sx);
                sum = vf_fma(vf_set(w[i * g->nx + j]), lanes_load(x + iy * g->w + ix, lanes, g->sx),
                             sum);
            }
        }
        float *to = y + r * g->ow + p->q;
        sum = vf_add(accumulate ? vf_load_n(to, p->n) : vf_set(bias), sum);
        vf_store_piece(to, sum, p->n);
    }
}

/* Functions of their own, so that masks and weights stay in registers. */
#define CONVOLVE(name, ny, nx, s)                                                                  \
    static __attribute__((noinline)) void name(float *y, const float *x, const struct sw_grid *g,  \
                                               const float *w, float bias, int accumulate,         \
                                               const struct strip *p)                              \
    {                                                                                              \
        if (p->whole)                                                                              \
            convolve_strip(y, x, g, w, bias, accumulate, p, ny, nx, 1, s);                         \
        else                                                                                       \
            convolve_strip(y, x, g, w, bias, accumulate, p, ny, nx, 0, s);                         \
    }
CONVOLVE(convolve_3_1, 3, 3, 1)
CONVOLVE(convolve_5_1, 5, 5, 1)
CONVOLVE(convolve_3_2, 3, 3, 2)
CONVOLVE(convolve_5_2, 5, 5, 2)

VEC_INLINE void plane(float *y, const float *x, const struct sw_grid *g, const float *w, float bias,
                      int accumulate)
{
    struct sw_grid to = *g;
    float turned[25];
    struct strip p;
    const int square = g->ny == g->nx && g->sy == g->sx && g->dy == g->dx && g->dx * g->dx == 1;
    const int known = square && g->sx <= 2 && (g->nx == 3 || g->nx == 5);
    if (known && g->dx < 0) { /* the other way round */
        to.y0 -= g->ny - 1, to.dy = 1;
        to.x0 -= g->nx - 1, to.dx = 1;
        for (int64_t t = 0; t < g->ny * g->nx; t++) turned[t] = w[g->ny * g->nx - 1 - t];
        w = turned;
    }
    for (int64_t q = 0; q < g->ow; q += VF_N) {
        strip_find(&p, &to, q, g->sx);
        (!known       ? convolve_any
         : g->nx == 3 ? (g->sx == 1 ? convolve_3_1 : convolve_3_2)
         : g->sx == 1 ? convolve_5_1
                      : convolve_5_2)(y, x, &to, w, bias, accumulate, &p);
    }
}

/* ---- the gradient of its numbers --------------------------------------------------------------- */

/* A strip of a grid without stride: each row of x is read once for all taps that it is under, the
 * first of which read row r + first of x for row r of dy. */
VEC_INLINE void grad_rows(vf sum[3][3], const float *dy, int64_t n, const float *x,
                          const struct lanes lanes[3], const struct sw_grid *g, int64_t first,
                          const int rows, const int count)
{
    const int64_t begin = first > 0 ? first : 0, last = first + g->oh + rows - 1;
    const int64_t end = last < g->h ? last : g->h;
    for (int64_t iy = begin; iy < end; iy++) {
        vf v[3];
        UNROLL for (int b = 0; b < count; b++)
            v[b] = lanes_load(x + iy * g->w + b * g->dx, lanes[b], 1);
        UNROLL for (int a = 0; a < rows; a++)
        {
            const int64_t r = iy - first - a;
            if (r < 0 || r >= g->oh) continue;
            const vf d = vf_load_n(dy + r * g->ow, n);
            UNROLL for (int b = 0; b < count; b++) sum[a][b] = vf_fma(d, v[b], sum[a][b]);
        }
    }
}

/* Of `rows` x `count` taps from (i, j) on, both constants: so many sums are in flight at once. */
VEC_INLINE void grad_taps(float *dw, const float *dy, const float *x, const struct sw_grid *g,
                          int64_t i, int64_t j, const int rows, const int count, const int64_t s)
{
    vf sum[3][3];
    UNROLL for (int a = 0; a < rows; a++) UNROLL for (int b = 0; b < count; b++)
        sum[a][b] = vf_zero();
    for (int64_t q = 0; q < g->ow; q += VF_N) {
        const int64_t n = g->ow - q < VF_N ? g->ow - q : VF_N, ix = q * s + g->x0 + j * g->dx;
        struct lanes lanes[3];
        UNROLL for (int b = 0; b < count; b++) lanes[b] = window_at(ix + b * g->dx, g->w, n, s);
        if (rows > 1 && s == 1 && g->sy == 1 && g->dy == 1) {
            grad_rows(sum, dy + q, n, x + ix, lanes, g, g->y0 + i, rows, count);
            continue;
        }
        for (int64_t r = 0; r < g->oh; r++) {
            const int64_t iy = r * g->sy + g->y0 + i * g->dy;
            const vf d = vf_load_n(dy + r * g->ow + q, n);
            UNROLL for (int a = 0; a < rows; a++)
            {
                if (iy + a * g->dy < 0 || iy + a * g->dy >= g->h) continue;
                const float *at = x + (iy + a * g->dy) * g->w + ix;
                UNROLL for (int b = 0; b < count; b++)
                    sum[a][b] = vf_fma(d, lanes_load(at + b * g->dx, lanes[b], s), sum[a][b]);
            }
        }
    }
    UNROLL for (int a = 0; a < rows; a++) UNROLL for (int b = 0; b < count; b++)
        dw[(i + a) * g->nx + j + b] += vf_hsum(sum[a][b]);
}

typedef void grad_taps_fn(float *dw, const float *dy, const float *x, const struct sw_grid *g,
                          int64_t i, int64_t j);

#define GRAD_TAPS(rows, count)                                                                     \
    static void grad_taps_##rows##_##count(float *dw, const float *dy, const float *x,             \
                                           const struct sw_grid *g, int64_t i, int64_t j)          \
    {                                                                                              \
        BY_STRIDE(g->sx, grad_taps, dw, dy, x, g, i, j, rows, count);                              \
    }
GRAD_TAPS(1, 1)
GRAD_TAPS(1, 3)
GRAD_TAPS(3, 1)
GRAD_TAPS(3, 3)

/* Taps by threes, what is left one by one. */
VEC_INLINE void plane_grad(float *dw, const float *dy, const float *x, const struct sw_grid *g)
{
    static grad_taps_fn *const by[2][2] = {{grad_taps_1_1, grad_taps_1_3},
                                           {grad_taps_3_1, grad_taps_3_3}};
    for (int64_t i = 0, down; i < g->ny; i += down ? 3 : 1) {
        down = g->ny - i >= 3;
        for (int64_t j = 0, across; j < g->nx; j += across ? 3 : 1) {
            across = g->nx - j >= 3;
            by[down][across](dw, dy, x, g, i, j);
        }
    }
}

/* ---- the tile of a weight's gradient ----------------------------------------------------------- */

/* `rows` x `vectors`, both constants, of a tile of `width` columns.  Like the tile of the gemm
 * family, but the rows are read where the gather put them, [row][pixel]: one pointer and constant
 * offsets, so that nothing has to be transposed. */
VEC_INLINE void weight_tile(float *c, int64_t ldc, const float *a, const float *b, int64_t kc,
                            int nr, int accumulate, const int rows, const int vectors,
                            const int width)
{
    vf sum[14][2];
    UNROLL for (int i = 0; i < rows; i++) UNROLL for (int v = 0; v < vectors; v++)
        sum[i][v] = vf_zero();
    for (int64_t p = 0; p < kc; p++, b += width) {
        vf bp[2];
        fetch_row(b, width);
        UNROLL for (int v = 0; v < vectors; v++) bp[v] = vf_load(b + v * VF_N);
        UNROLL for (int i = 0; i < rows; i++)
        {
            vf ai = vf_set(a[i * SW_CONV_PITCH + p]);
            UNROLL for (int v = 0; v < vectors; v++) sum[i][v] = vf_fma(ai, bp[v], sum[i][v]);
        }
    }
    if (!accumulate && nr == vectors * VF_N) {
        UNROLL for (int i = 0; i < rows; i++) UNROLL for (int v = 0; v < vectors; v++)
            vf_store(c + i * ldc + v * VF_N, sum[i][v]);
        return;
    }
    _Alignas(64) float sums[14 * 2 * VF_N];
    UNROLL for (int i = 0; i < rows; i++) UNROLL for (int v = 0; v < vectors; v++)
        vf_store(sums + (i * vectors + v) * VF_N, sum[i][v]);
    tile_sums(c, ldc, sums, rows, vectors * VF_N, nr, accumulate);
}

/* ---- pairs of bf16 ----------------------------------------------------------------------------- */

VEC_INLINE vi rounded(vf x)
{
    return vf_bits(vf_from_bf16(vf_to_bf16(x)));
}

VEC_INLINE void pair_planes(uint32_t *dst, const float *a, const float *b, int64_t n)
{
    int32_t *to = (int32_t *)dst;
    int64_t i = 0;
    for (; b && i + VF_N <= n; i += VF_N)
        vi_store(to + i, vi_or(vi_shr(rounded(vf_load(a + i)), 16), rounded(vf_load(b + i))));
    for (; i < n; i += VF_N) {
        const int64_t count = n - i < VF_N ? n - i : VF_N;
        vi pair = vi_shr(rounded(vf_load_n(a + i, count)), 16);
        if (b) pair = vi_or(pair, rounded(vf_load_n(b + i, count)));
        vi_store_n(to + i, pair, count);
    }
}

#endif
