/* The qgemm family in AVX2. */
#include <math.h>
#include <stdbool.h>
#include "kernels/kernels.h"
#include "kernels/x86/vec_avx2.h"

#define SW_NAME(base) base##_avx2

enum { ROWS_MOST = 2, FEW_ROWS = 2 };

VEC_INLINE vi words_add(vi a, vi b)
{
    return _mm256_add_epi16(a, b);
}

VEC_INLINE vi words_pairs(vi words)
{
    return _mm256_madd_epi16(words, _mm256_set1_epi16(1));
}

VEC_INLINE vi bytes_pairs(vi a, vi b)
{
    return _mm256_maddubs_epi16(a, b);
}

VEC_INLINE vi bytes_abs(vi x)
{
    return _mm256_abs_epi8(x);
}

VEC_INLINE vi bytes_sign(vi x, vi sign)
{
    return _mm256_sign_epi8(x, sign);
}

VEC_INLINE vi bytes_table(const uint8_t table[16], vi at)
{
    return _mm256_shuffle_epi8(
        _mm256_broadcastsi128_si256(_mm_loadu_si128((const __m128i *)(const void *)table)), at);
}

#include "kernels/x86/qgemm_words_x86.h"
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

/* Write 32 bytes of q, and the sums of the first and the last 16. */
static inline void round32(int8_t *q, int32_t sum[2], const __m256 x[4], __m256 inverse)
{
    const __m256i order = _mm256_setr_epi32(0, 4, 1, 5, 2, 6, 3, 7);
    __m256i n[4];
    for (int i = 0; i < 4; i++) n[i] = _mm256_cvtps_epi32(_mm256_mul_ps(x[i], inverse));
    __m256i bytes = _mm256_packs_epi16(_mm256_packs_epi32(n[0], n[1]),
                                       _mm256_packs_epi32(n[2], n[3]));
    _mm256_storeu_si256((__m256i *)q, _mm256_permutevar8x32_epi32(bytes, order));
    __m256i both = _mm256_hadd_epi32(_mm256_add_epi32(n[0], n[1]), _mm256_add_epi32(n[2], n[3]));
    both = _mm256_hadd_epi32(both, both);
    __m128i s = _mm_add_epi32(_mm256_castsi256_si128(both), _mm256_extracti128_si256(both, 1));
    _mm_storel_epi64((__m128i *)sum, s);
}

static void sw__qgemm_round_avx2(struct sw_qgemm_group *a, int row, const float *x, int offset,
                                 int parts, int64_t groups)
{
    const __m256 steps = _mm256_set1_ps(127);
    for (int64_t b = 0; b < groups; b++, x += GROUP) {
        struct sw_qgemm_row *to = &a[b].row[row];
        int32_t sum[2] = {0, 0};
        __m256 v[4];
        for (int j = 0; j < 4; j++) v[j] = _mm256_loadu_ps(x + 8 * j);
        __m256 most = _mm256_castsi256_ps(most_bits(v)), inverse = _mm256_div_ps(steps, most);
        bool fault = !isfinite(_mm256_cvtss_f32(most));
        if (fault || isinf(_mm256_cvtss_f32(inverse))) {
            memset(to->q, 0, GROUP);
            to->d = fault ? NAN : 0;
        } else {
            to->d = _mm256_cvtss_f32(_mm256_div_ps(most, steps));
            round32(to->q, sum, v, inverse);
        }
        if (parts == 1) sum[0] += sum[1];
        for (int p = 0; p < 2; p++)
            if (offset != 0)
                to->start[p] = p < parts ? SW_QGEMM_MAGIC + offset * sum[p] : 0;
            else
                to->sum[p] = p < parts ? to->d * (float)sum[p] : 0;
    }
}

void sw__qgemm_init_avx2(struct sw_kernels *k)
{
    SW_KERNEL_SET(k, qgemm_round, sw__qgemm_round_avx2);
    SW_QGEMM_TYPES(SW_QGEMM_SET)
}
