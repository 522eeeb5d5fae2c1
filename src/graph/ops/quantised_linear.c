/* A linear layer whose weight w (N,K) is stored in blocks:  y = x W^T + b, and the gradient of x,
 * dx = dy W.  Both are a product  C (M,N) = A (M,K) B (K,N)  of which B is made from stored blocks,
 * piece by piece, while it is used:
 *
 *     phase 0   A into panels, shared by all tasks (left out for a few rows, which are read as they are)
 *     phase 1   a task owns some columns of C and all rows; for each K block it
 *                   reads the stored values of its columns as f32      exact, into its scratch
 *                   packs them into panels of B                        its scratch
 *                   multiplies all rows of A with them                 tile or few-row kernel
 *
 * so every stored value is read and unpacked once a run.  K blocks and kernels are those of
 * gemm_kernels.h: a row's bits depend on that row and on w only, not on how many rows there are. */
#include "graph/op.h"
#include <string.h>
#include "base/size.h"
#include "graph/op_list.h"
#include "graph/ops/compute.h"
#include "graph/ops/stored_rows.h"
#include "kernels/gemm_table.h"

/* Columns of a task: two to eight panels, and a whole number of blocks for dx. */
#define TASK_COLUMNS 64
/* Up to so many rows the few-row kernel is faster (measured in gemm.c). */
#define FEW_ROWS 6
/* Panels of A that a task of phase 0 packs. */
#define PACK_PANELS 8

enum { X, W, BIAS };

struct product_note {
    struct sw_stored_rows w;
    int64_t m, n, k; /* of the product: for dx, n and k are those of w exchanged */
    int64_t w_row;   /* bytes of a row of w */
    int64_t columns; /* of a task */
    int64_t panels;  /* of A; 0: few rows */
    bool w_is_b;     /* B is w itself (dx); else its transpose */
};

/* ---- shapes ------------------------------------------------------------------------------------ */

/* operand 0 (..., `inner` of w) and w; the result has `outer` of w instead. */
static sw_status infer_product(struct sw_infer *q, int inner, int outer)
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
    sw_shape *y = &q->out[0]->shape;
    *q->out[0] = (sw_tensor){.dtype = SW_F32, .shape = q->in[X]->shape};
    if (y->dim[y->rank - 1] != q->in[W]->shape.dim[inner])
        return sw__infer_mismatch(q, X, W, "inner sizes differ");
    y->dim[y->rank - 1] = q->in[W]->shape.dim[outer];
    return SW_OK;
}

static sw_status quantised_linear_infer(struct sw_infer *q)
{
    sw_status status = infer_product(q, 1, 0);
    if (status != SW_OK || !q->in[BIAS]) return status;
    status = sw__infer_dtype(q, BIAS, SW_F32);
    if (status != SW_OK) return status;
    const sw_shape *b = &q->in[BIAS]->shape;
    if (b->rank != 1 || b->dim[0] != q->in[W]->shape.dim[0])
        return sw__infer_mismatch(q, W, BIAS, "the bias needs one value a row of the weight");
    return SW_OK;
}

static sw_status quantised_linear_grad_infer(struct sw_infer *q)
{
    return infer_product(q, 0, 1);
}

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

/* ---- preparation ------------------------------------------------------------------------------- */

static int64_t k_blocks(const struct product_note *p, const struct sw_gemm_blocks *t)
{
    return sw__max64(1, sw__ceil_div(p->k, t->kc)); /* K = 0 is one empty block */
}

