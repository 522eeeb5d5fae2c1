/* The convolution kernels of AVX2 and AVX-512, written on grid_avx2.h or grid_avx512.h.
 *
 * All walk a row of the grid in pieces of at most VF_N pixels.  A piece whose taps are all inside
 * of the source is read by plain loads, any other by masked ones, which give the zeros of the
 * padding; so no image is ever copied into a padded one. */
#ifndef SWELL_CONV_X86_H
#define SWELL_CONV_X86_H

#include <stddef.h>
#include "kernels/conv_kernels.h"

/* Taps whose windows are kept; further ones are found anew at every use. */
enum { KEEP = 32 };

/* The windows of the taps of a piece: n pixels of a row, the first has tap 0 at source column ix. */
struct taps {
    int64_t ix, n;
    int whole; /* n == VF_N and all are inside of the row */
    struct window at[KEEP];
};

VEC_INLINE void taps_find(struct taps *p, const struct sw_grid *g, int64_t q, int64_t n,
                          const int64_t s)
{
    const int64_t ix = q * s + g->x0, end = ix + (g->nx - 1) * g->dx;
    const int64_t low = ix < end ? ix : end, high = ix < end ? end : ix;
    p->ix = ix;
    p->n = n;
    p->whole = n == VF_N && low >= 0 && high + (n - 1) * s < g->w;
    for (int64_t j = 0; j < g->nx && j < KEEP && !p->whole; j++)
        p->at[j] = window_at(ix + j * g->dx, g->w, n, s);
}

/* Tap j of a piece that is not whole, from a row of the source. */
VEC_INLINE vf tap_load(const float *row, const struct taps *p, const struct sw_grid *g, int64_t j,
                       const int64_t s)
{
    const int64_t ix = p->ix + j * g->dx;
    return window_load(row + ix, j < KEEP ? p->at[j] : window_at(ix, g->w, p->n, s), s);
}

/* ---- gather ------------------------------------------------------------------------------------ */

/* A place in the grid: pixel (r, q) of an image. */
struct place {
    const float *image;
    int64_t r, q;
};

/* Rows of the source under a piece, in the order of k: row y, tap row i; `at` is where the piece's
 * tap (i, 0) begins. */
struct walk {
    const float *at;
    int64_t i, y;
};

VEC_INLINE void walk_on(struct walk *v, const struct sw_grid *g)
{
    v->at += g->dy * g->w;
    v->y += g->dy;
    if (++v->i < g->ny) return;
    v->i = 0;
    v->y -= g->ny * g->dy;
    v->at += (g->h - g->ny * g->dy) * g->w;
}

/* Taps j .. stop-1 of one source row. */
VEC_INLINE void gather_row(float *dst, int64_t pitch, const struct walk *v, const struct taps *p,
                           const struct sw_grid *g, int64_t j, int64_t stop, const int64_t s)
{
    if (v->y < 0 || v->y >= g->h)
        for (; j < stop; j++, dst += pitch) vf_store_piece(dst, vf_zero(), p->n);
    else if (p->whole)
        for (; j < stop; j++, dst += pitch) vf_store(dst, window_whole(v->at + j * g->dx, s));
    else
        for (; j < stop; j++, dst += pitch)
            vf_store_piece(dst, tap_load(v->at - p->ix, p, g, j, s), p->n);
}

/* `count` source rows with all their nx taps; all three last are constants. */
VEC_INLINE void gather_whole_rows(float *dst, int64_t pitch, struct walk *v, const struct taps *p,
                                  const struct sw_grid *g, int64_t count, const int whole,
                                  const int nx, const int64_t s)
{
    const int64_t n = p->n, dx = g->dx, ny = g->ny, dy = g->dy, h = g->h;
    const int64_t step = dy * g->w, wrap = (h - ny * dy) * g->w;
    const float *at = v->at;
    int64_t y = v->y, i = v->i;
    struct window m[5];
    UNROLL for (int j = 0; j < nx; j++) m[j] = p->at[j];
    for (; count > 0; count--, dst += nx * pitch) {
        if (y < 0 || y >= h) {
            UNROLL for (int j = 0; j < nx; j++) vf_store_piece(dst + j * pitch, vf_zero(), n);
        } else if (whole) {
            UNROLL for (int j = 0; j < nx; j++)
                vf_store(dst + j * pitch, window_whole(at + j * dx, s));
        } else {
            UNROLL for (int j = 0; j < nx; j++)
                vf_store_piece(dst + j * pitch, window_load(at + j * dx, m[j], s), n);
        }
        at += step;
        y += dy;
        if (++i < ny) continue;
        i = 0;
        y -= ny * dy;
        at += wrap;
    }
    *v = (struct walk){at, i, y};
}

