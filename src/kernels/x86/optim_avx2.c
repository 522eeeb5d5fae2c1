/* The optim family in AVX2. */
#include "kernels/x86/vec_avx2.h"
#include "kernels/x86/optim_template.h"

/* Four sums of four lanes, which hide the latency of the additions. */
static double sw__sum_squares_f32_avx2(const float *x, int64_t n)
{
    __m256d sum[4];
    for (int j = 0; j < 4; j++) sum[j] = _mm256_setzero_pd();
    int64_t i = 0;
    for (; i + 16 <= n; i += 16)
        for (int j = 0; j < 4; j++) {
            __m256d a = _mm256_cvtps_pd(_mm_loadu_ps(x + i + 4 * j));
            sum[j] = _mm256_fmadd_pd(a, a, sum[j]);
        }
    for (int j = 0; i < n; i += 4, j++) {
        __m128i lanes = _mm_cmpgt_epi32(_mm_set1_epi32(n - i < 4 ? (int)(n - i) : 4),
                                        _mm_setr_epi32(0, 1, 2, 3));
        __m256d a = _mm256_cvtps_pd(_mm_maskload_ps(x + i, lanes));
        sum[j] = _mm256_fmadd_pd(a, a, sum[j]);
    }
    __m256d s = _mm256_add_pd(_mm256_add_pd(sum[0], sum[1]), _mm256_add_pd(sum[2], sum[3]));
    __m128d t = _mm_add_pd(_mm256_castpd256_pd128(s), _mm256_extractf128_pd(s, 1));
    return _mm_cvtsd_f64(_mm_add_sd(t, _mm_unpackhi_pd(t, t)));
}

void sw__optim_init_avx2(struct sw_kernels *k)
{
    SW_KERNEL_SET(k, sgd_f32, sw__sgd_f32_avx2);
    SW_KERNEL_SET(k, sgd_momentum_f32, sw__sgd_momentum_f32_avx2);
    SW_KERNEL_SET(k, adam_f32, sw__adam_f32_avx2);
    SW_KERNEL_SET(k, axpby_f32, sw__axpby_f32_avx2);
    SW_KERNEL_SET(k, sum_squares_f32, sw__sum_squares_f32_avx2);
}
