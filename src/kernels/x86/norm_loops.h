/* The two loops that the norm templates are made of: a sum over n terms and a map over n elements.
 * A term is a function of the vector at i; it is a constant where a loop is expanded, so it is
 * expanded into the loop.  `lanes` is VF_N in full vectors, fewer in the tail. */
#ifndef SWELL_KERNELS_NORM_LOOPS_H
#define SWELL_KERNELS_NORM_LOOPS_H

#include "kernels/kernels.h"
#include "kernels/x86/stream_x86.h"

/* What the terms look at; each uses some of it. */
struct operands {
    const float *a, *b, *c; /* arrays */
    float f, g, h, k;       /* coefficients */
};

/* `full` is a constant: whole vectors need no mask. */
VEC_INLINE vf load_part(const float *p, int64_t lanes, int full)
{
    return full ? vf_load(p) : vf_load_n(p, lanes);
}

VEC_INLINE void store_part(float *p, vf x, int64_t lanes, int full)
{
    if (full)
        vf_store(p, x);
    else
        vf_store_n(p, x, lanes);
}

/* sum + term at i */
typedef vf sum_fn(vf sum, const struct operands *o, int64_t i, int64_t lanes, int full);

/* Four vectors of partial sums; the bits depend on the terms and n only. */
VEC_INLINE float sum_over(const struct operands *o, int64_t n, sum_fn *term)
{
    vf s0 = vf_zero(), s1 = vf_zero(), s2 = vf_zero(), s3 = vf_zero();
    int64_t i = 0;
    for (; i + 4 * VF_N <= n; i += 4 * VF_N) {
        s0 = term(s0, o, i, VF_N, 1);
        s1 = term(s1, o, i + VF_N, VF_N, 1);
        s2 = term(s2, o, i + 2 * VF_N, VF_N, 1);
        s3 = term(s3, o, i + 3 * VF_N, VF_N, 1);
    }
    for (; i + VF_N <= n; i += VF_N) s0 = term(s0, o, i, VF_N, 1);
    if (i < n) s1 = vf_select(vm_first(n - i), term(s1, o, i, n - i, 0), s1);
    return vf_hsum(vf_add(vf_add(s0, s1), vf_add(s2, s3)));
}

typedef vf map_fn(const struct operands *o, int64_t i, int64_t lanes, int full);

/* stream: past the caches, y being on the boundary of a vector. */
VEC_INLINE void map_past(float *y, const struct operands *o, int64_t n, int stream, map_fn *f)
{
    int64_t i = 0;
    for (; i + VF_N <= n; i += VF_N) stream_store(y + i, f(o, i, VF_N, 1), stream);
    if (i < n) vf_store_n(y + i, f(o, i, n - i, 0), n - i);
}

VEC_INLINE void map_over(float *y, const struct operands *o, int64_t n, map_fn *f)
{
    map_past(y, o, n, 0, f);
}

/* ---- terms that several templates use ---- */

VEC_INLINE vf sum_a(vf sum, const struct operands *o, int64_t i, int64_t lanes, int full)
{
    return vf_add(sum, load_part(o->a + i, lanes, full));
}

/* (a - f)^2 */
VEC_INLINE vf sum_square_about(vf sum, const struct operands *o, int64_t i, int64_t lanes, int full)
{
    vf d = vf_sub(load_part(o->a + i, lanes, full), vf_set(o->f));
    return vf_fma(d, d, sum);
}

/* a * b */
VEC_INLINE vf sum_product(vf sum, const struct operands *o, int64_t i, int64_t lanes, int full)
{
    return vf_fma(load_part(o->a + i, lanes, full), load_part(o->b + i, lanes, full), sum);
}

/* a * (b - f) */
VEC_INLINE vf sum_product_about(vf sum, const struct operands *o, int64_t i, int64_t lanes,
                                int full)
{
    vf d = vf_sub(load_part(o->b + i, lanes, full), vf_set(o->f));
    return vf_fma(load_part(o->a + i, lanes, full), d, sum);
}

#endif
