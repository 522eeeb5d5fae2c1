/* GGUF's blocks (tensor/block_type.c) to panels: the layout of qgemm_kernels.h. */
#include "kernels/qgemm.h"
#include <string.h>
#include "base/size.h"
#include "tensor/block_type.h"

enum { GROUP = SW_QGEMM_GROUP, COLUMNS = SW_QGEMM_COLUMNS, VECTOR = 4 * COLUMNS };
enum { GROUP8 = GROUP * COLUMNS, GROUP4 = GROUP8 / 2, SCALES = 2 * COLUMNS };
enum { EIGHT = 8, SIX_BITS = 2 * COLUMNS, Q4_K_BYTES = 144 };
enum { EIGHT_BYTES = 2 * SCALES + EIGHT * (SIX_BITS + GROUP4) };

/* Bytes k..k+n-1 of a column to their places in the vectors. */
static void spread(uint8_t *vectors, const uint8_t *bytes, int n, int column, uint8_t flip)
{
    for (int k = 0; k < n; k++)
        vectors[k / 4 * VECTOR + column * 4 + k % 4] = (uint8_t)(bytes[k] ^ flip);
}

/* f16 d; i8 q[32] */
static void pack_q8_0(uint8_t *panel, const uint8_t *w, int64_t groups, int column)
{
    for (int64_t b = 0; b < groups; b++, w += 2 + GROUP) {
        uint8_t *pair = panel + b / 2 * (2 * SCALES + 2 * GROUP8);
        memcpy(pair + b % 2 * SCALES + 2 * column, w, 2);
        spread(pair + 2 * SCALES + b % 2 * GROUP8, w + 2, GROUP, column, 0x80);
    }
}

/* f16 d; 4 bits q[32], low halves first */
static void pack_q4_0(uint8_t *panel, const uint8_t *w, int64_t groups, int column)
{
    for (int64_t b = 0; b < groups; b++, w += 2 + GROUP / 2) {
        uint8_t *pair = panel + b / 2 * (2 * SCALES + 2 * GROUP4);
        memcpy(pair + b % 2 * SCALES + 2 * column, w, 2);
        spread(pair + 2 * SCALES + b % 2 * GROUP4, w + 2, GROUP / 2, column, 0);
    }
}

/* f16 d, dmin; 12 bytes of six bits; 4 bits q[256], the low halves of 32 bytes are one group and the
 * high ones the next */
static void pack_q4_k(uint8_t *panel, const uint8_t *w, int64_t groups, int column)
{
    for (int64_t b = 0; b < groups; b += EIGHT, w += Q4_K_BYTES, panel += EIGHT_BYTES) {
        memcpy(panel + 2 * column, w, 2);
        memcpy(panel + SCALES + 2 * column, w + 2, 2);
        for (int g = 0; g < EIGHT; g++) {
            int scale, minimum, shift = g % 2 * 4;
            uint8_t *six = panel + 2 * SCALES + g * SIX_BITS + column, halves[GROUP / 2];
            const uint8_t *q = w + 16 + g / 2 * GROUP;
            sw__q4_k_six_bits(w, g, &scale, &minimum);
            six[0] = (uint8_t)scale;
            six[COLUMNS] = (uint8_t)minimum;
            for (int k = 0; k < GROUP / 2; k++)
                halves[k] = (uint8_t)((q[k] >> shift & 15) | (q[k + GROUP / 2] >> shift & 15) << 4);
            spread(panel + 2 * SCALES + EIGHT * SIX_BITS + g * GROUP4, halves, GROUP / 2, column,
                   0);
        }
    }
}

static const struct sw_qgemm_type types[] = {
    {SW_Q8_0, SW_SLOT_qgemm_q8_0, -128, 2 * SCALES + 2 * GROUP8, 2, 2 * SCALES + GROUP8, pack_q8_0},
    {SW_Q4_0, SW_SLOT_qgemm_q4_0, -8, 2 * SCALES + 2 * GROUP4, 2, 2 * SCALES + GROUP4, pack_q4_0},
    {SW_Q4_K, SW_SLOT_qgemm_q4_k, 1, EIGHT_BYTES, EIGHT, 0, pack_q4_k},
};

const struct sw_qgemm_type *sw__qgemm_type(sw_dtype dtype)
{
    for (size_t i = 0; i < sizeof types / sizeof types[0]; i++)
        if (types[i].dtype == dtype) return &types[i];
    return NULL;
}

sw_qgemm_fn *sw__qgemm_kernel(const struct sw_qgemm_type *t, const struct sw_kernels *k)
{
    switch (t->slot) {
    case SW_SLOT_qgemm_q8_0: return k->qgemm_q8_0;
    case SW_SLOT_qgemm_q4_0: return k->qgemm_q4_0;
    default: return k->qgemm_q4_k;
    }
}

int64_t sw__qgemm_panel_bytes(const struct sw_qgemm_type *t, int64_t groups)
{
    return groups / t->pair_groups * t->pair_bytes +
           (groups % t->pair_groups > 0 ? t->lone_bytes : 0);
}

void sw__qgemm_pack(const struct sw_qgemm_type *t, uint8_t *panels, const void *w, int64_t n,
                    int64_t k, int64_t begin, int64_t end)
{
    const sw_dtype_info *info = sw_dtype_get(t->dtype);
    const int64_t row = k / info->block_elements * info->block_bytes, groups = k / GROUP;
    const size_t bytes = (size_t)sw__qgemm_panel_bytes(t, groups);
    for (int64_t p = begin; p < end; p++, panels += bytes) {
        int columns = (int)sw__min64(COLUMNS, n - p * COLUMNS);
        memset(panels, 0, bytes);
        for (int j = 0; j < columns; j++)
            t->pack(panels, (const uint8_t *)w + (p * COLUMNS + j) * row, groups, j);
    }
}
