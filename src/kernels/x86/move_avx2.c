/* The move family in AVX2: rows copied, filled and reversed by whole vectors, transposes in register
 * tiles.  Tails go through overlapping vectors inside the row, or one by one. */
#include <immintrin.h>
#include <stdbool.h>
#include <string.h>
#include "kernels/kernels.h"

/* ---- rows -------------------------------------------------------------------------------------- */

/* n bytes.  A call of memcpy pays from a few hundred bytes on. */
static inline void copy_row(uint8_t *d, const uint8_t *s, int64_t n)
{
    if (n >= 512) {
        memcpy(d, s, (size_t)n);
    } else if (n >= 32) {
        __m256i last = _mm256_loadu_si256((const __m256i *)(s + n - 32));
        for (int64_t i = 0; i + 32 <= n; i += 32)
            _mm256_storeu_si256((__m256i *)(d + i), _mm256_loadu_si256((const __m256i *)(s + i)));
        _mm256_storeu_si256((__m256i *)(d + n - 32), last);
    } else if (n >= 16) {
        __m128i a = _mm_loadu_si128((const __m128i *)s);
        __m128i b = _mm_loadu_si128((const __m128i *)(s + n - 16));
        _mm_storeu_si128((__m128i *)d, a);
        _mm_storeu_si128((__m128i *)(d + n - 16), b);
    } else if (n >= 8) {
        memcpy(d, s, 8);
        memcpy(d + n - 8, s + n - 8, 8);
    } else if (n >= 4) {
        memcpy(d, s, 4);
        memcpy(d + n - 4, s + n - 4, 4);
    } else {
        for (int64_t i = 0; i < n; i++) d[i] = s[i];
    }
}

/* n bytes of the pattern v, which repeats every 4 bytes or faster; n in whole elements. */
static inline void fill_row(uint8_t *d, __m256i v, int64_t n)
{
    int64_t i = 0;
    for (; i + 32 <= n; i += 32) _mm256_storeu_si256((__m256i *)(d + i), v);
    uint32_t pattern = (uint32_t)_mm256_cvtsi256_si32(v);
    for (; i + 4 <= n; i += 4) memcpy(d + i, &pattern, 4);
    for (; i < n; i++) d[i] = (uint8_t)(pattern >> 8 * (i % 4));
}

/* The 32 bytes of v with elements of `size` bytes in reverse order. */
static inline __m256i reverse(__m256i v, int size)
{
    const __m256i bytes = _mm256_broadcastsi128_si256(
        _mm_setr_epi8(15, 14, 13, 12, 11, 10, 9, 8, 7, 6, 5, 4, 3, 2, 1, 0));
    const __m256i words = _mm256_broadcastsi128_si256(
        _mm_setr_epi8(14, 15, 12, 13, 10, 11, 8, 9, 6, 7, 4, 5, 2, 3, 0, 1));
    if (size == 4) return _mm256_permutevar8x32_epi32(v, _mm256_setr_epi32(7, 6, 5, 4, 3, 2, 1, 0));
    v = _mm256_shuffle_epi8(v, size == 2 ? words : bytes);
    return _mm256_permute4x64_epi64(v, 0x4e);
}

/* How much of a reversed row whole vectors can do; s is the source of d[0]. */
static inline int64_t reverse_row(uint8_t *d, const uint8_t *s, int64_t n, int size)
{
    int64_t i = 0, step = 32 / size;
    for (; i + step <= n; i += step) {
        __m256i v = _mm256_loadu_si256((const __m256i *)(s - (i + step - 1) * size));
        _mm256_storeu_si256((__m256i *)(d + i * size), reverse(v, size));
    }
    return i;
}

#define COPY(type, set1)                                                                           \
    type *d = dst;                                                                                 \
    const type *s = src;                                                                           \
    const int size = (int)sizeof(type);                                                            \
    for (int64_t i = 0; i < n0; i++, d += d0, s += s0) {                                           \
        int64_t j = 0;                                                                             \
        if (d1 == 1 && s1 == 1) {                                                                  \
            copy_row((uint8_t *)d, (const uint8_t *)s, n1 *size);                                  \
            continue;                                                                              \
        }                                                                                          \
        if (d1 == 1 && s1 == 0 && n1 > 0) {                                                        \
            fill_row((uint8_t *)d, set1, n1 *size);                                                \
            continue;                                                                              \
        }                                                                                          \
        if (d1 == 1 && s1 == -1) j = reverse_row((uint8_t *)d, (const uint8_t *)s, n1, size);      \
        for (; j < n1; j++) d[j * d1] = s[j * s1];                                                 \
    }

