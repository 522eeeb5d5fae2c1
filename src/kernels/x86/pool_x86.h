/* The pooling kernels of AVX2 and AVX-512, written on grid_avx2.h or grid_avx512.h.
 *
 * The gradients go from windows to elements.  Windows overlap, and vectors of windows that overlap
 * cannot be added to memory at once, so a vector of contributions is first stored for each column j
 * of taps on its own, where window q has place q:
 *
 *     ring[source row][j][q]    and then    dx[row][q*sx + x0 + j] = sum over j of ring[row][j][q]
 *
 * A source row is finished when all windows that reach it have been seen; so the ring has ny rows
 * only.  The average needs no j: every element of a window gets the same. */
#ifndef SWELL_POOL_X86_H
#define SWELL_POOL_X86_H

#include <math.h>
#include <string.h>
#include "kernels/pool_kernels.h"

/* Windows of taps that are kept; further ones are found anew at every use. */
enum { KEEP = 16 };

/* n windows of a row: the first begins at source column ix. */
struct strip {
    int64_t q, ix, n;
    int whole; /* n == VF_N and all are inside of the row */
    struct lanes at[KEEP];
};

VEC_INLINE void strip_find(struct strip *p, const struct sw_grid *g, int64_t q, const int64_t s)
{
    p->q = q;
    p->ix = q * s + g->x0;
    p->n = g->ow - q < VF_N ? g->ow - q : VF_N;
    p->whole = p->n == VF_N && p->ix >= 0 && p->ix + g->nx + (VF_N - 1) * s <= g->w;
    for (int64_t j = 0; j < g->nx && j < KEEP && !p->whole; j++)
        p->at[j] = window_at(p->ix + j, g->w, p->n, s);
}

/* Column j of the windows of a strip that is not whole. */
VEC_INLINE struct lanes strip_window(const struct strip *p, const struct sw_grid *g, int64_t j,
                                     const int64_t s)
{
    return j < KEEP ? p->at[j] : window_at(p->ix + j, g->w, p->n, s);
}

/* The rows of a window of grid row r: from source row y, those of i in [lo, hi) are inside. */
struct rows {
    int64_t y, lo, hi;
};

VEC_INLINE struct rows rows_at(const struct sw_grid *g, int64_t r)
{
    struct rows t = {.y = r * g->sy + g->y0};
    t.lo = t.y < 0 ? -t.y : 0;
    t.hi = t.y + g->ny > g->h ? g->h - t.y : g->ny;
    return t;
}

/* The greatest of each window of a strip; NaN is the greatest of all. */
VEC_INLINE vf greatest(const float *x, const struct sw_grid *g, struct rows t,
                       const struct strip *p, const int64_t s)
{
    const vf lowest = vf_set(-INFINITY);
    vf best = lowest;
    for (int64_t i = t.lo; i < t.hi; i++) {
        const float *at = x + (t.y + i) * g->w + p->ix;
        for (int64_t j = 0; j < g->nx; j++) {
            vf v;
            if (p->whole) {
                v = window_whole(at + j, s);
            } else {
                struct lanes m = strip_window(p, g, j, s);
                v = vf_select(m.all, lanes_load(at + j, m, s), lowest);
            }
            best = vf_select(vm_or(vf_gt(v, best), vf_isnan(v)), v, best);
        }
    }
    return best;
}

/* The greatest of source columns ix .. ix+n-1 over the rows of a window, columns outside the lowest. */
VEC_INLINE void greatest_down(float *top, const float *x, const struct sw_grid *g, struct rows t,
                              int64_t ix, int64_t n)
{
    const vf lowest = vf_set(-INFINITY);
    for (int64_t c = 0; c < n; c += VF_N, ix += VF_N) {
        const int whole = ix >= 0 && ix + VF_N <= g->w;
        const struct lanes m = window_at(ix, g->w, VF_N, 1);
        const float *at = x + (t.y + t.lo) * g->w + ix;
        vf best = lowest, nan = lowest;
        for (int64_t i = t.lo; i < t.hi; i++, at += g->w) {
            const vf v = whole ? vf_load(at) : vf_select(m.all, lanes_load(at, m, 1), lowest);
            nan = vf_select(vf_isnan(v), v, nan);
            best = vf_max(best, v);
        }
        vf_store(top + c, vf_select(vf_isnan(nan), nan, best));
    }
}

/* Windows of a row whose columns are looked at together. */
enum { TOP = 512, TOP_WINDOWS = 64 };

