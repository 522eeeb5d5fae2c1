/* Elementwise ops of two or three operands with NumPy's broadcasting: arithmetic, comparisons, where.
 *
 * The gradients are sums over the broadcast axes (sw__sum_to) of
 *
 *     add  dy, dy         sub  dy, -dy        mul  dy b, dy a      div  dy/b, -dy y/b
 *     pow  dy b a^(b-1), dy y log a           max, min: dy to the operand that won, to a in a tie
 *     where  dy to the operand that was taken */
#include "base/size.h"
#include "graph/op.h"
#include "graph/ops/broadcast.h"

struct binary_attr {
    int op; /* enum sw_binary or enum sw_compare */
};

/* ---- shapes and preparation, the same for all ---------------------------------------------------- */

static sw_status operands_alike(struct sw_infer *q, int a, int b)
{
    sw_dtype t = q->in[a]->dtype;
    if (t != SW_F32 && t != SW_I32)
        return sw__infer_fail(q, SW_ERR_DTYPE, "operands must be f32 or i32, not %s",
                              sw_dtype_get(t)->name);
    if (q->in[b]->dtype != t)
        return sw__infer_fail(q, SW_ERR_DTYPE, "operands are %s and %s", sw_dtype_get(t)->name,
                              sw_dtype_get(q->in[b]->dtype)->name);
    return SW_OK;
}

static sw_status binary_infer(struct sw_infer *q)
{
    sw_status status = operands_alike(q, 0, 1);
    if (status != SW_OK) return status;
    q->out[0]->dtype = q->in[0]->dtype;
    return sw__infer_broadcast(q, 0, 1, &q->out[0]->shape);
}

static sw_status compare_infer(struct sw_infer *q)
{
    sw_status status = binary_infer(q);
    q->out[0]->dtype = SW_U8;
    return status;
}

static sw_status where_infer(struct sw_infer *q)
{
    sw_shape ab, all;
    sw_status status = sw__infer_dtype(q, 0, SW_U8);
    if (status == SW_OK) status = operands_alike(q, 1, 2);
    if (status == SW_OK) status = sw__infer_broadcast(q, 1, 2, &ab);
    if (status != SW_OK) return status;
    sw_tensor pair = {NULL, SW_F32, ab}, *in[2] = {q->in[0], &pair};
    struct sw_infer both = *q;
    both.in = in;
    status = sw__infer_broadcast(&both, 0, 1, &all);
    q->out[0]->dtype = q->in[1]->dtype;
    q->out[0]->shape = all;
    return status;
}

static sw_status nest_prepare(struct sw_step *s)
{
    struct sw_broadcast *b = s->note;
    const sw_shape *in[SW_BROADCAST_OPERANDS];
    for (int i = 0; i < s->n_in; i++) in[i] = &s->in[i]->shape;
    sw__broadcast_make(b, &s->out[0]->shape, in, s->n_in);
    s->n_phases = 1;
    s->tasks[0] = sw__ceil_div(b->total, SW_GRAIN);
    s->task_bytes = SW_GRAIN * (size_t)sw_dtype_get(s->out[0]->dtype)->block_bytes;
    s->flops = (double)b->total;
    return SW_OK;
}

static sw_status binary_prepare(struct sw_step *s)
{
    bool f32 = s->in[0]->dtype == SW_F32;
    bool power = ((const struct binary_attr *)s->attr)->op == SW_BINARY_POW;
    s->kernel = s->k->names[!f32    ? SW_SLOT_binary_i32
                            : power ? SW_SLOT_pow_f32
                                    : SW_SLOT_binary_f32];
    sw_status status = nest_prepare(s);
    if (f32 && !power) s->task_bytes = 0; /* the kernel sees to it */
    return status;
}

static sw_status compare_prepare(struct sw_step *s)
{
    bool f32 = s->in[0]->dtype == SW_F32;
    s->kernel = s->k->names[f32 ? SW_SLOT_compare_f32 : SW_SLOT_compare_i32];
    return nest_prepare(s);
}

static sw_status where_prepare(struct sw_step *s)
{
    s->kernel = s->k->names[SW_SLOT_where_32];
    return nest_prepare(s);
}

/* ---- run ----------------------------------------------------------------------------------------- */

static void binary_run(const struct sw_step *s, int phase, int64_t begin, int64_t end,
                       void *scratch)
{
    const struct sw_broadcast *b = s->note;
    const struct binary_attr *attr = s->attr;
    int64_t at, to, off[SW_BROADCAST_OPERANDS];
    sw__step_range(b->total, SW_GRAIN, begin, end, &at, &to);
    for (int64_t n; at < to; at += n) {
        n = sw__broadcast_run(b, at, to, off);
        if (s->in[0]->dtype == SW_F32 && attr->op == SW_BINARY_POW)
            s->k->pow_f32((float *)s->out[0]->data + at, (const float *)s->in[0]->data + off[0],
                          (const float *)s->in[1]->data + off[1], n, b->scalar);
        else if (s->in[0]->dtype == SW_F32)
            s->k->binary_f32((enum sw_binary)attr->op, (float *)s->out[0]->data + at,
                             (const float *)s->in[0]->data + off[0],
                             (const float *)s->in[1]->data + off[1], n, b->scalar,
                             sw__result_streams(s));
        else
            s->k->binary_i32((enum sw_binary)attr->op, (int32_t *)s->out[0]->data + at,
                             (const int32_t *)s->in[0]->data + off[0],
                             (const int32_t *)s->in[1]->data + off[1], n, b->scalar);
    }
}