static void sw__copy_x8_avx2 SW_COPY_ARGUMENTS
{
    COPY(uint8_t, _mm256_set1_epi8((char)*s))
}

static void sw__copy_x16_avx2 SW_COPY_ARGUMENTS
{
    COPY(uint16_t, _mm256_set1_epi16((short)*s))
}

static void sw__copy_x32_avx2 SW_COPY_ARGUMENTS
{
    COPY(uint32_t, _mm256_set1_epi32((int)*s))
}

/* ---- gathers ----------------------------------------------------------------------------------- */

#define GATHER(type)                                                                               \
    type *d = dst;                                                                                 \
    const type *s = src;                                                                           \
    for (int64_t i = 0; i < n; i++, d += inner) {                                                  \
        int64_t r = ids[i] < 0 ? ids[i] + rows : ids[i];                                           \
        bool inside = r >= 0 && r < rows;                                                          \
        if (inner == 1)                                                                            \
            *d = inside ? s[r] : 0;                                                                \
        else if (inside)                                                                           \
            copy_row((uint8_t *)d, (const uint8_t *)(s + r * inner), inner *(int)sizeof(type));    \
        else                                                                                       \
            memset(d, 0, (size_t)inner * sizeof(type));                                            \
    }

static void sw__gather_x8_avx2 SW_GATHER_ARGUMENTS
{
    GATHER(uint8_t)
}

static void sw__gather_x16_avx2 SW_GATHER_ARGUMENTS
{
    GATHER(uint16_t)
}

/* Single elements, eight at a time; returns how many. */
static int64_t gather_elements(int32_t *d, const int32_t *s, const int32_t *ids, int64_t n,
                               int64_t rows)
{
    if (rows > INT32_MAX) return 0;
    const __m256i none = _mm256_setzero_si256(), size = _mm256_set1_epi32((int32_t)rows);
    int64_t i = 0;
    for (; i + 8 <= n; i += 8) {
        __m256i r = _mm256_loadu_si256((const __m256i *)(ids + i));
        r = _mm256_add_epi32(r, _mm256_and_si256(_mm256_cmpgt_epi32(none, r), size));
        __m256i inside = _mm256_andnot_si256(_mm256_cmpgt_epi32(none, r),
                                             _mm256_cmpgt_epi32(size, r));
        _mm256_storeu_si256((__m256i *)(d + i), _mm256_mask_i32gather_epi32(none, s, r, inside, 4));
    }
    return i;
}

static void sw__gather_x32_avx2 SW_GATHER_ARGUMENTS
{
    int64_t done = inner == 1 ? gather_elements(dst, src, ids, n, rows) : 0;
    dst = (int32_t *)dst + done;
    ids += done;
    n -= done;
    GATHER(uint32_t)
}

/* ---- transposes -------------------------------------------------------------------------------- */

/* What is left of a transpose beside the tiles: rows i0..n0-1 of columns j0..n1-1. */
#define TRANSPOSE_REST(i0, j0)                                                                     \
    for (int64_t i = (i0); i < n0; i++)                                                            \
        for (int64_t j = (j0); j < n1; j++) d[i * d0 + j] = s[j * s0 + i];

/* 16 rows of 32 columns of bytes: line r of the source beside line r + 16 in the two lanes of a
 * register, then four rounds of interleaving. */
static inline void tile_x8(uint8_t *d, int64_t d0, const uint8_t *s, int64_t s0)
{
    __m256i a[16], b[16];
    for (int r = 0; r < 16; r++)
        a[r] = _mm256_inserti128_si256(
            _mm256_castsi128_si256(_mm_loadu_si128((const __m128i *)(s + r * s0))),
            _mm_loadu_si128((const __m128i *)(s + (r + 16) * s0)), 1);
    for (int round = 0; round < 4; round++) {
        for (int r = 0; r < 8; r++) {
            b[2 * r] = _mm256_unpacklo_epi8(a[r], a[r + 8]);
            b[2 * r + 1] = _mm256_unpackhi_epi8(a[r], a[r + 8]);
        }
        for (int r = 0; r < 16; r++) a[r] = b[r];
    }
    for (int r = 0; r < 16; r++) _mm256_storeu_si256((__m256i *)(d + r * d0), a[r]);
}

