/* What ops that write weights have in common: see update_ops.h. */
#include "graph/ops/update_ops.h"

#include <math.h>
#include "base/size.h"

sw_status sw__infer_update(struct sw_infer *q, int arrays)
{
    char text[SW_SHAPE_TEXT];
    for (int i = 0; i < q->n_in; i++) {
        if (!q->in[i] && i > 1) continue;
        sw_status status = sw__infer_dtype(q, i, SW_F32);
        if (status != SW_OK) return status;
        if (i < arrays && !sw_shape_equal(&q->in[i]->shape, &q->in[0]->shape))
            return sw__infer_mismatch(q, 0, i, "not the shape of the weight");
        if (i >= arrays && sw_shape_elements(&q->in[i]->shape) != 1)
            return sw__infer_fail(q, SW_ERR_SHAPE, "operand %d is %s, not one element", i,
                                  sw_shape_text(&q->in[i]->shape, text));
    }
    q->out[0]->dtype = SW_F32;
    q->out[0]->shape = (sw_shape){1, {0}};
    return SW_OK;
}

sw_status sw__update_prepare(struct sw_step *s, enum sw_kernel_slot slot)
{
    int64_t n = sw_shape_elements(&s->in[0]->shape);
    s->n_phases = n > 0;
    s->tasks[0] = sw__ceil_div(n, SW_GRAIN);
    s->kernel = s->k->names[slot];
    s->bytes = 0;
    for (int i = 0; i < s->n_in; i++) /* what is written is read as well */
        if (s->in[i]) s->bytes += (s->cls->mutates >> i & 1 ? 8 : 4) * (double)n;
    return SW_OK;
}

bool sw__update_range(const struct sw_step *s, int64_t begin, int64_t end,
                      struct sw_update_range *out)
{
    int64_t to, last = s->n_in - 1;
    sw__step_range(sw_shape_elements(&s->in[0]->shape), SW_GRAIN, begin, end, &out->from, &to);
    out->n = to - out->from;
    out->scale = s->in[last] ? sw__update_scalar(s, (int)last) : 1;
    return isfinite(out->scale);
}
