/* Importance matrices of llama.cpp: how large, squared and on average, each input of each matrix was on some
 * text.  Two formats: GGUF (tensors "<name>.in_sum2" and "<name>.counts"), and the older .dat. */
#ifndef SWELL_FORMAT_IMATRIX_H
#define SWELL_FORMAT_IMATRIX_H

#include <stddef.h>
#include <stdint.h>
#include <swell/context.h>

struct sw_imatrix;

/* SW_ERR_IO, SW_ERR_FORMAT (file, offset, reason), SW_ERR_MEMORY. */
sw_status sw__imatrix_open(sw_context *ctx, const char *path, struct sw_imatrix **out);
/* From memory: "GGUF" decides over the format; data is aligned to 8 bytes. */
sw_status sw__imatrix_parse(sw_context *ctx, const char *name, const uint8_t *data, size_t size,
                            struct sw_imatrix **out);
/* An empty one, to be filled by sw__imatrix_add and finished before anything is looked for.  values (n): of any scale,
 * copied.  SW_ERR_FORMAT for a value that is negative or no number, and for a name that comes twice. */
sw_status sw__imatrix_create(sw_context *ctx, struct sw_imatrix **out);
sw_status sw__imatrix_add(sw_context *ctx, struct sw_imatrix *m, const char *name,
                          const double *values, int64_t n);
sw_status sw__imatrix_finish(sw_context *ctx, struct sw_imatrix *m, const char *file);
void sw__imatrix_close(struct sw_imatrix *m);

int64_t sw__imatrix_count(const struct sw_imatrix *m);
/* Importances of a tensor's inputs, those of all experts one behind the other; *n: how many.  NULL: none of
 * that name. */
const float *sw__imatrix_find(const struct sw_imatrix *m, const char *name, int64_t *n);

#endif
