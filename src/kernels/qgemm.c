/* GGUF's blocks (tensor/block_type.c says what each byte means) to panels: the layout of qgemm_kernels.h.
 *
 * A type has a function that reads one group of a row of W: its 32 unsigned numbers as eight words, the four
 * bytes of a word being those of four k, and its scales, which it writes to their place in the panel.  What the
 * types share is how numbers are cut by bits; a word is then a column's part of a vector. */
#include "kernels/qgemm.h"
#include <string.h>
#include "base/size.h"
#include "tensor/block_type.h"

enum { GROUP = SW_QGEMM_GROUP, COLUMNS = SW_QGEMM_COLUMNS, VECTOR = 4 * COLUMNS, FOURS = 8 };
enum { HALVES = 2 * COLUMNS }; /* bytes of an f16 for each column */

static uint32_t word(const uint8_t *p)
{
    uint32_t w;
    memcpy(&w, p, sizeof w);
    return w;
}

/* Bits `mask` of each byte. */
static uint32_t bits(uint32_t w, int down, uint32_t mask)
{
    return w >> down & mask * 0x01010101u;
}

static void put_f16(uint8_t *halves, int column, const uint8_t *h)
{
    memcpy(halves + 2 * column, h, 2);
}

/* Half bytes of 32 numbers, the low ones first. */
static void low_high(uint32_t u[FOURS], const uint8_t *q)
{
    for (int i = 0; i < FOURS; i++) u[i] = bits(word(q + i % 4 * 4), i / 4 * 4, 15);
}

/* ---- types of 32: group b of the unit is the block at w ------------------------------------------ */

typedef void read_fn(uint32_t u[FOURS], uint8_t *unit, const uint8_t *w, int b, int column);

static void read_q8_0(uint32_t u[FOURS], uint8_t *unit, const uint8_t *w, int b, int column)
{
    put_f16(unit + b * HALVES, column, w);
    for (int i = 0; i < FOURS; i++) u[i] = word(w + 2 + 4 * i) ^ 0x80808080u;
}

static void read_q4_0(uint32_t u[FOURS], uint8_t *unit, const uint8_t *w, int b, int column)
{
    put_f16(unit + b * HALVES, column, w);
    low_high(u, w + 2);
}

static void read_mxfp4(uint32_t u[FOURS], uint8_t *unit, const uint8_t *w, int b, int column)
{
    unit[b * COLUMNS + column] = w[0];
    low_high(u, w + 1);
}

/* d and m; the panel has -m. */
static void read_q4_1(uint32_t u[FOURS], uint8_t *unit, const uint8_t *w, int b, int column)
{
    const uint8_t turned[2] = {w[2], w[3] ^ 0x80};
    put_f16(unit + b * HALVES, column, w);
    put_f16(unit + (2 + b) * HALVES, column, turned);
    low_high(u, w + 4);
}

/* The fifth bits of 32 numbers, in their order. */
static void fifth(uint32_t u[FOURS], const uint8_t *high)
{
    for (int k = 0; k < GROUP; k++) u[k / 4] |= (word(high) >> k & 1) << (k % 4 * 8 + 4);
}

static void read_q5_0(uint32_t u[FOURS], uint8_t *unit, const uint8_t *w, int b, int column)
{
    put_f16(unit + b * HALVES, column, w);
    low_high(u, w + 6);
    fifth(u, w + 2);
}

static void read_q5_1(uint32_t u[FOURS], uint8_t *unit, const uint8_t *w, int b, int column)
{
    read_q4_1(u, unit, w, b, column);
    low_high(u, w + 8);
    fifth(u, w + 4);
}

/* ---- types of 256: group b of the unit is group b % 8 of the block at w --------------------------- */

