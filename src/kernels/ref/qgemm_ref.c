/* The reference of the qgemm family: what qgemm_kernels.h means, as plain loops. */
#include <math.h>
#include <stdbool.h>
#include <string.h>
#include "kernels/kernels.h"
#include "tensor/half.h"

enum { GROUP = SW_QGEMM_GROUP, COLUMNS = SW_QGEMM_COLUMNS, HALVES = 2 * COLUMNS };

static void round_group(struct sw_qgemm_row *a, int sum[2], const float *x)
{
    float most = 0;
    bool finite = true;
    for (int j = 0; j < GROUP; j++) {
        finite = finite && isfinite(x[j]);
        most = fabsf(x[j]) > most ? fabsf(x[j]) : most;
    }
    float inverse = 127 / most;
    memset(a->q, 0, GROUP);
    sum[0] = sum[1] = 0;
    a->d = finite ? 0 : NAN;
    if (!finite || !isfinite(inverse)) return;
    a->d = most / 127;
    for (int j = 0; j < GROUP; j++) {
        a->q[j] = (int8_t)rintf(x[j] * inverse);
        sum[j / 16] += a->q[j];
    }
}

static void sw__qgemm_round_ref(struct sw_qgemm_group *a, int row, const float *x, int offset,
                                int parts, int64_t groups)
{
    for (int64_t b = 0; b < groups; b++) {
        struct sw_qgemm_row *to = &a[b].row[row];
        int sum[2];
        round_group(to, sum, x + b * GROUP);
        if (parts == 1) sum[0] += sum[1];
        for (int p = 0; p < 2; p++)
            if (offset != 0)
                to->start[p] = p < parts ? SW_QGEMM_MAGIC + offset * sum[p] : 0;
            else
                to->sum[p] = p < parts ? to->d * (float)sum[p] : 0;
    }
}

/* ---- panels -------------------------------------------------------------------------------------- */

enum type {
#define TYPE(type, TYPE, unit, scales, data, offset, parts) TYPE,
    SW_QGEMM_TYPES(TYPE)
#undef TYPE
};

struct form {
    enum type type;
    int unit, scales, data, offset, parts;
};

/* One column's weights in one group. */
struct group {
    float scale[2], minimum[2];
    int u[GROUP];
};

static float f16_at(const uint8_t *p, int j)
{
    uint16_t h;
    memcpy(&h, p + 2 * j, sizeof h);
    return sw__f32_from_f16(h);
}

/* Byte j of four k, in vector `vector`. */
static int byte_at(const uint8_t *data, int vector, int j, int k)
{
    return data[vector * 64 + j * 4 + k % 4];
}

static int number(enum type t, const uint8_t *data, int j, int k)
{
    static const uint8_t iq4[16] = {SW_QGEMM_IQ4_LEVELS}, mxfp4[16] = {SW_QGEMM_MXFP4_LEVELS};
    const int four = k / 4;
    const int two = byte_at(data, four / 4, j, k) >> four % 4 * 2 & 3;
    const int low = t == Q2_K || t == Q3_K ? 0 : byte_at(data, four % 4, j, k) >> four / 4 * 4 & 15;
    switch (t) {
    case Q8_0: return byte_at(data, four, j, k);
    case Q5_0:
    case Q5_1:
    case Q5_K: return low | (byte_at(data, 4, j, k) >> four & 1) << 4;
    case Q6_K: return low | (byte_at(data, 4 + four / 4, j, k) >> four % 4 * 2 & 3) << 4;
    case Q2_K: return two;
    case Q3_K: return two | (byte_at(data, 2, j, k) >> four & 1) << 2;
    case IQ4_NL:
    case IQ4_XS: return iq4[low];
    case MXFP4: return mxfp4[low];
    default: return low;
    }
}

