/* A random order without a table: a Feistel cipher on the smallest even number of bits that holds n,
 * walked until it lands inside 0..n-1 (Black and Rogaway 2002, "Ciphers with arbitrary finite domains",
 * section 4).  At most four steps on average. */
#include <swell/data.h>

#include "base/rng.h"

enum { FEISTEL_ROUNDS = 6 };

uint64_t sw_shuffled(uint64_t n, uint64_t seed, uint64_t epoch, uint64_t i)
{
    int half = 1;
    while (half < 31 && (UINT64_C(1) << (2 * half)) < n) half++;
    const uint64_t mask = (UINT64_C(1) << half) - 1;
    do {
        uint64_t left = i >> half, right = i & mask;
        for (uint64_t r = 0; r < FEISTEL_ROUNDS; r++) {
            uint64_t f = sw__random_u32(seed, epoch * FEISTEL_ROUNDS + r, right) & mask;
            uint64_t t = left ^ f;
            left = right;
            right = t;
        }
        i = left << half | right;
    } while (i >= n);
    return i;
}
