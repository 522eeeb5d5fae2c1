/* A linear layer of bytes, sw_linear_int8: what remains of QuantizeLinear, MatMulInteger and the
 * rescaling of a model that was quantised elsewhere, in one op:
 *
 *     y[i][j] = x_scale[i] w_scale[j] sum over k of (x[i][k] - x_zero) w[j][k] + bias[j]
 *
 * x is u8 or s8, w s8, sums s32 and exact (src/kernels/gemm_int8_kernels.h): the bits of a row depend
 * on that row and on w only, and are those of every ISA.  A weight is packed once; any other w is
 * packed in phase 0 of each run, beside x. */
#include "base/memory.h"
#include "base/size.h"
#include "graph/op.h"
#include "graph/ops/compute.h"
#include "kernels/gemm.h"

enum { X, W, X_SCALE, W_SCALE, X_ZERO, BIAS };
/* The longest sum that cannot leave s32: 255 * 128 * K < 2^31. */
enum { MOST_K = 65536 };

/* ---- shapes ------------------------------------------------------------------------------------ */

static int64_t rows_of(const sw_shape *x)
{
    int64_t m = 1;
    for (int i = 0; i < x->rank - 1; i++) m *= x->dim[i];
    return m;
}

/* A vector of f32 with n elements, or, where one will do, a scalar. */
static sw_status check_vector(struct sw_infer *q, int input, int other, int64_t n, bool scalar)
{
    sw_status status = sw__infer_dtype(q, input, SW_F32);
    if (status == SW_OK) status = sw__infer_rank(q, input, scalar ? 0 : 1, 1);
    if (status != SW_OK) return status;
    const sw_shape *s = &q->in[input]->shape;
    if (s->rank == 1 && s->dim[0] != n)
        return sw__infer_mismatch(q, other, input, "not one value for each row or column");
    return SW_OK;
}

static sw_status linear_int8_infer(struct sw_infer *q)
{
    const sw_tensor *x = q->in[X];
    if (x->dtype != SW_I8 && x->dtype != SW_U8)
        return sw__infer_fail(q, SW_ERR_DTYPE, "operand 0 is %s, not i8 or u8",
                              sw_dtype_get(x->dtype)->name);
    sw_status status = sw__infer_rank(q, X, 1, SW_MAX_RANK);
    if (status == SW_OK) status = sw__infer_dtype(q, W, SW_I8);
    if (status == SW_OK) status = sw__infer_rank(q, W, 2, 2);
    if (status == SW_OK && q->in[X_ZERO]) status = sw__infer_dtype(q, X_ZERO, x->dtype);
    if (status == SW_OK && q->in[X_ZERO]) status = sw__infer_rank(q, X_ZERO, 0, 0);
    if (status != SW_OK) return status;
    const int64_t n = q->in[W]->shape.dim[0], k = q->in[W]->shape.dim[1];
    if (x->shape.dim[x->shape.rank - 1] != k)
        return sw__infer_mismatch(q, X, W, "inner sizes differ");
    if (k > MOST_K) return sw__infer_fail(q, SW_ERR_SIZE, "sums of more than 65536 products");
    status = check_vector(q, X_SCALE, X, rows_of(&x->shape), true);
    if (status == SW_OK) status = check_vector(q, W_SCALE, W, n, false);
    if (status == SW_OK && q->in[BIAS]) status = check_vector(q, BIAS, W, n, false);
    if (status != SW_OK) return status;
    *q->out[0] = (sw_tensor){.dtype = SW_F32, .shape = x->shape};
    q->out[0]->shape.dim[x->shape.rank - 1] = n;
    return SW_OK;
}

/* ---- packing, preparation, run ----------------------------------------------------------------- */

/* param: k, n, ISA. */
static void pack_run(const struct sw_pack *p, const struct sw_kernels *k, const void *src,
                     void *dst, int64_t begin, int64_t end)
{
    sw__gemm_pack_b(k, SW_GEMM_INT8, dst, src, SW_I8, 1, p->param[0], p->param[0], p->param[1],
                    begin, end);
}

