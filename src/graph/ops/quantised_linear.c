/* A linear layer whose weight w (N,K) is stored in blocks:  y = x W^T + b.
 *
 *     phase 0   rows of x to bytes, a scale for each 32 of them          shared workspace
 *     phase 1   a task owns some panels of 16 columns and all rows
 *
 * The panels are the weight's packed copy, which has the size of the blocks; an operand that is no
 * weight is packed panel by panel while it is used.  Arithmetic and the rule of the bits:
 * kernels/qgemm_kernels.h. */
#include "graph/ops/quantised_linear.h"
#include "base/size.h"
#include "graph/op_list.h"
#include "graph/ops/compute.h"
#include "kernels/qgemm.h"

/* Panels of a task: each task starts to stream from memory anew, so they are long where there are many,
 * and still a few in a narrow layer. */
enum { LEAST_PANELS = 4, MOST_PANELS = 16, ENOUGH_TASKS = 64 };

enum { X, W, BIAS };

struct linear_note {
    const struct sw_qgemm_type *type;
    sw_qgemm_fn *multiply;
    struct sw_epilogue epilogue;
    int64_t m, n, k, groups, panels, panel_bytes;
    int64_t task_panels;
};

/* ---- shapes ------------------------------------------------------------------------------------ */

sw_status sw__quantised_linear_infer(struct sw_infer *q, int inner, int outer)
{
    sw_status status = sw__infer_dtype(q, X, SW_F32);
    if (status == SW_OK) status = sw__infer_rank(q, X, 1, SW_MAX_RANK);
    if (status == SW_OK && !q->in[W])
        status = sw__infer_fail(q, SW_ERR_ARGUMENT, "operand 1 is missing");
    if (status == SW_OK) status = sw__infer_rank(q, W, 2, 2);
    if (status != SW_OK) return status;
    const sw_dtype_info *info = sw_dtype_get(q->in[W]->dtype);
    if (info->block_elements == 1)
        return sw__infer_fail(q, SW_ERR_DTYPE, "the weight is %s, not a block type", info->name);
    if (!sw__qgemm_type(q->in[W]->dtype))
        return sw__infer_fail(q, SW_ERR_DTYPE, "no products with weights of %s", info->name);
    sw_shape *y = &q->out[0]->shape;
    *q->out[0] = (sw_tensor){.dtype = SW_F32, .shape = q->in[X]->shape};
    if (y->dim[y->rank - 1] != q->in[W]->shape.dim[inner])
        return sw__infer_mismatch(q, X, W, "inner sizes differ");
    y->dim[y->rank - 1] = q->in[W]->shape.dim[outer];
    return SW_OK;
}

static sw_status quantised_linear_infer(struct sw_infer *q)
{
    sw_status status = sw__quantised_linear_infer(q, 1, 0);
    if (status != SW_OK || !q->in[BIAS]) return status;
    status = sw__infer_dtype(q, BIAS, SW_F32);
    if (status != SW_OK) return status;
    const sw_shape *b = &q->in[BIAS]->shape;
    if (b->rank != 1 || b->dim[0] != q->in[W]->shape.dim[0])
        return sw__infer_mismatch(q, W, BIAS, "the bias needs one value a row of the weight");
    return SW_OK;
}

/* Rounding is passed straight through: dx is that of the product with x itself. */
static void quantised_linear_grad(sw_graph *g, const struct sw_op *op, sw_node *const *dy,
                                  const bool *need, sw_node **dx)
{
    if (need[W]) {
        sw__graph_poison(g, SW_ERR_UNSUPPORTED,
                         "quantised_linear: a weight stored in blocks has no gradient");
        return;
    }
    sw_node *in[2] = {dy[0], sw__op_in(op, W)};
    if (need[X]) dx[X] = sw__op_add(g, &sw__op_quantised_linear_grad, NULL, 0, in, 2, 1);
    if (need[BIAS]) dx[BIAS] = sw__sum_to(g, dy[0], sw__op_in(op, BIAS));
}

/* ---- packing, preparation ---------------------------------------------------------------------- */

/* param: dtype, n, k. */
static void pack_run(const struct sw_pack *p, const struct sw_kernels *k, const void *src,
                     void *dst, int64_t begin, int64_t end)
{
    const struct sw_qgemm_type *t = sw__qgemm_type((sw_dtype)p->param[0]);
    uint8_t *to = dst;
    to += begin * sw__qgemm_panel_bytes(t, p->param[2] / SW_QGEMM_GROUP);
    sw__qgemm_pack(k, t, to, src, p->param[1], p->param[2], begin, end);
}

static bool quantised_linear_pack(const struct sw_step *s, int input, struct sw_pack *out)
{
    if (input != W) return false;
    const sw_shape *w = &s->in[W]->shape;
    const struct sw_qgemm_type *t = sw__qgemm_type(s->in[W]->dtype);
    int64_t panels = sw__ceil_div(w->dim[0], SW_QGEMM_COLUMNS);
    int64_t bytes = sw__qgemm_panel_bytes(t, w->dim[1] / SW_QGEMM_GROUP);
    if (panels * bytes == 0) return false;
    *out = (struct sw_pack){.layout = "qgemm_panels",
                            .param = {s->in[W]->dtype, w->dim[0], w->dim[1]},
                            .bytes = (size_t)(panels * bytes),
                            .tasks = panels,
                            .run = pack_run};
    return true;
}