/* Functions of their own, so that masks, strides and pointers stay in registers. */
#define GATHER_ROWS(nx, s)                                                                         \
    static __attribute__((noinline)) void gather_rows_##nx##_##s(                                  \
        float *dst, int64_t pitch, struct walk *v, const struct taps *p, const struct sw_grid *g,  \
        int64_t count)                                                                             \
    {                                                                                              \
        if (p->whole)                                                                              \
            gather_whole_rows(dst, pitch, v, p, g, count, 1, nx, s);                               \
        else                                                                                       \
            gather_whole_rows(dst, pitch, v, p, g, count, 0, nx, s);                               \
    }
GATHER_ROWS(3, 1)
GATHER_ROWS(5, 1)
GATHER_ROWS(3, 2)

typedef void gather_rows(float *dst, int64_t pitch, struct walk *v, const struct taps *p,
                         const struct sw_grid *g, int64_t count);

VEC_INLINE gather_rows *gather_rows_for(const struct sw_grid *g)
{
    if (g->sx == 1 && g->nx == 3) return gather_rows_3_1;
    if (g->sx == 1 && g->nx == 5) return gather_rows_5_1;
    if (g->sx == 2 && g->nx == 3) return gather_rows_3_2;
    return NULL;
}

/* Rows k0 .. k0+kc-1 of n pixels: the rest of a source row, whole source rows, the begin of one. */
VEC_INLINE void gather_piece(float *dst, int64_t pitch, const struct sw_grid *g, int64_t k0,
                             int64_t kc, struct place p, int64_t n, const int64_t s)
{
    const int64_t c = k0 / g->nx / g->ny, i = k0 / g->nx % g->ny;
    gather_rows *const fast = gather_rows_for(g);
    struct taps taps;
    taps_find(&taps, g, p.q, n, s);
    struct walk v = {.i = i, .y = p.r * g->sy + g->y0 + i * g->dy};
    v.at = p.image + (c * g->h + v.y) * g->w + taps.ix;
    for (int64_t k = 0, j = k0 % g->nx, count; k < kc; k += count, j = 0) {
        const int64_t rows = j == 0 && fast ? (kc - k) / g->nx : 0;
        if (rows > 0) {
            fast(dst + k * pitch, pitch, &v, &taps, g, rows);
            count = rows * g->nx;
        } else {
            count = g->nx - j < kc - k ? g->nx - j : kc - k;
            gather_row(dst + k * pitch, pitch, &v, &taps, g, j, j + count, s);
            walk_on(&v, g);
        }
    }
}

VEC_INLINE void gather(float *dst, int64_t pitch, const float *x, const struct sw_grid *g,
                       int64_t k0, int64_t kc, int64_t p0, int64_t np, int64_t width)
{
    struct place p = {.r = p0 / g->ow, .q = p0 % g->ow};
    p.image = x + p.r / g->oh * g->image;
    p.r %= g->oh;
    for (int64_t at = 0, n; at < np; at += n) {
        n = g->ow - p.q < np - at ? g->ow - p.q : np - at;
        if (n > VF_N) n = VF_N;
        BY_STRIDE(g->sx, gather_piece, dst + at, pitch, g, k0, kc, p, n);
        p.q += n;
        if (p.q < g->ow) continue;
        p.q = 0;
        if (++p.r < g->oh) continue;
        p.r = 0;
        p.image += g->image;
    }
    for (; np < width; np += VF_N)
        for (int64_t k = 0; k < kc; k++)
            vf_store_piece(dst + k * pitch + np, vf_zero(), width - np < VF_N ? width - np : VF_N);
}

/* ---- one plane --------------------------------------------------------------------------------- */

/* The rows of taps of grid row r that are inside: i in [*lo, *hi). */
VEC_INLINE void tap_rows(const struct sw_grid *g, int64_t r, int64_t *lo, int64_t *hi)
{
    const int64_t y = r * g->sy + g->y0;
    int64_t a = 0, b = g->ny;
    while (a < b && (y + a * g->dy < 0 || y + a * g->dy >= g->h)) a++;
    while (a < b && (y + (b - 1) * g->dy < 0 || y + (b - 1) * g->dy >= g->h)) b--;
    *lo = a;
    *hi = b;
}

