/* A linear layer of a mixture of experts (Shazeer et al. 2017; as grouped products: Gale et al. 2022,
 * MegaBlocks):  y[t][u] = x W_e^T + b_e  with e = experts[t][u].
 *
 *     phase 0   choices sorted by expert, one task                         shared workspace
 *     phase 1   a task a choice: its row of x to its sorted place, as it is or rounded to bytes
 *     phase 2   a task owns some columns of one expert and all rows that chose it, which are neighbours now;
 *               results are put where their choice stands
 *
 * An expert that nobody chose is not read.  The weight is packed expert by expert: block types as in
 * quantised_linear.c, the others in pieces of COLUMNS columns as gemm.h packs them.  Both products give a row
 * bits that depend on that row and the expert only.  Left out: gradients. */
#include <string.h>
#include "base/size.h"
#include "graph/op.h"
#include "graph/op_list.h"
#include "kernels/gemm.h"
#include "kernels/qgemm.h"

enum { X, W, BIAS, EXPERTS };
enum { COLUMNS = 256, PANELS = COLUMNS / SW_QGEMM_COLUMNS }; /* of a task, at most */

struct moe_note {
    const struct sw_qgemm_type *type; /* NULL: not stored in blocks */
    sw_qgemm_fn *multiply;
    int64_t choices, each; /* T * U; choices that share a row of x */
    int64_t experts, n, k, groups;
    int64_t pieces, columns; /* of one expert, and columns of a piece */
    int64_t piece_bytes;     /* packed */
    int64_t rows, sums;      /* where in the workspace: rows of x, results; the order comes first */
    int64_t gemm_scratch;    /* behind a product's own workspace */
    unsigned flags;          /* of a product */
};

/* ---- shapes ------------------------------------------------------------------------------------ */

static sw_status check_weight(struct sw_infer *q)
{
    if (!q->in[W]) return sw__infer_fail(q, SW_ERR_ARGUMENT, "operand 1 is missing");
    const sw_status status = sw__infer_rank(q, W, 3, 3);
    const sw_dtype_info *info = sw_dtype_get(q->in[W]->dtype);
    if (status != SW_OK) return status;
    if (!info->is_float && !sw__qgemm_type(q->in[W]->dtype))
        return sw__infer_fail(q, SW_ERR_DTYPE, "no products with weights of %s", info->name);
    return SW_OK;
}

static sw_status moe_linear_infer(struct sw_infer *q)
{
    sw_status status = sw__infer_dtype(q, X, SW_F32);
    if (status == SW_OK) status = sw__infer_rank(q, X, 2, 3);
    if (status == SW_OK) status = check_weight(q);
    if (status == SW_OK) status = sw__infer_dtype(q, EXPERTS, SW_I32);
    if (status == SW_OK) status = sw__infer_rank(q, EXPERTS, 2, 2);
    if (status == SW_OK && q->in[BIAS]) status = sw__infer_dtype(q, BIAS, SW_F32);
    if (status != SW_OK) return status;
    const sw_shape *x = &q->in[X]->shape, *w = &q->in[W]->shape, *e = &q->in[EXPERTS]->shape;
    if (x->dim[x->rank - 1] != w->dim[2]) return sw__infer_mismatch(q, X, W, "inner sizes differ");
    if (x->dim[0] != e->dim[0] || (x->rank == 3 && x->dim[1] != e->dim[1]))
        return sw__infer_mismatch(q, X, EXPERTS, "choices (T,U) are not of x (T,K) or (T,U,K)");
    if (q->in[BIAS]) {
        const sw_shape *b = &q->in[BIAS]->shape;
        if (b->rank != 2 || b->dim[0] != w->dim[0] || b->dim[1] != w->dim[1])
            return sw__infer_mismatch(q, W, BIAS, "the bias is not (E,N)");
    }
    *q->out[0] = (sw_tensor){.dtype = SW_F32, .shape = SW_SHAPE(e->dim[0], e->dim[1], w->dim[1])};
    if (sw_shape_elements(&q->out[0]->shape) < 0 || sw_shape_elements(e) > INT32_MAX)
        return sw__infer_fail(q, SW_ERR_SIZE, "the result is too large");
    return SW_OK;
}

static void moe_linear_grad(sw_graph *g, const struct sw_op *op, sw_node *const *dy,
                            const bool *need, sw_node **dx)
{
    (void)op, (void)dy, (void)need, (void)dx;
    sw__graph_poison(g, SW_ERR_UNSUPPORTED, "moe_linear: has no gradient");
}

/* ---- packing ----------------------------------------------------------------------------------- */

