/* Packing for the bf16 and int8 products, for vectors of one ISA.
 *
 * All panels are made of units of 32 bits: two bf16 or four bytes that follow each other along K.
 * A square of VF_N lines (rows of A, columns of B) by VF_N units is read either line by line, where
 * K is contiguous, or unit by unit, where lines lie side by side; it is transposed in registers if
 * it is to be written the other way.  Lines that do not exist and K behind the end are zeros.
 *
 *     interleaved   unit p of line i at  p * width + i                    B, and A but for AMX
 *     rows          unit p of line i at  (p / 16) * width * 16 + i * 16 + p % 16   A of AMX
 *
 * The unit that includes this has included vec_*.h. */
#ifndef SWELL_GEMM_UNITS_TEMPLATE_H
#define SWELL_GEMM_UNITS_TEMPLATE_H

#include <stdbool.h>
#include <string.h>
#include <swell/tensor.h>

/* A packing: what stays the same for all its units. */
struct units {
    const char *src;
    int64_t across, along; /* elements from line to line, from k to k + 1 */
    int64_t lines, kc;
    int64_t count; /* units of a line, padding included */
    int32_t flip;  /* xor of every unit that exists */
};

VEC_INLINE int64_t units_min(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

/* n f32 or f16, or bf16 as f32. */
VEC_INLINE vf units_floats(const void *x, const sw_dtype dtype, int64_t n)
{
    if (dtype == SW_F32) return n >= VF_N ? vf_load(x) : vf_load_n(x, n);
    if (dtype == SW_F16) return n >= VF_N ? vf_load_f16(x) : vf_load_f16_n(x, n);
    return n >= VF_N ? vf_load_bf16(x) : vf_load_bf16_n(x, n);
}

/* Rounded to bf16, to nearest even, in the high halves; the low ones hold anything. */
VEC_INLINE vi units_round(vf x, const sw_dtype dtype)
{
    vi u = vf_bits(x);
    if (dtype == SW_BF16) return u;
    vi odd = vi_and(vi_shr(u, 16), vi_set(1));
    vi r = vi_add(u, vi_add(odd, vi_set(0x7fff)));
    return vi_select(vf_isnan(x), vi_or(u, vi_set(0x400000)), r); /* NaN: made quiet */
}

/* One unit of n lines that lie side by side, the first element at x; `depth` of its k exist. */
VEC_INLINE vi units_across(const struct units *u, const sw_dtype dtype, const char *x, int64_t n,
                           int64_t depth)
{
    if (dtype == SW_I8 || dtype == SW_U8) {
        vi unit = vi_set(0);
        VEC_UNROLL for (int g = 0; g < 4; g++)
        {
            if (g >= depth) break;
            const uint8_t *at = (const uint8_t *)x + g * u->along;
            vi byte = n >= VF_N ? vi_load_u8(at) : vi_load_u8_n(at, n);
            unit = vi_or(unit, vi_shl(byte, 8 * g));
        }
        return vi_xor(unit, vi_set(u->flip));
    }
    const int64_t size = dtype == SW_F32 ? 4 : 2;
    vi low = units_round(units_floats(x, dtype, n), dtype), high = vi_set(0);
    if (depth > 1) high = units_round(units_floats(x + u->along * size, dtype, n), dtype);
    return vi_or(vi_shr(low, 16), vi_and(high, vi_set((int32_t)0xffff0000)));
}

/* VF_N units of one line, contiguous from x on; n of their k exist. */
VEC_INLINE vi units_along(const struct units *u, const sw_dtype dtype, const char *x, int64_t n)
{
    if (dtype == SW_I8 || dtype == SW_U8) return vi_xor(vi_load_bytes(x, n), vi_set(u->flip));
    if (dtype == SW_BF16) return vi_load_bytes(x, 2 * n);
    const int64_t size = dtype == SW_F32 ? 4 : 2;
    vf low = units_floats(x, dtype, n), high = vf_zero();
    if (n > VF_N) high = units_floats(x + VF_N * size, dtype, n - VF_N);
    return vi_join(vf_to_bf16(low), vf_to_bf16(high));
}

/* One unit of one line with any strides. */
static int32_t units_any(const struct units *u, sw_dtype dtype, int64_t line, int64_t p)
{
    const bool bytes = dtype == SW_I8 || dtype == SW_U8;
    const int64_t size = bytes ? 1 : dtype == SW_F32 ? 4 : 2, group = bytes ? 4 : 2;
    uint32_t unit = 0;
    for (int64_t g = 0; g < group && p * group + g < u->kc; g++) {
        const char *x = u->src + (line * u->across + (p * group + g) * u->along) * size;
        if (bytes) {
            unit |= (uint32_t) * (const uint8_t *)x << 8 * g;
        } else {
            uint16_t h[VF_N];
            vf_store_bf16_n(h, units_floats(x, dtype, 1), 1);
            unit |= (uint32_t)h[0] << 16 * g;
        }
    }
    return (int32_t)(unit ^ (uint32_t)u->flip);
}

/* The square of lines from line i and unit p on, with any strides. */
static __attribute__((noinline)) void units_gather(const struct units *u, sw_dtype dtype,
                                                   int32_t unit[VF_N][VF_N], int64_t i, int64_t p)
{
    const int64_t group = dtype == SW_I8 || dtype == SW_U8 ? 4 : 2;
    memset(unit, 0, VF_N * sizeof *unit);
    for (int at = 0; at < VF_N && i + at < u->lines; at++)
        for (int q = 0; q < VF_N && (p + q) * group < u->kc; q++)
            unit[at][q] = units_any(u, dtype, i + at, p + q);
}

/* The square from line i and unit p on: r[line] where `by_line`, else r[unit]. */
VEC_INLINE void units_square(const struct units *u, const sw_dtype dtype, vi r[VF_N], int64_t i,
                             int64_t p, const bool by_line, const bool contiguous)
{
    const bool bytes = dtype == SW_I8 || dtype == SW_U8;
    const int64_t size = bytes ? 1 : dtype == SW_F32 ? 4 : 2, group = bytes ? 4 : 2;
    const int64_t lines = u->lines - i, left = u->kc - p * group;
    const char *x = u->src + (i * u->across + p * group * u->along) * size;
    if (!contiguous) {
        int32_t unit[VF_N][VF_N];
        units_gather(u, dtype, unit, i, p);
        for (int at = 0; at < VF_N; at++) r[at] = vi_load(unit[at]);
        return;
    }
    VEC_UNROLL for (int at = 0; at < VF_N; at++)
    {
        r[at] = vi_set(0);
        if (by_line) {
            if (at < lines && left > 0)
                r[at] = units_along(u, dtype, x + at * u->across * size,
                                    units_min(left, VF_N * group));
        } else if (at * group < left && lines > 0) {
            r[at] = units_across(u, dtype, x + at * group * u->along * size, lines,
                                 left - at * group);
        }
    }
}

/* All panels, `width` lines each; every argument behind dtype is a constant. */
VEC_INLINE void units_pack(const struct units *u, void *to, const sw_dtype dtype, const int width,
                           const bool rows, const bool by_line, const bool contiguous)
{
    int32_t *panel = to;
    for (int64_t first = 0; first < u->lines; first += width, panel += u->count * width)
        for (int64_t p = 0; p < u->count; p += VF_N)
            for (int64_t i = 0; i < width; i += VF_N) {
                vi r[VF_N];
                units_square(u, dtype, r, first + i, p, by_line, contiguous);
                if (by_line != rows) vi_transpose(r);
                VEC_UNROLL for (int at = 0; at < VF_N; at++)
                {
                    if (rows)
                        vi_store(panel + p * width + (i + at) * 16, r[at]);
                    else if (p + at < u->count)
                        vi_store_n(panel + (p + at) * width + i, r[at], width - i);
                }
            }
}

/* Units ahead of which their rows are fetched. */
enum { UNITS_AHEAD = 8 };
/* Panels that are packed side by side: of few units (4 KB at most), whose places in L1 do not all meet. */
enum { UNITS_FEW = 32, UNITS_WIDE = 16 };

/* Interleaved panels of lines that lie side by side: unit by unit over several panels, so that reads
 * are long. */
VEC_INLINE void units_pack_across(const struct units *u, void *to, const sw_dtype dtype,
                                  const int width)
{
    const bool bytes = dtype == SW_I8 || dtype == SW_U8;
    const int64_t size = bytes ? 1 : dtype == SW_F32 ? 4 : 2, group = bytes ? 4 : 2;
    const int64_t together = (u->count <= UNITS_FEW ? UNITS_WIDE : 4) * width;
    for (int64_t first = 0; first < u->lines; first += together) {
        const int64_t end = units_min(u->lines, first + together);
        for (int64_t p = 0; p < u->count; p++) {
            int32_t *panel = (int32_t *)to + first * u->count + p * width;
            const int64_t left = u->kc - p * group;
            const char *x = u->src + p * group * u->along * size;
            for (int64_t i = first; i < end; i += width, panel += width * u->count) {
                for (int64_t g = 0; g < group; g++) /* a line of each row that comes soon */
                    _mm_prefetch(x + (i + (UNITS_AHEAD * group + g) * u->along) * size,
                                 _MM_HINT_T0);
                for (int64_t v = 0; v < width; v += VF_N) {
                    vi r = vi_set(0);
                    const int64_t lines = units_min(width - v, u->lines - i - v);
                    if (left > 0 && lines > 0)
                        r = units_across(u, dtype, x + (i + v) * size, lines, left);
                    vi_store_n(panel + v, r, width - v);
                }
            }
        }
    }
}

/* Picks the loops by the strides. */
VEC_INLINE void units_pack_any(const struct units *u, void *to, const sw_dtype dtype,
                               const int width, const bool rows)
{
    if (u->across == 1 && !rows)
        units_pack_across(u, to, dtype, width);
    else if (u->across == 1)
        units_pack(u, to, dtype, width, rows, false, true);
    else if (u->along == 1)
        units_pack(u, to, dtype, width, rows, true, true);
    else
        units_pack(u, to, dtype, width, rows, true, false);
}

VEC_INLINE void units_pack_bf16(void *to, const void *src, sw_dtype dtype, int64_t across,
                                int64_t along, int64_t lines, int64_t kc, const int depth,
                                const int width, const bool rows)
{
    const struct units u = {.src = src,
                            .across = across,
                            .along = along,
                            .lines = lines,
                            .kc = kc,
                            .count = (kc + depth - 1) / depth * depth / 2};
    if (dtype == SW_F32)
        units_pack_any(&u, to, SW_F32, width, rows);
    else if (dtype == SW_F16)
        units_pack_any(&u, to, SW_F16, width, rows);
    else
        units_pack_any(&u, to, SW_BF16, width, rows);
}

VEC_INLINE void units_pack_bytes(void *to, const void *src, int32_t flip, int64_t across,
                                 int64_t along, int64_t lines, int64_t kc, const int depth,
                                 const int width, const bool rows)
{
    const struct units u = {.src = src,
                            .across = across,
                            .along = along,
                            .lines = lines,
                            .kc = kc,
                            .count = (kc + depth - 1) / depth * depth / 4,
                            .flip = flip};
    units_pack_any(&u, to, SW_U8, width, rows);
}

#endif