/* Strips of VF_N columns, so that the windows of the taps are found once a strip. */
VEC_INLINE void plane_by(float *y, const float *x, const struct sw_grid *g, const float *w,
                         float bias, int accumulate, const int64_t s)
{
    struct taps taps;
    for (int64_t q = 0; q < g->ow; q += VF_N) {
        const int64_t n = g->ow - q < VF_N ? g->ow - q : VF_N;
        taps_find(&taps, g, q, n, s);
        for (int64_t r = 0; r < g->oh; r++) {
            int64_t lo, hi;
            tap_rows(g, r, &lo, &hi);
            vf sum = vf_zero();
            for (int64_t i = lo; i < hi; i++) {
                const float *row = x + (r * g->sy + g->y0 + i * g->dy) * g->w, *wi = w + i * g->nx;
                if (taps.whole)
                    for (int64_t j = 0; j < g->nx; j++) {
                        vf v = window_whole(row + taps.ix + j * g->dx, s);
                        sum = vf_fma(vf_set(wi[j]), v, sum);
                    }
                else
                    for (int64_t j = 0; j < g->nx; j++)
                        sum = vf_fma(vf_set(wi[j]), tap_load(row, &taps, g, j, s), sum);
            }
            float *at = y + r * g->ow + q;
            vf_store_piece(at, vf_add(accumulate ? vf_load_n(at, n) : vf_set(bias), sum), n);
        }
    }
}

/* The gradient of the taps (i, j0 .. j0+count-1); count is a constant. */
VEC_INLINE void plane_grad_taps(float *dw, const float *dy, const float *x, const struct sw_grid *g,
                                int64_t i, int64_t j0, const int count, const int64_t s)
{
    vf sum[4];
    for (int t = 0; t < count; t++) sum[t] = vf_zero();
    int64_t lo, hi, below = g->y0 + i * g->dy;
    sw__grid_span(below, g->sy, g->h, g->oh, &lo, &hi);
    for (int64_t q = 0; q < g->ow; q += VF_N) {
        const int64_t n = g->ow - q < VF_N ? g->ow - q : VF_N;
        struct window at[4];
        for (int t = 0; t < count; t++)
            at[t] = window_at(q * s + g->x0 + (j0 + t) * g->dx, g->w, n, s);
        for (int64_t r = lo; r < hi; r++) {
            const float *p = x + (r * g->sy + below) * g->w + q * s + g->x0 + j0 * g->dx;
            vf d = vf_load_n(dy + r * g->ow + q, n);
            for (int t = 0; t < count; t++)
                sum[t] = vf_fma(d, window_load(p + t * g->dx, at[t], s), sum[t]);
        }
    }
    for (int t = 0; t < count; t++) dw[i * g->nx + j0 + t] += vf_hsum(sum[t]);
}

VEC_INLINE void plane_grad_by(float *dw, const float *dy, const float *x, const struct sw_grid *g,
                              const int64_t s)
{
    for (int64_t i = 0; i < g->ny; i++)
        for (int64_t j = 0; j < g->nx; j += 4) switch (g->nx - j) {
            case 1: plane_grad_taps(dw, dy, x, g, i, j, 1, s); break;
            case 2: plane_grad_taps(dw, dy, x, g, i, j, 2, s); break;
            case 3: plane_grad_taps(dw, dy, x, g, i, j, 3, s); break;
            default: plane_grad_taps(dw, dy, x, g, i, j, 4, s); break;
            }
}

VEC_INLINE void plane(float *y, const float *x, const struct sw_grid *g, const float *w, float bias,
                      int accumulate)
{
    BY_STRIDE(g->sx, plane_by, y, x, g, w, bias, accumulate);
}

VEC_INLINE void plane_grad(float *dw, const float *dy, const float *x, const struct sw_grid *g)
{
    BY_STRIDE(g->sx, plane_grad_by, dw, dy, x, g);
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
        UNROLL for (int v = 0; v < vectors; v++) bp[v] = vf_load(b + v * VF_N);
        UNROLL for (int i = 0; i < rows; i++)
        {
            vf ai = vf_set(a[i * SW_CONV_PITCH + p]);
            UNROLL for (int v = 0; v < vectors; v++) sum[i][v] = vf_fma(ai, bp[v], sum[i][v]);
        }
    }
    UNROLL for (int i = 0; i < rows; i++) UNROLL for (int v = 0; v < vectors; v++)
    {
        float *at = c + i * ldc + v * VF_N;
        int n = nr - v * VF_N;
        if (accumulate) sum[i][v] = vf_add(vf_load_n(at, n), sum[i][v]);
        vf_store_piece(at, sum[i][v], n);
    }
}

#endif