static void read_scales(struct group *w, const struct form *f, const uint8_t *unit, int b, int j)
{
    const uint8_t *small = unit + 2 * HALVES + j;
    memset(w, 0, sizeof *w);
    switch (f->type) {
    case MXFP4: w->scale[0] = ldexpf(1, unit[b * COLUMNS + j] - 128); return;
    case Q4_1:
    case Q5_1: w->minimum[0] = f16_at(unit + (2 + b) * HALVES, j); /* fall through */
    case Q8_0:
    case Q4_0:
    case Q5_0:
    case IQ4_NL: w->scale[0] = f16_at(unit + b * HALVES, j); return;
    case Q4_K:
    case Q5_K:
        w->scale[0] = f16_at(unit, j) * (float)small[2 * b * COLUMNS];
        w->minimum[0] = f16_at(unit + HALVES, j) * (float)small[(2 * b + 1) * COLUMNS];
        return;
    case IQ4_XS:
        w->scale[0] = f16_at(unit + b / 8 * HALVES, j) * (float)(int8_t)small[b * COLUMNS];
        return;
    default: break;
    }
    for (int p = 0; p < 2; p++) {
        const uint8_t both = small[(2 * b + p) * COLUMNS];
        if (f->type == Q2_K) {
            w->scale[p] = f16_at(unit, j) * (float)(both & 15);
            w->minimum[p] = f16_at(unit + HALVES, j) * (float)(both >> 4);
        } else {
            w->scale[p] = f16_at(unit + b / 8 * HALVES, j) * (float)(int8_t)both;
        }
    }
}

static void read_group(struct group *w, const struct form *f, const uint8_t *panel, int64_t group,
                       int j)
{
    const int b = (int)(group % f->unit);
    const uint8_t *unit = panel + group / f->unit * (f->scales + f->unit * f->data);
    read_scales(w, f, unit, b, j);
    for (int k = 0; k < GROUP; k++)
        w->u[k] = number(f->type, unit + f->scales + b * f->data, j, k) + f->offset;
}

/* ---- products ------------------------------------------------------------------------------------ */

static void add_group(float *sum, const struct sw_qgemm_row *a, const struct group *w,
                      const struct form *f)
{
    const int n = GROUP / f->parts;
    for (int p = 0; p < f->parts; p++) {
        int dot = 0;
        for (int k = p * n; k < (p + 1) * n; k++) dot += a->q[k] * w->u[k];
        *sum += (float)dot * w->scale[p] * a->d;
    }
    if (f->offset != 0) return;
    for (int p = 0; p < f->parts; p++) *sum -= a->sum[p] * w->minimum[p];
}

static void product(float *c, int64_t ldc, const struct sw_qgemm_group *a, const void *panel,
                    int64_t groups, int64_t m, int n, const struct form *f)
{
    for (int64_t i = 0; i < m; i++)
        for (int j = 0; j < n; j++) c[i * ldc + j] = 0;
    for (int64_t b = 0; b < groups; b++)
        for (int j = 0; j < n; j++) {
            struct group w;
            read_group(&w, f, panel, b, j);
            for (int64_t i = 0; i < m; i++)
                add_group(&c[i * ldc + j],
                          &a[i / SW_QGEMM_ROWS * groups + b].row[i % SW_QGEMM_ROWS], &w, f);
        }
}

#define KERNEL(type, TYPE, unit, scales, data, offset, parts)                                      \
    static void sw__qgemm_##type##_ref(float *c, int64_t ldc, const struct sw_qgemm_group *a,      \
                                       const void *panel, int64_t groups, int64_t m, int n)        \
    {                                                                                              \
        product(c, ldc, a, panel, groups, m, n,                                                    \
                &(const struct form){TYPE, unit, scales, data, offset, parts});                    \
    }
SW_QGEMM_TYPES(KERNEL)

#define SET(type, TYPE, unit, scales, data, offset, parts)                                         \
    SW_KERNEL_SET(k, qgemm_##type, sw__qgemm_##type##_ref);

void sw__qgemm_init_ref(struct sw_kernels *k)
{
    SW_KERNEL_SET(k, qgemm_round, sw__qgemm_round_ref);
    SW_QGEMM_TYPES(SET)
}
