/* Gather rows along an axis by number: NumPy take with ONNX Gather's shape, y = x[:, ids, :].  An id
 * from the end (-1) is allowed; one outside gives zeros and gets no gradient. */
#include "graph/op.h"
#include "graph/ops/attributes.h"
#include "base/size.h"
#include "graph/ops/box_copy.h"
#include "graph/ops/row_ops.h"

struct gather_note {
    struct sw_axis_view v;
    int64_t n, rows_a_task; /* ids; rows of the result */
};

static sw_status gather_infer(struct sw_infer *q)
{
    int axis;
    sw_status status = sw__infer_movable(q, 0);
    if (status == SW_OK) status = sw__infer_dtype(q, 1, SW_I32);
    if (status == SW_OK)
        status = sw__infer_axis(q, 0, ((const struct gather_attr *)q->attr)->axis, &axis);
    if (status != SW_OK) return status;
    const sw_shape *x = &q->in[0]->shape, *ids = &q->in[1]->shape;
    sw_shape *y = &q->out[0]->shape;
    if (x->rank - 1 + ids->rank > SW_MAX_RANK)
        return sw__infer_mismatch(q, 0, 1, "the result has too many dimensions");
    q->out[0]->dtype = q->in[0]->dtype;
    y->rank = x->rank - 1 + ids->rank;
    for (int i = 0; i < axis; i++) y->dim[i] = x->dim[i];
    for (int i = 0; i < ids->rank; i++) y->dim[axis + i] = ids->dim[i];
    for (int i = axis + 1; i < x->rank; i++) y->dim[ids->rank + i - 1] = x->dim[i];
    return SW_OK;
}

static void gather_grad(sw_graph *g, const struct sw_op *op, sw_node *const *dy, const bool *need,
                        sw_node **dx)
{
    const struct gather_attr *attr = sw__op_attr(op);
    if (need[0])
        dx[0] = sw__gather_grad(g, dy[0], sw__op_in(op, 1), sw__op_in(op, 0), attr->axis, true);
}

static sw_status gather_prepare(struct sw_step *s)
{
    const sw_shape *x = &s->in[0]->shape;
    int axis = ((const struct gather_attr *)s->attr)->axis;
    struct gather_note *note = s->note;
    note->v = sw__axis_view(x, axis < 0 ? axis + x->rank : axis);
    note->n = sw_shape_elements(&s->in[1]->shape);
    note->rows_a_task = sw__max64(1, SW_GRAIN / sw__max64(1, note->v.inner));
    int64_t rows = note->v.outer * note->n;
    int size = sw_dtype_get(s->in[0]->dtype)->block_bytes;
    s->n_phases = rows > 0 && note->v.inner > 0;
    s->tasks[0] = sw__ceil_div(rows, note->rows_a_task);
    s->task_bytes = note->v.inner <= SW_GRAIN ? (size_t)(note->rows_a_task * note->v.inner * size)
                                              : 0;
    s->kernel = s->k->names[size == 4   ? SW_SLOT_gather_x32
                            : size == 2 ? SW_SLOT_gather_x16
                                        : SW_SLOT_gather_x8];
    s->bytes = 2. * (double)rows * (double)note->v.inner * size + 4. * (double)note->n;
    return SW_OK;
}

static void gather_run(const struct sw_step *s, int phase, int64_t begin, int64_t end,
                       void *scratch)
{
    (void)phase, (void)scratch;
    const struct gather_note *note = s->note;
    const int32_t *ids = s->in[1]->data;
    int64_t size = sw_dtype_get(s->in[0]->dtype)->block_bytes, row = note->v.inner * size, from, to;
    sw__step_range(note->v.outer * note->n, note->rows_a_task, begin, end, &from, &to);
    while (from < to) { /* rows of one outer index at a time */
        int64_t o = from / note->n, i = from % note->n, n = sw__min64(to - from, note->n - i);
        char *dst = (char *)s->out[0]->data + from * row;
        const char *src = (const char *)s->in[0]->data + o * note->v.size * row;
        (size == 4   ? s->k->gather_x32
         : size == 2 ? s->k->gather_x16
                     : s->k->gather_x8)(dst, src, ids + i, n, note->v.size, note->v.inner);
        from += n;
    }
}

const struct sw_op_class sw__op_gather = {.name = "gather",
                                          .note_size = sizeof(struct gather_note),
                                          .infer = gather_infer,
                                          .grad = gather_grad,
                                          .prepare = gather_prepare,
                                          .run = gather_run};

sw_node *sw_gather(sw_graph *g, sw_node *x, sw_node *ids, int axis)
{
    struct gather_attr attr = {axis};
    return sw__op_add(g, &sw__op_gather, &attr, sizeof attr, (sw_node *[]){x, ids}, 2, 1);
}
