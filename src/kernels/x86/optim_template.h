/* The optim kernels over the vectors of one ISA.  All are bound by memory: one pass, and the last
 * lanes through the same code with masked loads and stores.
 *
 * Adam's square root and division take about 20 cycles a vector of AVX-512 where its seven streams
 * take more than that from memory, so neither is approximated. */
#ifndef SWELL_OPTIM_TEMPLATE_H
#define SWELL_OPTIM_TEMPLATE_H

#include "kernels/kernels.h"

/* STEP(load, store) for whole vectors, then once for the lanes that are left. */
#define OPTIM_LOOP(n, STEP)                                                                        \
    do {                                                                                           \
        int64_t i = 0;                                                                             \
        for (; i + VF_N <= (n); i += VF_N) STEP(OPTIM_LOAD, OPTIM_STORE);                          \
        if (i < (n)) STEP(OPTIM_LOAD_N, OPTIM_STORE_N);                                            \
    } while (0)
#define OPTIM_LOAD(p)       vf_load((p) + i)
#define OPTIM_STORE(p, x)   vf_store((p) + i, x)
#define OPTIM_LOAD_N(p)     vf_load_n((p) + i, n - i)
#define OPTIM_STORE_N(p, x) vf_store_n((p) + i, x, n - i)

static void SW_ISA_NAME(sw__sgd_f32)(float *w, const float *g, int64_t n, float lr, float decay,
                                     float scale)
{
    const vf vlr = vf_set(lr), vdecay = vf_set(decay), vscale = vf_set(scale);
#define SGD_STEP(LOAD, STORE)                                                                      \
    do {                                                                                           \
        vf x = LOAD(w), d = vf_fma(vdecay, x, vf_mul(vscale, LOAD(g)));                            \
        STORE(w, vf_fnma(vlr, d, x));                                                              \
    } while (0)
    OPTIM_LOOP(n, SGD_STEP);
}

static void SW_ISA_NAME(sw__sgd_momentum_f32)(float *w, float *v, const float *g, int64_t n,
                                              float lr, float momentum, float decay, float scale)
{
    const vf vlr = vf_set(lr), vmomentum = vf_set(momentum), vdecay = vf_set(decay),
             vscale = vf_set(scale);
#define MOMENTUM_STEP(LOAD, STORE)                                                                 \
    do {                                                                                           \
        vf x = LOAD(w), d = vf_fma(vdecay, x, vf_mul(vscale, LOAD(g)));                            \
        vf y = vf_fnma(vlr, d, vf_mul(vmomentum, LOAD(v)));                                        \
        STORE(v, y);                                                                               \
        STORE(w, vf_add(x, y));                                                                    \
    } while (0)
    OPTIM_LOOP(n, MOMENTUM_STEP);
}

static void SW_ISA_NAME(sw__adam_f32)(float *w, float *m, float *v, const float *g, int64_t n,
                                      const struct sw_adam_rates *r)
{
    const vf lr = vf_set(r->lr), eps = vf_set(r->eps), scale = vf_set(r->scale);
    const vf decay = vf_set(r->decay), shrink = vf_set(r->shrink);
    const vf beta1 = vf_set(r->beta1), rest1 = vf_set(1 - r->beta1), m_scale = vf_set(r->m_scale);
    const vf beta2 = vf_set(r->beta2), rest2 = vf_set(1 - r->beta2), v_scale = vf_set(r->v_scale);
#define ADAM_STEP(LOAD, STORE)                                                                     \
    do {                                                                                           \
        vf x = LOAD(w), d = vf_fma(decay, x, vf_mul(scale, LOAD(g)));                              \
        vf a = vf_fma(beta1, LOAD(m), vf_mul(rest1, d));                                           \
        vf b = vf_fma(beta2, LOAD(v), vf_mul(rest2, vf_mul(d, d)));                                \
        STORE(m, a);                                                                               \
        STORE(v, b);                                                                               \
        vf u = vf_div(vf_mul(m_scale, a), vf_add(vf_sqrt(vf_mul(v_scale, b)), eps));               \
        STORE(w, vf_fnma(lr, vf_fma(shrink, x, u), x));                                            \
    } while (0)
    OPTIM_LOOP(n, ADAM_STEP);
}

static void SW_ISA_NAME(sw__axpby_f32)(float *y, const float *x, int64_t n, float a, float b)
{
    const vf va = vf_set(a), vb = vf_set(b);
#define SCALE_STEP(LOAD, STORE) STORE(y, vf_mul(vb, LOAD(x)))
#define AXPBY_STEP(LOAD, STORE) STORE(y, vf_fma(va, LOAD(y), vf_mul(vb, LOAD(x))))
    if (a == 0)
        OPTIM_LOOP(n, SCALE_STEP);
    else
        OPTIM_LOOP(n, AXPBY_STEP);
}

#endif
