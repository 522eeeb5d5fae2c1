/* Numbers into GGUF's blocks: by search for the least weighted squares of errors, or, for the plain types
 * without importance, bit for bit as ggml's reference quantisers.
 *
 * Search: some spans of the levels are tried; values are rounded to levels, then scale (and minimum) are
 * those of least squares, and the span with the smallest error wins.  A value's weight is its importance;
 * without, its magnitude plus the root mean square of the group.
 * Types of two floors then round scales and minima to their few bits and try the neighbours of each, with
 * values rounded again, as the rounding of a scale costs more than that of the values.
 *
 * Plain types scale by the reciprocal 1/d in f32 and by the d that is not yet rounded to f16: other choices
 * give other bits.  A block that holds a number that is none gets d = NaN, so that the fault stays visible
 * (mxfp4, which has no NaN: infinity); a d too small for f16 gives zeros. */
#include "tensor/block_type.h"

#include <math.h>
#include <string.h>
#include "tensor/half.h"

enum { SPANS = 24, HALF_SPANS = 9, F16_NAN = 0x7E00 };

/* What a block is made of before it is packed: numbers as they stand in it. */
struct draft {
    const struct sw_block_type *t;
    int n, groups, low, high; /* values, groups; least and greatest q */
    uint16_t d, m;
    int scale[SW_BLOCK_GROUPS], minimum[SW_BLOCK_GROUPS];
    int q[SW_BLOCK_MOST];
    float between[16]; /* of levels: where the nearer one changes */
};

/* ---- packing ----------------------------------------------------------------------------------- */

static void put_field(uint8_t *b, struct sw_block_bits f, int i, int x)
{
    const int bytes = f.span * f.width / 8, in = i % f.span;
    b[f.at + i / f.span * bytes + in % bytes] |= (uint8_t)((x & ((1 << f.width) - 1))
                                                           << (in / bytes * f.width));
}

static void put_number(uint8_t *b, const struct sw_block_bits f[2], int i, int x)
{
    put_field(b, f[0], i, x);
    if (f[1].width) put_field(b, f[1], i, x >> f[0].width);
}

static void put_six_bits(uint8_t *b, int group, int scale, int minimum)
{
    uint8_t *s = b + 4;
    if (group < 4) {
        s[group] |= (uint8_t)scale;
        s[group + 4] |= (uint8_t)minimum;
    } else {
        s[group + 4] |= (uint8_t)((scale & 15) | (minimum & 15) << 4);
        s[group - 4] |= (uint8_t)(scale >> 4 << 6);
        s[group] |= (uint8_t)(minimum >> 4 << 6);
    }
}

static void put_half(uint8_t *p, uint16_t h)
{
    p[0] = (uint8_t)h; /* little-endian in the file, on every machine */
    p[1] = (uint8_t)(h >> 8);
}

static void pack(uint8_t *b, const struct draft *f)
{
    const struct sw_block_type *t = f->t;
    memset(b, 0, (size_t)sw_dtype_get(t->dtype)->block_bytes);
    if (t->dtype == SW_MXFP4)
        b[t->d] = (uint8_t)f->d;
    else
        put_half(b + t->d, f->d);
    if (t->offset != SW_BLOCK_SYMMETRIC) put_half(b + t->m, f->m);
    for (int g = 0; g < f->groups && t->scale[0].width; g++) {
        if (t->scale[0].width == 6) {
            put_six_bits(b, g, f->scale[g], f->minimum[g]);
            continue;
        }
        put_number(b, t->scale, g, f->scale[g] + t->scale_zero);
        if (t->offset == SW_BLOCK_MINUS) put_number(b, t->scale, g + f->groups, f->minimum[g]);
    }
    for (int i = 0; i < f->n; i++) put_number(b, t->q, i, f->q[i] + t->q_zero);
}

/* ---- rounding ---------------------------------------------------------------------------------- */

static float f32_of(uint16_t h)
{
    return sw__f32_from_f16(h);
}

