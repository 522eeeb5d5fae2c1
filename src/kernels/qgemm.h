/* Weights stored in GGUF blocks as panels for the qgemm kernels (qgemm_kernels.h). */
#ifndef SWELL_QGEMM_H
#define SWELL_QGEMM_H

#include <stddef.h>
#include "kernels/kernels.h"

/* How a block type is multiplied. */
struct sw_qgemm_type {
    sw_dtype dtype;
    enum sw_kernel_slot slot; /* of its kernel */
    int unit, scales, data;   /* of a panel: groups, bytes of their scales, bytes of one's data */
    int offset, parts;        /* for qgemm_round */
};

/* NULL for a dtype that no qgemm kernel multiplies. */
const struct sw_qgemm_type *sw__qgemm_type(sw_dtype dtype);
/* The kernel of a type. */
typedef void sw_qgemm_fn(float *c, int64_t ldc, const struct sw_qgemm_group *a, const void *panel,
                         int64_t groups, int64_t m, int n);
sw_qgemm_fn *sw__qgemm_kernel(const struct sw_qgemm_type *t, const struct sw_kernels *k);

/* Bytes of a panel for K = 32 * groups. */
int64_t sw__qgemm_panel_bytes(const struct sw_qgemm_type *t, int64_t groups);
/* Panels begin..end-1 of w (n,depth), whose rows of stored blocks follow each other, to `panels`, where the
 * panel `begin` goes first. */
void sw__qgemm_pack(const struct sw_kernels *k, const struct sw_qgemm_type *t, uint8_t *panels,
                    const void *w, int64_t n, int64_t depth, int64_t begin, int64_t end);

#endif