/* Of a weight that is not stored in blocks: what has two bytes an element keeps them. */
static unsigned packing(sw_dtype dtype)
{
    return dtype == SW_F32 ? 0 : SW_GEMM_B_HALF;
}

static void cut_columns(struct moe_note *p, const struct sw_kernels *k, sw_dtype dtype)
{
    p->columns = COLUMNS;
    p->pieces = sw__ceil_div(p->n, p->columns);
    int64_t bytes = p->type ? PANELS * sw__qgemm_panel_bytes(p->type, p->groups)
                            : (int64_t)sw__gemm_packed_b_bytes(k, packing(dtype), p->k, p->columns);
    p->piece_bytes = sw__round_up(bytes, 64);
}

static void sizes_of(struct moe_note *p, const struct sw_kernels *k, const sw_tensor *w)
{
    *p = (struct moe_note){.type = sw__qgemm_type(w->dtype),
                           .experts = w->shape.dim[0],
                           .n = w->shape.dim[1],
                           .k = w->shape.dim[2],
                           .groups = w->shape.dim[2] / SW_QGEMM_GROUP};
    cut_columns(p, k, w->dtype);
}

/* Piece `piece` of an expert's (N,K), to `to`. */
static void pack_piece(const struct moe_note *p, const struct sw_kernels *k, sw_dtype dtype,
                       const char *expert, int64_t piece, void *to)
{
    const int64_t j = piece * p->columns, n = sw__min64(p->columns, p->n - j);
    if (p->type) {
        const int64_t first = piece * PANELS;
        sw__qgemm_pack(k, p->type, to, expert, p->n, p->k, first,
                       first + sw__ceil_div(n, SW_QGEMM_COLUMNS));
        return;
    }
    const char *from = expert + j * p->k * sw_dtype_get(dtype)->block_bytes;
    sw__gemm_pack_b(k, packing(dtype), to, from, dtype, 1, p->k, p->k, n, 0,
                    sw__gemm_packed_b_panels(k, packing(dtype), n));
}

static const char *expert_at(const sw_tensor *w, const void *data, int64_t e)
{
    const sw_shape one = SW_SHAPE(w->shape.dim[1], w->shape.dim[2]);
    return (const char *)data + e * sw_shape_bytes(&one, w->dtype);
}

/* param: dtype, E, N, K, ISA. */
static void pack_run(const struct sw_pack *pack, const struct sw_kernels *k, const void *src,
                     void *dst, int64_t begin, int64_t end)
{
    const sw_tensor w = {.dtype = (sw_dtype)pack->param[0],
                         .shape = sw_shape_make(3, pack->param + 1)};
    struct moe_note p;
    sizes_of(&p, k, &w);
    for (int64_t i = begin; i < end; i++)
        pack_piece(&p, k, w.dtype, expert_at(&w, src, i / p.pieces), i % p.pieces,
                   (char *)dst + i * p.piece_bytes);
}

static bool moe_linear_pack(const struct sw_step *s, int input, struct sw_pack *out)
{
    if (input != W) return false;
    const sw_tensor *w = s->in[W];
    struct moe_note p;
    sizes_of(&p, s->k, w);
    const int64_t tasks = p.experts * p.pieces;
    if (tasks * p.piece_bytes == 0) return false;
    *out = (struct sw_pack){.layout = "moe_pieces",
                            .param = {w->dtype, p.experts, p.n, p.k, s->k->isa},
                            .bytes = (size_t)(tasks * p.piece_bytes),
                            .tasks = tasks,
                            .run = pack_run};
    return true;
}

/* ---- preparation ------------------------------------------------------------------------------- */

/* Choices by expert, in the workspace: expert e has the sorted places first[e] .. first[e + 1] - 1; block types
 * give each expert whole groups of rows, from group[e] on.  place[i] is that of choice i, -1 for none, and
 * choice[place[i]] is i. */
struct order {
    int32_t *first, *group, *place, *choice;
};

static struct order order_of(const struct sw_step *s)
{
    const struct moe_note *p = s->note;
    int32_t *at = s->ws;
    return (struct order){at, at + p->experts + 1, at + 2 * (p->experts + 1),
                          at + 2 * (p->experts + 1) + p->choices};
}

static void place_workspace(struct sw_step *s, struct moe_note *p)
{
    const int64_t groups = p->choices / SW_QGEMM_ROWS + sw__min64(p->choices, p->experts);
    const int64_t numbers = 2 * (p->experts + 1 + p->choices);
    p->rows = sw__round_up(numbers * (int64_t)sizeof(int32_t), 64);
    p->sums = p->rows +
              sw__round_up(p->type ? groups * p->groups * (int64_t)sizeof(struct sw_qgemm_group)
                                   : p->choices * p->k * (int64_t)sizeof(float),
                           64);
    s->workspace = (size_t)p->sums + (size_t)(p->choices * p->n) * sizeof(float);
}

