/* qgemm_pack: GGUF's blocks (tensor/block_type.c says what each byte means) to a panel of qgemm_kernels.h.
 *
 * A file defines, before it includes this one, what it does for LANES rows of W at once:
 *
 *     SW_NAME(base)       the name of a function in this ISA
 *     LANES               1, 8 or 16
 *     words               LANES u32 with the operators of C: four bytes of each row
 *     quad(u, at, row)    u[0..3]: the 16 bytes at `at` of each row, rows `row` bytes apart
 *     put_bytes(to, w)    the lowest byte of each word, side by side
 *
 * A panel is W turned round: what lies 16 bytes apart in memory of a row lies 64 bytes apart there, and a row's
 * word is its column's part of a vector.  So a type is how its words are cut by bits, which is the same for one
 * row and for sixteen. */
#include <string.h>
#include <swell/tensor.h>
#include "kernels/kernels.h"

#define PACK_INLINE static inline __attribute__((always_inline))

enum {
    GROUP = SW_QGEMM_GROUP,
    COLUMNS = SW_QGEMM_COLUMNS,
    VECTOR = 4 * COLUMNS,
    MOST_VECTORS = 8,
    HALVES = 2 * COLUMNS, /* bytes of an f16 for each column */
    SMALL = 2 * HALVES,   /* where scales of a byte begin */
    MOST_BLOCK = 256      /* bytes */
};

/* Blocks of LANES rows, which become the columns of a panel from `column` on. */
struct rows {
    const uint8_t *at;
    int64_t row; /* bytes from one to the next */
    int column;
};

PACK_INLINE struct rows behind(struct rows r, int64_t bytes)
{
    r.at += bytes;
    return r;
}

PACK_INLINE void quad_of(words u[4], struct rows r)
{
    quad(u, r.at, r.row);
}

/* Bits `mask` of each byte. */
PACK_INLINE words bits(words w, int down, uint32_t mask)
{
    return w >> down & mask * 0x01010101u;
}

/* Four bytes of each row. */
PACK_INLINE words word_of(struct rows r)
{
    uint32_t each[LANES];
    words w;
    for (int i = 0; i < LANES; i++) memcpy(&each[i], r.at + i * r.row, sizeof each[i]);
    memcpy(&w, each, sizeof w);
    return w;
}

/* An f16 of each row as number i of a unit's; flip: its bits that change. */
PACK_INLINE void put_f16(uint8_t *unit, int number, struct rows r, const uint16_t flip)
{
    uint8_t *to = unit + number * HALVES + 2 * r.column;
    for (int i = 0; i < LANES; i++) {
        uint16_t h;
        memcpy(&h, r.at + i * r.row, sizeof h);
        h ^= flip;
        memcpy(to + 2 * i, &h, sizeof h);
    }
}

/* The four bytes of each word as small scales: number `number` of a unit's, and each `step` from there. */
PACK_INLINE void put_scales(uint8_t *unit, int number, int step, words w, int column)
{
    uint8_t *to = unit + SMALL + number * COLUMNS + column;
    for (int i = 0; i < 4; i++) put_bytes(to + i * step * COLUMNS, w >> 8 * i);
}

/* ---- 32 numbers by bits: vectors of the panel --------------------------------------------------- */

/* Half bytes: those of 32 bytes that are `down` bits up. */
PACK_INLINE void fours(words v[4], struct rows r, int down)
{
    words w[8];
    quad_of(w, r);
    quad_of(w + 4, behind(r, 16));
    for (int i = 0; i < 4; i++) v[i] = bits(w[i], down, 15) | bits(w[i + 4], down, 15) << 4;
}

/* Two bits of each of 32 bytes, four numbers to a byte. */
PACK_INLINE void twos(words v[2], struct rows r, int down)
{
    for (int j = 0; j < 2; j++) {
        words w[4];
        quad_of(w, behind(r, 16 * j));
        v[j] = bits(w[0], down, 3);
        for (int i = 1; i < 4; i++) v[j] |= bits(w[i], down, 3) << 2 * i;
    }
}

/* One bit of each of 32 bytes, eight numbers to a byte. */
PACK_INLINE words ones(struct rows r, int down)
{
    words w[8];
    quad_of(w, r);
    quad_of(w + 4, behind(r, 16));
    words v = bits(w[0], down, 1);
    for (int i = 1; i < 8; i++) v |= bits(w[i], down, 1) << i;
    return v;
}

/* The fifth bits of 32 numbers, in their order in a word: bit 4 i + c to bit i of byte c. */
PACK_INLINE words fifths(words high)
{
    words v = high & 0;
    for (int i = 0; i < 8; i++)
        for (int c = 0; c < 4; c++) v |= (high >> (4 * i + c) & 1) << (8 * c + i);
    return v;
}

