/* The gather of AVX2 and AVX-512, written on grid_avx2.h or grid_avx512.h: rows of taps, a vector of
 * pixels at a time.
 *
 * Neighbouring pixels p, p + 1 of the grid usually lie side by side in the source too (stride s: s
 * apart), over the end of a row as well if rows of grid and source step alike, which they do in every
 * `same' convolution.  So the lanes of a vector fall into few groups, lanes of one group into one
 * load, and what the padding should give is left out by a mask: a tap of one group costs a load with
 * a mask and a store.  Masks and offsets of all taps are found once for a vector of pixels and used
 * for all planes. */
#ifndef SWELL_GATHER_X86_H
#define SWELL_GATHER_X86_H

#include "kernels/conv_kernels.h"

/* Taps whose masks are kept; further ones are found anew at every use. */
enum { TAPS = 128 };

/* Planes that are fetched in advance: their rows are too far apart for the hardware to guess. */
enum { AHEAD = 4 };

/* Lanes whose pixels are s apart in the source: lane l reads x[at + l*s + offset of the tap]. */
struct group {
    int64_t at;
    struct lanes lanes;
};

/* A vector of pixels. */
struct pixels {
    int groups;
    struct group group[VF_N];
    vm live;                /* lanes of pixels */
    vi y, x;                /* of their taps (0,0) */
    int64_t step;           /* from tap to tap: 0 when none is outside of the source, else 1 */
    struct lanes tap[TAPS]; /* the lanes that have this tap inside of the source */
};

/* A pixel of the grid, and its image's place in the source. */
struct place {
    int64_t image, r, q;
};

/* n pixels from `at` on, which moves behind them. */
VEC_INLINE void pixels_find(struct pixels *p, const struct sw_grid *g, struct place *at, int64_t n,
                            const int64_t s)
{
    p->groups = 0;
    p->live = vm_first(n);
    p->y = p->x = vi_set(0);
    for (int64_t l = 0, count; l < n; l += count) {
        const int64_t y = at->r * g->sy + g->y0, x = (at->q - l) * s + g->x0;
        const int64_t offset = at->image + y * g->w + x;
        count = g->ow - at->q < n - l ? g->ow - at->q : n - l;
        const vm lanes = vm_and(vm_first(l + count), vm_not(vm_first(l)));
        p->y = vi_select(lanes, vi_set((int)y), p->y);
        p->x = vi_select(lanes, columns(x, s), p->x);
        if (p->groups > 0 && p->group[p->groups - 1].at == offset) {
            struct group *last = &p->group[p->groups - 1];
            last->lanes = lanes_of(vm_or(last->lanes.all, lanes), s);
        } else {
            p->group[p->groups++] = (struct group){offset, lanes_of(lanes, s)};
        }
        at->q += count;
        if (at->q < g->ow) continue;
        at->q = 0;
        if (++at->r < g->oh) continue;
        at->r = 0;
        at->image += g->image;
    }
}

VEC_INLINE vm row_inside(const struct pixels *p, const struct sw_grid *g, int64_t i)
{
    return vm_and(p->live, vi_inside(vi_add(p->y, vi_set((int)(i * g->dy))), g->h));
}
VEC_INLINE vm column_inside(const struct pixels *p, const struct sw_grid *g, int64_t j)
{
    return vi_inside(vi_add(p->x, vi_set((int)(j * g->dx))), g->w);
}
VEC_INLINE struct lanes tap_lanes(const struct pixels *p, const struct sw_grid *g, int64_t i,
                                  int64_t j, const int64_t s)
{
    return lanes_of(vm_and(row_inside(p, g, i), column_inside(p, g, j)), s);
}

/* The matrix that is gathered: rows k0 .. k0+kc-1. */
struct rows {
    int64_t pitch, k0, kc;
    const float *x;
    const struct sw_grid *g;
    int64_t taps;
    int64_t offset[TAPS]; /* of a tap in the source */
};

/* `vectors` (1 or 2) vectors of pixels, each of one group; the first `room` lanes of the last are
 * stored.  Both counts and s are constants. */
VEC_INLINE void gather_one(const struct rows *rows, float *dst, const struct pixels *p,
                           int64_t room, const int vectors, const int64_t s)
{
    const int64_t plane = rows->g->h * rows->g->w, taps = rows->taps, pitch = rows->pitch;
    const int64_t *offset = rows->offset, a_step = p[0].step, b_step = p[vectors - 1].step;
    const float *x = rows->x + rows->k0 / taps * plane, *a = x + p[0].group[0].at, *b = a;
    if (vectors > 1) b = x + p[1].group[0].at;
    int64_t t = rows->k0 % taps;
    for (int64_t k = 0; k < rows->kc; k++, dst += pitch) {
        const vf v = lanes_load(a + offset[t], p[0].tap[t * a_step], s);
        if (vectors > 1) {
            vf_store(dst, v);
            vf_store_piece(dst + VF_N, lanes_load(b + offset[t], p[1].tap[t * b_step], s), room);
        } else {
            vf_store_piece(dst, v, room);
        }
        if (++t < taps) continue;
        t = 0;
        a += plane;
        b += plane;
        _mm_prefetch((const char *)(a + AHEAD * plane), _MM_HINT_T0);
        if (vectors > 1) _mm_prefetch((const char *)(b + AHEAD * plane), _MM_HINT_T0);
    }
}

