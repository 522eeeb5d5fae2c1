/* Attention and positions on AVX2: a tile of 6 rows x 16 columns is 12 accumulators, two vectors of B
 * and one broadcast of A: 15 of 16 registers.  See attention_block_x86.h, attention_pack_x86.h and
 * rope_x86.h. */
#include "kernels/x86/vec_avx2.h"

enum { TILE_ROWS = 6 };
#define TILE_VECTORS 2

typedef __m256d dvec;
#define DVEC_LANES 4

/* Four features of rows 0 and 4. */
VEC_INLINE vf vf_load_quads(const float *const *rows, int64_t from)
{
    vf x = _mm256_castps128_ps256(_mm_loadu_ps(rows[0] + from));
    return _mm256_insertf128_ps(x, _mm_loadu_ps(rows[4] + from), 1);
}

VEC_INLINE vf vf_unpack_lo(vf a, vf b)
{
    return _mm256_unpacklo_ps(a, b);
}

VEC_INLINE vf vf_unpack_hi(vf a, vf b)
{
    return _mm256_unpackhi_ps(a, b);
}

VEC_INLINE vf vf_unpack_lo2(vf a, vf b)
{
    return _mm256_castpd_ps(_mm256_unpacklo_pd(_mm256_castps_pd(a), _mm256_castps_pd(b)));
}

VEC_INLINE vf vf_unpack_hi2(vf a, vf b)
{
    return _mm256_castpd_ps(_mm256_unpackhi_pd(_mm256_castps_pd(a), _mm256_castps_pd(b)));
}

/* a[0] a[0] a[1] a[1] ... */
VEC_INLINE vf vf_load_twice(const float *a)
{
    const __m256i order = _mm256_setr_epi32(0, 0, 1, 1, 2, 2, 3, 3);
    return _mm256_permutevar8x32_ps(_mm256_castps128_ps256(_mm_loadu_ps(a)), order);
}

VEC_INLINE vf vf_swap_pairs(vf x)
{
    return _mm256_permute_ps(x, 0xb1);
}

/* Even lanes a b - c, odd lanes a b + c. */
VEC_INLINE vf vf_fma_sub_add(vf a, vf b, vf c)
{
    return _mm256_fmaddsub_ps(a, b, c);
}

VEC_INLINE dvec dvec_set1(double x)
{
    return _mm256_set1_pd(x);
}

VEC_INLINE dvec dvec_loadu(const double *p)
{
    return _mm256_loadu_pd(p);
}

VEC_INLINE dvec dvec_sub(dvec a, dvec b)
{
    return _mm256_sub_pd(a, b);
}

VEC_INLINE dvec dvec_mul(dvec a, dvec b)
{
    return _mm256_mul_pd(a, b);
}

VEC_INLINE dvec dvec_fma(dvec a, dvec b, dvec c)
{
    return _mm256_fmadd_pd(a, b, c);
}

VEC_INLINE dvec dvec_fnma(dvec a, dvec b, dvec c)
{
    return _mm256_fnmadd_pd(a, b, c);
}

/* With q the low bits of n: q even ? a : b, negative if bit 1 of q + shift is set. */
VEC_INLINE dvec dvec_quadrant(dvec n, dvec a, dvec b, int shift)
{
    const __m256i q = _mm256_castpd_si256(n);
    const dvec odd = _mm256_castsi256_pd(
        _mm256_slli_epi64(q, 63)); /* blendv looks at the top bit */
    const dvec x = _mm256_blendv_pd(a, b, odd);
    const __m256i sign = _mm256_slli_epi64(_mm256_add_epi64(q, _mm256_set1_epi64x(shift)), 62);
    return _mm256_xor_pd(x, _mm256_and_pd(_mm256_castsi256_pd(sign), _mm256_set1_pd(-0.)));
}

VEC_INLINE void dvec_store_float(float *p, dvec x)
{
    _mm_storeu_ps(p, _mm256_cvtpd_ps(x));
}

#include "kernels/x86/attention_block_x86.h"
#include "kernels/x86/attention_pack_x86.h"
#include "kernels/x86/rope_x86.h"

static void sw__attention_forward_6x16_avx2(const struct sw_attention_forward *a)
{
    attention_forward(a);
}

static void sw__attention_backward_6x16_avx2(const struct sw_attention_backward *a)
{
    attention_backward(a);
}

static void sw__attention_pack_rows_avx2(float *dst, const void *const *rows, sw_dtype dtype,
                                         int64_t n, int64_t hs, float scale,
                                         const void *const *next)
{
    attention_pack_rows(dst, rows, dtype, n, hs, scale, next);
}

static void sw__attention_pack_keys_avx2(float *dst, const void *const *rows, sw_dtype dtype,
                                         int64_t n, int64_t hs, const void *const *next)
{
    attention_pack_keys(dst, rows, dtype, n, hs, next);
}

static void sw__attention_store_avx2(void *dst, sw_dtype dtype, const float *src, int64_t n)
{
    attention_store(dst, dtype, src, n);
}

static void sw__rope_angles_avx2(float *cosine, float *sine, double position,
                                 const double *frequency, int64_t n)
{
    rope_angles(cosine, sine, position, frequency, n);
}

static void sw__rope_apply_avx2(float *y, const float *x, const float *cosine, const float *sine,
                                int64_t heads, int64_t hs, int64_t dims, int interleaved)
{
    rope_apply(y, x, cosine, sine, heads, hs, dims, interleaved);
}

void sw__attention_init_avx2(struct sw_kernels *k)
{
    SW_KERNEL_SET(k, attention_pack_rows, sw__attention_pack_rows_avx2);
    SW_KERNEL_SET(k, attention_pack_keys, sw__attention_pack_keys_avx2);
    SW_KERNEL_SET(k, attention_store, sw__attention_store_avx2);
    SW_KERNEL_SET(k, attention_forward, sw__attention_forward_6x16_avx2);
    SW_KERNEL_SET(k, attention_backward, sw__attention_backward_6x16_avx2);
    SW_KERNEL_SET(k, rope_angles, sw__rope_angles_avx2);
    SW_KERNEL_SET(k, rope_apply, sw__rope_apply_avx2);
}
