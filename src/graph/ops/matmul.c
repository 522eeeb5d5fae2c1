/* Matrix products: sw_matmul, sw_linear.  One op: y = act(op(a) op(b) + bias).
 *
 * a (...,M,K) or transposed (...,K,M), b (...,K,N) or transposed (...,N,K), bias (N) or absent.
 * Leading dimensions broadcast and are collapsed to at most three; where b has none, the rows of all
 * of a's products are one long matrix, so a linear layer is one product whatever the rank of x.
 * A weight b is read from its packed copy, which all plans share.  In bf16 operands are rounded while
 * they are packed, weights once.  Gradients are products again, in the same type:
 *
 *     y = a b:   da = dy b^T    db = a^T dy     dbias = sum of dy over all rows
 *
 * The arithmetic is src/kernels/gemm.c; the bits of a row depend on that row and on b only. */
#include <string.h>

#include "base/size.h"
#include "graph/op.h"
#include "graph/ops/attributes.h"
#include "graph/ops/compute.h"
#include "kernels/gemm.h"

enum { A, B, BIAS };

/* ---- shapes ------------------------------------------------------------------------------------ */

struct product {
    int64_t m, n, k;
    int64_t a_row, a_col, b_row, b_col;
    int n_batch; /* collapsed leading axes */
    int64_t batch[SW_GEMM_BATCH_RANK], a_batch[SW_GEMM_BATCH_RANK], b_batch[SW_GEMM_BATCH_RANK],
        c_batch[SW_GEMM_BATCH_RANK]; /* innermost last */
};

/* Dimension and stride of leading axis i (from the end) of an operand of matrices. */
static int64_t lead(const sw_shape *s, int i)
{
    int at = s->rank - 3 - i;
    return at >= 0 ? s->dim[at] : 1;
}

/* Merge the leading axes into as few as the broadcasting allows.  False: more than three remain. */
static bool collapse(struct product *p, const sw_shape *a, const sw_shape *b)
{
    int rank = (a->rank > b->rank ? a->rank : b->rank) - 2, n = 0;
    int64_t sa = p->m * p->k, sb = p->k * p->n, sc = p->m * p->n;
    int64_t size[SW_MAX_RANK], as[SW_MAX_RANK], bs[SW_MAX_RANK], cs[SW_MAX_RANK];
    for (int i = 0; i < rank; i++) {
        int64_t da = lead(a, i), db = lead(b, i), d = da == 1 ? db : da;
        int64_t ta = da == 1 ? 0 : sa, tb = db == 1 ? 0 : sb;
        if (d != 1) {
            /* The axis continues the one inside it when both operands step on regularly. */
            if (n > 0 && ta == as[n - 1] * size[n - 1] && tb == bs[n - 1] * size[n - 1]) {
                size[n - 1] *= d;
            } else {
                size[n] = d;
                as[n] = ta;
                bs[n] = tb;
                cs[n++] = sc;
            }
        }
        sa *= da;
        sb *= db;
        sc *= d;
    }
    if (n > SW_GEMM_BATCH_RANK) return false;
    p->n_batch = n;
    for (int i = 0; i < SW_GEMM_BATCH_RANK; i++) {
        int to = SW_GEMM_BATCH_RANK - 1 - i;
        p->batch[to] = i < n ? size[i] : 1;
        p->a_batch[to] = i < n ? as[i] : 0;
        p->b_batch[to] = i < n ? bs[i] : 0;
        p->c_batch[to] = i < n ? cs[i] : 0;
    }
    return true;
}

/* The product of two operands whose shapes fit. */
static bool product_of(const struct matmul_attr *attr, const sw_shape *a, const sw_shape *b,
                       struct product *p)
{
    int64_t a0 = a->rank > 1 ? a->dim[a->rank - 2] : 1, a1 = a->dim[a->rank - 1];
    int64_t b0 = b->dim[b->rank - 2], b1 = b->dim[b->rank - 1];
    *p = (struct product){
        .m = attr->ta ? a1 : a0, .k = attr->ta ? a0 : a1, .n = attr->tb ? b0 : b1};
    p->a_row = attr->ta ? 1 : a1;
    p->a_col = attr->ta ? a1 : 1;
    p->b_row = attr->tb ? 1 : b1;
    p->b_col = attr->tb ? b1 : 1;
    if (b->rank == 2 && !attr->ta) { /* one long a */
        for (int i = 0; i < a->rank - 2; i++) p->m *= a->dim[i];
        return collapse(p, &(sw_shape){2, {p->m, p->k}}, b);
    }
    return collapse(p, a, b);
}