static void read_q2_k(uint32_t u[FOURS], uint8_t *unit, const uint8_t *w, int b, int column)
{
    put_f16(unit, column, w + 80);
    put_f16(unit + HALVES, column, w + 82);
    for (int p = 0; p < 2; p++) unit[2 * HALVES + (2 * b + p) * COLUMNS + column] = w[2 * b + p];
    for (int i = 0; i < FOURS; i++) u[i] = bits(word(w + 16 + b / 4 * 32 + 4 * i), b % 4 * 2, 3);
}

/* Scale j of 16, six bits: four in the first eight of twelve bytes, two in the last four. */
static int q3_k_scale(const uint8_t *six, int j)
{
    return ((six[j % 8] >> j / 8 * 4 & 15) | (six[8 + j % 4] >> j / 4 * 2 & 3) << 4) - 32;
}

static void read_q3_k(uint32_t u[FOURS], uint8_t *unit, const uint8_t *w, int b, int column)
{
    const int g = b % 8;
    put_f16(unit + b / 8 * HALVES, column, w + 108);
    for (int p = 0; p < 2; p++)
        unit[2 * HALVES + (2 * b + p) * COLUMNS + column] = (uint8_t)q3_k_scale(w + 96, 2 * g + p);
    for (int i = 0; i < FOURS; i++)
        u[i] = bits(word(w + 32 + g / 4 * 32 + 4 * i), g % 4 * 2, 3) | bits(word(w + 4 * i), g, 1)
                                                                           << 2;
}

static void read_q4_k(uint32_t u[FOURS], uint8_t *unit, const uint8_t *w, int b, int column)
{
    uint8_t *six = unit + 2 * HALVES + 2 * b * COLUMNS + column;
    int scale, minimum;
    put_f16(unit, column, w);
    put_f16(unit + HALVES, column, w + 2);
    sw__q4_k_six_bits(w, b, &scale, &minimum);
    six[0] = (uint8_t)scale;
    six[COLUMNS] = (uint8_t)minimum;
    for (int i = 0; i < FOURS; i++) u[i] = bits(word(w + 16 + b / 2 * 32 + 4 * i), b % 2 * 4, 15);
}

static void read_q5_k(uint32_t u[FOURS], uint8_t *unit, const uint8_t *w, int b, int column)
{
    read_q4_k(u, unit, w, b, column);
    for (int i = 0; i < FOURS; i++)
        u[i] = bits(word(w + 48 + b / 2 * 32 + 4 * i), b % 2 * 4, 15) |
               bits(word(w + 16 + 4 * i), b, 1) << 4;
}

static void read_q6_k(uint32_t u[FOURS], uint8_t *unit, const uint8_t *w, int b, int column)
{
    const int g = b % 8, half = g / 4;
    put_f16(unit + b / 8 * HALVES, column, w + 208);
    for (int p = 0; p < 2; p++)
        unit[2 * HALVES + (2 * b + p) * COLUMNS + column] = w[192 + 2 * g + p];
    for (int i = 0; i < FOURS; i++)
        u[i] = bits(word(w + half * 64 + g % 2 * 32 + 4 * i), g % 4 / 2 * 4, 15) |
               bits(word(w + 128 + half * 32 + 4 * i), g % 4 * 2, 3) << 4;
}

static void read_iq4_xs(uint32_t u[FOURS], uint8_t *unit, const uint8_t *w, int b, int column)
{
    const int g = b % 8, high = w[2] | w[3] << 8;
    const int scale = ((w[4 + g / 2] >> g % 2 * 4 & 15) | (high >> 2 * g & 3) << 4) - 32;
    put_f16(unit + b / 8 * HALVES, column, w);
    unit[2 * HALVES + b * COLUMNS + column] = (uint8_t)scale;
    low_high(u, w + 8 + g * 16);
}

/* ---- numbers by bits ----------------------------------------------------------------------------- */

/* Two bits of each number, four numbers to a byte. */
static void put_twos(uint8_t *vectors, const uint32_t u[FOURS], int down)
{
    for (int j = 0; j < 2; j++) {
        uint32_t w = 0;
        for (int i = 0; i < 4; i++) w |= bits(u[4 * j + i], down, 3) << 2 * i;
        memcpy(vectors + j * VECTOR, &w, sizeof w);
    }
}