static sw_status product_prepare(struct sw_step *s, bool w_is_b)
{
    const struct sw_gemm_blocks *t = sw__gemm_blocks(s->k->isa);
    const sw_shape *w = &s->in[W]->shape, *a = &s->in[X]->shape;
    struct product_note *p = s->note;
    *p = (struct product_note){.w = sw__stored_rows(s->k, s->in[W]->dtype),
                               .m = 1,
                               .n = w->dim[w_is_b],
                               .k = w->dim[!w_is_b],
                               .w_is_b = w_is_b};
    for (int i = 0; i < a->rank - 1; i++) p->m *= a->dim[i];
    p->w_row = sw__stored_bytes(&p->w, w->dim[1]);
    p->columns = sw__max64(TASK_COLUMNS, p->w.block_elements);
    int64_t kc = sw__min64(t->kc, p->k), columns = sw__round_up(p->columns, t->nr);
    bool few = p->m <= FEW_ROWS;
    p->panels = few ? 0 : sw__ceil_div(p->m, t->mr);
    s->workspace = (size_t)(p->panels * t->mr * p->k) * sizeof(float);
    s->scratch = (size_t)((p->columns + columns) * kc) * sizeof(float);
    s->n_phases = p->m > 0 && p->n > 0 ? 2 : 0;
    s->tasks[0] = k_blocks(p, t) * sw__ceil_div(p->panels, PACK_PANELS);
    s->tasks[1] = sw__ceil_div(p->n, p->columns);
    s->flops = 2. * (double)p->m * (double)p->n * (double)p->k;
    s->bytes = (double)(p->w_row * w->dim[0]) + 4. * (double)p->m * (double)(p->n + p->k);
    s->kernel = s->k->names[few ? SW_SLOT_gemm_rows_f32 : SW_SLOT_gemm_tile_f32];
    return SW_OK;
}

static sw_status quantised_linear_prepare(struct sw_step *s)
{
    return product_prepare(s, false);
}

static sw_status quantised_linear_grad_prepare(struct sw_step *s)
{
    return product_prepare(s, true);
}

/* ---- run --------------------------------------------------------------------------------------- */

/* The panels of A of the K block that begins at k0. */
static float *a_block(const struct sw_step *s, const struct sw_gemm_blocks *t, int64_t k0)
{
    const struct product_note *p = s->note;
    return (float *)s->ws + k0 * p->panels * t->mr;
}

static void pack_a(const struct sw_step *s, int64_t begin, int64_t end)
{
    const struct sw_gemm_blocks *t = sw__gemm_blocks(s->k->isa);
    const struct product_note *p = s->note;
    int64_t groups = sw__ceil_div(p->panels, PACK_PANELS);
    for (int64_t task = begin; task < end; task++) {
        int64_t k0 = task / groups * t->kc, kc = sw__min64(t->kc, p->k - k0);
        int64_t row = task % groups * PACK_PANELS * t->mr;
        int64_t rows = sw__min64(PACK_PANELS * t->mr, p->m - row);
        const float *x = (const float *)s->in[X]->data + row * p->k + k0;
        s->k->gemm_pack_a(a_block(s, t, k0) + row * kc, x, SW_F32, p->k, 1, rows, kc);
    }
}

/* A piece of B: kc indices of K, n columns, and the memory to make it in. */
struct piece {
    int64_t k0, kc, j0, n;
    float *values, *panels;
};

/* Read the stored values and pack them into panels. */
static void make_panels(const struct sw_step *s, const struct piece *b)
{
    const struct product_note *p = s->note;
    const char *w = s->in[W]->data;
    int64_t row0 = p->w_is_b ? b->k0 : b->j0, rows = p->w_is_b ? b->kc : b->n;
    int64_t col0 = p->w_is_b ? b->j0 : b->k0, cols = p->w_is_b ? b->n : b->kc;
    w += row0 * p->w_row + sw__stored_bytes(&p->w, col0);
    for (int64_t i = 0; i < rows; i++) p->w.read(b->values + i * cols, w + i * p->w_row, cols);
    s->k->gemm_pack_b(b->panels, b->values, SW_F32, p->w_is_b ? cols : 1, p->w_is_b ? 1 : cols,
                      b->kc, b->n);
}

