/* Products of bytes where there is no VNNI: bytes 0 and 2, then 1 and 3 of each four become words, and
 * VPMADDWD adds two exact products each.  A unit defines vi_madd, vi_shl16, vi_shr16 and vi_sar16. */
#ifndef SWELL_INT8_WORDS_X86_H
#define SWELL_INT8_WORDS_X86_H

struct quad {
    vi even[2], odd[2];
};

VEC_INLINE struct quad quad_load(const int8_t *b)
{
    struct quad q;
    VEC_UNROLL for (int v = 0; v < 2; v++)
    {
        const vi x = vi_load((const int32_t *)(const void *)b + v * VF_N);
        q.even[v] = vi_sar16(vi_shl16(x, 8), 8);
        q.odd[v] = vi_sar16(x, 8);
    }
    return q;
}

VEC_INLINE void quad_add(vi sum[2], int32_t a, const struct quad *q)
{
    const vi x = vi_set(a), low = vi_and(x, vi_set(0x00ff00ff)), high = vi_shr16(x, 8);
    VEC_UNROLL for (int v = 0; v < 2; v++)
    {
        sum[v] = vi_add(sum[v], vi_madd(low, q->even[v]));
        sum[v] = vi_add(sum[v], vi_madd(high, q->odd[v]));
    }
}

#endif