static float reciprocal(float d)
{
    const float r = d != 0 ? 1.0f / d : 0.0f;
    return isfinite(r) ? r : 0.0f;
}

/* The nearest whole number from low to high; low for NaN. */
static int nearest(float x, int low, int high)
{
    if (!(x > (float)low)) return low;
    return x >= (float)high ? high : (int)(x - (float)low + 0.5f) + low;
}

/* The q whose value is nearest to x; *value: that value. */
static int nearest_level(const struct draft *f, float x, float *value)
{
    const int8_t *level = f->t->levels;
    int q = 0;
    if (!level) {
        q = nearest(x, f->low, f->high);
        *value = (float)q;
        return q;
    }
    const bool folded = level[15] < 0; /* e2m1: eight levels and a sign */
    const float at = folded ? fabsf(x) : x;
    for (int i = 0; i < 15; i++) q += at > f->between[i];
    if (folded && x < 0) q += 8;
    *value = (float)level[q];
    return q;
}

/* The value of largest magnitude, with its sign; the first one of equals. */
static float extreme(const float *x, int n)
{
    float at = 0;
    for (int i = 0; i < n; i++)
        if (fabsf(x[i]) > fabsf(at)) at = x[i];
    return at;
}

/* ---- search ------------------------------------------------------------------------------------ */

/* x is about scale * q - minimum, both at least 0. */
struct affine {
    float scale, minimum;
};

/* The least squares of x = scale * q - minimum for q = round(x's place in the span); the error by
 * *error.  False: no such. */
static bool fit(const struct draft *f, const float *x, const float *weight, float low,
                float inverse, struct affine *out, float *error)
{
    float w = 0, wx = 0, wq = 0, wqq = 0, wqx = 0;
    float q[SW_BLOCK_MOST / 8];
    const int n = f->t->group;
    for (int i = 0; i < n; i++) {
        q[i] = (float)nearest(inverse * (x[i] - low), 0, f->high);
        w += weight[i];
        wx += weight[i] * x[i];
        wq += weight[i] * q[i];
        wqq += weight[i] * q[i] * q[i];
        wqx += weight[i] * q[i] * x[i];
    }
    const float determinant = w * wqq - wq * wq;
    if (!(determinant > 0)) return false;
    float scale = (w * wqx - wx * wq) / determinant, offset = (wqq * wx - wq * wqx) / determinant;
    if (offset > 0 && f->t->offset == SW_BLOCK_MINUS) { /* a minimum is not negative */
        offset = 0;
        scale = wqx / wqq;
    }
    *error = 0;
    for (int i = 0; i < n; i++) {
        const float e = scale * q[i] + offset - x[i];
        *error += weight[i] * e * e;
    }
    *out = (struct affine){scale, -offset};
    return true;
}

/* Scale and minimum of one group. */
static struct affine search_affine(const struct draft *f, const float *x, const float *weight)
{
    float low = f->t->offset == SW_BLOCK_MINUS ? 0 : x[0], high = x[0], least = INFINITY;
    for (int i = 0; i < f->t->group; i++) {
        low = x[i] < low ? x[i] : low;
        high = x[i] > high ? x[i] : high;
    }
    struct affine best = {(high - low) / (float)f->high, -low}, found;
    if (!(high > low)) return (struct affine){0, -low};
    for (int s = 0; s < SPANS; s++) {
        float error, span = (float)f->high - 1.4f + 0.1f * (float)s;
        if (fit(f, x, weight, low, span / (high - low), &found, &error) && error < least) {
            best = found;
            least = error;
        }
    }
    return best;
}

