/* Casts for the vectors of one ISA: integers pass through vectors of i32, floats through f32.
 *
 * Types are constants where the loops are expanded, so there is one loop for each pair. */
#ifndef SWELL_KERNELS_CAST_TEMPLATE_H
#define SWELL_KERNELS_CAST_TEMPLATE_H

#include <string.h>
#include "kernels/kernels.h"

/* ---- one vector, or its first n < VF_N lanes --------------------------------------------------- */

VEC_INLINE vf load_float(const void *x, sw_dtype from, int64_t at, int64_t n)
{
    const uint16_t *half = (const uint16_t *)x + at;
    if (from == SW_F16) return n == VF_N ? vf_load_f16(half) : vf_load_f16_n(half, n);
    if (from == SW_BF16) return n == VF_N ? vf_load_bf16(half) : vf_load_bf16_n(half, n);
    return n == VF_N ? vf_load((const float *)x + at) : vf_load_n((const float *)x + at, n);
}

VEC_INLINE void store_float(void *y, sw_dtype to, int64_t at, vf v, int64_t n)
{
    uint16_t *half = (uint16_t *)y + at;
    if (to == SW_F16)
        n == VF_N ? vf_store_f16(half, v) : vf_store_f16_n(half, v, n);
    else if (to == SW_BF16)
        n == VF_N ? vf_store_bf16(half, v) : vf_store_bf16_n(half, v, n);
    else
        n == VF_N ? vf_store((float *)y + at, v) : vf_store_n((float *)y + at, v, n);
}

VEC_INLINE vi load_int(const void *x, sw_dtype from, int64_t at, int64_t n)
{
    const int8_t *i8 = (const int8_t *)x + at;
    const uint8_t *u8 = (const uint8_t *)x + at;
    const int32_t *i32 = (const int32_t *)x + at;
    if (from == SW_I8) return n == VF_N ? vi_load_i8(i8) : vi_load_i8_n(i8, n);
    if (from == SW_U8) return n == VF_N ? vi_load_u8(u8) : vi_load_u8_n(u8, n);
    return n == VF_N ? vi_load(i32) : vi_load_n(i32, n);
}

VEC_INLINE void store_int(void *y, sw_dtype to, int64_t at, vi v, int64_t n)
{
    if (to == SW_I32) {
        int32_t *i32 = (int32_t *)y + at;
        n == VF_N ? vi_store(i32, v) : vi_store_n(i32, v, n);
        return;
    }
    uint8_t *byte = (uint8_t *)y + at;
    v = vi_min(vi_set(to == SW_I8 ? 127 : 255), vi_max(vi_set(to == SW_I8 ? -128 : 0), v));
    n == VF_N ? vi_store_x8(byte, v) : vi_store_x8_n(byte, v, n);
}

/* Saturated in i32; NaN is 0. */
VEC_INLINE vi int_of(vf v)
{
    vi r = vi_select(vf_ge(v, vf_set(0x1p31f)), vi_set(INT32_MAX), vf_to_vi(v));
    return vi_select(vf_isnan(v), vi_set(0), r);
}

/* Rounded to odd, so that a second rounding, to f16 or bf16, gives what one would (Boldo and
 * Melquiond, "When double rounding is odd", 2005). */
VEC_INLINE vf odd_float_of(vi v)
{
    vf f = vf_from_vi(v);
    vi bits = vf_bits(f), rest = vi_sub(v, vf_trunc_vi(f)), one = vi_set(1);
    vi toward = vi_or(vi_sar(vi_xor(rest, v), 31), one); /* away from zero 1, else -1 */
    vm even = vi_eq(vi_and(bits, one), vi_set(0)), exact = vi_eq(rest, vi_set(0));
    return vf_from_bits(vi_select(vm_and(even, vm_not(exact)), vi_add(bits, toward), bits));
}

/* ---- loops ------------------------------------------------------------------------------------- */

VEC_INLINE int is_float(sw_dtype type)
{
    return type == SW_F32 || type == SW_F16 || type == SW_BF16;
}

VEC_INLINE void cast_lanes(void *y, sw_dtype to, const void *x, sw_dtype from, int64_t at,
                           int64_t n)
{
    if (is_float(from)) {
        vf v = load_float(x, from, at, n);
        is_float(to) ? store_float(y, to, at, v, n) : store_int(y, to, at, int_of(v), n);
    } else {
        vi v = load_int(x, from, at, n);
        int halve = from == SW_I32 && (to == SW_F16 || to == SW_BF16);
        if (is_float(to))
            store_float(y, to, at, halve ? odd_float_of(v) : vf_from_vi(v), n);
        else
            store_int(y, to, at, v, n);
    }
}

VEC_INLINE void cast_pair(void *y, sw_dtype to, const void *x, sw_dtype from, int64_t n)
{
    int64_t at = 0;
    for (; at + VF_N <= n; at += VF_N) cast_lanes(y, to, x, from, at, VF_N);
    if (at < n) cast_lanes(y, to, x, from, at, n - at);
}

VEC_INLINE void cast_from(void *y, sw_dtype to, const void *x, sw_dtype from, int64_t n)
{
    switch (to) {
    case SW_F32: cast_pair(y, SW_F32, x, from, n); break;
    case SW_F16: cast_pair(y, SW_F16, x, from, n); break;
    case SW_BF16: cast_pair(y, SW_BF16, x, from, n); break;
    case SW_I32: cast_pair(y, SW_I32, x, from, n); break;
    case SW_I8: cast_pair(y, SW_I8, x, from, n); break;
    case SW_U8: cast_pair(y, SW_U8, x, from, n); break;
    default: break;
    }
}

static void SW_ISA_NAME(sw__cast)(void *y, sw_dtype to, const void *x, sw_dtype from, int64_t n)
{
    if (to == from) {
        size_t unit = (size_t)sw_dtype_get(to)->block_bytes;
        if (y != x && n > 0) memcpy(y, x, (size_t)n * unit);
        return;
    }
    switch (from) {
    case SW_F32: cast_from(y, to, x, SW_F32, n); break;
    case SW_F16: cast_from(y, to, x, SW_F16, n); break;
    case SW_BF16: cast_from(y, to, x, SW_BF16, n); break;
    case SW_I32: cast_from(y, to, x, SW_I32, n); break;
    case SW_I8: cast_from(y, to, x, SW_I8, n); break;
    case SW_U8: cast_from(y, to, x, SW_U8, n); break;
    default: break;
    }
}

#endif
