/* Products of unsigned and signed bytes by vpmaddubsw, which adds pairs of them into 16 bits with
 * saturation and so is only used where the pairs fit.  A unit gives
 *
 *     words_add, words_pairs   sums of words; of pairs of words as 32 bits
 *     bytes_pairs              vpmaddubsw
 *     bytes_abs, bytes_sign    |x|; x with its sign turned where the other is negative */
VEC_INLINE vi dot4_start(int32_t sum)
{
    (void)sum;
    return vi_set(0);
}

/* Eight of these add up to at most 8 * 2 * 15 * 127 = 30480, a 16-bit number. */
VEC_INLINE vi dot4(vi sum, vi w, vi q)
{
    return words_add(sum, bytes_pairs(w, q));
}

VEC_INLINE vi dot4_join(vi a, vi b)
{
    return words_add(a, b);
}

VEC_INLINE vi dot4_end(vi dot, int32_t sum)
{
    return vi_add(words_pairs(dot), vi_set(sum));
}

VEC_INLINE vi dot8_start(int32_t sum)
{
    (void)sum;
    return vi_set(0);
}

/* |w| * (q with the sign of w): pairs add up to at most 2 * 128 * 127 = 32512. */
VEC_INLINE vi dot8(vi sum, vi w, vi q)
{
    vi value = vi_xor(w, vi_set((int32_t)0x80808080));
    return vi_add(sum, words_pairs(bytes_pairs(bytes_abs(value), bytes_sign(q, value))));
}
