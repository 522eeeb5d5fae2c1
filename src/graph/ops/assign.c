/* Assign: write a value into a weight.  Its result is only a handle for sw_compile; the plan orders
 * it after all reads of the old values and before all reads of the new. */
#include "graph/op.h"
#include <string.h>
#include "base/size.h"

struct assign_note {
    int64_t bytes;
};

static sw_status assign_infer(struct sw_infer *q)
{
    for (int i = 0; i < 2; i++)
        if (!q->in[i]) return sw__infer_fail(q, SW_ERR_ARGUMENT, "operand %d is missing", i);
    sw_status status = sw__infer_dtype(q, 1, q->in[0]->dtype);
    if (status != SW_OK) return status;
    if (!sw_shape_equal(&q->in[0]->shape, &q->in[1]->shape))
        return sw__infer_mismatch(q, 0, 1, "the value has not the weight's shape");
    *q->out[0] = (sw_tensor){.dtype = SW_F32, .shape = SW_SHAPE(0)}; /* only a handle */
    return SW_OK;
}

#define TASK_BYTES (4 * SW_GRAIN)

static sw_status assign_prepare(struct sw_step *s)
{
    struct assign_note *note = s->note;
    note->bytes = sw_shape_bytes(&s->in[1]->shape, s->in[1]->dtype);
    s->n_phases = note->bytes > 0;
    s->tasks[0] = sw__ceil_div(note->bytes, TASK_BYTES);
    s->bytes = 2. * (double)note->bytes;
    s->kernel = "memcpy";
    return SW_OK;
}

static void assign_run(const struct sw_step *s, int phase, int64_t begin, int64_t end,
                       void *scratch)
{
    (void)phase, (void)scratch;
    const struct assign_note *note = s->note;
    int64_t from, to;
    sw__step_range(note->bytes, TASK_BYTES, begin, end, &from, &to);
    if (s->in[0]->data == s->in[1]->data) return; /* a weight assigned to itself */
    memcpy((char *)s->in[0]->data + from, (const char *)s->in[1]->data + from, (size_t)(to - from));
}

const struct sw_op_class sw__op_assign = {.name = "assign",
                                          .flags = SW_OP_EFFECT,
                                          .mutates = 1u << 0,
                                          .note_size = sizeof(struct assign_note),
                                          .infer = assign_infer,
                                          .prepare = assign_prepare,
                                          .run = assign_run};

sw_node *sw_assign(sw_graph *g, sw_node *weight, sw_node *value)
{
    return sw__op_add(g, &sw__op_assign, NULL, 0, (sw_node *[]){weight, value}, 2, 1);
}