static bool is_float(const sw_tensor *t)
{
    return sw_dtype_get(t->dtype)->is_float;
}

static sw_status matmul_infer(struct sw_infer *q)
{
    const struct matmul_attr *attr = q->attr;
    const sw_tensor *a = q->in[A], *b = q->in[B];
    sw_status status = sw__infer_rank(q, A, attr->ta || b->shape.rank > 2 ? 2 : 1, SW_MAX_RANK);
    if (status == SW_OK) status = sw__infer_rank(q, B, 2, SW_MAX_RANK);
    if (status != SW_OK) return status;
    if (!is_float(a) || !is_float(b))
        return sw__infer_fail(q, SW_ERR_DTYPE, "operands are %s and %s, not floats",
                              sw_dtype_get(a->dtype)->name, sw_dtype_get(b->dtype)->name);
    const sw_shape *s = &a->shape, *t = &b->shape;
    int64_t ka = s->dim[attr->ta ? s->rank - 2 : s->rank - 1];
    int64_t kb = t->dim[attr->tb ? t->rank - 1 : t->rank - 2];
    if (ka != kb) return sw__infer_mismatch(q, A, B, "inner sizes differ");

    int rank = s->rank > t->rank ? s->rank : t->rank;
    sw_shape out = {.rank = s->rank == 1 ? 1 : rank};
    for (int i = 0; i < rank - 2; i++) {
        int64_t x = lead(s, i), y = lead(t, i);
        if (x != y && x != 1 && y != 1)
            return sw__infer_mismatch(q, A, B, "leading sizes do not broadcast");
        out.dim[rank - 3 - i] = x == 1 ? y : x;
    }
    if (s->rank > 1) out.dim[rank - 2] = s->dim[attr->ta ? s->rank - 1 : s->rank - 2];
    out.dim[out.rank - 1] = t->dim[attr->tb ? t->rank - 2 : t->rank - 1];
    if (sw_shape_elements(&out) < 0)
        return sw__infer_fail(q, SW_ERR_SIZE, "the result is too large");
    struct product p;
    if (!product_of(attr, s, t, &p))
        return sw__infer_mismatch(q, A, B, "more than three groups of broadcast axes");
    if (q->n_in > BIAS && q->in[BIAS]) {
        status = sw__infer_dtype(q, BIAS, SW_F32);
        if (status != SW_OK) return status;
        if (q->in[BIAS]->shape.rank != 1 || q->in[BIAS]->shape.dim[0] != p.n)
            return sw__infer_mismatch(q, B, BIAS, "the bias needs one value a column");
    }
    q->out[0]->dtype = SW_F32;
    q->out[0]->shape = out;
    return SW_OK;
}

/* ---- gradient ---------------------------------------------------------------------------------- */

const struct sw_op_class sw__op_matmul;

static sw_node *product(sw_graph *g, sw_node *a, sw_node *b, sw_node *bias, bool ta, bool tb,
                        sw_dtype compute)
{
    struct matmul_attr attr = {ta, tb, compute};
    sw_node *in[] = {a, b, bias};
    return sw__op_add(g, &sw__op_matmul, &attr, sizeof attr, in, 3, 1);
}

/* Rows of all leading axes as one matrix. */
static sw_node *as_matrix(sw_graph *g, sw_node *x)
{
    int rank = sw_node_shape(x).rank;
    if (rank == 1) return sw_reshape(g, x, SW_SHAPE(1, -1));
    return rank > 2 ? sw_flatten(g, x, 0, rank - 2) : x;
}

