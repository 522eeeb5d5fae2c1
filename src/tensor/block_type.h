/* The registry of block-quantised types: one row a type, found by dtype.  A new type is one row in
 * swell/tensor.h's list and one here; conversions, files and tests then know it. */
#ifndef SWELL_TENSOR_BLOCK_TYPE_H
#define SWELL_TENSOR_BLOCK_TYPE_H

#include <stdint.h>
#include <swell/tensor.h>

struct sw_block_type {
    sw_dtype dtype;
    /* n is a whole number of blocks; x and blocks do not overlap. */
    void (*quantise)(void *blocks, const float *x, int64_t n);
    void (*dequantise)(float *x, const void *blocks, int64_t n);
};

extern const struct sw_block_type sw__q4_k_type;
/* The 6-bit scale and minimum of one of the eight groups of a q4_k block. */
void sw__q4_k_six_bits(const uint8_t *block, int group, int *scale, int *minimum);

/* NULL for a dtype that is not stored in blocks. */
const struct sw_block_type *sw__block_type(sw_dtype dtype);

#endif