/* The scale of one group around 0. */
static float search_scale(const struct draft *f, const float *x, const float *weight)
{
    const float most = extreme(x, f->t->group), inverse = reciprocal(most);
    float best = 0, gain = 0, value;
    for (int s = -HALF_SPANS; s <= HALF_SPANS; s++) {
        float edge = (float)f->low + 0.1f * (float)s;
        if (f->t->levels) edge = (float)(s % 2 ? -127 - s : 127 + s); /* either sign */
        float wqx = 0, wqq = 0;
        for (int i = 0; i < f->t->group; i++) {
            nearest_level(f, edge * inverse * x[i], &value);
            wqx += weight[i] * value * x[i];
            wqq += weight[i] * value * value;
        }
        if (wqq > 0 && wqx * wqx > gain * wqq) {
            best = wqx / wqq;
            gain = wqx * wqx / wqq;
        }
    }
    return best;
}

static void weigh(const struct draft *f, const float *x, float *weight)
{
    for (int at = 0; at < f->n; at += f->t->group) {
        float squares = 0;
        for (int i = at; i < at + f->t->group; i++) squares += x[i] * x[i];
        squares = sqrtf(squares / (float)f->t->group);
        for (int i = at; i < at + f->t->group; i++) weight[i] = squares + fabsf(x[i]);
    }
}

/* ---- blocks ------------------------------------------------------------------------------------ */

/* Values of group g for a scale and minimum that are settled; returns the error. */
static float settle(struct draft *f, int g, const float *x, const float *weight, float step,
                    float off)
{
    const float inverse = reciprocal(step);
    float error = 0, value;
    for (int i = 0; i < f->t->group; i++) {
        f->q[g * f->t->group + i] = nearest_level(f, (x[i] + off) * inverse, &value);
        const float e = step * value - off - x[i];
        error += weight[i] * e * e;
    }
    return error;
}

/* The best of the neighbours of a scale and a minimum of few bits. */
static void settle_group(struct draft *f, int g, const float *x, const float *weight, int low,
                         int high)
{
    const float d = f32_of(f->d), dmin = f->t->offset == SW_BLOCK_SYMMETRIC ? 0 : f32_of(f->m);
    const int scale = f->scale[g], minimum = f->minimum[g], more = dmin != 0;
    float least = INFINITY;
    for (int s = scale - 1; s <= scale + 1; s++)
        for (int m = minimum - more; m <= minimum + more; m++) {
            if (s < low || s > high || m < 0 || m > high) continue;
            const float error = settle(f, g, x, weight, d * (float)s, dmin * (float)m);
            if (error < least) least = error, f->scale[g] = s, f->minimum[g] = m;
        }
    settle(f, g, x, weight, d * (float)f->scale[g], dmin * (float)f->minimum[g]);
}

/* Types whose groups have scales of a few bits. */
static void two_floors(struct draft *f, const float *x, const float *weight)
{
    struct affine of[SW_BLOCK_GROUPS], most = {0, 0};
    const bool symmetric = f->t->offset == SW_BLOCK_SYMMETRIC;
    const int bits = f->t->scale[0].width + f->t->scale[1].width;
    const int low = symmetric ? -(1 << (bits - 1)) : 0, high = (1 << (bits - symmetric)) - 1;
    for (int g = 0; g < f->groups; g++) {
        const int at = g * f->t->group;
        if (symmetric)
            of[g] = (struct affine){search_scale(f, x + at, weight + at), 0};
        else
            of[g] = search_affine(f, x + at, weight + at);
        if (fabsf(of[g].scale) > fabsf(most.scale)) most.scale = of[g].scale;
        most.minimum = fmaxf(most.minimum, of[g].minimum);
    }
    const float d = most.scale / (float)(symmetric ? low : high), dmin = most.minimum / (float)high;
    f->d = sw__f16_from_f32(d);
    f->m = sw__f16_from_f32(dmin);
    for (int g = 0; g < f->groups; g++) {
        f->scale[g] = nearest(of[g].scale * reciprocal(d), low, high);
        f->minimum[g] = nearest(of[g].minimum * reciprocal(dmin), 0, high);
        settle_group(f, g, x + g * f->t->group, weight + g * f->t->group, low, high);
    }
}

