/* The optim family in AVX-512. */
#include "kernels/x86/vec_avx512.h"
#include "kernels/x86/optim_template.h"

/* Four sums of eight lanes, which hide the latency of the additions. */
static double sw__sum_squares_f32_avx512(const float *x, int64_t n)
{
    __m512d sum[4];
    for (int j = 0; j < 4; j++) sum[j] = _mm512_setzero_pd();
    int64_t i = 0;
    for (; i + 32 <= n; i += 32)
        for (int j = 0; j < 4; j++) {
            __m512d a = _mm512_cvtps_pd(_mm256_loadu_ps(x + i + 8 * j));
            sum[j] = _mm512_fmadd_pd(a, a, sum[j]);
        }
    for (int j = 0; i < n; i += 8, j++) {
        __mmask8 lanes = n - i < 8 ? (__mmask8)((1u << (n - i)) - 1) : 0xff;
        __m512d a = _mm512_cvtps_pd(_mm256_maskz_loadu_ps(lanes, x + i));
        sum[j] = _mm512_fmadd_pd(a, a, sum[j]);
    }
    __m512d s = _mm512_add_pd(_mm512_add_pd(sum[0], sum[1]), _mm512_add_pd(sum[2], sum[3]));
    __m256d h = _mm256_add_pd(_mm512_castpd512_pd256(s), _mm512_extractf64x4_pd(s, 1));
    __m128d t = _mm_add_pd(_mm256_castpd256_pd128(h), _mm256_extractf128_pd(h, 1));
    return _mm_cvtsd_f64(_mm_add_sd(t, _mm_unpackhi_pd(t, t)));
}

void sw__optim_init_avx512(struct sw_kernels *k)
{
    SW_KERNEL_SET(k, sgd_f32, sw__sgd_f32_avx512);
    SW_KERNEL_SET(k, sgd_momentum_f32, sw__sgd_momentum_f32_avx512);
    SW_KERNEL_SET(k, adam_f32, sw__adam_f32_avx512);
    SW_KERNEL_SET(k, axpby_f32, sw__axpby_f32_avx512);
    SW_KERNEL_SET(k, sum_squares_f32, sw__sum_squares_f32_avx512);
}
