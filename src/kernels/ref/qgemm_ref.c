/* The reference of the qgemm family: what qgemm_kernels.h means, as plain loops. */
#include <math.h>
#include <stdbool.h>
#include <string.h>
#include "kernels/kernels.h"
#include "tensor/half.h"

enum { GROUP = SW_QGEMM_GROUP, COLUMNS = SW_QGEMM_COLUMNS };

static void round_group(int8_t *q, float *d, int32_t *sum, const float *x, int offset)
{
    float most = 0;
    bool finite = true;
    for (int j = 0; j < GROUP; j++) {
        finite = finite && isfinite(x[j]);
        most = fabsf(x[j]) > most ? fabsf(x[j]) : most;
    }
    float inverse = 127 / most;
    memset(q, 0, GROUP);
    *sum = 0;
    *d = finite ? 0 : NAN;
    if (!finite || !isfinite(inverse)) return;
    *d = most / 127;
    for (int j = 0; j < GROUP; j++) {
        q[j] = (int8_t)rintf(x[j] * inverse);
        *sum += q[j];
    }
    *sum *= offset;
}

static void sw__qgemm_round_ref(struct sw_qgemm_group *a, int row, const float *x, int offset,
                                int64_t groups)
{
    for (int64_t b = 0; b < groups; b++, a++, x += GROUP)
        round_group(a->q[row], &a->d[row], &a->sum[row], x, offset);
}

/* One column's weights in one group. */
struct group {
    float scale, minimum;
    int u[GROUP];
};

static float f16_at(const uint8_t *p, int j)
{
    uint16_t h;
    memcpy(&h, p + 2 * j, sizeof h);
    return sw__f32_from_f16(h);
}

/* Half bytes: k 0..15 low, 16..31 high. */
static void read_halves(struct group *w, const uint8_t *data, int j, int offset)
{
    for (int k = 0; k < GROUP / 2; k++) {
        int both = data[k / 4 * 64 + j * 4 + k % 4];
        w->u[k] = (both & 15) + offset;
        w->u[k + GROUP / 2] = (both >> 4) + offset;
    }
}

typedef void read_fn(struct group *w, const uint8_t *panel, int64_t b, int j);

static void read_q8_0(struct group *w, const uint8_t *panel, int64_t b, int j)
{
    const uint8_t *pair = panel + b / 2 * (64 + 2 * GROUP * COLUMNS);
    const uint8_t *data = pair + 64 + b % 2 * (GROUP * COLUMNS);
    w->scale = f16_at(pair + b % 2 * 32, j);
    w->minimum = 0;
    for (int k = 0; k < GROUP; k++) w->u[k] = data[k / 4 * 64 + j * 4 + k % 4] - 128;
}

static void read_q4_0(struct group *w, const uint8_t *panel, int64_t b, int j)
{
    const uint8_t *pair = panel + b / 2 * (64 + GROUP * COLUMNS);
    w->scale = f16_at(pair + b % 2 * 32, j);
    w->minimum = 0;
    read_halves(w, pair + 64 + b % 2 * (GROUP * COLUMNS / 2), j, -8);
}

static void read_q4_k(struct group *w, const uint8_t *panel, int64_t b, int j)
{
    const uint8_t *eight = panel + b / 8 * (64 + 8 * 32 + 4 * GROUP * COLUMNS);
    const uint8_t *six = eight + 64 + b % 8 * 32;
    w->scale = f16_at(eight, j) * (float)six[j];
    w->minimum = f16_at(eight + 32, j) * (float)six[16 + j];
    read_halves(w, eight + 64 + 8 * 32 + b % 8 * (GROUP * COLUMNS / 2), j, 0);
}

static void product(float *c, int64_t ldc, const struct sw_qgemm_group *a, const void *panel,
                    int64_t groups, int64_t m, int n, read_fn *read)
{
    for (int64_t i = 0; i < m; i++)
        for (int j = 0; j < n; j++) c[i * ldc + j] = 0;
    for (int64_t b = 0; b < groups; b++)
        for (int j = 0; j < n; j++) {
            struct group w;
            read(&w, panel, b, j);
            for (int64_t i = 0; i < m; i++) {
                const struct sw_qgemm_group *at = a + i / SW_QGEMM_ROWS * groups + b;
                const int row = (int)(i % SW_QGEMM_ROWS);
                float d = at->d[row], *sum = &c[i * ldc + j];
                int dot = 0;
                for (int k = 0; k < GROUP; k++) dot += at->q[row][k] * w.u[k];
                *sum += (float)dot * (d * w.scale);
                if (read == read_q4_k) *sum -= d * (float)at->sum[row] * w.minimum;
            }
        }
}

static void sw__qgemm_q8_0_ref(float *c, int64_t ldc, const struct sw_qgemm_group *a,
                               const void *panel, int64_t groups, int64_t m, int n)
{
    product(c, ldc, a, panel, groups, m, n, read_q8_0);
}

static void sw__qgemm_q4_0_ref(float *c, int64_t ldc, const struct sw_qgemm_group *a,
                               const void *panel, int64_t groups, int64_t m, int n)
{
    product(c, ldc, a, panel, groups, m, n, read_q4_0);
}

static void sw__qgemm_q4_k_ref(float *c, int64_t ldc, const struct sw_qgemm_group *a,
                               const void *panel, int64_t groups, int64_t m, int n)
{
    product(c, ldc, a, panel, groups, m, n, read_q4_k);
}

void sw__qgemm_init_ref(struct sw_kernels *k)
{
    SW_KERNEL_SET(k, qgemm_round, sw__qgemm_round_ref);
    SW_KERNEL_SET(k, qgemm_q8_0, sw__qgemm_q8_0_ref);
    SW_KERNEL_SET(k, qgemm_q4_0, sw__qgemm_q4_0_ref);
    SW_KERNEL_SET(k, qgemm_q4_k, sw__qgemm_q4_k_ref);
}
