/* Layers of bytes but for convolutions, for vectors of one ISA.  A unit includes vec_*.h and defines
 * vectors of bytes: vb, VB_N, vb_set, vb_load, vb_load_n, vb_store, vb_store_n, vb_max, vb_add (saturating),
 * vb_sub, vb_or, vb_lookup (16 entries in each half of 128 bits; 0 where the index is above 127) and
 * vb_entries(16 bytes).  See int8_kernels.h. */
#ifndef SWELL_INT8_TEMPLATE_H
#define SWELL_INT8_TEMPLATE_H

#include <string.h>
#include "kernels/kernels.h"
#include "kernels/x86/norm_power_x86.h"

static void SW_ISA_NAME(sw__max_u8)(uint8_t *y, const uint8_t *x, const struct sw_int8_taps *t,
                                    int64_t n)
{
    for (int64_t i = 0; i < n; i += VB_N) {
        vb most = vb_set(0);
        for (int64_t r = 0; r < t->rows; r++)
            for (int64_t c = 0; c < t->cols; c++) {
                const uint8_t *at = x + r * t->row_step + c * t->col_step + i;
                most = vb_max(most, n - i >= VB_N ? vb_load(at) : vb_load_n(at, n - i));
            }
        if (n - i >= VB_N)
            vb_store(y + i, most);
        else
            vb_store_n(y + i, most, n - i);
    }
}

/* Whole numbers low <= x <= high plus zero, as bytes. */
VEC_INLINE void put_bytes(uint8_t *y, vf x, float low, float high, int zero, int64_t n)
{
    const vi whole = vf_to_vi(vf_min(vf_max(x, vf_set(low)), vf_set(high)));
    if (n >= VF_N)
        vi_store_x8(y, vi_add(whole, vi_set(zero)));
    else
        vi_store_x8_n(y, vi_add(whole, vi_set(zero)), n);
}

VEC_INLINE vi get_bytes(const uint8_t *x, int64_t n)
{
    return n >= VF_N ? vi_load_u8(x) : vi_load_u8_n(x, n);
}

static void SW_ISA_NAME(sw__mean_u8)(uint8_t *y, const uint8_t *x, const struct sw_int8_taps *t,
                                     int64_t n, const struct sw_int8_mean *o)
{
    for (int64_t i = 0; i < n; i += VF_N) {
        vi sum = vi_set(0);
        for (int64_t r = 0; r < t->rows; r++)
            for (int64_t c = 0; c < t->cols; c++)
                sum = vi_add(sum, get_bytes(x + r * t->row_step + c * t->col_step + i, n - i));
        sum = vi_sub(sum, vi_set((int32_t)(t->rows * t->cols * o->x_zero)));
        put_bytes(y + i, vf_mul(vf_from_vi(sum), vf_set(o->scale)), o->low, o->high, o->zero,
                  n - i);
    }
}

static void SW_ISA_NAME(sw__add_u8)(uint8_t *y, const uint8_t *a, const uint8_t *b, int64_t n,
                                    const struct sw_int8_add *o)
{
    for (int64_t i = 0; i < n; i += VF_N) {
        const vi u = vi_sub(get_bytes(a + i, n - i), vi_set(o->a_zero));
        const vi v = vi_sub(get_bytes(b + i, n - i), vi_set(o->b_zero));
        const vf x = vf_add(vf_mul(vf_from_vi(u), vf_set(o->a_scale)),
                            vf_mul(vf_from_vi(v), vf_set(o->b_scale)));
        put_bytes(y + i, x, o->low, o->high, o->zero, n - i);
    }
}

/* Sixteen tables of sixteen: an index below its table, or above, looks up nothing. */
static void SW_ISA_NAME(sw__table_u8)(uint8_t *y, const uint8_t *x, const uint8_t *table, int64_t n)
{
    vb part[16];
    for (int h = 0; h < 16; h++) part[h] = vb_entries(table + 16 * h);
    for (int64_t i = 0; i < n; i += VB_N) {
        const vb at = n - i >= VB_N ? vb_load(x + i) : vb_load_n(x + i, n - i);
        vb found = vb_set(0);
        VEC_UNROLL for (int h = 0; h < 16; h++)
        {
            const vb index = vb_add(vb_sub(at, vb_set((char)(16 * h))), vb_set(0x70));
            found = vb_or(found, vb_lookup(part[h], index));
        }
        if (n - i >= VB_N)
            vb_store(y + i, found);
        else
            vb_store_n(y + i, found, n - i);
    }
}

