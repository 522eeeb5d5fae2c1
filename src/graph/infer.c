/* Shape rules: the runner and the helpers that ops use to say what does not fit.
 *
 * A message reads "matmul: (3,4) x (5,6): inner sizes 4 and 5 differ": the op, its shapes, why. */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "graph/graph_int.h"

sw_status sw__infer_run(const struct sw_op_class *cls, const void *attr, sw_tensor *const *in,
                        int n_in, sw_tensor *const *out, int n_out, char *error, size_t error_size)
{
    struct sw_infer q = {.op = cls->name,
                         .attr = attr,
                         .n_in = n_in,
                         .n_out = n_out,
                         .in = in,
                         .out = out,
                         .error = error,
                         .error_size = error_size};
    sw_status status = cls->infer(&q);
    if (status != SW_OK) return status;
    for (int i = 0; i < n_out; i++)
        if (sw_shape_bytes(&out[i]->shape, out[i]->dtype) < 0)
            return sw__infer_fail(&q, SW_ERR_SIZE, "the result is too large");
    return SW_OK;
}

sw_status sw__infer_fail(struct sw_infer *q, sw_status status, const char *format, ...)
{
    va_list args;
    int n = snprintf(q->error, q->error_size, "%s: ", q->op);
    if (n < 0 || (size_t)n >= q->error_size) return status;
    va_start(args, format);
    vsnprintf(q->error + n, q->error_size - (size_t)n, format, args);
    va_end(args);
    return status;
}

sw_status sw__infer_mismatch(struct sw_infer *q, int a, int b, const char *why)
{
    char s[SW_SHAPE_TEXT], t[SW_SHAPE_TEXT];
    return sw__infer_fail(q, SW_ERR_SHAPE, "%s x %s: %s", sw_shape_text(&q->in[a]->shape, s),
                          sw_shape_text(&q->in[b]->shape, t), why);
}

sw_status sw__infer_dtype(struct sw_infer *q, int i, sw_dtype dtype)
{
    if (i >= q->n_in || !q->in[i])
        return sw__infer_fail(q, SW_ERR_ARGUMENT, "operand %d is missing", i);
    if (q->in[i]->dtype == dtype) return SW_OK;
    return sw__infer_fail(q, SW_ERR_DTYPE, "operand %d is %s, not %s", i,
                          sw_dtype_get(q->in[i]->dtype)->name, sw_dtype_get(dtype)->name);
}

sw_status sw__infer_rank(struct sw_infer *q, int i, int lo, int hi)
{
    char s[SW_SHAPE_TEXT];
    int rank = q->in[i]->shape.rank;
    if (rank >= lo && rank <= hi) return SW_OK;
    sw_shape_text(&q->in[i]->shape, s);
    if (lo == hi)
        return sw__infer_fail(q, SW_ERR_SHAPE, "operand %d is %s, which has not %d dimensions", i,
                              s, lo);
    return sw__infer_fail(q, SW_ERR_SHAPE, "operand %d is %s, which has not %d to %d dimensions", i,
                          s, lo, hi);
}

sw_status sw__infer_axis(struct sw_infer *q, int i, int axis, int *out)
{
    char s[SW_SHAPE_TEXT];
    int rank = q->in[i]->shape.rank;
    *out = axis < 0 ? axis + rank : axis;
    if (*out >= 0 && *out < rank) return SW_OK;
    *out = 0;
    return sw__infer_fail(q, SW_ERR_SHAPE, "%s has no axis %d", sw_shape_text(&q->in[i]->shape, s),
                          axis);
}

sw_status sw__infer_broadcast(struct sw_infer *q, int a, int b, sw_shape *out)
{
    const sw_shape *x = &q->in[a]->shape, *y = &q->in[b]->shape;
    sw_shape r = {.rank = x->rank > y->rank ? x->rank : y->rank};
    for (int i = 1; i <= r.rank; i++) {
        int64_t p = i <= x->rank ? x->dim[x->rank - i] : 1;
        int64_t s = i <= y->rank ? y->dim[y->rank - i] : 1;
        if (p != s && p != 1 && s != 1)
            return sw__infer_mismatch(q, a, b, "do not broadcast against each other");
        r.dim[r.rank - i] = p == 1 ? s : p;
    }
    *out = r;
    return SW_OK;
}

bool sw__accepts_last_axis(const sw_shape *out, const sw_shape *vector)
{
    return vector->rank == 1 && out->rank >= 1 && vector->dim[0] == out->dim[out->rank - 1];
}