/* Types of one group, by search. */
static void one_floor(struct draft *f, const float *x, const float *weight)
{
    struct affine found;
    if (f->t->offset == SW_BLOCK_SYMMETRIC)
        found = (struct affine){search_scale(f, x, weight), 0};
    else
        found = search_affine(f, x, weight);
    f->d = sw__f16_from_f32(found.scale);
    f->m = sw__f16_from_f32(-found.minimum);
    settle(f, 0, x, weight, f32_of(f->d), -f32_of(f->m));
}

/* Types of one group, as ggml's reference. */
static void plain(struct draft *f, const float *x)
{
    const bool eight = f->t->dtype == SW_Q8_0;
    float low = 0, d = extreme(x, f->n) / (float)f->low;
    if (eight) d = fabsf(extreme(x, f->n)) / 127;
    if (f->t->offset == SW_BLOCK_PLUS) {
        float high = low = x[0];
        for (int i = 1; i < f->n; i++) {
            low = x[i] < low ? x[i] : low;
            high = x[i] > high ? x[i] : high;
        }
        d = (high - low) / (float)f->high;
    }
    const float inverse = reciprocal(d);
    f->d = sw__f16_from_f32(d);
    f->m = sw__f16_from_f32(low);
    for (int i = 0; i < f->n; i++) {
        const float scaled = (x[i] - low) * inverse;
        const int q = eight ? (int)roundf(scaled) : (int)(scaled - (float)f->low + 0.5f) + f->low;
        f->q[i] = q < f->high ? q : f->high;
    }
}

/* The exponent of the greatest magnitude, or one of its neighbours. */
static void microscaling(struct draft *f, const float *x, const float *weight)
{
    int exponent = 0, best = 0;
    float least = INFINITY;
    frexpf(extreme(x, f->n), &exponent);
    for (int e = exponent + 123; e <= exponent + 125; e++) {
        const float error = settle(f, 0, x, weight, ldexpf(1, e - 128), 0);
        if (e >= 0 && e < 255 && error < least) least = error, best = e;
    }
    settle(f, 0, x, weight, ldexpf(1, best - 128), 0);
    f->d = (uint16_t)best;
}

static void fault(struct draft *f)
{
    f->d = f->m = F16_NAN;
    if (f->t->dtype != SW_MXFP4) return;
    f->d = 255;
    for (int i = 0; i < f->n; i++) f->q[i] = 7; /* 12 * 2^127 */
}

static void quantise_block(struct draft *f, const float *x, const float *importance)
{
    float weight[SW_BLOCK_MOST];
    for (int i = 0; i < f->n; i++)
        if (!isfinite(x[i])) {
            fault(f);
            return;
        }
    if (importance)
        memcpy(weight, importance, (size_t)f->n * sizeof *weight);
    else
        weigh(f, x, weight);
    if (f->t->dtype == SW_MXFP4)
        microscaling(f, x, weight);
    else if (f->groups > 1)
        two_floors(f, x, weight);
    else if (importance || f->t->levels)
        one_floor(f, x, weight);
    else
        plain(f, x);
}

void sw__block_quantise(const struct sw_block_type *t, void *blocks, const float *x,
                        const float *importance, int64_t n)
{
    const sw_dtype_info *info = sw_dtype_get(t->dtype);
    const int bits = t->q[0].width + t->q[1].width, elements = info->block_elements;
    uint8_t *b = blocks;
    for (int64_t i = 0; i < n; i += elements, b += info->block_bytes) {
        struct draft f = {.t = t, .n = elements, .groups = elements / t->group, .low = -t->q_zero};
        f.high = (1 << bits) - 1 - t->q_zero;
        if (bits == 8) f.low = -128, f.high = 127;
        for (int k = 0; t->levels && k < 15; k++)
            f.between[k] = t->levels[k + 1] > t->levels[k]
                               ? (float)(t->levels[k] + t->levels[k + 1]) / 2
                               : INFINITY;
        quantise_block(&f, x + i, importance ? importance + i : NULL);
        pack(b, &f);
    }
}
