/* Mixup: Zhang, Cisse, Dauphin, Lopez-Paz 2018, "mixup: Beyond Empirical Risk Minimization".  The partner of
 * a picture is the one at the other end of the batch, which is in random order anyway. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/rng.h"
#include "train/image_set_int.h"

/* Gamma(shape, 1): Marsaglia and Tsang 2000, "A simple method for generating gamma variables"; below 1 by
 * their note at the end of section 6. */
static double draw_gamma(struct sw_rng *rng, double shape)
{
    double boost = 1;
    if (shape < 1) {
        boost = pow(((double)sw__rng_u32(rng) + 0.5) * 0x1p-32, 1 / shape);
        shape += 1;
    }
    const double d = shape - 1.0 / 3, c = 1 / sqrt(9 * d);
    for (;;) {
        const double x = sw__rng_normal(rng), v = (1 + c * x) * (1 + c * x) * (1 + c * x);
        const double u = ((double)sw__rng_u32(rng) + 0.5) * 0x1p-32;
        if (v > 0 && log(u) < 0.5 * x * x + d - d * v + d * log(v)) return boost * d * v;
    }
}

static float draw_beta(float alpha, uint64_t seed, uint64_t epoch, uint64_t first)
{
    struct sw_rng rng = {seed, sw__hash_name("mixup") + epoch, first << 16};
    const double x = draw_gamma(&rng, (double)alpha), y = draw_gamma(&rng, (double)alpha);
    return x + y > 0 ? (float)(x / (x + y)) : 0.5f; /* both vanish for a tiny alpha */
}

void sw_image_mixup(float alpha, uint64_t seed, uint64_t epoch, uint64_t first, float *images,
                    int64_t n, int64_t size, const int32_t *labels, int classes,
                    float *probabilities)
{
    const float f = alpha > 0 ? draw_beta(alpha, seed, epoch, first) : 1, g = 1 - f;
    memset(probabilities, 0, (size_t)(n * classes) * sizeof *probabilities);
    for (int64_t i = 0; i < n; i++) {
        probabilities[i * classes + labels[i]] += f;
        probabilities[i * classes + labels[n - 1 - i]] += g;
    }
    if (f == 1) return;
    for (int64_t i = 0; i < n / 2; i++) {
        float *x = images + i * size, *y = images + (n - 1 - i) * size;
        for (int64_t k = 0; k < size; k++) {
            const float a = x[k], b = y[k];
            x[k] = f * a + g * b;
            y[k] = f * b + g * a;
        }
    }
}
