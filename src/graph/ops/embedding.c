/* Embedding: a row of the table for each id, as f32 whatever the table is stored in.  Ids come from
 * outside: one that the table does not have gives a row of NaN, which check_nan then names, rather
 * than somebody else's memory.  The gradient adds rows of dy in the order of the ids. */
#include "graph/op.h"
#include <math.h>
#include "base/size.h"
#include "graph/ops/row_ops.h"
#include "graph/ops/stored_rows.h"

struct embedding_note {
    struct sw_stored_rows table;
    int64_t rows_a_task;
};

static sw_status embedding_infer(struct sw_infer *q)
{
    sw_status status = sw__infer_dtype(q, 1, SW_I32);
    if (status == SW_OK && !q->in[0])
        status = sw__infer_fail(q, SW_ERR_ARGUMENT, "operand 0 is missing");
    if (status == SW_OK) status = sw__infer_rank(q, 0, 2, 2);
    if (status == SW_OK) status = sw__infer_rank(q, 1, 0, SW_MAX_RANK - 1);
    if (status != SW_OK) return status;
    const sw_dtype_info *info = sw_dtype_get(q->in[0]->dtype);
    if (!info->is_float && info->block_elements == 1)
        return sw__infer_fail(q, SW_ERR_DTYPE, "a table of %s holds no real numbers", info->name);
    *q->out[0] = (sw_tensor){.dtype = SW_F32, .shape = q->in[1]->shape};
    q->out[0]->shape.dim[q->out[0]->shape.rank++] = q->in[0]->shape.dim[1];
    return SW_OK;
}

static void embedding_grad(sw_graph *g, const struct sw_op *op, sw_node *const *dy,
                           const bool *need, sw_node **dx)
{
    if (need[0]) dx[0] = sw__gather_grad(g, dy[0], sw__op_in(op, 1), sw__op_in(op, 0), 0, false);
}

static sw_status embedding_prepare(struct sw_step *s)
{
    struct embedding_note *note = s->note;
    int64_t n = sw_shape_elements(&s->in[1]->shape), c = s->in[0]->shape.dim[1];
    note->table = sw__stored_rows(s->k, s->in[0]->dtype);
    note->rows_a_task = sw__max64(1, SW_GRAIN / sw__max64(1, c));
    s->n_phases = n > 0 && c > 0;
    s->tasks[0] = sw__ceil_div(n, note->rows_a_task);
    s->task_bytes = c <= SW_GRAIN ? (size_t)(note->rows_a_task * c) * sizeof(float) : 0;
    s->kernel = note->table.kernel;
    s->bytes = (double)n * (4. + 4. * (double)c + (double)sw__stored_bytes(&note->table, c));
    return SW_OK;
}

static void embedding_run(const struct sw_step *s, int phase, int64_t begin, int64_t end,
                          void *scratch)
{
    (void)phase, (void)scratch;
    const struct embedding_note *note = s->note;
    const int32_t *ids = s->in[1]->data;
    int64_t v = s->in[0]->shape.dim[0], c = s->in[0]->shape.dim[1], from, to;
    int64_t row = sw__stored_bytes(&note->table, c);
    sw__step_range(sw_shape_elements(&s->in[1]->shape), note->rows_a_task, begin, end, &from, &to);
    for (int64_t i = from; i < to; i++) {
        float *y = (float *)s->out[0]->data + i * c;
        if (ids[i] >= 0 && ids[i] < v)
            note->table.read(y, (const char *)s->in[0]->data + ids[i] * row, c);
        else
            for (int64_t j = 0; j < c; j++) y[j] = NAN;
    }
}

const struct sw_op_class sw__op_embedding = {.name = "embedding",
                                             .note_size = sizeof(struct embedding_note),
                                             .few_rows = 1,
                                             .infer = embedding_infer,
                                             .grad = embedding_grad,
                                             .prepare = embedding_prepare,
                                             .run = embedding_run};

sw_node *sw_embedding(sw_graph *g, sw_node *table, sw_node *ids)
{
    return sw__op_add(g, &sw__op_embedding, NULL, 0, (sw_node *[]){table, ids}, 2, 1);
}