static void compare_run(const struct sw_step *s, int phase, int64_t begin, int64_t end,
                        void *scratch)
{
    const struct sw_broadcast *b = s->note;
    const struct binary_attr *attr = s->attr;
    int64_t at, to, off[SW_BROADCAST_OPERANDS];
    sw__step_range(b->total, SW_GRAIN, begin, end, &at, &to);
    for (int64_t n; at < to; at += n) {
        uint8_t *y = (uint8_t *)s->out[0]->data + at;
        n = sw__broadcast_run(b, at, to, off);
        if (s->in[0]->dtype == SW_F32)
            s->k->compare_f32((enum sw_compare)attr->op, y, (const float *)s->in[0]->data + off[0],
                              (const float *)s->in[1]->data + off[1], n, b->scalar);
        else
            s->k->compare_i32((enum sw_compare)attr->op, y,
                              (const int32_t *)s->in[0]->data + off[0],
                              (const int32_t *)s->in[1]->data + off[1], n, b->scalar);
    }
}

static void where_run(const struct sw_step *s, int phase, int64_t begin, int64_t end, void *scratch)
{
    const struct sw_broadcast *b = s->note;
    int64_t at, to, off[SW_BROADCAST_OPERANDS];
    sw__step_range(b->total, SW_GRAIN, begin, end, &at, &to);
    for (int64_t n; at < to; at += n) {
        n = sw__broadcast_run(b, at, to, off);
        s->k->where_32((uint32_t *)s->out[0]->data + at, (const uint8_t *)s->in[0]->data + off[0],
                       (const uint32_t *)s->in[1]->data + off[1],
                       (const uint32_t *)s->in[2]->data + off[2], n, b->scalar);
    }
}

/* ---- gradients ------------------------------------------------------------------------------------ */

static void add_grad(sw_graph *g, const struct sw_op *op, sw_node *const *dy, const bool *need,
                     sw_node **dx)
{
    for (int i = 0; i < 2; i++)
        if (need[i]) dx[i] = sw__sum_to(g, dy[0], sw__op_in(op, i));
}

static void sub_grad(sw_graph *g, const struct sw_op *op, sw_node *const *dy, const bool *need,
                     sw_node **dx)
{
    if (need[0]) dx[0] = sw__sum_to(g, dy[0], sw__op_in(op, 0));
    if (need[1]) dx[1] = sw__sum_to(g, sw_neg(g, dy[0]), sw__op_in(op, 1));
}

static void mul_grad(sw_graph *g, const struct sw_op *op, sw_node *const *dy, const bool *need,
                     sw_node **dx)
{
    sw_node *a = sw__op_in(op, 0), *b = sw__op_in(op, 1);
    if (need[0]) dx[0] = sw__sum_to(g, sw_mul(g, dy[0], b), a);
    if (need[1]) dx[1] = sw__sum_to(g, sw_mul(g, dy[0], a), b);
}

static void div_grad(sw_graph *g, const struct sw_op *op, sw_node *const *dy, const bool *need,
                     sw_node **dx)
{
    sw_node *a = sw__op_in(op, 0), *b = sw__op_in(op, 1), *d = sw_div(g, dy[0], b);
    if (need[0]) dx[0] = sw__sum_to(g, d, a);
    if (need[1]) dx[1] = sw__sum_to(g, sw_neg(g, sw_mul(g, d, sw__op_out(op, 0))), b);
}

/* Where b is 0 the first is 0 whatever a is; where a is 0 the second is 0, its limit for b > 0. */
static void pow_grad(sw_graph *g, const struct sw_op *op, sw_node *const *dy, const bool *need,
                     sw_node **dx)
{
    sw_node *a = sw__op_in(op, 0), *b = sw__op_in(op, 1), *y = sw__op_out(op, 0);
    sw_node *zero = sw_scalar(g, 0), *one = sw_scalar(g, 1);
    if (need[0]) {
        sw_node *less = sw_where(g, sw_equal(g, b, zero), one, sw_sub(g, b, one));
        sw_node *slope = sw_mul(g, b, sw_pow(g, a, less));
        dx[0] = sw__sum_to(g, sw_mul(g, dy[0], slope), a);
    }
    if (need[1]) {
        sw_node *log = sw_log(g, sw_where(g, sw_equal(g, a, zero), one, a));
        dx[1] = sw__sum_to(g, sw_mul(g, dy[0], sw_mul(g, y, log)), b);
    }
}