/* All rows of A times one piece of B. */
static void multiply(const struct sw_step *s, const struct piece *b, float *c,
                     const struct sw_epilogue *epilogue)
{
    const struct sw_gemm_blocks *t = sw__gemm_blocks(s->k->isa);
    const struct product_note *p = s->note;
    if (p->panels == 0) {
        const float *a = (const float *)s->in[X]->data + b->k0;
        s->k->gemm_rows_f32(c, p->n, a, p->k, b->panels, t->nr, b->kc * t->nr, p->m, b->n, b->kc,
                            b->k0 > 0, epilogue);
        return;
    }
    const float *a = a_block(s, t, b->k0);
    for (int64_t j = 0; j < b->n; j += t->nr) {
        struct sw_epilogue e = {0};
        if (epilogue) e = *epilogue;
        if (e.bias_col) e.bias_col += j;
        for (int64_t i = 0; i < p->m; i += t->mr)
            s->k->gemm_tile_f32(c + i * p->n + j, p->n, a + i * b->kc, b->panels + j * b->kc, b->kc,
                                (int)sw__min64(t->mr, p->m - i), (int)sw__min64(t->nr, b->n - j),
                                b->k0 > 0, epilogue ? &e : NULL, NULL);
    }
}

static void product_run(const struct sw_step *s, int phase, int64_t begin, int64_t end,
                        void *scratch)
{
    if (phase == 0) {
        pack_a(s, begin, end);
        return;
    }
    const struct sw_gemm_blocks *t = sw__gemm_blocks(s->k->isa);
    const struct product_note *p = s->note;
    const float *bias = s->n_in > BIAS && s->in[BIAS] ? s->in[BIAS]->data : NULL;
    struct sw_epilogue epilogue = sw__fused_epilogue(s->k, s->act);
    struct piece b = {.values = scratch};
    b.panels = b.values + p->columns * sw__min64(t->kc, p->k);
    for (int64_t task = begin; task < end; task++) {
        b.j0 = task * p->columns;
        b.n = sw__min64(p->columns, p->n - b.j0);
        float *c = (float *)s->out[0]->data + b.j0;
        epilogue.bias_col = bias ? bias + b.j0 : NULL;
        for (int64_t block = 0; block < k_blocks(p, t); block++) {
            b.k0 = block * t->kc;
            b.kc = sw__min64(t->kc, p->k - b.k0);
            make_panels(s, &b);
            multiply(s, &b, c, b.k0 + b.kc == p->k ? &epilogue : NULL);
        }
        for (int64_t i = 0; epilogue.act_fn && i < p->m; i++)
            epilogue.act_fn(c + i * p->n, c + i * p->n, b.n);
    }
}

/* ---- classes ----------------------------------------------------------------------------------- */

static bool accepts_bias(const sw_shape *out, const sw_shape *vector)
{
    return vector->rank == 1 && out->rank >= 1 && vector->dim[0] == out->dim[out->rank - 1];
}

const struct sw_op_class sw__op_quantised_linear = {.name = "quantised_linear",
                                                    .flags = SW_OP_FUSE_ACT,
                                                    .note_size = sizeof(struct product_note),
                                                    .infer = quantised_linear_infer,
                                                    .grad = quantised_linear_grad,
                                                    .prepare = quantised_linear_prepare,
                                                    .run = product_run,
                                                    .bias = BIAS,
                                                    .accepts_bias = accepts_bias};

const struct sw_op_class sw__op_quantised_linear_grad = {.name = "quantised_linear_grad",
                                                         .note_size = sizeof(struct product_note),
                                                         .infer = quantised_linear_grad_infer,
                                                         .prepare = quantised_linear_grad_prepare,
                                                         .run = product_run};

sw_node *sw_quantised_linear(sw_graph *g, sw_node *x, sw_node *w, sw_node *b)
{
    return sw__op_add(g, &sw__op_quantised_linear, NULL, 0, (sw_node *[]){x, w, b}, 3, 1);
}