static void put_ones(uint8_t *vector, const uint32_t u[FOURS], int down)
{
    uint32_t w = 0;
    for (int i = 0; i < FOURS; i++) w |= bits(u[i], down, 1) << i;
    memcpy(vector, &w, sizeof w);
}

static void put_fours(uint8_t *vectors, const uint32_t u[FOURS])
{
    for (int i = 0; i < 4; i++) {
        uint32_t w = bits(u[i], 0, 15) | bits(u[i + 4], 0, 15) << 4;
        memcpy(vectors + i * VECTOR, &w, sizeof w);
    }
}

/* A group's numbers to its data, of which there are 16 bytes for each bit of a number and column. */
static void put_group(uint8_t *data, const uint32_t u[FOURS], int number_bits, int column)
{
    data += 4 * column;
    switch (number_bits) {
    case 8:
        for (int i = 0; i < FOURS; i++) memcpy(data + i * VECTOR, &u[i], sizeof u[i]);
        return;
    case 2: put_twos(data, u, 0); return;
    case 3:
        put_twos(data, u, 0);
        put_ones(data + 2 * VECTOR, u, 2);
        return;
    default: put_fours(data, u);
    }
    if (number_bits == 5) put_ones(data + 4 * VECTOR, u, 4);
    if (number_bits == 6) put_twos(data + 4 * VECTOR, u, 4);
}

/* ---- types --------------------------------------------------------------------------------------- */

#define read_iq4_nl read_q4_0

static const struct {
    struct sw_qgemm_type type;
    read_fn *read;
} types[] = {
#define TYPE(type, TYPE, unit, scales, data, offset, parts)                                        \
    {{SW_##TYPE, SW_SLOT_qgemm_##type, unit, scales, data, offset, parts}, read_##type},
    SW_QGEMM_TYPES(TYPE)
#undef TYPE
};
enum { TYPES = sizeof types / sizeof types[0] };

const struct sw_qgemm_type *sw__qgemm_type(sw_dtype dtype)
{
    for (int i = 0; i < TYPES; i++)
        if (types[i].type.dtype == dtype) return &types[i].type;
    return NULL;
}

static read_fn *reader_of(const struct sw_qgemm_type *t)
{
    int i = 0;
    while (&types[i].type != t) i++;
    return types[i].read;
}

sw_qgemm_fn *sw__qgemm_kernel(const struct sw_qgemm_type *t, const struct sw_kernels *k)
{
    switch (t->dtype) {
#define KERNEL(type, TYPE, unit, scales, data, offset, parts)                                      \
    case SW_##TYPE: return k->qgemm_##type;
        SW_QGEMM_TYPES(KERNEL)
#undef KERNEL
    default: return NULL;
    }
}

int64_t sw__qgemm_panel_bytes(const struct sw_qgemm_type *t, int64_t groups)
{
    return sw__ceil_div(groups, t->unit) * t->scales + groups * t->data;
}

/* A row of W into its column. */
static void pack_column(const struct sw_qgemm_type *t, uint8_t *panel, const uint8_t *w,
                        int64_t groups, int column)
{
    const sw_dtype_info *info = sw_dtype_get(t->dtype);
    const int block = info->block_elements / GROUP;
    read_fn *read = reader_of(t);
    for (int64_t g = 0; g < groups; g++) {
        const int b = (int)(g % t->unit);
        uint8_t *unit = panel + g / t->unit * (t->scales + t->unit * t->data);
        uint32_t u[FOURS];
        read(u, unit, w + g / block * info->block_bytes, b, column);
        put_group(unit + t->scales + b * t->data, u, t->data / VECTOR, column);
    }
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
            pack_column(t, panels, (const uint8_t *)w + (p * COLUMNS + j) * row, groups, j);
    }
}
