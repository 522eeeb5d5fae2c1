/* scatter_add, and gather_grad, which is the same into zeros along any axis.  See row_ops.h.
 *
 * ONNX ScatterND with reduction "add" on whole rows; PyTorch index_add.  An id outside the axis adds
 * nothing, as gather reads zeros there: the two are each other's gradients. */
#include "graph/op.h"
#include <string.h>
#include "base/size.h"
#include "graph/op_list.h"
#include "graph/ops/box_copy.h"
#include "graph/ops/row_ops.h"

/* Every task reads all ids: so not more than this many tasks share them. */
#define MAX_ROW_TASKS 64
/* Rows longer than this are cut. */
#define LONG_ROW 8192

void sw__row_adder_plan(struct sw_row_adder *a)
{
    a->cols_a_task = a->inner > LONG_ROW ? LONG_ROW / 2 : sw__max64(1, a->inner);
    int64_t grain = sw__max64(1, SW_GRAIN / a->cols_a_task);
    a->rows_a_task = sw__max64(grain, sw__ceil_div(a->rows, MAX_ROW_TASKS));
    a->row_tasks = sw__ceil_div(a->rows, a->rows_a_task);
    a->col_tasks = sw__ceil_div(a->inner, a->cols_a_task);
    a->tasks = a->outer * a->row_tasks * a->col_tasks;
}

/* The block of one task. */
static void add_block(const struct sw_row_adder *a, const struct sw_kernels *k, float *y,
                      const float *x, const int32_t *ids, const float *u, int64_t task)
{
    int64_t col = task % a->col_tasks * a->cols_a_task;
    int64_t row = task / a->col_tasks % a->row_tasks * a->rows_a_task;
    int64_t o = task / a->col_tasks / a->row_tasks;
    int64_t cols = sw__min64(a->cols_a_task, a->inner - col);
    int64_t rows = sw__min64(a->rows_a_task, a->rows - row);
    int64_t at = (o * a->rows + row) * a->inner + col;
    y += at;
    if (!x)
        for (int64_t i = 0; i < rows; i++) memset(y + i * a->inner, 0, (size_t)cols * sizeof *y);
    else if (x + at != y)
        k->copy_x32(y, x + at, rows, cols, a->inner, 1, a->inner, 1);
    u += o * a->n * a->inner + col;
    for (int64_t i = 0; i < a->n; i++) {
        int64_t id = a->wrap && ids[i] < 0 ? ids[i] + a->rows : ids[i];
        if (id >= row && id < row + rows)
            k->axpy_f32(y + (id - row) * a->inner, 1, u + i * a->inner, cols);
    }
}

void sw__row_adder_run(const struct sw_row_adder *a, const struct sw_kernels *k, float *y,
                       const float *x, const int32_t *ids, const float *u, int64_t begin,
                       int64_t end)
{
    for (int64_t task = begin; task < end; task++) add_block(a, k, y, x, ids, u, task);
}

static void report(struct sw_step *s, const struct sw_row_adder *a)
{
    s->n_phases = a->tasks > 0;
    s->tasks[0] = a->tasks;
    s->kernel = s->k->names[SW_SLOT_axpy_f32];
    s->flops = (double)a->outer * (double)a->n * (double)a->inner;
}

/* ---- scatter_add ------------------------------------------------------------------------------- */

static sw_status scatter_add_infer(struct sw_infer *q)
{
    sw_status status = sw__infer_dtype(q, 0, SW_F32);
    if (status == SW_OK) status = sw__infer_dtype(q, 1, SW_I32);
    if (status == SW_OK) status = sw__infer_dtype(q, 2, SW_F32);
    if (status == SW_OK) status = sw__infer_rank(q, 0, 1, SW_MAX_RANK);
    if (status != SW_OK) return status;
    const sw_shape *x = &q->in[0]->shape, *ids = &q->in[1]->shape, *u = &q->in[2]->shape;
    bool fits = u->rank == ids->rank + x->rank - 1;
    for (int i = 0; fits && i < u->rank; i++)
        fits = u->dim[i] == (i < ids->rank ? ids->dim[i] : x->dim[i - ids->rank + 1]);
    char a[SW_SHAPE_TEXT], b[SW_SHAPE_TEXT], c[SW_SHAPE_TEXT];
    if (!fits)
        return sw__infer_fail(q, SW_ERR_SHAPE, "updates %s are not ids %s by rows of %s",
                              sw_shape_text(u, a), sw_shape_text(ids, b), sw_shape_text(x, c));
    *q->out[0] = (sw_tensor){.dtype = SW_F32, .shape = *x};
    return SW_OK;
}

