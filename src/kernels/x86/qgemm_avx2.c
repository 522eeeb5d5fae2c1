/* The qgemm family in AVX2.  vpmaddubsw adds pairs of products of unsigned and signed bytes into 16
 * bits with saturation, so it is only used where the pairs fit. */
#include <immintrin.h>
#include <math.h>
#include <stdbool.h>
#include "kernels/kernels.h"

#define SW_NAME(base) base##_avx2

enum { LANES = 8, VECTORS = 2, ROWS_MOST = 2 };
typedef __m256 vf;
typedef __m256i vi;

static inline vf vf_zero(void)
{
    return _mm256_setzero_ps();
}

static inline vf vf_set1(float x)
{
    return _mm256_set1_ps(x);
}

static inline vf vf_mul(vf a, vf b)
{
    return _mm256_mul_ps(a, b);
}

/* a * b + c */
static inline vf vf_fma(vf a, vf b, vf c)
{
    return _mm256_fmadd_ps(a, b, c);
}

/* c - a * b */
static inline vf vf_fnma(vf a, vf b, vf c)
{
    return _mm256_fnmadd_ps(a, b, c);
}

static inline void vf_store(float *c, vf x, int n)
{
    static const int32_t window[16] = {-1, -1, -1, -1, -1, -1, -1, -1};
    if (n >= LANES) {
        _mm256_storeu_ps(c, x);
    } else if (n > 0) {
        _mm256_maskstore_ps(c, _mm256_loadu_si256((const __m256i *)(window + LANES - n)), x);
    }
}

static inline vf vf_f16(const void *src)
{
    return _mm256_cvtph_ps(_mm_loadu_si128(src));
}

static inline vf vf_u8(const void *src)
{
    return _mm256_cvtepi32_ps(_mm256_cvtepu8_epi32(_mm_loadl_epi64(src)));
}

static inline vi vi_load(const void *src)
{
    return _mm256_loadu_si256(src);
}

static inline vi vi_set1(int32_t x)
{
    return _mm256_set1_epi32(x);
}

static inline vi vi_low(vi x)
{
    return _mm256_and_si256(x, _mm256_set1_epi8(15));
}

static inline vi vi_high(vi x)
{
    return _mm256_and_si256(_mm256_srli_epi16(x, 4), _mm256_set1_epi8(15));
}

static inline vf vi_f32(vi x)
{
    return _mm256_cvtepi32_ps(x);
}

static inline vi sum_pairs(vi words)
{
    return _mm256_madd_epi16(words, _mm256_set1_epi16(1));
}

static inline vi dot4_start(int32_t sum)
{
    (void)sum;
    return _mm256_setzero_si256();
}

/* Eight of these add up to at most 8 * 2 * 15 * 127 = 30480, a 16-bit number. */
static inline vi dot4(vi sum, vi w, vi q)
{
    return _mm256_add_epi16(sum, _mm256_maddubs_epi16(w, q));
}

static inline vi dot4_join(vi a, vi b)
{
    return _mm256_add_epi16(a, b);
}

static inline vi dot4_end(vi dot, int32_t sum)
{
    return _mm256_add_epi32(sum_pairs(dot), vi_set1(sum));
}

static inline vi dot8_start(int32_t sum)
{
    (void)sum;
    return _mm256_setzero_si256();
}

/* |w| * (q with the sign of w): pairs add up to at most 2 * 128 * 127 = 32512. */
static inline vi dot8(vi sum, vi w, vi q)
{
    vi value = _mm256_xor_si256(w, _mm256_set1_epi8(-128));
    vi products = _mm256_maddubs_epi16(_mm256_abs_epi8(value), _mm256_sign_epi8(q, value));
    return _mm256_add_epi32(sum, sum_pairs(products));
}

#include "kernels/x86/qgemm_x86.h"

/* ---- rounding a row ------------------------------------------------------------------------------ */

/* The greatest of |x| as bits, in every lane: bits of a NaN are above those of infinity. */
static inline __m256i most_bits(const __m256 x[4])
{
    const __m256i magnitude = _mm256_set1_epi32(0x7fffffff);
    __m256i most = _mm256_setzero_si256();
    for (int i = 0; i < 4; i++)
        most = _mm256_max_epi32(most, _mm256_and_si256(_mm256_castps_si256(x[i]), magnitude));
    most = _mm256_max_epi32(most, _mm256_permute2x128_si256(most, most, 1));
    most = _mm256_max_epi32(most, _mm256_shuffle_epi32(most, 0x4e));
    return _mm256_max_epi32(most, _mm256_shuffle_epi32(most, 0xb1));
}

/* Write 32 bytes of q and return the sum of them. */
static inline int32_t round32(int8_t *q, const __m256 x[4], __m256 inverse)
{
    const __m256i order = _mm256_setr_epi32(0, 4, 1, 5, 2, 6, 3, 7);
    __m256i n[4], total;
    for (int i = 0; i < 4; i++) n[i] = _mm256_cvtps_epi32(_mm256_mul_ps(x[i], inverse));
    total = _mm256_add_epi32(_mm256_add_epi32(n[0], n[1]), _mm256_add_epi32(n[2], n[3]));
    __m256i bytes = _mm256_packs_epi16(_mm256_packs_epi32(n[0], n[1]),
                                       _mm256_packs_epi32(n[2], n[3]));
    _mm256_storeu_si256((__m256i *)q, _mm256_permutevar8x32_epi32(bytes, order));
    __m128i s = _mm_add_epi32(_mm256_castsi256_si128(total), _mm256_extracti128_si256(total, 1));
    s = _mm_add_epi32(s, _mm_shuffle_epi32(s, 0x4e));
    return _mm_cvtsi128_si32(_mm_add_epi32(s, _mm_shuffle_epi32(s, 0xb1)));
}

static void sw__qgemm_round_avx2(struct sw_qgemm_group *a, int row, const float *x, int offset,
                                 int64_t groups)
{
    const __m256 steps = _mm256_set1_ps(127);
    for (int64_t b = 0; b < groups; b++, a++, x += GROUP) {
        __m256 v[4];
        for (int j = 0; j < 4; j++) v[j] = _mm256_loadu_ps(x + 8 * j);
        __m256i bits = most_bits(v);
        __m256 most = _mm256_castsi256_ps(bits), inverse = _mm256_div_ps(steps, most);
        bool fault = !isfinite(_mm256_cvtss_f32(most));
        if (fault || isinf(_mm256_cvtss_f32(inverse))) {
            memset(a->q[row], 0, GROUP);
            a->d[row] = fault ? NAN : 0;
            a->sum[row] = 0;
            continue;
        }
        a->d[row] = _mm256_cvtss_f32(_mm256_div_ps(most, steps));
        a->sum[row] = offset * round32(a->q[row], v, inverse);
    }
}

void sw__qgemm_init_avx2(struct sw_kernels *k)
{
    SW_KERNEL_SET(k, qgemm_round, sw__qgemm_round_avx2);
    SW_KERNEL_SET(k, qgemm_q8_0, sw__qgemm_q8_0_avx2);
    SW_KERNEL_SET(k, qgemm_q4_0, sw__qgemm_q4_0_avx2);
    SW_KERNEL_SET(k, qgemm_q4_k, sw__qgemm_q4_k_avx2);
}