static void sw__transpose_x8_16x32_avx2 SW_TRANSPOSE_ARGUMENTS
{
    uint8_t *d = dst;
    const uint8_t *s = src;
    int64_t whole0 = n0 / 16 * 16, whole1 = n1 / 32 * 32;
    for (int64_t i = 0; i < whole0; i += 16) {
        for (int64_t j = 0; j < whole1; j += 32) tile_x8(d + i * d0 + j, d0, s + j * s0 + i, s0);
    }
    if (whole0 > 0 && whole1 < n1)
        for (int64_t j = whole1; j < n1; j++)
            for (int64_t i = 0; i < whole0; i++) d[i * d0 + j] = s[j * s0 + i];
    TRANSPOSE_REST(whole0, 0)
}

/* 8 rows of 16 columns of words, the same way. */
static inline void tile_x16(uint16_t *d, int64_t d0, const uint16_t *s, int64_t s0)
{
    __m256i a[8], b[8];
    for (int r = 0; r < 8; r++)
        a[r] = _mm256_inserti128_si256(
            _mm256_castsi128_si256(_mm_loadu_si128((const __m128i *)(s + r * s0))),
            _mm_loadu_si128((const __m128i *)(s + (r + 8) * s0)), 1);
    for (int round = 0; round < 3; round++) {
        for (int r = 0; r < 4; r++) {
            b[2 * r] = _mm256_unpacklo_epi16(a[r], a[r + 4]);
            b[2 * r + 1] = _mm256_unpackhi_epi16(a[r], a[r + 4]);
        }
        for (int r = 0; r < 8; r++) a[r] = b[r];
    }
    for (int r = 0; r < 8; r++) _mm256_storeu_si256((__m256i *)(d + r * d0), a[r]);
}

static void sw__transpose_x16_8x16_avx2 SW_TRANSPOSE_ARGUMENTS
{
    uint16_t *d = dst;
    const uint16_t *s = src;
    int64_t whole0 = n0 / 8 * 8, whole1 = n1 / 16 * 16;
    for (int64_t i = 0; i < whole0; i += 8)
        for (int64_t j = 0; j < whole1; j += 16) tile_x16(d + i * d0 + j, d0, s + j * s0 + i, s0);
    if (whole0 > 0 && whole1 < n1)
        for (int64_t j = whole1; j < n1; j++)
            for (int64_t i = 0; i < whole0; i++) d[i * d0 + j] = s[j * s0 + i];
    TRANSPOSE_REST(whole0, 0)
}

/* mask of the first n of 8 elements */
static inline __m256i first(int64_t n)
{
    return _mm256_cmpgt_epi32(_mm256_set1_epi32(n > 8 ? 8 : (int)n),
                              _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7));
}

/* Up to 8 x 8 elements: `rows` of dst, `cols` of dst. */
static inline void tile_x32(float *d, int64_t d0, const float *s, int64_t s0, int64_t rows,
                            int64_t cols)
{
    __m256i in = first(rows), out = first(cols);
    __m256 a[8], b[8];
    for (int r = 0; r < 8; r++)
        a[r] = r < cols ? _mm256_maskload_ps(s + r * s0, in) : _mm256_setzero_ps();
    for (int r = 0; r < 8; r += 2) {
        b[r] = _mm256_unpacklo_ps(a[r], a[r + 1]);
        b[r + 1] = _mm256_unpackhi_ps(a[r], a[r + 1]);
    }
    for (int r = 0; r < 8; r += 4) {
        a[r] = _mm256_shuffle_ps(b[r], b[r + 2], 0x44);
        a[r + 1] = _mm256_shuffle_ps(b[r], b[r + 2], 0xee);
        a[r + 2] = _mm256_shuffle_ps(b[r + 1], b[r + 3], 0x44);
        a[r + 3] = _mm256_shuffle_ps(b[r + 1], b[r + 3], 0xee);
    }
    for (int r = 0; r < 4; r++) {
        b[r] = _mm256_permute2f128_ps(a[r], a[r + 4], 0x20);
        b[r + 4] = _mm256_permute2f128_ps(a[r], a[r + 4], 0x31);
    }
    for (int r = 0; r < 8 && r < rows; r++) {
        if (cols >= 8)
            _mm256_storeu_ps(d + r * d0, b[r]);
        else
            _mm256_maskstore_ps(d + r * d0, out, b[r]);
    }
}

static void sw__transpose_x32_8x8_avx2 SW_TRANSPOSE_ARGUMENTS
{
    float *d = dst;
    const float *s = src;
    for (int64_t i = 0; i < n0; i += 8)
        for (int64_t j = 0; j < n1; j += 8) {
            if (i + 8 <= n0 && j + 8 <= n1)
                tile_x32(d + i * d0 + j, d0, s + j * s0 + i, s0, 8, 8);
            else
                tile_x32(d + i * d0 + j, d0, s + j * s0 + i, s0, n0 - i, n1 - j);
        }
}

