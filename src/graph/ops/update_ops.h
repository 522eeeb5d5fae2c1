/* What ops that write weights have in common.
 *
 *   in[0]                  the weight that is written
 *   in[1 .. arrays-1]      f32 of its shape: the gradient, moments (written too)
 *   in[arrays .. n_in-1]   scalars: f32 of one element
 *   out[0]                 a handle without elements, to be named as an output of a plan
 *
 * The last scalar is the scale of the gradient.  When it is not finite nothing is written: so a step
 * whose loss or gradient is not a number leaves weights and moments as they were, in the same run. */
#ifndef SWELL_GRAPH_UPDATE_OPS_H
#define SWELL_GRAPH_UPDATE_OPS_H

#include "graph/op.h"

/* Check the operands as above; absent ones are fine but for in[0] and in[1]. */
sw_status sw__infer_update(struct sw_infer *q, int arrays);

/* One phase over the elements of the weight, SW_GRAIN a task. */
sw_status sw__update_prepare(struct sw_step *s, enum sw_kernel_slot slot);

/* Elements of the tasks begin..end-1; false: the scale is not finite, write nothing. */
struct sw_update_range {
    int64_t from, n;
    float scale;
};
bool sw__update_range(const struct sw_step *s, int64_t begin, int64_t end,
                      struct sw_update_range *out);

/* in[i] from element `from` on; NULL when absent. */
static inline float *sw__update_array(const struct sw_step *s, int i, int64_t from)
{
    return s->in[i] ? (float *)s->in[i]->data + from : NULL;
}

static inline float sw__update_scalar(const struct sw_step *s, int i)
{
    return *(const float *)s->in[i]->data;
}

#endif