/* ---- types of 32: group b of the unit is the block at r ------------------------------------------ */

PACK_INLINE void read_q8_0(words v[MOST_VECTORS], uint8_t *unit, struct rows r, int b)
{
    put_f16(unit, b, r, 0);
    quad_of(v, behind(r, 2));
    quad_of(v + 4, behind(r, 18));
    for (int i = 0; i < 8; i++) v[i] ^= 0x80808080u;
}

PACK_INLINE void read_q4_0(words v[MOST_VECTORS], uint8_t *unit, struct rows r, int b)
{
    put_f16(unit, b, r, 0);
    quad_of(v, behind(r, 2));
}

/* d and m; the panel has -m. */
PACK_INLINE void put_d_m(uint8_t *unit, struct rows r, int b)
{
    put_f16(unit, b, r, 0);
    put_f16(unit, 2 + b, behind(r, 2), 0x8000);
}

PACK_INLINE void read_q4_1(words v[MOST_VECTORS], uint8_t *unit, struct rows r, int b)
{
    put_d_m(unit, r, b);
    quad_of(v, behind(r, 4));
}

PACK_INLINE void read_q5_0(words v[MOST_VECTORS], uint8_t *unit, struct rows r, int b)
{
    put_f16(unit, b, r, 0);
    quad_of(v, behind(r, 6));
    v[4] = fifths(word_of(behind(r, 2)));
}

PACK_INLINE void read_q5_1(words v[MOST_VECTORS], uint8_t *unit, struct rows r, int b)
{
    put_d_m(unit, r, b);
    quad_of(v, behind(r, 8));
    v[4] = fifths(word_of(behind(r, 4)));
}

#define read_iq4_nl read_q4_0

PACK_INLINE void read_mxfp4(words v[MOST_VECTORS], uint8_t *unit, struct rows r, int b)
{
    for (int i = 0; i < LANES; i++) unit[b * COLUMNS + r.column + i] = r.at[i * r.row];
    quad_of(v, behind(r, 1));
}

/* ---- types of 256: group b of the unit is group b % 8 of the block at r, whose scales come with the first -- */

PACK_INLINE void read_q2_k(words v[MOST_VECTORS], uint8_t *unit, struct rows r, int b)
{
    if (b == 0) {
        words both[4];
        quad_of(both, r);
        put_f16(unit, 0, behind(r, 80), 0);
        put_f16(unit, 1, behind(r, 82), 0);
        for (int i = 0; i < 4; i++) put_scales(unit, 4 * i, 1, both[i], r.column);
    }
    twos(v, behind(r, 16 + b / 4 * 32), b % 4 * 2);
}

/* Sixteen scales, six bits less 32: four in the first eight of twelve bytes, two in the last four. */
PACK_INLINE void put_q3_k_scales(uint8_t *unit, int number, struct rows r)
{
    const words low[2] = {word_of(r), word_of(behind(r, 4))}, high = word_of(behind(r, 8));
    for (int i = 0; i < 4; i++) {
        const words six = bits(low[i % 2], i / 2 * 4, 15) | bits(high, 2 * i, 3) << 4;
        put_scales(unit, number + 4 * i, 1, ((six | 0x80808080u) - 0x20202020u) ^ 0x80808080u,
                   r.column);
    }
}

PACK_INLINE void read_q3_k(words v[MOST_VECTORS], uint8_t *unit, struct rows r, int b)
{
    const int g = b % 8;
    if (g == 0) {
        put_f16(unit, b / 8, behind(r, 108), 0);
        put_q3_k_scales(unit, 2 * b, behind(r, 96));
    }
    twos(v, behind(r, 32 + g / 4 * 32), g % 4 * 2);
    v[2] = ones(r, g);
}

/* Scales and minima of eight groups, by turns: sw__q4_k_six_bits in words. */
PACK_INLINE void put_six_bits(uint8_t *unit, struct rows r)
{
    words w[4];
    quad_of(w, r);
    put_f16(unit, 0, r, 0);
    put_f16(unit, 1, behind(r, 2), 0);
    put_scales(unit, 0, 2, bits(w[1], 0, 63), r.column);
    put_scales(unit, 1, 2, bits(w[2], 0, 63), r.column);
    put_scales(unit, 8, 2, bits(w[3], 0, 15) | bits(w[1], 2, 48), r.column);
    put_scales(unit, 9, 2, bits(w[3], 4, 15) | bits(w[2], 2, 48), r.column);
}

