/* Any dtype to any other, through double: every plain value is exact in a double, so there is one
 * loader and one storer a type, and one rounding.  Block types pass through f32, which is what
 * their quantisers are defined on.  NaN becomes 0 in integers and stays NaN everywhere else. */
#include <swell/tensor.h>

#include <math.h>
#include <string.h>
#include "base/check.h"
#include "tensor/block_type.h"
#include "tensor/half.h"

#define CHUNK 256 /* elements at a time; a multiple of every block */

static void load_chunk(double *x, const void *src, sw_dtype type, int64_t at, int count)
{
    for (int i = 0; i < count; i++) {
        switch (type) {
        case SW_F32: x[i] = ((const float *)src)[at + i]; break;
        case SW_F16: x[i] = sw__f32_from_f16(((const uint16_t *)src)[at + i]); break;
        case SW_BF16: x[i] = sw__f32_from_bf16(((const uint16_t *)src)[at + i]); break;
        case SW_I32: x[i] = ((const int32_t *)src)[at + i]; break;
        case SW_I8: x[i] = ((const int8_t *)src)[at + i]; break;
        case SW_U8: x[i] = ((const uint8_t *)src)[at + i]; break;
        default: x[i] = 0; break;
        }
    }
}

/* To f32 by rounding to odd: rounding that again to f16 or bf16 gives what one rounding would.
 * (Boldo and Melquiond, "When double rounding is odd", 2005.) */
static float round_to_odd(double x)
{
    float f = (float)x;

    if ((double)f == x || isnan(x) || sw__bits_of_f32(f) & 1) return f;
    return nextafterf(f, x > f ? INFINITY : -INFINITY);
}

static int32_t saturate(double x, double low, double high)
{
    if (isnan(x)) return 0;
    x = rint(x);
    return (int32_t)(x < low ? low : x > high ? high : x);
}

static void store_chunk(void *dst, sw_dtype type, int64_t at, const double *x, int count)
{
    for (int i = 0; i < count; i++) {
        switch (type) {
        case SW_F32: ((float *)dst)[at + i] = (float)x[i]; break;
        case SW_F16: ((uint16_t *)dst)[at + i] = sw__f16_from_f32(round_to_odd(x[i])); break;
        case SW_BF16: ((uint16_t *)dst)[at + i] = sw__bf16_from_f32(round_to_odd(x[i])); break;
        case SW_I32: ((int32_t *)dst)[at + i] = saturate(x[i], INT32_MIN, INT32_MAX); break;
        case SW_I8: ((int8_t *)dst)[at + i] = (int8_t)saturate(x[i], INT8_MIN, INT8_MAX); break;
        case SW_U8: ((uint8_t *)dst)[at + i] = (uint8_t)saturate(x[i], 0, UINT8_MAX); break;
        default: break;
        }
    }
}

/* Byte offset of element `at`, a whole number of blocks. */
static size_t byte_offset(const sw_dtype_info *info, int64_t at)
{
    return (size_t)(at / info->block_elements) * (size_t)info->block_bytes;
}

sw_status sw_convert(void *dst, sw_dtype dst_type, const void *src, sw_dtype src_type, int64_t n)
{
    const sw_dtype_info *to = sw_dtype_get(dst_type), *from = sw_dtype_get(src_type);
    float f[CHUNK];
    double x[CHUNK];

    if (!to || !from) return SW_ERR_DTYPE;
    if (n < 0 || n % to->block_elements || n % from->block_elements) return SW_ERR_SHAPE;
    const sw_shape flat = SW_SHAPE(n);
    int64_t bytes = sw_shape_bytes(&flat, src_type);
    if (bytes < 0 || sw_shape_bytes(&flat, dst_type) < 0) return SW_ERR_SHAPE;
    if (dst_type == src_type) { /* the very bits, NaN payloads and all */
        if (n > 0) memcpy(dst, src, (size_t)bytes);
        return SW_OK;
    }
    const struct sw_block_type *in = sw__block_type(src_type), *out = sw__block_type(dst_type);
    SW_ASSERT(CHUNK % to->block_elements == 0 && CHUNK % from->block_elements == 0);
    for (int64_t at = 0; at < n; at += CHUNK) {
        int count = n - at < CHUNK ? (int)(n - at) : CHUNK;
        if (in) {
            in->dequantise(f, (const uint8_t *)src + byte_offset(from, at), count);
            for (int i = 0; i < count; i++) x[i] = f[i];
        } else {
            load_chunk(x, src, src_type, at, count);
        }
        if (out) {
            for (int i = 0; i < count; i++) f[i] = (float)x[i];
            sw__block_quantise(out, (uint8_t *)dst + byte_offset(to, at), f, NULL, count);
        } else {
            store_chunk(dst, dst_type, at, x, count);
        }
    }
    return SW_OK;
}
