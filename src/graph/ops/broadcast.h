/* Broadcasting as a loop nest: up to three operands against one dense result.
 *
 * Axes that all operands walk alike are merged, so (64,32,14,14) + (32,1,1) is three nested loops and
 * x + x is one.  The innermost axis becomes a run in which each operand is dense or one number. */
#ifndef SWELL_OPS_BROADCAST_H
#define SWELL_OPS_BROADCAST_H

#include <swell/tensor.h>

enum { SW_BROADCAST_OPERANDS = 3 };

struct sw_broadcast {
    int operands, rank;        /* rank >= 1 */
    int64_t size[SW_MAX_RANK]; /* innermost last */
    int64_t stride[SW_BROADCAST_OPERANDS][SW_MAX_RANK];
    int64_t total; /* elements of the result */
    int scalar;    /* bit o: operand o is one number along the innermost axis */
};

void sw__broadcast_make(struct sw_broadcast *b, const sw_shape *out, const sw_shape *const *in,
                        int operands);

/* The run that begins at element `at` of the result: its length, at most up to `end`, and where each
 * operand is. */
int64_t sw__broadcast_run(const struct sw_broadcast *b, int64_t at, int64_t end, int64_t *offset);

#endif
