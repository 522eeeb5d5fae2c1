/* The vectors of AVX-512 as qgemm_x86.h names them. */
enum { LANES = 16, VECTORS = 1 };
typedef __m512 vf;
typedef __m512i vi;

static inline vf vf_zero(void)
{
    return _mm512_setzero_ps();
}

static inline vf vf_set1(float x)
{
    return _mm512_set1_ps(x);
}

static inline vf vf_mul(vf a, vf b)
{
    return _mm512_mul_ps(a, b);
}

/* a * b + c */
static inline vf vf_fma(vf a, vf b, vf c)
{
    return _mm512_fmadd_ps(a, b, c);
}

/* c - a * b */
static inline vf vf_fnma(vf a, vf b, vf c)
{
    return _mm512_fnmadd_ps(a, b, c);
}

static inline void vf_store(float *c, vf x, int n)
{
    _mm512_mask_storeu_ps(c, n >= LANES ? (__mmask16)0xffff : (__mmask16)((1u << n) - 1), x);
}

static inline vf vf_f16(const void *src)
{
    return _mm512_cvtph_ps(_mm256_loadu_si256(src));
}

static inline vf vf_u8(const void *src)
{
    return _mm512_cvtepi32_ps(_mm512_cvtepu8_epi32(_mm_loadu_si128(src)));
}

static inline vi vi_load(const void *src)
{
    return _mm512_loadu_si512(src);
}

static inline vi vi_set1(int32_t x)
{
    return _mm512_set1_epi32(x);
}

static inline vi vi_low(vi x)
{
    return _mm512_and_si512(x, _mm512_set1_epi8(15));
}

static inline vi vi_high(vi x)
{
    return _mm512_and_si512(_mm512_srli_epi16(x, 4), _mm512_set1_epi8(15));
}

static inline vf vi_f32(vi x)
{
    return _mm512_cvtepi32_ps(x);
}
