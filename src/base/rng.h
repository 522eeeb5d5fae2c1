/* Counter-based random numbers: Philox4x32-10 (Salmon, Moraes, Dror, Shaw, "Parallel random numbers:
 * as easy as 1, 2, 3", SC 2011).  A number is a pure function of (seed, stream, index), so any
 * number of threads draws the same numbers, and a resumed run continues where it stopped. */
#ifndef SWELL_BASE_RNG_H
#define SWELL_BASE_RNG_H

#include <stdint.h>

struct sw_rng {
    uint64_t seed;   /* the key */
    uint64_t stream; /* upper half of the counter: which op, which epoch, ... */
    uint64_t index;  /* lower half: the next block of four */
};

/* The four 32-bit words of block `index`. */
void sw__philox(uint64_t seed, uint64_t stream, uint64_t index, uint32_t out[4]);

/* 32 random bits number `index` of a stream. */
uint32_t sw__random_u32(uint64_t seed, uint64_t stream, uint64_t index);

/* Uniform in [0, 1), 24 bits. */
static inline float sw__uniform_of(uint32_t bits)
{
    return (float)(bits >> 8) * 0x1p-24f;
}

/* Sequential draws for plain C code (shuffles, samplers): each takes one block. */
uint32_t sw__rng_u32(struct sw_rng *rng);
float sw__rng_uniform(struct sw_rng *rng);              /* [0, 1) */
uint64_t sw__rng_below(struct sw_rng *rng, uint64_t n); /* 0 .. n-1 without bias; n > 0 */
double sw__rng_normal(struct sw_rng *rng);              /* N(0, 1), Box-Muller in double */

/* Fill with uniform [lo, hi) or normal numbers: element i depends on (seed, stream, i) only. */
void sw__fill_uniform(float *x, int64_t n, float lo, float hi, uint64_t seed, uint64_t stream);
void sw__fill_normal(float *x, int64_t n, float mean, float deviation, uint64_t seed,
                     uint64_t stream);

/* A stream number from a name (FNV-1a, 64 bits): weights get the same start in any order. */
uint64_t sw__hash_name(const char *name);

#endif