/* Row by row, first down and then across: overlapping windows share what they have in common. */
VEC_INLINE void max_pool_shared(float *y, const float *x, const struct sw_grid *g, const int64_t s)
{
    float top[TOP];
    for (int64_t r = 0; r < g->oh; r++) {
        const struct rows t = rows_at(g, r);
        for (int64_t q = 0; q < g->ow; q += TOP_WINDOWS) {
            const int64_t n = g->ow - q < TOP_WINDOWS ? g->ow - q : TOP_WINDOWS;
            greatest_down(top, x, g, t, q * s + g->x0, (n - 1) * s + g->nx);
            for (int64_t i = 0; i < n; i += VF_N) {
                vf best = window_whole(top + i * s, s), nan = best;
                for (int64_t j = 1; j < g->nx; j++) {
                    const vf v = window_whole(top + i * s + j, s);
                    nan = vf_select(vf_isnan(v), v, nan);
                    best = vf_max(best, v);
                }
                vf_store_piece(y + r * g->ow + q + i, vf_select(vf_isnan(nan), nan, best), n - i);
            }
        }
    }
}

VEC_INLINE void max_pool_by(float *y, const float *x, const struct sw_grid *g, const int64_t s)
{
    struct strip p;
    if (TOP_WINDOWS * s + g->nx + 2 * VF_N <= TOP) {
        max_pool_shared(y, x, g, s);
        return;
    }
    for (int64_t q = 0; q < g->ow; q += VF_N) {
        strip_find(&p, g, q, s);
        for (int64_t r = 0; r < g->oh; r++)
            vf_store_piece(y + r * g->ow + q, greatest(x, g, rows_at(g, r), &p, s), p.n);
    }
}

VEC_INLINE void avg_pool_by(float *y, const float *x, const struct sw_grid *g, const float *rows,
                            const float *cols, const int64_t s)
{
    struct strip p;
    for (int64_t q = 0; q < g->ow; q += VF_N) {
        strip_find(&p, g, q, s);
        const vf across = vf_load_n(cols + q, p.n);
        for (int64_t r = 0; r < g->oh; r++) {
            struct rows t = rows_at(g, r);
            vf sum = vf_zero();
            for (int64_t i = t.lo; i < t.hi; i++) {
                const float *at = x + (t.y + i) * g->w + p.ix;
                for (int64_t j = 0; j < g->nx; j++)
                    sum = vf_add(sum, p.whole ? window_whole(at + j, s)
                                              : lanes_load(at + j, strip_window(&p, g, j, s), s));
            }
            vf_store_piece(y + r * g->ow + q, vf_div(sum, vf_mul(vf_set(rows[r]), across)), p.n);
        }
    }
}

/* ---- gradients --------------------------------------------------------------------------------- */

/* Contributions to source columns res, res + s, ... of a row, beginning with number t of them. */
VEC_INLINE vf spread(const float *ring, int64_t pitch, const struct sw_grid *g, int64_t res,
                     int64_t t, const int64_t s)
{
    const int64_t u = res - g->x0; /* >= 0: columns count from the first window */
    vf sum = vf_zero();
    for (int64_t j = u % s; j < g->nx; j += s)
        sum = vf_add(sum, vf_load(ring + j * pitch + t + (u - j) / s));
    return sum;
}

/* One row of dx from its ring row.  ring points at pixel 0 of j = 0; pitch 0: all j are the same. */
VEC_INLINE void spread_row(float *dx, const float *ring, int64_t pitch, const struct sw_grid *g,
                           const int64_t s)
{
    const int64_t reach = (g->w + s - 1) / s; /* columns of a residue */
    if (s == 1) {
        for (int64_t t = 0; t < g->w; t += VF_N)
            vf_store_piece(dx + t, spread(ring, pitch, g, 0, t, 1),
                           g->w - t < VF_N ? g->w - t : VF_N);
    } else if (s == 2) {
        for (int64_t t = 0; t < reach; t += VF_N, dx += 2 * VF_N) {
            vf even = spread(ring, pitch, g, 0, t, 2), odd = spread(ring, pitch, g, 1, t, 2);
            int64_t n = g->w - 2 * t;
            vf_store_piece(dx, vf_zip_low(even, odd), n < VF_N ? n : VF_N);
            if (n <= VF_N) continue;
            vf_store_piece(dx + VF_N, vf_zip_high(even, odd), n < 2 * VF_N ? n - VF_N : VF_N);
        }
    } else {
        for (int64_t res = 0; res < s; res++)
            for (int64_t t = 0; t < reach; t += VF_N) {
                float lanes[VF_N];
                vf_store(lanes, spread(ring, pitch, g, res, t, s));
                for (int64_t l = 0; l < VF_N && (t + l) * s + res < g->w; l++)
                    dx[(t + l) * s + res] = lanes[l];
            }
    }
}