/* dy where the condition holds goes to in[yes], elsewhere to in[no]. */
static void choice_grad(sw_graph *g, const struct sw_op *op, sw_node *condition, sw_node *dy,
                        int yes, int no, const bool *need, sw_node **dx)
{
    sw_node *zero = sw_scalar(g, 0);
    if (need[yes]) dx[yes] = sw__sum_to(g, sw_where(g, condition, dy, zero), sw__op_in(op, yes));
    if (need[no]) dx[no] = sw__sum_to(g, sw_where(g, condition, zero, dy), sw__op_in(op, no));
}

static void maximum_grad(sw_graph *g, const struct sw_op *op, sw_node *const *dy, const bool *need,
                         sw_node **dx)
{
    sw_node *won = sw_greater_equal(g, sw__op_in(op, 0), sw__op_in(op, 1));
    choice_grad(g, op, won, dy[0], 0, 1, need, dx);
}

static void minimum_grad(sw_graph *g, const struct sw_op *op, sw_node *const *dy, const bool *need,
                         sw_node **dx)
{
    sw_node *won = sw_less_equal(g, sw__op_in(op, 0), sw__op_in(op, 1));
    choice_grad(g, op, won, dy[0], 0, 1, need, dx);
}

static void where_grad(sw_graph *g, const struct sw_op *op, sw_node *const *dy, const bool *need,
                       sw_node **dx)
{
    choice_grad(g, op, sw__op_in(op, 0), dy[0], 1, 2, need, dx);
}

/* ---- classes and builders -------------------------------------------------------------------------- */

static sw_node *pair(sw_graph *g, const struct sw_op_class *cls, int op, sw_node *a, sw_node *b)
{
    struct binary_attr attr = {op};
    sw_node *in[] = {a, b};
    return sw__op_add(g, cls, &attr, sizeof attr, in, 2, 1);
}

#define BINARY(builder, title, code, gradient)                                                     \
    const struct sw_op_class sw__op_##title = {.name = #builder,                                   \
                                               .flags = SW_OP_CHEAP,                               \
                                               .inplace = 3,                                       \
                                               .note_size = sizeof(struct sw_broadcast),           \
                                               .infer = binary_infer,                              \
                                               .grad = gradient,                                   \
                                               .prepare = binary_prepare,                          \
                                               .run = binary_run};                                 \
    sw_node *sw_##builder(sw_graph *g, sw_node *a, sw_node *b)                                     \
    {                                                                                              \
        return pair(g, &sw__op_##title, code, a, b);                                               \
    }

/* sw__op_add is the function that appends ops, so the class of addition has its noun. */
BINARY(add, addition, SW_BINARY_ADD, add_grad)
BINARY(sub, sub, SW_BINARY_SUB, sub_grad)
BINARY(mul, mul, SW_BINARY_MUL, mul_grad)
BINARY(div, div, SW_BINARY_DIV, div_grad)
BINARY(pow, pow, SW_BINARY_POW, pow_grad)
BINARY(maximum, maximum, SW_BINARY_MAX, maximum_grad)
BINARY(minimum, minimum, SW_BINARY_MIN, minimum_grad)

#define COMPARISON(title, code)                                                                    \
    const struct sw_op_class sw__op_##title = {.name = #title,                                     \
                                               .flags = SW_OP_CHEAP,                               \
                                               .note_size = sizeof(struct sw_broadcast),           \
                                               .infer = compare_infer,                             \
                                               .prepare = compare_prepare,                         \
                                               .run = compare_run};                                \
    sw_node *sw_##title(sw_graph *g, sw_node *a, sw_node *b)                                       \
    {                                                                                              \
        return pair(g, &sw__op_##title, code, a, b);                                               \
    }

COMPARISON(equal, SW_COMPARE_EQUAL)
COMPARISON(not_equal, SW_COMPARE_NOT_EQUAL)
COMPARISON(less, SW_COMPARE_LESS)
COMPARISON(less_equal, SW_COMPARE_LESS_EQUAL)
COMPARISON(greater, SW_COMPARE_GREATER)
COMPARISON(greater_equal, SW_COMPARE_GREATER_EQUAL)

const struct sw_op_class sw__op_where = {.name = "where",
                                         .flags = SW_OP_CHEAP,
                                         .inplace = 6,
                                         .note_size = sizeof(struct sw_broadcast),
                                         .infer = where_infer,
                                         .grad = where_grad,
                                         .prepare = where_prepare,
                                         .run = where_run};

sw_node *sw_where(sw_graph *g, sw_node *condition, sw_node *a, sw_node *b)
{
    sw_node *in[] = {condition, a, b};
    return sw__op_add(g, &sw__op_where, NULL, 0, in, 3, 1);
}
