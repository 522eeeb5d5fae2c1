/* Products of unsigned and signed bytes by vpmaddubsw, which adds pairs of them into 16 bits with
 * saturation and so is only used where the pairs fit.  A unit gives
 *
 *     words_add, words_pairs   sums of words; of pairs of words as 32 bits
 *     bytes_pairs              vpmaddubsw
 *     bytes_abs, bytes_sign    |x|; x with its sign turned where the other is negative */
#include <string.h>

/* Bytes w up to 15, of which eight vectors add up to at most 8 * 2 * 15 * 127 = 30480, a 16-bit number; up to
 * 63, whose pairs do; and bytes - 128, by |w| times q with the sign of w: at most 2 * 128 * 127 = 32512.  The
 * last takes the offset -128, which is in start, back itself. */
enum size { NARROW, MIDDLE, WIDE };

VEC_INLINE vi dot(vi start, const vi *w, const int8_t *q, const int n, const enum size size)
{
    vi sum = vi_set(size == WIDE ? SW_QGEMM_MAGIC : 0);
    VEC_UNROLL for (int i = 0; i < n; i++)
    {
        int32_t word;
        memcpy(&word, q + 4 * i, sizeof word);
        vi four = vi_set(word);
        vi value = vi_xor(w[i], vi_set((int32_t)0x80808080));
        if (size == NARROW)
            sum = words_add(sum, bytes_pairs(w[i], four));
        else if (size == MIDDLE)
            sum = vi_add(sum, words_pairs(bytes_pairs(w[i], four)));
        else
            sum = vi_add(sum, words_pairs(bytes_pairs(bytes_abs(value), bytes_sign(four, value))));
    }
    return size == WIDE ? sum : vi_add(start, size == NARROW ? words_pairs(sum) : sum);
}