/* Add dy of each window of a strip to the ring at its first greatest element. */
VEC_INLINE void max_grad_strip(float *ring, const float *dy, const float *x,
                               const struct sw_grid *g, struct rows t, const struct strip *p,
                               const int64_t s)
{
    const int64_t pitch = sw__pool_pitch(g);
    const vf best = greatest(x, g, t, p, s), d = vf_load_n(dy + p->q, p->n);
    vm open = vm_first(p->n);
    for (int64_t i = t.lo; i < t.hi; i++) {
        const float *at = x + (t.y + i) * g->w + p->ix;
        float *to = ring + (t.y + i) % g->ny * g->nx * pitch + p->q;
        for (int64_t j = 0; j < g->nx; j++, to += pitch) {
            vm hit = open;
            vf v;
            if (p->whole) {
                v = window_whole(at + j, s);
            } else {
                struct lanes m = strip_window(p, g, j, s);
                v = lanes_load(at + j, m, s);
                hit = vm_and(hit, m.all);
            }
            hit = vm_and(hit, vm_or(vf_eq(v, best), vf_isnan(v)));
            open = vm_and(open, vm_not(hit));
            vf_store(to, vf_add(vf_load(to), vf_select(hit, d, vf_zero())));
        }
    }
}

/* Large windows: one after the other. */
static void max_pool_grad_plain(float *dx, const float *dy, const float *x, const struct sw_grid *g)
{
    memset(dx, 0, (size_t)(g->h * g->w) * sizeof *dx);
    for (int64_t r = 0; r < g->oh; r++) {
        struct rows t = rows_at(g, r);
        for (int64_t q = 0; q < g->ow; q++) {
            const int64_t ix = q * g->sx + g->x0, last = ix + g->nx < g->w ? ix + g->nx : g->w;
            int64_t best = (t.y + t.lo) * g->w + (ix < 0 ? 0 : ix);
            for (int64_t i = t.y + t.lo; i < t.y + t.hi; i++)
                for (int64_t j = ix < 0 ? 0 : ix; j < last; j++) {
                    float v = x[i * g->w + j];
                    if (v > x[best] || (isnan(v) && !isnan(x[best]))) best = i * g->w + j;
                }
            dx[best] += dy[r * g->ow + q];
        }
    }
}

/* Rows of windows, and between them the source rows that no later window reaches. */
VEC_INLINE void max_pool_grad_by(float *dx, const float *dy, const float *x,
                                 const struct sw_grid *g, float *scratch, const int64_t s)
{
    const int64_t pitch = sw__pool_pitch(g), row = g->nx * pitch, left = sw__pool_left(g);
    struct strip p;
    strip_find(&p, g, 0, s);
    memset(scratch, 0, (size_t)(g->ny * row) * sizeof *scratch);
    for (int64_t r = 0, done = 0; done < g->h; r++) {
        struct rows t = {.y = g->h};
        if (r < g->oh) t = rows_at(g, r);
        for (; done < t.y && done < g->h; done++) {
            float *finished = scratch + done % g->ny * row;
            spread_row(dx + done * g->w, finished + left, pitch, g, s);
            memset(finished, 0, (size_t)row * sizeof *finished);
        }
        for (int64_t q = 0; r < g->oh && q < g->ow; q += VF_N) {
            if (g->ow > VF_N) strip_find(&p, g, q, s);
            max_grad_strip(scratch + left, dy + r * g->ow, x, g, t, &p, s);
        }
    }
}

VEC_INLINE void avg_pool_grad_by(float *dx, const float *dy, const struct sw_grid *g,
                                 const float *rows, const float *cols, float *scratch,
                                 const int64_t s)
{
    float *ring = scratch + sw__pool_left(g);
    memset(scratch, 0, (size_t)sw__pool_pitch(g) * sizeof *scratch);
    for (int64_t y = 0; y < g->h; y++) {
        /* Windows r that hold row y: y - ny < r*sy + y0 <= y */
        int64_t first = y - g->y0 - g->ny + 1, last = (y - g->y0) / g->sy;
        first = first <= 0 ? 0 : (first + g->sy - 1) / g->sy;
        if (last >= g->oh) last = g->oh - 1;
        for (int64_t q = 0; q < g->ow; q += VF_N) {
            const int64_t n = g->ow - q < VF_N ? g->ow - q : VF_N;
            const vf across = vf_load_n(cols + q, n);
            vf sum = vf_zero();
            for (int64_t r = first; r <= last; r++) {
                vf d = vf_load_n(dy + r * g->ow + q, n);
                sum = vf_add(sum, vf_div(d, vf_mul(vf_set(rows[r]), across)));
            }
            vf_store_piece(ring + q, sum, n);
        }
        spread_row(dx + y * g->w, ring, 0, g, s);
    }
}

#endif
