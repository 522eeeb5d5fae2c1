/* Philox4x32-10: Salmon, Moraes, Dror, Shaw, "Parallel random numbers: as easy as 1, 2, 3", SC 2011,
 * section 3.3, with the constants of its reference implementation, Random123.
 *
 * Ten rounds of two 32x32->64 bit multiplications on a 128-bit counter, keyed by the seed:
 *
 *     counter = { index low, index high, stream low, stream high }     key = { seed low, seed high }
 *
 * Uniforms take one word each, word i of a stream being word i % 4 of block i / 4.  Normals come by
 * Box-Muller in double, a pair of words making a pair of normals. */
#include "base/rng.h"

#include <math.h>
#include "base/check.h"

#define TWO_PI 6.283185307179586476925

void sw__philox(uint64_t seed, uint64_t stream, uint64_t index, uint32_t out[4])
{
    uint32_t c0 = (uint32_t)index, c1 = (uint32_t)(index >> 32);
    uint32_t c2 = (uint32_t)stream, c3 = (uint32_t)(stream >> 32);
    uint32_t k0 = (uint32_t)seed, k1 = (uint32_t)(seed >> 32);

    for (int round = 0; round < 10; round++) {
        uint64_t p0 = (uint64_t)0xD2511F53u * c0;
        uint64_t p1 = (uint64_t)0xCD9E8D57u * c2;
        c0 = (uint32_t)(p1 >> 32) ^ c1 ^ k0;
        c1 = (uint32_t)p1;
        c2 = (uint32_t)(p0 >> 32) ^ c3 ^ k1;
        c3 = (uint32_t)p0;
        k0 += 0x9E3779B9u;
        k1 += 0xBB67AE85u;
    }
    out[0] = c0;
    out[1] = c1;
    out[2] = c2;
    out[3] = c3;
}

uint32_t sw__random_u32(uint64_t seed, uint64_t stream, uint64_t index)
{
    uint32_t w[4];

    sw__philox(seed, stream, index / 4, w);
    return w[index % 4];
}

/* Two words -> two independent N(0, 1).  (w + 1/2) / 2^32 keeps the logarithm finite; the largest
 * value is sqrt(2 ln 2^33) = 6.76. */
static void box_muller(uint32_t w0, uint32_t w1, double *z0, double *z1)
{
    double r = sqrt(-2.0 * log(((double)w0 + 0.5) * 0x1p-32));
    double angle = TWO_PI * ((double)w1 * 0x1p-32);

    *z0 = r * cos(angle);
    *z1 = r * sin(angle);
}

uint32_t sw__rng_u32(struct sw_rng *rng)
{
    uint32_t w[4];

    sw__philox(rng->seed, rng->stream, rng->index++, w);
    return w[0];
}

float sw__rng_uniform(struct sw_rng *rng)
{
    return sw__uniform_of(sw__rng_u32(rng));
}

uint64_t sw__rng_below(struct sw_rng *rng, uint64_t n)
{
    SW_ASSERT(n > 0);
    /* 2^64 mod n values are one too many for a fair remainder: draw again below that. */
    const uint64_t reject = (0 - n) % n;
    uint32_t w[4];
    uint64_t x;

    do {
        sw__philox(rng->seed, rng->stream, rng->index++, w);
        x = (uint64_t)w[1] << 32 | w[0];
    } while (x < reject);
    return x % n;
}

double sw__rng_normal(struct sw_rng *rng)
{
    uint32_t w[4];
    double z0, z1;

    sw__philox(rng->seed, rng->stream, rng->index++, w);
    box_muller(w[0], w[1], &z0, &z1);
    return z0;
}

void sw__fill_uniform(float *x, int64_t n, float lo, float hi, uint64_t seed, uint64_t stream)
{
    const double range = (double)hi - lo;
    const float last = hi > lo ? nextafterf(hi, lo) : lo;
    uint32_t w[4];

    for (int64_t i = 0; i < n; i++) {
        if (i % 4 == 0) sw__philox(seed, stream, (uint64_t)i / 4, w);
        float v = (float)(lo + range * sw__uniform_of(w[i % 4]));
        x[i] = v < hi ? v : last; /* the rounding to float may reach hi */
    }
}

void sw__fill_normal(float *x, int64_t n, float mean, float deviation, uint64_t seed,
                     uint64_t stream)
{
    uint32_t w[4];
    double z[4];

    for (int64_t i = 0; i < n; i++) {
        if (i % 4 == 0) {
            sw__philox(seed, stream, (uint64_t)i / 4, w);
            box_muller(w[0], w[1], &z[0], &z[1]);
            box_muller(w[2], w[3], &z[2], &z[3]);
        }
        x[i] = (float)(mean + deviation * z[i % 4]);
    }
}

uint64_t sw__hash_name(const char *name)
{
    uint64_t h = 0xCBF29CE484222325u;

    for (; *name; name++) h = (h ^ (unsigned char)*name) * 0x100000001B3u;
    return h;
}