static void scatter_add_grad(sw_graph *g, const struct sw_op *op, sw_node *const *dy,
                             const bool *need, sw_node **dx)
{
    if (need[0]) dx[0] = dy[0];
    if (need[2]) dx[2] = sw_gather(g, dy[0], sw__op_in(op, 1), 0);
}

static sw_status scatter_add_prepare(struct sw_step *s)
{
    struct sw_axis_view v = sw__axis_view(&s->in[0]->shape, 0);
    struct sw_row_adder *a = s->note;
    *a = (struct sw_row_adder){.outer = 1,
                               .rows = v.size,
                               .inner = v.inner,
                               .n = sw_shape_elements(&s->in[1]->shape),
                               .wrap = true};
    sw__row_adder_plan(a);
    report(s, a);
    return SW_OK;
}

static void scatter_add_run(const struct sw_step *s, int phase, int64_t begin, int64_t end,
                            void *scratch)
{
    (void)phase, (void)scratch;
    sw__row_adder_run(s->note, s->k, s->out[0]->data, s->in[0]->data, s->in[1]->data,
                      s->in[2]->data, begin, end);
}

const struct sw_op_class sw__op_scatter_add = {.name = "scatter_add",
                                               .inplace = 1u << 0,
                                               .note_size = sizeof(struct sw_row_adder),
                                               .infer = scatter_add_infer,
                                               .grad = scatter_add_grad,
                                               .prepare = scatter_add_prepare,
                                               .run = scatter_add_run};

sw_node *sw_scatter_add(sw_graph *g, sw_node *x, sw_node *ids, sw_node *updates)
{
    return sw__op_add(g, &sw__op_scatter_add, NULL, 0, (sw_node *[]){x, ids, updates}, 3, 1);
}

/* ---- gather_grad: dy, ids, x (its shape) -> dx -------------------------------------------------- */

struct gather_grad_attr {
    int axis;
    bool wrap;
};

static sw_status gather_grad_infer(struct sw_infer *q)
{
    *q->out[0] = (sw_tensor){.dtype = SW_F32, .shape = q->in[2]->shape};
    return sw__infer_dtype(q, 0, SW_F32);
}

static sw_status gather_grad_prepare(struct sw_step *s)
{
    const struct gather_grad_attr *attr = s->attr;
    const sw_shape *x = &s->in[2]->shape;
    struct sw_axis_view v = sw__axis_view(x, attr->axis < 0 ? attr->axis + x->rank : attr->axis);
    struct sw_row_adder *a = s->note;
    *a = (struct sw_row_adder){.outer = v.outer,
                               .rows = v.size,
                               .inner = v.inner,
                               .n = sw_shape_elements(&s->in[1]->shape),
                               .wrap = attr->wrap};
    sw__row_adder_plan(a);
    report(s, a);
    return SW_OK;
}

static void gather_grad_run(const struct sw_step *s, int phase, int64_t begin, int64_t end,
                            void *scratch)
{
    (void)phase, (void)scratch;
    sw__row_adder_run(s->note, s->k, s->out[0]->data, NULL, s->in[1]->data, s->in[0]->data, begin,
                      end);
}

const struct sw_op_class sw__op_gather_grad = {.name = "gather_grad",
                                               .shape_only = 1u << 2,
                                               .note_size = sizeof(struct sw_row_adder),
                                               .infer = gather_grad_infer,
                                               .prepare = gather_grad_prepare,
                                               .run = gather_grad_run};

sw_node *sw__gather_grad(sw_graph *g, sw_node *dy, sw_node *ids, sw_node *x, int axis, bool wrap)
{
    struct gather_grad_attr attr = {axis, wrap};
    return sw__op_add(g, &sw__op_gather_grad, &attr, sizeof attr, (sw_node *[]){dy, ids, x}, 3, 1);
}