static void place_scratch(struct sw_step *s, struct moe_note *p)
{
    size_t workspace = 0, scratch = 0;
    if (p->type) {
        s->scratch = s->packed[W] ? 0 : (size_t)p->piece_bytes;
        return;
    }
    const bool f32 = s->in[W]->dtype == SW_F32;
    p->flags = SW_GEMM_A_F32 | SW_GEMM_A_ROWS;
    if (s->packed[W])
        p->flags |= packing(s->in[W]->dtype) | SW_GEMM_B_PACKED;
    else if (f32)
        p->flags |= SW_GEMM_B_LINES;
    sw__gemm_memory(s->k, 1, p->choices, p->columns, p->k, p->flags, &workspace, &scratch);
    p->gemm_scratch = sw__round_up((int64_t)workspace, 64);
    s->scratch = (size_t)p->gemm_scratch + scratch;
}

static sw_status moe_linear_prepare(struct sw_step *s)
{
    struct moe_note *p = s->note;
    const sw_shape *x = &s->in[X]->shape, *e = &s->in[EXPERTS]->shape;
    sizes_of(p, s->k, s->in[W]);
    if (p->type) p->multiply = sw__qgemm_kernel(p->type, s->k);
    p->choices = e->dim[0] * e->dim[1];
    p->each = x->rank == 2 ? e->dim[1] : 1;
    place_workspace(s, p);
    place_scratch(s, p);
    s->n_phases = p->choices > 0 && p->n > 0 ? 3 : 0;
    s->tasks[0] = 1;
    s->tasks[1] = p->choices;
    s->tasks[2] = p->experts * p->pieces;
    s->flops = 2. * (double)p->choices * (double)p->n * (double)p->k;
    s->bytes = (double)(sw__min64(p->choices, p->experts) * p->pieces * p->piece_bytes) +
               4. * (double)p->choices * (double)(p->n + p->k);
    s->kernel = s->k->names[p->type ? p->type->slot : SW_SLOT_gemm_tile_f32];
    return SW_OK;
}

/* ---- run --------------------------------------------------------------------------------------- */

static void sort_choices(const struct sw_step *s)
{
    const struct moe_note *p = s->note;
    const struct order o = order_of(s);
    const int32_t *expert = s->in[EXPERTS]->data;
    memset(o.first, 0, (size_t)(p->experts + 1) * sizeof *o.first);
    for (int64_t i = 0; i < p->choices; i++)
        if (expert[i] >= 0 && expert[i] < p->experts) o.first[expert[i] + 1]++;
    o.group[0] = 0;
    for (int64_t e = 0; e < p->experts; e++) {
        o.group[e + 1] = o.group[e] + (int32_t)sw__ceil_div(o.first[e + 1], SW_QGEMM_ROWS);
        o.first[e + 1] += o.first[e];
    }
    /* first[e] goes up to first[e + 1] meanwhile, and back. */
    for (int64_t i = 0; i < p->choices; i++) {
        const bool there = expert[i] >= 0 && expert[i] < p->experts;
        o.place[i] = there ? o.first[expert[i]]++ : -1;
        if (there) o.choice[o.place[i]] = (int32_t)i;
    }
    for (int64_t e = p->experts; e > 0; e--) o.first[e] = o.first[e - 1];
    o.first[0] = 0;
}

/* The rows of an expert, of a block type. */
static struct sw_qgemm_group *groups_of(const struct sw_step *s, const struct order *o, int64_t e)
{
    const struct moe_note *p = s->note;
    return (struct sw_qgemm_group *)((char *)s->ws + p->rows) + o->group[e] * p->groups;
}

static void take_row(const struct sw_step *s, int64_t choice)
{
    const struct moe_note *p = s->note;
    const struct order o = order_of(s);
    const float *x = (const float *)s->in[X]->data + choice / p->each * p->k;
    const int64_t place = o.place[choice];
    if (place < 0) {
        memset((float *)s->out[0]->data + choice * p->n, 0, (size_t)p->n * sizeof(float));
    } else if (!p->type) {
        memcpy((float *)(void *)((char *)s->ws + p->rows) + place * p->k, x,
               (size_t)p->k * sizeof *x);
    } else {
        const int32_t e = ((const int32_t *)s->in[EXPERTS]->data)[choice];
        const int64_t row = place - o.first[e];
        s->k->qgemm_round(groups_of(s, &o, e) + row / SW_QGEMM_ROWS * p->groups,
                          (int)(row % SW_QGEMM_ROWS), x, p->type->offset, p->type->parts,
                          p->groups);
    }
}