static void matmul_grad(sw_graph *g, const struct sw_op *op, sw_node *const *dy, const bool *need,
                        sw_node **dx)
{
    const struct matmul_attr *attr = sw__op_attr(op);
    sw_node *a = sw__op_in(op, A), *b = sw__op_in(op, B), *bias = sw__op_in(op, BIAS), *d = dy[0];
    bool flat = sw_node_shape(b).rank == 2 && !attr->ta;
    if (need[BIAS]) dx[BIAS] = sw__sum_to(g, dy[0], bias);
    if (need[A]) {
        if (!attr->ta)
            dx[A] = product(g, d, b, NULL, false, !attr->tb, attr->compute);
        else
            dx[A] = product(g, b, d, NULL, attr->tb, true, attr->compute);
        if (!flat) dx[A] = sw__sum_to(g, dx[A], a);
    }
    if (!need[B]) return;
    if (flat) {
        a = as_matrix(g, a);
        d = as_matrix(g, d);
    }
    if (!attr->tb)
        dx[B] = product(g, a, d, NULL, !attr->ta, false, attr->compute);
    else
        dx[B] = product(g, d, a, NULL, true, attr->ta, attr->compute);
    if (!flat) dx[B] = sw__sum_to(g, dx[B], b);
}

/* ---- packing, preparation, run ------------------------------------------------------------------ */

/* The kind of product, as a flag of gemm.h.  What is bf16 already needs no rounding. */
static unsigned kind(const struct sw_step *s)
{
    const struct matmul_attr *attr = s->attr;
    bool is_bf16 = s->in[A]->dtype == SW_BF16 && s->in[B]->dtype == SW_BF16;
    return attr->compute == SW_BF16 || is_bf16 ? SW_GEMM_BF16 : 0;
}

/* The flags of a packed B: what has two bytes an element keeps them in f32 products too. */
static unsigned packing(const struct sw_step *s)
{
    const unsigned flag = kind(s);
    return flag || s->in[B]->dtype == SW_F32 ? flag : SW_GEMM_B_HALF;
}

/* param: k, n, row stride, column stride, dtype, ISA, kind. */
static void pack_run(const struct sw_pack *p, const struct sw_kernels *k, const void *src,
                     void *dst, int64_t begin, int64_t end)
{
    sw__gemm_pack_b(k, (unsigned)p->param[6], dst, src, (sw_dtype)p->param[4], p->param[2],
                    p->param[3], p->param[0], p->param[1], begin, end);
}

static bool matmul_pack(const struct sw_step *s, int input, struct sw_pack *out)
{
    struct product p;
    if (input != B || s->in[B]->shape.rank != 2) return false;
    product_of(s->attr, &s->in[A]->shape, &s->in[B]->shape, &p);
    if (p.n_batch > 1 || p.k == 0 || p.n == 0) return false;
    const unsigned flag = packing(s);
    const char *layout = flag == SW_GEMM_BF16     ? "gemm_b_bf16"
                         : flag == SW_GEMM_B_HALF ? "gemm_b_half"
                                                  : "gemm_b_f32";
    *out = (struct sw_pack){.layout = layout,
                            .param = {p.k, p.n, p.b_row, p.b_col, s->in[B]->dtype, s->k->isa, flag},
                            .bytes = sw__gemm_packed_b_bytes(s->k, flag, p.k, p.n),
                            .tasks = sw__gemm_packed_b_panels(s->k, flag, p.n),
                            .run = pack_run};
    return true;
}

struct matmul_note {
    struct sw_gemm_plan plan;
    struct sw_gemm_args args;
    struct sw_epilogue epilogue;
};