/* ---- sums ---------------------------------------------------------------------------------------- */

static void sw__axpy_f32_avx2(float *y, float a, const float *x, int64_t n)
{
    __m256 wide = _mm256_set1_ps(a);
    int64_t i = 0;
    for (; i + 8 <= n; i += 8) {
        __m256 product = _mm256_mul_ps(wide, _mm256_loadu_ps(x + i));
        _mm256_storeu_ps(y + i, _mm256_add_ps(_mm256_loadu_ps(y + i), product));
    }
    for (; i < n; i++) y[i] += a * x[i];
}

static void sw__lerp_f32_avx2(float *y, const float *a, const float *b, float w, int64_t n)
{
    __m256 w0 = _mm256_set1_ps(1 - w), w1 = _mm256_set1_ps(w);
    int64_t i = 0;
    for (; i + 8 <= n; i += 8)
        _mm256_storeu_ps(y + i, _mm256_add_ps(_mm256_mul_ps(w0, _mm256_loadu_ps(a + i)),
                                              _mm256_mul_ps(w1, _mm256_loadu_ps(b + i))));
    for (; i < n; i++) y[i] = (1 - w) * a[i] + w * b[i];
}

static void sw__lerp_at_f32_avx2(float *y, const float *x, const int32_t *from, const int32_t *to,
                                 const float *w, int64_t n)
{
    const __m256 one = _mm256_set1_ps(1);
    int64_t i = 0;
    for (; i + 8 <= n; i += 8) {
        __m256 a = _mm256_i32gather_ps(x, _mm256_loadu_si256((const __m256i *)(from + i)), 4);
        __m256 b = _mm256_i32gather_ps(x, _mm256_loadu_si256((const __m256i *)(to + i)), 4);
        __m256 w1 = _mm256_loadu_ps(w + i), w0 = _mm256_sub_ps(one, w1);
        _mm256_storeu_ps(y + i, _mm256_add_ps(_mm256_mul_ps(w0, a), _mm256_mul_ps(w1, b)));
    }
    for (; i < n; i++) y[i] = (1 - w[i]) * x[from[i]] + w[i] * x[to[i]];
}

/* Whole cache lines of dst by non-temporal stores, the ends like any others. */
static void stream_row(char *d, const char *s, int64_t bytes)
{
    int64_t head = (int64_t)(-(uintptr_t)d & 63), i;
    if (head > bytes) head = bytes;
    memcpy(d, s, (size_t)head);
    for (i = head; i + 64 <= bytes; i += 64) {
        __m256i a = _mm256_loadu_si256((const __m256i *)(s + i));
        __m256i b = _mm256_loadu_si256((const __m256i *)(s + i + 32));
        _mm256_stream_si256((__m256i *)(d + i), a);
        _mm256_stream_si256((__m256i *)(d + i + 32), b);
    }
    memcpy(d + i, s + i, (size_t)(bytes - i));
}

static void sw__stream_rows_avx2(void *dst, int64_t d0, const void *src, int64_t s0, int64_t n,
                                 int64_t bytes)
{
    for (int64_t i = 0; i < n && bytes > 0; i++)
        stream_row((char *)dst + i * d0, (const char *)src + i * s0, bytes);
    _mm_sfence(); /* before anybody is told that the rows are there */
}

void sw__move_init_avx2(struct sw_kernels *k)
{
    SW_KERNEL_SET(k, copy_x8, sw__copy_x8_avx2);
    SW_KERNEL_SET(k, copy_x16, sw__copy_x16_avx2);
    SW_KERNEL_SET(k, copy_x32, sw__copy_x32_avx2);
    SW_KERNEL_SET(k, gather_x8, sw__gather_x8_avx2);
    SW_KERNEL_SET(k, gather_x16, sw__gather_x16_avx2);
    SW_KERNEL_SET(k, gather_x32, sw__gather_x32_avx2);
    SW_KERNEL_SET(k, transpose_x8, sw__transpose_x8_16x32_avx2);
    SW_KERNEL_SET(k, transpose_x16, sw__transpose_x16_8x16_avx2);
    SW_KERNEL_SET(k, transpose_x32, sw__transpose_x32_8x8_avx2);
    SW_KERNEL_SET(k, stream_rows, sw__stream_rows_avx2);
    SW_KERNEL_SET(k, axpy_f32, sw__axpy_f32_avx2);
    SW_KERNEL_SET(k, lerp_f32, sw__lerp_f32_avx2);
    SW_KERNEL_SET(k, lerp_at_f32, sw__lerp_at_f32_avx2);
}