/* m rows of an expert's result, from column j on, by blocks: to c. */
static void multiply_blocks(const struct sw_step *s, const struct sw_qgemm_group *rows,
                            const char *piece, float *c, int64_t m, int64_t n)
{
    const struct moe_note *p = s->note;
    const int64_t bytes = sw__qgemm_panel_bytes(p->type, p->groups);
    for (int64_t j = 0; j < n; j += SW_QGEMM_COLUMNS, piece += bytes)
        p->multiply(c + j, p->n, rows, piece, p->groups, m,
                    (int)sw__min64(SW_QGEMM_COLUMNS, n - j));
}

static void multiply_plain(const struct sw_step *s, const float *rows, const void *b, float *c,
                           int64_t m, int64_t n, char *scratch)
{
    const struct moe_note *p = s->note;
    const struct sw_gemm_plan plan = sw__gemm_choose(s->k, 1, m, n, p->k, p->flags);
    const struct sw_gemm_args args = {.m = m,
                                      .batch = {1, 1, 1},
                                      .a = rows,
                                      .a_type = SW_F32,
                                      .a_row = p->k,
                                      .a_col = 1,
                                      .b = b,
                                      .b_type = s->in[W]->dtype,
                                      .b_row = 1,
                                      .b_col = p->k,
                                      .c = c,
                                      .c_row = p->n,
                                      .workspace = scratch};
    sw__gemm_pack_task(&plan, &args, 0, plan.pack_tasks);
    sw__gemm_task(&plan, &args, 0, plan.tasks, scratch + p->gemm_scratch);
}

/* Rows of the sorted results to the places of their choices, with the bias. */
static void put_back(const struct sw_step *s, const struct order *o, int64_t e, int64_t j,
                     int64_t n)
{
    const struct moe_note *p = s->note;
    const float *sums = (const float *)(const void *)((char *)s->ws + p->sums);
    const float *bias = s->in[BIAS] ? (const float *)s->in[BIAS]->data + e * p->n + j : NULL;
    for (int64_t i = o->first[e]; i < o->first[e + 1]; i++) {
        float *y = (float *)s->out[0]->data + o->choice[i] * p->n + j;
        const float *from = sums + i * p->n + j;
        if (bias)
            s->k->binary_f32(SW_BINARY_ADD, y, from, bias, n, 0, 0);
        else
            memcpy(y, from, (size_t)n * sizeof *y);
    }
}

static void multiply(const struct sw_step *s, int64_t task, char *scratch)
{
    const struct moe_note *p = s->note;
    const struct order o = order_of(s);
    const int64_t e = task / p->pieces, piece = task % p->pieces;
    const int64_t j = piece * p->columns, n = sw__min64(p->columns, p->n - j);
    const int64_t from = o.first[e], m = o.first[e + 1] - from;
    if (m == 0) return;
    const char *expert = expert_at(s->in[W], s->in[W]->data, e);
    const char *b = s->packed[W] ? (const char *)s->packed[W] + task * p->piece_bytes : scratch;
    float *c = (float *)(void *)((char *)s->ws + p->sums) + from * p->n + j;
    if (!s->packed[W] && p->type) pack_piece(p, s->k, s->in[W]->dtype, expert, piece, scratch);
    if (!s->packed[W] && !p->type)
        b = expert + j * p->k * sw_dtype_get(s->in[W]->dtype)->block_bytes;
    if (p->type)
        multiply_blocks(s, groups_of(s, &o, e), b, c, m, n);
    else
        multiply_plain(s, (const float *)(const void *)((char *)s->ws + p->rows) + from * p->k, b,
                       c, m, n, scratch);
    put_back(s, &o, e, j, n);
}

static void moe_linear_run(const struct sw_step *s, int phase, int64_t begin, int64_t end,
                           void *scratch)
{
    if (phase == 0) sort_choices(s);
    for (int64_t i = begin; phase == 1 && i < end; i++) take_row(s, i);
    for (int64_t i = begin; phase == 2 && i < end; i++) multiply(s, i, scratch);
}

const struct sw_op_class sw__op_moe_linear = {.name = "moe_linear",
                                              .flags = SW_OP_PACK_LATE,
                                              .note_size = sizeof(struct moe_note),
                                              .infer = moe_linear_infer,
                                              .grad = moe_linear_grad,
                                              .pack = moe_linear_pack,
                                              .prepare = moe_linear_prepare,
                                              .run = moe_linear_run};

sw_node *sw_moe_linear(sw_graph *g, sw_node *x, sw_node *w, sw_node *b, sw_node *experts)
{
    return sw__op_add(g, &sw__op_moe_linear, NULL, 0, (sw_node *[]){x, w, b, experts}, 4, 1);
}
