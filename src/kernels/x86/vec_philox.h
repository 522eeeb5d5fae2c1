/* Philox4x32-10 (base/rng.h) on vectors: VF_N blocks of four words at once.  Include after vec_avx2.h
 * or vec_avx512.h. */
#ifndef SWELL_KERNELS_VEC_PHILOX_H
#define SWELL_KERNELS_VEC_PHILOX_H

/* clang-format off */
#ifdef __AVX512F__
/* The upper halves of the 32 x 32 bit products; the lower ones are vi_mul. */
VEC_INLINE vi vec_mul_high(vi a, vi b)
{
    __m512i even = _mm512_srli_epi64(_mm512_mul_epu32(a, b), 32);
    __m512i odd = _mm512_mul_epu32(_mm512_srli_epi64(a, 32), _mm512_srli_epi64(b, 32));
    return _mm512_mask_blend_epi32(0xaaaa, even, odd);
}
VEC_INLINE vi vec_unpack_low(vi a, vi b) { return _mm512_unpacklo_epi32(a, b); }
VEC_INLINE vi vec_unpack_high(vi a, vi b) { return _mm512_unpackhi_epi32(a, b); }
VEC_INLINE vi vec_unpack_low_pairs(vi a, vi b) { return _mm512_unpacklo_epi64(a, b); }
VEC_INLINE vi vec_unpack_high_pairs(vi a, vi b) { return _mm512_unpackhi_epi64(a, b); }
#else
VEC_INLINE vi vec_mul_high(vi a, vi b)
{
    __m256i even = _mm256_srli_epi64(_mm256_mul_epu32(a, b), 32);
    __m256i odd = _mm256_mul_epu32(_mm256_srli_epi64(a, 32), _mm256_srli_epi64(b, 32));
    return _mm256_blend_epi32(even, odd, 0xaa);
}
VEC_INLINE vi vec_unpack_low(vi a, vi b) { return _mm256_unpacklo_epi32(a, b); }
VEC_INLINE vi vec_unpack_high(vi a, vi b) { return _mm256_unpackhi_epi32(a, b); }
VEC_INLINE vi vec_unpack_low_pairs(vi a, vi b) { return _mm256_unpacklo_epi64(a, b); }
VEC_INLINE vi vec_unpack_high_pairs(vi a, vi b) { return _mm256_unpackhi_epi64(a, b); }
#endif
/* clang-format on */

/* Words 4 * block .. 4 * block + 4 * VF_N - 1 of the stream, in order: out[0] holds the first VF_N.
 *
 * Lane l works on block number (l % 4) * (VF_N / 4) + l / 4, so that the 4 x 4 transposition inside
 * the 128-bit parts at the end leaves the words in order. */
VEC_INLINE void vec_philox(uint64_t seed, uint64_t stream, uint64_t block, vi out[4])
{
    int32_t offsets[VF_N];
    for (int l = 0; l < VF_N; l++) offsets[l] = l % 4 * (VF_N / 4) + l / 4;
    const vi flip = vi_set(INT32_MIN), low = vi_set((int32_t)(uint32_t)block);
    vi c0 = vi_add(low, vi_load(offsets)), c1 = vi_set((int32_t)(uint32_t)(block >> 32));
    vm carry = vi_gt(vi_xor(low, flip), vi_xor(c0, flip));
    c1 = vi_select(carry, vi_add(c1, vi_set(1)), c1);
    vi c2 = vi_set((int32_t)(uint32_t)stream), c3 = vi_set((int32_t)(uint32_t)(stream >> 32));
    uint32_t k0 = (uint32_t)seed, k1 = (uint32_t)(seed >> 32);
    const vi m0 = vi_set((int32_t)0xD2511F53u), m1 = vi_set((int32_t)0xCD9E8D57u);
    for (int round = 0; round < 10; round++) {
        vi high0 = vec_mul_high(c0, m0), low0 = vi_mul(c0, m0);
        vi high1 = vec_mul_high(c2, m1), low1 = vi_mul(c2, m1);
        c0 = vi_xor(vi_xor(high1, c1), vi_set((int32_t)k0));
        c2 = vi_xor(vi_xor(high0, c3), vi_set((int32_t)k1));
        c1 = low1;
        c3 = low0;
        k0 += 0x9E3779B9u;
        k1 += 0xBB67AE85u;
    }
    vi a = vec_unpack_low(c0, c1), b = vec_unpack_high(c0, c1);
    vi c = vec_unpack_low(c2, c3), d = vec_unpack_high(c2, c3);
    out[0] = vec_unpack_low_pairs(a, c);
    out[1] = vec_unpack_high_pairs(a, c);
    out[2] = vec_unpack_low_pairs(b, d);
    out[3] = vec_unpack_high_pairs(b, d);
}

#endif
