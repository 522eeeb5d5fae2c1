/* Attention and positions, the readable form: Dao et al. 2022 (FlashAttention), algorithms 1 and 4,
 * for one block of keys at a time; Su et al. 2021 (RoFormer), equation 34.
 *
 * The operands and the rule of the bits are described in attention_kernels.h.  Here everything is a
 * loop over one row. */
#include <math.h>
#include "kernels/kernels.h"
#include "tensor/half.h"

enum { KEYS = SW_ATTENTION_KEYS, LANES = SW_ATTENTION_LANES, PAD = SW_ATTENTION_PAD };

static float element(const void *row, sw_dtype dtype, int64_t i)
{
    switch (dtype) {
    case SW_F16: return sw__f32_from_f16(((const uint16_t *)row)[i]);
    case SW_BF16: return sw__f32_from_bf16(((const uint16_t *)row)[i]);
    default: return ((const float *)row)[i];
    }
}

static void sw__attention_pack_rows_ref(float *dst, const void *const *rows, sw_dtype dtype,
                                        int64_t n, int64_t hs, float scale, const void *const *next)
{
    (void)next;
    int64_t hsp = (hs + PAD - 1) / PAD * PAD;
    for (int64_t i = 0; i < n; i++)
        for (int64_t d = 0; d < hsp; d++)
            dst[i * hsp + d] = d < hs ? scale * element(rows[i], dtype, d) : 0;
}

static void sw__attention_pack_keys_ref(float *dst, const void *const *rows, sw_dtype dtype,
                                        int64_t n, int64_t hs, const void *const *next)
{
    (void)next;
    for (int64_t d = 0; d < hs; d++)
        for (int64_t i = 0; i < KEYS; i++)
            dst[d * KEYS + i] = i < n ? element(rows[i], dtype, d) : 0;
}

static void sw__attention_store_ref(void *dst, sw_dtype dtype, const float *src, int64_t n)
{
    for (int64_t d = 0; d < n; d++) switch (dtype) {
        case SW_F16: ((uint16_t *)dst)[d] = sw__f16_from_f32(src[d]); break;
        case SW_BF16: ((uint16_t *)dst)[d] = sw__bf16_from_f32(src[d]); break;
        default: ((float *)dst)[d] = src[d]; break;
        }
}

/* The dot product of a row with key j of a transposed block. */
static float dot(const float *row, const float *transposed, int64_t hs, int64_t j)
{
    float s = 0;
    for (int64_t d = 0; d < hs; d++) s += row[d] * transposed[d * KEYS + j];
    return s;
}

/* The logit of row i and key j; *slope: its derivative by the dot product. */
static float logit(const float *q, const float *kt, int64_t hs, const struct sw_attention_view *v,
                   int64_t i, int64_t j, float *slope)
{
    float s = dot(q, kt, hs, j);
    *slope = 1;
    if (v->softcap > 0) {
        float t = tanhf(s / v->softcap);
        s = v->softcap * t;
        *slope = 1 - t * t;
    }
    return v->mask ? s + v->mask[i * KEYS + j] : s;
}

static const float log2_e = 0x1.715476p+0f, ln_2 = 0x1.62e43p-1f;

/* 2^(s log2(e) - m); a logit of -infinity is 0 whatever m is. */
static float probability(float s, float m)
{
    return s == -INFINITY ? 0 : exp2f(s * log2_e - m);
}

/* Algorithm 1, the inner loop, one row. */
static void forward_row(const struct sw_attention_forward *a, int64_t i)
{
    const int64_t lo = a->view.lo[i], hi = a->view.hi[i];
    if (lo >= hi) return;
    float p[KEYS], slope, most = -INFINITY, alpha = 1, m = a->m[i];
    for (int64_t j = lo; j < hi; j++) {
        p[j] = logit(a->q + i * a->hsp, a->kt, a->hs, &a->view, i, j, &slope);
        if (p[j] > most) most = p[j];
    }
    if (most > (m + SW_ATTENTION_SLACK) * ln_2) {
        m = most * log2_e;
        alpha = exp2f(a->m[i] - m);
        a->m[i] = m;
    }
    for (int64_t j = 0; j < KEYS; j++) p[j] = j >= lo && j < hi ? probability(p[j], m) : 0;
    float *l = a->l + i * LANES, *acc = a->acc + i * a->hsp;
    for (int64_t j = 0; j < LANES; j++)
        l[j] = l[j] * alpha + ((p[j] + p[j + LANES]) + (p[j + 2 * LANES] + p[j + 3 * LANES]));
    for (int64_t d = 0; d < a->hsp; d++) acc[d] *= alpha;
    for (int64_t j = lo; j < hi; j++)
        for (int64_t d = 0; d < a->hsp; d++) acc[d] += p[j] * a->v[j * a->hsp + d];
}

static void sw__attention_forward_ref(const struct sw_attention_forward *a)
{
    for (int64_t i = 0; i < a->rows; i++) forward_row(a, i);
}

/* Algorithm 4, the inner loop, one row. */
static void backward_row(const struct sw_attention_backward *a, int64_t i)
{
    const float *q = a->q + i * a->hsp, *dy = a->dy + i * a->hsp;
    for (int64_t j = a->view.lo[i]; j < a->view.hi[i]; j++) {
        float slope, s = logit(q, a->kt, a->hs, &a->view, i, j, &slope);
        float p = probability(s, a->lse[i]);
        float ds = p * (dot(dy, a->vt, a->hs, j) - a->delta[i]) * slope;
        for (int64_t d = 0; d < a->hs; d++) {
            if (a->dq) a->dq[i * a->hsp + d] += ds * a->k[j * a->hsp + d];
            if (!a->dk) continue;
            a->dk[j * a->hsp + d] += ds * q[d];
            a->dv[j * a->hsp + d] += p * dy[d];
        }
    }
}

static void sw__attention_backward_ref(const struct sw_attention_backward *a)
{
    for (int64_t i = 0; i < a->rows; i++) backward_row(a, i);
}

static void sw__rope_angles_ref(float *cosine, float *sine, double position,
                                const double *frequency, int64_t n)
{
    for (int64_t i = 0; i < n; i++) {
        cosine[i] = (float)cos(position * frequency[i]);
        sine[i] = (float)sin(position * frequency[i]);
    }
}

static void sw__rope_apply_ref(float *y, const float *x, const float *cosine, const float *sine,
                               int64_t heads, int64_t hs, int64_t dims, int interleaved)
{
    const int64_t half = dims / 2, step = interleaved ? 2 : 1, other = interleaved ? 1 : half;
    for (int64_t h = 0; h < heads; h++, x += hs, y += hs) {
        for (int64_t i = 0; i < half; i++) {
            float a = x[step * i], b = x[step * i + other];
            y[step * i] = a * cosine[i] - b * sine[i];
            y[step * i + other] = a * sine[i] + b * cosine[i];
        }
        for (int64_t d = dims; d < hs; d++) y[d] = x[d];
    }
}

void sw__attention_init_ref(struct sw_kernels *k)
{
    SW_KERNEL_SET(k, attention_pack_rows, sw__attention_pack_rows_ref);
    SW_KERNEL_SET(k, attention_pack_keys, sw__attention_pack_keys_ref);
    SW_KERNEL_SET(k, attention_store, sw__attention_store_ref);
    SW_KERNEL_SET(k, attention_forward, sw__attention_forward_ref);
    SW_KERNEL_SET(k, attention_backward, sw__attention_backward_ref);
    SW_KERNEL_SET(k, rope_angles, sw__rope_angles_ref);
    SW_KERNEL_SET(k, rope_apply, sw__rope_apply_ref);
}