static sw_status quantised_linear_prepare(struct sw_step *s)
{
    const sw_shape *w = &s->in[W]->shape, *x = &s->in[X]->shape;
    struct linear_note *p = s->note;
    *p = (struct linear_note){.type = sw__qgemm_type(s->in[W]->dtype),
                              .epilogue = sw__fused_epilogue(s->k, s->act),
                              .m = 1,
                              .n = w->dim[0],
                              .k = w->dim[1],
                              .groups = w->dim[1] / SW_QGEMM_GROUP,
                              .panels = sw__ceil_div(w->dim[0], SW_QGEMM_COLUMNS)};
    for (int i = 0; i < x->rank - 1; i++) p->m *= x->dim[i];
    p->multiply = sw__qgemm_kernel(p->type, s->k);
    p->panel_bytes = sw__qgemm_panel_bytes(p->type, p->groups);
    p->task_panels = sw__max64(LEAST_PANELS, sw__min64(MOST_PANELS, p->panels / ENOUGH_TASKS));
    s->workspace = (size_t)(sw__ceil_div(p->m, SW_QGEMM_ROWS) * p->groups) *
                   sizeof(struct sw_qgemm_group);
    s->scratch = s->packed[W] ? 0 : (size_t)p->panel_bytes;
    s->n_phases = p->m > 0 && p->n > 0 ? 2 : 0;
    s->tasks[0] = p->m;
    s->tasks[1] = sw__ceil_div(p->panels, p->task_panels);
    s->flops = 2. * (double)p->m * (double)p->n * (double)p->k;
    s->bytes = (double)(p->panel_bytes * p->panels) + 4. * (double)p->m * (double)(p->n + p->k);
    s->kernel = s->k->names[p->type->slot];
    return SW_OK;
}

/* ---- run --------------------------------------------------------------------------------------- */

static void round_rows(const struct sw_step *s, int64_t begin, int64_t end)
{
    const struct linear_note *p = s->note;
    struct sw_qgemm_group *a = s->ws;
    for (int64_t i = begin; i < end; i++)
        s->k->qgemm_round(a + i / SW_QGEMM_ROWS * p->groups, (int)(i % SW_QGEMM_ROWS),
                          (const float *)s->in[X]->data + i * p->k, p->type->offset, p->type->parts,
                          p->groups);
}

/* Bias and activation of n columns, which bias points at or is NULL. */
static void finish(const struct sw_step *s, float *c, const float *bias, int64_t n)
{
    const struct linear_note *p = s->note;
    const struct sw_epilogue *e = &p->epilogue;
    if (!bias && e->act == SW_GEMM_ACT_NONE && !e->act_fn) return;
    for (int64_t i = 0; i < p->m; i++, c += p->n) {
        if (bias) s->k->binary_f32(SW_BINARY_ADD, c, c, bias, n, 0, 0);
        switch (e->act) {
        case SW_GEMM_ACT_NONE: break;
        case SW_GEMM_ACT_RELU: s->k->relu_f32(c, c, n, 0); break;
        case SW_GEMM_ACT_LEAKY: s->k->leaky_relu_f32(c, c, n, e->a, 0); break;
        case SW_GEMM_ACT_CLIP: s->k->clip_f32(c, c, n, e->a, e->b, 0); break;
        }
        if (e->act_fn) e->act_fn(c, c, n, 0);
    }
}

static void quantised_linear_run(const struct sw_step *s, int phase, int64_t begin, int64_t end,
                                 void *scratch)
{
    if (phase == 0) {
        round_rows(s, begin, end);
        return;
    }
    const struct linear_note *p = s->note;
    const uint8_t *packed = s->packed[W];
    const float *bias = s->in[BIAS] ? s->in[BIAS]->data : NULL;
    int64_t from = begin * p->task_panels;
    int64_t to = sw__min64(end * p->task_panels, p->panels);
    for (int64_t panel = from; panel < to; panel++) {
        int64_t j = panel * SW_QGEMM_COLUMNS, n = sw__min64(SW_QGEMM_COLUMNS, p->n - j);
        const void *w = packed ? packed + panel * p->panel_bytes : scratch;
        if (!packed)
            sw__qgemm_pack(s->k, p->type, scratch, s->in[W]->data, p->n, p->k, panel, panel + 1);
        p->multiply((float *)s->out[0]->data + j, p->n, s->ws, w, p->groups, p->m, (int)n);
    }
    int64_t j = from * SW_QGEMM_COLUMNS, n = sw__min64(to * SW_QGEMM_COLUMNS, p->n) - j;
    finish(s, (float *)s->out[0]->data + j, bias ? bias + j : NULL, n);
}

/* ---- class ------------------------------------------------------------------------------------- */

const struct sw_op_class sw__op_quantised_linear = {.name = "quantised_linear",
                                                    .flags = SW_OP_FUSE_ACT | SW_OP_PACK_LATE,
                                                    .note_size = sizeof(struct linear_note),
                                                    .infer = quantised_linear_infer,
                                                    .grad = quantised_linear_grad,
                                                    .pack = quantised_linear_pack,
                                                    .prepare = quantised_linear_prepare,
                                                    .run = quantised_linear_run,
                                                    .bias = BIAS,
                                                    .accepts_bias = sw__accepts_last_axis};

sw_node *sw_quantised_linear(sw_graph *g, sw_node *x, sw_node *w, sw_node *b)
{
    return sw__op_add(g, &sw__op_quantised_linear, NULL, 0, (sw_node *[]){x, w, b}, 3, 1);
}
