/* Packing of block types, eight rows at a time: qgemm_pack_body.h. */
#include <immintrin.h>
#include <stdint.h>

#define SW_NAME(base) base##_avx2
#define INLINE        static inline __attribute__((always_inline))

enum { LANES = 8 };
typedef uint32_t words __attribute__((vector_size(4 * LANES)));

/* The 16 bytes of rows r and r + 4. */
INLINE __m256i two_rows(const uint8_t *at, int64_t row, int r)
{
    return _mm256_loadu2_m128i((const __m128i *)(const void *)(at + (r + 4) * row),
                               (const __m128i *)(const void *)(at + r * row));
}

/* Squares of 4 words are turned round: each half of a vector has its own. */
INLINE void quad(words u[4], const uint8_t *at, int64_t row)
{
    const __m256i a = two_rows(at, row, 0), b = two_rows(at, row, 1);
    const __m256i c = two_rows(at, row, 2), d = two_rows(at, row, 3);
    const __m256i ab = _mm256_unpacklo_epi32(a, b), cd = _mm256_unpacklo_epi32(c, d);
    const __m256i ab2 = _mm256_unpackhi_epi32(a, b), cd2 = _mm256_unpackhi_epi32(c, d);
    u[0] = (words)_mm256_unpacklo_epi64(ab, cd);
    u[1] = (words)_mm256_unpackhi_epi64(ab, cd);
    u[2] = (words)_mm256_unpacklo_epi64(ab2, cd2);
    u[3] = (words)_mm256_unpackhi_epi64(ab2, cd2);
}

INLINE void put_bytes(uint8_t *to, words w)
{
    const __m256i first = _mm256_set1_epi32(0x0c080400);
    const __m256i fours = _mm256_shuffle_epi8((__m256i)w, first);
    const __m128i low = _mm256_castsi256_si128(fours), high = _mm256_extracti128_si256(fours, 1);
    _mm_storel_epi64((__m128i *)(void *)to, _mm_unpacklo_epi32(low, high));
}

#include "kernels/qgemm_pack_body.h"

void sw__qgemm_pack_init_avx2(struct sw_kernels *k)
{
    SW_KERNEL_SET(k, qgemm_pack, sw__qgemm_pack_avx2);
}
