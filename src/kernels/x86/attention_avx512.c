/* Attention and positions on AVX-512: a tile of 6 rows x 64 columns is 24 accumulators, four vectors
 * of B and one broadcast of A: 29 of 32 registers, and ten loads for 24 fma.  See
 * attention_block_x86.h, attention_pack_x86.h and rope_x86.h. */
#include "kernels/x86/vec_avx512.h"

enum { TILE_ROWS = 6 };
#define TILE_VECTORS 4

typedef __m512d dvec;
#define DVEC_LANES 8

/* Four features of rows 0, 4, 8, 12. */
VEC_INLINE vf vf_load_quads(const float *const *rows, int64_t from)
{
    vf x = _mm512_castps128_ps512(_mm_loadu_ps(rows[0] + from));
    x = _mm512_insertf32x4(x, _mm_loadu_ps(rows[4] + from), 1);
    x = _mm512_insertf32x4(x, _mm_loadu_ps(rows[8] + from), 2);
    return _mm512_insertf32x4(x, _mm_loadu_ps(rows[12] + from), 3);
}

VEC_INLINE vf vf_unpack_lo(vf a, vf b)
{
    return _mm512_unpacklo_ps(a, b);
}

VEC_INLINE vf vf_unpack_hi(vf a, vf b)
{
    return _mm512_unpackhi_ps(a, b);
}

VEC_INLINE vf vf_unpack_lo2(vf a, vf b)
{
    return _mm512_castpd_ps(_mm512_unpacklo_pd(_mm512_castps_pd(a), _mm512_castps_pd(b)));
}

VEC_INLINE vf vf_unpack_hi2(vf a, vf b)
{
    return _mm512_castpd_ps(_mm512_unpackhi_pd(_mm512_castps_pd(a), _mm512_castps_pd(b)));
}

/* a[0] a[0] a[1] a[1] ... */
VEC_INLINE vf vf_load_twice(const float *a)
{
    const __m512i order = _mm512_set_epi32(7, 7, 6, 6, 5, 5, 4, 4, 3, 3, 2, 2, 1, 1, 0, 0);
    return _mm512_permutexvar_ps(order, _mm512_castps256_ps512(_mm256_loadu_ps(a)));
}

VEC_INLINE vf vf_swap_pairs(vf x)
{
    return _mm512_permute_ps(x, 0xb1);
}

/* Even lanes a b - c, odd lanes a b + c. */
VEC_INLINE vf vf_fma_sub_add(vf a, vf b, vf c)
{
    return _mm512_fmaddsub_ps(a, b, c);
}

VEC_INLINE dvec dvec_set1(double x)
{
    return _mm512_set1_pd(x);
}

VEC_INLINE dvec dvec_loadu(const double *p)
{
    return _mm512_loadu_pd(p);
}

VEC_INLINE dvec dvec_sub(dvec a, dvec b)
{
    return _mm512_sub_pd(a, b);
}

VEC_INLINE dvec dvec_mul(dvec a, dvec b)
{
    return _mm512_mul_pd(a, b);
}

VEC_INLINE dvec dvec_fma(dvec a, dvec b, dvec c)
{
    return _mm512_fmadd_pd(a, b, c);
}

VEC_INLINE dvec dvec_fnma(dvec a, dvec b, dvec c)
{
    return _mm512_fnmadd_pd(a, b, c);
}

/* With q the low bits of n: q even ? a : b, negative if bit 1 of q + shift is set. */
VEC_INLINE dvec dvec_quadrant(dvec n, dvec a, dvec b, int shift)
{
    const __m512i q = _mm512_castpd_si512(n), one = _mm512_set1_epi64(1);
    const dvec x = _mm512_mask_blend_pd(_mm512_test_epi64_mask(q, one), a, b);
    const __m512i sign = _mm512_slli_epi64(_mm512_add_epi64(q, _mm512_set1_epi64(shift)), 62);
    const __m512i top = _mm512_set1_epi64(INT64_MIN);
    return _mm512_castsi512_pd(
        _mm512_xor_epi64(_mm512_castpd_si512(x), _mm512_and_epi64(sign, top)));
}

VEC_INLINE void dvec_store_float(float *p, dvec x)
{
    _mm256_storeu_ps(p, _mm512_cvtpd_ps(x));
}

#include "kernels/x86/attention_block_x86.h"
#include "kernels/x86/attention_pack_x86.h"
#include "kernels/x86/rope_x86.h"

static void sw__attention_forward_6x64_avx512(const struct sw_attention_forward *a)
{
    attention_forward(a);
}

static void sw__attention_backward_6x64_avx512(const struct sw_attention_backward *a)
{
    attention_backward(a);
}

static void sw__attention_pack_rows_avx512(float *dst, const void *const *rows, sw_dtype dtype,
                                           int64_t n, int64_t hs, float scale,
                                           const void *const *next)
{
    attention_pack_rows(dst, rows, dtype, n, hs, scale, next);
}

static void sw__attention_pack_keys_avx512(float *dst, const void *const *rows, sw_dtype dtype,
                                           int64_t n, int64_t hs, const void *const *next)
{
    attention_pack_keys(dst, rows, dtype, n, hs, next);
}

static void sw__attention_store_avx512(void *dst, sw_dtype dtype, const float *src, int64_t n)
{
    attention_store(dst, dtype, src, n);
}

static void sw__rope_angles_avx512(float *cosine, float *sine, double position,
                                   const double *frequency, int64_t n)
{
    rope_angles(cosine, sine, position, frequency, n);
}

static void sw__rope_apply_avx512(float *y, const float *x, const float *cosine, const float *sine,
                                  int64_t heads, int64_t hs, int64_t dims, int interleaved)
{
    rope_apply(y, x, cosine, sine, heads, hs, dims, interleaved);
}

void sw__attention_init_avx512(struct sw_kernels *k)
{
    SW_KERNEL_SET(k, attention_pack_rows, sw__attention_pack_rows_avx512);
    SW_KERNEL_SET(k, attention_pack_keys, sw__attention_pack_keys_avx512);
    SW_KERNEL_SET(k, attention_store, sw__attention_store_avx512);
    SW_KERNEL_SET(k, attention_forward, sw__attention_forward_6x64_avx512);
    SW_KERNEL_SET(k, attention_backward, sw__attention_backward_6x64_avx512);
    SW_KERNEL_SET(k, rope_angles, sw__rope_angles_avx512);
    SW_KERNEL_SET(k, rope_apply, sw__rope_apply_avx512);
}
