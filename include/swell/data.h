/* Data sets: pictures with labels, read from the field's own files.
 *
 *     sw_dataset *d;
 *     sw_dataset_load_idx(ctx, "train-images-idx3-ubyte.gz", "train-labels-idx1-ubyte.gz", &d);
 */
#ifndef SWELL_DATA_H
#define SWELL_DATA_H

#include <swell/context.h>
#include <swell/tensor.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Pictures of one size.  Everything belongs to the set. */
typedef struct sw_dataset {
    int64_t count; /* N */
    int channels, height, width;
    const uint8_t *images; /* (N,C,H,W) */
    const uint8_t *labels; /* (N) */
    int classes;           /* largest label + 1 */
} sw_dataset;

/* A pair of IDX files (LeCun's format: magic 0x00000803 and 0x00000801), plain or gzip.  SW_ERR_IO,
 * SW_ERR_FORMAT (the text names file, offset and reason), SW_ERR_MEMORY.  Nothing is allocated that a
 * header merely claims. */
SW_API sw_status sw_dataset_load_idx(sw_context *ctx, const char *images, const char *labels,
                                     sw_dataset **out);
SW_API void sw_dataset_destroy(sw_dataset *d);

/* n pictures as f32, (x / 255 - mean) / deviation, into out (n,C,H,W), and their labels into
 * labels (n) unless NULL.  index[i] must be below count. */
SW_API void sw_dataset_batch(const sw_dataset *d, const int64_t *index, int64_t n, float mean,
                             float deviation, float *out, int32_t *labels);

/* Element `i` of a random order of 0..n-1: a pure function of (n, seed, epoch, i), so a resumed run
 * continues in the same order (a Feistel cipher with cycle walking; Black and Rogaway 2002). n < 2^62. */
SW_API uint64_t sw_shuffled(uint64_t n, uint64_t seed, uint64_t epoch, uint64_t i);

#ifdef __cplusplus
}
#endif
#endif
