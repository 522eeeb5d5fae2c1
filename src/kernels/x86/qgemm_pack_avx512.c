/* Packing of block types, sixteen rows at a time: qgemm_pack_body.h. */
#include <immintrin.h>
#include <stdint.h>

#define SW_NAME(base) base##_avx512
#define INLINE        static inline __attribute__((always_inline))

enum { LANES = 16 };
typedef uint32_t words __attribute__((vector_size(4 * LANES)));

INLINE __m128i load16(const uint8_t *at)
{
    return _mm_loadu_si128((const __m128i *)(const void *)at);
}

/* The 16 bytes of rows r, r + 4, r + 8 and r + 12. */
INLINE __m512i four_rows(const uint8_t *at, int64_t row, int r)
{
    __m512i x = _mm512_castsi128_si512(load16(at + r * row));
    x = _mm512_inserti32x4(x, load16(at + (r + 4) * row), 1);
    x = _mm512_inserti32x4(x, load16(at + (r + 8) * row), 2);
    return _mm512_inserti32x4(x, load16(at + (r + 12) * row), 3);
}

/* Squares of 4 words are turned round: each quarter of a vector has its own. */
INLINE void quad(words u[4], const uint8_t *at, int64_t row)
{
    const __m512i a = four_rows(at, row, 0), b = four_rows(at, row, 1);
    const __m512i c = four_rows(at, row, 2), d = four_rows(at, row, 3);
    const __m512i ab = _mm512_unpacklo_epi32(a, b), cd = _mm512_unpacklo_epi32(c, d);
    const __m512i ab2 = _mm512_unpackhi_epi32(a, b), cd2 = _mm512_unpackhi_epi32(c, d);
    u[0] = (words)_mm512_unpacklo_epi64(ab, cd);
    u[1] = (words)_mm512_unpackhi_epi64(ab, cd);
    u[2] = (words)_mm512_unpacklo_epi64(ab2, cd2);
    u[3] = (words)_mm512_unpackhi_epi64(ab2, cd2);
}

INLINE void put_bytes(uint8_t *to, words w)
{
    _mm_storeu_si128((__m128i *)(void *)to, _mm512_cvtepi32_epi8((__m512i)w));
}

#include "kernels/qgemm_pack_body.h"

void sw__qgemm_pack_init_avx512(struct sw_kernels *k)
{
    SW_KERNEL_SET(k, qgemm_pack, sw__qgemm_pack_avx512);
}