/* Four channels from c on of a vector of pixels, the first in the low byte. */
VEC_INLINE vi picture_fours(const float *x, int64_t n, int64_t channels, int64_t plane, float scale,
                            int zero)
{
    vi fours = vi_set(0);
    for (int64_t c = 0; c < 4 && c < channels; c++) {
        const float *at = x + c * plane;
        vf t = vf_div(n >= VF_N ? vf_load(at) : vf_load_n(at, n), vf_set(scale));
        t = vf_select(vf_isnan(t), vf_zero(), t);
        t = vf_min(vf_max(t, vf_set((float)-zero)), vf_set((float)(255 - zero)));
        const vi byte = vi_add(vf_to_vi(t), vi_set(zero));
        fours = vi_or(fours, c == 0   ? byte
                             : c == 1 ? vi_shl(byte, 8)
                             : c == 2 ? vi_shl(byte, 16)
                                      : vi_shl(byte, 24));
    }
    return fours;
}

/* Four bytes at a time, where what they write beside their own is written after them. */
static void SW_ISA_NAME(sw__picture_u8)(uint8_t *y, const float *x, int64_t n, int64_t channels,
                                        int64_t plane, float scale, int zero)
{
    for (int64_t i = 0; i < n; i += VF_N)
        for (int64_t c = 0; c < channels; c += 4) {
            int32_t fours[VF_N];
            const int64_t count = n - i < VF_N ? n - i : VF_N;
            const int64_t width = channels - c < 4 ? channels - c : 4;
            uint8_t *at = y + i * channels + c;
            vi_store(fours,
                     picture_fours(x + c * plane + i, count, channels - c, plane, scale, zero));
            if (channels <= 4)
                for (int64_t l = 0; l + 4 / channels < count; l++, at += channels)
                    memcpy(at, &fours[l], 4);
            for (int64_t l = (at - (y + i * channels + c)) / channels; l < count;
                 l++, at += channels)
                for (int64_t b = 0; b < width; b++) at[b] = (uint8_t)((uint32_t)fours[l] >> 8 * b);
        }
}

/* One pixel; squares[c + before] is that of channel c, zeros around them. */
VEC_INLINE void lrn_pixel(uint8_t *y, const uint8_t *x, int64_t n, const struct sw_int8_lrn *o,
                          float *squares, const int fast)
{
    const struct sw_lrn_window *w = &o->window;
    for (int64_t c = 0; c < n; c += VF_N) {
        const vf v = vf_from_vi(vi_sub(get_bytes(x + c, n - c), vi_set(o->x_zero)));
        vf_store_n(squares + w->before + c, vf_mul(v, v), n - c);
    }
    for (int64_t c = 0; c < n; c += VF_N) {
        vf sum = vf_load(squares + c);
        for (int j = 1; j <= w->before + w->after; j++) sum = vf_add(sum, vf_load(squares + c + j));
        const vf d = vf_fma(sum, vf_set(w->alpha), vf_set(w->k));
        const vf v = vf_from_vi(vi_sub(get_bytes(x + c, n - c), vi_set(o->x_zero)));
        const vf p = vf_mul(v, lrn_power(d, w->beta, fast));
        put_bytes(y + c, vf_mul(p, vf_set(o->scale)), o->low, o->high, o->zero, n - c);
    }
}

static void SW_ISA_NAME(sw__lrn_u8)(uint8_t *y, const uint8_t *x, int64_t pixels, int64_t n,
                                    const struct sw_int8_lrn *o, float *room)
{
    const int64_t size = n + o->window.before + o->window.after + SW_INT8_ROOM;
    for (int64_t i = 0; i < size; i++) room[i] = 0;
    for (int64_t p = 0; p < pixels; p++, x += n, y += n)
        if (o->window.beta == 0.75f)
            lrn_pixel(y, x, n, o, room, 1);
        else
            lrn_pixel(y, x, n, o, room, 0);
}

#define INT8_SET_PLAIN                                                                             \
    SW_KERNEL_SET(k, max_u8, SW_ISA_NAME(sw__max_u8));                                             \
    SW_KERNEL_SET(k, mean_u8, SW_ISA_NAME(sw__mean_u8));                                           \
    SW_KERNEL_SET(k, add_u8, SW_ISA_NAME(sw__add_u8));                                             \
    SW_KERNEL_SET(k, table_u8, SW_ISA_NAME(sw__table_u8));                                         \
    SW_KERNEL_SET(k, picture_u8, SW_ISA_NAME(sw__picture_u8));                                     \
    SW_KERNEL_SET(k, lrn_u8, SW_ISA_NAME(sw__lrn_u8))

#endif