static bool linear_int8_pack(const struct sw_step *s, int input, struct sw_pack *out)
{
    if (input != W) return false;
    const int64_t n = s->in[W]->shape.dim[0], k = s->in[W]->shape.dim[1];
    if (n == 0 || k == 0) return false;
    *out = (struct sw_pack){.layout = "gemm_b_int8",
                            .param = {k, n, s->k->isa},
                            .bytes = sw__gemm_packed_b_bytes(s->k, SW_GEMM_INT8, k, n),
                            .tasks = sw__gemm_packed_b_panels(s->k, SW_GEMM_INT8, n),
                            .run = pack_run};
    return true;
}

struct linear_int8_note {
    struct sw_gemm_plan plan;
    struct sw_gemm_args args;
    struct sw_epilogue epilogue;
    int64_t n, k;
};

static sw_status linear_int8_prepare(struct sw_step *s)
{
    struct linear_int8_note *note = s->note;
    const unsigned flags = SW_GEMM_INT8 | SW_GEMM_A_ROWS |
                           (s->packed[W] ? SW_GEMM_B_PACKED : SW_GEMM_B_LINES);
    const int64_t m = rows_of(&s->in[X]->shape);
    *note = (struct linear_int8_note){.n = s->in[W]->shape.dim[0], .k = s->in[W]->shape.dim[1]};
    note->plan = sw__gemm_choose(s->k, 1, m, note->n, note->k, flags);
    note->epilogue = sw__fused_epilogue(s->k, s->act);
    note->epilogue.scale_row_step = s->in[X_SCALE]->shape.rank;
    note->args = (struct sw_gemm_args){.m = m,
                                       .batch = {1, 1, 1},
                                       .a_type = s->in[X]->dtype,
                                       .a_row = note->k,
                                       .a_col = 1,
                                       .b_type = SW_I8,
                                       .b_row = 1,
                                       .b_col = note->k,
                                       .c_row = note->n};
    sw__gemm_memory(s->k, 1, m, note->n, note->k, flags, &s->workspace, &s->scratch);
    s->n_phases = 2;
    s->tasks[0] = note->plan.pack_tasks;
    s->tasks[1] = note->plan.tasks;
    s->flops = 2.0 * (double)m * (double)note->n * (double)note->k;
    s->kernel =
        s->k->names[note->plan.by_lines ? SW_SLOT_gemm_lines_int8 : SW_SLOT_gemm_strip_int8];
    return SW_OK;
}

static int zero_of(const sw_tensor *zero)
{
    if (!zero) return 0;
    return zero->dtype == SW_I8 ? *(const int8_t *)zero->data : *(const uint8_t *)zero->data;
}

static void linear_int8_run(const struct sw_step *s, int phase, int64_t begin, int64_t end,
                            void *scratch)
{
    const struct linear_int8_note *note = s->note;
    struct sw_epilogue epilogue = note->epilogue;
    struct sw_gemm_args args = note->args;
    args.a = s->in[X]->data;
    args.b = s->packed[W] ? s->packed[W] : s->in[W]->data;
    args.c = s->out[0]->data;
    args.workspace = s->ws;
    args.epilogue = &epilogue;
    epilogue.scale_col = s->in[W_SCALE]->data;
    epilogue.scale_row = s->in[X_SCALE]->data;
    epilogue.zero = zero_of(s->in[X_ZERO]);
    epilogue.bias_col = s->in[BIAS] ? s->in[BIAS]->data : NULL;
    if (phase == 0)
        sw__gemm_pack_task(&note->plan, &args, begin, end);
    else
        sw__gemm_task(&note->plan, &args, begin, end, scratch);
}

const struct sw_op_class sw__op_linear_int8 = {.name = "linear_int8",
                                               .flags = SW_OP_FUSE_ACT,
                                               .note_size = sizeof(struct linear_int8_note),
                                               .infer = linear_int8_infer,
                                               .pack = linear_int8_pack,
                                               .prepare = linear_int8_prepare,
                                               .run = linear_int8_run,
                                               .bias = BIAS,
                                               .accepts_bias = sw__accepts_last_axis};

sw_node *sw_linear_int8(sw_graph *g, sw_node *x, sw_node *x_scale, sw_node *x_zero, sw_node *w,
                        sw_node *w_scale, sw_node *b)
{
    return sw__op_add(g, &sw__op_linear_int8, NULL, 0,
                      (sw_node *[]){x, w, x_scale, w_scale, x_zero, b}, 6, 1);
}