static sw_status matmul_prepare(struct sw_step *s)
{
    struct matmul_note *note = s->note;
    struct product p;
    product_of(s->attr, &s->in[A]->shape, &s->in[B]->shape, &p);
    int64_t batch = p.batch[0] * p.batch[1] * p.batch[2];
    unsigned flags = s->packed[B] ? packing(s) | SW_GEMM_B_PACKED : kind(s);
    if (!s->packed[B] && (s->in[B]->dtype == SW_F32 || kind(s)))
        flags |= p.b_col == 1 ? SW_GEMM_B_ROWS : p.b_row == 1 ? SW_GEMM_B_LINES : 0;
    if (s->in[A]->dtype == SW_F32) flags |= SW_GEMM_A_F32;
    if (s->in[A]->dtype == (kind(s) ? SW_BF16 : SW_F32) && p.a_col == 1) flags |= SW_GEMM_A_ROWS;
    note->plan = sw__gemm_choose(s->k, batch, p.m, p.n, p.k, flags);
    note->epilogue = sw__fused_epilogue(s->k, s->act);
    note->args = (struct sw_gemm_args){.m = p.m,
                                       .a_type = s->in[A]->dtype,
                                       .a_row = p.a_row,
                                       .a_col = p.a_col,
                                       .b_type = s->in[B]->dtype,
                                       .b_row = p.b_row,
                                       .b_col = p.b_col,
                                       .c_row = p.n};
    memcpy(note->args.batch, p.batch, sizeof p.batch);
    memcpy(note->args.a_batch, p.a_batch, sizeof p.a_batch);
    memcpy(note->args.b_batch, p.b_batch, sizeof p.b_batch);
    memcpy(note->args.c_batch, p.c_batch, sizeof p.c_batch);
    sw__gemm_memory(s->k, batch, p.m, p.n, p.k, flags, &s->workspace, &s->scratch);
    s->n_phases = 2;
    s->tasks[0] = note->plan.pack_tasks;
    s->tasks[1] = note->plan.tasks;
    s->flops = 2.0 * (double)batch * (double)p.m * (double)p.n * (double)p.k;
    s->kernel = s->k->names[flags & SW_GEMM_BF16                       ? SW_SLOT_gemm_strip_bf16
                            : note->plan.streams                       ? SW_SLOT_gemm_stream_f32
                            : note->plan.few_rows && note->plan.b_half ? SW_SLOT_gemm_rows_half
                            : note->plan.few_rows                      ? SW_SLOT_gemm_rows_f32
                                                                       : SW_SLOT_gemm_tile_f32];
    return SW_OK;
}

static void matmul_run(const struct sw_step *s, int phase, int64_t begin, int64_t end,
                       void *scratch)
{
    const struct matmul_note *note = s->note;
    struct sw_epilogue epilogue = note->epilogue;
    struct sw_gemm_args args = note->args;
    args.a = s->in[A]->data;
    args.b = s->packed[B] ? s->packed[B] : s->in[B]->data;
    args.c = s->out[0]->data;
    args.workspace = s->ws;
    args.epilogue = &epilogue;
    epilogue.bias_col = s->in[BIAS] ? s->in[BIAS]->data : NULL;
    if (phase == 0)
        sw__gemm_pack_task(&note->plan, &args, begin, end);
    else
        sw__gemm_task(&note->plan, &args, begin, end, scratch);
}

const struct sw_op_class sw__op_matmul = {.name = "matmul",
                                          .flags = SW_OP_FUSE_ACT,
                                          .note_size = sizeof(struct matmul_note),
                                          .infer = matmul_infer,
                                          .grad = matmul_grad,
                                          .pack = matmul_pack,
                                          .prepare = matmul_prepare,
                                          .run = matmul_run,
                                          .bias = BIAS,
                                          .accepts_bias = sw__accepts_last_axis};

/* ---- builders ---------------------------------------------------------------------------------- */

sw_node *sw_matmul(sw_graph *g, sw_node *a, sw_node *b, sw_matmul_options o)
{
    return product(g, a, b, NULL, o.transpose_a, o.transpose_b, sw__graph_compute_type(g));
}

sw_node *sw_linear(sw_graph *g, sw_node *x, sw_node *w, sw_node *b)
{
    const sw_dtype_info *info = sw_dtype_get(sw_node_dtype(w));
    if (info && info->block_elements > 1) return sw_quantised_linear(g, x, w, b);
    if (sw_node_shape(w).rank != 2 && sw_graph_status(g) == SW_OK)
        return sw__graph_poison(g, SW_ERR_SHAPE, "linear: the weight needs 2 dimensions, not %d",
                                sw_node_shape(w).rank);
    return product(g, x, w, b, false, true, sw__graph_compute_type(g));
}