PACK_INLINE void read_q4_k(words v[MOST_VECTORS], uint8_t *unit, struct rows r, int b)
{
    if (b == 0) put_six_bits(unit, r);
    fours(v, behind(r, 16 + b / 2 * 32), b % 2 * 4);
}

PACK_INLINE void read_q5_k(words v[MOST_VECTORS], uint8_t *unit, struct rows r, int b)
{
    if (b == 0) put_six_bits(unit, r);
    fours(v, behind(r, 48 + b / 2 * 32), b % 2 * 4);
    v[4] = ones(behind(r, 16), b);
}

PACK_INLINE void read_q6_k(words v[MOST_VECTORS], uint8_t *unit, struct rows r, int b)
{
    const int g = b % 8, half = g / 4;
    if (g == 0) {
        words scale[4];
        put_f16(unit, b / 8, behind(r, 208), 0);
        quad_of(scale, behind(r, 192));
        for (int i = 0; i < 4; i++) put_scales(unit, 2 * b + 4 * i, 1, scale[i], r.column);
    }
    fours(v, behind(r, half * 64 + g % 2 * 32), g % 4 / 2 * 4);
    twos(v + 4, behind(r, 128 + half * 32), g % 4 * 2);
}

PACK_INLINE void read_iq4_xs(words v[MOST_VECTORS], uint8_t *unit, struct rows r, int b)
{
    const int g = b % 8;
    if (g == 0) put_f16(unit, b / 8, r, 0);
    for (int i = 0; i < LANES; i++) {
        const uint8_t *w = r.at + i * r.row;
        const int high = w[2] | w[3] << 8;
        const int six = (w[4 + g / 2] >> g % 2 * 4 & 15) | (high >> 2 * g & 3) << 4;
        unit[SMALL + b * COLUMNS + r.column + i] = (uint8_t)(six - 32);
    }
    quad_of(v, behind(r, 8 + g * 16));
}

/* ---- panels -------------------------------------------------------------------------------------- */

struct pack_form {
    int unit, scales, data; /* of a panel: qgemm_kernels.h */
    int block, block_bytes; /* of W: groups, bytes */
};

typedef void pack_reader(words v[MOST_VECTORS], uint8_t *unit, struct rows r, int b);

/* The blocks of n rows and zeros in place of the others. */
static struct rows pad_rows(uint8_t stage[COLUMNS][MOST_BLOCK], struct rows r, int n, int bytes)
{
    memset(stage, 0, (size_t)COLUMNS * MOST_BLOCK);
    for (int j = 0; j < n; j++) memcpy(stage[j], r.at + j * r.row, (size_t)bytes);
    return (struct rows){stage[0], MOST_BLOCK, 0};
}

PACK_INLINE void pack_panel(uint8_t *panel, const uint8_t *w, int64_t row, int n, int64_t groups,
                            const struct pack_form f, pack_reader *read)
{
    uint8_t stage[COLUMNS][MOST_BLOCK];
    for (int64_t g = 0; g < groups; g++) {
        const int b = (int)(g % f.unit);
        uint8_t *unit = panel + g / f.unit * (f.scales + f.unit * f.data);
        uint8_t *data = unit + f.scales + b * f.data;
        struct rows r = {w + g / f.block * f.block_bytes, row, 0};
        /* The last unit may have fewer groups, and yet all scales. */
        if (b == 0 && groups - g < f.unit) memset(unit, 0, (size_t)f.scales);
        if (n < COLUMNS) r = pad_rows(stage, r, n, f.block_bytes);
        for (; r.column < COLUMNS; r.column += LANES, r.at += LANES * r.row) {
            words v[MOST_VECTORS];
            read(v, unit, r, b);
            for (int i = 0; i < f.data / VECTOR; i++)
                memcpy(data + i * VECTOR + 4 * r.column, &v[i], sizeof v[i]);
        }
    }
}

#define SW_QGEMM_PACK(type, TYPE, unit, scales, data, offset, parts)                               \
    case SW_##TYPE:                                                                                \
        pack_panel(panel, w, row, n, groups,                                                       \
                   (struct pack_form){unit, scales, data, block, info->block_bytes}, read_##type); \
        return;

static void SW_NAME(sw__qgemm_pack)(uint8_t *panel, int dtype, const uint8_t *w, int64_t row, int n,
                                    int64_t groups)
{
    const sw_dtype_info *info = sw_dtype_get((sw_dtype)dtype);
    const int block = info->block_elements / GROUP;
    switch ((sw_dtype)dtype) {
        SW_QGEMM_TYPES(SW_QGEMM_PACK)
    default: return;
    }
}
