/* The registry of block-quantised types: GGUF's, bit for bit.  A new type is one row in swell/tensor.h's
 * list and one in block_type.c; conversions, files and tests then know it.
 *
 * A value of any type is  x = d * scale[group] * q - dmin * minimum[group]  of whole numbers scale,
 * minimum and q, and d and dmin of the block.  Products are exact in f32, so the order of the
 * multiplications does not matter and the difference is rounded once. */
#ifndef SWELL_TENSOR_BLOCK_TYPE_H
#define SWELL_TENSOR_BLOCK_TYPE_H

#include <stdbool.h>
#include <stdint.h>
#include <swell/tensor.h>

enum { SW_BLOCK_MOST = 256, SW_BLOCK_GROUPS = 16 }; /* values, groups of a block at most */

/* Where numbers of `width` bits lie: `span` of them share span * width / 8 bytes, the first of those
 * bytes hold the first numbers in their low bits.  width 0: nowhere. */
struct sw_block_bits {
    uint8_t at, width;
    uint16_t span;
};

enum sw_block_offset {
    SW_BLOCK_SYMMETRIC, /* x = d * scale * q */
    SW_BLOCK_PLUS,      /* x = d * q + m */
    SW_BLOCK_MINUS,     /* x = d * scale * q - dmin * minimum */
};

struct sw_block_type {
    sw_dtype dtype;
    int group; /* values that share a scale */
    /* n is a whole number of blocks; x and blocks do not overlap. */
    void (*dequantise)(float *x, const void *blocks, int64_t n);
    struct sw_block_bits q[2], scale[2]; /* low and high bits of each number */
    int8_t q_zero, scale_zero;           /* the number that stands for 0 */
    enum sw_block_offset offset;
    uint8_t d, m;         /* where d and dmin (or m) lie, as f16 */
    const int8_t *levels; /* the value of each of 16 numbers; NULL: q = number - q_zero */
};

/* A block taken apart. */
struct sw_block_parts {
    float d, dmin;
    int16_t scale[SW_BLOCK_GROUPS], minimum[SW_BLOCK_GROUPS]; /* 1 where the type has none */
    int8_t q[SW_BLOCK_MOST];
};

/* NULL for a dtype that is not stored in blocks. */
const struct sw_block_type *sw__block_type(sw_dtype dtype);

void sw__block_take_apart(const struct sw_block_type *t, const void *block,
                          struct sw_block_parts *out);

/* n is a whole number of blocks.  importance: n numbers from 0 on, how much an error of each value
 * matters, or NULL.  Without it q8_0, q4_0, q4_1, q5_0 and q5_1 are bit for bit what ggml writes; all
 * else minimises squares of errors (block_quantise.c). */
void sw__block_quantise(const struct sw_block_type *t, void *blocks, const float *x,
                        const float *importance, int64_t n);

/* The 6-bit scale and minimum of one of the eight groups of a q4_k block: 12 bytes from the fourth on. */
void sw__q4_k_six_bits(const uint8_t *block, int group, int *scale, int *minimum);

#endif