/* One vector of any groups, and any number of taps. */
VEC_INLINE void gather_some(const struct rows *rows, float *dst, const struct pixels *p,
                            int64_t room, const int64_t s)
{
    const struct sw_grid *g = rows->g;
    const int64_t taps = rows->taps, plane = g->h * g->w;
    const float *x = rows->x + rows->k0 / taps * plane;
    int64_t t = rows->k0 % taps;
    for (int64_t k = 0; k < rows->kc; k++, dst += rows->pitch) {
        struct lanes tap = p->tap[0];
        const float *at = x;
        if (t < TAPS) {
            if (p->step) tap = p->tap[t];
            at += rows->offset[t];
        } else {
            tap = tap_lanes(p, g, t / g->nx, t % g->nx, s);
            at += t / g->nx * g->dy * g->w + t % g->nx * g->dx;
        }
        vf v = vf_zero();
        for (int n = 0; n < p->groups; n++)
            v = vf_or(v, lanes_load(at + p->group[n].at, lanes_and(tap, p->group[n].lanes, s), s));
        vf_store_piece(dst, v, room);
        if (++t == taps) t = 0, x += plane;
    }
}

/* Functions of their own, so that their few variables stay in registers. */
#define GATHER(name, function, ...)                                                                \
    static __attribute__((noinline)) void name(const struct rows *rows, float *dst,                \
                                               const struct pixels *p, int64_t room)               \
    {                                                                                              \
        function(rows, dst, p, room, ##__VA_ARGS__);                                               \
    }
GATHER(gather_1_one, gather_one, 1, 1)
GATHER(gather_1_two, gather_one, 2, 1)
GATHER(gather_1_some, gather_some, 1)
GATHER(gather_2_one, gather_one, 1, 2)
GATHER(gather_2_some, gather_some, 2)
GATHER(gather_4_one, gather_one, 1, 4)
GATHER(gather_4_some, gather_some, 4)
GATHER(gather_n_some, gather_some, rows->g->sx)

/* The masks of the taps. */
VEC_INLINE void pixels_taps(struct pixels *p, const struct rows *rows, const int64_t s)
{
    const struct sw_grid *g = rows->g;
    const vm down = vm_and(row_inside(p, g, 0), row_inside(p, g, g->ny - 1));
    const vm across = vm_and(column_inside(p, g, 0), column_inside(p, g, g->nx - 1));
    p->step = vm_bits(vm_and(down, across)) != vm_bits(p->live);
    p->tap[0] = tap_lanes(p, g, 0, 0, s);
    int64_t t = 0;
    for (int64_t i = 0; p->step && i < g->ny; i++) {
        const vm row = row_inside(p, g, i);
        for (int64_t j = 0; j < g->nx && t < TAPS; j++)
            p->tap[t++] = lanes_of(vm_and(row, column_inside(p, g, j)), s);
    }
}

/* One vector of pixels, by what it is. */
VEC_INLINE void gather_each(const struct rows *rows, float *dst, const struct pixels *p,
                            int64_t room)
{
    const int one = p->groups == 1 && rows->taps <= TAPS;
    switch (rows->g->sx) {
    case 1: (one ? gather_1_one : gather_1_some)(rows, dst, p, room); break;
    case 2: (one ? gather_2_one : gather_2_some)(rows, dst, p, room); break;
    case 4: (one ? gather_4_one : gather_4_some)(rows, dst, p, room); break;
    default: gather_n_some(rows, dst, p, room);
    }
}

VEC_INLINE void gather(float *dst, int64_t pitch, const float *x, const struct sw_grid *g,
                       int64_t k0, int64_t kc, int64_t p0, int64_t np, int64_t width)
{
    const int64_t row = p0 / g->ow;
    struct rows rows; /* not initialised as a whole: offsets are many */
    struct place place = {row / g->oh * g->image, row % g->oh, p0 % g->ow};
    struct pixels p[2];
    int64_t at = 0;
    rows.pitch = pitch;
    rows.k0 = k0;
    rows.kc = kc;
    rows.x = x;
    rows.g = g;
    rows.taps = g->ny * g->nx;
    for (int64_t t = 0, i = 0, j = 0; t < rows.taps && t < TAPS; t++) {
        rows.offset[t] = i * g->dy * g->w + j * g->dx;
        if (++j == g->nx) j = 0, i++;
    }
    for (; at < np; at += 2 * VF_N) {
        const int two = np - at > VF_N;
        for (int v = 0; v <= two; v++) {
            const int64_t n = np - at - v * VF_N;
            BY_STRIDE(g->sx, pixels_find, &p[v], g, &place, n < VF_N ? n : VF_N);
            BY_STRIDE(g->sx, pixels_taps, &p[v], &rows);
        }
        const int64_t room = width - at - two * VF_N;
        if (two && g->sx == 1 && rows.taps <= TAPS && p[0].groups == 1 && p[1].groups == 1) {
            gather_1_two(&rows, dst + at, p, room);
            continue;
        }
        gather_each(&rows, dst + at, &p[0], two ? VF_N : room);
        if (two) gather_each(&rows, dst + at + VF_N, &p[1], room);
    }
    for (at = (np + VF_N - 1) / VF_N * VF_N; at < width; at += VF_N)
        for (int64_t k = 0; k < kc; k++)
            vf_store_piece(dst + k * pitch + at, vf_zero(), width - at);
}

#endif
