/* Packing of keys, values and rows for AVX2 and AVX-512; what attention_kernels.h says of it.
 *
 * Keys are transposed in squares of VF_N keys by four features: `load_quads` gathers four
 * features of every fourth key into one register by 128-bit loads, and eight in-lane shuffles then
 * put one feature of all keys into each of four registers.  That is half the shuffles of the
 * transposition of a full square, and shuffles are what it waits for. */
#ifndef SWELL_ATTENTION_PACK_X86_H
#define SWELL_ATTENTION_PACK_X86_H

#include <string.h>
#include "kernels/x86/attention_block_x86.h"
#include "tensor/half.h"

enum { PAD = SW_ATTENTION_PAD };

/* Elements from .. from+n-1 of a row as floats, n <= VF_N, zeros behind them. */
VEC_INLINE vf load_part(const void *row, sw_dtype dtype, int64_t from, int64_t n)
{
    const float *f = (const float *)row + from;
    if (dtype == SW_F32) return n == VF_N ? vf_load(f) : vf_load_n(f, n);
    const uint16_t *h = (const uint16_t *)row + from;
    if (n == VF_N) return dtype == SW_F16 ? vf_load_f16(h) : vf_load_bf16(h);
    return dtype == SW_F16 ? vf_load_f16_n(h, n) : vf_load_bf16_n(h, n);
}

/* Fetch a row of hs elements. */
VEC_INLINE void fetch_row(const void *row, sw_dtype dtype, int64_t hs)
{
    const int64_t bytes = hs * (dtype == SW_F32 ? 4 : 2);
    for (int64_t at = 0; at < bytes; at += 64) _mm_prefetch((const char *)row + at, _MM_HINT_T1);
}

VEC_INLINE void pack_rows(float *dst, const void *const *rows, sw_dtype dtype, int64_t n,
                          int64_t hs, float scale, const void *const *next)
{
    const int64_t hsp = (hs + PAD - 1) / PAD * PAD;
    const vf factor = vf_set(scale);
    for (int64_t i = 0; i < n; i++, dst += hsp) {
        int64_t d = 0;
        if (next) fetch_row(next[i], dtype, hs);
        for (; d + VF_N <= hs; d += VF_N)
            vf_store(dst + d, vf_mul(load_part(rows[i], dtype, d, VF_N), factor));
        if (d < hs) vf_store(dst + d, vf_mul(load_part(rows[i], dtype, d, hs - d), factor));
        for (d = (hs + VF_N - 1) / VF_N * VF_N; d < hsp; d += VF_N) vf_store(dst + d, vf_zero());
    }
}

static void attention_pack_rows(float *dst, const void *const *rows, sw_dtype dtype, int64_t n,
                                int64_t hs, float scale, const void *const *next)
{
    switch (dtype) {
    case SW_F16: pack_rows(dst, rows, SW_F16, n, hs, scale, next); break;
    case SW_BF16: pack_rows(dst, rows, SW_BF16, n, hs, scale, next); break;
    default: pack_rows(dst, rows, SW_F32, n, hs, scale, next); break;
    }
}

/* dst[d][i] = rows[i][from + d] for d < n <= 4, i < VF_N; dst has rows of KEYS. */
VEC_INLINE void transpose_quads(float *dst, const float *const *rows, int64_t from, int64_t n)
{
    vf x[4], t[4];
    for (int i = 0; i < 4; i++) x[i] = vf_load_quads(rows + i, from);
    t[0] = vf_unpack_lo(x[0], x[1]);
    t[1] = vf_unpack_hi(x[0], x[1]);
    t[2] = vf_unpack_lo(x[2], x[3]);
    t[3] = vf_unpack_hi(x[2], x[3]);
    x[0] = vf_unpack_lo2(t[0], t[2]);
    x[1] = vf_unpack_hi2(t[0], t[2]);
    x[2] = vf_unpack_lo2(t[1], t[3]);
    x[3] = vf_unpack_hi2(t[1], t[3]);
    for (int64_t d = 0; d < n; d++) vf_store(dst + d * KEYS, x[d]);
}

/* The share of VF_N rows that are fetched while features d .. d+n-1 are packed. */
VEC_INLINE void fetch_share(const void *const *next, sw_dtype dtype, int64_t d, int64_t n,
                            int64_t hs, int64_t have)
{
    const int64_t end = VF_N * (d + n) / hs;
    for (int64_t i = VF_N * d / hs; i < end && i < have; i++) fetch_row(next[i], dtype, hs);
}

/* VF_N keys, `have` of them real, by way of a square of floats: all that is not simple. */
VEC_INLINE void pack_slowly(float *dst, const void *const *rows, sw_dtype dtype, int64_t have,
                            int64_t hs, const void *const *next)
{
    _Alignas(64) float square[VF_N][VF_N];
    const float *at[VF_N];
    if (have < VF_N) memset(square, 0, sizeof square);
    for (int i = 0; i < VF_N; i++) at[i] = square[i];
    for (int64_t d = 0; d < hs; d += VF_N, dst += VF_N * KEYS) {
        const int64_t n = hs - d < VF_N ? hs - d : VF_N;
        if (next) fetch_share(next, dtype, d, n, hs, have);
        for (int64_t i = 0; i < have; i++) vf_store(square[i], load_part(rows[i], dtype, d, n));
        for (int64_t e = 0; e < n; e += 4)
            transpose_quads(dst + e * KEYS, at, e, n - e < 4 ? n - e : 4);
    }
}

static void attention_pack_keys(float *dst, const void *const *rows, sw_dtype dtype, int64_t n,
                                int64_t hs, const void *const *next)
{
    for (int64_t j = 0; j < KEYS; j += VF_N) {
        const int64_t have = n - j < 0 ? 0 : n - j < VF_N ? n - j : VF_N;
        const void *const *soon = next ? next + j : NULL;
        if (dtype == SW_F32 && have == VF_N && hs % 4 == 0) {
            const float *at[VF_N];
            for (int i = 0; i < VF_N; i++) at[i] = rows[j + i];
            for (int64_t d = 0; d < hs; d += 4) {
                if (soon) fetch_share(soon, SW_F32, d, 4, hs, VF_N);
                transpose_quads(dst + j + d * KEYS, at, d, 4);
            }
        } else if (dtype == SW_F16) {
            pack_slowly(dst + j, rows + j, SW_F16, have, hs, soon);
        } else if (dtype == SW_BF16) {
            pack_slowly(dst + j, rows + j, SW_BF16, have, hs, soon);
        } else {
            pack_slowly(dst + j, rows + j, SW_F32, have, hs, soon);
        }
    }
}

static void attention_store(void *dst, sw_dtype dtype, const float *src, int64_t n)
{
    int64_t d = 0;
    for (; d + VF_N <= n; d += VF_N) {
        const vf x = vf_load(src + d);
        switch (dtype) {
        case SW_F16: vf_store_f16((uint16_t *)dst + d, x); break;
        case SW_BF16: vf_store_bf16((uint16_t *)dst + d, x); break;
        default: vf_store((float *)dst + d, x); break;
        }
    }
    for (; d < n; d++) switch (dtype) {
        case SW_F16: ((uint16_t *)dst)[d] = sw__f16_from_f32(src[d]); break;
        case SW_BF16: ((uint16_t *)dst)[d] = sw__bf16_from_f32(src[d]); break;
        default: ((float *)dst)[d] = src[d]; break;
        }
}

#endif
